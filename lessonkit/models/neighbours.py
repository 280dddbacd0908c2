"""Lesson 08's task, name the letters beside each letter of a random word; and what a model of it says, looks at, needs.

A model maps letters (n, T), and gates (n, heads) or None, to logits (n, T, relations, 20), and keeps its `weights`
(n, heads, T, T); it has `letter`, `place`, `projections` and `heads`. A relation is where to look: -1 is to the left.
"""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lessonkit.models import multi_head
from lessonkit.show import figures, plots, tables, widgets
from lessonkit.show.heads_explorer import Heads, heads_explorer

ALPHABET = "abcdefghijklmnopqrst"
LENGTH, WIDTH = 12, 32
NEIGHBOURS = (-1, 1)
RELATIONS = {1: (-1,), 2: (-1, 1), 4: (-2, -1, 1, 2)}
HEADS = (1, 2, 4, 8, 16, 32)
SIDES = "letter that asks", "letter that is asked"
Offsets = tuple[int, ...]


def draw_letters(n: int, offsets: Offsets, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """n random words as numbers (n, T), and the letters asked for (n, T, R); -1 where there is none."""
    letters = torch.randint(len(ALPHABET), (n, LENGTH), generator=generator)
    asked = torch.full((n, LENGTH, len(offsets)), -1)
    for r, offset in enumerate(offsets):
        here = [i for i in range(LENGTH) if 0 <= i + offset < LENGTH]
        asked[:, here, r] = letters[:, [i + offset for i in here]]
    return letters, asked


def relation_maps(offsets: Offsets) -> Tensor:
    """For each relation, the key that each query should look at: (R, T, T) bool, [r, query, key]."""
    places = torch.arange(LENGTH)
    return torch.stack([places == places.unsqueeze(1) + offset for offset in offsets])


@torch.no_grad()
def answers(model: nn.Module, offsets: Offsets, gates: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """On 1,000 test words: what the model says, and what is asked for, at places where everything is asked: (n, R)."""
    letters, asked = draw_letters(1000, offsets, torch.Generator().manual_seed(12345))
    if gates is not None:
        gates = gates.expand(len(letters), -1)
    said, whole = model(letters, gates).argmax(-1), (asked >= 0).all(-1)
    return said[whole], asked[whole]


def all_right(model: nn.Module, offsets: Offsets, gates: Tensor | None = None) -> float:
    """The share of places at which *every* relation is answered right."""
    said, asked = answers(model, offsets, gates)
    return (said == asked).all(-1).float().mean().item()


def show_neighbours(model: nn.Module) -> float:
    """How well a model names both neighbours, beside a guess. Returns the share of places with both right."""
    said, asked = answers(model, NEIGHBOURS)
    right = said == asked
    rows = [
        ["both right", right.all(-1).float().mean().item(), 1 / 400],
        ["left right", right[:, 0].float().mean().item(), 1 / 20],
        ["right right", right[:, 1].float().mean().item(), 1 / 20],
        ["the same letter said for both sides", (said[:, 0] == said[:, 1]).float().mean().item(), 1 / 20],
    ]
    size = sum(p.numel() for p in model.parameters())
    cells = [[name, f"{share:.2f}", f"{guess:.2f}"] for name, share, guess in rows]
    tables.show_table(["share of places", "the model", "a guess"], cells, f"{size:,} parameters, 1,000 test words")
    return rows[0][1]


@torch.no_grad()
def show_maps(model: nn.Module) -> None:
    """The maps of all heads for one word, both neighbours outlined, and how much of the weight lies on each side."""
    word = torch.randint(20, (1, LENGTH), generator=torch.Generator().manual_seed(5))
    names = [ALPHABET[i] for i in word[0]]
    model(word)
    means = [[w.diagonal(o).mean().item() for o in NEIGHBOURS] for w in model.weights[0]]
    says = " ".join(
        f"Head {i}: {a:.2f} on the left neighbour, {b:.2f} on the right." for i, (a, b) in enumerate(means, 1)
    )
    maps = {f"head {i}": w for i, w in enumerate(model.weights[0], 1)}
    gold = relation_maps(NEIGHBOURS).any(0)
    figures.attentions(maps, names, names, gold, sides=SIDES, says=f"Weights averaged over the word. {says}")


def show_cut(right: Tensor, wrong: Tensor) -> None:
    """Which head gets which number of a sentence (4 words, 6 features), cut in two ways: (2 heads, 4 words, 3) each."""
    fig, axes = plt.subplots(1, 2, figsize=(8.4, 2.8), layout="constrained")
    for ax, cut, title in zip(axes, (right, wrong), ("cut, then swap", "view only"), strict=True):
        for head in range(2):
            for word in range(4):
                for n in cut[head, word].tolist():
                    square = plt.Rectangle((n % 6, n // 6), 1, 1, color=plots.COLOURS[head], alpha=0.35)
                    ax.add_patch(square)
                    place = {"ha": "center", "va": "center", "fontsize": 7.5}
                    ax.text(n % 6 + 0.5, n // 6 + 0.5, f"head {head + 1}\nword {word + 1}", **place)
        labels = [f"word {i}" for i in range(1, 5)]
        ax.set(xlim=(0, 6), ylim=(4, 0), title=title, xticks=[], xlabel="features")
        ax.set_yticks([0.5, 1.5, 2.5, 3.5], labels)
    plots.show(
        fig,
        "Left: head 1 gets the first three features of every word, head 2 the last three. Right, view only: head 1 "
        "gets all features of words 1 and 2 and takes them for four words, head 2 gets words 3 and 4.",
    )


def show_equality(attend: Callable, convert: Callable) -> None:
    """A multi-head attention beside PyTorch's own layer, whose matrices `convert` brings into our form."""
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(12, 3, bias=False, batch_first=True, dtype=torch.float64)
    x = torch.randn(4, 7, 12, dtype=torch.float64, requires_grad=True)
    causal = torch.ones(1, 7, 7).tril().bool()
    their_output, their_weights = theirs(x, x, x, attn_mask=~causal[0], average_attn_weights=False)
    our_output, our_weights = attend(x, x, *convert(theirs), 3, causal)
    direction = torch.randn_like(our_output)
    (their_gradient,) = torch.autograd.grad((their_output * direction).sum(), x)
    (our_gradient,) = torch.autograd.grad((our_output * direction).sum(), x)
    rows = [
        [name, str(tuple(a.shape)), "yes" if (a - b).abs().max() < 1e-10 else "no"]
        for name, a, b in (
            ("output", our_output, their_output),
            ("weights", our_weights, their_weights),
            ("gradient of x", our_gradient, their_gradient),
        )
    ]
    tables.show_table(["yours against PyTorch's", "shape", "differs by less than 1e-10"], rows)


def show_costs(attend: Callable, count: Callable) -> None:
    """Parameters and operations by number of heads: as counted by hand, and by PyTorch's own counter."""
    x, W, rows = torch.randn(1, 50, 64), [torch.randn(64, 64) for _ in range(4)], []
    for heads in (1, 2, 4, 8, 16, 64):
        with FlopCounterMode(display=False) as counter:
            attend(x, x, *W, heads)
        parameters, flops = count(64, heads, 64 // heads, 50)
        rows.append([heads, 64 // heads, f"{parameters:,}", f"{flops:,}", f"{counter.get_total_flops():,}"])
    columns = ["heads", "d_k", "parameters", "FLOPs, your count", "FLOPs, PyTorch's counter"]
    tables.show_table(columns, rows, "A sentence of 50 words, width 64")


def show_heads_table(lesson: object) -> None:
    """Recorded: every relation right, by number of relations and of heads."""
    rows = [[r, *[lesson.spread("heads", f"{r} relations, {h} heads") for h in HEADS]] for r in RELATIONS]
    caption = "Share of places with every relation right, by heads × width; mean [least to greatest] of 3 seeds"
    tables.show_table(["relations", *[f"{h} × {WIDTH // h}" for h in HEADS]], rows, caption)


@torch.no_grad()
def test_weights(model: nn.Module, offsets: Offsets) -> Tensor:
    """The weights on 200 test words: (200, h, T, T)."""
    model(draw_letters(200, offsets, torch.Generator().manual_seed(777))[0])
    return model.weights


def damage(model: nn.Module, offsets: Offsets) -> Tensor:
    """How much of each relation is lost when one head is switched off: (h, R), in shares of the places."""

    def right(gates: Tensor) -> Tensor:
        said, asked = answers(model, offsets, gates)
        return (said == asked).float().mean(0)

    whole = right(torch.ones(model.heads))
    off = 1 - torch.eye(model.heads)
    return torch.stack([whole - right(gates) for gates in off])


def show_roles(looks: Tensor, breaks: Tensor, offsets: Offsets) -> float:
    """Two tables (h, R) as maps: where heads look, and what is lost without them.

    Returns the share of relations whose head with the most weight is also the one that is missed most.
    """
    heads, relations = [f"head {i}" for i in range(1, len(looks) + 1)], [f"{o:+d}" for o in offsets]
    fig, axes = plt.subplots(1, 2, figsize=(7.8, 4.0), layout="constrained")
    titles = "looks there (mean weight)", "lost without it (share of places)"
    for ax, table, title in zip(axes, (looks, breaks.clamp(min=0)), titles, strict=True):
        plots.attention_map(table, heads, relations, title=title, ax=ax, sides=("", "relation"))
        for i, row in enumerate(table.tolist()):
            for r, value in enumerate(row):
                colour = "black" if value > 0.5 else "white"
                ax.text(r, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)
    first, missed = looks.argmax(0), breaks.argmax(0)
    said = [
        f"Relation {name}: head {first[r] + 1} looks there most, head {missed[r] + 1} is missed most."
        for r, name in enumerate(relations)
    ]
    plots.show(fig, f"Two tables of {len(heads)} heads and {len(relations)} relations. {' '.join(said)}")
    return (first == missed).float().mean().item()


@torch.no_grad()
def products_of(model: nn.Module, letters: Tensor, offsets: Offsets) -> Heads:
    """The products q·k of all heads for one word (T,), and the places that its relations mark."""
    x = model.letter(letters).unsqueeze(0) + model.place.weight
    queries, keys = (multi_head.split_heads(x @ W, model.heads) for W in model.projections[:2])
    spelled = [ALPHABET[i] for i in letters]
    marked = [(i, i + o) for i in range(LENGTH) for o in offsets if 0 <= i + o < LENGTH]
    return Heads(spelled, spelled, (queries @ keys.mT).numpy(), queries.shape[-1], gold=marked)


def words_to_explore(offsets: Offsets) -> dict[str, Tensor]:
    """Six words, as they are spelled and as numbers (T,)."""
    letters = draw_letters(6, offsets, torch.Generator().manual_seed(3))[0]
    return {"".join(ALPHABET[i] for i in row): row for row in letters}


def explorer(model: nn.Module, offsets: Offsets) -> None:
    """The touchable map of all heads for six words."""
    words = words_to_explore(offsets)
    heads_explorer([products_of(model, row, offsets) for row in words.values()], query=5)


def switch_off(model: nn.Module, offsets: Offsets) -> None:
    """Choose a word, and a head to switch off: the maps, and what is still right."""
    words = words_to_explore(offsets)

    def number(head_off: object) -> int:
        return 0 if head_off == "none" else int(head_off)

    def said(word: str, head_off: object) -> str:
        right = "; ".join(_right(model, words[word], offsets, number(head_off)))
        return f"Maps of {model.heads} heads for the word {word}; head switched off: {head_off}. {right}."

    widgets.explore(
        lambda word, head_off: heads_figure(model, words[word], offsets, number(head_off)),
        said,
        word=list(words),
        head_off=["none", *range(1, model.heads + 1)],
    )


@torch.no_grad()
def _right(model: nn.Module, letters: Tensor, offsets: Offsets, off: int) -> list[str]:
    gates = torch.ones(1, model.heads)
    if off:
        gates[0, off - 1] = 0
    said, parts = model(letters.unsqueeze(0), gates)[0].argmax(-1), []
    for r, offset in enumerate(offsets):
        here = [i for i in range(LENGTH) if 0 <= i + offset < LENGTH]
        right = sum(int(said[i, r] == letters[i + offset]) for i in here)
        parts.append(f"{offset:+d}: {right} of {len(here)} right")
    return parts


def heads_figure(model: nn.Module, letters: Tensor, offsets: Offsets, off: int) -> Figure:
    """The maps of all heads in a grid; `off` is the number of a head to switch off, 0 for none."""
    title = "  |  ".join(_right(model, letters, offsets, off))
    names = [ALPHABET[i] for i in letters]
    fig, axes = plt.subplots(2, 4, figsize=(9.6, 5.4), layout="constrained")
    for i, ax in enumerate(axes.flat):
        gone = i + 1 == off
        shown = model.weights[0, i] * (0.0 if gone else 1.0)
        plots.attention_map(shown, names, names, title=f"head {i + 1}" + " (off)" * gone, ax=ax)
    fig.suptitle(title, fontsize=10)
    fig.supxlabel(f"rows: {SIDES[0]}; columns: {SIDES[1]}", fontsize=9)
    return fig


def show_shares(shares: Mapping[str, float | Sequence[float]], caption: str) -> None:
    """A row a name: one share, or the mean of several with the least and the greatest."""
    rows = []
    for name, found in shares.items():
        several = list(found) if isinstance(found, Sequence) else [found]
        spread = f" [{min(several):.2f} to {max(several):.2f}]" if len(several) > 1 else ""
        rows.append([name, f"{sum(several) / len(several):.2f}{spread}"])
    tables.show_table(["", "share right"], rows, caption)


def show_breaks(lesson: object, names: Mapping[str, str]) -> None:
    """Recorded: the score and the last loss of each variant (names to labels)."""
    rows = [[label, *[lesson.spread("breaks", name, f) for f in ("right", "loss")]] for name, label in names.items()]
    columns = ["two heads, both neighbours", "both right (a guess: 0.00)", "loss at the end"]
    tables.show_table(columns, rows, "Mean [least to greatest] of three recorded seeds")
