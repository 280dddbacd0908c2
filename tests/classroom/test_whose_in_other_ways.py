"""Whose is it: classes within classes, archives, files under other endings, and names that others choose."""

import gzip
import io
import tarfile
import zipfile
from datetime import datetime

import pytest

from autograder.grading.dry_run import tables
from autograder.grading.hand_back import FORMS, form_of
from autograder.grading.records import Record
from autograder.grading.submissions import collect
from lessonkit.errors import CourseError

L, OTHER = "03_additive_attention", "04_scores_and_scope"
NB = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
MOODLE = "assignsubmission_file_"
SIDE = "Name: {} ({})\r\nAssignment: A\r\n"  # how Blackboard's text beside an attempt begins


def zipped(*paths, at=(2026, 3, 1, 10, 0, 0)):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number, path in enumerate(paths):
            archive.writestr(zipfile.ZipInfo(path, at), NB + b" " * number)
    return made.getvalue()


def tarred(*paths, mode="w:gz"):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for path in paths:
            entry = tarfile.TarInfo(path)
            entry.size = len(NB)
            archive.addfile(entry, io.BytesIO(NB))
    return made.getvalue()


def lay_out(folder, files):
    """Write files, given as paths or as path -> bytes, each notebook with bytes of its own."""
    given = files if isinstance(files, dict) else dict.fromkeys(files)
    for number, (path, content) in enumerate(given.items()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(NB + b" " * number if content is None else content)
    return folder


# Name -> files, student -> a piece of the path that counts, students who are refused
CASES = {
    "canvas-two-sections-as-zips": (
        {"A.zip": zipped(f"doejane_11_901_{L}.ipynb", f"roejim_12_902_{L}.ipynb"),
         "B.zip": zipped(f"poepat_13_903_{L}.ipynb")},
        {"11": "", "12": "", "13": ""}, (),
    ),
    "canvas-two-weeks-as-zips": (
        {"w1.zip": zipped(f"doejane_11_901_{L}.ipynb", f"roejim_12_902_{L}.ipynb"),
         "w2.zip": zipped(f"doejane_11_955_{L}-1.ipynb")},
        {"11": "955", "12": ""}, (),
    ),
    "canvas-texts-and-links": (
        {f"doejane_11_901_{L}.ipynb": None, "poepat_13_text.html": b"see", "latelu_LATE_14_link.html": b"x"},
        {"11": ""}, ("13", "14"),
    ),
    "canvas-anonymous": (
        (f"anon_aB3dE_901_{L}.ipynb", f"anon_dEf34_902_{L}.ipynb", f"anon_dEf34_LATE_955_{L}-1.ipynb"),
        {"aB3dE": "", "dEf34": "955"}, (),
    ),
    "canvas-without-a-name": ((f"_11_901_{L}.ipynb", f"roejim_12_902_{L}.ipynb"), {"11": "", "12": ""}, ()),
    "moodle-in-folders-of-groups": (
        (f"Group A/Ada_11_{MOODLE}/{L}.ipynb", f"Group A/Bob_12_{MOODLE}/{L}.ipynb",
         f"Group B/Cy_13_{MOODLE}/{L}.ipynb"),
        {"11": "", "12": "", "13": ""}, (),
    ),
    "blackboard-users-who-begin-alike": (
        {f"A 1_a_jones_attempt_2026-03-01-10-00-00_{L}.ipynb": None,
         "A 1_a_jones_attempt_2026-03-01-10-00-00.txt": SIDE.format("Ann Jones", "a_jones").encode(),
         f"A 1_a_smith_attempt_2026-03-01-10-00-00_{L}.ipynb": None},
        {"a_jones": "", "a_smith": ""}, (),
    ),
    "blackboard-one-student": (
        {f"A_1_j_doe_attempt_2026-03-01-10-00-00_{L}.ipynb": None,
         "A_1_j_doe_attempt_2026-03-01-10-00-00.txt": SIDE.format("J Doe", "j_doe").encode()},
        {"j_doe": ""}, (),
    ),
    "brightspace-in-another-language": (
        (f"101-5 - Ada - 1 mars, 2026 23 59/{L}.ipynb", f"102-5 - Bob - 2. März 2026 09:01/{L}.ipynb"),
        {"101": "", "102": ""}, (),
    ),
    "teams-with-working-files": (
        (f"Submitted files/Ada/HW/Version 2/{L}.ipynb", f"Working files/Ada/HW/{L}.ipynb",
         f"Submitted files/Bob/HW/Version 1/{L}.ipynb", f"Working files/Cy/HW/{L}.ipynb"),
        {"Ada": "Version 2", "Bob": ""}, (),
    ),
    "teams-working-files-alone": (
        (f"Working files/Ada/HW 1/{L}.ipynb", f"Working files/Bob/HW 1/{L}.ipynb"), {"Ada": "", "Bob": ""}, (),
    ),
    "nbgraders-whole-course-folder": (
        (f"c/submitted/ada/{L}/{L}.ipynb", f"c/source/{L}/{L}.ipynb", f"c/release/{L}/{L}.ipynb",
         f"c/autograded/bob/{L}/{L}.ipynb", "c/gradebook.db"),
        {"ada": "submitted"}, (),
    ),
    "autolab": (
        (f"ada@x.edu_3_{L}.ipynb", f"ada@x.edu_12_{L}.ipynb", "bob.roe@x.edu_1_hw.ipynb"),
        {"ada@x.edu": "_12_", "bob.roe@x.edu": ""}, (),
    ),
    "google-drive-in-parts": (
        {"HW-20260301T101010Z-001.zip": zipped(f"HW/Copy of {L} - Ada.ipynb", f"HW/Bob - {L}.ipynb"),
         "HW-20260301T101010Z-002.zip": zipped(f"HW/Cy - {L}.ipynb")},
        {"Ada": "", "Bob": "", "Cy": ""}, (),
    ),
    "github-classrooms-own-folder": (
        (f"hw-3-submissions/hw-3-jo-smith/{L}.ipynb", f"hw-3-submissions/hw-3-jo-miller/{L}.ipynb"),
        {"jo-smith": "", "jo-miller": ""}, (),
    ),
    "sections-of-folders": (
        (f"A/ada/{L}.ipynb", f"A/bob/{L}.ipynb", f"B/cy/{L}.ipynb", f"B/di/{L}.ipynb"),
        {"ada": "", "bob": "", "cy": "", "di": ""}, (),
    ),
    "weeks-of-folders": (
        (f"Week 1/ada/{L}.ipynb", f"Week 1/bob/{L}.ipynb", f"Week 2/ada/{OTHER}.ipynb"), {"ada": "", "bob": ""}, (),
    ),
    "folders-of-one-students-own": (
        (f"ada/my first/{L}.ipynb", f"ada/my second/{OTHER}.ipynb", f"bob/eins/{L}.ipynb", f"bob/zwei/{OTHER}.ipynb"),
        {"ada": "", "bob": ""}, (),
    ),
    "one-who-plays-a-class": (
        (f"ada/{L}.ipynb", f"bob/{L}.ipynb", f"eve/ada/{L}.ipynb", f"eve/bob/{L}.ipynb"),
        {"ada": "ada/03", "bob": "bob/03"}, ("eve",),
    ),
    "one-who-plays-canvas": (
        (f"ada/{L}.ipynb", f"bob/{L}.ipynb", *(f"eve/ada_{i}_9_{L}.ipynb" for i in range(9))),
        {"ada": "", "bob": ""}, ("eve",),
    ),
    "versions-in-folders": (
        (f"ada/1/{L}.ipynb", f"ada/2/{L}.ipynb", f"ada/10/{L}.ipynb", f"bob/Revision 1 - On time/{L}.ipynb",
         f"bob/Revision 2 - Late/{L}.ipynb", f"cy/2026-03-01/{L}.ipynb", f"cy/2026-02-28/{L}.ipynb",
         f"di/old/{L}.ipynb", f"di/final/{L}.ipynb"),
        {"ada": "/10/", "bob": "Revision 2", "cy": "03-01"}, ("di",),
    ),
    "group-numbers-are-no-canvas": (
        (f"ada_1_{L}.ipynb", f"bob_1_{L}.ipynb", f"cy_2_{L}.ipynb"), {"ada_1": "", "bob_1": "", "cy_2": ""}, (),
    ),
    "the-lessons-name-written-otherwise": (
        ("ada_03-additive-attention.ipynb", "bob 03 Additive Attention.ipynb", "Cy_AdditiveAttention.ipynb",
         "di_lesson 3.ipynb", f"{L}(ed).ipynb"),
        {"ada": "", "bob": "", "Cy": "", "di": "", "ed": ""}, (),
    ),
    "two-lessons-written-otherwise": (
        ("ada/03 additive attention.ipynb", "ada/04 scores and scope.ipynb"), {"ada": "03 add"}, (),
    ),
    "other-endings": (
        {f"A_1_{MOODLE}/{L}.json": NB, f"B_2_{MOODLE}/{L}.txt": NB, f"C_3_{MOODLE}/{L}": NB,
         f"D_4_{MOODLE}/{L}.ipynb (1)": NB, f"E_5_{MOODLE}/{L}.ipynb.download": NB, f"F_6_{MOODLE}/{L}_ipynb": NB,
         f"G_7_{MOODLE}/{L}.txt": b"my answers", f"H_8_{MOODLE}/{L}.ipynb.html": NB},
        {"1": "", "2": "", "3": "", "4": "", "5": "", "6": "", "8": ""}, ("7",),
    ),
    "archives": (
        {"ada/hw.tar.gz": tarred(f"hw/{L}.ipynb"), "bob/hw.tar": tarred(f"{L}.ipynb", mode="w"),
         f"cy/{L}.ipynb.gz": gzip.compress(NB), "di.tgz": tarred(f"{L}.ipynb"), "ed/hw.rar": b"Rar!", "fa.7z": b"7z",
         "gi/hw.tar.xz": tarred(f"{L}.ipynb", mode="w:xz"), "hu/hw.tar.gz": b"\x1f\x8b no archive",
         "iv/hw.tgz": gzip.compress(bytes(50 << 20)), "jo/my.ipynb": None, "jo/data.rar": b"Rar!"},
        {"ada": "", "bob": "", "cy": "", "di": "", "gi": "", "jo": "my.ipynb"}, ("ed", "fa", "hu", "iv"),
    ),
    "something-else-for-the-lesson": (
        {f"ada/{L}.ipynb": None, f"bob/{L}.pdf": b"%PDF", f"cy/{L}.py": b"x = 1", f"di/{L}.ipynb.lnk": b"L",
         "ed/notes.txt": b"hi", f"fa/{L}/data.csv": b"1"},
        {"ada": ""}, ("bob", "cy", "di"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_class_handed_in_otherwise(tmp_path, case):
    files, counts, refused = CASES[case]
    found = collect(lay_out(tmp_path / "in", files), L)
    chosen = {s.student: s.file for s in found.submissions if not s.refused}
    assert chosen.keys() == counts.keys()
    for student, piece in counts.items():
        assert piece in chosen[student]
    assert {s.student for s in found.submissions if s.refused} == set(refused)
    assert all(s.read().refused for s in found.submissions if s.refused)
    assert not any(s.read().refused for s in found.submissions if not s.refused)
    assert {line.student for line in found.lines if line.counts} == counts.keys(), "the dry run says what grade does"


def test_blackboards_own_text_names_the_student(tmp_path):
    files, _, _ = CASES["blackboard-users-who-begin-alike"]
    found = {s.student: s.name for s in collect(lay_out(tmp_path, files), L).submissions}
    assert found == {"a_jones": "Ann Jones", "a_smith": ""}


def test_a_students_own_text_is_not_blackboards(tmp_path):
    mine = "A_eve_attempt_2026-03-01-10-00-00_A_eve_attempt_2026-03-01-10-00-00.txt"
    files = {f"A_{who}_attempt_2026-03-01-10-00-00_{L}.ipynb": None for who in ("ada", "eve")}
    found = collect(lay_out(tmp_path, files | {mine: SIDE.format("Ada", "ada").encode()}), L)
    assert {s.student: "_eve_" in s.file for s in found.submissions} == {"ada": False, "eve": True}


def test_a_students_own_zip_says_no_time(tmp_path):
    """Whoever packs with a clock that is wrong would never be late."""
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"Ada_1_{MOODLE}/{L}.ipynb", (2026, 3, 1, 9, 0, 0)), NB)
        early = zipped(f"{L}.ipynb", at=(2020, 1, 1, 0, 0, 0))
        archive.writestr(zipfile.ZipInfo(f"Eve_2_{MOODLE}/hw.zip", (2026, 3, 5, 9, 0, 0)), early)
    ada, eve = collect(tmp_path / "class.zip", L).submissions
    assert (ada.time, eve.time) == (datetime(2026, 3, 1, 9), datetime(2026, 3, 5, 9))


def test_a_tars_links_and_long_heads_harm_nothing(tmp_path):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        link = tarfile.TarInfo(f"{L}.ipynb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        out = tarfile.TarInfo(f"../../bob/{L}.ipynb")
        out.size = len(NB)
        archive.addfile(out, io.BytesIO(NB))
    place = lay_out(tmp_path, {"eve/hw.tar.gz": made.getvalue(), f"bob/{L}.ipynb": None})
    assert {s.student: s.file for s in collect(place, L).submissions} == {
        "bob": f"bob/{L}.ipynb",
        "eve": f"eve/hw.tar.gz/bob/{L}.ipynb",
    }


def test_a_class_in_a_tar_is_a_sentence(tmp_path):
    (tmp_path / "class.tar.gz").write_bytes(tarred(f"ada/{L}.ipynb"))
    with pytest.raises(CourseError, match="Unpack it"):
        collect(tmp_path / "class.tar.gz", L)


def test_a_drive_letter_names_nobody(tmp_path):
    (tmp_path / "in.zip").write_bytes(zipped(f"C:/class/ada/{L}.ipynb", f"C:/class/bob/{L}.ipynb"))
    assert [s.student for s in collect(tmp_path / "in.zip", L).submissions] == ["ada", "bob"]


def test_the_dry_run_of_all_lessons_knows_them_however_they_are_written(tmp_path):
    place = lay_out(tmp_path, ("ada/03 Additive Attention.ipynb", "ada/lesson 4.ipynb", "bob/04-scores-and-scope.pdf"))
    titles = [part.title for part in tables(place, None, None) if not isinstance(part, str)]
    assert [title.partition(",")[0] for title in titles] == [L, OTHER]


@pytest.mark.parametrize(
    ("layout", "file", "name"),
    [("Canvas, anonymous", f"anon_aB3dE_901_{L}-1.ipynb", f"anon_aB3dE_901_{L}-1.html"),
     ("Canvas", f"A.zip/doejane_11_901_{L}.ipynb", f"doejane_11_901_{L}.html"),
     ("Canvas", "doejane_LATE_11_text.html", "doejane_LATE_11_text.html")],
)  # fmt: skip
def test_feedback_goes_back_under_the_platforms_names(layout, file, name):
    record = Record("x", L, "", 0, (), {}, (), (), {}, handed_in={"layout": layout, "file": file})
    assert form_of([record]) == "canvas"
    assert FORMS["canvas"](record) == name
