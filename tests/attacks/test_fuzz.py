"""Anything at all where strangers' bytes come in: names, files, frames, arrays, outputs, pages, tables.

By default for about a minute; `FUZZ_EXAMPLES=20000` looks for longer.
"""

import contextlib
import csv
import json
import os
import re
import struct
import unicodedata
import warnings
import zipfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autograder.authoring import source
from autograder.grading import export, feedback, page
from autograder.grading.fence import Fence
from autograder.grading.graded_notebook import _boxed, _without_tex
from autograder.grading.intake import take_in
from autograder.grading.names import clean
from autograder.grading.ready_made import ready_made
from autograder.grading.sealed import make_job
from autograder.grading.submissions import Submission, collect
from autograder.sandbox import text, untrusted
from autograder.sandbox.outputs import Shown
from autograder.sandbox.protocol import Decoder, ProtocolError
from lessonkit.checks.judge import Finding
from lessonkit.checks.verdict import Verdict
from lessonkit.errors import CourseError
from tests.attacks.workshop import LESSON, Desk, World

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
fuzz = settings(
    max_examples=EXAMPLES, deadline=None, derandomize="FUZZ_EXAMPLES" not in os.environ, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)  # fmt: skip
LESSON_00 = source.load(LESSON)
ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
# What has meant harm before is likelier than chance would have it.
PIECES = [
    "\x1b[",
    "\x1b[38m",
    "\x1b[38;5;1m",
    "\x1b]0;",
    "\x07",
    "\r",
    "\n",
    "\r\n",
    "=1+1",
    "@",
    ";",
    ",",
    "$",
    "\\(",
    "`",
    "<script>",
    "&lt;",
    "\u202e",
    "\u2028",
    "\ud800",
    "\x00",
    " \n",
    "\t",
    "'\"",
    "🎉",
    "e\u0301",
    "%",
    "!",
    "../",
    "_assignsubmission_file_",
    "_123",
    "-deadbeef",
    LESSON,
    ".ipynb",
    "def softmax(",
    "torch.softmax",
    "    ",
]
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=20)), max_size=30).map("".join)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=5)),
    max_leaves=30,
)


def raw(value) -> bytes:
    return json.dumps(value).encode()


# Intake

cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.one_of(st.sampled_from(["code", "markdown", "raw"]), values),
        "source": st.one_of(texts, st.lists(texts, max_size=4), values),
        "id": st.one_of(st.sampled_from(["00-exercise-softmax", "00-check-softmax"]), values),
        "metadata": st.one_of(values, st.fixed_dictionaries({"nbgrader": st.fixed_dictionaries({"grade_id": values})})),
        "outputs": values,
    },
)


@fuzz
@given(st.lists(cells, max_size=8), st.one_of(st.just(4), values), st.booleans())
def test_any_cells(tmp_path_factory, found, version, whole):
    notebook = {"nbformat": version, "cells": found, "metadata": {}}
    if whole:  # among the lesson's own
        desk = Desk(World(Path("/nowhere")))
        notebook = desk.notebook | {"cells": [*desk.notebook["cells"], *found]}
    intake = take_in(Submission("ada", "x", raw(notebook)), LESSON_00)
    if not intake.refused:
        make_job(LESSON_00, intake, 1)
        ready_made(LESSON_00, intake)


@fuzz
@given(st.one_of(st.binary(max_size=300), values.map(raw)))
def test_any_bytes(content):
    take_in(Submission("ada", "x", content), LESSON_00)


@fuzz
@given(texts)
def test_any_code_as_an_answer(code):
    desk = Desk(World(Path("/nowhere")))
    desk.cell("exercise", "softmax")["source"] = code
    intake = take_in(Submission("ada", "x", desk.bytes()), LESSON_00)
    if not intake.refused:
        make_job(LESSON_00, intake, 1)
        ready_made(LESSON_00, intake)


@fuzz
@given(texts)
@example("\u0d00\x1b[38m")  # a mark that stands alone, and then what begins a formula
def test_any_name(name):
    made = clean(name)
    assert made
    assert len(made.encode()) <= 110
    assert not set(made) & set("/\\<>\"'`$;, \n\r\t\x00")
    assert made[0] not in "=+-@."
    assert not ACTING.search(made)
    assert made == clean(name)
    if made != name:
        assert clean(made) != made or made == unicodedata.normalize("NFC", name)


