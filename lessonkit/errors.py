"""The one exception for mistakes that a person can make and mend."""

import difflib
from collections.abc import Iterable


class CourseError(Exception):
    """Something that the person at the keyboard can put right; its message is one sentence that says how.

    Commands print the sentence and exit with code 2; no traceback is shown.
    """


def did_you_mean(word: str, known: Iterable[object]) -> str:
    """ " Did you mean …?" with the nearest of the known words, or a list of them all."""
    names = [str(k) for k in known]
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else f" There is: {', '.join(names)}."
