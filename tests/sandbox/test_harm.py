"""Whatever a submission does to the machine, the grader or itself: there is a result, and the next job runs fine."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.sandbox import CellToRun, Job, Sandbox
from autograder.sandbox.cgroup import find
from tests.sandbox.conftest import TIGHT, error_of, make_job, probe, text_of

PATIENT = replace(TIGHT, cell_seconds=20.0, cell_wall_seconds=40.0, notebook_seconds=60.0)
STUBBORN = "while True:\n    try:\n        for i in range(10**9): n = i\n    except BaseException: pass"
F = "def f(x):\n    return 2 * x"


def statuses(result) -> list[str]:
    return [cell.status for cell in result.cells]


def test_an_endless_loop_is_interrupted_and_the_notebook_goes_on(run):
    result = run("print('before')\nwhile True: pass", F, probes=(probe(),))
    assert statuses(result) == ["timeout", "ok"]
    assert error_of(result, 0) == "KeyboardInterrupt"
    assert text_of(result, 0) == "before\n"
    assert result.probes[0].outcomes[1].failure is None


def test_sleeping_counts_wall_time(run):
    result = run("import time; time.sleep(100)", "1")
    assert statuses(result) == ["timeout", "ok"]


def test_an_endless_await_is_cancelled(run):
    result = run("import asyncio\nawait asyncio.sleep(100)", "1")
    assert statuses(result) == ["timeout", "ok"]
    assert error_of(result, 0) == "CancelledError"


def test_a_loop_that_ignores_the_interrupt_is_killed(run):
    result = run("1", STUBBORN, F, probes=(probe(),))
    assert statuses(result) == ["ok", "timeout", "timeout"]
    assert {outcome.failure.verdict for outcome in result.probes[0].outcomes.values()} == {"timeout"}
    assert "c1" in result.notes[0]


@pytest.mark.parametrize(("source", "status"), [("import os; os._exit(0)", "died"), (STUBBORN, "timeout")])
def test_a_cell_that_ends_the_interpreter_costs_only_itself(run, source, status):
    result = run("print('first')", source, F, probes=(probe(),), limits=replace(TIGHT, restarts=1))
    assert statuses(result) == ["ok", status, "ok"]
    assert text_of(result, 0) == "first\n"
    assert result.probes[0].outcomes[1].failure is None
    assert len(result.notes) == 1


def test_two_such_cells_are_one_too_many(run):
    result = run(*["import os; os._exit(0)"] * 2, F, probes=(probe(),), limits=replace(TIGHT, restarts=1))
    assert statuses(result) == ["died", "died", "not_run"]
    assert result.probes[0].outcomes[1].failure.verdict == "error"


def test_blocked_signals_do_not_help(run):
    result = run("import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))\nwhile True: pass")
    assert statuses(result) == ["timeout"]


def test_a_handler_of_its_own_lasts_for_one_cell(run):
    result = run("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)", "while True: pass", "1")
    assert statuses(result) == ["ok", "timeout", "ok"]


def test_the_notebooks_time_is_limited(run):
    limits = replace(TIGHT, notebook_seconds=1.0)
    result = run(*["import time; time.sleep(0.6)"] * 4, F, probes=(probe(),), limits=limits)
    assert statuses(result) == ["ok", "timeout", "timeout", "timeout", "timeout"]
    assert "1 seconds" in " ".join(result.notes)


def test_a_cell_may_have_its_own_limit(sandbox: Sandbox):
    result = sandbox.run(Job((CellToRun("c0", "while True: pass", cell_seconds=0.3),), limits=TIGHT))
    assert result.cells[0].status == "timeout"
    assert result.cells[0].seconds < TIGHT.cell_seconds


@pytest.mark.parametrize(
    "source",
    [
        "import os; os._exit(0)",
        "import ctypes; ctypes.string_at(0)",
        "import os; os.abort()",
        "import os, socket\nfor fd in range(3, 400):\n    try: os.close(fd)\n    except OSError: pass",
        "import os\nos.execv('/bin/true', ['true'])",
    ],
    ids=["exit", "segmentation fault", "abort", "close everything", "exec"],
)
def test_a_process_that_ends_itself(run, source):
    result = run("print('first')", source, "2", F, probes=(probe(),))
    assert statuses(result) == ["ok", "died", "not_run", "not_run"]
    assert text_of(result, 0) == "first\n"
    assert {outcome.failure.verdict for outcome in result.probes[0].outcomes.values()} == {"error"}


@pytest.mark.parametrize(
    "source",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os, signal; os.kill(-1, signal.SIGKILL)",
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
        "import os, signal; os.killpg(0, signal.SIGKILL)",
        "import os\nfor pid in range(2, 40000):\n    try: os.kill(pid, 9)\n    except ProcessLookupError: pass",
    ],
    ids=["stop itself", "kill itself", "kill all", "kill the parent", "kill the group", "kill every number"],
)
def test_signals_reach_nobody_else(run, source):
    result = run(source, "2")
    assert result.cells[1].status == "ok"  # the first process of a namespace is immune to its own


def test_a_stopped_child_is_swept_away(run):
    run("import os, signal\nif os.fork() == 0:\n    os.kill(os.getpid(), signal.SIGSTOP)")


def test_a_fork_bomb(run):
    result = run(
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass", F, probes=(probe(),)
    )
    assert result.cells[0].status in ("timeout", "died")


def test_processes_that_leave_the_session(run):
    result = run(
        "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True: pass",
        "1",
    )
    assert statuses(result) == ["ok", "ok"]


def test_a_memory_bomb(run):
    bomb = "held = []\nwhile True:\n    held.append(bytearray(50_000_000))"
    result = run(bomb, F, probes=(probe(),), limits=PATIENT)
    assert result.cells[0].status == "died" or error_of(result, 0) == "MemoryError"
    assert result.peak_memory <= TIGHT.memory_bytes + (300 << 20)


def test_a_memory_bomb_in_shares(run):
    """Several processes, each below what a limit by process would allow."""
    source = """
