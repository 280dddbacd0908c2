"""Answers that only call a ready-made function: flagged for the instructor, never failed."""

import ast

from autograder.authoring.source import LessonSource
from autograder.grading.intake import Intake

LIBRARIES = ("torch", "nn", "F", "np", "numpy", "scipy", "sklearn", "lessonkit", "functional")
LONGEST = 4_000  # characters of an answer that is looked at


def ready_made(lesson: LessonSource, intake: Intake) -> dict[str, str]:
    """For each exercise whose whole answer is one library call that the reference does not make: a sentence."""
    found = {}
    for name, exercise in lesson.exercises().items():
        call = only_call(intake.answer(name) or "", name)
        if call and call.rpartition(".")[2] not in _called(exercise.cell.source):
            found[name] = f"The answer only calls {call}."
    return found


def _called(code: str) -> set[str]:
    """The last names of all functions that our own code calls."""
    calls = (node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    return {ast.unparse(function).rpartition(".")[2] for function in calls}


def only_call(code: str, name: str) -> str | None:
    """The library function that is all there is to the function `name`: its body is one call with plain arguments.

    The code is a stranger's, and is parsed here: not if it is long enough to exhaust the parser.
    """
    if len(code) > LONGEST:
        return None
    try:
        return _only_call(ast.parse(code), name)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _only_call(tree: ast.Module, name: str) -> str | None:
    imported: dict[str, str] = {}
    value = None
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            imported |= names
            value = ast.Name(name) if name in names else value
        elif isinstance(node, ast.FunctionDef) and node.name == name:
            body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
        elif isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            value = node.value if isinstance(node.value, ast.Attribute | ast.Name) else None
    return _library_function(value, imported)


def _library_function(value: ast.expr | None, imported: dict[str, str]) -> str | None:
    if isinstance(value, ast.Call):
        given = [*value.args, *(keyword.value for keyword in value.keywords)]
        if not all(isinstance(part, ast.Name | ast.Constant | ast.UnaryOp) for part in given):
            return None
        value = value.func
    if value is None:
        return None
    root, dot, rest = ast.unparse(value).partition(".")
    called = imported.get(root, root) + dot + rest
    return called if "." in called and called.partition(".")[0] in LIBRARIES else None
