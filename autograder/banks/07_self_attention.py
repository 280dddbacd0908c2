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


@mistake(
    "dot_scores",
    "You score by the distance. A dot product it is, q · k.",
)
def minus_the_distance(q, k):
    return -torch.cdist(q, k) / q.shape[-1] ** 0.5


@mistake(
    "dot_scores",
    "Queries and keys are divided by their lengths: cosines. Take dot products as they are, divided by √d_k.",
)
def cosines(q, k):
    q = q / q.norm(dim=-1, keepdim=True)
    k = k / k.norm(dim=-1, keepdim=True)
    return q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5


@mistake(
    "dot_scores",
    "You divide by the fourth root of d_k. Its *square* root brings the variance to 1.",
)
def fourth_root(q, k):
    return q @ k.transpose(-2, -1) / q.shape[-1] ** 0.25


@mistake(
    "dot_scores",
    "You divide by the root of the batch's size. It is that of the features, the last axis.",
)
def root_of_the_batch(q, k):
    return q @ k.transpose(-2, -1) / q.shape[0] ** 0.5


@mistake(
    "dot_scores",
    "You divide by the logarithm of d_k. Divide by its root.",
)
def logarithm_of_the_width(q, k):
    return q @ k.transpose(-2, -1) / math.log(q.shape[-1])


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


@mistake(
    "self_attention",
    "The values themselves are added to the average. The outputs are the average alone: `weights @ v`.",
)
def values_added(a, W_q, W_k, W_v, mask):
    q, k, v = a @ W_q.T, a @ W_k.T, a @ W_v.T
    scores = q @ k.mT / q.shape[-1] ** 0.5
    weights = masked_softmax(scores, mask)
    return weights @ v + v, weights


@mistake(
    "self_attention",
    "The outputs are divided by √d_k, too. Only the scores are scaled.",
)
def outputs_scaled(a, W_q, W_k, W_v, mask):
    q, k, v = a @ W_q.T, a @ W_k.T, a @ W_v.T
    scores = q @ k.mT / q.shape[-1] ** 0.5
    weights = masked_softmax(scores, mask)
    return weights @ v / q.shape[-1] ** 0.5, weights


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


@mistake(
    "causal_mask",
    "A word sees itself and the one before it alone. It sees *all* words before it.",
)
def one_word_back(T):
    return torch.ones(T, T, dtype=torch.bool).tril() & torch.ones(T, T, dtype=torch.bool).triu(-1)


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


@mistake(
    "path_length_and_steps",
    "In `rnn` one computation is missing: word i must enter state i before it travels. The path is j − i + 1.",
)
def rnn_first_step_forgotten(kind, T, i, j):
    if kind == "rnn":
        return (j - i if i <= j else math.inf), T
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return 1, 1
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "In `birnn` one computation is missing: word i must enter its state before it travels. The path is |j − i| + 1.",
)
def birnn_first_step_forgotten(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), T
    if kind == "birnn":
        return abs(j - i), T
    if kind == "self_attention":
        return 1, 1
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "With the causal mask a word does hear of itself: infinite only for i > j.",
)
def causal_blind_to_itself(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), T
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return 1, 1
    return (1 if i < j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "All outputs of `self_attention` can be made at the same time: one step, not T.",
)
def unmasked_waits(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), T
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return 1, T
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "In `rnn` i and j have changed roles: it reads from the left, so output j hears of word i if i ≤ j.",
)
def rnn_from_the_right(kind, T, i, j):
    if kind == "rnn":
        return (i - j + 1 if j <= i else math.inf), T
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return 1, 1
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "`rnn` needs T steps: the first word is read in one, too.",
)
def one_step_too_few(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), T - 1
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return 1, 1
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "In `self_attention` a word's way to its own output is one computation as well, not 0.",
)
def attention_to_itself_is_free(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), T
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return (0 if i == j else 1), 1
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "The number of steps doesn't depend on i and j: all T outputs are made in any case. Only the path is infinite.",
)
def infinite_steps(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), (T if i <= j else math.inf)
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return 1, 1
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "Where output j never hears of word i the path is `math.inf`, not a number such as −1.",
)
def minus_one_for_never(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else -1), T
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return 1, 1
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "In `birnn` the path is counted from the edge of the sentence. It lies between i and j: |j − i| + 1.",
)
def birnn_from_the_edge(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), T
    if kind == "birnn":
        return max(i, j) + 1, T
    if kind == "self_attention":
        return 1, 1
    return (1 if i <= j else math.inf), 1


