# %% [markdown]
# # Lesson 07: every word asks every word
#
# **Who was tired?** Read this sentence: *the animal did not cross the street because it was tired.* You know at once that *it*
# is the animal: that is the noun it stands for, its **antecedent**. Now read *... because it was wide.* One word has changed, at the
# very end, and *it* has become the street. (A whole test is made of such pairs: Levesque, Davis and Morgenstern 2012. This one
# stood in Google's first report on the Transformer: Uszkoreit 2017.) To understand a word, you look at other words of the same
# sentence, near ones and far ones, on both sides.
#
# In the lessons so far attention went from one thing to another: a French word asked the English words, a caption asked the
# picture. A recurrent network had read the input first. In 2017 Vaswani and others asked what happens if you leave
# the recurrent network out. Every word asks every word of its own sentence, and that's all. They called the paper *Attention Is
# All You Need*.
#
# You build this *self-attention* in six exercises: you turn loops into matrix products, mend a colleague's version, let yours fight a
# recurrent network over pronouns, and write the measurement that tells whether *it* points at its antecedent. A small grammar wrote the sentences, so the right
# noun is known for each of them: such a known right answer is called **gold**. Allow 100 minutes.
#
# **Notation**
#
# | letter | here | before |
# |---|---|---|
# | $a_i$, all of them $X$ | the vector of word $i$, $d$ numbers | lesson 05: $a_i$ was a region of a picture |
# | $q_i$ | query: what word $i$ asks with, $d_k$ numbers | lesson 03: the decoder's state $s_{i-1}$; 04: $h_t$; 05: $h_{t-1}$ |
# | $k_j$ | key: how word $j$ is found, $d_k$ numbers | lesson 03: the encoder's state $h_j$, key and value in one |
# | $v_j$ | value: what word $j$ tells, $d_v$ numbers | the same $h_j$; and $v$ alone was a vector of the additive score |
# | $e_{ij}$, then $\alpha'_{ij}$ | score and weight of word $j$ for word $i$ (in matrices $A$, then $A'$) | lesson 03: $e_{ij}$, $\alpha_{ij}$ |
# | $b_i$ | the output for word $i$ | lesson 03: the context $c_i$ |
# | $T$ | number of words; they ask and are asked | lessons 03, 04: target words; the source had $S$ |

# %% name="setup"
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lessonkit import Lesson, train
from lessonkit.data import pronouns
from lessonkit.models import readers
from lessonkit.models.attention import masked_softmax
from lessonkit.show import recorded, scale

lesson = Lesson("07_self_attention")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
data = pronouns.load_pronouns()

# %% [markdown]
# ## The task: what is *it* in Icelandic?
#
# A translator must know whom *it* means. In Icelandic a dog (*hundur*) is masculine, a mouse (*mús*) feminine, a pig (*svín*) neuter. So *it*
# becomes *hann*, *hún* or *það*. For *they* there are three forms, too: *þeir*, *þær* and *þau*. (These are the nominatives, *he*
# and not *him*. We ask for the nominative always, also where Icelandic writes another case: *fed it* would be *hana*, *planted them*
# *þá*. The case follows from the verb. Gender and number must come from the noun, and they are what we are after.)
#
# The corpus has sentences of 10 to 44 words, written by a small grammar. Each has one pronoun: *it*, *they* or *them*. Several
# nouns could be meant. Two words decide. The pronoun tells the number: *it* is one thing. A word beside it tells the class: only
# food is *ripe*, only something like a road is *paved*. Exactly one noun fits both, and its gender gives the answer. In half of the sentences the
# noun stands before the pronoun, in half after it (*before the farmer fed them, the pigs ...*).

# %% demo="corpus"
# Table: four sentences, and how often somebody is right who guesses
with demonstration("corpus"):
    readers.show_examples(data)

# %% [markdown]
# Neither the nearest noun nor the first one is a good guess. In medium and long sentences the nearest noun is *never* meant, by
# construction: to keep the two apart, other nouns stand in between. The first one is meant no more often than a noun drawn blindly.
# But the answer is a form, not a noun: who knows the number, and guesses the gender, is right in a third.
#
# ## The experiment that fails
#
# Let a GRU read the sentence, and ask its state at the pronoun: which of the six forms? Two networks try. One reads from left
# to right, the other in both directions. To make their life easier, each word is first mixed with its neighbours, so that *it*
# already knows that it is *tired*. They were trained until their error on the validation sentences stopped falling, so nobody can say that
# they had too little time, and at a learning rate of 6e-3, twice that of the networks with attention. All networks of this lesson see the same 12,000
# training sentences, without dropout, and have 64 features a word in all: the network that reads both ways has 32 for each
# direction.
#
# The noun is 6 to 11 words away from the pronoun (short), 12 to 18 (medium) or 19 to 28 (long), on either side.

# %% predict="recurrent"
predict("recurrent", "Of 100 pronouns whose noun comes after them, how many will the network get right that reads from left to right?", (0, 100, 1))  # fmt: skip


# %% name="recurrent_reader" show=true
WIDTH = 64  # features of a word


def with_neighbours(words: Tensor, mask: Tensor) -> Tensor:
    """To each word, the mean of the two words before and the two after it: (B, T, d), mask (B, T) -> (B, T, d)."""
    words = words * mask.unsqueeze(-1)
    padded = nn.functional.pad(words, (0, 0, 2, 2))
    T = words.shape[1]
    beside = sum(padded[:, shift : shift + T] for shift in (0, 1, 3, 4))
    return words + beside / 4


def read(gru: nn.GRU, words: Tensor, mask: Tensor) -> Tensor:
    """The states of a GRU that reads no padding: words (B, T, d), mask (B, T) -> (B, T, n)."""
    packed = nn.utils.rnn.pack_padded_sequence(
        words, mask.sum(1), batch_first=True, enforce_sorted=False
    )
    return nn.utils.rnn.pad_packed_sequence(gru(packed)[0], batch_first=True)[0]


class RecurrentReader(nn.Module):
    """A GRU reads the sentence; from its state at the pronoun a network with one hidden layer chooses the answer."""

    def __init__(self, both_ways: bool):
        super().__init__()
        n = WIDTH // 2 if both_ways else WIDTH
        self.embed = nn.Embedding(len(data.vocabulary), WIDTH)
        self.gru = nn.GRU(WIDTH, n, batch_first=True, bidirectional=both_ways)
        self.readout = nn.Sequential(
            nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, len(data.answers))
        )

    def forward(self, batch: pronouns.Batch) -> Tensor:
        words = with_neighbours(self.embed(batch.words), batch.mask)
        states = read(self.gru, words, batch.mask)
        return self.readout(states[torch.arange(len(states)), batch.pronoun])


