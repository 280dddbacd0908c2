"""How a grading run is done, and the sandbox that its submissions are executed in."""

from dataclasses import dataclass, field
from pathlib import Path

from autograder.authoring.source import LessonSource
from autograder.grading.late import Due
from autograder.machine import processors
from autograder.sandbox import Limits, Sandbox


@dataclass(frozen=True)
class Settings:
    """How a run is done. `seed` None: a fresh secret, or that of the run which this one goes on with.

    `workers`: sandboxes side by side on this machine.
    """

    out: Path
    db_url: str | None = None
    workers: int = field(default_factory=processors)
    scheduler: str | None = None
    seed: int | None = None
    unsafe: bool = False
    kernel: bool = False  # execute notebooks in real Jupyter kernels, in the same sandbox
    pattern: str | None = None  # whose a file is, as a regular expression with nbgrader's named groups
    due: Due | None = None  # when the lesson is due, and for whom later
    limits: Limits = field(default_factory=Limits)


def sandbox_for(lesson: LessonSource, settings: Settings) -> Sandbox:
    """The sandbox of a run, warm for a lesson; not started yet."""
    return Sandbox(unsafe=settings.unsafe, warm=warm_cells(lesson), kernel=settings.kernel)


def warm_cells(lesson: LessonSource) -> tuple[str, ...]:
    """What a notebook of the lesson begins with, before its first exercise: imports, and the data that it loads."""
    first = next(i for i, cell in enumerate(lesson.cells) if cell.kind == "exercise")
    return tuple(cell.source for cell in lesson.cells[:first] if cell.kind == "plain" and cell.is_code)
