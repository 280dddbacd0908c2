"""The digits: split as the card says, canvases from a seed, boxes that hold the digit, clutter, and MNIST by mirror."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest
import torch

from autograder.authoring.source import ROOT
from lessonkit.data import digits, download
from lessonkit.data.digits import Canvases, batches, canvases, enlarge, load_digits, mnist
from lessonkit.errors import CourseError

DATA = load_digits()
FIRST_LABELS, FIRST_CORNERS = [3, 0, 0, 9, 9, 7, 9, 6], [[20, 7], [8, 6], [17, 6]]
MIRROR = Path(os.environ.get(download.MIRROR) or ROOT.parent / "shared" / "datasets")
needs_mnist = pytest.mark.skipif(
    not (MIRROR / "mnist").is_dir(), reason=f"set {download.MIRROR} to a folder with the public data sets to run this"
)


def test_the_split_is_what_the_card_says():
    assert [len(part) for part in (DATA.train, DATA.validation, DATA.test)] == [1_197, 200, 400]
    assert torch.bincount(DATA.validation.labels).tolist() == [20] * 10
    assert torch.bincount(DATA.test.labels).tolist() == [40] * 10
    pictures = torch.cat([part.pictures for part in (DATA.train, DATA.validation, DATA.test)])
    assert pictures.shape == (1_797, 8, 8)
    assert pictures.dtype == torch.float32
    assert (pictures.min(), pictures.max()) == (0, 1)
    assert len(pictures.flatten(1).unique(dim=0)) == 1_797  # no digit twice


def test_it_is_scikit_learns():
    found = pytest.importorskip("sklearn.datasets").load_digits()
    theirs = {(int(label), tuple(row)) for row, label in zip((found.data / 16).tolist(), found.target, strict=True)}
    ours = {
        (int(label), tuple(picture.flatten().tolist()))
        for part in (DATA.train, DATA.validation, DATA.test)
        for picture, label in zip(part.pictures, part.labels, strict=True)
    }
    assert ours == theirs


def test_the_box_holds_the_digit_and_nothing_else_is_there():
    made = canvases(DATA.test, 50, 32, seed=1)
    ink = enlarge(DATA.test.pictures, 16)
    for picture, label, (top, left, bottom, right) in zip(made.pictures, made.labels, made.boxes.tolist(), strict=True):
        inside = picture[top:bottom, left:right]
        same = (ink == inside).flatten(1).all(1)
        assert DATA.test.labels[same].tolist() == [label]
        assert picture.sum() == pytest.approx(inside.sum())
    assert made.boxes.min() >= 0
    assert made.boxes.max() <= 32
    assert len(made.boxes.unique(dim=0)) > 30  # everywhere


def test_the_same_seed_gives_the_same_canvases_on_every_machine():
    one, two = (canvases(DATA.train, 20, 40, seed=7, clutter=4) for _ in range(2))
    assert torch.equal(one.pictures, two.pictures)
    other = canvases(DATA.train, 20, 40, seed=8, clutter=4)
    assert not torch.equal(one.boxes, other.boxes)
    assert one.labels[:8].tolist() == FIRST_LABELS
    assert one.boxes[:3, :2].tolist() == FIRST_CORNERS


def test_clutter_adds_ink_and_moves_nothing():
    clean, cluttered = (canvases(DATA.train, 200, 40, seed=3, clutter=pieces) for pieces in (0, 4))
    assert torch.equal(clean.boxes, cluttered.boxes)
    assert torch.equal(clean.labels, cluttered.labels)
    assert (cluttered.pictures >= clean.pictures).all()
    share = (cluttered.pictures.sum() - clean.pictures.sum()) / clean.pictures.sum()
    assert 1.0 < share < 1.4  # four quarters, cut more often from the middle than from the edge; some lie on the digit


def test_other_sides():
    boxes = canvases(DATA.test, 3, 64, seed=0, side=20).boxes
    assert (boxes[:, 2:] - boxes[:, :2]).tolist() == [[20, 20]] * 3
    small = canvases(DATA.test, 3, 8, seed=0, side=8)
    assert small.boxes.tolist() == [[0, 0, 8, 8]] * 3
    with pytest.raises(ValueError, match="no place"):
        canvases(DATA.test, 1, 8, seed=0)


def test_batches():
    data = canvases(DATA.test, 10, 20, seed=0)
    whole = list(batches(data, 4))
    assert [len(part) for part in whole] == [4, 4, 2]
    assert torch.equal(torch.cat([part.pictures for part in whole]), data.pictures)
    endless = batches(data, 4, seed=0)
    passes = [torch.cat([next(endless).boxes for _ in range(3)]) for _ in range(2)]
    assert not torch.equal(*passes)
    for found in passes:
        assert sorted(found.tolist()) == sorted(data.boxes.tolist())
    assert isinstance(data[:3], Canvases)
    assert len(data[:3]) == 3


def test_a_damaged_or_missing_file_is_a_sentence(tmp_path, monkeypatch):
    for path in digits.FOLDER.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(digits, "FOLDER", tmp_path)
    with (tmp_path / "test.tsv").open("a") as file:
        file.write("3\t" + 64 * "0" + "\n")
    with pytest.raises(CourseError, match="is not what the course was made with: run `make data`"):
        load_digits.__wrapped__()
    (tmp_path / "train.tsv").unlink()
    with pytest.raises(CourseError, match="is missing: run `make data`"):
        load_digits.__wrapped__()


@needs_mnist
def test_mnist_by_mirror(monkeypatch):
    monkeypatch.setenv(download.MIRROR, str(MIRROR))
    found = mnist.__wrapped__()
    assert [len(part) for part in (found.train, found.validation, found.test)] == [55_000, 5_000, 10_000]
    assert found.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert found.test.pictures.shape == (10_000, 28, 28)
    assert 0.13 < found.test.pictures.mean() < 0.14
    made = canvases(found.test, 4, 60, seed=0, side=28, clutter=4)
    assert made.pictures.shape == (4, 60, 60)


def test_a_mirror_may_compress_anew_but_not_change(tmp_path, monkeypatch):
    source = download.Source("set/file.gz", "", hashlib.sha256(b"right").hexdigest(), unpacked=True)
    monkeypatch.setattr(download, "SOURCES", {source.path: source})
    monkeypatch.setenv(download.MIRROR, str(tmp_path))
    (tmp_path / "set").mkdir()
    file = tmp_path / source.path
    for level in (1, 9):
        file.write_bytes(gzip.compress(b"right", level))
        assert download.fetch(source.path) == file
    for wrong in (gzip.compress(b"wrong"), gzip.compress(b"right")[:-9], b"right?", b""):
        file.write_bytes(wrong)
        with pytest.raises(CourseError, match="does not match its hash"):
            download.fetch(source.path)
