"""A notebook's interpreter without a kernel around it: ipykernel's own shell, its messages sent through a function."""

import asyncio
import builtins
import contextlib
import getpass
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.error import StdinNotImplementedError
from IPython.core.history import HistoryManager
from jupyter_client.session import Session

Publish = Callable[[str, dict], None]  # kind of message, content
NO_INPUT = "Nobody is there to answer while this notebook is graded: input() is not available."
FLUSH_BYTES, FLUSH_SECONDS = 1 << 14, 0.2  # ipykernel's own seconds


class Outlet(Session):
    """Stands where ipykernel has a ZeroMQ session, and hands each output to `publish`."""

    publish: Publish = staticmethod(lambda kind, content: None)

    def send(self, stream, msg_or_type, content=None, *args, **kwargs):
        """Signature as in Session.send; only the kind and the content go on."""
        if isinstance(msg_or_type, dict):
            self.publish(msg_or_type["msg_type"], msg_or_type["content"])
        else:
            self.publish(msg_or_type, content)


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a notebook: publishes text in pieces, at most `room` characters a cell."""

    encoding, errors = "UTF-8", "strict"

    def __init__(self, name: str, number: int, publish: Publish):
        self.name = name
        self._number, self._publish = number, publish
        self._parts: list[str] = []
        self._held, self._since, self.room = 0, 0.0, 1 << 20

    def write(self, text: str) -> int:
        """Take text; print() may come from any thread."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.room > 0:
            kept = text[: self.room]
            self.room -= len(kept)
            if not self._parts:
                self._since = time.monotonic()
            self._parts.append(kept)
            self._held += len(kept)
            if self._held > FLUSH_BYTES or time.monotonic() - self._since > FLUSH_SECONDS or self.room <= 0:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Publish what is held."""
        if self._parts:
            parts, self._parts, self._held = self._parts, [], 0
            self._publish("stream", {"name": self.name, "text": "".join(parts)})
            if self.room <= 0:
                self._publish("cut", {})

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._number


class Interrupts:
    """SIGINT as a KeyboardInterrupt in the running cell, but never in the middle of a frame."""

    def __init__(self) -> None:
        self.wanted = self.came = False  # a cell is running; it was interrupted
        self._sending, self._due = 0, False

    def handle(self, signum: int, frame: object) -> None:
        """The signal handler."""
        self.came = True
        if self._sending:
            self._due = True
        elif self.wanted:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Inside the block nothing is raised; what came is raised at its end."""
        self._sending += 1
        try:
            yield
        finally:
            self._sending -= 1
        if self._due and not self._sending and threading.current_thread() is threading.main_thread():
            self._due = False
            if self.wanted:
                raise KeyboardInterrupt


class QuietHistory(HistoryManager):
    """No data base, and so no thread that writes it."""

    enabled = False


