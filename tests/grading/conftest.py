"""A class that the sealed grader graded, for the tests that look at what comes of it."""

from types import SimpleNamespace

import pytest

from autograder.authoring import source
from autograder.bench import invented_class
from autograder.grading.run import Settings, grade
from autograder.sandbox import Limits

QUICK = Limits(cell_seconds=4.0, probe_seconds=3.0)
HTML = """
from IPython.display import HTML, Markdown, SVG, display
display(HTML("<script>alert('stolen')</script>"), Markdown("<img src=x onerror=alert(1)>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'></svg>"))
print("</pre><script>alert('printed')</script>")
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.show()
"""


@pytest.fixture(scope="session")
def graded_class(tmp_path_factory):
    """Five students of lesson 00: the folder that was graded into, and what was handed in."""
    place = tmp_path_factory.mktemp("graded")
    lesson = source.load("00")
    students = ["ada-perfect", "goran-every-other-wrong", "ivan-syntax-error", "emil-untouched"]
    truth = invented_class.make_class(place / "in", [lesson.name], students)
    desk = invented_class.Desk(lesson)
    points = desk.solve(*desk.names)
    desk.add(desk.names[-1], HTML)
    desk.write("softmax", "from torch import softmax")
    desk.hand_in(place / "in", "xenia-html")
    truth |= {("xenia-html", lesson.name, name): p for name, p in points.items()}
    settings = Settings(place / "out", limits=QUICK)
    summary = grade(lesson.name, place / "in", settings)
    return SimpleNamespace(
        lesson=lesson, place=place, out=place / "out", truth=truth, summary=summary, settings=settings
    )
