"""Fingerprints: of all that outputs depend on, cell by cell, and of all that marks depend on.

Where a fingerprint is the same as when something was made, it need not be made again.
"""

import ast
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from autograder.authoring import dependence
from autograder.authoring.ending import PAGE
from autograder.authoring.reach import Reach, code_of
from autograder.authoring.source import ROOT, LessonSource
from lessonkit.syntax import parse

# Packages whose version changes what comes out of a lesson. Others only show it.
_COMPUTE = ("torch", "numpy", "matplotlib", "sacrebleu", "scikit-learn")
_DATA_FILES = (".tsv", ".json", ".npz")
_GIVEN = ("plain", "exercise", "check")  # the cells that run while grading


def checks(lesson: LessonSource) -> str:
    """What the check cells show, and the cells at the end that count points."""
    ends = [f"{cell.name} {code_of(cell.source)}" for cell in lesson.of_kind(PAGE)]
    return _digest([judging(lesson), *ends, _reached(lesson, (*_GIVEN, PAGE)).digest(without="lessonkit.checks")])


def cells(lesson: LessonSource) -> dict[int, str]:
    """What the output of each other code cell depends on, by the cell's number: its code and that behind it, what all
    this reaches in lessonkit (checks apart), its data, recorded results if it reads some, and the pinned packages."""
    units, pins, quoted = dependence.units_of(lesson), _pins(), [*map(_content, _quoted(lesson))]
    contents: dict[Path, str] = {}
    found = {}
    for number, cell in enumerate(lesson.cells):
        if not cell.is_code or cell.kind in ("check", PAGE) or only_defines(cell.source):
            continue
        code = [*(unit.code for unit in dependence.behind(number, cell.source, units)), code_of(cell.source)]
        reach = Reach(ROOT, "lessonkit")
        reach.add_code("\n".join(code))
        for path in (data := _data_of(reach)):
            contents.setdefault(path, _content(path))
        parts = [*code, reach.digest(without="lessonkit.checks"), *pins, *(contents[path] for path in data)]
        found[number] = _digest(parts + quoted * bool(reach.mentioned & {"RESULTS"}))[:12]
    return found


def judging(lesson: LessonSource) -> str:
    """What the expected results and the verdicts of a check depend on: cells that run while grading, with their
    points; the bank; lessonkit and the data as far as they use them; the pinned packages."""
    reached = _reached(lesson, _GIVEN)
    for path in sorted((ROOT / "lessonkit" / "checks").glob("*.py")):
        reached.add_module(f"lessonkit.checks.{path.stem}")
    parts = [
        f"{cell.name} {cell.marks.get('points')} {code_of(cell.source)}" for cell in lesson.cells if cell.kind in _GIVEN
    ]
    bank = ROOT / "autograder" / "banks" / f"{lesson.name}.py"
    return _digest([*parts, reached.digest(), *_pins(), *map(_content, [*_data_of(reached), bank])])


def marks(lesson: LessonSource) -> str:
    """What the marks of a submission depend on beside its bytes: all that a verdict depends on, and the grader.

    The grader is whatever grading/sealed.py reaches, and the whole sandbox, whose programs are started.
    """
    grader = Reach(ROOT, "autograder", "lessonkit")
    grader.add_module("autograder.grading.sealed")
    for path in sorted((ROOT / "autograder" / "sandbox").glob("*.py")):
        grader.add_module(f"autograder.sandbox.{path.stem}")
    return _digest([judging(lesson), grader.digest()])


def only_defines(source: str) -> bool:
    """Whether code shows nothing whatever happens: functions, classes, imports."""
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    return all(isinstance(node, kinds) for node in parse(source).body)


def content(path: Path) -> str:
    """A fingerprint of a file."""
    return _digest([_content(path)])


def _reached(lesson: LessonSource, kinds: Iterable[str]) -> Reach:
    reach = Reach(ROOT, "lessonkit")
    code = [cell.source for cell in lesson.cells if cell.kind in kinds]
    reach.add_code("\n\n".join(code))
    return reach


def _data_of(reach: Reach) -> list[Path]:
    """The data files behind what is reached: lessonkit/data/X.py loads data/X."""
    names = sorted(module.rpartition(".")[2] for module in reach.modules if module.startswith("lessonkit.data."))
    return [path for name in names for path in sorted((ROOT / "data" / name).glob("*")) if path.suffix in _DATA_FILES]


def _quoted(lesson: LessonSource) -> list[Path]:
    """The recorded results that a lesson quotes: its own, other lessons', and files that it names."""
    text = lesson.path.read_text("utf-8")
    numbers = {lesson.name[:2], *re.findall(r'Lesson\(\s*"(\d\d)_', text)}
    names = {*(f"{number}.json" for number in numbers), *re.findall(r'"(\w+\.json)"', text)}
    return [ROOT / "data" / "results" / name for name in sorted(names)]


def _pins() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line.split("==")[0] in _COMPUTE]


def _content(path: Path) -> str:
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "nothing"
    return f"{path.relative_to(ROOT).as_posix()} {found}"


def _digest(parts: Iterable[str]) -> str:
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.encode() + b"\0")
    return sha.hexdigest()[:32]
