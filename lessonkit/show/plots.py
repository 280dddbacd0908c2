"""Figures as they look everywhere in the course: attention maps, curves and bars, each shown with alternative text."""

import base64
import io
from collections.abc import Collection, Mapping, Sequence
from html import escape

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lessonkit import kernel

# Okabe and Ito's palette, which colour-blind readers can tell apart; markers and dashes tell the same a second time.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "x")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
MAP = "cividis"
_DPI = 90
if get_ipython() is None:  # not in a notebook: no window is wanted
    matplotlib.use("Agg")


def image_html(fig: Figure, alt: str) -> str:
    """The figure as an HTML image with alternative text; the same figure gives the same characters."""
    return _html(_png(fig), alt)


def show(fig: Figure, alt: str) -> None:
    """Display a figure with its alternative text, and close it.

    JupyterLab shows no alternative text for a bare picture, so the page gets an HTML image. A page that isn't trusted
    yet may drop that, so the bare picture travels along, and the words for readers without pictures.
    """
    from IPython.display import display

    display(bundle(fig, alt), raw=True)
    plt.close(fig)


def bundle(fig: Figure, alt: str) -> dict[str, str]:
    """A figure as it is displayed: HTML with its words, the bare picture, and the words."""
    png = _png(fig)
    return {"text/html": _html(png, alt), "image/png": png, "text/plain": f"[figure] {alt}"}


def _png(fig: Figure) -> str:
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=_DPI, bbox_inches="tight", metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode()


def _html(png: str, alt: str) -> str:
    return f'<img src="data:image/png;base64,{png}" alt="{escape(alt)}" style="max-width: 100%">'


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    if ax is not None:
        return ax
    _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def attention_map(
    weights: object,
    queries: Sequence[str],
    keys: Sequence[str],
    gold: Collection[tuple[int, int]] | np.ndarray | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    sides: tuple[str, str] | None = None,
) -> Figure:
    """Attention weights (queries, keys) from 0 to 1: rows are queries, columns keys. `gold` is outlined.

    `gold` is a collection of (query, key), or a boolean array of the weights' shape. `sides` says what queries and keys
    are ("French word", "English word"); a map of its own has "query" and "key" if nothing is said.
    """
    weights = np.asarray(weights.detach() if hasattr(weights, "detach") else weights, dtype=float)
    if weights.shape != (len(queries), len(keys)):
        raise ValueError(f"weights are {weights.shape}, for {len(queries)} queries and {len(keys)} keys")
    own = ax is None
    ax = _axes(ax, 1.9 + 0.36 * len(keys), 1.2 + 0.32 * len(queries))
    image = ax.imshow(weights, vmin=0.0, vmax=1.0, cmap=MAP, aspect="auto")
    ax.xaxis.tick_top()
    upright = max(map(len, keys), default=0) <= 2
    slanted = {"rotation": 55, "ha": "left", "va": "bottom", "rotation_mode": "anchor"}  # begins at its column's middle
    ax.set_xticks(range(len(keys)), keys, **({} if upright else slanted))
    ax.set_yticks(range(len(queries)), queries)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for query, key in outlined(gold):
        for colour, width in (("black", 3.2), ("white", 1.6)):  # seen on both ends of the map
            box = Rectangle((key - 0.46, query - 0.46), 0.92, 0.92, fill=False, edgecolor=colour, linewidth=width)
            ax.add_patch(box)
    if title:
        ax.set_title(title, loc="left", fontsize=10)
    if sides is None and own:
        sides = "query", "key"
    if sides is not None:
        ax.xaxis.set_label_position("top")
        ax.set_ylabel(sides[0])
        ax.set_xlabel(sides[1])
    if own:
        ax.figure.colorbar(image, ax=ax, fraction=0.04, pad=0.02, label="weight")
    return ax.figure


def first_of_the_largest(values: np.ndarray) -> int:
    """Where the largest value stands. Of those that differ by rounding only, the first: so on every machine."""
    largest = np.abs(values[np.isfinite(values)]).max(initial=0.0) or 1.0
    return int(np.argmax(np.round(values / largest, 5)))


def outlined(gold: Collection[tuple[int, int]] | np.ndarray | None) -> list[tuple[int, int]]:
    """Gold as a list of (query, key)."""
    if gold is None:
        return []
    if isinstance(gold, np.ndarray) or hasattr(gold, "detach"):
        return [tuple(map(int, place)) for place in np.argwhere(np.asarray(gold))]
    return sorted(gold)


def lines(
    series: Mapping[str, tuple],
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Curves by name: (xs, ys), or (xs, ys, lows, highs) with a band between the least and the greatest."""
    ax = _axes(ax, 6.4, 3.4)
    for i, (name, (xs, ys, *band)) in enumerate(series.items()):
        look = {
            "color": COLOURS[i % 7],
            "linestyle": DASHES[i % 7],
            "linewidth": max(1.2, 2.4 - 0.4 * i),
        }  # none hidden
        few = len(xs) <= 24
        ax.plot(xs, ys, marker=MARKERS[i % 7] if few else None, markersize=5, label=name, **look)
        if band:
            ax.fill_between(xs, *band, color=look["color"], alpha=0.15, linewidth=0)
    return _finish(ax, xlabel, ylabel, title, legend=len(series) > 1)


def bars(
    series: Mapping[str, Sequence[float]],
    groups: Sequence[str],
    ylabel: str,
    title: str | None = None,
    spread: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Bars by name, side by side within each group. `spread`: (least, greatest) of each bar, drawn as a whisker."""
    ax = _axes(ax, 6.4, 3.4)
    width = 0.8 / len(series)
    for i, (name, values) in enumerate(series.items()):
        places = np.arange(len(groups)) + (i - (len(series) - 1) / 2) * width
        whiskers = None
        if spread:
            lows, highs = np.array(spread[name], dtype=float).T
            middles = np.array(values, dtype=float)
            whiskers = np.maximum([middles - lows, highs - middles], 0.0)  # a mean may be rounded
        labels = [f"{value:.2f}" if isinstance(value, float) else str(value) for value in values]
        drawn = ax.bar(
            places, values, 0.92 * width, yerr=whiskers, capsize=3, color=COLOURS[i % 7],
            hatch=("", "//", "..", "xx")[i % 4], label=name,
        )  # fmt: skip
        ax.bar_label(drawn, labels, fontsize=8, padding=2)  # above the whiskers, where there are some
    ax.set_xticks(range(len(groups)), groups)
    return _finish(ax, "", ylabel, title, legend=len(series) > 1)


def _finish(ax: Axes, xlabel: str, ylabel: str, title: str | None, legend: bool) -> Figure:
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    if title:
        ax.set_title(title, loc="left", fontsize=11)
    if legend:
        ax.legend(frameon=False, fontsize=9)
    return ax.figure


def legend_outside(ax: Axes) -> None:
    """Move the legend above the axes, off the data, with all that has a name."""
    names = ax.get_legend_handles_labels()[1]
    if ax.get_legend() is not None:
        ax.get_legend().remove()
    if len(names) > 1:
        ax.figure.legend(loc="outside upper left", ncols=min(4, len(names)), frameon=False, fontsize=9)


def in_notebook() -> bool:
    """Whether what is displayed is seen: in a notebook, but not in a plain Python process."""
    return kernel.shell() is not None
