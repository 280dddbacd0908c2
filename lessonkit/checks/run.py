"""Runs a probe on an answer: in a quiet room with its own random numbers, a clock, and nothing that escapes."""

import contextlib
import dataclasses
import io
import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch

from lessonkit.checks.clock import TimeUp, time_limit
from lessonkit.checks.draw import Draw
from lessonkit.checks.failures import describe_failure
from lessonkit.checks.flatten import flatten
from lessonkit.checks.handing import Gradients, Handed
from lessonkit.checks.outcome import GRADIENTS, NOT_COMPARED, Failure, Kind, Outcome

# torch.compile is left out while checks run: it would take seconds, and needs a compiler. Read when it is first used.
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")

SECONDS = 10.0  # how long an answer may run in one probe
ROOM = 10_000  # characters that are kept of what an answer prints
_NUMPY = re.compile(r"Can't call numpy\(\) on Tensor that requires grad")
_TWO_PRECISIONS = re.compile(r"\bdtypes?\b|scalar type|[Dd]ouble|FloatTensor|Float\b")


def run_probe(probe: Callable, answer: object, seed: int, seconds: float = SECONDS) -> Outcome:
    """Call `probe(answer, draw)` with inputs drawn from `seed`, and take down what comes out.

    In float64; and where an answer trips over that, because it names float32 itself, once more in float32. Gradients
    are asked for, unless the probe has an attribute `no_gradients` that says why not. Nothing escapes: an exception
    becomes a `Failure`, what is printed is taken down, and the global random states and torch's defaults are put back.
    """
    gradients = Gradients.DECLINED if getattr(probe, "no_gradients", None) else Gradients.ASKED
    outcome = _run(probe, answer, seed, seconds, torch.float64, gradients)
    if _failed_by(outcome, _NUMPY):  # its values may be right, or need no gradient: whole numbers, masks
        again = _run(probe, answer, seed, seconds, torch.float64, Gradients.CUT)
        outcome = again if not _failed_by(again, _NUMPY) else outcome
    if _failed_by(outcome, _TWO_PRECISIONS):
        again = _run(probe, answer, seed, seconds, torch.float32, gradients)
        outcome = again if not _failed_by(again, _TWO_PRECISIONS) else outcome
    return outcome


def _failed_by(outcome: Outcome, pattern: re.Pattern) -> bool:
    failure = outcome.failure
    return bool(failure and failure.verdict == Kind.ERROR and pattern.search(failure.message))


def _run(
    probe: Callable, answer: object, seed: int, seconds: float, dtype: torch.dtype, gradients: Gradients
) -> Outcome:
    draw, printed = Draw(seed, dtype), _Page()
    answer = getattr(answer, "_torchdynamo_orig_callable", answer)
    handed = answer
    if callable(answer) and not isinstance(answer, type):
        handed = Handed(answer, draw, seed, gradients)
    try:
        with _quiet(printed), _own_random_state(seed), _defaults(dtype), time_limit(seconds):
            arrays, others = flatten(probe(handed, draw))
            said, digest = printed.getvalue(), draw.digest()
            if not isinstance(handed, Handed):
                return Outcome(arrays, others, None, draw.changed(), digest, said)
            if handed.rows:
                arrays[GRADIENTS] = np.array(handed.rows)
            changed, names, given = (*handed.changed, *draw.changed()), tuple(handed.names), tuple(handed.inputs)
            return Outcome(arrays, others, None, changed, digest, said, handed.returned, names, given)
    except TimeUp:
        failure = Failure("TimeoutError", "it did not finish in time", verdict=Kind.TIMEOUT)
    except (Exception, SystemExit) as error:
        failure = describe_failure(error, answer, probe, handed)
    return Outcome(failure=failure, digest=draw.digest(), printed=printed.getvalue())


def with_settings(probe: Callable, no_gradients: str | None = None, explain: Callable | None = None) -> Callable:
    """The probe, with what its check says of it: why no gradients are asked for, and who explains a wrong result."""
    probe.no_gradients, probe.explain = no_gradients, explain
    return probe


def without_gradients(outcome: Outcome) -> Outcome:
    """The outcome without its gradients and long notes: of a wrong result they only take room.

    Short notes stay, since they tell mistakes apart whose results are the same by luck.
    """
    kept = {
        name: array
        for name, array in outcome.arrays.items()
        if name != GRADIENTS and not (name.startswith(NOT_COMPARED) and array.ndim > 1)
    }
    return dataclasses.replace(outcome, arrays=kept, names=(), given=())


class _Page(io.StringIO):
    """Keeps the first characters of what is printed, and drops a flood."""

    def write(self, text: str) -> int:
        if (room := ROOM - self.tell()) > 0:
            super().write(text[:room])
        return len(text)


@contextlib.contextmanager
def _defaults(dtype: torch.dtype) -> Iterator[None]:
    """torch's default dtype and device, gradients on, and what is compiled run as it was written."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_default_dtype, before)
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextlib.contextmanager
def _own_random_state(seed: int) -> Iterator[None]:
    python, legacy, torchs = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        torch.default_generator.manual_seed(seed)  # torch.manual_seed takes down the stack for each kind of device
        np.random.seed(seed % 2**32)
        random.seed(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        torch.set_rng_state(torchs)


@contextlib.contextmanager
def _quiet(page: io.StringIO) -> Iterator[None]:
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(page):
        warnings.simplefilter("ignore")
        yield
