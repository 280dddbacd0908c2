"""Inputs for a check, drawn from a seed."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lessonkit.checks.bits import Bits
from lessonkit.checks.watching import snapshot, unchanged


class Draw:
    """Draws the inputs of one probe; the same seed gives the same inputs on every machine, whatever numpy there is.

    Whatever is handed out is remembered, so that the judge can tell whether an answer changed it in place. Floats come
    in `dtype`, and are drawn in float64.
    """

    def __init__(self, seed: int, dtype: torch.dtype = torch.float64):
        self._bits = Bits(seed)
        self._dtype = dtype
        self._watched: list[tuple[object, object]] = []
        self._sha = hashlib.sha256()
        self._shares: set[int] = set()  # ids of the tensors whose rows sum to 1

    def normal(self, *shape: int, scale: float = 1.0, grad: bool = False) -> Tensor:
        """Independent, nearly normal numbers with mean 0 and standard deviation `scale`, of the given shape."""
        return self._hand_out(self._bits.normal(*shape) * scale, grad)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0, grad: bool = False) -> Tensor:
        """Independent uniform numbers from [low, high), of the given shape."""
        return self._hand_out(low + (high - low) * self._bits.uniform(*shape), grad)

    def weights(self, *shape: int) -> Tensor:
        """Positive numbers that sum to 1 over the last axis."""
        raw = self._bits.integers(100_000, 1_000_000, *shape)
        tensor = self._hand_out(raw / raw.sum(-1, keepdims=True))
        self._shares.add(id(tensor))
        return tensor

    def integers(self, low: int, high: int, *shape: int) -> Tensor | int:
        """Integers from [low, high): an int64 tensor of the given shape, or one Python int without a shape."""
        drawn = self._bits.integers(low, high, *shape)
        return self._hand_out(drawn) if shape else self._note(int(drawn))

    def permutation(self, n: int) -> Tensor:
        """0 … n − 1 in random order, int64, (n,)."""
        return self._hand_out(self._bits.permutation(n))

    def size(self, low: int, high: int) -> int:
        """One int from low to high, both included."""
        return self.integers(low, high + 1)

    def sizes(self, count: int, low: int = 2, high: int = 7) -> list[int]:
        """`count` pairwise different ints from low to high, both included: lengths of axes that can't be mixed up."""
        if count > high - low + 1:
            raise ValueError(f"there are no {count} different sizes from {low} to {high}")
        return [low + self._note(int(i)) for i in self._bits.permutation(high - low + 1)[:count]]

    def tokens(self, count: int, vocabulary: int) -> list[int]:
        """`count` different ints anywhere in 0 … vocabulary − 1: numbers of pad, bos, eos ..."""
        return self.sizes(count, 0, vocabulary - 1)

    def choice(self, options: Sequence) -> object:
        """One of the options."""
        return options[self.integers(0, len(options))]

    def scale(self, low: float = 0.1, high: float = 30.0) -> float:
        """A factor, log-uniform between low and high, to three digits."""
        drawn = low * (high / low) ** float(self._bits.uniform())
        return self._note(float(f"{drawn:.3g}"))

    def lengths(self, B: int, T: int) -> Tensor:
        """Lengths of B rows, int64 (B,): one is 1, one is T, the others lie between; in random order. B ≥ 2."""
        return self._hand_out(self._lengths(B, T))

    def mask(self, B: int, T: int, empty: bool = False) -> Tensor:
        """Which positions may be attended to, bool (B, T), True at the front of each row up to its length.

        One row has a single True, one is full; with `empty` one more has none.
        """
        lengths = self._lengths(B - 1 if empty else B, T)
        if empty:
            lengths = np.insert(lengths, int(self._bits.integers(0, B)), 0)
        return self._hand_out(np.arange(T) < lengths[:, None])

    def _lengths(self, B: int, T: int) -> np.ndarray:
        if B < 2:
            raise ValueError("a batch of lengths needs at least 2 rows: a short one and a full one")
        between = self._bits.integers(min(2, T), max(T, 3), B - 2)
        return np.concatenate([[1, T], between])[self._bits.permutation(B)]

    def words(self, B: int, T: int, vocabulary: int, pad: int | None = None, but: Sequence[int] = ()) -> Tensor:
        """Words 0 … vocabulary − 1, none of `but`, int64 (B, T). With `pad`, rows end with it after 1 … T others."""
        allowed = np.array([word for word in range(vocabulary) if word != pad and word not in but])
        words = allowed[self._bits.integers(0, len(allowed), B, T)]
        if pad is not None:
            words = np.where(np.arange(T) < self._lengths(B, T)[:, None], words, pad)
        return self._hand_out(words)

    def watch(self, value: object, shares: bool = False) -> object:
        """What the probe made itself: a copy of a tensor, or a list, set, dictionary, module as it is.

        The judge notices if an answer changes it. `shares`: the rows of this tensor sum to 1.
        """
        value = value.detach().clone() if isinstance(value, Tensor) else value
        self._watched.append((value, snapshot(value)))
        self._shares |= {id(value)} if shares else set()
        return value

    def is_shares(self, tensor: Tensor) -> bool:
        """Whether this tensor came from `weights`: its rows sum to 1, and only changes that keep the sum count."""
        return id(tensor) in self._shares

    def _hand_out(self, values: np.ndarray, grad: bool = False) -> Tensor:
        values = np.ascontiguousarray(values)
        self._sha.update(values.tobytes())
        tensor = torch.from_numpy(values).clone()
        if tensor.is_floating_point():
            tensor = tensor.to(self._dtype).requires_grad_(grad)
        self._watched.append((tensor, snapshot(tensor)))
        return tensor

    def _note(self, number: int | float) -> int | float:
        self._sha.update(repr(number).encode())
        return number

    def changed(self) -> tuple[str, ...]:
        """Those of the things handed out, by number in the order of drawing, that are no longer what was drawn."""
        return tuple(f"drawn {i}" for i, (now, then) in enumerate(self._watched) if not unchanged(now, then))

    def digest(self) -> str:
        """A short fingerprint of everything drawn: it differs where a probe was changed."""
        return self._sha.hexdigest()[:16]
