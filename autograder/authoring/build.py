"""Build both notebooks of a lesson, and what lessonkit needs of it, from its source.

What was built before is kept as far as nothing changed that it depends on: a changed sentence runs no cell, a changed
check runs the checks only.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import nbformat

from autograder.authoring import contract, fingerprints
from autograder.authoring.faults import FaultyFileError, refuse
from autograder.authoring.generate import student_notebook
from autograder.authoring.notebook import cell_id, same_but_for_version, to_notebook, write
from autograder.authoring.reach import same_code
from autograder.authoring.source import ROOT, SOLUTIONS, LessonSource
from autograder.files import write_whole

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

    `force` runs everything. `carry` keeps the outputs of demonstrations although code changed: for changes that can't
    change what they show. Validation compares, and finds it where that isn't so.

    Raises:
        FaultyFileError: the lesson or its bank breaks the contract, or a cell fails; nothing is written then.
    """
    stamps = fingerprints.outputs(lesson)
    old = None if force else _last_build(lesson)
    known = old.metadata.get("course", {}) if old else {}
    checks_are_new = known.get("checks") != stamps["checks"] or known.get("expected") != _expected_in_place(lesson)
    _refuse_what_breaks_the_contract(lesson, checks_are_new)
    student, ran = student_notebook(lesson), []
    with contextlib.ExitStack() as stack:
        if checks_are_new:
            from autograder.authoring import expected

            stack.enter_context(expected.put_in_place(lesson.name, expected.expected_results(lesson)))
            ran.append("checks")
        same = all(known.get(part) == stamps[part] for part in ("library", "results"))
        notebook = _with_old_outputs(lesson, old, checks_are_new, carry) if old and (same or carry) else None
        if notebook is None:
            from autograder.authoring.execute import execute

            notebook, ran = execute(lesson), ["all cells"]
    notebook.metadata["course"] = {**stamps, "expected": _expected_in_place(lesson)}
    made = {
        solution_path(lesson.name): write(notebook),
        RECORDED / f"{lesson.name}.json": recorded_outputs(lesson, notebook),
        student_path(lesson.name): student,
    }
    changed = {path: text for path, text in made.items() if not _is_in(path, text)}
    for path, text in changed.items():
        write_whole(path, text)
    return ", ".join(ran) or ("no cell" if changed else "")


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


def _with_old_outputs(
    lesson: LessonSource, old: nbformat.NotebookNode, checks_are_new: bool, carry: bool
) -> nbformat.NotebookNode | None:
    """The notebook with the outputs of the last build, those of the checks made anew if need be.

    None if more changed than that: another cell's code, or the order of cells; with `carry`, only if a cell is new.
    """
    new = to_notebook(lesson)
    run = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    checks = {cell_id(lesson.name, cell): cell for cell in lesson.of_kind("check")}
    code = [cell for cell in new.cells if cell.cell_type == "code"]
    if any(cell.id not in run for cell in code):
        return None
    if not carry and (
        [c.id for c in code] != list(run)
        or any(not same_code(c.source, run[c.id].source) for c in code if c.id not in checks)
    ):
        return None
    for cell in code:
        cell.outputs, cell.execution_count = run[cell.id].outputs, run[cell.id].execution_count
        if cell.id in checks and checks_are_new:
            from autograder.authoring.execute import check_outputs

            cell.outputs = check_outputs(lesson, checks[cell.id], cell.execution_count)
    new.metadata = old.metadata
    return new


def differences(lesson: LessonSource) -> Iterator[str]:
    """What is out of step with the source, one sentence each; runs no demonstration, and believes no fingerprint."""
    from autograder.authoring import expected

    redo = f"run `make build LESSON={lesson.name[:2]}`"
    student = student_path(lesson.name)
    if not student.is_file() or not same_but_for_version(student.read_text("utf-8"), student_notebook(lesson)):
        yield f"lessons/{lesson.name}: the learner's notebook is out of step with its source; {redo}."
    solution = solution_path(lesson.name)
    fresh = [(c.id, c.source, c.metadata) for c in to_notebook(lesson).cells]
    if not solution.is_file() or fresh != [
        (c.id, c.source, c.metadata) for c in nbformat.read(solution, as_version=4).cells
    ]:
        yield f"solutions/{lesson.name}: the executed notebook is out of step with its source; {redo}."
    current = expected.in_place(lesson.name)
    if current is None or not expected.same(expected.expected_results(lesson), current):
        yield f"lessonkit/expected/{lesson.name}: the expected results are out of step with source and bank; {redo}."
    path = RECORDED / f"{lesson.name}.json"
    recorded = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if set(recorded) != {str(cell.marks["demo"]) for cell in lesson.of_kind("demo")}:
        yield f"lessonkit/recorded/{lesson.name}: the recorded demonstrations are out of step; {redo}."


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
