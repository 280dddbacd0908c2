# %% [markdown]
# # Lesson 02: a picture in one vector
#
# **Could you describe a photograph after looking at it once, with your eyes closed?** "A dog on a beach" is easy. But who wore the
# red hat, and was the small boat left of the big one or right of it? You remember *that* there was something red. What you
# lose first is which thing it belonged to.
#
# The first neural captioners worked with their eyes closed. A network for pictures looks once and hands on one vector; a
# recurrent network writes the caption from that vector alone (Vinyals et al. 2015; Karpathy and Fei-Fei 2015). It is lesson 01
# with a picture in place of the source sentence, and it has the same bottleneck. This time you will see *what* gets lost: not
# the words, but which word belongs to which thing. Lesson 05 then opens the eyes again.
#
# You need lesson 01. Allow 80 minutes for the five exercises.
#
# **Notation**
#
# | letter | here | in lesson 01 |
# |---|---|---|
# | $v$ | the picture's vector, 128 numbers | the sentence's vector, `memory` |
# | $x_t$, $h_t$ | the last word's vector, the state of the network that writes | the same |
# | $W_{xh}$, $W_{hh}$ | word to hidden, hidden to hidden | the same |
# | $W_{ih}$ | *image* to hidden | – (in PyTorch's own layers the name means *input* to hidden) |
# | $y_t$ | the right word at step $t$ | the same |

# %% name="setup"
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lessonkit import Lesson, train
from lessonkit.data import scenes
from lessonkit.data.translation import Vocabulary
from lessonkit.models import captioning, one_vector
from lessonkit.models.one_vector import table_step
from lessonkit.show import recorded

lesson = Lesson("02_captioning")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
data = scenes.load_scenes()
BOS, EOS, PAD = Vocabulary.bos, Vocabulary.eos, Vocabulary.pad

# %% [markdown]
# ## The task
#
# 16,000 generated pictures of one, two or three objects, each with a caption. Objects are named in reading order, each with size,
# colour and shape, and with *left of* (both stand in the same row of the 3 × 3 cells) or *above* (they don't) in between. The picture determines every word of the caption, so a perfect
# captioner gets every caption *exactly* right; that is how we count.

# %% demo="scenes"
# Figure: three scenes and their captions
with demonstration("scenes"):
    one_vector.show_scenes([data.test_one[0], data.test_two[6], data.test_three[4]])

# %% [markdown]
# ## A network that sees
#
# A network for pictures is trained to name *classes*. Convolutions turn the picture (3, 42, 42) into a map of 7 × 7 positions
# with 64 features each. A **hidden layer** presses the whole map into 128 numbers. The **class layer** makes one score a
# class out of those.
#
# picture → convolutions → map (64, 7, 7) → flatten → hidden layer (128) → ReLU → **class layer** (30)
#
# The papers took a network that had learnt to name a million photographs. Ours takes half a minute, in two parts. The convolutions learn
# to name what stands at the middle of each object, and are then *frozen*: their weights no longer change. They are the eyes of this lesson. (Two more input channels tell them where a pixel is: Liu et
# al. 2018.) The two
# layers on top learn 30 classes from pictures with a single object: *red square*, *red circle*, and so on. Size and place are
# not asked for. It is a task that somebody else had, with labels that weren't made for captions. (Lesson 05 trains eyes of its own, with less
# help, and trains them on with the captioner. To compare fairly, it brings a one-vector model with the same eyes.)


# %% name="classifier" show=true
CLASSES = [(colour, shape) for colour in scenes.COLOURS for shape in scenes.SHAPES]
VECTOR = 128  # numbers of v


def make_classifier(cnn: nn.Module) -> nn.Sequential:
    """The layers from the picture to the scores of the 30 classes; the last one is the class layer."""
    return nn.Sequential(
        cnn, nn.Flatten(), nn.Linear(captioning.FEATURES * captioning.POSITIONS, VECTOR), nn.ReLU(),
        nn.Linear(VECTOR, len(CLASSES)),
    )  # fmt: skip


def class_loss(layers: nn.Sequential, batch: captioning.Batch) -> Tensor:
    """Cross-entropy of the one object's colour and shape."""
    classes = [CLASSES.index(scene.objects[0].words[1:]) for scene in batch.scenes]
    return nn.functional.cross_entropy(layers(batch.pictures), torch.tensor(classes))


def train_classifier(
    layers: nn.Sequential, seed: int, quiet: bool = False, seconds: float = 30
) -> train.History:
    """Learn the classes of the training pictures with one object, in at most so many seconds."""
    single = [scene for scene in data.train if len(scene.objects) == 1]
    maps = captioning.feature_maps(layers[0], single)
    return train.fit(
        layers, captioning.batches(single, data.vocabulary, 64, seed, maps), class_loss,
        steps=1500, lr=1e-3, warmup=20, decay=True, seconds=seconds, title="classes", quiet=quiet,
    )  # fmt: skip


