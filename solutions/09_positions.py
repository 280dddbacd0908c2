# %% [markdown]
# # Lesson 09: giving order back
#
# **How does attention know that "*dog bites man*" is not "*man bites dog*"?** It doesn't. A score compares a query with a key. Neither
# says where its word stands. Shuffle the words, and every word gets exactly the same answer as before, at its new place. A
# recurrent network can't help but read in order; attention has to be *told*.
#
# There are many ways to tell it: add a vector to every word that says where it stands, or change the scores so that they depend on the
# distance. This lesson builds the five best known ones, and then plays them off against each other on sentences that are
# longer than those they were trained on. Much is said about which of them "extrapolates". You will see how much of it survives.
#
# Six exercises, about 100 minutes. You need lessons 07 and 08.
#
# **Notation**
#
# | letter | here | before |
# |---|---|---|
# | $a_i$ | the vector of word $i$ | the same in 07 |
# | $e_i$; $PE(p)$ | the vector of place $i$; of place $p$, by the formula with sines. ($e_{ij}$, with two letters below, is still a score.) | – |
# | $i$ in $PE(p, 2i)$ | the number of a *pair of features*, not a place | – |
# | $M_k$, $k$ | the matrix that moves an encoding by $k$ places; in the relative scheme $k$ is the largest distance told apart. ($k_j$ is still a key.) | – |
# | $d$ | the width of what is at hand: of a word's vector for $PE$, of *one head's* queries in a score | in 08 that was $d_k$ |
# | $T$ | number of words, or letters | the same |

# %% name="setup"
from collections.abc import Iterator
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessonkit import Lesson, train
from lessonkit.models import letters, multi_head, positions
from lessonkit.models.attention import masked_softmax

lesson = Lesson("09_positions")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
SCHEMES, LETTERS, TRAINED, LONGEST = letters.SCHEMES, letters.LETTERS, letters.TRAINED, letters.LONGEST  # fmt: skip

# %% [markdown]
# ## Order-blind
#
# Take the multi-head attention of lesson 08 with random weights, and five random words. Then give it the same words in another order.

# %% predict="order_blind"
predict("order_blind", "What becomes of a word's output?", ["it changes a little", "it changes altogether", "it stays, at the word's new place"])  # fmt: skip

# %% demo="order_blind"
# Check of a claim: attention of shuffled words is shuffled attention
with demonstration("order_blind"):
    # fmt: off
    generator = torch.Generator().manual_seed(0)
    five, matrices, order = torch.randn(1, 5, 8, generator=generator), torch.randn(4, 8, 8, generator=generator), [3, 0, 4, 1, 2]
    straight, shuffled = (multi_head.multi_head_attention(words, words, *matrices, 2)[0] for words in (five, five[:, order]))
    lesson.reveal("order_blind", "it stays, at the word's new place" if torch.allclose(shuffled, straight[:, order], atol=1e-4) else "it changes altogether", "Neither queries nor keys say where a word stands.")

# %% [markdown]
# The output is shuffled just like the input. Nothing else changed: for attention a sentence is a *bag* of words. (The technical term is
# permutation equivariance; lesson 07 shows it in a formula.)
#
# ## The experiment that fails
#
# The smallest task about order: at each place of a random word, **name the letter before it**. The model is a small stack of two
# layers, each with attention in four heads and a little network behind it (lesson 10 takes it apart). It will get a `scheme` for telling
# positions. First: none.


# %% name="layer" show=true
WIDTH, HEADS, CLIP = 64, 4, 16
PARTS = SimpleNamespace(  # the finished pieces; yours come in below
    sinusoidal_encoding=positions.sinusoidal_encoding,
    relative_attention=positions.relative_attention,
    rotary=positions.rotary,
    alibi_bias=positions.alibi_bias,
)


