"""Whom and which lesson a row of somebody's table means, whatever a spreadsheet made of ids and names."""

import re
from collections.abc import Iterable, Mapping, Sequence

from autograder.authoring.source import lesson_names
from autograder.grading.names import composed, lesson_in
from autograder.grading.roster import Person, match, plain_id
from lessonkit.errors import CourseError, did_you_mean


class People:
    """Everybody whom a row may mean: those who handed in, and the roster, if there is one."""

    def __init__(self, students: Sequence[str], roster: Iterable[Person] = (), names: Mapping[str, str] | None = None):
        """`names`: of students, as they handed in."""
        self.students = sorted(students)
        known = match(people := list(roster), self.students)
        self._people: list[tuple[str, Person]] = [(student, person) for student, person in known.items()]
        absent = {person.id for person in people} - {person.id for person in known.values()}
        self._people += [(person.id, person) for person in people if person.id in absent]
        self._people += [(s, Person(s, (names or {}).get(s, ""))) for s in self.students if s not in known]

    def meant_by(self, said: str) -> str:
        """The one whom an id, a login, an e-mail or a name means; "" if nobody is known by it.

        Raises:
            CourseError: several are.
        """
        everybody = {student for student, _ in self._people}
        if said in everybody:
            return said
        plain = plain_id(said)
        found = {student for student in everybody if plain_id(student) == plain}
        if not found:
            found = {student for student, person in self._people if _is_called(student, person, said)}
        if len(found) > 1:
            raise CourseError(f"{said!r} may be {' or '.join(sorted(found))}: name one by the id.")
        return next(iter(found), "")


def _is_called(student: str, person: Person, said: str) -> bool:
    whole = Person(student, person.name, person.email, (person.id, *person.others))
    return any(match([whole], [word]) for word in (composed(said), plain_id(said)))


def lesson_meant(said: str) -> str:
    """The lesson that a row names, by its name, however it is written, or its number.

    Raises:
        CourseError: it is none.
    """
    names = lesson_names()
    number = re.fullmatch(r"\s*0*(\d{1,2})(?:\.0)?\s*", said)
    found = next((n for n in names if n[:2] == number[1].zfill(2)), "") if number else lesson_in(said, names)
    if not found:
        raise CourseError(f"There is no lesson {said!r}." + did_you_mean(said, names))
    return found
