"""The warm interpreter inside the sandbox: imports what notebooks import, then forks once a job.

Started by bwrap.py as `python -m autograder.sandbox.zygote FD`; knows no secret. Single-threaded, because it forks.

First comes {"type": "warm", "cells"}: code of the course, to be executed before the first job. Then requests over the
control socket, one job at a time: {"type": "job", ...settings} with the child's end of its channel.
Answers: {"type": "ready", ...} once; {"type": "forked"} with a pidfd of the job's first process; {"type": "exited",
...} when nothing of the job is left.
"""

import contextlib
import gc
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time

from autograder.sandbox import isolate, protocol

WARM_CELLS = (
    "1 + 1",
    "%time 2\n1/0",
    "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()",
    "!true",
    "import asyncio; await asyncio.sleep(0)",
    "import ipywidgets, tqdm.auto; display(ipywidgets.IntSlider())",
)
WATCH_SECONDS = 0.1


def main() -> None:
    """Warm up, report, serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    started = time.monotonic()
    received = protocol.receive(control)
    notebook = _warm((*WARM_CELLS, *(received[0]["cells"] if received else ())))
    gc.collect()
    gc.freeze()
    threads = len(os.listdir("/proc/self/task"))
    protocol.send(
        control,
        {"type": "ready", "threads": threads, "seconds": time.monotonic() - started, "resident": _resident("self")},
    )
    isolate.adopt_orphans()
    while (received := protocol.receive_with_fd(control)) is not None:
        settings, channel = received
        _job(control, socket.socket(fileno=channel), settings, notebook)


def _warm(cells: tuple[str, ...]):
    """Everything that is slow the first time, in a notebook that is empty again afterwards."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    np.random.seed(0)
    layer = torch.nn.Linear(2, 2)
    layer(torch.ones(1, 2)).sum().backward()

    from autograder.sandbox import child  # noqa: F401
    from autograder.sandbox.shell import Notebook

    notebook = Notebook()
    streams = sys.stdout, sys.stderr
    notebook.connect(lambda kind, content: None)
    for source in cells:
        notebook.execute(source, 1000)
    notebook.forget()
    sys.stdout, sys.stderr = streams
    return notebook


def _job(control: socket.socket, channel: socket.socket, settings: dict, notebook) -> None:
    """Fork, and wait until nothing is left of the job."""
    from autograder.sandbox import child

    isolated = settings["isolate"]
    home = settings["home"] = isolate.HOME if isolated else tempfile.mkdtemp(prefix="notebook-")
    with isolate.children_in_own_pid_namespace() if isolated else contextlib.nullcontext():
        pid = os.fork()
        if pid == 0:
            control.close()
            child.serve(channel, settings, notebook)
    channel.close()
    handle = os.pidfd_open(pid)
    protocol.send(control, {"type": "forked"}, pass_fd=handle)
    over_memory = _watch(control, handle, pid, settings)
    _, status, usage = os.wait4(pid, 0)
    os.close(handle)
    _end_the_rest()
    if not isolated:
        shutil.rmtree(home, ignore_errors=True)
    protocol.send(
        control,
        {"type": "exited", "status": status, "resident": usage.ru_maxrss * 1024, "over_memory": over_memory},
    )


def _watch(control: socket.socket, handle: int, pid: int, settings: dict) -> bool:
    """Wait for the end of the job; kill it if the grader hangs up or, without a cgroup, at too much memory."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.register(control, select.POLLIN)  # nothing comes while a job runs, but the end
    counting, over = settings["count_memory"], False
    own = _resident("self")
    while True:
        ready = [fd for fd, _ in poll.poll(WATCH_SECONDS * 1000 if counting else None)]
        if handle in ready:
            break
        if ready:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            poll.unregister(control)
        elif counting and _taken(own) > settings["limits"]["memory_bytes"]:
            over, counting = True, False
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    return over


def _taken(own: int) -> int:
    """Bytes that the job's processes hold beyond what they share with the zygote, whose descendants they all are."""
    total, todo = 0, _children("self")
    while todo:
        process = todo.pop()
        with contextlib.suppress(OSError):
            todo += _children(process)
            total += max(0, _resident(process) - own)
    return total


def _children(process: str) -> list[str]:
    found = []
    for thread in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{thread}/children") as children:
            found += children.read().split()
    return found


def _resident(process: str) -> int:
    """Bytes of memory that belong to no file."""
    with open(f"/proc/{process}/status") as status:
        return 1024 * sum(int(line.split()[1]) for line in status if line.startswith(("RssAnon", "RssShmem")))


def _end_the_rest() -> None:
    """Without a PID namespace, what the job left behind is ours by adoption: kill until there is nothing."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            for child in _children("self"):
                with contextlib.suppress(OSError):
                    os.kill(int(child), signal.SIGKILL)
            time.sleep(0.001)


if __name__ == "__main__":
    main()
