"""Self-contained HTML pages: nothing is loaded from anywhere, nothing that a submission wrote is markup."""

import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from autograder.sandbox.text import cut, plain
from lessonkit.files import write_whole

# Colours of both themes keep a contrast of 4.5 and more for text; whatever a colour says, a sign or a word says, too.
STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1b1b1b; --soft: #555; --line: #d0d0d0; --shade: #f4f4f4;
  --link: #005a92; --blue: 0 114 178; --warn: #a33f00 }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --text: #e6e6e6; --soft: #b0b0b0; --line: #4a4d52;
  --shade: #23262b; --link: #7cc4f5; --blue: 86 180 233; --warn: #ff9d5c } }
body { font-family: sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; line-height: 1.45;
  overflow-wrap: anywhere; background: var(--page); color: var(--text) }
a { color: var(--link) } h2 { margin-top: 2em } h3 { margin-top: 1.5em } nav a { margin-right: 1em }
table { border-collapse: collapse } .wide { overflow-x: auto }
td, th { padding: 3px 10px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line);
  font-weight: normal; overflow-wrap: break-word } thead th { font-weight: bold }
.number { text-align: right; white-space: nowrap }
caption { text-align: left; font-weight: bold; padding: 0.6em 0 }
pre { background: var(--shade); padding: 0.6em; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 90% }
img { max-width: 100%; background: #fff } .soft { color: var(--soft) } .warn { color: var(--warn); font-weight: bold }
.bar { display: inline-block; height: 0.9em; background: rgb(var(--blue)) } td.bars { width: 24em }
.heat td { text-align: center; padding: 2px 6px } .heat .mark { background: rgb(var(--blue) / var(--share)) }
.heat thead th { font-size: 85%; max-width: 7em } .key { padding: 0 0.6em }
.facts th { color: var(--soft) } .note { border-left: 4px solid var(--line); margin: 0.8em 0; padding: 0.2em 0.9em }
.shown { border: 2px dashed #999; margin: 0.6em 0 1.4em; padding: 0 0.8em; max-height: 60em; overflow: auto }
.shown > figcaption { font-size: 85%; color: var(--soft); padding-top: 0.4em }
.task { background: var(--shade); padding: 0.1em 0.9em }
@media (max-width: 45em) { .wide > table { width: max-content } .wide td, .wide th { max-width: 16em }
  .wide .heat th { max-width: 9em } td.bars { width: 11em } }
@media print { :root { --page: #fff; --text: #000; --soft: #444; --line: #bbb; --shade: #f4f4f4; --link: #000;
  --blue: 0 114 178; --warn: #000 } body { max-width: none; margin: 0; font-size: 10pt }
  .shown { max-height: none; overflow: visible } section { break-inside: auto } h2, h3 { break-after: avoid }
  tr, .note { break-inside: avoid } .wide { overflow: visible } nav { display: none }
  .bar, .mark { print-color-adjust: exact } }
"""
# No script, no request, whatever should slip through.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
LONGEST_CELL = 2_000  # characters of a table's cell
MOST_ROWS = 5_000
_NUMBER = re.compile(r"[–-]?\d[\d.,]*( ?%)?( [sh])?$|–$")

Text = str  # escaped when it is shown, unless it is Markup


def write_page(path: Path, title: str, parts: Sequence[str], style: str = "") -> Path:
    """Write a page whole or not at all. `parts` are HTML, made by us; `title` is text."""
    title = escape(plain(title))
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}{style}</style></head>'
        f"<body><main><h1>{title}</h1>{''.join(parts)}</main></body></html>\n"
    )
    write_whole(path, page)
    return path


def table(
    columns: Sequence[Text], rows: Sequence[Sequence[Text]], caption: str = "", named: bool = False, kind: str = ""
) -> Markup:
    """A table of text: long cells and very many rows are cut, and say so. `named`: the first cell names its row."""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    numbers = [rows and all(_NUMBER.match(row[i]) for row in rows if row[i:] and row[i]) for i in range(len(columns))]
    looks = [' class="number"' if number and not (named and i == 0) else "" for i, number in enumerate(numbers)]
    head = "".join(f'<th scope="col"{look}>{_cell(c)}</th>' for c, look in zip(columns, looks, strict=True))
    body = "".join(
        f"<tr>{''.join(_td(c, named and i == 0) for i, c in enumerate(row))}</tr>" for row in rows[:MOST_ROWS]
    )
    more = f"<p>{len(rows) - MOST_ROWS} more rows are left out here.</p>" if len(rows) > MOST_ROWS else ""
    look = f' class="{kind}"' if kind else ""
    whole = f"<table{look}>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return Markup(f'<div class="wide">{whole}</div>{more}')


def facts(rows: Sequence[tuple[str, Text]]) -> Markup:
    """A small table of names and what they are; those without anything are left out."""
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{_cell(said)}</td></tr>' for name, said in rows if said)
    return Markup(f'<table class="facts"><tbody>{body}</tbody></table>')


def _td(cell: Text, names_row: bool) -> str:
    if cell[:3] == "<td":  # a whole cell, made by us
        return cell if isinstance(cell, Markup) else f"<td>{_cell(cell)}</td>"
    if names_row:
        return f'<th scope="row">{_cell(cell)}</th>'
    number = ' class="number"' if _NUMBER.match(cell) else ""
    return f"<td{number}>{_cell(cell)}</td>"


def _cell(text: Text) -> str:
    return text if isinstance(text, Markup) else escape(cut(plain(text[: 2 * LONGEST_CELL]), LONGEST_CELL))


def rich(text: str, longest: int = LONGEST_CELL) -> Markup:
    """A sentence of ours or of a check, escaped; `code` between backticks and *stress* between stars are shown so."""
    pieces = escape(cut(plain(text[: 2 * longest]), longest), quote=False).split("`")
    if len(pieces) % 2 == 0:  # a lone backtick is a sign like any other
        pieces[-2:] = ["`".join(pieces[-2:])]
    stressed = re.compile(r"(?<![\w*])(\*\*?)(?=\S)([^*\n]{1,200})(?<=\S)\1(?![\w*])")
    shown = [
        f"<code>{piece}</code>" if i % 2 else stressed.sub(r"<em>\2</em>", piece) for i, piece in enumerate(pieces)
    ]
    return Markup("".join(shown))


def link(target: str, text: str) -> Markup:
    """A link to a file near the page; names of folders may hold any sign."""
    return Markup(f'<a href="{quote(target, safe="/#.")}">{escape(plain(text))}</a>')


def bars(rows: Sequence[tuple[str, float, str]], columns: tuple[str, str], caption: str = "") -> Markup:
    """A bar a row, as a table: the name, how long the bar is (the longest fills its column), and what it says."""
    longest = max((size for _, size, _ in rows), default=0) or 1
    made = [
        [name, Markup(f'<td class="bars"><span class="bar" style="width: {70 * size / longest:.1f}%"></span> '
                      f"{escape(said)}</td>")]
        for name, size, said in rows
    ]  # fmt: skip
    return table(columns, made, caption, named=True)


def section(heading: str, make: Callable[[], str], level: int = 2) -> Markup:
    """A part of a page under its heading; one that can't be made costs itself, and says so."""
    try:
        made = make()
    except Exception as error:
        made = f"<p>This part could not be made ({escape(type(error).__name__)}); everything else is here.</p>"
    return Markup(f"<section><h{level}>{escape(heading)}</h{level}>{made}</section>")
