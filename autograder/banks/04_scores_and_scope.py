"""Known answers to lesson 04: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

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


@mistake(
    "general_score",
    "The queries of the whole batch are added up, since the einsum has another letter for their axis. "
    "Each sentence has its own: `b`.",
)
def queries_added_up(query, keys, W):
    return torch.einsum("an,nd,bsd->bs", query, W, keys)


@mistake(
    "general_score",
    "The first sentence's query scores all sentences. Each has its own.",
)
def first_query_for_all(query, keys, W):
    return torch.einsum("bn,nd,bsd->bs", query[:1].expand_as(query), W, keys)


@mistake(
    "general_score",
    "The score is divided by the width n: a mean of products. h_tᵀ W h̄_s is their sum.",
)
def divided_by_the_width(query, keys, W):
    return torch.einsum("bn,nd,bsd->bs", query, W, keys) / query.shape[1]


@mistake(
    "general_score",
    "The query is squared. It enters as it is.",
)
def query_squared(query, keys, W):
    return torch.einsum("bn,nd,bsd->bs", query**2, W, keys)


@mistake(
    "general_score",
    "The scores go through a sigmoid. Return them as they are.",
)
def through_a_sigmoid(query, keys, W):
    return torch.sigmoid(torch.einsum("bn,nd,bsd->bs", query, W, keys))


@mistake(
    "general_score",
    "The scores are divided by the lengths of the keys. The general score has no norm.",
)
def divided_by_key_length(query, keys, W):
    return torch.einsum("bn,nd,bsd->bs", query, W, keys) / keys.norm(dim=-1)


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


@mistake(
    "window_mask",
    "Yours sees all words that follow p, too: the window ends D places behind it, |s − p| ≤ D.",
)
def all_that_follow(position, src_mask, D):
    s = torch.arange(src_mask.shape[1])
    return ((position.unsqueeze(1) - s).clamp(min=0) <= D) & src_mask


@mistake(
    "window_mask",
    "The window is twice as wide: D places to *either* side, |s − p| ≤ D.",
)
def twice_as_wide_here(position, src_mask, D):
    s = torch.arange(src_mask.shape[1])
    return ((s - position.unsqueeze(1)).abs() <= 2 * D) & src_mask


@mistake(
    "window_mask",
    "The position is multiplied by the length. It is a place already.",
)
def position_as_a_share(position, src_mask, D):
    s = torch.arange(src_mask.shape[1])
    return ((s - (position * src_mask.sum(1)).unsqueeze(1)).abs() <= D) & src_mask


@mistake(
    "window_mask",
    "The first sentence's position is used for all. Each has its own: `position.unsqueeze(1)`.",
)
def one_position_for_all(position, src_mask, D):
    s = torch.arange(src_mask.shape[1])
    return ((s - position[0]).abs() <= D) & src_mask


@mistake(
    "window_mask",
    "You keep the *padding* in the window. True in `src_mask` is a word.",
)
def padding_in_the_window(position, src_mask, D):
    s = torch.arange(src_mask.shape[1])
    return ((s - position.unsqueeze(1)).abs() <= D) & ~src_mask


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


@mistake(
    "gaussian_window",
    "The weights are cut off at some distance. The Gaussian makes them small, and the window was the mask's task.",
)
def cut_off(weights, position, D):
    s = torch.arange(weights.shape[1])
    sigma = D / 2
    return (
        ((s - position.unsqueeze(1)).abs() <= D / 2)
        * weights
        * torch.exp(-((s - position.unsqueeze(1)) ** 2) / (2 * sigma**2))
    )


@mistake(
    "gaussian_window",
    "The Gaussian is made to sum to 1, by a softmax. It is 1 at p itself: exp(−(s − p)² / 2σ²).",
)
def gaussian_by_softmax(weights, position, D):
    s = torch.arange(weights.shape[1])
    sigma = D / 2
    return weights * torch.softmax(-((s - position.unsqueeze(1)) ** 2) / (2 * sigma**2), -1)


@mistake(
    "gaussian_window",
    "σ is half of D, not twice D.",
)
def twice_the_window(weights, position, D):
    s = torch.arange(weights.shape[1])
    sigma = 2 * D
    return weights * torch.exp(-((s - position.unsqueeze(1)) ** 2) / (2 * sigma**2))


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


@mistake(
    "input_feeding_step",
    "The attentional vector is returned as the state, too. The new state is what the cell gives.",
)
def vector_as_state(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new = cell(torch.cat([embedded, attentional], -1), state)
    weights = attend(new, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return combine(context, new), combine(context, new), weights


@mistake(
    "input_feeding_step",
    "The words are asked once more, by the attentional vector. The weights are those that the new state got.",
)
def asked_a_second_time(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new = cell(torch.cat([embedded, attentional], -1), state)
    weights = attend(new, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    weights = attend(combine(context, new), memory, src_mask)
    return combine(context, new), new, weights


@mistake(
    "input_feeding_step",
    "The mask is handed on upside down: True means a word.",
)
def mask_upside_down(embedded, attentional, state, memory, src_mask, cell, attend, combine):
    new = cell(torch.cat([embedded, attentional], -1), state)
    weights = attend(new, memory, ~src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return combine(context, new), new, weights


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


@mistake("general_score", "W is detached: the values are right, but W could never learn.")
def w_detached(query, keys, W):
    return (keys @ (query @ W.detach()).unsqueeze(-1)).squeeze(-1)


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


@mistake("gaussian_window", "Places are counted from 0: your distances are from 1.")
def places_from_one(weights, position, D):
    distance = torch.arange(1, weights.shape[1] + 1) - position.unsqueeze(1)
    return weights * torch.exp(-(distance**2) / (2 * (D / 2) ** 2))


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


@mistake(
    "general_score",
    "squeeze() without an axis also removes the batch when it is one sentence. Name the axis: squeeze(-1).",
)
def general_squeezed_all(query, keys, W):
    return (keys @ (query @ W).unsqueeze(-1)).squeeze()


@mistake(
    "input_feeding_step",
    "squeeze() without an axis also removes the batch when it is one sentence. Name the axis: squeeze(1).",
)
def context_squeezed_all(*given):
    _, new_state, weights = _fed(*given)
    return given[-1]((weights.unsqueeze(1) @ given[3]).squeeze(), new_state), new_state, weights


@mistake(
    "gaussian_window",
    "This is the colleague's function as it was. Three things are wrong: the distance from a rounded position, the "
    "brackets of the denominator, and the product normalised again.",
)
def window_as_found(weights, position, D):
    distance = torch.arange(weights.shape[1]) - position.unsqueeze(1).round()
    bent = weights * torch.exp(-(distance**2) / 2 * (D / 2) ** 2)
    return bent / bent.sum(dim=1, keepdim=True)


@mistake("gaussian_window", "The brackets are right. The position is still rounded, and the sum still made 1 again.")
def window_brackets_mended(weights, position, D):
    distance = torch.arange(weights.shape[1]) - position.unsqueeze(1).round()
    bent = weights * torch.exp(-(distance**2) / (2 * (D / 2) ** 2))
    return bent / bent.sum(dim=1, keepdim=True)


@mistake("gaussian_window", "Not normalised again: right. Brackets and rounded position are still to be mended.")
def window_sum_mended(weights, position, D):
    distance = torch.arange(weights.shape[1]) - position.unsqueeze(1).round()
    return weights * torch.exp(-(distance**2) / 2 * (D / 2) ** 2)


@mistake("gaussian_window", "The position is real now. The brackets and the second normalising are still to be mended.")
def window_position_mended(weights, position, D):
    bent = weights * torch.exp(-(_distance(position, weights) ** 2) / 2 * (D / 2) ** 2)
    return bent / bent.sum(dim=1, keepdim=True)


# window_finds


def _finds(positions, weights, gold, D, *, near=None, largest=None, counts=None):
    """Both shares, with one step done otherwise."""
    distance = (torch.arange(gold.shape[-1]) - positions.unsqueeze(-1)).abs()
    near = distance <= D if near is None else near(distance)
    largest = weights.argmax(-1) if largest is None else largest(distance)
    on_gold = gold.gather(-1, largest.unsqueeze(-1)).squeeze(-1)
    counts = gold.any(-1) if counts is None else counts
    return (near & gold).any(-1)[counts].float().mean(), on_gold[counts].float().mean()


@mistake("window_finds", "You divide by all words, padding too. Only those with gold count: `gold.any(dim=-1)`.")
def finds_of_all_words(positions, weights, gold, D):
    return _finds(positions, weights, gold, D, counts=torch.ones_like(gold[..., 0]))


@mistake("window_finds", "You count links for `inside`. A word counts once, however many gold words it has: `any`.")
def finds_of_links(positions, weights, gold, D):
    near = (torch.arange(gold.shape[-1]) - positions.unsqueeze(-1)).abs() <= D
    return (near & gold).sum() / gold.sum(), _finds(positions, weights, gold, D)[1]


@mistake("window_finds", "The window reaches D places *included*: `<=`, as in `window_mask`.")
def finds_strictly(positions, weights, gold, D):
    return _finds(positions, weights, gold, D, near=lambda distance: distance < D)


@mistake("window_finds", "The positions are rounded. A window has a real number in its middle.")
def finds_rounded(positions, weights, gold, D):
    return _finds(positions.round(), weights, gold, D)


@mistake("window_finds", "The positions are cut to whole numbers. A window has a real number in its middle.")
def finds_cut(positions, weights, gold, D):
    return _finds(positions.long(), weights, gold, D)


@mistake("window_finds", "`on_gold` asks where the largest *weight* lies; you take the place nearest to the position.")
def finds_nearest(positions, weights, gold, D):
    return _finds(positions, weights, gold, D, largest=lambda distance: distance.argmin(-1))


@mistake("window_finds", "That is the mean weight on gold. Asked is how often the *largest* weight lies on gold.")
def finds_mass(positions, weights, gold, D):
    counts = gold.any(-1)
    return _finds(positions, weights, gold, D)[0], (weights * gold).sum(-1)[counts].mean()


@mistake("window_finds", "You want *all* gold words of a word in the window. One of them is enough: `any`.")
def finds_all_gold(positions, weights, gold, D):
    near = (torch.arange(gold.shape[-1]) - positions.unsqueeze(-1)).abs() <= D
    counts = gold.any(-1)
    return (near | ~gold).all(-1)[counts].float().mean(), _finds(positions, weights, gold, D)[1]


@mistake("window_finds", "You look at the first gold word alone. A word may have several, and any of them will do.")
def finds_first_gold(positions, weights, gold, D):
    first, counts = gold.long().argmax(-1), gold.any(-1)
    inside = (first - positions).abs() <= D
    return inside[counts].float().mean(), (weights.argmax(-1) == first)[counts].float().mean()


@mistake("window_finds", "`on_gold` is a share of *all* words with gold, not of those whose gold lies in the window.")
def finds_of_inside(positions, weights, gold, D):
    near = (torch.arange(gold.shape[-1]) - positions.unsqueeze(-1)).abs() <= D
    within = (near & gold).any(-1)
    return _finds(positions, weights, gold, D)[0], _finds(positions, weights, gold, D, counts=within)[1]


@mistake("window_finds", "The results are in another order: first `inside`, then `on_gold`.")
def finds_swapped(positions, weights, gold, D):
    return _finds(positions, weights, gold, D)[::-1]


@mistake("window_finds", "You give numbers of words. Shares are asked for: divide by how many words have gold.")
def finds_numbers(positions, weights, gold, D):
    return [share * gold.any(-1).sum() for share in _finds(positions, weights, gold, D)]


@mistake(
    "window_finds",
    "A mean over each sentence first makes words of short sentences count more. Every word counts alike.",
)
def finds_by_sentence(positions, weights, gold, D):
    rows = [_finds(*(x[b : b + 1] for x in (positions, weights, gold)), D) for b in range(len(gold))]
    return [torch.stack(shares).nanmean() for shares in zip(*rows, strict=True)]


@mistake("window_finds", "All places before the position pass for near ones: the absolute value is missing.")
def finds_without_abs(positions, weights, gold, D):
    near = (torch.arange(gold.shape[-1]) - positions.unsqueeze(-1)) <= D
    return (near & gold).any(-1)[gold.any(-1)].float().mean(), _finds(positions, weights, gold, D)[1]


@mistake("window_finds", "The argmax runs over the target words. You want each word's largest weight over the source.")
def finds_wrong_axis(positions, weights, gold, D):
    best = torch.zeros_like(gold).scatter(1, weights.argmax(1, keepdim=True), True)
    counts = gold.any(-1)
    return _finds(positions, weights, gold, D)[0], (best & gold).any(-1)[counts].float().mean()


@mistake(
    "window_finds",
    "A word counts as found only if its gold lies in the window, too. On gold is asked of the weights alone.",
)
def found_in_the_window_only(positions, weights, gold, D):
    has = gold.any(-1)
    s = torch.arange(gold.shape[-1])
    near = (s - positions.unsqueeze(-1)).abs() <= D
    inside = (near & gold).any(-1)
    looked = weights.argmax(-1, keepdim=True)
    on = gold.gather(-1, looked).squeeze(-1) & inside
    return inside[has].double().mean(), on[has].double().mean()


@mistake(
    "window_finds",
    "You look where the weight is *smallest*: argmax.",
)
def smallest_weight(positions, weights, gold, D):
    has = gold.any(-1)
    s = torch.arange(gold.shape[-1])
    near = (s - positions.unsqueeze(-1)).abs() <= D
    inside = (near & gold).any(-1)
    looked = weights.argmin(-1, keepdim=True)
    on = gold.gather(-1, looked).squeeze(-1)
    return inside[has].double().mean(), on[has].double().mean()


@mistake(
    "window_finds",
    "Only the first gold word is asked whether it lies in the window. One of them is enough: any.",
)
def first_gold_word_only(positions, weights, gold, D):
    has = gold.any(-1)
    s = torch.arange(gold.shape[-1])
    near = (s - positions.unsqueeze(-1)).abs() <= D
    inside = near.gather(-1, gold.int().argmax(-1, keepdim=True)).squeeze(-1)
    looked = weights.argmax(-1, keepdim=True)
    on = gold.gather(-1, looked).squeeze(-1)
    return inside[has].double().mean(), on[has].double().mean()


@mistake(
    "window_finds",
    "You look for the largest weight within the window. It is the largest of all.",
)
def largest_in_the_window(positions, weights, gold, D):
    has = gold.any(-1)
    s = torch.arange(gold.shape[-1])
    near = (s - positions.unsqueeze(-1)).abs() <= D
    inside = (near & gold).any(-1)
    looked = (weights * near).argmax(-1, keepdim=True)
    on = gold.gather(-1, looked).squeeze(-1)
    return inside[has].double().mean(), on[has].double().mean()


@mistake(
    "window_finds",
    "You ask the target words that have *no* gold. Those that have one count.",
)
def words_without_gold(positions, weights, gold, D):
    has = ~gold.any(-1)
    s = torch.arange(gold.shape[-1])
    near = (s - positions.unsqueeze(-1)).abs() <= D
    inside = (near & gold).any(-1)
    looked = weights.argmax(-1, keepdim=True)
    on = gold.gather(-1, looked).squeeze(-1)
    return inside[has].double().mean(), on[has].double().mean()


@mistake(
    "window_finds",
    "The window is twice as wide: D places to either side, |s − p| ≤ D.",
)
def window_twice_as_wide(positions, weights, gold, D):
    has = gold.any(-1)
    s = torch.arange(gold.shape[-1])
    near = (s - positions.unsqueeze(-1)).abs() <= 2 * D
    inside = (near & gold).any(-1)
    looked = weights.argmax(-1, keepdim=True)
    on = gold.gather(-1, looked).squeeze(-1)
    return inside[has].double().mean(), on[has].double().mean()


@alternative("window_finds")
def finds_in_loops(positions, weights, gold, D):
    words, inside, on_gold = 0, 0, 0
    for b in range(gold.shape[0]):
        for t in range(gold.shape[1]):
            places = gold[b, t].nonzero().flatten().tolist()
            if places:
                words += 1
                inside += any(abs(s - positions[b, t].item()) <= D for s in places)
                on_gold += int(weights[b, t].argmax()) in places
    return torch.tensor(inside / words), torch.tensor(on_gold / words)


@alternative("window_finds")
def finds_by_filling(positions, weights, gold, D):
    distance = (positions[..., None] - torch.arange(gold.shape[2])).abs().masked_fill(~gold, torch.inf).amin(-1)
    highest = weights.masked_fill(~gold, -1).amax(-1) == weights.amax(-1)
    number = (distance < torch.inf).sum()
    return (distance <= D).sum() / number, (highest & gold.any(-1)).sum() / number


@alternative("window_finds")
def finds_by_selection(positions, weights, gold, D):
    counts = gold.any(2)
    p, w, g = positions[counts], weights[counts], gold[counts]
    s = torch.arange(g.shape[1])
    inside = ((s >= p[:, None] - D) & (s <= p[:, None] + D) & g).sum(1).clamp(max=1)
    return inside.double().mean(), g[torch.arange(len(g)), w.max(1).indices].double().mean()


@alternative("window_finds")
def finds_in_numpy(positions, weights, gold, D):
    gold, positions, weights = gold.numpy(), positions.numpy(), weights.numpy()
    counts = gold.any(-1)
    near = np.abs(np.arange(gold.shape[-1]) - positions[..., None]) <= D
    on_gold = np.take_along_axis(gold, weights.argmax(-1)[..., None], -1)[..., 0]
    return (near & gold).any(-1)[counts].mean(), on_gold[counts].mean()


equivalent(
    "window_finds",
    "torch.arange(gold.shape[-1]) - positions.unsqueeze(-1) -> positions.unsqueeze(-1) - torch.arange(gold.shape[-1])",
    _SQUARED,
)


@mistake(
    "window_finds",
    "The weights are looked at on gold alone. Where gold has no weight at all, outside the window, that finds place 0. "
    "Take the largest of all weights, and ask gold there.",
)
def finds_largest_on_gold(positions, weights, gold, D):
    found = (weights * gold).argmax(-1) == weights.argmax(-1)
    return _finds(positions, weights, gold, D)[0], found[gold.any(-1)].float().mean()


@mistake("window_finds", "Your window lies around the largest weight. It lies around the *position*.")
def finds_around_the_largest(positions, weights, gold, D):
    return _finds(weights.argmax(-1), weights, gold, D)


@mistake("window_finds", "`inside` asks where *gold* lies; you ask whether the largest weight lies in the window.")
def finds_largest_in_window(positions, weights, gold, D):
    inside = (weights.argmax(-1) - positions).abs() <= D
    return inside[gold.any(-1)].float().mean(), _finds(positions, weights, gold, D)[1]


@mistake("window_finds", "D places to *either* side: your window is half as wide.")
def finds_in_half_a_window(positions, weights, gold, D):
    return _finds(positions, weights, gold, D, near=lambda distance: distance <= D / 2)


@mistake("window_finds", "You take the mean of the gold places. A word may have several, and any one of them will do.")
def finds_mean_gold(positions, weights, gold, D):
    middle = (gold * torch.arange(gold.shape[-1])).sum(-1) / gold.sum(-1).clamp(min=1)
    inside = (middle - positions).abs() <= D
    return inside[gold.any(-1)].float().mean(), _finds(positions, weights, gold, D)[1]


@mistake("window_finds", "Places are counted from 0: your window stands one place off.")
def finds_from_one(positions, weights, gold, D):
    return _finds(positions - 1, weights, gold, D)


@mistake(
    "window_finds", "`inside` is a mean over all *places*. Ask each word first whether any of its gold places is near."
)
def finds_of_all_places(positions, weights, gold, D):
    near = (torch.arange(gold.shape[-1]) - positions.unsqueeze(-1)).abs() <= D
    return (near & gold).float().mean(), _finds(positions, weights, gold, D)[1]


@mistake("window_finds", "These are the shares of the words that are *not* found: 1 minus what is asked for.")
def finds_missed(positions, weights, gold, D):
    return [1 - share for share in _finds(positions, weights, gold, D)]


@mistake("gaussian_window", "The position is cut to a whole number, so no gradient reaches it. Use the real number.")
def truncated_position(weights, position, D):
    return weights * _gauss(torch.arange(weights.shape[1]) - position.floor().unsqueeze(1), D)


@mistake(
    "gaussian_window", "The distance isn't squared: places before the position get more weight than it has itself."
)
def signed_distance(weights, position, D):
    distance = torch.arange(weights.shape[1]) - position.unsqueeze(1)
    return weights * torch.exp(-distance / (2 * (D / 2) ** 2))


@mistake(
    "gaussian_window",
    "What lies further away than D is cut off here. `window_mask` does that; the Gaussian only bends.",
)
def cut_off_at_the_window(weights, position, D):
    distance = torch.arange(weights.shape[1]) - position.unsqueeze(1)
    return weights * _gauss(distance, D) * (distance.abs() <= D)


@mistake(
    "gaussian_window",
    "You divide by the largest. The product is returned as it is: a window in a wrong place gives little.",
)
def divided_by_the_largest(weights, position, D):
    bent = weights * _gauss(torch.arange(weights.shape[1]) - position.unsqueeze(1), D)
    return bent / bent.amax(dim=1, keepdim=True)


@mistake("gaussian_window", "A softmax of the product is normalised again. The product is returned as it is.")
def softmax_of_the_product(weights, position, D):
    return torch.softmax(weights * _gauss(torch.arange(weights.shape[1]) - position.unsqueeze(1), D), dim=1)


def _gauss(distance, D):
    return torch.exp(-(distance**2) / (2 * (D / 2) ** 2))
