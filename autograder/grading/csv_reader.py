"""CSV files as people hand them over: whatever a spreadsheet did to encoding, separators, line ends and blanks."""

import csv
import io
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from lessonkit.errors import CourseError

SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class CsvTable:
    """A CSV that was read: its columns in order, and each row with the line of the file that it stands on."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    doubled: tuple[str, ...] = ()  # columns that there are two of; the first counts

    def needs(self, columns: Collection[str]) -> None:
        """Refuse a table that lacks a column, or has two of it.

        Raises:
            CourseError: names what it needs, and what it has.
        """
        if twice := [column for column in columns if column in self.doubled]:
            raise CourseError(f"{self.file} has two columns called {twice[0]}; remove or rename one.")
        if missing := [column for column in columns if column not in self.columns]:
            has = ", ".join(self.columns) or "nothing"
            raise CourseError(
                f"{self.file} needs the columns {', '.join(columns)}; {missing[0]} is missing from {has}."
            )


def read_csv(path: Path, lower: bool = False) -> CsvTable:
    """Read a CSV: UTF-8 with or without its mark, UTF-16, or Windows' encoding; commas, semicolons, tabs or bars.

    Cells lose the blanks around them, headings too. Empty rows are left out; what a row lacks is "". With `lower` it
    doesn't matter how headings are written: they are read as lower case.

    Raises:
        CourseError: the file can't be read, or is no table.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path} can't be read ({error.strerror}).") from error
    if raw[:4] == b"PK\x03\x04":
        raise CourseError(f"{path.name} is a workbook or a zip; save it as CSV first.")
    text = decoded(raw)
    said, text = _separator_line(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=said or _separator(text))
    try:
        lines = [(reader.line_num + bool(said), [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise CourseError(f"{path.name} is no CSV that can be read ({error}).") from error
    lines = [(number, row) for number, row in lines if any(row)]
    head = lines[0][1] if lines else []
    head = [column.casefold() for column in head] if lower else head
    place = {column: i for i, column in reversed(list(enumerate(head))) if column}
    columns = sorted(place, key=place.__getitem__)
    rows = [(number, {c: row[place[c]] if place[c] < len(row) else "" for c in columns}) for number, row in lines[1:]]
    times = Counter(head)
    doubled = tuple(column for column in columns if times[column] > 1)
    return CsvTable(path.name, tuple(columns), tuple(rows), doubled)


def decoded(raw: bytes) -> str:
    """Text of a file whose encoding nobody named. Windows' own comes last: any bytes are text in it."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    if raw[1:2] == b"\0" or raw[:1] == b"\0":  # the same without its mark
        return raw.decode("utf-16-le" if raw[1:2] == b"\0" else "utf-16-be", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def _separator_line(text: str) -> tuple[str, str]:
    """Excel's first line "sep=;", which says the separator, and the rest; else nothing, and all."""
    first, _, rest = text.partition("\n")
    first = first.strip().strip('"')
    if first.casefold().startswith("sep=") and first[4:5] in SEPARATORS and len(first) == 5:
        return first[4], rest
    return "", text


def _separator(text: str) -> str:
    """The separator that stands most often in the first line that says anything, outside quotes."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = "".join(first.split('"')[::2])
    return max(SEPARATORS, key=bare.count)
