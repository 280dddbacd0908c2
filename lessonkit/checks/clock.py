"""A limit on how long a block may take: by the system's alarm, and where there is none by a second thread."""

import contextlib
import ctypes
import signal
import threading
from collections.abc import Iterator

_AGAIN = 0.5  # seconds after which one that swallowed the first interruption gets the next


class TimeUp(BaseException):
    """Not an Exception, so that a learner's `except Exception` doesn't swallow it."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` inside the block after `seconds`, again and again until it ends."""
    by_alarm = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    with _alarm(seconds) if by_alarm else _watchdog(seconds):
        yield


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def time_up(signum: int, frame: object) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGALRM, time_up)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """The same where there is no alarm (Windows), or outside the main thread: Python raises between two operations."""
    thread, over, lock = threading.get_ident(), threading.Event(), threading.Lock()
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch() -> None:
        wait = seconds
        while not over.wait(wait):
            with lock:
                if not over.is_set():
                    raise_in(ctypes.c_ulong(thread), ctypes.py_object(TimeUp))
            wait = _AGAIN

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        with lock:
            raise_in(ctypes.c_ulong(thread), None)  # one that has been sent, but didn't arrive, is taken back
