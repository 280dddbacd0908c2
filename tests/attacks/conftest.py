"""The batch: all attacks and all honest oddities, graded once, in one run, beside ordinary students."""

import csv
import json
import os
import re
import resource
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.authoring import source
from autograder.grading.export import FORMS, export
from autograder.grading.feedback import write_feedback
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.records import Record
from autograder.grading.report import write_course_report, write_report
from autograder.grading.run import Settings, Summary, grade
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import Limits
from tests.attacks import everything  # noqa: F401 (it enters what the modules of attacks hold)
from tests.attacks.harm import VICTIM
from tests.attacks.workshop import ATTACKS, LESSON, Attack, Desk, World

# Short, so that the attacks end soon; long enough for honest notebooks on a machine with more to do.
LIMITS = Limits(
    cell_seconds=2.0,
    cell_wall_seconds=8.0,
    notebook_seconds=30.0,
    probe_seconds=4.0,
    grace_seconds=0.5,
    memory_bytes=600 << 20,
    disk_bytes=16 << 20,
    file_bytes=8 << 20,
    cell_output_bytes=200_000,
    notebook_output_bytes=1_000_000,
    array_bytes=4 << 20,
)
ORDINARY = ("an-honest-first", VICTIM, "zz-honest-last")


@dataclass(frozen=True)
class Batch:
    """What the run left behind."""

    world: World
    summary: Summary
    records: dict[str, Record]
    rows: list[dict]
    grown: int  # bytes by which the grader's own peak of memory grew
    visitors: list  # who reached the servers that nobody may reach
    plain_pages: list  # whose page could not be made as it should

    def of(self, attack: Attack) -> Record:
        """The one record of an attack."""
        found = [r for name, r in self.records.items() if re.fullmatch(attack.entered_as, name)]
        assert len(found) == 1, f"{attack.entered_as}: {[r.student for r in found]}"
        return found[0]

    def notebook(self, student: str) -> dict:
        """The graded notebook of a student."""
        return json.loads(self.path(student).read_text("utf-8"))

    def path(self, student: str) -> Path:
        """Where it lies."""
        return self.world.out / "autograded" / student / LESSON / f"{LESSON}.ipynb"

    def pages(self, student: str) -> list[Path]:
        """The pages that were written for a student, if any."""
        return list((self.world.out / "feedback" / student).rglob("*.html"))


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    """Grade them all."""
    needs_a_sandbox()
    world = World(tmp_path_factory.mktemp("attacks"))
    world.canary.write_text(world.secret)
    os.environ["A_SECRET_OF_THE_GRADER"] = world.secret
    try:
        with watched_servers(world) as visitors:
            for student in ORDINARY:
                desk = Desk(world)
                desk.solve()
                desk.add(f"# these are my own words: {world.secret}")
                desk.hand_in(world.submitted / student)
            for attack in ATTACKS.values():
                desk = Desk(world)
                attack.make(desk)
                desk.hand_in(world.submitted / attack.student)
            before = _peak()
            settings = Settings(world.out, limits=LIMITS, seed=world.run_seed)
            summary = grade(LESSON, world.submitted, settings)
            grown = _peak() - before
        with closing(GradebookWriter(database_url(world.out, None))) as gradebook:
            lesson = source.load(LESSON)
            write_report(gradebook, lesson, world.out)
            write_course_report(gradebook, [lesson], world.out)
            plain_pages: list = []
            for _ in write_feedback(gradebook, lesson, world.out, plain_pages.append):
                pass
            for form in FORMS:
                export(gradebook, [LESSON], form, world.out)
            records = {record.student: record for record in gradebook.records(LESSON)}
        with summary.marks.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        yield Batch(world, summary, records, rows, grown, visitors, plain_pages)
    finally:
        del os.environ["A_SECRET_OF_THE_GRADER"]
        subprocess.run(["rm", "-rf", world.submitted], check=True)  # pytest can't remove folders that are so deep


def needs_a_sandbox() -> None:
    """Skip where there is none, but not in continuous integration."""
    if shutil.which("bwrap") is None and not nothing_may_be_left_out():
        pytest.skip(BUBBLEWRAP.sentence)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def watched_servers(world: World) -> Iterator[list]:
    """Servers on this machine that take down who connects."""
    visitors: list = []
    world.abstract, world.socket = secrets.token_hex(8), str(world.folder / "socket")
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        world.port = tcp.getsockname()[1]
        servers = [tcp]
        for name in ("\0" + world.abstract, world.socket):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(name)
            server.listen()
            servers.append(server)
        for server in servers:
            threading.Thread(target=_serve, args=(server, visitors), daemon=True).start()
        yield visitors
        for server in servers:
            server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, visitors: list) -> None:
    while True:
        try:
            connection, address = server.accept()
        except OSError:
            return
        with connection:
            visitors.append((server.getsockname(), address))


@pytest.fixture(scope="session")
def lesson() -> source.LessonSource:
    """The lesson that is attacked."""
    return source.load(LESSON)
