"""Lesson 07's readers of pronouns, measured: what they resolve, and where they point; beside guesses that read nothing.

A reader is a module that maps a `Batch` to logits (B, answers). One with attention also has `matrices` (W_q, W_k, W_v),
keeps the layer's `input` (B, T, d) and `weights` (B, T, T), and has `words`, `attention`, `readout` and `visible`.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lessonkit.data.pronouns import Pronouns, Sentence, batches, load_pronouns
from lessonkit.show import figures, recorded, tables, timing
from lessonkit.show.heads_explorer import Heads, heads_explorer

BY_DISTANCE = {"short": "6-11 words", "medium": "12-18 words", "long": "19-28 words"}
BY_SIDE = {"before": "noun before", "after": "noun after"}
KNOWS_THE_NUMBER = {"number known,\ngender guessed": 1 / 3}
LENGTHS = [16, 32, 64, 128, 256, 512, 1024]
WIDTH = 64


def share(found: Sequence[bool]) -> float:
    """The share of trues."""
    return sum(found) / len(found)


def tests(data: Pronouns) -> dict[str, list[Sentence]]:
    """The test sentences by distance."""
    return {"short": data.test_short, "medium": data.test_medium, "long": data.test_long}


def marked(sentence: Sentence) -> str:
    """The sentence with its places marked: *pronoun*, +the word that decides+, [noun] for a candidate, [[gold]]."""
    words = list(sentence.words)
    for place in sentence.candidates:
        words[place] = f"[{words[place]}]"
    words[sentence.antecedent] = f"[{words[sentence.antecedent]}]"
    words[sentence.pronoun] = f"*{words[sentence.pronoun]}*"
    words[sentence.decider] = f"+{words[sentence.decider]}+"
    return " ".join(words)


def blind_shares(sentences: Sequence[Sentence]) -> dict[str, float]:
    """How often somebody finds the antecedent who doesn't read: what pointing has to beat."""
    nearest = [min(s.candidates, key=lambda c: abs(c - s.pronoun)) == s.antecedent for s in sentences]
    return {
        "the nearest noun": share(nearest),
        "the first noun": share([s.candidates[0] == s.antecedent for s in sentences]),
        "a noun drawn blindly": sum(1 / len(s.candidates) for s in sentences) / len(sentences),
        "a word drawn blindly": sum(1 / len(s.words) for s in sentences) / len(sentences),
    }


def show_examples(data: Pronouns) -> None:
    """Some sentences with their places marked, and a table of who would guess the antecedent how often."""
    for example in sorted(data.validation, key=lambda s: len(s.words))[24:100:25]:
        print(f"{marked(example)}  ->  {example.answer}", end="\n\n")
    columns = {name: blind_shares(sentences) for name, sentences in tests(data).items()}
    rows = [[who, *[f"{found[who]:.0%}" for found in columns.values()]] for who in columns["short"]]
    nouns = [f"{np.mean([len(s.candidates) for s in sentences]):.1f}" for sentences in tests(data).values()]
    names = [f"{name} ({BY_DISTANCE[name]})" for name in columns]
    tables.show_table(["who guesses", *names], [*rows, ["nouns to choose from", *nouns]], "How often a guess is meant")


@torch.no_grad()
def resolved(model: nn.Module, sentences: Sequence[Sentence]) -> list[bool]:
    """For each sentence whether the model chooses the right form."""
    found: list[bool] = []
    for batch in batches(load_pronouns(), sentences, 250):
        found += (model(batch).argmax(-1) == batch.answer).tolist()
    return found


@torch.no_grad()
def resolved_shuffled(model: nn.Module, sentences: Sequence[Sentence]) -> list[bool]:
    """Like `resolved`, with the vectors in another order before they enter the attention layer."""
    generator, found = torch.Generator().manual_seed(0), []
    for batch in batches(load_pronouns(), sentences, 250):
        order = torch.randperm(batch.words.shape[1], generator=generator)
        outputs = model.attention(model.words(batch)[:, order], batch.mask[:, order])
        now_at = order.argsort()[batch.pronoun]  # where each pronoun has gone
        logits = model.readout(outputs[torch.arange(len(outputs)), now_at])
        found += (logits.argmax(-1) == batch.answer).tolist()
    return found


def by_distance(model: nn.Module, shuffled: bool = False) -> dict[str, float]:
    """The share of test pronouns that are resolved, by distance."""
    how = resolved_shuffled if shuffled else resolved
    return {name: share(how(model, sentences)) for name, sentences in tests(load_pronouns()).items()}


