"""Commands for authors: build, prove and pack the lessons."""

import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.table import Table

from autograder.commands.shared import LessonName, SomeLessons, app, console, named, names_of


@app.command()
def build(
    lessons: SomeLessons = None,
    check: Annotated[bool, typer.Option(help="write nothing; fail if anything is out of step")] = False,
    force: Annotated[bool, typer.Option(help="run lessons whose sources did not change, too")] = False,
    carry: Annotated[
        bool, typer.Option(help="keep old outputs although code changed: only where it can't change what is shown")
    ] = False,
) -> None:
    """Build the notebooks of lessons from their sources."""
    if check:
        _check_step(names_of(lessons), lessons is None)
    from autograder.authoring import build as builder
    from autograder.authoring import contract
    from autograder.authoring import start as around
    from autograder.authoring.faults import FaultyFileError

    refused = False
    for name in names_of(lessons):
        start = time.monotonic()
        try:
            ran = builder.build(contract.load(name), force, carry)
        except FaultyFileError as error:  # the other lessons are built all the same
            console.print(str(error), style="red", markup=False)
            refused = True
            continue
        seconds = f"built in {time.monotonic() - start:.1f} s ({ran} run)"
        console.print(f"{name}: " + (seconds if ran else "up to date"))
    if refused:
        raise typer.Exit(2)
    around.build_pages()


def _check_step(names: list[str], pages: bool) -> NoReturn:
    """Say which lessons are in step with their sources (and the start page with all), and end with what was found."""
    from autograder.authoring import start as around
    from autograder.authoring.build import steps_of

    stale, refused = [], False
    for name, step in zip(names, steps_of(names), strict=True):
        if step.refused:
            console.print(step.refused, style="red", markup=False)
            refused = True
            continue
        stale += step.differences
        console.print(f"{name}: {'OUT OF STEP' if step.differences else 'in step'}")
        if step.again:
            console.print(f"  `make build LESSON={name[:2]}` would run {step.again} anew: code behind them changed.")
    if refused:
        raise typer.Exit(2)
    stale += around.page_differences() if pages else []
    for sentence in stale:
        console.print(sentence, style="red", markup=False)
    raise typer.Exit(1 if stale else 0)


@app.command()
def prove(lessons: SomeLessons = None) -> None:
    """Prove lessons in seconds: contract, bank, mutants, step with the notebooks. Exit 0 if nothing is wrong."""
    from autograder.authoring import contract
    from autograder.authoring.faults import FaultyFileError
    from autograder.authoring.prove import prove as stages

    wrong = False
    for name in names_of(lessons):
        try:
            lesson = contract.load(name)
        except FaultyFileError as error:
            console.print(str(error), style="red", markup=False)
            wrong = True
            continue
        console.print(f"{lesson.name}: {lesson.title}", style="bold", markup=False)
        for stage in stages(lesson):
            sign, style = ("✗", "red") if stage.faults else ("✓", "green")
            console.print(f"{sign} {stage.name}: {stage.looked_at}, {stage.seconds:.1f} s", style=style, markup=False)
            for sentence in stage.faults:
                console.print(f"  {sentence}", markup=False)
            for sentence in stage.notes:
                console.print(f"  {sentence}", style="dim", markup=False)
            wrong |= bool(stage.faults)
    raise typer.Exit(2 if wrong else 0)


@app.command()
def new(name: Annotated[str, typer.Argument(help="number and name, as in 17_name")]) -> None:
    """Write the source, bank and experiment of a new lesson: a small one that proves, to be replaced bit by bit."""
    from autograder.authoring.new import new as write
    from autograder.authoring.source import ROOT

    for path in write(name):
        console.print(f"Wrote {path.relative_to(ROOT)}", markup=False)
    console.print(f"Next: python -m autograder prove {name[:2]}, python -m autograder build {name[:2]}")


