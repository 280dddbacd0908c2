"""A sandbox that died is started anew while other threads still wait for what it owed them."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import Sandbox, client, protocol

from .conftest import make_job

pytestmark = pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence)


def test_nobody_else_reads_the_first_answer(monkeypatch):
    """Whoever waited for the old one would take it, and the start would wait for an answer that is gone."""
    late, receive = [], protocol.receive

    def receive_late(wire):
        waiting = threading.Thread(target=reads, args=[len(late)])
        late.append(waiting)
        waiting.start()
        waiting.join(5.0)
        return receive(wire)

    found = {}

    def reads(number):
        try:
            found[number] = sandbox._next()
        except client._ZygoteGone:
            found[number] = None

    with Sandbox() as sandbox:
        os.kill(sandbox.process_id, signal.SIGKILL)
        monkeypatch.setattr(client.protocol, "receive", receive_late)
        sandbox.start()
        monkeypatch.undo()
        assert found == {0: None}
        assert sandbox.run(make_job("print(1)")).cells[0].status == "ok"


def test_threads_that_wait_while_it_dies_get_their_jobs_back():
    """Several times over."""
    with Sandbox() as sandbox, ThreadPoolExecutor(3) as threads:  # that live as long as what they start
        for _ in range(3):
            jobs = [threads.submit(sandbox.run, make_job("import time\ntime.sleep(1)\nprint(1)")) for _ in range(3)]
            time.sleep(0.5)
            assert sandbox.ready
            os.kill(sandbox.process_id, signal.SIGKILL)
            assert any(job.result(60.0).lost for job in jobs)
        assert not threads.submit(sandbox.run, make_job("print(1)")).result(60.0).lost