# %% demo="classifier" varies=true
# Training: eyes and a classifier, about 30 seconds
with demonstration("classifier"):
    torch.manual_seed(0)
    cnn = captioning.pretrain_cnn(data, seed=0)
    history = train_classifier(classifier := make_classifier(cnn), seed=0)
    one_vector.show_classes(classifier, CLASSES, data.test_one)

# %% [markdown]
# Now cut the network open. Which layer shall the captioner get? The last one says exactly what the picture shows, as
# well as the network knows it. And yet both papers take the layer *before* it (4096 numbers in Karpathy and Fei-Fei's
# network). Think of a caption that begins with *a small*.

# %% predict="layer"
predict("layer", "One object, both layers frozen: which vector gets more captions right?", ["the layer before the last", "the last one's class probabilities", "about as many"])  # fmt: skip

# %% [markdown] task="image_vector"
# `layers` is the network as a list of functions, from the picture to the class layer. Return the vector that a captioner should get,
# $v$: what goes *into* the class layer.
# hint: Each layer takes what the one before it gave. A loop over some of the layers is enough.
# hint: All layers but the last: `layers[:-1]`.


# %% exercise="image_vector" minutes=4 difficulty=1
def image_vector(pictures: Tensor, layers: list[Callable]) -> Tensor:
    """v: what the layer before the class layer gives (Karpathy and Fei-Fei 2015, sec. 3.1.1).

    pictures (B, 3, H, W), layers: functions, the last is the class layer  ->  v (B, n)
    """
    ### BEGIN SOLUTION
    v = pictures
    for layer in layers[:-1]:
        v = layer(v)
    return v
    ### END SOLUTION


# %% check="image_vector" points=1
def probe(image_vector, draw):
    B, H, n, K = draw.sizes(4, 3)
    C = draw.size(2, 3)
    W, classes = draw.normal(n, C * H), draw.normal(K, n)
    layers = [
        lambda x: x.mean(-1) ** 2,
        lambda x: x.flatten(1),
        lambda x: x @ W.T,
        torch.relu,
        lambda x: x @ classes.T,
    ]
    short = [lambda x: torch.tanh(x.flatten(1)), lambda x: 1 - x[:, :2]]
    return {
        "v": image_vector(draw.normal(B, C, H, H), layers),
        "two layers": image_vector(draw.normal(B, C, H, H), short),
    }


check("image_vector", image_vector, probe)


# %% [markdown]
# ## A network that writes
#
# The recurrent network of lesson 01 gets one more input, the picture's vector $v$:
#
# $$h_t = \tanh(W_{xh}\, x_t + W_{hh}\, h_{t-1} + W_{ih}\, v)$$
#
# ($W_{ih}$: *image* to hidden; the formula is that of the lectures that made these models known. Karpathy and Fei-Fei's paper writes the picture as a bias
# at the first step; letters from memory: $b_v = W_{hi}[\text{CNN}(I)]$) with the last word's vector $x_t$ (B, e) and the state $h_{t-1}$ (B, n). A sum of two products is one product with the inputs
# side by side: $W_{xh} x + W_{ih} v = [W_{xh}\; I]\,[x;\, W_{ih} v]$, a matrix (n, e + n) times a vector (e + n,); $I$ is the identity (n, n). So we hand the *cell* one input, $[x_t;\, W_{ih} v]$, and
# may put any cell in: the plain one above, or a GRU, as in lesson 01. We take a GRU, and lesson 05 will take the very same one.

# %% demo="mechanism"
# Drawing: a picture in one vector, and the network that writes
with demonstration("mechanism"):
    # fmt: off
    from lessonkit.show import drawing

    boxes = {"p": (0.75, 1.2, "picture", "(3, 42, 42)", "input"), "m": (2.2, 1.2, "CNN: map", "(64, 7, 7)", "learned"), "v": (3.75, 1.2, "vector v", "(128,)", "attention"), "c": (3.75, 2.4, "class layer", "30, left out"), "g": (5.5, 1.2, "GRU", "state h (n,)", "learned"), "x": (5.5, 0.3, "last word x", "", "input"), "y": (7.2, 1.2, "next word", "(V,)", "output")}
    arrows = [("p", "m"), ("m", "v", "hidden"), ("v", "c"), ("v", "g", "W_ih"), ("x", "g"), ("g", "y")]
    drawing.draw("A picture goes through a convolutional network, whose map is pressed into one vector v by a hidden layer. The class layer behind it is left out. The vector and the last word go into a recurrent cell, whose state gives the next word; that word is read at the next step.", boxes, arrows, height=2.8)

# %% [markdown]
# When does the network get the picture? At **every step**, as in the formula? Or only at the **first**, so that it must remember? Both
# papers chose the first step only: Karpathy and Fei-Fei found that it works better (section 3.2), Vinyals et al. that with the picture
# at every step the network overfits (section 3.1). We will measure both. (Their first steps differ a little from ours: Vinyals gives the picture a step of its own,
# before the start word; Karpathy adds it inside the first step; here it stands beside BOS.)
#
# Note what this makes of captioning: at each step the network chooses one of the vocabulary's words, so the whole is a row of *classifications*, each
# with the words before as its input.

