"""Figures of looking: what they say in words, and that every size of input is drawn."""

import numpy as np
import torch

from lessonkit.data.digits import canvases, load_digits
from lessonkit.show import looking
from lessonkit.show.timing import both_ways, milliseconds

PLACES = [[-0.6, -0.6], [0.2, 0.0], [-0.3, -0.05]]  # on the box's first corner, its last (outside), and inside


def look(places=PLACES):
    random = np.random.Generator(np.random.PCG64(0))
    patches = random.random((len(places), 2, 5, 5))
    return looking.Look(random.random((20, 30)), 7, (4, 6, 12, 15), np.array(places), patches, [1, 2, 7])


def test_places_become_pixels_and_hits():
    assert np.allclose(look().pixels, [[4, 6], [12, 15], [7, 14.25]])
    assert look().on_target() == [True, False, True]


def test_looks_are_made_of_canvases():
    canvas = canvases(load_digits().test, 2, 32, seed=0)
    bare = looking.looks(canvas)
    assert len(bare) == 2
    assert looking.paths_figure(bare)[1] == "Pictures, the digit's box outlined. " + "; ".join(
        f"a {label}" for label in canvas.labels
    ) + "."  # fmt: skip
    places, said = torch.zeros(2, 3, 2), torch.tensor([[1, 2, 3], [4, 5, 6]])
    full = looking.looks(canvas, places, said, lambda pictures, at: pictures[:, None, :8, :8].expand(-1, 2, 8, 8))
    assert full[1].patches.shape == (3, 2, 8, 8)
    assert full[1].said == [4, 5, 6]
    assert "read as 6" in looking.paths_figure(full)[1]


def test_paths_say_how_often_they_hit():
    fig, alt = looking.paths_figure([look(), look()])
    assert "a 7, read as 7: 2 of 3 glimpses on the digit" in alt
    assert len(fig.axes) == 2


def test_a_glimpse_shows_picture_and_patches():
    fig, alt = looking.glimpse_figure(look([[0.9, 0.9], *PLACES[1:]]), 1)
    assert len(fig.axes) == 3
    assert alt == "Glimpse 1 of 3 at a 7: its middle is beside the digit; now it says 1."


def test_the_explorer_follows_its_controls():
    box = looking.explorer([look(), look()])
    which, number, shown = box.children
    assert "Glimpse 1 of 3" in shown.value
    number.value = 3
    assert "Glimpse 3 of 3" in shown.value
    assert [name for name, _ in which.options] == ["1: a 7, read as 7", "2: a 7, read as 7"]


def test_panels_say_their_names():
    fig, alt = looking.panels_figure({"A_y": np.eye(3), "the picture": torch.zeros(2, 5)}, "Words.")
    assert len(fig.axes) == 2
    assert alt == "Words. Side by side: A_y, the picture."


def test_time_is_measured_forward_and_both_ways():
    x = torch.randn(40, 40, requires_grad=True)
    assert milliseconds(torch.square, x, times=2) >= 0
    assert x.grad is None
    assert min(both_ways(torch.matmul, x, x, times=2)) >= 0
    assert x.grad is not None


def test_costs_are_shown_by_size(monkeypatch):
    shown = []
    monkeypatch.setattr(looking.figures, "curves", lambda series, *_, **__: shown.append(series))
    looking.costs({"mean": torch.mean}, [4, 8])
    assert shown[0]["mean"][0] == [4, 8]


def test_a_loss_is_beside_what_its_gradient_should_be_on_average(monkeypatch):
    def by_hand(loss, logits, rewards, baseline):
        log_p = logits.requires_grad_().log_softmax(0)
        chances = log_p.detach().exp()
        draws = [loss(log_p[k].view(1, 1), rewards[k].view(1), baseline.view(1, 1)) for k in range(len(logits))]
        return sum(
            p * torch.autograd.grad(one, logits, retain_graph=True)[0] for p, one in zip(chances, draws, strict=True)
        )

    def right(log_probs, reward, baselines):
        return -((reward.unsqueeze(1) - baselines) * log_probs).sum()

    shown = []
    monkeypatch.setattr(looking.tables, "show_table", lambda columns, rows, caption: shown.append(rows))
    losses = {"right": right, "upside down": lambda *given: -right(*given)}
    assert looking.on_average(by_hand, losses, [0.5, -1.0, 0.2], [0.0, 1.0, 2.0], 0.7) == 1
    assert [row[0] for row in shown[0]] == ["what it should be", "right", "upside down"]
    assert shown[0][0][1:] == shown[0][1][1:] != shown[0][2][1:]
