"""The graded notebook: the student's code with what it showed, and the judge's verdict in place of each check."""

import json
from pathlib import Path

from autograder.authoring.notebook import cell_id, to_notebook
from autograder.authoring.source import Cell, LessonSource
from autograder.grading.graded import Graded
from autograder.grading.intake import Intake
from autograder.grading.once import once_a_lesson
from autograder.sandbox.text import overwritten, plain
from lessonkit.checks.verdict import Verdict

IMAGES = ("image/png", "image/jpeg")
SHOWN = ("text/plain", *IMAGES)  # what is kept of a submission's outputs: nothing that a browser would execute
LABEL = "--- what this cell showed when it was run (the student's own output, not a verdict) ---\n"


def graded_path(out: Path, student: str, lesson: str) -> Path:
    """Where the graded notebook lies, in nbgrader's layout."""
    return out / "autograded" / student / lesson / f"{lesson}.ipynb"


def feedback_path(out: Path, student: str, lesson: str) -> Path:
    """Where a student's feedback page lies, in nbgrader's layout."""
    return out / "feedback" / student / lesson / f"{lesson}.html"


def overview_path(out: Path, student: str) -> Path:
    """Where a student's page over all lessons lies."""
    return out / "feedback" / student / "index.html"


def cells_of(path: Path) -> dict[str, dict]:
    """The code cells of a graded notebook by their ids, in order: none if it isn't there, or is none."""
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return {cell["id"]: cell for cell in cells if cell["cell_type"] == "code"}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def joined(text: str | list[str]) -> str:
    """A text of a notebook file, which may be written as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def graded_notebook(lesson: LessonSource, intake: Intake, graded: Graded) -> str:
    """A notebook in nbgrader's autograded form, which formgrader shows and feedback is made from, as JSON.

    Written from parts that are the same for everybody, which nbformat has validated once, and the student's own.
    """
    frame = _frame(lesson)
    sources = {cell_id(lesson.name, taken.cell): taken.source for taken in intake.cells if taken.cell}
    cells = []
    for (fixed, made), source in zip(frame.cells, lesson.cells, strict=True):
        if not source.is_code:
            cells.append(fixed)
            continue
        identity = made["id"]
        code = sources.get(identity, made["source"])
        if source.kind == "exercise":
            code = plain(sources.get(identity, "# (no single answer was handed in)"))
        cells.append(_dump(made | {"source": code, "outputs": _outputs(graded, identity, source)}))
    extra = [(f"extra-{i}", taken.source) for i, taken in enumerate(intake.cells) if taken.cell is None]
    for identity, code in extra:
        made = {"cell_type": "code", "execution_count": None, "id": f"{lesson.name[:2]}-{identity}", "metadata": {}}
        cells.append(_dump(made | {"source": plain(code), "outputs": _shown(graded, identity)}))
    return '{"cells": [\n' + ",\n".join(cells) + "\n],\n" + frame.rest[1:] + "\n"


class _Frame:
    """The lesson's own cells, as JSON (None for code) and as dictionaries, and the rest of the notebook."""

    def __init__(self, lesson: LessonSource):
        notebook = json.loads(json.dumps(to_notebook(lesson)))
        self.cells = [(_dump(cell), cell) for cell in notebook.pop("cells")]
        self.rest = _dump(notebook)


_frame = once_a_lesson(_Frame)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _outputs(graded: Graded, identity: str, source: Cell) -> list[dict]:
    if source.kind == "check":
        verdict = graded.verdicts[str(source.marks["check"])]
        data = {"text/plain": repr(verdict), "text/html": _without_tex(verdict._repr_html_())}
        return [
            {"output_type": "stream", "name": "stdout", "text": _boxed(verdict) + "\n"},
            {"output_type": "execute_result", "data": data, "execution_count": None, "metadata": {}},
        ]
    return _shown(graded, identity)


def _boxed(verdict: Verdict) -> str:
    """The verdict as text. What it quotes stands behind a bar: no line of it looks like the check's own."""
    head, *quoted = verdict.text.split("\n")
    return "\n".join([head, *(f"  | {line}" for line in quoted)])


def _without_tex(html: str) -> str:
    """A card whose text no page takes for formulas: signs that could begin one stand alone."""
    for sign in ("$", "\\"):
        html = html.replace(sign, f"<span>{sign}</span>")
    return f'<div class="tex2jax_ignore mathjax_ignore">{html}</div>'


def _shown(graded: Graded, identity: str) -> list[dict]:
    """The outputs of a cell, under a line that says whose they are.

    Without HTML, SVG, scripts, Markdown and whatever else a page might act upon.
    """
    shown = []
    for output in graded.outputs.get(identity, ()):
        if "data" in output:
            data = {kind: value for kind, value in output["data"].items() if kind in SHOWN}
            if not data:
                continue
            output = output | {"data": data, "metadata": {}}
        elif output["output_type"] == "stream":
            output = output | {"text": overwritten(output["text"])}
        shown.append(output)
    return [{"output_type": "stream", "name": "stdout", "text": LABEL}, *shown] if shown else []
