"""The map one can touch, as the page gets it: data, words for everybody, and one module for all pages."""

import json
import re

import numpy as np
import pytest
import torch

from lessonkit.show import touch


@pytest.fixture
def shown(monkeypatch):
    found = []
    monkeypatch.setattr("IPython.display.display", lambda *things, **_: found.extend(things))
    return found


def data_in(html):
    return json.loads(re.search(r"^const data = (.*);$", html, re.M).group(1).replace("<\\/", "</"))


def test_one_map(shown):
    touch.attention(
        torch.tensor([[0.9, 0.1], [0.2, 0.8]]), ["le", "</script>"], ["the", "<cat>"], gold={(0, 0), (1, 1)}
    )
    (thing,) = shown
    assert thing.text == "le -> the (0.90), on gold 0.90\n</script> -> <cat> (0.80), on gold 0.80"
    assert thing.html.count("</script>") == 1  # what a word says can't end the script
    data = data_in(thing.html)
    assert data["examples"][0]["maps"] == [[[0.9, 0.1], [0.2, 0.8]]]
    assert data["examples"][0]["gold"] == [[0, 0], [1, 1]]
    assert data["names"] == [""]
    assert "&lt;cat&gt;" in thing.html.partition("<script>")[0]


def test_layers_and_heads_with_scale_and_mask(shown):
    products = np.zeros((2, 3, 4, 4))
    products[0, 0, 1, 0] = 16 * np.log(3.0)
    touch.attention(products, list("abcd"), list("abcd"), d_k=256, mask=np.tri(4, dtype=bool))
    data = data_in(shown[0].html)
    assert data["names"][1] == "layer 1, head 2"
    assert data["d_k"] == 256
    assert data["examples"][0]["mask"][0] == [True, False, False, False]
    lines = shown[0].text.splitlines()
    assert lines[1] == "layer 1, head 1: b -> a (0.75)"
    assert len(lines) == 24


def test_several_sentences(shown):
    one, two = np.full((2, 3), 1 / 3), np.ones((1, 1))
    touch.attention([one, two], [["a", "b"], ["c"]], [["x", "y", "z"], ["w"]], gold=[set(), np.ones((1, 1), bool)])
    assert [e["title"] for e in data_in(shown[0].html)["examples"]] == ["a b", "c"]
    assert data_in(shown[0].html)["examples"][1]["gold"] == [[0, 0]]


def test_regions(shown):
    weights, gold = np.zeros((2, 2, 7, 7)), np.zeros((2, 7, 7), dtype=bool)
    weights[:, :, 2, 3], gold[1, 2, 3] = 1.0, True
    touch.regions(weights, ["a", "cross"], np.zeros((42, 42, 3), np.uint8), gold, names=["soft", "hard"], notes=["x"])
    assert shown[0].text.splitlines()[1] == "soft: cross -> row 3, column 4 (1.00), on gold 1.00"
    example = data_in(shown[0].html)["examples"][0]
    assert example["gold"] == [[1, 17]]
    assert example["picture"].startswith("data:image/png;base64,")
    assert example["note"] == "x"


def test_the_same_map_gives_the_same_page(shown):
    for _ in range(2):
        touch.attention(np.eye(2), ["a", "b"], ["a", "b"])
    assert shown[0].html == shown[1].html


@pytest.mark.parametrize("shape", [(3, 2), (2, 2, 3, 3), (3,)])
def test_what_does_not_fit(shape):
    with pytest.raises(ValueError, match="2 queries and 3 keys"):
        touch.attention(np.zeros(shape), ["a", "b"], ["x", "y", "z"])


def test_names_for_every_map():
    with pytest.raises(ValueError, match="1 maps, and 2 names"):
        touch.attention(np.eye(2), ["a", "b"], ["a", "b"], names=["one", "two"])


def test_nothing_comes_from_elsewhere():
    for name in ("touch.js", "controls.js"):
        text = (touch._HERE / name).read_text()
        assert not re.search(r"\bimport\b.*from|https?://(?!www\.w3\.org/2000/svg)", text)
        assert text.count("export default { render }") == 1
