"""Figures, tables, widgets and training: what they show, in pictures and in words."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lessonkit import train
from lessonkit.errors import CourseError
from lessonkit.seeds import seed_everything
from lessonkit.show import figures, live, plots, tables, widgets
from lessonkit.show.forms import Form


@pytest.fixture
def displayed(monkeypatch):
    """What was handed to IPython's display."""
    shown = []
    handle = SimpleNamespace(update=lambda thing, **_: shown.append(thing))
    monkeypatch.setattr("IPython.display.display", lambda *things, **_: (shown.extend(things), handle)[1])
    monkeypatch.setattr(plots, "in_notebook", lambda: True)
    return shown


@pytest.fixture
def forms(monkeypatch):
    """The forms that were made."""
    made = []
    original = Form.__init__
    monkeypatch.setattr(Form, "__init__", lambda self, **kw: (original(self, **kw), made.append(self))[0])
    monkeypatch.delenv("LESSONKIT_STRICT", raising=False)
    return made


def test_a_figure_carries_its_words(displayed):
    plots.show(plots.lines({"a": ([1, 2], [3, 4])}, "x", "y"), alt='rising from 3 to 4, "a"')
    (bundle,) = displayed
    assert 'alt="rising from 3 to 4, &quot;a&quot;"' in bundle["text/html"]
    assert bundle["image/png"] in bundle["text/html"]
    assert "rising" in bundle["text/plain"]


def test_the_same_figure_has_the_same_bytes(displayed):
    for _ in range(2):
        plots.show(plots.attention_map(np.eye(3), list("abc"), list("xyz")), alt="x")
    assert displayed[0] == displayed[1]


def test_attention_map_scale_and_gold():
    fig = plots.attention_map(torch.full((2, 3), 0.4), ["q", "r"], ["k", "l", "m"], gold={(1, 2)})
    ax = fig.axes[0]
    assert ax.images[0].get_clim() == (0.0, 1.0)
    assert {(round(p.get_x() + 0.46), round(p.get_y() + 0.46)) for p in ax.patches} == {(2, 1)}
    assert [t.get_text() for t in ax.get_xticklabels()] == ["k", "l", "m"]
    array = np.zeros((2, 3), dtype=bool)
    array[1, 2] = True
    assert len(plots.attention_map(np.zeros((2, 3)), ["q", "r"], ["k", "l", "m"], gold=array).axes[0].patches) == 2


def test_attention_map_refuses_swapped_axes():
    with pytest.raises(ValueError, match="2 queries and 3 keys"):
        plots.attention_map(np.zeros((3, 2)), ["q", "r"], ["k", "l", "m"])


def test_table_has_both_forms(displayed):
    tables.show_table(["model", "score"], [["<b>", 0.12345], ["long name", 2]], caption="A & B")
    bundle = displayed[0]._repr_mimebundle_()
    assert "&lt;b&gt;" in bundle["text/html"]
    assert "A &amp; B" in bundle["text/html"]
    assert '<th scope="col"' in bundle["text/html"]
    assert bundle["text/plain"].splitlines() == [
        *("A & B", "model      score", "---------  -----", "<b>        0.123", "long name  2")
    ]


def test_table_refuses_a_short_row():
    with pytest.raises(ValueError, match="2 columns"):
        tables.show_table(["a", "b"], [[1]])


def line_problem():
    seed_everything(0)
    x = torch.randn(64, 1)
    return nn.Linear(1, 1), itertools.repeat((x, 3 * x + 1)), lambda m, b: ((m(b[0]) - b[1]) ** 2).mean()


def test_fit_learns_a_line(displayed, capsys):
    model, batches, loss = line_problem()
    history = train.fit(model, batches, loss, steps=300, lr=0.1)
    assert history.steps == 300
    assert not history.stopped_early
    assert abs(model.weight.item() - 3) < 0.01
    assert not model.training
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "300 steps" in captured.out
    assert "Loss of training by step" in displayed[-1]["text/html"]


def test_fit_stops_when_the_time_is_over(capsys):
    model, batches, loss = line_problem()
    ticks = itertools.count()
    history = train.fit(model, batches, loss, steps=10_000, lr=0.1, seconds=50, clock=lambda: float(next(ticks)))
    assert history.stopped_early
    assert history.steps < 100
    assert "stopped after 50 s, the time allowed, at step" in capsys.readouterr().out


