"""What a class handed in for one lesson: for each student the notebook that counts, and why the others don't."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from autograder.authoring.source import lesson_names
from autograder.grading import owners
from autograder.grading.files import LARGEST, Content, File, files_in, printable
from autograder.grading.late import in_zone
from autograder.grading.layouts import owned
from autograder.grading.names import CANDIDATE, clean, composed, lesson_in, meant_for
from autograder.grading.owners import FLAT, FOLDERS, Owner
from lessonkit.errors import CourseError

__all__ = ["LARGEST", "Collection", "Line", "Submission", "collect", "find_submissions"]

NBGRADERS = ("timestamp.txt", "submission_secret.txt")  # what nbgrader's exchange puts beside a notebook
MOST_COMPARED = 10  # notebooks of one student that are read to see whether they are the same
MOST_LOOKED_INTO = 5  # other files of one student that are read to see whether one is a notebook


@dataclass(frozen=True)
class Submission:
    """One student's file for one lesson: its bytes, or the reason why it was not read."""

    student: str
    file: str  # where it lay, for messages
    content: bytes = b""
    refused: str = ""
    name: str = ""  # the student's, for people
    time: datetime | None = None  # when it was handed in, as `time_from` says; without a zone where that names none
    time_from: str = ""
    late: bool = False  # marked as late by the platform
    notes: tuple[str, ...] = ()
    layout: str = ""  # whose way of naming files it was found by
    earlier: tuple[
        tuple[str, datetime | None], ...
    ] = ()  # the student's further files for the lesson, with their times
    reader: Callable[[], Content] | None = field(default=None, compare=False, repr=False)

    def read(self) -> "Submission":
        """The same with its bytes: they are read when its turn comes."""
        if self.reader is None:
            return self
        content, refused = self.reader()
        return replace(self, content=content, refused=refused or self.refused, reader=None)

    def facts(self, due: datetime | None = None) -> dict[str, object]:
        """How it was handed in, as plain values; a time without a zone is in the due date's, or this machine's."""

        def text(time: datetime | None) -> str | None:
            return in_zone(time, due).isoformat() if time else None

        return {
            "time": text(self.time),
            "from": self.time_from,
            "late_mark": self.late,
            "file": self.file,
            "name": self.name,
            "layout": self.layout,
            "attempts": [{"file": file, "time": text(time)} for file, time in (*self.earlier, (self.file, self.time))],
        }


@dataclass(frozen=True)
class Line:
    """One file of the dry run: whose it is, for which lesson, whether it counts, and why."""

    file: str
    student: str = ""
    lesson: str = ""
    counts: bool = False
    why: str = ""
    time: datetime | None = None


@dataclass(frozen=True)
class Collection:
    """What was found for a lesson: the submissions by student, how they were recognised, and a line a file."""

    layout: str
    submissions: tuple[Submission, ...]
    lines: tuple[Line, ...]

    @property
    def not_used(self) -> tuple[Line, ...]:
        """The files that don't count."""
        return tuple(line for line in self.lines if not line.counts)


@dataclass(frozen=True)
class _Claim:
    """A notebook of somebody's: how sure it is that it is meant for the lesson."""

    owner: Owner
    rank: int
    file: File


def find_submissions(place: Path, lesson: str, pattern: str | None = None) -> list[Submission]:
    """The submissions for a lesson in a folder or a zip, read, sorted by student; see `collect`."""
    return [submission.read() for submission in collect(place, lesson, pattern).submissions]


