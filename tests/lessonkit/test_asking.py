"""Predictions: what is shown with and without a form, what is kept, and what came out beside it."""

import pytest

from lessonkit import Lesson, state
from lessonkit.show import asking
from lessonkit.show.forms import Form


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """What was displayed; guesses go to a folder of the test."""
    monkeypatch.setenv(state.FOLDER, str(tmp_path))
    monkeypatch.delenv("LESSONKIT_STRICT", raising=False)
    found = []

    class Handle:
        def update(self, thing):
            found.append(thing)

    def display(thing, **_):
        found.append(thing)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return found


@pytest.fixture
def forms(monkeypatch):
    """The forms that were made."""
    made = []
    original = Form.__init__
    monkeypatch.setattr(Form, "__init__", lambda self, **kw: (original(self, **kw), made.append(self))[0])
    return made


def html(thing):
    return thing["text/html"] if isinstance(thing, dict) else thing.html


def test_a_guess_is_kept_and_stands_beside_the_outcome(shown, forms):
    lesson = Lesson("00_sample")
    lesson.predict("winner", "Who <wins>?", ["a", "b", "a tie"])
    assert "Who &lt;wins&gt;?" in html(shown[0])
    assert "guess=" in html(shown[0])  # the way without buttons
    forms[0].values = ["b"]
    assert "You said: <strong>b</strong>" in html(shown[1])
    Lesson("00_sample").reveal("winner", "a tie", "The ranges of `a` overlap.")
    assert "You said: <strong>b</strong>. It was: <strong>a tie</strong>. ✗" in html(shown[2])
    assert "<summary>Why?</summary><p>The ranges of <code>a</code> overlap." in html(shown[2])
    Lesson("00_sample").predict("winner", "Who <wins>?", ["a", "b", "a tie"])
    assert forms[1].values == ["b"]
    assert "You said" not in html(shown[3])


def test_numbers(shown, forms):
    lesson = Lesson("00_sample")
    lesson.predict("share", "How much?", (0.0, 1.0, 0.05))
    assert forms[0].fields[0]["start"] == 0.5
    forms[0].values = [0.25]
    lesson.reveal("share", 0.4, "So.")
    assert "You said: <strong>0.25</strong>. It was: <strong>0.40</strong>. You were off by 0.15." in html(shown[-1])


def test_a_guess_in_the_cell(shown, capsys):
    lesson = Lesson("00_sample")
    lesson.predict("share", "How much?", (0, 10, 1), guess=11)
    assert "A guess here is a number from 0 to 10, not 11." in capsys.readouterr().out
    lesson.predict("share", "How much?", (0, 10, 1), guess=4)
    lesson.reveal("share", 4, "So.")
    assert "You were off by 0." in html(shown[-1])


def test_without_a_guess_the_outcome_stands_alone(shown):
    Lesson("00_sample").reveal("winner", "b", "So.")
    assert "It was: <strong>b</strong>." in html(shown[0])
    assert "You said" not in html(shown[0])


def test_a_guess_of_another_question_does_not_count(shown, forms):
    lesson = Lesson("00_sample")
    lesson.predict("winner", "Who?", ["a", "b"], guess="b")
    lesson.predict("winner", "Who?", ["c", "d"])
    assert forms[0].values == [None]


def test_in_a_reference_run_question_and_choices_are_plain(shown, forms, monkeypatch):
    monkeypatch.setenv("LESSONKIT_STRICT", "1")
    Lesson("00_sample").predict("winner", "Who?", ["a", "b"])
    assert not forms
    assert "<li>a</li><li>b</li>" in html(shown[0])
    assert shown[0].text == "Predict: Who? (a | b)"


@pytest.mark.parametrize(
    ("options", "guess"), [(["a"], "b"), ((0, 1, 0.1), "a"), ((0, 1, 0.1), True), ((0, 1, 0.1), 2)]
)
def test_what_is_no_guess(options, guess):
    with pytest.raises(ValueError, match="A guess here is"):
        asking.check_guess(options, guess)
