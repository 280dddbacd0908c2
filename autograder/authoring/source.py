"""A lesson's source file: its cells, their marks, and the code in them."""

import builtins
import contextlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import jupytext

from lessonkit.errors import CourseError
from lessonkit.lesson import did_you_mean

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = ROOT / "solutions"

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
_MARKS = {  # kind -> the marks it must have, and those it may have
    "exercise": ({"exercise", "minutes", "difficulty"}, set()),
    "check": ({"check", "points"}, set()),
    "demo": ({"demo"}, {"varies", "show"}),
    "predict": ({"predict"}, set()),
    "task": ({"task"}, set()),
    "markdown": (set(), {"name"}),
    "plain": (set(), {"name", "show"}),
}


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson's source.

    `kind` is a key of the table of marks; `name` is what its id is made from; `line` is its first line of code.
    """

    kind: str
    name: str
    source: str
    line: int
    marks: dict[str, object] = field(default_factory=dict)

    @property
    def is_code(self) -> bool:
        """Whether the cell is run."""
        return self.kind not in ("task", "markdown")


@dataclass(frozen=True)
class Exercise:
    """An exercise as the bank and the judge use it: the reference answer, and the probe that calls it."""

    name: str
    points: float
    minutes: int
    difficulty: int
    reference: object
    probe: Callable
    cell: Cell
    check: Cell


@dataclass(frozen=True)
class LessonSource:
    """A parsed lesson. Nothing of it has been run."""

    name: str
    path: Path
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        """The heading of the first cell."""
        return self.cells[0].source.splitlines()[0].lstrip("# ").strip()

    def of_kind(self, kind: str) -> Iterator[Cell]:
        """The cells of one kind, in order."""
        return (cell for cell in self.cells if cell.kind == kind)

    def namespace(self) -> dict:
        """Run the plain and exercise cells, with the reference answers, and return what they define."""
        return self._run[0]

    def exercises(self) -> dict[str, Exercise]:
        """Every exercise, with its reference answer and its probe."""
        return self._run[1]

    @cached_property
    def _run(self) -> tuple[dict, dict[str, Exercise]]:
        namespace = {"__name__": f"lesson_{self.name}", "__builtins__": builtins}
        probes: dict[str, Callable] = {}
        for cell in self.cells:
            if not cell.is_code or cell.kind in ("demo", "predict"):
                continue
            if cell.kind == "check":
                before = namespace.get("check")
                namespace["check"] = lambda name, answer, probe: probes.__setitem__(name, probe)
                self.run_cell(cell, namespace)
                namespace["check"] = before
            else:
                self.run_cell(cell, namespace)
        checks = {cell.marks["check"]: cell for cell in self.of_kind("check")}
        exercises = {}
        for cell in self.of_kind("exercise"):
            name = str(cell.marks["exercise"])
            for needed, where, what in ((name, namespace, cell), (name, probes, checks[name])):
                if needed not in where:
                    raise CourseError(
                        f"{self.path.name}, line {what.line}: this cell does not define or check {name!r}."
                    )
            exercises[name] = Exercise(
                name=name,
                points=float(checks[name].marks["points"]),
                minutes=int(cell.marks["minutes"]),
                difficulty=int(cell.marks["difficulty"]),
                reference=namespace[name],
                probe=probes[name],
                cell=cell,
                check=checks[name],
            )
        return namespace, exercises

    def run_cell(self, cell: Cell, namespace: dict) -> None:
        """Run the code of one cell, silently; its lines keep their numbers in the source file."""
        code = compile("\n" * (cell.line - 1) + cell.source, str(self.path), "exec")
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, namespace)


def lesson_names() -> list[str]:
    """The names of all lessons that have a source, in order."""
    return sorted(path.stem for path in SOLUTIONS.glob("[0-9][0-9]_*.py"))


def find_lesson(word: str) -> str:
    """The full name of a lesson from its name or its number.

    Raises:
        CourseError: there is no such lesson; names the nearest.
    """
    names = lesson_names()
    matching = [name for name in names if name == word or name[:2] == word.zfill(2)]
    if not matching:
        raise CourseError(f"There is no lesson {word!r}." + did_you_mean(word, names))
    return matching[0]


@lru_cache(maxsize=32)
def load(word: str) -> LessonSource:
    """Read and parse a lesson by name or number."""
    name = find_lesson(word)
    return parse(SOLUTIONS / f"{name}.py")


def parse(path: Path) -> LessonSource:
    """Read a lesson's source file.

    Raises:
        CourseError: a mark is malformed, or marks don't fit together; names the file and the line.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r"# %%", line)]
    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except Exception as error:
        raise CourseError(f"{path.name}: jupytext cannot read this file ({error}).") from error
    if len(notebook.cells) != len(starts):
        raise CourseError(f"{path.name}, line 1: a lesson begins with a cell, `# %% [markdown]`.")
    cells, last, count = [], "top", 0
    for raw, start in zip(notebook.cells, starts, strict=True):
        # jupytext's own metadata, lines_to_next_cell and so on, are no marks
        marks = {k: v for k, v in raw.metadata.items() if not k.startswith("lines_to_")}
        kind = _kind(marks, raw.cell_type, path, start + 1, lines[start])
        own = marks.get("name") or marks.get(kind)
        if own:
            name = str(own) if kind in ("markdown", "plain") else f"{kind}-{own}"
            last, count = name, 0
        else:
            count += 1
            name = f"{last}-{count}"
        cells.append(Cell(kind, name, raw.source, start + 2, marks))
    lesson = LessonSource(path.stem, path, tuple(cells))
    _fits_together(lesson)
    return lesson


