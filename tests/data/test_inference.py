"""The generated pairs of sentences: no leak, and labels that follow from the words."""

import importlib.util
import random
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonkit.data import inference
from lessonkit.data.inference import LABELS, batches, load_inference
from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError

DATA = load_inference()
SETS = {name: getattr(DATA, name) for name in ("train", "validation", "test_short", "test_medium", "test_long")}


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate_inference", inference.FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def poles(generator):
    """Of every property's word which property it is, and which pole."""
    return {word: (i, k) for i, pair in enumerate(generator.POLES) for k, word in enumerate(pair.split())}


def test_sizes_lengths_labels_and_no_premise_in_two_files():
    lengths = {"test_medium": (15, 20), "test_long": (21, 30)}
    for name, pairs in SETS.items():
        low, high = lengths.get(name, (6, 14))
        assert {len(pair.premise) for pair in pairs} == set(range(low, high + 1))
        counts = Counter(pair.label for pair in pairs)
        assert max(counts.values()) <= min(counts.values()) + 1
        assert len(pairs) == (20_000 if name == "train" else 1_000)
    premises = [pair.premise for pairs in SETS.values() for pair in pairs]
    assert len(set(premises)) == len(premises)


def test_the_label_follows_from_the_words(generator, poles):
    for pair in (pair for pairs in SETS.values() for pair in pairs):
        said, negator, telling = {}, None, []
        for place, word in enumerate(pair.premise):
            if word in generator.NEGATORS:
                assert negator is None
                negator = place
            elif word in poles:
                which, pole = poles[word]
                places = [*([negator] if negator is not None else []), place]
                assert which not in said
                assert place - places[0] <= 2
                said[which], negator = (pole ^ (len(places) == 2), tuple(places)), None
                telling += places
        assert negator is None
        which, pole = poles[pair.hypothesis[-1]]
        truth, decides = said.get(which, (None, ()))
        claimed = pole ^ (len(pair.hypothesis) == 2)
        assert pair.label == ("neutral" if truth is None else LABELS[truth != claimed])
        assert (pair.decides, pair.telling) == (decides, tuple(telling))
        assert sorted(pair.facts) == sorted(places for _, places in said.values())


def test_the_card_says_what_rules_get(generator, poles):
    card = (inference.FOLDER / "README.md").read_text("utf-8")

    def compared(pair, negates):
        which, pole = poles[pair.hypothesis[-1]]
        for place, word in enumerate(pair.premise):
            if poles.get(word, (None,))[0] == which:
                turned = (poles[word][1] ^ negates(pair, place)) != (pole ^ (len(pair.hypothesis) == 2))
                return float(LABELS[turned] == pair.label)
        return float(pair.label == "neutral")

    rules = {
        "always the same label": lambda pair: float(pair.label == "neutral"),
        "neutral if the property isn't there, else a guess between the two others": lambda pair: (
            1.0 if pair.label == "neutral" else 0.5
        ),
        "compare the words, and ignore the premise's negators": lambda pair: compared(pair, lambda *_: False),
        "count a negator only if it stands right before its word": lambda pair: compared(
            pair, lambda p, place: place > 0 and p.premise[place - 1] in generator.NEGATORS
        ),
    }
    tests = [SETS[name] for name in ("test_short", "test_medium", "test_long")]
    for rule, right in rules.items():
        cells = [_short(sum(map(right, pairs)) / len(pairs)) for pairs in tests]
        assert f"| {rule} | {' | '.join(cells)} |" in card
    for pairs in tests:
        assert (
            _short(sum(len(p.telling) / len(p.premise) for p in pairs) / len(pairs)) in card.split("Properties and")[1]
        )


def _short(number):
    return f"{number:.2f}".removeprefix("0")


@given(st.integers(0, 1000), st.integers(1, 40))
def test_batches_hold_every_pair_once_with_right_places(seed, size):
    chosen = random.Random(seed).sample(DATA.validation, 50)
    found = []
    for batch in batches(DATA, chosen, size, seed=seed):
        found += batch.pairs
        assert torch.equal(batch.premise_mask, batch.premise != Vocabulary.pad)
        assert torch.equal(batch.hypothesis_mask, batch.hypothesis != Vocabulary.pad)
        for i, pair in enumerate(batch.pairs):
            assert tuple(DATA.vocabulary.decode(batch.premise[i])) == pair.premise
            assert tuple(DATA.vocabulary.decode(batch.hypothesis[i])) == pair.hypothesis
            assert LABELS[batch.label[i]] == pair.label
            assert tuple(batch.telling[i].nonzero().flatten().tolist()) == pair.telling
            assert tuple(batch.decides[i].nonzero().flatten().tolist()) == pair.decides
    assert sorted(found, key=str) == sorted(chosen, key=str)


def test_without_a_seed_the_order_is_kept():
    assert [p for batch in batches(DATA, DATA.test_long, 64) for p in batch.pairs] == DATA.test_long


def test_a_damaged_or_missing_file_is_a_sentence(tmp_path, monkeypatch):
    for path in inference.FOLDER.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(inference, "FOLDER", tmp_path)
    with (tmp_path / "train.tsv").open("a") as file:
        file.write("well hot\tcold\tcontradiction\t1\t1\n")
    with pytest.raises(CourseError, match="is not what the course was made with: run `make data`"):
        load_inference.__wrapped__()
    (tmp_path / "train.tsv").unlink()
    with pytest.raises(CourseError, match="is missing: run `make data`"):
        load_inference.__wrapped__()
