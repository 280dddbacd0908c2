"""The commands: `python -m autograder COMMAND`."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lessonkit.errors import CourseError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False, soft_wrap=True)

LessonName = Annotated[str, typer.Argument(help="name or number of a lesson")]
GradedInto = Annotated[Path, typer.Option(help="the folder that was graded into")]
ItsGradebook = Annotated[str | None, typer.Option("--db", help="gradebook, if it isn't the SQLite file in --out")]
SomeLessons = Annotated[list[str] | None, typer.Argument(help="names or numbers of lessons; none means all")]


def main() -> None:
    """Run a command. A mistake that a person can mend is one sentence and exit code 2."""
    try:
        app()
    except CourseError as error:
        console.print(str(error), style="red", markup=False)
        sys.exit(2)


@app.command()
def build(
    lessons: SomeLessons = None,
    check: Annotated[bool, typer.Option(help="write nothing; fail if anything is out of step")] = False,
    force: Annotated[bool, typer.Option(help="run lessons whose sources did not change, too")] = False,
) -> None:
    """Build the notebooks of lessons from their sources."""
    from autograder import build as builder

    stale = []
    for lesson in _lessons(lessons):
        start = time.monotonic()
        if check:
            found = list(builder.differences(lesson))
            stale += found
            console.print(f"{lesson.name}: {'in step' if not found else 'OUT OF STEP'}")
        else:
            ran = builder.build(lesson, force)
            console.print(f"{lesson.name}: " + (f"built in {time.monotonic() - start:.0f} s" if ran else "up to date"))
    for sentence in stale:
        console.print(sentence, style="red", markup=False)
    raise typer.Exit(1 if stale else 0)


@app.command()
def mutants(lessons: SomeLessons = None) -> None:
    """List the mutants of the reference answers that the checks accept; exit 1 if one is not explained."""
    from autograder import mutants as mutation

    unexplained = 0
    for lesson in _lessons(lessons):
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
    from autograder.trial import try_file

    finding = try_file(lesson, exercise, file, seeds)
    console.print(f"{exercise}: {finding.verdict}", style="green" if finding.passed else "red")
    for part in (finding.message, finding.detail):
        if part:
            console.print(part, markup=False)
    raise typer.Exit(0 if finding.passed else 1)


@app.command()
def demonstrate(
    lessons: SomeLessons = None,
    out: Annotated[Path, typer.Option(help="folder for submissions, gradebook, feedback and marks")] = Path("out"),
) -> None:
    """Grade the bundled class of invented students with plain nbgrader, and compare with the marks they must get."""
    from autograder import demonstration_class, plain_grading

    chosen = [lesson.name for lesson in _lessons(lessons)]
    out = out / "demonstration"
    plain_grading.start_afresh(out)
    truth = demonstration_class.make_class(out / "submitted", chosen)
    console.print(f"{len(demonstration_class.STUDENTS)} students, {len(chosen)} lessons: this takes a few minutes ...")
    run = plain_grading.grade(chosen, out)
    given = {(m.student, m.lesson, m.exercise): m for m in run.marks}
    table = Table(title="marks given by nbgrader (of those that must be given)")
    table.add_column("student")
    for lesson in chosen:
        table.add_column(lesson, justify="right")
    for student in demonstration_class.STUDENTS:
        cells = []
        for lesson in chosen:
            keys = [key for key in truth if key[:2] == (student, lesson)]
            cells.append(f"{sum(given[k].points for k in keys):g} ({sum(truth[k] for k in keys):g})")
        table.add_row(student, *cells)
    console.print(table)
    wrong = [key for key, points in truth.items() if given[key].points != points]
    seconds = sorted(run.seconds.values())
    console.print(f"{len(truth) - len(wrong)} of {len(truth)} marks are as they must be")
    console.print(f"median {seconds[len(seconds) // 2]:.1f} s a submission")
    console.print(
        f"marks: {out / 'marks.csv'}   feedback pages: {out / 'feedback'}   gradebook: {out / 'gradebook.db'}"
    )
    for student, lesson, exercise in wrong:
        console.print(f"WRONG: {student}, {lesson}, {exercise}", style="red", markup=False)
    raise typer.Exit(1 if wrong else 0)


@app.command()
def invent(
    lessons: SomeLessons = None,
    out: Annotated[Path, typer.Option(help="folder for the submissions")] = Path("out/submitted"),
    students: Annotated[int, typer.Option(min=0, help="so many students of all skills, instead of the class")] = 0,
) -> None:
    """Write the submissions of the bundled class of invented students."""
    from autograder.demonstration_class import STUDENTS, make_class, make_large_class

    if students:
        for lesson in _lessons(lessons):
            make_large_class(out, lesson, students)
        console.print(f"Wrote the submissions of {students} invented students to {out}")
        return
    make_class(out, [lesson.name for lesson in _lessons(lessons)])
    console.print(f"Wrote the submissions of {len(STUDENTS)} invented students to {out}")


@app.command()
def grade(
    lesson: LessonName,
    submissions: Annotated[Path, typer.Option(help="folder or zip with the notebooks")],
    out: Annotated[Path, typer.Option(help="folder for gradebook, graded notebooks and marks.csv")] = Path("out"),
    db: Annotated[
        str | None, typer.Option(help="gradebook, e.g. postgresql://user@host/name; default: SQLite in --out")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="worker processes on this machine")] = 1,
    scheduler: Annotated[str | None, typer.Option(help="address of a Dask scheduler, instead of local workers")] = None,
    seed: Annotated[int | None, typer.Option(help="regrade with this secret seed instead of the recorded one")] = None,
    kernel: Annotated[
        bool, typer.Option("--kernel", help="execute in real Jupyter kernels, in the same sandbox; seconds slower")
    ] = False,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="DANGEROUS: let submissions do what you can do")
    ] = False,
) -> None:
    """Grade submissions with sealed checks in the sandbox. Run it again to continue, or to grade what is new."""
    from tqdm import tqdm

    from autograder.grading.run import Settings
    from autograder.grading.run import grade as run

    if no_sandbox:
        console.print("WARNING: --no-sandbox: these notebooks can read and change whatever you can.", style="bold red")
    settings = Settings(out, db, workers, scheduler, seed, no_sandbox, kernel)
    try:
        summary = run(lesson, submissions, settings, lambda found, total: tqdm(found, total=total, unit="submission"))
    except KeyboardInterrupt:
        console.print("\nStopped. What is graded is kept: run the same command again to go on.")
        raise typer.Exit(130) from None
    console.print(
        f"{summary.lesson}: {summary.graded} graded, {summary.unchanged} unchanged, {summary.refused} refused, "
        f"{summary.seconds:.1f} s. Marks: {summary.marks}"
    )


@app.command()
def report(lessons: SomeLessons = None, out: GradedInto = Path("out"), db: ItsGradebook = None) -> None:
    """Report on what `grade` graded: marks, exercises, mistakes, intake, time. A page a lesson, one for the course."""
    from autograder.grading.report import write_course_report, write_report

    with _graded(lessons, out, db) as (gradebook, chosen):
        for lesson in chosen:
            console.print(f"Wrote {write_report(gradebook, lesson, out)}")
        console.print(f"Wrote {write_course_report(gradebook, chosen, out)}")


@app.command()
def feedback(lessons: SomeLessons = None, out: GradedInto = Path("out"), db: ItsGradebook = None) -> None:
    """Write what students get back: a self-contained page a student and lesson, OUT/feedback/STUDENT/LESSON/."""
    from autograder.grading.feedback import write_feedback

    with _graded(lessons, out, db) as (gradebook, chosen):
        for lesson in chosen:
            pages = sum(1 for _ in write_feedback(gradebook, lesson, out))
            console.print(f"{lesson.name}: wrote {pages} pages to {out / 'feedback'}")


@app.command()
def export(
    lessons: SomeLessons = None,
    to: Annotated[str, typer.Option(help="csv, canvas or gradescope")] = "csv",
    out: GradedInto = Path("out"),
    db: ItsGradebook = None,
) -> None:
    """Write the marks as CSV, for Canvas' gradebook, or as Gradescope's results.json."""
    from autograder.grading.export import export as write

    with _graded(lessons, out, db) as (gradebook, chosen):
        written = write(gradebook, [lesson.name for lesson in chosen], to, out)
        console.print(f"Wrote {written[0]}" + (f" and {len(written) - 1} more" if len(written) > 1 else ""))


@contextmanager
def _graded(words: list[str] | None, out: Path, db: str | None) -> Iterator[tuple]:
    """The gradebook that was graded into, and the lessons that are meant: those named, else those in it."""
    from autograder.grading.gradebook import GradebookWriter, database_url

    if db is None and not (out / "gradebook.db").is_file():
        raise CourseError(
            f"There is no gradebook in {out}: run `python -m autograder grade` first, or name it with --out."
        )
    with closing(GradebookWriter(database_url(out, db))) as gradebook:
        chosen = [lesson for lesson in _lessons(words) if words or gradebook.keys(lesson.name)]
        yield gradebook, chosen


@app.command()
def experiments(lessons: SomeLessons = None) -> None:
    """Run the recorded experiments of lessons (minutes to an hour) and write data/results/NN.json."""
    from autograder.experiment import record

    for lesson in _lessons(lessons):
        record(lesson)


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
    """Train a lesson's model on real data: BLEU on held-out sentences, alignment error rate against human links.

    Killed, it goes on from its checkpoint in OUT when it is started again.
    """
    if ladder is not None:
        return _climb(ladder, models, minutes, out, record)
    from autograder.full import run

    result = run(lesson, minutes, out, record)
    table = Table(title=f"{result['lesson']} on Tatoeba, {result['date']}")
    for column in ("figure", "value"):
        table.add_column(column)
    for name, value in result.items():
        table.add_row(name, str(value))
    console.print(table)


def _climb(ladder: str, models: str, minutes: float, out: Path, record: bool) -> None:
    """Train the ladder's models and print what came out."""
    from autograder.ladder import climb

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


