"""Build both notebooks of a lesson, and what lessonkit needs of it, from its source."""

import ast
import hashlib
import json
import logging
import os
import platform
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbgrader.apps.api import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.authoring import bank as banks
from autograder.authoring.notebook import cell_id, same_but_for_version, to_notebook, write
from autograder.authoring.source import ROOT, SOLUTIONS, LessonSource
from autograder.files import write_whole
from autograder.machine import offer_own_programs
from lessonkit.checks import expectations
from lessonkit.checks.expectations import VISIBLE_SEEDS, ExpectedExercise
from lessonkit.checks.judge import STRICT as TOLERANCE
from lessonkit.errors import CourseError
from lessonkit.lesson import RECORDED, STRICT

LESSONS = ROOT / "lessons"
COURSE = "attention"  # its name in the gradebook
SECONDS_A_CELL = 240  # more than the 60 s that a cell may take, since the building machine may be busy
STUB = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
WIDGET = "application/vnd.jupyter.widget-view+json"


def solution_path(lesson: str) -> Path:
    """The executed notebook with the answers."""
    return SOLUTIONS / lesson / f"{lesson}.ipynb"


def student_path(lesson: str) -> Path:
    """The learner's notebook."""
    return LESSONS / lesson / f"{lesson}.ipynb"


def build(lesson: LessonSource, force: bool = False) -> bool:
    """Bring all that is built from a lesson up to date. Returns whether anything had to be run.

    Raises:
        CourseError: a cell of the lesson fails; nothing is written then.
    """
    stamp = stamp_of(lesson)
    path = solution_path(lesson.name)
    if not force and path.is_file() and _stamp_in(path) == stamp and not list(differences(lesson)):
        return False
    results = expected_results(lesson)
    student = student_notebook(lesson)
    with _new_expected(lesson.name, results):
        notebook = (not force and _with_old_outputs(lesson, stamp)) or execute(lesson)
    notebook.metadata["course"] = {"stamp": stamp}
    write_whole(path, write(notebook))
    write_whole(RECORDED / f"{lesson.name}.json", recorded_outputs(lesson, notebook))
    write_whole(student_path(lesson.name), student)
    return True


def _with_old_outputs(lesson: LessonSource, stamp: str) -> nbformat.NotebookNode | None:
    """The notebook with the outputs of the last build, if nothing but text changed since."""
    path = solution_path(lesson.name)
    if not path.is_file() or _stamp_in(path) != stamp:
        return None
    old, new = nbformat.read(path, as_version=4), to_notebook(lesson)
    run = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    code = [cell for cell in new.cells if cell.cell_type == "code"]
    if [(c.id, c.source) for c in run.values()] != [(c.id, c.source) for c in code]:
        return None
    for cell in code:
        cell.outputs, cell.execution_count = run[cell.id].outputs, run[cell.id].execution_count
    new.metadata = old.metadata
    return new


@contextmanager
def _new_expected(lesson: str, results: dict[str, ExpectedExercise]) -> Iterator[None]:
    """Put new expected results in place; put the old ones back if the block fails."""
    path, before = expectations.path_of(lesson), _current_expected(lesson)
    old = path.read_bytes() if path.is_file() else None
    if before is None or not _same_expected(results, before):
        expectations.save(lesson, results)
        expectations.load.cache_clear()
    try:
        yield
    except BaseException:
        path.unlink() if old is None else path.write_bytes(old)
        expectations.load.cache_clear()
        raise


def differences(lesson: LessonSource) -> Iterator[str]:
    """What is out of step with the source, one sentence each; runs no lesson."""
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
    current = _current_expected(lesson.name)
    if current is None or not _same_expected(expected_results(lesson), current):
        yield f"lessonkit/expected/{lesson.name}: the expected results are out of step with source and bank; {redo}."
    path = RECORDED / f"{lesson.name}.json"
    recorded = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if set(recorded) != {str(cell.marks["demo"]) for cell in lesson.of_kind("demo")}:
        yield f"lessonkit/recorded/{lesson.name}: the recorded demonstrations are out of step; {redo}."


def stamp_of(lesson: LessonSource) -> str:
    """A fingerprint of all that outputs depend on: code, bank, pinned versions, results, library and data; no text."""
    sha = hashlib.sha256()
    for cell in lesson.cells:
        if cell.is_code:
            sha.update(f"{cell.name}\0{cell.source}\0".encode())
    files = [banks.BANKS / f"{lesson.name}.py", ROOT / "requirements.txt"]
    for module in sorted(_library_of(lesson.path)):
        files.append(module)
        files += sorted(p for p in (ROOT / "data" / module.stem).glob("*") if p.suffix in (".tsv", ".json", ".npz"))
    quoted = re.findall(r'RESULTS / "(\w+\.json)"', lesson.path.read_text("utf-8"))
    files += [ROOT / "data" / "results" / name for name in (f"{lesson.name[:2]}.json", *sorted(set(quoted)))]
    for file in files:
        if file.is_file():
            sha.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return sha.hexdigest()[:32]


