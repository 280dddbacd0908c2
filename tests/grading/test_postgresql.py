"""The gradebook in PostgreSQL: a real server, from the system's packages."""

import os
import shutil
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from autograder.authoring import source
from autograder.bench import invented_class
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.report import write_report
from autograder.grading.run import Settings, grade
from autograder.machine import BUBBLEWRAP, POSTGRESQL, nothing_may_be_left_out
from lessonkit.errors import CourseError

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


def test_a_server_that_does_not_answer_is_one_sentence(server):
    with pytest.raises(CourseError, match=r"The gradebook postgresql://.* can't be opened") as caught:
        GradebookWriter(server.replace("grader@", "grader:secret@").replace("/pg-", "/no-such-"))
    assert "secret" not in str(caught.value)
