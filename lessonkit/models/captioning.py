"""What the captioning lessons share: the CNN, batches of scenes, the loss, greedy captions, and how good they are."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lessonkit import train
from lessonkit.data.scenes import COLOURS, GRID, PATCH, PIXELS, SHAPES, SIDES, Scene, Scenes, gold_regions, render
from lessonkit.data.translation import Vocabulary
from lessonkit.models.seq2seq import greedy_decode, shift_right, token_loss

FEATURES, POSITIONS = 64, GRID * GRID  # D features at each of L = 49 positions
EMBEDDING, HIDDEN = 32, 128  # features of a word, and of the recurrent state
LONGEST = 18  # words that a caption may have, with EOS


class SceneCNN(nn.Module):
    """Pictures (B, 3, 42, 42) -> a map of features (B, D, 7, 7).

    Two more input channels say where a pixel is (Liu et al. 2018), so that features know their place. A position sees
    13 × 13 pixels: its own 6 × 6 and a rim. Pixels are shifted and scaled to about mean 0 and deviation 1, without
    which shapes are learnt far more slowly. A map (B, D, 7, 7) passes unchanged: a frozen CNN's are made
    only once.
    """

    def __init__(self, features: int = FEATURES):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(5, 32, 5, stride=2, padding=2), nn.ReLU(),
            nn.Conv2d(32, 96, 5, stride=3, padding=1), nn.ReLU(),
            nn.Conv2d(96, features, 1), nn.ReLU(),
        ).to(memory_format=torch.channels_last)  # fmt: skip
        line = torch.linspace(-1, 1, PIXELS)
        self.register_buffer("place", torch.stack(torch.meshgrid(line, line, indexing="ij")), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        if pictures.shape[1] != 3:
            return pictures
        both = torch.cat([(pictures - 0.25) / 0.25, self.place.expand(len(pictures), -1, -1, -1)], dim=1)
        return self.layers(both.contiguous(memory_format=torch.channels_last))


class Captioner(nn.Module):
    """Writes a caption word by word; a subclass says how it begins and what a step is.

    A subclass with attention keeps the weights (B, 49) of its last step in `weights`.
    """

    weights: Tensor | None = None

    def begin(self, pictures: Tensor) -> tuple[object, object]:
        """Pictures (B, 3, 42, 42), or their maps -> memory (what the steps look at), state before the first word."""
        raise NotImplementedError("a captioner says how it begins")

    def step(self, tokens: Tensor, state: object, memory: object) -> tuple[Tensor, object]:
        """The last words (B,), the state and the memory -> logits of the next word (B, V), and the new state."""
        raise NotImplementedError("a captioner says what a step is")

    def forward(self, pictures: Tensor, read: Tensor) -> Tensor:
        """Teacher forcing: `read` (B, T) begins with BOS -> logits (B, T, V)."""
        memory, state = self.begin(pictures)
        logits = []
        for t in range(read.shape[1]):
            output, state = self.step(read[:, t], state, memory)
            logits.append(output)
        return torch.stack(logits, dim=1)


@dataclass(frozen=True)
class Batch:
    """Scenes as pictures and numbers: each row of words ends with EOS, then padding."""

    pictures: Tensor  # (B, 3, 42, 42), or their maps (B, D, 7, 7)
    words: Tensor  # (B, T) int64
    scenes: tuple[Scene, ...]


def make_batch(scenes: Sequence[Scene], vocabulary: Vocabulary, maps: Tensor | None = None) -> Batch:
    """All these scenes in one batch; with `maps` (their feature maps) in place of the pictures."""
    longest = max(len(scene.caption) for scene in scenes) + 1
    rows = [vocabulary.encode(scene.caption) for scene in scenes]
    words = [[*row, Vocabulary.eos] + [Vocabulary.pad] * (longest - len(row) - 1) for row in rows]
    pictures = render(scenes) if maps is None else maps.float()
    return Batch(pictures, torch.tensor(words), tuple(scenes))


def batches(
    scenes: Sequence[Scene],
    vocabulary: Vocabulary,
    size: int = 64,
    seed: int | None = None,
    maps: Tensor | None = None,
) -> Iterator[Batch]:
    """Without a seed one pass in order. With one, passes without end, each in another order.

    Then scenes with as many objects share a batch, so that little is spent on padding. With `maps`, the `feature_maps`
    of the scenes in their order, batches carry those in place of pictures.
    """

    def batch(rows: Sequence[int]) -> Batch:
        chosen = None if maps is None else maps[torch.as_tensor(rows)]
        return make_batch([scenes[k] for k in rows], vocabulary, chosen)

    if seed is None:
        for i in range(0, len(scenes), size):
            yield batch(range(i, min(i + size, len(scenes))))
        return
    rng = np.random.default_rng(seed)
    objects = np.array([len(scene.objects) for scene in scenes])
    while True:
        order = np.argsort(objects + rng.random(len(scenes)))
        for start in rng.permutation(np.arange(0, len(scenes), size)):
            yield batch(order[start : start + size])


def pretrain_cnn(data: Scenes, seed: int, quiet: bool = False, seconds: float = 40) -> SceneCNN:
    """A CNN that has learnt to name size, colour and shape of what stands at a position, and is frozen.

    It stands for the CNN trained on ImageNet that captioners begin with. Its labels say what is at the middle of each
    object; the layer that names them is thrown away. All models of lesson 02 get the same one for a seed; lesson 05
    trains eyes of its own.
    """
    torch.manual_seed(seed)
    kinds = [tuple(words) for words in (SIDES, COLOURS, SHAPES)]
    cnn = SceneCNN()
    head = nn.Linear(FEATURES, sum(map(len, kinds)))

    def loss(_: nn.Module, batch: Batch) -> Tensor:
        places, named = [], []
        for i, scene in enumerate(batch.scenes):
            for thing in scene.objects:
                top, left, bottom, right = thing.box
                places.append((i, (top + bottom) // 2 // PATCH, (left + right) // 2 // PATCH))
                named.append([words.index(word) for words, word in zip(kinds, thing.words, strict=True)])
        i, row, column = torch.tensor(places).T
        logits = head(cnn(batch.pictures)[i, :, row, column]).split([len(words) for words in kinds], dim=1)
        right = torch.tensor(named).T
        return sum(nn.functional.cross_entropy(made, word) for made, word in zip(logits, right, strict=True))

    train.fit(
        nn.ModuleList([cnn, head]), batches(data.train, data.vocabulary, 64, seed), loss,
        steps=300, lr=4e-3, warmup=30, decay=True, clip=None, seconds=seconds, title="CNN", quiet=quiet,
    )  # fmt: skip
    return cnn.requires_grad_(False)


@torch.no_grad()
def feature_maps(cnn: SceneCNN, scenes: Sequence[Scene], size: int = 250) -> Tensor:
    """What a frozen CNN makes of the scenes, once for all: (N, D, 7, 7), float16 to save memory."""
    return torch.cat([cnn(render(scenes[i : i + size])).half() for i in range(0, len(scenes), size)])


def caption_loss(model: Captioner, batch: Batch) -> Tensor:
    """Mean of −log p over the words of a batch under teacher forcing; padding doesn't count."""
    return token_loss(model(batch.pictures, shift_right(batch.words, Vocabulary.bos)), batch.words, Vocabulary.pad)


