"""Figures that a demonstration shows in one line: curves, bars, maps, film strips, with words made from their data.

Each takes results and the words for its axes, displays a figure, and says in its alternative text what the data say.
`says` puts a sentence of one's own before that. plots.py has the same as figures to draw further on.
"""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lessonkit.show import plots

_GREY = "#595959"
Guess = float | Mapping[str, float] | None  # a line for what a guess would reach: its height, or heights by name


def curves(
    series: Mapping[str, tuple],
    x: str,
    y: str,
    *,
    title: str | None = None,
    guess: Guess = None,
    limits: tuple[float, float] | None = None,
    log: str = "",
    ticks: Mapping[float, str] | None = None,
    points: Mapping[str, tuple] | None = None,
    marks: Mapping[str, float] | None = None,
    says: str = "",
) -> None:
    """Curves by name: (xs, ys), (xs, ys, lows, highs), or (xs, runs) with a row of ys for each run.

    Of several runs the mean is drawn, with a band from the least to the greatest. `log` is "x", "y" or "xy"; `ticks`
    are labels by place; `points` are dots by name, (xs, ys); `marks` are dotted upright lines by name.
    """
    series = {name: _with_band(curve) for name, curve in series.items()}
    fig = plots.lines(series, x, y, title)
    ax = fig.axes[0]
    for name, (xs, ys) in (points or {}).items():
        ax.scatter(_list(xs), _list(ys), s=14, color="#777777", label=name, zorder=1)
    for name, place in (marks or {}).items():
        ax.axvline(place, color=plots.COLOURS[1], linestyle=":", label=name)
    _guess_lines(ax, guess)
    for axis in log:
        getattr(ax, f"set_{axis}scale")("log")
    if ticks:
        ax.set_xticks(list(ticks), list(ticks.values()))
        ax.minorticks_off()
    if limits:
        ax.set_ylim(*limits)
    plots.legend_outside(ax)
    said = "; ".join(f"{name}: {_course(curve, ticks)}" for name, curve in series.items())
    plots.show(fig, _words(says, title, f"{y} by {x}. {said}", guess))


def bars(
    series: Mapping[str, Sequence],
    groups: Sequence[str],
    y: str,
    *,
    title: str | None = None,
    guess: Guess = None,
    limits: tuple[float, float] | None = None,
    says: str = "",
) -> None:
    """Bars by name within each group. A bar's value is a number, or the list of its runs: mean, and a whisker."""
    means = {name: [float(np.mean(value)) for value in values] for name, values in series.items()}
    several = any(np.ndim(value) for values in series.values() for value in values)
    spread = {name: [(np.min(value), np.max(value)) for value in values] for name, values in series.items()}
    fig = plots.bars(means, groups, y, title, spread if several else None)
    ax = fig.axes[0]
    group = max(0.75 * len(series), 0.095 * max(map(len, groups)) + 0.15)  # inches: room for its bars, and its name
    fig.set_size_inches(max(4.5, min(9.0, 1.2 + group * len(groups))), 3.2)
    _guess_lines(ax, guess)
    if limits:
        ax.set_ylim(*limits)
    plots.legend_outside(ax)
    said = "; ".join(
        (f"{name}: " if len(series) > 1 else "")
        + ", ".join(f"{g} {v:.2f}" for g, v in zip(groups, values, strict=True))
        for name, values in means.items()
    )
    plots.show(fig, _words(says, title, f"{y}. {said}", guess))


def attention(
    weights: object,
    queries: Sequence[str],
    keys: Sequence[str],
    gold: Collection[tuple[int, int]] | np.ndarray | None = None,
    *,
    sides: tuple[str, str] = ("query", "key"),
    title: str | None = None,
    says: str = "",
) -> None:
    """One attention map, gold outlined; the words say whom each query looks at most, and how much lies on gold."""
    fig = plots.attention_map(weights, queries, keys, gold, title, sides=sides)
    plots.show(fig, _words(says, title, _map_words(weights, queries, keys, gold)))


def attentions(
    maps: Mapping[str, object],
    queries: Sequence[str],
    keys: Sequence[str],
    gold: Collection[tuple[int, int]] | np.ndarray | None = None,
    *,
    sides: tuple[str, str] = ("query", "key"),
    columns: int = 2,
    says: str = "",
) -> None:
    """Several maps of the same words side by side, each with its name."""
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    size = (columns * (1.4 + 0.3 * len(keys)), rows * (1.1 + 0.28 * len(queries)))
    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat[len(maps) :]:
        ax.set_axis_off()
    said = []
    for ax, (name, weights) in zip(axes.flat, maps.items(), strict=False):
        plots.attention_map(weights, queries, keys, gold, name, ax, sides)
        said.append(f"{name}: {_map_words(weights, queries, keys, gold)}")
    plots.show(fig, _words(says, None, " ".join(said)))


