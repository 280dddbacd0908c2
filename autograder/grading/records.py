"""What the gradebook holds of one graded submission: read as a Record, written from a Graded."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from autograder.grading.graded import Graded
from autograder.grading.late import in_words
from autograder.grading.tables import HANDED_IN, RECORDS

_BEFORE = {"message": "", "detail": "", "mistake": None}  # what verdicts of older versions lack
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
    name: str = ""  # of the person, where a roster or the platform says it
    email: str = ""
    handed_in: Mapping[str, object] = field(default_factory=dict)  # time, from, late_mark, file
    seconds_late: float = 0.0
    penalty: float = 0.0  # points that nbgrader's late-submission plugin takes away

    @property
    def points(self) -> float:
        """The sum of the points that count, less the penalty for being late."""
        return max(0.0, sum(verdict["points"] for verdict in self.verdicts) - self.penalty)

    @property
    def version(self) -> str:
        """The fingerprint of what judged it; "" where it was graded before that was kept."""
        return str(self.handed_in.get("version", ""))

    @property
    def attempts(self) -> list[dict]:
        """Every file that was handed in: file, time, and for those that were graded sha, points and when."""
        return list(self.handed_in.get("attempts", ()))

    @property
    def label(self) -> str:
        """Who it is, for people: the name with the id, or the id alone."""
        return f"{self.name} ({self.student})" if self.name else self.student

    @property
    def by_hand(self) -> bool:
        """Whether somebody changed a mark."""
        return any(verdict.get("manual") is not None or verdict.get("extra") for verdict in self.verdicts)

    @property
    def max_points(self) -> float:
        """The sum of the points to be had."""
        return sum(verdict["max_points"] for verdict in self.verdicts)


def short_sha(content: bytes) -> str:
    """What tells one attempt's bytes from another's in its record."""
    return hashlib.sha256(content).hexdigest()[:16]


def changed_by_hand(verdict: dict) -> str:
    """What people changed of a mark, in words; "" if nothing."""
    parts = []
    if verdict.get("excused") is not None:
        parts.append(f"counts for nobody: {verdict['excused']}")
    if verdict.get("manual") is not None:
        parts.append(f"{verdict['automatic']:g} -> {verdict['manual']:g}")
    if verdict.get("extra"):
        parts.append(f"{verdict['extra']:+g} extra")
    return "; ".join(parts)


def late_in_words(record: Record) -> str:
    """How late a submission was, in words; what the platform marked, where no due date is known; "" if in time."""
    if record.seconds_late:
        taken = f", {record.penalty:g} points less" if record.penalty else ""
        return in_words(record.seconds_late) + taken
    return "marked as late" if record.handed_in.get("late_mark") else ""


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
            tuple(_BEFORE | verdict for verdict in payload["verdicts"]),
            payload.get("seconds", {}),
            tuple(payload.get("notes", ())),
            tuple((cell, seconds) for cell, seconds in payload.get("slowest", ())),
            payload.get("flags", {}),
        )


def write_record(db: Session, graded: Graded, key: str, seed: int) -> None:
    """Put a submission's record in the place of an older one; the caller commits."""
    db.execute(delete(RECORDS).where((RECORDS.c.student == graded.student) & (RECORDS.c.lesson == graded.lesson)))
    values = {"student": graded.student, "lesson": graded.lesson, "key": key, "seed": seed}
    db.execute(RECORDS.insert().values(**values, verdicts=_payload(graded)))


def write_handed_in(db: Session, student: str, lesson: str, facts: Mapping[str, object]) -> None:
    """Keep how a submission was handed in, with all attempts that are known from before; the caller commits."""
    where = (HANDED_IN.c.student == student) & (HANDED_IN.c.lesson == lesson)
    known = db.execute(select(HANDED_IN.c.facts).where(where)).scalar()
    if known and facts.get("attempts"):
        before = json.loads(known).get("attempts", [])
        facts = {**facts, "attempts": all_attempts(before, facts["attempts"])}
    db.execute(delete(HANDED_IN).where((HANDED_IN.c.student == student) & (HANDED_IN.c.lesson == lesson)))
    if facts:
        text = json.dumps(dict(facts), ensure_ascii=False)
        db.execute(HANDED_IN.insert().values(student=student, lesson=lesson, facts=text))


def all_attempts(before: Sequence[dict], now: Sequence[dict]) -> list[dict]:
    """What a student handed in, once each, in order: what is known from before, and what is here now.

    An attempt is the same if its bytes are; where they weren't read, if file and time are.
    """

    shas = {new["sha"] for new in now if new.get("sha")}
    places = {(new["file"], new["time"]) for new in now}
    unread = {(new["file"], new["time"]) for new in now if not new.get("sha")}

    def is_here(old: dict) -> bool:
        place = (old["file"], old["time"])
        return old["sha"] in shas or place in unread if old.get("sha") else place in places

    kept = [old for old in before if not is_here(old)]
    both = [*kept, *now]
    return sorted(both, key=lambda one: one["time"] or "") if all(one["time"] for one in both) else both


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
