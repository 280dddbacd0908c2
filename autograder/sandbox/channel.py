"""The wire to one job, and its clocks: one request, one awaited answer, late ones interrupted and then killed."""

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable

from autograder.sandbox import protocol
from autograder.sandbox.protocol import ProtocolError

TICK = 0.25  # seconds between two looks at the job's CPU time
LATE = 0.1  # seconds that the grader may be late by itself, on a machine with more to do

Take = Callable[[dict], None]  # what becomes of an output that comes before the answer


class GoneError(Exception):
    """The job's first process has ended, or was ended here; says how: "died" or "timeout"."""

    def __init__(self, status: str, sentence: str):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Clock:
    """Seconds in which the grader was awake: a job isn't charged for those in which nobody looked at what it sent."""

    def __init__(self) -> None:
        self._slept = 0.0

    def now(self) -> float:
        """Seconds since some beginning."""
        return time.monotonic() - self._slept

    def woken(self, since: float, asked: float) -> float:
        """The time, after a wait that began at `since` and should have ended `asked` seconds later at the latest."""
        late = self.now() - since - asked
        if late > LATE:
            self._slept += late
        return self.now()


class Channel:
    """One job's socket, with a pidfd of its first process. Believes nothing; every wait has an end."""

    def __init__(self, wire: socket.socket, handle: int, grace_seconds: float, array_bytes: int):
        self.pid = _pid_of(handle)
        self.body = b""  # of the last answer
        self.clock = Clock()
        self._wire, self._handle, self._grace = wire, handle, grace_seconds
        self._decoder = protocol.Decoder(protocol.MAX_HEADER, array_bytes + (1 << 20))
        self._poll = select.poll()
        self._poll.register(wire, select.POLLIN)
        self._poll.register(handle, select.POLLIN)

    def send(self, header: dict) -> None:
        """Send a request. The child reads whenever it has answered, so a full buffer means that it doesn't listen."""
        self._wire.settimeout(self._grace)
        try:
            protocol.send(self._wire, header)
        except TimeoutError as error:
            raise GoneError("died", "It stopped listening.") from error
        except OSError as error:
            raise GoneError("died", "Its Python process ended.") from error

    def answer(
        self, awaited: tuple[str, ...], wall: float, cpu: float | None = None, take: Take | None = None
    ) -> tuple[dict, bool]:
        """The next answer of an awaited type, and whether it took an interrupt to get it. Raises GoneError.

        Outputs that come before it go to `take`. Too late, by `wall` seconds or by `cpu` seconds of the processor:
        SIGINT; still nothing after the grace: SIGKILL, which ends every process of the job.
        """
        now = self.clock.now()
        deadline, interrupted = now + wall, False
        spent = _cpu_seconds(self.pid) if cpu is not None else 0.0
        look = now + TICK
        while True:
            try:
                frame = self._decoder.next()
                if frame is not None:
                    header, self.body = frame
                    if header.get("type") in awaited:
                        return header, interrupted
                    if header.get("type") == "output" and take is not None:
                        take(header)
                    frame = None
                    if self.clock.now() < deadline:
                        continue
            except ProtocolError as error:
                raise self.kill("died", "It sent something that is no output.") from error
            now = self.clock.now()
            if cpu is not None and now >= look and not interrupted:
                look = now + TICK
                if _cpu_seconds(self.pid) - spent > cpu:
                    deadline = now
            if now >= deadline:
                if interrupted:
                    raise self.kill("timeout", "It took too long, and did not stop when interrupted.")
                interrupted = True
                deadline = now + self._grace
                self._signal(signal.SIGINT)
            wait = max(0.0, min(deadline, look if cpu is not None and not interrupted else deadline) - now)
            self._pump(wait)
            self.clock.woken(now, wait)

    def kill(self, status: str, sentence: str) -> GoneError:
        """End every process of the job; the exception that says why, for raising."""
        self._signal(signal.SIGKILL)
        return GoneError(status, sentence)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._handle, number)

    def _pump(self, seconds: float) -> None:
        """Wait for bytes, and take them in. Raises GoneError when there is nobody left to send any."""
        ready = dict(self._poll.poll(seconds * 1000))
        if self._wire.fileno() in ready:
            try:
                data = self._wire.recv(1 << 18, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                raise self.kill("died", "Its Python process ended.")
            self._decoder.feed(data)
        elif self._handle in ready:
            raise GoneError("died", "Its Python process ended.")


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
