"""Feedback: one self-contained page a student and lesson, with the verdicts, their code and what it showed."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path

from markupsafe import Markup
from nbconvert.filters import ansi2html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.authoring.notebook import cell_id
from autograder.authoring.source import LessonSource
from autograder.grading.fence import Fence
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.graded_notebook import IMAGES, cells_of, feedback_path, graded_path, joined, overview_path
from autograder.grading.items import is_solved
from autograder.grading.page import facts, link, rich, table, write_page
from autograder.grading.records import Record, changed_by_hand, late_in_words
from autograder.grading.task_text import Told, told_of
from autograder.sandbox.text import coloured, cut, overwritten, plain
from lessonkit.checks.finding import Finding
from lessonkit.checks.verdict import Verdict
from lessonkit.errors import CourseError

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

    Raises:
        CourseError: the disk is full, say: what was written is whole, and the same command goes on.
    """
    records = list(gradebook.records(lesson.name))
    for number, record in enumerate(records):
        path = feedback_path(out, record.student, lesson.name)
        try:
            parts = _parts(lesson, record, out)
        except Exception as error:
            parts = _plain_parts(record)
            tell(f"{record.student}: the page is a plain one, since it could not be made ({type(error).__name__})")
        try:
            yield write_page(path, f"{lesson.title}: {record.label}", parts, _css())
        except CourseError as error:
            written = f"{number} of {len(records)} pages of {lesson.name} are written, each whole"
            raise CourseError(f"{error} {written}; then run this again.") from error


def write_overviews(gradebook: GradebookWriter, lessons: list[LessonSource], out: Path) -> Iterator[Path]:
    """Write OUT/feedback/STUDENT/index.html for everybody: all lessons, with points, lateness and links."""
    own: dict[str, list[tuple[LessonSource, Record]]] = defaultdict(list)
    for lesson in lessons:
        for record in gradebook.records(lesson.name):
            own[record.student].append((lesson, record))
    for student, found in sorted(own.items()):
        yield write_page(overview_path(out, student), f"Feedback: {found[-1][1].label}", [_overview(found, out)])


def _overview(found: list[tuple[LessonSource, Record]], out: Path) -> str:
    rows = []
    for lesson, record in found:
        page = feedback_path(out, record.student, lesson.name)
        name = link(f"{lesson.name}/{page.name}", lesson.title) if page.is_file() else lesson.title
        solved = sum(is_solved(v) for v in record.verdicts if v.get("excused") is None)
        counting = sum(v.get("excused") is None for v in record.verdicts)
        late, tries = late_in_words(record), str(max(1, len(record.attempts)))
        points = f"{record.points:g} of {record.max_points:g}"
        rows.append([name, points, f"{solved} of {counting}", tries, _moment(record.handed_in.get("time")), late])
    total, most = (sum(getattr(record, of) for _, record in found) for of in ("points", "max_points"))
    rows.append([Markup("<strong>together</strong>"), f"{total:g} of {most:g}", "", "", "", ""])
    columns = ["lesson", "points", "exercises solved", "attempts", "handed in", "late"]
    again = [
        [lesson.title, rich(f"`{v['exercise']}`"), told_of(lesson)[v["exercise"]].heading]
        for lesson, record in found
        for v in record.verdicts
        if not is_solved(v) and v["exercise"] in told_of(lesson)
    ]
    parts = [table(columns, rows, named=True)]
    if again:
        parts += ["<h2>Where to read again</h2>", table(["lesson", "exercise", "section"], again)]
    return "".join(parts)


