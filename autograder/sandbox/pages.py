"""Memory in large pages, before anything is forked: a fork copies the table of pages, and its end takes it down.

Runs in the zygote: the standard library only. What is written afterwards is still copied in pages of 4 kB.
"""

import ctypes
import re
from collections.abc import Iterator

_COLLAPSE = 25  # MADV_COLLAPSE, since Linux 6.1
_LARGE = 2 << 20
_OWN = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[heap\])?\n")  # of no file


def enlarge() -> int:
    """Put this process's own memory into large pages; how many were made. Where the kernel doesn't, nothing is done."""
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return sum(madvise(place, _LARGE, _COLLAPSE) == 0 for place in _places())


def _places() -> Iterator[int]:
    with open("/proc/self/maps") as maps:
        found = [match for line in maps if (match := _OWN.fullmatch(line))]
    for match in found:
        start, end = (int(match[i], 16) for i in (1, 2))
        yield from range(-(-start // _LARGE) * _LARGE, end - _LARGE + 1, _LARGE)
