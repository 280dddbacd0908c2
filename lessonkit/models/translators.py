"""Lesson 03's translators: their error rates beside blind pointers, and where two encoders look, recorded."""

from collections.abc import Callable, Mapping, Sequence

from lessonkit.data.translation import Pair, load_translation
from lessonkit.models.alignment import blind_error_rates
from lessonkit.models.seq2seq import EncoderDecoder, exact_match_by_length
from lessonkit.show import figures, recorded, tables

KINDS = {
    "article": "article",
    "adjective before the noun": "adjective\nbefore noun",
    "noun": "noun",
    "adjective after the noun": "adjective\nafter noun",
    "pronoun": "pronoun",
    "verb": "verb",
    "ne, pas": "ne, pas",
}
ENCODERS = {"additive": "both directions", "one_way": "left to right only"}
SCORES = {"short": "short", "medium": "medium", "long": "long", "aer": "AER (medium)"}


def show_error_rates(rate_of: Callable[[Sequence[Pair]], float]) -> tuple[float, float]:
    """AER of a model by length, beside pointers that never look; returns both for medium: model's and diagonal's."""
    data = load_translation()
    tests = {"short": data.test_short, "medium": data.test_medium, "long": data.test_long}
    yours = {name: rate_of(pairs) for name, pairs in tests.items()}
    blind = [blind_error_rates(pairs) for pairs in tests.values()]
    rows = [["your model", *yours.values()], *([name, *(rates[name] for rates in blind)] for name in blind[0])]
    caption = "Alignment error rate of the model, and of pointers that never look at a word"
    tables.show_table(["who points", *tests], rows, caption)
    return yours["medium"], blind[1]["the diagonal"]


def show_exact(models: Mapping[str, EncoderDecoder]) -> None:
    """The share of test sentences that each translates without a mistake, by length."""
    data = load_translation()
    found = {name: exact_match_by_length(model, data) for name, model in models.items()}
    rows = [[name, *[f"{share:.1%}" for share in shares.values()]] for name, shares in found.items()]
    caption = "Test sentences translated without a mistake"
    tables.show_table(["the trained model", *next(iter(found.values()))], rows, caption)


def own_rate(lesson: object, model: str) -> str:
    """The rate of the recorded grid with the most validation sentences right, as text; a star at the grid's edge."""
    best, end = recorded.best_of(lesson.results()["tuned"][model])
    return f"{float(best):g}{'*' if end else ''}"


def show_scores(lesson: object, models: Mapping[str, str], above: Mapping[str, list[str]] | None = None) -> None:
    """A row a recorded model: exact match by length, AER, rate; `above`, rows of other lessons by their names."""
    rows = [[label, *cells] for label, cells in (above or {}).items()]
    for name, label in models.items():
        rows.append([label, *[lesson.spread(name, score) for score in SCORES], own_rate(lesson, name)])
    caption = "Exact match by length, and alignment error rate; mean [least to greatest] of three recorded seeds"
    tables.show_table(["model", *SCORES.values(), "rate"], rows, caption)


def show_looks(lesson: object) -> str:
    """Both encoders: scores; how often they look elsewhere, by kind of word; how often that is further right.

    Returns on which side of the right word the one-way encoder looks when it looks elsewhere.
    """
    show_scores(lesson, ENCODERS)
    looks = {label: [lesson.recorded(name, "elsewhere", kind) for kind in KINDS] for name, label in ENCODERS.items()}
    figures.bars(looks, list(KINDS.values()), "share that looks elsewhere", limits=(0, 0.8))
    where = {"further_right_all": "of the wrong looks, further right", "ne_at_do": "of ne and n', at do or does"}
    rows = [
        [label, *[", ".join(f"{share:.2f}" for share in lesson.recorded(name, figure)) for figure in where]]
        for name, label in ENCODERS.items()
    ]
    tables.show_table(
        ["reads", *where.values()],
        rows,
        "Where the largest weight lies, each of three recorded seeds (medium sentences)",
    )
    right = lesson.recorded("one_way", "further_right_all")
    return "further right" if min(right) > 0.6 else "further left" if max(right) < 0.4 else "on both sides alike"
