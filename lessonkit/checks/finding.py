"""What is said of one exercise."""

from dataclasses import dataclass

from lessonkit.checks.outcome import Kind


@dataclass(frozen=True)
class Finding:
    """What the judge says of one exercise. `detail` quotes expected values: the grader leaves it out."""

    verdict: str  # a Kind
    message: str = ""
    detail: str = ""
    mistake: str | None = None  # the name of the known mistake, if it is one
    array: str | None = None  # the result that differs
    seed: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.verdict == Kind.PASSED
