"""A learner's answers, from the saved notebook: its cells are run, but for checks, demonstrations and the like."""

import contextlib
import io
import re
from pathlib import Path

from lessonkit.checks import expectations
from lessonkit.errors import CourseError
from lessonkit.notebook import exercise_id, is_stub
from lessonkit.notebook_file import RefusalError, read_cells

_LEFT_OUT = re.compile(r"^(with demonstration|check|predict|lesson\.progress|lesson\.hand_in)\(", re.MULTILINE)


def namespace(path: Path, lesson: str) -> dict:
    """What a lesson's notebook defines.

    Raises:
        CourseError: the file isn't there, an exercise is not solved, or a cell stops with an error.
    """
    try:
        cells = read_cells(path.read_bytes())
    except OSError as error:
        raise CourseError(f"{path} can't be read ({error.strerror}): name your notebook with --notebook.") from error
    except RefusalError as reason:
        raise CourseError(f"{path} can't be used: {reason}.") from reason
    sources = {cell.identity: cell.source for cell in cells}
    waiting = [name for name in expectations.load(lesson) if _is_open(sources.get(exercise_id(lesson, name)), name)]
    if waiting:
        raise CourseError(f"{path.name} waits for your {', '.join(waiting)}: solve them, save the notebook, try again.")
    found: dict = {"__name__": f"lesson_{lesson}"}
    for cell in cells:
        text = not cell.is_code and "-exercise-" not in cell.identity  # a task that quotes code is no cell to run
        if text or _LEFT_OUT.search(cell.source):
            continue
        code = re.sub(r"^([ \t]*)[%!?].*$", r"\1pass", cell.source, flags=re.MULTILINE)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(code, f"{path.name}, {cell.identity}", "exec"), found)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise CourseError(f"A cell of {path.name} ({cell.identity or 'your own'}) stops with {said}") from error
    return found


def _is_open(source: str | None, name: str) -> bool:
    return source is None or is_stub(source, name)
