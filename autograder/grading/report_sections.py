"""The sections of a lesson's report: one that fails costs only itself."""

import itertools
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from markupsafe import Markup

from autograder.authoring.fingerprints import marks as marks_depend_on
from autograder.authoring.source import LessonSource
from autograder.grading.example import example_of
from autograder.grading.graded_notebook import feedback_path
from autograder.grading.items import (
    FEW,
    Item,
    is_solved,
    judged,
    to_discuss,
    verdict_of,
    who,
)
from autograder.grading.page import bars, facts, link, rich, table
from autograder.grading.records import Record, changed_by_hand, late_in_words
from autograder.grading.roster import Person
from autograder.grading.similarity import Pair, similar
from autograder.sandbox.text import plain

MOST_PAIRS = 25  # of similar submissions that are listed
MOST_MISTAKES = 8  # of an exercise
SIGNS = {"passed": "✓", "not_started": "○", "missing": "○", "refused": "–"}


@dataclass(frozen=True)
class Graded:
    """A lesson's records with what the sections need beside them."""

    lesson: LessonSource
    records: list[Record]
    found: list[Item]  # statistics, in the lesson's order
    absent: list[Person]
    out: Path

    def named(self, student: str) -> str:
        """A student's name, with a link to their page where there is one."""
        record = next(r for r in self.records if r.student == student)
        return self.link_to(record)

    def link_to(self, record: Record) -> str:
        """The same from a record."""
        page = feedback_path(self.out, record.student, self.lesson.name)
        if not page.is_file():
            return record.label
        return link(f"../feedback/{record.student}/{self.lesson.name}/{page.name}", record.label)


def order_of(lesson: LessonSource) -> list[str]:
    """The exercises in the lesson's order."""
    return [str(cell.marks["exercise"]) for cell in lesson.of_kind("exercise")]


def share_of(record: Record) -> float:
    """A student's part of the points to be had; 0 where there are none."""
    return record.points / record.max_points if record.max_points else 0.0


def program_version() -> str:
    """The version of this project."""
    try:
        return version("attention-course")
    except PackageNotFoundError:
        return ""


def head(here: Graded) -> str:
    records, now = here.records, marks_depend_on(here.lesson)
    graded = sorted(str(r.handed_in["graded"]) for r in records if r.handed_in.get("graded"))
    older = [r for r in records if r.version not in ("", now)]
    excused = [f"`{item.exercise}` ({item.excused})" for item in here.found if item.excused is not None]
    absent = ", ".join(person.label for person in here.absent)
    by_hand = sum(record.by_hand for record in records)
    said = facts(
        [
            ("submissions", str(len(records))),
            ("handed in nothing", f"{len(here.absent)} of the roster: {absent}" if absent else ""),
            ("can't be read", str(len(records) - len(judged(records)) or "")),
            ("late", str(sum(bool(late_in_words(r)) for r in records) or "")),
            ("marks changed by hand", f"of {by_hand} student{'s' * (by_hand > 1)}" if by_hand else ""),
            ("counts for nobody", rich(", ".join(excused))),
            ("points to be had", f"{max(r.max_points for r in records):g}"),
            ("graded", _between(graded)),
            ("secret seeds", ", ".join(str(seed) for seed in sorted({r.seed for r in records})[:5])),
            ("version of the course", program_version()),
            ("version of what judges", now[:12]),
            ("graded by an older one", f"{len(older)}: {_some([r.label for r in older])}" if older else ""),
        ]
    )
    files = [link(f"{here.lesson.name}-{kind}.csv", f"{kind} as CSV") for kind in ("exercises", "mistakes")]
    return "".join([said, "<nav>", *files, link("index.html", "the whole course"), "</nav>"])


def _between(times: Sequence[str]) -> str:
    if not times:
        return ""
    first, last = (f"{datetime.fromisoformat(t):%Y-%m-%d %H:%M} UTC" for t in (times[0], times[-1]))
    return first if first == last else f"{first} to {last}"


def discuss(here: Graded) -> str:
    chosen = to_discuss(here.found)
    if not chosen:
        return "<p>Whoever tried an exercise solved it.</p>"
    item = chosen[0]
    said, times = item.mistakes.most_common(1)[0]
    parts = [
        f"<p><strong><code>{escape(item.exercise)}</code></strong>: {item.solved} of {item.n} solved it "
        f"({item.difficulty:.0%}), {item.failed} tried and did not. {escape(_told_apart(item))}</p>",
        f"<p>The mistake most made, by {times} of {item.n}:</p><p class='note'>{rich(said)}</p>",
    ]
    example = example_of(here.lesson, list(who(here.records, item.exercise, said)), item.exercise, here.out)
    if example:
        parts.append(f"<p>An answer of one of them, without names and comments:</p><pre>{escape(example)}</pre>")
    rows = [
        [rich(f"`{i.exercise}`"), f"{i.failed} of {i.n}", rich(m), str(n)]
        for i in chosen[1:3]
        for m, n in i.mistakes.most_common(1)
    ]
    if rows:
        parts.append(table(["next", "tried, did not solve it", "mistake most made", "times"], rows))
    return "".join(parts)


