"""Lesson 01's comparison: one vector of 128 numbers, the same with the source reversed, and narrower vectors."""

from lessonkit.models.seq2seq import count_parameters, exact_match, exact_match_by_length, translate
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match by length and on the validation set."""
    return {
        "vector": _train(lesson, seed),
        "reversed": _train(lesson, seed, reverse_source=True),
        "width_64": _train(lesson, seed, width=64),
        "width_16": _train(lesson, seed, width=16),
    }


def _train(lesson: dict, seed: int, reverse_source: bool = False, width: int = 128) -> dict:
    seed_everything(seed)
    data = lesson["data"]
    model = lesson["make_model"](lesson["last_state"], width)
    history = lesson["train_model"](model, seed, reverse_source, lesson["RECORDED"], quiet=True, seconds=600)
    return {
        "parameters": count_parameters(model),
        "steps": history.steps,
        "training_seconds": round(history.seconds, 1),
        **exact_match_by_length(model, data, reverse_source),
        "validation": exact_match(translate(model, data.validation, data, reverse_source), data.validation),
    }
