"""Probes: what comes back of an answer, and that nothing a submission sends can hurt anybody but itself."""

from dataclasses import replace

import numpy as np
import pytest

from autograder.sandbox import Probe
from lessonkit.checks.draw import Draw
from lessonkit.checks.run import run_probe
from tests.sandbox.conftest import DOUBLE, TIGHT, probe, text_of

F = "def f(x):\n    return 2 * x"
# A submission that speaks the protocol itself: the channel is found among the interpreter's objects.
CHANNEL = """
import gc, json, socket, struct, os, threading, time
sockets = [o for o in gc.get_objects() if isinstance(o, socket.socket) and o.family == socket.AF_UNIX]
channel = next(o for o in sockets if o.fileno() > 2 and o.gettimeout() is None)
def frame(header, body=b''):
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack('!II', len(head), len(body)) + head + body
"""


def only(result, seed: int = 1):
    return result.probes[0].outcomes[seed]


def test_the_results_are_those_of_a_run_outside(run):
    source = "def probe(f, draw):\n    x = draw.normal(2, 3, grad=True)\n    y = f(x)\n    y.sum().backward()\n"
    source += "    return {'y': y, 'grad': x.grad, 'n': 3, 'flags': [True, False], 'mixed': [1, 'a'], 'none': None}"
    result = run(F, probes=(probe(source=source, seeds=(1, 7)),))
    namespace: dict = {}
    exec(source, namespace)
    for seed in (1, 7):
        expected = run_probe(namespace["probe"], lambda x: 2 * x, seed)
        got = only(result, seed)
        assert got.arrays.keys() == expected.arrays.keys()
        for name, value in expected.arrays.items():
            assert got.arrays[name].dtype == value.dtype
            assert got.arrays[name].shape == value.shape
            assert np.array_equal(got.arrays[name], value)
        assert (got.others, got.changed, got.digest) == (expected.others, expected.changed, expected.digest)
        assert got.digest == _digest(seed)


def _digest(seed: int) -> str:
    draw = Draw(seed)
    draw.normal(2, 3)
    return draw.digest()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint8", "bool"])
def test_types_of_arrays(run, dtype):
    result = run(f"import torch\ndef f(x): return (x > 0).to(torch.{dtype})", probes=(probe(),))
    assert only(result).arrays["y"].dtype == dtype


def test_other_layouts_arrive_whole(run):
    source = "def probe(f, draw):\n    import numpy as np\n    x = np.arange(6.0).reshape(2, 3)\n"
    source += "    scalar, empty = np.float32(2), np.zeros((0, 3))\n"
    source += "    return {'t': x.T, 'big': x.astype('>f8'), 'scalar': scalar, 'empty': empty, 'nan': x * np.nan}"
    arrays = only(run(F, probes=(probe(source=source),))).arrays
    x = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(arrays["t"], x.T)
    assert np.array_equal(arrays["big"], x)
    assert arrays["scalar"].shape == ()
    assert arrays["empty"].shape == (0, 3)
    assert np.isnan(arrays["nan"]).all()


def test_setup_is_executed_before_the_probe_and_not_by_the_submission(run):
    asked = Probe("f", "def probe(f, draw): return {'y': f(size)}", (1,), "cell", "size = 21")
    result = run("size = 1\n" + F, probes=(asked,))
    assert only(result).arrays["y"] == 42
    assert result.probes[0].cell_id == "cell"


def test_a_missing_answer(run):
    assert only(run("g = 1", probes=(probe(),))).failure.verdict == "missing"


def test_an_answer_not_started(run):
    assert only(run("def f(x): raise NotImplementedError", probes=(probe(),))).failure.verdict == "not_started"


def test_an_answer_not_started_is_not_called_on_other_seeds(run):
    counts = "calls = []\ndef f(x):\n    calls.append(1)\n    raise NotImplementedError\ndef g(x): return len(calls)"
    result = run(counts, probes=(probe(seeds=(1, 2, 3)), probe("g")))
    assert [outcome.failure.verdict for outcome in result.probes[0].outcomes.values()] == ["not_started"] * 3
    assert [outcome.arrays["y"] for outcome in result.probes[1].outcomes.values()] == [1, 1]


def test_results_that_are_too_many_together_are_read_to_the_end(run):
    """The job has sent them already when the first is refused: what follows is still the answer to its question."""
    large = "import torch\ndef f(x): return torch.zeros(100_000)"
    few = replace(TIGHT, notebook_array_bytes=1_000_000)
    result = run(large, probes=(probe(seeds=(1, 2, 3)), probe("g")), limits=few)
    assert only(result).failure is None
    assert ["all exercises together" in only(result, seed).failure.message for seed in (2, 3)] == [True, True]
    assert "all exercises together" in result.probes[1].outcomes[1].failure.message
    assert result.notes == ()


