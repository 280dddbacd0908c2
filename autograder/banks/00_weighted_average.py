"""Known answers to lesson 00: wrong ones with the sentence that helps, and right ones written otherwise."""

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# softmax


@mistake(
    "softmax", "exp overflows for large scores, and ∞/∞ is NaN. Subtract the maximum over `dim` before `torch.exp`."
)
def without_maximum(scores, dim):
    powers = torch.exp(scores)
    return powers / powers.sum(dim, keepdim=True)


@mistake("softmax", "You always normalise over the last axis. Use the `dim` that the caller asks for.")
def always_last(scores, dim):
    return torch.softmax(scores, -1)


@mistake("softmax", "You always normalise over the first axis. Use the `dim` that the caller asks for.")
def always_first(scores, dim):
    return torch.softmax(scores, 0)


@mistake("softmax", "Your weights sum to 1 over the whole tensor. Sum over `dim` only, with keepdim=True.")
def over_everything(scores, dim):
    powers = torch.exp(scores - scores.max())
    return powers / powers.sum()


@mistake(
    "softmax",
    "These are logarithms of weights (log_softmax). Weights themselves are positive: leave out the logarithm.",
)
def logarithms(scores, dim):
    return torch.log_softmax(scores, dim)


@mistake(
    "softmax", "You divide the scores by their sum, without the exponential. Scores may be negative; weights may not."
)
def no_exponential(scores, dim):
    return scores / scores.sum(dim, keepdim=True)


@mistake(
    "softmax", "This is a sigmoid of each score on its own: the weights don't sum to 1. Divide by the sum over `dim`."
)
def sigmoid(scores, dim):
    return torch.sigmoid(scores)


@mistake("softmax", "The largest score gets the smallest weight: the sign of the scores is turned around.")
def negative(scores, dim):
    return torch.softmax(-scores, dim)


@mistake("softmax", "You forgot to divide by the sum, so the weights don't sum to 1.")
def not_divided(scores, dim):
    return torch.exp(scores - scores.amax(dim, keepdim=True))


@mistake(
    "softmax",
    "You divide by the mean of the exponentials. Divide by their *sum*.",
)
def divided_by_the_mean_of_all(scores, dim):
    e = torch.exp(scores - scores.amax(dim, keepdim=True))
    return e / e.mean(dim, keepdim=True)


@mistake(
    "softmax",
    "A small number is added to the sum, so the weights sum to less than 1. It isn't needed: after the "
    "maximum is subtracted, the sum is at least 1.",
)
def small_number_added(scores, dim):
    e = torch.exp(scores - scores.amax(dim, keepdim=True))
    return e / (e.sum(dim, keepdim=True) + 1e-2)


@alternative("softmax")
def library_softmax(scores, dim):
    return F.softmax(scores, dim=dim)


@alternative("softmax")
def by_logsumexp(scores, dim):
    return (scores - torch.logsumexp(scores, dim, keepdim=True)).exp()


@mistake(
    "softmax",
    "The values are right, but the gradient is cut (numpy, `.detach()`, `no_grad`): the scores could not "
    "learn. Stay in torch.",
)
def through_numpy(scores, dim):
    s = scores.numpy()
    powers = np.exp(s - s.max(axis=dim, keepdims=True))
    return torch.from_numpy(powers / powers.sum(axis=dim, keepdims=True))


@alternative("softmax")
def in_float32(scores, dim):
    return scores.float().softmax(dim)


@alternative("softmax")
def moved_axis(scores, dim):
    moved = scores.movedim(dim, 0)
    powers = torch.stack([torch.exp(row - moved.max(0).values) for row in moved])
    return (powers / sum(powers)).movedim(0, dim)


# masked_softmax


@mistake("masked_softmax", "A row without any True becomes NaN, since all its scores are −∞. It should give zeros.")
def nan_rows(scores, mask):
    return torch.softmax(scores.masked_fill(~mask, float("-inf")), -1)


@mistake("masked_softmax", "The mask is inverted: True means *may attend*, so fill the places where it is False.")
def inverted(scores, mask):
    weights = torch.softmax(scores.masked_fill(mask, torch.finfo(scores.dtype).min), -1)
    return weights.masked_fill(mask, 0.0)


@mistake(
    "masked_softmax",
    "You mask after the softmax, so the weights of a row no longer sum to 1. Mask the scores before it.",
)
def after_softmax(scores, mask):
    return torch.softmax(scores, -1) * mask


