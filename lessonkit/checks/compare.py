"""How far two arrays may be apart and still count as the same."""

import numpy as np

# Relative to the largest expected value of the array. Wide enough for an answer that went through float32 on the way,
# since a known mistake is told apart at STRICT; HALF is what rounding to float16 costs.
LOOSE, STRICT, HALF = 2e-5, 1e-8, 1e-3


def close(got: np.ndarray, want: np.ndarray, tolerance: float) -> bool:
    """Whether every entry is within the tolerance."""
    return bool(close_each(got, want, tolerance).all())


def close_each(got: np.ndarray, want: np.ndarray, tolerance: float) -> np.ndarray:
    """Which entries are within the tolerance. Whole numbers and booleans must be equal."""
    if want.dtype.kind in "biu":
        return got == want
    if got.dtype.kind == "f" and got.dtype.itemsize <= 4:
        tolerance = max(tolerance, LOOSE if got.dtype.itemsize == 4 else HALF)
    a, b = got.astype(float, copy=False), want.astype(float, copy=False)
    largest = np.abs(b).max(initial=0.0)
    finite = largest < np.inf  # not NaN either
    scale = largest if finite else np.abs(b[np.isfinite(b)]).max(initial=0.0)
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= (tolerance * scale if scale else 1e-7)
    return near if finite else near | (a == b) | (np.isnan(a) & np.isnan(b))


def distance(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference, relative to the largest expected value; 1 where shapes differ or it isn't finite."""
    if got.shape != want.shape:
        return 1.0
    a, b = got.astype(float, copy=False), want.astype(float, copy=False)
    both = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~both], b[~both], equal_nan=True):
        return 1.0
    scale = np.abs(b[both]).max(initial=0.0) or 1.0
    with np.errstate(all="ignore"):
        return float(min(1.0, np.abs(a[both] - b[both]).max(initial=0.0) / scale))
