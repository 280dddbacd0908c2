"""Recognises how a class was handed over: which folders lie around it, which layout it has, and whose each file is."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autograder.grading import owners
from autograder.grading.archives import archive_ending
from autograder.grading.files import NOTEBOOK, File
from autograder.grading.names import DECORATED, lesson_in, meant_for, owner_in_stem
from autograder.grading.owners import FLAT, FOLDERS, OUR_OWN, Layout, Owner
from lessonkit.errors import CourseError

Owned = tuple[File, list[Owner], str]  # a file, whose it is, and else why it is nobody's
# Of folders that lie beside each other the one with what was handed in, and those that programs put there.
_HANDED_IN = {
    "submitted": {"source", "release", "autograded", "feedback"},  # nbgrader's course folder
    "submitted files": {"working files"},  # Microsoft Teams, in SharePoint
}
_TASK = re.compile(
    r"(?:week|hw|homework|lesson|task|assignment|exercise|part)[\W_]*+\d+", re.IGNORECASE
)  # no student's
_PART_OF_A_DOWNLOAD = re.compile(r".*-\d{8}T\d{6}Z?-\d+(?:-\d+)?(?:\.zip)?$")  # Google Drive: NAME-20260301T101010Z-001


def owned(
    files: list[File], place: Path, pattern: re.Pattern | None, lessons: Sequence[str]
) -> tuple[list[Owned], str]:
    """For every file its owners, or the reason why it has none; and the name of the layout."""
    if pattern is not None:
        found = [(file, owners.owner_by(pattern, "/".join(file.parts))) for file in files]
        return [(f, [owner] if owner else [], "--pattern does not fit its path") for f, owner in found], "--pattern"
    files, beside, start = _without_what_lies_beside(files)
    if files and all(_PART_OF_A_DOWNLOAD.match(f.parts[0]) and len(f.parts) > 1 for f in files):
        start = max(start, 1)
    is_download = start == 1 or _PART_OF_A_DOWNLOAD.match(place.name) is not None
    depth, layout = _depth_and_layout(files, lessons, start)
    if layout is not None:
        found, name = _by_layout(files, depth, layout), layout.name
    elif several := _several_classes(files, lessons, start):
        found, name = several
    else:
        found, name = _by_names(files, depth, place, lessons, is_download)
    return found + beside, name


def _without_what_lies_beside(files: list[File]) -> tuple[list[File], list[Owned], int]:
    """The files without those that lie beside what was handed in: an instructor's, a program's, drafts.

    Also how deep the class lies, if that shows it.
    """
    depth = _shared(files)
    tops = {file.parts[depth].casefold() for file in files if len(file.parts) > depth + 1}
    for ours, others in _HANDED_IN.items():
        if ours in tops and tops & others:
            inside = [f for f in files if len(f.parts) > depth + 1 and f.parts[depth].casefold() == ours]
            kept = set(map(id, inside))
            beside = [file for file in files if id(file) not in kept]
            why = f"lies beside the folder {ours!r}: it was not handed in"
            return inside, [(file, [], why) for file in beside], depth + 1
    return files, [], 0


def _shared(files: Sequence[File], start: int = 0) -> int:
    """How many folders all notebooks lie in."""
    depth, notebooks = start, [file for file in files if file.is_notebook] or list(files)
    while notebooks and all(len(f.parts) > depth + 1 for f in notebooks) and len(_heads(notebooks, depth)) == 1:
        depth += 1
    return depth


# A platform's layout


def _by_layout(files: Sequence[File], depth: int, layout: Layout) -> list[Owned]:
    """The files by a platform's names on top, which lie at a depth."""
    heads = _heads(files, depth)
    prefix, submitters = "", {}
    people: dict[str, tuple[str, str]] = {}
    if layout.name == "Blackboard":
        prefix, people = _blackboards_people(files, depth, heads)
    if layout.name == "Gradescope":
        sheet = next((file for file in files if file.parts[depth:] == ("submission_metadata.yml",)), None)
        submitters = owners.gradescope_owners(sheet.read()[0]) if sheet else {}
    found: list[Owned] = []
    for file in files:
        rest = file.parts[depth:]
        if rest and rest[0] in submitters:
            found.append((file, submitters[rest[0]], ""))
            continue
        below = "/".join(rest[1:])
        owner = owners.owner_in(layout, _bare(rest[0]), below, prefix) if rest else None
        if owner is not None and (said := people.get(rest[0].partition("_attempt_")[0])):
            owner = replace(owner, id=said[0], name=said[1])
        if owner is not None and len(rest) == 1 and owners.two_marks(layout, rest[0]):
            found.append((file, [], "its name holds Moodle's mark twice: whose it is can't be told"))
        elif owner is not None and layout.not_theirs is not None and layout.not_theirs.match(below):
            found.append((file, [], f"is not what was handed in, but {layout.name}'s or the instructor's"))
        elif owner is None:
            found.append((file, [], f"its name is not as {layout.name} makes them"))
        else:
            found.append((file, [owner], ""))
    return found


