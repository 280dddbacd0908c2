"""The results that the visible checks expect, as the build wrote them: arrays in one safetensors file a lesson."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from lessonkit.checks.outcome import Failure, Known, Outcome
from lessonkit.errors import CourseError

FOLDER = Path(__file__).resolve().parents[1] / "expected"
VISIBLE_SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class ExpectedExercise:
    """One exercise: its points, and for each visible seed the reference's outcome and those of the known mistakes."""

    points: float
    outcomes: Mapping[int, Outcome]
    known: Mapping[int, tuple[Known, ...]]


def path_of(lesson: str, folder: Path = FOLDER) -> Path:
    """Where the expected results of a lesson lie."""
    return folder / f"{lesson}.safetensors"


def save(lesson: str, exercises: Mapping[str, ExpectedExercise], folder: Path = FOLDER, edition: int = 1) -> None:
    """Write the expected results of a lesson. The same results give the same bytes.

    `edition` counts up whenever a lesson's checks draw otherwise than before; its notebooks carry the same number.
    """
    arrays: dict[str, np.ndarray] = {}
    index: dict[str, dict] = {}
    for name, exercise in exercises.items():
        seeds = {}
        for seed, outcome in exercise.outcomes.items():
            known = [
                {"name": k.name, "sentence": k.sentence, **_put(arrays, f"{name}|{seed}|{k.name}", k.outcome)}
                for k in exercise.known[seed]
            ]
            seeds[seed] = {**_put(arrays, f"{name}|{seed}|", outcome), "known": known}
        index[name] = {"points": exercise.points, "seeds": seeds}
    folder.mkdir(parents=True, exist_ok=True)
    path = path_of(lesson, folder)
    later = {"edition": str(edition)} if edition > 1 else {}
    save_file(arrays, path, metadata={"course": json.dumps(index, ensure_ascii=False), **later})
    path.chmod(0o644)  # safetensors makes it readable by its owner only


def _put(arrays: dict[str, np.ndarray], key: str, outcome: Outcome) -> dict:
    for name, array in outcome.arrays.items():
        arrays[f"{key}|{name}"] = np.array(array, order="C")  # ascontiguousarray makes a number a vector
    return {
        "arrays": list(outcome.arrays),
        "others": dict(outcome.others),
        "failure": asdict(outcome.failure) | {"traceback": ""} if outcome.failure else None,
        "changed": list(outcome.changed),
        "digest": outcome.digest,
        "returned": dict(outcome.returned),
        "names": list(outcome.names),
    }


@lru_cache(maxsize=4)
def load(lesson: str, folder: Path = FOLDER) -> dict[str, ExpectedExercise]:
    """Read the expected results of a lesson.

    Raises:
        CourseError: the file is missing or damaged.
    """
    path = path_of(lesson, folder)
    if not path.is_file():
        raise CourseError(
            f"The expected results of lesson {lesson} are missing ({path.name}): install lessonkit again."
        )
    try:
        with safe_open(path, "numpy") as file:
            index = json.loads(file.metadata()["course"])
            return {name: _exercise(name, entry, file) for name, entry in index.items()}
    except Exception as error:
        raise CourseError(f"{path.name} is damaged ({error}): install lessonkit again.") from error


def edition_of(lesson: str, folder: Path = FOLDER) -> int:
    """The edition of a lesson's checks; 1 where nothing says otherwise."""
    try:
        with safe_open(path_of(lesson, folder), "numpy") as file:
            return int(file.metadata().get("edition", 1))
    except Exception:
        return 1


def _exercise(name: str, entry: dict, file: safe_open) -> ExpectedExercise:
    outcomes, known = {}, {}
    for seed, item in entry["seeds"].items():
        outcomes[int(seed)] = _outcome(f"{name}|{seed}|", item, file)
        known[int(seed)] = tuple(
            Known(k["name"], k["sentence"], _outcome(f"{name}|{seed}|{k['name']}", k, file)) for k in item["known"]
        )
    return ExpectedExercise(entry["points"], outcomes, known)


def _outcome(key: str, item: dict, file: safe_open) -> Outcome:
    return Outcome(
        arrays={name: file.get_tensor(f"{key}|{name}") for name in item["arrays"]},
        others=item["others"],
        failure=Failure(**item["failure"]) if item["failure"] else None,
        changed=tuple(item["changed"]),
        digest=item["digest"],
        returned=item["returned"],
        names=tuple(item["names"]),
    )
