"""Lesson 14's spatial transformer is PyTorch's, value and gradient; its Gaussian matrices are the sums they stand for."""

import pytest
import torch
from torch.nn import functional

from autograder.authoring import source


@pytest.fixture(scope="module")
def lesson():
    return source.load("14").namespace()


@pytest.fixture(autouse=True)
def in_float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("seed", range(5))
def test_sampler_and_grid_are_pytorchs(lesson, seed):
    generator = torch.Generator().manual_seed(seed)
    B, H, W, h, w = torch.randint(1, 9, (5,), generator=generator).tolist()
    pictures = torch.randn(B, H, W, generator=generator, requires_grad=True)
    theta = torch.randn(B, 2, 3, generator=generator, requires_grad=True)
    weights = torch.randn(B, h, w, generator=generator)
    mine = lesson["bilinear_sample"](pictures, lesson["affine_grid"](theta, h, w))
    grid = functional.affine_grid(theta, [B, 1, h, w], align_corners=False)
    theirs = functional.grid_sample(pictures[:, None], grid, align_corners=False)[:, 0]
    assert torch.allclose(mine, theirs, atol=1e-12)
    for ours, other in zip(
        *(torch.autograd.grad((g * weights).sum(), (pictures, theta)) for g in (mine, theirs)), strict=True
    ):
        assert torch.allclose(ours, other, atol=1e-10)


def test_a_gaussian_glimpse_is_the_sum_over_all_pixels(lesson):
    generator = torch.Generator().manual_seed(0)
    picture = torch.randn(1, 7, 9, generator=generator)
    numbers = torch.tensor([[0.1, -0.2, 0.3, -0.4]])
    u_y, u_x, s, d = (float(x) for x in lesson["draw_window"](numbers, 3, 7, 9))
    glimpse = lesson["gaussian_window"](picture, numbers, 3)[0]
    pixels = [(r, c) for r in range(7) for c in range(9)]
    for i in range(3):
        for j in range(3):
            y, x = u_y + i * d, u_x + j * d
            weight = torch.tensor([-((r - y) ** 2 + (c - x) ** 2) / (2 * s * s) for r, c in pixels]).exp()
            expected = (weight * picture.flatten()).sum() / weight.sum()
            assert glimpse[i, j].item() == pytest.approx(expected.item(), rel=1e-6)


def test_draws_window_in_the_middle_reaches_from_edge_to_edge(lesson):
    u_y, u_x, s, d = lesson["draw_window"](torch.zeros(1, 4), 5, 13, 13)
    assert [float(x) for x in (u_y, u_x, s, d)] == [0.0, 0.0, 1.0, 3.0]
    assert float(u_y + 4 * d) == 12.0


def test_only_four_pixels_of_a_picture_have_a_gradient(lesson):
    picture = torch.randn(1, 20, 20, requires_grad=True)
    lesson["bilinear_sample"](picture, torch.tensor([[[[0.123, -0.321]]]])).sum().backward()
    assert int((picture.grad != 0).sum()) == 4
