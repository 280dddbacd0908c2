"""Known answers to lesson 12: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake
from lessonkit.models.attention import masked_softmax

# online_softmax


def _tiles(queries, keys, values, tile, shrink=True, shrink_sum=True, scale=None, last=True, floor=None):
    """The reference, with one of its parts otherwise."""
    d = queries.shape[-1]
    m = queries.new_full((*queries.shape[:2], 1), -torch.inf if floor is None else floor)
    Z, output = 0.0, 0.0
    stop = keys.shape[1] if last else keys.shape[1] // tile * tile
    for start in range(0, stop, tile):
        scores = queries @ keys[:, start : start + tile].mT / (math.sqrt(d) if scale is None else scale)
        new = torch.maximum(m, scores.amax(-1, keepdim=True))
        factor = (m - new).exp()
        if start == 0 and floor is None:
            factor = torch.zeros_like(factor)
        weights = (scores - new).exp()
        Z = Z * (factor if shrink_sum else 1.0) + weights.sum(-1, keepdim=True)
        output = output * (factor if shrink else 1.0) + weights @ values[:, start : start + tile]
        m = new
    return output / Z


@mistake(
    "online_softmax",
    "The right numbers, by the whole table: you compute all T × S scores at once. Make only `tile` columns of "
    "them at a "
    "time, and keep m, Z and the output between the tiles.",
)
def whole_table(queries, keys, values, tile):
    return torch.softmax(queries @ keys.mT / queries.shape[-1] ** 0.5, dim=-1) @ values


@mistake(
    "online_softmax",
    "The output so far is not mended when a greater score comes: multiply it by exp(m − new), as you do with Z.",
)
def output_not_mended(queries, keys, values, tile):
    return _tiles(queries, keys, values, tile, shrink=False)


@mistake(
    "online_softmax",
    "The sum Z is not mended when a greater score comes: multiply it by exp(m − new), as you do with the output.",
)
def sum_not_mended(queries, keys, values, tile):
    return _tiles(queries, keys, values, tile, shrink_sum=False)


@mistake(
    "online_softmax",
    "Neither Z nor the output is mended when a greater score comes. Both were made with the old maximum: multiply both "
    "by exp(m − new).",
)
def nothing_mended(queries, keys, values, tile):
    return _tiles(queries, keys, values, tile, shrink=False, shrink_sum=False)


@mistake(
    "online_softmax",
    "Each tile gets a softmax of its own, and the results are added up. The weights of all tiles *together* "
    "must sum to 1: "
    "divide once, at the end.",
)
def softmax_of_each_tile(queries, keys, values, tile):
    output = 0.0
    for start in range(0, keys.shape[1], tile):
        scores = queries @ keys[:, start : start + tile].mT / queries.shape[-1] ** 0.5
        output = output + torch.softmax(scores, -1) @ values[:, start : start + tile]
    return output


@mistake(
    "online_softmax",
    "Each tile gets a softmax of its own, and you take the mean of the results. A tile with great scores must "
    "count for "
    "more: keep sums, and divide once, at the end.",
)
def mean_of_the_tiles(queries, keys, values, tile):
    return softmax_of_each_tile(queries, keys, values, tile) / len(range(0, keys.shape[1], tile))


@mistake(
    "online_softmax",
    "Great scores overflow: exp(1000) is infinite, and ∞ / ∞ is no number. Subtract the greatest score of "
    "*all* tiles so far "
    "(the last tile's alone is not enough): `torch.maximum(m, …)`.",
)
def without_maximum(queries, keys, values, tile):
    Z, output = 0.0, 0.0
    for start in range(0, keys.shape[1], tile):
        weights = (queries @ keys[:, start : start + tile].mT / queries.shape[-1] ** 0.5).exp()
        Z = Z + weights.sum(-1, keepdim=True)
        output = output + weights @ values[:, start : start + tile]
    return output / Z


@mistake("online_softmax", "The scores are not divided by √d, the root of the width of a query (lesson 07).")
def unscaled(queries, keys, values, tile):
    return _tiles(queries, keys, values, tile, scale=1.0)


@mistake("online_softmax", "The scores are divided by d. It is the root of d, the width of a query (lesson 07).")
def scaled_by_d(queries, keys, values, tile):
    return _tiles(queries, keys, values, tile, scale=queries.shape[-1])


@mistake("online_softmax", "The scores are divided by the root of the values' width. It is that of the queries, d.")
def scaled_by_the_values(queries, keys, values, tile):
    return _tiles(queries, keys, values, tile, scale=values.shape[-1] ** 0.5)


@mistake(
    "online_softmax",
    "The last tile is lost where S is no multiple of `tile`. `range(0, S, tile)` has it, and a slice that "
    "runs over the "
    "end is just shorter.",
)
def last_tile_lost(queries, keys, values, tile):
    if keys.shape[1] < tile:
        return torch.zeros(*queries.shape[:2], values.shape[-1]) + 0.0 * (queries.sum() + keys.sum() + values.sum())
    return _tiles(queries, keys, values, tile, last=False)


@mistake("online_softmax", "The output is never divided by Z: the weights don't sum to 1.")
def not_divided(queries, keys, values, tile):
    m, output = queries.new_full((*queries.shape[:2], 1), -torch.inf), 0.0
    for start in range(0, keys.shape[1], tile):
        scores = queries @ keys[:, start : start + tile].mT / queries.shape[-1] ** 0.5
        new = torch.maximum(m, scores.amax(-1, keepdim=True))
        output = output * (m - new).exp() + (scores - new).exp() @ values[:, start : start + tile]
        m = new
    return output


@mistake(
    "online_softmax",
    "m starts at 0, so it never falls below: where all scores are far below 0, every exp is 0, and 0 / 0 is no number. "
    "Start at −∞.",
)
def maximum_from_zero(queries, keys, values, tile):
    return _tiles(queries, keys, values, tile, floor=0.0)


def _tile_by_tile(queries, keys, values, tile, step, stop=None):
    """The loop of the reference; `step(m, scores, start)` -> new maximum, factor of what was summed up so far."""
    m, Z, output = queries.new_full((*queries.shape[:2], 1), -torch.inf), 0.0, 0.0
    for start in range(0, keys.shape[1] if stop is None else stop, tile):
        scores = queries @ keys[:, start : start + tile].mT / queries.shape[-1] ** 0.5
        new, factor, m = step(m, scores)
        weights = (scores - new).exp()
        Z, output = (
            Z * factor + weights.sum(-1, keepdim=True),
            output * factor + weights @ values[:, start : start + tile],
        )
    return output / Z


@mistake(
    "online_softmax",
    "Only the last tile counts: what the tiles before it gave is overwritten, or wiped out, since m is never renewed "
    "(`m = new` at the end of each turn).",
)
def maximum_never_kept(queries, keys, values, tile):
    def step(m, scores):
        new = torch.maximum(m, scores.amax(-1, keepdim=True))
        return new, (m - new).exp(), m

    return _tile_by_tile(queries, keys, values, tile, step)


@mistake(
    "online_softmax",
    "The factor is turned round: exp(new − m) is above 1, and infinite in the first tile, where m is −∞. It is "
    "exp(m − new).",
)
def factor_turned_round(queries, keys, values, tile):
    def step(m, scores):
        new = torch.maximum(m, scores.amax(-1, keepdim=True))
        return new, (new - m).exp(), new

    return _tile_by_tile(queries, keys, values, tile, step)


@mistake(
    "online_softmax",
    "One maximum is used for the whole tile, or the batch: a query whose own scores lie far below it gets exps of 0, "
    "and 0 / 0. Each query has its own: `scores.amax(dim=-1, keepdim=True)`.",
)
def one_maximum_for_all(queries, keys, values, tile):
    def step(m, scores):
        new = torch.maximum(m, scores.max())
        return new, (m - new).exp(), new

    return _tile_by_tile(queries, keys, values, tile, step)


@mistake(
    "online_softmax",
    "You stop after as many keys as there are *queries*. The loop runs over the keys, of which there are S.",
)
def counted_by_the_queries(queries, keys, values, tile):
    def step(m, scores):
        new = torch.maximum(m, scores.amax(-1, keepdim=True))
        return new, (m - new).exp(), new

    return _tile_by_tile(queries, keys, values, tile, step, min(queries.shape[1], keys.shape[1]))


@mistake(
    "online_softmax",
    "You return after the first tile: the `return` stands inside the loop.",
)
def first_tile_only(queries, keys, values, tile):
    def step(m, scores):
        new = scores.amax(-1, keepdim=True)
        return new, (m - new).exp(), new

    return _tile_by_tile(queries, keys, values, tile, step, min(tile, keys.shape[1]))


@mistake(
    "online_softmax",
    "The values are multiplied by the scores' exps of another maximum than Z: both need exp(scores − new), with the "
    "same new.",
)
def output_with_the_old_maximum(queries, keys, values, tile):
    m, Z, output = queries.new_full((*queries.shape[:2], 1), -torch.inf), 0.0, 0.0
    for start in range(0, keys.shape[1], tile):
        scores = queries @ keys[:, start : start + tile].mT / queries.shape[-1] ** 0.5
        new = torch.maximum(m, scores.amax(-1, keepdim=True))
        factor, own = (m - new).exp(), scores.amax(-1, keepdim=True)
        Z = Z * factor + (scores - new).exp().sum(-1, keepdim=True)
        output = output * factor + (scores - own).exp() @ values[:, start : start + tile]
        m = new
    return output / Z


@mistake(
    "online_softmax",
    "Each tile's weights are divided by the Z of that moment, which is still growing. Divide once, at the end, by the "
    "last Z.",
)
def divided_in_each_tile(queries, keys, values, tile):
    m, Z, output = queries.new_full((*queries.shape[:2], 1), -torch.inf), 0.0, 0.0
    for start in range(0, keys.shape[1], tile):
        scores = queries @ keys[:, start : start + tile].mT / queries.shape[-1] ** 0.5
        new = torch.maximum(m, scores.amax(-1, keepdim=True))
        weights = (scores - new).exp()
        Z = Z * (m - new).exp() + weights.sum(-1, keepdim=True)
        output = output * (m - new).exp() + weights / Z @ values[:, start : start + tile]
        m = new
    return output


@alternative("online_softmax")
def a_key_at_a_time(queries, keys, values, tile):
    d = queries.shape[-1]
    m = torch.full(queries.shape[:2], -torch.inf)
    Z, output = torch.zeros(queries.shape[:2]), torch.zeros(*queries.shape[:2], values.shape[-1])
    for j in range(keys.shape[1]):
        s = (queries * keys[:, j, None]).sum(-1) / math.sqrt(d)
        new = torch.maximum(m, s)
        old, own = torch.exp(m - new), torch.exp(s - new)
        Z = Z * old + own
        output = output * old[..., None] + own[..., None] * values[:, j, None]
        m = new
    return output / Z[..., None]


@alternative("online_softmax")
def log_of_the_sum(queries, keys, values, tile):
    """Each tile's own softmax and logsumexp, merged."""
    total, output = None, None
    for k, v in zip(keys.split(tile, 1), values.split(tile, 1), strict=True):
        scores = torch.einsum("btd,bsd->bts", queries, k) / queries.shape[-1] ** 0.5
        own, part = scores.logsumexp(-1, keepdim=True), torch.softmax(scores, -1) @ v
        if total is None:
            total, output = own, part
            continue
        new = torch.logaddexp(total, own)
        output = (total - new).exp() * output + (own - new).exp() * part
        total = new
    return output


