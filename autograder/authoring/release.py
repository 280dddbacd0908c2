"""The learner's bundle: lessons, lessonkit, data and what installs them, and nothing that holds an answer."""

import zipfile
from pathlib import Path

from autograder import install_torch
from autograder.authoring.source import ROOT, lesson_names
from lessonkit.errors import CourseError
from lessonkit.files import whole_file

NAME = "attention-course"
# What lessons and lessonkit import, and what shows them; the rest of requirements.txt is for instructors and authors.
LEARNERS = (
    "torch",
    "numpy",
    "matplotlib",
    "jupyterlab",
    "ipywidgets",
    "anywidget",
    "ipykernel",
    "tqdm",
    "sacrebleu",
    "safetensors",
    "scikit-learn",
)
LAB = """\
# jupyter lab --config=lab.py: opens the start page, and asks no network for news.
from pathlib import Path

here = Path(__file__).resolve().parent
c.ServerApp.root_dir = str(here / "lessons")
c.LabApp.default_url = "/lab/tree/start.ipynb"
c.LabApp.app_settings_dir = str(here / "settings")
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
"""
READABLE = 0o100644
_FIXED_DATE = (2026, 1, 1, 0, 0, 0)  # the same files give the same bytes


def release(out: Path) -> Path:
    """Write out/attention-course.zip and return its path.

    Raises:
        CourseError: a lesson is not built, or the file can't be written.
    """
    target = out / f"{NAME}.zip"
    with whole_file(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in sorted(_files().items()):
            entry = zipfile.ZipInfo(f"{NAME}/{name}", _FIXED_DATE)
            entry.external_attr = READABLE << 16  # else only who unpacks it may read it: not a class on one machine
            bundle.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return target


def _files() -> dict[str, bytes]:
    files = {"README.md": _readme().encode(), "requirements.txt": _requirements().encode()}
    for lesson in lesson_names():
        path = ROOT / "lessons" / lesson / f"{lesson}.ipynb"
        if not path.is_file():
            raise CourseError(f"Lesson {lesson} is not built: run `make build`.")
        files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    for name in ("start.ipynb", "glossary.ipynb"):
        files[f"lessons/{name}"] = (ROOT / "lessons" / name).read_bytes()
    for folder in ("lessonkit", "data"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                files[path.relative_to(ROOT).as_posix()] = path.read_bytes()
    files["lab.py"] = LAB.encode()
    files["settings/overrides.json"] = (ROOT / "autograder" / "jupyterlab_settings.json").read_bytes()
    files["pyproject.toml"] = _project().encode()
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    return files


def _project() -> str:
    """The learner's pyproject.toml: lessonkit only, without what instructors and authors need."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    parts = {part.split("]")[0]: part for part in ("\n" + text).split("\n[")[1:]}
    kept = [f"[{parts[name]}" for name in ("build-system", "project")]
    return "\n".join([*kept, '[tool.setuptools.packages.find]\ninclude = ["lessonkit*"]\n'])


def _requirements() -> str:
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    kept = [line for line in lines if line.split("==")[0] in LEARNERS or line.startswith("-e")]
    return "\n".join(kept) + "\n"


def _readme() -> str:
    torch = install_torch.requirement_in((ROOT / "requirements.txt").read_text("utf-8"))
    return f"""\
# A course on attention

You need Python 3.11 or newer and 1.6 GB of disk. In this folder:

    python3 -m venv .venv
    .venv/bin/pip install {torch} --no-deps --index-url {install_torch.CPU_WHEELS}
    .venv/bin/pip install -r requirements.txt
    .venv/bin/jupyter lab --config=lab.py

This opens the start page; another day the last line alone does. On Windows write `.venv\\Scripts\\` instead of
`.venv/bin/`. The second line takes PyTorch without libraries for GPUs, which nothing here uses. Leave it out on a Mac,
or where that index can't be reached: on Linux the environment then takes 5.6 GB of disk. For Macs with Intel
processors PyTorch has no such version any more.

Work through the lessons in order. After each exercise a check tells you whether it is right, and if not, what went
wrong. Everything runs offline.
"""
