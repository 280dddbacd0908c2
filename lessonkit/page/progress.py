"""One's own progress: what checks said, kept in the state file, and a line that tells it."""

import hashlib
import inspect
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lessonkit.checks import expectations
from lessonkit.checks.verdict import Verdict
from lessonkit.show.tables import TextAndHtml

_PAUSE = 600.0  # seconds without a check after which somebody has gone away


@dataclass(frozen=True)
class Progress:
    """Points of one lesson so far, and the exercises by how they stand."""

    points: float
    total: float
    passed: tuple[str, ...]
    open: tuple[str, ...]


def note(kept: dict, verdict: Verdict, answer: object, since: float, now: float | None = None) -> None:
    """Write a verdict into a lesson's part of the state file.

    An exercise that passed once stays passed; `now` is what its last check said. The same answer checked twice is one
    try, and a stub is none. Minutes are those since the last check, or since the notebook began at `since`, but no more
    than ten at a time.
    """
    now = time.time() if now is None else now
    entry = kept["checks"].get(verdict.exercise)
    entry = entry if isinstance(entry, dict) else {}
    began = max([since, *(_number(e, "last") for e in kept["checks"].values())])
    passed_before = entry.get("verdict") == "passed"
    tried = _digest(answer)
    if not passed_before:
        entry["verdict"] = str(verdict.finding.verdict)
        entry["minutes"] = round(_number(entry, "minutes") + min(max(now - began, 0.0), _PAUSE) / 60, 1)
        if verdict.finding.verdict != "not_started" and tried != entry.get("answer"):
            entry["tries"] = int(_number(entry, "tries")) + 1
    entry |= {"now": str(verdict.finding.verdict), "answer": tried, "last": round(now, 1)}
    kept["checks"][verdict.exercise] = entry


def _number(entry: object, name: str) -> float:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _digest(answer: object) -> str:
    try:
        text = inspect.getsource(answer)
    except (OSError, TypeError):
        text = repr(answer)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def of_lesson(name: str, kept: Mapping) -> Progress:
    """How a lesson stands, from what is kept of it."""
    exercises = expectations.load(name)

    def passed(exercise: str) -> bool:
        entry = kept["checks"].get(exercise)
        return isinstance(entry, dict) and entry.get("verdict") == "passed"

    done = tuple(e for e in exercises if passed(e))
    return Progress(
        sum(exercises[e].points for e in done),
        sum(entry.points for entry in exercises.values()),
        done,
        tuple(e for e in exercises if e not in done),
    )


def line(name: str, progress: Progress, folder: Path) -> TextAndHtml:
    """The line at the end of a lesson: points, what is open, and a link to the next lesson beside its folder."""
    points = f"{progress.points:g} of {progress.total:g} points"
    text, html = points, f"<strong>{points}</strong>"
    if progress.open:
        text += f"; open: {', '.join(progress.open)}"
        html += f"; open: {', '.join(f'<code>{escape(e)}</code>' for e in progress.open)}"
    else:
        text, html = f"{text}: all exercises are solved", f"{html}: all exercises are solved"
    following = next_lesson(name, folder)
    if following:
        title = title_of(folder.parent / following / f"{following}.ipynb")
        text += f". Next: {title}"
        html += f'. Next: <a href="../{following}/{following}.ipynb">{escape(title)}</a>'
    note = "Kept on this machine only."
    return TextAndHtml(f"{text}. {note}", f"<p>{html}. <small>{note}</small></p>")


def title_of(notebook: Path) -> str:
    """The heading of a lesson's notebook; its file's name where that can't be read."""
    try:
        first = "".join(json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"])
        return first.splitlines()[0].lstrip("# ")
    except (OSError, ValueError, LookupError, TypeError):
        return notebook.stem


def next_lesson(name: str, folder: Path) -> str:
    """The lesson after this one among the folders beside `folder`; "" if there is none."""
    beside = sorted(path.name for path in folder.parent.glob("[0-9][0-9]_*") if (path / f"{path.name}.ipynb").is_file())
    return next((other for other in beside if other > name), "")
