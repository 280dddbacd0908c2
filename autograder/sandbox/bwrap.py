"""The command line that puts the zygote into bubblewrap, and what of the machine is visible inside."""

import os
import shutil
import site
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import lessonkit
from autograder.sandbox.isolate import HOME
from lessonkit.errors import CourseError

INSTALL = (
    "No sandbox is available: {reason}. Install bubblewrap (Debian, Ubuntu: `apt install bubblewrap`) and allow it "
    "user namespaces: on Ubuntu 24.04 and later by an AppArmor profile for bwrap alone, on older Debian by `sysctl "
    "kernel.unprivileged_userns_clone=1`; autograder/ANYWHERE.md has the profile, and what a container or a hub "
    "needs. Or grade on a machine of your own with `--no-sandbox`."
)
HIDDEN = (
    "No sandbox is available: {reason}. This container hides parts of /proc, so that no namespace in it may have "
    "one of its own: start it with `--security-opt systempaths=unconfined` (podman: `--security-opt unmask=ALL`), as "
    "autograder/ANYWHERE.md shows."
)
CODE = Path("/run/grader")  # where the inner half of this package lies inside
_MODULES = ("isolate", "seccomp", "protocol", "shell", "probing", "child", "kernel", "pages", "zygote")
INNER = tuple(f"{name}.py" for name in _MODULES)
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "mime.types")
_HERE = Path(__file__).resolve().parent
_COURSE = Path(lessonkit.__file__).resolve().parents[1]


@dataclass(frozen=True)
class SandboxConfig:
    """What the sandbox shows besides the system and Python's environment, read-only, at the same paths.

    `visible`: lessonkit and the course's data. `environment`: further variables of the interpreter inside.
    """

    visible: tuple[Path, ...] = (_COURSE / "lessonkit", _COURSE / "data")
    environment: dict[str, str] = field(default_factory=dict)


def is_privileged() -> bool:
    """Whether bubblewrap runs with root's own rights, without a user namespace. A container's root may lack them."""
    with open("/proc/self/status") as status:
        effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    return os.geteuid() == 0 and bool(effective >> 21 & 1)  # CAP_SYS_ADMIN


def unavailable(reason: object) -> CourseError:
    """No sandbox starts here: why, and what to do."""
    return CourseError((HIDDEN if "mount proc" in str(reason) else INSTALL).format(reason=reason))


def command(config: SandboxConfig, etc: Mapping[str, int]) -> list[str]:
    """bubblewrap's arguments, up to the program. Raises CourseError.

    `etc`: further files to show in /etc, by name, as descriptors that it inherits: no path of this machine shows.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise unavailable("the program `bwrap` is not installed")
    line = [program, "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    line += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    needed = ["SYS_ADMIN", "NET_ADMIN", "SETPCAP", "KILL"]
    if is_privileged():
        needed += ["SETUID", "SETGID"]
    else:
        line += ["--unshare-user", "--uid", "0", "--gid", "0"]
    line += ["--cap-drop", "ALL"]
    for name in needed:
        line += ["--cap-add", f"CAP_{name}"]
    for name, value in environment(config, [CODE]).items():
        line += ["--setenv", name, value]
    return line + _mounts(config, etc) + ["--chdir", "/"]


def environment(config: SandboxConfig, code: Iterable[Path]) -> dict[str, str]:
    """All environment variables of the zygote: nothing of the grader's own environment gets in."""
    paths = [*map(str, code), *dict.fromkeys(str(path.parent) for path in config.visible)]
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": HOME,
        "USER": "learner",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": ":".join(paths),
        "PYTHONHASHSEED": "0",  # the same submission, the same order of a set, the same mark
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "" if _user_site() else "1",
        "PIP_RETRIES": "0",  # there is no network, and an answer that installs something should learn so at once
        "PIP_NO_INPUT": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **config.environment,
    }


def _mounts(config: SandboxConfig, etc: Mapping[str, int]) -> list[str]:
    line = ["--dev", "/dev", "--proc", "/proc"]
    for folder in ("/tmp", "/etc", "/run", HOME, str(CODE)):
        line += ["--perms", "0755", "--dir", folder]
    line += ["--tmpfs", "/tmp", "--perms", "0755", "--tmpfs", HOME]
    system = [path for name in SYSTEM if (path := Path(name)).is_dir()]
    for path in system:
        linked = path.is_symlink()
        line += ["--symlink", os.readlink(path), str(path)] if linked else ["--ro-bind", str(path), str(path)]
    for name in SETTINGS:
        line += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name, descriptor in etc.items():
        line += ["--perms", "0644", "--file", str(descriptor), f"/etc/{name}"]
    line += _covers(system)
    for path in python_folders():
        line += [*_parents(path), "--ro-bind", str(path), str(path)]
    line += _covers(python_folders())
    for path in config.visible:
        if path.exists():
            line += [*_parents(path), "--ro-bind", str(path), str(path)]
    inside = CODE / "autograder" / "sandbox"
    line += _parents(inside / "x")
    for name in INNER:
        line += ["--ro-bind", str(_HERE / name), str(inside / name)]
    return [*line, "--remount-ro", "/dev", "--remount-ro", "/"]


def _covers(shown: Iterable[Path]) -> list[str]:
    """Empty folders over the course and over this package, should they lie within what is shown."""
    line = []
    for secret in (_COURSE, _HERE.parent):
        is_ours = (secret / "solutions").is_dir() or secret == _HERE.parent  # not all of site-packages
        if is_ours and any(secret != path and secret.is_relative_to(path) for path in shown):
            line += ["--tmpfs", str(secret)]
    return line


def _parents(path: Path) -> list[str]:
    """Make the folders above, readable to everyone inside: bubblewrap's own would be closed."""
    line = []
    for parent in reversed(path.parents[:-1]):
        line += ["--perms", "0755", "--dir", str(parent)]
    return line


def python_folders() -> list[Path]:
    """Where this interpreter and its packages lie: the environment, what it was made from, and the user's packages."""
    candidates = [sys.prefix, sys.base_prefix, Path(sys.executable).resolve().parents[1]]
    if _user_site():
        candidates.append(site.getusersitepackages())
    found = {path for c in candidates if (path := Path(c)).is_dir() and path not in (Path("/"), Path("/usr"))}
    return sorted(found)  # an outer folder before those in it


def _user_site() -> bool:
    return site.getusersitepackages() in sys.path


def hides_tmp(config: SandboxConfig) -> bool:
    """Whether an empty /tmp would cover something that must stay visible."""
    return any(path.is_relative_to("/tmp") for path in (*python_folders(), *config.visible))
