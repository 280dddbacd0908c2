"""Runs a probe on an answer, inside the sandbox, and packs what came out: the same in a fork and in a kernel."""

import contextlib
import dataclasses
import io
from collections.abc import Iterator

import numpy as np
from safetensors.numpy import save

from autograder.sandbox import protocol
from lessonkit.checks.failures import describe_failure
from lessonkit.checks.outcome import Failure, Outcome
from lessonkit.checks.run import run_probe

TEXT_ROOM = 20_000  # characters of a line of a traceback, of an error's message, of what was printed


def answers(request: dict, user: dict, namespaces: dict[str, dict], most: int) -> Iterator[tuple[dict, bytes]]:
    """The frames of all seeds that a request names, one by one, up to one that spares the others."""
    for seed in request["seeds"]:
        header, body = answer(request | {"seed": seed}, user, namespaces, most)
        yield header, body
        if header["failure"] is not None and header["failure"]["verdict"] in protocol.ENDED:
            return


def answer(request: dict, user: dict, namespaces: dict[str, dict], most: int) -> tuple[dict, bytes]:
    """Probe the object called request["exercise"] in `user`. Returns the frame: header, and arrays as safetensors.

    `namespaces` keeps the probes' own names from one seed to the next; `most`: bytes of arrays that may be sent.
    """
    outcome = _outcome(request, user, namespaces)
    arrays, others = {}, dict(outcome.others)
    for name, value in outcome.arrays.items():
        if value.dtype.name in protocol.ARRAY_TYPES:
            arrays[name] = np.require(value, value.dtype.newbyteorder("="), ["C"])
        else:
            others[name] = f"an array of {value.dtype.name}"
    body, failure = save(arrays), outcome.failure
    if len(body) > most:
        failure = Failure("ValueError", f"the results take {len(body):,} bytes, more than any exercise asks for")
        body, others = b"", {}
    header = {
        "type": "outcome",
        "exercise": request["exercise"],
        "seed": request["seed"],
        "others": others,
        "failure": failure and dataclasses.asdict(_cut(failure)),
        "changed": list(outcome.changed),
        "digest": outcome.digest,
        "printed": outcome.printed[:TEXT_ROOM],
        "returned": dict(outcome.returned),
    }
    return header, body


def _outcome(request: dict, user: dict, namespaces: dict[str, dict]) -> Outcome:
    name = request["exercise"]
    if name not in user:
        return Outcome(failure=Failure("NameError", f"`{name}` is not defined", verdict="missing"))
    tested = user[name]
    try:
        if name not in namespaces:
            namespaces[name] = _namespace(request)
            _as_they_were(user, user.get(f"{name}_names"))
        return run_probe(namespaces[name]["probe"], tested, request["seed"], request["seconds"])
    except BaseException as error:
        return Outcome(failure=describe_failure(error, tested))


def _as_they_were(user: dict, names: object) -> None:
    """Give names the meaning that they had where the answer was kept; those that came later stay."""
    if type(names) is dict:
        user.update({key: value for key, value in names.items() if type(key) is str and not key.startswith("_")})


def _namespace(request: dict) -> dict:
    namespace: dict = {"__name__": "__probe__"}
    with contextlib.redirect_stderr(io.StringIO()):
        for part in ("setup", "source"):
            exec(compile(request[part], f"<{part} of {request['exercise']}>", "exec"), namespace)
    return namespace


def _cut(failure: Failure) -> Failure:
    return dataclasses.replace(failure, message=failure.message[:TEXT_ROOM], traceback=failure.traceback[-TEXT_ROOM:])