@app.command()
def data(check: Annotated[bool, typer.Option(help="write nothing; fail on any difference")] = False) -> None:
    """Rebuild the project's own data sets from their generators, byte for byte."""
    from autograder.data_command import rebuild

    rebuild(check=check)


@app.command()
def doctor(
    tests: Annotated[
        bool, typer.Option(help="only what tests need; fail under CI=true if anything is missing")
    ] = False,
) -> None:
    """Say what this machine lacks, what is left out for that, and how to get it; try the grader's sandbox."""
    from autograder import doctor as machine

    for program in machine.missing():
        console.print(program.sentence, style="yellow", markup=False)
    if not tests:
        from autograder.sandbox import doctor as look_at_sandbox

        for program in machine.PROGRAMS:
            console.print(f"{program.name}: {program.path or 'missing'}")
        findings = look_at_sandbox()
        for finding in findings:
            sign, style = ("✓", "green") if finding.ok else ("✗", "red" if finding.needed else "yellow")
            console.print(f"{sign} {finding.sentence}", style=style, markup=False)
        ready = all(finding.ok for finding in findings if finding.needed)
        console.print("Grading can start." if ready else "Grading refuses to start: mend what is red.", style="bold")
        raise typer.Exit(0 if ready else 1)
    if tests and machine.missing() and machine.nothing_may_be_left_out():
        raise CourseError("CI=true: nothing may be left out. Install what is missing.")


