"""One anonymous answer, as an example of a mistake: code without comments, strings of people's names, or formatting."""

import ast
from collections.abc import Sequence
from pathlib import Path

from autograder.authoring.notebook import cell_id
from autograder.authoring.source import LessonSource
from autograder.grading.fence import Fence
from autograder.grading.graded_notebook import cells_of, graded_path, joined
from autograder.grading.records import Record
from autograder.sandbox.text import plain
from lessonkit.syntax import parse

LONGEST = 3_000  # characters of an answer that is parsed and shown
MOST_LOOKED_AT = 10  # students


def example_of(lesson: LessonSource, made: Sequence[Record], exercise: str, out: Path) -> str:
    """The shortest answer of those who made a mistake, as Python's own printer writes it; "" if none can be shown.

    Comments and docstrings are gone, and so is whoever's code names its author.
    """
    cell = next((c for c in lesson.of_kind("exercise") if c.marks["exercise"] == exercise), None)
    if cell is None:
        return ""
    fence, found = Fence(), []
    for record in made[:MOST_LOOKED_AT]:
        own = cells_of(graded_path(out, record.student, lesson.name)).get(cell_id(lesson.name, cell))
        source = joined(own["source"]) if own else ""
        if not source or len(source) > LONGEST:
            continue
        code = fence.run(lambda source=source: _bare(source, exercise), str, len(source))
        if code and not _names(record, code):
            found.append(plain(code))
    return min(found, key=len, default="")


def _bare(source: str, exercise: str) -> str:
    """The definitions of an answer without comments and docstrings."""
    kept = []
    for node in parse(source).body:
        if getattr(node, "name", "") == exercise or isinstance(node, ast.FunctionDef | ast.ClassDef):
            for inner in ast.walk(node):
                body = getattr(inner, "body", None)
                if (
                    isinstance(inner, ast.FunctionDef | ast.ClassDef)
                    and ast.get_docstring(inner, clean=False) is not None
                ):
                    inner.body = body[1:] or [ast.Pass()]
            kept.append(ast.unparse(node))
    return "\n\n\n".join(kept)


def _names(record: Record, code: str) -> bool:
    """Whether code holds a word of its author's name or id."""
    words = {*record.name.casefold().split(), record.student.casefold(), record.email.partition("@")[0].casefold()}
    text = code.casefold()
    return any(len(word) > 2 and word in text for word in words)
