"""The seeds on which a lesson's checks are tested: drawn from its exercises, its checks and its bank.

The same tree has the same seeds on every machine, so what is green here is green elsewhere; exercises that changed have
others, a sentence doesn't matter. With FRESH_SEEDS=1 in the environment they are fresh ones: a sweep for what rare
seeds still show.
"""

import hashlib
import os
import secrets
from functools import lru_cache

from autograder.authoring import source
from autograder.authoring.bank import BANKS


@lru_cache
def seeds_of(lesson: str, count: int) -> list[int]:
    """As many seeds as asked for, of a lesson by its whole name; fewer are the first of more, unless they are fresh."""
    if os.environ.get("FRESH_SEEDS", "") not in ("", "0"):
        return [secrets.randbelow(2**31) for _ in range(count)]
    cells = [cell.source for cell in source.load(lesson).cells if cell.kind in ("exercise", "check")]
    texts = [*cells, (BANKS / f"{lesson}.py").read_text("utf-8")]
    return [_number("\0".join([*texts, str(place)])) for place in range(count)]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 2**31
