"""Controls above a picture that is drawn anew when one of them moves; and the explorers of maps, by their old names."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lessonkit.show import plots, touch
from lessonkit.show.tables import TextAndHtml

Control = Sequence[object] | tuple[float, float, float]


def explore(
    draw: Callable[..., Figure], alt: Callable[..., str], start: Mapping[str, object] | None = None, **controls: Control
) -> None:
    """Display controls and a picture. `draw(**values)` makes the figure, `alt(**values)` says it in words.

    A control is a list of values to choose from (numbers make a slider), or a tuple (low, high, step). An underscore in
    its name is shown as a space. `start` gives the values at first; else it is the middle. An error of the first
    drawing is the caller's; later ones stand in place of the picture. Without a kernel the first picture stays.
    """
    from IPython.display import display

    start = start or {}
    fields = [_field(name, control) for name, control in controls.items()]
    values = [_first(control, start.get(name)) for name, control in controls.items()]

    def picture(chosen: Sequence[float]) -> tuple[str, str]:
        named = {
            name: control[int(value)] if isinstance(control, list) else value
            for (name, control), value in zip(controls.items(), chosen, strict=True)
        }
        fig = draw(**named)
        words = alt(**named)
        html = plots.image_html(fig, words)
        plt.close(fig)
        return html, words

    html, words = picture(values)
    still = TextAndHtml(words, f"{html}<p><small>In JupyterLab one can choose: {escape(_list(fields))}.</small></p>")
    if os.environ.get("LESSONKIT_STRICT"):
        display(still)
        return
    from lessonkit.show.forms import Form  # slow to import, and only pages with a kernel need it

    form = Form(kind="explore", fields=fields, values=values, shown=html, said=words)

    def redraw(_: object) -> None:
        try:
            form.shown, form.said = picture(form.values)
        except NotImplementedError as error:
            form.shown = f"<p>This waits for an answer of yours. {escape(str(error))}</p>"
        except Exception as error:
            form.shown = f"<p>This can't be drawn: {escape(type(error).__name__)}: {escape(str(error))}</p>"

    form.observe(redraw, names="values")
    bundle = {**form._repr_mimebundle_()[0], **still._repr_mimebundle_()}
    display(bundle, raw=True)


def _list(fields: Sequence[dict]) -> str:
    return ", ".join(field["label"] for field in fields)


def _field(name: str, control: Control) -> dict:
    """A control as controls.js draws it. Its value is a number, or the place in a list."""
    label = name.replace("_", " ")
    if isinstance(control, tuple):
        low, high, step = control
        digits = len(f"{step:g}".partition(".")[2])
        return {"type": "slider", "label": label, "low": low, "high": high, "step": step, "digits": digits}
    options = [str(value) for value in control]
    if all(isinstance(value, int | float) for value in control):
        return {"type": "slider", "label": label, "low": 0, "high": len(options) - 1, "step": 1, "words": options}
    return {"type": "select", "label": label, "options": options}


def _first(control: Control, wanted: object) -> float:
    if isinstance(control, tuple):
        low, high, step = control
        middle = low + step * round((high - low) / step / 2)
        return wanted if wanted is not None else round(middle, 10)
    if wanted is not None:
        return list(control).index(wanted)
    return len(control) // 2 if all(isinstance(value, int | float) for value in control) else 0


@dataclass(frozen=True)
class Example:
    """A sentence, its translation, the weights (target, source) and the gold links (target index, source index)."""

    source: Sequence[str]
    target: Sequence[str]
    weights: np.ndarray
    gold: Collection[tuple[int, int]]


def alignment_explorer(examples: Sequence[Example]) -> None:
    """Pick a sentence and a target word of the touchable map."""
    touch.attention(
        [e.weights for e in examples], [e.target for e in examples], [e.source for e in examples],
        [e.gold for e in examples], sides=("target word", "source word"),
    )  # fmt: skip
