"""Lesson 01: the translator of one vector, measured (errors, what its vector hears); gradients of plain networks."""

import difflib
from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from lessonkit.data.translation import Pair, Translation, Vocabulary, batches, load_translation
from lessonkit.models.seq2seq import EncoderDecoder, exact_match_by_length, shift_right, translate
from lessonkit.show import figures, tables, widgets

LENGTHS = {"short": "4-9 words", "medium": "10-18 words", "long": "19-30 words"}
Step = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]  # rnn_step


def show_corpus(data: Translation) -> None:
    """Two pairs, and how many pairs there are of each length."""
    rows = [[" ".join(pair.source), " ".join(pair.target)] for pair in data.validation[:2]]
    tables.show_table(["English", "French"], rows)
    lengths = torch.tensor([len(pair.source) for pair in data.train]).bincount(minlength=31)[4:31]
    figures.curves({"training pairs": (range(4, 31), lengths)}, "English words", "training pairs", limits=(0, 500))


def show_exact(model: EncoderDecoder, data: Translation, decode: Callable, lesson: object) -> dict[str, float]:
    """The share of test sentences translated without a mistake, beside the recorded runs. Returns it."""
    found = exact_match_by_length(model, data, decode=decode)
    rows = [
        ["this run", *[f"{share:.3f}" for share in found.values()]],
        ["recorded, 14 passes", *[lesson.spread("vector", length) for length in LENGTHS]],
    ]
    tables.show_table(["", *LENGTHS.values()], rows, "Test sentences translated without a mistake")
    return found


def marked(made: Sequence[str], right: Sequence[str]) -> str:
    """The translation with wrong words in brackets, place by place."""
    return " ".join(w if i < len(right) and w == right[i] else f"[{w}]" for i, w in enumerate(made))


def explorer(model: EncoderDecoder, data: Translation, decode: Callable) -> None:
    """Pick a sentence by its length: the right translation above the model's, wrong words shaded."""
    chosen = sorted(data.validation[:200], key=lambda p: len(p.source))[::16]
    shown = {f"{len(p.source)} words": p for p in chosen}
    made = dict(zip(shown, translate(model, list(shown.values()), data, decode=decode), strict=True))

    def picture(sentence: str) -> plt.Figure:
        right, got = shown[sentence].target, made[sentence]
        columns, rows = 8, -(-max(len(right), len(got)) // 8)
        fig, ax = plt.subplots(figsize=(8.2, 0.62 * rows + 0.2), layout="constrained")
        for i in range(max(len(right), len(got))):
            x, y = i % columns, i // columns
            wanted, word = (words[i] if i < len(words) else "–" for words in (right, got))
            ax.add_patch(
                plt.Rectangle((x, y), 1, 1, facecolor="#d3efe4" if wanted == word else "#fbd9c6", edgecolor="w")
            )
            ax.text(x + 0.5, y + 0.3, wanted, ha="center", va="center", fontsize=8.5, color="#595959")
            ax.text(x + 0.5, y + 0.72, word, ha="center", va="center", fontsize=9.5, fontweight="bold")
        ax.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        ax.set_title("grey: right; bold: the model's; orange: they differ", fontsize=9, loc="left")
        return fig

    def said(sentence: str) -> str:
        pair = shown[sentence]
        return f"Right: {' '.join(pair.target)}. The model: {marked(made[sentence], pair.target)}."

    widgets.explore(picture, said, start={"sentence": list(shown)[-3]}, sentence=list(shown))


def right_by_place(made: Sequence[Sequence], right: Sequence[Sequence], places: int) -> list[float]:
    """At each place, among the sentences that reach it: the share whose word there is right."""
    shares = []
    for place in range(places):
        reached = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > place]
        shares.append(sum(len(m) > place and m[place] == r[place] for m, r in reached) / len(reached))
    return shares


def share_right_by_place(
    model: EncoderDecoder, pairs: Sequence[Pair], decode: Callable, places: int = 24, measure: Callable = right_by_place
) -> list[float]:
    """At each place the share of words that are right, writing on its own."""
    made = translate(model, pairs, load_translation(), decode=decode)
    return measure(made, [list(pair.target) for pair in pairs], places)


