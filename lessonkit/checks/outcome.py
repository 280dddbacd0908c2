"""What came out of one run of a probe, as plain arrays and strings that can be compared, stored and sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

LARGEST = 2_000_000  # elements of one result
NOT_COMPARED = "~"  # begins the name of a result that only serves to explain a wrong one


class Kind(StrEnum):
    """How an exercise can end."""

    PASSED = "passed"
    WRONG = "wrong"
    ERROR = "error"
    TIMEOUT = "timeout"
    NOT_STARTED = "not_started"
    MISSING = "missing"
    REFUSED = "refused"


@dataclass(frozen=True)
class Failure:
    """An exception that left a learner's code, or the probe, which could not use what that code returned."""

    kind: str  # the exception's class, "TypeError"
    message: str
    traceback: str = ""  # from the learner's frame on
    verdict: str = Kind.ERROR  # or timeout, not_started, missing
    in_answer: bool = True  # raised by the learner's code or by what it called, not later by the probe
    inside: str = ""  # the function that the check had handed over, if it was raised in there
    line: str = ""  # the learner's line that was being run
    shapes: str = ""  # of the tensors in that line, or of what `inside` was called with


@dataclass(frozen=True)
class Outcome:
    """The results of one probe on one seed. `arrays` is empty where there is a failure."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)  # results that are no numbers: name -> what they are
    failure: Failure | None = None
    changed: tuple[str, ...] = ()  # arguments and drawn things that the answer changed in place
    digest: str = ""  # of the drawn inputs
    printed: str = ""  # what the answer wrote to the page
    returned: Mapping[str, str] = field(default_factory=dict)  # the kind of what was returned, by place in it
    names: tuple[str, ...] = ()  # of the arguments that the rows of gradients belong to
    given: Sequence[Mapping[str, np.ndarray]] = ()  # what the calls got, by name: not stored, not sent, not compared


@dataclass(frozen=True)
class Known:
    """A known mistake, and what comes out of a probe when it is made."""

    name: str
    sentence: str
    outcome: Outcome


@dataclass(frozen=True)
class Trial:
    """One run of an answer: on which seed, what came out, what was expected, and the known mistakes there."""

    seed: int
    got: Outcome
    want: Outcome
    known: Sequence[Known] = ()


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
