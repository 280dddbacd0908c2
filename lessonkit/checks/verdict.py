"""The answer of a check: a number for nbgrader, a sentence for everybody, a card for the page."""

from dataclasses import dataclass
from html import escape

import numpy as np

from lessonkit.checks.finding import Finding
from lessonkit.checks.outcome import Kind

_LARGEST_MAP = 12  # rows and columns of a result that is drawn in the card

_LOOK = {  # how it ended -> sign, heading, colour of the bar, which colour-blind readers tell apart too
    Kind.PASSED: ("✓", "passed", "#0072b2"),
    Kind.WRONG: ("✗", "not yet right", "#d55e00"),
    Kind.ERROR: ("✗", "stopped with an error", "#d55e00"),
    Kind.TIMEOUT: ("✗", "took too long", "#d55e00"),
    Kind.MISSING: ("✗", "missing", "#d55e00"),
    Kind.REFUSED: ("✗", "can't be graded", "#d55e00"),
    Kind.NOT_STARTED: ("○", "not started yet", "#777777"),
}


@dataclass(frozen=True)
class Verdict:
    """What a check says. Its plain text is the number of points, which nbgrader reads as the mark.

    `yours` and `expected` are the result that differs, if it can be drawn.
    """

    exercise: str
    points: float
    max_points: float
    finding: Finding
    yours: np.ndarray | None = None
    expected: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"{self.points:g}"

    @property
    def passed(self) -> bool:
        """Whether the exercise is solved."""
        return self.finding.passed

    @property
    def text(self) -> str:
        """The verdict as a few lines of plain text, for readers and machines that don't see the card."""
        sign, heading, _ = _LOOK[self.finding.verdict]
        head = f"{sign} {self.exercise}: {heading} ({self._marks})"
        return "\n".join(part for part in (head, self.finding.message, self.finding.detail.rstrip()) if part)

    @property
    def _marks(self) -> str:
        return f"{self.points:g} of {self.max_points:g} point{'' if self.max_points == 1 else 's'}"

    def _repr_html_(self) -> str:
        sign, heading, colour = _LOOK[self.finding.verdict]
        parts = [
            f'<div role="status" style="border-left: 6px solid {colour}; padding: 0.4em 0.9em; margin: 0.3em 0; '
            'max-width: 46em; line-height: 1.45; font-family: var(--jp-content-font-family, sans-serif)">',
            f"<div><strong>{sign} {heading}</strong> &nbsp; <code>{escape(self.exercise)}</code> &nbsp; "
            f"{self._marks}</div>",
        ]
        if self.finding.message:
            parts.append(f'<div style="margin-top: 0.3em">{_with_code(self.finding.message)}</div>')
            parts.append(self._details())
        return "".join(parts) + "</div>"

    def _details(self) -> str:
        detail = self.finding.detail.rstrip()
        if not detail:
            return ""
        if self.finding.verdict == Kind.ERROR and self.finding.mistake is None:
            return (
                '<details><summary>Where</summary><pre style="margin: 0.4em 0 0; padding: 0.4em; overflow-x: auto; '
                f'font-size: 90%; background: rgba(128, 128, 128, 0.12)">{escape(detail)}</pre></details>'
            )
        body = f'<div style="margin-top: 0.3em; font-size: 92%">{_with_code(detail)}</div>'
        return body + _side_by_side(self.yours, self.expected)


def _with_code(text: str) -> str:
    """Escaped text, with `what stands between backticks` as code."""
    pieces = escape(text, quote=False).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


def _side_by_side(yours: np.ndarray | None, expected: np.ndarray | None) -> str:
    """Two small tables, shaded by value: the learner's result beside the expected one (their first differing map)."""
    if yours is None or expected is None or yours.shape != expected.shape or yours.dtype.kind not in "biuf":
        return ""
    where = ""
    while yours.ndim > 2:
        i = next((i for i in range(len(yours)) if not np.allclose(yours[i], expected[i], equal_nan=True)), 0)
        where, yours, expected = f"{where}[{i}]", yours[i], expected[i]
    yours, expected = np.atleast_2d(yours), np.atleast_2d(expected)
    if max(yours.shape) > _LARGEST_MAP:
        return ""
    finite = np.concatenate([a[np.isfinite(a)].ravel() for a in (yours.astype(float), expected.astype(float))])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    tables = "".join(
        _map(f"{label}{where}", array, low, high) for label, array in (("yours", yours), ("expected", expected))
    )
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1.5em; margin-top: 0.5em">{tables}</div>'


def _map(caption: str, array: np.ndarray, low: float, high: float) -> str:
    rows = "".join("<tr>" + "".join(_cell(value, low, high) for value in row) + "</tr>" for row in array)
    return (
        '<table style="border-collapse: collapse; font-size: 80%; margin: 0">'
        f'<caption style="text-align: left; font-weight: bold">{escape(caption)}</caption>{rows}</table>'
    )


def _cell(value: np.generic, low: float, high: float) -> str:
    shade = (float(value) - low) / (high - low) if high > low and np.isfinite(value) else 0.0
    text = f"{value:.2f}" if value.dtype.kind == "f" else str(int(value) if value.dtype.kind == "b" else value)
    style = f"padding: 1px 5px; text-align: right; background: rgba(0, 114, 178, {0.45 * shade:.2f})"
    return f'<td style="{style}">{text}</td>'
