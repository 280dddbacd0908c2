"""Attempts to harm the machine, the grader, the batch, or the marks of others."""

import io
import json
import os
import zipfile

from autograder.authoring.source import ROOT
from lessonkit.notebook import LONGEST_CELL, MOST_CELLS
from tests.attacks.earn import CHANNEL
from tests.attacks.workshop import ARMED, EVERYTHING, LESSON, OTHERS, attack, copy_of

VICTIM = "honest-middle"  # a student whose marks others try to change
STUBBORN = "    while True:\n        try:\n            for i in range(10**9): n = i\n        except BaseException: pass"


# The interpreter and the machine


@attack("harm", EVERYTHING, shows=ARMED)
def fork_bomb(desk):
    """Forks without end, from a cell; the answers are right, that of the cell itself comes after it."""
    desk.solve()
    cell = desk.cell("exercise", "softmax")
    cell["source"] = (
        f"print({ARMED!r}, flush=True)\nimport os\nwhile True:\n"
        f"    try:\n        os.fork()\n    except OSError:\n        pass\n{cell['source']}"
    )


@attack("harm", OTHERS, verdict="error|timeout")
def memory_bomb(desk):
    """Takes all memory while it is probed."""
    desk.answer("def softmax(scores, dim):\n    held = []\n    while True:\n        held.append(bytearray(50_000_000))")


@attack("harm", EVERYTHING, shows="No space left|File too large", raises="OSError")
def full_disk(desk):
    """Fills the disk."""
    desk.solve()
    desk.add("print('armed')\nfor i in range(10**6):\n    open(f'f{i}', 'wb').write(bytes(4 << 20))")


@attack("harm", EVERYTHING, shows="The output was cut here", raises="KeyboardInterrupt")
def flood_of_text(desk):
    """Prints without end. It costs the cell, which has no mark."""
    desk.solve()
    desk.add("while True:\n    print('x' * 1000)")


@attack("harm", EVERYTHING, shows="The output was cut here", raises="KeyboardInterrupt")
def flood_of_displays(desk):
    """Shows without end."""
    desk.solve()
    desk.add("while True:\n    display({'text/html': '<p>' * 1000}, raw=True)")


@attack("harm", EVERYTHING, shows="The output was cut here")
def multiplying_updates(desk):
    """Shows many small things under one name, then makes each of them large with a single message."""
    desk.solve()
    desk.add("""
from IPython.display import update_display
for i in range(150):
    display(i, display_id="many")
update_display("x" * 90_000, display_id="many")
""")


@attack("harm", EVERYTHING, shows="The output was cut here|ok so far")
def flood_without_content(desk):
    """Sends messages that show nothing, but carry large names that must be remembered."""
    desk.solve()
    desk.add(
        CHANNEL
        + """
name = "x" * 4_000_000
for i in range(10):
    content = {"data": {"text/plain": "a"}, "metadata": {}, "transient": {"display_id": f"{i}{name}"}}
    channel.sendall(frame({"type": "output", "kind": "display_data", "content": content}))
print("ok so far")
"""
    )


@attack("harm", EVERYTHING)
def too_much_in_every_cell(desk):
    """Goes a little over the limit of a cell's output, in very many cells."""
    desk.solve()
    code = """
content = {"name": "stdout", "text": "x" * 900_000}
channel.sendall(frame({"type": "output", "kind": "stream", "content": content}))
"""
    desk.add(CHANNEL)
    for _ in range(60):
        desk.add(code)


@attack("harm", EVERYTHING, shows=ARMED)
def metadata_without_bottom(desk):
    """Sends an output that is nested just less deep than what the reader of JSON refuses."""
    desk.solve()
    desk.add(
        CHANNEL
        + f"""
print({ARMED!r}, flush=True)
nested = '{{"a":' * 940 + "1" + "}}" * 940
head = '{{"type":"output","kind":"display_data","content":{{"data":{{"text/plain":"x"}},"metadata":' + nested + "}}}}"
channel.sendall(struct.pack("!II", len(head), 0) + head.encode())
"""
    )


@attack("harm", EVERYTHING, shows="RecursionError|maximum recursion|died|ended")
def deep_recursion(desk):
    """Recurs without end, with the limit lifted, until the stack is used up."""
    desk.solve()
    desk.add("import sys\nsys.setrecursionlimit(10**9)\nprint('RecursionError', flush=True)\ndef g(): return g()\ng()")


@attack("harm", EVERYTHING, note="ended")
def ends_its_interpreter(desk):
    """Ends the interpreter in a cell: it costs that cell, and the notebook is run again without it."""
    desk.solve()
    desk.add("import os\nos._exit(0)")


@attack("harm", EVERYTHING, note="ended")
def crashes_its_interpreter(desk):
    """Crashes it in C."""
    desk.solve()
    desk.add("import ctypes\nctypes.string_at(0)")


@attack("harm", EVERYTHING, note="ended")
def becomes_another_program(desk):
    """Replaces the interpreter by another program."""
    desk.solve()
    desk.add("import os\nos.execv('/bin/sleep', ['sleep', '0.1'])")


@attack("harm", verdict="error", note="ended")
def ends_again_and_again(desk):
    """Ends the interpreter in every cell; it is started once more, not more often."""
    for name in desk.names:
        desk.add("import os\nos._exit(0)", name)


