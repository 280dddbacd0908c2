# %% [markdown]
# # Lesson 04: scores and scope
#
# **Must you look at every word before you write the next one?** Bahdanau's decoder does. Before each French word it
# scores *all* English words, each with a small network. For a sentence that is cheap. For a page, a book, a film it isn't:
# the work of a single step grows with everything that was read.
#
# Luong, Pham and Manning (2015) turned two knobs. One is the **score**: how do you compare what you need with what
# is there? Four formulas, from a single product to a small network. The other is the **scope**: where may you look at
# all? Everywhere, in a window at a fixed place, or in a window at a place that the decoder *predicts*.
#
# You build the parts that decide in five exercises, train the whole, and find out which knob matters. One of the cheap ways fails
# badly as soon as words change places, and you will say beforehand where. Allow 100 minutes.
#
# **Notation.** The letters are Luong's now. Three of them meant something else in lesson 03:
#
# | letter | here | in lesson 03 |
# |---|---|---|
# | $h_t$ | the *decoder's* state, after step $t$; the query | $s_i$ (and the query was $s_{i-1}$, before the step); $h_j$ was the encoder's |
# | $\bar h_s$ | the *encoder's* state at source word $s$; key and value | $h_j$ |
# | $s$, $S$ | a place in the source, the number of its words | $s_i$ was the decoder's state |
# | $t$, $T$ | a place in the target, the number of its words | $i$, $T$ |
# | $a_t(s)$ | the weight of source word $s$ | $\alpha_{ij}$; `a` was the width of the score's hidden layer |
# | $c_t$, $\tilde h_t$ | context; context and state joined | $c_i$; – |
# | $p_t$, $D$ | the middle of the window, how far it reaches to each side | – |

# %% name="setup"
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from lessonkit import Lesson, train
from lessonkit.data import translation
from lessonkit.models import scopes, seq2seq
from lessonkit.models.attention import masked_softmax
from lessonkit.show import recorded

lesson = Lesson("04_scores_and_scope")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
EMBEDDING = seq2seq.EMBEDDING

# %% [markdown]
# ## The experiment that fails
#
# First, how much work is one step? Below is the additive score of lesson 03 on sources that get longer and longer, timed
# on this machine: the scores of all words for one query, and the average. Nothing is trained; only the length changes.


# %% demo="growing_work" varies=true
# Figure: the time of one step by the length of the source
with demonstration("growing_work"):
    scopes.show_growing_work([64, 256, 1024, 4096, 16384])

# %% [markdown]
# Each step costs in proportion to the length (on these axes a straight line with slope 1; it may jump where the keys no longer fit into the processor's cache), and there
# are as many steps as words: twice the text, four times the work. (Bahdanau's own code computes $U h_j$ once a sentence and not at each step: a smaller constant, the same line.)
#
# So look at less. The simplest idea: translation runs roughly from left to right, so for the target word number $t$ look
# only at source words near number $t$, say at most $D$ places away. We have gold alignments, so we can test the
# idea before we build it: how many gold links lie inside such a window?
#
# We test it on two languages. One is the corpus as it is. The other is **mirrored French**: the same corpus with every French
# sentence written backwards. It is made up, and extreme. Real pairs lie between (German and Japanese put verbs
# at the end; our generated French moves words by a place or two). We use it as a clean test of one question: what if the
# order is *not* the same?

# %% name="corpus"
# The corpus, and its mirror image
data = translation.load_translation()
mirror = scopes.mirrored(data)

# %% predict="inside_the_window"
predict("inside_the_window", "Mirrored French: of 100 gold links, how many lie at most four places from the target word's own place?", (0, 100, 1))  # fmt: skip

# %% demo="inside_the_window"
# Figure: gold links inside a window, by its reach
with demonstration("inside_the_window"):
    # fmt: off
    inside = scopes.show_inside({"French": data, "mirrored French": mirror}, D=4)
    lesson.reveal("inside_the_window", round(100 * inside["mirrored French"]), f"In French it is {100 * inside['French']:.0f} of 100. Backwards, only words near the middle stay near their place.")

# %% [markdown]
# For French a window of nine words loses next to nothing. For mirrored French it loses more than half: **no training can
# help a decoder that isn't allowed to look at the word it needs.** A window is fine, but its place must be *predicted*.
#
# ## The idea, with shapes
#
# Luong's decoder turns Bahdanau's order around. It **updates first and looks after**. With the encoder's states
# $\bar h_s \in \mathbb{R}^n$, one for each source word:
#
# $$h_t = \text{GRU}\big([y_{t-1};\, \tilde h_{t-1}],\; h_{t-1}\big), \qquad a_t(s) = \text{softmax}_s\, \text{score}(h_t, \bar h_s), \qquad c_t = \sum_s a_t(s)\, \bar h_s$$
#
# $$\tilde h_t = \tanh(W_c [c_t;\, h_t]), \qquad p(y_t) = \text{softmax}(W_s \tilde h_t)$$
#
# (Luong et al. 2015, equations 5 to 7, numbered as in the arXiv version; they use LSTMs.) The query is the *new* state $h_t$. The **attentional vector**
# $\tilde h_t \in \mathbb{R}^n$ joins what was found and what the decoder knows; the next word is read off it.
#
# | score | formula | weights to learn |
# |---|---|---|
# | dot | $h_t^\top \bar h_s$ | none; both must have $n$ features |
# | general | $h_t^\top W_a \bar h_s$ | $n \times n$ |
# | concat | $v_a^\top \tanh(W_a [h_t;\, \bar h_s])$ | $a \times 2n$ and $a$ |
# | location | $a_t = \text{softmax}(W_a h_t)$, no $\bar h_s$ at all (equation 8) | longest sentence $\times\, n$ |
#
# We write them for a batch: query (B, n), keys (B, S, n), scores (B, S).

