"""What the guides quote exists: targets and variables of the Makefile, commands, options, arguments, and links."""

import re
import shlex

import pytest
from typer.main import get_command

from autograder.authoring.release import _readme
from autograder.authoring.source import ROOT
from autograder.cli import app

COMMANDS = get_command(app).commands
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"\$\((?:or \$\(|if \$\()?([A-Z]+)\b", MAKEFILE)) | {"ATTENTION_MIRROR"}
GUIDES = sorted(
    path.relative_to(ROOT).as_posix() for pattern in ("*.md", "autograder/*.md") for path in ROOT.glob(pattern)
)
TEXTS = {guide: (ROOT / guide).read_text("utf-8") for guide in GUIDES} | {"the bundle's README": _readme()}
PYTHON = re.compile(r"^(?:\S*python3? )?-m autograder ")


def quoted(text: str) -> list[str]:
    """What a guide shows as code: spans, and indented lines, joined where a line ends with a backslash."""
    text = re.sub(r"^```.*?^```", "", text.replace("\\\n", " "), flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"`([^`]+)`", text) + re.findall(r"^ {4}(.+)$", text, re.MULTILINE)
    lines = [re.split(r"\s+#", " ".join(code.replace(" ... ", " ").split()))[0] for code in found]
    return [part.strip() for line in lines for part in line.split(" && ")]


def fault_of_make(words: list[str]) -> str | None:
    """What is wrong with the words after `make`."""
    settings = [word for word in words if "=" in word]
    if unknown := [word for word in words if word not in settings and word not in TARGETS]:
        return f"no target {unknown}"
    return next((f"nothing reads {s}" for s in settings if s.split("=")[0] not in VARIABLES), None)


def fault_of_command(words: list[str]) -> str | None:
    """What is wrong with the words after `python -m autograder`, by the command's own parser."""
    if words[0] not in COMMANDS:
        return f"no command {words[0]}" if words[0] != "--help" else None
    command = COMMANDS[words[0]]
    try:
        parser = command.make_parser(command.context_class(command))
        _, left, _ = parser.parse_args(words[1:])
    except Exception as error:
        return str(error)
    return f"what is {left} for?" if left else None


def faults(text: str) -> list[str]:
    """Each quoted command that does not exist, with the reason."""
    found = []
    for line in quoted(text):
        if line.startswith("make ") and not line.startswith("make /"):
            fault = fault_of_make(shlex.split(line)[1:])
        elif PYTHON.match(line):
            fault = fault_of_command(shlex.split(PYTHON.sub("", line)))
        elif line.split(" ")[0] in COMMANDS and " " in line:  # in the instructor's table
            fault = fault_of_command(shlex.split(line))
        else:
            continue
        found += [f"{line}: {fault}"] if fault else []
    return found


@pytest.mark.parametrize("guide", TEXTS)
def test_commands_exist(guide):
    assert faults(TEXTS[guide]) == []


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_to_files(guide):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", TEXTS[guide])
    assert [link for link in links if "://" not in link and not ((ROOT / guide).parent / link).exists()] == []


def test_the_guides_quote_commands():
    for guide in ("README.md", "CONTRIBUTING.md", "autograder/README.md", "autograder/GRADING.md"):
        lines = quoted(TEXTS[guide])
        assert [line for line in lines if PYTHON.match(line)]
    assert {"lab", "test", "grade", "site"} <= {line[5:] for line in quoted(TEXTS["README.md"]) if line[:5] == "make "}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("make sitte", "no target"),
        ("make site COLOUR=1", "nothing reads"),
        ("python -m autograder grde 03", "no command"),
        (".venv/bin/python -m autograder grade 03 --submision X", "submision"),
        ("excuse 03 softmax again --undo", "what is"),
    ],
)
def test_a_slip_is_found(line, says):
    (fault,) = faults(f"Run this:\n\n    {line}   # a remark\n")
    assert says in fault
