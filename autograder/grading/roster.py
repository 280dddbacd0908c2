"""Who belongs to the class: read from a table of the platform's, matched with those who handed something in."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lessonkit.errors import CourseError

# Kind of table -> the column that is its mark, and those for id, name, e-mail and further identities.
_KINDS = {
    "canvas": ("SIS Login ID", ("ID",), ("Student",), (), ("SIS User ID", "SIS Login ID")),
    "moodle": ("Identifier", ("Identifier",), ("Full name",), ("Email address",), ("ID number", "Username")),
    "brightspace": ("OrgDefinedId", ("OrgDefinedId",), (), ("Email",), ("Username",)),
    "nbgrader": ("first_name", ("id",), (), ("email",), ("lms_user_id",)),
    "columns": ("id", ("id", "student", "student_id"), ("name",), ("email",), ("login", "username")),
}
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
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CourseError(f"The roster {path} can't be read ({error.strerror}).") from error
    text = decoded(raw)
    first = text.splitlines()[0] if text.strip() else ""
    mark = max(",;\t", key=first.count)
    rows = list(csv.DictReader(io.StringIO(text), delimiter=mark))
    columns = tuple(c for c in (rows[0] if rows else {}) if c)
    kind = next((k for k, (sign, *_) in _KINDS.items() if sign in columns), None)
    if kind is None and any(c in columns for c in _KINDS["columns"][1]):
        kind = "columns"
    if kind is None:
        raise CourseError(
            f"{path.name} is no roster that is known: its columns should be Canvas', Moodle's, or id,name,email."
        )
    plain = [{k: (v or "").strip() for k, v in row.items() if k and isinstance(v, str | None)} for row in rows]
    nobody = [row for row in plain if _is_nobody(row)]
    people = [_person(kind, row) for row in plain if not _is_nobody(row)]
    people = [person for person in people if person.id]
    _refuse_doubles(people, path.name)
    return Roster(kind, columns, tuple(people), tuple(nobody))


def decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "cp1252", "latin-1"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")


def _is_nobody(row: Mapping[str, str]) -> bool:
    name = row.get("Student")
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
    known: dict[str, Person | None] = {}
    for person in people:
        local = person.email.partition("@")[0]
        keys = {person.id, *person.others, person.email, local}
        for key in keys - {""}:
            _enter(known, key, person)
        for key in _names(person.name):
            _enter(known, f"name {key}", person)
    found = {}
    for student in students:
        person = known.get(_key(student)) or next((p for k in _names(student) if (p := known.get(f"name {k}"))), None)
        if person is not None:
            found[student] = person
    taken = [person.id for person in found.values()]
    return {student: person for student, person in found.items() if taken.count(person.id) == 1 or student == person.id}


def _enter(known: dict[str, Person | None], key: str, person: Person) -> None:
    key = key if key.startswith("name ") else _key(key)
    known[key] = person if known.get(key, person) is person else None


def _key(text: str) -> str:
    return _nfc(text).casefold()


def _names(name: str) -> set[str]:
    """A name as one word, in both orders; "Lovelace, Ada", "Ada Lovelace", "lovelaceada"."""
    words = re.findall(r"[^\W\d_]+", _nfc(name).casefold())
    return {"".join(words), "".join(reversed(words)), "".join(sorted(words))} - {""}


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


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
