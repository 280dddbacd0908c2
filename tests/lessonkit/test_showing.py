"""Figures, tables, widgets and training: what they show, in pictures and in words."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lessonkit import train
from lessonkit.errors import CourseError
from lessonkit.seeds import seed_everything
from lessonkit.show import plots, tables, widgets


@pytest.fixture
def displayed(monkeypatch):
    """What was handed to IPython's display."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *things, **_: shown.extend(things))
    monkeypatch.setattr(plots, "in_notebook", lambda: True)
    return shown


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


def test_explorer_redraws_and_survives_an_error(displayed):
    def draw(size, kind):
        if kind == "broken":
            raise RuntimeError("no <such> thing")
        return plots.lines({"a": ([0, 1], [0, size])}, "x", "y")

    box = widgets.explore(draw, lambda size, kind: f"size {size}, {kind}", size=(1, 9, 1), kind=["fine", "broken"])
    slider, choice, picture = box.children
    assert 'alt="size 5, fine"' in picture.value
    slider.value = 7
    assert 'alt="size 7, fine"' in picture.value
    choice.value = "broken"
    assert "no &lt;such&gt; thing" in picture.value
    choice.value = "fine"
    assert 'alt="size 7, fine"' in picture.value


def test_alignment_explorer_follows_the_word(displayed):
    weights = np.array([[0.9, 0.1], [0.2, 0.8]])
    first = widgets.Example(["the", "<cat>"], ["le", "chat"], weights, {(0, 0), (1, 1)})
    second = widgets.Example(["a"], ["un"], np.array([[1.0]]), {(0, 0)})
    box = widgets.alignment_explorer([first, second])
    sentence, place, shown, whole = box.children
    assert "[le]" in shown.value
    assert "&lt;cat&gt;" in shown.value
    place.value = 1
    assert "[chat]" in shown.value
    assert "0.80</small><br><small>gold" in shown.value
    sentence.value = 1
    assert "[un]" in shown.value
    assert "Attention of each word of “un”" in whole.value
