"""The glossary: one text file, a notebook made from it, and a link at each term's first use in a lesson."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lessonkit.errors import CourseError

SOURCE = Path(__file__).resolve().parents[2] / "solutions" / "glossary.txt"
PAGE = "../glossary.ipynb"
# What is no running text: code, formulas, links, tags, headings, hints' marks.
_PROTECTED = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|\[[^\]]*\]\([^)]*\)|<[^>]+>|^#.*?$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Term:
    """A term, the forms under which it is looked for in a lesson's text, and what it means, in Markdown."""

    name: str
    forms: tuple[str, ...]
    meaning: str

    @property
    def anchor(self) -> str:
        """The heading's address in the glossary's page."""
        return self.name.replace(" ", "-")

    def find(self, text: str) -> re.Match | None:
        """The first of its forms in a text. Capitals count where the form has some."""
        found = [
            match
            for form in self.forms
            if (match := re.search(rf"(?<![\w-]){re.escape(form)}(?![\w-])", text, 0 if form != form.lower() else re.I))
        ]
        return min(found, key=lambda match: match.start(), default=None)


@lru_cache(maxsize=1)
def terms() -> tuple[Term, ...]:
    """All terms, by the alphabet.

    Raises:
        CourseError: a block of the file has no meaning, or a term stands there twice.
    """
    blocks = re.split(r"\n\s*\n", re.sub(r"^#.*\n", "", SOURCE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    found = []
    for block in filter(str.strip, blocks):
        head, *meaning = block.strip("\n").splitlines()
        if not meaning or head.startswith(" "):
            raise CourseError(f"{SOURCE.name}: the term {head.strip()!r} needs its meaning in indented lines below.")
        forms = [form.strip() for form in head.split(";")]
        linked = tuple(form for form in forms if not form.startswith("~"))
        found.append(Term(forms[0].lstrip("~"), linked, " ".join(line.strip() for line in meaning)))
    names = [term.name for term in found]
    if len(set(names)) < len(names):
        raise CourseError(f"{SOURCE.name}: a term stands there twice.")
    return tuple(sorted(found, key=lambda term: term.name.lower()))


def link(text: str, seen: set[str]) -> str:
    """The text of one cell with a link at the first use of each term that isn't in `seen`, which grows."""
    for term in terms():
        if term.name in seen:
            continue
        kept = [" " * len(part.group()) for part in _PROTECTED.finditer(text)]
        plain = text
        for part, blank in zip(_PROTECTED.finditer(text), kept, strict=True):
            plain = plain[: part.start()] + blank + plain[part.end() :]
        match = term.find(plain)
        if match:
            text = f"{text[: match.start()]}[{match.group()}]({PAGE}#{term.anchor}){text[match.end() :]}"
            seen.add(term.name)
    return text


def markdown() -> str:
    """The glossary as one Markdown text."""
    return "\n\n".join(["# Glossary", *(f"### {term.name}\n\n{term.meaning}" for term in terms())])
