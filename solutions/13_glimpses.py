# %% [markdown]
# # Lesson 13: looking around on purpose
#
# **Where do you look next?** Hold your thumb at arm's length. The nail covers about all that your eye sees sharply at one time; the
# rest of the world is a blur. You don't notice, because your eyes jump three times a second, and each jump goes to a place
# that the blur made look promising. You never see the whole picture. You *collect* it.
#
# Lesson 05's captioner had every region of the picture on its desk, and then chose among them. It had paid for all of them first. Mnih,
# Heess, Graves and Kavukcuoglu (2014) built a network with an eye: a small sharp window with a blurred surround, that is put down
# a few times, each time where the network decides. What it costs doesn't depend on the size of the picture. It was the first of the
# papers on attention in this course: months before Bahdanau's, and about pictures.
#
# A window that is put down has no gradient: move it by a hair, and the same pixels are copied. So the network learns where to
# look by trying. You'll build the eye, mend the policy and its loss, and write the measurements that tell right from wrong, in six exercises;
# and then ask whether all that is better than looking anywhere. Allow 105 minutes.

# %% name="setup"
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lessonkit import Lesson, train
from lessonkit.data import digits
from lessonkit.show import drawing, looking, recorded, tables

lesson = Lesson("13_glimpses")
check, demonstration, predict = lesson.check, lesson.demonstration, lesson.predict
LABELS = {"centre": "always the centre", "random": "anywhere", "cnn": "a CNN sees all", "accuracy": "read right", "no_spread": "not divided by the spread", "no_baseline": "no baseline", "neither": "neither of the two", "no_score": "no REINFORCE term", "sigma_small": "σ = 0.02", "sigma_large": "σ = 0.6", "sharp_only": "sharp patch only", "six_looks": "six looks"}  # fmt: skip
LABELS |= {f"clutter_{arm}": LABELS.get(arm, arm) for arm in ("centre", "random", "scan", "learned")}  # fmt: skip
record = recorded.Recorded(lesson, LABELS | {f"on_{t}": f"on the digit: glimpse {t}" for t in range(5)})  # fmt: skip

# %% [markdown]
# ## A picture with a digit somewhere
#
# 32 × 32 pixels, empty but for one handwritten digit, 16 × 16, at a random place. 12,000 such canvases to learn from; the test
# canvases are made of digits that training never shows. We know the box that each digit fills (orange below), and tell no model of it.

# %% name="canvases"
# The canvases of this lesson: training, validation, test
ink, SIZE = digits.load_digits(), 32
data = digits.canvases(ink.train, 12_000, SIZE, seed=0)
validation = digits.canvases(ink.validation, 2_000, SIZE, seed=1)
test = digits.canvases(ink.test, 2_000, SIZE, seed=2)

# %% demo="pictures"
# Figure: five test canvases, each digit in its box
with demonstration("pictures"):
    looking.paths(looking.looks(test[:5]))

# %% [markdown]
# ## The experiment that fails
#
# Give a network four looks through a window that shows 8 × 8 pixels sharply, and 16 × 16 with half the resolution. Where should it look? Two answers
# need no thought: always in the middle, or anywhere. Here is what networks reach that are trained for one or the other (recorded, three
# seeds; the networks are the one you'll build), beside a convolutional network that sees every pixel.

# %% demo="failing"
# Figure: accuracy of looking always at the centre, of looking anywhere, and of seeing all
with demonstration("failing"):
    record.bars("centre random cnn", "accuracy", "share of test digits")
    record.table("centre random cnn", "accuracy", "2,000 test canvases, four looks", rates=True)  # fmt: skip

# %% [markdown]
# Always in the middle is better than anywhere: on so small a canvas the digit is never far from the middle. But of most digits one sees a corner there, sharply, and a part of the rest, blurred; and four looks at the same
# place show the same four times. A random look often shows nothing. Both stay far behind the network that sees all. The window is too small for not choosing.
#
# ## The idea, with shapes
#
# **Notation.**
#
# | letter | what | shape | in lesson 05 |
# |---|---|---|---|
# | $x$ | the picture | $H \times W$ | pictures |
# | $l_t$ | where glimpse $t$ is put down: down and across, each from −1 to 1 | 2 | $s_t$, the chosen region |
# | $\rho(x, l_t)$ | what the retina sees there: $k$ patches of $n \times n$ numbers | $k \times n \times n$ | $a_{s_t}$ |
# | $g_t$ | the glimpse as a vector: what was seen, and where | 160 | |
# | $h_t$ | the state of the core, a recurrent cell | 128 | $h_t$ |
# | $\mu_t$, $\sigma$ | where the policy would look next, and how far it strays in training | 2, 1 | $\alpha_t$, the chances of all regions |
# | $\pi(l \mid \mu)$ | how likely the policy is to look at $l$: a density (but $2 \pi$ is 6.28, as ever) | 1 | $p(s)$ |
# | $R$ | the reward: 1 if the answer was right, else 0 | 1 | $\log p(y \mid s)$ |
# | $b_t$ | the baseline: the reward that is expected at this state | 1 | $b$ |
# | $A_t$ | the advantage: how much better than expected it was, $R - b_t$ | 1 | $R - b$ |
# | $B$, $T$ | pictures of a batch, glimpses of a picture | | the same |

# %% demo="machine"
# Drawing: one step of the network
with demonstration("machine"):
    words = "One step: the picture and a place go into the retina, its patches and the place into the glimpse vector, that and the last state into the core. From the new state come answer, baseline and the next place, which is drawn."
    boxes = {"picture": (0.8, 2.7, "picture", "(B, H, W)", "input"), "place": (0.8, 1.0, "place lₜ", "(B, 2)", "attention"), "retina": (2.5, 2.7, "retina", "(B, k, n, n)", "attention"), "glimpse": (4.2, 1.9, "glimpse gₜ", "(B, 160)", "learned"), "core": (5.6, 1.9, "core hₜ", "(B, 128)", "learned"), "policy": (7.2, 0.7, "policy μₜ₊₁", "(B, 2)", "learned"), "answer": (7.2, 3.1, "answer", "(B, 10)", "output"), "baseline": (7.2, 1.9, "baseline bₜ", "(B,)", "output")}  # fmt: skip
    drawing.draw(words, boxes, [("picture", "retina"), ("place", "retina"), ("retina", "glimpse"), ("place", "glimpse"), ("glimpse", "core"), ("core", "answer"), ("core", "baseline", "", 0.0, True), ("core", "policy", "", 0.0, True), ("policy", "place", "draw: no gradient comes back", -0.12, True)], height=3.6)  # fmt: skip

# %% [markdown]
# Solid arrows carry gradients back, dashed ones don't. The answer's error teaches the core and the eye, what to make of a glimpse.
# It can't teach the policy where to look. (Mnih et al. 2014, sec. 3 and figure 1.)


