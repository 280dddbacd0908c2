"""A training loop with a progress bar, a live loss curve and a budget of seconds, which can go on where it stopped."""

import itertools
import math
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lessonkit import kernel
from lessonkit.errors import CourseError
from lessonkit.seeds import seed_everything
from lessonkit.show.live import Live

__all__ = ["History", "fit", "go_on", "seed_everything"]


@dataclass(frozen=True)
class History:
    """What happened in training: the loss of every step, and whether the time ran out first."""

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    stopped_early: bool = False


@dataclass
class _Training:
    """All that a training needs to go on: what it was given, its optimiser, and how far it has come."""

    batches: Iterator
    loss: Callable[[nn.Module, object], Tensor]
    steps: int
    lr: float
    clip: float | None
    warmup: int
    decay: bool
    title: str
    quiet: bool
    clock: Callable[[], float]
    optimiser: torch.optim.Optimizer
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def step(self, model: nn.Module, batch: object) -> None:
        """One update."""
        number = len(self.losses) + 1
        rising = min(1.0, number / self.warmup) if self.warmup else 1.0
        falling = (self.steps - number + 1) / self.steps if self.decay else 1.0
        self.optimiser.param_groups[0]["lr"] = self.lr * min(rising, falling)
        self.optimiser.zero_grad()
        value = self.loss(model, batch)
        value.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), self.clip)
        self.optimiser.step()
        self.losses.append(value.item())
        if not math.isfinite(self.losses[-1]):
            raise CourseError(
                f"The loss is {self.losses[-1]} at step {number}. Lower the rate (lr={self.lr:g}), clip the gradient, "
                "or look for a softmax over nothing."
            )


_STOPPED: weakref.WeakKeyDictionary[nn.Module, _Training] = weakref.WeakKeyDictionary()


def fit(
    model: nn.Module,
    batches: Iterable,
    loss: Callable[[nn.Module, object], Tensor],
    *,
    steps: int,
    lr: float,
    clip: float | None = 1.0,
    seconds: float = 55.0,
    warmup: int = 0,
    decay: bool = False,
    title: str = "training",
    quiet: bool = False,
    clock: Callable[[], float] = time.process_time,
) -> History:
    """Train `model` with Adam for at most `steps` batches and `seconds`, whichever is over first.

    The seconds are the processor's own, so a machine that is busy with other things doesn't cut a training short.

    `loss(model, batch)` gives a scalar. The gradient is clipped to norm `clip` (None: not). The rate rises linearly in
    the first `warmup` steps, and with `decay` falls linearly to zero at the last one. The stop button ends training and
    keeps the model; what was stopped goes on with `go_on(model)`. The model is left in eval mode.

    Raises:
        CourseError: the loss is no longer a number.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    training = _Training(iter(batches), loss, steps, lr, clip, warmup, decay, title, quiet, clock, optimiser)
    return _run(model, training, seconds)


def go_on(model: nn.Module | None = None, seconds: float = math.inf) -> History:
    """Go on with a training that was stopped, as if it had not been: same optimiser, same schedule, next batch.

    Without a model, the one that was stopped last. `seconds` limits this part.

    Raises:
        CourseError: no training of this model was stopped.
    """
    if model is None and _STOPPED:
        model = list(_STOPPED)[-1]
    if model is None or model not in _STOPPED:
        raise CourseError("No training of this model was stopped: there is nothing to go on with.")
    return _run(model, _STOPPED[model], seconds)


def _run(model: nn.Module, training: _Training, seconds: float) -> History:
    live = None if training.quiet else Live(training.title, training.steps, len(training.losses))
    start, stopped = training.clock(), ""
    _STOPPED.pop(model, None)
    model.train()
    try:
        for batch in itertools.islice(training.batches, training.steps - len(training.losses)):
            training.step(model, batch)
            if live:
                live.update(training.losses)
            if training.clock() - start > seconds and len(training.losses) < training.steps:
                stopped = f"after {seconds:g} s, the time allowed"
                break
    except KeyboardInterrupt:
        stopped = "by you"
    finally:
        model.eval()
        training.seconds += training.clock() - start
        if live:
            live.finish(training.losses)
    if stopped:
        _STOPPED[model] = training
    if not training.quiet:
        print(_report(model, training, stopped))
    return History(training.losses, training.seconds, len(training.losses), bool(stopped))


def _report(model: nn.Module, training: _Training, stopped: str) -> str:
    """How it ended; of a stopped run, what its numbers are worth, and the line that goes on."""
    done, last = len(training.losses), training.losses[-1] if training.losses else math.nan
    how = f"stopped {stopped}, at step {done} of {training.steps}" if stopped else f"{done} steps"
    report = f"{training.title}: {how}, {training.seconds:.0f} s of the processor, last loss {last:.3f}"
    if not stopped:
        return report
    name = kernel.name_of(model) or ""
    known = getattr(kernel.variables().get("train"), "go_on", None) is go_on
    first = "" if known else "from lessonkit import train; "
    return (
        f"{report}\nWhat you see below comes from a model that is not trained to the end: expect less of it than the "
        f"text says.\nTo go on from here, run this in a new cell, then the cells below once more:\n"
        f"    {first}train.go_on({name})"
    )
