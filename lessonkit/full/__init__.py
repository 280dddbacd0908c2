"""Full-size runs of lessons on real data, with the answers of whoever runs them; what they need besides is fetched."""

from collections.abc import Callable


def runs() -> dict[str, Callable]:
    """By the names of lessons: run(lesson, code, minutes, folder) -> results; checkpoints lie in the folder."""
    from lessonkit.full import digits, reviews, sick, translation

    several = dict.fromkeys(translation.MODELS, translation.run) | dict.fromkeys(digits.MODELS, digits.run)
    return several | {reviews.LESSON: reviews.run, sick.LESSON: sick.run}
