"""Write the English-French corpus of this folder, with its word alignments; byte for byte the same on every run.

python data/translation/generate.py [FOLDER]
"""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SEED = 20150901
TRAIN, TEST = 10_000, 500
LENGTHS = {"test_short": (4, 9), "test_medium": (10, 18), "test_long": (19, 30)}

# English singular, plural; French singular, plural; gender
NOUNS = [
    ("man", "men", "homme", "hommes", "m"), ("woman", "women", "femme", "femmes", "f"),
    ("boy", "boys", "garçon", "garçons", "m"), ("girl", "girls", "fille", "filles", "f"),
    ("friend", "friends", "ami", "amis", "m"), ("teacher", "teachers", "professeur", "professeurs", "m"),
    ("cat", "cats", "chat", "chats", "m"), ("dog", "dogs", "chien", "chiens", "m"),
    ("bird", "birds", "oiseau", "oiseaux", "m"), ("mouse", "mice", "souris", "souris", "f"),
    ("horse", "horses", "cheval", "chevaux", "m"), ("child", "children", "enfant", "enfants", "m"),
]  # fmt: skip
THINGS = [
    ("car", "cars", "voiture", "voitures", "f"), ("book", "books", "livre", "livres", "m"),
    ("apple", "apples", "pomme", "pommes", "f"), ("flower", "flowers", "fleur", "fleurs", "f"),
    ("letter", "letters", "lettre", "lettres", "f"), ("picture", "pictures", "image", "images", "f"),
    ("hat", "hats", "chapeau", "chapeaux", "m"), ("key", "keys", "clé", "clés", "f"),
]  # fmt: skip
PLACES = [
    ("house", "houses", "maison", "maisons", "f"), ("garden", "gardens", "jardin", "jardins", "m"),
    ("tree", "trees", "arbre", "arbres", "m"), ("school", "schools", "école", "écoles", "f"),
    ("table", "tables", "table", "tables", "f"), ("bridge", "bridges", "pont", "ponts", "m"),
]  # fmt: skip
# English; French masculine singular (then before a vowel), feminine singular, masculine plural, feminine plural
BEFORE = [
    ("big", "grand", "grand", "grande", "grands", "grandes"),
    ("small", "petit", "petit", "petite", "petits", "petites"),
    ("old", "vieux", "vieil", "vieille", "vieux", "vieilles"), ("beautiful", "beau", "bel", "belle", "beaux", "belles"),
]  # fmt: skip
AFTER = [
    ("red", "rouge", "rouge", "rouge", "rouges", "rouges"), ("black", "noir", "noir", "noire", "noirs", "noires"),
    ("white", "blanc", "blanc", "blanche", "blancs", "blanches"), ("green", "vert", "vert", "verte", "verts", "vertes"),
    ("heavy", "lourd", "lourd", "lourde", "lourds", "lourdes"),
    ("strange", "étrange", "étrange", "étrange", "étranges", "étranges"),
    ("quiet", "calme", "calme", "calme", "calmes", "calmes"),
]  # fmt: skip
# English base, with -s; French with je/il/elle, nous, ils/elles
SEES = [
    ("see", "sees", "voit", "voyons", "voient"), ("love", "loves", "aime", "aimons", "aiment"),
    ("find", "finds", "trouve", "trouvons", "trouvent"), ("watch", "watches", "regarde", "regardons", "regardent"),
    ("draw", "draws", "dessine", "dessinons", "dessinent"), ("wash", "washes", "lave", "lavons", "lavent"),
    ("carry", "carries", "porte", "portons", "portent"), ("hide", "hides", "cache", "cachons", "cachent"),
    ("forget", "forgets", "oublie", "oublions", "oublient"),
]  # fmt: skip
SLEEPS = [
    ("sing", "sings", "chante", "chantons", "chantent"), ("play", "plays", "joue", "jouons", "jouent"),
    ("dream", "dreams", "rêve", "rêvons", "rêvent"), ("work", "works", "travaille", "travaillons", "travaillent"),
    ("arrive", "arrives", "arrive", "arrivons", "arrivent"),
]  # fmt: skip
ADVERBS = [("often", "souvent"), ("always", "toujours"), ("sometimes", "parfois"), ("rarely", "rarement")]
ADVERBS_AFTER_NOT = ADVERBS[:2]
PREPOSITIONS = [("in", "dans"), ("under", "sous"), ("behind", "derrière"), ("on", "sur")]
SUBJECTS = [("i", "je", 1), ("he", "il", 3), ("she", "elle", 3), ("we", "nous", 4), ("they", "ils", 6)]
OBJECTS = [("him", "le"), ("her", "la"), ("them", "les"), ("me", "me"), ("us", "nous")]
CONJUNCTIONS = [("and", ["et"]), ("but", ["mais"]), ("because", ["parce", "que"]), ("when", ["quand"])]
VOWELS = "aeiouyéèêœhâ"  # every h of this vocabulary is mute
ELIDED = {"le": "l'", "la": "l'", "je": "j'", "ne": "n'", "que": "qu'", "de": "d'", "me": "m'"}


