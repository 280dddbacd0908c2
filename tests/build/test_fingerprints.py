"""What outputs depend on, and what marks depend on: each change is noticed where it matters, and only there."""

import shutil

import pytest

from autograder.authoring import dependence, fingerprints, reach, source
from autograder.authoring.source import ROOT

from .sample import BANK, LESSON

USED = """
import math
from lessonkit.other import helper, Base

SIZE = 3  # a comment


def used(x):
    \"\"\"A docstring.\"\"\"
    return helper(x) + SIZE


def unused(x):
    return math.pi


class Plain:
    def __init__(self):
        self.kept = 1

    def called(self):
        return 1

    def never(self):
        return 2
"""
OTHER = """
def helper(x):
    return x


class Base:
    pass
"""
LESSON_CODE = "from lessonkit import tools\nprint(tools.used(2), tools.Plain().called())\n"


@pytest.fixture
def package(tmp_path):
    (tmp_path / "lessonkit").mkdir()
    (tmp_path / "lessonkit" / "__init__.py").write_text("")
    (tmp_path / "lessonkit" / "tools.py").write_text(USED)
    (tmp_path / "lessonkit" / "other.py").write_text(OTHER)
    return tmp_path


def digest(root):
    found = reach.Reach(root, "lessonkit")
    found.add_code(LESSON_CODE)
    return found.digest()


@pytest.mark.parametrize(
    ("file", "old", "new", "matters"),
    [
        ("tools", "SIZE = 3", "SIZE = 4", True),
        ("tools", "return helper(x)", "return -helper(x)", True),
        ("other", "return x", "return x + 1", True),
        ("tools", "return 1", "return 3", True),
        ("tools", "self.kept = 1", "self.kept = 2", True),
        ("tools", "a comment", "another", False),
        ("tools", "A docstring.", "Another.", False),
        ("tools", "math.pi", "math.e", False),
        ("tools", "return 2", "return 4", False),
        ("other", "    pass", "    size = 1", False),
    ],
)
def test_only_what_is_reached_matters(package, file, old, new, matters):
    before = digest(package)
    path = package / "lessonkit" / f"{file}.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert (digest(package) != before) == matters


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The sample lesson in a tree of its own: fingerprints of it after a change of one file."""
    for folder in ("lessonkit", "autograder"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "[0-9]*"))
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    (tmp_path / "solutions").mkdir()
    (tmp_path / "autograder" / "banks" / "90_sample.py").write_text(BANK)
    monkeypatch.setattr(fingerprints, "ROOT", tmp_path)

    def both(file="", old="", new=""):
        files = {"lesson": LESSON}
        if file == "lesson":
            assert old in LESSON
            files["lesson"] = LESSON.replace(old, new)
        elif file:
            path = tmp_path / file
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new) if old else text + new)
        path = tmp_path / "solutions" / "90_sample.py"
        path.write_text(files["lesson"])
        lesson = source.parse(path)
        cells = {lesson.cells[n].name: digest for n, digest in fingerprints.cells(lesson).items()}
        return {**cells, "checks": fingerprints.checks(lesson)}, fingerprints.marks(lesson)

    return both


EVERYTHING = {"checks", "setup", "check-double-1", "demo-show", "demo-again"}


@pytest.mark.parametrize(
    ("file", "old", "new", "parts", "marks_too"),
    [
        ("lesson", "# Text.", "# Other text.", set(), False),
        ("lesson", "minutes=3", "minutes=4", set(), False),
        ("lesson", "points=2", "points=5", {"checks"}, True),
        ("lesson", "draw.normal(2, 3)", "draw.normal(3, 4)", {"checks"}, True),
        ("lesson", "print(doubled)", "print(doubled, 1)", {"demo-show", "demo-again"}, False),
        ("lesson", "print(doubled + 1)", "print(doubled + 2)", {"demo-again"}, False),
        ("lesson", "return 2 * x", "return x + x", {"checks", "demo-show", "demo-again"}, True),
        ("autograder/banks/90_sample.py", "Multiply it by 2.", "Double it.", {"checks"}, True),
        ("lessonkit/checks/compare.py", "", "\nMORE = 1\n", {"checks"}, True),
        ("autograder/grading/intake.py", "def take_in(", "def take_in(more=None, *, ", set(), True),
        ("autograder/sandbox/child.py", "", "\nMORE = 1\n", set(), True),
        ("autograder/grading/report.py", "", "\nMORE = 1\n", set(), False),
        ("requirements.txt", "torch==", "torch==9.", EVERYTHING, True),
        ("requirements.txt", "ruff==", "ruff==9.", set(), False),
    ],
)
def test_a_change_is_noticed_where_it_matters(course, file, old, new, parts, marks_too):
    outputs, marks = course()
    changed, regraded = course(file, old, new)
    assert {name for name in outputs if outputs[name] != changed[name]} == parts
    assert (marks != regraded) == marks_too


CELLS = """\
# %% [markdown]
# # A sample

# %% name="setup"
import torch
from lessonkit.data.translation import load_translation
data = load_translation()
start = torch.zeros(2)

def train(model):
    model.step(data)

# %% demo="training"
with demonstration("training"):
    model = start.clone()
    train(model)
    fig = model.figure()

# %% demo="other"
with demonstration("other"):
    fig = draw(data)
    rows = [model for model in data]
    fig.show()

# %% demo="figure"
with demonstration("figure"):
    for model_name in data:
        print(model)

# %% demo="late"
with demonstration("late"):
    start.add_(1)

# %% demo="later"
with demonstration("later"):
    print(start)
"""


@pytest.mark.parametrize(
    ("name", "demos"),
    [
        ("training", set()),
        ("other", set()),  # its `fig` is its own, its `model` a comprehension's, and data are only read
        ("figure", {"training"}),
        ("late", {"training"}),
        ("later", {"training", "late"}),  # `start` may have been changed there
    ],
)
def test_what_a_demonstration_stands_on(tmp_path, name, demos):
    path = tmp_path / "90_sample.py"
    path.write_text(CELLS)
    lesson = source.parse(path)
    (number,) = (i for i, cell in enumerate(lesson.cells) if cell.marks.get("demo") == name)
    behind = dependence.behind(number, lesson.cells[number].source, dependence.units_of(lesson))
    found = {lesson.cells[unit.cell].marks.get("demo") for unit in behind} - {None}
    assert found == demos
    assert ("def train" in "\n".join(unit.code for unit in behind)) == (name != "other")
