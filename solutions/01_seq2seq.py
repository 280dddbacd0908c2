# %% [markdown]
# # Lesson 01: one vector for the whole sentence
#
# **Could you translate a sentence of thirty words after hearing it once, without looking at it again?** Probably not word
# by word: you would keep the gist, and lose the adjectives. The first neural translators worked just like that. One network
# reads the sentence, and what it remembers at the end is a vector of fixed length. Another network writes the translation
# from that vector alone (Sutskever et al. 2014; Cho et al. 2014).
#
# It works astonishingly well, for short sentences. In this lesson you build it, decode with it, and then watch how and
# why it breaks. That is worth the time: attention, from lesson 03 on, is the answer to exactly this failure. Allow 120
# minutes for all six exercises; the last one is hard and optional for what follows.
#
# **Notation**
#
# | letter | here | in lesson 00 |
# |---|---|---|
# | $x_t$ | the vector of word $t$ (its *embedding*), $d$ numbers | $x_i$ was a key |
# | $h_t$ | the state after word $t$, $n$ numbers: a network's memory | – |
# | $y_t$ | the right word at place $t$ of the translation | $y_i$ was a value |
# | BOS, EOS | *beginning* and *end of sentence*: two more words of the vocabulary. The decoder reads BOS first, since there is no word before; it stops by saying EOS | – |
# | logits (B, T, V) | one number for each of the V words of the vocabulary; softmax makes probabilities of them | scores |
# | $\lVert J \rVert$ | spectral norm of a matrix: the largest factor by which it makes a vector longer. A **Jacobian** $J = \partial a / \partial b$ holds the derivative of each element of $a$ by each of $b$ | – |

# %% name="setup"
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from lessonkit import Lesson, train
from lessonkit.data import translation
from lessonkit.data.translation import Vocabulary
from lessonkit.models import sentence_vector, seq2seq
from lessonkit.show import recorded

lesson = Lesson("01_seq2seq")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
data, EMBEDDING = translation.load_translation(), seq2seq.EMBEDDING

# %% [markdown]
# ## The task
#
# 10,000 pairs of generated English and French sentences, 4 to 30 words long. Every French word is determined by the
# English sentence, so a perfect translator gets every sentence *exactly* right; that is how we count.

# %% demo="lengths"
# Table and figure: two pairs; how many there are of each length
with demonstration("lengths"):
    sentence_vector.show_corpus(data)

# %% [markdown]
# ## A network that reads
#
# A *recurrent* network reads one word at a time and keeps a state $h \in \mathbb{R}^n$, its memory:
#
# $$h_t = \tanh(W_{xh}\, x_t + W_{hh}\, h_{t-1} + b) \qquad \text{(Elman 1990, there with another squashing function)}$$
#
# with the word's vector $x_t \in \mathbb{R}^d$, $W_{xh}$ (n, d), $W_{hh}$ (n, n). The same weights are used at every step.

# Here it is for a batch. (Of one sentence it is `W_xh @ x`; with the batch first, x is (B, d), and the product becomes `x @ W_xh.T`.)


# %% name="rnn_step" show=true
def rnn_step(x: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b: Tensor) -> Tensor:
    """h_t = tanh(W_xh x_t + W_hh h_{t−1} + b)  (Elman 1990).

    x (B, d), h (B, n), W_xh (n, d), W_hh (n, n), b (n,)  ->  new h (B, n)
    """
    return torch.tanh(x @ W_xh.T + h @ W_hh.T + b)


# %% [markdown]
# Sentences in a batch have different lengths, so shorter ones are padded at the end. The network runs on over the
# padding, and its state there is meaningless. **The sentence's vector is the state at its last real word.**
#
# ```python
# for b in range(B):
#     vector[b] = outputs[b, lengths[b] - 1]
# ```

# %% [markdown] task="last_state"
# Pick it for the whole batch.
# hint: Two index tensors of the same length pick one place per row: `outputs[rows, positions]`.
# hint: The rows are `torch.arange(B)`; the last real word of a sentence of length 3 stands at position 2.


# %% exercise="last_state" minutes=5 difficulty=2
def last_state(outputs: Tensor, lengths: Tensor) -> Tensor:
    """The state at each sentence's last real word.

    outputs (B, T, n), lengths (B,) from 1 to T  ->  (B, n)
    """
    ### BEGIN SOLUTION
    return outputs[torch.arange(len(lengths)), lengths - 1]
    ### END SOLUTION


# %% check="last_state" points=1
def probe(last_state, draw):
    B, T, n, k = draw.sizes(4, 3)
    square = last_state(draw.normal(k, k, k), draw.lengths(k, k))
    vector = last_state(draw.normal(B, T, n), draw.lengths(B, T))
    return {"vector": vector, "square": square}


check("last_state", last_state, probe)


# %% [markdown]
# ## A network that writes
#
# The decoder is a second recurrent network. It starts from the sentence's vector, and at every step reads the word before and
# gives scores (*logits*) for the next. In training it reads the *right* word before, whatever it would have said
# itself (*teacher forcing*): input and output are the same sentence, shifted by one.
#
# | step | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|
# | reads | BOS | le | chat | dort |
# | should say | le | chat | dort | EOS |


