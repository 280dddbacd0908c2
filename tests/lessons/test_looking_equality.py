"""Lesson 16: what is built by hand equals the layers of earlier lessons, PyTorch's own, and a plain loop."""

import pytest
import torch
from torch.nn import functional as F

from autograder.authoring import source
from lessonkit.models import multi_head

TOLERANCE = 1e-10


def reference(lesson, name):
    return source.load(lesson).exercises()[name].reference


@pytest.fixture(autouse=True)
def in_float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def drawn():
    torch.manual_seed(0)
    x, f, g, h, v = torch.randn(2, 8, 3, 5), *(torch.randn(4, 8) for _ in range(3)), torch.randn(8, 4)
    return [part.requires_grad_() for part in (x, f, g, h, v, torch.tensor(0.7))]


def close(a, b):
    return a.shape == b.shape and (a - b).abs().max() < TOLERANCE


def test_the_block_is_lesson_07s_layer_on_the_flattened_map(drawn):
    x, f, g, h, v, gamma = drawn
    mask = ~torch.eye(15, dtype=torch.bool)
    y, weights = reference("16", "attention_block")(*drawn, mask)
    outputs, same = reference("07", "self_attention")(x.flatten(2).mT, g * 4**0.5, f, h, mask)
    assert close(weights, same)
    expected = x + gamma * (outputs @ v.T).mT.reshape(x.shape)
    assert close(y, expected)
    for ours, theirs in zip(
        torch.autograd.grad(y.square().sum(), drawn), torch.autograd.grad(expected.square().sum(), drawn), strict=True
    ):
        assert close(ours, theirs)


def test_the_block_is_pytorchs_attention_between_convolutions(drawn):
    x, f, g, h, v, gamma = drawn
    keys, queries, values = (F.conv2d(x, part[:, :, None, None]).flatten(2).mT for part in (f, g, h))
    o = F.scaled_dot_product_attention(queries, keys, values, scale=1.0)
    expected = x + gamma * F.conv2d(o.mT.unflatten(2, (3, 5)), v[:, :, None, None])
    everybody = torch.ones(15, 15, dtype=torch.bool)
    assert close(reference("16", "attention_block")(*drawn, everybody)[0], expected)
    mended, weights = reference("16", "mended_block")(*drawn)
    assert close(mended, expected)
    assert torch.allclose(weights.sum(1), torch.ones(2, 15))


def test_patches_are_those_of_a_convolution_with_stride():
    pictures, weights = torch.randn(2, 3, 8, 12), torch.randn(5, 3, 4, 4)
    patches = reference("16", "patchify")(pictures, 4)
    assert close(patches @ weights.flatten(1).T, F.conv2d(pictures, weights, stride=4).flatten(2).mT)


def test_roll_out_of_one_hot_maps_follows_the_path():
    first, second = torch.eye(3)[[1, 1, 2]], torch.eye(3)[[2, 1, 0]]
    rolled = reference("16", "attention_rollout")(torch.stack([first, second])[:, None, None])[0]
    assert rolled[0].tolist() == [0.25, 0.25, 0.5]  # ½ itself (½ itself, ½ word 1), ½ word 2, which looked at itself
    assert torch.allclose(rolled.sum(-1), torch.ones(3))


def test_heads_of_lesson_08_serve_the_vision_transformer():
    code = source.load("16").namespace()
    layer = code["Layer"](12, 3)
    x = torch.randn(2, 5, 12)
    words = layer.norms[0](x)
    out, weights = multi_head.multi_head_attention(words, words, layer.W_q, layer.W_k, layer.W_v, layer.W_o, 3)
    layer(x)
    assert close(layer.weights, weights)
    assert weights.shape == (2, 3, 5, 5)
