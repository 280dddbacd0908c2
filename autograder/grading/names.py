"""What the names of files and students say: the lesson that is meant, and a form that harms nothing."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from lessonkit.syntax import has_piled_marks

LONGEST_NAME = 100  # bytes
EXACT, DECORATED, NAMED, IN_FOLDER, CANDIDATE = range(5)  # how sure it is that a notebook is meant for the lesson
# What browsers, systems and platforms put behind a name: " (1)", "-1", "-Copy1", "_copy", " - Kopie (2)". Written from
# the end, so that a name is looked through once: from the front, every place in it might be where that begins.
_DECORATION = re.compile(r"\)\d++\([ _-]*+|\d*+[ _-]*+(?:ypoc|aipoc|eipok|eipoc)[ _-]*+|\d{1,3}-", re.IGNORECASE)
_HAS_AN_END = re.compile(r"-[0-9a-f]{8}$")


def lesson_in(text: str, lessons: Sequence[str]) -> str:
    """The lesson whose name stands in the text; "" if none does."""
    folded = text.casefold()
    return next((name for name in lessons if name.casefold() in folded), "")


def meant_for(lesson: str, lessons: Sequence[str], stem: str, folders: Sequence[str]) -> tuple[int | None, str]:
    """How sure it is that a notebook is meant for the lesson; None and the other's name if it is another's."""
    folded = stem.casefold()
    if folded == lesson.casefold():
        return EXACT, ""
    if undecorated(folded) == lesson.casefold():
        return DECORATED, ""
    if lesson.casefold() in folded:
        return NAMED, ""
    if other := lesson_in(stem, lessons):
        return None, other
    named = [lesson_in(folder, lessons) for folder in folders if lesson_in(folder, lessons)]
    if named:
        return (IN_FOLDER, "") if named[-1] == lesson else (None, named[-1])
    if folders and re.fullmatch(r"\d\d_[a-z]\w*", stem) and folders[-1] == stem:
        return None, stem  # nbgrader's layout of another course's lesson
    return CANDIDATE, ""


def owner_in_stem(stem: str, lessons: Sequence[str]) -> str:
    """Whose a file is by its name: what is left of it without the lesson's."""
    lesson = lesson_in(stem, lessons)
    if not lesson:
        return stem
    before, after = re.split(re.escape(lesson), stem, maxsplit=1, flags=re.IGNORECASE)
    after = undecorated(after)
    return before.rstrip("_- ") or after.lstrip("_- ")


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC); as it is, if it is none that anybody has."""
    return name if has_piled_marks(name) else unicodedata.normalize("NFC", name)


def undecorated(name: str) -> str:
    """A name without what was put behind it."""
    turned, at = name[::-1], 0
    while found := _DECORATION.match(turned, at):
        at = found.end()
    return name[: len(name) - at]


def clean(name: str) -> str:
    """A name that is harmless in paths, tables and pages. What cleaning changed gets a stable end of its own.

    So does a name that looks as if it had one: nobody can be called what cleaning makes of somebody else.

    Composed (NFC), so that a Mac's and a PC's are one; letters of every script stay, combining marks are letters.
    """
    raw = name = composed(name)
    name = re.sub("[\ud800-\udfff]", "\ufffd", name)  # bytes of a name that are no text
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in "_.@+-" else " " for c in name)
    kept = re.sub(" +", "-", kept)
    kept = kept.strip("-.").lstrip("-.+@_")  # a table takes + and @ for a formula's beginning
    kept = kept[next((i for i, c in enumerate(kept) if unicodedata.category(c)[0] != "M"), len(kept)) :]
    short = kept.encode()[:LONGEST_NAME].decode("utf-8", "ignore") or "unnamed"
    if short == raw and not _HAS_AN_END.search(name):
        return short
    end = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{short.encode()[: LONGEST_NAME - 9].decode('utf-8', 'ignore')}-{end}"
