"""The life of the warm interpreter: started in its sandbox, given one job after the other, started anew if it dies.

    with Sandbox() as sandbox:
        result = sandbox.run(Job(cells, probes))

Start it from a thread that lives as long as it does: the kernel ends the sandbox with the thread that started it.
"""

import contextlib
import dataclasses
import itertools
import os
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from autograder.sandbox import bwrap, cgroup, protocol
from autograder.sandbox.conversation import Conversation, NotReadyError
from autograder.sandbox.job import CellResult, Job, Limits, ProbeResult, Result
from autograder.sandbox.protocol import ProtocolError
from lessonkit.checks.outcome import Failure, Outcome

START_SECONDS = 120.0
ANSWER_SECONDS = 60.0  # a job is forked, or taken down, sooner even where much else runs
_UIDS = range(700_000_000, 800_000_000)  # nobody's


class _ZygoteGone(Exception):  # noqa: N818
    """The warm interpreter itself has ended."""


class Sandbox:
    """A warm interpreter in a sandbox; runs jobs, each in a fork of its own.

    Several threads may hand it jobs: one runs at a time, while the next is made ready and the last taken down.

    `unsafe=True` does without bubblewrap: only resource limits remain, and a submission may read and do what the
    grader's user may. `warm`: code of the course that notebooks begin with, executed once before the first job, so that
    what it imports and loads is there in every fork; its names are not. `kernel`: in each fork, a real Jupyter kernel
    executes the notebook, for comparison; seconds slower. `user`: as whom an unsafe sandbox runs where root starts it,
    so that the files of others stay closed. Raises CourseError where no sandbox can be had.
    """

    def __init__(
        self,
        config: bwrap.SandboxConfig | None = None,
        unsafe: bool = False,
        warm: Sequence[str] = (),
        kernel: bool = False,
        user: int | None = None,
    ):
        self.config = config or bwrap.SandboxConfig()
        self.unsafe = unsafe
        self.warm = tuple(warm)
        self.kernel = kernel
        self.user = user if unsafe else None
        self.ready: dict = {}  # what the zygote said of itself
        self._places = cgroup.find()
        if unsafe:
            self._uid = os.getuid() if user is None else user
        else:  # in a user namespace, the one user there is
            self._uid = random.SystemRandom().choice(_UIDS) if bwrap.is_privileged() else 0
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._mail: dict[int, list[tuple[dict, int | None]]] = {}  # what the zygote said of each job
        self._news = threading.Condition()
        self._reading = False  # by one of the threads, for all
        self._sending = threading.Lock()
        self._starting = threading.RLock()
        self._numbers, self._oldest, self._life, self._closed = itertools.count(1), 0, 0, False
        self.turn = threading.Lock()
        self.overlaps = not unsafe and not kernel
        if unsafe:
            warnings.warn(
                "Notebooks run WITHOUT a sandbox: a submission can read and change whatever you can.",
                RuntimeWarning,
                stacklevel=2,
            )

    def __enter__(self) -> "Sandbox":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the zygote and wait until it is warm; a few seconds. Raises CourseError."""
        with self._starting:
            self._end()
            control = self._start()
            self._life += 1
            self._closed = False
            with self._sending, self._news:
                self._control = control
                self._oldest = next(self._numbers)  # what was asked before is asked of nobody
                self._news.notify_all()

    def ensure(self) -> None:
        """Start it if it isn't there. Raises CourseError."""
        with self._starting:
            if self._control is None and not self._closed:
                self.start()

    def _start(self) -> socket.socket:
        """A new zygote; where it is spoken to. Nobody else reads there before it is warm: the first answer is ours."""
        ours, theirs = socket.socketpair()
        os.set_inheritable(theirs.fileno(), True)
        program = [sys.executable, "-m", "autograder.sandbox.zygote", str(theirs.fileno())]
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory() as folder, ExitStack() as stack, theirs:
            etc = {
                "passwd": f"learner:x:{self._uid}:{self._uid}::{bwrap.HOME}:/bin/sh\n",
                "group": f"learner:x:{self._uid}:\n",
            }
            shown = {name: stack.enter_context(_inheritable(text)) for name, text in etc.items()}
            if self.unsafe:
                environment = bwrap.environment(self.config, [Path(__file__).resolve().parents[2]])
                environment["HOME"] = folder
                if self.user is not None:
                    os.chown(folder, self.user, self.user)
            else:
                descriptors = {name: file.fileno() for name, file in shown.items()}
                program = bwrap.command(self.config, descriptors) + program
                environment = {}
            self._process = subprocess.Popen(
                program,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                **({} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}),
                pass_fds=[theirs.fileno(), *(file.fileno() for file in shown.values())],
            )
            ours.settimeout(START_SECONDS)
            theirs.close()
            with contextlib.suppress(OSError, ProtocolError):
                protocol.send(ours, {"type": "warm", "cells": list(self.warm)})
                answer = protocol.receive(ours)
                self.ready = answer[0] if answer else {}
            if not self.ready:
                ours.close()
                self._end()
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace").strip().splitlines()
                raise bwrap.unavailable(said[-1] if said else "it did not start")
        ours.settimeout(ANSWER_SECONDS)
        return ours

    def close(self) -> None:
        """End the zygote and everything in it; jobs that other threads wait for come back unfinished."""
        with self._starting:
            self._closed = True
            self._end()

    def _end(self) -> None:
        """Nobody speaks to it, or listens, when its socket is closed: the next one has the same number."""
        control, self._control = self._control, None
        if control is not None:
            with contextlib.suppress(OSError):
                control.shutdown(socket.SHUT_RDWR)  # wakes up who reads
            with self._sending, self._news:
                self._news.wait_for(lambda: not self._reading)
                control.close()
                self._throw_away()
        if self._process is not None:
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        self.ready = {}

    def _throw_away(self) -> None:
        """What was said of jobs for whose end nobody waited any more."""
        for handle in [fd for told in self._mail.values() for _, fd in told if fd is not None]:
            os.close(handle)
        self._mail.clear()

    @property
    def process_id(self) -> int | None:
        """The process that holds the zygote; None while there is none."""
        process = self._process  # another thread may end it
        return process.pid if process else None

    def run(self, job: Job) -> Result:
        """Execute a job. Always returns, whatever the submission does.

        A cell that ends the interpreter is left out of another try, `job.limits.restarts` times at most. Where a probe
        ends it, all is run once more, with probes in a fork. A zygote that died is started anew; the job it ran comes
        back unfinished.

        Raises:
            CourseError: the sandbox can't be set up on this machine.
        """
        self.ensure()
        fatal: dict[int, CellResult] = {}  # by their place among the cells
        notes, seconds, patience = [], Counter(), 1
        careful, restarts = self.kernel, job.limits.restarts  # a kernel is a process of its own, and started anew
        try:
            while True:
                life = self._life
                attempt = Conversation(self, job, fatal, careful)
                try:
                    result = attempt.result()
                except NotReadyError as error:  # once: where memory is short, the kernel kills jobs first of all
                    if not patience:
                        raise bwrap.unavailable(error) from error
                    patience -= 1
                    continue
                seconds.update(result.seconds)
                if attempt.ended_probing:
                    careful = True
                    continue
                notes += result.notes
                if attempt.ended_in is None or restarts == 0:
                    break
                fatal[attempt.ended_in] = result.cells[attempt.ended_in]
                restarts -= 1
            return dataclasses.replace(result, notes=tuple(dict.fromkeys(notes)), seconds=dict(seconds))
        except _ZygoteGone:
            with self._starting:
                if not self._closed and self._life == life:  # another thread may have seen it first
                    self.start()
            return _unfinished(job, "The sandbox ended while this submission ran, and was started anew.")

    def settings(self, job: Job, careful: bool) -> dict:
        """What the zygote and the child have to know about a job before its first cell."""
        counted = self._places is not None
        return {
            "type": "job",
            "limits": dataclasses.asdict(job.limits),
            "seed": job.seed,
            "isolate": not self.unsafe,
            "kernel": self.kernel,
            "careful": careful,
            "uid": self._uid,
            "tmp": not self.unsafe and not bwrap.hides_tmp(self.config),
            "count_memory": not counted,
            "count_processes": not self.unsafe or self.user is not None,
        }

    def group(self, limits: Limits) -> cgroup.Group | None:
        """New cgroups for a job, where they can be had."""
        if self._places is None:
            return None
        return cgroup.Group(self._places, secrets.token_hex(8), limits.memory_bytes, limits.processes)

    def send(self, header: dict, fd: int) -> int:
        """Ask the zygote for a job; the number that its answers have."""
        try:
            with self._sending:
                control, number = self._control, next(self._numbers)
                if control is None:
                    raise _ZygoteGone
                protocol.send(control, header | {"number": number}, pass_fd=fd)
        except OSError as error:
            raise _ZygoteGone from error
        return number

    def receive(self, number: int) -> tuple[dict, int | None]:
        """The zygote's next answer about a job. Whoever waits first reads for all."""
        while True:
            with self._news:
                while not self._mail.get(number) and self._reading:
                    self._news.wait()
                if number < self._oldest:
                    raise _ZygoteGone
                if self._mail.get(number):
                    answer = self._mail[number].pop(0)
                    if answer[0]["type"] == "exited":
                        del self._mail[number]
                    return answer
                self._reading = True
            try:
                header, fd = self._next()
                with self._news:
                    self._mail.setdefault(header["number"], []).append((header, fd))
            finally:
                with self._news:
                    self._reading = False
                    self._news.notify_all()

    def _next(self) -> tuple[dict, int | None]:
        """Whatever the zygote says next."""
        control = self._control
        try:
            answer = protocol.receive_with_fd(control) if control is not None else None
        except (OSError, ProtocolError) as error:
            raise _ZygoteGone from error
        if answer is None:
            raise _ZygoteGone
        return answer


def _inheritable(text: str) -> BinaryIO:
    """A file in memory that holds a text, to be read from its beginning."""
    file = os.fdopen(os.memfd_create("file"), "w+b")
    file.write(text.encode())
    file.seek(0)
    return file


def _unfinished(job: Job, sentence: str) -> Result:
    failure = Outcome(failure=Failure("Unfinished", sentence))
    return Result(
        cells=tuple(CellResult(cell.id, "not_run") for cell in job.cells),
        probes=tuple(ProbeResult(p.exercise, p.cell_id, dict.fromkeys(p.seeds, failure)) for p in job.probes),
        notes=(sentence,),
        lost=True,
    )
