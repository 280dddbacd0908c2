"""Recorded experiments: run a lesson's comparison on several seeds, and write down all that came out."""

import importlib.util
import json
import platform
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy
import torch
from tqdm import tqdm

from autograder.authoring.source import ROOT, LessonSource
from lessonkit.errors import CourseError
from lessonkit.files import write_whole
from lessonkit.full.resumable import ended_by_ctrl_c
from lessonkit.lesson import RESULTS
from lessonkit.seeds import seed_everything

EXPERIMENTS = ROOT / "autograder" / "experiments"


def load(lesson: LessonSource) -> object:
    """The module with the experiment of a lesson: SEEDS and run(lesson, seed).

    Raises:
        CourseError: there is none.
    """
    path = EXPERIMENTS / f"{lesson.name}.py"
    if not path.is_file():
        raise CourseError(f"Lesson {lesson.name} has no recorded experiment (autograder/experiments/{lesson.name}.py).")
    spec = importlib.util.spec_from_file_location(f"experiment_{lesson.name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_seed(lesson: LessonSource, seed: int) -> dict:
    """One run of a lesson's experiment."""
    seed_everything(seed)
    start = time.monotonic()
    result = load(lesson).run(lesson.namespace(), seed)
    return {"seed": seed, "seconds": round(time.monotonic() - start, 1), **result}


def record(lesson: LessonSource, part: str | None = None) -> None:
    """Run a lesson's experiment on all its seeds and write data/results/NN.json (whole, at the end).

    With `part`, only the module's function of that name: `tune(lesson)` gives a grid of rates on validation data, kept
    under "tuned"; any other, `part(lesson, seed)`, gives results that replace those of the same names in the record.

    Raises:
        CourseError: the experiment has no such part, or there is no record yet that a part could go into.
    """
    module, path = load(lesson), RESULTS / f"{lesson.name[:2]}.json"
    if part is None:
        with ended_by_ctrl_c(f"{path.name} is as it was."):
            runs = [run_seed(lesson, seed) for seed in tqdm(module.SEEDS, desc=lesson.name)]
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        _write(path, {**kept, "lesson": lesson.name, "made": _machine(), "runs": runs})
        return
    function = getattr(module, part, None)
    if not callable(function):
        raise CourseError(f"The experiment of lesson {lesson.name} has no part {part!r}.")
    if not path.is_file():
        raise CourseError(f"There are no recorded results of {lesson.name} yet: run the whole experiment first.")
    code = lesson.namespace()
    for seed in [module.SEEDS[0]] if part == "tune" else tqdm(module.SEEDS, desc=f"{lesson.name}: {part}"):
        seed_everything(seed)
        with ended_by_ctrl_c(f"{path.name} has {part!r} of the seeds that were done."):
            found = function(code) if part == "tune" else function(code, seed)
        kept = json.loads(path.read_text(encoding="utf-8"))  # read late: another part may have been written meanwhile
        if part == "tune":
            kept["tuned"] = kept.get("tuned", {}) | found
        for run in kept["runs"]:
            run |= found if part != "tune" and run["seed"] == seed else {}
        kept.setdefault("parts", {})[part] = _machine()
        _write(path, kept)


def best_rate(number: str, model: str, known: float, choose: Callable = max) -> float:
    """The rate of lesson `number`'s recorded grid that did best for this model on validation data; `known` without one.

    `choose` is max where the grid holds shares, min where it holds losses.
    """
    path = RESULTS / f"{number}.json"
    tuned = json.loads(path.read_text(encoding="utf-8")).get("tuned", {}) if path.is_file() else {}
    grid = tuned.get(model)
    return float(choose(grid, key=grid.get)) if grid else known


def recorded_run(number: str, seed: int) -> dict:
    """What lesson `number`'s record has for this seed; empty if it has nothing."""
    path = RESULTS / f"{number}.json"
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.is_file() else []
    return next((run for run in runs if run["seed"] == seed), {})


def _machine() -> dict:
    return {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "threads": torch.get_num_threads(),
        "processor": platform.machine(),
    }


def _write(path: Path, results: dict) -> None:
    write_whole(path, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
