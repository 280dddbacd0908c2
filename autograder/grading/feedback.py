"""Feedback: one self-contained page a student and lesson, with the verdicts, their code and what it showed."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

import nbformat
from nbconvert.filters import ansi2html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.authoring.notebook import cell_id
from autograder.authoring.source import LessonSource
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.graded_notebook import IMAGES, graded_path
from autograder.grading.page import write_page
from autograder.grading.records import Record
from lessonkit.checks.judge import Finding
from lessonkit.checks.verdict import Verdict

_FORMATTER = HtmlFormatter(nowrap=False)
MOST_COLOURS = 2_000  # escape sequences in one output: ansi2html takes the square of their number


def write_feedback(gradebook: GradebookWriter, lesson: LessonSource, out: Path) -> Iterator[Path]:
    """Write OUT/feedback/STUDENT/LESSON/LESSON.html for every graded submission; the folders are nbgrader's."""
    for record in list(gradebook.records(lesson.name)):
        path = out / "feedback" / record.student / lesson.name / f"{lesson.name}.html"
        yield write_page(path, f"{lesson.title}: {record.student}", _parts(lesson, record, out), _css())


def _parts(lesson: LessonSource, record: Record, out: Path) -> list[str]:
    parts = [f"<p><strong>{record.points:g} of {record.max_points:g} points.</strong></p>"]
    parts += [f"<p>Note: {escape(note)}</p>" for note in record.notes]
    path = graded_path(out, record.student, lesson.name)
    cells = nbformat.read(path, as_version=4).cells if path.is_file() else []
    answers = {cell.id: cell for cell in cells if cell.cell_type == "code"}
    exercises = lesson.exercises()
    for verdict in record.verdicts:
        name = verdict["exercise"]
        parts.append(f"<h2>{escape(name)}</h2>{_card(verdict)}")
        if name in exercises and (cell := answers.pop(cell_id(lesson.name, exercises[name].cell), None)):
            parts.append(_cell(cell))
    extra = [cell for identity, cell in answers.items() if "-extra-" in identity]
    if extra:
        parts += ["<h2>Your own cells</h2>", *map(_cell, extra)]
    return parts


def _card(verdict: dict) -> str:
    finding = Finding(verdict["verdict"], verdict["message"], verdict["detail"], verdict["mistake"])
    return Verdict(verdict["exercise"], verdict["points"], verdict["max_points"], finding)._repr_html_()


def _cell(cell: nbformat.NotebookNode) -> str:
    return highlight(cell.source, PythonLexer(), _FORMATTER) + "".join(map(_output, cell.outputs))


def _output(output: nbformat.NotebookNode) -> str:
    """Text as text, pictures as pictures; nothing else of a submission is shown."""
    if output.output_type == "stream":
        return _text(output.text)
    if output.output_type == "error":
        return _text("\n".join(output.traceback))
    for kind in IMAGES:
        if kind in output.data:
            alt = escape(str(output.data.get("text/plain", "figure")))
            return f'<p><img src="data:{kind};base64,{escape(output.data[kind])}" alt="{alt}"></p>'
    return _text(str(output.data.get("text/plain", "")))


def _text(text: str) -> str:
    return f"<pre>{ansi2html(text) if text.count(chr(27)) < MOST_COLOURS else escape(text)}</pre>"


def _css() -> str:
    return _FORMATTER.get_style_defs(".highlight")
