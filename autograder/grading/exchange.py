"""Feedback through nbgrader's exchange: beside each page lies what `nbgrader release_feedback` finds its student by."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from autograder.grading.files import File, files_in, printable
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.graded_notebook import feedback_path
from autograder.grading.records import Record, short_sha
from autograder.grading.submissions import NBGRADERS
from lessonkit.files import write_whole

COLLECTED = "submitted"  # where nbgrader's collect puts what came through the exchange, in the course's folder
STAMP, SECRET = NBGRADERS


def prepare_exchange(gradebook: GradebookWriter, lesson: str, out: Path) -> Iterator[str] | None:
    """Put nbgrader's two files beside each page of a class that handed in through an exchange; None if it did not.

    A page finds its reader by the secret of the submission that it is about. Yields a sentence for each page that has
    none; it gets one that nobody knows, since nbgrader would release no page at all if one had no secret.
    """
    if any((out / COLLECTED).glob(f"*/{lesson}/{SECRET}")):
        return _prepared(gradebook, lesson, out)
    return None


def _prepared(gradebook: GradebookWriter, lesson: str, out: Path) -> Iterator[str]:
    for record in gradebook.records(lesson):
        page = feedback_path(out, record.student, lesson)
        if not page.is_file():
            continue
        there = files_in(folder) if (folder := out / COLLECTED / record.student / lesson).is_dir() else []
        texts = {
            file.name: file.read()[0][:1000].decode("utf-8", "replace")
            for file in there
            if file.name in (SECRET, STAMP)
        }
        # What a student wrote into it must not stop the release for the others.
        known = re.fullmatch(r"[0-9a-f]{32,128}", texts.get(SECRET, ""))
        if known and _graded_from(there, record):
            write_whole(page.with_name(SECRET), known[0])
            write_whole(page.with_name(STAMP), printable(texts.get(STAMP, "").strip()))
            continue
        if known:
            yield f"{record.label} handed in again after this was graded: collect, grade and write feedback again"
        else:
            yield f"{record.label} handed in elsewhere: the exchange brings this page to nobody, hand it back by hand"
        if not page.with_name(SECRET).is_file():
            write_whole(page.with_name(SECRET), secrets.token_hex(64))
            write_whole(page.with_name(STAMP), "")


def _graded_from(files: list[File], record: Record) -> bool:
    """Whether the page is about what lies there now."""
    graded = record.attempts[-1].get("sha") if record.attempts else None
    return any(short_sha(f.read()[0]) == graded for f in files if f.is_notebook)
