"""Sealed checks: a submission's answers are run on secret seeds, and only arrays come back, to be judged here."""

import ast
import hashlib
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from autograder.authoring import bank as banks
from autograder.authoring.notebook import cell_id
from autograder.authoring.source import Exercise, LessonSource
from autograder.grading.graded import Graded
from autograder.grading.intake import Intake, take_in
from autograder.grading.needed import defined_by, unneeded
from autograder.grading.once import once_a_lesson
from autograder.grading.ready_made import ready_made
from autograder.grading.rescue import keeping, place_of_answer
from autograder.grading.submissions import Submission
from autograder.sandbox import CellResult, CellToRun, Job, Limits, Probe, Result, Sandbox
from autograder.sandbox.text import cut, one_line, plain
from lessonkit.checks.finding import Finding
from lessonkit.checks.judge import judge
from lessonkit.checks.outcome import Failure, Outcome, Trial
from lessonkit.checks.verdict import Verdict
from lessonkit.errors import CourseError
from lessonkit.syntax import parse

SEEDS = 3  # secret seeds an exercise
CHECK = "def check(name, answer, probe, **settings):\n    with_settings(probe, **settings)"  # inside the sandbox
LONGEST_MESSAGE, LONGEST_DETAIL = 1_500, 8_000  # characters of what a verdict says

LONGEST_ERROR = 300  # characters of an exception that a message quotes


def secret_seeds(run_seed: int, lesson: str, exercise: str) -> tuple[int, ...]:
    """The seeds of one exercise in a run: nobody who doesn't know `run_seed` can guess them."""
    seeds = []
    for i in range(SEEDS):
        digest = hashlib.sha256(f"{run_seed}|{lesson}|{exercise}|{i}".encode()).digest()
        seeds.append(int.from_bytes(digest[:6], "big"))
    return tuple(seeds)


def own_seed(content: bytes, secret: str) -> int:
    """The seed of a notebook's own random numbers, which it can read: it tells nothing of the run's, even a known one.

    The same submission has the same in every run into a gradebook, whose secret it is.
    """
    return int.from_bytes(hashlib.sha256(secret.encode() + b"|" + content).digest()[:6], "big")


def work_out_expected(lesson: LessonSource, run_seed: int) -> None:
    """Run the reference and the known mistakes on a run's seeds, once, before anything is judged.

    It belongs into the main thread: while a probe runs, settings of the whole process are others.
    """
    bank = banks.load(lesson.name)
    for name, exercise in lesson.exercises().items():
        for seed in secret_seeds(run_seed, lesson.name, name):
            banks.expected_on(exercise, bank, seed)


def make_job(
    lesson: LessonSource,
    intake: Intake,
    run_seed: int,
    limits: Limits = Limits(),  # noqa: B008
    own: int | None = None,
) -> Job:
    """The cells that answers may need, in order; in the place of each check its probe, on secret seeds.

    `own`: the seed of the notebook's own random numbers.
    """
    setup = probe_setup(lesson)
    spared = unneeded(lesson, intake)
    cells: list[CellToRun] = []
    probes: list[Probe] = []
    kept: dict[int, list[CellToRun]] = defaultdict(list)  # by the place of the cell that they follow
    for number, taken in enumerate(intake.cells):
        if taken.kind == "check" and (exercise := str(taken.cell.marks["check"])) not in intake.faults:
            # The answer is what the name means here, as in a notebook, whatever it means further down.
            place, source = place_of_answer(intake, exercise, number)
            identity = cell_id(lesson.name, taken.cell)
            kept[place].append(CellToRun(identity, keeping(exercise, source, answer_name(exercise))))
            seeds = secret_seeds(run_seed, lesson.name, exercise)
            probes.append(
                Probe(answer_name(exercise), f"{exercise} = None\n{taken.cell.source}", seeds, identity, setup)
            )
    for number, taken in enumerate(intake.cells):
        if taken.kind != "check" and not (taken.cell and (taken.cell.for_reader or taken.cell.name in spared)):
            identity = cell_id(lesson.name, taken.cell) if taken.cell else f"extra-{number}"
            cells.append(CellToRun(identity, taken.source))
        cells += kept[number]
    return Job(tuple(cells), tuple(probes), limits=limits, seed=own)