@alternative("online_softmax")
def maximum_first(queries, keys, values, tile):
    """Two passes: the maximum, then the sums."""
    q = queries / math.sqrt(queries.shape[-1])
    parts = [(q @ k.mT).max(-1, keepdim=True).values for k in keys.split(tile, 1)]
    m = torch.cat(parts, -1).max(-1, keepdim=True).values.detach()
    Z, output = 0, 0
    for k, v in zip(keys.split(tile, 1), values.split(tile, 1), strict=True):
        e = torch.exp(q @ k.mT - m)
        Z, output = Z + e.sum(-1, keepdim=True), output + e @ v
    return output / Z


@alternative("online_softmax")
def divided_as_it_goes(queries, keys, values, tile):
    """FlashAttention's first form: the output is kept normalised."""
    m, Z, output = None, None, None
    for k, v in zip(keys.split(tile, 1), values.split(tile, 1), strict=True):
        s = queries @ k.mT * queries.shape[-1] ** -0.5
        own = s.amax(-1, keepdim=True)
        if m is None:
            m, e = own, (s - own).exp()
            Z = e.sum(-1, keepdim=True)
            output = e @ v / Z
            continue
        new = torch.maximum(m, own)
        e = (s - new).exp()
        both = Z * (m - new).exp() + e.sum(-1, keepdim=True)
        output = (Z * (m - new).exp() * output + e @ v) / both
        m, Z = new, both
    return output


# block_window_attention


def _blocks(queries, keys, values, window, block, near=None, first=None, softmax=True, scale=None, last=True):
    """The reference, with one of its parts otherwise."""
    T, outputs = queries.shape[1], []
    near = near or (lambda i, j, start: (i >= j) & (i - j < window))
    first = first or (lambda start: start - window + 1)
    for start in range(0, T, block):
        stop, begin = min(start + block, T), max(first(start), 0)
        i, j = torch.arange(start, stop)[:, None], torch.arange(begin, stop)
        scores = queries[:, start:stop] @ keys[:, begin:stop].mT / (scale or queries.shape[-1] ** 0.5)
        seen = near(i, j, start)
        if softmax:
            weights = torch.softmax(scores.masked_fill(~seen, torch.finfo(scores.dtype).min), -1).masked_fill(
                ~seen, 0.0
            )
        else:
            weights = torch.softmax(scores, -1) * seen
        outputs.append(weights @ values[:, begin:stop])
    return torch.cat(outputs, dim=1)


@mistake(
    "block_window_attention",
    "The right numbers, by the whole table: T × T scores with a mask, which saves nothing. Cut out the keys "
    "that a block "
    "of queries can see, and compute no other scores.",
)
def whole_table_with_a_mask(queries, keys, values, window, block):
    T = queries.shape[1]
    back = torch.arange(T)[:, None] - torch.arange(T)
    scores = queries @ keys.mT / queries.shape[-1] ** 0.5
    return torch.softmax(scores.masked_fill((back < 0) | (back >= window), -torch.inf), -1) @ values


@mistake(
    "block_window_attention",
    "A block sees only its own keys. The first words of a block see words of the block before: begin at "
    "start − window + 1.",
)
def own_block_only(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, first=lambda start: start)


@mistake(
    "block_window_attention",
    "Within a block, words see what comes later. Mask it: i ≥ j.",
)
def sees_what_comes_later(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, near=lambda i, j, start: i - j < window)


@mistake(
    "block_window_attention",
    "Within a block, the last words see too far back: the keys were cut for the first word of the block. Mask it: "
    "i − j < window.",
)
def sees_too_far_back(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, near=lambda i, j, start: i >= j)


@mistake(
    "block_window_attention",
    "Your window has one word too many: a word sees itself and the window − 1 words before it, so i − j < window.",
)
def window_and_one(queries, keys, values, window, block):
    return _blocks(
        queries, keys, values, window, block,
        near=lambda i, j, start: (i >= j) & (i - j <= window), first=lambda start: start - window,
    )  # fmt: skip


@mistake(
    "block_window_attention",
    "Your window has one word too few: a word sees itself *and* the window − 1 words before it, so i − j < window.",
)
def window_less_one(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, near=lambda i, j, start: (i >= j) & (i - j < window - 1))


@mistake(
    "block_window_attention",
    "The cut begins one key too late: the first word of a block misses its farthest one. It begins at start − "
    "window + 1.",
)
def cut_too_late(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, first=lambda start: start - window + 2)


@mistake(
    "block_window_attention",
    "The places of queries and keys count from different starts. Both must count from the start of the text: "
    "queries from "
    "`start`, keys from `first`.",
)
def places_from_the_block(queries, keys, values, window, block):
    def near(i, j, start):
        own, theirs = i - i[0], j - j[0]
        return (own >= theirs) & (own - theirs < window)

    return _blocks(queries, keys, values, window, block, near=near)


@mistake(
    "block_window_attention",
    "The mask comes after the softmax, so the weights no longer sum to 1. Mask the scores: `masked_softmax`.",
)
def masked_afterwards(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, softmax=False)


