"""Archives other than zips that students hand in: tar and gz are unpacked in memory, up to a size; others are named."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime

from lessonkit.errors import CourseError

LARGEST_UNPACKED = 40 << 20  # bytes of an archive once it is unpacked: the grader holds it
MOST_MEMBERS = 2_000
UNREAD = (".7z", ".rar")
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz")
_ENDINGS = (*_TAR, ".zip", *UNREAD)

Member = tuple[str, datetime | None, Callable[[], bytes]]  # name, when it was written, its bytes


def archive_ending(name: str) -> str:
    """The ending by which a name says that it is an archive; "" if it says so by none. A packed notebook is one."""
    folded = name.casefold()
    if folded.endswith(".ipynb.gz"):
        return ".gz"
    return max((ending for ending in _ENDINGS if folded.endswith(ending)), key=len, default="")


def unpacked(content: bytes) -> bytes:
    """Bytes without the packing of gzip, bzip2 or xz.

    Raises:
        CourseError: they are damaged, or too many.
    """
    openers = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))
    opener = next((opener for mark, opener in openers if content.startswith(mark)), None)
    if opener is not None:
        try:
            with opener(io.BytesIO(content)) as file:
                content = file.read(LARGEST_UNPACKED + 1)
        except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
            raise CourseError(f"it is damaged ({type(error).__name__})") from error
    if len(content) > LARGEST_UNPACKED:
        raise CourseError(f"it unpacks to more than {LARGEST_UNPACKED >> 20} MB")
    return content


def members_of_tar(content: bytes) -> list[Member]:
    """The regular files of a tar archive, packed or not. Links are left out: they name what lies elsewhere.

    Raises:
        CourseError: it is damaged, or holds too much.
    """
    plain = unpacked(content)
    members: list[Member] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            for member in archive:
                if not member.isreg() or member.issparse():
                    continue
                if len(members) >= MOST_MEMBERS:
                    raise CourseError(f"it has more than {MOST_MEMBERS} files")
                start, end = member.offset_data, member.offset_data + member.size
                members.append((member.name, _time(member.mtime), lambda a=start, b=end: plain[a:b]))
    except (tarfile.TarError, OSError, ValueError, EOFError, OverflowError, IndexError) as error:
        raise CourseError(f"it is damaged ({type(error).__name__})") from error
    return members


def _time(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
