"""Lesson 04's measurements: where a decoder with scores and scopes looks, how far words move, what a window saves.

A model is an EncoderDecoder whose decoder has a `scope`, and keeps the `weights` (B, S) and `position` (B,) of a step.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from lessonkit.data.translation import Pair, Translation, Vocabulary, batches, load_translation
from lessonkit.models.alignment import alignment_error_rate, blind_error_rates, links_from_weights
from lessonkit.models.attention import masked_softmax
from lessonkit.models.seq2seq import EncoderDecoder, exact_match_by_length, shift_right
from lessonkit.show import figures, plots, recorded, tables, timing, touch, widgets

SHIFTS = ((0, 4), (5, 9), (10, 19), (20, 40))  # how far a word moved; the window reaches 4
LENGTHS = {"short": "4-9 words", "medium": "10-18 words", "long": "19-30 words"}
SIDES = "French word", "English word"
SETS = ("train", "validation", "test_short", "test_medium", "test_long")


def mirrored(data: Translation) -> Translation:
    """The same corpus with every target sentence written backwards; the links move along."""

    def turned(pair: Pair) -> Pair:
        last = len(pair.target) - 1
        links = frozenset((source, last - target) for source, target in pair.links)
        return Pair(pair.source, pair.target[::-1], links)

    return replace(data, **{name: [turned(pair) for pair in getattr(data, name)] for name in SETS})


def show_growing_work(sizes: Sequence[int], n: int = 128) -> None:
    """Time of one step of additive attention by the length of the source; nothing is trained."""
    W, U, v = torch.randn(64, n), torch.randn(64, n), torch.randn(64)

    def step(query: Tensor, keys: Tensor) -> Tensor:
        scores = torch.tanh((query @ W.T).unsqueeze(1) + keys @ U.T) @ v
        return torch.softmax(scores, dim=-1).unsqueeze(1) @ keys

    took = [timing.milliseconds(step, torch.randn(1, n), torch.randn(1, S, n)) for S in sizes]
    ticks = {S: f"{S:,}" for S in sizes}
    curve = {"additive score, all words": (sizes, took)}
    figures.curves(curve, "words in the source", "milliseconds a step", log="xy", ticks=ticks)


def share_inside(pairs: Sequence[Pair], D: int) -> float:
    """The share of gold links whose source word is at most D places from the target word's place."""
    shifts = [abs(source - target) for pair in pairs for source, target in pair.links]
    return sum(shift <= D for shift in shifts) / len(shifts)


def show_inside(corpora: Mapping[str, Translation], D: int) -> dict[str, float]:
    """The share of gold links inside a window around the same place, by its reach. Returns it at reach D."""
    widths = list(range(11))
    found = {name: [share_inside(corpus.test_medium, width) for width in widths] for name, corpus in corpora.items()}
    curves = {name: (widths, shares) for name, shares in found.items()}
    figures.curves(curves, "D: the window is 2D + 1 words", "share of gold links inside", limits=(0, 1.05))
    return {name: shares[D] for name, shares in found.items()}


def show_who_teaches(window_mask: Callable, gaussian_window: Callable) -> None:
    """The gradient of a loss at the position, with the window's mask only and with the Gaussian."""
    torch.manual_seed(0)
    scores, values, words = torch.randn(1, 12), torch.randn(1, 12, 8), torch.ones(1, 12).bool()
    rows = []
    for name, bend in (("mask only", lambda w, p, D: w), ("with Gaussian", gaussian_window)):
        position = torch.tensor([5.3], requires_grad=True)
        weights = bend(masked_softmax(scores, window_mask(position, words, 4)), position, 4)
        loss = (weights.unsqueeze(1) @ values).square().sum()
        if loss.requires_grad:
            loss.backward()
        rows.append([name, f"{0.0 if position.grad is None else position.grad.item():+.3f}"])
    tables.show_table(["the window", "gradient of the loss at the position"], rows)


def show_translations(model: EncoderDecoder, corpus: Translation) -> dict[str, float]:
    """The share of test sentences translated without a mistake, by length; and the alignment error, beside a guess."""
    found = exact_match_by_length(model, corpus)
    sets = (corpus.test_short, corpus.test_medium, corpus.test_long)
    rates = [corpus_error_rate(model, pairs) for pairs in sets]
    blind = [blind_error_rates(pairs)["the diagonal"] for pairs in sets]
    rows = [
        ["without a mistake", *[f"{share:.1%}" for share in found.values()]],
        ["alignment error rate", *[f"{rate:.3f}" for rate in rates]],
        ["(of the diagonal, which doesn't look)", *[f"{rate:.3f}" for rate in blind]],
    ]
    tables.show_table(["test sentences", *LENGTHS.values()], rows)
    return found


