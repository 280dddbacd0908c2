"""Lesson 05's comparison: one vector, soft attention and its variants, hard attention with and without its gradient."""

from collections.abc import Callable

import torch
from torch import nn

from autograder.authoring import source
from lessonkit.models.captioning import (
    attention_maps,
    binding,
    caption,
    caption_loss,
    exact_match,
    exact_match_by_objects,
    pointing_accuracy,
)
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match by objects and on the validation set; with attention, how well it points."""
    functions = [lesson[name] for name in ("regions", "initial_state", "region_weights", "soft_context")]
    parts = lesson["Parts"](*functions)
    sigmoid = lesson["Parts"](functions[0], functions[1], lesson["sigmoid_weights"], functions[3])
    make, choose, surrogate = lesson["ShowAttendTell"], lesson["hard_context"], lesson["score_function_surrogate"]
    seed_everything(seed)
    eyes = lesson["train_eyes"](seed, quiet=True, seconds=900)
    soft = _train(lesson, seed, lambda: make(parts, eyes), caption_loss)
    penalty = lesson["PenaltyLoss"](lesson["doubly_stochastic_penalty"], 1.0)

    def hard(loss: Callable) -> nn.Module:
        settings = lesson["HardLoss"](loss), lesson["HARD_STEPS"], lesson["HARD_LR"]
        return _train(lesson, seed, lambda: lesson["HardCaptioner"](soft, choose), *settings)

    models = {
        "vector": _train(lesson, seed, lambda: lesson["VectorCaptioner"](parts, eyes), caption_loss),
        "soft": soft,
        "penalty": _train(lesson, seed, lambda: make(parts, eyes), penalty),
        "sigmoid": _train(lesson, seed, lambda: make(sigmoid, eyes), caption_loss),
        "soft_read_hard": lesson["HardCaptioner"](soft, choose).eval(),
        "hard": hard(surrogate),
        "no_score": hard(_words_only),
    }
    return {name: _measure(lesson, model) for name, model in models.items()}


def _words_only(log_y: torch.Tensor, log_s: torch.Tensor, baseline: float) -> tuple[torch.Tensor, float]:
    return -log_y.mean(), baseline


def _train(lesson: dict, seed: int, make: Callable[[], nn.Module], loss: Callable, *settings: float) -> nn.Module:
    seed_everything(seed)
    model = make()
    history = lesson["train_model"](model, seed, loss, *settings, quiet=True, seconds=900)
    model.history = {"steps": history.steps, "training_seconds": round(history.seconds, 1)}
    return model


def _measure(lesson: dict, model: nn.Module) -> dict:
    data = lesson["data"]
    found = {
        "parameters": count_parameters(model),
        **getattr(model, "history", {}),
        **exact_match_by_objects(model, data),
        "validation": exact_match(caption(model, data.validation, data.vocabulary), data.validation),
        **_defects(lesson, model),
    }
    if isinstance(model, lesson["VectorCaptioner"]):
        return found
    scenes = [scene for test in data.tests.values() for scene in test]
    maps = attention_maps(model, scenes, data.vocabulary)
    several = [i for i, scene in enumerate(scenes) if len(scene.objects) > 1]
    many = [maps[i] for i in several], [scenes[i] for i in several]
    return {
        **found,
        "pointing": round(pointing_accuracy(maps, scenes), 4),
        "pointing_several": round(pointing_accuracy(*many), 4),
        "on_gold": round(lesson["weight_on_gold"](maps, scenes), 4),
    }


def _defects(lesson: dict, model: nn.Module) -> dict:
    """Lesson 02's measurements with two objects: whose the wrong attribute words are, what a forced error spoils."""
    scenes, before = lesson["data"].test_two, source.load("02").namespace()
    counted = binding(caption(model, scenes, lesson["data"].vocabulary), scenes)
    words = counted.right + counted.borrowed + counted.invented
    found = {"borrowed_two": round(counted.wrong_binding_rate, 4)}
    if words:
        found["attributes_two"] = round(counted.right / words, 4)
    shares = before["words_right_after"](model, scenes, before["continue_from_error"], "colour")
    if shares:  # none where no caption with two objects is right
        found["after_colour"] = round(sum(shares) / len(shares), 4)
    return found