def by_side(model: nn.Module) -> dict[str, float]:
    """The share of test pronouns that are resolved, by the side on which the noun stands."""
    every = [s for sentences in tests(load_pronouns()).values() for s in sentences]
    return {
        side: share(resolved(model, [s for s in every if s.looks_back == back]))
        for side, back in (("before", True), ("after", False))
    }


def show_recorded(lesson: object, models: Mapping[str, str]) -> None:
    """Recorded networks (names to labels): what they resolve by distance and by side, their size, their steps."""
    for measures in (BY_DISTANCE, BY_SIDE):
        recorded.grouped(lesson, models, measures, "share right", KNOWS_THE_NUMBER)
    whole = {"parameters": "parameters", "steps": "steps of each seed"}
    recorded.grouped_table(lesson, models, BY_DISTANCE | BY_SIDE, "Share of pronouns resolved", whole)


def show_shares(rows: Mapping[str, Mapping[str, float]], caption: str) -> None:
    """A row a reader, a column a distance or side; below it what a guess would reach."""
    labels = BY_DISTANCE | BY_SIDE
    columns = list(next(iter(rows.values())))
    cells = [[name, *[f"{found[column]:.1%}" for column in columns]] for name, found in rows.items()]
    cells.append(["number known, gender guessed", *["33.3%"] * len(columns)])
    tables.show_table(["", *[labels[column] for column in columns]], cells, caption)


def show_shuffled(model: nn.Module) -> tuple[dict[str, float], dict[str, float]]:
    """What is resolved by distance, in order and shuffled."""
    straight, shuffled = by_distance(model), by_distance(model, shuffled=True)
    show_shares({"in order": straight, "shuffled before the layer": shuffled}, "Share of test pronouns resolved")
    return straight, shuffled


def show_masked(model: nn.Module, mask: Callable[[int], Tensor]) -> dict[str, float]:
    """What is resolved by side, as the model is and with a mask, which is taken off again. Returns the latter."""
    free, model.visible = by_side(model), mask
    try:
        masked = by_side(model)
    finally:
        model.visible = None
    show_shares({"as it is": free, "with the causal mask": masked}, "Share of test pronouns resolved")
    return masked


def readable() -> list[Sentence]:
    """Validation sentences with several nouns that fit on a page; the second is the first whose noun comes later."""
    chosen = [s for s in load_pronouns().validation if len(s.candidates) >= 4 and len(s.words) <= 24]
    first, second = (next(s for s in chosen if s.looks_back == back) for back in (True, False))
    return [first, second, *[s for s in chosen if s not in (first, second)]]


def show_map(model: nn.Module, sentence: Sentence) -> None:
    """The attention map of a sentence, the antecedent outlined in the pronoun's row."""
    heads = heads_of(model, sentence)
    weights, sides = heads.weights()[0, 0], ("word that asks", "word that is asked")
    figures.attention(weights, sentence.words, sentence.words, heads.gold, sides=sides)


def explorer(model: nn.Module, sentences: Sequence[Sentence], mask: Callable[[int], Tensor]) -> None:
    """The touchable map of these sentences, with the scale on and the mask off at first."""
    heads_explorer([heads_of(model, s, mask) for s in sentences], query=sentences[0].pronoun, mask=False)


@torch.no_grad()
def heads_of(model: nn.Module, sentence: Sentence, mask: Callable[[int], Tensor] | None = None) -> Heads:
    """The products q·k of one sentence, with a mask to switch on. Gold: the antecedent, in the pronoun's row."""
    (batch,) = batches(load_pronouns(), [sentence], 1)
    model(batch)
    W_q, W_k, _ = model.matrices
    products = (model.input @ W_q.T) @ (model.input @ W_k.T).transpose(-2, -1)
    visible = None if mask is None else np.asarray(mask(len(sentence.words)))
    gold = {(sentence.pronoun, sentence.antecedent)}
    return Heads(sentence.words, sentence.words, products.unsqueeze(0).numpy(), W_q.shape[0], visible, gold)


@torch.no_grad()
def asks_most(model: nn.Module, sentences: Sequence[Sentence], who: str) -> list[int]:
    """For each sentence the place that gets the largest weight of its "pronoun", or of its "decider"."""
    places = []
    for batch in batches(load_pronouns(), sentences, 250):
        model(batch)
        for weights, sentence in zip(model.weights, batch.sentences, strict=True):
            places.append(int(weights[getattr(sentence, who)].argmax()))
    return places


