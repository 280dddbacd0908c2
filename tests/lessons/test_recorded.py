"""Recorded results are what the code gives: a seed that is run again lies inside the recorded spread."""

import json
from math import inf
from pathlib import Path
from statistics import mean

import nbformat
import pytest

from autograder.authoring import build, source
from autograder.experiments import record as experiment
from autograder.bench.course import numbers
from lessonkit.lesson import RESULTS
from lessonkit.show import touch

LONGEST = 20  # seconds of a recorded run that is repeated here; the others: `make experiments LESSON=..`


def recorded():
    for path in sorted(RESULTS.glob("[0-9][0-9].json")):
        yield json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("record", list(recorded()), ids=lambda record: record["lesson"])
def test_three_seeds_and_how_they_were_run(record):
    assert len({run["seed"] for run in record["runs"]}) >= 3
    assert {"date", "python", "torch", "threads", "processor"} <= set(record["made"])


QUICK = [record for record in recorded() if mean(run.get("seconds", inf) for run in record["runs"]) <= LONGEST]


@pytest.mark.slow
@pytest.mark.parametrize("record", QUICK, ids=lambda record: record["lesson"])
def test_a_seed_run_again_lies_in_the_recorded_spread(record):
    lesson = source.load(record["lesson"])
    again = dict(numbers(experiment.run_seed(lesson, record["runs"][0]["seed"])))
    runs = [dict(numbers(run)) for run in record["runs"]]
    assert again.keys() == runs[0].keys()
    for name, value in again.items():
        if "seconds" not in name:
            low, high = min(run[name] for run in runs), max(run[name] for run in runs)
            slack = 0.05 * abs(high) + 1e-6  # another processor's last digits, after training
            assert low - slack <= value <= high + slack, name


@pytest.mark.parametrize("lesson", source.lesson_names())
def test_maps_kept_in_a_notebook_carry_todays_script_and_style(lesson, count):
    here = Path(touch.__file__).parent
    style, script = ((here / name).read_text("utf-8") for name in ("touch.css", "touch.js"))
    _, _, module = script.partition("export default")
    for cell in nbformat.read(build.solution_path(lesson), as_version=4).cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            if "<script" in html:
                assert style in html
                assert module in html
                count("kept maps")
