"""Experiments run by part: a grid of rates, and results that go into the record of a lesson."""

import json
import signal
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from autograder.experiments import record
from lessonkit.errors import CourseError
from lessonkit.train import fit

LESSON = SimpleNamespace(name="99_toy", namespace=lambda: {"rate": 1.0})


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A lesson with two recorded seeds, whose experiment has a grid and one part."""
    path = tmp_path / "99.json"
    runs = [{"seed": 0, "kept": 1}, {"seed": 1, "kept": 2}]
    path.write_text(json.dumps({"lesson": "99_toy", "made": {}, "runs": runs}))
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    module = SimpleNamespace(
        SEEDS=[0, 1],
        tune=lambda lesson: {"model": {"0.001": 0.5, "0.004": 0.9}},
        part=lambda lesson, seed: {"new": 10 + seed},
    )
    monkeypatch.setattr(record, "load", lambda lesson: module)
    return path


def test_a_part_is_added_to_each_seed_and_the_rest_is_kept(toy):
    record.record(LESSON, "part")
    kept = json.loads(toy.read_text())
    assert kept["runs"] == [{"seed": 0, "kept": 1, "new": 10}, {"seed": 1, "kept": 2, "new": 11}]
    assert set(kept["parts"]) == {"part"}


def test_the_best_rate_is_read_off_the_grid(toy):
    assert record.best_rate("99", "model", known=0.002) == 0.002
    record.record(LESSON, "tune")
    assert record.best_rate("99", "model", known=0.002) == 0.004
    assert record.best_rate("99", "model", known=0.002, choose=min) == 0.001
    assert record.recorded_run("99", 1) == {"seed": 1, "kept": 2}


@pytest.mark.parametrize("part", [None, "part"])
def test_ctrl_c_ends_it_and_no_half_trained_model_is_recorded(toy, monkeypatch, part):
    def stopped():
        signal.raise_signal(signal.SIGINT)
        yield torch.ones(2, 3)

    def trains(lesson, seed):
        fit(nn.Linear(3, 1), stopped(), lambda model, batch: model(batch).sum(), steps=1, lr=0.1, quiet=True)
        return {"new": seed}

    before = toy.read_text()
    module = SimpleNamespace(SEEDS=[0, 1], run=trains, part=trains)
    monkeypatch.setattr(record, "load", lambda lesson: module)
    with pytest.raises(SystemExit, match=r"Stopped\. 99.json"):
        record.record(LESSON, part)
    assert toy.read_text() == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_unknown_part_and_a_missing_record_are_sentences(toy):
    with pytest.raises(CourseError, match="no part 'nothing'"):
        record.record(LESSON, "nothing")
    toy.unlink()
    with pytest.raises(CourseError, match="run the whole experiment first"):
        record.record(LESSON, "part")
