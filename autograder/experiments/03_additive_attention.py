"""Lesson 03's comparison: additive attention, equal attention, and an encoder that reads in one direction only."""

from collections.abc import Callable

from torch import nn

from lessonkit.models.seq2seq import count_parameters, exact_match, exact_match_by_length, translate
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match by length and on the validation set, alignment error rate on medium sentences."""
    one_way = lesson["OneWayEncoder"]
    return {
        "additive": _train(lesson, seed, lesson["alignment_weights"]),
        "equal": _train(lesson, seed, lesson["equal_weights"]),
        "one_way": _train(lesson, seed, lesson["alignment_weights"], lambda: one_way(lesson["HIDDEN"])),
    }


def _train(lesson: dict, seed: int, weigh: Callable, encoder: Callable[[], nn.Module] | None = None) -> dict:
    seed_everything(seed)
    data = lesson["data"]
    model = lesson["make_model"](lesson["decoder_step"], lesson["additive_score"], weigh, encoder and encoder())
    history = lesson["train_model"](model, seed, quiet=True, seconds=600)
    return {
        "parameters": count_parameters(model),
        "steps": history.steps,
        "training_seconds": round(history.seconds, 1),
        **exact_match_by_length(model, data),
        "validation": exact_match(translate(model, data.validation, data), data.validation),
        "aer": round(lesson["corpus_error_rate"](model, data.test_medium), 4),
    }
