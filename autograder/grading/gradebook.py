"""The gradebook: opened, prepared for a lesson, and written by one process, one transaction a submission."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from nbgrader.api import Gradebook
from sqlalchemy import Engine, delete, event, select, update
from sqlalchemy.exc import SQLAlchemyError

from autograder.authoring.generate import COURSE, generate
from autograder.authoring.source import LessonSource
from autograder.grading.by_hand import kept_roster
from autograder.grading.cells import update_cells
from autograder.grading.graded import Graded
from autograder.grading.marks import LessonIds, write_marks
from autograder.grading.records import Record, write_handed_in, write_record
from autograder.grading.roster import Person, Roster, match
from autograder.grading.tables import RECORDS, RUNS, SECRETS
from autograder.grading.truth import true_records
from autograder.grading.upgrade import upgrade_nbgraders, upgrade_ours
from autograder.machine import offer_own_programs
from lessonkit.errors import CourseError

PATIENCE = 30  # seconds that a writer waits for another one


class GradebookWriter:
    """The one writer of a gradebook. A submission is in it wholly or not at all."""

    def __init__(self, db_url: str):
        offer_own_programs()
        try:
            upgrade_nbgraders(db_url)
            self._gradebook = Gradebook(db_url, COURSE)
            _wait_for_others(self._gradebook.engine)
            upgrade_ours(self._gradebook.engine)
        except (SQLAlchemyError, OSError) as error:
            raise CourseError(
                f"The gradebook {_without_password(db_url)} can't be opened: {_first_line(error)}."
            ) from error
        self._db = self._gradebook.db
        self._url = db_url
        self._ids: tuple[LessonSource, LessonIds] | None = None  # of the lesson that is graded

    @property
    def nbgraders(self) -> Gradebook:
        """nbgrader's own access to it, for what people change."""
        return self._gradebook

    def close(self) -> None:
        """Close the database."""
        self._gradebook.close()

    def prepare(self, lesson: LessonSource) -> None:
        """Enter the lesson and its cells, as nbgrader's generator does.

        Where exercises were added or dropped since submissions were graded, which nbgrader's generator refuses, its
        tables are brought up to date here: graded submissions stay, and so do marks made by hand.
        """
        self._ids = None
        try:
            generate(lesson, self._url)
        except CourseError as error:
            if "Cannot add or remove cells" not in str(error):
                raise
            update_cells(self._gradebook, lesson)

    def _ids_of(self, lesson: LessonSource) -> LessonIds:
        if self._ids is None or self._ids[0] is not lesson:
            self._ids = (lesson, LessonIds.of(self._gradebook, lesson))
        return self._ids[1]

    def begin_run(self, lesson: str, wanted: int | None, fresh: int) -> int:
        """The secret seed of a run: the one wanted, that of a run which did not finish, or a fresh one. Recorded.

        A run that finished has handed out feedback: what students learn from it is of no use for the next seed.
        """
        row = self._db.execute(select(RUNS).where(RUNS.c.lesson == lesson)).first()
        seed = wanted if wanted is not None else row.seed if row and not row.finished else fresh
        self._db.execute(delete(RUNS).where(RUNS.c.lesson == lesson))
        self._db.execute(RUNS.insert().values(lesson=lesson, seed=seed, finished=False))
        self._db.commit()
        return seed

    def end_run(self, lesson: str) -> None:
        """Everything that was handed in is graded."""
        self._db.execute(update(RUNS).where(RUNS.c.lesson == lesson).values(finished=True))
        self._db.commit()

    def secret(self) -> str:
        """A secret of this gradebook, made when it is first asked for."""
        found = self._db.execute(select(SECRETS.c.secret)).scalars().first()
        if found is None:
            found = secrets.token_hex(16)
            self._db.execute(SECRETS.insert().values(secret=found))
            self._db.commit()
        return found

    def keys(self, lesson: str) -> dict[str, tuple[str, int]]:
        """For every student graded: the fingerprint of what was graded, and the seed."""
        query = select(RECORDS.c.student, RECORDS.c.key, RECORDS.c.seed).where(RECORDS.c.lesson == lesson)
        return {row.student: (row.key, row.seed) for row in self._db.execute(query)}

    def lessons(self) -> list[str]:
        """The names of the lessons of which anything is graded, in order."""
        return sorted(self._db.execute(select(RECORDS.c.lesson).distinct()).scalars())

    def students(self) -> list[str]:
        """Everybody of whom anything is graded."""
        return sorted(self._db.execute(select(RECORDS.c.student).distinct()).scalars())

    def records(self, lesson: str) -> Iterator[Record]:
        """Everything graded of a lesson, by student, with what people changed by hand."""
        return true_records(self._db, lesson)

    def roster(self) -> Roster | None:
        """Who belongs to the class, if somebody entered it."""
        return kept_roster(self._db)

    def absent(self, lesson: str) -> list[Person]:
        """Who is on the roster and handed in nothing for a lesson."""
        roster = kept_roster(self._db)
        if roster is None:
            return []
        there = match(roster.people, self.keys(lesson))
        present = {person.id for person in there.values()}
        return [person for person in roster.people if person.id not in present]

    def write(
        self, lesson: LessonSource, graded: Graded, key: str, seed: int, handed_in: Mapping[str, object] | None = None
    ) -> None:
        """Write one submission's marks and record, and how it was handed in, in one transaction."""
        try:
            write_marks(self._db, self._ids_of(lesson), graded, handed_in or {})
            write_handed_in(self._db, graded.student, graded.lesson, handed_in or {})
            write_record(self._db, graded, key, seed)
            self._db.commit()
        except SQLAlchemyError as error:
            self._db.rollback()
            raise CourseError(
                f"The gradebook can't be written: {_first_line(error)}. What it has is whole; mend this and run again."
            ) from error
        finally:
            self._db.expunge_all()  # memory stays flat over a large class


def _wait_for_others(engine: Engine) -> None:
    """Wait for whoever else writes a SQLite file, formgrader say, instead of giving up after SQLite's 5 seconds."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE}"))
        engine.dispose()  # connections that don't know it yet


def database_url(out: Path, wanted: str | None) -> str:
    """The URL of the gradebook: the one wanted, or a SQLite file in the output folder."""
    return wanted or f"sqlite:///{(out / 'gradebook.db').resolve()}"


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
