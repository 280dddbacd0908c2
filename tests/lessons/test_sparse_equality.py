"""Lesson 12: what is computed in tiles, in blocks, or word by word equals the whole table; sparsemax is the projection."""

import pytest
import torch
from torch.nn import functional as F

from autograder.authoring import source
from lessonkit.show.memory import Memory
from lessonkit.data import recall
from lessonkit.show import scaling

TOLERANCE = 1e-10


@pytest.fixture(scope="module")
def code():
    return source.load("12").namespace()


@pytest.fixture(autouse=True)
def in_float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def drawn(B, T, S, d, d_v):
    return [torch.randn(B, *shape, requires_grad=True) for shape in ((T, d), (S, d), (S, d_v))]


def assert_same(ours, theirs, inputs):
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < TOLERANCE
    direction = torch.randn_like(ours)
    for a, b in zip(
        *(torch.autograd.grad((x * direction).sum(), inputs, retain_graph=True) for x in (ours, theirs)), strict=True
    ):
        assert (a - b).abs().max() < TOLERANCE


@pytest.mark.parametrize("tile", [1, 7, 16, 50, 64])
def test_tile_by_tile_equals_dense_and_pytorch(code, tile):
    inputs = drawn(3, 20, 50, 6, 4)
    ours = code["online_softmax"](*inputs, tile)
    assert_same(ours, code["dense"](*inputs), inputs)
    assert_same(ours, F.scaled_dot_product_attention(*inputs), inputs)


def test_tile_by_tile_stands_great_scores(code):
    queries, keys, values = drawn(1, 5, 9, 4, 3)
    given = [queries * 1e4, keys, values]
    assert_same(code["online_softmax"](*given, 2), code["dense"](*given), [queries, keys, values])


@pytest.mark.parametrize("T", [1, 31, 32, 45])
@pytest.mark.parametrize(("window", "block"), [(1, 4), (8, 8), (5, 16), (20, 3), (60, 8), (4, 100)])
def test_window_in_blocks_equals_the_mask(code, T, window, block):
    inputs = drawn(2, T, T, 5, 3)
    ours = code["block_window_attention"](*inputs, window, block)
    assert_same(ours, code["masked"](*inputs, window), inputs)


@pytest.mark.parametrize("window", [1, 4, 30])
def test_cached_steps_equal_the_causal_pass(code, window):
    words, W = torch.randn(2, 12, 6, requires_grad=True), [torch.randn(5, 6, requires_grad=True) for _ in range(3)]
    ours = code["write_with_cache"](words, W, window)
    assert_same(ours, code["at_once"](words, W, window), [words, *W])


def test_nothing_but_the_blocks_is_computed(code):
    T, inputs = 512, [part.detach() for part in drawn(1, 512, 512, 8, 8)]
    for way, most in (
        (lambda: code["block_window_attention"](*inputs, 16, 16), 16 * 32),
        (lambda: code["online_softmax"](*inputs, 16), T * 16),
        (lambda: code["masked"](*inputs, 16), T * T),
    ):
        with Memory() as memory:
            way()
        assert max(most, T * 8) == memory.largest


def test_sparsemax_is_the_nearest_point_of_the_simplex(code):
    scores = 2 * torch.randn(50, 7)
    weights = code["sparsemax"](scores)
    assert torch.allclose(weights.sum(-1), torch.ones(50))
    others = torch.distributions.Dirichlet(torch.full((7,), 0.3)).sample((2000, 50))
    assert ((weights - scores).norm(dim=-1) <= (others - scores).norm(dim=-1) + 1e-12).all()
    for t in (0.5, 1e-3):  # nor is any point nearer on the way to a corner
        for corner in torch.eye(7):
            moved = (1 - t) * weights + t * corner
            assert ((weights - scores).norm(dim=-1) <= (moved - scores).norm(dim=-1) + 1e-12).all()


def test_sparsemaxs_gradient_is_that_of_its_values(code):
    assert torch.autograd.gradcheck(code["sparsemax"], torch.randn(4, 6, requires_grad=True))
    scores = (3 * torch.randn(20, 6)).requires_grad_()
    weights, direction = code["sparsemax"](scores), torch.randn(20, 6)
    (found,) = torch.autograd.grad((weights * direction).sum(), scores)
    support = (weights > 0).double()
    mean = (direction * support).sum(-1, keepdim=True) / support.sum(-1, keepdim=True)
    assert torch.allclose(found, support * (direction - mean))  # within the support: less the mean


def test_strided_reaches_everything_in_two_steps_and_a_window_does_not(code):
    strided, window, reach = code["strided_mask"](40, 6), code["window_mask"](40, 6), code["reach"]
    assert reach(strided, 2)[1] == 1
    assert reach(window, 8)[-1] == 1
    assert reach(window, 7)[-1] < 1  # 7 · 5 = 35 words back, and the farthest is 39


def test_slopes_and_crossings():
    lengths = [2**n for n in range(4, 10)]
    square, line = [1e-6 * T**2 for T in lengths], [1e-4 * T for T in lengths]
    assert scaling.slope(lengths, square) == pytest.approx(2)
    assert scaling.slope(lengths, [*line[:-1], None]) == pytest.approx(1)
    T, seconds = scaling.crossing(lengths, square, line)
    assert T == pytest.approx(100)
    assert seconds == pytest.approx(0.01)
    assert scaling.crossing(lengths, line, square) is None
    assert scaling.crossing(lengths, square, [0.5 * x for x in square])[0] == 16


def test_memory_counts_what_is_alive():
    given = torch.randn(100)
    with Memory() as memory:
        for _ in range(3):
            given + 1  # gone at once
        kept = given[:50].exp()
    assert memory.peak == 8 * 100
    assert memory.largest == 100
    assert len(kept) == 50


@pytest.mark.parametrize("draw", [recall.draw_mark, recall.draw_asked])
def test_what_is_asked_stands_where_the_distance_says(draw):
    found = draw(20, 5)
    for row, place in found.asked.nonzero().tolist():
        word = found.words[row, place - found.distance[row, place]].item()
        assert word % recall.VALUES == found.answers[row, place]
        if draw is recall.draw_mark:
            assert word >= recall.VALUES
        else:
            assert word // recall.VALUES == found.words[row, place] - recall.KEYS * recall.VALUES
    assert found.words.max() < recall.WORDS["mark" if draw is recall.draw_mark else "asked"]
    assert torch.equal(found.words, draw(20, 5).words)
