"""A learner opens lesson 00: a wrong answer, its card, the right answer, the widget; nothing leaves the machine."""

import hashlib

import pytest

from autograder.authoring import bank as banks
from autograder.authoring import source

from .notebook_page import MINUTE, NotebookPage

LESSON = "00_weighted_average"
FIRST = "softmax"
WRONG = "def softmax(scores, dim):\n    return torch.softmax(scores, 0)\n"


@pytest.fixture(scope="module")
def page(lab, chromium):
    address, _ = lab
    return NotebookPage(chromium, address, LESSON)


def test_opening_and_saving_changes_nothing(lab, chromium):
    address, folder = lab
    path = folder / LESSON / f"{LESSON}.ipynb"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    opened = NotebookPage(chromium, address, LESSON)
    opened.save()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    opened.page.close()


def test_wrong_answer_then_right_answer(page):
    sentences = [m.sentence for m in banks.load(LESSON).mistakes_of(FIRST)]
    page.run("00-setup")
    page.write("00-exercise-softmax", WRONG)
    page.run("00-exercise-softmax")
    card = page.run("00-check-softmax").locator("[role=status]")
    card.wait_for(timeout=MINUTE)
    assert "not yet right" in card.inner_text()
    assert any(sentence.replace("`", "") in card.inner_text() for sentence in sentences), card.inner_text()
    page.write("00-exercise-softmax", source.load(LESSON).exercises()[FIRST].cell.source)
    page.run("00-exercise-softmax")
    card = page.run("00-check-softmax").locator("[role=status]", has_text="passed")
    card.wait_for(timeout=MINUTE)
    assert "of" in card.inner_text()


def test_the_widget_moves(page):
    for cell in ("00-setup", "00-measurements", "00-temperature-figure"):
        page.run(cell)
    cell = page.run("00-demo-temperature")
    picture = cell.locator("img")
    picture.wait_for(timeout=MINUTE)
    before = picture.get_attribute("alt")
    handle = cell.get_by_role("slider", name="temperature")
    handle.wait_for(timeout=MINUTE)
    handle.press("ArrowRight")
    page.page.wait_for_function(
        "before => [...document.querySelectorAll('.jp-Cell.jp-mod-active img')].some(i => i.alt && i.alt !== before)",
        arg=before,
        timeout=MINUTE,
    )
    assert "the largest weight is" in cell.locator("img").get_attribute("alt")


def test_nothing_was_wrong_and_nothing_left_the_machine(page):
    assert page.errors == []
    assert page.foreign == []
