"""One zip of feedback pages for handing back, laid out as the platform's own feedback upload takes it.

The names are those under which the platform handed the files out, from memory of its documentation ("Upload multiple
feedback files in a zip" in Moodle, "Upload submission files" in Canvas): no Moodle or Canvas runs in our tests, so try
it with one student first.
"""

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from autograder.grading.export import csv_text
from autograder.grading.files import NOTEBOOK
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.graded_notebook import feedback_path
from autograder.grading.owners import LAYOUTS
from autograder.grading.records import Record
from lessonkit.errors import CourseError
from lessonkit.files import whole_file

_PATTERNS = {layout.name: layout.pattern for layout in LAYOUTS}
FOLDERS = "folders"


def _matching(record: Record, layout: str) -> re.Match | None:
    """The part of the path of what was handed in that has a platform's form."""
    parts = str(record.handed_in.get("file", "")).split("/")
    return next((found for part in parts if (found := _PATTERNS[layout].match(part))), None)


def _canvas(record: Record) -> str | None:
    """The very name that Canvas gave the file, with another ending: it holds the numbers by which Canvas knows it."""
    found = _matching(record, "Canvas, anonymous") or _matching(record, "Canvas")
    if found is None:
        return None
    name = found.string
    endings = sorted((*NOTEBOOK, ".zip", ".html"), key=len, reverse=True)
    ending = next((e for e in endings if name.casefold().endswith(e)), "")
    return f"{name[: len(name) - len(ending)]}.html"


def _moodle(record: Record) -> str | None:
    """Moodle's folder of the student: Full Name_12345_assignsubmission_file_. A name has no underscore of its own."""
    found = _matching(record, "Moodle")
    if found is None:
        return None
    return f"{found['name'].replace('_', ' ')}_{found['id']}_assignsubmission_file_/{record.lesson}.html"


def _folders(record: Record) -> str:
    return f"{record.student}/{record.lesson}.html"


FORMS: dict[str, Callable[[Record], str | None]] = {"canvas": _canvas, "moodle": _moodle, FOLDERS: _folders}


def form_of(records: Sequence[Record]) -> str:
    """The form in which most of a class handed in; a folder a student where that is no platform's upload."""
    said = (str(record.handed_in.get("layout", "")).casefold() for record in records)
    layouts = Counter(layout.partition(",")[0] for layout in said)  # "Canvas, anonymous"
    most = layouts.most_common(1)[0][0] if layouts else ""
    return most if most in FORMS else FOLDERS


def write_zip(
    gradebook: GradebookWriter, lesson: str, out: Path, form: str | None = None
) -> tuple[Path, str, list[str]]:
    """Write OUT/feedback/LESSON-FORM.zip from the pages that are there; its form, and who could not be put into it.

    Raises:
        CourseError: there is no such form, or no page yet, or the disk is full.
    """
    records = list(gradebook.records(lesson))
    form = form or form_of(records)
    if form not in FORMS:
        raise CourseError(f"There is no form {form!r} for feedback. There are: {', '.join(FORMS)}.")
    inside: dict[str, Record] = {}
    left = []
    for record in records:
        name = FORMS[form](record) if feedback_path(out, record.student, lesson).is_file() else None
        if name is None or name in inside:
            left.append(record.label)
        else:
            inside[name] = record
    if not inside:
        raise CourseError(
            f"No feedback of {lesson} can be laid out for {form}: nobody's file was named as {form} does."
        )
    path = out / "feedback" / f"{lesson}-{form}.zip"
    with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, record in inside.items():
            archive.write(feedback_path(out, record.student, lesson), name)
        if form == FOLDERS:
            rows: list[list[object]] = [["student", "name", "email", "file"]]
            rows += [[record.student, record.name, record.email, name] for name, record in inside.items()]
            archive.writestr("mail.csv", csv_text(rows, for_people=True))
    return path, form, left
