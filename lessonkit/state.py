"""One small file on the learner's machine: guesses, and what checks said. Nothing of it leaves the machine."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = "LESSONKIT_STATE"  # in the environment: another folder for the file, or "off"
_NAME = "progress.json"
_PATIENCE = 2.0  # seconds to wait for another kernel that is writing


def folder() -> Path | None:
    """The user's folder for such files, by the custom of the system; None where nothing is to be kept."""
    named = os.environ.get(FOLDER, "")
    if named:
        return None if named == "off" else Path(named)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "attention-course"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "attention-course"
    return Path(os.environ.get("XDG_STATE_HOME", home / ".local" / "state")) / "attention-course"


class State:
    """What is kept, as a dictionary by lesson. Where nothing can be written it is kept as long as the notebook runs."""

    def __init__(self, say: Callable[[str], None] = print):
        self._say, self._said = say, False
        self._memory: dict[str, dict] = {}

    def lesson(self, name: str) -> dict:
        """What is kept about one lesson: {"checks": {...}, "guesses": {...}}, to look at."""
        kept = self._read().get(name)
        return _shaped(kept if isinstance(kept, dict) else {})

    def change(self, name: str, change: Callable[[dict], None]) -> None:
        """Let `change` alter what is kept about a lesson, and write it. Two notebooks may do so at once."""
        path = _path()
        if path is None:
            change(self._memory.setdefault(name, _shaped({})))
            return
        try:
            with _alone(path):
                kept = self._read()
                own = kept[name] = _shaped(kept.get(name) if isinstance(kept.get(name), dict) else {})
                change(own)
                _write(path, kept)
        except OSError as error:
            change(self._memory.setdefault(name, _shaped(self._read().get(name) or {})))
            if not self._said:
                self._say(f"(Your progress can't be kept: {path.parent} can't be written, {error.strerror}.)")
                self._said = True

    def _read(self) -> dict:
        path = _path()
        kept = {}
        if path is not None:
            try:
                kept = json.loads(path.read_text(encoding="utf-8"))
                if not isinstance(kept, dict):
                    raise ValueError("not a dictionary")
            except OSError:
                kept = {}
            except ValueError:
                kept = {}
                self._put_aside(path)
        return {**kept, **self._memory}

    def _put_aside(self, path: Path) -> None:
        aside = path.with_name(f"progress-broken-{time.strftime('%Y%m%d-%H%M%S')}.json")
        with contextlib.suppress(OSError):
            path.replace(aside)
            self._say(
                f"(The file with your progress could not be read. It was put aside as {aside}; a new one begins.)"
            )


def _path() -> Path | None:
    where = folder()
    return None if where is None else where / _NAME


def _shaped(kept: dict) -> dict:
    """A lesson's part with both its tables in place, whatever somebody wrote into the file."""
    for table in ("checks", "guesses"):
        if not isinstance(kept.get(table), dict):
            kept[table] = {}
    return kept


def _write(path: Path, kept: dict) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file's lock. A lock that nobody gave back within two seconds is that of a kernel that died."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, until = path.with_name("lock"), time.monotonic() + _PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            if time.monotonic() > until:
                break
            time.sleep(0.01)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()
