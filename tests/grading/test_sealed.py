"""The sealed path gives the demonstration class exactly the marks it must, and never grades anything twice."""

import csv

import pytest

from autograder.authoring import source
from autograder.bench import invented_class
from autograder.grading.run import Settings, grade
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import Limits
from lessonkit.errors import CourseError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence),
]
QUICK = Limits(cell_seconds=4.0, probe_seconds=3.0)
FEW = ["ada-perfect", "emil-untouched", "goran-every-other-wrong"]
CLASSES = [(name, None if name.startswith("00") else FEW) for name in source.lesson_names()]


def marks(path):
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["student"], row["lesson"], row["exercise"]): row for row in csv.DictReader(file)}


def differing(given, truth):
    """Rows whose points aren't those of the truth, with what was said about them."""
    assert given.keys() == truth.keys()
    return {key: row for key, row in given.items() if float(row["points"]) != truth[key]}


# What their cells define after a line that fails, or never ends, is tried all the same; plain nbgrader can't.
RESCUED = ("olga-missing-package", "kofi-endless-cell")


@pytest.mark.parametrize(("lesson", "students"), CLASSES, ids=[name for name, _ in CLASSES])
def test_the_class_gets_its_marks(lesson, students, tmp_path):
    truth = invented_class.make_class(tmp_path / "in", [lesson], students)
    exercises = source.load(lesson).exercises()
    truth |= {key: exercises[key[2]].points for key in truth if key[0] in RESCUED}
    broken = tmp_path / "in" / "quentin-no-notebook" / lesson
    broken.mkdir(parents=True)
    (broken / f"{lesson}.ipynb").write_text("{ this is not JSON")
    settings = Settings(tmp_path / "out", limits=QUICK)
    first = grade(lesson, tmp_path / "in", settings)
    given = marks(first.marks)
    assert not differing({k: row for k, row in given.items() if k[0] != "quentin-no-notebook"}, truth)
    assert {row["verdict"] for k, row in given.items() if k[0] == "quentin-no-notebook"} == {"refused"}
    assert first.refused == 1
    again = grade(lesson, tmp_path / "in", settings)
    assert (again.graded, again.unchanged) == (0, first.graded)
    assert marks(again.marks) == given


def test_an_instructors_error_grades_nothing(tmp_path):
    with pytest.raises(CourseError, match="There is no folder or zip"):
        grade("00", tmp_path / "nothing", Settings(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_real_kernel_gives_the_same_marks(tmp_path):
    """The whole class in Jupyter kernels in the sandbox, and in forks of the warm interpreter."""
    truth = invented_class.make_class(tmp_path / "in", ["00_weighted_average"])
    rows = {}
    for kernel in (False, True):
        settings = Settings(tmp_path / f"out-{kernel}", limits=QUICK, seed=11, kernel=kernel)
        rows[kernel] = marks(grade("00", tmp_path / "in", settings).marks)
    assert not {key: (row, rows[False][key]) for key, row in rows[True].items() if row != rows[False][key]}
    exercises = source.load("00").exercises()
    truth |= {key: exercises[key[2]].points for key in truth if key[0] in RESCUED}
    assert not differing(rows[True], truth)
