"""Lesson 03's comparison: additive attention, equal attention, and an encoder that reads in one direction only."""

from collections import Counter
from collections.abc import Callable

from torch import nn

from autograder.experiments.record import best_rate
from lessonkit.data.translation import Pair
from lessonkit.models.seq2seq import count_parameters, exact_match, exact_match_by_length, translate
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
GRID = (2e-3, 4e-3, 8e-3)
BEYOND = {"equal": (16e-3,)}  # equal attention did best at the grid's edge
MODELS = ("additive", "equal", "one_way")

# English words by what they are; the rest are conjunctions, adverbs, prepositions and "that"
KINDS = {
    "article": "the a an some my this these two three every",
    "adjective before the noun": "big small old beautiful",
    "adjective after the noun": "red black white green heavy strange quiet",
    "noun": """man men woman women boy boys girl girls friend friends teacher teachers cat cats dog dogs bird birds
    mouse mice horse horses child children car cars book books apple apples flower flowers letter letters picture
    pictures hat hats key keys house houses garden gardens tree trees school schools table tables bridge bridges""",
    "pronoun": "i he she we they him her them me us",
    "verb": """see sees love loves find finds watch watches draw draws wash washes carry carries hide hides forget
    forgets sing sings play plays dream dreams work works arrive arrives""",
    "ne, pas": "not",
}
KIND_OF = {word: kind for kind, words in KINDS.items() for word in words.split()}


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match by length and on validation data, alignment error rate, who looks where."""
    return {
        name: _measure(lesson, *_train(lesson, name, seed, best_rate("03", name, lesson["RATE"]))) for name in MODELS
    }


def tune(lesson: dict) -> dict:
    """Exact match on the validation set, seed 0, by model and rate."""

    def validation(name: str, rate: float) -> float:
        model, _ = _train(lesson, name, 0, rate)
        return exact_match(translate(model, lesson["data"].validation, lesson["data"]), lesson["data"].validation)

    grids = {name: (*GRID, *BEYOND.get(name, ())) for name in MODELS}
    return {name: {f"{rate:g}": validation(name, rate) for rate in grid} for name, grid in grids.items()}


def _train(lesson: dict, name: str, seed: int, rate: float) -> tuple[nn.Module, object]:
    seed_everything(seed)
    weigh = lesson["equal_weights" if name == "equal" else "alignment_weights"]
    model = lesson["make_model"](lesson["decoder_step"], lesson["additive_score"], weigh, one_way=name == "one_way")
    return model, lesson["train_model"](model, seed, quiet=True, seconds=600, lr=rate)


def _measure(lesson: dict, model: nn.Module, history: object) -> dict:
    data = lesson["data"]
    return {
        "parameters": count_parameters(model),
        "steps": history.steps,
        "training_seconds": round(history.seconds, 1),
        **exact_match_by_length(model, data),
        "validation": exact_match(translate(model, data.validation, data), data.validation),
        "aer": round(lesson["corpus_error_rate"](model, data.test_medium), 4),
        **_looks(lesson["attention_of"], model, data.test_medium),
    }


def _looks(attention_of: Callable, model: nn.Module, pairs: list[Pair]) -> dict:
    """By kind of word: the share that looks elsewhere, how many of those further right; and *ne* at *do*."""
    seen, wrong, right_of, ne = Counter(), Counter(), Counter(), Counter()
    for pair, weights in zip(pairs, attention_of(model, pairs), strict=True):
        gold = {target: source for source, target in pair.links}
        for target, source in enumerate(weights.argmax(-1).tolist()):
            kind = KIND_OF.get(pair.source[gold[target]], "other")
            seen[kind] += 1
            wrong[kind] += source != gold[target]
            right_of[kind] += source > gold[target]
            if pair.target[target] in ("ne", "n'"):
                ne["all"] += 1
                ne["at do"] += pair.source[source] in ("do", "does")
    everywhere = sum(wrong.values())
    return {
        "elsewhere": {kind: round(wrong[kind] / seen[kind], 4) for kind in sorted(seen)},
        "further_right": {kind: round(right_of[kind] / max(wrong[kind], 1), 4) for kind in sorted(seen)},
        "further_right_all": round(sum(right_of.values()) / max(everywhere, 1), 4),
        "ne_at_do": round(ne["at do"] / ne["all"], 4),
    }
