"""Lessons 03 and 04 on real sentences: trained on Tatoeba, scored against links that people drew (Hansards)."""

import platform
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import sacrebleu
import torch
from torch import Tensor

from lessonkit.data import download
from lessonkit.data.translation import Batch, Pair, Translation, Vocabulary, batches
from lessonkit.full.resumable import clock_of, train
from lessonkit.models.alignment import links_from_weights
from lessonkit.models.seq2seq import EncoderDecoder, count_parameters, shift_right, translate, translation_loss
from lessonkit.seeds import seed_everything

SHORTEST, LONGEST, RARE, HELD_OUT = 3, 15, 3, 500  # words of a sentence; sentences with a word below count; test pairs
BATCH, RATE, WARMUP = 64, 2e-3, 200


def _additive(code: dict) -> EncoderDecoder:
    return code["make_model"](code["decoder_step"], code["additive_score"], code["alignment_weights"])


def _luong(code: dict) -> EncoderDecoder:
    return code["make_model"]("general", "global")


# What is trained, and how it is made of the lesson's own code.
MODELS: dict[str, tuple[str, Callable[[dict], EncoderDecoder]]] = {
    "03_additive_attention": ("additive attention", _additive),
    "04_scores_and_scope": ("general score, global scope, input feeding", _luong),
}


def run(name: str, code: dict, minutes: float, folder: Path) -> dict:
    """Train a lesson's model for some minutes, and measure BLEU on held-out sentences and AER against human links.

    `code` is what the lesson's cells define, with somebody's answers; its `data` is exchanged. Killed, it goes on from
    NN.pt in `folder` when it is called again.

    Raises:
        CourseError: the data can't be had, or a file can't be written.
    """
    seed_everything(0)
    data, aligned = real_data()
    code["data"] = data
    what, make = MODELS[name]
    model = make(code)

    def one_pass(number: int) -> Iterator[Batch]:
        return batches(data.train, data.source_vocabulary, data.target_vocabulary, BATCH, seed=number)

    progress = train(
        model, one_pass, translation_loss, folder / f"{name[:2]}.pt",
        seconds=60 * minutes, lr=RATE, warmup=WARMUP, title=f"{name[:2]} on Tatoeba",
        clock=clock_of(torch.device("cpu")),
    )  # fmt: skip
    return {
        "lesson": name,
        "model": what,
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread",
        "training_pairs": len(data.train),
        "parameters": count_parameters(model),
        "steps": progress.steps,
        "seconds": round(progress.seconds),
        "loss": round(progress.loss, 3),
        "test_pairs": len(data.validation),
        "bleu": _bleu(model, data),
        "aligned_pairs": len(aligned),
        "aer": round(human_error_rate(model, aligned, data), 3),
        "aer_of_the_diagonal": round(_diagonal_error_rate(aligned), 3),
    }


def _bleu(model: EncoderDecoder, data: Translation) -> float:
    """BLEU of greedy translations of the held-out sentences, in lower-case words as the model reads them."""
    made = [" ".join(words) for words in translate(model, data.validation, data)]
    references = [[" ".join(pair.target) for pair in data.validation]]
    return round(sacrebleu.corpus_bleu(made, references, tokenize="none", force=True).score, 2)


def real_data() -> tuple[Translation, list[tuple[Pair, frozenset]]]:
    """Tatoeba as a corpus (one translation an English sentence, split by English sentence), and human-aligned pairs.

    The aligned pairs are those whose every word is in the vocabulary; each comes with its possible links.
    """
    pairs = []
    for english, french in download.tatoeba().items():
        words, target = tokens(english), tokens(french[0])
        if SHORTEST <= len(words) <= LONGEST and len(target) <= LONGEST:
            pairs.append(Pair(words, target, frozenset()))
    held_out = pairs[:: len(pairs) // HELD_OUT][:HELD_OUT]
    seen = {pair.source for pair in held_out}
    train_pairs = [pair for pair in pairs if pair.source not in seen]
    vocabularies = [_vocabulary([getattr(pair, side) for pair in train_pairs]) for side in ("source", "target")]
    data = Translation(train_pairs, held_out, [], [], [], *vocabularies)
    aligned = []
    for human in download.human_alignments():
        source_words, target_words = (tuple(map(str.lower, side)) for side in (human.source, human.target))
        known = Vocabulary.unk not in vocabularies[0].encode(source_words) + vocabularies[1].encode(target_words)
        if known and 4 <= len(source_words) <= LONGEST:
            aligned.append((Pair(source_words, target_words, human.sure), human.possible))
    return data, aligned


def tokens(text: str) -> tuple[str, ...]:
    """Lower-case words and marks; a French elision (l', qu') is a word of its own, as in the human alignments."""
    return tuple(re.findall(r"\w+'|\w+|[^\w\s]", text.lower().replace("’", "'")))


def _vocabulary(sentences: list[tuple[str, ...]]) -> Vocabulary:
    counts: dict[str, int] = {}
    for words in sentences:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    return Vocabulary(word for word, count in counts.items() if count >= RARE)


def human_error_rate(model: EncoderDecoder, aligned: list[tuple[Pair, frozenset]], data: Translation) -> float:
    """AER over all human-aligned pairs, with their sure and possible links."""
    weights = _attention_of(model, [pair for pair, _ in aligned], data)
    return _error_rate(aligned, [links_from_weights(w) for w in weights])


@torch.no_grad()
def _attention_of(model: EncoderDecoder, pairs: list[Pair], data: Translation) -> list[Tensor]:
    """For each pair the weights (target words, source words), with the right words fed in; EOS is left out."""
    found = []
    for batch in batches(pairs, data.source_vocabulary, data.target_vocabulary, 100):
        memory = model.encode(batch.src, batch.src_mask)
        state, steps = model.decoder.start(memory, batch.src_mask), []
        embedded = model.tgt_embed(shift_right(batch.tgt, Vocabulary.bos))
        for t in range(batch.tgt.shape[1]):
            _, state = model.decoder.step(embedded[:, t], state, memory, batch.src_mask)
            steps.append(model.decoder.weights)
        maps = torch.stack(steps, dim=1)
        found += [maps[i, : len(pair.target), : len(pair.source)] for i, pair in enumerate(batch.pairs)]
    return found


def _diagonal_error_rate(aligned: list[tuple[Pair, frozenset]]) -> float:
    """A guess without any model: each target word is linked to the source word as far through its sentence."""
    links = []
    for pair, _ in aligned:
        S, T = len(pair.source), len(pair.target)
        links.append({(min(S - 1, round(t * (S - 1) / max(1, T - 1))), t) for t in range(T)})
    return _error_rate(aligned, links)


def _error_rate(aligned: list[tuple[Pair, frozenset]], found: list[set[tuple[int, int]]]) -> float:
    agreed = total = 0
    for (pair, possible), links in zip(aligned, found, strict=True):
        agreed += len(links & pair.links) + len(links & possible)
        total += len(links) + len(pair.links)
    return 1 - agreed / total