def share_kept_by_place(
    model: EncoderDecoder, pairs: Sequence[Pair], decode: Callable, places: int = 24
) -> list[float]:
    """The same share, but a word counts as right wherever it stands, as long as the right words are in order."""
    hits, reached = [0] * places, [0] * places
    made = translate(model, pairs, load_translation(), decode=decode)
    for words, pair in zip(made, pairs, strict=True):
        compared = difflib.SequenceMatcher(None, pair.target, words, autojunk=False)
        kept = {p for block in compared.get_matching_blocks() for p in range(block.a, block.a + block.size)}
        for place in range(min(places, len(pair.target))):
            reached[place] += 1
            hits[place] += place in kept
    return [hit / count for hit, count in zip(hits, reached, strict=True)]


@torch.no_grad()
def share_right_with_teacher(
    model: EncoderDecoder, pairs: Sequence[Pair], places: int = 24, measure: Callable = right_by_place
) -> list[float]:
    """The same share, but with the right words fed in."""
    made, right, data = [], [], load_translation()
    for batch in batches(pairs, data.source_vocabulary, data.target_vocabulary, 250):
        words = model(batch.src, shift_right(batch.tgt, Vocabulary.bos), batch.src_mask).argmax(-1)
        for written, target, pair in zip(words.tolist(), batch.tgt.tolist(), batch.pairs, strict=True):
            made.append(written[: len(pair.target)])
            right.append(target[: len(pair.target)])
    return measure(made, right, places)


def show_errors_by_place(
    model: EncoderDecoder, pairs: Sequence[Pair], decode: Callable, measure: Callable
) -> tuple[float, float]:
    """Words right by place: with the teacher, alone, and wherever they stand. Returns the first two at place 20."""
    curves = {
        "reads the right word": share_right_with_teacher(model, pairs, 20, measure),
        "reads its own word": share_right_by_place(model, pairs, decode, 20, measure),
        "its own, wherever it stands": share_kept_by_place(model, pairs, decode, 20),
    }
    series = {name: (range(1, 21), shares) for name, shares in curves.items()}
    ticks = {place: str(place) for place in (1, 5, 10, 15, 20)}
    figures.curves(series, "place in the translation", "share of words right", limits=(0, 1.05), ticks=ticks)
    teacher, alone, _ = (shares[-1] for shares in curves.values())
    return teacher, alone


