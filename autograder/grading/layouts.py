"""Recognises how a class was handed over: which folders lie around it, which layout it has, and whose each file is."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from autograder.grading import owners
from autograder.grading.files import NOTEBOOK, File
from autograder.grading.names import lesson_in, owner_in_stem
from autograder.grading.owners import FLAT, FOLDERS, OUR_OWN, Layout, Owner
from lessonkit.errors import CourseError


def owned(
    files: list[File], place: Path, pattern: re.Pattern | None, lessons: Sequence[str]
) -> tuple[list[tuple[File, list[Owner], str]], str]:
    """For every file its owners, or the reason why it has none; and the name of the layout."""
    if pattern is not None:
        found = [(file, owners.owner_by(pattern, "/".join(file.parts))) for file in files]
        return [(f, [owner] if owner else [], "--pattern does not fit its path") for f, owner in found], "--pattern"
    depth, layout = _depth_and_layout(files, lessons)
    if layout is None:
        return _by_names(files, depth, place, lessons)
    heads = _heads(files, depth)
    prefix = ""
    if layout.name == "Blackboard":
        prefix = owners.common_beginning([h.split("_attempt_")[0] for h in heads if "_attempt_" in h], "_")
    submitters = {}
    if layout.name == "Gradescope":
        sheet = next((file for file in files if file.parts[depth:] == ("submission_metadata.yml",)), None)
        submitters = owners.gradescope_owners(sheet.read()[0]) if sheet else {}
    found = []
    for file in files:
        rest = file.parts[depth:]
        if rest and rest[0] in submitters:
            found.append((file, submitters[rest[0]], ""))
            continue
        below = "/".join(rest[1:])
        owner = owners.owner_in(layout, _bare(rest[0]), below, prefix) if rest else None
        if owner is not None and len(rest) == 1 and owners.two_marks(layout, rest[0]):
            found.append((file, [], "its name holds Moodle's mark twice: whose it is can't be told"))
        elif owner is not None and layout.not_theirs is not None and layout.not_theirs.match(below):
            found.append((file, [], f"is not what was handed in, but {layout.name}'s or the instructor's"))
        elif owner is None:
            found.append((file, [], f"its name is not as {layout.name} makes them"))
        else:
            found.append((file, [owner], ""))
    return found, layout.name


def _bare(head: str) -> str:
    """A name on top without the ending of a zip that was looked into."""
    return head[:-4] if head.casefold().endswith(".zip") else head


_HANDED_IN = (*NOTEBOOK, ".txt", ".zip", ".py", ".pdf", ".html", ".docx")


def _may_be_students(head: str, below: Sequence[str]) -> bool:
    """Whether a name on top may be a student's, and not a table that a platform puts beside the students' folders."""
    return any(below) or "." not in head or head.casefold().endswith(_HANDED_IN)


def _heads(files: Sequence[File], depth: int) -> dict[str, list[str]]:
    """The names at a depth, each with the paths below it."""
    heads: dict[str, list[str]] = defaultdict(list)
    for file in files:
        rest = file.parts[depth:]
        if rest:
            heads[_bare(rest[0])].append("/".join(rest[1:]))
    return heads


def _depth_and_layout(files: Sequence[File], lessons: Sequence[str]) -> tuple[int, Layout | None]:
    """How many folders lie around the whole class, and the platform's layout, if it is one's.

    Folders around it are those that all notebooks share. Below them a platform's names are looked for; without any, a
    folder is the class's if there are several folders in it that are not lessons or parts of our release.
    """
    notebooks = [file for file in files if file.is_notebook] or list(files)
    shared = 0
    while notebooks and all(len(f.parts) > shared + 1 for f in notebooks) and len(_heads(notebooks, shared)) == 1:
        shared += 1
    for depth in range(shared + 1):
        heads = {head: below for head, below in _heads(files, depth).items() if _may_be_students(head, below)}
        if layout := owners.layout_of(heads):
            return depth, layout
    ours, depth = {*OUR_OWN, *lessons}, 0
    while notebooks and all(len(file.parts) > depth + 1 for file in notebooks):
        heads = _heads(notebooks, depth)
        if heads.keys() <= ours and not _is_several(heads):
            depth += 1
            continue
        below = {path.partition("/")[0] for paths in heads.values() for path in paths}
        folders = {file.parts[depth + 1] for file in notebooks if len(file.parts) > depth + 2}
        if len(heads) > 1 or len(folders) < 2 or below & ours or _dated(folders):
            break
        depth += 1
    return depth, None


def _is_several(heads: dict[str, list[str]]) -> bool:
    return len(heads) > 1 and bool(heads.keys() & {"submissions", "submitted", "handin"})


def _dated(folders: set[str]) -> bool:
    """Whether these are dates: attempts of one student."""
    return all(re.fullmatch(r"\d{4}-?\d\d-?\d\d.*", name) for name in folders)


def _by_names(
    files: Sequence[File], depth: int, place: Path, lessons: Sequence[str]
) -> tuple[list[tuple[File, list[Owner], str]], str]:
    """Without a platform's marks: a folder names the student for all below it; else the file's name does."""
    folders = sorted({_bare(file.parts[depth]) for file in files if len(file.parts) > depth + 1 and file.is_notebook})
    prefix = _classroom_prefix(files, depth, folders)
    if len(folders) == 1 and depth == 0:
        _refuse_a_folder_around(files, folders[0], place, lessons)
    found = []
    for file in files:
        rest = file.parts[depth:]
        if len(rest) > 1:
            head = _bare(rest[0])
            found.append((file, [Owner(head.removeprefix(prefix), layout=FOLDERS, time=file.time)], ""))
        elif not rest or not file.is_notebook:
            found.append((file, [], "is no notebook"))
        elif owner := owner_in_stem(file.stem, lessons):
            found.append((file, [Owner(owner, layout=FLAT, time=file.time)], ""))
        else:
            found.append((file, [], "neither its name nor a folder says whose it is"))
    return found, FOLDERS if folders else FLAT


def _classroom_prefix(files: Sequence[File], depth: int, folders: Sequence[str]) -> str:
    """What GitHub Classroom puts before the user names of its clones, if these are clones of our release."""
    clones = {f.parts[depth] for f in files if len(f.parts) > depth + 2 and f.parts[depth + 1] in OUR_OWN}
    return owners.common_beginning(folders, "-") if clones == set(folders) else ""


def _refuse_a_folder_around(files: Sequence[File], folder: str, place: Path, lessons: Sequence[str]) -> None:
    """One folder with several notebooks in it that name students: one student, or a folder around the class?"""
    within = [file for file in files if file.is_notebook and len(file.parts) == 2]
    if len({o for file in within if (o := owner_in_stem(file.stem, lessons)) and lesson_in(file.stem, lessons)}) > 1:
        raise CourseError(f"All notebooks lie in {place}/{folder}. If that is the class, unpack and name that folder.")
