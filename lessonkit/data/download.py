"""Real data for full-size runs: fetched from its public home, checked against its SHA-256, and kept in a cache."""

import gzip
import hashlib
import os
import re
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from lessonkit.errors import CourseError

MIRROR, CACHE = "ATTENTION_MIRROR", "ATTENTION_CACHE"  # environment: a folder with the files; where to keep them
SECONDS = 60.0

_MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
_ALIGNMENTS = "https://raw.githubusercontent.com/neulab/awesome-align/master/examples/"
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"


@dataclass(frozen=True)
class Source:
    """A public file: its place in a mirror or cache, where it comes from, and the hash of its bytes.

    `unpacked`: the hash is that of what the gzip holds, because mirrors compress it differently.
    """

    path: str
    url: str
    sha256: str
    unpacked: bool = False


SOURCES = {
    source.path: source
    for source in (
        *(
            Source(f"multi30k/{name}.gz", f"{_MULTI30K}{name}.gz", sha256)
            for name, sha256 in {
                "train.en": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
                "train.de": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
                "train.fr": "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
                "val.en": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
                "val.de": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
                "val.fr": "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
                "test_2016_flickr.en": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
                "test_2016_flickr.de": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
                "test_2016_flickr.fr": "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
            }.items()
        ),
        Source(
            "tatoeba/fra-eng.zip",
            "https://www.manythings.org/anki/fra-eng.zip",
            "16c4f7d0df9e7c5e6c54cdb0447f3f4a18a55052ff5e2e0b27dd4a06c0e49d04",
        ),
        Source(
            "alignments/enfr.src-tgt",
            f"{_ALIGNMENTS}enfr.src-tgt",
            "19d56c3de3634ab8420d553df4d9dfd849502b18225f1599382e98a6de9cfc72",
        ),
        Source(
            "alignments/enfr.gold",
            f"{_ALIGNMENTS}enfr.gold",
            "0a11b51cba8a92a7608fb00884cb3cf50fe0fcc4e4aa92d70624fd11451c4ddd",
        ),
        Source(
            "reviews/review_polarity.tar.gz",
            "https://www.cs.cornell.edu/people/pabo/movie-review-data/review_polarity.tar.gz",
            "fc0dccc2671af5db3c5d8f81f77a1ebfec953ecdd422334062df61ede36b2179",
        ),
        Source(
            "sick/SICK.txt",
            "https://raw.githubusercontent.com/praguna/sick_dataset/6dbe1aac3896a37a688d95a61ca46db88793b285/SICK.txt",
            "3de6211d6cee83b1b444c1205da36bd18e6cabf5b4debfc24995b1510b796878",
        ),
        *(
            Source(f"mnist/{name}-ubyte.gz", f"{_MNIST}{name}-ubyte.gz", sha256, unpacked=True)
            for name, sha256 in {
                "train-images-idx3": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "train-labels-idx1": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "t10k-images-idx3": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "t10k-labels-idx1": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            }.items()
        ),
    )
}


@dataclass(frozen=True)
class AlignedPair:
    """Two sentences with human word alignments, from 0: sure links, and possible ones (which include the sure)."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    sure: frozenset[tuple[int, int]]
    possible: frozenset[tuple[int, int]]


def multi30k(split: str, language: str) -> list[str]:
    """Multi30k's sentences (Elliott et al. 2016): train 29,000, val 1,014, test_2016_flickr 1,000; in en, de, fr."""
    path = f"multi30k/{split}.{language}.gz"
    if path not in SOURCES:
        raise CourseError(f"Multi30k has no {split}.{language}: take train, val or test_2016_flickr, and en, de or fr.")
    return gzip.decompress(fetch(path).read_bytes()).decode("utf-8").splitlines()


def tatoeba() -> dict[str, list[str]]:
    """Tatoeba's English sentences of 2017 with their French translations, shortest first (CC BY 2.0).

    One English sentence has several translations: split by English sentence, or the test set leaks.
    """
    with zipfile.ZipFile(fetch("tatoeba/fra-eng.zip")) as archive:
        lines = archive.read("fra.txt").decode("utf-8").splitlines()
    pairs: dict[str, list[str]] = {}
    for line in lines:
        english, french = line.split("\t")[:2]
        pairs.setdefault(english, []).append(french)
    return pairs


