"""From a submission's bytes to the code that will be run: the student's answers in the source's own frame."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from autograder.authoring.notebook import cell_id, code_of
from autograder.authoring.source import Cell, LessonSource
from autograder.grading.submissions import Submission

MOST_CELLS, LONGEST_CELL = 2_000, 200_000  # cells; characters of one
MISSING, DUPLICATE = "missing", "refused"


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
    try:
        cells = _read_cells(submission.content)
    except _RefusalError as reason:
        return Intake(refused=str(reason))
    known = {cell_id(lesson.name, cell): cell for cell in lesson.cells if cell.is_code}
    cells = list(_without_copies(cells, known))
    answers: dict[str, list[str]] = {}
    order: list[TakenCell] = []
    placed: set[str] = set()
    notes: list[str] = []
    for identity, code in cells:
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
    faults: dict[str, tuple[str, str]] = {}
    for identity, cell in known.items():
        if cell.kind != "exercise":
            continue
        name = str(cell.marks["exercise"])
        if identity not in answers:
            faults[name] = (MISSING, f"The cell of `{name}` is missing from the notebook.")
        elif len(answers[identity]) > 1:
            faults[name] = (
                DUPLICATE,
                f"{len(answers[identity])} cells claim to be the answer of `{name}`, so none counts. Keep one of them.",
            )
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


def _without_copies(cells: list[tuple[str, str, str]], known: dict[str, Cell]) -> Iterator[tuple[str, str]]:
    """(what it is, source) of every cell. A copy of an answer is a cell of the student's own, of others is nothing.

    Some programs drop the ids of cells: those whose source is a locked cell's are known by it.
    """
    locked = {code_of(cell).strip(): identity for identity, cell in known.items() if cell.kind != "exercise"}
    claimed = {identity for identity, _, _ in cells}
    cells = [
        (locked[source], locked[source], code)
        if identity not in known and (source := code.strip()) in locked and locked[source] not in claimed
        else (identity, own, code)
        for identity, own, code in cells
    ]
    times = Counter(identity for identity, _, _ in cells)
    originals = Counter(identity for identity, own, _ in cells if own == identity)
    for identity, own, code in cells:
        if identity in known and times[identity] > 1 and originals[identity] == 1 and own != identity:
            if known[identity].kind == "exercise":
                yield "", code
        else:
            yield identity, code


def _put_back(order: list[TakenCell], cell: Cell, lesson: LessonSource) -> None:
    """Insert a missing cell behind the nearest cell that stands before it in the source."""
    before = {c.name for c in lesson.cells[: lesson.cells.index(cell)]}
    at = max((i for i, taken in enumerate(order) if taken.cell and taken.cell.name in before), default=-1)
    order.insert(at + 1, TakenCell(cell.source, cell))


class _RefusalError(Exception):
    """The reason why a notebook can't be read, as a sentence for the student."""


def _read_cells(content: bytes) -> list[tuple[str, str, str]]:
    """(what it says it is, id, source) of every code cell. Raises _RefusalError."""
    try:
        notebook = json.loads(content.decode("utf-8-sig"))  # some editors put a mark at the beginning
    except UnicodeDecodeError as error:
        raise _RefusalError("the file is not UTF-8 text; save it from JupyterLab again") from error
    except RecursionError as error:
        raise _RefusalError("the file is nested too deep to be a notebook") from error
    except ValueError as error:
        raise _RefusalError("the file is not a notebook (no valid JSON); save it from JupyterLab again") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise _RefusalError("the file is not a notebook of format 4 (it has no cells); save it from JupyterLab again")
    if notebook.get("nbformat") != 4:
        raise _RefusalError("the notebook's format is not 4; open it in JupyterLab and save it again")
    if len(notebook["cells"]) > MOST_CELLS:
        raise _RefusalError(f"the notebook has {len(notebook['cells'])} cells; more than {MOST_CELLS} are not read")
    cells = []
    for number, cell in enumerate(notebook["cells"], 1):
        if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
            raise _RefusalError(f"cell {number} is no cell; open the notebook in JupyterLab and save it again")
        if cell["cell_type"] != "code":
            continue
        source = cell.get("source", "")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise _RefusalError(
                f"the source of cell {number} is no text; open the notebook in JupyterLab and save it again"
            )
        if len(source) > LONGEST_CELL:
            raise _RefusalError(f"cell {number} has more than {LONGEST_CELL:,} characters")
        try:
            source.encode("utf-8")
        except UnicodeEncodeError as error:
            raise _RefusalError(f"cell {number} holds characters that are no text") from error
        own = cell.get("id")
        cells.append((_identity(cell), own if isinstance(own, str) else "", source))
    return cells


def _identity(cell: dict) -> str:
    """What a cell says it is: nbgrader's grade_id, else its id (formats before 4.5 have none)."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    for identity in (grade_id, cell.get("id")):
        if isinstance(identity, str):
            return identity
    return ""
