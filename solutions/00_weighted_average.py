# %% [markdown]
# # Lesson 00: the weighted average
#
# **What is attention?** You look at a street. Light from all of it reaches your eyes, but only one small patch falls on
# the fovea, where vision is sharp. The rest is there, blurred, until something in it makes you look. Your brain can't
# process everything at full detail, so it spends what it has where it seems to matter.
#
# A network has the same problem: there is more input than it can use at once. *Attention* in a network is one formula. It
# gives every input a weight, and takes the average. This lesson builds that formula, and everything you need to use it
# safely. You need Python and a little PyTorch. Allow 60 to 90 minutes.
#
# By the end you can say what a query, a key and a value are, why soft attention can be trained and hard attention
# can't (not directly), and what a mask does.
#
# **Notation**
#
# | letter | here |
# |---|---|
# | $q$; $k_i$; $v_i$ | a query; the key and the value of input $i$ |
# | $s_i$, $a_i$ | the score and the weight of input $i$; the weights sum to 1 |
# | $x$; $x_i$, $y_i$ | in the first example: query; key and value |
# | $b$, $T$, $\beta$ | three names for one knob: bandwidth $b$, temperature $T = b^2$, sharpness $\beta = 1/T$ |
# | $a \odot z$ | products of corresponding entries of two vectors of $k$ features |

# %% name="setup"
import torch
from torch import Tensor, nn

from lessonkit import Lesson, train
from lessonkit.seeds import seed_everything
from lessonkit.show import drawing, figures, plots, tables, touch, widgets

lesson = Lesson("00_weighted_average")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
seed_everything(0)

# %% [markdown]
# ## A prediction that fails: everybody counts the same
#
# Here are 60 noisy measurements of a curve, $y_i = \sin(2 x_i) + 0.3\,x_i + \text{noise}$. We want to predict $y$ at a
# new place $x$. The simplest rule asks all measurements and trusts them equally: predict the mean of all $y_i$.


# %% predict="flat_line"
predict("flat_line", "What will the curve of predictions look like, as x moves from left to right?",
        ["wavy, like the truth", "a slanted line", "flat"])  # fmt: skip


# %% name="measurements"
# The measurements: sixty noisy points of a curve
def true_curve(x: Tensor) -> Tensor:
    """The curve behind the measurements."""
    return torch.sin(2 * x) + 0.3 * x


def measure(seed: int, n: int = 60) -> tuple[Tensor, Tensor]:
    """Places x_i (n,) in [0, 5] and noisy values y_i (n,)."""
    generator = torch.Generator().manual_seed(seed)
    x = 5 * torch.rand(n, generator=generator).sort().values
    return x, true_curve(x) + 0.2 * torch.randn(n, generator=generator)


x_i, y_i = measure(seed=0)
x, equal = torch.linspace(0, 5, 101), y_i.mean().expand(101)


def squared_error(predicted: Tensor) -> float:
    """Mean squared distance of predictions at the places x from the true curve."""
    return ((predicted - true_curve(x)) ** 2).mean().item()


# %% demo="flat_line"
# Figure: the mean of all measurements, and the truth
with demonstration("flat_line"):
    # fmt: off
    figures.curves({"truth": (x, true_curve(x)), "mean of all": (x, equal)}, "x", "y", points={"measurements": (x_i, y_i)})
    lesson.reveal("flat_line", "flat", f"The mean of all measurements doesn't depend on x at all. Its mean squared error is {squared_error(equal):.3f}.")

# %% [markdown]
# Where $x$ lies makes no difference. Obviously measurements near $x$ should count more. That is all attention
# is: **weights that depend on what you ask.** The thing you ask with is the *query* (here $x$). Each measurement has a
# *key*, by which it is judged ($x_i$), and a *value*, which it contributes ($y_i$):
#
# $$\text{output} = \sum_i a_i\, v_i, \qquad a_i = \text{softmax}_i\big(\text{score}(q, k_i)\big).$$
#
# The weights $a_i$ are positive and sum to 1, so the output is an average. Let us build it from the inside out.
#
# (What is new in that? A layer of a network adds up features, each times a *learned* number, the same for every input. Here the factor $a_i$ itself depends on the input: two functions of the input are
# *multiplied*. A network of added features can only approximate such a product, with many units; attention has it in one step. In lesson 03 you'll see what the
# nonlinearity in the score is for.)
#
# As a drawing:

