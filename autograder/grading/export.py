"""Marks in the forms that other systems read: CSV, Canvas' gradebook, Gradescope's results."""

import csv
import io
import json
from pathlib import Path

from autograder.files import write_whole
from autograder.grading import platforms
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.platforms import BLANK, ZERO, Class
from autograder.grading.records import Record
from lessonkit.errors import CourseError

# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STATUS = {True: "passed", False: "failed"}


def export(gradebook: GradebookWriter, lessons: list[str], form: str, out: Path, absent: str = BLANK) -> list[Path]:
    """Write the marks of lessons in one of FORMS; returns the files. `absent`: what stands for who handed in nothing.

    Raises:
        CourseError: there is no such form, nothing is graded, or the form needs a roster that isn't there.
    """
    if form not in FORMS:
        raise CourseError(f"There is no form {form!r}. There are: {', '.join(FORMS)}.")
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
    """A results.json a student and lesson, as Gradescope's autograders write it: score, tests, visibility.

    (Gradescope documentation: "Autograder Specifications", output format.)
    """
    written = []
    for lesson, found in records.items():
        for r in found:
            tests = [
                {
                    "name": v["exercise"],
                    "number": str(i),
                    "score": v["points"],
                    "max_score": v["max_points"],
                    "status": _STATUS[v["verdict"] == "passed"],
                    "output": v["message"],
                    "output_format": "text",
                    "visibility": "visible",
                }
                for i, v in enumerate(r.verdicts, 1)
            ]
            result = {
                "score": r.points,
                "execution_time": round(r.seconds.get("whole", 0.0), 3),
                "output": "\n".join(r.notes),
                "output_format": "text",
                "visibility": "visible",
                "stdout_visibility": "hidden",
                "tests": tests,
            }
            path = out / "export" / "gradescope" / lesson / r.student / "results.json"
            write_whole(path, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
            written.append(path)
    return written


FORMS = (*platforms.FORMS, "gradescope")


def write_csv(path: Path, rows: list[list[object]], for_people: bool = False) -> Path:
    """Write rows as CSV, whole or not at all. Text that a spreadsheet would execute gets a quote in front."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[_plain(cell) for cell in row] for row in rows])
    mark = "\ufeff" if for_people else ""  # without it Excel garbles every name with an accent
    write_whole(path, mark + text.getvalue())
    return path


def _plain(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) and not _is_number(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
