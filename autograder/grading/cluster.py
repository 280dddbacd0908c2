"""Grading on a Dask cluster: workers own a sandbox each; what they find comes back to the one writer."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from dask.distributed import Client, as_completed

from autograder.authoring import source as sources
from autograder.grading.graded import Graded
from autograder.grading.intake import Intake
from autograder.grading.sealed import grade_one
from autograder.grading.settings import Settings, sandbox_for
from autograder.grading.submissions import Submission
from autograder.sandbox import Sandbox
from lessonkit.errors import CourseError

AHEAD = 4  # submissions a worker that are under way before the first comes back: memory stays flat
RETRIES = 3  # of a submission whose worker died

_sandboxes: dict[str, Sandbox] = {}  # of this worker process: one, warm for one lesson


def grade_on_worker(lesson: str, submission: Submission, run_seed: int, secret: str, settings: Settings) -> tuple:
    """Runs on a worker: grade one submission in the worker's own sandbox, which is started on first use."""
    source = sources.load(lesson)
    if lesson not in _sandboxes:
        while _sandboxes:
            _sandboxes.popitem()[1].close()
        _sandboxes[lesson] = sandbox_for(source, settings)
    return grade_one(source, submission, run_seed, secret, _sandboxes[lesson], settings.limits)


@contextmanager
def on_cluster(settings: Settings) -> Iterator:
    """A function that grades many submissions on the Dask cluster whose scheduler is named.

    Raises:
        CourseError: no scheduler answers at the address.
    """
    told = replace(settings, db_url=None, seed=None)  # a worker needs no password, and learns a seed with its task
    try:
        client = Client(settings.scheduler, timeout="20s")
    except (OSError, TimeoutError, ValueError) as error:
        raise CourseError(
            f"No Dask scheduler answers at {settings.scheduler}: check the address, start it, try again."
        ) from error

    def grade_many(
        lesson: str, todo: Sequence[Submission], run_seed: int, secret: str
    ) -> Iterator[tuple[Submission, tuple[Intake, Graded]]]:
        waiting = iter(todo)
        at_once = AHEAD * max(1, len(client.scheduler_info()["workers"]))
        owners = {}

        def send(submission: Submission) -> object:
            submission = submission.read()
            future = client.submit(
                grade_on_worker, lesson, submission, run_seed, secret, told, pure=False, retries=RETRIES
            )
            owners[future.key] = submission
            return future

        pending = as_completed([send(s) for s in itertools.islice(waiting, at_once)], with_results=True)
        for future, result in pending:
            yield owners.pop(future.key), result
            future.release()
            following = next(waiting, None)
            if following is not None:
                pending.add(send(following))

    try:
        yield grade_many
    finally:
        client.close()
