"""A filter that takes away the system calls no notebook needs: namespaces, mounts, tracing, keyrings, odd sockets.

A layer behind the namespaces: vsock and keyrings aren't namespaced, memory behind memfd_create and System V segments
isn't counted by any rlimit, and what jobs share with each other and the machine, files above all, carries locks,
watches, hints and what the kernel keeps of them in memory.
"""

import ctypes
import errno
import platform
import struct

# name: (x86-64, AArch64), from Linux's unistd tables
DENIED = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "syslog": (103, 116),
    "personality": (135, 92),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "mount": (165, 40),
    "umount2": (166, 39),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "acct": (163, 89),
    "swapon": (167, 224),
    "quotactl": (179, 60),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "perf_event_open": (298, 241),
    "fanotify_init": (300, 262),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # Files that all can see: who opens them (watches), who holds them (locks), what of them is in memory.
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
    "fanotify_mark": (301, 263),
    "flock": (73, 32),
    "readahead": (187, 213),
    "mincore": (27, 232),
    # The machine: its disks, its clock, its memory's pages, its one table of asynchronous requests.
    "sync": (162, 81),
    "syncfs": (306, 267),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "io_setup": (206, 0),
    "io_submit": (209, 2),
}
ABSENT = {  # callers fall back
    "clone3": (435, 435),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "preadv2": (327, 286),  # its RWF_NOWAIT tells what of a file is in memory
}
# Also denied: what only one of the machines has, what older headers don't name yet, or name in an odd way.
DENIED_TOO = {
    "fadvise64": (221, 223),
    "inotify_init": (253, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "lookup_dcookie": (212, 18),
    "quotactl_fd": (443, 443),
    "process_mrelease": (448, 448),
    "cachestat": (451, 451),
    "statmount": (457, 457),
    "listmount": (458, 458),
    "open_tree_attr": (467, 467),
    "listns": (470, 470),
}
# Denied with some arguments only: numbers of the call, which argument, its values.
DENIED_WITH = {
    # Locks by byte range (F_GETLK ... F_OFD_SETLKW), leases, watches of folders, hints that stay with a file.
    "fcntl": ((72, 25), 1, (5, 6, 7, 36, 37, 38, 1024, 1025, 1026, 1035, 1036, 1037, 1038)),
    # Sharing equal pages with others; pushing a file's pages out of memory.
    "madvise": ((28, 233), 2, (12, 20, 21)),
    "prctl": ((157, 167), 0, (67, 68)),  # PR_SET_MEMORY_MERGE, PR_GET_MEMORY_MERGE
}
CLONE, SOCKET = (56, 220), (41, 198)
NAMESPACES = 0x7E020000  # CLONE_NEW{USER,PID,NET,IPC,UTS,NS,CGROUP}
FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6: the last two lead nowhere without a network
NETLINK = 16  # ZeroMQ, and so a Jupyter kernel, looks up its interfaces with it
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH

_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _FIRST = 0, 4, 16  # offsets in struct seccomp_data
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


def supported() -> bool:
    """Whether the filter knows this machine's system calls."""
    return platform.machine() in MACHINES


def install(kernel: bool = False) -> None:
    """Bind this process and what it starts; no_new_privs must be set. `kernel`: allow what a Jupyter kernel needs.

    Raises OSError.
    """
    column, arch = MACHINES[platform.machine()]
    code = _program(column, arch, (*FAMILIES, NETLINK) if kernel else FAMILIES)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp refused the filter")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _program(column: int, arch: int, families: tuple[int, ...]) -> bytes:
    """Classic BPF, 8 bytes an instruction; a jump counts the instructions to skip if true and if false."""

    def fail(code: int) -> bytes:
        return _instruction(_RETURN, _ERRNO | code)

    lines = [
        _instruction(_LOAD, _ARCH),
        _instruction(_JEQ, arch, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if arch == MACHINES["x86_64"][1]:  # the x32 numbers would pass beside the list
        lines += [_instruction(_JGE, 0x40000000, 0, 1), fail(errno.ENOSYS)]
    for numbers, code in ((DENIED | DENIED_TOO, errno.EPERM), (ABSENT, errno.ENOSYS)):
        for pair in numbers.values():
            if pair[column] is not None:
                lines += [_instruction(_JEQ, pair[column], 0, 1), fail(code)]
    for pair, argument, values in DENIED_WITH.values():
        lines += [_instruction(_JEQ, pair[column], 0, len(values) + 3), _instruction(_LOAD, _FIRST + 8 * argument)]
        lines += [_instruction(_JEQ, value, len(values) - i, 0) for i, value in enumerate(values)]
        lines += [_instruction(_RETURN, _ALLOW), fail(errno.EPERM)]
    lines += [
        _instruction(_JEQ, CLONE[column], 0, 3),
        _instruction(_LOAD, _FIRST),
        _instruction(_JSET, NAMESPACES, 0, 1),
        fail(errno.EPERM),
        _instruction(_LOAD, _NUMBER),
        _instruction(_JEQ, SOCKET[column], 0, len(families) + 2),
        _instruction(_LOAD, _FIRST),
    ]
    lines += [_instruction(_JEQ, family, len(families) - i, 0) for i, family in enumerate(families)]
    lines += [fail(errno.EAFNOSUPPORT), _instruction(_RETURN, _ALLOW)]
    return b"".join(lines)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
