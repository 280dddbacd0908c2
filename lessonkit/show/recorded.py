"""Recorded runs as figures and tables: mean, and least to greatest, of all seeds."""

import json
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from lessonkit.errors import CourseError
from lessonkit.show import figures, plots, tables

RESULTS = Path(__file__).resolve().parents[2] / "data" / "results"
_WORDS = {1: "one", 2: "two", 3: "three", 10: "ten"}


class Recorded:
    """The record of a `lessonkit.Lesson`; `labels` say how the names of models and figures are called on the page.

    Models and figures are named in one text each, with spaces between: "attention average", "test train". Shares have
    so many `digits` behind the point: two, or three where models differ by less than a hundredth.
    """

    def __init__(self, lesson: object, labels: Mapping[str, str], digits: int = 2):
        self._lesson, self._labels, self._digits = lesson, labels, digits

    def mean(self, model: str, figure: str) -> float:
        """The mean over the recorded runs."""
        return statistics.mean(self._lesson.recorded(model, figure))

    def bars(self, models: str, figures: str, what: str, guess: float | None = None) -> None:
        """Bars of recorded shares, with whiskers over the seeds, and the same in words; `guess` is a dotted line."""
        means, whiskers = {}, {}
        names = [self._label(model) for model in models.split()]
        for figure in figures.split():
            runs = [self._lesson.recorded(model, figure) for model in models.split()]
            means[self._label(figure)] = [statistics.mean(values) for values in runs]
            whiskers[self._label(figure)] = [(min(values), max(values)) for values in runs]
        fig = plots.bars(means, names, what, spread=whiskers)
        fig.set_size_inches(min(9.5, 1.6 + 0.55 * len(names) * (1 + len(means))), 3.4)
        ax = fig.axes[0]
        ax.set_ylim(0, 1.12 if len(means) == 1 else 1.3)
        if len(means) > 1:
            ax.legend(frameon=False, fontsize=9, loc="upper right", ncols=len(means))
        if guess is not None:
            ax.axhline(guess, color="#595959", linestyle=":", linewidth=1.2)
            ax.annotate(
                "a guess", (1.0, guess), xycoords=("axes fraction", "data"), fontsize=8, va="bottom", ha="right"
            )
        said = "; ".join(
            f"{label}: " + ", ".join(f"{name} {mean:.{self._digits}f}" for name, mean in zip(names, row, strict=True))
            for label, row in means.items()
        )
        plots.show(fig, f"Bars with whiskers over the recorded seeds, {what}. {said}.")

    def curves(self, models: str, figure: str, x: str, y: str) -> None:
        """A recorded list as a curve for each model, from 1 on: the mean, with a band over the runs."""
        runs = {self._label(model): self._lesson.recorded(model, figure) for model in models.split()}
        places = range(1, 1 + len(next(iter(runs.values()))[0]))
        series = {name: (list(places), found) for name, found in runs.items()}
        figures.curves(series, x, y, ticks={place: str(place) for place in places})

    def table(
        self,
        models: str,
        figures: str,
        caption: str,
        rates: bool = False,
        more: Mapping[str, Mapping[str, float]] | None = None,
        each: bool = False,
    ) -> None:
        """A row a model, a column a figure. `rates`: the rate of each, too. `more`: rows not recorded, on top.

        `each`: every seed's share in place of mean and range, where some seeds learn and others don't.
        """
        rows = []
        for label, found in (more or {}).items():
            cells = [f"{found[figure]:.{self._digits}f}" if figure in found else "–" for figure in figures.split()]
            rows.append([label, *cells, *([""] if rates else [])])
        for model in models.split():
            rate = ", ".join(f"{rate:g}" for rate in sorted(set(self._lesson.recorded(model, "lr"))))
            cells = [(self.each if each else self._cell)(model, figure) for figure in figures.split()]
            rows.append([self._label(model), *cells, *([rate] if rates else [])])
        columns = ["", *map(self._label, figures.split()), *(["rate"] if rates else [])]
        seeds = self._seeds(models, figures)
        said = seeds.replace("mean [least to greatest] of", "seed by seed,") if each else seeds
        tables.show_table(columns, rows, f"{caption}; {said}")

    def _seeds(self, models: str, figures: str) -> str:
        """How many recorded seeds stand behind a table: not every arm was run on all three."""
        found = [len(self._lesson.recorded(model, figure)) for model in models.split() for figure in figures.split()]
        counts = [_WORDS.get(count, str(count)) for count in sorted(set(found) - {0})] or ["three"]
        if counts == ["one"]:
            return "one recorded seed"
        return f"mean [least to greatest] of {' or '.join(counts)} recorded seeds"

    def grid(self, models: str, caption: str, least: bool = False) -> None:
        """A row a model, a column a rate: what each rate of its grid gave on validation data, and which was taken.

        `least`: the grid holds losses, and the least was taken. A best rate at the grid's edge is called one.
        """
        tuned = self._lesson.results().get("tuned", {})
        grids = {model: tuned[model] for model in models.split() if model in tuned}
        rates = sorted({rate for grid in grids.values() for rate in grid}, key=float)
        rows = []
        for model, grid in grids.items():
            best, end = best_of(grid, least)
            edge = f", the {end} tried" if end else ""
            cells = [f"{grid[rate]:.{self._digits}f}" if rate in grid else "–" for rate in rates]
            rows.append([self._label(model), *cells, best + edge])
        tables.show_table(["", *rates, "taken"], rows, caption)

    def spread(self, model: str, figure: str) -> str:
        """Mean [least to greatest], as text."""
        return self._lesson.spread(model, figure, digits=self._digits)

    def each(self, model: str, figure: str) -> str:
        """What every recorded seed has, in their order, as text: "1.00, 0.40, 1.00"; a dash where it is missing."""
        runs = [run[model].get(figure) for run in self._lesson.results()["runs"] if model in run]
        found = [value for value in runs if value is not None]
        if not found or all(isinstance(value, int) for value in found):
            return self._cell(model, figure)
        return ", ".join("–" if value is None else f"{value:.{self._digits}f}" for value in runs)

    def full(self) -> dict:
        """What `make full RECORD=1` recorded for this lesson.

        Raises:
            CourseError: there is no record.
        """
        path = RESULTS / f"full_{self._lesson.name[:2]}.json"
        if not path.is_file():
            raise CourseError(f"There is no full-size run of {self._lesson.name}: `make full` makes one.")
        return json.loads(path.read_text(encoding="utf-8"))

    def _label(self, name: str) -> str:
        return self._labels.get(name, name)

    def _cell(self, model: str, figure: str) -> str:
        values = self._lesson.recorded(model, figure)
        if not values:
            return "–"
        if len(set(values)) == 1 and (figure == "lr" or isinstance(values[0], int)):  # a rate, a count of parameters
            return f"{values[0]:,}" if isinstance(values[0], int) else f"{values[0]:g}"
        return self._lesson.spread(model, figure, digits=self._digits)


