"""The commands on a small course of one lesson: build, check, try, mutants, and what they say of mistakes."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from autograder.authoring.source import ROOT

from .sample import BANK, LESSON

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A copy of the project with the sample as its only lesson, built once."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("lessonkit", "autograder"):
        shutil.copytree(
            ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "expected", "recorded", "banks")
        )
    (root / "solutions").mkdir()
    (root / "autograder" / "banks").mkdir()
    shutil.copy(ROOT / "requirements.txt", root)
    (root / "solutions" / "90_sample.py").write_text(LESSON)
    (root / "autograder" / "banks" / "90_sample.py").write_text(BANK)
    made = command(root, "build")
    assert made.returncode == 0, made.stdout + made.stderr
    return root


@pytest.fixture
def course(built, tmp_path):
    """A fresh copy of the built course, to be spoiled by one test."""
    return shutil.copytree(built, tmp_path / "course")


def command(root, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "autograder", *arguments], cwd=root, env=environment, capture_output=True, text=True
    )


def files(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.suffix != ".pyc"}


def test_build_makes_what_the_lesson_needs(built):
    lesson = (built / "lessons/90_sample/90_sample.ipynb").read_text()
    solution = (built / "solutions/90_sample/90_sample.ipynb").read_text()
    assert "the answer" in solution
    assert "the answer" not in lesson
    assert "NotImplementedError" in lesson
    assert '"points": 2' in lesson
    assert "Hint 2 of 2" in lesson
    assert [p.name for p in (built / "solutions/90_sample").iterdir()] == ["90_sample.ipynb"]
    recorded = json.loads((built / "lessonkit/recorded/90_sample.json").read_text())
    assert recorded["show"] == [{"text": "tensor([2.])\n"}]


def test_a_rebuild_changes_nothing(course):
    before = files(course)
    again = command(course, "build")
    assert "up to date" in again.stdout
    assert files(course) == before
    forced = command(course, "build", "--force")
    assert "built in" in forced.stdout
    assert files(course) == before
    assert command(course, "build", "--check").returncode == 0


def test_check_notices_an_edited_source_and_writes_nothing(course):
    source = course / "solutions/90_sample.py"
    source.write_text(source.read_text().replace("# Text.", "# Another text."))
    before = files(course)
    result = command(course, "build", "--check")
    assert result.returncode == 1
    assert "out of step with its source; run `make build LESSON=90`" in result.stdout
    assert files(course) == before


def test_check_notices_an_edited_bank(course):
    bank = course / "autograder/banks/90_sample.py"
    bank.write_text(bank.read_text().replace("You square x.", "This is x squared."))
    result = command(course, "build", "--check")
    assert result.returncode == 1
    assert "expected results are out of step" in result.stdout


def test_a_cell_that_fails_is_named_and_nothing_is_written(course):
    source = course / "solutions/90_sample.py"
    source.write_text(source.read_text().replace("print(doubled + 1)", "print(no_such_name)"))
    before = files(course)
    result = command(course, "build")
    assert result.returncode == 2
    assert "90_sample.py, line 42: this cell fails: NameError: name " in result.stdout
    assert "no_such_name" in result.stdout
    assert files(course) == before


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ("def double(x):\n    return x + x\n", 0, "passed"),
        ("def double(x):\n    return x\n", 1, "You return x itself"),
        ("def double(x):\n    return torch.cat([x, x])\n", 1, "shape"),
        ("def double(x):\n    raise KeyError('oh')\n", 1, "KeyError"),
        ("def doubel(x):\n    return x\n", 2, "does not define `double`"),
        ("def double(x:\n", 2, "not a Python file that can be read"),
        ("1 / 0\n", 2, "ZeroDivisionError"),
        (None, 2, "Cannot read"),
    ],
)
def test_try(built, tmp_path, answer, code, says):
    path = tmp_path / "answer.py"
    if answer is not None:
        path.write_text(answer)
    result = command(built, "try", "90", "double", str(path))
    assert says in result.stdout
    assert result.returncode == code
    assert result.stderr == ""


def test_try_suggests_names(built, tmp_path):
    result = command(built, "try", "90_sampel", "double", "x.py")
    assert result.returncode == 2
    assert "Did you mean '90_sample'?" in result.stdout
    result = command(built, "try", "90", "duoble", "x.py")
    assert result.returncode == 2
    assert "Did you mean 'double'?" in result.stdout


def test_mutants_are_listed_and_must_be_explained(course):
    result = command(course, "mutants")
    assert result.returncode == 0
    assert "90_sample: " in result.stdout
    source = course / "solutions/90_sample.py"
    source.write_text(source.read_text().replace("return 2 * x  #", "return 2 * x + 0  #"))
    result = command(course, "mutants")
    assert result.returncode == 1
    assert "2 * x + 0 -> 2 * x - 0" in result.stdout
    assert "NOT EXPLAINED" in result.stdout


def test_a_wrong_option_is_refused(built):
    result = command(built, "build", "--chekc")
    assert result.returncode == 2
    assert "--check" in result.stderr
