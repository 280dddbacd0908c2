"""Attempts to harm by the file that is handed in, by its name and by what lies around it."""

import io
import json
import os
import zipfile

from lessonkit.notebook_file import LONGEST_CELL, MOST_CELLS
from tests.attacks.harm import VICTIM
from tests.attacks.workshop import EVERYTHING, LESSON, OTHERS, attack, copy_of

# The file


@attack("harm", verdict="refused", says="is a link")
def link_for_a_notebook(desk):
    """Hands in a link to a file of the grader."""
    desk.put = lambda path: path.symlink_to(desk.world.canary)


@attack("harm", verdict="refused", says="is a link")
def link_for_a_folder(desk):
    """Hands in a link to the folder of another student."""
    desk.put_folder = lambda folder: folder.symlink_to(desk.world.submitted / VICTIM / LESSON)


@attack("harm", verdict="refused", says="no regular file")
def pipe_for_a_notebook(desk):
    """Hands in a pipe that nobody writes to: whoever opens it waits."""
    desk.put = os.mkfifo


@attack("harm", verdict="refused", says="no regular file|can't be read")
def folder_for_a_notebook(desk):
    """Hands in a folder by the name of the notebook."""
    desk.put = lambda path: path.mkdir()


@attack("harm", verdict="refused", says="larger than 10 MB")
def fifty_megabytes(desk):
    """Hands in fifty megabytes."""

    def put(path):
        with path.open("wb") as file:
            file.truncate(50 << 20)

    desk.put = put


@attack("harm", verdict="refused", says="no valid JSON")
def nothing(desk):
    """Hands in an empty file."""
    desk.raw = b""


@attack("harm", verdict="refused", says="not UTF-8")
def no_text(desk):
    """Hands in bytes that are no UTF-8."""
    desk.raw = desk.bytes().replace(b"Lesson", b"\xff\xfe\x80")


