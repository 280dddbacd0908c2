"""A block of code that may need answers which aren't there yet, and what stands in its place until then."""

import json
import os
import traceback
from html import escape
from pathlib import Path
from types import TracebackType

from lessonkit import kernel
from lessonkit.checks import expectations
from lessonkit.errors import CourseError
from lessonkit.show.tables import TextAndHtml, box, with_code

RECORDED = Path(__file__).resolve().parents[1] / "recorded"
ERRORS_END_IT = "LESSONKIT_STRICT"  # in this environment, an error in a demonstration is an error: for build and tests
_BELOW = "Below is what the reference run showed."


class Demonstration:
    """A block of code that may need answers which aren't there yet.

    When the code raises, the reader gets one sentence about why, and what the reference run showed at this place; the
    notebook goes on. What the block had defined until then is taken back, so that no demonstration further down shows
    a model whose training never began. In the environment LESSONKIT_STRICT, and for the stop button, exceptions pass
    through.
    """

    def __init__(self, lesson: str, name: str, skipped: list[str]):
        self._lesson, self._name, self._skipped = lesson, name, skipped
        self._before: dict[str, object] = {}

    def __enter__(self) -> "Demonstration":
        self._before = dict(kernel.variables())
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None:
            self._skipped[:] = [name for name in self._skipped if name != self._name]
            return False
        if not isinstance(error, Exception) or os.environ.get(ERRORS_END_IT):
            return False
        outputs = recorded(self._lesson, self._name)
        sentence, detail = self._why(error, trace)
        _say(f"{sentence} {_BELOW}" if outputs else sentence, detail)
        show_recorded(outputs)
        self._skipped.append(self._name)
        self._take_back()
        return True

    def _take_back(self) -> None:
        """Give the notebook's names the values that they had before the block; the new ones go."""
        now = kernel.variables()
        for name in [name for name in now if not name.startswith("_")]:
            if name not in self._before:
                del now[name]
            elif now[name] is not self._before[name]:
                now[name] = self._before[name]

    def _why(self, error: Exception, trace: TracebackType | None) -> tuple[str, str]:
        """A sentence, and the learner's own part of the traceback where that says more."""
        frames = traceback.extract_tb(trace)
        exercises = _exercises(self._lesson)
        if isinstance(error, NotImplementedError) and not str(error):
            return f"This demonstration waits for your `{waits_for(error)}`.", ""
        inside = next((frame.name for frame in reversed(frames) if frame.name in exercises), None)
        if isinstance(error, NameError) and inside is None:
            if self._skipped:
                return f"This demonstration needs `{error.name}`, from one further up that could not run yet.", ""
            return f"This demonstration needs `{error.name}`, which is not there. {kernel.ADVICE}", ""
        where = f" in your `{inside}`" if inside else ""
        own = traceback.format_exception(type(error), error, trace.tb_next if trace and trace.tb_next else trace)
        return f"This demonstration stopped{where}: {type(error).__name__}: {error}", "".join(own[1:])


def waits_for(error: BaseException) -> str:
    """The function that is not written yet, from the error that its stub raised."""
    return traceback.extract_tb(error.__traceback__)[-1].name


def _exercises(lesson: str) -> set[str]:
    try:
        return set(expectations.load(lesson))
    except CourseError:
        return set()


def _say(sentence: str, detail: str) -> None:
    from IPython.display import display

    folded = f"<details><summary>Where</summary><pre>{escape(detail)}</pre></details>" if detail else ""
    html = box(with_code(sentence) + folded, "#8c8c8c")
    display(TextAndHtml(f"{sentence}\n{detail}".rstrip(), html))


def recorded(lesson: str, name: str) -> list[dict]:
    """What the reference run showed in the demonstration `name`: {"text": ...} or {"data": ...}, in order."""
    path = RECORDED / f"{lesson}.json"
    return json.loads(path.read_text(encoding="utf-8")).get(name, []) if path.is_file() else []


def show_recorded(outputs: list[dict]) -> None:
    """Display what was recorded, and say where it ends."""
    from IPython.display import display

    for output in outputs:
        if "text" in output:
            print(output["text"], end="")
        else:
            display(output["data"], raw=True)
    if outputs:
        display(TextAndHtml("(So far the reference run.)", "<p><small>(So far the reference run.)</small></p>"))
