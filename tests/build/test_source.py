"""A malformed source file is refused in one sentence that names the file and the line."""

import pytest

from autograder.authoring import source
from lessonkit.errors import CourseError

from .sample import LESSON


def parse(tmp_path, text):
    path = tmp_path / "90_sample.py"
    path.write_text(text, encoding="utf-8")
    return source.parse(path)


def test_the_sample_is_read(tmp_path):
    lesson = parse(tmp_path, LESSON)
    assert lesson.title == "A sample"
    assert [cell.kind for cell in lesson.cells] == [
        *("markdown", "plain", "task", "exercise", "check", "plain", "demo", "demo")
    ]
    names = [cell.name for cell in lesson.cells]
    assert names == [
        "top-1",
        "setup",
        "task-double",
        "exercise-double",
        "check-double",
        "check-double-1",
        "demo-show",
        "demo-again",
    ]
    exercise = lesson.exercises()["double"]
    assert (exercise.points, exercise.minutes, exercise.difficulty) == (2.0, 3, 1)
    assert exercise.reference(4) == 8


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("minutes=3", "minuets=3", "line 19: unknown mark 'minuets' on an exercise cell. Did you mean 'minutes'?"),
        (" points=2", "", 'line 26: this check cell lacks the mark points="…".'),
        ("points=2", "points=-1", "line 26: points must be a number above 0, not -1."),
        ('exercise="double" minutes', 'exercise="treble" minutes', "line 19: the exercise 'treble' has no check cell."),
        ('task="double"', 'task="treble"', "line 19: the exercise 'double' has no task cell."),
        ("### END SOLUTION", "", "line 19: 'double' needs"),
        ('with demonstration("show")', "if True", "line 35: a demo cell holds"),
        ('demo="again"', 'demo="show"', "line 40: there is a second demo cell named 'show'."),
        ('name="setup"', 'name="set up!"', "line 5: a name has letters, digits"),
        ("# %% [markdown]\n# # A sample\n# Text.", "# %% [markdown]\n# A sample", "line 1: the first cell is Markdown"),
        ('# %% demo="show"', '# %% demo="show" check="double" points=2', "line 35: a cell has one kind"),
        ('# %% [markdown] task="double"', '# %% task="double"', "line 13: a task cell must be Markdown."),
    ],
)
def test_malformed_marks_name_file_and_line(tmp_path, old, new, says):
    assert old in LESSON
    with pytest.raises(CourseError) as caught:
        parse(tmp_path, LESSON.replace(old, new, 1))
    assert str(caught.value).startswith("90_sample.py, ")
    assert says in str(caught.value)


def test_an_unknown_lesson_suggests_the_nearest():
    with pytest.raises(CourseError, match="Did you mean '00_weighted_average'"):
        source.find_lesson("00_wieghted_averages")
