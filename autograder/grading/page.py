"""Self-contained HTML pages: nothing is loaded from anywhere, nothing that a submission wrote is markup."""

from collections.abc import Callable
from html import escape
from pathlib import Path

from autograder.files import write_whole
from autograder.sandbox.text import cut, plain

STYLE = (
    "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; line-height: 1.45;"
    " overflow-wrap: anywhere }"
    "table { border-collapse: collapse } td, th { padding: 3px 10px; text-align: left; border-bottom: 1px solid #ddd }"
    "caption { text-align: left; font-weight: bold; padding: 0.6em 0 }"
    "pre { background: #f6f6f6; padding: 0.6em; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 90% }"
    "img { max-width: 100% } nav a { margin-right: 1em }"
    ".shown { border: 2px dashed #999; margin: 0.6em 0 1.4em; padding: 0 0.8em; max-height: 60em; overflow: auto }"
    ".shown > figcaption { font-size: 85%; color: #555; padding-top: 0.4em }"
)
# No script, no request, whatever should slip through.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
LONGEST_CELL = 2_000  # characters of a table's cell
MOST_ROWS = 5_000


def write_page(path: Path, title: str, parts: list[str], style: str = "") -> Path:
    """Write a page whole or not at all. `parts` are HTML, made by us; `title` is text."""
    title = escape(plain(title))
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}{style}</style></head>'
        f"<body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )
    write_whole(path, page)
    return path


def table(columns: list[str], rows: list[list[str]], caption: str = "") -> str:
    """A table of text: long cells and very many rows are cut, and say so."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows[:MOST_ROWS])
    more = f"<p>{len(rows) - MOST_ROWS} more rows are left out here.</p>" if len(rows) > MOST_ROWS else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(text: str) -> str:
    return escape(cut(plain(text[: 2 * LONGEST_CELL]), LONGEST_CELL))


def section(heading: str, make: Callable[[], str]) -> str:
    """A part of a page under its heading; one that can't be made costs itself, and says so."""
    try:
        made = make()
    except Exception as error:
        made = f"<p>This part could not be made ({escape(type(error).__name__)}); everything else is here.</p>"
    return f"<h2>{escape(heading)}</h2>{made}"
