"""Where strangers' bytes come in: names and files, frames and arrays. Nothing raises but what is foreseen."""

import contextlib
import json
import os
import random
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from autograder.authoring import bank, source
from autograder.grading.intake import take_in
from autograder.grading.submissions import Submission
from autograder.sandbox import bwrap, cgroup, untrusted
from autograder.sandbox.protocol import Decoder, ProtocolError
from lessonkit.checks.judge import judge
from lessonkit.checks.outcome import Outcome, Trial
from tests.attacks import everything  # noqa: F401 (it enters what the modules of attacks hold)
from tests.attacks.workshop import LESSON, Desk, World, copy_of

LESSON_00 = source.load(LESSON)


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
            if hostile.dtype != bool and hostile.shape == array.shape and np.allclose(hostile, array, atol=1e-4):
                continue  # a share of 0 is right as any 0
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
