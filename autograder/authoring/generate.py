"""nbgrader's generator on a lesson: what a learner gets, and the cells that the gradebook knows."""

import logging
import platform
import tempfile
from pathlib import Path

import nbformat
from traitlets.config import Config

from autograder.authoring.notebook import cell_id, to_notebook, write
from autograder.authoring.source import LessonSource
from autograder.machine import offer_own_programs
from lessonkit.errors import CourseError

COURSE = "attention"  # its name in the gradebook
GOES_ON = "raises-exception"  # a tag: a slip in one exercise doesn't end Run All, nor do the cells that miss its name
STUB = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}


def student_notebook(lesson: LessonSource) -> str:
    """The learner's notebook: no outputs, no answers.

    nbgrader's own steps make it, in nbgrader's order; those that write the gradebook (most of the generator's time) and
    those that have nothing to do here are left out. A test compares with `generate`.
    """
    from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, ClearSolutions, ComputeChecksums, LockCells

    made, resources, config = to_notebook(lesson), {}, Config()
    _configure(config)
    for step in (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ComputeChecksums):
        made, resources = step(config=config).preprocess(made, resources)
    made.metadata["language_info"]["version"] = platform.python_version()
    slips = [cell for cell in lesson.cells if cell.kind in ("exercise", "check", "plain") and cell.name != "setup"]
    goes_on = {cell_id(lesson.name, cell) for cell in slips}
    for cell in made.cells:
        if cell.id in goes_on:
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), GOES_ON]
    return write(made)


def generate(lesson: LessonSource, db_url: str | None = None) -> nbformat.NotebookNode:
    """Run nbgrader's generator on a lesson: the notebook it releases; its cells are entered into the gradebook.

    Raises:
        CourseError: nbgrader refuses; its log says why.
    """
    from nbgrader.apps.api import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    offer_own_programs()
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        source = Path(folder) / "source" / lesson.name
        source.mkdir(parents=True)
        (source / f"{lesson.name}.ipynb").write_text(write(to_notebook(lesson)), encoding="utf-8")
        config = Config()
        config.CourseDirectory.root = folder
        config.CourseDirectory.course_id = COURSE
        config.CourseDirectory.db_url = db_url or f"sqlite:///{folder}/gradebook.db"
        config.Exchange.root = folder  # not used; the default is a system folder, and nbgrader would complain
        _configure(config)
        api = NbGraderAPI(CourseDirectory(config=config), config=config)
        api.log.setLevel(logging.ERROR)
        result = api.generate_assignment(lesson.name, force=True, create=True)
        if not result["success"]:
            raise CourseError(f"nbgrader could not make the learner's notebook of {lesson.name}:\n{result['log']}")
        return nbformat.read(Path(folder) / "release" / lesson.name / f"{lesson.name}.ipynb", as_version=4)


def _configure(config: Config) -> None:
    config.ClearSolutions.code_stub = STUB
    config.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
    config.ClearSolutions.end_solution_delimeter = "END SOLUTION"