def points(model: nn.Module, sentences: Sequence[Sentence], who: str = "pronoun") -> dict[str, float]:
    """Where the largest weight lies: the share of sentences in which it is on the antecedent, another noun, a word
    at most two places from the antecedent, or elsewhere."""
    found = {"antecedent": 0, "another noun": 0, "beside the antecedent": 0, "elsewhere": 0}
    for place, s in zip(asks_most(model, sentences, who), sentences, strict=True):
        if place in s.candidates:
            found["antecedent" if place == s.antecedent else "another noun"] += 1
        else:
            near = abs(place - s.antecedent) <= 2
            found["beside the antecedent" if near else "elsewhere"] += 1
    return {where: count / len(sentences) for where, count in found.items()}


@torch.no_grad()
def pointing(model: nn.Module, sentences: Sequence[Sentence], who: str, points_at: Callable) -> tuple[float, float]:
    """`points_at` over all sentences: a word's share of largest weights on the antecedent, its mean weight there."""
    share = mean = 0.0
    for batch in batches(load_pronouns(), sentences, 250):
        model(batch)
        asks, gold = (torch.tensor([getattr(s, place) for s in batch.sentences]) for place in (who, "antecedent"))
        found = points_at(model.weights, asks, gold)
        share, mean = (sum_ + float(n) * len(asks) for sum_, n in zip((share, mean), found, strict=True))
    return share / len(sentences), mean / len(sentences)


def show_points(model: nn.Module, points_at: Callable) -> dict[str, float]:
    """Where pronoun and deciding word look most, by distance, and guesses; the first two columns as `points_at` says.

    Returns the pronoun's hits by distance.
    """
    rows, hits = [], {}
    for who, label in (("pronoun", "the pronoun"), ("decider", "the deciding word")):
        for name, sentences in tests(load_pronouns()).items():
            share, mean = pointing(model, sentences, who, points_at)
            elsewhere = list(points(model, sentences, who).items())[1:]
            rows.append([label, name, f"{share:.1%}", f"{mean:.2f}", *[f"{n:.1%}" for _, n in elsewhere]])
            if who == "pronoun":
                hits[name] = share
    for guess in ("the nearest noun", "a noun drawn blindly"):
        for name, sentences in tests(load_pronouns()).items():
            rows.append([f"({guess})", name, f"{blind_shares(sentences)[guess]:.1%}", *["–"] * 4])
    columns = ["who asks", "distance", "largest weight: antecedent", "mean weight there", *[n for n, _ in elsewhere]]
    tables.show_table(columns, rows, "Where the largest weight lies, and where guesses lie")
    return hits


def show_recorded_points(lesson: object) -> None:
    """Every recorded seed: where the largest weight lies, with and without a GRU in front; and who looks elsewhere."""
    runs, rows = lesson.results()["runs"], []
    for name, label in (("attention", "self-attention"), ("bigru_attention", "GRU, both ways + attention")):
        for run in runs:
            asked = run["decider"] if name == "attention" else {}
            decider = [f"{asked[where]:.1%}" if asked else "–" for where in ("antecedent", "another noun")]
            pronoun = [f"{run[name][figure]:.1%}" for figure in ("long", "points", "points_beside")]
            rows.append([label, run["seed"], *pronoun, *decider])
    pronoun = ["share right, long distance", "pronoun: antecedent", "pronoun: beside the antecedent"]
    columns = ["recorded network", "seed", *pronoun, "deciding word: antecedent", "deciding word: another noun"]
    tables.show_table(columns, rows, "Where the largest weight lies, with and without a GRU in front")
    every = sum(map(len, tests(load_pronouns()).values()))
    elsewhere = [(run["seed"], *run["right_though_elsewhere"], run["at_another_noun"]) for run in runs]
    rows = [[seed, off, right, another] for seed, right, off, another in elsewhere]
    columns = ["seed", "largest weight not on the antecedent", "of these right", "of these at another noun"]
    tables.show_table(columns, rows, f"Self-attention: the pronouns that look elsewhere, of {every}")


