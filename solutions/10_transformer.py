# %% [markdown]
# # Lesson 10: the Transformer
#
# **If attention reaches every word in one step, why not build a translator of nothing else?** You have all it takes: scaled
# dot products (lesson 07), several heads (08), and places (09). Stack six such layers to read, six to write, and throw the
# recurrent network away. That is what Vaswani and colleagues did in 2017, and today's language models descend from it.
#
# But look inside their machine, and you find that attention is the smaller part of it. Two thirds of the weights of the paper's
# encoder layers belong to a plain little network that looks at one word at a time. Around everything runs a path that skips
# it. And everywhere vectors are normalised, in a place that later authors moved. Decorations? You will take them away and see.
#
# In eight short exercises you build the machine. It fits into the frame of lesson 01, it matches PyTorch's own
# layers to the last digits, and it meets the models of lessons 01, 03 and 04 on the same sentences. (Three habits of the paper are left out, since so small a
# model doesn't need them: dropout of 0.1, Adam's $\beta_2 = 0.98$, and one matrix for both embeddings and the last layer; sections 3.4, 5.3 and 5.4.) Allow 120 minutes.
#
# | letter | here | before |
# |---|---|---|
# | $S$, $T$ | source words, target words | the same in 03 and 04; in 07 to 09 a sentence had $T$ words |
# | $d$ | the width of a word's vector all through the machine (the paper's $d_{\text{model}}$) | 07: $d$ of the words, $d_k$ of queries and keys; 09: $d$ was a head's width |
# | $f$ | the inner width of the feed-forward network (the paper's $d_{ff}$) | – |
# | $h$ heads of width $d/h$ | as in lesson 08 | 01 to 05: $h$ was a state |
# | `memory` | what the encoder gives, (B, S, d) | 03: the encoder's states |
# | $g$, $b$ | gain and bias of a norm | $b$: a bias; in 05 a baseline; in 07 $b_i$ was an output |
# | $s$, $w$ | step of the training, steps of warm-up | $s$: decoder state in 03, chosen region in 05 |

# %% name="setup"
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from lessonkit import Lesson, train
from lessonkit.data.translation import Batch, Pair, Vocabulary, batches, load_translation
from lessonkit.lesson import RESULTS
from lessonkit.models import transformer
from lessonkit.models.alignment import (
    alignment_error_rate,
    blind_error_rates,
    links_from_weights,
)
from lessonkit.models.attention import masked_softmax
from lessonkit.models.bleu import bleu
from lessonkit.models.seq2seq import (
    EncoderDecoder,
    count_parameters,
    exact_match,
    shift_right,
    translate,
)
from lessonkit.seeds import seed_everything
from lessonkit.show import plots, tables
from lessonkit.show.heads_explorer import (
    Heads,
    heads_explorer,
    heads_figure,
    heads_in_words,
)

lesson = Lesson("10_transformer")
check, demonstration = lesson.check, lesson.demonstration
data = load_translation()

# %% [markdown]
# ## The experiment that fails
#
# Take a sentence of 20 random vectors, nothing trained, and stack bare self-attention twelve times. After each layer we ask how
# alike the words have become: the mean cosine between two different words. 0 means that they have nothing in common, 1 that
# they are all the same. The layers' weights are drawn as usual.
#
# **Predict:** every layer replaces each word by an *average* over all words. What do averages of averages of averages look like?


# %% name="similarity"
def mean_similarity(x: Tensor) -> float:
    """The mean cosine between two different words of a sentence: x (B, T, d)."""
    unit, T = nn.functional.normalize(x, dim=-1), x.shape[1]
    return ((unit @ unit.mT).sum((1, 2)).mean().item() - T) / (T * (T - 1))


@torch.no_grad()
def similarity_by_depth(
    wrap: Callable[[transformer.EncoderLayer, Tensor, Tensor], Tensor],
    seed: int,
    depth: int = 12,
) -> list[float]:
    """How alike the words are before the first layer and after each; `wrap(layer, x, mask)` says what a layer does."""
    seed_everything(seed)
    x, mask = torch.randn(8, 20, 64), torch.ones(1, 1, 20, dtype=torch.bool)
    found = [mean_similarity(x)]
    for _ in range(depth):
        layer = transformer.EncoderLayer(64, 4, 128, 0.0, True, transformer.Parts())
        x = wrap(layer, x, mask)
        found.append(mean_similarity(x))
    return found


# %% demo="collapse"
with demonstration("collapse"):
    kinds = {
        "attention alone": lambda layer, x, mask: layer.attend(x, x, mask),
        "x + attention": lambda layer, x, mask: x + layer.attend(x, x, mask),
    }
    alike = {}
    for name, wrap in kinds.items():
        runs = torch.tensor([similarity_by_depth(wrap, seed) for seed in range(3)])
        alike[name] = (
            range(13),
            runs.mean(0).tolist(),
            runs.amin(0).tolist(),
            runs.amax(0).tolist(),
        )
    fig = plots.lines(
        alike,
        "layers",
        "mean cosine of two words",
        "Attention alone makes all words the same",
    )
    fig.axes[0].set_ylim(-0.05, 1.1)
    plots.show(
        fig,
        "How alike words become by depth, three seeds. After 2 layers: "
        + ", ".join(f"{name} {ys[2]:.2f}" for name, (_, ys, *_) in alike.items())
        + "; after 12: "
        + ", ".join(f"{name} {ys[12]:.2f}" for name, (_, ys, *_) in alike.items()),
    )

# %% [markdown]
# Bare attention drowns the sentence: two or three layers down, every word has the same vector, and whatever reads that can't
# tell *dog* from *the*. (Dong et al. 2021 prove that this happens doubly exponentially fast, and call it rank collapse.)
# Adding $x$ back, so that each layer only *changes* a word a little, slows this down at once: after two layers the words stand at 0.13, not 1.00.
# But it only slows it: after twelve layers even $x$ + attention stands at 0.94.
#
# These are untrained layers. What training makes of them isn't in this picture; further down we train the machine with the path and without it. The lesson from here on is
# about the parts that make a deep stack of averages work.
#
# ## The idea, with shapes
#
# On the left stands the encoder: it turns the source, (B, S), into a memory, (B, S, d). On the right stands the decoder: it reads what is
# written so far, (B, T), asks the memory, and gives features, (B, T, d), for the next word of each place. Every box keeps the shape, so boxes can be stacked.


# %% demo="machine"
with demonstration("machine"):
    fig, ax = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    encoder = {0: "source (B, S)", 1: "embedding + places", 2: "self-attention",
               4: "feed-forward", 5: "memory (B, S, d)"}  # fmt: skip
    decoder = {0: "written so far (B, T)", 1: "embedding + places", 2: "self-attention\n(earlier words only)",
               3: "attention to memory", 4: "feed-forward", 5: "generator: logits (B, T, V)"}  # fmt: skip
    up, box = {"arrowstyle": "->"}, {"boxstyle": "round,pad=0.4", "fc": "white", "lw": 1.8}
    around = up | {"color": plots.COLOURS[1], "connectionstyle": "arc3,rad=0.5"}
    for x, boxes in ((1.6, encoder), (5.6, decoder)):
        for low, high in zip(boxes, list(boxes)[1:], strict=False):
            ax.annotate("", (x, high - 0.3), (x, low + 0.3), arrowprops=up)
        for y, text in boxes.items():
            colour = plots.COLOURS[0 if "attention" in text else 2 if y == 4 else 6]
            edge = {"ec": colour if y else "white"}
            ax.text(x, y, text, ha="center", va="center", bbox=box | edge, fontsize=9)
            if 2 <= y <= 4:
                ax.annotate("", (x + 1, y + 0.4), (x + 1, y - 0.4), arrowprops=around)
        ax.add_patch(plt.Rectangle((x - 1.4, 1.5), 3.1, 3, fill=False, ls=":"))
        ax.text(x - 1.5, 3, "N ×", ha="right", va="center")
    ax.annotate(
        "", (4.6, 3), (2.6, 5), arrowprops=up | {"connectionstyle": "arc3,rad=-0.2"}
    )
    ax.text(7.5, 3, "orange: the\nresidual path,\nand a norm", fontsize=9, va="center")
    ax.set(xlim=(-0.5, 8.8), ylim=(-0.4, 5.5))
    ax.axis("off")
    plots.show(fig, "The Transformer: an encoder of N layers (self-attention, feed-forward) makes the memory; a decoder of N "
               "layers (masked self-attention, attention to the memory, feed-forward) reads it. Around each box runs a "
               "residual path with a norm.")  # fmt: skip

