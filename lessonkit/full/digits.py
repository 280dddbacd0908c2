"""The full-size runs of lessons 13 and 14: MNIST digits on 60 × 60 pixels, with clutter."""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from lessonkit.data.digits import Canvases, Digits, DigitSets, batches, canvases, mnist
from lessonkit.full.resumable import clock_of, train
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SIZE, SIDE, CLUTTER, PIECE = 60, 28, 4, 8  # pixels of canvas and digit; pieces of clutter, and their pixels
A_PASS, TEST = 12_800, 10_000  # canvases of a pass, drawn afresh, and of the test
BATCH, WARMUP = 64, 200

Loss = Callable[[nn.Module, Canvases], Tensor]
Measure = Callable[[nn.Module, Canvases], dict]


@dataclass(frozen=True)
class Training:
    """What is trained, by which loss and rate, and how it is measured."""

    what: str
    model: nn.Module
    loss: Loss
    rate: float
    measure: Measure


def _glimpses(code: dict) -> Training:
    """Eight glimpses of 12 × 12 pixels at three scales, as in the paper's table."""

    def loss(model: nn.Module, batch: Canvases) -> Tensor:
        seen = model(batch.pictures)
        parts = seen["logits"], batch.labels, seen["log_probs"], seen["baselines"]
        return code["hybrid_loss"](code["reinforce_loss"], *parts)

    def measure(model: nn.Module, canvas: Canvases) -> dict:
        said, places = code["look_at"](model, canvas)
        errors = 1 - (said == canvas.labels.unsqueeze(1)).float().mean(dim=0)
        on = code["on_target"](places, canvas.boxes, SIZE, SIZE)
        return {"error": errors[-1].item(), "error_by_glimpse": errors.tolist(), "on_target": on.tolist()}

    model = code["Looker"](glimpses=8, size=12, scales=3, hidden=256)
    return Training("looker, 8 glimpses of 12 × 12 at 3 scales", model, loss, 1e-3, measure)


def _window(kind: str, what: str) -> Callable[[dict], Training]:
    def make(code: dict) -> Training:
        def loss(model: nn.Module, batch: Canvases) -> Tensor:
            return functional.cross_entropy(model(batch.pictures), batch.labels)

        def measure(model: nn.Module, canvas: Canvases) -> dict:
            right, on_target = code["read"](model, canvas)
            return {"error": 1 - right, **({} if on_target is None else {"on_target": on_target})}

        code["SIZE"], code["GLIMPSE"], code["SPAN"] = SIZE, 24, 36.0  # the lesson's classes read these
        model = code["SeesAll"]() if kind == "none" else code["Spotter"](kind)
        return Training(what, model, loss, 2e-3, measure)

    return make


MODELS: dict[str, dict[str, Callable[[dict], Training]]] = {
    "13_glimpses": {"looker": _glimpses},
    "14_differentiable_glimpses": {
        "gaussian": _window("gaussian", "Gaussian window of 24 × 24"),
        "bilinear": _window("bilinear", "spatial transformer, crop of 24 × 24"),
        "none": _window("none", "convolutional network, sees all"),
    },
}


def run(lesson: str, code: dict, minutes: float, folder: Path) -> dict:
    """Train each network of lesson 13 or 14, and measure its errors on 10,000 test canvases; `minutes` are for all.

    `code` is what the lesson's cells define, with somebody's answers. Killed, it goes on from NN_*.pt in `folder` when
    it is called again.

    Raises:
        CourseError: MNIST can't be had, or a checkpoint can't be written.
    """
    torch.set_num_threads(1)
    makers, digits = MODELS[lesson], mnist()
    share = 60 * minutes / len(makers)
    return {
        "lesson": lesson,
        "data": "MNIST, 60 × 60, cluttered",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread",
        "minutes": minutes,
        **{kind: _one(code, lesson, kind, make, digits, share, folder) for kind, make in makers.items()},
    }


def _one(code: dict, name: str, kind: str, make: Callable, digits: DigitSets, seconds: float, folder: Path) -> dict:
    seed_everything(0)
    made = make(code)
    progress = train(
        made.model, lambda number: _a_pass(digits.train, number), made.loss, folder / f"{name[:2]}_{kind}.pt",
        seconds=seconds, lr=made.rate, warmup=WARMUP, title=f"{name[:2]} {kind} on MNIST",
        clock=clock_of(torch.device("cpu")),
    )  # fmt: skip
    found = made.measure(made.model, _canvases(digits.test, TEST, seed=-1))
    return {
        "model": made.what,
        "parameters": count_parameters(made.model),
        "steps": progress.steps,
        "seconds": round(progress.seconds),
        **{figure: _rounded(value) for figure, value in found.items()},
    }


def _a_pass(digits: Digits, number: int) -> Iterator[Canvases]:
    """Canvases that no other pass has: the same at every call with this number."""
    return batches(_canvases(digits, A_PASS, seed=number), BATCH)


def _canvases(digits: Digits, count: int, seed: int) -> Canvases:
    return canvases(digits, count, SIZE, 1_000 + seed, side=SIDE, clutter=CLUTTER, piece=PIECE)


def _rounded(value: float | list) -> float | list:
    return [round(x, 4) for x in value] if isinstance(value, list) else round(value, 4)
