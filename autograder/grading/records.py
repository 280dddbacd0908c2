"""What the gradebook holds of one graded submission: read as a Record, written from a Graded."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from autograder.grading.sealed import Graded
from autograder.grading.tables import RECORDS

SLOWEST = 3  # cells of a submission that the record keeps the time of


@dataclass(frozen=True)
class Record:
    """What the gradebook holds of one graded submission. `verdicts`: one plain dictionary an exercise."""

    student: str
    lesson: str
    key: str
    seed: int
    verdicts: tuple[dict, ...]
    seconds: dict
    notes: tuple[str, ...]
    slowest: tuple[tuple[str, float], ...]  # cells and their seconds
    flags: dict[str, str]  # exercise -> what an instructor may want to look at

    @property
    def points(self) -> float:
        """The sum of the points earned."""
        return sum(verdict["points"] for verdict in self.verdicts)

    @property
    def max_points(self) -> float:
        """The sum of the points to be had."""
        return sum(verdict["max_points"] for verdict in self.verdicts)


def read_records(db: Session, lesson: str) -> Iterator[Record]:
    """Everything graded of a lesson, by student."""
    query = select(RECORDS).where(RECORDS.c.lesson == lesson).order_by(RECORDS.c.student)
    for row in db.execute(query):
        payload = json.loads(row.verdicts)
        yield Record(
            row.student,
            row.lesson,
            row.key,
            row.seed,
            tuple(payload["verdicts"]),
            payload["seconds"],
            tuple(payload["notes"]),
            tuple((cell, seconds) for cell, seconds in payload["slowest"]),
            payload["flags"],
        )


def write_record(db: Session, graded: Graded, key: str, seed: int) -> None:
    """Put a submission's record in the place of an older one; the caller commits."""
    db.execute(delete(RECORDS).where((RECORDS.c.student == graded.student) & (RECORDS.c.lesson == graded.lesson)))
    values = {"student": graded.student, "lesson": graded.lesson, "key": key, "seed": seed}
    db.execute(RECORDS.insert().values(**values, verdicts=_payload(graded)))


def _payload(graded: Graded) -> str:
    verdicts = [
        {
            "exercise": name,
            "points": verdict.points,
            "max_points": verdict.max_points,
            "verdict": verdict.finding.verdict,
            "message": verdict.finding.message,
            "detail": verdict.finding.detail,
            "mistake": verdict.finding.mistake,
        }
        for name, verdict in graded.verdicts.items()
    ]
    record = {
        "verdicts": verdicts,
        "seconds": dict(graded.seconds),
        "notes": list(graded.notes),
        "slowest": sorted(graded.cell_seconds.items(), key=lambda item: -item[1])[:SLOWEST],
        "flags": dict(graded.flags),
    }
    return json.dumps(record, ensure_ascii=False)
