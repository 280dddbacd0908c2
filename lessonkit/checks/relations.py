"""How wrong numbers relate to the right ones: a function of them, right in a part, uniform, not normalised."""

import numpy as np

from lessonkit.checks.compare import LOOSE, close, close_each

ENOUGH = 3  # different numbers that must agree before a relation is more than chance
_FUNCTIONS = (
    ("the square", np.square),
    ("the root", np.sqrt),
    ("the exponential", np.exp),
    ("the logarithm", np.log),
    ("the absolute value", np.abs),
    ("1 minus", lambda x: 1 - x),
    ("the inverse, 1 / x, of", lambda x: 1 / x),
    ("the whole part", np.trunc),
    ("tanh", np.tanh),
    ("relu", lambda x: np.maximum(x, 0)),
)
_CONSTANTS = (
    (1 / np.log(2), "1 / ln 2: as with the logarithm to base 2."),
    (1 / np.log(10), "1 / ln 10: as with the logarithm to base 10."),
    (np.pi / 180, "π / 180: as with degrees for radians."),
    (180 / np.pi, "180 / π: as with degrees for radians."),
    (2 * np.pi, "2π."),
    (1 / (2 * np.pi), "1 / 2π."),
    (np.sqrt(2 * np.pi), "√2π."),
    (1 / np.sqrt(2 * np.pi), "1 / √2π."),
    (np.sqrt(2), "√2."),
    (1 / np.sqrt(2), "1 / √2."),
)


def relation(got: np.ndarray, want: np.ndarray) -> str:
    """A sentence on how numbers of the same shape relate, or nothing."""
    return (
        _function(got, want)
        or _straight_line(got, want)
        or _off_by_one_in_the_count(got, want)
        or _not_normalised(got, want)
        or _alike(got, want)
        or _right_in_part(got, want)
        or _other_scores(got, want)
        or _each_its_own_factor(got, want)
        or _signs(got, want)
    )


def relation_of_numbers(got: np.ndarray, want: np.ndarray) -> str:
    """The same of one number in several runs, (runs,) each."""
    if different(want) < ENOUGH:
        return ""
    if close(-got, want, LOOSE):
        return " Each time it has the wrong sign."
    if np.ptp(got - want) < 1e-7 * np.abs(want).max() and abs(got[0] - want[0]) > 1e-5:
        return f" Each time it is {got[0] - want[0]:+.4g} away from what it should be."
    if (np.abs(want) > 1e-9).all():
        ratios = got / want
        if np.ptp(ratios) < 1e-6 * abs(ratios[0]):
            return f" Each time it is {ratios[0]:.4g} times what it should be{source_of(float(ratios[0]))}"
        if one := _one_too_many(ratios):
            return one
        if different(got) >= ENOUGH and (many := _whole(ratios)):
            return f" It is {many} times what it should be: is it a sum where a mean is meant?"
        if different(got) >= ENOUGH and (got != 0).all() and (many := _whole(1 / ratios)):
            return f" It should be {many} times as large: is it a mean where a sum is meant, or divided once too often?"
    return _function(got, want).replace(" Each is", " Each time it is")


def _whole(ratios: np.ndarray) -> str:
    """The ratios in words, if all are whole numbers above 1; not so large that rounding makes them whole."""
    if (ratios < 1.5).any() or (ratios > 1e4).any() or (np.abs(ratios - ratios.round()) > 1e-6 * ratios).any():
        return ""
    numbers = [f"{ratio:.0f}" for ratio in ratios[:3]]
    return f"{', '.join(numbers[:-1])} and {numbers[-1]}"


def source_of(ratio: float) -> str:
    """What a factor may come from, if it or its inverse is a whole number."""
    if abs(ratio - 100) < 1e-4:
        return ": is it a percentage where a share is meant?"
    for value, words in _CONSTANTS:
        if abs(ratio - value) < 1e-6 * value:
            return f", {words}"
    if ratio > 1.5 and abs(ratio - round(ratio)) < 1e-6 * ratio:
        return ": is it a sum where a mean is meant, or is something counted more than once?"
    if 0 < ratio < 0.67 and abs(1 / ratio - round(1 / ratio)) < 1e-6 / ratio:
        return f", 1/{round(1 / ratio)}: is it a mean where a sum is meant, or is something divided once too often?"
    return "."


def nearly(got: np.ndarray, want: np.ndarray) -> str:
    """Whether all is within a thousandth: a small number too many, or rounding."""
    away = np.abs(got - want)
    if (away > 1e-3 * np.abs(want) + 1e-12).any():
        return ""
    return f" They are nearly right, at most {away.max():.1g} off: is a small number (an eps) added, or is one rounded?"


