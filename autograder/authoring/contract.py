"""The contract of a lesson: each rule yields sentences, with file and line, for what breaks it.

`build` refuses what breaks one of `RULES`. The rules of the bank are in bank_contract.py.
"""

import ast
import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator

from autograder.authoring import source
from autograder.authoring.faults import Fault, FaultyFileError
from autograder.authoring.page_contract import (
    at,
    first,
    folds_have_captions,
    imports_little,
    is_mostly_a_page_to_read,
    names_no_makefile,
    sums_up_in_ten_lines,
    text_of,
)
from autograder.authoring.page_contract import (
    code_lines as code_lines,
)
from autograder.authoring.source import BEGIN, END, ROOT, Cell, LessonSource
from lessonkit.syntax import parse

EXERCISES, LONGEST_ANSWER, SCREEN, HINTS = (4, 6), 10, 60, 2  # lines, lines, at least

Rule = Callable[[LessonSource], Iterator[Fault]]


def faults(lesson: LessonSource) -> list[Fault]:
    """What breaks the rules that every lesson keeps; runs nothing."""
    return [fault for rule in RULES for fault in rule(lesson)]


def load(word: str) -> LessonSource:
    """Read a lesson by name or number.

    Raises:
        FaultyFileError: it can't be read, or its marks don't fit; names what breaks the other rules, too.
    """
    try:
        return source.load(word)
    except FaultyFileError as error:
        found = list(error.faults)
        for rule in RULES if error.lesson else ():
            with contextlib.suppress(LookupError, SyntaxError):  # where the rule needs what is broken
                found += rule(error.lesson)
        raise FaultyFileError(found) from error


# The page.


def begins_with_a_question(lesson: LessonSource) -> Iterator[Fault]:
    """The first cell asks something."""
    if not question(lesson):
        yield first(lesson, "the first cell asks the lesson's question, in bold, before any formula: `**…?**`.")


def says_how_long_it_takes(lesson: LessonSource) -> Iterator[Fault]:
    """The first cell says how many minutes, for the map of the course."""
    if not re.search(r"\d+\s+minutes", lesson.cells[0].source):
        yield first(lesson, "the first cell says how many minutes to allow: `Allow 90 minutes.`")


def question(lesson: LessonSource) -> str:
    """The lesson's question: the first bold sentence of its first cell that is one."""
    found = re.search(r"\*\*([^*]+(?:\*[^*]+\*[^*]*)*\?)\*\*", lesson.cells[0].source)
    return " ".join(found[1].split()) if found else ""


def has_its_parts(lesson: LessonSource) -> Iterator[Fault]:
    """A prediction, a summary, references."""
    headings = " | ".join(re.findall(r"^#+ (.*)$", text_of(lesson), re.MULTILINE)).lower()
    for part in ("summary", "references"):
        if part not in headings:
            yield first(lesson, f"there is no heading `## {part.title()}`.")
    if "predict" not in text_of(lesson).lower() and not list(lesson.of_kind("predict")):
        yield first(lesson, 'nowhere is the reader asked to predict: a cell `# %% predict="name"` does it.')


def fits_on_a_screen(lesson: LessonSource) -> Iterator[Fault]:
    """No cell is longer than a screen."""
    for cell in lesson.cells:
        if (lines := len(cell.source.splitlines())) > SCREEN:
            yield at(lesson, cell, f"this cell has {lines} lines; {SCREEN} fit on a screen.")


def shows_figures_in_words_too(lesson: LessonSource) -> Iterator[Fault]:
    """A widget; figures through plots.show, with words for those who don't see them."""
    code = [cell for cell in lesson.cells if cell.is_code]
    if not any(re.search(r"widgets\.|explor|touch\.", cell.source) for cell in code):
        yield first(lesson, "there is no widget: `widgets.explore`, `touch.attention` or an explorer.")
    shown = False
    for cell in code:
        for node in ast.walk(parse(cell.source)):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in ("plots.show", "plt.show"):
                shown |= name == "plots.show"
                if name == "plt.show":
                    yield at(lesson, cell, "figures are shown with `plots.show(fig, alt)`.", node.lineno)
                elif not _has_words(node):
                    yield at(lesson, cell, 'this figure has no words: `plots.show(fig, alt="…")`.', node.lineno)
    if not shown and not any(re.search(r"\b(plots|show|drawing|touch)\.\w+", cell.source) for cell in code):
        yield first(lesson, "there is no figure.")


