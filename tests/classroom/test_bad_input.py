"""What people do wrong, and what goes wrong around them: one sentence each, and nothing lost."""

import errno
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder import cli
from autograder.authoring.generate import COURSE
from autograder.commands.shared import app
from autograder.grading import by_hand, feedback
from autograder.grading import gradebook as gradebooks
from autograder.grading.feedback import write_feedback
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.one_student import everything_of
from autograder.grading.roster import read_roster
from autograder.grading.submissions import collect
from lessonkit.errors import CourseError

from .made import LESSON, NAMES, WORTH, L, enter, opened, wrong

STUDENTS = ["ada", "bob", "cy", "dora"]
MOST = sum(WORTH.values())


pytestmark = pytest.mark.xdist_group("bad_input")


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with opened(out) as gradebook:
        for student in STUDENTS:
            enter(gradebook, out, student)
    return out


@pytest.fixture
def place(once, tmp_path):
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    with closing(GradebookWriter(database_url(tmp_path, None))) as gradebook:
        yield tmp_path, gradebook


def points(gradebook):
    return {record.student: record.points for record in gradebook.records(L)}


def test_a_full_disk_in_the_middle_of_feedback(place, monkeypatch):
    out, gradebook = place
    replace, calls = Path.replace, []

    def full(self, target):
        calls.append(self)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CourseError) as error:
        list(write_feedback(gradebook, LESSON, out))
    assert "No space left on device" in str(error.value)
    assert "2 of 4 pages of 00_weighted_average are written, each whole; then run this again." in str(error.value)
    written = sorted((out / "feedback").rglob("*"))
    assert [p.parts[-3] for p in written if p.suffix == ".html"] == ["ada", "bob"]
    assert not [p for p in written if p.suffix == ".part"]
    assert all(p.read_text("utf-8").endswith("</html>\n") for p in written if p.suffix == ".html")
    assert len(list(write_feedback(gradebook, LESSON, out))) == 4
    assert set(points(gradebook).values()) == {MOST}


@pytest.mark.parametrize("where", ["_parts", "replace"])
def test_a_process_that_dies_while_a_page_is_made(place, monkeypatch, where):
    """Killed while the third page is rendered, or before it has its name: the same command makes them all."""
    out, gradebook = place
    owner = feedback if where == "_parts" else Path
    make, calls = getattr(owner, where), []

    def dies(*given):
        calls.append(given)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return make(*given)

    child = os.fork()
    if child == 0:
        try:
            monkeypatch.setattr(owner, where, dies)
            with closing(GradebookWriter(database_url(out, None))) as own:
                list(write_feedback(own, LESSON, out))
        finally:
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    pages = sorted((out / "feedback").rglob("*.html"))
    assert [page.parts[-3] for page in pages] == ["ada", "bob"]
    assert all(page.read_text("utf-8").endswith("</html>\n") for page in pages)
    assert len(list(write_feedback(gradebook, LESSON, out))) == 4
    assert not list((out / "feedback").rglob("*.part"))
    assert set(points(gradebook).values()) == {MOST}


def test_formgrader_is_open_and_reads(place):
    out, gradebook = place
    with Gradebook(database_url(out, None), COURSE) as formgrader:
        assert formgrader.find_submission(L, "ada").score == MOST
        enter(gradebook, out, "eve")
        assert formgrader.find_submission(L, "eve").score == MOST
    assert len(points(gradebook)) == 5


def test_formgrader_writes_while_something_is_graded(place, monkeypatch):
    """A short write is waited for; one that doesn't end is a sentence, and the submission is graded by the next run."""
    out, _ = place
    monkeypatch.setattr(gradebooks, "PATIENCE", 0.2)
    with (
        closing(GradebookWriter(database_url(out, None))) as gradebook,
        closing(sqlite3.connect(out / "gradebook.db")) as formgrader,
    ):
        formgrader.execute("BEGIN IMMEDIATE")
        with pytest.raises(CourseError, match=r"database is locked.* What it has is whole; mend this and run again"):
            enter(gradebook, out, "eve")
        assert set(points(gradebook)) == set(STUDENTS)
        formgrader.rollback()
        enter(gradebook, out, "eve")
        assert points(gradebook)["eve"] == MOST


