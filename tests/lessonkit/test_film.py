"""Films: the track stands first, with the given box in frame 1; tables and curves say what they were given."""

import pytest
import torch

from lessonkit.data.clips import Track, draw_clips
from lessonkit.data.digits import load_digits
from lessonkit.models import windows
from lessonkit.show import film

CLIPS = draw_clips(4, 3, load_digits().test)


@pytest.fixture
def shown(monkeypatch):
    said = []
    monkeypatch.setattr(film.plots, "show", lambda fig, alt: said.append((fig, alt)))
    monkeypatch.setattr(film.tables, "show_table", lambda *table: said.append(table))
    return said


def track(shift):
    boxes = CLIPS.boxes[:, 1:] + shift
    return Track(boxes, boxes, torch.zeros(*boxes.shape[:2], 8, 8))


def test_strips_tell_the_tracks_score_in_words(shown):
    film.show_strips(CLIPS, [0, 2], {"first box copied": CLIPS.boxes[:, :1].expand_as(CLIPS.boxes)}, track(0.0))
    figure, words = shown[0]
    assert "Clip 3" in words
    assert words.count("IoU of your tracker in the last frame 1.00") == 2
    assert len(figure.axes) == 10


def test_the_film_begins_with_the_first_frame_of_the_first_clip(monkeypatch):
    given = {}
    monkeypatch.setattr(
        film.widgets, "explore", lambda draw, alt, start, **how: given.update(how, draw=draw, alt=alt, start=start)
    )
    film.explorer(CLIPS, {}, track(40.0), count=4)
    assert given["start"] == {"clip": 1, "frame": 1}
    assert given["clip"] == [1, 2, 3, 4]
    assert "IoU: your tracker 1.00" in given["draw"](1, 1).axes[0].get_title()  # the box of frame 1 is given
    assert "IoU: your tracker 0.00" in given["draw"](4, 10).axes[0].get_title()
    assert "frame 7" in given["alt"](2, 7)


def test_lost_and_early_lost_are_shares_of_clips(shown):
    iou = torch.tensor([[1.0] * 9, [1.0] * 8 + [0.0], [0.0] * 9, [0.5] * 3 + [0.0] * 6])
    film.show_lost({"a": iou}, lambda iou, threshold: (iou >= threshold).sum(-1))
    name, mean, never, early = shown[0][1][0]
    assert (name, never, early) == ("a", 0.25, 0.5)
    assert mean == pytest.approx(iou.mean().item())


def test_the_box_loss_is_silent_where_boxes_do_not_touch(shown):
    def loss(boxes, seen, masks, gold, gold_masks, lambda_a, lambda_s, iou):
        share = windows.box_iou(seen, gold)
        return -iou(boxes, gold).clamp(min=1e-3).log().mean() - lambda_a * share.clamp(min=1e-3).log().mean()

    film.show_reach(loss)
    assert "box loss pulls up to 14 pixels" in shown[0][1]


def test_a_move_is_told_beside_what_it_should_be(shown):
    def stays(window, change, context):
        return window

    film.show_moves(stays)
    rows = shown[0][1]
    assert [row[2:] for row in rows] == [["60.0", "50.0"], ["60.0", "50.0"], ["2.7", "20.0"], ["20.0", "20.0"]]


def test_a_mask_that_is_always_half_open_fails_two_wishes_of_three(shown):
    def half(features, query, position):
        mask = torch.full_like(features[:, 0], 0.5)
        return mask, features * mask.unsqueeze(1)

    film.show_switches(half)
    assert [row[1:] for row in shown[0][1]] == [["1.00", "0.50"], ["0.00", "0.50"], ["0.00", "0.00"]]
