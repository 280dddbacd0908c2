"""What a notebook opens first: the checks, demonstrations and recorded results of its lesson."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from lessonkit import kernel
from lessonkit.checks import expectations
from lessonkit.checks.finding import Finding
from lessonkit.checks.judge import judge
from lessonkit.checks.outcome import Trial
from lessonkit.checks.page import converted_from_now_on, is_shown_as_html, keep_callable, show_printed
from lessonkit.checks.run import run_probe, with_settings
from lessonkit.checks.verdict import Verdict
from lessonkit.errors import CourseError, did_you_mean
from lessonkit.page import edition, hand_in, progress
from lessonkit.page.demonstration import ERRORS_END_IT, RECORDED, Demonstration
from lessonkit.show import asking, tables
from lessonkit.state import State

__all__ = ["ERRORS_END_IT", "RECORDED", "RESULTS", "Demonstration", "Lesson"]
RESULTS = Path(__file__).resolve().parents[1] / "data" / "results"


class Lesson:
    """The checks, demonstrations and recorded results of one lesson, by its name ("03_additive_attention").

    From here on torch uses one thread, as in the recorded experiments: for models of this size a second one gains
    nothing, and it uses up a training's seconds twice as fast.
    """

    def __init__(self, name: str):
        torch.set_num_threads(1)
        self.name = name
        self._skipped: list[str] = []
        self._state = State()
        self._began = time.time()
        keep_callable(self)

    def check(
        self,
        exercise: str,
        answer: object,
        probe: Callable,
        no_gradients: str | None = None,
        explain: Callable | None = None,
    ) -> Verdict:
        """Run `probe` on the answer, compare with the expected results, and return the verdict, which shows as a card.

        Gradients are compared, too, unless `no_gradients` says why not; `explain(got, want)` may say in a sentence what
        the difference of two dictionaries of results means. Never raises for what the answer does. An unknown
        exercise, or a probe that was changed, is a CourseError. What came out is noted for `progress`.
        """
        exercises = expectations.load(self.name)
        if exercise not in exercises:
            known = did_you_mean(exercise, exercises)
            raise CourseError(f"Lesson {self.name} has no exercise {exercise!r}.{known} {edition.advice(self.name)}")
        entry = exercises[exercise]
        with_settings(probe, no_gradients, explain)
        trials = []
        for seed, want in entry.outcomes.items():
            got = run_probe(probe, answer, seed)
            trials.append(Trial(seed, got, want, entry.known[seed]))
            if got.failure and got.failure.verdict in ("not_started", "timeout"):
                break
            if got.digest != want.digest and not got.failure:
                raise CourseError(
                    f"The check of {exercise} draws other inputs than lessonkit expects. {edition.advice(self.name)}"
                )
        show_printed(trials[0].got)
        finding = judge(trials, explain)
        verdict = _verdict(exercise, entry.points, finding, trials)
        if not is_shown_as_html():
            print(verdict.text)
        if finding.passed and finding.message:
            converted_from_now_on(exercise, answer, trials[0].want, probe.__globals__)
        if kernel.shell() is not None and not os.environ.get(ERRORS_END_IT):
            self._state.change(self.name, lambda kept: progress.note(kept, verdict, answer, self._began))
        return verdict

    def demonstration(self, name: str) -> "Demonstration":
        """A `with` block of code that uses the learner's answers; see `Demonstration`."""
        return Demonstration(self.name, name, self._skipped)

    def predict(
        self, name: str, question: str, options: asking.Options = None, guess: asking.Guess | None = None
    ) -> None:
        """Ask before a result is shown, and keep the guess on this machine. Never graded.

        `options` are choices, or (low, high, step) for a number, or None for any text. `guess` answers in the cell
        itself, where a page shows no form.
        """
        if os.environ.get(ERRORS_END_IT):
            asking.show_question(question, options)
            return

        def keep(value: asking.Guess) -> None:
            self._state.change(self.name, lambda kept: kept["guesses"].__setitem__(name, value))

        if guess is None:
            asking.ask(name, question, options, self._guess(name, options), keep)
            return
        from IPython.display import display

        try:
            keep(asking.check_guess(options, guess))
            display(asking.guessed(question, guess))
        except ValueError as error:
            print(error)

    def reveal(self, name: str, outcome: asking.Guess, why: str, digits: int = 2) -> None:
        """Show what came out, a choice or a number, beside the guess of `predict(name, ...)`; the why unfolds."""
        from IPython.display import display

        guess = None if os.environ.get(ERRORS_END_IT) else self._guess(name)
        display(asking.outcome(guess, outcome, why, digits))

    def progress(self) -> None:
        """Show one's own line: points so far, what is open, what comes next."""
        from IPython.display import display

        if os.environ.get(ERRORS_END_IT):
            found = expectations.load(self.name)
            print(f"{len(found)} exercises, {sum(e.points for e in found.values()):g} points")
            return
        found = progress.of_lesson(self.name, self._state.lesson(self.name))
        display(progress.line(self.name, found, Path.cwd()))

    def hand_in(self) -> None:
        """Look at this notebook's file as the grader will, say what it would find, and write the file to hand in."""
        if os.environ.get(ERRORS_END_IT):
            print("Here the file to hand in is written.")
            return
        found = hand_in.hand_in(self.name, self._state.lesson(self.name))
        if found.rows:
            tables.show_table(["exercise", "in the file", "last check"], found.rows)
        tables.say(found.sentences)

    def _guess(self, name: str, options: asking.Options = None) -> asking.Guess | None:
        """The guess that was kept; None if there is none, or one that this question does not know (any more)."""
        guess = self._state.lesson(self.name)["guesses"].get(name)
        if isinstance(guess, bool) or not isinstance(guess, str | int | float):
            return None
        try:
            return asking.check_guess(options, guess) if options is not None else guess
        except ValueError:
            return None

    def results(self) -> dict:
        """What `make experiments` recorded for this lesson: {"runs": [...], "made": {...}}.

        Raises:
            CourseError: there is no record.
        """
        path = RESULTS / f"{self.name[:2]}.json"
        if not path.is_file():
            raise CourseError(
                f"There are no recorded results of {self.name}: take the course anew, or, as an author, run "
                f"`make experiments LESSON={self.name[:2]}`."
            )
        return json.loads(path.read_text(encoding="utf-8"))

    def recorded(self, *path: str | int) -> list:
        """What lies at this path (keys, one inside the other) in each recorded run; runs that lack it are left out."""
        values = []
        for found in self.results()["runs"]:
            for step in path:
                found = found.get(step) if isinstance(found, dict) else found[step]
                if found is None:
                    break
            else:
                values.append(found)
        return values

    def spread(self, *path: str | int, digits: int = 2) -> str:
        """Mean [least to greatest] over the recorded runs, as text."""
        values = self.recorded(*path)
        if not values:
            return "not recorded"
        mean, least, greatest = (f"{x:.{digits}f}" for x in (sum(values) / len(values), min(values), max(values)))
        return f"{mean} [{least} to {greatest}]"


def _verdict(exercise: str, points: float, finding: Finding, trials: list[Trial]) -> Verdict:
    yours = want = None
    if finding.array is not None:
        trial = next(trial for trial in trials if trial.seed == finding.seed)
        yours, want = trial.got.arrays.get(finding.array), trial.want.arrays.get(finding.array)
    return Verdict(exercise, points if finding.passed else 0.0, points, finding, yours, want)
