"""Alignments read off attention, and how wrong they are (lesson 03)."""

from collections.abc import Collection

from torch import Tensor

Links = Collection[tuple[int, int]]


def links_from_weights(weights: Tensor) -> set[tuple[int, int]]:
    """Link each target word to the source word with the largest weight: (T, S) -> {(source index, target index)}."""
    return {(int(s), t) for t, s in enumerate(weights.argmax(-1))}


def alignment_error_rate(links: Links, sure: Links, possible: Links) -> float:
    """AER = 1 − (|A∩S| + |A∩P|) / (|A| + |S|), where P includes S (Och and Ney 2003). 0 is perfect, 1 is the worst."""
    a, s = set(links), set(sure)
    p = set(possible) | s
    return 1 - (len(a & s) + len(a & p)) / (len(a) + len(s))
