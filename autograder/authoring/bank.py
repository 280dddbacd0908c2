"""Banks of answers: for each exercise the known mistakes, right answers written otherwise, and explained mutants."""

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder.authoring.faults import FaultyFileError, fault_of
from autograder.authoring.source import ROOT, Exercise
from lessonkit.checks.finding import Finding
from lessonkit.checks.judge import judge, same_outcome
from lessonkit.checks.outcome import Known, Outcome, Trial
from lessonkit.checks.run import run_probe, without_gradients
from lessonkit.errors import CourseError

BANKS = ROOT / "autograder" / "banks"


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people really write, and the sentence that they should read."""

    exercise: str
    name: str
    sentence: str
    answer: object


@dataclass(frozen=True)
class Alternative:
    """A right answer, written another way than the reference."""

    exercise: str
    name: str
    answer: object


@dataclass(frozen=True)
class Equivalent:
    """A generated mutant that is not wrong, and why."""

    exercise: str
    mutant: str
    reason: str


@dataclass(frozen=True)
class Bank:
    """All that is known about the answers to one lesson."""

    mistakes: tuple[Mistake, ...]
    alternatives: tuple[Alternative, ...]
    equivalents: tuple[Equivalent, ...]

    def mistakes_of(self, exercise: str) -> list[Mistake]:
        """The known mistakes of one exercise, in order."""
        return [mistake for mistake in self.mistakes if mistake.exercise == exercise]

    def alternatives_of(self, exercise: str) -> list[Alternative]:
        """The alternatives of one exercise, in order."""
        return [alternative for alternative in self.alternatives if alternative.exercise == exercise]


_loading: list[Mistake | Alternative | Equivalent] = []  # what the decorators below saw since the last load


def mistake(exercise: str, sentence: str) -> Callable[[object], object]:
    """Mark a function or class of a bank as a wrong answer to `exercise`, with the sentence for the learner."""

    def mark(answer: object) -> object:
        _loading.append(Mistake(exercise, answer.__name__, sentence, answer))
        return answer

    return mark


def alternative(exercise: str) -> Callable[[object], object]:
    """Mark a function or class of a bank as a right answer to `exercise`."""

    def mark(answer: object) -> object:
        _loading.append(Alternative(exercise, answer.__name__, answer))
        return answer

    return mark


def equivalent(exercise: str, mutant: str, reason: str) -> None:
    """Explain why a mutant that `python -m autograder mutants` lists is not wrong."""
    _loading.append(Equivalent(exercise, mutant, reason))


@lru_cache(maxsize=32)
def load(lesson: str, folder: Path = BANKS) -> Bank:
    """Import the bank of a lesson.

    Raises:
        CourseError: there is no bank, two of its answers have the same name, or Python can't run it.
    """
    path = folder / f"{lesson}.py"
    if not path.is_file():
        raise CourseError(f"There is no bank for lesson {lesson}: write autograder/banks/{lesson}.py.")
    _loading.clear()
    spec = importlib.util.spec_from_file_location(f"bank_{lesson}", path)
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except (Exception, SystemExit) as error:
        raise FaultyFileError([fault_of(error, path, name=f"banks/{path.name}")]) from error
    entries = tuple(_loading)
    _loading.clear()
    names = [entry.name for entry in entries if not isinstance(entry, Equivalent)]
    for name in names:
        if names.count(name) > 1:
            raise CourseError(f"{path.name}: two answers are named {name!r}; give each its own name.")
    return Bank(*(tuple(e for e in entries if isinstance(e, kind)) for kind in (Mistake, Alternative, Equivalent)))


def judge_answer(exercise: Exercise, answer: object, bank: Bank, seeds: Iterable[int]) -> Finding:
    """Run an answer on some seeds beside the reference and the known mistakes, and judge it."""
    return judge(trials(exercise, answer, bank, seeds), exercise.probe.explain)


def trials(exercise: Exercise, answer: object, bank: Bank, seeds: Iterable[int]) -> list[Trial]:
    """Run an answer on some seeds beside the reference and the known mistakes."""
    return [Trial(s, run_probe(exercise.probe, answer, s), *expected_on(exercise, bank, s)) for s in seeds]


_expected: dict[tuple[object, int], tuple[Outcome, tuple[Known, ...]]] = {}


def expected_on(exercise: Exercise, bank: Bank, seed: int) -> tuple[Outcome, tuple[Known, ...]]:
    """What the reference and each known mistake give on one seed (computed once a process)."""
    key = (exercise.probe, seed)
    if key not in _expected:
        outcome = run_probe(exercise.probe, exercise.reference, seed)
        if outcome.failure:
            raise CourseError(
                f"The reference answer of {exercise.name} fails on seed {seed}: "
                f"{outcome.failure.kind}: {outcome.failure.message}\n{outcome.failure.traceback}"
            )
        known = tuple(
            Known(m.name, m.sentence, _kept(run_probe(exercise.probe, m.answer, seed), outcome))
            for m in bank.mistakes_of(exercise.name)
        )
        _expected[key] = (outcome, known)
    return _expected[key]


def _kept(mistake: Outcome, right: Outcome) -> Outcome:
    """What is kept of a known mistake's outcome: its gradients only where its values are right."""
    bare = without_gradients(mistake)
    return mistake if same_outcome(bare, right) else bare
