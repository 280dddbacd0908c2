"""The full-size run of lesson 06: hierarchical attention on 2,000 film reviews, in ten folds, beside words in a bag."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from lessonkit import train
from lessonkit.data import download
from lessonkit.data.documents import Batch, Document, Documents, batches
from lessonkit.data.translation import Vocabulary
from lessonkit.models.seq2seq import count_parameters
from lessonkit.seeds import seed_everything

FOLDS, RARE = (
    10,
    5,
)  # reviews are dealt by their number: 0 to 99 of both classes, 100 to 199 ...; rarer words are unknown
SENTENCES, WORDS = 40, 35  # of a longer review the last SENTENCES are read, of a longer sentence the first WORDS
WIDTH, STATE, RATE, DROPPED = 48, 24, 4e-3, 0.3  # DROPPED: share of words that aren't read in a step of training
ARMS = {"attention": ("gru", "attention", "attention"), "average": ("gru", "average", "average")}


def run(code: dict, seconds: float, folder: Path | None = None) -> dict:
    """Accuracy of each network and of a linear model on words, fold by fold; `seconds` of training in all.

    `code` is the namespace of lesson 06. Nothing was tuned on the test folds: settings were fixed before.
    Nothing is kept in `folder`.
    """
    del folder
    reviews = [(number // 100, _document(good, sentences)) for number, good, sentences in download.film_reviews()]
    found: dict[str, list[float]] = {name: [] for name in ("bag of words", *ARMS)}
    steps: list[int] = []
    for fold in range(FOLDS):
        training = [review for group, review in reviews if group != fold]
        test = [review for group, review in reviews if group == fold]
        found["bag of words"].append(bag_of_words(training, test))
        data = Documents(training, [], test, vocabulary_of(training))
        code |= {"data": data, "WIDTH": WIDTH, "N": STATE}
        for name, arm in ARMS.items():
            seed_everything(fold)
            model = code["Reader"](*arm)
            history = _train(model, data, seconds / FOLDS / len(ARMS), fold)
            steps.append(history.steps)
            found[name].append(_share_right(model, data))
    return {
        "reviews": len(reviews),
        "folds": FOLDS,
        "parameters": count_parameters(model),
        "steps": [min(steps), max(steps)],
        "accuracy": {name: round(statistics.mean(values), 4) for name, values in found.items()},
        "by_fold": found,
    }


def _document(good: bool, sentences: list[list[str]]) -> Document:
    kept = tuple(tuple(words[:WORDS]) for words in sentences[-SENTENCES:])
    return Document(kept, good, 0, (), (), ())


def vocabulary_of(training: list[Document]) -> Vocabulary:
    """The words that stand in the training reviews RARE times at least."""
    counts = Counter(word for review in training for words in review.sentences for word in words)
    return Vocabulary(word for word, count in counts.items() if count >= RARE)


def bag_of_words(training: list[Document], test: list[Document]) -> float:
    """Accuracy of logistic regression on which words occur; its strength by a tenth of the training reviews."""
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


def _train(model: nn.Module, data: Documents, seconds: float, seed: int) -> train.History:
    def endless() -> Iterator[Batch]:
        number = seed
        while True:
            yield from batches(data, data.train, 16, number)
            number += 1000

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        kept = batch.mask & (torch.rand(batch.mask.shape) > DROPPED)
        kept[:, 0] |= batch.mask[:, 0] & ~kept.any(-1).any(-1, keepdim=True)  # somebody must speak
        return nn.functional.cross_entropy(model(batch.words, kept), batch.good)

    steps = _steps_in(model, data, loss, seconds)
    return train.fit(model, endless(), loss, steps=steps, lr=RATE, warmup=30, decay=True, seconds=9e9, quiet=True)


def _steps_in(model: nn.Module, data: Documents, loss: Callable, seconds: float) -> int:
    """How many steps fit into so many seconds of this processor, from the time that five take without learning."""
    start = time.process_time()
    for number, batch in enumerate(batches(data, data.train, 16, 0), 1):
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
