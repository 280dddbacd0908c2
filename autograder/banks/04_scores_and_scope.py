"""Known answers to lesson 04: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# dot_score


@mistake("dot_score", "The products are not added up: sum over the features, or multiply as matrices with @.")
def not_summed(query, keys):
    return keys * query.unsqueeze(1)


@mistake("dot_score", "You sum over the words. A score belongs to one word: sum over the features, the last axis.")
def summed_over_words(query, keys):
    return (keys * query.unsqueeze(1)).sum(1)


@mistake("dot_score", "One axis too many is left, (B, S, 1): take it away with squeeze(-1).")
def axis_left(query, keys):
    return keys @ query.unsqueeze(-1)


@mistake(
    "dot_score",
    "squeeze() without an axis also removes the batch when it is one sentence. Name the axis: squeeze(-1).",
)
def squeezed_all(query, keys):
    return (keys @ query.unsqueeze(-1)).squeeze()


@mistake("dot_score", "You divide by √n. That is the Transformer's score (lesson 07); Luong's dot is not scaled.")
def scaled(query, keys):
    return (keys @ query.unsqueeze(-1)).squeeze(-1) / query.shape[-1] ** 0.5


@mistake("dot_score", "This is the cosine of lesson 00: leave out the division by the lengths.")
def cosine(query, keys):
    return F.cosine_similarity(keys, query.unsqueeze(1), dim=-1)


@mistake("dot_score", "These are weights already: leave out the softmax. Scope and mask come first.")
def softmaxed_dot(query, keys):
    return torch.softmax((keys @ query.unsqueeze(-1)).squeeze(-1), dim=-1)


@mistake(
    "dot_score",
    "Every query meets the keys of every sentence, so the result is (B, B, S). Give the query an axis: (B, n, 1).",
)
def all_sentences(query, keys):
    return torch.einsum("bn,csn->bcs", query, keys)


@mistake("dot_score", "This is the mean of the products, the dot product divided by n: use the sum.")
def mean_of_products(query, keys):
    return (keys * query.unsqueeze(1)).mean(-1)


@alternative("dot_score")
def dot_einsum(query, keys):
    return torch.einsum("bn,bsn->bs", query, keys)


@alternative("dot_score")
def dot_product_and_sum(query, keys):
    return (keys * query[:, None]).sum(dim=2)


@alternative("dot_score")
def dot_row_times_columns(query, keys):
    return torch.bmm(query.unsqueeze(1), keys.transpose(1, 2)).squeeze(1)


@alternative("dot_score")
def dot_loops(query, keys):
    return torch.stack([torch.stack([key @ q for key in sentence]) for q, sentence in zip(query, keys, strict=True)])


# general_score


@mistake("general_score", "W is not used: this is the dot score. Put W between the query and the key.")
def w_ignored(query, keys, W):
    size = min(query.shape[-1], keys.shape[-1])
    return (keys[..., :size] @ query[:, :size].unsqueeze(-1)).squeeze(-1)


@mistake("general_score", "You have the transpose of W: the query stands on its left, `query @ W`, not `query @ W.T`.")
def transposed(query, keys, W):
    return (keys @ (query @ W.T).unsqueeze(-1)).squeeze(-1)


@mistake("general_score", "There is no tanh in the general score: it is a plain product, h W h̄.")
def with_tanh(query, keys, W):
    return (keys @ torch.tanh(query @ W).unsqueeze(-1)).squeeze(-1)


@mistake("general_score", "tanh is applied to the score. The general score is a plain product, h W h̄.")
def tanh_of_score(query, keys, W):
    return torch.tanh((keys @ (query @ W).unsqueeze(-1)).squeeze(-1))


@mistake("general_score", "These are weights already: leave out the softmax of the general score.")
def softmaxed_general(query, keys, W):
    return torch.softmax((keys @ (query @ W).unsqueeze(-1)).squeeze(-1), dim=-1)


@mistake("general_score", "The result still has an axis of length 1 at the end: squeeze(-1).")
def general_axis_left(query, keys, W):
    return keys @ (query @ W).unsqueeze(-1)


@mistake("general_score", "`query @ W` is added to the keys: it must be multiplied with them, and summed over d.")
def added(query, keys, W):
    return ((query @ W).unsqueeze(1) + keys).sum(-1)


@mistake("general_score", "You sum over the words. Sum over the d features: each word has its own score.")
def general_over_words(query, keys, W):
    return ((query @ W).unsqueeze(1) * keys).sum(1)


@mistake("general_score", "You divide by √d, as the Transformer does (lesson 07). Luong's general score is not scaled.")
def general_scaled(query, keys, W):
    return (keys @ (query @ W).unsqueeze(-1)).squeeze(-1) / keys.shape[-1] ** 0.5


@alternative("general_score")
def translate_the_keys(query, keys, W):
    return ((keys @ W.T) * query.unsqueeze(1)).sum(-1)


@alternative("general_score")
def general_einsum(query, keys, W):
    return torch.einsum("bn,nd,bsd->bs", query, W, keys)


@alternative("general_score")
def general_linear(query, keys, W):
    return torch.bmm(keys, F.linear(query, W.T)[:, :, None])[..., 0]


@alternative("general_score")
def general_loops(query, keys, W):
    return torch.stack([torch.stack([q @ W @ key for key in ks]) for q, ks in zip(query, keys, strict=True)])


# concat_score


def _concat(query, keys):
    return torch.cat([query.unsqueeze(1).expand(-1, keys.shape[1], -1), keys], dim=-1)


@mistake("concat_score", "The key stands before the query. The order is [h_t; h̄_s]: query first.")
def key_first(query, keys, W, v):
    repeated = query.unsqueeze(1).expand(-1, keys.shape[1], -1)
    return torch.tanh(torch.cat([keys, repeated], dim=-1) @ W.T) @ v


@mistake("concat_score", "Without tanh the query adds the same to every word, and all queries rank the words alike.")
def no_tanh(query, keys, W, v):
    return _concat(query, keys) @ W.T @ v


@mistake("concat_score", "tanh belongs inside, before v: v · tanh(W [h; h̄]), not tanh(v · W [h; h̄]).")
def tanh_last(query, keys, W, v):
    return torch.tanh(_concat(query, keys) @ W.T @ v)


@mistake("concat_score", "tanh is applied to query and key before W. Multiply by W first.")
def tanh_first(query, keys, W, v):
    return torch.tanh(_concat(query, keys)) @ W.T @ v


@mistake("concat_score", "You add up the hidden features; take their product with v instead.")
def without_v(query, keys, W, v):
    return torch.tanh(_concat(query, keys) @ W.T).sum(-1)


@mistake("concat_score", "The query's part of W and the key's part have a tanh each. Add them first: one tanh.")
def two_tanhs(query, keys, W, v):
    n = query.shape[-1]
    return (torch.tanh(query @ W[:, :n].T).unsqueeze(1) + torch.tanh(keys @ W[:, n:].T)) @ v


@mistake("concat_score", "An axis of length 1 is left at the end: use `@ v` with v as a vector.")
def concat_axis_left(query, keys, W, v):
    return torch.tanh(_concat(query, keys) @ W.T) @ v.unsqueeze(1)


@mistake("concat_score", "These are weights: leave out the softmax of the concat score.")
def softmaxed_concat(query, keys, W, v):
    return torch.softmax(torch.tanh(_concat(query, keys) @ W.T) @ v, dim=-1)


@mistake("concat_score", "The query has no part in your score, so every query gets the same weights.")
def query_missing(query, keys, W, v):
    return torch.tanh(_concat(torch.zeros_like(query), keys) @ W.T) @ v


@mistake(
    "concat_score",
    "repeat_interleave over the batch mixes the sentences: each query belongs to its own sentence's words.",
)
def repeated_wrongly(query, keys, W, v):
    B, S = keys.shape[:2]
    repeated = query.repeat(S, 1).reshape(B, S, -1)
    return torch.tanh(torch.cat([repeated, keys], dim=-1) @ W.T) @ v


@alternative("concat_score")
def as_additive(query, keys, W, v):
    n = query.shape[-1]
    return torch.tanh((query @ W[:, :n].T).unsqueeze(1) + keys @ W[:, n:].T) @ v


@alternative("concat_score")
def concat_linear(query, keys, W, v):
    both = torch.cat([query[:, None].repeat(1, keys.shape[1], 1), keys], 2)
    return (F.linear(both, W).tanh() * v).sum(-1)


@alternative("concat_score")
def concat_loops(query, keys, W, v):
    return torch.stack(
        [torch.stack([v @ torch.tanh(W @ torch.cat([q, k])) for k in ks]) for q, ks in zip(query, keys, strict=True)]
    )


@alternative("concat_score")
def concat_einsum(query, keys, W, v):
    hidden = torch.einsum("ac,bsc->bsa", W, _concat(query, keys))
    return torch.einsum("a,bsa->bs", v, torch.tanh(hidden))


# window_mask


def _distance(position, mask):
    return torch.arange(mask.shape[1]) - position.unsqueeze(1)


@mistake("window_mask", "`<` leaves out the words exactly D away: the window has 2D + 1 words, so use `<=`.")
def strictly_less(position, src_mask, D):
    return (_distance(position, src_mask).abs() < D) & src_mask


@mistake("window_mask", "Padding inside the window is allowed. Join with `& src_mask`.")
def padding_allowed(position, src_mask, D):
    return _distance(position, src_mask).abs() <= D


@mistake("window_mask", "No absolute value: all words before the window are allowed, too. Take `.abs()`.")
def no_abs(position, src_mask, D):
    return (_distance(position, src_mask) <= D) & src_mask


@mistake("window_mask", "Inverted: True must stand where you may look, inside the window.")
def inverted(position, src_mask, D):
    return (_distance(position, src_mask).abs() > D) & src_mask


@mistake("window_mask", "`|` allows a word that is in the window *or* real. Both must hold: `&`.")
def either(position, src_mask, D):
    return (_distance(position, src_mask).abs() <= D) | src_mask


@mistake("window_mask", "D is the reach to *either* side, so the window has 2D + 1 words, not D.")
def half_as_wide(position, src_mask, D):
    return (_distance(position, src_mask).abs() <= D / 2) & src_mask


@mistake("window_mask", "The window looks backwards only: the words after the position are missing.")
def backwards_only(position, src_mask, D):
    distance = _distance(position, src_mask)
    return (distance >= -D) & (distance <= 0) & src_mask


@mistake("window_mask", "The window looks forwards only: the words before the position are missing.")
def forwards_only(position, src_mask, D):
    distance = _distance(position, src_mask)
    return (distance <= D) & (distance >= 0) & src_mask


@mistake(
    "window_mask",
    "The position is cut to a whole number first. Compare with the real number: 2.6 with D = 2 allows 1 to 4.",
)
def truncated(position, src_mask, D):
    return (_distance(position.long(), src_mask).abs() <= D) & src_mask


@mistake("window_mask", "`range(p − D, p + D)` stops one short: the word D to the right belongs to the window, too.")
def right_end_missing(position, src_mask, D):
    distance = _distance(position, src_mask)
    return (distance >= -D) & (distance < D) & src_mask


@mistake("window_mask", "A mask is boolean here: leave out `.float()`.")
def as_numbers(position, src_mask, D):
    return ((_distance(position, src_mask).abs() <= D) & src_mask).float()


@mistake("window_mask", "The whole mask is inverted, padding included: True must stand where you *may* look.")
def all_inverted(position, src_mask, D):
    return ~((_distance(position, src_mask).abs() <= D) & src_mask)


@mistake("window_mask", "Your places begin at 1. They are counted from 0: `torch.arange(S)`.")
def counted_from_one(position, src_mask, D):
    return ((_distance(position, src_mask) + 1).abs() <= D) & src_mask


@mistake("window_mask", "`D // 2` halves the reach: D is the reach to *either* side.")
def half_reach(position, src_mask, D):
    return (_distance(position, src_mask).abs() <= D // 2) & src_mask


@alternative("window_mask")
def between(position, src_mask, D):
    places = torch.arange(src_mask.shape[1])[None]
    p = position[:, None]
    return (places >= p - D) & (places <= p + D) & src_mask


@alternative("window_mask")
def logical_and(position, src_mask, D):
    distance = torch.cumsum(torch.ones_like(src_mask, dtype=torch.float64), 1) - 1 - position.unsqueeze(-1)
    return torch.logical_and(src_mask, distance.square() <= D * D)


@alternative("window_mask")
def mask_loops(position, src_mask, D):
    allowed = torch.zeros_like(src_mask)
    for b in range(src_mask.shape[0]):
        for s in range(src_mask.shape[1]):
            allowed[b, s] = bool(src_mask[b, s]) and abs(s - position[b].item()) <= D
    return allowed


@alternative("window_mask")
def mask_numpy(position, src_mask, D):
    places = np.arange(src_mask.shape[1])
    return (np.abs(places[None, :] - position.numpy()[:, None]) <= D) & src_mask.numpy()


# predict_position


@mistake(
    "predict_position",
    "You multiply by the padded length, the same for the whole batch. S is each sentence's own: src_mask.sum(dim=1).",
)
def padded_length(state, W_p, v_p, src_mask):
    return src_mask.shape[1] * torch.sigmoid(torch.tanh(state @ W_p.T) @ v_p)


@mistake("predict_position", "This is a share between 0 and 1. Times the length of the sentence, it is a place.")
def share_only(state, W_p, v_p, src_mask):
    return torch.sigmoid(torch.tanh(state @ W_p.T) @ v_p)


@mistake("predict_position", "The tanh is missing: v · tanh(W h), then the sigmoid.")
def position_without_tanh(state, W_p, v_p, src_mask):
    return src_mask.sum(1) * torch.sigmoid(state @ W_p.T @ v_p)


@mistake("predict_position", "Without the sigmoid the place may lie outside the sentence, before its beginning even.")
def without_sigmoid(state, W_p, v_p, src_mask):
    return src_mask.sum(1) * (torch.tanh(state @ W_p.T) @ v_p)


@mistake("predict_position", "Rounding has no gradient, so the prediction could never learn: keep the real number.")
def rounded(state, W_p, v_p, src_mask):
    return (src_mask.sum(1) * torch.sigmoid(torch.tanh(state @ W_p.T) @ v_p)).round()


@mistake("predict_position", "tanh in place of the sigmoid gives places from −S to S. The last function is a sigmoid.")
def tanh_twice(state, W_p, v_p, src_mask):
    return src_mask.sum(1) * torch.tanh(torch.tanh(state @ W_p.T) @ v_p)


@mistake("predict_position", "Sigmoid and tanh have changed places: tanh inside, sigmoid outside.")
def swapped_functions(state, W_p, v_p, src_mask):
    return src_mask.sum(1) * torch.tanh(torch.sigmoid(state @ W_p.T) @ v_p)


@mistake("predict_position", "v_p is not used: take the product of the hidden features with v_p, not their sum.")
def v_p_ignored(state, W_p, v_p, src_mask):
    return src_mask.sum(1) * torch.sigmoid(torch.tanh(state @ W_p.T).sum(-1))


@mistake("predict_position", "You take S − 1. In the paper's formula the sigmoid is multiplied by S itself.")
def one_less(state, W_p, v_p, src_mask):
    return (src_mask.sum(1) - 1) * torch.sigmoid(torch.tanh(state @ W_p.T) @ v_p)


@mistake("predict_position", "The result has an axis of length 1: one number a sentence, (B,), is asked for.")
def position_axis(state, W_p, v_p, src_mask):
    return src_mask.sum(1, keepdim=True) * torch.sigmoid(torch.tanh(state @ W_p.T) @ v_p.unsqueeze(1))


@mistake(
    "predict_position",
    "The length is inside the sigmoid, so the result is a share again: multiply after the sigmoid.",
)
def length_inside(state, W_p, v_p, src_mask):
    return torch.sigmoid(src_mask.sum(1) * (torch.tanh(state @ W_p.T) @ v_p))


@mistake("predict_position", "A softmax over the batch: sentences don't compete. Each has its own sigmoid.")
def softmax_over_sentences(state, W_p, v_p, src_mask):
    return src_mask.sum(1) * torch.softmax(torch.tanh(state @ W_p.T) @ v_p, dim=0)


@mistake("predict_position", "You add the length: the share is *multiplied* by it.")
def length_added(state, W_p, v_p, src_mask):
    return src_mask.sum(1) + torch.sigmoid(torch.tanh(state @ W_p.T) @ v_p)


@alternative("predict_position")
def position_linear(state, W_p, v_p, src_mask):
    share = F.linear(torch.tanh(F.linear(state, W_p)), v_p[None]).squeeze(-1).sigmoid()
    return share * src_mask.long().sum(-1)


@alternative("predict_position")
def position_einsum(state, W_p, v_p, src_mask):
    hidden = torch.einsum("an,bn->ba", W_p, state).tanh()
    return src_mask.double().sum(1) / (1 + torch.exp(-torch.einsum("a,ba->b", v_p, hidden)))


@alternative("predict_position")
def position_loop(state, W_p, v_p, src_mask):
    return torch.stack(
        [row.sum() * torch.sigmoid(v_p @ torch.tanh(W_p @ h)) for h, row in zip(state, src_mask, strict=True)]
    )


# gaussian_window


@mistake("gaussian_window", "You normalise again. Luong doesn't: a window in the wrong place must give small weights.")
def renormalised(weights, position, D):
    bent = weights * torch.exp(-(_distance(position, weights) ** 2) / (2 * (D / 2) ** 2))
    return bent / bent.sum(-1, keepdim=True)


@mistake("gaussian_window", "σ is D / 2, not D.")
def sigma_is_d(weights, position, D):
    return weights * torch.exp(-(_distance(position, weights) ** 2) / (2 * D**2))


@mistake("gaussian_window", "The 2 of 2σ² is missing.")
def two_missing(weights, position, D):
    return weights * torch.exp(-(_distance(position, weights) ** 2) / (D / 2) ** 2)


@mistake("gaussian_window", "σ is not squared: divide by 2σ², not by 2σ.")
def sigma_not_squared(weights, position, D):
    return weights * torch.exp(-(_distance(position, weights) ** 2) / (2 * (D / 2)))


@mistake(
    "gaussian_window",
    "`/ 2 * sigma ** 2` divides by 2 and then *multiplies* by σ². Put brackets around the whole denominator.",
)
def brackets_missing(weights, position, D):
    return weights * torch.exp(-(_distance(position, weights) ** 2) / 2 * (D / 2) ** 2)


@mistake("gaussian_window", "The minus sign is missing: words far from the position must count *less*.")
def plus_sign(weights, position, D):
    return weights * torch.exp(_distance(position, weights) ** 2 / (2 * (D / 2) ** 2))


@mistake("gaussian_window", "The distance is not squared: this is an exponential, not a Gaussian.")
def not_squared(weights, position, D):
    return weights * torch.exp(-_distance(position, weights).abs() / (2 * (D / 2) ** 2))


@mistake("gaussian_window", "This is the Gaussian alone: multiply the weights by it.")
def gaussian_alone(weights, position, D):
    return torch.exp(-(_distance(position, weights) ** 2) / (2 * (D / 2) ** 2)) + 0 * weights


@mistake("gaussian_window", "The Gaussian is added to the weights: multiply them.")
def gaussian_added(weights, position, D):
    return weights + torch.exp(-(_distance(position, weights) ** 2) / (2 * (D / 2) ** 2))


@mistake(
    "gaussian_window",
    "The position is rounded, so no gradient reaches it. Use the real number: that is what the Gaussian is for.",
)
def rounded_position(weights, position, D):
    distance = _distance(position.round(), weights)
    return weights * torch.exp(-(distance**2) / (2 * (D / 2) ** 2))


@mistake(
    "gaussian_window",
    "No gradient reaches the position, so it could never learn: `.detach()`, `.data`, `.item()` and numpy cut it.",
)
def detached(weights, position, D):
    distance = _distance(position.detach(), weights)
    return weights * torch.exp(-(distance**2) / (2 * (D / 2) ** 2))


@mistake("gaussian_window", "This is the density of a normal distribution: leave out its factor 1 / (σ √2π).")
def density(weights, position, D):
    sigma = D / 2
    bell = torch.exp(-(_distance(position, weights) ** 2) / (2 * sigma**2))
    return weights * bell / (sigma * math.sqrt(2 * math.pi))


@mistake("gaussian_window", "`D // 2` cuts off the half of an odd D: σ = D / 2.")
def floor_division(weights, position, D):
    return weights * torch.exp(-(_distance(position, weights) ** 2) / (2 * (D // 2) ** 2))


@alternative("gaussian_window")
def bell_of_ratio(weights, position, D):
    z = (position[:, None] - torch.arange(weights.shape[1])) / (0.5 * D)
    return torch.exp(-0.5 * z.square()) * weights


@alternative("gaussian_window")
def in_logarithms(weights, position, D):
    distance = _distance(position, weights)
    return torch.exp(torch.log(weights) - 2 * distance.pow(2) / D**2)


@alternative("gaussian_window")
def by_columns(weights, position, D):
    columns = [weights[:, s] * torch.exp(-2 * ((s - position) / D) ** 2) for s in range(weights.shape[1])]
    return torch.stack(columns, dim=1)


@alternative("gaussian_window")
def by_normal_distribution(weights, position, D):
    normal = torch.distributions.Normal(position.unsqueeze(1), D / 2)
    places = torch.arange(weights.shape[1], dtype=position.dtype)
    return weights * torch.exp(normal.log_prob(places) - normal.log_prob(normal.mean))


# attentional_vector


@mistake("attentional_vector", "The state stands first. The order is [c_t; h_t]: context, then state.")
def state_first(context, state, W):
    return torch.tanh(torch.cat([state, context], dim=-1) @ W.T)


@mistake("attentional_vector", "The tanh is missing.")
def vector_without_tanh(context, state, W):
    return torch.cat([context, state], dim=-1) @ W.T


@mistake("attentional_vector", "tanh comes after W: tanh(W [c; h]), not W tanh([c; h]).")
def tanh_before_w(context, state, W):
    return torch.tanh(torch.cat([context, state], dim=-1)) @ W.T


@mistake("attentional_vector", "The state is left out: without it the decoder forgets what it has written.")
def context_only(context, state, W):
    return torch.tanh(context @ W[:, : context.shape[-1]].T)


@mistake("attentional_vector", "The context is left out: what attention found is thrown away.")
def state_only(context, state, W):
    return torch.tanh(state @ W[:, context.shape[-1] :].T)


@mistake("attentional_vector", "A sigmoid in place of the tanh: the vector would be positive everywhere.")
def sigmoid_vector(context, state, W):
    return torch.sigmoid(torch.cat([context, state], dim=-1) @ W.T)


@mistake("attentional_vector", "relu in place of tanh: the paper's attentional vector is a tanh.")
def relu_vector(context, state, W):
    return torch.relu(torch.cat([context, state], dim=-1) @ W.T)


@mistake(
    "attentional_vector",
    "`W` is (n, d + n), so with the batch first it must be transposed: `torch.cat(...) @ W.T`.",
)
def w_not_transposed(context, state, W):
    return torch.tanh(torch.cat([context, state], dim=-1) @ W)


@alternative("attentional_vector")
def vector_linear(context, state, W):
    return F.linear(torch.hstack([context, state]), W).tanh()


@alternative("attentional_vector")
def vector_in_parts(context, state, W):
    d = context.shape[1]
    return torch.tanh(context @ W[:, :d].T + state @ W[:, d:].T)


@alternative("attentional_vector")
def vector_loop(context, state, W):
    return torch.stack([torch.tanh(W @ torch.cat(both)) for both in zip(context, state, strict=True)])


@mistake(
    "attentional_vector",
    "The values are right, but numpy cuts the gradient: "
    "neither state nor scores would learn. Use torch.cat and torch.tanh.",
)
def vector_numpy(context, state, W):
    return np.tanh(np.concatenate([context.numpy(), state.numpy()], axis=1) @ W.numpy().T)


# input_feeding_step


def _context(weights, memory):
    return (weights.unsqueeze(1) @ memory).squeeze(1)


@mistake(
    "input_feeding_step",
    "The query is the *old* state, as in lesson 03. Luong updates first: run the cell, then attend with its result.",
)
def attends_with_old_state(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(state, memory, src_mask)
    return combine(_context(weights, memory), new_state), new_state, weights


@mistake(
    "input_feeding_step",
    "h̃ is made of the *old* state. Combine the context with the new one, which the cell has just given.",
)
def combines_old_state(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    return combine(_context(weights, memory), state), new_state, weights


@mistake("input_feeding_step", "The cell's input is in the wrong order: the embedded word first, then h̃.")
def attentional_first(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([attentional, embedded], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    return combine(_context(weights, memory), new_state), new_state, weights


@mistake(
    "input_feeding_step",
    "The cell never reads h̃: zeros stand in its place. Input feeding hands it the last attentional vector.",
)
def nothing_fed(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, torch.zeros_like(attentional)], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    return combine(_context(weights, memory), new_state), new_state, weights


@mistake("input_feeding_step", "The cell is fed the old state instead of h̃, the last attentional vector.")
def feeds_the_state(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, state], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    return combine(_context(weights, memory), new_state), new_state, weights


@mistake(
    "input_feeding_step",
    "h̃ is the cell's state here, so the decoder forgets its own. h̃ belongs into the input, the state is `state`.",
)
def attentional_as_state(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), attentional)
    weights = attend(new_state, memory, src_mask)
    return combine(_context(weights, memory), new_state), new_state, weights


@mistake("input_feeding_step", "The query for `attend` is h̃, the vector of the step before. It is the new state.")
def attends_with_attentional(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(attentional, memory, src_mask)
    return combine(_context(weights, memory), new_state), new_state, weights


@mistake("input_feeding_step", "`attend` gets no real mask, so padding is attended to. Hand `src_mask` through.")
def mask_not_passed(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(new_state, memory, torch.ones_like(src_mask))
    return combine(_context(weights, memory), new_state), new_state, weights


@mistake("input_feeding_step", "The context is the plain mean of the memory: use the weights that `attend` gives.")
def mean_context(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    return combine(memory.mean(1), new_state), new_state, attend(new_state, memory, src_mask)


@mistake("input_feeding_step", "The weighted words are averaged: they must be *added*, the weights sum to 1 already.")
def weighted_mean(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    return combine((weights.unsqueeze(-1) * memory).mean(1), new_state), new_state, weights


@mistake("input_feeding_step", "The results are in another order: attentional vector, new state, weights.")
def other_order(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    return new_state, combine(_context(weights, memory), new_state), weights


@mistake("input_feeding_step", "You return the old state. The next step needs the one that the cell gave.")
def returns_old_state(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    return combine(_context(weights, memory), new_state), state, weights


@mistake("input_feeding_step", "You return the context. It must still be combined with the state: `combine`.")
def returns_context(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    return _context(weights, memory), new_state, weights


@alternative("input_feeding_step")
def step_with_bmm(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    h = cell(torch.hstack([embedded, attentional]), state)
    a = attend(query=h, memory=memory, src_mask=src_mask)
    return combine(torch.bmm(a[:, None], memory)[:, 0], h), h, a


@alternative("input_feeding_step")
def step_with_sum(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    h = cell(torch.cat((embedded, attentional), 1), state.clone())
    a = attend(h, memory, src_mask)
    return [combine((a.unsqueeze(-1) * memory).sum(1), h), h, a]


@alternative("input_feeding_step")
def step_with_einsum(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    joined = torch.empty(len(state), embedded.shape[1] + attentional.shape[1])
    joined[:, : embedded.shape[1]] = embedded
    joined[:, embedded.shape[1] :] = attentional
    h = cell(joined, state)
    a = attend(h, memory, src_mask)
    return combine(context=torch.einsum("bs,bsd->bd", a, memory), state=h), h, a


_SQUARED = "the distance is squared or taken absolutely, so its sign makes no difference"
equivalent("window_mask", "places - position.unsqueeze(1) -> position.unsqueeze(1) - places", _SQUARED)
equivalent(
    "gaussian_window",
    "torch.arange(weights.shape[1]) - position.unsqueeze(1) -> position.unsqueeze(1) - torch.arange(weights.shape[1])",
    _SQUARED,
)

# Seen in learners' work


@mistake(
    "dot_score", "The query needs an axis for the words: `keys @ query.unsqueeze(-1)`, and `squeeze(-1)` afterwards."
)
def no_axis_for_the_words(query, keys):
    return keys @ query


@mistake("general_score", "W is detached: the values are right, but W could never learn.")
def w_detached(query, keys, W):
    return (keys @ (query @ W.detach()).unsqueeze(-1)).squeeze(-1)


@mistake("concat_score", "W is cut in the middle. Its left part has as many columns as the *query* has features.")
def cut_in_the_middle(query, keys, W, v):
    h = W.shape[1] // 2
    return torch.tanh((query @ W[:, :h].T).unsqueeze(1) + keys @ W[:, h:].T) @ v


@mistake("concat_score", "The query must be repeated for every word before it is joined: `unsqueeze(1).expand(...)`.")
def query_not_repeated(query, keys, W, v):
    return torch.tanh(torch.cat([query, keys], dim=-1) @ W.T) @ v


@mistake("concat_score", "`torch.cat` without `dim` joins along the batch. Query and key stand side by side: `dim=-1`.")
def joined_along_the_batch(query, keys, W, v):
    return torch.tanh(torch.cat([query.unsqueeze(1).expand(-1, keys.shape[1], -1), keys]) @ W.T) @ v


@mistake(
    "window_mask",
    "`&` binds tighter than `<=`: this compares with `D & src_mask`. Put the comparison in brackets: "
    "`(distance <= D) & src_mask`.",
)
def brackets_missing_in_comparison(position, src_mask, D):
    distance = (torch.arange(src_mask.shape[1]) - position.unsqueeze(1)).abs()
    return distance <= D & src_mask


@mistake("window_mask", "The position is rounded first. It lies between words, and the distance is from there.")
def position_rounded(position, src_mask, D):
    places = torch.arange(src_mask.shape[1])
    return ((places - position.round().unsqueeze(1)).abs() <= D) & src_mask


@mistake("predict_position", "W_p and v_p are detached: the values are right, but the place could never be learned.")
def parameters_detached(state, W_p, v_p, src_mask):
    return src_mask.sum(dim=1) * torch.sigmoid(torch.tanh(state @ W_p.detach().T) @ v_p.detach())


@mistake("predict_position", "The lengths of all sentences are added up: sum the mask over the words only, `dim=1`.")
def all_lengths(state, W_p, v_p, src_mask):
    return src_mask.sum() * torch.sigmoid(torch.tanh(state @ W_p.T) @ v_p)


@mistake("gaussian_window", "Places are counted from 0: your distances are from 1.")
def places_from_one(weights, position, D):
    distance = torch.arange(1, weights.shape[1] + 1) - position.unsqueeze(1)
    return weights * torch.exp(-(distance**2) / (2 * (D / 2) ** 2))


@mistake(
    "attentional_vector", "You add context and state. They stand side by side: `torch.cat([context, state], dim=-1)`."
)
def added_up(context, state, W):
    return torch.tanh((context + state) @ W.T)


@mistake("attentional_vector", "`torch.cat` without `dim` stacks rows. Context and state stand side by side: `dim=-1`.")
def stacked_as_rows(context, state, W):
    return torch.tanh(torch.cat([context, state]) @ W.T)


@mistake(
    "attentional_vector", "Context and state are detached: the values are right, but nothing before them could learn."
)
def both_detached(context, state, W):
    return torch.tanh(torch.cat([context.detach(), state.detach()], dim=-1) @ W.T)


def _fed(embedded, attentional, state, memory, src_mask, cell, attend, combine, *, query=None, weights_of=None):
    new_state = cell(torch.cat([embedded, attentional], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    weights = weights_of(weights) if weights_of else weights
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return context, new_state, weights


@mistake("input_feeding_step", "h̃ is detached: what was decided one step earlier could not learn from this one.")
def fed_vector_detached(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    given = embedded, attentional.detach(), state, memory, src_mask, cell, attend, combine
    context, new_state, weights = _fed(*given)
    return combine(context, new_state), new_state, weights


@mistake("input_feeding_step", "`attend(...).detach()`: the values are right, but attention would never learn.")
def fed_weights_detached(*given):
    context, new_state, weights = _fed(*given, weights_of=lambda weights: weights.detach())
    return given[-1](context, new_state), new_state, weights


@mistake("input_feeding_step", "The arguments of `combine` are swapped: first the context, then the state.")
def combined_the_wrong_way(*given):
    context, new_state, weights = _fed(*given)
    return given[-1](new_state, context), new_state, weights


@mistake(
    "input_feeding_step",
    "That is lesson 03's step: here the cell's input is the word and h̃ of the step before, not the context; "
    "and the state "
    "*after* the cell asks.",
)
def step_of_lesson_three(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    new_state = cell(torch.cat([embedded, context], dim=-1), state)
    return combine(context, new_state), new_state, weights


@mistake("input_feeding_step", "You return the vector that came in. Return the new one, from `combine`.")
def old_vector_returned(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    _, new_state, weights = _fed(embedded, attentional, state, memory, src_mask, cell, attend, combine)
    return attentional, new_state, weights


@mistake("input_feeding_step", "The cell's arguments are swapped: first its input, word and h̃, then the old state.")
def fed_cell_swapped(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    def turned(x, h):
        return cell(h, x)

    context, new_state, weights = _fed(embedded, attentional, state, memory, src_mask, turned, attend, combine)
    return combine(context, new_state), new_state, weights


@mistake("window_mask", "2D + 1 is how many places the window holds. To either side it reaches D.")
def twice_as_wide(position, src_mask, D):
    places = torch.arange(src_mask.shape[1])
    return ((places - position.unsqueeze(1)).abs() <= 2 * D + 1) & src_mask


@mistake("window_mask", "The squared distance is compared with D. Compare the distance itself, or with D².")
def squared_distance(position, src_mask, D):
    places = torch.arange(src_mask.shape[1])
    return ((places - position.unsqueeze(1)) ** 2 <= D) & src_mask
