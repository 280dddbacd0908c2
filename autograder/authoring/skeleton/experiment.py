"""Lesson NN's comparison: what a query's own vector gets of its weight, beside equal weights."""

import torch

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """The mean weight on the query's own word, for vectors drawn from the seed."""
    vectors = torch.randn(100, 5, 8, generator=torch.Generator().manual_seed(seed))
    scores = lesson["dot_scores"](vectors[:, 2], vectors)
    weights = lesson["attention_weights"](scores, torch.ones(100, 5, dtype=torch.bool))
    share = lesson["share_on_gold"](weights, torch.full((100,), 2)).item()
    return {"share": round(share, 3), "equal": 0.2}
