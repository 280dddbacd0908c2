"""Full-size runs: killed training goes on where it was, checkpoints are whole, and both lessons' models run."""

import itertools
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import nbformat
import pytest
import torch
from torch import nn

from autograder.authoring import source
from autograder.authoring.build import solution_path, student_path
from autograder.authoring.source import ROOT
from autograder.experiments import full
from lessonkit.__main__ import main as learner
from lessonkit.data.inference import load_inference
from lessonkit.data.translation import load_translation
from lessonkit.errors import CourseError
from lessonkit.full import resumable, runs, sick, translation
from lessonkit.full import reviews as full_reviews


class Killed(BaseException):
    """What the death of a process is to the training loop: nothing that it could catch."""


def ticking():
    """A clock that advances by half a second at every look: each step takes just as long."""
    ticks = itertools.count()
    return lambda: next(ticks) / 2


def one_pass(number):
    generator = torch.Generator().manual_seed(number)
    return iter(torch.randn(7, 5, 3, generator=generator))


def trained(path, dies_at=None, seconds=20.0, **settings):
    """A small model trained for 40 steps, or until it dies; and how far it came."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.2), nn.Linear(4, 1))
    steps = itertools.count(1)

    def loss(model, batch):
        if next(steps) == dies_at:
            raise Killed
        return (model(batch) - batch.sum(-1, keepdim=True)).square().mean()

    settings = {"lr": 0.01, "warmup": 5, "save_every": 3.0, "clock": ticking()} | settings
    return model, resumable.train(model, one_pass, loss, path, seconds=seconds, **settings)


def weights_of(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_killed_training_ends_as_if_it_had_not_been(tmp_path, capsys):
    whole, progress = trained(tmp_path / "whole.pt")
    assert (progress.steps, progress.passes, progress.done) == (40, 5, 5)
    with pytest.raises(Killed):
        trained(tmp_path / "killed.pt", dies_at=16)
    with pytest.raises(Killed):
        trained(tmp_path / "killed.pt", dies_at=20)
    capsys.readouterr()
    again, after = trained(tmp_path / "killed.pt")
    assert "Going on from" in capsys.readouterr().out
    assert after == progress
    assert torch.equal(weights_of(again), weights_of(whole))


def test_what_is_finished_is_not_trained_again(tmp_path):
    first, progress = trained(tmp_path / "c.pt")
    second, after = trained(tmp_path / "c.pt", dies_at=1)
    assert after == progress
    assert torch.equal(weights_of(first), weights_of(second))
    assert not second.training


def test_a_larger_budget_goes_on(tmp_path):
    trained(tmp_path / "c.pt")
    assert trained(tmp_path / "c.pt", seconds=30.0)[1].steps == 60


def test_death_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    with pytest.raises(Killed):
        trained(tmp_path / "c.pt", dies_at=10)
    before = (tmp_path / "c.pt").read_bytes()

    def dies(state, file):
        file.write(b"half a checkp")
        raise Killed

    monkeypatch.setattr(resumable.torch, "save", dies)
    with pytest.raises(Killed):
        trained(tmp_path / "c.pt")
    monkeypatch.undo()
    assert (tmp_path / "c.pt").read_bytes() == before
    assert trained(tmp_path / "c.pt")[1].steps == 40


def test_ctrl_c_is_a_sentence(tmp_path):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(CourseError, match=r"after step 0\. The same command starts anew"):
        trained(tmp_path / "c.pt", clock=stop)
    trained(tmp_path / "c.pt")
    with pytest.raises(CourseError, match=r"after step 40\. The same command goes on from"):
        trained(tmp_path / "c.pt", clock=stop, seconds=30.0)


@pytest.mark.parametrize("run", [full_reviews.run, sick.run])
def test_ctrl_c_ends_a_comparison_whose_trainings_would_go_on(run, monkeypatch, tmp_path):
    for source_of in ("film_reviews", "sick"):
        monkeypatch.setattr(f"lessonkit.data.download.{source_of}", lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(SystemExit, match="Stopped"):
        run("06_hierarchical_attention", {}, 1.0, tmp_path)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_foreign_checkpoint_is_named(tmp_path, content):
    path = tmp_path / "c.pt"
    if content is None:
        torch.save({"model": {}, "optimiser": {}, "progress": {}, "random": torch.get_rng_state()}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(CourseError, match="is not a checkpoint of this model on these data: remove it"):
        trained(path)


def test_a_full_disk_is_a_sentence(tmp_path):
    (tmp_path / "folder").write_text("a file where a folder should be")
    with pytest.raises(CourseError, match="can't be written"):
        trained(tmp_path / "folder" / "c.pt")


@pytest.fixture
def small(monkeypatch):
    """A handful of generated sentences in place of Tatoeba, with their gold as the human links."""
    data = load_translation()
    few = replace(data, train=data.train[:128], validation=data.validation[:5])
    aligned = [(pair, pair.links) for pair in data.test_short[:6]]
    monkeypatch.setattr(translation, "real_data", lambda: (few, aligned))


@pytest.mark.slow
@pytest.mark.parametrize("lesson", ["03", "04"])
def test_a_small_run_measures_and_writes_down(lesson, small, tmp_path):
    result = full.run(lesson, 0.01, tmp_path)
    assert result == json.loads((tmp_path / "full" / f"{lesson}.json").read_text())
    assert result["steps"] >= 1
    assert 0 <= result["aer"] <= 1
    assert 0 <= result["aer_of_the_diagonal"] <= 1
    assert full.run(lesson, 0.01, tmp_path)["steps"] == result["steps"]


@pytest.mark.slow
def test_a_learner_trains_with_answers_from_the_notebook(small, tmp_path, capsys):
    """`python -m lessonkit full 03`, on a solved notebook; an open exercise is named."""
    solved, path = nbformat.read(solution_path("03_additive_attention"), as_version=4), tmp_path / "mine.ipynb"
    nbformat.write(solved, path)
    words = ["full", "03", "--minutes", "0.01", "--out", str(tmp_path), "--notebook", str(path)]
    assert learner(words) == 0
    assert json.loads((tmp_path / "full" / "03.json").read_text())["steps"] >= 1
    assert "bleu" in capsys.readouterr().out
    words[-1] = str(student_path("03_additive_attention"))
    assert learner(words) == 2
    assert "waits for your additive_score, " in capsys.readouterr().err


@pytest.fixture
def few_reviews(monkeypatch):
    """Two folds of made-up film reviews in place of the 2,000: four sentences, good ones say so."""
    reviews = [
        (number, good, [["it", "was", "good" if good else "bad", "."]] * 4)
        for number in range(0, 200, 25)
        for good in (True, False)
    ]
    monkeypatch.setattr(full_reviews.download, "film_reviews", lambda: reviews)
    monkeypatch.setattr(full_reviews, "FOLDS", 2)


@pytest.mark.slow
def test_film_reviews_fold_by_fold_going_on_after_the_last_finished_one(few_reviews, tmp_path, monkeypatch, capsys):
    words = ["full", "06", "--minutes", "0.01", "--out", str(tmp_path), "--notebook"]
    words.append(str(solution_path("06_hierarchical_attention")))
    bag, calls = full_reviews.bag_of_words, itertools.count(1)

    def dies_in_the_second_fold(training, test):
        if next(calls) == 3:
            raise Killed
        return bag(training, test)

    with monkeypatch.context() as patch:
        patch.setattr(full_reviews, "bag_of_words", dies_in_the_second_fold)
        with pytest.raises(Killed):
            learner(words)
    first = json.loads((tmp_path / "full" / "06_folds.json").read_text())
    assert learner(words) == 0
    found = json.loads((tmp_path / "full" / "06.json").read_text())
    assert {name: shares[:1] for name, shares in found["by_fold"].items()} == first["by_fold"]
    assert set(found["by_fold"]) == {full_reviews.WHOLE, full_reviews.SAME, "HN-ATT", "HN-AVE"}
    assert all(len(shares) == 2 and min(shares) >= 0 for shares in found["by_fold"].values())
    assert "by fold" in capsys.readouterr().out
    (tmp_path / "full" / "06_folds.json").write_text("no JSON")
    assert learner(words) == 2
    assert "remove it, and training starts anew" in capsys.readouterr().err


def test_what_a_learner_is_told(tmp_path, capsys):
    for words, sentence in (
        (["full", "05"], "There is no full-size run of '05' for learners."),
        (["full", "03", "--notebook", str(tmp_path / "none.ipynb")], "name your notebook with --notebook"),
        (["full", "03", "--minutes", "0"], "--minutes is a number above 0"),
    ):
        assert learner(words) == 2
        assert sentence in capsys.readouterr().err


def test_a_lesson_without_a_full_size_run_says_so(tmp_path):
    with pytest.raises(CourseError, match="has no full-size run of this kind"):
        full.run("00", 1, tmp_path)


@pytest.mark.slow
def test_a_process_that_is_killed_goes_on(tmp_path):
    """The real thing: SIGKILL in the middle of training, and the same program once more."""
    program = f"""
