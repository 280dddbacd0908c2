"""Whose is it: classes as the platforms hand them over, made by a script, with the table that must come of each."""

import io
import zipfile
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from autograder.grading.submissions import collect, find_submissions

L = "03_additive_attention"
NB = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@dataclass(frozen=True)
class Scenario:
    """Files that lie in a place (a number makes different bytes), and what is made of them: student -> file."""

    name: str
    files: tuple[str, ...]
    counts: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    unused: dict[str, str] = field(default_factory=dict)  # file -> what the reason says
    times: dict[str, datetime] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    layout: str = ""


MOODLE = "assignsubmission_file_"
SCENARIOS = [
    Scenario(
        "canvas",
        (f"doejane_12345_678901_{L}.ipynb", f"doejane_12345_678955_{L}-1.ipynb", f"roejohn_LATE_222_333_{L}.ipynb",
         "muellerzoe_77_801_homework.ipynb", "leemin_78_802_03.pdf"),
        {"12345": f"doejane_12345_678955_{L}-1.ipynb", "222": f"roejohn_LATE_222_333_{L}.ipynb",
         "77": "muellerzoe_77_801_homework.ipynb"},
        names={"12345": "doejane", "222": "roejohn"},
        refused=("78",),
        unused={f"doejane_12345_678901_{L}.ipynb": "earlier attempt", "leemin_78_802_03.pdf": "no notebook"},
        late=("222",),
        layout="Canvas",
    ),
    Scenario(
        "moodle-folders",
        (f"Ada Lovelace_1_{MOODLE}/homework/{L}.ipynb", f"Bob Roe_2_{MOODLE}/{L}.ipynb",
         f"Cy Fox_3_{MOODLE}/{L} (1).ipynb", f"Eve_4_{MOODLE}/deep/er/my.ipynb",
         "Fay_5_assignsubmission_onlinetext_/onlinetext.html"),
        {"1": f"Ada Lovelace_1_{MOODLE}/homework/{L}.ipynb", "2": f"Bob Roe_2_{MOODLE}/{L}.ipynb",
         "3": f"Cy Fox_3_{MOODLE}/{L} (1).ipynb", "4": f"Eve_4_{MOODLE}/deep/er/my.ipynb"},
        names={"1": "Ada Lovelace"},
        refused=("5",),
        layout="Moodle",
    ),
    Scenario(
        "moodle-two-students-one-in-a-sub-folder",
        (f"Ada_1_{MOODLE}/homework/{L}.ipynb", f"Bob_2_{MOODLE}/{L}.ipynb"),
        {"1": f"Ada_1_{MOODLE}/homework/{L}.ipynb", "2": f"Bob_2_{MOODLE}/{L}.ipynb"},
    ),
    Scenario(
        "moodle-one-student",
        (f"Ada_1_{MOODLE}/{L}.ipynb",),
        {"1": f"Ada_1_{MOODLE}/{L}.ipynb"},
    ),
    Scenario(
        "moodle-flat",
        (f"Ada Lovelace_1_{MOODLE}{L}.ipynb", f"Bob_2_{MOODLE}x_9_{MOODLE}{L}.ipynb", f"Cy_3_{MOODLE}{L}.ipynb"),
        {"1": f"Ada Lovelace_1_{MOODLE}{L}.ipynb", "3": f"Cy_3_{MOODLE}{L}.ipynb"},
        unused={f"Bob_2_{MOODLE}x_9_{MOODLE}{L}.ipynb": "mark twice"},
    ),
    Scenario(
        "moodle-mark-in-a-display-name",
        (f"Anna Victim_12345_{MOODLE}/{L}.ipynb", f"Anna Victim_12345_assignsubmission_x_666_{MOODLE}/{L}.ipynb"),
        {"12345": f"Anna Victim_12345_{MOODLE}/{L}.ipynb",
         "666": f"Anna Victim_12345_assignsubmission_x_666_{MOODLE}/{L}.ipynb"},
    ),
    Scenario(
        "blackboard",
        (f"A_1_jdoe12_attempt_2026-03-01-10-00-00_{L}.ipynb", f"A_1_jdoe12_attempt_2026-03-02-11-30-00_{L}.ipynb",
         f"A_1_r_roe_attempt_2026-03-01-09-00-00_{L}.ipynb", "A_1_jdoe12_attempt_2026-03-02-11-30-00.txt"),
        {"jdoe12": f"A_1_jdoe12_attempt_2026-03-02-11-30-00_{L}.ipynb",
         "r_roe": f"A_1_r_roe_attempt_2026-03-01-09-00-00_{L}.ipynb"},
        unused={f"A_1_jdoe12_attempt_2026-03-01-10-00-00_{L}.ipynb": "earlier attempt"},
        times={"jdoe12": datetime(2026, 3, 2, 11, 30)},
        layout="Blackboard",
    ),
    Scenario(
        "brightspace",
        (f"101-9 - Jane Doe - Mar 1, 2026 1159 PM/{L}.ipynb", f"101-9 - Jane Doe - Mar 2, 2026 807 AM/{L}.ipynb",
         "102-9 - Zoë Ng - Feb 27, 2026 1201 AM/solution.ipynb", "index.html"),
        {"101": f"101-9 - Jane Doe - Mar 2, 2026 807 AM/{L}.ipynb",
         "102": "102-9 - Zoë Ng - Feb 27, 2026 1201 AM/solution.ipynb"},
        names={"101": "Jane Doe", "102": "Zoë Ng"},
        times={"101": datetime(2026, 3, 2, 8, 7), "102": datetime(2026, 2, 27, 0, 1)},
        unused={"index.html": "as Brightspace"},
        layout="Brightspace",
    ),
    Scenario(
        "ilias",
        (f"Ex/Week 3/Submissions/Doe_Jane_jdoe_771/20260301100000_{L}.ipynb",
         f"Ex/Week 3/Submissions/Doe_Jane_jdoe_771/20260302100000_{L}.ipynb",
         "Ex/Week 3/Submissions/Ng_Zoe_z_ng_772/20260301120000_b.ipynb"),
        {"771": f"Ex/Week 3/Submissions/Doe_Jane_jdoe_771/20260302100000_{L}.ipynb",
         "772": "Ex/Week 3/Submissions/Ng_Zoe_z_ng_772/20260301120000_b.ipynb"},
        names={"771": "Doe Jane"},
        times={"771": datetime(2026, 3, 2, 10)},
        layout="ILIAS",
    ),
    Scenario(
        "sakai",
        ("Week 3/grades.csv", "Week 3/Doe, Jane(jdoe1)/timestamp.txt", "Week 3/Doe, Jane(jdoe1)/comments.txt",
         f"Week 3/Doe, Jane(jdoe1)/Submission attachment(s)/{L}.ipynb",
         f"Week 3/Doe, Jane(jdoe1)/Feedback Attachment(s)/{L}.ipynb#1",
         "Week 3/Ng, Zoë(zng)/Submission attachment(s)/work/hw.ipynb", "Week 3/Ng, Zoë(zng)/timestamp.txt",
         "Week 3/Roe, Al(al7)/timestamp.txt"),
        {"jdoe1": f"Week 3/Doe, Jane(jdoe1)/Submission attachment(s)/{L}.ipynb",
         "zng": "Week 3/Ng, Zoë(zng)/Submission attachment(s)/work/hw.ipynb"},
        names={"jdoe1": "Doe, Jane", "zng": "Ng, Zoë"},
        unused={f"Week 3/Doe, Jane(jdoe1)/Feedback Attachment(s)/{L}.ipynb": "is not what was handed in",
                "Week 3/Doe, Jane(jdoe1)/comments.txt": "is not what was handed in",
                "Week 3/grades.csv": "not as Sakai"},
        layout="Sakai",
    ),
    Scenario(
        "microsoft-teams",
        (f"Submitted files/Jane Doe/Week 3/Version 9/{L}.ipynb",
         f"Submitted files/Jane Doe/Week 3/Version 10/{L}.ipynb",
         f"Submitted files/Al Roe/Week 3/Version 1/{L}.ipynb"),
        {"Jane-Doe-01332c87": f"Submitted files/Jane Doe/Week 3/Version 10/{L}.ipynb",
         "Al-Roe-baaa8776": f"Submitted files/Al Roe/Week 3/Version 1/{L}.ipynb"},
        names={"Jane-Doe-01332c87": "Jane Doe"},
        unused={f"Submitted files/Jane Doe/Week 3/Version 9/{L}.ipynb": "earlier attempt"},
        layout="Microsoft Teams",
    ),
    Scenario(
        "google-classroom",  # a copy of the teacher's file for each student
        (f"Jane Doe - {L}.ipynb", f"Al Roe - {L}.ipynb"),
        {"Jane-Doe-01332c87": f"Jane Doe - {L}.ipynb", "Al-Roe-baaa8776": f"Al Roe - {L}.ipynb"},
    ),
    Scenario(
        "nbgrader-with-odd-names",
        (f"boris/{L}/{L}.ipynb", f"ada/{L}/{L} (1).ipynb", f"cy/{L}/{L}-Copy1.ipynb",
         f"dan/03_Additive_Attention/{L}.ipynb", f"eva/{L}.IPYNB", f"fay/{L}.ipynb.txt",
         f"gil/{L}/2026-03-01/{L}.ipynb", "hal/04_scores_and_scope/x.ipynb"),
        {"boris": f"boris/{L}/{L}.ipynb", "ada": f"ada/{L}/{L} (1).ipynb", "cy": f"cy/{L}/{L}-Copy1.ipynb",
         "dan": f"dan/03_Additive_Attention/{L}.ipynb", "eva": f"eva/{L}.IPYNB", "fay": f"fay/{L}.ipynb.txt",
         "gil": f"gil/{L}/2026-03-01/{L}.ipynb"},
        unused={"hal/04_scores_and_scope/x.ipynb": "belongs to lesson 04_scores_and_scope"},
    ),
    Scenario(
        "nbgrader-exchange",
        (f"ada+{L}+2026-03-01 10:00:00 UTC/{L}.ipynb", f"ada+{L}+2026-03-03 10:00:00 UTC+x1/{L}.ipynb",
         f"bob+{L}+2026-03-01 10:00:00 UTC/{L}.ipynb"),
        {"ada": f"ada+{L}+2026-03-03 10:00:00 UTC+x1/{L}.ipynb", "bob": f"bob+{L}+2026-03-01 10:00:00 UTC/{L}.ipynb"},
        layout="nbgrader exchange",
    ),
    Scenario(
        "github-classroom",
        tuple(f"hw3-{who}/attention-course/lessons/{lesson}/{lesson}.ipynb"
              for who in ("ada", "bob-x") for lesson in (L, "04_scores_and_scope")),
        {who: f"hw3-{who}/attention-course/lessons/{L}/{L}.ipynb" for who in ("ada", "bob-x")},
    ),
    Scenario(
        "the-whole-course-folder",
        (f"ada/attention-course/lessons/{L}/{L}.ipynb", f"bob/lessons/{L}/{L}.ipynb"),
        {"ada": f"ada/attention-course/lessons/{L}/{L}.ipynb", "bob": f"bob/lessons/{L}/{L}.ipynb"},
    ),
    Scenario(
        "flat-with-seat-numbers",
        (f"42_{L}.ipynb", f"07_ada_{L}.ipynb", f"12_jane_{L}.ipynb", f"{L}_kim.ipynb", "91_lee.ipynb"),
        {"42": f"42_{L}.ipynb", "07_ada": f"07_ada_{L}.ipynb", "12_jane": f"12_jane_{L}.ipynb", "kim": f"{L}_kim.ipynb",
         "91_lee": "91_lee.ipynb"},
    ),
    Scenario(
        "folders-with-numbers",
        ("class/12_jane/hw.ipynb", "class/07_ada/hw.ipynb"),
        {"12_jane": "class/12_jane/hw.ipynb", "07_ada": "class/07_ada/hw.ipynb"},
    ),
    Scenario(
        "flat-with-another-lesson",
        ("doejane_1_2_04_scores_and_scope.ipynb", f"roejohn_3_4_{L}.ipynb"),
        {"3": f"roejohn_3_4_{L}.ipynb"},
        unused={"doejane_1_2_04_scores_and_scope.ipynb": "belongs to lesson 04"},
    ),
    Scenario(
        "checkpoints",
        (f".ipynb_checkpoints/ada_{L}-checkpoint.ipynb", f"ada_{L}.ipynb", f"bob_{L}.ipynb",
         f"__MACOSX/._bob_{L}.ipynb"),
        {"ada": f"ada_{L}.ipynb", "bob": f"bob_{L}.ipynb"},
    ),
    Scenario(
        "a-second-download",
        (f"ada/{L}.ipynb", f"ada/{L} (1).ipynb#2", f"bob/{L}.ipynb"),
        {"ada": f"ada/{L}.ipynb", "bob": f"bob/{L}.ipynb"},
        unused={f"ada/{L} (1).ipynb": "counts for this student"},
    ),
    Scenario("alone", (f"ada/{L}.ipynb", f"ada/{L} (1).ipynb#2"), {"ada": f"ada/{L}.ipynb"}),
    Scenario(
        "two-equal-ones",
        (f"ada/a-{L}.ipynb", f"ada/b-{L}.ipynb", f"bob/{L}.ipynb", f"cy/a-{L}.ipynb", f"cy/b-{L}.ipynb#2"),
        {"ada": f"ada/a-{L}.ipynb", "bob": f"bob/{L}.ipynb"},
        refused=("cy",),
    ),
    Scenario(
        "lesson-on-top",
        (f"{L}/ada/{L}.ipynb", f"{L}/bob.ipynb", "04_scores_and_scope/ada/04_scores_and_scope.ipynb"),
        {"ada": f"{L}/ada/{L}.ipynb", "bob": f"{L}/bob.ipynb"},
        unused={"04_scores_and_scope/ada/04_scores_and_scope.ipynb": "belongs to lesson 04"},
    ),
]  # fmt: skip


