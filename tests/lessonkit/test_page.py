"""Progress, handing in, and what stands in the place of a demonstration that can't run yet."""

import json
import os
import shutil
from types import SimpleNamespace

import nbformat
import pytest

from autograder.authoring import source
from autograder.authoring.build import student_path
from autograder.grading.intake import take_in
from autograder.grading.submissions import Submission
from lessonkit import Lesson, kernel, state
from lessonkit.checks.finding import Finding
from lessonkit.checks.verdict import Verdict
from lessonkit.page import demonstration, hand_in, progress, start

LESSON = "00_weighted_average"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A lesson's folder to stand in, and a state file of the test's own."""
    monkeypatch.setenv(state.FOLDER, str(tmp_path / "state"))
    monkeypatch.delenv("LESSONKIT_STRICT", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    place = tmp_path / "lessons" / LESSON
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def shown(monkeypatch):
    found = []
    monkeypatch.setattr("IPython.display.display", lambda *things, **_: found.extend(things))
    return found


def verdict(exercise, said, points=0.0):
    return Verdict(exercise, points, 2.0, Finding(said))


def test_what_is_noted_of_a_check():
    kept = {"checks": {}, "guesses": {}}
    for seconds, said, answer in (
        (0, "not_started", "a"),
        (60, "wrong", "b"),
        (70, "wrong", "b"),
        (5000, "wrong", "c"),
    ):
        progress.note(kept, verdict("softmax", said), answer, since=-120, now=seconds)
    progress.note(kept, verdict("softmax", "passed", 2), "d", since=0, now=5060)
    progress.note(kept, verdict("softmax", "wrong"), "e", since=0, now=5100)
    entry = kept["checks"]["softmax"]
    assert (entry["verdict"], entry["now"], entry["tries"]) == ("passed", "wrong", 3)
    assert entry["minutes"] == pytest.approx(2 + 1 + 1 / 6 + 10 + 1, abs=0.2)


def test_the_line_and_the_table(shown, folder):
    for name in ("01_seq2seq", "03_additive_attention"):
        (folder.parent / name).mkdir()
        shutil.copy(student_path(name), folder.parent / name)
    shutil.copy(student_path(LESSON), folder)
    lesson = Lesson(LESSON)
    lesson._state.change(LESSON, lambda kept: progress.note(kept, verdict("softmax", "passed"), "x", 0))
    lesson.progress()
    assert shown[0].text.startswith("2 of 13 points; open: masked_softmax, ")
    assert 'Next: <a href="../01_seq2seq/01_seq2seq.ipynb">' in shown[0].html
    start.show(folder.parent)
    assert "Lesson 00: the weighted average" in shown[1].text
    assert "2 of 13" in shown[1].text
    assert "not begun" in shown[1].text
    assert shown[2].text == "Next: masked_softmax in Lesson 00: the weighted average."
    assert f'<code>masked_softmax</code> in <a href="{LESSON}/{LESSON}.ipynb">Lesson 00' in shown[2].html


def test_nonsense_in_the_state_file_does_no_harm(shown, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "progress.json").write_text(
        json.dumps({LESSON: {"checks": {"softmax": {"verdict": 3, "tries": "x", "last": None}, "y": []}}})
    )
    lesson = Lesson(LESSON)
    lesson.progress()
    lesson._state.change(LESSON, lambda kept: progress.note(kept, verdict("softmax", "wrong"), "x", 0))
    assert shown[0].text.startswith("0 of 13")


def notebook(folder, *answers):
    """The learner's notebook with the reference answers to some exercises."""
    lesson, made = source.load(LESSON), nbformat.read(student_path(LESSON), as_version=4)
    for name in answers:
        cell = lesson.exercises()[name].cell
        next(c for c in made.cells if c.id == f"00-exercise-{name}".replace("_", "-")).source = cell.source
    path = folder / f"{LESSON}.ipynb"
    nbformat.write(made, path)
    return path


KEPT = {"checks": {"softmax": {"now": "passed"}, "weighted_average": {"now": "wrong"}}, "guesses": {}}


def test_what_is_handed_in_is_what_the_grader_takes(folder):
    path = notebook(folder, "softmax", "weighted_average")
    made = nbformat.read(path, as_version=4)
    made.cells[1].outputs = [nbformat.v4.new_output("stream", text="secret")]
    nbformat.write(made, path)
    found = hand_in.hand_in(LESSON, KEPT)
    assert found.path == folder.parent / "handin" / f"{LESSON}.ipynb"
    assert found.sentences == (f"Written: `{found.path}`. This is the file to hand in.",)
    rows = {name: said for name, *said in found.rows}
    assert rows["softmax"] == ["an answer", "passed"]
    assert rows["weighted_average"] == ["an answer", "not yet right"]
    assert rows["sure_and_wrong"] == ["not started", "not checked"]
    assert "secret" not in found.path.read_text()
    intake = take_in(Submission("ada", LESSON, found.path.read_bytes()), source.load(LESSON))
    assert not intake.faults
    assert intake.answer("softmax").strip() == source.load(LESSON).exercises()["softmax"].cell.source.strip()


