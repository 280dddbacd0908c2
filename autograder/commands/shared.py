"""What all commands share: where they are registered and print, and how lessons and folders are named."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False, soft_wrap=True)

LessonName = Annotated[str, typer.Argument(help="name or number of a lesson")]
GradedInto = Annotated[Path, typer.Option(help="the folder that was graded into")]
ItsGradebook = Annotated[str | None, typer.Option("--db", help="gradebook, if it isn't the SQLite file in --out")]
SomeLessons = Annotated[list[str] | None, typer.Argument(help="names or numbers of lessons; none means all")]


def names_of(words: list[str] | None) -> list[str]:
    """The full names of the lessons that are named, or of all."""
    from autograder.authoring import source

    return [source.find_lesson(word) for word in words] if words else source.lesson_names()


def named(words: list[str] | None) -> list:
    """The lessons that are named, or all."""
    from autograder.authoring import source

    return [source.load(name) for name in names_of(words)]
