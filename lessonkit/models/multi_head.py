"""Multi-head attention as a finished piece (lesson 08), for the lessons that build on it."""

from collections.abc import Callable

import torch
from torch import Tensor

from lessonkit.models.attention import masked_softmax


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Cut the features into heads, and bring the heads forward: (B, T, h·d_k) -> (B, h, T, d_k)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """Put the heads side by side again: (B, h, T, d_k) -> (B, T, h·d_k)."""
    return x.transpose(1, 2).flatten(2)


def multi_head_attention(
    x: Tensor,
    memory: Tensor,
    W_q: Tensor,
    W_k: Tensor,
    W_v: Tensor,
    W_o: Tensor,
    heads: int,
    mask: Tensor | None = None,
    gates: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Every head attends on its own; their outputs are joined and mixed (Vaswani et al. 2017, sec. 3.2.2).

    x (B, T, d) asks memory (B, S, d); W_q, W_k, W_v (d, h·d_k), W_o (h·d_k, d) are used as x @ W. mask: bool,
    broadcastable to (B, T, S), True = may attend. gates (B, h): what each head's output is multiplied with
    (Michel et al. 2019, sec. 2.3).  ->  output (B, T, d), weights (B, h, T, S)
    """
    queries, keys, values = (
        split_heads(x @ W_q, heads),
        split_heads(memory @ W_k, heads),
        split_heads(memory @ W_v, heads),
    )
    scores = queries @ keys.mT / queries.shape[-1] ** 0.5
    weights = torch.softmax(scores, -1) if mask is None else masked_softmax(scores, mask.unsqueeze(-3))
    outputs = weights @ values
    if gates is not None:
        outputs = outputs * gates[:, :, None, None]
    return merge_heads(outputs) @ W_o, weights


def head_importance(losses: Callable[[Tensor], Tensor], examples: int, heads: int) -> Tensor:
    """E |∂L/∂ξ_h| at ξ = 1 (Michel et al. 2019, sec. 4.1): `losses(gates (B, h))` gives (B,)  ->  (h,)."""
    gates = torch.ones(examples, heads, requires_grad=True)
    (gradient,) = torch.autograd.grad(losses(gates).sum(), gates)
    return gradient.abs().mean(0)
