"""How a wrong result relates to what the function was given: an input too much or left out, a factor that is a length.

Nothing is said that doesn't hold in every run in which the result is wrong, and nothing that a constant could explain.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from lessonkit.checks.compare import LOOSE, close
from lessonkit.checks.outcome import GRADIENTS, Trial
from lessonkit.checks.relations import ENOUGH, different

_Run = tuple[np.ndarray, np.ndarray, Sequence[Mapping[str, np.ndarray]]]  # got, want, what the calls got
_EXACT = 1e-6
_NONE = 1e-6  # below this share of the longest gradient it is none
_LONG = 60  # small lengths agree by luck: so much must those of all runs multiply to
_OF_A_LENGTH: tuple[tuple[str, Callable], ...] = (
    ("n", lambda n: n),
    ("1 / n", lambda n: 1 / n),
    ("√n", np.sqrt),
    ("1 / √n", lambda n: 1 / np.sqrt(n)),
    ("n²", np.square),
    ("1 / n²", lambda n: 1 / n**2),
    ("(n − 1) / n", lambda n: (n - 1) / n),
    ("n / (n − 1)", lambda n: n / (n - 1)),
    ("n / (n + 1)", lambda n: n / (n + 1)),
    ("(n + 1) / n", lambda n: (n + 1) / n),
    ("√(n / (n − 1))", lambda n: np.sqrt(n / (n - 1))),
    ("√((n − 1) / n)", lambda n: np.sqrt((n - 1) / n)),
)
_OF_A_NUMBER: tuple[tuple[str, Callable], ...] = (
    ("{0}", lambda x: x),
    ("1 / {0}", lambda x: 1 / x),
    ("{0} squared", np.square),
    ("1 / {0} squared", lambda x: 1 / x**2),
    ("the root of {0}", np.sqrt),
    ("1 / the root of {0}", lambda x: 1 / np.sqrt(x)),
    ("1 − {0}", lambda x: 1 - x),
    ("1 / (1 − {0})", lambda x: 1 / (1 - x)),
    ("2 · {0}", lambda x: 2 * x),
    ("{0} / 2", lambda x: x / 2),
)
_OFFSETS: tuple[tuple[str, Callable], ...] = (
    ("{0}", lambda x: x),
    ("the logarithm of {0}", np.log),
    ("{0} squared", np.square),
)


def of_inputs(name: str, trials: Sequence[Trial]) -> str:
    """A sentence on how a result that is wrong relates to the function's arguments, or ""."""
    runs = _wrong_runs(name, trials)
    if not runs:
        return ""
    with np.errstate(all="ignore"):
        return _an_input(runs) or _factor(runs) or _offset(runs) or _what_is_added(runs)


def unreached(trials: Sequence[Trial]) -> str:
    """The arguments to which no gradient comes, where it should: of a wrong result, what may not be used at all."""
    names: list[str] | None = None
    for trial in trials:
        want, got = trial.want.arrays.get(GRADIENTS), trial.got.arrays.get(GRADIENTS)
        if want is None or got is None or got.shape != want.shape or len(trial.want.names) != len(want):
            return ""
        if not np.isfinite(got).all() or not got.any():
            return ""
        longest = want[:, 1].max(initial=0.0)
        rows = {n: [i for i, m in enumerate(trial.want.names) if m == n] for n in dict.fromkeys(trial.want.names)}
        here = [n for n, own in rows.items() if want[own, 1].max() > _NONE * longest and not got[own].any()]
        names = here if names is None else [n for n in names if n in here]
    if not names or len(names) > 2:
        return ""
    listed = " and ".join(f"`{n}`" for n in names)
    return f" No gradient reaches {listed}: {'is it' if len(names) == 1 else 'are they'} used at all?"


def _wrong_runs(name: str, trials: Sequence[Trial]) -> list[_Run]:
    """The runs in which a result of floats is wrong; none if one of them can't be compared."""
    runs = []
    for trial in trials:
        got, want = trial.got.arrays.get(name), trial.want.arrays.get(name)
        given = trial.want.given or trial.got.given
        if got is None or want is None:
            continue
        if got.shape != want.shape or got.dtype.kind != "f" or want.dtype.kind != "f" or not given:
            return []
        if close(got, want, LOOSE):
            continue
        got, want = got.astype(float), want.astype(float)
        if not (np.isfinite(got).all() and np.isfinite(want).all()):
            return []
        runs.append((got, want, given))
    return runs


def _tensors(run: _Run) -> Iterator[tuple[tuple[int, str], np.ndarray]]:
    """(call, name) and each float tensor that was given, as large as the result, or as wide."""
    _, want, given = run
    for call, arguments in enumerate(given):
        for name, value in arguments.items():
            if value.dtype.kind != "f" or value.ndim == 0 or different(value) < ENOUGH:
                continue
            if value.ndim <= want.ndim and value.shape == want.shape[want.ndim - value.ndim :]:
                yield (call, name), np.broadcast_to(value.astype(float), want.shape)
            elif value.ndim < want.ndim and value.shape == want.shape[: value.ndim]:
                longer = value.astype(float).reshape(value.shape + (1,) * (want.ndim - value.ndim))
                yield (call, name), np.broadcast_to(longer, want.shape)