@mistake(
    "masked_softmax", "A masked score of 0 still gets weight: e⁰ is 1. Fill with a very large negative number instead."
)
def zero_scores(scores, mask):
    return torch.softmax(scores * mask, -1)


@mistake("masked_softmax", "The mask is not used at all.")
def ignores_mask(scores, mask):
    return torch.softmax(scores, -1)


@mistake(
    "masked_softmax",
    "A row without any True should give zeros; yours gives equal weights. Fill the masked places with 0 afterwards.",
)
def equal_in_empty_rows(scores, mask):
    return torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), -1)


@mistake("masked_softmax", "You normalise over the batch, not over the keys. The keys are the last axis: dim=-1.")
def over_the_batch(scores, mask):
    weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), 0)
    return weights.masked_fill(~mask, 0.0)


@mistake(
    "masked_softmax", "−1 is not low enough: masked places still get weight. Fill with torch.finfo(scores.dtype).min."
)
def minus_one(scores, mask):
    return torch.softmax(scores.masked_fill(~mask, -1.0), -1)


@alternative("masked_softmax")
def exponentials_times_mask(scores, mask):
    powers = torch.exp(scores - scores.amax(-1, keepdim=True)) * mask
    return powers / powers.sum(-1, keepdim=True).clamp(min=1e-30)


@alternative("masked_softmax")
def where_any(scores, mask):
    some = mask.any(-1, keepdim=True)
    safe = torch.where(mask | ~some, scores, -1e30)
    return torch.softmax(safe, -1) * (mask & some)


@alternative("masked_softmax")
def additive_mask(scores, mask):
    return torch.softmax(scores + (1.0 - mask.to(scores)) * -1e9, -1) * mask


@alternative("masked_softmax")
def nan_to_num(scores, mask):  # the gradient is finite too: that of nan_to_num is zero where it acts
    return torch.softmax(scores.masked_fill(~mask, float("-inf")), -1).nan_to_num(0.0)


@alternative("masked_softmax")
def renormalised(scores, mask):
    weights = torch.softmax(scores, -1) * mask
    total = weights.sum(-1, keepdim=True)
    return weights / torch.where(total > 0, total, torch.ones_like(total))


# weighted_average


@mistake("weighted_average", "You multiply without summing: use a matrix product (@), which sums over the keys.")
def no_sum(weights, values):
    return weights.unsqueeze(-1) * values.unsqueeze(-3)


@mistake("weighted_average", "The weights are transposed: rows are queries, columns are keys, so sum over the columns.")
def transposed_weights(weights, values):
    return weights.transpose(-1, -2) @ values


@mistake("weighted_average", "You take the plain mean of the values: every query gets the same. Use the weights.")
def plain_mean(weights, values):
    return values.mean(-2, keepdim=True).expand(*weights.shape[:-1], values.shape[-1])


@mistake("weighted_average", "The product is the wrong way around: it is weights @ values.")
def wrong_way_around(weights, values):
    return values @ weights


@mistake("weighted_average", "The result is divided by the number of keys once more. The weights sum to 1 already.")
def divided_again(weights, values):
    return weights @ values / values.shape[-2]


@mistake("weighted_average", "The values are transposed: each row of `values` is one vector to be averaged.")
def transposed_values(weights, values):
    return weights @ values.transpose(-1, -2)


@mistake(
    "weighted_average",
    "You take the value of the largest weight alone. An average counts *all* values, each by its weight.",
)
def value_of_the_largest(weights, values):
    return values.gather(-2, weights.argmax(-1, keepdim=True).expand(*weights.shape[:-1], values.shape[-1]))


@mistake(
    "weighted_average",
    "The weights are still divided by their sum, with a small number against 0 / 0. They sum to 1 "
    "already, or are all 0: leave the division out.",
)
def divided_by_the_sum_and_a_bit_here(weights, values):
    return weights @ values / (weights.sum(-1, keepdim=True) + 1e-8)


@alternative("weighted_average")
def einsum(weights, values):
    return torch.einsum("...qt,...td->...qd", weights, values)


@alternative("weighted_average")
def loop_over_keys(weights, values):
    return sum(weights[..., t, None] * values[..., t, :].unsqueeze(-2) for t in range(values.shape[-2]))


@alternative("weighted_average")
def product_and_sum(weights, values):
    return (weights.unsqueeze(-1) * values.unsqueeze(-3)).sum(-2)


@alternative("weighted_average")
def matmul_in_float32(weights, values):
    return torch.matmul(weights.float(), values.float())


