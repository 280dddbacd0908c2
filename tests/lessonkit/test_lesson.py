"""Recorded results as a lesson quotes them."""

import json

import pytest

from lessonkit import Lesson
from lessonkit import lesson as module
from lessonkit.errors import CourseError


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    runs = [{"soft": {"two": 0.9, "rows": [1, 2]}}, {"soft": {"two": 1.0, "rows": [3, 4]}, "hard": {"two": 0.5}}]
    (tmp_path / "99.json").write_text(json.dumps({"runs": runs}), encoding="utf-8")
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    return Lesson("99_sample")


def test_recorded_follows_the_path_in_every_run(lesson):
    assert lesson.recorded("soft", "two") == [0.9, 1.0]
    assert lesson.recorded("soft", "rows", 1) == [2, 4]
    assert lesson.recorded("hard", "two") == [0.5]


def test_spread_is_mean_least_and_greatest(lesson):
    assert lesson.spread("soft", "two") == "0.95 [0.90 to 1.00]"
    assert lesson.spread("soft", "two", digits=1) == "0.9 [0.9 to 1.0]"
    assert lesson.spread("nothing", "two") == "not recorded"


def test_without_a_record_the_reader_is_told_how_to_make_one(lesson):
    with pytest.raises(CourseError, match="make experiments LESSON=98"):
        Lesson("98_other").spread("soft", "two")


def test_a_notebook_of_another_release_is_told_what_to_update():
    def probe(softmax, draw):
        return {"weights": softmax(draw.normal(2, 9), 1)}

    def softmax(scores, dim):
        return scores.softmax(dim)

    with pytest.raises(CourseError, match=r"different releases.* update the older of the two"):
        Lesson("00_weighted_average").check("softmax", softmax, probe)
    with pytest.raises(CourseError, match=r"has no exercise 'rotary_kernel'.*lessonkit is older: update it"):
        Lesson("00_weighted_average").check("rotary_kernel", softmax, probe)
