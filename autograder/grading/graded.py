"""One submission after judgement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pages, tables and exports are made without torch
    from lessonkit.checks.verdict import Verdict


@dataclass(frozen=True)
class Graded:
    """One submission after judgement: a verdict for every exercise, and what its cells showed."""

    student: str
    lesson: str
    verdicts: "Mapping[str, Verdict]"
    outputs: Mapping[str, tuple[dict, ...]] = field(default_factory=dict)  # by cell id, nbformat outputs
    seconds: Mapping[str, float] = field(default_factory=dict)  # by phase
    cell_seconds: Mapping[str, float] = field(default_factory=dict)  # by cell id
    flags: Mapping[str, str] = field(default_factory=dict)  # by exercise, for the instructor
    notes: tuple[str, ...] = ()
    peak_memory: int = 0  # bytes, beyond the warm interpreter
    refused: bool = False  # nothing was taken from the file

    @property
    def points(self) -> float:
        """The sum of the points earned."""
        return sum(verdict.points for verdict in self.verdicts.values())
