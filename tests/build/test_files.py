"""Files are written whole or not at all; none of the project's own is too long, or imports much for nothing."""

import subprocess
import sys

import pytest

from autograder.authoring.source import ROOT
from lessonkit.errors import CourseError
from lessonkit.files import whole_file, write_whole


def test_text_and_bytes_in_a_new_folder(tmp_path):
    write_whole(tmp_path / "a" / "text", "naïve\n")
    write_whole(tmp_path / "a" / "bytes", b"\xff")
    assert (tmp_path / "a" / "text").read_bytes() == "naïve\n".encode()
    assert (tmp_path / "a" / "bytes").read_bytes() == b"\xff"
    assert len(list((tmp_path / "a").iterdir())) == 2


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    write_whole(tmp_path / "file", "old")

    def stop_half_way():
        with whole_file(tmp_path / "file", to_disk=True) as file:
            file.write(b"half of the ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_half_way()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "folder").write_text("a file where a folder should be")
    with pytest.raises(CourseError, match=r"^Could not write file: .*Make room"):
        write_whole(tmp_path / "folder" / "file", "text")


def test_no_file_needs_a_table_of_contents():
    """Code outside of banks and lessons: what is longer than 350 lines is two things."""
    places = ("lessonkit", "autograder", "tests", ".ci")
    paths = [
        path for place in places for path in (ROOT / place).rglob("*") if path.suffix in (".py", ".js", ".css", ".sh")
    ]
    paths = [path for path in paths if path.parent.name != "banks"]
    assert len(paths) > 200
    assert {path.name: n for path in paths if (n := len(path.read_text("utf-8").splitlines())) > 350} == {}


def test_whoever_only_reads_a_gradebook_waits_for_no_torch():
    """Collect, marks by hand, pages, exports: torch would take half of their time."""
    names = [
        "by_hand",
        "submissions",
        "export",
        "feedback",
        "hand_back",
        "marks_csv",
        "one_student",
        "report",
        "roster",
    ]
    imports = ", ".join(f"autograder.grading.{name}" for name in names)
    code = f"import sys, {imports}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n", done.stderr
