"""Ways to tell attention about order, as finished pieces (lesson 09), for the lessons that build on it."""

import torch
from torch import Tensor

from lessonkit.models.attention import masked_softmax


def sinusoidal_encoding(T: int, d: int) -> Tensor:
    """Sine at even features, cosine at odd ones (Vaswani et al. 2017, sec. 3.5): (T, d), d even."""
    angles = torch.arange(T).unsqueeze(1) / 10_000 ** (torch.arange(0, d, 2) / d)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def relative_index(T: int, k: int) -> Tensor:
    """clip(j − i, −k, k) + k: for query i and key j, a row of a table of 2k + 1 (Shaw et al. 2018): (T, T) int64."""
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).clamp(-k, k) + k


def relative_attention(
    queries: Tensor, keys: Tensor, values: Tensor, a_K: Tensor, a_V: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Self-attention that adds a vector for the distance to every key and value (Shaw et al. 2018, eqs. 3 and 4).

    queries, keys, values (..., T, d); a_K, a_V (2k + 1, d); mask bool, broadcastable to (..., T, T), True = may attend
    ->  output (..., T, d), weights (..., T, T)
    """
    index = relative_index(queries.shape[-2], len(a_K) // 2)
    scores = queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])
    weights = masked_softmax(scores / queries.shape[-1] ** 0.5, mask)
    return weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index]), weights


def rotary(x: Tensor, positions: Tensor) -> Tensor:
    """Turn each pair of features (2i, 2i + 1) by p · 10000^(−2i/d) (Su et al. 2021, sec. 3.2).

    x (..., T, d), d even; positions (T,)  ->  (..., T, d)
    """
    d = x.shape[-1]
    angles = positions.unsqueeze(-1) / 10_000 ** (torch.arange(0, d, 2, device=x.device) / d)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def alibi_bias(T: int, heads: int) -> Tensor:
    """−m_h |i − j|, slopes m_h = 2^(−8h/heads) for h = 1 … heads (Press et al. 2022, sec. 3): (heads, T, T)."""
    slopes = 2.0 ** (-8 * torch.arange(1, heads + 1) / heads)
    places = torch.arange(T)
    return -slopes.view(-1, 1, 1) * (places - places.unsqueeze(1)).abs()
