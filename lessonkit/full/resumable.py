"""Training that may be killed: a budget of seconds over all runs, and a checkpoint that the next run goes on from."""

import contextlib
import itertools
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from lessonkit.errors import CourseError
from lessonkit.files import whole_file

SAVE_EVERY = 120.0  # seconds of training between two checkpoints


@dataclass
class Progress:
    """How far a training has come, all runs counted."""

    seconds: float = 0.0
    steps: int = 0
    passes: int = 0  # whole passes over the data
    done: int = 0  # batches of the present pass
    loss: float = math.nan  # mean of the last hundred batches or so


def train(
    model: nn.Module,
    batches: Callable[[int], Iterable],
    loss: Callable[[nn.Module, object], Tensor],
    checkpoint: Path,
    *,
    seconds: float,
    lr: float,
    warmup: int,
    clip: float = 1.0,
    title: str = "training",
    save_every: float = SAVE_EVERY,
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    """Train with Adam until `seconds` of training are used up, those of earlier runs counted in.

    `batches(n)` gives the batches of pass number n, the same at every call. The rate rises for `warmup` steps, and
    falls linearly to zero at the end of the budget. A run that was killed and started again ends with the same weights
    as one that wasn't, as far as the clock is the same. The model is left in eval mode; the checkpoint stays.

    Raises:
        CourseError: the checkpoint is not of this model, or training was stopped by Ctrl-C (the checkpoint is kept).
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    progress = _load(checkpoint, model, optimiser)
    if progress.steps:
        used = f"{progress.steps} steps, {progress.seconds / 60:.1f} min"
        print(f"Going on from {checkpoint} ({used} so far). Remove it to start anew.")
    saved = progress.seconds
    bar = tqdm(
        total=round(seconds), initial=round(progress.seconds), desc=title, unit="s", file=sys.stdout, mininterval=5.0
    )
    model.train()
    try:
        while progress.seconds < seconds:
            for batch in itertools.islice(batches(progress.passes), progress.done, None):
                before = clock()
                left = 1 - progress.seconds / seconds
                optimiser.param_groups[0]["lr"] = lr * min((progress.steps + 1) / warmup, left)
                value = _step(model, batch, loss, optimiser, clip)
                progress.loss = value if not progress.steps else 0.99 * progress.loss + 0.01 * value
                progress.steps, progress.done = progress.steps + 1, progress.done + 1
                progress.seconds += clock() - before
                bar.set_postfix_str(f"step {progress.steps}, loss {progress.loss:.3f}", refresh=False)
                bar.update(round(progress.seconds) - bar.n)
                if progress.seconds >= seconds:
                    break
                if progress.seconds - saved >= save_every:
                    _save(checkpoint, model, optimiser, progress)
                    saved = progress.seconds
            else:
                progress.passes, progress.done = progress.passes + 1, 0
        if progress.seconds > saved:
            _save(checkpoint, model, optimiser, progress)
    except KeyboardInterrupt:
        kept = f"goes on from {checkpoint}" if checkpoint.is_file() else "starts anew: nothing was saved yet"
        raise CourseError(f"Stopped after step {progress.steps}. The same command {kept}.") from None
    finally:
        bar.close()
        model.eval()
    return progress


def clock_of(device: torch.device) -> Callable[[], float]:
    """What a budget is measured by: on a processor its own seconds, so that other programs' load doesn't matter."""
    return time.process_time if device.type == "cpu" else time.monotonic


def _step(model: nn.Module, batch: object, loss: Callable, optimiser: torch.optim.Optimizer, clip: float) -> float:
    optimiser.zero_grad()
    value = loss(model, batch)
    value.backward()
    nn.utils.clip_grad_norm_(model.parameters(), clip)
    if not math.isfinite(value.item()):
        raise CourseError(f"The loss is {value.item()}: lower the rate.")
    optimiser.step()
    return value.item()


def _save(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, progress: Progress) -> None:
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "progress": asdict(progress),
        "random": torch.get_rng_state(),
    }
    try:
        with whole_file(path, to_disk=True) as file:
            torch.save(state, file)
    except (CourseError, RuntimeError) as error:  # torch.save raises RuntimeError on a full disk
        raise CourseError(
            f"The checkpoint {path} can't be written ({error}): make room, or name another folder."
        ) from error


def _load(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> Progress:
    if not path.is_file():
        return Progress()
    try:
        state = torch.load(path, weights_only=True)
        progress = Progress(**state["progress"])
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
    except Exception as error:  # whatever torch finds in a file that isn't what it should be
        raise CourseError(
            f"{path} is not a checkpoint of this model on these data: remove it, and training starts anew."
        ) from error
    return progress


@contextlib.contextmanager
def ended_by_ctrl_c(kept: str) -> Iterator[None]:
    """Ctrl-C ends the program, and says what is kept.

    For runs that train with `lessonkit.train`: as a notebook's stop button it keeps the half-trained model, and what is
    compared here would go on with it.
    """

    def end(number: int, frame: object) -> None:
        raise SystemExit(f"Stopped. {kept}")

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
