"""The demonstration class, graded by nbgrader as it is, gets exactly the marks that it must."""

import html
import re

import nbformat
import pytest

from autograder.authoring import bank as banks
from autograder.authoring import source
from autograder.authoring.build import student_path
from autograder.bench import invented_class
from autograder.plain import grading as plain_grading
from autograder.plain.grading import CONFIG
from lessonkit.checks.run import SECONDS, run_probe

pytestmark = pytest.mark.slow

# What a lesson's own answers are worth is asked of each lesson, what nbgrader does with a student's habits of two;
# an untouched notebook of each lesson runs in tests/lessons/test_untouched.py.
OWN = ["ada-perfect", "goran-every-other-wrong"]
HABITS = {
    "00": list(invented_class.STUDENTS),
    "10": [*OWN, "emil-untouched", "mori-deleted-check", "june-endless-function"],
}
CLASSES = [(name, HABITS.get(name[:2], OWN)) for name in source.lesson_names()]
WROTE_NO_REFERENCE = {"boris-alternatives", "chen-other-alternatives", "emil-untouched", "fatima-all-wrong"}


# The course's configuration, but what loops for ever is stopped sooner: a call of an answer after 3 seconds, not 10,
# and a cell after 20, not 40.
QUICKLY = """
c = get_config()
load_subconfig({name!r}, path={folder!r})
c.Execute.timeout = 20
c.Execute.extra_arguments = [*c.Execute.extra_arguments, "--IPKernelApp.exec_lines=" + repr([{line!r}])]
"""
SOON = "import lessonkit.checks.run as run; run.run_probe.__defaults__ = (3.0,); del run"


@pytest.fixture
def quickly(tmp_path, monkeypatch):
    """Grade with QUICKLY."""
    made = tmp_path / "quickly.py"
    made.write_text(QUICKLY.format(name=CONFIG.name, folder=str(CONFIG.parent), line=SOON), encoding="utf-8")
    assert run_probe.__defaults__ == (SECONDS,), "QUICKLY shortens another thing"
    monkeypatch.setattr(plain_grading, "CONFIG", made)


@pytest.mark.parametrize(("lesson", "students"), CLASSES, ids=[name for name, _ in CLASSES])
def test_the_class_gets_its_marks(lesson, students, tmp_path, quickly):
    truth = invented_class.make_class(tmp_path / "submitted", [lesson], students)
    broken = tmp_path / "submitted" / "a-no-notebook" / lesson  # the first in the batch
    broken.mkdir(parents=True)
    (broken / f"{lesson}.ipynb").write_text("{ this is not JSON")
    run = plain_grading.run_nbgrader([lesson], tmp_path)
    given = {(m.student, m.lesson, m.exercise): m.points for m in run.marks}
    noted = {m.student: m.note for m in run.marks if m.note}
    assert noted == {"a-no-notebook": "the file is no notebook that can be read"}
    assert {key: points for key, points in given.items() if key[0] not in noted} == truth
    assert (tmp_path / "marks.csv").read_text().count("\n") == len(run.marks) + 1
    pages = {student: feedback(tmp_path, student, lesson) for student in students}  # there is one for each
    for name in list(source.load(lesson).exercises())[1::2]:
        assert words(banks.load(lesson).mistakes_of(name)[1].sentence) in pages["goran-every-other-wrong"]
    for name, answer in answers(lesson).items():
        assert answer in pages["ada-perfect"], "the search finds no answer where there is one"
        for student in WROTE_NO_REFERENCE & set(students):
            if answer not in words(submission(tmp_path, student, lesson)):
                assert answer not in pages[student], f"the page of {student} shows the answer to {name}"


@pytest.mark.parametrize("lesson", source.lesson_names())
def test_released_notebooks_hold_no_answer(lesson):
    text = student_path(lesson).read_text("utf-8")
    assert source.BEGIN not in text
    cells = words("\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells))
    for name, answer in answers(lesson).items():
        assert answer not in cells, f"the learner's notebook shows the answer to {name}"


def answers(lesson: str) -> dict[str, str]:
    """The longest piece of each reference answer, as `words`."""
    found = {}
    for name, exercise in source.load(lesson).exercises().items():
        pieces = re.findall(rf"{source.BEGIN}\n(.*?)\n\s*{source.END}", exercise.cell.source, re.DOTALL)
        found[name] = max(map(words, pieces), key=len)
    return found


def feedback(out, student: str, lesson: str) -> str:
    """A student's feedback page without its HTML, as `words`."""
    page = (out / "feedback" / student / lesson / f"{lesson}.html").read_text("utf-8")
    return words(html.unescape(re.sub(r"<[^>]*>", "", page)))


def submission(out, student: str, lesson: str) -> str:
    """All that a student handed in."""
    path = out / "submitted" / student / lesson / f"{lesson}.ipynb"
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def words(text: str) -> str:
    """Text without spaces and backticks: what is left of it in any layout."""
    return re.sub(r"[\s`]", "", text)