# %% [markdown] task="glimpse_sensor"
# The retina. Patch 0 shows `size` × `size` pixels around the place, patch 1 twice as many each way, patch 2 four times; each is averaged down to
# `size` × `size`. What lies outside the picture is 0.
#
# A place runs from −1, the upper (left) edge of the picture, to 1, its lower (right) edge. So it lies at pixel $(l + 1) / 2 \cdot H$, and
# the patch of side $s$ begins at row $(l_0 + 1) / 2 \cdot H - s / 2$, rounded to the nearest whole number. The same across, with $W$ and $l_1$.
#
# ```python
# for b in range(B):
#     for k in range(scales):
#         s = size * 2**k
#         top, left = round((l[b, 0] + 1) / 2 * H - s / 2), round((l[b, 1] + 1) / 2 * W - s / 2)
#         patch = x[b, top : top + s, left : left + s]          # with zeros where that is outside
#         out[b, k] = the means of the patch's squares of 2**k × 2**k pixels
# ```
# hint: `F.avg_pool2d(patch, 2**k)` averages squares of pixels, of (B, s, s) as well as of one patch.
# hint: All patches of a batch at once: rows `top[:, None] + torch.arange(s)`, (B, s), and columns likewise; then `x[torch.arange(B)[:, None, None], rows[:, :, None], columns[:, None, :]]` is (B, s, s).
# hint: Outside: `F.pad(x, (s, s, s, s))` puts s zeros around every picture, and then all indices grow by s. Or leave the picture alone, `clamp` the indices, and multiply by 0 where they were outside: that touches only the pixels of the patch.


# %% exercise="glimpse_sensor" minutes=18 difficulty=3
def glimpse_sensor(pictures: Tensor, places: Tensor, size: int, scales: int) -> Tensor:
    """ρ(x, l): patches around a place, each twice as wide as the last, all of one size (Mnih et al. 2014, sec. 3.1).

    pictures x (B, H, W), places l (B, 2) from −1 to 1, down and across  ->  patches (B, scales, size, size)
    """
    ### BEGIN SOLUTION
    B, H, W = pictures.shape
    middles, patches = (places + 1) / 2 * torch.tensor([H, W]), []
    for k in range(scales):
        side = size * 2**k
        corners = (middles - side / 2).round().long()
        y, x = (corners[:, axis, None] + torch.arange(side) for axis in (0, 1))
        inside = ((y >= 0) & (y < H))[:, :, None] & ((x >= 0) & (x < W))[:, None]
        patch = pictures[torch.arange(B)[:, None, None], y.clamp(0, H - 1)[:, :, None], x.clamp(0, W - 1)[:, None]]  # fmt: skip
        patches.append(F.avg_pool2d(patch * inside, 2**k))
    return torch.stack(patches, dim=1)
    ### END SOLUTION


# %% check="glimpse_sensor" points=3
def probe(glimpse_sensor, draw):
    B, H, W = draw.sizes(3, low=5, high=12)
    size = draw.size(2, 4)
    pictures = draw.normal(B, H, W, grad=True)
    corners = torch.tensor([[-0.9713, 0.9687], [0.9341, -0.9527], [-0.9071, -0.9893]])
    found = {
        "patches": glimpse_sensor(
            pictures, draw.uniform(B, 2, low=-0.6, high=0.6), size, 3
        ),
        "one scale": glimpse_sensor(
            pictures, draw.uniform(B, 2, low=-1.0, high=1.0), draw.choice([3, 5]), 1
        ),
        "at the corners": glimpse_sensor(draw.normal(3, H, W), corners, size, 2),
    }
    return found


check(
    "glimpse_sensor",
    glimpse_sensor,
    probe,
    no_gradients="places have none, and pictures are not learned",
)


# %% demo="retina"
# Figure: what your retina sees at the middle of the first test canvas, and beside its digit
with demonstration("retina"):
    (look,) = looking.looks(test[:1], torch.tensor([[[0.0, 0.0], [0.3, -0.6]]]), retina=lambda x, l: glimpse_sensor(x, l, 8, 2))  # fmt: skip
    looking.glimpse(look, 1, 2)

# %% [markdown]
# The sharp patch shows strokes, the wide one shows that there is something over there. Whoever looks next should go where the blur is dark.
#
# ## Three policies that don't learn
#
# Before anything is trained: what must learned looking beat? The middle, and any place, stand above. There is a third, better one: sweep the picture in a fixed
# order, as you would search a dark room with a torch. Nothing is learned there, but nothing is missed.

# %% [markdown] task="fixed_and_random"
# The places of `T` glimpses for each of B pictures, without looking at any. `u` (B, T, 2) holds numbers drawn uniformly from [0, 1).
#
# - `"centre"`: every glimpse in the middle.
# - `"random"`: anywhere, all places equally likely, from `u`.
# - `"scan"`: the picture is cut into two rows of T / 2 equal tiles; glimpse by glimpse to the middle of the next tile, row by row from the top left. (T is even.)
# hint: Random: [0, 1) must become [−1, 1).
# hint: Scan: tile t lies in row t // (T / 2) and column t % (T / 2). The middle of column c of n, from 0 to 1, is (c + ½) / n.
# hint: All three can be made as numbers from 0 to 1, (B, T, 2), and then turned into `2 * x - 1`.


