"""Lesson 05's comparison: one vector, soft attention and its variants, hard attention with and without its gradient."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from autograder.authoring import source
from autograder.experiments.record import best_rate
from lessonkit.data.scenes import COLOURS, SHAPES, SIDES, Scene, gold_regions, render
from lessonkit.models import one_vector
from lessonkit.models.attending import weight_on_gold
from lessonkit.models.captioning import (
    KINDS,
    attention_maps,
    batches,
    binding,
    caption,
    caption_loss,
    described,
    exact_match,
    exact_match_by_objects,
    pointing_accuracy,
)
from lessonkit.models.seq2seq import count_parameters, shift_right
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
    found = {name: _measure(lesson, model) for name, model in models.items()}
    return (
        found | _of_soft(lesson, soft) | {name: _measure(lesson, m) for name, m in _variants(lesson, seed, soft, eyes)}
    )


GRID = (2e-3, 4e-3)
VARIANTS = ("vector", "level_sigmoid", "hard_only", "hard_scratch", "hard_scratch_only")


def tune(lesson: dict) -> dict:
    """Exact match on the validation set, seed 0, by variant and rate."""
    soft, eyes = _start(lesson, 0)
    found = {}
    for name in VARIANTS:
        models = {rate: _variant(lesson, 0, soft, eyes, name, rate) for rate in GRID}
        found[name] = {f"{rate:g}": _validation(lesson, model) for rate, model in models.items()}
    return found


def variants(lesson: dict, seed: int) -> dict:
    """One thing changed at a time, each at its own rate; and more about the soft captioner."""
    soft, eyes = _start(lesson, seed)
    return _of_soft(lesson, soft) | {name: _measure(lesson, m) for name, m in _variants(lesson, seed, soft, eyes)}


def first_variants(lesson: dict, seed: int) -> dict:
    """Those that need the soft captioner, or its steps."""
    soft, eyes = _start(lesson, seed)
    made = _variants(lesson, seed, soft, eyes, ("level_sigmoid", "hard_only"))
    return _of_soft(lesson, soft) | {name: _measure(lesson, model) for name, model in made}


def other_variants(lesson: dict, seed: int) -> dict:
    """The rest."""
    seed_everything(seed)
    eyes = lesson["train_eyes"](seed, quiet=True, seconds=900)
    names = ("hard_scratch_only", "hard_scratch", "vector")
    return {name: _measure(lesson, model) for name, model in _variants(lesson, seed, None, eyes, names)}


def _start(lesson: dict, seed: int) -> tuple[nn.Module, nn.Module]:
    seed_everything(seed)
    eyes = lesson["train_eyes"](seed, quiet=True, seconds=900)
    return _train(lesson, seed, lambda: lesson["ShowAttendTell"](_parts(lesson), eyes), caption_loss), eyes


def _parts(lesson: dict, weights: str = "region_weights") -> object:
    return lesson["Parts"](*[lesson[name] for name in ("regions", "initial_state", weights, "soft_context")])


def _variants(
    lesson: dict, seed: int, soft: nn.Module | None, eyes: nn.Module, names: Sequence[str] = VARIANTS
) -> Iterator[tuple[str, nn.Module]]:
    for name in names:
        rate = best_rate("05", name, lesson["HARD_LR"] if name.startswith("hard") else lesson["LR"])
        yield f"{name}_own", _variant(lesson, seed, soft, eyes, name, rate)


def _variant(lesson: dict, seed: int, soft: nn.Module | None, eyes: nn.Module, name: str, rate: float) -> nn.Module:
    """The one vector; sigmoid weights that start at 1/L; hard without the soft half, from scratch, and both."""
    hard, choose, steps = lesson["HardCaptioner"], lesson["hard_context"], lesson["STEPS"]
    fresh = lambda: lesson["ShowAttendTell"](_parts(lesson), eyes)  # noqa: E731
    make = {
        "vector": lambda: lesson["VectorCaptioner"](_parts(lesson), eyes),
        "level_sigmoid": lambda: lesson["ShowAttendTell"](_parts(lesson, "level_sigmoid_weights"), eyes),
        "hard_only": lambda: hard(soft, choose, share=0.0),
        "hard_scratch": lambda: hard(fresh(), choose),
        "hard_scratch_only": lambda: hard(fresh(), choose, share=0.0),
    }[name]
    if not name.startswith("hard"):
        return _train(lesson, seed, make, caption_loss, steps, rate)
    loss = lesson["HardLoss"](lesson["score_function_surrogate"])
    return _train(lesson, seed, make, loss, lesson["HARD_STEPS"] if name == "hard_only" else steps, rate)


def _validation(lesson: dict, model: nn.Module) -> float:
    data = lesson["data"]
    return exact_match(caption(model, data.validation, data.vocabulary), data.validation)


def _of_soft(lesson: dict, soft: nn.Module) -> dict:
    """Lesson 02's gradient maps for the soft captioner, its gate by kind of word, where it looks when wrong."""
    data = lesson["data"]
    gradients = {
        f"gradient_pointing_{name}": round(
            pointing_accuracy(one_vector.gradient_maps(soft, scenes[:200]), scenes[:200]), 4
        )
        for name, scenes in (("two", data.test_two), ("three", data.test_three))
    }
    return {"soft_more": {**gradients, "gate": _gate(lesson, soft), "wrong_looks": _wrong_looks(lesson, soft)}}


