"""Questions about lessons: to ask aloud, and for an exam, which is another one for every seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, resources

Exam = Callable[[random.Random], tuple[str, str]]  # -> (question, solution), in Markdown


@dataclass
class Questions:
    """The questions of one lesson."""

    aloud: list[tuple[str, str]] = field(default_factory=list)
    exam: list[Exam] = field(default_factory=list)

    def ask(self, question: str, answer: str) -> None:
        """Add a question to ask aloud, with its answer."""
        self.aloud.append((question, answer))

    def variant(self, make: Exam) -> Exam:
        """Add a question for an exam: a function that draws its numbers."""
        self.exam.append(make)
        return make


@cache
def of_lesson(number: str) -> Questions:
    """The questions of the lesson with this number; none if nobody wrote any yet."""
    here = resources.files("autograder.teaching.questions")
    names = [path.name.removesuffix(".py") for path in here.iterdir() if path.name.startswith(f"q{number}_")]
    return import_module(f"autograder.teaching.questions.{names[0]}").QUESTIONS if names else Questions()


def distinct(draw: random.Random, count: int, low: int, high: int) -> list[int]:
    """`count` different whole numbers from low to high, both included."""
    return draw.sample(range(low, high + 1), count)


def listed(values: list) -> str:
    """Values as people write a row of numbers."""
    return ", ".join(str(value) for value in values)
