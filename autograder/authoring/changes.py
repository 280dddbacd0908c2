"""Which objects a piece of code may change, by the names that lead to them; runs nothing.

Looking at an object is no change: drawing it, measuring it, giving it to a function of PyTorch, or to one of the
lesson's own that only looks. Whatever isn't known to leave its arguments alone may change them. Two names may mean one
object: what changes one changes the other.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.authoring.names import names

# Modules whose functions leave their arguments alone, as far as their names don't end with an underscore.
_LOOKING = ("torch", "numpy", "math", "statistics", "matplotlib", "lessonkit.show", "lessonkit.data")
_BUILTIN_NAMES = (
    "abs all any bool dict enumerate float format int isinstance len list map max min print range repr reversed round "
    "set sorted str sum tuple zip"
)
_METHOD_NAMES = (
    "abs all any argmax argmin bool chunk clone contiguous copy count cpu cumsum detach dim double endswith eq exp "
    "expand flatten float format gather ge get gt index int item items join keys le log long lower lt masked_fill "
    "matmul max mean min ne norm numel numpy permute pow repeat reshape round size softmax sort split sqrt squeeze "
    "startswith std strip sum t to tolist topk transpose unbind unsqueeze upper values var view"
)
_BUILTINS, _METHODS = frozenset(_BUILTIN_NAMES.split()), frozenset(_METHOD_NAMES.split())


@dataclass(frozen=True)
class Function:
    """A function of the lesson: its arguments in order, and the names that its code may change."""

    arguments: tuple[str, ...]
    changes: frozenset[str]


class Scope:
    """What is known where a piece of code stands: modules and functions that only look, functions of the lesson."""

    def __init__(self) -> None:
        self.looking = {"lesson"}
        self.functions: dict[str, Function] = {}

    def add(self, node: ast.stmt) -> None:
        """Learn from a statement of a plain or exercise cell."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or ""
            for alias in node.names:
                whole = f"{module}.{alias.name}".strip(".")
                if any(f"{whole}.".startswith(f"{name}.") for name in _LOOKING):
                    self.looking.add(alias.asname or alias.name.split(".")[0])
        elif isinstance(node, ast.FunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            arguments = tuple(argument.arg for argument in given)
            changes = changed(node.body, self) & set(arguments) | changed_outside([node], self)
            self.functions[node.name] = Function(arguments, frozenset(changes))


def changed_outside(body: list[ast.stmt], scope: Scope) -> set[str]:
    """The names from outside of what statements may change, be it in functions of the lesson that they call."""
    _, reads = names(body)
    own = [function for name, function in scope.functions.items() if name in reads]
    return changed(body, scope) & reads.union(*(function.changes - set(function.arguments) for function in own))


def changed(body: Iterable[ast.stmt], scope: Scope) -> set[str]:
    """The names of what statements may change, names of their own among them."""
    found: set[str] = set()
    same: dict[str, set[str]] = {}  # name -> names that may mean the same object, or hold it
    nodes = [node for statement in body for node in ast.walk(statement)]
    inner = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    for node in nodes:
        for target, value in _bindings(node):
            if isinstance(target, ast.Subscript | ast.Attribute):
                found |= _names(target.value)
            for name in _names(target):
                same.setdefault(name, set()).update(_names(value))
        if isinstance(node, ast.AugAssign):
            found |= _names(node.target)
        if isinstance(node, ast.Delete):
            found |= {name for target in node.targets for name in _names(target)}
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in inner):
            found |= _changed_by(node, scope)
        elif isinstance(node, ast.Call):  # its code is looked at with the rest: an argument is what it is called there
            given = [argument.arg for argument in inner[node.func.id].args.args]
            for name in given:
                same.setdefault(name, set()).update(*map(_names, _arguments(node)))
    while more := set().union(*(same.get(name, set()) for name in found)) - found:
        found |= more
    return found


def _bindings(node: ast.AST) -> Iterable[tuple[ast.expr, ast.expr]]:
    """(target, value) pairs: what is bound, and what it may be, or be a part of."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            yield from ((part, node.value) for part in parts)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.For | ast.comprehension):
        yield node.target, node.iter
    elif isinstance(node, ast.With):
        yield from ((item.optional_vars, item.context_expr) for item in node.items if item.optional_vars)


def _changed_by(call: ast.Call, scope: Scope) -> set[str]:
    """What a call may change: its arguments, and what stands before the dot, unless it is known to look only."""
    function = call.func
    found = {name for word in call.keywords if word.arg in ("generator", "out") for name in _names(word.value)}
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if isinstance(function, ast.Name) and function.id in scope.functions:
        return found | _changed_by_own(call, scope.functions)
    root = function
    while isinstance(root, ast.Attribute):
        root = root.value
    only_looks = isinstance(root, ast.Name) and root.id in scope.looking
    only_looks |= isinstance(function, ast.Name) and function.id in _BUILTINS
    only_looks |= isinstance(function, ast.Attribute) and last in _METHODS
    if only_looks and not last.endswith("_"):
        return found
    return found | _names(function).union(*map(_names, _arguments(call)))


def _changed_by_own(call: ast.Call, functions: Mapping[str, Function]) -> set[str]:
    """What a call of one of the lesson's functions may change."""
    function = functions[call.func.id]
    found = set(function.changes - set(function.arguments))
    if any(isinstance(argument, ast.Starred) for argument in call.args) or len(call.args) > len(function.arguments):
        return found.union(*map(_names, _arguments(call))) if function.changes else found
    given = [*zip(function.arguments, call.args, strict=False), *((word.arg, word.value) for word in call.keywords)]
    for name, value in given:
        if name is None or name not in function.arguments or name in function.changes:
            found |= _names(value)
    return found


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(word.value for word in call.keywords)]


def _names(node: ast.AST | None) -> set[str]:
    """All names in an expression."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node is not None else set()