@app.command()
def release(out: Annotated[Path, typer.Option(help="folder for the bundle")] = Path("out")) -> None:
    """Make the learner's bundle: lessons, lessonkit and data, without any answer."""
    from autograder.release import release as make

    console.print(f"Wrote {make(out)}")


@app.command()
def bench(
    lessons: SomeLessons = None,
    run_lessons: Annotated[bool, typer.Option(help="time whole lessons, too (minutes)")] = True,
    students: Annotated[
        int, typer.Option(min=0, help="compare the grader with stock nbgrader on so many students instead")
    ] = 0,
    large: Annotated[int, typer.Option(min=0, help="grade a class of so many students, and plan for 50,000")] = 0,
) -> None:
    """Measure: latency of checks, run times of lessons, results of models; or the grader (--students 20)."""
    from autograder import bench as benchmark

    if students or large:
        from autograder import source
        from autograder.bench_grading import large_class, tables

        lesson = source.load(lessons[0] if lessons else "03")
        for part in large_class(lesson, large) if large else tables(lesson, students):
            console.print(part)
        return
    chosen = _lessons(lessons)
    console.print(benchmark.check_latency(chosen))
    if run_lessons:
        console.print(benchmark.run_times(chosen))
    for table in benchmark.model_results():
        console.print(table)


@app.command()
def lessons() -> None:
    """List the lessons with their exercises, points and minutes."""
    for lesson in _lessons(None):
        exercises = lesson.exercises().values()
        points, minutes = sum(e.points for e in exercises), sum(e.minutes for e in exercises)
        table = Table(title=f"{lesson.name}  {lesson.title}  ({points:g} points, {minutes} min of exercises)")
        for column in ("exercise", "points", "minutes", "difficulty"):
            table.add_column(column)
        for e in exercises:
            table.add_row(e.name, f"{e.points:g}", str(e.minutes), "●" * e.difficulty)
        console.print(table)


def _lessons(words: list[str] | None) -> list:
    from autograder import source

    return [source.load(word) for word in (words or source.lesson_names())]
