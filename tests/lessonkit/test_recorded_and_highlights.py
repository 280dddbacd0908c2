"""Recorded runs as figures and tables, and documents with their attention: what is shown is also said in words."""

import json

import pytest
import torch

from lessonkit.data.documents import as_batch, load_documents
from lessonkit.errors import CourseError
from lessonkit.show import highlights, recorded

RUNS = {"a": {"x": [0.5, 0.7], "lr": [0.01, 0.01], "n": [1200, 1200]}, "b": {"x": [0.25, 0.25], "lr": [0.02, 0.02]}}


class FakeLesson:
    name = "99_none"

    def recorded(self, model, figure):
        return RUNS[model].get(figure, [])

    def spread(self, model, figure, digits=2):
        values = self.recorded(model, figure)
        mean, least, greatest = (f"{x:.{digits}f}" for x in (sum(values) / len(values), min(values), max(values)))
        return f"{mean} [{least} to {greatest}]"


@pytest.fixture
def record():
    return recorded.Recorded(FakeLesson(), {"a": "first", "x": "share"})


@pytest.fixture
def displayed(monkeypatch):
    """What was handed to IPython's display, as plain text."""
    shown = []

    def display(thing, **_):
        bundle = thing if isinstance(thing, dict) else getattr(thing, "_repr_mimebundle_", dict)()
        shown.append(bundle.get("text/plain", ""))

    monkeypatch.setattr("IPython.display.display", display)
    return shown


def test_a_table_has_means_ranges_rates_and_what_is_not_recorded(record, displayed):
    record.table("a b", "x n lr", "What", rates=True, more={"yours": {"x": 0.9}})
    lines = displayed[0].splitlines()
    assert lines[0] == "What; mean [least to greatest] of two recorded seeds"
    assert lines[1].split() == ["share", "n", "lr", "rate"]
    assert lines[3].split() == ["yours", "0.90", "–", "–"]
    assert lines[4].split("  ")[0] == "first"
    assert "0.60 [0.50 to 0.70]" in lines[4]
    assert lines[4].endswith("0.01")
    assert "1,200" in lines[4]
    assert "–" in lines[5]


def test_a_grid_says_which_rate_was_taken_and_whether_it_is_the_last_one_tried(record, displayed):
    record._lesson.results = lambda: {
        "tuned": {"a": {"0.001": 0.5, "0.01": 0.7}, "b": {"0.001": 0.2, "0.01": 0.9, "0.002": 0.95}}
    }
    record.grid("a b c", "Rates")
    lines = displayed[0].splitlines()
    assert lines[0] == "Rates"
    assert lines[1].split() == ["0.001", "0.002", "0.01", "taken"]
    assert lines[3].split() == ["first", "0.50", "–", "0.70", "0.01,", "the", "largest", "tried"]
    assert lines[4].endswith("0.002")
    record.grid("b", "Losses", least=True)
    assert displayed[1].endswith("0.001, the smallest tried")


def test_seed_by_seed_where_a_mean_would_hide_that_one_fails(record, displayed):
    runs = [{"a": {"x": 0.5, "n": 1200}}, {"a": {"x": None, "n": 1200}}, {"a": {"x": 0.7, "n": 1200}}]
    record._lesson.results = lambda: {"runs": runs}
    record.table("a", "x n", "What", each=True)
    lines = displayed[0].splitlines()
    assert lines[0] == "What; seed by seed, two recorded seeds"
    assert "0.50, –, 0.70" in lines[3]
    assert lines[3].endswith("1,200")


def test_three_digits_where_models_differ_by_little(record, displayed):
    fine = recorded.Recorded(record._lesson, {}, digits=3)
    fine.table("a", "x", "What", more={"yours": {"x": 0.9876}})
    assert "0.600 [0.500 to 0.700]" in displayed[0]
    assert "0.988" in displayed[0]
    assert fine.spread("a", "x") == "0.600 [0.500 to 0.700]"


def test_bars_say_what_they_show(record, displayed):
    record.bars("a b", "x", "share right", guess=0.5)
    assert displayed[0].endswith("share right. share: first 0.60, b 0.25.")
    assert record.mean("a", "x") == pytest.approx(0.6)


def test_a_missing_full_size_run_is_a_sentence_and_a_present_one_is_read(record, tmp_path, monkeypatch, displayed):
    monkeypatch.setattr(recorded, "RESULTS", tmp_path)
    with pytest.raises(CourseError, match="no full-size run"):
        record.full()
    (tmp_path / "full_99.json").write_text(json.dumps({"minutes": 3}))
    assert record.full() == {"minutes": 3}
    recorded.shares({"one": 0.5, "many": [0.25, 0.75]}, {"data": "things", "date": "today", "minutes": 3})
    assert displayed[0].startswith("things; today, 3 minutes of one processor")
    assert "0.500 [0.250 to 0.750]" in displayed[0]


def test_a_document_is_shown_with_its_weights_in_html_and_in_words():
    data = load_documents()
    batch = as_batch(data.validation[:3], data.vocabulary)
    words = torch.rand(batch.mask.shape) * batch.mask
    sentences = torch.rand(batch.mask.shape[:2])
    page = highlights.of_batch(batch, words, sentences, [1, 0, 1])[0]
    review = data.validation[0]
    assert [tuple(row) for row in page.sentences] == list(review.sentences)
    assert page.title.endswith("the network says good")
    text = highlights.in_words(page)
    assert text.count("<- decides") == 1
    assert text.splitlines()[1 + review.decides].startswith(f"{float(sentences[0, review.decides]):.2f}")
    html = highlights.as_html(page)
    assert html.count("text-decoration") == len(review.telling)
    assert html.count("<tr>") == 1 + len(review.sentences)
    unread = highlights.unread(review)
    assert "0.00" not in highlights.in_words(unread) + highlights.as_html(unread).split("</thead>")[0]


def test_top_words_are_counted_in_deciding_sentences(displayed):
    def page(words, weights):
        return highlights.Highlight([["no"], words], [[9.0], weights], [0.5, 0.5], decides=1)

    highlights.top_words([page("ab", [0.1, 0.9]), page("bc", [0.8, 0.2]), page("cd", [0.3, 0.7])], count=1)
    rows = [line.split() for line in displayed[0].splitlines()]
    assert ["b", "2"] in rows
    assert ["other", "words", "1"] in rows


def test_the_explorer_changes_with_its_controls(displayed):
    review = load_documents().validation[0]
    box = highlights.explorer([highlights.unread(review), highlights.unread(load_documents().validation[1])])
    which, how, page = box.children
    before = page.value
    which.value = 1
    assert page.value != before
    how.value = how.options[1]
    assert page.value
