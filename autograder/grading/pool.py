"""Grading on this machine: sandboxes side by side, and for each two threads, so that one judges while the other runs.

While the cells of one submission run, the next is read and forked, and the last is taken down and judged. The process
that grades waits for most of that, so threads are enough; many machines, or very many processors, take a Dask cluster.
"""

import contextlib
import ctypes
import gc
import itertools
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Lock

from autograder.authoring.source import LessonSource
from autograder.grading.graded import Graded
from autograder.grading.intake import Intake, take_in
from autograder.grading.sealed import grade_taken, work_out_expected
from autograder.grading.settings import Settings, sandbox_for
from autograder.grading.submissions import Submission

_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1  # glibc's malloc.h
LANES = 2  # threads a sandbox
TURN = 5e-4  # seconds before a thread that judges lets one go on that has just heard from a sandbox
WORTH_ANOTHER = 12  # submissions for which a further sandbox is started: that takes seconds

Found = tuple[Submission, tuple[Intake, Graded]]


class Pool:
    """So many sandboxes, warm for one lesson: `begin` starts the first, others start when there is enough to do."""

    def __init__(self, lesson: LessonSource, settings: Settings):
        self._lesson, self._settings = lesson, settings
        self._sandboxes = [sandbox_for(lesson, settings) for _ in range(settings.workers)]
        # A sandbox ends with the thread that started it: its own lanes live as long as the pool.
        self._lanes = [ThreadPoolExecutor(LANES, f"sandbox-{i}") for i in range(settings.workers)]
        self._turn = sys.getswitchinterval()  # as it was
        self._intake = Lock()  # one file at a time is taken apart, so that memory stays flat
        self._first: Future | None = None

    def __enter__(self) -> "Pool":
        _give_memory_back()
        sys.setswitchinterval(TURN)
        return self

    def __exit__(self, *exc: object) -> None:
        for sandbox in self._sandboxes:
            sandbox.close()
        for lanes in self._lanes:
            lanes.shutdown(cancel_futures=True)
        gc.unfreeze()
        sys.setswitchinterval(self._turn)

    def begin(self) -> None:
        """Start the first sandbox, while the caller goes on."""
        if self._first is None:
            self._first = self._lanes[0].submit(self._sandboxes[0].ensure)

    def wait(self) -> None:
        """Until the first sandbox is there. Raises CourseError where none can be had."""
        self.begin()
        gc.collect()
        gc.freeze()  # what is there stays: to look through all of it takes as long as three submissions
        self._first.result()

    def warm_up(self) -> None:
        """Start all sandboxes now."""
        for started in [lanes.submit(box.ensure) for lanes, box in zip(self._lanes, self._sandboxes, strict=True)]:
            started.result()

    def grade_many(self, lesson: str, todo: Sequence[Submission], run_seed: int, secret: str) -> Iterator[Found]:
        """Grade submissions; each comes back when it is done. Few are under way at once."""
        work_out_expected(self._lesson, run_seed)
        wanted = 1 + len(todo) // WORTH_ANOTHER
        started = sum(box.process_id is not None for box in self._sandboxes)
        used = self._lanes[: max(started, wanted)]
        waiting = iter(todo)
        pending: dict[Future, int] = {}

        def send(lane: int) -> None:
            for submission in itertools.islice(waiting, 1):
                pending[self._lanes[lane].submit(self._grade, lane, submission, run_seed, secret)] = lane

        for _ in range(LANES + 1):
            for lane in range(len(used)):
                send(lane)
        try:
            while pending:
                done, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    send(pending.pop(future))
                    yield future.result()
        finally:
            for future in pending:
                future.cancel()

    def _grade(self, lane: int, waiting: Submission, run_seed: int, secret: str) -> Found:
        with self._intake:
            submission = waiting.read()
            intake = take_in(submission, self._lesson)
        sandbox, limits = self._sandboxes[lane], self._settings.limits
        graded = grade_taken(self._lesson, submission, intake, run_seed, secret, sandbox, limits)
        return submission, (intake, graded)


def _give_memory_back() -> None:
    """Large blocks go back to the system when they are free, and threads share few heaps: memory stays flat.

    glibc's own way is to keep more, the larger the blocks were that it saw. Elsewhere nothing is done.
    """
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for setting, value in ((_M_ARENA_MAX, 2), (_M_MMAP_THRESHOLD, 1 << 18), (_M_TRIM_THRESHOLD, 1 << 20)):
            mallopt(setting, value)