def _parts(lesson: LessonSource, record: Record, out: Path) -> list[str]:
    fence, pictures = Fence(), Fence(room=PICTURES)
    parts = [_head(record), *(f'<p class="note">Note: {rich(note)}</p>' for note in record.notes)]
    answers = cells_of(graded_path(out, record.student, lesson.name))
    cells = {str(cell.marks["exercise"]): cell for cell in lesson.of_kind("exercise")}
    for verdict in record.verdicts:
        name = verdict["exercise"]
        parts.append(f'<section id="{escape(name)}"><h2>{escape(name)}</h2>')
        told = told_of(lesson).get(name)
        if told:
            parts.append(f'<details class="task" open><summary>The task</summary>{told.task}</details>')
        parts += [_card(verdict), _by_hand(verdict)]
        if told and not is_solved(verdict):
            parts.append(_again(told))
        if name in cells and (cell := answers.pop(cell_id(lesson.name, cells[name]), None)):
            parts.append(f"<h3>Your answer</h3>{_cell(cell, fence, pictures)}")
        parts.append("</section>")
    extra = [cell for identity, cell in answers.items() if "-extra-" in identity]
    if extra:
        parts += ["<h2>Your own cells</h2>", *(_cell(cell, fence, pictures) for cell in extra[:MOST_CELLS])]
    if len(extra) > MOST_CELLS:
        parts.append(f"<p>{len(extra) - MOST_CELLS} more cells are left out here.</p>")
    return parts


def _head(record: Record) -> str:
    """Whose it is, the points with what changed them, when it came and how late; then a line an exercise."""
    late = late_in_words(record)
    said = facts(
        [
            ("student", record.label),
            ("points", Markup(f"<strong>{record.points:g} of {record.max_points:g} points.</strong>")),
            ("handed in", _moment(record.handed_in.get("time"))),
            ("late", late),
            ("attempts", str(len(record.attempts)) if len(record.attempts) > 1 else ""),
            ("graded", _moment(record.handed_in.get("graded"))),
        ]
    )
    rows = [
        [
            Markup(f'<a href="#{escape(v["exercise"])}"><code>{escape(v["exercise"])}</code></a>'),
            "counts for nobody" if v.get("excused") is not None else v["verdict"].replace("_", " "),
            f"{v['points']:g} of {v['max_points']:g}",
            "changed by your instructor" if v.get("manual") is not None or v.get("extra") else "",
        ]
        for v in record.verdicts
    ]
    return "".join([said, table(["exercise", "verdict", "points", ""], rows, "Exercises", named=True)])


def _moment(text: object) -> str:
    """A time as it was kept, for people."""
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%d %H:%M %Z}".strip() if text else ""
    except ValueError:
        return ""


def _by_hand(verdict: dict) -> str:
    """What the instructor changed, and wrote."""
    said = []
    if verdict.get("excused") is not None:
        said.append(f"This exercise counts for nobody: {escape(plain(verdict['excused']))}")
    elif changed := changed_by_hand(verdict):
        said.append(f"Changed by your instructor: {escape(plain(changed))} points.")
    if verdict.get("comment"):
        text = escape(cut(plain(verdict["comment"]), LONGEST_TEXT)).replace("\n", "<br>")
        said.append(f"<strong>Your instructor writes:</strong> {text}")
    return f'<div class="note"><p>{"</p><p>".join(said)}</p></div>' if said else ""


def _again(told: Told) -> str:
    """Where to read again, and the lesson's own hints, to unfold."""
    hints = "".join(f"<li>{hint}</li>" for hint in told.hints)
    more = f"<details><summary>Hints of the lesson</summary><ul>{hints}</ul></details>" if hints else ""
    return f"<p>Read again: the section <q>{escape(told.heading)}</q> of the lesson.</p>{more}"


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


@cache
def _css() -> str:
    """Colours of code and of a terminal's text, for both themes."""
    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in ("default", "github-dark"))
    bare = ".highlight { background: var(--shade) }"
    names = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
    shades = {
        "light": ("#333", "#b3261e", "#1b6e1b", "#7a5b00", "#005a92", "#8a2b8a", "#006d75", "#555"),
        "dark": ("#bbb", "#ff8a80", "#8fd88f", "#e6c55a", "#7cc4f5", "#e3a3e3", "#6fd6dd", "#eee"),
    }
    light_text, dark_text = (
        "".join(f".ansi-{n}-fg, .ansi-{n}-intense-fg {{ color: {c} }}" for n, c in zip(names, shades[t], strict=True))
        for t in ("light", "dark")
    )
    return (
        f"{light}{bare}{light_text} .ansi-bold {{ font-weight: bold }}"
        f"@media screen and (prefers-color-scheme: dark) {{ {dark}{bare}{dark_text} }}"
    )
