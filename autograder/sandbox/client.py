"""The trusted side of the sandbox: starts it, hands it jobs, sets the clock, and believes nothing it hears.

    with Sandbox() as sandbox:
        result = sandbox.run(Job(cells, probes))

Start it from a thread that lives as long as it does: the kernel ends the sandbox with the thread that started it.
"""

import contextlib
import dataclasses
import itertools
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.sandbox import bwrap, cgroup, protocol, untrusted
from autograder.sandbox.job import Cell, CellResult, Job, Limits, Probe, ProbeResult, Result
from autograder.sandbox.protocol import ProtocolError
from lessonkit.checks.outcome import Failure, Outcome
from lessonkit.errors import CourseError

START_SECONDS = 120.0
TICK = 0.25  # seconds between two looks at the job's CPU time
SLACK = 1 << 20  # what a notebook's outputs may take beyond their limit, errors above all, which no child leaves out
OVERHEAD = 500  # what an output counts beyond its content, as in the child
_CUT = "\n[The output was cut here: a cell may write {size}.]\n"
_UIDS = range(700_000_000, 800_000_000)  # nobody's


class _Gone(Exception):  # noqa: N818 (an end, not always an error)
    """The job's first process has ended, or was ended here; says how."""

    def __init__(self, status: str, sentence: str):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class _ZygoteGone(Exception):  # noqa: N818
    """The warm interpreter itself has ended."""


class Sandbox:
    """A warm interpreter in a sandbox; runs one job at a time, each in a fork of its own. Not thread-safe.

    `unsafe=True` does without bubblewrap: only resource limits remain, and a submission may read and do what the
    grader's user may. `warm`: code of the course that notebooks begin with, executed once before the first job, so that
    what it imports and loads is there in every fork; its names are not. `kernel`: in each fork, a real Jupyter kernel
    executes the notebook, for comparison; seconds slower. Raises CourseError where no sandbox can be had.
    """

    def __init__(
        self,
        config: bwrap.SandboxConfig | None = None,
        unsafe: bool = False,
        warm: Sequence[str] = (),
        kernel: bool = False,
    ):
        self.config = config or bwrap.SandboxConfig()
        self.unsafe = unsafe
        self.warm = tuple(warm)
        self.kernel = kernel
        self.ready: dict = {}  # what the zygote said of itself
        self._places = cgroup.find()
        if unsafe:
            self._uid = os.getuid()
        else:  # in a user namespace, the one user there is
            self._uid = random.SystemRandom().choice(_UIDS) if bwrap.is_privileged() else 0
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._numbers = itertools.count()
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
        self.close()
        ours, theirs = socket.socketpair()
        os.set_inheritable(theirs.fileno(), True)
        program = [sys.executable, "-m", "autograder.sandbox.zygote", str(theirs.fileno())]
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory() as folder, theirs:
            etc = Path(folder)
            etc.chmod(0o755)
            user = f"learner:x:{self._uid}:{self._uid}::{bwrap.HOME}:/bin/sh\n"
            (etc / "passwd").write_text(user)
            (etc / "group").write_text(f"learner:x:{self._uid}:\n")
            if self.unsafe:
                environment = bwrap.environment(self.config, [Path(__file__).resolve().parents[2]])
                environment["HOME"] = folder
            else:
                program = bwrap.command(self.config, etc) + program
                environment = {}
            self._process = subprocess.Popen(
                program,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                pass_fds=[theirs.fileno()],
            )
            self._control = ours
            ours.settimeout(START_SECONDS)
            theirs.close()
            with contextlib.suppress(OSError, ProtocolError):
                protocol.send(ours, {"type": "warm", "cells": list(self.warm)})
                answer = protocol.receive(ours)
                self.ready = answer[0] if answer else {}
            if not self.ready:
                self.close()
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace").strip().splitlines()
                raise CourseError(bwrap.INSTALL.format(reason=said[-1] if said else "it did not start"))
        ours.settimeout(30.0)

    def close(self) -> None:
        """End the zygote and everything in it."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        self.ready = {}

    @property
    def process_id(self) -> int | None:
        """The process that holds the zygote; None while there is none."""
        return self._process.pid if self._process else None

    def run(self, job: Job) -> Result:
        """Execute a job. Always returns, whatever the submission does.

        A cell that ends the interpreter is left out of another try, `job.limits.restarts` times at most. A zygote that
        died is started anew; the job it ran comes back unfinished.

        Raises:
            CourseError: the sandbox can't be set up on this machine.
        """
        if self._control is None:
            self.start()
        fatal: dict[int, CellResult] = {}  # by their place among the cells
        notes, seconds = [], Counter()
        try:
            for _ in range(job.limits.restarts + 1):
                attempt = _Run(self, job, fatal)
                result = attempt.result()
                notes += result.notes
                seconds.update(result.seconds)
                if attempt.ended_in is None:
                    break
                fatal[attempt.ended_in] = result.cells[attempt.ended_in]
            return dataclasses.replace(result, notes=tuple(dict.fromkeys(notes)), seconds=dict(seconds))
        except _ZygoteGone:
            self.start()
            return _unfinished(job, "The sandbox ended while this submission ran, and was started anew.")

    def settings(self, job: Job) -> dict:
        """What the zygote and the child have to know about a job before its first cell."""
        counted = self._places is not None
        return {
            "type": "job",
            "limits": dataclasses.asdict(job.limits),
            "seed": job.seed,
            "isolate": not self.unsafe,
            "kernel": self.kernel,
            "uid": self._uid,
            "tmp": not self.unsafe and not bwrap.hides_tmp(self.config),
            "count_memory": not counted,
            "count_processes": not self.unsafe,
        }

    def group(self, limits: Limits) -> cgroup.Group | None:
        """New cgroups for a job, where they can be had."""
        if self._places is None:
            return None
        return cgroup.Group(self._places, str(next(self._numbers)), limits.memory_bytes, limits.processes)

    def send(self, header: dict, fd: int) -> None:
        """Ask the zygote."""
        try:
            protocol.send(self._control, header, pass_fd=fd)
        except OSError as error:
            raise _ZygoteGone from error

    def receive(self) -> tuple[dict, int | None]:
        """The zygote's next answer."""
        try:
            answer = protocol.receive_with_fd(self._control)
        except (OSError, ProtocolError) as error:
            raise _ZygoteGone from error
        if answer is None:
            raise _ZygoteGone
        return answer


