"""The frame of the translation lessons: encoder, decoder, loss, greedy decoding, and how well a model translates."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lessonkit.data.translation import Batch, Pair, Translation, Vocabulary, batches

EMBEDDING = 64  # features of a word


class StepDecoder(nn.Module):
    """A decoder that writes one word at a time; a subclass says how a sentence starts and what a step is."""

    def start(self, memory: object, src_mask: Tensor) -> object:
        """The state before the first word."""
        raise NotImplementedError("a decoder says how it starts")

    def step(self, embedded: Tensor, state: object, memory: object, src_mask: Tensor) -> tuple[Tensor, object]:
        """From the last word (B, e) and the state: features of the next word (B, n), and the new state."""
        raise NotImplementedError("a decoder says what a step is")

    def forward(self, embedded: Tensor, memory: object, src_mask: Tensor, tgt_mask: Tensor | None = None) -> Tensor:
        """All steps under teacher forcing: (B, T, e) -> (B, T, n)."""
        state, features = self.start(memory, src_mask), []
        for t in range(embedded.shape[1]):
            output, state = self.step(embedded[:, t], state, memory, src_mask)
            features.append(output)
        return torch.stack(features, dim=1)


class EncoderDecoder(nn.Module):
    """A sentence goes in, another comes out (Sutskever et al. 2014; Cho et al. 2014).

    encode: src (B, S) -> memory, whatever the decoder reads. decode: memory and the target shifted right (B, T) ->
    features (B, T, n); `generator` turns those into logits (B, T, V).
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, src_embed: nn.Module, tgt_embed: nn.Module, generator: nn.Module
    ):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.src_embed, self.tgt_embed, self.generator = src_embed, tgt_embed, generator

    def encode(self, src: Tensor, src_mask: Tensor) -> object:
        """src (B, S), src_mask (B, S) -> memory."""
        return self.encoder(self.src_embed(src), src_mask)

    def decode(self, memory: object, src_mask: Tensor, tgt: Tensor, tgt_mask: Tensor | None = None) -> Tensor:
        """Teacher forcing: tgt (B, T), the right words shifted by one -> features (B, T, n)."""
        return self.decoder(self.tgt_embed(tgt), memory, src_mask, tgt_mask)

    def forward(self, src: Tensor, tgt: Tensor, src_mask: Tensor, tgt_mask: Tensor | None = None) -> Tensor:
        """Logits (B, T, V) of every next word."""
        return self.generator(self.decode(self.encode(src, src_mask), src_mask, tgt, tgt_mask))

    def stepper(self, memory: object, src_mask: Tensor) -> Callable[[Tensor, object], tuple[Tensor, object]]:
        """A function (last words (B,), state) -> (logits (B, V), new state), for decoding without the right words."""

        def step(tokens: Tensor, state: object) -> tuple[Tensor, object]:
            output, state = self.decoder.step(self.tgt_embed(tokens), state, memory, src_mask)
            return self.generator(output), state

        return step


def last_state(outputs: Tensor, lengths: Tensor) -> Tensor:
    """The state at each row's last real position (lesson 01): outputs (B, T, n), lengths (B,) -> (B, n)."""
    return outputs[torch.arange(len(lengths)), lengths - 1]


def shift_right(tgt: Tensor, bos: int) -> Tensor:
    """What the decoder reads: BOS, then all but the last word (lesson 01): (B, T) -> (B, T)."""
    return torch.cat([torch.full_like(tgt[:, :1], bos), tgt[:, :-1]], dim=1)


def token_loss(logits: Tensor, tgt: Tensor, pad: int) -> Tensor:
    """Cross-entropy, mean over the words that are no padding (lesson 01): (B, T, V), (B, T) -> ()."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=pad)


def greedy_decode(
    step: Callable[[Tensor, object], tuple[Tensor, object]],
    state: object,
    batch: int,
    bos: int,
    eos: int,
    max_length: int,
) -> Tensor:
    """Always take the likeliest next word (lesson 01) -> (B, L), L ≤ max_length; EOS and everything after it is EOS."""
    tokens = torch.full((batch,), bos)
    done = torch.zeros(batch, dtype=torch.bool)
    chosen = []
    for _ in range(max_length):
        logits, state = step(tokens, state)
        tokens = logits.argmax(-1).masked_fill(done, eos)
        chosen.append(tokens)
        done = done | (tokens == eos)
        if done.all():
            break
    return torch.stack(chosen, dim=1)


def translation_loss(model: EncoderDecoder, batch: Batch) -> Tensor:
    """The loss of one batch under teacher forcing."""
    logits = model(batch.src, shift_right(batch.tgt, Vocabulary.bos), batch.src_mask)
    return token_loss(logits, batch.tgt, Vocabulary.pad)


@torch.no_grad()
def translate(
    model: EncoderDecoder,
    pairs: Sequence[Pair],
    data: Translation,
    reverse_source: bool = False,
    size: int = 250,
    decode: Callable = greedy_decode,
) -> list[list[str]]:
    """Greedy translations of the pairs' source sentences, in order; `decode` may stand in for `greedy_decode`."""
    found = []
    for batch in batches(pairs, data.source_vocabulary, data.target_vocabulary, size, reverse_source=reverse_source):
        memory = model.encode(batch.src, batch.src_mask)
        state = model.decoder.start(memory, batch.src_mask)
        longest = 2 * batch.src.shape[1]
        step = model.stepper(memory, batch.src_mask)
        rows = decode(step, state, len(batch.src), Vocabulary.bos, Vocabulary.eos, longest)
        found += [data.target_vocabulary.decode(row) for row in rows.tolist()]
    return found


def exact_match(translations: Sequence[Sequence[str]], pairs: Sequence[Pair]) -> float:
    """The share of sentences that are right in every word."""
    return sum(tuple(made) == pair.target for made, pair in zip(translations, pairs, strict=True)) / len(pairs)


def exact_match_by_length(
    model: EncoderDecoder, data: Translation, reverse_source: bool = False, decode: Callable = greedy_decode
) -> dict[str, float]:
    """Exact match on the short (4-9 words), medium (10-18) and long (19-30) test sentences."""
    tests = {"short": data.test_short, "medium": data.test_medium, "long": data.test_long}
    return {
        name: exact_match(translate(model, pairs, data, reverse_source, decode=decode), pairs)
        for name, pairs in tests.items()
    }


def count_parameters(model: nn.Module) -> int:
    """How many numbers a model learns."""
    return sum(parameter.numel() for parameter in model.parameters())