def _library_of(path: Path) -> set[Path]:
    """The modules of lessonkit that a file imports, and that those import. lessonkit/data/X.py loads data/X."""
    found, waiting = set(), [path, ROOT / "lessonkit" / "__init__.py"]
    while waiting:
        for node in ast.walk(ast.parse(waiting.pop().read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lessonkit":
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.split(".")[0] == "lessonkit"]
            else:
                continue
            modules = {(ROOT / name.replace(".", "/")).with_suffix(".py") for name in names}
            modules = {module for module in modules if module.is_file()} - found
            found |= modules
            waiting += modules
    return found


def _stamp_in(path: Path) -> str | None:
    try:
        return json.loads(path.read_text("utf-8"))["metadata"].get("course", {}).get("stamp")
    except (ValueError, KeyError):
        return None


def expected_results(lesson: LessonSource) -> dict[str, ExpectedExercise]:
    """What the reference and the known mistakes give on the visible seeds."""
    bank = banks.load(lesson.name)
    results = {}
    for name, exercise in lesson.exercises().items():
        both = {seed: banks.expected_on(exercise, bank, seed) for seed in VISIBLE_SEEDS}
        results[name] = ExpectedExercise(
            exercise.points,
            {s: outcome for s, (outcome, _) in both.items()},
            {s: known for s, (_, known) in both.items()},
        )
    return results


def _current_expected(lesson: str) -> dict[str, ExpectedExercise] | None:
    try:
        return expectations.load(lesson)
    except CourseError:
        return None


def _same_expected(a: dict[str, ExpectedExercise], b: dict[str, ExpectedExercise]) -> bool:
    """Whether two sets of expected results agree but for the last digits, which differ between processors."""
    return list(a) == list(b) and all(
        a[name].points == b[name].points
        and [(k.name, k.sentence) for s in VISIBLE_SEEDS for k in a[name].known[s]]
        == [(k.name, k.sentence) for s in VISIBLE_SEEDS for k in b[name].known[s]]
        and all(
            _same_outcome(x, y)
            for s in VISIBLE_SEEDS
            for x, y in zip(_outcomes(a[name], s), _outcomes(b[name], s), strict=True)
        )
        for name in a
    )


def _outcomes(exercise: ExpectedExercise, seed: int) -> list:
    return [exercise.outcomes[seed], *(k.outcome for k in exercise.known[seed])]


def _same_outcome(a: expectations.Outcome, b: expectations.Outcome) -> bool:
    return (
        (a.failure is None) == (b.failure is None)
        and a.digest == b.digest
        and a.changed == b.changed
        and dict(a.others) == dict(b.others)
        and a.arrays.keys() == b.arrays.keys()
        and all(
            x.shape == b.arrays[n].shape and x.dtype == b.arrays[n].dtype and _near(x, b.arrays[n])
            for n, x in a.arrays.items()
        )
    )


def _near(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def execute(lesson: LessonSource, seconds: dict[str, float] | None = None) -> nbformat.NotebookNode:
    """Run the lesson's notebook from top to bottom in a fresh kernel, with the answers; errors are errors.

    `seconds`, if given, takes down how long each code cell ran, by its name.

    Raises:
        CourseError: a cell fails; names its line in the source.
    """
    notebook = to_notebook(lesson)
    folder = SOLUTIONS / lesson.name
    folder.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        coalesce_streams=True,
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # the kernel warns of TCP on every start
    )
    environment = {**os.environ, STRICT: "1", "PYTHONHASHSEED": "0"}
    try:
        with client.setup_kernel(env=environment):
            for i, cell in enumerate(notebook.cells):
                start = time.monotonic()
                try:
                    client.execute_cell(cell, i)
                except (CellExecutionError, CellTimeoutError) as error:
                    line = lesson.cells[i].line
                    raise CourseError(f"{lesson.path.name}, line {line}: this cell fails.\n{error}") from error
                if seconds is not None and cell.cell_type == "code":
                    seconds[lesson.cells[i].name] = time.monotonic() - start
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"]["version"] = platform.python_version()
    return notebook


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


def student_notebook(lesson: LessonSource) -> str:
    """The learner's notebook, made by nbgrader's own generator from the source (no outputs, no answers)."""
    made = generate(lesson)
    made.metadata["language_info"]["version"] = platform.python_version()
    for cell in made.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.metadata["tags"] = ["raises-exception"]  # a slip in one exercise doesn't end Run All
    return write(made)


def generate(lesson: LessonSource, db_url: str | None = None) -> nbformat.NotebookNode:
    """Run nbgrader's generator on a lesson: the notebook it releases; its cells are entered into the gradebook.

    Raises:
        CourseError: nbgrader refuses; its log says why.
    """
    offer_own_programs()
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        source = Path(folder) / "source" / lesson.name
        source.mkdir(parents=True)
        (source / f"{lesson.name}.ipynb").write_text(write(to_notebook(lesson)), encoding="utf-8")
        config = Config()
        config.CourseDirectory.root = folder
        config.CourseDirectory.course_id = COURSE
        config.CourseDirectory.db_url = db_url or f"sqlite:///{folder}/gradebook.db"
        config.Exchange.root = folder  # not used; the default is a system folder, and nbgrader would complain
        config.ClearSolutions.code_stub = STUB
        config.ClearSolutions.begin_solution_delimeter = "BEGIN SOLUTION"
        config.ClearSolutions.end_solution_delimeter = "END SOLUTION"
        api = NbGraderAPI(CourseDirectory(config=config), config=config)
        api.log.setLevel(logging.ERROR)
        result = api.generate_assignment(lesson.name, force=True, create=True)
        if not result["success"]:
            raise CourseError(f"nbgrader could not make the learner's notebook of {lesson.name}:\n{result['log']}")
        return nbformat.read(Path(folder) / "release" / lesson.name / f"{lesson.name}.ipynb", as_version=4)
