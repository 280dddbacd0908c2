"""Lesson 13's comparison: learned looking beside three policies that don't learn, its helps left out, and clutter."""

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from autograder.experiments.record import best_rate
from lessonkit import train
from lessonkit.data.digits import Canvases, batches, canvases, load_digits
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
GRID = (2e-3, 4e-3, 8e-3)
POLICIES = ("centre", "random", "scan", "learned")
HELPS = ("no_baseline", "no_spread", "neither", "no_score")  # learned, without ...
CLUTTER = {"glimpses": 4, "scales": 3, "steps": 4000}  # on 40 × 40 pixels with four pieces of clutter
BREAKS = {  # learned looking with one setting changed, at its rate
    "sigma_small": {"sigma": 0.02},
    "sigma_large": {"sigma": 0.6},
    "sharp_only": {"scales": 1},
    "six_looks": {"glimpses": 6},
}


def run(lesson: dict, seed: int) -> dict:
    """For each arm: accuracy and share on target by glimpse on the test canvases."""
    return {
        arm: _measure(lesson, arm, seed, best_rate("13", arm, lesson["RATE"])) for arm in (*POLICIES, *HELPS, "cnn")
    }


def tune(lesson: dict) -> dict:
    """Accuracy on the validation canvases after half the steps, seed 0, by arm and rate."""

    def validation(arm: str, rate: float) -> float:
        return _measure(lesson, arm, 0, rate, lesson["validation"], steps=lesson["STEPS"] // 2)["accuracy"]

    return {arm: {f"{rate:g}": validation(arm, rate) for rate in GRID} for arm in (*POLICIES, *HELPS, "cnn")}


def clutter(lesson: dict, seed: int) -> dict:
    """Learned looking, and what it must beat, on larger canvases with pieces of other digits."""
    digits = load_digits()
    data = canvases(digits.train, 12_000, 40, seed=3, clutter=4)
    test = canvases(digits.test, 2_000, 40, seed=4, clutter=4)
    rates = {arm: best_rate("13", arm, lesson["RATE"]) for arm in POLICIES}
    return {f"clutter_{arm}": _measure(lesson, arm, seed, rates[arm], test, on=data, **CLUTTER) for arm in POLICIES}


def breaks(lesson: dict, seed: int) -> dict:
    """What the page asks at its end; and of a learned looker, where its second glimpse goes."""
    rate = best_rate("13", "learned", lesson["RATE"])
    found = {name: _measure(lesson, "learned", seed, rate, **changed) for name, changed in BREAKS.items()}
    return found | {"jump": _jump(lesson, seed, rate)}


def _jump(lesson: dict, seed: int, rate: float) -> dict:
    """From glimpse 1 to glimpse 2, beside the way to the digit's middle: correlation, and length by least squares."""
    test = lesson["test"]
    _, places = lesson["look_at"](lesson["train_looker"](seed=seed, lr=rate, quiet=True, seconds=3600), test)
    jump = places[:, 1] - places[:, 0]
    size = torch.tensor(test.pictures.shape[1:])
    way = (test.boxes[:, :2] + test.boxes[:, 2:]) / size - 1 - places[:, 0]
    found = {"length": ((jump * way).sum() / (way**2).sum()).item()}
    for axis, name in enumerate(("down", "across")):
        found[name] = torch.corrcoef(torch.stack([jump[:, axis], way[:, axis]]))[0, 1].item()
    return {name: round(value, 4) for name, value in found.items()}


def _measure(lesson: dict, arm: str, seed: int, rate: float, test: Canvases | None = None, **settings: object) -> dict:
    test = test or lesson["test"]
    if arm == "cnn":
        return _see_all(lesson, seed, rate, test, settings.get("steps", lesson["STEPS"]))
    policy = "learned" if arm in HELPS else arm
    model = lesson["train_looker"](
        policy, _reinforce(lesson, arm), seed=seed, lr=rate, quiet=True, seconds=3600, **settings
    )
    said, places = lesson["look_at"](model, test, policy)
    right = (said == test.labels.unsqueeze(1)).float().mean(dim=0)
    height, width = test.pictures.shape[1:]
    on = lesson["on_target"](places, test.boxes, height, width)
    return {
        "accuracy": round(right[-1].item(), 4),
        "by_glimpse": [round(share, 4) for share in right.tolist()],
        **{f"on_{number}": round(share, 4) for number, share in enumerate(on.tolist(), 1)},
        "lr": rate, "parameters": count_parameters(model), "training_seconds": round(model.history.seconds, 1),
    }  # fmt: skip


def _reinforce(lesson: dict, arm: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The lesson's loss, without one of its helps, or without itself."""
    loss = functools.partial(lesson["reinforce_loss"], spread=arm in ("learned", "no_baseline"))
    if arm == "no_score":
        return lambda log_probs, reward, baselines: 0.0 * log_probs.sum()
    if arm in ("no_baseline", "neither"):
        return lambda log_probs, reward, baselines: loss(log_probs, reward, torch.zeros_like(baselines))
    return loss


def _see_all(lesson: dict, seed: int, rate: float, test: Canvases, steps: int) -> dict:
    """A convolutional network that sees every pixel, trained for as many steps."""
    seed_everything(seed)
    model = lesson["SeesAll"]()

    def loss(model: nn.Module, batch: Canvases) -> Tensor:
        return functional.cross_entropy(model(batch.pictures), batch.labels)

    history = train.fit(
        model, batches(lesson["data"], lesson["BATCH"], seed), loss,
        steps=steps, lr=rate, clip=5.0, warmup=100, decay=True, seconds=3600, quiet=True,
    )  # fmt: skip
    with torch.no_grad():
        right = torch.cat([model(part.pictures).argmax(-1) == part.labels for part in batches(test, 500)])
    return {
        "accuracy": round(right.float().mean().item(), 4), "lr": rate,
        "parameters": count_parameters(model), "training_seconds": round(history.seconds, 1),
    }  # fmt: skip
