"""Whose is it: letters of names, a pattern of one's own, and a file that is larger than it need be."""

import unicodedata

import pytest

from autograder.grading.submissions import collect, find_submissions
from lessonkit.errors import CourseError

from .test_whose import L, as_folder, as_zip


@pytest.mark.parametrize("name", ["José", "Zoë Müller", "प्रिया", "Nguyễn", "ひらがな", "Иван Ёлкин"])
def test_names_keep_their_letters_and_are_one_on_every_system(tmp_path, name):
    names = set()
    for i, form in enumerate(("NFC", "NFD")):
        place = as_folder(tmp_path / str(i), [f"{unicodedata.normalize(form, name)}/{L}.ipynb", f"bob/{L}.ipynb"])
        names |= {s.student for s in collect(place, L).submissions} - {"bob"}
    (made,) = names
    assert made.startswith(unicodedata.normalize("NFC", name).replace(" ", "-"))


def test_a_zip_without_the_flag_for_utf8(tmp_path):
    path = as_zip(tmp_path, [f"Müller/{L}.ipynb", f"bob/{L}.ipynb"])
    raw = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = raw.find(mark)
        while where >= 0:
            raw[where + at + 1] &= ~0x08
            where = raw.find(mark, where + 1)
    path.write_bytes(raw)
    assert [s.student for s in collect(path, L).submissions] == ["Müller", "bob"]


def test_what_cleaning_changed_is_nobody_elses_in_any_run(tmp_path):
    def made(run, *students):
        place = as_folder(tmp_path / run, [f"{name}/{L}.ipynb" for name in (*students, "zz")])
        return {s.student for s in collect(place, L).submissions} - {"zz"}

    monday, tuesday = made("1", "Anna-Maria"), made("2", "Anna Maria")
    assert not monday & tuesday
    assert made("3", "Anna Maria", "Anna-Maria") == monday | tuesday


def test_a_pattern_of_ones_own(tmp_path):
    place = as_folder(tmp_path, [f"g1/s{i}--2026-03-0{i}/{L}.ipynb" for i in (1, 2)] + [f"g1/other/{L}.ipynb"])
    found = collect(place, L, r"(?P<student_id>s\d+)--(?P<timestamp>[\d-]+)/")
    assert [(s.student, s.time.day) for s in found.submissions] == [("s1", 1), ("s2", 2)]
    assert found.not_used[0].why == "--pattern does not fit its path"


@pytest.mark.parametrize(
    ("pattern", "says"),
    [("(", "no regular expression"), ("x", "needs a named group"),
     (r"(?P<student_id>[a-z]+)/", "finds 2 students in a/b/")],
)  # fmt: skip
def test_a_pattern_that_cant_be_used_is_a_sentence(tmp_path, pattern, says):
    place = as_folder(tmp_path, [f"a/b/{L}.ipynb"])
    with pytest.raises(CourseError, match=says):
        collect(place, L, pattern)


def test_a_large_notebook_is_read_without_its_outputs(tmp_path):
    picture = b'{"cells": [{"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": [{"data": "'
    raw = picture + b"A" * (11 << 20) + b'"}]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    place = as_folder(tmp_path, [f"ada/{L}.ipynb", f"bob/{L}.ipynb"])
    (place / f"ada/{L}.ipynb").write_bytes(raw)
    ada = find_submissions(place, L)[0]
    assert not ada.refused
    assert b'"x = 1"' in ada.content
    assert len(ada.content) < 1000
