"""What the names of files and students say: the lesson that is meant, and a form that harms nothing."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from lessonkit.syntax import has_piled_marks

LONGEST_NAME = 100  # bytes
EXACT, DECORATED, NAMED, IN_FOLDER, CANDIDATE = range(5)  # how sure it is that a notebook is meant for the lesson
# What browsers, systems and platforms put behind a name: " (1)", "-1", "-Copy1", "_copy", " - Kopie (2)". Written from
# the end, so that a name is looked through once: from the front, every place in it might be where that begins.
_DECORATION = re.compile(r"\)\d++\([ _-]*+|\d*+[ _-]*+(?:ypoc|aipoc|eipok|eipoc)[ _-]*+|\d{1,3}-", re.IGNORECASE)
_HAS_AN_END = re.compile(r"-[0-9a-f]{8}$")


@lru_cache(maxsize=64)
def _ways(lesson: str) -> tuple[re.Pattern, re.Pattern, re.Pattern | None]:
    """How a lesson's name is found in others: with any signs between its words, by its number, by its words alone."""
    number, *words = lesson.split("_")
    between = r"[\W_]*+"
    whole = re.compile(between.join(map(re.escape, (number, *words))), re.IGNORECASE)
    by_number = re.compile(rf"lesson{between}0*+{re.escape(number.lstrip('0') or '0')}(?!\d)", re.IGNORECASE)
    if number.strip("0") == "":
        by_number = re.compile(rf"lesson{between}0++(?!\d)", re.IGNORECASE)
    alone = re.compile(between.join(map(re.escape, words)), re.IGNORECASE) if len(words) > 1 else None
    return whole, by_number, alone


def _found(text: str, lessons: Sequence[str]) -> tuple[str, re.Match | None]:
    """The lesson whose name stands in a text, and where; of names without numbers the longest."""
    for name in lessons:
        if found := _ways(name)[0].search(text):
            return name, found
    for name in lessons:
        if found := _ways(name)[1].search(text):
            return name, found
    loose = [(name, found) for name in lessons if (way := _ways(name)[2]) and (found := way.search(text))]
    return max(loose, key=lambda pair: len(pair[0])) if loose else ("", None)


def lesson_in(text: str, lessons: Sequence[str]) -> str:
    """The lesson whose name stands in the text, with whatever signs between its words; "" if none does."""
    return _found(text, lessons)[0]


def meant_for(lesson: str, lessons: Sequence[str], stem: str, folders: Sequence[str]) -> tuple[int | None, str]:
    """How sure it is that a notebook is meant for the lesson; None and the other's name if it is another's."""
    if stem.casefold() == lesson.casefold():
        return EXACT, ""
    whole = _ways(lesson)[0]
    if whole.fullmatch(undecorated(stem)):
        return DECORATED, ""
    if whole.search(stem):
        return NAMED, ""
    if other := lesson_in(stem, lessons):
        return (NAMED, "") if other == lesson else (None, other)
    named = [found for folder in folders if (found := lesson_in(folder, lessons))]
    if named:
        return (IN_FOLDER, "") if named[-1] == lesson else (None, named[-1])
    if folders and re.fullmatch(r"\d\d_[a-z]\w*", stem) and folders[-1] == stem:
        return None, stem  # nbgrader's layout of another course's lesson
    return CANDIDATE, ""


def owner_in_stem(stem: str, lessons: Sequence[str]) -> str:
    """Whose a file is by its name: what is left of it without the lesson's."""
    _, found = _found(stem, lessons)
    if found is None:
        return stem
    before, after = stem[: found.start()], undecorated(stem[found.end() :])
    before = "" if re.fullmatch(r"copy of\s*+", before, re.IGNORECASE) else before
    return before.rstrip("_- ") or after.strip("_- ()")


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
    begins = (i for i, c in enumerate(kept) if unicodedata.category(c)[0] != "M" and c not in "-.+@_")
    kept = kept[next(begins, len(kept)) :].rstrip("-.")  # a table takes + and @ for a formula's beginning
    short = kept.encode()[:LONGEST_NAME].decode("utf-8", "ignore") or "unnamed"
    if short == raw and not _HAS_AN_END.search(name):
        return short
    end = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{short.encode()[: LONGEST_NAME - 9].decode('utf-8', 'ignore')}-{end}"
