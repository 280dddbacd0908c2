"""Looking at pictures: the path of glimpses, what each of them saw, and an explorer of both. Works offline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lessonkit.data.digits import Canvases
from lessonkit.show import figures, plots, tables, timing

Box = Sequence[float]  # top, left, bottom, right in pixels


@dataclass(frozen=True)
class Look:
    """A picture (H, W) from 0 to 1, where its digit is and which it is, and how somebody looked at it.

    `places` (T, 2) are from −1 to 1, down and across; `patches` (T, scales, h, w) is what each glimpse saw, from narrow
    to wide; `said[t]` is the answer after glimpse t. All three may be empty.
    """

    picture: np.ndarray
    label: int
    box: Box
    places: np.ndarray
    patches: np.ndarray
    said: Sequence[int]

    @property
    def pixels(self) -> np.ndarray:
        """The places (T, 2) in pixels: 0 is the upper or left edge of the picture."""
        return (np.asarray(self.places) + 1) / 2 * np.array(self.picture.shape)

    def on_target(self) -> list[bool]:
        """Whether each glimpse's middle lies in the box."""
        top, left, bottom, right = self.box
        return [bool(top <= y < bottom and left <= x < right) for y, x in self.pixels]


def looks(
    canvas: Canvases,
    places: Tensor | None = None,
    said: Tensor | None = None,
    retina: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> list[Look]:
    """How N canvases were looked at: places (N, T, 2), answers (N, T), and what `retina(pictures, places)` saw."""
    N = len(canvas)
    places = canvas.pictures.new_empty(N, 0, 2) if places is None else places.detach()
    T = places.shape[1]
    seen = [retina(canvas.pictures, places[:, t]).detach().numpy() for t in range(T)] if retina else []
    return [
        Look(
            canvas.pictures[i].numpy(), int(canvas.labels[i]), canvas.boxes[i].tolist(), places[i].numpy(),
            np.array([patches[i] for patches in seen]), [] if said is None else said[i].tolist(),
        )
        for i in range(N)
    ]  # fmt: skip


def paths(found: Sequence[Look]) -> None:
    """Show pictures side by side, each with its path, numbered from 1, and the digit's box."""
    plots.show(*paths_figure(found))


def paths_figure(found: Sequence[Look]) -> tuple[Figure, str]:
    """The same as a figure, and in words."""
    fig, axes = plt.subplots(1, len(found), squeeze=False, layout="constrained")
    fig.set_size_inches(min(2.1 * len(found), 10.5), 2.5)
    alt = []
    for ax, look in zip(axes[0], found, strict=True):
        _path(ax, look, len(look.places))
        title = f"a {look.label}, read as {look.said[-1]}" if look.said else f"a {look.label}"
        ax.set_title(title, fontsize=9)
        hits = look.on_target()
        alt.append(f"{title}: {sum(hits)} of {len(hits)} glimpses on the digit" if hits else title)
    return fig, f"Pictures, the digit's box outlined{', and paths of glimpses' * bool(hits)}. {'; '.join(alt)}."


def glimpse(look: Look, *numbers: int) -> None:
    """Show the path so far on the picture, and beside it what each glimpse (from 1) saw, from narrow to wide."""
    for number in numbers:
        plots.show(*glimpse_figure(look, number))


def glimpse_figure(look: Look, number: int) -> tuple[Figure, str]:
    """One of them as a figure, and in words."""
    patches = look.patches[number - 1]
    fig, axes = plt.subplots(1, 1 + len(patches), squeeze=False, layout="constrained")
    fig.set_size_inches(2.2 + 1.5 * len(patches), 2.5)
    _path(axes[0, 0], look, number)
    y, x = look.pixels[number - 1]
    for scale, (ax, patch) in enumerate(zip(axes[0, 1:], patches, strict=True)):
        side = len(patch) * 2**scale
        frame = Rectangle((x - side / 2, y - side / 2), side, side, fill=False, edgecolor=plots.COLOURS[5], linewidth=1)
        axes[0, 0].add_patch(frame)
        _picture(ax, patch)
        ax.set_title(f"{side} × {side} pixels", fontsize=9)
    says = f"; now it says {look.said[number - 1]}" if len(look.said) else ""
    axes[0, 0].set_title(f"a {look.label}{says}", fontsize=9)
    where = "on" if look.on_target()[number - 1] else "beside"
    return fig, f"Glimpse {number} of {len(look.places)} at a {look.label}: its middle is {where} the digit{says}."


def read_right(said: Tensor, labels: Tensor) -> None:
    """Print the share of pictures that are read right after each glimpse: `said` (N, glimpses), labels (N,)."""
    right = (said == labels.unsqueeze(1)).float().mean(dim=0)
    print("read right after glimpse 1, 2, …:", " ".join(f"{x:.3f}" for x in right))


def full_size(full: Mapping) -> None:
    """The record of the full-size run: learned looking, looking anywhere, and learned looking once more, longer."""
    rows = []
    for arm in ("learned", "random", "learned, longer"):
        errors = (f"{full[arm]['error_by_glimpse'][t - 1]:.1%}" for t in (1, 2, 4, 8))
        rows.append([arm, *errors, f"{full[arm]['on_target'][-1]:.0%}", f"{full[arm]['steps']:,}"])
    columns = ["eight glimpses", *(f"errors after {t}" for t in (1, 2, 4, 8)), "last on the digit", "steps of 256"]
    tables.show_table(columns, rows, f"{full['data']}; {full['machine']}, {full['date']}; 10,000 test canvases")


def explorer(found: Sequence[Look]) -> ipywidgets.VBox:
    """Pick a picture and a glimpse: the path so far, and what the retina sees there."""
    from IPython.display import display

    names = [(f"{i + 1}: a {look.label}, read as {look.said[-1]}", i) for i, look in enumerate(found)]
    style = {"description_width": "initial"}
    which = ipywidgets.Dropdown(options=names, description="picture", style=style)
    number = ipywidgets.IntSlider(value=1, min=1, max=len(found[0].places), description="glimpse", style=style)
    shown = ipywidgets.HTML()

    def redraw(_: object = None) -> None:
        fig, alt = glimpse_figure(found[which.value], number.value)
        shown.value = plots.image_html(fig, alt)
        plt.close(fig)

    for control in (which, number):
        control.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([which, number, shown])
    display(box)
    return box


def panels(pictures: Mapping[str, object], alt: str) -> None:
    """Show named pictures side by side; those whose name begins with "A" are attention matrices, in colour."""
    plots.show(*panels_figure(pictures, alt))


def panels_figure(pictures: Mapping[str, object], alt: str) -> tuple[Figure, str]:
    """The same as a figure, and in words."""
    fig, axes = plt.subplots(1, len(pictures), squeeze=False, layout="constrained")
    fig.set_size_inches(min(2.3 * len(pictures), 10.5), 2.5)
    for ax, (name, pixels) in zip(axes[0], pictures.items(), strict=True):
        if name.startswith("A"):
            ax.imshow(np.asarray(pixels), cmap=plots.MAP, vmin=0, vmax=1, interpolation="nearest")
            ax.set(xticks=[], yticks=[])
        else:
            _picture(ax, np.asarray(pixels))
        ax.set_title(name, fontsize=9)
    return fig, f"{alt} Side by side: {', '.join(pictures)}."


def costs(models: Mapping[str, Callable[[Tensor], object]], sides: Sequence[int]) -> None:
    """Show how long each model takes for eight empty pictures of these sides, forward; both axes logarithmic."""
    took = {
        name: (sides, [timing.milliseconds(model, torch.zeros(8, side, side)) for side in sides])
        for name, model in models.items()
    }
    ticks = {side: str(side) for side in sides}
    figures.curves(took, "pixels of a side", "milliseconds", log="xy", ticks=ticks)


def on_average(
    mean_gradient: Callable[..., Tensor], losses: Mapping[str, Callable[..., Tensor]],
    logits: Sequence[float], rewards: Sequence[float], baseline: float,
) -> int:  # fmt: skip
    """Show the gradient that each loss has on average over all places, below that of −E[R]; how many have the same."""
    x, worth = torch.tensor(logits), torch.tensor(rewards)
    chances = x.softmax(dim=0)
    expected = chances * (chances @ worth - worth)
    found = {name: mean_gradient(loss, x, worth, torch.tensor(baseline)) for name, loss in losses.items()}
    rows = [[name, *(f"{part:+.3f}" for part in g)] for name, g in {"what it should be": expected, **found}.items()]
    places = [f"logit {number}" for number in range(1, len(logits) + 1)]
    paid = ", ".join(f"{reward:g}" for reward in rewards)
    tables.show_table(["loss", *places], rows, f"Rewards of the places: {paid}; baseline {baseline:g}")
    return sum(torch.allclose(g, expected.to(g.dtype), atol=1e-5) for g in found.values())


def _path(ax: Axes, look: Look, number: int) -> None:
    _picture(ax, look.picture)
    top, left, bottom, right = look.box
    ax.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=plots.COLOURS[4], linewidth=1.5)
    )
    y, x = look.pixels[:number].T
    ax.plot(x, y, color=plots.COLOURS[5], linewidth=1.2)
    for count, (down, across) in enumerate(zip(y, x, strict=True), start=1):
        ax.plot(across, down, "o", markersize=11, markerfacecolor="white", markeredgecolor="black")
        ax.text(across, down, str(count), ha="center", va="center", fontsize=8)
    height, width = look.picture.shape
    ax.set(xlim=(-1, width + 1), ylim=(height + 1, -1))


def _picture(ax: Axes, pixels: np.ndarray) -> None:
    """Ink is dark on white; the edges of the picture are at 0 and its height and width."""
    height, width = pixels.shape
    ax.imshow(1 - pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=(0, width, height, 0))
    ax.set(xticks=[], yticks=[])