@torch.no_grad()
def caption(model: Captioner, scenes: Sequence[Scene], vocabulary: Vocabulary, size: int = 250) -> list[list[str]]:
    """Greedy captions of the scenes, in order."""
    found = []
    for batch in batches(scenes, vocabulary, size):
        memory, state = model.begin(batch.pictures)

        def step(tokens: Tensor, state: object, memory: object = memory) -> tuple[Tensor, object]:
            return model.step(tokens, state, memory)

        rows = greedy_decode(step, state, len(batch.scenes), Vocabulary.bos, Vocabulary.eos, LONGEST)
        found += [vocabulary.decode(row) for row in rows.tolist()]
    return found


@torch.no_grad()
def attention_maps(model: Captioner, scenes: Sequence[Scene], vocabulary: Vocabulary, size: int = 250) -> list[Tensor]:
    """For each scene the weights (words, 7, 7) of a model with attention, with the right words fed in; without EOS."""
    found = []
    for batch in batches(scenes, vocabulary, size):
        memory, state = model.begin(batch.pictures)
        read, weights = shift_right(batch.words, Vocabulary.bos), []
        for t in range(read.shape[1]):
            _, state = model.step(read[:, t], state, memory)
            weights.append(model.weights)
        maps = torch.stack(weights, dim=1).unflatten(-1, (GRID, GRID))
        found += [maps[i, : len(scene.caption)] for i, scene in enumerate(batch.scenes)]
    return found