@mistake(
    "path_length_and_steps",
    "In `rnn` the steps are counted up to output j. They are for all T outputs: T.",
)
def steps_until_the_output(kind, T, i, j):
    if kind == "rnn":
        return (j - i + 1 if i <= j else math.inf), j + 1
    if kind == "birnn":
        return abs(j - i) + 1, T
    if kind == "self_attention":
        return 1, 1
    return (1 if i <= j else math.inf), 1


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


equivalent("path_length_and_steps", "j - i -> i - j", "only the absolute value counts; i > j is treated apart")

# Seen in learners' work


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


@mistake("dot_scores", "You divide by √Q, the root of the number of queries. A score adds up d_k products: √d_k.")
def root_of_queries(q, k):
    return q @ k.mT / math.sqrt(q.shape[1])


@mistake(
    "path_length_and_steps",
    "T² scores are computed, but none waits for another: attention takes one step, not T².",
)
def scores_in_turn(kind, T, i, j):
    path, steps = one_case_each(kind, T, i, j)
    return path, steps if "rnn" in kind else T * T


@mistake(
    "path_length_and_steps",
    "The steps are counted for all T outputs: both directions of `birnn` go through the whole sentence, T states.",
)
def birnn_goes_as_far_as_needed(kind, T, i, j):
    path, steps = one_case_each(kind, T, i, j)
    return path, max(i, j) + 1 if kind == "birnn" else steps


@mistake(
    "path_length_and_steps",
    "The path in `birnn` begins at word i, which enters the state there and travels |j − i| states to output j. Words "
    "outside of the two play no part.",
)
def birnn_from_the_end(kind, T, i, j):
    path, steps = one_case_each(kind, T, i, j)
    return min(i, j) + 1 if kind == "birnn" else path, steps


# mended_columns


def _columns(I, W_q, W_k, W_v, mask, weigh, width=None):
    Q, K, V = W_q @ I, W_k @ I, W_v @ I
    weights = weigh(K.mT @ Q / math.sqrt(width or Q.shape[1]), mask)
    return V @ weights, weights


def _by_columns(A, mask):
    return masked_softmax(A.mT, mask).mT


@mistake(
    "mended_columns",
    "This is still the colleague's function: its scale takes the wrong width, its softmax the wrong axis.",
)
def not_mended(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, masked_softmax, width=I.shape[1])


@mistake(
    "mended_columns",
    "The scale is right now, the softmax isn't: who asks is a column here, and each *column* of the weights sums to 1.",
)
def scale_mended_only(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, masked_softmax)


@mistake(
    "mended_columns",
    "The softmax is right now, the scale isn't: I.shape[1] is d, the width of the words. A score adds up d_k products, "
    "the width of the queries.",
)
def softmax_mended_only(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, _by_columns, width=I.shape[1])


@mistake("mended_columns", "You divide by √T: I.shape[-1] is the number of words here. Take the queries' width, d_k.")
def root_of_words(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, _by_columns, width=I.shape[-1])


@mistake(
    "mended_columns",
    "You turned the mask; the softmax still runs over the rows: those who are asked share out a weight of 1 each.",
)
def mask_turned_only(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, lambda A, m: masked_softmax(A, m.mT))


@mistake(
    "mended_columns",
    "The softmax is right, but it hides the wrong places: in the mask the row asks, in your scores the column. Turn "
    "the mask with the scores, `mask.mT`.",
)
def mask_not_turned(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, lambda A, m: torch.softmax(A.masked_fill(~m, -1e9), dim=1))


@mistake(
    "mended_columns",
    "The softmax is right, but it hides the wrong places: in the mask the row asks, in your scores the column. "
    "`masked_softmax(A.mT, mask)` has both the same way round, without turning the mask.",
)
def mask_turned_as_well(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, lambda A, m: masked_softmax(A.mT, m.mT).mT)


@mistake("mended_columns", "The mask is not used: hidden words get weight.")
def columns_without_mask(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, lambda A, m: torch.softmax(A, dim=1))


@mistake(
    "mended_columns",
    "The weights are not turned back: V A' needs columns that sum to 1. Turn them after the softmax, `.mT`.",
)
def not_turned_back(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, lambda A, m: masked_softmax(A.mT, m))


