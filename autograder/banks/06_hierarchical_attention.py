"""Known answers to lesson 06: wrong ones with the sentence that helps, and right ones written otherwise."""

import torch
from torch import nn
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake
from lessonkit.models.attention import masked_softmax

# attention_pool


def _weights(h, mask, W, b, u):
    return masked_softmax(torch.tanh(h @ W.T + b) @ u, mask)


@mistake("attention_pool", "The tanh is missing: u_t = tanh(W h_t + b) comes before the product with u.")
def pool_without_tanh(h, mask, W, b, u):
    weights = masked_softmax((h @ W.T + b) @ u, mask)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "The bias b is missing, or it stands outside the tanh, where it adds the same to all scores: tanh(W h + b).",
)
def pool_without_bias(h, mask, W, b, u):
    weights = masked_softmax(torch.tanh(h @ W.T) @ u, mask)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "The tanh is taken of the score. It belongs inside: tanh(W h + b), and only then the product with u.",
)
def tanh_of_score(h, mask, W, b, u):
    weights = masked_softmax(torch.tanh((h @ W.T + b) @ u), mask)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "The mask comes too late: the softmax has already given weight to what isn't there, so the rest sums to less than "
    "1. Hand the mask to `masked_softmax`.",
)
def masked_afterwards(h, mask, W, b, u):
    weights = torch.softmax(torch.tanh(h @ W.T + b) @ u, -1) * mask
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake("attention_pool", "The mask is not used: padding gets weight, and what stands there gets into the vector.")
def pool_without_mask(h, mask, W, b, u):
    weights = torch.softmax(torch.tanh(h @ W.T + b) @ u, -1)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake("attention_pool", "The mask is upside down: True means that something is there.")
def mask_upside_down(h, mask, W, b, u):
    weights = _weights(h, ~mask, W, b, u)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "A score of 0 is no mask: the softmax gives exp(0) to it. Hand scores and mask to `masked_softmax`.",
)
def masked_with_zero(h, mask, W, b, u):
    weights = torch.softmax(torch.tanh(h @ W.T + b) @ u * mask, -1)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake("attention_pool", "You average u_t = tanh(W h_t + b). The weights come from u_t, but what is averaged is h_t.")
def u_is_averaged(h, mask, W, b, u):
    hidden = torch.tanh(h @ W.T + b)
    weights = masked_softmax(hidden @ u, mask)
    return (weights.unsqueeze(-1) * hidden).sum(-2), weights


@mistake("attention_pool", "The order is: pooled vector first, then the weights.")
def weights_first(h, mask, W, b, u):
    weights = _weights(h, mask, W, b, u)
    return weights, (weights.unsqueeze(-1) * h).sum(-2)


@mistake("attention_pool", "These are the scores, not the weights: return what the softmax made of them.")
def scores_returned(h, mask, W, b, u):
    scores = torch.tanh(h @ W.T + b) @ u
    return (masked_softmax(scores, mask).unsqueeze(-1) * h).sum(-2), scores


@mistake(
    "attention_pool", "You take the mean over T of the weighted states. The weights sum to 1 already: take the sum."
)
def mean_of_weighted(h, mask, W, b, u):
    weights = _weights(h, mask, W, b, u)
    return (weights.unsqueeze(-1) * h).mean(-2), weights


@mistake(
    "attention_pool",
    "A row with nothing in it gets equal weights where it should get zeros: beside one another, large negative scores "
    "are all alike. Hand scores and mask to `masked_softmax`.",
)
def large_negative_scores(h, mask, W, b, u):
    weights = torch.softmax((torch.tanh(h @ W.T + b) @ u).masked_fill(~mask, -1e9), -1)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "A row with nothing in it gives NaN: a softmax of −inf only is 0 / 0. Hand scores and mask to `masked_softmax`.",
)
def nothing_gives_nan(h, mask, W, b, u):
    weights = torch.softmax((torch.tanh(h @ W.T + b) @ u).masked_fill(~mask, -torch.inf), -1)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake("attention_pool", "The scores are divided by √k. Nothing is divided here: the score is u · tanh(W h + b).")
def divided_by_root(h, mask, W, b, u):
    weights = masked_softmax(torch.tanh(h @ W.T + b) @ u / len(u) ** 0.5, mask)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "A softmax over the k features stands where tanh should: the softmax comes last, over T, of the scores.",
)
def softmax_of_features(h, mask, W, b, u):
    weights = masked_softmax(torch.softmax(h @ W.T + b, -1) @ u, mask)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake("attention_pool", "A sigmoid (or relu) stands where tanh should: u_t = tanh(W h_t + b).")
def sigmoid_for_tanh(h, mask, W, b, u):
    weights = masked_softmax(torch.sigmoid(h @ W.T + b) @ u, mask)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "The sum runs over axis 1. That is T only for sentences of one batch; with documents another axis stands before "
    "it. Count from behind: `dim=-2`.",
)
def summed_over_axis_1(h, mask, W, b, u):
    weights = _weights(h, mask, W, b, u)
    return (weights.unsqueeze(-1) * h).sum(1), weights


@mistake(
    "attention_pool",
    "The softmax runs over axis 1. That is T only for sentences of one batch; with documents another axis stands "
    "before it. Take the last axis of the scores: `dim=-1`.",
)
def softmax_over_axis_1(h, mask, W, b, u):
    scores = (torch.tanh(h @ W.T + b) @ u).masked_fill(~mask, -torch.inf)
    weights = torch.nan_to_num(torch.softmax(scores, 1))
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "The weights are never used: you return the plain average of what is there. Sum over T of weight times state.",
)
def plain_average(h, mask, W, b, u):
    there = mask.unsqueeze(-1)
    return (h * there).sum(-2) / there.sum(-2).clamp(min=1), _weights(h, mask, W, b, u)