def exact_match(captions: Sequence[Sequence[str]], scenes: Sequence[Scene]) -> float:
    """The share of captions that are right in every word."""
    return sum(tuple(made) == scene.caption for made, scene in zip(captions, scenes, strict=True)) / len(scenes)


def exact_match_by_objects(model: Captioner, data: Scenes) -> dict[str, float]:
    """Exact match on the test scenes with "one", "two" and "three" objects."""
    tests = zip(("one", "two", "three"), data.tests.values(), strict=True)
    return {name: exact_match(caption(model, scenes, data.vocabulary), scenes) for name, scenes in tests}


KINDS = {
    word: kind for kind, words in enumerate((SIDES, COLOURS, SHAPES)) for word in words
}  # size 0, colour 1, shape 2


@dataclass(frozen=True)
class Binding:
    """Attribute words of captions, counted: right; borrowed from another object of the scene; or nobody's.

    `chance` is how many of the wrong words would be borrowed if a wrong word were drawn evenly from those of its kind.
    """

    right: int
    borrowed: int
    invented: int
    chance: float

    @property
    def wrong_binding_rate(self) -> float:
        """The share of wrong attribute words that belong to another object of the scene; 0 if none is wrong."""
        wrong = self.borrowed + self.invented
        return self.borrowed / wrong if wrong else 0.0

    @property
    def chance_rate(self) -> float:
        """What that share would be if wrong words were drawn at random."""
        wrong = self.borrowed + self.invented
        return self.chance / wrong if wrong else 0.0


def described(words: Sequence[str]) -> list[list[str]]:
    """The objects of a caption: for each "a" the attribute words that follow it."""
    objects: list[list[str]] = []
    for word in words:
        if word == "a":
            objects.append([])
        elif word in KINDS and objects:
            objects[-1].append(word)
    return objects


CHOICES = [len(SIDES), len(COLOURS), len(SHAPES)]  # how many words each kind of attribute has


def said_and_there(
    captions: Sequence[Sequence[str]], scenes: Sequence[Scene]
) -> list[tuple[list[list[str]], list[list[str]]]]:
    """The attribute words that were said and the right ones, [object][kind]: of captions with as many as there are."""
    pairs = []
    for made, scene in zip(captions, scenes, strict=True):
        said, there = described(made), [list(thing.words) for thing in scene.objects]
        if [len(words) for words in said] == [len(words) for words in there]:
            pairs.append((said, there))
    return pairs


def binding(captions: Sequence[Sequence[str]], scenes: Sequence[Scene]) -> Binding:
    """Whose are the attribute words? Captions that describe another number of objects than there are don't count."""
    counts, chance = Counter(), 0.0
    for said, there in said_and_there(captions, scenes):
        for number, words in enumerate(said):
            for kind, word in enumerate(words):
                right = there[number][kind]
                others = {thing[kind] for thing in there} - {right}
                if word == right:
                    counts["right"] += 1
                else:
                    counts["borrowed" if word in others else "invented"] += 1
                    chance += len(others) / (CHOICES[kind] - 1)
    return Binding(counts["right"], counts["borrowed"], counts["invented"], chance)


def pointing_accuracy(
    maps: Sequence[Tensor | np.ndarray], scenes: Sequence[Scene], counts: Callable[[str], bool] = lambda word: True
) -> float:
    """The share of words whose largest weight lies in the word's gold region; words without a region don't count.

    maps (words, 7, 7) or (words, 49), one for each scene. `counts` may choose words: `lambda word: word in COLOURS`.
    """
    hits = []
    for weights, scene in zip(maps, scenes, strict=True):
        flat = np.asarray(weights, dtype=float).reshape(len(scene.caption), POSITIONS)
        gold = gold_regions(scene).reshape(len(scene.caption), POSITIONS)
        for word, (row, region) in enumerate(zip(flat, gold, strict=True)):
            if region.any() and counts(scene.caption[word]):
                hits.append(region[row.argmax()])
    return float(np.mean(hits))