def _has_words(call: ast.Call) -> bool:
    keywords = {keyword.arg for keyword in call.keywords}  # None: a dictionary of arguments
    return len(call.args) > 1 or any(isinstance(a, ast.Starred) for a in call.args) or bool(keywords & {"alt", None})


def opens_itself(lesson: LessonSource) -> Iterator[Fault]:
    """The setup cell opens this lesson, not the one that it was copied from."""
    for cell in lesson.of_kind("plain"):
        for found in re.finditer(r"^lesson = Lesson\(\s*[\"']([^\"']*)[\"']", cell.source, re.MULTILINE):
            if found[1] != lesson.name:
                line = cell.source[: found.start()].count("\n") + 1
                yield at(lesson, cell, f'the setup cell opens this lesson: `Lesson("{lesson.name}")`.', line)
            return
    yield first(lesson, f'no cell opens the lesson: `lesson = Lesson("{lesson.name}")`.')


# Exercises.


def has_a_fair_number_of_exercises(lesson: LessonSource) -> Iterator[Fault]:
    """Four to six."""
    if not EXERCISES[0] <= (found := len(list(lesson.of_kind("exercise")))) <= EXERCISES[1]:
        yield first(lesson, f"a lesson has {EXERCISES[0]} to {EXERCISES[1]} exercises, not {found}.")


def answer_of(cell: Cell) -> list[str]:
    """The lines of the reference answer in an exercise cell."""
    parts = [part.split(END)[0].strip("\n") for part in cell.source.split(BEGIN)[1:]]
    return [line for part in parts for line in part.splitlines() if line.strip()]


def exercises_are_whole(lesson: LessonSource) -> Iterator[Fault]:
    """An answer of a few lines, and a docstring that says shapes and source."""
    for cell in lesson.of_kind("exercise"):
        if (lines := len(answer_of(cell))) > LONGEST_ANSWER:
            yield at(lesson, cell, f"this answer has {lines} lines; three to ten are an exercise.")
        name = cell.marks["exercise"]
        defined = {getattr(node, "name", None): node for node in parse(cell.source).body}
        definition = defined[name]
        if not ast.get_docstring(definition):
            yield at(
                lesson, cell, f"{name!r} has no docstring: what it does, with shapes and source.", definition.lineno
            )


def tasks_have_hints(lesson: LessonSource) -> Iterator[Fault]:
    """At least two in each task, and none elsewhere."""
    for cell in lesson.cells:
        places = [i for i, line in enumerate(cell.source.splitlines(), 1) if re.match(r"(# )?hint: ", line)]
        if cell.kind == "task" and len(places) < HINTS:
            count = f"{len(places)} hint{'s' * (len(places) != 1)}"
            yield at(lesson, cell, f"this task has {count}; two or three lines begin with `# hint: `.")
        if cell.kind != "task":
            yield from (at(lesson, cell, "a hint stands in a task cell only.", line) for line in places)


def cells_of_an_exercise_are_in_order(lesson: LessonSource) -> Iterator[Fault]:
    """The task, then the exercise, then its check."""
    place = {cell.name: i for i, cell in enumerate(lesson.cells)}
    for cell in lesson.of_kind("exercise"):
        name = cell.marks["exercise"]
        for one, other in (("task", "exercise"), ("exercise", "check")):
            if place[f"{one}-{name}"] > place[f"{other}-{name}"]:
                yield at(lesson, cell, f"the {one} cell of {name!r} stands after its {other} cell.")


# Code that stands between the exercises.


def demonstrations_hold_their_code(lesson: LessonSource) -> Iterator[Fault]:
    """All of a demo cell's code stands in its `with`, so that an unfinished exercise stops nothing."""
    for cell in lesson.of_kind("demo"):
        for node in parse(cell.source).body:
            if not (isinstance(node, ast.With) and "demonstration(" in ast.unparse(node.items[0])):
                with_ = f'with demonstration("{cell.marks["demo"]}"):'
                yield at(lesson, cell, f"this code stands outside `{with_}`.", node.lineno)


def plain_cells_need_no_answer(lesson: LessonSource) -> Iterator[Fault]:
    """Plain cells run before an exercise is solved: they may name an answer, and not call it."""
    waiting = {str(cell.marks["exercise"]) for cell in lesson.of_kind("exercise")}
    for cell in lesson.of_kind("plain"):
        for node in parse(cell.source).body:
            if isinstance(node, ast.FunctionDef):
                if _called(node.body) & waiting:
                    waiting.add(node.name)  # calling it calls the answer
            elif not isinstance(node, ast.ClassDef):
                for name in sorted(_called([node]) & waiting):
                    yield at(
                        lesson, cell, f"this plain cell calls {name!r}, which waits for an answer: make it a demo.",
                        node.lineno,
                    )  # fmt: skip


