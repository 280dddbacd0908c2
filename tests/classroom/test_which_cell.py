"""Which cell is it: notebooks as other editors and hurried hands leave them."""

import json

import pytest

from autograder.authoring import source
from autograder.authoring.build import student_path
from autograder.authoring.notebook import cell_id
from autograder.grading.intake import take_in
from autograder.grading.submissions import Submission

LESSON = source.load("00")
NAMES = tuple(str(cell.marks["exercise"]) for cell in LESSON.of_kind("exercise"))
IDS = {str(cell.marks["exercise"]): cell_id(LESSON.name, cell) for cell in LESSON.of_kind("exercise")}
ANSWERS = {str(cell.marks["exercise"]): cell.source for cell in LESSON.of_kind("exercise")}


@pytest.fixture
def notebook():
    made = json.loads(student_path(LESSON.name).read_text("utf-8"))
    for cell in made["cells"]:
        cell["source"] = "".join(cell["source"])
        name = next((name for name, identity in IDS.items() if identity == cell["id"]), None)
        if name:
            cell["source"] = ANSWERS[name]
    return made


def cell_of(notebook, name):
    return next(cell for cell in notebook["cells"] if cell.get("id") == IDS[name])


def copy(cell, **changes):
    return {**json.loads(json.dumps(cell)), **changes}


def stub(name):
    made = json.loads(student_path(LESSON.name).read_text("utf-8"))
    return next("".join(cell["source"]) for cell in made["cells"] if cell["id"] == IDS[name])


def without_ids(notebook, keep_metadata_id=False):
    """As Colab, VS Code or vim write it: format 4.0 to 4.4, no ids, no nbgrader metadata."""
    for cell in notebook["cells"]:
        identity = cell.pop("id")
        cell["metadata"] = {"id": identity} if keep_metadata_id else {}
    notebook["nbformat_minor"] = 4


def all_metadata_ids(notebook):
    without_ids(notebook, keep_metadata_id=True)


def colab_ids(notebook):
    for i, cell in enumerate(notebook["cells"]):
        nbgrader = cell["metadata"].pop("nbgrader", None)
        cell["metadata"]["id"] = f"aB3_{i}" if nbgrader is None else cell["id"]
        cell.pop("id")
    notebook["nbformat_minor"] = 0


def doubled(notebook):
    notebook["cells"] += [copy(cell) for cell in notebook["cells"]]


def a_copied_cell_without_ids(notebook):
    notebook["cells"].append(copy(cell_of(notebook, NAMES[0])))
    without_ids(notebook)


def a_copied_stub_with_the_same_id(notebook):
    notebook["cells"].append(copy(cell_of(notebook, NAMES[0]), source=stub(NAMES[0])))


def a_copied_stub_without_ids(notebook):
    a_copied_stub_with_the_same_id(notebook)
    without_ids(notebook)


def two_merged(notebook):
    second = cell_of(notebook, NAMES[1])
    cell_of(notebook, NAMES[0])["source"] += "\n\n" + second["source"]
    notebook["cells"].remove(second)


def typed_into_a_fresh_cell(notebook):
    old = cell_of(notebook, NAMES[1])
    notebook["cells"][notebook["cells"].index(old)] = copy(old, id="fresh-1", metadata={})


def typed_above_the_untouched_one(notebook):
    old = cell_of(notebook, NAMES[1])
    notebook["cells"].insert(notebook["cells"].index(old), copy(old, id="fresh-1", metadata={}))
    old["source"] = stub(NAMES[1])


def made_markdown(notebook):
    cell = cell_of(notebook, NAMES[0])
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]


def made_raw(notebook):
    cell_of(notebook, NAMES[0])["cell_type"] = "raw"


def split_in_the_middle(notebook):
    cell = cell_of(notebook, NAMES[0])
    lines = cell["source"].split("\n")
    cell["source"] = "\n".join(lines[:-2])
    rest = copy(cell, id="rest", metadata={}, source="\n".join(lines[-2:]))
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, rest)


def a_cell_of_an_old_kind(notebook):
    notebook["cells"].insert(1, {"cell_type": "heading", "level": 1, "source": "Mine", "metadata": {}})
    notebook["cells"].insert(2, {"cell_type": "code", "source": None, "metadata": {}, "outputs": []})


ODD = [all_metadata_ids, without_ids, colab_ids, doubled, a_copied_cell_without_ids, a_copied_stub_with_the_same_id,
       a_copied_stub_without_ids, two_merged, typed_into_a_fresh_cell, typed_above_the_untouched_one, made_markdown,
       made_raw, split_in_the_middle, a_cell_of_an_old_kind]  # fmt: skip


@pytest.mark.parametrize("change", ODD, ids=lambda f: f.__name__)
def test_every_answer_is_found(notebook, change):
    change(notebook)
    intake = take_in(Submission("ada", "x", json.dumps(notebook).encode()), LESSON)
    assert not intake.refused
    assert not intake.faults
    code = "\n".join(cell.source for cell in intake.cells if cell.kind in ("exercise", "extra"))
    for name in NAMES:
        body = ANSWERS[name].split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0].strip()
        assert body.splitlines()[0] in code, name


@pytest.mark.parametrize("change", [without_ids, typed_into_a_fresh_cell, made_markdown, split_in_the_middle])
def test_what_was_mended_is_noted(notebook, change):
    change(notebook)
    notes = " ".join(take_in(Submission("ada", "x", json.dumps(notebook).encode()), LESSON).notes)
    assert "`" in notes


def test_two_different_answers_with_one_id_count_as_none(notebook):
    other = copy(cell_of(notebook, NAMES[0]), source=f"def {NAMES[0]}(*_):\n    return 0")
    notebook["cells"].append(other)
    intake = take_in(Submission("ada", "x", json.dumps(notebook).encode()), LESSON)
    assert intake.faults[NAMES[0]][0] == "refused"


def test_what_nobody_defines_is_missing(notebook):
    notebook["cells"].remove(cell_of(notebook, NAMES[2]))
    intake = take_in(Submission("ada", "x", json.dumps(notebook).encode()), LESSON)
    assert intake.faults == {NAMES[2]: ("missing", f"The cell of `{NAMES[2]}` is missing from the notebook.")}