# %% exercise="fixed_and_random" minutes=10 difficulty=2
def fixed_and_random(policy: str, u: Tensor) -> Tensor:
    """Where somebody looks who doesn't look: "centre", "random" or "scan".

    u (B, T, 2), uniform in [0, 1)  ->  places (B, T, 2) from −1 to 1, down and across
    """
    ### BEGIN SOLUTION
    B, T, _ = u.shape
    if policy == "centre":
        return torch.zeros_like(u)
    if policy == "random":
        return 2 * u - 1
    t, columns = torch.arange(T), T // 2
    tiles = torch.stack([(t // columns + 0.5) / 2, (t % columns + 0.5) / columns], dim=-1)
    return (2 * tiles - 1).expand(B, T, 2)
    ### END SOLUTION


# %% check="fixed_and_random" points=2
def probe(fixed_and_random, draw):
    B, half, quarter = draw.sizes(3, low=2, high=6)
    found = {
        policy: fixed_and_random(policy, draw.uniform(B, 2 * half, 2))
        for policy in ("centre", "random")
    }
    found |= {
        f"scan in {2 * n}": fixed_and_random("scan", draw.uniform(B, 2 * n, 2))
        for n in (half, quarter)
    }
    return found


check(
    "fixed_and_random",
    fixed_and_random,
    probe,
    no_gradients="u is luck: nothing trains through it",
)

# %% [markdown]
# ## A policy that can be trained
#
# The policy says $\mu_t = \tanh(0.3\, f(h_{t-1}))$, where $f$ is a linear layer (the 0.3 is ours: it lets the policy move more slowly than the rest), and in training looks *near* it: $l_t \sim \mathcal{N}(\mu_t, \sigma^2 I)$. Straying is how it finds
# out whether another place would have been better. In a test it looks at $\mu_t$ itself.
#
# Lesson 05 chose one of 49 regions, and needed $\log p(s)$ of the one that was chosen. Here a choice is a point in the plane, and its density takes the place
# of the chance. Each of the two coordinates is normal by itself, so the logarithms add up:
#
# $$\log \pi(l \mid \mu) = \sum_{i=1}^{2} \Big[ -\frac{(l_i - \mu_i)^2}{2 \sigma^2} - \log \sigma - \frac{1}{2} \log 2 \pi \Big],
# \qquad \nabla_\mu \log \pi = \frac{l - \mu}{\sigma^2}$$
#
# The gradient points from the mean to where it looked: follow it if that went well, go the other way if not.
#
# ### Find the bugs: a policy that never moves
#
# A colleague has written the density down. It runs, it is largest where places and means are the same, and it falls with the square of the distance:


# %% name="colleague" show=true
def log_prob_as_found(places: Tensor, means: Tensor, sigma: float) -> Tensor:
    """log π(l | μ): places l (..., 2), means μ (..., 2), σ  ->  (...)"""
    squares = ((places - means) ** 2).sum(dim=-1) / (2 * sigma**2)
    return -squares - math.log(sigma) - math.log(2 * math.pi) / 2


# %% [markdown] task="location_log_prob"
# Two things are wrong. To find them, measure. **As a density:** summed over a fine grid of places, each times the area of its square, $\pi$ must make 1, whatever $\sigma$ is. **As a score:** make places as the training does, `places = means + sigma * torch.randn(5, 2)`, and ask for the gradient at the means. It
# must be $(l - \mu)/\sigma^2$. Then write the function anew.
# hint: For the first: `side = torch.arange(-3, 3, 0.01)`, `grid = torch.cartesian_prod(side, side)`, and `log_prob_as_found(grid, torch.zeros(2), 0.5).exp().sum() * 0.01**2`. For the second: `means = torch.zeros(5, 2, requires_grad=True)`, then `.sum().backward()` and `means.grad`.
# hint: How many coordinates has a place, and how many $\log \sigma$ stand in the sum of the formula? And on what does a place depend, in PyTorch, that was made *from* the means? The question is how likely *this* place was: it counts as given.
# hint: Each coordinate has all three parts, so the sum over the last axis comes last of all; and `places.detach()` has the same numbers without their history.


# %% exercise="location_log_prob" minutes=8 difficulty=2
def location_log_prob(places: Tensor, means: Tensor, sigma: float) -> Tensor:
    """log π(l | μ) for l ~ N(μ, σ² I); the places count as given (Mnih et al. 2014, sec. 3.1; Williams 1992).

    places l (..., 2), means μ (..., 2), sigma σ > 0  ->  (...)
    """
    ### BEGIN SOLUTION
    squares = (places.detach() - means) ** 2 / (2 * sigma**2)
    return (-squares - math.log(sigma) - math.log(2 * math.pi) / 2).sum(dim=-1)
    ### END SOLUTION


# %% check="location_log_prob" points=2
def probe(location_log_prob, draw):
    B, T = draw.sizes(2, low=2, high=5)
    sigma, other = draw.scale(low=0.05, high=0.5), draw.scale(low=1.5, high=4.0)
    means = draw.uniform(B, T, 2, low=-1.0, high=1.0, grad=True)
    places = means + sigma * draw.normal(B, T, 2)
    log_probs = location_log_prob(places, means, sigma)
    (log_probs * draw.normal(B, T)).sum().backward()
    return {
        "log_probs": log_probs,
        "gradient of the means": means.grad,
        "far away": location_log_prob(
            draw.normal(B, 2, scale=3.0), draw.normal(B, 2), other
        ),
    }


check(
    "location_log_prob",
    location_log_prob,
    probe,
    no_gradients="the probe asks for the means' gradient itself; places have none",
)

# %% [markdown]
# Did you see the gradient of the colleague's? It is exactly 0. A place that was made as `means + sigma * noise` *depends on the means*: then $l - \mu$ is just the noise, whatever $\mu$ is. Everything runs, and the policy never moves. The other mistake
# is harmless here, since a constant has no gradient. But it would have been found by nobody who doesn't add up.
#
# ## The reward, and how much better than expected it was
#
# At the end the network answers: $R = 1$ if the answer is right, else 0. REINFORCE (lesson 05, Williams 1992) makes all looks of a picture likelier if
# its answer was right. As a loss,
#
# $$L_\pi = - \frac{1}{B} \sum_{b} \sum_{t} A_{bt}\, \log \pi(l_{bt} \mid \mu_{bt}), \qquad A_{bt} = R_b - b_{bt}$$
#
# $A$ is the **advantage**. Lesson 05's baseline was one moving average. This one is learned, and knows the state: a digit that lies in plain view is
# nearly always read, so being right about it is nothing to learn from. (So is the paper's $b_t$, sec. 3.1, if we remember it rightly.)
#
# A second help has become a habit since. The advantages of a batch are divided by their standard deviation. Then the size of the step doesn't shrink when the baseline
# gets good and all advantages get small, and the term can stand beside a cross-entropy without another weight to tune. Whether either help is needed, you'll see.


# %% name="reinforce_loss" show=true
def reinforce_loss(
    log_probs: Tensor, reward: Tensor, baselines: Tensor, spread: bool = True
) -> Tensor:
    """−mean_b Σ_t A_bt log π(l_bt), A = R − b, without gradient through A (Mnih et al. 2014, sec. 3.1).

    log_probs (B, T), reward R (B,), baselines b (B, T); spread: divide A by its standard deviation  ->  () scalar
    """
    advantage = (reward.unsqueeze(1) - baselines).detach()
    if spread:
        advantage = advantage / (advantage.std() + 1e-6)
    return -(advantage * log_probs).sum(dim=1).mean()


# %% [markdown]
# ### Is such a loss right?
#
# How would you know? Its value says nothing: nobody wants it small. Its gradient is luck, for it is that of the one place that happened to be drawn. What must be right is the gradient's **average over all draws**: that has to be the gradient of $-\mathbb{E}[R]$, of the reward that one
# can expect. For places in the plane there are infinitely many draws. With $K$ places to choose from, one can try them all.

# %% [markdown] task="mean_gradient"
# Write the measurement: what a loss's gradient at the `logits` is on average, when place $k$ is drawn with the probability $p_k = \text{softmax(logits)}_k$, and brings the reward `rewards[k]`. Try each place once, as a batch of one picture with one glimpse. The loss is whatever function you
# are given (it may be a wrong one: that is what you want to find out), so ask *it* for the gradient, and don't write down what should come out.
# hint: One draw: `loss(log_p[k].view(1, 1), rewards[k].view(1), baseline.view(1, 1))`, where `log_p` is `logits.log_softmax(dim=0)`, of logits that ask for a gradient.
# hint: An average over draws: which places come up often? And those chances are weights of the average, plain numbers, so no gradient may go through *them*.
# hint: `torch.autograd.grad(one, logits, retain_graph=True)[0]` is (K,): the graph of `log_p` is needed again for the next place. Add up `p * ` that, with `p` from `log_p.exp().tolist()`.


# %% exercise="mean_gradient" minutes=12 difficulty=3
def mean_gradient(loss, logits: Tensor, rewards: Tensor, baseline: Tensor) -> Tensor:
    """The gradient at the logits that a loss has on average, by trying all K places.

    loss: log_probs (1, 1), reward (1,), baselines (1, 1) -> () scalar; logits (K,), rewards (K,), baseline (): numbers  ->  (K,)
    """
    ### BEGIN SOLUTION
    logits = logits.detach().requires_grad_()
    log_p = logits.log_softmax(dim=0)
    average = torch.zeros_like(rewards)
    for k, p in enumerate(log_p.exp().tolist()):
        one = loss(log_p[k].view(1, 1), rewards[k].view(1), baseline.view(1, 1))
        average = average + p * torch.autograd.grad(one, logits, retain_graph=True)[0]
    return average
    ### END SOLUTION


# %% check="mean_gradient" points=2
def probe(mean_gradient, draw):
    K, more = draw.sizes(2, low=3, high=7)
    weight, power = draw.scale(low=0.5, high=3.0), draw.choice([2, 3])

    def reinforce(log_probs, reward, baselines):
        return -((reward.unsqueeze(1) - baselines) * log_probs).sum(dim=1).mean()

    def another(log_probs, reward, baselines):
        return (
            weight * reward.unsqueeze(1) * log_probs**power + baselines * log_probs.exp()
        ).sum()

    baseline = draw.normal(1)[0]
    return {
        "of REINFORCE": mean_gradient(reinforce, draw.normal(K), draw.normal(K), baseline),
        "of another loss": mean_gradient(another, draw.normal(more), draw.normal(more), baseline),
    }  # fmt: skip


check(
    "mean_gradient",
    mean_gradient,
    probe,
    no_gradients="a measurement: nothing trains through it",
)


# %% name="candidates" show=true
def plain_loss(log_probs, reward, baselines):
    return reinforce_loss(log_probs, reward, baselines, spread=False)


CANDIDATES = {  # what five people have written
    "the loss above": plain_loss,
    "no baseline": lambda log_probs, reward, b: plain_loss(log_probs, reward, 0 * b),
    "baseline added": lambda log_probs, reward, b: plain_loss(log_probs, reward, -b),
    "no logarithm": lambda log_probs, reward, b: plain_loss(log_probs.exp(), reward, b),
    "wrong answers left out": lambda log_probs, reward, b: plain_loss(log_probs, reward, b * reward),
}  # fmt: skip

# %% predict="unbiased"
predict("unbiased", "The loss above and four changed ones: how many of the five have the right gradient on average?", ["1", "2", "3", "4"])  # fmt: skip

# %% demo="unbiased"
# Table: five losses, and by your measurement the gradient that each has on average, over three places
with demonstration("unbiased"):
    right = looking.on_average(mean_gradient, CANDIDATES, [1.0, 0.0, -1.0], [0.0, 1.0, 0.0], 0.5)  # fmt: skip
    lesson.reveal("unbiased", str(right), "Take the baseline, leave it, even add it: the average stays. It is the same for all places, and the chances of all places always sum to 1.")  # fmt: skip

# %% [markdown]
# The baseline can't make the loss wrong on average, as long as it doesn't know which place is drawn. The two wrong ones run, and something falls, too. *No logarithm* makes the probable place count double: what is often drawn is weighed by its chance once more. *Wrong answers left out* uses a baseline that knows the outcome,
# and halves what is learned here. Then what is a baseline good for? For the single draw, which is all that training ever sees: a good one lets it scatter less. Further down you'll see whether that matters.
#
# ## Three losses in one
#
# The core and the eye have a perfectly good gradient, from the answer's cross-entropy. Only the policy has none. So Mnih and colleagues train with a *hybrid*: cross-entropy
# for what can be differentiated, REINFORCE for the policy, and the squared error $(R - b_t)^2$, which teaches the baseline to foresee the reward.
#
# We change one thing. The paper's network answers once, at the end; ours answers after every glimpse, and the cross-entropy is the mean over all of them. So
# one network tells how much it knew after one look, after two, and so on. The reward is still that of the last answer.

# %% [markdown] task="hybrid_loss"
# Somebody wrote this. It runs, its value falls, and the network never learns to look. There are **four** mistakes in it; write the loss that was meant.
#
# ```python
# def hybrid_loss(reinforce, logits, labels, log_probs, baselines):
#     answers = torch.softmax(logits, dim=-1)                                        # (B, T, C)
#     T = logits.shape[1]
#     naming = F.cross_entropy(answers.flatten(0, 1), labels.repeat(T))              # what is it? after each glimpse
#     reward = (answers[:, -1].argmax(dim=-1) == labels).to(logits.dtype)            # was the last answer right?
#     policy = reinforce(log_probs, reward, baselines)                               # where to look
#     foresight = ((reward.unsqueeze(1) - baselines.detach()) ** 2).mean()           # will it be right?
#     return naming - policy + foresight
# ```
#
# `reinforce` is `reinforce_loss`, or another function with its three arguments; what it returns is a loss.
# hint: Line by line. What does `F.cross_entropy` expect, and does row 1 of `answers.flatten(0, 1)` belong to picture 0 or to picture 1? Through what would the baselines learn?
# hint: `F.cross_entropy` takes logits: it has its own softmax. `labels.repeat(3)` is 7 2 7 2 7 2, `labels.repeat_interleave(3)` is 7 7 7 2 2 2.
# hint: What is detached gets no gradient, so these baselines never learn. And `reinforce_loss` has its minus already.


# %% exercise="hybrid_loss" minutes=14 difficulty=3
def hybrid_loss(
    reinforce, logits: Tensor, labels: Tensor, log_probs: Tensor, baselines: Tensor
) -> Tensor:
    """Mean cross-entropy of all answers + what `reinforce` gives + the baselines' mean squared error (Mnih et al. 2014, sec. 3.1).

    reinforce (log_probs, reward (B,), baselines) -> scalar; logits (B, T, C), labels (B,), log_probs and baselines (B, T − 1)  ->  () scalar
    """
    ### BEGIN SOLUTION
    naming = F.cross_entropy(
        logits.flatten(0, 1), labels.repeat_interleave(logits.shape[1])
    )
    reward = (logits[:, -1].argmax(dim=-1) == labels).to(logits.dtype)
    policy = reinforce(log_probs, reward, baselines)
    foresight = ((reward.unsqueeze(1) - baselines) ** 2).mean()
    return naming + policy + foresight
    ### END SOLUTION


# %% check="hybrid_loss" points=3
def probe(hybrid_loss, draw):
    B, C, T = draw.sizes(3, low=3, high=8)
    raw, labels = draw.normal(B, T, C, scale=2.0).clone(), draw.integers(0, C, B)
    labels[0] = (labels[1] + 1) % C  # not all the same
    log_probs, baselines = (
        draw.normal(B, T - 1, grad=True),
        draw.uniform(B, T - 1, grad=True),
    )
    for b, t in (
        (0, -1),
        (1, 0),
    ):  # picture 0 is right at the end only, picture 1 at the start only
        raw[b, t, labels[b]] += 9.0
        raw[b, -1 - t, (labels[b] + 1) % C] += 9.0
    logits = draw.watch(raw).requires_grad_()
    weight = draw.scale(low=0.5, high=3.0)

    def reinforce(log_probs, reward, baselines):
        return (
            -weight
            * ((reward.unsqueeze(1) - baselines.detach()) * log_probs).sum(dim=1).mean()
        )

    loss = hybrid_loss(reinforce, logits, labels, log_probs, baselines)
    loss.backward()
    return {
        "loss": loss, "gradient of the logits": logits.grad,
        "gradient of log_probs": log_probs.grad, "gradient of the baselines": baselines.grad,
    }  # fmt: skip


check("hybrid_loss", hybrid_loss, probe)

# %% [markdown]
# ## The model
#
# Everything is yours now, but for the layers between. Read `forward`: one turn of its loop is the drawing. The policy and the baseline see the state *detached*: their
# gradients are noisy, and may not pull at the core that reads digits. The first glimpse is always in the middle: nothing has been seen yet.


# %% name="model" show=true
class Looker(nn.Module):
    """Reads a digit in a few glimpses (Mnih et al. 2014, sec. 3; a GRU as the core)."""

    def __init__(self, glimpses=4, size=8, scales=2, sigma=0.25, hidden=128):
        super().__init__()
        self.glimpses, self.size, self.scales, self.sigma = glimpses, size, scales, sigma
        self.what, self.where = nn.Linear(scales * size * size, 128), nn.Linear(2, 32)
        self.core, self.answer = nn.GRUCell(128 + 32, hidden), nn.Linear(hidden, 10)
        self.policy, self.baseline = nn.Linear(hidden, 2), nn.Linear(hidden, 1)
        nn.init.zeros_(self.policy.weight)  # in the beginning it looks near the middle
        nn.init.zeros_(self.policy.bias)

    def choose(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From states h (B, n): the next places (B, 2), their log-probabilities and baselines, both (B,)."""
        mean = torch.tanh(0.3 * self.policy(h.detach()))  # 0.3: it moves slowly
        noise = self.sigma * torch.randn_like(mean) if self.training else 0.0
        place = mean + noise
        log_prob = location_log_prob(place, mean, self.sigma)
        return place.detach(), log_prob, self.baseline(h.detach()).squeeze(1)

    def forward(self, pictures: Tensor, places: Tensor | None = None) -> dict[str, Tensor]:
        """Look at pictures (B, H, W), at given places (B, T, 2) or where the policy says.

        Returns logits (B, T, 10) after each glimpse, places (B, T, 2); and of the policy's
        choices, which are all glimpses but the first, log_probs and baselines (B, T − 1).
        """
        h = pictures.new_zeros(len(pictures), self.core.hidden_size)
        found = {"logits": [], "places": [], "log_probs": [], "baselines": []}
        place = pictures.new_zeros(len(pictures), 2)  # nothing is seen yet: the middle
        for t in range(self.glimpses):
            if places is not None:
                place = places[:, t]
            elif t > 0:
                place, log_prob, baseline = self.choose(h)
                found["log_probs"].append(log_prob)
                found["baselines"].append(baseline)
            patches = glimpse_sensor(pictures, place, self.size, self.scales).flatten(1)
            seen, at = torch.relu(self.what(patches)), torch.relu(self.where(place))
            h = self.core(torch.cat([seen, at], dim=1), h)
            found["logits"].append(self.answer(h))
            found["places"].append(place)
        return {name: torch.stack(values, 1) for name, values in found.items() if values}


# %% name="training" show=true
STEPS, BATCH, RATE = 1500, 64, 8e-3


def train_looker(policy: str = "learned", reinforce=reinforce_loss, glimpses: int = 4, seed: int = 0, lr: float = RATE,
                 steps: int = STEPS, on: digits.Canvases = data, seconds: float = 58, quiet: bool = False, **shape: int) -> Looker:  # fmt: skip
    """A looker whose policy is learned, or one of "centre", "random", "scan". Settings were chosen on the validation canvases."""
    torch.manual_seed(seed)
    model = Looker(glimpses, **shape)

    def loss(model: Looker, batch: digits.Canvases) -> Tensor:
        if policy == "learned":
            seen = model(batch.pictures)
            choices = seen["log_probs"], seen["baselines"]
            return hybrid_loss(reinforce, seen["logits"], batch.labels, *choices)
        places = fixed_and_random(policy, torch.rand(len(batch), glimpses, 2))
        logits = model(batch.pictures, places)["logits"]
        return F.cross_entropy(
            logits.flatten(0, 1), batch.labels.repeat_interleave(glimpses)
        )

    model.history = train.fit(model, digits.batches(on, BATCH, seed), loss, steps=steps, lr=lr, clip=5.0, warmup=100, decay=True,
                              seconds=seconds, title=f"{policy}, {glimpses} glimpses", quiet=quiet)  # fmt: skip
    return model


@torch.no_grad()
def look_at(
    model: Looker, canvas: digits.Canvases, policy: str = "learned"
) -> tuple[Tensor, Tensor]:
    """What a trained looker says after each glimpse (N, T), and the places where it looked (N, T, 2)."""
    luck = torch.rand(
        len(canvas), model.glimpses, 2, generator=torch.Generator().manual_seed(0)
    )
    seen = model(
        canvas.pictures, None if policy == "learned" else fixed_and_random(policy, luck)
    )
    return seen["logits"].argmax(dim=-1), seen["places"]


# %% [markdown]
# The recorded comparisons below give each arm its own rate, the best of 2, 4 and 8 · 10⁻³ after 750 steps, on the validation canvases; then four looks, and 1,500 steps of 64 pictures. For all that look around, the best was the largest that was tried, so each may have more in it. (The grids stand below the table of the two helps.)

# %% predict="learned"
predict(
    "learned",
    "Looking anywhere reads about seven digits of ten. What share will learned looking read, with as many looks?",
    (0.0, 1.0, 0.01),
)

# %% demo="training" varies=true
# Training: a looker that learns where to look
with demonstration("training"):
    looker = train_looker()
    said, places = look_at(looker, test)
    looking.read_right(said, test.labels)

# %% [markdown]
# (Stopped by the time limit? Half of the steps are enough to see everything below, if a little less of it. `train_looker(seconds=120)` goes all the way.)

# %% demo="policies"
# Figure: learned looking beside the three policies that don't learn, recorded
with demonstration("policies"):
    record.bars("centre random scan learned cnn", "accuracy", "share of test digits")
    lesson.reveal("learned", record.mean("learned", "accuracy"), "Learned {}; a fixed scan {}, always the centre {}, anywhere {}: no two of the ranges touch.".format(*(record.spread(arm, "accuracy") for arm in ("learned", "scan", "centre", "random"))))  # fmt: skip

# %% [markdown]
# Learned looking is ahead of the three policies that don't learn. The strongest of these is the scan, and you see why: four wide patches of 16 × 16 tile the canvas exactly, so it misses nothing, at half the
# resolution. Had we compared with luck alone, we'd have claimed more than there is.
#
# And nobody beats seeing everything: the convolutional network reads more. Looking is not about accuracy, on pictures that one can afford to see whole. It is about what it costs; we come to that.
#
# ## The path, drawn

# %% demo="paths" varies=true
# Figure: where your looker looked on six test canvases. Explorer: pick a picture, and go through its glimpses
with demonstration("paths"):
    seen = looking.looks(test[:12], places[:12], said[:12], lambda x, l: glimpse_sensor(x, l, 8, 2))  # fmt: skip
    looking.paths(seen[:6])
    looking.explorer(seen)

# %% [markdown]
# Glimpse 1 is in the middle, as it must be. Glimpse 2 jumps. Does it jump to the digit? Six pictures are anecdotes. So count.


# %% [markdown] task="on_target"
# Write the measurement: for each of the T glimpses the share of pictures in which the middle of the glimpse lies on the digit's box. A box is top, left, bottom, right in
# pixels, and bottom and right are the first pixels *outside*. The pictures are `height` × `width`.
# hint: First the places as pixels, (N, T, 2): $(l + 1) / 2$ times height, and times width. The edge between two pixels belongs to the lower (right) one.
# hint: The boxes need an axis for the glimpses: `boxes[:, None, :2]` is (N, 1, 2), top and left; `boxes[:, None, 2:]` bottom and right. Both coordinates must be inside: `.all(dim=-1)`.


# %% exercise="on_target" minutes=10 difficulty=2
def on_target(places: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
    """The share of pictures whose glimpse t has its middle on the digit, for each t.

    places (N, T, 2) from −1 to 1, down and across; boxes (N, 4) int64: top, left, bottom, right  ->  (T,)
    """
    ### BEGIN SOLUTION
    pixels = (places + 1) / 2 * torch.tensor([height, width])
    inside = (pixels >= boxes[:, None, :2]) & (pixels < boxes[:, None, 2:])
    return inside.all(dim=-1).to(places.dtype).mean(dim=0)
    ### END SOLUTION


# %% check="on_target" points=2
def probe(on_target, draw):
    N, T = draw.size(20, 26), draw.size(2, 5)
    height, width = draw.sizes(2, low=20, high=60)
    size = torch.tensor([height, width])
    corner = torch.stack(
        [draw.integers(0, height - 12, N), draw.integers(0, width - 12, N)], dim=1
    )
    boxes = torch.cat([corner, corner + draw.integers(5, 13, N, 2)], dim=1)
    near = corner[:, None] + draw.uniform(N, T, 2, low=-6.0, high=16.0)
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]).expand(N, T, 2) / size - 1
    top, left = draw.size(1, 7), draw.size(1, 14)
    box = torch.tensor([[top, left, top + 8, left + 16]])
    edges = torch.tensor([[0, 0], [8, 0], [0, 16], [8, 16], [0, 5]])
    close = torch.tensor([[-0.3, 5], [7.7, 5], [4, -0.3], [4, 15.7]])
    there = torch.cat([edges, close]) + box[:, None, :2]  # in pixels of 16 × 32, exact
    return {
        "shares": on_target(near / size * 2 - 1, boxes, height, width),
        "always in the middle of the box": on_target(middles, boxes, height, width),
        "at the edges of the box": on_target(
            there / torch.tensor([8, 16]) - 1, box, 16, 32
        ),
    }


check(
    "on_target", on_target, probe, no_gradients="a measurement: nothing trains through it"
)

# %% predict="hits"
predict("hits", "Looking always at the centre hits the digit's box in 89 % of the pictures. The learned policy's second glimpse?", ["more often", "about as often", "less often"])  # fmt: skip

# %% demo="scored" varies=true
# Table: the share of glimpses on the digit, recorded; and your looker's, measured by your function
with demonstration("scored"):
    yours = {"your looker": {f"on_{t}": share for t, share in enumerate(on_target(places, test.boxes, SIZE, SIZE).tolist(), 1)}}  # fmt: skip
    record.table("learned centre random scan", "on_1 on_2 on_3 on_4", "Share of glimpses on the digit", more=yours)  # fmt: skip
    lesson.reveal("hits", "less often", f"The second glimpse {record.spread('learned', 'on_2')}, the third {record.spread('learned', 'on_3')}. It does go there: the jump and the way to the digit's middle correlate (down {record.spread('jump', 'down')}, across {record.spread('jump', 'across')}), and it goes {record.spread('jump', 'length')} times as far. But the middle of the canvas is hard to beat. Read on.")  # fmt: skip

# %% [markdown]
# **Always the centre hits more often than the learned policy!** A digit of 16 pixels on a canvas of 32 nearly always reaches over the middle: 0.89 is what this canvas gives away. Anywhere gets 0.24. A score
# without its baseline would have sold us four glimpses of five as skill.
#
# And yet the learned policy reads far more digits than the centre's. So the score asks the wrong question here. The second look goes where the digit is, on average a little beyond its middle, and with a good deal of scatter. It needs not lie *on* the digit: a window of 16 pixels shows most of it from beside, too, and what counts is
# what the first look did not show. (The last is our reading of the paths, not a measurement.) Nobody pays this policy for being on the digit. It is paid for right answers.
#
# ## What the two helps do
#
# A baseline that is learned, and advantages divided by their spread: both are in `reinforce_loss`. The same network without one of them, without both, and without the whole
# REINFORCE term, so that nothing at all teaches the policy. Each with its own rate from the same grid. **Predict** first:

# %% predict="helps"
predict("helps", "What does the learned looker lose, in accuracy, without baseline and without dividing by the spread?",
        ["nothing that the seeds could tell from luck", "a few digits of a hundred", "it is no better than looking anywhere"])  # fmt: skip

# %% demo="helps"
# Table: the baseline, the spread, and the REINFORCE term left out, recorded
with demonstration("helps"):
    record.table("learned no_spread no_baseline neither no_score", "accuracy on_2 on_3 on_4", "One help left out at a time", rates=True)  # fmt: skip
    record.grid("learned no_spread no_baseline neither no_score centre random scan cnn", "How the rates were chosen: read right on the validation canvases after half the steps, seed 0")  # fmt: skip
    lesson.reveal("helps", "a few digits of a hundred", f"Neither of the two: {record.spread('neither', 'accuracy')}, with both {record.spread('learned', 'accuracy')}. It's the baseline: without it alone {record.spread('no_baseline', 'accuracy')}, without the spread alone {record.spread('no_spread', 'accuracy')}.")  # fmt: skip

# %% [markdown]
# **The baseline helps**: without it a few digits of a hundred are lost on each of three seeds, and the glimpses stray. **Dividing by the spread doesn't**: with a baseline and without one, the ranges with it and without it overlap. That isn't surprising here. One layer is all that
# REINFORCE trains, and Adam divides a layer's gradients by their own size anyway. (A guess: we didn't train with another optimiser.) And without the whole REINFORCE term the
# policy never leaves the middle: the last row is the centre's, and a tie with it.
#
# ## How many looks does it need?
#
# The networks answered after every glimpse, so one run gives the whole curve.

# %% demo="by_glimpse"
# Figure: accuracy after each glimpse, by policy, recorded
with demonstration("by_glimpse"):
    record.curves("learned scan centre random", "by_glimpse", "glimpses", "share read right")  # fmt: skip

# %% [markdown]
# At the first look, learned looking and the centre see the same, the middle. The one that learned makes a little more of it (0.80 to 0.81 of the digits on three seeds, the centre 0.75 to 0.76). That isn't its policy: the network without the REINFORCE
# term, which never leaves the middle in a test, reads nearly as many after one look (0.79 to 0.80). What the two share, and the centre lacks, is straying in training: presumably they learn more from seeing each digit from many places.
#
# The second look, at a place of its own choice, brings far more than three further looks at the middle. The scan catches up tile by tile. From the second look on the learned curve is nearly flat: the third brings one to three digits of a hundred, the fourth at most two.
#
# ## What does looking cost?
#
# A convolutional network touches every pixel. The retina touches $n^2 + (2n)^2$ of them a glimpse, whatever the picture's size. Below both read eight pictures of growing size, on your
# machine.


# %% name="sees_all" show=true
class SeesAll(nn.Sequential):
    """A convolutional network that sees every pixel: pictures (B, H, W) -> logits (B, 10)."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, 10),
        )  # fmt: skip

    def forward(self, pictures: Tensor) -> Tensor:
        return super().forward(pictures.unsqueeze(1))


# %% demo="cost" varies=true
# Figure: milliseconds for eight pictures, by their size
with demonstration("cost"):
    looking.costs({"looker, 4 glimpses": Looker().eval(), "CNN, sees all": SeesAll().eval()}, [32, 64, 128, 256, 512])  # fmt: skip

# %% [markdown]
# The looker's curve is flat. The CNN's grows at least with the area: a fourfold side has sixteen times the pixels. They cross early: on 32 × 32 pixels, the pictures of this lesson, the CNN is *cheaper*, and reads better. An eye pays when the picture is large and
# what matters in it is small.
#
# (If yours is not flat: did you pad the picture in your sensor? Padding copies every pixel. The reference leaves the picture alone, and clamps its indices.)
#
# ## Clutter
#
# Now the canvas is 40 × 40, and four pieces of other digits lie about. "Go where the ink is" is no longer enough. The retina gets a third, still
# wider patch (32 × 32), and 4,000 steps of training: too long for this page.

# %% predict="clutter"
predict("clutter", "On these canvases, with four looks: who reads most digits?", ["learned looking", "the scan", "always the centre", "looking anywhere"])  # fmt: skip

# %% demo="clutter"
# Figure: five cluttered test canvases. Table: what four policies read there, recorded
with demonstration("clutter"):
    looking.paths(looking.looks(digits.canvases(ink.test, 5, 40, seed=4, clutter=4)))
    record.table("clutter_learned clutter_scan clutter_centre clutter_random", "accuracy on_1 on_2 on_4", "40 × 40 pixels, four pieces of clutter, 4,000 steps", rates=True)  # fmt: skip
    lesson.reveal("clutter", "looking anywhere", f"Anywhere {record.spread('clutter_random', 'accuracy')}, learned {record.spread('clutter_learned', 'accuracy')}. All are bad, and the learned one is beaten by luck: over three seeds the two ranges don't touch. With the scan it ties: {record.spread('clutter_scan', 'accuracy')}.")  # fmt: skip

# %% [markdown]
# **Here learned looking loses.** It reads fewer digits than looking anywhere, though its glimpses lie on the digit about twice as often. But the middle, which on this canvas, too, is a good place to hit, does so more often still: on two of three seeds learned looking is on the digit less often than if it had never moved, on the third about as often.
# Whatever this policy has learned, it isn't to find the digit. Who looks anywhere at least shows the reader four places. (That this is why it does better is a guess.)
#
# The policy must be on the digit for the reader to learn, and the reader must read for the policy to be paid. That clutter makes both late is our reading of it, not a measurement: what was varied here is the policy alone. A trial with six looks, batches of 128 and 5,000 steps (one run) reached 0.86, and was still below
# looking anywhere after 2,500 steps. So it isn't hopeless; it is late. The rates were chosen on the easy canvas. For learned looking four rates were tried in clutter (one run each, with an earlier version of this model): 0.26 to 0.31. Lesson 14 reads canvases like these in 1,500 steps, with a
# window that has a gradient.
#
# ## Hard and soft, once more
#
# The course has met choices three times now: in lesson 05, 11 and 13. When is the score function *needed*, what does it cost, and what does it buy?

# %% demo="hard_and_soft"
# Table: hard attention over the course
with demonstration("hard_and_soft"):
    captions, pairs = Lesson("05_show_attend_tell"), Lesson("11_self_attention_family")
    tables.show_table(["lesson and choice", "score function needed?", "it costs", "it buys"], [
        ["05: one region of 49, for each word", f"no: without it {captions.spread('no_score', 'three')} of the pictures with three objects, with it {captions.spread('hard', 'three')}; the soft average has a gradient, and all 49 were computed anyway", f"soft attention gets {captions.spread('soft', 'three')} of those right", f"sharper maps: weight on gold {captions.spread('hard', 'on_gold')}, without the score function {captions.spread('no_score', 'on_gold')}, soft {captions.spread('soft', 'on_gold')}"],
        ["11: one drawer to open (no soft path)", f"yes: without it the right one is opened in {pairs.spread('chest_cross_entropy', 'opened')}, a guess: 0.20", "two draws for each chest: one is the other's baseline", f"{pairs.spread('chest_score', 'opened')}; told only whether the answer was right"],
        ["11: which words of a sentence to keep", "not tried without", f"a second training, {pairs.spread('reinforced', 'seconds')} s, on top of a reader's", f"{pairs.spread('reinforced', 'right')} right from {pairs.spread('reinforced', 'kept')} of the words; as many kept by chance: {pairs.spread('by_chance', 'right')}"],
        ["13: where to put the window", f"yes: without it the policy stays in the middle, {lesson.spread('no_score', 'accuracy')} right", f"luck, which a baseline must tame (without one {lesson.spread('no_baseline', 'accuracy')}), and in this page's clutter it fails: {lesson.spread('clutter_learned', 'accuracy')}, looking anywhere {lesson.spread('clutter_random', 'accuracy')}; lesson 14 has a gradient instead", f"{lesson.spread('learned', 'accuracy')} right; it touches 1,280 pixels of a picture, however large that is (this one has 1,024)"],
    ], "Hard attention over the course; mean [least to greatest] of all recorded seeds")  # fmt: skip

# %% [markdown]
# So: the score function is *needed* where a choice decides what is computed at all. If everything has been computed anyway, average it, and use the gradient. Lesson 14 finds a third way for pictures: a window whose weights are
# smooth, so that it has a gradient although it looks at a part.
#
# ## Predict, then break it
#
# Each of these is one line, and half a minute. Predict first.
#
# 1. **The trap**: take `.detach()` out of your `location_log_prob`, and train again. What do glimpses 2 to 4 do?
# 2. **No straying**: `train_looker(sigma=0.02)`. And `sigma=0.6`?
# 3. **Sharp only**: `train_looker(scales=1)`. Without the blur, what could tell the policy where to go?
# 4. **More looks**: `train_looker(glimpses=6)`.
#
# (1: the means get no gradient, so all glimpses stay in the middle; accuracy is that of *no REINFORCE term* in the table above. The others are recorded:)

# %% demo="breaks"
# Table: one setting changed, the rest as it was, recorded
with demonstration("breaks"):
    record.table("learned sigma_small sigma_large sharp_only six_looks", "accuracy on_2 on_3 on_4", "Learned looking, one setting changed; six looks are scored after the sixth", rates=True)  # fmt: skip

# %% [markdown]
# A policy that hardly strays (σ = 0.02) loses about ten digits of a hundred, and its glimpses end up beside the digit more often than not. The smaller σ is, the larger the gradient $(l - \mu)/\sigma^2$, and two places that lie side by side are paid alike: that this makes it mostly noise is our guess. One that strays widely (0.6) loses about one.
#
# Without the blurred surround the first look alone reads 0.50 of the digits in place of 0.80. Still the policy finds the digit, more surely than with it: a stroke at the edge of the sharp patch is enough to say where to go. What is lost is reading: seven digits of a hundred. Six looks against four are a tie.
#
# ## The paper says, we measured

# %% demo="paper_table"
# Table: the paper's claims beside what was measured here
with demonstration("paper_table"):
    recorded.claims([
        ["the cost doesn't depend on the picture's size", "by construction (sec. 1)", "the figure above: flat for the looker, growing with the area for the CNN"],
        ["learned looking beats looking at random", "said of cluttered pictures (sec. 4.1)", f"learned {lesson.spread('learned', 'accuracy')}, anywhere {lesson.spread('random', 'accuracy')}; a fixed scan {lesson.spread('scan', 'accuracy')}; in clutter not here, but in full size (below)"],
        ["more glimpses, fewer errors", "MNIST, 60 × 60, clutter: 7.1 % with four, 5.2 % with eight", f"after glimpse 1: {lesson.spread('learned', 'by_glimpse', 0)}; after 4: {lesson.spread('learned', 'accuracy')}"],
        ["it beats a convolutional network in clutter", "5.2 % against 7.8 % errors", f"not here: read right {lesson.spread('clutter_learned', 'accuracy')} with four looks; lesson 14's CNN, which sees all, {Lesson('14_differentiable_glimpses').spread('cnn', 'accuracy')}; nor in full size (below)"]])  # fmt: skip

# %% [markdown]
# (The paper's figures are quoted from memory.) The experiment is small: 1,197 digits of 8 × 8 pixels, enlarged, on canvases of 32 × 32. The paper has MNIST on 60 × 60 and 100 × 100, three scales or four, and up to
# eight glimpses.
#
# ## In full size
#
# `python -m lessonkit full 13`, in the course's folder, trains your answers on MNIST, 60 × 60, with four pieces of clutter: on a graphics card if there is one, for as many minutes as you give it. We gave ours two and a half for each policy, at the better of two rates (the larger, for both;
# errors on validation canvases), and seven at the smaller rate, one run each.

# %% demo="full"
# Table: learned looking and looking anywhere on MNIST in clutter, recorded on a graphics card
with demonstration("full"):
    looking.full_size(record.full())

# %% [markdown]
# **Here learned looking wins, in clutter:** 12 errors of a hundred against 22 for looking anywhere, trained as long. Its glimpses lie on the digit in 98 of 100; the middle does in 72, looking anywhere in 22. So what this page found on its small cluttered canvases is no law.
# The run differs from the page's in digits, window, number of glimpses, and in the canvases seen (1.2 million in place of 256,000); which of these turned it round was not varied. It is one run an arm, and both best rates were the largest tried.
# After seven minutes it makes 11 % errors; the paper has 5.2 %. (Its canvases, its network and its training differ from ours; what makes the difference we don't know.) And a network that sees all makes 1.4 % on the same canvases, after as long (lesson 14): an eye this small is for pictures that are too large to be seen whole.
#
# ## Summary
#
# 1. A retina is a small sharp window with a blurred surround. What it costs doesn't depend on the picture.
# 2. A core collects what the glimpses saw, and a policy says where to look next.
# 3. Copied pixels carry no gradient back to the place: the policy is trained by the score function, everything else by backpropagation.
# 4. $\log \pi(l)$ of a place that was drawn: the place counts as given, or the gradient cancels out.
# 5. The advantage is the reward minus the expected reward; it weighs, and carries no gradient.
# 6. A baseline that is learned needs a loss of its own.
# 7. Here the baseline was worth a few digits of a hundred; dividing the advantage by its spread nothing that the seeds could tell.
# 8. Compare with a scan, and with luck: a fixed sweep is a strong opponent on a small canvas, and on small cluttered canvases luck beat what was learned; on large ones, after longer training, it didn't.
# 9. Paths look purposeful. Count: the share of glimpses on the digit, beside that of the middle, and of looking anywhere.
# 10. Hard attention pays where computing everything is what one can't afford.
#
# ## References
#
# - V. Mnih, N. Heess, A. Graves, K. Kavukcuoglu, *Recurrent Models of Visual Attention*, NIPS 2014, arXiv:1406.6247. (First posted in June 2014; Bahdanau's paper in September.)
# - R. J. Williams, *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning*, Machine Learning 8, 1992.
# - J. Ba, V. Mnih, K. Kavukcuoglu, *Multiple Object Recognition with Visual Attention*, ICLR 2015, arXiv:1412.7755.
# - E. Alpaydin, C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository, 1998.
