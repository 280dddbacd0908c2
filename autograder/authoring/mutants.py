"""Mutation testing of the checks: small changes to each reference answer, which the check should notice."""

import ast
import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from autograder.authoring import bank as banks
from autograder.authoring.source import Exercise, LessonSource
from lessonkit.checks.finding import Finding
from lessonkit.checks.judge import judge
from lessonkit.checks.outcome import Trial
from lessonkit.checks.run import run_probe
from lessonkit.syntax import parse

SEEDS = (101, 102)
SECONDS = 2.0  # a mutant may loop for ever

_DROPPED_CALLS = {  # methods and functions whose result is replaced by what they were given
    *("masked_fill", "transpose", "permute", "unsqueeze", "squeeze", "detach", "clone", "contiguous", "clamp", "abs"),
    *("tanh", "exp", "log", "sqrt", "softmax", "log_softmax", "sigmoid", "relu", "mean", "sum", "flip", "long"),
    *("reversed", "sorted", "set", "float", "bool", "square", "norm", "cumsum", "tril", "triu"),
}
_COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
_OPERATORS = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.MatMult: (),
    ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.FloorDiv: (), ast.Mod: (),
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A changed reference answer. `description` is the change, stable under changes elsewhere in the source."""

    exercise: str
    description: str
    answer: object


@dataclass(frozen=True)
class Survivor:
    """A mutant that the check accepts, with the reason why it is not wrong, if the bank gives one."""

    exercise: str
    description: str
    reason: str | None


def mutants_of(lesson: LessonSource, exercise: Exercise) -> Iterator[Mutant]:
    """All mutants of the reference answer of an exercise that compile, each with one change."""
    tree = parse(exercise.cell.source)
    count: dict[str, int] = {}
    for description, mutated in _changes(tree, exercise.name):
        count[description] = count.get(description, 0) + 1
        if count[description] > 1:
            description = f"{description} (no. {count[description]})"
        namespace = dict(lesson.namespace())
        try:
            exec(compile(ast.fix_missing_locations(mutated), f"<mutant of {exercise.name}>", "exec"), namespace)
        except Exception:
            continue
        yield Mutant(exercise.name, description, namespace[exercise.name])
    annotations = getattr(exercise.reference, "__annotations__", {})
    if any(kind is torch.Tensor for name, kind in annotations.items() if name != "return"):
        yield Mutant(exercise.name, "change the first tensor argument in place", _in_place(exercise.reference))


def judge_mutant(exercise: Exercise, bank: banks.Bank, mutant: Mutant) -> Finding:
    """The check's verdict on a mutant."""
    trials = []
    for seed in SEEDS:
        got = run_probe(exercise.probe, mutant.answer, seed, SECONDS)
        trials.append(Trial(seed, got, *banks.expected_on(exercise, bank, seed)))
        finding = judge(trials)
        if not finding.passed:
            return finding
    return finding


def survivors(lesson: LessonSource) -> tuple[int, list[Survivor], list[str]]:
    """How many mutants there are, which survive, and which `equivalent` lines of the bank explain nothing."""
    bank = banks.load(lesson.name)
    total, found = 0, []
    for exercise in lesson.exercises().values():
        reasons = {e.mutant: e.reason for e in bank.equivalents if e.exercise == exercise.name}
        for mutant in mutants_of(lesson, exercise):
            total += 1
            if judge_mutant(exercise, bank, mutant).passed:
                found.append(Survivor(exercise.name, mutant.description, reasons.get(mutant.description)))
    explained = {(s.exercise, s.description) for s in found}
    stale = [f"{e.exercise}: {e.mutant}" for e in bank.equivalents if (e.exercise, e.mutant) not in explained]
    return total, found, stale


def _in_place(reference: Callable) -> Callable:
    def answer(*arguments: object, **keywords: object) -> object:
        result = reference(*arguments, **keywords)
        for argument in (*arguments, *keywords.values()):
            if isinstance(argument, torch.Tensor) and argument.numel():
                with torch.no_grad():
                    argument.copy_(~argument if argument.dtype == torch.bool else argument + 1)
                break
        return result

    return answer


def _changes(tree: ast.Module, name: str) -> Iterator[tuple[str, ast.Module]]:
    """Every change to the body of the definition `name`: a description and the changed module."""
    definition = next(n for n in tree.body if getattr(n, "name", None) == name)
    for node in _code_nodes(definition):
        for description, replacement in _replacements(node):
            yield description, _replace(tree, node, replacement)
    functions = [n for n in ast.walk(definition) if isinstance(n, ast.FunctionDef)]
    for function in functions:
        for argument in (*function.args.args, *function.args.kwonlyargs):
            if argument.arg != "self":
                with _ignoring(function, argument.arg):
                    changed = copy.deepcopy(tree)
                yield f"ignore {argument.arg} in {function.name}", changed


def _code_nodes(definition: ast.AST) -> Iterator[ast.AST]:
    """The expressions of a definition, without docstrings, defaults and annotations."""
    stack: list[ast.AST] = [definition]
    while stack:
        node = stack.pop()
        yield node
        for field, value in ast.iter_fields(node):
            if field in ("args", "returns", "annotation", "decorator_list") and not isinstance(node, ast.Call):
                continue
            children = value if isinstance(value, list) else [value]
            if (
                field == "body"
                and isinstance(node, ast.FunctionDef | ast.ClassDef)
                and ast.get_docstring(node) is not None
            ):
                children = children[1:]
            stack.extend(child for child in reversed(children) if isinstance(child, ast.AST))


