"""The generated scenes: no leak between files, pictures and regions as the card says."""

from collections import Counter

import numpy as np
import pytest
import torch

from lessonkit.data import scenes
from lessonkit.data.scenes import (
    COLOURS,
    SHAPES,
    SIDES,
    gold_regions,
    load_scenes,
    outline,
    region,
    render,
    render_bytes,
)
from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError

DATA = load_scenes()
SETS = {name: getattr(DATA, name) for name in ("train", "validation", "test_one", "test_two", "test_three")}


def test_sizes_and_numbers_of_objects():
    assert {name: len(found) for name, found in SETS.items()} == {
        "train": 16_000, "validation": 500, "test_one": 500, "test_two": 500, "test_three": 500,
    }  # fmt: skip
    for count, found in DATA.tests.items():
        assert {len(scene.objects) for scene in found} == {count}
    for name in ("train", "validation"):
        numbers = Counter(len(scene.objects) for scene in SETS[name])
        assert max(numbers.values()) - min(numbers.values()) <= 1


def test_no_picture_stands_in_two_files_or_twice():
    seen = Counter(picture.tobytes() for found in SETS.values() for picture in render_bytes(found))
    assert max(seen.values()) == 1


def test_every_word_is_known():
    assert len(DATA.vocabulary) == 17 + 4
    for found in SETS.values():
        for scene in found:
            assert Vocabulary.unk not in DATA.vocabulary.encode(scene.caption)


def test_the_caption_says_what_the_objects_are():
    for scene in [*DATA.validation, *DATA.test_three]:
        for number, thing in enumerate(scene.objects):
            mine = [w for word, w in enumerate(scene.caption) if scene.about[word] == (number,)]
            assert tuple(mine) == thing.words
        for word, about in enumerate(scene.about):
            assert len(about) == {"a": 0, "above": 2, "left": 2, "of": 2}.get(scene.caption[word], 1)
            if scene.caption[word] == "above":
                first, second = (scene.objects[i] for i in about)
                assert first.top // 14 < second.top // 14
            if scene.caption[word] == "left":
                first, second = (scene.objects[i] for i in about)
                assert first.top // 14 == second.top // 14
                assert first.box[3] <= second.left


def test_all_words_are_as_frequent_as_they_should_be():
    sizes, colours, shapes = (Counter(o.words[k] for s in DATA.train for o in s.objects) for k in range(3))
    for counted, known in ((sizes, SIDES), (colours, COLOURS), (shapes, SHAPES)):
        assert set(counted) == set(known)
        assert max(counted.values()) < 1.1 * min(counted.values())


def test_pictures():
    pictures = render(DATA.validation[:50])
    assert pictures.shape == (50, 3, 42, 42)
    assert pictures.dtype == torch.float32
    assert torch.equal(pictures, render(DATA.validation[:50]))
    for picture, scene in zip(pictures, DATA.validation, strict=False):
        background = torch.tensor(scene.background) / 255
        filled = (picture != background).any(0).numpy()
        expected = np.zeros_like(filled)
        for thing in scene.objects:
            top, left, bottom, right = thing.box
            inside = outline(thing.shape, SIDES[thing.size])
            expected[top:bottom, left:right] |= inside
            colour = picture[:, top:bottom, left:right][:, torch.from_numpy(inside)]
            assert torch.equal(colour, (torch.tensor(COLOURS[thing.colour]) / 255).unsqueeze(1).expand_as(colour))
        assert (filled == expected).all()


def test_shapes_touch_all_sides_and_are_symmetric():
    drawn = []
    for shape in SHAPES:
        for side in SIDES.values():
            inside = outline(shape, side)
            assert inside.any(0)[[0, -1]].all()
            assert inside.any(1)[[0, -1]].all()
            assert (inside == inside[:, ::-1]).all()
        drawn.append(inside.tobytes())
    assert len(set(drawn)) == len(SHAPES)
    with pytest.raises(ValueError, match="no shape 'star'"):
        outline("star", 9)


def test_gold_regions():
    assert region([(0, 0, 6, 6)]).sum() == 1
    assert np.argwhere(region([(5, 12, 7, 18)])).tolist() == [[0, 2], [1, 2]]
    assert not region([]).any()
    areas = []
    for scene in DATA.validation:
        gold = gold_regions(scene)
        assert gold.shape == (len(scene.caption), 7, 7)
        for word, about in enumerate(scene.about):
            own = [region([scene.objects[i].box]) for i in about]
            assert (gold[word] == np.logical_or.reduce(own or [np.zeros((7, 7), bool)])).all()
            if len(about) == 1:
                areas.append(gold[word].mean())
    assert 0.14 < np.mean(areas) < 0.17


def test_a_damaged_or_missing_file_is_a_sentence(tmp_path, monkeypatch):
    for path in scenes.FOLDER.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(scenes, "FOLDER", tmp_path)
    with (tmp_path / "train.tsv").open("a") as file:
        file.write("40\tbig red square 0 0\ta big red square\t1-0\n")
    with pytest.raises(CourseError, match="is not what the course was made with: run `make data`"):
        load_scenes.__wrapped__()
    (tmp_path / "train.tsv").unlink()
    with pytest.raises(CourseError, match="is missing: run `make data`"):
        load_scenes.__wrapped__()
