"""What learners elsewhere reported: another Python, a formula from a blog, a machine without namespaces, colours."""

import builtins
import importlib.util
import math
import re

import pytest
import torch

from autograder.authoring import bank, source
from autograder.authoring.notebook import code_of
from autograder.commands.instructor import _limits
from autograder.grading.page import STYLE
from autograder.sandbox import Limits, bwrap
from lessonkit.checks.judge import Finding
from lessonkit.checks.outcome import Kind
from lessonkit.checks.verdict import Verdict

LEAST_CONTRAST = 4.5  # WCAG 2, text of ordinary size


@pytest.mark.parametrize("lesson", source.lesson_names())
def test_another_python_is_told_what_to_do(lesson, monkeypatch):
    """The first cell of a lesson, opened where the course isn't installed, says which two commands help."""
    setup = next(cell for cell in source.load(lesson).cells if cell.name == "setup")
    find, load = importlib.util.find_spec, builtins.__import__

    def nothing(name, *more):
        if name.partition(".")[0] == "lessonkit":
            raise ModuleNotFoundError(f"No module named '{name}'")
        return load(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lessonkit" else find(name))
    monkeypatch.setattr(builtins, "__import__", nothing)
    with pytest.raises(ModuleNotFoundError, match=r"In the course's folder run .*requirements\.txt.*jupyter lab"):
        exec(code_of(setup), {})


def from_a_blog(T, d):
    """A step of two, and a factor of two, in the exponent."""
    encoding = torch.zeros(T, d)
    for place in range(T):
        for i in range(0, d, 2):
            encoding[place, i] = math.sin(place / 10_000 ** ((2 * i) / d))
            encoding[place, i + 1] = math.cos(place / 10_000 ** ((2 * (i + 1)) / d))
    return encoding


def test_an_encoding_that_many_copy_is_named():
    lesson = source.load("09")
    found = bank.judge_answer(lesson.exercises()["sinusoidal_encoding"], from_a_blog, bank.load(lesson.name), [1, 2, 3])
    assert found.mistake
    assert "Your exponent counts twice" in found.message


def test_a_machine_without_namespaces_is_opened_for_one_program_only():
    said = bwrap.INSTALL.format(reason="no permission")
    assert "AppArmor profile for bwrap alone" in said
    assert "apparmor_restrict" not in said
    page = (source.SOLUTIONS.parent / "autograder" / "ANYWHERE.md").read_text("utf-8")
    assert "profile bwrap /usr/bin/bwrap flags=(unconfined)" in page
    assert {"## Grading in a container", "## A class on a hub"} <= {*page.splitlines()}


def luminance(colour):
    """Of #rrggbb or #rgb (WCAG 2)."""
    digits = colour.lstrip("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("kind", Kind)
def test_a_cards_text_has_the_pages_colour(kind):
    """A bar may be coloured; no text is, so that it has the contrast of whatever theme it stands in."""
    card = Verdict("softmax", 0.0, 2.0, Finding(kind, "`x` is wrong", "here"))._repr_html_()
    assert not re.search(r"(?<![\w-])color:", card)
    assert "opacity" not in card


def test_text_of_our_pages_has_contrast_in_both_themes():
    themes = [dict(re.findall(r"--(\w+): (#\w+)", part)) for part in STYLE.split("@media")[:2]]
    for theme in themes:
        for text in ("text", "soft", "link", "warn"):
            for ground in ("page", "shade"):
                assert contrast(theme[text], theme[ground]) >= LEAST_CONTRAST, (text, ground)


# What an instructor looks for


def test_limits_can_be_set_by_option():
    limits = _limits(cell=5, notebook=60, probe=2, memory=512)
    assert (limits.cell_seconds, limits.notebook_seconds, limits.probe_seconds) == (5, 60, 2)
    assert limits.cell_wall_seconds == 15
    assert limits.memory_bytes == 512 << 20
    assert _limits(None, None, None, None) == Limits()


def test_make_grade_is_the_sealed_way():
    rules = (source.ROOT / "Makefile").read_text("utf-8").split("\n\n")
    rule = next(rule for rule in rules if rule.startswith("grade:"))
    assert "autograder grade $$lesson --submissions" in rule
    assert "--no-sandbox" not in rule
    assert "demonstrate" not in rule


def test_the_page_says_how_formgrader_is_opened():
    page = (source.ROOT / "autograder" / "GRADING.md").read_text("utf-8")
    assert "cd OUT && JUPYTER_CONFIG_PATH=/path/to/autograder jupyter lab" in page
    assert "its Autograde button" in page.replace("Its", "its")
