"""Limits around whatever makes pages of strangers' text: of time and of length, with a plain form to fall back to."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")
SECONDS = 1.0  # of the processor, for all that is made within one fence
UNTIMED = 2_000  # characters that are rendered where no clock can be set


class _TimeUp(BaseException):
    """Not an Exception, so that no library swallows it."""


class Fence:
    """What one page may cost. What is not made in time, or fails, costs itself: its plain form stands in its place."""

    def __init__(self, seconds: float = SECONDS, room: int = 1_500_000):
        self.room = room  # characters that may still be shown
        self._seconds = seconds
        self._working = False

    def take(self, wanted: int) -> int:
        """So many of the characters wanted may be shown; they are counted."""
        given = max(0, min(wanted, self.room))
        self.room -= given
        return given

    def run(self, make: Callable[[], T], otherwise: Callable[[], T], size: int) -> T:
        """What `make` makes of `size` characters, or `otherwise` if it fails or the time of this fence is up."""
        timed = threading.current_thread() is threading.main_thread()
        if self._seconds <= 0 or (not timed and size > UNTIMED):
            return otherwise()
        try:
            return self._in_time(make) if timed else make()
        except (Exception, _TimeUp):
            return otherwise()

    def _in_time(self, make: Callable[[], T]) -> T:
        before = signal.signal(signal.SIGVTALRM, self._time_up)
        self._working = True
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)
            made = make()
            self._working = False
            return made
        finally:
            self._working = False
            self._seconds = signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0]
            signal.signal(signal.SIGVTALRM, before)

    def _time_up(self, signum: int, frame: FrameType | None) -> None:
        if self._working:
            raise _TimeUp