def _kind(marks: dict, cell_type: str, path: Path, line: int, text: str) -> str:
    here = f"{path.name}, line {line}"
    if cell_type == "raw":
        raise CourseError(f"{here}: a lesson has Markdown and code cells only.")
    kinds = [kind for kind in ("exercise", "check", "demo", "predict", "task") if kind in marks]
    if len(kinds) > 1:
        raise CourseError(f"{here}: a cell has one kind, not {' and '.join(kinds)}.")
    kind = kinds[0] if kinds else "markdown" if cell_type == "markdown" else "plain"
    if (kind in ("task", "markdown")) != (cell_type == "markdown"):
        raise CourseError(f"{here}: a {kind} cell must be {'Markdown' if kind == 'task' else 'code'}.")
    must, may = _MARKS[kind]
    for mark in marks:
        if mark not in must | may:
            raise CourseError(f"{here}: unknown mark {mark!r} on a {kind} cell." + did_you_mean(mark, must | may))
    for mark in must - marks.keys():
        raise CourseError(f'{here}: this {kind} cell lacks the mark {mark}="…".')
    for mark, kinds_of_value in (("points", (int, float)), ("minutes", (int,)), ("difficulty", (int,))):
        if mark in marks and not (type(marks[mark]) in kinds_of_value and marks[mark] > 0):
            raise CourseError(f"{here}: {mark} must be a number above 0, not {marks[mark]!r}.")
    if not isinstance(marks.get("show", True), bool):
        raise CourseError(f"{here}: show is true or false, not {marks['show']!r}.")
    name = marks.get("name") or marks.get(kind)
    if name is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", str(name)):
        raise CourseError(f"{here}: a name has letters, digits, - and _ only, at most 40: not {name!r}.")
    if not re.fullmatch(r"# %%( \[markdown\])?(\s.*)?", text):
        raise CourseError(f"{here}: malformed cell mark {text!r}.")
    return kind


def _fits_together(lesson: LessonSource) -> None:
    path = lesson.path.name
    cells: dict[str, dict[str, Cell]] = {kind: {} for kind in ("exercise", "check", "task", "demo", "predict")}
    for cell in lesson.cells:
        if cell.kind in cells:
            name = str(cell.marks[cell.kind])
            if name in cells[cell.kind]:
                raise CourseError(f"{path}, line {cell.line - 1}: there is a second {cell.kind} cell named {name!r}.")
            cells[cell.kind][name] = cell
    for name, cell in cells["exercise"].items():
        for other in ("check", "task"):
            if name not in cells[other]:
                raise CourseError(f"{path}, line {cell.line - 1}: the exercise {name!r} has no {other} cell.")
        if cell.source.count(BEGIN) == 0 or cell.source.count(BEGIN) != cell.source.count(END):
            raise CourseError(f"{path}, line {cell.line - 1}: {name!r} needs `{BEGIN}` and `{END}` lines in pairs.")
    for other in ("check", "task"):
        for name, cell in cells[other].items():
            if name not in cells["exercise"]:
                raise CourseError(f"{path}, line {cell.line - 1}: there is no exercise {name!r} for this {other} cell.")
    for name, cell in cells["demo"].items():
        if f'with demonstration("{name}"):' not in cell.source:
            raise CourseError(f'{path}, line {cell.line - 1}: a demo cell holds `with demonstration("{name}"):`.')
    for name, cell in cells["predict"].items():
        if f'predict("{name}"' not in "".join(cell.source.split()):
            raise CourseError(f'{path}, line {cell.line - 1}: this predict cell holds `predict("{name}", ...)`.')
    names = [cell.name for cell in lesson.cells]
    for cell in lesson.cells:
        if names.count(cell.name) > 1:
            raise CourseError(f"{path}, line {cell.line - 1}: a second cell is named {cell.name!r}.")
    if not lesson.cells[0].source.startswith("# "):
        raise CourseError(f"{path}, line 1: the first cell is Markdown and begins with the title, `# # …`.")