def shares(rows: Mapping[str, float | Sequence[float]], run: Mapping[str, object]) -> None:
    """Shares of a full-size run: a row a name, one share, or the mean of several with the least and the greatest."""
    cells = []
    for name, values in rows.items():
        several = values if isinstance(values, Sequence) else [values]
        spread = f" [{min(several):.3f} to {max(several):.3f}]" if len(several) > 1 else ""
        cells.append([name, f"{statistics.mean(several):.3f}{spread}"])
    caption = f"{run['data']}; {run['date']}, {run['minutes']} minutes of one processor"
    tables.show_table(["", "share right: mean [least to greatest]"], cells, caption)


def claims(rows: Sequence[Sequence[str]]) -> None:
    """What a paper or reading claims, what it rests on there, and what was measured here."""
    tables.show_table(["claim", "what it rests on there", "we measured"], rows, "Claimed, and measured")


def grouped(
    lesson: object, models: Mapping[str, str], measures: Mapping[str, str], what: str, guess: figures.Guess = None
) -> None:
    """Bars of recorded shares by model within each measure (names to labels), whiskers over the seeds."""
    series = {label: [lesson.recorded(model, measure) for measure in measures] for model, label in models.items()}
    figures.bars(series, list(measures.values()), what, guess=guess, limits=(0, 1.12))


def grouped_table(
    lesson: object, models: Mapping[str, str], measures: Mapping[str, str], caption: str, whole: Mapping[str, str] = {}
) -> None:
    """A row a model: recorded shares by measure, and whole numbers (`whole`), all runs of them where they differ."""
    rows = []
    for model, label in models.items():
        counts = [sorted(set(found)) if len(set(found := lesson.recorded(model, w))) == 1 else found for w in whole]
        cells = [", ".join(f"{count:,}" for count in found) for found in counts]
        shown = [lesson.spread(model, measure) if lesson.recorded(model, measure) else "–" for measure in measures]
        rows.append([label, *shown, *cells])
    tables.show_table(
        ["", *measures.values(), *whole.values()], rows, f"{caption}: mean [least to greatest] of 3 seeds"
    )


def best_of(grid: Mapping[str, float], least: bool = False) -> tuple[str, str]:
    """The rate of a grid that did best, and at which end of it that lies: "smallest", "largest" or "".

    `least`: the grid holds losses.
    """
    tried, best = sorted(grid, key=float), (min if least else max)(grid, key=grid.get)
    return best, {tried[0]: "smallest", tried[-1]: "largest"}.get(best, "")


def paper_table(lesson: object, paper: str, *rows: tuple[str, str, str], **more: str) -> None:
    """What a paper claims, what it rests on there, and what was measured here.

    In the third text of a row `{attention.long}` stands for the recorded figure of a model, and `{name}` for `more`.
    """

    def fill(found: re.Match) -> str:
        return more[found[1]] if found[1] in more else lesson.spread(*found[1].split("."))

    filled = [[claim, there, re.sub(r"\{([\w., ]+)\}", fill, here)] for claim, there, here in rows]
    columns = [f"claim of {paper}", "there", "we measured (three seeds)"]
    tables.show_table(columns, filled, "What was claimed, and what came out here")
