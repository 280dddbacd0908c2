"""Who belongs to the class: read from a table of the platform's, matched with those who handed something in."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autograder.grading.csv_reader import read_csv
from autograder.grading.names import composed
from lessonkit.errors import CourseError

# Kind of table -> the column that is its mark, and those for id, name, e-mail and further identities.
_KINDS = {
    "canvas": ("SIS Login ID", ("ID",), ("Student",), (), ("SIS User ID", "SIS Login ID")),
    "moodle": ("Identifier", ("Identifier",), ("Full name",), ("Email address",), ("ID number", "Username")),
    "brightspace": ("OrgDefinedId", ("OrgDefinedId",), (), ("Email",), ("Username",)),
    "nbgrader": ("first_name", ("id",), (), ("email",), ("lms_user_id",)),
    "columns": ("id", ("id", "student", "student_id"), ("name",), ("email",), ("login", "username")),
}
_PLATFORMS = ("canvas", "moodle", "brightspace")  # whose headings are taken as they are written
_NOT_PEOPLE = re.compile(r"\s*points possible|student, test|test student", re.IGNORECASE)


@dataclass(frozen=True)
class Person:
    """One row of a roster. `others`: further identities by which a submission may name the student."""

    id: str
    name: str = ""
    email: str = ""
    others: tuple[str, ...] = ()
    row: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def first_and_last(self) -> tuple[str, str]:
        """The name in two parts, for nbgrader."""
        if "," in self.name:
            last, _, first = self.name.partition(",")
        else:
            first, _, last = self.name.rpartition(" ")
        return first.strip(), last.strip()

    @property
    def label(self) -> str:
        """Who it is, for people: "Ada Lovelace", however the table writes it; the id where there is no name."""
        return " ".join(part for part in self.first_and_last if part) or self.id


@dataclass(frozen=True)
class Roster:
    """A class: its people in the table's order, and the table's kind and columns, for exports that go back there."""

    kind: str
    columns: tuple[str, ...]
    people: tuple[Person, ...]
    before: tuple[Mapping[str, str], ...] = ()  # rows that are nobody's, such as Canvas' points possible


def read_roster(path: Path) -> Roster:
    """Read a roster: a gradebook exported by Canvas, Moodle or Brightspace, nbgrader's table of students, a plain CSV.

    Raises:
        CourseError: the file can't be read, has no known columns, or names one student twice.
    """
    table = read_csv(path)
    kind = next((k for k in _PLATFORMS if _KINDS[k][0] in table.columns), None)
    if kind is None:
        table = read_csv(path, lower=True)
        kind = "nbgrader" if {"id", "first_name"} <= {*table.columns} else None
    if kind is None and any(c in table.columns for c in _KINDS["columns"][1]):
        kind = "columns"
    if kind is None:
        raise CourseError(
            f"{path.name} is no roster that is known: its columns should be Canvas', Moodle's, or id,name,email."
        )
    table.needs([c for c in _KINDS[kind][1] if c in table.columns])
    rows = [row for _, row in table.rows]
    nobody = [row for row in rows if _is_nobody(kind, row)]
    people = [_person(kind, row) for row in rows if not _is_nobody(kind, row)]
    people = [person for person in people if person.id]
    if not people:
        raise CourseError(f"{path.name} names nobody: it has the columns of a roster, and no row with an id.")
    _refuse_doubles(people, path.name)
    return Roster(kind, table.columns, tuple(people), tuple(nobody))


def _is_nobody(kind: str, row: Mapping[str, str]) -> bool:
    name = row.get("Student") if kind == "canvas" else None
    return name is not None and (not name or bool(_NOT_PEOPLE.match(name)))


def _person(kind: str, row: Mapping[str, str]) -> Person:
    _, ids, names, emails, others = _KINDS[kind]
    identity = next((row[c] for c in ids if row.get(c)), "")
    if kind == "moodle":
        identity = re.sub(r"\D", "", identity)  # Participant 12345
    identity = identity.lstrip("#")  # Brightspace writes #12345
    first, last = (
        row.get(c, "")
        for c in (
            "first_name" if kind == "nbgrader" else "First Name",
            "last_name" if kind == "nbgrader" else "Last Name",
        )
    )
    name = next((row[c] for c in names if row.get(c)), "") or f"{first} {last}".strip()
    email = next((row[c] for c in emails if row.get(c)), "")
    more = tuple(row[c].lstrip("#") for c in others if row.get(c))
    return Person(identity, _nfc(name), email, more, row)


def _refuse_doubles(people: Sequence[Person], file: str) -> None:
    seen: dict[str, Person] = {}
    for person in people:
        for identity in {person.id, *person.others, *([person.email] if person.email else [])}:
            other = seen.setdefault(identity.casefold(), person)
            if other is not person:
                raise CourseError(
                    f"{file} has two rows for {identity!r}: {other.name or other.id} and {person.name or person.id}. "
                    "Remove or mend one."
                )


def match(people: Iterable[Person], students: Iterable[str]) -> dict[str, Person]:
    """For each student who handed in, their row of the roster: by id, login, e-mail; by name if it is one only's."""
    found = _matches(people, students)
    taken = Counter(person.id for person in found.values())
    return {student: person for student, person in found.items() if taken[person.id] == 1 or student == person.id}


