"""Lesson 16's comparisons: the block against convolutions, γ, leaks, maps and answers, roll-out, ViT."""

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from autograder.experiments import generator
from autograder.experiments.record import best_rate
from lessonkit.data.digits import load_digits
from lessonkit.data.patches import TINTS, CuePictures, apart, draw_around, draw_cues, draw_pairs, fresh
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]
GRID = (1.5e-3, 3e-3, 6e-3)
VALIDATION, TEST = 1, 2  # seeds of the pictures
# Every arm is recorded at the rate that `tune` chose for it ("as": for the one from which it differs in one thing).
TUNED_ON_ALL = ("block",)  # one seed of it can fail where another doesn't; the others' rates are chosen with seed 0
COUNTS = (100, 300, 1197)  # training digits
MADE_GRID = (2e-4, 5e-4, 1e-3)  # of generators; the discriminator's rate is four times as large
MADE_STEPS = 1_000


def run(lesson: dict, seed: int) -> dict:
    """Every arm at its own rate."""
    found = {}
    for name in (*arms(lesson), "two", "vit", "cnn"):
        found |= measured(lesson, seed, name)
    return found | cheats(lesson, seed) | made(lesson, seed)


def around(lesson: dict, seed: int) -> dict:
    """Convolutions and the block where all patches lie around the cue; and what cheating gets where they don't."""
    return measured(lesson, seed, "around") | measured(lesson, seed, "around_block") | cheats(lesson, seed)


def cheats(lesson: dict, seed: int) -> dict:
    """Who names the commonest colour beside the cue (or away from it) compares nothing: the share right."""
    near, far = draw_cues(1000, TEST, most=1), draw_cues(1000, TEST, least=2)
    return {"near_cheat": {"accuracy": _cheating(near, True)}, "far_cheat": {"accuracy": _cheating(far, False)}}


def _cheating(made: CuePictures, beside: bool) -> float:
    shown = made.pictures.unfold(2, 4, 4).unfold(3, 4, 4).mean((4, 5)).flatten(2)  # (N, 3, 36): a cell's colour
    shown = shown.gather(2, made.patches[:, None].expand(-1, 3, -1)).mT
    colours = ((shown - shown.mean(2, keepdim=True)) @ torch.tensor(TINTS).T).argmax(2)  # (N, 8)
    there = (apart(made.cue[:, None], made.patches) <= 1) == beside
    counts = torch.zeros(len(colours), len(TINTS)).scatter_add(1, colours, there.float())
    commonest = (counts == counts.max(1, keepdim=True).values).float()
    named = commonest / commonest.sum(1, keepdim=True)  # the chance of each colour to be named
    return round(named.gather(1, made.answers[:, None]).mean().item(), 4)


def made(lesson: dict, seed: int) -> dict:
    """Generators of digits with the block in both networks, a convolution in its place, or nothing."""
    test = load_digits().test
    return {"made_real": generator.of_real_digits()} | {
        f"made_{kind}": generator.measured(kind, seed, MADE_STEPS, best_rate("16", f"made_{kind}", 5e-4, min), test)
        for kind in generator.MIDDLES
    }


