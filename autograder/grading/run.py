"""A grading run: hand submissions to workers, write what comes back, continue where an earlier run stopped."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder.authoring import source as sources
from autograder.authoring.fingerprints import marks as marks_depend_on
from autograder.authoring.source import LessonSource
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.graded import Graded
from autograder.grading.graded_notebook import graded_notebook, graded_path
from autograder.grading.intake import Intake
from autograder.grading.marks_csv import write_marks, write_not_used
from autograder.grading.pool import Pool
from autograder.grading.records import Record, short_sha
from autograder.grading.sealed import work_out_expected
from autograder.grading.settings import Settings
from autograder.grading.submissions import Collection, Submission, collect
from lessonkit.files import write_whole


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    lesson: str
    graded: int
    unchanged: int
    refused: int
    seconds: float
    marks: Path
    collection: Collection
    changed: tuple[tuple[str, float, float], ...] = ()  # student, points before, points now
    older: tuple[str, ...] = ()  # graded by an older version of the lesson, and not handed in here


Progress = Callable[[Iterable, int], Iterable]  # (what is graded, how many) -> the same, shown as it goes


def grade(
    lesson_word: str, place: Path, settings: Settings, progress: Progress = lambda found, total: found
) -> Summary:
    """Grade all submissions for a lesson that lie in a folder or zip.

    Submissions that were graded before from the same bytes by the same version are skipped. Every other one is executed
    in the sandbox on the secret seeds of the run, judged, and written in one transaction: a stopped run loses nothing.

    Raises:
        CourseError: the instructor can mend it: no such lesson or folder, no sandbox, a gradebook that can't be opened.
    """
    start = time.monotonic()
    lesson = sources.load(lesson_word)
    collection = collect(place, lesson.name, settings.pattern)
    submissions = collection.submissions
    with GradingRun.of(lesson, settings) as run:
        before = {record.student: record for record in run.gradebook.records(lesson.name)}
        todo = run.outstanding(submissions)
        refused = 0
        for graded in progress(run.results(todo), len(todo)):
            refused += graded.refused
        run.gradebook.end_run(lesson.name)
        changed = _changed(before, run.gradebook.records(lesson.name), run.version)
        marks = write_marks(settings.out / "marks.csv", run.gradebook)
        write_not_used(settings.out / "not_used.csv", collection)
    seconds = time.monotonic() - start
    unchanged = len(submissions) - len(todo)
    return Summary(lesson.name, len(todo), unchanged, refused, seconds, marks, collection, *changed)


def _changed(
    before: dict[str, Record], now: Iterable[Record], version: str
) -> tuple[tuple[tuple[str, float, float], ...], tuple[str, ...]]:
    """Whose marks a regrade changed, from what to what; and whose are of an older version of the lesson."""
    changed, older = [], []
    for record in now:
        old = before.get(record.student)
        if old is not None and old.points != record.points:
            changed.append((record.student, old.points, record.points))
        if record.version not in ("", version):
            older.append(record.student)
    return tuple(changed), tuple(older)


# (lesson, what is to be graded, the run's seed, the gradebook's secret) -> each submission as read, and its marks
GradeMany = Callable[[str, Sequence[Submission], int, str], Iterator[tuple[Submission, tuple[Intake, Graded]]]]


@dataclass(frozen=True)
class GradingRun:
    """A run that is under way: an open gradebook, warm workers, the secret seed."""

    lesson: LessonSource
    settings: Settings
    gradebook: GradebookWriter
    seed: int
    version: str  # the fingerprint of what judges
    grade_many: GradeMany
    workers: Pool | None  # on this machine

    @classmethod
    @contextmanager
    def of(cls, lesson: LessonSource, settings: Settings) -> Iterator["GradingRun"]:
        """Open the gradebook and start the workers; close both.

        Into a gradebook that is there, perhaps nothing is to be graded: the workers start when something is.
        """
        with ExitStack() as stack:
            grade_many, pool = stack.enter_context(_grader(settings, lesson))
            is_there = settings.db_url or (settings.out / "gradebook.db").is_file()
            at_once = None if is_there else pool
            if at_once:
                at_once.begin()
            version = marks_depend_on(lesson)  # while the sandbox starts
            if at_once:
                at_once.wait()  # no sandbox: nothing is written
            settings.out.mkdir(parents=True, exist_ok=True)
            gradebook = stack.enter_context(closing(GradebookWriter(database_url(settings.out, settings.db_url))))
            gradebook.prepare(lesson)
            seed = gradebook.begin_run(lesson.name, settings.seed, secrets.randbits(62))
            yield cls(lesson, settings, gradebook, seed, version, grade_many, pool)

    def warm_up(self) -> None:
        """Do now what would be done when it is needed: start all workers, work out what is expected."""
        work_out_expected(self.lesson, self.seed)
        if self.workers is not None:
            self.workers.warm_up()

    def outstanding(self, submissions: Sequence[Submission]) -> list[Submission]:
        """Those not graded yet from the same bytes by the same version (and on the seed that is wanted, if one is).

        Each is read for that, and again when its turn comes: a class isn't held in memory.
        """
        known = self.gradebook.keys(self.lesson.name)

        def is_done(submission: Submission) -> bool:
            key, seed = known.get(submission.student, ("", None))
            if not key or self.settings.seed not in (None, seed):
                return False
            if not graded_path(self.settings.out, submission.student, self.lesson.name).is_file():
                return False  # somebody removed it: it is made again
            return key == self._key(submission.read())

        return [s for s in submissions if not is_done(s)]

    def results(self, submissions: list[Submission]) -> Iterator[Graded]:
        """Grade submissions; each is yielded when it is in the gradebook and its notebook in the output folder."""
        if submissions and self.workers is not None:
            self.workers.wait()
        secret = self.gradebook.secret()
        for submission, (intake, graded) in self.grade_many(self.lesson.name, submissions, self.seed, secret):
            _write_notebook(self.settings.out, self.lesson, submission, intake, graded)
            self.gradebook.write(
                self.lesson,
                graded,
                self._key(submission),
                self.seed,
                self._facts(submission, graded),
            )
            yield graded

    def _facts(self, submission: Submission, graded: Graded) -> dict[str, object]:
        """How it was handed in, by what it was judged, and when."""
        facts = submission.facts(self.due)
        judged = {
            "sha": short_sha(submission.content),
            "points": graded.points,
            "graded": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        facts["attempts"][-1] |= judged
        return facts | {"version": self.version, "graded": judged["graded"]}

    @property
    def due(self) -> datetime | None:
        """When the lesson is due, if somebody said it."""
        return self.settings.due.moment if self.settings.due else None

    def _key(self, submission: Submission) -> str:
        return fingerprint(submission, self.version)


def fingerprint(submission: Submission, version: str) -> str:
    """What the marks of a submission depend on: its bytes, or why they weren't read, and what judges them."""
    sha = hashlib.sha256()
    for part in (submission.content, submission.refused.encode(), version.encode()):
        sha.update(hashlib.sha256(part).digest())
    return sha.hexdigest()


@contextmanager
def _grader(settings: Settings, lesson: LessonSource) -> Iterator[tuple[GradeMany, Pool | None]]:
    """What grades many submissions: sandboxes on this machine, or the workers of a Dask cluster."""
    if settings.scheduler:
        from autograder.grading.cluster import on_cluster

        with on_cluster(settings) as grade_many:
            yield grade_many, None
        return
    with Pool(lesson, settings) as pool:
        yield pool.grade_many, pool


def _write_notebook(out: Path, lesson: LessonSource, submission: Submission, intake: Intake, graded: Graded) -> None:
    write_whole(graded_path(out, submission.student, lesson.name), graded_notebook(lesson, intake, graded))
