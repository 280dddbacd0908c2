# %% [markdown]
# # Lesson 03: align and translate
#
# **How does a translator know where to look?** Watch one at work. She reads the whole sentence, then writes the
# translation word by word, and before each word her eyes go back to a place in the original. She doesn't carry the
# sentence in her head; it lies on the desk.
#
# The model of lesson 01 has no desk. It presses the whole sentence into one vector $C$, and the decoder gets that same $C$
# before every word. You saw what follows: short sentences work, long ones fall apart. In 2014 Bahdanau, Cho and Bengio
# put the sentence on the desk: the decoder gets its own $C_i$ for each word $i$, a weighted average of *all* encoder
# states, with weights that it computes itself.
#
# This lesson builds that model, and the measures to judge it by, in five exercises. The corpus comes with gold alignments, so at the end we can do what is
# rarely done: not only look at the attention, but measure how often it looks at the right word. Allow 90 minutes.
#
# A word of history: attention was learned for pictures (the glimpses of Mnih et al. 2014, in lesson 13) before it was for translation: Bahdanau's paper is of the
# same year.
#
# **Notation**
#
# | letter | here | in lesson 01 |
# |---|---|---|
# | $S$, $T$ | number of source words (English), of target words (French) | the same |
# | $h_j$, all of them together: `keys`, `states`, `memory` | the encoder's state at source word $j$, $2n$ numbers | $h_t$, $n$ numbers; only the last one was kept |
# | $s_i$ | the decoder's state after target word $i$, $n$ numbers | the decoder's $h_t$ |
# | $C$, then $c_i$ | what the decoder gets of the source: one vector for all words, then one for each | the sentence's vector |
# | $e_{ij}$, $\alpha_{ij}$ | score and weight of source word $j$ for target word $i$ | – |

# %% name="setup"
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lessonkit import Lesson, train
from lessonkit.data import translation
from lessonkit.models import seq2seq
from lessonkit.models.attention import masked_softmax
from lessonkit.show import figures, tables, touch

lesson = Lesson("03_additive_attention")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict

# %% [markdown]
# ## The experiment that fails
#
# This is what lesson 01 recorded: the share of test sentences that are translated without any mistake, by length of the
# English sentence, for the model that has one vector. It trained longer than today's model will, so this is a fair fight.

# %% demo="bottleneck"
# Figure: what lesson 01's one vector got right
with demonstration("bottleneck"):
    # fmt: off
    lengths = {"short": "4-9 words", "medium": "10-18 words", "long": "19-30 words"}
    runs = [Lesson("01_seq2seq").recorded("vector", length) for length in lengths]
    figures.bars({"one vector": runs}, list(lengths.values()), "exact match", limits=(0, 1.1))

# %% [markdown]
# ## The corpus, and its gold
#
# 10,000 generated English-French pairs. The grammar makes words change places: adjectives move behind the noun, *not*
# becomes two words around the verb, object pronouns jump in front of it. For every French word we know which English
# word it translates. Here is a pair with its gold alignment: rows are French words, columns English.

# %% name="corpus"
# The corpus, and an example of it
data = translation.load_translation()


def gold_cells(pair: translation.Pair) -> set[tuple[int, int]]:
    """The links of a pair as (target index, source index): row and column of an attention map."""
    return {(target, source) for source, target in pair.links}


example = next(
    p for p in data.validation if {"not", "them"} <= set(p.source) and len(p.source) <= 12
)
SIDES = "French word", "English word"

# %% demo="gold_picture"
# Figure: the gold alignment of one pair
with demonstration("gold_picture"):
    # fmt: off
    gold_map = torch.zeros(len(example.target), len(example.source))
    gold_map[tuple(torch.tensor(sorted(gold_cells(example))).T)] = 1.0
    figures.attention(gold_map, example.target, example.source, sides=SIDES, title="gold alignment")

# %% [markdown]
# ## The idea, with shapes
#
# The encoder is a GRU that reads the sentence in both directions. Its state at word $j$, $h_j \in \mathbb{R}^{2n}$, knows the
# word and what stands around it on both sides. For every target word $i$ the decoder does this, with its state $s_{i-1}$
# from *before* the step:
#
# $$e_{ij} = v^\top \tanh(W s_{i-1} + U h_j), \qquad \alpha_{ij} = \text{softmax}_j(e_{ij}), \qquad c_i = \sum_j \alpha_{ij} h_j$$
#
# $$s_i = \text{GRU}\big([y_{i-1};\, c_i],\; s_{i-1}\big)$$
#
# (Bahdanau et al. 2015, section 3.1 and appendix A).

