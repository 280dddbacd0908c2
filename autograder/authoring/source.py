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

from autograder.authoring.ending import PAGE, ending
from autograder.authoring.faults import Fault, FaultyFileError, fault_of, refuse
from lessonkit import syntax
from lessonkit.errors import CourseError, did_you_mean

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


KINDS = ("exercise", "check", "demo", "predict", "task")  # the marks that say what a cell is, and its name


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

    @property
    def for_reader(self) -> bool:
        """Whether the cell is run for a reader only: no answer or check needs it, and no grader runs it."""
        return self.kind in ("demo", "predict", PAGE)


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
        from lessonkit.checks.run import with_settings  # PyTorch: only what runs a lesson needs it

        namespace = {"__name__": f"lesson_{self.name}", "__builtins__": builtins}
        probes: dict[str, Callable] = {}
        for cell in self.cells:
            if not cell.is_code or cell.for_reader:
                continue
            if cell.kind == "check":
                before = namespace.get("check")
                namespace["check"] = lambda name, answer, probe, **settings: probes.__setitem__(
                    name, with_settings(probe, **settings)
                )
                self.run_cell(cell, namespace)
                namespace["check"] = before
            else:
                self.run_cell(cell, namespace)
        checks = {cell.marks["check"]: cell for cell in self.of_kind("check")}
        exercises = {}
        for cell in self.of_kind("exercise"):
            name = str(cell.marks["exercise"])
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
        """Run the code of one cell, silently; its lines keep their numbers in the source file.

        Raises:
            FaultyFileError: the code stops with an exception.
        """
        code = compile("\n" * (cell.line - 1) + cell.source, str(self.path), "exec")
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(code, namespace)
        except (Exception, SystemExit) as error:
            raise FaultyFileError([fault_of(error, self.path, cell.line)]) from error


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
    return _with_ending(parse(SOLUTIONS / f"{name}.py"))


def _with_ending(lesson: LessonSource) -> LessonSource:
    """The lesson with the cells that every lesson ends with; their line is that of the source's last cell."""
    following = next((name for name in lesson_names() if name > lesson.name), "")
    title = ""
    if following:
        text = (SOLUTIONS / f"{following}.py").read_text(encoding="utf-8")
        title = re.search(r"^# # (.*)", text, re.MULTILINE).group(1)
    cells = [Cell(*cell, lesson.cells[-1].line) for cell in ending(following, title)]
    return LessonSource(lesson.name, lesson.path, (*lesson.cells, *cells))


