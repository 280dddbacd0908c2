"""The files of a place where a class handed in: a folder, a zip, archives within it; read as bytes, never followed."""

import hashlib
import io
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from autograder.grading.archives import UNREAD, archive_ending, members_of_tar, unpacked
from lessonkit.errors import CourseError

LARGEST = 10 << 20  # bytes of one notebook without its outputs; a lesson with all its figures has about one million
LARGEST_WITH_OUTPUTS = 200 << 20
LARGEST_ZIP = 100 << 20  # of a zip within a folder or zip
MOST_FILES = 20_000  # in one zip
LONGEST_PART = 1_000  # characters of a name in a zip; a file system takes 255 bytes
DEEPEST = 12  # folders within folders
MOST_NESTED = 2  # zips within zips
NOTEBOOK = (".ipynb", ".ipynb.txt", ".ipynb.json")
# What browsers and systems make of that ending: ".ipynb (1)", ".ipynb.download", ".ipynb - Copy".
_NOTEBOOK = re.compile(r"\.ipynb(?:\.(?:txt|json|download|crdownload|part)|[ _(-][^.]*)?$", re.IGNORECASE)

Content = tuple[bytes, str]  # what a file holds, or the reason why it was not read


@dataclass(frozen=True)
class File:
    """A file that was found, not yet read. `time`: when a zip says it was written, without a time zone.

    `fault`: why something that may hold a notebook can't be looked into.
    """

    parts: tuple[str, ...]
    read: Callable[[], Content]
    time: datetime | None = None
    fault: str = ""

    @property
    def name(self) -> str:
        """Where it lies, as text that can be shown and stored."""
        return printable("/".join(self.parts))

    @property
    def is_notebook(self) -> bool:
        """Whether its name says that it is a notebook, in whatever spelling, or may hold one."""
        return bool(self.fault) or _NOTEBOOK.search(self.parts[-1]) is not None

    @property
    def stem(self) -> str:
        """Its name without the ending of a notebook or archive, or any other that has no blank in it."""
        name = self.parts[-1]
        found = _NOTEBOOK.search(name)
        if found is None:
            return (
                name[: len(name) - len(archive_ending(name))]
                if archive_ending(name)
                else name.rpartition(".")[0] or name
            )
        return name[: found.start()] + (found[0][6:] if found[0][6:7] != "." else "")


def printable(text: str, most: int = 200) -> str:
    """The text (its end, if it is long) with a question mark for what can't be shown."""
    text = text[-most:].encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "?" for c in text)


def files_in(place: Path) -> list[File]:
    """All files of a folder or zip, in order; hidden ones and those of editors and systems are left out.

    Raises:
        CourseError: there is no such folder or zip, or it can't be read.
    """
    if not place.exists():
        raise CourseError(f"There is no folder or zip {place}. Name the one that holds the submissions.")
    if place.is_dir():
        found = _in_folder(place)
    elif (ending := archive_ending(place.name)) and ending != ".zip":
        raise CourseError(f"{place} is a {ending} archive, not a zip. Unpack it, and name the folder.")
    else:
        archive = _opened(place, str(place))
        found = _in_zip(lambda: archive, (), str(place), 0)
    return sorted(found, key=lambda file: file.parts)


def _hidden(parts: tuple[str, ...]) -> bool:
    return any(p.startswith(".") or p in ("__MACOSX", "__pycache__") for p in parts) or "-checkpoint." in parts[-1]


def _in_folder(folder: Path) -> Iterator[File]:
    for root, folders, names in os.walk(folder, followlinks=False):
        here = Path(root)
        parts = here.relative_to(folder).parts
        for name in sorted(folders):
            if (here / name).is_symlink():
                yield _unreadable((*parts, name, f"{name}.ipynb"), "the folder is a link")
            elif name.casefold().endswith(".ipynb"):
                yield _unreadable((*parts, name), "this is no regular file")
        deeper = len(parts) < DEEPEST - 1
        folders[:] = sorted(f for f in folders if deeper and not _hidden((f,)) and not (here / f).is_symlink())
        for name in sorted(names):
            if _hidden((name,)):
                continue
            if archive_ending(name) and stat.S_ISREG((here / name).lstat().st_mode):
                yield from _nested((*parts, name), partial(_read, here / name, LARGEST_ZIP), 0, None)
            else:
                yield File((*parts, name), partial(_read, here / name, LARGEST_WITH_OUTPUTS))