def tune_made(lesson: dict) -> dict[str, dict[str, float]]:
    """Fréchet distance to the validation digits by rate, after half of the steps, seed 0."""
    validation = load_digits().validation
    return {
        f"made_{kind}": {
            f"{lr:g}": generator.measured(kind, SEEDS[0], MADE_STEPS // 2, lr, validation)["frechet"]
            for lr in MADE_GRID
        }
        for kind in generator.MIDDLES
    }


def measured(lesson: dict, seed: int, name: str) -> dict:
    """One arm, at the rate that did best on validation pictures; with what is measured of it besides."""
    if name == "two":
        return two_looks(lesson, seed)
    if name in ("vit", "cnn"):
        return {name: digits(lesson, seed, name)}
    found = {name: matcher_arm(lesson, seed, name)}
    if name == "block":
        found["block_mean"] = found["block"].pop("read_from_mean")
    return found


def arms(lesson: dict) -> dict[str, dict]:
    """The networks on patches: how to make them, on which pictures, and `as` which other one for the rate.

    An arm that differs from another in one thing alone keeps that one's rate.
    """
    block, matcher, body = lesson["attention_block"], lesson["Matcher"], lesson["Convolutions"]
    make = lesson["Block"]

    def wrong_axis(x: Tensor, *matrices: Tensor) -> tuple[Tensor, Tensor]:
        y, weights = lesson["colleagues_block"](x, *matrices[:-1])
        return y, weights.mT  # rows ask, as elsewhere

    near, far = partial(draw_cues, most=1), partial(draw_cues, least=2)
    found = {
        "block": {"make": lambda: matcher(make(block))},
        "block_itself": {"make": lambda: matcher(make(block, itself=True)), "as": "block"},
        "wrong_axis": {"make": lambda: matcher(make(wrong_axis, itself=True)), "as": "block"},
        "1x1": {"make": lambda: matcher(nn.Sequential(body(1), body(1)))},
        "plain": {"make": lambda: matcher(body(narrow=4))},
        "deep": {"make": lambda: matcher(nn.Sequential(body(), body(), body())), "steps": 800},
        "near": {"make": lambda: matcher(body()), "draw": near},
        "far": {"make": lambda: matcher(body()), "draw": far, "as": "near"},
        "around": {"make": lambda: matcher(body()), "draw": draw_around},
        "around_block": {"make": lambda: matcher(make(block)), "draw": draw_around, "as": "block"},
        "pairs_1x1": {"make": lambda: matcher(nn.Sequential(body(1), body(1)), "max", 2), "draw": draw_pairs},
        "pairs_block": {"make": lambda: matcher(make(block, itself=True), "max", 2), "draw": draw_pairs},
    }
    for start in (0, 1):
        for faster in (1, 3, 10):
            if (start, faster) == (1, 1):
                continue  # that is "block"
            settings = {"gamma": float(start), "faster": float(faster)}
            found[f"gamma_{start}_{faster}"] = {
                "make": partial(_matcher, matcher, make, block, settings),
                "as": "block",
            }
    return found


def _matcher(matcher: type, make: type, block: Callable, settings: dict) -> nn.Module:
    return matcher(make(block, **settings))


def matcher_arm(lesson: dict, seed: int, name: str, lr: float | None = None, pictures: int = TEST) -> dict:
    """Train one arm and measure it."""
    arm = arms(lesson)[name]
    lr = lr or best_rate("16", arm.get("as", name), 3e-3)
    draw = arm.get("draw", draw_cues)
    seed_everything(seed)
    model = arm["make"]()
    half = _Half(lesson, model, draw(1000, pictures))
    history = lesson["train_matcher"](
        model, seed, lr, arm.get("steps", 600), draw=half.watch(draw), quiet=True, seconds=900, clock=time.process_time
    )
    test = half.test
    found = {
        "accuracy": lesson["accuracy"](model, test),
        "half_way": half.accuracy,
        "lr": lr,
        "parameters": count_parameters(model),
        "training_seconds": round(history.seconds, 1),
        **_map(lesson, model, test),
    }
    found = {key: round(value, 4) if isinstance(value, float) else value for key, value in found.items()}
    if name == "block" and pictures == TEST:
        found["read_from_mean"] = frozen(lesson, seed, model)
    return found


def frozen(lesson: dict, seed: int, model: nn.Module) -> dict:
    """The trained block as it is, and a new readout from the mean over all cells: the map stays right."""
    model.requires_grad_(False)
    model.read, model.out = "mean", nn.Linear(model.out.in_features, model.out.out_features)
    how = {"quiet": True, "seconds": 900, "clock": time.process_time}
    lesson["train_matcher"](model, seed + 100, 3e-2, 300, **how)
    test = draw_cues(1000, TEST)
    found = {"accuracy": lesson["accuracy"](model, test), **_map(lesson, model, test)}
    return {key: round(value, 4) for key, value in found.items()}


class _Half:
    """Measures a model once, when half of its 600 batches are drawn. Its rate has not fallen to the end then."""

    def __init__(self, lesson: dict, model: nn.Module, test: object):
        self.lesson, self.model, self.test, self.drawn, self.accuracy = lesson, model, test, 0, 0.0

    def watch(self, draw: Callable) -> Callable:
        def drawing(size: int, seed: int) -> object:
            self.drawn += 1
            if self.drawn == 300:
                self.accuracy = self.lesson["accuracy"](self.model, self.test)
            return draw(size, seed)

        return drawing


@torch.no_grad()
def _map(lesson: dict, model: nn.Module, test: object) -> dict:
    """Where the map points: from the cue to its match; from one patch of an equal pair to the other."""
    body = model.body
    if not isinstance(body, lesson["Block"]):
        return {}
    right = model(test).argmax(-1) == test.answers
    pictures = torch.arange(len(right))
    if hasattr(test, "cue"):
        rows = body.weights[pictures, test.cue]
        first = rows.gather(1, test.patches).argmax(1) == 0
        mass = rows[pictures, test.match]
    else:
        same = test.answers == 1
        rows = body.weights[pictures, test.cells[:, 0]][same]
        mass, right = rows.gather(1, test.cells[same, 1:]).squeeze(1), right[same]
        first = rows.argmax(1) == test.cells[same, 1]
    found = {
        "mass": mass.mean().item(),
        "mass_top": first.float().mean().item(),
        "gamma": (body.faster * body.slow_gamma).item(),
    }
    for name, where in (("wrong", ~right), ("right", right)):
        if where.sum() >= 20:
            found[f"mass_when_{name}"] = mass[where].mean().item()
            found[f"top_when_{name}"] = first[where].float().mean().item()
    return found


def two_looks(
    lesson: dict, seed: int, lr: float | None = None, pictures: int = TEST, names: tuple = ("two", "two_once")
) -> dict:
    """Two looks in a row: where the class token looks, look by look and rolled out."""
    test = draw_cues(1000, pictures)
    found = {}
    losses = {"two": lesson["asked_twice"], "two_once": lesson["answer_loss"]}
    for name in names:
        seed_everything(seed)
        model = lesson["TwoLooks"](lesson["attention_block"])
        rate = lr or best_rate("16", "two", 3e-3)
        batches = fresh(draw_cues, 64, seed)
        history = lesson["train"].fit(
            model,
            batches,
            losses[name],
            steps=1000,
            lr=rate,
            warmup=50,
            decay=True,
            quiet=True,
            seconds=900,
            clock=time.process_time,
        )
        found[name] = {
            "accuracy": round(lesson["accuracy"](model, test), 4),
            "lr": rate,
            "training_seconds": round(history.seconds, 1),
        }
        if name == "two":
            with torch.no_grad():
                maps = lesson["class_maps"](model, test)
            for look, weights in zip(("first", "second", "rolled"), maps.values(), strict=True):
                found[f"two_{look}"] = {
                    "cue": round(weights.gather(1, test.cue[:, None]).mean().item(), 4),
                    "match": round(weights.gather(1, test.match[:, None]).mean().item(), 4),
                    "first": round((weights.gather(1, test.patches).argmax(1) == 0).float().mean().item(), 4),
                }
    return found


def digits(lesson: dict, seed: int, name: str, lr: float | None = None, test: object = None) -> dict:
    """ViT or CNN on the first 100, 300 or all training digits."""
    test = lesson["with_channel"](test or load_digits().test)
    found = {}
    for count in COUNTS:
        seed_everything(seed)
        model = lesson["DigitCNN"]() if name == "cnn" else lesson["ViT"](channels=1, side=8, patch=2, classes=10)
        rate = lr or best_rate("16", f"{name}_{count}", 3e-3)
        history = lesson["train_on_digits"](model, count, seed, rate, quiet=True, seconds=900, clock=time.process_time)
        found[str(count)] = round(lesson["accuracy"](model, test), 4)
        found |= {
            "parameters": count_parameters(model),
            "training_seconds": round(history.seconds, 1),
            "lr": rate,
        }
        if count == COUNTS[-1] and name == "vit":
            found |= {f"without_{part}": _without(lesson, model, test, part) for part in ("positions",)}
    return found


@torch.no_grad()
def _without(lesson: dict, model: nn.Module, test: object, part: str) -> float:
    kept = model.rows.clone(), model.columns.clone()
    model.rows.zero_(), model.columns.zero_()
    share = round(lesson["accuracy"](model, test), 4)
    model.rows.copy_(kept[0]), model.columns.copy_(kept[1])
    return share


def tune(lesson: dict) -> dict:
    """Each arm's share right on validation pictures by rate: of seed 0, or the mean of all (TUNED_ON_ALL)."""
    grid: dict[str, dict[str, float]] = {}
    for name, arm in arms(lesson).items():
        if "as" not in arm:
            grid |= tune_arm(lesson, name)
    grid |= tune_arm(lesson, "two") | tune_arm(lesson, "vit") | tune_arm(lesson, "cnn")
    return grid | tune_made(lesson)


def tune_arm(lesson: dict, name: str) -> dict[str, dict[str, float]]:
    """The grid of one arm, by its name; of a network on digits one grid for each number of pictures."""
    seeds = SEEDS if name in TUNED_ON_ALL else SEEDS[:1]
    grid: dict[str, dict[str, float]] = {}
    for lr in GRID:
        if name in ("vit", "cnn"):
            found = digits(lesson, seeds[0], name, lr, load_digits().validation)
            for count in COUNTS:
                grid.setdefault(f"{name}_{count}", {})[f"{lr:g}"] = found[str(count)]
            continue
        if name == "two":
            shares = [two_looks(lesson, seed, lr, VALIDATION, ("two",))["two"]["accuracy"] for seed in seeds]
        else:
            shares = [matcher_arm(lesson, seed, name, lr, VALIDATION)["accuracy"] for seed in seeds]
        grid.setdefault(name, {})[f"{lr:g}"] = round(sum(shares) / len(shares), 4)
    return grid
