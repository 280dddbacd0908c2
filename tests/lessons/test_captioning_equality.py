"""Lesson 02: what the learner counts of each caption adds up to what the experiments record."""

import random

import pytest

from autograder.authoring import source
from lessonkit.data.scenes import COLOURS, SHAPES, SIDES, load_scenes
from lessonkit.models.captioning import CHOICES, binding, said_and_there


def test_whose_words_adds_up_to_binding():
    whose_words = source.load("02").exercises()["whose_words"].reference
    chance, scenes = random.Random(0), [*load_scenes().test_two[:60], *load_scenes().test_three[:60]]
    kinds = [tuple(kind) for kind in (SIDES, COLOURS, SHAPES)]
    captions = []
    for scene in scenes:
        words = list(scene.caption)
        for place, word in enumerate(words):
            if kind := next((kind for kind in kinds if word in kind), None):
                words[place] = chance.choice((word, chance.choice(kind), chance.choice(SHAPES)))
        captions.append(words)
    counted = [whose_words(said, there, list(CHOICES)) for said, there in said_and_there(captions, scenes)]
    assert len(counted) == len(scenes)
    right, borrowed, invented, luck = (sum(numbers) for numbers in zip(*counted, strict=True))
    truth = binding(captions, scenes)
    assert (right, borrowed, invented) == (truth.right, truth.borrowed, truth.invented)
    assert luck == pytest.approx(truth.chance)
    assert min(right, borrowed, invented) > 50
