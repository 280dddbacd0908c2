"""A lesson corrected while it is graded: points, exercises added, dropped and swapped; marks made by hand stay."""

from dataclasses import replace

import pytest

from autograder.grading import by_hand, export
from autograder.grading.items import items
from autograder.grading.report_sections import order_of

from .made import LESSON, NAMES, WORTH, L, enter, opened, wrong

FIRST, SECOND, LAST = NAMES[0], NAMES[1], NAMES[-1]
MOST = sum(WORTH.values())


def of(cell):
    """The exercise that a cell belongs to."""
    return next((str(cell.marks[kind]) for kind in ("exercise", "check", "task") if kind in cell.marks), None)


def worth_more(exercise, points):
    cells = [
        replace(c, marks=c.marks | {"points": points}) if c.marks.get("check") == exercise else c for c in LESSON.cells
    ]
    return replace(LESSON, cells=tuple(cells))


def without(exercise):
    return replace(LESSON, cells=tuple(cell for cell in LESSON.cells if of(cell) != exercise))


def swapped(one, other):
    first, second = ([i for i, cell in enumerate(LESSON.cells) if of(cell) == name] for name in (one, other))
    cells = list(LESSON.cells)
    for i, j in zip(first, second, strict=True):
        cells[i], cells[j] = cells[j], cells[i]
    return replace(LESSON, cells=tuple(cells))


@pytest.fixture
def place(tmp_path):
    with opened(tmp_path) as gradebook:
        enter(gradebook, tmp_path, "ada", {SECOND: wrong()})
        enter(gradebook, tmp_path, "bob")
        (tmp_path / "o.csv").write_text(f"student,exercise,points,why\nada,{FIRST},0.5,half\n")
        by_hand.override(gradebook.nbgraders, L, tmp_path / "o.csv")
        yield tmp_path, gradebook


def points(gradebook):
    return {record.student: (record.points, record.max_points) for record in gradebook.records(L)}


def nbgraders(gradebook, student):
    found = gradebook.nbgraders.find_submission(L, student)
    return found.score, found.max_score


ADA = MOST - WORTH[FIRST] - WORTH[SECOND] + 0.5


def test_points_of_an_exercise_change(place):
    out, gradebook = place
    lesson = worth_more(FIRST, WORTH[FIRST] + 3)
    gradebook.prepare(lesson)
    assert points(gradebook) == {"ada": (ADA, MOST), "bob": (MOST, MOST)}  # old marks stay until regraded
    enter(gradebook, out, "ada", {SECOND: wrong()}, lesson=lesson)
    enter(gradebook, out, "bob", lesson=lesson)
    assert points(gradebook) == {"ada": (ADA, MOST + 3), "bob": (MOST + 3, MOST + 3)}
    assert nbgraders(gradebook, "bob") == (MOST + 3, MOST + 3)
    assert nbgraders(gradebook, "ada") == (ADA, MOST + 3)


def test_an_exercise_is_dropped_and_comes_back(place):
    out, gradebook = place
    lesson = without(SECOND)
    gradebook.prepare(lesson)
    enter(gradebook, out, "bob", lesson=lesson)
    left = MOST - WORTH[SECOND]
    assert points(gradebook) == {"ada": (ADA, MOST), "bob": (left, left)}
    assert nbgraders(gradebook, "bob") == (left, left)
    assert [item.n for item in items(list(gradebook.records(L)), order_of(lesson))] == [2] * (len(NAMES) - 1) + [1]
    gradebook.prepare(LESSON)
    enter(gradebook, out, "bob")
    enter(gradebook, out, "ada", {SECOND: wrong()})
    assert points(gradebook) == {"ada": (ADA, MOST), "bob": (MOST, MOST)}
    assert nbgraders(gradebook, "ada") == (ADA, MOST)


def test_an_exercise_is_added(tmp_path):
    lesson = without(LAST)
    with opened(tmp_path) as gradebook:
        gradebook.prepare(lesson)
        enter(gradebook, tmp_path, "ada", lesson=lesson)
        gradebook.prepare(LESSON)
        assert nbgraders(gradebook, "ada") == (MOST - WORTH[LAST], MOST)
        enter(gradebook, tmp_path, "ada")
        assert points(gradebook) == {"ada": (MOST, MOST)}


def test_two_exercises_change_places_and_one_is_graded_again(place):
    out, gradebook = place
    lesson = swapped(FIRST, SECOND)
    gradebook.prepare(lesson)
    enter(gradebook, out, "bob", {FIRST: wrong()}, lesson=lesson)
    found = {item.exercise: item.solved for item in items(list(gradebook.records(L)), order_of(lesson))}
    assert list(found)[:2] == [SECOND, FIRST]
    assert (found[FIRST], found[SECOND]) == (0, 1)  # ada has half of the first, and not the second; bob the reverse
    (path,) = export.export(gradebook, [L], "csv", out)
    assert f"bob,{L},{MOST - WORTH[FIRST]:g},{MOST:g}" in path.read_text("utf-8-sig")