# %% [markdown] task="caption_step"
# One step, for a batch. `cell(inputs, state)` gives the new state. If `every_step` is False, the picture's part of the input is
# $W_{ih} v$ at t = 0, and zeros of the same shape at all later steps.
# hint: W_ih v for a batch is `v @ W_ih.T`, (B, k). The input is the word and this, side by side, in this order.
# hint: `if t > 0 and not every_step:` replace it by `torch.zeros_like` of itself. The cell gets the old state as its second argument.


# %% exercise="caption_step" minutes=8 difficulty=2
def caption_step(
    x: Tensor,
    h: Tensor,
    v: Tensor,
    t: int,
    W_ih: Tensor,
    cell: Callable,
    every_step: bool,
) -> Tensor:
    """h_t = cell([x_t; W_ih v], h_{t−1}); W_ih v at every step or at t = 0 only (Karpathy and Fei-Fei 2015, sec. 3.2).

    word x (B, e), state h (B, n), v (B, d), t from 0, W_ih (k, d)  ->  new h (B, n)
    """
    ### BEGIN SOLUTION
    image = v @ W_ih.T
    if t > 0 and not every_step:
        image = torch.zeros_like(image)
    return cell(torch.cat([x, image], dim=-1), h)
    ### END SOLUTION


# %% check="caption_step" points=2
def probe(caption_step, draw):
    B, e, d, k = draw.sizes(4, 2, 6)
    n = draw.size(12, 14)  # never e + d: each wrong shape is one mistake's
    x, h, v = draw.normal(B, e), draw.normal(B, n), draw.normal(B, d)
    W_ih, W, R = (
        draw.normal(k, d),
        draw.normal(n, e + k, scale=0.5),
        draw.normal(n, n, scale=0.5),
    )

    def cell(inputs, state):
        return torch.tanh(inputs @ W.T + state @ R.T)

    return {
        f"{name}, {'every step' if every_step else 'first step only'}": caption_step(
            x, h, v, t, W_ih, cell, every_step
        )
        for name, t in (("t = 0", 0), ("t = 1", 1), ("later", draw.size(2, 9)))
        for every_step in (True, False)
    }


check("caption_step", caption_step, probe)


# %% [markdown]
# ## How wrong is a caption?
#
# Training shows the network a picture, and its right caption word by word (teacher forcing, lesson 01). At each step the network says
# how likely it finds the next right word; the loss is the mean of $-\log p$ over all words that are no padding:
#
# $$L = -\frac{1}{N} \sum_{b} \sum_t \log p(y_{b,t} \mid v_b,\, y_{b,1}, \dots, y_{b,t-1}) \qquad \text{(Vinyals et al. 2015, eq. 13, there as a sum)}$$

# %% [markdown] task="caption_loss"
# From now on the network is one function: `step(tokens, state)` takes the last words (B,) and a state, and gives logits (B, V)
# and the new state. Feed BOS first, then the right words; `words` ends with EOS, which counts, and padding, which does not. N is the number
# of words that count in the whole batch.
# hint: At step t the network reads `words[:, t - 1]` (BOS at t = 0), and should say `words[:, t]`. Carry the state on.
# hint: `log_softmax(logits, -1).gather(1, words[:, t:t+1])` is log p. Sum where `words != pad`, and divide by how many those are.


# %% exercise="caption_loss" minutes=15 difficulty=3
def caption_loss(
    step: Callable, state: object, words: Tensor, bos: int, pad: int
) -> Tensor:
    """Mean of −log p(right word) under teacher forcing, over the words that are no padding (Vinyals et al. 2015, eq. 13).

    step: (tokens (B,), state) -> (logits (B, V), new state); words (B, T) int64  ->  () scalar
    """
    ### BEGIN SOLUTION
    tokens, logits = torch.full((len(words),), bos), []
    for t in range(words.shape[1]):
        output, state = step(tokens, state)
        logits.append(output)
        tokens = words[:, t]
    return nn.functional.cross_entropy(
        torch.cat(logits), words.T.flatten(), ignore_index=pad
    )
    ### END SOLUTION


# %% check="caption_loss" points=3
def probe(caption_loss, draw):
    found = {}
    for name in ("loss", "other sizes, BOS and padding"):
        B, T, V = draw.sizes(3, 3, 8)
        T = T + 2  # so that a late word is noticed
        bos, pad = (2 + word for word in draw.tokens(2, V - 1))
        table, rows = (
            draw.normal(T + 1, V + 1, V + 1, scale=draw.scale(1, 3)),
            draw.normal(B, V + 1, grad=True),
        )
        words = draw.words(B, T, V + 1, pad, but=(bos,))
        start = (0, torch.zeros(B, dtype=torch.long))
        loss = caption_loss(table_step(table, rows), start, words, bos, pad)
        found |= {name: loss, f"gradient of the logits, {name}": gradient_of(loss, rows)}
    return found


def gradient_of(loss, scores):
    if not getattr(loss, "requires_grad", False):
        return None
    return torch.autograd.grad(loss.sum(), scores, retain_graph=True, allow_unused=True)[0]


