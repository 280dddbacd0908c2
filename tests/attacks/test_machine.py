"""What jobs share with the machine and with each other: nothing of it is a letter box, and little of it is seen.

Each test is named after a line of what earlier attacks found.
"""

import fcntl
import json
import os
import threading
import time
from pathlib import Path

import pytest

from autograder.sandbox import Sandbox, seccomp
from tests.sandbox.conftest import make_job, run, sandbox, text_of  # noqa: F401 (fixtures)

pytestmark = pytest.mark.xdist_group("machine")
knows_the_machine = pytest.mark.skipif(not seccomp.supported(), reason="the filter knows x86-64 and AArch64 only")
SHARED = "/usr/bin/env"
TRY = """
import ctypes, errno, fcntl, json, mmap, os, select, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
def attempt(do):
    try:
        return do()
    except OSError as error:
        return errno.errorcode[error.errno]
def call(number, *given):
    ctypes.set_errno(0)
    result = libc.syscall(number, *given)
    return result if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""


def seen(result, cell=1):
    return json.loads(text_of(result, cell))


@knows_the_machine
def test_no_file_is_pushed_out_of_memory_or_asked_whether_it_is_there(run):  # noqa: F811
    """21 bytes through the page cache of /usr's files."""
    result = run(
        TRY,
        f"""
file = os.open({SHARED!r}, os.O_RDONLY)
mapped = mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_READ)
there = (ctypes.c_ubyte * 1)()
base = libc.mmap
base.restype = ctypes.c_void_p
place = base(None, 4096, 1, 1, file, 0)
print(json.dumps({{
    "fadvise": attempt(lambda: os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)),
    "willneed": attempt(lambda: os.posix_fadvise(file, 0, 0, os.POSIX_FADV_WILLNEED)),
    "mincore": call({seccomp.DENIED["mincore"][0]}, ctypes.c_void_p(place), 4096, there),
    "readahead": call({seccomp.DENIED["readahead"][0]}, file, 0, 4096),
    "cachestat": call(451, file, 0, 0, 0),
    "preadv2": call({seccomp.ABSENT["preadv2"][0]}, file, 0, 0, 0, 0, 8),
    "pageout": attempt(lambda: mapped.madvise(21)),
    "cold": attempt(lambda: mapped.madvise(20)),
    "mergeable": attempt(lambda: mapped.madvise(12)),
    "merge all": call(157, 67, 1, 0, 0, 0),
    "still read": os.preadv(file, [bytearray(4)], 0),
}}))
""",
    )
    assert seen(result) == {
        **dict.fromkeys(
            ["fadvise", "willneed", "mincore", "readahead", "cachestat", "pageout", "cold", "mergeable", "merge all"],
            "EPERM",
        ),
        "preadv2": "ENOSYS",
        "still read": 4,
    }


@knows_the_machine
def test_no_lock_no_lease_and_no_hint_on_a_file(run):  # noqa: F811
    """flock on shared files, seen from outside and inside."""
    held = os.open(SHARED, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)  # of the machine's: it must not be seen
    lock = "struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, 0, 0, 0)"
    result = run(
        TRY,
        f"""
file, own = os.open({SHARED!r}, os.O_RDONLY), os.open("own", os.O_RDWR | os.O_CREAT)
print(json.dumps({{
    "exclusive": attempt(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)),
    "shared": attempt(lambda: fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    "range": attempt(lambda: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    **{{name: attempt(lambda: fcntl.fcntl(file, number, {lock}) and 0) for name, number in
       dict(get=5, set=6, wait=7, open_get=36, open_set=37, open_wait=38).items()}},
    "lease": attempt(lambda: fcntl.fcntl(own, 1024, fcntl.F_WRLCK)),
    "hint": attempt(lambda: fcntl.fcntl(own, 1036, struct.pack("Q", 2)) and 0),
    "close on exec": attempt(lambda: fcntl.fcntl(own, fcntl.F_SETFD, fcntl.FD_CLOEXEC)),
}}))
""",
    )
    os.close(held)
    assert seen(result).pop("close on exec") == 0
    assert {said for name, said in seen(result).items() if name != "close on exec"} == {"EPERM"}


@knows_the_machine
def test_nothing_tells_who_opens_a_file(run):  # noqa: F811
    """inotify between two workers: one job heard the other's whole answer, and which programs the machine runs."""
    numbers = {name: pair[0] for name, pair in (seccomp.DENIED | seccomp.DENIED_TOO).items() if "notify" in name}
    assert set(numbers) == {"inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_init", "fanotify_mark"}
    result = run(
        TRY,
        f"""
told = {{name: call(number, 0, 0, 0, 0, 0) for name, number in {numbers!r}.items()}}
told["dnotify"] = attempt(lambda: fcntl.fcntl(os.open("/usr/bin", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_ACCESS))
print(json.dumps(told))
""",
    )
    assert set(seen(result).values()) == {"EPERM"}


@knows_the_machine
def test_nothing_of_the_machine_is_shared_out(run):  # noqa: F811
    """Tables and orders that the whole machine has once: asynchronous requests, its clock, its disks, its keys."""
    names = ["io_setup", "sync", "syncfs", "adjtimex", "clock_adjtime", "move_pages", "migrate_pages", "keyctl"]
    names += ["add_key", "msgget", "semget", "shmget", "mq_open", "io_uring_setup", "userfaultfd", "perf_event_open"]
    names += ["name_to_handle_at", "process_vm_readv", "kcmp", "bpf", "ptrace", "pidfd_getfd", "quotactl"]
    result = run(
        TRY, f"print(json.dumps({{n: call(n, 0, 0, 0, 0, 0) for n in {[seccomp.DENIED[n][0] for n in names]}}}))"
    )
    assert set(seen(result).values()) == {"EPERM"}


