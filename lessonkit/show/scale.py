"""What the scale 1/√d_k does to random queries and keys: the entropy of the weights, the gradient of a query."""

import math
import statistics
from collections.abc import Callable

import torch
from torch import Tensor

from lessonkit.show import figures, tables

WIDTHS, SEEDS = [4, 16, 64, 256, 1024], range(3)
Score = Callable[[Tensor, Tensor], Tensor]


def random_rows(width: int, seed: int) -> tuple[Tensor, Tensor]:
    """200 queries and 32 keys of this width, independent normal numbers: (1, 200, width), (1, 32, width)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 200, width, generator=generator), torch.randn(1, 32, width, generator=generator)


def softmax_statistics(score: Score, q: Tensor, k: Tensor, scaled: bool) -> dict[str, float]:
    """For queries (B, Q, d_k) and keys (B, T, d_k): entropy of the weights, norm of ∂α/∂q by mean and median.

    `score` makes scaled scores (B, Q, T).
    """
    size = math.sqrt(q.shape[-1])
    p = torch.softmax(score(q, k) * (1.0 if scaled else size), dim=-1)
    entropy = -(p * p.clamp_min(1e-30).log()).sum(-1)
    jacobian = torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)
    norms = (jacobian @ k.unsqueeze(1) / (size if scaled else 1.0)).flatten(-2).norm(dim=-1)
    return {"entropy": entropy.mean().item(), "mean": norms.mean().item(), "median": norms.median().item()}


def show(score: Score) -> dict[str, float]:
    """Show variance, entropy and gradients by width, scaled and not. Returns the mean gradients at d_k = 64."""
    curves: dict[tuple[str, str], dict[int, list[float]]] = {}
    rows = []
    for width in WIDTHS:
        variances = []
        for q, k in (random_rows(width, seed) for seed in SEEDS):
            variances.append((q @ k.transpose(-2, -1)).var().item())
            for name in ("unscaled", "scaled"):
                for statistic, value in softmax_statistics(score, q, k, name == "scaled").items():
                    curves.setdefault((name, statistic), {}).setdefault(width, []).append(value)
        rows.append([str(width), f"{min(variances):.1f} to {max(variances):.1f}"])
    tables.show_table(["d_k", "variance of q·k"], rows, "Random queries and keys, three seeds")
    for what, label, guess in (
        (("entropy",), "entropy of the weights", {"all keys alike": math.log(32)}),
        (("mean", "median"), "norm of ∂α/∂q", None),
    ):
        series = {
            name if statistic == "entropy" else f"{name}, {statistic}": (
                WIDTHS,
                [list(run) for run in zip(*curves[name, statistic].values(), strict=True)],
            )
            for name in ("unscaled", "scaled")
            for statistic in what
        }
        figures.curves(
            series, "d_k", label, log="x", guess=guess, limits=(0, None), ticks={w: str(w) for w in WIDTHS},
            says=f"The {label} by width; mean of three seeds.",
        )  # fmt: skip
    return {name: statistics.mean(curves[name, "mean"][64]) for name in ("unscaled", "scaled")}


def gradients_at(score: Score, width: int) -> str:
    """In words: the norm of ∂α/∂q for random vectors, without and with the scale: mean and median, over three seeds."""
    found = {
        scaled: [softmax_statistics(score, *random_rows(width, seed), scaled) for seed in SEEDS]
        for scaled in (False, True)
    }
    without, scaled = (
        [statistics.mean(row[which] for row in found[key]) for which in ("mean", "median")] for key in (False, True)
    )
    return (
        f"d_k = {width}: mean {without[0]:.2f} against {scaled[0]:.2f}, median {without[1]:.3f} against {scaled[1]:.2f}"
    )
