"""A class of invented students, made from the banks: submissions of every kind, and the marks that they must get."""

import ast
import inspect
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from autograder.authoring import bank as banks
from autograder.authoring import source
from autograder.authoring.build import student_path
from autograder.authoring.notebook import cell_id, write
from autograder.authoring.source import Exercise, LessonSource
from lessonkit.syntax import parse

Truth = dict[tuple[str, str, str], float]  # (student, lesson, exercise) -> points
Hostile = Callable[["Desk"], None]  # does its harm to a solved notebook


def make_class(folder: Path, lessons: list[str], students: list[str] | None = None) -> Truth:
    """Write folder/STUDENT/LESSON/LESSON.ipynb for all students, or those named; return the points they must get."""
    truth: Truth = {}
    for name in lessons:
        lesson = source.load(name)
        for student in students or list(STUDENTS):
            desk = Desk(lesson)
            points = STUDENTS[student](desk)
            for exercise in lesson.exercises():
                truth[student, lesson.name, exercise] = points[exercise]
            desk.hand_in(folder, student)
    return truth


def make_large_class(
    folder: Path, lesson: LessonSource, students: int, seed: int = 0, hostile: Mapping[str, Hostile] | None = None
) -> Truth:
    """Write the submissions of many students, each of another skill; return the points they must get.

    Every exercise is answered with the reference or an alternative, with a known mistake, or not at all. Those who are
    `hostile` come beside them, and are not in the points.
    """
    rng = random.Random(seed)
    truth: Truth = {}
    for number in range(students):
        desk, name, skill = Desk(lesson), f"student-{number:05}", rng.betavariate(4, 1.5)
        for exercise in desk.names:
            luck = rng.random()
            right = luck < skill
            truth[name, lesson.name, exercise] = desk.exercises[exercise].points if right else 0.0
            if right and rng.random() < 0.5:
                desk.write(exercise, desk.exercises[exercise].cell.source)
            elif right:
                desk.answer(exercise, rng.choice(desk.bank.alternatives_of(exercise)).answer)
            elif luck < skill + 0.7 * (1 - skill):
                desk.answer(exercise, rng.choice(desk.bank.mistakes_of(exercise)).answer)
        desk.hand_in(folder, name)
    for number, (name, harm) in enumerate((hostile or {}).items()):
        desk = Desk(lesson)
        desk.solve(*desk.names)
        harm(desk)
        desk.hand_in(folder, f"student-{number:05}-{name}")
    return truth


class Desk:
    """One student's notebook, and what they may write into it."""

    def __init__(self, lesson: LessonSource):
        self.lesson, self.notebook = lesson, nbformat.read(student_path(lesson.name), as_version=4)
        self.exercises = lesson.exercises()
        self.bank = banks.load(lesson.name)

    def hand_in(self, folder: Path, student: str) -> None:
        """Write the notebook to folder/STUDENT/LESSON/LESSON.ipynb."""
        path = folder / student / self.lesson.name / f"{self.lesson.name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(write(self.notebook), encoding="utf-8")

    @property
    def names(self) -> list[str]:
        return list(self.exercises)

    def cell(self, part: str, exercise: str) -> nbformat.NotebookNode:
        found = self.exercises[exercise].cell if part == "exercise" else self.exercises[exercise].check
        return next(c for c in self.notebook.cells if c.id == cell_id(self.lesson.name, found))

    def write(self, exercise: str, code: str) -> None:
        self.cell("exercise", exercise).source = code

    def answer(self, exercise: str, answer: object) -> None:
        """Write an answer of the bank."""
        self.write(exercise, answer_code(self.lesson.name, self.exercises[exercise], answer))

    def solve(self, *exercises: str) -> dict[str, float]:
        """Write the reference answers; the points for these and none for the others."""
        for name in exercises:
            self.write(name, self.exercises[name].cell.source)
        return {n: e.points if n in exercises else 0.0 for n, e in self.exercises.items()}

    def drop(self, part: str, exercise: str) -> None:
        self.notebook.cells.remove(self.cell(part, exercise))

    def add(self, after: str, code: str) -> None:
        """A cell of the student's own, behind the answer to an exercise."""
        place = self.notebook.cells.index(self.cell("exercise", after)) + 1
        self.notebook.cells.insert(place, new_code_cell(code, id=f"own-{place}"))


def answer_code(lesson: str, exercise: Exercise, answer: object) -> str:
    """The source of a bank's answer under the exercise's name, with those imports and helpers of the bank it needs."""
    tree = parse(Path(inspect.getsourcefile(answer)).read_text("utf-8"))
    defined: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "autograder.authoring.bank":
            defined.update({alias.asname or alias.name: node for alias in node.names})
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.decorator_list = []
            defined[node.name] = node
    needed: list[str] = []

    def need(name: str) -> None:
        if name in defined and name not in needed:
            for inner in ast.walk(defined[name]):
                if isinstance(inner, ast.Name) and inner.id != name:
                    need(inner.id)
            needed.append(name)

    need(answer.__name__)
    parts = dict.fromkeys(ast.unparse(defined[name]) for name in needed)
    return "\n\n".join([*parts, f"{exercise.name} = {answer.__name__}"])


