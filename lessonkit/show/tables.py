"""Tables of results: HTML for the page, aligned text for everybody else."""

from collections.abc import Sequence
from html import escape


class TextAndHtml:
    """Something to display that has both a plain and an HTML form."""

    def __init__(self, text: str, html: str):
        self.text, self.html = text, html

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text, "text/html": self.html}


def with_code(text: str) -> str:
    """Escaped text, with `what stands between backticks` as code."""
    pieces = escape(text, quote=False).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


def box(html: str, colour: str) -> str:
    """A paragraph beside a bar of a colour; the text keeps the page's own colour, so it is legible in every theme."""
    return (
        f'<div style="border-left: 6px solid {colour}; padding: 0.2em 0.9em; margin: 0.3em 0; max-width: 46em; '
        f'line-height: 1.45; font-family: var(--jp-content-font-family, sans-serif)">{html}</div>'
    )


def heading(name: str, style: str) -> str:
    """The HTML of a column's heading; one without a name is an empty cell, not a heading that says nothing."""
    if not name:
        return f'<td style="{style}"></td>'
    return f'<th scope="col" style="{style}">{escape(name)}</th>'


def say(sentences: Sequence[str]) -> None:
    """Display sentences, a paragraph each, with `what stands between backticks` as code."""
    from IPython.display import display

    if sentences:
        html = "".join(f'<p style="overflow-wrap: anywhere">{with_code(sentence)}</p>' for sentence in sentences)
        display(TextAndHtml("\n".join(sentences), html))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> None:
    """Display a table. Floats are shown with three significant digits, everything else as it is."""
    from IPython.display import display

    cells = [[_text(value) for value in row] for row in rows]
    for row in cells:
        if len(row) != len(columns):
            raise ValueError(f"a row has {len(row)} cells, and there are {len(columns)} columns")
    display(TextAndHtml(_as_text(columns, cells, caption), _as_html(columns, cells, caption)))


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _as_text(columns: Sequence[str], rows: list[list[str]], caption: str) -> str:
    widths = [max(len(row[i]) for row in [list(columns), *rows]) for i in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [columns, *rows]]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([caption] * bool(caption) + [line.rstrip() for line in lines])


def _as_html(columns: Sequence[str], rows: list[list[str]], caption: str) -> str:
    style = "text-align: left; padding: 3px 10px"
    head = "".join(heading(name, style) for name in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="{style}">{escape(cell)}</td>' for cell in row) + "</tr>" for row in rows
    )
    title = f'<caption style="text-align: left; font-weight: bold">{escape(caption)}</caption>' if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