@mistake(
    "attention_pool",
    "The states are set to 0 where the mask is False, but their scores stay: exp of any score is above 0, so padding "
    "still takes weight. Hand the mask to `masked_softmax`.",
)
def states_masked(h, mask, W, b, u):
    h = h * mask.unsqueeze(-1)
    weights = torch.softmax(torch.tanh(h @ W.T + b) @ u, -1)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "The weights are shared out over the first axis. Over the words (or sentences) of each it must be: "
    "the last axis of the scores.",
)
def over_the_first_axis(h, mask, W, b, u):
    scores = torch.tanh(h @ W.T + b) @ u
    weights = masked_softmax(scores.transpose(0, -1), mask.transpose(0, -1)).transpose(0, -1)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "u isn't used: the features are just added up. The score is u · tanh(W h + b).",
)
def u_not_used(h, mask, W, b, u):
    scores = torch.tanh(h @ W.T + b).sum(-1)
    weights = masked_softmax(scores, mask)
    return (weights.unsqueeze(-1) * h).sum(-2), weights


@mistake(
    "attention_pool",
    "You take the state with the largest weight alone. Pooled is the sum of all, by their weights.",
)
def best_state_alone(h, mask, W, b, u):
    scores = torch.tanh(h @ W.T + b) @ u
    weights = masked_softmax(scores, mask)
    return h.gather(-2, weights.argmax(-1)[..., None, None].expand(*h.shape[:-2], 1, h.shape[-1])).squeeze(-2), weights


@alternative("attention_pool")
def pool_as_product(h, mask, W, b, u):
    weights = _weights(h, mask, W, b, u)
    return (weights.unsqueeze(-2) @ h).squeeze(-2), weights


@alternative("attention_pool")
def pool_einsum(h, mask, W, b, u):
    scores = torch.einsum("...tk,k->...t", (F.linear(h, W, b)).tanh(), u)
    weights = masked_softmax(scores, mask)
    return torch.einsum("...t,...tn->...n", weights, h), weights


@alternative("attention_pool")
def pool_with_infinity(h, mask, W, b, u):
    scores = (torch.tanh(h @ W.T + b) @ u).masked_fill(~mask, float("-inf"))
    scores = scores.masked_fill(~mask.any(-1, keepdim=True), 0.0)
    weights = torch.softmax(scores, -1) * mask
    return (h * weights[..., None]).sum(-2), weights


@alternative("attention_pool")
def pool_row_by_row(h, mask, W, b, u):
    flat, there = h.reshape(-1, *h.shape[-2:]), mask.reshape(-1, mask.shape[-1])
    vectors, rows = [], []
    for states, m in zip(flat, there, strict=True):
        scores = torch.stack([u @ torch.tanh(W @ state + b) for state in states])
        powers = torch.where(m, (scores - scores.max().detach()).exp(), torch.zeros_like(scores))
        rows.append(powers / powers.sum() if m.any() else powers * 0)
        vectors.append(rows[-1] @ states)
    return torch.stack(vectors).view(*h.shape[:-2], -1), torch.stack(rows).view(mask.shape)


# document_vector


def _storey(words, mask, read, pool):
    """The first storey, done right: vectors at their places, and word weights."""
    real = mask.any(-1)
    vectors, weights = pool(read(words[real], mask[real]), mask[real])
    sentences = words.new_zeros(*real.shape, vectors.shape[-1])
    sentences[real] = vectors
    word_weights = words.new_zeros(mask.shape)
    word_weights[real] = weights
    return sentences, word_weights, real


