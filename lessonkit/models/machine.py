"""Lesson 10's machine, taken apart: how alike words become, the same as PyTorch's layers, and where its heads look."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from lessonkit.data.translation import Pair, Vocabulary, batches, load_translation
from lessonkit.models import transformer
from lessonkit.models.alignment import alignment_error_rate, blind_error_rates, links_from_weights
from lessonkit.models.attention import masked_softmax
from lessonkit.models.bleu import bleu
from lessonkit.models.deep import unigram_loss
from lessonkit.models.seq2seq import EncoderDecoder, exact_match, shift_right, translate
from lessonkit.show import drawing, figures, recorded, tables
from lessonkit.show.heads_explorer import Heads, heads_explorer

LENGTHS = {"short": "4-9 words", "medium": "10-18 words", "long": "19-30 words"}
SIDES = "French word", "English word"


def mean_similarity(x: Tensor) -> float:
    """The mean cosine between two different words of a sentence: x (B, T, d)."""
    unit, T = nn.functional.normalize(x, dim=-1), x.shape[1]
    return ((unit @ unit.mT).sum((1, 2)).mean().item() - T) / (T * (T - 1))


@torch.no_grad()
def similarity_by_depth(wrap: Callable, seed: int, depth: int = 12) -> list[float]:
    """How alike the words are before the first layer and after each; `wrap(layer, x, mask)` says what a layer does."""
    torch.manual_seed(seed)
    x, mask = torch.randn(8, 20, 64), torch.ones(1, 1, 20, dtype=torch.bool)
    found = [mean_similarity(x)]
    for _ in range(depth):
        layer = transformer.EncoderLayer(64, 4, 128, 0.0, True, transformer.Parts())
        x = wrap(layer, x, mask)
        found.append(mean_similarity(x))
    return found


def show_collapse() -> dict[str, list[float]]:
    """How alike words become by depth, with attention alone and with x added; returns the means after 2 and 12 layers.

    Three seeds; keys "attention alone" and "x + attention".
    """
    kinds = {
        "attention alone": lambda layer, x, mask: layer.attend(x, x, mask),
        "x + attention": lambda layer, x, mask: x + layer.attend(x, x, mask),
    }
    runs = {name: [similarity_by_depth(wrap, seed) for seed in range(3)] for name, wrap in kinds.items()}
    series = {name: (range(13), rows) for name, rows in runs.items()}
    figures.curves(series, "layers", "mean cosine of two words", limits=(-0.05, 1.05))
    return {name: [sum(row[depth] for row in rows) / 3 for depth in (2, 12)] for name, rows in runs.items()}


def draw_machine(d: drawing.Drawing) -> None:
    """The whole machine as boxes: encoder and decoder, each sub-layer with its path (dashed) and norm."""
    for x, layers, first, last in (
        (1.45, ("self-attention", "feed-forward"), "source", "memory"),
        (5.3, ("self-attention, causal", "attention to memory", "feed-forward"), "written so far", "generator: logits"),
    ):
        shapes = ("(B, S)", "(B, S, d)") if first == "source" else ("(B, T)", "(B, T, V)")
        below = d.box(x, 0.35, first, shapes[0], "input")
        stack = d.box(x, 1.15, "embedding + places", "", "learned")
        d.arrow(below, stack)
        for i, name in enumerate(layers):
            box = d.box(x, 2.0 + 0.95 * i, name, "", "attention" if "attention" in name else "learned")
            norm = d.box(x + 1.95, 2.0 + 0.95 * i, "add, norm")
            d.arrow(stack, box)
            d.arrow(box, norm)
            d.arrow(stack, norm, dashed=True)
            stack = norm
            if name == "attention to memory":
                asked = box
        top = d.box(x, 4.95, last, shapes[1], "output")
        d.arrow(stack, top)
        if first == "source":
            memory = top
    d.arrow(memory, asked, "keys, values", bend=-0.1)
    d.text(0.3, 2.5, "N ×")
    d.text(4.05, 3.4, "N ×")
    d.show()


def draw_paths() -> None:
    """The two places of the norm, each with the path on which x is added back."""
    words = (
        "Two rows. Post-norm: x goes through the sub-layer, x itself is added to what comes out, and the sum is "
        "normed. Pre-norm: x is normed and goes through the sub-layer, and x itself, not normed, is added; nothing "
        "follows."
    )
    d = drawing.Drawing(words, width=5.2, height=3.0)
    rows = {
        "post-norm: the path itself is normed": (1.9, (("x", 0.5), ("sub-layer", 1.65), ("+", 2.9), ("norm", 4.0))),
        "pre-norm: the path is left alone": (0.4, (("x", 0.5), ("norm", 1.55), ("sub-layer", 2.75), ("+", 4.0))),
    }
    kinds = {"x": "input", "sub-layer": "learned"}
    for title, (y, places) in rows.items():
        boxes = {name: d.box(x, y, name, "", kinds.get(name, "plain"), 0.45 * (name in "x+")) for name, x in places}
        for start, end in itertools.pairwise(boxes.values()):
            d.arrow(start, end)
        d.arrow((places[-1][1] + 0.25 + 0.12 * (title[1] == "o"), y), (5.1, y))
        over, add = y + 0.48, boxes["+"]
        d.arrow((0.5, y + 0.2), (0.5, over), head=False)
        d.arrow((0.5, over), (add.x, over), head=False)
        d.arrow((add.x, over), (add.x, y + 0.2))
        d.text(0.25, y + 0.78, title, align="left", bold=True)
    d.show()


def toy_attention(A: Tensor, V: Tensor) -> Callable:
    """Attention with one head, for the checks of both layers: A (d, d) makes the scores, V (d, d) the values."""

    def attend(query: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        return masked_softmax(query @ A @ memory.mT, mask) @ memory @ V

    return attend


def toy_connections(gains: Tensor, pre: bool) -> list[Callable]:
    """One `connect` for each row of gains (sub-layers, d)."""

    def connection(gain: Tensor) -> Callable:
        norm = partial(transformer.layer_norm, gain=gain, bias=gain.flip(0))
        return partial(transformer.residual, norm=norm, pre=pre)

    return [connection(gain) for gain in gains]


@torch.no_grad()
def give_weights(theirs: nn.Module, ours: nn.Module) -> None:
    """Copy the weights of PyTorch's layer into ours; it keeps query, key and value in one matrix."""
    attentions = {"self_attn": "attend_self" if hasattr(ours, "attend_self") else "attend"}
    if hasattr(ours, "attend_source"):
        attentions["multihead_attn"] = "attend_source"
    for their_name, our_name in attentions.items():
        other, mine = getattr(theirs, their_name), getattr(ours, our_name)
        rows = zip(other.in_proj_weight.chunk(3), other.in_proj_bias.chunk(3), strict=True)
        for linear, (weight, bias) in zip((mine.query, mine.key, mine.value), rows, strict=True):
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
        mine.output.load_state_dict(other.out_proj.state_dict())
    ours.feed.first.load_state_dict(theirs.linear1.state_dict())
    ours.feed.second.load_state_dict(theirs.linear2.state_dict())
    for i, connection in enumerate(ours.connect, start=1):
        norm = getattr(theirs, f"norm{i}")
        connection.norm.gain.copy_(norm.weight)
        connection.norm.bias.copy_(norm.bias)