check("caption_loss", caption_loss, probe)


# %% [markdown]
# ## Writing a caption
#
# Greedy decoding is lesson 01's. This time you also keep how likely the model finds its own caption: the sum of
# $\log p$ of the words it chose, with EOS. A captioner that is wrong should at least not be sure of it. Is ours?

# %% [markdown] task="caption_greedy"
# Always take the likeliest next word. Start with BOS; once a row has said EOS, everything after it is EOS *and adds nothing
# to its log-probability*. Stop when all rows have ended, or after `max_length` words.
# hint: `log_softmax(logits, -1).max(-1)` gives the log-probability and the number of the likeliest word at once.
# hint: Keep a boolean `done` (B,) from *before* the step: add `value.masked_fill(done, 0)`, and write `token.masked_fill(done, eos)`.


# %% exercise="caption_greedy" minutes=12 difficulty=3
def caption_greedy(
    step: Callable, state: object, batch: int, bos: int, eos: int, max_length: int
) -> tuple[Tensor, Tensor]:
    """The likeliest next word, again and again, and the log-probability of the caption, with its EOS.

    step: (tokens (B,), state) -> (logits (B, V), new state)  ->  words (B, L) int64, L ≤ max_length; log p (B,)
    """
    ### BEGIN SOLUTION
    tokens, done = torch.full((batch,), bos), torch.zeros(batch, dtype=torch.bool)
    words, total = [], torch.zeros(batch)
    while len(words) < max_length and not done.all():
        logits, state = step(tokens, state)
        value, tokens = torch.log_softmax(logits, dim=-1).max(dim=-1)
        total = total + value.masked_fill(done, 0.0)
        tokens = tokens.masked_fill(done, eos)
        words.append(tokens)
        done = done | (tokens == eos)
    return torch.stack(words, dim=1), total
    ### END SOLUTION


# %% check="caption_greedy" points=3
def probe(caption_greedy, draw):
    B, V = draw.sizes(2, 4, 9)
    first = draw.size(
        2, 3
    )  # when the first caption ends; the last one ends B − 1 steps later
    table, rows, ends = (
        draw.normal(first + B + 2, V, V),
        draw.normal(B, V),
        draw.permutation(B),
    )

    def stepping(eos):
        def step(tokens, state):
            time, total = state
            if tuple(tokens.shape) != (B,):
                raise ValueError(
                    f"step takes the last words, (B,); yours are {tuple(tokens.shape)}"
                )
            total = total + tokens
            logits = table[time, tokens] + rows * torch.cos(total).unsqueeze(1)
            logits[:, eos] = torch.where(ends + first == time, 7.0, -9.0)
            return logits, (time + 1, total)

        return step

    start, found = (0, torch.zeros(B, dtype=torch.long)), {}
    for name, most in (("", first + B + 2), (", cut", first + 2)):
        bos, eos = (1 + word for word in draw.tokens(2, V - 1))
        words, log_p = caption_greedy(stepping(eos), start, B, bos, eos, most)
        found |= {f"words{name}": words, f"log p{name}": log_p}
    return found


check("caption_greedy", caption_greedy, probe)


# %% [markdown]
# ## The model
#
# Everything is yours now: the vector, the step, the loss, the decoding. The convolutions stay as they are. But the hidden layer is trained
# further, together with the writing network: the vector may *learn* to hold what captions need.


# %% name="model" show=true
class VectorCaptioner(captioning.Captioner):
    """One vector for the picture, then a GRU. `layers` is a trained classifier; `frozen`: its hidden layer, too."""

    def __init__(
        self,
        layers: nn.Sequential,
        vector: Callable,
        step: Callable,
        every_step: bool = True,
        frozen: bool = False,
        width: int = VECTOR,
        scale: float = 0.2,
    ):
        super().__init__()
        n, k, e = captioning.HIDDEN, captioning.FEATURES, captioning.EMBEDDING
        self.layers, self.every_step, self.frozen = layers, every_step, frozen
        self._vector, self._step = vector, step
        self.embed = nn.Embedding(len(data.vocabulary), e)
        self.W_ih = nn.Parameter(scale * torch.randn(k, width) / width**0.5)
        self.cell = nn.GRUCell(e + k, n)
        self.generator = nn.Linear(n, len(data.vocabulary))

    def begin(self, pictures: Tensor) -> tuple[Tensor, tuple[Tensor, int]]:
        v = self._vector(pictures, list(self.layers))
        v = v.detach() if self.frozen else v
        return v, (v.new_zeros(len(v), captioning.HIDDEN), 0)

    def step(
        self, tokens: Tensor, state: tuple[Tensor, int], memory: Tensor
    ) -> tuple[Tensor, tuple[Tensor, int]]:
        h, t = state
        h = self._step(
            self.embed(tokens), h, memory, t, self.W_ih, self.cell, self.every_step
        )
        return self.generator(h), (h, t + 1)