# kernel_regression


@mistake(
    "kernel_regression",
    "The sign is wrong: far measurements count most. The score is *minus* half the squared difference.",
)
def far_counts_most(x, x_i, y_i, bandwidth):
    return torch.softmax(0.5 * ((x.unsqueeze(1) - x_i) / bandwidth) ** 2, 1) @ y_i


@mistake("kernel_regression", "You normalise over the queries. For each query the weights of all keys sum to 1: dim=1.")
def over_queries(x, x_i, y_i, bandwidth):
    return torch.softmax(-0.5 * ((x.unsqueeze(1) - x_i) / bandwidth) ** 2, 0) @ y_i


@mistake("kernel_regression", "The bandwidth is not used.")
def no_bandwidth(x, x_i, y_i, bandwidth):
    return torch.softmax(-0.5 * (x.unsqueeze(1) - x_i) ** 2, 1) @ y_i


@mistake(
    "kernel_regression",
    "You divide the squared difference by b, not by b². Divide the difference by b before squaring.",
)
def bandwidth_not_squared(x, x_i, y_i, bandwidth):
    return torch.softmax(-0.5 * (x.unsqueeze(1) - x_i) ** 2 / bandwidth, 1) @ y_i


@mistake("kernel_regression", "The factor ½ is missing in the exponent.")
def no_half(x, x_i, y_i, bandwidth):
    return torch.softmax(-(((x.unsqueeze(1) - x_i) / bandwidth) ** 2), 1) @ y_i


@mistake(
    "kernel_regression", "You multiply by the bandwidth where it should divide: a wide kernel became a narrow one."
)
def times_bandwidth(x, x_i, y_i, bandwidth):
    return torch.softmax(-0.5 * ((x.unsqueeze(1) - x_i) * bandwidth) ** 2, 1) @ y_i


@mistake(
    "kernel_regression",
    "The difference is not squared: a measurement to the left and one to the right must count alike.",
)
def not_squared(x, x_i, y_i, bandwidth):
    return torch.softmax(-0.5 * (x.unsqueeze(1) - x_i) / bandwidth, 1) @ y_i


@mistake(
    "kernel_regression",
    "Far from all measurements every exp(…) is 0, and 0/0 is NaN. Use softmax, which subtracts the maximum.",
)
def underflow(x, x_i, y_i, bandwidth):
    kernel = torch.exp(-0.5 * ((x.unsqueeze(1) - x_i) / bandwidth) ** 2)
    return kernel @ y_i / kernel.sum(1)


@mistake("kernel_regression", "This is the plain mean of y for every query.")
def equal_weights(x, x_i, y_i, bandwidth):
    return y_i.mean().expand(len(x))


@mistake("kernel_regression", "The weights don't sum to 1: use softmax, or divide by the sum of the kernel.")
def not_normalised(x, x_i, y_i, bandwidth):
    return torch.exp(-0.5 * ((x.unsqueeze(1) - x_i) / bandwidth) ** 2) @ y_i


@mistake(
    "kernel_regression",
    "You take the mean of kernel times y. The weights must sum to 1: divide by the sum of the kernel, or use softmax.",
)
def mean_of_products(x, x_i, y_i, bandwidth):
    diff = (x.unsqueeze(1) - x_i) / bandwidth
    return ((-(diff**2) / 2).exp() * y_i).mean(1)


@mistake(
    "kernel_regression",
    "You divide by the bell curve's own constant, b √(2π). The weights of all measurements must sum to 1: use softmax.",
)
def density_for_weights(x, x_i, y_i, bandwidth):
    diff = (x.unsqueeze(1) - x_i) / bandwidth
    return (-(diff**2) / 2).exp() @ y_i / (bandwidth * (2 * 3.14159265) ** 0.5)


@mistake(
    "kernel_regression",
    "You take the nearest measurement alone. All count, each by its kernel.",
)
def nearest_alone(x, x_i, y_i, bandwidth):
    diff = (x.unsqueeze(1) - x_i) / bandwidth
    return y_i[diff.abs().argmin(1)]


@mistake(
    "kernel_regression",
    "The difference is divided by b² before it is squared. Divide it by b.",
)
def divided_by_the_square(x, x_i, y_i, bandwidth):
    diff = (x.unsqueeze(1) - x_i) / bandwidth**2
    return torch.softmax(-(diff**2) / 2, 1) @ y_i