# %% demo="recurrent"
# Figures and table: what two recurrent networks resolve, by distance and by the side of the noun
with demonstration("recurrent"):
    # fmt: off
    readers.show_recorded(lesson, networks := {"gru": "GRU", "bigru": "GRU, both ways"})
    lesson.reveal("recurrent", round(100 * sum(lesson.recorded("gru", "after")) / 3), "It hasn't heard of the noun yet. It knows the number, from the pronoun, and guesses one of three genders: 33 in 100.")

# %% [markdown]
# When the noun comes after the pronoun, the one-way network is down to a guess, one in three: it hasn't heard of the noun yet. The
# network that reads both ways has heard of everything. Still it is wrong far too often.
#
# Why is it hard? When a noun goes by, nobody knows yet whether it will be needed. So the network must carry up to eight
# nouns, each with number, class and gender, over all the words between. In the end its
# error on validation sentences stops falling. That is where we stopped.
#
# ## The idea, with shapes
#
# Let the pronoun ask the nouns directly. Then the distance doesn't matter, and nobody has to carry anything.
#
# The problem behind it is a general one: the input is a *set of vectors that belong together, as many as there happen to be*. A fully connected
# layer can't relate them. Applied to each word alone it never sees the others; applied to all words at once it needs a fixed number of them, and
# other weights for each place. What comes out depends on the task. One answer for each vector: what part of speech is
# this word? One for all of them: is this review friendly? Or as many as the machine chooses: a translation. Self-attention gives one new vector for each
# old one, in which all the others have had a say; each of the three tasks can start from those. Ours needs the one at the pronoun.
#
# | | target-source attention (lessons 03 to 05) | self-attention |
# |---|---|---|
# | who asks | a state of the decoder | a word of the sentence |
# | who is asked | the states of the source | the words of the *same* sentence |
# | needs the target? | yes: without it there is no query | no: each word is source and target at once |
# | weights | target words × source words | $T \times T$ |
#
# (Some texts say "attention with itself as the target". That doesn't mean that only sources can do it: a decoder can ask the words of the *target* that
# are written already, and lesson 10's does.)
#
# Every word has three jobs now: it asks, it is asked, and it answers. One vector for three jobs is awkward. So each word's
# vector $a_i \in \mathbb{R}^d$ is multiplied by three learned matrices (Vaswani et al. 2017, sections 3.2.1 and 3.2.2):
#
# $$q_i = W^q a_i, \qquad k_i = W^k a_i, \qquad v_i = W^v a_i$$
#
# The **query** $q_i$ is what word $i$ looks for (*it*: a single food). The **key** $k_j$ is how word $j$ can be found (*apple*: I am
# a single food). The **value** $v_j$ is what it tells when it is asked. $W^q$ and $W^k$ have the shape $(d_k, d)$, $W^v$ has
# $(d_v, d)$.

# %% demo="mechanism"
# Drawing: queries, keys and values of one sentence, with shapes
with demonstration("mechanism"):
    # fmt: off
    from lessonkit.show import drawing

    boxes = {"X": (0.6, 1.6, "words X", "(T, d)", "input"), "A": (4.0, 2.2, "scores A", "(T, T)", "attention"), "W": (6.0, 2.2, "weights A′", "(T, T)", "attention"), "O": (7.3, 1.2, "outputs O", "(T, d_v)", "output")} | {name: (2.4, y, f"{word} {name}", f"(T, {size})", "learned") for name, word, size, y in (("Q", "queries", "d_k", 2.8), ("K", "keys", "d_k", 1.6), ("V", "values", "d_v", 0.4))}
    arrows = [("X", "Q", "Wq"), ("X", "K", "Wk"), ("X", "V", "Wv"), ("Q", "A", "asks"), ("K", "A", "is asked"), ("A", "W", "softmax"), ("W", "O", "average"), ("V", "O", "answers")]
    drawing.draw("The words X, T by d, are multiplied by three learned matrices: queries and keys, T by d_k, and values, T by d_v. Queries times keys give T by T scores; softmax over each row gives weights; weights times values are the outputs, T by d_v.", boxes, arrows, height=3.2)

# %% [markdown]
# In code, for all words of a batch at once. The words are *rows* here, and for a row "matrix times column" becomes "row times
# transposed matrix":


