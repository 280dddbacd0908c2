"""Tables that people hand over: rosters, overrides and extensions are read however a spreadsheet saved them."""

import codecs

import pytest

from autograder.grading.csv_reader import read_csv
from autograder.grading.late import read_extensions
from autograder.grading.roster import match, read_roster, under_two_names
from lessonkit.errors import CourseError

ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 big endian": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
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
