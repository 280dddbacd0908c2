"""What stands around the lessons, made from their sources: the start page with the map of the course, the glossary, the
table in the README."""

import base64
import io
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

import matplotlib.pyplot as plt
import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.authoring import glossary
from autograder.authoring.notebook import DEMONSTRATION, METADATA, write
from autograder.authoring.source import ROOT, LessonSource, lesson_names, load
from lessonkit.errors import CourseError
from lessonkit.files import write_whole
from lessonkit.show.drawing import Box, Drawing

README = ROOT / "README.md"
_BEGIN, _END = "<!-- lessons: `make build` writes this table from their sources -->", "<!-- end of lessons -->"
_PROGRESS = """\
# Your progress: run this cell (Ctrl+Enter) to see where you are
from lessonkit.page import start

start.show()"""


@dataclass(frozen=True)
class Stop:
    """A lesson on the map: what it asks, how long it takes, and the lessons that its first cell builds on."""

    name: str
    title: str
    question: str
    minutes: str
    needs: tuple[str, ...]

    @property
    def number(self) -> str:
        """Its two digits."""
        return self.name[:2]


def stops() -> list[Stop]:
    """All lessons, from what their first cells say.

    Raises:
        CourseError: a first cell asks no question, or does not say how many minutes.
    """
    found: list[Stop] = []
    for lesson in map(load, lesson_names()):
        found.append(_stop(lesson, [stop.number for stop in found]))
    return found


def _stop(lesson: LessonSource, before: list[str]) -> Stop:
    text = lesson.cells[0].source
    question = re.search(r"\*\*([^*]+(?:\*[^*]+\*[^*]*)*\?)\*\*", text.replace("\n", " "))
    minutes = re.search(r"(\d+(?: to \d+)?)\s+minutes", text)
    if not question or not minutes:
        raise CourseError(f"{lesson.path.name}, line 1: the first cell asks a question in bold, and says the minutes.")
    named = re.findall(r"(?<![\d.])(\d\d)(?![\d.])", " ".join(re.findall(r"[Ll]essons? [\d, and]+|\(\d\d\)", text)))
    needs = tuple(sorted({number for number in named if number in before})) or tuple(before[-1:])
    title = re.sub(r"^Lesson \d\d: ", "", lesson.title)
    return Stop(lesson.name, title, question.group(1), minutes.group(1), needs)


def start_notebook() -> nbformat.NotebookNode:
    """The page that `make lab` opens: the map as a picture, a table of the lessons, one's own progress."""
    course = stops()
    # In the text itself: JupyterLab asks the network for an attachment before it looks for it in the notebook.
    image = f"![{in_words(course)}](data:image/png;base64,{draw(course)})"
    picture = new_markdown_cell(image, id="start-map", metadata={"editable": False})
    rows = [
        f"| [{stop.number}](./{stop.name}/{stop.name}.ipynb) | [{stop.title}](./{stop.name}/{stop.name}.ipynb) "
        f"| {stop.question} | {stop.minutes} |"
        for stop in course
    ]
    table = "\n".join(["## The lessons\n", "| no. | lesson | its question | minutes |", "|---|---|---|---|", *rows])
    words = "Words that you don't know: [Glossary](./glossary.ipynb)."
    metadata = {"tags": [DEMONSTRATION], "jupyter": {"source_hidden": True}}
    cells = [
        new_markdown_cell(_WELCOME, id="start-welcome"),
        picture,
        new_markdown_cell(f"{table}\n\n{words}", id="start-lessons"),
        new_markdown_cell("## Where you are", id="start-where"),
        new_code_cell(_PROGRESS, id="start-progress", metadata=metadata),
    ]
    return new_notebook(cells=cells, metadata=nbformat.from_dict(METADATA))


_WELCOME = """\
# A course on attention

How can a network look at one thing, and not at another? Each lesson begins with a question and an experiment that
fails. You write the few lines that matter; a check says at once whether they are right, and if not, what went wrong.
Then you predict, look, and break it. Everything runs on your own machine, offline, in minutes.

**How a lesson works.** Run a cell with Shift+Enter, or all of them with *Run > Run All Cells*. Cells that only make
figures and checks are folded to one line: click on it to open one. Where an answer is still missing, the page shows
what the reference run gave. When the kernel was restarted, choose *Run > Run All Above Selected Cell*. Begin with
[lesson 00](./00_weighted_average/00_weighted_average.ipynb).

## The map: what builds on what"""


def in_words(course: list[Stop]) -> str:
    """The map for those who don't see it."""
    parts = [f"{stop.number} builds on {' and '.join(stop.needs)}" for stop in course if stop.needs]
    return f"Map of the course: {course[0].number} comes first; {'; '.join(parts)}."


