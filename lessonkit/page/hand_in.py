"""Handing in: is the notebook saved, whole and answered? Then a file with the right name, without outputs."""

import contextlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lessonkit import kernel
from lessonkit.checks import expectations
from lessonkit.notebook import MISSING, exercise_id, faults_of, is_stub, without_copies
from lessonkit.notebook_file import RefusalError, read_cells

FOLDER = "handin"


@dataclass(frozen=True)
class HandIn:
    """What became of it: the file that was written (None: none was), a state for each exercise, and what to do."""

    path: Path | None
    rows: tuple[tuple[str, str, str], ...] = ()  # exercise, what the file holds, what its last check said
    sentences: tuple[str, ...] = field(default=())


def hand_in(lesson: str, kept: Mapping, notebook: Path | None = None) -> HandIn:
    """Look at the lesson's notebook as the grader will, and write handin/LESSON.ipynb if it can be graded.

    `kept` is the lesson's part of the state file. Whatever is amiss is a sentence; nothing is raised.
    """
    path = notebook or find(lesson)
    if path is None:
        return HandIn(None, (), (f"This notebook's file was not found in {Path.cwd()}. Save it there (Ctrl+S).",))
    try:
        content = path.read_bytes()
        cells = read_cells(content)
    except OSError as error:
        return HandIn(None, (), (f"{path} can't be read: {error.strerror}.",))
    except RefusalError as reason:
        return HandIn(None, (), (f"{path.name} can't be graded: {reason}.",))
    exercises = {exercise_id(lesson, name): name for name in expectations.load(lesson)}
    answers: dict[str, list[str]] = {}
    notes: list[str] = []
    for identity, code in without_copies(cells, exercises, {}, notes):
        answers.setdefault(identity, []).append(code)
    faults = faults_of(exercises, answers)
    if len(faults) == len(exercises) and all(verdict == MISSING for verdict, _ in faults.values()):
        said = f"{path.name} holds no exercise of {lesson}: is it another lesson's notebook, or were all cells copied?"
        return HandIn(None, (), (said, _fresh(lesson)))
    sources = {exercises[i]: found[0] for i, found in answers.items() if i in exercises and exercises[i] not in faults}
    unsaved = [name for name, code in sources.items() if _ran_another(name, code)]
    if unsaved:
        names = ", ".join(f"`{name}`" for name in unsaved)
        said = f"The file isn't what you ran last: {names}. Save the notebook (Ctrl+S), then run this cell again."
        return HandIn(None, (), (said,))
    rows = tuple((name, _held(name, sources, faults), _said(name, kept)) for name in exercises.values())
    sentences = [*notes, *(sentence for _, sentence in faults.values())]
    if sentences:
        sentences.append(_fresh(lesson))
    if all(is_stub(code, name) for name, code in sources.items()):
        return HandIn(None, rows, (*sentences, "No exercise is answered yet, so there is nothing to hand in."))
    target = _folder(path, lesson) / f"{lesson}.ipynb"
    try:
        _write(target, content)
    except OSError as error:
        sentences.append(f"`{target}` can't be written: {error.strerror}. Hand in `{path}` itself.")
        return HandIn(None, rows, tuple(sentences))
    sentences.append(f"Written: `{target}`. This is the file to hand in.")
    return HandIn(target, rows, tuple(sentences))


def find(lesson: str) -> Path | None:
    """The notebook's own file: as server or editor name it, else the lesson's, else one here that holds its cells."""
    named = [os.environ.get("JPY_SESSION_NAME"), kernel.variables().get("__vsc_ipynb_file__")]
    candidates = [Path.cwd() / name for name in named if name] + [Path.cwd() / f"{lesson}.ipynb"]
    for path in candidates:
        if path.suffix == ".ipynb" and path.is_file() and _holds(path, lesson):
            return path
    here = [path for path in Path.cwd().glob("*.ipynb") if _holds(path, lesson)]
    if here:
        return max(here, key=lambda path: path.stat().st_mtime)
    return next((path for path in candidates if path.suffix == ".ipynb" and path.is_file()), None)


def _holds(path: Path, lesson: str) -> bool:
    with contextlib.suppress(OSError):
        return f'"{lesson[:2]}-exercise-'.encode() in path.read_bytes()
    return False


def _ran_another(name: str, code: str) -> bool:
    """Whether this kernel ran, as the last definition of `name`, another text than the file holds."""
    shell = kernel.shell()
    if shell is None:
        return False
    defines = re.compile(rf"^((def|class)\s+{name}\b|{name}\s*=)", re.MULTILINE)
    ran = [text for text in shell.history_manager.input_hist_raw if defines.search(text)]
    return bool(ran) and ran[-1].strip() != code.strip()


def _held(name: str, sources: Mapping[str, str], faults: Mapping[str, tuple[str, str]]) -> str:
    if name in faults:
        return "missing" if faults[name][0] == MISSING else "twice"
    if name not in sources:
        return "in another cell"
    return "not started" if is_stub(sources[name], name) else "an answer"


def _said(name: str, kept: Mapping) -> str:
    entry = kept["checks"].get(name)
    said = entry.get("now") if isinstance(entry, dict) else None
    return {"passed": "passed", None: "not checked", "not_started": "not started"}.get(said, "not yet right")


def _fresh(lesson: str) -> str:
    return (
        f"To mend it: open a fresh {lesson}.ipynb from the course, paste your code into its cells, save, and hand in "
        "that. A cell is known by its id, which a pasted or retyped cell has lost."
    )


def _folder(path: Path, lesson: str) -> Path:
    beside = path.parent.parent if path.parent.name == lesson else path.parent
    return beside / FOLDER


def _write(target: Path, content: bytes) -> None:
    """The notebook without outputs, whole or not at all."""
    notebook = json.loads(content.decode("utf-8-sig"))
    for cell in notebook["cells"]:
        if cell.get("cell_type") == "code":
            cell["outputs"], cell["execution_count"] = [], None
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    try:
        unfinished.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        unfinished.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
