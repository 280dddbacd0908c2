"""How long a model takes, in the processor's own milliseconds."""

import time
from collections.abc import Callable

import torch
from torch import Tensor


@torch.no_grad()
def milliseconds(model: Callable[[Tensor], object], *inputs: object, times: int = 5) -> float:
    """The shortest of some runs forward, without gradients."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        model(*inputs)
        taken.append(time.process_time() - start)
    return 1000 * min(taken)


def both_ways(model: Callable[..., Tensor], *inputs: object, times: int = 5) -> tuple[float, float]:
    """The shortest of some runs forward, and of as many backward from the sum of what came out."""
    there, back = [], []
    for _ in range(times):
        start = time.process_time()
        result = model(*inputs)
        middle = time.process_time()
        result.sum().backward()
        there.append(middle - start)
        back.append(time.process_time() - middle)
    return 1000 * min(there), 1000 * min(back)
