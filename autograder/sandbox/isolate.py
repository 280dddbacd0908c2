"""What shuts one job in: namespaces, mounts, resource limits, an unprivileged user, fewer system calls.

Runs inside the sandbox, in the zygote and in its children: the standard library only. Python 3.11 has no os.unshare,
so the calls go through ctypes.
"""

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
import socket
import struct
from collections.abc import Iterator

from autograder.sandbox import seccomp

HOME = "/run/notebook"
_NEWNS, _NEWIPC, _NEWPID, _NEWNET = 0x00020000, 0x08000000, 0x20000000, 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")  # the machine's own
TERMINALS = 16  # pseudo-terminals a job may have: IPython's `!command` takes one
_RDONLY, _REMOUNT, _BIND = 1, 32, 4096
_NOSUID, _NODEV, _NOEXEC, _REC, _PRIVATE = 2, 4, 8, 16384, 1 << 18
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS, _AMBIENT, _AMBIENT_CLEAR_ALL = 1, 24, 38, 47, 4
_SUBREAPER = 36
_LAST_CAPABILITY = 63  # the kernel refuses those it doesn't know
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


@contextlib.contextmanager
def children_in_own_pid_namespace() -> Iterator[None]:
    """Inside the block, the next child is the first process of a new PID namespace."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("unshare", _NEWPID)
        try:
            yield
        finally:
            _call("setns", own, _NEWPID)
    finally:
        os.close(own)


def adopt_orphans() -> None:
    """Become the parent of every orphan among the descendants, so that none escapes the final kill."""
    _call("prctl", _SUBREAPER, 1, 0, 0, 0)


def private_mounts(disk_bytes: int, tmp: bool, uid: int) -> None:
    """What each job has for itself: /proc, terminals, a network that leads nowhere, and its folders.

    /proc shows processes and nothing of the machine. The home folder, /tmp (if `tmp`) and /dev/shm are empty and
    bounded.
    """
    _call("unshare", _NEWNS | _NEWIPC | _NEWNET)
    _loopback_up()
    _call("mount", b"none", b"/", None, _REC | _PRIVATE, None)
    try:
        _call("mount", b"proc", b"/proc", b"proc", _NOSUID | _NODEV | _NOEXEC, b"subset=pid")
    except OSError:  # before Linux 5.8
        _call("mount", b"proc", b"/proc", b"proc", _NOSUID | _NODEV | _NOEXEC, None)
    own = f"newinstance,ptmxmode=0666,mode=0620,max={TERMINALS}".encode()
    _call("mount", b"devpts", b"/dev/pts", b"devpts", _NOSUID | _NOEXEC, own)
    for name in DEVICES:  # written to as ever, but no job changes their times or rights
        device = f"/dev/{name}"
        kept = os.statvfs(device).f_flag & (_NOSUID | _NODEV | _NOEXEC)
        _call("mount", None, device.encode(), None, _REMOUNT | _BIND | _RDONLY | kept, None)
    options = f"size={disk_bytes},nr_inodes=20000,mode=0700,uid={uid},gid={uid}".encode()
    for folder in (HOME, "/tmp", "/dev/shm") if tmp else (HOME, "/dev/shm"):
        _call("mount", b"tmpfs", folder.encode(), b"tmpfs", _NOSUID | _NODEV, options)


def _loopback_up() -> None:
    """A new network has one interface, which is down: what a notebook tells itself over it should arrive."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        request = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack("16sh22x", fcntl.ioctl(asked, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(asked, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | _IFF_UP))


def set_rlimits(limits: dict, count_memory: bool, count_processes: bool) -> None:
    """The limits of every process of the job. `count_memory`: by address space, where no cgroup does it better."""
    _cap(resource.RLIMIT_CORE, 0)
    _cap(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _cap(resource.RLIMIT_NOFILE, limits["open_files"])
    _cap(resource.RLIMIT_MEMLOCK, 1 << 20)
    _cap(resource.RLIMIT_MSGQUEUE, 0)
    _cap(resource.RLIMIT_CPU, int(2 * limits["notebook_seconds"]) + 60)
    if count_processes:
        _cap(resource.RLIMIT_NPROC, limits["processes"])
    if count_memory:
        with open("/proc/self/statm") as statm:
            pages, _, _, _, _, data, _ = map(int, statm.read().split())
        memory = limits["memory_bytes"]
        _cap(resource.RLIMIT_DATA, data * resource.getpagesize() + memory)
        _cap(resource.RLIMIT_AS, pages * resource.getpagesize() + 2 * memory)  # shared mappings; threads reserve more


def _cap(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def drop_privileges(uid: int) -> None:
    """Become user `uid` for good: no groups, no capability, none to be had by executing anything."""
    for capability in range(_LAST_CAPABILITY + 1):
        if _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    _call("prctl", _AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    if uid != os.getuid():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    _no_capabilities()
    _call("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0)


def _no_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _call("capset", ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)()))


def die_with_parent() -> None:
    """Be killed when the zygote ends. Forgotten when the user changes, so call it after that."""
    _call("prctl", _PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def first_to_be_killed() -> None:
    """Offer this process to the kernel when the whole machine runs out of memory."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def filter_system_calls(kernel: bool) -> None:
    """Install the seccomp filter where it knows the machine. `kernel`: allow what a Jupyter kernel needs."""
    if seccomp.supported():
        seccomp.install(kernel)
