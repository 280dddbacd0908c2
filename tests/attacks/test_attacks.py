"""No submission earns what it doesn't deserve, learns what it must not, or harms anybody; honest ones lose nothing."""

import csv
import hashlib
import html
import json
import re
from contextlib import closing
from html.parser import HTMLParser

import numpy as np
import pytest

from autograder.authoring import bank
from autograder.grading.gradebook import GradebookWriter, database_url
from autograder.grading.sealed import own_seed, secret_seeds
from autograder.sandbox import CellToRun, Job, Sandbox
from tests.attacks.conftest import LIMITS, ORDINARY
from tests.attacks.workshop import ARMED, ATTACKS, LESSON, Desk, World, outputs_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("attacks")]

HOSTILE = [attack for attack in ATTACKS.values() if attack.family not in ("honest", "gap")]
GAPS = [attack for attack in ATTACKS.values() if attack.family == "gap"]
HONEST = [attack for attack in ATTACKS.values() if attack.family == "honest"]
by_name = pytest.mark.parametrize


def outcome(record):
    return {verdict["exercise"]: verdict for verdict in record.verdicts}


def due(attack, lesson):
    return {name: e.points if name in attack.deserved else 0.0 for name, e in lesson.exercises().items()}


def earned(record):
    return {verdict["exercise"]: verdict["points"] for verdict in record.verdicts}


@by_name("attack", HOSTILE, ids=lambda attack: f"{attack.family}:{attack.name}")
def test_an_attack_comes_to_nothing(attack, batch, lesson, count):
    record = batch.of(attack)
    verdict = outcome(record)[attack.of]
    told = f"{verdict['message']}\n{verdict['detail']}"
    assert earned(record) == due(attack, lesson), told
    assert {v["max_points"] for v in record.verdicts} <= {e.points for e in lesson.exercises().values()}
    if attack.verdict:
        assert re.fullmatch(attack.verdict, verdict["verdict"]), told
    assert re.search(attack.says, told)
    shown = outputs_of(batch.notebook(record.student))
    assert re.search(attack.shows, shown), shown[-2000:]
    assert re.search(attack.note, "\n".join(record.notes))
    errors = [o["ename"] for c in batch.notebook(record.student)["cells"] for o in c.get("outputs", []) if "ename" in o]
    assert [name for name in errors if not re.fullmatch(attack.raises, name)] == []
    assert not re.search("NameError|AttributeError|SyntaxError|ModuleNotFoundError", told)
    if ARMED in text_of(attack, batch):
        assert ARMED in shown, shown[-2000:]
    everything = [shown, *map(html.unescape, shown_to_the_student(batch, record))]
    for secret in secrets_of(batch, lesson, with_seeds=not attack.tells):
        assert not any(secret in text for text in everything), f"{secret} is told"
    assert batch.path(record.student).stat().st_size < 2 * LIMITS.notebook_output_bytes + 200_000
    count("attacks stopped")


def text_of(attack, batch):
    desk = Desk(batch.world)
    attack.make(desk)
    return "" if desk.raw is not None or desk.put or desk.put_folder else desk.bytes().decode()


def shown_to_the_student(batch, record):
    """Everything in words that reaches the student: verdicts, notes, the whole graded notebook, feedback pages."""
    yield json.dumps(record.verdicts, ensure_ascii=False)
    yield json.dumps(record.notes, ensure_ascii=False)
    yield from (page.read_text("utf-8") for page in batch.pages(record.student))


def secrets_of(batch, lesson, with_seeds=True):
    world = batch.world
    yield from (world.secret, str(world.run_seed), str(world.run_seed % 2**32), hex(world.run_seed)[2:])
    for name, exercise in lesson.exercises().items():
        for seed in secret_seeds(world.run_seed, LESSON, name):
            yield from [str(seed)] * with_seeds
            expected, _ = bank.expected_on(exercise, bank.load(LESSON), seed)
            for array in expected.arrays.values():
                told = (repr(float(value)) for value in array.flat[:3])
                yield from (text for text in told if len(text) > 7)  # 0.5 stands in many a text


@by_name("oddity", HONEST, ids=lambda attack: attack.name)
def test_an_honest_oddity_keeps_its_marks(oddity, batch, lesson, count):
    record = batch.of(oddity)
    assert earned(record) == due(oddity, lesson), [v["message"] for v in record.verdicts if v["message"]]
    assert re.search(oddity.shows, outputs_of(batch.notebook(record.student)))
    count("honest oddities kept their marks")


@by_name("gap", GAPS, ids=lambda attack: attack.name)
def test_a_known_gap_is_as_wide_as_it_is_said_to_be(gap, batch, lesson, count):
    assert earned(batch.of(gap)) == due(gap, lesson)
    count("known gaps that earn marks, told in SECURITY.md")