@mistake(
    "document_vector",
    "You read all rows, also sentences that aren't there. Pick the real ones first: `real = mask.any(-1)`, "
    "`words[real]`, `mask[real]`.",
)
def reads_everything(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    B, S, T, d = words.shape
    flat, there = words.view(B * S, T, d), mask.view(B * S, T)
    vectors, weights = pool_words(read_words(flat, there), there)
    document, over = pool_sentences(read_sentences(vectors.view(B, S, -1), mask.any(-1)), mask.any(-1))
    return document, weights.view(B, S, T), over


@mistake(
    "document_vector",
    "A sentence that isn't there gets weight in the second storey. Both of its functions need `real` as their mask.",
)
def pools_all_sentences(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    document, over = pool_sentences(read_sentences(sentences, real), torch.ones_like(real))
    return document, weights, over


@mistake(
    "document_vector",
    "The real sentences are pushed together at the front, so a document with a gap gets them at wrong places. Put each "
    "back to where it was: `sentences[real] = vectors`.",
)
def gaps_closed(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    order = (~real).int().argsort(dim=1, stable=True)
    moved = sentences.gather(1, order.unsqueeze(-1).expand_as(sentences))
    front = real.gather(1, order)
    document, over = pool_sentences(read_sentences(moved, front), front)
    return document, weights.gather(1, order.unsqueeze(-1).expand_as(weights)), over


@mistake(
    "document_vector",
    "The reader of sentences is left out: the second pool gets the vectors as they came from the first.",
)
def sentences_not_read(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    read_sentences(sentences, real)
    padded = read_sentences(sentences, real) * 0 + F.pad(
        sentences, (0, read_sentences(sentences, real).shape[-1] - sentences.shape[-1])
    )
    document, over = pool_sentences(padded, real)
    return document, weights, over


@mistake(
    "document_vector",
    "All words of a document are read as one row: the first storey reads each sentence by itself, (N, T, d).",
)
def one_long_row(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    B, S, T, d = words.shape
    there = mask.view(B, S * T)
    h = read_words(words.view(B, S * T, d), there)
    real = mask.any(-1)
    h, rows = h.view(B, S, T, -1)[real], mask[real]
    vectors, weights = pool_words(h, rows)
    sentences = words.new_zeros(B, S, vectors.shape[-1])
    sentences[real] = vectors
    word_weights = words.new_zeros(mask.shape)
    word_weights[real] = weights
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, word_weights, over


@mistake(
    "document_vector",
    "A mask of Trues goes into the first pool: the padding behind a sentence gets weight. Give it `mask[real]`.",
)
def pools_padding(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, lambda h, there: pool_words(h, torch.ones_like(there)))
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, weights, over


@mistake("document_vector", "The order is: document, word weights, sentence weights.")
def sentence_weights_second(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, over, weights


@mistake(
    "document_vector",
    "The word weights come back for real sentences only, one below the other, (N, T). Put them back to their places: "
    "(B, S, T), zeros elsewhere.",
)
def weights_left_flat(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, weights[real], over


@mistake(
    "document_vector",
    "The reader of sentences reads missing ones as if they were there: zeros are a vector, too, and its state moves "
    "on. Give it `real` as its mask.",
)
def reads_missing_sentences(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    document, over = pool_sentences(read_sentences(sentences, torch.ones_like(real)), real)
    return document, weights, over


@mistake(
    "document_vector",
    "The reader of words gets a mask of Trues: it reads the padding behind each sentence. Give it `mask[real]`.",
)
def reads_padding(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, lambda x, m: read_words(x, torch.ones_like(m)), pool_words)
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, weights, over


@mistake(
    "document_vector",
    "The vectors of all real sentences fill the batch from its beginning, so they end up in other documents. Put each "
    "back to where it was: `sentences[real] = vectors`, and the word weights likewise.",
)
def filled_from_the_beginning(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    B, S, T = mask.shape
    real = mask.any(-1)
    vectors, weights = pool_words(read_words(words[real], mask[real]), mask[real])
    sentences = F.pad(vectors, (0, 0, 0, B * S - len(vectors))).view(B, S, -1)
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, F.pad(weights, (0, 0, 0, B * S - len(weights))).view(B, S, T), over


@mistake(
    "document_vector",
    "You ask whether the *first* word is there. A sentence is there if any of its words is: `mask.any(-1)`.",
)
def first_word_decides(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    real = mask[..., 0]
    vectors, rows = pool_words(read_words(words[real], mask[real]), mask[real])
    sentences = words.new_zeros(*real.shape, vectors.shape[-1])
    sentences[real] = vectors
    weights = words.new_zeros(mask.shape)
    weights[real] = rows
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, weights, over


@mistake(
    "document_vector",
    "The word weights are multiplied by the sentence's weight. Return them as they are: they sum to 1 over each "
    "sentence.",
)
def weights_multiplied(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, weights * over.unsqueeze(-1), over


@mistake(
    "document_vector",
    "The second storey has no mask: reader and pool take missing sentences for real ones. Give both of them `real`.",
)
def second_storey_without_mask(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    everything = torch.ones_like(real)
    document, over = pool_sentences(read_sentences(sentences, everything), everything)
    return document, weights, over


@mistake(
    "document_vector",
    "What `read_sentences` gives doesn't reach `pool_sentences` (it isn't called, or its result isn't used): pool the "
    "states that were read, not the vectors of the sentences.",
)
def sentences_pooled_unread(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, read_words, pool_words)
    document, over = pool_sentences(sentences, real)
    return document, weights, over


@mistake(
    "document_vector",
    "What `read_words` gives doesn't reach `pool_words` (it isn't called, or its result isn't used): pool the states "
    "that were read, not the words.",
)
def words_pooled_unread(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    sentences, weights, real = _storey(words, mask, lambda x, there: x, pool_words)
    document, over = pool_sentences(
        read_sentences(F.pad(sentences, (0, read_words(words[real], mask[real]).shape[-1] - words.shape[-1])), real),
        real,
    )
    return document, weights, over


@mistake(
    "document_vector",
    "The words are read and pooled without their mask, so padding gets weight: hand on `mask[real]`.",
)
def no_mask_for_words(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    B, S, T, _d = words.shape
    real = mask.any(-1)
    m = torch.ones_like(mask[real])
    vec, w = pool_words(read_words(words[real], m), m)
    sent = words.new_zeros(B, S, vec.shape[-1])
    sent[real] = vec
    ww = words.new_zeros(B, S, T)
    ww[real] = w
    doc, sw = pool_sentences(read_sentences(sent, real), real)
    return doc, ww, sw


@mistake(
    "document_vector",
    "The word weights of missing sentences are ones. What isn't there has zeros.",
)
def ones_where_nothing_is(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    B, S, T, _d = words.shape
    real = mask.any(-1)
    m = mask[real]
    vec, w = pool_words(read_words(words[real], m), m)
    sent = words.new_zeros(B, S, vec.shape[-1])
    sent[real] = vec
    ww = words.new_ones(B, S, T)
    ww[real] = w
    doc, sw = pool_sentences(read_sentences(sent, real), real)
    return doc, ww, sw


@mistake(
    "document_vector",
    "The sentences are pooled by `pool_words`. They have a pool of their own, `pool_sentences`.",
)
def words_pool_for_sentences(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    B, S, T, _d = words.shape
    real = mask.any(-1)
    m = mask[real]
    vec, w = pool_words(read_words(words[real], m), m)
    sent = words.new_zeros(B, S, vec.shape[-1])
    sent[real] = vec
    ww = words.new_zeros(B, S, T)
    ww[real] = w
    doc, sw = pool_words(read_sentences(sent, real), real)
    return doc, ww, sw


@alternative("document_vector")
def document_by_document(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    found = []
    for x, m in zip(words, mask, strict=True):
        there = m.any(-1).nonzero().flatten().tolist()
        vectors, rows = [], torch.zeros(m.shape, dtype=x.dtype)
        for s in there:
            vector, weights = pool_words(read_words(x[s : s + 1], m[s : s + 1]), m[s : s + 1])
            vectors.append(vector[0])
            rows = torch.cat([rows[:s], weights, rows[s + 1 :]])
        zero = torch.zeros_like(vectors[0])
        stack = torch.stack([vectors[there.index(s)] if s in there else zero for s in range(len(m))])
        document, over = pool_sentences(read_sentences(stack[None], m.any(-1)[None]), m.any(-1)[None])
        found.append((document[0], rows, over[0]))
    return tuple(torch.stack(part) for part in zip(*found, strict=True))


@alternative("document_vector")
def with_a_stand_in_word(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    B, S, T, d = words.shape
    real = mask.any(-1)
    stand_in = mask.clone()
    stand_in[..., 0] |= ~real  # an empty sentence gets a word, and loses what came of it
    flat = stand_in.view(B * S, T)
    vectors, weights = pool_words(read_words(words.reshape(B * S, T, d), flat), flat)
    vectors = vectors.view(B, S, -1) * real.unsqueeze(-1)
    document, over = pool_sentences(read_sentences(vectors, real), real)
    return document, weights.view(B, S, T) * real.unsqueeze(-1), over


@alternative("document_vector")
def with_index_copy(words, mask, read_words, pool_words, read_sentences, pool_sentences):
    B, S, T = mask.shape
    flat, there = words.flatten(0, 1), mask.flatten(0, 1)
    rows = there.any(1).nonzero().squeeze(1)
    vectors, weights = pool_words(read_words(flat[rows], there[rows]), there[rows])
    sentences = torch.zeros(B * S, vectors.shape[1], dtype=words.dtype).index_copy(0, rows, vectors).view(B, S, -1)
    over_words = torch.zeros(B * S, T, dtype=words.dtype).index_copy(0, rows, weights).view(B, S, T)
    real = mask.any(2)
    document, over = pool_sentences(read_sentences(sentences, real), real)
    return document, over_words, over


# average_and_max


def _average(h, mask):
    there = mask.unsqueeze(-1)
    return (h * there).sum(-2) / there.sum(-2).clamp(min=1)


def _maximum(h, mask):
    there = mask.unsqueeze(-1)
    return h.masked_fill(~there, -torch.inf).amax(-2).masked_fill(~mask.any(-1, keepdim=True), 0.0)


@mistake(
    "average_and_max",
    "That is the colleague's function. The mean divides by T, padding included; and the zeros of the padding win "
    "against whatever is below zero.",
)
def colleagues(h, mask):
    h = h * mask.unsqueeze(-1)
    return h.mean(-2), h.max(-2).values


@mistake(
    "average_and_max",
    "The average still divides by T, padding included: its weights sum to less than 1 over the words. Divide by the "
    "number of Trues.",
)
def mean_over_padding(h, mask):
    return (h * mask.unsqueeze(-1)).mean(-2), _maximum(h, mask)


@mistake(
    "average_and_max",
    "The maximum still sees the zeros of the padding: where all words are below zero, 0 wins. Fill with −inf instead.",
)
def zeros_win(h, mask):
    return _average(h, mask), (h * mask.unsqueeze(-1)).max(-2).values


@mistake(
    "average_and_max", "A row with nothing in it: 0 / 0 is NaN. Divide by at least 1, and fill its maximum with 0."
)
def nothing_is_nan(h, mask):
    there = mask.unsqueeze(-1)
    return (h * there).sum(-2) / there.sum(-2), _maximum(h, mask)


@mistake("average_and_max", "The maximum of nothing is −inf here. A row with nothing in it gets zeros.")
def nothing_is_minus_infinity(h, mask):
    return _average(h, mask), h.masked_fill(~mask.unsqueeze(-1), -torch.inf).amax(-2)


@mistake("average_and_max", "What lies in the padding is added up, too. Multiply by the mask before you sum.")
def padding_added(h, mask):
    return h.sum(-2) / mask.sum(-1, keepdim=True).clamp(min=1), _maximum(h, mask)


@mistake("average_and_max", "The mask is not used at all: average and maximum go over the padding, too.")
def mask_unused(h, mask):
    return h.mean(-2), h.amax(-2)


@mistake("average_and_max", "The two come in the wrong order: the average first.")
def maximum_first(h, mask):
    return _maximum(h, mask), _average(h, mask)


@mistake("average_and_max", "That is a sum, not an average: divide it by the number of Trues.")
def not_divided(h, mask):
    return (h * mask.unsqueeze(-1)).sum(-2), _maximum(h, mask)


@mistake(
    "average_and_max",
    "The maximum of nothing is your large negative number. A row with nothing in it gets zeros.",
)
def nothing_is_a_large_negative_number(h, mask):
    return _average(h, mask), h.masked_fill(~mask.unsqueeze(-1), -1e9).amax(-2)


@mistake("average_and_max", "`.max(dim)` returns values and indices. You return the indices: take `.values`.")
def indices_of_the_maximum(h, mask):
    return _average(h, mask), h.masked_fill(~mask.unsqueeze(-1), -torch.inf).max(-2).indices


@mistake(
    "average_and_max",
    "The maximum is never below 0: cutting off at 0 makes zeros of −∞, but of every negative maximum as well. Zeros "
    "are for rows with nothing in them only.",
)
def maximum_cut_off_at_zero(h, mask):
    return _average(h, mask), h.masked_fill(~mask.unsqueeze(-1), -torch.inf).amax(-2).clamp(min=0)


@mistake(
    "average_and_max",
    "That is the smallest value, not the largest: `amax`, with −inf where nothing is.",
)
def minimum_taken(h, mask):
    least = h.masked_fill(~mask.unsqueeze(-1), torch.inf).amin(-2)
    return _average(h, mask), least.masked_fill(~mask.any(-1, keepdim=True), 0.0)


@mistake(
    "average_and_max",
    "The maximum is masked right, but the average divides by the number of Trues plus 1 (or the like): a sentence of "
    "one word must have that word as its average. Only an empty row needs help: `.clamp(min=1)`.",
)
def divided_by_one_more(h, mask):
    there = mask.unsqueeze(-1)
    return (h * there).sum(-2) / (there.sum(-2) + 1), _maximum(h, mask)


@mistake(
    "average_and_max",
    "The maximum looks at the padding, too. Fill what is masked with `-torch.inf` first.",
)
def maximum_of_padding(h, mask):
    m = mask.unsqueeze(-1)
    n = m.sum(-2).clamp(min=1)
    avg = (h * m).sum(-2) / n
    mx = h.amax(-2)
    return avg, mx.masked_fill(~m.any(-2), 0)


@mistake(
    "average_and_max",
    "You take the largest absolute value. The maximum of −3 and 1 is 1.",
)
def largest_absolute_value(h, mask):
    m = mask.unsqueeze(-1)
    n = m.sum(-2).clamp(min=1)
    avg = (h * m).sum(-2) / n
    mx = h.abs().masked_fill(~m, -torch.inf).amax(-2)
    return avg, mx.masked_fill(~m.any(-2), 0)


@mistake(
    "average_and_max",
    "One maximum is taken over all features. Each feature has its own: over T alone.",
)
def one_maximum_for_all_features(h, mask):
    m = mask.unsqueeze(-1)
    n = m.sum(-2).clamp(min=1)
    avg = (h * m).sum(-2) / n
    mx = h.masked_fill(~m, -torch.inf).amax(-1, keepdim=True).amax(-2).expand_as(avg)
    return avg, mx.masked_fill(~m.any(-2), 0)


@mistake(
    "average_and_max",
    "You pool the *padding*: True in the mask is what is there.",
)
def padding_pooled(h, mask):
    m = ~mask.unsqueeze(-1)
    n = m.sum(-2).clamp(min=1)
    avg = (h * m).sum(-2) / n
    mx = h.masked_fill(~m, -torch.inf).amax(-2)
    return avg, mx.masked_fill(~m.any(-2), 0)


@mistake(
    "average_and_max",
    "You divide by the number of Trues of the whole batch. Each row has its own.",
)
def divided_by_the_whole_batch(h, mask):
    m = mask.unsqueeze(-1)
    n = m.sum().clamp(min=1)
    avg = (h * m).sum(-2) / n
    mx = h.masked_fill(~m, -torch.inf).amax(-2)
    return avg, mx.masked_fill(~m.any(-2), 0)


@mistake(
    "average_and_max",
    "This is a soft maximum: an average by the softmax of the values. Take the largest value itself.",
)
def soft_maximum(h, mask):
    m = mask.unsqueeze(-1)
    n = m.sum(-2).clamp(min=1)
    avg = (h * m).sum(-2) / n
    mx = h.masked_fill(~m, -torch.inf).softmax(-2).mul(h).nan_to_num().sum(-2)
    return avg, mx.masked_fill(~m.any(-2), 0)


@alternative("average_and_max")
def average_as_product(h, mask):
    weights = mask / mask.sum(-1, keepdim=True).clamp_min(1)
    average = (weights.to(h.dtype).unsqueeze(-2) @ h).squeeze(-2)
    lowest = torch.where(mask.unsqueeze(-1), h, torch.full_like(h, -1e300 if h.dtype == torch.float64 else -1e38))
    return average, torch.where(mask.any(-1, keepdim=True), lowest.max(-2)[0], torch.zeros_like(average))


@alternative("average_and_max")
def row_by_row(h, mask):
    flat, there = h.reshape(-1, *h.shape[-2:]), mask.reshape(-1, mask.shape[-1])
    zero = flat[0, 0] * 0
    means = [x[m].mean(0) if m.any() else zero for x, m in zip(flat, there, strict=True)]
    most = [x[m].max(0).values if m.any() else zero for x, m in zip(flat, there, strict=True)]
    return tuple(torch.stack(rows).view(*h.shape[:-2], -1) for rows in (means, most))


@alternative("average_and_max")
def with_where(h, mask):
    m = mask[..., None]
    count = torch.maximum(m.sum(-2), torch.ones_like(m.sum(-2)))
    average = torch.where(m, h, torch.zeros_like(h)).sum(-2) / count
    maximum = torch.where(m, h, torch.tensor(float("-inf"), dtype=h.dtype)).amax(dim=-2)
    return average, torch.where(torch.isinf(maximum), torch.zeros_like(maximum), maximum)


# word_cnn


def _convolved(x, W, b):
    k = W.shape[1]
    padded = F.pad(x, (0, 0, k // 2, k // 2))
    return sum(padded[:, j : j + x.shape[1]] @ W[:, j].T for j in range(k)) + b


@mistake(
    "word_cnn",
    "What lies in the padding gets into the windows of real words. Set it to zero first: x * mask.unsqueeze(-1).",
)
def padding_in_the_window(x, mask, W, b):
    return torch.relu(_convolved(x, W, b)) * mask.unsqueeze(-1)


@mistake("word_cnn", "Where the mask is False the result must be zero: multiply by the mask again, after the relu.")
def padding_speaks(x, mask, W, b):
    return torch.relu(_convolved(x * mask.unsqueeze(-1), W, b))


@mistake("word_cnn", "The relu is missing.")
def without_relu(x, mask, W, b):
    there = mask.unsqueeze(-1)
    return _convolved(x * there, W, b) * there


@mistake("word_cnn", "tanh in place of relu.")
def tanh_for_relu(x, mask, W, b):
    there = mask.unsqueeze(-1)
    return torch.tanh(_convolved(x * there, W, b)) * there


@mistake(
    "word_cnn",
    "The window is turned round: W[:, 0] meets the word c places *before* t, W[:, k − 1] the one c places after it.",
)
def window_turned_round(x, mask, W, b):
    there = mask.unsqueeze(-1)
    return torch.relu(_convolved(x * there, W.flip(1), b)) * there


@mistake(
    "word_cnn",
    "The window looks back only: it ends at word t. Centre it: pad (k − 1)/2 on both sides, not k − 1 in front.",
)
def looks_back_only(x, mask, W, b):
    there, k = mask.unsqueeze(-1), W.shape[1]
    padded = F.pad(x * there, (0, 0, k - 1, 0))
    h = sum(padded[:, j : j + x.shape[1]] @ W[:, j].T for j in range(k)) + b
    return torch.relu(h) * there


@mistake("word_cnn", "The bias b is missing.")
def cnn_without_bias(x, mask, W, b):
    there = mask.unsqueeze(-1)
    return torch.relu(_convolved(x * there, W, torch.zeros_like(b))) * there


@mistake("word_cnn", "The bias is added once for each word of the window: add it once.")
def bias_many_times(x, mask, W, b):
    there, k = mask.unsqueeze(-1), W.shape[1]
    padded = F.pad(x * there, (0, 0, k // 2, k // 2))
    return torch.relu(sum(padded[:, j : j + x.shape[1]] @ W[:, j].T + b for j in range(k)) - 0 * b) * there


@mistake(
    "word_cnn", "Without padding the result is k − 1 words shorter. Put (k − 1)/2 zeros before and after the words."
)
def not_padded(x, mask, W, b):
    x = x * mask.unsqueeze(-1)
    T, k = x.shape[1], W.shape[1]
    if k > T:
        raise ValueError("the window is longer than the sentence")
    h = sum(x[:, j : T - k + 1 + j] @ W[:, j].T for j in range(k)) + b
    return torch.relu(h)


@mistake(
    "word_cnn",
    "The sentence is closed to a ring: the window of the first word sees the last ones. Outside there are zeros.",
)
def closed_to_a_ring(x, mask, W, b):
    there, k = mask.unsqueeze(-1), W.shape[1]
    h = sum(torch.roll(x * there, k // 2 - j, 1) @ W[:, j].T for j in range(k)) + b
    return torch.relu(h) * there


@mistake("word_cnn", "The bias is added after the relu. Inside it: relu(b + Σ_j W_j x_j).")
def bias_after_relu(x, mask, W, b):
    there = mask.unsqueeze(-1)
    return (torch.relu(_convolved(x * there, W, torch.zeros_like(b))) + b) * there


@mistake(
    "word_cnn",
    "The relu is taken of each word of the window by itself. Add them up first, and b; then one relu.",
)
def relu_of_each_word(x, mask, W, b):
    _n, k, _d = W.shape
    c = (k - 1) // 2
    T = x.shape[1]
    p = nn.functional.pad(x * mask.unsqueeze(-1), (0, 0, c, c))
    h = sum(torch.relu(p[:, j : j + T] @ W[:, j].T) for j in range(k)) + b
    return torch.relu(h) * mask.unsqueeze(-1)


@mistake(
    "word_cnn",
    "The window begins at the word and looks ahead. The word stands in its middle: pad c on both sides.",
)
def window_ahead(x, mask, W, b):
    _n, k, _d = W.shape
    c = (k - 1) // 2
    T = x.shape[1]
    p = nn.functional.pad(x * mask.unsqueeze(-1), (0, 0, 0, 2 * c))
    h = sum(p[:, j : j + T] @ W[:, j].T for j in range(k)) + b
    return torch.relu(h) * mask.unsqueeze(-1)


@mistake(
    "word_cnn",
    "The last word of the window is left out: j runs from 0 to k − 1.",
)
def last_of_the_window_missing(x, mask, W, b):
    _n, k, _d = W.shape
    c = (k - 1) // 2
    T = x.shape[1]
    p = nn.functional.pad(x * mask.unsqueeze(-1), (0, 0, c, c))
    h = sum(p[:, j : j + T] @ W[:, j].T for j in range(k - 1)) + b
    return torch.relu(h) * mask.unsqueeze(-1)


@mistake(
    "word_cnn",
    "The window is averaged. Its words are added up.",
)
def mean_of_the_window(x, mask, W, b):
    _n, k, _d = W.shape
    c = (k - 1) // 2
    T = x.shape[1]
    p = nn.functional.pad(x * mask.unsqueeze(-1), (0, 0, c, c))
    h = sum(p[:, j : j + T] @ W[:, j].T for j in range(k)) / k + b
    return torch.relu(h) * mask.unsqueeze(-1)


@mistake(
    "word_cnn",
    "Outside the sentence its first and last word are repeated. There are zeros.",
)
def edge_words_repeated(x, mask, W, b):
    _n, k, _d = W.shape
    c = (k - 1) // 2
    T = x.shape[1]
    p = nn.functional.pad((x * mask.unsqueeze(-1)).mT, (c, c), mode="replicate").mT
    h = sum(p[:, j : j + T] @ W[:, j].T for j in range(k)) + b
    return torch.relu(h) * mask.unsqueeze(-1)


@mistake(
    "word_cnn",
    "You read the padding, and hide the words: True is a word.",
)
def padding_read(x, mask, W, b):
    _n, k, _d = W.shape
    c = (k - 1) // 2
    T = x.shape[1]
    p = nn.functional.pad(x * (~mask).unsqueeze(-1), (0, 0, c, c))
    h = sum(p[:, j : j + T] @ W[:, j].T for j in range(k)) + b
    return torch.relu(h) * (~mask).unsqueeze(-1)


@mistake(
    "word_cnn",
    "This is another function than relu: some values are below 0 (gelu?).",
)
def gelu_for_relu(x, mask, W, b):
    _n, k, _d = W.shape
    c = (k - 1) // 2
    T = x.shape[1]
    p = nn.functional.pad(x * mask.unsqueeze(-1), (0, 0, c, c))
    h = sum(p[:, j : j + T] @ W[:, j].T for j in range(k)) + b
    return nn.functional.gelu(h) * mask.unsqueeze(-1)


@mistake(
    "word_cnn",
    "You take the absolute value. relu makes 0 of what is below 0.",
)
def absolute_value_for_relu(x, mask, W, b):
    _n, k, _d = W.shape
    c = (k - 1) // 2
    T = x.shape[1]
    p = nn.functional.pad(x * mask.unsqueeze(-1), (0, 0, c, c))
    h = sum(p[:, j : j + T] @ W[:, j].T for j in range(k)) + b
    return h.abs() * mask.unsqueeze(-1)


@alternative("word_cnn")
def with_conv1d(x, mask, W, b):
    there = mask.unsqueeze(1)
    h = F.conv1d(x.transpose(1, 2) * there, W.permute(0, 2, 1), b, padding=W.shape[1] // 2)
    return (torch.relu(h) * there).transpose(1, 2)


@alternative("word_cnn")
def with_unfold(x, mask, W, b):
    k, there = W.shape[1], mask.unsqueeze(-1)
    windows = F.pad(x * there, (0, 0, k // 2, k // 2)).unfold(1, k, 1)  # (N, T, d, k)
    return F.relu(torch.einsum("ntdk,mkd->ntm", windows, W) + b) * there


@alternative("word_cnn")
def as_the_loop(x, mask, W, b):
    N, T, _ = x.shape
    k = W.shape[1]
    rows = []
    for i in range(N):
        for t in range(T):
            h = b
            for j in range(k):
                at = t + j - (k - 1) // 2
                if 0 <= at < T and mask[i, at]:
                    h = h + W[:, j] @ x[i, at]
            rows.append(torch.relu(h) if mask[i, t] else h * 0)
    return torch.stack(rows).view(N, T, -1)


@alternative("word_cnn")
def with_a_module(x, mask, W, b):
    conv = nn.Conv1d(W.shape[2], W.shape[0], W.shape[1], padding=W.shape[1] // 2)
    there = mask.unsqueeze(-1)
    h = torch.func.functional_call(conv, {"weight": W.transpose(1, 2), "bias": b}, ((x * there).mT,))
    return torch.clamp(h.mT, min=0) * there


# evidence_share


def _rows(decides):
    return torch.arange(len(decides))


@mistake(
    "evidence_share",
    "The words are weighed by their weight within the sentence alone (or the sentence's weight is divided out again): "
    "that is their share of the sentence, not of the review. Multiply by the sentence's weight.",
)
def word_weights_alone(word_weights, sentence_weights, decides, telling):
    return sentence_weights[_rows(decides), decides], (word_weights * telling).sum((1, 2))


@mistake(
    "evidence_share",
    "That is the largest weight of each review, wherever it lies. Take the weight of the sentence that *decides*.",
)
def largest_weight(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    return sentence_weights.amax(1), (products * telling).sum((1, 2))


@mistake("evidence_share", "Both are means over the batch. Return one number for each review: (B,).")
def means_of_batch(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    return sentence_weights[_rows(decides), decides].mean(), (products * telling).sum((1, 2)).mean()


@mistake(
    "evidence_share",
    "You add up the products of *all* words: that is 1 (or all there is) for every review. Keep those where `telling` "
    "is True.",
)
def all_words(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    return sentence_weights[_rows(decides), decides], products.sum((1, 2))


@mistake("evidence_share", "That is the mean over the telling words. A share is their sum.")
def mean_of_telling(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    share = (products * telling).sum((1, 2)) / telling.sum((1, 2)).clamp(min=1)
    return sentence_weights[_rows(decides), decides], share


@mistake(
    "evidence_share",
    "You take the root of the sentence's weight, as for the picture. For a share take the product itself, which sums "
    "to 1.",
)
def root_of_sentence(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.sqrt().unsqueeze(-1) * word_weights
    return sentence_weights[_rows(decides), decides], (products * telling).sum((1, 2))


@mistake(
    "evidence_share",
    "`sentence_weights[:, decides]` takes these columns of *every* review: (B, B). Give a row for each column: "
    "`[torch.arange(B), decides]`.",
)
def all_pairs(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    return sentence_weights[:, decides], (products * telling).sum((1, 2))


@mistake("evidence_share", "The two come in the wrong order: the sentence first, then its words.")
def words_first(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    return (products * telling).sum((1, 2)), sentence_weights[_rows(decides), decides]


@mistake(
    "evidence_share",
    "You say whether the sentence that decides has the *largest* weight, 1 or 0. Return its weight.",
)
def hit_or_miss(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    return (sentence_weights.argmax(1) == decides).to(products.dtype), (products * telling).sum((1, 2))


@mistake(
    "evidence_share",
    "The second result isn't summed over sentences: `telling` chooses words of the whole review, so sum over both of "
    "its axes, `dim=(1, 2)`.",
)
def summed_over_words_only(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    return sentence_weights[_rows(decides), decides], (products * telling).sum(-1)


@mistake(
    "evidence_share",
    "The second result is 0 or 1 (or a count): the telling words are counted. Add up their *weights*.",
)
def telling_counted(word_weights, sentence_weights, decides, telling):
    return sentence_weights[_rows(decides), decides], telling.sum((1, 2)) / telling[0].numel()


@mistake(
    "evidence_share",
    "The second result takes the words that do *not* tell: `telling` is True at those that do.",
)
def other_words(word_weights, sentence_weights, decides, telling):
    products = sentence_weights.unsqueeze(-1) * word_weights
    return sentence_weights[_rows(decides), decides], (products * ~telling).sum((1, 2))


@mistake(
    "evidence_share",
    "The first review's weights are read for all. Row b belongs to review b: `x[rows, decides]`.",
)
def first_review_for_all(word_weights, sentence_weights, decides, telling):
    s = sentence_weights[0, decides]
    p = sentence_weights.unsqueeze(-1) * word_weights
    return s, (p * telling).sum((1, 2))


@mistake(
    "evidence_share",
    "The sentence weights are squared. Each word's share is β_i α_it.",
)
def sentence_weight_squared(word_weights, sentence_weights, decides, telling):
    rows = torch.arange(len(decides))
    s = sentence_weights[rows, decides]
    p = sentence_weights.unsqueeze(-1) ** 2 * word_weights
    return s, (p * telling).sum((1, 2))


@mistake(
    "evidence_share",
    "You read the sentence *before* the one that decides: sentences are counted from 0.",
)
def sentence_before(word_weights, sentence_weights, decides, telling):
    rows = torch.arange(len(decides))
    s = sentence_weights[rows, decides - 1]
    p = sentence_weights.unsqueeze(-1) * word_weights
    return s, (p * telling).sum((1, 2))


@alternative("evidence_share")
def with_gather(word_weights, sentence_weights, decides, telling):
    on_sentence = sentence_weights.gather(1, decides.unsqueeze(1)).squeeze(1)
    return on_sentence, torch.einsum("bs,bst,bst->b", sentence_weights, word_weights, telling.to(word_weights.dtype))


@alternative("evidence_share")
def with_one_hot(word_weights, sentence_weights, decides, telling):
    chosen = F.one_hot(decides, sentence_weights.shape[1])
    on_sentence = (sentence_weights * chosen).sum(1)
    return on_sentence, on_sentence * (word_weights * telling).sum((1, 2))


@alternative("evidence_share")
def review_by_review(word_weights, sentence_weights, decides, telling):
    on_sentence, on_words = [], []
    for p_w, p_s, i, told in zip(word_weights, sentence_weights, decides.tolist(), telling, strict=True):
        on_sentence.append(p_s[i].item())
        on_words.append(sum((p_s[i] * p_w[i, t]).item() for t in range(p_w.shape[1]) if told[i, t]))
    return torch.tensor(on_sentence), torch.tensor(on_words)


# erase


def _top(mask, scores):
    return scores.masked_fill(~mask.any(-1), -torch.inf).argmax(-1)


@mistake(
    "erase",
    "You also erase sentences that aren't there: their scores may be the highest. Give them −inf before the argmax.",
)
def erases_padding(answer, mask, scores):
    without = mask.clone()
    without[torch.arange(len(mask)), scores.argmax(-1)] = False
    return answer(without) != answer(mask)


@mistake(
    "erase", "Scores of sentences that aren't there become 0, and 0 beats whatever is below it. Fill with −inf instead."
)
def padding_has_zero(answer, mask, scores):
    top = (scores * mask.any(-1)).argmax(-1)
    without = mask.clone()
    without[torch.arange(len(mask)), top] = False
    return answer(without) != answer(mask)


@mistake("erase", "You change the mask that you were given, so the answer to the whole review is lost. Work on a copy.")
def in_place(answer, mask, scores):
    top = _top(mask, scores)
    before = answer(mask)
    mask[torch.arange(len(mask)), top] = False
    return answer(mask) != before


@mistake("erase", "You keep the sentence with the highest score, and erase the others. It is the one that must go.")
def keeps_only_top(answer, mask, scores):
    only = torch.zeros_like(mask)
    rows, top = torch.arange(len(mask)), _top(mask, scores)
    only[rows, top] = mask[rows, top]
    return answer(only) != answer(mask)


@mistake("erase", "That is the sentence with the *lowest* score. Take argmax, with −inf where nothing is.")
def erases_lowest(answer, mask, scores):
    low = scores.masked_fill(~mask.any(-1), torch.inf).argmin(-1)
    without = mask.clone()
    without[torch.arange(len(mask)), low] = False
    return answer(without) != answer(mask)


@mistake("erase", "You say which answers *stay*. Compare with `!=`.")
def which_stay(answer, mask, scores):
    without = mask.clone()
    without[torch.arange(len(mask)), _top(mask, scores)] = False
    return answer(without) == answer(mask)


@mistake(
    "erase",
    "`without[:, top] = False` erases these sentences in *every* review. Give a row for each: "
    "`without[torch.arange(B), top]`.",
)
def erases_in_all(answer, mask, scores):
    without = mask.clone()
    without[:, _top(mask, scores)] = False
    return answer(without) != answer(mask)


@mistake("erase", "That is the share of the batch. Return True or False for each review: (B,).")
def share_of_batch(answer, mask, scores):
    without = mask.clone()
    without[torch.arange(len(mask)), _top(mask, scores)] = False
    return (answer(without) != answer(mask)).float().mean()


@mistake("erase", "These are the answers without the sentence. Compare them with the answers to the whole reviews.")
def answers_without(answer, mask, scores):
    without = mask.clone()
    without[torch.arange(len(mask)), _top(mask, scores)] = False
    return answer(without).bool()


@mistake(
    "erase",
    "`mask.all(-1)` asks whether *all* places of a sentence hold words. A sentence is there if any of them does: "
    "`mask.any(-1)`.",
)
def full_sentences_only(answer, mask, scores):
    top = scores.masked_fill(~mask.all(-1), -torch.inf).argmax(-1)
    without = mask.clone()
    without[torch.arange(len(mask)), top] = False
    return answer(without) != answer(mask)


@mistake("erase", "Only the first word of the sentence goes. All of its words must: `without[rows, top] = False`.")
def first_word_goes(answer, mask, scores):
    without = mask.clone()
    without[torch.arange(len(mask)), _top(mask, scores), 0] = False
    return answer(without) != answer(mask)


@mistake(
    "erase",
    "The sentence is chosen for the whole batch: argmax without an axis counts through the flattened scores. Each "
    "review has its own, `argmax(dim=-1)`.",
)
def one_for_the_batch(answer, mask, scores):
    filled = scores.masked_fill(~mask.any(-1), -torch.inf)
    without = mask.clone()
    without[:, int(filled.argmax()) % mask.shape[1]] = False
    return answer(without) != answer(mask)


@mistake(
    "erase",
    "You choose a *review* for each sentence: argmax over the batch. Choose a sentence for each review, `dim=-1`.",
)
def argmax_over_the_batch(answer, mask, scores):
    top = scores.masked_fill(~mask.any(-1), -torch.inf).argmax(0)
    without = mask.clone()
    without[top, torch.arange(mask.shape[1])] = False
    return answer(without) != answer(mask)


@mistake(
    "erase",
    "Nothing is taken away: the words of the sentence become True. False means that it isn't there.",
)
def nothing_taken_away(answer, mask, scores):
    real = mask.any(-1)
    top = scores.masked_fill(~real, -torch.inf).argmax(-1)
    without = mask.clone()
    without[torch.arange(len(mask)), top] = True
    return answer(without) != answer(mask)


@mistake(
    "erase",
    "The sentence *after* the highest one is taken away.",
)
def sentence_after(answer, mask, scores):
    real = mask.any(-1)
    top = scores.masked_fill(~real, -torch.inf).argmax(-1)
    without = mask.clone()
    without[torch.arange(len(mask)), (top + 1) % mask.shape[1]] = False
    return answer(without) != answer(mask)


@mistake(
    "erase",
    "You ask whether the first *word* is there. A sentence is there if any of its words is: `mask.any(-1)`.",
)
def first_word_decides_here(answer, mask, scores):
    real = mask[..., 0]
    top = scores.masked_fill(~real, -torch.inf).argmax(-1)
    without = mask.clone()
    without[torch.arange(len(mask)), top] = False
    return answer(without) != answer(mask)


@alternative("erase")
def with_a_one_hot_mask(answer, mask, scores):
    gone = F.one_hot(_top(mask, scores), mask.shape[1]).bool()
    return answer(mask & ~gone.unsqueeze(-1)) != answer(mask)


@alternative("erase")
def erase_one_by_one(answer, mask, scores):
    kept = mask.clone()
    for b in range(len(mask)):
        there = [s for s in range(mask.shape[1]) if mask[b, s].any()]
        kept[b, max(there, key=lambda s: scores[b, s].item())] = False
    return answer(kept).ne(answer(mask))


@alternative("erase")
def with_sort(answer, mask, scores):
    order = torch.where(mask.any(2), scores, torch.full_like(scores, -1e30)).argsort(1, descending=True)
    kept = mask.scatter(1, order[:, :1, None].expand(-1, 1, mask.shape[2]), False)
    return answer(mask) != answer(kept)


equivalent("word_cnn", "2 -> 1 (no. 2)", "pads more behind the words than the last window reads: slices end at j + T")
