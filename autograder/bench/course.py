"""Measurements, as tables: how long checks and lessons take, and what the recorded models reached."""

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator

from rich.table import Table

from autograder.authoring.execute import execute
from autograder.authoring.source import LessonSource
from lessonkit import Lesson
from lessonkit.lesson import RESULTS

REPEATS = 5


def check_latency(lessons: list[LessonSource]) -> Table:
    """Milliseconds from running a check of a right answer to its verdict: median of five for each exercise."""
    table = Table(title="latency of checks (reference answers)")
    for column in ("lesson", "exercise", "ms"):
        table.add_column(column, justify="right" if column == "ms" else "left")
    medians = []
    for lesson in lessons:
        check = Lesson(lesson.name).check
        for exercise in lesson.exercises().values():
            seconds = [_time(check, exercise) for _ in range(REPEATS)]
            medians.append(1000 * statistics.median(seconds))
            table.add_row(lesson.name, exercise.name, f"{medians[-1]:.0f}")
    table.add_section()
    table.add_row("all", "median of the exercises", f"{statistics.median(medians):.0f}")
    table.add_row("all", "slowest exercise", f"{max(medians):.0f}")
    return table


def _time(check: object, exercise: object) -> float:
    import contextlib
    import io

    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        verdict = check(exercise.name, exercise.reference, exercise.probe)
        verdict._repr_html_()
    assert verdict.passed, verdict.text
    return time.perf_counter() - start


def run_times(lessons: list[LessonSource]) -> Table:
    """Seconds that the reference notebooks take from top to bottom, and their slowest cells."""
    table = Table(title="run times of the reference notebooks (seconds)")
    for column in ("lesson", "whole", "slowest cell", "its name"):
        table.add_column(column, justify="right" if column in ("whole", "slowest cell") else "left")
    for lesson in lessons:
        seconds: dict[str, float] = {}
        start = time.monotonic()
        execute(lesson, seconds)
        slowest = max(seconds, key=seconds.get)
        table.add_row(lesson.name, f"{time.monotonic() - start:.0f}", f"{seconds[slowest]:.0f}", slowest)
    return table


def model_results() -> Iterator[Table]:
    """What `make experiments` recorded: mean, least and greatest over the seeds of every figure."""
    for path in sorted(RESULTS.glob("[0-9][0-9].json")):
        record = json.loads(path.read_text("utf-8"))
        values = defaultdict(list)
        for run in record["runs"]:
            for name, value in numbers(run):
                values[name].append(value)
        seeds = ", ".join(str(run["seed"]) for run in record["runs"])
        table = Table(title=f"{record['lesson']}: recorded {record['made']['date']}, seeds {seeds}")
        for column in ("figure", "mean", "least", "greatest"):
            table.add_column(column, justify="left" if column == "figure" else "right")
        for name, found in values.items():
            if name != "seed":
                row = (statistics.mean(found), min(found), max(found))
                table.add_row(name, *(f"{value:.4g}" for value in row))
        yield table


def numbers(value: object, name: str = "") -> Iterator[tuple[str, float]]:
    """The single numbers in a nested record; lists (curves) are left out."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{name}.{key}" if name else key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, float(value)