def collect(place: Path, lesson: str, pattern: str | None = None) -> Collection:
    """Find the submissions for a lesson in a folder or a zip. Nothing is left out without a line that says why.

    Understood are the layouts of `owners.LAYOUTS`, nbgrader's folders, a folder a student, and one flat folder, each
    also with folders around it; others by a pattern with nbgrader's named groups. Of several attempts the last counts,
    of several notebooks in one the one that is named as the lesson; of two that are equally meant neither does.

    Raises:
        CourseError: there is no such folder or zip, no notebook for the lesson in it, or a pattern that can't be used.
    """
    files = files_in(place)
    lessons = sorted({*lesson_names(), lesson})
    placed, layout = owned(files, place, owners.custom(pattern) if pattern else None, lessons)
    stamps = {file.parts[:-1]: file for file in files if file.parts[-1] == NBGRADERS[0]}
    claims: dict[str, list[_Claim]] = defaultdict(list)
    lines: list[Line] = []
    others: dict[str, list[tuple[Owner, File]]] = defaultdict(list)
    for file, file_owners, why in placed:
        if not file_owners:
            lines.append(Line(file.name, why=why))
            continue
        for owner in file_owners:
            if not file.is_notebook:
                if file.parts[-1] not in NBGRADERS:
                    others[clean(owner.id)].append((owner, file))
                continue
            if owner.time is None and file.time is not None:
                owner = replace(owner, time=file.time, from_zip=True)
            if stamp := stamps.get(owners.stamp_folder(owner, file.parts)):
                said = stamp.read()[0][:100].decode("utf-8", "replace").strip()
                time = owners.moment(said, owners.stamp_form(owner)) or owner.time
                owner = replace(owner, time=time, stamped=True)
            stem = File((owner.file or file.parts[-1],), file.read).stem if owner.file else file.stem
            rank, other = meant_for(lesson, lessons, stem, file.parts[:-1])
            if rank is None:
                lines.append(Line(file.name, clean(owner.id), other, why=f"belongs to lesson {other}"))
            else:
                claims[clean(owner.id)].append(_Claim(owner, rank, file))
    for identity in sorted(others.keys() - claims.keys()):
        for owner, file in _notebooks_by_what_they_hold(others[identity]):
            others[identity].remove((owner, file))
            rank, other = meant_for(lesson, lessons, file.stem, file.parts[:-1])
            if rank is None:
                lines.append(Line(file.name, identity, other, why=f"belongs to lesson {other}"))
            else:
                claims[identity].append(_Claim(owner, max(rank, CANDIDATE - 1), file))
    submissions = [_choose(own, lesson, lines) for _, own in sorted(claims.items())]
    for identity, extra in sorted(others.items()):
        is_for_this = layout not in (FOLDERS, FLAT, "--pattern") or any(
            lesson_in(file.parts[-1], lessons) == lesson for _, file in extra
        )
        submissions += _without_notebook(extra, lesson, lines, identity in claims or not is_for_this)
    if not submissions:
        raise CourseError(f"There is no notebook for lesson {lesson} in {place}." + _what_is_there(files))
    ordered = sorted(submissions, key=lambda s: s.student)
    return Collection(layout, tuple(ordered), tuple(sorted(lines, key=lambda line: (line.file, line.student))))


def _what_is_there(files: Sequence[File]) -> str:
    there = [file.name for file in files[:3]]
    return f" What lies there: {', '.join(there)}{' ...' if len(files) > 3 else ''}" if there else " It is empty."


# Which of several counts