def test_an_error_shows_the_learners_lines(run):
    failure = only(run("def f(x):\n    return x @ x", probes=(probe(),))).failure
    assert failure.kind == "RuntimeError"
    assert "return x @ x" in failure.traceback
    assert "<source of f>" not in failure.traceback


def test_another_dtype_array_is_named(run):
    result = run("import numpy\ndef f(x): return x.numpy().astype(numpy.longdouble)", probes=(probe(),))
    assert "longdouble" in only(result).others["y"] or "float128" in only(result).others["y"]


def test_object_arrays_are_no_results(run):
    result = run("import numpy\ndef f(x): return numpy.array([{}, run_me], object)\nrun_me = print", probes=(probe(),))
    assert set(only(result).arrays) <= {"∂"}  # nothing but the gradients that aren't there
    assert only(result).others["y"] == "a ndarray"


def test_huge_arrays_are_refused(run):
    result = run(
        "import torch\ndef f(x): return torch.zeros(1_000_000)", F.replace("f(", "g("), probes=(probe(), probe("g"))
    )
    assert "more than any exercise asks for" in only(result).failure.message
    assert result.probes[1].outcomes[1].failure is None


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("import os; os._exit(0)", "error"),
        ("import ctypes; ctypes.string_at(0)", "error"),
        ("import sys; sys.exit(3)", "error"),
        ("while True: pass", "timeout"),
        ("\n    try:\n        while True: pass\n    except BaseException:\n        while True: pass", "timeout"),
        ("import time; time.sleep(100)", "timeout"),
        ("raise KeyboardInterrupt", "error"),
        ("return f(x)", "error"),
        (
            "import os, signal; [os.kill(it(), signal.SIGSTOP) for it in (os.getppid, os.getpid)]; signal.pause()",
            "timeout",
        ),
    ],
    ids=["exit", "crash", "sys.exit", "endless", "stubborn", "asleep", "interrupt", "recursion", "stop"],
)
def test_a_bad_answer_costs_its_own_exercise_only(run, body, verdict):
    result = run(f"def f(x):\n    {body}", F.replace("f(", "g("), probes=(probe(), probe("g")))
    assert only(result).failure.verdict == verdict
    assert [outcome.failure for outcome in result.probes[1].outcomes.values()] == [None, None]


def test_a_thread_of_the_notebook_that_goes_on_does_not_disturb_the_probes(run):
    talks = (
        "import threading, time\n"
        "def talk():\n    while True:\n        print('here')\n        display('here')\n        time.sleep(0.001)\n"
        "threading.Thread(target=talk, daemon=True).start()"
    )
    result = run(talks, F, probes=(probe(), probe("f")))
    assert [o.failure for found in result.probes for o in found.outcomes.values()] == [None] * 4


def test_what_ends_a_probe_is_tried_once_more_in_a_fork_and_the_cells_keep_their_outputs(run):
    result = run(
        "print('once')",
        "def f(x):\n    import os; os._exit(0)",
        "def g(x):\n    return 2 * x",
        probes=(probe(), probe("g")),
    )
    assert [cell.status for cell in result.cells] == ["ok"] * 3
    assert only(result).failure.kind == "Crash"
    assert [o.failure for o in result.probes[1].outcomes.values()] == [None, None]
    assert result.notes == ()


def test_an_answer_with_a_memory_bomb_costs_its_own_exercise_only(run):
    bomb = "def f(x):\n    held = []\n    while True: held.append(bytearray(50_000_000))"
    result = run(bomb, F.replace("f(", "g("), probes=(probe(), probe("g")), limits=replace(TIGHT, probe_seconds=20.0))
    assert only(result).failure.kind in ("Crash", "MemoryError")
    assert result.probes[1].outcomes[1].failure is None


def test_a_patched_library_changes_only_their_own_results(run):
    result = run(
        F,
        "import torch, numpy, lessonkit.checks.draw, lessonkit.checks.outcome\n"
        "numpy.testing.assert_allclose = lambda *a, **k: None\n"
        "torch.Tensor.__eq__ = lambda *a: True\n"
        "lessonkit.checks.draw.Draw.normal = lambda self, *shape, **k: torch.zeros(shape)",
        probes=(probe(),),
    )
    assert not only(result).arrays["y"].any()  # the judge's expected values come from true draws


def _forge(*statements: str) -> str:
    return CHANNEL + "\n".join(statements)


