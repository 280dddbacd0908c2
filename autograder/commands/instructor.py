"""Commands for instructors: grade, and what is made of marks."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from autograder.commands.classroom import Pattern, after_grading, due_of
from autograder.commands.classroom import enter_roster as enter
from autograder.commands.shared import GradedInto, ItsGradebook, LessonName, SomeLessons, app, console, named
from autograder.machine import processors
from lessonkit.errors import CourseError

if TYPE_CHECKING:
    from autograder.sandbox import Limits

SHOWN = 20  # files not used that `grade` names; all stand in not_used.csv


@app.command()
def demonstrate(
    lessons: SomeLessons = None,
    out: Annotated[Path, typer.Option(help="folder for submissions, gradebook, feedback and marks")] = Path("out"),
) -> None:
    """Grade the bundled class of invented students with plain nbgrader, and compare with the marks they must get."""
    from autograder.bench import invented_class
    from autograder.plain import grading as plain_grading

    chosen = [lesson.name for lesson in named(lessons)]
    out = out / "demonstration"
    plain_grading.start_afresh(out)
    truth = invented_class.make_class(out / "submitted", chosen)
    console.print(f"{len(invented_class.STUDENTS)} students, {len(chosen)} lessons: this takes a few minutes ...")
    run = plain_grading.run_nbgrader(chosen, out)
    given = {(m.student, m.lesson, m.exercise): m for m in run.marks}
    table = Table(title="marks given by nbgrader (of those that must be given)")
    table.add_column("student")
    for lesson in chosen:
        table.add_column(lesson, justify="right")
    for student in invented_class.STUDENTS:
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
    from autograder.bench.invented_class import STUDENTS, make_class, make_large_class

    if students:
        for lesson in named(lessons):
            make_large_class(out, lesson, students)
        console.print(f"Wrote the submissions of {students} invented students to {out}")
        return
    make_class(out, [lesson.name for lesson in named(lessons)])
    console.print(f"Wrote the submissions of {len(STUDENTS)} invented students to {out}")


@app.command()
def grade(
    lesson: LessonName,
    submissions: Annotated[Path, typer.Option(help="folder or zip with the notebooks")],
    out: Annotated[Path, typer.Option(help="folder for gradebook, graded notebooks and marks.csv")] = Path("out"),
    db: Annotated[
        str | None, typer.Option(help="gradebook, e.g. postgresql://user@host/name; default: SQLite in --out")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="sandboxes side by side; default: one for each processor")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="address of a Dask scheduler, instead of local workers")] = None,
    seed: Annotated[int | None, typer.Option(help="regrade with this secret seed instead of the recorded one")] = None,
    kernel: Annotated[
        bool, typer.Option("--kernel", help="execute in real Jupyter kernels, in the same sandbox; seconds slower")
    ] = False,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="DANGEROUS: let submissions do what you can do")
    ] = False,
    pattern: Pattern = None,
    roster: Annotated[Path | None, typer.Option(help="table of the class, as the platform exports it")] = None,
    due: Annotated[str | None, typer.Option(help="when it is due, with time zone: 2026-03-01T23:59+01:00")] = None,
    extensions: Annotated[Path | None, typer.Option(help="CSV with the columns student, due (and lesson)")] = None,
    cell_seconds: Annotated[
        float | None, typer.Option(min=0.1, help="processor time of one cell, in seconds; default: 20")
    ] = None,
    notebook_seconds: Annotated[float | None, typer.Option(min=1, help="all cells together; default: 240")] = None,
    probe_seconds: Annotated[float | None, typer.Option(min=0.1, help="an answer on one seed; default: 10")] = None,
    memory: Annotated[int | None, typer.Option(min=100, help="MiB of one submission; default: 2048")] = None,
) -> None:
    """Grade submissions with sealed checks in the sandbox. Run it again to continue, or to grade what is new."""
    from tqdm import tqdm

    from autograder.grading.run import Settings
    from autograder.grading.run import grade as run

    if no_sandbox:
        console.print("WARNING: --no-sandbox: these notebooks can read and change whatever you can.", style="bold red")
    limits = _limits(cell_seconds, notebook_seconds, probe_seconds, memory)
    settings = Settings(
        out,
        db,
        workers or processors(),
        scheduler,
        seed,
        no_sandbox,
        kernel,
        pattern,
        due_of(lesson, due, extensions),
        limits,
    )
    try:
        summary = run(lesson, submissions, settings, lambda found, total: tqdm(found, total=total, unit="submission"))
    except KeyboardInterrupt:
        console.print("\nStopped. What is graded is kept: run the same command again to go on.")
        raise typer.Exit(130) from None
    console.print(
        f"{summary.lesson}: {summary.graded} graded, {summary.unchanged} unchanged, {summary.refused} refused, "
        f"{summary.seconds:.1f} s. Marks: {summary.marks}"
    )
    after_grading(summary, out, db, roster, settings.due)
    found = summary.collection
    console.print(f"Recognised as: {found.layout}; {len(found.submissions)} students.")
    ours = [line for line in found.not_used if line.lesson in ("", summary.lesson)]
    for line in ours[:SHOWN]:
        console.print(f"not used: {line.file}: {line.why}", markup=False, style="yellow")
    if len(ours) > SHOWN:
        console.print(f"... and {len(ours) - SHOWN} more: {out / 'not_used.csv'}", style="yellow")
    if others := len(found.not_used) - len(ours):
        console.print(f"{others} more files are for other lessons: {out / 'not_used.csv'}")


@app.command()
def report(lessons: SomeLessons = None, out: GradedInto = Path("out"), db: ItsGradebook = None) -> None:
    """Report on what `grade` graded: marks, exercises, mistakes, intake, time. A page a lesson, one for the course."""
    from autograder.grading.report import write_course_report, write_report

    with _graded(lessons, out, db) as (gradebook, chosen):
        for lesson in chosen:
            console.print(f"Wrote {write_report(gradebook, lesson, out)}")
        console.print(f"Wrote {write_course_report(gradebook, chosen, out)}")


@app.command()
def feedback(
    lessons: SomeLessons = None,
    out: GradedInto = Path("out"),
    db: ItsGradebook = None,
    to: Annotated[
        str | None, typer.Option(help="layout of the zip: canvas, moodle or folders; default: as the class handed in")
    ] = None,
) -> None:
    """Write what students get back: a page a student and lesson, an overview a student, and a zip for handing back."""
    from autograder.authoring import source
    from autograder.grading.exchange import prepare_exchange
    from autograder.grading.feedback import write_feedback, write_overviews
    from autograder.grading.hand_back import write_zip

    tell = partial(console.print, style="yellow", markup=False)
    with _graded(lessons, out, db) as (gradebook, chosen):
        for lesson in chosen:
            pages = sum(1 for _ in write_feedback(gradebook, lesson, out, tell))
            console.print(f"{lesson.name}: wrote {pages} pages to {out / 'feedback'}")
            if not pages:
                continue
            path, form, left = write_zip(gradebook, lesson.name, out, to)
            console.print(f"For handing back, laid out for {form}: {path}")
            for name in left:
                tell(f"not in the zip: {name}, whose file was not named as {form} names files")
            if (unsent := prepare_exchange(gradebook, lesson.name, out)) is not None:
                for sentence in unsent:
                    tell(sentence)
                console.print(f"For nbgrader's exchange: cd {out} && nbgrader release_feedback {lesson.name}")
        overviews = sum(1 for _ in write_overviews(gradebook, [source.load(name) for name in gradebook.lessons()], out))
        console.print(f"Overviews of {overviews} students: {out / 'feedback'}/STUDENT/index.html")


@app.command()
def export(
    lessons: SomeLessons = None,
    to: Annotated[str, typer.Option(help="csv, canvas, moodle, brightspace or gradescope")] = "csv",
    out: GradedInto = Path("out"),
    db: ItsGradebook = None,
    absent: Annotated[str, typer.Option(help="what stands for who handed in nothing: blank or zero")] = "blank",
    roster: Annotated[Path | None, typer.Option(help="table of the class, as the platform exports it")] = None,
) -> None:
    """Write the marks as CSV, or for the gradebook of Canvas, Moodle or Brightspace; Gradescope's autograder.zip."""
    from autograder.grading.export import export as write

    if to == "gradescope":
        from autograder.grading.gradescope import write_autograder

        for lesson in named(lessons) if lessons else []:
            console.print(f"Wrote {write_autograder(lesson, out)}: upload it as the autograder of an assignment")
        if lessons and db is None and not (out / "gradebook.db").is_file():
            return  # the zip needs no marks
    with _graded(lessons, out, db) as (gradebook, chosen):
        if roster is not None:
            enter(gradebook, roster)
        written = write(gradebook, [lesson.name for lesson in chosen], to, out, absent)
        console.print(f"Wrote {written[0]}" + (f" and {len(written) - 1} more" if len(written) > 1 else ""))