# %% demo="mechanism"
# Drawing: one step of the decoder, align then update
with demonstration("mechanism"):
    # fmt: off
    from lessonkit.show import drawing

    boxes = {
        "states": (1.0, 2.5, "h₁ … h_S", "(S, 2n), read both ways", "input"), "old": (1.0, 1.2, "old state sᵢ₋₁", "(n,)", "input"),
        "word": (4.2, 0.4, "last word yᵢ₋₁", "(e,)", "input"), "score": (3.2, 1.75, "scores eᵢⱼ", "(S,)", "learned"),
        "weights": (5.0, 1.75, "weights αᵢⱼ", "(S,), sum 1", "attention"), "context": (6.9, 2.5, "context cᵢ", "(2n,)"),
        "cell": (6.2, 0.9, "GRU", "", "learned"), "new": (7.5, 0.4, "new state sᵢ", "(n,)", "output"),
    }
    arrows = [("states", "score", "keys"), ("old", "score", "query"), ("score", "weights", "softmax"), ("weights", "context", "average"), ("states", "context", "values"), ("context", "cell"), ("word", "cell"), ("old", "cell"), ("cell", "new")]
    alt = "One step of the decoder. The old state is compared with all encoder states: a weight for each source word. Their average is the context. Context, last word and old state go into the GRU, which makes the new state."
    drawing.draw(alt, boxes, arrows)

# %% [markdown]
# In the words of lesson 00: the query is $s_{i-1}$, what the decoder
# knows so far; keys and values are the encoder's states $h_j$. The score is a small network with one hidden layer; it is
# called *additive* since query and key are added inside the tanh.
#
# Why tanh? Without it the score is $v^\top W s + v^\top U h_j$: the first part is the same for every $j$, and softmax ignores
# what is the same for all. Every query would rank the words alike. The nonlinearity lets the query *interact* with the key.

# %% [markdown] task="additive_score"
# Score all keys of a sentence, for a batch. As a loop:
#
# ```python
# for b in range(B):
#     for j in range(S):
#         scores[b, j] = v @ tanh(W @ query[b] + U @ keys[b, j])
# ```
#
# Write it without a loop.
# hint: With the batch first, `W @ query[b]` for all b is `query @ W.T`, (B, n). `keys @ U.T` is (B, S, n).
# hint: To add (B, n) to (B, S, n), the first needs an axis of length 1 where S is: `.unsqueeze(1)`. `@ v` then sums over n.


