"""Marks in the forms that other systems read: CSV, Canvas' gradebook, Gradescope's results."""

import csv
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path

from autograder.grading import platforms
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.platforms import BLANK, ZERO, Class
from autograder.grading.records import Record
from autograder.sandbox.text import one_line, plain
from lessonkit.errors import CourseError
from lessonkit.files import write_whole

# What a spreadsheet would take for a formula: at the beginning of a cell, or behind what it may take for its end.
_SIGNS = "=+@＝＋－＠"
_FORMULA = re.compile(rf"^\s*[{_SIGNS}-]|(?<=[;,\t|])\s*(?:[{_SIGNS}]|-(?!\s?\d))")
LONGEST_CELL = 2_000  # characters
_STATUS = {True: "passed", False: "failed"}


def export(gradebook: GradebookWriter, lessons: list[str], form: str, out: Path, absent: str = BLANK) -> list[Path]:
    """Write the marks of lessons in one of FORMS; returns the files. `absent`: what stands for who handed in nothing.

    Raises:
        CourseError: there is no such form, nothing is graded, or the form needs a roster that isn't there.
    """
    if form not in (*FORMS, *WITH_A_WORKSHEET):
        raise CourseError(f"There is no form {form!r}. There are: {', '.join((*FORMS, *WITH_A_WORKSHEET))}.")
    if absent not in (BLANK, ZERO):
        raise CourseError(f"--absent is {BLANK} or {ZERO}, not {absent!r}.")
    records = {name: list(gradebook.records(name)) for name in lessons}
    records = {name: found for name, found in records.items() if found}
    if not records:
        raise CourseError("Nothing is graded here: run `python -m autograder grade` first.")
    if form == "gradescope":
        return as_gradescope(records, out)
    file, rows = platforms.FORMS[form]
    graded = Class(records, gradebook.roster(), absent)
    return [write_csv(out / "export" / file, rows(graded), for_people=form == "csv")]


def as_gradescope(records: dict[str, list[Record]], out: Path) -> list[Path]:
    """A results.json a student and lesson, as Gradescope's container would write it: to compare with, not to upload."""
    written = []
    for lesson, found in records.items():
        for r in found:
            result = results_json(r.verdicts, r.points, r.notes, r.seconds.get("whole", 0.0))
            path = out / "export" / "gradescope" / lesson / r.student / "results.json"
            write_whole(path, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
            written.append(path)
    return written


def results_json(verdicts: Iterable[dict], points: float, notes: Iterable[str], seconds: float) -> dict:
    """What Gradescope's autograders write for a submission: score, tests, visibility.

    (Gradescope documentation: "Autograder Specifications", output format.)
    """
    tests = [
        {
            "name": v["exercise"],
            "number": str(i),
            "score": v["points"],
            "max_score": v["max_points"],
            "status": _STATUS[v["verdict"] == "passed"],
            "output": plain(v["message"]),
            "output_format": "text",
            "visibility": "visible",
        }
        for i, v in enumerate(verdicts, 1)
    ]
    return {
        "score": points,
        "execution_time": round(seconds, 3),
        "output": plain("\n".join(notes)),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


WITH_A_WORKSHEET = ("moodle",)  # filled in, so that it must have been entered
FORMS = ("csv", "canvas", "gradescope", *(f for f in platforms.FORMS if f not in ("csv", "canvas", *WITH_A_WORKSHEET)))


def write_csv(path: Path, rows: list[list[object]], for_people: bool = False) -> Path:
    """Write rows as CSV (RFC 4180), whole or not at all: one line a row, whatever the cells hold.

    Text that a spreadsheet would execute gets a quote in front.
    """
    write_whole(path, csv_text(rows, for_people))
    return path


def csv_text(rows: list[list[object]], for_people: bool = False) -> str:
    """Rows as the text of a CSV; see `write_csv`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[_plain(cell) for cell in row] for row in rows])
    mark = "\ufeff" if for_people else ""  # without it Excel garbles every name with an accent
    return mark + text.getvalue()


def _plain(cell: object) -> object:
    if not isinstance(cell, str) or _is_number(cell):
        return cell
    text = cell if cell.isprintable() and len(cell) <= LONGEST_CELL else one_line(cell, LONGEST_CELL)
    return _FORMULA.sub(lambda found: "'" + found.group(), text)


def _is_number(text: str) -> bool:
    """Whether a text is a number to every reader: Python takes a line separator before it, too, and other digits."""
    return bool(re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?", text, re.IGNORECASE))
