"""Which of a lesson's own cells a submission needs: those that its code names, and those that these name."""

import ast
import re
from dataclasses import dataclass

from autograder.authoring.source import Cell, LessonSource
from autograder.grading.intake import Intake
from autograder.grading.once import once_a_lesson
from lessonkit.syntax import parse

_WORD = re.compile(r"[^\W\d]\w*")
_MAGIC = re.compile(r"^[ \t]*%", re.MULTILINE)  # within its line: over many blank ones, \s takes the square of them
# Who says one of these may reach any name without writing it.
_ANY_NAME = {"globals", "locals", "vars", "dir", "eval", "exec", "compile", "get_ipython", "inspect", "sys", "gc"}
_ANY_NAME |= {"__main__", "__builtins__", "__dict__", "__globals__", "__import__", "importlib", "builtins"}
_NAMES_ONLY = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class _Plain:
    """A cell of the lesson's own: what it defines, all words in it, and whether it does nothing but define."""

    name: str
    defines: frozenset[str]
    mentions: frozenset[str]
    only_defines: bool


def unneeded(lesson: LessonSource, intake: Intake) -> set[str]:
    """The names of plain cells that nobody's code mentions, not even in a string or a comment.

    They are the lesson's own, whatever was handed in, and no probe needs them: grading is quicker without.
    """
    own = [taken.source for taken in intake.cells if taken.cell is None or taken.kind == "exercise"]
    named = {word for source in own for word in _WORD.findall(source)}
    if named & _ANY_NAME or any(_MAGIC.search(source) for source in own):
        return set()
    open_ = {plain for plain in _plain_cells(lesson) if plain.only_defines}
    waiting = [named, *(plain.mentions for plain in _plain_cells(lesson) if not plain.only_defines)]
    while waiting:
        words = waiting.pop()
        found = {plain for plain in open_ if plain.defines & words}
        open_ -= found
        waiting += [plain.mentions for plain in found]
    return {plain.name for plain in open_}


@once_a_lesson
def _plain_cells(lesson: LessonSource) -> tuple[_Plain, ...]:
    return tuple(_read(cell) for cell in lesson.of_kind("plain"))


def _read(cell: Cell) -> _Plain:
    body = parse(cell.source).body
    defines = {name for node in body for name in defined_by(node)}
    only = all(isinstance(node, _NAMES_ONLY) for node in body)
    return _Plain(cell.name, frozenset(defines), frozenset(_WORD.findall(cell.source)), only)


def defined_by(node: ast.stmt) -> set[str]:
    """The names that an import, a definition or an assignment defines."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
    return {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
