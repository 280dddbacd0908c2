"""Without bubblewrap: the same results, a loud warning, limits of time and size, and nothing left running."""

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from autograder.sandbox import Sandbox
from tests.sandbox.conftest import error_of, make_job, probe, text_of

F = "def f(x):\n    return 2 * x"


@pytest.fixture(scope="module")
def unsafe() -> Iterator[Sandbox]:
    with pytest.warns(RuntimeWarning, match="WITHOUT a sandbox"):
        sandbox = Sandbox(unsafe=True)
    with sandbox:
        yield sandbox


def test_cells_and_probes_work(unsafe):
    result = unsafe.run(make_job("print('a')\n6 * 7", F, "!echo b", probes=(probe(),)))
    assert text_of(result, 0) == "a\n42"
    assert text_of(result, 2).strip() == "b"
    assert result.probes[0].outcomes[1].failure is None


def test_nothing_of_the_graders_environment(unsafe, monkeypatch):
    assert "PYTEST" not in text_of(unsafe.run(make_job("import os\ndict(os.environ)")), 0)


def test_limits_hold(unsafe):
    stubborn = "while True:\n    try:\n        for i in range(10**9): n = i\n    except BaseException: pass"
    result = unsafe.run(make_job("while True: pass", "open('big', 'wb').write(bytes(12 << 20))", stubborn, "1"))
    assert [cell.status for cell in result.cells] == ["timeout", "error", "timeout", "timeout"]
    assert error_of(result, 1) == "OSError"


def test_processes_left_behind_are_killed(unsafe):
    marker = f"{os.getpid()}.{time.time_ns()}"
    source = f"import subprocess\nsubprocess.Popen(['setsid', 'sleep', '{marker}'])\nNone"
    assert unsafe.run(make_job(source)).cells[0].status == "ok"
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert marker not in running


def test_the_home_folder_is_new_and_removed(unsafe):
    folder = text_of(unsafe.run(make_job("import os\nopen('x', 'w').close()\nprint(os.getcwd())")), 0).strip()
    assert folder
    assert folder != os.getcwd()
    assert not os.path.exists(folder)