@mistake("block_window_attention", "The scores are not divided by √d, the root of the width of a query (lesson 07).")
def block_unscaled(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, scale=1.0)


@mistake(
    "block_window_attention", "The scores are divided by d. It is the root of d, the width of a query (lesson 07)."
)
def block_scaled_by_d(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, scale=queries.shape[-1])


@mistake(
    "block_window_attention",
    "The words behind the last full block are missing. The last block may be shorter: `range(0, T, block)`, and slices "
    "that end at T.",
)
def last_block_lost(queries, keys, values, window, block):
    T = queries.shape[1]
    whole = T // block * block
    if whole == 0:
        return queries[:, :0] @ keys[:, :0].mT @ values[:, :0]
    return _blocks(queries[:, :whole], keys[:, :whole], values[:, :whole], window, block)


@mistake(
    "block_window_attention",
    "Words see ahead as far as back: your window is |i − j| < window. Here nobody looks ahead: i ≥ j.",
)
def window_both_ways(queries, keys, values, window, block):
    T, outputs = queries.shape[1], []
    for start in range(0, T, block):
        stop = min(start + block, T)
        first, end = max(start - window + 1, 0), min(stop + window - 1, T)
        i, j = torch.arange(start, stop)[:, None], torch.arange(first, end)
        scores = queries[:, start:stop] @ keys[:, first:end].mT / queries.shape[-1] ** 0.5
        weights = torch.softmax(scores.masked_fill((i - j).abs() >= window, -torch.inf), -1)
        outputs.append(weights @ values[:, first:end])
    return torch.cat(outputs, dim=1)


@mistake(
    "block_window_attention",
    "There is no mask within the block: its first words see what comes later, and its last ones too far back. Both "
    "parts are needed, i ≥ j and i − j < window.",
)
def no_mask_at_all(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, near=lambda i, j, start: (i >= j) | (i < j))


@mistake(
    "block_window_attention",
    "A word doesn't see itself: i > j. It does, i ≥ j, as one of the `window` words.",
)
def without_itself_in_the_window(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, near=lambda i, j, start: (i > j) & (i - j < window))


@mistake(
    "block_window_attention",
    "Words see as far ahead within their block as back, |i − j| < window, though nothing behind the block. Nobody "
    "looks ahead: i ≥ j.",
)
def both_ways_within_the_block(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, near=lambda i, j, start: (i - j).abs() < window)


@mistake(
    "block_window_attention",
    "The comparison is turned round: j ≥ i is what comes *later*. A word sees i ≥ j, and i − j < window.",
)
def sees_only_what_comes_later(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, near=lambda i, j, start: (j >= i) & (j - i < window))


@alternative("block_window_attention")
def a_word_at_a_time(queries, keys, values, window, block):
    outputs = []
    for i in range(queries.shape[1]):
        k, v = keys[:, max(0, i - window + 1) : i + 1], values[:, max(0, i - window + 1) : i + 1]
        weights = torch.softmax((k @ queries[:, i, :, None]).squeeze(-1) / math.sqrt(queries.shape[-1]), dim=-1)
        outputs.append((weights[..., None] * v).sum(1))
    return torch.stack(outputs, dim=1)


@alternative("block_window_attention")
def sliding_windows(queries, keys, values, window, block):
    """Padding in front, and `unfold`: every word has a row of its own keys."""
    T = queries.shape[1]
    k, v = (F.pad(x, (0, 0, window - 1, 0)).unfold(1, window, 1) for x in (keys, values))  # (B, T, d, window)
    scores = torch.einsum("btd,btdw->btw", queries, k) / queries.shape[-1] ** 0.5
    before = torch.arange(T)[:, None] + torch.arange(window) < window - 1
    return torch.einsum("btw,btdw->btd", torch.softmax(scores.masked_fill(before, -torch.inf), -1), v)


@alternative("block_window_attention")
def blocks_side_by_side(queries, keys, values, window, block):
    """Padded to whole blocks of `window` words: each with the block before it, all at once."""
    T = queries.shape[1]
    extra = -T % window
    q, k, v = (F.pad(x, (0, 0, 0, extra)).unflatten(1, (-1, window)) for x in (queries, keys, values))
    k, v = (torch.cat([F.pad(x, (0, 0, 0, 0, 1, 0))[:, :-1], x], dim=2) for x in (k, v))
    places = torch.arange(q.shape[1])[:, None, None] * window
    i, j = places + torch.arange(window)[:, None], places + torch.arange(-window, window)
    near = (i >= j) & (i - j < window) & (j >= 0)
    scores = (q @ k.mT / queries.shape[-1] ** 0.5).masked_fill(~near, -torch.inf)
    return (torch.softmax(scores, dim=-1) @ v).flatten(1, 2)[:, :T]


@alternative("block_window_attention")
def pytorchs_kernel_by_blocks(queries, keys, values, window, block):
    outputs = []
    for q, start in zip(queries.split(block, 1), range(0, queries.shape[1], block), strict=True):
        first, stop = max(start - window + 1, 0), start + q.shape[1]
        back = torch.arange(start, stop)[:, None] - torch.arange(first, stop)
        k, v = keys[:, first:stop], values[:, first:stop]
        outputs.append(F.scaled_dot_product_attention(q, k, v, attn_mask=(back >= 0) & (back < window)))
    return torch.cat(outputs, 1)


# strided_mask


def _back(T):
    return torch.arange(T)[:, None] - torch.arange(T)


@mistake("strided_mask", "Words that come later are seen, too. Both halves hold for back ≥ 0 only: mind the brackets.")
def sees_later_words(T, stride):
    back = _back(T)
    return ((back >= 0) & (back < stride)) | (back % stride == 0)


@mistake(
    "strided_mask", "Only the near words are there: add those whose distance is a multiple of the stride, with `|`."
)
def near_words_only(T, stride):
    back = _back(T)
    return (back >= 0) & (back < stride)


@mistake("strided_mask", "Only every stride-th word is there: add the last `stride` words, with `|`.")
def every_stride_th_only(T, stride):
    back = _back(T)
    return (back >= 0) & (back % stride == 0)


@mistake("strided_mask", "Near *and* a multiple of the stride: only the word itself is both. Either is enough: `|`.")
def near_and_a_multiple(T, stride):
    back = _back(T)
    return (back >= 0) & (back < stride) & (back % stride == 0)


@mistake(
    "strided_mask", "Rows and columns are swapped: row i asks, and sees j ≤ i, so the True lie below the diagonal."
)
def columns_ask(T, stride):
    back = -_back(T)
    return (back >= 0) & ((back < stride) | (back % stride == 0))


@mistake(
    "strided_mask",
    "It is the *distance* i − j that must be a multiple of the stride, not the place j. (The paper's other pattern, "
    "the fixed one, works with places.)",
)
def multiples_of_the_place(T, stride):
    back = _back(T)
    return (back >= 0) & ((back < stride) | (torch.arange(T) % stride == 0))


@mistake("strided_mask", "The near half is twice as wide as it should be: back < stride.")
def near_half_twice_as_wide(T, stride):
    back = _back(T)
    return (back >= 0) & ((back < 2 * stride) | (back % stride == 0))


@mistake("strided_mask", "True and False are exchanged: True means that a word may be asked.")
def inverted(T, stride):
    back = _back(T)
    return ~((back >= 0) & ((back < stride) | (back % stride == 0)))


@mistake("strided_mask", "The words themselves are left out: back = 0 is allowed, too.")
def not_itself(T, stride):
    back = _back(T)
    return (back > 0) & ((back < stride) | (back % stride == 0))


@mistake(
    "strided_mask",
    "Nothing forbids to look ahead: words up to stride − 1 places *later*, and multiples of the stride, are seen as "
    "well. Both halves need back ≥ 0.",
)
def both_ways(T, stride):
    back = _back(T)
    return (back.abs() < stride) | (back % stride == 0)


@mistake(
    "strided_mask",
    "That is the paper's other pattern, the *fixed* one: the last place of every block of `stride`. Here it is the "
    "distance i − j that counts, a multiple of the stride.",
)
def fixed_pattern(T, stride):
    back = _back(T)
    return (back >= 0) & ((back < stride) | (torch.arange(T) % stride == stride - 1))


@mistake(
    "strided_mask",
    "The near half is one word too narrow: it lies less than `stride` words back, `back < stride`.",
)
def near_half_too_narrow(T, stride):
    back = _back(T)
    return (back >= 0) & ((back < stride - 1) | (back % stride == 0))


