"""What the grader asks of the sandbox, and what it gets back: plain data, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lessonkit.checks.outcome import Outcome


@dataclass(frozen=True)
class CellToRun:
    """One code cell to execute. `cell_seconds` overrides the limits' CPU seconds for this cell; wall time follows."""

    id: str
    source: str
    cell_seconds: float | None = None


@dataclass(frozen=True)
class Probe:
    """How an exercise is tested once the cells are done: `source` defines `probe(answer, draw)`.

    `setup` is executed before it, in the same fresh namespace. Both come from the course, never from the submission.
    The answer is the object called `exercise` in the submission's namespace. `cell_id` is only handed through.
    """

    exercise: str
    source: str
    seeds: tuple[int, ...]
    cell_id: str = ""
    setup: str = ""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Seconds of a cell count CPU time; wall time is limited, too, but more generously,
    so that a busy machine costs no marks."""

    cell_seconds: float = 20.0  # CPU; training is not executed while grading
    cell_wall_seconds: float = 60.0
    notebook_seconds: float = 240.0  # wall, all cells together
    probe_seconds: float = 10.0  # one probe on one seed
    grace_seconds: float = 2.0  # from the interrupt to the kill
    memory_bytes: int = 2 << 30  # beyond what the warm interpreter holds
    processes: int = 64  # and threads
    file_bytes: int = 64 << 20  # one file
    disk_bytes: int = 128 << 20  # the home folder; /tmp and /dev/shm may hold as much each
    open_files: int = 512
    cell_output_bytes: int = 2 << 20  # figures included
    notebook_output_bytes: int = 6 << 20
    array_bytes: int = 2 << 20  # results of one probe on one seed: exercises need a hundredth
    notebook_array_bytes: int = 12 << 20  # of all probes together
    restarts: int = 1  # a cell that ends the interpreter is left out of another try, so that it costs nothing else


@dataclass(frozen=True)
class Job:
    """One submission: cells in order, then probes. `seed` makes the global random states reproducible."""

    cells: tuple[CellToRun, ...]
    probes: tuple[Probe, ...] = ()
    limits: Limits = Limits()
    seed: int | None = None


@dataclass(frozen=True)
class CellResult:
    """What one cell gave. `outputs` are nbformat 4 output dictionaries; `seconds` is wall time.

    status: "ok"; "error" (an exception is among the outputs); "timeout" (interrupted, or not run because the time was
    up); "died" (the interpreter ended in it: exit, crash, memory); "not_run" (it came after that).
    """

    id: str
    status: str
    outputs: tuple[dict, ...] = ()
    execution_count: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class ProbeResult:
    """What one exercise's probe gave on each seed. Untrusted: whatever the submission's process chose to send."""

    exercise: str
    cell_id: str
    outcomes: Mapping[int, Outcome]
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """Everything about one submission. There is always one, whatever the submission did.

    `seconds`: by phase ("start", "cells", "probes", "end"). `peak_memory` in bytes, beyond the warm interpreter where a
    cgroup measured it. `notes`: sentences for the instructor.
    """

    cells: tuple[CellResult, ...]
    probes: tuple[ProbeResult, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory: int = 0
    notes: tuple[str, ...] = ()
    lost: bool = False  # the sandbox itself ended under it: nothing is said of the submission
