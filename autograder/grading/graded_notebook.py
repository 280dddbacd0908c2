"""The graded notebook: the student's code with what it showed, and the judge's verdict in place of each check."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_output

from autograder.authoring.notebook import cell_id, to_notebook
from autograder.authoring.source import LessonSource
from autograder.grading.intake import Intake
from autograder.grading.sealed import Graded

IMAGES = ("image/png", "image/jpeg")
SHOWN = ("text/plain", *IMAGES)  # what is kept of a submission's outputs: nothing that a browser would execute


def graded_path(out: Path, student: str, lesson: str) -> Path:
    """Where the graded notebook lies, in nbgrader's layout."""
    return out / "autograded" / student / lesson / f"{lesson}.ipynb"


def graded_notebook(lesson: LessonSource, intake: Intake, graded: Graded) -> nbformat.NotebookNode:
    """A notebook in nbgrader's autograded form, which formgrader shows and feedback is made from."""
    frame = to_notebook(lesson)
    sources = {cell_id(lesson.name, taken.cell): taken.source for taken in intake.cells if taken.cell}
    cells = []
    for cell, source in zip(frame.cells, lesson.cells, strict=True):
        if source.is_code:
            missing = source.kind == "exercise" and cell.id not in sources
            cell.source = "# (no single answer was handed in)" if missing else sources.get(cell.id, cell.source)
            cell.outputs = _outputs(graded, cell.id, source)
        cells.append(cell)
    extra = [(f"extra-{i}", taken.source) for i, taken in enumerate(intake.cells) if taken.cell is None]
    for identity, source in extra:
        made = new_code_cell(source, id=f"{lesson.name[:2]}-{identity}")
        made.outputs = _shown(graded, identity)
        cells.append(made)
    frame.cells = cells
    return frame


def _outputs(graded: Graded, identity: str, source: object) -> list:
    if source.kind == "check":
        verdict = graded.verdicts[str(source.marks["check"])]
        return [
            new_output("stream", name="stdout", text=verdict.text + "\n"),
            new_output(
                "execute_result",
                data={"text/plain": repr(verdict), "text/html": verdict._repr_html_()},
                execution_count=None,
            ),
        ]
    return _shown(graded, identity)


def _shown(graded: Graded, identity: str) -> list:
    """The outputs of a cell, without HTML, SVG, scripts, Markdown and whatever else a page might act upon."""
    shown = []
    for output in graded.outputs.get(identity, ()):
        if "data" in output:
            data = {kind: value for kind, value in output["data"].items() if kind in SHOWN}
            if not data:
                continue
            output = output | {"data": data, "metadata": {}}
        shown.append(nbformat.from_dict(output))
    return shown
