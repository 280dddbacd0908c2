"""Generated sequences with something to remember: one marked word, or many items of which each is asked for later."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

LENGTH, VALUES, KEYS = 64, 8, 32  # words of a sequence, values to remember, items of a sequence that asks
WORDS = {"mark": 2 * VALUES, "asked": KEYS * VALUES + KEYS}  # so many different words


@dataclass(frozen=True)
class Sequences:
    """Sequences of words, and where what is remembered: the answer at a place lies `distance` words back.

    Where nothing is asked, `distance` is 0. A guess is right once in `VALUES`.
    """

    words: Tensor  # (N, T) int64
    answers: Tensor  # (N, T) int64, a value; 0 where nothing is asked
    distance: Tensor  # (N, T) int64

    @property
    def asked(self) -> Tensor:
        """Where an answer is asked for: (N, T) bool."""
        return self.distance > 0


def draw_mark(count: int, seed: int, T: int = LENGTH) -> Sequences:
    """One word is marked; every word behind it is asked for the marked one's value.

    A plain word with value v is the number v, a marked one is VALUES + v.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    words = rng.integers(0, VALUES, (count, T))
    place = rng.integers(0, T - 1, count)
    rows = np.arange(count)
    answers = np.repeat(words[rows, place][:, None], T, axis=1)
    words[rows, place] += VALUES
    distance = np.maximum(np.arange(T) - place[:, None], 0)
    return _sequences(words, np.where(distance > 0, answers, 0), distance)


def draw_asked(count: int, seed: int, T: int = LENGTH) -> Sequences:
    """Half of the words are items, each with another key and a value; for each of them its value is asked for, once.

    Item (k, v) is the word k · VALUES + v; the question for key k is the word KEYS · VALUES + k.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    pairs = rng.random((count, T)).argsort(axis=1).reshape(count, T // 2, 2)  # two places for each key
    first, second = pairs.min(axis=2), pairs.max(axis=2)
    keys = rng.random((count, KEYS)).argsort(axis=1)[:, : T // 2]
    values = rng.integers(0, VALUES, (count, T // 2))
    words, answers, distance = (np.zeros((count, T), dtype=np.int64) for _ in range(3))
    rows = np.arange(count)[:, None]
    words[rows, first] = keys * VALUES + values
    words[rows, second] = KEYS * VALUES + keys
    answers[rows, second] = values
    distance[rows, second] = second - first
    return _sequences(words, answers, distance)


def fresh(draw: Callable[[int, int], Sequences], size: int, seed: int) -> Iterator[Sequences]:
    """Batches of new sequences without end; seeds below a million are kept for validation and tests."""
    for batch in itertools.count(1):
        yield draw(size, 1_000_000 * (seed + 1) + batch)


def by_distance(right: Tensor, sequences: Sequences, edges: tuple[int, ...]) -> list[float]:
    """The share of right answers (N, T) bool at distances from each edge up to the next (not included)."""
    found = []
    for low, high in itertools.pairwise(edges):
        there = (sequences.distance >= low) & (sequences.distance < high)
        found.append(right[there].float().mean().item())
    return found


def _sequences(words: np.ndarray, answers: np.ndarray, distance: np.ndarray) -> Sequences:
    return Sequences(*(torch.from_numpy(part.astype(np.int64)) for part in (words, answers, distance)))
