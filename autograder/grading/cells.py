"""nbgrader's table of a lesson's cells, brought up to date while there are graded submissions."""

from nbgrader.api import Comment, Grade, Gradebook, GradeCell, Notebook, SolutionCell, SourceCell, SubmittedNotebook
from nbgrader.utils import compute_checksum
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from autograder.authoring.notebook import to_notebook
from autograder.authoring.source import LessonSource


def update_cells(gradebook: Gradebook, lesson: LessonSource) -> None:
    """Add, change and remove the cells of a lesson, with the marks and comments that belong to them.

    Marks of cells that stay are kept, made by hand or not. A new exercise has 0 points until a regrade.
    """
    db = gradebook.db
    assignment = gradebook.find_assignment(lesson.name)
    notebook = db.execute(select(Notebook).where(Notebook.assignment_id == assignment.id)).scalar_one()
    cells = {c.metadata["nbgrader"]["grade_id"]: c for c in to_notebook(lesson).cells if "nbgrader" in c.metadata}
    graded = {name: c for name, c in cells.items() if c.metadata["nbgrader"]["grade"]}
    solutions = {name: c for name, c in cells.items() if c.metadata["nbgrader"]["solution"]}
    submitted = (
        db.execute(select(SubmittedNotebook.id).where(SubmittedNotebook.notebook_id == notebook.id)).scalars().all()
    )
    for kind, wanted, made in ((GradeCell, graded, Grade), (SolutionCell, solutions, Comment)):
        there = {cell.name: cell for cell in db.execute(select(kind).where(kind.notebook_id == notebook.id)).scalars()}
        for name in there.keys() - wanted.keys():
            _remove(db, there[name], made)
        for name in wanted.keys() - there.keys():
            there[name] = kind(
                name=name,
                notebook_id=notebook.id,
                **({"max_score": 0.0, "cell_type": "code"} if kind is GradeCell else {}),
            )
            db.add(there[name])
            db.flush()
            more = {"auto_score": 0.0, "needs_manual_grade": False} if made is Grade else {}
            db.add_all(made(cell_id=there[name].id, notebook_id=identity, **more) for identity in submitted)
        if kind is GradeCell:
            for name, cell in wanted.items():
                there[name].max_score = float(cell.metadata["nbgrader"]["points"])
    sources = {c.name: c for c in db.execute(select(SourceCell).where(SourceCell.notebook_id == notebook.id)).scalars()}
    for name in sources.keys() - cells.keys():
        db.delete(sources[name])
    for name, cell in cells.items():
        row = sources.get(name) or SourceCell(name=name, notebook_id=notebook.id)
        row.cell_type, row.source, row.locked = cell.cell_type, cell.source, cell.metadata["nbgrader"]["locked"]
        row.checksum = compute_checksum(cell)
        db.add(row)
    db.commit()


def _remove(db: Session, cell: GradeCell | SolutionCell, made: type) -> None:
    db.execute(delete(made).where(made.cell_id == cell.id))
    db.flush()
    db.delete(cell)
