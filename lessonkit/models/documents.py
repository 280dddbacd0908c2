"""Finished pieces for readers of text (lessons 06 and 11): recurrent ones that skip what is masked, places, pairs."""

import torch
from torch import Tensor, nn

from lessonkit.models.positions import sinusoidal_encoding


class BothWays(nn.Module):
    """A GRU or LSTM that reads rows in both directions: (N, T, d), mask (N, T) -> (N, T, 2n), zeros where masked.

    What is masked is skipped, at the end of a row or in its middle. A row with nothing in it can't be read.
    """

    def __init__(self, kind: str, inputs: int, n: int):
        super().__init__()
        self.network = {"gru": nn.GRU, "lstm": nn.LSTM}[kind](inputs, n, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        states, order, _ = self._read(x, mask)
        back = order.argsort(dim=1)
        return states.gather(1, back.unsqueeze(-1).expand(-1, -1, states.shape[-1]))

    def last(self, x: Tensor, mask: Tensor) -> Tensor:
        """What both directions know when they have read everything: (N, 2n)."""
        last = self._read(x, mask)[2]
        return last.transpose(0, 1).flatten(1)

    def _read(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """States with what is masked moved to the end, the order that did so, and the last states (2, N, n)."""
        order = (~mask).int().argsort(dim=1, stable=True)
        moved = x.gather(1, order.unsqueeze(-1).expand_as(x))
        packed = nn.utils.rnn.pack_padded_sequence(moved, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        states, last = self.network(packed)
        states = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])[0]
        return states, order, last if isinstance(last, Tensor) else last[0]


class BagOfWords(nn.Module):
    """Every word votes; the votes are added up: words (B, …), mask (B, …) -> (B, classes)."""

    def __init__(self, vocabulary: int, classes: int):
        super().__init__()
        self.votes = nn.Embedding(vocabulary, classes)
        nn.init.zeros_(self.votes.weight)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        return (self.votes(words) * mask.unsqueeze(-1)).flatten(1, -2).sum(1)


class PlacedWords(nn.Module):
    """Embedded words with sinusoids of their places added (lesson 09), at half their size: (B, T) -> (B, T, d)."""

    def __init__(self, vocabulary: int, d: int):
        super().__init__()
        self.words = nn.Embedding(vocabulary, d)

    def forward(self, words: Tensor) -> Tensor:
        x = self.words(words)
        return x + 0.5 * sinusoidal_encoding(*x.shape[1:]).to(x)


class PairClassifier(nn.Module):
    """Two vectors of the same kind to one of `classes`: from [p; h; 4 p ⊙ h; |p − h|], with one hidden layer."""

    def __init__(self, features: int, classes: int, hidden: int = 64):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4 * features, hidden), nn.ReLU(), nn.Linear(hidden, classes))

    def forward(self, p: Tensor, h: Tensor) -> Tensor:
        return self.layers(torch.cat([p, h, 4 * p * h, (p - h).abs()], dim=-1))


def without_looking(mask: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Word weights (B, S, T) and sentence weights (B, S) of three readers that don't look; mask (B, S, T) of documents.

    In a sentence, all of them weigh all words alike. Of the sentences they take all alike, the first, or the longest.
    """
    real, S = mask.any(dim=-1), mask.shape[1]
    longest = mask.sum(dim=-1).argmax(dim=-1)
    chosen = {
        "all alike": real,
        "the first sentence": nn.functional.one_hot(torch.zeros_like(longest), S),
        "the longest sentence": nn.functional.one_hot(longest, S),
    }
    return {name: (_alike(mask), _alike(sentences)) for name, sentences in chosen.items()}


def _alike(mask: Tensor) -> Tensor:
    return mask / mask.sum(dim=-1, keepdim=True).clamp(min=1)
