"""Runs that are cut off or disturbed: killed, robbed of a worker, of the disk, of cgroups, of the right time.

What they wrote is whole, and nothing is graded twice.
"""

import errno
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from dask.distributed import LocalCluster
from sqlalchemy import select

from autograder.authoring import source
from autograder.bench import invented_class
from autograder.grading import run as runs
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.run import Settings, grade
from autograder.grading.tables import HANDED_IN
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import cgroup
from lessonkit.errors import CourseError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence),
]
LESSON = source.find_lesson("00")
KINDS = ["ada-perfect", "goran-every-other-wrong", "emil-untouched", "ivan-syntax-error", "nils-talkative"]
COPIES, KILLS, SEED = 12, 10, 20261121


@pytest.fixture(scope="module")
def submissions(tmp_path_factory):
    """Sixty submissions of five kinds."""
    folder = tmp_path_factory.mktemp("submissions")
    invented_class.make_class(folder / "0", [LESSON], KINDS)
    for i in range(COPIES):
        for kind in KINDS:
            shutil.copytree(folder / "0" / kind, folder / "all" / f"{kind}-{i:02}")
    return folder / "all"


def run(submissions, out, errors=subprocess.DEVNULL):
    """The command, in a process of its own."""
    words = ["grade", LESSON, "--submissions", str(submissions), "--out", str(out), "--seed", str(SEED)]
    return subprocess.Popen(
        [sys.executable, "-m", "autograder", *words], stdout=subprocess.PIPE, stderr=errors, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore Ctrl-C
    )  # fmt: skip


def graded(out):
    """When each student in the gradebook was graded, as far as one can tell: how long it took."""
    if not (out / "gradebook.db").is_file():
        return {}
    with closing(GradebookWriter(database_url(out, None))) as gradebook:
        return {record.student: record.seconds["whole"] for record in gradebook.records(LESSON)}


def some_are_graded(out):
    """Whether a run that is under way has written its first marks; looks without touching the file."""
    try:
        with closing(sqlite3.connect(f"{(out / 'gradebook.db').as_uri()}?mode=ro", uri=True)) as gradebook:
            return gradebook.execute("SELECT count(*) FROM sealed_record").fetchone()[0] > 0
    except sqlite3.OperationalError:
        return False  # not made yet, or being made


def whole(out):
    """The same after the run has ended: whoever is in one table is in all of them."""
    seconds = graded(out)
    if not seconds:
        return seconds
    with closing(GradebookWriter(database_url(out, None))) as gradebook:
        handed_in = gradebook.nbgraders.db.execute(select(HANDED_IN.c.student)).scalars().all()
        assert sorted(handed_in) == sorted(seconds)
        for record in gradebook.records(LESSON):
            assert record.version
            (attempt,) = record.attempts
            assert attempt["points"] == gradebook.nbgraders.find_submission(LESSON, record.student).score
    return seconds


def test_killed_at_random_moments(submissions, tmp_path, count):
    undisturbed = run(submissions, tmp_path / "undisturbed")
    start = time.monotonic()
    said = undisturbed.communicate()[0]
    seconds = time.monotonic() - start
    assert "60 graded, 0 unchanged" in " ".join(said.split())
    rng, before, cut_off = random.Random(SEED), {}, 0
    for kill in range(KILLS):
        process = run(submissions, tmp_path / "killed")
        if kill:
            time.sleep(rng.uniform(0.3, 1.0) * seconds / 2)
        while not kill and not some_are_graded(tmp_path / "killed"):  # one in the middle, however fast the machine is
            time.sleep(0.05)
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        after = whole(tmp_path / "killed")
        assert {student: after[student] for student in before} == before  # none was graded again
        cut_off += len(after) < len(KINDS) * COPIES
        before = after
    assert cut_off
    last = run(submissions, tmp_path / "killed")
    said = " ".join(last.communicate()[0].split())
    assert f"{60 - len(before)} graded, {len(before)} unchanged" in said
    assert last.returncode == 0
    marks = [(tmp_path / name / "marks.csv").read_text("utf-8") for name in ("undisturbed", "killed")]
    assert marks[0] == marks[1]
    count("kills of a grading run survived", KILLS)


