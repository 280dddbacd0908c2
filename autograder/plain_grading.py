"""Grading with nbgrader as it is: one notebook after the other, in real kernels; a bad one doesn't stop the others."""

import csv
import json
import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from autograder import build, source

CONFIG = Path(__file__).with_name("nbgrader_config.py")
COLUMNS = ("student", "lesson", "exercise", "points", "max_points", "note")


@dataclass(frozen=True)
class Mark:
    """The points of one student for one exercise; `note` says why a submission could not be graded."""

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


def grade(lessons: list[str], out: Path) -> PlainRun:
    """Grade out/submitted/STUDENT/LESSON/LESSON.ipynb with nbgrader into out/gradebook.db, feedback and marks.csv."""
    api = _api(out)
    marks, seconds = [], {}
    for name in lessons:
        lesson = source.load(name)
        build.generate(lesson, api.coursedir.db_url)
        for folder in sorted((out / "submitted").glob(f"*/{lesson.name}")):
            student = folder.parent.name
            start = time.monotonic()
            note = _grade_one(api, lesson.name, student)
            seconds[student, lesson.name] = time.monotonic() - start
            marks += _marks(api.coursedir.db_url, lesson, student, note)
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
        logger.setLevel(logging.CRITICAL)
    return api


def _grade_one(api: NbGraderAPI, lesson: str, student: str) -> str:
    """Autograde one submission and write its feedback. Returns why it could not be graded, if so."""
    try:
        json.loads(Path(api.coursedir.format_path("submitted", student, lesson), f"{lesson}.ipynb").read_bytes())
    except (OSError, ValueError):
        return "the file is no notebook that can be read"
    result = api.autograde(lesson, student, force=True, create=True)
    if not result["success"]:
        return f"nbgrader: {(result.get('error') or result.get('log') or 'failed').strip().splitlines()[-1]}"
    api.generate_feedback(lesson, student, force=True)
    return ""


def _marks(db_url: str, lesson: source.LessonSource, student: str, note: str) -> list[Mark]:
    from autograder.notebook import cell_id

    found: dict[str, float] = {}
    with Gradebook(db_url) as gradebook:
        if not note:
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
