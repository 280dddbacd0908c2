"""What came out of one run of a probe, as plain arrays and strings that can be compared, stored and sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np

GRADIENTS = "∂"  # how the array of all gradients is called among the results
NOT_COMPARED = "~"  # begins the name of a result that only serves to explain a wrong one
GRADIENT_OF = "gradient of "  # begins the name of a result that is one


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

    @cached_property
    def compared(self) -> dict[str, np.ndarray]:
        """The results that make two outcomes the same: no notes, and a gradient of zeros is as good as none."""
        kept = {k: v for k, v in self.arrays.items() if k != GRADIENTS and not k.startswith(NOT_COMPARED)}
        return {k: v for k, v in kept.items() if not k.startswith(GRADIENT_OF) or v.any()}

    @cached_property
    def compared_others(self) -> dict[str, str]:
        """What makes two outcomes the same of the results that are no numbers: a gradient that is missing doesn't."""
        return {k: v for k, v in self.others.items() if not (v == "None" and k.startswith(GRADIENT_OF))}


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
