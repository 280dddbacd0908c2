"""What a reader sees folded: machinery with a caption, never an exercise; predictions as cells of their own."""

import pytest

from autograder.authoring import source
from autograder.authoring.notebook import DEMONSTRATION, code_of, to_notebook
from lessonkit.errors import CourseError

from .sample import LESSON

MORE = """
# %% predict="sum"
predict("sum", "More, or less?", ["more", "less"])

# %% name="helper"
def helper(x):
    return x

# %% name="model" show=true
class Model:
    pass

# %% demo="figure"
# Figure: what it shows
with demonstration("figure"):
    pass
"""


def cells_of(tmp_path, text):
    path = tmp_path / "90_sample.py"
    path.write_text(text, encoding="utf-8")
    lesson = source.parse(path)
    return lesson, {cell.id: cell for cell in to_notebook(lesson).cells if cell.cell_type == "code"}


def test_folds_and_their_captions(tmp_path):
    _, cells = cells_of(tmp_path, LESSON + MORE)
    folded = {name: cell.source.splitlines()[0] for name, cell in cells.items() if "jupyter" in cell.metadata}
    assert folded == {
        "90-setup": "# Setup: what this lesson imports",
        "90-check-double": "# Check of double: run this cell",
        "90-check-double-1": "# Helpers: check-double-1",
        "90-demo-show": "# Demonstration: show",
        "90-demo-again": "# Demonstration: again",
        "90-predict-sum": "# Predict: More, or less?",
        "90-helper": "# Helpers: helper",
        "90-demo-figure": "# Figure: what it shows",
    }
    assert all(cells[name].metadata["jupyter"] == {"source_hidden": True} for name in folded)
    assert cells.keys() - folded.keys() == {"90-exercise-double", "90-model"}
    assert cells["90-model"].source.startswith("class Model")


def test_advice_and_guard_stand_behind_the_caption(tmp_path):
    _, cells = cells_of(tmp_path, LESSON + MORE)
    assert cells["90-check-double"].source.splitlines()[1] == "import lessonkit.kernel"
    assert cells["90-demo-figure"].source.splitlines()[1] == "import lessonkit.kernel"
    assert "In the course's folder run `.venv/bin/pip install" in cells["90-setup"].source


def test_a_prediction_is_no_part_of_the_marks(tmp_path):
    lesson, cells = cells_of(tmp_path, LESSON + MORE)
    metadata = cells["90-predict-sum"].metadata
    assert metadata["tags"] == [DEMONSTRATION]
    assert "nbgrader" not in metadata
    assert list(lesson.exercises()) == ["double"]  # and `predict` was not called


def test_code_of_a_shown_cell_is_its_source(tmp_path):
    lesson, _ = cells_of(tmp_path, LESSON + MORE)
    for cell in lesson.of_kind("exercise"):
        assert code_of(cell) == cell.source


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('predict("sum"', 'predict("other"', 'holds `predict\\("sum", …\\)`'),
        ("show=true", 'show="yes"', "show is true or false"),
        ('predict="sum"', 'predict="sum" demo="sum"', "one kind"),
        ('name="helper"', 'predict="sum"', "a second predict cell"),
    ],
)
def test_malformed(tmp_path, old, new, sentence):
    with pytest.raises(CourseError, match=sentence):
        cells_of(tmp_path, LESSON + MORE.replace(old, new))
