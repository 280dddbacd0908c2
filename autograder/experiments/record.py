"""Recorded experiments: run a lesson's comparison on several seeds, and write down all that came out."""

import importlib.util
import json
import platform
import time
from datetime import date

import numpy
import torch
from tqdm import tqdm

from autograder.authoring.source import ROOT, LessonSource
from autograder.files import write_whole
from lessonkit.errors import CourseError
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


def record(lesson: LessonSource) -> None:
    """Run a lesson's experiment on all its seeds and write data/results/NN.json (whole, at the end)."""
    runs = [run_seed(lesson, seed) for seed in tqdm(load(lesson).SEEDS, desc=lesson.name)]
    made = {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "threads": torch.get_num_threads(),
        "processor": platform.machine(),
    }
    content = {"lesson": lesson.name, "made": made, "runs": runs}
    write_whole(RESULTS / f"{lesson.name[:2]}.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
