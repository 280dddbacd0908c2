"""Where PyTorch comes from: wheels without GPU libraries, if they can be had; a local folder stands for the index."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from autograder import install_torch
from autograder.authoring.source import ROOT


@pytest.mark.parametrize(
    ("wanted", "system", "source"),
    [
        ("", "Linux", install_torch.CPU_WHEELS),
        ("", "Windows", install_torch.CPU_WHEELS),
        ("", "Darwin", install_torch.ORDINARY),
        ("cpu", "Darwin", install_torch.CPU_WHEELS),
        ("ordinary", "Linux", install_torch.ORDINARY),
        ("/a/folder", "Linux", "/a/folder"),
    ],
)
def test_the_source(wanted, system, source):
    assert install_torch.source_of(wanted, system, "x86_64") == source


def test_the_pinned_version_is_asked_for():
    pinned = install_torch.requirement_in((ROOT / "requirements.txt").read_text("utf-8"))
    assert install_torch.command(pinned, install_torch.CPU_WHEELS)[-3:] == [
        "--index-url",
        install_torch.CPU_WHEELS,
        pinned,
    ]


def test_an_intel_mac_is_told():
    assert "Intel" in install_torch.problem("Darwin", "x86_64")
    assert install_torch.problem("Darwin", "arm64") is None


def test_a_disk_too_full_for_the_ordinary_wheel_is_a_sentence():
    assert "4.2 GB are free" in install_torch.too_full("Linux", 4_200_000_000)
    assert install_torch.too_full("Linux", 10**11) is None
    assert install_torch.too_full("Darwin", 4_200_000_000) is None


def wheel(folder: Path, version: str) -> None:
    """A wheel called torch that holds one line."""
    name = f"torch-{version}.dist-info"
    with zipfile.ZipFile(folder / f"torch-{version}-py3-none-any.whl", "w") as made:
        made.writestr("torch.py", f"version = {version!r}\n")
        made.writestr(f"{name}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        made.writestr(f"{name}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{name}/RECORD", "")


@pytest.mark.slow
def test_a_folder_stands_for_the_index_and_a_wrong_one_is_a_sentence(tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    (tmp_path / "requirements.txt").write_text("torch==9.9.0\n")
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels", "9.9.0+cpu")

    def install(torch):
        script = Path(install_torch.__file__)
        environment = {"TORCH": torch, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
        return subprocess.run(
            [python, script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    done = install(str(tmp_path / "wheels"))
    assert done.returncode == 0, done.stderr
    found = subprocess.run(
        [python, "-c", "import torch; print(torch.version)"], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "9.9.0+cpu"
    (tmp_path / "empty").mkdir()
    (tmp_path / "requirements.txt").write_text("torch==9.9.1\n")
    refused = install(str(tmp_path / "empty"))
    assert refused.returncode == 2
    assert "could not be installed from TORCH=" in refused.stderr
