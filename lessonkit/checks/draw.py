"""Inputs for a check, drawn from a seed."""

import hashlib

import numpy as np
import torch
from torch import Tensor


class Draw:
    """Draws the inputs of one probe; the same seed gives the same inputs on every machine.

    Every tensor handed out is remembered, so that the judge can tell whether an answer changed one in place.
    """

    def __init__(self, seed: int):
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._drawn: list[tuple[Tensor, Tensor]] = []

    def normal(self, *shape: int, scale: float = 1.0, grad: bool = False) -> Tensor:
        """Independent normal numbers with mean 0 and standard deviation `scale`, float64, of the given shape."""
        return self._hand_out(self._random.normal(0.0, scale, shape), grad)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0, grad: bool = False) -> Tensor:
        """Independent uniform numbers from [low, high), float64, of the given shape."""
        return self._hand_out(self._random.uniform(low, high, shape), grad)

    def weights(self, *shape: int) -> Tensor:
        """Positive float64 numbers that sum to 1 over the last axis."""
        raw = self._random.uniform(0.1, 1.0, shape)
        return self._hand_out(raw / raw.sum(-1, keepdims=True))

    def integers(self, low: int, high: int, *shape: int) -> Tensor | int:
        """Integers from [low, high): an int64 tensor of the given shape, or one Python int without a shape."""
        drawn = self._random.integers(low, high, shape)
        return self._hand_out(drawn) if shape else int(drawn)

    def permutation(self, n: int) -> Tensor:
        """0 … n − 1 in random order, int64, (n,)."""
        return self._hand_out(self._random.permutation(n))

    def lengths(self, B: int, T: int) -> Tensor:
        """Lengths of B rows, int64 (B,): one is 1, one is T, the others lie between; in random order. B ≥ 2."""
        if B < 2:
            raise ValueError("a batch of lengths needs at least 2 rows: a short one and a full one")
        between = self._random.integers(min(2, T), max(T, 3), B - 2)
        return self._hand_out(self._random.permutation(np.concatenate([[1, T], between])))

    def mask(self, B: int, T: int, empty: bool = False) -> Tensor:
        """Which positions may be attended to, bool (B, T), True at the front of each row up to its length.

        One row has a single True, one is full; with `empty` the last row has none.
        """
        lengths = self.lengths(B - 1 if empty else B, T)
        self._drawn.pop()
        rows = torch.arange(T) < lengths.unsqueeze(1)
        if empty:
            rows = torch.cat([rows, torch.zeros(1, T, dtype=torch.bool)])
        return self._hand_out(rows.numpy())

    def watch(self, values: Tensor) -> Tensor:
        """A copy of what the probe made from drawn tensors; the judge notices if an answer changes it, too."""
        return self._hand_out(values.detach().numpy())

    def _hand_out(self, values: np.ndarray, grad: bool = False) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(values)).clone().requires_grad_(grad)
        self._drawn.append((tensor, tensor.detach().clone()))
        return tensor

    def changed(self) -> tuple[int, ...]:
        """The numbers (in the order of drawing) of those tensors that no longer hold what was drawn."""
        return tuple(i for i, (now, then) in enumerate(self._drawn) if not _same(now.detach(), then))

    def shape(self, i: int) -> tuple[int, ...]:
        """The shape of the i-th tensor drawn."""
        return tuple(self._drawn[i][1].shape)

    def digest(self) -> str:
        """A short fingerprint of everything drawn: it differs where the random numbers of the installed numpy do."""
        sha = hashlib.sha256()
        for _, then in self._drawn:
            sha.update(then.numpy().tobytes())
        return sha.hexdigest()[:16]


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a, b)
