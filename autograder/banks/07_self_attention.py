"""Known answers to lesson 07: wrong ones with the sentence that helps, and right ones written otherwise."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake
from lessonkit.models.attention import masked_softmax


def _projected(a, W_q, W_k, W_v):
    return a @ W_q.T, a @ W_k.T, a @ W_v.T


def _scores(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])


# project_qkv


@mistake(
    "project_qkv",
    "The matrices are not transposed. For a word that is a column, q = W a; for one that is a row, q = a Wᵀ.",
)
def not_transposed(a, W_q, W_k, W_v):
    return a @ W_q, a @ W_k, a @ W_v


@mistake("project_qkv", "Keys and values are made with the queries' matrix: each of the three has its own.")
def one_matrix_for_all(a, W_q, W_k, W_v):
    return a @ W_q.T, a @ W_q.T, a @ W_q.T


@mistake("project_qkv", "The values are the words themselves: multiply them by W_v, too.")
def values_not_projected(a, W_q, W_k, W_v):
    return a @ W_q.T, a @ W_k.T, a


@mistake("project_qkv", "The values are made with W_k. Keys and values have a matrix each.")
def values_from_keys(a, W_q, W_k, W_v):
    return a @ W_q.T, a @ W_k.T, a @ W_k.T


@mistake("project_qkv", "Queries and keys have changed places: the order is q, k, v.")
def keys_first(a, W_q, W_k, W_v):
    return a @ W_k.T, a @ W_q.T, a @ W_v.T


@mistake(
    "project_qkv", "The features stand before the words: (B, d_k, T). In this course a word is a row: (B, T, d_k)."
)
def features_first(a, W_q, W_k, W_v):
    columns = a.transpose(1, 2)
    return W_q @ columns, W_k @ columns, W_v @ columns


@mistake("project_qkv", "The projections are linear: leave out the tanh. Only the additive score has one, and later.")
def tanh_of_projections(a, W_q, W_k, W_v):
    return torch.tanh(a @ W_q.T), torch.tanh(a @ W_k.T), torch.tanh(a @ W_v.T)


@alternative("project_qkv")
def with_linear(a, W_q, W_k, W_v):
    return F.linear(a, W_q), F.linear(a, W_k), F.linear(a, W_v)


@alternative("project_qkv")
def with_einsum(a, W_q, W_k, W_v):
    return tuple(torch.einsum("nd,btd->btn", W, a) for W in (W_q, W_k, W_v))


@alternative("project_qkv")
def one_product_then_split(a, W_q, W_k, W_v):
    sizes = [len(W_q), len(W_k), len(W_v)]
    return (a @ torch.cat([W_q, W_k, W_v]).T).split(sizes, dim=-1)


@alternative("project_qkv")
def word_by_word(a, W_q, W_k, W_v):
    made = []
    for W in (W_q, W_k, W_v):
        out = torch.zeros(a.shape[0], a.shape[1], W.shape[0])
        for b in range(a.shape[0]):
            for t in range(a.shape[1]):
                out[b, t] = W @ a[b, t]
        made.append(out)
    return made


@alternative("project_qkv")
def as_columns_and_back(a, W_q, W_k, W_v):
    columns = a.transpose(1, 2)
    return tuple((W @ columns).transpose(1, 2) for W in (W_q, W_k, W_v))


# additive_self_scores


@mistake(
    "additive_self_scores",
    "Rows and columns are swapped: the row is the word that asks. Give q the axis at 2 and k the axis at 1.",
)
def rows_are_keys(q, k, w):
    return torch.tanh(q.unsqueeze(1) + k.unsqueeze(2)) @ w


@mistake(
    "additive_self_scores", "Without tanh, w·q_i is the same for every key: all words would ask alike. Apply tanh."
)
def without_tanh(q, k, w):
    return (q.unsqueeze(2) + k.unsqueeze(1)) @ w


@mistake(
    "additive_self_scores", "tanh is applied to the score. It belongs inside: tanh(q_i + k_j), then the product with w."
)
def tanh_outside(q, k, w):
    return torch.tanh((q.unsqueeze(2) + k.unsqueeze(1)) @ w)


@mistake("additive_self_scores", "Query and key are multiplied. In the additive score they are added.")
def multiplied(q, k, w):
    return torch.tanh(q.unsqueeze(2) * k.unsqueeze(1)) @ w


@mistake("additive_self_scores", "tanh is applied to q and k separately. Add them first: one tanh of the sum.")
def two_tanhs(q, k, w):
    return (torch.tanh(q).unsqueeze(2) + torch.tanh(k).unsqueeze(1)) @ w


@mistake("additive_self_scores", "You add up the features instead of weighing them with w: take the product `@ w`.")
def w_ignored(q, k, w):
    return torch.tanh(q.unsqueeze(2) + k.unsqueeze(1)).sum(-1)


@mistake("additive_self_scores", "These are weights already. Return the scores, before any softmax.")
def softmaxed(q, k, w):
    return torch.softmax(torch.tanh(q.unsqueeze(2) + k.unsqueeze(1)) @ w, dim=-1)


@mistake(
    "additive_self_scores",
    "q and k are added as they are: word i only meets word i. Every query must meet every key: (B, Q, 1, "
    "n) + (B, 1, T, n).",
)
def no_pairs(q, k, w):
    return torch.tanh(q + k) @ w


@mistake(
    "additive_self_scores",
    "The score is divided by √n. That belongs to the dot product; the additive score has no scale.",
)
def scaled_too(q, k, w):
    return torch.tanh(q.unsqueeze(2) + k.unsqueeze(1)) @ w / math.sqrt(q.shape[-1])


@mistake(
    "additive_self_scores", "An axis of length 1 is left at the end: take `@ w` with w as a vector, or squeeze it away."
)
def axis_left(q, k, w):
    return torch.tanh(q.unsqueeze(2) + k.unsqueeze(1)) @ w.unsqueeze(1)


@alternative("additive_self_scores")
def query_by_query(q, k, w):
    return torch.stack([torch.tanh(q[:, i : i + 1] + k) @ w for i in range(q.shape[1])], dim=1)


@alternative("additive_self_scores")
def additive_einsum(q, k, w):
    return torch.einsum("bqtn,n->bqt", (q[:, :, None] + k[:, None]).tanh(), w)


@alternative("additive_self_scores")
def three_loops(q, k, w):
    return torch.stack(
        [
            torch.stack([torch.stack([torch.tanh(x + y) @ w for y in keys]) for x in asks])
            for asks, keys in zip(q, k, strict=True)
        ]
    )


@alternative("additive_self_scores")
def weighed_sum(q, k, w):
    Q, T = q.shape[1], k.shape[1]
    pairs = q.repeat_interleave(T, dim=1) + k.repeat(1, Q, 1)
    return (torch.tanh(pairs) * w).sum(-1).view(len(q), Q, T)


# dot_scores


@mistake("dot_scores", "The scale is lost. The variance of q·k is d_k: divide by √d_k, so that it is 1.")
def not_scaled(q, k):
    return q @ k.transpose(-2, -1)


@mistake(
    "dot_scores",
    "You divide by d_k. Its *root* brings the variance to 1: dividing by d_k makes all weights nearly equal.",
)
def divided_by_width(q, k):
    return q @ k.transpose(-2, -1) / q.shape[-1]


@mistake("dot_scores", "You multiply by √d_k: that makes large scores larger. Divide.")
def multiplied_by_root(q, k):
    return q @ k.transpose(-2, -1) * math.sqrt(q.shape[-1])


@mistake("dot_scores", "You divide by 8. That is √64, right only for heads of width 64: use the root of q.shape[-1].")
def divided_by_eight(q, k):
    return q @ k.transpose(-2, -1) / 8


@mistake(
    "dot_scores",
    "You divide by the root of the number of keys. The scale is that of the features: √d_k, the last axis.",
)
def root_of_keys(q, k):
    return q @ k.transpose(-2, -1) / math.sqrt(k.shape[1])


@mistake("dot_scores", "Rows and columns are swapped: queries are the rows. Take q kᵀ, not k qᵀ.")
def transposed_scores(q, k):
    return k @ q.transpose(-2, -1) / math.sqrt(q.shape[-1])


@mistake("dot_scores", "These are weights already. Return the scores, before any softmax.")
def softmaxed_dots(q, k):
    return torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), dim=-1)


@mistake(
    "dot_scores", "Queries and keys are brought to length 1: that is the cosine. Use the plain product, over √d_k."
)
def cosine(q, k):
    return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)


@mistake("dot_scores", "Scaled more than once: q, k and then their product are divided. √d_k goes in once.")
def scaled_twice(q, k):
    root = math.sqrt(q.shape[-1])
    return (q / root) @ (k / root).transpose(-2, -1) / root


@mistake("dot_scores", "`.T` turns *all* axes of a stack, also that of the sentences. Use `.mT`: only the last two.")
def all_axes_turned(q, k):
    return q @ k.T / math.sqrt(q.shape[-1])


@mistake("dot_scores", "The keys are not turned: `q @ k` has no (B, Q, T). Each row of q meets each row of k: `k.mT`.")
def keys_not_turned(q, k):
    return q @ k / math.sqrt(q.shape[-1])


@alternative("dot_scores")
def dots_einsum(q, k):
    return torch.einsum("bqd,btd->bqt", q, k) * q.shape[-1] ** -0.5


@alternative("dot_scores")
def dots_bmm(q, k):
    return torch.bmm(q / math.sqrt(k.size(-1)), k.permute(0, 2, 1))


@alternative("dot_scores")
def dots_by_loop(q, k):
    rows = [[(q[:, i] * k[:, j]).sum(-1) for j in range(k.shape[1])] for i in range(q.shape[1])]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=1) / k.shape[-1] ** 0.5


@alternative("dot_scores")
def both_by_fourth_root(q, k):
    root = q.shape[-1] ** 0.25
    return (q / root) @ (k / root).mT


# output_by_loop


@mistake(
    "output_by_loop", "Query and key have changed roles: word i asks, so the score is q[i] @ k[j], not q[j] @ k[i]."
)
def roles_swapped(i, q, k, v):
    return torch.softmax(q @ k[i] / math.sqrt(k.shape[1]), dim=0) @ v


@mistake("output_by_loop", "The scale is missing: divide each score by √d_k before the exponential.")
def loop_without_scale(i, q, k, v):
    return torch.softmax(k @ q[i], dim=0) @ v


@mistake("output_by_loop", "The scores are divided by d_k: it must be its root.")
def loop_divided_by_width(i, q, k, v):
    return torch.softmax(k @ q[i] / k.shape[1], dim=0) @ v


@mistake("output_by_loop", "The weights don't sum to 1: divide each exponential by the sum of them all.")
def not_normalised(i, q, k, v):
    return torch.exp(k @ q[i] / math.sqrt(k.shape[1])) @ v


@mistake(
    "output_by_loop", "The word does not ask itself. In self-attention every word may, also word i: leave no j out."
)
def itself_left_out(i, q, k, v):
    scores = (k @ q[i] / math.sqrt(k.shape[1])).index_fill(0, torch.tensor([i]), -1e30)
    return torch.softmax(scores, dim=0) @ v


@mistake(
    "output_by_loop",
    "Only the words up to i are asked. That is the causal mask, which comes later: j runs over all words.",
)
def only_earlier_words(i, q, k, v):
    return torch.softmax(k[: i + 1] @ q[i] / math.sqrt(k.shape[1]), dim=0) @ v[: i + 1]


@mistake("output_by_loop", "Word numbers start at 0: `i` is the place itself, don't subtract 1.")
def counts_from_one(i, q, k, v):
    return torch.softmax(k @ q[i - 1] / math.sqrt(k.shape[1]), dim=0) @ v


@mistake("output_by_loop", "You average the keys. The answer that a word gives is its value: use v[j].")
def keys_averaged(i, q, k, v):
    return (torch.softmax(k @ q[i] / math.sqrt(k.shape[1]), dim=0) @ k)[: v.shape[1]]


@mistake(
    "output_by_loop", "The sum is divided by T once more. The weights sum to 1 already: add up, don't take the mean."
)
def mean_of_weighted(i, q, k, v):
    return torch.softmax(k @ q[i] / math.sqrt(k.shape[1]), dim=0) @ v / len(v)


@mistake(
    "output_by_loop", "The scores themselves are used as weights: take softmax of them first, exp over the sum of exp."
)
def without_softmax(i, q, k, v):
    return (k @ q[i] / math.sqrt(k.shape[1])) @ v


@mistake("output_by_loop", "Word 0 asks, whatever i is. The query is that of word i: `q[i]`.")
def first_word_asks(i, q, k, v):
    return torch.softmax(k @ q[0] / math.sqrt(k.shape[1]), dim=0) @ v


@mistake("output_by_loop", "You divide by √d_v. The dot product has d_k terms: take the keys' width, `k.shape[1]`.")
def loop_root_of_values(i, q, k, v):
    return torch.softmax(k @ q[i] / math.sqrt(v.shape[1]), dim=0) @ v


@mistake("output_by_loop", "You divide by √T. Not the number of words counts, but the width of the keys: `k.shape[1]`.")
def loop_root_of_length(i, q, k, v):
    return torch.softmax(k @ q[i] / math.sqrt(len(k)), dim=0) @ v


@mistake("output_by_loop", "Every weight goes to v[i], so the output is v[i] itself. Word j answers with v[j].")
def own_value_only(i, q, k, v):
    return torch.softmax(k @ q[i] / math.sqrt(k.shape[1]), dim=0).sum() * v[i]


@mistake("output_by_loop", "Only the words before i are asked, so word 0 gets nothing. j runs over all T words.")
def only_words_before(i, q, k, v):
    return torch.softmax(k[:i] @ q[i] / math.sqrt(k.shape[1]), dim=0) @ v[:i]


@alternative("output_by_loop")
def softmax_and_product(i, q, k, v):
    return torch.softmax(k @ q[i] / k.shape[-1] ** 0.5, dim=0) @ v


@alternative("output_by_loop")
def through_numpy(i, q, k, v):
    scores = k.numpy() @ q[i].numpy() / np.sqrt(k.shape[1])
    weights = np.exp(scores - scores.max())
    return weights / weights.sum() @ v.numpy()


@alternative("output_by_loop")
def whole_matrix_then_row(i, q, k, v):
    return (torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=1) @ v)[i]


@alternative("output_by_loop")
def with_python_floats(i, q, k, v):
    T, d_k = k.shape
    scores = [sum(float(q[i, m]) * float(k[j, m]) for m in range(d_k)) / math.sqrt(d_k) for j in range(T)]
    total = sum(math.exp(s) for s in scores)
    return torch.tensor(
        [sum(math.exp(scores[j]) / total * float(v[j, m]) for j in range(T)) for m in range(v.shape[1])]
    )


@alternative("output_by_loop")
def fused(i, q, k, v):
    return F.scaled_dot_product_attention(q[None, i : i + 1], k[None], v[None])[0, 0]


# self_attention


@mistake("self_attention", "The scores are not scaled: divide q kᵀ by √d_k before the softmax.")
def attention_without_scale(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(q @ k.transpose(-2, -1), mask)
    return weights @ v, weights


@mistake("self_attention", "You divide by d_k. Divide by its root: that keeps the variance of the scores at 1.")
def attention_divided_by_width(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(q @ k.transpose(-2, -1) / q.shape[-1], mask)
    return weights @ v, weights


@mistake(
    "self_attention",
    "You scale by the root of d, the width of the words. The dot product has d_k terms: take the width of the queries.",
)
def scaled_by_model_width(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(q @ k.transpose(-2, -1) / math.sqrt(a.shape[-1]), mask)
    return weights @ v, weights


@mistake(
    "self_attention",
    "You scale by the root of d_v. The dot product is between queries and keys: their width d_k counts.",
)
def scaled_by_value_width(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(q @ k.transpose(-2, -1) / math.sqrt(v.shape[-1]), mask)
    return weights @ v, weights


@mistake(
    "self_attention",
    "You scale by the root of T, the number of words. It is the width of the queries that counts: √d_k.",
)
def scaled_by_length(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(q @ k.transpose(-2, -1) / math.sqrt(a.shape[1]), mask)
    return weights @ v, weights


@mistake(
    "self_attention",
    "The scale comes after the softmax, so the weights no longer sum to 1. Scale the scores, before it.",
)
def scaled_after_softmax(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(q @ k.transpose(-2, -1), mask) / math.sqrt(q.shape[-1])
    return weights @ v, weights


@mistake(
    "self_attention",
    "The softmax runs over the queries: the columns sum to 1. Each word that asks shares out 1 among the keys: dim=-1.",
)
def softmax_over_queries(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(_scores(q, k), mask, dim=-2)
    return weights @ v, weights


@mistake("self_attention", "The mask is not used. Pass it to masked_softmax: True = may attend.")
def mask_ignored(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = torch.softmax(_scores(q, k), dim=-1)
    return weights @ v, weights


@mistake(
    "self_attention",
    "The mask is inverted: True = *may* attend, so it is the places with False that lose their scores.",
)
def mask_inverted(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(_scores(q, k), ~mask)
    return weights @ v, weights


@mistake(
    "self_attention",
    "`masked_fill(mask, -inf)` fills where the mask is True: it hides the words that may be asked. A row of True is "
    "left with nothing but −∞, and gives NaN. Fill where it is False: `~mask`.",
)
def allowed_filled(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = torch.softmax(_scores(q, k).masked_fill(mask, float("-inf")), dim=-1)
    return weights @ v, weights


@mistake(
    "self_attention",
    "`k.T` turns all axes of a stack, also that of the sentences. Use `k.mT`: only the last two change places.",
)
def attention_all_axes_turned(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(q @ k.T / math.sqrt(q.shape[-1]), mask)
    return weights @ v, weights


@mistake(
    "self_attention",
    "The mask is turned: it hides rows, the words that ask. It must hide columns, the words that are "
    "asked. Don't transpose it.",
)
def mask_on_the_wrong_axis(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(_scores(q, k), mask.transpose(-2, -1))
    return weights @ v, weights


@mistake("self_attention", "Masked after the softmax: the rows no longer sum to 1. Mask the scores, before it.")
def masked_after_softmax(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = torch.softmax(_scores(q, k), dim=-1) * mask
    return weights @ v, weights


@mistake(
    "self_attention",
    "A boolean mask added to the scores only adds 1 where it is True. Hidden places need −∞: use masked_softmax.",
)
def mask_added_as_one(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = torch.softmax(_scores(q, k) + mask.to(a.dtype), dim=-1)
    return weights @ v, weights


@mistake(
    "self_attention",
    "A score of 0 still gets weight, since e⁰ = 1. Hidden places need −∞, not a product with the mask.",
)
def masked_with_zero(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = torch.softmax(_scores(q, k) * mask, dim=-1)
    return weights @ v, weights


@mistake(
    "self_attention",
    "The weights are used the wrong way round: with words as rows the output is A' V, not A'ᵀ V.",
)
def weights_transposed(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(_scores(q, k), mask)
    return weights.transpose(-2, -1) @ v, weights


@mistake("self_attention", "Keys ask and queries answer: the scores are k qᵀ. The row is the word that asks: q kᵀ.")
def keys_ask(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(_scores(k, q), mask)
    return weights @ v, weights


@mistake("self_attention", "The values are made with W_k: multiply the words by W_v.")
def attention_values_from_keys(a, W_q, W_k, W_v, mask):
    q, k, _ = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(_scores(q, k), mask)
    return weights @ k, weights


@mistake("self_attention", "The results have changed places: first the outputs, then the weights.")
def weights_first(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(_scores(q, k), mask)
    return weights, weights @ v


@mistake("self_attention", "You return the scores as the second result. It should be the weights, after the softmax.")
def scores_returned(a, W_q, W_k, W_v, mask):
    q, k, v = _projected(a, W_q, W_k, W_v)
    scores = _scores(q, k)
    return masked_softmax(scores, mask) @ v, scores


@alternative("self_attention")
def columns_convention(a, W_q, W_k, W_v, mask):
    I = a.mT
    Q, K, V = W_q @ I, W_k @ I, W_v @ I
    A = K.mT @ Q / math.sqrt(len(W_q))
    allowed = mask.expand(A.shape).mT
    A = torch.softmax(A.masked_fill(~allowed, float("-inf")), dim=-2)
    return (V @ A).mT, A.mT


@alternative("self_attention")
def with_fused_kernel(a, W_q, W_k, W_v, mask):
    q, k, v = F.linear(a, W_q), F.linear(a, W_k), F.linear(a, W_v)
    outputs = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.expand(len(a), a.shape[1], a.shape[1]))
    scores = (q @ k.mT * k.shape[-1] ** -0.5).masked_fill(~mask, -1e9)
    return outputs, scores.softmax(-1)


@alternative("self_attention")
def additive_mask(a, W_q, W_k, W_v, mask):
    scores = torch.einsum("btd,bsd->bts", a @ W_q.T, a @ W_k.T) / len(W_k) ** 0.5
    weights = torch.softmax(scores + torch.where(mask, 0.0, float("-inf")), dim=-1)
    return torch.einsum("bts,bsd->btd", weights, a @ W_v.T), weights


@alternative("self_attention")
def renormalised(a, W_q, W_k, W_v, mask):
    powers = torch.exp((a @ W_q.T) @ (a @ W_k.T).transpose(1, 2) / math.sqrt(W_q.shape[0])) * mask
    weights = powers / powers.sum(-1, keepdim=True)
    return weights @ (a @ W_v.T), weights


@alternative("self_attention")
def sentence_by_sentence(a, W_q, W_k, W_v, mask):
    outputs, weights = [], []
    for sentence, allowed in zip(a, mask.expand(len(a), a.shape[1], a.shape[1]), strict=True):
        q, k, v = sentence @ W_q.T, sentence @ W_k.T, sentence @ W_v.T
        rows = [
            torch.softmax((k @ x / k.shape[1] ** 0.5).masked_fill(~may, -torch.inf), 0)
            for x, may in zip(q, allowed, strict=True)
        ]
        weights.append(torch.stack(rows))
        outputs.append(weights[-1] @ v)
    return torch.stack(outputs), torch.stack(weights)


@alternative("self_attention")
def one_matrix_between(a, W_q, W_k, W_v, mask):
    scores = a @ (W_q.T @ W_k) @ a.transpose(1, 2) / math.sqrt(W_q.shape[0])
    weights = masked_softmax(scores, mask)
    return weights @ a @ W_v.T, weights


# causal_mask


@mistake("causal_mask", "The triangle is the wrong one: this word may ask itself and *later* words. Use tril.")
def upper_triangle(T):
    return torch.ones(T, T, dtype=torch.bool).triu()


@mistake("causal_mask", "A word may not ask itself, so the first word may ask nobody: keep the diagonal.")
def without_diagonal(T):
    return torch.ones(T, T, dtype=torch.bool).tril(-1)


@mistake("causal_mask", "These are the places to *hide*. In this course True = may attend: invert it.")
def hidden_places(T):
    return torch.ones(T, T, dtype=torch.bool).triu(1)


@mistake("causal_mask", "One word of the future is let through: the diagonal must be the last one, j ≤ i.")
def one_word_ahead(T):
    return torch.ones(T, T, dtype=torch.bool).tril(1)


@mistake("causal_mask", "The mask holds numbers. It should be boolean: dtype=torch.bool.")
def ones_and_zeros(T):
    return torch.ones(T, T).tril()


@mistake("causal_mask", "This is a mask to be added to the scores (0 and −∞). Return booleans: True = may attend.")
def to_be_added(T):
    return torch.full((T, T), float("-inf")).triu(1)


@mistake(
    "causal_mask", "Only the word itself may be asked: this is the identity. Everything before it may be asked, too."
)
def only_itself(T):
    return torch.eye(T, dtype=torch.bool)


@mistake("causal_mask", "Everybody may ask everybody. Hide the words that come later: j > i.")
def all_true(T):
    return torch.ones(T, T, dtype=torch.bool)


@alternative("causal_mask")
def by_comparison(T):
    places = torch.arange(T)
    return places.unsqueeze(0) <= places.unsqueeze(1)


@alternative("causal_mask")
def by_loops(T):
    mask = torch.zeros(T, T, dtype=torch.bool)
    for i in range(T):
        mask[i, : i + 1] = True
    return mask


@alternative("causal_mask")
def numpy_triangle(T):
    return torch.from_numpy(np.tri(T, dtype=bool))


@alternative("causal_mask")
def not_the_upper(T):
    return ~torch.triu(torch.ones(T, T), diagonal=1).bool()


# path_length_and_steps


def _paths(kind, T, i, j):
    recurrent = kind in ("rnn", "birnn")
    path = abs(j - i) + 1 if recurrent else 1
    blind = kind in ("rnn", "causal") and i > j
    return recurrent, math.inf if blind else path


@mistake(
    "path_length_and_steps",
    "One computation is missing: word i must enter state i before it travels. The path is |j − i| + 1.",
)
def first_step_forgotten(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return path - 1 if recurrent else path, T if recurrent else 1


@mistake(
    "path_length_and_steps", "Two directions run at the same time, and neither waits for the other: T steps, not 2T."
)
def directions_in_turn(kind, T, i, j):
    path = _paths(kind, T, i, j)[1]
    return path, {"rnn": T, "birnn": 2 * T}.get(kind, 1)


@mistake(
    "path_length_and_steps", "A one-way network hears nothing of later words: for i > j the path of `rnn` is infinite."
)
def rnn_hears_the_future(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return abs(j - i) + 1 if kind == "rnn" else path, T if recurrent else 1


@mistake("path_length_and_steps", "The causal mask hides later words: for i > j the path of `causal` is infinite.")
def causal_hears_the_future(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return 1 if kind == "causal" else path, T if recurrent else 1


@mistake(
    "path_length_and_steps",
    "Neither one-way layer hears of later words: for i > j the path of `rnn` and of `causal` is infinite.",
)
def both_hear_the_future(kind, T, i, j):
    recurrent, _ = _paths(kind, T, i, j)
    return abs(j - i) + 1 if recurrent else 1, T if recurrent else 1


@mistake(
    "path_length_and_steps",
    "Self-attention has no path along the words: word i reaches output j in one computation, however far.",
)
def attention_walks(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return path if path == math.inf else abs(j - i) + 1, T if recurrent else 1


@mistake("path_length_and_steps", "All outputs of self-attention can be made at the same time: one step, not T.")
def attention_waits(kind, T, i, j):
    return _paths(kind, T, i, j)[1], T


@mistake("path_length_and_steps", "The results have changed places: first the path length, then the sequential steps.")
def steps_first(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return T if recurrent else 1, path


@mistake(
    "path_length_and_steps", "The path is between words i and j, not through the whole sentence: |j − i| + 1, not T."
)
def always_the_longest(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return T if recurrent and path != math.inf else path, T if recurrent else 1


@mistake(
    "path_length_and_steps",
    "The steps are counted for one output. They are for *all* T outputs: the last state waits for T computations.",
)
def steps_for_one_output(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return path, abs(j - i) + 1 if recurrent else 1


@mistake(
    "path_length_and_steps",
    "With two directions the path is |j − i| + 1 for both sides: one direction comes from the left, one "
    "from the right.",
)
def birnn_is_blind(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return math.inf if kind == "birnn" and i > j else path, T if recurrent else 1


@mistake(
    "path_length_and_steps",
    "i and j have changed roles: the signal goes from word i to output j. An output hears nothing of later words, so "
    "the path is infinite for i > j, not for i < j.",
)
def roles_exchanged(kind, T, i, j):
    recurrent, path = _paths(kind, T, j, i)
    return path, T if recurrent else 1


@mistake(
    "path_length_and_steps",
    "The causal mask hides words, but no output waits for another: `causal` makes all outputs in one step, not T.",
)
def causal_waits(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return path, T if recurrent or kind == "causal" else 1


@mistake(
    "path_length_and_steps",
    "The path from a word to its own output is 1, not 0: one computation lies between them, in every layer.",
)
def own_path_is_nothing(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return 0 if i == j else path, T if recurrent else 1


@mistake(
    "path_length_and_steps",
    "Output j does hear of word j itself: the path is infinite only for i > j, not for i = j.",
)
def blind_to_itself(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return math.inf if kind in ("rnn", "causal") and i >= j else path, T if recurrent else 1


@alternative("path_length_and_steps")
def one_case_each(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), T
    if kind == "birnn":
        return max(i, j) - min(i, j) + 1, T
    if kind == "causal":
        return (1 if i <= j else float("inf")), 1
    return 1, 1


@alternative("path_length_and_steps")
def by_walking(kind, T, i, j):
    steps = {"rnn": (1,), "birnn": (1, -1), "causal": (), "self_attention": ()}[kind]
    if not steps:
        return (1.0 if kind == "self_attention" or j >= i else np.inf), 1
    best = np.inf
    for direction in steps:
        place, count = i, 1
        while 0 <= place < T and place != j:
            place, count = place + direction, count + 1
        if place == j:
            best = min(best, count)
    return best, T


@alternative("path_length_and_steps")
def from_a_table(kind, T, i, j):
    far = abs(i - j) + 1
    table = {
        "rnn": (far, T) if j >= i else (math.inf, T),
        "birnn": (far, T),
        "self_attention": (1, 1),
        "causal": (1, 1) if j >= i else (math.inf, 1),
    }
    return table[kind]


@alternative("path_length_and_steps")
def as_tensors(kind, T, i, j):
    recurrent, path = _paths(kind, T, i, j)
    return torch.tensor(float(path)), torch.tensor(T if recurrent else 1)


equivalent(
    "output_by_loop", "q[i] @ k[j] -> k[j] @ q[i]", "the dot product of two vectors doesn't depend on their order"
)
equivalent("path_length_and_steps", "j - i -> i - j", "only the absolute value counts; i > j is treated apart")

# Seen in learners' work


@mistake("project_qkv", "W is reshaped where it should be transposed: that puts its numbers in other places.")
def reshaped_matrices(a, W_q, W_k, W_v):
    return tuple(a @ W.reshape(a.shape[-1], -1) for W in (W_q, W_k, W_v))


@mistake("project_qkv", "The keys are made with W_q. Each of the three has its own matrix.")
def keys_by_the_queries_matrix(a, W_q, W_k, W_v):
    return a @ W_q.T, a @ W_q.T, a @ W_v.T


@mistake("additive_self_scores", "sigmoid is not tanh: it has no negative values. Use torch.tanh.")
def with_sigmoid(q, k, w):
    return torch.sigmoid(q.unsqueeze(2) + k.unsqueeze(1)) @ w


def _attending(a, W_q, W_k, W_v, mask, *, dim=-1, turned=False, lowest=-1e9, clean=False):
    q, k, v = a @ W_q.T, a @ W_k.T, a @ W_v.T
    mask = ~mask if turned else mask
    scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, lowest)
    weights = torch.softmax(scores, dim=dim)
    weights = weights.masked_fill(~mask, 0.0) if clean else weights
    return weights @ v, weights


@mistake(
    "self_attention",
    "The softmax runs over the queries, dim=-2. For every query the weights of all keys sum to 1: dim=-1.",
)
def over_the_queries_with_a_large_number(a, W_q, W_k, W_v, mask):
    return _attending(a, W_q, W_k, W_v, mask, dim=-2)


@mistake(
    "self_attention",
    "The mask is turned round: True means *may attend*, so fill the scores where it is False, `~mask`. (PyTorch's own "
    "layer has it the other way.)",
)
def turned_mask_with_a_large_number(a, W_q, W_k, W_v, mask):
    return _attending(a, W_q, W_k, W_v, mask, turned=True)


@mistake("self_attention", "Only the outputs are returned. The weights are asked for, too: `outputs, weights`.")
def outputs_alone(a, W_q, W_k, W_v, mask):
    return _attending(a, W_q, W_k, W_v, mask, clean=True)[0]


@mistake("self_attention", "The values are the words themselves: project them first, with W_v.")
def values_are_the_words(a, W_q, W_k, W_v, mask):
    weights = _attending(a, W_q, W_k, W_v, mask, clean=True)[1]
    return weights @ a, weights


@mistake("self_attention", "The weights are detached: the values are right, but W_q and W_k could never learn.")
def weights_detached(a, W_q, W_k, W_v, mask):
    weights = _attending(a, W_q, W_k, W_v, mask, clean=True)[1].detach()
    return weights @ (a @ W_v.T), weights


@mistake("path_length_and_steps", "A chain of T words takes T steps, the first among them: not T − 1.")
def one_step_less(kind, T, i, j):
    path, steps = one_case_each(kind, T, i, j)
    return path, steps - 1 if steps > 1 else steps


@alternative("additive_self_scores")
def names_float32(q, k, w):
    return torch.einsum("bqtn,n->bqt", torch.tanh(q.unsqueeze(2) + k.unsqueeze(1)), w.float())
