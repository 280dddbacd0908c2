"""Tables that people hand over: rosters, overrides and extensions are read however a spreadsheet saved them."""

import codecs

import pytest

from autograder.grading.csv_reader import read_csv
from autograder.grading.late import read_extensions
from autograder.grading.meant import People
from autograder.grading.roster import Person, match, read_roster, under_two_names
from lessonkit.errors import CourseError

ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 big endian": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-16 without its mark": lambda text: text.encode("utf-16-le"),
    "windows": lambda text: text.encode("cp1252"),
}


def saved(folder, text, separator=",", encoding="utf-8", end="\n"):
    path = folder / "t.csv"
    path.write_bytes(ENCODINGS[encoding](text.replace(",", separator).replace("\n", end)))
    return path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_one_reader_for_every_table(tmp_path, encoding, separator, end):
    def save(text):
        return saved(tmp_path, text, separator, encoding, end)

    (person,) = read_roster(save("Id,Name,Email\n 7 ,Zoë Müller,z@x.edu\n\n")).people
    assert (person.id, person.name, person.email) == ("7", "Zoë Müller", "z@x.edu")
    due = read_extensions(save("Student,Due\nzoë,2026-03-01T23:59+01:00\n"), "00_weighted_average")
    assert due["zoë"].isoformat() == "2026-03-01T23:59:00+01:00"
    table = read_csv(save("Student,Exercise,Points,Why\nzoë,softmax,1,krank\n"), lower=True)
    table.needs(("student", "exercise", "points"))
    assert table.rows == ((2, {"student": "zoë", "exercise": "softmax", "points": "1", "why": "krank"}),)


def test_a_line_that_says_the_separator_and_cells_with_line_ends(tmp_path):
    table = read_csv(saved(tmp_path, 'sep=;\n\nid;name\n1;"two\nlines"\n2\n'))
    assert table.rows == ((5, {"id": "1", "name": "two\nlines"}), (6, {"id": "2", "name": ""}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "needs the columns student, due; student is missing from nothing"),
        (b"a,b\n1,2\n", "student is missing from a, b"),
        (b"student,student,due\na,b,c\n", "two columns called student"),
        (b"PK\x03\x04rest", "is a workbook or a zip; save it as CSV first"),
        (b"student,due\nada,2026-03-01T23:59\n", "t.csv, line 2: '2026-03-01T23:59' says no time zone"),
        (b"student,due\nada,\n", "line 2: '' is no date"),
        (b"student,due\nada,2026-03-01T10:00Z\nada,2026-03-02T10:00Z\n", "line 3: ada stands twice"),
        (b"student,lesson,due\nada,dancing,2026-03-01T10:00Z\n", "line 2: There is no lesson 'dancing'"),
    ],
)
def test_a_table_that_cant_be_used_is_a_sentence(tmp_path, content, says):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(CourseError, match=says):
        read_extensions(tmp_path / "t.csv", "00_weighted_average")


def test_a_roster_without_people_is_a_sentence(tmp_path):
    with pytest.raises(CourseError, match="names nobody"):
        read_roster(saved(tmp_path, "id,name\n,Ada\n"))


def test_a_student_who_hands_in_under_two_names_is_named(tmp_path):
    people = read_roster(saved(tmp_path, "id,name,email\n1,Ada Lovelace,ada@x.edu\n2,Bob Roe,bob@x.edu\n")).people
    assert match(people, ["ada", "lovelaceada", "bob"]) == {"bob": people[1]}
    (said,) = under_two_names(people, ["ada", "lovelaceada", "bob"])
    assert said == "ada and lovelaceada may both be Ada Lovelace of the roster: neither is taken; rename one hand-in."
    assert match(people, ["1", "lovelaceada"]) == {"1": people[0]}
    assert under_two_names(people, ["1", "lovelaceada"])[0].endswith("the one with the id 1 is taken.")


@pytest.mark.parametrize("said", ["0", "00", "00.0", "weighted average", "00_Weighted_Average", ""])
def test_a_lesson_in_an_extension_is_known_however_it_is_written(tmp_path, said):
    text = f"student,lesson,due\nada,{said},2026-03-01T10:00Z\nbob,01_seq2seq,2026-03-01T10:00Z\n"
    assert set(read_extensions(saved(tmp_path, text), "00_weighted_average")) == {"ada"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [("0071", "0071"), ("71", "0071"), ("71.0", "0071"), ("'0071", "0071"), ('="0071"', "0071"), ("ADA", "ada"),
     ("Ada Lovelace", "ada"), ("Lovelace, Ada", "ada"), ("zoe@x.edu", "José"), ("Jose\u0301", "José"), ("12", "12"),
     ("012", "012"), ("nobody", ""), ("9", "absent-9"), ("Cy", "12")],
)  # fmt: skip
def test_whom_a_row_means_whatever_a_spreadsheet_did(said, meant):
    roster = [Person("ada", "Lovelace, Ada"), Person("José", "Zoe", "zoe@x.edu"), Person("absent-9", "No", "", ("9",))]
    people = People(["0071", "ada", "José", "12", "012"], roster, {"12": "Cy"})
    assert people.meant_by(said) == meant


def test_a_row_that_may_mean_two_is_a_sentence():
    people = People(["a", "b"], [], {"a": "Jan Novak", "b": "Jan Novak"})
    with pytest.raises(CourseError, match="may be a or b: name one by the id"):
        people.meant_by("Jan Novak")


def test_zeros_that_a_spreadsheet_took_from_a_roster():
    people = [Person("71", "Zero"), Person("8", "Eight")]
    assert {s: p.id for s, p in match(people, ["0071", "8", "008"]).items()} == {"0071": "71", "8": "8"}
