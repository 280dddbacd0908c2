"""A term in one story: a Canvas class graded by commands, marked by hand in a browser, regraded, and handed back."""

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from autograder.authoring import source
from autograder.authoring.source import ROOT
from autograder.bench import invented_class
from autograder.grading.roster import read_roster
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.plain.grading import CONFIG

from .conftest import TOKEN, serving
from .notebook_page import MINUTE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence),
]
L = source.find_lesson("00")
HEAD = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "00_weighted_average (991)"]
PEOPLE = [["Lovelace, Ada", "101", "s1", "ada", "A"], ["Roe, Bob", "102", "s2", "bob", "A"],
          ["Ng, Zoë", "103", "s3", "zoe", "B"]]  # fmt: skip
FILES = {
    f"lovelaceada_101_5001_{L}.ipynb": ((2026, 3, 1, 10, 0, 0), None),
    f"lovelaceada_101_5002_{L}-1.ipynb": ((2026, 3, 1, 11, 0, 0), "ada-perfect"),
    f"roebob_LATE_102_5003_{L}.ipynb": ((2026, 3, 3, 11, 0, 0), "dana-half-done"),
}


def rows(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


@pytest.fixture
def course(tmp_path):
    """A copy of the course, so that a lesson can be corrected."""
    place = tmp_path / "course"
    for folder in ("autograder", "lessonkit", "data"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "solutions").mkdir()
    for path in (ROOT / "solutions").iterdir():
        if path.is_file():
            shutil.copy(path, place / "solutions")
    for file in ("pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / file, place / file)
    return place


@pytest.fixture
def autograder(tmp_path, course):
    def run(*words):
        environment = {**os.environ, "PYTHONPATH": str(course), "COLUMNS": "300"}
        line = [sys.executable, "-m", "autograder", *map(str, words)]
        done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def hand_in(place):
    """The roster and the zip as Canvas gives them out."""
    with (place / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEAD, ["    Points Possible", *[""] * 4, "13"], *([*p, ""] for p in PEOPLE)])
    students = [student for _, student in FILES.values() if student]
    invented_class.make_class(place / "made", [L], students)
    with zipfile.ZipFile(place / "submissions.zip", "w") as archive:
        for name, (time, student) in FILES.items():
            content = (place / "made" / student / L / f"{L}.ipynb").read_bytes() if student else b"{}"
            archive.writestr(zipfile.ZipInfo(name, time), content)


def mark_in_formgrader(chromium, place, student, points, comment):
    """What an instructor does in the browser: open the student's notebook, give points, write a comment."""
    home = place / "home"
    home.mkdir()
    words = ["jupyter_server", "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"]
    with serving(home, place / "out", words, JUPYTER_CONFIG_PATH=str(CONFIG.parent)) as address:
        page = chromium.new_page(extra_http_headers={"Authorization": f"token {TOKEN}"})
        said = page.goto(f"{address}/formgrader/api/submitted_notebooks/{L}/{L}").text()
        (notebook,) = [found["id"] for found in json.loads(said) if found["student"] == student]
        page.goto(f"{address}/formgrader/submissions/{notebook}")
        page.wait_for_function("() => window.formgrader?.grades?.loaded && formgrader.comments.loaded", timeout=MINUTE)
        for field, text in (("00-check-softmax", points), ("00-exercise-softmax-comment", comment)):
            box = page.locator(f"[id='{field}']")
            box.fill(text)
            with page.expect_response(lambda answer: answer.request.method == "PUT", timeout=MINUTE):
                box.blur()
        page.close()


def test_a_term(tmp_path, course, autograder, chromium):
    hand_in(tmp_path)
    shown = autograder("collect", "submissions.zip")
    assert "2 students, 2 with a notebook that counts; 1 files not used." in shown

    again = ["grade", "00", "--submissions", "submissions.zip"]
    shown = autograder(*again, "--due", "2026-03-02T23:59+01:00", "--roster", "roster.csv")
    assert "2 graded, 0 unchanged, 0 refused" in shown
    assert "late: 1 of 2" in shown
    assert "handed in nothing: 1 of 3 on the roster" in shown

    mark_in_formgrader(chromium, tmp_path, "102", "0.5", "half of it <is> right")
    autograder("export", "00", "--to", "canvas")
    marks = {row[1]: row[-1] for row in rows(tmp_path / "out/export/canvas.csv")[2:]}
    changed = float(marks["102"])
    (row,) = [row for row in rows(tmp_path / "out/marks.csv") if (row[0], row[2]) == ("102", "softmax")]
    assert (row[3], row[9]) == ("0.5", "half of it <is> right")

    text = (course / "solutions" / f"{L}.py").read_text("utf-8")
    assert 'check="softmax" points=2' in text
    (course / "solutions" / f"{L}.py").write_text(
        text.replace('check="softmax" points=2', 'check="softmax" points=5'), "utf-8"
    )
    shown = autograder(*again)
    assert "2 graded, 0 unchanged" in shown
    assert f"changed: 101: {float(marks['101']):g} -> {float(marks['101']) + 3:g}" in shown
    assert "changed: 102" not in shown  # what was given by hand stays

    autograder("export", "00", "--to", "canvas", "--absent", "zero")
    head, possible, *people = rows(tmp_path / "out/export/canvas.csv")
    assert head == HEAD
    assert possible[-1] == "16"
    assert [row[:5] for row in people] == PEOPLE
    assert [float(row[-1]) for row in people] == [float(marks["101"]) + 3, changed, 0]
    back = read_roster(tmp_path / "out/export/canvas.csv")
    assert (back.kind, [person.id for person in back.people]) == ("canvas", ["101", "102", "103"])

    shown = autograder("feedback")
    assert "laid out for canvas" in shown
    with zipfile.ZipFile(tmp_path / "out" / "feedback" / f"{L}-canvas.zip") as archive:
        names = [f"lovelaceada_101_5002_{L}-1.html", f"roebob_LATE_102_5003_{L}.html"]
        assert archive.namelist() == names
        bob = archive.read(names[1]).decode()
    assert "half of it &lt;is&gt; right" in bob
    assert "0.5 points" in bob
    autograder("report")
    _read_the_pages(chromium, tmp_path / "out")
    assert "half of it" in autograder("student", "Bob Roe")


def _read_the_pages(chromium, out):
    """In light and in dark: the report names everybody, and a name leads to the page with the comment."""
    for theme in ("light", "dark"):
        context = chromium.new_context(color_scheme=theme)
        page = context.new_page()
        errors = []
        page.on(
            "console", lambda message, errors=errors: errors.append(message.text) if message.type == "error" else None
        )
        page.goto((out / "report" / f"{L}.html").as_uri())
        assert page.locator("text=Zoë Ng").count() >= 1
        page.click("text=Bob Roe (102) >> nth=0")
        page.wait_for_selector("text=half of it <is> right", timeout=MINUTE)
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (theme == "dark")
        assert errors == []
        context.close()
