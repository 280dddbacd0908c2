"""What the reference answers and the known mistakes give on the visible seeds: made, compared, put in place."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from autograder.authoring import bank as banks
from autograder.authoring.source import LessonSource
from lessonkit.checks import expectations
from lessonkit.checks.expectations import VISIBLE_SEEDS, ExpectedExercise
from lessonkit.checks.judge import STRICT as TOLERANCE
from lessonkit.checks.outcome import Outcome
from lessonkit.errors import CourseError

Expected = dict[str, ExpectedExercise]


def expected_results(lesson: LessonSource) -> Expected:
    """What the reference and the known mistakes give on the visible seeds."""
    bank = banks.load(lesson.name)
    results = {}
    for name, exercise in lesson.exercises().items():
        both = {seed: banks.expected_on(exercise, bank, seed) for seed in VISIBLE_SEEDS}
        results[name] = ExpectedExercise(
            exercise.points,
            {s: outcome for s, (outcome, _) in both.items()},
            {s: known for s, (_, known) in both.items()},
        )
    return results


def in_place(lesson: str) -> Expected | None:
    """The expected results that are shipped now; None if there are none that can be read."""
    try:
        return expectations.load(lesson)
    except CourseError:
        return None


@contextmanager
def put_in_place(lesson: str, results: Expected) -> Iterator[None]:
    """Put new expected results in place; put the old ones back if the block fails."""
    path, before = expectations.path_of(lesson), in_place(lesson)
    old = path.read_bytes() if path.is_file() else None
    if before is None or not same(results, before):
        expectations.save(lesson, results, edition=next_edition(lesson, results, before))
        expectations.load.cache_clear()
    try:
        yield
    except BaseException:
        path.unlink() if old is None else path.write_bytes(old)
        expectations.load.cache_clear()
        raise


def next_edition(lesson: str, results: Expected, before: Expected | None) -> int:
    """The edition of new results: one more if a notebook that was made for the old ones can't be checked by them.

    That is so where an exercise came or went, or where its check draws other inputs. A restored draw counts, too.
    """
    edition = expectations.edition_of(lesson)
    return edition + (before is not None and _draws(results) != _draws(before))


def _draws(results: Expected) -> dict[str, list[str]]:
    return {name: [exercise.outcomes[seed].digest for seed in VISIBLE_SEEDS] for name, exercise in results.items()}


def same(a: Expected, b: Expected) -> bool:
    """Whether two sets of expected results agree but for the last digits, which differ between processors."""
    return list(a) == list(b) and all(
        a[name].points == b[name].points
        and [(k.name, k.sentence) for s in VISIBLE_SEEDS for k in a[name].known[s]]
        == [(k.name, k.sentence) for s in VISIBLE_SEEDS for k in b[name].known[s]]
        and all(
            _same_outcome(x, y)
            for s in VISIBLE_SEEDS
            for x, y in zip(_outcomes(a[name], s), _outcomes(b[name], s), strict=True)
        )
        for name in a
    )


def _outcomes(exercise: ExpectedExercise, seed: int) -> list[Outcome]:
    return [exercise.outcomes[seed], *(k.outcome for k in exercise.known[seed])]


def _same_outcome(a: Outcome, b: Outcome) -> bool:
    return (
        (a.failure is None) == (b.failure is None)
        and a.digest == b.digest
        and a.changed == b.changed
        and dict(a.others) == dict(b.others)
        and a.arrays.keys() == b.arrays.keys()
        and all(
            x.shape == b.arrays[n].shape and x.dtype == b.arrays[n].dtype and _near(x, b.arrays[n])
            for n, x in a.arrays.items()
        )
    )


def _near(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