@dataclass
class Word:
    """One English word; French words point at those they translate."""

    text: str


@dataclass
class Phrase:
    """English words in their order, and French words in theirs, each with the English words that it translates."""

    english: list[Word] = field(default_factory=list)
    french: list[tuple[str, list[Word]]] = field(default_factory=list)

    def __add__(self, other: "Phrase") -> "Phrase":
        return Phrase(self.english + other.english, self.french + other.french)


def word(english: str, *french: str) -> Phrase:
    """One English word with its translation, which may be several words or none."""
    source = Word(english)
    return Phrase([source], [(target, [source]) for target in french])


class Grammar:
    """Draws sentences. Everything about the French side follows from the English side."""

    def __init__(self, rng: random.Random):
        self._rng = rng
        self._chance: Callable[[float], bool] = lambda p: rng.random() < p

    def sentence(self, clauses: int, richness: float) -> Phrase:
        """Some clauses joined by conjunctions; the richer, the more adjectives, relative clauses and so on."""
        made = self.clause(richness)
        for _ in range(clauses - 1):
            english, french = self._rng.choice(CONJUNCTIONS)
            made = made + word(english, *french) + self.clause(richness)
        return made

    def clause(self, richness: float) -> Phrase:
        """Subject, verb, object or none, and where it happens."""
        if self._chance(0.4):
            english, french, person = self._rng.choice(SUBJECTS)
            subject = word(english, french)
        else:
            subject, person = self.noun_phrase(self._rng.choice(NOUNS), richness)
        made = subject + self.predicate(person, richness)
        if self._chance(0.2 + 0.3 * richness):
            made = made + self.place(richness)
        return made

    def place(self, richness: float) -> Phrase:
        """A preposition and where."""
        noun, _ = self.noun_phrase(self._rng.choice(PLACES), richness / 2)
        return word(*self._rng.choice(PREPOSITIONS)) + noun

    def predicate(self, person: int, richness: float) -> Phrase:
        """Verb and object, with `ne … pas` around the French verb, the clitic before it and the adverb after it."""
        negative, adverb = self._chance(0.3), self._chance(0.15 + 0.2 * richness)
        adverbs = ADVERBS_AFTER_NOT if negative else ADVERBS
        adverb = word(*self._rng.choice(adverbs)) if adverb else Phrase()
        transitive = self._chance(0.7)
        verb = self.verb(self._rng.choice(SEES if transitive else SLEEPS), person, negative)
        clitic = self._clitic(person) if transitive and self._chance(0.3) else None
        noun = Phrase()
        if transitive and not clitic:
            kind = self._rng.choice([NOUNS, THINGS])
            noun, _ = self.noun_phrase(self._rng.choice(kind), richness, after_not=negative)
        clitic = clitic or Phrase()
        if not negative:
            english = adverb.english + verb.english + clitic.english + noun.english
            return Phrase(english, clitic.french + verb.french + adverb.french + noun.french)
        does, not_ = word("does" if person == 3 else "do"), word("not", "ne", "pas")
        english = does.english + not_.english + adverb.english + verb.english + clitic.english + noun.english
        before, after = not_.french
        french = [before, *clitic.french, *verb.french, after, *adverb.french, *noun.french]
        return Phrase(english, french)

    def verb(self, forms: tuple, person: int, negative: bool) -> Phrase:
        """The verb, which agrees with its subject: 1 I, 3 he or she, 4 we, 6 they."""
        base, with_s, singular, we, plural = forms
        french = {1: singular, 3: singular, 4: we, 6: plural}[person]
        if person == 1 and french == "voit":
            french = "vois"
        return word(with_s if person == 3 and not negative else base, french)

    def _clitic(self, person: int) -> Phrase:
        """An object pronoun; after `i` and `we` one of the third person."""
        return word(*self._rng.choice(OBJECTS[:3] if person in (1, 4) else OBJECTS))

    def noun_phrase(self, noun: tuple, richness: float, after_not: bool = False) -> tuple[Phrase, int]:
        """Article, adjectives, noun and perhaps a relative clause; and its person, 3 or 6."""
        singular, plural, french_singular, french_plural, gender = noun
        many = self._chance(0.35)
        head = word(plural, french_plural) if many else word(singular, french_singular)
        before = self._adjective(BEFORE, gender, many) if self._chance(0.15 + 0.3 * richness) else Phrase()
        after = self._adjective(AFTER, gender, many) if self._chance(0.15 + 0.4 * richness) else Phrase()
        article = self._article(gender, many, after_not, adjective_first=bool(before.french))
        made = Phrase(
            article.english + before.english + after.english + head.english,
            article.french + before.french + head.french + after.french,
        )
        person = 6 if many else 3
        if self._chance(0.3 * richness):
            made = made + self.relative_clause(person, richness / 3)
        return made, person

    def _adjective(self, table: list, gender: str, many: bool) -> Phrase:
        english, masculine, before_vowel, feminine, masculines, feminines = self._rng.choice(table)
        if many:
            return word(english, masculines if gender == "m" else feminines)
        return word(english, feminine if gender == "f" else f"{masculine}|{before_vowel}")

    def _article(self, gender: str, many: bool, after_not: bool, adjective_first: bool) -> Phrase:
        m = gender == "m"
        kind = self._rng.choice(["the", "the", "a", "my", "this", "number"])
        if kind == "the":
            return word("the", "les" if many else "le" if m else "la")
        if kind == "a":  # an indefinite object becomes `de` after a negation, and a plural one before an adjective
            if after_not or (many and adjective_first):
                return word("some" if many else "a", "de")
            return word("some" if many else "a", "des" if many else "un" if m else "une")
        if kind == "my":
            return word("my", "mes" if many else "mon" if m else "ma|mon")
        if kind == "this":
            return word("these" if many else "this", "ces" if many else "ce|cet" if m else "cette")
        if many:
            return word(*self._rng.choice([("two", "deux"), ("three", "trois")]))
        return word("every", "chaque")

    def relative_clause(self, person: int, richness: float) -> Phrase:
        """`that sees …` with the noun as subject, `that … sees` with the noun as object."""
        if self._chance(0.6):
            return word("that", "qui") + self.predicate(person, richness)
        if self._chance(0.4):
            english, french, other = self._rng.choice(SUBJECTS)
            subject = word(english, french)
        else:
            subject, other = self.noun_phrase(self._rng.choice(NOUNS), richness)
        return word("that", "que") + subject + self.verb(self._rng.choice(SEES), other, negative=False)