# %% name="shift_right" show=true
def shift_right(tgt: Tensor, bos: int) -> Tensor:
    """What the decoder reads: BOS, then every word but the last.

    tgt (B, T) int64, bos the number of BOS  ->  (B, T) int64
    """
    return torch.cat([torch.full_like(tgt[:, :1], bos), tgt[:, :-1]], dim=1)


# %% [markdown]
# The loss is the cross-entropy of the right words, $-\log p(y_t)$, averaged over all words that are no padding. A batch of long
# and short sentences must not count padding, neither in the sum nor in the number that it is divided by.

# %% [markdown] task="token_loss"
# One number for the batch.
# hint: `F.cross_entropy` wants logits (N, V) and targets (N,): flatten batch and time into one axis. Or take `log_softmax` and gather.
# hint: `ignore_index=pad` leaves padding out of both the sum and the count.


# %% exercise="token_loss" minutes=8 difficulty=2
def token_loss(logits: Tensor, tgt: Tensor, pad: int) -> Tensor:
    """Mean of −log p(right word) over the words that are no padding.

    logits (B, T, V), tgt (B, T) int64, pad the number of padding  ->  () scalar
    """
    ### BEGIN SOLUTION
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), tgt.flatten(), ignore_index=pad
    )
    ### END SOLUTION


# %% check="token_loss" points=2
def probe(token_loss, draw):
    found = {}
    for name in ("loss", "other sizes, other padding"):
        B, T, V = draw.sizes(3, 3)
        pad = draw.integers(1, V)
        logits = draw.normal(B, T, V, scale=draw.scale(1, 4))
        found[name] = token_loss(logits, draw.words(B, T, V, pad), pad)
    return found


check("token_loss", token_loss, probe)


# %% [markdown]
# ## Writing without a teacher
#
# After training nobody knows the right word before. The simplest way is **greedy**: always take the likeliest next word, feed it
# back in, and stop at EOS. A sentence that has ended must stay ended while others in the batch go on.

# %% [markdown] task="greedy_decode"
# `step(tokens, state)` takes the last words (B,) and a state, and returns logits (B, V) and the new state. Start with BOS. Once a
# row has said EOS, everything after it is EOS. Stop when all rows have, or after `max_length` words.
# hint: Keep a boolean `done` (B,). Choose `logits.argmax(-1)`, and overwrite the choice by EOS where a row was done *before*.
# hint: Collect the chosen words of each step in a list, update `done`, stop when `done.all()`; `torch.stack(list, dim=1)` at the end.


# %% exercise="greedy_decode" minutes=15 difficulty=3
def greedy_decode(
    step: Callable, state: object, batch: int, bos: int, eos: int, max_length: int
) -> Tensor:
    """The likeliest next word, again and again. BOS isn't part of the result; EOS and what follows it is EOS.

    step: (tokens (B,), state) -> (logits (B, V), new state)   ->  words (B, L) int64, L ≤ max_length
    """
    ### BEGIN SOLUTION
    tokens, chosen = torch.full((batch,), bos), []
    done = torch.zeros(batch, dtype=torch.bool)
    while len(chosen) < max_length and not done.all():
        logits, state = step(tokens, state)
        tokens = logits.argmax(-1).masked_fill(done, eos)
        chosen.append(tokens)
        done = done | (tokens == eos)
    return torch.stack(chosen, dim=1)
    ### END SOLUTION


# %% check="greedy_decode" points=3
def probe(greedy_decode, draw):
    B, V = draw.sizes(2, 4, 9)
    first = draw.size(2, 4)  # when the first row ends; the last one ends B − 1 steps later
    table, rows, ends = (
        draw.normal(first + B + 3, V, V, scale=5.0),  # the last word decides most
        draw.normal(B, V),
        draw.permutation(B),
    )

    def stepping(bos, eos):
        ours = table.clone()
        ours[:, eos] = -ours[:, bos]  # who begins with EOS begins otherwise

        def step(tokens, state):  # depends on the last word, the time and the row
            if tuple(tokens.shape) != (B,):
                raise ValueError(
                    f"step takes the last words, (B,); yours are {tuple(tokens.shape)}"
                )
            logits = ours[state, tokens] + rows
            logits[:, eos] = torch.where(ends + first == state, 50.0, -50.0)
            return logits, state + 1

        return step

    start, found = torch.ones(B, dtype=torch.long), {}
    for name, most in (("ended", first + B + 2), ("cut", first + 1)):
        bos, eos = (1 + word for word in draw.tokens(2, V - 1))
        found[name] = greedy_decode(stepping(bos, eos), start, B, bos, eos, most)
    found["EOS is 0"] = greedy_decode(stepping(bos, 0), start, B, bos, 0, first + B + 2)
    return found


check("greedy_decode", greedy_decode, probe)


