"""Marks as the platforms' own gradebooks: with a roster the same rows, ids and headings, so that they import."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograder.grading.records import Record, changed_by_hand, late_in_words
from autograder.grading.roster import Person, Roster, match
from lessonkit.errors import CourseError

CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
BLANK, ZERO = "blank", "zero"  # what stands for somebody who handed in nothing


@dataclass(frozen=True)
class Class:
    """What is graded, by lesson; the roster, if there is one; and what stands for those who handed in nothing."""

    records: Mapping[str, Sequence[Record]]
    roster: Roster | None = None
    absent: str = BLANK

    def people(self) -> Iterator[tuple[Person, dict[str, Record]]]:
        """Everybody with their records by lesson: the roster in its order, then those it doesn't know."""
        students = sorted({record.student for found in self.records.values() for record in found})
        own: dict[str, dict[str, Record]] = {student: {} for student in students}
        for lesson, found in self.records.items():
            for record in found:
                own[record.student][lesson] = record
        known = match(self.roster.people, students) if self.roster else {}
        of = {person.id: student for student, person in known.items()}
        for person in self.roster.people if self.roster else ():
            yield person, own[of[person.id]] if person.id in of else {}
        for student in students:
            if student not in known:
                some = next(iter(own[student].values()))
                yield Person(student, some.name, some.email), own[student]

    def mark(self, record: Record | None) -> str:
        """A student's points for a lesson; what was asked for where nothing was handed in."""
        return f"{record.points:g}" if record else "0" if self.absent == ZERO else ""

    def most(self, lesson: str) -> str:
        """The points to be had in a lesson."""
        return f"{max(record.max_points for record in self.records[lesson]):g}"


def canvas(graded: Class) -> list[list[object]]:
    """Canvas' gradebook: five columns that name a student, then one an assignment; its second row has the maxima.

    With Canvas' own exported gradebook as the roster: its rows, its ids, its headings ("Name (12345)"). Without it the
    platform's number stands as ID where there is one, else the submission's name as the login.
    (Canvas documentation: "How do I import grades in the Gradebook?")
    """
    own = graded.roster if graded.roster and graded.roster.kind == "canvas" else None
    columns = tuple(c for c in own.columns if c in CANVAS) if own else CANVAS
    headings = {lesson: _heading(lesson, own.columns if own else ()) for lesson in graded.records}
    rows: list[list[object]] = [[*columns, *headings.values()]]
    rows.append(["    Points Possible", *[""] * (len(columns) - 1), *map(graded.most, graded.records)])
    for person, found in graded.people():
        marks = [graded.mark(found.get(lesson)) for lesson in graded.records]
        if own and person.row:
            rows.append([*(person.row.get(c, "") for c in columns), *marks])
        else:
            number = person.id if person.id.isdigit() else ""
            login = "" if number else next(iter(person.others), person.id)
            told = {"Student": person.name or person.id, "ID": number, "SIS Login ID": login}
            rows.append([*(told.get(c, "") for c in columns), *marks])
    return rows


def moodle(graded: Class) -> list[list[object]]:
    """Moodle's grading worksheet, filled in: grade and comments. One lesson at a time; the worksheet is the roster.

    Raises:
        CourseError: there are several lessons, or the roster is no grading worksheet.
    """
    if graded.roster is None or graded.roster.kind != "moodle":
        raise CourseError("Moodle wants its own grading worksheet back: enter it with `roster WORKSHEET.csv` first.")
    lesson = _one(graded, "Moodle's grading worksheet")
    rows: list[list[object]] = [list(graded.roster.columns)]
    for person, found in graded.people():
        if not person.row:
            continue
        record = found.get(lesson)
        filled = dict(person.row) | {"Grade": graded.mark(record)}
        if "Feedback comments" in filled and record is not None:
            filled["Feedback comments"] = in_words(record)
        rows.append([filled.get(c, "") for c in graded.roster.columns])
    return rows


def brightspace(graded: Class) -> list[list[object]]:
    """Brightspace's import: OrgDefinedId, a column an assignment with its maximum in the heading, a last column #."""
    headings = [f"{lesson} Points Grade <Numeric MaxPoints:{graded.most(lesson)}>" for lesson in graded.records]
    own = graded.roster if graded.roster and graded.roster.kind == "brightspace" else None
    ids = [c for c in ("OrgDefinedId", "Username") if own is None or c in own.columns]
    rows: list[list[object]] = [[*ids, *headings, "End-of-Line Indicator"]]
    for person, found in graded.people():
        told = {"OrgDefinedId": f"#{person.id}", "Username": next(iter(person.others), person.id)}
        told |= {c: person.row[c] for c in ids if person.row.get(c)}
        rows.append([*(told[c] for c in ids), *(graded.mark(found.get(lesson)) for lesson in graded.records), "#"])
    return rows


def table(graded: Class) -> list[list[object]]:
    """One row a student and lesson: points, maximum, percent, how many exercises passed, and what changed the mark."""
    figures = ["student", "lesson", "points", "max_points", "percent", "passed", "exercises"]
    rows: list[list[object]] = [[*figures, "name", "email", "late", "by_hand"]]
    for lesson in graded.records:
        for person, found in graded.people():
            record = found.get(lesson)
            if record is None:
                if graded.roster is not None:
                    mark = "0" if graded.absent == ZERO else ""
                    told = [person.id, lesson, mark, graded.most(lesson), "", "", ""]
                    rows.append([*told, person.name, person.email, "handed in nothing", ""])
                continue
            counting = [v for v in record.verdicts if v.get("excused") is None]
            passed = sum(v["verdict"] == "passed" for v in counting)
            percent = f"{100 * record.points / record.max_points:.1f}" if record.max_points else ""
            hand = "; ".join(f"{v['exercise']} {text}" for v in record.verdicts if (text := changed_by_hand(v)))
            rows.append(
                [record.student, lesson, f"{record.points:g}", f"{record.max_points:g}", percent, passed, len(counting),
                 record.name, record.email, late_in_words(record), hand]
            )  # fmt: skip
    return rows


def in_words(record: Record) -> str:
    """What a student is told in one line: each exercise with its verdict, and the comments."""
    parts = [f"{v['exercise']}: {v['verdict'].replace('_', ' ')}" for v in record.verdicts]
    parts += [f"{v['exercise']}: {v['comment']}" for v in record.verdicts if v.get("comment")]
    return "; ".join(parts)


def _heading(lesson: str, columns: Sequence[str]) -> str:
    """The platform's own heading of a lesson's assignment, if it has one: Canvas adds the number of the assignment."""
    stem = re.sub(r"\W+", " ", lesson.casefold().replace("_", " ")).strip()
    for column in columns:
        plain = re.sub(r"\(\d+\)\s*$", "", column)
        if re.sub(r"\W+", " ", plain.casefold().replace("_", " ")).strip() == stem:
            return column
    return next((c for c in columns if re.search(rf"(?<!\d){re.escape(lesson)}(?!\w)", c, re.IGNORECASE)), lesson)


def _one(graded: Class, what: str) -> str:
    if len(graded.records) > 1:
        raise CourseError(f"{what} is for one lesson: name it, `export LESSON --to moodle`.")
    return next(iter(graded.records))


FORMS: dict[str, tuple[str, Callable[[Class], list[list[object]]]]] = {
    "csv": ("marks.csv", table),
    "canvas": ("canvas.csv", canvas),
    "moodle": ("moodle.csv", moodle),
    "brightspace": ("brightspace.csv", brightspace),
}
