"""A warm sandbox for the tests of this folder, and short ways to run cells and probes in it."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator

import pytest

from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import CellToRun, Job, Limits, Probe, Result, Sandbox, SandboxConfig, bwrap

# Short times and small sizes, so that the attacks end soon.
TIGHT = Limits(
    cell_seconds=1.5,
    cell_wall_seconds=3.0,
    notebook_seconds=20.0,
    probe_seconds=1.0,
    grace_seconds=0.5,
    memory_bytes=600 << 20,
    disk_bytes=16 << 20,
    file_bytes=8 << 20,
    cell_output_bytes=200_000,
    array_bytes=4 << 20,
    restarts=0,
)
# False where Python itself lies under /tmp, which can't be covered then; the notebook's temporary folder is elsewhere.
TMP_IS_ITS_OWN = not bwrap.hides_tmp(SandboxConfig())
DOUBLE = "def probe(f, draw):\n    return {'y': f(draw.normal(2, 3))}"


def make_job(*sources: str, probes: tuple[Probe, ...] = (), limits: Limits = TIGHT) -> Job:
    """A job of cells c0, c1, …"""
    return Job(tuple(CellToRun(f"c{i}", source) for i, source in enumerate(sources)), probes, limits, seed=1)


def probe(exercise: str = "f", source: str = DOUBLE, seeds: tuple[int, ...] = (1, 2)) -> Probe:
    """A probe that calls a function on drawn numbers."""
    return Probe(exercise, source, seeds)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests: each proves that the next job still runs."""
    if shutil.which("bwrap") is None and not nothing_may_be_left_out():
        pytest.skip(BUBBLEWRAP.sentence)
    os.environ["A_SECRET_OF_THE_GRADER"] = secrets.token_hex(8)
    with Sandbox() as started:
        yield started


@pytest.fixture
def run(sandbox: Sandbox) -> Callable[..., Result]:
    """run(*sources, probes=…, limits=…): execute, then prove that an honest job still runs in the same zygote."""

    def execute(*sources: str, probes: tuple[Probe, ...] = (), limits: Limits = TIGHT) -> Result:
        zygote = sandbox.process_id
        result = sandbox.run(make_job(*sources, probes=probes, limits=limits))
        assert [cell.id for cell in result.cells] == [f"c{i}" for i in range(len(sources))]
        assert [found.exercise for found in result.probes] == [asked.exercise for asked in probes]
        after = sandbox.run(make_job("def f(x):\n    return 2 * x\nf(21)", probes=(probe(seeds=(3,)),)))
        assert text_of(after, 0) == "42"
        assert after.probes[0].outcomes[3].failure is None
        assert sandbox.process_id == zygote, "the zygote had to be restarted"
        return result

    return execute


def text_of(result: Result, cell: int) -> str:
    """What a cell wrote to its streams, and the text of its results."""
    parts = []
    for output in result.cells[cell].outputs:
        parts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "".join(parts)


def error_of(result: Result, cell: int) -> str:
    """The class of the exception that a cell ended with, or the empty string."""
    return next((output["ename"] for output in result.cells[cell].outputs if output["output_type"] == "error"), "")
