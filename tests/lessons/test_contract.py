"""What every lesson promises: the rules that `build` asks for, and what comes out of it."""

import json

import pytest

from autograder.authoring import contract, source
from autograder.authoring.build import solution_path, student_path

LESSONS = source.lesson_names()


@pytest.fixture(params=LESSONS)
def lesson(request):
    return source.load(request.param)


def test_keeps_the_contract(lesson):
    assert list(map(str, [*contract.faults(lesson), *contract.built_faults(lesson)])) == []


def test_the_reference_run_passes_every_check(lesson):
    marks = [o for o in _outputs(solution_path(lesson.name)) if o["output_type"] == "execute_result"]
    points = [e.points for e in lesson.exercises().values()]
    assert [float("".join(m["data"]["text/plain"])) for m in marks] == points


def test_the_learners_notebook_has_no_outputs_and_no_answers(lesson):
    text = student_path(lesson.name).read_text("utf-8")
    assert not list(_outputs(student_path(lesson.name)))
    assert "SOLUTION" not in text
    assert text.count("raise NotImplementedError()") >= len(lesson.exercises())


def _outputs(path):
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        yield from cell.get("outputs", [])
