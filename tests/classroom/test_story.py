"""A term in commands: collect, grade with roster and due date, change marks, correct a lesson, hand marks back."""

import csv
import os
import re
import subprocess
import sys
import zipfile

import pytest

from autograder.authoring import source
from autograder.authoring.source import ROOT
from autograder.bench import invented_class
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out

L = "00_weighted_average"
ROSTER = (
    "Student,ID,SIS User ID,SIS Login ID,Section,00_weighted_average (991)\n    Points Possible,,,,,13\n"
    '"Lovelace, Ada",101,s1,ada,A,\n"Roe, Bob",102,s2,bob,A,\n"Ng, Zoë",103,s3,zoe,B,\n'
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence),
]


@pytest.fixture
def autograder(tmp_path):
    def run(*words, code=0):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "300"}
        done = subprocess.run(
            [sys.executable, "-m", "autograder", *map(str, words)], cwd=tmp_path, env=environment, capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run


def rows(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def test_a_class_from_canvas_and_back(tmp_path, autograder):
    invented_class.make_class(tmp_path / "made", [L], ["ada-perfect", "dana-half-done"])
    notebooks = {s: (tmp_path / "made" / s / L / f"{L}.ipynb").read_bytes() for s in ("ada-perfect", "dana-half-done")}
    with zipfile.ZipFile(tmp_path / "submissions.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"lovelaceada_101_5001_{L}.ipynb", (2026, 3, 1, 10, 0, 0)), b"{}")
        archive.writestr(
            zipfile.ZipInfo(f"lovelaceada_101_5002_{L}-1.ipynb", (2026, 3, 1, 11, 0, 0)), notebooks["ada-perfect"]
        )
        archive.writestr(
            zipfile.ZipInfo(f"roebob_LATE_102_5003_{L}.ipynb", (2026, 3, 3, 11, 0, 0)), notebooks["dana-half-done"]
        )
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")

    shown = autograder("collect", "submissions.zip")
    assert "recognised as: Canvas" in shown
    assert "2 students, 2 with a notebook that counts; 1 files not used." in shown

    due = ["--due", "2026-03-02T23:59+01:00", "--roster", "roster.csv"]
    shown = autograder("grade", "00", "--submissions", "submissions.zip", *due)
    assert "2 graded, 0 unchanged, 0 refused" in shown
    assert f"not used: lovelaceada_101_5001_{L}.ipynb: an earlier attempt" in shown
    assert "handed in nothing: 1 of 3 on the roster" in shown
    assert "late: 1 of 2" in shown
    assert [row[0] for row in rows(tmp_path / "out/not_used.csv")][1:] == [f"lovelaceada_101_5001_{L}.ipynb"]

    most = sum(float(c.marks["points"]) for c in source.load("00").of_kind("check"))
    (tmp_path / "changes.csv").write_text("student,exercise,points,why\n102,softmax,0.5,half of it\n")
    assert "102, softmax:" in autograder("override", "00", "changes.csv")
    autograder("export", "00", "--to", "canvas", "--absent", "zero")
    head, _, *students = rows(tmp_path / "out/export/canvas.csv")
    assert head[-1] == "00_weighted_average (991)"
    marks = {row[1]: row[-1] for row in students}
    assert float(marks["101"]) == most
    assert marks["103"] == "0"
    bob = float(marks["102"])

    shown = autograder("grade", "00", "--submissions", "submissions.zip", "--seed", "7")
    assert "2 graded" in shown
    assert "changed:" not in shown
    autograder("export", "00", "--to", "canvas")
    assert {row[1]: row[-1] for row in rows(tmp_path / "out/export/canvas.csv")[2:]}["102"] == f"{bob:g}"

    assert "counts for nobody: 2 students" in autograder("excuse", "00", "softmax", "--why", "ambiguous")
    autograder("feedback")
    page = next((tmp_path / "out/feedback/102").rglob("*.html")).read_text("utf-8")
    assert re.search(r"\d of \d", page)
    autograder("report")
    assert "is in no table any more" in autograder("forget", "102")
    assert not (tmp_path / "out/feedback/102").exists()
    assert "102" not in {row[0] for row in rows(tmp_path / "out/marks.csv")}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("collect", "nowhere.zip"), "There is no folder or zip"),
        (("grade", "00", "--submissions", ".", "--due", "2026-03-02T23:59"), "says no time zone"),
        (("excuse", "00", "softmax"), "Say why"),
        (("forget", "ada"), "There is no gradebook"),
        (("roster", "nothing.csv"), "There is no gradebook"),
    ],
)
def test_a_mistake_is_one_sentence(autograder, words, says):
    assert says in autograder(*words, code=2)