def _limits(cell: float | None, notebook: float | None, probe: float | None, memory: int | None) -> "Limits":
    """The limits of a submission: those that are given in place of the defaults."""
    from autograder.sandbox import Limits

    usual = Limits()
    given = {"notebook_seconds": notebook, "probe_seconds": probe, "memory_bytes": memory and memory << 20}
    if cell is not None:
        given |= {"cell_seconds": cell, "cell_wall_seconds": cell * usual.cell_wall_seconds / usual.cell_seconds}
    return replace(usual, **{name: value for name, value in given.items() if value is not None})


@contextmanager
def _graded(words: list[str] | None, out: Path, db: str | None) -> Iterator[tuple]:
    """The gradebook that was graded into, and the lessons that are meant: those named, else those in it."""
    from autograder.grading.gradebook import GradebookWriter, database_url
    from autograder.grading.marks_csv import write_marks

    if db is None and not (out / "gradebook.db").is_file():
        raise CourseError(
            f"There is no gradebook in {out}: run `python -m autograder grade` first, or name it with --out."
        )
    with closing(GradebookWriter(database_url(out, db))) as gradebook:
        chosen = [lesson for lesson in named(words) if words or gradebook.keys(lesson.name)]
        yield gradebook, chosen
        if gradebook.lessons():
            write_marks(out / "marks.csv", gradebook)  # what was changed in formgrader is in no table of ours yet


@app.command()
def doctor(
    tests: Annotated[
        bool, typer.Option(help="only what tests need; fail under CI=true if anything is missing")
    ] = False,
) -> None:
    """Say what this machine lacks, what is left out for that, and how to get it; try the grader's sandbox."""
    from autograder import machine

    for program in machine.missing():
        console.print(program.sentence, style="yellow", markup=False)
    if not tests:
        from autograder.sandbox import examine

        for program in machine.PROGRAMS:
            console.print(f"{program.name}: {program.path or 'missing'}")
        findings = examine()
        for finding in findings:
            sign, style = ("✓", "green") if finding.ok else ("✗", "red" if finding.needed else "yellow")
            console.print(f"{sign} {finding.sentence}", style=style, markup=False)
        ready = all(finding.ok for finding in findings if finding.needed)
        console.print("Grading can start." if ready else "Grading refuses to start: mend what is red.", style="bold")
        raise typer.Exit(0 if ready else 1)
    if tests and machine.missing() and machine.nothing_may_be_left_out():
        raise CourseError("CI=true: nothing may be left out. Install what is missing.")
