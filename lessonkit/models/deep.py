"""Lesson 10's deep machines, recorded: two norms, with and without warm-up, at one rate and each at its own."""

from collections.abc import Mapping

import torch

from lessonkit.data.translation import Vocabulary, load_translation
from lessonkit.show import figures, recorded, tables


def unigram_loss() -> float:
    """The smoothed loss of a model that only knows how often each French word occurs (and the end of a sentence)."""
    data = load_translation()
    words = [n for p in data.train for n in data.target_vocabulary.encode(p.target)]
    words += [Vocabulary.eos] * len(data.train)
    count = torch.bincount(torch.tensor(words), minlength=len(data.target_vocabulary))
    share = 0.9 * count / count.sum() + 0.1 / len(count)  # what smoothing makes of it
    return -(share * share.log()).sum().item()


def show_deep(lesson: object, kinds: Mapping[str, str]) -> dict[str, float]:
    """Loss of deep models after one pass, and the grid of rates; returns the mean loss of each at its own rate."""
    fights = {"rate 8e-3 for all": "", "each at its own rate": "_own"}
    series = {label: [lesson.recorded(kind + end, "loss") for kind in kinds] for label, end in fights.items()}
    labels, floor = [label.replace(", ", ",\n") for label in kinds.values()], unigram_loss()
    guess = {"words' frequencies": floor}
    figures.bars(series, labels, "training loss after one pass", guess=guess, limits=(0, 1.25 * floor))
    grids = {kind: lesson.results()["tuned"][kind] for kind in kinds}
    rates = sorted(grids[next(iter(kinds))], key=float)
    rows = [
        [label, *_row(grids[kind], rates), lesson.spread(f"{kind}_own", "validation_loss")]
        for kind, label in kinds.items()
    ]
    columns = ["six layers, one pass", *[f"{float(rate):g}" for rate in rates], "at the best of these, three seeds"]
    tables.show_table(columns, rows, "Loss on the validation sentences by rate, one seed; last column: three seeds")
    means = [sum(losses) / len(losses) for losses in series["each at its own rate"]]
    return dict(zip(kinds.values(), means, strict=True))


def _row(grid: Mapping[str, float], rates: list[str]) -> list[str]:
    """A model's losses by rate, the least marked, and whether it lies at an end of the grid."""
    best, end = recorded.best_of(grid, least=True)
    mark = " (best, at the edge)" if end else " (best)"
    return [f"{grid[rate]:.2f}{mark if rate == best else ''}" for rate in rates]