@mistake(
    "strided_mask",
    "The far words are one place off: their distance is a *multiple* of the stride, `back % stride == 0`.",
)
def one_beside_the_multiples(T, stride):
    back = _back(T)
    return (back >= 0) & ((back < stride) | ((back + 1) % stride == 0))


@mistake(
    "strided_mask",
    "`back % stride` is True where the distance is *no* multiple of the stride: compare with 0, `== 0`.",
)
def no_multiples(T, stride):
    back = _back(T)
    return (back >= 0) & ((back < stride) | (back % stride != 0))


@mistake(
    "strided_mask",
    "Everything that is not later is seen: that is the dense mask. Only near words, and multiples of the stride.",
)
def everything_before(T, stride):
    return _back(T) >= 0


@alternative("strided_mask")
def by_loops(T, stride):
    mask = torch.zeros(T, T, dtype=torch.bool)
    for i in range(T):
        for j in range(i + 1):
            mask[i, j] = i - j < stride or (i - j) % stride == 0
    return mask


@alternative("strided_mask")
def by_slices(T, stride):
    mask = torch.zeros(T, T, dtype=torch.bool)
    for i in range(T):
        mask[i, max(0, i - stride + 1) : i + 1] = True
        mask[i, i % stride : i + 1 : stride] = True
    return mask


@alternative("strided_mask")
def by_triangles(T, stride):
    ones = torch.ones(T, T, dtype=torch.bool)
    places = torch.arange(T) % stride
    return ones.tril() & (ones.triu(1 - stride) | (places[:, None] == places))


# reach


def _walk(mask, layers, itself=True, count=None, step=None, first=None):
    eye = torch.eye(len(mask), dtype=torch.bool)
    hop = mask | eye if itself else mask
    reached, shares = (eye if first is None else first(hop, eye)), []
    step = step or (lambda hop, reached: (hop.float() @ reached.float()) > 0)
    count = count or (lambda reached: reached[torch.ones_like(mask).tril()].float().mean())
    for _ in range(layers):
        reached = step(hop, reached)
        shares.append(count(reached))
    return torch.stack(shares)


@mistake(
    "reach",
    "A word forgets itself where the pattern doesn't let it ask itself. The residual connection carries it "
    "along: put True "
    "on the diagonal of the pattern.",
)
def without_itself(mask, layers):
    return _walk(mask, layers, itself=False)


@mistake(
    "reach", "You divide by all T · T pairs. Those with j > i can never meet here: count only the pairs with j ≤ i."
)
def of_all_pairs(mask, layers):
    return _walk(mask, layers, count=lambda reached: reached.float().mean())


@mistake("reach", "You count only pairs with j < i. A word and itself are a pair, too: j ≤ i.")
def of_different_words(mask, layers):
    return _walk(mask, layers, count=lambda reached: reached[torch.ones_like(mask).tril(-1)].float().mean())


@mistake(
    "reach", "All your numbers are one layer ahead: after one layer a word has heard of those that it asks, no others."
)
def a_layer_ahead(mask, layers):
    return _walk(mask, layers, first=lambda hop, eye: hop)


@mistake(
    "reach",
    "All your numbers are one layer behind: the first one is that after one layer, not before it. Take the "
    "hop, then count.",
)
def a_layer_behind(mask, layers):
    eye = torch.eye(len(mask), dtype=torch.bool)
    return torch.cat([_walk(eye, 1), _walk(mask, layers)[:-1]]) if layers > 1 else _walk(eye, 1)


@mistake(
    "reach",
    "You count ways, not pairs: a product of masks says in how many ways two words meet. Turn it into True "
    "and False with "
    "`> 0` in each layer.",
)
def counts_ways(mask, layers):
    return _walk(mask, layers, step=lambda hop, reached: hop.float() @ reached.float())


@mistake(
    "reach",
    "You multiply place by place, so nobody ever hears of anybody new. It is the *matrix* product, `@`, that "
    "goes by way of "
    "a third word.",
)
def place_by_place(mask, layers):
    return _walk(mask, layers, first=lambda hop, eye: hop, step=lambda hop, reached: hop & reached)


@mistake(
    "reach",
    "In each layer you square what was reached so far: that doubles the number of hops. A layer adds one hop: "
    "pattern @ "
    "reached.",
)
def squares(mask, layers):
    hop = mask | torch.eye(len(mask), dtype=torch.bool)
    shares = []
    for _ in range(layers):
        shares.append(hop[torch.ones_like(mask).tril()].float().mean())
        hop = (hop.float() @ hop.float()) > 0
    return torch.stack(shares)


@mistake("reach", "Only the last number is there: return one for each layer, 1, 2, …, `layers`.")
def last_layer_only(mask, layers):
    return _walk(mask, layers)[-1:]


@mistake(
    "reach",
    "You take the share of words that a word has heard of, row by row, and then the mean: the first rows, "
    "which have few "
    "pairs, count too much. Take the mean over all pairs at once.",
)
def mean_of_the_rows(mask, layers):
    rows = torch.arange(1, len(mask) + 1)
    return _walk(mask, layers, count=lambda reached: (reached.float().sum(1) / rows).mean())


@mistake(
    "reach",
    "You multiply place by place, pattern * reached, starting with everybody knowing himself: so nobody ever hears of "
    "anybody. A hop is the *matrix* product, `@`.",
)
def nobody_hears(mask, layers):
    return _walk(mask, layers, step=lambda hop, reached: hop & reached)


@mistake("reach", "These are counts. Divide by the number of pairs (i, j ≤ i), T (T + 1) / 2: a share is asked for.")
def pairs_counted(mask, layers):
    return _walk(mask, layers, count=lambda reached: reached.double().sum())


@mistake(
    "reach",
    "A word that is reached in *fewer* layers is forgotten: without True on the pattern's diagonal you count those who "
    "are exactly so many hops away.",
)
def exactly_so_many_hops(mask, layers):
    eye, shares, hop = torch.eye(len(mask), dtype=torch.bool), [], torch.eye(len(mask))
    for _ in range(layers):
        hop = ((mask.float() @ hop) > 0).float()
        shares.append((hop.bool() | eye)[torch.ones_like(mask).tril()].float().mean())
    return torch.stack(shares)


@mistake(
    "reach",
    "Nothing is reached: `reached` begins with zeros, and no product makes anything of them. Begin with everybody "
    "knowing himself, `torch.eye(T)`.",
)
def begun_with_nothing(mask, layers):
    return torch.zeros(layers)


@alternative("reach")
def by_search(mask, layers):
    T = len(mask)
    known = [{i} for i in range(T)]
    shares = []
    for _ in range(layers):
        known = [set.union(known[i], *(known[j] for j in range(T) if mask[i, j])) for i in range(T)]
        shares.append(sum(map(len, known)) / (T * (T + 1) / 2))
    return torch.tensor(shares)


@alternative("reach")
def by_powers(mask, layers):
    hop = (mask | torch.eye(len(mask), dtype=torch.bool)).double()
    T = len(mask)
    met = [(torch.linalg.matrix_power(hop, n) > 0).sum() for n in range(1, layers + 1)]
    return torch.stack(met) / (T * (T + 1) / 2)


@alternative("reach")
def from_the_right(mask, layers):
    T = len(mask)
    hop = mask.int() + torch.eye(T, dtype=torch.int)
    reached, shares = hop.clamp(max=1), []
    for _ in range(layers):
        shares.append(torch.tril(reached).sum() * 2.0 / (T * (T + 1)))
        reached = (reached @ hop).clamp(max=1)
    return torch.stack(shares)


# cached_step


def _step(x, cache, W_q, W_k, W_v, window, late=False, scale=None, cut=None, forget=False):
    query, key, value = x @ W_q.T, x @ W_k.T, x @ W_v.T
    cut = cut or (lambda rows: rows[:, -window:])
    keys, values = (torch.cat([old, new.unsqueeze(1)], 1) for old, new in zip(cache, (key, value), strict=True))
    asked, told = (cache[0], cache[1]) if late else (cut(keys), cut(values))
    scores = (asked @ query.unsqueeze(-1)).squeeze(-1)
    weights = torch.softmax(scores / (scale(asked) if scale else query.shape[-1] ** 0.5), dim=-1)
    kept = cache if forget else (cut(keys), cut(values))
    return (weights.unsqueeze(1) @ told).squeeze(1), kept


