"""Self-contained HTML pages: nothing is loaded from anywhere, nothing that a submission wrote is markup."""

from html import escape
from pathlib import Path

from autograder.files import write_whole

STYLE = (
    "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; line-height: 1.45 }"
    "table { border-collapse: collapse } td, th { padding: 3px 10px; text-align: left; border-bottom: 1px solid #ddd }"
    "caption { text-align: left; font-weight: bold; padding: 0.6em 0 }"
    "pre { background: #f6f6f6; padding: 0.6em; overflow-x: auto; font-size: 90% }"
    "img { max-width: 100% } nav a { margin-right: 1em }"
)
# No script, no request, whatever should slip through.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_page(path: Path, title: str, parts: list[str], style: str = "") -> Path:
    """Write a page whole or not at all. `parts` are HTML, made by us; `title` is text."""
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}{style}</style></head>'
        f"<body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )
    write_whole(path, page)
    return path


def table(columns: list[str], rows: list[list[str]], caption: str = "") -> str:
    """A table of text."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