def finish(phrase: Phrase) -> tuple[list[str], list[str], list[tuple[int, int]]]:
    """English words, French words with elision and forms before a vowel, and the links (English, French), from 0."""
    english = [w.text for w in phrase.english]
    position = {id(w): i for i, w in enumerate(phrase.english)}
    texts = [text for text, _ in phrase.french]
    french = []
    for i, text in enumerate(texts):
        following = texts[i + 1] if i + 1 < len(texts) else "."
        vowel = following[0] in VOWELS
        text = text.split("|")[1 if vowel else 0] if "|" in text else text
        french.append(ELIDED.get(text, text) if vowel else text)
    links = [(position[id(s)], j) for j, (_, sources) in enumerate(phrase.french) for s in sources]
    english = ["an" if w == "a" and english[i + 1][0] in "aeiou" else w for i, w in enumerate(english)]
    return english, french, links


def draw(rng: random.Random, length: int) -> tuple[str, str, str]:
    """One sentence pair whose English side has `length` words, as the three columns of a file."""
    grammar = Grammar(rng)
    while True:
        clauses = 1 if length < 8 else rng.randint(1, max(1, length // 6))
        english, french, links = finish(grammar.sentence(clauses, rng.uniform(0, 1)))
        if len(english) == length:
            return " ".join(english), " ".join(french), " ".join(f"{i}-{j}" for i, j in sorted(links))


def make(folder: Path) -> None:
    """Write all five files. No English sentence stands in two of them."""
    rng = random.Random(SEED)
    seen: set[str] = set()

    def fresh(count: int, low: int, high: int) -> list[tuple[str, str, str]]:
        rows = []
        while len(rows) < count:
            row = draw(rng, low + len(rows) % (high - low + 1))
            if row[0] not in seen:
                seen.add(row[0])
                rows.append(row)
        rng.shuffle(rows)
        return rows

    files = {name: fresh(TEST, *between) for name, between in LENGTHS.items()}
    files["validation"] = fresh(TEST, 4, 30)
    files["train"] = fresh(TRAIN, 4, 30)
    for name, rows in files.items():
        text = "".join("\t".join(row) + "\n" for row in rows)
        (folder / f"{name}.tsv").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
