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
# In six exercises you build what makes the machine work, and test it. It fits into the frame of lesson 01, it matches PyTorch's own
# layers to the last digits, and it meets the models of lessons 01, 03 and 04 on the same sentences. (Three habits of the paper are left out, since so small a
# model doesn't need them: dropout of 0.1, Adam's $\beta_2 = 0.98$, and one matrix for both embeddings and the last layer; sections 3.4, 5.3 and 5.4.) Allow 120 minutes.
#
# **Notation**
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
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from lessonkit import Lesson, train
from lessonkit.data import translation
from lessonkit.models import machine, seq2seq, transformer
from lessonkit.show import recorded

lesson = Lesson("10_transformer")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
data, PAD, BOS = translation.load_translation(), translation.Vocabulary.pad, translation.Vocabulary.bos  # fmt: skip

# %% [markdown]
# ## The experiment that fails
#
# Take a sentence of 20 random vectors, nothing trained, and stack bare self-attention twelve times. After each layer we ask how
# alike the words have become: the mean cosine between two different words. 0 means that they have nothing in common, 1 that
# they are all the same. The layers' weights are drawn as usual. Every layer replaces each word by an *average* over all words.

# %% predict="collapse"
predict("collapse", "How alike are two words after two such layers?", (0.0, 1.0, 0.05))

# %% demo="collapse"
# Figure: how alike words become by depth, with attention alone and with x added
with demonstration("collapse"):
    # fmt: off
    alike = machine.show_collapse()
    lesson.reveal("collapse", alike["attention alone"][0], "Averages of averages are all the same average. With x added it is {:.2f} after two layers, {:.2f} after twelve.".format(*alike["x + attention"]))

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
# Drawing: the machine, with its paths and norms
with demonstration("machine"):
    # fmt: off
    from lessonkit.show import drawing

    words = "The Transformer. An encoder of N layers, each self-attention and a feed-forward network, makes the memory; a decoder of N layers, each masked self-attention, attention to the memory and a feed-forward network, reads it. After each of them what went in is added, and a norm follows (or comes before: pre-norm)."
    machine.draw_machine(drawing.Drawing(words, height=5.6))

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
# ### Find the bugs: a norm that almost is one
#
# A colleague has written it down:


# %% name="colleague" show=true
def as_found(x: Tensor, gain: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Layer normalisation. x (..., d), gain (d,), bias (d,) -> (..., d)"""
    centred = x - x.mean()
    return gain * centred / (x.std(dim=-1, keepdim=True) + eps) + bias


# %% [markdown]
# It runs, and its shapes are right. But three numbers say that it isn't the norm of the equations:

# %% demo="symptoms"
# The symptoms: words of four features, gain 1, bias 0
with demonstration("symptoms"):
    from lessonkit.models import seeing

    seeing.show_symptoms(as_found)

# %% [markdown] task="layer_norm"
# Three things are wrong. Find them, and write the function anew. Normalise over the last axis, whatever axes stand before it (there may be one, two or three).
# hint: Over which numbers is the mean taken, when x is (B, T, d)? What has a word to do with its neighbours then?
# hint: Look up what `torch.std` divides by, if nobody says otherwise. And set $\sigma = 0$: what stands below the line in the equation, and what in the code?
# hint: Subtract `x.mean(dim=-1, keepdim=True)`. The variance is the *mean* of the squared differences; then the root of variance + eps.


# %% exercise="layer_norm" minutes=10 difficulty=3
def layer_norm(x: Tensor, gain: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Mean 0 and variance 1 for each vector, then gain and bias  (Ba et al. 2016, eq. 3-4).

    x (..., d), gain (d,), bias (d,)  ->  (..., d)
    """
    ### BEGIN SOLUTION
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = (centred**2).mean(dim=-1, keepdim=True)
    return gain * centred / torch.sqrt(variance + eps) + bias
    ### END SOLUTION


# %% check="layer_norm" points=3
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
# It works for any axes before the last: that is what *position-wise* means.


# %% name="feed_forward" show=true
def feed_forward(x: Tensor, W_1: Tensor, b_1: Tensor, W_2: Tensor, b_2: Tensor) -> Tensor:
    """max(0, x W_1ᵀ + b_1) W_2ᵀ + b_2, at each place  (Vaswani et al. 2017, eq. 2).

    x (..., d), W_1 (f, d), b_1 (f,), W_2 (d, f), b_2 (d,)  ->  (..., d)
    """
    return torch.relu(x @ W_1.T + b_1) @ W_2.T + b_2


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
# most models since are pre-norm.

# %% demo="paths"
# Drawing: the two places of the norm
with demonstration("paths"):
    machine.draw_paths()

# %% [markdown]
# We build both, and compare them at the end. (And a whole untrained pre-norm layer in the first figure's place? Its words stand at 0.26 after two
# layers, more alike than with $x$ + attention, and at 0.74 after twelve, less alike.)

# %% [markdown] task="residual"
# `sublayer` and `norm` are functions of a tensor. `pre` says which of the two forms is wanted. Call the sub-layer once: in training it
# has dropout inside, and a second call would give something else.
# hint: Two cases, one line each. For each ask: which tensor goes into the sub-layer, and which one is added to what comes out?
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
# For `connect[0]` and a sub-layer `f` that is to say:
#
# ```python
# connect[0](x, f) == residual(x, f, norm, pre)      # the norm and `pre` are filled in already
# connect[0](x, lambda y: attend(y, memory, mask))   # a sub-layer with more arguments: wrap it
# ```
#
# In self-attention query and memory are the same. Beware: in pre-norm they are the same *normed* tensor, and only `connect` knows
# that one. So the sub-layer uses its own argument `y`, not x:


# %% name="encoder_layer" show=true
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
    x = connect[0](x, lambda y: attend(y, y, src_mask))
    return connect[1](x, feed)


# %% [markdown]
# ## A layer of the decoder
#
# Three sub-layers. What is written so far asks itself, under a mask that hides what comes later; then it asks the memory, as in lesson
# 03: **query from the decoder, keys and values from the encoder**; then the feed-forward network.

# %% [markdown] task="decoder_layer"
# `attend_self` and `attend_source` are two attentions with weights of their own, called as before: `attend(query, memory, mask)`.
# Each mask belongs to what is looked *at*.
# hint: In each attention, who asks, and who is asked? The first argument is the asking side, the second the side that is looked at; the mask hides places of the second.
# hint: Three lines like those of the encoder above; the first and the last are the encoder's, with other names.
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
        machine.toy_attention(draw.normal(d, d), draw.normal(d, d)) for _ in range(2)
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
        functions = attend_self, attend_source, feed, machine.toy_connections(gains, pre)
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


# %% name="parts" show=true
parts = transformer.Parts(layer_norm, feed_forward, residual, encoder_layer, decoder_layer)

# %% demo="same_as_pytorch"
# Table: your layers beside PyTorch's
with demonstration("same_as_pytorch"):
    machine.show_equality(parts)

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
# ### Does it hold?
#
# A decoder that can see the word it should predict has a wonderful loss, and translates rubbish. One mask forgotten in one layer is enough, and no error says so. So don't read the code: *measure* who
# sees whom, from outside.

# %% [markdown] task="who_sees_whom"
# `layer` is any function from T vectors to T vectors, a whole decoder if you like. Change what goes in at place k, and look at which places the result changes: these see k.
# Choose the change with care: it must reach the result through a layer norm, too. (Which changes of a vector doesn't a norm notice?)
# hint: Run the layer once as it is. Then for each k on a *copy* of x, in which row k alone is another one; compare the two results row by row.
# hint: A norm takes away the mean: adding the same number to all features leaves no trace. A row of new random numbers does.
# hint: A row has changed if any of its features has: `(after - before).abs().amax(dim=-1) > 1e-6`, (T,), is the *column* k of the result: `torch.stack(columns, dim=1)`.


# %% exercise="who_sees_whom" minutes=12 difficulty=3
def who_sees_whom(layer: Callable, x: Tensor) -> Tensor:
    """Row t, column k: does the result at place t depend on what goes in at place k?

    layer: (T, d) -> (T, n), the same each time it is called; x (T, d)  ->  sees (T, T) bool
    """
    ### BEGIN SOLUTION
    before, columns = layer(x), []
    for k in range(len(x)):
        changed = x.clone()
        changed[k] = torch.randn(x.shape[1])
        columns.append((layer(changed) - before).abs().amax(dim=-1) > 1e-6)
    return torch.stack(columns, dim=1)
    ### END SOLUTION


# %% check="who_sees_whom" points=3
def probe(who_sees_whom, draw):
    T, d, n = draw.sizes(3, low=4, high=7)
    x, W, gain = draw.normal(T, d), draw.normal(d, n), draw.uniform(d, low=0.5, high=1.5)
    links = (draw.uniform(T, T) < 0.4).double().to(x.dtype)
    links[0], links[1, 2], links[2, 1] = 0, 1, 0  # the first sees nobody
    strong, faint = (
        draw.uniform(T, T, low=0.5, high=1.5),
        draw.uniform(T, T, low=1e-3, high=2e-3),
    )
    feature = draw.integers(1, d - 1)  # neither the first nor the last

    def normed(
        x,
    ):  # of large numbers, beside which eps is nothing: doubled they are the same
        return transformer.layer_norm(100 * x, gain, torch.zeros(d))

    def reads_one(x):
        return links @ torch.sin(x[:, [feature]]) @ W[:1]

    def shows_in(*features):  # the others are 0, whatever goes in
        only = torch.zeros(n).index_fill(0, torch.tensor(features), 1)
        return lambda x: torch.sin((links * strong) @ x @ W) * only

    layers = {
        "a mixture": lambda x: torch.sin((links * strong) @ torch.cos(x) @ W),
        "behind a norm": lambda x: (links * strong) @ normed(x) @ W,
        "a faint mixture": lambda x: (links * faint) @ torch.sin(x) @ W,
        "reads one feature": reads_one,
        "shows in the first feature": shows_in(0),
        "shows in the last feature": shows_in(n - 1),
        "each place alone": lambda x: normed(x) @ W,
        "with a norm at its end": lambda x: transformer.layer_norm(
            (links * strong) @ torch.sin(x), torch.ones(d), torch.zeros(d)
        ),
        "each with a path": lambda x: x + links.tril() @ torch.tanh(normed(x)),
    }
    return {name: who_sees_whom(layer, x) for name, layer in layers.items()}


check(
    "who_sees_whom",
    who_sees_whom,
    probe,
    no_gradients="a measurement: nothing trains through it",
)

# %% predict="who_sees"
predict("who_sees", "Six decoder layers with your mask, 7 places: how many of the 21 pairs (place, later place) see each other?", (0, 21, 1))  # fmt: skip

# %% demo="who_sees"
# Table: who sees whom, in stacks of six layers
with demonstration("who_sees"):
    # fmt: off
    leaks = seeing.show_who_sees(who_sees_whom, parts, padding_and_causal_masks)
    lesson.reveal("who_sees", leaks, "A layer lets nobody see what comes later, so what a place sees has seen nothing later either. Six layers leak no more than one.")

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


# %% name="noam_rate" show=true
def noam_rate(step: int, d_model: int, warmup: int) -> float:
    """d_model^−0.5 · min(step^−0.5, step · warmup^−1.5)  (Vaswani et al. 2017, eq. 3); step from 1."""
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


# %% demo="rates"
# Figure: the paper's schedule
with demonstration("rates"):
    # fmt: off
    from lessonkit.show import figures

    steps = range(50, 20_001, 50)
    figures.curves({f"d = {d}, warm-up {w}": (steps, [noam_rate(s, d, w) for s in steps]) for d, w in ((512, 4000), (512, 8000), (1024, 4000))}, "step", "rate")

# %% [markdown]
# `noam_rate` is the paper's, and you will meet it in other people's code. The short training below does not use it: there the rate climbs for 100
# steps, then falls in a straight line to zero, which suits a run whose end is known. Similar, then: up, and down. But a straight line is no $1/\sqrt{s}$.
#
# ## The model
#
# The frame is still lesson 01's `EncoderDecoder`. `lessonkit.models.transformer` holds the weights and calls the five functions above, which
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


# %% name="make_model" show=true
PASSES, RATE = (
    6,
    8e-3,
)  # passes over the training pairs; chosen on the validation sentences, for pre-norm with warm-up


def make_model(parts: transformer.Parts, **changes: object) -> seq2seq.EncoderDecoder:
    """Two layers of 64 features and 4 heads, pre-norm, no dropout; `changes` are settings of `make_transformer`."""
    sizes = len(data.source_vocabulary), len(data.target_vocabulary)
    return transformer.make_transformer(*sizes, parts=parts, **{"dropout": 0.0, **changes})


def smoothed_translation_loss(
    model: seq2seq.EncoderDecoder, batch: translation.Batch
) -> Tensor:
    """The loss of one batch: your masks, the frame, your loss with ε = 0.1."""
    written = seq2seq.shift_right(batch.tgt, BOS)
    src_mask, tgt_mask = padding_and_causal_masks(batch.src, written, PAD)
    logits = model(batch.src, written, src_mask, tgt_mask)
    return smoothed_loss(logits, batch.tgt, PAD, 0.1)


def training_batches(seed: int) -> Iterator[translation.Batch]:
    """Batches of 64 without end; every pass in another order."""
    while True:
        yield from translation.batches(
            data.train, data.source_vocabulary, data.target_vocabulary, 64, seed=seed
        )
        seed += 1000


def train_model(
    model: seq2seq.EncoderDecoder,
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


# %% [markdown]
# All places are trained at once; but translating still goes word by word. Each new word runs the decoder again, over all that is written so far
# (`translate` does that), because the next place reads the word that this one wrote.
#
# Besides exact match we now report **BLEU**, as papers do: it counts which runs of one to four words of a translation occur in the right one,
# and is 100 if all do and the translation is not too short (Papineni et al. 2002). A sentence with a single wrong word fails our exact match, yet keeps most of its BLEU.
#
# Bahdanau's model of lesson 03 was right on about nine of ten long sentences, with half as many weights again. Here there is no recurrence: nothing carries the
# sentence from left to right.

# %% predict="training"
predict("training", "Of 100 sentences of 19 to 30 words, how many will the Transformer translate without a mistake?", (0, 100, 1))  # fmt: skip

# %% demo="training" varies=true
# Training: the Transformer made of your functions, about 45 seconds
with demonstration("training"):
    # fmt: off
    torch.manual_seed(0)
    history = train_model(model := make_model(parts), seed=0)
    measured = machine.show_scores(model, lesson)
    lesson.reveal("training", round(100 * measured["long"]), f"Recorded, three seeds: {lesson.spread('transformer', 'long')}; lesson 03 {lesson.spread('additive', 'long')}: a tie.")

# %% [markdown]
# ## Where does it look?
#
# In lesson 03 there was one map per sentence. Here are two layers with four heads each, for the decoder's attention to the source alone.
# We ask of every one of them: how often does its strongest weight point at the word that gold names?

# %% predict="head_scores"
predict("head_scores", "How many of the eight heads beat the bare diagonal, which looks at nothing?", (0, 8, 1))  # fmt: skip

# %% demo="head_scores" varies=true
# Table: alignment error rate of every head, beside pointers that don't look
with demonstration("head_scores"):
    # fmt: off
    better = machine.show_error_rates(model)
    lesson.reveal("head_scores", better, f"Nothing in the training asks a head for an alignment. The worst head of each recorded seed has {machine.worst_head(lesson)}.")

# %% demo="blind_pointers"
# Table: the heads averaged against the best head, recorded runs
with demonstration("blind_pointers"):
    machine.show_recorded_heads(lesson)

# %% [markdown]
# A single head may be far off. The mean of four is mostly better than a head taken at random, and often, not always, better than the best one: look at
# both rows, and at the small table for the recorded runs, three with two layers each. And you can't know the best head without gold. The diagonal, which looks at
# nothing, has 0.35. All 24 recorded heads of this machine beat it; with post-norm, further down, no head of the first layer does. Which head does
# what changes with the seed. Here are the eight maps of one sentence; gold is outlined.

# %% demo="head_maps" varies=true
# Figure: eight maps of one sentence, gold outlined
with demonstration("head_maps"):
    machine.show_maps(model, machine.chosen()[0])

# %% [markdown]
# ### Explore it
#
# Pick a sentence, a head, and a French word: hover over it, or walk with the arrow keys. The switch shows what the scale of lesson 07 does to these very scores.

# %% demo="explorer" varies=true
# Map to touch: two layers, four heads
with demonstration("explorer"):
    machine.explorer(model, machine.chosen())

# %% [markdown]
# ## Predict, then break it
#
# Take one part away at a time. The runs are recorded (three seeds each), with this lesson's code; some
# pass another `residual` or `feed_forward`, others change a setting. You can run any of them yourself, in less than a
# minute: `run_ablation("no_places", seed=0)`.
#
# 1. **No places.** The encoder can't tell *the dog sees the cat* from *the cat sees the dog*. (But is the decoder blind, too?)
# 2. **No residual path:** `norm(sublayer(x))`, and nothing is added.
# 3. **No feed-forward network.** Attention and norms only; fewer weights, too.
# 4. **Post-norm** for pre-norm, with the same rate and warm-up.

# %% predict="ablation_table"
predict("ablation_table", "Which costs most on short sentences?", ["no places", "no residual path", "no feed-forward", "post-norm, warm-up"])  # fmt: skip


# %% name="ablations" show=true
from dataclasses import replace


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
) -> tuple[seq2seq.EncoderDecoder, train.History]:
    """Train one of ABLATIONS."""
    _, changed_parts, settings, warmup, passes = ABLATIONS[name]
    torch.manual_seed(seed)
    changed = make_model(replace(parts, **changed_parts), **settings)
    return changed, train_model(changed, seed, warmup, passes, quiet, seconds, lr)


# %% demo="ablation_table"
# Table: one part away at a time
with demonstration("ablation_table"):
    # fmt: off
    whole = {n: label for n, (label, *_, passes) in ABLATIONS.items() if passes == PASSES}
    lower = {"no_residual_own": f"no residual path, rate {lesson.recorded('no_residual_own', 'lr')[0]:g}"}
    machine.show_ablations(lesson, whole | lower)
    short = {label: sum(lesson.recorded(n, "short")) / 3 for n, label in whole.items()}
    lesson.reveal("ablation_table", min(short, key=short.get), f"{min(short.values()):.2f} of the short sentences are right without it, at either rate.")

# %% [markdown]
# **The residual path** is what this machine can't do without. Without it, in two layers already, hardly more is learned than which words are frequent: the loss
# is 4.4, where the frequencies alone have 4.8 (last row) and the whole machine 0.9, and not one short sentence is right. The rate, 8e-3, was chosen with the path in; but at 1e-3 the loss falls only a little further, to 4.2, and again no
# sentence is right. (No other rate was tried.) One reservation: taking the path away cuts more than a shortcut. The words that the decoder has written reach its attention to the source only as queries; they no longer get past that layer to the output.
#
# **Without places** the model still gets most short sentences, and no long one. The source has become a bag of words; but the decoder's mask
# tells it the order of what it *wrote* (lesson 09), and in a short sentence there are few ways to put the words.
#
# **The feed-forward network**, two thirds of the weights of the paper's encoder layers, is hardly missed here. Only the long sentences suffer a little, if at all (0.88 to 0.92 against 0.92 to 0.95). Don't
# conclude that it is useless: our grammar has 127 English words, 178 French ones, and few facts. It is a warning about conclusions from small experiments, ours
# included.
#
# **Pre or post**: pre-norm is a little better on the long sentences (0.92 to 0.95 against 0.91 to 0.92), at the rate that was chosen for pre-norm. For the rest
# they are a tie. Yet look at the two columns of AER: with pre-norm the first layer finds the
# alignment best, with post-norm only the second does, on all three seeds. Who reads an alignment off a Transformer must choose layer and
# head with care, and on other sentences than those that count.
#
# And deeper? Two kinds of norm, with and without warm-up, with six layers in the encoder and six in the decoder, for a single pass (157 steps): the loss of the last
# 20 steps. A model that has learned how often each word occurs, and no more, stands at the dotted line. The rate of 8e-3 was chosen for two layers of pre-norm *with* warm-up; so each of the four got its own, too, the one of five
# with the least loss on the validation sentences.

# %% predict="deep"
predict("deep", "Each at its own rate: which of the four learns least?", ["pre-norm, warm-up", "pre-norm, no warm-up", "post-norm, warm-up", "post-norm, no warm-up"])  # fmt: skip

# %% demo="deep"
# Figure: six layers, two norms, with and without warm-up
with demonstration("deep"):
    # fmt: off
    from lessonkit.models import deep

    kinds = {n: label for n, (label, *_, passes) in ABLATIONS.items() if passes == 1}
    losses = deep.show_deep(lesson, kinds)
    lesson.reveal("deep", max(losses, key=losses.get), ", ".join(f"{label} {loss:.2f}" for label, loss in losses.items()) + ".")

# %% [markdown]
# You will read that post-norm without warm-up *diverges*. Here that would be the wrong word: nothing explodes. At 8e-3 it stalls at the dotted line, knows how
# often each word occurs, and hears nothing from the source. Its own rate, the lowest of the five, takes it a little below the line (4.60 against 4.84), and so does warm-up (4.45): in this one pass post-norm hardly gets
# beyond frequencies at any rate, with warm-up or without.
#
# Pre-norm learns, with warm-up and without it. So the place of the norm counts far more here than the warm-up does. But pre-norm gains by a warm-up, too: the ranges in the last column are far apart. The table shows how.
# Up to 2e-3 it is better *without*, probably since a warm-up of 100 steps out of 157 holds the rate down for most of the run. From 4e-3 on it is better *with*. So warm-up lets it use the higher rate. How high, the grid doesn't tell: 8e-3 is its last.
# (Likewise post-norm without warm-up may have a better rate below 5e-4.)
#
# This isn't yet a test of Xiong et al., whose claim is about where a whole training ends. After one pass, pre-norm *can* do without warm-up, and isn't as good without.
#
# ## One table, four lessons
#
# The same sentences, the same words, one thread of the same machine: the model of lesson 01 (one vector), of 03 (additive
# attention), of 04 (Luong's *general* score, global), and this one. Each was trained as its own lesson trains it: 14 passes over the
# training pairs for the first, four for 03 and 04, six for this one.

# %% demo="four_lessons"
# Figure and tables: four lessons' translators on the same sentences
with demonstration("four_lessons"):
    # fmt: off
    machine.show_four(lesson, {"vector": "01 one vector", "additive": "03 additive attention", "luong": "04 Luong, general", "transformer": "10 Transformer"})

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
# So far all sentences came from a grammar. (`python -m lessonkit full 03`, in the course's folder, trains lesson 03's model on real ones.) The course's authors trained its translators, one above the other, on Multi30k (Elliott et al. 2016):
# 29,000 descriptions of photographs, German to English. The models are the lessons' own code, with wider layers, dropout, and words cut into
# 4,000 subwords that both languages share (Sennrich et al. 2016), so that no word is unknown. BLEU is sacrebleu's, with its signature,
# so that it can be compared at all (Post 2018). This is a recorded run, with a budget of minutes for each model: none of them has
# finished learning.

# %% demo="ladder"
# Table: a recorded run of all translators on real sentences
with demonstration("ladder"):
    machine.show_ladder()

# %% [markdown]
# The great step in this run is attention's: +17.5 over the best model without. The Transformer adds 3.1 to the additive
# model, with a third fewer weights, and its lead is there on long sentences, too (34.9 against 32.0). In the published column both steps are great, +7.7 and +8.2. How great each would be here
# with equal minutes, this table can't say. A beam adds 1.7 to the Transformer once more.
#
# Now the small print. One seed each, so a point up or down means nothing. The minutes differ: the Transformer got twice as many as the additive model, for half as many
# passes again; how near the two come with equal minutes we did not measure. Luong's model got the fewest of the three: no verdict on its score. The two models without attention got few, and their loss was still falling fast: that they stand below
# the published figures says little about them. And *published* is a rough mark, not a race: these figures are quoted for a well-known series of tutorials
# (B. Trevett's *pytorch-seq2seq*), whose words are cut otherwise and whose BLEU isn't sacrebleu's; the two of its notebooks that we could check print 28.11
# for attention and 36.09 for the Transformer.
#
# ## The paper says, we measured

# %% demo="paper_table"
# Table: what the papers say, and what was measured
with demonstration("paper_table"):
    # fmt: off
    recorded.paper_table(lesson, "the papers",
        ("better than recurrence with attention (Vaswani et al. 2017)", "BLEU 28.4 (big model) against 24.6 (GNMT, Google's system of 2016: LSTMs with attention) to 26.3 (an ensemble of it), English-German (table 2)", "exact match on long sentences {transformer.long}; lesson 03 {additive.long}, lesson 04 {luong.long}"),
        ("and cheaper to train", "base model: BLEU 27.3 with 3.3e18 operations; GNMT 24.6 with 2.3e19 (table 2)", "{seconds} s; lesson 03 {seconds_03} s, lesson 04 {seconds_04} s"),
        ("attention alone loses the words' differences (Dong et al. 2021)", "proved for depth, shown on trained models", "untrained, mean cosine of two words after 2 layers {alone}, with x added {added}; after 12 with x added {added_12}"),
        ("post-norm needs warm-up, pre-norm doesn't (Xiong et al. 2020)", "post-norm without it: far worse (figure 2)", "six layers, each at its own rate, validation loss after one pass: post-norm {deep_post_own.validation_loss}, without warm-up {deep_post_cold_own.validation_loss}; pre-norm {deep_pre_own.validation_loss}, without {deep_pre_cold_own.validation_loss}. Where a whole training ends wasn't tested"),
        ("heads learn different tasks (Vaswani et al. 2017, appendix)", "two heads of layer 5 drawn (figure 5)", "not tested; that heads differ, yes: the worst single head's AER is {worst}, that of the last layer's heads averaged {transformer.aer}; the diagonal 0.35"),
        worst=machine.worst_head(lesson), alone=f"{alike['attention alone'][0]:.2f}", added=f"{alike['x + attention'][0]:.2f}", added_12=f"{alike['x + attention'][1]:.2f}",
        **{name: lesson.spread(model, "training_seconds", digits=0) for name, model in (("seconds", "transformer"), ("seconds_03", "additive"), ("seconds_04", "luong"))})

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
# 5. Post-norm: `norm(x + f(x))`, the paper's. Pre-norm: `x + f(norm(x))`, with one norm at the end; of six layers, only pre-norm learned in one pass.
# 6. Masks hide padding as *keys*, and what comes later in the target; so all places are trained at once.
# 7. In translating the words still come one by one: each runs the decoder again.
# 8. Label smoothing asks for $1 - \epsilon$; warm-up keeps the first steps small, so that a higher rate can be used.
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