def film(
    words: Sequence[str],
    picture: np.ndarray,
    maps: Mapping[str, object],
    gold: object = None,
    picked: Mapping[str, Sequence[int]] | None = None,
    says: str = "",
) -> None:
    """A row a model, a picture a word, lit by its weights (words, h, w); gold (words, h, w) is outlined.

    `picked` gives for some models the region (counted row by row) that it took for each word: it gets a dot.
    """
    fig, axes = plt.subplots(len(maps), len(words), squeeze=False, layout="constrained")
    fig.set_size_inches(1.15 * len(words), 1.35 * len(maps))
    said = [f"“{' '.join(words)}”, word by word."]
    for row, (name, weights) in zip(axes, maps.items(), strict=True):
        weights = np.asarray(weights, dtype=float)
        for i, (ax, word) in enumerate(zip(row, words, strict=True)):
            region = np.zeros(weights[i].shape, dtype=bool) if gold is None else np.asarray(gold[i], dtype=bool)
            lit_picture(ax, picture, weights[i], region)
            if name in (picked or {}):
                _dot(ax, picture, weights[i].shape, picked[name][i])
            ax.set_title(word, fontsize=9)
        row[0].set_ylabel(name, fontsize=9)
        if gold is not None:
            on = [
                f"{w} {m[g].sum():.2f}"
                for w, m, g in zip(words, weights, np.asarray(gold, bool), strict=True)
                if g.any()
            ]
            said.append(f"Weight on the gold region, {name}: {', '.join(on)}.")
    plots.show(fig, _words(says, None, " ".join(said)))


def lit_picture(ax: Axes, picture: np.ndarray, weights: np.ndarray, gold: np.ndarray) -> None:
    """Draw a picture (H, W, 3) as bright at each region as its weight, beside the largest; gold regions outlined."""
    height, width = picture.shape[:2]
    down, across = height // weights.shape[0], width // weights.shape[1]
    light = np.kron(weights / max(weights.max(), 1e-12), np.ones((down, across)))[:, :, None]
    pixels = np.asarray(picture, dtype=float) / (255 if np.max(picture) > 1 else 1)
    ax.imshow((pixels * (0.2 + 0.8 * light) + 0.27 * light * (1 - pixels)).clip(0, 1), interpolation="nearest")
    if gold.any():  # a rim of False, so that the line goes all the way round
        outline = np.pad(np.kron(gold, np.ones((down, across))), 1)
        ax.contour(np.arange(-1, width + 1), np.arange(-1, height + 1), outline, [0.5], colors=[plots.COLOURS[4]])
    ax.set(xlim=(-1, width), ylim=(height, -1), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _dot(ax: Axes, picture: np.ndarray, grid: tuple[int, ...], region: int) -> None:
    down, across = picture.shape[0] // grid[0], picture.shape[1] // grid[1]
    row, column = divmod(int(region), grid[1])
    place = across * (column + 0.5) - 0.5, down * (row + 0.5) - 0.5
    ax.plot(*place, "o", markersize=5, markerfacecolor="white", markeredgecolor="black")


def frame(ax: Axes, row: int, columns: int) -> None:
    """Frame one row of a map."""
    ax.add_patch(Rectangle((-0.5, row - 0.5), columns, 1, fill=False, edgecolor=plots.COLOURS[1], linewidth=2))


def _list(values: object) -> np.ndarray:
    return np.asarray(values.detach() if hasattr(values, "detach") else values, dtype=float)


def _with_band(curve: tuple) -> tuple:
    xs, ys, *band = (_list(part) for part in curve)
    if ys.ndim == 2:
        return xs, ys.mean(0), ys.min(0), ys.max(0)
    return (xs, ys, *band)


def _course(curve: tuple, ticks: Mapping[float, str] | None) -> str:
    """A curve in words: its first and last value, and its highest and lowest where they lie between."""
    xs, ys = curve[0], curve[1]
    order = {0, len(ys) - 1, plots.first_of_the_largest(ys), plots.first_of_the_largest(-ys)}
    place = [(ticks or {}).get(float(xs[i]), f"{xs[i]:.4g}") for i in range(len(xs))]
    return ", ".join(f"{ys[i]:.3g} at {place[i]}" for i in sorted(order))


def _guess_lines(ax: Axes, guess: Guess) -> None:
    named = {} if guess is None else guess if isinstance(guess, Mapping) else {"a guess": guess}
    for name, height in named.items():
        ax.axhline(height, color=_GREY, linestyle=(0, (1, 2)), linewidth=1.3, zorder=1)
        place = {"xy": (1.0, height), "xycoords": ("axes fraction", "data"), "xytext": (3, 0)}
        ax.annotate(
            name, **place, textcoords="offset points", fontsize=8, va="center", color=_GREY, annotation_clip=False
        )


def _words(says: str, title: str | None, said: str, guess: Guess = None) -> str:
    named = {} if guess is None else guess if isinstance(guess, Mapping) else {"a guess": guess}
    lines = "".join(f" Dotted line, {name}: {height:.2f}." for name, height in named.items())
    parts = [says, f"{title}." if title else "", said if said.endswith(".") else f"{said}."]
    return " ".join(part for part in parts if part) + lines


def _map_words(weights: object, queries: Sequence[str], keys: Sequence[str], gold: object) -> str:
    w = _list(weights)
    most = ", ".join(
        f"{query} at {keys[plots.first_of_the_largest(row)]} {row.max():.2f}"
        for query, row in zip(queries, w, strict=True)
    )
    cells = plots.outlined(gold)
    note = f" On gold lies {sum(w[q, k] for q, k in cells) / len({q for q, _ in cells}):.2f} of a row." if cells else ""
    return f"Most looked at: {most}.{note}"