@mistake(
    "kernel_regression",
    "A small number is added to the sum: far from all measurements it outweighs them. Use softmax, which needs none.",
)
def small_number_below(x, x_i, y_i, bandwidth):
    diff = (x.unsqueeze(1) - x_i) / bandwidth
    return ((-(diff**2) / 2).exp() @ y_i) / ((-(diff**2) / 2).exp().sum(1) + 1e-6)


@alternative("kernel_regression")
def one_query_at_a_time(x, x_i, y_i, bandwidth):
    out = torch.zeros(len(x))
    for i, q in enumerate(x):
        score = -((q - x_i) ** 2) / (2 * bandwidth**2)
        out[i] = (torch.softmax(score, 0) * y_i).sum()
    return out


@alternative("kernel_regression")
def with_cdist(x, x_i, y_i, bandwidth):
    scores = -((x[:, None] - x_i[None, :]).abs() ** 2) / (2 * bandwidth * bandwidth)
    return torch.softmax(scores, dim=-1).matmul(y_i)


@alternative("kernel_regression")
def shifted_kernel(x, x_i, y_i, bandwidth):
    square = ((x_i[:, None] - x) / bandwidth) ** 2
    kernel = torch.exp(-0.5 * (square - square.min(0).values))
    return (kernel * y_i[:, None]).sum(0) / kernel.sum(0)


# content_address


@mistake(
    "content_address", "These are dot products: long rows of the memory win. Divide query and rows by their lengths."
)
def dot_products(query, memory, sharpness):
    weights = torch.softmax(sharpness * (query @ memory.T), -1)
    return weights, weights @ memory


@mistake("content_address", "The sharpness is not used.")
def no_sharpness(query, memory, sharpness):
    weights = torch.softmax(F.cosine_similarity(query.unsqueeze(1), memory, dim=-1), -1)
    return weights, weights @ memory


@mistake("content_address", "You divide by the sharpness; it multiplies (temperature would divide).")
def divides(query, memory, sharpness):
    weights = torch.softmax(F.cosine_similarity(query.unsqueeze(1), memory, dim=-1) / sharpness, -1)
    return weights, weights @ memory


@mistake(
    "content_address", "You normalise over the batch. For each query the weights of the memory rows sum to 1: dim=-1."
)
def over_batch(query, memory, sharpness):
    weights = torch.softmax(sharpness * F.cosine_similarity(query.unsqueeze(1), memory, dim=-1), 0)
    return weights, weights @ memory


@mistake("content_address", "You read the normalised memory. Compare with it, but read the rows as they are.")
def reads_unit_rows(query, memory, sharpness):
    unit = F.normalize(memory, dim=-1)
    weights = torch.softmax(sharpness * (F.normalize(query, dim=-1) @ unit.T), -1)
    return weights, weights @ unit


@mistake("content_address", "Only the query is divided by its length; the rows of the memory must be, too.")
def only_query(query, memory, sharpness):
    weights = torch.softmax(sharpness * (F.normalize(query, dim=-1) @ memory.T), -1)
    return weights, weights @ memory


@mistake("content_address", "Only the memory is divided by its lengths; the query must be, too.")
def only_memory(query, memory, sharpness):
    weights = torch.softmax(sharpness * (query @ F.normalize(memory, dim=-1).T), -1)
    return weights, weights @ memory


@mistake("content_address", "The lengths are taken over the rows (dim=0), not over the features (dim=-1).")
def wrong_norm(query, memory, sharpness):
    weights = torch.softmax(sharpness * (F.normalize(query, dim=0) @ F.normalize(memory, dim=0).T), -1)
    return weights, weights @ memory


@mistake(
    "content_address", "The sharpness multiplies the weights, after the softmax. It belongs to the scores, before it."
)
def sharpened_after(query, memory, sharpness):
    weights = sharpness * torch.softmax(F.cosine_similarity(query.unsqueeze(1), memory, dim=-1), -1)
    return weights, weights @ memory


@mistake(
    "content_address",
    "The memory is divided by the lengths of its *columns*. Each row has a length: `norm(dim=-1, keepdim=True)`.",
)
def lengths_of_columns(query, memory, sharpness):
    q = query / query.norm(dim=-1, keepdim=True)
    m = memory / memory.norm(dim=0, keepdim=True)
    w = torch.softmax(sharpness * q @ m.T, -1)
    return w, w @ memory


