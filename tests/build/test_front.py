"""The top of the README: pictures that are small and told in words, and numbers that are near what there is."""

import re
import runpy

import pytest

from autograder.authoring import start
from autograder.authoring.source import ROOT

README = (ROOT / "README.md").read_text("utf-8")
LARGEST = 150_000  # bytes of a picture


def test_pictures_are_small_and_told_in_words():
    pictures = re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]+)">', README)
    assert [file for file, _ in pictures] == ["docs/page.png", "docs/map.png"]
    assert {file: (ROOT / file).stat().st_size for file, _ in pictures if (ROOT / file).stat().st_size > LARGEST} == {}
    assert all(len(words) > 80 for _, words in pictures)
    assert pictures[1][1] == start.in_words(start.stops()), "run `python docs/front.py`"


def test_the_map_knows_a_lesson_at_the_start_of_a_sentence():
    needs = {stop.number: stop.needs for stop in start.stops()}
    assert needs["13"] == ("05",)


class Anything(str):
    """A text that takes the format of a number."""

    def __format__(self, _):
        return str(self)


@pytest.mark.slow
def test_numbers_are_near_what_there_is():
    """They carry their date: a lesson that changes need not touch the README each time."""
    front = runpy.run_path(str(ROOT / "docs" / "front.py"))
    counted = front["numbers"]()
    lines, _, _ = front["five_lines"]({name: Anything(f"@{name}@") for name in counted}).rpartition("\n")
    pattern = re.sub(r"@(\w+)@", r"(?P<\1>[\\d,]+)", re.escape(lines))
    (claimed,) = re.finditer(pattern, README)
    claims = {name: int(claimed[name].replace(",", "")) for name in counted}
    wrong = {n: (claims[n], counted[n]) for n in counted if not 0.9 * counted[n] <= claims[n] <= counted[n]}
    assert wrong == {}, "run `python docs/front.py --numbers`"
