"""The full-size run of lesson 11: its readers of pairs on SICK, 9,927 pairs that people wrote."""

import platform
import re
import statistics
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import torch
from tqdm import tqdm

from lessonkit.data import download
from lessonkit.data.inference import Inference, Pair
from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError
from lessonkit.full import needs_scikit_learn
from lessonkit.full.resumable import ended_by_ctrl_c
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

LESSON = "11_self_attention_family"
ARMS = ("plain", "both", "one_row", "four_rows", "mean")
SEEDS, GRID, LONGEST, RARE = (0, 1, 2), (4e-3, 8e-3), 24, 2  # words that are read; rarer words are unknown
STEPS = 400


@ended_by_ctrl_c("Nothing is kept of this run.")
def run(lesson: str, code: dict, minutes: float, folder: Path) -> dict:
    """Accuracy of the readers on a tenth of SICK, three seeds, each at its rate of GRID that is best on another tenth.

    `code` is what lesson 11 defines, with somebody's answers; its `data` is exchanged. Hundreds of neighbouring pairs
    are dealt together, since neighbours share sentences. A reader that no time is left for is left out, or has fewer
    seeds; every training takes STEPS steps. Nothing is kept in `folder`: all of it takes minutes.

    Raises:
        CourseError: scikit-learn is missing, the data can't be had, or the time isn't enough for one reader.
    """
    del folder
    needs_scikit_learn()
    torch.set_num_threads(1)
    start = time.process_time()
    parts = parts_of_sick()
    words = Counter(word for pair in parts["train"] for word in pair.premise + pair.hypothesis)
    vocabulary = Vocabulary(word for word, count in words.items() if count >= RARE)
    code["data"] = Inference(parts["train"], parts["validation"], parts["test"], [], [], vocabulary)
    most = Counter(pair.label for pair in parts["train"]).most_common(1)[0][0]
    bag, readers = bag_of_pairs(parts), _readers(code, 60 * minutes)
    return {
        "lesson": lesson,
        "data": "SICK, 9,927 pairs",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread",
        "minutes": round((time.process_time() - start) / 60, 1),
        "pairs": {name: len(pairs) for name, pairs in parts.items()},
        "steps": STEPS,
        "most_frequent": round(statistics.mean(pair.label == most for pair in parts["test"]), 4),
        "bag": bag,
        "readers": readers,
    }


def _readers(code: dict, seconds: float) -> dict[str, dict]:
    """Of each reader accuracies on the test pairs, its rate, and its size."""
    data, found, clock = code["data"], {}, _Clock(seconds)
    for name in tqdm(ARMS, desc="11 on SICK", file=sys.stdout):
        tried = {rate: _accuracy(code, name, 0, rate, data.validation)[0] for rate in GRID if clock.another()}
        best = max(tried, key=tried.get, default=GRID[0])
        for seed in SEEDS:
            if len(tried) == len(GRID) and clock.another():
                share, parameters = _accuracy(code, name, seed, best, data.test_short)
                arm = found.setdefault(name, {"test": [], "rate": best, "parameters": parameters})
                arm["test"].append(share)
    if not found:
        raise CourseError(f"{seconds / 60:g} minutes are too few for one reader: give it more, --minutes 30.")
    return found


class _Clock:
    """Says whether one more training as long as the longest so far fits into so many seconds of the processor."""

    def __init__(self, seconds: float):
        self.start = self.last = time.process_time()
        self.seconds, self.longest = seconds, 0.0

    def another(self) -> bool:
        now = time.process_time()
        self.longest, self.last = max(self.longest, now - self.last), now
        return now - self.start + self.longest <= self.seconds


def parts_of_sick() -> dict[str, list[Pair]]:
    """Train, validation and test: blocks of a hundred neighbouring pairs, dealt 8 : 1 : 1."""
    parts: dict[str, list[Pair]] = {"train": [], "validation": [], "test": []}
    for number, first, second, label in download.sick():
        block = number // 100 % 10
        name = {0: "test", 5: "validation"}.get(block, "train")
        parts[name].append(Pair(_words(first), _words(second), label, (), ()))
    return parts


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.lower()))[:LONGEST]


def bag_of_pairs(parts: dict[str, list[Pair]]) -> float:
    """Accuracy of logistic regression on the words of each sentence alone, of both, and the share that both have."""

    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    def features(pair: Pair) -> dict[str, float]:
        p, h = set(pair.premise), set(pair.hypothesis)
        named = {f"p {word}": 1.0 for word in p - h} | {f"h {word}": 1.0 for word in h - p}
        return named | {f"both {word}": 1.0 for word in p & h} | {"shared": 5 * len(p & h) / len(p | h)}

    vectorizer = DictVectorizer()
    x = {
        name: vectorizer.fit_transform(map(features, pairs)) if name == "train" else None
        for name, pairs in parts.items()
    }
    x |= {name: vectorizer.transform(map(features, parts[name])) for name in ("validation", "test")}
    y = {name: [pair.label for pair in pairs] for name, pairs in parts.items()}
    models = [LogisticRegression(C=c, max_iter=2000).fit(x["train"], y["train"]) for c in (0.03, 0.1, 0.3, 1.0)]
    best = max(models, key=lambda model: model.score(x["validation"], y["validation"]))
    return round(best.score(x["test"], y["test"]), 4)


def _accuracy(code: dict, name: str, seed: int, rate: float, pairs: list[Pair]) -> tuple[float, int]:
    seed_everything(seed)
    model = code["MODELS"][name]()
    code["train_pairs"](model, seed, rate, STEPS, quiet=True, seconds=9e9)
    return round(code["share_right"](model, pairs), 4), count_parameters(model)
