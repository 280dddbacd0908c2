"""One truth of a mark: what the judge found, and what people changed by hand, joined from the gradebook's tables."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from autograder.grading.records import Record, read_records
from autograder.grading.tables import EXCUSED, HANDED_IN
from lessonkit.notebook import cell_id, exercise_id


@dataclass(frozen=True)
class Person:
    """Who a student is, for people: empty where no roster says it."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class _Changes:
    """What people changed for one student: by the id of the check or of the exercise."""

    manual: dict[str, float] = field(default_factory=dict)
    extra: dict[str, float] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


def check_id(lesson: str, exercise: str) -> str:
    """The id of an exercise's check cell."""
    return cell_id(lesson, f"check-{exercise}")


def true_records(db: Session, lesson: str) -> Iterator[Record]:
    """Every graded submission of a lesson as it stands: marks changed by hand, excuses, lateness, names.

    In each verdict `points` is what counts; `automatic` is the judge's, `manual` and `extra` what people gave (None:
    nothing), `comment` what they wrote, `excused` why the exercise counts for nobody.
    """
    changes, people = _changes(db, lesson), _people(db)
    excused = dict(db.execute(select(EXCUSED.c.exercise, EXCUSED.c.why).where(EXCUSED.c.lesson == lesson)).all())
    handed_in = {
        row.student: json.loads(row.facts)
        for row in db.execute(select(HANDED_IN.c.student, HANDED_IN.c.facts).where(HANDED_IN.c.lesson == lesson))
    }
    late = _lateness(db, lesson)
    for record in read_records(db, lesson):
        own, person = changes[record.student], people.get(record.student, Person())
        facts = handed_in.get(record.student, {})
        verdicts = tuple(_as_it_counts(lesson, verdict, own, excused) for verdict in record.verdicts)
        seconds_late, penalty = late.get(record.student, (0.0, 0.0))
        yield replace(
            record,
            verdicts=verdicts,
            name=person.name or facts.get("name", ""),
            email=person.email,
            handed_in=facts,
            seconds_late=seconds_late,
            penalty=penalty,
        )


def _as_it_counts(lesson: str, verdict: dict, changes: _Changes, excused: dict[str, str]) -> dict:
    check, exercise = check_id(lesson, verdict["exercise"]), exercise_id(lesson, verdict["exercise"])
    automatic, manual, extra = verdict["points"], changes.manual.get(check), changes.extra.get(check)
    points = (automatic if manual is None else manual) + (extra or 0.0)
    why = excused.get(verdict["exercise"])
    return verdict | {
        "points": 0.0 if why is not None else points,
        "max_points": 0.0 if why is not None else verdict["max_points"],
        "automatic": automatic,
        "manual": manual,
        "extra": extra,
        "comment": changes.comments.get(exercise, "") or changes.comments.get(check, ""),
        "excused": why,
    }


def _changes(db: Session, lesson: str) -> dict[str, _Changes]:
    found: dict[str, _Changes] = defaultdict(_Changes)
    where = (
        (BaseCell.id == Grade.cell_id)
        & (SubmittedNotebook.id == Grade.notebook_id)
        & (SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        & (Assignment.id == SubmittedAssignment.assignment_id)
        & (Assignment.name == lesson)
    )
    columns = (SubmittedAssignment.student_id, BaseCell.name, Grade.manual_score, Grade.extra_credit)
    for student, cell, manual, extra in db.execute(select(*columns).where(where)):
        if manual is not None:
            found[student].manual[cell] = manual
        if extra:
            found[student].extra[cell] = extra
    where = (
        (BaseCell.id == Comment.cell_id)
        & (SubmittedNotebook.id == Comment.notebook_id)
        & (SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        & (Assignment.id == SubmittedAssignment.assignment_id)
        & (Assignment.name == lesson)
        & (Comment.manual_comment.is_not(None))
    )
    for student, cell, comment in db.execute(
        select(SubmittedAssignment.student_id, BaseCell.name, Comment.manual_comment).where(where)
    ):
        if comment.strip():
            found[student].comments[cell] = comment
    return found


def _people(db: Session) -> dict[str, Person]:
    rows = db.execute(select(Student.id, Student.first_name, Student.last_name, Student.email))
    return {
        identity: Person(" ".join(part for part in (first, last) if part), email or "")
        for identity, first, last, email in rows
    }


def _lateness(db: Session, lesson: str) -> dict[str, tuple[float, float]]:
    """For each student how many seconds late, and the penalty that nbgrader's plugin gave."""
    rows = db.execute(
        select(
            SubmittedAssignment.student_id,
            SubmittedAssignment.timestamp,
            SubmittedAssignment.extension,
            Assignment.duedate,
            SubmittedNotebook.late_submission_penalty,
        ).where(
            (Assignment.id == SubmittedAssignment.assignment_id)
            & (Assignment.name == lesson)
            & (SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        )
    )
    found = {}
    for student, handed_in, extension, due, penalty in rows:
        late = 0.0
        if handed_in is not None and due is not None:
            late = max(0.0, (handed_in - (due + extension if extension else due)).total_seconds())
        found[student] = (late, penalty or 0.0)
    return found
