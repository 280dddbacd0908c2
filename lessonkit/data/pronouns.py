"""Generated sentences with one pronoun each, whose antecedent and translation are known: vocabulary, batches."""

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

FOLDER = Path(__file__).resolve().parents[2] / "data" / "pronouns"

ANSWERS = ("hann", "hún", "það", "þeir", "þær", "þau")  # he, she, it; they, of three genders


@dataclass(frozen=True)
class Sentence:
    """Words, the pronoun's translation into Icelandic, and places (from 0): of the pronoun, of the noun it stands for,
    of the word that decides which, and of all nouns that may be meant."""

    words: tuple[str, ...]
    answer: str
    pronoun: int
    antecedent: int
    decider: int
    candidates: tuple[int, ...]

    @property
    def distance(self) -> int:
        """How many words apart the two stand: 1 for neighbours."""
        return abs(self.pronoun - self.antecedent)

    @property
    def looks_back(self) -> bool:
        """Whether the antecedent stands before the pronoun, not after it."""
        return self.antecedent < self.pronoun


@dataclass(frozen=True)
class Pronouns:
    """The corpus. Distances: test_short 6-11 words, test_medium 12-18, test_long 19-28; the others 6-28."""

    train: list[Sentence]
    validation: list[Sentence]
    test_short: list[Sentence]
    test_medium: list[Sentence]
    test_long: list[Sentence]
    vocabulary: Vocabulary
    answers: tuple[str, ...]  # the translations to choose from


@dataclass(frozen=True)
class Batch:
    """Sentences as numbers, padded at the end. The mask is True at words."""

    words: Tensor  # (B, T) int64
    mask: Tensor  # (B, T) bool
    pronoun: Tensor  # (B,) int64, the place of the pronoun
    answer: Tensor  # (B,) int64, a number in `Pronouns.answers`
    sentences: tuple[Sentence, ...]


@lru_cache(maxsize=1)
def load_pronouns() -> Pronouns:
    """Read the corpus that lies in data/pronouns.

    Raises:
        CourseError: a file is missing, or is not the one that the course was made with.
    """
    names = ("train", "validation", "test_short", "test_medium", "test_long")
    sets = {name: _read(FOLDER / f"{name}.tsv") for name in names}
    vocabulary = Vocabulary(word for sentence in sets["train"] for word in sentence.words)
    return Pronouns(**sets, vocabulary=vocabulary, answers=ANSWERS)


def _read(path: Path) -> list[Sentence]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"data/pronouns/{path.name} is missing: run `make data`, or take the course anew.") from error
    sums = dict(reversed(line.split()) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256(content).hexdigest() != sums.get(path.name):
        raise CourseError(f"data/pronouns/{path.name} is not what the course was made with: run `make data`.")
    return [_sentence(line) for line in content.decode("utf-8").splitlines()]


def _sentence(line: str) -> Sentence:
    words, answer, pronoun, antecedent, decider, candidates = line.split("\t")
    places = tuple(int(place) for place in candidates.split())
    return Sentence(tuple(words.split()), answer, int(pronoun), int(antecedent), int(decider), places)


def batches(data: Pronouns, sentences: Sequence[Sentence], size: int, seed: int | None = None) -> Iterator[Batch]:
    """One pass over the sentences in batches of at most `size`.

    Without a seed they come in their order. With one they are shuffled, and sentences of like length share a batch.
    """
    chosen = list(sentences)
    if seed is not None:
        rng = random.Random(seed)
        rng.shuffle(chosen)
        chosen.sort(key=lambda sentence: len(sentence.words) + 4 * rng.random())
    groups = [chosen[i : i + size] for i in range(0, len(chosen), size)]
    if seed is not None:
        rng.shuffle(groups)
    for group in groups:
        rows = [data.vocabulary.encode(sentence.words) for sentence in group]
        longest = max(map(len, rows))
        words = torch.tensor([row + [Vocabulary.pad] * (longest - len(row)) for row in rows])
        yield Batch(
            words,
            words != Vocabulary.pad,
            torch.tensor([sentence.pronoun for sentence in group]),
            torch.tensor([data.answers.index(sentence.answer) for sentence in group]),
            tuple(group),
        )
