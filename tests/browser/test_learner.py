"""A learner's story, in JupyterLab and in Notebook 7: from the start page to a lesson, an answer, and a mark."""

import csv
import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from autograder.authoring import bank as banks
from autograder.authoring import source
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out

from .conftest import course_in
from .notebook_page import MINUTE, NotebookPage

LESSON = "00_weighted_average"
WRONG = "def softmax(scores, dim):\n    return torch.softmax(scores, 0)\n"


@pytest.fixture(scope="module", params=["jupyterlab", "notebook"])
def served(request, tmp_path_factory):
    """The application, its address, and the folder of the lessons."""
    with course_in(request.param, tmp_path_factory.mktemp(request.param)) as (address, folder):
        yield request.param, address, folder


@pytest.fixture(scope="module")
def page(served, chromium):
    app, address, _ = served
    opened = NotebookPage(chromium, address, "start", app)
    yield opened
    opened.close()


def test_the_start_page_shows_the_way(page):
    image = page.page.locator(".jp-RenderedMarkdown img").first
    expect(image).to_have_attribute("alt", re.compile("01 builds on 00"))
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 400
    table = page.run("start-progress").locator("table")
    expect(table).to_contain_text("0 of 13")
    expect(table).to_contain_text("not begun")
    page.cell("start-lessons")
    link = page.page.locator(".jp-RenderedMarkdown a", has_text="the weighted average")
    page.follow(link, f"{LESSON}.ipynb")


def test_a_prediction_is_kept_and_stands_beside_the_outcome(page):
    page.run("00-setup")
    form = page.run("00-predict-flat-line").locator("form")
    form.get_by_label("a slanted line").check()
    form.get_by_label("a slanted line").press("ArrowDown")  # the next choice, by keyboard
    form.get_by_role("button", name="Keep my guess").click()
    page.cell("00-predict-flat-line").get_by_text("You said: flat").wait_for()
    page.run("00-measurements")
    shown = page.run("00-demo-flat-line")
    shown.get_by_text("You said: flat. It was: flat.").wait_for()
    shown.get_by_text("Why?").click()
    expect(shown).to_contain_text("doesn't depend on x")


def test_wrong_answer_then_right_answer(page):
    sentences = [m.sentence.replace("`", "") for m in banks.load(LESSON).mistakes_of("softmax")]
    page.write("00-exercise-softmax", WRONG)
    page.run("00-exercise-softmax")
    output = page.run("00-check-softmax").locator(".jp-OutputArea")
    card = output.locator("[role=status]", has_text="not yet right")
    card.wait_for()
    said = card.inner_text()
    assert any(sentence in said for sentence in sentences), said
    assert output.inner_text().count("not yet right") == 1  # the verdict stands once
    page.write("00-exercise-softmax", source.load(LESSON).exercises()["softmax"].cell.source)
    page.run("00-exercise-softmax")
    page.run("00-check-softmax").locator("[role=status]", has_text="passed").wait_for()
    page.run("00-progress").get_by_text("2 of 13 points").wait_for()


def test_the_map_keeps_its_keys(page):
    """The demonstration waits for another answer: the map is the recorded one."""
    cell = page.run("00-demo-kernel-map")
    said = cell.locator(".lk-said")
    cell.get_by_role("radio").first.focus()
    page.page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("“x = 1.5”")
    page.page.keyboard.press("End")
    expect(said).to_contain_text("“x = 4.5”")


def test_a_file_that_is_not_saved_is_not_handed_in(page, served):
    page.run("00-hand-in").get_by_text("Save the notebook (Ctrl+S)").wait_for()
    assert not (served[-1] / "handin").exists()


@pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence)
def test_what_is_handed_in_is_graded_with_the_marks_of_the_page(page, served, tmp_path):
    folder = served[-1]
    page.save()
    page.run("00-hand-in").get_by_text("This is the file to hand in").wait_for()
    made = folder / "handin" / f"{LESSON}.ipynb"
    assert not any(cell.get("outputs") for cell in json.loads(made.read_text("utf-8"))["cells"])
    place = tmp_path / "in" / "ada" / LESSON
    place.mkdir(parents=True)
    (place / made.name).write_bytes(made.read_bytes())
    words = ["grade", LESSON, "--submissions", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    subprocess.run([sys.executable, "-m", "autograder", *words], check=True, timeout=20 * MINUTE / 1000)
    with (tmp_path / "out" / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        points = {row["exercise"]: float(row["points"]) for row in csv.DictReader(file) if row.get("exercise")}
    assert points["softmax"] == 2
    assert sum(points.values()) == 2  # as the page said


def test_nothing_was_wrong_and_nothing_left_the_machine(page):
    assert page.errors == []
    assert page.foreign == []
