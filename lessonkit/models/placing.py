"""Where a local window of lesson 04 stands: the symptoms of a wrong one, and how often it holds the gold word."""

from collections.abc import Callable

import torch
from torch import Tensor

from lessonkit.data.translation import Translation
from lessonkit.models.scopes import follow, gold_cells
from lessonkit.models.seq2seq import EncoderDecoder
from lessonkit.show import tables


def show_symptoms(found: Callable) -> None:
    """What equation 10 says of a window with D = 4, beside what a function makes of it."""

    def formula(weights: Tensor, position: Tensor, D: int) -> Tensor:
        return weights * torch.exp(-2 * ((torch.arange(weights.shape[1]) - position.unsqueeze(1)) / D) ** 2)

    def measured(bend: Callable) -> list[str]:
        level, peak = torch.full((1, 11), 1 / 11), torch.eye(11)[5:6]  # all words alike; one word has it all
        bent, position = bend(level, torch.tensor([5.0]), 4)[0], torch.tensor([6.2], requires_grad=True)
        bend(level, position, 4)[0, 4].backward()
        total = bend(peak, torch.tensor([9.0]), 4).sum()
        return [*(f"{float(bent[s] / bent[5]):.2f}" for s in (7, 9)), f"{total:.2f}", f"{position.grad.item():+.3f}"]

    names = ["a word 2 places away counts, of one in the middle", "a word 4 places away"]
    names += [
        "the weights' sum, all weight on a word 4 places away",
        "the gradient of a weight at the position",
    ]
    rows = zip(names, measured(formula), measured(found), strict=True)
    tables.show_table(["", "equation 10", "as found"], [list(row) for row in rows])


def show_finds(finds: Callable, model: EncoderDecoder, corpus: Translation, D: int = 4) -> None:
    """Long test sentences: shares of words whose gold is in the window, and under the largest weight; and pointers."""
    found = list(follow(model, corpus.test_long, corpus))
    B, T, S = len(found), max(len(p.target) for p, *_ in found), max(len(p.source) for p, *_ in found)
    weights, gold = torch.zeros(B, T, S), torch.zeros(B, T, S, dtype=torch.bool)
    own, middle = torch.zeros(B, T), torch.zeros(B, T)
    for b, (pair, given, positions, _) in enumerate(found):
        weights[b, : given.shape[0], : given.shape[1]], own[b, : len(positions)] = given, positions
        middle[b] = (len(pair.source) - 1) / 2
        gold[b][tuple(zip(*gold_cells(pair), strict=True))] = True

    def nearest(places: Tensor) -> Tensor:
        return -(torch.arange(S) - places.unsqueeze(-1)).abs()

    same = torch.arange(T).expand(B, T) + 0.0
    kinds = {"your local-p": (own, weights), "the place alone: its middle": (own, nearest(own))}
    kinds |= {"(the same place, t)": (same, nearest(same)), "(the middle of the sentence)": (middle, nearest(middle))}
    rows = [[name, *(f"{float(x):.2f}" for x in finds(*given, gold, D))] for name, given in kinds.items()]
    tables.show_table(["window", "gold inside", "largest weight on gold"], rows, f"D = {D}; shares of words with gold")