def largest_differences(kind: str, pre: bool, parts: transformer.Parts) -> tuple[float, float]:
    """How far a layer of ours is from PyTorch's: in what comes out, and in the gradient of the input."""
    ours = getattr(transformer, f"{kind}Layer")(16, 4, 24, 0.0, pre, parts).double()
    pytorch = getattr(nn, f"Transformer{kind}Layer")
    theirs = pytorch(16, 4, 24, 0.0, batch_first=True, norm_first=pre).double()
    for weights in theirs.parameters():
        nn.init.normal_(weights, std=0.5)
    give_weights(theirs, ours)
    x, memory = torch.randn(2, 7, 16).double(), torch.randn(2, 9, 16).double()
    x, y = x.clone().requires_grad_(), x.clone().requires_grad_()
    words = torch.arange(9) < torch.tensor([[9], [6]])  # the second source has padding
    causal = torch.ones(1, 7, 7, dtype=torch.bool).tril()
    if kind == "Encoder":
        mine, other = ours(x, words[:, None, :7]), theirs(y, src_key_padding_mask=~words[:, :7])
    else:
        mine = ours(x, memory, words[:, None], causal)
        other = theirs(y, memory, tgt_mask=~causal[0], memory_key_padding_mask=~words)
    real = words[:, :7, None] if kind == "Encoder" else torch.ones(2, 7, 1)
    for result in (mine, other):
        (result * real).cos().sum().backward()
    return ((mine - other) * real).abs().max().item(), (x.grad - y.grad).abs().max().item()


def show_equality(parts: transformer.Parts) -> None:
    """Layers made of `parts` beside PyTorch's: results and gradients, both kinds, both norms."""
    torch.manual_seed(0)
    rows = []
    for kind in ("Encoder", "Decoder"):
        for pre in (False, True):
            same = "yes" if max(largest_differences(kind, pre, parts)) < 1e-10 else "NO"
            rows.append([f"{kind}Layer", "pre-norm" if pre else "post-norm", same])
    tables.show_table(["layer", "kind", "results and gradients equal to 1e-10"], rows)


