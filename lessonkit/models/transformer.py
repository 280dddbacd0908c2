"""The Transformer, finished (lesson 10): the functions of its layers, and the modules that hold their weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessonkit.models.attention import masked_softmax
from lessonkit.models.multi_head import merge_heads, split_heads
from lessonkit.models.positions import sinusoidal_encoding
from lessonkit.models.seq2seq import EncoderDecoder, StepDecoder

Connect = Sequence[Callable[[Tensor, Callable], Tensor]]  # what stands around each sub-layer of a layer


def layer_norm(x: Tensor, gain: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Each vector minus its mean, over its standard deviation √(variance + eps): (..., d) -> (..., d)."""
    return F.layer_norm(x, x.shape[-1:], gain, bias, eps)


def feed_forward(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """max(0, x W_1ᵀ + b_1) W_2ᵀ + b_2, for each place on its own: (..., d) -> (..., d)."""
    return F.linear(F.relu(F.linear(x, W_1, b_1)), W_2, b_2)


def residual(x: Tensor, sublayer: Callable, norm: Callable, pre: bool) -> Tensor:
    """Post-norm: norm(x + sublayer(x)), as in the paper. Pre-norm: x + sublayer(norm(x)). (B, T, d) -> (B, T, d)."""
    return x + sublayer(norm(x)) if pre else norm(x + sublayer(x))


def encoder_layer(x: Tensor, src_mask: Tensor, attend: Callable, feed: Callable, connect: Connect) -> Tensor:
    """Self-attention, then the feed-forward network: (B, S, d) -> (B, S, d)."""
    x = connect[0](x, lambda y: attend(y, y, src_mask))
    return connect[1](x, feed)


def decoder_layer(
    x: Tensor,
    memory: Tensor,
    src_mask: Tensor,
    tgt_mask: Tensor,
    attend_self: Callable,
    attend_source: Callable,
    feed: Callable,
    connect: Connect,
) -> Tensor:
    """Masked self-attention, attention over the memory, feed-forward: (B, T, d), (B, S, d) -> (B, T, d)."""
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[2](x, feed)


def padding_and_causal_masks(src: Tensor, tgt: Tensor, pad: int) -> tuple[Tensor, Tensor]:
    """Who may look where, True = may: src (B, S), tgt (B, T) -> (B, 1, S) and (B, T, T)."""
    causal = torch.ones(tgt.shape[1], tgt.shape[1], dtype=torch.bool, device=tgt.device).tril()
    return (src != pad).unsqueeze(1), (tgt != pad).unsqueeze(1) & causal


def smoothed_loss(logits: Tensor, tgt: Tensor, pad: int, smoothing: float) -> Tensor:
    """Cross-entropy against 1 − ε on the right word and ε spread over all; mean over words: (B, T, V), (B, T) -> ()."""
    return F.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=pad, label_smoothing=smoothing)


def noam_rate(step: int, d_model: int, warmup: int) -> float:
    """d_model^−0.5 · min(step^−0.5, step · warmup^−1.5)  (Vaswani et al. 2017, eq. 3); step from 1."""
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


@dataclass(frozen=True)
class Parts:
    """The functions that a Transformer is put together from; those of this module, unless others are given."""

    layer_norm: Callable = layer_norm
    feed_forward: Callable = feed_forward
    residual: Callable = residual
    encoder_layer: Callable = encoder_layer
    decoder_layer: Callable = decoder_layer