@torch.no_grad()
def follow(model: EncoderDecoder, pairs: Sequence[Pair], corpus: Translation) -> Iterator[tuple]:
    """For each pair, with the right words fed in: (pair, weights (T, S), positions (T,), right (T,)); EOS left out.

    `right` says whether the likeliest next word is the right one; positions are NaN for the global scope.
    """
    for batch in batches(pairs, corpus.source_vocabulary, corpus.target_vocabulary, 100):
        decoder, memory = model.decoder, model.encode(batch.src, batch.src_mask)
        state = decoder.start(memory, batch.src_mask)
        embedded = model.tgt_embed(shift_right(batch.tgt, Vocabulary.bos))
        weights, positions, right = [], [], []
        for t in range(batch.tgt.shape[1]):
            features, state = decoder.step(embedded[:, t], state, memory, batch.src_mask)
            weights.append(decoder.weights)
            nowhere = torch.full((len(batch.pairs),), torch.nan)
            positions.append(nowhere if decoder.scope == "global" else decoder.position)
            right.append(model.generator(features).argmax(-1) == batch.tgt[:, t])
        kept = [torch.stack(x, dim=1) for x in (weights, positions, right)]
        for i, pair in enumerate(batch.pairs):
            T, S = len(pair.target), len(pair.source)
            yield pair, kept[0][i, :T, :S], kept[1][i, :T], kept[2][i, :T]


def corpus_error_rate(model: EncoderDecoder, pairs: Sequence[Pair], corpus: Translation | None = None) -> float:
    """Alignment error rate over a whole test set: the words of all sentences are counted together (lesson 03).

    The vocabularies are those of the course's corpus, or of `corpus`.
    """
    links, gold = set(), set()
    for number, (pair, weights, _, _) in enumerate(follow(model, pairs, corpus or load_translation())):
        links |= {(number, *link) for link in links_from_weights(weights)}
        gold |= {(number, *link) for link in pair.links}
    return alignment_error_rate(links, gold, gold)


def gold_cells(pair: Pair) -> set[tuple[int, int]]:
    """The links of a pair as (target index, source index): row and column of an attention map."""
    return {(target, source) for source, target in pair.links}


def chosen(data: Translation) -> list[int]:
    """Numbers of validation pairs to look at: one with *not* and *them*, and five of middle length."""
    first = next(i for i, p in enumerate(data.validation) if {"not", "them"} <= set(p.source) and len(p.source) <= 12)
    return [first, *[i for i, p in enumerate(data.validation) if 9 <= len(p.source) <= 16][:5]]


def show_maps(models: Mapping[str, tuple[EncoderDecoder, Translation]]) -> None:
    """The map of one validation pair for each model, gold outlined; orange dots are the predicted positions."""
    for name, (model, corpus) in models.items():
        pair, weights, positions, _ = next(follow(model, [corpus.validation[chosen(corpus)[0]]], corpus))
        fig = plots.attention_map(weights, pair.target, pair.source, gold_cells(pair), name, sides=SIDES)
        fig.axes[0].plot(positions, range(len(positions)), "o", color="#d55e00", markersize=5)
        places = ", ".join(f"{p:.1f}" for p in positions.tolist() if p == p)
        dots = f" Orange dots, the predicted positions: {places}." if places else ""
        mean = float(weights.sum() / len(weights))
        plots.show(fig, f"{name}: “{' '.join(pair.target)}”, gold outlined; a row sums to {mean:.2f} on average.{dots}")


def explorer(model: EncoderDecoder, corpus: Translation) -> None:
    """The touchable map of six validation pairs."""
    found = list(follow(model, [corpus.validation[i] for i in chosen(corpus)], corpus))
    words = [pair.target for pair, *_ in found], [pair.source for pair, *_ in found]
    touch.attention([w for _, w, _, _ in found], *words, [gold_cells(pair) for pair, *_ in found], sides=SIDES)