@mistake(
    "content_address",
    "You divide by the sum of absolute values (p=1). A cosine has the Euclidean length: `norm(dim=-1, keepdim=True)`.",
)
def sums_of_absolute_values(query, memory, sharpness):
    q = query / query.norm(p=1, dim=-1, keepdim=True)
    m = memory / memory.norm(p=1, dim=-1, keepdim=True)
    w = torch.softmax(sharpness * q @ m.T, -1)
    return w, w @ memory


@mistake(
    "content_address",
    "The sharpness is squared. It multiplies the cosine once.",
)
def sharpness_squared(query, memory, sharpness):
    q = query / query.norm(dim=-1, keepdim=True)
    m = memory / memory.norm(dim=-1, keepdim=True)
    w = torch.softmax(sharpness**2 * q @ m.T, -1)
    return w, w @ memory


@mistake(
    "content_address",
    "You score by the distance between the two. Score by the cosine, the dot product of the vectors of length 1.",
)
def minus_the_distance(query, memory, sharpness):
    q = query / query.norm(dim=-1, keepdim=True)
    m = memory / memory.norm(dim=-1, keepdim=True)
    w = torch.softmax(-sharpness * torch.cdist(q, m), -1)
    return w, w @ memory


@mistake(
    "content_address",
    "You divide by the *squared* lengths. Divide by the lengths, so that the vectors have length 1.",
)
def divided_by_squared_lengths(query, memory, sharpness):
    q = query / query.norm(dim=-1, keepdim=True) ** 2
    m = memory / memory.norm(dim=-1, keepdim=True)
    w = torch.softmax(sharpness * q @ m.T, -1)
    return w, w @ memory


@mistake(
    "content_address",
    "You read the row with the largest weight alone. What is read is the average of all rows, by the weights.",
)
def one_row_read(query, memory, sharpness):
    q = query / query.norm(dim=-1, keepdim=True)
    m = memory / memory.norm(dim=-1, keepdim=True)
    w = torch.softmax(sharpness * q @ m.T, -1)
    return w, memory[w.argmax(-1)]


@mistake(
    "content_address",
    "You divide by the largest entry (p=∞). A cosine has the Euclidean length: `norm(dim=-1, keepdim=True)`.",
)
def largest_entry_as_length(query, memory, sharpness):
    q = query / query.norm(p=torch.inf, dim=-1, keepdim=True)
    m = memory / memory.norm(p=torch.inf, dim=-1, keepdim=True)
    w = torch.softmax(sharpness * q @ m.T, -1)
    return w, w @ memory


@mistake(
    "content_address",
    "The sign of the cosine is lost: a row that points the other way counts as much as one that fits. "
    "Leave the absolute value out.",
)
def opposites_count(query, memory, sharpness):
    q = query / query.norm(dim=-1, keepdim=True)
    m = memory / memory.norm(dim=-1, keepdim=True)
    w = torch.softmax(sharpness * (q @ m.T).abs(), -1)
    return w, w @ memory


@alternative("content_address")
def by_cosine_similarity(query, memory, sharpness):
    weights = (sharpness * F.cosine_similarity(query[:, None], memory[None], dim=2)).softmax(1)
    return weights, torch.einsum("bn,nd->bd", weights, memory)


@alternative("content_address")
def one_question_at_a_time(query, memory, sharpness):
    weights = []
    for q in query:
        cosine = [torch.dot(q, m) / (q.norm() * m.norm()) for m in memory]
        weights.append(torch.softmax(sharpness * torch.stack(cosine), 0))
    weights = torch.stack(weights)
    return weights, torch.stack([sum(w * m for w, m in zip(row, memory, strict=True)) for row in weights])


@alternative("content_address")
def divided_product(query, memory, sharpness):
    lengths = query.norm(dim=1)[:, None] * memory.norm(dim=1)[None, :]
    weights = torch.softmax(sharpness * (query @ memory.T) / lengths, dim=1)
    return [weights, weights @ memory]


equivalent(
    "kernel_regression",
    "x.unsqueeze(1) - x_i -> x_i - x.unsqueeze(1)",
    "the difference is squared, so its sign doesn't matter",
)

# Seen in learners' work


@mistake(
    "softmax",
    "You subtract one maximum for the whole tensor. Rows far below it become 0 / 0: subtract the maximum "
    "over `dim`, with "
    "keepdim=True.",
)
def global_maximum(scores, dim):
    powers = torch.exp(scores - scores.max())
    return powers / powers.sum(dim, keepdim=True)


@mistake(
    "softmax",
    "The sum has lost its axis: with `keepdim=True` it keeps it, with length 1, and the division finds its partners.",
)
def axis_lost(scores, dim):
    powers = torch.exp(scores - scores.amax(dim, keepdim=True))
    return powers / powers.sum(dim)


