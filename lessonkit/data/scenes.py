"""The generated scenes: pictures of one to three objects, their captions, and the region that each word is about."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError

FOLDER = Path(__file__).resolve().parents[2] / "data" / "scenes"
PIXELS, GRID = 42, 7  # a picture is 42 × 42; the course's CNN turns it into a map of 7 × 7 positions
PATCH = PIXELS // GRID  # pixels of a position's side
SIDES = {"big": 13, "small": 9}
COLOURS = {
    "red": (214, 45, 32), "green": (0, 158, 96), "blue": (36, 104, 216), "yellow": (240, 216, 48),
    "pink": (236, 140, 200), "white": (244, 244, 244),
}  # fmt: skip
SHAPES = ("square", "circle", "triangle", "cross", "ring")

Box = tuple[int, int, int, int]  # top, left, bottom, right in pixels; bottom and right are the first pixels outside


@dataclass(frozen=True)
class SceneObject:
    """One thing in a picture; `top` and `left` are the pixel of its corner, from 0."""

    size: str
    colour: str
    shape: str
    top: int
    left: int

    @property
    def box(self) -> Box:
        """The square of pixels that it fills."""
        side = SIDES[self.size]
        return self.top, self.left, self.top + side, self.left + side

    @property
    def words(self) -> tuple[str, str, str]:
        """Size, colour and shape, as the caption says them."""
        return self.size, self.colour, self.shape


@dataclass(frozen=True)
class Scene:
    """A picture's objects in reading order, its caption, and links (word index, object index), from 0.

    `background` is the grey behind the objects, from 0 (black) to 255.
    Size, colour and shape are linked to one object, relations ("above", "left of") to both theirs, "a" to none.
    """

    background: int
    objects: tuple[SceneObject, ...]
    caption: tuple[str, ...]
    links: frozenset[tuple[int, int]]

    @cached_property
    def about(self) -> tuple[tuple[int, ...], ...]:
        """For each word of the caption the objects that it is about; none for "a"."""
        return tuple(tuple(sorted(o for w, o in self.links if w == word)) for word in range(len(self.caption)))

    def boxes(self, word: int) -> list[Box]:
        """The pixel boxes of what a word is about: one, two (a relation) or none ("a")."""
        return [self.objects[i].box for i in self.about[word]]


@dataclass(frozen=True)
class Scenes:
    """The data set: 16,000 training scenes with 1 to 3 objects, 500 others, and 500 for each number of objects."""

    train: list[Scene]
    validation: list[Scene]
    test_one: list[Scene]
    test_two: list[Scene]
    test_three: list[Scene]
    vocabulary: Vocabulary

    @property
    def tests(self) -> dict[int, list[Scene]]:
        """The test scenes by number of objects: 1, 2, 3."""
        return {1: self.test_one, 2: self.test_two, 3: self.test_three}


@lru_cache(maxsize=1)
def load_scenes() -> Scenes:
    """Read the scenes that lie in data/scenes.

    Raises:
        CourseError: a file is missing, or is not the one that the course was made with.
    """
    names = ("train", "validation", "test_one", "test_two", "test_three")
    sets = {name: _read(FOLDER / f"{name}.tsv") for name in names}
    return Scenes(**sets, vocabulary=Vocabulary(word for scene in sets["train"] for word in scene.caption))


def _read(path: Path) -> list[Scene]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"data/scenes/{path.name} is missing: run `make data`, or take the course anew.") from error
    sums = dict(reversed(line.split()) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    if hashlib.sha256(content).hexdigest() != sums.get(path.name):
        raise CourseError(f"data/scenes/{path.name} is not what the course was made with: run `make data`.")
    return [_scene(line) for line in content.decode("utf-8").splitlines()]


def _scene(line: str) -> Scene:
    grey, things, caption, links = line.split("\t")
    objects = []
    for thing in things.split("; "):
        size, colour, shape, top, left = thing.split()
        objects.append(SceneObject(size, colour, shape, int(top), int(left)))
    pairs = (link.split("-") for link in links.split())
    return Scene(int(grey), tuple(objects), tuple(caption.split()), frozenset((int(w), int(o)) for w, o in pairs))


def render(scenes: Sequence[Scene]) -> Tensor:
    """The pictures: (N, 3, 42, 42) float32 from 0 to 1, red, green, blue. 16,000 of them take less than a second."""
    return torch.from_numpy(render_bytes(scenes)).float() / 255


def render_bytes(scenes: Sequence[Scene]) -> np.ndarray:
    """The same as uint8 from 0 to 255, a quarter of the memory: (N, 3, 42, 42)."""
    pictures = np.empty((len(scenes), 3, PIXELS, PIXELS), dtype=np.uint8)
    for picture, scene in zip(pictures, scenes, strict=True):
        picture[:] = scene.background
        for thing in scene.objects:
            top, left, bottom, right = thing.box
            np.copyto(picture[:, top:bottom, left:right], *_stamp(thing.size, thing.colour, thing.shape))
    return pictures


@cache
def _stamp(size: str, colour: str, shape: str) -> tuple[np.ndarray, str, np.ndarray]:
    """What `np.copyto` needs beside the place: colour (3, 1, 1), casting, and which pixels the shape fills."""
    return np.array(COLOURS[colour], dtype=np.uint8).reshape(3, 1, 1), "same_kind", outline(shape, SIDES[size])


def outline(shape: str, side: int) -> np.ndarray:
    """Which pixels of its box a shape fills: bool (side, side)."""
    middle = (side - 1) / 2
    y, x = np.mgrid[:side, :side] - middle
    radius = np.hypot(y, x)
    if shape == "square":
        return np.ones((side, side), dtype=bool)
    if shape == "circle":
        return radius <= side / 2
    if shape == "triangle":  # the tip is at the top
        return np.abs(x) <= (y + middle + 1) / 2
    if shape == "cross":
        return np.minimum(np.abs(x), np.abs(y)) <= side / 7
    if shape == "ring":
        return (radius <= side / 2) & (radius > side / 4)
    raise ValueError(f"there is no shape {shape!r}")


def region(boxes: Sequence[Box]) -> np.ndarray:
    """Which of the 7 × 7 positions (6 × 6 pixels each) touch one of the boxes: bool (7, 7)."""
    touched = np.zeros((GRID, GRID), dtype=bool)
    for top, left, bottom, right in boxes:
        touched[top // PATCH : (bottom - 1) // PATCH + 1, left // PATCH : (right - 1) // PATCH + 1] = True
    return touched


def gold_regions(scene: Scene) -> np.ndarray:
    """For each word of the caption the positions that it is about: bool (words, 7, 7); all False for "a"."""
    return np.stack([region(scene.boxes(word)) for word in range(len(scene.caption))])
