"""A submission's marks in nbgrader's own tables.

Written with plain statements, and with the ids that are the same for everybody looked up once: nbgrader's objects take
ten times as long, and there is one writer for all workers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    Notebook,
    SolutionCell,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
    new_uuid,
)
from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from autograder.authoring.notebook import cell_id
from autograder.authoring.source import LessonSource
from autograder.grading.graded import Graded
from autograder.grading.late import as_nbgrader_keeps_it


def _table(of: type) -> Table:
    return of.__table__


STUDENTS, SUBMISSIONS, NOTEBOOKS = _table(Student), _table(SubmittedAssignment), _table(SubmittedNotebook)
GRADES, COMMENTS = _table(Grade), _table(Comment)
CELLS, GRADE_CELLS, SOLUTION_CELLS = _table(BaseCell), _table(GradeCell), _table(SolutionCell)


@dataclass(frozen=True)
class LessonIds:
    """The ids of a lesson's rows: its assignment, its notebook, each exercise's grade cell, and the answers' cells."""

    assignment: str
    notebook: str
    grades: dict[str, str]  # by exercise
    answers: tuple[str, ...]

    @classmethod
    def of(cls, gradebook: Gradebook, lesson: LessonSource) -> "LessonIds":
        """Look them up."""
        db = gradebook.db
        assignment = db.execute(select(Assignment.id).where(Assignment.name == lesson.name)).scalar_one()
        notebook = db.execute(select(Notebook.id).where(Notebook.assignment_id == assignment)).scalar_one()
        cells = select(CELLS.c.name, CELLS.c.id).where(CELLS.c.notebook_id == notebook)
        named = dict(db.execute(cells.join(GRADE_CELLS, GRADE_CELLS.c.id == CELLS.c.id)).all())
        answers = dict(db.execute(cells.join(SOLUTION_CELLS, SOLUTION_CELLS.c.id == CELLS.c.id)).all())
        grades = {str(check.marks["check"]): named[cell_id(lesson.name, check)] for check in lesson.of_kind("check")}
        return cls(assignment, notebook, grades, tuple(answers.values()))


def write_marks(db: Session, ids: LessonIds, graded: Graded, handed_in: Mapping[str, object]) -> None:
    """Write one submission's points where formgrader and nbgrader's commands look for them; the caller commits.

    Marks made by hand stay; so does an exercise that is excused for all.
    """
    _write_student(db, graded.student, str(handed_in.get("name") or ""))
    submitted = db.execute(
        select(NOTEBOOKS.c.id)
        .join(SUBMISSIONS, SUBMISSIONS.c.id == NOTEBOOKS.c.assignment_id)
        .where(SUBMISSIONS.c.assignment_id == ids.assignment, SUBMISSIONS.c.student_id == graded.student)
    ).scalar()
    if submitted is None:
        submitted = _new_submission(db, ids, graded.student)
    if handed_in.get("time"):
        time = as_nbgrader_keeps_it(datetime.fromisoformat(str(handed_in["time"])))
        where = (SUBMISSIONS.c.assignment_id == ids.assignment) & (SUBMISSIONS.c.student_id == graded.student)
        db.execute(update(SUBMISSIONS).where(where).values(timestamp=time))
    manual = {
        cell: score
        for cell, score in db.execute(
            select(GRADES.c.cell_id, GRADES.c.manual_score).where(GRADES.c.notebook_id == submitted)
        )
    }
    new = []
    for exercise, cell in ids.grades.items():
        points = graded.verdicts[exercise].points
        if cell in manual:
            where = (GRADES.c.notebook_id == submitted) & (GRADES.c.cell_id == cell)
            again = manual[cell] is not None
            db.execute(update(GRADES).where(where).values(auto_score=points, needs_manual_grade=again))
        else:
            values = {"id": new_uuid(), "cell_id": cell, "notebook_id": submitted}
            new.append(values | {"auto_score": points, "needs_manual_grade": False})
    if new:
        db.execute(insert(GRADES), new)


def _write_student(db: Session, student: str, name: str) -> None:
    """Enter a student; the platform's name stands where nobody else's does."""
    names = select(STUDENTS.c.first_name, STUDENTS.c.last_name).where(STUDENTS.c.id == student)
    known = db.execute(names).first()
    if known is None:
        db.execute(insert(STUDENTS).values(id=student, last_name=name or None))
    elif name and not known.first_name and not known.last_name:
        db.execute(update(STUDENTS).where(STUDENTS.c.id == student).values(last_name=name))


def _new_submission(db: Session, ids: LessonIds, student: str) -> str:
    submission, notebook = new_uuid(), new_uuid()
    db.execute(insert(SUBMISSIONS).values(id=submission, assignment_id=ids.assignment, student_id=student))
    db.execute(insert(NOTEBOOKS).values(id=notebook, assignment_id=submission, notebook_id=ids.notebook, flagged=False))
    comments = [{"id": new_uuid(), "cell_id": cell, "notebook_id": notebook} for cell in ids.answers]
    if comments:
        db.execute(insert(COMMENTS), comments)
    return notebook
