"""A spreadsheet had marks.csv open, and saved it its own way: nothing reads it, nothing is lost."""

import shutil
from contextlib import closing

import pytest

from autograder.grading import export
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.plain.steps import leave_sealed_marks_alone

from .made import L, enter, marks, opened

HOW = {
    "semicolons": lambda text: text.replace(",", ";").encode("utf-8-sig"),
    "windows": lambda text: text.encode("cp1252", "replace"),
    "utf-16": lambda text: text.encode("utf-16"),
    "a column more": lambda text: text.replace("\n", ",mine\n").encode(),
    "sorted": lambda text: "\n".join(sorted(text.splitlines(), reverse=True)).encode(),
    "emptied": lambda text: b"",
    "garbage": lambda text: bytes(range(256)),
}


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with opened(out) as gradebook:
        enter(gradebook, out, "zoë")
        marks(gradebook, out)
    return out


@pytest.mark.parametrize("how", HOW)
def test_whatever_a_spreadsheet_did_to_the_marks(once, tmp_path, how):
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    right = (tmp_path / "marks.csv").read_bytes()
    (tmp_path / "marks.csv").write_bytes(HOW[how](right.decode("utf-8")))
    with pytest.raises(SystemExit, match="outside the sandbox"):  # formgrader's Autograde
        leave_sealed_marks_alone(L, "zoë", [str(tmp_path / "submitted" / "zoë" / L / f"{L}.ipynb")])
    with closing(GradebookWriter(database_url(tmp_path, None))) as gradebook:
        (path,) = export.export(gradebook, [L], "csv", tmp_path)
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # Excel garbles names without it
        assert "zoë" in path.read_text("utf-8-sig")
        assert marks(gradebook, tmp_path).read_bytes() == right


def test_the_guard_looks_into_the_gradebook_where_there_are_no_marks(once, tmp_path):
    shutil.copy(once / "gradebook.db", tmp_path)
    notebook = str(tmp_path / "submitted" / "zoë" / L / f"{L}.ipynb")
    with pytest.raises(SystemExit):
        leave_sealed_marks_alone(L, "zoë", [notebook])
    leave_sealed_marks_alone("01_seq2seq", "zoë", [notebook])
