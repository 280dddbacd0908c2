"""Feedback: one self-contained page a student and lesson, with the verdicts, their code and what it showed."""

from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from nbconvert.filters import ansi2html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.authoring.notebook import cell_id
from autograder.authoring.source import LessonSource
from autograder.grading.fence import Fence
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.graded_notebook import IMAGES, cells_of, graded_path, joined
from autograder.grading.page import write_page
from autograder.grading.records import Record
from autograder.sandbox.text import coloured, overwritten, plain
from lessonkit.checks.judge import Finding
from lessonkit.checks.verdict import Verdict

_FORMATTER = HtmlFormatter(nowrap=False)
MOST_COLOURS = 500  # sequences in one output: ansi2html takes the square of their number
LONGEST_TEXT = 20_000  # characters of one output that are shown
LONGEST_CODE = 10_000  # characters of a cell that get colours
PICTURES = 4 << 20  # characters of all pictures of a page
MOST_CELLS = 200  # of a student's own
SHOWN = "What this cell showed when it was run (the student's own output, not a verdict)"


def write_feedback(
    gradebook: GradebookWriter, lesson: LessonSource, out: Path, tell: Callable[[str], None] = lambda sentence: None
) -> Iterator[Path]:
    """Write OUT/feedback/STUDENT/LESSON/LESSON.html for every graded submission; the folders are nbgrader's.

    A page that can't be made is a plain one, and costs nobody else theirs; `tell` is told of it.
    """
    for record in list(gradebook.records(lesson.name)):
        path = out / "feedback" / record.student / lesson.name / f"{lesson.name}.html"
        title = f"{lesson.title}: {record.student}"
        try:
            parts = _parts(lesson, record, out)
        except Exception as error:
            parts = _plain_parts(record)
            tell(f"{record.student}: the page is a plain one, since it could not be made ({type(error).__name__})")
        yield write_page(path, title, parts, _css())


def _parts(lesson: LessonSource, record: Record, out: Path) -> list[str]:
    fence, pictures = Fence(), Fence(room=PICTURES)
    parts = [f"<p><strong>{record.points:g} of {record.max_points:g} points.</strong></p>"]
    parts += [f"<p>Note: {escape(plain(note))}</p>" for note in record.notes]
    answers = cells_of(graded_path(out, record.student, lesson.name))
    exercises = lesson.exercises()
    for verdict in record.verdicts:
        name = verdict["exercise"]
        parts.append(f"<h2>{escape(name)}</h2>{_card(verdict)}")
        if name in exercises and (cell := answers.pop(cell_id(lesson.name, exercises[name].cell), None)):
            parts.append(_cell(cell, fence, pictures))
    extra = [cell for identity, cell in answers.items() if "-extra-" in identity]
    if extra:
        parts += ["<h2>Your own cells</h2>", *(_cell(cell, fence, pictures) for cell in extra[:MOST_CELLS])]
    if len(extra) > MOST_CELLS:
        parts.append(f"<p>{len(extra) - MOST_CELLS} more cells are left out here.</p>")
    return parts


def _plain_parts(record: Record) -> list[str]:
    """The verdicts as text, for a page that could not be made as it should."""
    parts = [
        f"<p><strong>{record.points:g} of {record.max_points:g} points.</strong></p>",
        "<p>This page could not be made as usual: it has the verdicts as plain text. Ask your instructor for the "
        "notebook.</p>",
    ]
    for verdict in record.verdicts:
        head = f"{verdict['exercise']}: {verdict['verdict']}, {verdict['points']:g} of {verdict['max_points']:g} points"
        parts.append(f"<pre>{escape(plain(head))}\n{escape(plain(str(verdict['message'])))[:LONGEST_TEXT]}</pre>")
    return parts


def _card(verdict: dict) -> str:
    finding = Finding(verdict["verdict"], verdict["message"], verdict["detail"], verdict["mistake"])
    return Verdict(verdict["exercise"], verdict["points"], verdict["max_points"], finding)._repr_html_()


def _cell(cell: dict, fence: Fence, pictures: Fence) -> str:
    return _code(joined(cell["source"]), fence) + _framed([_output(o, fence, pictures) for o in cell["outputs"]])


def _framed(shown: list[str]) -> str:
    """What a submission showed, in a frame that says so: no picture of a verdict looks like the page's own."""
    whole = "".join(shown)
    return f'<figure class="shown"><figcaption>{SHOWN}</figcaption>{whole}</figure>' if whole else ""


def _code(source: str, fence: Fence) -> str:
    """Highlighted code. Blanks at the ends of lines go first: the highlighter takes the square of their number."""
    source, more = _cut(source, fence.room, fence)
    source = "\n".join(line.rstrip() for line in plain(source).split("\n"))

    def bare() -> str:
        return f'<div class="highlight"><pre>{escape(source)}</pre></div>'

    if len(source) > LONGEST_CODE:
        return bare() + more
    return fence.run(lambda: highlight(source, PythonLexer(), _FORMATTER), bare, len(source)) + more


def _output(output: dict, fence: Fence, pictures: Fence) -> str:
    """Text as text, pictures as pictures; nothing else of a submission is shown."""
    if output["output_type"] == "stream":
        return _text(joined(output["text"]), fence)
    if output["output_type"] == "error":
        return _text("\n".join(output["traceback"]), fence)
    data = {kind: joined(value) for kind, value in output["data"].items()}
    for kind in IMAGES:
        if kind in data and len(data[kind]) <= pictures.room:
            pictures.take(len(data[kind]))
            alt = escape(plain(data.get("text/plain", "figure"))[:500])
            return f'<p><img src="data:{kind};base64,{escape(data[kind])}" alt="{alt}"></p>'
    return _text(data.get("text/plain", ""), fence)


def _text(text: str, fence: Fence) -> str:
    """Text with its colours. Of very long text, or very many colours, the beginning without them."""
    text, more = _cut(text, LONGEST_TEXT, fence)
    text = overwritten(coloured(text))

    def bare() -> str:
        return f"<pre>{escape(plain(text))}</pre>"

    if text.count("\x1b") > MOST_COLOURS:
        return bare() + more
    return fence.run(lambda: f"<pre>{ansi2html(text)}</pre>", bare, len(text)) + more


def _cut(text: str, most: int, fence: Fence) -> tuple[str, str]:
    """As much of a text as may be shown, and a sentence where that is not all."""
    kept = text[: fence.take(min(len(text), most))]
    left = len(text) - len(kept)
    return kept, f"<p>… {left:,} more characters are left out here.</p>" if left else ""


def _css() -> str:
    return _FORMATTER.get_style_defs(".highlight")
