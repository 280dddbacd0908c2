"""What the difference of two arrays tells of the mistake: sign, factor, axis, order, mask."""

import itertools

import numpy as np

from lessonkit.checks.compare import LOOSE, close, close_each
from lessonkit.checks.relations import different, nearly, relation, soft, source_of, too_many_or_few


def finding_text(name: str, got: np.ndarray, want: np.ndarray) -> tuple[str, str]:
    """The general sentence, and the first entry that differs."""
    where = np.argwhere(~close_each(got, want, LOOSE))
    first = tuple(int(i) for i in where[0])
    index = f"[{', '.join(map(str, first))}]" if first else ""
    detail = (
        f"{name}{index} is {_number(got[first])}, expected {_number(want[first])}; "
        f"{len(where)} of {want.size} values differ."
    )
    return f"The values of `{name}` are not right.", detail


def _number(value: np.generic) -> str:
    return f"{value:.6g}" if value.dtype.kind == "f" else str(value)


def not_finite(name: str, got: np.ndarray, want: np.ndarray) -> tuple[str, str]:
    """Sentence and detail where NaN stands in other places than expected."""
    where = np.argwhere(np.isnan(got) != np.isnan(want))
    count, first = len(where), tuple(int(i) for i in where[0])
    if not np.isnan(got[first]):
        return f"The result `{name}` should be NaN at {count} of {got.size} places.", ""
    return (
        f"The result `{name}` has {count} NaN among its {got.size} values: look for inf − inf, 0 / 0, an exponential "
        "that overflowed (∞ / ∞, ∞ · 0), the logarithm or root of a negative number, or a softmax in which everything "
        "is −∞ (a row that is masked as a whole, or the wrong axis).",
        f"The first is at index {list(first)}.",
    )


def shape_hint(got: np.ndarray, want: np.ndarray) -> str:
    """What two shapes that differ tell."""
    if got.ndim == want.ndim:
        if sorted(got.shape) == sorted(want.shape):
            return " Two of its axes are swapped."
        return _part_of_it(got, want) or _other_length(got, want)
    if got.ndim == want.ndim + 1:
        longer = [i for i in range(got.ndim) if got.shape[:i] + got.shape[i + 1 :] == want.shape]
        if any(got.shape[i] == 1 for i in longer):
            return " It has one axis too many, of length 1: `squeeze` that one."
        return " It has one axis too many." + (" Was nothing summed over it?" if longer else "")
    if got.ndim == want.ndim - 1:
        return " It has one axis too few: was something summed or squeezed?"
    return ""


def _other_length(got: np.ndarray, want: np.ndarray) -> str:
    """Which axis alone has another length."""
    axes = [i for i in range(got.ndim) if got.shape[i] != want.shape[i]]
    if len(axes) != 1 or got.ndim < 2:
        return ""
    axis = axes[0]
    return (
        f" Axis {axis} has length {got.shape[axis]}; it should have {want.shape[axis]}: was a sum or a product taken "
        "over another axis, or a step left out?"
    )


def _part_of_it(got: np.ndarray, want: np.ndarray) -> str:
    """Whether one is the other without a part at one end of one axis."""
    axes = [i for i in range(got.ndim) if got.shape[i] != want.shape[i]]
    if len(axes) != 1 or 0 in (got.shape[axes[0]], want.shape[axes[0]]):
        return ""
    axis, count = axes[0], abs(got.shape[axes[0]] - want.shape[axes[0]])
    short, long = (got, want) if got.shape[axis] < want.shape[axis] else (want, got)
    for end, part in (("end", slice(None, -count)), ("beginning", slice(count, None))):
        if close(short, long[(slice(None),) * axis + (part,)], LOOSE):
            what = "is missing" if short is got else "is too much"
            return (
                f" The rest is right: what {what} is the {'last' if end == 'end' else 'first'} {count} of axis {axis}."
            )
    return ""


def hint_of(got: np.ndarray, want: np.ndarray) -> str:
    """What a constant factor, a mask turned round, another axis or order tell of the mistake, if it is one."""
    if want.size < 2:
        return _of_a_share(got, want) if want.size == 1 and want.dtype.kind == got.dtype.kind == "f" else ""
    if want.dtype.kind == "b":
        if np.array_equal(got, ~want):
            return " Each is turned round: True where it should be False (in a mask True means *may attend*)."
        return _moved(got, want) or too_many_or_few(got, want)
    if got.dtype.kind not in "fiu":
        return ""
    a, b = got.astype(float), want.astype(float)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return ""
    if close(-a, b, LOOSE):
        return " Each has the wrong sign."
    if moved := _other_axis(a, b):
        return f" They sum to 1 over axis {moved[0]}; they should over axis {moved[1]}: another `dim` in the softmax."
    if normalised := _needlessly_normalised(a, b):
        return normalised
    if reordered := _reordered(a, b):
        return _factor_or_offset(a, b) or _moved(a, b) or reordered
    if want.dtype.kind == "f" and _masked_the_wrong_way(a, b):
        return " There is weight just where none may be: the mask is turned round (True means *may attend*)."
    near = nearly(a, b) if want.dtype.kind == "f" else ""
    return near or _factor_or_offset(a, b) or _moved(a, b) or relation(a, b)