def test_the_report_lists_what_values_cannot_tell(batch):
    assert "torch.softmax" in batch.records["gap-ready-made-function"].flags["softmax"]


@by_name("student", ORDINARY)
def test_the_others_lose_nothing(student, batch, lesson):
    assert earned(batch.records[student]) == {name: e.points for name, e in lesson.exercises().items()}
    assert batch.records[student].notes == ()


def test_the_batch_is_complete(batch, lesson):
    assert len(batch.records) == len(ATTACKS) + len(ORDINARY)
    assert batch.summary.graded == len(batch.records)
    assert len(batch.rows) == len(batch.records) * len(lesson.exercises())
    assert sum(float(row["points"]) for row in batch.rows) == sum(
        sum(earned(record).values()) for record in batch.records.values()
    )


def test_nothing_outside_was_read_changed_or_reached(batch):
    assert batch.world.canary.read_text() == batch.world.secret
    assert batch.visitors == []
    left = {path.name for path in batch.world.folder.iterdir()}
    assert left == {"canary.txt", "submitted", "out", "socket"}


def test_what_a_run_told_is_of_no_use_in_the_next(batch):
    """A submission can tell, in its own error, the seeds that it saw. The next run has others."""
    with closing(GradebookWriter(database_url(batch.world.out, None))) as gradebook:
        assert gradebook.begin_run(LESSON, None, fresh=7) == 7
        gradebook.end_run(LESSON)
    assert {record.seed for record in batch.records.values()} == {batch.world.run_seed}


def test_a_notebooks_own_seed_tells_nothing_of_the_runs(batch):
    """Steal: with `--seed 12345` the run's seed was found from torch.initial_seed() before the probes."""
    shown = outputs_of(batch.notebook("steal-its-own-seed"))
    seen = int(re.search(r"my own seed is (\d+)", shown)[1])
    content = b"the same bytes"
    assert own_seed(content, "one") == own_seed(content, "one") != own_seed(content, "other")
    assert own_seed(content, "one") != own_seed(content + b" ", "one")
    guesses = {hashlib.sha256(f"{batch.world.run_seed}|{LESSON}||{i}".encode()).digest()[:6] for i in range(5)}
    assert seen % 2**32 not in {int.from_bytes(guess, "big") % 2**32 for guess in guesses}


def test_the_grader_stays_small(batch):
    assert batch.grown < 100 << 20


def test_no_name_leads_out_of_the_folder_or_into_a_formula(batch):
    for name in batch.records:
        assert re.fullmatch(r"\w[\w.@+-]*", name)
        assert ".." not in name
        assert len(name.encode()) < 200
    assert {path.name for path in (batch.world.out / "autograded").iterdir()} == set(batch.records)
    for row in batch.rows:
        assert not any(str(value).startswith(("=", "+", "-", "@", "\t", "\r")) for value in row.values())


