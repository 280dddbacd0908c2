"""Lesson 08's comparisons: heads by relations, mistakes that don't crash, and pruning by importance."""

import torch

from lessonkit.models import neighbours, spare_heads
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """Accuracy for each number of heads and relations, for three silent mistakes, and along three orders of pruning."""
    attention = lesson["multi_head_attention"]
    heads = {
        f"{r} relations, {h} heads": _train(lesson, seed, attention, h, offsets)[1]
        for r, offsets in neighbours.RELATIONS.items()
        for h in neighbours.HEADS
    }
    breaks = {
        name: _train(lesson, seed, function, 2, neighbours.NEIGHBOURS)
        for name, function in (
            ("right", attention),
            *((n, lesson[n]) for n in ("view_only", "over_queries", "wrong_scale")),
        )
    }
    breaks["no_warmup"] = _train(lesson, seed, attention, 2, neighbours.NEIGHBOURS, warmup=0)
    breaks["one_head_longer"] = _train(lesson, seed, attention, 1, neighbours.NEIGHBOURS, steps=1500)
    return {
        "heads": heads,
        "breaks": {name: {"right": right, "loss": loss} for name, (_, right, loss) in breaks.items()},
        **_prune(lesson, seed, attention),
    }


def _train(lesson: dict, seed: int, attention: object, heads: int, offsets: tuple[int, ...], **settings: int) -> tuple:
    seed_everything(seed)
    model = lesson["OneLayer"](attention, heads, len(offsets))
    history = lesson["train_model"](model, offsets, seed, quiet=True, **settings)
    last = sum(history.losses[-20:]) / 20
    return model, round(neighbours.all_right(model, offsets), 4), round(last, 4)


def _prune(lesson: dict, seed: int, attention: object) -> dict:
    offsets = neighbours.RELATIONS[4]
    model = _train(lesson, seed, attention, 8, offsets)[0]
    importance = spare_heads.importance_of(model, offsets)
    damage, roles = (
        neighbours.damage(model, offsets),
        lesson["head_roles"](neighbours.test_weights(model, offsets), neighbours.relation_maps(offsets)),
    )
    order = importance.argsort().tolist()
    generator = torch.Generator().manual_seed(seed)
    random = [_curve(lesson, model, torch.randperm(8, generator=generator).tolist()) for _ in range(10)]
    return {
        "pruning": {
            "least important first": _curve(lesson, model, order),
            "random order": [round(sum(column) / 10, 4) for column in zip(*random, strict=True)],
            "most important first": _curve(lesson, model, order[::-1]),
        },
        "importance": [round(x, 6) for x in importance.tolist()],
        "importance_correlation": round(_rank_correlation(importance, damage.mean(1)), 4),
        "looks_most_is_missed_most": round((roles.argmax(0) == damage.argmax(0)).float().mean().item(), 4),
        "roles": [[round(x, 4) for x in row] for row in roles.tolist()],
        "damage": [[round(x, 4) for x in row] for row in damage.tolist()],
        **_choose(lesson, model, order),
    }


def _choose(lesson: dict, model: object, order: list[int]) -> dict:
    found = spare_heads.choices(model, neighbours.RELATIONS[4], order, lesson["switch_off_heads"])
    return {"choosing": {name: round(share, 4) for name, share in found.items()}}


def choosing(lesson: dict, seed: int) -> dict:
    """Only four heads switched off, chosen in several ways."""
    model = _train(lesson, seed, lesson["multi_head_attention"], 8, neighbours.RELATIONS[4])[0]
    return _choose(lesson, model, spare_heads.importance_of(model, neighbours.RELATIONS[4]).argsort().tolist())


def _curve(lesson: dict, model: object, order: list[int]) -> list[float]:
    return [round(share, 4) for share in spare_heads.pruning_curve(model, neighbours.RELATIONS[4], order)]


def _rank_correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    """Spearman's; equal values share the mean of their ranks."""
    ranks = torch.stack([((x < x.unsqueeze(1)).sum(1) + (x <= x.unsqueeze(1)).sum(1)) / 2 for x in (a, b)])
    return torch.corrcoef(ranks)[0, 1].item()


def ranking(lesson: dict, seed: int) -> dict:
    """Only how well the importance ranks the heads."""
    offsets = neighbours.RELATIONS[4]
    model = _train(lesson, seed, lesson["multi_head_attention"], 8, offsets)[0]
    importance, damage = spare_heads.importance_of(model, offsets), neighbours.damage(model, offsets)
    return {
        "importance": [round(x, 6) for x in importance.tolist()],
        "importance_correlation": round(_rank_correlation(importance, damage.mean(1)), 4),
    }
