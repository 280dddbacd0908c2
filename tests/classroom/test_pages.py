"""What teachers and students read: the report, the feedback pages, the overviews, and the zip that goes back."""

import csv
import re
import zipfile
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from autograder.grading import by_hand, hand_back
from autograder.grading.feedback import write_feedback, write_overviews
from autograder.grading.items import items, to_discuss
from autograder.grading.late import Due
from autograder.grading.page import rich
from autograder.grading.report import write_course_report, write_report
from autograder.grading.report_sections import order_of
from autograder.grading.roster import read_roster
from lessonkit.errors import CourseError

from .made import LESSON, NAMES, SWAPPED, L, enter, opened, wrong

FIRST, SECOND, THIRD = NAMES[:3]
MINE = 'def softmax(scores, dim):\n    """By Ada."""\n    # Ada was here\n    return torch.softmax(scores, 0)\n'
pytestmark = pytest.mark.xdist_group("pages")


def canvas(number, name, late=""):
    file = f"{name}{late}_{number}_500{number}_{L}.ipynb"
    time = f"2026-03-0{number}T10:00:00+00:00"
    return {"file": file, "layout": "Canvas", "time": time, "attempts": [{"file": file, "time": time, "points": 3.0}]}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Four of a roster of five, with pages written."""
    out = tmp_path_factory.mktemp("out")
    with opened(out) as gradebook:
        enter(gradebook, out, "1", {FIRST: wrong()}, canvas(1, "lovelaceada"), code={FIRST: MINE})
        more = canvas(2, "roebob", "_LATE")
        more["attempts"] = [{"file": "a", "time": "2026-03-01T09:00:00+00:00", "points": 1.0}, *more["attempts"]]
        enter(gradebook, out, "2", {FIRST: wrong(), THIRD: wrong("The *other* one.", None)}, more)
        enter(gradebook, out, "3", {}, canvas(3, "ngzoe"), notes=["A note with `code` and <b>no markup</b>."])
        enter(gradebook, out, "4", {SECOND: wrong("`x` is lone", None)}, {"file": "mine.ipynb"})
        (out / "r.csv").write_text(
            "id,name,email\n1,Ada Lovelace,a@x.edu\n2,Bob Roe,b@x\n3,Zoë Ng,z@x\n9,Anna Absent,\n"
        )
        by_hand.enter_roster(gradebook.nbgraders, read_roster(out / "r.csv"))
        (out / "o.csv").write_text(f"student,exercise,points,why\n1,{FIRST},1,half of <it>\n")
        by_hand.override(gradebook.nbgraders, L, out / "o.csv")
        by_hand.enter_due(gradebook.nbgraders, L, Due(datetime(2026, 3, 1, 12, tzinfo=UTC)), lambda *_: None)
        list(write_feedback(gradebook, LESSON, out))
        list(write_overviews(gradebook, [LESSON], out))
        write_report(gradebook, LESSON, out)
        write_course_report(gradebook, [LESSON], out)
        yield out, gradebook


def page(out, student):
    return (out / "feedback" / student / L / f"{L}.html").read_text("utf-8")


def table(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def test_the_report_says_what_to_discuss_with_an_anonymous_answer(place):
    report = (place[0] / "report" / f"{L}.html").read_text("utf-8")
    discuss = report[report.index("To discuss tomorrow") : report.index("<h2>Marks</h2>")]
    assert f"<code>{FIRST}</code>" in discuss
    assert "by 2 of 4" in discuss
    assert "sum to 1 over the <em>queries</em>: use <code>dim=-1</code>" in discuss
    assert "return torch.softmax(scores, 0)" in discuss or "return" in discuss
    assert "Ada" not in discuss
    assert "Bob" not in discuss


def test_the_report_names_people_date_seed_version_and_who_is_not_there(place):
    report = (place[0] / "report" / f"{L}.html").read_text("utf-8")
    for said in (
        "2026-03-05 08:00 UTC",
        "secret seeds</th><td>7<",
        "Anna Absent",
        "of 1 student<",
        "version of the course",
    ):
        assert said in report
    assert f'<a href="../feedback/1/{L}/{L}.html">Ada Lovelace (1)</a>' in report
    course = (place[0] / "report" / "index.html").read_text("utf-8")
    assert '<a href="../feedback/2/index.html">Bob Roe (2)</a>' in course
    assert "to be had" in course


def test_the_heat_map_says_by_sign_and_number_what_it_says_by_colour(place):
    report = (place[0] / "report" / f"{L}.html").read_text("utf-8")
    row = next(r for r in re.findall(r"<tr>.*?</tr>", report) if "Bob Roe" in r and "--share" in r)
    assert re.findall(r">([✓✗○–] [\d.]+)</td>", row)[0] == "✗ 0"
    assert row.count("✗") == 2
    assert "1 → 3" in report  # from attempt to attempt
    assert report.count("handed in nothing") >= 2


def test_items_are_paired_by_name_in_the_lessons_order(place):
    records = list(place[1].records(L))
    for i, record in enumerate(records):
        if i % 2:
            object.__setattr__(record, "verdicts", tuple(reversed(record.verdicts)))
    found = items(records, order_of(LESSON))
    assert [item.exercise for item in found] == NAMES
    assert [item.solved for item in found[:3]] == [2, 3, 3]
    assert to_discuss(found)[0].exercise == FIRST


def test_statistics_and_mistakes_as_csv(place):
    head, first, *_ = table(place[0] / "report" / f"{L}-exercises.csv")
    assert head[:5] == ["exercise", "n", "tried", "solved", "difficulty"]
    assert first[:5] == [FIRST, "4", "4", "2", "0.500"]
    head, names, first, *_ = table(place[0] / "report" / f"{L}-mistakes.csv")
    assert (head[4:], names[4:]) == (["1", "2", "3", "4"], ["Ada Lovelace", "Bob Roe", "Zoë Ng", ""])
    assert first == [FIRST, SWAPPED, "yes", "2", "1", "1", "", ""]


def test_a_feedback_page_has_name_task_lateness_comment_and_where_to_read_again(place):
    ada, bob, zoe = (page(place[0], student) for student in "123")
    assert "Ada Lovelace" in ada
    assert "The task" in ada
    assert "Read again: the section <q>" in ada
    assert "Changed by your instructor: 0 -&gt; 1 points." in ada
    assert "<strong>Your instructor writes:</strong> half of &lt;it&gt;" in ada
    assert "22 hours" in bob
    assert "late</th>" not in ada
    assert "A note with <code>code</code> and &lt;b&gt;no markup&lt;/b&gt;." in zoe
    assert "Read again" not in zoe
    for one in (ada, bob, zoe):
        assert "prefers-color-scheme: dark" in one
        assert "@media print" in one
        assert "Lovelace" not in one or one is ada


def test_an_overview_has_every_lesson_of_one_student(place):
    overview = (place[0] / "feedback" / "2" / "index.html").read_text("utf-8")
    assert f'<a href="{L}/{L}.html">' in overview
    assert "Where to read again" in overview
    assert "22 hours" in overview
    assert "Ada" not in overview


class _Structure(HTMLParser):
    """Headings in order, images, tables without headings, ids."""

    def __init__(self):
        super().__init__()
        self.headings, self.faults, self.ids, self.tables = [], [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag == "img" and not attributes.get("alt"):
            self.faults.append("a picture without words")
        if tag == "html" and not attributes.get("lang"):
            self.faults.append("no language")
        if tag == "th" and not attributes.get("scope"):
            self.faults.append("a heading of nothing")
        if attributes.get("id"):
            self.ids.append(attributes["id"])


def test_pages_can_be_read_aloud(place):
    for path in [*(place[0] / "feedback").rglob("*.html"), *(place[0] / "report").glob("*.html")]:
        found = _Structure()
        found.feed(path.read_text("utf-8"))
        assert found.faults == [], path
        assert found.headings[0] == 1
        assert found.headings.count(1) == 1
        assert all(b - a <= 1 for a, b in zip(found.headings, found.headings[1:], strict=False)), path
        assert len(found.ids) == len(set(found.ids))


def test_a_zip_goes_back_to_canvas_under_its_own_names(place):
    out, gradebook = place
    path, form, left = hand_back.write_zip(gradebook, L, out)
    assert (form, left) == ("canvas", ["4"])
    names = zipfile.ZipFile(path).namelist()
    assert names == [f"lovelaceada_1_5001_{L}.html", f"roebob_LATE_2_5002_{L}.html", f"ngzoe_3_5003_{L}.html"]
    assert zipfile.ZipFile(path).read(names[0]).decode() == page(out, "1")


def test_a_zip_goes_back_to_moodle_or_into_folders(place, tmp_path):
    out, gradebook = place
    with pytest.raises(CourseError, match="was named as moodle does"):
        hand_back.write_zip(gradebook, L, out, "moodle")
    path, _, left = hand_back.write_zip(gradebook, L, out, "folders")
    assert left == []
    assert zipfile.ZipFile(path).namelist() == [*(f"{n}/{L}.html" for n in "1234"), "mail.csv"]
    assert "1,Ada Lovelace,a@x.edu" in zipfile.ZipFile(path).read("mail.csv").decode("utf-8-sig")
    with pytest.raises(CourseError, match="There are: canvas, moodle, folders"):
        hand_back.write_zip(gradebook, L, out, "x")
    moodle = {"file": f"down/Anna_Maria Ng_12_assignsubmission_file_/hw/{L}.ipynb", "layout": "Moodle"}
    with opened(tmp_path) as own:
        enter(own, tmp_path, "12", {}, moodle)
        list(write_feedback(own, LESSON, tmp_path))
        path, form, left = hand_back.write_zip(own, L, tmp_path)
    assert (form, left) == ("moodle", [])
    assert zipfile.ZipFile(path).namelist() == [f"Anna Maria Ng_12_assignsubmission_file_/{L}.html"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("`dim=-1` and *rows*", "<code>dim=-1</code> and <em>rows</em>"),
        ("a * b * c, 2*x*y", "a * b * c, 2*x*y"),
        ("a lone ` sign", "a lone ` sign"),
        ("`<b>` *<i>*", "<code>&lt;b&gt;</code> <em>&lt;i&gt;</em>"),
        ("**bold**", "<em>bold</em>"),
        ("`a*b*c`", "<code>a*b*c</code>"),
    ],
)
def test_backticks_and_stars_are_shown_and_nothing_is_markup(text, html):
    assert rich(text) == html