class Layer(nn.Module):
    """Attention and a small network, each added to what came in. Some schemes act here, inside the attention."""

    def __init__(self, scheme: str, causal: bool, parts: SimpleNamespace, clip: int):
        super().__init__()
        self.scheme, self.causal, self._parts = scheme, causal, parts
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.qkv, self.out = (
            nn.Linear(WIDTH, 3 * WIDTH, bias=False),
            nn.Linear(WIDTH, WIDTH, bias=False),
        )
        self.network = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH)
        )
        if scheme == "relative":
            self.a_K, self.a_V = (
                nn.Parameter(0.1 * torch.randn(2 * clip + 1, WIDTH // HEADS))
                for _ in range(2)
            )

    def attend(self, x: Tensor, places: Tensor) -> Tensor:
        """x (B, T, d) -> (B, T, d); keeps the weights (B, heads, T, T)."""
        q, k, v = (multi_head.split_heads(y, HEADS) for y in self.qkv(x).chunk(3, dim=-1))
        mask = torch.ones(len(places), len(places), dtype=torch.bool)
        mask = mask.tril() if self.causal else mask
        if self.scheme == "relative":
            output, self.weights = self._parts.relative_attention(
                q, k, v, self.a_K, self.a_V, mask
            )
        else:
            if self.scheme == "rotary":
                q, k = self._parts.rotary(q, places), self._parts.rotary(k, places)
            scores = q @ k.mT / q.shape[-1] ** 0.5
            if self.scheme == "alibi":
                scores = scores + self._parts.alibi_bias(len(places), HEADS)
            self.weights = masked_softmax(scores, mask)
            output = self.weights @ v
        return self.out(multi_head.merge_heads(output))

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        x = x + self.attend(self.norms[0](x), places)
        return x + self.network(self.norms[1](x))


# %% name="model" show=true
class Reader(nn.Module):
    """Letters in, a letter at each place out. `shift` moves all places, for an experiment further down."""

    def __init__(
        self,
        scheme: str,
        causal: bool = False,
        parts: SimpleNamespace = PARTS,
        layers: int = 2,
        clip: int = CLIP,
    ):
        super().__init__()
        self.scheme, self._parts = scheme, parts
        self.letter, self.place = nn.Embedding(LETTERS, WIDTH), nn.Embedding(LONGEST, WIDTH)
        self.layers = nn.ModuleList(
            Layer(scheme, causal, parts, clip) for _ in range(layers)
        )
        self.readout = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, LETTERS))

    def forward(self, words: Tensor, shift: int = 0) -> Tensor:
        """words (B, T) -> logits (B, T, 20)."""
        x, places = self.letter(words), torch.arange(words.shape[1]) + shift
        if self.scheme == "sinusoidal":
            x = x + self._parts.sinusoidal_encoding(LONGEST, WIDTH)[places]
        if self.scheme == "learned":
            x = x + self.place(places)
        for layer in self.layers:
            x = layer(x, places)
        return self.readout(x)


# %% name="training" show=true
def train_reader(model: Reader, task: str, seed: int, quiet: bool = False, shifts: int = 0):
    """400 batches of 64 words of 4 to 16 letters. With `shifts`, a batch starts at a random place up to that."""
    generator = torch.Generator().manual_seed(seed)

    def words() -> Iterator[tuple]:
        while True:
            T = int(torch.randint(4, TRAINED + 1, (1,), generator=generator))
            shift = int(torch.randint(shifts + 1, (1,), generator=generator))
            yield *letters.draw_words(task, 64, T, generator), shift

    def loss(model: Reader, batch: tuple) -> Tensor:
        given, asked, shift = batch
        return F.cross_entropy(
            model(given, shift).flatten(0, 1), asked.flatten(), ignore_index=-1
        )

    return train.fit(
        model, words(), loss, steps=400, lr=3e-3, warmup=30, decay=True, seconds=55,
        title=f"positions: {model.scheme}", quiet=quiet,
    )  # fmt: skip


# %% predict="no_positions"
predict("no_positions", "Without positions: how many of 100 letters will it name rightly, among twenty?", (0, 100, 1))  # fmt: skip


# %% demo="no_positions" varies=true
# Training: a reader without positions, about 5 seconds
with demonstration("no_positions"):
    # fmt: off
    torch.manual_seed(0)
    train_reader(blind := Reader("none"), "previous", seed=0)
    lesson.reveal("no_positions", round(100 * letters.show_right(blind)), "It knows the bag of letters, not their order: naming the commonest one is all that is left.")

# %% [markdown]
# It does better than a guess among all letters, and about as well as naming the letter that the word has most often. It knows the bag, not
# the order.
#
# ## Six ways to tell it
#
# The drawing shows where each scheme of this lesson acts.

# %% demo="mechanism"
# Drawing: where each scheme tells positions
with demonstration("mechanism"):
    # fmt: off
    from lessonkit.show import drawing

    boxes = {"x": (0.8, 1.7, "word aᵢ", "(T, d)", "input"), "qk": (2.8, 2.3, "queries, keys", "(h, T, d_k)", "learned"), "v": (2.8, 1.1, "values", "(h, T, d_k)", "learned"), "s": (4.6, 2.3, "scores eᵢⱼ", "(h, T, T)", "attention"), "w": (6.5, 2.3, "weights", "(h, T, T)", "attention"), "o": (7.5, 1.1, "output", "(T, d)", "output"),
             "abs": (0.8, 0.6, "+ eᵢ: sinusoidal\nor learned"), "rot": (2.4, 3.2, "turn: rotary"), "bias": (5.4, 3.2, "+ q·a^K: relative;  − m|i − j|: ALiBi"), "av": (4.6, 0.4, "+ a^V: relative")}
    drawing.draw("Absolute schemes, sinusoidal and learned, add a vector to the word. Rotary positions turn queries and keys. Relative positions add the product of query and distance vector to the score, and a distance vector to the value; ALiBi subtracts a penalty from the score.", boxes, [("x", "qk"), ("x", "v"), ("qk", "s"), ("s", "w", "softmax"), ("w", "o"), ("v", "o"), ("abs", "x"), ("rot", "qk"), ("bias", "s"), ("av", "v")], height=3.5)

# %% [markdown]
# ## Say where you stand: absolute positions
#
# An early idea, and the plainest: give every place a vector $e_i$, and add it to the word's vector $a_i$. Why add, and not put it beside? It is nearly
# the same. Put a one-hot vector $p_i$ beside the word (a 1 at place $i$, else 0), and multiply by a matrix $W$, as the next layer would anyway:
#
# $$W \begin{bmatrix} a_i \\ p_i \end{bmatrix} = \begin{bmatrix} W^I & W^P \end{bmatrix} \begin{bmatrix} a_i \\ p_i \end{bmatrix} = W^I a_i + W^P p_i = W^I a_i + e_i$$
#
# so that $e_i$ is column $i$ of $W^P$. Adding a learned vector *is* putting a one-hot beside the word. In code:

# %% name="one_hot_view" show=true
W = torch.randn(8, 6 + 10)  # 6 features of a word, 10 places
a, place = torch.randn(6), 7
beside = W @ torch.cat([a, F.one_hot(torch.tensor(place), 10).float()])
added = W[:, :6] @ a + W[:, 6 + place]  # the word through W^I, plus column 7 of W^P
print("the same:", torch.allclose(beside, added, atol=1e-5))

# %% [markdown]
# If $W^P$ is learned, a place that training never saw has a vector that nobody ever set. So Vaswani and colleagues (2017, section 3.5)
# computed the vectors instead. Each pair of features is a clock hand that turns at its own speed, quickly in the first
# features, slowly in the last:
#
# $$PE_{(p,\,2i)} = \sin\!\big(p / 10000^{2i/d}\big), \qquad PE_{(p,\,2i+1)} = \cos\!\big(p / 10000^{2i/d}\big)$$
#
# As a loop:
#
# ```python
# for p in range(T):
#     for i in range(d // 2):
#         angle = p / 10000 ** (2 * i / d)
#         PE[p, 2 * i], PE[p, 2 * i + 1] = sin(angle), cos(angle)
# ```

# %% [markdown] task="sinusoidal_encoding"
# Return the encodings of places 0 to T − 1. `d` is even. Sine and cosine take turns along the features.
# hint: The angles of all places and pairs: `torch.arange(T).unsqueeze(1) / 10_000 ** (torch.arange(0, d, 2) / d)`, (T, d/2). `arange(0, d, 2)` already is 2i.
# hint: Fill an empty (T, d) with `PE[:, 0::2]` and `PE[:, 1::2]`; or stack sine and cosine along a new last axis and flatten it.


# %% exercise="sinusoidal_encoding" minutes=12 difficulty=2
def sinusoidal_encoding(T: int, d: int) -> Tensor:
    """Sine at even features, cosine at odd ones (Vaswani et al. 2017, sec. 3.5).

    places T, features d (even)  ->  (T, d)
    """
    ### BEGIN SOLUTION
    angles = torch.arange(T).unsqueeze(1) / 10_000 ** (torch.arange(0, d, 2) / d)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
    ### END SOLUTION


# %% check="sinusoidal_encoding" points=2
def probe(sinusoidal_encoding, draw):
    T, d = draw.integers(5, 12), 2 * draw.integers(7, 12)
    return {
        "encoding": sinusoidal_encoding(T, d),
        "many places": sinusoidal_encoding(draw.integers(50, 70), 2 * draw.size(2, 3)),
        "one pair": sinusoidal_encoding(draw.size(3, 5), 2),
    }


check("sinusoidal_encoding", sinusoidal_encoding, probe)


# %% demo="encoding"
# Figure: your encodings, and how alike they are by distance
with demonstration("encoding"):
    letters.show_encoding(sinusoidal_encoding(64, 64))

# %% [markdown]
# The right picture shows what is special: how alike two encodings are depends on their *distance* only. (It also shows a weakness. The curve is
# symmetric: the plain product can't tell before from after. The model's $W^Q$ and $W^K$ must do that.)
#
# Behind it is this fact, which the paper names as the reason for its choice: for any step $k$ there is *one* matrix $M_k$ with
#
# $$PE_{(p + k)} = M_k\, PE_{(p)} \quad \text{for every } p.$$
#
# Each clock hand turns by a fixed angle $\omega_i k$, with $\omega_i = 10000^{-2i/d}$, whatever time it shows. You need two lines from school:
# $\sin(\alpha + \beta) = \sin\alpha \cos\beta + \cos\alpha \sin\beta$ and $\cos(\alpha + \beta) = \cos\alpha \cos\beta - \sin\alpha \sin\beta$.

# %% [markdown] task="shift_matrix"
# Return $M_k$, (d, d). It multiplies an encoding as a column: `PE[p + k] == M @ PE[p]`. k may be negative.
# hint: M consists of 2 × 2 blocks on the diagonal, one for each pair of features; everything else is 0. Write the two school lines with α = ω p, β = ω k, and read off the block that multiplies (sin α, cos α).
# hint: Block i is [[cos β, sin β], [−sin β, cos β]] with β = k / 10000^(2i/d), at rows and columns 2i and 2i + 1.


# %% exercise="shift_matrix" minutes=15 difficulty=3
def shift_matrix(k: int, d: int) -> Tensor:
    """M_k with PE(p + k) = M_k PE(p) for every place p (Vaswani et al. 2017, sec. 3.5).

    step k, features d (even)  ->  (d, d)
    """
    ### BEGIN SOLUTION
    beta = k / 10_000 ** (torch.arange(0, d, 2) / d)
    cos, sin = beta.cos(), beta.sin()
    M = torch.zeros(d, d)
    even, odd = torch.arange(0, d, 2), torch.arange(1, d, 2)
    M[even, even], M[even, odd] = cos, sin
    M[odd, even], M[odd, odd] = -sin, cos
    return M
    ### END SOLUTION


