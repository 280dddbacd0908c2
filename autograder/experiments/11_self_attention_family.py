"""Lesson 11's comparison: rows and penalty, direction and distance, words kept by reward; one drawer opened."""

import time
from collections.abc import Callable

import torch
from torch import nn

from autograder.experiments.record import best_rate
from lessonkit.data.inference import Batch
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
GRID = (4e-3, 8e-3)
SIDE = ("none", "rotary", "alibi", "shaw", "both_unplaced", "penalty_1")  # with the first seed only


def run(lesson: dict, seed: int) -> dict:
    """For each reader the share of pairs it judges rightly, by length; where rows look; what is kept."""
    return readers(lesson, seed) | selection(lesson, seed) | chests(lesson, seed)


def readers(lesson: dict, seed: int) -> dict:
    """All readers that are trained by cross-entropy; those beside the point only with the first seed."""
    found = {}
    for name in lesson["MODELS"]:
        if name in SIDE and seed != SEEDS[0]:
            continue
        model, trained = _train(lesson, name, seed, best_rate("11", name, GRID[0]))
        found[name] = _measure(lesson, model, trained)
    return found


def tune(lesson: dict) -> dict:
    """Share right on the validation pairs after half the steps, seed 0, by reader and rate."""

    def validation(name: str, rate: float) -> float:
        model, _ = _train(lesson, name, 0, rate, steps=300)
        return round(lesson["share_right"](model, lesson["data"].validation), 4)

    return {name: {f"{rate:g}": validation(name, rate) for rate in GRID} for name in lesson["MODELS"]}


def selection(lesson: dict, seed: int) -> dict:
    """On top of the reader with both masks: what is kept, who is right, and the same for words that chance keeps."""
    reader, _ = _train(lesson, "both", seed, best_rate("11", "both", GRID[0]))
    model, kept = select(lesson, seed, reader)
    by_chance, dropped = select_by_chance(lesson, seed, reader, kept["kept"])
    found = {"reinforced": kept, "by_chance": dropped}
    found["all_kept"] = select_by_chance(lesson, seed, reader, 1.0)[1]
    if seed == SEEDS[0]:
        for strength in (0.1, 2.0):
            found[f"reinforced_{strength:g}"] = select(lesson, seed, reader, strength)[1]
    return found | budgets(lesson, seed, reader, model, by_chance)


def select(lesson: dict, seed: int, reader: nn.Module, strength: float = 0.5) -> tuple[nn.Module, dict]:
    """A selector that learns, with a copy of this reader."""
    look, data, start = lesson["what_is_kept"], lesson["data"], time.process_time()
    model = _trained_with(lesson, reader, lesson["Selector"], seed, strength=strength)
    found = {"seconds": round(time.process_time() - start, 1), **look(model, data.test_short)}
    return model, found | {name: look(model, getattr(data, f"test_{name}"))["right"] for name in ("medium", "long")}


def select_by_chance(lesson: dict, seed: int, reader: nn.Module, kept: float) -> tuple[nn.Module, dict]:
    """A copy of this reader, trained on as long on words that coins keep with one and the same probability."""
    model = _trained_with(lesson, reader, lambda: lesson["Chance"](kept), seed)

    def coins(batch: Batch) -> torch.Tensor:
        p = model.chances(batch)
        return lesson["select_tokens"](p, batch.premise_mask, torch.rand(p.shape))[0]

    return model, {
        "right": round(lesson["share_right"](model.reader, lesson["data"].test_short, coins), 4),
        "kept": kept,
    }


def budgets(lesson: dict, seed: int, reader: nn.Module, model: nn.Module, by_chance: nn.Module) -> dict:
    """Who is right if only so many words may be read, by who chooses them."""
    luck, pairs = torch.Generator().manual_seed(seed), lesson["data"].test_short
    chosen_by = {
        "by_selector": (model.reader, model.chances),
        "by_luck": (model.reader, lambda batch: torch.rand(batch.premise.shape, generator=luck)),
        "by_attention": (reader, lesson["attention_on"](reader)),
        "by_attention_dropped": (by_chance.reader, lesson["attention_on"](by_chance.reader)),
    }
    return {name: {"budget": lesson["right_by_budget"](*how, pairs)} for name, how in chosen_by.items()}


def chests(lesson: dict, seed: int) -> dict:
    """The chest with and without the score function."""
    train, look = lesson["train_chest"], lesson["open_drawers"]
    return {
        "chest_score": look(train(seed, "score function")),
        "chest_cross_entropy": look(train(seed, "cross-entropy")),
    }


def _train(lesson: dict, name: str, seed: int, rate: float, steps: int = 600) -> tuple[nn.Module, dict]:
    seed_everything(seed)
    model, start = lesson["MODELS"][name](), time.process_time()
    lesson["train_pairs"](model, seed, rate, steps, quiet=True, seconds=3600)
    seconds = round(time.process_time() - start, 1)
    return model, {"lr": rate, "parameters": count_parameters(model), "seconds": seconds}


def _measure(lesson: dict, model: nn.Module, trained: dict) -> dict:
    data, share_right = lesson["data"], lesson["share_right"]
    tests = {name: getattr(data, f"test_{name}") for name in ("short", "medium", "long")}
    found = trained | {name: round(share_right(model, pairs), 4) for name, pairs in tests.items()}
    found["validation"] = round(share_right(model, data.validation), 4)
    deciding = {"straight": 1, "turned": 2}  # words that decide: a property alone, or with a negator
    for name, count in deciding.items():
        found[name] = round(share_right(model, [p for p in data.test_short if len(p.decides) == count]), 4)
    return found | (lesson["foci"](model, data.test_short) if model.A is not None else {})


def _trained_with(lesson: dict, reader: nn.Module, selector: Callable, seed: int, **settings: float) -> nn.Module:
    """A copy of a trained reader, trained on together with a selector."""
    copy = lesson["MODELS"]["both"]()
    copy.load_state_dict(reader.state_dict())
    seed_everything(seed)
    return lesson["train_selection"](copy, selector(), seed, quiet=True, seconds=3600, **settings)
