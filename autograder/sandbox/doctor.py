"""Tells whether notebooks can be executed safely on this machine, layer by layer, and what to do where they can't."""

import platform
import shutil
from dataclasses import dataclass
from time import perf_counter

from autograder.sandbox import cgroup, seccomp
from autograder.sandbox.bwrap import SandboxConfig, is_privileged
from autograder.sandbox.client import Sandbox
from autograder.sandbox.job import CellToRun, Job
from lessonkit.errors import CourseError

# Prints what a submission would see of the world: each name must be followed by the right value.
_LOOK = """
import os, socket
def reaches_network():
    try:
        socket.create_connection(("1.1.1.1", 53), timeout=0.5)
    except OSError:
        return False
    return True
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print("processes", sum(name.isdecimal() for name in os.listdir("/proc")))
print("network", reaches_network())
print("capabilities", int(status["CapEff"], 16) + int(status["CapBnd"], 16))
print("solutions", os.path.exists({solutions!r}))
"""
_RIGHT = {"processes": "1", "network": "False", "capabilities": "0", "solutions": "False"}


@dataclass(frozen=True)
class Condition:
    """One thing that the sandbox stands on. `needed`: grading refuses to start without it."""

    name: str
    ok: bool
    sentence: str
    needed: bool = True


def examine(config: SandboxConfig | None = None) -> list[Condition]:
    """Look at every layer of the sandbox, then run a notebook in it; a few seconds. Never raises."""
    return [_bubblewrap(), _rights(), _limits(), _filter(), *_job(config or SandboxConfig())]


def _bubblewrap() -> Condition:
    path = shutil.which("bwrap")
    missing = "bubblewrap is not installed. Debian, Ubuntu: `apt install bubblewrap`."
    return Condition("bubblewrap", path is not None, f"bubblewrap is {path}." if path else missing)


def _rights() -> Condition:
    how = "as root, notebooks as a user of their own" if is_privileged() else "in a user namespace of its own"
    return Condition("rights", True, f"The sandbox runs {how}.")


def _limits() -> Condition:
    if cgroup.find() is not None:
        return Condition("cgroup", True, "The kernel counts memory and processes of a notebook (cgroup).", False)
    sentence = (
        "No cgroup can be made here: memory is limited by address space and by looking ten times a second, which is "
        "slower to notice several processes that share a memory bomb. To have one, grade as root, or in a delegated "
        "cgroup whose controllers memory and pids are enabled."
    )
    return Condition("cgroup", False, sentence, False)


def _filter() -> Condition:
    if seccomp.supported():
        return Condition("system calls", True, "System calls that no notebook needs are refused (seccomp).", False)
    sentence = f"The filter of system calls doesn't know {platform.machine()}: one layer fewer."
    return Condition("system calls", False, sentence, False)


def _job(config: SandboxConfig) -> list[Condition]:
    solutions = str(config.visible[0].parent / "solutions") if config.visible else "/solutions"
    try:
        with Sandbox(config) as sandbox:
            job = Job((CellToRun("look", _LOOK.format(solutions=solutions)),))
            sandbox.run(job)
            started = perf_counter()
            result = sandbox.run(job)
            seconds = perf_counter() - started
            threads = sandbox.ready["threads"]
    except CourseError as error:
        return [Condition("start", False, str(error))]
    text = "".join(output.get("text", "") for output in result.cells[0].outputs)
    seen = dict(line.split(" ", 1) for line in text.splitlines())
    wrong = [f"{name} {seen.get(name)}" for name, right in _RIGHT.items() if seen.get(name) != right]
    alone = "A notebook sees no network, no other process, no solutions, and has no capability."
    return [
        Condition("start", result.cells[0].status == "ok", f"A notebook of one cell took {seconds * 1000:.0f} ms."),
        Condition("isolation", not wrong, "A notebook sees what it must not: " + ", ".join(wrong) if wrong else alone),
        Condition(
            "one thread", threads == 1, f"The warm interpreter has {threads} thread(s), and needs 1 to fork safely."
        ),
    ]
