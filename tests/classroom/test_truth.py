"""One truth of a mark: what people change reaches every table, survives a regrade, and is taken back by nobody."""

import csv
import os
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autograder.authoring import source
from autograder.authoring.fingerprints import marks as marks_depend_on
from autograder.bench import invented_class
from autograder.grading import by_hand, export, late
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.marks_csv import write_marks
from autograder.grading.roster import match, read_roster
from autograder.grading.run import Settings, grade
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.plain.grading import CONFIG
from autograder.plain.steps import leave_sealed_marks_alone
from autograder.sandbox import Limits
from lessonkit.errors import CourseError

L = "00_weighted_average"
STUDENTS = ["ada-perfect", "goran-every-other-wrong", "emil-untouched"]
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,00 weighted average (991),Other (5)\n"
    "    Points Possible,,,,,13,1\n"
    '"Perfect, Ada",101,s1,ada-perfect,A,,\n'
    '"Wrong, Goran",102,s2,goran-every-other-wrong,A,,1\n'
    '"Absent, Zoë",103,s3,zoe,B,,\n'
    '"Student, Test",999,,test,,,\n'
)
needs_bubblewrap = pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence)


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    place = tmp_path_factory.mktemp("class")
    invented_class.make_class(place / "in", [L], STUDENTS)
    settings = Settings(place / "out", limits=Limits(cell_seconds=4.0, probe_seconds=3.0))
    grade(L, place / "in", settings)
    return place, settings


@pytest.fixture
def graded(once, tmp_path):
    shutil.copytree(once[0], tmp_path, dirs_exist_ok=True)
    return tmp_path, replace(once[1], out=tmp_path / "out")


@pytest.fixture
def gradebook(graded):
    with closing(GradebookWriter(database_url(graded[0] / "out", None))) as opened:
        yield opened


def table(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def points(gradebook):
    return {record.student: record.points for record in gradebook.records(L)}


pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("truth"), needs_bubblewrap]


def test_a_mark_by_hand_is_in_every_table_and_survives_a_regrade(graded, gradebook):
    place, settings = graded
    before = points(gradebook)
    (place / "o.csv").write_bytes(
        "\ufeffstudent;exercise;points;why\r\nemil-untouched;softmax;1,5;was ill\r\n".encode()
    )
    (change,) = by_hand.override(gradebook.nbgraders, L, place / "o.csv")
    assert (change.before, change.after) == (0, 1.5)
    after = before | {"emil-untouched": 1.5}
    assert points(gradebook) == after
    marks = table(write_marks(place / "out/marks.csv", gradebook))
    (row,) = [r for r in marks if (r["student"], r["exercise"]) == ("emil-untouched", "softmax")]
    assert (row["points"], row["by_hand"], row["comment"]) == ("1.5", "0 -> 1.5", "was ill")
    for form in ("csv", "canvas"):
        (path,) = export.export(gradebook, [L], form, place / "out")
        assert "1.5" in path.read_text("utf-8")
    summary = grade(L, place / "in", replace(settings, seed=5))
    assert summary.graded == len(STUDENTS)
    assert points(gradebook) == after
    assert not summary.changed


def test_overrides_are_entered_all_or_none(graded, gradebook):
    place, _ = graded
    before = points(gradebook)
    text = "student,exercise,points,why\nemil-untouched,softmax,1,x\nemil-untouched,sofmax,1,x\nnobody,softmax,1,x\n"
    (place / "o.csv").write_text(text + "ada-perfect,softmax,many,x\n")
    with pytest.raises(CourseError) as error:
        by_hand.override(gradebook.nbgraders, L, place / "o.csv")
    said = str(error.value)
    assert "line 3: Lesson 00_weighted_average has no exercise 'sofmax'. Did you mean 'softmax'?" in said
    assert "line 4: There is no submission of 'nobody'" in said
    assert "line 5: points should be a number" in said
    assert "Nothing was changed." in said
    assert points(gradebook) == before


def test_an_exercise_excused_for_all_counts_for_nobody(graded, gradebook):
    worth = {str(c.marks["check"]): float(c.marks["points"]) for c in source.load("00").of_kind("check")}
    by_hand.excuse(gradebook.nbgraders, L, "softmax", worth, "the task was wrong")
    most = {record.max_points for record in gradebook.records(L)}
    assert most == {sum(worth.values()) - worth["softmax"]}
    by_hand.excuse(gradebook.nbgraders, L, "softmax", worth, None)
    assert {record.max_points for record in gradebook.records(L)} == {sum(worth.values())}
    with pytest.raises(CourseError, match="has no exercise 'x'"):
        by_hand.excuse(gradebook.nbgraders, L, "x", worth, "y")


def test_canvas_gets_its_own_rows_and_headings_back(graded, gradebook):
    place, _ = graded
    (place / "canvas.csv").write_text(CANVAS, encoding="utf-8")
    by_hand.enter_roster(gradebook.nbgraders, read_roster(place / "canvas.csv"))
    (path,) = export.export(gradebook, [L], "canvas", place / "out")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "00 weighted average (991)"]
    by_id = {row[1]: row for row in rows[2:]}
    assert by_id["101"][0] == "Perfect, Ada"
    assert float(by_id["101"][-1]) > float(by_id["102"][-1]) > 0
    assert by_id["103"][-1] == ""
    assert "999" not in by_id
    assert [p.id for p in gradebook.absent(L)] == ["103"]
    (path,) = export.export(gradebook, [L], "canvas", place / "out", absent="zero")
    assert "103,s3,zoe,B,0" in path.read_text("utf-8")
    names = {record.student: record.name for record in gradebook.records(L)}
    assert names["ada-perfect"] == "Ada Perfect"


