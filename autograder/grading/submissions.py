"""Where submissions come from: nbgrader's folders, a flat folder, or a zip; each read as bytes, never followed."""

import os
import re
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lessonkit.errors import CourseError

LARGEST = 10 << 20  # bytes of one notebook; a lesson with all its figures has about one million
MOST_FILES = 20_000  # in one zip
_STUDENT = re.compile(r"[^\w.@+-]+")


@dataclass(frozen=True)
class Submission:
    """One student's file for one lesson: its bytes, or the reason why it was not read."""

    student: str
    name: str  # where it lay, for messages
    content: bytes = b""
    refused: str = ""


def find_submissions(place: Path, lesson: str) -> list[Submission]:
    """The submissions for a lesson in a folder or a zip, sorted by student. Of two by one student neither counts.

    Understood are nbgrader's layout (STUDENT/LESSON/LESSON.ipynb), a folder a student (STUDENT/*.ipynb), and a flat
    folder or zip as learning platforms make them (STUDENT_LESSON.ipynb, STUDENT.ipynb). Links are refused, other
    files ignored.

    Raises:
        CourseError: there is no such folder or zip, or no notebook in it.
    """
    if not place.exists():
        raise CourseError(f"There is no folder or zip {place}. Name the one that holds the submissions.")
    entries = _from_folder(place) if place.is_dir() else _from_zip(place)
    found: dict[str, Submission] = {}
    for path, content, refused in sorted(entries, key=lambda entry: str(entry[0])):
        student = _student_of(path, lesson)
        if student is None:
            continue
        if student in found:
            refused = f"{path.name} is a second notebook of {student} for this lesson; {found[student].name} was first"
            found[student] = Submission(student, found[student].name, b"", refused)
        else:
            found[student] = Submission(student, str(path), content, refused)
    if not found:
        raise CourseError(f"There is no notebook for lesson {lesson} in {place}.")
    return [found[student] for student in sorted(found)]


def _student_of(path: PurePosixPath, lesson: str) -> str | None:
    """The student a notebook belongs to, or None if it belongs to another lesson."""
    parts = path.parts
    if len(parts) >= 3 and parts[-2][:3] != lesson[:3] and re.match(r"\d\d_", parts[-2]):
        return None
    if len(parts) >= 3 and parts[-2] == lesson:
        return _clean(parts[-3]) if path.stem == lesson else None
    if re.match(r"\d\d_", path.stem) and not path.stem.startswith(lesson):
        return None
    if len(parts) >= 2 and not path.stem.startswith(lesson):
        return _clean(path.stem.removesuffix(lesson).rstrip("_- ") or parts[-2])
    if len(parts) >= 2:
        return _clean(parts[-2])
    return _clean(path.stem.removesuffix(lesson).rstrip("_- ")) or None


def _clean(name: str) -> str:
    name = name.split("_assignsubmission_")[0]  # Moodle's folders
    return _STUDENT.sub("-", name).strip("-.")[:80] or "unnamed"


def _from_folder(folder: Path) -> Iterator[tuple[PurePosixPath, bytes, str]]:
    for root, folders, files in os.walk(folder, followlinks=False):
        here = Path(root)
        for name in sorted(folders):
            if (here / name).is_symlink():
                folders.remove(name)
                yield (
                    PurePosixPath((here / name / f"{name}.ipynb").relative_to(folder).as_posix()),
                    b"",
                    "the folder is a link",
                )
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            path = here / name
            if path.suffix == ".ipynb":
                content, refused = _read(path)
                yield PurePosixPath(path.relative_to(folder).as_posix()), content, refused


def _read(path: Path) -> tuple[bytes, str]:
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


def _from_zip(path: Path) -> Iterator[tuple[PurePosixPath, bytes, str]]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise CourseError(f"{path} is no zip file that can be read ({error}).") from error
    with archive:
        entries = archive.infolist()
        if len(entries) > MOST_FILES:
            raise CourseError(f"{path} has {len(entries)} files; more than {MOST_FILES} are not read. Split it.")
        for entry in entries:
            name = PurePosixPath(entry.filename.replace("\\", "/"))
            if name.suffix != ".ipynb" or "__MACOSX" in name.parts or name.name.startswith("."):
                continue
            parts = tuple(part for part in name.parts if part not in ("/", "..", "."))
            yield PurePosixPath(*parts), *_read_entry(archive, entry)


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[bytes, str]:
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
