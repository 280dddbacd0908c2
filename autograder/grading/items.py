"""What a class's marks say about each exercise: how hard it is, whether it tells apart, which mistakes were made."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from autograder.grading.export import write_csv
from autograder.grading.records import Record

FEW = 10  # students with whom a discrimination is a guess
UNTRIED = ("not_started", "missing", "refused")
FAILED = ("wrong", "error", "timeout")


@dataclass(frozen=True)
class Item:
    """An exercise as a class did it. `n`: whose notebooks were judged, with that exercise in them.

    `difficulty` is the share of them that solved it; `discrimination` the correlation of solving it with the points
    for the other exercises (None where either is the same for all).
    """

    exercise: str
    n: int
    solved: int
    tried: int
    points: float  # mean
    max_points: float
    discrimination: float | None
    outcomes: Counter = field(default_factory=Counter)
    mistakes: Counter = field(default_factory=Counter)  # sentence -> students
    excused: str | None = None

    @property
    def difficulty(self) -> float:
        """The share that solved it."""
        return self.solved / self.n if self.n else 0.0

    @property
    def failed(self) -> int:
        """How many tried and did not solve it."""
        return sum(self.outcomes[name] for name in FAILED)


def judged(records: Sequence[Record]) -> list[Record]:
    """Those whose notebook could be read: others say nothing about an exercise."""
    return [r for r in records if not r.verdicts or r.verdicts[0]["verdict"] != "refused"]


def in_order(records: Sequence[Record], lesson_order: Sequence[str]) -> list[str]:
    """All exercises that anybody has, in the lesson's order; those that the lesson had once come last."""
    found = {v["exercise"]: None for record in records for v in record.verdicts}
    return [*(name for name in lesson_order if name in found), *(name for name in found if name not in lesson_order)]


def verdict_of(record: Record, exercise: str) -> dict | None:
    """A student's verdict on an exercise, by its name."""
    return next((v for v in record.verdicts if v["exercise"] == exercise), None)


def is_solved(verdict: dict) -> bool:
    """Whether somebody has all points, by the judge or by hand."""
    manual = verdict.get("manual")
    if manual is None or verdict.get("excused") is not None:
        return verdict["verdict"] == "passed"
    return manual >= verdict["max_points"] > 0


def items(records: Sequence[Record], lesson_order: Sequence[str]) -> list[Item]:
    """Statistics of every exercise, paired by name, in the lesson's order."""
    records = judged(records)
    return [_item(records, name) for name in in_order(records, lesson_order)]


def _item(records: Sequence[Record], exercise: str) -> Item:
    pairs = [(record, v) for record in records if (v := verdict_of(record, exercise)) is not None]
    solved = np.array([is_solved(v) for _, v in pairs], dtype=float)
    others = np.array([sum(v["points"] for v in r.verdicts if v["exercise"] != exercise) for r, _ in pairs], float)
    varies = len(pairs) > 2 and solved.std() > 0 and others.std() > 0
    outcomes = Counter(str(v["verdict"]) for _, v in pairs)
    return Item(
        exercise,
        len(pairs),
        int(solved.sum()),
        sum(v["verdict"] not in UNTRIED for _, v in pairs),
        float(np.mean([v["points"] for _, v in pairs])) if pairs else 0.0,
        max((v["max_points"] for _, v in pairs), default=0.0),
        float(np.corrcoef(solved, others)[0, 1]) if varies else None,
        outcomes,
        Counter(str(v["message"]) for _, v in pairs if v["verdict"] in FAILED and not is_solved(v)),
        next((v["excused"] for _, v in pairs if v.get("excused") is not None), None),
    )


def to_discuss(found: Sequence[Item]) -> list[Item]:
    """Exercises worth a class's time, the first first: most students who share one mistake, then most who failed."""
    failed = [item for item in found if item.failed and item.excused is None]
    return sorted(failed, key=lambda item: (-max(item.mistakes.values(), default=0), -item.failed))


def write_items(path: object, found: Sequence[Item]) -> object:
    """Item statistics as CSV, a row an exercise."""
    head = ["exercise", "n", "tried", "solved", "difficulty", "mean_points", "max_points", "discrimination",
            "discrimination_n", "most_made_mistake", "times", "excused"]  # fmt: skip
    rows: list[list[object]] = [head]
    for item in found:
        (said, times), *_ = [*item.mistakes.most_common(1), ("", 0)]
        told = "" if item.discrimination is None else f"{item.discrimination:.3f}"
        share = f"{item.difficulty:.3f}" if item.n else ""
        rows.append(
            [item.exercise, item.n, item.tried, item.solved, share, f"{item.points:.3f}", f"{item.max_points:g}", told,
             item.n if told else 0, said, times, item.excused or ""]
        )  # fmt: skip
    return write_csv(path, rows, for_people=True)


def write_mistakes(path: object, records: Sequence[Record], found: Sequence[Item]) -> object:
    """Mistakes × students as CSV: a row a mistake, a column a student, 1 where that student made it."""
    records = judged(records)
    rows: list[list[object]] = [["exercise", "mistake", "known", "students", *(r.student for r in records)]]
    rows.append(["", "", "", "", *(r.name for r in records)])
    for item in found:
        for said, times in item.mistakes.most_common():
            made = [_made(record, item.exercise, said) for record in records]
            known = any(v["mistake"] for v in made if v)
            rows.append([item.exercise, said, "yes" if known else "no", times, *("1" if v else "" for v in made)])
    return write_csv(path, rows, for_people=True)


def who(records: Sequence[Record], exercise: str, said: str) -> Iterator[Record]:
    """The students who were told a sentence about an exercise."""
    return (record for record in records if _made(record, exercise, said))


def _made(record: Record, exercise: str, said: str) -> dict | None:
    verdict = verdict_of(record, exercise)
    made = verdict is not None and verdict["verdict"] in FAILED and verdict["message"] == said
    return verdict if made and not is_solved(verdict) else None
