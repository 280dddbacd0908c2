"""Reading a notebook file that somebody hands in: its code cells, which cell is which answer, and what is amiss.

The grader reads submissions with this, and `lesson.hand_in()` reads the learner's own file with it, so that what is
accepted here is graded there. Nothing here runs or trusts what the file holds.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from lessonkit.syntax import parse

LONGEST_PARSED = 6_000  # characters of a cell that is parsed here: a lesson's longest has half of that
MOST_LOOKED_AT = 30  # cells that are searched for an answer that has lost its own
MOST_PIECES, MOST_JOINED = 3, 5  # of one answer; cells that claim to be one, and are looked at for being split
MOST_CELLS, LONGEST_CELL = 2_000, 200_000  # cells; characters of one
MISSING, DUPLICATE = "missing", "refused"


class FileCell(NamedTuple):
    """A cell of a file: what it says it is, its own id, its source, and whether its type says that it is code."""

    identity: str
    own: str
    source: str
    is_code: bool = True


class RefusalError(Exception):
    """The reason why a notebook can't be read, as a sentence for the student."""


def cell_id(lesson: str, name: str) -> str:
    """The id of a cell in every notebook of a lesson: the lesson's number and the cell's name."""
    return f"{lesson[:2]}-{name}".replace("_", "-").lower()[:64]


def exercise_id(lesson: str, exercise: str) -> str:
    """The id of an exercise's cell."""
    return cell_id(lesson, f"exercise-{exercise}")


def read_cells(content: bytes) -> list[FileCell]:
    """Every code cell; and every other cell with an exercise's id, whose type was changed by a slip of the keyboard.

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
        if not isinstance(cell, dict):
            raise RefusalError(f"cell {number} is no cell; open the notebook in JupyterLab and save it again")
        identity, is_code = _identity(cell), cell.get("cell_type") == "code"
        if not is_code and "-exercise-" not in identity:
            continue
        source = cell.get("source")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if source is None:
            source = ""
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
        cells.append(FileCell(identity, own if isinstance(own, str) else "", source, is_code))
    return cells


def _identity(cell: dict) -> str:
    """What a cell says it is: nbgrader's grade_id, else its id, else the id that other editors keep in the metadata."""
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    nbgrader = metadata.get("nbgrader")
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    said = [identity for identity in (grade_id, cell.get("id"), metadata.get("id")) if isinstance(identity, str)]
    ours = (identity for identity in said if re.match(r"\d\d-", identity))  # an editor may have put its own before it
    return next(ours, said[0] if said else "")


def without_copies(
    cells: Sequence[FileCell], exercises: Mapping[str, str], locked: Mapping[str, str], notes: list[str] | None = None
) -> Iterator[tuple[str, str]]:
    """(what it is, source) of every cell. A copy of an answer is a cell of the student's own, of others is nothing.

    `exercises`: names by the ids of the answers' cells; `locked`: the id of each other cell by its source. A cell is
    known by its id; a locked one else by its source, an answer by being the one cell that defines the name. Of several
    that claim to be one answer a stub never counts, equal ones are one, and the one with the id itself is meant: a
    pasted copy has a new id and nbgrader's old mark. What was mended is told in `notes`.
    """
    notes = [] if notes is None else notes
    cells = _joined(cells, exercises, notes)
    cells = _known_by_source(cells, {*exercises, *locked.values()}, locked)
    cells = _known_by_name(cells, exercises, notes)
    dropped = _dropped(cells, exercises)
    times = Counter(cell.identity for i, cell in enumerate(cells) if i not in dropped)
    originals = Counter(c.identity for i, c in enumerate(cells) if c.own == c.identity and i not in dropped)
    known = {*exercises, *locked.values()}
    for i, cell in enumerate(cells):
        if i in dropped:
            continue
        copied = cell.identity in known and times[cell.identity] > 1 and originals[cell.identity] == 1
        if copied and cell.own != cell.identity:
            if cell.identity in exercises:
                yield "", cell.source
            continue
        if not cell.is_code:
            notes.append(f"The cell of `{exercises.get(cell.identity, cell.identity)}` was no code cell any more.")
        yield cell.identity, cell.source


def _joined(cells: Sequence[FileCell], exercises: Mapping[str, str], notes: list[str]) -> list[FileCell]:
    """An answer that was split into two cells, neither of which is whole, is one again."""
    whole: list[FileCell] = []
    pieces, claims = 1, Counter()
    for cell in cells:
        before = whole[-1] if whole else None
        claims[cell.identity] += 1
        may_go_on = before is not None and before.identity in exercises and cell.identity not in exercises
        may_go_on = may_go_on and claims[before.identity] <= MOST_JOINED
        pieces = pieces if may_go_on else 1
        if may_go_on and pieces < MOST_PIECES:
            both = f"{before.source}\n{cell.source}"
            if not (_parses(before.source) and _parses(cell.source)) and _parses(both) and cell.source.strip():
                whole[-1] = before._replace(source=both)
                pieces += 1
                notes.append(f"The cell of `{exercises[before.identity]}` was split in two; it was read as one.")
                continue
        whole.append(cell)
    return whole


