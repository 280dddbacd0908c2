"""What reads strangers' text, and the most awkward text there is: repetitions whose square careless patterns take.

    python -m tests.attacks.growth

reports what takes over 0.3 s of the processor at the size that a limit allows, and how that grows with doubling.
"""

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.authoring import source
from autograder.grading import export, feedback, needed, owners, page, ready_made, rescue, similarity
from autograder.grading.csv_reader import read_csv
from autograder.grading.fence import Fence
from autograder.grading.files import printable
from autograder.grading.graded_notebook import _boxed, _without_tex
from autograder.grading.intake import Intake, TakenCell, take_in
from autograder.grading.names import clean, meant_for, owner_in_stem
from autograder.grading.roster import _names
from autograder.grading.submissions import Submission
from autograder.sandbox import text, untrusted
from autograder.sandbox.outputs import Shown
from autograder.sandbox.protocol import Decoder, ProtocolError, parts
from lessonkit import notebook, notebook_file
from lessonkit.checks.judge import Finding
from lessonkit.checks.outcome import Failure
from lessonkit.checks.sentences import explain
from lessonkit.checks.verdict import Verdict
from lessonkit.errors import CourseError

LESSON = source.find_lesson("00")
PIECES = (  # read by eye, several to a line
    *"\n\r\t \"'()[]{}\\%#!*`-_.,:;=+@$<>&|/0a\0\a\v\x1b\x7f\x90\x9b\x9c\x9d\u0301\u0327\u0663\u2028\u202e",
    "\u3000", "é", "界", "\ud800",
    "\r\n", " \n", "\n ", "\t\n", "%\n", "# ", "\\\n", '"""', "'''", "f'{", "r'", "\x1b[", "\x1b[m", "\x1b[38m", "1;",
    "\x1b[1;", "\x1b]", "\x1b]0;a", "\x1bX", "\x90a", "\x9d\x1b", "``", "**", "*a ", "(1)", "(1", "1)", " (1)", "-1",
    "-1-", "-12", "1-", "- ", "_ ", "copy", "-copy", " copy ", "_Copy1", "kopie-", "(1)-copy", "\u0301\u0327",
    "\u0327\u0301", "\u0f71\u0f74", "_1", "_12_", "1_1_", "a_1_1_", "_LATE", "_LATE_1_1_a", "_attempt_",
    "_assignsubmission_file_", "a_1_assignsubmission_file_", "1-1 - ", " - a - ", "Mar 1, 2026 ", "+00_a+",
    "2026-01-01 ", "submission_1", "a/", "../", "..", LESSON, f"{LESSON} ", f"-{LESSON}", "def ", "def a", "def a(",
    "class ", "class a:\n", "async def ", "import ", "import a,", "from ", ".a", "a.", "a.a(", "f(", "f()", "()",
    "[0]", "[[", "((", "{{", "{1:", "{a:", "a[", "lambda ", "lambda:", "not ", "~", "- -", "a if a else ", "if a:\n ",
    "else:", "with a:\n ", "with (", "for a in ", "[a for a in ", "await ", "yield ", "*a,", "**a,", "a=", "a:=",
    "(a:=", "a==", "a+", "'a'+", "a and ", "@a\n", "a;", "a\n", "pass\n", "getattr(a,", "eval('a'+", "f'{a}'", "0x",
    "1e", "1_", "softmax", "softmax(", "softmax\n", "softmax =", "def softmax", "torch.softmax",
    "raise NotImplementedError\n", "&amp;", "<a", "</a", "<!--", "$$", "$a", "size of tensor a (1", "index -1",
    "shape '[", "stack expects each", "name '", "(1x1 and 1x", "Float", "subscript a has size 1", ";=", ", -", "-, ",
    "\"a\",", 'a"', '"a', "{\"a\":", "[1,", "1,", "\\u", "\\ud800",
)  # fmt: skip
FORMS = (  # around the repetition: what lets a pattern begin, and what makes it fail at the end
    ("", ""), ("a", "x"), ("Ada_1_", "?"), ("1-1 - a", "!"), ("    ", "\n%"), ("x = ", "\n"), ("(", ")"), ("'", "'"),
    ('"""', '"""'),
)  # fmt: skip


@cache
def lesson() -> source.LessonSource:
    return source.load(LESSON)


