"""Drawings of mechanisms: boxes with shapes, and arrows between them, with words for those who don't see it.

Places are inches from the lower left corner: x runs to the right and y upwards. A drawing is a picture on white with
dark lines, which light and dark pages show alike.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from lessonkit.show import plots

_INK, _GREY = "#1a1a1a", "#595959"
_FILLS = {  # pale, so that black text on each has a contrast above 10 : 1
    "plain": "#f2f2f2",
    "learned": "#cfe6f5",  # what training changes
    "input": "#fdebc8",
    "output": "#d3efe4",
    "attention": "#fbd9c6",
}
_SIZE, _SMALL = 11.0, 9.5  # points; at 8 inches and 800 pixels these are 15 and 13 pixels high


@dataclass(frozen=True)
class Box:
    """A box in a drawing: its middle, and half its width and height."""

    x: float
    y: float
    half_width: float
    half_height: float


class Drawing:
    """A drawing `width` by `height` inches; at 8 inches it is as wide as a page. `alt` says in words what it shows."""

    def __init__(self, alt: str, width: float = 8.0, height: float = 3.0):
        self._alt = alt
        self._fig, self._ax = plt.subplots(figsize=(width, height), layout="constrained")
        self._ax.set_axis_off()
        self._ax.set_xlim(0, width)
        self._ax.set_ylim(0, height)
        self._ax.set_aspect("equal")

    def box(
        self,
        x: float,
        y: float,
        text: str,
        shape: str = "",
        kind: str = "plain",
        width: float = 0.0,
        height: float = 0.0,
    ) -> Box:
        """A box around (x, y), in inches from the lower left corner. `shape` stands below the text, smaller.

        `kind` is "plain", "learned", "input", "output" or "attention". Without a width it fits its text.
        """
        lines = text.count("\n") + 1
        longest = max(len(line) for line in text.split("\n"))
        width = width or max(0.7, 0.095 * longest + 0.25, 0.078 * len(shape) + 0.2)
        height = height or 0.22 + 0.2 * lines + 0.17 * bool(shape)
        self._ax.add_patch(
            FancyBboxPatch(
                (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=_FILLS[kind], edgecolor=_INK, linewidth=1.2, zorder=3,
            )
        )  # fmt: skip
        self._ax.text(
            x,
            y + 0.1 * bool(shape),
            text,
            ha="center",
            va="center",
            fontsize=_SIZE,
            color=_INK,
            zorder=4,
            linespacing=1.1,
        )
        if shape:
            at = y - height / 2 + 0.12
            self._ax.text(x, at, shape, ha="center", va="center", fontsize=_SMALL, color=_GREY, zorder=4)
        return Box(x, y, width / 2, height / 2)

    def arrow(
        self, start: Box | tuple[float, float], end: Box | tuple[float, float], label: str = "",
        bend: float = 0.0, dashed: bool = False, weight: float = 1.4, head: bool = True,
    ) -> None:  # fmt: skip
        """An arrow from border to border, or between points. `bend` curves it; `weight` is its thickness in points.

        Without a head it is a line: a part of a way round a corner.

        The label stands beside the arrow's middle, on white.
        """
        a, b = _centre(start), _centre(end)
        tail, tip = _border(start, b), _border(end, a)
        self._ax.add_patch(
            FancyArrowPatch(
                tail, tip, arrowstyle="-|>" if head else "-", mutation_scale=12, linewidth=weight, color=_INK,
                shrinkA=float(head), shrinkB=float(head),
                linestyle="--" if dashed else "-", connectionstyle=f"arc3,rad={bend}", zorder=2,
            )
        )  # fmt: skip
        if label:
            x, y = (tail[0] + tip[0]) / 2, (tail[1] + tip[1]) / 2
            x, y = x + bend * (tip[1] - tail[1]) / 2, y - bend * (tip[0] - tail[0]) / 2
            self._ax.text(
                x, y, label, ha="center", va="center", fontsize=_SMALL, color=_INK, zorder=5,
                bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
            )  # fmt: skip

    def chain(
        self, x: float, y: float, step: float, boxes: Sequence[tuple[str, str, str]], labels: Sequence[str] = ()
    ) -> list[Box]:
        """Boxes (text, shape, kind) side by side from (x, y), `step` apart, with an arrow from each to the next."""
        made = [self.box(x + step * i, y, text, shape, kind) for i, (text, shape, kind) in enumerate(boxes)]
        for i, (a, b) in enumerate(itertools.pairwise(made)):
            self.arrow(a, b, labels[i] if i < len(labels) else "")
        return made

    def text(self, x: float, y: float, words: str, align: str = "center", bold: bool = False) -> None:
        """Words beside the boxes."""
        weight = "bold" if bold else "normal"
        self._ax.text(x, y, words, ha=align, va="center", fontsize=_SMALL, color=_INK, zorder=5, fontweight=weight)

    @property
    def figure(self) -> plt.Figure:
        """The figure, for whoever does not want it shown."""
        return self._fig

    def show(self) -> None:
        """Display the drawing with its words."""
        plots.show(self._fig, self._alt)


def draw(
    alt: str,
    boxes: Mapping[str, tuple],
    arrows: Sequence[tuple],
    width: float = 8.0,
    height: float = 3.0,
) -> None:
    """A whole drawing at once. `boxes`: (x, y, text, shape, kind) by a short name; `arrows`: (start, end, label)."""
    drawing = Drawing(alt, width, height)
    made = {name: drawing.box(*box) for name, box in boxes.items()}
    for start, end, *label in arrows:
        drawing.arrow(made[start], made[end], *label)
    drawing.show()


def _centre(thing: Box | tuple[float, float]) -> tuple[float, float]:
    return (thing.x, thing.y) if isinstance(thing, Box) else thing


def _border(thing: Box | tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from the middle of a box to a point leaves the box."""
    if not isinstance(thing, Box):
        return thing
    dx, dy = towards[0] - thing.x, towards[1] - thing.y
    if dx == dy == 0:
        return thing.x, thing.y
    scale = min(
        thing.half_width / abs(dx) if dx else float("inf"),
        thing.half_height / abs(dy) if dy else float("inf"),
    )
    return thing.x + dx * min(scale, 1.0), thing.y + dy * min(scale, 1.0)
