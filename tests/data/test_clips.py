"""Clips of moving digits: boxes that hold the digit, motion as asked, a bar over the right place, splits by digit."""

import hashlib

import pytest
import torch

from lessonkit.data.clips import BAR, FRAMES, PIXELS, box_iou, clip_sets, draw_clips, fresh
from lessonkit.data.digits import load_digits

DIGITS = load_digits()
MADE = draw_clips(120, 5, DIGITS.test)


def test_the_box_holds_all_the_ink_where_nothing_else_is():
    made = draw_clips(60, 6, DIGITS.test, distractor=False, bar=False)
    for frames, boxes in zip(made.frames, made.boxes.long(), strict=True):
        for frame, (top, left, bottom, right) in zip(frames, boxes.tolist(), strict=True):
            assert frame[top:bottom, left:right].max() > 0.7
            outside = frame.clone()
            outside[top:bottom, left:right] = 0
            assert outside.abs().max() <= 0.08 + 1e-6


@pytest.mark.parametrize("speed", [(1.0, 2.5), (4.0, 7.0)])
def test_digits_move_and_stay_in_the_picture(speed):
    made = draw_clips(100, 7, DIGITS.test, speed=speed)
    assert made.boxes.min() >= 0
    assert made.boxes.max() <= PIXELS
    sides = made.boxes[..., 2:] - made.boxes[..., :2]
    assert set(sides.unique().tolist()) == {12, 13, 14, 15, 16}
    steps = (made.boxes[:, 1:, :2] - made.boxes[:, :-1, :2]).norm(dim=-1)
    assert speed[0] * 0.7 < steps.mean() < speed[1] * 1.1


def test_the_bar_hides_the_digit_for_two_or_three_frames():
    times = MADE.hidden.sum(1)
    assert set(times.tolist()) == {2, 3}
    assert not MADE.hidden[:, :3].any()
    for clip in range(30):
        for time in MADE.hidden[clip].nonzero().flatten().tolist():
            top, left, bottom, right = MADE.boxes[clip, time].long().tolist()
            inside = MADE.frames[clip, time, top:bottom, left:right]
            assert ((inside - BAR).abs() < 0.09).float().mean() > 0.4


def test_the_distractor_is_another_one_and_starts_far_away():
    first, second = MADE.boxes[:, 0, :2], MADE.distractor[:, 0, :2]
    away = (first - second).abs().amax(1)
    assert away.min() >= 12  # a digit in the middle leaves no more room
    assert (away >= 17).float().mean() > 0.85
    assert draw_clips(3, 5, DIGITS.test, distractor=False).distractor.sum() == 0


def test_no_digit_of_a_test_is_seen_in_training():
    validation, test = clip_sets()
    assert len(validation.labels) == len(test.labels) == 512
    assert not torch.equal(validation.labels, test.labels)
    batch = next(fresh(8, seed=0))
    assert batch.frames.shape == (8, FRAMES, PIXELS, PIXELS)
    assert batch.first(4).boxes.shape == (8, 4, 4)
    assert batch[:3].frames.shape[0] == 3


def test_the_same_seed_gives_the_same_clips_everywhere():
    numbers = torch.cat([MADE.boxes.flatten().long(), MADE.labels, MADE.hidden.flatten().long()])
    assert hashlib.sha256(numbers.numpy().tobytes()).hexdigest()[:12] == "fe2d1dce1d7a"
    assert torch.equal(draw_clips(120, 5, DIGITS.test).frames, MADE.frames)


def test_iou_counts_pixels():
    boxes = torch.randint(0, 8, (40, 2, 2), generator=torch.Generator().manual_seed(0))
    sizes = torch.randint(1, 8, (40, 2, 2), generator=torch.Generator().manual_seed(1))
    for (corner_a, corner_b), (size_a, size_b) in zip(boxes, sizes, strict=True):
        masks = []
        for corner, size in ((corner_a, size_a), (corner_b, size_b)):
            mask = torch.zeros(16, 16, dtype=torch.bool)
            mask[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]] = True
            masks.append(mask)
        a, b = torch.cat([corner_a, corner_a + size_a]).float(), torch.cat([corner_b, corner_b + size_b]).float()
        counted = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
        assert box_iou(a, b) == pytest.approx(counted.item())
