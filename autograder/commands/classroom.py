"""Commands for a class: who handed in what, the roster, due dates, and what people change by hand."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.commands.shared import GradedInto, ItsGradebook, LessonName, app, console
from lessonkit.errors import CourseError

if TYPE_CHECKING:
    from autograder.grading.gradebook import GradebookWriter
    from autograder.grading.late import Due
    from autograder.grading.run import Summary

Pattern = Annotated[
    str | None,
    typer.Option(help="whose a file is: a regular expression with nbgrader's groups, (?P<student_id>...) and others"),
]
NAMED = 10  # students whose changed marks are printed


@app.command()
def collect(
    place: Annotated[Path, typer.Argument(help="folder or zip with the notebooks")],
    lesson: Annotated[str | None, typer.Argument(help="name or number of a lesson; none means all found")] = None,
    pattern: Pattern = None,
) -> None:
    """Say what `grade` would take: file, student, lesson, attempt, and why; and what it would leave. Grades nothing."""
    from autograder.grading.dry_run import tables

    for part in tables(place, lesson, pattern):
        console.print(part)


@app.command()
def roster(
    table: Annotated[Path, typer.Argument(help="Canvas' or Moodle's exported gradebook, or a CSV with id,name,email")],
    out: GradedInto = Path("out"),
    db: ItsGradebook = None,
) -> None:
    """Enter who belongs to the class: names on pages and tables, rows for those who handed in nothing."""
    with _gradebook(out, db) as gradebook:
        enter_roster(gradebook, table)


@app.command()
def override(
    lesson: LessonName,
    table: Annotated[Path, typer.Argument(help="CSV with the columns student, exercise, points, why")],
    out: GradedInto = Path("out"),
    db: ItsGradebook = None,
) -> None:
    """Enter marks made by hand, all rows or none; a regrade keeps them. Empty points take one back."""
    from autograder.authoring import source
    from autograder.grading.by_hand import override as enter
    from autograder.grading.marks_csv import write_marks

    name = source.find_lesson(lesson)
    with _gradebook(out, db) as gradebook:
        changes = enter(gradebook.nbgraders, name, table)
        for change in changes:
            said = f"{change.student}, {change.exercise}: {change.before:g} -> {change.after:g}"
            more = f" (more than its {change.most:g} points)" if change.after > change.most else ""
            console.print(said + more, markup=False, style="yellow" if more else None)
        console.print(f"{len(changes)} marks of {name} entered by hand.")
        console.print(f"Marks: {write_marks(out / 'marks.csv', gradebook)}")


@app.command()
def excuse(
    lesson: LessonName,
    exercise: Annotated[str, typer.Argument(help="name of the exercise")],
    why: Annotated[str | None, typer.Option(help="the reason, for those who read the marks")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="let it count again")] = False,
    out: GradedInto = Path("out"),
    db: ItsGradebook = None,
) -> None:
    """Take an exercise out for everybody, in marks, exports, report and feedback."""
    from autograder.authoring import source
    from autograder.grading.by_hand import excuse as take_out
    from autograder.grading.marks_csv import write_marks

    if why is None and not undo:
        raise CourseError("Say why, for those who read the marks: --why 'the task was wrong'. Or --undo.")
    found = source.load(lesson)
    points = {str(cell.marks["check"]): float(cell.marks["points"]) for cell in found.of_kind("check")}
    with _gradebook(out, db) as gradebook:
        count = take_out(gradebook.nbgraders, found.name, exercise, points, None if undo else why)
        write_marks(out / "marks.csv", gradebook)
    console.print(f"{exercise} of {found.name} {'counts again' if undo else 'counts for nobody'}: {count} students.")


@app.command()
def forget(
    student: Annotated[str, typer.Argument(help="the student's id, as in marks.csv")],
    out: GradedInto = Path("out"),
    db: ItsGradebook = None,
) -> None:
    """Remove a person everywhere: gradebook, roster, graded notebooks, feedback, and what was made of the class."""
    from autograder.grading.by_hand import forget as remove
    from autograder.grading.marks_csv import write_marks

    with _gradebook(out, db) as gradebook:
        gone = remove(gradebook.nbgraders, student, out)
        write_marks(out / "marks.csv", gradebook)
    console.print(
        f"{student} is in no table any more; {len(gone)} folders and files removed. Reports, exports and zips of "
        "feedback are gone, too: make them anew. What was handed in lies where you keep it."
    )


@app.command()
def student(
    student: Annotated[str, typer.Argument(help="the student's id, as in marks.csv, or the name")],
    out: GradedInto = Path("out"),
    db: ItsGradebook = None,
) -> None:
    """Everything of one student: lessons, points, exercises, comments, lateness, attempts, and where the files lie."""
    from autograder.grading.one_student import everything_of

    with _gradebook(out, db) as gradebook:
        for part in everything_of(gradebook, student, out):
            console.print(part)


def due_of(lesson: str, due: str | None, extensions: Path | None) -> "Due | None":
    """The due date and the extensions that were named on the command line."""
    from autograder.authoring import source
    from autograder.grading.late import Due, due_date, read_extensions

    if due is None and extensions is None:
        return None
    moment = due_date(due) if due is not None else None
    return Due(moment, read_extensions(extensions, source.find_lesson(lesson)) if extensions is not None else {})


def after_grading(summary: "Summary", out: Path, db: str | None, table: Path | None, due: "Due | None") -> None:
    """Enter roster and due date, and say what a regrade changed, who is late, and who handed in nothing."""
    from autograder.grading.by_hand import enter_due, kept_roster, late_penalty, unknown_extensions
    from autograder.grading.marks_csv import write_marks

    for student, before, now in summary.changed[:NAMED]:
        console.print(f"changed: {student}: {before:g} -> {now:g}", markup=False)
    if len(summary.changed) > NAMED:
        console.print(f"... and {len(summary.changed) - NAMED} more marks changed")
    if summary.older:
        names = ", ".join(summary.older[:NAMED])
        console.print(f"graded by an older version of the lesson, and not handed in here: {names}", markup=False)
    with _gradebook(out, db) as gradebook:
        if table is not None:
            enter_roster(gradebook, table)
        if due is not None:
            for student in unknown_extensions(gradebook.nbgraders.db, due):
                console.print(f"An extension is for {student!r}, who is not here.", markup=False, style="yellow")
            late = enter_due(gradebook.nbgraders, summary.lesson, due, late_penalty(out))
            console.print(f"late: {late} of {summary.graded + summary.unchanged}")
        people = kept_roster(gradebook.nbgraders.db)
        if people is not None:
            absent = gradebook.absent(summary.lesson)
            console.print(f"handed in nothing: {len(absent)} of {len(people.people)} on the roster")
        write_marks(out / "marks.csv", gradebook)


def enter_roster(gradebook: "GradebookWriter", table: Path) -> None:
    """Enter a roster from a file, and say how many of it are known."""
    from autograder.grading.by_hand import enter_roster as enter
    from autograder.grading.roster import read_roster, under_two_names

    people = read_roster(table)
    found = enter(gradebook.nbgraders, people)
    for sentence in under_two_names(people.people, gradebook.students()):
        console.print(sentence, markup=False, style="yellow")
    console.print(f"Roster of {len(people.people)}: {len(found)} of them have handed something in.")


def _gradebook(out: Path, db: str | None) -> "closing[GradebookWriter]":
    from autograder.grading.gradebook import GradebookWriter, database_url

    if db is None and not (out / "gradebook.db").is_file():
        raise CourseError(
            f"There is no gradebook in {out}: run `python -m autograder grade` first, or name it with --out."
        )
    return closing(GradebookWriter(database_url(out, db)))