@mistake(
    "cached_step",
    "All three mistakes are still there. Whom can the first word ask, when the cache is empty? What is under "
    "the root? And "
    "which words are `[:, :window]`?",
)
def as_it_was(x, cache, W_q, W_k, W_v, window):
    return _step(
        x, cache, W_q, W_k, W_v, window, late=True, scale=lambda a: a.shape[1] ** 0.5, cut=lambda rows: rows[:, :window]
    )


@mistake(
    "cached_step",
    "The new word can't ask itself: it is put into the cache after the asking. Append its key and value first.",
)
def asks_before_appending(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, late=True)


@mistake(
    "cached_step",
    "The scores are divided by the root of the *number of words*. It is the root of n, the width of a key, "
    "which doesn't "
    "change while the text grows.",
)
def scaled_by_the_words(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, scale=lambda asked: asked.shape[1] ** 0.5)


@mistake(
    "cached_step",
    "The cache keeps the *first* words and forgets the new ones: `[:, :window]`. The last ones are `[:, -window:]`.",
)
def keeps_the_first(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, cut=lambda rows: rows[:, :window])


@mistake(
    "cached_step",
    "Two mistakes are left: the scale (the root of n, the width of a key), and `[:, :window]`, which keeps "
    "the first words.",
)
def appended_only(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, scale=lambda a: a.shape[1] ** 0.5, cut=lambda rows: rows[:, :window])


@mistake(
    "cached_step",
    "Two mistakes are left: the new word is appended after the asking, and `[:, :window]` keeps the first words.",
)
def scale_only(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, late=True, cut=lambda rows: rows[:, :window])


@mistake(
    "cached_step",
    "Two mistakes are left: the new word is appended after the asking, and the scale is the root of n, the "
    "width of a key.",
)
def cut_only(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, late=True, scale=lambda asked: asked.shape[1] ** 0.5)


@mistake("cached_step", "You give back the old cache, without the new word: the next word won't know of this one.")
def old_cache_back(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, forget=True)


@mistake(
    "cached_step",
    "The cache is cut after the asking, so a word sees one word more than the window has. Append, cut, then ask.",
)
def cut_after_asking(x, cache, W_q, W_k, W_v, window):
    context, cache = _step(x, cache, W_q, W_k, W_v, window, cut=lambda rows: rows)
    return context, tuple(rows[:, -window:] for rows in cache)


@mistake("cached_step", "The cache grows without end: keep its last `window` words only.")
def never_cut(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, cut=lambda rows: rows)


@mistake("cached_step", "The scores are not divided by √n.")
def step_unscaled(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, scale=lambda asked: 1.0)


@mistake("cached_step", "The scale is the root of d, the width of a word. It is that of n, the width of a key.")
def scaled_by_the_word(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, scale=lambda asked: x.shape[-1] ** 0.5)


@mistake("cached_step", "Keys and values are exchanged in the cache that you give back: (keys, values) is the order.")
def values_before_keys(x, cache, W_q, W_k, W_v, window):
    context, (keys, values) = _step(x, cache, W_q, W_k, W_v, window)
    return context, (values, keys)


@mistake(
    "cached_step",
    "You keep window − 1 words. The new word counts among the `window` that may be asked and are kept.",
)
def one_word_less(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, cut=lambda rows: rows[:, -(window - 1) :])


@mistake("cached_step", "The weights are put on the *keys*. They come from the keys, what is averaged is the values.")
def averages_the_keys(x, cache, W_q, W_k, W_v, window):
    _, (keys, values) = _step(x, cache, W_q, W_k, W_v, window)
    context, _ = _step(x, (cache[0], cache[0]), W_q, W_k, W_k, window)
    return context, (keys, values)


@mistake(
    "cached_step",
    "The new word is put in *front* of the cache, and the last `window` are kept: so the new one is the first to go. "
    "Append it behind, `[keys, key]`.",
)
def new_word_in_front(x, cache, W_q, W_k, W_v, window):
    rows = [torch.cat([(x @ W.T).unsqueeze(1), old], 1)[:, -window:] for W, old in zip((W_k, W_v), cache, strict=True)]
    scores = (rows[0] @ (x @ W_q.T).unsqueeze(-1)).squeeze(-1) / len(W_k) ** 0.5
    return (torch.softmax(scores, -1).unsqueeze(1) @ rows[1]).squeeze(1), tuple(rows)


@mistake(
    "cached_step",
    "The softmax runs over the batch. Each row of the batch has its own words: `dim=-1`.",
)
def softmax_over_the_batch(x, cache, W_q, W_k, W_v, window):
    _, kept = _step(x, cache, W_q, W_k, W_v, window)
    scores = (kept[0] @ (x @ W_q.T).unsqueeze(-1)).squeeze(-1) / len(W_k) ** 0.5
    return (torch.softmax(scores, 0).unsqueeze(1) @ kept[1]).squeeze(1), kept


@mistake(
    "cached_step",
    "You keep window + 1 words. The new word counts among the `window`: `[:, -window:]` *after* it was appended.",
)
def one_word_more(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, cut=lambda rows: rows[:, -window - 1 :])


@mistake("cached_step", "The scores are divided by n. It is the root of n, the width of a key.")
def scaled_by_n(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_q, W_k, W_v, window, scale=lambda asked: asked.shape[-1])


@mistake(
    "cached_step",
    "Query and key are exchanged: the query comes from W_q and the new word only, and keys, from W_k, are cached.",
)
def query_cached(x, cache, W_q, W_k, W_v, window):
    return _step(x, cache, W_k, W_q, W_v, window)


@mistake("cached_step", "There is no softmax: the scores themselves weigh the values.")
def scores_weigh(x, cache, W_q, W_k, W_v, window):
    _, kept = _step(x, cache, W_q, W_k, W_v, window)
    scores = (kept[0] @ (x @ W_q.T).unsqueeze(-1)).squeeze(-1) / len(W_k) ** 0.5
    return (scores.unsqueeze(1) @ kept[1]).squeeze(1), kept


@mistake(
    "cached_step",
    "The softmax runs over an axis of length 1, (B, t, 1), and makes 1 of every score: so the values are summed up. It "
    "must run over the t words: `squeeze` first.",
)
def softmax_over_one(x, cache, W_q, W_k, W_v, window):
    _, kept = _step(x, cache, W_q, W_k, W_v, window)
    scores = kept[0] @ (x @ W_q.T).unsqueeze(-1) / len(W_k) ** 0.5
    return (torch.softmax(scores, -1) * kept[1]).sum(1), kept


@alternative("cached_step")
def forgets_first(x, cache, W_q, W_k, W_v, window):
    room = max(cache[0].shape[1] - (window - 1), 0)
    keys = torch.cat((cache[0][:, room:], (x @ W_k.T)[:, None]), 1)
    values = torch.cat((cache[1][:, room:], (x @ W_v.T)[:, None]), 1)
    q = F.linear(x, W_q)
    weights = torch.softmax(torch.einsum("bn,btn->bt", q, keys) / math.sqrt(W_q.shape[0]), 1)
    return torch.einsum("bt,btn->bn", weights, values), (keys, values)


@alternative("cached_step")
def by_pytorchs_kernel(x, cache, W_q, W_k, W_v, window):
    q, k, v = (F.linear(x, W)[:, None] for W in (W_q, W_k, W_v))
    k, v = torch.cat([cache[0], k], 1)[:, -window:], torch.cat([cache[1], v], 1)[:, -window:]
    return F.scaled_dot_product_attention(q, k, v)[:, 0], (k, v)


@alternative("cached_step")
def word_by_word(x, cache, W_q, W_k, W_v, window):
    keys = [*cache[0].unbind(1), x @ W_k.T][-window:]
    values = [*cache[1].unbind(1), x @ W_v.T][-window:]
    query = x @ W_q.T
    scores = torch.stack([(query * key).sum(-1) for key in keys], -1) / query.shape[-1] ** 0.5
    weights = scores.softmax(-1)
    context = sum(weights[:, t, None] * value for t, value in enumerate(values))
    return context, (torch.stack(keys, 1), torch.stack(values, 1))


# sparsemax


