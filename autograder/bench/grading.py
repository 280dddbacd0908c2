"""The grader's benchmark: the same class, student by student in turn with stock nbgrader and with the sealed grader."""

import logging
import os
import shutil
import statistics
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from rich.table import Table
from traitlets.config import Config

from autograder.authoring.generate import generate
from autograder.authoring.notebook import DEMONSTRATION, cell_id, write
from autograder.authoring.source import LessonSource
from autograder.bench import invented_class
from autograder.grading.report import write_report
from autograder.grading.run import Run, Settings
from autograder.grading.submissions import Submission, find_submissions

# An endless loop costs its time limit, whoever grades: it would measure the limit.
LEFT_OUT = ("june-endless-function", "kofi-endless-cell")
WORKERS = (1, 2, 4)
PLANNED = 50_000  # submissions


@dataclass(frozen=True)
class Comparison:
    """Seconds a student and points of both graders, start-up apart. `phases`: where the sealed grader's time goes."""

    stock: tuple[float, ...]
    sealed: tuple[float, ...]
    stock_start: float
    sealed_start: float
    phases: dict[str, float]
    marks: int
    unequal_marks: tuple[str, ...]  # in words
    peak_memory: int  # of one job, bytes beyond the warm interpreter
    grader_memory: int  # of the grader's process at the end, bytes

    @property
    def ratio(self) -> float:
        """How many times the sealed grader's throughput is stock nbgrader's."""
        return statistics.mean(self.stock) / statistics.mean(self.sealed)


def compare(lesson: LessonSource, students: int, with_demonstrations: bool, folder: Path) -> Comparison:
    """Grade each student with stock nbgrader, then with the sealed grader, then the next one."""
    course, out = folder / "stock", folder / "sealed"
    make_class(course / "submitted", lesson, students, with_demonstrations)
    start = time.perf_counter()
    api = _stock(course, lesson, with_demonstrations)
    stock_start = time.perf_counter() - start
    stock, sealed, phases, points, peak = [], [], defaultdict(list), {}, 0
    start = time.perf_counter()
    with Run.of(lesson, Settings(out)) as run:
        sealed_start = time.perf_counter() - start
        for submission in find_submissions(course / "submitted", lesson.name):
            start = time.perf_counter()
            _autograde(api, lesson, submission)
            stock.append(time.perf_counter() - start)
            start = time.perf_counter()
            (graded,) = run.grade([submission])
            sealed.append(time.perf_counter() - start)
            for phase, seconds in graded.seconds.items():
                phases[phase].append(seconds)
            phases["gradebook and notebook"].append(sealed[-1] - graded.seconds["whole"])
            points |= {(graded.student, name): verdict.points for name, verdict in graded.verdicts.items()}
            peak = max(peak, graded.peak_memory)
    del phases["whole"]
    given = _stock_points(api, lesson)
    unequal = tuple(
        f"{student}, {exercise}: stock nbgrader gives {given.get((student, exercise))}, the sealed grader {value}"
        for (student, exercise), value in points.items()
        if given.get((student, exercise)) != value
    )
    means = {phase: statistics.mean(seconds) for phase, seconds in phases.items()}
    return Comparison(
        tuple(stock), tuple(sealed), stock_start, sealed_start, means, len(points), unequal, peak, _resident()
    )


def scaling(lesson: LessonSource, students: int, folder: Path) -> Iterator[tuple[int, float]]:
    """Seconds a student at 1, 2 and 4 workers, without the time that they take to start."""
    make_class(folder / "submitted", lesson, students, with_demonstrations=False)
    submissions = find_submissions(folder / "submitted", lesson.name)
    for workers in WORKERS:
        with Run.of(lesson, Settings(folder / f"out-{workers}", workers=workers)) as run:
            warm_up = [Submission(f"warm-up-{i}", "", submissions[0].content) for i in range(2 * workers)]
            list(run.grade(warm_up))
            start = time.perf_counter()
            list(run.grade(submissions))
            yield workers, (time.perf_counter() - start) / len(submissions)


