"""Handwritten digits, and canvases with a digit somewhere: with its box, with or without clutter, all from a seed."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lessonkit.data import download
from lessonkit.errors import CourseError

FOLDER = Path(__file__).resolve().parents[2] / "data" / "digits"
SYMBOLS = "0123456789abcdefg"  # the ink of a pixel, 0 to 16
CLASSES = 10


@dataclass(frozen=True)
class Digits:
    """Pictures (N, h, w), float32 from 0 (empty) to 1 (ink), and their classes 0 to 9 (N,), int64."""

    pictures: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Digits":
        """The same digits on another device; canvases made of them lie there."""
        return Digits(self.pictures.to(device), self.labels.to(device))


@dataclass(frozen=True)
class DigitSets:
    """Digits to learn from, to choose settings by, and to measure with; no digit is in two of them."""

    train: Digits
    validation: Digits
    test: Digits


@dataclass(frozen=True)
class Canvases:
    """Pictures (N, H, W), float32 from 0 to 1, with a digit each; its class (N,) and box (N, 4), int64.

    A box is top, left, bottom, right in pixels; bottom and right are the first pixels outside.
    """

    pictures: Tensor
    labels: Tensor
    boxes: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | Tensor) -> "Canvases":
        return Canvases(self.pictures[rows], self.labels[rows], self.boxes[rows])


@lru_cache(maxsize=1)
def load_digits() -> DigitSets:
    """The 1,797 digits that lie in data/digits, 8 × 8 pixels: 1,197 to train, 200 to validate, 400 to test.

    Raises:
        CourseError: a file is missing, or is not the one that the course was made with.
    """
    return DigitSets(*(_read(FOLDER / f"{name}.tsv") for name in ("train", "validation", "test")))


def _read(path: Path) -> Digits:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"data/digits/{path.name} is missing: run `make data`, or take the course anew.") from error
    sums = dict(reversed(line.split()) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256(content).hexdigest() != sums.get(path.name):
        raise CourseError(f"data/digits/{path.name} is not what the course was made with: run `make data`.")
    rows = [line.split("\t") for line in content.decode("utf-8").splitlines()]
    ink = torch.tensor([[SYMBOLS.index(symbol) for symbol in symbols] for _, symbols in rows])
    return Digits(ink.view(-1, 8, 8) / 16.0, torch.tensor([int(label) for label, _ in rows]))


@lru_cache(maxsize=1)
def mnist() -> DigitSets:
    """MNIST's digits, 28 × 28 pixels: 55,000 to train, the last 5,000 of its training set to validate, 10,000 to test.

    Raises:
        CourseError: they can't be had.
    """
    pictures, labels = _idx("train")
    first, last = slice(None, -5_000), slice(-5_000, None)
    train, validation = (Digits(pictures[rows], labels[rows]) for rows in (first, last))
    return DigitSets(train, validation, Digits(*_idx("t10k")))


def _idx(name: str) -> tuple[Tensor, Tensor]:
    """The pictures and labels of MNIST's IDX files, whose headers are 16 and 8 bytes long."""
    read = {kind: gzip.decompress(download.fetch(f"mnist/{name}-{kind}-ubyte.gz").read_bytes()) for kind in _KINDS}
    pictures, labels = (np.frombuffer(read[kind], np.uint8, offset=header) for kind, header in _KINDS.items())
    return (
        torch.from_numpy(pictures.reshape(-1, 28, 28).copy()) / 255.0,
        torch.from_numpy(labels.astype(np.int64)),
    )


_KINDS = {"images-idx3": 16, "labels-idx1": 8}


def enlarge(pictures: Tensor, side: int) -> Tensor:
    """Pictures (N, h, w) as (N, side, side), between the pixels by bilinear interpolation."""
    return functional.interpolate(pictures.unsqueeze(1), size=(side, side), mode="bilinear").squeeze(1)


def canvases(
    digits: Digits, count: int, size: int, seed: int, *, side: int = 16, clutter: int = 0, piece: int | None = None
) -> Canvases:
    """So many pictures of size × size pixels, each with one of the digits, side × side, at a random place.

    `clutter` pieces, each a square cut from a random digit, `piece` pixels wide (half a digit if None), lie anywhere,
    on the digit too; where inks meet, the darker counts. The same seed gives the same canvases on every machine.
    """
    if side > size:
        raise ValueError(f"a digit of {side} pixels has no place on a canvas of {size}")
    random, device = np.random.Generator(np.random.PCG64(seed)), digits.pictures.device

    def drawn(below: int, *shape: int) -> Tensor:
        return torch.from_numpy(random.integers(0, below, shape)).to(device)

    ink = digits.pictures if digits.pictures.shape[-1] == side else enlarge(digits.pictures, side)
    pictures = torch.zeros(count, size, size, device=device)
    chosen, corners = drawn(len(digits), count), drawn(size - side + 1, count, 2)
    _put(pictures, ink[chosen], corners)
    piece = piece or side // 2
    for _ in range(clutter):
        source, cut = ink[drawn(len(digits), count)], drawn(side - piece + 1, count, 2)
        _put(pictures, source[_pixels(cut, piece)], drawn(size - piece + 1, count, 2))
    return Canvases(pictures, digits.labels[chosen], torch.cat([corners, corners + side], dim=1))


def _pixels(corners: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of the squares with these top left corners (N, 2), for a stack of N pictures."""
    along = torch.arange(side, device=corners.device)
    rows, columns = (corners[:, axis, None] + along for axis in (0, 1))
    which = torch.arange(len(corners), device=corners.device)
    return which[:, None, None], rows[:, :, None], columns[:, None, :]


def _put(pictures: Tensor, ink: Tensor, corners: Tensor) -> None:
    """Lay a square of ink on each picture; the darker of two inks counts."""
    where = _pixels(corners, ink.shape[-1])
    pictures[where] = torch.maximum(pictures[where], ink)


def batches(data: Canvases, size: int, seed: int | None = None) -> Iterator[Canvases]:
    """Without a seed one pass in order. With one, passes without end, each in another order."""
    random = None if seed is None else np.random.Generator(np.random.PCG64(seed))
    while True:
        order = torch.arange(len(data)) if random is None else torch.from_numpy(random.permutation(len(data)))
        for rows in order.split(size):
            yield data[rows]
        if random is None:
            return