class Notebook:
    """An interpreter, warm and empty, that executes cells one after the other."""

    def __init__(self) -> None:
        outlet = Outlet()
        self.shell = NotebookShell.instance(kernel=_NoKernel(), compiler_class=XCachingCompiler)
        for part in (self.shell.displayhook, self.shell.display_pub):
            part.session = outlet
            part.pub_socket = None
        self.shell.displayhook.topic = b"execute_result"
        self._outlet = outlet
        self._loop: asyncio.AbstractEventLoop | None = None
        self.interrupts = Interrupts()

    def connect(self, publish: Publish) -> None:
        """Send outputs to `publish` from now on, and take over standard output, standard error and input."""
        self._outlet.publish = publish
        sys.stdout = self.stdout = Stream("stdout", 1, publish)
        sys.stderr = self.stderr = Stream("stderr", 2, publish)
        builtins.input = getpass.getpass = _no_input
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)

    def execute(self, source: str, room: int) -> tuple[str, int]:
        """Execute one cell; the status ("ok" or "error") and its execution count. `room`: characters of text output."""
        self.stdout.room = self.stderr.room = room
        interrupts = self.interrupts
        interrupts.came = False
        try:
            signal.signal(signal.SIGINT, interrupts.handle)
            interrupts.wanted = True
            result = self._loop.run_until_complete(self._run(source))
            interrupts.wanted = False
        except BaseException:  # an interrupt while nothing of the cell was on the stack, a cancelled await
            interrupts.wanted = False
            self.shell.showtraceback()
            return "error", self.shell.execution_count
        failed = not result.success or self.shell._last_traceback_during_displayhook
        return "error" if failed else "ok", self.shell.execution_count - 1

    def forget(self) -> None:
        """Be as new: no names, no history, the first cell is number 1 again. For the zygote, before it forks."""
        self._loop.close()
        asyncio.set_event_loop(None)
        self.shell.reset(new_session=True)
        self.shell.execution_count = 1
        plt = sys.modules.get("matplotlib.pyplot")
        if plt is not None:
            plt.close("all")

    async def _run(self, source: str):
        """As ipykernel does: plain cells run inside the running loop, cells with await as a task of it."""
        shell, failure = self.shell, None
        try:
            transformed = shell.transform_cell(source)
        except Exception:
            transformed, failure = source, sys.exc_info()
        asked = {"transformed_cell": transformed, "preprocessing_exc_tuple": failure}
        if not shell.should_run_async(source, **asked):
            return shell.run_cell(source, store_history=True)
        shell._last_traceback, shell._last_traceback_during_displayhook = None, False
        task = asyncio.ensure_future(shell.run_cell_async(source, store_history=True, **asked))
        before = signal.signal(signal.SIGINT, lambda *_: self._loop.call_soon_threadsafe(self._cancel, task))
        result = None
        try:
            result = await task
            return result
        finally:
            signal.signal(signal.SIGINT, before)
            shell.events.trigger("post_execute")
            shell.events.trigger("post_run_cell", result)

    def _cancel(self, task: asyncio.Task) -> None:
        self.interrupts.came = True
        task.cancel()


class _NoKernel:
    eventloop = None


class NotebookShell(ZMQInteractiveShell):
    """ipykernel's shell, with what its kernel would set."""

    _transformed = ("", "")  # the last cell, and what became of it

    def transform_cell(self, raw_cell: str) -> str:
        """Each cell is transformed twice in a row, to see whether it waits for anything and to be run: here once."""
        raw, made = self._transformed
        self._transformed = ("", "")
        if raw == raw_cell and raw:
            return made
        made = super().transform_cell(raw_cell)
        self._transformed = (raw_cell, made)
        return made

    def init_history(self):
        self.history_manager = QuietHistory(shell=self, parent=self, hist_file=":memory:")
        self.configurables.append(self.history_manager)

    def enable_gui(self, gui=None):
        """`%matplotlib inline` asks for none, and there is no kernel to give one."""

    def reset(self, new_session: bool = True, aggressive: bool = False) -> None:
        """`%reset` takes the student's names, and leaves the answers that are kept for the probes."""
        kept = {} if new_session else {k: v for k, v in self.user_ns.items() if str(k).startswith("_answer_")}
        super().reset(new_session=new_session, aggressive=aggressive)
        self.user_ns.update(kept)

    def ask_exit(self):
        """Notebooks are run to their end: exit() ends nothing."""


# Libraries (rich, tqdm) tell a notebook from a terminal by this name.
NotebookShell.__name__ = ZMQInteractiveShell.__name__


def _no_input(prompt: str = "", stream: object = None) -> str:
    raise StdinNotImplementedError(NO_INPUT)


class CapturedDescriptors:
    """File descriptors 1 and 2, which subprocesses and C code write to: files in memory, read after each cell."""

    def __init__(self) -> None:
        self._files = {name: os.memfd_create(name) for name in ("stdout", "stderr")}
        self._seen = dict.fromkeys(self._files, 0)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(self._files[name], number)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Those that must stay open."""
        return tuple(self._files.values())

    def read(self, room: int) -> list[tuple[str, str]]:
        """What was written since the last call: pairs of stream name and text, at most `room` bytes each."""
        found = []
        for name, fd in self._files.items():
            with contextlib.suppress(OSError):
                end = os.lseek(fd, 0, os.SEEK_END)
                if end > self._seen[name]:
                    text = os.pread(fd, min(end - self._seen[name], room), self._seen[name])
                    self._seen[name] = end
                    found.append((name, text.decode("utf-8", "replace")))
        return found