class _Active(HTMLParser):
    """Notes what of a page would run, load or send something."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        if tag in ("script", "iframe", "object", "embed", "form", "base", "link", "meta", "style"):
            self.found.append((tag, attributes))
        for name, value in attributes:
            value = "".join((value or "").split()).lower()
            if name.startswith("on") or value.startswith(("javascript:", "vbscript:", "data:text")):
                self.found.append((tag, name, value))
            if name in ("src", "srcset", "poster", "background") and value.startswith(("http", "//")):
                self.found.append((tag, name, value))
            if name == "style" and ("url(" in value or "position" in value):
                self.found.append((tag, name, value))

    handle_startendtag = handle_starttag


def active(page):
    parser = _Active()
    parser.feed(page)
    parser.close()
    return parser.found


def test_the_search_for_active_content_finds_some():
    for page in ("<p onclick=x>", "<a href=' jav\tascript:x'>", "<script>", "<img src=//x>", "<svg><a onload=x></svg>"):
        assert active(page), page
    assert not active("<p style='color: red'><a href='https://example.org'>x</a><img src='data:image/png;base64,x'>")


@by_name("attack", [a for a in ATTACKS.values() if a.family in ("poison", "earn", "steal")], ids=lambda a: a.name)
def test_nothing_active_in_what_is_shown(attack, batch):
    notebook = batch.notebook(batch.of(attack).student)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert not {"application/javascript", "text/javascript"} & data.keys()
            for kind in ("text/html", "image/svg+xml", "text/markdown", "text/latex"):
                text = "".join(data.get(kind, ""))
                assert active(text) == [], kind
                assert "javascript:" not in text.lower()


def test_nothing_active_in_the_report(batch):
    page = (batch.world.out / "report" / f"{LESSON}.html").read_text("utf-8")
    found = [f for f in active(page) if f[0] not in ("meta", "style")]
    assert found == []
    assert page.count("<style") == 1
    assert "\x1b" not in page


# What is read afterwards


ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def test_every_honest_student_has_a_page(batch):
    """Harm: one broken colour sequence ended the command, and nobody after that student had a page."""
    for name in batch.records:
        (page,) = batch.pages(name)
        assert page.stat().st_size < 7_000_000
        assert page.read_text("utf-8").endswith("</html>\n")
    assert batch.plain_pages == []


def test_no_control_character_reaches_a_table_or_a_page(batch):
    """Poison: in marks.csv, exports, pages, reports and what a terminal shows of a graded notebook."""
    out = batch.world.out
    tables = [out / "marks.csv", *(out / "export").rglob("*.csv")]
    for path in tables:
        raw = path.read_bytes().decode("utf-8").removeprefix("\ufeff")  # for Excel
        assert raw.count("\r") == raw.count("\n") == raw.count("\r\n"), path
        assert not ACTING.search(raw.replace("\r\n", "")), path
        assert len(raw.splitlines()) == sum(1 for _ in csv.reader(raw.split("\r\n"))) - 1
    for path in [*(out / "feedback").rglob("*.html"), *(out / "report").glob("*.html")]:
        assert not ACTING.search(path.read_text("utf-8")), path
    for path in (out / "export").rglob("*.json"):
        assert not ACTING.search("".join(_strings(json.loads(path.read_text("utf-8"))))), path
    for record in batch.records.values():
        for cell in batch.notebook(record.student)["cells"]:
            for output in cell.get("outputs", []):
                shown = "".join(_strings(output))
                assert not ACTING.search(re.sub("\x1b\\[[0-9;]*m", "", shown)), record.student


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def test_messages_are_short(batch):
    for row in batch.rows:
        assert len(row["message"]) <= 1_000
    for record in batch.records.values():
        assert all(len(v["message"]) <= 1_500 and len(v["detail"]) <= 8_000 for v in record.verdicts)


def test_what_was_shown_stands_in_a_frame(batch):
    """Poison: a picture of a passed card looks like the page's own."""
    (page,) = batch.pages("poison-a-picture-of-a-passed-card")
    text = page.read_text("utf-8")
    frames = re.findall(r'<figure class="shown">.*?</figure>', text, re.S)
    assert "<img" in "".join(frames)
    bare = text
    for frame in frames:
        assert "the student's own output" in html.unescape(frame)
        bare = bare.replace(frame, "")
    assert "<img" not in bare
    for cell in batch.notebook("poison-a-picture-of-a-passed-card")["cells"]:
        outputs = cell.get("outputs", [])
        if any("image/png" in output.get("data", {}) for output in outputs):
            assert "student's own output" in outputs[0]["text"]


def test_what_a_check_quotes_is_not_its_own_words(batch):
    """Poison: a line `✓ softmax: passed` stood within the check's own output; TeX stayed live in the card."""
    for cell in batch.notebook("poison-the-checks-own-words-in-an-error")["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            assert len(re.findall(r"^[✓✗○] ", cell["outputs"][0]["text"], re.M)) == 1
    notebook = batch.notebook("poison-formulas-for-a-page-in-an-error")
    cards = "".join(
        o["data"]["text/html"] for c in notebook["cells"] for o in c.get("outputs", []) if len(o.get("data", ())) > 1
    )
    assert "href" in cards
    assert not re.search(r"\$[^<]|\\\\[a-z(\[]", cards)


# Would the tests notice? A check that is believed is fooled by the same notebooks.


@pytest.fixture(scope="module")
def believing(tmp_path_factory):
    """Execute a notebook with its own checks, and read the mark from what they show."""
    with Sandbox() as sandbox:

        def marks(attack):
            desk = Desk(World(tmp_path_factory.mktemp("believing")))
            attack.make(desk)
            cells = [c for c in desk.notebook["cells"] if c["cell_type"] == "code"]
            cells = [c for c in cells if "demonstration(" not in c["source"] or c["id"].startswith("own")]
            job = Job(tuple(CellToRun(c["id"], c["source"]) for c in cells), limits=LIMITS)
            shown = next(c for c in sandbox.run(job).cells if c.id == desk.cell("check", "softmax")["id"]).outputs
            return [o["data"]["text/plain"] for o in shown if o["output_type"] == "execute_result"]

        yield marks


@by_name("attack", [a for a in ATTACKS.values() if a.fools], ids=lambda a: a.name)
def test_it_would_fool_a_check_that_is_believed(attack, believing):
    assert believing(attack) == ["2"]


def test_the_secrets_are_found_where_they_are(batch, lesson):
    assert batch.world.secret in json.dumps(batch.notebook(ORDINARY[0]))
    values = list(secrets_of(batch, lesson))
    assert len(values) > 100
    assert np.isfinite([float(v) for v in values if re.fullmatch(r"-?\d+\.\d+", v)]).all()
