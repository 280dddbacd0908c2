"""Where strangers' bytes come in: names and files, frames and arrays. Nothing raises but what is foreseen."""

import contextlib
import csv
import hashlib
import itertools
import json
import os
import random
import re
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import unicodedata
import zipfile
from collections import Counter
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from safetensors.numpy import save

from autograder.authoring import bank, source
from autograder.grading import export, feedback, page, similarity
from autograder.grading.fence import Fence
from autograder.grading.intake import take_in
from autograder.grading.submissions import Submission, collect, find_submissions
from autograder.sandbox import bwrap, cgroup, untrusted
from autograder.sandbox.protocol import Decoder, ProtocolError
from lessonkit.checks.judge import Trial, judge
from lessonkit.checks.outcome import Outcome
from lessonkit.errors import CourseError
from tests.attacks import earn, gaps, harm, honest, poison, steal  # noqa: F401 (they enter what they hold)
from tests.attacks.harm import hostile_zip
from tests.attacks.workshop import ATTACKS, LESSON, Desk, World, copy_of

LESSON_00 = source.load(LESSON)


def lay_out(place, *paths):
    for path in paths:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(path.encode("utf-8", "surrogateescape"))


def found(place):
    return {s.student: s.refused or s.content.decode() for s in find_submissions(place, LESSON)}


# Whose a file is


@pytest.mark.parametrize(
    "own",
    [
        f"mallory/ada/{LESSON}/{LESSON}.ipynb",
        f"mallory/{LESSON}/ada/{LESSON}/{LESSON}.ipynb",
        f"mallory/{LESSON}/ada_{LESSON}.ipynb",
        f"mallory/{LESSON}/ada.ipynb",
        f"mallory/ada/{LESSON}.ipynb",
        f"mallory/ada_{LESSON}.ipynb",
        "mallory/ada.ipynb",
        f"mallory/ada_assignsubmission_file_/{LESSON}.ipynb",
    ],
)
@pytest.mark.parametrize("around", ["", "submissions/"])
@pytest.mark.parametrize("layout", [f"{LESSON}/{LESSON}.ipynb", f"{LESSON}.ipynb"])
def test_nothing_below_a_students_folder_is_anothers(tmp_path, own, around, layout):
    theirs = [f"{around}{name}/{layout}" for name in ("ada", "boris", "mallory")]
    lay_out(tmp_path, *theirs, around + own)
    students = found(tmp_path)
    assert students.keys() == {"ada", "boris", "mallory"}
    assert students["ada"] == theirs[0]
    assert students["boris"] == theirs[1]


def test_a_name_that_becomes_anothers_gets_an_end_of_its_own(tmp_path):
    lay_out(tmp_path, *(f"{name}/{LESSON}/{LESSON}.ipynb" for name in ("ada", "ada!", "Ada?", "ada b", "ada;b")))
    students = found(tmp_path)
    assert len(students) == 5
    assert students["ada"] == f"ada/{LESSON}/{LESSON}.ipynb"
    assert not [text for text in students.values() if "second" in text]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("Anna-Maria", "Anna Maria"),
        ("Anna_Maria", "Anna;Maria"),
        ("x" * 100, "x" * 101),
        ("evil", "evil\u202e"),
        ("1+1", "=1+1"),
        ("ada", "ada\u0308\u200b"),
        ("𝒜" * 25, "𝒜" * 26),
    ],
)
def test_what_cleaning_changed_is_nobody_elses_in_a_later_run(tmp_path, first, later):
    """Whose marks: on Monday one hands in, on Tuesday the other, alone; the gradebook knows only their names."""
    names = []
    for day, owner in (("monday", first), ("tuesday", later), ("wednesday", later)):
        lay_out(tmp_path / day, f"{owner}/{LESSON}.ipynb")
        names += found(tmp_path / day)
    assert names[0] == first
    assert names[1] == names[2] != first
    lay_out(tmp_path / "thursday", f"{names[1]}/{LESSON}.ipynb")  # somebody who is called like the cleaned name
    assert found(tmp_path / "thursday").keys() != {names[1]}


