"""Clips of moving digits with a box in every frame: with or without a distractor and a bar that hides the digit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lessonkit.data.digits import Digits, enlarge, load_digits

PIXELS, FRAMES = 40, 10
SIDES = (12, 13, 14, 15, 16)  # pixels of a digit
LARGEST = SIDES[-1]
BAR, NOISE = 0.5, 0.08  # the grey of the bar; the noise on each pixel is between −NOISE and NOISE
APART = 18  # pixels between the first corners of the digit and its distractor, at least, where there is room for it


@dataclass(frozen=True)
class Clips:
    """Films, and where the digit to follow is. A box is top, left, bottom, right in pixels, the last two outside."""

    frames: Tensor  # (N, T, 40, 40) float32
    boxes: Tensor  # (N, T, 4) float32
    distractor: Tensor  # (N, T, 4) float32, the box of the other digit; the picture's corner where there is none
    hidden: Tensor  # (N, T) bool: is the bar there?
    labels: Tensor  # (N,) int64, the class of the digit

    def __getitem__(self, rows: slice | Tensor) -> "Clips":
        parts = (self.frames, self.boxes, self.distractor, self.hidden, self.labels)
        return Clips(*(part[rows] for part in parts))

    def first(self, frames: int) -> "Clips":
        """The same clips, cut off after so many frames."""
        parts = (self.frames, self.boxes, self.distractor, self.hidden)
        return Clips(*(part[:, :frames] for part in parts), self.labels)


class Track(NamedTuple):
    """What a tracker says for frames 2 to T: boxes and windows (B, T−1, 4), masks (B, T−1, n, n)."""

    boxes: Tensor
    windows: Tensor
    masks: Tensor


def draw_clips(
    count: int, seed: int, digits: Digits, *, speed: tuple[float, float] = (1.0, 2.5), distractor: bool = True,
    bar: bool = True,
) -> Clips:  # fmt: skip
    """So many clips of 10 frames, the same for the same seed. `speed` is in pixels a frame, least and most.

    Digits bounce at the border. The distractor is of another class, and starts at least 18 pixels away, or in the
    farthest corner if there is no room for that. The bar stands for 2 or 3 frames where the digit passes, is as wide as
    the digit and as high as the picture.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen, others = _two_classes(rng, digits.labels.numpy(), count)
    sides = rng.integers(0, len(SIDES), (2, count))
    first = _paths(rng, np.array(SIDES)[sides[0]], speed)
    second = _paths(rng, np.array(SIDES)[sides[1]], speed, away_from=first[:, 0])
    begins, lasts = rng.integers(3, FRAMES - 3, count), rng.integers(2, 4, count)
    noise = (rng.random((count, FRAMES, PIXELS, PIXELS), dtype=np.float32) * 2 - 1) * NOISE
    frames = _render(_ink(digits, sides[0], chosen), first)
    if distractor:
        frames = np.maximum(frames, _render(_ink(digits, sides[1], others), second))
    time = np.arange(FRAMES)
    hidden = (time >= begins[:, None]) & (time < (begins + lasts)[:, None]) & bar
    middle = first[np.arange(count), np.minimum(begins + lasts // 2, FRAMES - 1), 1]
    columns = np.arange(PIXELS)
    covered = (columns >= middle[:, None]) & (columns < (middle + np.array(SIDES)[sides[0]])[:, None])
    frames = np.where((hidden[:, :, None] & covered[:, None])[:, :, None, :], BAR, frames) + noise
    boxes = [_boxes(path, np.array(SIDES)[side]) for path, side in ((first, sides[0]), (second, sides[1]))]
    if not distractor:
        boxes[1] = np.zeros_like(boxes[1])
    arrays = (frames.astype(np.float32), *boxes, hidden)
    return Clips(*map(torch.from_numpy, arrays), digits.labels[torch.from_numpy(chosen)])


def clip_sets(**how: object) -> tuple[Clips, Clips]:
    """512 clips to choose settings by, of validation digits, and 512 to measure with, of test digits."""
    sets = load_digits()
    return draw_clips(512, 1, sets.validation, **how), draw_clips(512, 2, sets.test, **how)


def fresh(size: int, seed: int, **how: object) -> Iterator[Clips]:
    """Batches of new clips of training digits, without end; none of them is drawn from a seed below a million."""
    batch, digits = 1_000_000 * (seed + 1), load_digits().train
    while True:
        batch += 1
        yield draw_clips(size, batch, digits, **how)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union (lesson 15): a and b (..., 4), top, left, bottom, right -> (...)."""
    shared = (torch.minimum(a, b)[..., 2:] - torch.maximum(a, b)[..., :2]).clamp(min=0).prod(-1)
    areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return shared / (areas - shared)


def _two_classes(rng: np.random.Generator, labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of digits, (count,) twice, of different classes."""
    chosen, others = rng.integers(0, len(labels), (2, count))
    while (same := labels[chosen] == labels[others]).any():
        others = np.where(same, rng.integers(0, len(labels), count), others)
    return chosen, others


def _paths(
    rng: np.random.Generator, sides: np.ndarray, speed: tuple[float, float], away_from: np.ndarray | None = None
) -> np.ndarray:
    """Top left corners (N, T, 2), whole pixels, of digits that move and bounce."""
    room = (PIXELS - sides)[:, None].astype(float)
    place = rng.random((len(sides), 2)) * room
    if away_from is not None:
        for _ in range(40):
            near = np.abs(place - away_from).max(axis=1, keepdims=True) < APART
            place = np.where(near, rng.random(place.shape) * room, place)
        near = np.abs(place - away_from).max(axis=1, keepdims=True) < APART
        place = np.where(near, np.where(away_from * 2 > room, 0.0, room), place)  # the farthest corner
    angle, length = rng.random((2, len(sides), 1))
    pace = speed[0] + (speed[1] - speed[0]) * length
    velocity = pace * np.concatenate([np.sin(2 * np.pi * angle), np.cos(2 * np.pi * angle)], axis=1)
    path = []
    for _ in range(FRAMES):
        path.append(np.rint(place))
        velocity = velocity + (rng.random(velocity.shape) - 0.5) * 0.7
        place = place + velocity
        outside = (place < 0) | (place > room)
        velocity = np.where(outside, -velocity, velocity)
        place = np.where(place < 0, -place, np.where(place > room, 2 * room - place, place))
    return np.stack(path, axis=1).astype(np.int64)


def _ink(digits: Digits, sizes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Digits of these sizes (numbers in SIDES), in the upper left corner of 16 × 16 pixels: (N, 16, 16)."""
    drawn = np.zeros((len(chosen), LARGEST, LARGEST), dtype=np.float32)
    for i, side in enumerate(SIDES):
        rows = sizes == i
        if rows.any():
            drawn[rows, :side, :side] = enlarge(digits.pictures[torch.from_numpy(chosen[rows])], side).numpy()
    return drawn


def _boxes(path: np.ndarray, sides: np.ndarray) -> np.ndarray:
    return np.concatenate([path, path + sides[:, None, None]], axis=2).astype(np.float32)


def _render(ink: np.ndarray, path: np.ndarray) -> np.ndarray:
    """Frames (N, T, 40, 40) with a square of ink (N, 16, 16) at each corner (N, T, 2)."""
    count, frames = path.shape[:2]
    wide = np.zeros((count, frames, PIXELS + LARGEST, PIXELS + LARGEST), dtype=np.float32)
    along = np.arange(LARGEST)
    rows, columns = path[:, :, 0, None] + along, path[:, :, 1, None] + along
    clip, time = np.arange(count)[:, None, None, None], np.arange(frames)[None, :, None, None]
    wide[clip, time, rows[:, :, :, None], columns[:, :, None, :]] = ink[:, None]
    return wide[:, :, :PIXELS, :PIXELS]
