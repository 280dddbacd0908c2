"""The grader's benchmark: the same class with stock nbgrader and with the sealed grader, block by block in turn."""

import contextlib
import itertools
import logging
import os
import shutil
import statistics
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from rich.table import Table
from traitlets.config import Config

from autograder.authoring import generate
from autograder.authoring.notebook import DEMONSTRATION, cell_id, write
from autograder.authoring.source import LessonSource
from autograder.bench import hostile, invented_class
from autograder.grading.run import GradingRun, Settings
from autograder.grading.submissions import Submission, collect
from autograder.machine import processors

# An endless loop costs its time limit, whoever grades: it would measure the limit.
LEFT_OUT = ("june-endless-function", "kofi-endless-cell")
BLOCK = 10  # students whom one grader grades before it is the other's turn


@dataclass(frozen=True)
class Timed:
    """What the sealed grader took with so many workers. `phases`: where the time of one submission goes, in seconds."""

    workers: int
    start: float
    seconds: tuple[float, ...]  # a student, by blocks
    phases: dict[str, float]
    marks: dict[tuple[str, str], float]
    peak_memory: int  # of one job, bytes beyond the warm interpreter


@dataclass(frozen=True)
class Comparison:
    """Seconds a student of all graders, start-up apart, and marks that are not equal, in words."""

    stock: tuple[float, ...]
    stock_start: float
    sealed: tuple[Timed, ...]
    unequal_marks: tuple[str, ...]
    grader_memory: int  # of the grader's process at the end, bytes

    def ratio(self, timed: Timed) -> float:
        """How many times the sealed grader's throughput is stock nbgrader's."""
        return statistics.mean(self.stock) / statistics.mean(timed.seconds)


class _Sealed:
    """A sealed grader that is timed block by block."""

    def __init__(self, run: GradingRun, workers: int, start: float):
        self._run, self._workers, self._start = run, workers, start
        self._seconds: list[float] = []
        self._phases: dict[str, list[float]] = defaultdict(list)
        self._marks: dict[tuple[str, str], float] = {}
        self._peak = 0

    def take(self, block: list[Submission]) -> None:
        start = time.perf_counter()
        for graded in self._run.results(block):
            for phase, seconds in graded.seconds.items():
                self._phases[phase].append(seconds)
            self._marks |= {(graded.student, name): verdict.points for name, verdict in graded.verdicts.items()}
            self._peak = max(self._peak, graded.peak_memory)
        self._seconds += [(time.perf_counter() - start) / len(block)] * len(block)

    def timed(self) -> Timed:
        phases = {phase: statistics.mean(found) for phase, found in self._phases.items() if phase != "whole"}
        return Timed(self._workers, self._start, tuple(self._seconds), phases, self._marks, self._peak)


@contextlib.contextmanager
def _sealed(lesson: LessonSource, out: Path, workers: int) -> Iterator[_Sealed]:
    start = time.perf_counter()
    with GradingRun.of(lesson, Settings(out, workers=workers)) as run:
        run.warm_up()
        yield _Sealed(run, workers, time.perf_counter() - start)


def compare(lesson: LessonSource, students: int, with_demonstrations: bool, folder: Path, attackers: int) -> Comparison:
    """Grade each block of students with stock nbgrader, then with one worker, then with a worker a processor."""
    course = folder / "stock"
    make_class(course / "submitted", lesson, students, with_demonstrations, attackers)
    start = time.perf_counter()
    api = _stock(course, lesson, with_demonstrations)
    stock_start, stock = time.perf_counter() - start, []
    submissions = collect(course / "submitted", lesson.name).submissions
    with contextlib.ExitStack() as stack:
        numbers = sorted({1, processors()})
        sealed = [stack.enter_context(_sealed(lesson, folder / f"sealed-{n}", n)) for n in numbers]
        for at in range(0, len(submissions), BLOCK):
            block = list(submissions[at : at + BLOCK])
            for submission in block:
                start = time.perf_counter()
                _autograde(api, lesson, submission)
                stock.append(time.perf_counter() - start)
            for grader in sealed:
                grader.take(block)
        timed = tuple(grader.timed() for grader in sealed)
    given = _stock_points(api, lesson)
    unequal = [
        f"{student}, {exercise}: stock nbgrader gives {given.get((student, exercise))}, the sealed grader {value}"
        for (student, exercise), value in timed[0].marks.items()
        if given.get((student, exercise)) != value
    ]
    unequal += [f"{key}: other marks with {t.workers} workers" for t in timed for key in t.marks
                if t.marks[key] != timed[0].marks[key]]  # fmt: skip
    return Comparison(tuple(stock), stock_start, timed, tuple(unequal), resident())


def make_class(folder: Path, lesson: LessonSource, students: int, whole: bool, attackers: int = 0) -> None:
    """Write the submissions of so many students: those of the demonstration class again and again, and attackers.

    `whole`: with demonstrations.
    """
    kinds = [name for name in invented_class.STUDENTS if name not in LEFT_OUT]
    invented_class.make_class(folder / "kinds", [lesson.name], kinds)
    for i in range(students - attackers):
        kind = kinds[i % len(kinds)]
        notebook = nbformat.read(folder / "kinds" / kind / lesson.name / f"{lesson.name}.ipynb", as_version=4)
        _hand_in(folder, notebook, f"{i:04}-{kind}", lesson, whole)
    shutil.rmtree(folder / "kinds")
    for i, (name, harm) in enumerate(hostile_class(attackers).items()):
        desk = invented_class.Desk(lesson)
        desk.solve(*desk.names)
        harm(desk)
        _hand_in(folder, desk.notebook, f"{10 * i + 5:04}-{name}", lesson, whole)


