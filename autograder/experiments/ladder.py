"""The ladder: the course's translators, one above the other, on Multi30k German-English (29,000 sentences)."""

import io
import itertools
import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

import sacrebleu
import sentencepiece
import torch
from torch import Tensor
from tqdm import tqdm

from autograder.authoring import source
from autograder.experiments import ladder_models as models
from autograder.experiments.ladder_models import Loss
from lessonkit.data import download
from lessonkit.data.translation import Batch, Pair, Translation, Vocabulary, batches
from lessonkit.errors import CourseError
from lessonkit.files import write_whole
from lessonkit.full.resumable import Progress, clock_of, train
from lessonkit.lesson import RESULTS
from lessonkit.models.seq2seq import (
    EncoderDecoder,
    count_parameters,
    translate,
    translation_loss,
)
from lessonkit.seeds import seed_everything

PIECES, BATCH = 4000, 100  # subwords of both languages together; sentences a batch
SHORT, LONG = 8, 15  # German words: up to SHORT is a short sentence, from LONG on a long one
BEAM, ALPHA = 4, 1.0  # for the last rung, beside the greedy translation


@dataclass(frozen=True)
class Rung:
    """A model of the ladder.

    `published` is the BLEU that is quoted for a model of its kind in a well-known series of tutorials, where there is
    one: a rough mark only, since their words are cut otherwise, and their BLEU isn't sacrebleu's.
    """

    name: str
    what: str
    make: Callable[[int], EncoderDecoder]  # from the number of subwords
    published: float | None
    loss: Callable[[], Loss] = field(default=lambda: translation_loss)
    lr: float = 2e-3
    warmup: int = 200
    beam: bool = False


def rungs() -> dict[str, Rung]:
    """All models by name, from the lowest to the highest."""
    found = (
        Rung("start_only", "GRU, one vector at the start", models.start_only, 13.76),
        Rung("vector", "GRU, the vector at each step", models.vector, 20.61),
        Rung("additive", "additive attention", models.additive, 28.30),
        Rung("luong", "Luong's general attention", models.luong, None),
        Rung("transformer", "Transformer", models.transformer, 36.52, models.smoothed, warmup=400, beam=True),
    )
    return {rung.name: rung for rung in found}


# The data: lower case, in subwords that both languages share, so that no word is unknown.


@dataclass(frozen=True)
class Corpus:
    """Multi30k as subwords; `references` are the test set's English sentences as they were written."""

    data: Translation
    test: list[Pair]
    references: list[str]
    words: list[int]  # German words of each test sentence


def load_corpus() -> Corpus:
    """Read Multi30k (from its home, the cache or a mirror) and cut it into subwords (Sennrich et al. 2016)."""
    sides = {
        split: [download.multi30k(split, language) for language in ("de", "en")]
        for split in ("train", "val", "test_2016_flickr")
    }
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line.lower() for line in itertools.chain(*sides["train"])),
        model_writer=model, model_type="bpe", vocab_size=PIECES, character_coverage=1.0, num_threads=1,
        pad_id=0, bos_id=1, eos_id=2, unk_id=3, minloglevel=2,
    )  # fmt: skip
    cutter = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    vocabulary = Vocabulary(cutter.id_to_piece(i) for i in range(4, PIECES))

    def pairs(split: str) -> list[Pair]:
        cut = [[tuple(cutter.encode(line.lower(), out_type=str)) for line in side] for side in sides[split]]
        return [Pair(source, target, frozenset()) for source, target in zip(*cut, strict=True)]

    german, english = sides["test_2016_flickr"]
    data = Translation(pairs("train"), pairs("val"), [], [], [], vocabulary, vocabulary)
    return Corpus(data, pairs("test_2016_flickr"), english, [len(line.split()) for line in german])


def joined(pieces: Iterable[str]) -> str:
    """The sentence that subwords stand for."""
    return "".join(pieces).replace("▁", " ").strip()


# Training, within a budget of seconds, from a checkpoint if there is one.


def train_rung(
    rung: Rung, corpus: Corpus, seconds: float, checkpoint: Path, device: torch.device
) -> tuple[EncoderDecoder, Progress]:
    """Train for as long as the budget lasts, earlier runs counted in; see `lessonkit.full.resumable`."""
    seed_everything(0)
    model, loss, halves = rung.make(PIECES).to(device), rung.loss(), halves_are_faster(device)
    data = corpus.data

    def loss_of(model: EncoderDecoder, batch: Batch) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=halves):
            return loss(model, batch)

    progress = train(
        model,
        lambda number: batches(data.train, data.source_vocabulary, data.target_vocabulary, BATCH, seed=number),
        loss_of, checkpoint, seconds=seconds, lr=rung.lr, warmup=rung.warmup, title=rung.name, clock=clock_of(device),
    )  # fmt: skip
    return model, progress


@lru_cache
def halves_are_faster(device: torch.device) -> bool:
    """Whether this machine multiplies in bfloat16 much faster than in float32, so that training may use it."""

    def seconds_of(dtype: torch.dtype) -> float:
        a, b = (torch.ones(1024, 1024, device=device, dtype=dtype) for _ in range(2))
        times = []
        for _ in range(5):
            before = time.perf_counter()
            (a @ b).sum().item()
            times.append(time.perf_counter() - before)
        return min(times)

    return 1.5 * seconds_of(torch.bfloat16) < seconds_of(torch.float32)


