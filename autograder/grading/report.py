"""Reports of what was graded, for whoever teaches it: one self-contained page a lesson, and one for the course."""

import statistics
from collections import Counter
from pathlib import Path

from markupsafe import Markup

from autograder.authoring.source import LessonSource
from autograder.grading import report_sections as sections
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.graded_notebook import overview_path
from autograder.grading.items import items, judged, write_items, write_mistakes
from autograder.grading.page import bars, facts, link, rich, section, table, write_page
from autograder.grading.platforms import Class
from autograder.grading.records import late_in_words
from autograder.grading.report_sections import order_of, share_of
from lessonkit.errors import CourseError

HARDEST, MOST_MADE = 10, 15  # exercises and mistakes that the course's page lists


def write_report(gradebook: GradebookWriter, lesson: LessonSource, out: Path) -> Path:
    """Write OUT/report/LESSON.html, and beside it item statistics and mistakes × students as CSV.

    Raises:
        CourseError: nothing of the lesson was graded into this gradebook.
    """
    records = list(gradebook.records(lesson.name))
    if not records:
        raise CourseError(
            f"Nothing of lesson {lesson.name} is graded here: run `python -m autograder grade {lesson.name[:2]}` first."
        )
    found = items(records, order_of(lesson))
    write_items(out / "report" / f"{lesson.name}-exercises.csv", found)
    write_mistakes(out / "report" / f"{lesson.name}-mistakes.csv", records, found)
    here = sections.Graded(lesson, records, found, gradebook.absent(lesson.name), out)
    parts = [
        f"<p>{len(records)} submissions.</p>",
        section("This report", lambda: sections.head(here)),
        section("To discuss tomorrow", lambda: sections.discuss(here)),
        section("Marks", lambda: sections.distribution(records)),
        section("Exercises", lambda: sections.exercises(here)),
        section("Marks by exercise", lambda: sections.heat_map(here)),
        section("What went wrong", lambda: sections.mistakes(here)),
        section("Handing in", lambda: sections.handing_in(here)),
        section("Intake", lambda: sections.intake(here)),
        section("Worth a look", lambda: sections.worth_a_look(here)),
        section("Time", lambda: sections.time(here)),
    ]
    return write_page(out / "report" / f"{lesson.name}.html", f"Report: {lesson.title}", parts)


def write_course_report(gradebook: GradebookWriter, lessons: list[LessonSource], out: Path) -> Path:
    """Write OUT/report/index.html: all lessons beside each other, the hardest exercises, everybody's marks and totals.

    Raises:
        CourseError: nothing is graded into this gradebook.
    """
    graded = [(lesson, records) for lesson in lessons if (records := list(gradebook.records(lesson.name)))]
    if not graded:
        raise CourseError("Nothing is graded here: run `python -m autograder grade` first.")
    everybody = Class({lesson.name: records for lesson, records in graded}, gradebook.roster())
    parts = [
        section("Lessons", lambda: _lessons(graded, gradebook)),
        section("Points", lambda: _points(everybody, out)),
        section("Hardest exercises", lambda: _hardest(graded)),
        section("Most frequent known mistakes", lambda: _most_made(graded)),
        section("This report", lambda: facts([("version of the course", sections.program_version())])),
    ]
    return write_page(out / "report" / "index.html", "Report: the course", parts)


def _lessons(graded: list, gradebook: GradebookWriter) -> str:
    overview, medians = [], []
    for lesson, records in graded:
        median = statistics.median(100 * share_of(record) for record in records)
        medians.append((lesson.name[:2], median, f"{median:.0f} %"))
        counts = [
            len(records),
            len(gradebook.absent(lesson.name)),
            sum(bool(late_in_words(r)) for r in records),
            len(records) - len(judged(records)),
        ]
        name = link(f"{lesson.name}.html", lesson.title)
        overview.append([name, *map(str, counts), f"{median:.0f} %", f"{max(r.max_points for r in records):g}"])
    columns = ["lesson", "submissions", "handed in nothing", "late", "can't be read", "median", "points to be had"]
    return "".join([table(columns, overview, named=True), bars(medians, ("lesson", "median of the points"))])


def _points(everybody: Class, out: Path) -> str:
    lessons = list(everybody.records)
    rows = []
    for person, found in everybody.people():
        record = next(iter(found.values()), None)
        name = record.label if record else person.label
        if record and overview_path(out, record.student).is_file():
            name = link(f"../feedback/{record.student}/index.html", name)
        marks = [everybody.mark(found.get(lesson)) for lesson in lessons]
        total = sum(r.points for r in found.values())
        rows.append([name, *marks, f"{total:g}"])
    rows.sort(key=lambda row: Markup(row[0]).striptags().casefold())
    most = [everybody.most(lesson) for lesson in lessons]
    rows.append([Markup("<strong>to be had</strong>"), *most, f"{sum(map(float, most)):g}"])
    return table(["student", *(lesson[:2] for lesson in lessons), "total"], rows, named=True)


def _hardest(graded: list) -> str:
    found = [(lesson, item) for lesson, records in graded for item in items(records, order_of(lesson)) if item.n]
    found.sort(key=lambda pair: pair[1].difficulty)
    rows = [
        [link(f"{lesson.name}.html", lesson.title), rich(f"`{item.exercise}`"), f"{item.difficulty:.0%}", str(item.n)]
        for lesson, item in found[:HARDEST]
    ]
    return table(["lesson", "exercise", "solved", "of"], rows)


def _most_made(graded: list) -> str:
    said = Counter(
        (lesson.title, v["exercise"], v["message"])
        for lesson, rs in graded
        for r in rs
        for v in r.verdicts
        if v["mistake"]
    )
    rows = [
        [title, rich(f"`{exercise}`"), rich(message), str(n)]
        for (title, exercise, message), n in said.most_common(MOST_MADE)
    ]
    return table(["lesson", "exercise", "what they were told", "times"], rows) if rows else "<p>None.</p>"