@app.command()
def mutants(lessons: SomeLessons = None) -> None:
    """List the mutants of the reference answers that the checks accept; exit 1 if one is not explained."""
    from autograder.authoring import mutants as mutation

    unexplained = 0
    for lesson in named(lessons):
        total, survivors, stale = mutation.survivors(lesson)
        console.print(f"{lesson.name}: {total} mutants, {len(survivors)} accepted")
        for s in survivors:
            console.print(f"  {s.exercise}: {s.description}", markup=False, style=None if s.reason else "red")
            console.print(f"      {s.reason or 'NOT EXPLAINED'}", markup=False)
        for line in stale:
            console.print(f"  explained, but not among the accepted: {line}", markup=False, style="red")
        unexplained += sum(s.reason is None for s in survivors) + len(stale)
    raise typer.Exit(1 if unexplained else 0)


@app.command(name="try")
def try_(
    lesson: LessonName,
    exercise: Annotated[str, typer.Argument(help="name of the exercise")],
    file: Annotated[Path, typer.Argument(help="a Python file that defines the answer under the exercise's name")],
    seeds: Annotated[int, typer.Option(min=1, help="how many fresh seeds")] = 20,
) -> None:
    """Run an answer from a file against a check. Exit 0: right; 1: judged wrong; 2: it could not be tried.

    The file runs on this machine with your rights: try only files that you trust.
    """
    from autograder.authoring.trial import try_file

    finding = try_file(lesson, exercise, file, seeds)
    console.print(f"{exercise}: {finding.verdict}", style="green" if finding.passed else "red")
    for part in (finding.message, finding.detail):
        if part:
            console.print(part, markup=False)
    raise typer.Exit(0 if finding.passed else 1)


@app.command()
def data(check: Annotated[bool, typer.Option(help="write nothing; fail on any difference")] = False) -> None:
    """Rebuild the project's own data sets from their generators, byte for byte."""
    from autograder.authoring.data import rebuild

    rebuild(check=check)


@app.command()
def release(out: Annotated[Path, typer.Option(help="folder for the bundle")] = Path("out")) -> None:
    """Make the learner's bundle, and the wheel of lessonkit with its data; neither holds an answer."""
    from autograder.authoring.release import release as make
    from autograder.authoring.wheel import wheel

    for path in (make(out), wheel(out)):
        console.print(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


@app.command()
def site(out: Annotated[Path, typer.Option(help="folder for the site")] = Path("out")) -> None:
    """Make web pages of the executed notebooks, without answers, in OUT/site; no page needs anything from elsewhere."""
    from autograder.authoring.site import build_site

    start = time.monotonic()
    made = build_site(out)
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    console.print(f"Wrote {made / 'index.html'}: {size / 1e6:.0f} MB, {time.monotonic() - start:.0f} s")


@app.command()
def lessons(count: Annotated[bool, typer.Option("--count", help="only the numbers of all together")] = False) -> None:
    """List the lessons with their exercises, points and minutes."""
    if count:
        from autograder.authoring.bank import load

        banks = [load(name) for name in names_of(None)]
        exercises = sum(1 for lesson in named(None) for _ in lesson.of_kind("exercise"))
        mistakes, others = sum(len(b.mistakes) for b in banks), sum(len(b.alternatives) for b in banks)
        console.print(f"{len(banks)} lessons, {exercises} exercises, {mistakes} known mistakes, {others} alternatives")
        return
    for lesson in named(None):
        exercises = lesson.exercises().values()
        points, minutes = sum(e.points for e in exercises), sum(e.minutes for e in exercises)
        table = Table(title=f"{lesson.name}  {lesson.title}  ({points:g} points, {minutes} min of exercises)")
        for column in ("exercise", "points", "minutes", "difficulty"):
            table.add_column(column)
        for e in exercises:
            table.add_row(e.name, f"{e.points:g}", str(e.minutes), "●" * e.difficulty)
        console.print(table)


@app.command()
def teach(
    out: Annotated[Path, typer.Option(help="folder that the pack is written into")] = Path("out"),
    seed: Annotated[int, typer.Option(help="variant of the exam: each seed has numbers of its own")] = 1,
) -> None:
    """Write the instructor's pack: plans, sheets and slides of the lessons, an exam with its solutions."""
    from autograder.teaching.pack import write_pack

    written = write_pack(out, seed)
    console.print(f"Wrote {len(written)} files into {out / 'teach'}: begin with plan.md", markup=False)
