"""The learner's notebook is what nbgrader's own generator makes, but for the tag that lets Run All go on."""

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.authoring import source
from autograder.authoring.generate import GOES_ON, generate, student_notebook
from autograder.authoring.notebook import cell_id, same_but_for_version, write

from .sample import LESSON


@pytest.fixture(params=["90_sample", source.lesson_names()[0]])
def lesson(request, tmp_path):
    if not request.param.startswith("90"):
        return source.load(request.param)
    path = tmp_path / "90_sample.py"
    path.write_text(LESSON, encoding="utf-8")
    return source.parse(path)


def test_the_quick_way_makes_what_nbgrader_makes(lesson):
    quick = nbformat.reads(student_notebook(lesson), as_version=4)
    tagged = set()
    for cell in quick.cells:
        if GOES_ON in cell.metadata.get("tags", []):
            cell.metadata["tags"].remove(GOES_ON)
            tagged.add(cell.id)
            if not cell.metadata["tags"]:
                del cell.metadata["tags"]
    assert same_but_for_version(write(quick), write(generate(lesson)))
    setup = {cell_id(lesson.name, cell) for cell in lesson.cells if cell.name == "setup"}
    known = {cell.id for cell in quick.cells if cell.cell_type == "code" and cell.metadata.get("nbgrader")}
    assert known - setup <= tagged
    assert not setup & tagged


def test_run_all_goes_on_behind_a_slip(tmp_path):
    """A fresh kernel and a syntax error in one answer: the checks and models that miss its name don't end the run."""
    name = source.lesson_names()[0]
    notebook = nbformat.reads(student_notebook(source.load(name)), as_version=4)
    slip = next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution"))
    slip.source = "def oops(:"
    NotebookClient(
        notebook, timeout=300, shutdown_kernel="immediate", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert all(cell.execution_count for cell in code)
    said = [output.ename for cell in code for output in cell.outputs if output.output_type == "error"]
    assert {"SyntaxError", "NameError"} <= set(said)