# %% check="shift_matrix" points=3
def probe(shift_matrix, draw):
    forward, back = draw.integers(2, 9), -draw.integers(1, 9)
    d = 2 * draw.integers(3, 6)
    return {
        "forward": shift_matrix(forward, d),
        "back": shift_matrix(back, d),
        "far": shift_matrix(draw.integers(300, 500), 2 * draw.size(5, 7)),
        "stay": shift_matrix(0, 2 * draw.size(2, 3)),
        "one pair": shift_matrix(forward + 1, 2),
    }


check("shift_matrix", shift_matrix, probe)


# %% demo="shift"
# Table: your matrix moves every encoding by five places
with demonstration("shift"):
    # fmt: off
    from lessonkit.show import tables

    moved, there = sinusoidal_encoding(64, 64)[:-5] @ shift_matrix(5, 64).T, sinusoidal_encoding(64, 64)[5:]  # every row is one encoding
    tables.show_table(["", "for all p"], [["M_5 PE(p) equals PE(p + 5)", "yes" if torch.allclose(moved, there, atol=1e-4) else "no"]])

# %% [markdown]
# So a matrix inside the model *could* learn "five places on" once and for all. The paper also hopes that the model "may" handle
# lengths that it never saw. Whether it *does* is a question for an experiment.
#
# ## Say how far it is: relative positions
#
# Shaw, Uszkoreit and Vaswani (2018) ask why a word should know its number at all. "The word before" is a *distance*. They learn a
# vector $a^K$ for every distance $j - i$ from query $i$ to key $j$, add it to the key, and another, $a^V$, to the value:
#
# $$e_{ij} = \frac{q_i \cdot (k_j + a^K_{ij})}{\sqrt{d}}, \qquad z_i = \sum_j \alpha_{ij} (v_j + a^V_{ij})$$
#
# (equations 4 and 3). Distances beyond $\pm k$ share one vector, $a_{ij} = w_{\text{clip}(j - i,\, -k,\, k)}$, so the table has $2k + 1$
# rows, and *no sentence is too long for it*. Since rows are counted from 0, distance $-k$ is row 0, distance 0 is row $k$.

# %% [markdown] task="relative_index"
# For every query i and key j of a sentence of T words: the row of the table.
# hint: The distance is j − i, key minus query: positive for words that come after. `places.unsqueeze(1)` is a column, so it varies with the query.
# hint: `.clamp(-k, k)`, and then shift by k, so that the least row is 0.


# %% exercise="relative_index" minutes=6 difficulty=2
def relative_index(T: int, k: int) -> Tensor:
    """clip(j − i, −k, k) + k, for query i (row) and key j (column)  (Shaw et al. 2018, sec. 3.2).

    words T, largest distance k  ->  (T, T) int64, from 0 to 2k
    """
    ### BEGIN SOLUTION
    places = torch.arange(T)
    return (places - places.unsqueeze(1)).clamp(-k, k) + k
    ### END SOLUTION


# %% check="relative_index" points=2
def probe(relative_index, draw):
    T, k = draw.integers(6, 10), draw.integers(2, 4)
    few = draw.size(3, 4)
    return {
        "clipped": relative_index(T, k),
        "short": relative_index(few, few + draw.size(1, 3)),
        "k = 1": relative_index(draw.size(4, 6), 1),
    }


check("relative_index", relative_index, probe)


# %% demo="index"
# Table: your index for six words, clipped at two
with demonstration("index"):
    letters.show_index(relative_index(6, 2))

# %% [markdown] task="relative_attention"
# Self-attention with both tables. `positions.relative_index(T, k)` is the finished piece; k follows from the tables, which have 2k + 1
# rows. Leading axes (batch, heads) may be any. As a loop,
# for one sentence and one head:
#
# ```python
# for i in range(T):
#     for j in range(T):
#         scores[i, j] = queries[i] @ (keys[j] + a_K[index[i, j]]) / sqrt(d)
#     weights[i] = masked_softmax(scores[i], mask[i])
#     output[i] = sum(weights[i, j] * (values[j] + a_V[index[i, j]]) for j in range(T))
# ```
# hint: `a_K[index]` is (T, T, d): a vector for each pair. The table has 2k + 1 rows, so k is `len(a_K) // 2`. Scores are `queries @ keys.mT` plus the product of each query with its own row of vectors: `torch.einsum("...id,ijd->...ij", queries, a_K[index])`; both are divided by √d.
# hint: The output is `weights @ values` plus the weighted vectors of the distances: `torch.einsum("...ij,ijd->...id", weights, a_V[index])`.