# %% demo="mechanism"
# Drawing: update then look (Luong), beside look then update (Bahdanau)
with demonstration("mechanism"):
    # fmt: off
    from lessonkit.show import drawing

    boxes = {"b0": (1.1, 1.9, "03: old state sᵢ₋₁", "(n,)", "input"), "b1": (3.0, 1.9, "look", "at h₁ … h_S", "attention"), "b2": (4.5, 1.9, "context", "(2n,)"), "b3": (5.8, 1.9, "GRU", "", "learned"), "b4": (6.9, 1.9, "sᵢ", "(n,)", "output")}
    boxes |= {"l0": (1.1, 0.6, "04: old state, h̃ₜ₋₁", "(n,), (n,)", "input"), "l1": (2.7, 0.6, "GRU", "", "learned"), "l2": (3.75, 0.6, "hₜ", "(n,)"), "l3": (4.95, 0.6, "look", "score, scope", "attention"), "l4": (6.25, 0.6, "context", "(n,)"), "l5": (7.4, 0.6, "h̃ₜ", "(n,)", "output")}
    arrows = [("b0", "b1"), ("b1", "b2"), ("b2", "b3"), ("b3", "b4"), ("l0", "l1"), ("l1", "l2"), ("l2", "l3"), ("l3", "l4"), ("l4", "l5")]
    drawing.draw("Above, lesson 03: the old state looks at the source, the context goes into the GRU, which makes the new state. Below, this lesson: the GRU first makes the new state from the old one and the last attentional vector; the new state looks at the source; context and state are joined to the attentional vector, which goes into the next step.", boxes, arrows, height=2.5)

# %% [markdown]
# The **dot** score is that of lesson 00's content addressing, without the cosine. For one sentence it is a matrix (S × n) times a vector (n); for a batch, the query
# gets an axis, so that it is a column, (B, n, 1):


# %% name="dot_score" show=true
def dot_score(query: Tensor, keys: Tensor) -> Tensor:
    """h_tᵀ h̄_s for every source word  (Luong et al. 2015, section 3.1, “dot”).

    query (B, n), keys (B, S, n)  ->  scores (B, S)
    """
    return (keys @ query.unsqueeze(-1)).squeeze(-1)


# %% [markdown]
# It has nothing to learn, and a price: the decoder's state must look like the encoder's state of the word it
# wants. The same numbers have to say two things at once. A matrix between them lets the decoder speak its own language: the **general** score.

# %% [markdown] task="general_score"
# $h_t^\top W \bar h_s$, with `W` of shape (n, d). As a loop: `scores[b, s] = query[b] @ W @ keys[b, s]`.
# hint: First translate the query into the language of the keys: it should have d features. Then it is the dot score.
# hint: `query @ W` is (B, d), without a transpose: the query stands on the *left* of W.


# %% exercise="general_score" minutes=5 difficulty=2
def general_score(query: Tensor, keys: Tensor, W: Tensor) -> Tensor:
    """h_tᵀ W h̄_s for every source word  (Luong et al. 2015, section 3.1, “general”).

    query (B, n), keys (B, S, d), W (n, d)  ->  scores (B, S)
    """
    ### BEGIN SOLUTION
    return (keys @ (query @ W).unsqueeze(-1)).squeeze(-1)
    ### END SOLUTION


# %% check="general_score" points=2
def probe(general_score, draw):
    B, S, n, d = draw.sizes(4)
    square = general_score(draw.normal(B, n), draw.normal(B, S, n), draw.normal(n, n))
    scores = general_score(draw.normal(B, n), draw.normal(B, S, d), draw.normal(n, d))
    one = general_score(draw.normal(1, n), draw.normal(1, 1, d), draw.normal(n, d))
    return {"n = d": square, "scores": scores, "one word": one}


check("general_score", general_score, probe)


# %% [markdown]
# The **concat** score puts the query beside each key, query first. Cut $W$ into its left part (for the query) and
# its right part (for the key), and you meet an old friend: it is the additive score of lesson 03. And **location** doesn't look at the source: each row of its $W$ belongs to a
# *place*, and the decoder says which place it wants. It can't know what stands there. There are only as many
# places as $W$ has rows: Luong ignores words beyond them, and for shorter sentences uses the first rows (section 3.1).


# %% name="concat_score" show=true
def concat_score(query: Tensor, keys: Tensor, W: Tensor, v: Tensor) -> Tensor:
    """vᵀ tanh(W [h_t; h̄_s]) for every source word  (Luong et al. 2015, section 3.1, “concat”).

    query (B, n), keys (B, S, d), W (a, n + d), v (a,)  ->  scores (B, S)
    """
    repeated = query.unsqueeze(1).expand(-1, keys.shape[1], -1)
    return torch.tanh(torch.cat([repeated, keys], dim=-1) @ W.T) @ v


# %% name="location_score" show=true
def location_score(query: Tensor, S: int, W: Tensor) -> Tensor:
    """W h_t: a score for each place, whatever word stands there  (Luong et al. 2015, equation 8).

    query (B, n), S places, W (longest source, n)  ->  scores (B, S)
    """
    return query @ W[:S].T


# %% [markdown]
# ## Scope: where you may look
#
# **Local** attention looks only at source words $s$ with $|s - p_t| \le D$: at most $2D + 1$ of them. $p_t$ is the place in the
# middle of the window. Two ways to choose it (Luong et al. 2015, section 3.2):
#
# - **local-m** (*monotonic*): $p_t = t$. You have seen above what that assumes.
# - **local-p** (*predictive*): the decoder says where, as a real number between 0 and the length of the sentence.
#
# Places count from 0 here, for source and target alike.

# %% [markdown] task="window_mask"
# A mask, as always True where you may look: at places that are at most `D` away from the position *and* hold a real word,
# not padding (`src_mask`).
# Positions are real numbers: 2.4 with D = 2 allows the places 1, 2, 3 and 4.
# hint: `torch.arange(S)` holds the places, (S,). The positions are (B,): one more axis, and their difference is (B, S).
# hint: The distance is the absolute difference, `.abs()`; put the comparison with `<=` in brackets, and join the two masks with `&`.


