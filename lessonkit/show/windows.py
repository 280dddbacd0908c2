"""Windows on a picture, for lesson 14: an explorer, what two kinds see and cost, where gradients point."""

import math
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from lessonkit.data.digits import Canvases
from lessonkit.show import figures, looking, plots, tables, timing, widgets

Window = Callable[[Tensor, Tensor, int], Tensor]  # pictures (B, H, W), numbers (B, 4), glimpse -> (B, glimpse, glimpse)


def explorer(canvas: Canvases, gaussian: Window, crop: Window, glimpse: int = 12) -> None:
    """Move a window over the first canvas: its Gaussians and its points, and the glimpses that both kinds see.

    `gaussian` takes DRAW's numbers g̃_X, g̃_Y, log σ², log δ̃; `crop` takes t_x, t_y, log s_x, log s_y. Both get the same
    middle and the same reach.
    """
    picture = canvas.pictures[0]
    (H, W), (top, left, bottom, right) = picture.shape, canvas.boxes[0].tolist()

    def draw(across: float, down: float, reach: float, width: float) -> Figure:
        seen = _glimpses(picture, gaussian, crop, glimpse, (down, across), reach, width)
        fig, axes = plt.subplots(1, 3, layout="constrained")
        fig.set_size_inches(8.2, 3.0)
        for ax, (name, pixels) in zip(axes[1:], seen.items(), strict=True):
            _ink(ax, pixels, name)
        _ink(axes[0], picture, "Gaussians (circles), points (dots)")
        places = torch.arange(glimpse) * reach / glimpse - (glimpse - 1) / 2 * reach / glimpse
        y, x = torch.meshgrid(down + places, across + places, indexing="ij")
        axes[0].plot(x.flatten().tolist(), y.flatten().tolist(), ".", color=plots.COLOURS[5], markersize=3)
        for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
            at = x[corner].item(), y[corner].item()
            circle = plt.Circle(at, width, fill=False, color=plots.COLOURS[4], linewidth=1.5)
            axes[0].add_patch(circle)
        axes[0].set(xlim=(-0.5, W - 0.5), ylim=(H - 0.5, -0.5))
        return fig

    def say(across: float, down: float, reach: float, width: float) -> str:
        seen = _glimpses(picture, gaussian, crop, glimpse, (down, across), reach, width)
        ink = ", ".join(f"{name} {pixels.mean():.2f} of ink" for name, pixels in seen.items())
        return f"A window at row {down:g}, column {across:g}, {reach:g} pixels wide, Gaussians {width:g} wide: {ink}."

    start = {"across": (left + right) // 2 - 4, "down": (top + bottom) // 2, "reach": 18.0, "width": 1.0}
    widgets.explore(
        draw, say, start,
        across=(0, W - 1, 1), down=(0, H - 1, 1), reach=(6.0, float(max(H, W)), 1.0), width=(0.2, 8.0, 0.2),
    )  # fmt: skip


def _glimpses(
    picture: Tensor, gaussian: Window, crop: Window, glimpse: int, middle: Sequence[float], reach: float, width: float
) -> dict[str, Tensor]:
    """What both kinds see, (glimpse, glimpse); `middle` (down, across), `reach` and `width` are in pixels."""
    (H, W), (down, across) = picture.shape, middle
    stride = reach / glimpse * (glimpse - 1) / (max(H, W) - 1)
    draws = [2 * (across + 1) / (W + 1) - 1, 2 * (down + 1) / (H + 1) - 1, 2 * math.log(width), math.log(stride)]
    crops = [(2 * across + 1) / W - 1, (2 * down + 1) / H - 1, math.log(reach / W), math.log(reach / H)]
    with torch.no_grad():
        seen = {"Gaussian": (gaussian, draws), "spatial transformer": (crop, crops)}
        return {name: window(picture[None], torch.tensor([n]), glimpse)[0] for name, (window, n) in seen.items()}


def compass(pulls: Mapping[str, Mapping[float, Tensor]]) -> None:
    """Show whether gradients point to the goal: each window's cosines (N,) of N starts by distance, averaged."""
    series = {name: (list(found), [c.mean().item() for c in found.values()]) for name, found in pulls.items()}
    figures.curves(
        series, "pixels from the goal", "cosine: 1 is straight there", guess={"neither to nor fro": 0.0},
        limits=(-0.7, 1.05), ticks={r: str(r) for r in (1, 4, 8, 12, 16, 20)},
        says="Whether a step against the gradient leads to the goal.",
    )  # fmt: skip


def _ink(ax: Axes, pixels: Tensor, title: str) -> None:
    """Ink is dark on white; pixel 0 has its middle at 0."""
    ax.imshow((1 - pixels).numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)


def staircase(canvas: Canvases, size: int = 16) -> None:
    """Show canvases; and how the glimpse at the first one's digit changes, when its window is off to the side.

    Once with a window that copies the nearest pixels, once with one that reads between them.
    """
    looking.paths(looking.looks(canvas))
    picture, middle = canvas.pictures[0], (canvas.boxes[0, :2] + (size - 1) / 2).tolist()
    H, W = picture.shape
    shifts = torch.linspace(-4.0, 4.0, 101)  # never half a pixel, where rounding is a matter of taste
    steps = (torch.arange(size) - (size - 1) / 2).expand(len(shifts), size, size)
    x, y = middle[1] + steps + shifts[:, None, None], middle[0] + steps.mT
    grid = torch.stack([(2 * x + 1) / W - 1, (2 * y + 1) / H - 1], dim=-1)
    series = {}
    for name, mode in (("copies the nearest pixels", "nearest"), ("reads between the pixels", "bilinear")):
        seen = functional.grid_sample(picture.expand(len(grid), 1, H, W), grid, mode=mode, align_corners=False)[:, 0]
        series[name] = (shifts.tolist(), ((seen - seen[len(seen) // 2]) ** 2).sum((1, 2)).tolist())
    figures.curves(
        series, "pixels to the side", "squared difference of the glimpse",
        says="How a glimpse changes as its window moves: in steps, or smoothly.",
    )  # fmt: skip


def costs(windows: Mapping[str, Callable[..., Tensor]], sides: Sequence[int], glimpse: int = 16) -> None:
    """Show how long each window takes, forward and backward, for 64 pictures of these sides."""
    took = {name: [time_of(window, side, glimpse) for side in sides] for name, window in windows.items()}
    rows = [[name, *[f"{there:.2f} | {back:.2f}" for there, back in both]] for name, both in took.items()]
    caption = f"Milliseconds forward | backward, 64 pictures, a glimpse of {glimpse} × {glimpse}, on this machine"
    tables.show_table(["window", *[f"{side} × {side}" for side in sides]], rows, caption)


def time_of(window: Callable[..., Tensor], side: int, glimpse: int, times: int = 5) -> tuple[float, float]:
    """Milliseconds forward and backward of `window(pictures, numbers, glimpse)`, 64 pictures and four numbers each."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(64, side, side, generator=generator)
    numbers = (0.6 * torch.rand(64, 4, generator=generator) - 0.3).requires_grad_()
    return timing.both_ways(window, pictures, numbers, glimpse, times=times)


def masks(
    gaussian_mask: Callable[..., Tensor], picture: Tensor, corner: Sequence[float], widths: Sequence[float]
) -> None:
    """Show the attention matrix A_y of a window of 12 × 12 Gaussians of each width, and the glimpse that it makes.

    The first Gaussian lies at `corner` (down, across); the stride is 1.5 pixels.
    """
    R, stride = 12, 1.5
    for width in widths:
        numbers = [[torch.tensor([value]) for value in (first, width, stride)] for first in corner]
        A_y, A_x = (gaussian_mask(*three, R, C)[0] for three, C in zip(numbers, picture.shape, strict=True))
        seen = {f"A_y, s = {width:g}": A_y, "the picture": picture, "the glimpse": A_y @ picture @ A_x.T}
        most = f"Width {width:g}, stride {stride:g} pixels: the largest weight in A_y is {A_y.max():.2f}."
        looking.panels(seen, most)


def beside_pytorch(affine_grid: Callable[..., Tensor], sample: Callable[..., Tensor], pictures: Tensor) -> None:
    """Say how far a grid and a sampler are from PyTorch's, for one θ that turns and shears: glimpse and gradient."""
    theta = torch.tensor([[[0.4, 0.1, 0.2], [-0.1, 0.3, -0.6]]]).double().requires_grad_()
    pictures, size = pictures.double(), [1, 1, 7, 9]
    grid = functional.affine_grid(theta, size, align_corners=False)
    both = (
        sample(pictures, affine_grid(theta, *size[2:])),
        functional.grid_sample(pictures[:, None], grid, align_corners=False)[:, 0],
    )
    slopes = [torch.autograd.grad((glimpse**2).sum(), theta)[0] for glimpse in both]
    for what, (mine, theirs) in (("glimpse", both), ("gradient of θ", slopes)):
        same = torch.allclose(mine, theirs, atol=1e-10)
        print(f"{what}: {'the same as PyTorch’s to ten decimals' if same else 'not the same as PyTorch’s'}")


def beside_slices(
    box_theta: Callable[..., Tensor], grid: Callable[..., Tensor], sample: Callable[..., Tensor], canvas: Canvases
) -> None:
    """Say how far the glimpses at the θ of each digit's box are from its slice of the canvas."""
    H, W = canvas.pictures.shape[1:]
    most = 0.0
    for picture, box in zip(canvas.pictures, canvas.boxes, strict=True):
        top, left, bottom, right = box.tolist()
        theta = box_theta(box[None].to(picture.dtype), H, W)
        glimpse = sample(picture[None], grid(theta, bottom - top, right - left))[0]
        most = max(most, (glimpse - picture[top:bottom, left:right]).abs().max().item())
    told = "cut out to the pixel" if most < 1e-4 else f"up to {most:.2f} of ink away from the slice"
    print(f"{len(canvas.pictures)} digits, each at the θ of its box: {told}")


def freedom(rank: Callable[..., int], windows: Mapping[str, tuple[Callable, Sequence[float]]]) -> list[int]:
    """Parameters and degrees of freedom of each window, given as (its function, its numbers); the latter, returned."""
    found = [rank(window, torch.tensor(numbers).double()) for window, numbers in windows.values()]
    rows = [[name, len(p), free] for (name, (_, p)), free in zip(windows.items(), found, strict=True)]
    caption = "The rank of the Jacobian on the first test canvas, a glimpse of 8 × 8"
    tables.show_table(["window", "parameters", "degrees of freedom"], rows, caption)
    return found


def basins(shares: Mapping[str, Mapping[int, float]]) -> None:
    """The share of the starts that arrive, by the distance r in pixels, a row a window."""
    distances = list(next(iter(shares.values())))
    rows = [[name, *[f"{found[r]:.2f}" for r in distances]] for name, found in shares.items()]
    columns = ["window", f"r = {distances[0]}", *map(str, distances[1:])]
    tables.show_table(columns, rows, "Share of 32 starts, r pixels away, that arrive: 100 steps of half a pixel")


def full_size(full: Mapping) -> None:
    """The record of the full-size run: both windows and the network that sees all."""
    rows = []
    for run in (full[kind] for kind in ("gaussian", "bilinear", "none")):
        on_target = f"{run['on_target']:.1%}" if "on_target" in run else "–"
        rows.append([run["model"], f"{run['error']:.2%}", on_target, f"{run['steps']:,}", f"{run['parameters']:,}"])
    columns = ["network", "errors", "middle on the digit", "steps of 256", "parameters"]
    said = f"{full['data']}; {full['machine']}, {full['date']}; 10,000 test canvases; one run each, rate 0.002"
    tables.show_table(columns, rows, said)


@torch.no_grad()
def seen(spotter: torch.nn.Module, canvas: Canvases) -> None:
    """Show where a network's windows lie on canvases, what it answers, and the glimpses that its reader got."""
    glimpses, places = spotter.glimpse(canvas.pictures)
    said = spotter(canvas.pictures).argmax(dim=1, keepdim=True)
    looking.paths(looking.looks(canvas, places[:, None], said))
    looking.panels({f"glimpse {i}": glimpse for i, glimpse in enumerate(glimpses, 1)}, "What the reader got.")
