"""Where strangers' files come in: whose they are, names, zips, sizes."""

import hashlib
import re
import tracemalloc
import unicodedata
import zipfile

import pytest

from autograder.authoring import source
from autograder.grading.intake import take_in
from autograder.grading.submissions import Submission, collect, find_submissions
from lessonkit.errors import CourseError
from tests.attacks import everything  # noqa: F401 (it enters what the modules of attacks hold)
from tests.attacks.harm_files import hostile_zip
from tests.attacks.workshop import LESSON, Desk, World

LESSON_00 = source.load(LESSON)


def lay_out(place, *paths):
    for path in paths:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(path.encode("utf-8", "surrogateescape"))


def found(place):
    return {s.student: s.refused or s.content.decode() for s in find_submissions(place, LESSON)}


# Whose a file is


@pytest.mark.parametrize(
    "own",
    [
        f"mallory/ada/{LESSON}/{LESSON}.ipynb",
        f"mallory/{LESSON}/ada/{LESSON}/{LESSON}.ipynb",
        f"mallory/{LESSON}/ada_{LESSON}.ipynb",
        f"mallory/{LESSON}/ada.ipynb",
        f"mallory/ada/{LESSON}.ipynb",
        f"mallory/ada_{LESSON}.ipynb",
        "mallory/ada.ipynb",
        f"mallory/ada_assignsubmission_file_/{LESSON}.ipynb",
    ],
)
@pytest.mark.parametrize("around", ["", "submissions/"])
@pytest.mark.parametrize("layout", [f"{LESSON}/{LESSON}.ipynb", f"{LESSON}.ipynb"])
def test_nothing_below_a_students_folder_is_anothers(tmp_path, own, around, layout):
    theirs = [f"{around}{name}/{layout}" for name in ("ada", "boris", "mallory")]
    lay_out(tmp_path, *theirs, around + own)
    students = found(tmp_path)
    assert students.keys() == {"ada", "boris", "mallory"}
    assert students["ada"] == theirs[0]
    assert students["boris"] == theirs[1]


def test_a_name_that_becomes_anothers_gets_an_end_of_its_own(tmp_path):
    lay_out(tmp_path, *(f"{name}/{LESSON}/{LESSON}.ipynb" for name in ("ada", "ada!", "Ada?", "ada b", "ada;b")))
    students = found(tmp_path)
    assert len(students) == 5
    assert students["ada"] == f"ada/{LESSON}/{LESSON}.ipynb"
    assert not [text for text in students.values() if "second" in text]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("Anna-Maria", "Anna Maria"),
        ("Anna_Maria", "Anna;Maria"),
        ("x" * 100, "x" * 101),
        ("evil", "evil\u202e"),
        ("1+1", "=1+1"),
        ("ada", "ada\u0308\u200b"),
        ("𝒜" * 25, "𝒜" * 26),
    ],
)
def test_what_cleaning_changed_is_nobody_elses_in_a_later_run(tmp_path, first, later):
    """Whose marks: on Monday one hands in, on Tuesday the other, alone; the gradebook knows only their names."""
    names = []
    for day, owner in (("monday", first), ("tuesday", later), ("wednesday", later)):
        lay_out(tmp_path / day, f"{owner}/{LESSON}.ipynb")
        names += found(tmp_path / day)
    assert names[0] == first
    assert names[1] == names[2] != first
    lay_out(tmp_path / "thursday", f"{names[1]}/{LESSON}.ipynb")  # somebody who is called like the cleaned name
    assert found(tmp_path / "thursday").keys() != {names[1]}


def test_names_keep_every_letter(tmp_path):
    for name in ("José", "नमस्ते", "Đặng", "王小明", "עֲבְרִי", "Zoë-Ångström"):
        composed, apart = unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)
        for form in {composed, apart}:
            place = tmp_path / hashlib.sha256(form.encode()).hexdigest()
            lay_out(place, f"{form}/{LESSON}.ipynb")
            assert list(found(place)) == [composed]


def test_moodles_mark_within_a_name_leads_to_nobody_else(tmp_path):
    """Whose marks: a display name that holds the mark."""
    victim = f"Anna Victim_12345_assignsubmission_file_/{LESSON}.ipynb"
    mallory = f"Anna Victim_12345_assignsubmission_x_666_assignsubmission_file_/{LESSON}.ipynb"
    lay_out(tmp_path, victim, mallory)
    assert found(tmp_path) == {"12345": victim, "666": mallory}


def test_a_student_may_be_called_like_a_lesson(tmp_path):
    lay_out(tmp_path / "flat", f"12_jane_{LESSON}.ipynb", f"ada_{LESSON}.ipynb", "01_seq2seq.ipynb")
    assert found(tmp_path / "flat").keys() == {"12_jane", "ada"}
    lay_out(tmp_path / "deep", "class/12_jane/hw.ipynb", f"class/ada/{LESSON}.ipynb", "class/ada/01_seq2seq.ipynb")
    assert found(tmp_path / "deep").keys() == {"12_jane", "ada"}


