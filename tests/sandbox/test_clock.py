"""A job is charged for its own time only, not for that in which the grader itself stood still."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from autograder.sandbox.channel import Channel, Clock, GoneError

ANSWERS = """
import socket, sys, time
from autograder.sandbox import protocol
wire = socket.socket(fileno=int(sys.argv[1]))
protocol.receive(wire)
time.sleep(float(sys.argv[2]))
protocol.send(wire, {"type": "done"})
time.sleep(60)
"""


@contextlib.contextmanager
def job_that_answers(after: float):
    """A channel to a process that answers after some seconds."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", ANSWERS, str(theirs.fileno()), str(after)], pass_fds=[theirs.fileno()]
        )
        handle = os.pidfd_open(process.pid)
        try:
            yield Channel(ours, handle, 5.0, 1000)
        finally:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
            process.wait()


def stand_still():
    """Keep all of this process's threads waiting for a few seconds: an expression like this one holds the lock."""
    re.search(r"^\s*%", "\n" * 60_000, re.MULTILINE)


def test_an_answer_that_came_while_the_grader_stood_still_is_in_time():
    with job_that_answers(after=1.0) as channel:
        threading.Timer(0.1, stand_still).start()
        channel.send({"type": "cell"})
        header, interrupted = channel.answer(("done",), wall=2.0, cpu=60.0)
    assert (header, interrupted) == ({"type": "done"}, False)


def test_a_job_that_does_not_answer_is_stopped_all_the_same():
    with job_that_answers(after=50) as channel:
        channel.send({"type": "cell"})
        with pytest.raises(GoneError):  # Python's own answer to an interrupt ends it
            channel.answer(("done",), wall=0.3)


def test_a_clock_counts_what_was_asked_for_and_a_little_more():
    clock = Clock()
    began = clock.now()
    assert clock.woken(began - 100, 1.0) < began - 98.5  # the wait took 99 seconds longer than asked for: not counted
    again = clock.now()
    assert clock.woken(again - 0.5, 1.0) >= again  # in time: all of it counts
