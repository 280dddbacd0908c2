"""Fingerprints: of all that outputs depend on, and of all that marks depend on.

Where a fingerprint is the same as when something was made, it need not be made again.
"""

import ast
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from autograder.authoring.reach import Reach, code_of
from autograder.authoring.source import ROOT, LessonSource

# Packages whose version changes what comes out of a lesson. Others only show it.
_COMPUTE = ("torch", "numpy", "matplotlib", "sacrebleu", "scikit-learn")
_DATA_FILES = (".tsv", ".json", ".npz")
_GIVEN = ("plain", "exercise", "check")  # the cells that run while grading


def outputs(lesson: LessonSource) -> dict[str, str]:
    """What the outputs of cells depend on beside the cells themselves, in three parts, since they change apart.

    "library": what the lesson reaches in lessonkit, its data, the pinned packages. "checks": what check cells show:
    the answers, probes and points, the bank, lessonkit.checks. "results": the recorded experiments that it quotes.
    """
    library = _reached(lesson)
    return {
        "library": _digest([library.digest(without="lessonkit.checks"), *_pins(), *map(_content, _data_of(library))]),
        "checks": judging(lesson),
        "results": _digest(map(_content, _quoted(lesson))),
    }


def judging(lesson: LessonSource) -> str:
    """What the expected results and the verdicts of a check depend on: cells that run while grading, with their
    points; the bank; lessonkit and the data as far as they use them; the pinned packages."""
    cells = [cell for cell in lesson.cells if cell.kind in _GIVEN]
    reached = _reached(lesson, _GIVEN)
    for path in sorted((ROOT / "lessonkit" / "checks").glob("*.py")):
        reached.add_module(f"lessonkit.checks.{path.stem}")
    parts = [f"{cell.name} {cell.marks.get('points')} {code_of(cell.source)}" for cell in cells]
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


def content(path: Path) -> str:
    """A fingerprint of a file."""
    return _digest([_content(path)])


def _reached(lesson: LessonSource, kinds: Iterable[str] | None = None) -> Reach:
    reach = Reach(ROOT, "lessonkit")
    code = [cell.source for cell in lesson.cells if cell.is_code and (kinds is None or cell.kind in kinds)]
    reach.add_code(ast.parse("\n\n".join(code)))
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
