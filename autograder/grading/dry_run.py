"""What `grade` would take from a place, as tables for the terminal: file, student, lesson, attempt, and why."""

from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from autograder.authoring import source
from autograder.grading.names import lesson_in
from autograder.grading.submissions import Collection, collect
from lessonkit.errors import CourseError


def tables(place: Path, lesson: str | None, pattern: str | None) -> Iterator[Table | str]:
    """A table for each lesson that something was handed in for (or for the one named), and a line that sums it up.

    Raises:
        CourseError: there is no such place, or nothing in it for any lesson.
    """
    if lesson is not None:
        yield from _of(collect(place, source.find_lesson(lesson), pattern), source.find_lesson(lesson))
        return
    reason: CourseError | None = None
    found = False
    names = source.lesson_names()
    for name in names:
        try:
            collection = collect(place, name, pattern)
        except CourseError as error:
            reason = error
            continue
        files = [line.file for line in collection.lines]
        if any(name.casefold() in file.casefold() or lesson_in(file, names) == name for file in files):
            found = True
            yield from _of(collection, name)
    if not found:
        raise reason or CourseError(f"Nothing in {place} names a lesson. Name it: `collect PLACE LESSON`.")


def _of(collection: Collection, lesson: str) -> Iterator[Table | str]:
    table = Table(title=f"{lesson}, recognised as: {collection.layout}")
    others = any(line.lesson not in ("", lesson) for line in collection.lines)  # else the title says it
    shown = ("file", "student", "name", *(["lesson"] if others else []), "handed in", "counts", "why")
    for column in shown:
        table.add_column(column, overflow="fold")
    by_student = {submission.student: submission for submission in collection.submissions}
    for line in collection.lines:
        submission = by_student.get(line.student)
        name = submission.name if submission else ""
        time = f"{line.time:%Y-%m-%d %H:%M}" if line.time else ""
        lessons = [line.lesson] if others else []
        cells = (line.file, line.student, name, *lessons, time, "yes" if line.counts else "no", line.why)
        table.add_row(*map(escape, cells))
    yield table
    counting = sum(not submission.refused for submission in collection.submissions)
    yield (
        f"{len(collection.submissions)} students, {counting} with a notebook that counts; "
        f"{len(collection.not_used)} files not used."
    )
