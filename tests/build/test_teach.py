"""The instructor's pack: every lesson has its sheet and questions; a seed is an exam; slides hold no answer."""

import random
import re

import pytest

from autograder.authoring import source
from autograder.authoring.start import stops
from autograder.teaching import slides
from autograder.teaching.pack import exam, plan, sheet
from autograder.teaching.question import of_lesson
from lessonkit.errors import CourseError

COURSE = stops()


@pytest.mark.parametrize("stop", COURSE, ids=lambda stop: stop.number)
def test_a_lesson_has_questions_that_are_others_for_another_seed(stop):
    questions = of_lesson(stop.number)
    assert len(questions.aloud) >= 2
    assert len(questions.exam) >= 2
    for make in questions.exam:
        variants = {make(random.Random(seed)) for seed in range(40)}
        assert len({asked for asked, _ in variants}) >= 4
        assert len({answer for _, answer in variants}) >= 3
        assert make(random.Random(7)) == make(random.Random(7))
    text = source.load(stop.name).path.read_text("utf-8")
    assert not [asked for asked, _ in questions.aloud if asked in text]


def test_the_exam_and_its_solutions_ask_the_same():
    paper, solved = exam(COURSE, 3)
    assert "Solution" not in paper
    for line in paper.splitlines()[1:]:
        assert line in solved
    assert solved.count("**Solution.**") == 2 * len(COURSE)
    assert exam(COURSE, 4) != (paper, solved)


def test_the_plan_names_every_lesson_twice():
    text = plan(COURSE)
    for stop in COURSE:
        assert text.count(f"{stop.number} {stop.title}") == 2


def test_a_sheet_has_every_sentence_of_the_bank():
    text = sheet(source.load("03"), next(stop for stop in COURSE if stop.number == "03"))
    assert "Without tanh" in text
    assert text.count("\n### ") == len(list(source.load("03").of_kind("exercise")))


@pytest.mark.parametrize("stop", COURSE, ids=lambda stop: stop.number)
def test_slides_show_figures_with_words_and_no_code(stop):
    page = slides.slides(stop.name, stop.title)
    words = re.findall(r'<img [^>]*alt="([^"]*)"', page)
    assert words
    assert all(len(text) > 10 for text in words)
    assert "def " not in page
    assert "http" not in re.sub(r'src="data:[^"]*"', "", page).replace("https://creativecommons.org", "")


def test_a_lesson_that_was_never_built_has_no_slides(monkeypatch, tmp_path):
    monkeypatch.setattr(slides, "solution_path", lambda name: tmp_path / name)
    with pytest.raises(CourseError, match="python -m autograder build 03"):
        slides.slides("03_additive_attention", "x")
