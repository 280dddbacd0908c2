"""Lesson 05's captioners that look at regions, measured: captions, where they look, the gate, the score function.

A captioner with attention keeps the `weights` (B, L) of its last step, and the `gates` (B,) of all of them.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lessonkit.data.scenes import Scene, Scenes, gold_regions, render_bytes
from lessonkit.models.captioning import attention_maps, caption, exact_match_by_objects
from lessonkit.show import figures, recorded, tables
from lessonkit.show.caption_explorer import CaptionExample, caption_explorer

COUNTS = {"one": "one object", "two": "two objects", "three": "three objects"}
POINTING = {"pointing": "pointing", "on_gold": "weight on gold"}


def picture_of(scene: Scene) -> np.ndarray:
    """The pixels (H, W, 3)."""
    return render_bytes([scene])[0].transpose(1, 2, 0)


def show_gold(scene: Scene) -> None:
    """The scene once for each word of its caption, the word's gold region outlined."""
    gold = gold_regions(scene)
    everywhere = {"gold": np.ones(gold.shape)}
    figures.film(scene.caption, picture_of(scene), everywhere, gold, says="Nobody looks yet: every region is lit.")


def show_captions(model: nn.Module, data: Scenes, lesson: object) -> dict[str, float]:
    """The share of test scenes described without a mistake, beside the recorded one-vector captioner. Returns it."""
    found = exact_match_by_objects(model, data)
    rows = [
        ["this one", *[f"{share:.3f}" for share in found.values()]],
        ["one vector (recorded)", *[lesson.spread("vector_own", count) for count in COUNTS]],
    ]
    tables.show_table(["captioner", *COUNTS.values()], rows, "Share of test scenes described without a mistake")
    return found


def film(scene: Scene, models: Mapping[str, nn.Module], data: Scenes, dots: Sequence[str] = ()) -> None:
    """A row a model, a picture a word: lit where it looks, gold outlined; a single model's gate below each word.

    A dot marks the one region that a model takes; `dots` names the models that take one.
    """
    maps = {name: attention_maps(model, [scene], data.vocabulary)[0] for name, model in models.items()}
    first = next(iter(models.values()))
    gates = [float(gate[0]) for gate in first.gates[-len(scene.caption) - 1 :]]
    words = list(scene.caption)
    if len(models) == 1:
        words = [f"{word}\nβ {gate:.2f}" for word, gate in zip(words, gates, strict=False)]
    picked = {name: np.asarray(maps[name]).reshape(len(words), -1).argmax(1).tolist() for name in dots}
    figures.film(words, picture_of(scene), maps, gold_regions(scene), picked)


def weight_on_gold(maps: Sequence[Tensor], scenes: Sequence[Scene]) -> float:
    """The mean share of the weight in a word's gold region; words about no region don't count."""
    shares = [
        float(weight[region].sum() / weight.sum())
        for map_, scene in zip(maps, scenes, strict=True)
        for weight, region in zip(map_.numpy(), gold_regions(scene), strict=True)
        if region.any()
    ]
    return sum(shares) / len(shares)


