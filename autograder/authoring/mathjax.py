"""MathJax, which sets formulas on pages that need no network."""

import importlib.util
from pathlib import Path

from lessonkit.errors import CourseError

PACKAGE = "sphinx-mathjax-offline"  # the module is called like the package
NAME = "tex-svg.js"


def mathjax() -> bytes:
    """The one file of it that a page loads.

    Raises:
        CourseError: its package isn't installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None:
        raise CourseError(f"Formulas need {PACKAGE}: run `make setup`, or `pip install` it.")
    return (Path(found.origin).with_name("static") / "mathjax" / NAME).read_bytes()
