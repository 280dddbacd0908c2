"""Grading with nbgrader as it is: one notebook after the other, in real kernels; a bad one doesn't stop the others."""

import csv
import logging
import shutil
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from autograder.authoring import source
from autograder.authoring.generate import generate

CONFIG = Path(__file__).resolve().parents[1] / "nbgrader_config.py"
COLUMNS = ("student", "lesson", "exercise", "points", "max_points", "note")


@dataclass(frozen=True)
class Mark:
    """The points of one student for one exercise; `note` says what went wrong with the submission."""

    student: str
    lesson: str
    exercise: str
    points: float
    max_points: float
    note: str = ""


@dataclass(frozen=True)
class PlainRun:
    """All marks, and how long each submission took, in seconds."""

    marks: tuple[Mark, ...]
    seconds: dict[tuple[str, str], float]


def run_nbgrader(lessons: list[str], out: Path) -> PlainRun:
    """Grade out/submitted/STUDENT/LESSON/LESSON.ipynb with nbgrader into out/gradebook.db, feedback and marks.csv."""
    api = _api(out)
    marks, seconds = [], {}
    for name in lessons:
        lesson = source.load(name)
        generate(lesson, api.coursedir.db_url)
        for folder in sorted((out / "submitted").glob(f"*/{lesson.name}")):
            student = folder.parent.name
            start = time.monotonic()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of SQLAlchemy, and of cell ids that nbformat mends
                graded, note = _grade_one(api, lesson.name, student)
                seconds[student, lesson.name] = time.monotonic() - start
                marks += _marks(api.coursedir.db_url, lesson, student, graded, note)
    with (out / "marks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for m in marks:
            writer.writerow([m.student, m.lesson, m.exercise, f"{m.points:g}", f"{m.max_points:g}", m.note])
    return PlainRun(tuple(marks), seconds)


def _api(out: Path) -> NbGraderAPI:
    config: Config = PyFileConfigLoader(str(CONFIG)).load_config()
    config.CourseDirectory.root = str(out.resolve())
    config.CourseDirectory.db_url = f"sqlite:///{(out / 'gradebook.db').resolve()}"
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    for logger in (api.log, logging.getLogger("nbgrader")):
        logger.setLevel(logging.ERROR)  # what nbgrader gives back to its caller; nothing of it is printed
    return api


def _grade_one(api: NbGraderAPI, lesson: str, student: str) -> tuple[bool, str]:
    """Autograde one submission and write its feedback. Returns whether there are marks, and what went wrong."""
    path = Path(api.coursedir.format_path("submitted", student, lesson), f"{lesson}.ipynb")
    if not path.is_file():
        return False, f"there is no {path.name} in the submission"
    if not _is_notebook(path):
        return False, "the file is no notebook that can be read"
    result = api.autograde(lesson, student, force=True, create=True)
    if not result["success"]:
        return False, _reason(result)
    result = api.generate_feedback(lesson, student, force=True)
    return True, "" if result["success"] else f"there is no feedback page: {_reason(result)}"


def _is_notebook(path: Path) -> bool:
    try:
        nbformat.validate(nbformat.read(path, as_version=4))
    except Exception:  # a stranger's bytes: nbformat fails on them in many ways
        return False
    return True


def _reason(result: dict) -> str:
    """A sentence for what nbgrader's log says of a failure."""
    log = f"{result.get('log', '')}\n{result.get('error', '')}"
    if "DeadKernelError" in log:
        return "a cell ended the notebook's Python process, or it ran out of memory, so nothing could be graded"
    if "CellTimeoutError" in log:
        return "a cell ran on when it was interrupted for taking too long, so nothing could be graded"
    errors = [line.strip() for line in log.splitlines() if line.partition(":")[0].endswith("Error")]
    return f"nbgrader stopped: {errors[0] if errors else 'it does not say why'}"


def _marks(db_url: str, lesson: source.LessonSource, student: str, graded: bool, note: str) -> list[Mark]:
    from autograder.authoring.notebook import cell_id

    found: dict[str, float] = {}
    with Gradebook(db_url) as gradebook:
        if graded:
            try:
                notebook = gradebook.find_submission_notebook(lesson.name, lesson.name, student)
                found = {grade.name: grade.score for grade in notebook.grades}
            except MissingEntry:
                note = "nbgrader made no record of it"
    return [
        Mark(student, lesson.name, e.name, found.get(cell_id(lesson.name, e.check), 0.0), e.points, note)
        for e in lesson.exercises().values()
    ]


def start_afresh(out: Path) -> None:
    """Remove what an earlier demonstration left in the folder."""
    for name in ("submitted", "autograded", "feedback"):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in ("gradebook.db", "marks.csv"):
        (out / name).unlink(missing_ok=True)