def show_pointing(looks: Callable, model: nn.Module, data: Scenes) -> dict[str, float]:
    """Where the largest weight lies by number of objects, beside darts and the centre. Returns the shares on gold."""
    rows, found, luck = [], {}, torch.Generator().manual_seed(0)
    for (count, scenes), name in zip(data.tests.items(), COUNTS, strict=True):
        maps = attention_maps(model, scenes, data.vocabulary)
        weights = nn.utils.rnn.pad_sequence([m.flatten(1) for m in maps], batch_first=True)
        regions = [torch.from_numpy(gold_regions(scene)).flatten(1) for scene in scenes]
        gold = nn.utils.rnn.pad_sequence(regions, batch_first=True)
        centre = torch.zeros_like(weights)
        centre[..., weights.shape[-1] // 2] = 1.0
        pointers = {"your captioner": weights, "(darts)": torch.rand(weights.shape, generator=luck), "(centre)": centre}
        for pointer, lit in pointers.items():
            shares = [float(share) for share in looks(lit, gold, gold.any(dim=1))]
            on_gold = weight_on_gold(maps, scenes) if lit is weights else "–"
            rows.append([count, pointer, *shares, on_gold])
            found.setdefault(name, shares[0])
    columns = ["objects", "who points", "on gold", "on another object", "on the ground", "weight on gold"]
    tables.show_table(columns, rows, "Where the largest weight lies: shares of the words with a gold region")
    return found


def show_penalty(penalty: Callable, model: nn.Module, data: Scenes) -> None:
    """The penalty of the model's weights, of an even spread, and of staring at one region: scenes with two objects."""
    maps = [m.flatten(1) for m in attention_maps(model, data.test_two[:200], data.vocabulary)]
    weights = nn.utils.rnn.pad_sequence(maps, batch_first=True)
    words = nn.utils.rnn.pad_sequence([torch.ones(len(m), dtype=torch.bool) for m in maps], batch_first=True)
    stare = torch.zeros_like(weights)
    stare[..., 0] = 1.0
    ways = {"your captioner": weights, "evenly over all regions": torch.full_like(weights, 1 / weights.shape[-1])}
    rows = [[name, f"{float(penalty(w, words)):.1f}"] for name, w in {**ways, "one region only": stare}.items()]
    tables.show_table(["who looks", "penalty"], rows, "200 scenes with two objects")


def explorer(models: Mapping[str, nn.Module], scenes: Sequence[Scene], data: Scenes) -> None:
    """The touchable map of these scenes, one map a model; below it what each model wrote."""
    maps = {name: attention_maps(model, scenes, data.vocabulary) for name, model in models.items()}
    said = {name: caption(model, scenes, data.vocabulary) for name, model in models.items()}
    caption_explorer(
        [
            CaptionExample(scene, {n: maps[n][i].numpy() for n in models}, {n: said[n][i] for n in models})
            for i, scene in enumerate(scenes)
        ]
    )


def enumerate_choices(surrogate: Callable, baseline: float, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """One picture, four regions, one word: the exact gradient of the scores (L,), and the estimates' mean and spread.

    The spread is the root of the summed variances of the estimate's elements.
    """
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(4, generator=generator, dtype=torch.float64, requires_grad=True)
    log_y = torch.randn(4, generator=generator, dtype=torch.float64) - 4  # log p(y | s), for each s
    log_s = torch.log_softmax(scores, dim=0)
    chances = log_s.exp().detach()
    (exact,) = torch.autograd.grad(-(log_s.exp() * log_y).sum(), scores, retain_graph=True)
    estimates = []
    for s in range(4):
        loss, _ = surrogate(log_y[s : s + 1], log_s[s : s + 1], baseline)
        estimates.append(torch.autograd.grad(loss, scores, retain_graph=True)[0])
    mean = chances @ torch.stack(estimates)
    variance = chances @ (torch.stack(estimates) - mean) ** 2
    return exact, mean, variance.sum().sqrt()


def show_enumeration(surrogate: Callable, baselines: Sequence[float]) -> dict[float, float]:
    """The estimates of a surrogate's gradient, all choices tried, by baseline. Returns the spreads."""
    rows, spreads = [], {}
    for baseline in baselines:
        exact, mean, spread = enumerate_choices(surrogate, baseline)
        spreads[baseline] = float(spread)
        rows.append([f"{baseline:g}", f"{(mean - exact).abs().max():.1e}", f"{exact.norm():.3f}", f"{spread:.3f}"])
    columns = ["baseline", "largest error of the mean", "length of the exact gradient", "spread of one estimate"]
    tables.show_table(columns, rows, "One picture of four regions, all choices tried; log p(y | s) lies around −4")
    return spreads


def show_recorded(lesson: object, models: Mapping[str, str]) -> None:
    """Exact match of recorded captioners by number of objects, as bars; and with their pointing, as a table."""
    recorded.grouped_table(lesson, models, COUNTS | POINTING, "Exact match, and attention scored against gold")