def test_names_keep_every_letter(tmp_path):
    for name in ("José", "नमस्ते", "Đặng", "王小明", "עֲבְרִי", "Zoë-Ångström"):
        composed, apart = unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)
        for form in {composed, apart}:
            place = tmp_path / hashlib.sha256(form.encode()).hexdigest()
            lay_out(place, f"{form}/{LESSON}.ipynb")
            assert list(found(place)) == [composed]


def test_moodles_mark_within_a_name_leads_to_nobody_else(tmp_path):
    """Whose marks: a display name that holds the mark."""
    victim = f"Anna Victim_12345_assignsubmission_file_/{LESSON}.ipynb"
    mallory = f"Anna Victim_12345_assignsubmission_x_666_assignsubmission_file_/{LESSON}.ipynb"
    lay_out(tmp_path, victim, mallory)
    assert found(tmp_path) == {"12345": victim, "666": mallory}


def test_a_student_may_be_called_like_a_lesson(tmp_path):
    lay_out(tmp_path / "flat", f"12_jane_{LESSON}.ipynb", f"ada_{LESSON}.ipynb", "01_seq2seq.ipynb")
    assert found(tmp_path / "flat").keys() == {"12_jane", "ada"}
    lay_out(tmp_path / "deep", "class/12_jane/hw.ipynb", f"class/ada/{LESSON}.ipynb", "class/ada/01_seq2seq.ipynb")
    assert found(tmp_path / "deep").keys() == {"12_jane", "ada"}


def test_a_class_is_read_one_by_one(tmp_path):
    """Harm: sixty notebooks of ten megabytes, in a small zip, were all held at once."""
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(40):
            archive.writestr(f"s{i}/{LESSON}/{LESSON}.ipynb", b'{"cells": [], "x": "' + b"x" * 9_000_000 + b'"}')
    tracemalloc.start()
    waiting = collect(path, LESSON).submissions
    for submission in waiting:
        assert take_in(submission.read(), LESSON_00).refused
    assert tracemalloc.get_traced_memory()[1] < 80 << 20
    tracemalloc.stop()
    assert len(waiting) == 40


@pytest.mark.parametrize(
    "content",
    [
        b'{"cells": [' + b"[]," * 3_400_000 + b"1]}",
        b'{"cells": [' + b"{}," * 3_400_000 + b"1]}",
        b'{"cells": [' + b'"ab",' * 2_000_000 + b"1]}",
        b'{"cells": "' + "🎉".encode() + b"x" * 10_000_000 + b'"}',
        b'{"cells": [' + b'{"a":1},' * 1_200_000 + b"1]}",
        b'{"cells": [' + b"1.5," * 2_500_000 + b"1]}",
    ],
    ids=["lists", "objects", "strings", "wide", "pairs", "numbers"],
)
def test_a_file_is_not_read_if_it_would_fill_the_memory(content):
    tracemalloc.start()
    assert take_in(Submission("ada", "x", content), LESSON_00).refused
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()


def test_a_folder_around_the_class_that_hides_who_is_who_is_said(tmp_path):
    lay_out(tmp_path, f"all/ada_{LESSON}.ipynb", f"all/boris_{LESSON}.ipynb")
    with pytest.raises(CourseError, match="unpack and name that folder"):
        find_submissions(tmp_path, LESSON)


def test_the_notebook_that_is_meant_counts_among_others(tmp_path):
    lay_out(tmp_path, *(f"ada/{LESSON}/{name}.ipynb" for name in ("draft", LESSON)), "ada/old.ipynb", "notes.txt")
    lay_out(tmp_path, f"boris/{LESSON}.ipynb", "boris/draft.ipynb", f"chen/a-{LESSON}.ipynb", f"chen/b-{LESSON}.ipynb")
    students = found(tmp_path)
    assert students["ada"] == f"ada/{LESSON}/{LESSON}.ipynb"
    assert students["boris"] == f"boris/{LESSON}.ipynb"
    assert "second notebook" in students["chen"]