# %% exercise="additive_score" minutes=10 difficulty=2
def additive_score(query: Tensor, keys: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
    """Score every key against the query: vᵀ tanh(W q + U k)  (Bahdanau et al. 2015, appendix A.1.2).

    query (B, n), keys (B, S, 2n), W (a, n), U (a, 2n), v (a,)  ->  scores (B, S)
    """
    ### BEGIN SOLUTION
    return torch.tanh((query @ W.T).unsqueeze(1) + keys @ U.T) @ v
    ### END SOLUTION


# %% check="additive_score" points=2
def probe(additive_score, draw):
    B, T, n, a = draw.sizes(4)  # all different, so that a swapped axis shows
    k = draw.size(3, 5)
    scores = additive_score(
        draw.normal(B, n),
        draw.normal(B, T, 2 * n),
        draw.normal(a, n),
        draw.normal(a, 2 * n),
        draw.normal(a),
    )
    square = additive_score(
        draw.normal(T, k),
        draw.normal(T, T, 2 * k),
        draw.normal(k, k),
        draw.normal(k, 2 * k),
        draw.uniform(k, low=-2.0, high=-0.5),  # all below 0: a lost sign shows
    )
    return {"scores": scores, "square": square}


check("additive_score", additive_score, probe)


# %% [markdown]
# From scores to weights you know the way: the masked softmax of lesson 00, over the *source* words. Padding gets no weight.


# %% name="alignment_weights" show=true
def alignment_weights(scores: Tensor, src_mask: Tensor) -> Tensor:
    """α_ij: softmax of the scores over the source words, zeros at padding (Bahdanau et al. 2015, sec. 3.1).

    scores (B, S), src_mask (B, S) bool, True = a word  ->  weights (B, S)
    """
    return masked_softmax(scores, src_mask)


# %% [markdown]
# ## One step of the decoder
#
# The order matters. *Before* the decoder can update its state, it needs the context; and the context needs a query. So
# the query is the old state $s_{i-1}$. (Lesson 04 turns this around: Luong's decoder updates first and looks after.)
#
# old state → **attend** → weights → context → **cell** ([last word; context], old state) → new state

# %% [markdown] task="decoder_step"
# Put the pieces in order. You get two functions: `attend(query, memory, src_mask)` gives the weights, (B, S): your score, then the softmax above. `cell(input, state)`
# is the GRU; both are called by position. `memory` is the encoder's states $h_j$, which were the keys of the score. What is missing
# is the context, $c_i = \sum_j \alpha_{ij} h_j$: write it yourself, for a batch. Return the new state, the context and the weights.
# hint: First the weights, with the state you were given as the query. The context of one sentence is a row (1 × S) times a matrix (S × d); `weights` has no axis of length 1 yet.
# hint: `weights.unsqueeze(1) @ memory` is (B, 1, d); `.squeeze(1)` removes the axis again. Name the axis, or a batch of one sentence loses its own.
# hint: The cell's input is the embedded word and the context, side by side, in this order: `torch.cat([embedded, context], dim=-1)`.


# %% exercise="decoder_step" minutes=15 difficulty=3
def decoder_step(
    embedded: Tensor,
    state: Tensor,
    memory: Tensor,
    src_mask: Tensor,
    attend: Callable,
    cell: Callable,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of the decoder; the query is the state before the step (Bahdanau et al. 2015, sec. 3.1).

    embedded y_{i-1} (B, e), state s_{i-1} (B, n), memory (B, S, d), src_mask (B, S)
    -> new state s_i (B, n), context c_i (B, d), weights (B, S)
    """
    ### BEGIN SOLUTION
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    new_state = cell(torch.cat([embedded, context], dim=-1), state)
    return new_state, context, weights
    ### END SOLUTION


# %% check="decoder_step" points=4
def probe(decoder_step, draw):
    def pieces(n, e, d):
        A, C = draw.normal(d, n, scale=0.3), draw.normal(n, e + d, scale=0.3)
        R = draw.normal(n, n, scale=0.5)

        def attend(query, memory, src_mask):
            scores = (memory @ A @ query.unsqueeze(-1)).squeeze(-1)
            return masked_softmax(scores, src_mask)

        def cell(input, state):
            return torch.tanh(input @ C.T + state @ R.T)

        return attend, cell

    sizes, k, found = draw.sizes(5), draw.size(3, 5), {}
    # all sizes different, all alike, and axes of length 1, which must not be squeezed away
    cases = {"": sizes, ", square": (k,) * 5, ", one": (1, *sizes[1:4], 1)}
    for name, (B, T, n, e, d) in cases.items():
        embedded, state, memory = (
            draw.normal(B, e),
            draw.normal(B, n),
            draw.normal(B, T, d),
        )
        mask = draw.mask(B, T) if B > 1 else torch.ones(1, T, dtype=torch.bool)
        new_state, context, weights = decoder_step(
            embedded, state, memory, mask, *pieces(n, e, d)
        )
        found |= {
            f"state{name}": new_state,
            f"context{name}": context,
            f"weights{name}": weights,
        }
    return found


check("decoder_step", decoder_step, probe)


# %% [markdown]
# ## The model
#
# The frame is that of lesson 01: `EncoderDecoder` with an encoder, a decoder, two embeddings and a generator (the last layer,
# which gives one number for each French word: its logit). Only the encoder keeps all its states, the *memory*, and the decoder's
# step is yours. It starts from the state at word 0, in which the backward half has read the whole sentence. (The paper takes
# that half alone, appendix A.2.2; here both go in.)


# %% name="encoder" show=true
class BidirectionalEncoder(nn.Module):
    """A GRU in both directions: embedded source (B, S, e), mask (B, S) -> states (B, S, 2n); padding gives zeros."""

    def __init__(self, n: int):
        super().__init__()
        self.gru = nn.GRU(seq2seq.EMBEDDING, n, batch_first=True, bidirectional=True)

    def forward(self, embedded: Tensor, src_mask: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            embedded, src_mask.sum(1), batch_first=True, enforce_sorted=False
        )
        return nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0]


# %% name="decoder" show=true
class AttentionDecoder(seq2seq.StepDecoder):
    """Bahdanau's decoder; `attend` and `step` are what the exercises build. Keeps the weights of the last step."""

    def __init__(
        self, n: int, d: int, a: int, step: Callable, score: Callable, weigh: Callable
    ):
        super().__init__()
        self.W, self.U = (
            nn.Parameter(torch.randn(a, n) / n**0.5),
            nn.Parameter(torch.randn(a, d) / d**0.5),
        )
        self.v = nn.Parameter(torch.randn(a) / a**0.5)
        self.first, self.cell = nn.Linear(d, n), nn.GRUCell(seq2seq.EMBEDDING + d, n)
        self.readout = nn.Linear(n + d + seq2seq.EMBEDDING, n)
        self._functions = step, score, weigh

    def start(self, memory: Tensor, src_mask: Tensor) -> Tensor:
        # the backward GRU has read the whole sentence there
        return torch.tanh(self.first(memory[:, 0]))

    def attend(self, query: Tensor, memory: Tensor, src_mask: Tensor) -> Tensor:
        _, score, weigh = self._functions
        return weigh(score(query, memory, self.W, self.U, self.v), src_mask)

    def step(
        self, embedded: Tensor, state: Tensor, memory: Tensor, src_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        state, context, self.weights = self._functions[0](
            embedded, state, memory, src_mask, self.attend, self.cell
        )
        return torch.tanh(
            self.readout(torch.cat([state, context, embedded], dim=-1))
        ), state


# %% name="make_model" show=true
HIDDEN, SCORE, RATE = 96, 48, 4e-3  # n, a and the rate, chosen on the validation sentences


def make_model(
    step: Callable, score: Callable, weigh: Callable, one_way: bool = False
) -> seq2seq.EncoderDecoder:
    """A translator from step, score and weights; `one_way` is for an ablation further down."""
    encoder, decoder = (
        (OneWayEncoder, OneWayDecoder)
        if one_way
        else (BidirectionalEncoder, AttentionDecoder)
    )
    source, target = len(data.source_vocabulary), len(data.target_vocabulary)
    return seq2seq.EncoderDecoder(
        encoder(HIDDEN),
        decoder(HIDDEN, 2 * HIDDEN, SCORE, step, score, weigh),
        nn.Embedding(source, seq2seq.EMBEDDING),
        nn.Embedding(target, seq2seq.EMBEDDING),
        nn.Linear(HIDDEN, target),
    )


def training_batches(seed: int):
    """Batches of 64 without end; every pass in another order."""
    while True:
        yield from translation.batches(
            data.train, data.source_vocabulary, data.target_vocabulary, 64, seed=seed
        )
        seed += 1000


def train_model(
    model: seq2seq.EncoderDecoder,
    seed: int,
    quiet: bool = False,
    seconds: float = 59,
    lr: float = RATE,
) -> train.History:
    """Four passes over the training pairs, in at most so many seconds."""
    return train.fit(
        model, training_batches(seed), seq2seq.translation_loss,
        steps=628, lr=lr, warmup=100, decay=True, seconds=seconds, title="additive attention", quiet=quiet,
    )  # fmt: skip


# %% [markdown]
# The one-vector model got almost no sentence of 19 words or more right.

# %% predict="training"
predict(
    "training",
    "What share of the long sentences will this one get right?",
    (0.0, 1.0, 0.05),
)

# %% demo="training" varies=true
# Training: about 55 seconds of the processor
with demonstration("training"):
    # fmt: off
    train.seed_everything(0)
    model = make_model(decoder_step, additive_score, alignment_weights)
    history = train_model(model, seed=0)
    measured = seq2seq.exact_match_by_length(model, data)
    print(f"{seq2seq.count_parameters(model):,} parameters; translated without a mistake:", ", ".join(f"{name} {share:.1%}" for name, share in measured.items()))
    lesson.reveal("training", measured["long"], f"Each word is written from what is needed for it, so a long sentence costs little more than a short one. Three recorded runs: {lesson.spread('additive', 'long')}.")

# %% [markdown]
# ## Does it look at the right word?
#
# Feed the model a sentence and the right translation, and keep the weights of every step: an attention map. Gold is
# outlined. This is the picture that made attention famous (Bahdanau et al. 2015, figure 3).


# %% name="attention_of"
# Helper: the weights of every step, with the right words fed in
@torch.no_grad()
def attention_of(
    model: seq2seq.EncoderDecoder, pairs: list[translation.Pair]
) -> list[Tensor]:
    """For each pair the weights (target words, source words), with the right words fed in; EOS is left out."""
    found = []
    for batch in translation.batches(
        pairs, data.source_vocabulary, data.target_vocabulary, 100
    ):
        memory = model.encode(batch.src, batch.src_mask)
        state, steps = model.decoder.start(memory, batch.src_mask), []
        embedded = model.tgt_embed(
            seq2seq.shift_right(batch.tgt, translation.Vocabulary.bos)
        )
        for t in range(batch.tgt.shape[1]):
            _, state = model.decoder.step(embedded[:, t], state, memory, batch.src_mask)
            steps.append(model.decoder.weights)
        maps = torch.stack(steps, dim=1)
        found += [
            maps[i, : len(pair.target), : len(pair.source)]
            for i, pair in enumerate(batch.pairs)
        ]
    return found


# %% demo="heat_map" varies=true
# Figure: your model's attention, gold outlined
with demonstration("heat_map"):
    # fmt: off
    (weights,) = attention_of(model, [example])
    figures.attention(weights, example.target, example.source, gold_cells(example), sides=SIDES)

# %% [markdown]
# A picture of one sentence proves little: somebody chose it. So we count, over a whole test set. First, turn weights into
# links: each target word is linked to the source word it attends to most.

# %% [markdown] task="links_from_weights"
# Return the links of one sentence as a Python set of pairs of ints, *(source index, target index)*.
# hint: `weights.argmax(dim=-1)` gives, for each row (target word), the column (source word) with the largest weight.
# hint: `enumerate` over that gives (target, source); the links want them the other way around, as ints, not tensors.


# %% exercise="links_from_weights" minutes=6 difficulty=2
def links_from_weights(weights: Tensor) -> set[tuple[int, int]]:
    """Link each target word to the source word with the largest weight.

    weights (target words, source words)  ->  {(source index, target index), ...}, from 0
    """
    ### BEGIN SOLUTION
    return {(int(source), target) for target, source in enumerate(weights.argmax(dim=-1))}
    ### END SOLUTION


# %% check="links_from_weights" points=2
def probe(links_from_weights, draw):
    found = {}
    few, many = sorted(draw.sizes(2, 3, 8))
    for name, (T, S) in {"wide": (few, many), "tall": (many, few)}.items():
        links = links_from_weights(draw.weights(T, S))
        pairs = sorted([int(source), int(target)] for source, target in links)
        found[name] = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    return found


check("links_from_weights", links_from_weights, probe)


# %% [markdown]
# Then compare with gold. People who align real sentences (*annotators*) mark two kinds of links: *sure* ones, S, and *possible* ones, P, which include
# the sure ones. A good set A of links has every sure link, and no link that isn't possible. The **alignment error rate**
#
# $$\text{AER} = 1 - \frac{|A \cap S| + |A \cap P|}{|A| + |S|} \qquad \text{(Och and Ney 2003, eq. 21)}$$
#
# is 0 if $S \subseteq A \subseteq P$, and 1 if nothing agrees. In our corpus all links are sure.

# %% [markdown] task="alignment_error_rate"
# Sets of pairs go in. `possible` may have been given without the sure links: a sure link is possible, too.
# hint: Python's sets know `&` for what both have, `|` for what either has, and `len`.
# hint: First `possible | sure`. Then the formula as it stands; the denominator counts A and S, not P.


# %% exercise="alignment_error_rate" minutes=6 difficulty=2
def alignment_error_rate(links: set, sure: set, possible: set) -> float:
    """1 − (|A∩S| + |A∩P|) / (|A| + |S|); P includes S (Och and Ney 2003).

    links A, sure S, possible P: sets of (source index, target index)  ->  a number in [0, 1]
    """
    ### BEGIN SOLUTION
    possible = possible | sure
    return 1 - (len(links & sure) + len(links & possible)) / (len(links) + len(sure))
    ### END SOLUTION


# %% check="alignment_error_rate" points=2
def probe(alignment_error_rate, draw):
    S, T = draw.sizes(2, 5, 7)
    places = [(s, t) for s in range(S) for t in range(T)]
    order = [places[i] for i in draw.permutation(S * T).tolist()]
    a, b, c = draw.size(5, 7), draw.size(7, 9), draw.size(4, 6)
    sure, more, others = (
        set(order[:a]),
        set(order[a : a + b]),
        set(order[a + b : a + b + c]),
    )
    links = others | set(order[: draw.size(2, a - 1)]) | set(order[a : a + draw.size(2, 5)])
    few = set(order[: draw.size(2, a - 1)])
    return {
        "P without S": alignment_error_rate(links, sure, set(more)),
        "P with S": alignment_error_rate(links, sure, more | sure),
        "A = S": alignment_error_rate(set(sure), sure, more | sure),
        "A within S": alignment_error_rate(few, sure, set(more)),
        "A beyond S": alignment_error_rate(sure | more, sure, set(more)),
    }


check("alignment_error_rate", alignment_error_rate, probe)


# %% predict="error_rate"
predict(
    "error_rate",
    "How many of 100 words does it link wrongly, in sentences of 10 to 18 words?",
    (0, 100, 1),
)


# %% name="corpus_error_rate"
# Helper: the error rate over a whole test set
from lessonkit.models import translators


def corpus_error_rate(
    model: seq2seq.EncoderDecoder, pairs: list[translation.Pair]
) -> float:
    """AER over a whole test set: the words of all sentences are counted together."""
    links, gold = set(), set()
    for number, (pair, weights) in enumerate(
        zip(pairs, attention_of(model, pairs), strict=True)
    ):
        links |= {(number, *link) for link in links_from_weights(weights)}
        gold |= {(number, *link) for link in pair.links}
    return alignment_error_rate(links, gold, gold)


# %% demo="error_rate" varies=true
# Table: your model beside pointers that never look
with demonstration("error_rate"):
    # fmt: off
    yours, diagonal = translators.show_error_rates(lambda pairs: corpus_error_rate(model, pairs))
    lesson.reveal("error_rate", round(100 * yours), f"The bare diagonal is wrong {100 * diagonal:.0f} times in a hundred: that is what a model has to beat, not 100.")

# %% [markdown]
# A number without these says nothing: French follows English so closely that the bare diagonal (the word that is as far through its sentence) is right two times in three. So 0.35, not 1, is what the model has to beat,
# and it does, by far.

# %% [markdown]
# ### Explore it
#
# Pick a sentence of the validation set, and hover over a French word, or walk with the arrow keys. Look for *ne*, *pas*, and the object pronouns that
# stand before the verb (*je **les** vois*, I see them). Gold says that *ne* translates *not*. Does your model look there, or at *do* and *does*? It would have a point: *do* announces the
# *not*, and somebody who aligns by hand might well have linked it. Gold is a convention, too.

# %% demo="explorer" varies=true
# Map to touch: eight sentences of the validation set
with demonstration("explorer"):
    # fmt: off
    chosen = [example, *[p for p in data.validation if 9 <= len(p.source) <= 16][:7]]
    words = [p.target for p in chosen], [p.source for p in chosen]
    touch.attention(attention_of(model, chosen), *words, [gold_cells(p) for p in chosen], sides=SIDES)

# %% [markdown]
# ## Predict, then break it
#
# **Equal attention.** What makes the difference: that the decoder has *all* the states, or that it *chooses* among them? To find out, switch off one
# and keep the other.

# %% [markdown] task="equal_weights"
# Take the choosing away, and nothing else: write a function that can stand in the place of `alignment_weights`, and gives every word of a sentence the same weight,
# whatever its score. All else must stay as it is, or you don't know what made the difference: the weights of a sentence still sum to 1, padding still gets none, and they are
# numbers of the kind that the scores are.
# hint: How many words has each sentence? `src_mask` knows.
# hint: `src_mask.sum(1, keepdim=True)` counts the words, (B, 1); the weight of a word is one over that.


# %% exercise="equal_weights" minutes=6 difficulty=2
def equal_weights(scores: Tensor, src_mask: Tensor) -> Tensor:
    """The same weight for every word of the source, zeros at padding; the scores are ignored.

    scores (B, S), src_mask (B, S) bool, True = a word  ->  weights (B, S)
    """
    ### BEGIN SOLUTION
    return src_mask.to(scores.dtype) / src_mask.sum(1, keepdim=True)
    ### END SOLUTION


# %% check="equal_weights" points=1
def probe(equal_weights, draw):
    B, T = draw.sizes(2, 3)
    k = draw.size(3, 6)
    scores, mask = draw.normal(B, T, scale=draw.scale(1, 5)), draw.mask(B, T)
    return {
        "weights": equal_weights(scores, mask),
        "last sentence first": equal_weights(scores.flip(0), mask.flip(0)),
        "square": equal_weights(draw.normal(k, k), draw.mask(k, k)),
    }


check("equal_weights", equal_weights, probe)

# %% [markdown]
# With it $c_i$ is the mean of the states, the same at every step. First the trained model: its weights are taken from it, and nothing else.

# %% demo="switched_off" varies=true
# Table: your trained model, with its choice and without
with demonstration("switched_off"):
    blind = make_model(decoder_step, additive_score, equal_weights)
    blind.load_state_dict(model.state_dict())
    translators.show_exact({"as trained": model, "all weights equal": blind})

# %% [markdown]
# That says how much *this* model relies on choosing. It isn't fair to equal attention: that model was never trained to do without. So train one that never could choose.
# The decoder still sees an average over all words, not just a last state. Is that enough?
#
# The figures are recorded, three seeds, with the code of this lesson and `equal_weights` for `weigh`. The fight is fair: each model got its own learning rate, the one of 2e-3, 4e-3 and 8e-3
# with which it did best on the validation sentences (equal attention, which did best at the highest, was given 16e-3, too). You can run it yourself in a minute:
#
# ```python
# changed = make_model(decoder_step, additive_score, equal_weights)
# train_model(changed, seed=0, lr=8e-3)
# seq2seq.exact_match_by_length(changed, data)
# ```

# %% predict="ablation_table"
predict("ablation_table", "How well does it translate, beside lesson 01's one vector?",
        ["better: it has all states", "about as well", "worse"])  # fmt: skip


# %% name="ablations" show=true
class OneWayEncoder(nn.Module):
    """Two GRUs side by side, both from left to right: as many features and weights as the bidirectional one has."""

    def __init__(self, n: int):
        super().__init__()
        self.grus = nn.ModuleList(
            nn.GRU(seq2seq.EMBEDDING, n, batch_first=True) for _ in range(2)
        )

    def forward(self, embedded: Tensor, src_mask: Tensor) -> Tensor:
        states = torch.cat([gru(embedded)[0] for gru in self.grus], dim=-1)
        return states * src_mask.unsqueeze(-1)


class OneWayDecoder(AttentionDecoder):
    """Starts from the state at the last word: from left to right, no other has read the whole sentence."""

    def start(self, memory: Tensor, src_mask: Tensor) -> Tensor:
        last = memory[torch.arange(len(memory)), src_mask.sum(1) - 1]
        return torch.tanh(self.first(last))


# %% demo="ablation_table"
# Table: one vector, equal attention, additive attention
with demonstration("ablation_table"):
    # fmt: off
    one = Lesson("01_seq2seq")
    above = {"one vector (lesson 01, 14 passes)": [*(one.spread("vector", m) for m in ("short", "medium", "long")), "no attention", "lesson 01's"]}
    translators.show_scores(lesson, {"equal": "equal attention", "additive": "additive attention"}, above)
    lesson.reveal("ablation_table", "worse" if max(lesson.recorded("equal", "short")) < min(one.recorded("vector", "short")) else "about as well", "It sees every word's state, but mixed in equal parts, and the mixture never changes. What helps is the choosing, not the access.")

# %% [markdown]
# Equal attention brings the bottleneck back, although the decoder sees every word's state: it sees them mixed in equal parts, and the mixture never changes. It is even
# worse than lesson 01's vector, which had 14 passes of training against 4, and may keep in its one state what order the words had. Its own rate doesn't save it. Its alignment error rate, 0.93, is exactly that of
# always pointing at the first word: where all weights are equal, argmax takes the first.
#
# **One direction.** Bahdanau's encoder reads both ways. What is that good for? `make_model(..., one_way=True)` has two GRUs that both read from left to right, so as many weights and features as before, and a decoder that starts from the
# state at the last word, the only one that has read everything. A state then knows nothing of what follows. At *the*, the noun hasn't been read: is it *le* or *la*?

# %% predict="one_way"
predict("one_way", "Where does the one-way model look, when it doesn't look at the right word?", ["further left", "further right", "on both sides alike"])  # fmt: skip


# %% demo="one_way"
# Tables and figure: both directions against one, and where each looks beside the right word
with demonstration("one_way"):
    # fmt: off
    side = translators.show_looks(lesson)
    lesson.reveal("one_way", side, f"Of its wrong looks {lesson.spread('one_way', 'further_right_all')} are further right; of the other's {lesson.spread('additive', 'further_right_all')}. Its states there know what the state at the right word can't know yet.")

# %% [markdown]
# With one direction about half of the articles look beside the right word, where with two hardly any does. And nearly all looks that miss go further right, on all three seeds: to states that
# have read more. (With two directions few miss, and the side of those depends on the seed.) It costs some sentences, the long ones most, and the alignment error rate is three to four times as high. On all of these the two ranges are apart.
#
# Why the articles? Gender would explain it: *the* doesn't tell it, the noun behind does. An adjective before its noun needs the gender, too, and misses far less often; but then *le* or *la* is
# written already, and the decoder knows. That is a guess: the gender wasn't varied alone. And one thing goes the other way. Pronouns look elsewhere more often with two directions than with one, and why, we don't know.
#
# The last column answers an older question. Where does *ne* look? With two directions, nearly always at *do* in two of three runs, and seldom in the third. All three translate about equally well.
#
# ### What does a map explain?
#
# A defect of the one-vector model that is often named, beside forgetting and the bottleneck, is **poor interpretability**: nobody can see what is in the vector, or why a word was written. Attention gives you
# something to look at: a soft alignment, one row a word. You have measured how far it is one: 5 to 6 links in a hundred are wrong, where the diagonal has 35. That is more than a picture of a chosen
# sentence could tell.
#
# An *explanation* of the model it isn't yet. A state holds information about its neighbours, too, so weight on a word doesn't say that it was this word's meaning that was used; a model may translate
# rightly and look beside the word. The one-way model does: it gets more than nine of ten medium sentences right, and misses gold with one word in five. Lesson 04 has one
# that looks wrong in a third of the cases and translates better than two others of its kind. **Attention is not alignment**, let alone
# explanation (Jain and Wallace 2019 argue this for classification). It is often close, and you should measure before you say so.
#
# ## The paper says, we measured

# %% demo="paper_table"
# Table: what the paper says, and what was measured
with demonstration("paper_table"):
    # fmt: off
    from lessonkit.models import alignment

    one, diagonal = Lesson("01_seq2seq"), alignment.blind_error_rates(data.test_medium)["the diagonal"]
    short, medium, long, aer = (lesson.spread("additive", m) for m in ("short", "medium", "long", "aer"))
    rows = [
        ["better than one vector", "BLEU 26.75 against 17.82 (table 1, models trained to 50 words)", f"exact match on medium sentences {medium} against {one.spread('vector', 'medium')} (lesson 01)"],
        ["length doesn't hurt", "no drop up to 50 words and more (figure 2)", f"short {short}, long {long}: a small drop"],
        ["one vector breaks on long sentences", "BLEU falls steeply beyond 20 words (figure 2)", f"long: {one.spread('vector', 'long')} (lesson 01)"],
        ["the alignment is plausible", "shown for four sentences (figure 3)", f"AER {aer}; the diagonal {diagonal:.2f}"],
    ]
    tables.show_table(["claim of Bahdanau et al. 2015", "there", "we measured (three seeds)"], rows, "What was claimed, and what came out here")

# %% [markdown]
# The experiment is small: a generated grammar, 127 English and 178 French words, a minute of training. The measures differ, too: the paper reports
# BLEU on news, we count sentences without any mistake. What carries over is the shape: with attention, length hardly
# matters. `python -m lessonkit full 03`, in the course's folder, trains the same model on real sentences (Tatoeba), and scores it against links drawn by people.
#
# ## Summary
#
# 1. One vector for a whole sentence is a bottleneck; attention removes it.
# 2. The decoder computes its own context $c_i$ for every word: $C$ becomes $C_i$.
# 3. Query: the decoder's state before the step. Keys and values: the encoder's states.
# 4. The additive score is a small network: $v^\top \tanh(W q + U k)$; without tanh all queries rank alike.
# 5. Softmax runs over the source words; padding is masked.
# 6. Order: attend with $s_{i-1}$, make the context, then update to $s_i$.
# 7. Training needs no alignments: they appear because they help to translate.
# 8. The alignment error rate compares links with gold; 0 is perfect.
# 9. Attention is a soft alignment that can be scored; right translations don't guarantee a right one (an encoder that reads one way looks further right), and a map isn't an explanation.
# 10. Equal weights bring the bottleneck back: it is the *choosing* that helps, not the access.
#
# ## References
#
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*, ICLR 2015,
#   arXiv:1409.0473.
# - F. J. Och, H. Ney, *A Systematic Comparison of Various Statistical Alignment Models*, Computational Linguistics 29(1), 2003.
# - S. Jain, B. Wallace, *Attention is not Explanation*, NAACL 2019, arXiv:1902.10186.
