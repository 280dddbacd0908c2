"""Reading a notebook file that somebody hands in: its code cells, which cell is which answer, and what is amiss.

The grader reads submissions with this, and `lesson.hand_in()` reads the learner's own file with it, so that what is
accepted here is graded there. Nothing here runs or trusts what the file holds.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

MOST_CELLS, LONGEST_CELL = 2_000, 200_000  # cells; characters of one
MISSING, DUPLICATE = "missing", "refused"
FileCell = tuple[str, str, str]  # (what it says it is, its id, its source)


class RefusalError(Exception):
    """The reason why a notebook can't be read, as a sentence for the student."""


def exercise_id(lesson: str, exercise: str) -> str:
    """The id of an exercise's cell: that of `cell_id` in the build."""
    return f"{lesson[:2]}-exercise-{exercise}".replace("_", "-").lower()[:64]


def read_cells(content: bytes) -> list[FileCell]:
    """(what it says it is, id, source) of every code cell.

    Raises:
        RefusalError: the file is no notebook that can be graded.
    """
    try:
        notebook = json.loads(content.decode("utf-8-sig"))  # some editors put a mark at the beginning
    except UnicodeDecodeError as error:
        raise RefusalError("the file is not UTF-8 text; save it from JupyterLab again") from error
    except RecursionError as error:
        raise RefusalError("the file is nested too deep to be a notebook") from error
    except ValueError as error:
        raise RefusalError("the file is not a notebook (no valid JSON); save it from JupyterLab again") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise RefusalError("the file is not a notebook of format 4 (it has no cells); save it from JupyterLab again")
    if notebook.get("nbformat") != 4:
        raise RefusalError("the notebook's format is not 4; open it in JupyterLab and save it again")
    if len(notebook["cells"]) > MOST_CELLS:
        raise RefusalError(f"the notebook has {len(notebook['cells'])} cells; more than {MOST_CELLS} are not read")
    cells = []
    for number, cell in enumerate(notebook["cells"], 1):
        if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
            raise RefusalError(f"cell {number} is no cell; open the notebook in JupyterLab and save it again")
        if cell["cell_type"] != "code":
            continue
        source = cell.get("source", "")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            raise RefusalError(
                f"the source of cell {number} is no text; open the notebook in JupyterLab and save it again"
            )
        if len(source) > LONGEST_CELL:
            raise RefusalError(f"cell {number} has more than {LONGEST_CELL:,} characters")
        try:
            source.encode("utf-8")
        except UnicodeEncodeError as error:
            raise RefusalError(f"cell {number} holds characters that are no text") from error
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


def without_copies(
    cells: Sequence[FileCell], exercises: Collection[str], locked: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(what it is, source) of every cell. A copy of an answer is a cell of the student's own, of others is nothing.

    `exercises` are the ids of the answers' cells; `locked` gives the id of each other cell by its source: some programs
    drop the ids of cells, and those whose source is a locked cell's are known by it. Of two cells that claim to be one,
    the one with its id is meant: a pasted copy has a new id and nbgrader's old mark.
    """
    known = {*exercises, *locked.values()}
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
            if identity in exercises:
                yield "", code
        else:
            yield identity, code


def faults_of(exercises: Mapping[str, str], answers: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """(verdict, sentence) for each exercise without one clear answer; `exercises`: names by id, `answers`: by id."""
    faults = {}
    for identity, name in exercises.items():
        count = len(answers.get(identity, ()))
        if count == 0:
            faults[name] = (MISSING, f"The cell of `{name}` is missing from the notebook.")
        elif count > 1:
            faults[name] = (
                DUPLICATE,
                f"{count} cells claim to be the answer of `{name}`, so none counts. Keep one of them.",
            )
    return faults