def test_an_id_that_is_gone_is_told_while_it_can_be_mended(folder):
    path = notebook(folder, "softmax", "weighted_average")
    made = nbformat.read(path, as_version=4)
    made.cells = [cell for cell in made.cells if cell.id != "00-exercise-sure-and-wrong"]
    nbformat.write(made, path)
    found = hand_in.hand_in(LESSON, KEPT)
    assert found.path is not None
    assert "The cell of `sure_and_wrong` is missing from the notebook." in found.sentences
    assert any("open a fresh" in sentence for sentence in found.sentences)


def test_what_can_not_be_handed_in(folder, monkeypatch, tmp_path):
    assert "was not found" in hand_in.hand_in(LESSON, KEPT).sentences[0]
    path = notebook(folder)
    assert "nothing to hand in" in hand_in.hand_in(LESSON, KEPT).sentences[-1]
    path.write_text("{")
    assert "can't be graded: the file is not a notebook" in hand_in.hand_in(LESSON, KEPT).sentences[0]
    shutil.copy(student_path("01_seq2seq"), path)
    assert "holds no exercise of 00_weighted_average" in hand_in.hand_in(LESSON, KEPT).sentences[0]
    assert not (folder.parent / "handin").exists()
    notebook(folder, "softmax")
    (folder.parent / "handin").write_text("a file in the folder's place")
    found = hand_in.hand_in(LESSON, KEPT)
    assert found.path is None
    assert "can't be written" in found.sentences[-1]


def test_a_notebook_that_is_not_saved(folder, monkeypatch):
    notebook(folder, "softmax")
    ran = ["1 + 1", "def softmax(scores, dim):\n    return scores", "print('softmax = ...')"]
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_raw=ran))
    monkeypatch.setattr(kernel, "shell", lambda: shell)
    monkeypatch.setattr(kernel, "variables", dict)
    found = hand_in.hand_in(LESSON, KEPT)
    assert found.path is None
    assert "isn't what you ran last: `softmax`. Save the notebook" in found.sentences[0]
    ran.append(source.load(LESSON).exercises()["softmax"].cell.source + "\n")
    assert hand_in.hand_in(LESSON, KEPT).path is not None


def test_a_notebook_that_was_renamed_is_found(folder, monkeypatch):
    renamed = folder / "my copy.ipynb"
    notebook(folder, "softmax").rename(renamed)
    assert hand_in.find(LESSON) == renamed
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "gone.ipynb"))
    assert hand_in.find(LESSON) == renamed
    notebook(folder)
    monkeypatch.setenv("JPY_SESSION_NAME", str(renamed))
    assert hand_in.find(LESSON) == renamed
    assert os.environ["JPY_SESSION_NAME"] == str(renamed)


def stub():
    raise NotImplementedError()


def test_a_demonstration_that_stopped_leaves_nothing_half_made(shown, monkeypatch):
    names = {"data": 1, "_3": 1}
    monkeypatch.setattr(kernel, "variables", lambda: names)
    lesson = Lesson(LESSON)
    with lesson.demonstration("training"):
        names.update(model="not trained", data=2, _3=2)
        stub()
    assert names == {"data": 1, "_3": 2}
    with lesson.demonstration("looking"):
        raise NameError("name 'model' is not defined", name="model")
    assert "needs `model`, from one further up that could not run yet" in shown[1].text
    with lesson.demonstration("training"):
        names["model"] = "trained"
    assert names["model"] == "trained"
    with lesson.demonstration("looking"):
        names["seen"] = names["model"]
    with lesson.demonstration("other"):
        raise NameError("name 'Tensor' is not defined", name="Tensor")
    assert kernel.ADVICE in shown[2].text


def test_a_demonstration_that_waits_shows_what_was_recorded(shown, monkeypatch):
    monkeypatch.setattr(demonstration, "recorded", lambda lesson, name: [{"data": {"text/plain": "figure"}}])
    with Lesson(LESSON).demonstration("bandwidths"):
        stub()
    assert shown[0].text == "This demonstration waits for your `stub`. Below is what the reference run showed."
    assert "<code>stub</code>" in shown[0].html
    assert shown[1:-1] == [{"text/plain": "figure"}]
    assert "So far the reference run" in shown[-1].text


def test_where_nothing_was_recorded_nothing_is_promised(shown):
    with Lesson(LESSON).demonstration("no_such"):
        stub()
    assert [thing.text for thing in shown] == ["This demonstration waits for your `stub`."]


def test_names_that_are_not_there(shown):
    lesson = Lesson(LESSON)
    with lesson.demonstration("no_such"):
        attention_of  # noqa: B018, F821
    assert "needs `attention_of`, which is not there. If the kernel was restarted" in shown[0].text
    assert "Run All Above" in shown[0].text
    with lesson.demonstration("no_such"):
        stub()
    with lesson.demonstration("no_such"):
        model  # noqa: B018, F821
    assert "from one further up that could not run yet" in shown[2].text


def softmax(scores):
    return nothing_of_that_name  # noqa: F821


def test_a_slip_in_an_answer_is_the_learners(shown):
    with Lesson(LESSON).demonstration("no_such"):
        softmax(1)
    assert shown[0].text.startswith("This demonstration stopped in your `softmax`: NameError: name 'nothing_of_that")
    assert "<summary>Where</summary>" in shown[0].html
