"""What to tell a learner about an exception: whose it is, what it means, in which line, with which shapes."""

import re

from lessonkit.checks.meanings import EXPLANATIONS, Rule
from lessonkit.checks.outcome import Failure

CUT = (
    "numpy, `.item()`, `.detach()`, `no_grad`, math and `torch.tensor(...)` cut it: use torch's functions all the way."
)
ABOUT_GRADIENTS = (
    Rule(
        r"Can't call numpy\(\) on Tensor that requires grad", "numpy cuts the gradient: use torch's functions instead."
    ),
    Rule(r"does not require grad", f"No gradient flows through your result: {CUT}"),
    Rule(
        r"leaf [Vv]ariable that requires grad (is being|has been)|a view of a leaf",
        "Your function changes one of its inputs in place. Work on a copy, or use the form without the underscore.",
    ),
    Rule(
        r"modified by an inplace operation|is a view and is being modified|used in an in-place operation",
        "You overwrite numbers that the gradient still needs. Write into a new tensor, or stack a list.",
    ),
    Rule(
        r"backward through the graph a second time",
        "The gradient is asked for a second time, but your function has used it up: leave out its `.backward()`.",
    ),
)
NOT_USABLE = (  # raised by the probe, with what the learner's function returned
    Rule(r"NoneType", "Your function returned None: does it end with a return?"),
    Rule(
        r"too many values to unpack|not enough values to unpack|cannot unpack non-iterable",
        "The check can't go on with what your function returned: is the number of results that of the docstring?",
    ),
    Rule(
        r"",
        "The check can't go on with what your function returned. Does it fit the docstring: its shape, its type, how "
        "many results there are?",
    ),
)
OF_THE_CALL = (  # raised where the check calls the function, before any line of it ran
    Rule(
        r"missing \d+ required|positional arguments? but|unexpected keyword|takes no arguments|multiple values for",
        "The check can't call your function: its arguments are no longer those of the first line as it was given. "
        "Put the line `def ...` back.",
    ),
)
OVERWRITTEN = Rule(r"^`(\w+)` is no longer", "A name that the lesson needs was given to something else.")


def explain(failure: Failure) -> str:
    """What to tell the learner about an exception: what it means, where, and what was raised."""
    raised = f"{'Your code' if failure.in_answer else 'It'} raised {failure.kind}: {failure.message}"
    if failure.inside:
        with_ = f" You called it with {failure.shapes}." if failure.shapes else ""
        return (
            f"The error is inside `{failure.inside}`, which the check hands over: it can't work with what you gave it. "
            f"Are its arguments the right ones, by position, in the order that the task names?{with_} {raised}"
        )
    called = failure.in_answer and failure.kind == "TypeError" and not failure.line
    rules = OF_THE_CALL if called else EXPLANATIONS if failure.in_answer else NOT_USABLE
    for rule in (OVERWRITTEN, *ABOUT_GRADIENTS, *rules):
        found = re.search(rule.pattern, failure.message)
        if found and re.search(rule.needs, failure.line) and rule.when(failure):
            where = f" In this line: {failure.shapes}." if failure.shapes and failure.in_answer else ""
            groups = [group or "" for group in found.groups()]
            return f"{rule.sentence.format(*groups)}{where} {raised}"
    where = f" In this line: {failure.shapes}." if failure.shapes and failure.in_answer else ""
    return raised + where
