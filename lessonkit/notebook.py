"""Which cell of a notebook file is which answer, and what is amiss. The file itself is read by `notebook_file`.

The grader reads submissions with this, and `lesson.hand_in()` reads the learner's own file with it, so that what is
accepted here is graded there. Nothing here runs or trusts what the file holds.
"""

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

from lessonkit.notebook_file import FileCell
from lessonkit.syntax import parse

LONGEST_PARSED = 6_000  # characters of a cell that is parsed here: a lesson's longest has half of that
MOST_LOOKED_AT = 30  # cells that are searched for an answer that has lost its own
MOST_PIECES, MOST_JOINED = 3, 5  # of one answer; cells that claim to be one, and are looked at for being split
# Signs that look like others and that Python doesn't take: blanks and quotes of web pages and word processors.
_LOOK_ALIKE = {
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2009\u202f\u3000"), " "),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"), ""),
    **dict.fromkeys(map(ord, "\u2018\u2019"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d"), '"'),
    **{ord(wide): plain for wide, plain in zip("\uff08\uff09\uff0c\uff1a\uff1d", "(),:=", strict=True)},
}
_ODD = re.compile(f"[{''.join(map(chr, _LOOK_ALIKE))}\t]|^ *```", re.MULTILINE)
MISSING, DUPLICATE = "missing", "refused"


def cell_id(lesson: str, name: str) -> str:
    """The id of a cell in every notebook of a lesson: the lesson's number and the cell's name."""
    return f"{lesson[:2]}-{name}".replace("_", "-").lower()[:64]


def exercise_id(lesson: str, exercise: str) -> str:
    """The id of an exercise's cell."""
    return cell_id(lesson, f"exercise-{exercise}")


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
    cells = _readable(cells, {*locked.values()}, notes)
    no_code = [cell for cell in cells if not cell.is_code and cell.identity not in exercises]
    cells = [cell for cell in cells if cell.is_code or cell.identity in exercises]
    cells = _joined(cells, exercises, notes)
    cells = _known_by_source(cells, {*exercises, *locked.values()}, locked)
    cells = _known_by_name(cells, exercises, notes)
    cells += _answers_in_text(no_code, cells, exercises)
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


def _readable(cells: Sequence[FileCell], locked: Collection[str], notes: list[str]) -> list[FileCell]:
    """Cells that are no Python because of signs that look like others, tabs among blanks, or a fence, without these."""

    found = list(cells)
    odd = (i for i, cell in enumerate(cells) if cell.identity not in locked and _ODD.search(cell.source))
    for i in islice(odd, 2 * MOST_LOOKED_AT):
        if _parses(cells[i].source):
            continue
        plain = re.sub(r"^ *```.*$", "", cells[i].source.translate(_LOOK_ALIKE), flags=re.MULTILINE)
        plain = plain if _parses(plain) else plain.expandtabs(4)
        if _parses(plain):
            notes.append(
                "A cell held signs that Python doesn't know, such as blanks of a web page; they were replaced."
            )
            found[i] = cells[i]._replace(source=plain)
    return found


def _answers_in_text(
    no_code: Sequence[FileCell], cells: Sequence[FileCell], exercises: Mapping[str, str]
) -> list[FileCell]:
    """For each exercise that no code cell defines or claims, the one Markdown or raw cell that does."""
    found = []
    claimed = {cell.identity for cell in cells} if no_code else set()
    for identity, name in exercises.items() if no_code else ():
        named = (cell for cell in cells if name in cell.source)
        if identity in claimed or any(name in defined(cell.source) for cell in islice(named, MOST_LOOKED_AT)):
            continue
        hopeful = (cell for cell in no_code if name in cell.source)
        parsed_ones = (cell for cell in islice(hopeful, MOST_LOOKED_AT) if _parses(cell.source))
        answers = [cell for cell in parsed_ones if name in defined(cell.source)]
        if len({cell.source.strip() for cell in answers}) == 1:
            found.append(answers[0]._replace(identity=identity, own=identity))
    return found


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
