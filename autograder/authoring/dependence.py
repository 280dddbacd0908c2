"""Which earlier code each cell of a lesson depends on, by the names that it reads; runs nothing.

A plain cell counts statement by statement, a demonstration as a whole. A cell depends on what binds the names that it
reads, on what those statements read, and so on; and on every demonstration before it that may change such an object (a
model that is trained there, say). Where this misses something, validation of the whole notebook finds it.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.authoring import changes
from autograder.authoring.names import names
from autograder.authoring.reach import code_of
from autograder.authoring.source import LessonSource
from lessonkit.syntax import parse

STATEFUL = ("plain", "exercise", "demo")  # what later cells may depend on


@dataclass(frozen=True)
class Unit:
    """A piece of code: what it binds, reads and may change, and of what it binds, what can't change later."""

    cell: int  # its number in the lesson
    kind: str
    code: str
    binds: frozenset[str]
    reads: frozenset[str]
    fixed: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    always: bool = False  # acts, whether or not anything that it binds is read: torch.manual_seed(0)


def units_of(lesson: LessonSource) -> list[Unit]:
    """All pieces that later cells may depend on, in order."""
    found: list[Unit] = []
    loaders: set[str] = set()  # functions of lessonkit.data: what they return is only read
    scope = changes.Scope()
    for number, cell in enumerate(lesson.cells):
        if cell.kind not in STATEFUL:
            continue
        tree = parse(cell.source)
        if cell.kind == "demo":
            binds, reads = names(tree.body)
            changed = frozenset(changes.changed_outside(tree.body, scope))
            code = code_of(cell.source)
            found.append(Unit(number, "demo", code, frozenset(binds), frozenset(reads), changes=changed))
            continue
        for node in tree.body:
            scope.add(node)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lessonkit.data"):
                loaders |= {alias.asname or alias.name for alias in node.names}
            found += _units_of_statement(number, cell.kind, node, loaders)
    return found


def _units_of_statement(number: int, kind: str, node: ast.stmt, loaders: set[str]) -> Iterator[Unit]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            alone = ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], 0)
            name = frozenset({alias.asname or alias.name.split(".")[0]})
            yield Unit(number, kind, ast.unparse(alone), name, frozenset(), name)
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    binds, reads = names([node])
    acts = not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign)
    stays = not acts and (isinstance(node, ast.FunctionDef | ast.ClassDef) or _is_only_read(node.value, loaders))
    fixed = frozenset(binds) if stays else frozenset()
    yield Unit(number, kind, code_of(ast.unparse(node)), frozenset(binds), frozenset(reads), fixed, always=acts)


def _is_only_read(value: ast.expr | None, loaders: set[str]) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and (value.func.id in loaders or value.func.id == "Lesson")
    if isinstance(value, ast.Tuple):
        return all(_is_only_read(item, loaders) for item in value.elts)
    return isinstance(value, ast.Constant | ast.Attribute | ast.UnaryOp | ast.JoinedStr)


def behind(number: int, source: str, units: list[Unit]) -> list[Unit]:
    """The pieces before cell `number` that its code depends on, in order."""
    _, needed = names(parse(source).body)
    before = [unit for unit in units if unit.cell < number]
    fixed = {name for unit in before for name in unit.fixed}
    loose = {name for unit in before for name in unit.binds} - fixed
    chosen: set[int] = set()
    while True:
        more = {
            i
            for i, unit in enumerate(before)
            if i not in chosen
            and (unit.always or unit.binds & needed or (unit.kind == "demo" and unit.changes & needed & loose))
        }
        if not more:
            return [before[i] for i in sorted(chosen)]
        chosen |= more
        needed = needed.union(*(before[i].reads for i in more))
