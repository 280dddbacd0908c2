"""The explorer of heads: its weights, what its switches do, its pictures and words."""

import json
import re

import numpy as np
import pytest
import torch

from lessonkit.models.attention import masked_softmax
from lessonkit.show.heads_explorer import Heads, heads_explorer, heads_figure, heads_in_words


@pytest.fixture
def displayed(monkeypatch):
    """What was handed to IPython's display."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *things, **_: shown.extend(things))
    return shown


def sentence(words="the <cat> saw it", layers=2, heads=3, mask=True, seed=0):
    words = words.split()
    T = len(words)
    products = np.random.default_rng(seed).normal(0, 4, (layers, heads, T, T))
    return Heads(words, words, products, 16, np.tri(T, dtype=bool) if mask else None, {(T - 1, 1)})


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("mask", [True, False])
def test_weights_are_those_of_the_lesson(scale, mask):
    example = sentence()
    scores = torch.from_numpy(example.products) / (4.0 if scale else 1.0)
    allowed = torch.from_numpy(example.mask) if mask else torch.ones(4, 4, dtype=torch.bool)
    assert np.allclose(example.weights(scale, mask), masked_softmax(scores, allowed).numpy())


def test_a_query_that_may_ask_nobody_has_zeros():
    example = Heads(["a", "b"], ["a", "b"], np.ones((1, 1, 2, 2)), 1, np.array([[False, False], [True, True]]))
    assert example.weights()[0, 0].tolist() == [[0, 0], [0.5, 0.5]]
    assert "“a” may ask nobody" in heads_in_words(example, 0)


def test_without_a_mask_the_switch_does_nothing():
    example = sentence(mask=False)
    assert np.array_equal(example.weights(mask=True), example.weights(mask=False))


def test_large_products_do_not_overflow():
    example = Heads(["a", "b"], ["a", "b"], np.full((1, 1, 2, 2), 1e5), 4)
    assert np.allclose(example.weights(scale=False), 0.5)


def test_swapped_axes_are_refused():
    with pytest.raises(ValueError, match="for 2 queries and 3 keys"):
        Heads(["q", "r"], ["k", "l", "m"], np.zeros((1, 1, 3, 2)), 4)


def test_other_queries_than_keys():
    example = Heads(["q", "r"], ["k", "l", "m"], np.zeros((1, 1, 2, 3)), 4)
    assert np.allclose(example.weights(), 1 / 3)
    ax = heads_figure(example, query=1).axes[1]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["k", "l", "m"]
    assert ax.get_title(loc="left") == "the row of “r” in each map"
    assert "“q” asks “k” most (0.33)" in heads_in_words(example, 0)


def test_a_map_for_each_layer_and_head():
    fig = heads_figure(sentence(), query=2)
    *maps, strip = fig.axes
    names = [f"layer {i}, head {j}" for i in (1, 2) for j in (1, 2, 3)]
    assert [ax.get_title(loc="left") for ax in maps] == names
    for ax in maps:
        assert ax.images[0].get_clim() == (0.0, 1.0)
        frames = [p for p in ax.patches if p.get_width() == 4]
        assert [p.get_y() for p in frames] == [1.5]
    assert [t.get_text() for t in strip.get_yticklabels()] == names
    assert [t.get_text() for t in strip.get_xticklabels()] == ["the", "<cat>", "saw", "it"]
    assert np.allclose(strip.images[0].get_array(), sentence().weights()[:, :, 2].reshape(6, 4))


def test_without_a_query_there_are_only_maps():
    assert len(heads_figure(sentence()).axes) == 6
    assert len(heads_figure(sentence(heads=1)).axes) == 2


def test_the_words_say_every_map():
    example = sentence()
    said = heads_in_words(example, 3)
    assert said.count("Layer") == 6
    on_gold = example.weights()[1, 2, 3, 1]
    assert said.endswith(f"on gold lies {on_gold:.2f}.")


def test_the_explorer_starts_as_it_is_told(displayed):
    heads_explorer([sentence(), sentence("so they left", mask=False, seed=1)], query=3, mask=False)
    (page,) = displayed
    data = json.loads(re.search(r"^const data = (.*);$", page.html, re.M).group(1).replace("<\\/", "</"))
    assert (data["start"], data["off"], data["d_k"], len(data["names"])) == (3, ["mask"], 16, 6)
    assert data["examples"][0]["mask"][0] == [True, False, False, False]
    assert data["examples"][1]["mask"] is None
    assert np.allclose(data["examples"][0]["maps"], sentence().products.reshape(6, 4, 4), atol=1e-3)
