"""What this machine has and lacks: programs from the system's packages, and which proofs need them."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A program that pip can't install: what it proves or does here, and its Debian package."""

    name: str
    package: str
    needed_for: str
    places: str = ""  # where it lies off the PATH, as a pattern

    @property
    def path(self) -> str | None:
        """Where it is, if it is installed."""
        return next(iter(sorted(glob(self.places), reverse=True)), None) or shutil.which(self.name)

    @property
    def sentence(self) -> str:
        """What is left out without it, and how to get it."""
        return (
            f"{self.name} is missing, so {self.needed_for} are left out. Debian, Ubuntu: apt-get install {self.package}"
        )


CHROMIUM = Program("chromium", "chromium", "the tests in a real browser")
BUBBLEWRAP = Program("bwrap", "bubblewrap", "the tests of the grader's sandbox")
POSTGRESQL = Program("initdb", "postgresql", "the tests with a PostgreSQL server", "/usr/lib/postgresql/*/bin/initdb")
NODE = Program("node", "nodejs npm", "a class on a hub and its test")
PROXY = Program(
    "configurable-http-proxy",
    "nodejs npm, then npm install -g configurable-http-proxy@5.1.0",
    "a class on a hub and its test",
    f"{sys.prefix}/bin/configurable-http-proxy",
)
HUB = (BUBBLEWRAP, NODE, PROXY)
PROGRAMS = (CHROMIUM, BUBBLEWRAP, POSTGRESQL, NODE, PROXY)


def missing(programs: Sequence[Program] = PROGRAMS) -> list[Program]:
    """Those of these programs that are not installed."""
    return [program for program in programs if not program.path]


def nothing_may_be_left_out() -> bool:
    """Whether this is a run of continuous integration (CI=true), where a missing program is an error."""
    return os.environ.get("CI", "").lower() == "true"


def offer_own_programs() -> None:
    """Put this environment's programs on PATH: nbgrader starts `alembic` by name, also where nothing is activated."""
    programs = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if programs not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, path])


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
