"""Lesson 06's comparison: networks that know sentences or don't, that attend or don't, and four readers of words."""

import time

import torch
from torch import nn

from lessonkit.data.documents import Document, as_batch
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
GRID = (8e-3, 1.6e-2, 3.2e-2)
NEGATORS = ("not", "never", "hardly")
NOUNS = frozenset(
    [
        "story",
        "plot",
        "ending",
        "cast",
        "acting",
        "heroine",
        "camera",
        "lighting",
        "scenery",
        "music",
        "song",
        "dialogue",
        "cinema",
        "seat",
        "screen",
        "popcorn",
        "ice",
        "lemonade",
    ]
)


def run(lesson: dict, seed: int) -> dict:
    """For each network the share of reviews it judges rightly; for HN-ATT, where it looks and what counts."""
    return {name: _measure(lesson, *_train(lesson, name, seed, _rate(name))) for name in lesson["MODELS"]}


def tune(lesson: dict) -> dict:
    """Share right on the validation reviews, seed 0, by network and rate."""

    def validation(name: str, rate: float) -> float:
        model, _ = _train(lesson, name, 0, rate)
        return round(lesson["share_right"](model, lesson["data"].validation), 4)

    return {name: {f"{rate:g}": validation(name, rate) for rate in GRID} for name in lesson["MODELS"]}


def _rate(name: str) -> float:
    from autograder.experiments.record import best_rate

    return best_rate("06", name, 1.6e-2)


def _train(lesson: dict, name: str, seed: int, rate: float) -> tuple[nn.Module, dict]:
    seed_everything(seed)
    model, start = lesson["MODELS"][name](), time.process_time()
    lesson["train_reader"](model, seed, rate, quiet=True, seconds=3600)
    seconds = round(time.process_time() - start, 1)
    return model, {"lr": rate, "parameters": count_parameters(model), "seconds": seconds}


def _measure(lesson: dict, model: nn.Module, trained: dict) -> dict:
    data, share_right = lesson["data"], lesson["share_right"]
    parts = {
        "test": data.test,
        "few": [d for d in data.test if len(d.sentences) <= 5],
        "many": [d for d in data.test if len(d.sentences) > 5],
        "plain": [d for d in data.test if len(d.telling) == 2],
        "near": [d for d in data.test if len(d.telling) == 3 and _gap(d) <= 2],
        "far": [d for d in data.test if len(d.telling) == 3 and _gap(d) > 2],
        "validation": data.validation,
        "train": data.train[:1000],
    }
    found = trained | {name: round(share_right(model, reviews), 4) for name, reviews in parts.items()}
    if getattr(model, "sentence_weights", None) is None:
        return found
    batch = as_batch(data.test, data.vocabulary)
    with torch.no_grad():
        right = model(batch.words, batch.mask).argmax(-1) == batch.good
    if model.pool_sentences.how == "attention":
        found |= lesson["looks"](model.word_weights, model.sentence_weights, batch)
        top = model.sentence_weights.argmax(-1) == batch.decides
        found["right_if_top"] = round(right[top].float().mean().item(), 4)
        found["right_if_not_top"] = round(right[~top].float().mean().item(), 4) if (~top).any() else None
        found["not_top"] = int((~top).sum())
        found |= lesson["flips"](model, batch)
    return found


def _gap(document: Document) -> int:
    """How many words the negator stands from the opinion, in a deciding sentence that has both."""
    words = [(place, document.sentences[document.decides][place]) for place in document.telling]
    (negator,) = (place for place, word in words if word in NEGATORS)
    (opinion,) = (place for place, word in words if word not in NEGATORS and word not in NOUNS)
    return abs(negator - opinion)
