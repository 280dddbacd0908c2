"""The commands: `python -m autograder COMMAND`."""

import sys

from autograder.commands import author, classroom, instructor, measurer  # noqa: F401  (each registers its commands)
from autograder.commands.shared import app, console
from lessonkit.errors import CourseError


def main() -> None:
    """Run a command. A mistake that a person can mend is one sentence and exit code 2."""
    try:
        app()
    except CourseError as error:
        console.print(str(error), style="red", markup=False)
        sys.exit(2)
    except Exception as error:
        if not type(error).__module__.startswith("sqlalchemy"):
            raise
        console.print(_of_the_database(error), style="red", markup=False)
        sys.exit(2)


def _of_the_database(error: Exception) -> str:
    """What a database's error means to whoever ran a command."""
    reason = str(error).splitlines()[0].rstrip(".")
    if "locked" in reason:
        return "The gradebook is being written by another program, formgrader perhaps. What it has is whole: run again."
    return f"The gradebook can't be used: {reason}. What it has is whole; mend this and run again."
