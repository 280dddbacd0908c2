"""Lesson 02's comparison: the vector at every step or at the first only; frozen, from the hidden or the class layer."""

import copy

import torch
from torch import Tensor, nn

from autograder.experiments.record import best_rate
from lessonkit.data.scenes import render
from lessonkit.models import one_vector
from lessonkit.models.captioning import (
    LONGEST,
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
        **frozen_layers(lesson, seed),
    }


GRID = (1e-3, 2e-3, 4e-3)
FROZEN = {"frozen": {}, "class_scores": {"scale": 1.0}, "class_layer": {"scale": 1.0}}
VECTORS = {"frozen": "image_vector", "class_scores": "class_scores", "class_layer": "class_probabilities"}


def tune(lesson: dict) -> dict:
    """Exact match on the validation set, seed 0, by frozen vector and rate."""
    classifier, maps = _eyes(lesson, 0)

    def validation(name: str, rate: float) -> float:
        return _frozen(lesson, 0, classifier, maps, name, rate)["validation"]

    return {name: {f"{rate:g}": validation(name, rate) for rate in GRID} for name in FROZEN}


def frozen_layers(lesson: dict, seed: int) -> dict:
    """The hidden layer, the class layer before and after its softmax, each at its own rate; how sure captions are."""
    classifier, maps = _eyes(lesson, seed)
    found = {
        f"{name}_own": _frozen(lesson, seed, classifier, maps, name, best_rate("02", name, lesson["LR"]))
        for name in FROZEN
    }
    seed_everything(seed)
    model = lesson["VectorCaptioner"](copy.deepcopy(classifier), lesson["image_vector"], lesson["caption_step"])
    lesson["train_model"](model, maps, seed, lesson["caption_loss"], quiet=True, seconds=600)
    return {**found, "sure": _sure(lesson, model)}


def _eyes(lesson: dict, seed: int) -> tuple[nn.Module, Tensor]:
    seed_everything(seed)
    cnn = pretrain_cnn(lesson["data"], seed, quiet=True, seconds=600)
    classifier = lesson["make_classifier"](cnn)
    lesson["train_classifier"](classifier, seed, quiet=True, seconds=600)
    return classifier, feature_maps(cnn, lesson["data"].train)


def _frozen(lesson: dict, seed: int, classifier: nn.Module, maps: Tensor, name: str, rate: float) -> dict:
    width = {} if name == "frozen" else {"width": len(lesson["CLASSES"])}
    settings = {**width, **FROZEN[name], "frozen": True}
    return _train(lesson, seed, classifier, maps, lesson[VECTORS[name]], lr=rate, **settings) | {"lr": rate}


@torch.no_grad()
def _sure(lesson: dict, model: nn.Module) -> dict:
    """The mean probability of right and of wrong captions, and how often a right one has more than a wrong one."""
    data, found = lesson["data"], {}
    for name, scenes in zip(("one", "two", "three"), data.tests.values(), strict=True):
        step, state = one_vector.stepper(model, render(scenes))
        rows, log_p = lesson["caption_greedy"](step, state, len(scenes), lesson["BOS"], lesson["EOS"], LONGEST)
        said = [tuple(data.vocabulary.decode(row)) for row in rows.tolist()]
        right = torch.tensor([words == scene.caption for words, scene in zip(said, scenes, strict=True)])
        if right.any() and not right.all():
            p = log_p.exp()
            above = (p[right].unsqueeze(1) > p[~right]).float().mean().item()
            found[name] = {
                "right": round(p[right].mean().item(), 4),
                "wrong": round(p[~right].mean().item(), 4),
                "right_above_wrong": round(above, 4),
                "captions_right": int(right.sum()),
            }
    return found


@torch.no_grad()
def _accuracy(lesson: dict, classifier: nn.Module) -> float:
    scenes = lesson["data"].test_one
    found = classifier(render(scenes)).argmax(-1).tolist()
    return sum(lesson["CLASSES"][k] == s.objects[0].words[1:] for k, s in zip(found, scenes, strict=True)) / len(scenes)


def _train(
    lesson: dict,
    seed: int,
    classifier: nn.Module,
    maps: Tensor,
    vector: object,
    lr: float | None = None,
    **settings: object,
) -> dict:
    seed_everything(seed)
    data = lesson["data"]
    model = lesson["VectorCaptioner"](copy.deepcopy(classifier), vector, lesson["caption_step"], **settings)
    history = lesson["train_model"](
        model, maps, seed, lesson["caption_loss"], quiet=True, seconds=600, lr=lr or lesson["LR"]
    )
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
        details[f"pointing_{name}"] = round(pointing_accuracy(one_vector.gradient_maps(model, some), some), 4)
    for kind in ("colour", "shape"):
        shares = one_vector.words_right_after(model, data.test_two, lesson["continue_from_error"], kind)
        if shares:  # none where no caption with two objects is right
            details[f"after_{kind}"] = round(sum(shares) / len(shares), 4)
    return details
