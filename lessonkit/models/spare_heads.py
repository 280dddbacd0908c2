"""Lesson 08's spare heads: which of a model's heads can be switched off, by importance, by trying, by luck.

A model and a relation are those of `neighbours`.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessonkit.models import multi_head
from lessonkit.models.neighbours import Offsets, answers, draw_letters, show_shares
from lessonkit.show import figures, tables

WORDS = 200  # neither in training nor in the test: importance and choices are made on these


def held_out(model: nn.Module, offsets: Offsets) -> Callable[[Tensor], Tensor]:
    """The loss on each of the held-out words, by gates: (words, heads) -> (words,)."""
    letters, asked = draw_letters(WORDS, offsets, torch.Generator().manual_seed(4321))

    def losses(gates: Tensor) -> Tensor:
        logits = model(letters, gates).flatten(1, 2)
        each = F.cross_entropy(logits.mT, asked.flatten(1), ignore_index=-1, reduction="none")
        return each.mean(1)

    return losses


def importance_of(model: nn.Module, offsets: Offsets, measure: Callable = multi_head.head_importance) -> Tensor:
    """Michel's importance of every head (h,), on the held-out words."""
    return measure(held_out(model, offsets), WORDS, model.heads)


def pruning_curve(model: nn.Module, offsets: Offsets, order: Sequence[int]) -> list[float]:
    """The share of single answers that are right, with 0, 1, 2, … heads of `order` switched off."""
    gates, curve = torch.ones(model.heads), []
    for head in [None, *order]:
        if head is not None:
            gates[head] = 0
        said, asked = answers(model, offsets, gates)
        curve.append((said == asked).float().mean().item())
    return curve


@torch.no_grad()
def choices(
    model: nn.Module, offsets: Offsets, order: Sequence[int], choose: Callable, off: int = 4
) -> dict[str, float]:
    """The share of test answers right with some heads off, chosen in several ways.

    `order`: the heads, least important first. `choose(loss, heads, off)` picks some by a loss on held-out words.
    """
    losses = held_out(model, offsets)

    def right(gone: Iterable[int]) -> float:
        gates = torch.ones(model.heads)
        gates[list(gone)] = 0
        said, asked = answers(model, offsets, gates)
        return (said == asked).float().mean().item()

    chosen = choose(lambda gates: losses(gates.expand(WORDS, -1)).mean().item(), model.heads, off)
    every = [right(gone) for gone in combinations(range(model.heads), off)]
    return {
        "the least important": right(order[:off]),
        "one after another": right(chosen),
        "drawn at random": sum(every) / len(every),
        "the best of all choices": max(every),
    }


def show_choices(model: nn.Module, offsets: Offsets, choose: Callable, lesson: object) -> tuple[str, str]:
    """What is right with four heads off, chosen in several ways: in the model at hand, and in the recorded ones.

    Returns which of two choices left more right, as the prediction offers them, and the numbers in words.
    """
    found = choices(model, offsets, importance_of(model, offsets).argsort().tolist(), choose)
    recorded = {name: lesson.spread("choosing", name) for name in found}
    columns = ["which four are off", "answers right, this model", "recorded: mean [least to greatest] of 3 seeds"]
    rows = [[name, f"{share:.2f}", recorded[name]] for name, share in found.items()]
    tables.show_table(columns, rows, "Four of eight heads switched off; a guess: 0.05")
    (ranking, first), (trying, second) = list(found.items())[:2]
    said = (
        f"{second:.2f} against {first:.2f} here; in the recorded runs {recorded[trying]} against {recorded[ranking]}."
    )
    if abs(second - first) <= 0.02:
        return "about the same (within 0.02)", said
    return ("yours, one after another" if second > first else "the four least important"), said


def show_importance(importance: Tensor, lost: Tensor) -> None:
    """Heads from the least to the most important, beside what is lost without each: (h,) both."""
    rows = [[i + 1, f"{importance[i]:.1e}", f"{lost[i]:.3f}"] for i in importance.argsort().tolist()]
    columns = ["head", "importance (one backward pass)", "answers lost when it is off"]
    tables.show_table(columns, rows, "Heads of the model above, least important first")


def show_pruning(lesson: object) -> list[int]:
    """Recorded: what is still right as heads go, in three orders. Returns how many went for less than .01, by run."""
    runs = [run["pruning"] for run in lesson.results()["runs"]]
    names = "least important first", "random order", "most important first"
    counts = list(range(len(runs[0][names[0]])))
    series = {name: (counts, [run[name] for run in runs]) for name in names}
    figures.curves(series, "heads switched off (of 8)", "share of answers right", guess=1 / 20, limits=(0, 1.05))
    ways = {
        "trained with eight heads, the four least important off": half(lesson),
        "trained with four heads, all four relations right": lesson.recorded("heads", "4 relations, 4 heads"),
    }
    show_shares(ways, "Four heads, come by in two ways: three recorded seeds")
    return spare(lesson)


def spare(lesson: object) -> list[int]:
    """How many heads of each recorded run can be switched off, least important first, with less than .01 lost."""
    curves = [run["pruning"]["least important first"] for run in lesson.results()["runs"]]
    return [max(i for i, share in enumerate(curve) if share > curve[0] - 0.01) for curve in curves]


def half(lesson: object) -> list[float]:
    """What is still right in each recorded run without the four least important of its eight heads."""
    return [run["pruning"]["least important first"][4] for run in lesson.results()["runs"]]
