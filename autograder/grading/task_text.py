"""What a lesson says about an exercise, for a page: its task, its hints, and where to read again."""

import re
from dataclasses import dataclass

import mistune

from autograder.authoring.source import LessonSource
from autograder.grading.once import once_a_lesson

_HEADING = re.compile(r"^#{1,4} +(.+)$", re.MULTILINE)
_MATHS = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)


@dataclass(frozen=True)
class Told:
    """HTML of an exercise's task and of its hints, and the heading of the section that it stands in."""

    task: str
    hints: tuple[str, ...]
    heading: str


@once_a_lesson
def told_of(lesson: LessonSource) -> dict[str, Told]:
    """By exercise, what the lesson says. The text is the lesson's own, so its Markdown is markup."""
    found, heading = {}, lesson.title
    for cell in lesson.cells:
        if cell.kind == "markdown" and (headings := _HEADING.findall(cell.source)):
            heading = headings[-1].strip()
        if cell.kind != "task":
            continue
        lines = cell.source.splitlines()
        text = "\n".join(line for line in lines if not line.startswith("hint:"))
        hints = tuple(_html(line.removeprefix("hint:").strip()) for line in lines if line.startswith("hint:"))
        found[str(cell.marks["task"])] = Told(_html(text), hints, heading)
    return found


def _html(text: str) -> str:
    """Markdown as HTML, without pictures and links; formulas stay as they are written, as code."""
    text = _MATHS.sub(lambda m: f"`{' '.join((m[1] or m[2]).split())}`", text)
    made = mistune.html(text)
    return re.sub(r"</?(?:a|img)\b[^<>]*>", "", made)
