"""What befalls honest notebooks costs nothing that it shouldn't, gains nothing, and never stops the batch."""

import copy
import json

import pytest

from autograder.authoring import source
from autograder.authoring.notebook import DEMONSTRATION
from autograder.bench import invented_class
from autograder.plain import grading as plain_grading

pytestmark = pytest.mark.slow

LESSON = source.find_lesson("00")
UNREADABLE = "the file is no notebook that can be read"
MISSING = f"there is no {LESSON}.ipynb in the submission"
DEAD = "a cell ended the notebook's Python process, or it ran out of memory, so nothing could be graded"


def solved():
    """A desk with all reference answers."""
    desk = untouched()
    desk.solve(*desk.names)
    return desk


def untouched():
    return invented_class.Desk(source.load(LESSON))


def begins_with(desk, line):
    """The first answer, with a line of the student's own before the reference's."""
    name = desk.names[0]
    mark = f"    {source.BEGIN}"
    code = desk.cell("exercise", name).source
    assert mark in code
    desk.write(name, code.replace(mark, f"    {line}\n{mark}"))
    return desk


def noisy_library():
    """C++ code writes to the file, not to sys.stderr."""
    return begins_with(solved(), r"import os; os.write(2, b'[W] NNPACK\n')").notebook


def logger_set_up_earlier():
    desk = begins_with(solved(), "logging.warning('slow')")
    name = desk.names[0]
    desk.write(name, f"import logging\n\nlogging.basicConfig()\n\n{desk.cell('exercise', name).source}")
    return desk.notebook


def copied_cells():
    """JupyterLab's paste gives a new id, and keeps nbgrader's marks."""
    desk = solved()
    for part in ("exercise", "check"):
        cell = desk.cell(part, desk.names[0])
        again = copy.deepcopy(cell)
        again.id = f"pasted-{part}"
        desk.notebook.cells.insert(desk.notebook.cells.index(cell) + 1, again)
    return desk.notebook


def same_id_twice():
    desk = solved()
    desk.notebook.cells.append(copy.deepcopy(desk.cell("check", desk.names[1])))
    return desk.notebook


def marks_lost():
    """Tools that drop the metadata of cells."""
    desk = solved()
    for name in desk.names:
        desk.cell("check", name).metadata.pop("nbgrader")
    return desk.notebook


def checks_tagged():
    desk = untouched()
    for name in desk.names:
        desk.cell("check", name).metadata["tags"] = [DEMONSTRATION]
    return desk.notebook


def check_is_another():
    desk = untouched()
    desk.add(desk.names[0], "def check(*given):\n    return None")
    return desk.notebook


def check_says_a_text():
    desk = untouched()
    desk.add(desk.names[0], "def check(*given):\n    return 'fine'")
    return desk.notebook


def process_ended():
    desk = solved()
    desk.add(desk.names[1], "import os\n\nos._exit(1)")
    return desk.notebook


GRADED = {  # submission -> whether it gets all points, or none
    noisy_library: True,
    logger_set_up_earlier: True,
    copied_cells: True,
    same_id_twice: True,
    marks_lost: True,
    checks_tagged: False,
    check_is_another: False,
    check_says_a_text: False,
}
REFUSED = {
    "a-empty": (b"", UNREADABLE),
    "b-no-json": (b"{ this is not", UNREADABLE),
    "c-no-notebook": (b"{}", UNREADABLE),
    "d-a-list": (b"[]", UNREADABLE),
    "e-bytes": (bytes(range(256)), UNREADABLE),
    "f-bad-cell": (b'{"cells": [{"source": ""}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', UNREADABLE),
    "g-nothing": (None, MISSING),
}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """All of them graded in one batch: refused ones come first."""
    out = tmp_path_factory.mktemp("accidents")

    def submit(student, content):
        folder = out / "submitted" / student / LESSON
        folder.mkdir(parents=True)
        if content is not None:
            (folder / f"{LESSON}.ipynb").write_bytes(content)

    for student, (content, _) in REFUSED.items():
        submit(student, content)
    for make in [*GRADED, process_ended]:
        submit(make.__name__, json.dumps(make()).encode())
    return out, plain_grading.run_nbgrader([LESSON], out).marks


def of(batch, student):
    found = [mark for mark in batch[1] if mark.student == student]
    assert [mark.exercise for mark in found] == list(source.load(LESSON).exercises())
    return found


@pytest.mark.xdist_group("accidents")
@pytest.mark.parametrize("make", GRADED, ids=lambda make: make.__name__)
def test_marks_are_just(make, batch):
    marks = of(batch, make.__name__)
    assert [m.points for m in marks] == [m.max_points if GRADED[make] else 0 for m in marks]
    assert {m.note for m in marks} == {""}
    assert (batch[0] / "feedback" / make.__name__ / LESSON / f"{LESSON}.html").is_file()


@pytest.mark.xdist_group("accidents")
@pytest.mark.parametrize("student", REFUSED)
def test_what_cannot_be_read_gets_a_plain_reason(student, batch):
    marks = of(batch, student)
    assert {(m.points, m.note) for m in marks} == {(0.0, REFUSED[student][1])}


@pytest.mark.xdist_group("accidents")
def test_a_dead_process_gets_a_plain_reason(batch):
    assert {(m.points, m.note) for m in of(batch, "process_ended")} == {(0.0, DEAD)}


@pytest.mark.xdist_group("accidents")
def test_a_check_without_a_verdict_says_so(batch):
    page = (batch[0] / "feedback" / "check_is_another" / LESSON / f"{LESSON}.html").read_text("utf-8")
    assert "This check gave no verdict, so no points." in page
