"""Write the sentences of this folder, each with a pronoun and its antecedent; byte for byte the same on every run.

python data/pronouns/generate.py [FOLDER]
"""

import random
import sys
from dataclasses import dataclass, field
from pathlib import Path

SEED = 20170612
TRAIN, TEST = 12_000, 500
DISTANCES = {"test_short": (6, 11), "test_medium": (12, 18), "test_long": (19, 28)}
LONGEST = 44  # words of a sentence

# A class: its nouns, singular and plural, two that are masculine in Icelandic, two feminine, two neuter; what can be
# done to them, and what they can be. No word stands in two classes.
CLASSES = [
    ("animal", "dog cat goat mouse pig lamb", "dogs cats goats mice pigs lambs",
     "fed stroked tamed", "tired hungry asleep"),
    ("food", "cheese onion soup cake apple egg", "cheeses onions soups cakes apples eggs",
     "ate cooked tasted", "delicious ripe salty"),
    ("ground", "road path street bridge square floor", "roads paths streets bridges squares floors",
     "crossed paved swept", "wide winding slippery"),
    ("text", "list brochure book story letter poem", "lists brochures books stories letters poems",
     "read wrote quoted", "boring witty unfinished"),
    ("garment", "hat jacket shirt sweater skirt belt", "hats jackets shirts sweaters skirts belts",
     "wore ironed mended", "woollen tight fashionable"),
    ("vehicle", "car cart train coach bicycle ship", "cars carts trains coaches bicycles ships",
     "steered repaired boarded", "fast crowded late"),
    ("vessel", "box bag bottle basket glass tub", "boxes bags bottles baskets glasses tubs",
     "filled emptied sealed", "full leaky hollow"),
    ("plant", "bush tulip rose birch tree flower", "bushes tulips roses birches trees flowers",
     "watered planted pruned", "thorny blooming withered"),
]  # fmt: skip
ANSWERS = (("hann", "hún", "það"), ("þeir", "þær", "þau"))  # it, they; masculine, feminine, neuter
PEOPLE = ["farmer", "teacher", "baker", "doctor", "child", "painter", "driver", "neighbour"]
ANY_VERB = ["saw", "noticed", "remembered", "mentioned", "wanted", "forgot"]
ANY_ADJECTIVE = ["old", "new", "strange", "beautiful", "famous", "ugly"]
NEAR = ["near", "behind", "beside"]
AND = [["and"], ["while"], ["but"], ["then"], ["and", "then"]]
ASIDE = [["yesterday"], ["as", "usual"], ["this", "morning"], ["once", "more"], ["of", "course"], ["very", "slowly"]]


@dataclass(frozen=True)
class Noun:
    """One form of a noun: "dog" or "dogs", with its class and the gender of its Icelandic translation."""

    text: str
    kind: int
    plural: bool
    gender: int  # 0 masculine, 1 feminine, 2 neuter


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

    def nouns(self) -> list[Noun]:
        """2 to 8 nouns, each pair of class and number at most once; often a class is there in both numbers."""
        found = []
        for kind in self._rng.sample(range(len(CLASSES)), self._rng.randint(2, 5)):
            numbers = [False, True] if self._rng.random() < 0.7 else [self._rng.random() < 0.5]
            for plural in numbers:
                place = self._rng.randrange(6)
                found.append(Noun(CLASSES[kind][2 if plural else 1].split()[place], kind, plural, place // 2))
        self._rng.shuffle(found)
        return found[:8]

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

    def sentence(self, distance: int, subject: bool, first: bool) -> tuple | None:
        """Sentence, answer, places of pronoun, antecedent and deciding word; None if no noun stands where it should.

        `subject`: "because it was tired"; otherwise "so the farmer fed it". `first`: the pronoun's clause comes first,
        so that the antecedent stands after the pronoun ("because it was tired the farmer saw the dog").
        """
        nouns, made, waiting = self.nouns(), Sentence(), []
        waiting += nouns
        length = (4 if subject else 5) + (first and self._rng.randrange(3))
        made.say(*[""] * (length if first else 0))
        while waiting:
            if made.candidates:
                made.say(*self._rng.choice(AND))
            self.clause(made, waiting)
        start = 0 if first else len(made.words)
        pronoun = start + (1 if subject else 4)
        antecedent = pronoun + distance if first else pronoun - distance
        if antecedent not in made.candidates:
            return None
        noun = nouns[made.candidates.index(antecedent)]
        made.words[start : start + (length if first else 0)] = self._pronoun_clause(noun, subject, first, length)
        decider = pronoun + 2 if subject else pronoun - 1
        return made, ANSWERS[noun.plural][noun.gender], pronoun, antecedent, decider

    def _pronoun_clause(self, noun: Noun, subject: bool, first: bool, length: int) -> list[str]:
        """`because it was tired`, `so the farmer fed it`, with an aside that fills it up to its length."""
        verbs, adjectives = CLASSES[noun.kind][3].split(), CLASSES[noun.kind][4].split()
        if subject:
            pronoun_and_be = ["they", "were"] if noun.plural else ["it", "was"]
            made = ["because", *pronoun_and_be, self._rng.choice(adjectives)]
        else:
            person, verb = self._rng.choice(PEOPLE), self._rng.choice(verbs)
            made = ["before" if first else "so", "the", person, verb, "them" if noun.plural else "it"]
        if not first:
            return made + (self._rng.choice(ASIDE) if self._rng.random() < 0.5 else [])
        return made + (
            self._rng.choice([a for a in ASIDE if len(a) == length - len(made)]) if length > len(made) else []
        )


def draw(rng: random.Random, distance: int, kind: int) -> tuple[str, ...]:
    """One sentence whose antecedent stands `distance` words from the pronoun, as the columns of a file."""
    grammar = Grammar(rng)
    while True:
        found = grammar.sentence(distance, subject=kind % 2 == 0, first=kind // 2 == 0)
        if found and len(found[0].words) <= LONGEST:
            made, *others = found
            return " ".join(made.words), *map(str, others), " ".join(map(str, made.candidates))


def make(folder: Path) -> None:
    """Write all five files. No sentence stands in two of them."""
    rng = random.Random(SEED)
    seen: set[str] = set()

    def fresh(count: int, low: int, high: int) -> list[tuple[str, ...]]:
        rows = []
        while len(rows) < count:
            row = draw(rng, low + len(rows) // 4 % (high - low + 1), len(rows) % 4)
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
