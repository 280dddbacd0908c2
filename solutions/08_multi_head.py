# %% [markdown]
# # Lesson 08: several relations at once
#
# **How can one word look at two places, and still know which is which?** In "*she gave him the book*", the verb needs the giver, the
# receiver and the thing. One attention map can spread its weight over all three. But what comes back is their *average*, and an
# average of three words doesn't say who gave what to whom.
#
# Vaswani and colleagues (2017) let every word ask several questions at once. Each question has its own, smaller query, key and value;
# it is called a **head**. The answers are put side by side, not mixed. And it costs nothing: eight narrow heads have as
# many parameters as a single wide one.
#
# This lesson shows the failure of one head, builds many, proves your function equal to PyTorch's own, and then asks what heads are
# worth: which head does what, and which can you throw away? Six exercises, about 100 minutes. You need lesson 07.
#
# **Notation**
#
# | letter | here | in lesson 07 |
# |---|---|---|
# | $d$ | the width of a word's vector, before and after | the same |
# | $h$ | number of heads (in lessons 01 to 05 $h$ was a state) | 1 |
# | $d_k = d/h$ | the width of *one head's* queries, keys and values | $d_k$: of the only head there was |
# | $W^Q, W^K, W^V, W^O$ | matrices $(d, d)$, all heads side by side; applied from the right, $xW$, as the paper does | $W^q$ $(d_k, d)$, applied from the left; no $W^O$ |
# | $\xi_i$ | a gate on the output of head $i$: 1 is on, 0 is off | – |

# %% name="setup"
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessonkit import Lesson, train
from lessonkit.models import multi_head, neighbours, spare_heads
from lessonkit.models.attention import masked_softmax
from lessonkit.show import recorded

lesson = Lesson("08_multi_head")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
WIDTH, LENGTH, NEIGHBOURS, RELATIONS = 32, 12, neighbours.NEIGHBOURS, neighbours.RELATIONS

# %% [markdown]
# ## The experiment that fails: name both neighbours
#
# The smallest task with two relations: read twelve random letters, and at every place name the letter on its **left** and the
# letter on its **right**. Nothing has to be understood. A model only has to look at two places and keep them apart.
#
# The model is one layer of self-attention (lesson 07) between an embedding and a readout. There is no residual path and
# nothing else: what the readout knows, attention has brought. Every letter also gets a learned vector that tells its place
# (lesson 09 is about those).


# %% name="model" show=true
from collections.abc import Iterator


