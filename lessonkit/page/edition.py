"""Which is older, the notebook or lessonkit: each carries the edition of its lesson's checks."""

import json
from pathlib import Path

from lessonkit.checks import expectations
from lessonkit.page import hand_in


def of_notebook(content: bytes) -> int | None:
    """The edition that a notebook's metadata names, 1 if they name none; None for what is no notebook."""
    try:
        return int(json.loads(content.decode("utf-8-sig"))["metadata"].get("course", {}).get("edition", 1))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def advice(lesson: str, notebook: Path | None = None) -> str:
    """What to do where a notebook asks for a check that lessonkit doesn't have, in a sentence or two.

    The notebook's file is looked for as `hand_in` does; in an editor that doesn't say where it is, either may be older.
    """
    path = notebook or hand_in.find(lesson)
    try:
        found = of_notebook(path.read_bytes()) if path is not None else None
    except OSError:
        found = None
    own = expectations.edition_of(lesson)
    if found is None:
        return (
            "Its cell was changed, or notebook and lessonkit are of different releases. Take the cell anew from "
            "the lesson's notebook; if that is no help, update the older of the two: notebook or lessonkit (its wheel)."
        )
    if found == own:
        return "Its cell was changed: take it anew from the lesson's notebook."
    both = f"Lesson {lesson[:2]} is edition {found} in the notebook, and {own} in lessonkit."
    if found < own:
        return f"{both} The notebook is older: take it anew from the course, and copy your answers into it."
    return f"{both} lessonkit is older: update it with the wheel, or the bundle, that the notebook came with."