def _read(path: Path, most: int) -> Content:
    """The bytes of a regular file that is small enough; else a reason."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return b"", "the file is a link" if path.is_symlink() else f"the file can't be read ({error.strerror})"
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b"", "this is no regular file"
        return _small_enough(file.read(most + 1), most)


def _opened(source: Path | io.BytesIO, name: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except Exception as error:  # zipfile fails on damaged ones in many ways
        raise CourseError(f"{name} is no zip file that can be read ({error}).") from error


def _unreadable(parts: tuple[str, ...], why: str, time: datetime | None = None) -> File:
    return File(parts, lambda: (b"", why), time, why)


def _in_zip(
    opened: Callable[[], zipfile.ZipFile],
    around: tuple[str, ...],
    name: str,
    nested: int,
    time: datetime | None = None,
) -> Iterator[File]:
    """The files of a zip. `time`: when the zip itself was written, which stands for all that is in it."""
    entries = opened().infolist()
    if len(entries) > MOST_FILES:
        raise CourseError(f"{name} has {len(entries)} files; more than {MOST_FILES} are not read. Split it.")
    for entry in entries:
        parts = (*around, *_parts(_name_of(entry)))
        if entry.is_dir() or len(parts) == len(around) or len(parts) > DEEPEST + nested or _hidden(parts):
            continue
        written = time or _time_of(entry)
        if archive_ending(parts[-1]):
            yield from _nested(parts, partial(_read_entry, opened, entry, LARGEST_ZIP), nested, written)
        else:
            yield File(parts, partial(_read_entry, opened, entry, LARGEST_WITH_OUTPUTS), written)


def _parts(name: str) -> tuple[str, ...]:
    """A path within an archive, without what would lead out of it, or to another drive."""
    inner = name.replace("\\", "/").split("/")
    return tuple(_short(p) for p in inner if p not in ("", "..", ".") and not re.fullmatch(r"[A-Za-z]:", p))


def _nested(parts: tuple[str, ...], read: Callable[[], Content], nested: int, time: datetime | None) -> Iterator[File]:
    """The files of an archive within the place; one that can't be read is named as a file of its own.

    The archive is read again for each of its files: holding it would hold all that a class sends. `time`: when it was
    written; what its own list says of times is the student's word, and asked only where nobody else says any.
    """

    def content() -> bytes:
        found, refused = read()
        if refused:
            raise CourseError(refused)
        return found

    ending = archive_ending(parts[-1])
    try:
        if ending in UNREAD:
            raise CourseError(f"{ending} is no kind of archive that is read here; hand in the notebook itself")
        if nested >= MOST_NESTED:
            raise CourseError("archives lie in archives; hand in the notebook itself")
        if ending == ".zip":
            yield from _in_zip(lambda: _opened(io.BytesIO(content()), "it"), parts, "it", nested + 1, time)
        elif ending == ".gz":
            yield File((*parts[:-1], parts[-1][:-3]), lambda: (unpacked(content()), ""), time)
        else:
            yield from _in_tar(content, parts, nested + 1, time)
    except CourseError as error:
        yield _unreadable(parts, f"the archive can't be read: {str(error).rstrip('.')}", time)


def _in_tar(
    content: Callable[[], bytes], around: tuple[str, ...], nested: int, time: datetime | None
) -> Iterator[File]:
    """The files of a tar archive, packed or not."""

    def read(number: int) -> Content:
        try:
            return members_of_tar(content())[number][2](), ""
        except (CourseError, IndexError) as error:
            return b"", f"the archive can't be read ({error})"

    for number, (name, written, _) in enumerate(members_of_tar(content())):
        parts = (*around, *_parts(name))
        if len(parts) > len(around) and len(parts) <= DEEPEST + nested and not _hidden(parts):
            yield File(parts, partial(read, number), time or written)


def _short(part: str) -> str:
    """A name as any file system could have it; a longer one, which nobody has, is another's in no case."""
    if len(part) <= LONGEST_PART:
        return part
    return f"{part[:100]}-{hashlib.sha256(part.encode('utf-8', 'replace')).hexdigest()}"


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The entry's name; without the flag for UTF-8 it may be UTF-8 all the same (macOS), as zipfile can't know."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _time_of(entry: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*entry.date_time) if entry.date_time[0] > 1980 else None
    except ValueError:
        return None


def _read_entry(opened: Callable[[], zipfile.ZipFile], entry: zipfile.ZipInfo, most: int) -> Content:
    if stat.S_ISLNK(entry.external_attr >> 16):
        return b"", "the file is a link"
    if entry.file_size > most:
        return b"", _too_large(most)
    try:
        with opened().open(entry) as file:
            return _small_enough(file.read(most + 1), most)  # never more, whatever the directory of the zip says
    except Exception as error:  # a damaged or encrypted entry costs its student only
        return b"", f"the file in the zip can't be read ({type(error).__name__})"


def _small_enough(content: bytes, most: int) -> Content:
    if len(content) > most:
        return b"", _too_large(most)
    if len(content) <= LARGEST or most == LARGEST_ZIP:
        return content, ""
    return without_outputs(content)


_STRIP = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
notebook = json.load(sys.stdin.buffer)

def text(value):
    return value if isinstance(value, str) and len(value) < 1000 else None

def small(cell):
    if not isinstance(cell, dict):
        return None
    metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
    nbgrader = metadata.get("nbgrader") if isinstance(metadata.get("nbgrader"), dict) else {}
    source = cell.get("source", cell.get("input"))
    if cell.get("cell_type") != "code" and len(json.dumps(source)) > 30000:
        source = ""
    return {
        "cell_type": text(cell.get("cell_type")),
        "id": text(cell.get("id")),
        "metadata": {"id": text(metadata.get("id")), "nbgrader": {"grade_id": text(nbgrader.get("grade_id"))}},
        "source": source,
    }

cells = [small(cell) for cell in notebook["cells"]]
made = json.dumps({"cells": cells, "metadata": {}, "nbformat": notebook.get("nbformat"), "nbformat_minor": 5})
if len(made) > int(sys.argv[1]):
    sys.exit(1)
sys.stdout.write(made)
"""


def without_outputs(content: bytes) -> Content:
    """A large notebook without what nobody reads: outputs, pictures, metadata. Another process takes the memory."""
    try:
        ran = subprocess.run(
            [sys.executable, "-I", "-c", _STRIP, str(LARGEST)],
            input=content,
            capture_output=True,
            timeout=60,
            check=True,
        )
    except (subprocess.SubprocessError, OSError, ValueError):
        return b"", _too_large(LARGEST)
    return (ran.stdout, "") if len(ran.stdout) <= LARGEST else (b"", _too_large(LARGEST))


def _too_large(most: int) -> str:
    return f"the notebook is larger than {most >> 20} MB; clear its outputs and hand it in again"
