"""Which earlier code each cell of a lesson depends on, by the names that it reads; runs nothing.

A plain cell counts statement by statement, a demonstration as a whole. A cell depends on what binds the names that it
reads, on what those statements read, and so on; and on every demonstration before it that touches an object which may
change (a model that is trained there, say). Where this misses something, validation of the whole notebook finds it.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.authoring.reach import code_of
from autograder.authoring.source import LessonSource

STATEFUL = ("plain", "exercise", "demo")  # what later cells may depend on


@dataclass(frozen=True)
class Unit:
    """A piece of code: what it binds and reads, and of what it binds, what can't change later."""

    cell: int  # its number in the lesson
    kind: str
    code: str
    binds: frozenset[str]
    reads: frozenset[str]
    fixed: frozenset[str] = frozenset()
    always: bool = False  # acts, whether or not anything that it binds is read: torch.manual_seed(0)


def units_of(lesson: LessonSource) -> list[Unit]:
    """All pieces that later cells may depend on, in order."""
    found: list[Unit] = []
    loaders: set[str] = set()  # functions of lessonkit.data: what they return is only read
    for number, cell in enumerate(lesson.cells):
        if cell.kind not in STATEFUL:
            continue
        tree = ast.parse(cell.source)
        if cell.kind == "demo":
            binds, reads = names(tree.body)
            found.append(Unit(number, "demo", code_of(cell.source), frozenset(binds), frozenset(reads)))
            continue
        for node in tree.body:
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
    yield Unit(number, kind, code_of(ast.unparse(node)), frozenset(binds), frozenset(reads), fixed, acts)


def _is_only_read(value: ast.expr | None, loaders: set[str]) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and (value.func.id in loaders or value.func.id == "Lesson")
    if isinstance(value, ast.Tuple):
        return all(_is_only_read(item, loaders) for item in value.elts)
    return isinstance(value, ast.Constant | ast.Attribute | ast.UnaryOp | ast.JoinedStr)


def behind(number: int, source: str, units: list[Unit]) -> list[Unit]:
    """The pieces before cell `number` that its code depends on, in order."""
    _, needed = names(ast.parse(source).body)
    before = [unit for unit in units if unit.cell < number]
    fixed = {name for unit in before for name in unit.fixed}
    loose = {name for unit in before for name in unit.binds} - fixed
    chosen: set[int] = set()
    while True:
        more = {
            i
            for i, unit in enumerate(before)
            if i not in chosen
            and (
                unit.always
                or unit.binds & needed
                or (unit.kind == "demo" and unit.reads & needed & loose)
                or (unit.kind == "demo" and unit.binds & unit.reads & needed)
            )
        }
        if not more:
            return [before[i] for i in sorted(chosen)]
        chosen |= more
        needed = needed.union(*(before[i].reads for i in more))


def names(body: Iterable[ast.stmt]) -> tuple[set[str], set[str]]:
    """What statements bind, and what they read that they have not bound before."""
    reader = _Reader()
    reader.block(body, set())
    return reader.binds, reader.reads


class _Reader:
    """Walks through statements in order, with the names that are bound so far."""

    def __init__(self) -> None:
        self.binds: set[str] = set()
        self.reads: set[str] = set()

    def block(self, body: Iterable[ast.stmt], own: set[str]) -> set[str]:
        for node in body:
            own = self.statement(node, own)
        return own

    def statement(self, node: ast.stmt, own: set[str]) -> set[str]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.reads |= _free(node) - own
            return self._bound(own, {node.name})
        if isinstance(node, ast.Import | ast.ImportFrom):
            return self._bound(own, {alias.asname or alias.name.split(".")[0] for alias in node.names})
        if isinstance(node, ast.With):
            for item in node.items:
                self.reads |= _free(item.context_expr) - own
                own = self._bound(own, _targets(item.optional_vars))
            return self.block(node.body, own)
        if isinstance(node, ast.For):
            self.reads |= _free(node.iter) - own
            own = self._bound(own, _targets(node.target))
            return self.block([*node.body, *node.orelse], own)
        if isinstance(node, ast.If):
            self.reads |= _free(node.test) - own
            ways = [self.block(way, own) for way in (node.body, node.orelse)]
            return ways[0] & ways[1]
        if isinstance(node, ast.Try):
            own = self.block([*node.body, *node.orelse, *node.finalbody], own)
            for handler in node.handlers:
                self.block(handler.body, own | {handler.name or ""})
            return own
        self.reads |= _free(node) - own
        return self._bound(own, _targets(node))

    def _bound(self, own: set[str], new: set[str]) -> set[str]:
        self.binds |= new
        return own | new


def _targets(node: ast.AST | None) -> set[str]:
    """Names that are bound in a statement or target, not those of functions and comprehensions in it."""
    found: set[str] = set()
    stack = [node] if node is not None else []
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
        if not isinstance(part, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            stack.extend(ast.iter_child_nodes(part))
    return found


def _free(node: ast.AST) -> set[str]:
    """Names that code reads from outside: neither arguments nor what functions and comprehensions in it bind."""
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        arguments = node.args
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        inside = {argument.arg for argument in given if argument}
        body = node.body if isinstance(node.body, list) else [node.body]
        outside = [*arguments.defaults, *filter(None, arguments.kw_defaults), *getattr(node, "decorator_list", [])]
        outside += [argument.annotation for argument in given if argument and argument.annotation]
        bound = inside.union(*map(_targets, body)) | {n.name for n in body if hasattr(n, "name")}
        return set().union(*map(_free, body)) - bound | set().union(*map(_free, outside))
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        bound = set().union(*(_targets(generator.target) for generator in node.generators))
        return set().union(*map(_free, ast.iter_child_nodes(node))) - bound
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return {node.target.id} | _free(node.value)
    return set().union(*map(_free, ast.iter_child_nodes(node)))
