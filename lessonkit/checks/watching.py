"""Copies of what an answer is given, and whether it is still the same afterwards."""

from collections.abc import Mapping
from collections.abc import Set as AnySet

import numpy as np
import torch
from torch import Tensor, nn


def snapshot(value: object) -> object:
    """What `unchanged` needs to know later: copies of tensors, of containers and of what lies in them."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple):
        return [snapshot(item) for item in value]
    if isinstance(value, AnySet):
        return frozenset(value)
    if isinstance(value, Mapping):
        return {key: snapshot(item) for key, item in value.items()}
    if isinstance(value, nn.Module):
        return value.training, {key: snapshot(item) for key, item in value.state_dict().items()}
    return value


def unchanged(now: object, then: object) -> bool:
    """Whether a thing is what it was when `then` was taken of it."""
    if isinstance(now, Tensor):
        now = now.detach()
        if now.shape != then.shape or now.dtype != then.dtype:
            return False
        return torch.equal(now, then) or bool(((now == then) | ((now != now) & (then != then))).all())
    if isinstance(now, np.ndarray):
        return np.array_equal(now, then)
    if isinstance(now, list | tuple):
        return len(now) == len(then) and all(unchanged(a, b) for a, b in zip(now, then, strict=True))
    if isinstance(now, AnySet):
        return now == then
    if isinstance(now, Mapping):
        return now.keys() == then.keys() and all(unchanged(now[key], then[key]) for key in now)
    if isinstance(now, nn.Module):
        return now.training == then[0] and unchanged(now.state_dict(), then[1])
    return now is then or bool(now == then)
