"""Reports of what was graded, for the instructor: one self-contained HTML page a lesson, and one for the course."""

import itertools
import statistics
from collections import Counter, defaultdict
from html import escape
from pathlib import Path

import numpy as np

from autograder.authoring.source import LessonSource
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.page import section, table, write_page
from autograder.grading.records import Record
from autograder.grading.similarity import Pair, similar
from lessonkit.errors import CourseError
from lessonkit.show import plots

MOST_PAIRS = 25  # of similar submissions that are listed


def write_report(gradebook: GradebookWriter, lesson: LessonSource, out: Path) -> Path:
    """Write OUT/report/LESSON.html: marks, exercises, mistakes, intake, time, what may be worth a look.

    Raises:
        CourseError: nothing of the lesson was graded into this gradebook.
    """
    records = list(gradebook.records(lesson.name))
    if not records:
        raise CourseError(
            f"Nothing of lesson {lesson.name} is graded here: run `python -m autograder grade {lesson.name[:2]}` first."
        )
    parts = [
        f"<p>{len(records)} submissions.</p>",
        section("Marks", lambda: _distribution(records)),
        section("Exercises", lambda: _exercises(records)),
        section("What went wrong", lambda: _mistakes(records)),
        section("Intake", lambda: _intake(records)),
        section("Worth a look", lambda: _worth_a_look(lesson, records, out)),
        section("Time", lambda: _time(records)),
    ]
    return write_page(out / "report" / f"{lesson.name}.html", f"Report: {lesson.title}", parts)


def write_course_report(gradebook: GradebookWriter, lessons: list[LessonSource], out: Path) -> Path:
    """Write OUT/report/index.html: all lessons beside each other, the hardest exercises, everybody's marks."""
    graded = [(lesson, records) for lesson in lessons if (records := list(gradebook.records(lesson.name)))]
    if not graded:
        raise CourseError("Nothing is graded here: run `python -m autograder grade` first.")
    overview, hardest, said = [], [], Counter()
    for lesson, records in graded:
        shares = [100 * _share(record) for record in records]
        refused = sum(record.verdicts[0]["verdict"] == "refused" for record in records)
        overview.append([lesson.title, str(len(records)), f"{statistics.median(shares):.0f} %", str(refused)])
        for i, verdict in enumerate(records[0].verdicts):
            passed = statistics.mean(record.verdicts[i]["verdict"] == "passed" for record in records)
            hardest.append((passed, [lesson.title, verdict["exercise"], f"{passed:.0%}"]))
        said.update((lesson.title, v["exercise"], v["message"]) for r in records for v in r.verdicts if v["mistake"])
    hardest.sort(key=lambda item: item[0])
    links = "".join(f'<a href="{name.name}.html">{escape(name.title)}</a> ' for name, _ in graded)
    totals: dict[str, dict[str, str]] = defaultdict(dict)
    for lesson, records in graded:
        for record in records:
            totals[record.student][lesson.name] = f"{record.points:g}"
    everybody = [
        [name, *(marks.get(lesson.name, "") for lesson, _ in graded)] for name, marks in sorted(totals.items())
    ]
    parts = [
        f"<nav>{links}</nav><h2>Lessons</h2>",
        _by_lesson({lesson.name[:2]: records for lesson, records in graded}),
        table(["lesson", "submissions", "median", "refused"], overview),
        "<h2>Hardest exercises</h2>",
        table(["lesson", "exercise", "passed"], [row for _, row in hardest[:10]]),
        "<h2>Most frequent known mistakes</h2>",
        table(["lesson", "exercise", "what they were told", "times"], [[*k, str(n)] for k, n in said.most_common(15)]),
        "<h2>Points</h2>",
        table(["student", *(lesson.name for lesson, _ in graded)], everybody),
    ]
    return write_page(out / "report" / "index.html", "Report: the course", parts)