def content(path):
    path, _, number = path.partition("#")
    return path, NB + b" " * int(number or 0)


def as_folder(tmp_path, files):
    for path, data in map(content, files):
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / path).write_bytes(data)
    return tmp_path / "in"


def as_zip(tmp_path, files):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path, data in map(content, files):
            archive.writestr(path, data)
    return tmp_path / "in.zip"


def in_a_folder_in_a_zip(tmp_path, files):
    return as_zip(tmp_path, [f"Download of today/{path}" for path in files])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
@pytest.mark.parametrize("lay_out", [as_folder, as_zip], ids=["folder", "zip"])
def test_a_class_as_it_hands_in(tmp_path, scenario, lay_out):
    found = collect(lay_out(tmp_path, scenario.files), L)
    students = {s.student: s for s in found.submissions}
    assert {name: s.file for name, s in students.items() if not s.refused} == scenario.counts
    assert {name for name, s in students.items() if s.refused} == set(scenario.refused)
    for student, name in scenario.names.items():
        assert students[student].name == name
    for student, time in scenario.times.items():
        assert students[student].time == time
    assert {name for name, s in students.items() if s.late} == set(scenario.late)
    why = {line.file: line.why for line in found.not_used}
    for file, reason in scenario.unused.items():
        assert reason in why[file]
    if scenario.layout:
        assert found.layout == scenario.layout
    visible = [content(p)[0] for p in scenario.files if "checkpoint" not in p and "MACOSX" not in p]
    assert sorted({line.file for line in found.lines}) == sorted(visible), "a file without a line"


