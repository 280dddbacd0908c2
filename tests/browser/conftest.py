"""A real JupyterLab or Notebook 7 on a copy of the lessons, and a headless Chromium that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

from autograder.authoring.build import LESSONS
from autograder.machine import CHROMIUM, nothing_may_be_left_out

TOKEN = "course"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups, also of a folder that is named
def pytest_collection_modifyitems(items) -> None:
    """Everything in this folder needs a browser; without one it is left out, but never in CI."""
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            if not CHROMIUM.path and not nothing_may_be_left_out():
                item.add_marker(pytest.mark.skip(reason=CHROMIUM.sentence))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab, as `make lab` starts it, on a copy of lessons/; and the folder of that copy."""
    with course_in("jupyterlab", tmp_path_factory.mktemp("lab")) as found:
        yield found


@contextmanager
def course_in(app, folder):
    """A copy of lessons/ below `folder`, served by "jupyterlab" or "notebook": the address, and the copy."""
    shutil.copytree(LESSONS, folder / "lessons")
    words = [app, "--expose-app-in-browser", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with serving(folder, folder / "lessons", words, LESSONKIT_STATE=str(folder / "state")) as address:
        yield address, folder / "lessons"


@contextmanager
def serving(folder, root, words, **environment):
    """A Jupyter server on files below `root`; its address. `folder` takes its log and settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "HOME": str(folder), "JUPYTER_CONFIG_DIR": str(folder / "config"), **environment}
    environment.pop("LESSONKIT_STRICT", None)
    words = [*words, "--no-browser", f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    words += ["--allow-root", f"--ServerApp.root_dir={root}"]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen([sys.executable, "-m", *words], cwd=root, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, server, folder / "log")
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(address, server, log):
    for _ in range(600):
        if server.poll() is not None:
            raise AssertionError(f"Jupyter ended: {log.read_text()}")
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"Jupyter does not answer: {log.read_text()}")


@pytest.fixture(scope="session")
def chromium():
    """One headless browser for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM.path, args=QUIET)
        yield browser
        browser.close()