def answer_name(exercise: str) -> str:
    """The name under which an answer is kept from the place of its check to the end of the notebook."""
    return f"_answer_{exercise}"


@once_a_lesson
def probe_setup(lesson: LessonSource) -> str:
    """What the probes rely on: imports, definitions and constants of the lesson's plain cells. Nothing that runs.

    Only what they name, and what that names: other definitions may stand on data, or on other answers.
    """
    kept = [
        node
        for cell in lesson.of_kind("plain")
        for node in parse(cell.source).body
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef) or _is_literal(node)
    ]
    waiting = [parse(cell.source) for cell in lesson.of_kind("check")]
    needed: set[int] = set()  # places in `kept`
    while waiting:
        named = {node.id for node in ast.walk(waiting.pop()) if isinstance(node, ast.Name)}
        found = {i for i, node in enumerate(kept) if named & defined_by(node)} - needed
        needed |= found
        waiting += [kept[i] for i in found]
    return "\n".join(
        ["from lessonkit.checks.run import with_settings", CHECK, *(ast.unparse(kept[i]) for i in sorted(needed))]
    )


def _is_literal(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign):
        return False
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    return True


def judge_result(lesson: LessonSource, intake: Intake, result: Result | None, run_seed: int) -> dict[str, Verdict]:
    """The verdict on every exercise. Expected values stay in this process; no sentence quotes one."""
    bank = banks.load(lesson.name)
    outcomes = {probe.exercise: probe.outcomes for probe in result.probes} if result else {}
    cells = {cell.id: cell for cell in result.cells} if result else {}
    verdicts = {}
    for name, exercise in lesson.exercises().items():
        if intake.refused:
            finding = Finding("refused", intake.refused)
        elif name in intake.faults:
            finding = Finding(*intake.faults[name])
        else:
            finding = _judge_exercise(
                exercise, bank, outcomes.get(answer_name(name), {}), secret_seeds(run_seed, lesson.name, name)
            )
            if finding.verdict == "missing":
                finding = _why_missing(name, cells.get(cell_id(lesson.name, exercise.cell)))
        verdicts[name] = Verdict(name, exercise.points if finding.passed else 0.0, exercise.points, finding)
    return verdicts


def _judge_exercise(
    exercise: Exercise, bank: banks.Bank, outcomes: Mapping[int, Outcome], seeds: tuple[int, ...]
) -> Finding:
    trials = []
    for seed in seeds:
        got = outcomes.get(seed)
        if got is None:
            got = Outcome(failure=Failure("", "the notebook ended before this exercise could be tried"))
        trials.append(Trial(seed, got, *banks.expected_on(exercise, bank, seed)))
        if got.failure and got.failure.verdict in ("not_started", "timeout", "missing"):
            break
    finding = judge(trials, exercise.probe.explain)
    last = trials[-1].got.failure
    if not finding.passed and last and last.verdict == "missing":
        return Finding("missing", f"The notebook does not define `{exercise.name}`.")
    return without_secrets(finding)


def _why_missing(name: str, cell: CellResult | None) -> Finding:
    """What became of the cell that should have defined the answer."""
    if cell is not None and cell.status == "timeout":
        return Finding("timeout", f"The cell of `{name}` took too long and was stopped, so there is no `{name}`.")
    if cell is not None and cell.status == "died":
        return Finding("error", f"The cell of `{name}` ended the notebook's Python process, so there is no `{name}`.")
    errors = [output for output in cell.outputs if output["output_type"] == "error"] if cell is not None else []
    if errors:
        return Finding("error", f"The cell of `{name}` stopped with {_quoted(errors[-1])}, so there is no `{name}`.")
    return Finding("missing", f"The notebook does not define `{name}`: its cell ran. Did you rename it?")