def make_class(folder: Path, lesson: LessonSource, students: int, with_demonstrations: bool) -> None:
    """Write the submissions of so many students: those of the demonstration class, again and again."""
    kinds = [name for name in invented_class.STUDENTS if name not in LEFT_OUT]
    invented_class.make_class(folder / "kinds", [lesson.name], kinds)
    for i in range(students):
        path = folder / "kinds" / kinds[i % len(kinds)] / lesson.name / f"{lesson.name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        if not with_demonstrations:
            notebook.cells = [c for c in notebook.cells if DEMONSTRATION not in c.metadata.get("tags", [])]
        target = folder / f"{i:04}-{kinds[i % len(kinds)]}" / lesson.name / f"{lesson.name}.ipynb"
        target.parent.mkdir(parents=True)
        target.write_text(write(notebook), encoding="utf-8")
    shutil.rmtree(folder / "kinds")


def _stock(course: Path, lesson: LessonSource, with_demonstrations: bool) -> NbGraderAPI:
    """nbgrader with its own settings; only demonstrations, where there are any, are skipped as in a real course."""
    config = Config()
    config.CourseDirectory.root = str(course.resolve())
    config.CourseDirectory.db_url = f"sqlite:///{(course / 'gradebook.db').resolve()}"
    config.Exchange.root = str(course)
    config.Execute.timeout = 60
    if with_demonstrations:
        config.Execute.skip_cells_with_tag = DEMONSTRATION
    generate(lesson, config.CourseDirectory.db_url)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for logger in (api.log, logging.getLogger("nbgrader")):
        logger.setLevel(logging.CRITICAL)
    return api


def _autograde(api: NbGraderAPI, lesson: LessonSource, submission: Submission) -> None:
    with warnings.catch_warnings(), open(os.devnull, "w") as null, redirect_stdout(null), redirect_stderr(null):
        warnings.simplefilter("ignore")
        api.autograde(lesson.name, submission.student, force=True, create=True)


