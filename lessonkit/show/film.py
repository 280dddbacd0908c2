"""Lesson 15's films: strips of frames, a film to step through, scores by frame, how far a loss reaches, symptoms."""

import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from lessonkit.data.clips import Clips, Track, box_iou
from lessonkit.show import plots, tables, widgets

GOLD = "#f0e442"  # yellow, seen on black and on grey
SHOWN = ("#56b4e9", "#d55e00", "#cc79a7")  # one for each tracker


def show_strips(clips: Clips, chosen: Sequence[int], boxes: Mapping[str, Tensor], track: Track | None = None) -> None:
    """Every other frame of some clips: the true box in yellow, those of trackers (N, T, 4) in other colours.

    `track` is what a model said of all these clips: it comes first, as "your tracker", its windows dashed.
    """
    boxes, windows = _with_track(clips, boxes, track)
    times = range(0, clips.frames.shape[1], 2)
    fig, axes = plt.subplots(
        len(chosen), len(times), figsize=(1.75 * len(times), 1.95 * len(chosen)), squeeze=False, layout="constrained"
    )
    for row, clip in zip(axes, chosen, strict=True):
        for ax, time in zip(row, times, strict=True):
            _frame(ax, clips, clip, time, boxes, windows)
            ax.set_title(f"frame {time + 1}", fontsize=8)
    _legend(fig, boxes)
    said = " ".join(_said(clips, i, boxes) for i in chosen)
    plots.show(fig, f"Frames 1, 3, 5, 7, 9 of {len(chosen)} clips. {said}")


def explorer(clips: Clips, boxes: Mapping[str, Tensor], track: Track, count: int = 12) -> None:
    """Choose a clip and step through its frames: true box, your tracker's box and window (dashed), those of others."""
    boxes, windows = _with_track(clips, boxes, track)

    def draw(clip: int, frame: int) -> Figure:
        fig, ax = plt.subplots(figsize=(3.9, 4.2), layout="constrained")
        _frame(ax, clips, clip - 1, frame - 1, boxes, windows)
        scores = [
            f"{name} {box_iou(b[clip - 1, frame - 1], clips.boxes[clip - 1, frame - 1]).item():.2f}"
            for name, b in boxes.items()
        ]
        ax.set_title("IoU: " + ", ".join(scores), fontsize=9)
        _legend(fig, boxes)
        return fig

    widgets.explore(
        draw,
        lambda clip, frame: f"Clip {clip}, frame {frame}. {_said(clips, clip - 1, boxes)}",
        {"clip": 1, "frame": 1},
        clip=list(range(1, count + 1)),
        frame=(1, clips.frames.shape[1], 1),
    )


def show_iou(series: Mapping[str, Tensor]) -> None:
    """Mean IoU by frame of each tracker, from its IoU in frames 2 to T: (N, T−1)."""
    means = {name: iou.mean(0).tolist() for name, iou in series.items()}
    fig = plots.lines({name: (range(2, len(m) + 2), m) for name, m in means.items()}, "frame", "mean IoU")
    _as_frames(fig)
    said = "; ".join(f"{name} {m[0]:.2f} in frame 2, {m[-1]:.2f} in frame {len(m) + 1}" for name, m in means.items())
    plots.show(fig, f"Mean IoU by frame. {said}.")


def show_recorded(lesson: object, arms: Mapping[str, str], figure: str = "by_frame") -> None:
    """The same from the record: the mean over the seeds, with a band from least to greatest."""
    series, said = {}, []
    for arm, name in arms.items():
        columns = list(zip(*lesson.recorded(arm, figure), strict=True))
        means = [sum(column) / len(column) for column in columns]
        frames = range(2, len(means) + 2)
        series[name] = (frames, means, [min(column) for column in columns], [max(column) for column in columns])
        said.append(f"{name} {means[0]:.2f} in frame 2, {means[-1]:.2f} in frame 10")
    fig = plots.lines(series, "frame", "mean IoU")
    _as_frames(fig)
    plots.show(fig, f"Mean IoU by frame, three recorded seeds. {'; '.join(said)}.")


