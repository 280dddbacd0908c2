"""The gradebook in PostgreSQL: a real server, from the system's packages."""

import os
import shutil
import subprocess
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.authoring import source
from autograder.bench import invented_class
from autograder.grading import by_hand
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.late import Due
from autograder.grading.report import write_report
from autograder.grading.roster import read_roster
from autograder.grading.run import Settings, grade
from autograder.machine import BUBBLEWRAP, POSTGRESQL, nothing_may_be_left_out
from lessonkit.errors import CourseError

from ..classroom.made import NAMES, WORTH, enter

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence),
    pytest.mark.skipif(not POSTGRESQL.path and not nothing_may_be_left_out(), reason=POSTGRESQL.sentence),
]
LESSON = source.find_lesson("00")


@pytest.fixture(scope="module")
def server():
    """The URL of an empty database; the server ends with the tests. It refuses to run as root, so another user does."""
    programs = Path(POSTGRESQL.path).parent
    as_user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
    if as_user:
        shutil.chown(folder, "postgres", "postgres")

    def call(program, *words):
        subprocess.run([str(programs / program), *words], check=True, cwd="/", capture_output=True, **as_user)

    data = str(folder / "data")
    call("initdb", "-D", data, "-U", "grader", "-A", "trust", "-E", "UTF8", "--no-locale")
    call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses=''", "start")
    try:
        call("createdb", "-h", str(folder), "-U", "grader", "course")
        yield f"postgresql://grader@/course?host={folder}"
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_grades_into_postgresql(server, tmp_path):
    students = ["ada-perfect", "dana-half-done", "hana-one-wrong"]
    truth = invented_class.make_class(tmp_path / "in", [LESSON], students)
    settings = Settings(tmp_path / "out", db_url=server)
    assert grade(LESSON, tmp_path / "in", settings).graded == 3
    again = grade(LESSON, tmp_path / "in", settings)
    assert (again.graded, again.unchanged) == (0, 3)
    with Gradebook(server) as gradebook:  # nbgrader's own reader
        for student in students:
            score = gradebook.find_submission(LESSON, student).score
            assert score == sum(points for (name, _, _), points in truth.items() if name == student)
    with closing(GradebookWriter(server)) as gradebook:
        page = write_report(gradebook, source.load(LESSON), tmp_path / "out")
    assert "3 submissions" in page.read_text("utf-8")
    assert not (tmp_path / "out" / "gradebook.db").exists()


def test_what_people_change_is_kept_in_postgresql(server, tmp_path):
    """Overrides, an exercise excused, a roster, due dates, attempts, a regrade, somebody who leaves: all tables."""
    (tmp_path / "r.csv").write_text("id,name,email\ns1,Ada Lovelace,ada@x\ns9,Anna Absent,\n")
    (tmp_path / "o.csv").write_text(f"student,exercise,points,why\ns1,{NAMES[0]},0.5,half\n")
    facts = {"time": "2026-03-02T00:00:00+00:00", "attempts": [{"file": "a", "time": "2026-03-01T00:00:00+00:00"}]}
    due = Due(datetime(2026, 3, 1, tzinfo=UTC))

    def there(gradebook):
        return {r.student: r for r in gradebook.records(LESSON) if r.student in ("s1", "s2")}

    with closing(GradebookWriter(server)) as gradebook:
        gradebook.prepare(source.load(LESSON))
        enter(gradebook, tmp_path, "s1", facts=facts)
        enter(gradebook, tmp_path, "s2")
        by_hand.enter_roster(gradebook.nbgraders, read_roster(tmp_path / "r.csv"))
        by_hand.override(gradebook.nbgraders, LESSON, tmp_path / "o.csv")
        by_hand.excuse(gradebook.nbgraders, LESSON, NAMES[1], WORTH, "the task was wrong")
        assert by_hand.enter_due(gradebook.nbgraders, LESSON, due, lambda *_: None) == 1
    with closing(GradebookWriter(server)) as gradebook:  # another process would see the same
        later = {"time": "2026-03-03T00:00:00+00:00", "file": "b", "attempts": [{"file": "b", "time": None}]}
        enter(gradebook, tmp_path, "s1", facts=later)
        ada = there(gradebook)["s1"]
        assert (ada.name, ada.verdicts[0]["points"], ada.verdicts[0]["comment"]) == ("Ada Lovelace", 0.5, "half")
        assert ada.max_points == sum(WORTH.values()) - WORTH[NAMES[1]]
        assert ada.seconds_late == 2 * 24 * 3600
        assert [attempt["file"] for attempt in ada.attempts] == ["a", "b"]
        assert [person.id for person in gradebook.absent(LESSON)] == ["s9"]
        by_hand.forget(gradebook.nbgraders, "s1", tmp_path)
        assert set(there(gradebook)) == {"s2"}
        assert {person.id for person in gradebook.roster().people} == {"s9"}


def test_a_server_that_does_not_answer_is_one_sentence(server):
    with pytest.raises(CourseError, match=r"The gradebook postgresql://.* can't be opened") as caught:
        GradebookWriter(server.replace("grader@", "grader:secret@").replace("/pg-", "/no-such-"))
    assert "secret" not in str(caught.value)