def _choose(claims: list[_Claim], lesson: str, lines: list[Line]) -> Submission:
    """One student's submission: of the last attempt the notebook that is meant."""
    student, name = clean(claims[0].owner.id), next((c.owner.name for c in claims if c.owner.name), "")
    last = max(claim.owner.order for claim in [c for c in claims if c.rank < CANDIDATE] or claims)
    attempts = claims if claims[0].owner.layout in (FOLDERS, FLAT) else [c for c in claims if c.owner.order == last]
    attempts = [claim for claim in attempts if not claim.file.fault] or attempts
    rank = min(claim.rank for claim in attempts)
    best = [c for c in attempts if c.rank == rank]
    if 1 < len(best) <= MOST_COMPARED and len({hashlib.sha256(c.file.read()[0]).digest() for c in best}) == 1:
        best = best[:1]  # the same twice
    best = _last_by_folder(best)
    chosen = best[0]
    refused = chosen.file.fault
    if len(best) > 1 and not refused:
        second = best[1].file.name
        refused = f"{second} is a second notebook of this student for the lesson; {chosen.file.name} was first"
    for claim in claims:
        why = _why(claim, chosen, refused)
        counts = claim is chosen and not refused
        lines.append(Line(claim.file.name, student, lesson, counts, why, claim.owner.time))
    unused = [c.file.name for c in claims if c is not chosen]
    notes = (f"Further notebooks that don't count: {', '.join(unused[:5])}.",) if unused and not refused else ()
    return Submission(
        student,
        chosen.file.name,
        b"",
        refused,
        printable(composed(name)),
        chosen.owner.time,
        _time_from(chosen.owner),
        chosen.owner.late,
        notes,
        chosen.owner.layout,
        tuple((c.file.name, c.owner.time) for c in sorted(claims, key=lambda c: c.owner.order) if c is not chosen),
        None if refused else chosen.file.read,
    )


def _last_by_folder(claims: list[_Claim]) -> list[_Claim]:
    """Of notebooks that differ in one folder only, which counts attempts or says a date, the last: "Revision 2"."""
    paths = [claim.file.parts for claim in claims]
    if len(claims) < 2 or len({len(path) for path in paths}) > 1:
        return claims
    differing = [i for i, parts in enumerate(zip(*paths, strict=True)) if len(set(parts)) > 1]
    if len(differing) != 1 or differing[0] == len(paths[0]) - 1:
        return claims
    names = [path[differing[0]] for path in paths]
    if len({re.match(r"\D*", name)[0].casefold() for name in names}) > 1:
        return claims
    numbers = [[int(number[:15]) for number in re.findall(r"\d+", name)] for name in names]
    last = max(numbers)
    return [claim for claim, number in zip(claims, numbers, strict=True) if number == last] if last else claims


def _time_from(owner: Owner) -> str:
    """Where a time of handing in comes from."""
    if owner.time is None:
        return ""
    if owner.stamped:
        return "timestamp.txt"
    return "the zip" if owner.from_zip or owner.layout in (FOLDERS, FLAT) else owner.layout


def _why(claim: _Claim, chosen: _Claim, refused: str) -> str:
    if claim is chosen:
        return refused or claim.owner.layout
    if refused and claim.rank == chosen.rank:
        return refused
    if claim.owner.order < chosen.owner.order and claim.owner.layout not in (FOLDERS, FLAT):
        return f"an earlier attempt; {chosen.file.name} counts"
    return f"{chosen.file.name} counts for this student"


def _notebooks_by_what_they_hold(extra: Sequence[tuple[Owner, File]]) -> list[tuple[Owner, File]]:
    """Of what somebody without a notebook handed in, the files that are one under another ending."""
    hopeful = [pair for pair in extra if re.search(r"ipynb|\.(?:json|txt)$|^[^.]+$", pair[1].parts[-1], re.IGNORECASE)]
    return [pair for pair in hopeful[:MOST_LOOKED_INTO] if _is_one(pair[1].read()[0])]


def _is_one(content: bytes) -> bool:
    return content[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and all(
        key in content for key in (b'"cells"', b'"nbformat"')
    )


def _without_notebook(
    extra: list[tuple[Owner, File]], lesson: str, lines: list[Line], is_known: bool
) -> list[Submission]:
    """Somebody who handed in something else than a notebook is in the results, too, where it is for the lesson."""
    for owner, file in extra:
        lines.append(Line(file.name, clean(owner.id), why="is no notebook", time=owner.time))
    if is_known or not extra:
        return []
    owner, file = extra[0]
    refused = f"{file.parts[-1]} was handed in, and no notebook; hand in {lesson}.ipynb"
    return [
        Submission(
            clean(owner.id), file.name, b"", printable(refused), printable(owner.name), owner.time, layout=owner.layout
        )
    ]
