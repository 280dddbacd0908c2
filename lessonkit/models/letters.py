"""Lesson 09's tasks about order, name the letter before or the first letter of a word; and readers of them, measured.

A reader maps words (n, T) to logits (n, T, 20); it has a `scheme`, and `layers` that keep their `weights` (n, h, T, T).
"""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessonkit.show import figures, plots, tables, widgets

ALPHABET = "abcdefghijklmnopqrst"
LETTERS, TRAINED, LONGEST = 20, 16, 64  # trained on 4 to 16 letters, tested on up to 64
LENGTHS = (16, 20, 24, 32, 64)
SCHEMES = {
    "none": "no positions",
    "sinusoidal": "sinusoidal",
    "learned": "learned",
    "relative": "relative (Shaw)",
    "rotary": "rotary",
    "alibi": "ALiBi",
}
SETTINGS = [f"{task}, {view}" for task in ("previous", "first") for view in ("no mask", "causal")]


def draw_words(task: str, n: int, T: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """n random words (n, T), and at each place the letter asked for (n, T): the previous, or the first."""
    words = torch.randint(LETTERS, (n, T), generator=generator)
    asked = words.roll(1, dims=1) if task == "previous" else words[:, :1].repeat(1, T)
    asked[:, 0] = -1  # the first place has no letter before it
    return words, asked


def gold_map(task: str, T: int) -> Tensor:
    """Where each query should look: (T, T) bool; nowhere, for the first."""
    places = torch.arange(T)
    gold = places == (places.unsqueeze(1) - 1 if task == "previous" else 0)
    gold[0] = False
    return gold


@torch.no_grad()
def right_by_place(model: nn.Module, task: str, T: int) -> Tensor:
    """The share of right answers at each place but the first, on 200 test words of T letters: (T − 1,)."""
    words, asked = draw_words(task, 200, T, torch.Generator().manual_seed(12345))
    return (model(words).argmax(-1) == asked).float().mean(0)[1:]


def commonest_letter(T: int, so_far: bool) -> float:
    """How often the previous letter is the commonest one of the word, or of the word so far: the best of a bag."""
    words, asked = draw_words("previous", 2000, T, torch.Generator().manual_seed(12345))
    counts = F.one_hot(words, LETTERS).cumsum(1)
    said = counts.argmax(-1).roll(1, dims=1) if so_far else counts[:, -1:].argmax(-1)
    return (said == asked)[:, 1:].float().mean().item()


def show_right(model: nn.Module) -> float:
    """The share of right answers at 16 letters, beside guesses. Returns it."""
    right = float(right_by_place(model, "previous", TRAINED).mean())
    rows = [
        ["the model", right],
        ["a guess among 20 letters", 1 / LETTERS],
        ["always the commonest letter of the word", commonest_letter(TRAINED, so_far=False)],
    ]
    tables.show_table(["who answers", "share right"], [[name, f"{value:.2f}"] for name, value in rows], "16 letters")
    return right


def show_encoding(encoding: Tensor) -> None:
    """Encodings of places (T, d) as a picture, and how alike two are by their distance."""
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    image = axes[0].imshow(encoding, cmap=plots.MAP, vmin=-1, vmax=1)
    axes[0].set(xlabel="feature", ylabel="place", title="sinusoidal encoding")
    fig.colorbar(image, ax=axes[0], fraction=0.04, label="value")
    likeness, places = encoding @ encoding.T, torch.arange(len(encoding))
    series = {f"place {p}": (places - p, likeness[p]) for p in (10, 30, 50)}
    title = "the same curve for every place"
    plots.lines(series, "distance", "PE(p) · PE(p + distance)", title, ax=axes[1])
    plots.show(
        fig,
        "Left: sinusoidal encodings of 64 places; the first features change quickly from place to place, the last ones "
        "hardly. Right: products of encodings against their distance, for places 10, 30, 50: one and the same curve, "
        "highest at 0.",
    )


def show_index(index: Tensor) -> None:
    """The rows of the relative table as a table: (T, T) int, query by key."""
    T = len(index)
    rows = [[f"query {i}", *row] for i, row in enumerate(index.tolist())]
    tables.show_table(["", *[f"key {j}" for j in range(T)]], rows, "Which row of the table each pair takes")


def show_rotary(turn: Callable[[Tensor, Tensor], Tensor]) -> None:
    """The product of a turned query and a turned key by their distance, from two places."""
    query, key = torch.randn(2, 1, 32, generator=torch.Generator().manual_seed(8))
    series = {}
    for start in (0, 40):
        others = torch.arange(start - 20, start + 21, 2)
        scores = turn(query, torch.tensor([start])) @ turn(key.expand(21, -1), others).T
        series[f"query at place {start}"] = (others - start, scores[0])
    figures.curves(series, "key's place minus query's place", "product", says="Both curves coincide.")


def show_by_place(readers: Mapping[str, nn.Module], T: int) -> dict[str, float]:
    """Share right at each place of words of T letters. Returns the share beyond the longest that training showed."""
    found = {scheme: right_by_place(reader, "previous", T) for scheme, reader in readers.items()}
    series = {SCHEMES[scheme]: (range(1, T), right) for scheme, right in found.items()}
    figures.curves(
        series, f"place in a word of {T} letters", "share right", limits=(0, 1.05),
        guess={"commonest letter": commonest_letter(T, so_far=False)}, marks={"longest trained": TRAINED - 0.5},
    )  # fmt: skip
    return {scheme: float(right[TRAINED - 1 :].mean()) for scheme, right in found.items()}


@torch.no_grad()
def best_head(model: nn.Module, task: str, T: int) -> tuple[int, int, Tensor]:
    """Layer and head with the most weight on gold within 16 places, and its mean weight on gold by place (T,)."""
    model(draw_words(task, 100, T, torch.Generator().manual_seed(777))[0])
    gold = gold_map(task, T).to(torch.float32)
    on_gold = torch.stack([(layer.weights * gold).sum(-1).mean(0) for layer in model.layers])  # (layers, heads, T)
    best = int(on_gold[:, :, 1:TRAINED].mean(-1).argmax())
    layer, head = divmod(best, on_gold.shape[1])
    return layer, head, on_gold[layer, head]


@torch.no_grad()
def show_gold(readers: Mapping[str, nn.Module], T: int, measure: Callable) -> None:
    """How much weight a head puts on the letter before, within what training showed and beyond; and a guess.

    `measure(weights, gold, trained)` chooses one of all layers' heads (n, heads, T, T), and returns it with both means.
    """
    rows = []
    for scheme, reader in readers.items():
        reader(draw_words("previous", 100, T, torch.Generator().manual_seed(777))[0])
        weights = torch.cat([layer.weights for layer in reader.layers], dim=1)
        number, inside, beyond = measure(weights, gold_map("previous", T), TRAINED)
        layer, head = divmod(int(number), weights.shape[1] // len(reader.layers))
        rows.append([SCHEMES[scheme], f"layer {layer + 1}, head {head + 1}", f"{inside:.2f}", f"{beyond:.2f}"])
    rows.append(["(the same for every letter)", "", f"{1 / T:.2f}", f"{1 / T:.2f}"])
    columns = ["scheme", "head", f"weight on gold, places 1 to {TRAINED - 1}", f"places {TRAINED} to {T - 1}"]
    tables.show_table(columns, rows, f"Attention against the known truth, words of {T} letters")


@torch.no_grad()
def map_of(model: nn.Module, T: int) -> plt.Figure:
    """The best head's map for one word of T letters, the letter before outlined."""
    words = draw_words("previous", 1, T, torch.Generator().manual_seed(5))[0]
    layer, head, _ = best_head(model, "previous", max(T, TRAINED))
    model(words)
    names, weights = [ALPHABET[i] for i in words[0]], model.layers[layer].weights[0, head]
    title = f"{SCHEMES[model.scheme]}: layer {layer + 1}, head {head + 1}"
    sides = "letter that asks", "letter that is asked"
    fig = plots.attention_map(weights, names, names, gold_map("previous", T), title, sides=sides)
    side = min(7.0, 2.2 + 0.22 * T)
    fig.set_size_inches(side + 0.8, side)
    return fig


def map_in_words(model: nn.Module, T: int) -> str:
    """What that map shows."""
    layer, head, on_gold = best_head(model, "previous", max(T, TRAINED))
    inside = on_gold[1 : min(T, TRAINED)].mean()
    beyond = f", and {on_gold[TRAINED:T].mean():.2f} beyond" if T > TRAINED else ""
    where = f"{SCHEMES[model.scheme]}: layer {layer + 1}, head {head + 1}, on a word of {T} letters"
    return f"{where}: {inside:.2f} of the weight on the letter before{beyond}."


def explorer(readers: Mapping[str, nn.Module]) -> None:
    """Choose a scheme and a length: the map of the best head."""
    widgets.explore(
        lambda scheme, length: map_of(readers[scheme], length),
        lambda scheme, length: map_in_words(readers[scheme], length),
        start={"scheme": "sinusoidal", "length": 24},
        scheme=list(readers),
        length=(8, 40, 2),
    )


def show_lengths(lesson: object) -> None:
    """Recorded: share right by length, for both tasks, without and with a causal mask; six schemes, three seeds."""
    fig, axes = plt.subplots(2, 2, figsize=(10, 7), layout="constrained", sharex=True, sharey=True)
    said = []
    for setting, ax in zip(SETTINGS, axes.flat, strict=True):
        series = {}
        for scheme, label in SCHEMES.items():
            runs = [lesson.recorded(setting, scheme, str(T)) for T in LENGTHS]
            means = [sum(values) / len(values) for values in runs]
            series[label] = (LENGTHS, means, list(map(min, runs)), list(map(max, runs)))
            said.append(f"{setting}, {label}: {', '.join(f'{m:.2f}' for m in means)}.")
        plots.lines(series, "letters", "share right", setting.replace(",", " letter,"), ax=ax)
        handles = ax.get_legend().legend_handles
        ax.get_legend().remove()
        line = ax.axhline(1 / LETTERS, color="#595959", linestyle=":", linewidth=1.2, label="a guess")
        ax.set_ylim(0, 1.05)
    fig.legend(handles=[*handles, line], loc="outside lower center", ncols=7, frameon=False)
    plots.show(fig, f"Share right at {', '.join(map(str, LENGTHS))} letters; a guess: 0.05. {' '.join(said)}")


def show_lengths_table(lesson: object, T: int = 32) -> None:
    """Recorded: share right at T letters."""
    rows = [
        [label, *[lesson.spread(setting, scheme, str(T)) for setting in SETTINGS]] for scheme, label in SCHEMES.items()
    ]
    caption = f"Share right at {T} letters; mean [least to greatest] of three recorded seeds; a guess: 0.05"
    tables.show_table([f"trained on up to {TRAINED}, tested at {T}", *SETTINGS], rows, caption)


def show_breaks(lesson: object, changes: Mapping[str, Sequence[str]]) -> None:
    """Recorded: share right of changed readers at 16, 32 and 64 letters; `changes` are paths in the record by label."""
    lengths = (16, 32, 64)
    rows = [[label, *[lesson.spread(*path, str(T)) for T in lengths]] for label, path in changes.items()]
    for label, so_far in (("(always the commonest letter so far)", True), ("(always the commonest letter)", False)):
        rows.append([label, *[f"{commonest_letter(T, so_far):.2f}" for T in lengths]])
    columns = ["change", *[f"at {T}" for T in lengths]]
    tables.show_table(columns, rows, "Share right; mean [least to greatest] of three recorded seeds")