# %% exercise="relative_attention" minutes=20 difficulty=4
def relative_attention(
    queries: Tensor, keys: Tensor, values: Tensor, a_K: Tensor, a_V: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Self-attention that knows the distance of query and key (Shaw et al. 2018, eqs. 3 and 4).

    queries, keys, values (..., T, d), a_K, a_V (2k + 1, d), mask bool, broadcastable to (..., T, T), True = may attend
    -> output (..., T, d), weights (..., T, T)
    """
    ### BEGIN SOLUTION
    index = positions.relative_index(queries.shape[-2], len(a_K) // 2)
    products = queries @ keys.mT + torch.einsum("...id,ijd->...ij", queries, a_K[index])
    weights = masked_softmax(products / queries.shape[-1] ** 0.5, mask)
    output = weights @ values + torch.einsum("...ij,ijd->...id", weights, a_V[index])
    return output, weights
    ### END SOLUTION


# %% check="relative_attention" points=4
def probe(relative_attention, draw):
    def inputs(*shape, k):
        tables = [draw.normal(2 * k + 1, shape[-1]) for _ in range(2)]
        return [draw.normal(*shape) for _ in range(3)] + tables

    B, h, d = draw.sizes(3, 2, 5)
    T, k, n = draw.size(6, 7), draw.size(2, 3), draw.size(4, 5)
    causal = draw.watch(torch.ones(T, T).tril().bool())
    output, weights = relative_attention(*inputs(B, h, T, d, k=k), causal)
    everywhere = draw.watch(torch.ones(n, n).bool())
    plain, spread = relative_attention(*inputs(n, d, k=n + 1), everywhere)
    return {
        "output": output,
        "weights": weights,
        "output, without batch, all may attend": plain,
        "weights, without batch, all may attend": spread,
    }


check("relative_attention", relative_attention, probe)


# %% [markdown]
# ## Turn the hands inside the score: rotary positions
#
# Look again at the clock hands. Su et al. (2021) don't *add* them to the word, they *turn the query and the key*. Each pair of features $(x_{2i},
# x_{2i+1})$ of a query or key at place $p$ is turned by the angle $p\,\theta_i$, with $\theta_i = 10000^{-2i/d}$:
#
# $$\begin{bmatrix} x_{2i}' \\ x_{2i+1}' \end{bmatrix} = \begin{bmatrix} \cos p\theta_i & -\sin p\theta_i \\ \sin p\theta_i & \cos p\theta_i \end{bmatrix} \begin{bmatrix} x_{2i} \\ x_{2i+1} \end{bmatrix}$$
#
# (section 3.2.2.) If the query stands at place $p$ and the key at place $r$, their product depends on the difference $r - p$ only: turn both by the same,
# and the angle between them stays. An absolute turn, a relative score. The values are not turned. (Many programs pair feature $i$ with
# $i + d/2$ instead. That is as good, but weights trained with one don't fit the other.)

# %% [markdown]
# ### Find the bug
#
# A colleague's version. It runs, the shapes are right, at place 0 nothing turns, and a model trains with it. Two of its lines are wrong.


# %% name="colleague" show=true
def colleagues_rotary(x, positions):
    d = x.shape[-1]
    angles = positions.unsqueeze(1) / 10_000 ** (torch.arange(d // 2) / d)  # (T, d/2)
    even, odd = x[..., 0::2], x[..., 1::2]
    even = even * angles.cos() - odd * angles.sin()
    odd = even * angles.sin() + odd * angles.cos()
    return torch.stack([even, odd], dim=-1).flatten(-2)  # back in turns


# %% [markdown] task="rotary"
# Copy the function, and mend it: all pairs (0, 1), (2, 3), … of x are turned, each at its own speed. `positions` holds the place of each word.
# hint: A turn changes no length. Compare `x.norm(dim=-1)` before and after: which line makes them differ? For the other one, look at the second pair's speed, for d = 4, say.
# hint: In the formula both new features are made of the *old* ones. And in the exponent stands 2i, where i is the number of the pair.
# hint: Give the new features names of their own, so that `odd` still finds the old `even`. And `torch.arange(0, d, 2)` counts 0, 2, 4, …, which are the 2i.


# %% exercise="rotary" minutes=12 difficulty=3
def rotary(x: Tensor, positions: Tensor) -> Tensor:
    """Turn each pair of features (2i, 2i + 1) by p · 10000^(−2i/d) (Su et al. 2021, sec. 3.2.2).

    x (..., T, d), d even; positions (T,) int64  ->  (..., T, d)
    """
    ### BEGIN SOLUTION
    d = x.shape[-1]
    angles = positions.unsqueeze(1) / 10_000 ** (torch.arange(0, d, 2) / d)
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = (
        even * angles.cos() - odd * angles.sin(),
        even * angles.sin() + odd * angles.cos(),
    )
    return torch.stack(turned, dim=-1).flatten(-2)
    ### END SOLUTION


# %% check="rotary" points=3
def probe(rotary, draw):
    B, h, T = draw.sizes(3, 2, 6)
    d = 2 * draw.size(3, 5)
    n = draw.size(3, 4)
    places = draw.watch(draw.permutation(T) + draw.integers(1, 9))
    return {
        "turned": rotary(draw.normal(B, h, T, d), places),
        "one pair": rotary(draw.normal(n, 2), draw.watch(torch.arange(n))),
        "far away": rotary(draw.normal(n, d - 2), draw.integers(50, 99, n)),
    }


check("rotary", rotary, probe)


# %% demo="rotary_scores"
# Figure: product of a turned query and a turned key by distance
with demonstration("rotary_scores"):
    letters.show_rotary(rotary)

# %% [markdown]
# One curve lies upon the other. And it is not symmetric: before and after differ, without any learning.
#
# ## Just count it off: ALiBi
#
# The simplest scheme has no vectors at all. Press, Smith and Lewis (2022) subtract a penalty that grows with distance from the finished score:
#
# $$\text{score}_{ij} = \frac{q_i \cdot k_j}{\sqrt{d}} - m_h\, |i - j|, \qquad m_h = 2^{-8h/H}, \quad h = 1, \dots, H$$
#
# Each head has its own slope $m_h$: the first heads see only what is near, the last ones far. The slopes are not learned. (The paper uses it under a causal
# mask, where $|i - j| = i - j$. Its $H$ is a power of two.)


# %% name="alibi" show=true
def alibi_bias(T: int, heads: int) -> Tensor:
    """What is added to the scores, −m_h |i − j|: (heads, T, T)  (Press et al. 2022, sec. 3)."""
    places = torch.arange(T)
    slopes = 2.0 ** (-8 * torch.arange(1, heads + 1) / heads)
    return -slopes.view(-1, 1, 1) * (places - places.unsqueeze(1)).abs()


# %% [markdown]
# ## The race
#
# Six schemes, one model, one task: name the letter before. All are trained on words of 4 to 16 letters with no mask: each place sees
# all others. Then come words of 32.

# %% predict="race_by_place"
predict("race_by_place", "Beyond place 16, who gets most letters right?", list(SCHEMES.values()))  # fmt: skip

# %% demo="race" varies=true
# Training: five more readers with your functions, about 40 seconds
with demonstration("race"):
    # fmt: off
    yours = SimpleNamespace(sinusoidal_encoding=sinusoidal_encoding, relative_attention=relative_attention, rotary=rotary, alibi_bias=alibi_bias)
    readers = {"none": blind}
    for scheme in list(SCHEMES)[1:]:
        torch.manual_seed(0)
        train_reader(readers.setdefault(scheme, Reader(scheme, parts=yours)), "previous", seed=0, quiet=True)

# %% demo="race_by_place" varies=true
# Figure: share right by place, six schemes
with demonstration("race_by_place"):
    # fmt: off
    beyond = letters.show_by_place(readers, 32)
    lesson.reveal("race_by_place", SCHEMES[max(beyond, key=beyond.get)], "Its rows are distances, and the distance asked for, 1, was in every word: a long word asks it nothing new.")

# %% [markdown]
# Three things deserve a second look.
#
# - **Sinusoids fall off the same cliff as learned vectors**, although their formula knows every place and a shift matrix exists. That a
#   matrix exists doesn't mean that the model has found it: it saw sixteen patterns, and learned those.
# - **ALiBi without a mask knows how far, but not which way**: $|i - j| = 1$ on both sides. It names one of two neighbours. Only the last letter, which
#   has no neighbour on its right, comes out well.
# - **Rotary has no cliff; it fails at both ends.** In the middle of the word no letter is much farther away than any was in training. At its ends
#   some are: the first places are among the wrong ones, although training saw *them* in every word.
#
# ### Where do they look?
#
# The gold is known here, so the maps can be scored, too: how much weight lies on the letter before, within 16 places and beyond? But each model has
# eight heads, and only one or two of them look for that letter. Which one do you score? If you choose the head that does best *beyond*, you have looked at the
# answer before you chose. So choose by the places that training knew.

# %% [markdown] task="looking_head"
# Write the measurement. `gold` marks where each query should look, and nowhere for some queries: those don't count. A place is known if it is below `trained`.
# hint: First how much weight each head puts on gold at each place: multiply by gold, sum over the keys, average over the words. That leaves (h, T).
# hint: The places of *queries* count. `gold.any(-1)` are those that have somewhere to look, `torch.arange(T) < trained` those that training knew.
# hint: `within = on_gold[:, asked & known].mean(-1)` has one number a head; take its argmax, and of *that* head both means.


# %% exercise="looking_head" minutes=12 difficulty=3
def looking_head(weights: Tensor, gold: Tensor, trained: int) -> tuple[int, float, float]:
    """The head with the most weight on gold at the places that training knew, and its weight on gold there and beyond.

    weights (B, h, T, T): [word, head, query, key]; gold (T, T) bool: [query, key]; trained: queries below it are known
    ->  number of the head, from 0; its mean weight on gold at known places; the same at the places from `trained` on
    """
    ### BEGIN SOLUTION
    on_gold = (weights * gold).sum(-1).mean(0)
    asked, known = gold.any(-1), torch.arange(len(gold)) < trained
    within = on_gold[:, asked & known].mean(-1)
    beyond = on_gold[:, asked & ~known].mean(-1)
    head = within.argmax().item()
    return head, within[head].item(), beyond[head].item()
    ### END SOLUTION


# %% check="looking_head" points=2
def probe(looking_head, draw):
    found = {}
    for name, h in (("", draw.size(5, 8)), (", two heads", 2)):
        B, T = draw.size(2, 4), draw.size(9, 12)
        trained = draw.size(4, 6)
        gold = torch.nn.functional.one_hot(draw.integers(0, T, T), T).bool()
        # Some queries look nowhere, on either side.
        gold[draw.permutation(trained)[:2]] = False
        gold[trained + draw.integers(1, T - trained)] = False
        # How sharply each head looks: one is best at the known places, another one beyond.
        sharp = draw.uniform(h, 2, high=1.5)
        sharp[draw.permutation(h)[:2], torch.arange(2)] += 3
        sharp = sharp.repeat_interleave(torch.tensor([trained, T - trained]), dim=-1)
        sharp = sharp.view(h, T, 1)
        weights = (draw.normal(B, h, T, T) + gold * sharp).softmax(-1)
        head, within, beyond = looking_head(draw.watch(weights), draw.watch(gold), trained)
        found |= {f"head{name}": head, f"within{name}": within, f"beyond{name}": beyond}
    return found


check(
    "looking_head",
    looking_head,
    probe,
    no_gradients="a measurement: nothing trains through it",
)

# %% demo="gold_table" varies=true
# Table: weight on the letter before, within 16 places and beyond
with demonstration("gold_table"):
    letters.show_gold(readers, 32, looking_head)

# %% [markdown]
# ### Explore it
#
# Choose a scheme and a length: the map is that of the best head for one test word, gold outlined. Go from 12 to 30 with *sinusoidal*
# and with *relative*, and watch the lower right corner.

# %% demo="explorer" varies=true
# Explorer: the map of the best head, by scheme and length
with demonstration("explorer"):
    letters.explorer(readers)

# %% [markdown]
# ## The whole table
#
# One seed and one task prove little. The recorded runs (three seeds) add two things:
#
# - **A second task**, name the *first* letter of the word. Here a *place* matters, not a distance. A task about distances favours relative
#   schemes, so a fair race needs the other kind, too.
# - **A causal mask**, under which each place sees only itself and what came before it. Language models are trained like this.

# %% predict="lengths_table"
predict("lengths_table", "With a causal mask, and no positions at all: how many of 100 previous letters are right, at the trained length of 16?", (0, 100, 1))  # fmt: skip

# %% demo="lengths_figure"
# Figure: two tasks, without and with a causal mask
with demonstration("lengths_figure"):
    letters.show_lengths(lesson)

# %% demo="lengths_table"
# Table: the same at 32 letters
with demonstration("lengths_table"):
    # fmt: off
    letters.show_lengths_table(lesson)
    lesson.reveal("lengths_table", round(100 * sum(lesson.recorded("previous, causal", "none", "16")) / 3), f"{lesson.spread('previous, causal', 'none', '16')}, and {lesson.spread('previous, causal', 'none', '32')} at 32 letters. The mask lets the first place see one letter, the second two: that tells order.")

# %% [markdown]
# Read the two tasks side by side. **No scheme wins everywhere.** The relative tables are perfect where a distance is asked for, and lose the *first*
# letter in long words without a mask. Absolute places do that task well, and learned ones best of all (1.00 up to 64 letters; sinusoids fall to 0.65, 0.88 and 0.85 there): place 0 is a place that they know from training.
#
# And look at the first row under the causal mask. Without a mask it knows no more than the bag in both tasks. With one it does.
# How? The first place sees one letter, the second two, and so on. The first layer can tell from *how thin* an average is how many letters lie
# before it, and the second layer can use that. Haviv et al. (2022) found the same in language models, and conjecture this reason.
#
# ## Predict, then break it
#
# 1. **One layer only**, causal mask, no positions. If the explanation above is right, what happens?
# 2. **Start anywhere.** Train sinusoidal and learned positions with the same short words, but let each batch begin at a random place from 0 to 48.
#    Every place up to 63 is seen in training now, no long word ever is. Do they get words of 64 letters right? And what about the other task, the *first* letter?
# 3. **A tighter clip**: distances beyond 4 share a vector, in place of 16. Does "previous" suffer? Does "first"?

# %% predict="breaks_table"
predict("breaks_table", "The tighter clip on the task *first*, at 32 letters: the share right ...", ["rises", "stays", "falls"])  # fmt: skip

# %% demo="breaks_table"
# Table: three changes
with demonstration("breaks_table"):
    # fmt: off
    changes = {"one layer, causal, no positions: previous": ("breaks", "one layer"), "sinusoidal, start anywhere: previous": ("breaks", "sinusoidal, start anywhere"), "learned, start anywhere: previous": ("breaks", "learned, start anywhere"), "sinusoidal, start anywhere: first": ("first, start anywhere", "sinusoidal"), "learned, start anywhere: first": ("first, start anywhere", "learned"), "relative, clip at 4: previous": ("breaks", "previous, clip 4"), "relative, clip at 4: first": ("breaks", "first, clip 4")}
    letters.show_breaks(lesson, changes)
    lesson.reveal("breaks_table", "rises", f"From {lesson.spread('first, no mask', 'relative', '32')} to {lesson.spread('breaks', 'first, clip 4', '32')}.")

# %% [markdown]
# 1. One layer gets no further than naming the commonest letter *so far*. To count and to use the count took two here; that it always does is a conjecture.
# 2. What broke the absolute schemes was not the *formula*, it was *places that training never visited*. Let training visit them, and the cliff
#    becomes a gentle slope. On this task it costs next to nothing (learned places at 16 letters: 0.998 and more).
#    On the task *first* it costs much, and how much depends on the seed: at the trained length of 16 letters learned places get 0.11, 0.38 and 0.85 right, and sinusoids 0.60, 0.17 and 0.55, where both had 1.00. A word no longer begins at
#    place 0, and that was how they found its first letter. So the cure suits tasks about distances; for a task about places it takes away the place.
# 3. Did you expect the tighter clip to harm? It *helps* the task that looks far away. With a clip at 16 and words of at most 16 letters, the row for
#    "16 or farther" is never used in training, and holds what it was born with. With a clip at 4 the row for "far" is trained in every word of five letters or more. (How can the first
#    letter be found at all, if far is just far? The first place is the only one with nothing before it. One layer can mark it, the next looks for the mark.)
#
# It is the same lesson each time: **a model knows what training has visited.** A scheme extrapolates where long words ask nothing new of it.
#
# ## What people say, and what survives
#
# The numbers are for our task and our size; the sentences in the last column are only about them.

# %% demo="claims_table"
# Table: what is said, and what was measured
with demonstration("claims_table"):
    # fmt: off
    s = lesson.spread
    rows = [
        ["attention without positions can't know order", "often said", f"no mask {s('previous, no mask', 'none', '32')}, causal {s('previous, causal', 'none', '32')}, causal with one layer {s('breaks', 'one layer', '32')}", "without a mask, yes; under a causal mask with two layers, no (as Haviv et al. 2022 say)"],
        ["sinusoids may extrapolate to longer sequences", "Vaswani et al. 2017, sec. 3.5", f"{s('previous, no mask', 'sinusoidal', '32')}, learned {s('previous, no mask', 'learned', '32')}", "hardly: one to three points better than learned ones on every seed, and off the same cliff"],
        ["sinusoidal and learned positions do equally well", "Vaswani et al. 2017, table 3, E", f"at 16 letters {s('previous, no mask', 'sinusoidal', '16')} and {s('previous, no mask', 'learned', '16')}", "yes"],
        ["relative positions generalise to unseen lengths", "Shaw et al. 2018, sec. 3.2", f"previous {s('previous, no mask', 'relative', '32')}, first {s('first, no mask', 'relative', '32')}, first with clip 4 {s('breaks', 'first, clip 4', '32')}", "yes, if the clip lies well within the trained lengths"],
        ["rotary positions are relative, so length doesn't matter", "often said", f"previous {s('previous, no mask', 'rotary', '32')}, causal {s('previous, causal', 'rotary', '32')}, first {s('first, no mask', 'rotary', '32')}", "no: without a mask better than absolute ones for a distance, worse for a place"],
        ["ALiBi: train short, test long", "Press et al. 2022 (causal language models)", f"causal {s('previous, causal', 'alibi', '32')}, no mask {s('previous, no mask', 'alibi', '32')}", "under a causal mask, yes; without one it can't tell left from right"],
    ]
    tables.show_table(["claim", "who says so", "we measured at 32 letters (three seeds)", "survives?"], rows, "Folk claims, papers' claims, and what came out here")

# %% [markdown]
# Why does rotary lose some, when its score depends on distance only? The score of *one* pair does. But softmax compares it with all others, and a
# longer word has more of them, at distances that training never showed. All of this is small: two layers, random letters, words of 64 at most. Kazemnejad et al. (2023)
# ran such a race at 107 million parameters on arithmetic and copying under a causal mask: there no positions at all did best. What carries over is the
# method: train short, test long, name the task, and don't believe a formula that you haven't tested. No full-size run belongs to this lesson; `python -m lessonkit full 03`
# trains attention on real sentences, with a recurrent network that knows the order by itself.
#
# ## Summary
#
# 1. Attention compares contents: shuffle the words, and the outputs are shuffled.
# 2. Adding a learned vector for each place is the same as putting a one-hot beside the word.
# 3. Sinusoids: sine and cosine in turns, each pair a clock hand with its own speed.
# 4. One matrix $M_k$ moves any sinusoidal encoding by $k$ places; a model need not find it.
# 5. Relative positions give each distance $j - i$ a vector, clipped at $\pm k$; keep k well within the lengths you train on.
# 6. Rotary positions turn queries and keys; their product knows the difference only.
# 7. ALiBi subtracts a penalty for distance; it is blind for direction unless a mask helps.
# 8. A causal mask alone tells order: here it took two layers.
# 9. Absolute schemes break at places that training never visited. Starting anywhere mends it where distances are asked for, and ruins it where a place is.
# 10. No scheme wins every task: ask whether yours is about distances or about places.
#
# ## References
#
# - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, arXiv:1706.03762.
# - P. Shaw, J. Uszkoreit, A. Vaswani, *Self-Attention with Relative Position Representations*, NAACL 2018, arXiv:1803.02155.
# - J. Su et al., *RoFormer: Enhanced Transformer with Rotary Position Embedding*, 2021, arXiv:2104.09864.
# - O. Press, N. A. Smith, M. Lewis, *Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation*,
#   ICLR 2022, arXiv:2108.12409.
# - A. Haviv, O. Ram, O. Press, P. Izsak, O. Levy, *Transformer Language Models without Positional Encodings Still Learn Positional
#   Information*, Findings of EMNLP 2022, arXiv:2203.16634.
# - A. Kazemnejad et al., *The Impact of Positional Encoding on Length Generalization in Transformers*, NeurIPS 2023, arXiv:2305.19466.