def test_names_are_harmless_and_short(tmp_path):
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("𝒜" * 200, "=1+1", "+1", "@x", "-rf", "..", "a\nb", "\u202ex", "<b>", "a,b", "x" * 300):
            archive.writestr(f"{name}/{LESSON}/{LESSON}.ipynb", "{}")
    for name in found(path):
        assert len(name.encode()) <= 120
        assert name[0].isalnum()
        assert not set(name) & set(" <>/\\,;\"'\n\u202e")


@pytest.mark.parametrize(
    ("where", "says"), [("name", "no zip file that can be read"), ("header", None), ("end", "no zip file")]
)
def test_a_damaged_zip_is_a_sentence(tmp_path, where, says):
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"é/{LESSON}/{LESSON}.ipynb", "{}")
    content = bytearray(path.read_bytes())
    at = {"name": content.rindex("é".encode()), "header": 0, "end": content.rindex(b"PK\x05\x06")}
    content[at[where]] ^= 0xFF
    path.write_bytes(content)
    if says is None:
        assert list(found(path).values()) == ["the file in the zip can't be read (BadZipFile)"]
    else:
        with pytest.raises(CourseError, match=says):
            found(path)


def test_a_zip_that_means_harm(tmp_path):
    """Bombs, sizes that lie, links and ways out cost their own student only; nothing is unpacked."""
    desk = Desk(World(tmp_path))
    desk.solve()
    path = tmp_path / "class.zip"
    path.write_bytes(hostile_zip(desk.bytes()))
    taken = {re.sub("-[0-9a-f]{8}$", "", s.student): take_in(s, LESSON_00) for s in find_submissions(path, LESSON)}
    assert {name for name, intake in taken.items() if not intake.refused} == {"honest", "tmp", "absolute", "𝒜" * 22}
    assert "larger than" in taken["bomb"].refused
    assert taken["link"].refused == "the file is a link"
    assert taken["liar"].refused
    assert next(intake for name, intake in taken.items() if name.startswith("1+1")).refused
    assert len(taken) == 8
    assert {path.name for path in tmp_path.iterdir()} == {"class.zip"}


# What a notebook says it is


def test_of_two_answers_the_one_with_the_id_is_meant(tmp_path):
    desk = Desk(World(tmp_path))
    desk.solve()
    cell = desk.cell("exercise", "softmax")
    copies = [copy_of(cell, id="pasted", source="pasted = 1"), copy_of(cell, id=None, source="older = 1")]
    at = desk.notebook["cells"].index(cell)
    desk.notebook["cells"][at:at] = copies
    intake = take_in(Submission("ada", "x", desk.bytes()), LESSON_00)
    assert intake.faults == {}
    assert intake.answer("softmax") == cell["source"]
    assert [c.source for c in intake.cells if c.kind == "extra"] == ["pasted = 1", "older = 1"]
    desk.notebook["cells"].append(copy_of(cell, source=f"{cell['source']}\n# another"))
    assert "softmax" in take_in(Submission("ada", "x", desk.bytes()), LESSON_00).faults


def test_locked_cells_without_ids_are_known_by_their_source(tmp_path):
    desk = Desk(World(tmp_path))
    for cell in desk.notebook["cells"]:
        cell.pop("id", None)
    intake = take_in(Submission("ada", "x", desk.bytes()), LESSON_00)
    assert [c.source for c in intake.cells if c.kind == "extra"] == []
    assert intake.notes == ()