import os, time
for _ in range(10):
    if os.fork() == 0:
        held = bytearray(200_000_000)
        time.sleep(30)
time.sleep(8)
"""
    result = run(source, limits=PATIENT)
    assert any("memory" in note for note in result.notes) or result.cells[0].status == "died"


def test_shared_memory_counts(run):
    result = run(
        "import mmap\nheld = [mmap.mmap(-1, 10**8) for _ in range(20)]\nfor m in held:\n    m.write(bytes(10**8))",
        limits=PATIENT,
    )
    assert result.cells[0].status == "died" or error_of(result, 0) in ("MemoryError", "OSError")


@pytest.mark.parametrize("folder", ["os.environ['TMPDIR']", "'.'", "'/dev/shm'"])
def test_a_disk_is_full_soon(run, folder):
    source = f"""
import os
n = 0
while True:
    with open(f"{{{folder}}}/file{{n}}", "wb") as f:
        f.write(bytes(4 << 20))
    n += 1
"""
    result = run(source, "print('goes on')")
    assert error_of(result, 0) == "OSError"
    assert text_of(result, 1) == "goes on\n"


def test_a_file_is_small(run):
    result = run("with open('big', 'wb') as f:\n    f.write(bytes(12 << 20))")
    assert error_of(result, 0) == "OSError"


def test_many_small_files(run):
    result = run("for i in range(10**6):\n    open(str(i), 'w').close()", "1")
    assert error_of(result, 0) == "OSError"


def test_a_flood_of_text_is_cut(run):
    result = run("while True:\n    print('x' * 1000)", "print('goes on')")
    size = sum(len(str(output)) for output in result.cells[0].outputs)
    assert size < 2 * TIGHT.cell_output_bytes + 50_000
    assert "was cut here" in text_of(result, 0)
    assert text_of(result, 1) == "goes on\n"


def test_a_flood_of_displays_is_cut(run):
    result = run("for i in range(100_000):\n    display('x')", "1")
    assert len(result.cells[0].outputs) < 10_000
    assert "was cut here" in text_of(result, 0)


@pytest.mark.parametrize("source", ["!yes", "import os\nwhile True:\n    os.write(1, b'x' * 65536)"])
def test_a_flood_past_python_is_cut(run, source):
    result = run(source, "1")
    assert sum(len(str(output)) for output in result.cells[0].outputs) < 3 * TIGHT.cell_output_bytes
    assert result.cells[1].status == "ok"


def test_a_huge_error(run):
    result = run("raise ValueError('x' * 10**7)")
    assert error_of(result, 0) == "ValueError"
    assert len(str(result.cells[0].outputs)) < 500_000


def test_a_notebook_of_figures_ends_at_the_limit(run):
    limits = replace(TIGHT, notebook_output_bytes=60_000)
    figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    result = run(*[figure] * 8, limits=limits)
    assert sum(len(str(cell.outputs)) for cell in result.cells) < 100_000
    assert "was cut here" in text_of(result, 7)


def test_deep_recursion(run):
    sources = ("def g(n): return g(n + 1)\ng(0)", "import sys\nsys.setrecursionlimit(10**9)\ng(0)")
    result = run(*sources, limits=PATIENT)  # IPython looks at each frame
    assert error_of(result, 0) == "RecursionError"
    assert result.cells[1].status in ("died", "error", "timeout")


def test_threads_that_outlive_their_cell(run):
    source = """
import threading, time
def spin():
    while True:
        print("still", end=" ")
        time.sleep(0.001)
for _ in range(5):
    threading.Thread(target=spin).start()
"""
    result = run(source, F, "time.sleep(0.3)", probes=(probe(),))
    assert statuses(result) == ["ok", "ok", "ok"]
    assert result.probes[0].outcomes[1].failure is None


def test_atexit_and_del_do_not_run_on(run):
    result = run(
        "import atexit, time\natexit.register(time.sleep, 100)",
        "class D:\n    def __del__(self): time.sleep(100)\nd = D()",
    )
    assert result.seconds["end"] < 2


def test_a_grader_that_is_killed_takes_the_job_with_it(sandbox: Sandbox):
    marker = f"{time.time_ns()}.5"
    grader = f"from autograder.sandbox import *\nwith Sandbox() as s: s.run(Job((CellToRun('c', '!sleep {marker}'),)))"
    with subprocess.Popen([sys.executable, "-"], stdin=subprocess.PIPE, text=True) as process:
        process.stdin.write(grader)  # not an argument: the marker must be seen in the job's command line only
        process.stdin.close()
        assert within(30, lambda: f"sleep {marker}" in commands())
        process.kill()
    assert within(5, lambda: marker not in commands())


def commands() -> str:
    """The command lines of all processes."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return "\n".join(lines)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return true


def test_a_dead_zygote_is_replaced(sandbox: Sandbox):
    with Sandbox() as other:
        threading.Timer(0.5, lambda: os.kill(other.process_id, 9)).start()
        result = other.run(make_job("import time; time.sleep(2)", F, probes=(probe(),)))
        assert statuses(result) == ["not_run", "not_run"]
        assert result.probes[0].outcomes[1].failure.kind == "Unfinished"
        assert "anew" in result.notes[0]
        assert text_of(other.run(make_job("6 * 7")), 0) == "42"


def test_no_cgroup_is_left_behind(run):
    run("1")
    places = find()
    if places is None:
        pytest.skip("no cgroup can be made here")
    assert not [path for path in places.memory.iterdir() if path.name.startswith(f"notebook-{os.getpid()}-")]
