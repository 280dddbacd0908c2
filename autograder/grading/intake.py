"""From a submission's bytes to the code that will be run: the student's answers in the source's own frame."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from autograder.authoring.notebook import cell_id, code_of
from autograder.authoring.source import Cell, LessonSource
from autograder.grading.files import without_outputs
from autograder.grading.submissions import Submission
from autograder.sandbox.protocol import parts
from lessonkit.notebook import faults_of, without_copies
from lessonkit.notebook_file import RefusalError, read_cells

MOST_MEMORY = 90 << 20  # bytes that a notebook may take once it is read
MOST_ELSEWHERE = 500 << 20  # the same for a process of its own, which takes out what nobody reads


@dataclass(frozen=True)
class TakenCell:
    """A cell to be run: the student's, or a locked one from the source. `cell` is None for an extra one."""

    source: str
    cell: Cell | None = None

    @property
    def kind(self) -> str:
        """The kind of the source's cell, or "extra"."""
        return self.cell.kind if self.cell else "extra"


@dataclass(frozen=True)
class Intake:
    """What was taken from a submission.

    `faults` says for an exercise why it can't earn marks: (verdict, sentence). `notes` are for student and instructor.
    `refused` is the reason why nothing was taken.
    """

    cells: tuple[TakenCell, ...] = ()
    faults: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refused: str = ""

    def answer(self, exercise: str) -> str | None:
        """The student's code for an exercise."""
        for taken in self.cells:
            if taken.kind == "exercise" and taken.cell.marks["exercise"] == exercise:
                return taken.source
        return None


def take_in(submission: Submission, lesson: LessonSource) -> Intake:
    """Read a submission. Never raises for what it holds: a fault costs the exercise, or the whole, with a plain reason.

    Of the notebook only the sources of its code cells are used, and the ids that say which cells they are. Locked cells
    (imports, checks) are the source's own; those that lack are put back. Cells nobody knows are kept, but earn nothing.
    Of two cells that claim to be one, the one with its id is meant: a pasted copy has a new id and nbgrader's old mark.
    Where both have it, or neither, neither counts.
    """
    if submission.refused:
        return Intake(refused=submission.refused)
    content, notes = submission.content, [*submission.notes]
    if MOST_MEMORY < _memory_of(content) < MOST_ELSEWHERE:
        content, _ = without_outputs(content)
    if _memory_of(content) > MOST_MEMORY or (submission.content and not content):
        return Intake(refused="the notebook holds too much to be read; clear its outputs and hand it in again")
    try:
        cells = read_cells(content, notes)
    except RefusalError as reason:
        return Intake(refused=str(reason))
    known = {cell_id(lesson.name, cell): cell for cell in lesson.cells if cell.is_code}
    exercises = {i: str(cell.marks["exercise"]) for i, cell in known.items() if cell.kind == "exercise"}
    locked = {code_of(cell).strip(): i for i, cell in known.items() if i not in exercises}
    answers: dict[str, list[str]] = {}
    order: list[TakenCell] = []
    placed: set[str] = set()
    for identity, code in without_copies(cells, exercises, locked, notes):
        cell = known.get(identity)
        if cell is None:
            order.append(TakenCell(code))
        elif cell.kind == "exercise":
            answers.setdefault(identity, []).append(code)
            if identity not in placed:
                order.append(TakenCell(code, cell))
        elif identity not in placed:
            order.append(TakenCell(cell.source, cell))
        placed.add(identity)
    faults = faults_of(exercises, answers)
    if faults:
        dropped = {f"{lesson.name}:{name}" for name in faults}
        order = [
            t for t in order if not (t.kind == "exercise" and f"{lesson.name}:{t.cell.marks['exercise']}" in dropped)
        ]
    restored = [cell for identity, cell in known.items() if identity not in placed and cell.kind != "exercise"]
    for cell in restored:
        _put_back(order, cell, lesson)
    checks = [cell for cell in restored if cell.kind == "check"]
    if checks:
        notes.append(f"Check cells that were deleted and put back: {len(checks)}.")
    return Intake(tuple(order), faults, tuple(notes))


def _memory_of(content: bytes) -> int:
    """About how many bytes JSON takes once it is read: its text twice, and its values. Counted before it is read."""
    wide = 4 if re.search(rb"[\xf0-\xff]", content) else 2 if re.search(rb"[\xc4-\xef]", content) else 1
    return 2 * wide * len(content) + 70 * parts(content, 100_000) + 160 * content.count(b"{")


def _put_back(order: list[TakenCell], cell: Cell, lesson: LessonSource) -> None:
    """Insert a missing cell behind the nearest cell that stands before it in the source."""
    before = {c.name for c in lesson.cells[: lesson.cells.index(cell)]}
    at = max((i for i, taken in enumerate(order) if taken.cell and taken.cell.name in before), default=-1)
    order.insert(at + 1, TakenCell(cell.source, cell))
