"""The commands on a course of one new lesson: new, build, prove, try, mutants, and what they say of mistakes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.authoring.source import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A copy of the project with a new lesson as its only one, built once."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("lessonkit", "autograder"):
        shutil.copytree(
            ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", "expected", "recorded", "banks")
        )
    shutil.copy(ROOT / "requirements.txt", root)
    (root / "solutions").mkdir()
    shutil.copy(ROOT / "solutions" / "glossary.txt", root / "solutions")
    written = command(root, "new", "90_sample")
    assert written.returncode == 0, written.stdout + written.stderr
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
    assert "return (keys @ query.unsqueeze(-1))" in solution
    assert "return (keys @ query.unsqueeze(-1))" not in lesson
    assert "NotImplementedError" in lesson
    assert '"points": 2' in lesson
    assert "Hint 2 of 2" in lesson
    assert [p.name for p in (built / "solutions/90_sample").iterdir()] == ["90_sample.ipynb"]
    recorded = json.loads((built / "lessonkit/recorded/90_sample.json").read_text())
    assert list(recorded) == ["itself", "mechanism", "paper_table", "temperature"]
    assert "its length is" in str(recorded["paper_table"])


def test_a_rebuild_changes_nothing(course):
    before = files(course)
    again = command(course, "build")
    assert "up to date" in again.stdout
    assert files(course) == before
    forced = command(course, "build", "--force")
    assert "built in" in forced.stdout
    assert files(course) == before
    notebook = course / "solutions/90_sample/90_sample.ipynb"
    made = json.loads(notebook.read_text())
    made["metadata"]["course"]["cells"]["90-demo-temperature"] = "made with other code"
    notebook.write_text(json.dumps(made))
    checked = command(course, "build", "--check")
    assert checked.returncode == 0
    assert "`make build LESSON=90` would run 1 cell anew" in checked.stdout


def edit(root, file, old, new):
    path = root / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


SOURCE, BANK = "solutions/90_sample.py", "autograder/banks/90_sample.py"


def test_check_notices_an_edited_source_and_writes_nothing(course):
    edit(course, SOURCE, "# ## Notation", "# ## Letters, or notation")
    before = files(course)
    result = command(course, "build", "--check")
    assert result.returncode == 1
    assert "out of step with its source; run `make build LESSON=90`" in result.stdout
    assert files(course) == before
    proof = command(course, "prove", "90")
    assert proof.returncode == 2
    assert "✗ notebooks: out of step" in proof.stdout


def test_check_notices_an_edited_bank(course):
    edit(course, BANK, "The sign is wrong:", "Your sign is wrong:")
    result = command(course, "build", "--check")
    assert result.returncode == 1
    assert "expected results are out of step" in result.stdout


@pytest.mark.parametrize(
    ("changes", "ran"),
    [
        ([(SOURCE, "# ## Notation", "# ## Letters, or notation")], "no cell"),
        ([(SOURCE, "# Figure: the weights", "# Figure: all weights")], "no cell"),
        ([(SOURCE, "points=1", "points=3"), (BANK, "The sign is wrong:", "Your sign is wrong:")], "checks"),
        ([(SOURCE, "The largest weight is", "Its largest weight is")], "1 of 4 demonstrations"),
        # the table's context is made with the map that the demonstration "itself" draws, so that runs too
        ([(SOURCE, 'caption="A claim"', 'caption="One claim"')], "2 of 4 demonstrations"),
        (
            [(SOURCE, "    return (weights.unsqueeze(1)", "    return 1 * (weights.unsqueeze(1)")],
            "checks, 2 of 4 demonstrations",
        ),
    ],
)
def test_a_build_runs_no_more_than_it_must(course, changes, ran):
    for change in changes:
        edit(course, *change)
    made = command(course, "build")
    assert f"({ran} run)" in made.stdout, made.stdout + made.stderr
    quick = files(course)
    assert command(course, "build").stdout == "90_sample: up to date\n"
    assert command(course, "build", "--check").stdout == "90_sample: in step\n"
    assert "(all cells run)" in command(course, "build", "--force").stdout
    assert files(course) == quick


def test_other_draws_are_a_new_edition_and_both_notebooks_say_so(course):
    notebooks = [course / folder / "90_sample/90_sample.ipynb" for folder in ("lessons", "solutions")]

    def editions():
        return [json.loads(path.read_text())["metadata"].get("course", {}).get("edition", 1) for path in notebooks]

    edit(course, BANK, "The sign is wrong:", "Your sign is wrong:")
    command(course, "build")
    assert editions() == [1, 1]
    shutil.copy(notebooks[0], course / "older.ipynb")
    edit(course, SOURCE, "draw.normal(B, d), draw.normal(B", "draw.normal(B, d), draw.weights(B")
    assert "(checks run)" in command(course, "build").stdout
    assert editions() == [2, 2]
    assert command(course, "build", "--check").returncode == 0
    assert command(course, "build").stdout == "90_sample: up to date\n"
    shutil.copy(course / "older.ipynb", notebooks[0])
    assert "the learner's notebook is out of step" in command(course, "build", "--check").stdout


def test_a_cell_that_fails_is_named_and_nothing_is_written(course):
    edit(course, SOURCE, "context = context_vector(map_, vectors)", "context = context_vector(map_, no_such_name)")
    before = files(course)
    result = command(course, "build")
    assert result.returncode == 2
    text = (course / SOURCE).read_text()
    line = text[: text.index("context = context_vector(map_, no_such_name)")].count("\n") + 1
    (said,) = result.stdout.splitlines()
    assert said.startswith(
        f"90_sample.py, line {line}: this cell fails: NameError: name 'no_such_name' is not defined."
    )
    whole = Path(said.rpartition(": ")[2])
    assert "context = context_vector(map_, no_such_name)" in whole.read_text()
    assert "\x1b" not in whole.read_text()
    assert result.stderr == ""
    assert files(course) == before


def test_every_fault_at_once_and_nothing_is_written(course):
    edit(course, SOURCE, "difficulty=1", "difficulty=9")
    edit(course, SOURCE, "# ## Summary", "# ## The end")
    text = (course / SOURCE).read_text()
    mark = text[: text.index("difficulty=9")].count("\n") + 1
    before = files(course)
    for order in ("build", "prove"):
        result = command(course, order, "90")
        assert result.returncode == 2
        assert [line.split(": ")[0] for line in result.stdout.splitlines()] == [
            "90_sample.py, line 1",
            f"90_sample.py, line {mark}",
        ]
        assert result.stderr == ""
    edit(course, SOURCE, "difficulty=9", "difficulty=1")
    edit(course, BANK, "    return -(keys", "    return (keys")
    before = files(course)
    result = command(course, "build", "90")
    assert result.returncode == 2
    assert "line 1: there is no heading `## Summary`." in result.stdout
    assert "accepts the mistake 'negative'" in result.stdout
    assert result.stderr == ""
    assert files(course) == before


def test_a_new_lesson_proves(built):
    result = command(built, "prove")
    assert result.returncode == 0, result.stdout
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "90_sample", "✓ contract", "✓ bank", "✓ mutants", "✓ notebooks"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "says"),
    [("17-toy", "two digits and words"), ("90_other", "Number 90 is taken by 90_sample")],
)
def test_a_name_that_will_not_do(built, name, says):
    result = command(built, "new", name)
    assert (result.returncode, result.stderr) == (2, "")
    assert says in result.stdout


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ("def dot_scores(q, k):\n    return torch.einsum('bd,btd->bt', q, k)\n", 0, "passed"),
        ("def dot_scores(q, k):\n    return -torch.einsum('bd,btd->bt', q, k)\n", 1, "The sign is wrong"),
        ("def dot_scores(q, k):\n    return torch.cat([q, q])\n", 1, "shape"),
        ("def dot_scores(q, k):\n    raise KeyError('oh')\n", 1, "KeyError"),
        ("def dot_score(q, k):\n    return q\n", 2, "does not define `dot_scores`"),
        ("def dot_scores(q:\n", 2, "not a Python file that can be read"),
        ("1 / 0\n", 2, "ZeroDivisionError"),
        (None, 2, "Cannot read"),
    ],
)
def test_try(built, tmp_path, answer, code, says):
    path = tmp_path / "answer.py"
    if answer is not None:
        path.write_text(answer)
    result = command(built, "try", "90", "dot_scores", str(path))
    assert says in result.stdout
    assert result.returncode == code
    assert result.stderr == ""


def test_try_suggests_names(built, tmp_path):
    result = command(built, "try", "90_sampel", "dot_scores", "x.py")
    assert result.returncode == 2
    assert "Did you mean '90_sample'?" in result.stdout
    result = command(built, "try", "90", "dot_scroes", "x.py")
    assert result.returncode == 2
    assert "Did you mean 'dot_scores'?" in result.stdout


def test_mutants_are_listed_and_must_be_explained(course):
    result = command(course, "mutants")
    assert result.returncode == 0
    assert "90_sample: " in result.stdout
    edit(course, SOURCE, "unsqueeze(-1)).squeeze(-1)", "unsqueeze(-1)).squeeze(-1) + 0")
    result = command(course, "mutants")
    assert result.returncode == 1
    assert ".squeeze(-1) + 0 -> (keys @ query.unsqueeze(-1)).squeeze(-1) - 0" in result.stdout
    assert "NOT EXPLAINED" in result.stdout


def test_a_wrong_option_is_refused(built):
    result = command(built, "build", "--chekc")
    assert result.returncode == 2
    assert "--check" in result.stderr
