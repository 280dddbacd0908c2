"""The learner's bundle installs, imports, and holds no answer."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
from jupyterlab.labapp import LabApp
from traitlets.config import PyFileConfigLoader

from autograder.authoring import source
from autograder.authoring.release import NAME, release


def imported(texts):
    """The packages that lessonkit and the notebooks import, Python's own and those that ipykernel brings apart."""
    code = [text for name, text in texts.items() if name.startswith("lessonkit/")]
    for name, text in texts.items():
        if name.endswith(".ipynb"):
            code += [cell.source for cell in nbformat.reads(text, 4).cells if cell.cell_type == "code"]
    found = set(re.findall(r"^\s*(?:import|from) (\w+)", "\n".join(code), re.MULTILINE))
    return found - sys.stdlib_module_names - {"lessonkit", "IPython", "traitlets"}


def test_bundle_is_complete_and_holds_no_answers(tmp_path):
    path = release(tmp_path)
    with zipfile.ZipFile(path) as bundle:
        names = {name.removeprefix(f"{NAME}/") for name in bundle.namelist()}
        texts = {
            name: bundle.read(f"{NAME}/{name}").decode()
            for name in names
            if name.endswith((".ipynb", ".py", ".toml", ".txt"))
        }
        bundle.extractall(tmp_path)
    assert {name.split("/")[0] for name in names} == {
        *("lessons", "lessonkit", "data", "README.md", "requirements.txt", "pyproject.toml", "LICENSE"),
        *("lab.py", "settings"),
    }
    for lesson in source.lesson_names():
        assert f"lessons/{lesson}/{lesson}.ipynb" in names
        for exercise in source.load(lesson).exercises().values():
            body = exercise.cell.source.split(source.BEGIN)[1].split(source.END)[0].strip()
            assert body not in texts[f"lessons/{lesson}/{lesson}.ipynb"]
    assert not [name for name, text in texts.items() if "import autograder" in text or "from autograder" in text]
    assert tomllib.loads(texts["pyproject.toml"])["tool"]["setuptools"]["packages"]["find"]["include"] == ["lessonkit*"]
    pinned = {line.split("==")[0] for line in texts["requirements.txt"].splitlines()} - {"-e ."}
    pinned = {"sklearn" if package == "scikit-learn" else package for package in pinned}  # as it is imported
    assert pinned - imported(texts) == {"jupyterlab", "ipykernel"}  # what shows and runs a notebook
    assert imported(texts) <= pinned
    code = (
        "import lessonkit, lessonkit.data.translation as t; print(len(t.load_translation().train), lessonkit.__file__)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / NAME, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("10000 ")
    assert str(tmp_path) in ran.stdout


def test_jupyterlab_opens_the_start_page_and_asks_nothing(tmp_path):
    with zipfile.ZipFile(release(tmp_path)) as bundle:
        assert {entry.external_attr >> 16 & 0o777 for entry in bundle.infolist()} == {0o644}
        bundle.extractall(tmp_path)
    place = tmp_path / NAME
    said = PyFileConfigLoader("lab.py", str(place)).load_config()
    assert (Path(said.ServerApp.root_dir) / said.LabApp.default_url.removeprefix("/lab/tree/")).is_file()
    overrides = json.loads((Path(said.LabApp.app_settings_dir) / "overrides.json").read_text("utf-8"))
    assert overrides["@jupyterlab/apputils-extension:notification"] == {"checkForUpdates": False, "fetchNews": "false"}
    assert LabApp(config=said).app_settings_dir == str(place / "settings")


def test_the_same_files_give_the_same_bytes(tmp_path):
    assert release(tmp_path / "a").read_bytes() == release(tmp_path / "b").read_bytes()
