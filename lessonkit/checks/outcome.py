"""What came out of one run of a probe, as plain arrays and strings that can be compared, stored and sent."""

import contextlib
import io
import random
import re
import signal
import threading
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from lessonkit.checks.draw import Draw

SECONDS = 10.0  # how long an answer may run in one probe
LARGEST = 2_000_000  # elements of one result


@dataclass(frozen=True)
class Failure:
    """An exception that left a learner's code, or the probe, which could not use what that code returned."""

    kind: str  # the exception's class, "TypeError"
    message: str
    traceback: str = ""  # from the learner's frame on
    verdict: str = "error"  # or "timeout", "not_started"
    in_answer: bool = True  # raised by the learner's code or by what it called, not later by the probe


@dataclass(frozen=True)
class Outcome:
    """The results of one probe on one seed. `arrays` is empty where there is a failure."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)  # results that are no numbers: name -> what they are
    failure: Failure | None = None
    changed: tuple[int, ...] = ()  # drawn inputs that the answer changed in place
    digest: str = ""  # of the drawn inputs
    printed: str = ""  # what the answer wrote to standard error


class _TimeUp(BaseException):
    """Not an Exception, so that a learner's `except Exception` doesn't swallow it."""


def run_probe(probe: Callable, answer: object, seed: int, seconds: float = SECONDS) -> Outcome:
    """Call `probe(answer, draw)` with inputs drawn from `seed`, in float64, and take down what comes out.

    Nothing escapes: an exception becomes a `Failure`, standard error and warnings are taken down, and the global random
    states and torch's default dtype are put back.
    """
    draw, stderr = Draw(seed), io.StringIO()
    try:
        with _quiet(stderr), _own_random_state(seed), _float64(), _time_limit(seconds):
            arrays, others = flatten(probe(answer, draw))
            return Outcome(arrays, others, None, draw.changed(), draw.digest(), stderr.getvalue())
    except _TimeUp:
        failure = Failure("TimeoutError", "it did not finish in time", verdict="timeout")
    except (Exception, SystemExit) as error:
        failure = describe_failure(error, answer, probe)
    return Outcome(failure=failure, digest=draw.digest(), printed=stderr.getvalue())


def describe_failure(error: BaseException, answer: object, probe: Callable | None = None) -> Failure:
    """The failure that `error` stands for, with the traceback from the first frame of the learner's code on."""
    not_started = isinstance(error, NotImplementedError) and not str(error)  # PyTorch raises it too, with a text
    files = {code.co_filename for code in _code_objects(answer)}
    step = _first_step_in(files, error, probe)
    lines = traceback.format_exception(type(error), error, step) if step else traceback.format_exception_only(error)
    return Failure(
        kind=type(error).__name__,
        message=str(error)[:2000],
        traceback="" if not_started else _CELL_FILE.sub("In your cell", "".join(lines)),
        verdict="not_started" if not_started else "error",
        in_answer=step is not None or not files,  # a function written in C leaves no frame
    )


def _first_step_in(files: set[str], error: BaseException, probe: Callable | None) -> types.TracebackType | None:
    """The first step of the traceback that lies in these files, the probe's own left out."""
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename in files and code is not getattr(probe, "__code__", None):
            break
        step = step.tb_next
    return step


_CELL_FILE = re.compile(r'File "[^"\n]*ipykernel_[^"\n]*"')  # the temporary file that a notebook cell is compiled from


def _code_objects(answer: object) -> Iterator[types.CodeType]:
    members = vars(answer).values() if isinstance(answer, type) else [answer]
    for member in members:
        code = getattr(member, "__code__", None)
        if isinstance(code, types.CodeType):
            yield code


def flatten(results: object) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Named arrays, and the names and kinds of what is no array, from a probe's dictionary of results."""
    if not isinstance(results, Mapping):
        raise TypeError(f"a probe returns a dictionary of results, not {_kind_of(results)}")
    arrays: dict[str, np.ndarray] = {}
    others: dict[str, str] = {}
    for name, value in results.items():
        _flatten_into(arrays, others, str(name), value)
    return arrays, others


def _flatten_into(arrays: dict, others: dict, name: str, value: object) -> None:
    array = _as_array(value)
    if array is not None:
        arrays[name] = array
    elif isinstance(value, list | tuple):
        arrays[f"{name}.length"] = np.asarray(len(value))
        for i, item in enumerate(value):
            _flatten_into(arrays, others, f"{name}[{i}]", item)
    else:
        others[name] = _kind_of(value)


def _as_array(value: object) -> np.ndarray | None:
    if isinstance(value, Tensor):
        value = value.detach()
        value = value.to_dense() if value.layout != torch.strided else value
        value = value.float() if value.dtype == torch.bfloat16 else value
        array = value.resolve_conj().resolve_neg().cpu().numpy()
    elif isinstance(value, np.ndarray | np.generic | bool | int | float):
        array = np.asarray(value)
    elif isinstance(value, list | tuple) and value and all(_is_number(x) for x in _leaves(value)):
        try:
            array = np.asarray(_plain(value))
        except ValueError:  # ragged
            return None
    else:
        return None
    if array.dtype.kind not in "biuf":
        return None
    if array.size > LARGEST:
        raise ValueError(f"a result has {array.size:,} values, more than any exercise asks for")
    return np.array(array)


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_number(value: object) -> bool:
    return isinstance(value, bool | int | float | np.generic) or (isinstance(value, Tensor) and value.ndim == 0)


def _plain(value: object) -> object:
    """Nested lists of numbers, those that are tensors without an axis as Python's own."""
    if isinstance(value, list | tuple):
        return [_plain(x) for x in value]
    return value.item() if isinstance(value, Tensor) else value


def _kind_of(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


@contextlib.contextmanager
def _float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(before)


@contextlib.contextmanager
def _own_random_state(seed: int) -> Iterator[None]:
    python, legacy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)


@contextlib.contextmanager
def _quiet(stderr: io.StringIO) -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stderr(stderr):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise `_TimeUp` inside the block after `seconds`; no limit where the system or the thread has no alarm."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def time_up(signum: int, frame: object) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, time_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
