"""Gradescope: an autograder.zip for its container, and the program in it that grades one submission.

The container, as Gradescope's documentation describes it ("Autograder Specifications"): the zip is unpacked to
/autograder/source; setup.sh runs once, as root, with a network; then for each submission run_autograder runs as root,
finds the student's files in /autograder/submission, and leaves /autograder/results/results.json.

What can't be tested here, in one place: that setup.sh installs in Gradescope's own image (it needs the network), and
that Gradescope takes the zip. Tested are: the zip's contents, run_autograder with its own user in a folder laid out
like the container's, and the form of results.json. Upload it, and try it with one right and one empty notebook.
"""

import argparse
import json
import os
import pwd
import secrets
import shutil
import signal
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

from autograder.authoring import source
from autograder.authoring.source import ROOT, LessonSource
from autograder.grading.export import results_json
from autograder.grading.graded import Graded
from autograder.grading.sealed import grade_one
from autograder.grading.settings import warm_cells
from autograder.grading.submissions import collect
from autograder.sandbox import Limits, Sandbox
from lessonkit.errors import CourseError
from lessonkit.files import whole_file, write_whole

USER = "student"  # who runs what was handed in: may read neither solutions nor banks, nor write results
_DATE = (2026, 1, 1, 0, 0, 0)  # the same files give the same bytes
# What the grader imports, of what requirements.txt pins.
_PACKAGES = (
    *("torch", "numpy", "matplotlib", "ipykernel", "ipywidgets", "anywidget", "tqdm", "sacrebleu", "safetensors"),
    *("nbgrader", "nbclient", "nbconvert", "nbformat", "jsonschema", "jupytext", "copydetect", "scikit-learn"),
    *("sentencepiece", "PyYAML", "python-dateutil", "SQLAlchemy", "typer", "rich"),
)
_ONE_LESSONS = ("recorded", "expected", "banks", "experiments", "results")  # folders with files for each lesson
SETUP = """#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the container.
set -euo pipefail
cd /autograder/source
apt-get update && apt-get install -y --no-install-recommends python3 python3-pip python3-venv ca-certificates
python3 -m venv /opt/uv && /opt/uv/bin/pip install uv
export UV_PYTHON_INSTALL_DIR=/opt/python
/opt/uv/bin/uv venv --python 3.12 /opt/course
/opt/uv/bin/uv pip install --python /opt/course/bin/python --index https://download.pytorch.org/whl/cpu {torch}
/opt/uv/bin/uv pip install --python /opt/course/bin/python -r requirements.txt
id {user} >/dev/null 2>&1 || useradd --no-create-home --shell /usr/sbin/nologin {user}
chmod -R go-rwx course/solutions course/autograder/banks
chmod -R go-w course
"""
RUN = """#!/usr/bin/env bash
# Runs for each submission, as root. AUTOGRADER and PYTHON are for tests.
place=${{AUTOGRADER:-/autograder}}
export PYTHONPATH="$place/source/course" PYTHONDONTWRITEBYTECODE=1
cd "$place/source/course"
exec "${{PYTHON:-/opt/course/bin/python}}" -m autograder.grading.gradescope {lesson} "$place"
"""


def write_autograder(lesson: LessonSource, out: Path) -> Path:
    """Write OUT/export/gradescope/LESSON/autograder.zip, to be uploaded as the autograder of an assignment.

    Raises:
        CourseError: it can't be written.
    """
    pins = {line.split("==")[0].split("[")[0]: line for line in (ROOT / "requirements.txt").read_text().splitlines()}
    requirements = "\n".join(pins[name] for name in _PACKAGES) + "\n"
    files: dict[str, bytes] = {
        "setup.sh": SETUP.format(torch=pins["torch"], user=USER).encode(),
        "run_autograder": RUN.format(lesson=lesson.name).encode(),
        "requirements.txt": requirements.encode(),
    }
    for path in _course_files(lesson):
        files[f"course/{path.relative_to(ROOT).as_posix()}"] = path.read_bytes()
    target = out / "export" / "gradescope" / lesson.name / "autograder.zip"
    with whole_file(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = (0o755 if name in ("setup.sh", "run_autograder") else 0o644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return target


def _course_files(lesson: LessonSource) -> list[Path]:
    """What the grader of one lesson reads: the code, that lesson's source, bank and expected results, the data."""
    found = [ROOT / "pyproject.toml", ROOT / "requirements.txt", ROOT / "LICENSE", lesson.path]
    for folder in ("autograder", "lessonkit", "data"):
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            own = lesson.name in path.name or parts[1] not in _ONE_LESSONS
            if path.is_file() and "__pycache__" not in parts and (own or path.name == "__init__.py"):
                found.append(path)
    return found


def results_of(graded: Graded) -> dict:
    """A graded submission as Gradescope's results.json."""
    verdicts = [
        {
            "exercise": name,
            "points": verdict.points,
            "max_points": verdict.max_points,
            "verdict": verdict.finding.verdict,
            "message": verdict.finding.message,
        }
        for name, verdict in graded.verdicts.items()
    ]
    return results_json(verdicts, graded.points, graded.notes, graded.seconds.get("whole", 0.0))


def grade_folder(lesson: LessonSource, folder: Path, sandbox: Sandbox, limits: Limits = Limits()) -> dict:  # noqa: B008
    """Grade what one student handed in; whatever it holds, results come back."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder, Path(place) / USER, symlinks=True)
        try:
            (submission,) = collect(Path(place), lesson.name, rf"^(?P<student_id>{USER})/").submissions
        except CourseError:
            said = f"There is no notebook for this lesson in what you handed in. Hand in {lesson.name}.ipynb."
            return {"score": 0.0, "output": said, "output_format": "text", "visibility": "visible", "tests": []}
        seed, secret = secrets.randbits(62), secrets.token_hex(16)
        _, graded = grade_one(lesson, submission.read(), seed, secret, sandbox, limits)
    return results_of(graded)


def end_processes_of(user: int) -> None:
    """End whatever a user still runs, so that nothing outlives its submission."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == user:
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue


def _user() -> int:
    """Who runs what was handed in."""
    name = os.environ.get("AUTOGRADER_USER", USER)
    try:
        user = pwd.getpwnam(name).pw_uid
    except KeyError as error:
        raise CourseError(f"The container has no user {name}: did setup.sh end well?") from error
    if os.getuid() != 0 or user == 0:
        raise CourseError("run_autograder must be root, and run submissions as somebody else.")
    return user


def main(words: list[str] | None = None) -> None:
    """Grade /autograder/submission into /autograder/results/results.json.

    What the container lacks ends with an error: Gradescope then says that the autograder failed, and nobody gets a 0.

    Raises:
        CourseError: the container isn't as it should be.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("lesson")
    parser.add_argument("place", type=Path)
    given = parser.parse_args(words)
    lesson = source.load(given.lesson)
    user = _user()
    results = given.place / "results"
    results.mkdir(exist_ok=True)
    for closed in (results, given.place / "submission"):
        closed.chmod(0o700)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the container and the user are the sandbox here
        sandbox = Sandbox(unsafe=True, user=user, warm=warm_cells(lesson))
    try:
        with sandbox:
            found = grade_folder(lesson, given.place / "submission", sandbox)
    finally:
        end_processes_of(user)
    write_whole(results / "results.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    try:
        main()
    except CourseError as error:
        sys.exit(str(error))
