"""What an attack is made with: a student's desk, the world that must stay unharmed, and the list of all attacks."""

import json
import os
import re
import secrets
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from autograder.authoring import source
from autograder.authoring.build import student_path
from autograder.authoring.notebook import cell_id

LESSON = source.find_lesson("00")
ARMED = "armed and ready"  # printed by a trick when it is in place: a typing error must not look like a defence


@dataclass
class World:
    """What lies around the grader, where an attack can be told to look; none of it may be read, reached or changed."""

    folder: Path
    port: int = 0  # of a server on this machine that nobody may reach
    abstract: str = ""  # the name of an abstract socket, the same
    socket: str = ""  # the path of another one
    secret: str = field(default_factory=lambda: secrets.token_hex(12))  # in a file, the environment, the gradebook
    run_seed: int = field(default_factory=lambda: secrets.randbits(62))

    @property
    def canary(self) -> Path:
        """A file that holds the secret."""
        return self.folder / "canary.txt"

    @property
    def out(self) -> Path:
        """Where the run writes."""
        return self.folder / "out"

    @property
    def submitted(self) -> Path:
        """Where the submissions lie, one folder a student."""
        return self.folder / "submitted"


class Desk:
    """One student's untouched notebook, as plain JSON, and what may be done to it."""

    def __init__(self, world: World):
        self.world = world
        self.lesson = source.load(LESSON)
        self.notebook: dict = json.loads(_student_notebook())
        for cell in self.notebook["cells"]:
            cell["source"] = "".join(cell["source"])
        self.files: dict[str, bytes] = {}  # further ones, by their path within the student's folder
        self.raw: bytes | None = None  # instead of the notebook
        self.put: Callable[[Path], object] | None = None  # makes what lies in the notebook's place
        self.put_folder: Callable[[Path], object] | None = None  # makes what lies in its folder's place
        self.deep = 0  # folders within folders

    @property
    def names(self) -> list[str]:
        """The exercises, in order."""
        return list(self.lesson.exercises())

    def cell(self, part: str, exercise: str) -> dict:
        """The cell with an answer ("exercise") or its check ("check")."""
        found = self.lesson.exercises()[exercise]
        identity = cell_id(LESSON, found.cell if part == "exercise" else found.check)
        return next(cell for cell in self.notebook["cells"] if cell.get("id") == identity)

    def solve(self, *names: str) -> None:
        """Write the reference answers; without names all of them."""
        for name in names or self.names:
            self.cell("exercise", name)["source"] = self.lesson.exercises()[name].cell.source

    def answer(self, code: str, exercise: str = "softmax") -> None:
        """Write an answer of one's own; all other exercises are solved."""
        self.solve(*[name for name in self.names if name != exercise])
        self.cell("exercise", exercise)["source"] = code

    def add(self, code: str, exercise: str = "softmax", part: str = "exercise", after: bool = False) -> dict:
        """A cell of one's own, before (or after) one of the lesson's."""
        made = {"cell_type": "code", "execution_count": None, "id": f"own-{len(self.notebook['cells'])}"}
        made |= {"metadata": {}, "outputs": [], "source": code}
        self.notebook["cells"].insert(self.notebook["cells"].index(self.cell(part, exercise)) + after, made)
        return made

    def trick(self, code: str, exercise: str = "softmax") -> None:
        """A cell of one's own before an exercise, that says when it is done."""
        self.add(f"{code}\nprint({ARMED!r})", exercise)

    def hand_in(self, student: Path) -> None:
        """Write it all into the student's folder."""
        folder = student / LESSON
        student.mkdir(parents=True)
        if self.put_folder is not None:
            self.put_folder(folder)
        else:
            folder.mkdir()
            path = folder / f"{LESSON}.ipynb"
            if self.put is not None:
                self.put(path)
            else:
                path.write_bytes(self.bytes())
        for name, content in self.files.items():
            (student / name).parent.mkdir(parents=True, exist_ok=True)
            (student / name).write_bytes(content)
        here = os.open(student, os.O_RDONLY)
        for _ in range(self.deep):
            os.mkdir("d", dir_fd=here)
            there = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = there
        os.close(here)

    def bytes(self) -> bytes:
        """The file that is handed in."""
        return self.raw if self.raw is not None else json.dumps(self.notebook).encode()


@dataclass(frozen=True)
class Attack:
    """One attempt, and what must come of it.

    `deserved`: exercises that are solved, so that their marks are due. `verdict`, `says`: patterns for the verdict on
    exercise `of`, and for what it tells. `shows`: for what the notebook showed; `note`: for the remarks on it.
    `fools`: a check that is believed gives points for it, and a test proves that. `folder`: the student's, as it lies
    in the batch; `entered`: a pattern for what is made of it. `tells`: what it saw while it was probed stands in its
    own error, which is of no use: the next run has other seeds. `raises`: a pattern for the errors that its cells end
    with; no other may, lest a slip of ours looks like a defence.
    """

    family: str
    name: str
    make: Callable[[Desk], None]
    deserved: tuple[str, ...]
    of: str = "softmax"
    verdict: str = ""
    says: str = ""
    shows: str = ""
    note: str = ""
    fools: bool = False
    folder: str = ""
    entered: str = ""
    tells: bool = False
    raises: str = ""

    @property
    def student(self) -> str:
        """The folder of the student, as it lies in the batch."""
        return self.folder or f"{self.family}-{self.name.replace('_', '-')}"

    @property
    def entered_as(self) -> str:
        """A pattern for the student's name in gradebook and folders, where it is harmless."""
        return self.entered or re.escape(re.sub(r"[^\w.@+-]+", "-", self.student)) + r"(-[0-9a-f]{8})?"


ATTACKS: dict[str, Attack] = {}
EVERYTHING = tuple(source.load(LESSON).exercises())
OTHERS = tuple(name for name in EVERYTHING if name != "softmax")


def attack(family: str, deserved: tuple[str, ...] = (), **expected: object) -> Callable:
    """Enter a function that makes a notebook into the list of attacks."""

    def enter(make: Callable[[Desk], None]) -> Callable[[Desk], None]:
        assert make.__doc__, f"{make.__name__} must say what it tries"
        assert make.__name__ not in ATTACKS, f"{make.__name__} is there twice"
        ATTACKS[make.__name__] = Attack(family, make.__name__, make, tuple(deserved), **expected)
        return make

    return enter


def _student_notebook(cache: list[str] = []) -> str:  # noqa: B006 (read once)
    if not cache:
        cache.append(student_path(LESSON).read_text("utf-8"))
    return cache[0]


def outputs_of(notebook: dict) -> str:
    """Everything that the cells of a notebook showed, as one text."""
    return json.dumps([cell.get("outputs", []) for cell in notebook["cells"]], ensure_ascii=False)


def copy_of(cell: dict, **changes: object) -> dict:
    """A copy of a cell with some entries changed."""
    return deepcopy(cell) | changes
