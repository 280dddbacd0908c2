"""The comparison of an answer's results with the reference's: the same in the notebook and in the grader."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from lessonkit.checks import kinds
from lessonkit.checks.compare import LOOSE, STRICT, close, distance
from lessonkit.checks.finding import Finding
from lessonkit.checks.gradients import judge_gradients
from lessonkit.checks.hints import finding_text, not_finite, shape_hint
from lessonkit.checks.outcome import GRADIENT_OF, GRADIENTS, NOT_COMPARED, Failure, Kind, Outcome, Trial
from lessonkit.checks.parts import partly_known, steady_hint, told_together
from lessonkit.checks.relations import ENOUGH, different
from lessonkit.checks.sentences import CUT, explain

_ONE_SHARE = re.compile(r" It is (1 minus|100 times) what it should be.*$")  # what all runs together tell again


def judge(trials: Sequence[Trial], explain_values: Callable | None = None) -> Finding:
    """Judge an exercise from its runs.

    All seeds must pass. A mistake is named if it explains every seed. `explain_values(got, want)` may say of two
    dictionaries of arrays that differ what the difference means, if no known mistake does.
    """
    findings, wrong = [], None
    for trial in trials:
        findings.append((trial, _judge_one(trial.got, trial.want, trials)))
        if not findings[-1][1].passed:
            wrong = findings[-1]
            break  # the first is told
    named = _mistakes_of(trials, STRICT)
    if wrong and not named:  # the mistake, with float32 on the way (`.float().mean()`)
        named = _mistakes_of(trials, LOOSE)
    if named:  # also where the result is within LOOSE of the right one: an eps outside the root, say
        sentence = next(k.sentence for k in trials[0].known if k.name == named[0])
        trial, finding = wrong or findings[0]
        verdict = Kind.TIMEOUT if finding.verdict == Kind.TIMEOUT else Kind.WRONG
        detail = finding.detail if finding.verdict == Kind.ERROR else f"{finding.message} {finding.detail}".strip()
        return Finding(verdict, sentence, detail, named[0], finding.array, trial.seed)
    if wrong is None:
        return next((finding for _, finding in findings if finding.message), Finding(Kind.PASSED))
    trial, finding = wrong
    explained = finding
    if explain_values and not trial.got.failure:
        explained = _explained(finding, explain_values, trial)
    if explained is finding and finding.array and finding.verdict == Kind.WRONG:
        told = told_together(finding.array, trials)
        message = _ONE_SHARE.sub("", finding.message) if told.startswith(" Each time") else finding.message
        explained = replace(finding, message=message + told + partly_known(trials))
    return replace(explained, seed=trial.seed)


def _mistakes_of(trials: Sequence[Trial], tolerance: float) -> list[str]:
    """The names of the known mistakes that explain every run, in the order of the bank."""
    named = [known.name for known in trials[0].known]
    for trial in trials:
        named = mistakes_that_explain(trial, tolerance, named)
    return named


def mistakes_that_explain(trial: Trial, tolerance: float = STRICT, among: Iterable[str] | None = None) -> list[str]:
    """The names of the known mistakes that explain one run (of those in `among`), in the order of the bank."""
    known = {k.name: k.outcome for k in trial.known}
    names = known if among is None else among
    return [n for n in names if n in known and _is_mistake(trial.got, known[n], trial.want, tolerance)]


def _explained(finding: Finding, explain_values: Callable, trial: Trial) -> Finding:
    try:
        said = explain_values(trial.got.arrays, trial.want.arrays)
    except Exception:  # the arrays may be anything
        return finding
    if not said:
        return finding
    message = f"The result `{finding.array}` is not right." if finding.array else finding.message
    return replace(finding, message=message, detail=f"{said} {finding.detail}".strip())


def _judge_one(got: Outcome, want: Outcome, trials: Sequence[Trial]) -> Finding:
    if got.failure:
        return _judge_failure(got.failure)
    for judge_part in (_judge_kinds, _judge_others, _judge_changes):
        if finding := judge_part(got, want):
            return finding
    if finding := _judge_arrays(got, want, trials) or judge_gradients_of(got, want):
        return finding
    return Finding(Kind.PASSED, _remark(got, want))


def _judge_failure(failure: Failure) -> Finding:
    if failure.verdict == Kind.NOT_STARTED:
        return Finding(Kind.NOT_STARTED, failure.message)
    if failure.verdict == Kind.TIMEOUT:
        return Finding(Kind.TIMEOUT, f"Your code was stopped: {failure.message}. Is there a loop that never ends?")
    return Finding(Kind.ERROR, explain(failure), failure.traceback)


def _judge_kinds(got: Outcome, want: Outcome) -> Finding | None:
    if sentence := kinds.breach_of_number(got.returned, want.returned):
        return Finding(Kind.WRONG, sentence)
    for place, promised in want.returned.items():
        if place in got.returned and (sentence := kinds.breach(got.returned[place], promised)):
            return Finding(Kind.WRONG, sentence)
    return None


def _remark(got: Outcome, want: Outcome) -> str:
    if kinds.tensors_for_numbers(got.returned, want.returned):
        return "Right in value. But you return tensors where plain numbers are promised; they are converted below."
    for place, promised in want.returned.items():
        if place in got.returned and (said := kinds.converted(got.returned[place], promised)):
            return f"Right in value. But you return {said}; it is converted for the cells below."
    return ""


def _judge_others(got: Outcome, want: Outcome) -> Finding | None:
    for name, kind in got.others.items():
        if want.others.get(name) == kind:
            continue
        if kind == "None" and name.startswith(GRADIENT_OF):
            said = f"No gradient reaches {name.removeprefix(GRADIENT_OF)}. Is it used at all? And {CUT}"
            return Finding(Kind.WRONG, said, array=name)
        hint = " Does your function end with a return?" if kind == "None" else ""
        return Finding(Kind.WRONG, f"The result `{name}` is {kind}, not {_ask_for(name, want)}.{hint}", array=name)
    return None


def _judge_changes(got: Outcome, want: Outcome) -> Finding | None:
    new = [name for name in got.changed if name not in want.changed]
    if not new:
        return None
    name = new[0] if re.fullmatch(r"[\w\[\]]{1,60}", new[0]) else ""
    what = f"its argument `{name}`" if name else "one of its inputs"
    return Finding(
        Kind.WRONG,
        f"Your function changes {what} in place, so what the caller holds is no longer what it was. Work on a copy, or "
        "use the form of the operation that makes something new (without the trailing underscore; `|`, not `|=`).",
    )


def _judge_arrays(got: Outcome, want: Outcome, trials: Sequence[Trial]) -> Finding | None:
    """The first result that differs; of those that differ in value only, the first whose difference tells something."""
    plain = None
    for name in want.arrays:
        if name == GRADIENTS or name.startswith(NOT_COMPARED):
            continue
        if name not in got.arrays and f"{name}.length" in got.arrays:
            said = f"The result `{name}` is a list of tensors or lists, not {_ask_for(name, want)}."
            return Finding(Kind.WRONG, said, array=name)
        found = _compare(name, got.arrays, want.arrays, trials)
        if found is None:
            continue
        finding, telling = found
        if telling:
            return finding
        plain = plain or finding
    if plain is None and (surplus := [n for n in got.arrays if n not in want.arrays and n[:1] not in ("~", GRADIENTS)]):
        name = surplus[0].split("[")[0].removesuffix(".length")
        return Finding(Kind.WRONG, f"The result `{name}` is a list, not {_ask_for(name, want)}.", array=name)
    return plain


def _compare(name: str, arrays: dict, expected: dict, trials: Sequence[Trial]) -> tuple[Finding, bool] | None:
    """What is wrong with one result, and whether that tells more than that it is wrong; None if it is right."""
    got, want = arrays.get(name), expected[name]
    if got is None:
        return Finding(Kind.WRONG, f"The result `{name}` is missing.", array=name), True
    if (got.dtype.kind == "b") != (want.dtype.kind == "b"):
        is_, should = ("booleans", "numbers") if got.dtype.kind == "b" else ("numbers", "booleans")
        said = f"The result `{name}` holds {is_}; it should hold {should}."
        return Finding(Kind.WRONG, said, array=name), True
    if got.shape == want.shape and np.array_equal(np.isnan(got), np.isnan(want)) and close(got, want, LOOSE):
        return None
    other = _in_the_place_of(name, arrays, expected)
    if got.shape != want.shape:
        said = f"The result `{name}` has shape {got.shape}; it should have {want.shape}."
        return Finding(Kind.WRONG, said + (other or shape_hint(got, want)), array=name), True
    if not np.array_equal(np.isnan(got), np.isnan(want)):
        return Finding(Kind.WRONG, *not_finite(name, got, want), array=name), True
    hint = other or steady_hint(name, got, want, trials)
    said, detail = finding_text(name, got, want)
    return Finding(Kind.WRONG, said + hint, detail, array=name), bool(hint)


def _in_the_place_of(name: str, arrays: dict, expected: dict) -> str:
    """Whether a result holds what another one should hold, or holds too."""
    got = arrays[name]
    if got.size < 2:
        return ""
    for other, want in expected.items():
        theirs = arrays.get(other)
        if other in (name, GRADIENTS) or want.shape != got.shape or not close(got, want, LOOSE):
            continue
        if theirs is None or not (theirs.shape == want.shape and close(theirs, want, LOOSE)):
            return f" It holds what `{other}` should be: are results, or two arguments, in another order?"
        if got.dtype.kind == "f" and different(got) >= ENOUGH:
            return f" It holds the same as `{other}`, which is right."
    return ""


def judge_gradients_of(got: Outcome, want: Outcome) -> Finding | None:
    """What is wrong with the gradients of results that are right."""
    said = judge_gradients(got, want)
    return Finding(Kind.WRONG, said) if said else None


def _ask_for(name: str, expected: Outcome) -> str:
    want = expected.arrays.get(name)
    if want is None:
        return "what the exercise asks for"
    if want.ndim == 1 and len(want) < 5:
        return f"a tensor of shape {want.shape}, or {len(want)} numbers"
    return f"a tensor of shape {want.shape}" if want.ndim else "a number"


def _is_mistake(got: Outcome, mistake: Outcome, want: Outcome, tolerance: float) -> bool:
    """Whether the outcome is that of a mistake, and nearer to it than to the right one."""
    if not same_outcome(got, mistake, tolerance):  # of nearly all mistakes: the first question
        return False
    broken = _judge_kinds(mistake, want) is not None
    if (_judge_kinds(got, want) is not None) != broken or (same_outcome(want, mistake) and not broken):
        return False
    if got.failure:
        return True
    compared = [name for name in mistake.arrays if name in want.arrays and name in got.arrays]
    to_it = sum(distance(got.arrays[name], mistake.arrays[name]) for name in compared)
    to_right = sum(distance(got.arrays[name], want.arrays[name]) for name in compared)
    return to_it <= (0.5 if tolerance == STRICT else 0.02) * to_right


def _cause(failure: Failure) -> tuple:
    return failure.kind, failure.message, failure.in_answer


def same_outcome(a: Outcome, b: Outcome, tolerance: float = STRICT) -> bool:
    """Whether two outcomes are the same, failures by class and text. Gradients and notes count where both have them."""
    if a.failure or b.failure:
        return bool(a.failure and b.failure and _cause(a.failure) == _cause(b.failure))
    left, right = dict(a.compared), dict(b.compared)
    for name in a.arrays.keys() & b.arrays.keys() - left.keys():
        left[name], right[name] = a.arrays[name], b.arrays[name]
    return (
        a.compared_others == b.compared_others
        and a.changed == b.changed
        and left.keys() == right.keys()
        and all(
            x.shape == right[name].shape
            and (x.dtype.kind == "b") == (right[name].dtype.kind == "b")
            and close(x, right[name], tolerance)
            for name, x in left.items()
        )
    )
