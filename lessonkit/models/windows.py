"""Looking through a window: lesson 14's Gaussian glimpse, and what lesson 15's trackers say and are told."""

import torch
from torch import Tensor

from lessonkit.data.clips import Track, box_iou

__all__ = ["Track", "box_iou", "centre", "glimpse", "gold_masks"]


def glimpse(pictures: Tensor, attention: Tensor, n: int) -> Tensor:
    """What a window shows, in n × n numbers: g = A_y I A_xᵀ  (Gregor et al. 2015, eq. 25 to 27).

    pictures (B, H, W), attention (B, 4): middle y, middle x, height, width of the window in pixels  ->  (B, n, n).
    Each row of A is a Gaussian in the middle of one of n equal parts of the window, half a part wide, and sums to 1.
    """
    y, x, height, width = attention.unbind(-1)
    rows = _gaussians(y, height, n, pictures.shape[1])
    columns = _gaussians(x, width, n, pictures.shape[2])
    return rows @ pictures @ columns.mT


def centre(mask: Tensor) -> Tensor:
    """Where the weight of a mask (B, n, n) lies, (B, 2): y and x from −1 to 1."""
    along = torch.linspace(-1, 1, mask.shape[-1])
    total = mask.sum((1, 2)) + 1e-6
    return torch.stack([(mask.sum(2) * along).sum(1) / total, (mask.sum(1) * along).sum(1) / total], dim=1)


def gold_masks(windows: Tensor, gold: Tensor, n: int = 8) -> Tensor:
    """Which of n × n places of each window lie in the gold box: windows and gold (B, T, 4) -> (B, T, n, n), 0 or 1."""
    parts = (torch.arange(n) + 0.5) / n
    inside = []
    for low, high in ((0, 2), (1, 3)):  # rows, columns
        places = windows[..., low, None] + (windows[..., high] - windows[..., low]).unsqueeze(-1) * parts
        inside.append((places >= gold[..., low, None]) & (places < gold[..., high, None]))
    return (inside[0].unsqueeze(-1) & inside[1].unsqueeze(-2)).float()


def _gaussians(middle: Tensor, length: Tensor, n: int, pixels: int) -> Tensor:
    """(B,), (B,) -> (B, n, pixels). A pixel's middle is half a pixel from its edge."""
    parts = (torch.arange(n) + 0.5) / n - 0.5
    centres = middle[:, None] + length[:, None] * parts
    distance = (torch.arange(pixels) + 0.5 - centres.unsqueeze(-1)) / (length / (2 * n))[:, None, None]
    rows = torch.exp(-0.5 * distance**2)
    return rows / (rows.sum(-1, keepdim=True) + 1e-6)
