"""Recorded results as a lesson quotes them."""

import json

import pytest

from lessonkit import Lesson
from lessonkit import lesson as module
from lessonkit.checks import expectations
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


def notebook_of(edition, folder):
    """A notebook of lesson 00 whose metadata name an edition; None: they name none."""
    cell = {"cell_type": "code", "id": "00-exercise-softmax", "metadata": {}, "source": "", "outputs": []}
    metadata = {} if edition is None else {"course": {"edition": edition}}
    (folder / "mine.ipynb").write_text(json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4}))


@pytest.mark.parametrize(
    ("notebook", "own", "said"),
    [
        (None, 2, r"edition 1 in the notebook, and 2 in lessonkit\. The notebook is older: take it anew"),
        (2, 3, r"The notebook is older: take it anew"),
        (3, 2, r"edition 3 in the notebook, and 2 in lessonkit\. lessonkit is older: update it"),
        (2, 2, r"Its cell was changed: take it anew"),
        (None, 1, r"Its cell was changed: take it anew"),
        ("no number", 2, r"different releases.* update the older of the two"),
        ("no file", 2, r"different releases.* update the older of the two"),
    ],
)
def test_a_notebook_of_another_edition_is_told_what_to_update(notebook, own, said, tmp_path, monkeypatch):
    def probe(softmax, draw):
        return {"weights": softmax(draw.normal(2, 9), 1)}

    def softmax(scores, dim):
        return scores.softmax(dim)

    if notebook != "no file":
        notebook_of(notebook, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(expectations, "edition_of", lambda lesson: own)
    with pytest.raises(CourseError, match=rf"draws other inputs than lessonkit expects\. .*{said}"):
        Lesson("00_weighted_average").check("softmax", softmax, probe)
    with pytest.raises(CourseError, match=rf"has no exercise 'rotary_kernel'\..*{said}"):
        Lesson("00_weighted_average").check("rotary_kernel", softmax, probe)
