"""A new lesson's three files: source, bank and experiment, as a small lesson that proves, to be replaced bit by bit."""

import re
from pathlib import Path

from autograder.authoring.source import ROOT, lesson_names
from lessonkit.errors import CourseError
from lessonkit.files import write_whole

SKELETON = Path(__file__).with_name("skeleton")
_PLACES = {"lesson": "solutions", "bank": "autograder/banks", "experiment": "autograder/experiments"}


def new(name: str) -> list[Path]:
    """Write the files of a new lesson; their paths.

    Raises:
        CourseError: the name has another form, or its number is taken.
    """
    if not re.fullmatch(r"\d\d_[a-z][a-z0-9_]*", name):
        raise CourseError(f"A lesson's name has two digits and words in small letters, 17_name, not {name!r}.")
    taken = [known for known in lesson_names() if known[:2] == name[:2]]
    if taken:
        raise CourseError(f"Number {name[:2]} is taken by {taken[0]}: choose another.")
    title = name[3:].replace("_", " ")
    written = []
    for what, place in _PLACES.items():
        path = ROOT / place / f"{name}.py"
        if path.exists():
            raise CourseError(f"{path.relative_to(ROOT)} is there already: remove it, or choose another name.")
        text = (SKELETON / f"{what}.py").read_text("utf-8")
        for old, filled in (("NN_name", name), ("TITLE", title), (r"NN", name[:2])):
            text = text.replace(old, filled)
        write_whole(path, text)
        written.append(path)
    return written
