"""A class of very many: time, memory as it goes, marks, pages; beside attackers; and a plan for many more."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from rich.table import Table

from autograder.authoring.source import LessonSource
from autograder.bench.grading import hostile_class, resident
from autograder.bench.invented_class import Truth, make_large_class
from autograder.grading.export import FORMS, export
from autograder.grading.feedback import write_feedback
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.report import write_report
from autograder.grading.run import GradingRun, Settings, grade
from autograder.grading.submissions import collect
from autograder.machine import processors

PLANNED = 50_000  # submissions


def large_class(lesson: LessonSource, students: int, attackers: int = 0) -> Iterator[Table | str]:
    """Grade a large class of all skills as `grade` does by default; starting is part of it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        truth = _class(folder / "submitted", lesson, students, attackers)
        submissions = list(collect(folder / "submitted", lesson.name).submissions)
        out, workers = folder / "out", processors()
        mixed = f", {attackers} of them attackers" if attackers else ""
        table = Table(title=f"{lesson.name}: {students} submissions{mixed}, {workers} workers")
        for column in ("graded", "seconds since the start", "memory of the grader, MiB", "of the largest job, MiB"):
            table.add_column(column, justify="right")
        points, whole, peak = {}, 0.0, 0
        start = time.perf_counter()
        with GradingRun.of(lesson, Settings(out, workers=workers)) as run:
            table.add_row("0", f"{time.perf_counter() - start:.0f}", str(resident() >> 20), "")
            for number, graded in enumerate(run.results(submissions), 1):
                whole, peak = time.perf_counter() - start, max(peak, graded.peak_memory)
                points |= {(graded.student, lesson.name, n): v.points for n, v in graded.verdicts.items()}
                if number % max(1, students // 5) == 0:
                    table.add_row(str(number), f"{whole:.0f}", str(resident() >> 20), str(peak >> 20))
        yield table
        yield f"marks as they must be: {sum(points[key] == value for key, value in truth.items())} of {len(truth)}"
        disk = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / students
        yield _plan(whole / students, workers, disk)
        yield f"{students} submissions: {whole:.1f} s, {1000 * whole / students:.0f} ms each"


def _class(folder: Path, lesson: LessonSource, students: int, attackers: int) -> Truth:
    return make_large_class(folder, lesson, students - attackers, hostile=hostile_class(attackers))


def pages(lesson: LessonSource, students: int, attackers: int) -> Iterator[Table | str]:
    """Seconds for feedback, report and exports of a class, without and with attackers among its students."""
    table = Table(title=f"{lesson.name}: what is written for {students} students, in seconds of this process")
    for column in ("", "feedback", "report", "exports", "all", "honest pages", "largest page, kB"):
        table.add_column(column, justify="right" if column else "left")
    sums = []
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        for hostile in (0, attackers):
            folder = Path(place) / str(hostile)
            truth = _class(folder / "in", lesson, students, hostile)
            grade(lesson.name, folder / "in", Settings(folder / "out"))
            seconds, written = _write_all(lesson, folder / "out")
            honest = {student for student, _, _ in truth}
            there = sum(path.parts[-3] in honest for path in written)
            largest = max(path.stat().st_size for path in written) // 1000
            name = f"{hostile} attackers" if hostile else "no attackers"
            times = [f"{found:.2f}" for found in (*seconds, sum(seconds))]
            table.add_row(name, *times, f"{there} of {len(honest)}", str(largest))
            sums.append(sum(seconds))
    yield table
    yield f"with {attackers} attackers {sums[1] / sums[0]:.2f} times as long"


def _write_all(lesson: LessonSource, out: Path) -> tuple[list[float], list[Path]]:
    seconds = []
    with closing(GradebookWriter(database_url(out, None))) as gradebook:
        start = time.process_time()
        written = list(write_feedback(gradebook, lesson, out))
        seconds.append(time.process_time() - start)
        write_report(gradebook, lesson, out)
        seconds.append(time.process_time() - start - sum(seconds))
        for form in FORMS:
            export(gradebook, [lesson.name], form, out)
        seconds.append(time.process_time() - start - sum(seconds))
    return seconds, written


def _plan(seconds: float, workers: int, disk: float) -> Table:
    """What PLANNED submissions would take, from the cost of one. Simulated: nothing of it was run."""
    table = Table(title=f"simulated: {PLANNED:,} submissions at the cost of one here ({1000 * seconds:.0f} ms)")
    for column in ("machines like this one", "hours"):
        table.add_column(column, justify="right")
    for machines in (1, 4, 16):
        table.add_row(str(machines), f"{PLANNED * seconds / machines / 3600:.2f}")
    table.add_section()
    table.add_row(f"{PLANNED * disk / 1e9:.1f} GB", "on disk: gradebook, graded notebooks")
    table.add_row(f"{workers}", "workers here")
    return table
