"""Attempts to harm what is done after a cell has run: pages and tables, the wire, the whole machine."""

from tests.attacks.earn import CHANNEL
from tests.attacks.workshop import ARMED, EVERYTHING, attack

# What is written afterwards: pages, tables


def _shows(desk, code):
    desk.solve()
    desk.trick(code)


@attack("harm", EVERYTHING, shows=ARMED)
def colours_that_are_none(desk):
    """Prints colour sequences that end before their colour: who reads them fails, and later students get no page."""
    _shows(
        desk,
        """
import sys
for broken in ("38", "48", "38;5", "48;2;1;2", "38;5;999", "0;38", ";" * 50, "1;" * 2_000):
    print(f"\\x1b[{broken}mbroken\\x1b[0m")
    print(f"\\x1b[{broken}m", file=sys.stderr)
display({"text/plain": "\\x1b[38mbroken", "image/png": "iVBORw0KGgo="}, raw=True)
""",
    )


@attack("harm", EVERYTHING, raises=r"E38m?|E.*")
def colours_that_are_none_in_an_error(desk):
    """The same in a traceback."""
    desk.solve()
    desk.add("raise type('E\\x1b[38m', (Exception,), {})('\\x1b[48m')")


@attack("harm", EVERYTHING, shows=ARMED)
def one_colour_of_many_numbers(desk):
    """Prints one sequence of very many numbers: readers take the square of them."""
    _shows(desk, "print('\\x1b[' + '1;' * 90_000 + '1m')")


@attack("harm", EVERYTHING)
def forty_thousand_blank_lines(desk):
    """A cell of lines that hold one blank each: the highlighter takes the square of them."""
    desk.solve()
    for _ in range(5):
        desk.add("x = 1\n" + " \n" * 40_000)
    desk.add("\n" * 190_000)


@attack("harm", EVERYTHING)
def code_without_end(desk):
    """Cells of brackets, tabs, quotes and one word, as long as a cell may be."""
    desk.solve()
    for text in ("(" * 90_000 + ")" * 90_000, "'''" + "\t\n" * 90_000 + "'''", "'" + "x" * 190_000 + "'"):
        desk.add(f"# {text}" if "\n" not in text else text)


@attack("harm", EVERYTHING, shows=ARMED)
def pictures_without_end(desk):
    """Shows very many pictures, and text as long as it may be, in every cell."""
    _shows(
        desk,
        """
import base64
for _ in range(10):
    display({"image/png": base64.b64encode(bytes(8_000)).decode(), "text/plain": "x" * 300}, raw=True)
print("x" * 50_000)
""",
    )


@attack("harm", EVERYTHING, shows=r"made (1?\d|none)\b")
def all_pseudo_terminals(desk):
    """Opens pseudo-terminals until there are no more: the machine has 4,096 for everybody."""
    desk.solve()
    desk.trick("""
import os
made = []
try:
    while len(made) < 200:
        made.append(os.openpty())
except OSError:
    pass
print("made", len(made))
""")


def _forged(index):
    return (
        CHANNEL
        + f"""
def softmax(scores, dim):
    head = json.dumps({index}).encode()
    answer = dict(type="outcome", exercise="_answer_softmax", seed=stack_value("seed"), others={{}}, failure=None,
                  changed=[], digest="", printed="")
    channel.sendall(frame(answer, struct.pack("<Q", len(head)) + head))
    time.sleep(30)
"""
    )


@attack("harm", verdict="error", says="could not be read|ended")
def an_index_of_empty_arrays(desk):
    """Sends a result whose index names very many arrays that hold nothing: gigabytes for who builds it."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = _forged(
        '{f"a{i}": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]} for i in range(60_000)}'
    )


@attack("harm", EVERYTHING, note="ended|no output|Cell|cell")
def frames_of_many_values(desk):
    """Sends outputs that are long lists of little: each value costs the reader twenty times its length."""
    desk.solve()
    desk.add(
        CHANNEL
        + """
head = b'{"type":"output","kind":"stream","content":[' + b"{}," * 1_000_000 + b"1]}"
channel.sendall(struct.pack("!II", len(head), 0) + head)
"""
    )


@attack("harm", verdict="refused", says="holds too much")
def a_file_of_many_values(desk):
    """Hands in ten megabytes of empty lists: two hundred once they are read."""
    desk.raw = b'{"nbformat": 4, "metadata": {}, "cells": [' + b"[]," * 3_400_000 + b"1]}"