def show_lost(scores: Mapping[str, Tensor], lost_at: Callable[[Tensor, float], Tensor], threshold: float = 0.3) -> None:
    """A row a tracker, from its IoU in frames 2 to T (N, T−1); `lost_at` is lesson 15's."""
    rows = []
    for name, iou in scores.items():
        lost, frames = lost_at(iou, threshold), iou.shape[1]
        shares = ((lost == frames).float().mean().item(), (lost < frames // 2).float().mean().item())
        rows.append([name, iou.mean().item(), *shares])
    columns = ["tracker", "mean IoU, frames 2 to 10", "share of clips never lost", "lost by frame 5"]
    tables.show_table(columns, rows, f"{len(iou)} new clips; found means IoU at least {threshold:g}")


def show_reach(loss: Callable) -> None:
    """How hard box loss and window loss pull, by how far a box of 14 pixels and its window of 28 are off.

    `loss` is lesson 15's `tracking_loss`.
    """
    away = torch.arange(0.25, 30, 0.5)
    curves = {}
    for name, weights in (("box loss", (1.0, 0.0)), ("window loss", (0.0, 1.0))):
        pulls = []
        for distance in away:
            shift = distance.clone().requires_grad_(True)
            box = torch.stack([torch.zeros(()), shift, torch.full((), 14.0), shift + 14])[None, None]
            window = box + torch.tensor([-7.0, -7.0, 7.0, 7.0])
            gold = torch.tensor([[[0.0, 0.0, 14.0, 14.0]]])
            mask = torch.full((1, 1, 1, 1), 0.5)
            said = box if weights[0] else gold
            value = loss(said, window, mask, gold, mask, weights[1], 0.0, box_iou)
            pulls.append(torch.autograd.grad(value, shift)[0].item() if value.requires_grad else 0.0)
        curves[name] = (away.tolist(), pulls)
    fig = plots.lines(curves, "pixels that box and window are off", "gradient for a pixel")
    last = {name: max([x for x, y in zip(*curve, strict=True) if y > 0], default=0) for name, curve in curves.items()}
    plots.show(
        fig,
        "Gradient by distance: " + "; ".join(f"{name} pulls up to {x:.0f} pixels" for name, x in last.items()) + ".",
    )


def show_moves(move: Callable) -> None:
    """Four changes of a window of 20 pixels around a box of 10: what should come out, and what `move` makes of them."""
    start = [50.0, 50.0, 20.0, 20.0]
    cases = [  # changes one after the other, and the number asked for: 0 middle y, 1 middle x, 2 height, 3 width
        ("Δ_y = 1: one height of the box down", [(1, 0, 0, 0)], 0, 60.0),
        ("Δ_x = 1 and Δ_w = −0.5: one width of the box right, and narrower", [(0, 1, 0, -0.5)], 1, 60.0),
        ("Δ_h = −2: much less high", [(0, 0, -2, 0)], 2, 20 * math.exp(-2)),
        ("Δ_h = 1, and then Δ_h = −1", [(0, 0, 1, 0), (0, 0, -1, 0)], 2, 20.0),
    ]
    rows = []
    for name, changes, which, wanted in cases:
        window = torch.tensor([start])
        for change in changes:
            window = move(window, torch.tensor([[float(number) for number in change]]), 2.0)
        asked = ("middle, down", "middle, across", "height", "width")[which]
        rows.append([name, asked, f"{wanted:.1f}", f"{window[0, which].item():.1f}"])
    tables.show_table(
        ["change", "asked for", "should be", "is"], rows, "a window of 20 × 20 pixels with its middle at 50, 50"
    )


def show_switches(mask: Callable) -> None:
    """What a mask should be able to do, and what `mask` (features, query, position -> mask, masked features) makes."""
    query, flat = torch.ones(1, 4), torch.zeros(8, 8)
    nothing = torch.full((1, 4, 8, 8), -9.0)
    digit = nothing.clone()
    digit[..., 2:6, 2:6] = 9.0
    mixed = torch.sin(torch.arange(256.0)).view(1, 4, 8, 8)
    whole, half = (mask(part, query, place)[0] for part, place in ((mixed, flat), (mixed[..., :4], flat[:, :4])))
    found = (
        ("a digit of 4 × 4 places: the mask on it, least", 1.0, mask(digit, query, flat)[0][:, 2:6, 2:6].min()),
        ("nothing fits: the mask anywhere, largest", 0.0, mask(nothing, query, flat)[0].max()),
        ("half of the map cut off: how much the other half changes, at most", 0.0, (whole[..., :4] - half).abs().max()),
    )
    rows = [[name, f"{wanted:.2f}", f"{is_.item():.2f}"] for name, wanted, is_ in found]
    tables.show_table(["a map of 8 × 8 places", "should be", "is"], rows)


def _with_track(
    clips: Clips, boxes: Mapping[str, Tensor], track: Track | None
) -> tuple[Mapping[str, Tensor], Tensor | None]:
    """Boxes with those of the track first, and its windows (N, T, 4); frame 1 is the given box, without a window."""
    if track is None:
        return boxes, None
    said = torch.cat([clips.boxes[:, :1], track.boxes], dim=1)
    seen = torch.cat([clips.boxes[:, :1], track.windows], dim=1)
    return {"your tracker": said, **boxes}, seen


def _as_frames(fig: Figure) -> None:
    fig.axes[0].set_ylim(0, 1.05)
    fig.axes[0].set_xticks(range(2, 11))


def _frame(
    ax: Axes, clips: Clips, clip: int, time: int, boxes: Mapping[str, Tensor], windows: Tensor | None = None
) -> None:
    ax.imshow(clips.frames[clip, time].numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    _box(ax, clips.boxes[clip, time], GOLD, 2.2)
    for (_, said), colour in zip(boxes.items(), SHOWN, strict=False):
        _box(ax, said[clip, time], colour, 1.8)
    if windows is not None:
        _box(ax, windows[clip, time], SHOWN[0], 1.2, "--")
    ax.set_xlim(-0.5, clips.frames.shape[3] - 0.5)
    ax.set_ylim(clips.frames.shape[2] - 0.5, -0.5)
    ax.set_xticks([])
    ax.set_yticks([])


def _box(ax: Axes, box: Tensor, colour: str, width: float, dashes: str = "-") -> None:
    top, left, bottom, right = box.tolist()
    ax.add_patch(
        Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, ec=colour, lw=width, ls=dashes)
    )


def _legend(fig: Figure, boxes: Mapping[str, Tensor]) -> None:
    names = ["true box", *boxes]
    lines = [plt.Line2D([], [], color=colour, lw=2.2) for colour in (GOLD, *SHOWN)]
    dark = fig.legend(lines[: len(names)], names, loc="outside lower center", ncols=len(names), fontsize=8)
    dark.get_frame().set_facecolor("#444444")
    for text in dark.get_texts():
        text.set_color("white")


def _said(clips: Clips, clip: int, boxes: Mapping[str, Tensor]) -> str:
    first, last = (f"row {b[0]:.0f}, column {b[1]:.0f}" for b in (clips.boxes[clip, 0], clips.boxes[clip, -1]))
    scores = "".join(
        f"; IoU of {name} in the last frame {box_iou(b[clip, -1], clips.boxes[clip, -1]).item():.2f}"
        for name, b in boxes.items()
    )
    return f"Clip {clip + 1}: a {int(clips.labels[clip])} goes from {first} to {last}{scores}."
