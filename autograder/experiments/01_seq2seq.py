"""Lesson 01's comparison: one vector of 128 numbers, the same with the source reversed, and narrower vectors."""

import difflib

import torch
from torch import nn

from lessonkit.data.translation import batches
from lessonkit.models import sentence_vector
from lessonkit.models.seq2seq import count_parameters, exact_match, exact_match_by_length, translate
from lessonkit.seeds import seed_everything

SEEDS = [0, 1, 2]


def run(lesson: dict, seed: int) -> dict:
    """For each model: exact match by length and on the validation set."""
    return {
        "vector": _train(lesson, seed),
        "reversed": _train(lesson, seed, reverse_source=True),
        "width_64": _train(lesson, seed, width=64),
        "width_16": _train(lesson, seed, width=16),
        **of_vector(lesson, seed),
    }


def of_vector(lesson: dict, seed: int) -> dict:
    """More about the first model: beams, gradients, whom it listens to, errors by place and by alignment."""
    seed_everything(seed)
    data = lesson["data"]
    model = lesson["make_model"](lesson["last_state"])
    lesson["train_model"](model, seed, False, lesson["RECORDED"], quiet=True, seconds=900)
    tests = {"short": data.test_short[:100], "medium": data.test_medium[:100], "long": data.test_long[:100]}
    beams = {
        name: [sentence_vector.beam_exact_match(model, pairs, beam, lesson["beam_search"]) for beam in (1, 4)]
        for name, pairs in tests.items()
    }
    listens = {}
    for words in (8, 16, 24):
        chosen = [p for p in data.train if len(p.source) == words][:100]
        listens[str(words)] = [round(x, 4) for x in sentence_vector.sensitivity(model, chosen).tolist()]
    made = translate(model, data.test_long, data)
    return {
        "beams": beams,
        "listens": listens,
        "gradients": _gradients(lesson, model),
        "teacher_by_place": _rounded(sentence_vector.share_right_with_teacher(model, data.test_long, 20)),
        "alone_by_place": _rounded(
            sentence_vector.share_right_by_place(model, data.test_long, lesson["greedy_decode"], 20)
        ),
        "alone_aligned": _rounded(aligned(made, [p.target for p in data.test_long], 20)),
    }


def _rounded(numbers: list[float]) -> list[float]:
    return [round(x, 4) for x in numbers]


def aligned(made: list[list[str]], right: list[tuple[str, ...]], places: int) -> list[float]:
    """At each place of the right sentence: the share of words that the made one has, too, in the order of the two."""
    hits, reached = [0] * places, [0] * places
    for words, target in zip(made, right, strict=True):
        found = {
            place
            for block in difflib.SequenceMatcher(None, target, words, autojunk=False).get_matching_blocks()
            for place in range(block.a, block.a + block.size)
        }
        for place in range(min(places, len(target))):
            reached[place] += 1
            hits[place] += place in found
    return [hit / all_ for hit, all_ in zip(hits, reached, strict=True)]


def _gradients(lesson: dict, model: nn.Module) -> list[float]:
    """The spectral norm of ∂h_T/∂h_t of the trained encoder, by distance, mean over 20 sentences of 24 words."""
    data, gru = lesson["data"], model.encoder.gru
    pairs = [p for p in data.validation if len(p.source) == 24][:20]
    (batch,) = batches(pairs, data.source_vocabulary, data.target_vocabulary, len(pairs))
    embedded = model.src_embed(batch.src).detach()
    cell = nn.GRUCell(gru.input_size, gru.hidden_size)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in gru.state_dict().items()})
    states = [torch.zeros(len(pairs), gru.hidden_size)]
    with torch.no_grad():
        for t in range(embedded.shape[1]):
            states.append(cell(embedded[:, t], states[-1]))
    J = torch.eye(gru.hidden_size).expand(len(pairs), -1, -1)
    norms = [1.0]
    for t in range(embedded.shape[1] - 1, 0, -1):
        step = torch.func.vmap(torch.func.jacrev(lambda h, x: cell(x.unsqueeze(0), h.unsqueeze(0))[0]))
        J = (J @ step(states[t], embedded[:, t])).detach()
        norms.append(round(torch.linalg.matrix_norm(J, 2).mean().item(), 5))
    return norms


def _train(lesson: dict, seed: int, reverse_source: bool = False, width: int = 128) -> dict:
    seed_everything(seed)
    data = lesson["data"]
    model = lesson["make_model"](lesson["last_state"], width)
    history = lesson["train_model"](model, seed, reverse_source, lesson["RECORDED"], quiet=True, seconds=600)
    return {
        "parameters": count_parameters(model),
        "steps": history.steps,
        "training_seconds": round(history.seconds, 1),
        **exact_match_by_length(model, data, reverse_source),
        "validation": exact_match(translate(model, data.validation, data, reverse_source), data.validation),
    }
