"""The page as a reader uses it: maps by mouse and keyboard, controls with names, folds, both themes, small windows."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from autograder.authoring import source

from .notebook_page import NotebookPage

LESSON = "00_weighted_average"
THEMES = ["JupyterLab Light", "JupyterLab Dark"]
OURS = {"include": [[".jp-Notebook .jp-OutputArea-output"], [".jp-Notebook .jp-RenderedMarkdown"]]}
READ = ["00-top-1", "00-predict-nan-row", "00-demo-flat-line", "00-check-softmax", "00-task-sure-and-wrong"]
READ += ["00-demo-kernel-map", "00-demo-temperature", "00-demo-paper-table", "00-hand-in"]
WIDER = """cell => [...cell.querySelectorAll('.jp-OutputArea-output *, .jp-RenderedMarkdown *')]
    .filter(x => x.getBoundingClientRect().right > innerWidth + 2)
    .filter(x => !x.closest('.lk-scroll, .lk-lines, table, pre, style, script')).map(x => x.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def page(lab, chromium):
    """Lesson 00, solved, one question answered, run from top to bottom."""
    address, _ = lab
    opened = NotebookPage(chromium, address, LESSON)
    for name, exercise in source.load(LESSON).exercises().items():
        opened.write(f"00-exercise-{name}".replace("_", "-"), exercise.cell.source)
    opened.run("00-setup")
    form = opened.run("00-predict-flat-line").locator("form")
    form.get_by_label("flat").check()
    form.get_by_role("button").click()
    opened.cell("00-predict-flat-line").get_by_text("You said: flat").wait_for()
    opened.save()
    opened.run_all()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def start(lab, page, chromium):
    """The start page, with points on it."""
    opened = NotebookPage(chromium, lab[0], "start")
    expect(opened.run("start-progress").locator("table")).to_contain_text("13 of 13")
    yield opened
    opened.close()


def test_machinery_is_folded_and_run_all_runs_it(page):
    cell = page.cell("00-setup")
    cell.get_by_text("Setup: what this lesson imports").wait_for()
    assert "importlib" not in cell.inner_text()
    page.cell("00-progress").get_by_text("13 of 13 points").wait_for()
    assert page.outputs_of_type("error", "stderr") == []


def test_the_map_by_keyboard_and_mouse(page):
    cell = page.cell("00-demo-kernel-map")
    said, queries = cell.locator(".lk-said"), cell.get_by_role("radio")
    queries.first.focus()
    expect(said).to_contain_text("“x = 0.5”")
    for key, query in (
        ("ArrowRight", "1.5"),
        ("ArrowDown", "2.5"),
        ("End", "4.5"),
        ("ArrowLeft", "3.5"),
        ("Home", "0.5"),
    ):
        page.page.keyboard.press(key)
        expect(said).to_contain_text(f"“x = {query}”")
        expect(cell.get_by_role("radio", checked=True)).to_have_text(f"x = {query}")
        expect(cell.get_by_role("radio", checked=True)).to_be_focused()
    queries.nth(2).hover()
    expect(said).to_contain_text("“x = 2.5”")
    said.hover()
    expect(said).to_contain_text("“x = 0.5”")  # a look is no choice
    queries.nth(3).click()
    said.hover()
    expect(said).to_contain_text("“x = 3.5”")
    expect(said).to_contain_text("on gold lies")


def test_controls_have_names_and_redraw(page):
    cell = page.cell("00-demo-temperature")
    slider = cell.get_by_role("slider", name="temperature")
    expect(cell.locator("img")).to_have_attribute("alt", re.compile(r"temperature 0\.1\b"))
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "1.0")
    expect(cell.locator("img")).to_have_attribute("alt", re.compile(r"temperature 1\b"))


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_a_lesson(page, theme):
    page.theme(theme)
    found = []
    for cell in READ:
        page.cell(cell)
        found += violations(page)
    assert found == []


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_on_the_start_page(start, theme):
    start.theme(theme)
    found = []
    for cell in ("start-welcome", "start-lessons", "start-progress"):
        start.cell(cell)
        found += violations(start)
    assert found == []


def violations(page) -> list:
    """What axe finds in texts and outputs of a notebook. The boxes in which a code cell scrolls are JupyterLab's."""
    found = Axe().run(page.page, context=OURS).response["violations"]
    found = [violation for violation in found if violation["id"] != "scrollable-region-focusable"]
    return [(violation["id"], [node["html"][:200] for node in violation["nodes"]]) for violation in found]


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_nothing_is_wider_than_the_window(page, start, width):
    wide = {}
    for opened, cells in ((page, READ), (start, ["start-map", "start-lessons", "start-progress"])):
        opened.theme("JupyterLab Light")
        opened.page.set_viewport_size({"width": width, "height": 900})
        for cell in cells:
            if found := opened.cell(cell).evaluate(WIDER):
                wide[cell] = found
        opened.page.set_viewport_size({"width": 1280, "height": 900})
    assert wide == {}


def test_after_a_restart_the_page_says_what_helps(page):
    page.restart()
    page.run("00-demo-flat-line").get_by_text("Run All Above Selected Cell").wait_for()


def test_nothing_was_wrong_and_nothing_left_the_machine(page, start):
    assert page.errors == start.errors == []
    assert page.foreign == start.foreign == []