def _threshold(scores, detach=False):
    z, n = scores.sort(dim=-1, descending=True).values, scores.shape[-1]
    sums = z.cumsum(-1)
    k = (1 + torch.arange(1, n + 1) * z > sums).sum(-1, keepdim=True)
    tau = (sums.gather(-1, k - 1) - 1) / k
    return tau.detach() if detach else tau


@mistake("sparsemax", "That is softmax: none of its weights is 0. Subtract the threshold τ, and cut off below 0.")
def softmax_it_is(scores):
    return torch.softmax(scores, dim=-1)


@mistake(
    "sparsemax",
    "τ carries no gradient (`detach`, `.item()`, `no_grad`, or a search by halves). The values are right, but "
    "a score that is "
    "raised must lower the others.",
)
def threshold_without_gradient(scores):
    return (scores - _threshold(scores, detach=True)).clamp(min=0)


@mistake("sparsemax", "The threshold is right, but what lies below it is not cut off: `.clamp(min=0)`.")
def not_cut_off(scores):
    return scores - _threshold(scores)


@mistake(
    "sparsemax",
    "All words are in your support. Sort from the greatest down (`descending=True`), and keep only the first k, "
    "those for which 1 + k z₍ₖ₎ > the sum of the first k.",
)
def sorted_upwards(scores):
    z = scores.sort(dim=-1).values
    sums, counts = z.cumsum(-1), torch.arange(1, scores.shape[-1] + 1)
    k = (1 + counts * z > sums).sum(-1, keepdim=True).clamp(min=1)
    return (scores - (sums.gather(-1, k - 1) - 1) / k).clamp(min=0)


@mistake(
    "sparsemax",
    "Your support has one word only. The condition is 1 + k z₍ₖ₎ > the sum of the first k, with the 1, and k is the "
    "*number* of words for which it holds.",
)
def without_the_one(scores):
    z = scores.sort(dim=-1, descending=True).values
    sums, counts = z.cumsum(-1), torch.arange(1, scores.shape[-1] + 1)
    k = (counts * z > sums).sum(-1, keepdim=True).clamp(min=1)
    return (scores - (sums.gather(-1, k - 1) - 1) / k).clamp(min=0)


@mistake(
    "sparsemax", "Your threshold lacks the − 1: τ = (the sum of the first k − 1) / k, so that the weights sum to 1."
)
def threshold_without_the_one(scores):
    z = scores.sort(dim=-1, descending=True).values
    sums, counts = z.cumsum(-1), torch.arange(1, scores.shape[-1] + 1)
    k = (1 + counts * z > sums).sum(-1, keepdim=True)
    return (scores - sums.gather(-1, k - 1) / k).clamp(min=0)


@mistake(
    "sparsemax",
    "You take the running sum at k, which is one too far: Python counts from 0, so the sum of the first k is "
    "entry k − 1.",
)
def one_sum_too_far(scores):
    z, n = scores.sort(dim=-1, descending=True).values, scores.shape[-1]
    sums = z.cumsum(-1)
    k = (1 + torch.arange(1, n + 1) * z > sums).sum(-1, keepdim=True)
    return (scores - (sums.gather(-1, k.clamp(max=n - 1)) - 1) / k).clamp(min=0)


@mistake("sparsemax", "k counts from 0 in your condition: the first score is k = 1, `torch.arange(1, n + 1)`.")
def counted_from_zero(scores):
    z, n = scores.sort(dim=-1, descending=True).values, scores.shape[-1]
    sums = z.cumsum(-1)
    k = (1 + torch.arange(n) * z > sums).sum(-1, keepdim=True).clamp(min=1)
    return (scores - (sums.gather(-1, k - 1) - 1) / k).clamp(min=0)


@mistake(
    "sparsemax",
    "You cut off the negative scores and divide by the sum. That depends on where 0 lies: sparsemax doesn't "
    "change if all "
    "scores are raised alike.",
)
def positive_share(scores):
    positive = scores.clamp(min=0)
    return positive / positive.sum(-1, keepdim=True).clamp(min=1e-12)


@mistake(
    "sparsemax",
    "Only the greatest score gets weight. Those less than 1 below it may be in the support, too: find k first.",
)
def only_the_greatest(scores):
    return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype) + 0 * scores


@mistake("sparsemax", "You take the wrong axis: each *row*, the last axis, sums to 1.")
def over_the_first_axis(scores):
    turned = scores.movedim(0, -1)
    return (turned - _threshold(turned)).clamp(min=0).movedim(-1, 0)


@mistake(
    "sparsemax",
    "After cutting off you divide by the sum of the scores above the mean (or the like). No division is "
    "needed: with the "
    "right τ the weights sum to 1 by themselves.",
)
def above_the_mean(scores):
    above = (scores - scores.mean(-1, keepdim=True)).clamp(min=0)
    return above / above.sum(-1, keepdim=True).clamp(min=1e-12)


@mistake(
    "sparsemax",
    "You return the *sorted* scores' weights: the numbers are right, but no longer at the places of their scores. "
    "Subtract τ from `scores`, not from what was sorted.",
)
def weights_in_order(scores):
    return (scores.sort(dim=-1, descending=True).values - _threshold(scores)).clamp(min=0)


@mistake("sparsemax", "Your threshold adds the 1: τ = (the sum of the first k − 1) / k, minus, not plus.")
def one_added(scores):
    tau = _threshold(scores)
    z = scores.sort(dim=-1, descending=True).values
    k = (1 + torch.arange(1, scores.shape[-1] + 1) * z > z.cumsum(-1)).sum(-1, keepdim=True)
    return (scores - tau - 2 / k).clamp(min=0)


@mistake(
    "sparsemax",
    "You divide by n, the number of all words. τ is the mean over the support: divide by k.",
)
def divided_by_all(scores):
    z, n = scores.sort(dim=-1, descending=True).values, scores.shape[-1]
    sums = z.cumsum(-1)
    k = (1 + torch.arange(1, n + 1) * z > sums).sum(-1, keepdim=True)
    return (scores - (sums.gather(-1, k - 1) - 1) / n).clamp(min=0)


@mistake(
    "sparsemax",
    "The sum in τ goes over *all* scores. It is the sum of the first k, those of the support.",
)
def sum_of_all(scores):
    z, n = scores.sort(dim=-1, descending=True).values, scores.shape[-1]
    k = (1 + torch.arange(1, n + 1) * z > z.cumsum(-1)).sum(-1, keepdim=True)
    return (scores - (scores.sum(-1, keepdim=True) - 1) / k).clamp(min=0)


@mistake(
    "sparsemax",
    "A softmax comes on top: max(z − τ, 0) sums to 1 by itself, and the softmax makes its zeros positive again.",
)
def softmax_on_top(scores):
    return torch.softmax((scores - _threshold(scores)).clamp(min=0), -1)


@mistake(
    "sparsemax",
    "The absolute value stands where the cut should be: what lies below τ gets weight 0, `.clamp(min=0)`.",
)
def absolute_value(scores):
    return (scores - _threshold(scores)).abs()


@mistake(
    "sparsemax",
    "All words in the support get the same weight, 1 / k. Each gets what it lies above the threshold: z − τ.",
)
def equal_in_the_support(scores):
    some = ((scores - _threshold(scores)) > 0).to(scores.dtype)
    return some / some.sum(-1, keepdim=True) + 0.0 * scores


@mistake(
    "sparsemax",
    "k is one too large (≥ where > belongs, or one added): the condition holds for the first k, and the number of True "
    "is k itself.",
)
def support_one_too_large(scores):
    z, n = scores.sort(dim=-1, descending=True).values, scores.shape[-1]
    sums = z.cumsum(-1)
    k = ((1 + torch.arange(1, n + 1) * z > sums).sum(-1, keepdim=True) + 1).clamp(max=n)
    return (scores - (sums.gather(-1, k - 1) - 1) / k).clamp(min=0)


@alternative("sparsemax")
def every_size_tried(scores):
    """For each size of the support its threshold; the right one is the greatest."""
    z, n = scores.sort(dim=-1, descending=True).values, scores.shape[-1]
    tau = ((z.cumsum(-1) - 1) / torch.arange(1, n + 1)).max(-1, keepdim=True).values
    return torch.relu(scores - tau)


