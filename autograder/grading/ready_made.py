"""Answers that use a ready-made function where they should not: flagged for the instructor, never failed."""

import ast
import re
from collections.abc import Iterator, Mapping

from autograder.authoring.source import Exercise, LessonSource
from autograder.grading.intake import Intake
from autograder.grading.once import once_a_lesson
from lessonkit.syntax import parse

LIBRARIES = ("torch", "nn", "F", "np", "numpy", "scipy", "sklearn", "lessonkit", "functional")
LONGEST = 4_000  # characters of a cell that is parsed: longer ones could exhaust the parser, and are searched as text
MOST_STEPS, MOST_NODES = 50, 10_000  # definitions that an answer is followed through, and what they may hold
# How a task says what not to call: "without calling `torch.softmax`", "don't use `F.cross_entropy`".
_FORBIDS = re.compile(
    r"(?:without (?:calling|using)|(?:don't|do not|never) (?:call|use))((?:[ ,]|and|or|`[\w.]+`)+)", re.IGNORECASE
)
_BY_NAME = ("getattr", "attrgetter", "methodcaller", "eval", "exec", "import_module", "__import__", "compile")


def ready_made(lesson: LessonSource, intake: Intake) -> dict[str, str]:
    """For each exercise whose answer uses what its task says it should do without: a sentence.

    That are the names after "without calling" in the task, and any function of a library or of lessonkit that is
    called like the exercise: anywhere in the answer, under another name, or by a helper of the student's own. Nothing
    that the reference does itself is flagged.
    """
    found = {}
    rules = _rules(lesson)
    own = [taken.source for taken in intake.cells if taken.kind == "extra"]
    helpers = _definitions(own) if sum(map(len, own)) <= 10 * LONGEST else {}
    for name in lesson.exercises():
        code = intake.answer(name) or ""
        forbidden, allowed = rules[name]
        call = only_call(code, name)
        if call and call.rpartition(".")[2] not in allowed:
            found[name] = f"The answer only calls {call}."
        elif used := uses(code, name, forbidden, helpers):
            found[name] = f"The answer uses {used}."
    return found


@once_a_lesson
def _rules(lesson: LessonSource) -> dict[str, tuple[frozenset[str], set[str]]]:
    """For each exercise the names that are forbidden, and those that the reference calls."""
    tasks = {str(cell.marks["task"]): cell.source for cell in lesson.of_kind("task")}
    return {
        name: (forbidden_in(tasks.get(name, ""), exercise), _called(exercise.cell.source))
        for name, exercise in lesson.exercises().items()
    }


def forbidden_in(task: str, exercise: Exercise) -> frozenset[str]:
    """The last names of functions that an answer should do without: of torch.softmax it is softmax."""
    named = {name.rpartition(".")[2] for said in _FORBIDS.findall(task) for name in re.findall(r"`([\w.]+)`", said)}
    mentioned = {n.attr for n in ast.walk(parse(exercise.cell.source)) if isinstance(n, ast.Attribute)}
    return frozenset((named | {exercise.name}) - mentioned - _called(exercise.cell.source))


def _called(code: str) -> set[str]:
    """The last names of all functions that our own code calls."""
    return {_last_name(node.func) for node in ast.walk(parse(code)) if isinstance(node, ast.Call)}


