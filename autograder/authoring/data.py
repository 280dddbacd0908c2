"""Rebuild the project's own data sets from their generators, and compare byte for byte."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.authoring.source import ROOT
from lessonkit.errors import CourseError

DATA = ROOT / "data"


def rebuild(check: bool = False) -> None:
    """Run every data/*/generate.py into a temporary folder; compare (check) or replace the files and their hashes.

    Raises:
        CourseError: `check`, and a generated file differs from the one in the tree.
    """
    for generator in sorted(DATA.glob("*/generate.py")):
        folder = generator.parent
        with tempfile.TemporaryDirectory() as made:
            subprocess.run([sys.executable, str(generator), made], check=True)
            files = sorted(path for path in Path(made).iterdir() if path.is_file())
            sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
            (Path(made) / "SHA256SUMS").write_text(sums, encoding="utf-8")
            for path in [*files, Path(made) / "SHA256SUMS"]:
                current = folder / path.name
                if current.is_file() and current.read_bytes() == path.read_bytes():
                    continue
                if check:
                    where = f"data/{folder.name}/{path.name}"
                    raise CourseError(
                        f"{where} is not what its generator writes: run `make data`, or mend the generator."
                    )
                shutil.copy(path, current)
        print(f"data/{folder.name}: {len(files)} files {'are as generated' if check else 'rebuilt'}")