@mistake(
    "mended_columns",
    "The outputs are right, the weights are returned as rows. Here [i, j] is what word j, who asks, gives to word i.",
)
def weights_as_rows(I, W_q, W_k, W_v, mask):
    outputs, weights = _columns(I, W_q, W_k, W_v, mask, _by_columns)
    return outputs, weights.mT


@mistake(
    "mended_columns",
    "The outputs are rows, (B, T, d_v). Words stay columns here: (B, d_v, T).",
)
def outputs_as_rows(I, W_q, W_k, W_v, mask):
    outputs, weights = _columns(I, W_q, W_k, W_v, mask, _by_columns)
    return outputs.mT, weights


@mistake(
    "mended_columns",
    "Both results are rows: that is your `self_attention`. Here words stay columns: outputs (B, d_v, T), and [i, j] of "
    "the weights is what word j gives to word i.",
)
def all_as_rows(I, W_q, W_k, W_v, mask):
    outputs, weights = _columns(I, W_q, W_k, W_v, mask, _by_columns)
    return outputs.mT, weights.mT


@mistake("mended_columns", "Keys ask and queries answer: with columns the scores are Kᵀ Q, as the colleague has it.")
def columns_keys_ask(I, W_q, W_k, W_v, mask):
    Q, K, V = W_q @ I, W_k @ I, W_v @ I
    weights = _by_columns(Q.mT @ K / math.sqrt(Q.shape[1]), mask)
    return V @ weights, weights


@mistake("mended_columns", "Masked after the softmax: the columns no longer sum to 1. Mask the scores, before it.")
def columns_masked_after(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, lambda A, m: torch.softmax(A, dim=1) * m.mT)


@mistake("mended_columns", "You divide by d_k. Divide by its root: that keeps the variance of the scores at 1.")
def columns_divided_by_width(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, _by_columns, width=len(W_q) ** 2)


@alternative("mended_columns")
def softmax_of_columns(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, lambda A, m: torch.softmax(A.masked_fill(~m.mT, -torch.inf), dim=1))


@alternative("mended_columns")
def through_rows(I, W_q, W_k, W_v, mask):
    a = I.transpose(1, 2)
    q, k, v = _projected(a, W_q, W_k, W_v)
    weights = masked_softmax(_scores(q, k), mask)
    return (weights @ v).transpose(1, 2), weights.transpose(1, 2)


@alternative("mended_columns")
def asks_first_then_turned(I, W_q, W_k, W_v, mask):
    Q, K, V = (torch.einsum("nd,bdt->bnt", W, I) for W in (W_q, W_k, W_v))
    weights = masked_softmax(torch.einsum("bnj,bni->bji", Q, K) / len(W_q) ** 0.5, mask)
    return torch.einsum("bvi,bji->bvj", V, weights), weights.permute(0, 2, 1)


@alternative("mended_columns")
def columns_in_float32(I, W_q, W_k, W_v, mask):
    return _columns(*(x.float() for x in (I, W_q, W_k, W_v)), mask, _by_columns)


# points_at


def _rows(weights, asks):
    return weights[torch.arange(len(weights)), asks]


def _mean_on_gold(rows, gold):
    return rows[torch.arange(len(rows)), gold].mean().item()


def _share(hits):
    return hits.double().mean().item()


@mistake(
    "points_at",
    "You take the column of the word: that is who asks *it*. Its own questions are its row, weights[sentence, asks].",
)
def column_taken(weights, asks, gold):
    rows = _rows(weights.mT, asks)
    return _share(rows.argmax(-1) == gold), _mean_on_gold(rows, gold)


@mistake("points_at", "`asks` and `gold` have changed places: the row is that of the word that asks.")
def gold_asks(weights, asks, gold):
    rows = _rows(weights, gold)
    return _share(rows.argmax(-1) == asks), _mean_on_gold(rows, asks)


@mistake(
    "points_at",
    "You count weights above one half. The largest may be smaller: compare the place of the largest, argmax.",
)
def above_one_half(weights, asks, gold):
    rows = _rows(weights, asks)
    return _share(rows[torch.arange(len(rows)), gold] > 0.5), _mean_on_gold(rows, gold)