def _stock_points(api: NbGraderAPI, lesson: LessonSource) -> dict[tuple[str, str], float]:
    names = {cell_id(lesson.name, e.check): e.name for e in lesson.exercises().values()}
    with api.gradebook as gradebook:
        return {
            (submission.student.id, names[grade.name]): grade.score
            for submission in gradebook.assignment_submissions(lesson.name)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def _resident() -> int:
    with open("/proc/self/status") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def tables(lesson: LessonSource, students: int) -> Iterator[Table | str]:
    """All of it, as tables and lines; the last line is the ratio."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        apart = compare(lesson, students, False, folder / "apart")
        in_use = compare(lesson, students, True, folder / "in-use")
        yield _comparison_table(lesson, apart, in_use)
        yield _phases_table(apart)
        table = Table(title=f"sealed grader by workers on this machine ({os.cpu_count()} processors)")
        for column in ("workers", "seconds a student", "times one worker"):
            table.add_column(column, justify="right")
        alone = None
        for workers, seconds in scaling(lesson, max(students, 2 * max(WORKERS)), folder / "scaling"):
            alone = alone or seconds
            table.add_row(str(workers), f"{seconds:.3f}", f"{alone / seconds:.2f}")
        yield table
    yield from apart.unequal_marks
    yield f"marks equal to stock nbgrader's: {apart.marks - len(apart.unequal_marks)} of {apart.marks}"
    yield f"ratio with demonstrations in the notebooks, skipped by both: {in_use.ratio:.1f}"
    yield f"ratio: {apart.ratio:.1f}"


def _comparison_table(lesson: LessonSource, apart: Comparison, in_use: Comparison) -> Table:
    table = Table(title=f"{lesson.name}, {len(apart.stock)} students, in turn")
    for column in ("", "stock nbgrader", "sealed, one worker"):
        table.add_column(column, justify="right" if column else "left")
    for name, run in (("without demonstrations", apart), ("with demonstrations", in_use)):
        table.add_row(
            f"seconds a student, {name}", f"{statistics.mean(run.stock):.2f}", f"{statistics.mean(run.sealed):.3f}"
        )
        middle = statistics.median
        table.add_row("   median", f"{middle(run.stock):.2f}", f"{middle(run.sealed):.3f}")
    table.add_row("seconds to start, once", f"{apart.stock_start:.1f}", f"{apart.sealed_start:.1f}")
    table.add_row("memory of one job at most, MiB", "", f"{apart.peak_memory >> 20}")
    table.add_row("memory of the grader's process, MiB", "", f"{apart.grader_memory >> 20}")
    return table


def _phases_table(run: Comparison) -> Table:
    table = Table(title="where the sealed grader's time goes (mean milliseconds a student)")
    table.add_column("phase")
    table.add_column("ms", justify="right")
    words = {
        "start": "fork, namespaces, limits",
        "cells": "the notebook's cells",
        "probes": "probes on secret seeds",
        "end": "end of the job's processes",
        "judge": "reference results and judgement",
    }
    for phase, seconds in run.phases.items():
        table.add_row(words.get(phase, phase), f"{1000 * seconds:.0f}")
    return table


def large_class(lesson: LessonSource, students: int) -> Iterator[Table | str]:
    """A large class of all skills, graded by one worker: time, memory as it goes, marks; and a plan for many more."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        truth = invented_class.make_large_class(folder / "submitted", lesson, students)
        submissions = find_submissions(folder / "submitted", lesson.name)
        out = folder / "out"
        table = Table(title=f"{lesson.name}: {students} submissions, one worker")
        for column in ("graded", "seconds since the start", "memory of the grader, MiB", "of the largest job, MiB"):
            table.add_column(column, justify="right")
        points, writing, whole, peak = {}, 0.0, 0.0, 0
        with Run.of(lesson, Settings(out)) as run:
            start = last = time.perf_counter()
            for number, graded in enumerate(run.grade(submissions), 1):
                now = time.perf_counter()
                writing += now - last - graded.seconds["whole"]
                whole, last, peak = now - start, now, max(peak, graded.peak_memory)
                points |= {(graded.student, lesson.name, n): v.points for n, v in graded.verdicts.items()}
                if number % max(1, students // 5) == 0:
                    table.add_row(str(number), f"{whole:.0f}", str(_resident() >> 20), str(peak >> 20))
            started = time.perf_counter()
            page = write_report(run.gradebook, lesson, out)
            reporting = time.perf_counter() - started
        yield table
        yield f"marks as they must be: {sum(points[key] == value for key, value in truth.items())} of {len(truth)}"
        yield f"report: {reporting:.1f} s, {page.stat().st_size >> 10} KiB"
        disk = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / students
        yield _plan(whole / students, writing / students, disk)


def _plan(seconds: float, writing: float, disk: float) -> Table:
    """What PLANNED submissions would take, from the cost of one. Simulated: nothing of it was run."""
    table = Table(title=f"simulated: {PLANNED:,} submissions at the cost of one here ({1000 * seconds:.0f} ms)")
    for column in ("workers", "hours", "what bounds it"):
        table.add_column(column, justify="left" if column.startswith("what") else "right")
    for workers in (1, 2, 8, 32, 128):
        executing, one_writer = PLANNED * (seconds - writing) / workers, PLANNED * writing
        bound = "executing" if executing > one_writer else "the one writer"
        table.add_row(str(workers), f"{max(executing, one_writer) / 3600:.2f}", bound)
    table.add_section()
    table.add_row("", f"{PLANNED * disk / 1e9:.1f} GB", "on disk: gradebook, graded notebooks, report")
    table.add_row("", f"{1000 * writing:.0f} ms", "the writer's time for one")
    return table
