"""Explore captions: pick a word; see where it is in the picture, and where one or two models looked. Works offline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessonkit.data.scenes import GRID, PATCH, PIXELS, Scene, gold_regions, render_bytes
from lessonkit.show import plots


@dataclass(frozen=True)
class CaptionExample:
    """A scene, and by the name of a model: its attention maps, and the caption that it wrote.

    `maps[name]` is (words, 7, 7), for the words of the scene's right caption; `said[name]` is any list of words.
    Either may be empty.
    """

    scene: Scene
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)
    said: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def looked(self, name: str, word: int) -> tuple[float, float, bool]:
        """A model's map for a word: its largest weight, its weight in the gold region, whether the largest is there."""
        weights, gold = np.asarray(self.maps[name][word]), gold_regions(self.scene)[word]
        place = np.unravel_index(weights.argmax(), weights.shape)
        return float(weights.max()), float(weights[gold].sum()), bool(gold[place])


def caption_explorer(examples: Sequence[CaptionExample]) -> ipywidgets.VBox:
    """Pick a scene and a word of its caption: the picture with the gold region, each map over it, and text beside."""
    from IPython.display import display

    titles = [(" ".join(example.scene.caption), i) for i, example in enumerate(examples)]
    wide = ipywidgets.Layout(width="min(46em, 95%)")
    narrow = {"description_width": "initial"}
    scene = ipywidgets.Dropdown(options=titles, description="scene", layout=wide, style=narrow)
    place = ipywidgets.IntSlider(min=0, max=1, description="word", readout=False, layout=wide, style=narrow)
    picture, text = ipywidgets.HTML(), ipywidgets.HTML()

    def pick_word(_: object = None) -> None:
        example = examples[scene.value]
        fig = word_figure(example, place.value)
        picture.value = plots.image_html(fig, word_alt(example, place.value))
        plt.close(fig)
        text.value = word_text(example, place.value)

    def pick_scene(_: object = None) -> None:
        place.max = len(examples[scene.value].scene.caption) - 1
        place.value = min(place.value, place.max)
        pick_word()

    scene.observe(pick_scene, names="value")
    place.observe(pick_word, names="value")
    pick_scene()
    beside = ipywidgets.HBox([picture, text], layout=ipywidgets.Layout(flex_flow="row wrap"))
    box = ipywidgets.VBox([scene, place, beside])
    display(box)
    return box


def word_figure(example: CaptionExample, word: int) -> Figure:
    """The picture, and beside it once more for each map, lit where the model looked; the gold region is outlined."""
    pixels = render_bytes([example.scene])[0].transpose(1, 2, 0)
    gold = gold_regions(example.scene)[word]
    fig, axes = plt.subplots(1, 1 + len(example.maps), squeeze=False, layout="constrained")
    fig.set_size_inches(2.4 * axes.size, 2.7)
    _picture(axes[0, 0], pixels, gold, f"“{example.scene.caption[word]}”")
    for ax, (name, maps) in zip(axes[0, 1:], example.maps.items(), strict=True):
        weights = np.asarray(maps[word], dtype=float)
        largest, on_gold, _ = example.looked(name, word)
        note = f", {on_gold:.2f} on gold" if gold.any() else ""
        _picture(ax, lit(pixels, weights), gold, f"{name}: largest {largest:.2f}{note}")
        row, column = np.unravel_index(weights.argmax(), weights.shape)
        centre = PATCH * column + PATCH / 2 - 0.5, PATCH * row + PATCH / 2 - 0.5
        ax.plot(*centre, "o", markersize=6, markerfacecolor="white", markeredgecolor="black")
    return fig


def lit(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A picture (42, 42, 3) that is as bright at each of the 7 × 7 positions as its weight, relative to the largest."""
    light = np.kron(weights / max(weights.max(), 1e-12), np.ones((PATCH, PATCH)))[:, :, None]
    return (pixels * (0.2 + 0.8 * light) + 70 * light * (1 - pixels / 255)).clip(0, 255).astype(np.uint8)


def _picture(ax: Axes, pixels: np.ndarray, gold: np.ndarray, title: str) -> None:
    ax.imshow(pixels, interpolation="nearest")
    edge = -0.5
    for colour, width in (("black", 4.0), (plots.COLOURS[4], 2.0)):
        for row, column in np.argwhere(gold):
            left, top = PATCH * column + edge, PATCH * row + edge
            right, bottom = left + PATCH, top + PATCH
            sides = {(0, -1): ([left, left], [top, bottom]), (0, 1): ([right, right], [top, bottom]),
                     (-1, 0): ([left, right], [top, top]), (1, 0): ([left, right], [bottom, bottom])}  # fmt: skip
            for (down, across), line in sides.items():
                y, x = row + down, column + across
                if not (0 <= y < GRID and 0 <= x < GRID and gold[y, x]):  # only where the region ends
                    ax.plot(*line, color=colour, linewidth=width, solid_capstyle="projecting")
    ax.set_xlim(edge - 0.5, PIXELS + edge + 0.5)
    ax.set_ylim(PIXELS + edge + 0.5, edge - 0.5)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.add_patch(Rectangle((edge, edge), PIXELS, PIXELS, fill=False, edgecolor="grey", linewidth=0.5))
    ax.set_title(title, fontsize=9)


def word_alt(example: CaptionExample, word: int) -> str:
    """The figure in words."""
    caption = example.scene.caption
    parts = [f"The scene “{' '.join(caption)}”, word “{caption[word]}”."]
    has_gold = bool(example.scene.about[word])
    if not has_gold:
        parts.append("The word is about no region.")
    for name in example.maps:
        largest, on_gold, inside = example.looked(name, word)
        where = f", {'inside' if inside else 'outside'} the gold region, which has {on_gold:.2f}" if has_gold else ""
        parts.append(f"{name}: largest weight {largest:.2f}{where}.")
    return " ".join(parts)


def word_text(example: CaptionExample, word: int) -> str:
    """The caption with the word marked, what was looked at, and what the models wrote themselves."""
    words = " ".join(
        f"<strong>[{escape(w)}]</strong>" if i == word else escape(w) for i, w in enumerate(example.scene.caption)
    )
    lines = [words]
    if not example.scene.about[word]:
        lines.append("This word is about no region.")
    for name in example.maps:
        largest, on_gold, inside = example.looked(name, word)
        note = ""
        if example.scene.about[word]:
            note = f"; on gold: {on_gold:.2f}; the largest is {'inside' if inside else '<em>outside</em>'}"
        lines.append(f"{escape(name)}: largest weight {largest:.2f}{note}")
    for name, said in example.said.items():
        right = "right" if tuple(said) == example.scene.caption else "wrong"
        lines.append(f"{escape(name)} wrote ({right}): {escape(' '.join(said))}")
    paragraphs = "".join(f'<p style="margin: 0.3em 0">{line}</p>' for line in lines)
    return f'<div style="line-height: 1.4; max-width: 24em; padding: 0.5em 1em">{paragraphs}</div>'
