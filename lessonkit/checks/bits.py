"""Random numbers that no version of numpy changes: our own few lines over the raw bits of PCG64."""

import math

import numpy as np


class Bits:
    """Uniform and normal numbers, integers and permutations from a seed.

    Only operations that every machine rounds alike are used: sums, products and shifts, no logarithm.
    """

    def __init__(self, seed: int):
        self._raw = np.random.PCG64(seed)

    def _words(self, *shape: int) -> np.ndarray:
        return self._raw.random_raw(int(math.prod(shape))).reshape(shape)

    def uniform(self, *shape: int) -> np.ndarray:
        """Numbers from [0, 1), float64: the upper 53 bits of a word."""
        return (self._words(*shape) >> np.uint64(11)) * 2.0**-53

    def normal(self, *shape: int) -> np.ndarray:
        """Nearly normal numbers with mean 0 and variance 1, float64: the sum of twelve uniform ones, less 6."""
        words = self._words(*shape, 6)
        halves = (words >> np.uint64(32)) + (words & np.uint64(0xFFFFFFFF))
        return np.asarray(halves.sum(-1) * 2.0**-32 - 6.0)

    def integers(self, low: int, high: int, *shape: int) -> np.ndarray:
        """Integers from [low, high), int64; high − low is far below 2³²."""
        scaled = (self._words(*shape) >> np.uint64(32)) * np.uint64(high - low) >> np.uint64(32)
        return scaled.astype(np.int64) + low

    def permutation(self, n: int) -> np.ndarray:
        """0 … n − 1 in random order, int64."""
        return np.argsort(self._words(n), kind="stable").astype(np.int64)