def _blackboards_people(
    files: Sequence[File], depth: int, heads: dict[str, list[str]]
) -> tuple[str, dict[str, tuple[str, str]]]:
    """What stands before the user names, and for each name on top, up to the attempt, the user's name and the person's.

    Both the assignment's name and a user's may hold an underscore. The text that Blackboard puts beside each attempt
    says who it is; a student's own file is never called as that is.
    """
    tops = {head.partition("_attempt_")[0] for head in heads if "_attempt_" in head}
    people: dict[str, tuple[str, str]] = {}
    for file in files:
        top, _, attempt = file.parts[-1].partition("_attempt_")
        if len(file.parts) == depth + 1 and re.fullmatch(r"\d{4}(?:-\d\d){5}\.txt", attempt):
            first = file.read()[0][:500].decode("utf-8-sig", "replace").partition("\n")[0]
            said = re.fullmatch(r"[^:]{1,30}: *(?P<name>.*) \((?P<id>[^()]+)\)\s*", first)
            if said and top.endswith(f"_{said['id']}"):
                people[top] = (said["id"], said["name"])
    before = {top[: len(top) - len(people[top][0])] for top in people}
    if len(before) == 1:
        (prefix,) = before
        if all(top.startswith(prefix) for top in tops):
            return prefix, people
    return owners.common_beginning(sorted(tops), "_"), people


def _bare(head: str) -> str:
    """A name on top without the ending of an archive that was looked into."""
    return head[: len(head) - len(archive_ending(head))]


_ENDINGS = (*NOTEBOOK, ".txt", ".zip", ".py", ".pdf", ".html", ".docx")


def _may_be_students(head: str, below: Sequence[str]) -> bool:
    """Whether a name on top may be a student's, and not a table that a platform puts beside the students' folders."""
    return any(below) or "." not in head or head.casefold().endswith(_ENDINGS)


def _heads(files: Sequence[File], depth: int) -> dict[str, list[str]]:
    """The names at a depth, each with the paths below it."""
    heads: dict[str, list[str]] = defaultdict(list)
    for file in files:
        rest = file.parts[depth:]
        if rest:
            heads[_bare(rest[0])].append("/".join(rest[1:]))
    return heads


def _platforms(files: Sequence[File], lessons: Sequence[str], start: int) -> tuple[int, Layout | None]:
    """A platform's layout in the folders that all notebooks share, or right below them; and how deep it lies."""
    for depth in range(start, _shared(files, start) + 1):
        heads = {head: below for head, below in _heads(files, depth).items() if _may_be_students(head, below)}
        if layout := owners.layout_of(heads, lessons):
            return depth, layout
    return start, None


