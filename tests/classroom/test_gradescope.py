"""Gradescope's autograder.zip, run in a folder laid out like its container; the module says what that can't show."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from autograder.authoring.source import ROOT
from autograder.bench import invented_class
from autograder.grading.gradescope import write_autograder
from autograder.machine import BUBBLEWRAP
from autograder.sandbox.bwrap import python_folders

from .made import LESSON, NAMES, WORTH, L

SPY = """
import os, pathlib
found = []
for name in ("source/course/solutions", "source/course/autograder/banks", "results", "submission"):
    place = pathlib.Path(os.environ["PYTHONPATH"].split(":")[0]).parents[1] / name
    try:
        found += list(place.iterdir())
        (place / "written").write_text("x")
    except OSError:
        pass
assert not found, found
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_autograder(LESSON, tmp_path_factory.mktemp("out"))


def test_the_zip_has_what_the_container_starts_and_no_other_lessons_answers(archive):
    with zipfile.ZipFile(archive) as opened:
        names = set(opened.namelist())
        assert {"setup.sh", "run_autograder", "requirements.txt", f"course/solutions/{L}.py"} <= names
        assert opened.getinfo("run_autograder").external_attr >> 16 == 0o755
        assert opened.read("run_autograder").startswith(b"#!/usr/bin/env bash")
        assert f"autograder.grading.gradescope {L}".encode() in opened.read("run_autograder")
        pinned = opened.read("requirements.txt").decode().splitlines()
    assert set(pinned) <= set((ROOT / "requirements.txt").read_text().splitlines())
    assert {n for n in names if n.startswith(("course/solutions/", "course/autograder/banks/"))} == {
        f"course/solutions/{L}.py",
        f"course/autograder/banks/{L}.py",
        "course/autograder/banks/__init__.py",
    } & names
    for script in ("setup.sh", "run_autograder"):
        with zipfile.ZipFile(archive) as opened:
            checked = subprocess.run(["bash", "-n"], input=opened.read(script), capture_output=True)
        assert checked.returncode == 0, checked.stderr


@pytest.fixture
def container(archive):
    """/autograder as the container has it, in a folder that everybody may enter."""
    if os.getuid() != 0 or not BUBBLEWRAP.path:
        pytest.skip("only root can run a submission as somebody else; and bubblewrap opens root's own Python to others")
    place = Path(tempfile.mkdtemp(prefix="autograder-", dir="/tmp"))
    place.chmod(0o755)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(place / "source")
    (place / "submission").mkdir()
    for closed in ("solutions", "autograder/banks"):  # as setup.sh does
        subprocess.run(["chmod", "-R", "go-rwx", place / "source/course" / closed], check=True)
    yield place
    shutil.rmtree(place)


def run(place, user="nobody"):
    """Start run_autograder where the interpreter is open to everybody, as the container's is."""
    environment = {"PATH": os.environ["PATH"], "AUTOGRADER": str(place), "PYTHON": sys.executable}
    line = [BUBBLEWRAP.path, "--dev-bind", "/", "/", "--proc", "/proc", "--cap-add", "ALL"]
    closed = Path("/root")
    inside = [str(folder) for folder in python_folders() if folder.is_relative_to(closed)]
    if inside:
        line += ["--perms", "0755", "--tmpfs", str(closed)]
        for folder in inside:
            for parent in reversed(Path(folder).parents[: -len(closed.parts)]):  # bubblewrap's own would be closed
                line += ["--perms", "0755", "--dir", str(parent)]
            line += ["--ro-bind", folder, folder]
    line += ["bash", str(place / "source" / "run_autograder")]
    done = subprocess.run(line, env=environment | {"AUTOGRADER_USER": user}, capture_output=True, text=True)
    path = place / "results" / "results.json"
    return done, json.loads(path.read_text("utf-8")) if path.is_file() else None


@pytest.mark.slow
def test_a_submission_is_graded_as_another_user_who_sees_no_answers(container):
    desk = invented_class.Desk(LESSON)
    desk.solve(*NAMES[:2])
    desk.add(NAMES[0], SPY)
    desk.hand_in(container / "made", "ada")
    (container / "submission" / "homework").mkdir()
    shutil.copy(container / "made" / "ada" / L / f"{L}.ipynb", container / "submission" / "homework" / "mine (1).ipynb")
    shutil.rmtree(container / "made")
    done, results = run(container)
    assert done.returncode == 0, done.stderr
    assert results["score"] == sum(WORTH[name] for name in NAMES[:2]) == sum(t["score"] for t in results["tests"])
    assert [t["name"] for t in results["tests"]] == NAMES
    assert "AssertionError" not in results["output"]
    assert not list(container.rglob("written"))


@pytest.mark.slow
def test_a_submission_without_a_notebook_gets_a_sentence(container):
    (container / "submission" / "essay.txt").write_text("sorry")
    done, results = run(container)
    assert done.returncode == 0, done.stderr
    assert results["score"] == 0
    assert results["output"].startswith("There is no notebook for this lesson")


def test_a_container_that_lacks_its_user_fails_and_gives_nobody_a_0(container):
    done, results = run(container, "nobody-of-that-name")
    assert done.returncode == 1
    assert "has no user nobody-of-that-name" in done.stderr
    assert results is None
