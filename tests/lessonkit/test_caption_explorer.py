"""The caption explorer: the right map for the word, gold outlined, the same in words; and it works without models."""

import json
import re

import numpy as np
import pytest

from lessonkit.data.scenes import gold_regions, load_scenes, render_bytes
from lessonkit.show.caption_explorer import CaptionExample, caption_explorer, lit, word_figure

SCENES = load_scenes().test_two


@pytest.fixture
def displayed(monkeypatch):
    """What was handed to IPython's display."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *things, **_: shown.extend(things))
    return shown


def example(scene):
    """Soft: even weights in the gold region, or everywhere. Hard: the top left position."""
    gold = gold_regions(scene).astype(float)
    gold[~gold.any((1, 2))] = 1.0
    hard = np.zeros_like(gold)
    hard[:, 0, 0] = 1.0
    soft = gold / gold.sum((1, 2), keepdims=True)
    return CaptionExample(scene, {"soft": soft, "<hard>": hard}, {"soft": scene.caption, "<hard>": ["a", "<red>"]})


def test_scenes_words_and_what_was_written(displayed):
    caption_explorer([example(SCENES[0]), example(SCENES[1])])
    (page,) = displayed
    data = json.loads(re.search(r"^const data = (.*);$", page.html, re.M).group(1).replace("<\\/", "</"))
    assert data["names"] == ["soft", "<hard>"]
    assert [e["queries"] for e in data["examples"]] == [list(s.caption) for s in SCENES[:2]]
    assert data["examples"][0]["note"].endswith("<hard> wrote (wrong): a <red>")
    assert "soft wrote (right)" in data["examples"][0]["note"]
    gold = gold_regions(SCENES[0])
    assert data["examples"][0]["gold"] == np.argwhere(gold.reshape(len(gold), -1)).tolist()
    assert "<hard>" not in page.html.partition("<script>")[0]


def test_the_outline_goes_around_the_gold_region():
    scene = SCENES[0]
    gold = gold_regions(scene)[1]
    (ax,) = word_figure(CaptionExample(scene), 1).axes
    border = sum((np.diff(np.pad(gold.astype(int), 1), axis=a) != 0).sum() for a in (0, 1))
    assert len(ax.lines) == 2 * border
    rows, columns = np.nonzero(gold)
    ys = np.concatenate([line.get_ydata() for line in ax.lines])
    xs = np.concatenate([line.get_xdata() for line in ax.lines])
    assert (ys.min(), ys.max()) == (6 * rows.min() - 0.5, 6 * rows.max() + 5.5)
    assert (xs.min(), xs.max()) == (6 * columns.min() - 0.5, 6 * columns.max() + 5.5)


def test_two_maps_side_by_side():
    fig = word_figure(example(SCENES[0]), 1)
    titles = [ax.get_title() for ax in fig.axes]
    assert titles[0] == f"“{SCENES[0].caption[1]}”"
    assert titles[1].startswith("soft: largest")
    assert titles[2].startswith("<hard>: largest 1.00")


def test_light_falls_where_the_weight_is():
    pixels = render_bytes([SCENES[0]])[0].transpose(1, 2, 0)
    weights = np.zeros((7, 7))
    weights[2, 5] = 0.3
    shown = lit(pixels, weights).astype(int)
    assert (shown[12:18, 30:36] >= pixels[12:18, 30:36]).all()
    shown[12:18, 30:36] = 0
    assert (shown <= 0.21 * pixels).all()