# %% demo="mechanism"
# Drawing: query, keys, scores, weights, values, average
with demonstration("mechanism"):
    # fmt: off
    boxes = {
        "q": (0.8, 2.1, "query q", "(d,)", "input"), "k": (0.8, 1.2, "keys kᵢ", "(n, d)", "input"),
        "v": (0.8, 0.35, "values vᵢ", "(n, e)", "input"), "s": (3.0, 1.65, "scores sᵢ", "(n,)"),
        "a": (4.9, 1.65, "weights aᵢ", "(n,), sum 1", "attention"), "o": (7.1, 1.0, "Σ aᵢ vᵢ", "(e,)", "output"),
    }
    drawing.draw("A query is compared with n keys, which gives n scores. Softmax makes n weights of them, positive and with sum 1. The output is the average of the n values by these weights.", boxes, [("q", "s"), ("k", "s", "compare"), ("s", "a", "softmax"), ("a", "o", "average"), ("v", "o")], height=2.7)

# %% [markdown]
# ## Weights from scores: softmax
#
# Scores are any real numbers. Softmax turns them into weights:
#
# $$\text{softmax}(s)_i = \frac{e^{s_i}}{\sum_j e^{s_j}}.$$
#
# As a loop that anyone can read:
#
# ```python
# for i in range(n):
#     weights[i] = exp(scores[i]) / sum(exp(scores[j]) for j in range(n))
# ```
#
# There is a trap. $e^{1000}$ is infinite for a computer, and infinity divided by infinity is not a number. But softmax
# doesn't change if you subtract the same number from every score. (Why? Multiply top and bottom by $e^{-c}$.)

# %% [markdown] task="softmax"
# Write softmax along any axis `dim`, without calling `torch.softmax`. It must be right for scores as large as ±10000.
# hint: `torch.exp(scores)` overflows above 88 in float32, PyTorch's usual kind of number (above 709 in float64, which the checks use). Which number can you subtract first, so that the largest exponent is 0?
# hint: `scores.amax(dim, keepdim=True)` keeps the axis, so it can be subtracted. The sum below the fraction needs `keepdim=True`, too.


# %% exercise="softmax" minutes=8 difficulty=1
def softmax(scores: Tensor, dim: int) -> Tensor:
    """Positive weights that sum to 1 along `dim`: exp(s_i) / Σ_j exp(s_j). Stable for large scores.

    scores (any shape)  ->  weights (same shape)
    """
    ### BEGIN SOLUTION
    powers = torch.exp(scores - scores.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)
    ### END SOLUTION


# %% check="softmax" points=2
def probe(softmax, draw):
    A, B, C = draw.sizes(3)
    scores = draw.normal(A, B, C, scale=draw.scale(0.5, 4))
    far = draw.choice((-1, 1)) * draw.integers(
        2000, 90_000
    )  # exp overflows, or is 0 everywhere
    steps = torch.stack([draw.permutation(C) for _ in range(A)])
    spread = draw.choice((-1, 1)) * draw.integers(2000, 9000)
    return {
        "last": softmax(scores, -1),
        "middle": softmax(scores, draw.choice((1, -2))),
        "first": softmax(scores, 0),
        "large": softmax(
            draw.watch(far + 1000.0 * draw.permutation(A)[:, None] + 2.0 * steps), 1
        ),
        "far apart": softmax(draw.watch(1.0 * spread * steps), 1),
    }


check("softmax", softmax, probe)


# %% [markdown]
# ## Some must not be asked: masks
#
# Sentences have different lengths, and are padded to the same length to stand in one tensor. Nobody should listen to
# padding. A **mask** says who may be attended to: in this course `True` always means *may attend*.
#
# The usual trick sets the scores of masked places to $-\infty$ before the softmax, since $e^{-\infty} = 0$. It has a trap as
# well: if a row is masked *completely*, every score is $-\infty$, and the result is NaN. It happens in practice: an empty sentence, a block of padding, the first word of a mask that allows only earlier
# words.

# %% predict="nan_row"
predict("nan_row", "Two sentences, one of them empty: what becomes of the gradient that the first would give alone?",
        ["it stays as it was", "it is halved", "all of it is NaN"])  # fmt: skip

# %% demo="nan_row"
# Gradients of a shared matrix: without and with an empty sentence
with demonstration("nan_row"):
    # fmt: off
    W = torch.eye(2, requires_grad=True)  # all that this model learns: it makes the values
    words = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
    scores = words.sum(-1).masked_fill(torch.tensor([[False], [True]]), float("-inf"))  # the second sentence is empty
    for name, count in (("the first sentence alone", 1), ("both", 2)):
        averages = torch.softmax(scores[:count], dim=-1).unsqueeze(1) @ (words[:count] @ W)
        gradient = torch.autograd.grad((averages**2).mean(), W)[0]
        print(f"{name}: gradient of W", [f"{g:.1f}" for g in gradient.flatten()])
    lesson.reveal("nan_row", "all of it is NaN" if gradient.isnan().all() else "it stays as it was", "W is shared by all sentences. NaN plus anything is NaN, so nothing is left of what the first one had to say.")