def _of_a_share(got: np.ndarray, want: np.ndarray) -> str:
    """Whether one number from 0 to 1 is the other's complement, or its percentage."""
    a, b = float(got.flat[0]), float(want.flat[0])
    if not 0 < b < 1 or abs(b - 0.5) < 1e-3:
        return ""
    if abs(a + b - 1) < 1e-6:
        return " It is 1 minus what it should be."
    return " It is 100 times what it should be: a share is a number from 0 to 1." if abs(a / b - 100) < 1e-4 else ""


def _factor_or_offset(a: np.ndarray, b: np.ndarray) -> str:
    if np.ptp(b) <= 1e-9 * np.abs(b).max():  # all the same: any wrong number is a multiple of it
        return ""
    safe = np.abs(b) > 1e-12
    if different(b[safe]) > 1 and np.abs(a[~safe]).max(initial=0.0) < 1e-9:
        with np.errstate(all="ignore"):  # hostile numbers
            ratio = a[safe] / b[safe]
        if np.isfinite(ratio).all() and np.ptp(ratio) < 1e-6 * abs(ratio[0]):
            return f" Each is {ratio[0]:.4g} times what it should be{source_of(float(ratio[0]))}"
    with np.errstate(all="ignore"):
        if np.ptp(a - b) < 1e-6 * max(1.0, np.abs(b).max()):
            return f" Each is {(a - b).flat[0]:+.4g} away from what it should be."
    return ""


def _reordered(a: np.ndarray, b: np.ndarray) -> str:
    """Whether the right values stand in another order along one axis."""
    if np.array_equal(np.sort(b, None), np.arange(b.size)):  # any order of 0, 1, 2, ... is another order
        return ""
    for axis in range(a.ndim - 1, -1, -1):
        if len(np.unique(b)) > b.size / 2 and a.shape[axis] > 1 and close(np.sort(a, axis), np.sort(b, axis), LOOSE):
            return f" They are the right values in another order along axis {axis}."
    return ""


def _moved(a: np.ndarray, b: np.ndarray) -> str:
    """Whether the right values stand along other axes, or in the opposite order."""
    for i, j in itertools.combinations(range(a.ndim), 2):
        if a.shape[i] == a.shape[j] > 1 and close(np.swapaxes(a, i, j), b, LOOSE):
            pair = "The last two axes" if (i, j) == (a.ndim - 2, a.ndim - 1) else f"Axes {i} and {j}"
            return f" {pair} are swapped."
    for axis in range(a.ndim):
        if a.shape[axis] < 2:
            continue
        if close(np.flip(a, axis), b, LOOSE):
            return f" The order along axis {axis} is turned round."
        for step, word in ((1, "late"), (-1, "early")):
            rolled = np.roll(a, -step, axis)
            kept = (slice(None),) * axis + (slice(None, -1) if step == 1 else slice(1, None),)
            if a.shape[axis] > 2 and np.ptp(b[kept].astype(float)) > 0 and close(rolled[kept], b[kept], LOOSE):
                return f" Along axis {axis} each stands one place too {word}."
    return ""


def _other_axis(got: np.ndarray, want: np.ndarray) -> tuple[int, int] | None:
    """(axis, axis): the one over which the values sum to 1, and the one over which they should, if these differ."""
    is_, should = (_normalised(values) if soft(values) else [] for values in (got, want))
    return (is_[0], should[0]) if is_ and should and not set(is_) & set(should) else None


def _needlessly_normalised(got: np.ndarray, want: np.ndarray) -> str:
    """Whether the values sum to 1 where the right ones don't."""
    is_ = _normalised(got)
    if not is_ or _normalised(want) or not soft(got) or got.shape[is_[0]] < 3:
        return ""
    return f" They sum to 1 over axis {is_[0]}: is there a softmax where none is asked for?"


def _normalised(values: np.ndarray) -> list[int]:
    """The axes over which the values sum to 1, or to 0 where nothing is allowed."""
    found = []
    for i in range(values.ndim):
        with np.errstate(all="ignore"):
            sums = values.sum(i)
        ones = np.abs(sums - 1) < 1e-5
        if values.shape[i] > 1 and ones.mean() > 0.3 and (ones | (np.abs(sums) < 1e-5)).all():
            found.append(i)
    return found


def _masked_the_wrong_way(got: np.ndarray, want: np.ndarray) -> bool:
    """Whether weights lie only where there should be none."""
    hidden = want == 0
    if not want.ndim or (want < 0).any() or (got < -1e-9).any() or different(want) <= 2:
        return False
    some = hidden.any(-1) & ~hidden.all(-1)  # rows with places of both kinds
    if not some.any():
        return False
    hidden, got = hidden[some], got[some]
    return bool(got[~hidden].max() < 1e-6 and got[hidden].max() > 1e-3)