def _unfinished(job: Job, sentence: str) -> Result:
    failure = Outcome(failure=Failure("Unfinished", sentence))
    return Result(
        cells=tuple(CellResult(cell.id, "not_run") for cell in job.cells),
        probes=tuple(ProbeResult(p.exercise, p.cell_id, dict.fromkeys(p.seeds, failure)) for p in job.probes),
        notes=(sentence,),
    )


@dataclass
class _Collected:
    """The outputs of one cell while it runs."""

    room: int
    slack: int = SLACK
    outputs: list[dict] = field(default_factory=list)
    cut: bool = False
    clear_next: bool = False


class _Run:
    """One job's conversation."""

    def __init__(self, sandbox: Sandbox, job: Job, left_out: dict[int, CellResult]):
        self.ended_in: int | None = None  # the cell that ended the interpreter
        self._left_out = left_out
        self._sandbox, self._job, self._limits = sandbox, job, job.limits
        self._notes: list[str] = []
        self._displays: dict[str, list[dict]] = {}  # display_id -> the outputs that show it
        self._over: _Gone | None = None
        self._pid = 0
        self._outputs_left = job.limits.notebook_output_bytes
        self._slack = SLACK

    def result(self) -> Result:
        """Run it all."""
        started = time.monotonic()
        self._channel, theirs = socket.socketpair()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._channel)
            with theirs:
                self._sandbox.send(self._sandbox.settings(self._job), theirs.fileno())
            _, self._handle = self._sandbox.receive()
            try:
                self._pid = _pid_of(self._handle)
                group = self._sandbox.group(self._limits)
                if group is not None:
                    stack.callback(group.remove)
                    self._shut_into(group)
                self._decoder = protocol.Decoder(protocol.MAX_HEADER, self._limits.array_bytes + (1 << 20))
                self._poll = select.poll()
                self._poll.register(self._channel, select.POLLIN)
                self._poll.register(self._handle, select.POLLIN)
                self._wait_until_ready()
                ready = time.monotonic()
                cells = self._cells()
                executed = time.monotonic()
                probes = [self._probe(probe) for probe in self._job.probes]
                probed = time.monotonic()
            finally:
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)
                os.close(self._handle)
            exited, _ = self._sandbox.receive()
            if group is not None:
                exited |= {"resident": group.peak(), "over_memory": group.ran_out()}
        if exited["over_memory"]:
            self._notes.append(f"It used more than {_size(self._limits.memory_bytes)} of memory.")
        seconds = {
            "start": ready - started,
            "cells": executed - ready,
            "probes": probed - executed,
            "end": time.monotonic() - probed,
        }
        return Result(tuple(cells), tuple(probes), seconds, exited["resident"], tuple(self._notes))

    def _shut_into(self, group: cgroup.Group) -> None:
        try:
            group.add(self._pid)
        except ProcessLookupError:  # it has ended already
            pass
        except OSError as error:  # never without a limit
            reason = f"a notebook can't be put into its cgroup ({error.strerror})"
            raise CourseError(bwrap.INSTALL.format(reason=reason)) from error

    def _wait_until_ready(self) -> None:
        try:
            header, _ = self._answer(("ready", "failed"), wall=90.0 if self._sandbox.kernel else 30.0)
        except _Gone as gone:
            header = {"type": "failed", "reason": str(gone)}
        if header["type"] == "failed":
            raise CourseError(bwrap.INSTALL.format(reason=header.get("reason")))

    # Cells

    def _cells(self) -> list[CellResult]:
        deadline = time.monotonic() + self._limits.notebook_seconds
        results = []
        for i, cell in enumerate(self._job.cells):
            if i in self._left_out:
                results.append(self._left_out[i])
            elif self._over is not None:
                status = "timeout" if self._over.status == "timeout" else "not_run"
                results.append(CellResult(cell.id, status))
            elif time.monotonic() > deadline:
                self._notes.append(f"The notebook ran for more than {self._limits.notebook_seconds:g} seconds.")
                results.append(CellResult(cell.id, "timeout"))
            else:
                results.append(self._cell(cell, deadline))
                self.ended_in = i if self._over is not None else None
        return results

    def _cell(self, cell: Cell, deadline: float) -> CellResult:
        limits = self._limits
        cpu = cell.cell_seconds or limits.cell_seconds
        wall = cpu * limits.cell_wall_seconds / limits.cell_seconds
        room = min(limits.cell_output_bytes, self._outputs_left)
        collected = _Collected(room, self._slack)
        started = time.monotonic()
        status, count = "", None
        try:
            self._send({"type": "cell", "source": cell.source, "room": room})
            wall = min(wall, deadline - started)
            header, interrupted = self._answer(("done",), wall=wall, cpu=cpu, collected=collected)
            status = "error" if header.get("status") == "error" else "ok"
            status = "timeout" if interrupted else status
            count = header.get("count")
            count = count if type(count) is int and 0 < count < 10**6 else None
        except _Gone as gone:
            status = self._note_end(gone, f"in cell {cell.id}")
        self._outputs_left -= room - max(collected.room, 0)
        self._slack = max(0, self._slack + min(collected.room, 0))
        if collected.cut:
            text = _CUT.format(size=_size(room))
            _append(collected.outputs, {"output_type": "stream", "name": "stderr", "text": text})
        return CellResult(cell.id, status, tuple(collected.outputs), count, time.monotonic() - started)

    def _note_end(self, gone: _Gone, where: str) -> str:
        self._over = gone
        self._notes.append(f"{gone.sentence} ({where})")
        return gone.status

    def _collect(self, header: dict, collected: _Collected | None) -> None:
        if collected is None:  # nothing is shown while probing
            return
        kind, content = header.get("kind"), header.get("content")
        if kind == "cut":
            collected.cut = True
        elif kind == "clear_output":
            if isinstance(content, dict) and content.get("wait"):
                collected.clear_next = True
            else:
                collected.outputs.clear()
        elif kind in ("stream", "error", "execute_result", "display_data", "update_display_data"):
            made = untrusted.output("display_data" if kind == "update_display_data" else kind, content)
            display_id = untrusted.display_id(content)
            updated = self._displays.get(display_id, []) if kind == "update_display_data" else []
            collected.room -= max(1, len(updated)) * (OVERHEAD + len(str(made)))  # as often as it will be written
            if collected.room < -collected.slack:  # an honest child stops before: this one floods
                collected.cut = True
            elif kind == "update_display_data":
                for shown in updated:
                    shown.update(data=made["data"], metadata=made["metadata"])
            else:
                self._place(made, display_id, collected)

    def _place(self, made: dict, display_id: str, collected: _Collected) -> None:
        if collected.clear_next:
            collected.outputs.clear()
            collected.clear_next = False
        if made.get("data") == {}:
            return
        _append(collected.outputs, made)
        if display_id:
            self._displays.setdefault(display_id, []).append(made)

    # Probes

    def _probe(self, probe: Probe) -> ProbeResult:
        started = time.monotonic()
        outcomes: dict[int, Outcome] = {}
        failure: Failure | None = None  # one that ends the matter for all seeds
        for seed in probe.seeds:
            if failure is None and self._over is not None:
                verdict = "timeout" if self._over.status == "timeout" else "error"
                failure = Failure("Unfinished", self._over.sentence, verdict=verdict)
            if failure is None:
                outcomes[seed], failure = self._ask(probe, seed)
            else:
                outcomes[seed] = Outcome(failure=failure)
        return ProbeResult(probe.exercise, probe.cell_id, outcomes, time.monotonic() - started)

    def _ask(self, probe: Probe, seed: int) -> tuple[Outcome, Failure | None]:
        """One run of a probe, and the failure that spares the other seeds."""
        limits = self._limits
        request = {
            "type": "probe",
            "exercise": probe.exercise,
            "setup": probe.setup,
            "source": probe.source,
            "seed": seed,
            "seconds": limits.probe_seconds,
        }
        late = Failure("TimeoutError", f"it did not finish within {limits.probe_seconds:g} seconds", verdict="timeout")
        crash = Failure("Crash", "it ended the Python process (exit, crash or memory)")
        try:
            self._send(request)
            wall = limits.probe_seconds + limits.grace_seconds
            header, interrupted = self._answer(("outcome", "worker_gone"), wall=wall)
            if header["type"] == "worker_gone":
                failure = late if interrupted else crash
                return Outcome(failure=failure), failure
            if header.get("exercise") != probe.exercise or header.get("seed") != seed:
                raise ProtocolError("the answer to another question")
            outcome = untrusted.outcome(header, self._body)
        except ProtocolError:
            self._note_end(_Gone("died", "It sent something that is no result."), f"exercise {probe.exercise}")
            failure = Failure("Unfinished", "the results could not be read")
            return Outcome(failure=failure), failure
        except _Gone as gone:
            self._note_end(gone, f"exercise {probe.exercise}")
            failure = late if gone.status == "timeout" else Failure("Crash", gone.sentence)
            return Outcome(failure=failure), failure
        ended = outcome.failure is not None and outcome.failure.verdict in ("timeout", "missing", "not_started")
        return outcome, outcome.failure if ended else None

    # The wire

    def _send(self, header: dict) -> None:
        """Send a request. The child reads whenever it has answered, so a full buffer means that it doesn't listen."""
        self._channel.settimeout(self._limits.grace_seconds)
        try:
            protocol.send(self._channel, header)
        except TimeoutError as error:
            raise _Gone("died", "It stopped listening.") from error
        except OSError as error:
            raise _Gone("died", "Its Python process ended.") from error

    def _answer(
        self, awaited: tuple[str, ...], wall: float, cpu: float | None = None, collected: _Collected | None = None
    ) -> tuple[dict, bool]:
        """The next answer of an awaited type, and whether it took an interrupt to get it. Raises _Gone.

        Too late: SIGINT; still nothing after the grace: SIGKILL, which ends every process of the job.
        """
        now = time.monotonic()
        deadline, interrupted = now + wall, False
        spent = _cpu_seconds(self._pid) if cpu is not None else 0.0
        look = now + TICK
        while True:
            try:
                frame = self._decoder.next()
                if frame is not None:
                    header, self._body = frame
                    if header.get("type") in awaited:
                        return header, interrupted
                    if header.get("type") == "output":
                        self._collect(header, collected)
                    frame = None
                    if time.monotonic() < deadline:
                        continue
            except ProtocolError as error:
                raise self._kill("died", "It sent something that is no output.") from error
            now = time.monotonic()
            if cpu is not None and now >= look and not interrupted:
                look = now + TICK
                if _cpu_seconds(self._pid) - spent > cpu:
                    deadline = now
            if now >= deadline:
                if interrupted:
                    raise self._kill("timeout", "It took too long, and did not stop when interrupted.")
                interrupted = True
                deadline = now + self._limits.grace_seconds
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(self._handle, signal.SIGINT)
            self._pump(min(deadline, look if cpu is not None and not interrupted else deadline) - now)

    def _pump(self, seconds: float) -> None:
        """Wait for bytes, and take them in. Raises _Gone when there is nobody left to send any."""
        ready = dict(self._poll.poll(max(0.0, seconds) * 1000))
        if self._channel.fileno() in ready:
            try:
                data = self._channel.recv(1 << 18, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                raise self._kill("died", "Its Python process ended.")
            self._decoder.feed(data)
        elif self._handle in ready:
            raise _Gone("died", "Its Python process ended.")

    def _kill(self, status: str, sentence: str) -> _Gone:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        return _Gone(status, sentence)


def _append(outputs: list[dict], made: dict) -> None:
    """Add an output; text joins the text of the same stream before it."""
    if made["output_type"] == "stream" and outputs and outputs[-1].get("name") == made["name"]:
        outputs[-1]["text"] += made["text"]
    else:
        outputs.append(made)


def _pid_of(handle: int) -> int:
    """The process behind a pidfd, by its number here."""
    with open(f"/proc/self/fdinfo/{handle}") as info:
        return next(int(line.split()[1]) for line in info if line.startswith("Pid:"))


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process and of its children that have ended; 0 where it isn't shown."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _size(number: int) -> str:
    return f"{number / (1 << 20):.0f} MiB" if number >= 1 << 20 else f"{number:,} bytes"
