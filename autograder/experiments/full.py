"""Full-size runs: lessons 03 and 04 on real sentences (Tatoeba), aligned by people (Hansards); others by name."""

import json
from dataclasses import replace
from pathlib import Path

from autograder.authoring import source
from lessonkit.errors import CourseError
from lessonkit.files import write_whole
from lessonkit.full import runs
from lessonkit.lesson import RESULTS


def run(lesson: str, minutes: float, out: Path, record: bool = False) -> dict:
    """Train a lesson's model on real data for some minutes, measure, and write it down.

    Lessons 03 and 04: BLEU on held-out sentences of Tatoeba, and AER against human links. Others: what they say.

    Killed, it goes on from full/NN.pt in `out` when it is called again. The result is full/NN.json, and with `record`
    also data/results/full_NN.json.

    Raises:
        CourseError: the lesson has no full-size run, the data can't be had, or a file can't be written.
    """
    name = source.find_lesson(lesson)
    if name not in runs():
        known = ", ".join(sorted(known[:2] for known in runs()))
        raise CourseError(f"{name} has no full-size run of this kind. Lessons {known} have one: `make full LESSON=03`.")
    code = replace(source.load(name)).namespace()  # a namespace of its own: the lesson's functions, another corpus
    result = runs()[name](name, code, minutes, out / "full")
    _keep(name, result, out, record)
    return result


def _keep(name: str, result: dict, out: Path, record: bool) -> None:
    """Write full/NN.json in `out`, and with `record` also data/results/full_NN.json."""
    for path in (out / "full" / f"{name[:2]}.json", *([RESULTS / f"full_{name[:2]}.json"] if record else [])):
        write_whole(path, json.dumps(result, indent=1) + "\n")
