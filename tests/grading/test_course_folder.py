"""An instructor's usual way: nbgrader's own commands in a course folder, with this project's configuration."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.authoring import source
from autograder.authoring.build import student_path
from autograder.authoring.generate import GOES_ON
from autograder.authoring.notebook import DEMONSTRATION
from autograder.bench import invented_class
from autograder.plain.grading import CONFIG

pytestmark = pytest.mark.slow

LESSON = source.find_lesson("00")


def test_nbgraders_own_commands(tmp_path):
    truth = invented_class.make_class(tmp_path / "submitted", [LESSON], ["dana-half-done"])
    programs = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([programs, os.environ["PATH"]])}
    environment |= {"JUPYTER_CONFIG_PATH": str(CONFIG.parent), "HOME": str(tmp_path / "home")}

    def nbgrader(*words):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    nbgrader("generate_assignment", LESSON)
    released = nbformat.read(tmp_path / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    ours = nbformat.read(student_path(LESSON), as_version=4).cells
    for cell in ours:
        if cell.metadata.get("tags") == [GOES_ON]:  # ours
            del cell.metadata["tags"]
    assert released.cells == ours
    nbgrader("autograde", LESSON)
    nbgrader("generate_feedback", LESSON)
    nbgrader("export")
    with (tmp_path / "grades.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["student_id"], float(row["score"])) == ("dana-half-done", sum(truth.values()))
    assert float(row["max_score"]) == sum(e.points for e in source.load(LESSON).exercises().values())
    graded = nbformat.read(tmp_path / "autograded" / "dana-half-done" / LESSON / f"{LESSON}.ipynb", as_version=4)
    skipped = [cell for cell in graded.cells if DEMONSTRATION in cell.metadata.get("tags", [])]
    assert skipped
    assert not any(cell.outputs for cell in skipped)
    assert (tmp_path / "feedback" / "dana-half-done" / LESSON / f"{LESSON}.html").is_file()
