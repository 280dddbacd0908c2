"""Lesson 11's pieces equal what others compute: PyTorch's attention with an added mask, sums over all draws."""

import itertools

import pytest
import torch
from torch import nn

from autograder.authoring import source

F64 = {"dtype": torch.float64}


@pytest.fixture(scope="module")
def family():
    return source.load("11").namespace()


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("back", [True, False])
def test_directed_weights_equal_pytorchs_attention_with_an_added_mask(family, back):
    q, k, T, alpha = torch.randn(2, 6, 4, **F64), torch.randn(2, 6, 4, **F64), 6, 0.7
    places = torch.arange(T)
    distance = places - places.unsqueeze(1)
    hidden = (distance >= 0) if back else (distance <= 0)
    bias = (-alpha * distance.abs().double()).masked_fill(hidden, float("-inf"))
    expected = nn.functional.scaled_dot_product_attention(q, k, torch.eye(T, **F64).expand(2, -1, -1), attn_mask=bias)
    found = family["directed_weights"](q @ k.mT / 2, torch.ones(2, T, dtype=torch.bool), back, alpha)
    nobody = 0 if back else T - 1
    someone = [i for i in range(T) if i != nobody]
    torch.testing.assert_close(found[:, someone], expected[:, someone])
    assert not found[:, nobody].any()


def test_no_gradient_is_nan_where_a_row_has_nobody_to_ask(family):
    scores = torch.randn(2, 4, 4, requires_grad=True)
    mask = torch.tensor([[True, False, False, False], [True, True, True, True]])
    for back in (True, False):
        (family["directed_weights"](scores, mask, back, 1.0) ** 2).sum().backward()
    assert scores.grad.isfinite().all()


def test_the_penalty_is_zero_and_so_is_the_overlap_for_rows_on_different_words(family):
    A = torch.eye(3, 5, **F64).unsqueeze(0)
    assert family["redundancy_penalty"](A).item() == family["foci_overlap"](A).item() == 0
    same = A[:, :1].expand(1, 3, 5)
    assert family["foci_overlap"](same).item() == pytest.approx(1)


@pytest.mark.parametrize("baseline", [0.0, -1.5, 4.0])
def test_the_gradient_averaged_over_all_draws_is_the_exact_one(family, baseline):
    """Every selection of four words, weighed by its probability, against ∇ of the exact expectation."""
    T, strength = 4, 0.6
    logits = torch.randn(1, T, **F64, requires_grad=True)
    reader = torch.randn(T, 3, **F64, requires_grad=True)
    mask = torch.ones(1, T, dtype=torch.bool)

    def log_right(kept):
        return (kept.double() @ reader).log_softmax(-1)[:, 1]

    exact, averaged = 0.0, 0.0
    for chosen in itertools.product([True, False], repeat=T):
        p = torch.sigmoid(logits)
        wanted = torch.tensor([chosen])
        uniforms = torch.where(wanted, torch.zeros(1, T, **F64), torch.ones(1, T, **F64))
        kept, log_p = family["select_tokens"](p, mask, uniforms)
        assert torch.equal(kept, wanted)
        share = kept.double().mean(-1)
        exact = exact + (log_p.exp() * (log_right(kept) - strength * share)).sum()
        loss = family["reinforce_with_sparsity"](
            log_right(kept), log_p, share, strength, torch.full((1,), baseline, **F64)
        )
        averaged = averaged + log_p.exp().detach().squeeze() * loss
    wanted = torch.autograd.grad(exact, (logits, reader), retain_graph=True)
    found = torch.autograd.grad(-averaged, (logits, reader))
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)
