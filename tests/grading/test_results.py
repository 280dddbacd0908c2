"""What instructors and students get from a graded class: feedback, exports, reports, and nbgrader's own commands."""

import csv
import json
import os
import re
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.grading import export, feedback, report
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.run import grade
from autograder.grading.sealed import secret_seeds
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.plain.grading import CONFIG
from lessonkit.errors import CourseError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("graded_class"),
    pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence),
]


@pytest.fixture
def gradebook(graded_class):
    with closing(GradebookWriter(database_url(graded_class.out, None))) as opened:
        yield opened


def rows(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def points_of(graded_class, student):
    return sum(points for (name, _, _), points in graded_class.truth.items() if name == student)


def test_feedback_has_code_and_cards_and_nothing_that_a_browser_executes(graded_class, gradebook):
    written = feedback.write_feedback(gradebook, graded_class.lesson, graded_class.out)
    pages = {path.parts[-3]: path.read_text("utf-8") for path in written}
    assert set(pages) == {student for student, _, _ in graded_class.truth}
    for student, page in pages.items():
        assert f"{points_of(graded_class, student):g} of" in page
        assert not re.search(r"<script|onerror=|onload=|<svg|javascript:", re.sub(r"&lt;.*?&gt;", "", page))
        assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)  # nothing is loaded from anywhere
        assert "Content-Security-Policy" in page
    html = pages["xenia-html"]
    assert "&lt;script&gt;alert(&#39;printed&#39;)" in html or "&lt;script&gt;alert('printed')" in html
    assert 'src="data:image/png;base64,' in html
    assert "not yet right" in pages["goran-every-other-wrong"]
    assert "stopped with an error" in pages["ivan-syntax-error"]
    assert "SyntaxError" in pages["ivan-syntax-error"]
    assert not any(other in html for other in pages if other != "xenia-html")


def test_feedback_holds_no_secret(graded_class, gradebook):
    (seed,) = {seed for _, seed in gradebook.keys(graded_class.lesson.name).values()}
    lesson = graded_class.lesson
    seeds = {str(s) for name in lesson.exercises() for s in secret_seeds(seed, lesson.name, name)}
    written = [*(graded_class.out / "autograded").rglob("*.ipynb")]
    written += list(feedback.write_feedback(gradebook, graded_class.lesson, graded_class.out))
    for path in written:
        text = path.read_text("utf-8")
        assert str(seed) not in text
        assert not [s for s in seeds if s in text]


def test_the_graded_notebook_keeps_text_and_pictures_only(graded_class):
    path = graded_class.out / "autograded" / "xenia-html" / graded_class.lesson.name
    cells = json.loads((path / f"{graded_class.lesson.name}.ipynb").read_text("utf-8"))["cells"]
    theirs = [c for c in cells if c["cell_type"] == "code" and not c["metadata"].get("nbgrader", {}).get("grade")]
    kinds = {kind for c in theirs for output in c["outputs"] for kind in output.get("data", ())}
    assert kinds == {"text/plain", "image/png"}


def test_csv(graded_class, gradebook):
    (path,) = export.export(gradebook, [graded_class.lesson.name], "csv", graded_class.out)
    head, *body = rows(path)
    assert head[:7] == ["student", "lesson", "points", "max_points", "percent", "passed", "exercises"]
    assert head[7:] == ["name", "email", "late", "by_hand"]
    assert {row[0]: float(row[2]) for row in body} == {s: points_of(graded_class, s) for s, _, _ in graded_class.truth}


def test_canvas(graded_class, gradebook):
    """Columns and the second row are those of a gradebook that Canvas itself exports."""
    (path,) = export.export(gradebook, [graded_class.lesson.name], "canvas", graded_class.out)
    head, possible, *body = rows(path)
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", graded_class.lesson.name]
    assert possible[0].strip() == "Points Possible"
    assert float(possible[-1]) == sum(e.points for e in graded_class.lesson.exercises().values())
    assert {row[3]: float(row[-1]) for row in body} == {s: points_of(graded_class, s) for s, _, _ in graded_class.truth}


def test_gradescope(graded_class, gradebook):
    """The keys and values that Gradescope's autograder specification names."""
    for path in export.export(gradebook, [graded_class.lesson.name], "gradescope", graded_class.out):
        result = json.loads(path.read_text("utf-8"))
        assert result["score"] == points_of(graded_class, path.parent.name) == sum(t["score"] for t in result["tests"])
        assert result["visibility"] in ("hidden", "after_due_date", "after_published", "visible")
        assert {t["status"] for t in result["tests"]} <= {"passed", "failed"}
        assert all(0 <= t["score"] <= t["max_score"] for t in result["tests"])


def test_an_unknown_form_is_refused(graded_class, gradebook):
    with pytest.raises(CourseError, match="There are: csv, canvas, gradescope, brightspace, moodle"):
        export.export(gradebook, [graded_class.lesson.name], "excel", graded_class.out)


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "@sum", "-x"])
def test_a_spreadsheet_executes_nothing(text, tmp_path):
    assert rows(export.write_csv(tmp_path / "a.csv", [[text, "-1.5"]])) == [[f"'{text}", "-1.5"]]


def test_reports(graded_class, gradebook):
    page = report.write_report(gradebook, graded_class.lesson, graded_class.out).read_text("utf-8")
    for word in ("Marks", "discrimination", "What went wrong", "Slowest cells", "Worth a look", "torch.softmax"):
        assert word in page
    course = report.write_course_report(gradebook, [graded_class.lesson], graded_class.out).read_text("utf-8")
    assert "Hardest exercises" in course
    assert all(student in course for student, _, _ in graded_class.truth)
    for text in (page, course):
        assert not re.search(r"""<script|(src|href)=["'](https?:|//)""", text)


def test_nbgraders_commands_run_on_the_result(graded_class):
    programs = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([programs, os.environ["PATH"]])}
    environment |= {"JUPYTER_CONFIG_PATH": str(CONFIG.parent), "HOME": str(graded_class.place / "home")}
    for words in (["generate_feedback", graded_class.lesson.name], ["export"]):
        command = [sys.executable, "-m", "nbgrader", *words]
        done = subprocess.run(command, cwd=graded_class.out, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    with (graded_class.out / "grades.csv").open(newline="", encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"] or 0) for row in csv.DictReader(file)}
    assert scores == {s: points_of(graded_class, s) for s, _, _ in graded_class.truth}
    for student in scores:
        page = graded_class.out / "feedback" / student / graded_class.lesson.name / f"{graded_class.lesson.name}.html"
        assert "alert('stolen')" not in page.read_text("utf-8").replace("&#39;", "'").split("</pre>")[-1]


def test_the_same_seed_regrades_identically_and_a_new_run_has_another(graded_class, tmp_path):
    def run(seed=None):
        settings = replace(graded_class.settings, out=tmp_path, seed=seed)
        summary = grade(graded_class.lesson.name, graded_class.place / "in", settings)
        with closing(GradebookWriter(database_url(tmp_path, None))) as opened:
            return summary, {seed for _, seed in opened.keys(graded_class.lesson.name).values()}, rows(summary.marks)

    first, seeds, marks = run(seed=7)
    assert (first.graded, seeds) == (5, {7})
    unchanged, *same = run()
    assert (unchanged.graded, *same) == (0, {7}, marks)
    again, seeds, same = run(seed=8)
    assert (again.graded, seeds, same) == (5, {8}, marks)