def _told_apart(item: Item) -> str:
    if item.discrimination is None:
        return "Whether it tells students apart can't be said: all did alike."
    said = f"Solving it goes with the points elsewhere by r = {item.discrimination:.2f} (n = {item.n})"
    if item.n < FEW:
        return f"{said}; with so few that is a guess."
    if item.discrimination < 0:
        return f"{said}: those who are good elsewhere fail here, so look at the task itself."
    return f"{said}."


def distribution(records: Sequence[Record]) -> str:
    shares = [100 * share_of(record) for record in records]
    counts, edges = np.histogram(shares, bins=10, range=(0, 100))
    rows = [
        (f"{int(low)} to {int(high)} %", float(count), str(count))
        for (low, high), count in zip(itertools.pairwise(edges), counts, strict=True)
    ]
    points = [record.points for record in records]
    words = (
        f"Median {statistics.median(shares):.0f} %, from {min(shares):.0f} to {max(shares):.0f} %; mean "
        f"{statistics.mean(points):.1f} of {max(r.max_points for r in records):g} points."
    )
    return "".join([f"<p>{words}</p>", bars(rows, ("of the points", "submissions"))])


def exercises(here: Graded) -> str:
    rows = []
    for item in here.found:
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in item.outcomes.most_common())
        told = "–" if item.discrimination is None else f"{item.discrimination:.2f} ({item.n})"
        name = rich(f"`{item.exercise}`" + (" counts for nobody" if item.excused is not None else ""))
        share = f"{item.difficulty:.0%}" if item.n else "–"
        rows.append([name, share, told, f"{item.points:.1f} of {item.max_points:g}", counts])
    note = (
        "<p class='soft'>Solved: the share of those whose notebook could be read. Discrimination: the correlation of "
        "solving it with the points for the other exercises, and the number of students behind it.</p>"
    )
    columns = ["exercise", "solved", "discrimination (n)", "mean points", "outcomes"]
    return "".join([table(columns, rows, named=True), note])


def heat_map(here: Graded) -> str:
    names = [item.exercise for item in here.found]
    rows = []
    for record in sorted(here.records, key=lambda r: (-r.points, r.label.casefold())):
        cells = [_heat(verdict_of(record, name)) for name in names]
        own = (v for v in record.verdicts if v.get("excused") is None)  # an excuse is for all, and told above
        more = "; ".join(text for v in own if (text := changed_by_hand(v)))
        late = late_in_words(record)
        told = ", ".join(part for part in (f"late: {late}" if late else "", f"by hand: {more}" if more else "") if part)
        rows.append([here.link_to(record), *cells, f"{record.points:g}", told])
    for person in here.absent:
        rows.append([person.label, *("" for _ in names), "–", "handed in nothing"])
    key = "<p class='soft'>✓ solved, ✗ tried, ○ not started or missing, – can't be read; the bluer, the more points."
    if not any(isinstance(row[0], Markup) for row in rows):
        key += " With <code>feedback</code> run before <code>report</code>, each name is a link to its page."
    excused = {item.exercise for item in here.found if item.excused is not None}
    heads = [
        Markup(escape(name).replace("_", "_<wbr>") + ("<br>counts for nobody" if name in excused else ""))
        for name in names
    ]
    most = max(record.max_points for record in here.records)
    columns = ["student", *heads, f"points of {most:g}", ""]
    return "".join([key, "</p>", table(columns, rows, named=True, kind="heat")])


def _heat(verdict: dict | None) -> str:
    if verdict is None:
        return ""
    sign = "✓" if is_solved(verdict) else SIGNS.get(verdict["verdict"], "✗")
    share = verdict["points"] / verdict["max_points"] if verdict["max_points"] else 0.0
    look = f' class="mark" style="--share: {0.5 * min(1.0, max(0.0, share)):.2f}"'
    return Markup(f'<td{look} title="{escape(verdict["verdict"])}">{sign} {verdict["points"]:g}</td>')