# %% name="train_model" show=true
STEPS, LR = 1600, 2e-3  # batches of 64; settings were chosen on the validation scenes


def train_model(
    model: captioning.Captioner,
    maps: Tensor,
    seed: int,
    loss: Callable,
    quiet: bool = False,
    seconds: float = 55,
    lr: float = LR,
) -> train.History:
    """Train on all scenes, in at most so many seconds; `maps` are theirs, and `loss` is your caption_loss."""

    def batch_loss(model: captioning.Captioner, batch: captioning.Batch) -> Tensor:
        return loss(*one_vector.stepper(model, batch.pictures), batch.words, BOS, PAD)

    return train.fit(
        model, captioning.batches(data.train, data.vocabulary, 64, seed, maps), batch_loss,
        steps=STEPS, lr=lr, warmup=50, decay=True, seconds=seconds, title="one vector", quiet=quiet,
    )  # fmt: skip


# %% [markdown]
# A third of the training pictures has one object, a third two, a third three.

# %% predict="training"
predict("training", "Of 100 new pictures with two objects, how many captions will be exactly right?", (0, 100, 1))  # fmt: skip

# %% demo="training" varies=true
# Training: a captioner with one vector, made of your functions, about 45 seconds
with demonstration("training"):
    # fmt: off
    torch.manual_seed(0)
    model, maps = VectorCaptioner(classifier, image_vector, caption_step), captioning.feature_maps(cnn, data.train)
    history = train_model(model, maps, 0, caption_loss)
    measured = one_vector.show_captions(model, data)
    lesson.reveal("training", round(100 * measured["two"]), f"Recorded, three seeds: {lesson.spread('every_step', 'two')}; with one object {lesson.spread('every_step', 'one')}, with three {lesson.spread('every_step', 'three')}.")

# %% [markdown]
# One object: nearly always right. Two: mostly wrong. Three: hopeless. (In the loss curve the lower edge are batches of single objects, the upper edge those
# of three: these aren't even learnt by heart.) But 128 numbers are plenty to *store* three objects: nine places, two
# sizes, six colours and five shapes each need few bits. The trouble is to learn *how* to pack a set of things into one vector so
# that each can be taken out again. What does go wrong, then?
#
# ## Right words, wrong things
#
# Two suspects. The network may not have *seen* what is there. Or it saw everything, and mixed it up. Look at the attribute words of a caption, for the objects they are said of:
#
# | | object 1 | object 2 |
# |---|---|---|
# | there is | big red square | small blue circle |
# | it says | big **blue** square | small **pink** circle |
#
# *Blue* is **borrowed**: the word of *another* object of the same picture. *Pink* is **invented**: nobody's. A network that mixes things up borrows.
# But so does one that guesses, now and then, by luck. Without that baseline the count of borrowed words proves nothing, so you measure both.

# %% [markdown] task="whose_words"
# Take one caption. `said[i]` are the words that it says of object i, `there[i]` the right ones, one for each of K kinds (in our captions three: size, colour, shape). Kind k has `choices[k]` words.
# Count the words that are right, borrowed and invented. The fourth number is the baseline: how many of the *wrong* words would be borrowed on average, if each of them were drawn evenly from the words of its kind, the right one left out.
#
# In the table above: 4 right, 1 borrowed, 1 invented. There are six colours, so a wrong one is one of five, and one of these five is the other object's. Two wrong colours make 2 · 1/5 = 0.4 by chance.
# Mind two cases. Two objects may have a word in common: what is right, then, and what can luck hit? And a shape said where the colour belongs is invented, whoever has this shape.
# hint: Three questions for each word, in this order: Is it the right one? If not, is it another object's word of this kind? If not, it is nobody's.
# hint: Collect the words of this kind that other objects have, each once, and without the right one: a set. It answers the second question, and its length is what luck can hit.
# hint: `others = {thing[k] for thing in there} - {there[i][k]}`, and a wrong word adds `len(others) / (choices[k] - 1)`.


# %% exercise="whose_words" minutes=12 difficulty=3
def whose_words(
    said: list[list[str]], there: list[list[str]], choices: list[int]
) -> tuple[int, int, int, float]:
    """Words of one caption: right; borrowed, another object's of this kind; invented, nobody's; borrowed by chance.

    said, there: O objects with K words each, [object][kind]; choices: K numbers, how many words each kind has
    ->  three counts, which sum to O · K, and how many of the wrong words would be borrowed on average by drawing
    """
    ### BEGIN SOLUTION
    counts, chance = [0, 0, 0], 0.0
    for i, words in enumerate(said):
        for k, word in enumerate(words):
            others = {thing[k] for thing in there} - {there[i][k]}
            case = 0 if word == there[i][k] else 1 if word in others else 2
            counts[case] += 1
            if case > 0:
                chance += len(others) / (choices[k] - 1)
    return counts[0], counts[1], counts[2], chance
    ### END SOLUTION