@torch.no_grad()
def validation_loss(model: EncoderDecoder, data: Translation) -> float:
    """Cross-entropy a subword, on the validation sentences."""
    total = words = 0
    for batch in batches(data.validation, data.source_vocabulary, data.target_vocabulary, BATCH):
        count = int(batch.tgt_mask.sum())
        total, words = total + translation_loss(model, batch).item() * count, words + count
    return total / words


# Measuring, and writing down.


def measure(made: Sequence[str], corpus: Corpus) -> dict:
    """BLEU as sacrebleu reports it, for all sentences and by the German sentence's length, and its signature."""
    metric = sacrebleu.metrics.BLEU(lowercase=True)

    def bleu(chosen: Callable[[int], bool]) -> float:
        kept = [i for i, length in enumerate(corpus.words) if chosen(length)]
        score = metric.corpus_score([made[i] for i in kept], [[corpus.references[i] for i in kept]])
        return round(score.score, 2)

    return {
        "bleu": bleu(lambda length: True),
        "short": bleu(lambda length: length <= SHORT),
        "medium": bleu(lambda length: SHORT < length < LONG),
        "long": bleu(lambda length: length >= LONG),
        "signature": str(metric.get_signature()),
    }


@torch.no_grad()
def _beam_translations(model: EncoderDecoder, corpus: Corpus) -> list[str]:
    """The test set by lesson 01's beam search."""
    search, vocabulary, made = source.load("01").namespace()["beam_search"], corpus.data.target_vocabulary, []
    one_by_one = batches(corpus.test, corpus.data.source_vocabulary, vocabulary, 1)
    for batch in tqdm(one_by_one, total=len(corpus.test), desc=f"beam of {BEAM}", file=sys.stderr):
        memory = model.encode(batch.src, batch.src_mask)
        logits = model.stepper(memory, batch.src_mask)

        def step(word: int, state: object, logits: Callable = logits) -> tuple[Tensor, object]:
            scores, state = logits(torch.tensor([word]), state)
            return torch.log_softmax(scores[0], dim=0), state

        start = model.decoder.start(memory, batch.src_mask)
        words = search(step, start, Vocabulary.bos, Vocabulary.eos, BEAM, 2 * batch.src.shape[1], ALPHA)
        made.append(joined(vocabulary.decode(words)))
    return made


def climb(names: Sequence[str], minutes: float, out: Path, record: bool = False) -> list[dict]:
    """Train and measure the named rungs (all, if none is named), each for some minutes; what came out, lowest first.

    Each rung's figures are written to ladder/ladder.json in `out` as soon as they are known, beside the checkpoints;
    with `record` also to data/results/ladder.json. Rungs that were measured in an earlier run keep their figures.

    Raises:
        CourseError: there is no such rung, or the data can't be had.
    """
    known = rungs()
    if wrong := [name for name in names if name not in known]:
        raise CourseError(f"The ladder has no rung {wrong[0]!r}: take some of {', '.join(known)}.")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    files = [out / "ladder" / "ladder.json", *([RESULTS / "ladder.json"] if record else [])]
    corpus = load_corpus()
    with device:  # what is made without saying where, is made there
        for name in names or known:
            result = _climb_one(known[name], corpus, minutes, out / "ladder" / f"{name}.pt", device)
            for file in files:
                _write_down(file, result, list(known))
    return json.loads(files[0].read_text("utf-8"))["rungs"]


def _climb_one(rung: Rung, corpus: Corpus, minutes: float, checkpoint: Path, device: torch.device) -> dict:
    model, progress = train_rung(rung, corpus, 60 * minutes, checkpoint, device)
    made = [joined(words) for words in translate(model, corpus.test, corpus.data)]
    result = {
        "name": rung.name,
        "what": rung.what,
        "published": rung.published,
        **measure(made, corpus),
        **({"beam_bleu": measure(_beam_translations(model, corpus), corpus)["bleu"]} if rung.beam else {}),
        "parameters": count_parameters(model),
        "seconds": round(progress.seconds),
        "steps": progress.steps,
        "passes": progress.passes,
        "validation_loss": round(validation_loss(model, corpus.data), 3),
        "date": date.today().isoformat(),
        "machine": _machine(device),
        "example": made[0],
    }
    print(f"{rung.what}: BLEU {result['bleu']}  ({result['signature']})")
    return result


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name()
    numbers = "bfloat16" if halves_are_faster(device) else "float32"
    return f"{platform.machine()}, {torch.get_num_threads()} thread, {numbers}"


def _write_down(file: Path, result: dict, order: list[str]) -> None:
    kept = json.loads(file.read_text("utf-8"))["rungs"] if file.is_file() else []
    found = {rung["name"]: rung for rung in [*kept, result]}
    lines = sorted(found.values(), key=lambda rung: order.index(rung["name"]))
    corpus = f"Multi30k, German to English, lower case, {PIECES} subwords, test_2016_flickr"
    content = {"corpus": corpus, "torch": torch.__version__, "rungs": lines}
    write_whole(file, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
