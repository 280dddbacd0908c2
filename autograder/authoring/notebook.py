"""From a lesson's source to a notebook: cell ids, folds, nbgrader's metadata, and the heading and hints of a task."""

import ast
import html
import re

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.authoring import glossary
from autograder.authoring.source import Cell, LessonSource
from lessonkit import notebook
from lessonkit.syntax import parse

DEMONSTRATION, UNSTABLE = "demonstration", "nbval-ignore-output"  # tags

_ADVICE = "import lessonkit.kernel\n"
_GUARD = """\
import importlib.util

if any(importlib.util.find_spec(name) is None for name in ("lessonkit", "torch", "anywidget")):
    raise ModuleNotFoundError(
        "this Python lacks the course's packages. In the course's folder run `.venv/bin/pip install -r "
        "requirements.txt`, then `.venv/bin/jupyter lab` (VS Code: Select Kernel, .venv). On Windows: Scripts for bin."
    ) from None
"""
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": "3.11.7",
    },
}


def to_notebook(lesson: LessonSource) -> nbformat.NotebookNode:
    """The lesson with its reference answers as a notebook, without outputs; a later edition says which it is."""
    from lessonkit.checks import expectations  # imports torch, which marks and pages do without

    cells = [_to_cell(lesson, cell) for cell in lesson.cells]
    seen: set[str] = set()
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = glossary.link(cell.source, seen)
    edition = expectations.edition_of(lesson.name)
    later = {"course": {"edition": edition}} if edition > 1 else {}
    return new_notebook(cells=cells, metadata=nbformat.from_dict({**METADATA, **later}))


def cell_id(lesson: str, cell: Cell) -> str:
    """The id of a cell in both notebooks."""
    return notebook.cell_id(lesson, cell.name)


def is_folded(cell: Cell) -> bool:
    """Whether a code cell's source is hidden until a reader unfolds it: machinery, but never an exercise."""
    return cell.is_code and cell.kind != "exercise" and not cell.marks.get("show")


def code_of(cell: Cell) -> str:
    """What stands in a code cell of the notebook: its source; a folded one begins with a line that says what it is.

    Behind that line, the setup cell looks whether the course is installed where it runs, and any other folded cell sees
    to it that there is advice when a restarted kernel begins with it.
    """
    if not is_folded(cell) or cell.source.startswith("%"):
        return cell.source
    first, _, rest = cell.source.partition("\n")
    if not first.startswith("#"):
        first, rest = f"# {_caption(cell)}", cell.source
    return "\n".join([first, _GUARD if cell.name == "setup" else _ADVICE, rest])


def _caption(cell: Cell) -> str:
    """The first line of a fold whose author wrote none."""
    own = str(cell.marks.get(cell.kind, ""))
    if cell.kind == "check":
        return f"Check of {own}: run this cell"
    if cell.kind == "predict":
        return f"Predict: {_question(cell.source) or own.replace('_', ' ')}"
    if cell.kind == "demo":
        return f"Demonstration: {own.replace('_', ' ')}"
    if cell.name == "setup":
        return "Setup: what this lesson imports"
    nodes = parse(cell.source).body
    names = [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return f"Helpers: {', '.join(names)}" if names else f"Helpers: {cell.name.replace('_', ' ')}"


def _question(code: str) -> str:
    """What a predict cell asks."""
    calls = [node for node in ast.walk(parse(code)) if isinstance(node, ast.Call)]
    words = [part.value for call in calls for part in call.args[1:2] if isinstance(part, ast.Constant)]
    return str(words[0]) if words else ""


def _to_cell(lesson: LessonSource, cell: Cell) -> nbformat.NotebookNode:
    identity = cell_id(lesson.name, cell)
    if not cell.is_code:
        source = _task_text(lesson, cell) if cell.kind == "task" else cell.source
        return new_markdown_cell(source, id=identity, metadata=_nbgrader(cell, identity) if cell.kind == "task" else {})
    metadata = _nbgrader(cell, identity)
    if cell.for_reader:
        metadata = {"tags": [DEMONSTRATION] + [UNSTABLE] * bool(cell.marks.get("varies"))}
    if is_folded(cell):
        metadata["jupyter"] = {"source_hidden": True}
    return new_code_cell(code_of(cell), id=identity, metadata=metadata)


def _nbgrader(cell: Cell, identity: str) -> dict:
    """nbgrader's metadata: an exercise is an autograded answer, a check a test; all other cells that run are locked."""
    grade, solution = cell.kind == "check", cell.kind == "exercise"
    points = {"points": cell.marks["points"]} if grade else {}
    return {
        "nbgrader": {
            "grade": grade,
            "grade_id": identity,
            "locked": not solution,
            **points,
            "schema_version": 3,
            "solution": solution,
            "task": False,
        }
    }


def _task_text(lesson: LessonSource, cell: Cell) -> str:
    name = str(cell.marks["task"])
    exercise = next(c for c in lesson.of_kind("exercise") if c.marks["exercise"] == name).marks
    points = next(c for c in lesson.of_kind("check") if c.marks["check"] == name).marks["points"]
    difficulty = int(exercise["difficulty"])
    lines, hints = [], []
    for line in cell.source.splitlines():
        if line.startswith("hint: "):
            hints.append(line.removeprefix("hint: "))
        elif hints and line.strip():
            hints[-1] += "\n" + line
        elif not hints:
            lines.append(line)
    unfolding = "".join(
        f"\n\n<details><summary>Hint {i} of {len(hints)}</summary>\n\n{hint}\n\n</details>"
        for i, hint in enumerate(hints, 1)
    )
    minutes = exercise["minutes"]
    return (
        f"### Exercise: `{html.escape(name)}`\n\n"
        f"*{points:g} point{'s' * (points != 1)} · about {minutes} minutes · "
        f"difficulty {difficulty} of 5 {'●' * difficulty}{'○' * (5 - difficulty)}*\n\n"
        + "\n".join(lines).strip()
        + unfolding
    )


def write(notebook: nbformat.NotebookNode) -> str:
    """The text of a notebook file, exactly as JupyterLab would save it."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def same_but_for_version(a: str, b: str) -> bool:
    """Whether two notebook files differ in no more than the version of Python that their metadata names."""
    return _VERSION.sub("", a) == _VERSION.sub("", b)


_VERSION = re.compile(r'"version": "3\.\d+\.\d+"')