class Attention(nn.Module):
    """Multi-head attention (lesson 08): (B, T, d) asks (B, S, d).

    Of the last call it keeps `products`, q·k before scale and mask, and `weights`, both (B, heads, T, S).
    """

    def __init__(self, d: int, heads: int):
        super().__init__()
        self.query, self.key, self.value, self.output = (_linear(d, d) for _ in range(4))
        self.heads = heads

    def forward(self, asking: Tensor, asked: Tensor, mask: Tensor) -> Tensor:
        """mask, broadcastable to (B, T, S): True = may attend."""
        queries, keys, values = (
            split_heads(linear(x), self.heads)
            for linear, x in ((self.query, asking), (self.key, asked), (self.value, asked))
        )
        products = queries @ keys.mT
        weights = masked_softmax(products / keys.shape[-1] ** 0.5, mask.unsqueeze(-3))
        self.products, self.weights = products.detach(), weights.detach()
        return self.output(merge_heads(weights @ values))


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear map that starts as Glorot and Bengio (2010) advise, without bias."""
    linear = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


class Norm(nn.Module):
    """Layer normalisation with a gain and a bias of its own."""

    def __init__(self, d: int, parts: Parts):
        super().__init__()
        self.gain, self.bias, self._parts = nn.Parameter(torch.ones(d)), nn.Parameter(torch.zeros(d)), parts

    def forward(self, x: Tensor) -> Tensor:
        """(..., d) -> (..., d)."""
        return self._parts.layer_norm(x, self.gain, self.bias)


class FeedForward(nn.Module):
    """Two linear maps with a ReLU between them."""

    def __init__(self, d: int, hidden: int, parts: Parts):
        super().__init__()
        self.first, self.second, self._parts = _linear(d, hidden), _linear(hidden, d), parts

    def forward(self, x: Tensor) -> Tensor:
        """(..., d) -> (..., d)."""
        first, second = self.first, self.second
        return self._parts.feed_forward(x, first.weight, first.bias, second.weight, second.bias)


class Connection(nn.Module):
    """What stands around a sub-layer: dropout, the residual path, and the norm, before or after."""

    def __init__(self, d: int, dropout: float, pre: bool, parts: Parts):
        super().__init__()
        self.norm, self.dropout, self.pre, self._parts = Norm(d, parts), nn.Dropout(dropout), pre, parts

    def forward(self, x: Tensor, sublayer: Callable) -> Tensor:
        """x (B, T, d), and a function of such a tensor -> (B, T, d)."""
        return self._parts.residual(x, lambda y: self.dropout(sublayer(y)), self.norm, self.pre)


class EncoderLayer(nn.Module):
    """The weights of one layer of the encoder; `parts.encoder_layer` says what happens to them."""

    def __init__(self, d: int, heads: int, hidden: int, dropout: float, pre: bool, parts: Parts):
        super().__init__()
        self.attend, self.feed, self._parts = Attention(d, heads), FeedForward(d, hidden, parts), parts
        self.connect = nn.ModuleList(Connection(d, dropout, pre, parts) for _ in range(2))

    def forward(self, x: Tensor, src_mask: Tensor) -> Tensor:
        """x (B, S, d), src_mask (B, 1, S) -> (B, S, d)."""
        return self._parts.encoder_layer(x, src_mask, self.attend, self.feed, self.connect)


class DecoderLayer(nn.Module):
    """The weights of one layer of the decoder; `parts.decoder_layer` says what happens to them."""

    def __init__(self, d: int, heads: int, hidden: int, dropout: float, pre: bool, parts: Parts):
        super().__init__()
        self.attend_self, self.attend_source = Attention(d, heads), Attention(d, heads)
        self.feed, self._parts = FeedForward(d, hidden, parts), parts
        self.connect = nn.ModuleList(Connection(d, dropout, pre, parts) for _ in range(3))

    def forward(self, x: Tensor, memory: Tensor, src_mask: Tensor, tgt_mask: Tensor) -> Tensor:
        """x (B, T, d), memory (B, S, d), src_mask (B, 1, S), tgt_mask (B or 1, T, T) -> (B, T, d)."""
        return self._parts.decoder_layer(
            x, memory, src_mask, tgt_mask, self.attend_self, self.attend_source, self.feed, self.connect
        )


class _Stack(nn.Module):
    """Layers on one another. First the embedding is scaled by √d and told its places; last comes a norm, if pre."""

    def __init__(self, layers: Sequence[nn.Module], d: int, dropout: float, pre: bool, places: bool, parts: Parts):
        super().__init__()
        self.layers, self.dropout, self._places = nn.ModuleList(layers), nn.Dropout(dropout), places
        self.norm = Norm(d, parts) if pre else nn.Identity()

    def enter(self, embedded: Tensor) -> Tensor:
        """What the first layer reads: (B, T, d) -> (B, T, d)."""
        x = embedded * embedded.shape[-1] ** 0.5
        return self.dropout(x + sinusoidal_encoding(*x.shape[1:]).to(x) if self._places else x)


class TransformerEncoder(_Stack):
    """N encoder layers: embedded source (B, S, d), src_mask (B, S) or (B, 1, S) -> memory (B, S, d)."""

    def forward(self, embedded: Tensor, src_mask: Tensor) -> Tensor:
        """The memory that the decoder reads."""
        x, mask = self.enter(embedded), _one_row(src_mask)
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x)


class TransformerDecoder(_Stack, StepDecoder):
    """N decoder layers: embedded target (B, T, d), memory (B, S, d) -> features (B, T, d). The state: what it wrote."""

    def forward(self, embedded: Tensor, memory: Tensor, src_mask: Tensor, tgt_mask: Tensor | None = None) -> Tensor:
        """All places at once; without a tgt_mask (B, T, T), each sees itself and what came before it."""
        if tgt_mask is None:
            T = embedded.shape[1]
            tgt_mask = torch.ones(1, T, T, dtype=torch.bool, device=embedded.device).tril()
        x, mask = self.enter(embedded), _one_row(src_mask)
        for layer in self.layers:
            x = layer(x, memory, mask, tgt_mask)
        return self.norm(x)

    def start(self, memory: Tensor, src_mask: Tensor) -> Tensor:
        """Nothing is written yet: (B, 0, d)."""
        return memory[:, :0]

    def step(self, embedded: Tensor, state: Tensor, memory: Tensor, src_mask: Tensor) -> tuple[Tensor, Tensor]:
        """All is read anew with one more word (lesson 12 does better): (B, d), (B, t, d) -> (B, d), (B, t+1, d)."""
        state = torch.cat([state, embedded.unsqueeze(1)], dim=1)
        return self(state, memory, src_mask)[:, -1], state


def _one_row(mask: Tensor) -> Tensor:
    return mask.unsqueeze(1) if mask.ndim == 2 else mask


def make_transformer(
    source: int,
    target: int,
    *,
    d: int = 64,
    heads: int = 4,
    hidden: int = 128,
    layers: int = 2,
    dropout: float = 0.1,
    pre: bool = True,
    places: bool = True,
    tied: bool = False,
    parts: Parts | None = None,
) -> EncoderDecoder:
    """A Transformer in the frame of lesson 01, for vocabularies of so many words.

    `pre`: the norm stands before each sub-layer, and once at the end. `places`: positions are told. `tied`: source,
    target and generator share one matrix (Vaswani et al. 2017, sec. 3.4); both vocabularies must be the same.
    """
    sizes, parts = (d, heads, hidden, dropout, pre), parts or Parts()
    encoder_layers, decoder_layers = (
        [kind(*sizes, parts) for _ in range(layers)] for kind in (EncoderLayer, DecoderLayer)
    )
    src_embed, tgt_embed, generator = nn.Embedding(source, d), nn.Embedding(target, d), nn.Linear(d, target)
    for table in (src_embed, tgt_embed, generator):
        nn.init.normal_(table.weight, std=d**-0.5)
    if tied:
        tgt_embed.weight = generator.weight = src_embed.weight
    return EncoderDecoder(
        TransformerEncoder(encoder_layers, d, dropout, pre, places, parts),
        TransformerDecoder(decoder_layers, d, dropout, pre, places, parts),
        src_embed,
        tgt_embed,
        generator,
    )
