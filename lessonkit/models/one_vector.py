"""Lesson 02's captioners of one vector, measured: bound to the wrong thing, where gradients point, one forced error.

A step maps (tokens (B,), state) to (logits (B, V), new state).
"""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from lessonkit.data.scenes import COLOURS, GRID, PATCH, SHAPES, Scene, Scenes, gold_regions, load_scenes, render
from lessonkit.data.translation import Vocabulary
from lessonkit.models.captioning import (
    CHOICES,
    LONGEST,
    Captioner,
    caption,
    exact_match_by_objects,
    make_batch,
    pointing_accuracy,
    said_and_there,
)
from lessonkit.models.seq2seq import shift_right
from lessonkit.show import figures, plots, tables
from lessonkit.show.caption_explorer import CaptionExample, caption_explorer

COUNTS = {"one": "one object", "two": "two objects", "three": "three objects"}
BOS, EOS = Vocabulary.bos, Vocabulary.eos


def show_scenes(scenes: Sequence[Scene]) -> None:
    """Pictures side by side, each with its caption below in words."""
    fig = plt.figure(figsize=(7.2, 2.6), layout="constrained")
    for ax, scene in zip(fig.subplots(1, len(scenes)), scenes, strict=True):
        ax.imshow(render([scene])[0].permute(1, 2, 0))
        ax.set_axis_off()
    captions = [" ".join(scene.caption) for scene in scenes]
    plots.show(fig, f"Scenes: {'; '.join(captions)}.")
    rows = [[len(scene.objects), said] for scene, said in zip(scenes, captions, strict=True)]
    tables.show_table(["objects", "caption, from left to right"], rows)


def show_classes(layers: Callable, classes: Sequence[tuple[str, str]], scenes: Sequence[Scene]) -> None:
    """The share of single objects whose class is named rightly, beside a guess."""
    with torch.no_grad():
        found = layers(render(scenes)).argmax(-1).tolist()
    right = [classes[k] == s.objects[0].words[1:] for k, s in zip(found, scenes, strict=True)]
    rows = [["the network", f"{sum(right) / len(right):.1%}"], ["a guess", f"{1 / len(classes):.1%}"]]
    tables.show_table(["who names", "classes named rightly, new pictures"], rows)


def table_step(table: Tensor, rows: Tensor) -> Callable:
    """A step for checks: logits depend on the last word, time and row; the state counts steps, sums words."""

    def step(tokens: Tensor, state: tuple) -> tuple[Tensor, tuple]:
        time, total = state
        if tuple(tokens.shape) != (len(rows),):
            raise ValueError(f"step takes the last words, (B,); yours are {tuple(tokens.shape)}")
        total = total + tokens
        logits = table[time, tokens] + rows * torch.cos(total).unsqueeze(1)
        return logits, (time + 1, total)

    return step


def stepper(model: Captioner, pictures: Tensor) -> tuple[Callable, object]:
    """The function `step(tokens, state)` for these pictures, and the state to start from."""
    memory, state = model.begin(pictures)
    return lambda tokens, state: model.step(tokens, state, memory), state


def show_captions(model: Captioner, data: Scenes) -> dict[str, float]:
    """The share of test scenes described without a mistake, by number of objects. Returns it."""
    found = exact_match_by_objects(model, data)
    row = ["captions without a mistake", *[f"{share:.1%}" for share in found.values()]]
    tables.show_table(["", *COUNTS.values()], [row], "500 new scenes of each kind")
    return found


@torch.no_grad()
def say(model: Captioner, scenes: Sequence[Scene], greedy: Callable) -> tuple[list[list[str]], Tensor]:
    """Greedy captions of the scenes, and their log-probabilities (N,)."""
    step, state = stepper(model, render(scenes))
    rows, log_p = greedy(step, state, len(scenes), BOS, EOS, LONGEST)
    return [load_scenes().vocabulary.decode(row) for row in rows.tolist()], log_p


def show_binding(model: Captioner, data: Scenes, greedy: Callable, whose: Callable) -> dict[int, float]:
    """Attribute words right, borrowed, invented, and how sure captions are. Returns the share of the wrong borrowed.

    `whose(said, there, choices)` counts one caption: right, borrowed, invented, borrowed by chance.
    """
    rows, borrowed = [], {}
    for count, scenes in data.tests.items():
        captions, log_p = say(model, scenes, greedy)
        counted = [whose(said, there, list(CHOICES)) for said, there in said_and_there(captions, scenes)]
        right, lent, invented, chance = (sum(numbers) for numbers in zip(*counted, strict=True)) if counted else [0] * 4
        borrowed[count] = lent / max(lent + invented, 1)
        exact = torch.tensor([tuple(c) == s.caption for c, s in zip(captions, scenes, strict=True)])
        sure = [f"{log_p[some].exp().mean():.2f}" if some.any() else "–" for some in (exact, ~exact)]
        rows.append([count, right, lent if count > 1 else "–", invented, f"{chance:.0f}", *sure])
    columns = ["objects", "attributes right", "borrowed", "invented", "borrowed by chance", "p if right", "p if wrong"]
    caption_ = "Attribute words of captions that describe as many objects as there are; mean probability of captions"
    tables.show_table(columns, rows, caption_)
    return borrowed


def blind_guess(scenes: Sequence[Scene]) -> float:
    """How often a random position lies in a word's gold region: the mean area of the regions."""
    areas = [r.mean() for s in scenes for r in gold_regions(s) if r.any()]
    return float(sum(areas) / len(areas))


