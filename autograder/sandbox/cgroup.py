"""Cgroups for each job, below the grader's own, where it may make them (root, or delegated).

Memory and processes are limited. Where there is one for processor time, each job has the same share of it, however many
processes it starts: a notebook that uses all processors doesn't slow down the one beside it.
"""

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_NAME = "notebook"
STALE_SECONDS = 3600.0
_MEMORY_V1 = ("memory.limit_in_bytes", "memory.max_usage_in_bytes")


@dataclass(frozen=True)
class Places:
    """Folders below which groups are made: the same one twice for cgroup v2."""

    memory: Path
    pids: Path
    version: int
    cpu: Path | None = None  # only so that jobs share alike


def find() -> Places | None:
    """Where this process may make groups that limit memory and processes; None if nowhere. Tries it."""
    mounts = _mounts()
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(",") if controllers else ["unified"]:
            own[controller] = path
    candidates = []
    if "memory" in own and "memory" in mounts and "pids" in own and "pids" in mounts:
        cpu = _below(mounts["cpu"], own["cpu"]) if "cpu" in own and "cpu" in mounts else None
        candidates.append(Places(_below(mounts["memory"], own["memory"]), _below(mounts["pids"], own["pids"]), 1, cpu))
    if "unified" in own and "unified" in mounts:
        place = _below(mounts["unified"], own["unified"])
        candidates.append(Places(place, place, 2))
    found = next((places for places in candidates if _works(places)), None)
    if found is not None:
        _sweep(found)
    return found


def _sweep(places: Places) -> None:
    """Remove what graders that were killed have left behind: empty groups, older than one that waits for its job."""
    for place in {places.memory, places.pids, places.cpu or places.pids}:
        for folder in place.glob(f"{_NAME}-*"):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > STALE_SECONDS:
                    folder.rmdir()


def _mounts() -> dict[str, tuple[str, Path]]:
    """Controller -> (root of the mount within the hierarchy, mount point)."""
    found: dict[str, tuple[str, Path]] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ", 1)
        root, point = left.split()[3:5]
        kind, _, options = right.split()[:3]
        if kind == "cgroup2":
            found["unified"] = (root, Path(point))
        elif kind == "cgroup":
            for option in options.split(","):
                found[option] = (root, Path(point))
    return found


def _below(mount: tuple[str, Path], path: str) -> Path:
    root, point = mount
    inner = path.removeprefix(root) if root != "/" else path
    return point / inner.lstrip("/")


def _works(places: Places) -> bool:
    try:
        if places.version == 2:
            with contextlib.suppress(OSError):
                (places.memory / "cgroup.subtree_control").write_text("+memory +pids")
            with contextlib.suppress(OSError):
                (places.memory / "cgroup.subtree_control").write_text("+cpu")
        group = Group(places, f"probe-{os.getpid()}", 1 << 30, 10)
    except OSError:
        return False
    try:
        with subprocess.Popen(["sleep", "60"]) as process:
            try:
                group.add(process.pid)
            finally:
                process.kill()
    except OSError:
        return False
    finally:
        group.remove()
    return True


class Group:
    """The cgroups of one job. Raises OSError if they can't be made.

    A job can read its group's name: it should tell neither who grades nor how many came before.
    """

    def __init__(self, places: Places, name: str, memory_bytes: int, processes: int):
        name = f"{_NAME}-{name}"
        self._version = places.version
        self._memory, self._pids = places.memory / name, places.pids / name
        self._folders = list(dict.fromkeys((self._memory, self._pids)))
        try:
            for folder in self._folders:
                folder.mkdir()
            self._limit(memory_bytes, processes)
            with contextlib.suppress(OSError):
                if places.cpu is not None:
                    (places.cpu / name).mkdir(exist_ok=True)
                    self._folders = list(dict.fromkeys((*self._folders, places.cpu / name)))
        except OSError:
            for folder in self._folders:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise

    def _limit(self, memory_bytes: int, processes: int) -> None:
        (self._pids / "pids.max").write_text(str(processes))
        if self._version == 1:
            (self._memory / _MEMORY_V1[0]).write_text(str(memory_bytes))
            with contextlib.suppress(OSError):  # not every kernel counts swap
                (self._memory / "memory.memsw.limit_in_bytes").write_text(str(memory_bytes))
        else:
            (self._memory / "memory.max").write_text(str(memory_bytes))
            with contextlib.suppress(OSError):
                (self._memory / "memory.swap.max").write_text("0")
            with contextlib.suppress(OSError):
                (self._memory / "memory.oom.group").write_text("1")

    def add(self, pid: int) -> None:
        """Put a process in; what it starts follows."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def peak(self) -> int:
        """The most memory ever used, in bytes; 0 where the kernel doesn't say."""
        with contextlib.suppress(OSError):
            return int((self._memory / (_MEMORY_V1[1] if self._version == 1 else "memory.peak")).read_text())
        return 0

    def ran_out(self) -> bool:
        """Whether the kernel killed a process of the group for its memory."""
        with contextlib.suppress(OSError):
            text = (self._memory / ("memory.oom_control" if self._version == 1 else "memory.events")).read_text()
            return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in text.splitlines())
        return False

    def remove(self) -> None:
        """Remove the groups; their last process may take a moment to be gone."""
        for folder in self._folders:
            for _ in range(200):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.005)
