"""The ladder's models, from the lessons' own code, with dropout on embeddings and features: real sentences are few."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor, nn

from autograder.authoring import source
from lessonkit.data.translation import Batch, Translation, Vocabulary
from lessonkit.models.seq2seq import (
    EncoderDecoder,
    StepDecoder,
    shift_right,
)
from lessonkit.models.transformer import make_transformer

DROPOUT = 0.3  # share of embeddings and features that is dropped

Loss = Callable[[EncoderDecoder, Batch], Tensor]


class StartOnly(StepDecoder):
    """A GRU that gets the sentence's vector once, as its first state (Sutskever et al. 2014)."""

    def __init__(self, width: int, n: int):
        super().__init__()
        self.gru = nn.GRU(width, n, batch_first=True)

    def start(self, memory: Tensor, src_mask: Tensor) -> Tensor:
        """The vector is the state."""
        return memory

    def step(self, embedded: Tensor, state: Tensor, memory: Tensor, src_mask: Tensor) -> tuple[Tensor, Tensor]:
        """One word."""
        features, state = self.gru(embedded.unsqueeze(1), state.unsqueeze(0))
        return features.squeeze(1), state.squeeze(0)

    def forward(self, embedded: Tensor, memory: Tensor, src_mask: Tensor, tgt_mask: Tensor | None = None) -> Tensor:
        """All words at once: the inputs are known."""
        return self.gru(embedded, memory.unsqueeze(0))[0]


class _HostLengths(nn.Module):
    """An encoder that packs its input: PyTorch wants the lengths, read off the mask, on the processor."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, embedded: Tensor, src_mask: Tensor) -> Tensor:
        return self.encoder(embedded, src_mask.cpu())


def _lesson(number: str, pieces: int, **sizes: int) -> dict:
    """A lesson's namespace, for this run alone, with other sizes and a vocabulary of `pieces` words."""
    lesson = replace(source.load(number)).namespace()
    vocabulary = Vocabulary(map(str, range(pieces - 4)))  # only its size matters
    lesson.update(sizes, data=Translation([], [], [], [], [], vocabulary, vocabulary))
    return lesson


def _with_dropout(model: EncoderDecoder) -> EncoderDecoder:
    model.src_embed, model.tgt_embed = (
        nn.Sequential(table, nn.Dropout(DROPOUT)) for table in (model.src_embed, model.tgt_embed)
    )
    model.generator = nn.Sequential(nn.Dropout(DROPOUT), model.generator)
    return model


def start_only(pieces: int) -> EncoderDecoder:
    lesson = _lesson("01", pieces, EMBEDDING=192)
    encoder, decoder = lesson["VectorEncoder"](256, lesson["last_state"]), StartOnly(192, 256)
    tables = nn.Embedding(pieces, 192), nn.Embedding(pieces, 192), nn.Linear(256, pieces)
    return _with_dropout(EncoderDecoder(encoder, decoder, *tables))


def vector(pieces: int) -> EncoderDecoder:
    lesson = _lesson("01", pieces, EMBEDDING=192, HIDDEN=256)
    return _with_dropout(lesson["make_model"](lesson["last_state"], 256))


def additive(pieces: int) -> EncoderDecoder:
    lesson = _lesson("03", pieces, EMBEDDING=192, HIDDEN=192, SCORE=96)
    functions = (lesson[name] for name in ("decoder_step", "additive_score", "alignment_weights"))
    model = lesson["make_model"](*functions)
    model.encoder = _HostLengths(model.encoder)
    return _with_dropout(model)


def luong(pieces: int) -> EncoderDecoder:
    lesson = _lesson("04", pieces, EMBEDDING=192, HIDDEN=256)
    model = lesson["make_model"]("general", "global")
    model.encoder = _HostLengths(model.encoder)
    return _with_dropout(model)


def transformer(pieces: int) -> EncoderDecoder:
    parts = source.load("10").namespace()["parts"]
    sizes = {"d": 128, "heads": 4, "hidden": 512, "layers": 4}
    return make_transformer(pieces, pieces, **sizes, dropout=DROPOUT, pre=True, tied=True, parts=parts)


def smoothed() -> Loss:
    lesson = source.load("10").namespace()

    def loss(model: EncoderDecoder, batch: Batch) -> Tensor:
        written = shift_right(batch.tgt, Vocabulary.bos)
        masks = lesson["padding_and_causal_masks"](batch.src, written, Vocabulary.pad)
        return lesson["smoothed_loss"](model(batch.src, written, *masks), batch.tgt, Vocabulary.pad, 0.1)

    return loss
