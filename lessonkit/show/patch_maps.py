"""Lesson 16's pictures: patches with the cue and its match framed, and maps over them, still and to touch."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from lessonkit.data.patches import CELLS, COLOURS, PATCHES, SIDE, CuePictures
from lessonkit.show import drawing, plots, tables


def show_pictures(data: CuePictures) -> None:
    """All pictures side by side: the cue framed in white, its match in orange, the answer above."""
    fig, axes = plt.subplots(1, len(data.cue), figsize=(2.1 * len(data.cue), 2.4), layout="constrained")
    for i, ax in enumerate(axes):
        _picture(ax, _pixels(data, i), data, i)
        ax.set_title(f"answer: {COLOURS[data.answers[i]]}", fontsize=10)
    said = [
        f"cue at {_place(data.cue[i])}, match, {COLOURS[data.answers[i]]}, at {_place(data.match[i])}"
        for i in range(len(axes))
    ]
    plots.show(fig, "Pictures of patches on grey. " + "; ".join(said) + ".")


def show_maps(data: CuePictures, maps: Mapping[str, Tensor], count: int) -> None:
    """A row a picture: the picture, then for each name the weights (B, N, N) that the cue gives to the cells."""
    fig, axes = plt.subplots(
        count, 1 + len(maps), figsize=(2.3 * (1 + len(maps)), 2.35 * count), squeeze=False, layout="constrained"
    )
    said = []
    for i in range(count):
        _picture(axes[i, 0], _pixels(data, i), data, i)
        for ax, (name, weights) in zip(axes[i, 1:], maps.items(), strict=True):
            row = weights[i, data.cue[i]].detach().numpy()
            image = ax.imshow(row.reshape(CELLS, CELLS), vmin=0, vmax=1, cmap=plots.MAP, extent=_EXTENT)
            _frames(ax, data, i)
            on_match = row[data.match[i]]
            ax.set_title(f"{name}: {on_match:.2f} on the match", fontsize=9)
            said.append(f"picture {i + 1}, {name}: {on_match:.2f} on the match")
            _bare(ax)
    fig.colorbar(image, ax=axes[:, -1], fraction=0.05, pad=0.03, label="weight")
    plots.show(fig, "Where the cue looks; cue framed in white, match in orange. " + "; ".join(said) + ".")


def to_touch(data: CuePictures, maps: Mapping[str, Tensor]) -> tuple:
    """What `touch.regions` needs to show where each patch looks: weights (B, N, N) by name; the equal patch is gold."""
    pictures, weights, words, gold = [], [], [], []
    for i in range(len(data.cue)):
        cells = [int(data.cue[i]), *data.patches[i].tolist()]
        rows = np.stack([w[i, cells].detach().numpy() for w in maps.values()])
        weights.append(rows.reshape(len(maps), len(cells), CELLS, CELLS))
        pictures.append(_pixels(data, i))
        words.append(["the cue", *(f"{_tint(data, i, cell)} patch" for cell in cells[1:])])
        alike = np.zeros((len(cells), CELLS**2), dtype=bool)
        alike[0, cells[1]] = alike[1, cells[0]] = True
        gold.append(alike.reshape(-1, CELLS, CELLS))
    return weights, words, pictures, gold, list(maps)


def beside_self_attention(block: Callable[..., tuple], attention: Callable[..., tuple]) -> None:
    """Say whether a block on a map (x, W_f, W_g, W_h, W_v, γ) is lesson 08's self-attention over its places.

    `attention` is `multi_head_attention`, asked with one head; only its scale differs.
    """
    x, f, g, h, v = (
        torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
        for seed, shape in enumerate([(2, 8, 3, 5), (8, 8), (8, 8), (8, 8), (8, 8)])
    )
    words = x.flatten(2).mT
    layer, _ = attention(words, words, g.T * 8**0.5, f.T, h.T, v.T, heads=1)
    found = block(x, f, g, h, v, torch.tensor(1.0))[0]
    print("equal to five decimals:", torch.allclose(found, x + layer.mT.reshape(x.shape), atol=1e-5))


def show_far(far_pairs: Callable[..., tuple[float, float]], matcher: Callable, data: CuePictures) -> None:
    """The cue's map in `matcher.body.weights` (B, N, N), scored by lesson 16's `far_pairs`, beside blind guesses."""
    matcher(data)
    rows = [
        [f"at least {least} cells apart", *far_pairs(matcher.body.weights, data.cue, data.match, CELLS, least)]
        for least in (1, 3, 5)
    ]
    blind = {"blind: any other cell": CELLS**2 - 1, "blind: any coloured patch": PATCHES}
    rows += [[name, 1 / others, 1 / others] for name, others in blind.items()]
    columns = ["pairs", "weight on the match", "match has the largest weight"]
    tables.show_table(columns, rows, f"{len(data.cue):,} test pictures")


def show_breaks(rows: Sequence[Sequence[object]]) -> None:
    """What each break does: the change, the share right, and both scores of the map."""
    columns = ["change", "share right", "weight on the match", "match has the largest weight"]
    tables.show_table(columns, rows, "Your networks; pictures and digits of the tests")


def show_by_count(lesson: object, models: Mapping[str, str], counts: Sequence[int]) -> None:
    """Recorded accuracy by number of training pictures, one curve a model, with a band from least to greatest."""
    series, said = {}, []
    for model, name in models.items():
        runs = [lesson.recorded(model, str(count)) for count in counts]
        means = [sum(values) / len(values) for values in runs]
        series[name] = (list(counts), means, [min(values) for values in runs], [max(values) for values in runs])
        said.append(
            f"{name} " + ", ".join(f"{mean:.2f} with {count}" for mean, count in zip(means, counts, strict=True))
        )
    fig = plots.lines(series, "training pictures", "share of digits right")
    fig.axes[0].set_xscale("log")
    fig.axes[0].set_xticks(counts, [f"{count:,}" for count in counts])
    fig.axes[0].minorticks_off()
    plots.show(fig, "Share right by number of training pictures: " + "; ".join(said) + ".")


def show_class_maps(maps: Mapping[str, Tensor], data: CuePictures, right: float) -> None:
    """For each of a class token's maps (B, 36): weight on the cue, on the match, and how often the match is first.

    `right` is the share of the answers that are right; the caption says it.
    """
    rows = []
    for name, weights in maps.items():
        first = (weights.gather(1, data.patches).argmax(1) == 0).float().mean().item()
        on = (weights.gather(1, cells[:, None]).mean().item() for cells in (data.cue, data.match))
        rows.append([name, *on, first])
    rows.append(["blind", 1 / 36, 1 / 36, 1 / PATCHES])
    columns = ["map of the class token", "weight on the cue", "weight on the match", "match first of the eight patches"]
    tables.show_table(columns, rows, f"{len(data.cue):,} test pictures, {right:.1%} answered right")


def draw_block() -> None:
    """The attention block as a drawing."""
    d = drawing.Drawing(
        "The map x, C by H by W, is flattened to N places with C features. Three matrices make keys f, queries g and "
        "values h. Queries times keys, softmax over those who are asked, gives N by N weights; they average the "
        "values; W_v brings them back to C features; times gamma, this is added to x.",
        width=8.6,
        height=3.2,
    )
    x = d.box(0.8, 1.7, "map x", "(C, H, W)", kind="input")
    g = d.box(2.6, 2.75, "g: asks", "(N, C̄)", kind="learned")
    f = d.box(2.6, 1.7, "f: is asked", "(N, C̄)", kind="learned")
    h = d.box(2.6, 0.65, "h: answers", "(N, C̄)", kind="learned")
    weights = d.box(4.5, 2.2, "softmax(g fᵀ)", "(N, N), rows sum to 1", kind="attention")
    o = d.box(6.3, 1.2, "W_v: back to C", "o (N, C)", kind="learned")
    y = d.box(7.9, 1.7, "y = x + γ o", "(C, H, W)", kind="output")
    for part in (g, f, h):
        d.arrow(x, part)
    d.arrow(g, weights)
    d.arrow(f, weights)
    d.arrow(weights, o, "average")
    d.arrow(h, o)
    d.arrow(o, y, "γ")
    d.arrow((0.8, 1.36), (7.9, 1.36), bend=0.3, dashed=True)
    d.text(5.6, 0.35, "x itself goes on unchanged")
    d.show()


_EXTENT = (-0.5, CELLS * SIDE - 0.5, CELLS * SIDE - 0.5, -0.5)  # so that a map of cells covers the pixels


def _pixels(data: CuePictures, i: int) -> np.ndarray:
    return data.pictures[i].permute(1, 2, 0).numpy()


def _picture(ax: Axes, pixels: np.ndarray, data: CuePictures, i: int) -> None:
    ax.imshow(pixels, interpolation="nearest")
    _frames(ax, data, i)
    _bare(ax)


def _frames(ax: Axes, data: CuePictures, i: int) -> None:
    for cell, colour in ((data.cue[i], "white"), (data.match[i], plots.COLOURS[4])):
        top, left = SIDE * (int(cell) // CELLS) - 0.5, SIDE * (int(cell) % CELLS) - 0.5
        for edge, width in (("black", 4.5), (colour, 2.2)):
            ax.add_patch(Rectangle((left, top), SIDE, SIDE, fill=False, edgecolor=edge, linewidth=width))


def _bare(ax: Axes) -> None:
    ax.set_xticks([])
    ax.set_yticks([])


def _place(cell: Tensor) -> str:
    return f"row {int(cell) // CELLS + 1}, column {int(cell) % CELLS + 1}"


def _tint(data: CuePictures, i: int, cell: int) -> str:
    """The name of a patch's colour, from its pixels."""
    top, left = SIDE * (cell // CELLS), SIDE * (cell % CELLS)
    red, green, blue = data.pictures[i, :, top : top + SIDE, left : left + SIDE].mean((1, 2)).tolist()
    if red > blue < green and abs(red - green) < 0.05:
        return "yellow"
    return COLOURS[[red, green, blue].index(max(red, green, blue))]
