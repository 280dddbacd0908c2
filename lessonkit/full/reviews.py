"""Lesson 06 on 2,000 film reviews (Pang and Lee 2004): hierarchical attention in ten folds, beside words in a bag."""

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from lessonkit import train
from lessonkit.data import download
from lessonkit.data.documents import Batch, Document, Documents, batches
from lessonkit.data.translation import Vocabulary
from lessonkit.errors import CourseError
from lessonkit.files import write_whole
from lessonkit.full import needs_scikit_learn
from lessonkit.full.resumable import ended_by_ctrl_c
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

LESSON = "06_hierarchical_attention"
FOLDS = 10  # reviews are dealt by their number: 0 to 99 of both classes, 100 to 199 ...
RARE = 5  # words that stand in fewer places of the training reviews are unknown
SENTENCES, WORDS = 12, 20  # networks read the last SENTENCES of a review, of each the first WORDS
WIDTH, STATE, RATE, BATCH = 48, 24, 4e-3, 16
DROPPED = 0.3  # share of words that aren't read in a step of training
ARMS = {"HN-ATT": ("gru", "attention", "attention"), "HN-AVE": ("gru", "average", "average")}
WHOLE, SAME = "a bag of words, the whole review", "a bag of words, what the networks read"


@ended_by_ctrl_c("The same command goes on after the last finished fold.")
def run(lesson: str, code: dict, minutes: float, folder: Path) -> dict:
    """Share right of each network and of a linear model on words, fold by fold; `minutes` of training in all.

    `code` is the namespace of lesson 06: its Reader is trained. Settings were fixed before any test fold was seen.
    Killed, it goes on after the last finished fold, which stands in 06_folds.json in `folder`.

    Raises:
        CourseError: scikit-learn is missing, the reviews can't be had, or a file can't be written.
    """
    needs_scikit_learn()
    torch.set_num_threads(1)
    start = time.process_time()
    whole = [(number // 100, _document(good, sentences)) for number, good, sentences in download.film_reviews()]
    read = [(fold, _cut(review)) for fold, review in whole]
    kept = folder / f"{lesson[:2]}_folds.json"
    found = _finished(kept, minutes)
    done = len(found["steps"]) // len(ARMS)
    for fold in tqdm(range(done, FOLDS), desc="folds", initial=done, total=FOLDS):
        training, test = _split(read, fold)
        for name, reviews in ((WHOLE, whole), (SAME, read)):
            found["by_fold"].setdefault(name, []).append(bag_of_words(*_split(reviews, fold)))
        data = Documents(training, [], test, vocabulary_of(training))
        code |= {"data": data, "WIDTH": WIDTH, "N": STATE}
        for name, arm in ARMS.items():
            seed_everything(fold)
            model = code["Reader"](*arm)
            steps = _train(model, data, 60 * minutes / FOLDS / len(ARMS), fold)
            found["steps"].append(steps)
            found["by_fold"].setdefault(name, []).append(_share_right(model, data))
            found["parameters"][name] = count_parameters(model)
        found["used"] += time.process_time() - start
        start = time.process_time()
        write_whole(kept, json.dumps(found))
    return {
        "lesson": lesson,
        "data": "2,000 film reviews",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread",
        "minutes": round(found["used"] / 60, 1),
        "folds": FOLDS,
        "parameters": found["parameters"],
        "steps": [min(found["steps"]), max(found["steps"])],
        "by_fold": found["by_fold"],
    }


def _finished(path: Path, minutes: float) -> dict:
    """What an earlier run with the same budget has finished."""
    fresh = {"minutes": minutes, "used": 0.0, "steps": [], "by_fold": {}, "parameters": {}}
    if not path.is_file():
        return fresh
    try:
        found = json.loads(path.read_text("utf-8"))
        wanted = found.keys() == fresh.keys()
    except (OSError, ValueError, AttributeError) as error:
        raise CourseError(f"{path} can't be read: remove it, and training starts anew.") from error
    return found if wanted and found["minutes"] == minutes else fresh


def _document(good: bool, sentences: list[list[str]]) -> Document:
    return Document(tuple(map(tuple, sentences)), good, 0, (), (), ())


def _cut(review: Document) -> Document:
    return replace(review, sentences=tuple(words[:WORDS] for words in review.sentences[-SENTENCES:]))


def _split(reviews: list[tuple[int, Document]], fold: int) -> tuple[list[Document], list[Document]]:
    """Those to train on, and those of the fold."""
    return [r for number, r in reviews if number != fold], [r for number, r in reviews if number == fold]


def vocabulary_of(training: list[Document]) -> Vocabulary:
    """The words that stand in the training reviews RARE times at least."""
    counts = Counter(word for review in training for words in review.sentences for word in words)
    return Vocabulary(word for word, count in counts.items() if count >= RARE)


def bag_of_words(training: list[Document], test: list[Document]) -> float:
    """Share right of logistic regression on which words occur; its strength by a tenth of the training reviews."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = CountVectorizer(
        analyzer=lambda review: [w for s in review.sentences for w in s], binary=True, min_df=RARE
    )
    x, y = vectorizer.fit_transform(training), [review.good for review in training]
    held = [i for i in range(len(training)) if i % 10 == 0]
    rest = [i for i in range(len(training)) if i % 10 != 0]

    def fitted(strength: float, rows: list[int]) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=1000).fit(x[rows], [y[i] for i in rows])

    best = max((0.003, 0.01, 0.03, 0.1), key=lambda c: fitted(c, rest).score(x[held], [y[i] for i in held]))
    model = fitted(best, list(range(len(training))))
    return round(model.score(vectorizer.transform(test), [review.good for review in test]), 4)


def _train(model: nn.Module, data: Documents, seconds: float, seed: int) -> int:
    """Train for about so many seconds; returns how many steps that were."""

    def endless() -> Iterator[Batch]:
        number = seed
        while True:
            yield from batches(data, data.train, BATCH, number)
            number += 1000

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        kept = batch.mask & (torch.rand(batch.mask.shape) > DROPPED)
        kept[:, 0] |= batch.mask[:, 0] & ~kept.any(-1).any(-1, keepdim=True)  # somebody must speak
        return nn.functional.cross_entropy(model(batch.words, kept), batch.good)

    steps = _steps_in(model, data, loss, seconds)
    train.fit(model, endless(), loss, steps=steps, lr=RATE, warmup=30, decay=True, seconds=9e9, quiet=True)
    return steps


def _steps_in(model: nn.Module, data: Documents, loss: Callable, seconds: float) -> int:
    """How many steps fit into so many seconds of this processor, from the time that five take without learning."""
    start = time.process_time()
    for number, batch in enumerate(batches(data, data.train, BATCH, 0), 1):
        loss(model, batch).backward()
        if number == 5:
            break
    model.zero_grad()
    return max(20, int(seconds / (time.process_time() - start) * 5))


@torch.no_grad()
def _share_right(model: nn.Module, data: Documents) -> float:
    right = sum(
        int((model(batch.words, batch.mask).argmax(-1) == batch.good).sum()) for batch in batches(data, data.test, 25)
    )
    return round(right / len(data.test), 4)
