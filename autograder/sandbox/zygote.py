"""The warm interpreter inside the sandbox: imports what notebooks import, then forks once a job.

Started by bwrap.py as `python -m autograder.sandbox.zygote FD`; knows no secret. Single-threaded, because it forks.

First comes {"type": "warm", "cells"}: code of the course, to be executed before the first job. Then requests over the
control socket, any number at once: {"type": "job", "number", ...settings} with the child's end of its channel.
Answers, each with the number: {"type": "ready", ...} once; {"type": "forked"} with a pidfd of the job's first process;
{"type": "exited", ...} when nothing of the job is left.
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
from dataclasses import dataclass

from autograder.sandbox import isolate, pages, protocol

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
    pages.enlarge()
    threads = len(os.listdir("/proc/self/task"))
    protocol.send(
        control,
        {"type": "ready", "threads": threads, "seconds": time.monotonic() - started, "resident": _resident("self")},
    )
    isolate.adopt_orphans()
    _Jobs(control, notebook).serve()


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


@dataclass
class _Job:
    """A job that runs: its first process, and what is known of it."""

    number: int
    pid: int
    settings: dict
    over_memory: bool = False

    @property
    def counting(self) -> bool:
        """Whether its memory is looked at from here, since no cgroup does it."""
        return self.settings["count_memory"] and not self.over_memory


class _Jobs:
    """Forks jobs and takes them down: one that waits for its turn beside the one that runs."""

    def __init__(self, control: socket.socket, notebook):
        self._control, self._notebook = control, notebook
        self._own = _resident("self")
        self._jobs: dict[int, _Job] = {}  # by pidfd
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Until the grader hangs up; then nothing is left."""
        while True:
            counting = any(job.counting for job in self._jobs.values())
            ready = [fd for fd, _ in self._poll.poll(WATCH_SECONDS * 1000 if counting else None)]
            for handle in [fd for fd in ready if fd in self._jobs]:
                self._exited(handle)
            if self._control.fileno() in ready:
                received = protocol.receive_with_fd(self._control)
                if received is None:
                    break
                settings, channel = received
                self._fork(socket.socket(fileno=channel), settings)
            for handle, job in self._jobs.items():
                if job.counting and _taken(job.pid, self._own) > job.settings["limits"]["memory_bytes"]:
                    job.over_memory = True
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
        for handle in list(self._jobs):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.waitpid(self._jobs[handle].pid, 0)

    def _fork(self, channel: socket.socket, settings: dict) -> None:
        from autograder.sandbox import child

        isolated = settings["isolate"]
        settings["home"] = isolate.HOME if isolated else tempfile.mkdtemp(prefix="notebook-")
        with isolate.children_in_own_pid_namespace() if isolated else contextlib.nullcontext():
            pid = os.fork()
            if pid == 0:
                self._control.close()
                child.serve(channel, settings, self._notebook)
        channel.close()
        handle = os.pidfd_open(pid)
        self._jobs[handle] = _Job(settings["number"], pid, settings)
        self._poll.register(handle, select.POLLIN)
        protocol.send(self._control, {"type": "forked", "number": settings["number"]}, pass_fd=handle)

    def _exited(self, handle: int) -> None:
        job = self._jobs.pop(handle)
        self._poll.unregister(handle)
        _, status, usage = os.wait4(job.pid, 0)
        os.close(handle)
        if not job.settings["isolate"]:
            _end_the_rest()
            shutil.rmtree(job.settings["home"], ignore_errors=True)
        told = {"status": status, "resident": usage.ru_maxrss * 1024, "over_memory": job.over_memory}
        protocol.send(self._control, {"type": "exited", "number": job.number, **told})


def _taken(pid: int, own: int) -> int:
    """Bytes that the processes of a job hold beyond what they share with the zygote; `pid`: its first one."""
    total, todo = 0, [str(pid)]
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
    """Without a PID namespace, what the job left behind is ours by adoption: kill until there is nothing.

    No other job is there then: they wait for each other.
    """
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
