"""Known answers to lesson 08: wrong ones with the sentence that helps, and right ones written otherwise."""

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, mistake
from lessonkit.models.attention import masked_softmax
from lessonkit.models.multi_head import merge_heads as merge
from lessonkit.models.multi_head import split_heads as split

# split_heads


@mistake(
    "split_heads",
    "view without transpose: the shape is right, but each head now gets other words, not a slice of every word. "
    "View as (B, T, h, d_k) first, then transpose(1, 2).",
)
def view_without_transpose(x, heads):
    B, T, d = x.shape
    return x.view(B, heads, T, d // heads)


@mistake(
    "split_heads", "The heads still stand behind the words, (B, T, h, d_k): swap the two axes with transpose(1, 2)."
)
def no_transpose(x, heads):
    return x.unflatten(-1, (heads, -1))


@mistake(
    "split_heads",
    "Each head gets every h-th feature. It should get d_k features that stand side by side: view as (B, T, h, d_k), "
    "with the heads before the features.",
)
def interleaved(x, heads):
    B, T, d = x.shape
    return x.view(B, T, d // heads, heads).permute(0, 3, 1, 2)


@mistake("split_heads", "The heads come before the batch. The batch stays first: (B, h, T, d_k).")
def heads_before_batch(x, heads):
    return torch.stack(x.chunk(heads, dim=-1))


@mistake("split_heads", "Words and features are swapped, (B, h, d_k, T): swap words and heads, transpose(1, 2).")
def features_before_words(x, heads):
    return x.unflatten(-1, (heads, -1)).permute(0, 2, 3, 1)


@mistake(
    "split_heads",
    "You cut into d/h heads of width h. The argument is the number of heads: h heads of width d/h.",
)
def number_and_width_swapped(x, heads):
    return x.unflatten(-1, (-1, heads)).transpose(1, 2)


@mistake(
    "split_heads",
    "The wrong two axes are swapped: after the cut the shape is (B, T, h, d_k), and words and heads are axes 1 and 2.",
)
def wrong_axes_swapped(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(2, 3)


@mistake("split_heads", "Batch and heads are one axis here. Keep them apart: (B, h, T, d_k).")
def heads_in_the_batch(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2).flatten(0, 1)


@alternative("split_heads")
def chunks(x, heads):
    return torch.stack(x.chunk(heads, dim=-1), dim=1)


@alternative("split_heads")
def slices(x, heads):
    d_k = x.shape[2] // heads
    result = torch.empty(x.shape[0], heads, x.shape[1], d_k)
    for i in range(heads):
        result[:, i] = x[:, :, i * d_k : (i + 1) * d_k]
    return result


@alternative("split_heads")
def permuted_copy(x, heads):
    return x.reshape(*x.shape[:2], heads, -1).permute(0, 2, 1, 3).contiguous()


@mistake(
    "split_heads",
    "The values are right, but numpy cuts the gradient: "
    "nothing before it could learn. Use torch's reshape and transpose.",
)
def numpy_split(x, heads):
    return np.stack(np.split(x.numpy(), heads, axis=2), axis=1)


# multi_head_attention


def _weigh(scores, mask, dim=-1):
    return torch.softmax(scores, dim) if mask is None else masked_softmax(scores, mask.unsqueeze(-3), dim)


def _scores(x, memory, W_q, W_k, heads):
    queries, keys = split(x @ W_q, heads), split(memory @ W_k, heads)
    return queries @ keys.mT / queries.shape[-1] ** 0.5


@mistake(
    "multi_head_attention",
    "The scores are divided by √d, the model's width. A head's score is a sum of d_k products: divide by √d_k, "
    "d_k = d / heads.",
)
def scaled_by_the_models_width(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = _scores(x, memory, W_q, W_k, heads) / heads**0.5
    weights = _weigh(scores, mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake("multi_head_attention", "The scores are not scaled: divide them by √d_k, the root of a head's width.")
def not_scaled(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = split(x @ W_q, heads) @ split(memory @ W_k, heads).mT
    weights = _weigh(scores, mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake("multi_head_attention", "The scores are divided by d_k itself: take its square root.")
def scaled_without_root(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = split(x @ W_q, heads) @ split(memory @ W_k, heads).mT / (W_q.shape[1] // heads)
    weights = _weigh(scores, mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake("multi_head_attention", "The scores are divided by the root of the number of heads: √d_k is asked for.")
def scaled_by_the_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = split(x @ W_q, heads) @ split(memory @ W_k, heads).mT / heads**0.5
    weights = _weigh(scores, mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake("multi_head_attention", "The scores are multiplied by √d_k: divide, or large scores get larger still.")
def scaled_up(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = _scores(x, memory, W_q, W_k, heads) * (W_q.shape[1] // heads)
    weights = _weigh(scores, mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "Your weights sum to 1 over the queries. Each query spreads its weight over the keys: softmax over the last axis.",
)
def softmax_over_queries(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask, dim=-2)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "A softmax over the queries, dim=-2: a key that is forbidden to all of them has nothing but −∞ in its column, "
    "hence the NaN. Each query spreads its weight over the keys: dim=-1.",
)
def softmax_over_queries_to_nan(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = _scores(x, memory, W_q, W_k, heads)
    if mask is not None:
        scores = scores.masked_fill(~mask.unsqueeze(-3), float("-inf"))
    weights = torch.softmax(scores, dim=-2)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "Your weights sum to 1 over the heads. The heads don't compete: softmax over the last axis, the keys.",
)
def softmax_over_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask, dim=1)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "The heads are cut by view without transpose, so each gets other words instead of a slice of every word. "
    "View as (B, T, h, d_k), then transpose(1, 2).",
)
def cut_by_view(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    queries, keys, values = (
        y.view(y.shape[0], heads, y.shape[1], y.shape[2] // heads) for y in (x @ W_q, memory @ W_k, memory @ W_v)
    )
    weights = _weigh(queries @ keys.mT / queries.shape[-1] ** 0.5, mask)
    return merge(weights @ values) @ W_o, weights


@mistake(
    "multi_head_attention",
    "The heads are joined without transpose, so the words get mixed up. Swap heads and words first, then join.",
)
def joined_without_transpose(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask)
    return (weights @ split(memory @ W_v, heads)).reshape(x.shape) @ W_o, weights


@mistake(
    "multi_head_attention",
    "The heads are cut and joined without transpose, so each gets other words instead of a slice of every word: "
    "transpose(1, 2) after the cut, and again before joining.",
)
def view_both_ways(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    queries, keys, values = (
        y.view(y.shape[0], heads, y.shape[1], y.shape[2] // heads) for y in (x @ W_q, memory @ W_k, memory @ W_v)
    )
    weights = _weigh(queries @ keys.mT / queries.shape[-1] ** 0.5, mask)
    return (weights @ values).reshape(x.shape) @ W_o, weights


@mistake("multi_head_attention", "You cut into d_k heads of width h: it must be h heads of width d_k.")
def heads_and_width_swapped(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    heads = W_q.shape[1] // heads
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "The mask is inverted: True means may attend. (PyTorch's own attn_mask means the opposite.)",
)
def mask_inverted(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), None if mask is None else ~mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "The mask is turned around: its last axis belongs to the keys, the one before to the queries. Don't transpose it.",
)
def mask_transposed(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), None if mask is None else mask.mT)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "The mask, (B, T, S), meets scores of shape (B, h, T, S): its batch falls upon the heads. Give it an axis for "
    "them with mask.unsqueeze(-3).",
)
def mask_meets_the_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = _scores(x, memory, W_q, W_k, heads)
    weights = torch.softmax(scores, -1) if mask is None else masked_softmax(scores, mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "The mask got its new axis in front: its batch falls upon the heads. It belongs after the "
    "batch, mask.unsqueeze(-3).",
)
def mask_axis_behind(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = _scores(x, memory, W_q, W_k, heads)
    if mask is None:
        weights = torch.softmax(scores, -1)
    else:
        weights = masked_softmax(scores, mask.unsqueeze(2) if mask.ndim == 3 else mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake("multi_head_attention", "The mask is not used: padding and later words get weight.")
def mask_not_used(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), None)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "Masked after the softmax: what is left no longer sums to 1. Mask the scores before.",
)
def masked_afterwards(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), None)
    if mask is not None:
        weights = weights * mask.unsqueeze(-3)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "Forbidden places get the score 0, and the softmax still gives them weight, e⁰ = 1. Fill with −∞ or a huge "
    "negative number.",
)
def masked_with_zero(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = _scores(x, memory, W_q, W_k, heads)
    if mask is not None:
        scores = scores.masked_fill(~mask.unsqueeze(-3), 0)
    weights = torch.softmax(scores, dim=-1)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake("multi_head_attention", "W_k and W_v have changed places: keys are memory @ W_k, values memory @ W_v.")
def keys_and_values_swapped(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_v, heads), mask)
    return merge(weights @ split(memory @ W_k, heads)) @ W_o, weights


@mistake("multi_head_attention", "`mask` may be None: without a mask, take a plain softmax.")
def none_is_no_mask(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = masked_softmax(_scores(x, memory, W_q, W_k, heads), mask.unsqueeze(-3))
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "Who asks whom? Queries are made from x, keys and values from memory. Here the keys have as many words as x.",
)
def everything_from_x(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, x, W_q, W_k, heads), mask)
    return merge(weights @ split(x @ W_v, heads)) @ W_o, weights


@mistake("multi_head_attention", "The last mixing is missing: multiply the joined heads by W_o.")
def without_w_o(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask)
    return merge(weights @ split(memory @ W_v, heads)), weights


@mistake("multi_head_attention", "The values are the memory itself: project it with W_v before you split it.")
def values_not_projected(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask)
    return merge(weights @ split(memory, heads)) @ W_o, weights


@mistake(
    "multi_head_attention",
    "You return the mean of the heads' weights, as PyTorch does by default. Here every head's map "
    "is asked for: (B, h, T, S).",
)
def weights_averaged(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o, weights.mean(1)


@mistake("multi_head_attention", "Two results are asked for: the output *and* the weights.")
def output_only(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask)
    return merge(weights @ split(memory @ W_v, heads)) @ W_o


@mistake("multi_head_attention", "The results are in the wrong order: first the output, then the weights.")
def weights_first(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask)
    return weights, merge(weights @ split(memory @ W_v, heads)) @ W_o


@mistake("multi_head_attention", "The matrices are transposed. Here they are used as the paper writes it: x @ W.")
def matrices_transposed(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q.T, W_k.T, heads), mask)
    return merge(weights @ split(memory @ W_v.T, heads)) @ W_o.T, weights


@alternative("multi_head_attention")
def loop_over_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    d_k = W_q.shape[1] // heads
    outputs, maps = [], []
    for i in range(heads):
        part = slice(i * d_k, (i + 1) * d_k)
        scores = (x @ W_q[:, part]) @ (memory @ W_k[:, part]).transpose(1, 2) / d_k**0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        maps.append(torch.softmax(scores, dim=2))
        outputs.append(maps[-1] @ (memory @ W_v[:, part]))
    return torch.cat(outputs, dim=-1) @ W_o, torch.stack(maps, dim=1)


@alternative("multi_head_attention")
def with_einsum(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    d = W_q.shape[0]
    cut = (d, heads, d // heads)
    q = torch.einsum("btd,dhk->bhtk", x, W_q.reshape(cut))
    k = torch.einsum("bsd,dhk->bhsk", memory, W_k.reshape(cut))
    v = torch.einsum("bsd,dhk->bhsk", memory, W_v.reshape(cut))
    scores = torch.einsum("bhtk,bhsk->bhts", q, k) * (d // heads) ** -0.5
    if mask is not None:
        scores = scores + torch.where(mask[:, None], 0.0, -1e30)
    weights = scores.softmax(-1)
    return torch.einsum("bhts,bhsk,hkd->btd", weights, v, W_o.reshape(heads, d // heads, d)), weights


@alternative("multi_head_attention")
def pytorchs_own_function(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    if mask is not None:
        mask = (~mask).expand(len(x), x.shape[1], memory.shape[1]).repeat_interleave(heads, dim=0)
    asking, asked = x.transpose(0, 1), memory.transpose(0, 1)
    output, weights = F.multi_head_attention_forward(
        asking, asked, asked, x.shape[2], heads, torch.cat([W_q.T, W_k.T, W_v.T]), None, None, None, False, 0.0,
        W_o.T, None, attn_mask=mask, need_weights=True, average_attn_weights=False,
    )  # fmt: skip
    return output.transpose(0, 1), weights


@alternative("multi_head_attention")
def fused_output(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    q, k, v = split(x @ W_q, heads), split(memory @ W_k, heads), split(memory @ W_v, heads)
    together = None if mask is None else mask.unsqueeze(-3)
    output = F.scaled_dot_product_attention(q, k, v, attn_mask=together)
    return merge(output) @ W_o, _weigh(q @ k.mT / q.shape[-1] ** 0.5, mask)


@alternative("multi_head_attention")
def sum_of_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask)
    outputs = weights @ split(memory @ W_v, heads)
    return sum(outputs[:, i] @ W for i, W in enumerate(W_o.chunk(heads))), weights


# count_parameters_and_flops


@mistake("count_parameters_and_flops", "W_o is forgotten: there are four matrices.")
def without_output_matrix(d, heads, d_k, T):
    parameters = 3 * d * heads * d_k
    return parameters, 2 * T * parameters + 4 * heads * T * T * d_k


@mistake(
    "count_parameters_and_flops", "A multiplication and an addition are two operations: your FLOPs are half of them."
)
def one_for_both(d, heads, d_k, T):
    parameters = 4 * d * heads * d_k
    return parameters, T * parameters + 2 * heads * T * T * d_k


@mistake("count_parameters_and_flops", "The number of heads is missing: this is the cost of a single head.")
def a_single_head(d, heads, d_k, T):
    parameters = 4 * d * d_k
    return parameters, 2 * T * parameters + 4 * T * T * d_k


@mistake(
    "count_parameters_and_flops", "Each head makes its own T × T scores and averages: multiply those by the heads."
)
def maps_of_one_head(d, heads, d_k, T):
    parameters = 4 * d * heads * d_k
    return parameters, 2 * T * parameters + 4 * T * T * d_k


@mistake(
    "count_parameters_and_flops",
    "You take d for heads · d_k. They need not be equal here: the matrices have d rows and heads · d_k columns.",
)
def square_matrices(d, heads, d_k, T):
    parameters = 4 * d * d
    return parameters, 2 * T * parameters + 4 * T * T * d


@mistake(
    "count_parameters_and_flops", "Each of the T words is multiplied with each matrix: the projections need a factor T."
)
def one_word_projected(d, heads, d_k, T):
    parameters = 4 * d * heads * d_k
    return parameters, 2 * parameters + 4 * heads * T * T * d_k


@mistake(
    "count_parameters_and_flops", "The average is missing: after the scores, the T × T weights multiply the values."
)
def scores_only(d, heads, d_k, T):
    parameters = 4 * d * heads * d_k
    return parameters, 2 * T * parameters + 2 * heads * T * T * d_k


@mistake("count_parameters_and_flops", "Every word asks every word: scores and averages grow with T², not with T.")
def linear_in_words(d, heads, d_k, T):
    parameters = 4 * d * heads * d_k
    return parameters, 2 * T * parameters + 4 * heads * T * d_k


@mistake("count_parameters_and_flops", "The projections are not counted among the FLOPs.")
def maps_only(d, heads, d_k, T):
    return 4 * d * heads * d_k, 4 * heads * T * T * d_k


@mistake("count_parameters_and_flops", "The results are in the wrong order: first the parameters, then the FLOPs.")
def flops_first(d, heads, d_k, T):
    parameters = 4 * d * heads * d_k
    return 2 * T * parameters + 4 * heads * T * T * d_k, parameters


@mistake("count_parameters_and_flops", "These matrices have no biases: count weights only.")
def biases_counted(d, heads, d_k, T):
    weights = 4 * d * heads * d_k
    return weights + 3 * heads * d_k + d, 2 * T * weights + 4 * heads * T * T * d_k


@mistake(
    "count_parameters_and_flops",
    "In the maps a head's products run over its own d_k features, not over all d: 2T²·d_k for the scores of one head.",
)
def maps_over_the_whole_width(d, heads, d_k, T):
    return 4 * d * heads * d_k, 8 * T * d * heads * d_k + 4 * T**2 * heads * d


@alternative("count_parameters_and_flops")
def counted_product_by_product(d, heads, d_k, T):
    def product(a, b, c):
        return 2 * a * b * c

    width = heads * d_k
    flops = 3 * product(T, d, width) + product(T, width, d)
    for _ in range(heads):
        flops += product(T, d_k, T) + product(T, T, d_k)
    return 3 * d * width + width * d, flops


@alternative("count_parameters_and_flops")
def counted_with_numpy(d, heads, d_k, T):
    shapes = np.array([[d, heads * d_k]] * 3 + [[heads * d_k, d]])
    parameters = shapes.prod(1).sum()
    return parameters, 2 * T * parameters + 2 * 2 * T**2 * heads * d_k


@alternative("count_parameters_and_flops")
def counted_in_floats(d, heads, d_k, T):
    n = float(heads * d_k)
    return [4 * d * n, 8 * T * d * n + 4 * T**2 * n]


# head_roles


def _on_gold(weights, relations):
    return torch.einsum("hij,rij->hr", weights.mean(0), relations.to(weights.dtype))


@mistake(
    "head_roles",
    "You divide by all queries. The first letter has no left neighbour: divide by the queries that "
    "have a marked place.",
)
def divided_by_all_queries(weights, relations):
    return _on_gold(weights, relations) / weights.shape[-1]


@mistake(
    "head_roles",
    "You divide by the number of marked places. If a query has two, their weights add up: divide by "
    "the number of queries "
    "that have any, relations.any(-1).sum(-1).",
)
def divided_by_marks(weights, relations):
    return _on_gold(weights, relations) / relations.sum((1, 2))


@mistake("head_roles", "The sentences are added up: take their mean.")
def sentences_added(weights, relations):
    return _on_gold(weights, relations) * len(weights) / relations.any(-1).sum(-1)


@mistake("head_roles", "The queries are added up: divide by the number of queries that have a marked place.")
def queries_added(weights, relations):
    return _on_gold(weights, relations)


@mistake("head_roles", "Rows are heads and columns relations: your table is transposed.")
def table_transposed(weights, relations):
    return (_on_gold(weights, relations) / relations.any(-1).sum(-1)).T


@mistake(
    "head_roles",
    "Queries and keys are swapped: in both tensors the query comes first, so [query, key] meets [query, key].",
)
def queries_and_keys_swapped(weights, relations):
    return torch.einsum("hij,rji->hr", weights.mean(0), relations.to(weights.dtype)) / relations.any(-1).sum(-1)


@mistake(
    "head_roles", "You count how often the *largest* weight is on a marked place. The mean weight there is asked for."
)
def share_of_hits(weights, relations):
    hits = torch.nn.functional.one_hot(weights.argmax(-1), weights.shape[-1]).to(weights.dtype)
    return _on_gold(hits, relations) / relations.any(-1).sum(-1)


@mistake("head_roles", "Only the first sentence counts here: average over all sentences.")
def first_sentence(weights, relations):
    return _on_gold(weights[:1], relations) / relations.any(-1).sum(-1)


@mistake("head_roles", "You average over all T × T places. Sum over the keys, then average over the queries.")
def mean_over_all_places(weights, relations):
    return _on_gold(weights, relations) / weights.shape[-1] ** 2


@mistake("head_roles", "One axis is too many: the mean over the sentences is missing.")
def every_sentence(weights, relations):
    marked = torch.einsum("bhij,rij->bhr", weights, relations.to(weights.dtype))
    return marked / relations.any(-1).sum(-1)


@mistake(
    "head_roles",
    "You count the *keys* that are marked, any(-2). The mean runs over queries: those that have a mark, any(-1).",
)
def keys_counted(weights, relations):
    return _on_gold(weights, relations) / relations.any(-2).sum(-1)


@alternative("head_roles")
def roles_by_loop(weights, relations):
    B, heads = weights.shape[:2]
    roles = torch.zeros(heads, len(relations))
    for h in range(heads):
        for r, relation in enumerate(relations):
            roles[h, r] = weights[:, h][:, relation].sum() / (B * relation.any(1).sum())
    return roles


@alternative("head_roles")
def roles_by_broadcasting(weights, relations):
    on_gold = (weights.unsqueeze(2) * relations).sum(-1)  # (B, h, R, T)
    return on_gold.sum((0, 3)) / (len(weights) * relations.any(2).sum(1))


@alternative("head_roles")
def roles_with_numpy(weights, relations):
    table = np.tensordot(weights.numpy().mean(0), relations.numpy().astype(float), axes=([1, 2], [1, 2]))
    return table / relations.numpy().any(-1).sum(-1)


@alternative("head_roles")
def roles_by_query(weights, relations):
    columns = []
    for relation in relations:
        each = (weights * relation).sum(-1)[:, :, relation.any(-1)]
        columns.append(each.mean((0, 2)))
    return torch.stack(columns, dim=1)


# head_importance


@mistake(
    "head_importance",
    "The absolute value comes too late: gradients of single examples have cancelled already. Give each example its own "
    "row of gates, and take abs before the mean.",
)
def abs_after_mean(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates)[0].mean(0).abs()


@mistake(
    "head_importance", "The absolute value is missing: a head that helps here and harms there would count for nothing."
)
def no_abs(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates)[0].mean(0)


@mistake(
    "head_importance", "The gates start at 0: every head is off. The importance is measured where all are on, at 1."
)
def gates_closed(losses, examples, heads):
    gates = torch.zeros(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates)[0].abs().mean(0)


@mistake("head_importance", "The examples are added up: take their mean.")
def examples_added(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates)[0].abs().sum(0)


@mistake(
    "head_importance",
    "You divide by the number of examples twice: the mean of the losses already does. Take the "
    "gradient of their *sum*.",
)
def divided_twice(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).mean(), gates)[0].abs().mean(0)


@mistake("head_importance", "The gradients are squared: take their absolute value.")
def squared(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates)[0].square().mean(0)


@mistake(
    "head_importance", "You average over the heads. One number a head is asked for: average over the examples, dim 0."
)
def mean_over_heads(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates)[0].abs().mean(1)


@mistake("head_importance", "You return one row for each example: take the mean over the examples.")
def every_example(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates)[0].abs()


@mistake(
    "head_importance",
    "You switch each head off: that is the exact loss of it, and needs a run for each head. Asked "
    "for is the gradient at ξ = 1.",
)
def switched_off(losses, examples, heads):
    whole = losses(torch.ones(examples, heads))
    off = [losses((1 - F.one_hot(torch.tensor(h), heads).double()).expand(examples, -1)) for h in range(heads)]
    return torch.stack([(loss - whole).abs().mean() for loss in off])


@mistake("head_importance", "The result is scaled to sum to 1. Leave it as it is: the mean absolute gradient.")
def normalised(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    importance = torch.autograd.grad(losses(gates).sum(), gates)[0].abs().mean(0)
    return importance / importance.sum()


@alternative("head_importance")
def with_backward(losses, examples, heads):
    gates = torch.ones(examples, heads).requires_grad_()
    losses(gates).sum().backward()
    return gates.grad.abs().sum(0) / examples


@alternative("head_importance")
def example_by_example(losses, examples, heads):
    total = torch.zeros(heads)
    gates = torch.ones(examples, heads, requires_grad=True)
    each = losses(gates)
    for b in range(examples):
        (gradient,) = torch.autograd.grad(each[b], gates, retain_graph=True)
        total += gradient[b].abs()
    return total / examples


@alternative("head_importance")
def with_a_jacobian(losses, examples, heads):
    jacobian = torch.autograd.functional.jacobian(losses, torch.ones(examples, heads))  # (B, B, h)
    return jacobian[range(examples), range(examples)].abs().mean(dim=0)


@alternative("head_importance")
def gates_in_float32(losses, examples, heads):
    gates = torch.ones(examples, heads, dtype=torch.float32, requires_grad=True)
    losses(gates).backward(torch.ones(examples))
    return gates.grad.abs().mean(0)


# Seen in learners' work


def _of_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask, *, dim=-1, turned=False, lowest=-1e9, axis=-3):
    def split(y):
        return y.unflatten(-1, (heads, -1)).transpose(1, 2)

    q, k, v = split(x @ W_q), split(memory @ W_k), split(memory @ W_v)
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if mask is not None:
        mask = mask.unsqueeze(axis)
        scores = scores.masked_fill(mask if turned else ~mask, lowest)
    weights = torch.softmax(scores, dim)
    return (weights @ v).transpose(1, 2).flatten(2) @ W_o, weights


@mistake(
    "multi_head_attention",
    "The softmax runs over the queries, dim=-2. For every query the weights of all keys sum to 1: dim=-1. "
    "(What is hidden "
    "got −1e9, so no NaN shows it.)",
)
def over_the_queries_with_a_large_number(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    return _of_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask, dim=-2)


@mistake(
    "multi_head_attention",
    "The softmax runs over the heads, dim=1. For every query and head the weights of all keys sum to 1: dim=-1.",
)
def over_the_heads_with_a_large_number(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    return _of_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask, dim=1)


@mistake(
    "count_parameters_and_flops",
    "4 d² holds only where heads · d_k = d. In general each matrix is d × (heads · d_k).",
)
def four_squares(d, heads, d_k, T):
    return 4 * d * d, 2 * T * 4 * d * d + 4 * heads * T * T * d_k


@mistake("head_importance", "The gates don't ask for a gradient: make them with `requires_grad=True`.")
def gates_without_gradient(losses, examples, heads):
    gates = torch.ones(examples, heads)
    (gradient,) = torch.autograd.grad(losses(gates).sum(), gates)
    return gradient.abs().mean(0)


@mistake(
    "head_importance", "`torch.autograd.grad` returns a tuple, one gradient for each input: take the first, `[0]`."
)
def tuple_of_gradients(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates).abs().mean(0)


@mistake("head_importance", "A gradient can be asked of one number only: sum the losses of the examples first.")
def losses_not_summed(losses, examples, heads):
    gates = torch.ones(examples, heads, requires_grad=True)
    (gradient,) = torch.autograd.grad(losses(gates), gates)
    return gradient.abs().mean(0)


@alternative("head_roles")
def names_float32(weights, relations):
    return torch.einsum("hij,rij->hr", weights.mean(0), relations.float()) / relations.any(-1).sum(-1)


@alternative("head_roles")
def flat_product_in_float32(weights, relations):
    return weights.mean(0).flatten(1) @ relations.flatten(1).float().T / relations.any(-1).sum(-1)


# switch_off_heads


def _one_after_another(loss, heads, off, *, better=min, stays_off=True):
    gates, gone = torch.ones(heads), []
    for _ in range(off):
        losses = {}
        for head in range(heads):
            if head not in gone or not stays_off:
                without = gates.clone()
                without[head] = 0
                losses[head] = loss(without)
        gone.append(better(losses, key=losses.get))
        gates[gone[-1]] = 0.0 if stays_off else 1.0
    return gone


def _alone(loss, heads):
    return [loss(1 - torch.eye(heads)[head]) for head in range(heads)]


@mistake(
    "switch_off_heads",
    "Each head is tried alone, once: that is a ranking. Try again after each step, with the heads off that are gone.",
)
def ranked_once(loss, heads, off):
    alone = _alone(loss, heads)
    return sorted(range(heads), key=alone.__getitem__)[:off]


@mistake(
    "switch_off_heads",
    "You take the head whose absence costs *most*. Switch off the one without which the loss is least.",
)
def costliest_first(loss, heads, off):
    return _one_after_another(loss, heads, off, better=max)


@mistake(
    "switch_off_heads",
    "The same head goes at every step: what is off must stay off, and must not be tried again.",
)
def same_head_again(loss, heads, off):
    return _one_after_another(loss, heads, off, stays_off=False)


@mistake(
    "switch_off_heads",
    "The gates are not copied: each head that you try stays off, so that the next one is tried without it.",
)
def tried_in_place(loss, heads, off):
    gates, gone = torch.ones(heads), []
    for _ in range(off):
        losses = {}
        for head in range(heads):
            if head not in gone:
                gates[head] = 0
                losses[head] = loss(gates)
        gone.append(min(losses, key=losses.get))
    return gone


@mistake(
    "switch_off_heads",
    "The heads that stay on are returned. Asked for are those that go, in the order in which they go.",
)
def heads_that_stay(loss, heads, off):
    gone = _one_after_another(loss, heads, off)
    return [head for head in range(heads) if head not in gone]


@mistake("switch_off_heads", "The right heads, sorted by number. Return them in the order in which they go.")
def sorted_by_number(loss, heads, off):
    return sorted(_one_after_another(loss, heads, off))


@mistake("switch_off_heads", "The right heads, the last one first. Return them in the order in which they go.")
def last_one_first(loss, heads, off):
    return _one_after_another(loss, heads, off)[::-1]


@mistake("switch_off_heads", "Your heads are counted from 1. The first head is number 0.")
def counted_from_one(loss, heads, off):
    return [head + 1 for head in _one_after_another(loss, heads, off)]


@mistake(
    "switch_off_heads",
    "Your gates are turned round: 1 where a head is off. A gate of 1 is on, 0 is off; all are on at first.",
)
def gates_turned(loss, heads, off):
    return _one_after_another(lambda gates: loss(1 - gates), heads, off)


@mistake("switch_off_heads", "The gates are returned. Asked for are the numbers of the heads that go.")
def gates_returned(loss, heads, off):
    gates = torch.ones(heads)
    gates[_one_after_another(loss, heads, off)] = 0
    return gates.tolist()


@mistake(
    "switch_off_heads",
    "You begin with all heads off and choose whom to switch on. Begin with all on, and switch off one after another.",
)
def switched_on(loss, heads, off):
    gates, on = torch.zeros(heads), []
    for _ in range(heads - off):
        losses = {}
        for head in range(heads):
            if head not in on:
                more = gates.clone()
                more[head] = 1
                losses[head] = loss(more)
        on.append(min(losses, key=losses.get))
        gates[on[-1]] = 1
    return [head for head in range(heads) if head not in on]


@mistake("switch_off_heads", "One head too few is switched off: `off` steps are asked for.")
def one_too_few(loss, heads, off):
    return _one_after_another(loss, heads, off - 1)


@mistake("switch_off_heads", "Nothing is chosen: the first heads go, whatever the loss says.")
def first_heads(loss, heads, off):
    return list(range(off))


@alternative("switch_off_heads")
def by_recursion(loss, heads, off, gone=()):
    if off == 0:
        return list(gone)

    def without(head):
        return loss(torch.tensor([0.0 if i in (*gone, head) else 1.0 for i in range(heads)]))

    best = min((head for head in range(heads) if head not in gone), key=without)
    return by_recursion(loss, heads, off - 1, (*gone, best))


@alternative("switch_off_heads")
def by_argmin(loss, heads, off):
    gates, gone = torch.ones(heads, dtype=torch.float32), []
    for _ in range(off):
        losses = torch.full((heads,), torch.inf)
        for head in torch.nonzero(gates).flatten().tolist():
            losses[head] = loss(gates * (torch.arange(heads) != head))
        best = losses.argmin()
        gates = gates.index_fill(0, best, 0.0)
        gone.append(int(best))
    return gone


@alternative("switch_off_heads")
def shrinking_list(loss, heads, off):
    on, gone = list(range(heads)), []
    while len(gone) < off:
        least = float("inf")
        for head in on:
            gates = torch.zeros(heads)
            for other in on:
                gates[other] = other != head
            if (now := loss(gates)) < least:
                least, best = now, head
        on.remove(best)
        gone.append(best)
    return torch.tensor(gone)


@alternative("switch_off_heads")
def restored_after_each_try(loss, heads, off):
    gates, gone = torch.ones(heads), []
    for _ in range(off):
        tried = []
        for head in range(heads):
            if gates[head] == 0:
                continue
            gates[head] = 0
            tried.append((loss(gates), head))
            gates[head] = 1
        gone.append(min(tried)[1])
        gates[gone[-1]] = 0
    return gone


# Seen in learners' work


@mistake(
    "split_heads", "You cut the *words* into parts, dim 1. Every word stays whole: cut its features, the last axis."
)
def words_cut(x, heads):
    return torch.stack(x.chunk(heads, dim=1), 1)


@mistake(
    "multi_head_attention",
    "One head, as wide as the model, attends here. Cut queries, keys and values into `heads` heads before the scores.",
)
def one_wide_head(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    scores = (x @ W_q) @ (memory @ W_k).mT / x.shape[-1] ** 0.5
    weights = torch.softmax(scores, -1) if mask is None else masked_softmax(scores, mask)
    return weights @ (memory @ W_v) @ W_o, weights.unsqueeze(1)


@mistake(
    "head_roles",
    "Nothing is divided: the weights of all sentences and queries are added up. Take their mean, over sentences and "
    "over the queries that have a marked place.",
)
def all_added_up(weights, relations):
    return torch.einsum("bhij,rij->hr", weights, relations.to(weights.dtype))


@mistake(
    "switch_off_heads",
    "You return places in the list of heads that are still *on*. Asked for are the heads' own numbers: look them up "
    "there.",
)
def places_among_those_on(loss, heads, off):
    gates, places = torch.ones(heads), []
    for _ in range(off):
        on = gates.nonzero().flatten().tolist()
        losses = [loss(gates * (1 - torch.eye(heads)[head])) for head in on]
        places.append(losses.index(min(losses)))
        gates[on[places[-1]]] = 0
    return places


@mistake(
    "switch_off_heads",
    "Each head is tried *alone*, with all others off. Begin with all on, and see what is lost without it.",
)
def each_alone(loss, heads, off):
    alone = [loss(torch.eye(heads)[head]) for head in range(heads)]
    return sorted(range(heads), key=lambda head: -alone[head])[:off]


@mistake(
    "switch_off_heads",
    "Your loop ends when `off` heads are still *on*. It should end when `off` heads are off.",
)
def until_off_are_on(loss, heads, off):
    return _one_after_another(loss, heads, heads - off)


# Written by people who had not seen this file


@mistake("split_heads", "Your heads come from the last to the first. Head 0 holds the first features of every word.")
def heads_from_the_end(x, heads):
    return split(x, heads).flip(1)


@mistake("split_heads", "Every head gets the same features, the first ones. Head i gets the i-th part of them.")
def first_part_for_all(x, heads):
    B, T, d = x.shape
    return x[:, None, :, : d // heads].expand(B, heads, T, d // heads)


@mistake(
    "split_heads",
    "The numbers are divided by √d_k. Cutting into heads changes no number; the scale belongs to the scores.",
)
def parts_scaled(x, heads):
    return split(x, heads) / (x.shape[-1] // heads) ** 0.5


def _mixed(x, memory, W_q, W_k, W_v, W_o, heads, mask, dim=-1):
    """The heads' outputs, joined, and their weights; without a mask the softmax runs over `dim`."""
    weights = _weigh(_scores(x, memory, W_q, W_k, heads), mask, dim if mask is None else -1)
    return merge(weights @ split(memory @ W_v, heads)), weights


@mistake(
    "multi_head_attention",
    "x is added to the output. Such a way around the attention comes in lesson 10: return what W_o makes alone.",
)
def words_added(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    mixed, weights = _mixed(x, memory, W_q, W_k, W_v, W_o, heads, mask)
    return x + mixed @ W_o, weights


@mistake("multi_head_attention", "The *keys* are averaged, and W_v is used nowhere: the weights belong on the values.")
def keys_averaged(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    mixed, weights = _mixed(x, memory, W_q, W_k, W_k, W_o, heads, mask)
    return mixed @ W_o, weights


@mistake("multi_head_attention", "W_o is turned round at the end. It is used as the others are, rows times matrix.")
def output_matrix_turned(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    mixed, weights = _mixed(x, memory, W_q, W_k, W_v, W_o, heads, mask)
    return mixed @ W_o.T, weights


@mistake("multi_head_attention", "W_q is turned round, the other matrices aren't. Here all are used as they come.")
def query_matrix_turned(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    mixed, weights = _mixed(x, memory, W_q.T, W_k, W_v, W_o, heads, mask)
    return mixed @ W_o, weights


@mistake(
    "multi_head_attention",
    "The output is right, but the weights you return have gone through a second softmax. Return those that were used.",
)
def softmax_of_what_is_returned(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    mixed, weights = _mixed(x, memory, W_q, W_k, W_v, W_o, heads, mask)
    return mixed @ W_o, weights.softmax(-1)


@mistake(
    "multi_head_attention",
    "Where there is no mask your softmax runs over the heads. It runs over the keys, the last axis, as with one.",
)
def over_the_heads_without_a_mask(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    mixed, weights = _mixed(x, memory, W_q, W_k, W_v, W_o, heads, mask, dim=1)
    return mixed @ W_o, weights


def _counted(d, heads, d_k, T, parameters=None, projections=None, maps=None):
    """The right counts, but for the parts that are given."""
    right = 4 * d * heads * d_k
    projected = 2 * T * right if projections is None else projections
    mapped = 4 * heads * T * T * d_k if maps is None else maps
    return right if parameters is None else parameters, projected + mapped


@mistake(
    "count_parameters_and_flops",
    "Three products' FLOPs are counted, W_o's are missing: it mixes every word, too.",
)
def output_product_left_out(d, heads, d_k, T):
    return _counted(d, heads, d_k, T, projections=6 * T * d * heads * d_k)


@mistake(
    "count_parameters_and_flops",
    "One projection's FLOPs are counted. Four matrices meet every word: for queries, keys, values, output.",
)
def one_projection(d, heads, d_k, T):
    return _counted(d, heads, d_k, T, projections=2 * T * d * heads * d_k)


@mistake(
    "count_parameters_and_flops",
    "You count the weights of one head, and what these cost. Each head has its own part of the matrices.",
)
def weights_of_one_head(d, heads, d_k, T):
    return _counted(d, heads, d_k, T, parameters=4 * d * d_k, projections=8 * T * d * d_k)


@mistake(
    "count_parameters_and_flops",
    "You count biases, and in the FLOPs as well. The count is without them.",
)
def biases_in_both(d, heads, d_k, T):
    parameters = 4 * d * heads * d_k + 3 * heads * d_k + d
    return _counted(d, heads, d_k, T, parameters=parameters, projections=2 * T * parameters)


@mistake(
    "count_parameters_and_flops",
    "T and d_k have changed places in the scores and averages: every *word* asks every word.",
)
def words_and_width_swapped(d, heads, d_k, T):
    return _counted(d, heads, d_k, T, maps=4 * heads * T * d_k * d_k)


@mistake("count_parameters_and_flops", "Each word asks one word too many: there are T, itself among them.")
def one_word_more_is_asked(d, heads, d_k, T):
    return _counted(d, heads, d_k, T, maps=4 * heads * T * (T + 1) * d_k)


@mistake(
    "count_parameters_and_flops",
    "In the scores and averages the heads are counted twice: d_k is the width of one.",
)
def heads_counted_twice(d, heads, d_k, T):
    return _counted(d, heads, d_k, T, maps=4 * heads**2 * T * T * d_k)


def _roles(weights, relations):
    """The right answer."""
    return _on_gold(weights, relations) / relations.any(-1).sum(-1)


@mistake("head_roles", "You take the mean over the heads, and all rows are alike. Each head has a row of its own.")
def heads_averaged(weights, relations):
    roles = _roles(weights, relations)
    return roles.mean(0, keepdim=True).expand_as(roles)


@mistake(
    "head_roles", "You add up what lies on the places that are *not* marked. True in a relation is a marked place."
)
def places_not_marked(weights, relations):
    return _on_gold(weights, ~relations) / relations.any(-1).sum(-1)


@mistake(
    "head_roles",
    "Where a query has several marked places you take the largest weight. What lies on all of them is added up.",
)
def largest_of_the_marked(weights, relations):
    on = (weights.unsqueeze(2) * relations.to(weights.dtype)).amax(-1).sum(-1).mean(0)
    return on / relations.any(-1).sum(-1)


@mistake(
    "head_roles",
    "Where a query has several marked places you take the mean of their weights. What lies on all of them is added up.",
)
def mean_of_the_marked(weights, relations):
    marks = relations.to(weights.dtype)
    shares = marks / marks.sum(-1, keepdim=True).clamp(min=1)
    return torch.einsum("hij,rij->hr", weights.mean(0), shares) / relations.any(-1).sum(-1)


@mistake(
    "head_roles",
    "Each row is made to sum to 1. A head may serve two relations at once, or none: leave the means as they are.",
)
def relations_share(weights, relations):
    roles = _roles(weights, relations)
    return roles / roles.sum(-1, keepdim=True)


@mistake("head_roles", "You divide by the number of heads where the number of *sentences* belongs.")
def divided_by_the_heads(weights, relations):
    return _roles(weights, relations) * len(weights) / weights.shape[1]


def _slopes(losses, examples, heads, at=1.0):
    """The gradient of each example's loss, (examples, heads), with all gates `at`."""
    gates = torch.full((examples, heads), at, requires_grad=True)
    return torch.autograd.grad(losses(gates).sum(), gates)[0]


@mistake("head_importance", "The gates are ½ when you differentiate. The model as it is has all gates at 1.")
def gates_at_one_half(losses, examples, heads):
    return _slopes(losses, examples, heads, at=0.5).abs().mean(0)


@mistake("head_importance", "This is the root of the mean square. Asked for is the mean of the absolute values.")
def root_of_the_mean_square(losses, examples, heads):
    return (_slopes(losses, examples, heads) ** 2).mean(0).sqrt()


@mistake("head_importance", "The largest of all examples is taken. Asked for is their mean.")
def largest_of_the_examples(losses, examples, heads):
    return _slopes(losses, examples, heads).abs().amax(0)


@mistake("head_importance", "Only the first example counts. Take the mean over all of them.")
def first_example_alone(losses, examples, heads):
    return _slopes(losses, examples, heads).abs()[0]


@mistake("head_importance", "You divide by one less than the number of examples: a mean divides by their number.")
def divided_by_one_less(losses, examples, heads):
    return _slopes(losses, examples, heads).abs().sum(0) / max(examples - 1, 1)


@mistake("head_importance", "Right, but for the sign: an absolute value, and so an importance, is never below 0.")
def sign_turned(losses, examples, heads):
    return -_slopes(losses, examples, heads).abs().mean(0)


@mistake("head_importance", "This is the *spread* of the gradients over the examples. Asked for is their mean size.")
def spread_of_the_examples(losses, examples, heads):
    return _slopes(losses, examples, heads).std(0)


def _greedy(loss, heads, off, among=range, value=None, first=()):
    """The reference, with other heads tried, another value of a head, or heads that are off at first."""
    gates, gone = torch.ones(heads), []
    gates[list(first)] = 0

    def without(head):
        tried = gates.clone()
        tried[head] = 0
        return loss(tried)

    for _ in range(off):
        on = [head for head in among(heads) if head not in gone]
        gone.append(min(on, key=value(gates, without) if value else without))
        gates[gone[-1]] = 0
    return gone


@mistake(
    "switch_off_heads", "Heads that are off are tried again, and may go twice. Choose among those that are still on."
)
def gone_twice(loss, heads, off):
    gates, gone = torch.ones(heads), []
    for _ in range(off):
        losses = [loss(gates * (1 - torch.eye(heads)[head])) for head in range(heads)]
        gone.append(losses.index(min(losses)))
        gates[gone[-1]] = 0
    return gone


@mistake("switch_off_heads", "One head too many goes: your loop has a turn more than `off`.")
def one_too_many(loss, heads, off):
    return _greedy(loss, heads, min(off + 1, heads))


@mistake(
    "switch_off_heads", "A gate that you hand to `loss` is neither 1 nor 0. A head is on or off, with nothing between."
)
def gates_between(loss, heads, off):
    return _greedy(lambda gates: loss(1 - (1 - gates) / 2), heads, off)


@mistake("switch_off_heads", "The last head is never tried. The heads' numbers go from 0 to heads − 1.")
def last_head_never(loss, heads, off):
    return _greedy(loss, heads, off, among=lambda heads: range(heads - 1))


@mistake(
    "switch_off_heads",
    "You choose the head whose absence *changes* the loss least. A head that does harm should go first: least loss.",
)
def least_changed(loss, heads, off):
    return _greedy(loss, heads, off, value=lambda gates, without: lambda head: abs(without(head) - loss(gates)))


@mistake(
    "switch_off_heads",
    "Each head is tried with all others off, and the one goes with which *alone* the loss is least: the best one.",
)
def best_alone(loss, heads, off):
    return _greedy(loss, heads, off, value=lambda gates, without: lambda head: loss(torch.eye(heads)[head]))


@mistake(
    "switch_off_heads",
    "Nothing comes out: `off` heads are to go, also where each of them costs something. Does your loop stop at once?",
)
def stops_at_once(loss, heads, off):
    return []


@mistake("switch_off_heads", "Head 0 is off from the start, though it wasn't chosen. All heads are on at first.")
def first_off_at_the_start(loss, heads, off):
    return _greedy(loss, heads, off, first=[0])
