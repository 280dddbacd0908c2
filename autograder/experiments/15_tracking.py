"""Lesson 15's comparisons: a window against the whole frame and blind trackers, each loss left out, slow and fast."""

import time

import torch
from torch import Tensor, nn

from autograder.experiments.record import best_rate
from lessonkit.data.clips import Clips, box_iou, clip_sets
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
GRID = (1e-3, 2e-3, 4e-3)
FAST = {"speed": (4.0, 7.0)}  # pixels a frame; all ten frames from the first step on
# how much of box, window and mask loss, where it isn't the usual
LOSSES = {
    "tracker": {},
    "box_only": {"window": 0.0, "mask": 0.0},
    "no_mask": {"mask": 0.0},
    "no_window": {"window": 0.0},
    "no_box": {"box": 0.0},
}
ARMS = (*LOSSES, "whole", *(f"fast_{name}" for name in LOSSES))
STEPS = 350


def run(lesson: dict, seed: int) -> dict:
    """Every arm, on slow clips and on fast ones, measured on test clips."""
    return main(lesson, seed) | losses(lesson, seed) | fast(lesson, seed)


def main(lesson: dict, seed: int) -> dict:
    """A part: the window, the whole frame, and the blind trackers."""
    return measured(lesson, seed, "tracker") | measured(lesson, seed, "whole") | blind(lesson)


def losses(lesson: dict, seed: int) -> dict:
    """A part: each loss left out, on slow clips."""
    return {key: value for name in LOSSES if name != "tracker" for key, value in measured(lesson, seed, name).items()}


def fast(lesson: dict, seed: int) -> dict:
    """A part: all losses, and each left out, on fast clips."""
    return {key: value for name in LOSSES for key, value in measured(lesson, seed, f"fast_{name}").items()}


def tune(lesson: dict) -> dict:
    """Mean IoU on validation clips after half the steps, seed 0, by arm and rate."""
    return {name: tune_arm(lesson, name) for name in ARMS}


def tune_arm(lesson: dict, name: str) -> dict:
    """The grid of one arm."""
    validation = clip_sets(**_how(name))[0]
    models = {f"{rate:g}": train_arm(lesson, SEEDS[0], name, rate, STEPS // 2)[0] for rate in GRID}
    return {rate: round(lesson["ious"](model, validation).mean().item(), 4) for rate, model in models.items()}


def blind(lesson: dict) -> dict:
    """The trackers that don't look, on slow clips and on fast ones."""
    found = {}
    for speed, clips in (("", lesson["test"]), ("fast_", clip_sets(**FAST)[1])):
        boxes = {"copy": lesson["copied"](clips), "straight": lesson["constant_velocity"](clips)}
        for name, said in boxes.items():
            found[speed + name] = scores(lesson, box_iou(said, clips.boxes)[:, 1:], clips)
    return found


def measured(lesson: dict, seed: int, name: str) -> dict:
    """Train one arm at its rate and measure it on test clips; of the tracker also what breaks it."""
    rate = best_rate("15", name, 2e-3)
    model, seconds, half = train_arm(lesson, seed, name, rate)
    clips = clip_sets(**_how(name))[1]
    trained = {"lr": rate, "parameters": count_parameters(model), "training_seconds": seconds, "half_way": half}
    found = {name: {**scores(lesson, lesson["ious"](model, clips), clips), **trained}}
    if name == "tracker":
        for trial, (other, on) in lesson["trials"](model).items():
            found[trial.replace(" ", "_")] = scores(lesson, lesson["ious"](other, on), on)
    return found


def train_arm(lesson: dict, seed: int, name: str, rate: float, steps: int = STEPS) -> tuple[nn.Module, float, float]:
    """The trained model, the seconds that it took, and its mean IoU on test clips when half of the steps were done."""
    losses = LOSSES.get(name.removeprefix("fast_"), {"window": 0.0, "mask": 0.0})  # the whole frame has no window
    weighted, clips, half, done = lesson["Weighted"](**losses), clip_sets(**_how(name))[1], [0.0], [0]

    def loss(model: nn.Module, batch: Clips) -> Tensor:
        done[0] += 1
        if done[0] == STEPS // 2 < steps:
            half[0] = lesson["ious"](model, clips).mean().item()
        return weighted(model, batch)

    seed_everything(seed)
    model = lesson["WholeFrame" if name == "whole" else "Tracker"]()
    history = lesson["train_tracker"](
        model, seed, rate, steps, loss=loss, grow=not _how(name), clips=_how(name), quiet=True, seconds=900,
        clock=time.process_time,
    )  # fmt: skip
    return model, round(history.seconds, 1), round(half[0], 4)


def _how(name: str) -> dict:
    return FAST if name.startswith("fast_") else {}


@torch.no_grad()
def scores(lesson: dict, iou: Tensor, clips: Clips) -> dict:
    """Mean IoU in frames 2 to 10, by frame, behind the bar, where both digits touch; who is never lost."""
    hidden, touching = clips.hidden[:, 1:], box_iou(clips.boxes, clips.distractor)[:, 1:] > 0
    lost = lesson["lost_at"](iou, 0.3)
    found = {
        "iou": iou.mean(),
        "follow": (iou[:, -1] >= 0.3).float().mean(),
        "never_lost": (lost == iou.shape[1]).float().mean(),
        "lost_early": (lost < iou.shape[1] // 2).float().mean(),
        "seen": iou[~hidden & ~touching].mean(),
        **({"behind": iou[hidden].mean()} if hidden.any() else {}),
        **({"crossing": iou[touching & ~hidden].mean()} if touching.any() else {}),
    }
    return {key: round(value.item(), 4) for key, value in found.items()} | {
        "by_frame": [round(x, 4) for x in iou.mean(0).tolist()]
    }
