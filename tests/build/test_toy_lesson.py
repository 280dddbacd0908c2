"""A lesson that nobody listed anywhere: its files are written, and build, check, try, grade and release know it."""

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from autograder.authoring.source import ROOT
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence),
]
NAME = "17_toy"
ANSWER = "def dot_scores(query, keys):\n    return torch.einsum('bd,btd->bt', query, keys)\n"


def command(root, *words):
    """What a command of the course in `root` prints; it must end with 0."""
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    words = [sys.executable, "-m", "autograder", *map(str, words)]
    done = subprocess.run(words, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The whole project with one lesson of its own, 00, and a new one."""
    root = tmp_path_factory.mktemp("toy") / "course"
    skipped = shutil.ignore_patterns("__pycache__", "[0-9][0-9]_*", "[0-9][0-9].json", "results")
    for folder in ("lessonkit", "autograder", "solutions", "data"):
        shutil.copytree(ROOT / folder, root / folder, ignore=skipped)
    (root / "data" / "results").mkdir()
    for name in ("README.md", "LICENSE", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, root)
    for place in ("solutions/{}.py", "autograder/banks/{}.py", "autograder/experiments/{}.py"):
        shutil.copy(ROOT / place.format("00_weighted_average"), root / place.format("00_weighted_average"))
    for place in (
        "lessonkit/expected/{}.safetensors",
        "lessonkit/recorded/{}.json",
        "lessons/{}/{}.ipynb",
        "solutions/{}/{}.ipynb",
    ):
        path = place.format(*["00_weighted_average"] * 2)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, root / path)
    command(root, "new", NAME)
    before = {path.relative_to(root) for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    command(root, "build", "17")
    after = {path.relative_to(root) for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    return root, {path.as_posix() for path in after - before}


def test_build_and_check(course):
    root, made = course
    assert made == {
        *(f"lessons/{NAME}/{NAME}.ipynb", f"solutions/{NAME}/{NAME}.ipynb", "lessons/start.ipynb"),
        *("lessons/glossary.ipynb", f"lessonkit/expected/{NAME}.safetensors", f"lessonkit/recorded/{NAME}.json"),
    }
    assert f"{NAME}: in step" in command(root, "build", "--check", "17")
    assert f"| 17 | [Toy](lessons/{NAME}/{NAME}.ipynb) |" in (root / "README.md").read_text("utf-8")
    start = json.loads((root / "lessons/start.ipynb").read_text("utf-8"))
    assert f"./{NAME}/{NAME}.ipynb" in "".join("".join(cell["source"]) for cell in start["cells"])


def test_try(course, tmp_path):
    (tmp_path / "answer.py").write_text(ANSWER)
    assert "dot_scores: passed" in command(course[0], "try", "17", "dot_scores", tmp_path / "answer.py")


def test_grade(course, tmp_path):
    command(course[0], "invent", "17", "--out", tmp_path / "in")
    for student in (tmp_path / "in").iterdir():  # two of the class are enough
        if student.name not in ("ada-perfect", "emil-untouched"):
            shutil.rmtree(student)
    command(course[0], "grade", "17", "--submissions", tmp_path / "in", "--out", tmp_path / "out", "--workers", 1)
    with (tmp_path / "out" / "marks.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["lesson"] == NAME]
    points = {student: 0.0 for student in ("ada-perfect", "emil-untouched")}
    for row in rows:
        points[row["student"]] += float(row["points"])
    assert points == {"ada-perfect": 6.0, "emil-untouched": 0.0}


def test_release(course, tmp_path):
    command(course[0], "release", "--out", tmp_path)
    with zipfile.ZipFile(tmp_path / "attention-course.zip") as bundle:
        names = set(bundle.namelist())
        assert f"attention-course/lessons/{NAME}/{NAME}.ipynb" in names
        assert f"attention-course/lessonkit/expected/{NAME}.safetensors" in names
        assert not [name for name in names if "solutions" in name or "banks" in name]