@pytest.mark.parametrize(
    "statement",
    [
        "channel.sendall(b'\\xff' * 100)",
        "channel.sendall(struct.pack('!II', 2**32 - 1, 2**32 - 1))",
        "channel.sendall(frame(b'{' * 100000))",
        "channel.sendall(frame(b'[' * 100000))",
        "channel.sendall(frame(b'[1]'))",
        "channel.sendall(frame(b'{\"type\": NaN}'))",
        "channel.sendall(frame(b'{\"type\": ' + b'9' * 10000 + b'}'))",
        "channel.sendall(frame(b'\\xff\\xfe'))",
        "channel.sendall(frame({'type': 'output', 'kind': 'stream', 'content': {'name': 'x', 'text': 'y'}}))",
        "channel.sendall(frame({'type': 'output', 'kind': 'error', 'content': {'traceback': [{}]}}))",
        "channel.sendall(frame({'type': 'output', 'kind': 'display_data', 'content': {'data': 3}}))",
        "channel.sendall(frame({'type': 'output', 'kind': ['x'], 'content': None}))",
        "channel.sendall(frame({'type': ['done'], 'count': {}}))",
        "channel.sendall(frame({'type': 'done', 'status': {}, 'count': 1e308}))",
        "channel.sendall(frame({'type': 'worker_gone'}))",
        "channel.sendall(frame({'type': 'outcome', 'exercise': 'f', 'seed': 1}))",
        "channel.sendall(struct.pack('!II', 100, 0) + b'{')",
        "channel.shutdown(socket.SHUT_RDWR)",
        "socket.send_fds(channel, [frame({'type': 'output'})], [0, 1, 2])",
    ],
)
def test_forged_frames_hurt_nobody_else(run, statement):
    result = run(_forge(statement), F, probes=(probe(),))
    for outcome in result.probes[0].outcomes.values():
        assert outcome.failure is not None or np.isfinite(outcome.arrays["y"]).all()


def test_a_flood_of_frames(run):
    flood = "big = frame({'type': 'output', 'kind': 'stream', 'content': {'name': 'stdout', 'text': 'x' * 100000}})"
    result = run(_forge(flood, "while True: channel.sendall(big)"))
    assert len(str(result.cells[0].outputs)) < 4 << 20
    assert result.cells[0].status in ("timeout", "died")


def test_endless_frames_without_meaning(run):
    result = run(_forge("small = frame({'type': 'output'}) * 1000", "while True: channel.sendall(small)"))
    assert result.cells[0].status in ("timeout", "died")


def test_outputs_are_made_safe(run):
    forged = {
        "metadata": {"deep": "x" * 100},
        "data": {
            "text/plain": "\ud800",
            "image/png": "<script>",
            "../../etc": "x",
            "application/json": {"huge": 10**400, "text": "\udfff"},
        },
    }
    statement = f"channel.sendall(frame({{'type': 'output', 'kind': 'display_data', 'content': {forged!r}}}))"
    data = run(_forge(statement)).cells[0].outputs[0]["data"]
    assert data == {"text/plain": "?", "application/json": {"huge": str(10**400), "text": "?"}}


def test_lying_arrays(run):
    """Shapes, offsets, types and names that do not fit the bytes."""
    tries = [
        {"y": {"dtype": "F64", "shape": [2**40, 2**40], "data_offsets": [0, 8]}},
        {"y": {"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}},
        {"y": {"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]}},
        {"y": {"dtype": "F64", "shape": [1], "data_offsets": [8, 0]}},
        {"y": {"dtype": "object", "shape": [1], "data_offsets": [0, 8]}},
        {"y": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}},
        {"y" * 1000: {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}},
        {"y": {"dtype": "F64", "shape": [1] * 60, "data_offsets": [0, 8]}},
    ]
    answer = "dict(type='outcome', exercise='f', seed=1, others={}, failure=None, changed=[], digest='', printed='')"
    for wrong in tries:
        source = _forge(
            f"head = json.dumps({wrong!r}).encode()",
            "body = struct.pack('<Q', len(head)) + head + bytes(8)",
            "def f(x):",
            f"    channel.sendall(frame({answer}, body)); time.sleep(5)",
        )
        assert only(run(source, probes=(probe(),))).failure is not None, wrong


def test_an_answer_to_another_question_does_not_count(run):
    answer = "dict(type='outcome', exercise='g', seed=2, others={}, failure=None, changed=[], digest='', printed='')"
    result = run(_forge("def f(x):", f"    channel.sendall(frame({answer})); return x"), probes=(probe(), probe("g")))
    assert only(result).failure is not None
    assert result.probes[1].outcomes[2].failure is not None


def test_what_is_printed_while_probing_is_not_shown(run):
    result = run("def f(x):\n    print('seen', x)\n    return 2 * x\nprint('shown')", probes=(probe(source=DOUBLE),))
    assert text_of(result, 0) == "shown\n"
    assert only(result).failure is None