@attack("harm", EVERYTHING)
def half_a_character(desk):
    """Writes half a character into an answer: it can be read, but not written. It is replaced."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] += "\n# \ud800"


@attack("harm", EVERYTHING)
def numbers_that_are_none(desk):
    """NaN, infinity and numbers of a thousand digits in the metadata: of no concern."""
    desk.solve()
    raw = json.dumps(desk.notebook)
    huge = '{"nan": NaN, "inf": -Infinity, "big": 1e999999, "long": ' + "9" * 4000 + ", "
    desk.raw = raw.replace('"metadata": {', '"metadata": ' + huge, 3).replace(huge + "}", huge[:-2] + "}").encode()


@attack("harm", verdict="refused", says="no valid JSON")
def a_number_of_a_million_digits(desk):
    """A number that takes minutes to read."""
    desk.raw = b'{"nbformat": 4, "cells": [], "metadata": {"n": ' + b"9" * 1_000_000 + b"}}"


@attack("harm", verdict="refused", says="nested too deep")
def nested_without_end(desk):
    """Brackets within brackets, a million times."""
    desk.raw = b'{"nbformat": 4, "metadata": ' + b"[" * 1_000_000


@attack("harm", verdict="refused", says="format is not 4")
def format_of_the_future(desk):
    """Says that its format is another."""
    desk.solve()
    desk.notebook["nbformat"] = 10**100


@attack("harm", verdict="refused", says=f"more than {MOST_CELLS} are not read")
def very_many_cells(desk):
    """A hundred thousand cells."""
    desk.notebook["cells"] += [{"cell_type": "code", "source": "1"}] * 100_000


@attack("harm", EVERYTHING)
def a_very_long_cell(desk):
    """A cell that takes longer to compile than to run: it is left out."""
    desk.solve()
    desk.add("(" * 100_000 + "1" + ")" * 100_000 + " " * LONGEST_CELL)


@attack("harm", EVERYTHING, raises="SyntaxError|MemoryError|RecursionError")
def a_cell_that_the_compiler_cannot_take(desk):
    """Code that is nested deeper than the compiler goes, or takes it very long."""
    desk.solve()
    desk.add("(" * 90_000 + "1" + ")" * 90_000)
    desk.add("-" * 150_000 + "1")
    desk.add("x = " + "[" * 90 + "]" * 90 + "\nx = " + "1 if x else " * 5_000 + "2")


@attack("harm", OTHERS, verdict="wrong|error|timeout")
def code_that_cannot_be_written_down(desk):
    """An answer that is nested as deep as can be parsed, but not as deep as can be written down again."""
    desk.answer(f"def softmax(scores, dim):\n    return scores * ({'-' * 900}1)")


@attack("harm", EVERYTHING)
def cells_that_are_none(desk):
    """Cells that are numbers, lists, and objects without a type: they are left out."""
    desk.solve()
    desk.notebook["cells"][2:2] = [7, [], {"cell_type": {"code": 1}}, None]


@attack("harm", EVERYTHING)
def ids_of_every_kind(desk):
    """Ids and metadata that are lists, numbers, objects and half characters."""
    desk.solve()
    for i, odd in enumerate(({}, [], 7, None, "\ud800", "x" * 100_000, True)):
        made = desk.add(f"odd = {i}")
        made["id"], made["metadata"] = odd, {"nbgrader": odd}
        desk.notebook["cells"].append(copy_of(made, metadata=odd, source=["odd\n", "+ 1"]))


# The marks of others


@attack("harm")
def folder_of_another_within_its_own(desk):
    """Hands in, within its own folder, a folder with the name of another student."""
    for place in (f"{VICTIM}/{LESSON}/{LESSON}.ipynb", f"{LESSON}/{VICTIM}/{LESSON}/{LESSON}.ipynb"):
        desk.files[place] = desk.bytes()
    desk.files[f"{VICTIM}/{LESSON}.ipynb"] = desk.files[f"{LESSON}/{VICTIM}_{LESSON}.ipynb"] = desk.bytes()


@attack("harm")
def file_named_after_another(desk):
    """Hands in its notebook under the name of another student, as flat folders have it."""
    content = desk.bytes()
    desk.put_folder = lambda folder: (folder.parent / f"{VICTIM}_{LESSON}.ipynb").write_bytes(content)


@attack("harm", folder="honest middle", entered=r"honest-middle-\w+")
def name_that_becomes_anothers(desk):
    """Is called so that the name, once cleaned, is that of another student."""


@attack("harm", EVERYTHING)
def very_deep_folders(desk):
    """Hands in folders within folders, deeper than who walks them can go."""
    desk.solve()
    desk.deep = 1_100


@attack("harm", verdict="refused", says="second notebook")
def very_many_notebooks(desk):
    """Hands in five hundred notebooks."""
    content = desk.bytes()

    def put(folder):
        for i in range(500):
            (folder.parent / f"answer-{i}.ipynb").write_bytes(content + b" " * i)

    desk.put_folder = put


@attack("harm", verdict="refused", says="second notebook")
def names_that_are_no_text(desk):
    """Hands in two files whose names are no UTF-8, and hold what a terminal or a page would execute."""

    def put(folder):
        for name in (b"a\xff.ipynb", b"b\xfe\x1b[2J<script>\n.ipynb"):
            with open(os.fsencode(folder.parent) + b"/" + name, "wb") as file:
                file.write(b"{}" + name)

    desk.put_folder = put


def hostile_zip(honest: bytes) -> bytes:
    """A zip as a learning platform gives it, with what students may have uploaded."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"honest_{LESSON}.ipynb", honest)
        archive.writestr(f"bomb_{LESSON}.ipynb", bytes(200 << 20))
        archive.writestr(f"../../../../tmp/out_{LESSON}.ipynb", honest)
        archive.writestr(f"/absolute_{LESSON}.ipynb", honest)
        archive.writestr(f"{'𝒜' * 100}_{LESSON}.ipynb", honest)
        archive.writestr(f"=1+1_{LESSON}.ipynb", b"{}")
        link = zipfile.ZipInfo(f"link_{LESSON}.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr(f"liar_{LESSON}.ipynb", bytes(50 << 20))
    content = bytearray(buffer.getvalue())
    at = content.rindex(f"liar_{LESSON}".encode())  # in the directory at the end: says that it is small
    content[at - 22 : at - 18] = (1000).to_bytes(4, "little")
    return bytes(content)
