"""Lines that other courses put into answers: installs, compilers, names bound anew. None costs an honest answer."""

import json

import pytest

from autograder.bench.invented_class import Desk
from autograder.grading.sealed import grade_one
from autograder.grading.submissions import Submission
from autograder.machine import BUBBLEWRAP, nothing_may_be_left_out
from autograder.sandbox import Limits, Sandbox

from .made import LESSON, NAMES, L

LINES = ["%pip install -q einops\n!pip install einops", "import torch\ntorch.compile", "check = 3\nprobe = None",
         "torch.set_default_device('cpu')", "%load_ext autoreload\n%autoreload 2"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not BUBBLEWRAP.path and not nothing_may_be_left_out(), reason=BUBBLEWRAP.sentence)
def test_lines_that_other_courses_put_first(tmp_path):
    desk = Desk(LESSON)
    desk.solve(*NAMES)
    desk.hand_in(tmp_path, "ada")
    path = tmp_path / "ada" / L / f"{L}.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    for name, line in zip(NAMES, LINES, strict=False):
        cell = desk.cell("exercise", name)
        (own,) = [c for c in notebook["cells"] if c["id"] == cell["id"]]
        text = "".join(own["source"])
        if line.endswith("torch.compile"):
            line, text = "import torch", text.replace(f"def {name}(", f"@torch.compile\ndef {name}(")
        own["source"] = f"{line}\n{text}\n"
    notebook["cells"].append({"cell_type": "code", "id": "mine", "metadata": {}, "outputs": [], "execution_count": None,
                              "source": "check = probe = None"})  # fmt: skip
    with Sandbox() as sandbox:
        submission = Submission("ada", "x", json.dumps(notebook).encode())
        _, graded = grade_one(LESSON, submission, 3, "a secret", sandbox, Limits())
    assert {name: v.finding.message for name, v in graded.verdicts.items() if not v.passed} == {}
