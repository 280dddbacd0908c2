"""Lesson 04's comparison: four scores and three scopes, on French and on mirrored French, and two ablations."""

from autograder.experiments.record import best_rate, recorded_run
from lessonkit.models import scopes
from lessonkit.models.seq2seq import count_parameters, exact_match, exact_match_by_length, translate
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
FRENCH = {
    "dot": ("dot", "global", {}),
    "general": ("general", "global", {}),
    "concat": ("concat", "global", {}),
    "location": ("location", "global", {}),
    "local_m": ("general", "local-m", {}),
    "local_p": ("general", "local-p", {}),
    "no_feeding": ("general", "global", {"feed": False}),
}
MIRRORED = {
    "mirror_global": ("general", "global", {}),
    "mirror_local_m": ("general", "local-m", {}),
    "mirror_local_p": ("general", "local-p", {}),
    "mirror_no_gaussian": ("general", "local-p", {"gaussian": False}),
}
GRID = (2e-3, 4e-3, 8e-3)
SCORES = ("dot", "general", "concat")


def tune(lesson: dict) -> dict:
    """Exact match on the validation set, seed 0, by score and rate."""

    def validation(name: str, rate: float) -> float:
        return _at_rate(lesson, 0, name, rate)["validation"]

    return {name: {f"{rate:g}": validation(name, rate) for rate in GRID} for name in SCORES}


def own_rates(lesson: dict, seed: int) -> dict:
    """The three scores that look at words, each at its own rate."""
    rates = {name: best_rate("04", name, lesson["RATE"]) for name in SCORES}
    return {f"{name}_own": _at_rate(lesson, seed, name, rate) | {"lr": rate} for name, rate in rates.items()}


def _at_rate(lesson: dict, seed: int, name: str, rate: float) -> dict:
    """A score at this rate; the lesson's own rate was recorded before."""
    known = recorded_run("04", seed).get(name) if rate == lesson["RATE"] else None
    return known or _train(lesson, seed, lesson["data"], *FRENCH[name], lr=rate)


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match by length, alignment error rate on medium sentences, seconds of training."""
    models = [(lesson["data"], FRENCH), (lesson["mirror"], MIRRORED)]
    found = {name: _train(lesson, seed, corpus, *made) for corpus, named in models for name, made in named.items()}
    return found | own_rates(lesson, seed)


def _train(lesson: dict, seed: int, corpus: object, score: str, scope: str, options: dict, **settings: float) -> dict:
    seed_everything(seed)
    model = lesson["make_model"](score, scope, **options)
    history = lesson["train_model"](model, seed, corpus, quiet=True, seconds=600, **settings)
    found = {
        "parameters": count_parameters(model),
        "steps": history.steps,
        "training_seconds": round(history.seconds, 1),
        **exact_match_by_length(model, corpus),
        "validation": exact_match(translate(model, corpus.validation, corpus), corpus.validation),
        "aer": round(scopes.corpus_error_rate(model, corpus.test_medium), 4),
    }
    if corpus is lesson["mirror"]:
        moved = scopes.by_shift(model, corpus.test_long)
        found["by_shift"] = {name: [round(share, 4) for share in shares] for name, shares in moved.items()}
    return found
