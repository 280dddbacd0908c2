"""A first line that fails does not take the function below it with it."""

import pytest

from autograder.authoring import source
from autograder.grading.rescue import keeping
from autograder.grading.sealed import grade_one
from autograder.grading.submissions import Submission
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import Limits, Sandbox

from .test_which_cell import IDS, NAMES, cell_of, notebook  # noqa: F401 (a fixture)

LESSON = source.load("00")
FIRST_LINES = ["from google.colab import drive", "from einops import rearrange", "%matplotlib widget", "1 / 0",
               "import jaxtyping; from jaxtyping import Float"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence)
def test_the_functions_below_are_tried_all_the_same(notebook):  # noqa: F811
    import json

    for name, line in zip(NAMES, FIRST_LINES, strict=False):
        cell = cell_of(notebook, name)
        cell["source"] = f"{line}\n{cell['source']}"
    with Sandbox() as sandbox:
        limits = Limits(cell_seconds=6.0)
        _, graded = grade_one(
            LESSON, Submission("ada", "x", json.dumps(notebook).encode()), 3, "a secret", sandbox, limits
        )
    assert {name for name, verdict in graded.verdicts.items() if verdict.finding.passed} == set(NAMES)
    notes = " ".join(graded.notes)
    assert "stopped with ModuleNotFoundError: No module named" in notes
    assert "ZeroDivisionError: division by zero" in notes


def run(code, names):
    exec(code, names)
    return names["kept"]


def test_only_definitions_are_made_again_and_annotations_don_t_matter():
    source = (
        "from nowhere import Float\nprint('again')\nTWO = 2\n"
        "def f(x: Float['b']) -> Float:\n    return g(x)\ndef g(x): return TWO * x"
    )
    code = keeping("f", source, "kept")
    assert "print" not in code
    assert run(code, {})(4) == 8


def test_what_is_defined_is_kept_as_it_is():
    names = {"f": 3}
    assert run(keeping("f", "def f(): return 1", "kept"), names) == 3


def test_what_can_t_be_read_stays_undefined():
    with pytest.raises(NameError):
        run(keeping("f", "def f(:", "kept"), {})
