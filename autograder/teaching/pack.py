"""The instructor's pack: plans, a sheet and slides for each lesson, an exam that is another one for every seed.

Made from the lessons' sources, banks and executed notebooks, and from the questions beside this file: Markdown to print
or to paste, slides as one file a lesson that any browser shows, without a network.
"""

import random
from itertools import pairwise
from pathlib import Path

from autograder.authoring import bank as banks
from autograder.authoring import mathjax
from autograder.authoring.source import LessonSource, load
from autograder.authoring.start import Stop, stops
from autograder.teaching.question import of_lesson
from autograder.teaching.slides import slides
from lessonkit.files import write_whole

SESSION = 90  # minutes of one meeting, homework beside it
SEED = 1


def write_pack(out: Path, seed: int = SEED) -> list[Path]:
    """Write the pack into out/teach; the paths that were written.

    Raises:
        CourseError: a lesson has no executed notebook, or can't be read.
    """
    folder, course = out / "teach", stops()
    pages = {"plan.md": plan(course)}
    for stop in course:
        pages[f"{stop.name}.md"] = sheet(load(stop.name), stop)
        pages[f"slides/{stop.name}.html"] = slides(stop.name, stop.title)
    pages[f"exam-{seed}.md"], pages[f"exam-{seed}-solutions.md"] = exam(course, seed)
    for name, text in pages.items():
        write_whole(folder / name, text.encode())
    write_whole(folder / "slides" / mathjax.NAME, mathjax.mathjax())
    return [folder / name for name in pages]


def plan(course: list[Stop]) -> str:
    """A plan for a term, a lesson a week, and one for a week of mornings; with each lesson's minutes and exercises."""
    rows = ["| week | lesson | builds on | minutes | exercises | points |", "|---|---|---|---|---|---|"]
    for week, stop in enumerate(course, 1):
        lesson = load(stop.name)
        points = sum(float(cell.marks["points"]) for cell in lesson.of_kind("check"))
        count = len(list(lesson.of_kind("exercise")))
        needs = ", ".join(stop.needs) or "none"
        rows.append(f"| {week} | {stop.number} {stop.title} | {needs} | {stop.minutes} | {count} | {points:g} |")
    days = _days(course, 5)
    week = [f"- **Day {i}**: " + "; ".join(f"{s.number} {s.title}" for s in day) for i, day in enumerate(days, 1)]
    return "\n".join(
        [
            "# Two plans",
            "",
            f"## A term: a lesson a week, one meeting of {SESSION} minutes",
            "",
            "Before the meeting learners work through the lesson up to its first two exercises. In the meeting: the "
            "lesson's question (5 minutes), their predictions against what came out (20), the exercise that the last "
            "report names (20), questions to ask aloud (15), the slides' figures (20), what comes next (10). "
            "Afterwards: the other exercises.",
            "",
            *rows,
            "",
            "## A week of five days",
            "",
            "Two to four lessons a day, worked through in pairs, and the questions to ask aloud at the end of each. "
            "Where time is short, show a lesson's slides and give its exercises to those who want them.",
            "",
            *week,
            "",
        ]
    )


def _days(course: list[Stop], count: int) -> list[list[Stop]]:
    bounds = [round(i * len(course) / count) for i in range(count + 1)]
    return [course[a:b] for a, b in pairwise(bounds)]


def sheet(lesson: LessonSource, stop: Stop) -> str:
    """What to have at hand for one lesson: its question, what students trip over, what to ask aloud."""
    lines = [f"# {stop.number} {stop.title}", "", f"**{stop.question}** About {stop.minutes} minutes.", ""]
    lines += [
        "## What students trip over",
        "",
        "The mistakes that the checks know, with the sentence that a learner reads.",
    ]
    bank, known = banks.load(lesson.name), lesson.of_kind("exercise")
    for cell in known:
        name = str(cell.marks["exercise"])
        lines += ["", f"### {name} (difficulty {cell.marks['difficulty']}, {cell.marks['minutes']} minutes)", ""]
        lines += [f"- *{m.name.replace('_', ' ')}*: {m.sentence}" for m in bank.mistakes_of(name)]
    lines += ["", "## To ask aloud", ""]
    for question, answer in of_lesson(stop.number).aloud:
        lines += [f"**{question}**", "", answer, ""]
    if not of_lesson(stop.number).aloud:
        lines += ["Nobody has written any yet.", ""]
    return "\n".join(lines)


def exam(course: list[Stop], seed: int) -> tuple[str, str]:
    """Two questions a lesson with the numbers of this seed: the paper, and its solutions."""
    paper, solved = [f"# Exam, variant {seed}"], [f"# Exam, variant {seed}: solutions"]
    for stop in course:
        for number, make in enumerate(of_lesson(stop.number).exam, 1):
            asked, answer = make(random.Random(f"{seed} {stop.name} {number}"))
            heading = f"\n## {stop.number}.{number} {stop.title}\n"
            paper += [heading, asked]
            solved += [heading, asked, "", f"**Solution.** {answer}"]
    return "\n".join(paper) + "\n", "\n".join(solved) + "\n"
