"""One job's conversation: its cells in order, then its probes; whatever the job does, there is a result."""

import contextlib
import itertools
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from typing import Protocol

from autograder.sandbox import bwrap, cgroup, untrusted
from autograder.sandbox.channel import Channel, GoneError
from autograder.sandbox.job import CellResult, CellToRun, Job, Limits, Probe, ProbeResult, Result
from autograder.sandbox.outputs import Shown, size
from autograder.sandbox.protocol import ENDED, ProtocolError
from lessonkit.checks.outcome import Failure, Outcome


class NotReadyError(Exception):
    """The job's process ended before it was ready for its first cell, and said nothing; says how."""


class Zygote(Protocol):
    """Whoever forks jobs: what a conversation needs of it."""

    kernel: bool
    overlaps: bool  # whether a job may be made ready, and taken down, beside another one that runs
    turn: threading.Lock  # of the job whose cells and probes run

    def settings(self, job: Job, careful: bool) -> dict: ...
    def group(self, limits: Limits) -> cgroup.Group | None: ...
    def send(self, header: dict, fd: int) -> int: ...
    def receive(self, number: int) -> tuple[dict, int | None]: ...


class Conversation:
    """One try at a job. `left_out`: cells, by their place, that ended the interpreter in an earlier one.

    `careful`: probes run in a fork of their own, so that the one that ends it spares the others.
    """

    def __init__(self, zygote: Zygote, job: Job, left_out: Mapping[int, CellResult], careful: bool):
        self.ended_in: int | None = None  # the cell that ended the interpreter
        self.ended_probing = False  # a probe ended it, and no fork was there to be ended instead
        self._zygote, self._job, self._limits = zygote, job, job.limits
        self._left_out, self._careful = left_out, careful
        self._notes: list[str] = []
        self._over: GoneError | None = None
        self._shown = Shown(job.limits.cell_output_bytes, job.limits.notebook_output_bytes)
        self._arrays_left = job.limits.notebook_array_bytes

    def result(self) -> Result:
        """Run it all. One job at a time has its turn; another one is made ready, or taken down, beside it."""
        if self._zygote.overlaps:
            return self._result(self._zygote.turn)
        with self._zygote.turn:
            return self._result(contextlib.nullcontext())

    def _result(self, turn: contextlib.AbstractContextManager) -> Result:
        started = time.monotonic()
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack:
            stack.enter_context(ours)
            with theirs:
                number = self._zygote.send(self._zygote.settings(self._job, self._careful), theirs.fileno())
            _, handle = self._zygote.receive(number)
            try:
                self._channel = Channel(ours, handle, self._limits.grace_seconds, self._limits.array_bytes)
                group = self._zygote.group(self._limits)
                if group is not None:
                    stack.callback(group.remove)
                    self._shut_into(group)
                self._wait_until_ready(number)
                prepared = time.monotonic()
                with turn:
                    ready = time.monotonic()
                    cells = self._cells()
                    executed = time.monotonic()
                    probes = self._probes()
                    probed = time.monotonic()
            finally:
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                os.close(handle)
            exited, _ = self._zygote.receive(number)
            if group is not None:
                exited |= {"resident": group.peak(), "over_memory": group.ran_out()}
        if exited["over_memory"]:
            self._notes.append(f"It used more than {size(self._limits.memory_bytes)} of memory.")
        seconds = {
            "start": prepared - started,
            "cells": executed - ready,
            "probes": probed - executed,
            "end": time.monotonic() - probed,
        }
        return Result(tuple(cells), tuple(probes), seconds, exited["resident"], tuple(self._notes))

    def _shut_into(self, group: cgroup.Group) -> None:
        if self._channel.pid <= 0:  # it has ended already
            return
        try:
            group.add(self._channel.pid)
        except ProcessLookupError:
            pass
        except OSError as error:  # never without a limit
            reason = f"a notebook can't be put into its cgroup ({error.strerror})"
            raise bwrap.unavailable(reason) from error

    def _wait_until_ready(self, number: int) -> None:
        try:
            header, _ = self._channel.answer(("ready", "failed"), wall=90.0 if self._zygote.kernel else 30.0)
        except GoneError as gone:
            self._zygote.receive(number)  # raises where the sandbox itself has ended: that is no lack of this machine
            raise NotReadyError(gone.sentence.rstrip(".")) from gone
        if header["type"] == "failed":
            raise bwrap.unavailable(header.get("reason"))

    # Cells

    def _cells(self) -> list[CellResult]:
        deadline = self._channel.clock.now() + self._limits.notebook_seconds
        results = []
        for i, cell in enumerate(self._job.cells):
            if i in self._left_out:
                results.append(self._left_out[i])
            elif self._over is not None:
                status = "timeout" if self._over.status == "timeout" else "not_run"
                results.append(CellResult(cell.id, status))
            elif self._channel.clock.now() > deadline:
                self._notes.append(f"The notebook ran for more than {self._limits.notebook_seconds:g} seconds.")
                results.append(CellResult(cell.id, "timeout"))
            else:
                results.append(self._cell(cell, deadline))
                self.ended_in = i if self._over is not None else None
        return results

    def _cell(self, cell: CellToRun, deadline: float) -> CellResult:
        limits = self._limits
        cpu = cell.cell_seconds or limits.cell_seconds
        wall = cpu * limits.cell_wall_seconds / limits.cell_seconds
        shown = self._shown.cell()
        started = time.monotonic()
        status, count = "", None
        try:
            self._channel.send({"type": "cell", "source": cell.source, "room": shown.room})
            wall = min(wall, deadline - self._channel.clock.now())
            header, interrupted = self._channel.answer(("done",), wall=wall, cpu=cpu, take=shown.take)
            status = "error" if header.get("status") == "error" else "ok"
            status = "timeout" if interrupted else status
            count = header.get("count")
            count = count if type(count) is int and 0 < count < 10**6 else None
        except GoneError as gone:
            status = self._note_end(gone, f"in cell {cell.id}")
        self._shown.count(shown)
        return CellResult(cell.id, status, shown.outputs(), count, time.monotonic() - started)

    def _note_end(self, gone: GoneError, where: str) -> str:
        """Nothing more can be asked."""
        self._over = gone
        self._notes.append(f"{gone.sentence} ({where})")
        return gone.status

    # Probes

    def _probes(self) -> list[ProbeResult]:
        """While one exercise is probed, the next is asked for already: the job waits for nobody."""
        results, probes = [], self._job.probes
        if probes:
            self._ask(probes[0])
        for probe, following in itertools.zip_longest(probes, probes[1:]):
            if following is not None:
                self._ask(following)
            results.append(self._probe(probe))
        return results

    def _ask(self, probe: Probe) -> None:
        request = {
            "type": "probe",
            "exercise": probe.exercise,
            "setup": probe.setup,
            "source": probe.source,
            "seeds": probe.seeds,
            "seconds": self._limits.probe_seconds,
        }
        if self._over is None:
            with contextlib.suppress(GoneError):  # whoever waits for the answer learns of it
                self._channel.send(request)

    def _probe(self, probe: Probe) -> ProbeResult:
        started = time.monotonic()
        outcomes: dict[int, Outcome] = {}
        failure: Failure | None = None  # one that ends the matter for all seeds
        lived = self._over is None
        for seed in probe.seeds:
            if failure is None and self._over is not None:
                verdict = "timeout" if self._over.status == "timeout" else "error"
                failure = Failure("Unfinished", self._over.sentence, verdict=verdict)
            if failure is None:
                outcomes[seed], failure = self._outcome(probe, seed)
            else:
                outcomes[seed] = Outcome(failure=failure)
        self.ended_probing |= lived and self._over is not None and not self._careful
        return ProbeResult(probe.exercise, probe.cell_id, outcomes, time.monotonic() - started)

    def _outcome(self, probe: Probe, seed: int) -> tuple[Outcome, Failure | None]:
        """One run of a probe, and the failure that spares the other seeds."""
        limits = self._limits
        late = Failure("TimeoutError", f"it did not finish within {limits.probe_seconds:g} seconds", verdict="timeout")
        crash = Failure("Crash", "it ended the Python process (exit, crash or memory)")
        try:
            wall = limits.probe_seconds + limits.grace_seconds
            header, interrupted = self._channel.answer(("outcome", "worker_gone"), wall=wall)
            if header["type"] == "worker_gone":
                failure = late if interrupted else crash
                return Outcome(failure=failure), failure
            if header.get("exercise") != probe.exercise or header.get("seed") != seed:
                raise ProtocolError("the answer to another question")
            self._arrays_left -= len(self._channel.body)
            if self._arrays_left < 0:
                failure = Failure("ValueError", "the results take more than all exercises together ask for")
                return Outcome(failure=failure), None  # the other seeds' results are under way
            outcome = untrusted.outcome(header, self._channel.body)
        except ProtocolError:
            self._note_end(GoneError("died", "It sent something that is no result."), f"exercise {probe.exercise}")
            failure = Failure("Unfinished", "the results could not be read")
            return Outcome(failure=failure), failure
        except GoneError as gone:
            self._note_end(gone, f"exercise {probe.exercise}")
            failure = late if gone.status == "timeout" else Failure("Crash", gone.sentence)
            return Outcome(failure=failure), failure
        ended = outcome.failure is not None and outcome.failure.verdict in ENDED
        return outcome, outcome.failure if ended else None
