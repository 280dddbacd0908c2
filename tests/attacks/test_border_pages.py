"""What strangers wrote, on its way to pages and tables: limits of time and length, and what SECURITY.md says."""

import contextlib
import csv
import itertools
import json
import random
import re
import threading
import time
from collections import Counter

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from autograder.authoring import source
from autograder.grading import export, feedback, page, similarity
from autograder.grading.fence import Fence
from tests.attacks import everything  # noqa: F401 (it enters what the modules of attacks hold)
from tests.attacks.workshop import ATTACKS, LESSON

# Pages


def test_a_long_text_is_compared_soon(tmp_path, monkeypatch):
    """Megabytes that many hand in alike: their fingerprints, and all pairs of students, took hours."""
    text = "".join(random.Random(1).choices("abcdefgh \n()=+", k=190_000))
    notebook = new_notebook(cells=[new_code_cell(text, id=f"00-extra-{i}") for i in range(30)])
    monkeypatch.setattr(similarity, "graded_path", lambda *given: tmp_path / "x.ipynb")
    nbformat.write(notebook, tmp_path / "x.ipynb")
    start = time.process_time()
    assert similarity.similar(source.load(LESSON), ["ada", "boris"], tmp_path)[0].share == 1
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
