"""Finished pieces of attention that later lessons build on; the lesson that teaches each is named."""

import torch
from torch import Tensor


def masked_softmax(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Softmax over `dim` among the places where `mask` is True; zeros elsewhere (lesson 00).

    scores (...), mask broadcastable to it, bool  ->  (...). A row without any True gives zeros, and finite gradients.
    """
    filled = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return torch.softmax(filled, dim).masked_fill(~mask, 0.0)