def test_a_worker_that_dies_has_its_work_done_elsewhere(submissions, tmp_path):
    alone = grade(LESSON, submissions, Settings(tmp_path / "alone", seed=SEED))
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:

        def progress(found, total):
            for number, one in enumerate(found):
                if number == total // 4:
                    os.kill(cluster.workers[0].pid, signal.SIGKILL)
                yield one

        settings = Settings(tmp_path / "together", scheduler=cluster.scheduler_address, seed=SEED)
        together = grade(LESSON, submissions, settings, progress)
    assert (together.graded, together.unchanged) == (60, 0)
    assert together.marks.read_text("utf-8") == alone.marks.read_text("utf-8")
    assert whole(tmp_path / "together").keys() == whole(tmp_path / "alone").keys()


def test_ctrl_c_keeps_what_is_graded(submissions, tmp_path):
    """And says it in one sentence, whatever number of sandboxes is under way."""
    with (tmp_path / "errors.txt").open("w") as errors:
        process = run(submissions, tmp_path, errors)
        while not graded(tmp_path):
            time.sleep(0.2)
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = " ".join(process.communicate()[0].split())
    assert said == "Stopped. What is graded is kept: run the same command again to go on."
    assert "Traceback" not in (tmp_path / "errors.txt").read_text("utf-8")
    assert process.returncode == 130
    assert 0 < len(whole(tmp_path)) < len(KINDS) * COPIES


# What befalls the machine in the middle of a run


@pytest.fixture(scope="module")
def few(submissions, tmp_path_factory):
    """Ten of the submissions, and the marks that they get in peace."""
    place = tmp_path_factory.mktemp("few")
    for kind in KINDS:
        for i in range(2):
            shutil.copytree(submissions / f"{kind}-{i:02}", place / "in" / f"{kind}-{i:02}")
    return place / "in", grade(LESSON, place / "in", Settings(place / "out", seed=SEED)).marks.read_text("utf-8")


def in_the_middle(happens):
    """Let something happen when the second submission is in the gradebook."""

    def progress(found, total):
        for number, one in enumerate(found):
            if number == 1:
                happens()
            yield one

    return progress


def test_a_machine_without_cgroups(few, tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup, "find", lambda: None)
    assert grade(LESSON, few[0], Settings(tmp_path, seed=SEED)).marks.read_text("utf-8") == few[1]


def test_a_clock_that_jumps(few, tmp_path, monkeypatch):
    """Back by a year, and forth by ten."""
    jump = timedelta()

    class Jumping(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + jump

    def jumps():
        nonlocal jump
        jump = timedelta(days=-365 if jump else 3_650)

    right = time.time
    monkeypatch.setattr(runs, "datetime", Jumping)
    monkeypatch.setattr(time, "time", lambda: right() + jump.total_seconds())
    settings = Settings(tmp_path, seed=SEED)
    assert grade(LESSON, few[0], settings, in_the_middle(jumps)).marks.read_text("utf-8") == few[1]
    jumps()
    again = grade(LESSON, few[0], settings)
    assert (again.graded, again.unchanged, again.changed) == (0, 10, ())


def test_sandboxes_that_die(few, tmp_path, monkeypatch):
    """All of them at once, in the middle of a notebook: nobody loses a point."""
    opened = []
    enter = runs.Pool.__enter__
    monkeypatch.setattr(runs.Pool, "__enter__", lambda pool: opened.append(pool) or enter(pool))

    def die():
        for sandbox in opened[0]._sandboxes:
            if sandbox.ready:  # one that dies while it starts ends the run with a sentence
                os.kill(sandbox.process_id, signal.SIGKILL)

    summary = grade(LESSON, few[0], Settings(tmp_path, seed=SEED), in_the_middle(die))
    assert summary.graded == 10
    assert summary.marks.read_text("utf-8") == few[1]


def test_a_full_disk_while_graded_notebooks_are_written(few, tmp_path, monkeypatch):
    """What is graded stays, and the next run goes on."""
    replace, there = Path.replace, []

    def full(path, target):
        if path.suffix == ".part" and ".ipynb" in path.name:
            there.append(target)
            if len(there) == 4:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(CourseError, match=r"Could not write .*ipynb: No space left on device\. Make room"):
            grade(LESSON, few[0], Settings(tmp_path, seed=SEED))
    assert len(whole(tmp_path)) == 3
    assert not list(tmp_path.rglob("*.part"))
    again = grade(LESSON, few[0], Settings(tmp_path, seed=SEED))
    assert (again.graded, again.unchanged) == (7, 3)
    assert again.marks.read_text("utf-8") == few[1]
