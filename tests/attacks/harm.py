"""Attempts to harm the machine, the grader, the batch, or the marks of others."""

from autograder.authoring.source import ROOT
from tests.attacks.earn import CHANNEL
from tests.attacks.workshop import ARMED, EVERYTHING, OTHERS, attack

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
        "    os.kill(os.getppid(), signal.SIGSTOP)\n    os.kill(os.getpid(), signal.SIGSTOP)\n    signal.pause()"
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
