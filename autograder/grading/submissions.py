"""Where submissions come from: nbgrader's folders, a flat folder, or a zip; each read as bytes, never followed.

Students choose the names of files and folders below their own folder, so nothing in there says whose it is.
"""

import hashlib
import os
import re
import stat
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lessonkit.errors import CourseError

LARGEST = 10 << 20  # bytes of one notebook; a lesson with all its figures has about one million
MOST_FILES = 20_000  # in one zip
DEEPEST = 6  # folders within folders
LONGEST_NAME = 100  # bytes
FLAT = -1
_STUDENT = re.compile(r"[^\w.@+-]+")

Content = tuple[bytes, str]  # what a file holds, or the reason why it was not read


@dataclass(frozen=True)
class Submission:
    """One student's file for one lesson: its bytes, or the reason why it was not read."""

    student: str
    name: str  # where it lay, for messages
    content: bytes = b""
    refused: str = ""


@dataclass(frozen=True)
class _File:
    """A notebook that was found, not yet read."""

    parts: tuple[str, ...]
    read: Callable[[], Content]

    @property
    def name(self) -> str:
        """Where it lies, as text that can be shown and stored."""
        text = "/".join(self.parts).encode("utf-8", "replace").decode()
        return "".join(c if c.isprintable() else "?" for c in text)[-200:]


@dataclass(frozen=True)
class _Claim:
    """Whose a file may be. `level`: which folder of its path names the student; `rank`: 0 for the one that is meant."""

    owner: str
    level: int
    rank: int
    file: _File


def find_submissions(place: Path, lesson: str) -> list[Submission]:
    """The submissions for a lesson in a folder or a zip, sorted by student. Of two by one student neither counts.

    Understood are nbgrader's layout (STUDENT/LESSON/LESSON.ipynb), a folder a student (STUDENT/*.ipynb), and a flat
    folder or zip as learning platforms make them (STUDENT_LESSON.ipynb, STUDENT.ipynb). All may lie in a folder around
    them. Links are refused, other files ignored, and so are notebooks that lie deeper than a student's own.

    Raises:
        CourseError: there is no such folder or zip, or no notebook in it.
    """
    if not place.exists():
        raise CourseError(f"There is no folder or zip {place}. Name the one that holds the submissions.")
    if place.is_dir():
        return _choose(_in_folder(place), place, lesson)
    try:
        archive = zipfile.ZipFile(place)
    except Exception as error:  # zipfile fails on damaged ones in many ways
        raise CourseError(f"{place} is no zip file that can be read ({error}).") from error
    with archive:
        return _choose(_in_zip(archive, place), place, lesson)


def _choose(files: Iterable[_File], place: Path, lesson: str) -> list[Submission]:
    claims = [claim for file in sorted(files, key=lambda f: f.parts) if (claim := _claim(file, lesson)) is not None]
    # The highest folder that names a student does so for all: deeper ones were made by students.
    level = min((claim.level for claim in claims if claim.level != FLAT), default=FLAT)
    of: dict[str, list[_Claim]] = defaultdict(list)
    for claim in claims:
        if claim.level in (level, FLAT):
            of[claim.owner].append(claim)
    if not of:
        raise CourseError(f"There is no notebook for lesson {lesson} in {place}.")
    if level == 0 and len(of) == 1:  # one student, or a folder around the whole class
        others = {c.owner for c in claims if c.level > 0} | {c.file.parts[-1] for c in claims if c.rank == 1}
        if len(others) > 1:
            where = f"{place}/{next(iter(of))}"
            raise CourseError(f"All notebooks lie in {where}. If that is the class, unpack and name that folder.")
    students = _students(of)
    found = []
    for owner, own in of.items():
        best = [claim.file for claim in own if claim.rank == min(c.rank for c in own)]
        if len(best) > 1:
            refused = f"{best[1].name} is a second notebook of this student for the lesson; {best[0].name} was first"
            found.append(Submission(students[owner], best[0].name, b"", refused))
        else:
            found.append(Submission(students[owner], best[0].name, *best[0].read()))
    return sorted(found, key=lambda submission: submission.student)


