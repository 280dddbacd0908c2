"""Loaders of public data: what they read, and what they say when it can't be had. The network is never used."""

import errno
import hashlib
import http.server
import os
import threading
from pathlib import Path

import pytest

from autograder.authoring.source import ROOT
from lessonkit.data import download
from lessonkit.errors import CourseError

MIRROR = Path(os.environ.get(download.MIRROR) or ROOT.parent / "shared" / "datasets")
needs_mirror = pytest.mark.skipif(
    not MIRROR.is_dir(), reason=f"set {download.MIRROR} to a folder with the public data sets to run this"
)


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv(download.MIRROR, str(MIRROR))


@pytest.fixture
def home(monkeypatch, tmp_path):
    """A public home on this machine that serves one file, an empty cache, and what the file holds."""
    content = b"these are the right bytes"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sha256 = hashlib.sha256(content).hexdigest()
    source = download.Source("set/file", f"http://127.0.0.1:{server.server_port}/file", sha256)
    monkeypatch.setattr(download, "SOURCES", {"set/file": source})
    monkeypatch.delenv(download.MIRROR, raising=False)
    monkeypatch.setenv(download.CACHE, str(tmp_path))
    yield source, tmp_path / "set" / "file", content
    server.shutdown()


@needs_mirror
def test_multi30k(mirror):
    assert len(download.multi30k("train", "en")) == len(download.multi30k("train", "de")) == 29_000
    assert len(download.multi30k("test_2016_flickr", "fr")) == 1_000
    assert download.multi30k("train", "en")[0] == "Two young, White males are outside near many bushes."
    with pytest.raises(CourseError, match="has no train"):
        download.multi30k("train", "es")


@needs_mirror
def test_tatoeba_is_grouped_by_english_sentence(mirror):
    pairs = download.tatoeba()
    assert sum(len(french) for french in pairs.values()) == 142_787
    assert max(map(len, pairs.values())) > 1


@needs_mirror
def test_human_alignments(mirror):
    pairs = download.human_alignments()
    assert len(pairs) == 447
    for pair in pairs:
        assert pair.sure <= pair.possible
        assert all(i < len(pair.source) and j < len(pair.target) for i, j in pair.possible)
    assert any(pair.sure < pair.possible for pair in pairs)


@needs_mirror
def test_film_reviews(mirror):
    reviews = download.film_reviews()
    assert len(reviews) == 2000
    assert sum(good for _, good, _ in reviews) == 1000
    assert {number for number, _, _ in reviews} == set(range(1000))
    assert all(words for _, _, sentences in reviews for words in sentences)


@needs_mirror
def test_sick(mirror):
    pairs = download.sick()
    assert len(pairs) == 9927
    assert {label for *_, label in pairs} == {"entailment", "contradiction", "neutral"}
    assert pairs[0][1].startswith("A group of kids is playing")


def test_a_download_is_kept_and_not_repeated(home, monkeypatch):
    _, local, content = home
    assert download.fetch("set/file").read_bytes() == content
    monkeypatch.setattr(download, "_download", lambda _: pytest.fail("fetched twice"))
    assert download.fetch("set/file") == local


def test_wrong_bytes_are_refused_and_not_kept(home, monkeypatch):
    source, local, _ = home
    other = download.Source(source.path, source.url, "0" * 64)
    monkeypatch.setattr(download, "SOURCES", {"set/file": other})
    with pytest.raises(CourseError, match="does not match its hash: what http"):
        download.fetch("set/file")
    assert not local.exists()


def test_a_damaged_cache_is_named(home):
    _, local, _ = home
    download.fetch("set/file")
    local.write_bytes(b"something else")
    with pytest.raises(CourseError, match="remove it and try again"):
        download.fetch("set/file")


def test_no_network_is_a_sentence(home, monkeypatch):
    source, local, _ = home
    closed = download.Source(source.path, "http://127.0.0.1:9/file", source.sha256)
    monkeypatch.setattr(download, "SOURCES", {"set/file": closed})
    with pytest.raises(
        CourseError, match="Connect to a network, or put the file into a folder and name that folder in"
    ):
        download.fetch("set/file")
    assert not local.exists()


def test_a_full_disk_leaves_nothing_half_written(home, monkeypatch):
    _, local, _ = home

    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CourseError, match="No space left on device"):
        download.fetch("set/file")
    assert list(local.parent.iterdir()) == []


def test_a_mirror_without_the_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(download.MIRROR, str(tmp_path))
    with pytest.raises(CourseError, match="has no multi30k"):
        download.multi30k("train", "en")