def test_a_stopped_run_goes_on_as_if_it_had_not_been(capsys, monkeypatch):
    def train_it(stop):
        model, batches, loss = line_problem()
        batches = ((torch.full((4, 1), i / 9), torch.full((4, 1), i / 3)) for i in itertools.count())
        ticks = itertools.count()
        limits = {"seconds": 7, "clock": lambda: float(next(ticks))} if stop else {}
        history = train.fit(model, batches, loss, steps=30, lr=0.1, warmup=4, decay=True, **limits)
        if stop:
            assert history.stopped_early
            monkeypatch.setattr("lessonkit.kernel.variables", lambda: {"mine": model, "train": train})
            history = train.go_on(model)
        assert history.steps == 30
        return model, history.losses

    (whole, losses), (parts, as_parts) = train_it(False), train_it(True)
    assert losses == as_parts
    assert torch.equal(whole.weight, parts.weight)
    with pytest.raises(CourseError, match="nothing to go on"):
        train.go_on(parts)


def test_a_stopped_run_says_what_it_is_worth_and_how_to_go_on(capsys, monkeypatch):
    model, batches, loss = line_problem()
    monkeypatch.setattr("lessonkit.kernel.variables", lambda: {"mine": model, "train": train})
    ticks = itertools.count()
    train.fit(model, batches, loss, steps=10_000, lr=0.1, seconds=50, clock=lambda: float(next(ticks)))
    said = capsys.readouterr().out
    assert "a model that is not trained to the end" in said
    assert said.rstrip().endswith("\n    train.go_on(mine)")


def test_bar_and_curve_share_one_display(monkeypatch, capsys):
    shown, ticks = [], itertools.count()

    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle)

    monkeypatch.setattr("IPython.display.display", lambda bundle, raw, display_id: (shown.append(bundle), Handle())[1])
    monkeypatch.setattr(plots, "in_notebook", lambda: True)
    watching = live.Live("<t>", 9, clock=lambda: float(next(ticks)))
    for n in range(1, 9):
        watching.update([1.0] * n)
    watching.finish([1.0] * 8)
    assert '<progress max="9" value="1" aria-label="&lt;t&gt;">' in shown[0]["text/html"]
    assert any("<progress" in bundle["text/html"] and "<img" in bundle["text/html"] for bundle in shown)
    assert "<progress" not in shown[-1]["text/html"]
    assert capsys.readouterr().out == ""


def test_fit_warms_the_rate_up():
    model, batches, loss = line_problem()
    seen = []
    original = torch.optim.Adam.step
    torch.optim.Adam.step = lambda self, *a: (seen.append(self.param_groups[0]["lr"]), original(self, *a))[1]
    try:
        train.fit(model, batches, loss, steps=6, lr=0.4, warmup=4, quiet=True)
    finally:
        torch.optim.Adam.step = original
    assert seen == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_fit_says_when_the_loss_is_lost():
    model, batches, loss = line_problem()
    with pytest.raises(CourseError, match="The loss is nan at step 1"):
        train.fit(model, batches, lambda m, b: loss(m, b) * float("nan"), steps=5, lr=0.1, quiet=True)


def test_stop_button_keeps_the_model(capsys):
    model, batches, loss = line_problem()

    def until(m, b, count=itertools.count()):  # noqa: B008
        if next(count) == 20:
            raise KeyboardInterrupt
        return loss(m, b)

    history = train.fit(model, batches, until, steps=100, lr=0.1)
    assert history.steps == 20
    assert "stopped by you, at step 20 of 100" in capsys.readouterr().out


def curve_of(size, kind):
    if kind == "broken":
        raise RuntimeError("no <such> thing")
    return plots.lines({"a": ([0, 1], [0, size])}, "x", "y")


def words_of(size, kind):
    return f"size {size}, {kind}"


def test_explorer_redraws_and_survives_an_error(displayed, forms):
    widgets.explore(curve_of, words_of, start={"size": 3}, size=(1, 9, 1), kind=["fine", "broken"])
    (form,) = forms
    assert form.fields[1] == {"type": "select", "label": "kind", "options": ["fine", "broken"]}
    assert form.values == [3, 0]
    assert 'alt="size 3, fine"' in form.shown
    form.values = [7, 0]
    assert 'alt="size 7, fine"' in form.shown
    assert form.said == "size 7, fine"
    form.values = [7, 1]
    assert "no &lt;such&gt; thing" in form.shown
    form.values = [7, 0]
    assert 'alt="size 7, fine"' in form.shown
    assert displayed[0]["text/plain"] == "size 3, fine"  # what stays without a kernel
    assert "In JupyterLab one can choose: size, kind." in displayed[0]["text/html"]


