"""Every known mistake fails and is named by its own sentence; every alternative passes; no mutant is unexplained."""

import pytest

from autograder.authoring import bank as banks
from autograder.authoring import mutants, source
from autograder.authoring.bank_contract import ALTERNATIVES as LEAST_ALTERNATIVES
from autograder.authoring.bank_contract import MISTAKES as LEAST_MISTAKES
from autograder.authoring.bank_contract import TOGETHER, misnamed
from autograder.grading import sealed
from lessonkit.checks.judge import judge, mistakes_that_explain
from lessonkit.checks.outcome import Trial
from tests.checks.seeds import seeds_of

SEEDS = 20  # of each lesson; a failure prints them

EXERCISES = [
    (name, str(c.marks["exercise"])) for name in source.lesson_names() for c in source.load(name).of_kind("exercise")
]
MISTAKES = [(lesson, m) for lesson in source.lesson_names() for m in banks.load(lesson).mistakes]
ALTERNATIVES = [(lesson, a) for lesson in source.lesson_names() for a in banks.load(lesson).alternatives]


def test_grading_judges_by_as_many_seeds_as_the_bank_is_proved_on():
    assert sealed.SEEDS == TOGETHER


def _ids(entries):
    return [f"{lesson[:2]}-{entry.exercise}-{entry.name}" for lesson, entry in entries]


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES, ids=[f"{a[:2]}-{b}" for a, b in EXERCISES])
def test_bank_is_large_enough_and_the_reference_passes(lesson, exercise, count):
    bank, known = banks.load(lesson), source.load(lesson).exercises()
    assert len(bank.mistakes_of(exercise)) >= LEAST_MISTAKES
    assert len(bank.alternatives_of(exercise)) >= LEAST_ALTERNATIVES
    finding = banks.judge_answer(known[exercise], known[exercise].reference, bank, seeds_of(lesson, TOGETHER))
    assert finding.passed, finding
    count("exercises")


@pytest.mark.parametrize(("lesson", "mistake"), MISTAKES, ids=_ids(MISTAKES))
def test_mistake_is_named_by_its_own_sentence(lesson, mistake, count):
    """By three seeds together, as in a notebook and in grading: what one alone can't tell apart, all must."""
    exercise, bank = source.load(lesson).exercises()[mistake.exercise], banks.load(lesson)
    trials = list(_trials(exercise, mistake, bank, seeds_of(lesson, SEEDS)))
    assert not (said := misnamed(exercise, mistake, trials)), said
    first = [next(iter(mistakes_that_explain(trial)), None) for trial in trials]
    alone = [name or judge([trial], exercise.probe.explain).mistake for name, trial in zip(first, trials, strict=True)]
    count("mistakes named")
    count("seeds that alone would not have named one", sum(name != mistake.name for name in alone))


def _trials(exercise, mistake, bank, seeds):
    """The mistake as an answer: run once more on the first seeds; on the others what it gave when it was learned."""
    yield from banks.trials(exercise, mistake.answer, bank, seeds[:TOGETHER])
    for seed in seeds[TOGETHER:]:
        want, known = banks.expected_on(exercise, bank, seed)
        yield Trial(seed, next(k.outcome for k in known if k.name == mistake.name), want, known)


@pytest.mark.parametrize(("lesson", "alternative"), ALTERNATIVES, ids=_ids(ALTERNATIVES))
def test_alternative_is_accepted(lesson, alternative, count):
    exercise = source.load(lesson).exercises()[alternative.exercise]
    for seed in seeds_of(lesson, SEEDS):
        finding = banks.judge_answer(exercise, alternative.answer, banks.load(lesson), [seed])
        assert finding.passed, f"on seed {seed}: {finding.message} {finding.detail}"
    count("alternatives accepted")


@pytest.mark.parametrize("lesson", source.lesson_names())
def test_sentences_differ(lesson):
    sentences = [(m.exercise, m.sentence) for m in banks.load(lesson).mistakes]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("lesson", source.lesson_names())
def test_no_mutant_is_unexplained(lesson, count):
    total, survivors, stale = mutants.survivors(source.load(lesson))
    assert not [f"{s.exercise}: {s.description}" for s in survivors if not s.reason]
    assert not stale
    assert total > 0
    count("mutants", total)
    count("mutants explained as equivalent", len(survivors))
