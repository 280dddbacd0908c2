"""The wheel, installed in a fresh environment in another folder, is enough for a notebook: checks, data, results."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

from autograder.authoring import source
from autograder.authoring.release import LEARNERS
from autograder.authoring.wheel import NEEDED, wheel
from tests.build.test_release import imported

pytestmark = pytest.mark.slow
LOADED = """
import importlib, pkgutil, sys
import lessonkit, lessonkit.data
assert lessonkit.__file__.startswith(sys.prefix), lessonkit.__file__
from lessonkit.lesson import RESULTS, Lesson
from lessonkit.data import digits, documents, inference, pronouns, scenes, translation
loaded = (
    translation.load_translation(), scenes.load_scenes(), pronouns.load_pronouns(), digits.load_digits(),
    documents.load_documents(), inference.load_inference(),
)
assert all(loaded)
assert Lesson("03_additive_attention").results()["runs"]
for module in pkgutil.walk_packages(lessonkit.__path__, "lessonkit."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(len(loaded), "loaded")
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of a fresh environment that has the wheel, and the other packages of this one."""
    place = tmp_path_factory.mktemp("elsewhere")
    made = wheel(place)
    venv.create(place / "env", with_pip=False)
    python = place / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", made],
        check=True, capture_output=True,
    )  # fmt: skip
    here = next(place.glob("env/lib*/**/site-packages"))
    (here / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")  # behind what is installed here
    return python


def run(python, tmp_path, code):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([python, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_is_found_where_it_is_installed(python, tmp_path):
    assert run(python, tmp_path, LOADED) == "6 loaded\n"


CELLS = """
import ast, contextlib, io
space = {}
for cell in CELLS:
    *body, last = ast.parse(cell).body
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(ast.Module(body, []), "cell", "exec"), space)
        value = None
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), space)
        else:
            exec(compile(ast.Module([last], []), "cell", "exec"), space)
    if type(value).__name__ == "Verdict":
        print(repr(value))
"""


def test_checks_give_their_marks(python, tmp_path):
    lesson = source.load("00")
    cells = [cell.source for cell in lesson.cells if cell.kind in ("plain", "exercise", "check")]
    marks = [float(line) for line in run(python, tmp_path, CELLS.replace("CELLS", repr(cells))).split()]
    assert marks == [exercise.points for exercise in lesson.exercises().values()]


def test_it_asks_for_what_lessonkit_imports(tmp_path):
    with zipfile.ZipFile(wheel(tmp_path)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".py")}
    at_once = {name: re.sub(r"^ +(import|from) sklearn.*", "", text, flags=re.M) for name, text in texts.items()}
    assert imported(at_once) <= {*NEEDED}  # scikit-learn is asked for where two full-size runs need it


def test_it_holds_no_answer_and_is_the_same_each_time(tmp_path):
    first, second = wheel(tmp_path / "a"), wheel(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        code = [archive.read(name).decode() for name in names if name.endswith(".py")]
    assert {name.split("/")[0] for name in names} == {"lessonkit", "attention_course-0.1.0.dist-info"}
    assert not [text for text in code if 'parents[2] / "data"' in text or "autograder" in text.split('"""')[-1]]
    assert {*NEEDED} < {*LEARNERS}
