"""Generated film reviews in which one sentence decides, and it is known which: vocabulary, batches."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import torch
from torch import Tensor

from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError

FOLDER = Path(__file__).resolve().parents[2] / "data" / "documents"

TOPICS = ("the story", "the actors", "the pictures", "the sound", "the cinema", "the snacks")  # most important first


@dataclass(frozen=True)
class Document:
    """A review: sentences of words, and whether it is good; which sentence decides, and the places of the words in it
    that tell so (noun, opinion, negator). Of each sentence the topic (0 is the most important), and whether it praises.
    """

    sentences: tuple[tuple[str, ...], ...]
    good: bool
    decides: int
    telling: tuple[int, ...]
    topics: tuple[int, ...]
    praises: tuple[bool, ...]

    @cached_property
    def text(self) -> str:
        """The review on one line, a slash between sentences."""
        return " / ".join(" ".join(words) for words in self.sentences)


@dataclass(frozen=True)
class Documents:
    """The corpus: 3,000 reviews to train on, 1,000 for choices, 1,000 for tests."""

    train: list[Document]
    validation: list[Document]
    test: list[Document]
    vocabulary: Vocabulary


@dataclass(frozen=True)
class Batch:
    """Reviews as numbers, ragged twice: sentences without words fill up a review, padding fills up a sentence."""

    words: Tensor  # (B, S, T) int64
    mask: Tensor  # (B, S, T) bool, True at words; a padded sentence has none
    good: Tensor  # (B,) int64, 1 for a good review
    decides: Tensor  # (B,) int64, the sentence that decides
    telling: Tensor  # (B, S, T) bool, True at the words that tell
    documents: tuple[Document, ...]


@lru_cache(maxsize=1)
def load_documents() -> Documents:
    """Read the corpus that lies in data/documents.

    Raises:
        CourseError: a file is missing, or is not the one that the course was made with.
    """
    sets = {name: _read(FOLDER / f"{name}.tsv") for name in ("train", "validation", "test")}
    words = (word for document in sets["train"] for sentence in document.sentences for word in sentence)
    return Documents(**sets, vocabulary=Vocabulary(words))


def _read(path: Path) -> list[Document]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(
            f"data/documents/{path.name} is missing: run `make data`, or take the course anew."
        ) from error
    sums = dict(reversed(line.split()) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256(content).hexdigest() != sums.get(path.name):
        raise CourseError(f"data/documents/{path.name} is not what the course was made with: run `make data`.")
    return [_document(line) for line in content.decode("utf-8").splitlines()]


def _document(line: str) -> Document:
    text, label, decides, telling, topics, praises = line.split("\t")
    return Document(
        tuple(tuple(sentence.split()) for sentence in text.split(" / ")),
        label == "good",
        int(decides),
        tuple(map(int, telling.split())),
        tuple(map(int, topics.split())),
        tuple(sign == "+" for sign in praises.split()),
    )


def batches(data: Documents, documents: Sequence[Document], size: int, seed: int | None = None) -> Iterator[Batch]:
    """One pass over the documents in batches of at most `size`.

    Without a seed they come in their order. With one they are shuffled, and documents of like length share a batch.
    """
    chosen = list(documents)
    if seed is not None:
        rng = random.Random(seed)
        rng.shuffle(chosen)
        chosen.sort(key=lambda document: len(document.sentences) + 3 * rng.random())
    groups = [chosen[i : i + size] for i in range(0, len(chosen), size)]
    if seed is not None:
        rng.shuffle(groups)
    for group in groups:
        yield as_batch(group, data.vocabulary)


def as_batch(documents: Sequence[Document], vocabulary: Vocabulary) -> Batch:
    """These documents as one batch."""
    B, S = len(documents), max(len(document.sentences) for document in documents)
    T = max(len(sentence) for document in documents for sentence in document.sentences)
    words = torch.full((B, S, T), Vocabulary.pad)
    telling = torch.zeros(B, S, T, dtype=torch.bool)
    for b, document in enumerate(documents):
        for s, sentence in enumerate(document.sentences):
            words[b, s, : len(sentence)] = torch.tensor(vocabulary.encode(sentence))
        telling[b, document.decides, list(document.telling)] = True
    return Batch(
        words,
        words != Vocabulary.pad,
        torch.tensor([int(document.good) for document in documents]),
        torch.tensor([document.decides for document in documents]),
        telling,
        tuple(documents),
    )
