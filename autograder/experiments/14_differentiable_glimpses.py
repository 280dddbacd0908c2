"""Lesson 14's comparisons: speed, basins, and whether a network finds a digit in clutter through each window."""

import dataclasses
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from autograder.experiments.record import best_rate, recorded_run
from lessonkit import train
from lessonkit.data.digits import Canvases, batches
from lessonkit.models.seq2seq import count_parameters
from lessonkit.show import windows as windows_shown

SEEDS = list(range(10))  # the two windows with a softmax pointer: all ten; everything else: the first three
FEW = 3
GRID = (2e-3, 4e-3, 8e-3)
ARMS = {
    "gaussian": ("gaussian", "softmax"), "bilinear": ("bilinear", "softmax"),
    "gaussian_linear": ("gaussian", "linear"), "bilinear_linear": ("bilinear", "linear"), "cnn": ("none", "softmax"),
}  # fmt: skip
TEN = ("gaussian", "bilinear")
FORMS = {"gaussian": "gaussian_window", "by_hand": "crop_window", "torch": "fast_window", "mask": "mask_window"}
SIZES = {"40": (40, 16), "80": (80, 16), "160": (160, 16), "80_8": (80, 8), "80_32": (80, 32)}  # picture, glimpse
BASINS = {
    "bilinear": {"kind": "bilinear"},
    "zoomed": {"kind": "bilinear", "zoom": 3.0},
    **{f"blurred_{blur}": {"kind": "bilinear", "blur": float(blur)} for blur in (1, 2, 4)},
    **{f"gaussian_{width:g}": {"width": width} for width in (0.5, 1.0, 2.0, 4.0, 8.0)},
}


def run(lesson: dict, seed: int) -> dict:
    """Speed, basins and reading, each as its part says."""
    return speed(lesson, seed) | basins(lesson, seed) | windows(lesson, seed) | others(lesson, seed)


def tune(lesson: dict) -> dict:
    """Accuracy on the validation canvases after half the steps, seed 0, by network and rate."""
    return {arm: _tuned(lesson, arm) for arm in ARMS}


def speed(lesson: dict, seed: int) -> dict:
    """Each window's milliseconds by size, forward and backward, and how many times PyTorch's sampler's they are."""
    found: dict = {f"speed_{name}": {} for name in FORMS} if seed < FEW else {}
    for key, (size, glimpse) in SIZES.items() if found else ():
        took = {name: windows_shown.time_of(lesson[form], size, glimpse, times=25) for name, form in FORMS.items()}
        for name, both in took.items():
            for way, mine, theirs in zip(("forward", "backward"), both, took["torch"], strict=True):
                found[f"speed_{name}"][f"{way}_{key}"] = round(mine / theirs, 3)
                found[f"speed_{name}"][f"{way}_{key}_ms"] = round(mine, 3)
    return found


def basins(lesson: dict, seed: int) -> dict:
    """The share of starts that arrive, by distance, for each window."""
    if seed >= FEW:
        return {}
    shares = {name: lesson["basin_shares"](seed=seed, **settings) for name, settings in BASINS.items()}
    return {f"basin_{name}": {f"r{r}": share for r, share in by.items()} for name, by in shares.items()}


def windows(lesson: dict, seed: int) -> dict:
    """The two windows behind a softmax pointer, on ten seeds."""
    return {arm: _measure(lesson, arm, seed) for arm in TEN if arm not in recorded_run("14", seed)}


def others(lesson: dict, seed: int) -> dict:
    """The network without a window, and the windows behind a linear pointer."""
    known = recorded_run("14", seed)
    return {arm: _measure(lesson, arm, seed) for arm in ARMS if arm not in (*TEN, *known) and seed < FEW}


def breaks(lesson: dict, seed: int) -> dict:
    """What the page asks at its end, with seed 0: one thing changed in a network that reads."""
    if seed:
        return {}
    torch.manual_seed(seed)
    sharp = lesson["Spotter"]("gaussian")
    sharp.start[2] = 2 * math.log(lesson["SPAN"] / lesson["GLIMPSE"] / 20)
    slow, rate = lesson["train_reader"]("gaussian", "linear", seed, 5e-4, seconds=3600, quiet=True), lesson["RATE"]
    return {
        "sharp_start": _changed(lesson, sharp, rate),
        "slow_linear": _read(lesson, slow, 5e-4),
        "turning": _changed(lesson, _turning(lesson), rate),
        "blurred_canvas": _changed(lesson, lesson["Spotter"]("bilinear"), rate, blur=1.0),
    }


def _turning(lesson: dict) -> nn.Module:
    """A spotter whose crop may turn and shear: two more numbers, 0 at the start."""

    def window(pictures: Tensor, numbers: Tensor, glimpse: int) -> Tensor:
        theta = lesson["crop_theta"](numbers[:, :4]).clone()
        theta[:, 0, 1], theta[:, 1, 0] = numbers[:, 4], numbers[:, 5]
        grid = lesson["affine_grid"](theta, glimpse, glimpse)
        return functional.grid_sample(pictures[:, None], grid, align_corners=False)[:, 0]

    spotter = lesson["Spotter"]("bilinear")
    spotter.locator.size = nn.Linear(16, 4)
    nn.init.zeros_(spotter.locator.size.weight), nn.init.zeros_(spotter.locator.size.bias)
    spotter.window, spotter.start = window, torch.cat([spotter.start, torch.zeros(2)])
    return spotter


def _changed(lesson: dict, model: nn.Module, rate: float, blur: float = 0.0) -> dict:
    """Train a changed spotter as the page trains its own, and let it read; with `blur` all canvases are blurred."""

    def seen(canvas: Canvases) -> Canvases:
        if not blur:
            return canvas
        size = canvas.pictures.shape[-1]
        smooth = lesson["gaussian_mask"](torch.zeros(1), torch.tensor([blur]), torch.ones(1), size, size)
        return dataclasses.replace(canvas, pictures=smooth @ canvas.pictures @ smooth.mT)

    def loss(model: nn.Module, batch: Canvases) -> Tensor:
        return functional.cross_entropy(model(batch.pictures), batch.labels)

    model.history = train.fit(
        model, batches(seen(lesson["data"]), lesson["BATCH"], 0), loss,
        steps=lesson["STEPS"], lr=rate, warmup=50, decay=True, seconds=3600, quiet=True,
    )  # fmt: skip
    return _read(lesson, model, rate, seen(lesson["test"]))


def _tuned(lesson: dict, arm: str) -> dict:
    found = {}
    for rate in GRID:
        model = _train(lesson, arm, 0, rate, lesson["STEPS"] // 2)
        found[f"{rate:g}"] = round(lesson["read"](model, lesson["validation"])[0], 4)
    return found


def _train(lesson: dict, arm: str, seed: int, rate: float, steps: int) -> nn.Module:
    window, pointer = ARMS[arm]
    return lesson["train_reader"](window, pointer, seed, rate, steps, seconds=3600, quiet=True)


def _measure(lesson: dict, arm: str, seed: int) -> dict:
    rate = best_rate("14", arm, lesson["RATE"])
    return _read(lesson, _train(lesson, arm, seed, rate, lesson["STEPS"]), rate)


def _read(lesson: dict, model: nn.Module, rate: float, test: Canvases | None = None) -> dict:
    accuracy, on_target = lesson["read"](model, test or lesson["test"])
    return {
        "accuracy": round(accuracy, 4), **({} if on_target is None else {"on_target": round(on_target, 4)}),
        "lr": rate, "parameters": count_parameters(model), "training_seconds": round(model.history.seconds, 1),
    }  # fmt: skip