class OneLayer(nn.Module):
    """Embedding, one layer of attention, readout. `attention` is a function like `multi_head_attention`."""

    def __init__(self, attention: Callable, heads: int, relations: int):
        super().__init__()
        self.letter, self.place = nn.Embedding(20, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.projections = nn.ParameterList(
            nn.Parameter(torch.randn(WIDTH, WIDTH) / WIDTH**0.5) for _ in range(4)
        )
        self.readout = nn.Linear(WIDTH, relations * 20)
        self.heads, self.relations, self._attention = heads, relations, attention

    def forward(self, letters: Tensor, gates: Tensor | None = None) -> Tensor:
        """letters (B, T), gates (B, heads) or None -> logits (B, T, relations, 20). Keeps the weights."""
        x = self.letter(letters) + self.place.weight
        if gates is None:
            output, self.weights = self._attention(x, x, *self.projections, self.heads)
        else:  # the library's function has gates as well; we come to them below
            output, self.weights = multi_head.multi_head_attention(
                x, x, *self.projections, self.heads, gates=gates
            )
        return self.readout(output).unflatten(-1, (self.relations, 20))


def letter_loss(model: OneLayer, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy over all letters asked for."""
    letters, asked = batch
    return F.cross_entropy(model(letters).flatten(0, 2), asked.flatten(), ignore_index=-1)


def train_model(
    model: OneLayer,
    offsets: tuple[int, ...],
    seed: int,
    quiet: bool = False,
    steps: int = 500,
    warmup: int = 100,
) -> train.History:
    """Batches of 64 fresh words."""
    generator = torch.Generator().manual_seed(seed)

    def words() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield neighbours.draw_letters(64, offsets, generator)

    return train.fit(
        model, words(), letter_loss, steps=steps, lr=1e-2, warmup=warmup, decay=True, seconds=55,
        title=f"heads: {model.heads}", quiet=quiet,
    )  # fmt: skip


# %% name="one_head" show=true
def one_head(
    x, memory, W_q, W_k, W_v, W_o, heads=1, mask=None
):  # lesson 07, with a W_o after it
    weights = torch.softmax((x @ W_q) @ (memory @ W_k).mT / W_q.shape[1] ** 0.5, dim=-1)
    return weights @ (memory @ W_v) @ W_o, weights.unsqueeze(1)


# %% [markdown]
# One head, as wide as the model. To be fair to it, it trains three times as long as all others in this lesson.

# %% predict="one_head"
predict("one_head", "At how many of 100 places will it get both neighbours right?", (0, 100, 1))  # fmt: skip

# %% demo="one_head" varies=true
# Training: one head, about 5 seconds; its map, neighbours outlined
with demonstration("one_head"):
    # fmt: off
    torch.manual_seed(0)
    single = OneLayer(one_head, heads=1, relations=2)
    train_model(single, NEIGHBOURS, seed=0, steps=1500)
    neighbours.show_maps(single)
    lesson.reveal("one_head", round(100 * neighbours.show_neighbours(single)), "It sees both letters, and can't tell which is on which side: what comes back is one average.")

# %% [markdown]
# Look at the map, then at the scores. The map is what you would have drawn yourself: half of the weight on each neighbour. Yet the model gets one side
# right and the other wrong, and mostly gives the *same letter for both*. **Looking at the right place is not enough.** What comes back is one
# vector, about $\tfrac12 v_{left} + \tfrac12 v_{right}$. It tells *which two letters* stand beside, and hardly *which is on which side*: whatever makes a
# letter the loudest answer to one question makes it the loudest answer to the other, too.
#
# It isn't a matter of size. The head has all 32 features to itself. What it lacks is a second weight vector.
#
# ## The idea, with shapes
#
# Let every word ask $h$ questions. Head $i$ has its own three matrices, each of shape $(d, d_k)$ with $d_k = d/h$:
#
# $$\text{head}_i = \text{Attention}(Q W_i^Q,\; K W_i^K,\; V W_i^V), \qquad \text{MultiHead}(Q, K, V) = \text{Concat}(\text{head}_1, \dots, \text{head}_h)\, W^O$$
#
# (Vaswani et al. 2017, section 3.2.2.) Attention is that of lesson 07: $\text{softmax}(q k^\top / \sqrt{d_k})\, v$, with the width of the
# *head* under the root. The heads' outputs stand side by side, $h \cdot d_k = d$ features, and $W^O$, $(d, d)$, mixes them.
#
# As a loop:
#
# ```python
# for i in range(h):
#     heads[i] = attention(x @ W_q[i], memory @ W_k[i], memory @ W_v[i])
# output = concatenate(heads) @ W_o
# ```
#
# Some texts first multiply by one matrix $W$ and then by another for each head. That is no different model: the product
# $W W_i$ of two matrices is again one matrix.
#
# Nobody runs that loop. All $W_i^Q$ stand side by side in one $(d, d)$ matrix, so one product makes the queries of all heads. Then
# the features are *cut* into heads:
#
# (B, T, d) → cut the last axis → (B, T, h, d_k) → **swap T and h** → (B, h, T, d_k)
#
# Now head and batch are both leading axes, and the matrix products of lesson 07 do all heads at once.

# %% demo="mechanism"
# Drawing: split, attend, merge, with shapes
with demonstration("mechanism"):
    # fmt: off
    from lessonkit.show import drawing

    boxes = {"x": (0.65, 1.5, "words x", "(B, T, d)", "input"), "m": (3.6, 0.4, "mask", "(B, 1, T, S)"), "s": (3.6, 1.5, "h maps: softmax", "(B, h, T, S)", "attention"), "o": (5.3, 1.5, "merge", "(B, T, d)"), "y": (7.2, 1.5, "output", "(B, T, d)", "output")}
    boxes |= {n: (2.0, y, f"split {n}", "(B, h, T, d_k)", "learned") for n, y in (("Q", 2.6), ("K", 1.5), ("V", 0.4))}
    arrows = [("x", "Q"), ("x", "K"), ("x", "V"), ("Q", "s"), ("K", "s"), ("m", "s"), ("s", "o"), ("o", "y", "W_O")]
    drawing.draw("Words x, B by T by d, give queries, keys and values, each split into h heads of width d_k, with the head before the word. Every head makes its own map of T by S weights, with the same mask, and averages its own values; the heads are merged to d features, and W_O mixes them.", boxes, arrows)

# %% [markdown]
# ### The classic bug
#
# The shape (B, h, T, d_k) can also be had in one step: `x.view(B, h, T, d_k)`. It runs. The shapes fit. It is wrong: `view` only
# counts numbers off in the order they lie in memory, word after word. In this picture each cell is a number of one sentence (rows are
# words, columns features), and its colour says which head gets it.

# %% demo="view_bug"
# Figure: which head gets which number, with the swap and without
with demonstration("view_bug"):
    # fmt: off
    numbers = torch.arange(4 * 6).view(1, 4, 6)  # 4 words, 6 features; 2 heads of 3
    neighbours.show_cut(multi_head.split_heads(numbers, 2)[0], numbers.view(1, 2, 4, 3)[0])

# %% [markdown]
# Left, each head sees a slice of every word. Right, head 1 gets only the first half of the *sentence*, and takes each word for two. A
# model with this bug trains without complaint, only worse. Below we measure how much worse.

# %% [markdown] task="split_heads"
# Cut the features into `heads` equal parts and bring the heads forward. As a loop:
#
# ```python
# for i in range(heads):
#     result[:, i] = x[:, :, i * d_k : (i + 1) * d_k]
# ```
# hint: Two steps: first only the last axis changes, (B, T, d) to (B, T, h, d_k). Then two axes change places.
# hint: `x.view(B, T, heads, d // heads)`, and then `.transpose(1, 2)`.


# %% exercise="split_heads" minutes=8 difficulty=2
def split_heads(x: Tensor, heads: int) -> Tensor:
    """Cut the features into heads, and bring the heads forward (Vaswani et al. 2017, sec. 3.2.2).

    x (B, T, d), d divisible by `heads`  ->  (B, heads, T, d / heads)
    """
    ### BEGIN SOLUTION
    B, T, d = x.shape
    return x.view(B, T, heads, d // heads).transpose(1, 2)
    ### END SOLUTION


# %% check="split_heads" points=1
def probe(split_heads, draw):
    B, T, h, d_k = draw.sizes(4)
    s = draw.size(3, 4)
    return {
        "some heads": split_heads(draw.normal(B, T, h * d_k), h),
        "two heads": split_heads(draw.normal(T, B, 2 * h), 2),
        "one head": split_heads(draw.normal(B, h, d_k), 1),
        "square": split_heads(draw.normal(s, s, s * s), s),
    }


check("split_heads", split_heads, probe)


# %% [markdown]
# The way back undoes both steps, the last one first. After `transpose` the numbers no longer lie in order, so `view` would refuse; `flatten` copies them.


# %% name="merge" show=true
def merge_heads(x: Tensor) -> Tensor:
    """(B, heads, T, d_k) -> (B, T, heads · d_k): the heads of each word side by side, head 1 first."""
    return x.transpose(1, 2).flatten(2)


# %% [markdown]
# ## The layer
#
# From here on you may use the finished piece `multi_head.split_heads`, so that a mistake above can't follow you, and `merge_heads`. Two things to keep an eye on:
#
# - **The scale** is $\sqrt{d_k}$, the width of a head. A score is a sum of $d_k$ products, not of $d$ (lesson 07).
# - **The mask** is the same for all heads. It has no axis for them yet: (B, T, S) must become (B, 1, T, S), or it meets the wrong axes. If
#   the batch happens to be as large as the number of heads, nothing crashes, and sentence 2's mask falls upon head 2.

# %% [markdown] task="multi_head_attention"
# The words of `x` ask the words of `memory` (the same, in self-attention). All four matrices are used as `x @ W`. `mask` is None, or
# True where attention may look: (B, 1, S) for padding, (1, T, S) for a causal mask, (B, T, S) for both. Return the
# output and the weights.
# hint: Queries come from `x`, keys and values from `memory`; split each after its projection. `keys.mT` swaps the last two axes.
# hint: `mask.unsqueeze(-3)` gives the mask an axis for the heads, before its last two. `masked_softmax(scores, mask)` is imported; without a mask it is `torch.softmax(scores, dim=-1)`.


# %% exercise="multi_head_attention" minutes=20 difficulty=3
def multi_head_attention(
    x: Tensor,
    memory: Tensor,
    W_q: Tensor,
    W_k: Tensor,
    W_v: Tensor,
    W_o: Tensor,
    heads: int,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Every head attends on its own; the outputs are joined and mixed (Vaswani et al. 2017, sec. 3.2.2).

    x (B, T, d), memory (B, S, d), W_q, W_k, W_v, W_o (d, d), mask bool (B, 1, S), (1, T, S) or (B, T, S), True = may attend
    -> output (B, T, d), weights (B, heads, T, S)
    """
    ### BEGIN SOLUTION
    queries = multi_head.split_heads(x @ W_q, heads)
    keys = multi_head.split_heads(memory @ W_k, heads)
    values = multi_head.split_heads(memory @ W_v, heads)
    scores = queries @ keys.mT / queries.shape[-1] ** 0.5
    if mask is None:
        weights = torch.softmax(scores, dim=-1)
    else:
        weights = masked_softmax(scores, mask.unsqueeze(-3))
    return multi_head.merge_heads(weights @ values) @ W_o, weights
    ### END SOLUTION


# %% check="multi_head_attention" points=4
def probe(multi_head_attention, draw):
    def matrices(d):
        return [draw.normal(d, d, scale=d**-0.5) for _ in range(4)]

    def some_places(*shape):  # random, but every query may look somewhere
        somewhere = torch.arange(shape[-2])[:, None] % shape[-1] == torch.arange(shape[-1])
        return draw.watch((draw.uniform(*shape) < 0.6) | somewhere)

    B, T, S = draw.sizes(3, 2, 6)
    h, d_k = draw.choice((2, 4)), draw.choice((3, 5))
    d = h * d_k
    x, memory = draw.normal(B, T, d), draw.normal(B, S, d)
    padding = draw.watch(draw.mask(B, S).unsqueeze(1))
    output, weights = multi_head_attention(x, memory, *matrices(d), h, padding)
    found = {"output": output, "weights": weights}
    for name, mask in (
        ("without a mask", None),
        ("one mask for all sentences", some_places(1, T, S)),
    ):
        output, weights = multi_head_attention(x, memory, *matrices(d), h, mask)
        found |= {f"output, {name}": output, f"weights, {name}": weights}
    # as many sentences as heads, and as many queries as keys: a mask on the wrong axis fits
    same = draw.normal(h, T, d)
    for name, mask in (
        ("square", some_places(h, T, T)),
        ("causal", draw.watch(torch.ones(1, T, T).tril().bool())),
    ):
        output, weights = multi_head_attention(same, same, *matrices(d), h, mask)
        found |= {f"output, {name}": output, f"weights, {name}": weights}
    return found


check("multi_head_attention", multi_head_attention, probe)


# %% [markdown]
# Two heads of half the width, exactly as many parameters.

# %% predict="two_heads"
predict("two_heads", "At how many of 100 places will they get both neighbours right?", (0, 100, 1))  # fmt: skip

# %% demo="two_heads" varies=true
# Training: two heads, about 3 seconds; their maps
with demonstration("two_heads"):
    # fmt: off
    torch.manual_seed(0)
    double = OneLayer(multi_head_attention, heads=2, relations=2)
    train_model(double, NEIGHBOURS, seed=0)
    neighbours.show_maps(double)
    lesson.reveal("two_heads", round(100 * neighbours.show_neighbours(double)), "Each head brings one letter back, and they stay apart.")

# %% [markdown]
# Each head took one side. Nobody told them to; the division of labour is what the loss rewards.
#
# ## Is it the real thing?
#
# PyTorch has `nn.MultiheadAttention`. With the same weights it must give the same numbers, forward and backward, or one of us is
# wrong. To compare, you need its weights in our form, and here the two differ:
#
# - It keeps $W^Q$, $W^K$ and $W^V$ in *one* tensor, `in_proj_weight`, (3d, d): the rows of the queries, then of the keys, then of the values.
# - Like every `nn.Linear` it multiplies by the *transpose*: x W^T. So its matrices are (out, in), ours (in, out).
# - Its boolean `attn_mask` means the opposite of ours: True is where it may **not** look.


# %% name="projections" show=true
def torch_projections(
    module: nn.MultiheadAttention,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four matrices of PyTorch's layer in the paper's convention, x @ W: W_q, W_k, W_v, W_o, each (d, d)."""
    W_q, W_k, W_v = module.in_proj_weight.chunk(3)
    return W_q.T, W_k.T, W_v.T, module.out_proj.weight.T


# %% demo="equality"
# Table: your function beside PyTorch's layer
with demonstration("equality"):
    neighbours.show_equality(multi_head_attention, torch_projections)

# %% [markdown]
# ## What does it cost?
#
# The paper says that $h$ heads of width $d/h$ cost about as much as one head of width $d$. Count it yourself, for any number of
# heads and any width. One multiplication and one addition are two operations (FLOPs); a product of an (a × b) with a (b × c) matrix
# takes $2abc$. Softmax, scale and mask are left out: they are small beside it.

# %% [markdown] task="count_parameters_and_flops"
# For one sentence of T words that asks itself: the number of parameters of the four matrices, and the FLOPs of all matrix products.
# hint: W_q, W_k, W_v have d rows and heads · d_k columns; W_o has it the other way around. Each is multiplied with T words.
# hint: For each head: scores are (T × d_k) times (d_k × T), and the average is (T × T) times (T × d_k).


# %% exercise="count_parameters_and_flops" minutes=10 difficulty=2
def count_parameters_and_flops(d: int, heads: int, d_k: int, T: int) -> tuple[int, int]:
    """What multi-head self-attention costs, without biases (Vaswani et al. 2017, sec. 3.2.2 and table 1).

    width of the model d, number of heads, width of a head d_k, words T  ->  parameters, FLOPs (2 for multiply and add)
    """
    ### BEGIN SOLUTION
    parameters = 4 * d * heads * d_k
    projections = 2 * T * parameters
    scores = average = 2 * heads * T * T * d_k
    return parameters, projections + scores + average
    ### END SOLUTION


# %% check="count_parameters_and_flops" points=2
def probe(count_parameters_and_flops, draw):
    found = {}
    for i in range(3):
        d, heads, d_k, T = (draw.integers(a, a + 9) for a in (40, 2, 12, 23))
        parameters, flops = count_parameters_and_flops(d, heads, d_k, T)
        found[f"parameters {i}"], found[f"FLOPs {i}"] = parameters, flops
    return found


check("count_parameters_and_flops", count_parameters_and_flops, probe)


# %% demo="cost"
# Table: parameters and operations by number of heads
with demonstration("cost"):
    neighbours.show_costs(multi_head_attention, count_parameters_and_flops)

# %% [markdown]
# The same in every row: heads are free, in operations. (Not quite in seconds and memory: there are $h$ maps of T × T to keep.) So why not
# take as many as there are features? Because each gets narrower. A query of one number can hardly name a place.
#
# The next table varies both: the number of heads, and the number of relations asked for (1: the left neighbour; 2: both; 4: the two letters on
# either side). Width and parameters of the attention layer are the same everywhere.

# %% predict="heads_table"
predict("heads_table", "Four relations: which number of heads does best?", ["1", "2", "4 or 8", "32"])  # fmt: skip

# %% demo="heads_table"
# Table: relations by heads
with demonstration("heads_table"):
    # fmt: off
    neighbours.show_heads_table(lesson)
    lesson.reveal("heads_table", "4 or 8", "Fewer heads than relations mix letters up; 32 heads have one feature each, and can hardly name a place.")

# %% [markdown]
# Read it row by row: one relation needs one head, two need two, four need four. (The single head isn't hopeless. Trained three times as long,
# it gets further on some seeds, as the last table of this lesson shows: with slightly uneven weights it can tell two letters apart by their loudness. It
# is a hard way to learn what two heads learn at once.) More do no harm, until they get too narrow: at the right end
# heads of a single feature fail where wider ones are perfect. Vaswani and colleagues saw the same hump: one head lost 0.9 BLEU against the best,
# and too many heads lost, too (their table 3, rows A).
#
# ## Which head does what?
#
# Train eight heads on four relations. We know where each relation should look, so we can score every head on every relation instead
# of admiring maps.

# %% [markdown] task="head_roles"
# For each head and each relation: the weight that the head puts on the places that the relation marks, on average over sentences, and over
# those queries that have a marked place (the first letter has no left neighbour). If a query has several, their weights add up.
#
# ```python
# for every head and relation:
#     on_gold = weights[:, head][:, relation].sum() / (sentences · queries with a marked place)
# ```
# hint: `weights.mean(0)` is the mean map of each head, (h, T, T). Multiply each by each relation (as numbers) and sum over queries and keys: an (h, R) table.
# hint: `torch.einsum("hij,rij->hr", ...)` does that (each letter names an axis; those that don't stand behind the arrow are summed over). `relations.any(-1).sum(-1)` counts, for each relation, the queries that have a marked place.


# %% exercise="head_roles" minutes=12 difficulty=3
def head_roles(weights: Tensor, relations: Tensor) -> Tensor:
    """The mean weight that each head puts on what each relation marks.

    weights (B, h, T, T): [sentence, head, query, key]; relations (R, T, T) bool: [relation, query, key]  ->  (h, R)
    """
    ### BEGIN SOLUTION
    on_gold = torch.einsum("hij,rij->hr", weights.mean(0), relations.to(weights.dtype))
    return on_gold / relations.any(-1).sum(-1)
    ### END SOLUTION


# %% check="head_roles" points=3
def probe(head_roles, draw):
    B, h = draw.sizes(2)
    T = draw.size(6, 8)
    places = torch.arange(T)
    to = [
        places == places.unsqueeze(1) + offset
        for offset in (-1, draw.size(1, 2), -draw.size(2, 3))
    ]
    first = (places == 0).expand(T, T)  # every query should look at the first place
    relations = torch.stack(
        [*to, first, to[0] | to[1]]
    )  # in the last, some have two places
    s = draw.size(3, 4)
    few = torch.arange(s)
    square = [few == few.unsqueeze(1) + (offset - 1) for offset in range(s)]
    return {
        "roles": head_roles(draw.weights(B, h, T, T), draw.watch(relations)),
        "square": head_roles(draw.weights(s, s, s, s), draw.watch(torch.stack(square))),
    }


check(
    "head_roles",
    head_roles,
    probe,
    no_gradients="a measurement: nothing trains through it",
)


# %% demo="eight_heads" varies=true
# Training: eight heads on four relations, about 5 seconds
with demonstration("eight_heads"):
    # fmt: off
    torch.manual_seed(0)
    eight, four = OneLayer(multi_head_attention, heads=8, relations=4), RELATIONS[4]
    train_model(eight, four, seed=0)
    neighbours.show_shares({"all four right": neighbours.all_right(eight, four), "a guess": 1 / 20**4}, "Eight heads, four relations")

# %% [markdown]
# Two tables of the same model. Left: where a head **looks**. Right: what breaks when it is switched **off** (its output is multiplied by 0).

# %% predict="roles_map"
predict("roles_map", "For how many of the four relations is the head that looks there most also the one that is missed most?", ["4", "3", "2", "1", "0"])  # fmt: skip

# %% demo="roles_map" varies=true
# Figure: where each head looks, and what is lost without it
with demonstration("roles_map"):
    # fmt: off
    looks, breaks = head_roles(neighbours.test_weights(eight, four), neighbours.relation_maps(four)), neighbours.damage(eight, four)
    lesson.reveal("roles_map", f"{4 * neighbours.show_roles(looks, breaks, four):.0f}", f"In the recorded runs: {', '.join(f'{4 * s:.0f}' for s in lesson.recorded('looks_most_is_missed_most'))} of 4. The leaders agree more often than the rest of the tables.")

# %% [markdown]
# The tables agree in the large, and not in the small. Where one head has a relation for itself, taking it away costs most of that relation's answers; where two share one, either costs
# *less* (in the three recorded runs 0.02 to 0.46 of the answers, against 0.74 to 0.92 for a sole owner). And a head may look at a relation with a fair part of its weight and be missed by nobody. A map
# tells where a head looks; only taking it away tells what it is *for*.
#
# ### Explore it
#
# Pick a word, a letter of it and a head: who is asked? The four letters that somebody has to look at are marked as gold. Try to
# divide the work: which heads look to the left, and which to the right? And which seem to do nothing of use?


# %% demo="explorer" varies=true
# Map to touch: eight heads, gold marked
with demonstration("explorer"):
    neighbours.explorer(eight, four)

# %% [markdown]
# Now switch a head off. The maps stay as they are; look at the counts above them.

# %% demo="switch_off" varies=true
# Explorer: switch a head off, and see what is still right
with demonstration("switch_off"):
    neighbours.switch_off(eight, four)

# %% [markdown]
# ## How many can go?
#
# Trying every head takes one run of the test set for each. Michel, Levy and Neubig (2019) use a shortcut. Put a gate $\xi_i$ on the output of
# every head $i$, and ask how the loss would change if the gate moved a little from 1:
#
# $$I_i = \mathbb{E}_x \left| \frac{\partial \mathcal{L}(x)}{\partial \xi_i} \right| \qquad \text{(Michel et al. 2019, section 4.1)}$$
#
# One backward pass gives it for all heads. The absolute value stands *inside* the mean: a head that helps one sentence and harms the next is
# busy, not idle, and without it the two would cancel.

# %% [markdown] task="head_importance"
# `losses(gates)` takes gates of shape (examples, heads) and returns the loss of each example, (examples,). Every example has its own row of gates,
# so one call of autograd gives every example's gradient.
# hint: Start from `torch.ones(examples, heads, requires_grad=True)`. Example b's loss depends on row b only, so the gradient of the *sum* of the losses has in row b the gradient of loss b.
# hint: `torch.autograd.grad(losses(gates).sum(), gates)` returns a tuple with one tensor, (examples, heads). First the absolute value, then the mean over the examples.


# %% exercise="head_importance" minutes=12 difficulty=3
def head_importance(
    losses: Callable[[Tensor], Tensor], examples: int, heads: int
) -> Tensor:
    """The mean over examples of |∂L/∂ξ_h|, at ξ = 1 (Michel et al. 2019, sec. 4.1).

    losses: gates (examples, heads) -> (examples,)  ->  importance (heads,)
    """
    ### BEGIN SOLUTION
    gates = torch.ones(examples, heads, requires_grad=True)
    (gradient,) = torch.autograd.grad(losses(gates).sum(), gates)
    return gradient.abs().mean(0)
    ### END SOLUTION


# %% check="head_importance" points=3
def probe(head_importance, draw):
    def importance(B, h, T):
        outputs, out, target = draw.normal(B, T, h), draw.normal(h, h), draw.normal(B, T)
        signs = torch.tensor(
            [[(-1.0) ** (head + (b > 0)) for head in range(h)] for b in range(B)]
        )
        slopes = 5 * signs + draw.normal(
            B, h
        )  # each head helps some examples and harms others

        def losses(gates):
            mixed = torch.tanh((outputs * gates.unsqueeze(1)) @ out).sum(-1)
            return ((mixed - target) ** 2).mean(1) + (slopes * gates).sum(1)

        return head_importance(losses, B, h)

    B, h, T = draw.sizes(3, 3)
    return {"importance": importance(B, h, T), "square": importance(h, h, B)}


check("head_importance", head_importance, probe)


# %% demo="importance" varies=true
# Table: your importance beside what is really lost
with demonstration("importance"):
    # fmt: off
    spare_heads.show_importance(spare_heads.importance_of(eight, four, head_importance), neighbours.damage(eight, four).mean(1))

# %% [markdown]
# Now switch heads off, one after another, without any further training: the least important first, the most important first, or in random order.

# %% predict="pruning_curve"
predict("pruning_curve", "How many of the eight can go, at most, before a hundredth of the answers is lost?", (0, 8, 1))  # fmt: skip

# %% demo="pruning_curve"
# Figure: heads switched off in three orders; table: four heads, come by in two ways
with demonstration("pruning_curve"):
    # fmt: off
    spare = spare_heads.show_pruning(lesson)
    lesson.reveal("pruning_curve", max(spare), f"{', '.join(map(str, spare))} in the three recorded runs. Four heads are enough if the model is trained with four; trained with eight, it uses more.")

# %% [markdown]
# The order matters, so the importance is worth something. (Its rank correlation with the answers really lost, in the table below, is 0.86 for all three seeds. That is no slip: with eight heads the
# number can take few values, and here it took the same one three times.) But how few can go for free! You saw above that four heads are enough for this task, if
# the model is *trained* with four. Trained with eight, it spreads the
# work over more than four. Each of one to three heads could go by itself almost for nothing; but one after another, only one can go before a hundredth is lost, and without the four least important ones the score falls.
# **Enough is not the same as spare.** Michel and colleagues could remove 20 % of *all* the heads of a big translation model, and 40 % of BERT's, before it
# showed. Yet taken one layer at a time, most of their layers could do with a *single* head at test time, which is what their title asks; the attention from decoder to encoder could
# not. Ours has one layer, and four relations in it.
#
# ### Choose what to switch off
#
# The importance is measured once, with all heads on. But two heads may share a relation: either alone can go, and then the other can't. So choose
# anew after each step: try every head that is still on, and switch off the one without which the loss is least. (Michel et al. 2019 prune by one ranking;
# choosing one after another is called greedy.) It takes 8 + 7 + 6 + 5 runs for four heads, in place of one backward pass. Is it worth that?

# %% [markdown] task="switch_off_heads"
# Choose `off` heads, one after another. `loss(gates)` is a number; `gates`, (heads,), has a 1 for each head that is on and a 0 for each that is off.
# hint: Two loops: one over the steps, and in it one over the heads that are still on. What must be kept from one step to the next?
# hint: For each head that is still on, make a copy of the gates, put a 0 there, and ask for the loss. Heads that are off already stay off in the copy.
# hint: `best = min(heads_on, key=loss_without)` finds the head whose absence costs least. Then set `gates[best] = 0` and append it.


# %% exercise="switch_off_heads" minutes=12 difficulty=3
def switch_off_heads(loss: Callable[[Tensor], float], heads: int, off: int) -> list[int]:
    """Heads to switch off, one after another: each time the one without which the loss is least, given those that are off.

    loss: gates (heads,), 1 is on and 0 is off -> a number  ->  the numbers of `off` heads, from 0, in the order in which they go
    """
    ### BEGIN SOLUTION
    gates, gone = torch.ones(heads), []
    for _ in range(off):
        losses = {}
        for head in set(range(heads)) - set(gone):
            without = gates.clone()
            without[head] = 0
            losses[head] = loss(without)
        gone.append(min(losses, key=losses.get))
        gates[gone[-1]] = 0
    return gone
    ### END SOLUTION


# %% check="switch_off_heads" points=3
def probe(switch_off_heads, draw):
    def chosen(heads, off, together=None):
        alone, pairs = (
            draw.uniform(heads, low=1.0, high=2.0),
            draw.normal(heads, heads, scale=3),
        )
        if together is not None:  # two that are off cost more, or less, than each did
            pairs = together * pairs.abs()

        def loss(gates):  # what is lost with each head, and more or less if two are off
            gates = torch.as_tensor(gates).to(alone)
            if not ((gates == 0) | (gates == 1)).all():
                raise ValueError("a gate is 1 for a head that is on, 0 for one that is off")
            return ((1 - gates) @ alone + (1 - gates) @ pairs.triu(1) @ (1 - gates)).item()

        return switch_off_heads(loss, heads, off)

    n, few = draw.size(6, 8), draw.size(4, 5)
    return {
        "some": chosen(n, draw.size(3, 5)),
        "one": chosen(draw.size(4, 7), 1),
        "all": chosen(few, few),
        "many": chosen(draw.size(14, 16), draw.size(6, 7)),
        "two cost more": chosen(draw.size(5, 7), draw.size(3, 4), together=1),
        "two cost less": chosen(draw.size(5, 7), draw.size(3, 4), together=-1),
    }


check(
    "switch_off_heads",
    switch_off_heads,
    probe,
    no_gradients="a choice of numbers: nothing trains through it",
)

# %% predict="choosing"
predict("choosing", "Four of eight heads off. Which choice leaves most answers right?", ["the four least important", "yours, one after another", "about the same (within 0.02)"])  # fmt: skip

# %% demo="choosing" varies=true
# Table: four heads off, chosen in several ways
with demonstration("choosing"):
    lesson.reveal("choosing", *spare_heads.show_choices(eight, four, switch_off_heads, lesson))  # fmt: skip

# %% [markdown]
# In the recorded runs trying pays. On two seeds of three the choice made one after another keeps 0.80 and 0.85 of the answers, where the four least
# important heads leave 0.71 and 0.72; on the third both choose the same four. And nothing was missed by choosing greedily: of all 70 ways to switch off four
# heads, none does better on any of the seeds. One backward pass is a good guess, and cheap; 26 runs of a model this small cost next to nothing, too.
#
# ## Predict, then break it
#
# The first three are mistakes that don't crash; the fourth is a choice in training. Two heads, both neighbours.
#
# 1. **The classic bug:** `view` without `transpose` on the way in, and back.
# 2. **Softmax over the queries:** the weights of a *column* sum to 1.
# 3. **The wrong scale:** $\sqrt{d}$ in place of $\sqrt{d_k}$.
# 4. **No warm-up:** the learning rate has its full height from the first step on.

# %% predict="breaks_table"
predict("breaks_table", "Which costs most, on average?", ["the classic bug", "softmax over the queries", "the wrong scale", "no warm-up"])  # fmt: skip


# %% name="breaks" show=true
def view_only(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    shape = (len(x), heads, -1, WIDTH // heads)
    q, k, v = (x @ W_q).view(shape), (memory @ W_k).view(shape), (memory @ W_v).view(shape)
    weights = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1)
    return (weights @ v).reshape(x.shape) @ W_o, weights


def over_queries(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    q, k, v = (multi_head.split_heads(x @ W, heads) for W in (W_q, W_k, W_v))
    weights = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-2)
    return multi_head.merge_heads(weights @ v) @ W_o, weights


def wrong_scale(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    narrower = (WIDTH // heads / WIDTH) ** 0.5  # √d_k / √d
    return multi_head.multi_head_attention(
        x, memory, W_q * narrower, W_k, W_v, W_o, heads, mask
    )


# %% demo="breaks_table"
# Table: three mistakes that don't crash, and a choice
with demonstration("breaks_table"):
    # fmt: off
    names = {"right": "as it should be", "view_only": "the classic bug", "over_queries": "softmax over the queries", "wrong_scale": "the wrong scale", "no_warmup": "no warm-up"}
    neighbours.show_breaks(lesson, names)
    means = {name: sum(lesson.recorded("breaks", name, "right")) / 3 for name in names}
    lesson.reveal("breaks_table", names[min(means, key=means.get)], ", ".join(f"{names[name]} {mean:.2f}" for name, mean in means.items()) + ".")

# %% [markdown]
# - The classic bug cuts the *sentence* in two: letters 1 to 6 only ever see each other, and so do 7 to 12. Of the ten places that have two
#   neighbours, eight have both in their own half. That is the score.
# - Softmax over the queries costs next to nothing *here*. Each letter is the left neighbour of exactly one other, so in a perfect map the columns sum
#   to 1 just as the rows do. Which relation would it spoil? One where everybody asks the same place, *the first letter*, say: the twelve rows would have to put a weight of 1 each into one column,
#   which sums to 1. Each gets a twelfth. (And that is no invention: *who is the subject of this sentence?* is such a relation.)
# - The wrong scale is made up for by training, probably since $W^Q$ can grow.
# - Without warm-up two of three seeds go well, and one gets stuck. Look at the spread, not only at the mean: one seed would have hidden it.
#
# A mistake that training repairs is the most dangerous kind. Your loss looks fine, until you load weights that somebody else trained
# with the right formula. That is why the check compares numbers, and doesn't ask whether the model learns.
#
# ## The paper says, we measured

# %% demo="paper_table"
# Table: what the papers say, and what was measured
with demonstration("paper_table"):
    # fmt: off
    recorded.paper_table(lesson, "the papers",
        ("with a single head, averaging inhibits attending to different subspaces at different places (Vaswani et al. 2017, sec. 3.2.2)", "argued, not measured; one head can look at two places, as you saw, but gets one average back", "both neighbours: one head {heads.2 relations, 1 heads}, three times as long {breaks.one_head_longer.right}, two of half the width {heads.2 relations, 2 heads}"),
        ("the cost is similar to one head of full width (sec. 3.2.2)", "argued", "parameters and FLOPs equal"),
        ("one head is worse, and so are too many (table 3, A)", "BLEU (development set) 24.9 for 1, 25.8 for 8, 25.4 for 32", "four relations: {heads.4 relations, 1 heads} for 1, {heads.4 relations, 8 heads} for 8, {heads.4 relations, 32 heads} for 32"),
        ("many heads can be removed after training (Michel et al. 2019, sec. 4.2)", "20 % (translation) to 40 % (BERT) of all heads without a noticeable loss; most single layers down to one head (sec. 3.3)", "{spare} of 8 with less than .01 lost"),
        ("one backward pass finds the spare ones (sec. 4.1, 4.2)", "faster and better than switching off one by one", "rank correlation (1: the same order, 0: none) with the answers really lost: {importance_correlation}; four heads off: {choosing.the least important} right, {choosing.one after another} if chosen anew after each; one layer, so their division by each layer's norm changes nothing"),
        spare=", ".join(map(str, spare_heads.spare(lesson))))

# %% [markdown]
# Our relations are offsets, and the letters are noise: there is nothing to guess from. In real text relations overlap, and many heads
# turn out to be spare. Voita et al. (2019) removed 38 of 48 encoder heads for 0.15 BLEU. They could go so far because they didn't just switch off: the model was trained on, with gates that it *learned* to close, so
# that the other heads took over. Those that stayed had roles one could name, and
# looking at the neighbour was one of them. Lesson 10 puts these heads into a Transformer that translates. No full-size run belongs to this lesson: heads can be counted
# on a task whose relations are known. `python -m lessonkit full 03` trains attention on real sentences.
#
# ## Summary
#
# 1. One head returns one average; what it looks at may be right, and yet most of the answer is lost in the mixing.
# 2. Multi-head attention asks several questions at once and puts the answers side by side.
# 3. Each head has queries, keys and values of width $d_k = d/h$; parameters and operations don't depend on $h$.
# 4. (B, T, d) → (B, T, h, d_k) → swap → (B, h, T, d_k); `view` without the swap runs, and is wrong.
# 5. The scale is $\sqrt{d_k}$; the mask gets an axis for the heads.
# 6. Your function equals `nn.MultiheadAttention`, whose mask is the other way around and whose matrices are transposed.
# 7. You need about as many heads as relations, and heads that are too narrow see nothing.
# 8. A map shows where a head looks; switching it off shows what it is for.
# 9. $|\partial L / \partial \xi_i|$ ranks all heads in one backward pass.
# 10. A model spreads its work over the heads it has: that four would be enough doesn't make any four of its eight spare.
#
# ## References
#
# - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, arXiv:1706.03762.
# - P. Michel, O. Levy, G. Neubig, *Are Sixteen Heads Really Better than One?*, NeurIPS 2019, arXiv:1905.10650.
# - E. Voita, D. Talbot, F. Moiseev, R. Sennrich, I. Titov, *Analyzing Multi-Head Self-Attention: Specialized Heads Do the Heavy
#   Lifting, the Rest Can Be Pruned*, ACL 2019, arXiv:1905.09418.