# %% [markdown]
# We build it from the inside out: the norm, the little network, the path around them, the two kinds of layer.
#
# ## Layer normalisation
#
# Each word's vector $x \in \mathbb{R}^d$ is brought to mean 0 and variance 1, *on its own*: no other word, no other sentence has a
# say. Then every feature gets a gain $g$ and a bias $b$ (Ba et al. 2016, section 3; the small
# $\epsilon$ is the libraries': it keeps the root from zero):
#
# $$\mu = \tfrac1d \sum_i x_i, \qquad \sigma^2 = \tfrac1d \sum_i (x_i - \mu)^2, \qquad y = g \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + b$$
#
# Two details are often got wrong, and hardly show in training: the variance divides by $d$, not $d - 1$; and $\epsilon$
# stands *inside* the root.

# %% [markdown] task="layer_norm"
# Normalise over the last axis, whatever axes stand before it. As a loop (the loop shows three axes; yours must take any number):
#
# ```python
# for b in range(B):
#     for t in range(T):
#         y[b, t] = gain * (x[b, t] - mean(x[b, t])) / sqrt(variance(x[b, t]) + eps) + bias
# ```
# hint: `x.mean(dim=-1, keepdim=True)` keeps the axis, so that it can be subtracted from x.
# hint: The variance is the mean of the squared differences. `x.var` divides by d − 1 unless you say `correction=0`.