def test_a_class_is_read_one_by_one(tmp_path):
    """Harm: sixty notebooks of ten megabytes, in a small zip, were all held at once."""
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(40):
            archive.writestr(f"s{i}/{LESSON}/{LESSON}.ipynb", b'{"cells": [], "x": "' + b"x" * 9_000_000 + b'"}')
    tracemalloc.start()
    waiting = collect(path, LESSON).submissions
    for submission in waiting:
        assert take_in(submission.read(), LESSON_00).refused
    assert tracemalloc.get_traced_memory()[1] < 80 << 20
    tracemalloc.stop()
    assert len(waiting) == 40


@pytest.mark.parametrize(
    "content",
    [
        b'{"cells": [' + b"[]," * 3_400_000 + b"1]}",
        b'{"cells": [' + b"{}," * 3_400_000 + b"1]}",
        b'{"cells": [' + b'"ab",' * 2_000_000 + b"1]}",
        b'{"cells": "' + "🎉".encode() + b"x" * 10_000_000 + b'"}',
        b'{"cells": [' + b'{"a":1},' * 1_200_000 + b"1]}",
        b'{"cells": [' + b"1.5," * 2_500_000 + b"1]}",
    ],
    ids=["lists", "objects", "strings", "wide", "pairs", "numbers"],
)
def test_a_file_is_not_read_if_it_would_fill_the_memory(content):
    tracemalloc.start()
    assert take_in(Submission("ada", "x", content), LESSON_00).refused
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()


def test_a_folder_around_the_class_that_hides_who_is_who_is_said(tmp_path):
    lay_out(tmp_path, f"all/ada_{LESSON}.ipynb", f"all/boris_{LESSON}.ipynb")
    with pytest.raises(CourseError, match="unpack and name that folder"):
        find_submissions(tmp_path, LESSON)


def test_the_notebook_that_is_meant_counts_among_others(tmp_path):
    lay_out(tmp_path, *(f"ada/{LESSON}/{name}.ipynb" for name in ("draft", LESSON)), "ada/old.ipynb", "notes.txt")
    lay_out(tmp_path, f"boris/{LESSON}.ipynb", "boris/draft.ipynb", f"chen/a-{LESSON}.ipynb", f"chen/b-{LESSON}.ipynb")
    students = found(tmp_path)
    assert students["ada"] == f"ada/{LESSON}/{LESSON}.ipynb"
    assert students["boris"] == f"boris/{LESSON}.ipynb"
    assert "second notebook" in students["chen"]


def test_names_are_harmless_and_short(tmp_path):
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("𝒜" * 200, "=1+1", "+1", "@x", "-rf", "..", "a\nb", "\u202ex", "<b>", "a,b", "x" * 300):
            archive.writestr(f"{name}/{LESSON}/{LESSON}.ipynb", "{}")
    for name in found(path):
        assert len(name.encode()) <= 120
        assert name[0].isalnum()
        assert not set(name) & set(" <>/\\,;\"'\n\u202e")


@pytest.mark.parametrize(
    ("where", "says"), [("name", "no zip file that can be read"), ("header", None), ("end", "no zip file")]
)
def test_a_damaged_zip_is_a_sentence(tmp_path, where, says):
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"é/{LESSON}/{LESSON}.ipynb", "{}")
    content = bytearray(path.read_bytes())
    at = {"name": content.rindex("é".encode()), "header": 0, "end": content.rindex(b"PK\x05\x06")}
    content[at[where]] ^= 0xFF
    path.write_bytes(content)
    if says is None:
        assert list(found(path).values()) == ["the file in the zip can't be read (BadZipFile)"]
    else:
        with pytest.raises(CourseError, match=says):
            found(path)


def test_a_zip_that_means_harm(tmp_path):
    """Bombs, sizes that lie, links and ways out cost their own student only; nothing is unpacked."""
    desk = Desk(World(tmp_path))
    desk.solve()
    path = tmp_path / "class.zip"
    path.write_bytes(hostile_zip(desk.bytes()))
    taken = {re.sub("-[0-9a-f]{8}$", "", s.student): take_in(s, LESSON_00) for s in find_submissions(path, LESSON)}
    assert {name for name, intake in taken.items() if not intake.refused} == {"honest", "tmp", "absolute", "𝒜" * 22}
    assert "larger than" in taken["bomb"].refused
    assert taken["link"].refused == "the file is a link"
    assert taken["liar"].refused
    assert next(intake for name, intake in taken.items() if name.startswith("1+1")).refused
    assert len(taken) == 8
    assert {path.name for path in tmp_path.iterdir()} == {"class.zip"}


def test_a_table_of_gradescopes_in_a_students_own_folder_gives_nobody_anothers_work(tmp_path):
    """Only the one beside the students' folders is Gradescope's own."""

    def table(*owners):
        return "".join(f"submission_{n}:\n  :submitters:\n  - :name: X\n    :sid: {who}\n" for n, who in owners)

    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for number in (11, 12):
            archive.writestr(f"export/submission_{number}/{LESSON}.ipynb", f'{{"of": {number}}}')
        archive.writestr("export/submission_11/submission_metadata.yml", table((11, "eve"), (12, "eve")))
        archive.writestr("export/submission_metadata.yml", table((11, "eve"), (12, "bob")))
    found = {s.student: s.read().content for s in collect(tmp_path / "in.zip", LESSON).submissions}
    assert found == {"eve": b'{"of": 11}', "bob": b'{"of": 12}'}
