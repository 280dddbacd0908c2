"""Try one answer, written in a file, against the check of its exercise on fresh seeds."""

import secrets
import traceback
from pathlib import Path

from autograder.authoring import bank as banks
from autograder.authoring import source
from autograder.authoring.source import Exercise
from lessonkit.checks.finding import Finding
from lessonkit.errors import CourseError, did_you_mean


def find_exercise(lesson: source.LessonSource, name: str) -> Exercise:
    """The exercise of that name.

    Raises:
        CourseError: there is none; names the nearest.
    """
    exercises = lesson.exercises()
    if name not in exercises:
        raise CourseError(f"Lesson {lesson.name} has no exercise {name!r}." + did_you_mean(name, exercises))
    return exercises[name]


def try_file(lesson_word: str, exercise_name: str, file: Path, seeds: int) -> Finding:
    """Judge the answer that a Python file defines under the exercise's name.

    What the lesson's plain cells import and define is there for it, as in the notebook.

    Raises:
        CourseError: the answer could not be tried: no such lesson, exercise or file, or the file doesn't run.
    """
    lesson = source.load(lesson_word)
    exercise = find_exercise(lesson, exercise_name)
    namespace = dict(lesson.namespace())
    del namespace[exercise.name]
    try:
        code = compile(file.read_text(encoding="utf-8"), str(file), "exec")
        exec(code, namespace)
    except OSError as error:
        raise CourseError(f"Cannot read {file}: {error.strerror}.") from error
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise CourseError(f"{file} is not a Python file that can be read: {error}.") from error
    except (Exception, SystemExit) as error:
        raise CourseError(f"{file} stops while it is run:\n{traceback.format_exc(limit=-1)}") from error
    if exercise.name not in namespace:
        raise CourseError(f"{file} does not define `{exercise.name}`.")
    fresh = [secrets.randbelow(2**31) for _ in range(seeds)]
    return banks.judge_answer(exercise, namespace[exercise.name], banks.load(lesson.name), fresh)
