"""A submission's marks in nbgrader's own tables."""

from collections.abc import Mapping
from datetime import datetime

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
from sqlalchemy import select

from autograder.authoring.notebook import cell_id
from autograder.authoring.source import LessonSource
from autograder.grading.late import as_nbgrader_keeps_it
from autograder.grading.sealed import Graded


def write_marks(gradebook: Gradebook, lesson: LessonSource, graded: Graded, handed_in: Mapping[str, object]) -> None:
    """Write one submission's points where formgrader and nbgrader's commands look for them; the caller commits.

    Marks made by hand stay; so does an exercise that is excused for all.
    """
    db = gradebook.db
    assignment = gradebook.find_assignment(lesson.name)
    student = db.get(Student, graded.student)
    if student is None:
        student = Student(id=graded.student)
        db.add(student)
    notebook = db.execute(select(Notebook).where(Notebook.assignment_id == assignment.id)).scalar_one()
    submission = db.execute(
        select(SubmittedAssignment).where(
            SubmittedAssignment.assignment_id == assignment.id, SubmittedAssignment.student_id == student.id
        )
    ).scalar_one_or_none()
    if submission is None:
        submission = SubmittedAssignment(assignment=assignment, student=student)
        submitted = SubmittedNotebook(notebook=notebook, assignment=submission)
        db.add(submission)
        db.flush()
        cells = db.execute(select(SolutionCell.id).where(SolutionCell.notebook_id == notebook.id))
        db.add_all(Comment(cell_id=row.id, notebook_id=submitted.id) for row in cells)
    else:
        submitted = submission.notebooks[0]
    if handed_in.get("time"):
        submission.timestamp = as_nbgrader_keeps_it(datetime.fromisoformat(str(handed_in["time"])))
    if not student.first_name and not student.last_name and handed_in.get("name"):
        student.last_name = str(handed_in["name"])
    existing = {
        grade.cell_id: grade for grade in db.execute(select(Grade).where(Grade.notebook_id == submitted.id)).scalars()
    }
    ids = dict(db.execute(select(GradeCell.name, GradeCell.id).where(GradeCell.notebook_id == notebook.id)).all())
    for check in lesson.of_kind("check"):
        verdict = graded.verdicts[str(check.marks["check"])]
        cell = ids[cell_id(lesson.name, check)]
        grade = existing.get(cell)
        if grade is None:
            grade = Grade(cell_id=cell, notebook_id=submitted.id)
            db.add(grade)
        grade.auto_score = verdict.points
        grade.needs_manual_grade = grade.manual_score is not None
