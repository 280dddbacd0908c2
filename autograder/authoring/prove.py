"""Prove one lesson, in seconds: contract, bank, probes, mutants, step with the notebooks."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.authoring import bank as banks
from autograder.authoring import bank_contract, build, contract, mutants
from autograder.authoring.faults import Fault, FaultyFileError
from autograder.authoring.source import LessonSource
from lessonkit.checks.expectations import VISIBLE_SEEDS
from lessonkit.errors import CourseError

FRESH = 3  # fresh seeds beside the visible ones; `make test` takes twenty, the same for the same tree


@dataclass(frozen=True)
class Stage:
    """One part of the proof: what was looked at, what is wrong, and what is not wrong but worth a word."""

    name: str
    looked_at: str
    seconds: float
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prove(lesson: LessonSource) -> Iterator[Stage]:
    """Every stage as it is done; each names all that it finds."""
    for name, look in (("contract", _contract), ("bank", _bank), ("mutants", _mutants), ("notebooks", _notebooks)):
        start = time.monotonic()
        try:
            looked_at, faults, notes = look(lesson)
        except FaultyFileError as error:
            looked_at, faults, notes = "stopped", error.faults, ()
        except CourseError as error:
            looked_at, faults, notes = "stopped", (str(error),), ()
        found = tuple(dict.fromkeys(map(str, faults)))
        yield Stage(name, looked_at, time.monotonic() - start, found, tuple(map(str, notes)))
        if name == "bank" and looked_at == "stopped":
            return  # nothing of the lesson runs


Found = tuple[str, list[Fault] | list[str], list[Fault] | list[str]]


def _contract(lesson: LessonSource) -> Found:
    exercises = len(list(lesson.of_kind("exercise")))
    return f"{len(lesson.cells)} cells, {exercises} exercises", contract.faults(lesson), []


def _bank(lesson: LessonSource) -> Found:
    seeds = [*VISIBLE_SEEDS, *(secrets.randbelow(2**31) for _ in range(FRESH))]
    faults = bank_contract.faults(lesson, seeds)
    bank = banks.load(lesson.name)
    count = f"{len(bank.mistakes)} mistakes, {len(bank.alternatives)} alternatives, {len(seeds)} seeds"
    return count, faults, []


def _mutants(lesson: LessonSource) -> Found:
    total, survivors, stale = mutants.survivors(lesson)
    lines = {name: exercise.cell.line for name, exercise in lesson.exercises().items()}
    faults = [
        Fault(lesson.path.name, lines[s.exercise], f"the check of {s.exercise!r} accepts this mutant: {s.description}")
        for s in survivors
        if not s.reason
    ]
    faults += [Fault(f"banks/{lesson.path.name}", 1, f"explained, but not among the accepted: {it}") for it in stale]
    return f"{total} mutants, {len(survivors)} accepted", faults, []


def _notebooks(lesson: LessonSource) -> Found:
    if not build.solution_path(lesson.name).is_file() and not build.student_path(lesson.name).is_file():
        return "not built yet", [], [f"not built yet: run `make build LESSON={lesson.name[:2]}`."]
    stale = list(build.differences(lesson))
    return "in step" if not stale else "out of step", [*stale, *contract.built_faults(lesson)], []
