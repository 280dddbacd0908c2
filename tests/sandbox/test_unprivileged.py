"""The sandbox of an ordinary user: user namespaces, no cgroup. The tests that could differ are run again as nobody."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox.bwrap import python_folders

NOBODY = "65534"
ROOT = Path(__file__).resolve().parents[2]
TESTS = "bomb or signals or reach or seen or written or capability or descriptors or shared or disk or outside"
# A folder closed to others (root's home, say) may hold Python: in a mount namespace, only Python is left of it.
OPEN_UP = 'mkdir -p "$3" && mount --bind "$2" "$3" && mount -t tmpfs -o mode=755 tmpfs "$1" && mkdir -p "$2" && '
OPEN_UP += 'mount --bind "$3" "$2" && umount "$3" && shift 3 && exec "$@"'


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="this is an ordinary user already: the other tests prove it")
def test_the_same_holds_for_an_ordinary_user(sandbox, tmp_path):
    if missing := [name for name in ("setpriv", "unshare", "mount") if shutil.which(name) is None]:
        pytest.skip(f"util-linux lacks {missing[0]}")
    home = Path("/tmp") / f"nobody-{os.getpid()}"
    home.mkdir(mode=0o777)
    try:
        tests = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=-q", "--no-header"]
        tests += [
            f"--basetemp={home}/pytest",
            "-k",
            TESTS,
            *(f"tests/sandbox/test_{n}.py" for n in ("harm", "isolation")),
        ]
        tests.append("tests/sandbox/test_probes.py")
        line = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *tests]
        for folder in python_folders():
            closed = next((p for p in reversed(folder.parents) if not p.stat().st_mode & 0o001), None)
            if closed is not None:
                line = ["sh", "-c", OPEN_UP, "sh", str(closed), str(folder), str(tmp_path / folder.name), *line]
        done = subprocess.run(
            ["unshare", "--mount", *line],
            cwd=ROOT,
            env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
    finally:
        shutil.rmtree(home)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout, done.stdout[-1000:]