# %% [markdown]
# ## The model
#
# We use GRU cells in place of the plain step (Cho et al. 2014). A GRU works out a proposal $\tilde h_t$ as the plain network does, and *mixes* it
# with the old state. Two gates between 0 and 1 say how (as PyTorch has them; biases left out):
#
# $$z_t = \sigma(W_z x_t + U_z h_{t-1}), \qquad r_t = \sigma(W_r x_t + U_r h_{t-1})$$
#
# $$\tilde h_t = \tanh\big(W x_t + r_t \odot (U h_{t-1})\big), \qquad h_t = (1 - z_t) \odot \tilde h_t + z_t \odot h_{t-1}$$
#
# Where $z_t$ is near 1, the state is copied, and so is its gradient. (The LSTM, of 1997, has three gates and a second state; it is the older idea of the same kind.)
#
# The frame `EncoderDecoder` is the course's for every translator from here to the Transformer: `encode` gives a *memory*, `decode` reads
# it. Here the memory is one vector $C$ of 128 numbers, and the decoder gets it at every step, so that it needn't remember it. Only the decoder is ever
# told what is right. The encoder learns from that alone: the gradient of the loss reaches it through $C$. So whatever the encoder is to learn must fit through $C$,
# forwards as a number and backwards as a gradient.
#
# The loss and the writing are yours: training calls your `token_loss`, translating your `greedy_decode`, the encoder your `last_state`.


# %% demo="mechanism"
# Drawing: encoder, vector, decoder
with demonstration("mechanism"):
    # fmt: off
    from lessonkit.show import drawing

    boxes = {f"x{i}": (0.6 + 1.05 * i, 0.5, word, "", "input") for i, word in enumerate(("the", "dog", "EOS"))}
    boxes |= {f"h{i}": (0.6 + 1.05 * i, 1.7, f"h{'₁₂₃'[i]}", "(n,)", "learned") for i in range(3)} | {"v": (3.85, 1.7, "vector", "(k,)", "attention")}
    boxes |= {f"s{i}": (5.1 + 1.05 * i, 1.7, f"s{'₁₂₃'[i]}", "(n,)", "learned") for i in range(3)}
    boxes |= {f"r{i}": (5.1 + 1.05 * i, 0.5, word, "", "input") for i, word in enumerate(("BOS", "le", "chien"))} | {f"y{i}": (5.1 + 1.05 * i, 2.8, word, "", "output") for i, word in enumerate(("le", "chien", "EOS"))}
    arrows = [(f"x{i}", f"h{i}") for i in range(3)] + [("h0", "h1"), ("h1", "h2"), ("h2", "v"), ("v", "s0"), ("s0", "s1"), ("s1", "s2")] + [(f"r{i}", f"s{i}") for i in range(3)] + [(f"s{i}", f"y{i}") for i in range(3)]
    drawing.draw("The encoder reads the dog and the end of the sentence, one state a word; its last state is the vector, all that the decoder gets, at its start and again beside every word. The decoder reads BOS and writes le, reads le and writes chien, reads chien and writes EOS.", boxes, arrows, height=3.2)


# %% name="model" show=true
class VectorEncoder(nn.Module):
    """Embedded source (B, S, e), mask (B, S) -> one vector a sentence (B, k), the state that `pick` picks."""

    def __init__(self, k: int, pick: Callable):
        super().__init__()
        self.gru, self.dropout, self._pick = (
            nn.GRU(EMBEDDING, k, batch_first=True),
            nn.Dropout(0.2),
            pick,
        )

    def forward(self, embedded: Tensor, src_mask: Tensor) -> Tensor:
        return self._pick(self.gru(self.dropout(embedded))[0], src_mask.sum(1))


