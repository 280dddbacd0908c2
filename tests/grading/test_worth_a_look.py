"""What the report points out, and what it doesn't: ready-made functions, and text that few students share."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.authoring import source
from autograder.authoring.notebook import cell_id, write
from autograder.bench.invented_class import Desk
from autograder.grading.graded_notebook import graded_path
from autograder.grading.intake import take_in
from autograder.grading.ready_made import forbidden_in, only_call, ready_made
from autograder.grading.similarity import similar
from autograder.grading.submissions import Submission

LESSON = source.load("00")
SOFTMAX = "import torch\n\n\ndef softmax(scores, dim):\n    {body}\n"
OWN = """
    # first I tried the naive way, which gave inf for row three of my own example
    biggest_of_them = scores.amax(dim, keepdim=True)
    after_shifting = (scores - biggest_of_them).exp()
    return after_shifting / after_shifting.sum(dim, keepdim=True)"""


@pytest.mark.parametrize(
    ("code", "called"),
    [
        (SOFTMAX.format(body="return torch.softmax(scores, dim=dim)"), "torch.softmax"),
        (SOFTMAX.format(body="'''Doc.'''\n    return torch.special.softmax(scores, dim)"), "torch.special.softmax"),
        ("softmax = torch.softmax", "torch.softmax"),
        ("from torch.nn.functional import softmax", "torch.nn.functional.softmax"),
        (
            "from lessonkit.models.attention import masked_softmax as softmax",
            "lessonkit.models.attention.masked_softmax",
        ),
        (SOFTMAX.format(body="return torch.softmax(scores - scores.amax(), dim)"), None),
        (SOFTMAX.format(body="return scores.exp() / scores.exp().sum(dim)"), None),
        (SOFTMAX.format(body="return my_own(scores, dim)"), None),
        ("def softmax(:", None),
        ("x = " + "-" * 3_900 + "1", None),
        ("(" * 100_000, None),
        ("softmax = " + "a." * 1_900 + "b", None),
    ],
)  # fmt: skip
def test_only_call(code, called):
    assert only_call(code, "softmax") == called


def test_a_call_that_the_reference_makes_itself_is_no_remark():
    desk = Desk(LESSON)
    desk.solve(*desk.names)
    desk.write("softmax", SOFTMAX.format(body="return torch.softmax(scores, dim)"))
    intake = take_in(Submission("s", "s", write(desk.notebook).encode()), LESSON)
    assert ready_made(LESSON, intake) == {"softmax": "The answer only calls torch.softmax."}


FORBIDDEN = [
    "w = torch.softmax(scores, dim)\n    return w",
    "return torch.softmax(scores, dim) * 1",
    "return torch.softmax(scores - scores.amax(), dim)",
    "return scores.softmax(dim)",
    "return getattr(torch, 'softmax')(scores, dim)",
    "return getattr(torch, 'soft' + 'max')(scores, dim)",
    "return torch.__dict__['softmax'](scores, dim)",
    "return eval('torch.softmax')(scores, dim)",
    "import torch as t\n    f = t.softmax\n    return f(scores, dim)",
    "from torch.nn.functional import softmax as s\n    return s(scores, dim)",
    "from lessonkit.models.attention import softmax\n    return softmax(scores, dim)",
    "import operator\n    return operator.methodcaller('softmax', dim)(scores)",
    "return my_helper(scores, dim)",
    "return second_step(scores, dim)",
    "return nn.Softmax(dim)(scores)",
    "a = 1\n    " + "a += 1\n    " * 600 + "return torch.softmax(scores, dim)",
]
HELPERS = """
my_helper = torch.softmax
def first_step(s, dim):
    return my_helper(s, dim)
def second_step(s, dim):
    return first_step(s, dim)
"""


@pytest.mark.parametrize("body", FORBIDDEN)
def test_a_forbidden_name_is_found_anywhere_in_the_answer(body):
    """Earn: the flag was avoided by two lines instead of one, by `* 1`, by getattr."""
    desk = Desk(LESSON)
    desk.solve(*desk.names)
    desk.add("softmax", HELPERS)
    desk.write("softmax", SOFTMAX.format(body=body))
    found = ready_made(LESSON, take_in(Submission("s", "s", write(desk.notebook).encode()), LESSON))
    assert set(found) == {"softmax"}
    assert "softmax" in found["softmax"].lower()


@pytest.mark.parametrize("name", source.lesson_names())
def test_nothing_that_a_reference_does_is_flagged(name):
    """Earn: 15 of 29 students were flagged for `torch.tanh(...) @ v`, which is the reference's own line."""
    lesson = source.load(name)
    desk = Desk(lesson)
    desk.solve(*desk.names)
    assert ready_made(lesson, take_in(Submission("s", "s", write(desk.notebook).encode()), lesson)) == {}


@pytest.mark.parametrize("name", source.lesson_names())
def test_a_finished_piece_of_lessonkit_is_flagged(name):
    """Earn: finished pieces of the same name earn points; where there is one, its use is listed."""
    lesson = source.load(name)
    desk = Desk(lesson)
    desk.solve(*desk.names)
    for exercise in desk.names:
        desk.write(
            exercise, f"import lessonkit.models\n\nanswer = lessonkit.models.attention.{exercise}\n{exercise} = answer"
        )
    found = ready_made(lesson, take_in(Submission("s", "s", write(desk.notebook).encode()), lesson))
    assert set(found) == set(desk.names)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("Write it, without calling `torch.softmax`.", {"softmax"}),
        ("Don't use `F.cross_entropy` or `nn.CrossEntropyLoss`: sum it up.", {"cross_entropy", "CrossEntropyLoss"}),
        ("Write it without a loop. Use `torch.bmm`.", set()),
    ],
)
def test_a_task_names_what_is_forbidden(task, names):
    assert forbidden_in(task, LESSON.exercises()["sure_and_wrong"]) == names | {"sure_and_wrong"}


def hand_in(out, student, body):
    exercise = LESSON.exercises()["softmax"]
    cell = new_code_cell(SOFTMAX.format(body=body), id=cell_id(LESSON.name, exercise.cell))
    path = graded_path(out, student, LESSON.name)
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(new_notebook(cells=[cell])), encoding="utf-8")


def test_two_who_share_what_nobody_else_wrote(tmp_path):
    common = "return torch.softmax(scores - scores.max(dim, keepdim=True).values, dim=dim)  # stable, as the text says"
    for i in range(20):
        hand_in(tmp_path, f"honest-{i:02}", common)
    hand_in(tmp_path, "first", OWN)
    hand_in(tmp_path, "second", OWN.replace("exp()", "exp() "))
    hand_in(tmp_path, "reference", LESSON.exercises()["softmax"].cell.source)
    students = [path.name for path in (tmp_path / "autograded").iterdir()]
    assert [(p.first, p.second) for p in similar(LESSON, students, tmp_path)] == [("first", "second")]


@pytest.mark.parametrize(
    "code",
    [
        "softmax = f" + "()" * 1_900,
        f"softmax = eval({'+'.join(['chr(1)'] + ['a'] * 1_500)})",
        "eval(" + "+".join(["'a'"] * 950) + ")",
        "a" + "=a" * 1_900,
    ],
)
def test_what_is_nested_deep_is_looked_at_without_an_error(code):
    """An error here would cost the whole notebook."""
    desk = Desk(LESSON)
    desk.write("softmax", code)
    desk.add("softmax", code)
    intake = take_in(Submission("ada", "x", json.dumps(desk.notebook).encode()), LESSON)
    assert set(ready_made(LESSON, intake)) <= {"softmax"}
