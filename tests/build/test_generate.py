"""The learner's notebook is what nbgrader's own generator makes, but for the tag that lets Run All go on."""

import nbformat
import pytest

from autograder.authoring import source
from autograder.authoring.generate import generate, student_notebook
from autograder.authoring.notebook import same_but_for_version, write

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
    for cell in quick.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert cell.metadata.pop("tags") == ["raises-exception"]
    assert same_but_for_version(write(quick), write(generate(lesson)))
