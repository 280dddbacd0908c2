"""Known answers to lesson 05: wrong ones with the sentence that helps, and right ones written otherwise."""

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# regions


@mistake(
    "regions",
    "`reshape` (or `view`) to (B, L, D) cuts the numbers up anew, and mixes features with places. Flatten the two axes "
    "of the places first, then swap axes.",
)
def reshaped(features):
    B, D, H, W = features.shape
    return features.reshape(B, H * W, D)


@mistake("regions", "This is (B, D, L): a list of feature maps. Swap the last two axes, so that each row is a region.")
def not_transposed(features):
    return features.flatten(2)


@mistake(
    "regions",
    "Your regions run down the columns of the picture. Region 1 lies to the *right* of region 0: row by row.",
)
def column_by_column(features):
    return features.transpose(2, 3).flatten(2).transpose(1, 2)


@mistake("regions", "These are the rows of the map, averaged: every *place* is a region, so there are H·W of them.")
def rows_averaged(features):
    return features.mean(3).transpose(1, 2)


@mistake("regions", "The places are still two axes. Join them: (B, H, W, D) becomes (B, H·W, D).")
def not_flattened(features):
    return features.permute(0, 2, 3, 1)


@mistake("regions", "The batch has moved: region lists come first by picture, (B, L, D), not (L, B, D).")
def regions_first(features):
    return features.flatten(2).permute(2, 0, 1)


@mistake("regions", "The order is turned around: region 0 is the top left place, and the last the bottom right.")
def backwards(features):
    return features.flatten(2).transpose(1, 2).flip(1)


@mistake("regions", "This averages over the whole picture: one vector, as in lesson 02. Keep every place.")
def averaged_away(features):
    return features.mean((2, 3)).unsqueeze(1)


@mistake("regions", "The rows of the map come from below. Region 0 is the top left place: flip nothing.")
def rows_from_below(features):
    return features.flip(2).flatten(2).transpose(1, 2)


@mistake("regions", "The features of each place are averaged. A region keeps all its D numbers: (B, H·W, D).")
def features_averaged(features):
    return features.mean(1).flatten(1)


@mistake("regions", "Features and places are one long vector for each picture. Keep them apart: (B, H·W, D).")
def one_long_vector(features):
    return features.flatten(1)


@mistake("regions", "The regions of all pictures stand in one list. Each picture keeps its own: (B, H·W, D).")
def pictures_in_one_list(features):
    return features.permute(0, 2, 3, 1).flatten(0, 2)


@alternative("regions")
def permute_and_reshape(features):
    B, D, H, W = features.shape
    return features.permute(0, 2, 3, 1).reshape(B, H * W, D)


@alternative("regions")
def place_by_place(features):
    _, _, H, W = features.shape
    return torch.stack([features[:, :, y, x] for y in range(H) for x in range(W)], dim=1)


@alternative("regions")
def as_the_loop_says(features):
    B, D, H, W = features.shape
    a = torch.zeros(B, H * W, D)
    for b in range(B):
        for y in range(H):
            for x in range(W):
                a[b, y * W + x] = features[b, :, y, x]
    return a


@mistake("regions", "The values are right, but numpy (or `.detach()`) cuts the gradient: the eyes could not learn.")
def numpy_moveaxis(features):
    moved = np.moveaxis(features.detach().numpy(), 1, -1)
    return torch.from_numpy(moved.reshape(len(moved), -1, moved.shape[-1])).requires_grad_()


@mistake("regions", "Region y · W + x: a row has W places, so y is multiplied by the *width* W, not by H.")
def multiplied_by_the_height(features):
    B, D, H, W = features.shape
    a = torch.zeros(B, H * W, D)
    for y in range(H):
        for x in range(W):
            a[:, y * H + x] = features[:, :, y, x]
    return a


@alternative("regions")
def moved_axis(features):
    return torch.movedim(features, 1, -1).flatten(1, 2)


@alternative("regions")
def unfolded(features):
    return F.unfold(features, 1).mT


# initial_state


# region_weights


def _scores(a, h, W_a, W_h, v):
    return torch.tanh(a @ W_a.T + (h @ W_h.T).unsqueeze(1)) @ v


# soft_context


def _gate(h, w, b):
    return torch.sigmoid(h @ w + b)