def test_bytes_at_random(tmp_path):
    """A notebook with some bytes changed is taken or refused; nothing else happens."""
    desk = Desk(World(tmp_path))
    whole = desk.bytes()
    generator = random.Random(1)
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(generator.randint(1, 30)):
            content[generator.randrange(len(content))] = generator.choice(b'"\\{}[],:0123456789nulltrue\xff\x00')
        refused += bool(take_in(Submission("ada", "x", bytes(content)), LESSON_00).refused)
    assert 10 < refused <= 150


@pytest.mark.parametrize(
    "code", ["x = 1\n", "softmax = 1\n", "a;softmax;", "def softmax(a):\n    pass\n", "    x = 1\n"]
)
@pytest.mark.parametrize("size", [10, 5_900, 190_000])
def test_code_without_end_is_taken_in_soon(tmp_path, code, size):
    """Harm: looking for an answer that had lost its cell parsed each of very many cells for each exercise: minutes."""
    desk = Desk(World(tmp_path))
    cells = min(1_900, 9_000_000 // size)
    for i in range(cells):
        desk.notebook["cells"].append(
            {"cell_type": "code", "id": f"mine-{i}", "metadata": {}, "source": f"# {i}\n" + code * (size // len(code))}
        )
    start = time.process_time()
    take_in(Submission("ada", "x", desk.bytes()), LESSON_00)
    assert time.process_time() - start < 10


# What comes over the wire


def test_outputs_of_every_depth():
    for depth in [*range(1, 40), *range(900, 1100)]:
        nested = value = {}
        for _ in range(depth):
            value["a"] = value = {}
        for content in (
            {"data": {"text/plain": "x"}, "metadata": nested},
            {"data": {"application/json": nested}, "metadata": {}},
            {"data": {"text/plain": "x"}, "metadata": {}, "transient": nested},
        ):
            try:
                json.dumps(untrusted.output("display_data", content))
            except ProtocolError:
                assert depth > 10


def test_arrays_at_random():
    """safetensors with some bytes changed give arrays or a ProtocolError."""
    body = save({"last": np.zeros((2, 3, 4)), "x": np.arange(3)})
    generator = random.Random(1)
    good = 0
    for _ in range(5_000):
        content = bytearray(body)
        for _ in range(generator.randint(1, 3)):
            content[generator.randrange(150)] = generator.choice(b'0123456789-[]{}",FIUB\x00\xff')
        with contextlib.suppress(ProtocolError):
            good += bool(untrusted.arrays(bytes(content)))
    assert 0 < good < 5_000


@pytest.mark.parametrize("kind", ["F64", "F16", "BF16", "F8_E4M3", "F8_E5M2", "C64", "I8", "U64", "BOOL", "I4"])
def test_arrays_of_every_kind_and_shape(kind):
    for shape in ([], [0], [8], [2, 4], [0, 2**62], [2**62, 0], [2**40, 2**40], [1] * 33, [1] * 70, [-1], [1.5], "x"):
        for size in (0, 1, 2, 4, 8, 16, 32, 64):
            head = json.dumps({"y": {"dtype": kind, "shape": shape, "data_offsets": [0, size]}}).encode()
            try:
                arrays = untrusted.arrays(struct.pack("<Q", len(head)) + head + bytes(size))
            except ProtocolError:
                continue
            assert arrays["y"].nbytes == size


@pytest.mark.parametrize("length", [np.zeros(3, "i8"), np.array(np.nan), np.array(True), np.zeros((1,), "i8")])
def test_the_length_of_a_list_is_one_whole_number(length):
    assert untrusted.arrays(save({"y.length": np.array(2), "y[0]": np.zeros(3)}))["y.length"] == 2
    with pytest.raises(ProtocolError, match="length"):
        untrusted.arrays(save({"y.length": length, "y[0]": np.zeros(3)}))


def test_an_index_of_arrays_is_counted_before_it_is_built():
    """Harm: a header that names 600,000 empty tensors took 1.9 GB and 21 s."""
    for count, size in ((600_000, 0), (1_500, 0), (3, 300_000)):
        entries = {f"a{i}": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]} for i in range(count)}
        head = json.dumps(entries).encode() + b" " * size
        body = struct.pack("<Q", len(head)) + head
        tracemalloc.start()
        with pytest.raises(ProtocolError):
            untrusted.arrays(body)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1.5", b'"a"'])
def test_a_frame_is_counted_before_it_is_built(value):
    """Harm: frames of 8 MB cost up to 360 MB."""
    head = b'{"type": "output", "x": [' + (value + b",") * (3_000_000 // len(value)) + b"1]}"
    decoder = Decoder()
    tracemalloc.start()
    decoder.feed(struct.pack("!II", len(head), 0) + head)
    with pytest.raises(ProtocolError):
        decoder.next()
    assert tracemalloc.get_traced_memory()[1] < 40 << 20
    tracemalloc.stop()
    prose = json.dumps({"text": "1, 2, [3] and {4} " * 100_000}).encode()
    decoder = Decoder()
    decoder.feed(struct.pack("!II", len(prose), 0) + prose)
    assert decoder.next() is not None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("\x1b[31mred\x1b[0m", None),
        ("\x1b[0;38;5;241mgrey\x1b[39;49;00m", None),
        ("\x1b[38mx", "x"),
        ("\x1b[48mx", "x"),
        ("\x1b[38;5mx", "x"),
        ("\x1b[38;5;256mx", "x"),
        ("\x1b[38;2;1;2mx", "x"),
        ("\x1b[" + "1;" * 400_000 + "1mx", "x"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;javascript:x\x1b\\x\x1b]8;;\x1b\\", "x"),
        ("\x1b[2J\x1b[Hx\x9b31m", "x"),
        ("\x1bPq\x1b\\x\x1bc", "x"),
        ("10 %\r20 %", None),
        ("a\x00\x08\x7f", "a␀␈␡"),
        ("\u202eevil\u2066", "⟨U+202E⟩evil⟨U+2066⟩"),
        ("a\u2028b\x85c", "a⟨U+2028⟩b⟨U+0085⟩c"),
        ("\ud800", "?"),
        ("می\u200cخواهم 👩\u200d🔬", None),
    ],
)
def test_only_well_formed_colours_come_over_the_border(said, kept):
    kept = said if kept is None else kept
    assert untrusted.output("stream", {"name": "stdout", "text": said})["text"] == kept
    assert untrusted.output("display_data", {"data": {"text/plain": said}})["data"]["text/plain"] == kept
    error = untrusted.output("error", {"ename": said, "evalue": said, "traceback": [said]})
    assert error["traceback"] == [kept]
    assert not set(error["ename"] + error["evalue"]) & set("\x1b\r\x07\u202e")