def _replacements(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    text = ast.unparse(node) if isinstance(node, ast.expr) else ""
    if isinstance(node, ast.BinOp):
        for operator in _OPERATORS.get(type(node.op), ()):
            changed = ast.BinOp(node.left, operator(), node.right)
            yield f"{text} -> {ast.unparse(changed)}", changed
        if isinstance(node.op, ast.Mult | ast.Div | ast.Add | ast.Sub | ast.MatMult | ast.BitAnd | ast.Pow):
            yield f"{text} -> {ast.unparse(node.left)}", node.left
        if isinstance(node.op, ast.Mult | ast.Add | ast.BitAnd):
            yield f"{text} -> {ast.unparse(node.right)}", node.right
        if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult):
            changed = ast.BinOp(node.right, node.op, node.left)
            yield f"{text} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield f"{text} -> {ast.unparse(node.operand)}", node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in _COMPARISONS[type(node.ops[0])]:
            changed = ast.Compare(node.left, [operator()], node.comparators)
            yield f"{text} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield f"{text} -> {ast.unparse(value)}", value
    elif isinstance(node, ast.IfExp):
        yield f"{text} -> {ast.unparse(node.body)}", node.body
        yield f"{text} -> {ast.unparse(node.orelse)}", node.orelse
    elif isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield f"{text} -> {ast.unparse(node.value)}", node.value
    elif isinstance(node, ast.Call):
        yield from _call_replacements(node, text)
    elif isinstance(node, ast.Constant):
        yield from _constant_replacements(node, text)


def _call_replacements(node: ast.Call, text: str) -> Iterator[tuple[str, ast.AST]]:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called in _DROPPED_CALLS:
        is_method = isinstance(node.func, ast.Attribute) and not (
            isinstance(node.func.value, ast.Name) and node.func.value.id in ("torch", "F", "np", "math")
        )
        inner = node.func.value if is_method else node.args[0] if node.args else None
        if inner is not None:
            yield f"drop .{called}(…) in {text}", inner
    for i, argument in enumerate(node.args):
        for dim in _other_dims(argument) if called in _WITH_DIM else ():
            changed = copy.deepcopy(node)
            changed.args[i] = dim
            yield f"{text} -> {ast.unparse(changed)}", changed
    for i, keyword in enumerate(node.keywords):
        if keyword.arg in ("dim", "axis"):
            for dim in _other_dims(keyword.value):
                changed = copy.deepcopy(node)
                changed.keywords[i].value = dim
                yield f"{text} -> {ast.unparse(changed)}", changed
        else:
            changed = copy.deepcopy(node)
            del changed.keywords[i]
            yield f"{text} -> {ast.unparse(changed)}", changed
    if called in ("cat", "stack", "where", "sub", "div", "matmul", "cross") and node.args:
        changed = copy.deepcopy(node)
        if called in ("cat", "stack") and isinstance(node.args[0], ast.List | ast.Tuple):
            changed.args[0].elts.reverse()
        elif len(node.args) >= 2:
            changed.args[-2:] = reversed(changed.args[-2:])
        if ast.unparse(changed) != text:
            yield f"{text} -> {ast.unparse(changed)}", changed


_WITH_DIM = {"softmax", "sum", "mean", "cat", "stack", "unsqueeze", "squeeze", "transpose", "size", "argmax", "norm"}


def _other_dims(node: ast.expr) -> Iterator[ast.expr]:
    """Other axes in the same way of counting, so that 1 and -1 of a matrix are not taken for a change."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return
    if type(value) is int:
        for other in (value - 1, value + 1) if value > 0 else (1,) if value == 0 else (value - 1, 0):
            yield ast.Constant(other)


def _constant_replacements(node: ast.Constant, text: str) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.value, bool):
        yield f"{text} -> {not node.value}", ast.Constant(not node.value)
    elif isinstance(node.value, int):
        for other in (node.value - 1, node.value + 1):
            yield f"{text} -> {other}", ast.Constant(other)
    elif isinstance(node.value, float):
        yield f"{text} -> 0.0" if node.value else f"{text} -> 1.0", ast.Constant(0.0 if node.value else 1.0)


def _replace(tree: ast.Module, node: ast.AST, replacement: ast.AST) -> ast.Module:
    class Replacer(ast.NodeTransformer):
        def visit(self, visited: ast.AST) -> ast.AST:
            return replacement if visited is node else self.generic_visit(visited)

    # NodeTransformer changes in place: work on a copy in which the node is found by its place in the walk.
    index = next(i for i, candidate in enumerate(ast.walk(tree)) if candidate is node)
    changed = copy.deepcopy(tree)
    node = next(candidate for i, candidate in enumerate(ast.walk(changed)) if i == index)
    return Replacer().visit(changed)


@contextmanager
def _ignoring(function: ast.FunctionDef, argument: str) -> Iterator[None]:
    """A line at the start of the body that makes an argument say nothing: zeros, 1, empty, or what does nothing."""
    line = (
        f"{argument} = {argument}.new_zeros({argument}.shape) if hasattr({argument}, 'new_zeros') else "
        f"type({argument})(1) if isinstance({argument}, (int, float)) else "
        f"type({argument})() if isinstance({argument}, (set, frozenset, list, tuple, dict)) else "
        f"(lambda *given, **named: given[0])"
    )
    first = 1 if ast.get_docstring(function) is not None else 0
    function.body.insert(first, parse(line).body[0])
    try:
        yield
    finally:
        del function.body[first]
