"""Faults of a lesson's files: one sentence each, with file and line."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lessonkit.errors import CourseError


@dataclass(frozen=True, order=True)
class Fault:
    """Something that an author has to mend."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.sentence}"


class FaultyFileError(CourseError):
    """All faults that were found in a lesson's files, a line each."""

    def __init__(self, faults: Iterable[Fault], lesson: object = None):
        self.faults = tuple(sorted(set(faults)))
        self.lesson = lesson  # as far as it could be read
        super().__init__("\n".join(map(str, self.faults)))


def refuse(faults: Iterable[Fault], lesson: object = None) -> None:
    """Go on only if there is no fault.

    Raises:
        FaultyFileError: there is one; names all of them.
    """
    if found := list(faults):
        raise FaultyFileError(found, lesson)


def fault_of(error: BaseException, path: Path, line: int = 1, name: str = "") -> Fault:
    """The fault that an exception stands for, which left the code of this file; `line` if nothing says where."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return Fault(name or path.name, error.lineno or line, f"Python can't read this: {error.msg}.")
    own = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    said = str(error).strip().splitlines()
    what = type(error).__name__ + (f": {said[0]}" if said else "")
    return Fault(name or path.name, own[-1] if own and own[-1] else line, f"this stops with {what.rstrip('.')}.")
