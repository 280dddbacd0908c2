"""Installs PyTorch before everything else, where it can without the gigabytes of GPU libraries that nobody uses here.

TORCH chooses: cpu (PyTorch's own index of wheels for processors; the default on Linux and Windows), ordinary (what pip
finds), or an index or folder of one's own. Where the index can't be reached, the next step takes the ordinary wheel.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
PATIENCE = 10  # seconds for the index to answer
ORDINARY = "ordinary"
ORDINARY_GIGABYTES = 7  # 6 installed, and what pip unpacks


def source_of(wanted: str, system: str, machine: str) -> str:
    """Where torch is to come from: an index, a folder, or ORDINARY. Wheels for macOS have no GPU libraries anyway."""
    if wanted and wanted != "cpu":
        return wanted
    return CPU_WHEELS if wanted == "cpu" or system in ("Linux", "Windows") else ORDINARY


def problem(system: str, machine: str) -> str | None:
    """A sentence for machines that PyTorch has no wheels for any more."""
    if system == "Darwin" and machine == "x86_64":
        return (
            "PyTorch has no wheels for Macs with Intel processors any more. Take Colab, a hub, or another machine; "
            "or an older PyTorch (2.2) at your own risk."
        )
    return None


def too_full(system: str, free_bytes: int) -> str | None:
    """A sentence if the ordinary wheel of Linux, with its libraries for GPUs, won't find room."""
    if system != "Linux" or free_bytes >= 1e9 * ORDINARY_GIGABYTES:
        return None
    free = f"{free_bytes / 1e9:.1f} GB are free here"
    return (
        f"With the ordinary wheel the environment needs {ORDINARY_GIGABYTES} GB of disk, and {free}. "
        "Make room, or name a folder that holds the CPU wheel: make setup TORCH=FOLDER"
    )


def command(requirement: str, source: str) -> list[str]:
    """pip's command line for one package from one place; what it depends on comes from the ordinary index later."""
    where = ["--no-index", "--find-links", source] if Path(source).is_dir() else ["--index-url", source]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    return [*pip, "--timeout", str(PATIENCE), "--retries", "0", *where, requirement]


def requirement_in(text: str) -> str:
    """The line of a requirements file that pins torch."""
    return re.search(r"^torch==\S+", text, re.MULTILINE)[0]


def main() -> int:
    """Try to install torch; 0 also where the ordinary wheel must do."""
    if sentence := problem(platform.system(), platform.machine()):
        print(sentence, file=sys.stderr)
        return 2
    source = source_of(os.environ.get("TORCH", ""), platform.system(), platform.machine())
    if source == ORDINARY:
        return 0
    requirement = requirement_in(Path("requirements.txt").read_text(encoding="utf-8"))
    done = subprocess.run(command(requirement, source), capture_output=True, text=True, check=False)
    if done.returncode == 0:
        print(f"{requirement} from {source}")
        return 0
    if os.environ.get("TORCH", "") not in ("", "cpu"):
        said = f"{requirement} could not be installed from TORCH={source}:"
        print(said, done.stderr.strip()[-500:], sep="\n", file=sys.stderr)
        return 2
    print(f"{source} can't be reached, or has no wheel for this machine: taking the ordinary one, on Linux 4 GB more.")
    if sentence := too_full(platform.system(), shutil.disk_usage(".").free):
        print(sentence, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
