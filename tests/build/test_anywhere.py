"""Files for containers and Binder: what they name is there, and what they install is what CI installs."""

import json
import os
import re
import runpy
import socket
import sys
import tomllib
from pathlib import Path

import pytest

from autograder import machine
from autograder.authoring.source import ROOT
from autograder.machine import PROXY
from autograder.sandbox.bwrap import unavailable


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_the_editors_container_has_what_ci_installs():
    needed = re.search(r"packages=\((.*?)\)", text(".ci/run"))[1].split()
    assert not [package for package in needed if package not in text(".devcontainer/Dockerfile")]
    (proxy,) = re.findall(r"configurable-http-proxy@[\d.]+", text(".ci/run"))
    assert all(proxy in found for found in (text(".devcontainer/Dockerfile"), text("autograder/HUB.md"), PROXY.package))
    described = json.loads(text(".devcontainer/devcontainer.json"))
    assert (ROOT / ".devcontainer" / described["build"]["dockerfile"]).is_file()
    assert described["postCreateCommand"] == "make setup"


def test_containers_are_started_with_what_the_sandbox_needs():
    needed = sorted(set(re.findall(r"--security-opt (\w+=unconfined)", text("autograder/ANYWHERE.md"))))
    words = json.loads(text(".devcontainer/devcontainer.json"))["runArgs"]
    assert sorted(word for word in words if word != "--security-opt") == needed
    assert "systempaths=unconfined" in needed


def test_hidden_parts_of_proc_are_told_with_the_option():
    said = str(unavailable("bwrap: Can't mount proc on /newroot/proc: Operation not permitted"))
    assert "`--security-opt systempaths=unconfined`" in said
    assert "apt install" not in said
    assert "apt install bubblewrap" in str(unavailable("no permission"))


def test_images_have_a_python_that_the_course_knows():
    wanted = tomllib.loads(text("pyproject.toml"))["project"]["requires-python"]
    least = tuple(map(int, re.search(r"(\d+)\.(\d+)", wanted).groups()))
    named = re.findall(
        r"python[:-](\d+)\.(\d+)",
        text(".devcontainer/Dockerfile") + text("autograder/Dockerfile") + text(".binder/runtime.txt"),
    )
    assert len(named) == 3
    assert all(tuple(map(int, version)) >= least for version in named)


def test_what_images_run_is_there():
    for name in re.findall(r"python (autograder/\S+\.py)", text("autograder/Dockerfile") + text(".binder/postBuild")):
        assert (ROOT / name).is_file()
    assert os.access(ROOT / ".binder" / "postBuild", os.X_OK)
    assert '"-m", "autograder"' in text("autograder/Dockerfile")


def test_nothing_of_git_or_of_the_environment_goes_into_an_image():
    assert {".git", ".venv", "out"} <= set(text(".dockerignore").split())


@pytest.mark.parametrize("name", ["ANYWHERE.md", "HUB.md"])
def test_links_of_the_page_lead_somewhere(name):
    page = ROOT / "autograder" / name
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        assert Path(page.parent / target).exists()


@pytest.mark.parametrize("option", ["JupyterHub.bind_url", "JupyterHub.hub_bind_url", "ConfigurableHTTPProxy.api_url"])
def test_a_port_in_use_ends_the_rehearsal_with_a_sentence(option, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "missing", lambda programs: [])
    options = ["JupyterHub.bind_url", "JupyterHub.hub_bind_url", "ConfigurableHTTPProxy.api_url"]
    with socket.create_server(("127.0.0.1", 0)) as other, socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # nobody listens there
        ports = {name: (other if name == option else free).getsockname()[1] for name in options}
        monkeypatch.setattr(
            sys, "argv", ["jupyterhub", *(f"--{name}=http://127.0.0.1:{ports[name]}" for name in options)]
        )
        with pytest.raises(SystemExit, match=rf"Port {ports[option]} is in use.*--JupyterHub.bind_url"):
            runpy.run_path(str(ROOT / "autograder/hub/jupyterhub_config.py"), {"get_config": lambda: None})
    assert not [*tmp_path.iterdir()]
