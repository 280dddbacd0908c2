"""The verbs of lesson 14: both windows of the explorer see the same place, and figures say what they show."""

import pytest
import torch

from autograder.authoring import source
from lessonkit.data.digits import canvases, load_digits
from lessonkit.show import figures, looking, tables, widgets, windows


@pytest.fixture(scope="module")
def lesson():
    return source.load("14").namespace()


@pytest.fixture
def canvas():
    return canvases(load_digits().test, 3, 40, seed=0, clutter=4)


def test_both_windows_of_the_explorer_look_at_the_same_place(lesson):
    picture = torch.zeros(40, 50)
    picture[12, 31] = 1.0
    gaussian, crop = lesson["gaussian_window"], lesson["fast_window"]
    seen = windows._glimpses(picture, gaussian, crop, 5, (12, 31), 10.0, 0.5)
    for glimpse in seen.values():
        assert glimpse.flatten().argmax() == 12  # the middle of 5 × 5


def test_the_explorer_draws_and_says_each_choice(lesson, canvas, monkeypatch):
    asked = []
    monkeypatch.setattr(widgets, "explore", lambda draw, say, start, **controls: asked.append((draw, say, start)))
    windows.explorer(canvas, lesson["gaussian_window"], lesson["fast_window"])
    ((draw, say, start),) = asked
    assert len(draw(**start).axes) == 3
    assert say(across=3.0, down=4.0, reach=9.0, width=0.4).startswith("A window at row 4, column 3, 9 pixels wide")


def test_copying_makes_a_staircase(canvas, monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "curves", lambda series, *_, **__: shown.append(series))
    monkeypatch.setattr(looking, "paths", lambda found: shown.append(found))
    windows.staircase(canvas)
    assert len(shown[0]) == 3
    steps, smooth = (len({round(y, 3) for y in ys}) for _, ys in shown[1].values())
    assert steps < 12 < smooth


def test_costs_are_shown_by_size(monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "show_table", lambda *table: shown.append(table))
    windows.costs({"scaled": lambda pictures, numbers, n: pictures[:, :n, :n] * numbers.sum()}, [20, 30])
    assert shown[0][0] == ["window", "20 × 20", "30 × 30"]
    assert shown[0][1][0][0] == "scaled"


def test_a_wrong_sampler_is_not_said_to_be_pytorchs(lesson, canvas, capsys):
    windows.beside_pytorch(lesson["affine_grid"], lesson["bilinear_sample"], canvas.pictures[:1])
    assert capsys.readouterr().out.count("the same as") == 2
    windows.beside_pytorch(lesson["affine_grid"], lambda p, g: 2 * lesson["bilinear_sample"](p, g), canvas.pictures[:1])
    assert capsys.readouterr().out.count("not the same as") == 2


def test_a_theta_beside_the_box_is_told_from_a_slice(lesson, canvas, capsys):
    names = ("box_theta", "affine_grid", "bilinear_sample")
    theta, grid, sample = (lesson[name] for name in names)
    windows.beside_slices(theta, grid, sample, canvas)
    assert "3 digits, each at the θ of its box: cut out to the pixel" in capsys.readouterr().out
    windows.beside_slices(lambda boxes, H, W: theta(boxes + 1, H, W), grid, sample, canvas)
    assert "of ink away from the slice" in capsys.readouterr().out