def gradient_maps(model: Captioner, scenes: Sequence[Scene]) -> list[Tensor]:
    """For each scene (words, 7, 7): how much a word's logit depends on each position, as shares; right words fed in."""
    batch = make_batch(scenes, load_scenes().vocabulary)
    pictures = batch.pictures.requires_grad_()
    logits = model(pictures, shift_right(batch.words, BOS))
    right = logits.gather(2, batch.words.unsqueeze(-1)).squeeze(-1)
    maps = []
    for t in range(right.shape[1] - 1):
        (gradient,) = torch.autograd.grad(right[:, t].sum(), pictures, retain_graph=True)
        patches = gradient.norm(dim=1).unflatten(1, (GRID, PATCH)).unflatten(3, (GRID, PATCH))
        strength = patches.sum(dim=(2, 4))
        maps.append(strength / strength.sum(dim=(1, 2), keepdim=True))
    maps = torch.stack(maps, dim=1)
    return [maps[i, : len(scene.caption)] for i, scene in enumerate(scenes)]


def explorer(model: Captioner, scenes: Sequence[Scene], greedy: Callable) -> None:
    """The touchable map of where the gradient of each word lies; below it what the model wrote."""
    captions, _ = say(model, scenes, greedy)
    caption_explorer(
        [
            CaptionExample(scene, {"gradient": weights.numpy()}, {"the model": words})
            for scene, weights, words in zip(scenes, gradient_maps(model, scenes), captions, strict=True)
        ]
    )


def show_pointing(model: Captioner, data: Scenes, most: int = 100) -> dict[int, float]:
    """How often the largest gradient lies in the gold region, beside a blind guess, by number of objects."""
    found = {n: pointing_accuracy(gradient_maps(model, s[:most]), s[:most]) for n, s in data.tests.items()}
    rows = [[n, f"{hits:.2f}", f"{blind_guess(data.tests[n][:most]):.2f}"] for n, hits in found.items()]
    tables.show_table(["objects", "largest gradient in the gold region", "a blind guess"], rows)
    return found


@torch.no_grad()
def words_right_after(
    model: nn.Module, scenes: Sequence[Scene], go_on: Callable, kind: str, places: int = 6
) -> list[float]:
    """Among captions that the model gets right: the share of right words 1, 2, ... places after an error at place 2.

    `kind` of the forced word: "colour" or "shape", one that the caption doesn't have. `go_on` continues from the error.
    """
    vocabulary = load_scenes().vocabulary
    captions = caption(model, scenes, vocabulary)
    good = [s for c, s in zip(captions, scenes, strict=True) if tuple(c) == s.caption]
    if not good:
        return []
    batch = make_batch(good, vocabulary)
    forced = []
    for i, scene in enumerate(good):
        words = tuple(COLOURS) if kind == "colour" else SHAPES
        others = [word for word in words if word not in scene.caption]
        forced.append(others[i % len(others)])
    wrong = torch.tensor(vocabulary.encode(forced))
    written = go_on(*stepper(model, batch.pictures), batch.words, 2, wrong, BOS)
    counted = (batch.words > EOS)[:, 3 : 3 + places]
    hits = (written == batch.words)[:, 3 : 3 + places] & counted
    return hits.sum(0).div(counted.sum(0)).tolist()


def show_errors(model: Captioner, scenes: Sequence[Scene], go_on: Callable) -> None:
    """Right words after a forced error, by places after it: a wrong colour, or a shape in its place."""
    curves = {}
    for kind, label in (("colour", "a wrong colour"), ("shape", "a shape in its place")):
        shares = words_right_after(model, scenes, go_on, kind)
        curves[label] = (range(1, len(shares) + 1), shares)
    if not all(ys for _, ys in curves.values()):
        print("This model gets no caption with two objects right: there is nothing to spoil.")
        return
    guess = {"without the error": 1.0}
    figures.curves(curves, "places after the error", "share of words right", limits=(0, 1.05), guess=guess)


def show_after_error(model: Captioner, data: Scenes, go_on: Callable, greedy: Callable, forced: Sequence[str]) -> None:
    """Five right captions with two objects, and how they go on after each forced word in place of the colour."""
    captions, _ = say(model, data.test_two, greedy)
    good = [s for c, s in zip(captions, data.test_two, strict=True) if tuple(c) == s.caption][:5]
    if not good:
        print("This model gets no caption with two objects right: there is nothing to spoil.")
        return
    batch, rows = make_batch(good, data.vocabulary), []
    for word in forced:
        wrong = torch.tensor(data.vocabulary.encode([word] * len(good)))
        written = go_on(*stepper(model, batch.pictures), batch.words, 2, wrong, BOS)
        for scene, row in zip(good, written.tolist(), strict=True):
            rows.append([word, " ".join(scene.caption), " ".join(data.vocabulary.decode(row))])
    tables.show_table(["forced", "the right caption", "what the network writes"], rows)


def show_recorded(lesson: object, models: Mapping[str, str]) -> None:
    """Recorded: exact match by number of objects, on mixed new scenes and on training scenes."""
    measures = COUNTS | {"validation": "new scenes, mixed", "seen": "training scenes"}
    rows = [[label, *[lesson.spread(name, m) for m in measures]] for name, label in models.items()]
    tables.show_table(["network", *measures.values()], rows, "Exact match; mean [least to greatest] of three seeds")