def _function(got: np.ndarray, want: np.ndarray) -> str:
    for name, function in _FUNCTIONS:
        with np.errstate(all="ignore"):
            there, back = function(want), function(got)
        words = name if name.endswith("of") or name == "1 minus" else f"{name} of"
        if _is(there, got, want):
            return f" Each is {words} what it should be."
        if name in ("the absolute value", "the whole part", "tanh", "relu") and _is(back, want, got):
            return f" It lacks the last step: what it should be is {words} it."
    return ""


def _is(values: np.ndarray, got: np.ndarray, other: np.ndarray) -> bool:
    """Whether the function's values are these, and it is no chance: it changes several numbers of what went in."""
    if not (np.isfinite(values).all() and close(values, got, LOOSE)):
        return False
    changed = ~close_each(got, other, LOOSE)
    return different(other[changed]) > 1 and different(got) >= ENOUGH


def different(values: np.ndarray) -> int:
    """How many different numbers there are, those apart from each other by rounding, or by their sign, counted once."""
    return len(np.unique(np.round(np.abs(values.astype(float)), 7)))


def _straight_line(got: np.ndarray, want: np.ndarray) -> str:
    x, y = want.ravel(), got.ravel()
    if len(np.unique(np.round(x, 9))) < 4 or np.ptp(y) == 0:
        return ""
    with np.errstate(all="ignore"):
        slope, start = np.polyfit(x, y, 1)
    if not close(slope * x + start, y, LOOSE):
        return ""
    sign = "−" if start < 0 else "+"
    return f" Each is {slope:.4g} x {sign} {abs(start):.4g} where x is what it should be."


def soft(values: np.ndarray) -> bool:
    """Whether these may come from a softmax: between 0 and 1, and not all of them 0, 1 or alike."""
    inside = values[(values > 1e-9) & (values < 1 - 1e-9)]
    return bool((values > -1e-9).all() and different(inside) >= ENOUGH)


def _not_normalised(got: np.ndarray, want: np.ndarray) -> str:
    """Weights: rows that don't sum to 1, or that give weight where there should be none."""
    if not want.ndim or want.shape[-1] < 2 or (want < 0).any():
        return ""
    if not soft(want):
        return ""
    sums, own = want.sum(-1), got.sum(-1)
    if not ((np.abs(sums - 1) < 1e-6) | (np.abs(sums) < 1e-9)).all() or (np.abs(sums - 1) < 1e-6).mean() < 0.3:
        return ""
    if got.ndim > 1 and abs(got.sum(tuple(range(1, got.ndim))) - 1).max() < 1e-6 and got[0].size > got.shape[-1]:
        return " All numbers of one entry of the batch sum to 1 *together*; each row (the last axis) should by itself."
    empty = np.abs(sums) < 1e-9
    if empty.any() and close(got[~empty], want[~empty], LOOSE):
        return " Right but for the rows in which nobody may be asked: they should be zeros."
    hidden = (want == 0) & ~empty[..., None]
    if hidden.any() and (got[hidden] > 1e-6).mean() > 0.5 and np.abs(own[~empty] - 1).max() < 1e-6:
        return " There is weight where there should be none (0). What is masked is masked in the softmax itself."
    if np.abs(own[~empty] - 1).min(initial=1.0) > 1e-6 or np.abs(own[~empty] - 1).mean() > 1e-3:
        least, most = f"{own.min():.3g}", f"{own.max():.3g}"
        sums = least if least == most else f"{least} to {most}"
        return f" These weights don't sum to 1 over the last axis, but to {sums}."
    return ""


def _one_too_many(ratios: np.ndarray) -> str:
    """Of numbers that are wrong by n / (n + 1) or n / (n − 1), each with its own whole n: which of the two."""
    if different(ratios) < ENOUGH or (ratios <= 0).any():
        return ""
    with np.errstate(all="ignore"):
        more, less = ratios / (1 - ratios), ratios / (ratios - 1)
    for words, n in (("n / (n + 1)", more), ("n / (n − 1)", less)):
        if np.isfinite(n).all() and (n > 0.5).all() and (n < 200).all() and (np.abs(n - n.round()) < 1e-6 * n).all():
            side = "large" if "+" in words else "small"
            return f" It is {words} times what it should be: is the number that it is divided by one too {side}?"
    return ""


def _off_by_one_in_the_count(got: np.ndarray, want: np.ndarray) -> str:
    if (np.abs(want) < 1e-12).any():
        return ""
    with np.errstate(all="ignore"):
        return _one_too_many((got / want).ravel())


