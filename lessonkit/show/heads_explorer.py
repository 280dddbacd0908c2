"""The explorer of lessons 07 to 10: the maps of all layers and heads, and whom one query asks, with switches."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessonkit.show import plots, touch


@dataclass(frozen=True)
class Heads:
    """The scores of one sentence in every layer and head, before scale and mask, so that both can be switched.

    `products` (layers, heads, Q, T) are q·k; `d_k` is the width of q; `mask`, True = may attend, broadcasts to the
    products (None: no mask); `gold` holds (query, key), the places that ought to be found.
    """

    queries: Sequence[str]
    keys: Sequence[str]
    products: np.ndarray
    d_k: int
    mask: np.ndarray | None = None
    gold: Collection[tuple[int, int]] = ()

    def __post_init__(self) -> None:
        if np.shape(self.products)[2:] != (len(self.queries), len(self.keys)):
            shape = np.shape(self.products)
            raise ValueError(f"products are {shape}, for {len(self.queries)} queries and {len(self.keys)} keys")

    def weights(self, scale: bool = True, mask: bool = True) -> np.ndarray:
        """Softmax over the keys, (layers, heads, Q, T). A query that may attend to nothing has zeros."""
        scores = np.asarray(self.products, dtype=float) / (np.sqrt(self.d_k) if scale else 1.0)
        allowed = np.ones_like(scores, dtype=bool)
        if mask and self.mask is not None:
            allowed = np.broadcast_to(self.mask, scores.shape)
        highest = np.where(allowed, scores, -np.inf).max(-1, keepdims=True)
        powers = np.where(allowed, np.exp(np.where(allowed, scores - highest, 0.0)), 0.0)
        return powers / np.maximum(powers.sum(-1, keepdims=True), np.finfo(float).tiny)


def heads_figure(example: Heads, query: int | None = None, scale: bool = True, mask: bool = True) -> Figure:
    """A small map for each layer (a row of maps) and head (a column); with one head the layers stand side by side.

    `query` is framed in every map, and its rows stand below once more, with the words. Gold is outlined.
    """
    weights = example.weights(scale, mask)
    layers, heads, _, keys = weights.shape
    down, across = (layers, heads) if heads > 1 else (1, layers)
    strip = 0 if query is None else 1.4 + 0.3 * layers * heads
    width = max(2.3 * across, 1.9 + 0.3 * keys if strip else 0.0)
    fig = plt.figure(figsize=(width, 2.4 * down + strip), layout="constrained")
    upper, *lower = fig.subfigures(
        1 + bool(strip), 1, height_ratios=[2.4 * down, strip][: 1 + bool(strip)], squeeze=False
    )[:, 0]
    axes = upper.subplots(down, across, squeeze=False)
    names = []
    for ax, (layer, head) in zip(axes.flat, np.ndindex(layers, heads), strict=True):
        names.append(f"layer {layer + 1}, head {head + 1}")
        plots.attention_map(weights[layer, head], example.queries, example.keys, example.gold, names[-1], ax)
        _make_small(ax)
        if query is not None:
            frame = Rectangle((-0.5, query - 0.5), keys, 1, fill=False, edgecolor=plots.COLOURS[1], linewidth=2)
            ax.add_patch(frame)
    for part in lower:
        gold = {(i, key) for place, key in example.gold if place == query for i in range(len(names))}
        rows = weights[:, :, query].reshape(-1, keys)
        title = f"the row of “{example.queries[query]}” in each map"
        plots.attention_map(rows, names, example.keys, gold, title, part.subplots())
    return fig


def _make_small(ax: Axes) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.title.set_fontsize(9)
    for patch in ax.patches:  # the outlines of gold, on a small cell
        patch.set_linewidth(patch.get_linewidth() / 2)


def heads_in_words(example: Heads, query: int, scale: bool = True, mask: bool = True) -> str:
    """For each layer and head: whom the query asks most, and next, with the weights; and how much lies on gold."""
    gold = [key for place, key in example.gold if place == query]
    sentences = []
    for (layer, head), row in _rows(example.weights(scale, mask), query):
        first, second = [*np.argsort(-row, kind="stable")[:2], None][:2]
        said = f"“{example.queries[query]}” asks “{example.keys[first]}” most ({row[first]:.2f})"
        if row.sum() == 0:
            said = f"“{example.queries[query]}” may ask nobody"
        elif second is not None:
            said += f", then “{example.keys[second]}” ({row[second]:.2f})"
        if gold:
            said += f"; on gold lies {row[gold].sum():.2f}"
        sentences.append(f"Layer {layer + 1}, head {head + 1}: {said}.")
    return " ".join(sentences)


def _rows(weights: np.ndarray, query: int) -> list[tuple[tuple[int, int], np.ndarray]]:
    layers, heads = weights.shape[:2]
    return [((layer, head), weights[layer, head, query]) for layer in range(layers) for head in range(heads)]


def heads_explorer(examples: Sequence[Heads], query: int = 0, scale: bool = True, mask: bool = True) -> None:
    """The touchable map of all layers and heads of some sentences. `query`, `scale` and `mask` say how it starts.

    Each map is made from its own recorded products: a switch doesn't change what a deeper layer was given.
    """
    off = [name for name, on in (("scale", scale), ("mask", mask)) if not on]
    touch.attention(
        [e.products for e in examples], [e.queries for e in examples], [e.keys for e in examples],
        [e.gold for e in examples], d_k=examples[0].d_k, mask=[e.mask for e in examples], start=query, off=off,
    )  # fmt: skip