def repeated(piece: str, form: tuple[str, str], size: int) -> str:
    """Text of about `size` characters."""
    return form[0] + piece * (size // len(piece)) + form[1]


@dataclass(frozen=True)
class Target:
    """Something that takes text. `most`: characters of the longest that can come; `slow`: how much more than usual a
    character may cost, where a parser or a highlighter of others works on it."""

    take: Callable[[str], object]
    most: int
    slow: int = 1


def whole_notebook(cells: list[dict]) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def code(said: str, identity: str = "x") -> dict:
    return {"cell_type": "code", "id": identity, "metadata": {}, "source": said, "outputs": []}


def notebook_of(said: str) -> object:
    """As the answer, behind the answer, as an extra cell, and as ids."""
    room = said[: notebook_file.LONGEST_CELL]
    cells = [code(room, "00-exercise-softmax"), code(room), code(room, "00-exercise-weighted-average")]
    cells += [
        code("x = 1", said[:1000]),
        {"cell_type": "code", "source": [*said[:1000]], "metadata": {"id": said[:1000]}},
    ]
    return taken(whole_notebook(cells))


def many_cells(said: str) -> object:
    """The same text in very many cells."""
    piece = said[: max(1, len(said) // 1_900)]
    ids = ("00-exercise-softmax", "x", "00-exercise-weighted-average", "00-setup")
    return taken(whole_notebook([code(f"softmax = {i}\n{piece}", ids[i % len(ids)]) for i in range(1_900)]))


def taken(content: bytes) -> object:
    intake = take_in(Submission("ada", "x", content), lesson())
    if not intake.refused:
        needed.unneeded(lesson(), intake)
        ready_made.ready_made(lesson(), intake)
        for name in lesson().exercises():
            rescue.keeping(name, intake.answer(name) or "", "_answer")
    return intake


def some_code(said: str) -> object:
    notebook.defined.cache_clear()
    notebook._begun.cache_clear()
    return notebook.defined(said), notebook.is_stub(said, "softmax"), rescue.keeping("softmax", said, "kept")


def shown(said: str) -> object:
    cell = Shown(2 << 20, 6 << 20).cell()
    step = max(1, len(said) // 100)
    for start in range(0, len(said), step):
        content = {"name": "stdout", "text": said[start : start + step]}
        cell.take({"kind": "stream", "content": content})
    return cell.outputs()


def an_error(said: str) -> object:
    cell = Shown(2 << 20, 6 << 20).cell()
    cell.take({"kind": "error", "content": {"ename": said, "evalue": said, "traceback": [said]}})
    return cell.outputs()


def frames(said: str) -> object:
    decoder = Decoder()
    decoder.feed(said.encode("utf-8", "replace"))
    try:
        return decoder.next()
    except ProtocolError:
        return None


def an_outcome(said: str) -> object:
    failure = {"kind": said, "message": said, "traceback": said, "verdict": "error", "inside": said, "line": said}
    header = {"failure": failure, "others": {said: said}, "changed": [said], "digest": "", "printed": said}
    made = untrusted.outcome(header | {"returned": {said: said}}, b"")
    return explain(made.failure), explain(Failure("TypeError", made.failure.message))


def arrays(said: str) -> object:
    head = said.encode("utf-8", "replace")
    try:
        return untrusted.arrays(len(head).to_bytes(8, "little") + head)
    except ProtocolError:
        return None


def a_table(said: str) -> object:
    with tempfile.NamedTemporaryFile("w", suffix=".csv", errors="replace") as file:
        file.write(said)
        file.flush()
        try:
            return read_csv(Path(file.name))
        except CourseError as error:
            return str(error)


def a_verdict(said: str) -> object:
    made = Verdict("softmax", 0.0, 2.0, Finding("error", text.one_line(said, 1_500), text.cut(text.plain(said), 8_000)))
    return _without_tex(made._repr_html_()), _boxed(made)


def an_owner(said: str) -> object:
    found = [owners.owner_in(layout, head, said) for layout in owners.LAYOUTS for head in (said, f"a_b_c_1{said}")]
    return found, owners.layout_of({said: [said], f"{said}1": []}, [LESSON])


A_NAME = 65_000  # bytes that a zip allows
TARGETS = {
    "text.plain": Target(text.plain, 1 << 20),
    "text.coloured": Target(lambda said: text.overwritten(text.coloured(said)), 1 << 20),
    "text.one_line": Target(lambda said: text.one_line(said, 1_500), 1 << 20),
    "outputs.stream": Target(shown, 2 << 20),
    "outputs.error": Target(an_error, 1 << 20),
    "protocol.frames": Target(frames, 4 << 20),
    "protocol.parts": Target(lambda said: parts(said.encode("utf-8", "replace"), 10), 4 << 20),
    "untrusted.outcome": Target(an_outcome, 1 << 20),
    "untrusted.arrays": Target(arrays, 200_000),
    "untrusted.metadata": Target(lambda said: untrusted._metadata({said: [said]}), 1 << 20),
    "verdict": Target(a_verdict, 60_000),
    "names.clean": Target(clean, A_NAME),
    "names.meant_for": Target(lambda said: meant_for(LESSON, [LESSON], LESSON + said, [said]), A_NAME),
    "names.owner_in_stem": Target(lambda said: owner_in_stem(f"{said}{LESSON}{said}", [LESSON]), A_NAME // 2),
    "owners": Target(an_owner, A_NAME),
    "owners.moment": Target(owners.moment, A_NAME),
    "files.printable": Target(printable, A_NAME),
    "roster.names": Target(_names, A_NAME),
    "notebook": Target(notebook_of, 200_000, 20),
    "notebook.many_cells": Target(many_cells, 8_000_000, 40),
    "notebook.bytes": Target(lambda said: taken(said.encode("utf-8", "replace")), 4 << 20),
    "notebook.code": Target(some_code, notebook.LONGEST_PARSED, 20),
    "ready_made.code": Target(lambda said: ready_made.uses(said, "a", frozenset({"b"}), {"a": []}), 4_000, 20),
    "ready_made.long": Target(lambda said: ready_made.uses(said, "a", frozenset({"b"}), {}), 200_000),
    "needed": Target(lambda said: needed.unneeded(lesson(), Intake((TakenCell(said),))), 200_000),
    "similarity": Target(lambda said: similarity._fingerprints([said]), similarity.LONGEST, 20),
    "csv_reader": Target(a_table, 1 << 20),
    "export": Target(lambda said: export.csv_text([[said]]), 200_000),
    "page.table": Target(lambda said: page.table([said[:50]], [[said], [f"1{said}"]], said[:50]), 200_000),
    "page.rich": Target(page.rich, 200_000),
    "page.link": Target(lambda said: page.link(said.encode("utf-8", "replace").decode(), said), 10_000),
    "feedback.code": Target(lambda said: feedback._code(said, Fence()), 200_000, 100),
    "feedback.text": Target(lambda said: feedback._text(said, Fence()), 1 << 20, 100),
}


def seconds(take: Callable[[str], object], said: str) -> float:
    """Seconds of the processor."""
    start = time.process_time()
    take(said)
    return time.process_time() - start


def report(only: str = "", limit: int = 64_000) -> None:
    """Everything at its limit, one line for each that takes long."""
    for name, target in TARGETS.items():
        if not re.search(only, name):
            continue
        worst = (0.0, "")
        for piece in PIECES:
            for form in FORMS if target.slow > 1 or target.most <= A_NAME else FORMS[:2]:
                most = min(target.most, limit)
                size, took = min(4_000, most), 0.0
                while True:  # doubled until it takes long, so that the square of a limit is never waited for
                    took, before = seconds(target.take, repeated(piece, form, size)), took
                    worst = max(worst, (took, f"{piece!r} in {form}"))
                    linear = size >= 16_000 and took < 2.8 * before and took * most / size < 0.15
                    if took > 0.3 or size >= most or linear:
                        break
                    size = min(2 * size, most)
                if took > 0.3:
                    grows = took / before if before else float("inf")
                    print(
                        f"{name}: {took:.2f} s for {size:,} of {most:,}, x{grows:.1f}: {piece!r} in {form}", flush=True
                    )
        print(f"{name}: worst {worst[0]:.3f} s, {worst[1]}", flush=True)


if __name__ == "__main__":
    report(sys.argv[1] if sys.argv[1:] else "", int(sys.argv[2]) if sys.argv[2:] else 64_000)