def _other_scores(got: np.ndarray, want: np.ndarray) -> str:
    """Weights that are shared out as they should be, but by other scores; or by a multiple of the right scores."""
    if not (soft(got) and soft(want)):
        return ""
    for axis in range(want.ndim - 1, -1, -1):
        a, b = np.moveaxis(got, axis, -1), np.moveaxis(want, axis, -1)
        empty = np.abs(b).max(-1, initial=0.0) < 1e-9
        if b.shape[-1] < 3 or empty.all() or (np.abs(a[empty]) > 1e-9).any():
            continue
        a, b = a[~empty], b[~empty]
        if max(np.abs(a.sum(-1) - 1).max(), np.abs(b.sum(-1) - 1).max()) > 1e-6:
            continue
        said = f" They sum to 1 over axis {axis}, as they should: it is the scores that they are made of that differ."
        if (a < 1e-12).any() or (b < 1e-12).any():
            return said
        x, y = np.log(b), np.log(a)  # all above 0 here
        x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
        times = (x * y).sum(-1) / np.maximum((x * x).sum(-1), 1e-30)
        if np.abs(y - times[..., None] * x).max() > 1e-6 * max(1.0, np.abs(y).max()):
            return said
        if np.ptp(times) < 1e-6 * np.abs(times).max():
            return f" They are the weights of scores that are {times.flat[0]:.4g} times what they should be."
        return " They are weights whose scores are off by a factor, another one for each row: a length, or a scale?"
    return ""


def _each_its_own_factor(got: np.ndarray, want: np.ndarray) -> str:
    """Whether, along one axis, each is a multiple of its own of what it should be."""
    for axis in range(want.ndim if want.ndim > 1 else 0):
        a, b = (np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1) for x in (got, want))
        if len(a) < 2 or a.shape[1] < ENOUGH or min(different(row) for row in b) < ENOUGH:
            continue
        times = (a * b).sum(1) / (b * b).sum(1)
        if np.ptp(times) > 1e-3 * np.abs(times).max() and close(times[:, None] * b, a, LOOSE):
            shown = list(dict.fromkeys(f"{t:.3g}" for t in times))
            listed = " or ".join(shown) if len(shown) < 4 else ", ".join(shown[:3]) + " ..."
            return f" Along axis {axis} each is a multiple of its own of what it should be: {listed} times."
    return ""


def _alike(got: np.ndarray, want: np.ndarray) -> str:
    """Whether the numbers don't change along an axis along which they should."""
    for axis in range(got.ndim):
        if got.shape[axis] > 1 and np.ptp(got, axis).max() < 1e-9 and (np.ptp(want, axis) > 1e-6).all():
            return f" They are all alike along axis {axis}, and shouldn't be."
    return ""


def _right_in_part(got: np.ndarray, want: np.ndarray) -> str:
    """Whether, along one axis, some places are right as a whole, and the others are wrong."""
    right = close_each(got, want, LOOSE)
    for axis in range(got.ndim):
        if got.shape[axis] < 3:
            continue
        others = tuple(i for i in range(got.ndim) if i != axis)
        whole, none = right.all(others), ~right.any(others)
        if whole.any() and none.sum() >= 2 and (whole | none).all():
            places = np.flatnonzero(whole)
            if len(places) == 1 or (np.diff(places) == 1).all():
                said = f"{places[0]}" if len(places) == 1 else f"{places[0]} to {places[-1]}"
                return f" Along axis {axis} only {said} (of 0 to {got.shape[axis] - 1}) is right."
    return ""


def _signs(got: np.ndarray, want: np.ndarray) -> str:
    if np.ptp(want) == 0:
        return ""
    if (want >= 0).all() and (got < -1e-9 * max(1.0, np.abs(got).max())).any():
        return " Some are below 0, where none should be."
    if (got >= 0).all() and (want < 0).any() and (want > 0).any() and got.size > 3:
        return " None is below 0, where some should be."
    return ""


def too_many_or_few(got: np.ndarray, want: np.ndarray) -> str:
    """Of booleans: whether some are True that shouldn't be, and none is missing; or the other way round."""
    if got.dtype.kind != "b" or got.shape != want.shape:
        return ""
    surplus, missing = got & ~want, want & ~got
    where = ""
    wrong = surplus | missing
    if wrong.ndim >= 2 and wrong.shape[-1] == wrong.shape[-2]:
        if not np.tril(wrong).any():
            where = ", all of them above the diagonal (j > i)"
        elif not np.triu(wrong, 1).any() and not np.tril(wrong, -1).any():
            where = ", all of them on the diagonal"
    if not missing.any():
        return f" All that should be True are, and {surplus.sum()} more{where}."
    if not surplus.any():
        return f" No True is too many, but {missing.sum()} of {want.sum()} are missing{where}."
    return ""