def test_lateness_extensions_and_penalties(graded, gradebook):
    place, _ = graded
    for student, hour in (("ada-perfect", 9), ("goran-every-other-wrong", 12), ("emil-untouched", 12)):
        (place / "in" / student / L / "timestamp.txt").write_text(f"2026-03-01 {hour}:00:00 UTC")
    grade(L, place / "in", replace(graded[1], seed=7))
    due = late.Due(late.due_date("2026-03-01T11:00+01:00"), {"emil-untouched": datetime(2026, 3, 2, tzinfo=UTC)})
    assert by_hand.enter_due(gradebook.nbgraders, L, due, by_hand.late_penalty(place / "out")) == 1
    seconds = {record.student: record.seconds_late for record in gradebook.records(L)}
    assert seconds == {"ada-perfect": 0, "goran-every-other-wrong": 7200, "emil-untouched": 0}
    earned = points(gradebook)["goran-every-other-wrong"]
    (place / "out/nbgrader_config.py").write_text("c = get_config()\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    by_hand.enter_due(gradebook.nbgraders, L, due, by_hand.late_penalty(place / "out"))
    assert earned > 0
    assert points(gradebook)["goran-every-other-wrong"] == 0
    (path,) = export.export(gradebook, [L], "csv", place / "out")
    (row,) = [r for r in table(path) if r["student"] == "goran-every-other-wrong"]
    assert row["late"].startswith("2 hours, ")


def test_somebody_who_leaves_is_nowhere(graded, gradebook):
    place, _ = graded
    by_hand.forget(gradebook.nbgraders, "emil-untouched", place / "out")
    assert set(points(gradebook)) == {"ada-perfect", "goran-every-other-wrong"}
    assert not (place / "out/autograded/emil-untouched").exists()
    with pytest.raises(CourseError, match="nobody called 'emil-untouched'"):
        by_hand.forget(gradebook.nbgraders, "emil-untouched", place / "out")


def test_a_graded_notebook_that_somebody_removed_is_made_again(graded):
    place, settings = graded
    shutil.rmtree(place / "out/autograded/ada-perfect")
    assert grade(L, place / "in", settings).graded == 1
    assert (place / f"out/autograded/ada-perfect/{L}/{L}.ipynb").is_file()


def test_points_that_changed_are_graded_again(graded):
    """What a run takes as done depends on the points: they are part of what judges."""
    place, settings = graded
    lesson = source.load("00")
    cells = [
        replace(c, marks=c.marks | {"points": 9}) if c.marks.get("check") == "softmax" else c for c in lesson.cells
    ]
    assert marks_depend_on(replace(lesson, cells=tuple(cells))) != marks_depend_on(lesson)
    assert grade(L, place / "in", settings).graded == 0


def test_nbgraders_autograde_leaves_sealed_marks_alone(graded):
    notebook = graded[0] / "out" / "submitted" / "ada" / L / f"{L}.ipynb"
    with pytest.raises(SystemExit, match="sealed grader"):
        leave_sealed_marks_alone(L, "ada", [str(notebook)])
    leave_sealed_marks_alone("01_seq2seq", "ada", [str(notebook)])


def test_nbgraders_autograde_removes_no_page(graded):
    place, _ = graded
    shutil.copytree(place / "in", place / "out" / "submitted")
    page = place / f"out/autograded/ada-perfect/{L}/{L}.ipynb"
    words = [sys.executable, "-m", "nbgrader", "autograde", L, "--force", "--student", "ada-perfect"]  # as the button
    environment = {**os.environ, "JUPYTER_CONFIG_PATH": str(CONFIG.parent)}
    done = subprocess.run(words, cwd=place / "out", env=environment, capture_output=True, text=True, check=False)
    assert "is graded by the sealed grader" in done.stderr
    assert done.returncode != 0
    assert page.is_file()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,name\n1,Ada\n1,Bob\n", "two rows for '1': Ada and Bob"),
        ("id,email,name\n1,a@x,Ada\n2,a@x,Adah\n", "two rows for 'a@x'"),
        ("what,else\n1,2\n", "no roster that is known"),
    ],
)
def test_a_roster_that_cant_be_used_is_a_sentence(tmp_path, text, says):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(CourseError, match=says):
        read_roster(tmp_path / "r.csv")


def test_whoever_a_roster_knows_in_another_way_is_found(tmp_path):
    (tmp_path / "r.csv").write_text("id;name;email\n1;Lovelace, Ada;ada@x.edu\n2;Bob Roe;bob@x.edu\n", "utf-16")
    people = read_roster(tmp_path / "r.csv").people
    assert {s: p.id for s, p in match(people, ["lovelaceada", "bob", "x"]).items()} == {"lovelaceada": "1", "bob": "2"}


@pytest.mark.parametrize("text", ["2026-03-01T23:59", "tomorrow", ""])
def test_a_due_date_needs_a_time_zone(text):
    with pytest.raises(CourseError, match=r"time zone|no date"):
        late.due_date(text)
