"""The ladder on Multi30k: each rung is a lesson's own model, a killed run goes on, results are written down."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from autograder.experiments import ladder
from lessonkit.data import download
from lessonkit.data.translation import Batch
from lessonkit.errors import CourseError
from lessonkit.models.seq2seq import count_parameters, translation_loss

CPU = torch.device("cpu")
GERMAN = ("ein", "kleiner", "hund", "mann", "ball", "im", "schnee", "spielt", "rennt", "wirft")
ENGLISH = ("a", "little", "dog", "man", "ball", "in the", "snow", "plays", "runs", "throws")


@pytest.fixture
def toy_corpus(monkeypatch):
    """A corpus of a few words in Multi30k's place, and a subword vocabulary to fit."""

    def multi30k(split, language):
        words = GERMAN if language == "de" else ENGLISH
        count = {"train": 300, "val": 20, "test_2016_flickr": 12}[split]
        return [" ".join(words[(i * k + k) % 10] for k in range(1, 3 + i % 6)).capitalize() for i in range(count)]

    monkeypatch.setattr(download, "multi30k", multi30k)
    monkeypatch.setattr(ladder, "PIECES", 60)
    monkeypatch.setattr(ladder, "SHORT", 3)
    monkeypatch.setattr(ladder, "LONG", 6)
    return ladder.load_corpus()


@pytest.mark.parametrize("name", ladder.rungs())
def test_every_rung_learns(name):
    torch.manual_seed(0)
    rung = ladder.rungs()[name]
    model, loss = rung.make(50), rung.loss()
    src, tgt = torch.randint(4, 50, (6, 7)), torch.randint(4, 50, (6, 5))
    batch = Batch(src, src > 0, tgt, tgt > 0, ())
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        losses.append(loss(model, batch))
        losses[-1].backward()
        optimiser.step()
    assert losses[-1].item() < 0.7 * losses[0].item()


def test_the_best_has_at_most_three_million_parameters():
    assert count_parameters(ladder.rungs()["transformer"].make(ladder.PIECES)) <= 3_000_000


def test_subwords_lose_nothing(toy_corpus):
    assert toy_corpus.data.source_vocabulary is toy_corpus.data.target_vocabulary
    for pair, reference in zip(toy_corpus.test, toy_corpus.references, strict=True):
        vocabulary = toy_corpus.data.target_vocabulary
        assert vocabulary.unk not in vocabulary.encode(pair.target)
        assert ladder.joined(vocabulary.decode(vocabulary.encode(pair.target))) == reference.lower()


def test_the_right_translations_get_100(toy_corpus):
    found = ladder.measure([line.lower() for line in toy_corpus.references], toy_corpus)
    assert found["bleu"] == pytest.approx(100.0)
    assert "case:lc" in found["signature"]
    assert "tok:13a" in found["signature"]


def test_a_climb_is_written_down_and_goes_on(toy_corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ladder, "RESULTS", tmp_path / "results")
    first = ladder.climb(["start_only"], 0.01, tmp_path, record=True)
    (again,) = ladder.climb(["start_only"], 0.02, tmp_path)
    assert first[0]["steps"] < again["steps"]
    assert again["seconds"] >= first[0]["seconds"]
    kept = json.loads((tmp_path / "results" / "ladder.json").read_text("utf-8"))
    assert kept["rungs"] == first
    assert first[0]["signature"] in capsys.readouterr().out
    both = ladder.climb(["vector"], 0.01, tmp_path)
    assert [rung["name"] for rung in both] == ["start_only", "vector"]


def test_a_killed_run_goes_on_where_it_was(toy_corpus, tmp_path, monkeypatch):
    rung, loss, seen = ladder.rungs()["start_only"], translation_loss, []
    ticks = iter(range(10_000))
    monkeypatch.setattr(ladder, "clock_of", lambda device: lambda: next(ticks))  # every batch takes one second
    whole, progress = ladder.train_rung(rung, toy_corpus, 12, tmp_path / "whole.pt", CPU)
    assert progress.steps == 12

    def stop(model, batch):
        seen.append(batch)
        if len(seen) == 5:
            raise KeyboardInterrupt
        return loss(model, batch)

    monkeypatch.setattr(ladder, "train", partial(ladder.train, save_every=1.0))
    with pytest.raises(CourseError, match="same command"):
        ladder.train_rung(replace(rung, loss=lambda: stop), toy_corpus, 12, tmp_path / "killed.pt", CPU)
    resumed, progress = ladder.train_rung(rung, toy_corpus, 12, tmp_path / "killed.pt", CPU)
    assert progress.steps == 12
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_an_unknown_rung_is_named():
    with pytest.raises(CourseError, match="start_only, vector"):
        ladder.climb(["lstm"], 1, None)
