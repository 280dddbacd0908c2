"""A training loop with a progress bar, a live loss curve, and a budget of seconds."""

import itertools
import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from tqdm import tqdm

from lessonkit.errors import CourseError
from lessonkit.show import plots

_REDRAW = 2.0  # seconds between two drawings of the curve


@dataclass(frozen=True)
class History:
    """What happened in training: the loss of every step, and whether the time ran out first."""

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    stopped_early: bool = False


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
    keeps the model. The model is left in eval mode.

    Raises:
        CourseError: the loss is no longer a number.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    losses: list[float] = []
    start, stopped = clock(), ""
    curve = None if quiet else plots.LiveCurve(title, _REDRAW, clock)
    bar = tqdm(total=steps, desc=title, disable=quiet, file=sys.stdout, mininterval=1.0, leave=False, ncols=90)
    model.train()
    try:
        for batch in itertools.islice(batches, steps):
            step = len(losses) + 1
            rising = min(1.0, step / warmup) if warmup else 1.0
            optimiser.param_groups[0]["lr"] = lr * min(rising, (steps - step + 1) / steps if decay else 1.0)
            optimiser.zero_grad()
            value = loss(model, batch)
            value.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimiser.step()
            losses.append(value.item())
            if not math.isfinite(losses[-1]):
                raise CourseError(
                    f"The loss is {losses[-1]} at step {len(losses)}. Lower the rate (lr={lr:g}), clip the gradient, "
                    "or look for a softmax over nothing."
                )
            bar.update()
            bar.set_postfix_str(f"loss {losses[-1]:.3f}", refresh=False)
            if curve:
                curve.update(losses)
            if clock() - start > seconds and len(losses) < steps:
                stopped = f"after {seconds:g} s, the time allowed"
                break
    except KeyboardInterrupt:
        stopped = "by you"
    finally:
        bar.close()
        model.eval()
    taken = clock() - start
    if curve:
        curve.finish(losses)
        how = f"stopped {stopped}, at step {len(losses)} of {steps}" if stopped else f"{len(losses)} steps"
        print(f"{title}: {how}, {taken:.0f} s, last loss {losses[-1] if losses else math.nan:.3f}")
    return History(losses, taken, len(losses), bool(stopped))
