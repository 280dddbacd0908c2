"""Write the film reviews of this folder, each with the sentence that decides; byte for byte the same on every run.

python data/documents/generate.py [FOLDER]
"""

import random
import sys
from dataclasses import dataclass
from pathlib import Path

SEED = 20160612
TRAIN, OTHERS = 3_000, 1_000
SENTENCES = (2, 12)  # least and most of a review

# Of what a sentence can speak, the most important first: the first of these that a review names decides it.
TOPICS = [
    "story plot ending", "cast acting heroine", "camera lighting scenery",
    "music song dialogue", "cinema seat screen", "popcorn ice lemonade",
]  # fmt: skip
GOOD = "wonderful splendid brilliant charming superb delightful clever moving fresh lovely"
BAD = "awful dreadful clumsy boring stale dull silly weak ugly tiresome"
NEGATORS = "not never hardly"
HOW_FAR = "really quite so very all that rather"  # between negator and opinion
FIRST = "frankly / again / in the end / this time / as usual / on friday / for once / at first"
LAST = "that evening / for me / for us / to my mind / from start to finish / in there / all night / somehow"
NEGATED, WITH_FIRST, WITH_LAST, WITH_HOW_FAR = 0.25, 0.3, 0.3, 0.4


@dataclass(frozen=True)
class Sentence:
    """Words, the topic (0 is the most important), whether it praises, and the places of the words that tell so."""

    words: tuple[str, ...]
    topic: int
    good: bool
    telling: tuple[int, ...]  # noun, negator (if there is one) and opinion


def sentence(rng: random.Random, topic: int, good: bool) -> Sentence:
    """Four to thirteen words: "[as usual] the plot was [not] [really] splendid [for me]", in one of four orders."""
    negated = rng.random() < NEGATED
    noun = rng.choice(TOPICS[topic].split())
    opinion = rng.choice((GOOD if good != negated else BAD).split())
    negator = [rng.choice(NEGATORS.split())] if negated else []
    how_far = [rng.choice(HOW_FAR.split())] if rng.random() < WITH_HOW_FAR else []
    order = rng.randrange(4)
    if order == 0:
        words = ["the", noun, "was", *negator, *how_far, opinion]
    elif order == 1:
        words = [*negator, *how_far, opinion, "was", "the", noun]
    elif order == 2:
        words = ["we", *negator, "found", "the", noun, *how_far, opinion]
    else:
        words = ["was", "the", noun, *how_far, opinion, *(negator or ["yes"])]
    if rng.random() < WITH_FIRST:
        words = [*rng.choice(FIRST.split(" / ")).split(), *words]
    if rng.random() < WITH_LAST:
        words = [*words, *rng.choice(LAST.split(" / ")).split()]
    telling = [words.index(word) for word in (noun, *negator, opinion)]
    return Sentence(tuple(words), topic, good, tuple(sorted(telling)))


def review(rng: random.Random) -> list[Sentence]:
    """Sentences about different things, good or bad as it falls; the most important topic stands in one only."""
    count = rng.randint(*SENTENCES)
    most = rng.randrange(len(TOPICS) - 1)
    others = [rng.randrange(most + 1, len(TOPICS)) for _ in range(count - 1)]
    made = [sentence(rng, topic, rng.random() < 0.5) for topic in (most, *others)]
    rng.shuffle(made)
    return made


def row(sentences: list[Sentence]) -> str:
    """A review as a line of its file."""
    decides = min(range(len(sentences)), key=lambda i: sentences[i].topic)
    gold = sentences[decides]
    columns = [
        " / ".join(" ".join(s.words) for s in sentences),
        "good" if gold.good else "bad",
        str(decides),
        " ".join(map(str, gold.telling)),
        " ".join(str(s.topic) for s in sentences),
        " ".join("+" if s.good else "-" for s in sentences),
    ]
    return "\t".join(columns) + "\n"


def make(folder: Path) -> None:
    """Write all three files. No review stands in two of them."""
    rng = random.Random(SEED)
    seen: set[str] = set()
    for name, count in (("test", OTHERS), ("validation", OTHERS), ("train", TRAIN)):
        rows: list[str] = []
        while len(rows) < count:
            line = row(review(rng))
            if line.split("\t")[0] not in seen:
                seen.add(line.split("\t")[0])
                rows.append(line)
        (folder / f"{name}.tsv").write_text("".join(rows), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
