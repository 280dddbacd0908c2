"""Write the scenes of this folder, with captions and links from words to objects; byte for byte the same on every run.

python data/scenes/generate.py [FOLDER]
"""

import random
import sys
from pathlib import Path

SEED = 20150502
TRAIN, OTHERS = 16_000, 500
GRID, CELL = 3, 14  # 3 × 3 cells of 14 × 14 pixels
SIZES = {"big": 13, "small": 9}  # pixels of a side
COLOURS = ["red", "green", "blue", "yellow", "pink", "white"]
SHAPES = ["square", "circle", "triangle", "cross", "ring"]
GREYS = (20, 80)  # of the background, from black 0 to white 255
FILES = {"test_one": (1,), "test_two": (2,), "test_three": (3,), "validation": (1, 2, 3), "train": (1, 2, 3)}


def draw_objects(rng: random.Random, count: int) -> list[tuple[str, str, str, int, int]]:
    """Objects in different cells, in reading order: size, colour, shape, and the pixel of the top left corner."""
    objects = []
    for cell in sorted(rng.sample(range(GRID * GRID), count)):
        size = rng.choice(list(SIZES))
        room = CELL - SIZES[size]
        top = CELL * (cell // GRID) + rng.randint(0, room)
        left = CELL * (cell % GRID) + rng.randint(0, room)
        objects.append((size, rng.choice(COLOURS), rng.choice(SHAPES), top, left))
    return objects


def describe(objects: list[tuple[str, str, str, int, int]]) -> tuple[list[str], list[tuple[int, int]]]:
    """The caption's words, and links (word, object), from 0; a relation is linked to both of its objects."""
    words: list[str] = []
    links: list[tuple[int, int]] = []
    for i, (size, colour, shape, top, _) in enumerate(objects):
        if i:
            same_row = objects[i - 1][3] // CELL == top // CELL
            for word in ("left", "of") if same_row else ("above",):
                links += [(len(words), i - 1), (len(words), i)]
                words.append(word)
        words.append("a")
        for word in (size, colour, shape):
            links.append((len(words), i))
            words.append(word)
    return words, links


def line(rng: random.Random, count: int) -> str:
    """A line of a file: a scene with so many objects."""
    objects = draw_objects(rng, count)
    words, links = describe(objects)
    columns = (
        str(rng.randint(*GREYS)),
        "; ".join(" ".join(map(str, thing)) for thing in objects),
        " ".join(words),
        " ".join(f"{word}-{thing}" for word, thing in links),
    )
    return "\t".join(columns) + "\n"


def make(folder: Path) -> None:
    """Write all five files. No picture stands in two of them, or twice in one."""
    rng = random.Random(SEED)
    seen: set[str] = set()
    for name, counts in FILES.items():
        rows: list[str] = []
        while len(rows) < (TRAIN if name == "train" else OTHERS):
            row = line(rng, counts[len(rows) % len(counts)])
            if row not in seen:
                seen.add(row)
                rows.append(row)
        rng.shuffle(rows)
        (folder / f"{name}.tsv").write_text("".join(rows), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
