"""What fails in the grader itself is tried again, and costs nobody else anything."""

import pytest

from autograder.authoring import source
from autograder.grading import sealed
from autograder.grading.intake import Intake
from autograder.grading.submissions import Submission


@pytest.fixture
def lesson():
    return source.load("00")


def fails(times):
    """A stand-in for the grading of one submission that fails so many times, and then says what it got."""
    calls = []

    def graded(*given):
        calls.append(given)
        if len(calls) <= times:
            raise SystemError("AST constructor recursion depth mismatch")
        return given

    return calls, graded


@pytest.mark.parametrize("times", [0, 1])
def test_a_second_try(lesson, monkeypatch, times):
    calls, graded = fails(times)
    monkeypatch.setattr(sealed, "_grade_taken", graded)
    given = (lesson, None, None, 1, "", None, None)
    assert sealed.grade_taken(*given) == given
    assert len(calls) == times + 1


def test_no_third_try(lesson, monkeypatch):
    calls, graded = fails(2)
    monkeypatch.setattr(sealed, "_grade_taken", graded)
    submission = Submission("ada", "ada.ipynb")
    graded = sealed.grade_taken(lesson, submission, Intake(), 1, "", None, None)
    assert len(calls) == 2
    assert graded.refused
    assert "SystemError" in graded.notes[0]
    assert {verdict.points for verdict in graded.verdicts.values()} == {0}