# %% check="whose_words" points=3
def probe(whose_words, draw):
    found = {name: [] for name in ("right", "borrowed", "invented", "by chance")}
    objects = [1, 2, *draw.sizes(3, 2, 4), *draw.sizes(4, 2, 6)]
    for run, O in enumerate(objects):
        K = draw.size(2, 4)
        choices = draw.sizes(K, 2, 6)
        there = draw.integers(0, 720, O, K) % torch.tensor(choices)
        guess = draw.integers(0, 720, O, K) % torch.tensor(choices)
        source, other = draw.integers(0, 3, O, K), there[draw.permutation(O)]
        said = torch.where(source == 0, there, torch.where(source == 1, other, guess))
        if run == 1:  # two that differ in all; each is told with the other's words
            there = torch.stack([there[0], (there[0] + 1) % torch.tensor(choices)])
            said = there.flip(0)
        there, said = in_words(there), in_words(said)
        if O > 1 and run > 1:  # a word of another kind, which another object has
            (i, j), (k, m) = draw.tokens(2, O), draw.tokens(2, K)
            said[i][k] = there[j][m]
        right, borrowed, invented, chance = whose_words(
            draw.watch(said), draw.watch(there), draw.watch(choices)
        )
        numbers = (right, borrowed, invented, chance)
        for name, number in zip(found, numbers, strict=True):
            found[name].append(number)
    return found


def in_words(rows):
    return [[f"{'abcd'[k]}{word}" for k, word in enumerate(row)] for row in rows.tolist()]


check(
    "whose_words",
    whose_words,
    probe,
    no_gradients="a measurement: nothing trains through it",
)

# %% [markdown]
# Now the captions of your model, all of those that describe as many objects as there are.
# (There are only two sizes: if the other object has the other size, a wrong size is always borrowed. The baseline knows that.)


# %% predict="binding"
predict("binding", "Two objects: of 100 wrong attribute words, how many are the other object's?", (0, 100, 1))  # fmt: skip

# %% demo="binding" varies=true
# Table: attribute words right, borrowed, invented
with demonstration("binding"):
    # fmt: off
    borrowed = one_vector.show_binding(model, data, caption_greedy, whose_words)
    lesson.reveal("binding", round(100 * borrowed[2]), f"Recorded: {lesson.spread('every_step', 'borrowed_two')}, where chance would give {lesson.spread('every_step', 'chance_two')}. It knows what is there, not what goes with what.")

# %% [markdown]
# Most wrong words are borrowed, far more than chance would have it. The network knows *that* there is something red in the picture; it lost *what* is
# red. This is called the **binding problem**. A vector of features says what is there, but hardly what goes with what.
#
# The last two columns ask whether the model knows when it is wrong. On three seeds: with a single object, yes, right captions have a mean probability of 0.82 to 0.86, wrong
# ones of 0.49 to 0.53. With two it is unsure of all (0.18 to 0.19 if right, 0.13 if wrong), and only a little surer where it is right. A low probability is a warning, no more.
#
# ### Explore it
#
# Pick a scene with two or three objects and a word, with the mouse or the arrow keys. The gold region of the word is outlined. The second picture shows what the *model* used, as far
# as we can tell without attention: the gradient of the word's score with respect to the pixels, added up for each of the
# 7 × 7 positions. Where it is bright, changing the picture would change the word.


# %% demo="explorer" varies=true
# Map to touch: what each word depends on
with demonstration("explorer"):
    one_vector.explorer(model, [*data.test_two[:5], *data.test_three[:3]], caption_greedy)

# %% [markdown]
# One picture proves little, so we count: how often does the position with the largest gradient lie in the word's gold region? Lesson 05 will
# ask it of attention (*pointing accuracy*), and of its gradients, too. A blind guess hits as often as the regions are large.

# %% demo="pointing" varies=true
# Table: the largest gradient, beside a blind guess
with demonstration("pointing"):
    one_vector.show_pointing(model, data)

# %% [markdown]
# So the network's words do depend on the right object, three times as often as by chance, and still they are wrong. To look at a thing isn't yet to bind its
# colour to its shape.
#
# ## One mistake, and then?
#
# A second weakness is often named: every word depends on the words before, so **one mistake may spoil the rest**. And when a caption is wrong, *where* is the
# error: in what the network saw, or in a word that it said before? You have one tool for each. The gradient maps ask what a word was made from; here
# you put the error in yourself, and see what follows from it alone.
# Lesson 01 measured that
# with mistakes of the model's own. Here we make one: take a caption that the model gets right, put a wrong word in at one place, and let
# the model go on from there.
#
# | step | 0 | 1 | 2 | 3 | 4 | ... |
# |---|---|---|---|---|---|---|
# | reads | BOS | a | big | **blue** | square? | ... |
# | writes | a | big | **blue** (forced; it wanted *red*) | square? | above? | ... |

# %% [markdown]
# This is the loop that you have written twice, so read it here. One line differs, the one that says which word is read next. Nothing stops at EOS, and all rows have their error at
# the same place.


