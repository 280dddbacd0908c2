"""Threads that speak to one sandbox while another one ends it, and jobs that are killed before they begin."""

import os
import select
import signal
import socket
import threading

import pytest

from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import Sandbox, client, conversation
from lessonkit.errors import CourseError
from tests.sandbox.conftest import make_job

needs_bubblewrap = pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence)
SOON = 20.0  # seconds that a thread may take on a busy machine


class Watched(socket.socket):
    """A socket to a zygote that notes whether somebody listened when it was closed."""

    def __init__(self, sandbox: Sandbox, number: int):
        super().__init__(fileno=number)
        self.sandbox, self.in_use = sandbox, []

    def close(self):
        self.in_use.append(self.sandbox._reading)
        super().close()


@pytest.fixture
def sandbox():
    """Not started: its zygote is the other end of a pair of sockets."""
    made = Sandbox()
    ours, made.zygote = socket.socketpair()
    made._control = Watched(made, ours.detach())
    yield made
    made.close()
    made.zygote.close()


def told(wanted, *given):
    """Call in a thread of its own; the thread, and a list that will hold the result or the exception."""
    found = []

    def call():
        try:
            found.append(wanted(*given))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    return thread, found


def test_a_socket_is_closed_when_nobody_listens_to_it_any_more(sandbox):
    """Its number would be that of the next zygote's socket, and whoever began to listen would take its first answer."""
    thread, found = told(sandbox.receive, 1)
    while not sandbox._reading:
        pass
    control = sandbox._control
    sandbox._end()
    thread.join(SOON)
    assert isinstance(found[0], client._ZygoteGone)
    assert control.in_use == [False]


def test_a_socket_is_closed_when_nobody_speaks_to_it_any_more(sandbox):
    control = sandbox._control
    with sandbox._sending:  # somebody sends
        thread, _ = told(sandbox._end)
        assert select.select([sandbox.zygote], [], [], SOON)[0], "it was not shut down"
        assert control.in_use == []
        assert control.fileno() >= 0
    thread.join(SOON)
    assert len(control.in_use) == 1


def test_a_job_that_waited_for_a_restart_belongs_to_the_new_one(sandbox):
    with sandbox._sending:
        thread, found = told(sandbox.send, {"type": "job"}, 0)
        sandbox._oldest = next(sandbox._numbers)  # as a start does
    thread.join(SOON)
    assert found[0] > sandbox._oldest


def test_what_was_said_to_nobody_is_closed(sandbox):
    handle = os.open(os.devnull, os.O_RDONLY)
    sandbox._mail = {7: [({"type": "forked", "number": 7}, handle)]}
    sandbox._end()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)
    assert sandbox._mail == {}


def test_a_process_may_end_while_it_is_asked_for():
    class Vanishing(Sandbox):
        @property
        def _process(self):
            return left.pop() if left else None

        @_process.setter
        def _process(self, value):
            pass

    left: list = []
    vanishing = Vanishing()
    left.append(type("Process", (), {"pid": 3}))
    assert vanishing.process_id == 3
    assert vanishing.process_id is None


@needs_bubblewrap
@pytest.mark.parametrize("times", [1, 2])
def test_a_job_that_is_killed_before_it_begins_is_begun_once_more(monkeypatch, times):
    """So the kernel does where memory is short. Twice in a row, something of this machine is wrong."""
    killed = []

    def killing(wire, handle, *given):
        if len(killed) < times:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            killed.append(select.select([handle], [], [], SOON))
        return true_channel(wire, handle, *given)

    true_channel = conversation.Channel
    monkeypatch.setattr(conversation, "Channel", killing)
    with Sandbox() as started:
        if times == 1:
            result = started.run(make_job("print(1)"))
            assert (result.cells[0].status, result.lost) == ("ok", False)
        else:
            with pytest.raises(CourseError, match="Its Python process ended"):
                started.run(make_job("print(1)"))
        assert len(killed) == times
        assert started.run(make_job("print(2)")).cells[0].status == "ok"