@mistake("points_at", "You return the number of hits. Asked for is their share of the sentences.")
def hits_counted(weights, asks, gold):
    rows = _rows(weights, asks)
    return float((rows.argmax(-1) == gold).sum()), _mean_on_gold(rows, gold)


@mistake("points_at", "The second number is the *sum* of the weights on gold words. Take their mean.")
def weights_added(weights, asks, gold):
    rows = _rows(weights, asks)
    return _share(rows.argmax(-1) == gold), rows[torch.arange(len(rows)), gold].sum().item()


@mistake("points_at", "The results have changed places: first the share of hits, then the mean weight.")
def weight_first(weights, asks, gold):
    rows = _rows(weights, asks)
    return _mean_on_gold(rows, gold), _share(rows.argmax(-1) == gold)


@mistake(
    "points_at",
    "The mean weight runs over the hits only. All sentences count, also those where another word got more.",
)
def hits_only(weights, asks, gold):
    rows = _rows(weights, asks)
    hits = rows.argmax(-1) == gold
    return _share(hits), rows[torch.arange(len(rows)), gold][hits].mean().item()


@mistake(
    "points_at",
    "The second number is the mean of the *largest* weights, wherever they lie: take the weight on the gold word.",
)
def largest_weights(weights, asks, gold):
    rows = _rows(weights, asks)
    return _share(rows.argmax(-1) == gold), rows.max(-1).values.mean().item()


@mistake(
    "points_at",
    "`weights[:, asks]` takes every sentence's `asks` from every sentence, (B, B, T). One row of each: "
    "weights[torch.arange(B), asks].",
)
def all_rows_of_all(weights, asks, gold):
    rows = weights[:, asks]
    return _share(rows.argmax(-1) == gold), rows[:, torch.arange(len(gold)), gold].mean().item()


@mistake("points_at", "The largest weight of the *whole map* is looked for. Only the row of the word that asks counts.")
def largest_of_the_map(weights, asks, gold):
    places = weights.flatten(1).argmax(-1) % weights.shape[-1]
    return _share(places == gold), _mean_on_gold(_rows(weights, asks), gold)


@mistake(
    "points_at",
    "`argmax` without an axis gives one place for all rows together. Each has its own: argmax(-1).",
)
def argmax_of_all(weights, asks, gold):
    rows = _rows(weights, asks)
    return _share(rows.argmax() == gold), _mean_on_gold(rows, gold)


@mistake(
    "points_at",
    "The mean row is taken first. A hit is a matter of each sentence: argmax, then the mean.",
)
def mean_row_first(weights, asks, gold):
    rows = _rows(weights, asks)
    return _share(rows.mean(0).argmax() == gold), _mean_on_gold(rows, gold)


@mistake("points_at", "One number a sentence is returned. Take the mean over the sentences, twice.")
def for_each_sentence(weights, asks, gold):
    rows = _rows(weights, asks)
    return (rows.argmax(-1) == gold).double(), rows[torch.arange(len(rows)), gold]


@mistake(
    "points_at",
    "You read the weight one place *before* gold: places are counted from 0.",
)
def place_before_gold(weights, asks, gold):
    n = torch.arange(len(asks))
    rows = weights[n, asks]
    return (rows.argmax(-1) == gold).double().mean().item(), rows[n, gold - 1].mean().item()


@mistake(
    "points_at",
    "The weight on the word that asks is set to 0 first. It counts: who looks at himself doesn't point at gold.",
)
def own_weight_removed(weights, asks, gold):
    n = torch.arange(len(asks))
    rows = weights[n, asks].clone()
    rows[n, asks] = 0
    return (rows.argmax(-1) == gold).double().mean().item(), rows[n, gold].mean().item()


@mistake(
    "points_at",
    "You average over all words of the sentence. Only the word that asks counts, the row `asks`.",
)
def mean_of_all_rows(weights, asks, gold):
    n = torch.arange(len(asks))
    rows = weights.mean(1)
    return (rows.argmax(-1) == gold).double().mean().item(), rows[n, gold].mean().item()


@mistake(
    "points_at",
    "The first sentence's place is used for all. Each has its own: `weights[torch.arange(B), asks]`.",
)
def first_place_for_all(weights, asks, gold):
    n = torch.arange(len(asks))
    rows = weights[:, asks[0]]
    return (rows.argmax(-1) == gold).double().mean().item(), rows[n, gold].mean().item()


