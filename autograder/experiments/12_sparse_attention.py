"""Lesson 12's comparisons: what attention costs by length, who remembers what, sparsemax on lesson 03's gold links."""

from functools import cache

import torch
from torch import Tensor, nn

from autograder.authoring import source
from autograder.experiments.record import best_rate
from lessonkit.data import recall as sequences
from lessonkit.models.seq2seq import count_parameters, exact_match, exact_match_by_length, translate
from lessonkit.seeds import seed_everything
from lessonkit.show import scaling

SEEDS = [0, 1, 2]
GRIDS = {"recall": (4e-3, 8e-3, 1.6e-2), "links": (2e-3, 4e-3, 8e-3)}
VALIDATION, TEST, COUNT = 1, 2, 4000  # seeds of the sequences, and how many of them
LENGTHS = [2**n for n in range(7, 15)]
# task, pattern, layers; an arm with more layers keeps the rate of its two-layer twin
ARMS = {
    "mark_dense": ("mark", "dense", 2),
    "mark_window": ("mark", "window", 2),
    "mark_strided": ("mark", "strided", 2),
    "mark_deep": ("mark", "window", 4),
    "asked_dense": ("asked", "dense", 2),
    "asked_window": ("asked", "window", 2),
    "asked_strided": ("asked", "strided", 2),
    "asked_deep": ("asked", "strided", 4),
}


def run(lesson: dict, seed: int) -> dict:
    """All three comparisons."""
    return costs(lesson, seed) | recall(lesson, seed) | links(lesson, seed)


def costs(lesson: dict, seed: int) -> dict:
    """One pass over all lengths: the page shows the least of the three."""
    longest = {"window as a mask": LENGTHS[-2]}
    return {
        "costs": scaling.measure(lesson["WAYS"], lesson["random_words"], LENGTHS, times=1, longest=longest).as_record()
    }


def recall(lesson: dict, seed: int) -> dict:
    """Each network at its own rate: the share remembered, by distance, and by whether the pattern sees it directly."""
    return {name: _remember(lesson, name, seed, _rate_of(name)) for name in ARMS}


def links(lesson: dict, seed: int) -> dict:
    """Lesson 03's translator with softmax, at the rate that lesson chose on validation data, and with sparsemax."""
    return {arm: _align(*_translator(lesson, arm, seed, _rate_of(arm))) for arm in ("soft", "sparse")}


def tune_recall(lesson: dict) -> dict:
    """The share right on validation sequences, seed 0, after half the steps, by arm and rate."""
    short = {"steps": lesson["STEPS"] // 2, "held_out": VALIDATION}
    return {
        name: {f"{rate:g}": _remember(lesson, name, 0, rate, **short)["all"] for rate in GRIDS["recall"]}
        for name in ARMS
        if not name.endswith("deep")
    }


def tune_links(lesson: dict) -> dict:
    """Sparsemax: exact match on lesson 03's validation sentences, seed 0, by rate."""
    found = {}
    for rate in GRIDS["links"]:
        model, _ = _translator(lesson, "sparse", 0, rate)
        data = _lesson_03()["data"]
        found[f"{rate:g}"] = round(exact_match(translate(model, data.validation, data), data.validation), 4)
    return {"sparse": found}


def tune(lesson: dict) -> dict:
    """Both grids."""
    return tune_recall(lesson) | tune_links(lesson)


def _rate_of(name: str) -> float:
    if name == "soft":
        return _lesson_03()["RATE"]
    twin = {"mark_deep": "mark_window", "asked_deep": "asked_strided"}.get(name, name)
    return best_rate("12", twin, 4e-3)


def _mask(lesson: dict, pattern: str) -> Tensor:
    T = sequences.LENGTH
    if pattern == "strided":
        return lesson["strided_mask"](T, 8)
    return lesson["window_mask"](T, T if pattern == "dense" else 8)


def _remember(lesson: dict, name: str, seed: int, rate: float, held_out: int = TEST, steps: int | None = None) -> dict:
    task, pattern, layers = ARMS[name]
    mask = _mask(lesson, pattern)
    steps = steps or lesson["STEPS"]
    model = lesson["train_reader"](task, mask, seed, rate, steps, layers=layers, quiet=True, seconds=3600)
    test = lesson["TASKS"][task](COUNT, held_out)
    shares = lesson["remembered"](model, test)
    asked = torch.bincount(test.distance[test.asked], minlength=sequences.LENGTH)[1:].double()
    right = torch.tensor(shares, dtype=torch.float64) * asked
    direct = mask[-1].flip(0)[1:]  # what the last word sees: 1, 2, ... words back
    met = (torch.linalg.matrix_power(mask.double(), layers)[-1] > 0).flip(0)[1:]
    found = {"all": right.sum() / asked.sum()}
    for part, places in (("near", direct), ("far", met & ~direct), ("never", ~met)):
        if places.any():
            found[part] = right[places].sum() / asked[places].sum()
    return {
        **{part: round(share.item(), 4) for part, share in found.items()},
        "by_distance": [round(share, 4) for share in shares],
        "lr": rate,
        "parameters": count_parameters(model),
        "training_seconds": round(model.history.seconds, 1),
    }


@cache
def _lesson_03() -> dict:
    return source.load("03").namespace()


def _translator(lesson: dict, arm: str, seed: int, rate: float) -> tuple[nn.Module, dict]:
    code = _lesson_03()
    seed_everything(seed)
    weigh = code["alignment_weights"] if arm == "soft" else lesson["sparse_weights"]
    model = code["make_model"](code["decoder_step"], code["additive_score"], weigh)
    history = code["train_model"](model, seed, quiet=True, seconds=3600, lr=rate)
    return model, {"lr": rate, "training_seconds": round(history.seconds, 1)}


def _align(model: nn.Module, found: dict) -> dict:
    """Translation, and the weights of the sentences of medium length beside gold."""
    code = _lesson_03()
    data, example = code["data"], code["example"]
    on_gold, looked_at, words = [], [], []
    for pair, weights in zip(data.test_medium, code["attention_of"](model, data.test_medium), strict=True):
        on_gold += [weights[target, source_].item() for source_, target in pair.links]
        looked_at += (weights > 0).sum(-1).tolist()
        words += [len(pair.source)] * len(weights)
    (map_,) = code["attention_of"](model, [example])
    on = torch.tensor(on_gold)
    return found | {
        **exact_match_by_length(model, data),
        "aer": round(code["corpus_error_rate"](model, data.test_medium), 4),
        "mass": round(on.mean().item(), 4),
        "gold_at_zero": round((on == 0).float().mean().item(), 4),
        "looked_at": round(sum(looked_at) / len(looked_at), 3),
        "words": round(sum(words) / len(words), 3),
        "example": {
            "source": list(example.source),
            "target": list(example.target),
            "gold": sorted(code["gold_cells"](example)),
            "weights": [[round(weight, 4) for weight in row] for row in map_.tolist()],
        },
    }
