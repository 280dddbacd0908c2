"""Drawn inputs: the same for the same seed, of the promised kind, and watched for changes."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonkit.checks.draw import Draw


@given(st.integers(0, 2**31), st.integers(2, 6), st.integers(2, 9))
def test_lengths_have_a_short_and_a_full_row(seed, B, T):
    lengths = Draw(seed).lengths(B, T)
    assert lengths.shape == (B,)
    assert int(lengths.min()) == 1
    assert int(lengths.max()) == T


@given(st.integers(0, 2**31), st.integers(3, 6), st.integers(2, 9))
def test_mask_has_a_short_a_full_and_an_empty_row(seed, B, T):
    mask = Draw(seed).mask(B, T, empty=True)
    assert mask.dtype == torch.bool
    assert {0, 1, T} <= {int(n) for n in mask.sum(1)}
    assert (mask[:, :-1] | ~mask[:, 1:]).all()  # True at the front


@given(st.integers(0, 2**31))
def test_weights_sum_to_one(seed):
    weights = Draw(seed).weights(3, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, dtype=torch.float64))
    assert (weights > 0).all()


def test_same_seed_same_inputs():
    a, b = Draw(5), Draw(5)
    assert torch.equal(a.normal(2, 3), b.normal(2, 3))
    assert a.integers(0, 10) == b.integers(0, 10)
    assert a.digest() == b.digest()
    assert a.digest() != Draw(6).digest() or not a.normal(1).numel()


def test_changed_inputs_are_noticed():
    draw = Draw(1)
    draw.normal(3)
    y = draw.normal(3)
    assert draw.changed() == ()
    y += 1
    assert draw.changed() == ("drawn 1",)


def test_a_batch_of_one_has_no_short_and_full_row():
    with pytest.raises(ValueError, match="at least 2"):
        Draw(1).lengths(1, 5)