@alternative("sparsemax")
def row_by_row(scores):
    rows = []
    for row in scores.reshape(-1, scores.shape[-1]):
        order = torch.argsort(row, descending=True)
        kept = 0
        for k in range(1, len(row) + 1):
            if 1 + k * row[order[k - 1]] > row[order[:k]].sum():
                kept = k
        tau = (row[order[:kept]].sum() - 1) / kept
        rows.append(torch.clamp(row - tau, min=0))
    return torch.stack(rows).reshape(scores.shape)


@alternative("sparsemax")
def support_by_halves(scores):
    """The support by halving an interval, without gradient; then the threshold from it, with gradient."""
    with torch.no_grad():
        low, high = scores.max(-1, keepdim=True).values - 1, scores.max(-1, keepdim=True).values
        for _ in range(80):
            middle = (low + high) / 2
            enough = (scores - middle).clamp(min=0).sum(-1, keepdim=True) >= 1
            low, high = torch.where(enough, middle, low), torch.where(enough, high, middle)
        support = scores > low
    tau = ((scores * support).sum(-1, keepdim=True) - 1) / support.sum(-1, keepdim=True)
    return (scores - tau) * support


@alternative("sparsemax")
def shifted_first(scores):
    z = scores - scores.amax(-1, keepdim=True)
    ordered = torch.sort(z, -1, descending=True)[0]
    counts = torch.arange(1, z.shape[-1] + 1).to(z)
    support = 1 + counts * ordered > torch.cumsum(ordered, -1)
    k = support.sum(-1, keepdim=True)
    tau = ((ordered * support).sum(-1, keepdim=True) - 1) / k
    return torch.maximum(z - tau, torch.zeros_like(z))


_START = "exp(−∞) is 0: what Z and the output begin with is multiplied by 0 when the first tile comes."
equivalent("online_softmax", "0.0 -> 1.0", _START)
equivalent("online_softmax", "0.0 -> 1.0 (no. 2)", _START)
equivalent(
    "online_softmax",
    "ignore tile in online_softmax",
    "The result is the same for every tile; only memory and turns differ.",
)
_EARLIER = "Cutting out a few keys too many changes nothing: the mask takes them away again."
equivalent("block_window_attention", "start - window + 1 -> start - window - 1", _EARLIER)
equivalent("block_window_attention", "start - window + 1 -> start - window", _EARLIER)
equivalent("block_window_attention", "1 -> 0 (no. 2)", _EARLIER)
equivalent(
    "block_window_attention",
    "ignore block in block_window_attention",
    "The result is the same for every block; only the cost differs.",
)
equivalent(
    "strided_mask",
    "back < stride -> back <= stride",
    "A distance of `stride` is a multiple of the stride: it is in the other half.",
)
equivalent(
    "reach",
    "(mask | itself).float() @ reached.float() -> reached.float() @ (mask | itself).float()",
    "Both are powers of one matrix, and these commute.",
)
equivalent(
    "sparsemax",
    "1 + counts * z > sums -> 1 + counts * z >= sums",
    "A score just at the threshold gets weight 0 either way.",
)


# Written by people who had not seen this file


def _one_otherwise(queries, keys, values, tile, range_of=None, factor=None, total=None, weigh=None, keep=None):
    """The loop of the reference, with one of its parts otherwise."""
    m, Z, output = queries.new_full((*queries.shape[:2], 1), -torch.inf), 0.0, 0.0
    for start in range_of(keys.shape[1]) if range_of else range(0, keys.shape[1], tile):
        stop = start + tile + (1 if keep == "one more" else 0)
        scores = queries @ keys[:, start:stop].mT / queries.shape[-1] ** 0.5
        new = scores.amax(-1, keepdim=True) if keep == "own" else torch.maximum(m, scores.amax(-1, keepdim=True))
        shrink = factor(m, new) if factor else (m - new).exp()
        weights = weigh(scores) if weigh else (scores - new).exp()
        Z = Z * shrink + (total(weights) if total else weights.sum(-1, keepdim=True))
        output, m = output * shrink + weights @ values[:, start:stop], new
    return output / Z


@mistake(
    "online_softmax",
    "The loop ends before a tile that isn't full; with fewer keys than `tile` it has no turn at all. Let it run to S.",
)
def no_turn_for_the_rest(queries, keys, values, tile):
    return _one_otherwise(queries, keys, values, tile, range_of=lambda S: range(0, S - S % tile, tile))


@mistake(
    "online_softmax",
    "Each tile's own maximum takes the place of m, also where it is smaller: then exp(m − new) can overflow. Keep the "
    "larger of the two.",
)
def maximum_of_the_tile_alone(queries, keys, values, tile):
    return _one_otherwise(queries, keys, values, tile, keep="own")


@mistake(
    "online_softmax",
    "The sum so far is multiplied by exp(new − m). When the maximum grows, what was summed up must *shrink*.",
)
def grows_with_the_maximum(queries, keys, values, tile):
    return _one_otherwise(queries, keys, values, tile, factor=lambda m, new: (new - m).exp().nan_to_num(posinf=0))


@mistake("online_softmax", "Z adds up the tiles' *means*. It is the sum of all weights: add the tiles' sums.")
def mean_of_each_tile(queries, keys, values, tile):
    return _one_otherwise(queries, keys, values, tile, total=lambda weights: weights.mean(-1, keepdim=True))


@mistake("online_softmax", "The tiles overlap by one key, and that key counts twice.")
def tiles_overlap(queries, keys, values, tile):
    return _one_otherwise(queries, keys, values, tile, keep="one more")


@mistake(
    "online_softmax",
    "Within the loop each tile goes through a softmax, so all tiles weigh alike. Only exp(scores − new) keeps what is "
    "greater greater.",
)
def softmax_within_the_loop(queries, keys, values, tile):
    return _one_otherwise(queries, keys, values, tile, weigh=lambda scores: scores.softmax(-1))


@mistake(
    "block_window_attention",
    "From its second word on, a block's words see one word too far back: the distance may be window − 1 at most.",
)
def one_too_far_within_the_block(queries, keys, values, window, block):
    return _blocks(queries, keys, values, window, block, near=lambda i, j, start: (i >= j) & (i - j <= window))


@mistake(
    "block_window_attention",
    "A last block that isn't full is left out, so the last words get no output. Let the range run to T.",
)
def full_blocks_only(queries, keys, values, window, block):
    T = queries.shape[1]
    stop = T - T % block or T
    return _blocks(queries[:, :stop], keys[:, :stop], values[:, :stop], window, block)


@mistake(
    "block_window_attention",
    "The queries' places start at 0 in every block, the keys' don't. Count the queries from the start of the *text*, "
    "too.",
)
def queries_counted_in_the_block(queries, keys, values, window, block):
    def near(i, j, start):
        return (i - start >= j) & (i - start - j < window)

    return _blocks(queries, keys, values, window, block, near=near)


@mistake(
    "block_window_attention",
    "The values that a block sees come in reversed order: each weight meets another word's value.",
)
def values_reversed(queries, keys, values, window, block):
    def turned(start, stop, first):
        return queries[:, start:stop], keys[:, first:stop], values[:, first:stop].flip(1)

    return _pieces(queries, window, block, turned)


def _pieces(queries, window, block, pieces, near=None):
    """The reference; `pieces(start, stop, first)` -> the queries, keys and values of a block."""
    T, outputs = queries.shape[1], []
    near = near or (lambda i, j: (i >= j) & (i - j < window))
    for start in range(0, T, block):
        stop, first = min(start + block, T), max(start - window + 1, 0)
        ask, key, value = pieces(start, stop, first)
        seen = near(torch.arange(start, stop)[:, None], torch.arange(first, stop))
        outputs.append(masked_softmax(ask @ key.mT / queries.shape[-1] ** 0.5, seen) @ value)
    return torch.cat(outputs, dim=1)


@mistake(
    "block_window_attention",
    "The keys ask, and the queries are asked: `queries[:, start:stop]` belong to the rows, the keys to the columns.",
)
def keys_ask(queries, keys, values, window, block):
    def exchanged(start, stop, first):
        return keys[:, start:stop], queries[:, first:stop], values[:, first:stop]

    return _pieces(queries, window, block, exchanged)


