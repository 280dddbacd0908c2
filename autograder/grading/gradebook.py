"""The gradebook: nbgrader's own tables, written by one process, one transaction a submission."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import (
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
from sqlalchemy import BigInteger, Boolean, Column, MetaData, String, Table, Text, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from autograder.authoring.build import COURSE, generate
from autograder.authoring.notebook import cell_id
from autograder.authoring.source import LessonSource
from autograder.grading.sealed import Graded
from autograder.machine import offer_own_programs
from lessonkit.errors import CourseError

_METADATA = MetaData()
# Beside nbgrader's tables: what was graded from which bytes on which seed, with the verdicts; and the seed of each
# lesson's last run, which an interrupted run goes on with.
_RECORDS = Table(
    "sealed_record",
    _METADATA,
    Column("student", String(128), primary_key=True),
    Column("lesson", String(128), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("verdicts", Text, nullable=False),
)
_RUNS = Table(
    "sealed_run",
    _METADATA,
    Column("lesson", String(128), primary_key=True),
    Column("seed", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
)


SLOWEST = 3  # cells of a submission that the record keeps the time of


@dataclass(frozen=True)
class Record:
    """What the gradebook holds of one graded submission. `verdicts`: one plain dictionary an exercise."""

    student: str
    lesson: str
    key: str
    seed: int
    verdicts: tuple[dict, ...]
    seconds: dict
    notes: tuple[str, ...]
    slowest: tuple[tuple[str, float], ...]  # cells and their seconds
    flags: dict[str, str]  # exercise -> what an instructor may want to look at

    @property
    def points(self) -> float:
        """The sum of the points earned."""
        return sum(verdict["points"] for verdict in self.verdicts)

    @property
    def max_points(self) -> float:
        """The sum of the points to be had."""
        return sum(verdict["max_points"] for verdict in self.verdicts)


class GradebookWriter:
    """The one writer of a gradebook. A submission is in it wholly or not at all."""

    def __init__(self, db_url: str):
        offer_own_programs()
        try:
            self._gradebook = Gradebook(db_url, COURSE)
            _METADATA.create_all(self._gradebook.engine)
        except (SQLAlchemyError, OSError) as error:
            raise CourseError(
                f"The gradebook {_without_password(db_url)} can't be opened: {_first_line(error)}."
            ) from error
        self._db = self._gradebook.db
        self._url = db_url

    def close(self) -> None:
        """Close the database."""
        self._gradebook.close()

    def prepare(self, lesson: LessonSource) -> None:
        """Enter the lesson and its cells, as nbgrader's generator does.

        Raises:
            CourseError: its exercises changed while there are graded submissions of the older version.
        """
        try:
            generate(lesson, self._url)
        except CourseError as error:
            if "Cannot add or remove cells" in str(error):
                raise CourseError(
                    f"Lesson {lesson.name} has other cells than when submissions were graded into this gradebook. "
                    "Grade into another folder (--out), or take the older version of the lesson."
                ) from error
            raise

    def begin_run(self, lesson: str, wanted: int | None, fresh: int) -> int:
        """The secret seed of a run: the one wanted, that of a run which did not finish, or a fresh one. Recorded.

        A run that finished has handed out feedback: what students learn from it is of no use for the next seed.
        """
        row = self._db.execute(select(_RUNS).where(_RUNS.c.lesson == lesson)).first()
        seed = wanted if wanted is not None else row.seed if row and not row.finished else fresh
        self._db.execute(delete(_RUNS).where(_RUNS.c.lesson == lesson))
        self._db.execute(_RUNS.insert().values(lesson=lesson, seed=seed, finished=False))
        self._db.commit()
        return seed

    def end_run(self, lesson: str) -> None:
        """Everything that was handed in is graded."""
        self._db.execute(update(_RUNS).where(_RUNS.c.lesson == lesson).values(finished=True))
        self._db.commit()

    def keys(self, lesson: str) -> dict[str, tuple[str, int]]:
        """For every student graded: the fingerprint of what was graded, and the seed."""
        query = select(_RECORDS.c.student, _RECORDS.c.key, _RECORDS.c.seed).where(_RECORDS.c.lesson == lesson)
        return {row.student: (row.key, row.seed) for row in self._db.execute(query)}

    def records(self, lesson: str) -> Iterator[Record]:
        """Everything graded of a lesson, by student."""
        query = select(_RECORDS).where(_RECORDS.c.lesson == lesson).order_by(_RECORDS.c.student)
        for row in self._db.execute(query):
            payload = json.loads(row.verdicts)
            yield Record(
                row.student,
                row.lesson,
                row.key,
                row.seed,
                tuple(payload["verdicts"]),
                payload["seconds"],
                tuple(payload["notes"]),
                tuple((cell, seconds) for cell, seconds in payload["slowest"]),
                payload["flags"],
            )

    def write(self, lesson: LessonSource, graded: Graded, key: str, seed: int) -> None:
        """Write one submission's marks and record, in one transaction."""
        try:
            self._write_marks(lesson, graded)
            where = (_RECORDS.c.student == graded.student) & (_RECORDS.c.lesson == graded.lesson)
            self._db.execute(delete(_RECORDS).where(where))
            self._db.execute(
                _RECORDS.insert().values(
                    student=graded.student, lesson=graded.lesson, key=key, seed=seed, verdicts=_payload(graded)
                )
            )
            self._db.commit()
        except SQLAlchemyError as error:
            self._db.rollback()
            raise CourseError(
                f"The gradebook can't be written: {_first_line(error)}. What it has is whole; mend this and run again."
            ) from error
        finally:
            self._db.expunge_all()  # memory stays flat over a large class

    def _write_marks(self, lesson: LessonSource, graded: Graded) -> None:
        assignment = self._gradebook.find_assignment(lesson.name)
        student = self._db.get(Student, graded.student)
        if student is None:
            student = Student(id=graded.student)
            self._db.add(student)
        notebook = self._db.execute(select(Notebook).where(Notebook.assignment_id == assignment.id)).scalar_one()
        submission = self._db.execute(
            select(SubmittedAssignment).where(
                SubmittedAssignment.assignment_id == assignment.id, SubmittedAssignment.student_id == student.id
            )
        ).scalar_one_or_none()
        if submission is None:
            submission = SubmittedAssignment(assignment=assignment, student=student)
            submitted = SubmittedNotebook(notebook=notebook, assignment=submission)
            self._db.add(submission)
            self._db.flush()
            cells = self._db.execute(select(SolutionCell.id).where(SolutionCell.notebook_id == notebook.id))
            self._db.add_all(Comment(cell_id=row.id, notebook_id=submitted.id) for row in cells)
        else:
            submitted = submission.notebooks[0]
        existing = {
            grade.cell_id: grade
            for grade in self._db.execute(select(Grade).where(Grade.notebook_id == submitted.id)).scalars()
        }
        ids = dict(
            self._db.execute(select(GradeCell.name, GradeCell.id).where(GradeCell.notebook_id == notebook.id)).all()
        )
        for check in lesson.of_kind("check"):
            verdict = graded.verdicts[str(check.marks["check"])]
            cell = ids[cell_id(lesson.name, check)]
            grade = existing.get(cell)
            if grade is None:
                grade = Grade(cell_id=cell, notebook_id=submitted.id)
                self._db.add(grade)
            grade.auto_score = verdict.points
            grade.needs_manual_grade = grade.manual_score is not None


def _payload(graded: Graded) -> str:
    verdicts = [
        {
            "exercise": name,
            "points": verdict.points,
            "max_points": verdict.max_points,
            "verdict": verdict.finding.verdict,
            "message": verdict.finding.message,
            "detail": verdict.finding.detail,
            "mistake": verdict.finding.mistake,
        }
        for name, verdict in graded.verdicts.items()
    ]
    record = {
        "verdicts": verdicts,
        "seconds": dict(graded.seconds),
        "notes": list(graded.notes),
        "slowest": sorted(graded.cell_seconds.items(), key=lambda item: -item[1])[:SLOWEST],
        "flags": dict(graded.flags),
    }
    return json.dumps(record, ensure_ascii=False)


def database_url(out: Path, wanted: str | None) -> str:
    """The URL of the gradebook: the one wanted, or a SQLite file in the output folder."""
    return wanted or f"sqlite:///{(out / 'gradebook.db').resolve()}"


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
