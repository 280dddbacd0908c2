"""An author's loops: seconds from a change to notebooks in step and a proven lesson, and lines of code a lesson."""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.table import Table

from autograder.authoring import page_contract as page
from autograder.authoring.source import ROOT, Cell, LessonSource
from lessonkit.errors import CourseError

_PARTS = ("lessonkit", "autograder", "solutions", "lessons", "data", "README.md", "requirements.txt", "pyproject.toml")


def code_lines(lessons: list[LessonSource]) -> Table:
    """Lines of demonstrations, and of other code that is neither an exercise nor a model, for each lesson."""
    most = (page.DEMONSTRATION_LINES, page.OTHER_LINES)
    table = Table(title=f"lines of code that a reader passes (at most {most[0]} and {most[1]})")
    for column in ("lesson", "demonstrations", "other", "names imported", "folds", "open cells", "open lines"):
        table.add_column(column, justify="left" if column == "lesson" else "right")
    for lesson in lessons:
        found = page.counts(lesson)
        row = (found.demonstrations, found.other, found.names, found.folded, found.open, found.open_lines)
        table.add_row(lesson.name, *map(str, row))
    return table


def loop_times(lesson: LessonSource) -> Iterator[str]:
    """Seconds of `build` and `prove` after one sentence, one check, one demonstration of a lesson was changed.

    Everything happens in a copy of the tree. Each is told when it is measured; a demonstration may stand on trainings.

    Raises:
        CourseError: the lesson is out of step, or does not prove.
    """
    yield f"from a change to a proven lesson ({lesson.name}):"
    with tempfile.TemporaryDirectory(prefix="course-") as place:
        for part in _PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, Path(place) / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, place)
        source = Path(place) / "solutions" / f"{lesson.name}.py"
        before = source.read_text("utf-8")
        for what, change in _CHANGES.items():
            source.write_text(change(lesson, before), encoding="utf-8")
            used = _processor_seconds()
            building, said = _run(Path(place), "build", lesson.name)
            proving, _ = _run(Path(place), "prove", lesson.name)
            ran = re.search(r"\((.* run)\)", said)
            yield (
                f"  {what}: build {building:.1f} + prove {proving:.1f} = {building + proving:.1f} s, of the processor "
                f"{_processor_seconds() - used:.1f} s; {ran[1] if ran else 'nothing run'}"
            )


def _processor_seconds() -> float:
    """What the programs that were started have used: on a busy machine the clock says more than a loop costs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(root: Path, *words: str) -> tuple[float, str]:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "autograder", *words], cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise CourseError(f"`autograder {' '.join(words)}` fails: {(done.stdout or done.stderr).strip()}")
    return time.monotonic() - start, done.stdout


def _with_sentence(lesson: LessonSource, text: str) -> str:
    """One more sentence at the end of the second text."""
    return _after(text, [cell for cell in lesson.cells if cell.kind == "markdown"][1], "#\n# One more sentence.")


def _with_check(lesson: LessonSource, text: str) -> str:
    """One more point for the first check."""
    mark = text.splitlines()[next(lesson.of_kind("check")).line - 2]
    return text.replace(mark, re.sub(r"points=(\d+)", lambda found: f"points={int(found[1]) + 1}", mark), 1)


def _with_demonstration(lesson: LessonSource, text: str) -> str:
    """One more statement in the last demonstration."""
    return _after(text, list(lesson.of_kind("demo"))[-1], "    unused = 0")


def _after(text: str, cell: Cell, line: str) -> str:
    lines = text.splitlines()
    lines.insert(cell.line - 1 + len(cell.source.splitlines()), line)
    return "\n".join(lines) + "\n"


_CHANGES: dict[str, Callable[[LessonSource, str], str]] = {
    "a sentence": _with_sentence,
    "a check": _with_check,
    "a demonstration": _with_demonstration,
}
