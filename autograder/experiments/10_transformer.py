"""Lesson 10: the Transformer and its ablations, and the models of lessons 01, 03 and 04, measured alike."""

import time
from collections.abc import Callable, Sequence

import torch

from autograder.authoring import source
from autograder.experiments.record import best_rate
from lessonkit.data.translation import batches
from lessonkit.models import machine, scopes
from lessonkit.models.seq2seq import EncoderDecoder, count_parameters, exact_match, translate
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
GRID = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)
# the best of the grid on validation data, seed 0 (see "tuned"): a loss where a run is too short for whole sentences
TUNED = ("deep_pre", "deep_pre_cold", "deep_post", "deep_post_cold")


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match and BLEU by length, parameters, processor seconds; AER where there is attention."""
    found = {name: _ablation(lesson, name, seed) for name in lesson["ABLATIONS"]}
    for name, train in (("vector", _vector), ("additive", _additive), ("luong", _luong)):
        found[name] = train(lesson, seed)
    return found | own_rates(lesson, seed)


def tune(lesson: dict) -> dict:
    """Loss on the validation set, seed 0, by ablation and rate."""
    return {name: _losses(lesson, name, GRID) for name in TUNED}


def _losses(lesson: dict, name: str, rates: Sequence[float]) -> dict:
    return {
        f"{rate:g}": _validation_loss(lesson, lesson["run_ablation"](name, 0, seconds=900, quiet=True, lr=rate)[0])
        for rate in rates
    }


@torch.no_grad()
def _validation_loss(lesson: dict, model: EncoderDecoder) -> float:
    data, loss = lesson["data"], lesson["smoothed_translation_loss"]
    made = batches(data.validation, data.source_vocabulary, data.target_vocabulary, 250)
    losses = [loss(model, batch).item() for batch in made]
    return round(sum(losses) / len(losses), 4)


def own_rates(lesson: dict, seed: int) -> dict:
    """The ablations for which the Transformer's rate may have been the wrong one, each at its own."""
    rates = {name: best_rate("10", name, GRID[1], min) for name in (*TUNED, "no_residual")}
    return {f"{name}_own": _ablation(lesson, name, seed, lr=rate) for name, rate in rates.items()}


def _ablation(lesson: dict, name: str, seed: int, **settings: float) -> dict:
    start = time.process_time()
    model, history = lesson["run_ablation"](name, seed, seconds=900, quiet=True, **settings)
    seconds = time.process_time() - start
    loss = round(sum(history.losses[-20:]) / 20, 3)
    if history.steps < 157 * lesson["PASSES"]:  # a short run, to see whether it learns at all
        return {
            "parameters": count_parameters(model),
            "training_seconds": round(seconds, 1),
            "loss": loss,
            "validation_loss": _validation_loss(lesson, model),
            **settings,
        }
    heads, layers = machine.error_rates(model, lesson["data"].test_medium)
    return {
        **_scores(lesson, model, seconds),
        "loss": loss,
        **settings,
        "aer": round(layers[-1].item(), 4),
        "aer_heads": [[round(rate, 4) for rate in row] for row in heads.tolist()],
        "aer_layers": [round(rate, 4) for rate in layers.tolist()],
    }


def _scores(lesson: dict, model: EncoderDecoder, seconds: float) -> dict:
    data = lesson["data"]
    return {
        "parameters": count_parameters(model),
        "training_seconds": round(seconds, 1),
        **machine.scores_by_length(model),
        "validation": exact_match(translate(model, data.validation, data), data.validation),
    }


def _vector(lesson: dict, seed: int) -> dict:
    code = source.load("01").namespace()
    passes = code["RECORDED"]
    return _rival(
        lesson, seed, lambda: code["make_model"](code["last_state"]),
        lambda model: code["train_model"](model, seed, False, passes, quiet=True, seconds=900),
    )  # fmt: skip


def _additive(lesson: dict, seed: int) -> dict:
    code = source.load("03").namespace()
    functions = [code[name] for name in ("decoder_step", "additive_score", "alignment_weights")]
    return _rival(
        lesson, seed, lambda: code["make_model"](*functions),
        lambda model: code["train_model"](model, seed, quiet=True, seconds=900), code["corpus_error_rate"],
    )  # fmt: skip


def _luong(lesson: dict, seed: int) -> dict:
    code = source.load("04").namespace()
    return _rival(
        lesson, seed, lambda: code["make_model"]("general", "global"),
        lambda model: code["train_model"](model, seed, quiet=True, seconds=900), scopes.corpus_error_rate,
    )  # fmt: skip


def _rival(lesson: dict, seed: int, make: Callable, train: Callable, error_rate: Callable | None = None) -> dict:
    """A model of an earlier lesson, trained as that lesson trains it."""
    seed_everything(seed)
    model, start = make(), time.process_time()
    train(model)
    found = _scores(lesson, model, time.process_time() - start)
    return found | ({"aer": round(error_rate(model, lesson["data"].test_medium), 4)} if error_rate else {})
