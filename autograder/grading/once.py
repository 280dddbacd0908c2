"""What is worked out once a lesson and then used for every submission."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from autograder.authoring.source import LessonSource

T = TypeVar("T")
KEPT = 4  # lessons


def once_a_lesson(make: Callable[[LessonSource], T]) -> Callable[[LessonSource], T]:
    """Remember what a function makes of a lesson, by the lesson's identity: its cells can't be hashed."""
    made: dict[int, tuple[LessonSource, T]] = {}

    @wraps(make)
    def remembered(lesson: LessonSource) -> T:
        if id(lesson) not in made:
            while len(made) >= KEPT:
                made.pop(next(iter(made)))
            made[id(lesson)] = (lesson, make(lesson))
        return made[id(lesson)][1]

    return remembered