# %% exercise="layer_norm" minutes=8 difficulty=2
def layer_norm(x: Tensor, gain: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Mean 0 and variance 1 for each vector, then gain and bias  (Ba et al. 2016, eq. 3-4).

    x (..., d), gain (d,), bias (d,)  ->  (..., d)
    """
    ### BEGIN SOLUTION
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred**2).mean(dim=-1, keepdim=True)
    return gain * centred / torch.sqrt(variance + eps) + bias
    ### END SOLUTION


# %% check="layer_norm" points=2
def probe(layer_norm, draw):
    B, T, d = draw.sizes(3, 3)
    s = draw.size(3, 5)
    eps = draw.scale(0.15, 0.6)  # large, so that its place shows
    tiny = draw.normal(B, d, scale=draw.scale(2e-3, 5e-3))
    return {
        "y": layer_norm(draw.normal(B, T, d), draw.normal(d), draw.normal(d), eps),
        "small numbers, the default eps": layer_norm(tiny, draw.normal(d), draw.normal(d)),
        "square": layer_norm(draw.normal(s, s, s), draw.normal(s), draw.normal(s), eps / 2),
    }


check("layer_norm", layer_norm, probe)


# %% [markdown]
# ## The feed-forward network
#
# Attention mixes words; it adds up values, and a sum is linear. What a *word* makes of what it has gathered is worked out here, by
# the same two-layer network at every place (Vaswani et al. 2017, eq. 2):
#
# $$\text{FFN}(x) = \max(0,\; x W_1^\top + b_1)\, W_2^\top + b_2, \qquad W_1: (f, d),\; W_2: (d, f)$$
#
# (The paper writes $xW_1$; we keep a matrix as PyTorch does, output first, hence the transpose.) In the paper $d = 512$ and $f = 2048$.

# %% [markdown] task="feed_forward"
# One line. It works for any axes before the last: that is what *position-wise* means.
# hint: Read the formula from the inside out: a matrix, a bias, a cut at zero, a matrix, a bias.
# hint: `x @ W_1.T` is (..., f); the bias (f,) is added by broadcasting.
# hint: `torch.relu` stands between the two maps: after the first bias, and nowhere else.


# %% exercise="feed_forward" minutes=4 difficulty=1
def feed_forward(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """max(0, x W_1ᵀ + b_1) W_2ᵀ + b_2, at each place  (Vaswani et al. 2017, eq. 2).

    x (..., d), W_1 (f, d), b_1 (f,), W_2 (d, f), b_2 (d,)  ->  (..., d)
    """
    ### BEGIN SOLUTION
    return torch.relu(x @ W_1.T + b_1) @ W_2.T + b_2
    ### END SOLUTION


# %% check="feed_forward" points=1
def probe(feed_forward, draw):
    B, T, d, f = draw.sizes(4)
    weights = draw.normal(f, d), draw.normal(f), draw.normal(d, f), draw.normal(d)
    square = draw.normal(T, T), draw.normal(T), draw.normal(T, T), draw.normal(T)
    return {
        "y": feed_forward(draw.normal(B, T, d), *weights),
        "square": feed_forward(draw.normal(T, T), *square),
    }


check("feed_forward", feed_forward, probe)


# %% [markdown]
# ## The residual path, and the question "pre or post?"
#
# The first figure showed what adding $x$ back does. Where does the norm go? There are two answers, both are called *the Transformer*, and
# mixing them up is the commonest confusion about it:
#
# $$\text{post-norm:}\quad \text{norm}\big(x + \text{sublayer}(x)\big) \qquad\qquad \text{pre-norm:}\quad x + \text{sublayer}\big(\text{norm}(x)\big)$$
#
# **Post-norm** is the paper's (section 3.1). The path goes *through* a norm at each sub-layer. **Pre-norm** keeps the path clear from the first
# layer to the last, so gradients go back untouched; one norm more is then needed at the very end (Xiong et al. 2020). GPT-2 and
# most models since are pre-norm. As paths, from left to right:
#
# ```text
# post-norm:   x ──┬────────────────(+)── norm ──▶        the path itself is normed
#                  └── sublayer ─────┘
#
# pre-norm:    x ──┬────────────────(+)──────────▶        the path is left alone
#                  └── norm ── sublayer ─┘
# ```
#
# We build both, and compare them at the end. (And a whole untrained pre-norm layer in the first figure's place? Its words stand at 0.26 after two
# layers, more alike than with $x$ + attention, and at 0.74 after twelve, less alike.)

# %% [markdown] task="residual"
# `sublayer` and `norm` are functions of a tensor. `pre` says which of the two forms is wanted. Call the sub-layer once: in training it
# has dropout inside, and a second call would give something else.
# hint: Two cases, one line each: the formulas above, read aloud.
# hint: In pre-norm it is the *un-normed* x that is added.


# %% exercise="residual" minutes=5 difficulty=1
def residual(x: Tensor, sublayer: Callable, norm: Callable, pre: bool) -> Tensor:
    """norm(x + sublayer(x)), or with `pre` x + sublayer(norm(x))  (Vaswani et al. 2017, sec. 3.1; Xiong et al. 2020).

    x (B, T, d)  ->  (B, T, d)
    """
    ### BEGIN SOLUTION
    return x + sublayer(norm(x)) if pre else norm(x + sublayer(x))
    ### END SOLUTION


# %% check="residual" points=2
def probe(residual, draw):
    B, T, d = draw.sizes(3, 3)
    A, gain, bias, calls = draw.normal(d, d), draw.normal(d), draw.normal(d), []

    def sublayer(y):
        calls.append(y.shape)
        return torch.tanh(y @ A)

    def norm(y):
        return transformer.layer_norm(y, gain, bias)

    found = {
        name: residual(draw.normal(B, T, d), sublayer, norm, pre)
        for name, pre in (("post-norm", False), ("pre-norm", True))
    }
    return {**found, "calls of the sub-layer": len(calls)}


check("residual", residual, probe)


# %% [markdown]
# ## A layer of the encoder
#
# Two sub-layers, each with its path: self-attention, then the feed-forward network. You get them as functions:
# `attend(query, memory, mask)` is multi-head attention of `query` over `memory`, `feed(x)` the network. And for each
# sub-layer one function that puts the path around it, your `residual` with norm and `pre` filled in: `connect[0](x, sublayer)` for
# the first, `connect[1](x, sublayer)` for the second. So the same two lines serve post-norm and pre-norm.
#
# The next cell makes small ones of these functions, for the checks of both kinds of layer. Run it; there is nothing to do in it.


# %% name="layer_pieces"
def toy_attention(A: Tensor, V: Tensor) -> Callable:
    """Attention with one head, for the checks of both layers: A (d, d) makes the scores, V (d, d) the values."""

    def attend(query: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        return masked_softmax(query @ A @ memory.mT, mask) @ memory @ V

    return attend


def toy_connections(gains: Tensor, pre: bool) -> list[Callable]:
    """One `connect` for each row of gains (sub-layers, d)."""

    def connection(gain: Tensor) -> Callable:
        norm = partial(transformer.layer_norm, gain=gain, bias=gain.flip(0))
        return partial(transformer.residual, norm=norm, pre=pre)

    return [connection(gain) for gain in gains]


# %% [markdown] task="encoder_layer"
# In self-attention query and memory are the same. Beware: in pre-norm they are the same *normed* tensor, and only `connect` knows
# that one. So the sub-layer must use its own argument, not x.
# hint: Two calls of `connect`, one after the other. Each wants two things: a tensor, and what to do with it, as a *function* of one tensor.
# hint: Self-attention as such a function: `lambda y: attend(y, y, src_mask)`.
# hint: `feed` is such a function already. The second `connect` gets what came out of the first.


# %% exercise="encoder_layer" minutes=8 difficulty=2
def encoder_layer(
    x: Tensor,
    src_mask: Tensor,
    attend: Callable,
    feed: Callable,
    connect: Sequence[Callable],
) -> Tensor:
    """Self-attention, then feed-forward, each inside its `connect`  (Vaswani et al. 2017, sec. 3.1).

    x (B, S, d), src_mask (B, 1, S) bool  ->  (B, S, d)
    """
    ### BEGIN SOLUTION
    x = connect[0](x, lambda y: attend(y, y, src_mask))
    return connect[1](x, feed)
    ### END SOLUTION


# %% check="encoder_layer" points=2
def probe(encoder_layer, draw):
    B, S, d = draw.sizes(3, 3)
    mask = draw.watch(draw.mask(B, S).unsqueeze(1))
    attend = toy_attention(draw.normal(d, d), draw.normal(d, d))
    F, gains = draw.normal(d, d), draw.normal(2, d)

    def feed(x):
        return torch.tanh(x @ F)

    return {
        name: encoder_layer(
            draw.normal(B, S, d), mask, attend, feed, toy_connections(gains, pre)
        )
        for name, pre in (("post-norm", False), ("pre-norm", True))
    }


check("encoder_layer", encoder_layer, probe)


# %% [markdown]
# ## A layer of the decoder
#
# Three sub-layers. What is written so far asks itself, under a mask that hides what comes later; then it asks the memory, as in lesson
# 03: **query from the decoder, keys and values from the encoder**; then the feed-forward network.

# %% [markdown] task="decoder_layer"
# `attend_self` and `attend_source` are two attentions with weights of their own, called as before: `attend(query, memory, mask)`.
# Each mask belongs to what is looked *at*.
# hint: In each attention, who asks, and who is asked? The first argument is the asking side, the second the side that is looked at; the mask hides places of the second.
# hint: Three lines like those of the encoder; the first and the last are the encoder's, with other names.
# hint: The middle one: `lambda y: attend_source(y, memory, src_mask)`. The encoder has normed the memory already.


# %% exercise="decoder_layer" minutes=10 difficulty=3
def decoder_layer(
    x: Tensor,
    memory: Tensor,
    src_mask: Tensor,
    tgt_mask: Tensor,
    attend_self: Callable,
    attend_source: Callable,
    feed: Callable,
    connect: Sequence[Callable],
) -> Tensor:
    """Masked self-attention, attention to the memory, feed-forward  (Vaswani et al. 2017, sec. 3.1 and 3.2.3).

    x (B, T, d), memory (B, S, d), src_mask (B, 1, S), tgt_mask (B, T, T) bool  ->  (B, T, d)
    """
    ### BEGIN SOLUTION
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[2](x, feed)
    ### END SOLUTION


# %% check="decoder_layer" points=3
def probe(decoder_layer, draw):
    B, d = draw.sizes(2, 3, 5)
    attend_self, attend_source = (
        toy_attention(draw.normal(d, d), draw.normal(d, d)) for _ in range(2)
    )
    F, gains = draw.normal(d, d), draw.normal(3, d)

    def feed(x):
        return torch.tanh(x @ F)

    found = {}
    # S = T, so that what is exchanged gives numbers, which can be named, and not an error; then S = T + 1
    for name, pre, more in (
        ("post-norm", False, 0),
        ("pre-norm", True, 0),
        ("a longer source", False, 1),
    ):
        T = draw.size(5, 7)
        x, memory = draw.normal(B, T, d), draw.normal(B, T + more, d)
        src_mask = draw.watch(draw.mask(B, T + more).unsqueeze(1))
        tgt_mask = draw.mask(B, T).unsqueeze(1) & torch.ones(T, T, dtype=torch.bool).tril()
        functions = attend_self, attend_source, feed, toy_connections(gains, pre)
        try:
            found[name] = decoder_layer(
                x, memory, src_mask, draw.watch(tgt_mask), *functions
            )
        except RuntimeError as error:
            if not more:
                raise
            found[name] = error
    return found


check("decoder_layer", decoder_layer, probe)


# %% [markdown]
# ### The same as PyTorch's?
#
# A proof that leaves nothing to taste: we give your layers and PyTorch's `nn.TransformerEncoderLayer` and
# `nn.TransformerDecoderLayer` the same random weights and the same inputs, in double precision, post-norm and pre-norm, with
# padding and the causal mask; and compare what comes out, and the gradients that go back.


# %% name="same_weights"
parts = transformer.Parts(layer_norm, feed_forward, residual, encoder_layer, decoder_layer)


@torch.no_grad()
def give_weights(theirs: nn.Module, ours: nn.Module) -> None:
    """Copy the weights of PyTorch's layer into ours; it keeps query, key and value in one matrix."""
    attentions = {"self_attn": "attend_self" if hasattr(ours, "attend_self") else "attend"}
    if hasattr(ours, "attend_source"):
        attentions["multihead_attn"] = "attend_source"
    for their_name, our_name in attentions.items():
        other, mine = getattr(theirs, their_name), getattr(ours, our_name)
        rows = zip(other.in_proj_weight.chunk(3), other.in_proj_bias.chunk(3), strict=True)
        for linear, (weight, bias) in zip(
            (mine.query, mine.key, mine.value), rows, strict=True
        ):
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
        mine.output.load_state_dict(other.out_proj.state_dict())
    ours.feed.first.load_state_dict(theirs.linear1.state_dict())
    ours.feed.second.load_state_dict(theirs.linear2.state_dict())
    for i, connection in enumerate(ours.connect, start=1):
        norm = getattr(theirs, f"norm{i}")
        connection.norm.gain.copy_(norm.weight)
        connection.norm.bias.copy_(norm.bias)


def largest_differences(kind: str, pre: bool) -> tuple[float, float]:
    """How far a layer of ours is from PyTorch's: in what comes out, and in the gradient of the input."""
    ours = getattr(transformer, f"{kind}Layer")(16, 4, 24, 0.0, pre, parts).double()
    pytorch = getattr(nn, f"Transformer{kind}Layer")
    theirs = pytorch(16, 4, 24, 0.0, batch_first=True, norm_first=pre).double()
    for weights in theirs.parameters():
        nn.init.normal_(weights, std=0.5)
    give_weights(theirs, ours)
    x, memory = torch.randn(2, 7, 16).double(), torch.randn(2, 9, 16).double()
    x, y = x.clone().requires_grad_(), x.clone().requires_grad_()
    words = torch.arange(9) < torch.tensor([[9], [6]])  # the second source has padding
    causal = torch.ones(1, 7, 7, dtype=torch.bool).tril()
    if kind == "Encoder":
        mine, other = (
            ours(x, words[:, None, :7]),
            theirs(y, src_key_padding_mask=~words[:, :7]),
        )
    else:
        mine = ours(x, memory, words[:, None], causal)
        other = theirs(y, memory, tgt_mask=~causal[0], memory_key_padding_mask=~words)
    real = words[:, :7, None] if kind == "Encoder" else torch.ones(2, 7, 1)
    for result in (mine, other):
        (result * real).cos().sum().backward()
    return ((mine - other) * real).abs().max().item(), (x.grad - y.grad).abs().max().item()


# %% demo="same_as_pytorch"
with demonstration("same_as_pytorch"):
    seed_everything(0)
    for kind in ("Encoder", "Decoder"):
        for pre in (False, True):
            forward, backward = largest_differences(kind, pre)
            same = "the same" if max(forward, backward) < 1e-10 else "DIFFERENT"
            print(
                f"{kind}Layer, {'pre' if pre else 'post'}-norm, results and gradients to 1e-10: {same}"
            )

# %% [markdown]
# ## Masks
#
# A mask says who may look where; True = may. The source's hides padding: shape (B, 1, S), where the axis of length 1 stands for
# "every query alike". The target's hides padding, too, and all that comes *later*: place $t$ may look at places $\le t$.
# Isn't place $t$ its answer? No: the target is shifted right (lesson 01), so place $t$ *reads* word $t - 1$ and *predicts* word $t$. So all
# places can be trained at once, although each must predict without seeing its answer. As a loop:
#
# ```python
# for b in range(B):
#     for t in range(T):
#         for k in range(T):
#             tgt_mask[b, t, k] = tgt[b, k] != pad and k <= t
# ```
#
# Mind which places are hidden: *keys* that are padding, not queries. A query at a padded place gives rubbish, and the loss ignores it.

# %% [markdown] task="padding_and_causal_masks"
# From the numbers of the words, make both masks. The padding's number is `pad`; don't count on 0.
# hint: Two questions, then both at once: which places hold a word, and which are not later? Write down the shape of each answer.
# hint: `(src != pad)` is (B, S). An axis of length 1 for the queries goes into the middle.
# hint: `torch.ones(T, T, dtype=torch.bool).tril()` is True where k ≤ t. Combine with `&`; broadcasting does the rest.


# %% exercise="padding_and_causal_masks" minutes=8 difficulty=2
def padding_and_causal_masks(src: Tensor, tgt: Tensor, pad: int) -> tuple[Tensor, Tensor]:
    """Who may look where, True = may  (Vaswani et al. 2017, sec. 3.2.3).

    src (B, S), tgt (B, T) int64  ->  src_mask (B, 1, S), tgt_mask (B, T, T), bool
    """
    ### BEGIN SOLUTION
    T = tgt.shape[1]
    causal = torch.ones(T, T, dtype=torch.bool).tril()
    return (src != pad).unsqueeze(1), (tgt != pad).unsqueeze(1) & causal
    ### END SOLUTION


# %% check="padding_and_causal_masks" points=2
def probe(padding_and_causal_masks, draw):
    found = {}
    B, T, more = draw.size(2, 4), draw.size(4, 6), draw.size(1, 2)
    for name, S in (("S > T", T + more), ("S = T", T)):
        V = draw.size(6, 9)
        pad = draw.integers(1, V)
        src, tgt = draw.words(B, S, V, pad), draw.words(B, T, V, pad)
        src_mask, tgt_mask = padding_and_causal_masks(src, tgt, pad)
        found |= {f"src_mask, {name}": src_mask, f"tgt_mask, {name}": tgt_mask}
    return found


check("padding_and_causal_masks", padding_and_causal_masks, probe)


# %% [markdown]
# ## The loss that doesn't ask for certainty
#
# Cross-entropy is never content: a right word at 0.99 is still pulled towards 1. **Label smoothing** asks for a little less. The target is
# $1 - \epsilon$ on the right word, and $\epsilon$ is spread evenly over all $V$ words, the right one included (Szegedy et al. 2016, section
# 7; the paper takes $\epsilon = 0.1$ and notes that it makes the model less sure of the right word, but its translations
# better, section 5.4):
#
# $$q_v = (1 - \epsilon)\,[v = y] + \frac{\epsilon}{V}, \qquad \text{loss} = -\sum_v q_v \log p_v$$

# %% [markdown] task="smoothed_loss"
# The mean over all words of the batch that aren't padding.
# hint: Pull the sum over $v$ apart: one part has to do with the right word alone, the other is the same for all V words, and is a mean.
# hint: `log_softmax` over the last axis gives log p. −log p of the right word: `.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)`.
# hint: The loss of a word is (1 − ε) · (−log p of the right one) + ε · (the mean of −log p over all V). Then keep `tgt != pad`, and take the mean.


# %% exercise="smoothed_loss" minutes=10 difficulty=3
def smoothed_loss(logits: Tensor, tgt: Tensor, pad: int, smoothing: float) -> Tensor:
    """Cross-entropy against 1 − ε on the right word and ε spread over all V  (Szegedy et al. 2016, sec. 7).

    logits (B, T, V), tgt (B, T) int64  ->  (), the mean over the words that are no padding
    """
    ### BEGIN SOLUTION
    losses = -torch.log_softmax(logits, dim=-1)
    right = losses.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    smoothed = (1 - smoothing) * right + smoothing * losses.mean(dim=-1)
    return smoothed[tgt != pad].mean()
    ### END SOLUTION


# %% check="smoothed_loss" points=3
def probe(smoothed_loss, draw):
    B, T, V = draw.sizes(3, 3, 8)
    pad = draw.integers(1, V)
    tgt = draw.words(B, T, V, pad)
    logits = draw.normal(B, T, V, scale=draw.scale(1, 3))
    return {
        "loss": smoothed_loss(logits, tgt, pad, draw.scale(0.15, 0.4)),
        "without smoothing": smoothed_loss(draw.normal(B, T, V), tgt, pad, 0.0),
    }


check("smoothed_loss", smoothed_loss, probe)


# %% [markdown]
# ## The rate: up, then down
#
# Why should a rate climb first? Two reasons are given. Adam scales its steps by averages over past gradients; at first there is hardly a past, so a batch or two
# decide where full-sized steps go. And in a fresh *post-norm* Transformer the gradients near the output are large, with any optimiser; in a pre-norm one they
# aren't, so that it should do without warm-up (Xiong et al. 2020). The second reason ties the warm-up to the place of the norm; the end of this lesson comes back to it.
# So the rate climbs for some steps, the *warm-up*, then falls with one over the root of the step (Vaswani et al. 2017, eq. 3):
#
# $$\text{rate}(s) = d^{-1/2} \cdot \min\big(s^{-1/2},\; s \cdot w^{-3/2}\big)$$
#
# The two branches meet at $s = w$, the end of the warm-up. (The authors' library calls this schedule "Noam", after one of them.)

# %% [markdown] task="noam_rate"
# The rate at one step, a number. Steps count from 1.
# hint: Work out both branches, one rising and one falling. Which of them is smaller at step 1, and which long after the warm-up?
# hint: `step**-0.5` is $s^{-1/2}$. The rising branch is `step * warmup**-1.5`.
# hint: The *smaller* branch counts; then comes the factor `d_model**-0.5`.


# %% exercise="noam_rate" minutes=4 difficulty=1
def noam_rate(step: int, d_model: int, warmup: int) -> float:
    """d_model^−0.5 · min(step^−0.5, step · warmup^−1.5)  (Vaswani et al. 2017, eq. 3); step from 1."""
    ### BEGIN SOLUTION
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)
    ### END SOLUTION


