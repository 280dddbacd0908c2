"""Cells of the lesson's own that no answer mentions aren't run; whoever might mean one has it."""

import pytest

from autograder.authoring import source
from autograder.grading.intake import Intake, TakenCell
from autograder.grading.needed import unneeded

LESSON = "03"


def handed_in(lesson, *more, without=()):
    """The reference answers, and further cells of somebody's own."""
    cells = [TakenCell(cell.source, cell) for cell in lesson.cells if cell.is_code and cell.name not in without]
    return Intake((*cells, *map(TakenCell, more)))


@pytest.fixture(scope="module")
def lesson():
    return source.load(LESSON)


def test_the_models_are_spared(lesson):
    spared = unneeded(lesson, handed_in(lesson))
    assert {"encoder", "decoder", "make_model"} <= spared
    assert "setup" not in spared


@pytest.mark.parametrize(
    "code",
    [
        "make_model",
        "# as in make_model",
        "names = ['make_model']",
        "x = make_model(1)",
        "def f():\n    return make_model",
    ],
)
def test_a_word_is_enough(lesson, code):
    """And what the cell itself names comes along."""
    spared = unneeded(lesson, handed_in(lesson, code))
    assert not {"encoder", "decoder", "make_model"} & spared
    assert "attention_of" in spared


@pytest.mark.parametrize(
    "code",
    [
        "globals()['make' + '_model']",
        "eval('make_' + 'model')",
        "import __main__",
        "%who",
        "x = 1\n  %time 1",
        "vars()",
    ],
)
def test_who_may_reach_any_name_has_all(lesson, code):
    assert unneeded(lesson, handed_in(lesson, code)) == set()


def test_what_does_more_than_define_is_run():
    """A cell with a statement that acts is never spared, nor what it names."""
    for name in source.lesson_names():
        lesson = source.load(name)
        nobody = Intake(tuple(TakenCell(cell.source, cell) for cell in lesson.of_kind("plain")))
        for cell in lesson.of_kind("plain"):
            if any(
                line.startswith(("torch.", "plt.", "warnings.", "for ", "with ")) for line in cell.source.splitlines()
            ):
                assert cell.name not in unneeded(lesson, nobody), (name, cell.name)