@mistake(
    "masked_softmax",
    "−100, or −10,000, is not low enough: where all scores are lower, the hidden places win. Fill with "
    "torch.finfo(scores.dtype).min.",
)
def minus_hundred(scores, mask):
    return torch.softmax(scores.masked_fill(~mask, -100.0), -1).masked_fill(~mask, 0.0)


@mistake(
    "masked_softmax",
    "exp overflows for large scores, and is 0 for very low ones. Subtract the maximum first, or fill and use softmax.",
)
def bare_exponentials(scores, mask):
    powers = scores.exp() * mask
    return powers / (powers.sum(-1, keepdim=True) + 1e-9)


@mistake("kernel_regression", "You average the keys x_i. The weights are for the measured values y_i.")
def keys_averaged(x, x_i, y_i, bandwidth):
    return torch.softmax(-0.5 * ((x.unsqueeze(1) - x_i) / bandwidth) ** 2, 1) @ x_i


@mistake(
    "kernel_regression",
    "Your table has a row for each key and a column for each query. Queries are rows: `x.unsqueeze(1) - x_i`.",
)
def keys_as_rows(x, x_i, y_i, bandwidth):
    return torch.softmax(-0.5 * ((x - x_i.unsqueeze(1)) / bandwidth) ** 2, 1) @ y_i


@mistake(
    "content_address",
    "The length is taken of the whole tensor. Each row has its own: `norm(dim=-1, keepdim=True)`.",
)
def one_length_for_all(query, memory, sharpness):
    weights = torch.softmax(sharpness * (query / query.norm() @ (memory / memory.norm()).T), -1)
    return weights, weights @ memory


@mistake("content_address", "The results are in the other order: first the weights, then what is read.")
def read_first(query, memory, sharpness):
    weights, read = by_cosine_similarity(query, memory, sharpness)
    return read, weights


@mistake(
    "weighted_average",
    "The values are right, but a gradient is cut (`.detach()`, numpy, `torch.tensor`): the weights could not learn.",
)
def weights_cut(weights, values):
    return weights.detach() @ values


@mistake("softmax", "`-=` overwrites numbers that the gradient still needs: `scores - ...` makes new ones.")
def shifted_in_place_on_a_copy(scores, dim):
    powers = scores.clone()
    powers -= powers.amax(dim, keepdim=True)
    powers = powers.exp()
    return powers / powers.sum(dim, keepdim=True)


@alternative("weighted_average")
def names_float32(weights, values):
    return torch.einsum("...qt,...td->...qd", weights.float(), values)


