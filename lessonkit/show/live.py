"""A training as one watches it: one display with the progress bar and the loss curve, both drawn anew in place."""

import sys
import time
from collections.abc import Callable, Sequence
from html import escape

import matplotlib.pyplot as plt
from tqdm import tqdm

from lessonkit.show import plots

_BAR, _CURVE = 0.5, 2.0  # seconds between two drawings, at least
_REST = 20  # and so many times as long as the last curve took to draw: the time belongs to the training


class Live:
    """Shows how a training of `steps` steps goes: in a notebook as HTML, elsewhere as a bar of text."""

    def __init__(self, title: str, steps: int, done: int = 0, clock: Callable[[], float] = time.monotonic):
        self._title, self._steps, self._clock = title, steps, clock
        self._began = self._bar_at = self._curve_at = clock()
        self._handle, self._curve, self._bar, self._took = None, "", None, 0.0
        if not plots.in_notebook():
            self._bar = tqdm(
                total=steps, initial=done, desc=title, file=sys.stdout, mininterval=1.0, leave=False, ncols=90
            )

    def update(self, losses: Sequence[float]) -> None:
        """One step more."""
        if self._bar is not None:
            self._bar.update()
            self._bar.set_postfix_str(f"loss {losses[-1]:.3f}", refresh=False)
            return
        now = self._clock()
        if now - self._bar_at < _BAR and self._handle is not None:
            return
        if now - self._curve_at >= max(_CURVE, _REST * self._took) and len(losses) > 1:
            self._curve = _bundle(self._title, losses)["text/html"]
            self._curve_at = self._clock()
            self._took = self._curve_at - now
        self._bar_at = now
        self._show({"text/html": self._head(losses) + self._curve, "text/plain": self._words(losses)})

    def finish(self, losses: Sequence[float]) -> None:
        """Take the bar away; the whole curve stays."""
        if self._bar is not None:
            self._bar.close()
        elif len(losses) > 1:
            self._show(_bundle(self._title, losses))

    def _words(self, losses: Sequence[float]) -> str:
        seconds = self._clock() - self._began
        return f"{self._title}: step {len(losses)} of {self._steps}, {seconds:.0f} s, loss {losses[-1]:.3f}"

    def _head(self, losses: Sequence[float]) -> str:
        bar = f'<progress max="{self._steps}" value="{len(losses)}" aria-label="{escape(self._title)}"></progress>'
        return f"<p>{bar} {escape(self._words(losses))}</p>"

    def _show(self, bundle: dict[str, str]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def _bundle(title: str, losses: Sequence[float]) -> dict[str, str]:
    fig = plots.lines({title: (range(1, len(losses) + 1), losses)}, "step", "loss", title)
    fig.set_size_inches(5.0, 2.2)
    bundle = plots.bundle(fig, f"Loss of {title} by step, from {losses[0]:.2f} to {losses[-1]:.2f}.")
    plt.close(fig)
    return bundle
