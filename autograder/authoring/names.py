"""The names that code binds, and those that it reads from outside; runs nothing."""

import ast
from collections.abc import Iterable


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