# %% check="noam_rate" points=1
def probe(noam_rate, draw):
    d_model, warmup = draw.integers(10, 600), draw.integers(50, 400)
    steps = 1, 2, warmup // 2, warmup - 1, warmup, warmup + 1, draw.size(5, 12) * warmup
    return {"rates": [float(noam_rate(step, d_model, warmup)) for step in steps]}


check("noam_rate", noam_rate, probe)


# %% demo="rates"
with demonstration("rates"):
    steps = range(50, 20_001, 50)
    curves = {
        f"d = {d}, warm-up {w}": (steps, [noam_rate(s, d, w) for s in steps])
        for d, w in ((512, 4000), (512, 8000), (1024, 4000))
    }
    fig = plots.lines(
        curves, "step", "rate", "The paper's schedule (d = 512, warm-up 4000)"
    )
    highest = noam_rate(4000, 512, 4000)
    plots.show(fig, f"Rates by step: up to {highest:.1e} at step 4000 for the paper's base model, then slowly down.")  # fmt: skip

# %% [markdown]
# Your `noam_rate` is the paper's, and you will meet it in other people's code. The short training below does not use it: there the rate climbs for 100
# steps, then falls in a straight line to zero, which suits a run whose end is known. Similar, then: up, and down. But a straight line is no $1/\sqrt{s}$.
#
# ## The model
#
# The frame is still lesson 01's `EncoderDecoder`. `lessonkit.models.transformer` holds the weights and calls your five functions, which
# travel in `parts`. This is the heart of it; the attention inside is lesson 08's, the places are lesson 09's sinusoids:
#
# ```python
# class Connection(nn.Module):                     # one connect: dropout, the residual path, the norm
#     def forward(self, x, sublayer):
#         return parts.residual(x, lambda y: self.dropout(sublayer(y)), self.norm, self.pre)
#
# class TransformerEncoder(nn.Module):
#     def forward(self, embedded, src_mask):
#         x = dropout(embedded * d**0.5 + sinusoids)
#         for layer in self.layers:
#             x = parts.encoder_layer(x, src_mask, layer.attend, layer.feed, layer.connect)
#         return self.norm(x)                      # pre-norm only
# ```


