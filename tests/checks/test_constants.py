"""Nothing that is passed by luck: each number in a probe may be another one, and no wrong answer profits."""

import ast
import copy

import pytest

from autograder.authoring import bank as banks
from autograder.authoring import source
from autograder.authoring.bank_contract import TOGETHER
from lessonkit.checks import judge as judging
from lessonkit.checks.outcome import Trial
from lessonkit.checks.run import run_probe, with_settings
from tests.checks.seeds import seeds_of

SEEDS = 12  # of each lesson; a failure prints them
SECONDS = 5.0
MEANT = {  # exercise -> parts of lines whose numbers are what is tested, and why
    "basin": (
        ('"no step"', "large step", "near ="),
        "no step, one and two as long as the way are cases of their own; and what is just within one pixel",
    ),
    "caption_step": (('"t = 0", 0',), "the first step and the second"),
    "far_pairs": (
        (
            "% 5",
            "(first, 0)",
            "asks % W",
            "picture == ",
            "for number, place",
            "below =",
            "near =",
            "corner =",
            "far apart",
            "nor here",
            "+ itself",
        ),
        "which pictures are pointed at, and pairs that are just not far enough apart",
    ),
    "hard_context": (("0.25", "1e-"), "u on an edge of the running sum, a sum just below 1"),
    "sure_and_wrong": (("index_fill",), "a weight of exactly one half"),
    "right_by_place": (
        ("for i in (0, 1)", "twice"),
        "two places of a pair; a word that comes twice, one after the other",
    ),
    "on_target": (("- 1",), "pixels as places from −1 to 1"),
    "input_feeding_step": (("slice(0, 1)",), "a batch of one sentence"),
    "head_roles": (("to[0] | to[1]",), "a query with two marked places"),
}


@pytest.fixture(autouse=True)
def _without_words(monkeypatch):
    """Only the verdict counts here: what a difference tells isn't worked out, which takes longer than to find it."""
    for name in ("steady_hint", "told_together", "partly_known"):
        monkeypatch.setattr(judging, name, lambda *_: "")


def other_probes(lesson, exercise):
    """The probe with one of its numbers changed, for each number: what was changed, and the probe."""
    tree = ast.parse(exercise.check.source)
    lines = exercise.check.source.splitlines()
    meant, _ = MEANT.get(exercise.name, ((), ""))
    numbers = [
        node
        for function in tree.body
        if isinstance(function, ast.FunctionDef) and function.name == "probe"
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
        if not any(part in lines[node.lineno - 1] for part in meant)
    ]
    for number in numbers:
        changed = copy.copy(number.value)
        number.value = changed + 1 if type(changed) is int else changed * 1.3
        namespace, found = dict(lesson.namespace()), {}
        namespace["check"] = lambda name, answer, probe, found=found, **settings: found.update(
            probe=with_settings(probe, **settings)
        )
        try:
            exec(compile(tree, "<changed probe>", "exec"), namespace)
        except Exception:
            found.clear()
        number.value = changed
        if found:
            yield f"line {number.lineno}: {changed}", found["probe"]


@pytest.mark.parametrize("lesson", source.lesson_names())
def test_no_wrong_answer_depends_on_a_constant_of_its_probe(lesson, count):
    known, bank = source.load(lesson), banks.load(lesson)
    tried, accepted, seeds = 0, [], seeds_of(lesson, SEEDS)  # a mistake by luck on the first is tried on the rest
    for exercise in known.exercises().values():
        for change, probe in other_probes(known, exercise):
            right = [run_probe(probe, exercise.reference, seed, SECONDS) for seed in seeds[:TOGETHER]]
            if any(outcome.failure for outcome in right):
                continue  # a number that means something: an axis, an even width
            tried += 1
            again = [run_probe(probe, exercise.reference, seed, SECONDS) for seed in seeds[:TOGETHER]]
            assert judging.judge([Trial(*three) for three in zip(seeds, again, right, strict=False)]).passed
            for mistake in bank.mistakes_of(exercise.name):
                trials = []
                for i, seed in enumerate(seeds):
                    if i == len(right):
                        right.append(run_probe(probe, exercise.reference, seed, SECONDS))
                    want = right[i]
                    trials.append(Trial(seed, run_probe(probe, mistake.answer, seed, SECONDS), want))
                    if not judging.judge(trials).passed:
                        break
                else:
                    accepted.append(f"{exercise.name}, {change}: {mistake.name}")
    assert not accepted, (seeds, accepted)
    assert tried > 0
    count("numbers in probes changed", tried)