def _known_by_source(cells: Sequence[FileCell], known: Collection[str], locked: Mapping[str, str]) -> list[FileCell]:
    claimed = {cell.identity for cell in cells}

    def recognised(cell: FileCell) -> FileCell:
        source = cell.source.strip()
        if cell.identity in known or source not in locked or locked[source] in claimed:
            return cell
        return cell._replace(identity=locked[source], own=locked[source])

    return [recognised(cell) for cell in cells]


def _known_by_name(cells: Sequence[FileCell], exercises: Mapping[str, str], notes: list[str]) -> list[FileCell]:
    """For an exercise that no answer claims: the one cell that defines its name, if that is no other exercise's."""
    cells = list(cells)
    for identity, name in exercises.items():
        claims = [i for i, cell in enumerate(cells) if cell.identity == identity][:MOST_LOOKED_AT]
        if any(not is_stub(cells[i].source, name) for i in claims):
            continue
        hopeful = (i for i, cell in enumerate(cells) if cell.identity not in exercises and name in cell.source)
        named = [i for i in islice(hopeful, MOST_LOOKED_AT) if name in defined(cells[i].source)]
        answers = [i for i in named if not is_stub(cells[i].source, name)] or ([] if claims else named)
        if len({cells[i].source.strip() for i in answers}) == 1:
            cells[answers[0]] = cells[answers[0]]._replace(identity=identity, own=identity)
            notes.append(
                f"The cell of `{name}` had lost its id; it was known by the name that it defines."
                if not claims
                else f"`{name}` was answered in a cell of its own, beside the untouched one."
            )
    return cells


def _dropped(cells: Sequence[FileCell], exercises: Mapping[str, str]) -> set[int]:
    """Cells that claim an answer and don't count beside others: stubs, and those that say the same."""
    dropped: set[int] = set()
    for identity, name in exercises.items():
        claims = [i for i, cell in enumerate(cells) if cell.identity == identity]
        if len(claims) < 2:
            continue
        looked_at, others = claims[:MOST_LOOKED_AT], claims[MOST_LOOKED_AT:]
        answers = [i for i in looked_at if not is_stub(cells[i].source, name)] + others or claims[:1]
        seen: dict[str, int] = {}
        for i in sorted(answers, key=lambda i: cells[i].own != identity):
            seen.setdefault(cells[i].source.strip(), i)
        dropped |= set(claims) - set(seen.values())
    return dropped


def faults_of(exercises: Mapping[str, str], answers: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """(verdict, sentence) for each exercise without one clear answer; `exercises`: names by id, `answers`: by id.

    An answer may stand in another cell, one of the student's own or that of another exercise.
    """
    missing = [name for identity, name in exercises.items() if not answers.get(identity)]
    codes = [code for found in answers.values() for code in found if missing]
    everywhere = {name for code in codes[:MOST_LOOKED_AT] for name in defined(code)}
    faults = {}
    for identity, name in exercises.items():
        count = len(answers.get(identity, ()))
        if count == 0 and name not in everywhere:
            faults[name] = (MISSING, f"The cell of `{name}` is missing from the notebook.")
        elif count > 1:
            faults[name] = (
                DUPLICATE,
                f"{count} cells claim to be the answer of `{name}`, so none counts. Keep one of them.",
            )
    return faults


@lru_cache(maxsize=256)
def defined(code: str) -> frozenset[str]:
    """The names that a cell defines where everybody sees them: functions, classes, what is assigned."""
    return frozenset(_defined(code))


def _defined(code: str) -> set[str]:
    tree = parsed(code)
    if tree is None:
        return set(re.findall(r"^(?:(?:async )?def|class) +(\w+)", code, re.MULTILINE))
    found: set[str] = set()
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return found


def is_stub(code: str, name: str) -> bool:
    """Whether the cell's definition of the name is not begun: it raises NotImplementedError at once."""
    return _begun(code).get(name) is False


@lru_cache(maxsize=256)
def _begun(code: str) -> dict[str, bool]:
    """For each function and class of a cell whether it is begun."""
    tree = parsed(code)
    found: dict[str, bool] = {}
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.ClassDef):
            parts = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            found.setdefault(node.name, not any(_raises_at_once(part) for part in parts))
        elif isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, not _raises_at_once(node))
    return found


def _raises_at_once(function: ast.FunctionDef) -> bool:
    body = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    if not body or isinstance(body[0], ast.Pass):
        return True
    raised = body[0].exc if isinstance(body[0], ast.Raise) else None
    called = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(called, ast.Name) and called.id == "NotImplementedError"


@lru_cache(maxsize=256)
def _parses(code: str) -> bool:
    return parsed(code) is not None


def parsed(code: str) -> ast.Module | None:
    """The cell as Python, without the lines that only notebooks understand; None if it is none, or very long."""
    if len(code) > LONGEST_PARSED:
        return None
    plain = re.sub(r"^([ \t]*)[%!?].*$", r"\1pass", code, flags=re.MULTILINE)
    try:
        return parse(plain)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
