"""A class as the gradebook holds it, made without executing anything: for tests of what comes after judging."""

from contextlib import closing
from datetime import UTC, datetime

from autograder.authoring import source
from autograder.bench.invented_class import Desk
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.graded import Graded
from autograder.grading.graded_notebook import graded_notebook, graded_path
from autograder.grading.intake import take_in
from autograder.grading.marks_csv import write_marks
from autograder.grading.submissions import Submission
from lessonkit.checks.judge import Finding
from lessonkit.checks.verdict import Verdict
from lessonkit.files import write_whole

L = "00_weighted_average"
LESSON = source.load(L)
WORTH = {str(cell.marks["check"]): float(cell.marks["points"]) for cell in LESSON.of_kind("check")}
NAMES = list(WORTH)
SWAPPED = "These weights sum to 1 over the *queries*: use `dim=-1`."


def passed():
    """A verdict's finding."""
    return Finding("passed", "")


def wrong(message=SWAPPED, mistake="over_the_queries"):
    """The same for a mistake."""
    return Finding("wrong", message, "", mistake)


def graded(student, outcomes, notes=(), lesson=LESSON):
    """What the judge found: `outcomes` by exercise, the others passed."""
    worth = {str(cell.marks["check"]): float(cell.marks["points"]) for cell in lesson.of_kind("check")}
    verdicts = {}
    for name, points in worth.items():
        finding = outcomes.get(name, passed())
        verdicts[name] = Verdict(name, points if finding.passed else 0.0, points, finding)
    return Graded(student, lesson.name, verdicts, seconds={"whole": 1.0}, notes=tuple(notes))


def enter(gradebook, out, student, outcomes=None, facts=None, notes=(), code=None, lesson=LESSON):
    """Enter one submission as a run does: the graded notebook, then marks and record. `code`: answers by exercise."""
    desk = Desk(lesson)
    desk.solve(*desk.names)
    for exercise, text in (code or {}).items():
        desk.write(exercise, text)
    desk.hand_in(out / "made", student)
    content = (out / "made" / student / lesson.name / f"{lesson.name}.ipynb").read_bytes()
    found = graded(student, outcomes or {}, notes, lesson)
    intake = take_in(Submission(student, "x", content), lesson)
    write_whole(graded_path(out, student, lesson.name), graded_notebook(lesson, intake, found))
    usual = {"graded": datetime(2026, 3, 5, 8, tzinfo=UTC).isoformat(), "layout": "", "file": "x"}
    gradebook.write(lesson, found, f"key-{student}", 7, usual | (facts or {}))


def opened(out):
    """The gradebook of an output folder, prepared for the lesson."""
    gradebook = GradebookWriter(database_url(out, None))
    gradebook.prepare(LESSON)
    return closing(gradebook)


def marks(gradebook, out):
    """Write marks.csv, as every command does that changes a mark."""
    return write_marks(out / "marks.csv", gradebook)