# %% name="make_model"
PASSES, RATE = (
    6,
    8e-3,
)  # passes over the training pairs; chosen on the validation sentences, for pre-norm with warm-up


def make_model(parts: transformer.Parts, **changes: object) -> EncoderDecoder:
    """Two layers of 64 features and 4 heads, pre-norm, no dropout; `changes` are settings of `make_transformer`."""
    sizes = len(data.source_vocabulary), len(data.target_vocabulary)
    return transformer.make_transformer(*sizes, parts=parts, **{"dropout": 0.0, **changes})


def smoothed_translation_loss(model: EncoderDecoder, batch: Batch) -> Tensor:
    """The loss of one batch: your masks, the frame, your loss with ε = 0.1."""
    written = shift_right(batch.tgt, Vocabulary.bos)
    src_mask, tgt_mask = padding_and_causal_masks(batch.src, written, Vocabulary.pad)
    logits = model(batch.src, written, src_mask, tgt_mask)
    return smoothed_loss(logits, batch.tgt, Vocabulary.pad, 0.1)


def training_batches(seed: int) -> Iterator[Batch]:
    """Batches of 64 without end; every pass in another order."""
    while True:
        yield from batches(
            data.train, data.source_vocabulary, data.target_vocabulary, 64, seed=seed
        )
        seed += 1000


def train_model(
    model: EncoderDecoder,
    seed: int,
    warmup: int = 100,
    passes: int = PASSES,
    quiet: bool = False,
    seconds: float = 55,
    lr: float = RATE,
) -> train.History:
    """Some passes over the training pairs, in at most so many seconds."""
    return train.fit(
        model, training_batches(seed), smoothed_translation_loss,
        steps=157 * passes, lr=lr, warmup=warmup, decay=True, seconds=seconds, title="Transformer", quiet=quiet,
    )  # fmt: skip


def scores_by_length(model: EncoderDecoder) -> dict[str, float]:
    """Exact match and BLEU on the short (4-9 words), medium (10-18) and long (19-30) test sentences."""
    found = {}
    tests = {"short": data.test_short, "medium": data.test_medium, "long": data.test_long}
    for name, pairs in tests.items():
        made = translate(model, pairs, data)
        found |= {
            name: exact_match(made, pairs),
            f"bleu_{name}": round(bleu(made, pairs), 2),
        }
    return found


# %% [markdown]
# All places are trained at once; but translating still goes word by word. Each new word runs the decoder again, over all that is written so far
# (`translate` does that), because the next place reads the word that this one wrote.
#
# Besides exact match we now report **BLEU**, as papers do: it counts which runs of one to four words of a translation occur in the right one,
# and is 100 if all do and the translation is not too short (Papineni et al. 2002). A sentence with a single wrong word fails our exact match, yet keeps most of its BLEU.
#
# **Predict:** Bahdanau's model of lesson 03 was right on about nine of ten long sentences, with half as many weights again.
# How does this one do? There is no recurrence: nothing carries the sentence from left to right.

# %% demo="training" varies=true
with demonstration("training"):
    seed_everything(0)
    model = make_model(parts)
    print(f"{count_parameters(model):,} parameters")
    history = train_model(model, seed=0)
    measured = scores_by_length(model)
    for name in ("short", "medium", "long"):
        print(
            f"{name:6} sentences: {measured[name]:.1%} without a mistake, BLEU {measured[f'bleu_{name}']:.1f}"
        )

# %% [markdown]
# ## Where does it look?
#
# In lesson 03 there was one map per sentence. Here are two layers with four heads each, for the decoder's attention to the source alone.
# We ask of every one of them: how often does its strongest weight point at the word that gold names?


# %% name="maps_of"
@torch.no_grad()
def maps_of(
    model: EncoderDecoder, pairs: Sequence[Pair], what: str = "weights"
) -> list[Tensor]:
    """For each pair the decoder's attention to the source (layers, heads, target words, source words), EOS left out.

    With what="products" q·k instead of the weights, before the scale.
    """
    found = []
    for batch in batches(pairs, data.source_vocabulary, data.target_vocabulary, 100):
        model(batch.src, shift_right(batch.tgt, Vocabulary.bos), batch.src_mask)
        layers = [getattr(layer.attend_source, what) for layer in model.decoder.layers]
        maps = torch.stack(layers, dim=1)  # (B, layers, heads, T, S)
        found += [
            maps[i, :, :, : len(pair.target), : len(pair.source)]
            for i, pair in enumerate(batch.pairs)
        ]
    return found