def _by_lesson(graded: dict[str, list[Record]]) -> str:
    medians = [statistics.median(100 * _share(record) for record in records) for records in graded.values()]
    fig = plots.bars({"median": medians}, list(graded), "percent of the points", "Median by lesson")
    words = ", ".join(f"{name}: {median:.0f} %" for name, median in zip(graded, medians, strict=True))
    picture = plots.image_html(fig, f"Median mark by lesson. {words}.")
    plots.plt.close(fig)
    return picture


def _share(record: Record) -> float:
    return record.points / record.max_points


def _distribution(records: list[Record]) -> str:
    shares = [100 * _share(record) for record in records]
    counts, edges = np.histogram(shares, bins=10, range=(0, 100))
    labels = [f"{int(low)}-{int(high)}" for low, high in itertools.pairwise(edges)]
    fig = plots.bars({"submissions": counts.tolist()}, labels, "submissions", "Marks, in percent")
    words = f"median {statistics.median(shares):.0f} %, from {min(shares):.0f} to {max(shares):.0f} %"
    picture = plots.image_html(fig, f"Distribution of marks: {words}.")
    plots.plt.close(fig)
    return f"<p>{words}.</p>{picture}"


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
    return table(["exercise", "passed", "discrimination", "outcomes"], rows) + note


def _mistakes(records: list[Record]) -> str:
    said: dict[str, Counter] = defaultdict(Counter)
    for record in records:
        for verdict in record.verdicts:
            if verdict["verdict"] not in ("passed", "not_started"):
                said[verdict["exercise"]][verdict["message"]] += 1
    rows = [[name, str(n), message] for name, counter in said.items() for message, n in counter.most_common(8)]
    return table(["exercise", "how often", "what they were told"], rows)


def _intake(records: list[Record]) -> str:
    rows = [[record.student, note] for record in records for note in record.notes]
    rows += [[r.student, r.verdicts[0]["message"]] for r in records if r.verdicts[0]["verdict"] == "refused"]
    if not rows:
        return "<p>Every notebook was read without remark.</p>"
    return table(["student", "remark"], rows)


def _worth_a_look(lesson: LessonSource, records: list[Record], out: Path) -> str:
    pairs: list[Pair] = similar(lesson, [record.student for record in records], out)
    flags = [[r.student, exercise, text] for r in records for exercise, text in r.flags.items()]
    parts = ["<p>Reasons to look, not verdicts: none of this changed a mark.</p>"]
    if flags:
        called = Counter((exercise, text) for _, exercise, text in flags)
        rows = [[exercise, text, str(n), _some([s for s, e, t in flags if (e, t) == (exercise, text)])]
                for (exercise, text), n in called.most_common()]  # fmt: skip
        parts.append(table(["exercise", "remark", "submissions", "whose"], rows, "Ready-made functions"))
    if pairs:
        rows = [[p.first, p.second, f"{p.share:.0%}", str(p.fingerprints)] for p in pairs[:MOST_PAIRS]]
        columns = ["student", "student", "of the shorter one's own text", "fingerprints"]
        parts.append(table(columns, rows, f"Shared text that few others have ({len(pairs)} pairs)"))
    return "".join(parts) if flags or pairs else parts[0] + "<p>Nothing.</p>"


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _time(records: list[Record]) -> str:
    by_time = sorted(records, key=lambda r: r.seconds.get("whole", 0.0), reverse=True)[:5]
    median = statistics.median(record.seconds.get("whole", 0.0) for record in records)
    rows = [[record.student, f"{record.seconds.get('whole', 0.0):.1f}"] for record in by_time]
    cells = sorted(((seconds, cell, r.student) for r in records for cell, seconds in r.slowest), reverse=True)[:5]
    slow = [[cell, student, f"{seconds:.1f}"] for seconds, cell, student in cells]
    return (
        f"<p>Median {median:.2f} s a submission.</p>"
        + table(["student", "seconds"], rows, "Slowest submissions")
        + table(["cell", "student", "seconds"], slow, "Slowest cells")
    )
