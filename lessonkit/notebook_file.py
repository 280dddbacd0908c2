"""Reading a notebook file that somebody hands in: from bytes to cells. A cell that is none costs itself only."""

import json
import re
from typing import NamedTuple

MOST_CELLS, LONGEST_CELL = 2_000, 200_000  # cells; characters of one
LONGEST_TEXT = 20_000  # characters of a Markdown cell that may hold an answer
_OURS = re.compile(r"\d\d-")
_SAVE = "save it from JupyterLab again"
# What else people hand in under a notebook's name, by how it begins.
_OTHERS = (
    (b"PK\x03\x04", "the file is a zip under a notebook's name; unpack it, and hand in what is in it"),
    (b"\x1f\x8b", "the file is packed (gzip); hand in the notebook itself"),
    (b"%PDF", "the file is a PDF, not a notebook; hand in the .ipynb itself"),
    (b"<", "the file is a web page, not a notebook; hand in the .ipynb itself"),
    (b"version https://git-lfs", "the file is only a pointer (Git LFS); hand in the notebook itself"),
    (b"<<<<<<<", "the file holds two versions that Git could not merge; choose one, and hand it in again"),
)


class FileCell(NamedTuple):
    """A cell of a file: what it says it is, its own id, its source, and whether its type says that it is code."""

    identity: str
    own: str
    source: str
    is_code: bool = True


class RefusalError(Exception):
    """The reason why a notebook can't be read, as a sentence for the student."""


def read_cells(content: bytes, notes: list[str] | None = None) -> list[FileCell]:
    """Every code cell; and other cells that may be an answer, whose type was changed by a slip of the keyboard.

    A cell that can't be read is left out, which is told in `notes`; where it is an answer's, running it says why.

    Raises:
        RefusalError: the file is no notebook that can be graded.
    """
    found: list[FileCell] = []
    for number, cell in enumerate(_cells(_notebook(content)), 1):
        if not isinstance(cell, dict):
            _note(notes, f"cell {number} is no cell")
            continue
        identity, is_code = identity_of(cell), cell.get("cell_type") == "code"
        source, fault = _source(cell.get("source"), number)
        if fault and (is_code or "-exercise-" in identity):
            _note(notes, fault)
            if "-exercise-" not in identity:
                continue
            source = f"raise ValueError({fault!r})"
        if not is_code and "-exercise-" not in identity and not _may_be_code(source):
            continue
        own = cell.get("id")
        found.append(FileCell(identity, own if isinstance(own, str) else "", source, is_code))
    return found


def _note(notes: list[str] | None, fault: str) -> None:
    if notes is not None:
        notes.append(f"Left out: {fault}.")


def _notebook(content: bytes) -> dict:
    mark = next((sentence for begins, sentence in reversed(_OTHERS) if content.lstrip().startswith(begins)), None)
    if mark is not None:
        raise RefusalError(mark)
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        notebook = json.loads(
            text.rstrip("\0")
        )  # some editors put a mark at the beginning, some disks zeros at the end
    except UnicodeDecodeError as error:
        raise RefusalError(f"the file is not UTF-8 text; {_SAVE}") from error
    except RecursionError as error:
        raise RefusalError("the file is nested too deep to be a notebook") from error
    except ValueError as error:
        what = "is empty" if not content.strip() else "is not a notebook"
        raise RefusalError(f"the file {what} (no valid JSON); {_SAVE}") from error
    return notebook if isinstance(notebook, dict) else {}


def _cells(notebook: dict) -> list:
    sheets = notebook.get("worksheets")
    if notebook.get("nbformat") == 3 and isinstance(sheets, list):  # code stands in "input" there
        lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for cells in lists if isinstance(cells, list) for cell in cells]
        cells = [c | {"source": c.get("input", c.get("source"))} if isinstance(c, dict) else c for c in cells]
    elif not isinstance(cells := notebook.get("cells"), list):
        raise RefusalError(f"the file is not a notebook of format 4 (it has no cells); {_SAVE}")
    elif notebook.get("nbformat") not in (4, "4"):
        raise RefusalError("the notebook's format is not 4; open it in JupyterLab and save it again")
    if len(cells) > MOST_CELLS:
        raise RefusalError(f"the notebook has {len(cells)} cells; more than {MOST_CELLS} are not read")
    return cells


def _source(source: object, number: int) -> tuple[str, str]:
    """A cell's text, and what is wrong with it. Lines in a list bring their ends, or none of them does."""
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        between = "" if len(source) < 2 or any(line.endswith(("\n", "\r")) for line in source) else "\n"
        source = between.join(source)
    if source is None:
        source = ""
    if not isinstance(source, str):
        return "", f"the source of cell {number} is no text"
    if len(source) > LONGEST_CELL:
        return "", f"cell {number} has more than {LONGEST_CELL:,} characters"
    return re.sub("[\ud800-\udfff]", "\ufffd", source), ""


def _may_be_code(text: str) -> bool:
    return len(text) <= LONGEST_TEXT and re.search(r"^(?:def|class) \w", text, re.MULTILINE) is not None


def identity_of(cell: dict) -> str:
    """What a cell says it is: nbgrader's grade_id, else its id, else the id that other editors keep in the metadata."""
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    nbgrader = metadata.get("nbgrader")
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    said = [identity for identity in (grade_id, cell.get("id"), metadata.get("id")) if isinstance(identity, str)]
    ours = (identity for identity in said if _OURS.match(identity))  # an editor may have put its own before it
    return next(ours, said[0] if said else "")