@mistake(
    "soft_context", "The gate has no effect: it is missing, or divided away again. Multiply the average by σ(w·h + b)."
)
def no_gate(weights, a, h, w, b):
    return (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The gate is turned around: it is σ(…), not 1 − σ(…). Open means: the picture counts.")
def gate_inverted(weights, a, h, w, b):
    return (1 - _gate(h, w, b)).unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The gate uses tanh, which can be negative. Use sigmoid: a number between 0 and 1.")
def tanh_gate(weights, a, h, w, b):
    return torch.tanh(h @ w + b).unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The gate has no sigmoid, so it isn't between 0 and 1.")
def raw_gate(weights, a, h, w, b):
    return (h @ w + b).unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The gate's bias is missing: σ(w·h + b).")
def gate_without_bias(weights, a, h, w, b):
    return torch.sigmoid(h @ w).unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The gate is *added*. It scales: multiply the average by it.")
def gate_added(weights, a, h, w, b):
    return _gate(h, w, b).unsqueeze(1) + (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The context is the plain mean of the regions: the weights are not used.")
def plain_mean(weights, a, h, w, b):
    return _gate(h, w, b).unsqueeze(1) * a.mean(1)


@mistake(
    "soft_context", "You take the one region with the largest weight: that is hard attention, two exercises further on."
)
def largest_only(weights, a, h, w, b):
    return _gate(h, w, b).unsqueeze(1) * a[torch.arange(len(a)), weights.argmax(1)]


@mistake(
    "soft_context", "The weighted regions are averaged once more: add them up, since the weights sum to 1 already."
)
def mean_of_weighted(weights, a, h, w, b):
    return _gate(h, w, b).unsqueeze(1) * (weights.unsqueeze(-1) * a).mean(1)


@mistake("soft_context", "The weighted regions are not added up: sum over them, dim=1.")
def not_summed(weights, a, h, w, b):
    return _gate(h, w, b)[:, None, None] * (weights.unsqueeze(-1) * a)


@mistake(
    "soft_context",
    "(B,) times (B, D) lines the gate up with the features. Give it an axis of length 1: gate.unsqueeze(1).",
)
def gate_on_features(weights, a, h, w, b):
    return _gate(h, w, b) * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "One gate for the whole batch: each picture's state decides for itself. Don't average it.")
def gate_of_the_batch(weights, a, h, w, b):
    return _gate(h, w, b).mean() * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The bias is added after the sigmoid. It belongs inside: σ(w·h + b).")
def bias_after_the_sigmoid(weights, a, h, w, b):
    return (torch.sigmoid(h @ w) + b).unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The weights went through a softmax already. A second one makes them nearly equal.")
def softmax_twice(weights, a, h, w, b):
    return _gate(h, w, b).unsqueeze(1) * (weights.softmax(-1).unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The weights are cut off (`.detach()`, numpy): no gradient tells the scores where to look.")
def weights_detached(weights, a, h, w, b):
    return _gate(h, w, b).unsqueeze(1) * (weights.detach().unsqueeze(1) @ a).squeeze(1)


@mistake("soft_context", "The gates of the batch share out 1: that is softmax. Each picture has a gate of its own, σ.")
def softmax_gate(weights, a, h, w, b):
    return torch.softmax(h @ w + b, dim=0).unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake(
    "soft_context",
    "You sum over the features, and are left with one number for each region. Sum over the regions: (B, D).",
)
def summed_over_features(weights, a, h, w, b):
    return _gate(h, w, b).unsqueeze(1) * (weights.unsqueeze(-1) * a).sum(-1)


@mistake(
    "soft_context",
    "The average still has an axis of length 1 when the gate meets it, so each picture meets all gates: `.squeeze(1)`.",
)
def not_squeezed(weights, a, h, w, b):
    return _gate(h, w, b).unsqueeze(1) * (weights.unsqueeze(1) @ a)


@mistake("soft_context", "The gate is cut off (`.detach()`, numpy): no gradient tells it when to open.")
def gate_detached(weights, a, h, w, b):
    return _gate(h, w, b).detach().unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake(
    "soft_context",
    "The gate is multiplied twice. β stands once before the average.",
)
def gate_twice(weights, a, h, w, b):
    gate = torch.sigmoid(h @ w + b).unsqueeze(1)
    return gate * gate * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake(
    "soft_context",
    "b is added once for each feature of h. It is added once: w·h + b.",
)
def b_once_a_feature(weights, a, h, w, b):
    gate = torch.sigmoid((h * w + b).sum(-1)).unsqueeze(1)
    return gate * (weights.unsqueeze(1) @ a).squeeze(1)


@mistake(
    "soft_context",
    "What the gate keeps out is filled with the mean of the regions. ẑ is β times the average, and nothing more.",
)
def mean_beside_the_gate(weights, a, h, w, b):
    gate = torch.sigmoid(h @ w + b).unsqueeze(1)
    return gate * (weights.unsqueeze(1) @ a).squeeze(1) + (1 - gate) * a.mean(1)


@mistake(
    "soft_context",
    "b is subtracted. It is added: σ(w·h + b).",
)
def b_subtracted(weights, a, h, w, b):
    gate = torch.sigmoid(h @ w - b).unsqueeze(1)
    return gate * (weights.unsqueeze(1) @ a).squeeze(1)


@alternative("soft_context")
def gated_weights(weights, a, h, w, b):
    return torch.einsum("b,bl,bld->bd", torch.sigmoid(h @ w + b), weights, a)


@alternative("soft_context")
def gate_by_linear(weights, a, h, w, b):
    gate = F.linear(h, w[None], b).sigmoid()
    return (gate[:, :, None] * weights[:, :, None] * a).sum(1)


@alternative("soft_context")
def gate_as_a_fraction(weights, a, h, w, b):
    gate = 1 / (1 + torch.exp(-(h * w).sum(1, keepdim=True) - b))
    return gate * torch.bmm(a.mT, weights.unsqueeze(2)).squeeze(2)


@alternative("soft_context")
def gate_picture_by_picture(weights, a, h, w, b):
    return torch.stack([torch.sigmoid(w @ h[i] + b) * (weights[i] @ a[i]) for i in range(len(a))])


# doubly_stochastic_penalty


@mistake(
    "doubly_stochastic_penalty",
    "You sum over the regions. There the weights sum to 1 by softmax, and nothing is learned; sum over the words.",
)
def summed_over_regions(weights, mask):
    return (((1 - weights.sum(2)) ** 2) * mask).sum(1).mean()


@mistake("doubly_stochastic_penalty", "The mask is not used: words that are padding look at the picture, too.")
def padding_counts(weights, mask):
    return ((1 - weights.sum(1)) ** 2).sum(1).mean()


@mistake("doubly_stochastic_penalty", "The mask is inverted: True is a word, and words must count.")
def only_padding_counts(weights, mask):
    return ((1 - (weights * ~mask.unsqueeze(-1)).sum(1)) ** 2).sum(1).mean()


@mistake("doubly_stochastic_penalty", "The square is missing: too much and too little cancel out.")
def not_squared(weights, mask):
    return (1 - (weights * mask.unsqueeze(-1)).sum(1)).sum(1).mean()


@mistake("doubly_stochastic_penalty", "This is the absolute distance from 1. The penalty squares it.")
def absolute(weights, mask):
    return (1 - (weights * mask.unsqueeze(-1)).sum(1)).abs().sum(1).mean()


@mistake("doubly_stochastic_penalty", "You average over the regions: the equation sums over them.")
def mean_over_regions(weights, mask):
    return ((1 - (weights * mask.unsqueeze(-1)).sum(1)) ** 2).mean()


@mistake("doubly_stochastic_penalty", "You sum over the batch: take the mean, or a larger batch is punished more.")
def sum_over_batch(weights, mask):
    return ((1 - (weights * mask.unsqueeze(-1)).sum(1)) ** 2).sum()


@mistake(
    "doubly_stochastic_penalty",
    "You square the sum over all regions. Each region's distance is squared on its own, and then added up.",
)
def squared_too_late(weights, mask):
    return ((1 - (weights * mask.unsqueeze(-1)).sum(1)).sum(1) ** 2).mean()


@mistake(
    "doubly_stochastic_penalty",
    "You average the weights over the words. The coverage is their *sum*: a region may be looked at once a sentence.",
)
def mean_over_words(weights, mask):
    coverage = (weights * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    return ((1 - coverage) ** 2).sum(1).mean()


@mistake(
    "doubly_stochastic_penalty",
    "You sum over the regions, and padding adds 1 a place. The coverage of a *region* is a sum over the words: dim=1.",
)
def summed_over_regions_with_padding(weights, mask):
    return ((1 - (weights * mask.unsqueeze(-1)).sum(2)) ** 2).sum(1).mean()


@mistake(
    "doubly_stochastic_penalty",
    "`.mean(dim=1)` divides the coverage by the number of words. It is their *sum*.",
)
def mean_over_places(weights, mask):
    return ((1 - (weights * mask.unsqueeze(-1)).mean(1)) ** 2).sum(1).mean()


@mistake(
    "doubly_stochastic_penalty",
    "Each weight is compared with 1 by itself. First sum a region's weights over the words, then compare.",
)
def each_weight(weights, mask):
    return (((1 - weights) ** 2) * mask.unsqueeze(-1)).sum((1, 2)).mean()


@mistake("doubly_stochastic_penalty", "One penalty a picture is left: take the mean over the batch.")
def one_a_picture(weights, mask):
    return ((1 - (weights * mask.unsqueeze(-1)).sum(1)) ** 2).sum(1)


@mistake(
    "doubly_stochastic_penalty",
    "The padding gets −∞, which is for scores before a softmax. These are weights: set them to 0.",
)
def filled_with_minus_infinity(weights, mask):
    coverage = weights.masked_fill(~mask.unsqueeze(-1), -torch.inf).sum(1)
    return ((1 - coverage) ** 2).sum(1).mean()


@mistake("doubly_stochastic_penalty", "Coverage is compared with 1/L. Over all words each region should get 1.")
def compared_with_one_over_regions(weights, mask):
    coverage = (weights * mask.unsqueeze(-1)).sum(1)
    return ((1 / weights.shape[-1] - coverage) ** 2).sum(1).mean()


@mistake("doubly_stochastic_penalty", "Coverage is compared with its mean, words / L. The equation asks for 1.")
def compared_with_the_mean(weights, mask):
    coverage = (weights * mask.unsqueeze(-1)).sum(1)
    return ((coverage.mean(1, keepdim=True) - coverage) ** 2).sum(1).mean()


@mistake("doubly_stochastic_penalty", "That is the distance. The penalty is its square: no root.")
def root_taken(weights, mask):
    coverage = (weights * mask.unsqueeze(-1)).sum(1)
    return (1 - coverage).norm(dim=1).mean()


@mistake("doubly_stochastic_penalty", "The weights are detached: a penalty without a gradient teaches nothing.")
def weights_cut_off(weights, mask):
    coverage = (weights.detach() * mask.unsqueeze(-1)).sum(1)
    return ((1 - coverage) ** 2).sum(1).mean()


@mistake(
    "doubly_stochastic_penalty",
    "The coverage is averaged over the batch before it is compared with 1. Each picture has a penalty; "
    "their mean comes last.",
)
def pictures_averaged_first(weights, mask):
    coverage = (weights * mask.unsqueeze(-1)).sum(1)
    return ((1 - coverage.mean(0)) ** 2).sum()


@mistake(
    "doubly_stochastic_penalty",
    "You square the coverage, not its distance from 1: (1 − Σ α)².",
)
def coverage_squared(weights, mask):
    coverage = (weights * mask.unsqueeze(-1)).sum(1)
    return (1 - coverage**2).sum(1).mean()


@mistake(
    "doubly_stochastic_penalty",
    "Regions that get more than 1 cost nothing in yours. Too much counts as too little does: no clamp.",
)
def only_too_little(weights, mask):
    coverage = (weights * mask.unsqueeze(-1)).sum(1)
    return ((1 - coverage).clamp(min=0) ** 2).sum(1).mean()


@mistake(
    "doubly_stochastic_penalty",
    "The weights are squared before they are added up. The coverage is their sum; its distance from 1 is squared.",
)
def weights_squared_first(weights, mask):
    coverage = (weights**2 * mask.unsqueeze(-1)).sum(1)
    return ((1 - coverage) ** 2).sum(1).mean()


@mistake(
    "doubly_stochastic_penalty",
    "The penalty is halved. There is no ½ in it.",
)
def half_the_penalty(weights, mask):
    coverage = (weights * mask.unsqueeze(-1)).sum(1)
    return ((1 - coverage) ** 2).sum(1).mean() / 2


@alternative("doubly_stochastic_penalty")
def filled_with_zero(weights, mask):
    coverage = weights.masked_fill(~mask[..., None], 0.0).sum(1)
    return (coverage - 1).pow(2).sum() / len(weights)


@alternative("doubly_stochastic_penalty")
def coverage_by_matrix(weights, mask):
    coverage = (mask.to(weights.dtype).unsqueeze(1) @ weights).squeeze(1)
    return F.mse_loss(coverage, torch.ones_like(coverage)) * weights.shape[2]


@alternative("doubly_stochastic_penalty")
def multiplied_out(weights, mask):
    coverage = torch.einsum("btl,bt->bl", weights, mask.to(weights.dtype))
    return (coverage.shape[1] - 2 * coverage.sum(1) + (coverage**2).sum(1)).mean()


@alternative("doubly_stochastic_penalty")
def sentence_by_sentence(weights, mask):
    total = 0.0
    for rows, words in zip(weights, mask, strict=True):
        for i in range(rows.shape[1]):
            total = total + (1 - rows[words, i].sum()) ** 2
    return total / len(weights)


# hard_context


def _at(weights, a, choice):
    rows = torch.arange(len(a))
    return a[rows, choice], weights[rows, choice].log()


def _count(weights, u):
    return (weights.cumsum(-1) <= u.unsqueeze(-1)).sum(-1)


@mistake("hard_context", "You take the region with the largest weight every time. Choose by chance: use u.")
def always_the_largest(weights, a, u):
    return _at(weights, a, weights.argmax(-1))


@mistake("hard_context", "This is the weighted average: soft attention. Choose one region, and return it as it is.")
def soft_instead(weights, a, u):
    _, log_chance = _at(weights, a, _count(weights, u).clamp(max=a.shape[1] - 1))
    return (weights.unsqueeze(1) @ a).squeeze(1), log_chance


@mistake("hard_context", "The second result is α_s itself. Return its logarithm.")
def chance_without_log(weights, a, u):
    context, log_chance = _at(weights, a, _count(weights, u).clamp(max=a.shape[1] - 1))
    return context, log_chance.exp()


@mistake("hard_context", "The chosen region is multiplied by its weight. Hard attention takes the region as it is.")
def scaled_region(weights, a, u):
    context, log_chance = _at(weights, a, _count(weights, u).clamp(max=a.shape[1] - 1))
    return context * log_chance.exp().unsqueeze(-1), log_chance


@mistake(
    "hard_context",
    "Here u decides without the weights: each region has the same chance. Compare u with the *running sums* of the "
    "weights.",
)
def uniform_choice(weights, a, u):
    return _at(weights, a, (u * a.shape[1]).long())


@mistake(
    "hard_context",
    "u is compared with the weights themselves. Compare it with their running sums, weights.cumsum(-1).",
)
def no_running_sum(weights, a, u):
    return _at(weights, a, (weights <= u.unsqueeze(-1)).sum(-1).clamp(max=a.shape[1] - 1))


@mistake("hard_context", "The running sum goes over the batch. It must go over the regions of each picture: dim=-1.")
def sums_over_the_batch(weights, a, u):
    return _at(weights, a, (weights.cumsum(0) <= u.unsqueeze(-1)).sum(-1).clamp(max=a.shape[1] - 1))


@mistake("hard_context", "One region too far: count the pieces that end at or before u; that count is the choice.")
def one_too_far(weights, a, u):
    return _at(weights, a, (_count(weights, u) + 1).clamp(max=a.shape[1] - 1))


@mistake("hard_context", "You count the pieces that end *after* u: these are the regions that come later.")
def counted_from_behind(weights, a, u):
    return _at(weights, a, (weights.cumsum(-1) > u.unsqueeze(-1)).sum(-1).clamp(max=a.shape[1] - 1))


@mistake(
    "hard_context",
    "At the edge: if a piece ends exactly at u, then u belongs to the next. With `<` a region of weight 0 can be "
    "chosen; use `<=` (or right=True).",
)
def edge_to_the_left(weights, a, u):
    return _at(weights, a, (weights.cumsum(-1) < u.unsqueeze(-1)).sum(-1).clamp(max=a.shape[1] - 1))


@mistake(
    "hard_context",
    "Rounding may leave the sum of the weights a hair below u. Then your index runs past the end: clamp it to L − 1.",
)
def not_clamped(weights, a, u):
    return _at(weights, a, _count(weights, u))


@mistake("hard_context", "One region too early: the count of the pieces that end before u *is* the index.")
def one_too_early(weights, a, u):
    return _at(weights, a, (_count(weights, u) - 1).clamp(min=0))


@mistake(
    "hard_context",
    "Where the sum of the weights stays below u, no piece lies beyond it, and you take the first region (`argmax` of "
    "nothing is 0, and so is `% L`). Take the last one.",
)
def argmax_of_nothing(weights, a, u):
    return _at(weights, a, (weights.cumsum(-1) > u.unsqueeze(-1)).long().argmax(-1))


@mistake("hard_context", "You draw your own random number. The choice is given: u, so that everybody gets the same.")
def drawn_anew(weights, a, u):
    return _at(weights, a, torch.multinomial(weights, 1).squeeze(1))


@mistake(
    "hard_context", "log p(s) is detached: no gradient reaches the weights, and the model can't learn where to look."
)
def detached_chance(weights, a, u):
    context, log_chance = _at(weights, a, _count(weights, u).clamp(max=a.shape[1] - 1))
    return context, log_chance.detach()


@mistake("hard_context", "This is Σ α log α over all regions. Return the logarithm of the *chosen* region's weight.")
def entropy_instead(weights, a, u):
    context, _ = _at(weights, a, _count(weights, u).clamp(max=a.shape[1] - 1))
    return context, torch.xlogy(weights, weights).sum(-1)


@mistake("hard_context", "The results are in another order: first the context, then log p(s).")
def other_order(weights, a, u):
    context, log_chance = _at(weights, a, _count(weights, u).clamp(max=a.shape[1] - 1))
    return log_chance, context


@mistake(
    "hard_context", "You take the logarithm of the running sum. log p(s) is that of the chosen region's own weight."
)
def logarithm_of_the_sum(weights, a, u):
    choice = _count(weights, u).clamp(max=a.shape[1] - 1)
    context, _ = _at(weights, a, choice)
    return context, weights.cumsum(-1)[torch.arange(len(a)), choice].log()


@mistake("hard_context", "The second result has the wrong sign: log p(s) itself is asked, which is at most 0.")
def minus_logarithm(weights, a, u):
    context, log_chance = _at(weights, a, _count(weights, u).clamp(max=a.shape[1] - 1))
    return context, -log_chance


@mistake(
    "hard_context",
    "Something is added to the weight before its logarithm. A chosen region has a weight above 0: add nothing.",
)
def something_added(weights, a, u):
    context, log_chance = _at(weights, a, _count(weights, u).clamp(max=a.shape[1] - 1))
    return context, (log_chance.exp() + 1e-3).log()


@mistake(
    "hard_context",
    "Each choice is read in every picture, and the context is (B, B, D). Picture b reads its own: `a[rows, choice]`.",
)
def every_choice_everywhere(weights, a, u):
    choice = _count(weights, u).clamp(max=a.shape[1] - 1)
    return a[:, choice], _at(weights, a, choice)[1]


@mistake(
    "hard_context",
    "The logarithms of all weights are added up. log p(s) is that of the chosen region's weight.",
)
def all_logarithms_added(weights, a, u):
    L = weights.shape[1]
    choice = (weights.cumsum(-1) <= u.unsqueeze(-1)).sum(-1).clamp(max=L - 1)
    rows = torch.arange(len(a))
    return a[rows, choice], weights.log().sum(-1)


@mistake(
    "hard_context",
    "The first picture's u chooses for all. Each has its own: `u.unsqueeze(-1)`.",
)
def one_u_for_all(weights, a, u):
    L = weights.shape[1]
    choice = (weights.cumsum(-1) <= u[0]).sum(-1).clamp(max=L - 1)
    rows = torch.arange(len(a))
    return a[rows, choice], weights[rows, choice].log()


@mistake(
    "hard_context",
    "The weights are laid end to end from the *last* region. Begin with the first.",
)
def from_the_last_region(weights, a, u):
    L = weights.shape[1]
    choice = (weights.flip(-1).cumsum(-1) <= u.unsqueeze(-1)).sum(-1).clamp(max=L - 1)
    rows = torch.arange(len(a))
    return a[rows, choice], weights[rows, choice].log()


@alternative("hard_context")
def with_searchsorted(weights, a, u):
    ends = weights.detach().cumsum(-1).contiguous()
    choice = torch.searchsorted(ends, u.unsqueeze(-1), right=True).clamp(max=a.shape[1] - 1)
    context = torch.gather(a, 1, choice.unsqueeze(-1).expand(-1, -1, a.shape[2])).squeeze(1)
    return context, weights.gather(1, choice).squeeze(1).log()


@alternative("hard_context")
def with_one_hot(weights, a, u):
    choice = (weights.cumsum(-1) <= u[:, None]).sum(1).clamp(max=a.shape[1] - 1)
    s = F.one_hot(choice, a.shape[1]).to(a.dtype)
    return torch.einsum("bl,bld->bd", s, a), torch.log((s * weights).sum(1))


@alternative("hard_context")
def first_that_exceeds(weights, a, u):
    beyond = weights.cumsum(-1) > u.unsqueeze(-1)
    choice = torch.where(beyond.any(-1), beyond.to(torch.int64).argmax(-1), a.shape[1] - 1)
    rows = torch.arange(len(a))
    return a[rows, choice], torch.log(weights[rows, choice])


@alternative("hard_context")
def walk_along(weights, a, u):
    contexts, chances = [], []
    for row, places, number in zip(weights, a, u.tolist(), strict=True):
        i, end = 0, row[0].item()
        while end <= number and i < len(row) - 1:
            i += 1
            end += row[i].item()
        contexts.append(places[i])
        chances.append(row[i].log())
    return torch.stack(contexts), torch.stack(chances)


# score_function_surrogate


def _next(log_y, baseline):
    return 0.9 * baseline + 0.1 * log_y.detach().mean()


@mistake(
    "score_function_surrogate",
    "A gradient flows through the factor log p(y) − b. It only weighs the second term: detach it.",
)
def not_detached(log_y, log_s, baseline):
    return -(log_y + (log_y - baseline) * log_s).mean(), _next(log_y, baseline)


@mistake(
    "score_function_surrogate",
    "The second term is missing, or log p(s) is detached in it: where to look is never learned. Add (log "
    "p(y) − b) · log p(s).",
)
def words_only(log_y, log_s, baseline):
    return -log_y.mean() + 0.0 * log_s.sum(), _next(log_y, baseline)


@mistake("score_function_surrogate", "The first term is missing: add log p(y) itself, or the words are never learned.")
def choices_only(log_y, log_s, baseline):
    return -((log_y.detach() - baseline) * log_s).mean(), _next(log_y, baseline)


@mistake(
    "score_function_surrogate",
    "The sign is wrong: a loss is minimised, and log p(y) should grow. Put a minus in front.",
)
def wrong_sign(log_y, log_s, baseline):
    return (log_y + (log_y.detach() - baseline) * log_s).mean(), _next(log_y, baseline)


@mistake(
    "score_function_surrogate",
    "The baseline is renewed before it is used. Then it knows this step's log p(y), depends on the choice, and moves "
    "the mean. Use the old one in the loss.",
)
def renewed_too_early(log_y, log_s, baseline):
    after = _next(log_y, baseline)
    return -(log_y + (log_y.detach() - after) * log_s).mean(), after


@mistake(
    "score_function_surrogate", "The baseline is added. Subtract it: log p(y) − b tells better from worse than usual."
)
def baseline_added(log_y, log_s, baseline):
    return -(log_y + (log_y.detach() + baseline) * log_s).mean(), _next(log_y, baseline)


@mistake("score_function_surrogate", "The baseline isn't used in the loss: the factor is log p(y) − b.")
def no_baseline(log_y, log_s, baseline):
    return -(log_y + log_y.detach() * log_s).mean(), _next(log_y, baseline)


@mistake("score_function_surrogate", "0.9 and 0.1 are swapped: the baseline keeps 0.9 of its old value.")
def rates_swapped(log_y, log_s, baseline):
    loss = -(log_y + (log_y.detach() - baseline) * log_s).mean()
    return loss, 0.1 * baseline + 0.9 * log_y.detach().mean()


@mistake("score_function_surrogate", "You sum over the batch: take the mean.")
def summed(log_y, log_s, baseline):
    return -(log_y + (log_y.detach() - baseline) * log_s).sum(), _next(log_y, baseline)


@mistake(
    "score_function_surrogate",
    "You use the probability p(s). The score function is the gradient of log p(s): leave out exp.",
)
def probability_of_choice(log_y, log_s, baseline):
    return -(log_y + (log_y.detach() - baseline) * log_s.exp()).mean(), _next(log_y, baseline)


@mistake(
    "score_function_surrogate",
    "The new baseline still has a gradient, and would drag every past step along. Detach log p(y) in it.",
)
def baseline_with_gradient(log_y, log_s, baseline):
    loss = -(log_y + (log_y.detach() - baseline) * log_s).mean()
    return loss, 0.9 * baseline + 0.1 * log_y.mean()


@mistake("score_function_surrogate", "The baseline isn't renewed: return 0.9 b + 0.1 · mean of log p(y).")
def baseline_kept(log_y, log_s, baseline):
    return -(log_y + (log_y.detach() - baseline) * log_s).mean(), baseline


@mistake("score_function_surrogate", "The baseline follows your *loss*. It is the moving average of log p(y).")
def baseline_of_the_loss(log_y, log_s, baseline):
    loss = -(log_y + (log_y.detach() - baseline) * log_s).mean()
    return loss, 0.9 * baseline + 0.1 * loss.detach()


@mistake(
    "score_function_surrogate",
    "The means are taken before the product. Each picture's own log p(y) − b weighs its own choice: multiply first.",
)
def product_of_means(log_y, log_s, baseline):
    return -(log_y.mean() + (log_y.detach().mean() - baseline) * log_s.mean()), _next(log_y, baseline)


@mistake("score_function_surrogate", "Two results are asked for: the loss, and the next baseline.")
def loss_only(log_y, log_s, baseline):
    return -(log_y + (log_y.detach() - baseline) * log_s).mean()


@mistake(
    "score_function_surrogate",
    "The wrong factor is detached: log p(s) needs its gradient, log p(y) − b is the number that it is multiplied by.",
)
def wrong_factor_detached(log_y, log_s, baseline):
    return -(log_y + (log_y - baseline) * log_s.detach()).mean(), _next(log_y, baseline)


@mistake("score_function_surrogate", "The baseline is one number for all pictures: take the mean of log p(y).")
def a_baseline_for_each_picture(log_y, log_s, baseline):
    loss = -(log_y + (log_y.detach() - baseline) * log_s).mean()
    return loss, 0.9 * baseline + 0.1 * log_y.detach()


@mistake(
    "score_function_surrogate",
    "The first result has no gradient. It is the loss: are the two results swapped, or is everything in it detached?",
)
def baseline_first(log_y, log_s, baseline):
    return _next(log_y, baseline), -(log_y + (log_y.detach() - baseline) * log_s).mean()


@mistake(
    "score_function_surrogate",
    "The reward is p(y), the probability itself. It is log p(y).",
)
def probability_as_reward(log_y, log_s, baseline):
    loss = -(log_y + (log_y.detach().exp() - baseline) * log_s).mean()
    return loss, 0.9 * baseline + 0.1 * log_y.detach().mean()


@mistake(
    "score_function_surrogate",
    "The new baseline is this step's mean alone. It is a moving average: 0.9 b + 0.1 mean.",
)
def last_mean_alone(log_y, log_s, baseline):
    loss = -(log_y + (log_y.detach() - baseline) * log_s).mean()
    return loss, log_y.detach().mean()


@mistake(
    "score_function_surrogate",
    "The first term is weighed as well. It is log p(y) itself; only log p(s) is weighed by log p(y) − b.",
)
def both_weighed(log_y, log_s, baseline):
    loss = -((log_y.detach() - baseline) * (log_s + log_y)).mean()
    return loss, 0.9 * baseline + 0.1 * log_y.detach().mean()


@mistake(
    "score_function_surrogate",
    "The second term is subtracted from the first. They are added, and the minus stands in front of both.",
)
def second_term_subtracted(log_y, log_s, baseline):
    loss = -(log_y - (log_y.detach() - baseline) * log_s).mean()
    return loss, 0.9 * baseline + 0.1 * log_y.detach().mean()


@mistake(
    "score_function_surrogate",
    "The baseline takes the largest log p(y) of the batch. It is their mean.",
)
def largest_for_the_mean(log_y, log_s, baseline):
    loss = -(log_y + (log_y.detach() - baseline) * log_s).mean()
    return loss, 0.9 * baseline + 0.1 * log_y.detach().max()


@alternative("score_function_surrogate")
def other_value_same_gradient(log_y, log_s, baseline):
    advantage = log_y.detach() - baseline
    loss = -(log_y - baseline).mean() - (advantage * (log_s - log_s.detach()).exp()).mean()
    return loss, 0.9 * baseline + 0.1 * log_y.detach().mean()


@alternative("score_function_surrogate")
def two_losses(log_y, log_s, baseline):
    with torch.no_grad():
        reward = log_y - baseline
        after = 0.9 * baseline + 0.1 * log_y.mean()
    return -log_y.mean() - (reward * log_s).mean(), after


@alternative("score_function_surrogate")
def as_floats(log_y, log_s, baseline):
    values = log_y.tolist()
    loss = sum(-(y + (value - baseline) * s) for y, s, value in zip(log_y, log_s, values, strict=True)) / len(values)
    return loss, 0.9 * baseline + 0.1 * sum(values) / len(values)


@alternative("score_function_surrogate")
def with_a_dot_product(log_y, log_s, baseline):
    n = len(log_y)
    factor = log_y.clone().detach().sub(baseline)
    return -(log_y.sum() + factor @ log_s) / n, torch.lerp(torch.as_tensor(baseline), log_y.detach().mean(), 0.1).item()


equivalent("doubly_stochastic_penalty", "1 - coverage -> coverage - 1", "the difference is squared")

# Seen in learners' work


@mistake("hard_context", "You draw u yourself. It is given as an argument, so that the choice can be checked.")
def own_random_number(weights, a, u):
    u = torch.rand(len(a))
    rows = torch.arange(len(a))
    choice = (weights.cumsum(dim=-1) <= u.unsqueeze(-1)).sum(dim=-1).clamp(max=a.shape[1] - 1)
    return a[rows, choice], weights[rows, choice].log()


@mistake(
    "hard_context",
    "`a[:, choice]` picks every chosen region for every picture. Pair rows and choices: `a[rows, choice]`.",
)
def every_pair(weights, a, u):
    choice = (weights.cumsum(dim=-1) <= u.unsqueeze(-1)).sum(dim=-1).clamp(max=a.shape[1] - 1)
    return a[:, choice], weights[:, choice].log()


@alternative("hard_context")
def with_categorical(weights, a, u):  # its gradient differs by a constant, which softmax takes away
    choice = (weights.cumsum(dim=-1) <= u.unsqueeze(-1)).sum(dim=-1).clamp(max=a.shape[1] - 1)
    return a[torch.arange(len(a)), choice], torch.distributions.Categorical(probs=weights).log_prob(choice)


@mistake("hard_context", "On an edge of the running sum the next region is meant: `>`, not `>=` (a sum ≤ u is passed).")
def edge_belongs_to_the_left(weights, a, u):
    choice = (weights.cumsum(-1) >= u[:, None]).float().argmax(-1)
    rows = torch.arange(len(a))
    return a[rows, choice], weights[rows, choice].log()


@mistake(
    "hard_context",
    "One too early: the number of running sums that are ≤ u *is* the region's number. Don't subtract 1.",
)
def one_subtracted(weights, a, u):
    choice = (weights.cumsum(-1) <= u[:, None]).sum(-1) - 1
    rows = torch.arange(len(a))
    return a[rows, choice], weights[rows, choice].log()


@mistake("soft_context", "b is added to w, and then multiplied with the state. It is added to the product: h @ w + b.")
def bias_in_the_product(weights, a, h, w, b):
    return torch.sigmoid(h @ (w + b)).unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1)


# where_it_looks


def _looks(weights, gold, objects, *, looked=None, counts=None, other=None):
    """The three shares, with one step done otherwise."""
    looked = weights.argmax(-1) if looked is None else looked
    counts = gold.any(-1) if counts is None else counts
    on_gold = gold.gather(-1, looked.unsqueeze(-1)).squeeze(-1)
    on_object = objects.gather(-1, looked)
    on_other = on_object & ~on_gold if other is None else other(on_object, on_gold)
    right, elsewhere = on_gold[counts].float().mean(), on_other[counts].float().mean()
    return right, elsewhere, 1 - right - elsewhere


@mistake("where_it_looks", "Words without a gold region count too, and padding. Keep `gold.any(dim=-1)` only.")
def looks_of_all_words(weights, gold, objects):
    return _looks(weights, gold, objects, counts=torch.ones_like(gold[..., 0]))


@mistake("where_it_looks", "A look at gold counts as a look at another object, too. Take gold away: `& ~on_gold`.")
def looks_at_any_object(weights, gold, objects):
    return _looks(weights, gold, objects, other=lambda on_object, on_gold: on_object)


@mistake("where_it_looks", "You take the smallest weight: argmin. It looks where the weight is *largest*.")
def looks_at_least(weights, gold, objects):
    return _looks(weights, gold, objects, looked=weights.argmin(-1))


@mistake("where_it_looks", "These are shares of the *weight*. Asked: how many words have their *largest* weight there.")
def looks_by_mass(weights, gold, objects):
    counts = gold.any(-1)
    on_gold = (weights * gold).sum(-1)[counts].mean()
    on_object = (weights * objects.unsqueeze(1)).sum(-1)[counts].mean()
    return on_gold, on_object - on_gold, 1 - on_object


@mistake("where_it_looks", "The order is: on gold, on another object, on the ground. The last two are exchanged.")
def looks_exchanged(weights, gold, objects):
    right, other, ground = _looks(weights, gold, objects)
    return right, ground, other


@mistake("where_it_looks", "You give numbers of words. Shares are asked for: divide by how many words have gold.")
def looks_in_numbers(weights, gold, objects):
    return [share * gold.any(-1).sum() for share in _looks(weights, gold, objects)]


@mistake(
    "where_it_looks",
    "The second is a share of the looks that *miss* gold. All three are shares of all words with gold.",
)
def looks_of_the_missed(weights, gold, objects):
    right, other, _ = _looks(weights, gold, objects)
    other = other / (1 - right)
    return right, other, 1 - right - other


@mistake(
    "where_it_looks",
    "A mean over each picture first makes words of short captions count more. All count alike.",
)
def looks_by_picture(weights, gold, objects):
    rows = [_looks(*(x[b : b + 1] for x in (weights, gold, objects))) for b in range(len(gold))]
    return [torch.stack(shares).nanmean() for shares in zip(*rows, strict=True)]


@mistake("where_it_looks", "The argmax runs over the words. Of each word you want the largest weight over the regions.")
def looks_over_words(weights, gold, objects):
    best = torch.zeros_like(gold).scatter(1, weights.argmax(1, keepdim=True), True)
    counts = gold.any(-1)
    right = (best & gold).any(-1)[counts].float().mean()
    other = (best & objects.unsqueeze(1) & ~gold).any(-1)[counts].float().mean()
    return right, other, 1 - right - other


@mistake("where_it_looks", "A weight above the average isn't the largest one. Take the argmax over the regions.")
def looks_above_average(weights, gold, objects):
    counts = gold.any(-1)
    lit = weights > weights.mean(-1, keepdim=True)
    right = (lit & gold).any(-1)[counts].float().mean()
    other = (lit & objects.unsqueeze(1) & ~gold).any(-1)[counts].float().mean()
    return right, other, 1 - right - other


@mistake(
    "where_it_looks",
    "You compare with the first place of gold alone. A region has several, and each is gold.",
)
def looks_at_first_place(weights, gold, objects):
    counts, looked = gold.any(-1), weights.argmax(-1)
    on_gold = looked == gold.long().argmax(-1)
    right = on_gold[counts].float().mean()
    other = (objects.gather(-1, looked) & ~on_gold)[counts].float().mean()
    return right, other, 1 - right - other


@mistake(
    "where_it_looks",
    "You ask the words that have *no* gold region. Those that have one count.",
)
def words_that_have_none(weights, gold, objects):
    words = ~gold.any(-1)
    looked = weights.argmax(-1)
    on_gold = gold.gather(-1, looked.unsqueeze(-1)).squeeze(-1)
    on_object = objects.gather(-1, looked) & ~on_gold
    ground = ~(on_gold | on_object)
    return tuple(x[words].double().mean() for x in (on_gold, on_object, ground))


@mistake(
    "where_it_looks",
    "The gold of the first word is used for all. Each word has its own, gold[b, t].",
)
def gold_of_the_first_word(weights, gold, objects):
    words = gold.any(-1)
    looked = weights.argmax(-1)
    on_gold = gold[:, :1].expand_as(gold).gather(-1, looked.unsqueeze(-1)).squeeze(-1)
    on_object = objects.gather(-1, looked) & ~on_gold
    ground = ~(on_gold | on_object)
    return tuple(x[words].double().mean() for x in (on_gold, on_object, ground))


@mistake(
    "where_it_looks",
    "The gold of any word of the caption counts as gold in yours. Each word has its own.",
)
def gold_of_any_word(weights, gold, objects):
    words = gold.any(-1)
    looked = weights.argmax(-1)
    on_gold = gold.any(1, keepdim=True).expand_as(gold).gather(-1, looked.unsqueeze(-1)).squeeze(-1)
    on_object = objects.gather(-1, looked) & ~on_gold
    ground = ~(on_gold | on_object)
    return tuple(x[words].double().mean() for x in (on_gold, on_object, ground))


@alternative("where_it_looks")
def looks_in_loops(weights, gold, objects):
    found = [0, 0, 0]
    for b in range(gold.shape[0]):
        for t in range(gold.shape[1]):
            if gold[b, t].any():
                place = int(weights[b, t].argmax())
                found[0 if gold[b, t, place] else 1 if objects[b, place] else 2] += 1
    return tuple(torch.tensor(n / sum(found)) for n in found)


@alternative("where_it_looks")
def looks_by_one_hot(weights, gold, objects):
    lit = F.one_hot(weights.argmax(-1), gold.shape[-1]).bool() & gold.any(-1, keepdim=True)
    number = lit.sum()
    right, thing = (lit & gold).sum(), (lit & objects[:, None]).sum()
    return right / number, (thing - right) / number, (number - thing) / number


@alternative("where_it_looks")
def looks_by_selection(weights, gold, objects):
    b, t = gold.any(-1).nonzero(as_tuple=True)
    places = weights.max(-1).indices[b, t]
    right, thing = gold[b, t, places], objects[b, places]
    return right.double().mean(), (thing & ~right).double().mean(), (~thing).double().mean()


@alternative("where_it_looks")
def looks_in_numpy(weights, gold, objects):
    w, g, o = weights.numpy(), gold.numpy(), objects.numpy()
    counts, places = g.any(-1), w.argmax(-1)
    right = np.take_along_axis(g, places[..., None], -1)[..., 0]
    other = np.logical_and(np.take_along_axis(o, places, -1), np.logical_not(right))
    return right[counts].mean(), other[counts].mean(), 1 - (right | other)[counts].mean()


@mistake("where_it_looks", "A look at another object counts as one at the ground, too: the three shares must sum to 1.")
def looks_ground_is_the_rest(weights, gold, objects):
    right, other, _ = _looks(weights, gold, objects)
    return right, other, 1 - right


@mistake("where_it_looks", "The second share holds the looks at gold, too: another object is one that is *not* gold.")
def looks_gold_twice(weights, gold, objects):
    right, other, ground = _looks(weights, gold, objects)
    return right, right + other, ground


@mistake("where_it_looks", "The first is a share of weight. Asked: how many words have their *largest* weight on gold.")
def looks_mass_on_gold(weights, gold, objects):
    _, other, ground = _looks(weights, gold, objects)
    return (weights * gold).sum(-1)[gold.any(-1)].mean(), other, ground


@mistake(
    "where_it_looks",
    "You take for objects what some word of the caption names. There are others: `objects` holds them all.",
)
def looks_at_named_objects(weights, gold, objects):
    return _looks(weights, gold, gold.any(1))


@mistake(
    "where_it_looks",
    "A place that is gold for another word of the caption is no other object to you. It is: only this word's own gold "
    "is taken away.",
)
def looks_without_any_gold(weights, gold, objects):
    right, _, _ = _looks(weights, gold, objects)
    other = (objects & ~gold.any(1)).gather(-1, weights.argmax(-1))[gold.any(-1)].float().mean()
    return right, other, 1 - right - other


@mistake("where_it_looks", "Every word is asked about the objects of the first picture. Each picture has its own.")
def looks_at_first_picture(weights, gold, objects):
    return _looks(weights, gold, objects[:1].expand_as(objects))


@mistake(
    "where_it_looks",
    "You count only words with gold, but divide by all words. Divide by how many have gold, `gold.any(dim=-1)`.",
)
def looks_divided_by_all(weights, gold, objects):
    share = gold.any(-1).float().mean()
    return [looks * share for looks in _looks(weights, gold, objects)]


@mistake(
    "where_it_looks",
    "The last two are shares of the looks that *miss* gold. All three are shares of all words with gold.",
)
def looks_elsewhere_of_the_missed(weights, gold, objects):
    right, other, ground = _looks(weights, gold, objects)
    return right, other / (1 - right), ground / (1 - right)


@mistake("where_it_looks", "You ask for more than half of the weight. The largest weight may be smaller: argmax.")
def looks_above_one_half(weights, gold, objects):
    counts = gold.any(-1)
    right = (weights * gold).sum(-1) > 0.5
    thing = (weights * objects.unsqueeze(1)).sum(-1) > 0.5
    return [x[counts].float().mean() for x in (right, thing & ~right, ~thing & ~right)]


@mistake("hard_context", "You compare u with each weight by itself. Lay them end to end: `weights.cumsum(dim=-1)`.")
def single_weights(weights, a, u):
    return _at(weights, a, (weights > u.unsqueeze(-1)).long().argmax(-1))


@mistake(
    "soft_context",
    "The sigmoid is taken of the whole product. It belongs to the gate alone: σ(w·h + b) times the average.",
)
def sigmoid_of_everything(weights, a, h, w, b):
    return torch.sigmoid((h @ w + b).unsqueeze(1) * (weights.unsqueeze(1) @ a).squeeze(1))


@mistake("score_function_surrogate", "The new baseline takes the *sum* of log p(y) over the batch: take the mean.")
def baseline_of_the_sum(log_y, log_s, baseline):
    loss = -(log_y + (log_y.detach() - baseline) * log_s).mean()
    return loss, 0.9 * baseline + 0.1 * log_y.detach().sum()