def show_recorded(lesson: object, models: Mapping[str, str], caption: str, guesses: Mapping[str, float] = {}) -> None:
    """A row a recorded model (names to labels), and pointers that don't look; exact match by length, AER, size.

    Without the seconds of models that end in "_own": those were trained on other machines.
    """
    rows = []
    for name, label in models.items():
        shares = [lesson.spread(name, length) for length in LENGTHS]
        size, seconds = lesson.recorded(name, "parameters")[0], lesson.spread(name, "training_seconds", digits=0)
        took = "–" if name.endswith("_own") else seconds
        rows.append([label, *shares, lesson.spread(name, "aer", digits=3), f"{size:,}", took])
    rows += [[f"({name})", "–", "–", "–", f"{rate:.3f}", "–", "–"] for name, rate in guesses.items()]
    columns = ["model", *LENGTHS, "AER (medium)", "parameters", "seconds of training"]
    tables.show_table(columns, rows, f"{caption}; mean [least to greatest] of three recorded seeds")


def own_rates(lesson: object, models: Sequence[str]) -> dict[str, str]:
    """Labels of the models that were recorded at the best rate of a grid, with that rate, and whether it's an end."""
    labels = {}
    for name in models:
        best, end = recorded.best_of(lesson.results()["tuned"][name])
        edge = ", the grid's edge" if end else ""
        labels[f"{name}_own"] = f"{name}, at its own rate ({float(best):g}{edge})"
    return labels


def by_shift(model: EncoderDecoder, pairs: Sequence[Pair], corpus: Translation | None = None) -> dict[str, list[float]]:
    """For words grouped by |s − t|: the share predicted rightly, and the share whose largest weight is on gold."""
    total, right_words, on_gold = [0] * 4, [0] * 4, [0] * 4
    for pair, weights, _, right in follow(model, pairs, corpus or load_translation()):
        looked = weights.argmax(-1).tolist()
        for source, target in pair.links:
            shift = abs(source - target)
            group = next(i for i, (low, high) in enumerate(SHIFTS) if low <= shift <= high)
            total[group] += 1
            right_words[group] += bool(right[target])
            on_gold[group] += looked[target] == source
    return {
        "words right": [r / n for r, n in zip(right_words, total, strict=True)],
        "on gold": [g / n for g, n in zip(on_gold, total, strict=True)],
    }


def show_shifts(lesson: object) -> None:
    """Recorded: words right, and largest weights on gold, by how far a word of mirrored French has moved."""
    labels = [f"{low}-{high}" if high < 40 else f"{low} or more" for low, high in SHIFTS]
    for measure, words in (("words right", "share of words right"), ("on gold", "largest weight on gold")):
        series = {}
        for scope in ("global", "local_m", "local_p"):
            runs = lesson.recorded(f"mirror_{scope}", "by_shift", measure)
            series[scope.replace("_", "-")] = [list(column) for column in zip(*runs, strict=True)]
        figures.bars(series, labels, words, title="by places that a word has moved", limits=(0, 1.12))


def multiply_adds(scope: str, S: int, n: int, D: int) -> int:
    """Multiply-adds of one step of general attention over S words: score and average, and the position."""
    looked_at = S if scope == "global" else min(S, 2 * D + 1)
    position = n * n + n if scope == "local-p" else 0
    return n * n + 2 * n * looked_at + position


def in_window(query: Tensor, keys: Tensor, W: Tensor, position: Tensor, D: int) -> Tensor:
    """General attention that *computes* only the window: query (B, n), keys (B, S, n) -> context (B, n).

    The whole window lies inside the sentence here; the Gaussian is included.
    """
    places = position.round().long().unsqueeze(1) + torch.arange(-D, D + 1)  # (B, 2D + 1)
    near = keys[torch.arange(len(keys)).unsqueeze(1), places]  # (B, 2D + 1, n)
    weights = torch.softmax((near @ (query @ W).unsqueeze(-1)).squeeze(-1), dim=-1)
    weights = weights * torch.exp(-((places - position.unsqueeze(1)) ** 2) / (2 * (D / 2) ** 2))
    return (weights.unsqueeze(1) @ near).squeeze(1)