# %% name="continue_from_error" show=true
def continue_from_error(
    step: Callable, state: object, words: Tensor, place: int, wrong: Tensor, bos: int
) -> Tensor:
    """The right words (B, T) before `place`, there `wrong` (B,), then what the model says to its own words: (B, T)."""
    tokens, written = torch.full_like(wrong, bos), []
    for t in range(words.shape[1]):
        logits, state = step(tokens, state)
        own = logits.argmax(-1)
        tokens = words[:, t] if t < place else wrong if t == place else own
        written.append(tokens)
    return torch.stack(written, dim=1)


# %% [markdown]
# We force two kinds of error at the first colour (place 2 of *a big red square above ...*). **Another colour** is a wrong fact in a good sentence.
# **A shape** breaks the sentence: *a big circle* should go on with *above* or *left*. All captions chosen were right, so without
# the error every word after it would be right.

# %% predict="error_accumulation"
predict("error_accumulation", "Which error does more damage, over three seeds?", ["the wrong colour", "the shape", "neither: a tie"])  # fmt: skip

# %% demo="error_accumulation" varies=true
# Figure: right words after one forced error
with demonstration("error_accumulation"):
    # fmt: off
    one_vector.show_errors(model, data.test_two, continue_from_error)
    colour, shape = (lesson.recorded("every_step", f"after_{kind}") for kind in ("colour", "shape"))
    lesson.reveal("error_accumulation", "the shape" if max(shape) < min(colour) else "the wrong colour" if max(colour) < min(shape) else "neither: a tie", f"Recorded: {lesson.spread('every_step', 'after_colour')} of the words right after a colour, {lesson.spread('every_step', 'after_shape')} after a shape.")

# %% [markdown]
# Without the error every share would be 1. With it, words of the *other* object go wrong, five places away, even though this network gets the
# picture anew at every step. One mistake does spoil others. And look below at what the network writes after a shape: very often the shape that it
# would have written anyway, *a big circle square above ...* It seems to count places more than it reads its own words. Some captions just end there.
#
# And which error does more damage? Neither. Recorded, three seeds, over these six places: the table at the end has both shares, and they are
# nearly the same (0.65, 0.77, 0.68 after a colour; 0.64, 0.78, 0.75 after a shape). A sentence that makes no sense does no more harm than a wrong fact. Mind the basis:
# 86 to 111 captions a seed, all chosen because they were right, compared place by place; where *left of* stands for *above*, all later words
# shift by one.

# %% demo="after_error" varies=true
# Table: how captions go on after a forced word
with demonstration("after_error"):
    # fmt: off
    one_vector.show_after_error(model, data, continue_from_error, caption_greedy, ["circle", "triangle"])

# %% [markdown]
# ## Predict, then break it
#
# Five networks, three seeds each, recorded with the code of this lesson; the three frozen ones (the weights that make their vector no longer change) each at the best of three rates on validation data:
#
# 1. **v at every step**: your model from above.
# 2. **v at the first step only**: `every_step=False`. The state must carry the picture through the whole caption.
# 3. **frozen v**: the classifier's hidden layer as it is. Nothing is trained but the network that writes.
# 4. **frozen class scores**: the 30 numbers of the class layer in place of v; frozen, too.
# 5. **frozen class probabilities**: the same 30 numbers after a softmax.
#
# (Networks 4 and 5 were made to know colour and shape. What do they not know?)

# %% predict="ablation_table"
predict("ablation_table", "Which of 1 and 2 gets more captions with two objects right?", ["1: v at every step", "2: v at the first step only", "a tie"])  # fmt: skip


# %% name="ablations" show=true
def class_scores(pictures: Tensor, layers: list[Callable]) -> Tensor:
    """What the class layer gives, (B, 30), before the softmax."""
    for layer in layers:
        pictures = layer(pictures)
    return pictures


def class_probabilities(pictures: Tensor, layers: list[Callable]) -> Tensor:
    """What the class layer says, (B, 30): the probabilities of the 30 classes."""
    return torch.softmax(class_scores(pictures, layers), dim=-1)


# %% demo="ablation_table"
# Table: five networks
with demonstration("ablation_table"):
    # fmt: off
    one_vector.show_recorded(lesson, {"every_step": "1. v at every step", "first_step": "2. v at the first step only", "frozen_own": "3. frozen v", "class_scores_own": "4. frozen class scores", "class_layer_own": "5. frozen class probabilities"})
    every, first = (lesson.recorded(name, "two") for name in ("every_step", "first_step"))
    lesson.reveal("ablation_table", "1: v at every step" if min(every) > max(first) else "2: v at the first step only" if min(first) > max(every) else "a tie", f"{lesson.spread('every_step', 'two')} against {lesson.spread('first_step', 'two')}.")
    lesson.reveal("layer", "the layer before the last", f"{lesson.spread('frozen_own', 'one')} against {lesson.spread('class_layer_own', 'one')}; the class layer's scores before the softmax: {lesson.spread('class_scores_own', 'one')}.")

