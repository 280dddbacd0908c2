"""Widgets: controls above a picture that is drawn anew when one of them moves. They work offline."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from html import escape

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lessonkit.show import plots

Control = Sequence[object] | tuple[float, float, float]


def explore(draw: Callable[..., Figure], alt: Callable[..., str], **controls: Control) -> ipywidgets.VBox:
    """Display controls and a picture. `draw(**values)` makes the figure, `alt(**values)` says it in words.

    A control is a list of values to choose from, or a tuple (low, high, step) for a slider. An underscore in its name
    is shown as a space. If `draw` raises, its message stands in place of the picture, and the controls go on working.
    """
    from IPython.display import display

    inputs = {name: _control(name, control) for name, control in controls.items()}
    picture = ipywidgets.HTML()

    def redraw(_: object = None) -> None:
        values = {name: control.value for name, control in inputs.items()}
        try:
            fig = draw(**values)
            picture.value = plots.image_html(fig, alt(**values))
            plt.close(fig)
        except Exception as error:
            picture.value = f"<p>This can't be drawn: {escape(type(error).__name__)}: {escape(str(error))}</p>"

    for control in inputs.values():
        control.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([*inputs.values(), picture])
    display(box)
    return box


def _control(name: str, control: Control) -> ipywidgets.ValueWidget:
    label = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if isinstance(control, tuple):
        low, high, step = control
        kind = ipywidgets.IntSlider if all(isinstance(x, int) for x in control) else ipywidgets.FloatSlider
        middle = low + step * round((high - low) / step / 2)
        layout = ipywidgets.Layout(width="min(32em, 95%)")
        return kind(value=middle, min=low, max=high, step=step, continuous_update=False, layout=layout, **label)
    options = [(str(value), value) for value in control]
    return ipywidgets.Dropdown(options=options, layout=ipywidgets.Layout(width="max-content", max_width="95%"), **label)


@dataclass(frozen=True)
class Example:
    """A sentence, its translation, the weights (target, source) and the gold links (target index, source index)."""

    source: Sequence[str]
    target: Sequence[str]
    weights: np.ndarray
    gold: Collection[tuple[int, int]]


def alignment_explorer(examples: Sequence[Example]) -> ipywidgets.VBox:
    """Pick a sentence and a target word: the source words are shaded by weight, with the number; gold is underlined."""
    from IPython.display import display

    titles = [(" ".join(example.source), i) for i, example in enumerate(examples)]
    wide = ipywidgets.Layout(width="min(46em, 95%)")
    narrow = {"description_width": "initial"}
    sentence = ipywidgets.Dropdown(options=titles, description="sentence", layout=wide, style=narrow)
    place = ipywidgets.IntSlider(min=0, max=1, description="target word", readout=False, layout=wide, style=narrow)
    shown, whole = ipywidgets.HTML(), ipywidgets.HTML()

    def pick_word(_: object = None) -> None:
        shown.value = word_html(examples[sentence.value], place.value)

    def pick_sentence(_: object = None) -> None:
        example = examples[sentence.value]
        place.max = len(example.target) - 1
        place.value = min(place.value, place.max)
        fig = plots.attention_map(example.weights, example.target, example.source, example.gold)
        whole.value = plots.image_html(fig, f"Attention of each word of “{' '.join(example.target)}”; gold outlined.")
        plt.close(fig)
        pick_word()

    sentence.observe(pick_sentence, names="value")
    place.observe(pick_word, names="value")
    pick_sentence()
    box = ipywidgets.VBox([sentence, place, shown, whole])
    display(box)
    return box


def word_html(example: Example, target: int) -> str:
    """The target sentence with one word marked, and the source words shaded by their weight for it."""
    gold = {source for t, source in example.gold if t == target}
    words = " ".join(
        f"<strong>[{escape(word)}]</strong>" if i == target else escape(word) for i, word in enumerate(example.target)
    )
    cells = []
    for i, word in enumerate(example.source):
        weight = float(example.weights[target, i])
        line = "border-bottom: 3px solid #d55e00" if i in gold else "border-bottom: 3px solid transparent"
        note = "<br><small>gold</small>" if i in gold else ""
        shade = f"rgba(0, 114, 178, {0.6 * weight:.2f})"
        cells.append(
            f'<td style="padding: 2px 7px; text-align: center; vertical-align: top; {line}; '
            f'background: {shade}">{escape(word)}<br><small>{weight:.2f}</small>{note}</td>'
        )
    rows = f'<div style="overflow-x: auto"><table><tr>{"".join(cells)}</tr></table></div>'
    return f'<div style="line-height: 1.5">{words}{rows}</div>'