def draw(course: list[Stop]) -> str:
    """The map as a picture, PNG in base64: a row for each distance from the first lesson, arrows to what builds on it.

    An arrow that only repeats a way over other lessons is left out.
    """
    depth: dict[str, int] = {}
    for stop in course:
        depth[stop.number] = 1 + max((depth[need] for need in stop.needs), default=-1)
    rows: dict[int, list[Stop]] = {}
    for stop in course:
        rows.setdefault(depth[stop.number], []).append(stop)
    width, gap = 8.0, 0.95
    height = gap * len(rows) + 0.1
    drawing = Drawing(in_words(course), width=width, height=height)
    boxes = {}
    for level, row in rows.items():
        row.sort(key=lambda stop: (sum(boxes[need].x for need in stop.needs) / max(1, len(stop.needs)), stop.number))
        for i, stop in enumerate(row):
            x, y = width * (i + 0.5) / len(row), height - gap * (level + 0.5)
            room = int(10 * width / len(row)) - 1  # about ten letters to an inch
            lines = textwrap.wrap(f"{stop.number} {stop.title}", room, max_lines=2, placeholder="…")
            boxes[stop.number] = drawing.box(x, y, "\n".join(lines), kind="learned")
    behind = _all_needs(course)
    for stop in course:
        for need in stop.needs:
            if any(need in behind[other] for other in stop.needs):
                continue
            ends = boxes[need], boxes[stop.number]
            drawing.arrow(*ends, bend=_bend(*ends, [box for box in boxes.values() if box not in ends]))
    buffer = io.BytesIO()
    drawing.figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(drawing.figure)
    return base64.b64encode(buffer.getvalue()).decode()


def _bend(start: Box, end: Box, others: list[Box]) -> float:
    """How much an arrow must be bent to meet no other box: the least of a few, or none where all of them do."""
    u = np.linspace(0, 1, 50)[:, None]
    a, b = np.array([start.x, start.y]), np.array([end.x, end.y])
    for bend in (0.0, -0.15, 0.15, -0.3, 0.3, -0.45, 0.45):
        middle = (a + b) / 2 + bend * np.array([b[1] - a[1], a[0] - b[0]])
        way = (1 - u) ** 2 * a + 2 * u * (1 - u) * middle + u**2 * b
        if not any((abs(way - [o.x, o.y]) < [o.half_width + 0.1, o.half_height + 0.1]).all(1).any() for o in others):
            return bend
    return 0.0


def _all_needs(course: list[Stop]) -> dict[str, set[str]]:
    """What each lesson builds on, over any number of steps."""
    behind: dict[str, set[str]] = {}
    for stop in course:
        behind[stop.number] = set(stop.needs).union(*(behind[need] for need in stop.needs))
    return behind


def glossary_notebook() -> nbformat.NotebookNode:
    """The glossary as a notebook of one Markdown cell."""
    back = "[All lessons](./start.ipynb)"
    cells = [new_markdown_cell(f"{glossary.markdown()}\n\n{back}", id="glossary")]
    return new_notebook(cells=cells, metadata=nbformat.from_dict(METADATA))


def pages() -> dict[str, str]:
    """The files beside the lessons' folders, by name."""
    return {"start.ipynb": write(start_notebook()), "glossary.ipynb": write(glossary_notebook())}


def build_pages() -> None:
    """Write both pages, and the README's table.

    Raises:
        CourseError: the README has no place for the table.
    """
    for name, text in pages().items():
        write_whole(ROOT / "lessons" / name, text)
    if README.is_file() and (text := _with_table(README.read_text("utf-8"))) != README.read_text("utf-8"):
        write_whole(README, text)


def _with_table(readme: str) -> str:
    """The README with the table of lessons between its two marks."""
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise CourseError(f"README.md: the table of lessons stands between the lines `{_BEGIN}` and `{_END}`.")
    rows = [
        f"| {stop.number} | [{stop.title[:1].upper()}{stop.title[1:]}](lessons/{stop.name}/{stop.name}.ipynb) "
        f"| {stop.question} | {stop.minutes} |"
        for stop in stops()
    ]
    table = "\n".join(["| no. | lesson | its question | minutes |", "|---|---|---|---|", *rows])
    return f"{before}{begin}\n{table}\n{end}{after}"


def page_differences() -> Iterator[str]:
    """What is out of step, one sentence each. Pictures are not compared: their bytes differ between machines."""
    for name, text in pages().items():
        path = ROOT / "lessons" / name
        if not path.is_file() or _without_pictures(path.read_text("utf-8")) != _without_pictures(text):
            yield f"lessons/{name}: out of step with the lessons' sources or the glossary; run `make build`."
    if README.is_file() and (text := README.read_text("utf-8")) != _with_table(text):
        yield "README.md: its table of lessons is out of step with their sources; run `make build`."


def _without_pictures(text: str) -> str:
    return re.sub(r"data:image/png;base64,[\w+/=]*", "", text)
