"""The small file on the learner's machine: two writers, no right to write, broken, switched off."""

import json
import subprocess
import sys

import pytest

from lessonkit import state
from lessonkit.state import State

WRITER = (
    "import sys; from lessonkit.state import State\n"
    "for i in range(30): State().change('00', lambda k: k['guesses'].__setitem__(f'{sys.argv[1]}{i}', i))"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(state.FOLDER, str(tmp_path / "state"))
    return tmp_path / "state"


def put(name, value):
    return lambda kept: kept["guesses"].__setitem__(name, value)


def test_kept_and_read_again(folder):
    State().change("00", put("a", 1))
    State().change("01", put("b", 2))
    assert State().lesson("00")["guesses"] == {"a": 1}
    assert [path.name for path in folder.iterdir()] == ["progress.json"]


def test_two_notebooks_at_once(folder):
    running = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in "ab"]
    assert [process.wait(120) for process in running] == [0, 0]
    assert len(State().lesson("00")["guesses"]) == 60


def test_a_broken_file_is_put_aside_with_a_sentence(folder):
    folder.mkdir()
    for text in ("{", "[]", '{"00": 3, "01": {"guesses": 5}}'):
        (folder / "progress.json").write_text(text)
        said = []
        State(said.append).change("00", put("a", 1))
        assert State().lesson("00")["guesses"] == {"a": 1}
        assert State().lesson("01")["guesses"] == {}
        assert [s for s in said if "put aside" in s] == said
        assert len(said) == (text != '{"00": 3, "01": {"guesses": 5}}')
    assert any(path.name.startswith("progress-broken-") for path in folder.iterdir())


def test_the_lock_of_a_kernel_that_died(folder, monkeypatch):
    monkeypatch.setattr(state, "_PATIENCE", 0.0)
    folder.mkdir()
    (folder / "lock").touch()
    State().change("00", put("a", 1))
    assert json.loads((folder / "progress.json").read_text())["00"]["guesses"] == {"a": 1}


def test_where_nothing_can_be_written_it_is_kept_in_memory(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(state.FOLDER, str(tmp_path / "file" / "state"))  # no folder can be made in a file
    said = []
    kept = State(said.append)
    kept.change("00", put("a", 1))
    kept.change("00", put("b", 2))
    assert kept.lesson("00")["guesses"] == {"a": 1, "b": 2}
    assert len(said) == 1
    assert "can't be kept" in said[0]


def test_switched_off(monkeypatch, tmp_path):
    monkeypatch.setenv(state.FOLDER, "off")
    kept = State()
    kept.change("00", put("a", 1))
    assert kept.lesson("00")["guesses"] == {"a": 1}
    assert State().lesson("00")["guesses"] == {}
