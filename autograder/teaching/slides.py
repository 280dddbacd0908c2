"""Slides of a lesson, from its executed notebook: one page that any browser shows, a section a screen."""

import html
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from markdown_it import MarkdownIt

from autograder.authoring import mathjax
from autograder.authoring.build import solution_path
from lessonkit.errors import CourseError

_POINTS = 4  # first sentences of paragraphs that a slide takes from a section
_STYLE = """
html { scroll-snap-type: y mandatory; font: 1.5rem/1.45 system-ui, sans-serif; color-scheme: light dark; }
body { margin: 0; }
section { scroll-snap-align: start; box-sizing: border-box; min-height: 100vh; padding: 6vh 8vw; }
h1, h2 { font-size: 2.4rem; line-height: 1.2; margin: 0 0 4vh; }
img { display: block; max-width: 84vw; max-height: 70vh; margin: 2vh auto; background: #fff; }
li { margin: 0 0 1.2vh; }
@media print { section { break-after: page; } }
"""

_MATHS = (
    f"""<script>MathJax = {{tex: {{inlineMath: [["$", "$"]]}}}}</script><script src="{mathjax.NAME}" async></script>"""
)


@dataclass
class _Section:
    heading: str
    points: list[str] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)  # PNG in base64, and its words


def slides(name: str, title: str) -> str:
    """The slides of a lesson as one HTML page: each section's first sentences, then each of its figures.

    Raises:
        CourseError: the lesson was never built.
    """
    path = solution_path(name)
    if not path.is_file():
        raise CourseError(f"{name} has no executed notebook yet: python -m autograder build {name[:2]}")
    write = MarkdownIt("commonmark", {"html": False})
    screens = []
    for section in _sections(path):
        points = "".join(f"<li>{write.renderInline(point)}</li>" for point in section.points)
        screens.append(f"<h2>{write.renderInline(section.heading)}</h2><ul>{points}</ul>")
        for picture, words in section.pictures:
            image = f'<img src="data:image/png;base64,{picture}" alt="{html.escape(words, quote=True)}">'
            screens.append(f"<h2>{write.renderInline(section.heading)}</h2>{image}")
    body = "\n".join(f"<section>{screen}</section>" for screen in screens)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>\n{_MATHS}</head>\n'
        f"<body>{body}</body></html>\n"
    )


def _sections(path: Path) -> list[_Section]:
    found: list[_Section] = []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL)
            for block in re.split(r"\n\s*\n", text):
                heading = re.match(r"(#{1,3}) (.+)", block)
                if heading and len(heading[1]) < 3:
                    found.append(_Section(heading[2]))
                elif heading:
                    found.append(_Section(""))  # an exercise: its text belongs to the notebook
                elif found and len(found[-1].points) < _POINTS and re.match(r"[*\w\"“$]", block):
                    found[-1].points.append(_first_sentence(block))
        elif found:
            found[-1].pictures += [
                _picture(o.data) for o in cell.get("outputs", []) if "image/png" in o.get("data", {})
            ]
    return [section for section in found if section.heading and (section.points or section.pictures)]


def _first_sentence(block: str) -> str:
    flat = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(block.split()))
    return re.match(r".*?(?<!eq)(?<!sec)(?<!al)[.?!](?=\s|$)|.*", flat)[0]


def _picture(data: dict) -> tuple[str, str]:
    words = re.search(r'alt="([^"]*)"', data.get("text/html", ""))
    return data["image/png"].replace("\n", ""), html.unescape(words[1]) if words else data.get("text/plain", "")
