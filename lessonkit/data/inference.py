"""Generated pairs of sentences: does the first imply the second, contradict it, or neither? Vocabulary, batches."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError

FOLDER = Path(__file__).resolve().parents[2] / "data" / "inference"

LABELS = ("entailment", "contradiction", "neutral")
NEGATORS = ("not", "never")


@dataclass(frozen=True)
class Pair:
    """A premise and a hypothesis, and what the one says about the other.

    `decides`: the places in the premise of the words that decide (a property and its negator; none for neutral);
    `telling`: those of all properties and negators.
    """

    premise: tuple[str, ...]
    hypothesis: tuple[str, ...]
    label: str
    decides: tuple[int, ...]
    telling: tuple[int, ...]

    @property
    def facts(self) -> tuple[tuple[int, ...], ...]:
        """The places of each property that the premise speaks of, with its negator's, if it has one."""
        facts, begun = [], ()
        for place in self.telling:  # a negator belongs to the next property behind it
            begun += (place,)
            if self.premise[place] not in NEGATORS:
                facts.append(begun)
                begun = ()
        return tuple(facts)


@dataclass(frozen=True)
class Inference:
    """The corpus. Words of a premise: test_medium 15-20, test_long 21-30; the others 6-14."""

    train: list[Pair]
    validation: list[Pair]
    test_short: list[Pair]
    test_medium: list[Pair]
    test_long: list[Pair]
    vocabulary: Vocabulary


@dataclass(frozen=True)
class Batch:
    """Pairs as numbers, padded at the end. Masks are True at words."""

    premise: Tensor  # (B, T) int64
    premise_mask: Tensor  # (B, T) bool
    hypothesis: Tensor  # (B, S) int64
    hypothesis_mask: Tensor  # (B, S) bool
    label: Tensor  # (B,) int64, a number in LABELS
    telling: Tensor  # (B, T) bool, True at properties and negators of the premise
    decides: Tensor  # (B, T) bool, True at those that decide
    pairs: tuple[Pair, ...]


@lru_cache(maxsize=1)
def load_inference() -> Inference:
    """Read the corpus that lies in data/inference.

    Raises:
        CourseError: a file is missing, or is not the one that the course was made with.
    """
    names = ("train", "validation", "test_short", "test_medium", "test_long")
    sets = {name: _read(FOLDER / f"{name}.tsv") for name in names}
    return Inference(**sets, vocabulary=Vocabulary(word for p in sets["train"] for word in p.premise + p.hypothesis))


def _read(path: Path) -> list[Pair]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(
            f"data/inference/{path.name} is missing: run `make data`, or take the course anew."
        ) from error
    sums = dict(reversed(line.split()) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256(content).hexdigest() != sums.get(path.name):
        raise CourseError(f"data/inference/{path.name} is not what the course was made with: run `make data`.")
    return [_pair(line) for line in content.decode("utf-8").splitlines()]


def _pair(line: str) -> Pair:
    premise, hypothesis, label, decides, telling = line.split("\t")
    places = (tuple(map(int, column.split())) for column in (decides, telling))
    return Pair(tuple(premise.split()), tuple(hypothesis.split()), label, *places)


def batches(data: Inference, pairs: Sequence[Pair], size: int, seed: int | None = None) -> Iterator[Batch]:
    """One pass over the pairs in batches of at most `size`.

    Without a seed they come in their order. With one they are shuffled, and premises of like length share a batch.
    """
    chosen = list(pairs)
    if seed is not None:
        rng = random.Random(seed)
        rng.shuffle(chosen)
        chosen.sort(key=lambda pair: len(pair.premise) + 3 * rng.random())
    groups = [chosen[i : i + size] for i in range(0, len(chosen), size)]
    if seed is not None:
        rng.shuffle(groups)
    for group in groups:
        yield as_batch(group, data.vocabulary)


def as_batch(pairs: Sequence[Pair], vocabulary: Vocabulary) -> Batch:
    """These pairs as one batch."""
    premise, hypothesis = (
        _padded([vocabulary.encode(words) for words in sentences])
        for sentences in ([pair.premise for pair in pairs], [pair.hypothesis for pair in pairs])
    )
    telling, decides = (torch.zeros(premise.shape, dtype=torch.bool) for _ in range(2))
    for b, pair in enumerate(pairs):
        telling[b, list(pair.telling)] = True
        decides[b, list(pair.decides)] = True
    return Batch(
        premise,
        premise != Vocabulary.pad,
        hypothesis,
        hypothesis != Vocabulary.pad,
        torch.tensor([LABELS.index(pair.label) for pair in pairs]),
        telling,
        decides,
        tuple(pairs),
    )


def _padded(rows: list[list[int]]) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [Vocabulary.pad] * (longest - len(row)) for row in rows])