def _last_name(function: ast.expr) -> str:
    """Of torch.softmax it is softmax; "" of what has no name, such as a call's result."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


# Anywhere in the answer


def uses(code: str, name: str, forbidden: frozenset[str], helpers: Mapping[str, list[ast.stmt]]) -> str:
    """The first forbidden function that an answer reaches; "" if none. `helpers`: what other cells define.

    nn.Softmax is softmax, too, and nn.MultiheadAttention is multi_head_attention.
    """
    forbidden = frozenset(map(_bare, forbidden))
    try:
        return _uses(code, name, forbidden, helpers)
    except RecursionError:  # nested deeper than can be followed
        return _in_text(code, forbidden)


def _uses(code: str, name: str, forbidden: frozenset[str], helpers: Mapping[str, list[ast.stmt]]) -> str:
    tree = _parsed(code)
    waiting: list[ast.AST] = [tree] if tree is not None else []
    waiting += helpers.get(name, ())
    if not waiting:
        return _in_text(code, forbidden)
    followed, walked, nodes = {name}, set(), 0
    while waiting and len(walked) < MOST_STEPS and nodes < MOST_NODES:
        here = waiting.pop()
        if id(here) in walked:  # one statement may define many names
            continue
        walked.add(id(here))
        for node in ast.walk(here):
            nodes += 1
            if used := _forbidden_by(node, forbidden):
                return used
            if isinstance(node, ast.Name) and node.id in helpers and node.id not in followed:
                followed.add(node.id)
                waiting += helpers[node.id]
    return ""


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def _forbidden_by(node: ast.AST, forbidden: frozenset[str]) -> str:
    """What one place in the code names, if it is forbidden."""
    if isinstance(node, ast.Attribute) and _bare(node.attr) in forbidden:
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        return "" if owner in ("self", "cls") else f"{owner}.{node.attr}" if owner else f".{node.attr}"
    if isinstance(node, ast.ImportFrom):
        return next((f"{node.module}.{alias.name}" for alias in node.names if _bare(alias.name) in forbidden), "")
    if isinstance(node, ast.Call) and _last_name(node.func) in _BY_NAME:
        texts = [text for part in node.args for text in _texts(part)]
        words = [word for text in texts for word in re.findall(r"\w+", text)]
        return next((f"`{word}` by its name" for word in words if _bare(word) in forbidden), "")
    if isinstance(node, ast.Subscript) and _bare(_text(node.slice) or "") in forbidden:
        return f"`{_text(node.slice)}` by its name"
    return ""


def _texts(node: ast.expr) -> Iterator[str]:
    whole = _text(node)
    if whole is not None:
        yield whole
    else:
        yield from (t for child in ast.iter_child_nodes(node) if (t := _text(child)) is not None)


def _text(node: ast.AST) -> str | None:
    """The text of a literal, also one that is put together from literals."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return left + right if left is not None and right is not None else None
    if isinstance(node, ast.JoinedStr):
        parts = [_text(p.value if isinstance(p, ast.FormattedValue) else p) for p in node.values]
        return None if None in parts else "".join(parts)
    return None


def _in_text(code: str, forbidden: frozenset[str]) -> str:
    """The same in code that can't be parsed, or is too long for it: what stands behind a dot or an import."""
    named = re.findall(r"(?<!self)\.(\w+)", code)
    named += [word for line in re.findall(r"\bimport\b([^\n]*)", code) for word in re.findall(r"\w+", line)]
    return next((f".{word}" for word in named if _bare(word) in forbidden), "")


def _definitions(cells: list[str]) -> dict[str, list[ast.stmt]]:
    """What a student's own cells define: the statements by name."""
    found: dict[str, list[ast.stmt]] = {}
    for code in cells:
        tree = _parsed(code)
        for node in tree.body if tree is not None else ():
            for name in dict.fromkeys(_names_of(node)):
                found.setdefault(name, []).append(node)
    return found


def _names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.Assign):
        return [part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return []


def _parsed(code: str) -> ast.Module | None:
    """A stranger's code, parsed here: not if it is long enough to exhaust the parser, and without IPython's lines."""
    if len(code) > LONGEST:
        return None
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in code.split("\n")]
    try:
        return parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# Nothing but one call


def only_call(code: str, name: str) -> str | None:
    """The library function that is all there is to the function `name`: its body is one call with plain arguments."""
    tree = _parsed(code)
    try:
        return _only_call(tree, name) if tree is not None else None
    except (ValueError, RecursionError, MemoryError):
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
        elif isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [name]:
            value = node.value if isinstance(node.value, ast.Attribute | ast.Name) else None
    return _library_function(value, imported)


def _library_function(value: ast.expr | None, imported: dict[str, str]) -> str | None:
    if isinstance(value, ast.Call):
        given = [*value.args, *(keyword.value for keyword in value.keywords)]
        if not all(isinstance(part, ast.Name | ast.Constant | ast.UnaryOp) for part in given):
            return None
        value = value.func
    if not isinstance(value, ast.Attribute | ast.Name):
        return None
    root, dot, rest = ast.unparse(value).partition(".")
    called = imported.get(root, root) + dot + rest
    return called if re.fullmatch(r"[\w.]+\.\w+", called) and called.partition(".")[0] in LIBRARIES else None
