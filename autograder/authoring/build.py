"""Build both notebooks of a lesson, and what lessonkit needs of it, from its source.

What was built before is kept as far as nothing changed that it depends on: a changed sentence runs no cell, a changed
check the checks only, a changed demonstration what it stands on.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.authoring import contract, dependence, fingerprints
from autograder.authoring.ending import PAGE
from autograder.authoring.faults import FaultyFileError, refuse
from autograder.authoring.generate import student_notebook
from autograder.authoring.notebook import cell_id, same_but_for_version, to_notebook, write
from autograder.authoring.source import ROOT, SOLUTIONS, LessonSource
from autograder.machine import processors
from lessonkit.files import write_whole

LESSONS = ROOT / "lessons"
RECORDED = ROOT / "lessonkit" / "recorded"
EXPECTED = ROOT / "lessonkit" / "expected"


def solution_path(lesson: str) -> Path:
    """The executed notebook with the answers."""
    return SOLUTIONS / lesson / f"{lesson}.ipynb"


def student_path(lesson: str) -> Path:
    """The learner's notebook."""
    return LESSONS / lesson / f"{lesson}.ipynb"


def build(lesson: LessonSource, force: bool = False, carry: bool = False) -> str:
    """Bring all that is built from a lesson up to date. Returns what was run for it; "" if nothing had to be done.

    `force` runs everything. `carry` keeps the outputs of cells although code changed: for changes that can't change
    what they show. Validation compares, and finds it where that isn't so.

    Raises:
        FaultyFileError: the lesson or its bank breaks the contract, or a cell fails; nothing is written then.
    """
    old = None if force else _last_build(lesson)
    checks, cells = fingerprints.checks(lesson), fingerprints.cells(lesson)
    checks_are_new, stale = _out_of_date(lesson, old, checks, cells, carry)
    _refuse_what_breaks_the_contract(lesson, checks_are_new)
    ran = []
    ids = {number: cell_id(lesson.name, lesson.cells[number]) for number in cells}
    shown = _shown(old)
    with contextlib.ExitStack() as stack:
        if checks_are_new:
            from autograder.authoring import expected

            stack.enter_context(expected.put_in_place(lesson.name, expected.expected_results(lesson)))
            ran.append("checks")
        if stale:
            fresh, words = _run(lesson, stale)
            shown |= {cell.id: cell.outputs for cell in fresh.cells if cell.id in {ids[n] for n in stale}}
            ran = ["all cells"] if words == "all cells" else [*ran, words]
        notebook, student = _with_outputs(lesson, shown, checks_are_new), student_notebook(lesson)
    made_with = old.metadata if old and not stale else fresh.metadata
    notebook.metadata["language_info"]["version"] = made_with["language_info"]["version"]
    stamps = {"cells": {ids[n]: digest for n, digest in cells.items()}, "checks": checks}
    edition = notebook.metadata.get("course", {})
    notebook.metadata["course"] = {**edition, **stamps, "expected": _expected_in_place(lesson)}
    made = {
        solution_path(lesson.name): write(notebook),
        RECORDED / f"{lesson.name}.json": recorded_outputs(lesson, notebook),
        student_path(lesson.name): student,
    }
    changed = {path: text for path, text in made.items() if not _is_in(path, text)}
    for path, text in changed.items():
        write_whole(path, text)
    return ", ".join(ran) or ("no cell" if changed else "")


def out_of_date(lesson: LessonSource) -> str:
    """What `build` would run again although the notebooks are in step: code behind it changed. Runs nothing."""
    checks, cells = fingerprints.checks(lesson), fingerprints.cells(lesson)
    checks_are_new, stale = _out_of_date(lesson, _last_build(lesson), checks, cells)
    count = f"{len(stale)} cell{'s' if len(stale) > 1 else ''}"
    return " and ".join([*["the checks"] * checks_are_new, *[count] * bool(stale)])


def _out_of_date(
    lesson: LessonSource, old: nbformat.NotebookNode | None, checks: str, cells: dict[int, str], carry: bool = False
) -> tuple[bool, set[int]]:
    """Whether the checks have to be run again, and the numbers of the other cells that have to."""
    known = old.metadata.get("course", {}) if old else {}
    checks_are_new = known.get("checks") != checks or known.get("expected") != _expected_in_place(lesson)
    shown, before = _shown(old), known.get("cells", {})
    ids = {number: cell_id(lesson.name, lesson.cells[number]) for number in cells}
    return checks_are_new, {n for n in cells if ids[n] not in shown or (before.get(ids[n]) != cells[n] and not carry)}


def _shown(notebook: nbformat.NotebookNode | None) -> dict[str, list]:
    """The outputs of its code cells, by id."""
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"} if notebook else {}


def _run(lesson: LessonSource, stale: set[int]) -> tuple[nbformat.NotebookNode, str]:
    """Run the cells whose outputs are out of date, and those that they stand on; say which.

    If that doesn't do, everything is run: what a cell stands on is found by its names only.
    """
    from autograder.authoring.execute import execute

    units = dependence.units_of(lesson)
    demos = [number for number, cell in enumerate(lesson.cells) if cell.kind == "demo"]
    needed = {n for n in stale if n in demos}
    for number in stale:
        behind = dependence.behind(number, lesson.cells[number].source, units)
        needed |= {unit.cell for unit in behind if unit.kind == "demo"}
    if len(needed) < len(demos):
        with contextlib.suppress(FaultyFileError):
            return execute(lesson, demos=needed), f"{len(needed)} of {len(demos)} demonstrations"
        stale |= set(fingerprints.cells(lesson))
    return execute(lesson), "all cells"