import sys, time, torch
from pathlib import Path
from torch import nn
from lessonkit.full import resumable
def loss(model, batch):
    time.sleep(0.02)
    return model(batch).square().mean()
torch.manual_seed(0)
progress = resumable.train(
    nn.Linear(3, 1), lambda n: iter(torch.randn(50, 5, 3)), loss, Path({str(tmp_path / "c.pt")!r}),
    seconds=float(sys.argv[1]), lr=0.01, warmup=5, save_every=0.1)
print("steps", progress.steps)
"""
    command = [sys.executable, "-c", program]
    first = subprocess.Popen([*command, "600"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for _ in range(600):
        if (tmp_path / "c.pt").is_file():
            break
        assert first.poll() is None, first.stdout.read().decode()
        time.sleep(0.1)
    first.kill()
    first.wait()
    first.stdout.close()
    kept = torch.load(tmp_path / "c.pt", weights_only=True)["progress"]
    second = subprocess.run(
        [*command, str(kept["seconds"] + 0.3)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert f"({kept['steps']} steps" in second.stdout
    assert int(second.stdout.split()[-1]) > kept["steps"]


@pytest.fixture
def few_pairs(monkeypatch):
    """Forty generated pairs in place of SICK, and a step or two."""
    pairs = load_inference().train[:400]
    rows = [(i * 25, " ".join(p.premise), " ".join(p.hypothesis), p.label) for i, p in enumerate(pairs)]
    monkeypatch.setattr(sick.download, "sick", lambda: rows)
    monkeypatch.setattr(sick, "STEPS", 2)


@pytest.mark.slow
def test_readers_of_pairs_are_measured_beside_words_in_a_bag(few_pairs, tmp_path):
    result = full.run("11", 1, tmp_path)
    assert result == json.loads((tmp_path / "full" / "11.json").read_text())
    assert set(result["readers"]) == set(sick.ARMS)
    assert all(len(arm["test"]) == len(sick.SEEDS) for arm in result["readers"].values())
    assert sum(result["pairs"].values()) == 400
    assert 0 < result["most_frequent"] < 1
    assert 0 < result["bag"] < 1


def test_neighbouring_pairs_lie_in_one_part(few_pairs):
    parts = sick.parts_of_sick()
    assert {name: len(pairs) for name, pairs in parts.items()} == {"train": 320, "validation": 40, "test": 40}


def test_too_little_time_for_a_reader_is_a_sentence(few_pairs, tmp_path):
    with pytest.raises(CourseError, match="minutes are too few for one reader"):
        sick.run(sick.LESSON, source.load("11").namespace(), 0.0, tmp_path)


def test_the_lists_name_every_lesson_that_has_a_run():
    numbers = sorted(name[:2] for name in runs())
    for guide in ("README.md", "Makefile"):
        (listed,) = re.findall(r"real data \(([\d, ]+)\)", (ROOT / guide).read_text("utf-8"))
        assert listed.split(", ") == numbers
    *most, last = numbers
    assert f"{', '.join(most)} or {last}" in (ROOT / "lessonkit" / "__main__.py").read_text("utf-8")
