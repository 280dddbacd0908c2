"""Lesson 04's comparison: four scores and three scopes, on French and on mirrored French, and two ablations."""

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


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match by length, alignment error rate on medium sentences, seconds of training."""
    models = [(lesson["data"], FRENCH), (lesson["mirror"], MIRRORED)]
    return {name: _train(lesson, seed, corpus, *made) for corpus, named in models for name, made in named.items()}


def _train(lesson: dict, seed: int, corpus: object, score: str, scope: str, options: dict) -> dict:
    seed_everything(seed)
    model = lesson["make_model"](score, scope, **options)
    history = lesson["train_model"](model, seed, corpus, quiet=True, seconds=600)
    found = {
        "parameters": count_parameters(model),
        "steps": history.steps,
        "training_seconds": round(history.seconds, 1),
        **exact_match_by_length(model, corpus),
        "validation": exact_match(translate(model, corpus.validation, corpus), corpus.validation),
        "aer": round(lesson["corpus_error_rate"](model, corpus.test_medium), 4),
    }
    if corpus is lesson["mirror"]:
        moved = lesson["by_shift"](model, corpus.test_long)
        found["by_shift"] = {name: [round(share, 4) for share in shares] for name, shares in moved.items()}
    return found
