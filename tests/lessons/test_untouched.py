"""The learner's notebook, as it comes, runs from top to bottom: nothing is an error, no check gives a point."""

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.authoring import source
from autograder.authoring.build import student_path
from autograder.authoring.notebook import DEMONSTRATION

pytestmark = pytest.mark.slow
# A training that needs no exercise is cut after two seconds, as by the clock of a slow machine: nbval runs it whole.
SOON = "import lessonkit.train as t; t._run = lambda m, run, s, whole=t._run: whole(m, run, min(s, 2.0)); del t"


@pytest.mark.parametrize("name", source.lesson_names())
def test_untouched_notebook_runs(name, monkeypatch):
    monkeypatch.delenv("LESSONKIT_STRICT", raising=False)
    lesson = source.load(name)
    notebook = nbformat.read(student_path(name), as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", shutdown_kernel="immediate")
    client.extra_arguments = [f"--IPKernelApp.exec_lines={[SOON]!r}"]
    client.execute()
    checks = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert len(checks) == len(lesson.exercises())
    for cell in checks:
        result = next(o for o in cell.outputs if o.output_type == "execute_result")
        assert result.data["text/plain"] == "0"
        assert "not started yet" in result.data["text/html"]
    assert not [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.output_type == "error"]
    demos = [c for c in notebook.cells if DEMONSTRATION in c.metadata.get("tags", [])]
    said = {c.id: " ".join(o.data.get("text/plain", "") for o in c.outputs if "data" in o) for c in demos}
    waiting = [c for c in demos if "This demonstration waits for your" in said[c.id]]
    assert waiting, "no demonstration waits for an exercise"
    for cell in waiting:  # what is promised is there: more than the sentence before and the one behind
        assert ("Below is what the reference run showed" in said[cell.id]) == (len(cell.outputs) > 2)