@mistake(
    "softmax",
    "You subtract the mean, or the lowest. The largest score can still be far above it, and overflow: subtract the "
    "maximum.",
)
def mean_subtracted(scores, dim):
    powers = torch.exp(scores - scores.mean(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


@mistake("softmax", "These are powers of 2. Softmax takes powers of e: torch.exp.")
def powers_of_two(scores, dim):
    powers = 2 ** (scores - scores.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


# Seen in learners' work, once more


@mistake(
    "softmax",
    "You clamp the scores: all that lie beyond the limit become alike. Subtract the maximum over `dim` instead.",
)
def clamped(scores, dim):
    powers = torch.exp(torch.clamp(scores, -80, 80))
    return powers / powers.sum(dim, keepdim=True)


@mistake(
    "softmax",
    "You divide the scores by the largest. That changes their differences; *subtract* the maximum over `dim`.",
)
def divided_by_maximum(scores, dim):
    return torch.softmax(scores / scores.abs().amax(dim, keepdim=True), dim)


@mistake(
    "masked_softmax",
    "A masked score of 0 takes weight in the softmax, and is zeroed afterwards: the rest doesn't sum to 1. "
    "Fill with a very large negative number instead.",
)
def zero_scores_then_zeroed(scores, mask):
    return torch.softmax(scores * mask, -1) * mask


@mistake(
    "kernel_regression",
    "The distance isn't squared: the Gaussian kernel has minus half the *square* of it in the exponent.",
)
def distance_not_squared(x, x_i, y_i, bandwidth):
    return torch.softmax(-0.5 * (x.unsqueeze(1) - x_i).abs() / bandwidth, 1) @ y_i


@mistake(
    "kernel_regression", "The weighted values are averaged once more: use sum, since the weights sum to 1 already."
)
def mean_of_weighted_values(x, x_i, y_i, bandwidth):
    return (torch.softmax(-0.5 * ((x.unsqueeze(1) - x_i) / bandwidth) ** 2, 1) * y_i).mean(1)


# the colleague's weighted average


@mistake(
    "weighted_average",
    "This is the colleague's function as it was. Two steps must go: the weights are divided by their sum once "
    "more, and `mean` divides by the number of values although the weights have done so.",
)
def average_as_found(weights, values):
    weights = weights / weights.sum(dim=-1, keepdim=True)
    return (weights.unsqueeze(-1) * values.unsqueeze(-3)).mean(dim=-2)


@mistake(
    "weighted_average",
    "The sum is right now. The weights are still divided by their sum: where nobody is asked, that is 0 / 0.",
)
def still_divided_by_the_sum(weights, values):
    return weights / weights.sum(dim=-1, keepdim=True) @ values


@mistake(
    "weighted_average",
    "A small number below the fraction avoids the NaN where nobody is asked, and leaves a huge gradient there. The "
    "weights sum to 1 already: leave the division out.",
)
def divided_by_the_sum_and_a_bit(weights, values):
    return weights / (weights.sum(dim=-1, keepdim=True) + 1e-9) @ values


@mistake("weighted_average", "You take a softmax of the weights. They come from one already: use them as they are.")
def softmax_of_weights(weights, values):
    return torch.softmax(weights, -1) @ values


@mistake("weighted_average", "The sum runs over the queries. Each query has its own: sum over the keys, `dim=-2` here.")
def summed_over_queries(weights, values):
    return (weights.unsqueeze(-1) * values.unsqueeze(-3)).sum(dim=-3)


@mistake(
    "weighted_average",
    "The weights are divided by their sum once more. It is 1 already, so the values are right; the gradient is not. "
    "Leave the division out.",
)
def nobody_kept_apart(weights, values):
    total = weights.sum(dim=-1, keepdim=True)
    return weights / torch.where(total > 0, total, torch.ones_like(total)) @ values


# masked_softmax, once more


@mistake(
    "masked_softmax",
    "You mask after the softmax and divide by what is left and a small number. Where the hidden scores are high, what "
    "is left is smaller than that number. Mask the scores before the softmax.",
)
def what_is_left_and_a_bit(scores, mask):
    weights = torch.softmax(scores, -1) * mask
    return weights / (weights.sum(-1, keepdim=True) + 1e-9)


# content_address, once more


@mistake("content_address", "These are minus distances. Asked is the cosine of the angle: lengths don't count in it.")
def minus_distances(query, memory, sharpness):
    weights = torch.softmax(-sharpness * (query[:, None] - memory).norm(dim=-1), dim=-1)
    return weights, weights @ memory


@mistake("content_address", "The memory is read with the scores. Read it with the weights, which sum to 1.")
def read_with_scores(query, memory, sharpness):
    scores = sharpness * F.normalize(query, dim=-1) @ F.normalize(memory, dim=-1).T
    return torch.softmax(scores, -1), scores @ memory


@mistake("content_address", "The softmax is missing: these are the scores, and they don't sum to 1.")
def scores_as_weights(query, memory, sharpness):
    scores = sharpness * F.normalize(query, dim=-1) @ F.normalize(memory, dim=-1).T
    return scores, scores @ memory


@mistake("content_address", "You divide by the squares of the lengths. A length is their root: `norm(dim=-1)`.")
def squared_lengths(query, memory, sharpness):
    lengths = (query**2).sum(-1, keepdim=True) * (memory**2).sum(-1)
    weights = torch.softmax(sharpness * (query @ memory.T) / lengths, dim=-1)
    return weights, weights @ memory


# sure_and_wrong


def _sure(weights):
    return weights.amax(-1) > 0.5


def _wrong(weights, right):
    return weights.argmax(-1) != right


@mistake("sure_and_wrong", "You divide by all questions. Of the *sure* answers you want the share that is wrong.")
def sure_and_wrong_of_all(weights, right):
    return (_sure(weights) & _wrong(weights, right)).double().mean().item()


@mistake("sure_and_wrong", "You count every answer, sure or not. Only those with a weight above one half are asked.")
def wrong_sure_or_not(weights, right):
    return _wrong(weights, right).double().mean().item()


@mistake("sure_and_wrong", "This is the share of the sure answers that are *right*: 1 minus what is asked for.")
def sure_and_right(weights, right):
    sure = _sure(weights)
    return (~_wrong(weights, right))[sure].double().mean().item() if sure.any() else 0.0


@mistake("sure_and_wrong", "Where no answer is sure, this is the mean of nothing: 0 / 0 is NaN. The share is 0 there.")
def mean_of_nothing(weights, right):
    return _wrong(weights, right)[_sure(weights)].double().mean().item()


@mistake("sure_and_wrong", "Where no answer is sure you divide by zero, and Python stops. The share is 0 there.")
def division_by_none(weights, right):
    sure = _sure(weights)
    return int((_wrong(weights, right) & sure).sum()) / int(sure.sum())


@mistake("sure_and_wrong", "A weight of exactly one half counts as sure in yours. Sure is *above* it: `>`.")
def sure_at_one_half(weights, right):
    sure = weights.amax(-1) >= 0.5
    return _wrong(weights, right)[sure].double().mean().item() if sure.any() else 0.0


@mistake(
    "sure_and_wrong",
    "By your measure nobody is ever sure and wrong. Sure is whose *largest* weight is above one half, on whatever row.",
)
def sure_of_the_right_one(weights, right):
    sure = weights[torch.arange(len(right)), right] > 0.5
    return _wrong(weights, right)[sure].double().mean().item() if sure.any() else 0.0


@mistake("sure_and_wrong", "This is the share of the *wrong* answers that are sure. Divide by the number of sure ones.")
def sure_among_the_wrong(weights, right):
    wrong = _wrong(weights, right)
    return _sure(weights)[wrong].double().mean().item() if wrong.any() else 0.0


@mistake("sure_and_wrong", "This is a number of answers. A share is that number divided by how many answers are sure.")
def number_of_the_misled(weights, right):
    return float((_sure(weights) & _wrong(weights, right)).sum())


@mistake("sure_and_wrong", "You average the weight that lies on wrong rows. Count answers: each is wrong or it isn't.")
def weight_on_wrong_rows(weights, right):
    sure = _sure(weights)
    lost = 1 - weights[torch.arange(len(right)), right]
    return lost[sure].mean().item() if sure.any() else 0.0


@mistake("sure_and_wrong", "You count the answers that are *not* sure. Sure is a largest weight above one half.")
def unsure_and_wrong(weights, right):
    unsure = ~_sure(weights)
    return _wrong(weights, right)[unsure].double().mean().item() if unsure.any() else 0.0


@mistake("sure_and_wrong", "Where no answer is sure you say 1. Who never commits himself never misleads: 0.")
def one_for_none(weights, right):
    sure = _sure(weights)
    return _wrong(weights, right)[sure].double().mean().item() if sure.any() else 1.0


@mistake(
    "sure_and_wrong",
    "The largest weights are taken along the questions. Each question has its own: `dim=-1`, over the rows.",
)
def largest_along_questions(weights, right):
    largest, looked = weights.max(dim=0)
    return (looked != right)[largest > 0.5].double().mean().item()


@alternative("sure_and_wrong")
def misled_in_a_loop(weights, right):
    sure = wrong = 0
    for row, place in zip(weights.tolist(), right.tolist(), strict=True):
        if max(row) > 0.5:
            sure += 1
            wrong += row.index(max(row)) != place
    return wrong / sure if sure else 0.0


@alternative("sure_and_wrong")
def misled_of_at_least_one(weights, right):
    sure = (weights > 0.5).any(-1)
    return (sure & _wrong(weights, right)).sum() / sure.sum().clamp(min=1)


@alternative("sure_and_wrong")
def misled_by_one_hot(weights, right):
    lit = weights > 0.5  # one in a row at most
    hits = (lit & F.one_hot(right, weights.shape[-1]).bool()).sum()
    return float(1 - hits / lit.sum()) if lit.any() else 0.0


@alternative("sure_and_wrong")
def misled_in_numpy(weights, right):
    w, r = weights.numpy(), right.numpy()
    sure = w.max(-1) > 0.5
    return np.mean(w.argmax(-1)[sure] != r[sure]) if sure.sum() else 0


@alternative("sure_and_wrong")
def misled_without_nan(weights, right):
    return torch.nan_to_num(_wrong(weights, right)[_sure(weights)].float().mean(), nan=0.0)


@mistake("sure_and_wrong", "If one answer is sure, you count them all. Keep the sure ones: `wrong[sure]`.")
def all_if_one_is_sure(weights, right):
    return _wrong(weights, right).double().mean().item() if _sure(weights).any() else 0.0
