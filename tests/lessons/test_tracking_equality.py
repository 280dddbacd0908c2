"""Lesson 15: box and window are each other's inverse, IoU is the finished piece, a glimpse shows what is there."""

import pytest
import torch
from torch.nn import functional as F

from autograder.authoring import source
from lessonkit.data.digits import load_digits
from lessonkit.models import windows


@pytest.fixture(autouse=True)
def in_float64():
    load_digits()  # kept in memory: in float32, as everybody else in this process wants it
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def close(a, b):
    return a.shape == b.shape and (a - b).abs().max() < 1e-10


def test_box_and_window_are_each_others_inverse():
    code = source.load("15").namespace()
    boxes = torch.rand(6, 4, 4) * 10
    boxes[..., 2:] += boxes[..., :2] + 1
    for context in (1.0, 2.0, 3.3):
        assert close(code["attention_to_box"](code["box_to_attention"](boxes, context), context), boxes)


def test_iou_is_the_finished_piece():
    a, b = torch.rand(5, 4, 2) * 5, torch.rand(5, 4, 2) * 5
    a, b = torch.cat([a, a + 3], -1), torch.cat([b, b + 2], -1)
    assert close(source.load("15").exercises()["box_iou"].reference(a, b), windows.box_iou(a, b))


def test_a_glimpse_through_a_fitting_window_is_the_picture_again():
    smooth = F.interpolate(torch.rand(1, 1, 4, 4), size=(16, 16), mode="bicubic")[0]
    through = windows.glimpse(smooth, torch.tensor([[8.0, 8.0, 16.0, 16.0]]), 16)
    assert (through - smooth)[:, 2:-2, 2:-2].abs().max() < 0.1
    shifted = windows.glimpse(smooth, torch.tensor([[11.0, 8.0, 16.0, 16.0]]), 16)
    assert (shifted[:, 2:10, 2:-2] - through[:, 5:13, 2:-2]).abs().max() < 1e-6
