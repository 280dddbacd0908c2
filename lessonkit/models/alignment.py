"""Alignments read off attention, and how wrong they are (lesson 03)."""

from collections.abc import Callable, Collection, Sequence

from torch import Tensor

from lessonkit.data.translation import Pair

Links = Collection[tuple[int, int]]


def links_from_weights(weights: Tensor) -> set[tuple[int, int]]:
    """Link each target word to the source word with the largest weight: (T, S) -> {(source index, target index)}."""
    return {(int(s), t) for t, s in enumerate(weights.argmax(-1))}


def alignment_error_rate(links: Links, sure: Links, possible: Links) -> float:
    """AER = 1 − (|A∩S| + |A∩P|) / (|A| + |S|), where P includes S (Och and Ney 2003). 0 is perfect, 1 is the worst."""
    a, s = set(links), set(sure)
    p = set(possible) | s
    return 1 - (len(a & s) + len(a & p)) / (len(a) + len(s))


def blind_error_rates(pairs: Sequence[Pair]) -> dict[str, float]:
    """The AER of pointers that never look at a word, all sentences counted together: what a score has to beat.

    The diagonal links target word t of T to the source word as far along its sentence; a random word is the mean over
    all draws.
    """

    def rate(chance: Callable[[int, int, int, int], float]) -> float:
        links = sum(len(pair.target) for pair in pairs)
        hits = sum(chance(s, t, len(pair.source), len(pair.target)) for pair in pairs for s, t in pair.links)
        return 1 - 2 * hits / (links + sum(len(pair.links) for pair in pairs))

    return {
        "a random word": rate(lambda s, t, S, T: 1 / S),
        "always the first word": rate(lambda s, t, S, T: s == 0),
        "the word at the same place": rate(lambda s, t, S, T: s == min(t, S - 1)),
        "the diagonal": rate(lambda s, t, S, T: s == int((t + 0.5) * S / T)),
    }
