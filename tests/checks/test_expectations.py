"""The shipped expected results come back as they were written: shapes, failures, known mistakes."""

import numpy as np
import pytest

from lessonkit.checks import expectations
from lessonkit.checks.expectations import ExpectedExercise
from lessonkit.checks.outcome import Failure, Known, Outcome
from lessonkit.errors import CourseError

ARRAYS = {"number": np.asarray(1.5), "map": np.arange(6.0).reshape(2, 3), "mask": np.array([True, False])}


def test_what_is_saved_is_loaded(tmp_path):
    wrong = Outcome(failure=Failure("ValueError", "no", "", "error"), digest="d")
    known = Known("wrong", "Say it.", wrong)
    outcome = Outcome(arrays=ARRAYS, others={"a": "None"}, changed=("x",), digest="d")
    expectations.save("90_x", {"e": ExpectedExercise(2.0, {1: outcome}, {1: (known,)})}, tmp_path)
    loaded = expectations.load("90_x", tmp_path)["e"]
    assert loaded.points == 2.0
    for name, array in ARRAYS.items():
        assert loaded.outcomes[1].arrays[name].shape == array.shape
        assert loaded.outcomes[1].arrays[name].dtype == array.dtype
        assert (loaded.outcomes[1].arrays[name] == array).all()
    assert loaded.outcomes[1].changed == ("x",)
    assert loaded.known[1][0].outcome.failure == wrong.failure


def test_the_same_results_give_the_same_bytes(tmp_path):
    exercise = {"e": ExpectedExercise(2.0, {1: Outcome(arrays=ARRAYS)}, {1: ()})}
    for folder in ("a", "b"):
        expectations.save("90_x", exercise, tmp_path / folder)
    one, other = (expectations.path_of("90_x", tmp_path / folder).read_bytes() for folder in ("a", "b"))
    assert one == other


def test_a_damaged_file_is_a_sentence(tmp_path):
    expectations.path_of("90_x", tmp_path).write_bytes(b"nothing")
    with pytest.raises(CourseError, match="is damaged"):
        expectations.load("90_x", tmp_path)
    with pytest.raises(CourseError, match="are missing"):
        expectations.load("91_y", tmp_path)