def test_a_command_that_meets_a_locked_gradebook_is_a_sentence(place, monkeypatch, capsys):
    out, _ = place
    monkeypatch.setattr(gradebooks, "PATIENCE", 0.2)
    (out / "o.csv").write_text(f"student,exercise,points,why\nada,{NAMES[0]},0,x\n")
    with closing(sqlite3.connect(out / "gradebook.db")) as formgrader:
        formgrader.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr("sys.argv", ["autograder", "override", "00", str(out / "o.csv"), "--out", str(out)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        formgrader.rollback()
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().out.split())
    assert said == (
        "The gradebook is being written by another program, formgrader perhaps. What it has is whole: run again."
    )
    assert points(place[1])["ada"] == MOST


def test_a_file_that_is_no_gradebook_is_a_sentence(tmp_path):
    (tmp_path / "gradebook.db").write_text("something else, and long enough to be looked at as a database file")
    with pytest.raises(CourseError, match=r"The gradebook .*gradebook.db can't be opened: .*not a database"):
        GradebookWriter(database_url(tmp_path, None))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("ada,softmaxx,1,x", "line 2: Lesson 00_weighted_average has no exercise 'softmaxx'. Did you mean 'softmax'?"),
        ("adda,softmax,1,x", "line 2: There is no submission of 'adda' for 00_weighted_average. Did you mean 'ada'?"),
        ("ada,softmax,-1,x", "points should be 0 or more"),
        ("ada,softmax,nan,x", "points should be 0 or more"),
        ("ada,softmax,many,x", "points should be a number, not 'many'"),
    ],
)
def test_an_override_that_cant_be_entered(place, row, says):
    out, gradebook = place
    (out / "o.csv").write_text(f"student,exercise,points,why\n{row}\n")
    with pytest.raises(CourseError) as error:
        by_hand.override(gradebook.nbgraders, L, out / "o.csv")
    assert says in str(error.value)
    assert "Nothing was changed." in str(error.value)
    assert set(points(gradebook).values()) == {MOST}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,name\n1,Ada\n1,Bob\n", "two rows for '1': Ada and Bob"),
        ("id,name\n1,Ada\n 1 ,Ada\n", "two rows for '1': Ada and Ada"),
        ("id,name,email\n1,Ada Lovelace,a@x\n2,Ada King,A@X\n", "two rows for .*: Ada Lovelace and Ada King"),
    ],
)
def test_one_student_twice_on_a_roster(place, text, says):
    out, gradebook = place
    (out / "r.csv").write_text(text)
    with pytest.raises(CourseError, match=says):
        read_roster(out / "r.csv")
    assert gradebook.roster() is None


def test_a_pattern_that_finds_two_students_in_one_file(tmp_path):
    (tmp_path / "ada--bob").mkdir()
    (tmp_path / "ada--bob" / f"{L}.ipynb").write_text("{}")
    with pytest.raises(CourseError, match=r"--pattern finds 2 students in ada--bob/.*: ada, bob. Make it more exact"):
        collect(tmp_path, L, r"(?P<student_id>ada|bob)")


def test_a_due_date_without_a_time_zone_grades_nothing(tmp_path):
    done = CliRunner().invoke(app, ["grade", "00", "--submissions", str(tmp_path), "--due", "2026-03-01T23:59"])
    assert isinstance(done.exception, CourseError)
    assert "says no time zone" in str(done.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "written",
    [
        "c.LateSubmissionPlugin.penalty_method = 'nonsense'",
        "c.AssignLatePenalties.plugin_class = 'no.such.Plugin'",
        "1 / 0",
        "from nbgrader.plugins import BasePlugin\n"
        "class Own(BasePlugin):\n"
        "    def late_submission_penalty(self, *given): return self.there_is_no_such_thing\n"
        "c.AssignLatePenalties.plugin_class = Own",
    ],
    ids=["value", "class", "error", "plugin"],
)
def test_a_penalty_that_cant_be_used_is_a_sentence(tmp_path, written):
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\n{written}\n")
    with pytest.raises(CourseError, match=r"nbgrader_config\.py can't be used: "):
        by_hand.late_penalty(tmp_path)("ada", 3.0, 60.0)


def test_whoever_leaves_is_in_no_file_of_the_folder(place):
    out, gradebook = place
    enter(gradebook, out, "zora-zanzibar", {NAMES[0]: wrong()}, {"name": "Zora Zanzibar"})
    list(write_feedback(gradebook, LESSON, out))
    (out / "not_used.csv").write_text("file,student\nzora-zanzibar/x.txt,zora-zanzibar\n")
    by_hand.forget(gradebook.nbgraders, "zora-zanzibar", out)
    for path in out.rglob("*"):
        if path.is_file() and "made" not in path.parts:
            content = path.read_bytes().lower()
            assert b"zora" not in content, path
    assert not [path for path in out.rglob("*zora*") if "made" not in path.parts]
    assert set(points(gradebook)) == set(STUDENTS)


def test_everything_of_one_student(place):
    out, gradebook = place
    (out / "o.csv").write_text(f"student,exercise,points,why\nada,{NAMES[0]},0.5,half\n")
    by_hand.override(gradebook.nbgraders, L, out / "o.csv")
    table, *lines = everything_of(gradebook, "ada", out)
    assert f"{MOST - WORTH[NAMES[0]] + 0.5:g} of {MOST:g} points" in str(table.title)
    assert next(iter(table.columns[5].cells)) == "half"
    assert lines[-1].startswith("Together: ")
    with pytest.raises(CourseError, match=r"Nothing of 'adda' is graded here\. Did you mean 'ada'"):
        list(everything_of(gradebook, "adda", out))


def test_a_student_is_found_by_a_part_of_the_name(place):
    out, gradebook = place
    enter(gradebook, out, "7", facts={"name": "Zoë Müller"})
    enter(gradebook, out, "8", facts={"name": "Zoë King"})
    assert any("7" in str(part) for part in everything_of(gradebook, "müller", out))
    with pytest.raises(CourseError, match=r"2 students are called 'zoë': Zoë King \(8\), Zoë Müller \(7\)\. Name one"):
        list(everything_of(gradebook, "zoë", out))