def show_steps_by_start(lesson: object) -> str:
    """Recorded networks by how hard their first weights are, and how far a step of W^q moves the scores.

    Returns which of the two, alone, spoils the training: its best seed stays 0.1 below the scaled network's worst.
    """
    labels = {
        "attention": "scaled: soft start, short steps",
        "unscaled_slow": "no scale, steps of W^q an eighth as long: hard start, short steps",
        "unscaled_small": "no scale, W^q an eighth at the start: soft start, long steps",
        "unscaled": "no scale: hard start, long steps",
    }
    measures = BY_DISTANCE | {"points": "points at the antecedent"}
    recorded.grouped_table(lesson, labels, measures, "Share of pronouns resolved", {"steps": "steps of each seed"})
    least = min(lesson.recorded("attention", "validation")) - 0.1
    start, steps = (max(lesson.recorded(name, "validation")) < least for name in ("unscaled_slow", "unscaled_small"))
    if start and steps:
        return "either of them"
    return "the hard start" if start else "the long steps" if steps else "neither: only both together"


def compare_scores(dot: Callable, additive: Callable) -> float:
    """Time both scores for 64 sentences of 32 words, 64 features; return how many times as long the second takes."""
    q, k, w = torch.randn(64, 32, WIDTH), torch.randn(64, 32, WIDTH), torch.randn(WIDTH)
    short, long = timing.milliseconds(dot, q, k, times=9), timing.milliseconds(additive, q, k, w, times=9)
    tables.show_table(["score", "milliseconds"], [["dot product", short], ["additive", long]], "64 sentences, 32 words")
    return long / short


def compare_conventions(attend: Callable, columns: Mapping[str, Callable], loop: Callable, project: Callable) -> None:
    """The matrix form beside functions that take words as columns, and beside a loop over the words: are they equal?"""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(1, 4, 8, generator=generator)
    matrices = [torch.randn(6, 8, generator=generator) for _ in range(3)]
    everybody = torch.ones(4, 4, dtype=torch.bool)
    rows, _ = attend(X, *matrices, everybody)
    q, k, v = (made[0] for made in project(X, *matrices))
    others = {f"{name}, transposed": form(X.mT, *matrices, everybody)[0].mT[0] for name, form in columns.items()}
    others["the loop"] = torch.stack([loop(i, q, k, v) for i in range(4)])
    equal = [[name, "yes" if torch.allclose(rows[0], other, atol=1e-5) else "no"] for name, other in others.items()]
    tables.show_table(["your matrix form against", "equal to five decimals"], equal)


def show_times(attend: Callable) -> list[int]:
    """Time of one layer by number of words, beside a GRU's; returns the lengths at which attention is the faster."""
    found, ticks = times_by_length(attend), {T: str(T) for T in LENGTHS}
    curves = {name: (LENGTHS, ms) for name, ms in found.items()}
    figures.curves(curves, "words T", "milliseconds", log="xy", ticks=ticks)
    return faster_for(found)


def times_by_length(attend: Callable) -> dict[str, list[float]]:
    """Milliseconds for one layer, width 64, 4 sentences, for each of the LENGTHS."""
    gru, found = nn.GRU(WIDTH, WIDTH, batch_first=True), {"GRU": [], "self-attention": []}
    matrices = [torch.randn(WIDTH, WIDTH) / 8 for _ in range(3)]
    for T in LENGTHS:
        words, everybody = torch.randn(4, T, WIDTH), torch.ones(T, T, dtype=torch.bool)
        found["GRU"].append(timing.milliseconds(gru, words, times=9))
        found["self-attention"].append(timing.milliseconds(attend, words, *matrices, everybody, times=9))
    return found


def faster_for(times: Mapping[str, Sequence[float]]) -> list[int]:
    """The LENGTHS at which self-attention takes less time than the GRU."""
    pairs = zip(LENGTHS, times["self-attention"], times["GRU"], strict=True)
    return [T for T, attention, gru in pairs if attention < gru]


def times_in_words(lesson: object) -> str:
    """The recorded times, self-attention's against the GRU's: the median of all runs."""
    runs = [run["times"] for run in lesson.results()["runs"]]
    times = {name: np.median([run[name] for run in runs], axis=0).tolist() for name in ("GRU", "self-attention")}
    pairs = zip(LENGTHS, times["self-attention"], times["GRU"], strict=True)
    said = [f"{T} words {ours:.2g} ms against {gru:.2g} ms" for T, ours, gru in pairs if T >= 32 and T != 128]
    return f"{'; '.join(said)}; faster up to {max(faster_for(times))} words"