def _depth_and_layout(files: Sequence[File], lessons: Sequence[str], start: int) -> tuple[int, Layout | None]:
    """How many folders lie around the whole class, and the platform's layout, if it is one's.

    Folders around it are those that all notebooks share. Below them a platform's names are looked for; without any, a
    folder is the class's if there are several folders in it that are not lessons or parts of our release.
    """
    depth, layout = _platforms(files, lessons, start)
    if layout is not None:
        return depth, layout
    notebooks = [file for file in files if file.is_notebook] or list(files)
    ours, depth = {*OUR_OWN, *lessons}, start
    while notebooks and all(len(file.parts) > depth + 1 for file in notebooks):
        heads = _heads(notebooks, depth)
        if heads.keys() <= ours and not _is_several(heads):
            depth += 1
            continue
        below = {path.partition("/")[0] for paths in heads.values() for path in paths}
        folders = {file.parts[depth + 1] for file in notebooks if len(file.parts) > depth + 2}
        if len(heads) == 1 and _holds_submissions(notebooks, depth):
            depth += 2
        elif len(heads) > 1 or len(folders) < 2 or below & ours or _dated(folders):
            break
        else:
            depth += 1
    return depth, None


def _holds_submissions(notebooks: Sequence[File], depth: int) -> bool:
    """Whether a folder holds just one, which is called as what it holds, and has students' folders in it."""
    named = all(
        len(f.parts) > depth + 3 and f.parts[depth + 1].casefold() in ("submissions", "submitted") for f in notebooks
    )
    return named and len({f.parts[depth + 2] for f in notebooks}) > 1


def _is_several(heads: dict[str, list[str]]) -> bool:
    return len(heads) > 1 and bool(heads.keys() & {"submissions", "submitted", "handin"})


def _dated(folders: set[str]) -> bool:
    """Whether these are dates: attempts of one student."""
    return all(re.fullmatch(r"\d{4}-?\d\d-?\d\d.*", name) for name in folders)


# Several classes side by side: sections, groups, weeks, the parts of a download


def _several_classes(files: Sequence[File], lessons: Sequence[str], start: int) -> tuple[list[Owned], str] | None:
    """The files of a place whose folders (or archives) each hold a class of their own; None if they don't.

    Most of them must show it, by the names that a platform makes or by students' folders. A student has one of these
    folders at most, so no student can decide this for the others.
    """
    depth = _shared(files, start)
    classes: dict[str, list[File]] = defaultdict(list)
    for file in files:
        if len(file.parts) > depth + 1:
            classes[file.parts[depth]].append(file)
    if len(classes) < 2 or any(f.is_notebook and len(f.parts) == depth + 1 for f in files):
        return None
    alone = [(f, [], "lies beside the folders with what was handed in") for f in files if len(f.parts) <= depth + 1]
    seen = {name: _platforms(inside, lessons, depth + 1) for name, inside in classes.items()}
    times = Counter(layout.name for _, layout in seen.values() if layout is not None)
    most = times.most_common(1)[0] if times else ("", 0)
    if 2 * most[1] > len(classes):
        layout = next(layout for _, layout in seen.values() if layout is not None and layout.name == most[0])
        found: list[Owned] = []
        for name, inside in classes.items():
            found += _by_layout(inside, seen[name][0] if seen[name][1] is layout else depth + 1, layout)
        return found + alone, layout.name
    if _are_tasks(classes, depth) or _hold_students_folders(list(classes.values()), depth + 1, lessons):
        found = [
            (f, [Owner(_bare(f.parts[depth + 1]), layout=FOLDERS, time=f.time)], "")
            for fs in classes.values()
            for f in fs
        ]
        return found + alone, FOLDERS
    return None


def _are_tasks(classes: dict[str, list[File]], depth: int) -> bool:
    """Whether the folders are called after weeks or tasks, as no student is, and hold folders."""
    deep = all(len(file.parts) > depth + 2 for files in classes.values() for file in files if file.is_notebook)
    return deep and all(_TASK.fullmatch(_bare(name)) for name in classes)


