"""The part of a lesson's contract that makes it a page to read: little code, folds with captions, a summary."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.authoring.faults import Fault
from autograder.authoring.notebook import is_folded
from autograder.authoring.source import Cell, LessonSource
from lessonkit.syntax import parse

DEMONSTRATION_LINES = OTHER_LINES = 60  # of code, a lesson
IMPORTED_NAMES = 12  # by the setup cell
SUMMARY = 10  # numbered lines


def at(lesson: LessonSource, cell: Cell, sentence: str, line: int = -1) -> Fault:
    """A fault of a cell: at its mark, or at a line of its code, counted from 1."""
    return Fault(lesson.path.name, cell.line - 1 if line < 0 else cell.line + line - 1, sentence)


def first(lesson: LessonSource, sentence: str) -> Fault:
    """A fault of the whole lesson."""
    return Fault(lesson.path.name, 1, sentence)


def text_of(lesson: LessonSource) -> str:
    """All prose."""
    return "\n".join(cell.source for cell in lesson.cells if not cell.is_code)


def code_lines(lesson: LessonSource) -> tuple[int, int]:
    """Lines of demonstration code, and of other code: no exercise, check, or model (a plain cell marked show=true)."""
    demonstrations = sum(_lines(cell) for cell in lesson.of_kind("demo"))
    other = sum(_lines(cell) for cell in lesson.of_kind("plain") if not cell.marks.get("show"))
    return demonstrations, other


def _lines(cell: Cell) -> int:
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in cell.source.splitlines())


@dataclass(frozen=True)
class Counts:
    """What stands on a lesson's page: lines of code by kind, names imported, code cells folded and open."""

    demonstrations: int
    other: int
    names: int
    folded: int
    open: int
    open_lines: int


def counts(lesson: LessonSource) -> Counts:
    """Count a lesson's code."""
    demonstrations, other = code_lines(lesson)
    code = [cell for cell in lesson.cells if cell.is_code]
    seen = [cell for cell in code if not is_folded(cell)]
    names = sum(_imported(cell) for cell in code if cell.name == "setup")
    return Counts(demonstrations, other, names, len(code) - len(seen), len(seen), sum(map(_lines, seen)))


def _imported(cell: Cell) -> int:
    nodes = [n for n in parse(cell.source).body if isinstance(n, ast.Import | ast.ImportFrom)]
    return sum(len(node.names) for node in nodes)


def is_mostly_a_page_to_read(lesson: LessonSource) -> Iterator[Fault]:
    """Little code that is neither an exercise nor a model."""
    demonstrations, other = code_lines(lesson)
    if demonstrations > DEMONSTRATION_LINES:
        yield first(lesson, f"{demonstrations} lines of demonstration code; at most {DEMONSTRATION_LINES}.")
    if other > OTHER_LINES:
        yield first(lesson, f"{other} lines of code that is neither an exercise nor a model; at most {OTHER_LINES}.")


def imports_little(lesson: LessonSource) -> Iterator[Fault]:
    """The setup cell names a dozen things, no more."""
    for cell in lesson.of_kind("plain"):
        if cell.name == "setup" and (names := _imported(cell)) > IMPORTED_NAMES:
            yield at(lesson, cell, f"the setup cell imports {names} names; at most {IMPORTED_NAMES}.")


def folds_have_captions(lesson: LessonSource) -> Iterator[Fault]:
    """What is folded begins with a comment that reads like a caption; the build writes those of setup and checks."""
    for cell in lesson.cells:
        folded = cell.kind in ("demo", "plain") and not cell.marks.get("show") and cell.name != "setup"
        if folded and not re.match(r"#\s*\w+\W+\w+", cell.source):
            yield at(lesson, cell, "this cell is folded: its first line is a caption, `# Figure: error by bandwidth`.")


def names_no_makefile(lesson: LessonSource) -> Iterator[Fault]:
    """Learners have no Makefile."""
    for cell in lesson.cells:
        for line, text in enumerate(cell.source.splitlines(), 1):
            if not cell.is_code and re.search(r"`make \w+", text):
                yield at(lesson, cell, "learners have no Makefile: `python -m lessonkit full 03`, or nothing.", line)


def sums_up_in_ten_lines(lesson: LessonSource) -> Iterator[Fault]:
    """The summary has ten numbered lines."""
    found = re.search(r"^## Summary\n(.*?)(?=^## |\Z)", text_of(lesson), re.MULTILINE | re.DOTALL)
    lines = len(re.findall(r"^\d+\. ", found[1], re.MULTILINE)) if found else SUMMARY  # has_its_parts asks for it
    if lines != SUMMARY:
        yield first(lesson, f"the summary has {lines} numbered lines, not {SUMMARY}.")
