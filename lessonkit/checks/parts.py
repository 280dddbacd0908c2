"""What several runs tell together: which results are right, how single numbers relate, a mistake in one result."""

import re
from collections.abc import Sequence

import numpy as np

from lessonkit.checks.compare import LOOSE, STRICT, close, close_each
from lessonkit.checks.hints import hint_of
from lessonkit.checks.inputs import of_inputs, unreached
from lessonkit.checks.outcome import GRADIENT_OF, GRADIENTS, NOT_COMPARED, Outcome, Trial
from lessonkit.checks.relations import ENOUGH, different, relation_of_numbers

_MOST = 4  # names in one sentence
_OF_ALL = re.compile(r"\b(all|always|each|every\w*|never)\b", re.IGNORECASE)  # what one result can't bear out
_SEEN = re.compile(
    r" (All that should be|No True is|Some are below|None is below|Along axis \d+ only|They are all alike)"
)


def steady_hint(name: str, got: np.ndarray, want: np.ndarray, trials: Sequence[Trial]) -> str:
    """What the difference tells, if it tells the same wherever this result is wrong."""
    hint = hint_of(got, want)
    if not hint or _SEEN.match(hint):  # the second kind counts what is there, and guesses nothing
        return hint
    for trial in trials:
        a, b = _both(trial, name)
        if a is None or a.shape != b.shape or _right(a, b):
            continue
        if _without_numbers(hint_of(a, b)) != _without_numbers(hint):
            return ""
    return hint


def told_together(name: str, trials: Sequence[Trial]) -> str:
    """What all runs tell of a result whose values are wrong, and which results are right beside it."""
    trials = [trial for trial in trials if not trial.got.failure]
    number = _relation(name, trials) + of_inputs(name, trials) + unreached(trials)
    return number + _standing(name, trials)


def partly_known(trials: Sequence[Trial]) -> str:
    """The sentence of a known mistake that explains one of the results, where none explains all; "" without one."""
    if any(trial.got.failure or not trial.known for trial in trials):
        return ""
    right, wrong = _sides(trials)
    if not wrong or (len(wrong) == 1 and not right):
        return ""
    for name in wrong:
        one = trials[0].want.arrays[name].size == 1
        for place, known in enumerate(trials[0].known):
            if (right or one) and _OF_ALL.search(known.sentence):
                continue
            if _explains(name, [(trial, trial.known[place].outcome) for trial in trials]):
                return f" `{name}` comes out as with this mistake: {known.sentence}"
    return ""


def _explains(name: str, runs: Sequence[tuple[Trial, Outcome]]) -> bool:
    """Whether one result is that of a mistake in every run, and right in none. Whole numbers may agree by luck."""
    single = [trial.got.arrays[name].flat[0] for trial, _ in runs if trial.got.arrays.get(name, np.empty(2)).size == 1]
    if single and different(np.array(single)) < min(2, len(runs)):  # 0 each time, say, comes of many mistakes
        return False
    for trial, mistake in runs:
        got, want = _both(trial, name)
        theirs = mistake.arrays.get(name)
        if got is None or theirs is None or not theirs.shape == got.shape == want.shape:
            return False
        if not got.dtype.kind == theirs.dtype.kind == "f" or not np.isfinite(got).all():
            return False
        if got.size > 1 and different(got) < ENOUGH:  # all zeros, say, come of many mistakes
            return False
        if not close(got, theirs, STRICT) or close(got, want, LOOSE):
            return False
        if _few_wrong_rows(theirs, want):
            return False
        if any(_is_the_right(theirs, other) for key, other in trial.want.arrays.items() if key != name):
            return False  # results in another order: no sentence about one of them
    return True


def _few_wrong_rows(theirs: np.ndarray, want: np.ndarray) -> bool:
    """Whether a mistake leaves some rows right, and others not but for one or two: these may be chosen so by luck."""
    if theirs.ndim < 1:
        return False
    right = close_each(theirs, want, LOOSE).reshape(len(theirs), -1).all(1)
    return bool(right.any() and (~right).sum() < ENOUGH)


def _is_the_right(theirs: np.ndarray, want: np.ndarray) -> bool:
    return want.shape == theirs.shape and want.dtype.kind == theirs.dtype.kind and close(theirs, want, LOOSE)


def _relation(name: str, trials: Sequence[Trial]) -> str:
    """How a single number relates to the right one, over all runs."""
    pairs = [_both(trial, name) for trial in trials]
    if len(pairs) < 3 or any(a is None or a.size != 1 or b.size != 1 for a, b in pairs):
        return ""
    got, want = (np.array([float(pair[side].ravel()[0]) for pair in pairs]) for side in (0, 1))
    if not (np.isfinite(got).all() and np.isfinite(want).all()) or pairs[0][1].dtype.kind == "b":
        return ""
    for other in trials[0].want.arrays:
        theirs = [_both(trial, other) for trial in trials]
        if other == name or any(b is None or b.size != 1 for _, b in theirs) or all(_right(*both) for both in theirs):
            continue
        there = np.array([float(b.ravel()[0]) for _, b in theirs])
        if len(np.unique(there)) > 2 and close(got, there, LOOSE):
            return f" It is what `{other}` should be: are the results in another order than the docstring says?"
    return relation_of_numbers(got, want)


def _standing(name: str, trials: Sequence[Trial]) -> str:
    """Which of the other results are right, and which aren't."""
    right, wrong = _sides(trials)
    others = [other for other in wrong if other != name]
    said = f" Neither {'is' if len(others) == 1 else 'are'} {_list(others)}." if others and right else ""
    return said + (f" {_list(right)} {'is' if len(right) == 1 else 'are'} right." if right else "")


def _sides(trials: Sequence[Trial]) -> tuple[list[str], list[str]]:
    """The names of the results that are right in every run, and of those that are wrong in one."""
    right, wrong = [], []
    for name in trials[0].want.arrays if trials else ():
        if name == GRADIENTS or name.startswith((NOT_COMPARED, GRADIENT_OF)) or name.endswith(".length"):
            continue
        pairs = [_both(trial, name) for trial in trials if name in trial.want.arrays]  # names may hold what was drawn
        if all(a is not None and a.shape == b.shape and _right(a, b) for a, b in pairs):
            right.append(name)
        else:
            wrong.append(name)
    return right, wrong


def _both(trial: Trial, name: str) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What came out and what should have, or None for both where one is missing."""
    got, want = trial.got.arrays.get(name), trial.want.arrays.get(name)
    return (None, None) if got is None or want is None else (got, want)


def _right(got: np.ndarray, want: np.ndarray) -> bool:
    return (got.dtype.kind == "b") == (want.dtype.kind == "b") and close(got, want, LOOSE)


def _without_numbers(hint: str) -> str:
    return re.sub(r"\d[\d.,e+−-]*|\b(?:only|to|of)\b", "", hint)


def _list(names: Sequence[str]) -> str:
    shown = [f"`{name}`" for name in names[:_MOST]]
    if len(names) > _MOST:
        shown.append(f"{len(names) - _MOST} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