@attack("harm", EVERYTHING, note="ended")
def closes_everything(desk):
    """Closes every descriptor, the wire to the grader included."""
    desk.solve()
    desk.add("import os\nos.closerange(0, 512)")


@attack("harm", OTHERS, verdict="error")
def ends_in_the_answer(desk):
    """Ends the interpreter whenever it is probed."""
    desk.answer("import os\ndef softmax(scores, dim):\n    os._exit(0)")


@attack("harm", OTHERS, verdict="timeout")
def endless_answer(desk):
    """Never returns."""
    desk.answer("def softmax(scores, dim):\n    while True: pass")


@attack("harm", OTHERS, verdict="timeout")
def stubborn_answer(desk):
    """Never returns, and doesn't let itself be interrupted."""
    desk.answer(f"def softmax(scores, dim):\n{STUBBORN}")


@attack("harm", OTHERS, verdict="timeout")
def stops_itself(desk):
    """Stops its own process and its parent, and waits."""
    desk.answer(
        "import os, signal\ndef softmax(scores, dim):\n"
        "    os.kill(os.getppid(), signal.SIGSTOP)\n    os.kill(os.getpid(), signal.SIGSTOP)"
    )


@attack("harm", EVERYTHING, shows=ARMED)
def kills_everybody(desk):
    """Kills all it can name: its parent, its group, every number. Only its own processes are there."""
    desk.solve()
    desk.trick("""
import os, signal
for pid in [-1, os.getppid(), *range(2, 40_000)]:
    for s in (signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(pid, s)
        except OSError:
            pass
""")


@attack("harm", EVERYTHING, shows=ARMED)
def leaves_processes_behind(desk):
    """Starts processes in sessions of their own that outlive the notebook and use all processors."""
    desk.solve()
    desk.trick("""
import os, subprocess
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["left-behind-by-an-attack", "600"])
        os._exit(0)
""")


@attack("harm", EVERYTHING, shows=r"written \[\]")
def writes_elsewhere(desk):
    """Changes what the grader or the next submission uses: lessonkit, data, packages, the kernel's settings."""
    world = desk.world
    desk.solve()
    desk.trick(f"""
import glob, os, site, sys
import lessonkit, numpy
written = []
targets = [lessonkit.__file__, numpy.__file__, sys.executable,
    {str(world.canary)!r}, {str(world.out / "gradebook.db")!r},
    {str(ROOT / "data" / "README.md")!r}, {str(ROOT / "Makefile")!r}, "/etc/passwd", "/proc/sysrq-trigger",
    "/proc/sys/kernel/core_pattern", "/proc/1/oom_score_adj", "/run/grader/autograder/sandbox/child.py",
    *glob.glob("/run/grader/autograder/sandbox/*"), *glob.glob(os.path.dirname(lessonkit.__file__) + "/expected/*")]
for path in targets:
    for do in (lambda: open(path, "ab").write(b"\\n"), lambda: os.chmod(path, 0o777), lambda: os.unlink(path),
               lambda: os.rename(path, path + "x"), lambda: os.utime(path)):
        try:
            do()
            written.append(path)
        except OSError:
            pass
for folder in {{*map(os.path.dirname, targets), *site.getsitepackages(), "/", "/usr/lib"}}:
    try:
        open(os.path.join(folder, "mine.pth"), "w").close()
        written.append(folder)
    except OSError:
        pass
print("written", [path for path in written if path != "/proc/1/oom_score_adj"])
""")


@attack("harm", EVERYTHING, shows=r"raised \[\]")
def lifts_its_limits(desk):
    """Lifts the limits of its process, becomes root, and makes namespaces and mounts of its own."""
    desk.solve()
    desk.trick("""
import ctypes, os, resource
raised = []
libc = ctypes.CDLL(None, use_errno=True)
for name in ("RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_CPU"):
    which = getattr(resource, name)
    soft, hard = resource.getrlimit(which)
    for wanted in (hard + 1, resource.RLIM_INFINITY):
        try:
            resource.setrlimit(which, (wanted, wanted))
            raised.append(name)
        except (OSError, ValueError):
            pass
for flags in (0x10000000, 0x00020000, 0x20000000, 0x40000000):
    if libc.unshare(flags) == 0:
        raised.append(hex(flags))
if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0 or libc.umount2(b"/proc", 2) == 0 or libc.chroot(b"/tmp") == 0:
    raised.append("mount")
if os.geteuid() != 0:
    for become in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([0])):
        try:
            become()
            raised.append("root")
        except OSError:
            pass
try:
    os.nice(-5)
    raised.append("nice")
except OSError:
    pass
print("raised", raised)
""")


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


@attack("harm", verdict="refused", says="no text")
def half_a_character(desk):
    """Writes half a character into an answer: it can be read, but not written."""
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


@attack("harm", verdict="refused", says=f"more than {LONGEST_CELL:,} characters")
def a_very_long_cell(desk):
    """A cell that takes longer to compile than to run."""
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


@attack("harm", verdict="refused", says="cell 3 is no cell")
def cells_that_are_none(desk):
    """Cells that are numbers, lists, and objects without a type."""
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
