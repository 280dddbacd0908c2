"""Cells give the outputs that they give in a Jupyter kernel."""

import os
import re
import textwrap
from dataclasses import replace

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.sandbox import CellResult, Sandbox
from tests.sandbox.conftest import error_of, make_job, text_of

CELLS = {
    "value": "import torch\ntorch.arange(3) * 2",
    "streams": "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c', end='')",
    "text and value": "print('before')\n{'k': [1, 2]}",
    "nothing": "x = 3;",
    "suppressed": "x;",
    "error": "def g(n):\n    return 1 / n\nprint('so far')\ng(0)",
    "syntax error": "def broken(:\n    pass",
    "chained error": "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('no k') from e",
    "system exit": "import sys\nsys.exit(3)",
    "assertion": "assert 1 == 2, 'one is not two'",
    "warning": "import warnings\nwarnings.warn('careful')",
    "magics": "%env NOT_THERE=1\n%pwd",
    "cell magic": "%%capture held\nprint('hidden')",
    "captured": "held.stdout",
    "shell": "!echo from the shell\n!cat /no/such/file",
    "shell variable": "lines = !printf 'a\\nb'\nlines",
    "subprocess": "import subprocess\nsubprocess.run(['echo', 'by a subprocess'])",
    "await": "import asyncio\nasync def later():\n    await asyncio.sleep(0.01)\n    return 'awaited'\nawait later()",
    "running loop": "asyncio.run(later())",
    "figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.title('t')\nplt.show()",
    "figure left open": "fig, ax = plt.subplots()\nax.bar([1], [2])",
    "html": "from IPython.display import HTML, display\ndisplay(HTML('<b>b</b>'))\nHTML('<i>i</i>')",
    "update": "handle = display('first', display_id='d')\nhandle.update('second')",
    "update from another cell": "handle.update('third')",
    "clear": "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
    "clear, waiting": "print('gone')\nclear_output(wait=True)\nprint('stays')",
    "tqdm": "import tqdm\nfor _ in tqdm.tqdm(range(3), mininterval=0, ncols=40): pass",
    "logging": "import logging\nlogging.warning('logged')",
    "underscore": "_, Out.get(1) is not None",
    "last line None": "None",
    "long repr": "list(range(2000))",
    "help": "len?",
    "class": "class Net(torch.nn.Module):\n    def forward(self, x):\n        return x\nNet()",
    "exit": "exit()",
    "after exit": "'still here'",
    "rich repr fails": "class R:\n    def _repr_html_(self):\n        raise RuntimeError('no html')\nR()",
    "input": "input('name? ')",
}
# nbclient's kernel shuts down on exit(), which here must not cost the cells after it; input's message is our own.
OURS = {"exit", "after exit", "input"}


@pytest.fixture(scope="module")
def in_a_kernel() -> dict[str, dict]:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for name, source in CELLS.items() if name not in OURS]
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}  # it changes what ipykernel shows
    NotebookClient(notebook, timeout=60, allow_errors=True, kernel_name="python3").execute(env=environment)
    return dict(zip([name for name in CELLS if name not in OURS], notebook.cells, strict=True))


@pytest.fixture(scope="module")
def in_the_sandbox(sandbox: Sandbox) -> dict[str, CellResult]:
    names = [name for name in CELLS if name not in OURS]
    result = sandbox.run(make_job(*(CELLS[name] for name in names)))
    return dict(zip(names, result.cells, strict=True))


@pytest.mark.parametrize("name", [name for name in CELLS if name not in OURS])
def test_the_outputs_are_a_kernels(name, in_a_kernel, in_the_sandbox):
    ours, theirs = in_the_sandbox[name], in_a_kernel[name]
    assert ours.execution_count == theirs.execution_count
    assert [comparable(output) for output in gathered(ours.outputs)] == [
        comparable(output) for output in gathered(theirs.outputs)
    ]


def gathered(outputs: list[dict]) -> list[dict]:
    """Neighbouring pieces of a stream joined; the two streams in a fixed order, which no kernel promises."""
    whole: list[dict] = []
    for output in outputs:
        if output["output_type"] == "stream" and whole and whole[-1].get("name") == output["name"]:
            whole[-1]["text"] += output["text"]
        else:
            whole.append(dict(output))
    return sorted(whole, key=lambda output: (output["output_type"] == "stream", output.get("name", "")))


def comparable(output: dict) -> dict:
    """Without what differs between two processes: paths of their own, times, addresses, the bytes of a figure."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {key: "an image" if key == "image/png" else plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, str):
            value = re.sub(r"/[\w./-]*/ipykernel_\d+/\d+\.py", "CELL", value)
            value = re.sub(r"% *\|.*?\|", "BAR", value)
            value = re.sub(r"\d+\.\d\dit/s|\?it/s|\d\d:\d\d<\d\d:\d\d|\d\d:\d\d<\?", "RATE", value)
            value = value.replace(os.path.expanduser("~") + "/", "~/")
            value = re.sub(r"0x[0-9a-f]+", "ADDRESS", value)
            value = re.sub(r"^'/.*'$", "FOLDER", value)
        return value

    return plain({key: value for key, value in output.items() if key != "metadata"})


def test_exit_does_not_end_the_notebook(run):
    result = run("exit()", "'still here'")
    assert [cell.status for cell in result.cells] == ["ok", "ok"]
    assert text_of(result, 1) == "'still here'"


def test_input_says_that_nobody_answers(run):
    result = run("input('name? ')", "import getpass; getpass.getpass()")
    assert error_of(result, 0) == error_of(result, 1) == "StdinNotImplementedError"
    assert "Nobody is there" in result.cells[0].outputs[0]["evalue"]


def test_widgets_show_as_text(run):
    result = run(
        "import ipywidgets\nfrom tqdm.auto import tqdm\nipywidgets.IntSlider(3)", "for _ in tqdm(range(2)): pass"
    )
    assert result.cells[0].outputs[0]["data"].keys() == {"text/plain"}
    assert "IntSlider(value=3" in text_of(result, 0)
    assert [cell.status for cell in result.cells] == ["ok", "ok"]


def test_a_figure_is_a_png(run):
    result = run("import matplotlib.pyplot as plt; plt.plot([1, 2]);")
    assert result.cells[0].outputs[0]["data"]["image/png"].startswith("iVBOR")


def test_jobs_know_nothing_of_each_other(run, sandbox):
    sandbox.run(make_job("left = 1\nimport torch; torch.left = 1\nopen('left', 'w').close()"))
    result = run("import os, torch\n'left' in globals(), hasattr(torch, 'left'), set(os.listdir('.')) - {'.tmp'}")
    assert text_of(result, 0) == "(False, False, set())"
    assert text_of(run("import os\nos.listdir(os.environ['TMPDIR'])"), 0) == "[]"
    assert result.cells[0].execution_count == 1


def test_the_seed_of_a_job_fixes_its_random_numbers(sandbox):
    job = make_job("import random, numpy, torch\nrandom.random(), numpy.random.rand(), torch.rand(1).item()")
    first, again, other = (text_of(sandbox.run(replace(job, seed=seed)), 0) for seed in (5, 5, None))
    assert first == again != other


def test_a_lesson_can_be_imported(run):
    source = textwrap.dedent("""
        from lessonkit.checks.run import run_probe
        import lessonkit
        lessonkit.Lesson
    """)
    assert run(source).cells[0].status == "ok"
