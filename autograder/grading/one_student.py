"""Everything of one student, as tables for the terminal."""

from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from autograder.grading.gradebook import GradebookWriter
from autograder.grading.graded_notebook import feedback_path, graded_path
from autograder.grading.records import Record, changed_by_hand, late_in_words
from autograder.sandbox.text import one_line
from lessonkit.errors import CourseError, did_you_mean

LONGEST = 300  # characters of a message
MOST_NAMED = 10  # of several students with one name


def everything_of(gradebook: GradebookWriter, wanted: str, out: Path) -> Iterator[Table | str]:
    """A table a lesson: exercises, points, verdicts, comments; above it when and how often something was handed in.

    Raises:
        CourseError: nobody, or several, are called so.
    """
    lessons = gradebook.lessons()
    records = [record for lesson in lessons for record in gradebook.records(lesson)]
    who = _meant(records, wanted)
    if len(who) > 1:
        names = sorted({r.label for r in records if r.student in who})
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        said = ", ".join(names[:MOST_NAMED]) + more
        raise CourseError(f"{len(who)} students are called {wanted!r}: {said}. Name one by the id.")
    if not who:
        known = sorted({r.student for r in records} | {r.name for r in records if r.name})
        raise CourseError(f"Nothing of {wanted!r} is graded here." + did_you_mean(wanted, known))
    for record in (r for r in records if r.student in who):
        yield from _of(record, out)
    found = [r for r in records if r.student in who]
    handed_in = {r.lesson for r in found}
    if absent := [lesson for lesson in lessons if lesson not in handed_in]:
        yield f"Handed in nothing for: {', '.join(absent)}"
    yield f"Together: {sum(r.points for r in found):g} of {sum(r.max_points for r in found):g} points."


def _of(record: Record, out: Path) -> Iterator[Table | str]:
    facts = [f"{record.points:g} of {record.max_points:g} points"]
    if record.handed_in.get("time"):
        facts.append(f"handed in {record.handed_in['time']}")
    if late := late_in_words(record):
        facts.append(f"late: {late}")
    facts.append(f"attempts: {max(1, len(record.attempts))}")
    table = Table(title=escape(f"{record.lesson}: {record.label}: {'; '.join(facts)}"), title_justify="left")
    for column in ("exercise", "points", "verdict", "what it says", "by hand", "comment"):
        table.add_column(column, overflow="fold")
    for v in record.verdicts:
        points = f"{v['points']:g} of {v['max_points']:g}"
        cells = [v["exercise"], points, str(v["verdict"]), v["message"], changed_by_hand(v), v.get("comment", "")]
        table.add_row(*(escape(one_line(cell, LONGEST)) for cell in cells))
    yield table
    for note in record.notes:
        yield escape(f"note: {one_line(note, LONGEST)}")
    places = [graded_path(out, record.student, record.lesson), feedback_path(out, record.student, record.lesson)]
    yield escape("files: " + ", ".join(str(path) for path in places if path.is_file()))


def _meant(records: list[Record], wanted: str) -> set[str]:
    """The ids of those who are meant: by the id, else by the name, else by a part of it."""
    words = set(wanted.casefold().split())
    return (
        {r.student for r in records if r.student == wanted}
        or {r.student for r in records if r.name.casefold() == wanted.casefold()}
        or {r.student for r in records if words and words <= set(r.name.casefold().replace(",", " ").split())}
    )
