"""Commands for measuring: benchmarks, recorded experiments, full-size runs."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from autograder.commands.shared import LessonName, SomeLessons, app, console, named
from lessonkit.errors import CourseError


@app.command()
def bench(
    lessons: SomeLessons = None,
    run_lessons: Annotated[bool, typer.Option(help="time whole lessons, too (minutes)")] = True,
    loops: Annotated[bool, typer.Option(help="only an author's loops, and lines of code a lesson")] = False,
    students: Annotated[
        int, typer.Option(min=0, help="compare the grader with stock nbgrader on so many students instead")
    ] = 0,
    large: Annotated[int, typer.Option(min=0, help="grade a class of so many students, and plan for 50,000")] = 0,
    pages: Annotated[int, typer.Option(min=0, help="time feedback, report and exports of so many students")] = 0,
    attackers: Annotated[int, typer.Option(min=0, help="so many of the students mean harm")] = 0,
) -> None:
    """Measure: latency of checks, an author's loops, run times, results of models; or the grader (--students 20)."""
    from autograder.authoring import source
    from autograder.bench import course as benchmark
    from autograder.bench import loops as authors

    if students or large or pages:
        from autograder.bench import grading, large_class

        lesson = source.load(lessons[0] if lessons else "03")
        if students:
            parts = grading.tables(lesson, students, attackers)
        elif large:
            parts = large_class.large_class(lesson, large, attackers)
        else:
            parts = large_class.pages(lesson, pages, attackers)
        for part in parts:
            console.print(part)
        return
    chosen = named(lessons)
    console.print(authors.code_lines(chosen))
    for told in authors.loop_times(source.load(lessons[0] if lessons else "03")):
        console.print(told)
    if loops:
        return
    console.print(benchmark.check_latency(chosen))
    if run_lessons:
        console.print(benchmark.run_times(chosen))
    for table in benchmark.model_results():
        console.print(table)


@app.command()
def experiments(
    lessons: SomeLessons = None,
    part: Annotated[str | None, typer.Option(help="only this function of the experiment, added to the record")] = None,
) -> None:
    """Run the recorded experiments of lessons (minutes to an hour) and write data/results/NN.json."""
    from autograder.experiments.record import record

    for lesson in named(lessons):
        record(lesson, part)


@app.command()
def full(
    lesson: LessonName = "03",
    minutes: Annotated[float, typer.Option(min=0.1, help="how long to train, all runs counted")] = 30.0,
    out: Annotated[Path, typer.Option(help="folder for checkpoint and result")] = Path("out"),
    record: Annotated[
        bool, typer.Option(help="also write what came out to data/results, for lessons to quote")
    ] = False,
    ladder: Annotated[str | None, typer.Option(help="multi30k: train all translators on it, MINUTES each")] = None,
    models: Annotated[str, typer.Option(help="of the ladder only these, with commas between them")] = "",
) -> None:
    """Train a lesson's model on real data: translation (03, 04), film reviews (06), pairs (11), digits (13, 14).

    Killed, it goes on from its checkpoint in OUT when it is started again.
    """
    if ladder is not None:
        return _climb(ladder, models, minutes, out, record)
    from autograder.experiments.full import run

    result = run(lesson, minutes, out, record)
    table = Table(title=f"{result['lesson']} on {result.get('data', 'Tatoeba')}, {result['date']}")
    for column in ("figure", "value"):
        table.add_column(column)
    for name, value in result.items():
        table.add_row(name, str(value))
    console.print(table)


def _climb(ladder: str, models: str, minutes: float, out: Path, record: bool) -> None:
    """Train the ladder's models and print what came out."""
    from autograder.experiments.ladder import climb

    if ladder != "multi30k":
        raise CourseError(f"There is no ladder on {ladder!r}: the only one is `--ladder multi30k`.")
    names = [name.strip() for name in models.split(",") if name.strip()]
    rungs = climb(names, minutes, out, record)
    table = Table(title="Multi30k, German to English: BLEU on the 2016 test set")
    for column in ("model", "BLEU", "beam", "published", "short", "medium", "long", "parameters", "seconds", "passes"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for rung in rungs:
        figures = (rung[name] for name in ("short", "medium", "long", "parameters", "seconds", "passes"))
        known = (rung["bleu"], rung.get("beam_bleu", ""), rung["published"] or "", *figures)
        table.add_row(rung["what"], *map(str, known))
    console.print(table)
    console.print(f"sacrebleu: {rungs[-1]['signature']}")
