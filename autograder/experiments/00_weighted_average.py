"""Lesson 00's comparison: equal, kernel and learned weights on fresh measurements; a memory read through noise."""

import math

import torch
from torch import nn

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """Squared errors of the three regressions, the learned bandwidth, and three scores of a memory that is asked."""
    x, truth = torch.linspace(0, 5, 101), lesson["true_curve"](torch.linspace(0, 5, 101))
    x_i, y_i = lesson["measure"](seed)
    model = nn.ParameterList([nn.Parameter(torch.tensor(math.log(2.0)))])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(300):
        optimiser.zero_grad()
        lesson["leave_one_out"](model[0], x_i, y_i, lesson["masked_softmax"]).backward()
        optimiser.step()
    learned = model[0].exp().item()

    def error(predicted: torch.Tensor) -> float:
        return round(((predicted - truth) ** 2).mean().item(), 4)

    def misled(sharpness: int) -> float:
        return round(lesson["misled"](lesson["content_address"], 1.2, sharpness, seed), 3)

    kernel, address = lesson["kernel_regression"], lesson["address_score"]
    return {
        "equal": error(y_i.mean().expand(101)),
        "kernel": error(kernel(x, x_i, y_i, 0.25)),
        "bandwidth": round(learned, 3),
        "learned": error(kernel(x, x_i, y_i, learned)),
        "clear": round(address(lesson["content_address"], 0.2, 32, seed), 3),
        "noisy": round(address(lesson["content_address"], 1.2, 32, seed), 3),
        "misled_at_8": misled(8),
        "misled_at_64": misled(64),
    }
