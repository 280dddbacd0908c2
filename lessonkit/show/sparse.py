"""Sparse attention on the page: patterns and whom they reach, what is exact, and what is remembered by distance."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from lessonkit.data.recall import KEYS, VALUES, Sequences
from lessonkit.show import figures, plots, tables, touch


def patterns(masks: Mapping[str, Tensor]) -> None:
    """Show masks (T, T) of the same words as maps: who, in the rows, may ask whom."""
    fig, axes = plt.subplots(1, len(masks), figsize=(3.3 * len(masks), 3.4), squeeze=False, layout="constrained")
    said = []
    for ax, (name, mask) in zip(axes[0], masks.items(), strict=True):
        words = [str(i) for i in range(len(mask))]
        plots.attention_map(mask.float(), words, words, title=name, ax=ax, sides=("word that asks", "word asked"))
        ax.tick_params(labelsize=7)
        last = ", ".join(str(j) for j in mask[-1].nonzero().flatten().tolist())
        said.append(f"{name}: the last word, {len(mask) - 1}, may ask {last}.")
    plots.show(fig, f"Maps of who may ask whom; nobody asks a word that comes later. {' '.join(said)}")


def reached(masks: Mapping[str, Tensor], reach: Callable[[Tensor, int], Tensor], layers: int = 4) -> None:
    """Show how many words a word asks, on average, and the share of the pairs that have met after each layer."""
    rows = []
    for name, mask in masks.items():
        shares = [f"{share:.2f}" for share in reach(mask, layers).tolist()]
        rows.append([name, f"{mask.sum(1).float().mean():.1f}", *shares])
    T = len(next(iter(masks.values())))
    columns = [f"{T} words", "asked, on average", *[f"met after layer {n}" for n in range(1, layers + 1)]]
    tables.show_table(columns, rows, "Whom a word asks, and the share of all pairs (i, j ≤ i) that have met")


def exactness(
    pairs: Mapping[str, tuple[Callable, Callable]],
    given: Sequence[Tensor],
    names: Sequence[str] = ("queries", "keys", "values"),
) -> None:
    """Show the greatest difference of two ways to compute the same, in float64: of results, and of their gradients."""
    rows = []
    for name, ways in pairs.items():
        inputs = [part.double().requires_grad_() for part in given]
        results = [way(*inputs) for way in ways]
        slopes = [torch.autograd.grad(result.square().sum(), inputs) for result in results]
        differences = [(a - b).abs().max().item() for a, b in (results, *zip(*slopes, strict=True))]
        rows.append([name, *[f"{difference:.0e}" for difference in differences]])
    columns = ["", "output", *[f"gradient of {name}" for name in names]]
    tables.show_table(columns, rows, f"Greatest difference, float64, {given[0].shape[1]:,} words")


def by_distance(shares: Mapping[str, Sequence], guess: float, marks: Mapping[str, float] | None = None) -> None:
    """Show the share of right answers by distance, 1, 2, ... words back: one run or several, by network."""
    first = next(iter(shares.values()))
    count = len(first[0] if hasattr(first[0], "__len__") else first)
    series = {name: (range(1, count + 1), runs) for name, runs in shares.items()}
    figures.curves(series, "words back", "share right", guess=guess, limits=(0, 1.05), marks=marks)


def looks(found: Mapping[str, Mapping[str, float]], sequences: Sequences) -> Mapping[str, Mapping[str, float]]:
    """Show how readers answered and where they looked, beside somebody who looks at all words alike; give it back."""
    _, place = sequences.asked.nonzero(as_tuple=True)
    alike = {"mass": (1 / (place + 1)).mean().item(), "looked_at": (place + 1.0).mean().item(), "gold_at_zero": 0.0}
    rows = []
    for name, one in {**found, "all words alike, and a guess": {"accuracy": 1 / VALUES, **alike}}.items():
        shares = [f"{one[figure]:.2f}" for figure in ("accuracy", "mass")]
        rows.append([name, *shares, f"{one['looked_at']:.1f}", f"{one['gold_at_zero']:.2f}"])
    columns = ["", "questions answered", "weight on the item asked for", "words with any weight", "item has weight 0"]
    tables.show_table(columns, rows, "One layer, one head; 32 questions in each of the test sequences")
    return found


@torch.no_grad()
def touch_looks(readers: Mapping[str, nn.Module], one: Sequences, last: int = 16) -> None:
    """Show a map to touch of one sequence: whom the questions among its last words look at, a map for each reader."""
    words, T = one.words[0], one.words.shape[1]
    asking = [i for i in range(T - last, T) if one.asked[0, i]]
    maps = []
    for reader in readers.values():
        reader(one.words)
        maps.append(reader.weights[0, 0][asking])
    gold = {(row, i - int(one.distance[0, i])) for row, i in enumerate(asking)}
    names = [_name(word) for word in words.tolist()]
    queries = [names[i] for i in asking]
    touch.attention(torch.stack(maps), queries, names, gold, list(readers), sides=("question", "word"))


def touch_recorded(lesson: object, arms: Mapping[str, str], sides: tuple[str, str]) -> None:
    """Show a map to touch of the recorded example sentence, gold outlined, for each arm (name in the record: label)."""
    found = {label: lesson.recorded(arm, "example")[0] for arm, label in arms.items()}
    one = next(iter(found.values()))
    weights = torch.tensor([example["weights"] for example in found.values()])
    gold = {tuple(link) for link in one["gold"]}
    touch.attention(weights, one["target"], one["source"], gold, list(found), sides=sides)


def _name(word: int) -> str:
    """An item as key=value, a question as key?"""
    if word >= KEYS * VALUES:
        return f"{word - KEYS * VALUES}?"
    return f"{word // VALUES}={word % VALUES}"