def show_work(score: Callable, predict: Callable, window_mask: Callable, gaussian: Callable) -> int | None:
    """Count and time one step by source length: everywhere, masked, and the window alone.

    Returns the first length at which the window is the fastest; None if it never is.
    """
    torch.manual_seed(0)
    B, n, D, sizes = 4, 128, 10, [32, 128, 512, 2048, 8192]
    W, W_p, v_p = torch.randn(n, n), torch.randn(n, n) / 10, torch.randn(n) / 10

    def everywhere(query: Tensor, keys: Tensor, words: Tensor) -> Tensor:
        return masked_softmax(score(query, keys, W), words).unsqueeze(1) @ keys

    def masked(query: Tensor, keys: Tensor, words: Tensor) -> Tensor:
        position = predict(query, W_p, v_p, words)
        weights = masked_softmax(score(query, keys, W), window_mask(position, words, D))
        return gaussian(weights, position, D).unsqueeze(1) @ keys

    def window_only(query: Tensor, keys: Tensor, words: Tensor) -> Tensor:
        position = predict(query, W_p, v_p, words)
        return in_window(query, keys, W, position.clamp(D + 1, words.shape[1] - D - 2), D)

    steps = {"global": everywhere, "local-p, masked": masked, "local-p, window": window_only}
    rows, took = [], {name: [] for name in steps}
    for S in sizes:
        given = torch.randn(B, n), torch.randn(B, S, n), torch.ones(B, S).bool()
        for name, step in steps.items():
            took[name].append(timing.milliseconds(step, *given, times=9))
        counts = [f"{multiply_adds(scope, S, n, D):,}" for scope in ("global", "local-p")]
        rows.append([S, *counts, *(f"{times[-1]:.3f} ms" for times in took.values())])
    columns = ["words", "multiply-adds, global", "multiply-adds, local-p", *took]
    tables.show_table(columns, rows, f"One step: multiply-adds for one sentence, time for {B}; n = {n}, D = {D}")
    ticks = {S: f"{S:,}" for S in sizes}
    curves = {name: (sizes, times) for name, times in took.items()}
    figures.curves(curves, "words in the source", "milliseconds a step", log="xy", ticks=ticks)
    faster = [
        S for S, all_, window in zip(sizes, took["global"], took["local-p, window"], strict=True) if window < all_
    ]
    return faster[0] if faster else None


def window_explorer(words: Sequence[str], window_mask: Callable, gaussian: Callable) -> None:
    """Move the window and change its reach; the weights of one invented step before and after the Gaussian."""
    S = len(words)
    scores = 0.7 * torch.randn(1, S, generator=torch.Generator().manual_seed(4))
    scores[0, S // 2] = 2.5  # the highest score is in the middle

    def bent(place: float, D: int) -> tuple[Tensor, Tensor]:
        position = torch.tensor([place])
        before = masked_softmax(scores, window_mask(position, torch.ones(1, S).bool(), D))
        return before[0], gaussian(before, position, D)[0]

    def picture(position: float, D: int) -> plt.Figure:
        before, after = bent(position, D)
        series = {"softmax in the window": before.tolist(), "after the Gaussian": after.tolist()}
        title = f"position {position}, D = {D}: sum {float(after.sum()):.2f}"
        fig = plots.bars(series, words, "weight", title)
        for label in list(fig.axes[0].texts):
            label.remove()
        fig.axes[0].axvline(position, color="black", linestyle=":")
        fig.axes[0].set_ylim(0, 1)
        fig.axes[0].tick_params("x", rotation=40)
        return fig

    def said(position: float, D: int) -> str:
        total = float(bent(position, D)[1].sum())
        return f"Window around place {position}, D = {D}: after the Gaussian the weights sum to {total:.2f}."

    widgets.explore(picture, said, start={"position": 3.5, "D": 3}, position=(0.0, S - 1.0, 0.5), D=(1, 8, 1))


def show_full(full: Mapping[str, object]) -> None:
    """A recorded run on real sentences: BLEU, and the alignment error rate beside the diagonal's."""
    columns = ["recorded on", "machine", "training", "pairs", "parameters", "BLEU", "AER", "AER of the diagonal"]
    row = [
        full["date"],
        full["machine"],
        f"{full['seconds'] / 60:.0f} min, {full['steps']:,} steps",
        f"{full['training_pairs']:,}",
        f"{full['parameters']:,}",
        f"{full['bleu']:.1f} ({full['test_pairs']} sentences)",
        f"{full['aer']:.2f} ({full['aligned_pairs']} sentences)",
        f"{full['aer_of_the_diagonal']:.2f}",
    ]
    tables.show_table(columns, [row], f"Tatoeba, English to French: {full['model']}")