def parse(path: Path) -> LessonSource:
    """Read a lesson's source file.

    Raises:
        FaultyFileError: a mark is malformed, marks don't fit together, or Python can't read a cell; all that was found.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r"# %%", line)]
    unreadable = list(_unreadable(path, lines, starts))
    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except Exception as error:
        raise FaultyFileError(
            [*unreadable, Fault(path.name, 1, f"jupytext cannot read this file ({error}).")]
        ) from error
    if len(notebook.cells) != len(starts):
        raise FaultyFileError([*unreadable, Fault(path.name, 1, "a lesson begins with a cell, `# %% [markdown]`.")])
    cells, last, count, faults = [], "top", 0, unreadable
    for raw, start in zip(notebook.cells, starts, strict=True):
        # jupytext's own metadata, lines_to_next_cell and so on, are no marks
        marks = {k: v for k, v in raw.metadata.items() if not k.startswith("lines_to_")}
        kind = _kind(marks, raw.cell_type)
        faults += [
            Fault(path.name, start + 1, said) for said in _marks_faults(marks, raw.cell_type, kind, lines[start])
        ]
        own = marks.get("name") or marks.get(kind)
        if own:
            name = str(own) if kind in ("markdown", "plain") else f"{kind}-{own}"
            last, count = name, 0
        else:
            count += 1
            name = f"{last}-{count}"
        cells.append(Cell(kind, name, raw.source, start + 2, marks))
    lesson = LessonSource(path.stem, path, tuple(cells))
    refuse(faults or _misfits(lesson), lesson)
    return lesson


def _unreadable(path: Path, lines: list[str], starts: list[int]) -> Iterator[Fault]:
    """Code that is no Python, and lines of text without `# `, so that they would be code."""
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        if lines[start].startswith("# %% [markdown]"):
            naked = [i for i in range(start + 1, end) if lines[i].strip() and not lines[i].startswith("#")]
            yield from (Fault(path.name, i + 1, "a line of text begins with `# `.") for i in naked)
            continue
        try:
            syntax.parse("\n" * (start + 1) + "\n".join(lines[start + 1 : end]))
        except SyntaxError as error:
            error.filename = str(path)  # a tree is made of text, which has no name
            yield fault_of(error, path, start + 1)


def _kind(marks: dict, cell_type: str) -> str:
    kinds = [kind for kind in KINDS if kind in marks]
    return kinds[0] if kinds else "markdown" if cell_type == "markdown" else "plain"


def _marks_faults(marks: dict, cell_type: str, kind: str, text: str) -> Iterator[str]:
    """What is wrong with the marks of one cell."""
    if cell_type == "raw":
        yield "a lesson has Markdown and code cells only."
    kinds = [kind for kind in KINDS if kind in marks]
    if len(kinds) > 1:
        yield f"a cell has one kind, not {' and '.join(kinds)}."
        return
    if not re.fullmatch(r"# %%( \[markdown\])?(\s.*)?", text):
        yield f"malformed cell mark {text!r}."
    if "incorrectly_encoded_metadata" in marks:
        said = str(marks["incorrectly_encoded_metadata"])
        quoted = re.sub(r"(\w+)=([A-Za-z_][\w-]*)", r'\1="\2"', said)
        yield f"the marks `{said}` can't be read: words stand in quotes, as in `{quoted}`."
        return
    article = "an" if kind == "exercise" else "a"
    if (kind in ("task", "markdown")) != (cell_type == "markdown"):
        yield f"{article} {kind} cell must be {'Markdown' if kind == 'task' else 'code'}."
    must, may = _MARKS[kind]
    for mark in marks:
        if mark not in must | may:
            yield f"unknown mark {mark!r} on {article} {kind} cell." + did_you_mean(mark, sorted(must | may))
    for mark in sorted(must - marks.keys()):
        yield f'this {kind} cell lacks the mark {mark}="…".'
    for mark, kinds_of_value in (("points", (int, float)), ("minutes", (int,)), ("difficulty", (int,))):
        value = marks.get(mark, 1)
        if isinstance(value, str) and re.fullmatch(r"[\d.]+", value):
            yield f"a number stands without quotes: {mark}={value}."
        elif not (type(value) in kinds_of_value and value > 0):
            yield f"{mark} must be a number above 0, not {value!r}."
    if type(marks.get("difficulty")) is int and marks["difficulty"] > 5:
        yield f"difficulty goes from 1 to 5, not to {marks['difficulty']}."
    for mark in ("show", "varies"):
        if not isinstance(marks.get(mark, True), bool):
            yield f"{mark} is true or false, not {marks[mark]!r}."
    name = marks.get("name") or marks.get(kind)
    if name is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", str(name)):
        yield f"a name has letters, digits, - and _ only, at most 40: not {name!r}."


def _misfits(lesson: LessonSource) -> Iterator[Fault]:
    """Cells that don't fit together: each exercise has one task and one check, and each holds what its mark says."""

    def fault(cell: Cell, sentence: str) -> Fault:
        return Fault(lesson.path.name, cell.line - 1, sentence)

    cells: dict[str, dict[str, Cell]] = {kind: {} for kind in KINDS}
    names: set[str] = set()
    for cell in lesson.cells:
        if cell.kind in cells:
            name = str(cell.marks[cell.kind])
            if name in cells[cell.kind]:
                yield fault(cell, f"there is a second {cell.kind} cell named {name!r}.")
            cells[cell.kind][name] = cell
        elif cell.name in names:
            yield fault(cell, f"a second cell is named {cell.name!r}.")
        names.add(cell.name)
    for name, cell in cells["exercise"].items():
        for other in ("check", "task"):
            if name not in cells[other]:
                yield fault(cell, f"the exercise {name!r} has no {other} cell.")
        if cell.source.count(BEGIN) == 0 or cell.source.count(BEGIN) != cell.source.count(END):
            yield fault(cell, f"{name!r} needs `{BEGIN}` and `{END}` lines in pairs.")
        defined = [node.name for node in syntax.parse(cell.source).body if hasattr(node, "name")]
        if name not in defined:
            yield fault(cell, f"this cell must define {name!r}; it defines {' and '.join(defined) or 'nothing'}.")
    for other in ("check", "task"):
        for name, cell in cells[other].items():
            if name not in cells["exercise"]:
                yield fault(cell, f"there is no exercise {name!r} for this {other} cell.")
    for name, cell in cells["check"].items():
        if not re.search(rf"^check\(\s*[\"']{name}[\"'],\s*{name},\s*\w+", cell.source, re.MULTILINE):
            yield fault(cell, f'a check cell defines probe and ends with `check("{name}", {name}, probe)`.')
    for name, cell in cells["demo"].items():
        if f'with demonstration("{name}"):' not in cell.source:
            yield fault(cell, f'a demo cell holds `with demonstration("{name}"):`.')
    for name, cell in cells["predict"].items():
        if f'predict("{name}"' not in "".join(cell.source.split()):
            yield fault(cell, f'this predict cell holds `predict("{name}", …)`.')
    if not lesson.cells[0].source.startswith("# "):
        yield Fault(lesson.path.name, 1, "the first cell is Markdown and begins with the title, `# # …`.")
