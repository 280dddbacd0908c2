"""Write the sentence pairs of this folder, each with the words that decide; byte for byte the same on every run.

python data/inference/generate.py [FOLDER]
"""

import random
import sys
from pathlib import Path

SEED = 20170912
TRAIN, OTHERS = 20_000, 1_000
LENGTHS = {"test_short": (6, 14), "test_medium": (15, 20), "test_long": (21, 30)}  # words of a premise

POLES = ["hot cold", "loud quiet", "light dark", "large small", "clean dirty", "old new"]  # six properties of a room
NEGATORS = ["not", "never"]
BETWEEN = ["really", "all", "that", "too", "exactly", "quite"]  # between a negator and its word
ASIDES = [
    "so they say", "by the lake", "on most days", "as far as we know", "the owner said", "in the morning", "again",
    "this time", "with some luck", "from here", "for two nights", "near the stairs", "after lunch", "somehow", "well",
    "it seems", "we were told", "under the roof", "in winter", "as before", "behind the kitchen", "for a while",
]  # fmt: skip
PREMISE_NEGATED, BETWEEN_TOO, HYPOTHESIS_NEGATED = 0.3, 0.4, 0.25


def premise(rng: random.Random, length: int, count: int) -> tuple[list[str], dict[int, tuple[int, list[int]]]]:
    """A traveller's note about a room, of `length` words, on `count` properties.

    Also, of each property it speaks of: the pole that it has after all, and the places of the word and its negator.
    """
    properties = rng.sample(range(len(POLES)), count)
    pieces: list[tuple[int | None, list[str]]] = []
    poles = {}
    for which in properties:
        pole, negated = rng.randrange(2), rng.random() < PREMISE_NEGATED
        words = [POLES[which].split()[pole]]
        if negated:
            between = [rng.choice(BETWEEN)] if rng.random() < BETWEEN_TOO else []
            words = [rng.choice(NEGATORS), *between, *words]
        pieces.append((which, words))
        poles[which] = pole ^ negated
    short = [aside for aside in ASIDES if " " not in aside]
    while (left := length - sum(len(words) for _, words in pieces)) > 0:
        aside = rng.choice(ASIDES if left > 3 else short).split()
        if len(aside) <= left:
            pieces.append((None, aside))
    rng.shuffle(pieces)
    made, found = [], {}
    for which, words in pieces:
        if which is not None:
            places = [len(made)] * (len(words) > 1) + [len(made) + len(words) - 1]
            found[which] = (poles[which], places)
        made += words
    return made, found


def pair(rng: random.Random, length: int, label: str) -> tuple[str, ...]:
    """A pair with this label, as the columns of a file."""
    words, spoken = premise(rng, length, rng.randint(2, min(4, length // 3)))
    chosen = [which for which in range(len(POLES)) if (which in spoken) == (label != "neutral")]
    which = rng.choice(chosen)
    negated = rng.random() < HYPOTHESIS_NEGATED
    if label == "neutral":
        pole, decides = rng.randrange(2), []
    else:
        truth, decides = spoken[which]
        pole = truth ^ (label == "contradiction") ^ negated
    hypothesis = [*([rng.choice(NEGATORS)] if negated else []), POLES[which].split()[pole]]
    telling = sorted(place for _, places in spoken.values() for place in places)
    columns = (words, hypothesis, [label], map(str, decides), map(str, telling))
    return tuple(" ".join(column) for column in columns)


def make(folder: Path) -> None:
    """Write all five files. No premise stands in two of them."""
    rng = random.Random(SEED)
    seen: set[str] = set()

    def fresh(count: int, low: int, high: int) -> list[tuple[str, ...]]:
        rows = []
        while len(rows) < count:
            label = ("entailment", "contradiction", "neutral")[len(rows) % 3]
            row = pair(rng, rng.randint(low, high), label)
            if row[0] not in seen:
                seen.add(row[0])
                rows.append(row)
        rng.shuffle(rows)
        return rows

    files = {name: fresh(OTHERS, *between) for name, between in LENGTHS.items()}
    files["validation"] = fresh(OTHERS, *LENGTHS["test_short"])
    files["train"] = fresh(TRAIN, *LENGTHS["test_short"])
    for name, rows in files.items():
        text = "".join("\t".join(row) + "\n" for row in rows)
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
