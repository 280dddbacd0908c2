"""What a learner types in the course's folder: `python -m lessonkit full 03`."""

import argparse
import json
import sys
from pathlib import Path

from lessonkit.errors import CourseError, did_you_mean

HERE = Path(__file__).resolve().parents[1]


def main(words: list[str] | None = None) -> int:
    """Run a command. Returns the exit code; what somebody can mend is one sentence."""
    parser = argparse.ArgumentParser("python -m lessonkit", description="Full-size runs of the course's lessons.")
    commands = parser.add_subparsers(dest="command", required=True)
    full = commands.add_parser("full", help="train a lesson's model, with your answers, on real data")
    full.add_argument("lesson", help="name or number: 03, 04, 06, 11, 13 or 14")
    full.add_argument("--minutes", type=float, default=30.0, help="how long to train, all runs counted (default 30)")
    full.add_argument("--out", type=Path, default=Path("out"), help="folder for checkpoint and result (default out)")
    full.add_argument("--notebook", type=Path, help="your notebook, if it lies elsewhere")
    given = parser.parse_args(words)
    try:
        run_full(given.lesson, given.minutes, given.out, given.notebook)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def run_full(word: str, minutes: float, out: Path, notebook: Path | None = None) -> dict:
    """Train a lesson's model with the answers in its notebook, print what came out, and write it to out/full/NN.json.

    Raises:
        CourseError: no such run, a notebook that can't be used, no data, or a file that can't be written.
    """
    from lessonkit.full import answers, runs

    if not minutes > 0:
        raise CourseError(f"--minutes is a number above 0, not {minutes:g}.")
    known = runs()
    names = [name for name in known if name == word or name[:2] == word.zfill(2)]
    if not names:
        meant = did_you_mean(word, sorted(name[:2] for name in known))
        raise CourseError(f"There is no full-size run of {word!r} for learners.{meant} Others need the whole project.")
    (name,) = names
    path = notebook or HERE / "lessons" / name / f"{name}.ipynb"
    result = known[name](name, answers.namespace(path, name), minutes, out / "full")
    target = out / "full" / f"{name[:2]}.json"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CourseError(f"{target} can't be written: {error.strerror}.") from error
    for figure, value in result.items():
        print(f"{figure.replace('_', ' '):22} {value}")
    return result


if __name__ == "__main__":
    sys.exit(main())
