"""Full-size runs on digits: the networks of lessons 13 and 14 train on large canvases, are measured, written down."""

import json

import pytest

from autograder.authoring.build import solution_path, student_path
from autograder.experiments import full
from lessonkit.__main__ import main as learner
from lessonkit.data import download
from lessonkit.data.digits import Digits, DigitSets, enlarge, load_digits
from lessonkit.errors import CourseError
from lessonkit.full import digits as full_digits


@pytest.fixture
def small(monkeypatch):
    """The course's digits at MNIST's size in place of MNIST, and few canvases."""
    found = load_digits()
    parts = (found.train, found.validation, found.test)
    large = DigitSets(*(Digits(enlarge(part.pictures[:100], 28), part.labels[:100]) for part in parts))
    monkeypatch.setattr(full_digits, "mnist", lambda: large)
    monkeypatch.setattr(full_digits, "A_PASS", 64)
    monkeypatch.setattr(full_digits, "TEST", 30)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", ["13", "14"])
def test_a_small_run_measures_and_writes_down(lesson, small, tmp_path):
    result = full.run(lesson, 0.01, tmp_path)
    assert result == json.loads((tmp_path / "full" / f"{lesson}.json").read_text())
    runs = [result[kind] for kind in full_digits.MODELS[result["lesson"]]]
    for run in runs:
        assert run["steps"] >= 1
        assert 0 <= run["error"] <= 1
    if lesson == "13":
        assert len(runs[0]["error_by_glimpse"]) == len(runs[0]["on_target"]) == 8
    else:
        assert [run["model"].split()[0] for run in runs] == ["Gaussian", "spatial", "convolutional"]
    steps = [run["steps"] for run in runs]
    again = full.run(lesson, 0.01, tmp_path)  # what is finished is measured, not trained again
    assert [again[kind]["steps"] for kind in full_digits.MODELS[result["lesson"]]] == steps


def test_no_two_passes_have_the_same_canvases(small):
    digits = full_digits.mnist().train
    first, again, second = (next(full_digits._a_pass(digits, number)).boxes for number in (0, 0, 1))
    assert first.tolist() == again.tolist() != second.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("lesson", ["13_glimpses", "14_differentiable_glimpses"])
def test_a_learner_trains_with_answers_from_the_notebook(lesson, small, tmp_path, capsys):
    """`python -m lessonkit full 14`, on a solved notebook, and on one where nothing is solved."""
    words = ["full", lesson[:2], "--minutes", "0.01", "--out", str(tmp_path), "--notebook", str(solution_path(lesson))]
    assert learner(words) == 0
    assert "error" in capsys.readouterr().out
    words[-1] = str(student_path(lesson))
    assert learner(words) == 2
    assert "waits for your" in capsys.readouterr().err


def test_without_a_network_one_is_told_where_to_put_the_digits(monkeypatch, tmp_path):
    monkeypatch.setenv(download.MIRROR, str(tmp_path))
    full_digits.mnist.cache_clear()
    with pytest.raises(CourseError, match="has no mnist/train-images"):
        full_digits.mnist()