def _hand_in(folder: Path, notebook: nbformat.NotebookNode, name: str, lesson: LessonSource, whole: bool) -> None:
    if not whole:
        notebook.cells = [c for c in notebook.cells if DEMONSTRATION not in c.metadata.get("tags", [])]
    target = folder / name / lesson.name / f"{lesson.name}.ipynb"
    target.parent.mkdir(parents=True)
    target.write_text(write(notebook), encoding="utf-8")


def hostile_class(attackers: int) -> dict[str, invented_class.Hostile]:
    """So many students who mean harm, in turn of every kind."""
    kinds = itertools.islice(itertools.cycle(hostile.KINDS.items()), attackers)
    return {f"{name}-{i:03}": harm for i, (name, harm) in enumerate(kinds)}


def _stock(course: Path, lesson: LessonSource, with_demonstrations: bool) -> NbGraderAPI:
    """nbgrader with its own settings; only demonstrations, where there are any, are skipped as in a real course."""
    config = Config()
    config.CourseDirectory.root = str(course.resolve())
    config.CourseDirectory.db_url = f"sqlite:///{(course / 'gradebook.db').resolve()}"
    config.Exchange.root = str(course)
    config.Execute.timeout = 60
    if with_demonstrations:
        config.Execute.skip_cells_with_tag = DEMONSTRATION
    generate.generate(lesson, config.CourseDirectory.db_url)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for logger in (api.log, logging.getLogger("nbgrader"), logging.getLogger("traitlets")):
        logger.setLevel(logging.CRITICAL)
    return api


def _autograde(api: NbGraderAPI, lesson: LessonSource, submission: Submission) -> None:
    with warnings.catch_warnings(), _silence():
        warnings.simplefilter("ignore")
        api.autograde(lesson.name, submission.student, force=True, create=True)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing is printed inside the block, by kernels that are started in it neither."""
    with open(os.devnull, "w") as null, contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
        kept = [(number, os.dup(number)) for number in (1, 2)]
        try:
            for number, _ in kept:
                os.dup2(null.fileno(), number)
            yield
        finally:
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)


def _stock_points(api: NbGraderAPI, lesson: LessonSource) -> dict[tuple[str, str], float]:
    names = {cell_id(lesson.name, e.check): e.name for e in lesson.exercises().values()}
    with api.gradebook as gradebook:
        return {
            (submission.student.id, names[grade.name]): grade.score
            for submission in gradebook.assignment_submissions(lesson.name)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def resident() -> int:
    """Bytes of memory that this process holds."""
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def tables(lesson: LessonSource, students: int, attackers: int = 0) -> Iterator[Table | str]:
    """All of it, as tables and lines; the last line is the ratio with one worker."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        apart = compare(lesson, students, False, folder / "apart", attackers)
        in_use = compare(lesson, students, True, folder / "in-use", attackers)
    yield _comparison_table(lesson, apart, in_use, attackers)
    yield _phases_table(apart.sealed[0])
    yield from apart.unequal_marks if not attackers else ()
    if not attackers:
        marks = len(apart.sealed[0].marks)
        yield f"marks equal to stock nbgrader's: {marks - len(apart.unequal_marks)} of {marks}"
    most = apart.sealed[-1]
    yield f"ratio with demonstrations in the notebooks, skipped by both: {in_use.ratio(in_use.sealed[0]):.1f}"
    yield f"ratio with the default, {most.workers} workers: {apart.ratio(most):.1f}"
    yield f"ratio: {apart.ratio(apart.sealed[0]):.1f}"


def _comparison_table(lesson: LessonSource, apart: Comparison, in_use: Comparison, attackers: int) -> Table:
    mixed = f", {attackers} of them attackers" if attackers else ""
    table = Table(title=f"{lesson.name}, {len(apart.stock)} students{mixed}, by blocks of {BLOCK} in turn")
    names = [f"sealed, {t.workers} worker{'s' * (t.workers > 1)}" for t in apart.sealed]
    for column in ("", "stock nbgrader", *names):
        table.add_column(column, justify="right" if column else "left")
    for name, run in (("without demonstrations", apart), ("with demonstrations", in_use)):
        sealed = [f"{statistics.mean(t.seconds):.3f}" for t in run.sealed]
        table.add_row(f"seconds a student, {name}", f"{statistics.mean(run.stock):.2f}", *sealed)
        table.add_row("   median", f"{statistics.median(run.stock):.2f}")
    table.add_row("seconds to start, once", f"{apart.stock_start:.1f}", *(f"{t.start:.1f}" for t in apart.sealed))
    table.add_row("memory of one job at most, MiB", "", *(f"{t.peak_memory >> 20}" for t in apart.sealed))
    table.add_row("memory of the grader's process, MiB", "", f"{apart.grader_memory >> 20}")
    return table


def _phases_table(run: Timed) -> Table:
    table = Table(title="where the time of one submission goes, one worker (mean milliseconds; phases overlap)")
    table.add_column("phase")
    table.add_column("ms", justify="right")
    words = {
        "start": "fork, namespaces, limits",
        "cells": "the notebook's cells",
        "probes": "probes on secret seeds",
        "end": "end of the job's processes",
        "judge": "judgement",
    }
    for phase, seconds in run.phases.items():
        table.add_row(words.get(phase, phase), f"{1000 * seconds:.0f}")
    table.add_section()
    table.add_row("all, one after the other", f"{1000 * sum(run.phases.values()):.0f}")
    table.add_row("a student, beside each other", f"{1000 * statistics.mean(run.seconds):.0f}")
    return table