def under_two_names(people: Iterable[Person], students: Iterable[str]) -> list[str]:
    """A sentence for each person of the roster as whom several students handed in."""
    by_person: dict[str, list[str]] = defaultdict(list)
    found = _matches(people, students)
    for student, person in found.items():
        by_person[person.id].append(student)
    return [
        f"{' and '.join(sorted(own))} may both be {found[own[0]].name or identity} of the roster: "
        + (f"the one with the id {identity} is taken." if identity in own else "neither is taken; rename one hand-in.")
        for identity, own in by_person.items()
        if len(own) > 1
    ]


def _matches(people: Iterable[Person], students: Iterable[str]) -> dict[str, Person]:
    people = list(people)
    ids = {_key(person.id): person for person in people}  # these are one person's, whatever others are called
    students = list(students)
    taken = {_key(student) for student in students}
    known: dict[str, Person | None] = {}
    for person in people:
        local = person.email.partition("@")[0]
        keys = {person.id, *person.others, person.email, local}
        for key in keys - {""}:
            _enter(known, key, person)
        if _key(person.id) not in taken:  # zeros in front, say, that a spreadsheet took
            _enter(known, plain_id(person.id), person)
        for key in _names(person.name):
            _enter(known, f"name {key}", person)
    found = {}
    for student in students:
        person = ids.get(_key(student)) or known.get(_key(student)) or known.get(plain_id(student))
        person = person or next((p for k in _names(student) if (p := known.get(f"name {k}"))), None)
        if person is not None:
            found[student] = person
    return found


def _enter(known: dict[str, Person | None], key: str, person: Person) -> None:
    key = key if key.startswith("name ") else _key(key)
    known[key] = person if known.get(key, person) is person else None


def _key(text: str) -> str:
    return _nfc(text).casefold()


def plain_id(text: str) -> str:
    """An id without what spreadsheets do to it: a sign for text before it, "12.0", ="007", zeros in front that go."""
    plain = _key(text)
    plain = re.sub(r'^=?"(.*)"$|^\'', r"\1", plain)
    plain = re.sub(r"^(\d+)\.0+$", r"\1", plain)
    return plain.lstrip("0") or "0" if plain.isascii() and plain.isdigit() else plain


def _names(name: str) -> set[str]:
    """A name as one word, in both orders; "Lovelace, Ada", "Ada Lovelace", "lovelaceada"."""
    words = re.findall(r"[^\W\d_]+", _nfc(name).casefold())
    return {"".join(words), "".join(reversed(words)), "".join(sorted(words))} - {""}


def _nfc(text: str) -> str:
    return composed(text).strip()


def to_json(roster: Roster) -> list[tuple[str, str]]:
    """(student, row as JSON) of each person; the kind and the columns go with each."""
    return [
        (p.id, json.dumps({"kind": roster.kind, "columns": roster.columns, "name": p.name, "email": p.email,
                           "others": p.others, "row": dict(p.row)}, ensure_ascii=False))
        for p in roster.people
    ]  # fmt: skip


def from_json(rows: Sequence[tuple[str, str]]) -> Roster | None:
    """A roster from what `to_json` made; None without rows."""
    if not rows:
        return None
    read = [(student, json.loads(text)) for student, text in rows]
    people = tuple(Person(s, r["name"], r["email"], tuple(r["others"]), r["row"]) for s, r in read)
    return Roster(read[0][1]["kind"], tuple(read[0][1]["columns"]), people)