def _hold_students_folders(classes: Sequence[Sequence[File]], depth: int, lessons: Sequence[str]) -> bool:
    """Whether most folders hold several folders, each with a notebook of one lesson's name, and no two the same.

    Folders that are called as drafts and attempts are, or as parts of our release, are no students'.
    """
    several, seen = 0, set()
    common = set(lessons)
    for files in classes:
        notebooks = [file for file in files if file.is_notebook]
        if any(len(file.parts) <= depth + 1 for file in notebooks):
            return False
        folders = {file.parts[depth] for file in notebooks}
        if not folders or folders & (seen | {*OUR_OWN, *lessons}) or any(map(_no_students, folders)):
            return False
        for folder in folders:
            common &= {_called(file.stem, lessons) for file in notebooks if file.parts[depth] == folder}
        seen |= folders
        several += len(folders) > 1
    return bool(common) and 2 * several > len(classes)


def _called(stem: str, lessons: Sequence[str]) -> str:
    """The lesson that a notebook is called as, whatever was put behind its name; "" for none."""
    ranks = {lesson: meant_for(lesson, lessons, stem, ())[0] for lesson in lessons}
    return next((lesson for lesson, rank in ranks.items() if rank is not None and rank <= DECORATED), "")


def _no_students(folder: str) -> bool:
    """Whether a folder is called as nobody is: a number, an attempt, an old or a final version."""
    words = re.findall(r"[^\W\d_]+", folder.casefold())
    drafts = {"attempt", "backup", "copy", "draft", "final", "new", "old", "revision", "try", "version", "v", "versuch"}
    return not words or bool(drafts & set(words)) or _TASK.fullmatch(folder) is not None


# Without a platform's marks


def _by_names(
    files: Sequence[File], depth: int, place: Path, lessons: Sequence[str], is_download: bool
) -> tuple[list[Owned], str]:
    """Without a platform's marks: a folder names the student for all below it; else the file's name does."""
    folders = sorted({_bare(file.parts[depth]) for file in files if len(file.parts) > depth + 1 and file.is_notebook})
    if len(folders) == 1 and _name_students(files, depth, lessons):
        if not is_download and depth == 0:
            raise CourseError(
                f"All notebooks lie in {place}/{folders[0]}. If that is the class, unpack and name that folder."
            )
        depth, folders = (depth + 1, []) if is_download else (depth, folders)
    prefix = _classroom_prefix(files, depth, folders, place)
    found: list[Owned] = []
    for file in files:
        rest = file.parts[depth:]
        if len(rest) > 1:
            head = _bare(rest[0])
            found.append((file, [Owner(head.removeprefix(prefix), layout=FOLDERS, time=file.time)], ""))
        elif not rest or not (file.is_notebook or lesson_in(file.parts[-1], lessons)):
            found.append((file, [], "is no notebook"))
        elif owner := owner_in_stem(file.stem, lessons):
            found.append((file, [Owner(owner, layout=FLAT, time=file.time)], ""))
        else:
            found.append((file, [], "neither its name nor a folder says whose it is"))
    return found, FOLDERS if folders else FLAT


def _classroom_prefix(files: Sequence[File], depth: int, folders: Sequence[str], place: Path) -> str:
    """What GitHub Classroom puts before the user names of its clones.

    Its own program clones them into the folder ASSIGNMENT-submissions, which says it. Else, if these are clones of our
    release, it is what all their names begin with.
    """
    around = next((f.parts[depth - 1] for f in files if depth and len(f.parts) > depth), place.name)
    assignment = around.removesuffix("-submissions") + "-"
    if around.endswith("-submissions") and folders and all(name.startswith(assignment) for name in folders):
        return assignment
    clones = {f.parts[depth] for f in files if len(f.parts) > depth + 2 and f.parts[depth + 1] in OUR_OWN}
    return owners.common_beginning(folders, "-") if clones == set(folders) else ""


def _name_students(files: Sequence[File], depth: int, lessons: Sequence[str]) -> bool:
    """Whether the notebooks of one folder name students: one student's, or a folder around the class?"""
    within = [file for file in files if file.is_notebook and len(file.parts) == depth + 2]
    return len({o for file in within if (o := owner_in_stem(file.stem, lessons)) and lesson_in(file.stem, lessons)}) > 1
