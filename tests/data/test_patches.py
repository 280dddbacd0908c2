"""Pictures of patches: the truth that is told of them is in their pixels, nothing else gives the answer away."""

import hashlib

import numpy as np
import pytest
import torch

from lessonkit.data.patches import CELLS, SIDE, apart, draw_around, draw_cues, draw_pairs, fresh


def cells_of(pictures):
    """(N, 3, 24, 24) -> (N, 36, 3, 16)."""
    cut = pictures.unflatten(3, (CELLS, SIDE)).unflatten(2, (CELLS, SIDE))
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(1, 2).flatten(3)


def patterns_of(pictures):
    """The ±1 pattern of each cell, 0 where there is none: (N, 36, 16)."""
    grey = cells_of(pictures).mean(2) - 0.5  # tints sum to 0 over the channels
    return torch.where(grey.abs() > 0.1, grey.sign(), 0.0)


def fingerprint(tensor):
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()[:12]


def test_only_the_match_has_the_cues_pattern():
    made = draw_cues(300, seed=5)
    patterns, rows = patterns_of(made.pictures), torch.arange(300)
    cue = patterns[rows, made.cue]
    assert torch.equal(patterns[rows, made.match], cue)
    others = patterns[rows[:, None], made.patches[:, 1:]]
    different = (others != cue.unsqueeze(1)).sum(-1)
    assert different.min() >= 5
    assert different.max() <= 11
    assert ((patterns != 0).any(-1).sum(-1) == 9).all()


def test_two_patches_of_each_colour_so_that_counting_is_a_guess():
    made = draw_cues(400, seed=6)
    means = cells_of(made.pictures).mean(-1)[torch.arange(400)[:, None], made.patches]
    kinds = (means - means.mean(-1, keepdim=True)).sign().int()
    for picture, answer in zip(kinds, made.answers, strict=True):
        assert sorted(torch.unique(picture, dim=0, return_counts=True)[1].tolist()) == [2, 2, 2, 2]
        assert torch.equal(picture[0], torch.tensor([[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, -1]])[answer].int())
    assert torch.bincount(made.answers).min() > 70


@pytest.mark.parametrize(("least", "most"), [(1, 1), (2, 5), (1, 5)])
def test_the_distance_is_as_asked(least, most):
    made = draw_cues(500, seed=7, least=least, most=most)
    assert made.distance.min() >= least
    assert made.distance.max() <= most
    assert all(len({*row.tolist(), int(cue)}) == 9 for row, cue in zip(made.patches, made.cue, strict=True))


def test_around_the_cue_lie_the_same_patches_all_eight():
    made, before, rows = draw_around(200, seed=6), draw_cues(200, seed=6), torch.arange(200)[:, None]
    assert (apart(made.cue[:, None], made.patches) == 1).all()
    assert all(len({*row.tolist()}) == 8 for row in made.patches)
    for where in ("cue", "patches"):
        now, then = (getattr(each, where).view(200, -1) for each in (made, before))
        assert torch.equal(cells_of(made.pictures)[rows, now], cells_of(before.pictures)[rows, then])
    assert torch.equal(made.answers, before.answers)
    assert len(torch.unique(made.match - made.cue)) == 8
    assert ((cells_of(made.pictures) - 0.5).abs().amax((2, 3)) > 0.01).sum(1).eq(9).all()


def test_distance_is_the_longer_way():
    assert apart(torch.tensor([0, 0, 35, 7]), torch.tensor([1, 6, 0, 7])).tolist() == [1, 1, 5, 0]


def test_pairs_are_the_same_or_clearly_not():
    made = draw_pairs(400, seed=8)
    patterns = patterns_of(made.pictures)[torch.arange(400)[:, None], made.cells]
    different = (patterns[:, 0] != patterns[:, 1]).sum(-1)
    assert torch.equal(different == 0, made.answers == 1)
    assert different[made.answers == 0].min() >= 5
    assert 160 < made.answers.sum() < 240


def test_the_same_seed_gives_the_same_pictures_everywhere():
    made = draw_cues(20, seed=2)
    assert made.pictures.dtype == torch.float32
    assert fingerprint(torch.cat([made.cue, made.answers, made.patches.flatten()])) == "ead2f74a80d4"
    assert fingerprint(torch.from_numpy(np.rint(255 * made.pictures.numpy()).astype(np.uint8))) == "0ee260eb4ffb"


def test_batches_are_new_each_time_and_never_from_a_test():
    batches = fresh(draw_cues, 4, seed=0)
    first, second = next(batches), next(batches)
    assert not torch.equal(first.pictures, second.pictures)
    assert torch.equal(next(fresh(draw_cues, 4, seed=0)).pictures, first.pictures)
    assert not torch.equal(first.pictures, next(fresh(draw_cues, 4, seed=1)).pictures)
