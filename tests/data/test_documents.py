"""The generated reviews: no leak, and the sentence about the most important topic decides."""

import importlib.util
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonkit.data import documents
from lessonkit.data.documents import as_batch, batches, load_documents
from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError

DATA = load_documents()
SETS = {name: getattr(DATA, name) for name in ("train", "validation", "test")}


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate_documents", documents.FOLDER / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sizes_and_no_review_in_two_files():
    assert {name: len(reviews) for name, reviews in SETS.items()} == {"train": 3000, "validation": 1000, "test": 1000}
    texts = [review.text for reviews in SETS.values() for review in reviews]
    assert len(set(texts)) == len(texts)
    assert {len(review.sentences) for review in SETS["test"]} == set(range(2, 13))


def test_the_words_say_what_the_columns_say(generator):
    topics = {noun: i for i, nouns in enumerate(generator.TOPICS) for noun in nouns.split()}
    good, bad, negators = (set(words.split()) for words in (generator.GOOD, generator.BAD, generator.NEGATORS))
    for review in (review for reviews in SETS.values() for review in reviews):
        for words, topic, praises in zip(review.sentences, review.topics, review.praises, strict=True):
            assert [topics[word] for word in words if word in topics] == [topic]
            (opinion,) = (word for word in words if word in good | bad)
            assert praises == ((opinion in good) != any(word in negators for word in words))
        words = review.sentences[review.decides]
        assert [words[place] for place in review.telling] == [
            word for word in words if word in topics or word in good | bad | negators
        ]
        assert review.topics[review.decides] < min(t for i, t in enumerate(review.topics) if i != review.decides)
        assert review.good == review.praises[review.decides]


def test_the_card_says_what_rules_get(generator):
    test, card = SETS["test"], (documents.FOLDER / "README.md").read_text("utf-8")
    good, bad = (set(words.split()) for words in (generator.GOOD, generator.BAD))

    def by_words(review):
        words = [word for sentence in review.sentences for word in sentence]
        votes = sum(word in good for word in words) - sum(word in bad for word in words)
        return 0.5 if votes == 0 else float((votes > 0) == review.good)

    def most(review):
        return (2 * sum(review.praises) > len(review.praises)) == review.good

    rules = {
        "what the first sentence says": lambda r: r.praises[0] == r.good,
        "what the last sentence says": lambda r: r.praises[-1] == r.good,
        "what most sentences say (a tie: bad)": most,
        "more words of praise than of blame (a tie: half)": by_words,
    }
    for rule, right in rules.items():
        assert f"| {rule} | {_short(sum(map(right, test)) / len(test))} |" in card
    longest = [max(range(len(r.sentences)), key=lambda i, r=r: len(r.sentences[i])) == r.decides for r in test]
    shares = [sum(1 / len(r.sentences) for r in test), sum(r.decides == 0 for r in test), sum(longest)]
    for share in shares:
        assert _short(share / len(test)) in card.split("drawn blindly")[1]


def _short(number):
    return f"{number:.2f}".removeprefix("0")


@given(st.integers(0, 1000), st.integers(1, 40))
def test_batches_hold_every_review_once_with_right_places(seed, size):
    chosen = random.Random(seed).sample(DATA.validation, 30)
    found = []
    for batch in batches(DATA, chosen, size, seed=seed):
        found += batch.documents
        assert torch.equal(batch.mask, batch.words != Vocabulary.pad)
        for i, review in enumerate(batch.documents):
            assert int(batch.mask[i].any(-1).sum()) == len(review.sentences)
            for j, words in enumerate(review.sentences):
                assert tuple(DATA.vocabulary.decode(batch.words[i, j])) == words
            assert int(batch.decides[i]) == review.decides
            assert bool(batch.good[i]) == review.good
            assert batch.telling[i].nonzero().tolist() == [[review.decides, place] for place in review.telling]
    assert sorted(found, key=str) == sorted(chosen, key=str)


def test_without_a_seed_the_order_is_kept():
    assert [r for batch in batches(DATA, DATA.test, 64) for r in batch.documents] == DATA.test
    assert as_batch(DATA.test[:1], DATA.vocabulary).words.shape[:2] == (1, len(DATA.test[0].sentences))


def test_a_damaged_or_missing_file_is_a_sentence(tmp_path, monkeypatch):
    for path in documents.FOLDER.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    with (tmp_path / "train.tsv").open("a") as file:
        file.write("the plot was dull\tbad\t0\t1 3\t0\t-\n")
    with pytest.raises(CourseError, match="is not what the course was made with: run `make data`"):
        load_documents.__wrapped__()
    (tmp_path / "train.tsv").unlink()
    with pytest.raises(CourseError, match="is missing: run `make data`"):
        load_documents.__wrapped__()
