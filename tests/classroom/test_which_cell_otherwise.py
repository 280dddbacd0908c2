"""Which cell is it: answers that stand elsewhere, cells that are no Python, files that are no notebooks."""

import gzip
import io
import json
import zipfile

import pytest

from autograder.grading.files import without_outputs
from autograder.grading.intake import take_in
from autograder.grading.rescue import keeping
from autograder.grading.sealed import grade_one
from autograder.grading.submissions import Submission
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import Limits, Sandbox

from .test_which_cell import ANSWERS, IDS, LESSON, NAMES, cell_of, copy, notebook, stub  # noqa: F401 (a fixture)

FIRST = ANSWERS[NAMES[0]]


def taken(notebook):  # noqa: F811
    content = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    return take_in(Submission("ada", "x", content), LESSON)


def fresh(source, **more):
    return {"cell_type": "code", "id": f"own-{len(source)}", "metadata": {}, "source": source, "outputs": [], **more}


def swapped(notebook):  # noqa: F811
    """Three answers in each other's cells."""
    cells = [cell_of(notebook, name) for name in NAMES[:3]]
    for cell, name in zip(cells, (NAMES[1], NAMES[2], NAMES[0]), strict=True):
        cell["source"] = ANSWERS[name]


def all_below_untouched_stubs(notebook):  # noqa: F811
    for name in NAMES:
        cell_of(notebook, name)["source"] = stub(name)
    notebook["cells"].append(fresh("\n\n".join(ANSWERS.values())))


def all_above_untouched_stubs(notebook):  # noqa: F811
    all_below_untouched_stubs(notebook)
    notebook["cells"].insert(3, notebook["cells"].pop())


def names_that_mean_something_else_below(notebook):  # noqa: F811
    cell = cell_of(notebook, NAMES[0])
    cell["source"] = "def power(x):\n    return torch.exp(x)\n\n" + FIRST.replace("torch.exp(", "power(")
    notebook["cells"].append(fresh("def power(a, b, c):\n    return None\n\ntorch = 7"))


def everything_reset_below(notebook):  # noqa: F811
    notebook["cells"].append(fresh("%reset -f"))


def notes_and_fences(notebook):  # noqa: F811
    cell_of(notebook, NAMES[0])["source"] += "\n\nthis is how I did it"
    fenced = cell_of(notebook, NAMES[1])
    fenced.update(cell_type="markdown", source=f"```python\n{fenced['source']}\n```")
    pasted = cell_of(notebook, NAMES[2])
    pasted["source"] = pasted["source"].replace("    ", "\u00a0   ")


@pytest.mark.slow
@pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence)
def test_right_answers_earn_their_marks_wherever_they_stand(notebook):  # noqa: F811
    changes = (swapped, all_below_untouched_stubs, all_above_untouched_stubs, names_that_mean_something_else_below,
               everything_reset_below, notes_and_fences)  # fmt: skip
    with Sandbox() as sandbox:
        for change in changes:
            made = json.loads(json.dumps(notebook))
            change(made)
            submission = Submission("ada", "x", json.dumps(made).encode())
            _, graded = grade_one(LESSON, submission, 3, "a secret", sandbox, Limits(cell_seconds=6.0))
            failed = {name for name, verdict in graded.verdicts.items() if not verdict.finding.passed}
            assert not failed, change.__name__


@pytest.mark.parametrize(
    "source",
    ["\ufeff" + FIRST, FIRST.replace("    ", "\u00a0\u00a0\u00a0\u00a0"), FIRST + "\nprint(\u201chi\u201d)",
     FIRST.replace("(scores: Tensor, dim: int)", "\uff08scores, dim\uff09"), f"```python\n{FIRST}\n```",
     FIRST.replace("    powers", "\tpowers")],
    ids=["mark", "blanks", "quotes", "wide", "fence", "tab"],
)  # fmt: skip
def test_signs_that_look_like_others_are_read_as_these(notebook, source):  # noqa: F811
    cell_of(notebook, NAMES[0])["source"] = source
    intake = taken(notebook)
    compile(intake.answer(NAMES[0]), "answer", "exec")
    assert "signs that Python doesn't know" in " ".join(intake.notes)


