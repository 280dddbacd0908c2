"""Explore captions: pick a word; see where it is in the picture, and where one or two models looked. Works offline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessonkit.data.scenes import GRID, PATCH, PIXELS, Scene, gold_regions, render_bytes
from lessonkit.show import plots, touch


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


def caption_explorer(examples: Sequence[CaptionExample]) -> None:
    """Pick a scene and a word of its caption on the touchable map; below stands what the models wrote."""
    names = list(examples[0].maps)
    notes = []
    for example in examples:
        right = {name: tuple(said) == example.scene.caption for name, said in example.said.items()}
        notes.append(
            ". ".join(
                f"{name} wrote ({'right' if right[name] else 'wrong'}): {' '.join(said)}"
                for name, said in example.said.items()
            )
        )
    touch.regions(
        [np.stack([np.asarray(example.maps[name]) for name in names]) for example in examples],
        [example.scene.caption for example in examples],
        [render_bytes([example.scene])[0].transpose(1, 2, 0) for example in examples],
        [gold_regions(example.scene) for example in examples],
        names,
        notes=notes,
    )


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