# %% [markdown] task="masked_softmax"
# Softmax over the last axis, among the places where `mask` is True, and zeros elsewhere. A row without any True gives all
# zeros, and the gradient stays finite. `torch.softmax` is allowed now.
# hint: `scores.masked_fill(~mask, value)` sets the masked places. With `-inf` a row without any True becomes NaN; with the smallest finite number, `torch.finfo(scores.dtype).min`, it does not.
# hint: After the softmax such a row holds equal weights instead of zeros: fill the masked places with 0 once more.


# %% exercise="masked_softmax" minutes=10 difficulty=2
def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis among the places where `mask` is True; zeros elsewhere.

    scores (..., T), mask (..., T) bool, True = may attend  ->  weights (..., T). A row without True gives zeros.
    """
    ### BEGIN SOLUTION
    lowest = torch.finfo(scores.dtype).min
    weights = torch.softmax(scores.masked_fill(~mask, lowest), dim=-1)
    return weights.masked_fill(~mask, 0.0)
    ### END SOLUTION


# %% check="masked_softmax" points=3
def probe(masked_softmax, draw):
    B, H, T = draw.sizes(3, 3)
    mask = draw.mask(B, T, empty=True)
    scores = draw.normal(B, T, scale=draw.scale(1, 5))
    shift = draw.integers(15_000, 60_000)
    steps = torch.stack([draw.permutation(T) for _ in range(B)])
    return {
        "weights": masked_softmax(scores, mask),
        "heads": masked_softmax(draw.normal(H, B, T), mask),
        "higher where masked": masked_softmax(
            draw.watch(draw.normal(B, T) + draw.integers(24, 32) * ~mask), mask
        ),
        "very low scores": masked_softmax(draw.watch(1.0 * steps - shift), mask),
        "very high scores": masked_softmax(draw.watch(1.0 * steps + shift), mask),
    }


check("masked_softmax", masked_softmax, probe)


# %% [markdown]
# ## The average itself
#
# Given weights, the output is $\sum_i a_i v_i$. Values are usually vectors, and usually there are many queries at once, and
# many sentences in a batch. As a loop over one batch entry and one query:
#
# ```python
# output = zeros(d)
# for t in range(T):
#     output += weights[t] * values[t]       # values[t] is a vector of d numbers
# ```
#
# ### Find the bugs: an average that is too small
#
# A colleague has written it for you, without a loop, and with care:


# %% name="colleague" show=true
def as_found(weights: Tensor, values: Tensor) -> Tensor:
    """For every query the average of the values. weights (..., Q, T), values (..., T, d) -> (..., Q, d)"""
    weights = weights / weights.sum(dim=-1, keepdim=True)  # so that they surely sum to 1
    products = weights.unsqueeze(-1) * values.unsqueeze(-3)  # (..., Q, T, d)
    return products.mean(dim=-2)  # it is an average, after all


# %% [markdown]
# It runs, and its shapes are right. Two values, 4 and 8, and three queries: the last one may ask nobody (that is what `masked_softmax` gives for a row without any True).

# %% name="symptoms"
# The symptoms: three queries, what they should read, and what the colleague's function gives
# fmt: off
for row, wanted in (([0.5, 0.5], 6.0), ([0.25, 0.75], 7.0), ([0.0, 0.0], 0.0)):
    print(f"weights {row}: should be {wanted}, is {as_found(torch.tensor([row]), torch.tensor([[4.0], [8.0]])).item()}")
# fmt: on

# %% [markdown] task="weighted_average"
# Two steps of it must go. Find them, and write the function anew, for any number of leading axes and without a loop. A query that may ask nobody reads zeros.
# hint: 3 is half of 6, and 3.5 half of 7. With three values it would be a third. Which step divides by the number of values, although the weights have done so?
# hint: What is 0 / 0? The weights come from a softmax: they sum to 1 already, or are all 0 because a mask says so.
# hint: What is left is a row (1 × T) times a matrix (T × d) for each query. `@` treats the last two axes as matrices and everything before as a batch.


# %% exercise="weighted_average" minutes=6 difficulty=1
def weighted_average(weights: Tensor, values: Tensor) -> Tensor:
    """For every query the average of the values, by its weights: Σ_t weights[q, t] values[t].

    weights (..., Q, T), values (..., T, d)  ->  (..., Q, d)
    """
    ### BEGIN SOLUTION
    return weights @ values
    ### END SOLUTION


# %% check="weighted_average" points=1
def probe(weighted_average, draw):
    B, H, Q, T, d = draw.sizes(5)
    flat = weighted_average(draw.weights(Q, T), draw.normal(T, d))
    asks = (torch.arange(Q) != draw.integers(0, Q)).unsqueeze(1)  # one asks nobody
    masked = weighted_average(draw.watch(draw.weights(Q, T) * asks), draw.normal(T, d))
    batch = weighted_average(draw.weights(B, Q, T), draw.normal(B, T, d))
    heads = weighted_average(draw.weights(B, H, Q, T), draw.normal(B, H, T, d))
    square = weighted_average(
        draw.weights(B, T, T), draw.normal(B, T, T)
    )  # any two axes may be mixed up here
    return {
        "flat": flat,
        "nobody is asked": masked,
        "batch": batch,
        "heads": heads,
        "square": square,
    }


check("weighted_average", weighted_average, probe)


# %% [markdown]
# ## Back to the curve: near measurements count more
#
# Nadaraya and Watson had this idea in 1964, half a century before it was called attention. Score a measurement by how near
# it is, $\text{score}(x, x_i) = -\tfrac{1}{2}\big((x - x_i)/b\big)^2$, and take the softmax and the average:
#
# $$f(x) = \sum_i \frac{e^{-((x - x_i)/b)^2/2}}{\sum_j e^{-((x - x_j)/b)^2/2}}\; y_i$$
#
# $b$ is the *bandwidth*: how far away a measurement may lie and still count. Query $x$, keys $x_i$, values $y_i$.

# %% [markdown] task="kernel_regression"
# Predict at all places `x` at once.
# hint: The differences of every query with every key: `x.unsqueeze(1) - x_i` is (Q, n).
# hint: Divide the differences by the bandwidth *first*; the scores are minus half the squares of that. Softmax over the keys is `dim=1`; then average the values with `@`.


# %% exercise="kernel_regression" minutes=8 difficulty=2
def kernel_regression(x: Tensor, x_i: Tensor, y_i: Tensor, bandwidth: float) -> Tensor:
    """Nadaraya-Watson regression with a Gaussian kernel (Nadaraya 1964; Watson 1964).

    queries x (Q,), keys x_i (n,), values y_i (n,), bandwidth b > 0  ->  predictions (Q,)
    """
    ### BEGIN SOLUTION
    differences = (x.unsqueeze(1) - x_i) / bandwidth
    weights = torch.softmax(-0.5 * differences**2, dim=1)
    return weights @ y_i
    ### END SOLUTION


# %% check="kernel_regression" points=2
def probe(kernel_regression, draw):
    Q, n = draw.sizes(2, 3, 8)
    x, x_i, y_i = draw.normal(Q), draw.normal(n), draw.normal(n)
    away = draw.choice((-1, 1)) * draw.integers(60, 99)
    return {
        "wide": kernel_regression(x, x_i, y_i, draw.scale(1.3, 3)),
        "narrow": kernel_regression(x, x_i, y_i, draw.scale(0.3, 0.7)),
        # queries far from all keys: exp(score) alone would be 0 / 0 (scores are negative)
        "far": kernel_regression(draw.watch(x + away), x_i, y_i, draw.scale(0.4, 0.9)),
    }


check("kernel_regression", kernel_regression, probe)


# %% [markdown]
# Three bandwidths: a 250th of the width of the picture, a twentieth, more than half.

# %% predict="bandwidths"
predict(
    "bandwidths",
    "Which bandwidth comes nearest to the truth?",
    ["b = 0.02", "b = 0.25", "b = 3.0"],
)

# %% demo="bandwidths"
# Figure: predictions with three bandwidths
with demonstration("bandwidths"):
    # fmt: off
    curves = {f"b = {b}": (x, kernel_regression(x, x_i, y_i, b)) for b in (0.02, 0.25, 3.0)}
    errors = {name: squared_error(curve[1]) for name, curve in curves.items()}
    figures.curves({"truth": (x, true_curve(x)), **curves}, "x", "y", points={"measurements": (x_i, y_i)})
    lesson.reveal("bandwidths", min(errors, key=errors.get), f"Mean squared errors: {', '.join(f'{name}: {error:.3f}' for name, error in errors.items())}. With b = 0.02 only the nearest measurement counts, noise and all. With b = 3 all count nearly alike, and the curve is nearly the flat line again.")

# %% [markdown]
# With b = 0.02 the prediction follows every noisy point, with 0.25 the curve, with 3 it is nearly flat: back to the mean of all.
# The bandwidth is a *temperature*: divide the scores by a large number and all weights become equal; by a small one, and
# the nearest measurement takes all. (The scores are divided by $b^2$, so that is the temperature $T$; and its inverse, $\beta = 1/T$, is the *sharpness* that you'll meet below.) Here are the weights of a few queries, drawn as an **attention map**: each row is a
# query, each column a key, and every row sums to 1. The truth is known, too: the nearest key of each row is outlined.

# %% demo="kernel_map" varies=true
# Attention map: five queries, twelve keys (hover, or use the arrow keys)
with demonstration("kernel_map"):
    # fmt: off
    some_queries, some_keys = torch.tensor([0.5, 1.5, 2.5, 3.5, 4.5]), x_i[::5]
    weights = softmax(-0.5 * ((some_queries.unsqueeze(1) - some_keys) / 0.4) ** 2, 1)
    labels = [f"x = {q:.1f}" for q in some_queries.tolist()], [f"{k:.1f}" for k in some_keys.tolist()]
    touch.attention(weights, *labels, gold=set(enumerate(weights.argmax(1).tolist())), sides=("place asked", "place measured"))

# %% [markdown]
# ### Move it
#
# Move the query along the axis, and choose a temperature, from one winner to all alike. Each dot is a measurement, its
# height the weight that it gets.


# %% name="temperature_figure"
# Helpers: the weights of one query as a figure, and in words
def show_weights(query: float, temperature: float) -> object:
    """The weights of all measurements for one query, at one temperature (the square of the bandwidth)."""
    weights = torch.softmax(-0.5 * (x_i - query) ** 2 / temperature, dim=0)
    fig = plots.lines(
        {"weights": (x_i, weights)},
        "place of the measurement",
        "weight",
        f"query {query:.1f}, T = {temperature:g}",
    )
    fig.axes[0].scatter(x_i, weights, s=14, color="#0072b2")
    fig.axes[0].axvline(query, color="#d55e00", linestyle=":")
    fig.axes[0].set_ylim(0, 1.1 * weights.max().item())
    return fig


def say_weights(query: float, temperature: float) -> str:
    """The same in words."""
    weights = torch.softmax(-0.5 * (x_i - query) ** 2 / temperature, dim=0)
    half = int((weights.sort(descending=True).values.cumsum(0) < 0.5).sum()) + 1
    return f"Query {query:.1f}, temperature {temperature:g}: the largest weight is {weights.max():.2f}; {half} measurements share half."


# %% demo="temperature" varies=true
# Widget: a query and a temperature to move
with demonstration("temperature"):
    # fmt: off
    widgets.explore(show_weights, say_weights, {"query": 2.5, "temperature": 0.1}, query=(0.0, 5.0, 0.1), temperature=[0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 1000.0])

# %% [markdown]
# ### Let it learn
#
# The bandwidth needn't be chosen by hand. Everything in $f(x)$ is smooth, so its error has a gradient with respect to $b$.
# Each measurement is predicted from all others (its own key is masked, or it would just copy itself: this is what a mask
# is good for). We start at $b = 2$, far too wide.

# %% predict="learned_bandwidth"
predict("learned_bandwidth", "Which bandwidth will it learn?", (0.0, 3.0, 0.05))


# %% name="leave_one_out" show=true
def leave_one_out(
    log_bandwidth: Tensor, x_i: Tensor, y_i: Tensor, masked_softmax
) -> Tensor:
    """Mean squared error when each measurement is predicted from all others. () -> ()"""
    scores = -0.5 * ((x_i.unsqueeze(1) - x_i) / log_bandwidth.exp()) ** 2
    weights = masked_softmax(scores, ~torch.eye(len(x_i), dtype=torch.bool))
    predicted = weighted_average(weights, y_i.unsqueeze(1)).squeeze(1)
    return ((predicted - y_i) ** 2).mean()


# %% demo="learned_bandwidth" varies=true
# Training: the bandwidth, by gradient descent
with demonstration("learned_bandwidth"):
    # fmt: off
    model = nn.ParameterList([nn.Parameter(torch.tensor(2.0).log())])
    train.fit(model, [(x_i, y_i)] * 300, lambda m, data: leave_one_out(m[0], *data, masked_softmax), steps=300, lr=0.05, title="bandwidth")
    learned = model[0].exp().item()
    lesson.reveal("learned_bandwidth", learned, f"It is narrower than the 0.25 that looked good to the eye, and its squared error is {squared_error(kernel_regression(x, x_i, y_i, learned)):.3f} against {squared_error(kernel_regression(x, x_i, y_i, 0.25)):.3f}.")

# %% [markdown]
# What was learned is $\log b$, so that $b$ stays positive whatever the step.
#
# ## Soft and hard attention
#
# So far every input got a little weight. This is **soft** attention: the weights lie in $[0, 1]$. The alternative is to pick:
# **hard** attention has weights 0 or 1.
#
# You will meet the two words in a second use: not an average over *items*, but a gate on the *features* of one vector $z$ with $k$ numbers. A network reads the input
# and gives a factor for each feature, $a = f_\varphi(x)$; nothing is averaged, and the factors needn't sum to 1, since each is a sigmoid of its own. (Lesson 05 puts the two side by side on
# a picture: softmax or sigmoid?)
#
# - soft: $z_a = a \odot z$ with $a \in [0, 1]^k$. The result is as long as $z$; what is unimportant becomes small.
# - hard: $z_a = z[a]$ with $a \in \{0, 1\}^k$. The result is *shorter*: what isn't picked is gone, and costs nothing more. (A well-known text says that $z[a]$ "increases the
#   dimension". It can't: picking $m$ of $k$ features leaves $m \le k$.)
#
# Hard attention saves work. What does it cost? Each is one line:


# %% name="soft_and_hard_select" show=true
def soft_select(a: Tensor, z: Tensor) -> Tensor:
    """Soft attention on features: a ⊙ z. a (k,) in [0, 1], z (B, k) -> (B, k)"""
    return a * z


def hard_select(a: Tensor, z: Tensor) -> Tensor:
    """Hard attention on features: the columns of z where a > 1/2. a (k,), z (B, k) -> (B, number of features kept)"""
    return z[:, a > 0.5]


# %% [markdown]
# Now ask for the gradient of `a`.

# %% predict="gradients"
predict(
    "gradients",
    "For which of the two does a gradient reach a?",
    ["soft", "hard", "both", "neither"],
)

# %% demo="gradients"
# Does a gradient reach a?
with demonstration("gradients"):
    # fmt: off
    z, reached = torch.tensor([[1.0, 2.0, 3.0, 4.0]]), []
    for name, select in (("soft", soft_select), ("hard", hard_select)):
        selected = select(torch.tensor([0.9, 0.2, 0.7, 0.1], requires_grad=True), z)
        reached += [name] * selected.requires_grad
        print(f"{name}: {z.shape[1]} features in, {selected.shape[1]} out; a gradient reaches a: {selected.requires_grad}")
    lesson.reveal("gradients", (["neither", *reached, "both"])[len(reached) if len(reached) < 2 else -1], "Move `a` a little and `a > 0.5` doesn't change; move it further and it jumps. Its derivative is 0 wherever it has one.")

# %% [markdown]
# No gradient passes a comparison. That is the price of hard attention, and lessons 05 and 13 pay it with sampling and the score function.
# Until then attention is soft.
#
# ## Content addressing: asking a memory by what is in it
#
# Nothing says that keys must be places on a line. Let the memory be $n$ vectors and the query a vector. How alike are two
# vectors? By the cosine of the angle between them, which doesn't depend on their lengths:
#
# $$a_i = \text{softmax}_i\big(\beta \cos(q, m_i)\big), \qquad r = \sum_i a_i m_i \qquad \text{(Graves et al. 2014, eq. 5, 6 and 2)}$$
#
# $\beta$ is the *sharpness*, one over the temperature. Keys and values are the same vectors here. So you can ask with
# something incomplete or noisy, and read what it most resembles.
#
# ### How will you know that it works?
#
# Decide that before you build it. The truth will be known: we take a row of the memory, add noise, and ask. The mean weight on the row that we took is one measure. It
# can't tell two failures apart. A memory may be *unsure*, and spread its weight; or it may be **sure and wrong**: more than half of the weight on one row, and that isn't the one we
# took. The second is worse, since nothing warns whoever reads it. So measure it by itself.

# %% [markdown] task="sure_and_wrong"
# An answer is *sure* if its largest weight is above one half. Of the sure answers, which share has its largest weight on a wrong row? If none is sure, the share is 0: who never commits
# himself never misleads.
# hint: `weights.max(dim=-1)` gives both, the largest weight of each question and the row where it lies. Which of the questions count?
# hint: A boolean tensor can be an index: `wrong[sure]` holds the answers that count. You divide by *their* number. And what is the mean of nothing?
# hint: `largest, looked = weights.max(dim=-1)`; sure is `largest > 0.5`, wrong is `looked != right`.


# %% exercise="sure_and_wrong" minutes=8 difficulty=2
def sure_and_wrong(weights: Tensor, right: Tensor) -> float:
    """Of the questions whose largest weight is above 1/2: the share where it lies on a wrong row. 0 if there are none.

    weights (B, n), right (B,) int64, the row that each question means  ->  a number in [0, 1]
    """
    ### BEGIN SOLUTION
    largest, looked = weights.max(dim=-1)
    sure = largest > 0.5
    wrong = looked != right
    return wrong[sure].float().mean().item() if sure.any() else 0.0
    ### END SOLUTION


# %% check="sure_and_wrong" points=2
def probe(sure_and_wrong, draw):
    B, n = draw.size(18, 26), draw.size(4, 8)
    weights = torch.softmax(draw.normal(B, n, scale=draw.scale(3, 5)), dim=-1)
    sharp = torch.softmax(draw.normal(B, n, scale=60.0), dim=-1)
    vague = torch.softmax(0.1 * draw.normal(B, n), dim=-1)
    half = torch.zeros(3, n).index_fill(1, draw.permutation(n)[:2], 0.5)  # not above it
    some = torch.cat([sharp[:2], weights, vague[: B // 3], half])
    found = {}
    for name, case in (("some are sure", some), ("all", sharp), ("none", vague)):
        k, looked = len(case), case.argmax(-1)
        right = (draw.uniform(k) < 0.5) & (case.amax(-1) > 0.5)  # the unsure are all wrong
        meant = torch.where(right, looked, (looked + draw.integers(1, n, k)) % n)
        meant[:2] = (looked[:2] + torch.tensor([0, 1])) % n
        found[f"share, {name}"] = sure_and_wrong(draw.watch(case), draw.watch(meant))
    return found


check(
    "sure_and_wrong",
    sure_and_wrong,
    probe,
    no_gradients="a measurement: nothing trains through it",
)

# %% [markdown]
# Now build the memory.

# %% [markdown] task="content_address"
# Return both the weights and what is read, for a batch of queries.
# hint: Divide queries and memory rows by their lengths, `v / v.norm(dim=-1, keepdim=True)`; then cosines are one matrix product.
# hint: The cosines are `q @ m.T`, (B, n). Multiply by the sharpness, softmax over the memory (`dim=-1`), and read the *original* memory with the weights.


# %% exercise="content_address" minutes=10 difficulty=3
def content_address(
    query: Tensor, memory: Tensor, sharpness: float
) -> tuple[Tensor, Tensor]:
    """Read a memory by content: weights softmax(β cos(q, m_i)) and their average of the memory (Graves et al. 2014, eq. 5, 6, 2).

    query (B, d), memory (n, d), sharpness β  ->  weights (B, n), read (B, d)
    """
    ### BEGIN SOLUTION
    q = query / query.norm(dim=-1, keepdim=True)
    m = memory / memory.norm(dim=-1, keepdim=True)
    weights = torch.softmax(sharpness * (q @ m.T), dim=-1)
    return weights, weights @ memory
    ### END SOLUTION


# %% check="content_address" points=3
def probe(content_address, draw):
    B, n, d = draw.sizes(3, 3)
    lengths = draw.uniform(n, 1, low=0.2, high=4.0)
    memory = draw.watch(draw.normal(n, d) * lengths)  # rows of different lengths
    query = draw.normal(B, d, scale=draw.scale(2, 5))
    weights, read = content_address(query, memory, draw.scale(1.5, 6))
    return {"weights": weights, "read": read}


check("content_address", content_address, probe)


# %% [markdown]
# Ask it, and measure three things: the weight on the row that we took, how far what is *read* lies from that row, and how many of the sure answers are wrong.

# %% predict="addressing"
predict("addressing", "Does more sharpness always help, when the query is very noisy?",
        ["yes, always", "up to a point; then it hurts", "it makes no difference"])  # fmt: skip


# %% name="addressing_experiment"
# Helpers: 400 noisy questions to a memory of 16 rows, scored by weight and by what is read
def ask(content_address, noise: float, sharpness: float, seed: int) -> tuple[Tensor, ...]:
    """Asked with rows plus noise: weights (400, 16), numbers of the rows meant (400,), what is read (400, 8), these rows."""
    generator = torch.Generator().manual_seed(seed)
    memory = torch.randn(16, 8, generator=generator)
    right = torch.randint(16, (400,), generator=generator)
    query = memory[right] + noise * torch.randn(400, 8, generator=generator)
    weights, read = content_address(query, memory, sharpness)
    return weights, right, read, memory[right]


def address_score(*asked) -> float:
    """Mean weight on the right row; `asked` is what `ask` wants to know."""
    weights, right, _, _ = ask(*asked)
    return weights[torch.arange(400), right].mean().item()


def misled(*asked) -> float:
    """Share of the sure answers that are wrong, as you measure it."""
    return float(sure_and_wrong(*ask(*asked)[:2]))


def read_error(*asked) -> float:
    """Mean squared distance of what is read from the right row."""
    _, _, read, meant = ask(*asked)
    return ((read - meant) ** 2).sum(-1).mean().item()


# %% demo="addressing"
# Figures: reading a memory, scored in three ways
with demonstration("addressing"):
    # fmt: off
    sharpnesses = [0, 1, 2, 4, 8, 16, 32, 64]
    for score_of, label in ((address_score, "weight on the right row"), (misled, "sure answers that are wrong"), (read_error, "squared error of what is read")):
        series = {f"noise {noise}": (range(8), [[score_of(content_address, noise, s, seed) for s in sharpnesses] for seed in range(3)]) for noise in (0.2, 0.6, 1.2)}
        figures.curves(series, "sharpness", label, limits=(0, None), ticks=dict(enumerate(map(str, sharpnesses))))
    best = int((errors := torch.tensor(series["noise 1.2"][1]).mean(0)).argmin())
    lesson.reveal("addressing", "yes, always" if best == 7 else "up to a point; then it hurts", f"At noise 1.2 what is read is best at a sharpness of {sharpnesses[best]}: squared error {errors[best]:.1f}; at 64 it is {errors[-1]:.1f}.")

# %% [markdown]
# The first figure says yes: sharper is never worse. The third says no. With much noise what is read is best at a sharpness of 8, and gets *worse*
# from there. The second, yours, says why. At noise 1.2 and a sharpness of 4 few answers are sure, and at most one in nine of these is wrong; at 8 three in ten are wrong; at 64 all are
# sure, and four in ten wrong. A sharp memory is *sure and wrong*; soft weights hedge, since a mean of several rows is, squared, never further off
# than a row drawn by its weights is on average. The mean weight can't show it: where it is lost, it is lost once, however wrong the rest. Before you believe a figure, ask what its score rewards.
#
# ## Predict, then break it
#
# 1. In `softmax`, remove the subtraction of the maximum, and run its check again. Which of the results break first?
#
#    <details><summary>What happens</summary>
#
#    `large`, and with some numbers `far apart`: their scores lie thousands above or below 0. $e^{710}$ is infinite already, and where every $e^s$ is 0, you get 0 / 0. The others never come near.
#
#    </details>
#
# 2. In `kernel_regression`, use $+\tfrac12$ instead of $-\tfrac12$. What is the prediction an average of now? (Run the
#    demonstration *bandwidths* again and see.)
#
#    <details><summary>What happens</summary>
#
#    Of the measurements that lie *farthest* away: left of the middle the prediction is the right end of the curve, right of
#    it the left end. Only the widest bandwidth still gives something like the mean.
#
#    </details>
#
# 3. In `content_address`, leave out the division by the lengths. Which rows of the memory get too much weight?
#
#    <details><summary>What happens</summary>
#
#    The long ones. A dot product is the cosine times both lengths, so a long row wins against a better match.
#
#    </details>
#
# Put your code back afterwards; the checks tell you when it is right again.
#
# ## The paper says, we measured
#
# Recorded runs over three seeds, so this table needs none of your answers. A seed draws new
# measurements, or a new memory. The least and the greatest value stand in brackets.


# %% demo="paper_table"
# Table: what was claimed, and what was measured
with demonstration("paper_table"):
    # fmt: off
    found = {name: lesson.spread(name, digits=3) for name in ("equal", "kernel", "bandwidth", "learned", "clear", "noisy", "misled_at_8", "misled_at_64")}
    rows = [
        ["weights by distance beat equal weights", "Nadaraya 1964; Watson 1964", f"squared error {found['equal']} equal, {found['kernel']} at b = 0.25"],
        ["the bandwidth can be learned by gradient descent", "follows from smoothness", f"learned b {found['bandwidth']}, squared error {found['learned']}"],
        ["content addressing finds a noisy row", "Graves et al. 2014, sec. 3.3.1", f"weight on the right row {found['clear']} (noise 0.2), {found['noisy']} (noise 1.2), β = 32"],
        ["sharp weights are sure, and may be wrong", "follows from the noise", f"share of the sure answers that are wrong, noise 1.2: {found['misled_at_8']} at β = 8, {found['misled_at_64']} at β = 64"],
        ["no gradient reaches hard weights", "Xu et al. 2015, sec. 4.1", "none reached (above)"],
    ]
    tables.show_table(["claim", "source", "we measured"], rows, "What was claimed, and what came out here")

# %% [markdown]
# These experiments are small: one curve, sixteen vectors. They show the mechanism, not its worth. The first real task
# comes in the next lesson, and the first attention that is worth its name in lesson 03. There, `python -m lessonkit full 03` shows it
# on real sentences.
#
# ## Summary
#
# 1. Attention is a weighted average whose weights depend on a query.
# 2. Query: what you ask with. Key: what is compared with it. Value: what is averaged. Keys and values may be the same.
# 3. Softmax makes weights from scores: positive, sum 1 over the *keys*.
# 4. Subtract the maximum before the exponential; nothing changes but the overflow.
# 5. A mask says who may be attended to (`True` = may); it acts on the scores, before the softmax.
# 6. A row that is masked completely must give zeros, not NaN, also in the gradient.
# 7. Temperature $T = b^2 = 1/\beta$ (bandwidth, sharpness) goes from the plain mean to picking one.
# 8. Soft attention has a gradient for its weights; hard attention saves work, and has none.
# 9. Kernel regression is attention with distances as scores, from 1964.
# 10. Content addressing is attention with similarity as scores; sharp weights are sure, not always right, and then soft ones read better.
#
# ## References
#
# - E. Nadaraya, *On Estimating Regression*, 1964. G. Watson, *Smooth Regression Analysis*, 1964.
# - A. Graves, G. Wayne, I. Danihelka, *Neural Turing Machines*, 2014, arXiv:1410.5401.
# - J. Weston, S. Chopra, A. Bordes, *Memory Networks*, 2015, arXiv:1410.3916.
# - K. Xu et al., *Show, Attend and Tell*, 2015, arXiv:1502.03044.
