"""Generated pictures of patches with known truth: find the patch with the cue's pattern; or: same, or different?"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

CELLS, SIDE = 6, 4  # a picture is 6 × 6 cells of 4 × 4 pixels
PIXELS = CELLS * SIDE
PATCHES = 8  # coloured patches of a picture with a cue: two of each colour
COLOURS = ("red", "green", "blue", "yellow")
TINTS = np.array([[2, -1, -1], [-1, 2, -1], [-1, -1, 2], [1, 1, -2]], dtype=np.float32) / 2  # each sums to 0
GROUND, CONTRAST, TINT = (
    0.5,
    0.28,
    0.2,
)  # an empty cell; how much a pattern's pixels differ from it; how deep a colour is


@dataclass(frozen=True)
class CuePictures:
    """A grey patch, the cue, and eight coloured ones, one of which has the cue's pattern. What is its colour?

    Cells are numbered row by row: cell y·6 + x. The answer is `match`'s colour, a number in `COLOURS`.
    """

    pictures: Tensor  # (N, 3, 24, 24) float32 from 0 to 1
    answers: Tensor  # (N,) int64
    cue: Tensor  # (N,) int64, the cell of the cue
    patches: Tensor  # (N, 8) int64, the cells of the coloured patches; the first is the match

    @property
    def match(self) -> Tensor:
        """The cell of the patch that has the cue's pattern: (N,) int64."""
        return self.patches[:, 0]

    @property
    def distance(self) -> Tensor:
        """Cells between the cue and its match, the longer of down and across: (N,) int64, 1 for neighbours."""
        return apart(self.cue, self.match)


@dataclass(frozen=True)
class Pairs:
    """Two grey patches: have they the same pattern (1) or not (0)?"""

    pictures: Tensor  # (N, 3, 24, 24) float32 from 0 to 1
    answers: Tensor  # (N,) int64
    cells: Tensor  # (N, 2) int64


def apart(a: Tensor, b: Tensor, width: int = CELLS) -> Tensor:
    """The distance of two cells of a map that is `width` wide: the longer of the ways down and across, in cells."""
    return torch.maximum((a // width - b // width).abs(), (a % width - b % width).abs())


def draw_cues(count: int, seed: int, least: int = 1, most: int = CELLS - 1) -> CuePictures:
    """So many pictures with a cue, its match `least` to `most` cells away; the same for the same seed."""
    rng = np.random.Generator(np.random.PCG64(seed))
    cells = _match_apart(_order(rng, count, CELLS**2), least, most)[:, : PATCHES + 1]
    cue = rng.integers(0, 2, (count, 1, SIDE**2)) * 2 - 1
    others = _flipped(rng, np.repeat(cue, PATCHES - 1, axis=1))
    patterns = np.concatenate([cue, cue, others], axis=1)  # the cue, its match, seven others
    colours = _order(rng, count, PATCHES) % len(COLOURS)  # two of each, in random order
    tints = np.concatenate([np.zeros((count, 1, 3), dtype=np.float32), TINTS[colours]], axis=1)
    pictures = _paint(cells, patterns, tints)
    return CuePictures(
        pictures, *map(torch.from_numpy, (colours[:, 0].copy(), cells[:, 0].copy(), cells[:, 1:].copy()))
    )


def draw_around(count: int, seed: int) -> CuePictures:
    """The pictures of `draw_cues`, their patches moved: all eight lie around the cue. Its neighbours tell no answer."""
    made, rng = draw_cues(count, seed), np.random.Generator(np.random.PCG64([seed, 1]))
    steps = [y * CELLS + x for y, x in itertools.product((-1, 0, 1), repeat=2) if (y, x) != (0, 0)]
    y, x = rng.integers(1, CELLS - 1, (2, count))
    cue = torch.from_numpy(y * CELLS + x)
    patches = cue[:, None] + torch.tensor(steps)[torch.from_numpy(_order(rng, count, PATCHES))]
    rows, old = torch.arange(count)[:, None], torch.cat([made.cue[:, None], made.patches], dim=1)
    cells = made.pictures.unfold(2, SIDE, SIDE).unfold(3, SIDE, SIDE).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
    moved = torch.full_like(cells, GROUND)
    moved[rows, torch.cat([cue[:, None], patches], dim=1)] = cells[rows, old]
    pictures = moved.unflatten(1, (CELLS, CELLS)).permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
    return CuePictures(pictures.contiguous(), made.answers, cue, patches)


def draw_pairs(count: int, seed: int) -> Pairs:
    """So many pictures of two grey patches, half of them with the same pattern; the same for the same seed."""
    rng = np.random.Generator(np.random.PCG64(seed))
    cells = _order(rng, count, CELLS**2)[:, :2]
    first = rng.integers(0, 2, (count, 1, SIDE**2)) * 2 - 1
    same = rng.integers(0, 2, count)
    second = np.where(same[:, None, None] == 1, first, _flipped(rng, first))
    pictures = _paint(cells, np.concatenate([first, second], axis=1), np.zeros((count, 2, 3), dtype=np.float32))
    return Pairs(pictures, torch.from_numpy(same), torch.from_numpy(cells.copy()))


def fresh(draw: Callable, size: int, seed: int) -> Iterator:
    """Batches of new pictures without end, by `draw(size, seed)`; seeds below a million are kept for tests."""
    for batch in itertools.count(1):
        yield draw(size, 1_000_000 * (seed + 1) + batch)


def _order(rng: np.random.Generator, count: int, n: int) -> np.ndarray:
    """0 … n − 1 in random order, `count` times: (count, n)."""
    return rng.random((count, n)).argsort(axis=1)


def _match_apart(order: np.ndarray, least: int, most: int) -> np.ndarray:
    """The same cells (N, 36), the first one at the right distance from the cue's (column 0) moved to column 1.

    Every cell has others at distances 1 to 3; one in the middle has none at 4 or 5: then the nearest to that counts.
    """
    across, down = order % CELLS, order // CELLS
    distance = np.maximum(abs(across - across[:, :1]), abs(down - down[:, :1]))
    distance[:, 0] = 100  # the cue is not its own match
    wrong = np.maximum(np.maximum(least - distance, distance - most), 0)
    found, rows = wrong.argmin(axis=1), np.arange(len(order))
    order[rows, 1], order[rows, found] = order[rows, found], order[rows, 1].copy()
    return order


def _flipped(rng: np.random.Generator, patterns: np.ndarray) -> np.ndarray:
    """Other patterns: 5 to 11 of the 16 pixels of each turned over, so that none is nearly the same or its negative."""
    ranks = rng.random(patterns.shape).argsort(axis=-1).argsort(axis=-1)
    return np.where(ranks < rng.integers(5, 12, (*patterns.shape[:-1], 1)), -patterns, patterns)


def _paint(cells: np.ndarray, patterns: np.ndarray, tints: np.ndarray) -> Tensor:
    """Pictures (N, 3, 24, 24) with these patterns (N, P, 16) of ±1 and tints (N, P, 3) in these cells (N, P)."""
    count = len(cells)
    patches = GROUND + CONTRAST * patterns[:, :, None, :] + TINT * tints[..., None]  # (N, P, 3, 16)
    grid = np.full((count, CELLS**2, 3, SIDE**2), GROUND, dtype=np.float32)
    grid[np.arange(count)[:, None], cells] = patches
    grid = grid.reshape(count, CELLS, CELLS, 3, SIDE, SIDE).transpose(0, 3, 1, 4, 2, 5)
    return torch.from_numpy(np.ascontiguousarray(grid.reshape(count, 3, PIXELS, PIXELS)))
