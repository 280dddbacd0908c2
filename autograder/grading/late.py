"""When something was due and when it came: due dates, extensions, lateness."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autograder.grading.csv_reader import read_csv
from autograder.grading.meant import lesson_meant
from lessonkit.errors import CourseError


def due_date(text: str, what: str = "--due") -> datetime:
    """A moment with its time zone, from "2026-03-01T23:59+01:00".

    Raises:
        CourseError: it is no moment, or says no time zone: midnight is not everywhere at once.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise CourseError(f"{what} {text!r} is no date and time; write it as 2026-03-01T23:59+01:00.") from error
    if moment.tzinfo is None:
        raise CourseError(f"{what} {text!r} says no time zone; write 2026-03-01T23:59+01:00, say, or ...Z for UTC.")
    return moment


@dataclass(frozen=True)
class Due:
    """When a lesson is due, and for whom later."""

    moment: datetime | None = None
    extensions: Mapping[str, datetime] | None = None  # student -> due

    def of(self, student: str) -> datetime | None:
        """When it is due for a student."""
        return (self.extensions or {}).get(student, self.moment)

    def seconds_late(self, student: str, handed_in: datetime | None) -> float:
        """How late a student was; 0 in time, and where nothing is known."""
        due = self.of(student)
        if due is None or handed_in is None:
            return 0.0
        return max(0.0, (in_zone(handed_in, due) - due).total_seconds())


def in_zone(moment: datetime, due: datetime | None) -> datetime:
    """The moment with a time zone: its own, else that of the due date, else this machine's."""
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=due.tzinfo) if due is not None else moment.astimezone()


def as_nbgrader_keeps_it(moment: datetime) -> datetime:
    """UTC without a time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def read_extensions(path: Path, lesson: str) -> dict[str, datetime]:
    """Extensions of a lesson from a CSV with the columns student, due (and lesson, if it is for several).

    Raises:
        CourseError: the file can't be read, lacks a column, or holds a due date without a time zone, a lesson that
            there isn't, or two dates of one student; names the line.
    """
    table = read_csv(path, lower=True)
    table.needs(("student", "due"))
    found: dict[str, datetime] = {}
    for number, row in table.rows:
        due = due_date(row["due"], f"{path.name}, line {number}:")
        try:
            if row.get("lesson") and lesson_meant(row["lesson"]) != lesson:
                continue
        except CourseError as error:
            raise CourseError(f"{path.name}, line {number}: {error}") from error
        if found.setdefault(row["student"], due) != due:
            raise CourseError(f"{path.name}, line {number}: {row['student']} stands twice, with different dates.")
    return found


def in_words(seconds: float) -> str:
    """ "2 days 3 hours", "14 minutes": the two largest units."""
    if seconds < 60:
        return "less than a minute"
    left, parts = timedelta(seconds=round(seconds)), []
    for unit, size in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}{'s' * (count != 1)}")
    return " ".join(parts[:2])
