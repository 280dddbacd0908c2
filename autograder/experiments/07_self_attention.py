"""Lesson 07's comparison: GRUs, a GRU with attention, and self-attention, each trained until it stops improving."""

import copy
import time
from collections.abc import Callable

import torch
from torch import nn

from lessonkit.data.pronouns import batches
from lessonkit.models import readers
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
ROUND, PATIENCE, MOST = 125, 10, 6000  # steps between two looks at the validation set; looks without a gain; steps
RECURRENT_RATE = 6e-3  # GRUs without attention learn faster with it than with the lesson's rate


def run(lesson: dict, seed: int) -> dict:
    """For each model the share of right answers, by distance and by the side of the noun; where the pronoun points."""
    attend, reader, recurrent = lesson["self_attention"], lesson["PronounReader"], lesson["RecurrentReader"]
    made = {
        "gru": lambda: recurrent(both_ways=False),
        "bigru": lambda: recurrent(both_ways=True),
        "bigru_attention": lambda: lesson["AttentiveRecurrentReader"](attend),
        "alone": lambda: reader(attend, neighbours=False),
        "unscaled": lambda: reader(lesson["without_scale"](attend)),
        "attention": lambda: reader(attend),
    }
    found = {}
    for name, make in made.items():
        model, trained = _train(lesson, seed, make)
        found[name] = {**trained, **_measure(lesson, model)}
    model.visible = lesson["causal_mask"]  # the last one, self-attention: masked after training
    found["causal"] = _measure(lesson, model)
    times = readers.times_by_length(attend)
    return {
        **found,
        **slow_or_small(lesson, seed),
        "times": {name: [round(ms, 3) for ms in row] for name, row in times.items()},
    }


def slow_or_small(lesson: dict, seed: int) -> dict:
    """Without the scale, but W^q eight times slower, or eight times smaller at the start; and whom the decider asks."""
    attend, reader, found = lesson["self_attention"], lesson["PronounReader"], {}

    def unscaled(size: float) -> nn.Module:
        model = reader(lesson["without_scale"](attend))
        model.matrices.data[0] *= size
        return model

    arms = {"unscaled_slow": (1.0, 1 / 8), "unscaled_small": (1 / 8, 1.0)}
    for name, (size, slow) in arms.items():
        model, trained = _train(lesson, seed, lambda size=size: unscaled(size), slow)
        found[name] = {**trained, **_measure(lesson, model)}
    model, _ = _train(lesson, seed, lambda: reader(attend))
    tests = [sentence for sentences in readers.tests(lesson["data"]).values() for sentence in sentences]
    decider = {where: round(share, 4) for where, share in readers.points(model, tests, "decider").items()}
    places = readers.asks_most(model, tests, "pronoun")
    right = readers.resolved(model, tests)
    off = [r for r, place, s in zip(right, places, tests, strict=True) if place != s.antecedent]
    same = [
        r for r, place, s in zip(right, places, tests, strict=True) if place in s.candidates and place != s.antecedent
    ]
    return {**found, "decider": decider, "right_though_elsewhere": [sum(off), len(off)], "at_another_noun": len(same)}


def _train(lesson: dict, seed: int, make: Callable[[], nn.Module], slow: float = 1.0) -> tuple[nn.Module, dict]:
    seed_everything(seed)
    model, start = make(), time.monotonic()
    steps = _train_until_flat(lesson, model, seed, slow)
    seconds = round(time.monotonic() - start, 1)
    return model, {"parameters": count_parameters(model), "steps": steps, "training_seconds": seconds}


def _measure(lesson: dict, model: nn.Module) -> dict:
    resolved, share = readers.resolved, readers.share
    tests = {name: resolved(model, sentences) for name, sentences in readers.tests(lesson["data"]).items()}
    pairs = [
        pair for name, found in tests.items() for pair in zip(found, readers.tests(lesson["data"])[name], strict=True)
    ]
    results = {
        "validation": share(resolved(model, lesson["data"].validation)),
        **{name: share(found) for name, found in tests.items()},
        "before": round(share([right for right, s in pairs if s.looks_back]), 4),
        "after": round(share([right for right, s in pairs if not s.looks_back]), 4),
    }
    if isinstance(model, lesson["PronounReader"]):
        pointing = readers.points(model, [s for _, s in pairs])
        results["points"] = round(pointing["antecedent"], 4)
        results["points_beside"] = round(pointing["beside the antecedent"], 4)
    return results


def _train_until_flat(lesson: dict, model: nn.Module, seed: int, slow: float) -> int:
    """Train until the validation loss has not fallen for PATIENCE rounds; keep the best, and return its step.

    Every step of the first of the matrices, W^q, is `slow` times as long.
    """
    rate = RECURRENT_RATE if isinstance(model, lesson["RecurrentReader"]) else lesson["RATE"]
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    best, best_step, kept = float("inf"), 0, None
    for step, batch in enumerate(lesson["training_batches"](seed), 1):
        optimiser.param_groups[0]["lr"] = rate * min(1.0, step / 100)
        model.train()
        optimiser.zero_grad()
        lesson["pronoun_loss"](model, batch).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        before = model.matrices.data[0].clone() if slow != 1.0 else None
        optimiser.step()
        if before is not None:
            model.matrices.data[0] = before + slow * (model.matrices.data[0] - before)
        if step % ROUND == 0:
            now = _validation_loss(lesson, model)
            if now < best - 1e-3:
                best, best_step, kept = now, step, copy.deepcopy(model.state_dict())
            if step - best_step >= PATIENCE * ROUND or step >= MOST:
                break
    model.load_state_dict(kept)
    return best_step


@torch.no_grad()
def _validation_loss(lesson: dict, model: nn.Module) -> float:
    model.eval()
    data = lesson["data"]
    losses = [lesson["pronoun_loss"](model, batch).item() for batch in batches(data, data.validation, 250)]
    return sum(losses) / len(losses)
