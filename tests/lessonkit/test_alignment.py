"""Pointers that never look at a word: what an alignment error rate has to beat."""

import pytest

from lessonkit.data.translation import Pair, load_translation
from lessonkit.models.alignment import alignment_error_rate, blind_error_rates


def straight(length: int) -> Pair:
    words = tuple("w" * (i + 1) for i in range(length))
    return Pair(words, words, frozenset((i, i) for i in range(length)))


def test_on_a_straight_pair_the_diagonal_is_right_and_the_first_word_once():
    rates = blind_error_rates([straight(5)])
    assert rates == pytest.approx(
        {
            "a random word": 0.8,
            "always the first word": 0.8,
            "the word at the same place": 0.0,
            "the diagonal": 0.0,
        }
    )


def test_each_is_the_error_rate_of_its_links():
    pairs = load_translation().test_medium[:50]
    links = {
        (n, int((t + 0.5) * len(p.source) / len(p.target)), t)
        for n, p in enumerate(pairs)
        for t in range(len(p.target))
    }
    gold = {(n, *link) for n, p in enumerate(pairs) for link in p.links}
    assert blind_error_rates(pairs)["the diagonal"] == pytest.approx(alignment_error_rate(links, gold, gold))