def scores_by_length(model: EncoderDecoder) -> dict[str, float]:
    """Exact match and BLEU on the short (4-9 words), medium (10-18) and long (19-30) test sentences."""
    found, data = {}, load_translation()
    for name, pairs in zip(LENGTHS, (data.test_short, data.test_medium, data.test_long), strict=True):
        made = translate(model, pairs, data)
        found |= {name: exact_match(made, pairs), f"bleu_{name}": round(bleu(made, pairs), 2)}
    return found


def show_scores(model: EncoderDecoder, lesson: object) -> dict[str, float]:
    """Exact match and BLEU by length, beside the recorded models of lessons 01 and 03. Returns them."""
    found = scores_by_length(model)
    rows = [["this run", *[f"{found[name]:.3f}; BLEU {found[f'bleu_{name}']:.1f}" for name in LENGTHS]]]
    for name, label in (("vector", "one vector (01, recorded)"), ("additive", "additive attention (03, recorded)")):
        rows.append([label, *[lesson.spread(name, length) for length in LENGTHS]])
    tables.show_table(["model", *LENGTHS.values()], rows, "Share of test sentences without a mistake")
    return found


@torch.no_grad()
def maps_of(model: EncoderDecoder, pairs: Sequence[Pair], what: str = "weights") -> list[Tensor]:
    """For each pair the decoder's attention to the source (layers, heads, target words, source words), EOS left out.

    With what="products" q·k instead of the weights, before the scale.
    """
    found, data = [], load_translation()
    for batch in batches(pairs, data.source_vocabulary, data.target_vocabulary, 100):
        model(batch.src, shift_right(batch.tgt, Vocabulary.bos), batch.src_mask)
        layers = [getattr(layer.attend_source, what) for layer in model.decoder.layers]
        maps = torch.stack(layers, dim=1)  # (B, layers, heads, T, S)
        found += [maps[i, :, :, : len(pair.target), : len(pair.source)] for i, pair in enumerate(batch.pairs)]
    return found


