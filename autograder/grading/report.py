"""A report of what was graded, for the instructor: one self-contained HTML page a lesson."""

import itertools
import statistics
from collections import Counter, defaultdict
from html import escape
from pathlib import Path

import numpy as np

from autograder.grading.gradebook import GradebookWriter, Record
from lessonkit import plots
from lessonkit.errors import CourseError

_STYLE = (
    "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; line-height: 1.45 }"
    "table { border-collapse: collapse } td, th { padding: 3px 10px; text-align: left; border-bottom: 1px solid #ddd }"
    "caption { text-align: left; font-weight: bold; padding: 0.6em 0 } td.n { text-align: right }"
)


def write_report(gradebook: GradebookWriter, lesson: str, folder: Path) -> Path:
    """Write folder/LESSON.html: marks, exercises, mistakes, intake, time.

    Raises:
        CourseError: nothing of the lesson was graded into this gradebook.
    """
    records = list(gradebook.records(lesson))
    if not records:
        raise CourseError(
            f"Nothing of lesson {lesson} is graded here: run `python -m autograder grade {lesson[:2]}` first."
        )
    parts = [
        f"<h1>{escape(lesson)}</h1><p>{len(records)} submissions.</p>",
        _distribution(records),
        _exercises(records),
        _mistakes(records),
        _intake(records),
        _time(records),
    ]
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Report: {escape(lesson)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>"
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{lesson}.html"
    path.write_text(page, encoding="utf-8")
    return path


def _share(record: Record) -> float:
    most = sum(v["max_points"] for v in record.verdicts)
    return sum(v["points"] for v in record.verdicts) / most


def _distribution(records: list[Record]) -> str:
    shares = [100 * _share(record) for record in records]
    counts, edges = np.histogram(shares, bins=10, range=(0, 100))
    labels = [f"{int(low)}-{int(high)}" for low, high in itertools.pairwise(edges)]
    fig = plots.bars({"submissions": counts.tolist()}, labels, "submissions", "Marks, in percent")
    words = f"median {statistics.median(shares):.0f} %, from {min(shares):.0f} to {max(shares):.0f} %"
    picture = plots.image_html(fig, f"Distribution of marks: {words}.")
    plots.plt.close(fig)
    return f"<h2>Marks</h2><p>{words}.</p>{picture}"


def _exercises(records: list[Record]) -> str:
    """Difficulty: the share that passed. Discrimination: how passing goes with the mark for everything else."""
    rows = []
    for i, verdict in enumerate(records[0].verdicts):
        passed = np.array([record.verdicts[i]["verdict"] == "passed" for record in records], dtype=float)
        others = np.array(
            [sum(v["points"] for j, v in enumerate(record.verdicts) if j != i) for record in records], dtype=float
        )
        varies = passed.std() > 0 and others.std() > 0
        discrimination = f"{np.corrcoef(passed, others)[0, 1]:.2f}" if varies else "–"
        outcomes = Counter(record.verdicts[i]["verdict"] for record in records)
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in outcomes.most_common())
        rows.append([verdict["exercise"], f"{passed.mean():.0%}", discrimination, counts])
    note = "<p>Discrimination: the correlation of passing with the points for the other exercises.</p>"
    return "<h2>Exercises</h2>" + _table(["exercise", "passed", "discrimination", "outcomes"], rows) + note


def _mistakes(records: list[Record]) -> str:
    said: dict[str, Counter] = defaultdict(Counter)
    for record in records:
        for verdict in record.verdicts:
            if verdict["verdict"] not in ("passed", "not_started"):
                said[verdict["exercise"]][verdict["message"]] += 1
    rows = [[name, str(n), message] for name, counter in said.items() for message, n in counter.most_common(8)]
    return "<h2>What went wrong</h2>" + _table(["exercise", "how often", "what they were told"], rows)


def _intake(records: list[Record]) -> str:
    rows = [[record.student, note] for record in records for note in record.notes]
    rows += [[r.student, r.verdicts[0]["message"]] for r in records if r.verdicts[0]["verdict"] == "refused"]
    if not rows:
        return "<h2>Intake</h2><p>Every notebook was read without remark.</p>"
    return "<h2>Intake</h2>" + _table(["student", "remark"], rows)


def _time(records: list[Record]) -> str:
    slowest = sorted(records, key=lambda r: r.seconds.get("whole", 0.0), reverse=True)[:5]
    median = statistics.median(record.seconds.get("whole", 0.0) for record in records)
    rows = [[record.student, f"{record.seconds.get('whole', 0.0):.1f}"] for record in slowest]
    return f"<h2>Time</h2><p>Median {median:.2f} s a submission.</p>" + _table(["slowest", "seconds"], rows)


def _table(columns: list[str], rows: list[list[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
