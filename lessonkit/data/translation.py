"""The generated English-French corpus with gold word alignments: pairs, vocabularies, batches."""

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from lessonkit.errors import CourseError

FOLDER = Path(__file__).resolve().parents[2] / "data" / "translation"


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation. `links` are the gold alignment: (source index, target index), from 0."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    links: frozenset[tuple[int, int]]


class Vocabulary:
    """Words and their numbers; 0 to 3 are padding, beginning and end of a sentence, and unknown words."""

    pad, bos, eos, unk = 0, 1, 2, 3

    def __init__(self, words: Iterable[str]):
        self.words: tuple[str, ...] = ("<pad>", "<bos>", "<eos>", "<unk>", *sorted(set(words)))
        self._number = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, words: Iterable[str]) -> list[int]:
        """The numbers of words; no beginning or end is added."""
        return [self._number.get(word, self.unk) for word in words]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """The words of numbers, up to the end of the sentence; padding and beginnings are left out."""
        words = []
        for number in map(int, numbers):
            if number == self.eos:
                break
            if number not in (self.pad, self.bos):
                words.append(self.words[number])
        return words


@dataclass(frozen=True)
class Translation:
    """The corpus. Source lengths: test_short 4-9 words, test_medium 10-18, test_long 19-30; the others 4-30."""

    train: list[Pair]
    validation: list[Pair]
    test_short: list[Pair]
    test_medium: list[Pair]
    test_long: list[Pair]
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary


@dataclass(frozen=True)
class Batch:
    """Sentence pairs as numbers: each row ends with EOS, then padding. Masks are True at words and at EOS."""

    src: Tensor  # (B, S) int64
    src_mask: Tensor  # (B, S) bool
    tgt: Tensor  # (B, T) int64
    tgt_mask: Tensor  # (B, T) bool
    pairs: tuple[Pair, ...]


@lru_cache(maxsize=1)
def load_translation() -> Translation:
    """Read the corpus that lies in data/translation.

    Raises:
        CourseError: a file is missing, or is not the one that the course was made with.
    """
    names = ("train", "validation", "test_short", "test_medium", "test_long")
    sets = {name: _read(FOLDER / f"{name}.tsv") for name in names}
    source = Vocabulary(word for pair in sets["train"] for word in pair.source)
    target = Vocabulary(word for pair in sets["train"] for word in pair.target)
    return Translation(**sets, source_vocabulary=source, target_vocabulary=target)


def _read(path: Path) -> list[Pair]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(
            f"data/translation/{path.name} is missing: run `make data`, or take the course anew."
        ) from error
    sums = dict(reversed(line.split()) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256(content).hexdigest() != sums.get(path.name):
        raise CourseError(f"data/translation/{path.name} is not what the course was made with: run `make data`.")
    return [_pair(line) for line in content.decode("utf-8").splitlines()]


def _pair(line: str) -> Pair:
    source, target, links = line.split("\t")
    indices = (link.split("-") for link in links.split())
    return Pair(tuple(source.split()), tuple(target.split()), frozenset((int(i), int(j)) for i, j in indices))


def batches(
    pairs: Sequence[Pair],
    source_vocabulary: Vocabulary,
    target_vocabulary: Vocabulary,
    size: int,
    seed: int | None = None,
    reverse_source: bool = False,
) -> Iterator[Batch]:
    """One pass over the pairs in batches of at most `size`.

    Without a seed the pairs come in their order. With one they are shuffled, and pairs of like length share a batch, so
    that little is spent on padding. `reverse_source` turns the source words around (EOS stays at the end).
    """
    chosen = list(pairs)
    if seed is not None:
        rng = random.Random(seed)
        rng.shuffle(chosen)
        chosen.sort(key=lambda pair: len(pair.source) + rng.random())
    groups = [chosen[i : i + size] for i in range(0, len(chosen), size)]
    if seed is not None:
        rng.shuffle(groups)
    for group in groups:
        sources = [pair.source[::-1] if reverse_source else pair.source for pair in group]
        src = _padded([source_vocabulary.encode(words) for words in sources])
        tgt = _padded([target_vocabulary.encode(pair.target) for pair in group])
        yield Batch(src, src != Vocabulary.pad, tgt, tgt != Vocabulary.pad, tuple(group))


def _padded(rows: list[list[int]]) -> Tensor:
    longest = max(map(len, rows)) + 1
    return torch.tensor([[*row, Vocabulary.eos] + [Vocabulary.pad] * (longest - len(row) - 1) for row in rows])
