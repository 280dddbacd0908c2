"""The generated sentences with pronouns: no leak, and one noun only that fits."""

import importlib.util
import random
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonkit.data import pronouns
from lessonkit.data.pronouns import batches, load_pronouns
from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError

DATA = load_pronouns()
SETS = {name: getattr(DATA, name) for name in ("train", "validation", "test_short", "test_medium", "test_long")}
DISTANCES = {
    "train": (6, 28), "validation": (6, 28), "test_short": (6, 11), "test_medium": (12, 18), "test_long": (19, 28),
}  # fmt: skip


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate_pronouns", pronouns.FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lexicon(generator):
    """Of every noun its class, whether it is plural, and its gender; of every deciding word its class."""
    nouns, deciders = {}, {}
    for name, singulars, plurals, verbs, adjectives in generator.CLASSES:
        for plural, forms in enumerate((singulars, plurals)):
            nouns |= {noun: (name, bool(plural), place // 2) for place, noun in enumerate(forms.split())}
        deciders |= dict.fromkeys(f"{verbs} {adjectives}".split(), name)
    return nouns, deciders


def test_sizes_distances_and_lengths():
    assert {name: len(sentences) for name, sentences in SETS.items()} == {
        "train": 12_000, "validation": 500, "test_short": 500, "test_medium": 500, "test_long": 500,
    }  # fmt: skip
    for name, (low, high) in DISTANCES.items():
        counts = Counter(sentence.distance for sentence in SETS[name])
        assert set(counts) == set(range(low, high + 1))
        assert max(counts.values()) <= min(counts.values()) + 4, "every distance equally often"
        assert all(10 <= len(sentence.words) <= 44 for sentence in SETS[name])
        assert sum(s.looks_back for s in SETS[name]) == len(SETS[name]) / 2
    assert len(DATA.vocabulary) == 192 + 4
    assert len(DATA.answers) == 6


def test_no_sentence_stands_in_two_files():
    seen = Counter(sentence.words for sentences in SETS.values() for sentence in sentences)
    assert max(seen.values()) == 1


def test_no_unknown_word_or_noun_outside_training():
    for sentences in SETS.values():
        for sentence in sentences:
            assert Vocabulary.unk not in DATA.vocabulary.encode(sentence.words)
            assert sentence.answer in DATA.answers


def test_exactly_one_noun_fits_and_its_gender_is_the_answer(generator, lexicon):
    nouns, deciders = lexicon
    for sentences in SETS.values():
        for s in sentences:
            assert [i for i, word in enumerate(s.words) if word in nouns] == list(s.candidates)
            assert [i for i, word in enumerate(s.words) if word in deciders] == [s.decider]
            assert [i for i, word in enumerate(s.words) if word in ("it", "they", "them")] == [s.pronoun]
            wanted = deciders[s.words[s.decider]], s.words[s.pronoun] != "it"
            assert [i for i in s.candidates if nouns[s.words[i]][:2] == wanted] == [s.antecedent]
            assert s.answer == generator.ANSWERS[wanted[1]][nouns[s.words[s.antecedent]][2]]
            assert s.decider - s.pronoun in (-1, 2)


def test_neither_class_nor_number_tells_the_gender(lexicon):
    nouns, _ = lexicon
    assert set(Counter(nouns.values()).values()) == {2}
    assert len(nouns) == 96


def test_simple_rules_get_what_the_card_says(lexicon):
    nouns, _ = lexicon

    def nearest(s, places):
        return min(places, key=lambda place: abs(place - s.pronoun))

    def of_the_number(s):
        return [i for i in s.candidates if nouns[s.words[i]][1] == nouns[s.words[s.antecedent]][1]]

    rules = {
        "the noun nearest to the pronoun": lambda s: nearest(s, s.candidates),
        "the first noun": lambda s: s.candidates[0],
        "the last noun": lambda s: s.candidates[-1],
        "the nearest one of the right number": lambda s: nearest(s, of_the_number(s)),
    }
    card = (pronouns.FOLDER / "README.md").read_text("utf-8")
    for rule, choose in rules.items():
        cells = []
        for name in ("test_short", "test_medium", "test_long"):
            chosen = [(s, choose(s)) for s in SETS[name]]
            noun = sum(place == s.antecedent for s, place in chosen) / 500
            gender = sum(nouns[s.words[p]][2] == nouns[s.words[s.antecedent]][2] for s, p in chosen) / 500
            cells.append(f"{_short(noun)} ({_short(gender)})")
        assert f"| {rule} | {' | '.join(cells)} |" in card


def _short(number):
    return f"{number:.2f}".removeprefix("0") if number else "0"


@given(st.integers(0, 1000), st.integers(1, 40))
def test_batches_hold_every_sentence_once_with_right_places(seed, size):
    chosen = random.Random(seed).sample(DATA.validation, 50)
    found = []
    for batch in batches(DATA, chosen, size, seed=seed):
        found += batch.sentences
        assert torch.equal(batch.mask.sum(1), torch.tensor([len(s.words) for s in batch.sentences]))
        assert batch.mask[:, 0].all()
        for i, sentence in enumerate(batch.sentences):
            assert tuple(DATA.vocabulary.decode(batch.words[i])) == sentence.words
            assert DATA.answers[batch.answer[i]] == sentence.answer
            assert int(batch.pronoun[i]) == sentence.pronoun
    assert sorted(found, key=str) == sorted(chosen, key=str)


def test_without_a_seed_the_order_is_kept():
    found = [s for batch in batches(DATA, DATA.test_long, 64) for s in batch.sentences]
    assert found == DATA.test_long


def test_a_damaged_or_missing_file_is_a_sentence(tmp_path, monkeypatch):
    for path in pronouns.FOLDER.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(pronouns, "FOLDER", tmp_path)
    with (tmp_path / "train.tsv").open("a") as file:
        file.write("the dog was old\thann\t1\t1\t1\t1\n")
    with pytest.raises(CourseError, match="is not what the course was made with: run `make data`"):
        load_pronouns.__wrapped__()
    (tmp_path / "train.tsv").unlink()
    with pytest.raises(CourseError, match="is missing: run `make data`"):
        load_pronouns.__wrapped__()
