"""Marks in the forms that other systems read: CSV, Canvas' gradebook, Gradescope's results."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from autograder.files import write_whole
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.records import Record
from lessonkit.errors import CourseError

# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_STATUS = {True: "passed", False: "failed"}


def export(gradebook: GradebookWriter, lessons: list[str], form: str, out: Path) -> list[Path]:
    """Write the marks of lessons in one of FORMS; returns the files.

    Raises:
        CourseError: there is no such form, or nothing is graded.
    """
    if form not in FORMS:
        raise CourseError(f"There is no form {form!r}. There are: {', '.join(FORMS)}.")
    records = {name: list(gradebook.records(name)) for name in lessons}
    if not any(records.values()):
        raise CourseError("Nothing is graded here: run `python -m autograder grade` first.")
    return FORMS[form]({name: found for name, found in records.items() if found}, out)


def as_csv(records: dict[str, list[Record]], out: Path) -> list[Path]:
    """One row a student and lesson: points, maximum, percent, and how many exercises passed."""
    rows: list[list[object]] = [["student", "lesson", "points", "max_points", "percent", "passed", "exercises"]]
    for lesson, found in records.items():
        for r in found:
            passed = sum(v["verdict"] == "passed" for v in r.verdicts)
            percent = f"{100 * r.points / r.max_points:.1f}"
            points = [f"{r.points:g}", f"{r.max_points:g}"]
            rows.append([r.student, lesson, *points, percent, passed, len(r.verdicts)])
    return [write_csv(out / "export" / "marks.csv", rows)]


def as_canvas(records: dict[str, list[Record]], out: Path) -> list[Path]:
    """Canvas' gradebook: five columns that name a student, then a column an assignment; its second row has the maxima.

    Canvas matches by ID, SIS User ID or SIS Login ID; here the name of the submission stands as the login, the others
    are empty. (Canvas documentation: "How do I import grades in the Gradebook?")
    """
    students = sorted({r.student for found in records.values() for r in found})
    points = {(r.student, lesson): r.points for lesson, found in records.items() for r in found}
    most = [f"{found[0].max_points:g}" for found in records.values()]
    rows: list[list[object]] = [[*CANVAS, *records], ["    Points Possible", "", "", "", "", *most]]
    for student in students:
        marks = [f"{points[student, name]:g}" if (student, name) in points else "" for name in records]
        rows.append([student, "", "", student, "", *marks])
    return [write_csv(out / "export" / "canvas.csv", rows)]


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


FORMS: dict[str, Callable[[dict[str, list[Record]], Path], list[Path]]] = {
    "csv": as_csv,
    "canvas": as_canvas,
    "gradescope": as_gradescope,
}


def write_csv(path: Path, rows: list[list[object]]) -> Path:
    """Write rows as CSV, whole or not at all. Text that a spreadsheet would execute gets a quote in front."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[_plain(cell) for cell in row] for row in rows])
    write_whole(path, text.getvalue())
    return path


def _plain(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) and not _is_number(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
