"""What an exception says of an answer: where it was raised, in which line, with tensors of which shapes."""

import ast
import builtins
import functools
import inspect
import linecache
import re
import textwrap
import traceback
import types
from collections.abc import Callable, Iterator

from torch import Tensor

from lessonkit.checks import handing
from lessonkit.checks.outcome import Failure, Kind
from lessonkit.syntax import parse

_CELL_FILE = re.compile(r'File "[^"\n]*ipykernel_[^"\n]*"')  # the temporary file that a notebook cell is compiled from
_LONGEST = 2000


def describe_failure(
    error: BaseException, answer: object, probe: Callable | None = None, handed: object = None
) -> Failure:
    """The failure that `error` stands for, with the traceback from the first frame of the learner's code on."""
    not_started = isinstance(error, NotImplementedError) and not str(error)  # PyTorch raises it too, with a text
    steps = _learners_steps(error, answer, probe)
    in_answer = error is getattr(handed, "raised", None) or (not isinstance(handed, handing.Handed) and bool(steps))
    own, inside = _last_own(steps, answer, getattr(handed, "given", {})) if steps else (None, "")
    line = linecache.getline(own.tb_frame.f_code.co_filename, own.tb_lineno).strip() if own else ""
    message = str(error)[:_LONGEST]
    if name := getattr(answer, "__name__", ""):
        message = re.sub(rf"(?<![\w.]){re.escape(name)}\(\)", "your function", message)
    if isinstance(error, TypeError | AttributeError) and (name := overwritten(error)):
        message = f"`{name}` is no longer what it was when the lesson began. {AGAIN} ({message})"
    if not_started:
        message = _LEFT_OVER if _has_other_code(answer) else ""
    return Failure(
        kind=type(error).__name__,
        message=message,
        traceback="" if not_started else _text(error, steps[0] if steps else None),
        verdict=Kind.NOT_STARTED if not_started else Kind.ERROR,
        in_answer=in_answer,
        inside=inside,
        line=line[:200],
        shapes=_shapes(own, steps, line, bool(inside)) if own else "",
    )


_LEFT_OVER = (
    "There is code, but the line `raise NotImplementedError()` is still there, and ends the function: delete it."
)


AGAIN = "Rename what you called so, and run the lesson's first cell again, or restart the kernel."
_MODULES = ("torch", "nn", "np", "math", "F", "random", "itertools")


def overwritten(error: BaseException) -> str:
    """The name of a library or of one of Python's own functions that stands for something else in the failing line."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None:
        return ""
    frame = step.tb_frame
    for name in frame.f_code.co_names:
        value = frame.f_globals.get(name, frame)
        if value is frame or name in frame.f_locals:
            continue
        if name in _MODULES and not isinstance(value, types.ModuleType):
            return name
        if callable(getattr(builtins, name, None)) and not callable(value):
            return name
    return ""


def _learners_steps(error: BaseException, answer: object, probe: Callable | None) -> list[types.TracebackType]:
    """The steps of the traceback from the first one inside the answer on; none if it was raised elsewhere."""
    steps, step = [], error.__traceback__
    while step is not None:
        steps.append(step)
        step = step.tb_next
    for i, step in enumerate(steps):
        if step.tb_frame.f_code is handing.Handed.__call__.__code__:
            return [s for s in steps[i + 1 :] if s.tb_frame.f_code.co_filename != handing.__file__]
    files = {code.co_filename for code in _code_objects(answer)}
    for i, step in enumerate(steps):
        code = step.tb_frame.f_code
        if code.co_filename in files and code is not getattr(probe, "__code__", None):
            return steps[i:]
    return []


def _last_own(
    steps: list[types.TracebackType], answer: object, given: dict[types.CodeType, str]
) -> tuple[types.TracebackType, str]:
    """The last step in a file of the learner's, and the function of the check's that was called from there, if any."""
    files = {steps[0].tb_frame.f_code.co_filename, *(code.co_filename for code in _code_objects(answer))}
    own = 0
    for i, step in enumerate(steps):
        code = step.tb_frame.f_code
        if code.co_filename in files and code not in given:
            own = i
    following = steps[own + 1].tb_frame.f_code if own + 1 < len(steps) else None
    return steps[own], given.get(following, "")


def _code_objects(answer: object) -> Iterator[types.CodeType]:
    if isinstance(answer, functools.partial):
        answer = answer.func
    members = vars(answer).values() if isinstance(answer, type) else [answer, vars(type(answer)).get("__call__")]
    for member in members:
        code = getattr(member, "__code__", None)
        if isinstance(code, types.CodeType):
            yield code


def _text(error: BaseException, step: types.TracebackType | None) -> str:
    if step is None:
        return "".join(traceback.format_exception_only(error))
    said = traceback.TracebackException(type(error), error, step)
    said.stack = traceback.StackSummary.from_list([f for f in said.stack if f.filename != handing.__file__])
    return _CELL_FILE.sub("In your cell", "".join(said.format()))


def _shapes(own: types.TracebackType, steps: list[types.TracebackType], line: str, inside: bool) -> str:
    """The shapes of the tensors that the line names; of the arguments of the check's function, if that failed."""
    frame, names = own.tb_frame, re.findall(r"[^\W\d]\w*", line)
    if inside:
        frame = steps[steps.index(own) + 1].tb_frame
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    found = [(name, frame.f_locals.get(name)) for name in dict.fromkeys(names)]
    shown = [f"{name} {tuple(value.shape)}" for name, value in found if isinstance(value, Tensor)]
    return ", ".join(shown[:6])


def _has_other_code(answer: object) -> bool:
    """Whether a function holds more than a docstring and the line that says it isn't there yet."""
    try:
        tree = parse(textwrap.dedent(inspect.getsource(answer))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return False
    body = [s for s in getattr(tree, "body", []) if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return len(body) > 1