def _perfect(desk: Desk) -> dict[str, float]:
    return desk.solve(*desk.names)


def _alternatives(last: bool) -> Callable[[Desk], dict[str, float]]:
    def student(desk: Desk) -> dict[str, float]:
        for name in desk.names:
            desk.answer(name, desk.bank.alternatives_of(name)[-1 if last else 0].answer)
        return {name: exercise.points for name, exercise in desk.exercises.items()}

    return student


def _half(desk: Desk) -> dict[str, float]:
    return desk.solve(*desk.names[: len(desk.names) // 2])


def _untouched(desk: Desk) -> dict[str, float]:
    return desk.solve()


def _mistakes(which: int, wrong: Callable[[int], bool]) -> Callable[[Desk], dict[str, float]]:
    """The which-th mistake of the bank where `wrong` says so of the exercise's number; the others right."""

    def student(desk: Desk) -> dict[str, float]:
        mistaken = [name for i, name in enumerate(desk.names) if wrong(i)]
        points = desk.solve(*[name for name in desk.names if name not in mistaken])
        for name in mistaken:
            desk.answer(name, desk.bank.mistakes_of(name)[which].answer)
        return points

    return student


def _all_but(desk: Desk, exercise: str) -> dict[str, float]:
    return desk.solve(*[name for name in desk.names if name != exercise])


def _syntax_error(desk: Desk) -> dict[str, float]:
    points = _all_but(desk, desk.names[0])
    desk.write(desk.names[0], f"def {desk.names[0]}(x:\n    return x")
    return points


def _loop_in_function(desk: Desk) -> dict[str, float]:
    points = _all_but(desk, desk.names[1])
    desk.write(desk.names[1], f"def {desk.names[1]}(*given):\n    while True:\n        pass")
    return points


def _loop_in_cell(desk: Desk) -> dict[str, float]:
    points = _all_but(desk, desk.names[0])
    code = desk.exercises[desk.names[0]].cell.source
    desk.write(desk.names[0], f"while True:\n    pass\n\n{code}")
    return points


def _deleted_answer(desk: Desk) -> dict[str, float]:
    points = _all_but(desk, desk.names[0])
    desk.drop("exercise", desk.names[0])
    return points


def _deleted_check(desk: Desk) -> dict[str, float]:
    points = desk.solve(*desk.names)
    desk.drop("check", desk.names[1])
    return points


def _raises_at_once(desk: Desk) -> dict[str, float]:
    points = _all_but(desk, desk.names[2])
    desk.write(desk.names[2], f"import no_such_package\n\n{desk.exercises[desk.names[2]].cell.source}")
    return points


def _talkative(desk: Desk) -> dict[str, float]:
    points = desk.solve(*desk.names)
    desk.add(
        desk.names[0], "import sys\nimport warnings\n\nwarnings.warn('just trying')\nprint('err', file=sys.stderr)"
    )
    name = desk.names[0]
    code = desk.exercises[name].cell.source.replace(
        "    ### BEGIN SOLUTION", "    print('called')\n    ### BEGIN SOLUTION"
    )
    desk.write(name, code)
    return points


def _helpers(desk: Desk) -> dict[str, float]:
    points = desk.solve(*desk.names)
    first = desk.names[0]
    desk.add(
        first,
        f"my_own_{first} = {first}\n\n\ndef {first}(*given, **named):\n    return my_own_{first}(*given, **named)",
    )
    return points


STUDENTS: dict[str, Callable[[Desk], dict[str, float]]] = {
    "ada-perfect": _perfect,
    "boris-alternatives": _alternatives(last=False),
    "chen-other-alternatives": _alternatives(last=True),
    "dana-half-done": _half,
    "emil-untouched": _untouched,
    "fatima-all-wrong": _mistakes(0, lambda i: True),
    "goran-every-other-wrong": _mistakes(1, lambda i: i % 2 == 1),
    "hana-one-wrong": _mistakes(2, lambda i: i == 2),
    "ivan-syntax-error": _syntax_error,
    "june-endless-function": _loop_in_function,
    "kofi-endless-cell": _loop_in_cell,
    "lena-deleted-answer": _deleted_answer,
    "mori-deleted-check": _deleted_check,
    "nils-talkative": _talkative,
    "olga-missing-package": _raises_at_once,
    "pilar-own-helpers": _helpers,
}
