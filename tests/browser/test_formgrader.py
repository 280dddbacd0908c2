"""nbgrader's formgrader shows what the sealed grader wrote: submissions, points, the verdict beside the answer."""

import json

import pytest

from autograder.authoring import source
from autograder.bench import invented_class
from autograder.grading.run import Settings, grade
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.plain.grading import CONFIG

from .conftest import TOKEN, serving
from .notebook_page import MINUTE

pytestmark = pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence)
LESSON = source.find_lesson("00")
STUDENTS = ["ada-perfect", "hana-one-wrong"]


def test_formgrader_on_the_result(tmp_path, chromium):
    truth = invented_class.make_class(tmp_path / "in", [LESSON], STUDENTS)
    out = tmp_path / "out"
    grade(LESSON, tmp_path / "in", Settings(out))
    points = {name: sum(p for (student, _, _), p in truth.items() if student == name) for name in STUDENTS}
    words = ["jupyter_server", "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"]
    home = tmp_path / "home"
    home.mkdir()
    with serving(home, out, words, JUPYTER_CONFIG_PATH=str(CONFIG.parent)) as address:
        page = chromium.new_page(extra_http_headers={"Authorization": f"token {TOKEN}"})
        page.goto(f"{address}/formgrader/manage_submissions/{LESSON}")
        for name in STUDENTS:
            row = page.locator("tr", has_text=name)
            row.wait_for(timeout=MINUTE)
            assert f"{points[name]:g} / 13" in " ".join(row.inner_text().split())
        said = page.goto(f"{address}/formgrader/api/submitted_notebooks/{LESSON}/{LESSON}").text()
        (wrong,) = [found["id"] for found in json.loads(said) if found["student"] == "hana-one-wrong"]
        page.goto(f"{address}/formgrader/submissions/{wrong}")
        page.wait_for_selector("text=not yet right", timeout=MINUTE)
        exercise = list(source.load(LESSON).exercises())[2]
        score = page.locator(".score").nth(2)
        assert exercise in page.inner_text("body")
        assert score.input_value() == "0" or score.get_attribute("placeholder") in ("0", "0.0")
        page.close()
