"""A class on a hub, in a browser: an instructor releases, two students solve and submit, and read their feedback."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from autograder.authoring import source
from autograder.authoring.source import ROOT
from autograder.machine import HUB, missing, nothing_may_be_left_out, offer_own_programs

from .notebook_page import PATIENCE, NotebookPage

LACKING = missing(HUB)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(LACKING) and not nothing_may_be_left_out(), reason=LACKING[0].sentence if LACKING else "all is there"
    ),
]
NAMES = ("instructor", "ada", "bob")
SETTINGS = (
    "c.LabApp.expose_app_in_browser = True\nc.LabApp.check_for_updates_class = 'jupyterlab.NeverCheckForUpdate'\n"
)
L = source.find_lesson("00")
RIGHT = """def softmax(scores, dim):
    e = (scores - scores.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)
"""
WRONG = "def softmax(scores, dim):\n    return torch.softmax(scores, 0)\n"
SENTENCE = "You always normalise over the first axis."


class Desk(NotebookPage):
    """Somebody's JupyterLab on the hub."""

    def __init__(self, browser, address, name):
        self.app, self.host, self.name, self.errors, self.foreign = "jupyterlab", urlsplit(address).netloc, name, [], []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.page.goto(address)
        self.page.fill("#username_input", name)
        self.page.locator("#login_submit").click(no_wait_after=True)

    def wait(self):
        """Until the server is there, and JupyterLab in it."""
        self.page.wait_for_function("() => window.jupyterapp?.shell.currentWidget", timeout=PATIENCE)

    def assignments(self):
        """Open the Assignment List by the menu."""
        self.page.get_by_text("Nbgrader", exact=True).click()
        self.page.get_by_text("Assignment List", exact=True).first.click()
        return self.page.locator("#assignments")

    def solve(self, code):
        """Fetch the lesson, write one answer, submit."""
        listed = self.assignments()
        listed.get_by_role("button", name="Fetch", exact=True).click()
        listed.locator("#fetched_assignments_list a", has_text=L).first.click()
        listed.locator("#fetched_assignments_list .nested_list_item a", has_text=L).click()
        self.wait_for_notebook(f"{L}/{L}.ipynb")
        self.write("00-exercise-softmax", code)
        yield
        self.save()
        self.assignments()
        listed.get_by_role("button", name="Submit", exact=True).click()
        expect(listed.locator("#submitted_assignments_list")).to_contain_text("UTC")

    def feedback(self):
        """Fetch the feedback, and what the page says."""
        listed = self.assignments()
        listed.get_by_role("button", name="Fetch Feedback").click()
        listed.get_by_text("(view feedback)").click()
        self.page.locator(".jp-DirListing-item", has_text=".html").dblclick()
        body = self.page.frame_locator(".jp-HTMLViewer iframe").locator("body")
        expect(body).to_contain_text("points")
        return body

    def terminal(self, home, *lines):
        """Type commands into a terminal; each must end well."""
        self.command("terminal:create-new")
        self.page.locator(".jp-Terminal .xterm-helper-textarea").last.focus()
        done = home / "done"
        done.unlink(missing_ok=True)
        self.page.keyboard.type(f"({' && '.join(lines)}) > said 2>&1; echo $? > begun; mv begun done\n")
        for _ in range(1200):
            if done.exists():
                break
            self.page.wait_for_timeout(250)
        said = (home / "said").read_text() if (home / "said").exists() else "nothing"
        assert done.exists(), said
        assert done.read_text() == "0\n", said
        return said


@pytest.fixture
def hub(tmp_path):
    """A hub's address, and the folder of its class."""
    offer_own_programs()
    with contextlib.ExitStack() as stack:
        free = [stack.enter_context(socket.socket()) for _ in range(3)]
        for each in free:
            each.bind(("127.0.0.1", 0))
        public, inner, proxy = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in free)
    place = tmp_path / "class"
    place.mkdir()
    for name in NAMES:
        settings = place / "homes" / name / ".jupyter" / "jupyter_lab_config.py"
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS)
    words = ["-f", str(ROOT / "autograder/hub/jupyterhub_config.py"), f"--JupyterHub.bind_url={public}"]
    words += [f"--JupyterHub.hub_bind_url={inner}", f"--ConfigurableHTTPProxy.api_url={proxy}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(tmp_path / "log", "w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", *words], cwd=place, env=environment, stdout=log, stderr=log
        )
    try:
        for _ in range(600):
            assert running.poll() is None, (tmp_path / "log").read_text()
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{public}/hub/login", timeout=5)
                break
            time.sleep(0.2)
        yield public, place
    finally:
        running.terminate()
        running.wait(30)


def test_a_lesson_goes_round(hub, chromium, tmp_path):
    address, place = hub
    people = [Desk(chromium, address, name) for name in NAMES]
    for person in people:
        person.wait()
    instructor, ada, bob = people
    home = place / "homes/instructor"
    instructor.terminal(home, f"nbgrader generate_assignment {L}", f"nbgrader release_assignment {L}")

    for person, code in ((ada, RIGHT), (bob, WRONG)):
        for _ in person.solve(code):
            if person is ada:
                person.run("00-setup")
                person.run("00-exercise-softmax")
                expect(person.run("00-check-softmax")).to_contain_text("passed")

    said = instructor.terminal(
        home,
        f"nbgrader collect {L}",
        "python -m autograder grade 00 --submissions submitted --out .",
        "python -m autograder feedback 00 --out .",
        f"nbgrader release_feedback {L}",
    )
    assert "2 graded, 0 unchanged, 0 refused" in said
    assert "cheating" not in said
    assert "not used" not in said

    page = ada.feedback()
    expect(page).to_contain_text("2 of 13 points")
    expect(page).not_to_contain_text("bob")
    page = bob.feedback()
    expect(page).to_contain_text("0 of 13 points")
    expect(page).to_contain_text(SENTENCE)
    for person in people:
        person.close()