@torch.no_grad()
def _gate(lesson: dict, soft: nn.Module) -> dict:
    """The mean gate before each kind of word, right words fed in, scenes with two objects."""
    data, sums = lesson["data"], {}
    kinds = {word: kind for kind, words in zip(KIND_NAMES, (SIDES, COLOURS, SHAPES), strict=True) for word in words}
    for batch in batches(data.test_two, data.vocabulary, 250):
        memory, h = soft.begin(batch.pictures)
        read = shift_right(batch.words, data.vocabulary.bos)
        for t in range(read.shape[1]):
            gates = torch.sigmoid(h @ soft.w_gate + soft.b_gate).tolist()
            _, h = soft.step(read[:, t], h, memory)
            for scene, gate in zip(batch.scenes, gates, strict=True):
                if t < len(scene.caption):
                    sums.setdefault(kinds.get(scene.caption[t], scene.caption[t]), []).append(gate)
    return {kind: round(sum(gates) / len(gates), 4) for kind, gates in sorted(sums.items())}


@torch.no_grad()
def _wrong_looks(lesson: dict, soft: nn.Module) -> dict:
    """Wrong attribute words of the model's own captions: on whose region was the largest weight when it said them?"""
    data, found = lesson["data"], {"own": 0, "other": 0, "both": 0, "neither": 0}
    scenes = [*data.test_two, *data.test_three]
    for scene, made in zip(scenes, caption(soft, scenes, data.vocabulary), strict=True):
        if described_wrongly(made, scene):
            for region, others, weights in _looks_at_wrong(soft, data, scene, made):
                place = int(weights.argmax())
                hit = bool(region[place]), bool(others[place])
                found[{(1, 0): "own", (0, 1): "other", (1, 1): "both", (0, 0): "neither"}[hit]] += 1
    return found


def described_wrongly(made: list[str], scene: Scene) -> bool:
    """Whether a caption has the right number of objects, with three attribute words each, and one of those is wrong."""
    objects = described(made)
    fits = len(objects) == len(scene.objects) and all(len(words) == 3 for words in objects)
    return fits and any(words != list(o.words) for words, o in zip(objects, scene.objects, strict=True))


def _looks_at_wrong(soft: nn.Module, data: object, scene: Scene, made: list[str]) -> Iterator[tuple]:
    """For each wrong attribute word of `made`: its object's region (L,), the others' (L,), and the weights (L,)."""
    gold = gold_regions(scene).reshape(len(scene.caption), -1)
    starts = [place for place, word in enumerate(scene.caption) if word == "a"]
    regions = [gold[start + 1] for start in starts]
    memory, h = soft.begin(render([scene]))
    token, number, kind = data.vocabulary.bos, -1, 0
    for word in made:
        _, h = soft.step(torch.tensor([token]), h, memory)
        token = data.vocabulary.encode([word])[0]
        if word == "a":
            number, kind = number + 1, 0
        elif word in KINDS:
            if word != scene.objects[number].words[kind]:
                others = sum(region for k, region in enumerate(regions) if k != number) > 0
                yield regions[number], others, soft.weights[0]
            kind += 1


KIND_NAMES = ("size", "colour", "shape")


def _words_only(log_y: torch.Tensor, log_s: torch.Tensor, baseline: float) -> tuple[torch.Tensor, float]:
    return -log_y.mean(), baseline


def _train(lesson: dict, seed: int, make: Callable[[], nn.Module], loss: Callable, *settings: float) -> nn.Module:
    seed_everything(seed)
    model = make()
    history = lesson["train_model"](model, seed, loss, *settings, quiet=True, seconds=900)
    rate = settings[1] if len(settings) > 1 else lesson["LR"]
    model.history = {"lr": rate, "steps": history.steps, "training_seconds": round(history.seconds, 1)}
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
        "on_gold": round(weight_on_gold(maps, scenes), 4),
    }


def _defects(lesson: dict, model: nn.Module) -> dict:
    """Lesson 02's measurements with two objects: whose the wrong attribute words are, what a forced error spoils."""
    scenes, before = lesson["data"].test_two, source.load("02").namespace()
    counted = binding(caption(model, scenes, lesson["data"].vocabulary), scenes)
    words = counted.right + counted.borrowed + counted.invented
    found = {"borrowed_two": round(counted.wrong_binding_rate, 4)}
    if words:
        found["attributes_two"] = round(counted.right / words, 4)
    shares = one_vector.words_right_after(model, scenes, before["continue_from_error"], "colour")
    if shares:  # none where no caption with two objects is right
        found["after_colour"] = round(sum(shares) / len(shares), 4)
    return found
