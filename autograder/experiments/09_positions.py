"""Lesson 09's comparison: six ways to tell positions, two tasks, with and without a causal mask; and three changes."""

from lessonkit.models import letters
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """The share of right answers at each tested length."""
    results = {}
    for task in ("previous", "first"):
        for view in ("no mask", "causal"):
            results[f"{task}, {view}"] = {
                scheme: _train(lesson, seed, task, scheme, causal=view == "causal") for scheme in letters.SCHEMES
            }
    anywhere = {"shifts": letters.LONGEST - letters.TRAINED}
    results |= first_anywhere(lesson, seed)
    results["breaks"] = {
        "one layer": _train(lesson, seed, "previous", "none", causal=True, layers=1),
        "sinusoidal, start anywhere": _train(lesson, seed, "previous", "sinusoidal", **anywhere),
        "learned, start anywhere": _train(lesson, seed, "previous", "learned", **anywhere),
        "previous, clip 4": _train(lesson, seed, "previous", "relative", clip=4),
        "first, clip 4": _train(lesson, seed, "first", "relative", clip=4),
    }
    return results


def first_anywhere(lesson: dict, seed: int) -> dict:
    """The task that lives on place 0, for schemes that were trained with random starts."""
    shifts = letters.LONGEST - letters.TRAINED
    schemes = ("sinusoidal", "learned")
    return {"first, start anywhere": {s: _train(lesson, seed, "first", s, shifts=shifts) for s in schemes}}


def _train(lesson: dict, seed: int, task: str, scheme: str, shifts: int = 0, **settings: object) -> dict:
    seed_everything(seed)
    model = lesson["Reader"](scheme, parts=_parts(lesson), **settings)
    history = lesson["train_reader"](model, task, seed, quiet=True, shifts=shifts)
    right = {str(T): round(letters.right_by_place(model, task, T).mean().item(), 4) for T in letters.LENGTHS}
    return {**right, "seconds": round(history.seconds, 1), "loss": round(sum(history.losses[-20:]) / 20, 4)}


def _parts(lesson: dict) -> object:
    names = ("sinusoidal_encoding", "relative_attention", "rotary", "alibi_bias")
    return type(lesson["PARTS"])(**{name: lesson[name] for name in names})