def error_rates(model: EncoderDecoder, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """AER of each head, (layers, heads), and of each layer's heads averaged, (layers,)."""
    maps = maps_of(model, pairs)
    layers, heads = maps[0].shape[:2]
    gold = {(n, *link) for n, pair in enumerate(pairs) for link in pair.links}

    def rate(pick: Callable[[Tensor], Tensor]) -> float:
        links = {(n, *k) for n, m in enumerate(maps) for k in links_from_weights(pick(m))}
        return alignment_error_rate(links, gold, gold)

    single = [[rate(lambda m, i=i, j=j: m[i, j]) for j in range(heads)] for i in range(layers)]
    return torch.tensor(single), torch.tensor([rate(lambda m, i=i: m[i].mean(0)) for i in range(layers)])


def show_error_rates(model: EncoderDecoder) -> int:
    """AER of every head and of each layer's mean, beside pointers that don't look. Returns how many heads beat them."""
    pairs = load_translation().test_medium
    single, averaged = error_rates(model, pairs)
    heads = single.shape[1]
    rows = [[f"layer {i + 1}", *row, averaged[i].item()] for i, row in enumerate(single.tolist())]
    blind = blind_error_rates(pairs)
    rows += [[f"({name})", *["–"] * heads, rate] for name, rate in blind.items()]
    columns = ["", *[f"head {j + 1}" for j in range(heads)], "heads averaged"]
    tables.show_table(columns, rows, "Alignment error rate, this run, medium test sentences (0 is perfect)")
    return int((single < blind["the diagonal"]).sum())


def show_recorded_heads(lesson: object) -> None:
    """How often the heads averaged beat the best head, over all recorded runs and layers."""
    layers = [
        (mean, min(heads))
        for run in lesson.recorded("transformer")
        for mean, heads in zip(run["aer_layers"], run["aer_heads"], strict=True)
    ]
    better = sum(mean < best for mean, best in layers)
    tables.show_table(["recorded", "layers"], [["heads averaged beat the best head", f"{better} of {len(layers)}"]])


def chosen(first: int = 1) -> list[Pair]:
    """Validation pairs to look at: one with *not* and *them*, and five of middle length."""
    pairs = load_translation().validation
    start = [p for p in pairs if {"not", "them"} <= set(p.source) and len(p.source) <= 12][:first]
    return [*start, *[p for p in pairs if 8 <= len(p.source) <= 14][:5]]


def as_heads(model: EncoderDecoder, pairs: Sequence[Pair]) -> list[Heads]:
    """What the explorer of lessons 07 to 10 draws: the products of every layer and head, and gold."""
    products = maps_of(model, pairs, "products")
    d_k = model.src_embed.embedding_dim // products[0].shape[1]
    return [
        Heads(p.target, p.source, m.numpy(), d_k, gold={(t, s) for s, t in p.links})
        for p, m in zip(pairs, products, strict=True)
    ]


def show_maps(model: EncoderDecoder, pair: Pair) -> None:
    """The maps of all layers and heads of one pair, with words on both sides."""
    (weights,) = maps_of(model, [pair])
    layers, heads = weights.shape[:2]
    maps = {f"layer {i + 1}, head {j + 1}": weights[i, j] for i in range(layers) for j in range(heads)}
    gold = {(target, source) for source, target in pair.links}
    figures.attentions(maps, pair.target, pair.source, gold, sides=SIDES, columns=2)


def explorer(model: EncoderDecoder, pairs: Sequence[Pair]) -> None:
    """The touchable map of all layers and heads."""
    heads_explorer(as_heads(model, pairs))


def _spread(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.2f} [{min(values):.2f} to {max(values):.2f}]"


def worst_head(lesson: object) -> str:
    """The error rate of each recorded seed's worst head."""
    return _spread([max(r for layer in run["aer_heads"] for r in layer) for run in lesson.recorded("transformer")])


def show_ablations(lesson: object, models: Mapping[str, str]) -> None:
    """Recorded: exact match by length, AER of each layer's heads averaged, last loss; and what a guess would have."""
    rows = []
    for name, label in models.items():
        layers = [_spread([rates[layer] for rates in lesson.recorded(name, "aer_layers")]) for layer in (0, 1)]
        shares = [lesson.spread(name, length) for length in LENGTHS]
        rows.append([label, *shares, *layers, lesson.spread(name, "loss")])
    diagonal = blind_error_rates(load_translation().test_medium)["the diagonal"]
    rows.append(
        ["(the words' frequencies; the diagonal)", *["0"] * 3, *[f"{diagonal:.2f}"] * 2, f"{unigram_loss():.2f}"]
    )
    columns = ["model", *LENGTHS, "AER, layer 1", "AER, layer 2", "loss"]
    caption = "Exact match by length; AER of each layer's heads averaged (medium sentences); training loss at the end"
    tables.show_table(columns, rows, f"{caption}; mean [least to greatest] of three recorded seeds")


def show_four(lesson: object, models: Mapping[str, str]) -> None:
    """Recorded: the translators of four lessons, as bars of exact match and as two tables."""
    series = {label: [lesson.recorded(name, length) for length in LENGTHS] for name, label in models.items()}
    figures.bars(series, list(LENGTHS.values()), "exact match", limits=(0, 1.12))
    for caption, prefix, digits in (("Exact match", "", 2), ("BLEU", "bleu_", 1)):
        rows = [
            [label, *[lesson.spread(name, prefix + length, digits=digits) for length in LENGTHS]]
            for name, label in models.items()
        ]
        tables.show_table(["lesson", *LENGTHS.values()], rows, f"{caption}: mean [least to greatest] of three seeds")
    rows = []
    for name, label in models.items():
        aer = lesson.spread(name, "aer") if lesson.recorded(name, "aer") else "no attention"
        size, seconds = lesson.recorded(name, "parameters")[0], lesson.spread(name, "training_seconds", digits=0)
        rows.append([label, aer, f"{size:,}", seconds])
    diagonal = blind_error_rates(load_translation().test_medium)["the diagonal"]
    rows.append(["(the diagonal)", f"{diagonal:.2f}", "–", "–"])
    caption = "AER: of the one map of 03 and 04; of the Transformer's last layer's heads averaged"
    tables.show_table(["lesson", "AER (medium)", "parameters", "seconds of training"], rows, caption)


def show_ladder() -> None:
    """A recorded run of all rungs on real sentences."""
    ladder = json.loads((recorded.RESULTS / "ladder.json").read_text(encoding="utf-8"))
    rows = [
        [r["what"], *[f"{r[k]:.1f}" for k in ("bleu", "short", "medium", "long")], r["published"] or "–",
         f"{r['parameters']:,}", f"{r['seconds'] / 60:.0f}", r["passes"]]
        for r in ladder["rungs"]
    ]  # fmt: skip
    columns = ["model", "BLEU", "short", "medium", "long", "published", "parameters", "minutes", "passes"]
    caption = f"{ladder['corpus']}. Short: up to 8 German words; long: from 15 on. Minutes of one processor"
    tables.show_table(columns, rows, caption)
    best = ladder["rungs"][-1]
    print(f"{best['what']} with a beam of 4: BLEU {best['beam_bleu']:.1f}")
    print(f"{best['signature']}; {best['machine']}; {best['date']}")