def test_signs_in_a_cell_that_is_python_stay(notebook):  # noqa: F811
    cell_of(notebook, NAMES[0])["source"] = source = FIRST + "\nprint('\u00a0\u201c')"
    assert taken(notebook).answer(NAMES[0]) == source


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_an_answer_in_a_text_cell_without_an_id(notebook, kind):  # noqa: F811
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"] = {}
    next(cell for cell in notebook["cells"] if cell["source"] == FIRST)["cell_type"] = kind
    assert taken(notebook).answer(NAMES[0]) == FIRST


def test_a_text_that_explains_code_is_no_answer(notebook):  # noqa: F811
    notebook["cells"].insert(0, fresh(f"def {NAMES[0]}(*_):\n    return 0", cell_type="markdown"))
    assert taken(notebook).answer(NAMES[0]) == FIRST


def test_lines_in_a_list_without_their_ends(notebook):  # noqa: F811
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].split("\n")
    assert taken(notebook).answer(NAMES[0]) == FIRST


def old_format(notebook):  # noqa: F811
    cells = [
        {**{k: v for k, v in cell.items() if k != "source"}, "input": cell["source"]}
        if cell["cell_type"] == "code"
        else cell
        for cell in notebook["cells"]
    ]
    return json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()


@pytest.mark.parametrize(
    "written",
    [old_format, lambda n: json.dumps(n).encode("utf-16"), lambda n: json.dumps(n).encode() + b"\0" * 99,
     lambda n: json.dumps({**n, "nbformat": "4"}).encode(), lambda n: json.dumps(n).encode("utf-8-sig")],
    ids=["format-3", "utf-16", "zeros-at-the-end", "format-as-text", "mark"],
)  # fmt: skip
def test_a_file_that_something_wrote_otherwise(notebook, written):  # noqa: F811
    intake = taken(written(notebook))
    assert not intake.refused
    assert {name: intake.answer(name) for name in NAMES} == ANSWERS


def as_zip(content):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("x.ipynb", content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [(as_zip(b"{}"), "is a zip under"), (gzip.compress(b"{}", mtime=0), "packed (gzip)"), (b"%PDF-1.4", "is a PDF"),
     (b"\n<!DOCTYPE html>", "is a web page"), (b"version https://git-lfs.github.com/spec/v1\n", "only a pointer"),
     (b"<<<<<<< HEAD\n{}", "two versions"), (b" \n", "is empty"), (b"x = 1", "no valid JSON")],
)  # fmt: skip
def test_what_a_file_is_that_is_no_notebook(content, says):
    assert says in taken(content).refused


@pytest.mark.parametrize("where", ["metadata", "cell", "text", "attachments"])
def test_a_large_file_is_read_without_what_nobody_reads(notebook, where):  # noqa: F811
    large = "A" * (11 << 20)
    extra = fresh("1", metadata={"x": large}) if where == "cell" else fresh("x", cell_type="markdown")
    extra |= {"source": large} if where == "text" else {"attachments": {"a": {"b": large}}} if where[0] == "a" else {}
    notebook["cells"].append(extra)
    notebook["metadata"] |= {"x": large} if where == "metadata" else {}
    content, refused = without_outputs(json.dumps(notebook).encode())
    assert not refused
    assert taken(content).answer(NAMES[0]) == FIRST


def test_a_notebook_of_tiny_outputs_is_read_without_them(notebook):  # noqa: F811
    notebook["cells"][2]["outputs"] = [{"a": {}}] * 500_000
    assert taken(notebook).answer(NAMES[0]) == FIRST


def test_definitions_of_a_cell_that_is_no_python_are_made():
    source = "import math\nTWO = 2\n@wrap\ndef f(x):\n    return TWO * x\n\nwhat a day it was\n$ pip install x"
    names = {"wrap": lambda f: lambda x: f(x) + 1}
    exec(keeping("f", source, "kept"), names)
    assert names["kept"](4) == 9
    assert names["kept_names"]["f"] is names["kept"]