def _refuse_what_breaks_the_contract(lesson: LessonSource, checks_are_new: bool) -> None:
    """Name every fault at once; the bank's are looked for only where something changed that they depend on."""
    found = contract.faults(lesson)
    if checks_are_new:
        from autograder.authoring import bank_contract, expected

        try:
            found += bank_contract.faults(lesson, expected.VISIBLE_SEEDS)
        except FaultyFileError as error:
            found += error.faults
    refuse(found)


def _last_build(lesson: LessonSource) -> nbformat.NotebookNode | None:
    try:
        return nbformat.read(solution_path(lesson.name), as_version=4)
    except (OSError, nbformat.reader.NotJSONError, nbformat.ValidationError):
        return None


def _expected_in_place(lesson: LessonSource) -> str:
    return fingerprints.content(EXPECTED / f"{lesson.name}.safetensors")


def _is_in(path: Path, text: str) -> bool:
    return path.is_file() and same_but_for_version(path.read_text("utf-8"), text)


def _with_outputs(lesson: LessonSource, shown: dict[str, list], checks_are_new: bool) -> nbformat.NotebookNode:
    """The notebook with the outputs of its cells; those of checks and of the last cells made anew if need be."""
    notebook = to_notebook(lesson)
    code = [(cell, made) for cell, made in zip(lesson.cells, notebook.cells, strict=True) if cell.is_code]
    for count, (cell, made) in enumerate(code, 1):
        if cell.kind in ("check", PAGE) and (checks_are_new or made.id not in shown):
            from autograder.authoring.execute import outputs_of

            shown[made.id] = outputs_of(lesson, cell)
        made.outputs, made.execution_count = shown.get(made.id, []), count
        for output in made.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return notebook


@dataclass(frozen=True)
class Step:
    """How far what was built from a lesson is from its source."""

    differences: tuple[str, ...] = ()
    again: str = ""  # what `build` would run although nothing differs
    refused: str = ""  # why the source can't be used


def step_of(name: str) -> Step:
    """Whether a lesson's notebooks are in step with its source; for a process of its own."""
    try:
        lesson = contract.load(name)
    except FaultyFileError as error:
        return Step(refused=str(error))
    found = tuple(differences(lesson))
    return Step(found, "" if found else out_of_date(lesson))


def steps_of(names: Sequence[str]) -> Iterator[Step]:
    """The same of many lessons, on all processors, in order."""
    if len(names) < 2 or processors() < 2:
        yield from map(step_of, names)
        return
    with ProcessPoolExecutor(min(processors(), len(names))) as pool:
        yield from pool.map(step_of, names)


def differences(lesson: LessonSource) -> Iterator[str]:
    """What is out of step with the source, one sentence each; runs no demonstration, and believes no fingerprint."""
    from autograder.authoring import expected

    redo = _redo(lesson)
    yield from notebook_differences(lesson)
    current = expected.in_place(lesson.name)
    if current is None or not expected.same(expected.expected_results(lesson), current):
        yield f"lessonkit/expected/{lesson.name}: the expected results are out of step with source and bank; {redo}."
    path = RECORDED / f"{lesson.name}.json"
    recorded = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if set(recorded) != {str(cell.marks["demo"]) for cell in lesson.of_kind("demo")}:
        yield f"lessonkit/recorded/{lesson.name}: the recorded demonstrations are out of step; {redo}."


def notebook_differences(lesson: LessonSource) -> Iterator[str]:
    """Where both notebooks are not what the source says, outputs apart; runs nothing."""
    redo = _redo(lesson)
    student = student_path(lesson.name)
    if not student.is_file() or not same_but_for_version(student.read_text("utf-8"), student_notebook(lesson)):
        yield f"lessons/{lesson.name}: the learner's notebook is out of step with its source; {redo}."
    solution = solution_path(lesson.name)
    fresh = [(c.id, c.source, c.metadata) for c in to_notebook(lesson).cells]
    if not solution.is_file() or fresh != [
        (c.id, c.source, c.metadata) for c in nbformat.read(solution, as_version=4).cells
    ]:
        yield f"solutions/{lesson.name}: the executed notebook is out of step with its source; {redo}."


def _redo(lesson: LessonSource) -> str:
    return f"run `make build LESSON={lesson.name[:2]}`"


def recorded_outputs(lesson: LessonSource, notebook: nbformat.NotebookNode) -> str:
    """What each demonstration showed, for readers whose own answers it still waits for. JSON."""
    shown = {}
    names = {cell_id(lesson.name, cell): str(cell.marks["demo"]) for cell in lesson.of_kind("demo")}
    for cell in notebook.cells:
        if cell.id in names:
            shown[names[cell.id]] = [
                {"text": o["text"]} if o.output_type == "stream" else {"data": o["data"]} for o in cell.outputs
            ]
    return json.dumps(shown, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