@fuzz
@given(st.lists(st.lists(texts, min_size=1, max_size=4), max_size=6))
def test_any_zip(tmp_path_factory, paths):
    place = tmp_path_factory.mktemp("fuzz") / "class.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(place, "w") as archive:
        warnings.simplefilter("ignore")  # of two entries with one name
        for parts in paths:
            with contextlib.suppress(ValueError, UnicodeError, IndexError, struct.error):
                archive.writestr("/".join(parts)[:60_000], b"{}")
    with contextlib.suppress(CourseError):
        for submission in collect(place, LESSON).submissions:
            take_in(submission.read(), LESSON_00)
    place.unlink()


# The wire

PARTS = ["failure", "others", "changed", "digest", "printed", "returned", "names"]


@fuzz
@given(st.binary(max_size=400), values)
def test_any_frame(junk, value):
    for content in (junk, struct.pack("!II", len(raw(value)), 0) + raw(value), struct.pack("!II", len(junk), 0) + junk):
        decoder = Decoder()
        decoder.feed(content)
        with contextlib.suppress(ProtocolError):
            while decoder.next():
                pass


@fuzz
@given(
    st.dictionaries(
        st.sampled_from(["failure", "others", "changed", "digest", "printed", "returned", "names"]), values
    ),
    st.binary(),
)
def test_any_outcome(header, body):
    with contextlib.suppress(ProtocolError):
        outcome = untrusted.outcome(header, body)
        assert not ACTING.search(outcome.printed + "".join(outcome.others.values()))


@fuzz
@given(st.dictionaries(texts, values, max_size=4), st.binary(max_size=64), st.integers(0, 2**64 - 1))
def test_any_arrays(index, body, length):
    for head in (raw(index), body):
        for size in (len(head), length):
            with contextlib.suppress(ProtocolError):
                untrusted.arrays(struct.pack("<Q", size) + head + body)


KINDS = ["stream", "error", "execute_result", "display_data", "update_display_data", "clear_output", "cut", "x"]
contents = st.one_of(
    values,
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["stdout", "stderr", "x"]),
            "text": texts,
            "ename": texts,
            "evalue": texts,
            "traceback": st.lists(texts, max_size=3),
            "data": st.dictionaries(st.sampled_from(["text/plain", "image/png", "text/html", "x"]), values),
            "metadata": values,
            "transient": values,
            "execution_count": values,
            "wait": values,
        },
    ),
)


@fuzz
@given(st.lists(st.tuples(st.sampled_from(KINDS), contents), max_size=10))
def test_any_outputs_and_their_page(sent):
    shown = Shown(20_000, 50_000)
    cell = shown.cell()
    for kind, content in sent:
        with contextlib.suppress(ProtocolError):
            cell.take({"kind": kind, "content": content})
    outputs = cell.outputs()
    json.dumps(outputs)
    fence = Fence()
    for output in outputs:
        made = feedback._output(output, fence, fence)
        assert not ACTING.search(made.replace("\r", ""))
        assert "<script" not in made


# What is written


@fuzz
@given(texts)
def test_any_text_on_a_page(said):
    cell = {"source": said, "outputs": [{"output_type": "stream", "name": "stdout", "text": said}]}
    made = feedback._cell(cell, Fence(), Fence()) + page.table([said[:5]], [[said]], said)
    assert "<script" not in made
    verdict = Verdict("softmax", 0.0, 2.0, Finding("error", text.one_line(said, 1_500), text.plain(said)))
    card, told = _without_tex(verdict._repr_html_()), _boxed(verdict)
    assert "<script" not in card
    assert len(re.findall(r"^[✓✗○] ", told, re.M)) == 1
    assert not ACTING.search(card + told)


@fuzz
@given(texts)
def test_any_text_is_made_plain(said):
    for made in (
        text.plain(said),
        text.one_line(said, 100),
        text.COLOURS.sub("", text.coloured(said)).replace("\r", ""),
    ):
        assert not ACTING.search(made)
        made.encode("utf-8")
    assert text.plain(text.plain(said)) == text.plain(said)
    assert "\n" not in text.one_line(said, 100)


@fuzz
@given(st.lists(st.lists(texts, min_size=3, max_size=3), max_size=5))
@example([["", "\n1", "\u20280"]])  # a number to Python
def test_any_table(tmp_path_factory, rows):
    path = export.write_csv(tmp_path_factory.mktemp("fuzz") / "a.csv", [["a", "b", "c"], *rows])
    written = path.read_bytes().decode("utf-8")
    assert written.count("\r\n") == written.count("\r") == written.count("\n") == len(rows) + 1
    assert not ACTING.search(written.replace("\r\n", ""))
    for row in csv.reader(written.split("\r\n")[:-1]):
        assert len(row) == 3
        assert not any(re.match(r"\s*[=+@-](?!\d+\.?\d*$)", cell) for cell in row)
    path.unlink()
