"""What is wrong with the gradients of results that are right: which argument gets none, or another one."""

from lessonkit.checks.compare import HALF
from lessonkit.checks.outcome import GRADIENTS, Outcome
from lessonkit.checks.sentences import CUT

_NEAR = 2e-4  # relative to the length of the gradient: it may have gone through float32 twice
WHAT_CUTS = CUT[0].upper() + CUT[1:]
_CANCELS = 1.0  # in float16 a sum that cancels keeps the rounding of its parts, as long as the longest gradient
_NONE = 1e-6  # below this share of the longest gradient it is none


def judge_gradients(got: Outcome, want: Outcome) -> str | None:
    """A sentence about gradients that should be there and aren't, shouldn't and are, or differ; None if all agree."""
    if GRADIENTS not in want.arrays or not want.arrays[GRADIENTS].any():
        return None
    expected, found = want.arrays[GRADIENTS], got.arrays.get(GRADIENTS)
    if found is None or found.shape != expected.shape or len(want.names) != len(expected):
        return f"The values are right, but no gradient flows through them: {CUT}"
    half = any(array.dtype.itemsize == 2 for array in got.arrays.values() if array.dtype.kind == "f")
    if not found.any():
        return f"The values are right, but no gradient flows through them: {CUT}"
    longest = expected[:, 1].max(initial=0.0)
    missing, wrong, surplus, broken, reached = {}, {}, {}, {}, set()
    for name, (a, b), (x, y) in zip(want.names, found.tolist(), expected.tolist(), strict=True):
        if not (abs(a) < float("inf") and abs(b) < float("inf")):
            if abs(x) < float("inf"):
                broken[name] = True
            continue
        if y > _NONE * longest and b <= _NONE * longest:
            missing[name] = True
            continue
        if y > _NONE * longest:
            reached.add(name)
        if y <= _NONE * longest and b > _NONE * longest:
            surplus[name] = True
        elif abs(a - x) + abs(b - y) > (10 * HALF if half else _NEAR) * max(y, (_CANCELS if half else _NONE) * longest):
            wrong[name] = True
    if broken:
        return (
            f"The values are right, but the gradient of {_list(broken)} is NaN or infinite, and would spoil the whole "
            "model: look for a row in which every score is −∞, for a root or a norm of 0, for 0 · ∞."
        )
    if missing and reached.issuperset(missing):
        return (
            "The values are right, but one of the results (or calls) gives no gradient to "
            f"{_list(missing)}, where others do: {CUT}"
        )
    if missing:
        return f"The values are right, but no gradient reaches {_list(missing)}, so nothing can be learned there: {CUT}"
    if wrong:
        return (
            f"The values are right, but the gradient of {_list(wrong)} is not: a part of its way is cut, or there is "
            f"one more than there should be (a division by a sum that is 1, say). {WHAT_CUTS}"
        )
    if surplus:
        said = f"The values are right, but a gradient reaches {_list(surplus)} on a way where none should"
        return f"{said}: `.detach()` there."
    return None


def _list(names: dict) -> str:
    return " and ".join(f"`{name}`" for name in names)
