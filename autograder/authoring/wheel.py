"""The wheel: lessonkit with its data and recorded results in one file, for a notebook anywhere. It holds no answer."""

import base64
import hashlib
import re
import tomllib
import zipfile
from pathlib import Path

from autograder.authoring.source import ROOT
from lessonkit.errors import CourseError
from lessonkit.files import whole_file

# What lessonkit imports; a notebook that is open somewhere has its own Jupyter.
NEEDED = ("torch", "numpy", "matplotlib", "ipywidgets", "anywidget", "tqdm", "sacrebleu", "safetensors")
_FIXED_DATE = (2026, 1, 1, 0, 0, 0)  # the same files give the same bytes
# Where a module looks for data: beside lessonkit in the tree, within it in the wheel, where no other package lies.
_DATA = re.compile(r'(Path\(__file__\)\.resolve\(\)\.parents\[)(\d)(\] / )"data"')
SHIPPED = "shipped"


def wheel(out: Path) -> Path:
    """Write the wheel into a folder; its path.

    Raises:
        CourseError: the file can't be written.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    stem = f"{project['name'].replace('-', '_')}-{project['version']}"
    files = {**_lessonkit(), **_data(), **_information(f"{stem}.dist-info", project)}
    record = f"{stem}.dist-info/RECORD"
    lines = [f"{name},sha256={_hash(content)},{len(content)}" for name, content in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    target = out / f"{stem}-py3-none-any.whl"
    with whole_file(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _FIXED_DATE), content, zipfile.ZIP_DEFLATED)
    return target


def _lessonkit() -> dict[str, bytes]:
    files = {}
    for path in _files_of("lessonkit"):
        content = path.read_bytes()
        if path.suffix == ".py":
            content = _DATA.sub(
                lambda found: f'{found[1]}{int(found[2]) - 1}{found[3]}"{SHIPPED}"', content.decode()
            ).encode()
        files[path.relative_to(ROOT).as_posix()] = content
    return files


def _data() -> dict[str, bytes]:
    """Data, cards and results; not the generators, whose output is here."""
    found = [path for path in _files_of("data") if path.suffix != ".py"]
    return {f"lessonkit/{SHIPPED}/{path.relative_to(ROOT / 'data').as_posix()}": path.read_bytes() for path in found}


def _files_of(folder: str) -> list[Path]:
    found = sorted(path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    if not found:
        raise CourseError(f"{folder} is empty: take the course anew.")
    return found


def _information(folder: str, project: dict) -> dict[str, bytes]:
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        "License-File: LICENSE",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {name}" for name in NEEDED),
    ]
    kind = ["Wheel-Version: 1.0", "Generator: autograder release", "Root-Is-Purelib: true", "Tag: py3-none-any"]
    return {
        f"{folder}/METADATA": "\n".join([*metadata, ""]).encode(),
        f"{folder}/WHEEL": "\n".join([*kind, ""]).encode(),
        f"{folder}/licenses/LICENSE": (ROOT / "LICENSE").read_bytes(),
    }


def _hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
