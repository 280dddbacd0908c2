"""marks.csv, a row an exercise of every graded submission, and not_used.csv, what was found beside them."""

from pathlib import Path

from autograder.grading.export import write_csv
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.records import changed_by_hand, late_in_words
from autograder.grading.submissions import Collection
from autograder.sandbox.text import cut

COLUMNS = ("student", "lesson", "exercise", "points", "max_points", "verdict", "message")
LONGEST_MESSAGE = 1_000  # characters of a message in marks.csv
MORE = ("name", "by_hand", "comment", "late")


def write_marks(path: Path, gradebook: GradebookWriter) -> Path:
    """Write marks.csv anew from the gradebook, which is the truth: a row an exercise of every graded submission."""
    rows: list[list[object]] = [[*COLUMNS, *MORE]]
    for lesson in gradebook.lessons():
        for record in gradebook.records(lesson):
            for verdict in record.verdicts:
                points = [f"{verdict[name]:g}" for name in ("points", "max_points")]
                told = [verdict["verdict"], cut(verdict["message"], LONGEST_MESSAGE)]
                more = [record.name, changed_by_hand(verdict), verdict["comment"], late_in_words(record)]
                rows.append([record.student, lesson, verdict["exercise"], *points, *told, *more])
    return write_csv(path, rows)


def write_not_used(path: Path, collection: Collection) -> Path:
    """Write not_used.csv: every file that was found and doesn't count, with the reason."""
    rows = [[line.file, line.student, line.lesson, line.why] for line in collection.not_used]
    return write_csv(path, [["file", "student", "lesson", "why"], *rows])