def _an_input(runs: Sequence[_Run]) -> str:
    """Whether a given tensor is the result, is added to it, or is missing in it, as a summand or as a factor."""
    if any(run[1].size < 2 for run in runs):
        return ""
    found: set[tuple[str, str]] | None = None
    for got, want, given in runs:
        here = set()
        for (_, name), value in _tensors((got, want, given)):
            for words, other in (
                (" It is `{0}` itself.", value),
                (" It is what it should be, plus `{0}`.", want + value),
                (" It is what it should be, less `{0}`: is that left out?", want - value),
                (" Each is multiplied by `{0}`, and shouldn't be.", want * value),
                (" Each is divided by `{0}`, and shouldn't be: or is a factor left out?", want / value),
            ):
                if np.isfinite(other).all() and close(got, other, LOOSE):
                    here.add((words, name))
        found = here if found is None else found & here
    if not found:
        return ""
    words, name = min(found)
    return words.format(name)


def _factor(runs: Sequence[_Run]) -> str:
    """Whether all of a result is wrong by one factor, which is a length, or a number that was given."""
    ratios = []
    for got, want, _ in runs:
        used = np.abs(want) > 1e-12
        if not used.any() or np.abs(got[~used]).max(initial=0.0) > 1e-9:
            return ""
        ratio = got[used] / want[used]
        if not np.isfinite(ratio).all() or np.ptp(ratio) > _EXACT * abs(ratio[0]):
            return ""
        ratios.append(float(ratio[0]))
    return what_is(ratios, [given for _, _, given in runs], "The factor")


def _what_is_added(runs: Sequence[_Run]) -> str:
    """Whether what is added to a given tensor is a multiple of what should be added."""
    found: list[dict[str, float]] = []
    for run in runs:
        got, want, _ = run
        here = {}
        for (_, name), value in _tensors(run):
            a, b = got - value, want - value
            if different(b) < ENOUGH or want.size < 2 * ENOUGH:
                continue
            times = float((a * b).sum() / (b * b).sum())
            if np.isfinite(times) and abs(times - 1) > 1e-3 and close(times * b, a, LOOSE):
                here[name] = times
        found.append(here)
    for name in sorted(set.intersection(*(set(here) for here in found))):
        numbers = [here[name] for here in found]
        if np.abs(numbers).max() < 1e-6:
            continue
        said = f" What is added to `{name}` is {numbers[0]:.4g} times what it should be."
        return said + what_is(numbers, [given for _, _, given in runs], "That factor")
    return ""


def what_is(numbers: Sequence[float], given: Sequence[Sequence[Mapping]], subject: str) -> str:
    """What one number a run is, as a function of a length or a number that was given; "" if they are all alike."""
    if len(numbers) < 2 or np.ptp(numbers) < _EXACT * np.abs(numbers).max():
        return ""
    for lengths, of_what in _same_in_all(given, _lengths):
        if np.prod(lengths) < _LONG:
            continue
        for form, function in _OF_A_LENGTH:
            if _agree(numbers, [function(np.float64(n)) if n > 1 else np.nan for n in lengths]):
                return f" {subject} is {form}, with n {of_what}."
    for values, name in _same_in_all(given, _plain_numbers):
        for form, function in _OF_A_NUMBER:
            if _agree(numbers, [function(np.float64(x)) for x in values]):
                return f" {subject} is {form.format(f'`{name}`')}."
    return ""


def _offset(runs: Sequence[_Run]) -> str:
    """Whether all of a result is away from the right one by a multiple of a number that was given, or its logarithm."""
    away = []
    for got, want, _ in runs:
        difference = got - want
        if np.ptp(difference) > _EXACT * max(1.0, np.abs(want).max()):
            return ""
        away.append(float(difference.flat[0]))
    if len(away) < 2 or np.ptp(away) < 1e-6:
        return ""
    for values, name in _same_in_all([given for _, _, given in runs], _plain_numbers):
        for form, function in _OFFSETS:
            for times, words in ((1, "plus"), (-1, "less"), (2, "plus twice"), (-2, "less twice"), (0.5, "plus half")):
                if _agree(away, [times * function(np.float64(x)) for x in values]):
                    return f" It is what it should be, {words} {form.format(f'`{name}`')}."
    return ""


def _agree(numbers: Sequence[float], others: Sequence[float]) -> bool:
    pairs = zip(numbers, others, strict=True)
    return all(np.isfinite(b) and abs(a - b) <= _EXACT * max(abs(b), 1e-9) for a, b in pairs)


def _same_in_all(given: Sequence[Sequence[Mapping]], read: Callable) -> Iterator[tuple[list[float], str]]:
    """What `read` finds in the calls of every run: one number a run, and what it is."""
    found = [{(i, words): x for i, call in enumerate(calls) for words, x in read(call)} for calls in given]
    for key in found[0]:
        if all(key in one for one in found):
            yield [one[key] for one in found], key[1]


def _lengths(arguments: Mapping[str, np.ndarray]) -> Iterator[tuple[str, float]]:
    for name, value in arguments.items():
        for axis, length in enumerate(value.shape):
            yield f"the length of axis {axis} of `{name}`", length
        if value.dtype.kind == "b":
            yield f"how many are True in `{name}`", int(value.sum())
        if value.ndim == 0 and value.dtype.kind == "i":
            yield f"= `{name}`", int(value)


def _plain_numbers(arguments: Mapping[str, np.ndarray]) -> Iterator[tuple[str, float]]:
    for name, value in arguments.items():
        if value.size == 1 and value.dtype.kind == "f":
            yield name, float(value.flat[0])
