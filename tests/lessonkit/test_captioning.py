"""What the captioning lessons share: batches, loss, captions and scores mean what they say."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from lessonkit import train
from lessonkit.data.scenes import COLOURS, Scene, SceneObject, gold_regions, load_scenes
from lessonkit.data.translation import Vocabulary
from lessonkit.models.captioning import (
    FEATURES,
    Captioner,
    SceneCNN,
    attention_maps,
    batches,
    binding,
    caption,
    caption_loss,
    described,
    exact_match,
    exact_match_by_objects,
    feature_maps,
    make_batch,
    pointing_accuracy,
    pretrain_cnn,
    said_and_there,
)

DATA = load_scenes()


class Knowing(Captioner):
    """Writes the right captions of given scenes, and looks at the position whose number is the step's."""

    def __init__(self, scenes):
        super().__init__()
        self.words = make_batch(scenes, DATA.vocabulary).words
        self.rest = list(range(len(scenes)))

    def begin(self, pictures):
        rows, self.rest = self.rest[: len(pictures)], self.rest[len(pictures) :]
        return self.words[rows], 0

    def step(self, tokens, state, memory):
        self.weights = torch.eye(49)[torch.full((len(memory),), state)]
        word = memory[:, min(state, memory.shape[1] - 1)]
        return 20.0 * torch.eye(len(DATA.vocabulary))[word], state + 1


def test_the_map_has_its_shape():
    assert SceneCNN()(torch.rand(2, 3, 42, 42)).shape == (2, FEATURES, 7, 7)


def test_maps_stand_in_for_pictures():
    cnn, scenes = SceneCNN().eval(), DATA.validation[:70]
    maps = feature_maps(cnn, scenes)
    assert maps.shape == (70, FEATURES, 7, 7)
    for seed in (None, 1):
        with_maps, plain = (next(batches(scenes, DATA.vocabulary, 32, seed, m)) for m in (maps, None))
        assert with_maps.scenes == plain.scenes
        assert torch.allclose(cnn(with_maps.pictures), cnn(plain.pictures), atol=1e-2)


def test_the_pretrained_cnn_is_frozen_and_the_same_for_a_seed(monkeypatch):
    fit = train.fit
    monkeypatch.setattr(train, "fit", lambda *a, **k: fit(*a, **{**k, "steps": 3}))
    first, second = (pretrain_cnn(DATA, seed=5, quiet=True) for _ in range(2))
    assert not any(p.requires_grad for p in first.parameters())
    assert not first.training
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_batches_in_order_hold_everything_once():
    scenes = DATA.validation[:70]
    found = list(batches(scenes, DATA.vocabulary, 32))
    assert [s for b in found for s in b.scenes] == scenes
    for batch in found:
        for row, scene in zip(batch.words, batch.scenes, strict=True):
            assert tuple(DATA.vocabulary.decode(row)) == scene.caption
            assert (row == Vocabulary.eos).sum() == 1


def test_shuffled_batches_pass_over_everything_and_waste_little():
    scenes = DATA.validation
    for _ in range(2):
        stream = batches(scenes, DATA.vocabulary, 50, seed=3)
        first = list(itertools.islice(stream, 10))
        assert sorted(s.caption for b in first for s in b.scenes) == sorted(s.caption for s in scenes)
        second = list(itertools.islice(stream, 10))
        assert [b.scenes for b in first] != [b.scenes for b in second]
    padding = sum((b.words == Vocabulary.pad).float().mean().item() for b in first) / 10
    assert padding < 0.15


def test_a_captioner_that_knows():
    scenes = DATA.test_two[:30] + DATA.test_one[:30]
    assert caption(Knowing(scenes), scenes, DATA.vocabulary, size=20) == [list(s.caption) for s in scenes]
    assert exact_match(caption(Knowing(scenes), scenes, DATA.vocabulary), scenes) == 1.0
    assert caption_loss(Knowing(scenes), make_batch(scenes, DATA.vocabulary)) < 1e-4
    everything = [s for found in DATA.tests.values() for s in found]
    assert exact_match_by_objects(Knowing(everything), DATA) == {"one": 1.0, "two": 1.0, "three": 1.0}


def test_attention_maps_are_those_of_the_steps():
    scenes = DATA.test_three[:3]
    for maps, scene in zip(attention_maps(Knowing(scenes), scenes, DATA.vocabulary), scenes, strict=True):
        assert maps.shape == (len(scene.caption), 7, 7)
        assert maps.flatten(1).argmax(1).tolist() == list(range(len(scene.caption)))


def test_pointing():
    scenes = DATA.test_two[:40]
    gold = [gold_regions(scene).astype(float) for scene in scenes]
    assert pointing_accuracy(gold, scenes) == 1.0
    assert pointing_accuracy([1 - g for g in gold], scenes) == 0.0
    flat = [torch.from_numpy(g).flatten(1) for g in gold]
    assert pointing_accuracy(flat, scenes) == 1.0
    half = [g.copy() for g in gold]
    for g, scene in zip(half, scenes, strict=True):
        for word, text in enumerate(scene.caption):
            if text not in COLOURS:
                g[word] = 1 - g[word]
    assert pointing_accuracy(half, scenes, lambda word: word in COLOURS) == 1.0
    assert pointing_accuracy(half, scenes, lambda word: word not in COLOURS) == 0.0
    words = [len([a for a in s.about if a]) for s in scenes]
    assert pointing_accuracy(half, scenes) == pytest.approx(2 * len(scenes) / sum(words))


def scene(*objects):
    things = tuple(SceneObject(*words.split(), 14 * i, 0) for i, words in enumerate(objects))
    return Scene(40, things, tuple(" above ".join(f"a {words}" for words in objects).split()), frozenset())


def test_binding_tells_borrowed_from_invented():
    two = scene("big red square", "small blue circle")
    words = ["a", "big", "blue", "square", "above", "a", "small", "white", "circle"]
    counted = binding([words, two.caption], [two, two])
    assert (counted.right, counted.borrowed, counted.invented) == (10, 1, 1)
    assert counted.wrong_binding_rate == 0.5
    assert counted.chance == pytest.approx(2 / 5)
    assert counted.chance_rate == pytest.approx(1 / 5)


def test_binding_leaves_out_captions_with_other_objects():
    two = scene("big red square", "small blue circle")
    for words in ("a big red square", "a big red square above a small circle", "red red red"):
        assert binding([words.split()], [two]).right == 0
    alike = scene("big red square", "big red square")
    assert binding([["a", "big", "red", "ring", "above", "a", "big", "red", "square"]], [alike]).borrowed == 0
    assert binding([alike.caption], [alike]).wrong_binding_rate == 0.0
    assert binding([alike.caption], [alike]).chance_rate == 0.0


def test_said_and_there_pairs_words_of_the_captions_that_count():
    two = scene("big red square", "small blue circle")
    words = ["a", "big", "blue", "square", "above", "a", "small", "white", "circle"]
    assert said_and_there([words, words[:4]], [two, two]) == [
        ([["big", "blue", "square"], ["small", "white", "circle"]], [list(thing.words) for thing in two.objects])
    ]


def test_described():
    words = ["a", "big", "red", "square", "left", "of", "a", "small", "ring"]
    assert described(words) == [["big", "red", "square"], ["small", "ring"]]
    assert described(["red", "a"]) == [[]]


def test_a_captioner_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="how it begins"):
        Captioner()(torch.zeros(1, 3, 42, 42), torch.ones(1, 2, dtype=torch.long))
    assert isinstance(Captioner(), nn.Module)
    assert np.isscalar(exact_match([["a"]], [scene("big red square")]))