@pytest.mark.parametrize(
    "scenario", [s for s in SCENARIOS if s.name.startswith(("canvas", "moodle-f", "black", "bright"))],
    ids=lambda s: s.name,
)  # fmt: skip
def test_a_platforms_zip_with_a_folder_around(tmp_path, scenario):
    found = collect(in_a_folder_in_a_zip(tmp_path, scenario.files), L)
    assert {s.student for s in found.submissions if not s.refused} == set(scenario.counts)


def test_a_zip_within_a_zip(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(f"attention-course/lessons/{L}/{L}.ipynb", NB)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr(f"Ada_1_{MOODLE}/work.zip", inner.getvalue())
        archive.writestr(f"Bob_2_{MOODLE}/{L}.ipynb", NB)
        archive.writestr(f"Cy_3_{MOODLE}/broken.zip", b"PK no zip")
    found = {s.student: s for s in find_submissions(tmp_path / "in.zip", L)}
    assert {name for name, s in found.items() if s.content == NB} == {"1", "2"}
    assert "can't be read" in found["3"].refused


def test_a_canvas_zip_of_zips(tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for name, number in (("doejane", 5), ("roejohn", 6)):
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w") as packed:
                packed.writestr(f"{L}.ipynb", NB)
            archive.writestr(f"{name}_{number}_99_work.zip", inner.getvalue())
    assert [s.student for s in find_submissions(tmp_path / "in.zip", L)] == ["5", "6"]


def test_gradescopes_export_with_a_group(tmp_path):
    metadata = (
        "submission_11:\n  :submitters:\n  - :name: Ada Lovelace\n    :sid: a1\n    :email: ada@x.edu\n"
        "  - :name: Bob Roe\n    :email: bob@x.edu\n  :created_at: 2026-03-01 10:00:00 +0100\n"
        "submission_12:\n  :submitters:\n  - :name: Cy\n    :sid: c3\n"
    )
    place = as_folder(tmp_path, [f"export/submission_11/{L}.ipynb", "export/submission_12/hw.ipynb"])
    (place / "export/submission_metadata.yml").write_text(metadata)
    found = {s.student: s for s in collect(place, L).submissions}
    assert set(found) == {"a1", "bob@x.edu", "c3"}
    assert found["a1"].name == "Ada Lovelace"
    assert found["a1"].time.utcoffset().total_seconds() == 3600


def test_a_time_of_nbgraders_stamp(tmp_path):
    place = as_folder(tmp_path, [f"ada/{L}/{L}.ipynb", f"bob/{L}/{L}.ipynb"])
    (place / f"ada/{L}/timestamp.txt").write_text("2026-03-01 10:00:00.123 UTC\n")
    (place / f"bob/{L}/timestamp.txt").write_text("2026-03-01 10:00:00 America/New_York")
    ada, bob = collect(place, L).submissions
    assert ada.time.isoformat() == "2026-03-01T10:00:00.123000+00:00"
    assert bob.time.utcoffset().total_seconds() == -5 * 3600
    assert ada.time_from == "timestamp.txt"


def test_a_time_of_sakais_stamp(tmp_path):
    inside = f"Doe, Jane(jdoe1)/Submission attachment(s)/{L}.ipynb"
    place = as_folder(tmp_path, [inside, inside.replace("Doe, Jane(jdoe1)", "Ng, Zoë(zng)")])
    (place / "Doe, Jane(jdoe1)/timestamp.txt").write_text("20260301100000123")
    jane, _ = collect(place, L).submissions
    assert jane.time == datetime(2026, 3, 1, 10, 0, 0, 123000)
    assert jane.time_from == "timestamp.txt"


@pytest.mark.parametrize(
    "folder",
    ["101-9 - Jane Doe - Mar 2, 2026 807 AM", "Jane Doe_101_assignsubmission_file_",
     "Doe, Jane(101)/Submission attachment(s)", "Jane Doe/Week 3/Version 1"],
    ids=["brightspace", "moodle", "sakai", "teams"],
)  # fmt: skip
def test_a_stamp_among_a_students_files_is_no_time(tmp_path, folder):
    """Whoever hands in a timestamp.txt would never be late."""
    other = folder.replace("Jane", "Zoe").replace("101", "102")
    place = as_folder(tmp_path, [f"{folder}/{L}.ipynb", f"{other}/{L}.ipynb"])
    (place / folder / "timestamp.txt").write_text("2020-01-01 10:00:00 UTC")
    for submission in collect(place, L).submissions:
        assert submission.time is None or submission.time.year == 2026
        assert submission.time_from != "timestamp.txt"
