"""The contract of a bank: each mistake fails and is named by its own sentence, each alternative passes, none lacks.

Yields sentences, with file and line, for what breaks it on the seeds that are given.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.authoring import bank as banks
from autograder.authoring.bank import Bank, Mistake
from autograder.authoring.faults import Fault
from autograder.authoring.source import Exercise, LessonSource
from lessonkit.checks.expectations import VISIBLE_SEEDS
from lessonkit.checks.judge import judge, mistakes_that_explain
from lessonkit.checks.outcome import Trial
from lessonkit.checks.run import run_probe
from lessonkit.errors import CourseError, did_you_mean
from lessonkit.syntax import parse

MISTAKES, ALTERNATIVES = 5, 3  # of each exercise, at least
TOGETHER = len(VISIBLE_SEEDS)  # seeds of one judgement: as many in a notebook as in grading


def faults(lesson: LessonSource, seeds: Sequence[int], folder: Path = banks.BANKS) -> list[Fault]:
    """What breaks the contract of the lesson's answers.

    Raises:
        FaultyFileError: a cell of the lesson, or the bank, stops with an exception.
        CourseError: there is no bank.
    """
    exercises, bank = lesson.exercises(), banks.load(lesson.name, folder)
    at = _Places(folder / f"{lesson.name}.py")
    found = [*_strangers(lesson, bank, at), *_repetitions(bank, at)]
    for exercise in exercises.values():
        found += _missing(exercise, bank, at)
        broken = list(_reference_faults(lesson, exercise, bank, seeds))
        found += broken or _answer_faults(exercise, bank, seeds, at)
    return found


class _Places:
    """Makes faults of a bank: at the line where the answer of that name is defined, or at the first."""

    def __init__(self, path: Path):
        tree = parse(path.read_text("utf-8"))
        self._name = f"banks/{path.name}"
        self._lines = {n.name: n.lineno for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}

    def __call__(self, name: str, sentence: str) -> Fault:
        return Fault(self._name, self._lines.get(name, 1), sentence)


def _strangers(lesson: LessonSource, bank: Bank, at: _Places) -> Iterator[Fault]:
    known = lesson.exercises()
    for kind, entries in (("mistake", bank.mistakes), ("alternative", bank.alternatives)):
        for entry in entries:
            if entry.exercise not in known:
                said = f"{entry.name!r} is {_a(kind)} for {entry.exercise!r}, and there is no such exercise."
                yield at(entry.name, said + did_you_mean(entry.exercise, known))
    for entry in bank.equivalents:
        if entry.exercise not in known:
            said = f"an equivalent mutant of {entry.exercise!r} is explained, and there is no such exercise."
            yield at("", said + did_you_mean(entry.exercise, known))


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _repetitions(bank: Bank, at: _Places) -> Iterator[Fault]:
    first: dict[tuple[str, str], str] = {}
    for mistake in bank.mistakes:
        other = first.setdefault((mistake.exercise, mistake.sentence), mistake.name)
        if other != mistake.name:
            yield at(mistake.name, f"{mistake.name!r} has the same sentence as {other!r}.")


def _missing(exercise: Exercise, bank: Bank, at: _Places) -> Iterator[Fault]:
    for kind, found, least in (
        ("mistake", bank.mistakes_of(exercise.name), MISTAKES),
        ("alternative", bank.alternatives_of(exercise.name), ALTERNATIVES),
    ):
        if len(found) < least:
            yield at("", f"{exercise.name!r} needs {least} {kind}s at least, and has {len(found) or 'none'}.")


def _reference_faults(lesson: LessonSource, exercise: Exercise, bank: Bank, seeds: Sequence[int]) -> Iterator[Fault]:
    """The reference answer passes its own check, and its probe returns what can be compared."""
    line = exercise.check.line - 1
    outcome = run_probe(exercise.probe, exercise.reference, seeds[0])
    if outcome.failure:
        said = f"{outcome.failure.kind}: {outcome.failure.message}".splitlines()[0].rstrip(".")
        yield Fault(lesson.path.name, line, f"the check of {exercise.name!r} fails for the reference answer: {said}.")
        return
    for name, kind in outcome.others.items():
        said = f"the probe returns {kind} as {name!r}, which can't be compared: return tensors, numbers, sorted lists."
        yield Fault(lesson.path.name, line, said)
    if outcome.others:
        return
    try:
        finding = banks.judge_answer(exercise, exercise.reference, bank, seeds)
    except CourseError as error:
        yield Fault(lesson.path.name, line, str(error).splitlines()[0])
        return
    if not finding.passed:
        said = f"the reference answer of {exercise.name!r} fails its own check: {finding.message}"
        yield Fault(lesson.path.name, line, said)


def _answer_faults(exercise: Exercise, bank: Bank, seeds: Sequence[int], at: _Places) -> Iterator[Fault]:
    """Every mistake is named by its own sentence, every alternative passes."""
    for mistake in bank.mistakes_of(exercise.name):
        if said := misnamed(exercise, mistake, banks.trials(exercise, mistake.answer, bank, seeds)):
            yield at(mistake.name, said)
    for alternative in bank.alternatives_of(exercise.name):
        finding = banks.judge_answer(exercise, alternative.answer, bank, seeds)
        if not finding.passed:
            said = f"the check of {exercise.name!r} refuses the alternative {alternative.name!r}: {finding.message}"
            yield at(alternative.name, said)


def misnamed(exercise: Exercise, mistake: Mistake, trials: Sequence[Trial]) -> str:
    """What is wrong with how a mistake is judged, by every TOGETHER neighbours of its trials; "" if nothing is.

    One seed may leave a mistake unnamed, or like another: a learner reads what all seeds of a judgement say.
    """
    explained = [mistakes_that_explain(trial) for trial in trials]
    for start in range(max(1, len(trials) - TOGETHER + 1)):
        together, by = trials[start : start + TOGETHER], explained[start : start + TOGETHER]
        first = next((name for name in by[0] if all(name in names for names in by)), None)
        if first == mistake.name and start % TOGETHER:
            continue  # so `judge` would name it; each run is judged in whole once
        finding = judge(together, exercise.probe.explain)
        seeds = "seeds " + ", ".join(str(trial.seed) for trial in together)
        if finding.passed:
            return f"the check of {exercise.name!r} accepts the mistake {mistake.name!r} ({seeds})."
        if finding.mistake is None:
            return f"{mistake.name!r} fails, but not as itself ({seeds}): {finding.message}"
        if finding.mistake != mistake.name:
            return (
                f"{mistake.name!r} and {finding.mistake!r} come out alike ({seeds}): keep one, with a sentence "
                "that fits both, or let the probe tell them apart."
            )
    return ""
