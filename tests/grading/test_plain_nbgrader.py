"""The demonstration class, graded by nbgrader as it is, gets exactly the marks that it must."""

import pytest

from autograder import bank as banks
from autograder import demonstration_class, plain_grading, source

pytestmark = pytest.mark.slow

FEW = ["ada-perfect", "emil-untouched", "goran-every-other-wrong", "mori-deleted-check"]
CLASSES = [(name, None if name.startswith("00") else FEW) for name in source.lesson_names()]


@pytest.mark.parametrize(("lesson", "students"), CLASSES, ids=[name for name, _ in CLASSES])
def test_the_class_gets_its_marks(lesson, students, tmp_path):
    truth = demonstration_class.make_class(tmp_path / "submitted", [lesson], students)
    broken = tmp_path / "submitted" / "quentin-no-notebook" / lesson
    broken.mkdir(parents=True)
    (broken / f"{lesson}.ipynb").write_text("{ this is not JSON")
    run = plain_grading.grade([lesson], tmp_path)
    given = {(m.student, m.lesson, m.exercise): m.points for m in run.marks}
    noted = {m.student: m.note for m in run.marks if m.note}
    assert noted == {"quentin-no-notebook": "the file is no notebook that can be read"}
    assert {key: points for key, points in given.items() if key[0] not in noted} == truth
    assert (tmp_path / "marks.csv").read_text().count("\n") == len(run.marks) + 1
    page = (tmp_path / "feedback" / "goran-every-other-wrong" / lesson / f"{lesson}.html").read_text()
    second = list(source.load(lesson).exercises())[1]
    sentence = banks.load(lesson).mistakes_of(second)[1].sentence
    assert sentence.split("`")[0].replace("'", "&#39;")[:40] in page.replace("&#x27;", "&#39;") or sentence[:30] in page
    assert "BEGIN SOLUTION" not in (tmp_path / "feedback" / "emil-untouched" / lesson / f"{lesson}.html").read_text()
