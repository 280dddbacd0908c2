"""The same job in a real Jupyter kernel, for comparison: the kernel runs in the sandbox, beside this, its host.

Answers the requests that child.py names. The kernel is a process of its own in the job's namespaces, under its limits
and without its rights; what it says is hearsay as well. Slow: a kernel takes seconds to start. An answer that ends the
kernel while it is probed costs the exercises after it, too.
"""

import base64
import contextlib
import json
import os
import queue
import signal
import socket
import time

from jupyter_client import KernelManager

from autograder.sandbox import protocol

OUTCOME = "application/vnd.attention-course.outcome"
START_SECONDS = 60.0
_PROBE = "from autograder.sandbox.kernel import publish_outcome as _publish\n_publish({request!r}, {most})"


class KernelHost:
    """Stands where child.py has a notebook in its own process."""

    def __init__(self, channel: socket.socket, settings: dict):
        self._channel, self._limits = channel, settings["limits"]
        self._interrupted = False
        self._manager = KernelManager(transport="ipc", kernel_name="python3")
        folder = os.path.join(os.environ["HOME"], ".kernel")
        os.makedirs(folder, mode=0o700)
        self._manager.connection_file = os.path.join(folder, "connection.json")
        self._manager.start_kernel(extra_arguments=["--HistoryManager.enabled=False", "--IPKernelApp.log_level=50"])
        self._client = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=START_SECONDS)
        self._execute(_SEED.format(seed=settings["seed"]), lambda kind, content: None)
        signal.signal(signal.SIGINT, self._interrupt)
        protocol.send(channel, {"type": "ready"})

    def loop(self) -> None:
        """Answer requests until the grader hangs up."""
        while (frame := protocol.receive(self._channel)) is not None:
            request = frame[0]
            if request["type"] == "cell":
                self._cell(request)
            else:
                self._probe(request)

    def _interrupt(self, signum: int, frame: object) -> None:
        self._interrupted = True
        self._manager.interrupt_kernel()

    def _cell(self, request: dict) -> None:
        self._interrupted, room = False, request["room"]

        def publish(kind: str, content: dict) -> None:
            nonlocal room
            size = len(json.dumps(content))
            if size > room and room >= 0:
                protocol.send(self._channel, {"type": "output", "kind": "cut", "content": {}})
            room -= size
            if room >= 0:
                protocol.send(self._channel, {"type": "output", "kind": kind, "content": content})

        reply = self._execute(request["source"], publish)
        status = "error" if reply.get("status") != "ok" else "ok"
        done = {"status": status, "count": reply.get("execution_count"), "interrupted": self._interrupted}
        protocol.send(self._channel, {"type": "done", **done})

    def _probe(self, request: dict) -> None:
        for seed in request["seeds"]:
            said = self._said(request | {"seed": seed})
            if said is None:
                protocol.send(self._channel, {"type": "worker_gone"})
                return
            protocol.send(self._channel, said["header"], base64.b64decode(said["body"]))
            failure = said["header"].get("failure")
            if failure is not None and failure["verdict"] in protocol.ENDED:
                return

    def _said(self, request: dict) -> dict | None:
        """What the kernel says of one seed; None if it is gone."""
        found: list[str] = []

        def take(kind: str, content: dict) -> None:
            found.extend([content["data"][OUTCOME]] if OUTCOME in content.get("data", {}) else [])

        try:
            self._execute(_PROBE.format(request=json.dumps(request), most=self._limits["array_bytes"]), take)
        except _KernelGoneError:
            found.clear()
        return json.loads(found[-1]) if found else None

    def _execute(self, source: str, publish: object) -> dict:
        """Run code in the kernel; every output goes to `publish`. Returns the reply's content."""
        asked = self._client.execute(source, allow_stdin=False)
        idle = False
        while not idle:
            with contextlib.suppress(queue.Empty):
                message = self._client.get_iopub_msg(timeout=0.2)
                if message["parent_header"].get("msg_id") == asked:
                    idle = message["content"].get("execution_state") == "idle"
                    if message["msg_type"] not in ("status", "execute_input"):
                        publish(message["msg_type"], message["content"])
                continue
            if not self._manager.is_alive():
                raise _KernelGoneError
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            reply = self._client.get_shell_msg(timeout=START_SECONDS)
            if reply["parent_header"].get("msg_id") == asked:
                return reply["content"]
        raise _KernelGoneError


class _KernelGoneError(Exception):
    """The kernel has ended."""


_SEED = """
import random as _random
import numpy as _numpy, torch as _torch
_torch.set_num_threads(1)
for _seeded in (_random.seed, _numpy.random.seed, _torch.manual_seed): _seeded({seed!r})
del _random, _numpy, _torch, _seeded
"""
_namespaces: dict[str, dict] = {}  # in the kernel: the probes' own names


def publish_outcome(request: str, most: int) -> None:
    """Runs in the kernel: probe an answer, and publish what came out."""
    from IPython import get_ipython
    from IPython.display import display

    from autograder.sandbox import probing

    header, body = probing.answer(json.loads(request), get_ipython().user_ns, _namespaces, most)
    said = json.dumps({"header": header, "body": base64.b64encode(body).decode()})
    display({OUTCOME: said}, raw=True)