def _called(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that are called when these statements run; what stands in functions that they define is not."""
    found, stack = set(), list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Lambda | ast.FunctionDef):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
        stack.extend(ast.iter_child_nodes(node))
    return found


def has_an_experiment(lesson: LessonSource) -> Iterator[Fault]:
    """What the lesson claims of seeds is recorded by an experiment."""
    if not (ROOT / "autograder" / "experiments" / f"{lesson.name}.py").is_file():
        yield first(lesson, f"there is no experiment: write autograder/experiments/{lesson.name}.py.")


def predictions_are_revealed(lesson: LessonSource) -> Iterator[Fault]:
    """What a reader is asked to predict is told further down."""
    for number, cell in enumerate(lesson.cells):
        if cell.kind == "predict":
            name = str(cell.marks["predict"])
            later = "".join("".join(c.source.split()) for c in lesson.cells[number:] if c.kind == "demo")
            if f'reveal("{name}"' not in later:
                yield at(lesson, cell, f'no demonstration below tells the outcome: `lesson.reveal("{name}", …)`.')


def has_all_its_parts(lesson: LessonSource) -> Iterator[Fault]:
    """A place to predict, a drawing, a table of notation, what the paper says, real data."""
    text, code = text_of(lesson).lower(), "\n".join(cell.source for cell in lesson.cells if cell.is_code)
    missing = [
        ("a cell to predict in", list(lesson.of_kind("predict"))),
        (
            "a drawing of the mechanism (a demonstration captioned `# Drawing: …`)",
            re.search("^# Drawing: ", code, re.M),
        ),
        ("a table of notation", "notation" in text),
        ("a table *the paper says / we measured*", "paper says" in text or "we measured" in text + code.lower()),
        (
            "the full-size run that shows it on real data (`python -m lessonkit full`)",
            re.search(r"lessonkit full|make full", text),
        ),
    ]
    for what, there in missing:
        if not there:
            yield first(lesson, f"there is no {what.removeprefix('a ').removeprefix('the ')}.")


def answers_are_used(lesson: LessonSource) -> Iterator[Fault]:
    """What a learner writes is used further down."""
    for number, cell in enumerate(lesson.cells):
        if cell.kind == "exercise":
            later = [c.source for c in lesson.cells[number + 1 :] if c.kind in ("demo", "plain")]
            if not re.search(rf"\b{cell.marks['exercise']}\b", "\n".join(later)):
                yield at(lesson, cell, f"nothing below uses {cell.marks['exercise']!r}.")


def hints_are_no_answers(lesson: LessonSource) -> Iterator[Fault]:
    """No hint but the last is a whole line of the answer."""
    answers = {str(cell.marks["exercise"]): answer_of(cell) for cell in lesson.of_kind("exercise")}
    for cell in lesson.of_kind("task"):
        lines = {"".join(line.split()) for line in answers[str(cell.marks["task"])] if len(line.strip()) > 12}
        hints = [i for i, line in enumerate(cell.source.splitlines(), 1) if line.startswith("hint: ")]
        for place in hints[:-1]:
            if any(line in "".join(cell.source.splitlines()[place - 1].split()) for line in lines):
                yield at(lesson, cell, "this hint is a whole line of the answer; only the last may be.", place)


RULES: tuple[Rule, ...] = (
    begins_with_a_question, says_how_long_it_takes, has_its_parts, fits_on_a_screen, shows_figures_in_words_too,
    opens_itself, has_a_fair_number_of_exercises, exercises_are_whole, tasks_have_hints,
    cells_of_an_exercise_are_in_order, demonstrations_hold_their_code, plain_cells_need_no_answer,
    has_an_experiment, predictions_are_revealed, is_mostly_a_page_to_read, imports_little, has_all_its_parts,
    answers_are_used, hints_are_no_answers, folds_have_captions, names_no_makefile, sums_up_in_ten_lines,
)  # fmt: skip


# What is built.


def built_faults(lesson: LessonSource) -> Iterator[Fault]:
    """What breaks the contract in the executed notebook: a picture without words."""
    path = ROOT / "solutions" / lesson.name / f"{lesson.name}.ipynb"
    for cell, made in zip(lesson.cells, json.loads(path.read_text("utf-8"))["cells"], strict=False):
        for output in made.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data and 'alt="' not in "".join(data.get("text/html", "")):
                yield at(lesson, cell, "this cell shows a picture without words: use `plots.show(fig, alt)`.")