# What is judged


def hostile_arrays(like):
    for dtype in ("f2", "f4", "f8", "i1", "i8", "u1", "u8", "?"):
        for shape in (like.shape, (), (0,), (0, 2**40), (1,) * 20, like.shape[::-1], (*like.shape, 1), like.shape[1:]):
            yield np.zeros(shape, dtype)
        whole = np.zeros(like.shape, dtype)
        if dtype.startswith("f"):
            for value in (np.nan, np.inf, -np.inf, np.finfo(dtype).max, np.finfo(dtype).tiny, -0.0):
                yield np.full_like(whole, value)
        elif dtype != "?":
            yield np.full_like(whole, np.iinfo(dtype).max)
            yield np.full_like(whole, np.iinfo(dtype).min)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", LESSON_00.exercises())
def test_whatever_comes_is_judged_and_only_the_right_passes(name):
    exercise = LESSON_00.exercises()[name]
    expected, known = bank.expected_on(exercise, bank.load(LESSON), 12345)
    assert judge([Trial(12345, expected, expected, known)]).passed
    for key, array in expected.arrays.items():
        for hostile in hostile_arrays(array):
            others = {k: v for k, v in expected.arrays.items() if k != key}
            for lie in ({key: hostile}, {f"{key}.length": hostile, f"{key}[0]": array}):
                got = Outcome(arrays=others | lie, changed=expected.changed)
                assert not judge([Trial(12345, got, expected, known)]).passed, (key, hostile.dtype, hostile.shape)
    for got in (Outcome(), Outcome(others={"<b>": "x"}), Outcome(arrays=expected.arrays, others={"x": "y"})):
        assert not judge([Trial(12345, got, expected, known)]).passed
    extra = Outcome(arrays={**expected.arrays, "surplus": np.zeros(3)})
    assert not judge([Trial(12345, extra, expected, known)]).passed