def _claim(file: _File, lesson: str) -> _Claim | None:
    """Whose a notebook is, or None if it is nobody's, or of another lesson."""
    *folders, name = file.parts
    stem = name.removesuffix(".ipynb")
    if lesson in folders:
        at = folders.index(lesson)
        if at == 0 or at < len(folders) - 1 or stem != lesson:
            return None
        return _Claim(_owner(folders[at - 1]), at - 1, 0, file)
    of_another = re.match(r"\d\d_", stem) and not stem.startswith(lesson)
    if of_another or (len(folders) > 1 and re.match(r"\d\d_", folders[-1])):
        return None
    if folders:
        return _Claim(_owner(folders[-1]), len(folders) - 1, 1 if lesson in stem else 2, file)
    owner = stem.removesuffix(lesson).rstrip("_- ")
    return _Claim(_owner(owner), FLAT, 0, file) if owner else None


def _owner(name: str) -> str:
    return name.split("_assignsubmission_")[0]  # Moodle's folders


def _students(owners: Iterable[str]) -> dict[str, str]:
    """For each owner a name that is harmless in paths, tables and pages. Nobody's becomes the same as another's."""
    names = {owner: _clean(owner) for owner in owners}
    taken = defaultdict(list)
    for owner, name in names.items():
        taken[name.casefold()].append(owner)
    for same in taken.values():
        for owner in same if len(same) > 1 else ():
            if names[owner] != owner:  # whoever is really called so keeps the name
                names[owner] += "-" + hashlib.sha256(owner.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return names


def _clean(name: str) -> str:
    name = _STUDENT.sub("-", name).strip("-.").lstrip("-.+@")  # a table takes + and @ for a formula's beginning
    return name.encode()[:LONGEST_NAME].decode("utf-8", "ignore") or "unnamed"


def _in_folder(folder: Path) -> Iterator[_File]:
    for root, folders, names in os.walk(folder, followlinks=False):
        here = Path(root)
        parts = here.relative_to(folder).parts
        for name in sorted(folders):
            if (here / name).is_symlink():
                yield _File((*parts, name, f"{name}.ipynb"), lambda: (b"", "the folder is a link"))
            elif name.endswith(".ipynb"):
                yield _File((*parts, name), lambda: (b"", "this is no regular file"))
        deeper = len(parts) < DEEPEST - 1
        folders[:] = sorted(f for f in folders if deeper and not f.startswith(".") and not (here / f).is_symlink())
        for name in sorted(names):
            if name.endswith(".ipynb") and not name.startswith("."):
                yield _File((*parts, name), partial(_read, here / name))


def _read(path: Path) -> Content:
    """The bytes of a regular file that is small enough; else a reason."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return b"", "the file is a link" if path.is_symlink() else f"the file can't be read ({error.strerror})"
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b"", "this is no regular file"
        content = file.read(LARGEST + 1)
    return (content, "") if len(content) <= LARGEST else (b"", _too_large())


def _in_zip(archive: zipfile.ZipFile, path: Path) -> Iterator[_File]:
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise CourseError(f"{path} has {len(entries)} files; more than {MOST_FILES} are not read. Split it.")
    for entry in entries:
        parts = tuple(part for part in entry.filename.replace("\\", "/").split("/") if part not in ("", "..", "."))
        if not parts or not parts[-1].endswith(".ipynb") or parts[-1].startswith(".") or "__MACOSX" in parts:
            continue
        yield _File(parts, partial(_read_entry, archive, entry))


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Content:
    if stat.S_ISLNK(entry.external_attr >> 16):
        return b"", "the file is a link"
    if entry.file_size > LARGEST:
        return b"", _too_large()
    try:
        with archive.open(entry) as file:
            content = file.read(LARGEST + 1)  # never more, whatever the directory of the zip says
    except Exception as error:  # a damaged or encrypted entry costs its student only
        return b"", f"the file in the zip can't be read ({type(error).__name__})"
    return (content, "") if len(content) <= LARGEST else (b"", _too_large())


def _too_large() -> str:
    return f"the notebook is larger than {LARGEST >> 20} MB; clear its outputs and hand it in again"
