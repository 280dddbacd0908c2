"""Full-size runs of lessons on real data, with the answers of whoever runs them; what they need besides is fetched."""

import importlib.util
from collections.abc import Callable

from lessonkit.errors import CourseError


def runs() -> dict[str, Callable]:
    """By the names of lessons: run(lesson, code, minutes, folder) -> results; checkpoints lie in the folder."""
    from lessonkit.full import digits, reviews, sick, translation

    several = dict.fromkeys(translation.MODELS, translation.run) | dict.fromkeys(digits.MODELS, digits.run)
    return several | {reviews.LESSON: reviews.run, sick.LESSON: sick.run}


def needs_scikit_learn() -> None:
    """What two runs compare with; no notebook needs it, so the wheel doesn't bring it.

    Raises:
        CourseError: it isn't installed.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise CourseError("This run compares with scikit-learn, which isn't installed: `pip install scikit-learn`.")