def human_alignments() -> list[AlignedPair]:
    """447 English-French sentence pairs of the Hansards, aligned by hand (Och and Ney 2000)."""
    texts = fetch("alignments/enfr.src-tgt").read_text("utf-8").splitlines()
    golds = fetch("alignments/enfr.gold").read_text("utf-8").splitlines()
    return [_aligned(text, gold) for text, gold in zip(texts, golds, strict=True)]


def _aligned(text: str, gold: str) -> AlignedPair:
    source, target = (tuple(side.split()) for side in text.split("|||"))
    links = [re.fullmatch(r"(\d+)([-p])(\d+)", link).groups() for link in gold.split()]
    possible = frozenset((int(i) - 1, int(j) - 1) for i, _, j in links)
    sure = frozenset((int(i) - 1, int(j) - 1) for i, kind, j in links if kind == "-")
    return AlignedPair(source, target, sure, possible)


def film_reviews() -> list[tuple[int, bool, list[list[str]]]]:
    """2,000 film reviews (Pang and Lee 2004), half of them good: (number 0 to 999 of its class, good, sentences)."""
    found = []
    with tarfile.open(fetch("reviews/review_polarity.tar.gz")) as archive:
        for member in archive:
            if named := re.fullmatch(r"txt_sentoken/(pos|neg)/cv(\d{3})_\d+\.txt", member.name):
                text = archive.extractfile(member).read().decode("latin-1")
                sentences = [line.split() for line in text.splitlines() if line.strip()]
                found.append((int(named[2]), named[1] == "pos", sentences))
    return sorted(found)


def sick() -> list[tuple[int, str, str, str]]:
    """SICK (Marelli et al. 2014): number of the pair, two sentences, and entailment, contradiction or neutral."""
    rows = [line.split("\t") for line in fetch("sick/SICK.txt").read_text("utf-8").splitlines()[1:]]
    return [(int(number), first, second, label.lower()) for number, first, second, _, label in rows]


def fetch(path: str) -> Path:
    """The local file of a source: from the mirror, the cache, or its public home; its hash is always checked.

    Raises:
        CourseError: it can't be had, or isn't the file that the course was made with. Nothing half-written stays.
    """
    source = SOURCES[path]
    mirror = os.environ.get(MIRROR)
    if mirror:
        local = Path(mirror) / path
        if not local.is_file():
            raise CourseError(f"The mirror {mirror} ({MIRROR}) has no {path}: put it there, or unset {MIRROR}.")
        _check(local.read_bytes(), source, f"the file in the mirror, {local}")
        return local
    local = _cache() / path
    if local.is_file():
        _check(local.read_bytes(), source, f"the file in the cache, {local}; remove it and try again")
        return local
    content = _download(source)
    _check(content, source, f"what {source.url} sends now; it may have a newer edition")
    _keep(local, content)
    return local


def _cache() -> Path:
    return Path(os.environ.get(CACHE) or Path.home() / ".cache" / "attention-course")


def _check(content: bytes, source: Source, what: str) -> None:
    try:
        hashed = gzip.decompress(content) if source.unpacked else content
    except (OSError, EOFError, zlib.error):  # no gzip, or cut short: the hash won't match
        hashed = content
    if hashlib.sha256(hashed).hexdigest() != source.sha256:
        raise CourseError(
            f"{source.path} does not match its hash: {what}. The course needs SHA-256 {source.sha256[:12]}…."
        )


def _download(source: Source) -> bytes:
    try:
        request = urllib.request.Request(source.url, headers={"User-Agent": "attention-course"})
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise CourseError(
            f"{source.path} can't be fetched from {source.url} ({reason}). Connect to a network, or put the file "
            f"into a folder and name that folder in {MIRROR}."
        ) from error


def _keep(local: Path, content: bytes) -> None:
    unfinished = None
    try:
        local.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=local.parent, delete=False) as file:
            unfinished = Path(file.name)
            file.write(content)
        unfinished.replace(local)
    except OSError as error:
        if unfinished:
            unfinished.unlink(missing_ok=True)
        raise CourseError(
            f"{local} can't be written ({error.strerror}): make room, or name another folder in {CACHE}."
        ) from error
