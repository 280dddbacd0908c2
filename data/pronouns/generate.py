"""Write the sentences of this folder, each with a pronoun and its antecedent; byte for byte the same on every run.

python data/pronouns/generate.py [FOLDER]
"""

import random
import sys
from dataclasses import dataclass, field
from pathlib import Path

SEED = 20170612
TRAIN, TEST = 8_000, 500
DISTANCES = {"test_short": (6, 12), "test_medium": (13, 21), "test_long": (22, 34)}
LONGEST = 52  # words of a sentence

# A class: its nouns (singular, plural), what can be done to them, and what they can be. No word stands in two classes.
CLASSES = [
    ("animal", "dog cat horse bird donkey rabbit", "dogs cats horses birds donkeys rabbits",
     "fed stroked tamed", "tired hungry asleep"),
    ("food", "soup apple cake pie onion salad", "soups apples cakes pies onions salads",
     "ate cooked tasted", "delicious ripe salty"),
    ("road", "street road path bridge lane tunnel", "streets roads paths bridges lanes tunnels",
     "crossed paved swept", "wide winding slippery"),
    ("text", "book letter poem novel story report", "books letters poems novels stories reports",
     "read wrote quoted", "boring witty unfinished"),
    ("garment", "coat shirt hat scarf sweater jacket", "coats shirts hats scarves sweaters jackets",
     "wore ironed mended", "woollen tight fashionable"),
    ("vehicle", "car truck bus tractor van train", "cars trucks buses tractors vans trains",
     "drove parked boarded", "fast crowded late"),
    ("vessel", "bottle basket bucket jar suitcase barrel", "bottles baskets buckets jars suitcases barrels",
     "filled emptied sealed", "full leaky hollow"),
    ("plant", "rose tree bush tulip fern cactus", "roses trees bushes tulips ferns cacti",
     "watered planted pruned", "thorny blooming withered"),
]  # fmt: skip
PEOPLE = ["farmer", "teacher", "baker", "doctor", "child", "painter", "driver", "neighbour"]
ANY_VERB = ["saw", "noticed", "remembered", "mentioned", "wanted", "forgot"]
ANY_ADJECTIVE = ["old", "new", "strange", "beautiful", "famous", "ugly"]
NEAR = ["near", "behind", "beside"]
AND = [["and"], ["while"], ["but"], ["then"], ["and", "then"]]
ASIDE = [["yesterday"], ["as", "usual"], ["this", "morning"], ["once", "more"], ["of", "course"], ["very", "slowly"]]


@dataclass(frozen=True)
class Noun:
    """One form of a noun: "dog" or "dogs", with its class."""

    text: str
    kind: int
    plural: bool


@dataclass
class Sentence:
    """Words, and where the nouns that `it`, `they` or `them` could mean stand."""

    words: list[str] = field(default_factory=list)
    candidates: list[int] = field(default_factory=list)

    def say(self, *words: str) -> None:
        self.words += words

    def name(self, noun: Noun) -> None:
        """The noun with its article; it becomes a candidate."""
        self.say("the", noun.text)
        self.candidates.append(len(self.words) - 1)


class Grammar:
    """Draws sentences in which exactly one noun fits both the pronoun's number and the word that decides."""

    def __init__(self, rng: random.Random):
        self._rng = rng

    def nouns(self, count: int) -> list[Noun]:
        """Different nouns, each pair of class and number at most once."""
        cells = [(kind, plural) for kind in range(len(CLASSES)) for plural in (False, True)]
        return [
            Noun(self._rng.choice(CLASSES[kind][2 if plural else 1].split()), kind, plural)
            for kind, plural in self._rng.sample(cells, count)
        ]

    def clause(self, made: Sentence, nouns: list[Noun]) -> None:
        """A clause about one noun, or two, whose words fit any noun; takes them from the front of the list."""
        noun, chance = nouns.pop(0), self._rng.random()
        if chance < 0.4:
            self._person_does(made, ANY_VERB)
            made.name(noun)
        elif chance < 0.7 or not nouns:
            made.name(noun)
            made.say("were" if noun.plural else "was", self._rng.choice(ANY_ADJECTIVE))
        else:
            made.name(noun)
            made.say("stood", self._rng.choice(NEAR))
            made.name(nouns.pop(0))
        if self._rng.random() < 0.3:
            made.say(*self._rng.choice(ASIDE))

    def _person_does(self, made: Sentence, verbs: list[str]) -> None:
        made.say("the", self._rng.choice(PEOPLE), self._rng.choice(verbs))

    def sentence(self, distance: int, subject: bool) -> tuple[Sentence, int, int, int] | None:
        """Sentence, places of pronoun, antecedent and deciding word; None if no noun stands where it should.

        `subject`: "because it was tired", the decision comes after the pronoun. Otherwise "so the farmer fed it".
        """
        count = self._rng.randint(2, 9)
        nouns, made = self.nouns(count), Sentence()
        waiting = list(nouns)
        while waiting:
            if made.words:
                made.say(*self._rng.choice(AND))
            self.clause(made, waiting)
        pronoun = len(made.words) + (1 if subject else 4)
        if pronoun - distance not in made.candidates:
            return None
        noun = nouns[made.candidates.index(pronoun - distance)]
        verbs, adjectives = CLASSES[noun.kind][3].split(), CLASSES[noun.kind][4].split()
        if subject:
            pronoun_and_be = ("they", "were") if noun.plural else ("it", "was")
            made.say("because", *pronoun_and_be, self._rng.choice(adjectives))
        else:
            made.say("so")
            self._person_does(made, verbs)
            made.say("them" if noun.plural else "it")
        if self._rng.random() < 0.5:
            made.say(*self._rng.choice(ASIDE))
        return made, pronoun, pronoun - distance, pronoun + 2 if subject else pronoun - 1


def draw(rng: random.Random, distance: int, subject: bool) -> tuple[str, ...]:
    """One sentence whose antecedent stands `distance` words before the pronoun, as the columns of a file."""
    grammar = Grammar(rng)
    while True:
        found = grammar.sentence(distance, subject)
        if found and len(found[0].words) <= LONGEST:
            made, *places = found
            return " ".join(made.words), *map(str, places), " ".join(map(str, made.candidates))


def make(folder: Path) -> None:
    """Write all five files. No sentence stands in two of them."""
    rng = random.Random(SEED)
    seen: set[str] = set()

    def fresh(count: int, low: int, high: int) -> list[tuple[str, ...]]:
        rows = []
        while len(rows) < count:
            row = draw(rng, low + len(rows) // 2 % (high - low + 1), subject=len(rows) % 2 == 0)
            if row[0] not in seen:
                seen.add(row[0])
                rows.append(row)
        rng.shuffle(rows)
        return rows

    everywhere = (DISTANCES["test_short"][0], DISTANCES["test_long"][1])
    files = {name: fresh(TEST, *between) for name, between in DISTANCES.items()}
    files["validation"] = fresh(TEST, *everywhere)
    files["train"] = fresh(TRAIN, *everywhere)
    for name, rows in files.items():
        text = "".join("\t".join(row) + "\n" for row in rows)
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