def _quoted(error: dict) -> str:
    """An error as one line."""
    return one_line(f"{error['ename']}: {error['evalue']}", LONGEST_ERROR)


def _stopped_but_defined(lesson: LessonSource, result: Result, verdicts: Mapping[str, Verdict]) -> tuple[str, ...]:
    """A note for each answer whose cell stopped with an error, and which was tried all the same."""
    cells = {cell.id: cell for cell in result.cells}
    notes = []
    for name, exercise in lesson.exercises().items():
        cell = cells.get(cell_id(lesson.name, exercise.cell))
        errors = [output for output in cell.outputs if output["output_type"] == "error"] if cell is not None else []
        if errors and verdicts[name].finding.verdict in ("passed", "wrong"):
            notes.append(
                f"The cell of `{name}` stopped with {_quoted(errors[-1])}; what it defines was tried all the same."
            )
    return tuple(notes)


def without_secrets(finding: Finding) -> Finding:
    """The finding without what quotes an expected value or a drawn input; the learner's own traceback may stay.

    What is left is short, and plain: it goes into tables, terminals and pages.
    """
    own = finding.detail if finding.verdict == "error" and finding.mistake is None else ""
    message = one_line(finding.message, LONGEST_MESSAGE)
    return replace(finding, message=message, detail=cut(plain(own), LONGEST_DETAIL), array=None, seed=None)


def grade_one(
    lesson: LessonSource, submission: Submission, run_seed: int, secret: str, sandbox: Sandbox, limits: Limits
) -> tuple[Intake, Graded]:
    """Take in, execute and judge one submission. Whatever it holds, there is a verdict for every exercise."""
    intake = take_in(submission, lesson)
    return intake, grade_taken(lesson, submission, intake, run_seed, secret, sandbox, limits)


def grade_taken(
    lesson: LessonSource,
    submission: Submission,
    intake: Intake,
    run_seed: int,
    secret: str,
    sandbox: Sandbox,
    limits: Limits,
) -> Graded:
    """Execute and judge what was taken in, once more if it fails. What fails twice costs this submission only.

    Raises:
        CourseError: the sandbox can't be set up.
    """
    for _ in range(2):
        try:
            return _grade_taken(lesson, submission, intake, run_seed, secret, sandbox, limits)
        except CourseError:
            raise
        except Exception as error:
            failed = error
    why = f"the grader failed on this notebook ({type(failed).__name__}); tell your instructor"
    verdicts = judge_result(lesson, replace(intake, refused=why), None, run_seed)
    return Graded(submission.student, lesson.name, verdicts, seconds={"whole": 0.0}, notes=(why,), refused=True)


def _grade_taken(
    lesson: LessonSource,
    submission: Submission,
    intake: Intake,
    run_seed: int,
    secret: str,
    sandbox: Sandbox,
    limits: Limits,
) -> Graded:
    """A sandbox that ends under a submission costs it nothing: it is run once more."""
    start = time.monotonic()
    result = None
    if not intake.refused:
        job = make_job(lesson, intake, run_seed, limits, own_seed(submission.content, secret))
        result = sandbox.run(job)
        if result.lost:
            result = sandbox.run(job)
    executed = time.monotonic()
    verdicts = judge_result(lesson, intake, result, run_seed)
    graded = Graded(submission.student, lesson.name, verdicts, notes=intake.notes, refused=bool(intake.refused))
    if result is not None:
        graded = replace(
            graded,
            outputs={cell.id: cell.outputs for cell in result.cells},
            cell_seconds={cell.id: cell.seconds for cell in result.cells},
            flags=ready_made(lesson, intake),
            notes=(*intake.notes, *result.notes, *_stopped_but_defined(lesson, result, verdicts)),
            peak_memory=result.peak_memory,
        )
    phases = dict(result.seconds) if result else {}
    phases |= {"judge": time.monotonic() - executed, "whole": time.monotonic() - start}
    return replace(graded, seconds=phases)