def test_explorer_starts_in_the_middle_and_numbers_make_a_slider(displayed, forms):
    widgets.explore(lambda T: curve_of(T, ""), lambda T: f"T {T}", T=[0.1, 1.0, 100.0])
    assert forms[0].fields[0]["words"] == ["0.1", "1.0", "100.0"]
    assert forms[0].said == "T 1.0"


def test_the_first_drawing_fails_for_the_demonstration_to_see(displayed, forms):
    with pytest.raises(RuntimeError):
        widgets.explore(curve_of, words_of, size=[1], kind=["broken"])
    assert not displayed


def test_in_a_reference_run_the_first_picture_stays(displayed, forms, monkeypatch):
    monkeypatch.setenv("LESSONKIT_STRICT", "1")
    widgets.explore(curve_of, words_of, size=(1, 9, 1), kind=["fine"])
    assert displayed[0].text == "size 5, fine"
    assert not forms


def test_alignment_explorer_hands_its_examples_to_the_map(displayed):
    weights = np.array([[0.9, 0.1], [0.2, 0.8]])
    first = widgets.Example(["the", "<cat>"], ["le", "chat"], weights, {(0, 0), (1, 1)})
    second = widgets.Example(["a"], ["un"], np.array([[1.0]]), {(0, 0)})
    widgets.alignment_explorer([first, second])
    assert displayed[0].text == "le -> the (0.90), on gold 0.90\nchat -> <cat> (0.80), on gold 0.80"


def test_figures_say_what_their_data_say(displayed):
    runs = [[0.9, 0.5, 0.1], [0.7, 0.7, 0.3]]
    figures.curves(
        {"one": ([1, 2, 3], runs), "two": ([1, 2], [0.2, 0.4])}, "place", "share", guess=0.5, says="It falls."
    )
    said = displayed[-1]["text/plain"]
    assert said == (
        "[figure] It falls. share by place. one: 0.8 at 1, 0.2 at 3; two: 0.2 at 1, 0.4 at 2."
        " Dotted line, a guess: 0.50."
    )
    figures.bars({"a": [[0.1, 0.3], [0.5, 0.5]]}, ["short", "long"], "exact match", guess={"first word": 0.9})
    assert displayed[-1]["text/plain"].endswith("exact match. short 0.20, long 0.50. Dotted line, first word: 0.90.")
    figures.attention(np.eye(2), ["q", "r"], ["k", "l"], {(0, 0), (1, 0)})
    said = displayed[-1]["text/plain"]
    assert "Most looked at: q at k 1.00, r at l 1.00. On gold lies 0.50 of a row." in said
    figures.attentions({"a": np.eye(2), "b": np.eye(2)[::-1]}, ["q", "r"], ["k", "l"])
    assert "b: Most looked at: q at l 1.00" in displayed[-1]["text/plain"]
    gold = np.zeros((2, 7, 7), dtype=bool)
    gold[1, 0, 0] = True
    maps = {"soft": np.full((2, 7, 7), 1 / 49)}
    figures.film(["a", "dot"], np.zeros((42, 42, 3)), maps, gold, {"soft": [0, 48]})
    assert "Weight on the gold region, soft: dot 0.02." in displayed[-1]["text/plain"]


def test_maps_have_words_on_their_axes():
    ax = plots.attention_map(np.eye(2), ["q", "r"], ["long", "words"], sides=("French word", "English word")).axes[0]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("French word", "English word")
    assert {t.get_rotation_mode() for t in ax.get_xticklabels()} == {"anchor"}


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e4])
def test_of_values_that_differ_by_rounding_the_first_is_named(scale):
    noisy = scale * np.array([0.2, 0.9, 1.0, 1.0 + 1e-9, 1.0 - 1e-9])
    assert plots.first_of_the_largest(noisy) == 2
    assert plots.first_of_the_largest(-noisy) == 0
    assert plots.first_of_the_largest(scale * np.array([0.2, 0.99, 1.0, 0.5])) == 2  # small, but not by rounding
    assert plots.first_of_the_largest(np.zeros(3)) == 0
