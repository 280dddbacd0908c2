"""The table of the start page: every lesson in the folder, and how far one is."""

from html import escape
from pathlib import Path

from lessonkit.errors import CourseError
from lessonkit.page import progress
from lessonkit.show.tables import TextAndHtml, say, show_table
from lessonkit.state import State


def show(folder: Path | None = None) -> None:
    """Display points and open exercises of every lesson below a folder (by default the present one)."""
    from IPython.display import display

    state, rows, next_one = State(), [], None
    for name, title in _lessons(folder or Path.cwd()):
        try:
            found = progress.of_lesson(name, state.lesson(name))
        except CourseError:
            continue
        if found.open and not next_one:
            next_one = _next(name, title, found.open[0])
        still = ", ".join(found.open) if found.passed else "not begun"
        rows.append([title, f"{found.points:g} of {found.total:g}", still or "all done"])
    show_table(["lesson", "points", "still open"], rows)
    if next_one:
        display(next_one)
    else:
        say(["You have solved every exercise of the course."])


def _next(name: str, title: str, exercise: str) -> TextAndHtml:
    link = f'<a href="{name}/{name}.ipynb">{escape(title)}</a>'
    return TextAndHtml(f"Next: {exercise} in {title}.", f"<p>Next: <code>{escape(exercise)}</code> in {link}.</p>")


def _lessons(folder: Path) -> list[tuple[str, str]]:
    """(name, title) of the lessons' notebooks below a folder, in order."""
    paths = sorted(folder.glob("[0-9][0-9]_*/[0-9][0-9]_*.ipynb"))
    return [(path.stem, progress.title_of(path)) for path in paths if path.stem == path.parent.name]