# %% name="projections" show=true
def project_qkv(
    a: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """q_i = W^q a_i and so on: a (B, T, d), W_q, W_k (d_k, d), W_v (d_v, d) -> (B, T, d_k), (B, T, d_k), (B, T, d_v)."""
    return a @ W_q.T, a @ W_k.T, a @ W_v.T


# %% [markdown]
# ## How well do they fit? Two scores
#
# Now every query meets every key. You know the **additive** score from lesson 03. Here it has the form $\tanh$ of the sum of
# query and key, weighed by a learned vector $w$:
#
# $$e_{ij} = w^\top \tanh(q_i + k_j)$$
#
# The only news is the shape: there are $T$ queries, not one, so there are $T \times T$ scores. The row is the word that asks,
# the column the word that is asked. `unsqueeze` puts in an axis of length 1, so that every query meets every key:


# %% name="additive" show=true
def additive_self_scores(q: Tensor, k: Tensor, w: Tensor) -> Tensor:
    """w^T tanh(q_i + k_j)  (after Bahdanau et al. 2015, appendix A.1.2): q (B, Q, n), k (B, T, n), w (n,) -> (B, Q, T)."""
    pairs = q.unsqueeze(2) + k.unsqueeze(1)  # (B, Q, 1, n) + (B, 1, T, n) -> (B, Q, T, n)
    return torch.tanh(pairs) @ w


# %% [markdown]
# It makes a tensor of $B \cdot Q \cdot T \cdot n$ numbers before it sums over $n$. The **dot product** does not: all
# scores of a sentence are one matrix product, the operation that computers do fastest. That is why Vaswani et al. chose it
# (section 3.2.1). But they divide it by a number:
#
# $$e_{ij} = \frac{q_i^\top k_j}{\sqrt{d_k}}$$
#
# **Why $\sqrt{d_k}$?** Let the components of $q$ and $k$ be independent, with mean 0 and variance 1. Each product $q_m k_m$ has
# mean 0 and variance 1. The dot product is a sum of $d_k$ of them, so its variance is $d_k$, and its standard deviation is
# $\sqrt{d_k}$. Divide by that, and the variance is 1 again, whatever $d_k$ is.
#
# Some texts say that one divides by 8, and that 8 is a value found by experiment. It is not. The paper's heads have
# $d_k = 64$, and $\sqrt{64} = 8$.

# %% [markdown] task="dot_scores"
# Write the scaled dot-product scores, for all queries and keys of a batch. Take the width from the tensors.
# hint: Queries are the rows of q, keys the rows of k. For all pairs of rows, one of the two must be turned: which axes change places?
# hint: `k.T` would turn all three axes. You want the last two only: `k.transpose(-2, -1)`, or `k.mT`.
# hint: `q @ k.transpose(-2, -1)` is (B, Q, T). Divide by the root of `q.shape[-1]`.


# %% exercise="dot_scores" minutes=6 difficulty=1
def dot_scores(q: Tensor, k: Tensor) -> Tensor:
    """Scaled dot products q_i · k_j / √d_k  (Vaswani et al. 2017, eq. 1).

    queries q (B, Q, d_k), keys k (B, T, d_k)  ->  scores (B, Q, T)
    """
    ### BEGIN SOLUTION
    return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    ### END SOLUTION


# %% check="dot_scores" points=2
def probe(dot_scores, draw):
    B, Q, T = draw.sizes(3)
    d_k, narrow = draw.size(40, 60), draw.size(3, 6)  # wide, so that a lost scale shows
    return {
        "scores": dot_scores(draw.normal(B, Q, d_k), draw.normal(B, T, d_k)),
        "narrow": dot_scores(draw.normal(B, T, narrow), draw.normal(B, T, narrow)),
    }


check("dot_scores", dot_scores, probe)


# %% [markdown]
# Which of the two scores is cheaper, the additive one or yours? They give as many numbers, here for 64 sentences of 32 words and 64 features.

# %% predict="two_scores"
predict("two_scores", "How many times as long does the additive score take?", (1, 300, 1))


# %% demo="two_scores" varies=true
# Table: the time of two scores, on this computer
with demonstration("two_scores"):
    # fmt: off
    times_as_long = readers.compare_scores(dot_scores, additive_self_scores)
    lesson.reveal("two_scores", round(times_as_long), "It makes 64 times as many numbers on the way, and takes the tanh of each.")

# %% [markdown]
# So from here on the lesson uses the dot product, in all that is trained. (Whether the additive score would resolve pronouns as well is not
# measured here.)
#
# ### See what the scale does
#
# 200 queries meet 32 keys, all drawn at random. What does the softmax look like for $d_k = 4$, and for $d_k = 1024$,
# with and without the scale? And how does the *gradient* fare that must go back to the query, through the softmax and the score?
#
# Two numbers tell. The *entropy* of the weights: $\log 32 \approx 3.47$ if all keys get the same, 0 if one takes all. And how much the weights
# move if the *query* does, the norm of
#
# $$\frac{\partial \alpha}{\partial q} = \big(\text{diag}(\alpha) - \alpha\alpha^\top\big)\, \frac{K}{\sqrt{d_k}}$$
#
# The first factor is the softmax's Jacobian: it is 0 if one key takes all. The second is what the score does with the query: without the scale the
# root is missing, so that this factor is $\sqrt{d_k}$ times as large. Two effects against each other. Which wins? Look at the mean over the
# queries, and at the median, the query in the middle.

# %% predict="scale"
predict("scale", "d_k = 64, as in the paper's heads: without the scale the gradient that reaches a query is, on average, ...", ["much smaller", "about as large", "much larger"])  # fmt: skip


# %% demo="scale"
# Figures: entropy and gradient by width, with and without the scale
with demonstration("scale"):
    # fmt: off
    gradients = scale.show(dot_scores)
    lesson.reveal("scale", "much larger" if gradients["unscaled"] > 2 * gradients["scaled"] else "about as large", "{unscaled:.2f} against {scaled:.2f}. The softmax passes less back, but the score passes back eight times as much.".format(**gradients))

# %% [markdown]
# The variance of $q \cdot k$ is about $d_k$, as computed. Without the scale, one key takes almost everything as $d_k$ grows: the entropy falls from 2.2
# to 0.12. With the scale it stays at 3.0.
#
# The gradient is a surprise, if you have read that without the scale it *vanishes*. On average it is seven to nine times as **large** as with the
# scale, from $d_k = 64$ on: 1.6 against 0.24 there, and 2.1 against 0.24 at 1024. It is the *typical* query that starves, and only at the right end: the
# median falls to 0.003 at 1024, while at 64 it is still 1.3. Where one key has won, nothing moves; where two keys are nearly equal, everything
# does. So without the scale gradients are *wild*: near zero for most queries and huge for a few, more so the wider the vectors. With it, mean and median
# are one, and the same for every width.
#
# Vaswani et al. "suspect" that large products give very small gradients (section 3.2.1). For the softmax alone that is true, and at large widths it is what
# most queries see. But a matrix that makes queries gets the sum over all of them. We'll train a network without the scale further down.
#
# ## One output, by hand
#
# Take the first word of a sentence. Its scores $e_{1j}$ go through a softmax and become weights $\alpha'_{1j}$ (the prime, ′, says:
# after the softmax). Its output is the average of all values:
#
# $$\alpha'_{1j} = \text{softmax}_j(e_{1j}), \qquad b_1 = \sum_j \alpha'_{1j}\, v_j$$
#
# Note what is *not* here: no state of the last step. $b_1$ needs the whole sentence, but no other $b$.


# %% name="loop" show=true
def output_by_loop(i: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """b_i for word i, from 0, of one sentence: q (T, d_k), k (T, d_k), v (T, d_v) -> (d_v,)."""
    T, d_k = k.shape
    powers = [torch.exp(q[i] @ k[j] / math.sqrt(d_k)) for j in range(T)]
    output = torch.zeros(v.shape[1])
    for j in range(T):
        output = output + powers[j] / sum(powers) * v[j]
    return output


# %% [markdown]
# ## All outputs at once
#
# No output waits for another. So all of them are a few matrix products. There are two ways to write them, and books mix
# them. Know which one you read:
#
# | | words are **rows** (Vaswani et al., PyTorch, this course) | words are **columns** (many lecture slides) |
# |---|---|---|
# | words | $X$, $(T, d)$ | $I$, $(d, T)$ |
# | projections | $Q = X {W^q}^\top$, and so on | $Q = W^q I$, and so on |
# | scores (no prime: before the softmax) | $A = QK^\top / \sqrt{d_k}$: row = who asks | $A = K^\top Q / \sqrt{d_k}$: *column* = who asks |
# | weights | $A'$: softmax over each row | $A'$: softmax over each column |
# | output | $O = A' V$ | $O = V A'$ |
#
# They are transposes of each other. Mix them, and you normalise over the wrong axis: the words that are asked would share
# out their answers among the askers, and a word's weights no longer sum to 1.
#
# A **mask** says who may be asked, as in lesson 00: True = may attend. It has the shape $(T, T)$, or anything that broadcasts to
# the scores: row = who asks, column = who is asked. Padding masks columns: nobody may ask it.

# %% [markdown] task="self_attention"
# Write self-attention in matrix form, rows convention. Return the outputs *and* the weights. `masked_softmax(scores, mask)` is imported.
# hint: Four lines: project (call `project_qkv`, or write it again), score, weigh, average.
# hint: The mask goes in with the scores, before they become weights. Which width is d_k: that of the words, the queries or the values?
# hint: `scores = q @ k.transpose(-2, -1) / math.sqrt(d_k)` with d_k the width of the *queries*; `masked_softmax(scores, mask)` normalises over the last axis, the keys; the outputs are `weights @ v`.


# %% exercise="self_attention" minutes=12 difficulty=3
def self_attention(
    a: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """softmax(Q Kᵀ / √d_k) V, with the keys restricted to the mask  (Vaswani et al. 2017, eq. 1).

    words a (B, T, d), W_q (d_k, d), W_k (d_k, d), W_v (d_v, d), mask bool, broadcastable to (B, T, T), True = may attend
    -> outputs (B, T, d_v), weights (B, T, T)
    """
    ### BEGIN SOLUTION
    q, k, v = a @ W_q.T, a @ W_k.T, a @ W_v.T
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    weights = masked_softmax(scores, mask)
    return weights @ v, weights
    ### END SOLUTION


# %% check="self_attention" points=4
def probe(self_attention, draw):
    B, T, d_k, d_v = draw.sizes(4, 3, 7)
    d = draw.size(10, 12)  # not d_k², so that √d is not d_k
    a, matrices = draw.normal(B, T, d), [draw.normal(n, d) for n in (d_k, d_k, d_v)]
    padding = draw.mask(B, T).unsqueeze(1)  # (B, 1, T): padding may not be asked
    some = draw.uniform(T, T) < 0.6  # (T, T): any words may be hidden, but one
    some[:, draw.integers(0, T)] = True
    masks = {
        "": padding,
        ", some hidden": some,
        ", both masks": padding & (some | padding[:, :, :1].mT),
    }
    masks[", both masks"][:, :, 0] = True
    found = {}
    for name, mask in masks.items():
        outputs, weights = self_attention(a, *matrices, draw.watch(mask))
        found |= {f"outputs{name}": outputs, f"weights{name}": weights}
    return found


check("self_attention", self_attention, probe)


# %% [markdown]
# ### Find the bug
#
# A colleague has written the same thing from lecture slides, with words as columns. It runs on every batch, the shapes are right, and nobody has
# noticed. Two of its lines are wrong.


# %% name="colleague" show=true
def slide_attention(I, W_q, W_k, W_v, mask):
    Q, K, V = W_q @ I, W_k @ I, W_v @ I  # (B, d_k, T), (B, d_k, T), (B, d_v, T)
    A = K.mT @ Q / math.sqrt(I.shape[1])  # (B, T, T): column = who asks
    weights = masked_softmax(A, mask)
    return V @ weights, weights


# %% [markdown] task="mended_columns"
# Copy the function, and mend it. Its words and its weights stay columns, as the docstring says; the mask is the course's, row = who asks.
# hint: For each word that asks, the weights of all who are asked sum to 1. Print `weights.sum(1)` and `weights.sum(2)`: which should be 1 here?
# hint: `masked_softmax` normalises the last axis, and wants the mask the same way round as the scores. Here both stand the other way. And how many products does each score add up?
# hint: Turn the scores, weigh, turn back: `masked_softmax(A.mT, mask).mT`. And a score adds up d_k products: `Q.shape[1]`, not the d of the words.


# %% exercise="mended_columns" minutes=10 difficulty=3
def mended_columns(
    I: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """O = V A' with words as columns: the colleague's function without its two mistakes.

    words I (B, d, T), W_q (d_k, d), W_k (d_k, d), W_v (d_v, d), mask bool, broadcastable to (B, T, T): [row asks, column is asked]
    -> outputs (B, d_v, T), weights A' (B, T, T): [i, j] is the weight that word j, who asks, gives to word i
    """
    ### BEGIN SOLUTION
    Q, K, V = W_q @ I, W_k @ I, W_v @ I
    A = K.mT @ Q / math.sqrt(Q.shape[1])
    weights = masked_softmax(A.mT, mask).mT
    return V @ weights, weights
    ### END SOLUTION


# %% check="mended_columns" points=2
def probe(mended_columns, draw):
    B, T, d_k, d_v = draw.sizes(4, 3, 7)
    d = draw.size(10, 12)  # not d_k², so that √d is not d_k
    I, matrices = draw.normal(B, d, T), [draw.normal(n, d) for n in (d_k, d_k, d_v)]
    padding = draw.mask(B, T).unsqueeze(1)  # (B, 1, T): padding may not be asked
    some = draw.uniform(T, T) < 0.6  # (T, T): any words may be hidden, but one
    some[:, draw.integers(0, T)] = True
    found = {}
    for name, mask in {"": padding, ", some hidden": some}.items():
        outputs, weights = mended_columns(I, *matrices, draw.watch(mask))
        found |= {f"outputs{name}": outputs, f"weights{name}": weights}
    return found


check("mended_columns", mended_columns, probe)


# %% [markdown]
# Are the two conventions really the same? And does each do what the loop does? With your two functions:

# %% demo="conventions"
# Table: your matrix form beside the columns convention, mended and not, and the loop
with demonstration("conventions"):
    readers.compare_conventions(self_attention, {"your mended columns": mended_columns, "the colleague's": slide_attention}, output_by_loop, project_qkv)  # fmt: skip

# %% [markdown]
# Transposed, they are the same. The colleague's function averages, too, and its loss would fall; only the words that are asked share out their answers
# there, so that a word whom many ask has less left for each. Compare numbers with a loop that anyone can read, on sizes that all differ, and such a bug
# can't hide.

# %% [markdown]
# ## A mask that looks back
#
# A model that writes a text word by word must not look at words that aren't written yet. In training, all words are there,
# so they have to be hidden: word $i$ may ask words $0 \dots i$. This is the *causal* mask (Vaswani et al. 2017, section
# 3.2.3). With it self-attention sees as many words as a one-way GRU does. (It doesn't know their order as that one does: lesson 09.)

# %% [markdown] task="causal_mask"
# Row $i$ is the word that asks. It may ask itself and every word before it.
# hint: In row i, column j is True if j ≤ i. For T = 3 that is a triangle: which corner of the square is False?
# hint: PyTorch has functions that keep one triangle of a matrix and put zeros into the other: `tril` (lower) and `triu` (upper).
# hint: `torch.ones(T, T, dtype=torch.bool).tril()` keeps the diagonal and what lies below it.


# %% exercise="causal_mask" minutes=4 difficulty=1
def causal_mask(T: int) -> Tensor:
    """Who may be asked when nobody may look ahead  (Vaswani et al. 2017, sec. 3.2.3).

    T  ->  (T, T) bool: [i, j] is True if word i may attend to word j, that is, j ≤ i
    """
    ### BEGIN SOLUTION
    return torch.ones(T, T, dtype=torch.bool).tril()
    ### END SOLUTION


# %% check="causal_mask" points=1
def probe(causal_mask, draw):
    few, more = sorted(draw.sizes(2, 3, 9))
    return {
        "one word": causal_mask(1),
        "a few words": causal_mask(few),
        "more": causal_mask(more),
    }


check("causal_mask", causal_mask, probe)


# %% [markdown]
# ## How far is it, and who waits for whom?
#
# Vaswani et al. compare layers by three numbers (table 1). Here are two of them; the third, the cost, comes below. The **path
# length**: through how many computations does a signal go on its way from word $i$ to output $j$? On each of them it can fade, and so
# can the gradient on its way back. And the **sequential steps**: how many computations must wait for one another, until all $T$ outputs
# are there? A parallel computer can't shorten those.
#
# Take a recurrent layer. Word $i$ enters state $i$: one computation. Each further state is one more. So $h_j$ hears of word $i \le j$
# after $j - i + 1$ computations, and of later words never: the path is infinite. And there are $T$ states, one after
# the other.

# %% [markdown] task="path_length_and_steps"
# Return both numbers for four kinds of layer: `"rnn"` reads from left to right; `"birnn"` has two directions, which run at the same time;
# `"self_attention"` without a mask; `"causal"` is self-attention with the causal mask. If output $j$ never hears of word $i$, the
# path is `math.inf`.
# hint: Self-attention: every output sees every word directly, so the path is one computation, and all outputs are made in one step.
# hint: The two directions of `"birnn"`: one brings earlier words to output j, the other later ones. They run side by side.
# hint: `"birnn"`: count the states on the way by the direction that brings word i to output j, as above for `"rnn"`; neither direction waits for the other. Then ask of `"rnn"` and `"causal"` when there is no way at all.


# %% exercise="path_length_and_steps" minutes=8 difficulty=2
def path_length_and_steps(kind: str, T: int, i: int, j: int) -> tuple[float, int]:
    """Computations between word i and output j, and how many must wait for one another  (Vaswani et al. 2017, table 1).

    kind "rnn", "birnn", "self_attention" or "causal"; T words; i, j from 0
    -> path length (math.inf if output j never hears of word i), sequential steps for all T outputs
    """
    ### BEGIN SOLUTION
    recurrent = kind in ("rnn", "birnn")
    path = abs(j - i) + 1 if recurrent else 1
    if kind in ("rnn", "causal") and i > j:
        path = math.inf
    return path, T if recurrent else 1
    ### END SOLUTION


# %% check="path_length_and_steps" points=2
def probe(path_length_and_steps, draw):
    T = draw.integers(12, 20)
    early, late = draw.integers(0, 4), draw.integers(6, 11)
    kinds = ("rnn", "birnn", "self_attention", "causal")
    places = {"forwards": (early, late), "backwards": (late, early), "itself": (late, late)}
    return {
        f"{kind}, {name}": list(path_length_and_steps(kind, T, i, j))
        for kind in kinds
        for name, (i, j) in places.items()
    }


check("path_length_and_steps", path_length_and_steps, probe)


# %% demo="paths"
# Table: paths and steps for a sentence of 40 words
with demonstration("paths"):
    # fmt: off
    from lessonkit.show import tables

    rows = [[kind, path_length_and_steps(kind, 40, 5, 35)[0], *path_length_and_steps(kind, 40, 35, 5)] for kind in ("rnn", "birnn", "self_attention", "causal")]
    tables.show_table(["layer", "from word 5 to output 35", "from word 35 to output 5", "sequential steps"], rows, "A sentence of 40 words")

# %% [markdown]
# That is the argument of the paper in one table. But a path length isn't an accuracy. So let it fight.
#
# ## The fight: who resolves the pronoun?
#
# The reader below has one layer of self-attention, and nothing recurrent. Its words are mixed with their neighbours in the same way
# as the GRUs' words were, so that the pronoun knows what is said of it: that is its query. Its output $b_i$ is all that the
# answer is read from, by one linear map. So the gender must come through the attention.
#
# It differs from the GRUs in two things: it has attention, and it has no recurrence. Which of the two counts? A fourth network tells: a
# GRU reads the sentence both ways, and then the pronoun asks the GRU's *states*, in the very same layer of attention.

# %% predict="fight"
predict("fight", "The GRU with attention, at a long distance, on average over three seeds:", ["as bad as the GRU", "between the two", "as good as self-attention"])  # fmt: skip


# %% name="model" show=true
class PronounReader(nn.Module):
    """One layer of self-attention; its output at the pronoun chooses the answer. Keeps the layer's input and weights."""

    def __init__(self, attend: Callable, neighbours: bool = True):
        super().__init__()
        self.embed = nn.Embedding(len(data.vocabulary), WIDTH)
        self.matrices = nn.Parameter(torch.randn(3, WIDTH, WIDTH) / WIDTH**0.5)
        self.readout = nn.Linear(WIDTH, len(data.answers))
        self.visible = None  # or a function of T that says who may be asked
        self._attend, self._neighbours = attend, neighbours

    def forward(self, batch: pronouns.Batch) -> Tensor:
        outputs = self.attention(self.words(batch), batch.mask)
        return self.readout(outputs[torch.arange(len(outputs)), batch.pronoun])

    def words(self, batch: pronouns.Batch) -> Tensor:
        """What goes into the attention layer: (B, T, d)."""
        words = self.embed(batch.words)
        return with_neighbours(words, batch.mask) if self._neighbours else words

    def attention(self, words: Tensor, padding: Tensor) -> Tensor:
        """What comes out of it: (B, T, d) and mask (B, T) -> (B, T, d)."""
        mask = padding.unsqueeze(1)  # (B, 1, T): padding may not be asked
        if self.visible:
            mask = mask & self.visible(words.shape[1])
        self.input = words
        outputs, self.weights = self._attend(words, *self.matrices, mask)
        return outputs


class AttentiveRecurrentReader(PronounReader):
    """The same layer of attention, but on the states of a GRU that reads in both directions: (B, T, d), too."""

    def __init__(self, attend: Callable):
        super().__init__(attend)
        self.gru = nn.GRU(WIDTH, WIDTH // 2, batch_first=True, bidirectional=True)

    def words(self, batch: pronouns.Batch) -> Tensor:
        """What goes into the attention layer, the states: (B, T, d)."""
        return read(self.gru, super().words(batch), batch.mask)


# %% name="training_loop" show=true
from collections.abc import Iterator

RATE, STEPS = 3e-3, 1500


def training_batches(seed: int) -> Iterator[pronouns.Batch]:
    """Batches of 64 without end; every pass in another order."""
    while True:
        yield from pronouns.batches(data, data.train, 64, seed)
        seed += 1000


def pronoun_loss(model: nn.Module, batch: pronouns.Batch) -> Tensor:
    """Cross-entropy of the answer."""
    return nn.functional.cross_entropy(model(batch), batch.answer)


def train_reader(model: nn.Module, seed: int, steps: int = STEPS) -> train.History:
    """Some passes over the training sentences. Settings were chosen on the validation sentences."""
    return train.fit(
        model, training_batches(seed), pronoun_loss,
        steps=steps, lr=RATE, warmup=100, decay=True, title="self-attention",
    )  # fmt: skip


# %% demo="training" varies=true
# Training: your self-attention reads pronouns, about 20 seconds
with demonstration("training"):
    # fmt: off
    torch.manual_seed(0)
    history = train_reader(model := PronounReader(self_attention), seed=0)
    readers.show_shares({"your self-attention": readers.by_distance(model)}, "Share of test pronouns resolved")

# %% [markdown]
# Here is the whole comparison, from recorded runs with three seeds. They differ a little from your run, which takes 1500 steps while
# the learning rate falls to zero. In the recorded ones the rate stays, and training goes on until the error on the validation
# sentences hasn't fallen for 1250 steps (or to step 6000). Then the network is taken as it was at its least error: that step is in the
# last column.


# %% demo="fight"
# Figures and table: GRUs, GRU with attention, self-attention
with demonstration("fight"):
    # fmt: off
    readers.show_recorded(lesson, networks | {"bigru_attention": "GRU, both ways + attention", "attention": "self-attention"})
    lesson.reveal("fight", "between the two", "{} on average; the GRU {}, self-attention {}.".format(*[lesson.spread(m, "long") for m in ("bigru_attention", "bigru", "attention")]))

# %% [markdown]
# Self-attention wins at every distance and on both sides, on average over the seeds (in one run the GRU with attention did better still), and it has
# the fewest parameters. But why? The paper argues with the path length. This experiment can't say whether that is the reason. Look where the GRUs stand: about 0.5, and
# 0.6 both ways, is what one gets by knowing the number and which genders went by, without ever finding the right noun (the network without neighbours, below,
# gets 0.65 just so). They never learned the relation, at a short distance of 6 to 11 words already. Who hasn't learned it can't
# forget it with distance: between short and long the two-way one loses 0.10, 0.04 and 0.05, the other nothing on average.
#
# Now look at the GRU with attention. It resolves most of the pronouns, at long distances as well as at short ones: 0.78 to 1.00 of those
# at a long distance, against 0.57 to 0.60 without attention. So it is attention that wins here, not the missing recurrence. But attention brought two things
# at once: a path of length 1 from the noun to the pronoun, and the possibility to *choose after the question is known*, since the nouns stay where they
# are until the pronoun asks. This experiment doesn't separate the two.
#
# The recurrence doesn't help, though: in two of three runs about one pronoun in five stays wrong. Why, we don't know. The rule for stopping was the same for
# all; the rate was self-attention's, 3e-3, and no other was tried for it.
#
# ## Does *it* point at its antecedent?
#
# Nobody told the network which noun is meant. It only saw the right Icelandic pronoun. Take a sentence, and look at its weights: every row is a word
# that asks. The antecedent is outlined in the row of the pronoun.


# %% demo="heat_map" varies=true
# Figure: the weights of one sentence, antecedent outlined
with demonstration("heat_map"):
    readers.show_map(model, readers.readable()[0])

# %% [markdown]
# One sentence proves little, so measure. How? Two numbers suggest themselves. In how many sentences does the pronoun's *largest* weight lie on the antecedent?
# And *how much* weight lies there, on average? Neither stands for the other: who gives 0.4 to the antecedent and 0.3 to each of two others
# points at it, and isn't sure.

# %% [markdown] task="points_at"
# Write the measurement, for any word that asks: `asks` holds its place in each sentence, `gold` the place where it should look. The first number is a share
# of the sentences.
# hint: A word that asks is a *row* of its sentence's map. It stands at another place in each sentence.
# hint: `weights[torch.arange(B), asks]` takes from each sentence one row: (B, T). (`weights[:, asks]` would take all these rows from every sentence.)
# hint: `rows.argmax(-1)` are the places of the largest weights, to be compared with gold; `rows[torch.arange(B), gold]` are the weights there.


# %% exercise="points_at" minutes=10 difficulty=3
def points_at(weights: Tensor, asks: Tensor, gold: Tensor) -> tuple[float, float]:
    """How often a word's largest weight lies on its gold word, and how much weight lies there on average.

    weights (B, T, T): [sentence, word that asks, word that is asked]; asks (B,), gold (B,) int64: a place in each sentence
    ->  share of the sentences whose largest weight of `asks` is on `gold`, mean over sentences of its weight on `gold`
    """
    ### BEGIN SOLUTION
    sentences = torch.arange(len(weights))
    rows = weights[sentences, asks]
    hits = rows.argmax(-1) == gold
    return hits.float().mean().item(), rows[sentences, gold].mean().item()
    ### END SOLUTION


# %% check="points_at" points=3
def probe(points_at, draw):
    def measured(B, T):
        weights, asks = draw.normal(B, T, T, scale=2).softmax(-1), draw.integers(0, T, B)
        largest = weights[torch.arange(B), asks].argmax(-1)
        gold = torch.where(draw.uniform(B) < 0.5, largest, draw.integers(0, T, B))
        share, mean = points_at(draw.watch(weights), draw.watch(asks), draw.watch(gold))
        return {"share": share, "mean weight": mean}

    n = draw.size(7, 9)
    square = measured(n, n)  # as many sentences as words
    return measured(draw.size(30, 40), draw.size(5, 8)) | {
        f"{k}, B = T": v for k, v in square.items()
    }


check(
    "points_at", points_at, probe, no_gradients="a measurement: nothing trains through it"
)

# %% [markdown]
# Your measurement goes over all test sentences, for the pronoun and for the word that decides. Who points blindly, or at the nearest noun, hits as often as
# the lines in brackets say.

# %% predict="pointing"
predict(
    "pointing",
    "Of 100 pronouns at a long distance, how many look most at their antecedent?",
    (0, 100, 1),
)

# %% demo="pointing" varies=true
# Tables: where the pronoun looks most, beside guesses
with demonstration("pointing"):
    # fmt: off
    hits = readers.show_points(model, points_at)
    readers.show_recorded_points(lesson)
    lesson.reveal("pointing", round(100 * hits["long"]), "Nobody told it to. But the answer can be read from the noun only, and this is the one way to the noun.")

# %% [markdown]
# The pronoun nearly always points at its antecedent, though not with all its weight: two thirds lie there, on average. Look back at the map, too: only the pronoun's row was ever read and trained, so
# most other rows mean nothing. The deciding word was mixed with the pronoun, and asks something like it, but less surely: on all three seeds it is on the antecedent
# in about two of three sentences, and in nearly all others on another noun (second table). Which noun it takes then is not counted.
#
# And how can nearly all answers be right, if the largest weight is elsewhere in some sentences? Two explanations come to mind. The largest weight isn't all: the rest may
# lie on the antecedent still. Or it looks at another noun of the same gender, which gives the same answer. The third table counts (after a training of its own, with the same seeds). Those that look elsewhere are mostly right,
# far more often than one in three; but only those of the last column look at another noun. So the second explanation can hold for no more than these, and for the others it is probably the rest of the weight.
#
# The second table has the GRU with attention beside it. In the run that resolved everything, its pronoun points at the antecedent in four
# of five sentences, and in the others at a word beside it: the states there have heard of the noun, too. In the two other runs it points
# at the antecedent in less than half.
#
# Why is this map so clean? Because here the answer can be read from one place only: the gender stands nowhere but in the noun (and, in part, in the two words on
# either side, which were mixed with it), and everything must go through one layer and one head. With several layers and heads, the information can take other
# ways.
#
# ### Explore it
#
# Pick a sentence, and hover over a word that asks, or walk with the arrow keys: lines and shades say whom it asks, and the antecedent is marked. Then switch:
# take the scale away, and see how hard the weights become. Put the causal mask on, and see whom each word may still ask. In the second sentence the noun comes
# after the pronoun.

# %% demo="explorer" varies=true
# Map to touch: whom each word asks, with scale and mask to switch
with demonstration("explorer"):
    readers.explorer(model, readers.readable()[:8], causal_mask)

# %% [markdown]
# ## Shuffle the words
#
# What if the words change places, after they were mixed with their neighbours? We shuffle each test sentence's vectors before they go into the attention
# layer, and train nothing anew.

# %% predict="shuffled"
predict(
    "shuffled",
    "What becomes of the share right?",
    ["it stays, to the last pronoun", "it falls a little", "it falls to a guess"],
)


# %% demo="shuffled" varies=true
# Table: sentences shuffled before the attention layer
with demonstration("shuffled"):
    # fmt: off
    straight, shuffled = readers.show_shuffled(model)
    lesson.reveal("shuffled", "it stays, to the last pronoun" if straight == shuffled else "it falls a little", "Nowhere in the formula does a word's place occur.")

# %% [markdown]
# Nothing changes. If you shuffle what goes in, what comes out is shuffled in the same way, and is otherwise the same up to rounding:
# self-attention is **equivariant** to permutations. Look at your formula: nowhere does it know that word 3 stands before word 4.
# Here that does no harm, since neighbours were mixed before. But without that, *the dog bit the man* and *the man bit the dog* would be the
# same to it. The paper's way out is to add a vector for each place to each word. Lesson 09 is about that.
#
# ## What does it cost?
#
# All $T^2$ scores are computed: twice the words, four times the scores. A GRU's work grows only with $T$, but its steps wait for
# one another.

# %% predict="times"
predict("times", "Which is faster on your computer, for 32 words and for 1024?", ["self-attention for both", "the GRU for both", "self-attention for 32, the GRU for 1024"])  # fmt: skip


# %% demo="times" varies=true
# Figure: time of one layer by number of words
with demonstration("times"):
    # fmt: off
    faster = readers.show_times(self_attention)
    lesson.reveal("times", "the GRU for both" if 32 not in faster else "self-attention for both" if 1024 in faster else "self-attention for 32, the GRU for 1024", f"Here self-attention is the faster one for {', '.join(map(str, faster))} words.")

# %% [markdown]
# On one thread of a processor, both have to do their work one piece after the other. What you see is mostly that one large matrix product
# is faster than many small steps, until $T^2$ wins. On a parallel computer the left part of the picture is wider. The paper says: self-attention is
# the faster one where $T$ is smaller than $d$ (section 4), which was so for sentences. Here $d = 64$, and in the recorded runs the two
# cross just beyond 512 words, eight times $d$: a GRU's small steps waste the processor, so it takes longer than its operations tell.
#
# ## Predict, then break it
#
# First, put your causal mask on the model that you have just trained. Nobody asks later words any more.

# %% predict="masked"
predict(
    "masked",
    "Which sentences suffer?",
    [
        "those whose noun comes after the pronoun",
        "those whose noun comes before",
        "both alike",
    ],
)

# %% demo="masked" varies=true
# Table: the trained model with a causal mask
with demonstration("masked"):
    # fmt: off
    masked = readers.show_masked(model, causal_mask)
    lesson.reveal("masked", "those whose noun comes after the pronoun", f"{masked['after']:.0%} of those are right now, and {masked['before']:.0%} of the others: the mask hides what comes later.")

# %% [markdown]
# Those whose noun comes later are down to a guess, or worse, like those of the one-way GRU. Those whose noun came before hardly
# notice.
#
# Now two changes that need training anew; the runs are recorded.
#
# 1. **No neighbours.** The words go into the layer as they are. *it* doesn't know that it is *tired* when it asks.
# 2. **No scale.** $q \cdot k$ goes into the softmax as it is, with $d_k = 64$, at the same learning rate. (You can try:
#    `train_reader(PronounReader(without_scale(self_attention)), seed=0)`.)

# %% predict="ablations"
predict(
    "ablations",
    "Which costs more, at a long distance?",
    ["no neighbours", "no scale", "about the same"],
)


# %% name="without_scale" show=true
def without_scale(attend: Callable) -> Callable:
    """The same attention on products that are not scaled: the queries are made √d_k times as large before."""

    def attend_unscaled(
        a: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        return attend(a, math.sqrt(len(W_q)) * W_q, W_k, W_v, mask)

    return attend_unscaled


# %% demo="ablations"
# Table: no neighbours, no scale
with demonstration("ablations"):
    # fmt: off
    recorded.grouped_table(lesson, {"attention": "as it is", "alone": "no neighbours", "unscaled": "no scale"}, readers.BY_DISTANCE | readers.BY_SIDE | {"points": "points at the antecedent"}, "Share right, and share of pronouns whose largest weight is on the antecedent", {"steps": "steps of each seed"})
    alone, unscaled = (lesson.recorded(m, "long") for m in ("alone", "unscaled"))
    lesson.reveal("ablations", "no neighbours" if max(alone) < min(unscaled) else "no scale" if max(unscaled) < min(alone) else "about the same", f"Without neighbours {lesson.spread('alone', 'long')} are right, without the scale {lesson.spread('unscaled', 'long')}.")

# %% [markdown]
# Without its neighbours, *it* knows the number, and nothing else: all that it can do is to ask the nouns of the right number. One layer
# of attention can ask only what the word knows before. (Two layers can do more: first *it* asks what is said of it, then,
# knowing that, for the noun. Try it, if you like: the output of the first layer is the input of the second.) Now compare this row with the GRU
# that reads both ways: the GRU isn't better. Of all that it read, it seems to have kept little more than which genders went by, in
# which number.
#
# Without the scale, and at the same learning rate, the network stops far from the goal, and its pronouns point at nothing in particular. That is not for want of gradient: at $d_k = 64$, as
# you saw, the unscaled one is the *larger*, on average and in the middle.
#
# ### A hard start, or long steps?
#
# Two things are different at once without the scale:
#
# - **The start is hard.** The first scores are eight times as large, and the first weights so hard (an entropy of 0.5 in place of 3.0) that each word starts by asking a few others, at random.
# - **The steps are long.** One and the same step of $W^q$ moves the scores eight times as far, at a rate that was chosen for the scaled network.
#
# Nothing else is different: give the unscaled network a $W^q$ eight times as small *and* steps of it eight times as short, and (but for clipping) Adam makes the same network of it,
# step for step. So each can be tried alone. Divide only the steps of $W^q$ by eight: the start is still hard. Or divide only $W^q$ itself by eight before the training begins: the start
# is the scaled network's, and the steps are still long.

# %% predict="start_or_steps"
predict("start_or_steps", "No scale. Which of the two alone spoils the training?", ["the hard start", "the long steps", "either of them", "neither: only both together"])  # fmt: skip


# %% demo="start_or_steps"
# Table: with a hard start, with long steps, with both, with neither
with demonstration("start_or_steps"):
    # fmt: off
    spoiled = readers.show_steps_by_start(lesson)
    lesson.reveal("start_or_steps", spoiled, f"With the hard start alone {lesson.spread('unscaled_slow', 'long')} are right at a long distance, with the long steps alone {lesson.spread('unscaled_small', 'long')}.")

# %% [markdown]
# It is the steps. With a start as hard as that of the network that failed, but with steps that move the scores as far as the scaled network's do, every seed learns the task, and its pronouns
# point at the antecedent as often. With a start as soft as the scaled network's, but with long steps, every seed fails, as without the scale. The hard start isn't free, though: the best
# network comes after about three times as many steps on average, and on one seed only at the limit of 6000.
#
# So in this small network the scale isn't needed to keep the softmax alive. It is needed because without it the same rate is, with Adam, a rate eight times as high for $W^q$, and that is too much
# here. Other rates for the whole network, other widths, more layers or another optimiser weren't tried.
#
# ## The paper says, we measured


# %% demo="paper_table"
# Table: what the paper says, and what was measured
with demonstration("paper_table"):
    # fmt: off
    recorded.paper_table(lesson, "Vaswani et al. 2017",
        ("a short path makes far relations easier to learn", "path 1 against n (table 1, section 4); argued, not measured", "short distance: self-attention {attention.short}, GRU both ways {bigru.short}, one way {gru.short}, both ways and attention {bigru_attention.short}; long distance: {attention.long}, {bigru.long}, {gru.long}, {bigru_attention.long}"),
        ("faster than a recurrent layer if n < d", "operations n²d against nd² (table 1, section 4)", "d = 64, one thread: {times}"),
        ("unscaled products give very small gradients", "suspected for large d_k (section 3.2.1)", "random vectors, norm of ∂α/∂q without and with the scale: {at_64}; {at_1024}. Trained here with d_k = 64 at the same rate, share right on validation sentences: {unscaled.validation} without, {attention.validation} with the scale; without it, but with steps of W^q an eighth as long, {unscaled_slow.validation}"),
        ("heads seem to resolve pronouns", "two heads of layer 5, one sentence (figure 4)", "largest weight on the antecedent in {attention.points} of the test sentences"),
        times=readers.times_in_words(lesson), at_64=scale.gradients_at(dot_scores, 64), at_1024=scale.gradients_at(dot_scores, 1024))

# %% [markdown]
# The experiment is small, and it is made for attention: one relation, decided by two words, and one noun that fits. The neighbours
# were mixed by hand. Real pronouns need more: Vaswani et al. show two heads of a trained translator, in layer 5 of 6, and one sentence. A generated
# corpus allows what they couldn't do, to count. No full-size run belongs to this lesson; attention on real sentences, scored against links drawn by people, is what
# `python -m lessonkit full 03` and `python -m lessonkit full 04` train, in the course's folder.
#
# ## Summary
#
# 1. Target-source attention goes from one sequence to another. In self-attention a sequence asks itself.
# 2. Each word asks (query), is asked (key) and answers (value): three learned matrices.
# 3. Scores: additive, $w^\top \tanh(q_i + k_j)$, or dot products, $q_i \cdot k_j / \sqrt{d_k}$.
# 4. $\text{Var}(q \cdot k) = d_k$, so $\sqrt{d_k}$ keeps the variance at 1. The famous 8 is $\sqrt{64}$. Without it our network fails, because the steps
#    of $W^q$ move the scores eight times as far; with steps an eighth as long it learns.
# 5. Rows: $O = \text{softmax}(QK^\top/\sqrt{d_k})\,V$. Columns: $O = V A'$. Know which one you read.
# 6. The softmax runs over the words that are asked, and the mask hides them: columns, in the rows convention.
# 7. The causal mask, $j \le i$, makes self-attention as blind to the future as a one-way RNN is.
# 8. The path between any two words has length 1, and no output waits for another. The price is $T^2$ scores.
# 9. *it* learns to point at its antecedent although nobody shows it: the pointing helps to answer.
#    A GRU gains by attention, too: by the short path, or by choosing after the question is known; the two weren't separated.
# 10. Without a mask self-attention knows no order: shuffle the words, and the outputs are shuffled in the same way.
#
# ## References
#
# - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, arXiv:1706.03762.
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*, ICLR 2015,
#   arXiv:1409.0473.
# - J. Uszkoreit, *Transformer: A Novel Neural Network Architecture for Language Understanding*, Google Research blog, 2017: the animal
#   that was too tired.
# - H. Levesque, E. Davis, L. Morgenstern, *The Winograd Schema Challenge*, KR 2012: pronouns that one word decides.
