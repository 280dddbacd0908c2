"""Run a lesson's notebook, with the answers, and take down what its cells show."""

import ast
import contextlib
import io
import os
import platform
import re
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

import nbformat
from nbformat.v4 import new_output

from autograder.authoring.faults import Fault, FaultyFileError
from autograder.authoring.notebook import code_of, to_notebook
from autograder.authoring.source import SOLUTIONS, Cell, LessonSource
from lessonkit.syntax import parse

SECONDS_A_CELL = 900  # a training stops itself by the processor's clock; on a busy machine that takes its time
WIDGET = "application/vnd.jupyter.widget-view+json"
_QUICK = ("plain", "exercise", "predict")  # what always runs: the others stand on it
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def execute(
    lesson: LessonSource, seconds: dict[str, float] | None = None, demos: Collection[int] | None = None
) -> nbformat.NotebookNode:
    """Run the lesson's notebook from top to bottom in a fresh kernel, with the answers; errors are errors.

    `seconds`, if given, takes down how long each code cell ran, by its name. `demos` are the numbers of the
    demonstrations to run, if not all of them; checks are left out then, too.

    Raises:
        FaultyFileError: a cell fails; names its line in the source, and the file with the whole traceback.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, DeadKernelError

    from lessonkit.lesson import ERRORS_END_IT

    notebook = to_notebook(lesson)
    folder = SOLUTIONS / lesson.name
    folder.mkdir(parents=True, exist_ok=True)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        coalesce_streams=True,
        record_timing=False,
        shutdown_kernel="immediate",  # tidying up takes torch a second
        extra_arguments=["--IPKernelApp.log_level=40"],  # the kernel warns of TCP on every start
    )
    environment = {**os.environ, ERRORS_END_IT: "1", "PYTHONHASHSEED": "0"}
    try:
        with client.setup_kernel(env=environment):
            for i, cell in enumerate(notebook.cells):
                if demos is not None and lesson.cells[i].kind not in _QUICK and i not in demos:
                    continue
                start = time.monotonic()
                try:
                    client.execute_cell(cell, i)
                except (CellControlSignal, DeadKernelError) as error:  # it fails, takes too long, or ends the kernel
                    raise FaultyFileError([_failure(lesson, lesson.cells[i], error)]) from error
                if seconds is not None and cell.cell_type == "code":
                    seconds[lesson.cells[i].name] = time.monotonic() - start
    finally:
        if not any(folder.iterdir()):
            folder.rmdir()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"]["version"] = platform.python_version()
    return notebook


def _failure(lesson: LessonSource, cell: Cell, error: Exception) -> Fault:
    """One sentence for a cell that failed; the rest goes into a file."""
    text = _COLOURS.sub("", str(error)).strip()
    whole = Path(tempfile.mkdtemp(prefix="course-")) / f"{lesson.name}-{cell.name}.txt"
    whole.write_text(text + "\n", encoding="utf-8")
    trace = _COLOURS.sub("", getattr(error, "traceback", ""))
    places = re.findall(r"^Cell In\[\d+\], line (\d+)", trace, re.MULTILINE)
    added = code_of(cell).count("\n") - cell.source.count("\n")  # lines that the notebook has and the source hasn't
    line = cell.line + max(0, int(places[0]) - 1 - added) if places else cell.line
    if hasattr(error, "ename"):
        said = f"{error.ename}: {error.evalue}".strip().splitlines()[0].rstrip(".")
    else:
        said = f"{type(error).__name__}: {text.splitlines()[0].rstrip('.')}"
    return Fault(lesson.path.name, line, f"this cell fails: {said}. The whole traceback: {whole}")


def outputs_of(lesson: LessonSource, cell: Cell) -> list[nbformat.NotebookNode]:
    """What a check shows for the reference answer, or a cell at a lesson's end, as a kernel would have it.

    No other cell is run anew. The number of the execution is left open.
    """
    from IPython.core.formatters import DisplayFormatter

    from lessonkit.lesson import ERRORS_END_IT

    namespace, printed = dict(lesson.namespace()), io.StringIO()
    *body, last = parse("\n" * (cell.line - 1) + cell.source).body
    before = os.environ.get(ERRORS_END_IT)
    os.environ[ERRORS_END_IT] = "1"
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(ast.Module(body, []), str(lesson.path), "exec"), namespace)
            value = eval(compile(ast.Expression(last.value), str(lesson.path), "eval"), namespace)
    finally:
        os.environ.pop(ERRORS_END_IT) if before is None else os.environ.update({ERRORS_END_IT: before})
    if value is None:
        return [new_output("stream", name="stdout", text=printed.getvalue())] if printed.getvalue() else []
    data, metadata = DisplayFormatter().format(value)  # a kernel shows the card; the text is for a terminal
    return [new_output("execute_result", data=data, metadata=metadata)]
