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
BATCH, WARMUP = {"cpu": 64, "cuda": 256}, 200  # a GPU takes hardly longer for the larger one

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


def _glimpses(policy: str) -> Callable[[dict], Training]:
    """Eight glimpses of 12 × 12 pixels at three scales, as in the paper's table: a learned policy, or "random"."""

    def make(code: dict) -> Training:
        def loss(model: nn.Module, batch: Canvases) -> Tensor:
            if policy == "learned":
                seen = model(batch.pictures)
                parts = seen["logits"], batch.labels, seen["log_probs"], seen["baselines"]
                return code["hybrid_loss"](code["reinforce_loss"], *parts)
            places = code["fixed_and_random"](policy, torch.rand(len(batch), model.glimpses, 2))
            logits = model(batch.pictures, places)["logits"]
            return functional.cross_entropy(logits.flatten(0, 1), batch.labels.repeat_interleave(model.glimpses))

        def measure(model: nn.Module, canvas: Canvases) -> dict:
            with torch.device("cpu"):  # its random numbers are the processor's
                said, places = code["look_at"](model.cpu(), canvas, policy)
                errors = 1 - (said == canvas.labels.unsqueeze(1)).float().mean(dim=0)
                on = code["on_target"](places, canvas.boxes, SIZE, SIZE)
            return {"error": errors[-1].item(), "error_by_glimpse": errors.tolist(), "on_target": on.tolist()}

        model = code["Looker"](glimpses=8, size=12, scales=3, hidden=256)
        return Training(f"8 glimpses of 12 × 12 at 3 scales, {policy}", model, loss, 2e-3, measure)

    return make


def _window(kind: str, what: str) -> Callable[[dict], Training]:
    def make(code: dict) -> Training:
        def loss(model: nn.Module, batch: Canvases) -> Tensor:
            return functional.cross_entropy(model(batch.pictures), batch.labels)

        def measure(model: nn.Module, canvas: Canvases) -> dict:
            device = torch.get_default_device()
            canvas = Canvases(*(part.to(device) for part in (canvas.pictures, canvas.labels, canvas.boxes)))
            right, on_target = code["read"](model, canvas)
            return {"error": 1 - right, **({} if on_target is None else {"on_target": on_target})}

        code["SIZE"], code["GLIMPSE"], code["SPAN"] = SIZE, 24, 36.0  # the lesson's classes read these
        model = code["SeesAll"]() if kind == "none" else code["Spotter"](kind)
        return Training(what, model, loss, 2e-3, measure)

    return make


MODELS: dict[str, dict[str, Callable[[dict], Training]]] = {
    "13_glimpses": {"learned": _glimpses("learned"), "random": _glimpses("random")},
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
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    machine = torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()}, 1 thread"
    with device:  # the lesson's code makes its tensors where the pictures are
        found = {kind: _one(code, lesson, kind, make, digits, share, folder) for kind, make in makers.items()}
    return {
        "lesson": lesson,
        "data": "MNIST, 60 × 60, cluttered",
        "date": date.today().isoformat(),
        "machine": machine,
        "minutes": minutes,
        **found,
    }


def _one(code: dict, name: str, kind: str, make: Callable, digits: DigitSets, seconds: float, folder: Path) -> dict:
    seed_everything(0)
    made, device = make(code), torch.get_default_device()
    on_device = digits.train.to(device)
    progress = train(
        made.model, lambda number: _a_pass(on_device, number), made.loss, folder / f"{name[:2]}_{kind}.pt",
        seconds=seconds, lr=made.rate, warmup=WARMUP, title=f"{name[:2]} {kind} on MNIST",
        clock=clock_of(device),
    )  # fmt: skip
    test = _canvases(digits.test, TEST, seed=-1)
    found = made.measure(made.model, test)
    return {
        "model": made.what,
        "parameters": count_parameters(made.model),
        "steps": progress.steps,
        "pictures a step": BATCH[device.type],
        "seconds": round(progress.seconds),
        **{figure: _rounded(value) for figure, value in found.items()},
    }


def _a_pass(digits: Digits, number: int) -> Iterator[Canvases]:
    """Canvases that no other pass has: the same at every call with this number."""
    return batches(_canvases(digits, A_PASS, seed=number), BATCH[digits.pictures.device.type])


def _canvases(digits: Digits, count: int, seed: int) -> Canvases:
    return canvases(digits, count, SIZE, 1_000 + seed, side=SIDE, clutter=CLUTTER, piece=PIECE)


def _rounded(value: float | list) -> float | list:
    return [round(x, 4) for x in value] if isinstance(value, list) else round(value, 4)
