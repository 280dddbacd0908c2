"""Known answers to lesson 16: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake
from lessonkit.models.attention import masked_softmax

# attention_block


def _parts(x, W_f, W_g, W_h):
    places = x.flatten(2).mT
    return places @ W_f.T, places @ W_g.T, places @ W_h.T


def _finish(x, weights, h, W_v, gamma):
    return x + gamma * (weights @ h @ W_v.T).mT.reshape(x.shape), weights


@mistake(
    "attention_block",
    "f and g have changed roles: g(x_j) asks and f(x_i) is asked, so row j of the scores is g_j · f_i, `g @ f.mT`.",
)
def roles_swapped(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(f @ g.mT, mask), h, W_v, gamma)


@mistake(
    "attention_block",
    "The scores are divided by √C̄, as in lesson 07. This block has no scale: take g · f as it is.",
)
def scaled(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT / math.sqrt(f.shape[-1]), mask), h, W_v, gamma)


@mistake(
    "attention_block",
    "The weights sum to 1 over those who ask. Each row is one place that asks: softmax over the last axis.",
)
def softmax_over_askers(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask, dim=1), h, W_v, gamma)


@mistake("attention_block", "The map itself is missing: the block *adds* γ o to x.")
def without_residual(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)
    return y - x, weights


@mistake("attention_block", "γ is missing: y = x + γ o.")
def without_gamma(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, 1.0)


@mistake("attention_block", "γ multiplies the map, too. Only o is weighed: x + γ o, not γ (x + o).")
def gamma_on_everything(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, 1.0)
    return gamma * y, weights


@mistake("attention_block", "The mask isn't used: places where it is False must get no weight.")
def mask_ignored(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, torch.softmax(g @ f.mT, dim=-1), h, W_v, gamma)


@mistake("attention_block", "The mask is upside down: True means that a place may be asked.")
def mask_inverted(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, ~mask), h, W_v, gamma)


@mistake(
    "attention_block",
    "The mask comes after the softmax, so the rows no longer sum to 1. Give it to `masked_softmax` with the scores.",
)
def mask_after_softmax(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, torch.softmax(g @ f.mT, dim=-1) * mask, h, W_v, gamma)


@mistake(
    "attention_block",
    "On the way in, a `reshape` to (B, N, C) mixes features and places: flatten to (B, C, N), then swap the axes.",
)
def reshaped_in(x, W_f, W_g, W_h, W_v, gamma, mask):
    places = x.reshape(x.shape[0], -1, x.shape[1])
    f, g, h = places @ W_f.T, places @ W_g.T, places @ W_h.T
    return _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)


@mistake(
    "attention_block",
    "On the way back, o is (B, N, C): swap its last two axes *before* you give it the shape of the map.",
)
def reshaped_out(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    weights = masked_softmax(g @ f.mT, mask)
    return x + gamma * (weights @ h @ W_v.T).reshape(x.shape), weights


@mistake("attention_block", "The places answer with their keys f. What a place tells is h(x_i).")
def keys_averaged(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, _ = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask), f, W_v, gamma)


@mistake(
    "attention_block",
    "The weights are turned: row j must be the place that asks, and its numbers must sum to 1.",
)
def weights_turned(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)
    return y, weights.mT


@mistake(
    "attention_block", "The mask is transposed: its row j says whom place j may ask, as the rows of the scores do."
)
def mask_transposed(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask.T), h, W_v, gamma)


@mistake("attention_block", "The map is weighed with 1 − γ. It stays whole: y = x + γ o.")
def map_weighed(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)
    return y - gamma * x, weights


@mistake(
    "attention_block",
    "The average is taken with the weights turned round: row j of `weights` averages for place j, `weights @ h`.",
)
def average_of_the_askers(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    weights = masked_softmax(g @ f.mT, mask)
    return _finish(x, weights.mT, h, W_v, gamma)[0], weights


@mistake(
    "attention_block",
    "Forbidden places get the score 0, which is a score like others. They must get no weight: `masked_softmax`.",
)
def masked_with_zero(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, torch.softmax((g @ f.mT).masked_fill(~mask, 0.0), dim=-1), h, W_v, gamma)


@mistake(
    "attention_block",
    "The scores are multiplied by the mask, so forbidden places score 0. They must get no weight: `masked_softmax`.",
)
def scores_times_mask_and_masked_after(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, torch.softmax(g @ f.mT * mask, dim=-1) * mask, h, W_v, gamma)


@mistake("attention_block", "Places are numbered column by column here. Row by row: `x.flatten(2)` does it.")
def numbered_by_columns(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x.mT, W_f, W_g, W_h)
    weights = masked_softmax(g @ f.mT, mask)
    return x + gamma * (weights @ h @ W_v.T).mT.reshape(x.shape), weights


@mistake(
    "attention_block", "The softmax runs over all pairs of places at once. Each row, one place that asks, sums to 1."
)
def softmax_over_all_pairs(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    scores = g @ f.mT
    weights = masked_softmax(scores.flatten(1), mask.flatten()).view_as(scores)
    return _finish(x, weights, h, W_v, gamma)


@mistake(
    "attention_block",
    "The places answer with x itself: W_h and W_v aren't used. What a place tells is h(x_i), and W_v brings it back.",
)
def places_answer_themselves(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, _ = _parts(x, W_f, W_g, W_h)
    weights = masked_softmax(g @ f.mT, mask)
    return x + gamma * (weights @ x.flatten(2).mT).mT.reshape(x.shape), weights


@mistake("attention_block", "The results are in another order: first the map y, then the weights.")
def weights_first(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)[::-1]


@mistake("attention_block", "y is still a list of places, (B, N, C). Make a map of it again: (B, C, H, W).")
def still_a_list(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)
    return y.flatten(2).mT, weights


@mistake("attention_block", "The places answer with what they ask, g. What a place tells is h(x_i).")
def queries_averaged(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, _ = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask), g, W_v, gamma)


@mistake("attention_block", "o is weighed by γ, but the residual path adds the map twice. y = x + γ o.")
def map_added_twice(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma)
    return y + x, weights


@mistake("attention_block", "γ weighs the map x here, and o counts in full. It is the other way round: y = x + γ o.")
def gamma_on_the_map(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    y, weights = _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, 1.0)
    return y - x + gamma * x, weights


@mistake(
    "attention_block", "γ goes through σ first, so it stays between 0 and 1. Take it as it is: it may be negative."
)
def gamma_through_sigmoid(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, torch.sigmoid(gamma))


@mistake("attention_block", "γ is multiplied in twice: once is what y = x + γ o asks for.")
def gamma_twice(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = _parts(x, W_f, W_g, W_h)
    return _finish(x, masked_softmax(g @ f.mT, mask), h, W_v, gamma**2)


@alternative("attention_block")
def with_convolutions(x, W_f, W_g, W_h, W_v, gamma, mask):
    f, g, h = (F.conv2d(x, W[:, :, None, None]).flatten(2) for W in (W_f, W_g, W_h))
    weights = masked_softmax(g.mT @ f, mask)
    o = (h @ weights.mT).unflatten(2, x.shape[2:])
    return x + gamma * F.conv2d(o, W_v[:, :, None, None]), weights


@alternative("attention_block")
def with_einsum(x, W_f, W_g, W_h, W_v, gamma, mask):
    places = x.flatten(2)
    f, g, h = (torch.einsum("nc,bcp->bpn", W, places) for W in (W_f, W_g, W_h))
    scores = torch.einsum("bjn,bin->bji", g, f).masked_fill(~mask, -torch.inf)
    weights = torch.softmax(scores, -1)
    return x + gamma * torch.einsum("cn,bjn->bcj", W_v, weights @ h).view_as(x), weights


@alternative("attention_block")
def one_picture_at_a_time(x, W_f, W_g, W_h, W_v, gamma, mask):
    ys, maps = [], []
    for picture in x:
        columns = picture.reshape(picture.shape[0], -1)
        scores = (W_g @ columns).T @ (W_f @ columns)
        weights = masked_softmax(scores, mask)
        ys.append(picture + gamma * (W_v @ (W_h @ columns) @ weights.T).reshape(picture.shape))
        maps.append(weights)
    return torch.stack(ys), torch.stack(maps)


@alternative("attention_block")
def as_columns(x, W_f, W_g, W_h, W_v, gamma, mask):
    columns = x.flatten(2)
    scores = (W_f @ columns).mT @ (W_g @ columns)  # [i, j]
    weights = masked_softmax(scores, mask.T, dim=1)
    return x + gamma * (W_v @ (W_h @ columns @ weights)).view_as(x), weights.mT


# mended_block


def _columns(x, W_f, W_g, W_h):
    columns = x.flatten(2)
    return W_f @ columns, W_g @ columns, W_h @ columns


@mistake(
    "mended_block",
    "That is the colleague's code as it was. Look at the sums of `weights`: those of place j, who asks, must be 1.",
)
def as_it_was(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=-1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake("mended_block", "You normalise over the pictures of the batch. i, who is asked, stands on axis 1.")
def over_the_batch(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=0)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake(
    "mended_block",
    "The weights are right, but turned to rows. Keep the convention: [i, j] is what j, who asks, takes from i.",
)
def turned_to_rows(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights.mT


@mistake(
    "mended_block",
    "The softmax is still over the askers, and the average is turned to fit it: now f asks. Mend the softmax.",
)
def average_turned(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=-1)
    return x + gamma * (W_v @ (h @ weights.mT)).reshape(x.shape), weights


@mistake("mended_block", "f and g are swapped in the scores. They were right: s_ij = f(x_i) · g(x_j), `f.mT @ g`.")
def scores_turned(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(g.mT @ f, dim=1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake(
    "mended_block",
    "You softmax over both axes at once: all N² weights sum to 1. Each place that asks shares out its own 1.",
)
def over_everything(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    scores = f.mT @ g
    weights = torch.softmax(scores.flatten(1), dim=1).view_as(scores)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake("mended_block", "You put a scale in, which wasn't the mistake: this block has none.")
def scale_added(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g / math.sqrt(f.shape[1]), dim=1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake("mended_block", "You took the map x away, which wasn't the mistake: y = x + γ o.")
def map_taken_away(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=1)
    return gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake("mended_block", "γ has gone. It wasn't the mistake: y = x + γ o.")
def gamma_taken_away(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=1)
    return x + (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake("mended_block", "The softmax over the askers is still there, and a second one comes after it. *Replace* it.")
def two_softmaxes(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(torch.softmax(f.mT @ g, dim=-1), dim=1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake(
    "mended_block",
    "y is the colleague's as it was: only the weights that you return are turned. Mend the softmax itself.",
)
def only_the_returned_turned(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=-1)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights.mT


@mistake(
    "mended_block",
    "The softmax is still over the askers, and o is turned before its reshape, which was right. Mend the softmax.",
)
def output_turned(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=-1)
    return x + gamma * (W_v @ (h @ weights)).mT.reshape(x.shape), weights


@mistake(
    "mended_block",
    "The softmax is mended, but o is turned before its reshape, which was right: o is (B, C, N) already.",
)
def output_turned_besides(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=1)
    return x + gamma * (W_v @ (h @ weights)).mT.reshape(x.shape), weights


@mistake(
    "mended_block", "The softmax is mended, but the average is turned: h's columns are places i, so `h @ weights`."
)
def average_turned_besides(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=1)
    return x + gamma * (W_v @ (h @ weights.mT)).reshape(x.shape), weights


@mistake("mended_block", "γ o is subtracted, which wasn't the mistake: y = x + γ o.")
def subtracted(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=1)
    return x - gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@mistake(
    "mended_block",
    "The softmax is mended, but now the places themselves are averaged. They answer with h, and W_v brings it back.",
)
def places_averaged(x, W_f, W_g, W_h, W_v, gamma):
    f, g, _ = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(f.mT @ g, dim=1)
    return x + gamma * (x.flatten(2) @ weights).reshape(x.shape), weights


@mistake(
    "mended_block",
    "You turned the scores, so that who asks stands in the rows, but `h @ weights` still takes columns for those who "
    "ask. The scores were right: leave them, and mend the softmax.",
)
def rows_averaged_as_columns(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = torch.softmax(g.mT @ f, dim=2)
    return x + gamma * (W_v @ (h @ weights)).reshape(x.shape), weights


@alternative("mended_block")
def with_minus_two(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = (f.mT @ g).softmax(-2)
    return x + gamma * (W_v @ h @ weights).view_as(x), weights


@alternative("mended_block")
def in_rows_and_back(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _parts(x, W_f, W_g, W_h)
    rows = torch.softmax(g @ f.mT, dim=-1)
    return x + gamma * (rows @ h @ W_v.T).mT.reshape(x.shape), rows.mT


@alternative("mended_block")
def exponentials_by_hand(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    scores = f.mT @ g
    powers = torch.exp(scores - scores.amax(1, keepdim=True))
    weights = powers / powers.sum(1, keepdim=True)
    return x + gamma * torch.einsum("cn,bni,bij->bcj", W_v, h, weights).reshape(x.shape), weights


@alternative("mended_block")
def with_a_mask_of_ones(x, W_f, W_g, W_h, W_v, gamma):
    f, g, h = _columns(x, W_f, W_g, W_h)
    weights = masked_softmax(f.mT @ g, torch.ones((), dtype=torch.bool), dim=1)
    return x + gamma * (W_v @ (h @ weights)).unflatten(2, x.shape[2:]), weights


# far_pairs


def _distances(asks, match, width):
    return (asks // width - match // width).abs(), (asks % width - match % width).abs()


def _shares(weights, asks, match, far):
    pictures = torch.arange(len(weights))
    rows = weights[pictures, asks]
    top = (rows.argmax(-1) == match).to(weights.dtype)
    return rows[pictures, match][far].mean().item(), top[far].mean().item()


@mistake(
    "far_pairs",
    "Distances are differences of cell numbers. But the next row begins a whole width further: take rows and columns.",
)
def numbers_as_places(weights, asks, match, width, least):
    return _shares(weights, asks, match, (asks - match).abs() >= least)


@mistake("far_pairs", "You add the way down and the way across. The *longer* of the two counts.")
def ways_added(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, down + across >= least)


@mistake("far_pairs", "You ask that *both* ways are long. The longer of them counts: take the maximum.")
def shorter_way(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, torch.minimum(down, across) >= least)


@mistake("far_pairs", "Pairs exactly `least` apart are left out: at least means ≥.")
def more_than_least(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, torch.maximum(down, across) > least)


@mistake("far_pairs", "The distance is not used: near pairs are counted, too.")
def all_pairs(weights, asks, match, width, least):
    return _shares(weights, asks, match, torch.ones_like(asks, dtype=torch.bool))


@mistake(
    "far_pairs",
    "The row of the *match* is read: what the match gives to the one who asks. Take row `asks`, column `match`.",
)
def from_the_match(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, match, asks, torch.maximum(down, across) >= least)


@mistake(
    "far_pairs",
    "You add up, and divide by all pictures. The mean is over those pictures whose pair is far enough apart.",
)
def mean_over_all(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    far = (torch.maximum(down, across) >= least).to(weights.dtype)
    pictures = torch.arange(len(weights))
    rows = weights[pictures, asks]
    top = (rows.argmax(-1) == match).to(weights.dtype)
    return (rows[pictures, match] * far).mean().item(), (top * far).mean().item()


@mistake("far_pairs", "Only signed distances: a match above or to the left counts as near. Take absolute values.")
def signed(weights, asks, match, width, least):
    down, across = asks // width - match // width, asks % width - match % width
    return _shares(weights, asks, match, torch.maximum(down, across) >= least)


@mistake("far_pairs", "The two results are in the wrong order: first the weight, then the share.")
def other_order(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, torch.maximum(down, across) >= least)[::-1]


def _far(asks, match, width, least):
    return torch.maximum(*_distances(asks, match, width)) >= least


def _with_top(weights, asks, match, width, least, top):
    far, pictures = _far(asks, match, width, least), torch.arange(len(weights))
    on_match = weights[pictures, asks, match]
    return on_match[far].mean().item(), top[far].to(weights.dtype).mean().item()


@mistake("far_pairs", "You measure the straight line. The *longer* of the ways down and across counts.")
def as_the_crow_flies(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    return _shares(weights, asks, match, (down**2 + across**2).double().sqrt() >= least)


@mistake("far_pairs", "Only the way down is used. The longer of the ways down and across counts.")
def down_alone(weights, asks, match, width, least):
    return _shares(weights, asks, match, _distances(asks, match, width)[0] >= least)


@mistake("far_pairs", "Only the way across is used. The longer of the ways down and across counts.")
def across_alone(weights, asks, match, width, least):
    return _shares(weights, asks, match, _distances(asks, match, width)[1] >= least)


@mistake("far_pairs", "The width is fixed at 6. Use the argument.")
def six_wide(weights, asks, match, width, least):
    return _shares(weights, asks, match, _far(asks, match, 6, least))


@mistake(
    "far_pairs", "You read a column: what all others give to the one who asks. Who asks is the first of the two axes."
)
def a_column_read(weights, asks, match, width, least):
    return _shares(weights.mT, asks, match, _far(asks, match, width, least))


@mistake("far_pairs", "Without any picture you return 0, as if it had been measured. Return NaN.")
def zero_of_nothing(weights, asks, match, width, least):
    far = _far(asks, match, width, least)
    return _shares(weights, asks, match, far) if far.any() else (0.0, 0.0)


@mistake("far_pairs", "The largest weight is looked for among all pairs of cells. Look in the row of the one who asks.")
def largest_of_all_pairs(weights, asks, match, width, least):
    top = weights.flatten(1).argmax(-1) % weights.shape[-1] == match
    return _with_top(weights, asks, match, width, least, top)


@mistake("far_pairs", "The second result is a count. A share is a mean: from 0 to 1.")
def counted(weights, asks, match, width, least):
    far = _far(asks, match, width, least)
    mass, share = _shares(weights, asks, match, far)
    return mass, share * far.sum().item() if far.any() else 0.0


@mistake("far_pairs", "You ask whether the match is among the two largest. Is it *the* largest?")
def among_two(weights, asks, match, width, least):
    rows = weights[torch.arange(len(weights)), asks]
    top = (rows.topk(2).indices == match.unsqueeze(1)).any(-1)
    return _with_top(weights, asks, match, width, least, top)


@mistake(
    "far_pairs",
    "The cell that asks is left out of the comparison. The match must have the largest weight of *all* cells.",
)
def without_itself(weights, asks, match, width, least):
    rows = weights[torch.arange(len(weights)), asks].scatter(1, asks.unsqueeze(1), 0.0)
    return _with_top(weights, asks, match, width, least, rows.argmax(-1) == match)


@mistake("far_pairs", "The largest weight itself is averaged. Asked for is the weight on the *match*.")
def largest_averaged(weights, asks, match, width, least):
    far, rows = _far(asks, match, width, least), weights[torch.arange(len(weights)), asks]
    return rows.amax(-1)[far].mean().item(), _shares(weights, asks, match, far)[1]


@mistake("far_pairs", "Near pairs are left out of the first result alone. The share counts far pairs only, too.")
def share_of_all(weights, asks, match, width, least):
    far = _far(asks, match, width, least)
    return _shares(weights, asks, match, far)[0], _shares(weights, asks, match, far | True)[1]


@mistake(
    "far_pairs",
    "Where no pair is far enough you divide by 0. Return NaN twice: `.mean()` of an empty tensor does it by itself.",
)
def divided_by_nothing(weights, asks, match, width, least):
    mass, top = [], []
    for row, j, i in zip(weights, asks.tolist(), match.tolist(), strict=True):
        if max(abs(j // width - i // width), abs(j % width - i % width)) >= least:
            mass.append(row[j, i].item())
            top.append(float(row[j].argmax().item() == i))
    return sum(mass) / len(mass), sum(top) / len(top)


@mistake("far_pairs", "You keep the pairs that are *near*: far means at least `least` cells apart.")
def near_pairs(weights, asks, match, width, least):
    return _shares(weights, asks, match, ~_far(asks, match, width, least))


@mistake(
    "far_pairs",
    "The weights of the far pairs are divided by the number of *all* pictures. It is their own mean: count far ones.",
)
def weight_over_all_pictures(weights, asks, match, width, least):
    far = _far(asks, match, width, least)
    mass, share = _shares(weights, asks, match, far)
    return (mass * far.sum().item() / len(far) if far.any() else 0.0), share


@mistake("far_pairs", "The way down keeps its sign: a match further down than who asks counts as near. Take `.abs()`.")
def down_signed(weights, asks, match, width, least):
    _, across = _distances(asks, match, width)
    return _shares(weights, asks, match, torch.maximum(asks // width - match // width, across) >= least)


@mistake("far_pairs", "The way across keeps its sign: a match to the right of who asks counts as near. Take `.abs()`.")
def across_signed(weights, asks, match, width, least):
    down, _ = _distances(asks, match, width)
    return _shares(weights, asks, match, torch.maximum(down, asks % width - match % width) >= least)


@mistake("far_pairs", "The column of one is taken off the *row* of the other. Columns are what `% width` leaves.")
def row_less_column(weights, asks, match, width, least):
    down, _ = _distances(asks, match, width)
    across = (asks // width - match % width).abs()
    return _shares(weights, asks, match, torch.maximum(down, across) >= least)


@alternative("far_pairs")
def with_a_loop(weights, asks, match, width, least):
    mass, top = [], []
    for row, j, i in zip(weights, asks.tolist(), match.tolist(), strict=True):
        if max(abs(j // width - i // width), abs(j % width - i % width)) >= least:
            mass.append(row[j, i].item())
            top.append(float(row[j].argmax().item() == i))
    return (sum(mass) / len(mass), sum(top) / len(top)) if mass else (math.nan, math.nan)


@alternative("far_pairs")
def with_gather_and_divmod(weights, asks, match, width, least):
    rows = weights.gather(1, asks.view(-1, 1, 1).expand(-1, 1, weights.shape[2])).squeeze(1)
    places = [torch.stack([cells.div(width, rounding_mode="floor"), cells.remainder(width)]) for cells in (asks, match)]
    far = (places[0] - places[1]).abs().amax(0) >= least
    on_match = rows.gather(1, match.unsqueeze(1)).squeeze(1)
    return float(on_match[far].mean()), float((rows.argmax(1) == match)[far].double().mean())


@alternative("far_pairs")
def far_first(weights, asks, match, width, least):
    down, across = _distances(asks, match, width)
    keep = ((down >= least) | (across >= least)).nonzero().squeeze(1)
    rows = weights[keep, asks[keep]]
    weight = rows[torch.arange(len(keep)), match[keep]]
    return weight.mean().item(), (rows.max(dim=-1).indices == match[keep]).float().mean().item()


# patchify


@mistake(
    "patchify",
    "A `reshape` alone cuts the picture into stripes, not squares: bring the two axes of a patch together first.",
)
def reshaped_only(pictures, P):
    return pictures.reshape(len(pictures), -1, pictures.shape[1] * P * P)


@mistake("patchify", "The pixels of a patch come by row, column, channel. The order asked for is channel, row, column.")
def channels_last(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P))
    return cut.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


@mistake("patchify", "The patches come column by column. Go row by row: left to right, then down.")
def column_by_column(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P))
    return cut.permute(0, 4, 2, 1, 3, 5).flatten(3).flatten(1, 2)


@mistake("patchify", "Rows and columns *inside* each patch are swapped.")
def patches_turned(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P))
    return cut.permute(0, 2, 4, 1, 5, 3).flatten(3).flatten(1, 2)


@mistake("patchify", "Words and pixels have changed places: (B, number of patches, pixels of a patch) is asked for.")
def words_last(pictures, P):
    return F.unfold(pictures, P, stride=P)


@mistake("patchify", "Your patches overlap: the next one begins where the last one ends, P pixels further.")
def overlapping(pictures, P):
    return F.unfold(pictures, P).mT


@mistake(
    "patchify",
    "You take pixels far apart: that is a coarse picture, not a patch. Split the rows into (patch, row in it).",
)
def combed(pictures, P):
    cut = pictures.unflatten(3, (P, -1)).unflatten(2, (P, -1))
    return cut.permute(0, 3, 5, 1, 2, 4).flatten(3).flatten(1, 2)


@mistake("patchify", "The channels are averaged away. A patch keeps them: c·P·P numbers.")
def grey(pictures, P):
    return F.unfold(pictures.mean(1, keepdim=True), P, stride=P).mT


@mistake("patchify", "Height and width are swapped in the split: axis 2 has H // P patches, axis 3 has W // P.")
def sizes_swapped(pictures, P):
    B, c, H, W = pictures.shape
    cut = pictures.reshape(B, c, W // P, P, H // P, P)
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


@mistake(
    "patchify",
    "The patches are cut rightly, but not made vectors: flatten (c, P, P), and the patches' rows and columns.",
)
def not_yet_vectors(pictures, P):
    return pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P)).permute(0, 2, 4, 1, 3, 5)


@mistake("patchify", "Each channel makes words of its own. A patch holds all its channels: c·P·P numbers.")
def a_word_for_each_channel(pictures, P):
    return pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P)).permute(0, 1, 2, 4, 3, 5).flatten(4).flatten(1, 3)


@mistake("patchify", "The pixels of each patch are averaged. Keep them all: c·P·P numbers.")
def patches_averaged(pictures, P):
    return F.avg_pool2d(pictures, P).flatten(2).mT


@mistake("patchify", "The patches begin one pixel apart: `y : y + P`. Patch y begins at row y · P.")
def one_pixel_apart(pictures, P):
    rows, columns = pictures.shape[2] // P, pictures.shape[3] // P
    cut = [pictures[:, :, y : y + P, x : x + P].flatten(1) for y in range(rows) for x in range(columns)]
    return torch.stack(cut, dim=1)


@mistake("patchify", "The list of patches becomes axis 0. The batch comes first: `torch.stack(..., dim=1)`.")
def batch_second(pictures, P):
    return F.unfold(pictures, P, stride=P).permute(2, 0, 1)


@mistake(
    "patchify",
    "All patches are joined to one long vector: `torch.stack(..., dim=1)` keeps them apart, `torch.cat` doesn't.",
)
def one_long_vector(pictures, P):
    return F.unfold(pictures, P, stride=P).mT.flatten(1)


@mistake(
    "patchify",
    "The rows of your patches lie H / P pixels apart: a patch is P neighbouring rows. Split into (patch, row in it).",
)
def rows_far_apart(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (P, -1)).transpose(2, 3)
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


@mistake(
    "patchify",
    "The two axes of a split are taken for each other: number of the patch, then place *in* it. Your words are the "
    "places, and hold one pixel of each patch.",
)
def places_for_patches(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P))
    return cut.permute(0, 3, 5, 1, 2, 4).flatten(3).flatten(1, 2)


@mistake("patchify", "Rows and channels are mixed up: within a picture the words come channel by channel.")
def words_by_channel(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P))
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(4).flatten(1, 3)


@mistake("patchify", "The rows of patches come from the bottom up. Begin at the top left.")
def from_the_bottom(pictures, P):
    cut = pictures.unflatten(3, (-1, P)).unflatten(2, (-1, P)).flip(2)
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


@mistake("patchify", "Your windows move on by one pixel, and the first ones are kept. Each patch begins P further.")
def first_windows_kept(pictures, P):
    return F.unfold(pictures, P).mT[:, : (pictures.shape[2] // P) * (pictures.shape[3] // P)]


@alternative("patchify")
def with_unfold(pictures, P):
    return F.unfold(pictures, kernel_size=P, stride=P).transpose(1, 2)


@alternative("patchify")
def as_the_loop(pictures, P):
    rows, columns = pictures.shape[2] // P, pictures.shape[3] // P
    cut = [
        pictures[:, :, y * P : (y + 1) * P, x * P : (x + 1) * P].flatten(1) for y in range(rows) for x in range(columns)
    ]
    return torch.stack(cut, dim=1)


@alternative("patchify")
def with_tensor_unfold(pictures, P):
    cut = pictures.unfold(2, P, P).unfold(3, P, P)  # (B, c, y, x, row, column)
    return cut.permute(0, 2, 3, 1, 4, 5).reshape(len(pictures), -1, pictures.shape[1] * P * P)


@alternative("patchify")
def with_chunks(pictures, P):
    rows = pictures.split(P, dim=2)
    return torch.stack([patch.reshape(len(pictures), -1) for row in rows for patch in row.split(P, dim=3)], dim=1)


# class_token_and_positions


@mistake(
    "class_token_and_positions", "The class token stands last. It comes first: place 0 is where the answer is read."
)
def token_last(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return torch.cat([patches + places, cls.expand(len(patches), 1, -1)], dim=1)


@mistake(
    "class_token_and_positions",
    "Rows and columns are swapped in the flattening: patches come row by row, so the *row* changes slowly.",
)
def places_by_column(patches, cls, rows, columns):
    places = (columns.unsqueeze(1) + rows).flatten(0, 1)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places], dim=1)


@mistake(
    "class_token_and_positions", "The vectors of the columns are missing: a patch gets its row's and its column's."
)
def rows_only(patches, cls, rows, columns):
    places = rows.repeat_interleave(len(columns), dim=0)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places], dim=1)


@mistake("class_token_and_positions", "The vectors of the rows are missing: a patch gets its row's and its column's.")
def columns_only(patches, cls, rows, columns):
    places = columns.repeat(len(rows), 1)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places], dim=1)


@mistake("class_token_and_positions", "The positions are missing: without them the patches are a bag.")
def without_positions(patches, cls, rows, columns):
    return torch.cat([cls.expand(len(patches), 1, -1), patches], dim=1)


@mistake("class_token_and_positions", "The class token is missing.")
def without_token(patches, cls, rows, columns):
    return patches + (rows.unsqueeze(1) + columns).flatten(0, 1)


@mistake("class_token_and_positions", "The class token gets a position, too. It lies nowhere: leave it as it is.")
def token_with_position(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return torch.cat([(cls + places[0]).expand(len(patches), 1, -1), patches + places], dim=1)


@mistake("class_token_and_positions", "Row and column are multiplied. Add them.")
def multiplied(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) * columns).flatten(0, 1)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places], dim=1)


@mistake("class_token_and_positions", "The class token is added to every patch. Put it in front, as a word of its own.")
def token_added(patches, cls, rows, columns):
    return patches + (rows.unsqueeze(1) + columns).flatten(0, 1) + cls


def _in_front(token, words):
    return torch.cat([token, words], dim=1)


@mistake("class_token_and_positions", "The patches are multiplied by their positions. Add them.")
def patches_multiplied(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return _in_front(cls.expand(len(patches), 1, -1), patches * places)


@mistake(
    "class_token_and_positions",
    "The class token stands in front, and is added to every patch besides. It is a word of its own only.",
)
def token_in_front_and_added(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return _in_front(cls.expand(len(patches), 1, -1), patches + places + cls)


@mistake(
    "class_token_and_positions",
    "Both vectors change slowly. Within a row the *column* changes from patch to patch: `columns.repeat(h, 1)`.",
)
def both_slow(patches, cls, rows, columns):
    places = rows.repeat_interleave(len(columns), 0) + columns.repeat_interleave(len(rows), 0)
    return _in_front(cls.expand(len(patches), 1, -1), patches + places)


@mistake(
    "class_token_and_positions",
    "Both vectors change from patch to patch. The *row* stays for w patches: `rows.repeat_interleave(w, 0)`.",
)
def both_fast(patches, cls, rows, columns):
    places = rows.repeat(len(columns), 1) + columns.repeat(len(rows), 1)
    return _in_front(cls.expand(len(patches), 1, -1), patches + places)


@mistake("class_token_and_positions", "Only the first picture gets the class token. All B do: `cls.expand(B, 1, -1)`.")
def token_in_the_first_picture(patches, cls, rows, columns):
    places, token = (rows.unsqueeze(1) + columns).flatten(0, 1), torch.zeros_like(patches[:, :1])
    token[0] = cls
    return _in_front(token, patches + places)


@mistake("class_token_and_positions", "Row and column are averaged. A patch gets their *sum*.")
def positions_averaged(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1) / 2
    return _in_front(cls.expand(len(patches), 1, -1), patches + places)


@mistake(
    "class_token_and_positions",
    "The class token takes the place of the first patch. Put it in front of all h·w of them.",
)
def first_patch_lost(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return _in_front(cls.expand(len(patches), 1, -1), (patches + places)[:, 1:])


@mistake(
    "class_token_and_positions",
    "The positions come before the words, as words of their own. They are *added* to the patches.",
)
def positions_as_words(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1).expand_as(patches)
    return torch.cat([cls.expand(len(patches), 1, -1), places, patches], dim=1)


@mistake("class_token_and_positions", "The class token is all zeros here: use `cls`.")
def token_of_zeros(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return _in_front(0 * cls.expand(len(patches), 1, -1), patches + places)


@mistake("class_token_and_positions", "The positions are subtracted. Add them to the patches.")
def positions_subtracted(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return _in_front(cls.expand(len(patches), 1, -1), patches - places)


@mistake("class_token_and_positions", "The positions are added twice.")
def positions_twice(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return _in_front(cls.expand(len(patches), 1, -1), patches + 2 * places)


@mistake(
    "class_token_and_positions",
    "The positions have gone to the class token, and the patches have none. It is the other way round.",
)
def positions_for_the_token(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return _in_front((cls + places.mean(0)).expand(len(patches), 1, -1), patches)


@mistake(
    "class_token_and_positions",
    "`torch.cat` joins along axis 0, the batch, if you name no other. The words of a picture lie along axis 1.",
)
def joined_along_the_batch(patches, cls, rows, columns):
    places = (rows.unsqueeze(1) + columns).flatten(0, 1)
    return torch.cat([cls.expand(len(patches), 1, -1), patches + places])


@alternative("class_token_and_positions")
def with_repeats(patches, cls, rows, columns):
    places = rows.repeat_interleave(len(columns), dim=0) + columns.repeat(len(rows), 1)
    return torch.cat([cls.repeat(len(patches), 1, 1), patches + places], dim=1)


@alternative("class_token_and_positions")
def on_the_grid(patches, cls, rows, columns):
    grid = patches.unflatten(1, (len(rows), len(columns))) + rows[:, None] + columns[None]
    return torch.cat([cls.view(1, 1, -1).expand(len(patches), -1, -1), grid.flatten(1, 2)], dim=1)


@alternative("class_token_and_positions")
def place_by_place(patches, cls, rows, columns):
    words = [cls.expand(len(patches), -1)]
    for i in range(patches.shape[1]):
        words.append(patches[:, i] + rows[i // len(columns)] + columns[i % len(columns)])
    return torch.stack(words, dim=1)


@alternative("class_token_and_positions")
def with_indices(patches, cls, rows, columns):
    places = torch.cartesian_prod(torch.arange(len(rows)), torch.arange(len(columns)))
    words = patches + rows[places[:, 0]] + columns[places[:, 1]]
    return torch.cat((torch.stack([cls] * len(patches)).unsqueeze(1), words), 1)


# attention_rollout


def _half(weights):
    return (weights.mean(2) + torch.eye(weights.shape[-1])) / 2


@mistake(
    "attention_rollout",
    "The layers are multiplied in the wrong order: the last layer stands on the *left*, the first one on the right.",
)
def first_layer_left(weights):
    layers = _half(weights)
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = rolled @ layer
    return rolled


@mistake(
    "attention_rollout", "The residual path is missing: half of a word's new vector is the word itself, ½ A + ½ I."
)
def without_identity(weights):
    rolled = weights.mean(2)[0]
    for layer in weights.mean(2)[1:]:
        rolled = layer @ rolled
    return rolled


@mistake("attention_rollout", "The rows sum to more than 1: halve the sum of A and I.")
def not_halved(weights):
    layers = weights.mean(2) + torch.eye(weights.shape[-1])
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = layer @ rolled
    return rolled


@mistake("attention_rollout", "That is the last layer alone. Roll out: multiply it with all layers before it.")
def last_layer_only(weights):
    return _half(weights)[-1]


@mistake("attention_rollout", "The layers are averaged. They follow one another: multiply them.")
def layers_averaged(weights):
    return _half(weights).mean(0)


@mistake("attention_rollout", "The layers are multiplied number by number. Take matrix products, `@`.")
def number_by_number(weights):
    return _half(weights).prod(0)


@mistake("attention_rollout", "Only the first head is followed. Take the mean over the heads.")
def first_head(weights):
    layers = (weights[:, :, 0] + torch.eye(weights.shape[-1])) / 2
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = layer @ rolled
    return rolled


@mistake("attention_rollout", "The heads are added up, not averaged, so the rows sum to more than 1.")
def heads_added(weights):
    layers = (weights.sum(2) + torch.eye(weights.shape[-1])) / 2
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = layer @ rolled
    return rolled


@mistake(
    "attention_rollout", "The first layer is counted twice: start from it and go on with the second, or start from I."
)
def first_layer_twice(weights):
    layers = _half(weights)
    rolled = layers[0]
    for layer in layers:
        rolled = layer @ rolled
    return rolled


def _roll(layers):
    rolled = layers[0]
    for layer in layers[1:]:
        rolled = layer @ rolled
    return rolled


@mistake("attention_rollout", "You take the largest weight of the heads. Take their mean.")
def largest_head(weights):
    return _roll((weights.amax(2) + torch.eye(weights.shape[-1])) / 2)


@mistake("attention_rollout", "The last layer is left out.")
def last_layer_left_out(weights):
    return _roll(_half(weights)[:-1]) if len(weights) > 1 else _half(weights)[0]


@mistake("attention_rollout", "The first layer is left out: index 0 counts, too.")
def first_layer_left_out(weights):
    return _roll(_half(weights)[1:]) if len(weights) > 1 else _half(weights)[0]


@mistake("attention_rollout", "The result is transposed: row t is *output* t, and sums to 1 over the inputs.")
def result_transposed(weights):
    return _roll(_half(weights)).mT


@mistake(
    "attention_rollout",
    "You add a matrix full of ones. A word is itself, not all others: the identity, `torch.eye(T)`.",
)
def ones_for_identity(weights):
    return _roll((weights.mean(2) + torch.ones(weights.shape[-2:])) / 2)


@mistake("attention_rollout", "Only A is halved, the identity isn't: ½ A + ½ I.")
def identity_not_halved(weights):
    return _roll(weights.mean(2) / 2 + torch.eye(weights.shape[-1]))


@mistake("attention_rollout", "Only the identity is halved, A isn't: ½ A + ½ I.")
def maps_not_halved(weights):
    return _roll(weights.mean(2) + torch.eye(weights.shape[-1]) / 2)


@mistake(
    "attention_rollout",
    "The result is divided by the sums of its columns. Its *rows* sum to 1, and do so by themselves.",
)
def columns_normalised(weights):
    rolled = _roll(_half(weights))
    return rolled / rolled.sum(1, keepdim=True)


@mistake(
    "attention_rollout",
    "You average the layers and take a power of that. Each layer has its own map: multiply them one by one.",
)
def power_of_the_mean(weights):
    return torch.linalg.matrix_power(_half(weights).mean(0), len(weights))


@mistake(
    "attention_rollout",
    "Each head is rolled out by itself, and averaged at the end. A^(l) is the mean over the heads: average first.",
)
def heads_rolled_alone(weights):
    return _roll((weights + torch.eye(weights.shape[-1])) / 2).mean(1)


@mistake(
    "attention_rollout",
    "The mean runs over the examples. Heads are axis 2: [layer, example, head, who asks, who is asked].",
)
def examples_averaged(weights):
    return _roll((weights.mean(1) + torch.eye(weights.shape[-1])) / 2)


@mistake(
    "attention_rollout",
    "The identity is added once, at the end. Each layer has its own residual path: ½ A + ½ I in each.",
)
def identity_at_the_end(weights):
    return (_roll(weights.mean(2)) + torch.eye(weights.shape[-1])) / 2


@mistake(
    "attention_rollout",
    "You start from the identity, and go on with the *second* layer: the first one is left out.",
)
def from_the_identity_without_the_first(weights):
    rolled = torch.eye(weights.shape[-1]).expand(weights.shape[1], -1, -1)
    for layer in _half(weights)[1:]:
        rolled = layer @ rolled
    return rolled


@mistake("attention_rollout", "The map counts for 0.9 and the word itself for 0.1. Each counts for one half.")
def a_tenth_for_itself(weights):
    return _roll(0.9 * weights.mean(2) + 0.1 * torch.eye(weights.shape[-1]))


@alternative("attention_rollout")
def from_the_identity(weights):
    rolled = torch.eye(weights.shape[-1]).expand(weights.shape[1], -1, -1)
    for layer in weights:
        rolled = (0.5 * layer.mean(1) + 0.5 * torch.eye(weights.shape[-1])) @ rolled
    return rolled


@alternative("attention_rollout")
def with_multi_dot(weights):
    layers = _half(weights).flip(0)
    if len(layers) == 1:
        return layers[0]
    return torch.stack([torch.linalg.multi_dot(list(layers[:, b])) for b in range(weights.shape[1])])


@alternative("attention_rollout")
def residual_written_out(weights):
    rolled = torch.eye(weights.shape[-1]).repeat(weights.shape[1], 1, 1)
    for layer in weights.mean(dim=2):
        rolled = 0.5 * rolled + 0.5 * (layer @ rolled)
    return rolled


@alternative("attention_rollout")
def with_einsum_of_layers(weights):
    rolled = None
    for layer in _half(weights):
        rolled = layer if rolled is None else torch.einsum("bij,bjk->bik", layer, rolled)
    return rolled


for way in (
    "asks // width - match // width -> match // width - asks // width",
    "asks % width - match % width -> match % width - asks % width",
):
    equivalent("far_pairs", way, "The absolute value follows.")
equivalent("attention_rollout", "1 -> 2", "`shape[-2]` for `shape[-1]`: the maps are square.")