def error_rates(model: EncoderDecoder, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    """AER of each head, (layers, heads), and of each layer's heads averaged, (layers,)."""
    maps = maps_of(model, pairs)
    layers, heads = maps[0].shape[:2]
    gold = {(n, *link) for n, pair in enumerate(pairs) for link in pair.links}

    def rate(pick: Callable[[Tensor], Tensor]) -> float:
        links = {(n, *k) for n, m in enumerate(maps) for k in links_from_weights(pick(m))}
        return alignment_error_rate(links, gold, gold)

    single = [
        [rate(lambda m, i=i, j=j: m[i, j]) for j in range(heads)] for i in range(layers)
    ]
    return torch.tensor(single), torch.tensor(
        [rate(lambda m, i=i: m[i].mean(0)) for i in range(layers)]
    )


def as_heads(pairs: Sequence[Pair]) -> list[Heads]:
    """What the explorer of lessons 07 to 10 draws: the products of every layer and head, and gold."""
    products = maps_of(model, pairs, "products")
    d_k = model.src_embed.embedding_dim // products[0].shape[1]
    return [
        Heads(p.target, p.source, m.numpy(), d_k, gold={(t, s) for s, t in p.links})
        for p, m in zip(pairs, products, strict=True)
    ]


# %% demo="head_scores" varies=true
with demonstration("head_scores"):
    single, averaged = error_rates(model, data.test_medium)
    rows = [
        [f"layer {i + 1}", *row, averaged[i].item()]
        for i, row in enumerate(single.tolist())
    ]
    tables.show_table(
        ["", *[f"head {j + 1}" for j in range(single.shape[1])], "heads averaged"], rows,
        caption="Alignment error rate of each head, this run, medium test sentences (0 is perfect)",
    )  # fmt: skip

# %% demo="blind_pointers"
with demonstration("blind_pointers"):
    print(
        "pointers that don't look:",
        ", ".join(f"{n} {r:.2f}" for n, r in blind_error_rates(data.test_medium).items()),
    )
    layers = [
        (averaged_rate, min(heads))
        for run in lesson.recorded("transformer")
        for averaged_rate, heads in zip(run["aer_layers"], run["aer_heads"], strict=True)
    ]
    better = sum(averaged_rate < best for averaged_rate, best in layers)
    print(
        f"recorded: the heads averaged beat the best head in {better} of {len(layers)} layers"
    )

# %% [markdown]
# A single head may be far off. The mean of four is mostly better than a head taken at random, and often, not always, better than the best one: look at
# both rows, and at the last line for the recorded runs, three with two layers each. And you can't know the best head without gold. The diagonal, which looks at
# nothing, has 0.35: some heads are worse than that. Which head does
# what changes with the seed. Here are the eight maps of one sentence (rows: French words, columns: English ones; gold is outlined).

# %% demo="head_maps" varies=true
with demonstration("head_maps"):
    chosen = [
        p
        for p in data.validation
        if {"not", "them"} <= set(p.source) and len(p.source) <= 12
    ]
    (drawn,) = as_heads(chosen[:1])
    fig = heads_figure(drawn)
    on_gold = sum(drawn.weights()[..., t, s] for t, s in drawn.gold) / len(drawn.queries)
    plots.show(
        fig,
        f"Attention of “{' '.join(drawn.queries)}” to “{' '.join(drawn.keys)}”, one map a layer and head. Mean weight on gold: "
        + "; ".join(
            f"layer {i + 1} " + ", ".join(f"{w:.2f}" for w in row)
            for i, row in enumerate(on_gold)
        ),
    )

# %% [markdown]
# ### Explore it
#
# Pick a sentence, a French word and a head. The switch shows what the scale of lesson 07 does to these very scores. The still picture
# below the widget shows one word of another sentence.

# %% demo="explorer" varies=true
with demonstration("explorer"):
    examples = as_heads(
        chosen[:1] + [p for p in data.validation if 8 <= len(p.source) <= 14][:5]
    )
    heads_explorer(examples)

# %% demo="explorer_still" varies=true
with demonstration("explorer_still"):
    still = examples[1]
    plots.show(heads_figure(still, query=2), heads_in_words(still, query=2))

# %% [markdown]
# ## Predict, then break it
#
# Take one part away at a time. The runs are recorded (three seeds each), with this lesson's code; some
# pass another `residual` or `feed_forward`, others change a setting. You can run any of them yourself, in less than a
# minute: `run_ablation("no_places", seed=0)`. Write down what you expect:
#
# 1. **No places.** The encoder can't tell *the dog sees the cat* from *the cat sees the dog*. (But is the decoder blind, too?)
# 2. **No residual path:** `norm(sublayer(x))`, and nothing is added.
# 3. **No feed-forward network.** Attention and norms only; fewer weights, too.
# 4. **Post-norm** for pre-norm, with the same rate and warm-up.


# %% name="ablations"
def no_residual(x: Tensor, sublayer: Callable, norm: Callable, pre: bool) -> Tensor:
    """The sub-layer's result alone."""
    return sublayer(norm(x)) if pre else norm(sublayer(x))


def no_feed_forward(
    x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor
) -> Tensor:
    """Nothing is worked out: the residual path adds zero."""
    return torch.zeros_like(x)


# name: (what it is called, how the parts change, how the settings change, steps of warm-up, passes)
ABLATIONS = {
    "transformer": ("the Transformer (pre-norm, warm-up)", {}, {}, 100, PASSES),
    "no_places": ("no places", {}, {"places": False}, 100, PASSES),
    "no_residual": ("no residual path", {"residual": no_residual}, {}, 100, PASSES),
    "no_feed_forward": ("no feed-forward", {"feed_forward": no_feed_forward}, {}, 100, PASSES),
    "post": ("post-norm, warm-up", {}, {"pre": False}, 100, PASSES),
    "deep_pre": ("pre-norm, warm-up", {}, {"layers": 6}, 100, 1),
    "deep_pre_cold": ("pre-norm, no warm-up", {}, {"layers": 6}, 0, 1),
    "deep_post": ("post-norm, warm-up", {}, {"layers": 6, "pre": False}, 100, 1),
    "deep_post_cold": ("post-norm, no warm-up", {}, {"layers": 6, "pre": False}, 0, 1),
}  # fmt: skip


def run_ablation(
    name: str, seed: int, seconds: float = 55, quiet: bool = False, lr: float = RATE
) -> tuple[EncoderDecoder, train.History]:
    """Train one of ABLATIONS."""
    _, changed_parts, settings, warmup, passes = ABLATIONS[name]
    seed_everything(seed)
    changed = make_model(replace(parts, **changed_parts), **settings)
    return changed, train_model(changed, seed, warmup, passes, quiet, seconds, lr)


# %% name="unigram_loss"
def unigram_loss() -> float:
    """The smoothed loss of a model that only knows how often each French word occurs (and the end of a sentence)."""
    words = [n for p in data.train for n in data.target_vocabulary.encode(p.target)]
    words += [Vocabulary.eos] * len(data.train)
    count = torch.bincount(torch.tensor(words), minlength=len(data.target_vocabulary))
    share = 0.9 * count / count.sum() + 0.1 / len(count)  # what smoothing makes of it
    return -(share * share.log()).sum().item()


# %% name="aer_of"
def aer_of(name: str, layer: int) -> str:
    """The error rate of one layer's heads averaged, over the recorded seeds."""
    rates = [run[name]["aer_layers"][layer] for run in lesson.results()["runs"]]
    return f"{sum(rates) / len(rates):.2f} [{min(rates):.2f} to {max(rates):.2f}]"


def worst_head() -> str:
    """The error rate of each seed's worst head."""
    rates = [
        max(rate for layer in run["transformer"]["aer_heads"] for rate in layer)
        for run in lesson.results()["runs"]
    ]
    return f"{sum(rates) / len(rates):.2f} [{min(rates):.2f} to {max(rates):.2f}]"


# %% demo="ablation_table"
with demonstration("ablation_table"):
    whole = {n: label for n, (label, *_, passes) in ABLATIONS.items() if passes == PASSES}
    for rate in lesson.recorded("no_residual_own", "lr")[:1]:
        whole["no_residual_own"] = f"no residual path, rate {rate:g}"
    rows = [
        [label, *[lesson.spread(name, g) for g in ("short", "medium", "long")], aer_of(name, 0), aer_of(name, 1),
         lesson.spread(name, "loss")]
        for name, label in whole.items()
    ]  # fmt: skip
    tables.show_table(
        ["model", "short", "medium", "long", "AER, layer 1", "AER, layer 2", "loss"], rows,
        caption="Exact match by length; AER of each layer's heads averaged (medium sentences); training loss at the end (the "
        f"words' frequencies alone give {unigram_loss():.2f}); mean [least to greatest] of three recorded seeds",
    )  # fmt: skip

# %% [markdown]
# **The residual path** is what this machine can't do without, at this rate. Without it, in two layers already, hardly more is learned than which words are frequent: the loss
# is 4.31 to 4.43, where the frequencies alone give 4.84, and not one short sentence is right. Two reservations. The rate, 8e-3, was chosen with the path in. And taking it away cuts more than a
# shortcut: the words that the decoder has written reach its attention to the source only as queries; they no longer get past that layer to the output.
#
# **Without places** the model still gets most short sentences, and no long one. The source has become a bag of words; but the decoder's mask
# tells it the order of what it *wrote* (lesson 09), and in a short sentence there are few ways to put the words.
#
# **The feed-forward network**, two thirds of the weights of the paper's encoder layers, is hardly missed here. Only the long sentences suffer a little. Don't
# conclude that it is useless: our grammar has 127 English words, 178 French ones, and few facts. It is a warning about conclusions from small experiments, ours
# included.
#
# **Pre or post**: pre-norm is a little better on the long sentences (0.92 to 0.95 against 0.91 to 0.92), at the rate that was chosen for pre-norm. For the rest
# they are a tie. Yet look at the last two columns: with pre-norm the first layer finds the
# alignment best, with post-norm only the second does, on all three seeds. Who reads an alignment off a Transformer must choose layer and
# head with care, and on other sentences than those that count.
#
# And deeper? Two kinds of norm, with and without warm-up, with six layers in the encoder and six in the decoder, for a single pass (157 steps): the loss of the last
# 20 steps. A model that has learned how often each word occurs, and no more, stands at the dotted line.

# %% demo="deep"
with demonstration("deep"):
    kinds = {name: label for name, (label, *_, passes) in ABLATIONS.items() if passes == 1}
    fights = {"rate 8e-3 for all": "", "each at its own rate": "_own"}
    fights = {f: end for f, end in fights.items() if lesson.recorded("deep_pre" + end)}
    losses = {
        f: [lesson.recorded(k + end, "loss") for k in kinds] for f, end in fights.items()
    }
    fig = plots.bars(
        {f: [sum(ls) / len(ls) for ls in row] for f, row in losses.items()},
        [label.replace(", ", ",\n") for label in kinds.values()],
        "training loss after one pass",
        spread={f: [(min(ls), max(ls)) for ls in row] for f, row in losses.items()},
    )
    floor = unigram_loss()
    ax = fig.axes[0]
    ax.axhline(floor, color="black", linestyle=":", zorder=0)
    ax.text(-0.4, floor + 0.1, f"words' frequencies alone: {floor:.2f}", fontsize=8)
    ax.set_ylim(0, 1.25 * floor)
    if len(fights) > 1:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    words = "; ".join(
        f"{label}, {f} {lesson.spread(k + end, 'loss')}"
        for k, label in kinds.items()
        for f, end in fights.items()
    )  # fmt: skip
    print(words)
    plots.show(
        fig,
        f"Loss after one pass, six layers. {words}. Words' frequencies alone: {floor:.2f}.",
    )

# %% [markdown]
# You will read that post-norm without warm-up *diverges*. Here that would be the wrong word: nothing explodes. It stalls at the dotted line, knows how
# often each word occurs, and hears nothing from the source. Pre-norm learns from the start, with warm-up and without it.
#
# What this figure can't tell is whether pre-norm *needs* warm-up, though its bar with warm-up is the lower one. All four ran at 8e-3, the rate that was chosen for two layers of pre-norm *with* warm-up. And a
# warm-up of 100 steps out of 157 is more than a warm-up: with it the rate peaks at 4.9e-3 and is 2.5e-3 on average, without it 8e-3 and 4.0e-3. So the bars with warm-up have a lower rate, too. The claim of Xiong et al.
# is about where a whole training ends, each kind at a rate that suits it. A fair fight would sweep the rate for each kind.
#
# ## One table, four lessons
#
# The same sentences, the same words, one thread of the same machine: the model of lesson 01 (one vector), of 03 (additive
# attention), of 04 (Luong's *general* score, global), and this one. Each was trained as its own lesson trains it: 14 passes over the
# training pairs for the first, four for 03 and 04, six for this one.

# %% demo="four_lessons"
with demonstration("four_lessons"):
    models = {
        "vector": "01 one vector",
        "additive": "03 additive attention",
        "luong": "04 Luong, general",
        "transformer": "10 Transformer",
    }
    runs = lesson.results()["runs"]
    rows = []
    for name, label in models.items():
        cells = [f"{lesson.spread(name, g)}; {lesson.spread(name, f'bleu_{g}', digits=1)}" for g in ("short", "medium", "long")]  # fmt: skip
        aer = lesson.spread(name, "aer") if "aer" in runs[0][name] else "no attention"
        rows.append([label, *cells, aer, f"{runs[0][name]['parameters']:,}", lesson.spread(name, "training_seconds", digits=0)])  # fmt: skip
    tables.show_table(
        ["lesson", "short: exact; BLEU", "medium", "long", "AER (medium)", "parameters", "seconds"], rows,
        caption="Exact match; BLEU, by length; mean [least to greatest] of three recorded seeds. AER: of the one map of 03 and 04; "
        "for the Transformer of its last layer's heads averaged (its first layer's stands in the table above)",
    )  # fmt: skip

# %% demo="four_lessons_figure"
with demonstration("four_lessons_figure"):
    groups = ("short", "medium", "long")
    means = {
        label: [sum(run[name][g] for run in runs) / len(runs) for g in groups]
        for name, label in models.items()
    }
    spread = {
        label: [(min(r[name][g] for r in runs), max(r[name][g] for r in runs)) for g in groups]
        for name, label in models.items()
    }  # fmt: skip
    fig = plots.bars(
        means, ["4-9 words", "10-18 words", "19-30 words"], "exact match", spread=spread
    )
    fig.set_size_inches(8.6, 3.6)
    ax = fig.axes[0]
    ax.set_ylim(0, 1.15)
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False, fontsize=9
    )
    words = "; ".join(
        f"{label} {', '.join(f'{m:.2f}' for m in ms)}" for label, ms in means.items()
    )
    plots.show(fig, f"Exact match on short, medium and long sentences, by model: {words}.")

