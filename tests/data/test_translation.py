"""The generated corpus: no leak between its files, and links that hold what the card says."""

import random
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonkit.data import translation
from lessonkit.data.translation import Vocabulary, batches, load_translation
from lessonkit.errors import CourseError

DATA = load_translation()
SETS = {name: getattr(DATA, name) for name in ("train", "validation", "test_short", "test_medium", "test_long")}
FUNCTION_WORDS = {"do", "does"}  # without counterpart in French


def test_sizes_and_lengths():
    assert {name: len(pairs) for name, pairs in SETS.items()} == {
        "train": 10_000, "validation": 500, "test_short": 500, "test_medium": 500, "test_long": 500,
    }  # fmt: skip
    for name, (low, high) in {
        "test_short": (4, 9),
        "test_medium": (10, 18),
        "test_long": (19, 30),
        "train": (4, 30),
    }.items():
        lengths = {len(pair.source) for pair in SETS[name]}
        assert lengths == set(range(low, high + 1))
    assert 100 <= len(DATA.source_vocabulary) <= 204
    assert 100 <= len(DATA.target_vocabulary) <= 204


def test_no_sentence_stands_in_two_files():
    seen = Counter(pair.source for pairs in SETS.values() for pair in pairs)
    assert max(seen.values()) == 1


def test_no_unknown_word_in_validation_or_test():
    for name, pairs in SETS.items():
        for pair in pairs:
            assert Vocabulary.unk not in DATA.source_vocabulary.encode(pair.source), name
            assert Vocabulary.unk not in DATA.target_vocabulary.encode(pair.target), name


def test_every_french_word_has_one_link_and_every_english_word_but_do():
    for pair in [*DATA.validation, *DATA.test_long]:
        assert Counter(t for _, t in pair.links) == Counter(range(len(pair.target)))
        unlinked = {pair.source[i] for i in set(range(len(pair.source))) - {s for s, _ in pair.links}}
        assert unlinked <= FUNCTION_WORDS


def linked(pair, word):
    return [pair.target[t] for s, t in sorted(pair.links, key=lambda link: link[1]) if pair.source[s] == word]


def test_the_grammar_reorders():
    crossing = [p for p in DATA.validation if any(a < c and b > d for a, b in p.links for c, d in p.links)]
    assert len(crossing) > 250
    for pair in DATA.validation:
        if pair.source.count("not") == 1:
            assert linked(pair, "not")[0] in ("ne", "n'")
            assert linked(pair, "not")[1] == "pas"
        if pair.source.count("because") == 1:
            assert linked(pair, "because")[0] == "parce"


def test_elision():
    vowels = "aeiouyéèêœhâ"
    for pair in [*DATA.validation, *DATA.test_medium]:
        for word, following in zip(pair.target, pair.target[1:], strict=False):
            assert word.endswith("'") == (following[0] in vowels) or word not in (
                "l'",
                "n'",
                "j'",
                "qu'",
                "le",
                "ne",
                "je",
                "la",
            )


@given(st.integers(0, 1000), st.integers(1, 40))
def test_batches_hold_every_pair_once_with_right_masks(seed, size):
    pairs = random.Random(seed).sample(DATA.validation, 50)
    found = []
    for batch in batches(pairs, DATA.source_vocabulary, DATA.target_vocabulary, size, seed=seed):
        found += batch.pairs
        assert torch.equal(batch.src_mask.sum(1), torch.tensor([len(p.source) + 1 for p in batch.pairs]))
        assert torch.equal(batch.tgt_mask.sum(1), torch.tensor([len(p.target) + 1 for p in batch.pairs]))
        assert (batch.src.gather(1, batch.src_mask.sum(1, keepdim=True) - 1) == Vocabulary.eos).all()
        for row, pair in zip(batch.tgt, batch.pairs, strict=True):
            assert tuple(DATA.target_vocabulary.decode(row)) == pair.target
    assert sorted(found, key=str) == sorted(pairs, key=str)


def test_reversed_source_keeps_eos_at_the_end():
    (batch,) = batches(DATA.validation[:1], DATA.source_vocabulary, DATA.target_vocabulary, 1, reverse_source=True)
    assert DATA.source_vocabulary.decode(batch.src[0]) == list(DATA.validation[0].source)[::-1]
    assert batch.src[0, -1] == Vocabulary.eos


def test_a_damaged_or_missing_file_is_a_sentence(tmp_path, monkeypatch):
    for path in translation.FOLDER.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(translation, "FOLDER", tmp_path)
    with (tmp_path / "train.tsv").open("a") as file:
        file.write("one\tmore\t0-0\n")
    with pytest.raises(CourseError, match="is not what the course was made with: run `make data`"):
        load_translation.__wrapped__()
    (tmp_path / "train.tsv").unlink()
    with pytest.raises(CourseError, match="is missing: run `make data`"):
        load_translation.__wrapped__()
