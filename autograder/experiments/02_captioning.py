"""Lesson 02's comparison: the vector at every step or at the first only; frozen, from the hidden or the class layer."""

import copy

import torch
from torch import Tensor, nn

from lessonkit.data.scenes import render
from lessonkit.models.captioning import (
    binding,
    caption,
    exact_match,
    exact_match_by_objects,
    feature_maps,
    pointing_accuracy,
    pretrain_cnn,
)
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match by number of objects and on training scenes; what is wrong in its captions."""
    seed_everything(seed)
    cnn = pretrain_cnn(lesson["data"], seed, quiet=True, seconds=600)
    classifier = lesson["make_classifier"](cnn)
    history = lesson["train_classifier"](classifier, seed, quiet=True, seconds=600)
    maps = feature_maps(cnn, lesson["data"].train)
    vector, classes = lesson["image_vector"], lesson["class_probabilities"]
    return {
        "classifier": {"training_seconds": round(history.seconds, 1), "accuracy": _accuracy(lesson, classifier)},
        "every_step": _train(lesson, seed, classifier, maps, vector),
        "first_step": _train(lesson, seed, classifier, maps, vector, every_step=False, scale=1.0),
        "frozen": _train(lesson, seed, classifier, maps, vector, frozen=True),
        "class_layer": _train(
            lesson, seed, classifier, maps, classes, frozen=True, width=len(lesson["CLASSES"]), scale=1.0
        ),
    }


@torch.no_grad()
def _accuracy(lesson: dict, classifier: nn.Module) -> float:
    scenes = lesson["data"].test_one
    found = classifier(render(scenes)).argmax(-1).tolist()
    return sum(lesson["CLASSES"][k] == s.objects[0].words[1:] for k, s in zip(found, scenes, strict=True)) / len(scenes)


def _train(lesson: dict, seed: int, classifier: nn.Module, maps: Tensor, vector: object, **settings: object) -> dict:
    seed_everything(seed)
    data = lesson["data"]
    model = lesson["VectorCaptioner"](copy.deepcopy(classifier), vector, lesson["caption_step"], **settings)
    history = lesson["train_model"](model, maps, seed, lesson["caption_loss"], quiet=True, seconds=600)
    found = {
        "parameters": count_parameters(model),
        "steps": history.steps,
        "training_seconds": round(history.seconds, 1),
        **exact_match_by_objects(model, data),
        "validation": _exact(model, data.validation, data),
        "seen": _exact(model, data.train[:500], data),
    }
    if not settings.get("frozen"):
        found |= _details(lesson, model)
    return found


def _exact(model: nn.Module, scenes: list, data: object) -> float:
    return exact_match(caption(model, scenes, data.vocabulary), scenes)


def _details(lesson: dict, model: nn.Module) -> dict:
    """Wrong bindings, where the gradient points, and what a forced error does, on scenes with two or three objects."""
    data, details = lesson["data"], {}
    for name, scenes in (("two", data.test_two), ("three", data.test_three)):
        counted = binding(caption(model, scenes, data.vocabulary), scenes)
        details[f"borrowed_{name}"] = round(counted.wrong_binding_rate, 4)
        details[f"chance_{name}"] = round(counted.chance_rate, 4)
        some = scenes[:200]
        details[f"pointing_{name}"] = round(pointing_accuracy(lesson["gradient_maps"](model, some), some), 4)
    for kind in ("colour", "shape"):
        shares = lesson["words_right_after"](model, data.test_two, lesson["continue_from_error"], kind)
        if shares:  # none where no caption with two objects is right
            details[f"after_{kind}"] = round(sum(shares) / len(shares), 4)
    return details
