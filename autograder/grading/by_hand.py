"""What people change: marks from a table, exercises excused for all, a roster, due dates, a student who leaves."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session
from traitlets.config import Config, PyFileConfigLoader

from autograder.grading import late
from autograder.grading.csv_reader import read_csv
from autograder.grading.meant import People, lesson_meant
from autograder.grading.roster import Roster, from_json, match, to_json
from autograder.grading.tables import EXCUSED, HANDED_IN, RECORDS, ROSTER
from autograder.grading.truth import check_id
from lessonkit.errors import CourseError, did_you_mean
from lessonkit.notebook import exercise_id


@dataclass(frozen=True)
class Change:
    """One mark that was changed by hand: from what to what."""

    student: str
    exercise: str
    before: float
    after: float
    most: float  # the exercise's points: more is extra credit, or a slip


def override(gradebook: Gradebook, lesson: str, path: Path) -> list[Change]:
    """Enter marks from a CSV with the columns student, exercise, points, why (and lesson, if it is for several).

    All rows are entered, or none.

    Raises:
        CourseError: the file can't be read, or rows name an unknown student or exercise, or points that are no number.
    """
    table = read_csv(path, lower=True)
    table.needs(("student", "exercise", "points"))
    people = everybody(gradebook.db)
    faults: list[str] = []
    todo: dict[tuple[str, str], _Row] = {}
    for number, row in table.rows:
        try:
            if row.get("lesson") and lesson_meant(row["lesson"]) != lesson:
                continue
            meant = _meant(gradebook.db, lesson, row, people)
            before = todo.setdefault((meant.student, meant.exercise), meant)
            if before.points != meant.points:
                raise CourseError(f"{meant.student} stands twice for {meant.exercise}, with different points.")
        except CourseError as error:
            faults.append(f"{path.name}, line {number}: {error}")
    if faults:
        raise CourseError("\n".join([*faults, "Nothing was changed."]))
    changes = [
        Change(row.student, row.exercise, row.grade.score or 0.0, row.points or 0.0, row.grade.max_score or 0.0)
        for row in todo.values()
    ]  # before anything is changed: what is read after that would write it
    for row in todo.values():
        row.grade.manual_score = row.points
        row.grade.needs_manual_grade = False
        if row.comment is not None and row.why:
            row.comment.manual_comment = row.why
    gradebook.db.commit()
    return changes


@dataclass(frozen=True)
class _Row:
    student: str
    exercise: str
    points: float | None
    why: str
    grade: Grade
    comment: Comment | None


def everybody(db: Session) -> People:
    """Those who handed something in, and the roster."""
    students = set(db.execute(select(RECORDS.c.student)).scalars()) | set(db.execute(select(Student.id)).scalars())
    facts = db.execute(select(HANDED_IN.c.student, HANDED_IN.c.facts)).all()
    names = {student: str(json.loads(said).get("name") or "") for student, said in facts}
    roster = kept_roster(db)
    return People(sorted(students), roster.people if roster else (), names)


def _meant(db: Session, lesson: str, row: dict, people: People) -> _Row:
    points, exercise = _points(row["points"]), row["exercise"]
    student = people.meant_by(row["student"]) or row["student"]
    submitted = _submitted(db, lesson, student)
    grades = _by_name(db, Grade, GradeCell, submitted)
    known = [name.removeprefix(f"{lesson[:2]}-check-").replace("-", "_") for name in grades]
    if check_id(lesson, exercise.casefold()) not in grades:
        raise CourseError(f"Lesson {lesson} has no exercise {exercise!r}." + did_you_mean(exercise, known))
    exercise = exercise.casefold().replace("-", "_")
    comments = _by_name(db, Comment, SolutionCell, submitted)
    grade = grades[check_id(lesson, exercise)]
    return _Row(student, exercise, points, row.get("why") or "", grade, comments.get(exercise_id(lesson, exercise)))


def _points(text: str) -> float | None:
    """Points as a number; an empty cell takes a mark by hand back."""
    if not text:
        return None
    try:
        points = float(text.replace(",", ".").replace("_", "?"))
    except ValueError as error:
        raise CourseError(f"points should be a number, not {text!r}.") from error
    if not 0 <= points < 1e6:
        raise CourseError(f"points should be 0 or more, not {text}.")
    return points


def _submitted(db: Session, lesson: str, student: str) -> SubmittedNotebook:
    found = db.execute(
        select(SubmittedNotebook)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .where((Assignment.name == lesson) & (SubmittedAssignment.student_id == student))
    ).scalar_one_or_none()
    if found is None:
        known = db.execute(select(RECORDS.c.student).where(RECORDS.c.lesson == lesson)).scalars().all()
        raise CourseError(f"There is no submission of {student!r} for {lesson}." + did_you_mean(student, known))
    return found


def _by_name(db: Session, kind: type, cell: type, submitted: SubmittedNotebook) -> dict:
    query = select(cell.name, kind).join(cell, cell.id == kind.cell_id).where(kind.notebook_id == submitted.id)
    return {name: found for name, found in db.execute(query)}


def excuse(gradebook: Gradebook, lesson: str, exercise: str, known: dict[str, float], why: str | None) -> int:
    """Take an exercise out for everybody (`why` None: take it in again); returns how many students it touches.

    Raises:
        CourseError: the lesson has no such exercise, or the reason is empty.
    """
    if exercise not in known:
        raise CourseError(f"Lesson {lesson} has no exercise {exercise!r}." + did_you_mean(exercise, known))
    if why is not None and not why.strip():
        raise CourseError("Say why, for those who read the marks: --why 'the task was wrong'.")
    db = gradebook.db
    db.execute(delete(EXCUSED).where((EXCUSED.c.lesson == lesson) & (EXCUSED.c.exercise == exercise)))
    if why is not None:
        db.execute(EXCUSED.insert().values(lesson=lesson, exercise=exercise, why=why.strip()))
    for cell in db.execute(
        select(GradeCell)
        .join(Notebook, Notebook.id == GradeCell.notebook_id)
        .join(Assignment, Assignment.id == Notebook.assignment_id)
        .where((Assignment.name == lesson) & (GradeCell.name == check_id(lesson, exercise)))
    ).scalars():
        cell.max_score = 0.0 if why is not None else known[exercise]
    db.commit()
    return len(db.execute(select(RECORDS.c.student).where(RECORDS.c.lesson == lesson)).all())


def forget(gradebook: Gradebook, student: str, out: Path) -> list[Path]:
    """Remove a person from the gradebook's tables and from the output folder; returns the folders and files that went.

    What was made of the whole class (reports, exports, zips of feedback, not_used.csv) goes with it, to be made anew.

    Raises:
        CourseError: nobody of that name is there.
    """
    db = gradebook.db
    tables = (RECORDS, HANDED_IN, ROSTER)
    known = {name for table in tables for name in db.execute(select(table.c.student)).scalars()}
    known |= set(db.execute(select(Student.id)).scalars())
    if student not in known:
        raise CourseError(f"There is nobody called {student!r} here." + did_you_mean(student, sorted(known)))
    for table in tables:
        db.execute(delete(table).where(table.c.student == student))
    db.commit()
    if db.get(Student, student) is not None:
        gradebook.remove_student(student)
    if db.bind is not None and db.bind.dialect.name == "sqlite":
        db.execute(text("VACUUM"))  # what was deleted is still in the file until then
    gone = [out / part / student for part in ("autograded", "feedback")]
    gone += [out / "report", out / "export", *(out / "feedback").glob("*.zip"), out / "not_used.csv"]
    gone = [place for place in gone if place.exists()]
    for place in gone:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    return gone


def enter_roster(gradebook: Gradebook, roster: Roster) -> dict[str, str]:
    """Keep a roster; give names and e-mails to those it knows. Returns roster id by student for those who match."""
    db = gradebook.db
    db.execute(delete(ROSTER))
    for place, (student, row) in enumerate(to_json(roster)):
        db.execute(ROSTER.insert().values(student=student, place=place, row=row))
    students = [s for s in db.execute(select(RECORDS.c.student).distinct()).scalars()]
    found = match(roster.people, students)
    for student, person in found.items():
        first, last = person.first_and_last
        row = db.get(Student, student)
        if row is not None:
            row.first_name, row.last_name = first, last
            row.email, row.lms_user_id = person.email or None, person.id
    db.commit()
    return {student: person.id for student, person in found.items()}


def kept_roster(db: Session) -> Roster | None:
    """The roster that was entered, if one was."""
    return from_json([(r.student, r.row) for r in db.execute(select(ROSTER).order_by(ROSTER.c.place))])


def enter_due(
    gradebook: Gradebook, lesson: str, due: late.Due, penalty: Callable[[str, float, float], float | None]
) -> int:
    """Keep when a lesson is due, and for whom later; compute lateness and penalties. Returns how many are late.

    `penalty(student, score, seconds late)` is nbgrader's plugin; None is no penalty.

    Raises:
        CourseError: an extension is for somebody who is not there.
    """
    db = gradebook.db
    assignment = db.execute(select(Assignment).where(Assignment.name == lesson)).scalar_one()
    if due.moment is not None:
        assignment.duedate = late.as_nbgrader_keeps_it(due.moment)
    rows = db.execute(
        select(SubmittedAssignment).where(SubmittedAssignment.assignment_id == assignment.id)
    ).scalars().all()  # fmt: skip
    count = 0
    extensions = {found: due.extensions[said] for said, found in _with_extensions(db, due).items() if found}
    for submitted in rows:
        longer = extensions.get(submitted.student_id)
        if longer is not None and assignment.duedate is not None:
            submitted.extension = late.as_nbgrader_keeps_it(longer) - assignment.duedate
        seconds = submitted.total_seconds_late
        count += seconds > 0
        for notebook in submitted.notebooks:
            notebook.late_submission_penalty = (
                penalty(submitted.student_id, notebook.score, seconds) if seconds else None
            )
    db.commit()
    return count


def unknown_extensions(db: Session, due: late.Due) -> list[str]:
    """Those with an extension whom nobody knows."""
    return sorted(said for said, found in _with_extensions(db, due).items() if not found)


def _with_extensions(db: Session, due: late.Due) -> dict[str, str]:
    """The student whom each extension means; "" where nobody is known by that."""
    people = everybody(db) if due.extensions else None
    found = dict.fromkeys(due.extensions or {}, "")
    for said in due.extensions or {}:
        with contextlib.suppress(CourseError):  # several are called so
            found[said] = people.meant_by(said)
    return found


def late_penalty(out: Path) -> Callable[[str, float, float], float | None]:
    """nbgrader's plugin for late submissions as OUT/nbgrader_config.py sets it; without one it takes nothing.

    Raises:
        CourseError: that file can't be read as nbgrader's configuration.
    """
    config, own = Config(), out / "nbgrader_config.py"
    with _can_be_used(own):
        if own.is_file():
            config = PyFileConfigLoader(own.name, path=str(out.resolve())).load_config()
        step = AssignLatePenalties(config=config)
        plugin = step.plugin_class(parent=step)

    def penalty(student: str, score: float, seconds: float) -> float | None:
        with _can_be_used(own):
            return plugin.late_submission_penalty(student, score, seconds)

    return penalty


@contextlib.contextmanager
def _can_be_used(own: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever the instructor's own file and plugin do
        raise CourseError(f"{own} can't be used: {type(error).__name__}: {error}") from error