# %% [markdown]
# Read the table from below. **The class probabilities** are the wrong thing to write from: with one object they are behind frozen v on every seed, and with two objects
# nothing useful is left. But row 5 changes two things beside row 3: the layer, and a softmax that squashes most of its numbers to almost 0. Row 4 takes them apart. It has the same
# 30 numbers *before* the softmax, and its ranges overlap those of frozen v: a tie. So here it isn't the last layer that throws size and place away (nobody asked it for
# them, and they leak through all the same); it is the softmax. (All three did best at the greatest rate of their grid, 0.004; a greater one might do better still.)
#
# The last layer is said to "lack generalisation". In this experiment it doesn't: its scores serve as well as the layer before. The general claim, that features serve
# other tasks less the nearer they stand to the labels they were trained for, is another experiment (Yosinski et al. 2014); it isn't tested here.
#
# **Frozen v** shows the limits of borrowed features: trained on single objects, the hidden layer doesn't know how to keep two apart. Trained
# further, on captions, it learns a part of that.

# %% [markdown]
# Every step or first step? Here **every step** is better with every seed, against both papers. Do we see the overfitting that they feared? Hardly: on the
# training scenes the model is little better than on new ones. And the network that sees the picture only once is behind on its own training
# scenes, too, and varies a lot between seeds: it must first learn to carry a picture through seventeen steps. (It got its own best start: its
# $W_{ih}$ begins five times as large as that of 1 and 3. With the small one it learnt next to nothing.) With a cell that remembers
# better, longer training and noisy photographs, the papers' choice may well be right. Measure before you copy a choice.
#
# ## The paper says, we measured
#
# A dash in the second column: a claim that is often made, for which we name no paper.

# %% demo="paper_table"
# Table: what the papers say, and what was measured
with demonstration("paper_table"):
    # fmt: off
    recorded.paper_table(lesson, "the papers",
        ("take the layer before the class layer", "used by both papers", "one object, frozen: {frozen_own.one} with v, {class_scores_own.one} with the class layer's scores, {class_layer_own.one} with its probabilities"),
        ("the picture at the first step only is better", "Karpathy and Fei-Fei 2015, sec. 3.2; Vinyals et al. 2015, sec. 3.1", "two objects: first step {first_step.two}, every step {every_step.two}"),
        ("... since at every step it overfits", "Vinyals et al. 2015, sec. 3.1", "every step, training scenes {every_step.seen}, new scenes {every_step.validation}"),
        ("one mistake spoils the rest", "–", "words right after it: {every_step.after_colour} (a wrong colour), {every_step.after_shape} (a shape in its place)"),
        ("several objects get mixed up", "–", "two objects: {every_step.borrowed_two} of the wrong words are borrowed, {every_step.chance_two} by chance"),
        ("it points where it looks", "no claim: there is no attention", "largest gradient in the gold region: two objects {every_step.pointing_two}, three {every_step.pointing_three}; a blind guess 0.15 to 0.17"))

# %% [markdown]
# The experiment is small, and its pictures are drawn by a program. The papers had photographs, ImageNet, an LSTM (Vinyals) or a plain recurrent
# network (Karpathy), and five captions a picture that differ from each other, so they report BLEU and not exact match. What carries over is the shape of the failure: the more
# things in a picture, the less one vector can tell which is which. No full-size run belongs to this lesson: photographs with captions are too large a download.
# `python -m lessonkit full 03` trains on real data, on sentences.
#
# ## Summary
#
# 1. A captioner is a translator that reads a picture: a CNN makes one vector $v$, a recurrent network writes from it.
# 2. $v$ comes from the layer *before* the class layer. The class layer's scores did as well; the probabilities of 30 classes are no picture.
# 3. A step: the cell gets the last word beside $W_{ih} v$, and the old state.
# 4. The picture can be given at every step or at the first only; that is a choice to measure, not to believe.
# 5. The loss is lesson 01's: mean of $-\log p$ of the right words, BOS first, padding left out.
# 6. Greedy decoding can keep the sum of $\log p$: how sure the model is of its caption.
# 7. One object is easy, two are hard, three hopeless, although there were as many training pictures with three objects as with one.
# 8. The binding problem: many wrong words are right words of the wrong object.
# 9. One forced wrong word spoils words far behind it: the state has left the paths that it practised.
# 10. One vector for the whole picture is the bottleneck. Lesson 05 looks again before every word.
#
# ## References
#
# - O. Vinyals, A. Toshev, S. Bengio, D. Erhan, *Show and Tell: A Neural Image Caption Generator*, CVPR 2015, arXiv:1411.4555.
# - A. Karpathy, L. Fei-Fei, *Deep Visual-Semantic Alignments for Generating Image Descriptions*, CVPR 2015, arXiv:1412.2306.
# - K. Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation*, EMNLP 2014,
#   arXiv:1406.1078: the GRU.
# - R. Liu et al., *An Intriguing Failing of Convolutional Neural Networks and the CoordConv Solution*, NeurIPS 2018,
#   arXiv:1807.03247: the two channels that tell a pixel's place.
# - J. Yosinski, J. Clune, Y. Bengio, H. Lipson, *How Transferable Are Features in Deep Neural Networks?*, NeurIPS 2014, arXiv:1411.1792.