# %% exercise="window_mask" minutes=6 difficulty=2
def window_mask(position: Tensor, src_mask: Tensor, D: int) -> Tensor:
    """Where local attention may look: |s − p| ≤ D, and s is a word  (Luong et al. 2015, section 3.2).

    position (B,), src_mask (B, S) bool, D places to either side  ->  mask (B, S) bool
    """
    ### BEGIN SOLUTION
    places = torch.arange(src_mask.shape[1])
    return ((places - position.unsqueeze(1)).abs() <= D) & src_mask
    ### END SOLUTION


# %% check="window_mask" points=2
def probe(window_mask, draw):
    B, S = draw.size(4, 5), draw.size(14, 17)
    D = draw.size(2, 3)
    mask, whole = draw.mask(B, S), draw.watch(torch.ones(B, S, dtype=torch.bool))
    inside = draw.watch(
        torch.tensor([0.0, *(draw.permutation(S - 2)[: B - 2] + 1.0), S - 1.0])
    )
    fractions = draw.uniform(B, low=0.1, high=0.4) + draw.permutation(B) % 2 / 2
    # one window lies in the middle of the sentence, and is cut nowhere
    wholes = torch.cat([torch.tensor([S // 2]), draw.permutation(S - 2)[: B - 1]])
    between = draw.watch(wholes + fractions)
    return {
        "at whole places": window_mask(inside, whole, D),
        "between places": window_mask(between, whole, 3),
        "wide": window_mask(between, whole, draw.size(7, 8)),
        "with padding": window_mask(between, mask, D + 1),
        "beyond the end": window_mask(draw.watch(between + draw.integers(20, 30)), mask, D),
    }


check("window_mask", window_mask, probe)


# %% [markdown]
# Beyond the end the window is empty. That happens to local-m when the translation is longer than the source, and it is why
# `masked_softmax` of lesson 00 gives zeros for a row without any word, instead of NaN.

# %% [markdown]
# Where to look, from the decoder's state: a sigmoid gives a number between 0 and 1, *how far through the sentence*; times the
# length of **this** sentence, not of the longest in the batch, it is a place (equation 9):


# %% name="predict_position" show=true
def predict_position(state: Tensor, W_p: Tensor, v_p: Tensor, src_mask: Tensor) -> Tensor:
    """p_t = S · sigmoid(v_pᵀ tanh(W_p h_t)), S the sentence's own length  (Luong et al. 2015, eq. 9).

    state (B, n), W_p (a, n), v_p (a,), src_mask (B, S) bool  ->  position (B,)
    """
    length = src_mask.sum(dim=1)
    return length * torch.sigmoid(torch.tanh(state @ W_p.T) @ v_p)


# %% [markdown]
# One thing is missing. A word is inside the window or outside; move $p_t$ a little, and nothing changes: the mask has no
# gradient, so $W_p$ and $v_p$ would never learn. So local-p makes words near $p_t$ *count more*, smoothly, with a Gaussian:
#
# $$a_t(s) = \text{softmax}_s(\text{score}) \cdot \exp\left(-\frac{(s - p_t)^2}{2\sigma^2}\right), \qquad \sigma = \frac{D}{2} \qquad \text{(equation 10)}$$
#
# The softmax runs over the words of the window. The product is **not** normalised again: if the decoder points at
# the wrong place, the weights sum to less, the context shrinks, and the loss says so.
#
# ### Find the bugs: a window that never arrives
#
# A colleague has written equation 10 for you:


# %% name="colleague" show=true
def as_found(weights: Tensor, position: Tensor, D: int) -> Tensor:
    """The weights, bent by a Gaussian around each position. weights (B, S), position (B,) -> (B, S)"""
    distance = torch.arange(weights.shape[1]) - position.unsqueeze(1).round()
    sigma = D / 2
    bent = weights * torch.exp(-(distance**2) / 2 * sigma**2)
    return bent / bent.sum(dim=1, keepdim=True)


# %% [markdown]
# It runs, and its shapes are right. But a model with it could never learn to move its window. Four numbers, with D = 4, so σ = 2:

# %% demo="symptoms"
# The symptoms: what equation 10 says, and what the colleague's function does
with demonstration("symptoms"):
    from lessonkit.models import placing

    placing.show_symptoms(as_found)

# %% [markdown] task="gaussian_window"
# Three things are wrong, and each shows in the table. Find them, and write the function anew.
# hint: Take the rows one by one. Which line is to blame for a weight that sums to 1 although the window stands in the wrong place?
# hint: Print `8 / 2 * 4` and `8 / (2 * 4)`. And what happens to a number with `.round()` if you move it a little?
# hint: The distance comes from the real position, the whole denominator `(2 * sigma**2)` stands in brackets, and the product is returned as it is.


# %% exercise="gaussian_window" minutes=10 difficulty=3
def gaussian_window(weights: Tensor, position: Tensor, D: int) -> Tensor:
    """weights · exp(−(s − p)² / 2σ²), σ = D/2; not normalised again  (Luong et al. 2015, eq. 10).

    weights (B, S), position (B,), D places  ->  weights (B, S)
    """
    ### BEGIN SOLUTION
    distance = torch.arange(weights.shape[1]) - position.unsqueeze(1)
    sigma = D / 2
    return weights * torch.exp(-(distance**2) / (2 * sigma**2))
    ### END SOLUTION


# %% check="gaussian_window" points=3
def probe(gaussian_window, draw):
    B, S = draw.sizes(2, 3, 8)
    k, D = draw.size(4, 6), draw.choice((3, 5))
    position = draw.uniform(B, low=0.5, high=S - 1.5)
    return {
        "weights": gaussian_window(draw.weights(B, S), position, D),
        "narrow": gaussian_window(
            draw.weights(k, k), draw.uniform(k, high=k - 1.0), D + draw.choice((-1, 1))
        ),
        "beyond the window": gaussian_window(
            draw.weights(B, S + k + 6), draw.uniform(B, low=0.5, high=2.5), D
        ),
    }


check("gaussian_window", gaussian_window, probe)


# %% [markdown]
# And is it true that without the Gaussian nothing reaches $p_t$? Ask the machine. The same scores, the same loss, with the mask only and with
# your `gaussian_window`:

# %% demo="who_teaches_the_position"
# Table: the gradient at the position, with and without your Gaussian
with demonstration("who_teaches_the_position"):
    scopes.show_who_teaches(window_mask, gaussian_window)

# %% [markdown]
# ## One step of the decoder
#
# state, last $\tilde h$ → **cell** ([last word; last $\tilde h$], state) → new state → **attend** → context → $\tilde h$
#
# Compare with lesson 03: there the query was the state *before* the step, here it is the state *after* it.


# %% name="attentional_vector" show=true
def attentional_vector(context: Tensor, state: Tensor, W: Tensor) -> Tensor:
    """h̃_t = tanh(W_c [c_t; h_t]), context first  (Luong et al. 2015, eq. 5).

    context (B, d), state (B, n), W (n, d + n)  ->  attentional vector (B, n)
    """
    return torch.tanh(torch.cat([context, state], dim=-1) @ W.T)


# %% [markdown] task="input_feeding_step"
# Put the step together. **Input feeding** (section 3.3): the cell reads the last word *and* the last attentional vector, side by
# side, so that the decoder knows where it looked before. You get three functions, called by position: `cell(input, state)` is the GRU,
# `attend(query, memory, src_mask)` gives weights (B, S), `combine(context, state)` is `attentional_vector` with its matrix.
# hint: First the cell; its input is `torch.cat([embedded, attentional], dim=-1)`. Its result is the query for `attend`.
# hint: The context is `(weights.unsqueeze(1) @ memory).squeeze(1)`; then `combine(context, new_state)`.


# %% exercise="input_feeding_step" minutes=10 difficulty=3
def input_feeding_step(
    embedded: Tensor,
    attentional: Tensor,
    state: Tensor,
    memory: Tensor,
    src_mask: Tensor,
    cell: Callable,
    attend: Callable,
    combine: Callable,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step with input feeding; the query is the state after the cell  (Luong et al. 2015, section 3.3).

    embedded y_{t-1} (B, e), attentional h̃_{t-1} (B, n), state h_{t-1} (B, n), memory (B, S, d), src_mask (B, S)
    -> attentional vector h̃_t (B, n), new state h_t (B, n), weights (B, S)
    """
    ### BEGIN SOLUTION
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return combine(context, new_state), new_state, weights
    ### END SOLUTION


# %% check="input_feeding_step" points=3
def probe(input_feeding_step, draw):
    B, S, n, e, d = draw.sizes(5)
    if n == e + d:  # word and context, side by side, must not pass for a state
        n, e = e, n
    embedded, attentional, state = draw.normal(B, e), draw.normal(B, n), draw.normal(B, n)
    memory, mask = draw.normal(B, S, d), draw.mask(B, S)
    C, R = draw.normal(n, e + n, scale=0.5), draw.normal(n, n, scale=0.5)
    A, W = draw.normal(n, d, scale=0.5), draw.normal(n, d + n, scale=0.5)

    def cell(input, state):
        return torch.tanh(input @ C.T + state @ R.T)

    def attend(query, memory, src_mask):
        return masked_softmax((memory @ (query @ A).unsqueeze(-1)).squeeze(-1), src_mask)

    def combine(context, state):
        return torch.tanh(torch.cat([context, state], dim=-1) @ W.T)

    found = {}
    for name, sentences in (("", slice(None)), (" of one sentence", slice(0, 1))):
        given = [x[sentences] for x in (embedded, attentional, state, memory, mask)]
        vector, new_state, weights = input_feeding_step(*given, cell, attend, combine)
        found |= {f"attentional vector{name}": vector, f"state{name}": new_state}
        found[f"weights{name}"] = weights
    return found


check("input_feeding_step", input_feeding_step, probe)


# %% [markdown]
# ## The model
#
# The frame is that of lessons 01 and 03. The encoder reads in both directions with $n/2$ features each way, so that its
# states have $n$ features, as the dot score wants. (The paper's reads in one direction, four layers deep. Lesson 03 showed
# what one direction does to the alignment.) The decoder has two knobs, `score` and `scope`, and calls your functions.


# %% name="encoder" show=true
class BidirectionalEncoder(nn.Module):
    """A GRU in both directions: embedded source (B, S, e), mask (B, S) -> states (B, S, n); padding gives zeros."""

    def __init__(self, n: int):
        super().__init__()
        self.gru = nn.GRU(EMBEDDING, n // 2, batch_first=True, bidirectional=True)

    def forward(self, embedded: Tensor, src_mask: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            embedded, src_mask.sum(1), batch_first=True, enforce_sorted=False
        )
        return nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0]


# %% name="parameters" show=true
LONGEST = 31  # places that the location score knows: 30 words and the end


def parameter(*shape: int) -> nn.Parameter:
    """Normal numbers, so that a product with a vector keeps its size."""
    return nn.Parameter(torch.randn(*shape) / shape[-1] ** 0.5)


def shapes_of(score: str, scope: str, n: int) -> dict[str, tuple[int, ...]]:
    """What a score and a scope have to learn: names and shapes."""
    shapes = {
        "dot": {},
        "general": {"W": (n, n)},
        "concat": {"W": (n // 2, 2 * n), "v": (n // 2,)},
        "location": {"W": (LONGEST, n)},
    }[score]
    return shapes | ({"W_p": (n, n), "v_p": (n,)} if scope == "local-p" else {})


# %% name="decoder" show=true
class LuongDecoder(seq2seq.StepDecoder):
    """Luong's decoder. Its state is (h, h̃, number of the step); keeps the weights and positions of the last step."""

    def __init__(self, n: int, score: str, scope: str, D: int, feed: bool, gaussian: bool):
        super().__init__()
        self.score, self.scope, self.D = score, scope, D
        self.feed, self.gaussian = feed, gaussian
        self.cell, self.W_c = nn.GRUCell(EMBEDDING + n, n), parameter(n, 2 * n)
        for name, shape in shapes_of(score, scope, n).items():
            self.register_parameter(name, parameter(*shape))

    def start(self, memory: Tensor, src_mask: Tensor) -> tuple[Tensor, Tensor, int]:
        half = memory.shape[2] // 2  # each direction's last state: it has read everything
        forward = seq2seq.last_state(memory[..., :half], src_mask.sum(1))
        h = torch.cat([forward, memory[:, 0, half:]], dim=-1)
        return h, torch.zeros_like(h), 0

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        if self.score == "dot":
            return dot_score(query, keys)
        if self.score == "general":
            return general_score(query, keys, self.W)
        if self.score == "concat":
            return concat_score(query, keys, self.W, self.v)
        return location_score(query, keys.shape[1], self.W)

    def attend(self, query: Tensor, memory: Tensor, src_mask: Tensor) -> Tensor:
        scores = self.scores(query, memory)
        if self.scope == "global":
            return masked_softmax(scores, src_mask)
        if self.scope == "local-m":
            self.position = torch.full((len(query),), float(self.t))
        else:
            self.position = predict_position(query, self.W_p, self.v_p, src_mask)
        weights = masked_softmax(scores, window_mask(self.position, src_mask, self.D))
        if self.scope == "local-m" or not self.gaussian:
            return weights
        return gaussian_window(weights, self.position, self.D)

    def step(
        self, embedded: Tensor, state: tuple, memory: Tensor, src_mask: Tensor
    ) -> tuple[Tensor, tuple]:
        h, attentional, self.t = state
        fed = attentional if self.feed else torch.zeros_like(attentional)
        attentional, h, self.weights = input_feeding_step(
            embedded, fed, h, memory, src_mask, self.cell, self.attend, self.combine
        )
        return attentional, (h, attentional, self.t + 1)

    def combine(self, context: Tensor, state: Tensor) -> Tensor:
        return attentional_vector(context, state, self.W_c)


# %% name="make_model" show=true
HIDDEN, WINDOW = (
    128,
    4,
)  # n, and D: the window has nine words (the paper's D is 10, for sentences up to 50)
STEPS, RATE = 628, 4e-3  # four passes; chosen on the validation sentences


def make_model(
    score: str, scope: str, feed: bool = True, gaussian: bool = True, D: int = WINDOW
) -> seq2seq.EncoderDecoder:
    """A translator with one of the four scores ("dot") and one of the three scopes ("global")."""
    source, target = len(data.source_vocabulary), len(data.target_vocabulary)
    return seq2seq.EncoderDecoder(
        BidirectionalEncoder(HIDDEN),
        LuongDecoder(HIDDEN, score, scope, D, feed, gaussian),
        nn.Embedding(source, EMBEDDING),
        nn.Embedding(target, EMBEDDING),
        nn.Linear(HIDDEN, target),
    )


def training_batches(
    seed: int, corpus: translation.Translation | None = None
) -> Iterator[translation.Batch]:
    """Batches of 64 without end, of French if no other corpus is given; every pass in another order."""
    corpus = corpus or data
    while True:
        yield from translation.batches(
            corpus.train, corpus.source_vocabulary, corpus.target_vocabulary, 64, seed=seed
        )
        seed += 1000


def train_model(
    model: seq2seq.EncoderDecoder,
    seed: int,
    corpus: translation.Translation | None = None,
    title: str = "training",
    quiet: bool = False,
    seconds: float = 55,
    lr: float = RATE,
) -> train.History:
    """Four passes over the training pairs, in at most so many seconds of the processor's time."""
    return train.fit(
        model, training_batches(seed, corpus), seq2seq.translation_loss,
        steps=STEPS, lr=lr, warmup=100, decay=True,
        seconds=seconds, title=title, quiet=quiet,
    )  # fmt: skip


# %% [markdown]
# The two models below differ in scope and language. The first uses *general* with *global* scope on French. The second
# uses *general* with *local-p* on mirrored French: it must find out, from translations alone, that its window has to start at the *end* of
# the sentence and move backwards. Nobody tells it where the words are.

# %% predict="train_local"
predict("train_local", "Of 100 mirrored sentences of 10 to 18 words, how many will local-p translate without a mistake?", (0, 100, 1))  # fmt: skip

# %% demo="train_global" varies=true
# Training: general score, global scope, French, about 50 seconds
with demonstration("train_global"):
    # fmt: off
    torch.manual_seed(0)
    train_model(global_model := make_model("general", "global"), 0, title="general, global, French")
    scopes.show_translations(global_model, data)

# %% demo="train_local" varies=true
# Training: general score, local-p, mirrored French, about 50 seconds
with demonstration("train_local"):
    # fmt: off
    torch.manual_seed(0)
    train_model(local_model := make_model("general", "local-p"), 0, mirror, title="general, local-p, mirrored French")
    exact = scopes.show_translations(local_model, mirror)
    lesson.reveal("train_local", round(100 * exact["medium"]), f"The Gaussian gives the predicted place a gradient, and right words are the reward. Recorded: {lesson.spread('mirror_local_p', 'medium')}.")

# %% [markdown]
# ## Where do they look?
#
# As in lesson 03: feed a sentence and its right translation, and keep the weights of every step.


# %% demo="heat_maps" varies=true
# Figures: one sentence in both models; orange dots are the predicted places
with demonstration("heat_maps"):
    # fmt: off
    scopes.show_maps({"global, French": (global_model, data), "local-p, mirrored French": (local_model, mirror)})

# %% [markdown]
# The orange dots are $p_t$. The window found its way to the end of the sentence and walks backwards, learned from nothing but
# right translations. The dots needn't lie exactly on gold: within the window the scores choose.
#
# One sentence is an anecdote. Two things can go wrong with a local weight: the *window* stands in the wrong place, or it stands right and the *scores* choose badly.
# Measure them apart.

# %% [markdown] task="window_finds"
# Only target words with gold count: padding has none, and one or the other word has none. A word may have several gold source words; one of them is enough. Two shares of the words that count:
#
# - `inside`: a gold word lies at most `D` from the position. (The window *could* find it.)
# - `on_gold`: the largest weight lies on a gold word. (It *did*.)
#
# hint: Which words count? `gold.any(dim=-1)` is (B, T); index with it what you have found for every word, then take the mean.
# hint: The distances of all places from all positions, (B, T, S): `positions` needs one more axis. *At most D away, and gold*; then `any` over the source.
# hint: `weights.argmax(dim=-1, keepdim=True)` is (B, T, 1), the places of the largest weights; `gold.gather(-1, ...)` says of each whether it is gold.


# %% exercise="window_finds" minutes=12 difficulty=3
def window_finds(
    positions: Tensor, weights: Tensor, gold: Tensor, D: int
) -> tuple[Tensor, Tensor]:
    """Of the target words that have gold: for how many does it lie in the window, and for how many was it found.

    positions (B, T), weights (B, T, S), gold (B, T, S) bool, D places to either side  ->  shares inside (), on_gold ()
    """
    ### BEGIN SOLUTION
    counts = gold.any(dim=-1)
    near = (torch.arange(gold.shape[-1]) - positions.unsqueeze(-1)).abs() <= D
    inside = (near & gold).any(dim=-1)
    on_gold = gold.gather(-1, weights.argmax(dim=-1, keepdim=True))  # (B, T, 1)
    return inside[counts].float().mean(), on_gold[counts].float().mean()
    ### END SOLUTION


# %% check="window_finds" points=3
def probe(window_finds, draw):
    B, T, S = draw.sizes(3, low=10, high=15)
    found = {}
    for name, D in (
        ("between places", 1),
        ("at whole places", 2),
        ("wide", draw.size(3, 4)),
    ):
        weights, gold = draw.weights(B, T, S), draw.uniform(B, T, S) < 0.08
        largest = nn.functional.one_hot(weights.argmax(dim=-1), S).bool()
        gold |= largest & (draw.uniform(B, T, 1) < 0.3)
        gold[:, -2:] = False  # padding
        gold[: B - 1, 0, [0, S - 1]] = True  # two gold words, far apart
        shut = nn.functional.one_hot(torch.zeros(B, 1, dtype=torch.int64), S)
        weights = torch.cat([weights[:, :1], 1.0 * shut, weights[:, 2:]], dim=1)
        gold[:, 1] = torch.arange(S) == S - 1  # outside the window: no weight at all
        positions = draw.integers(0, S, B, T) + 0.0
        if name != "at whole places":
            positions = positions + draw.uniform(B, T)
        inside, on_gold = window_finds(draw.watch(positions), weights, draw.watch(gold), D)
        found |= {f"inside, {name}": inside, f"on gold, {name}": on_gold}
    return found


check(
    "window_finds",
    window_finds,
    probe,
    no_gradients="a measurement: nothing trains through it",
)

# %% demo="window_finds" varies=true
# Table: did the window find its place, and did the scores find the word? Long mirrored sentences
with demonstration("window_finds"):
    placing.show_finds(window_finds, local_model, mirror)

# %% [markdown]
# The first column is the doing of the *position*, the second that of position and scores together, which can't be greater: what the window doesn't hold, the scores can't find. Compare your first two
# rows: the position finds the neighbourhood, the scores find the word. In brackets stand pointers that never saw a sentence. The place that local-m takes, $t$, holds a gold word for less than a fifth of the words of long mirrored
# sentences, the middle of the sentence for about a third. Only a window that moves backwards can do better, and that is what had to be learned.
#
# ## Four scores, three scopes
#
# One table, the same French for all: three seeds each, recorded with the code of this lesson. The local
# scopes use the general score. Seconds are processor seconds of training on one thread. All have the same learning rate, 4e-3. That may suit one score better than another; so the three that look at words were trained again, each at
# its own rate: the one of 2e-3, 4e-3 and 8e-3 with which it got most validation sentences right. (On other machines: these rows have no seconds.)

# %% predict="scores_and_scopes"
predict("scores_and_scopes", "Which score gets most long sentences right?", ["dot", "general", "concat", "location"])  # fmt: skip

# %% demo="scores_and_scopes"
# Table: four scores, three scopes, and pointers that don't look
with demonstration("scores_and_scopes"):
    # fmt: off
    from lessonkit.models import alignment

    models = {"dot": "dot, global", "general": "general, global", "concat": "concat, global", "location": "location, global"} | scopes.own_rates(lesson, ["dot", "general", "concat"]) | {"local_m": "general, local-m", "local_p": "general, local-p"}
    scopes.show_recorded(lesson, models, "French: exact match by length, alignment error rate", alignment.blind_error_rates(data.test_medium))
    lesson.reveal("scores_and_scopes", "concat", f"{lesson.spread('concat', 'long')}; location {lesson.spread('location', 'long')}, dot {lesson.spread('dot', 'long')}, general {lesson.spread('general', 'long')}, all at one rate. At their own: concat {lesson.spread('concat_own', 'long')}, dot {lesson.spread('dot_own', 'long')}, general {lesson.spread('general_own', 'long')}.")

# %% [markdown]
# Read the table by columns. On **exact match** *concat* is ahead on long sentences, at the one rate as well as with each at its own, on all three seeds. *dot* and *general* are a tie both times, and train faster. So within this grid the rate isn't
# what holds them back (*dot* and *concat* did best at its highest: a still higher one might do better). Is *concat* the better *score*, then? On these sentences, so far, yes. Why, isn't shown. It has a tanh, so its scores have a limit, where a product
# of 128 numbers that isn't scaled gives large scores and hard weights (lesson 07 is about that). A factor $1/\sqrt n$ wasn't tried; it is one line to change in *dot*.
#
# The surprise is *location*: it never looks at the words it
# chooses between, and translates long sentences better than *dot* and *general*, at 4e-3, and better than they do at their own rates. How? Its alignment error rate tells, 0.335 to 0.340: that is what the bare diagonal gets, 0.351, without
# looking at anything. So it has learned to count. French keeps the order well enough for that, and what the place alone doesn't tell, the encoder's states there may, which know
# their neighbours. Right translations, and the largest weight beside the right word in a third of the cases: **attention is not alignment**.
#
# Now the scopes. local-m is *ahead* of global attention on long sentences, with the same score, at 4e-3, which is *general*'s own rate, too. Its window is a piece of knowledge: "the right word is near".
# For French that is true, so (probably) there is less to learn, and less to confuse. local-p must learn where to look first, and gains nothing here.
#
# ## Where the monotonic window must fail
#
# On French, local-m has all it needs: you saw that hardly a link lies outside its window.

# %% predict="shift_figure"
predict("shift_figure", "Which words of a long mirrored sentence can local-m still look at?", ["the first ones", "those in the middle", "the last ones", "none"])  # fmt: skip

# %% demo="mirrored_table"
# Table: three scopes on mirrored French
with demonstration("mirrored_table"):
    # fmt: off
    scopes.show_recorded(lesson, {f"mirror_{scope.replace('-', '_')}": f"general, {scope}" for scope in ("global", "local-m", "local-p")}, "Mirrored French: exact match by length, alignment error rate", alignment.blind_error_rates(mirror.test_medium))

# %% [markdown]
# Where exactly does it fail? Take all words of the long mirrored sentences, and sort them by how far they have moved: $|s - t|$, the
# distance between a target word's own place and that of its gold source word. The window allows 4. For each group: how
# often is the next word right, if the right words so far are fed in? And how often is the largest weight on gold?


# %% demo="shift_figure"
# Figures: words right and weights on gold, by how far a word has moved
with demonstration("shift_figure"):
    # fmt: off
    scopes.show_shifts(lesson)
    lesson.reveal("shift_figure", "those in the middle", "They have moved least. Of words that moved further than the window reaches, its largest weight is on gold for none.")

# %% [markdown]
# In a mirrored sentence the words near the middle move least: those local-m can still see. So the answer is: the middle. For words that moved further than
# the window reaches, it has its largest weight on gold *never*: it isn't allowed to. It still
# guesses some of these words, a third of them and nearly half of those that moved furthest, which are the first and the last of their sentences. Probably from grammar, and from what its
# first state, which has read the whole sentence, remembers: that would be lesson 01's bottleneck come back. And one wrong word spoils a sentence, so exact match falls to nothing.
#
# Global and local-p attention don't care how far a word has moved. What was knowledge on French is a blindfold on the mirrored
# language, and the model can't tell you which of the two it is: it trains without complaint.
#
# ## What is saved?
#
# Count the multiplications (each with its addition) of one step with the general score: $h^\top W$ is $n^2$; then for each word in scope
# $n$ for the score and $n$ for the average. local-p pays $n^2 + n$ more for its position, whatever the length. (D is 10 here, as in the paper.)

# %% predict="work_per_step"
predict("work_per_step", "From how many words on is code faster, on your computer, that computes the window only?", ["32", "128", "512", "2048", "8192"])  # fmt: skip

# %% demo="work_per_step" varies=true
# Table and figure: what a window saves, counted and timed
with demonstration("work_per_step"):
    # fmt: off
    faster = scopes.show_work(general_score, predict_position, window_mask, gaussian_window)
    lesson.reveal("work_per_step", str(faster), "Counted, the two cross at 86 words. Finding the window takes calls of its own, and those take time.")

# %% [markdown]
# Read the last two columns twice. **A mask saves nothing**: the model you trained computes all scores and then throws most of them away, as almost
# every implementation does, because it is short and batches well. Only code that never touches the other words is
# local in cost, too. Even that pays only for long sources. In multiply-adds the two cross at 86 words; in time, far later: look where the curves of *global* and *local-p, window* meet (between 128 and 512
# words in our run), since finding the window costs calls of its own. Our longest sentence has 30 words, which is why the table above
# shows no seconds saved. (Lesson 12 makes real savings, at lengths where they count. The encoder, in any case, reads every word.)
#
# ### Explore it
#
# Turn the two knobs of the window by hand. Blue: the softmax over the words of the window, as the scores would have it. Orange: what the Gaussian
# makes of it. Move the position away from the word that scores highest, and watch the sum, never quite 1, drop further.

# %% demo="window_explorer" varies=true
# Explorer: move the window, and change its reach
with demonstration("window_explorer"):
    # fmt: off
    scopes.window_explorer(data.validation[scopes.chosen(data)[0]].source, window_mask, gaussian_window)

# %% [markdown]
# And the map of your local-p on mirrored French: pick a sentence, and hover over a French word, or walk with the arrow keys.

# %% demo="explorer" varies=true
# Map to touch: local-p on mirrored French
with demonstration("explorer"):
    scopes.explorer(local_model, mirror)

# %% [markdown]
# ## Predict, then break it
#
# Two parts to take away.
#
# 1. **No input feeding.** The cell gets zeros in place of $\tilde h_{t-1}$ (`feed=False`). As many parameters as before; but the decoder no
#    longer knows where it looked.
# 2. **No Gaussian.** local-p with the window's mask only (`gaussian=False`), on mirrored French. Remember the two gradients above.
#
# You can run either in about forty seconds: `model = make_model("general", "local-p", gaussian=False)`, then `train_model(model, 0, mirror)`.

# %% predict="ablations"
predict("ablations", "Without the Gaussian: of 100 mirrored sentences of 19 words and more, how many are still right?", (0, 100, 1))  # fmt: skip

# %% demo="ablations"
# Table: without input feeding, without the Gaussian
with demonstration("ablations"):
    # fmt: off
    parts = {"general": "French: general, global", "no_feeding": "… without input feeding", "mirror_local_p": "mirrored: general, local-p", "mirror_no_gaussian": "… without the Gaussian"}
    scopes.show_recorded(lesson, parts, "What each part does: exact match by length, alignment error rate")
    lesson.reveal("ablations", round(100 * sum(lesson.recorded("mirror_no_gaussian", "long")) / 3), f"With it {lesson.spread('mirror_local_p', 'long')}. Without it nothing teaches the position.")

# %% [markdown]
# Without **input feeding** little is lost here. The decoder's own state can carry where it was; with one sentence of thirty words there is
# not much to keep in mind. The paper's gain was larger, on longer and messier text. We keep it, and say so.
#
# Without the **Gaussian** local-p is lost on anything longer than its window. The position depends on the state through weights that
# stay as random as they began, since nothing ever teaches them: the window drifts with the state, and what lies outside is out of
# reach. A prediction without a gradient is no prediction.
#
# ## The paper says, we measured

# %% demo="paper_table"
# Table: what the paper says, and what was measured
with demonstration("paper_table"):
    # fmt: off
    recorded.paper_table(lesson, "Luong et al. 2015",
        ("globally, dot is better than general", "BLEU 18.6 and 17.3 (table 4)", "exact match on long sentences, each at its own rate: {dot_own.long} and {general_own.long}: a tie"),
        ("concat does not do well", "left out of the tables (section 5.3)", "long, at its own rate: {concat_own.long}, ahead of dot and general on every seed"),
        ("location doesn't learn good alignments", "BLEU 18.1, between dot and general (table 4); AER 0.39, the worst (table 6)", "long {location.long}, AER {location.aer}; the bare diagonal has 0.35"),
        ("local-p is the best scope", "BLEU 19.0, local-m 18.6, global 17.3, all with general (table 4)", "long: local-p {local_p.long}, local-m {local_m.long}, global {general.long}"),
        ("input feeding helps", "BLEU +1.3 (table 1)", "long: with {general.long}, without {no_feeding.long}"),
        ("alignments get better with a window", "AER 0.34 local-m, 0.36 local-p, 0.39 global location (table 6)", "like for like: local-m {local_m.aer}, local-p {local_p.aer}, global location {location.aer}; but global general {general.aer}"))

# %% [markdown]
# The differences are honest ones. The paper translates news from English to German with four layers of a thousand LSTM cells, trained for
# days; its sentences have up to fifty words, its scores are BLEU. Ours is a generated grammar, about a minute, and whole sentences
# right or wrong. Where we find no difference, that may be because our sentences are too easy to show it. What carries over: a window
# with a predicted place loses little, a window at a fixed place is a bet on word order, and *location* aligns badly.
#
# ### Real sentences
#
# `python -m lessonkit full 04`, in the course's folder, trains the first model (general, global) on real English-French sentences (Tatoeba), in your own time: it
# saves its state every two minutes, and goes on when you start it again. It measures BLEU on sentences held out, and the alignment error rate
# against links that *people* drew (Och and Ney 2000). This is a recorded run:

# %% demo="real_sentences"
# Table: a recorded run on real sentences
with demonstration("real_sentences"):
    scopes.show_full(recorded.Recorded(lesson, {}).full())

# %% [markdown]
# *The diagonal* is a guess without any model: each French word is linked to the English word that is as far through its sentence. The model
# translates phrases of its own kind by now. Yet its attention is farther from the people's links than that guess. The sentences
# that people aligned come from a parliament, not from a phrase book: other words, other lengths. And attention is no alignment (lesson 03): to write the
# next word well, it may look at the word beside. Hold the two rates beside each other before you believe an attention map; then train
# on, and hold them beside each other again.
#
# ## Summary
#
# 1. Two knobs: the *score* says how query and key are compared, the *scope* says which keys are compared at all.
# 2. Luong's decoder updates first and looks after: the query is the new state $h_t$.
# 3. *dot* has nothing to learn, *general* puts a matrix between, *concat* is the additive score of lesson 03.
# 4. *location* scores places without seeing the words; it works as far as the decoder knows where things are.
# 5. $\tilde h_t = \tanh(W_c [c_t; h_t])$ joins what was found and what was known; input feeding hands it to the next step.
# 6. A local window looks at $2D + 1$ words. local-m puts it at $p_t = t$: it can't see what moved further than $D$.
# 7. local-p predicts $p_t = S \cdot \sigma(\dots)$; the Gaussian around $p_t$ is what gives the prediction a gradient.
# 8. The Gaussian's product is not normalised again: the farther the weight lies from $p_t$, the smaller their sum.
# 9. A mask restricts the scope and saves no work; only code that leaves the other words alone does, and only for long sources.
# 10. Must you look at every word? No, if the right one is near a place that you can predict. But looking at fewer saves work only if the code leaves the others alone, and
#     which knob matters is a question about your data: on short, well ordered sentences neither changes much.
#
# ## References
#
# - M.-T. Luong, H. Pham, C. D. Manning, *Effective Approaches to Attention-based Neural Machine Translation*, EMNLP 2015,
#   arXiv:1508.04025.
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*, ICLR 2015,
#   arXiv:1409.0473.
# - F. J. Och, H. Ney, *Improved Statistical Alignment Models*, ACL 2000: sentences with links that people drew.
# - F. J. Och, H. Ney, *A Systematic Comparison of Various Statistical Alignment Models*, Computational Linguistics 29(1), 2003.
