"""The full-size run of lesson 03: additive attention on real sentences (Tatoeba), aligned by people (Hansards)."""

import json
import platform
import re
import time
from datetime import date
from pathlib import Path

import sacrebleu
import torch

from autograder import source
from lessonkit import download
from lessonkit.alignment import links_from_weights
from lessonkit.errors import CourseError
from lessonkit.seeds import seed_everything
from lessonkit.seq2seq import count_parameters, translate
from lessonkit.translation import Pair, Translation, Vocabulary

LESSON = "03_additive_attention"
SHORTEST, LONGEST, RARE, HELD_OUT = 3, 15, 3, 500  # words of a sentence; sentences with a word below count; test pairs


def run(lesson: str, minutes: float, out: Path) -> dict:
    """Train for some minutes on Tatoeba, print BLEU on held-out sentences and AER against human links; write them down.

    Raises:
        CourseError: the lesson has no full-size run, or the data can't be had.
    """
    if source.find_lesson(lesson) != LESSON:
        raise CourseError(f"Only lesson {LESSON} has a full-size run so far: `make full LESSON=03`.")
    seed_everything(0)
    data, aligned = real_data()
    lesson_code = source.load(LESSON).namespace()
    lesson_code["data"] = data  # the lesson's own functions, on another corpus
    model = lesson_code["make_model"](
        lesson_code["decoder_step"], lesson_code["additive_score"], lesson_code["alignment_weights"]
    )
    start = time.monotonic()
    history = lesson_code["train"].fit(
        model,
        lesson_code["training_batches"](0),
        lesson_code["translation_loss"],
        steps=10**9,
        lr=2e-3,
        warmup=200,
        seconds=60 * minutes,
        title="Tatoeba",
    )
    made = [" ".join(words) for words in translate(model, data.validation, data)]
    bleu = sacrebleu.corpus_bleu(
        made, [[" ".join(pair.target) for pair in data.validation]], tokenize="none", force=True
    )
    result = {
        "lesson": LESSON,
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} thread",
        "training_pairs": len(data.train),
        "parameters": count_parameters(model),
        "steps": history.steps,
        "seconds": round(time.monotonic() - start),
        "bleu": round(bleu.score, 2),
        "aligned_pairs": len(aligned),
        "aer": round(human_error_rate(lesson_code["attention_of"], model, aligned), 3),
    }
    folder = out / "full"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "03.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def real_data() -> tuple[Translation, list[tuple[Pair, frozenset]]]:
    """Tatoeba as a corpus (one translation an English sentence, split by English sentence), and human-aligned pairs.

    The aligned pairs are those whose every word is in the vocabulary; each comes with its possible links.
    """
    pairs = []
    for english, french in download.tatoeba().items():
        words, target = tokens(english), tokens(french[0])
        if SHORTEST <= len(words) <= LONGEST and len(target) <= LONGEST:
            pairs.append(Pair(words, target, frozenset()))
    held_out, train = pairs[:: len(pairs) // HELD_OUT][:HELD_OUT], []
    seen = {pair.source for pair in held_out}
    train = [pair for pair in pairs if pair.source not in seen]
    vocabularies = [_vocabulary([getattr(pair, side) for pair in train]) for side in ("source", "target")]
    data = Translation(train, held_out, [], [], [], *vocabularies)
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


def human_error_rate(attention_of: object, model: object, aligned: list[tuple[Pair, frozenset]]) -> float:
    """AER over all human-aligned pairs, with their sure and possible links."""
    agreed = total = 0
    for (pair, possible), weights in zip(aligned, attention_of(model, [p for p, _ in aligned]), strict=True):
        links = links_from_weights(weights)
        agreed += len(links & pair.links) + len(links & possible)
        total += len(links) + len(pair.links)
    return 1 - agreed / total
