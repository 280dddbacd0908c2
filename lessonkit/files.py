"""Files that are written whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lessonkit.errors import CourseError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; its folder is made if it isn't there.

    Raises:
        CourseError: the disk is full, or the place can't be written to.
    """
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def whole_file(path: Path, to_disk: bool = False) -> Iterator[BinaryIO]:
    """A file to write bytes to, which takes its place only if the block ends well.

    `to_disk` waits until the bytes are on the disk, so that not even a power cut leaves half a file.

    Raises:
        CourseError: the disk is full, or the place can't be written to.
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            yield file
            if to_disk:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        _remove(unfinished)
        raise CourseError(
            f"Could not write {path.name}: {error.strerror}. Make room, fix the permissions, or name another folder."
        ) from error
    except BaseException:
        _remove(unfinished)
        raise


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # its folder is a file, say: then nothing was written
        path.unlink()