@pytest.mark.parametrize("name", LESSON_00.exercises())
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_a_known_mistake_does_not_hide_in_less_precision(name, dtype):
    expected, known = bank.expected_on(LESSON_00.exercises()[name], bank.load(LESSON), 12345)
    for mistake in known:
        arrays = mistake.outcome.arrays
        with np.errstate(over="ignore"):
            coarse = {k: a.astype(dtype) if a.dtype.kind == "f" else a for k, a in arrays.items()}
        got = Outcome(arrays=coarse, others=mistake.outcome.others, failure=mistake.outcome.failure)
        assert not judge([Trial(12345, got, expected, known)]).passed, mistake.name


# The machine


def test_the_whole_machine_is_never_shown(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/python3")
    monkeypatch.setattr(sys, "base_prefix", "/")
    assert Path("/") not in bwrap.python_folders()


def test_each_job_has_its_own_share_of_the_processors():
    places = cgroup.find()
    if places is None or (places.cpu is None and places.version == 1):
        pytest.skip("no cgroup can be made here")
    group = cgroup.Group(places, f"test-{os.getpid()}", 1 << 30, 10)
    try:
        with subprocess.Popen(["sleep", "60"]) as process:
            group.add(process.pid)
            text = Path(f"/proc/{process.pid}/cgroup").read_text()
            process.kill()
        mine = [line for line in text.splitlines() if f"test-{os.getpid()}" in line]
        assert len(mine) == (3 if places.version == 1 else 1), text
    finally:
        group.remove()


# Pages


def test_a_long_text_is_compared_soon(tmp_path, monkeypatch):
    """Megabytes that many hand in alike: their fingerprints, and all pairs of students, took hours."""
    text = "".join(random.Random(1).choices("abcdefgh \n()=+", k=190_000))
    notebook = new_notebook(cells=[new_code_cell(text, id=f"00-extra-{i}") for i in range(30)])
    monkeypatch.setattr(similarity, "graded_path", lambda *given: tmp_path / "x.ipynb")
    nbformat.write(notebook, tmp_path / "x.ipynb")
    start = time.process_time()
    assert similarity.similar(LESSON_00, ["ada", "boris"], tmp_path)[0].share == 1
    assert time.process_time() - start < 5


HUGE = {
    "escape sequences": "\x1b[31m<b>" * 200_000,
    "one long sequence": "\x1b[" + "1;" * 500_000 + "1m<b>",
    "blank lines": "<b>" + " \n" * 40_000,
    "tabs": "\t\n" * 50_000,
    "a word": "<b>" + "x" * 1_000_000,
    "brackets": "(" * 150_000 + "<b>",
    "signs": "@<b>" * 40_000,
    "quotes": "f'{" * 50_000,
    "returns": "<b>\r" * 300_000,
    "controls": "\x08\u202e" * 300_000,
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_a_page_is_made_soon_and_is_small(text):
    """Harm: the more escape sequences, or blank lines, the longer it took, squared: minutes for one cell."""
    outputs = [new_output("stream", name="stdout", text=text), new_output("execute_result", data={"text/plain": text})]
    cells = [{"source": text, "outputs": [json.loads(json.dumps(output)) for output in outputs]}] * 30
    fence, pictures = Fence(), Fence(room=feedback.PICTURES)
    start = time.process_time()
    page = "".join(feedback._cell(cell, fence, pictures) for cell in cells)
    assert time.process_time() - start < 10
    assert len(page) < 12_000_000
    assert "<b>" not in page
    assert not set(page) & set("\x1b\r\x08\u202e")


def test_a_renderer_that_fails_or_hangs_costs_itself(monkeypatch):
    def fails(*given):
        raise IndexError

    def hangs(*given):
        while True:
            with contextlib.suppress(Exception):
                sum(range(1000))

    for broken in (fails, hangs):
        monkeypatch.setattr(feedback, "highlight", broken)
        monkeypatch.setattr(feedback, "ansi2html", broken)
        cell = {"source": "x = '<b>'", "outputs": [{"output_type": "stream", "name": "stdout", "text": "<i>"}]}
        page = feedback._cell(cell, Fence(seconds=0.2), Fence())
        assert "x = &#x27;&lt;b&gt;&#x27;" in page
        assert "&lt;i&gt;" in page
    assert Fence(0.2).run(lambda: 1 / 0, lambda: "plain", 1) == "plain"


def test_a_fence_outside_of_the_main_thread_makes_small_things_only():
    fence, made = Fence(), []
    thread = threading.Thread(target=lambda: made.extend(fence.run(lambda: "x", lambda: "-", n) for n in (10, 10**6)))
    thread.start()
    thread.join()
    assert made == ["x", "-"]


def test_a_part_of_a_page_that_fails_costs_itself():
    assert "ZeroDivisionError" in page.section("Marks", lambda: 1 / 0)


@pytest.mark.parametrize(
    "text",
    ["x\rmallory,00,softmax,2,2,passed,", "x\n=1+1", "a\r\nb", 'a"b\n"', "\x1b]0;owned\x07", "a\u2028b", "x;=1+1",
     "\u202egpj", "=cmd|'/C calc'!A0", "＝1+1", "\t=1", " \n\t@SUM(1)", "x" * 300_000, "a,=1", "\x00"],
)  # fmt: skip
def test_a_table_has_one_line_a_row_for_every_reader(text, tmp_path):
    """Poison: an error text with a lone carriage return became rows, and formulas at the start of a line."""
    path = export.write_csv(tmp_path / "marks.csv", [["student", "message"], ["ada", text], [text, "ada"]])
    raw = path.read_bytes().decode("utf-8")
    assert raw.count("\n") == raw.count("\r\n") == raw.count("\r") == 3
    assert len(raw.splitlines()) == 3
    assert not set(raw) & set("\x1b\x07\x00\u202e\u2028\t")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert [len(row) for row in rows] == [2, 2, 2]
    for cell in itertools.chain.from_iterable(rows):
        assert not re.match(r"\s*[=+@＝-]", cell)
        assert not re.search(r"[;,\t]\s*[=@＝]", cell)
        assert len(cell) < 3_000


# What SECURITY.md says


def test_security_md_names_what_exists():
    text = (source.ROOT / "SECURITY.md").read_text("utf-8")
    tests = {path: path.read_text("utf-8") for path in (source.ROOT / "tests").rglob("test_*.py")}
    known = {name for code in tests.values() for name in re.findall(r"def (test_\w+)", code)}
    known |= {path.name for path in tests} | ATTACKS.keys()
    named = [name for name in re.findall(r"`(\w+(?:\.py)?)`", text) if "_" in name]
    assert len(named) > 25
    assert [name for name in named if name not in known] == []
    families = Counter(attack.family for attack in ATTACKS.values())
    assert f"holds {sum(families.values()) - families['honest'] - families['gap']} attempts" in text
    assert f"{families['honest']} oddities" in text
    assert "Nine of the notebooks" in text
    assert sum(attack.fools for attack in ATTACKS.values()) == 9
    assert families["gap"] == 4