def run_network(rnn_step: Step, radius: float, steps: int = 40, n: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    """States (steps + 1, n) and W_hh of a random plain network; the largest eigenvalue has this absolute value."""
    generator = torch.Generator().manual_seed(seed)
    W_hh = torch.randn(n, n, generator=generator)
    W_hh = radius * W_hh / torch.linalg.eigvals(W_hh).abs().max()
    W_xh, b, states = 0.1 * torch.eye(n), torch.zeros(n), [torch.zeros(1, n)]
    for _ in range(steps):
        x = torch.randn(1, n, generator=generator)
        states.append(rnn_step(x, states[-1], W_xh, W_hh, b))
    return torch.cat(states), W_hh


def show_gradients(rnn_step: Step, norms_of: Callable, radii: Sequence[float]) -> dict[float, float]:
    """The norm of the gradient by distance for plain networks of these radii. Returns it at distance 40."""
    found = {radius: norms_of(*run_network(rnn_step, radius)) for radius in radii}
    series = {f"radius {r}": (range(len(norms)), norms.clamp(min=1e-12)) for r, norms in found.items()}
    figures.curves(series, "distance in words", "norm of the gradient", log="y", guess={"neither": 1.0})
    return {radius: float(norms[-1]) for radius, norms in found.items()}


def repeat_the_last(rnn_step: Step, clip: float | None, seed: int, steps: int = 60) -> list[float]:
    """Losses of a plain network that learns to repeat the last of 20 numbers; `clip` is a gradient's largest norm."""
    generator = torch.Generator().manual_seed(seed)
    n, b = 32, torch.zeros(32)
    W_hh = run_network(rnn_step, 1.6, steps=0, n=n, seed=seed)[1].requires_grad_()
    W_xh = torch.randn(n, 1, generator=generator).requires_grad_()
    out = (torch.randn(n, generator=generator) / n**0.5).requires_grad_()
    losses, learned = [], [W_hh, W_xh, out]
    for _ in range(steps):
        x, h = torch.randn(64, 20, 1, generator=generator), torch.zeros(64, n)
        for t in range(20):
            h = rnn_step(x[:, t], h, W_xh, W_hh, b)
        loss = ((h @ out - x[:, -1, 0]) ** 2).mean()
        losses.append(min(loss.item(), 1e6) if loss.isfinite() else 1e6)
        gradients = torch.autograd.grad(loss, learned)
        norm = torch.cat([g.flatten() for g in gradients]).norm()
        factor = min(1.0, clip / norm.item()) if clip else 1.0
        with torch.no_grad():
            for parameter, gradient in zip(learned, gradients, strict=True):
                parameter -= 0.2 * factor * gradient
    return losses


def show_clipping(rnn_step: Step) -> None:
    """One run with and without clipping as curves, and the last losses of three."""
    series, rows = {}, []
    for name, clip in (("no clipping", None), ("clipped at norm 1", 1.0)):
        losses = {seed: repeat_the_last(rnn_step, clip, seed) for seed in range(3)}
        series[name] = (range(1, 61), losses[1])
        rows.append([name, *[f"{run[-1]:.2g}" for run in losses.values()]])
    figures.curves(series, "step", "loss (1e6: more, or not a number)", log="y", guess={"always 0": 1.0})
    tables.show_table(["loss after 60 steps", "seed 0", "seed 1 (drawn)", "seed 2"], rows)


def show_recorded(lesson: object, models: Mapping[str, str]) -> None:
    """Recorded: exact match by length."""
    rows = [[label, *[lesson.spread(name, length) for length in LENGTHS]] for name, label in models.items()]
    caption = "Exact match by length; mean [least to greatest] of three recorded seeds"
    tables.show_table(["the vector", *LENGTHS.values()], rows, caption)


@torch.no_grad()
def beam_exact_match(model: EncoderDecoder, pairs: Sequence[Pair], beam: int, beam_search: Callable) -> float:
    """The share of sentences that beam search translates without a mistake."""
    right, data = 0, load_translation()
    for batch in batches(pairs, data.source_vocabulary, data.target_vocabulary, 1):
        memory = model.encode(batch.src, batch.src_mask)
        logits = model.stepper(memory, batch.src_mask)

        def step(word: int, state: object, logits: Callable = logits) -> tuple[Tensor, object]:
            scores, state = logits(torch.tensor([word]), state)
            return torch.log_softmax(scores[0], dim=0), state

        start, most = model.decoder.start(memory, batch.src_mask), 2 * batch.src.shape[1]
        words = beam_search(step, start, Vocabulary.bos, Vocabulary.eos, beam, most, 1.0)
        right += tuple(data.target_vocabulary.decode(words)) == batch.pairs[0].target
    return right / len(pairs)


def show_beams(model: EncoderDecoder, data: Translation, beam_search: Callable) -> dict[str, tuple[float, float]]:
    """Exact match with a beam of 1 and of 4, on some short and medium sentences. Returns both."""
    sets = {"short": data.test_short[:150], "medium": data.test_medium[:60]}
    found = {
        name: tuple(beam_exact_match(model, pairs, beam, beam_search) for beam in (1, 4))
        for name, pairs in sets.items()
    }
    rows = [[LENGTHS[n], len(sets[n]), *[f"{share:.2f}" for share in shares]] for n, shares in found.items()]
    tables.show_table(["sentences", "how many", "beam of 1 (greedy)", "beam of 4"], rows, "Exact match")
    return found


def sensitivity(model: EncoderDecoder, pairs: Sequence[Pair]) -> Tensor:
    """Mean over sentences of equal length: how strongly each source word moves the vector, as shares (S,)."""
    data = load_translation()
    (batch,) = batches(pairs, data.source_vocabulary, data.target_vocabulary, len(pairs))
    embedded = model.src_embed(batch.src).detach().requires_grad_()
    vector = model.encoder(embedded, batch.src_mask)
    total = torch.zeros(batch.src.shape)
    for k in range(0, vector.shape[1], 8):
        (grad,) = torch.autograd.grad(vector[:, k].sum(), embedded, retain_graph=True)
        total += grad.norm(dim=-1)
    return (total / total.sum(1, keepdim=True)).mean(0)[:-1]


def show_sensitivity(model: EncoderDecoder, data: Translation, lengths: Sequence[int]) -> Tensor:
    """Share of the vector's gradient by place of the source word, by sentence length. Returns the last one's."""
    found = {n: sensitivity(model, [p for p in data.train if len(p.source) == n][:100]) for n in lengths}
    series = {f"{n} words": (range(1, n + 1), shares) for n, shares in found.items()}
    even = {f"even, {n} words": 1 / (n + 1) for n in (lengths[-1],)}
    figures.curves(series, "place of the source word", "share of the vector's gradient", limits=(0, None), guess=even)
    return found[lengths[-1]]
