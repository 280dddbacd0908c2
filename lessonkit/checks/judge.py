"""The comparison of an answer's results with the reference's: the same in the notebook and in the grader."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lessonkit.checks.outcome import Failure, Outcome

# How far a right result may be from the reference's, relative to the largest expected value of the array. Wide enough
# for an answer that went through float32 on the way, since a known mistake is told apart at STRICT.
LOOSE, STRICT, HALF = 2e-5, 1e-8, 1e-2
GRADIENT = "gradient of "  # how a result that is a gradient is called, before the name of what it belongs to
CUT = "numpy, `.item()`, `.detach()`, math and `torch.tensor(...)` cut it: use torch's functions on the inputs."
OVERWRITTEN = "You overwrite numbers that the gradient still needs. Write into a new tensor, or stack a list."
# What PyTorch's and Python's messages mean: a pattern, and a sentence that may quote what it found, and the message.
ABOUT_GRADIENTS = (
    ("does not require grad", f"No gradient flows through your result: {CUT}"),
    ("modified by an inplace operation|is a view and is being modified|used in an in-place operation", OVERWRITTEN),
)
NOT_USABLE = (  # raised by the probe, with what the learner's function returned
    (r"NoneType", "Your function returned None: does it end with a return? {raised}"),
    (r"'numpy.ndarray'", "You returned a numpy array, where the gradient ends: stay in torch. {raised}"),
    (
        r"",
        "The check can't go on with what your function returned. Does it fit the docstring: its shape, its type, how "
        "many results there are? {raised}",
    ),
)
EXPLANATIONS = (  # raised by the learner's function
    (
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)",
        "Two tensors don't fit together: in dimension {2} one has {0} entries, the other {1}. Write down both shapes; "
        "often an axis of length 1 is missing (`unsqueeze`), or axes are swapped (`.T` turns round *all* axes of a "
        "stack, `.mT` the last two). {raised}",
    ),
    (
        r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
        "A matrix product of ({0}, {1}) and ({2}, {3}): {1} and {2} should be equal. Is a transpose missing (`.T`, "
        "`.mT`), or are the factors in the wrong order? {raised}",
    ),
    (
        r"Expected size for first two dimensions of batch2 tensor to be: \[(\d+), (\d+)\] but got: \[(\d+), (\d+)\]",
        "A product of stacks of matrices: the second should be a stack of {0} with {1} rows, and is one of {2} with "
        "{3}. Is a transpose missing, or `.T` where `.mT` is meant? {raised}",
    ),
    (
        r"Boolean value of Tensor with more than one value is ambiguous",
        "Python's `if`, `and`, `max` and `min` want one yes or no, and a tensor has many. Use `torch.where`, `&`, "
        "`torch.relu`, `torch.clamp` ... {raised}",
    ),
    (
        r"'Tensor' object is not callable",
        "A tensor is called like a function. Did you hand over a function's *result* where the function itself is "
        "asked for (`lambda y: ...`)? {raised}",
    ),
    (
        r"'NoneType' object",
        "Something is None here: an argument that may be None (a mask?), or a function without a return. {raised}",
    ),
)


@dataclass(frozen=True)
class Known:
    """A known mistake, and what comes out of a probe when it is made."""

    name: str
    sentence: str
    outcome: Outcome


@dataclass(frozen=True)
class Finding:
    """What the judge says of one exercise. `detail` quotes expected values: the grader leaves it out."""

    verdict: str  # passed, wrong, error, timeout, not_started
    message: str = ""
    detail: str = ""
    mistake: str | None = None  # the name of the known mistake, if it is one
    array: str | None = None  # the result that differs
    seed: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.verdict == "passed"


def judge(results: Sequence[tuple[int, Outcome, Outcome, Sequence[Known]]]) -> Finding:
    """Judge an exercise from its runs: for each seed what came out, what was expected, and the known mistakes.

    All seeds must pass. A mistake is named if it explains every seed.
    """
    findings = [(seed, _judge_one(got, expected)) for seed, got, expected, _ in results]
    named = [known.name for known in results[0][3]]
    for _, got, expected, known in results:
        matching = {k.name for k in known if _same(got, k.outcome, STRICT) and not _same(expected, k.outcome, STRICT)}
        named = [name for name in named if name in matching]
    wrong = next(((seed, finding) for seed, finding in findings if not finding.passed), None)
    if named:  # also where the result is within LOOSE of the right one: an eps outside the root, say
        sentence = next(k.sentence for k in results[0][3] if k.name == named[0])
        seed, finding = wrong or (findings[0][0], findings[0][1])
        verdict = "timeout" if finding.verdict == "timeout" else "wrong"
        detail = finding.detail if finding.verdict == "error" else f"{finding.message} {finding.detail}".strip()
        return Finding(verdict, sentence, detail, named[0], finding.array, seed)
    if wrong is None:
        return Finding("passed")
    seed, finding = wrong
    return Finding(finding.verdict, finding.message, finding.detail, None, finding.array, seed)


def _judge_one(got: Outcome, expected: Outcome) -> Finding:
    if got.failure:
        return _judge_failure(got)
    for name, kind in got.others.items():
        hint = " Does your function end with a return?" if kind == "None" else ""
        if kind == "None" and name.startswith(GRADIENT):
            return Finding(
                "wrong", f"No gradient reaches {name.removeprefix(GRADIENT)}. Is it used at all? And {CUT}", array=name
            )
        return Finding("wrong", f"The result `{name}` is {kind}, not {_ask_for(name, expected)}.{hint}", array=name)
    if set(got.changed) - set(expected.changed):
        return Finding(
            "wrong",
            "Your function changes one of its inputs in place, so the caller's tensor is no longer what it was. "
            "Work on a copy, or use the form of the operation without the trailing underscore.",
        )
    for name, want in expected.arrays.items():
        if name not in got.arrays and f"{name}.length" in got.arrays:
            said = f"The result `{name}` is a list of tensors or lists, not {_ask_for(name, expected)}."
            return Finding("wrong", said, array=name)
        finding = _compare(name, got.arrays.get(name), want)
        if finding:
            return finding
    if surplus := [name for name in got.arrays if name not in expected.arrays]:
        name = surplus[0].split("[")[0].removesuffix(".length")
        return Finding("wrong", f"The result `{name}` is a list, not {_ask_for(name, expected)}.", array=name)
    return Finding("passed")


def _judge_failure(got: Outcome) -> Finding:
    failure = got.failure
    if failure.verdict == "not_started":
        return Finding("not_started", "Not started yet.")
    if failure.verdict == "timeout":
        return Finding("timeout", f"Your code was stopped: {failure.message}. Is there a loop that never ends?")
    raised = f"{'Your code' if failure.in_answer else 'It'} raised {failure.kind}: {failure.message}"
    for pattern, explanation in (*ABOUT_GRADIENTS, *(EXPLANATIONS if failure.in_answer else NOT_USABLE)):
        if found := re.search(pattern, failure.message):
            return Finding("error", explanation.format(*found.groups(), raised=raised), failure.traceback)
    return Finding("error", raised, failure.traceback)


def _ask_for(name: str, expected: Outcome) -> str:
    want = expected.arrays.get(name)
    if want is None:
        return "what the exercise asks for"
    if want.ndim == 1 and len(want) < 5:
        return f"a tensor of shape {want.shape}, or {len(want)} numbers"
    return f"a tensor of shape {want.shape}" if want.ndim else "a number"


def _compare(name: str, got: np.ndarray | None, want: np.ndarray) -> Finding | None:
    if got is None:
        return Finding("wrong", f"The result `{name}` is missing.", array=name)
    if (got.dtype.kind == "b") != (want.dtype.kind == "b"):
        is_, should = ("booleans", "numbers") if got.dtype.kind == "b" else ("numbers", "booleans")
        return Finding("wrong", f"The result `{name}` holds {is_}; it should hold {should}.", array=name)
    if got.shape != want.shape:
        message = f"The result `{name}` has shape {got.shape}; it should have {want.shape}."
        return Finding("wrong", message + _shape_hint(got, want), array=name)
    if not np.array_equal(np.isnan(got), np.isnan(want)):
        return Finding("wrong", *_not_finite(name, got, want), array=name)
    if not _close(got, want, LOOSE):
        message = f"The values of `{name}` are not right." + _value_hint(got, want)
        return Finding("wrong", message, _first(name, got, want), array=name)
    return None


def _shape_hint(got: np.ndarray, want: np.ndarray) -> str:
    if got.ndim == want.ndim and sorted(got.shape) == sorted(want.shape):
        return " Two of its axes are swapped."
    if got.ndim == want.ndim + 1:
        return " It has one axis too many."
    if got.ndim == want.ndim - 1:
        return " It has one axis too few: was something summed or squeezed?"
    return ""


def _not_finite(name: str, got: np.ndarray, want: np.ndarray) -> tuple[str, str]:
    where = np.argwhere(np.isnan(got) != np.isnan(want))
    count, first = len(where), tuple(int(i) for i in where[0])
    if not np.isnan(got[first]):
        return f"The result `{name}` should be NaN at {count} of {got.size} places.", ""
    return (
        f"The result `{name}` has {count} NaN among its {got.size} values: "
        "look for inf − inf, 0 / 0, or a softmax over "
        "nothing.",
        f"The first is at index {list(first)}.",
    )


def _value_hint(got: np.ndarray, want: np.ndarray) -> str:
    """What a constant factor or offset, a transposition or a permutation tells of the mistake, if it is one."""
    if got.dtype.kind not in "fiu" or want.size < 2:
        return ""
    a, b = got.astype(float), want.astype(float)
    if _close(-a, b, LOOSE):
        return " Each has the wrong sign."
    if moved := _other_axis(a, b):
        return f" They sum to 1 over axis {moved[0]}; they should over axis {moved[1]}."
    safe = np.abs(b) > 1e-12
    if safe.any() and np.abs(a[~safe]).max(initial=0.0) < 1e-9:
        with np.errstate(all="ignore"):  # hostile numbers
            ratio = a[safe] / b[safe]
        if np.isfinite(ratio).all() and np.ptp(ratio) < 1e-6 * abs(ratio[0]):
            return f" Each is {ratio[0]:.4g} times what it should be."
    if np.isfinite(a).all() and np.isfinite(b).all() and np.ptp(a - b) < 1e-6 * max(1.0, np.abs(b).max()):
        return f" Each is {(a - b).flat[0]:+.4g} away from what it should be."
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2] and _close(np.swapaxes(a, -1, -2), b, LOOSE):
        return " The last two axes are swapped."
    return ""


def _other_axis(got: np.ndarray, want: np.ndarray) -> tuple[int, int] | None:
    """(axis, axis): the one over which the values sum to 1, and the one over which they should, if these differ."""

    def normalised(values: np.ndarray) -> list[int]:
        return [i for i in range(values.ndim) if values.shape[i] > 1 and np.allclose(values.sum(i), 1.0, atol=1e-5)]

    is_, should = normalised(got), normalised(want)
    return (is_[0], should[0]) if is_ and should and not set(is_) & set(should) else None


def _first(name: str, got: np.ndarray, want: np.ndarray) -> str:
    where = np.argwhere(~_close_each(got, want, LOOSE))
    first = tuple(int(i) for i in where[0])
    index = f"[{', '.join(map(str, first))}]" if first else ""
    return (
        f"{name}{index} is {_number(got[first])}, expected {_number(want[first])}; "
        f"{len(where)} of {want.size} values differ."
    )


def _number(value: np.generic) -> str:
    return f"{value:.6g}" if value.dtype.kind == "f" else str(value)


def _close(got: np.ndarray, want: np.ndarray, tolerance: float) -> bool:
    return bool(_close_each(got, want, tolerance).all())


def _close_each(got: np.ndarray, want: np.ndarray, tolerance: float) -> np.ndarray:
    if want.dtype.kind == "b":
        return got == want
    if got.dtype.kind == "f" and got.dtype.itemsize <= 4:
        tolerance = max(tolerance, LOOSE if got.dtype.itemsize == 4 else HALF)
    a, b = got.astype(float), want.astype(float)
    finite = np.abs(b[np.isfinite(b)])
    scale = finite.max(initial=0.0)
    with np.errstate(invalid="ignore"):
        return np.isclose(a, b, rtol=tolerance, atol=tolerance * scale if scale else 1e-7, equal_nan=True)


def _cause(failure: Failure) -> tuple:
    return failure.kind, failure.message, failure.in_answer


def _same(a: Outcome, b: Outcome, tolerance: float) -> bool:
    """Whether two outcomes are the same, failures by class and text."""
    if a.failure or b.failure:
        return bool(a.failure and b.failure and _cause(a.failure) == _cause(b.failure))
    return (
        dict(a.others) == dict(b.others)
        and a.changed == b.changed
        and a.arrays.keys() == b.arrays.keys()
        and all(
            x.shape == b.arrays[name].shape
            and (x.dtype.kind == "b") == (b.arrays[name].dtype.kind == "b")
            and _close(x, b.arrays[name], tolerance)
            for name, x in a.arrays.items()
        )
    )