class VectorDecoder(seq2seq.StepDecoder):
    """A GRU that gets the sentence's vector (B, k) beside the last word at every step."""

    def __init__(self, n: int, k: int):
        super().__init__()
        self.first, self.gru = nn.Linear(k, n), nn.GRU(EMBEDDING + k, n, batch_first=True)
        self.readout, self.dropout = nn.Linear(n + k + EMBEDDING, n), nn.Dropout(0.2)

    def start(self, memory: Tensor, src_mask: Tensor) -> Tensor:
        return torch.tanh(self.first(memory))

    def step(
        self, embedded: Tensor, state: Tensor, memory: Tensor, src_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        features, state = self._run(embedded.unsqueeze(1), state, memory)
        return features.squeeze(1), state

    def forward(
        self,
        embedded: Tensor,
        memory: Tensor,
        src_mask: Tensor,
        tgt_mask: Tensor | None = None,
    ) -> Tensor:
        return self._run(embedded, self.start(memory, src_mask), memory)[
            0
        ]  # all steps at once: the inputs are known

    def _run(
        self, embedded: Tensor, state: Tensor, memory: Tensor
    ) -> tuple[Tensor, Tensor]:
        both = torch.cat(
            [embedded, memory.unsqueeze(1).expand(-1, embedded.shape[1], -1)], dim=-1
        )
        states, last = self.gru(both, state.unsqueeze(0))
        return self.dropout(
            torch.tanh(self.readout(torch.cat([states, both], dim=-1)))
        ), last.squeeze(0)


# %% name="make_model" show=true
HIDDEN = 128
# passes over the training pairs, here and in the recorded runs below
LIVE, RECORDED = 7, 14


def make_model(pick: Callable, width: int = HIDDEN) -> seq2seq.EncoderDecoder:
    """A translator whose encoder hands on `width` numbers; `pick` chooses the sentence's state (your last_state)."""
    source, target = len(data.source_vocabulary), len(data.target_vocabulary)
    return seq2seq.EncoderDecoder(
        VectorEncoder(width, pick), VectorDecoder(HIDDEN, width),
        nn.Embedding(source, EMBEDDING), nn.Embedding(target, EMBEDDING), nn.Linear(HIDDEN, target),
    )  # fmt: skip


def translation_loss(model: seq2seq.EncoderDecoder, batch: translation.Batch) -> Tensor:
    """The loss of one batch under teacher forcing."""
    logits = model(batch.src, shift_right(batch.tgt, Vocabulary.bos), batch.src_mask)
    return token_loss(logits, batch.tgt, Vocabulary.pad)


def training_batches(
    seed: int, reverse_source: bool = False
) -> Iterator[translation.Batch]:
    """Batches of 64 without end; every pass in another order."""
    while True:
        yield from translation.batches(
            data.train,
            data.source_vocabulary,
            data.target_vocabulary,
            64,
            seed,
            reverse_source,
        )
        seed += 1000


def train_model(
    model: seq2seq.EncoderDecoder,
    seed: int,
    reverse_source: bool = False,
    passes: int = LIVE,
    quiet: bool = False,
    seconds: float = 55,
) -> train.History:
    """Some passes over the training pairs, in at most so many seconds. Settings were chosen on the validation set."""
    return train.fit(
        model, training_batches(seed, reverse_source), translation_loss,
        steps=157 * passes, lr=4e-3, warmup=100, decay=True, seconds=seconds, title="one vector", quiet=quiet,
    )  # fmt: skip


# %% [markdown]
# It sees as many long sentences as short ones in training.

# %% predict="training"
predict("training", "Of 100 medium sentences (10 to 18 words), how many will it translate without a mistake?", (0, 100, 1))  # fmt: skip

# %% demo="training" varies=true
# Training: encoder, vector and decoder, made of your functions, about 50 seconds
with demonstration("training"):
    # fmt: off
    torch.manual_seed(0)
    history = train_model(model := make_model(last_state), seed=0)
    measured = sentence_vector.show_exact(model, data, greedy_decode, lesson)
    lesson.reveal("training", round(100 * measured["medium"]), f"Recorded, with 14 passes: {lesson.spread('vector', 'medium')}; short {lesson.spread('vector', 'short')}, long {lesson.spread('vector', 'long')}.")

# %% [markdown]
# There it is. Short sentences: mostly right. Long ones: none. It isn't that long sentences were unknown, the model practised
# them as often. Look at the loss curve: a batch holds sentences of like length, so its lower edge, near 0, is the short
# ones, and its upper edge the long ones. Those the model doesn't even learn by heart. (Three recorded runs with 14 passes in place of 7 got 0.90 to 0.92 of the short and 0.24 to
# 0.27 of the medium sentences: practice moves the limit. Of the long ones they got none, or one in 500.)
#
# ### Look at the mistakes
#
# Pick a sentence by its length. Places where the model's word isn't the right one are orange. Where do the mistakes begin?

# %% demo="explorer" varies=true
# Explorer: a sentence, its right translation and the model's
with demonstration("explorer"):
    sentence_vector.explorer(model, data, greedy_decode)

# %% [markdown]
# ## Errors add up
#
# With the teacher the decoder reads the right word before. On its own it reads what it wrote; after one mistake it is in
# a place that it never practised. Does it show? We need a measure: **at each place of the sentence, how often is the word right?** Sentences differ in length, and what
# the model writes may be shorter or longer than what is right. So before you count, decide who counts.

# %% [markdown] task="right_by_place"
# For each of the first `places` places, the share of words that are right there. Only sentences whose *right* translation reaches the place are counted. One whose
# written words have ended by then counts, and is wrong there: the model left a word out. What it writes beyond the right end counts nowhere. Each place is reached by at least one sentence.
# hint: Which sentences reach place 3 (from 0)? Those with `len(r) > 3`. Their number is what you divide by.
# hint: `m[place]` fails where `m` is too short: ask `len(m) > place and m[place] == r[place]`.
# hint: Go through the places; at each, collect the pairs (written, right) that reach it, count those that are right, and divide.


# %% exercise="right_by_place" minutes=10 difficulty=2
def right_by_place(made: list[list], right: list[list], places: int) -> list[float]:
    """At each place, among the sentences whose right translation reaches it: the share whose word there is right.

    made, right: for each sentence the list of its words, in the same order of sentences  ->  shares for place 0 … places − 1
    """
    ### BEGIN SOLUTION
    shares = []
    for place in range(places):
        reached = [i for i, words in enumerate(right) if len(words) > place]
        hits = sum(
            len(made[i]) > place and made[i][place] == right[i][place] for i in reached
        )
        shares.append(hits / len(reached))
    return shares
    ### END SOLUTION


# %% check="right_by_place" points=2
def probe(right_by_place, draw):
    places = draw.size(5, 8)

    def sentence(length):
        return [f"w{word}" for word in draw.permutation(30)[:length].tolist()]

    def others(count):
        return [f"x{word}" for word in draw.permutation(30)[:count].tolist()]

    first = sentence(places + draw.size(1, 3))
    cut = sentence(places + 1)
    longer, late = sentence(draw.size(2, places - 1)), sentence(places)
    twice = sentence(places)
    twice[2] = twice[1]
    pairs = [
        (others(1) + first[1:], first),  # one mistake, at the beginning
        (cut[:1], cut),  # ends before any other does
        (longer + others(draw.size(1, 4)), longer),  # goes on
        (others(1) + late[:-1], late),  # each word one place too late
        *(
            (list(words), words)
            for words in (sentence(draw.size(2, places - 2)) for _ in range(3))
        ),
        (twice[:2], twice),  # ends with a word that should come once more
    ]
    for _ in range(draw.size(2, 4)):
        words = sentence(draw.size(places - 1, places + 2))
        wrong = others(len(words))
        flip = draw.integers(0, 2, len(words)).tolist()
        pairs.append(
            ([w if f else x for w, x, f in zip(words, wrong, flip, strict=True)], words)
        )
    pairs = [pairs[i] for i in draw.permutation(len(pairs)).tolist()]
    made, right = (draw.watch([list(pair[i]) for pair in pairs]) for i in (0, 1))
    shares = right_by_place(made, right, places)
    return {"shares": torch.as_tensor(shares, dtype=torch.float64)}


check("right_by_place", right_by_place, probe)

# %% predict="error_accumulation"
predict("error_accumulation", "Long sentences, place 20: with the right words fed in, what share of its words is right?", (0.0, 1.0, 0.05))  # fmt: skip

# %% demo="error_accumulation" varies=true
# Figure: words right by place, with the teacher and alone
with demonstration("error_accumulation"):
    # fmt: off
    teacher, alone = sentence_vector.show_errors_by_place(model, data.test_long, greedy_decode, right_by_place)
    lesson.reveal("error_accumulation", teacher, f"Alone it is {alone:.2f}. What falls with the teacher is the vector; what lies between is its own words, and shifts.")

# %% [markdown]
# Read both curves. The one with the teacher falls, too, from 0.95 to 0.45 in the reference run. Those can't be errors adding up, since it always reads the right words: it is the vector that runs out. What the model's *own* words add is the
# distance between the two: alone, 0.02 is left at place 20. And a part of that distance is no error at all. We compare place by place, so one word too many makes each later word wrong, however right it is. The third curve counts a right
# word wherever it stands, as long as the words are in order: at most so much of the gap was only a shift (some words are found in order by chance).

# %% [markdown]
# ## Is it hard to learn? Gradients over a distance
#
# A bottleneck is too narrow for what must pass. There is a second suspect, older than any translator: it may be hard to *learn* what to keep. For the last state to remember
# the first word, training must send a gradient all the way back. Each step backwards multiplies
# by the step's Jacobian. For the plain network, $h_{t} = \tanh(\dots)$, it is
#
# $$\frac{\partial h_{t}}{\partial h_{t-1}} = \text{diag}(1 - h_{t}^2)\; W_{hh}, \qquad
# \frac{\partial h_T}{\partial h_t} = \frac{\partial h_T}{\partial h_{T-1}} \cdots \frac{\partial h_{t+1}}{\partial h_t}$$
#
# (Bengio et al. 1994; Pascanu et al. 2013). A product of many matrices: in the long run its norm shrinks or grows
# exponentially, if the matrices are all alike, and only on the knife's edge does it do neither.

# %% [markdown] task="gradient_by_distance"
# Given the states, return the norms of these products for every distance $T - t$, from 0 (the identity, norm 1) to T. Use the
# spectral norm, `torch.linalg.matrix_norm(J, 2)`: the largest factor by which a small change can grow.
# hint: Start with `J = torch.eye(n)` for distance 0, and walk back from t = T: multiply J *from the right* by the Jacobian of step t.
# hint: `(1 - states[t] ** 2).unsqueeze(1) * W_hh` is diag(1 − h²) W_hh: each *row* of W_hh is scaled.


# %% exercise="gradient_by_distance" minutes=15 difficulty=3
def gradient_by_distance(states: Tensor, W_hh: Tensor) -> Tensor:
    """‖∂h_T/∂h_t‖ (spectral norm) for t = T, T−1, …, 0: by distance 0, 1, …, T  (Pascanu et al. 2013, eq. 5).

    states h_0 … h_T (T + 1, n), W_hh (n, n)  ->  norms (T + 1,)
    """
    ### BEGIN SOLUTION
    J, norms = torch.eye(states.shape[1], dtype=states.dtype), []
    for h in states.flip(0):
        norms.append(torch.linalg.matrix_norm(J, 2))
        J = J @ ((1 - h**2).unsqueeze(1) * W_hh)
    return torch.stack(norms)
    ### END SOLUTION


# %% check="gradient_by_distance" points=3
def probe(gradient_by_distance, draw):
    T, n = draw.sizes(2, 3)
    states, W_hh = torch.tanh(draw.normal(T + 1, n)), draw.normal(n, n)
    return {"norms": gradient_by_distance(draw.watch(states), W_hh)}


check(
    "gradient_by_distance",
    gradient_by_distance,
    probe,
    no_gradients="a measurement: nothing trains through it",
)


# %% [markdown]
# The *spectral radius* of $W_{hh}$ is the absolute value of its largest eigenvalue. We run plain networks with random weights of several radii over 40 steps. (The scale
# of the figure is logarithmic.)

# %% predict="vanishing"
predict("vanishing", "Radius 0.8: what happens to the gradient on its first steps back?", ["it shrinks at once", "it stays as it is", "it grows first"])  # fmt: skip

# %% demo="vanishing"
# Figure: norm of the gradient by distance, four radii
with demonstration("vanishing"):
    # fmt: off
    ends = sentence_vector.show_gradients(rnn_step, gradient_by_distance, (0.8, 1.0, 1.2, 1.6))
    lesson.reveal("vanishing", "it grows first", "One step may lengthen a vector by the largest singular value, 1.55 here; the eigenvalue decides in the long run: after 40 steps " + ", ".join(f"{end:.2g} for radius {radius}" for radius, end in ends.items()) + ".")

# %% [markdown]
# In the long run the radius decides: with 0.8 the gradient *vanishes*, 0.0001 is left after 40 words. With 1.2 and 1.6 it *explodes*, though the tanh works against
# that: where $|h|$ is near 1, the factor $1 - h^2$ is near 0. But look at the left end: with 0.8 the norm first *grows*, to 1.5. An eigenvalue says what happens after many steps; one step
# may lengthen a vector by the largest *singular value* of $W_{hh}$, which is 1.55 here. (So a safe condition for vanishing is on that: singular values below 1, as
# $\tanh' \le 1$; and one above 1 is necessary for exploding, not sufficient. Pascanu et al. 2013, section 2.1.)
#
# Against explosion there is a simple cure: **clipping**. If the gradient's norm is above 1, scale it down to 1. (`train.fit` does so.) Here a plain network of radius 1.6 learns a
# task that needs no memory at all, to repeat the last of 20 numbers, by plain gradient descent, with clipping and without.


# %% demo="clipping"
# Figure and table: a plain network of radius 1.6, with clipping and without
with demonstration("clipping"):
    sentence_vector.show_clipping(rnn_step)

# %% [markdown]
# Without clipping one of the three runs, the one drawn, meets a large gradient, takes one giant step, and never comes back. With it all three learn. In the other two it wasn't needed, and cost
# little: it is an insurance.
#
# Against vanishing there is no cure as simple. Gates are
# said to help (LSTM, GRU), and a reading says of them that they remember "relatively long, not longer". Mind what was measured here, and what not: all this is about *plain* networks with random weights. The model that failed
# is a trained GRU, which gets the vector at every step. That its *vector* is too narrow, the widths below will show. That its gradients vanish isn't so: we followed them through the trained encoder, back to
# the first of 24 words, and they don't shrink at all (the table at the end has the numbers).
#
# ## A trick: turn the source around
#
# Sutskever and colleagues read the source sentence *backwards*. The average distance of a word to its translation stays the same,
# but the first words come close to theirs, and the decoder starts well. Does it help here?
#
# ## How wide is the bottleneck?
#
# If one vector is too narrow, a wider one should help. These are recorded runs, three seeds each, with twice as many passes as yours
# had: nobody shall say that the vector didn't get its chance.

# %% predict="recorded_table"
predict("recorded_table", "What does a reversed source do to medium sentences?", ["it helps", "it costs", "a tie"])  # fmt: skip

# %% demo="recorded_table"
# Table: reversed source, and three widths
with demonstration("recorded_table"):
    # fmt: off
    sentence_vector.show_recorded(lesson, {"vector": "128 numbers", "reversed": "128 numbers, source reversed", "width_64": "64 numbers", "width_16": "16 numbers"})
    straight, turned = (lesson.recorded(name, "medium") for name in ("vector", "reversed"))
    lesson.reveal("recorded_table", "it helps" if min(turned) > max(straight) else "it costs" if max(turned) < min(straight) else "a tie", f"{lesson.spread('vector', 'medium')} as it is, {lesson.spread('reversed', 'medium')} reversed.")

# %% [markdown]
# Width matters, as predicted: with 16 numbers even short sentences fail. **Reversing the source didn't help here**: on medium sentences it is a small loss on
# each seed (0.03, 0.00 and 0.04), and the ranges overlap. So: no gain. Why it helped Sutskever and not us, we can only guess. Our decoder gets the vector at every step, so the first words need no
# special help; and his sentences, 25 words on average, have a longer tail than ours of 17. A trick that helps in one place needn't help in another; that is why we measure.
#
# ## Better decoding? Beam search
#
# Greedy decoding never takes a step back. **Beam search** keeps the best few beginnings at every step. It needs one correction:
# the score of a sentence is the sum of log-probabilities, all negative, so short sentences win unfairly. Dividing by
# $L^\alpha$, the length to a power, makes up for it (Wu et al. 2016 use a close relative).

# %% [markdown] task="beam_search"
# For one sentence. `step(word, state)` takes the last word (an int; BOS first) and a state, and returns log-probabilities (V,) and a
# new state. At each of at most `max_length` steps: extend every open beginning by every word, keep the `beam` best by their *sum*. Those
# that end with EOS are finished, and leave the beam; the search ends when none is open. Return the words (EOS counts as one)
# of the finished sentence with the best sum / length^α; if none is finished, of the best open one.
#
# Growing is done for you: after the loop over `going`, `grown` holds tuples (words, score, state). (Of each beginning it takes `beam` words only: a worse one can't be among the best.) You decide who stays, who
# is finished, when the search ends, and who wins. Or throw it away, and write your own.
# hint: A beam keeps the `beam` likeliest of `grown`, whether they end with EOS or not. Only then are they parted.
# hint: `sorted(grown, key=lambda g: g[1], reverse=True)[:beam]`; the last word of a tuple is `g[0][-1]`.
# hint: At the end: `max(finished or going, key=...)`, and of that the words alone.


# %% exercise="beam_search" minutes=15 difficulty=3
def beam_search(
    step: Callable,
    state: object,
    bos: int,
    eos: int,
    beam: int,
    max_length: int,
    alpha: float,
) -> list[int]:
    """The sentence with the best Σ log p / length^α among those that a beam finds (Sutskever et al. 2014; Wu et al. 2016).

    step: (word, state) -> (log-probabilities (V,), new state)   ->  word numbers, with EOS, without BOS
    """
    going, finished = [([], 0.0, state)], []  # tuples: words, sum of log p, state
    for _ in range(max_length):
        grown = []
        for words, score, state in going:
            log_probs, new_state = step(words[-1] if words else bos, state)
            best = log_probs.topk(min(beam, len(log_probs)))
            for value, word in zip(
                best.values.tolist(), best.indices.tolist(), strict=True
            ):
                grown.append(([*words, word], score + value, new_state))
        ### BEGIN SOLUTION
        grown = sorted(grown, key=lambda g: g[1], reverse=True)[:beam]
        finished += [g for g in grown if g[0][-1] == eos]
        going = [g for g in grown if g[0][-1] != eos]
        if not going:
            break
    return max(finished or going, key=lambda g: g[1] / len(g[0]) ** alpha)[0]
    ### END SOLUTION


# %% check="beam_search" points=4
from lessonkit.checks.beams import lost, noted, traced_step


def probe(beam_search, draw):
    cases = {  # beam, α, how likely EOS is, how different the words are, how many
        "beam of 3": (3, 1.0, 0.5, 0.5, 18),
        "strong normalisation": (draw.size(4, 5), draw.scale(2, 3), 0.5, 2.5, 14),
        "no normalisation": (draw.size(2, 4), 0.0, 0.3, 1.0, 8),
        "beam of 1": (1, 1.0, 0.5, 1.5, 2),
        "never ends": (2, 1.0, -30.0, 1.5, 2),
    }
    found, calls = {}, []
    for name, (beam, alpha, ending, scale, count) in cases.items():
        searches = []
        for _ in range(count):
            V, length = draw.size(5, 7), draw.size(4, 6)
            bos, eos = draw.tokens(2, V)
            table = draw.normal(length + 1, V, V, scale=scale)
            table[:, :, eos] += ending
            step, start, asked = traced_step(table, length)
            searches.append(
                (beam_search(step, start, bos, eos, beam, length, alpha), asked)
            )
            calls.append(len(asked))
        found[name], found[f"~{name}"] = noted(searches)
    found["~calls"] = torch.tensor(calls)
    return found


check("beam_search", beam_search, probe, explain=lost)


# %% [markdown]
# Does a beam of 4 rescue the medium sentences? If the right translation has a better score than the greedy one, a beam
# may find it. If the model *prefers* something wrong, no search can help.

# %% predict="beam"
predict("beam", "Of 60 medium sentences, how many more will a beam of 4 get right than greedy writing?", (-10, 30, 1))  # fmt: skip

# %% demo="beam" varies=true
# Table: a beam of 4 against greedy writing
with demonstration("beam"):
    # fmt: off
    found = sentence_vector.show_beams(model, data, beam_search)
    lesson.reveal("beam", round(60 * (found["medium"][1] - found["medium"][0])), f"Recorded, 100 medium sentences: {lesson.spread('beams', 'medium', 0)} greedy, {lesson.spread('beams', 'medium', 1)} with a beam of 4. Search finds what the model likes best. It can't mend what the vector lost.")

# %% [markdown]
# In the reference run a beam of 4 lifts the short sentences from 0.69 to 0.73; of the 60 medium ones it gets one more, which is chance. In the three recorded runs, which trained longer, it gains 2 to 10 sentences of a hundred, and of the long ones not a single one: where the model *prefers* something wrong no search can help.
#
# ## What does the vector keep?
#
# There is no attention to draw here. But we can ask how much the vector depends on each source word: the norm of the gradient of the
# vector with respect to that word's embedding.

# %% predict="listens"
predict("listens", "Sentences of 24 words: whom does the vector listen to most?", ["the first words", "the last words", "all alike"])  # fmt: skip

# %% demo="listens" varies=true
# Figure: whom the vector listens to, by place
with demonstration("listens"):
    # fmt: off
    shares = sentence_vector.show_sensitivity(model, data, (8, 16, 24))
    first, last = float(shares[:8].mean()), float(shares[-8:].mean())
    lesson.reveal("listens", "the first words" if first > 1.15 * last else "the last words" if last > 1.15 * first else "all alike", f"The first eight have {first:.3f} each, the last eight {last:.3f}; an even share would be 0.040.")

# %% [markdown]
# Is the last word the loudest, and the first one forgotten? In the sentences of 8 words the curve does rise to the end. In the long ones it doesn't, neither in the reference run nor in the three recorded ones: each of the first words of 24 has about
# 0.05 of the gradient, the last ones 0.03 (an even share is 0.04; what is missing to 1 went to EOS). So a trained GRU is no plain network whose gradient vanishes on the way back.
#
# Two claims are often made in one breath here. "The decoder gets the same $C$ for every word that it writes": true, by construction. "So every word of the source has the same influence": that doesn't follow, and here it isn't quite so. What
# the long sentence lacks isn't anybody's voice; they all speak at once, into 128 numbers.

# %% [markdown]
# ## The paper says, we measured

# %% demo="paper_table"
# Table: what the papers say, and what was measured
with demonstration("paper_table"):
    # fmt: off
    recorded.paper_table(lesson, "the papers",
        ("quality falls with length", "Cho et al. 2014b, figure 4: BLEU falls steeply beyond 10 to 20 words", "exact match {vector.short} short, {vector.medium} medium, {vector.long} long"),
        ("reversing the source helps", "Sutskever et al. 2014, section 3.3: BLEU 25.9 to 30.6, also on long sentences", "medium {vector.medium} to {reversed.medium}, long {reversed.long}"),
        ("a wider vector carries more", "follows from the bottleneck", "short: 16 numbers {width_16.short}, 128 numbers {vector.short}"),
        ("gradients vanish over a distance", "Bengio et al. 1994, of plain networks", "this trained GRU, norm of its Jacobian (1 at distance 0): 8 words back {eight}, 23 words back {all}"),
        eight=lesson.spread("gradients", 8), all=lesson.spread("gradients", 23))

# %% [markdown]
# Our experiment is small (10,000 generated pairs; the recorded runs took 73 to 84 seconds) and our measure is strict: one wrong word, and the sentence
# counts as wrong. Sutskever's model was four layers deep, had seen 12 million pairs, and did well on long sentences, too. So a
# bottleneck can be widened by brute force. The next lessons show that it can be removed, and `python -m lessonkit full 03` takes that
# model to real sentences.
#
# ## Summary
#
# 1. An encoder reads the sentence into one vector; a decoder writes the translation from it.
# 2. The vector is the state at the last *real* word; padding must not count, here or in the loss.
# 3. Training feeds the right previous word (teacher forcing): the target shifted right.
# 4. On its own, the model reads its own words, and errors add up.
# 5. Greedy decoding stops each row at its EOS; beam search keeps several beginnings, normalised by length.
# 6. Gradients over a distance are products of Jacobians: in the long run they vanish or explode.
# 7. Clipping cures explosion. Against vanishing there are gates and shortcuts; attention is a shortcut of length one.
# 8. Short sentences work, long ones collapse, though both were practised equally.
# 9. A wider vector moves the limit; it doesn't remove it. Reversing the source helped Sutskever, and not us.
# 10. The sentence has to pass through a bottleneck of fixed size. Attention will go around it.
#
# ## References
#
# - I. Sutskever, O. Vinyals, Q. Le, *Sequence to Sequence Learning with Neural Networks*, 2014, arXiv:1409.3215.
# - K. Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder*, 2014, arXiv:1406.1078.
# - K. Cho et al., *On the Properties of Neural Machine Translation* (2014b), arXiv:1409.1259.
# - Y. Bengio, P. Simard, P. Frasconi, *Learning Long-Term Dependencies with Gradient Descent is Difficult*, 1994.
# - R. Pascanu, T. Mikolov, Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks*, 2013, arXiv:1211.5063.
# - Y. Wu et al., *Google's Neural Machine Translation System*, 2016, arXiv:1609.08144. J. Elman, *Finding Structure in Time*, 1990.
