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