def test_the_times_of_a_device_are_nobodys_letter_box(run):  # noqa: F811
    """utime on /dev/null changed the machine's own node; read 18 minutes later by another batch."""
    before = {name: os.stat(f"/dev/{name}").st_mtime_ns for name in ("null", "zero", "full", "random", "urandom")}
    result = run(
        TRY,
        """
told = []
for name in ("null", "zero", "full", "random", "urandom", "tty"):
    for do in (lambda p: os.utime(p, (4711, 4711)), lambda p: os.utime(p), lambda p: os.chmod(p, 0o600),
               lambda p: os.chown(p, os.getuid(), -1), lambda p: os.setxattr(p, "user.x", b"1"),
               lambda p: os.utime(os.open(p, os.O_RDONLY))):
        if attempt(lambda: do(f"/dev/{name}")) is None:
            told.append(name)
print(json.dumps([told, open("/dev/null", "wb").write(b"x"), len(os.urandom(4)), len(open("/dev/zero", "rb").read(3))]))
""",
    )
    assert seen(result) == [[], 1, 4, 3]
    assert before == {name: os.stat(f"/dev/{name}").st_mtime_ns for name in before}


def test_proc_shows_processes_and_nothing_of_the_machine(run):  # noqa: F811
    """/proc showed the kernel command line, load, the grader's pid, how many jobs ran before."""
    result = run(
        TRY,
        """
groups = open("/proc/self/cgroup").read()
names = sorted(n for n in os.listdir("/proc") if not n.isdecimal())
print(json.dumps([names, groups, open("/proc/self/mounts").read()]))
""",
    )
    names, groups, mounts = seen(result)
    assert names == ["self", "thread-self"]
    assert str(os.getpid()) not in "".join(c if c.isdecimal() else " " for c in groups).split()
    assert "/tmp/tmp" not in mounts


def test_a_network_of_ones_own(run):  # noqa: F811
    """Counters and closed connections of a network that jobs share would tell the next one what was sent."""
    talk = """
server = socket.create_server(("127.0.0.1", 40001))
for _ in range(20):
    with socket.create_connection(("127.0.0.1", 40001)) as client, server.accept()[0] as taken:
        client.sendall(b"x")
        taken.recv(1)
"""
    look = """
told = [len(open("/proc/self/net/tcp").readlines()) - 1, open("/proc/self/net/dev").read().split("lo:")[1].split()[:2]]
attempt(lambda: socket.create_server(("127.0.0.1", 40001), reuse_port=False))
print(json.dumps(told))
"""
    run(TRY, talk)
    assert seen(run(TRY, look)) == [0, ["0", "0"]]


def test_pseudo_terminals_of_ones_own(run):  # noqa: F811
    """251 of the machine's 4,096 pseudo-terminals by one process."""
    result = run(
        TRY,
        """
made = []
try:
    while len(made) < 100:
        made.append(os.openpty())
except OSError:
    pass
print(json.dumps([len(made), os.ttyname(made[0][1])]))
[os.close(fd) for pair in made for fd in pair]
None
""",
        "!echo there is one",
    )
    assert seen(result) == [16, "/dev/pts/0"]
    assert "there is one" in text_of(result, 2)


def test_two_workers_hear_nothing_of_each_other():
    """What one job does to files that both see, the other, at the same time, doesn't notice."""
    done = threading.Event()
    loud = f"""
import fcntl, os, time
end = time.monotonic() + 3
while time.monotonic() < end:
    file = os.open({SHARED!r}, os.O_RDONLY)
    os.read(file, 10)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        pass
    try:
        os.utime("/dev/null", (4711, 4711))
    except OSError:
        pass
    os.close(file)
"""
    quiet = (
        TRY
        + f"""
heard, end = [], time.monotonic() + 2
file = os.open({SHARED!r}, os.O_RDONLY)
before = os.stat({SHARED!r}).st_atime_ns
while time.monotonic() < end:
    if attempt(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)) != "EPERM":
        heard.append("lock")
    if os.stat("/dev/null").st_mtime == 4711:
        heard.append("time")
    if os.stat({SHARED!r}).st_atime_ns != before:
        heard.append("access")
print(json.dumps(heard))
"""
    )
    with Sandbox() as one, Sandbox() as other:

        def shout():
            one.run(make_job(loud))
            done.set()

        # The sandbox ends with the thread that started it, which is this one.
        thread = threading.Thread(target=shout)
        thread.start()
        time.sleep(0.5)
        result = other.run(make_job("import json", quiet))
        thread.join()
    assert [cell.status for cell in result.cells] == ["ok", "ok"], result
    assert done.is_set()
    if seccomp.supported():
        assert seen(result) == []


def test_the_numbers_of_further_system_calls_are_the_kernels():
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    generic = Path("/usr/include/asm-generic/unistd.h")
    if not header.exists() or not generic.exists():
        pytest.skip("linux-libc-dev is not installed")
    ours = seccomp.DENIED_TOO | {name: pair for name, (pair, _, _) in seccomp.DENIED_WITH.items()}
    for path, column in ((header, 0), (generic, 1)):
        lines = [line.split() for line in path.read_text().splitlines() if line.startswith("#define __NR")]
        table = {words[1].replace("__NR3264_", "__NR_"): words[2] for words in lines if words[2].isdecimal()}
        for name, pair in ours.items():
            if f"__NR_{name}" in table:  # older headers lack the newest
                assert table[f"__NR_{name}"] == str(pair[column]), name
