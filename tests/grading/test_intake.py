"""Intake: submissions as they come, and what a spoiled notebook costs its student, and nobody else."""

import io
import json
import os
import zipfile

import pytest

from autograder.authoring import source
from autograder.grading.intake import take_in
from autograder.grading.submissions import LARGEST, Submission, find_submissions
from lessonkit.errors import CourseError

from ..build.sample import LESSON

NAME = "90_sample"


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / f"{NAME}.py"
    path.write_text(LESSON, encoding="utf-8")
    return source.parse(path)


def code(identity, text):
    return {"cell_type": "code", "id": identity, "source": text, "metadata": {}, "outputs": [], "execution_count": None}


def notebook(*cells, **more):
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more).encode()


SETUP, CHECK = code("90-setup", "import os"), code("90-check-double", "assert True")
ANSWER = code("90-exercise-double", "def double(x):\n    return 2 * x")


def kinds(intake):
    return [cell.kind for cell in intake.cells]


def test_locked_cells_are_the_sources_own(lesson):
    intake = take_in(Submission("ada", "x", notebook(SETUP, ANSWER, CHECK)), lesson)
    assert not intake.refused
    assert intake.answer("double") == ANSWER["source"]
    assert not [cell for cell in intake.cells if "assert True" in cell.source or cell.source == "import os"]
    assert kinds(intake) == ["plain", "exercise", "check", "plain", "demo", "demo"]


def test_unknown_cells_are_kept_without_marks(lesson):
    intake = take_in(Submission("ada", "x", notebook(SETUP, code("mine", "helper = 1"), ANSWER, CHECK)), lesson)
    assert kinds(intake)[:4] == ["plain", "extra", "exercise", "check"]


def test_a_missing_answer_costs_itself(lesson):
    intake = take_in(Submission("ada", "x", notebook(SETUP, CHECK)), lesson)
    assert intake.faults["double"][0] == "missing"


def test_two_answers_with_one_id_count_as_none(lesson):
    other = {**ANSWER, "source": "def double(x):\n    return x"}
    intake = take_in(Submission("ada", "x", notebook(SETUP, ANSWER, CHECK, other)), lesson)
    assert intake.faults["double"][0] == "refused"
    assert "2 cells claim" in intake.faults["double"][1]
    assert "exercise" not in kinds(intake)


def test_nbgraders_id_wins_over_the_cells_own(lesson):
    cell = {**ANSWER, "id": "copied", "metadata": {"nbgrader": {"grade_id": "90-exercise-double"}}}
    assert take_in(Submission("ada", "x", notebook(SETUP, cell, CHECK)), lesson).answer("double")


def test_older_notebooks_without_ids_are_read(lesson):
    cell = {**ANSWER, "metadata": {"nbgrader": {"grade_id": "90-exercise-double"}}}
    del cell["id"]
    assert take_in(Submission("ada", "x", notebook(cell, nbformat_minor=2)), lesson).answer("double")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no valid JSON"),
        (b"{ no", "no valid JSON"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b"[1, 2]", "has no cells"),
        (b'{"cells": 3}', "has no cells"),
        (notebook(nbformat=3), "format is not 4"),
        (notebook(*[code(str(i), "") for i in range(2001)]), "2001 cells"),
        (b'{"nbformat": 4, "cells": [], "metadata": {"n": ' + b"9" * 10_000 + b"}}", "no valid JSON"),
    ],
)
def test_what_is_no_notebook_is_refused_with_a_reason(lesson, content, says):
    intake = take_in(Submission("ada", "x", content), lesson)
    assert says in intake.refused


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ({"cell_type": "code", "source": 7}, "the source of cell 1 is no text"),
        ("no cell", "cell 1 is no cell"),
        (code("a", "x" * 300_000), "cell 1 has more than 200,000 characters"),
        (code("a", "\ud800"), ""),
    ],
)
def test_a_cell_that_is_none_costs_itself(lesson, cell, says):
    intake = take_in(Submission("ada", "x", notebook(cell, ANSWER)), lesson)
    assert intake.answer("double")
    assert not intake.refused
    assert not intake.faults
    assert says in " ".join(intake.notes)


def test_an_answer_that_is_too_long_says_so(lesson):
    intake = take_in(Submission("ada", "x", notebook({**ANSWER, "source": "x" * 300_000})), lesson)
    assert "more than 200,000 characters" in intake.answer("double")


def test_nan_in_metadata_is_harmless(lesson):
    raw = notebook(ANSWER).replace(b'"metadata": {}, "nbformat"', b'"metadata": {"a": NaN, "b": 1e999}, "nbformat"')
    assert take_in(Submission("ada", "x", raw), lesson).answer("double")


def put(folder, name, content=b"{}"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_layouts(tmp_path):
    put(tmp_path / "a", f"ada/{NAME}/{NAME}.ipynb")
    put(tmp_path / "a", "ada/91_other/91_other.ipynb")
    put(tmp_path / "a", f"boris/{NAME}/numpy.py")
    assert [s.student for s in find_submissions(tmp_path / "a", NAME)] == ["ada"]
    put(tmp_path / "b", f"chen_{NAME}.ipynb")
    put(tmp_path / "b", "dana.ipynb")
    assert [s.student for s in find_submissions(tmp_path / "b", NAME)] == ["chen", "dana"]
    put(tmp_path / "c", f"Emil X_123_assignsubmission_file_/{NAME}.ipynb")
    assert [s.student for s in find_submissions(tmp_path / "c", NAME)] == ["123"]


def test_links_are_refused_and_not_followed(tmp_path):
    secret = put(tmp_path, "secret.ipynb", b"secret")
    place = tmp_path / "in" / "ada" / NAME
    place.mkdir(parents=True)
    (place / f"{NAME}.ipynb").symlink_to(secret)
    os.mkfifo(put(tmp_path / "in", f"boris/{NAME}/x").parent / f"{NAME}.ipynb")
    found = {s.student: s for s in map(Submission.read, find_submissions(tmp_path / "in", NAME))}
    assert found["ada"].refused == "the file is a link"
    assert found["ada"].content == b""
    assert found["boris"].refused == "this is no regular file"


def test_large_files_are_refused(tmp_path):
    put(tmp_path / "in", f"ada/{NAME}/{NAME}.ipynb", b" " * (LARGEST + 1))
    assert "larger than 10 MB" in find_submissions(tmp_path / "in", NAME)[0].read().refused


def test_zip_with_a_bomb_a_link_and_a_way_out(tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"ada/{NAME}/{NAME}.ipynb", b"{}")
        archive.writestr(f"boris/{NAME}/{NAME}.ipynb", io.BytesIO(bytes(50 << 20)).getvalue())
        archive.writestr(f"../../chen/{NAME}/{NAME}.ipynb", b"{}")
        link = zipfile.ZipInfo(f"dana/{NAME}/{NAME}.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    found = {s.student: s for s in map(Submission.read, find_submissions(path, NAME))}
    assert list(found) == ["ada", "boris", "chen", "dana"]
    assert found["ada"].content == b"{}"
    assert "larger than" in found["boris"].refused
    assert found["dana"].refused == "the file is a link"


def test_the_instructors_own_errors_are_sentences(tmp_path):
    with pytest.raises(CourseError, match="There is no folder or zip"):
        find_submissions(tmp_path / "nothing", NAME)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="There is no notebook for lesson 90_sample"):
        find_submissions(tmp_path / "empty", NAME)
    bad = put(tmp_path, "bad.zip", b"no zip")
    with pytest.raises(CourseError, match="is no zip file that can be read"):
        find_submissions(bad, NAME)