# %% [markdown]
# One vector fails on long sentences; the three models with attention get most of them right (Luong's 0.75 to 0.83). The short sentences are all but right with any
# attention, and the medium ones nearly (Luong's 0.94 to 0.96, the other two 0.98 to 0.99), so it is the long ones that tell the models apart. There the Transformer is first on average, but its lead over Bahdanau's model, 0.94
# [0.92 to 0.95] against 0.93 [0.92 to 0.94], is smaller than the spread between seeds: call it a tie. It has a third fewer weights than that, though, and took
# less time (46 s against 55 s), although it made six passes and the other four. Luong's model took 42 s, and is behind on the long sentences.
#
# Its last layer's alignment isn't better than Bahdanau's: 0.06 both. Its first layer's is, on all three seeds: 0.03 in the table of the ablations. But who picks
# the layer by its AER has used gold to pick it. Attention that is spread over layers and heads is harder to read, and nothing in the training asks
# for an alignment.
#
# ### Real sentences: the ladder
#
# So far all sentences came from a grammar. `make full LADDER=multi30k` (in the whole project, not in the learner's bundle) trains the course's translators, one above the other, on Multi30k (Elliott et al. 2016):
# 29,000 descriptions of photographs, German to English. The models are the lessons' own code, with wider layers, dropout, and words cut into
# 4,000 subwords that both languages share (Sennrich et al. 2016), so that no word is unknown. BLEU is sacrebleu's, with its signature,
# so that it can be compared at all (Post 2018). This is a recorded run, with a budget of minutes for each model: none of them has
# finished learning.

