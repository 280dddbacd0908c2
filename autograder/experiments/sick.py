"""The full-size run of lesson 11: its readers of pairs on SICK, 9,927 pairs that people wrote."""

import re
import statistics
from collections import Counter
from pathlib import Path

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from lessonkit.data import download
from lessonkit.data.inference import Inference, Pair
from lessonkit.data.translation import Vocabulary
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

ARMS = ("mean", "plain", "both", "one_row", "four_rows")
SEEDS, GRID, LONGEST = (0, 1, 2), (2e-3, 4e-3), 24
STEPS = 500


def run(code: dict, seconds: float, folder: Path | None = None) -> dict:
    """Accuracy of the readers on a tenth of SICK, three seeds, each at its rate of GRID that is best on another tenth.

    `code` is the namespace of lesson 11. Hundreds of neighbouring pairs are dealt together, since neighbours share
    sentences. `seconds` is what STEPS is thought for, and isn't used: every reader takes the same steps.
    Nothing is kept in `folder`.
    """
    del seconds, folder
    parts = parts_of_sick()
    words = Counter(word for pair in parts["train"] for word in pair.premise + pair.hypothesis)
    vocabulary = Vocabulary(word for word, count in words.items() if count >= 2)
    data = Inference(parts["train"], parts["validation"], parts["test"], [], [], vocabulary)
    code["data"] = data
    found: dict[str, dict] = {}
    for name in ARMS:
        shares, best = [], (0.0, 0.0)
        for rate in GRID:
            best = max(best, (_accuracy(code, name, 0, rate, data.validation)[0], rate))
        for seed in SEEDS:
            share, parameters = _accuracy(code, name, seed, best[1], data.test_short)
            shares.append(share)
        found[name] = {
            "test": shares,
            "mean": round(statistics.mean(shares), 4),
            "rate": best[1],
            "parameters": parameters,
        }
    most = Counter(pair.label for pair in parts["train"]).most_common(1)[0][0]
    return {
        "pairs": {name: len(pairs) for name, pairs in parts.items()},
        "steps": STEPS,
        "always_the_same": round(statistics.mean(pair.label == most for pair in parts["test"]), 4),
        "words_in_a_bag": bag_of_pairs(parts),
        "readers": found,
    }


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
