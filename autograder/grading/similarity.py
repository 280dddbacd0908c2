"""Submissions that look alike, by copydetect's fingerprints (Schleimer et al. 2003, winnowing)."""

import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import nbformat
from copydetect import CodeFingerprint

from autograder.authoring.build import student_path
from autograder.authoring.notebook import cell_id
from autograder.authoring.source import LessonSource
from autograder.grading.graded_notebook import cells_of, graded_path, joined

K, WINDOW = 25, 8  # characters of a fingerprint's text; how many neighbours one fingerprint stands for
COMMON = 0.1  # of the class (and more than COMMON_LEAST students): what so many write is nobody's own
COMMON_LEAST = 3
LEAST = 12  # shared fingerprints, some 100 characters
ALIKE = 0.6  # of the smaller one's own fingerprints
LONGEST = 20_000  # characters of a student's text that are looked at: more than anybody writes


@dataclass(frozen=True)
class Pair:
    """Two students, the share of the smaller one's own text that both have, and how much that is (fingerprints)."""

    first: str
    second: str
    share: float
    fingerprints: int


def similar(lesson: LessonSource, students: Iterable[str], out: Path) -> list[Pair]:
    """Pairs of students who share text that is neither given, nor the reference's, nor common in the class.

    Names and comments count, as short functions are alike in everything else. Most alike first. A reason to look.
    """
    boilerplate = _fingerprints(_given(lesson), window=1)
    own = {name: _fingerprints(_written(lesson, name, out)) - boilerplate for name in students}
    counts = Counter(mark for marks in own.values() for mark in marks)
    most = max(COMMON_LEAST, COMMON * len(own))
    rare = {mark for mark, n in counts.items() if 2 <= n <= most}
    holders: dict[int, list[str]] = {}
    for name, marks in sorted(own.items()):
        for mark in marks & rare:
            holders.setdefault(mark, []).append(name)
    shared = Counter(pair for names in holders.values() for pair in combinations(names, 2))
    common = {mark for mark, n in counts.items() if n > most}
    sizes = {name: len(marks - common) for name, marks in own.items()}
    found = [Pair(a, b, n / min(sizes[a], sizes[b]), n) for (a, b), n in shared.items() if n >= LEAST]
    return sorted((p for p in found if p.share >= ALIKE), key=lambda p: (-p.fingerprints, p.first, p.second))


def _fingerprints(cells: list[str], window: int = WINDOW) -> set[int]:
    """The fingerprints of each cell; with a window of 1, of every place in it."""
    files = (CodeFingerprint("answer.py", K, window, filter=False, fp=io.StringIO(code)) for code in cells)
    return {mark for file in files for mark in file.hashes}


def _written(lesson: LessonSource, student: str, out: Path) -> list[str]:
    """A student's answers and own cells, from the graded notebook."""
    answers = {cell_id(lesson.name, cell) for cell in lesson.of_kind("exercise")}
    written, room = [], LONGEST
    for identity, cell in cells_of(graded_path(out, student, lesson.name)).items():
        if identity in answers or "-extra-" in identity:
            written.append(joined(cell["source"])[:room])
            room -= len(written[-1])
    return written


def _given(lesson: LessonSource) -> list[str]:
    """What everybody has: the notebook as it is released, and the reference's answers."""
    released = nbformat.read(student_path(lesson.name), as_version=4).cells
    return [c.source for c in released] + [cell.source for cell in lesson.of_kind("exercise")]