def mistakes(here: Graded) -> str:
    rows, left = [], 0
    for item in here.found:
        most = item.mistakes.most_common(MOST_MISTAKES)
        left += len(item.mistakes) - len(most)
        for message, n in most:
            made = [record.label for record in who(here.records, item.exercise, message)]
            rows.append([rich(f"`{item.exercise}`"), str(n), rich(message), _some(made)])
    if not rows:
        return "<p>Nothing.</p>"
    more = f"<p>{left} rarer ones stand in the CSV.</p>" if left else ""
    return "".join([table(["exercise", "how often", "what they were told", "whose"], rows), more])


def handing_in(here: Graded) -> str:
    times = [(r, t) for r in here.records for a in r.attempts if a.get("time") and (t := _day(a["time"]))]
    tries: dict[int, list[float]] = defaultdict(list)
    for record in here.records:
        tries[max(1, len(record.attempts))].append(100 * share_of(record))
    rows = [[str(n), str(len(s)), f"{statistics.median(s):.0f} %"] for n, s in sorted(tries.items())]
    parts = []
    if times:
        days = Counter(day for _, day in times)
        shown = sorted(days.items())[-60:]
        parts.append(bars([(day, float(n), str(n)) for day, n in shown], ("day", "hand-ins"), "Attempts over time"))
    else:
        parts.append("<p>No times are known: neither the files' names nor the zip say when they came.</p>")
    parts.append(table(["attempts", "students", "median of the points"], rows, "Attempts a student"))
    changed = [
        [here.link_to(r), " → ".join(f"{a['points']:g}" for a in known)]
        for r in here.records
        if len(known := [a for a in r.attempts if "points" in a]) > 1
    ]
    if changed:
        parts.append(table(["student", "points by the judge"], changed, "From attempt to attempt"))
    late = [[here.link_to(r), said] for r in here.records if (said := late_in_words(r))]
    if late:
        parts.append(table(["student", "late"], late, "Late"))
    return "".join(parts)


def _day(time: str) -> str:
    try:
        return f"{datetime.fromisoformat(time):%Y-%m-%d}"
    except ValueError:
        return ""


def intake(here: Graded) -> str:
    rows = [[here.link_to(record), rich(note)] for record in here.records for note in record.notes]
    refused = [r for r in here.records if r.verdicts and r.verdicts[0]["verdict"] == "refused"]
    rows += [[here.link_to(r), rich(r.verdicts[0]["message"])] for r in refused]
    if not rows:
        return "<p>Every notebook was read without remark.</p>"
    return table(["student", "remark"], rows)


def worth_a_look(here: Graded) -> str:
    pairs: list[Pair] = similar(here.lesson, [record.student for record in here.records], here.out)
    flags = [[r.label, exercise, text] for r in here.records for exercise, text in r.flags.items()]
    parts = ["<p>Reasons to look, not verdicts: none of this changed a mark.</p>"]
    if flags:
        called = Counter((exercise, text) for _, exercise, text in flags)
        rows = []
        for (exercise, text), n in called.most_common():
            whose = _some([s for s, e, t in flags if (e, t) == (exercise, text)])
            rows.append([rich(f"`{exercise}`"), rich(text), str(n), whose])
        parts.append(table(["exercise", "remark", "submissions", "whose"], rows, "Ready-made functions"))
    if pairs:
        rows = [
            [here.named(p.first), here.named(p.second), f"{p.share:.0%}", str(p.fingerprints)]
            for p in pairs[:MOST_PAIRS]
        ]
        columns = ["student", "student", "of the shorter one's own text", "fingerprints"]
        parts.append(table(columns, rows, f"Shared text that few others have ({len(pairs)} pairs)"))
    return "".join(parts) if flags or pairs else parts[0] + "<p>Nothing.</p>"


def _some(names: Sequence[str], most: int = 5) -> str:
    names = [plain(name) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def time(here: Graded) -> str:
    by_time = sorted(here.records, key=lambda r: r.seconds.get("whole", 0.0), reverse=True)[:5]
    median = statistics.median(record.seconds.get("whole", 0.0) for record in here.records)
    rows = [[here.link_to(record), f"{record.seconds.get('whole', 0.0):.1f}"] for record in by_time]
    cells = sorted(((seconds, cell, r) for r in here.records for cell, seconds in r.slowest), key=lambda c: -c[0])[:5]
    slow = [[cell, here.link_to(record), f"{seconds:.2f}"] for seconds, cell, record in cells]
    return "".join(
        [
            f"<p>Median {median:.2f} s a submission.</p>",
            table(["student", "seconds"], rows, "Slowest submissions"),
            table(["cell", "student", "seconds"], slow, "Slowest cells"),
        ]
    )