# %% demo="ladder"
with demonstration("ladder"):
    ladder = json.loads((RESULTS / "ladder.json").read_text(encoding="utf-8"))
    rungs = ladder["rungs"]
    tables.show_table(
        ["model", "BLEU", "short", "medium", "long", "published", "parameters", "minutes", "passes"],
        [
            [r["what"], *[f"{r[k]:.1f}" for k in ("bleu", "short", "medium", "long")], r["published"] or "-",
             f"{r['parameters']:,}", f"{r['seconds'] / 60:.0f}", r["passes"]]
            for r in rungs
        ],
        caption=f"{ladder['corpus']}. Short: up to 8 German words; long: from 15 on. Minutes of one processor",
    )  # fmt: skip
    best = rungs[-1]
    print(f"{best['what']} with a beam of 4: BLEU {best['beam_bleu']:.1f}")
    print(f"{best['signature']}; {best['machine']}; {best['date']}")

# %% [markdown]
# The two great steps are those of this course: attention, and then the Transformer, with a third fewer weights than the additive
# model, and a lead that is there on long sentences, too. Which of the two is the greater, this table can't say; in the published column it is the Transformer's (+8.2 against
# +7.7). A beam adds to it once more.
#
# Now the small print. One seed each, so a point up or down means nothing. The minutes differ: the Transformer got twice as many as the additive model, for half as many
# passes again; how near the two come with equal minutes we did not measure. Luong's model got the fewest of the three: no verdict on its score. The two models without attention got few, and their loss was still falling fast: that they stand below
# the published figures says little about them. And *published* is a rough mark, not a race: these figures are quoted for a well-known series of tutorials
# (B. Trevett's *pytorch-seq2seq*), whose words are cut otherwise and whose BLEU isn't sacrebleu's; the two of its notebooks that we could check print 28.11
# for attention and 36.09 for the Transformer.
#
# ## The paper says, we measured

# %% demo="paper_table"
with demonstration("paper_table"):
    tables.show_table(
        ["claim", "there", "we measured (three seeds)"],
        [
            ["better than recurrence with attention (Vaswani et al. 2017)",
             "BLEU 28.4 (big model) against 24.6 (GNMT, Google's system of 2016: LSTMs with attention) to 26.3 (an ensemble of it), English-German (table 2)",
             f"exact match on long sentences {lesson.spread('transformer', 'long')}; lesson 03 {lesson.spread('additive', 'long')}, "
             f"lesson 04 {lesson.spread('luong', 'long')}"],
            ["and cheaper to train", "base model: BLEU 27.3 with 3.3e18 operations; GNMT 24.6 with 2.3e19 (table 2)",
             f"{lesson.spread('transformer', 'training_seconds', digits=0)} s; lesson 03 {lesson.spread('additive', 'training_seconds', digits=0)} s, "
             f"lesson 04 {lesson.spread('luong', 'training_seconds', digits=0)} s"],
            ["attention alone loses the words' differences (Dong et al. 2021)", "proved for depth, shown on trained models",
             f"untrained, mean cosine of two words after 2 layers {alike['attention alone'][1][2]:.2f}, with x added "
             f"{alike['x + attention'][1][2]:.2f}; after 12 with x added {alike['x + attention'][1][12]:.2f}"],
            ["post-norm needs warm-up, pre-norm doesn't (Xiong et al. 2020)", "post-norm without it: far worse (figure 2)",
             f"not tested: at one rate for all, six layers, loss after one pass: post-norm {lesson.spread('deep_post', 'loss')}, without "
             f"warm-up {lesson.spread('deep_post_cold', 'loss')}; pre-norm {lesson.spread('deep_pre', 'loss')}, without "
             f"{lesson.spread('deep_pre_cold', 'loss')}"],
            ["heads learn different tasks (Vaswani et al. 2017, appendix)", "two heads of layer 5 drawn (figure 5)",
             f"AER of the last layer's heads averaged {lesson.spread('transformer', 'aer')}; the worst single head {worst_head()}"],
        ],
        caption="What was claimed, and what came out here",
    )  # fmt: skip

# %% [markdown]
# At our size the Transformer is as good as recurrence with attention, not far better; and the paper's case rests on what we don't have: millions of
# sentences, and hardware that does all places of a sentence at once. One thread of a laptop can't show that. What carries over from here is how the machine works, which parts of it
# carry weight, and that its maps need scoring.
#
# ## Summary
#
# 1. The Transformer is lesson 01's frame with attention in place of recurrence: `encode` gives a memory, `decode` asks it.
# 2. An encoder layer: self-attention, then a feed-forward network at each place. A decoder layer has attention to the memory between them.
# 3. Attention alone is a stack of averages: a few layers down all words are alike. The residual path slows this down.
# 4. Layer normalisation works on each vector alone; its variance divides by $d$, and $\epsilon$ stands inside the root.
# 5. Post-norm: `norm(x + f(x))`, the paper's. Pre-norm: `x + f(norm(x))`, with one norm at the end; easier to train.
# 6. Masks hide padding as *keys*, and what comes later in the target; so all places are trained at once.
# 7. In translating the words still come one by one: each runs the decoder again.
# 8. Label smoothing asks for $1 - \epsilon$; warm-up keeps the first steps small.
# 9. In the encoder nothing but the places tells order; in the decoder the mask does, too. The same weights as PyTorch's layers give the same numbers.
# 10. A single head's map may be far from the alignment; the mean of several is the safer one. Score before you believe.
#
# ## References
#
# - A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser, I. Polosukhin, *Attention Is All You Need*,
#   NeurIPS 2017, arXiv:1706.03762.
# - J. L. Ba, J. R. Kiros, G. E. Hinton, *Layer Normalization*, 2016, arXiv:1607.06450.
# - R. Xiong et al., *On Layer Normalization in the Transformer Architecture*, ICML 2020, arXiv:2002.04745.
# - Y. Dong, J.-B. Cordonnier, A. Loukas, *Attention Is Not All You Need: Pure Attention Loses Rank Doubly Exponentially with
#   Depth*, ICML 2021, arXiv:2103.03404.
# - C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, *Rethinking the Inception Architecture for Computer Vision*, CVPR 2016,
#   arXiv:1512.00567.
# - K. Papineni, S. Roukos, T. Ward, W.-J. Zhu, *BLEU: a Method for Automatic Evaluation of Machine Translation*, ACL 2002.
# - M. Post, *A Call for Clarity in Reporting BLEU Scores*, WMT 2018, arXiv:1804.08771.
# - D. Elliott, S. Frank, K. Sima'an, L. Specia, *Multi30K: Multilingual English-German Image Descriptions*, 2016, arXiv:1605.00459.
# - B. Trevett, *pytorch-seq2seq*, notebooks on GitHub: bentrevett/pytorch-seq2seq.
# - R. Sennrich, B. Haddow, A. Birch, *Neural Machine Translation of Rare Words with Subword Units*, ACL 2016, arXiv:1508.07909.