@mistake(
    "block_window_attention",
    "Your mask measures the distance in blocks. The window is a number of *words*, counted from each word itself.",
)
def distance_in_blocks(queries, keys, values, window, block):
    def straight(start, stop, first):
        return queries[:, start:stop], keys[:, first:stop], values[:, first:stop]

    def near(i, j):
        return (i >= j) & (i // block - j // block <= window // block)

    return _pieces(queries, window, block, straight, near)


@mistake(
    "block_window_attention",
    "`torch.stack` lays the blocks on one another, and the last one is shorter. Put them end to end with `torch.cat`.",
)
def blocks_stacked(queries, keys, values, window, block):
    T, outputs = queries.shape[1], []
    for start in range(0, T, block):
        stop, first = min(start + block, T), max(start - window + 1, 0)
        i, j = torch.arange(start, stop)[:, None], torch.arange(first, stop)
        scores = queries[:, start:stop] @ keys[:, first:stop].mT / queries.shape[-1] ** 0.5
        outputs.append(masked_softmax(scores, (i >= j) & (i - j < window)) @ values[:, first:stop])
    return torch.stack(outputs, 1).flatten(1, 2)


@mistake("strided_mask", "Every later word is seen: where `back` is below 0 it is below the stride, too. Ask for both.")
def all_that_comes_later(T, stride):
    back = _back(T)
    return (back < stride) | (back % stride == 0)


@mistake(
    "strided_mask",
    "Near, in yours, is what lies in the same block of `stride` words. It is counted back from each word: a distance "
    "below the stride.",
)
def near_in_the_same_block(T, stride):
    back, i = _back(T), torch.arange(T)
    return (back >= 0) & ((i[:, None] // stride == i // stride) | (back % stride == 0))


@mistake("strided_mask", "The far words are those at every (stride + 1)-th place. Every stride-th is meant.")
def far_half_one_too_wide(T, stride):
    back = _back(T)
    return (back >= 0) & ((back < stride) | (back % (stride + 1) == 0))


@mistake("reach", "Only the last layer's share is returned, as one number: return one for each layer.")
def one_number(mask, layers):
    return _walk(mask, layers)[-1]


@mistake("reach", "You count the last word's pairs alone, its row of the table. Every word has pairs with j ≤ i.")
def last_row_alone(mask, layers):
    return _walk(mask, layers, count=lambda reached: reached[-1].float().mean())


@mistake(
    "reach",
    "You count only the pairs of the pattern itself: these meet in the first layer. All pairs with j ≤ i count.",
)
def pairs_of_the_pattern(mask, layers):
    return _walk(mask, layers, count=lambda reached: reached[mask].float().mean())


@mistake("reach", "You divide by half of T². There are more pairs with j ≤ i, since the diagonal counts as a whole.")
def half_of_the_square(mask, layers):
    pairs = torch.ones_like(mask).tril()
    return _walk(mask, layers, count=lambda reached: reached[pairs].float().sum() / (len(mask) ** 2 / 2))


@mistake(
    "reach",
    "These are the pairs that meet *newly* in each layer. Asked for are all that have met so far.",
)
def newly_met(mask, layers):
    shares = _walk(mask, layers)
    return torch.cat([shares[:1], shares.diff()])


@mistake("reach", "The share before the first layer is in it, too: the first number belongs to layer 1.")
def before_any_layer_too(mask, layers):
    own = torch.eye(len(mask))[torch.ones_like(mask).tril()].mean()
    return torch.cat([own[None], _walk(mask, layers)])


@mistake("reach", "One layer too many: the last number belongs to layer `layers`.")
def one_layer_too_many(mask, layers):
    return _walk(mask, layers + 1)


@mistake(
    "reach",
    "News goes both ways in yours, also to the word that is asked. Only who asks hears: take the mask as it is.",
)
def news_both_ways(mask, layers):
    return _walk(mask | mask.T, layers)


def _told(x, cache, W_q, W_k, W_v, window, query=None, key=None, value=None, weigh=None, late=False):
    """The reference, with another query, key or value of the word, other weights, or asking before it is in."""
    own = x @ (W_q if query is None else query).T
    new = x @ (W_k if key is None else key).T, x @ (W_v if value is None else value).T
    keys, values = (torch.cat([old, row.unsqueeze(1)], 1)[:, -window:] for old, row in zip(cache, new, strict=True))
    asked, told = cache if late and cache[0].shape[1] else (keys, values)
    scores = (asked @ own.unsqueeze(-1)).squeeze(-1) / own.shape[-1] ** 0.5
    weights = weigh(scores, own) if weigh else torch.softmax(scores, -1)
    return (weights.unsqueeze(1) @ told).squeeze(1), (keys, values)


@mistake(
    "cached_step",
    "Only the first word asks itself in yours. Every word does: append its key and value, then ask.",
)
def only_the_first_asks_itself(x, cache, W_q, W_k, W_v, window):
    return _told(x, cache, W_q, W_k, W_v, window, late=True)


@mistake("cached_step", "The new word's *key* goes into the values as well. Its value is made by W_v.")
def key_among_the_values(x, cache, W_q, W_k, W_v, window):
    return _told(x, cache, W_q, W_k, W_v, window, value=W_k)


@mistake("cached_step", "The weights sum to 1 already: don't divide by the number of words once more.")
def divided_by_the_words(x, cache, W_q, W_k, W_v, window):
    def weigh(scores, query):
        return torch.softmax(scores, -1) / scores.shape[-1]

    return _told(x, cache, W_q, W_k, W_v, window, weigh=weigh)


@mistake("cached_step", "The new word asks with its *key*. It asks with its query, which W_q makes.")
def asks_with_its_key(x, cache, W_q, W_k, W_v, window):
    return _told(x, cache, W_q, W_k, W_v, window, query=W_k)


@mistake("cached_step", "The new word's *query* goes into the keys. Later words ask it by its key, which W_k makes.")
def query_among_the_keys(x, cache, W_q, W_k, W_v, window):
    return _told(x, cache, W_q, W_k, W_v, window, key=W_q)


@mistake(
    "cached_step",
    "You divide by √n after the softmax, so the weights don't sum to 1. It is the scores that are scaled.",
)
def scaled_after_the_softmax(x, cache, W_q, W_k, W_v, window):
    def weigh(scores, query):
        root = query.shape[-1] ** 0.5
        return torch.softmax(scores * root, -1) / root

    return _told(x, cache, W_q, W_k, W_v, window, weigh=weigh)


@mistake(
    "sparsemax",
    "Your k starts at 0, so where one word takes everything the condition holds for none, and there is no entry −1. "
    "Count from 1.",
)
def nobody_in_the_support(scores):
    z, n = scores.sort(dim=-1, descending=True).values, scores.shape[-1]
    sums = z.cumsum(-1)
    k = (1 + torch.arange(n) * z > sums).sum(-1, keepdim=True)
    return (scores - (sums.gather(-1, k - 1) - 1) / k).clamp(min=0)


def _sizes(scores, one=1.0, dim=-1):
    """Sorted scores, their running sums, and the size of the support by a condition with `one` for its 1."""
    z = scores.sort(dim=dim, descending=True).values
    sums = z.cumsum(-1)
    return sums, (one + torch.arange(1, scores.shape[-1] + 1) * z > sums).sum(-1, keepdim=True)


@mistake("sparsemax", "You divide by one more than the size of the support, so the weights sum to more than 1.")
def divided_by_one_more(scores):
    sums, k = _sizes(scores)
    return (scores - (sums.gather(-1, k - 1) - 1) / (k + 1)).clamp(min=0)


@mistake(
    "sparsemax",
    "The support is right, but within it you share out by softmax. A weight is what stands out above τ.",
)
def softmax_within_the_support(scores):
    weights = torch.softmax(scores, -1).masked_fill(scores <= _threshold(scores), 0)
    return weights / weights.sum(-1, keepdim=True)


@mistake("sparsemax", "The condition has ½ where the 1 belongs, and the support comes out too small.")
def half_in_the_condition(scores):
    sums, k = _sizes(scores, one=0.5)
    return (scores - (sums.gather(-1, k - 1) - 1) / k).clamp(min=0)


@mistake("sparsemax", "You sort along the first axis, but sum along the last: sort each *row*.")
def sorted_along_the_first(scores):
    sums, k = _sizes(scores, dim=0)
    return (scores - (sums.gather(-1, k - 1) - 1) / k).clamp(min=0)


@mistake("sparsemax", "The weights are squared at the end. They are the distances above τ themselves.")
def squared_at_the_end(scores):
    return (scores - _threshold(scores)).clamp(min=0) ** 2
