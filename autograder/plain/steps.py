"""Steps that plain nbgrader lacks: what would earn full marks without an answer, or cost an honest one."""

import contextlib
import re
import sqlite3
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked, is_solution


class DropTags(NbGraderPreprocessor):
    """Remove the tags of graded, locked and answer cells: a check that a tag skips would get full marks."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Clean one cell."""
        if is_grade(cell) or is_solution(cell) or is_locked(cell):
            cell.metadata.pop("tags", None)
        return cell, resources


class RestoreChecks(NbGraderPreprocessor):
    """Put deleted checks back, at the end of the notebook: a check needs nothing but the answer's name."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Compare with the gradebook's cells, and append what is missing."""
        present = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells}
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            notebook = gradebook.find_notebook(names["notebook"], names["assignment"])
            sources = {cell.name: cell for cell in notebook.source_cells}
            for check in notebook.grade_cells:
                if check.name not in present:
                    nb.cells.append(_check_cell(sources[check.name], check.max_score))
        return nb, resources


class FreeCopies(NbGraderPreprocessor):
    """Make copies of a cell, found by DeduplicateIds, plain: it leaves marks that nbgrader can't read back."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Drop empty marks."""
        if cell.metadata.get("nbgrader") == {}:
            del cell.metadata["nbgrader"]
        return cell, resources


class VerdictOrNothing(NbGraderPreprocessor):
    """A check without a verdict gets no points: nbgrader gives full marks to a cell that shows nothing, or a text."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: ResourcesDict, cell_index: int
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Add an error to a check that has neither an error nor a number as its result."""
        if is_grade(cell) and not any(self._is_judged(output) for output in cell.outputs):
            said = "This check gave no verdict, so no points. Is `check` or `probe` defined anew in the notebook?"
            cell.outputs.insert(0, new_output("error", ename="NoVerdict", evalue=said, traceback=[said]))
        return cell, resources

    @staticmethod
    def _is_judged(output: NotebookNode) -> bool:
        if output.output_type != "execute_result":
            return output.output_type == "error"
        try:
            return float(output.data.get("text/plain", "")) >= 0
        except ValueError:
            return False


def _check_cell(source: object, points: float) -> NotebookNode:
    marks = {"grade": True, "grade_id": source.name, "locked": True, "points": points, "schema_version": 3}
    marks |= {"solution": False, "task": False, "cell_type": "code", "checksum": source.checksum}
    return new_code_cell(source.source, id=source.name, metadata={"nbgrader": marks})


def _is_sealed(folder: Path, assignment: str) -> bool:
    """Whether a lesson is graded by the sealed grader into a folder: its marks.csv says so, or the gradebook in it.

    A spreadsheet may have saved the one in any way, and the other may be on a server.
    """
    marks, book = folder / "marks.csv", folder / "gradebook.db"
    if marks.is_file():
        text = marks.read_bytes().replace(b"\0", b"").decode("utf-8", "replace")
        if re.search(rf"(?<!\w){re.escape(assignment)}(?!\w)", text):
            return True
    if not book.is_file():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"{book.as_uri()}?mode=ro", uri=True)) as db:
            found = db.execute("SELECT 1 FROM sealed_record WHERE lesson = ? LIMIT 1", (assignment,))
            return found.fetchone() is not None
    except sqlite3.Error:
        return False  # none of the sealed grader's


def leave_sealed_marks_alone(assignment: str, student: str, notebooks: list[str]) -> None:
    """Ends nbgrader's Autograde in a folder that the sealed grader marked, before anything is run.

    SystemExit, since nbgrader takes an ordinary exception of this hook as a reason to go on.
    """
    for notebook in notebooks:
        folder = Path(notebook).resolve().parents[3]  # OUT/submitted/STUDENT/LESSON/LESSON.ipynb
        if _is_sealed(folder, assignment):
            raise SystemExit(
                f"{assignment} is graded by the sealed grader in {folder}: nbgrader's Autograde would run submissions "
                "outside the sandbox and overwrite its marks. Run `python -m autograder grade` again instead; to use "
                "plain nbgrader, take another folder."
            )


def ask_before_removing() -> None:
    """Let nbgrader's Autograde ask `leave_sealed_marks_alone` before it removes a page; its own hook comes later."""
    removes = Autograde.init_destination
    if getattr(removes, "asks", False):
        return

    def init_destination(self: Autograde, assignment_id: str, student_id: str) -> bool:
        leave_sealed_marks_alone(assignment_id, student_id, self.notebooks)
        return removes(self, assignment_id, student_id)

    init_destination.asks = True
    Autograde.init_destination = init_destination