@mistake(
    "points_at",
    "A softmax is taken of the weights. They come from one already.",
)
def softmax_once_more(weights, asks, gold):
    n = torch.arange(len(asks))
    rows = weights[n, asks].softmax(-1)
    return (rows.argmax(-1) == gold).double().mean().item(), rows[n, gold].mean().item()


@mistake(
    "points_at",
    "You read the row *after* that of the word that asks: places are counted from 0.",
)
def word_after_the_asker(weights, asks, gold):
    n = torch.arange(len(asks))
    rows = weights[n, (asks + 1) % weights.shape[1]]
    return (rows.argmax(-1) == gold).double().mean().item(), rows[n, gold].mean().item()


@mistake(
    "points_at",
    "You take the median of the weights on gold. Asked for is the mean.",
)
def median_weight(weights, asks, gold):
    n = torch.arange(len(asks))
    rows = weights[n, asks]
    return (rows.argmax(-1) == gold).double().mean().item(), rows[n, gold].median().item()


@alternative("points_at")
def sentence_after_sentence(weights, asks, gold):
    hits, total = 0, 0.0
    for map_, i, j in zip(weights, asks.tolist(), gold.tolist(), strict=True):
        hits += int(map_[i].argmax()) == j
        total += float(map_[i, j])
    return hits / len(weights), total / len(weights)


@alternative("points_at")
def by_gather(weights, asks, gold):
    rows = weights.gather(1, asks.view(-1, 1, 1).expand(-1, 1, weights.shape[-1])).squeeze(1)
    on_gold = rows.gather(1, gold.unsqueeze(1)).squeeze(1)
    return (on_gold == rows.amax(-1)).float().mean(), on_gold.mean()


@alternative("points_at")
def by_one_hot(weights, asks, gold):
    T = weights.shape[-1]
    rows = torch.einsum("bij,bi->bj", weights, F.one_hot(asks, T).to(weights.dtype))
    there = F.one_hot(gold, T).bool()
    return (F.one_hot(rows.argmax(1), T).bool() & there).any(1).double().mean().item(), rows[there].mean().item()


@alternative("points_at")
def in_numpy(weights, asks, gold):
    n = np.arange(len(weights))
    rows = weights.detach().numpy()[n, asks.numpy()]
    return float(np.mean(rows.argmax(1) == gold.numpy())), float(rows[n, gold.numpy()].mean())


@mistake("mended_columns", "The scores aren't scaled any more. Divide them by the root of the queries' width, √d_k.")
def columns_without_scale(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, _by_columns, width=1)


@mistake("mended_columns", "You divide by the root of the *values'* width, √d_v. A score adds up d_k products.")
def root_of_values(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, _by_columns, width=len(W_v))


@mistake("mended_columns", "The mask is turned round: True means *may be asked*, and these are hidden.")
def columns_mask_inverted(I, W_q, W_k, W_v, mask):
    return _columns(I, W_q, W_k, W_v, mask, lambda A, m: A.mT.masked_fill(m, -1e9).softmax(-1).mT)


@mistake(
    "mended_columns",
    "The weights are right, and the product isn't: with columns it is V A', not V A'ᵀ.",
)
def product_with_rows(I, W_q, W_k, W_v, mask):
    weights = _columns(I, W_q, W_k, W_v, mask, _by_columns)[1]
    return W_v @ I @ weights.mT, weights


@mistake(
    "points_at",
    "`rows[:, gold]` takes *every* sentence's gold place from every row, (B, B). Of each row its own: "
    "rows[torch.arange(B), gold].",
)
def gold_of_all(weights, asks, gold):
    rows = _rows(weights, asks)
    return _share(rows.argmax(-1) == gold), rows[:, gold].mean().item()


@mistake("points_at", "You look for the *smallest* weight, argmin. Where it is largest, there the word points.")
def smallest_weight(weights, asks, gold):
    rows = _rows(weights, asks)
    return _share(rows.argmin(-1) == gold), _mean_on_gold(rows, gold)


@mistake("points_at", "The hits are divided by the number of words. Divide by the number of sentences: take a mean.")
def hits_by_words(weights, asks, gold):
    rows = _rows(weights, asks)
    return float((rows.argmax(-1) == gold).sum()) / weights.shape[1], _mean_on_gold(rows, gold)
