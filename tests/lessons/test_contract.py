"""What every lesson promises: parts, hints, pictures with words, and cells that fit on a screen."""

import json
import re

import pytest

from autograder.authoring import source
from autograder.authoring.build import solution_path, student_path

LESSONS = source.lesson_names()
SCREEN = 60  # lines


@pytest.fixture(params=LESSONS)
def lesson(request):
    return source.load(request.param)


def text_of(lesson):
    return "\n".join(cell.source for cell in lesson.cells if not cell.is_code)


def test_begins_with_a_question(lesson):
    assert "?" in lesson.cells[0].source


def test_has_its_parts(lesson):
    headings = " | ".join(re.findall(r"^#+ (.*)$", text_of(lesson), re.M)).lower()
    for part in ("summary", "references"):
        assert part in headings
    assert "predict" in text_of(lesson).lower()


def test_exercises_have_hints_and_fair_sizes(lesson):
    exercises = lesson.exercises().values()
    assert 3 <= len(exercises) <= 8
    for cell in lesson.of_kind("task"):
        assert cell.source.count("hint: ") >= 2, cell.name
    for exercise in exercises:
        assert 1 <= exercise.difficulty <= 5
        body = exercise.cell.source.split(source.BEGIN)[1].split(source.END)[0].strip().splitlines()
        assert len(body) <= 24, f"{exercise.name}: {len(body)} lines"
        assert exercise.reference.__doc__, exercise.name


def test_cells_fit_on_a_screen(lesson):
    for cell in lesson.cells:
        assert len(cell.source.splitlines()) <= SCREEN, f"line {cell.line}"


def test_shows_a_widget_and_figures_with_alternative_text(lesson):
    code = "\n".join(cell.source for cell in lesson.cells if cell.is_code)
    assert re.search(r"widgets\.|explor|touch\.", code)
    assert re.search(r"\b(plots|show|drawing|touch)\.\w+", code)  # as the build asks: autograder.authoring.contract
    assert "plt.show(" not in code
    for output in _outputs(solution_path(lesson.name)):
        data = output.get("data", {})
        if "image/png" in data:
            assert 'alt="' in "".join(data.get("text/html", "")), "a picture without alternative text"


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
