"""One job: shuts itself in, then executes the cells and probes it is sent. Everything it says is hearsay.

Runs in a fork of the zygote. The grader sends one cell at a time and waits for its answer, so seeds of a probe arrive
only when the cells are done; of the probes it asks one ahead, so that nobody waits. Cells run in the first process of
the job's PID namespace, and so do probes, since a fork of all that torch brings takes as long as everything else. Where
that process ends while it probes, the grader runs the job once more, carefully: probes then run in a fork, an answer
that crashes or hangs costs its own exercise, and the next one is probed in a new fork.

Requests: {"type": "cell", "source", "room"}, {"type": "probe", "exercise", "setup", "source", "seeds", "seconds"}.
Answers: any number of {"type": "output", "kind", "content"}, then {"type": "done", "status", "count", "interrupted"};
or {"type": "outcome", ...} with the arrays as safetensors for each seed, up to one whose verdict spares the others
(protocol.ENDED); or {"type": "worker_gone"} if the probe ended its fork: nothing more comes of this request.
"""

import contextlib
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
from typing import NoReturn

import numpy as np
import torch

from autograder.sandbox import isolate, probing, protocol
from autograder.sandbox.probing import TEXT_ROOM
from autograder.sandbox.shell import CapturedDescriptors, Notebook

OVERHEAD = 500  # what an output counts beyond its content: that it is one costs whoever reads the notebook time


def serve(channel: socket.socket, settings: dict, notebook: Notebook) -> NoReturn:
    """Isolate this process as `settings` say, report ready, then answer requests until the grader hangs up."""
    try:
        captured = _shut_in(channel, settings)
        if settings["kernel"]:
            from autograder.sandbox.kernel import KernelHost

            child = KernelHost(channel, settings)
        else:
            child = _Child(channel, notebook, captured, settings)
    except BaseException as error:
        with contextlib.suppress(OSError):
            protocol.send(channel, {"type": "failed", "reason": f"{type(error).__name__}: {error}"})
        os._exit(1)
    try:
        child.loop()
    finally:
        os._exit(0)


def _shut_in(channel: socket.socket, settings: dict) -> CapturedDescriptors:
    limits, uid = settings["limits"], settings["uid"]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setsid()  # kill(0, ...) reaches the process group, across PID namespaces
    isolate.first_to_be_killed()
    if settings["isolate"]:
        isolate.private_mounts(limits["disk_bytes"], settings["tmp"], uid)
    home = settings["home"]
    os.environ["HOME"] = home
    os.environ["TMPDIR"] = os.path.join(home, ".tmp") if not settings["tmp"] else "/tmp"
    tempfile.tempdir = None  # what was found where the interpreter was warmed up
    os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)  # likewise
    captured = CapturedDescriptors()  # before memfd_create is gone
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    kept = {0, 1, 2, channel.fileno(), *captured.descriptors}
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd not in kept:
            with contextlib.suppress(OSError):
                os.close(fd)
    isolate.set_rlimits(limits, settings["count_memory"], settings["count_processes"])
    if settings["isolate"]:
        isolate.drop_privileges(uid)
    isolate.die_with_parent()
    os.chdir(home)
    if not settings["tmp"]:
        os.makedirs(os.environ["TMPDIR"], exist_ok=True)
    if settings["isolate"]:
        isolate.filter_system_calls(settings["kernel"])
    return captured


class _Child:
    def __init__(self, channel: socket.socket, notebook: Notebook, captured: CapturedDescriptors, settings: dict):
        self._channel, self._notebook, self._captured = channel, notebook, captured
        self._lock = threading.RLock()
        self._limits, self._careful = settings["limits"], settings["careful"]
        self._namespaces: dict[str, dict] = {}
        self._room = 0
        self._cut = False
        _touch()
        _reseed(settings["seed"])
        notebook.connect(self._publish)
        protocol.send(channel, {"type": "ready"})

    def loop(self) -> None:
        while (frame := protocol.receive(self._channel)) is not None:
            request = frame[0]
            if request["type"] == "cell":
                self._cell(request)
            elif self._careful:
                self._hand_to_worker(request)
            else:
                signal.signal(signal.SIGINT, lambda *_: os._exit(1))  # it is run once more
                signal.setitimer(signal.ITIMER_REAL, 0)
                return self._work(request)

    # Cells

    def _cell(self, request: dict) -> None:
        self._room, self._cut = request["room"], False
        status, count = self._notebook.execute(request["source"], self._room)
        for stream in (self._notebook.stdout, self._notebook.stderr):
            stream.flush()
        for name, text in self._captured.read(self._room):
            self._publish("stream", {"name": name, "text": text})
        interrupted = self._notebook.interrupts.came
        self._send({"type": "done", "status": status, "count": count, "interrupted": interrupted})

    def _send(self, header: dict, body: bytes = b"") -> None:
        with self._lock, self._notebook.interrupts.held():  # threads of the notebook print, too
            protocol.send(self._channel, header, body)

    def _publish(self, kind: str, content: dict) -> None:
        """Send one output on; the rest of a flood is dropped here, before it costs the grader anything."""
        if kind.startswith("comm_") or (self._cut and kind != "error"):
            return
        if kind == "error":
            content = _shortened(content)
        else:
            try:
                size = OVERHEAD + len(json.dumps(content))
            except (TypeError, ValueError, RecursionError):
                return
            if kind == "cut" or size > self._room:
                self._cut, kind, content = True, "cut", {}
            self._room -= size
        self._send({"type": "output", "kind": kind, "content": content})

    # Probes

    def _hand_to_worker(self, request: dict) -> None:
        """Fork; the fork answers this request and those that follow it, until it ends for whatever reason."""
        worker = os.fork()
        if worker == 0:
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                isolate.die_with_parent()
                self._lock = threading.RLock()
                torch.set_num_threads(1)  # threads of the notebook's pool are not in this fork
                self._work(request)
            finally:
                os._exit(0)
        signal.signal(signal.SIGINT, lambda *_: os.kill(worker, signal.SIGKILL))
        os.waitpid(worker, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._send({"type": "worker_gone"})

    def _work(self, request: dict) -> None:
        """Answer this probe and those that follow, until the grader hangs up."""
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (for good)
        while True:
            self._probe(request)
            frame = protocol.receive(self._channel)
            if frame is None:
                return
            request = frame[0]

    def _probe(self, request: dict) -> None:
        user = self._notebook.shell.user_ns
        for header, body in probing.answers(request, user, self._namespaces, self._limits["array_bytes"]):
            self._send(header, body)


def _shortened(error: dict) -> dict:
    lines = [str(line)[:TEXT_ROOM] for line in error["traceback"][-50:]]
    return {"ename": error["ename"][:200], "evalue": error["evalue"][:TEXT_ROOM], "traceback": lines}


_TOUCH = """
def probe(answer, draw):
    S, T, n = draw.sizes(3)
    return {"sum": answer(draw.normal(2, T, n), draw.normal(2, S, n)), "n": torch.arange(n)}
"""


def _touch() -> None:
    """Probe something, while another job has its turn.

    A fork copies a page of memory when it first writes to it: 1,200 of them for the first probe, more work than the
    probe itself.
    """
    request = {"exercise": "answer", "setup": "import torch", "source": _TOUCH, "seed": 0, "seconds": 10.0}
    probing.answer(request, {"answer": lambda a, b: torch.softmax(torch.tanh(a @ b.mT), -1) @ b}, {}, 1 << 20)


def _reseed(seed: int | None) -> None:
    """Every job its own random numbers, or those of `seed`."""
    number = int.from_bytes(os.urandom(4), "big") if seed is None else seed % 2**32
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)
