"""Known answers to lesson 03: wrong ones with the sentence that helps, and right ones written otherwise."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# additive_score


@mistake("additive_score", "Without tanh the score is linear: every query ranks the keys alike. Apply tanh before v.")
def without_tanh(query, keys, W, U, v):
    return ((query @ W.T).unsqueeze(1) + keys @ U.T) @ v


@mistake(
    "additive_score",
    "tanh is applied last, to the score. It belongs inside: first tanh(W q + U k), then the product with v.",
)
def tanh_outside(query, keys, W, U, v):
    return torch.tanh(((query @ W.T).unsqueeze(1) + keys @ U.T) @ v)


@mistake("additive_score", "You multiply W q and U k. In the additive score they are added inside the tanh.")
def multiplied(query, keys, W, U, v):
    return torch.tanh((query @ W.T).unsqueeze(1) * (keys @ U.T)) @ v


@mistake(
    "additive_score",
    "The query has no part in your score, so every query gets the same weights. Add W q inside the tanh.",
)
def query_ignored(query, keys, W, U, v):
    return torch.tanh(keys @ U.T) @ v


@mistake("additive_score", "The keys have no part in your score, so all words score alike. Add U k inside the tanh.")
def keys_ignored(query, keys, W, U, v):
    return (torch.tanh(query @ W.T) @ v).unsqueeze(1).expand(keys.shape[:2])


@mistake("additive_score", "tanh is applied to W q and U k separately. Add them first, then take one tanh of the sum.")
def two_tanhs(query, keys, W, U, v):
    return (torch.tanh(query @ W.T).unsqueeze(1) + torch.tanh(keys @ U.T)) @ v


@mistake(
    "additive_score", "These are weights already: leave out the softmax. The next exercise makes weights of scores."
)
def softmaxed(query, keys, W, U, v):
    return torch.softmax(torch.tanh((query @ W.T).unsqueeze(1) + keys @ U.T) @ v, dim=-1)


@mistake("additive_score", "You add up the hidden features instead of taking their product with v.")
def v_ignored(query, keys, W, U, v):
    return torch.tanh((query @ W.T).unsqueeze(1) + keys @ U.T).sum(-1)


@mistake(
    "additive_score",
    "The result still has an axis of length 1 at the end: take `@ v` with v as a vector, or squeeze it away.",
)
def not_squeezed(query, keys, W, U, v):
    return torch.tanh((query @ W.T).unsqueeze(1) + keys @ U.T) @ v.unsqueeze(1)


@mistake(
    "additive_score",
    "The query needs an axis for the words: unsqueeze(1) makes (B, 1, a) of (B, a), so that it meets (B, T, a).",
)
def no_unsqueeze(query, keys, W, U, v):
    return torch.tanh(query @ W.T + keys @ U.T) @ v


@alternative("additive_score")
def one_key_at_a_time(query, keys, W, U, v):
    return torch.stack([torch.tanh(query @ W.T + keys[:, t] @ U.T) @ v for t in range(keys.shape[1])], dim=1)


@alternative("additive_score")
def with_linear(query, keys, W, U, v):
    hidden = torch.tanh(F.linear(query, W)[:, None, :] + F.linear(keys, U))
    return F.linear(hidden, v[None]).squeeze(-1)


@alternative("additive_score")
def with_einsum(query, keys, W, U, v):
    q = torch.einsum("an,bn->ba", W, query)
    k = torch.einsum("ad,btd->bta", U, keys)
    return torch.einsum("a,bta->bt", v, (q[:, None] + k).tanh())


@alternative("additive_score")
def one_matrix(query, keys, W, U, v):
    both = torch.cat([query.unsqueeze(1).expand(-1, keys.shape[1], -1), keys], dim=-1)
    return (torch.tanh(both @ torch.cat([W, U], dim=1).T) * v).sum(-1)


@alternative("additive_score")
def three_loops(query, keys, W, U, v):
    rows = [[v @ torch.tanh(W @ query[b] + U @ keys[b, t]) for t in range(keys.shape[1])] for b in range(len(query))]
    return torch.stack([torch.stack(row) for row in rows])


# decoder_step


@mistake(
    "decoder_step",
    "The query is the *new* state. Bahdanau attends before the step: the query is the state you were given.",
)
def attends_with_new_state(embedded, state, memory, src_mask, attend, cell):
    first = attend(state, memory, src_mask)
    new_state = cell(torch.cat([embedded, (first.unsqueeze(1) @ memory).squeeze(1)], dim=-1), state)
    weights = attend(new_state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return new_state, context, weights


@mistake("decoder_step", "The cell's input is in the wrong order: first the embedded word, then the context.")
def context_first(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([context, embedded], dim=-1), state), context, weights


@mistake("decoder_step", "The context is the mean of the memory: use the weights that `attend` gives.")
def mean_context(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = memory.mean(1)
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake(
    "decoder_step", "The context is the memory's last state: that is lesson 01. Average the memory with the weights."
)
def last_context(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = memory[:, -1]
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake("decoder_step", "You return the old state. The first result is what the cell gives.")
def returns_old_state(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    cell(torch.cat([embedded, context], dim=-1), state)
    return state, context, weights


@mistake("decoder_step", "`attend` gets no real mask, so padding is attended to. Hand `src_mask` through.")
def mask_not_passed(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, torch.ones_like(src_mask))
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake("decoder_step", "The results are in another order: new state, context, weights.")
def other_order(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([embedded, context], dim=-1), state), weights, context


@mistake(
    "decoder_step",
    "The cell starts from zeros: give it the state as its second argument, or the decoder forgets everything.",
)
def forgets_the_state(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([embedded, context], dim=-1), torch.zeros_like(state)), context, weights


@alternative("decoder_step")
def step_with_bmm(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = torch.bmm(weights[:, None], memory)[:, 0]
    return cell(torch.hstack([embedded, context]), state), context, weights


@alternative("decoder_step")
def step_with_sum(embedded, state, memory, src_mask, attend, cell):
    alpha = attend(query=state, memory=memory, src_mask=src_mask)
    context = (alpha.unsqueeze(-1) * memory).sum(1)
    inputs = torch.cat((embedded, context), 1)
    return [cell(inputs, state), context, alpha]


@alternative("decoder_step")
def step_on_copies(embedded, state, memory, src_mask, attend, cell):
    old = state.clone()
    alpha = attend(old, memory, src_mask)
    context = torch.einsum("bt,btd->bd", alpha, memory)
    joined = torch.empty(len(old), embedded.shape[1] + context.shape[1])
    joined[:, : embedded.shape[1]] = embedded
    joined[:, embedded.shape[1] :] = context
    return cell(joined, old), context, alpha


# links_from_weights


@mistake(
    "links_from_weights", "The pairs are turned around: (source index, target index), and the source is the *column*."
)
def pairs_turned(weights):
    return {(target, int(source)) for target, source in enumerate(weights.argmax(-1))}


@mistake(
    "links_from_weights",
    "argmax runs over the target words: each *row* is a target word, so look along the row, dim=-1.",
)
def argmax_over_targets(weights):
    return {(source, int(target)) for source, target in enumerate(weights.argmax(0))}


@mistake("links_from_weights", "Each target word is linked to the word with the *smallest* weight: use argmax.")
def least_weight(weights):
    return {(int(source), target) for target, source in enumerate(weights.argmin(-1))}


@mistake("links_from_weights", "Indices start at 0, also those of the target words.")
def counts_from_one(weights):
    return {(int(source), target) for target, source in enumerate(weights.argmax(-1), 1)}


@mistake(
    "links_from_weights",
    "You link every pair above a threshold. Each target word gets exactly one link: the largest of its row.",
)
def threshold(weights):
    limit = weights.mean()
    return {(int(s), int(t)) for t, s in torch.nonzero(weights > limit).tolist()}


@mistake("links_from_weights", "Only one link for the whole sentence: take the argmax of every row, argmax(dim=-1).")
def one_link(weights):
    place = int(weights.argmax())
    return {(place % weights.shape[1], place // weights.shape[1])}


@mistake("links_from_weights", "The last target word has no link. Gold has links for every word, so yours must, too.")
def last_word_forgotten(weights):
    return {(int(source), target) for target, source in enumerate(weights[:-1].argmax(-1))}


@alternative("links_from_weights")
def loop_over_rows(weights):
    links = set()
    for target in range(weights.shape[0]):
        best = 0
        for source in range(weights.shape[1]):
            if weights[target, source] > weights[target, best]:
                best = source
        links.add((best, target))
    return links


@alternative("links_from_weights")
def zip_and_tolist(weights):
    return set(zip(weights.argmax(-1).tolist(), range(len(weights)), strict=True))


@alternative("links_from_weights")
def max_indices_frozen(weights):
    return frozenset((int(s), int(t)) for t, s in enumerate(np.argmax(weights.numpy(), axis=1)))


# alignment_error_rate


@mistake("alignment_error_rate", "Forgotten: 1 − …. This is how much agrees, not the error.")
def agreement(links, sure, possible):
    return (len(links & sure) + len(links & (possible | sure))) / (len(links) + len(sure))


@mistake("alignment_error_rate", "P must include the sure links: take `possible | sure` before you count.")
def possible_without_sure(links, sure, possible):
    return 1 - (len(links & sure) + len(links & possible)) / (len(links) + len(sure))


@mistake("alignment_error_rate", "The denominator counts A and S, not A and P.")
def divided_by_possible(links, sure, possible):
    possible = possible | sure
    return 1 - (len(links & sure) + len(links & possible)) / (len(links) + len(possible))


@mistake("alignment_error_rate", "You count what is in either set (|). Agreement is what is in both: &.")
def unions(links, sure, possible):
    possible = possible | sure
    return 1 - (len(links | sure) + len(links | possible)) / (len(links) + len(sure))


@mistake("alignment_error_rate", "The possible links are left out: add |A∩P| in the numerator.")
def only_sure(links, sure, possible):
    return 1 - 2 * len(links & sure) / (len(links) + len(sure))


@mistake(
    "alignment_error_rate",
    "The sure links are left out of the numerator: it is |A∩S| + |A∩P|, so that a sure link counts twice.",
)
def only_possible(links, sure, possible):
    return 1 - 2 * len(links & (possible | sure)) / (len(links) + len(sure))


@mistake(
    "alignment_error_rate",
    "Only A stands in the denominator: that is precision, and missing a sure link would cost nothing.",
)
def precision_only(links, sure, possible):
    return 1 - len(links & (possible | sure)) / len(links)


@mistake(
    "alignment_error_rate", "|A∩S| should be counted with `len(links & sure)`; `sure - links` is what was *missed*."
)
def missed_links(links, sure, possible):
    return 1 - (len(sure - links) + len(links & (possible | sure))) / (len(links) + len(sure))


@alternative("alignment_error_rate")
def counted_by_hand(links, sure, possible):
    right = sum(link in sure for link in links) + sum(link in sure or link in possible for link in links)
    return 1.0 - right / (len(links) + len(sure))


@alternative("alignment_error_rate")
def set_methods(links, sure, possible):
    everything = set(possible).union(sure)
    agreed = len(set(links).intersection(sure)) + len(set(links).intersection(everything))
    total = len(links) + len(sure)
    return (total - agreed) / total


@alternative("alignment_error_rate")
def as_a_tensor(links, sure, possible):
    a, s, p = (sorted(x) for x in (links, sure, possible | sure))
    return 1 - torch.tensor(sum(x in s for x in a) + sum(x in p for x in a)) / (len(a) + len(s))


# Seen in learners' work


@mistake(
    "decoder_step", "`attend(...).detach()` cuts the gradient: the values are right, but attention would never learn."
)
def attention_detached(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask).detach()
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake(
    "decoder_step",
    "The context is made anew by numpy or `torch.tensor`, and its gradient is cut: use `@` or torch.einsum.",
)
def context_by_numpy(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = torch.tensor(np.einsum("bt,btd->bd", weights.detach().numpy(), memory.detach().numpy()))
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake("decoder_step", "The cell's arguments are swapped: first its input, word and context, then the old state.")
def cells_arguments_swapped(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(state, torch.cat([embedded, context], dim=-1)), context, weights


@mistake("decoder_step", "The arguments of `attend` are swapped: first the query, the state; then the memory.")
def attends_the_wrong_way(embedded, state, memory, src_mask, attend, cell):
    weights = attend(memory, state, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake("decoder_step", "The word can't be the query: it is the *state* before the step that asks.")
def the_word_asks(embedded, state, memory, src_mask, attend, cell):
    weights = attend(embedded, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake("decoder_step", "`torch.cat` without `dim` stacks rows. Word and context stand side by side: `dim=-1`.")
def joined_as_rows(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([embedded, context]), state), context, weights


@mistake(
    "links_from_weights",
    "Your set holds tensors. Two tensors are never the same member of a set, so no link would ever be found "
    "in the gold "
    "ones: write `int(...)` around each.",
)
def pairs_of_tensors(weights):
    return {(s, t) for t, s in enumerate(weights.argmax(dim=-1))}


@mistake("links_from_weights", "You return a list. A set is asked for: only then do `&` and `|` work.")
def as_a_list(weights):
    return [(int(s), t) for t, s in enumerate(weights.argmax(dim=-1))]


@mistake("alignment_error_rate", "`possible |= sure` changes the caller's own set. `possible | sure` makes a new one.")
def callers_set_changed(links, sure, possible):
    possible |= sure
    return 1 - (len(links & sure) + len(links & possible)) / (len(links) + len(sure))


@mistake("alignment_error_rate", "`//` drops what is behind the point: divide with `/`.")
def whole_numbers_only(links, sure, possible):
    possible = possible | sure
    return 1 - (len(links & sure) + len(links & possible)) // (len(links) + len(sure))


@mistake("alignment_error_rate", "This is in percent; a share from 0 to 1 is asked for.")
def in_percent(links, sure, possible):
    possible = possible | sure
    return 100 * (1 - (len(links & sure) + len(links & possible)) / (len(links) + len(sure)))


@mistake("alignment_error_rate", "A pair of brackets is missing: `|A| + |S|` as a whole divides.")
def bracket_missing(links, sure, possible):
    possible = possible | sure
    return 1 - (len(links & sure) + len(links & possible)) / len(links) + len(sure)


@mistake("alignment_error_rate", "P includes S: join them with `|`. `possible & sure` is what both have.")
def what_both_have(links, sure, possible):
    possible = possible & sure
    return 1 - (len(links & sure) + len(links & possible)) / (len(links) + len(sure))


@mistake("additive_score", "relu is not tanh: it lets large sums through unbounded. Bahdanau's score squashes them.")
def with_relu(query, keys, W, U, v):
    return torch.relu((query @ W.T).unsqueeze(1) + keys @ U.T) @ v


@mistake("additive_score", "sigmoid is not tanh: it has no negative values. Use torch.tanh.")
def with_sigmoid(query, keys, W, U, v):
    return torch.sigmoid((query @ W.T).unsqueeze(1) + keys @ U.T) @ v


@mistake(
    "additive_score", "You divide by the root of the width. That is the Transformer's dot product, not this score."
)
def scaled_by_root(query, keys, W, U, v):
    return torch.tanh((query @ W.T).unsqueeze(1) + keys @ U.T) @ v / len(v) ** 0.5


# What was an exercise of its own: the context


def _step_with(context_of, embedded, state, memory, src_mask, attend, cell):
    """A right step, but for the context, (weights, memory) -> context."""
    weights = attend(state, memory, src_mask)
    context = context_of(weights, memory)
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake(
    "decoder_step",
    "The context is the one state with the largest weight: that is hard attention, and cannot be trained this way.",
)
def hard_attention(*given):
    return _step_with(lambda weights, memory: memory[torch.arange(len(memory)), weights.argmax(1)], *given)


@mistake("decoder_step", "The weighted states are averaged once more: use sum, since the weights sum to 1 already.")
def mean_of_weighted(*given):
    return _step_with(lambda weights, memory: (weights.unsqueeze(-1) * memory).mean(1), *given)


@mistake(
    "decoder_step",
    "squeeze() without an axis removes every axis of length 1, also the batch's. Name the axis: squeeze(1).",
)
def squeezed_all(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze()
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake("decoder_step", "The context has an axis too many, (B, 1, d): remove the axis of length 1 with squeeze(1).")
def axis_left(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = weights.unsqueeze(1) @ memory
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake("decoder_step", "The context's axis of length 1 is removed for the cell only: return it as (B, d), too.")
def axis_left_in_the_result(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = weights.unsqueeze(1) @ memory
    return cell(torch.cat([embedded, context.squeeze(1)], dim=-1), state), context, weights


@mistake(
    "decoder_step", "Word and context are added. They stand side by side: `torch.cat([embedded, context], dim=-1)`."
)
def word_and_context_added(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(embedded + context, state), context, weights


@mistake("decoder_step", "A softmax is taken of the weights once more. `attend` gives weights: use them as they are.")
def softmax_of_the_weights(embedded, state, memory, src_mask, attend, cell):
    weights = torch.softmax(attend(state, memory, src_mask), dim=-1)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


@mistake(
    "decoder_step", "The results are in another order: the new state comes first, then the context, then the weights."
)
def weights_first(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return weights, context, cell(torch.cat([embedded, context], dim=-1), state)


@mistake(
    "decoder_step",
    "The cell gets the context alone: the last word is missing. `torch.cat([embedded, context], dim=-1)`.",
)
def word_forgotten(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(context, state), context, weights


@mistake("decoder_step", "The cell gets the last word alone: without the context the attention is for nothing.")
def context_forgotten(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    return cell(embedded, state), context, weights


@alternative("decoder_step")
def context_word_by_word(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = sum(weights[:, j, None] * memory[:, j] for j in range(memory.shape[1]))
    return cell(torch.cat([embedded, context], dim=-1), state), context, weights


# equal_weights


@mistake(
    "equal_weights",
    "Padding gets weight, too. Count the words, `src_mask.sum(1, keepdim=True)`, not the places; a 0 is no mask.",
)
def over_all_places(scores, src_mask):
    return torch.full_like(scores, 1 / scores.shape[1])


@mistake(
    "equal_weights",
    "You divide by the number of places, padding included: the weights of a padded sentence don't sum to 1.",
)
def divided_by_places(scores, src_mask):
    return src_mask.to(scores.dtype) / src_mask.shape[1]


@mistake(
    "equal_weights", "Each word gets 1. The weights of a sentence must sum to 1: divide by the number of its words."
)
def ones(scores, src_mask):
    return src_mask.to(scores.dtype)


@mistake("equal_weights", "The mask is inverted: the padding gets the weight. True is a word.")
def equal_among_padding(scores, src_mask):
    return (~src_mask).to(scores.dtype) / (~src_mask).sum(1, keepdim=True).clamp(min=1)


@mistake(
    "equal_weights", "The words of the whole batch share the weight. Each sentence has its own: `sum(1, keepdim=True)`."
)
def shared_by_the_batch(scores, src_mask):
    return src_mask.to(scores.dtype) / src_mask.sum()


@mistake("equal_weights", "You count along the batch: axis 0 holds the sentences, axis 1 their words.")
def counted_along_the_batch(scores, src_mask):
    return src_mask.to(scores.dtype) / src_mask.sum(0, keepdim=True).clamp(min=1)


@mistake(
    "equal_weights",
    "The count of words has lost its axis, and meets the wrong one: with `keepdim=True` it is (B, 1), one a sentence.",
)
def count_without_axis(scores, src_mask):
    return src_mask.to(scores.dtype) / src_mask.sum(1)


@mistake("equal_weights", "These are the scores' own weights, as before: the choosing isn't switched off.")
def still_chooses(scores, src_mask):
    lowest = torch.finfo(scores.dtype).min
    return torch.softmax(scores.masked_fill(~src_mask, lowest), dim=-1).masked_fill(~src_mask, 0.0)


@mistake("equal_weights", "The scores still count: the mean score of a sentence is no weight. Use the mask alone.")
def mean_score(scores, src_mask):
    count = src_mask.sum(1, keepdim=True)
    return ((scores * src_mask).sum(1, keepdim=True) / count) * src_mask


@mistake(
    "equal_weights",
    "Right among the words, but padding holds the same weight: multiply by the mask, or fill with 0 afterwards.",
)
def padding_not_emptied(scores, src_mask):
    return (1 / src_mask.sum(1, keepdim=True)).expand(scores.shape)


@mistake(
    "equal_weights", "One word gets it all, the first: that is a choice, too. All words of a sentence share alike."
)
def the_first_takes_all(scores, src_mask):
    weights = torch.zeros_like(scores)
    weights[:, 0] = 1.0
    return weights


equivalent(
    "equal_weights",
    "ignore scores in equal_weights",
    "the scores are to be ignored; only their kind of number is used",
)


@alternative("equal_weights")
def softmax_of_zeros(scores, src_mask):
    return torch.softmax(torch.zeros_like(scores).masked_fill(~src_mask, -torch.inf), dim=-1)


@alternative("equal_weights")
def sentence_after_sentence(scores, src_mask):
    weights = torch.zeros_like(scores)
    for b, there in enumerate(src_mask):
        weights[b, there] = 1 / there.sum()
    return weights


@alternative("equal_weights")
def normalised_mask(scores, src_mask):
    return torch.nn.functional.normalize(src_mask.float(), p=1, dim=1)


@alternative("equal_weights")
def mask_over_its_sum(scores, src_mask):
    return src_mask / src_mask.sum(1, keepdim=True)


# Seen in learners' work, once more


@mistake(
    "links_from_weights", "This is one place counted over the whole table. Each row has its own: `argmax(dim=-1)`."
)
def place_in_the_whole_table(weights):
    return {(int(weights.argmax()), t) for t in range(len(weights))}


@mistake(
    "links_from_weights",
    "No source word is linked twice in yours. It may be: *not* makes both *ne* and *pas*. Take each row by itself.",
)
def each_word_once(weights):
    links, used = set(), set()
    for t, row in enumerate(weights):
        free = [s for s in row.argsort(descending=True).tolist() if s not in used]
        if free:
            used.add(free[0])
            links.add((free[0], t))
    return links


@mistake(
    "links_from_weights",
    "Only weights above one half make a link here. The largest may be smaller: each target word has its one link.",
)
def above_one_half(weights):
    return {(s, t) for t, row in enumerate(weights) for s, w in enumerate(row) if w > 0.5}


@mistake(
    "alignment_error_rate",
    "Brackets are missing: divide the *sum* of the two counts, and take that from 1: `1 - (... + ...) / (... + ...)`.",
)
def sum_not_in_brackets(links, sure, possible):
    possible = possible | sure
    return 1 - len(links & sure) + len(links & possible) / (len(links) + len(sure))


@mistake(
    "alignment_error_rate",
    "The denominator is |A| + |S|, each counted by itself; yours counts unions, what either has.",
)
def divided_by_unions(links, sure, possible):
    possible = possible | sure
    return 1 - (len(links & sure) + len(links & possible)) / (len(links | sure) + len(links | possible))


@mistake("alignment_error_rate", "|A ∪ S| counts what A and S share only once. The denominator is |A| + |S|.")
def divided_by_one_union(links, sure, possible):
    possible = possible | sure
    return 1 - (len(links & sure) + len(links & possible)) / len(links | sure)


@mistake("equal_weights", "The mask goes into the softmax as numbers, 0 and 1. e⁰ is 1: padding still gets weight.")
def softmax_of_the_mask(scores, src_mask):
    return torch.softmax(src_mask.to(scores.dtype), dim=1)


@mistake(
    "equal_weights", "The scores still count: each is divided by the number of words. A word's weight is 1 over it."
)
def scores_shared_out(scores, src_mask):
    return scores * src_mask / src_mask.sum(1, keepdim=True)


@mistake("equal_weights", "Every sentence is taken for as long as the first. Count for each: `sum(1, keepdim=True)`.")
def as_long_as_the_first(scores, src_mask):
    return src_mask.to(scores.dtype) / src_mask[0].sum()


@mistake("equal_weights", "`//` cuts off what comes after the point: 1 // 4 is 0. Divide with `/`.")
def whole_parts(scores, src_mask):
    return (src_mask.long() // src_mask.sum(1, keepdim=True)).to(scores.dtype)


@mistake("additive_score", "W q and U k are subtracted. The additive score adds them inside the tanh.")
def subtracted(query, keys, W, U, v):
    return torch.tanh((query @ W.T).unsqueeze(1) - keys @ U.T) @ v


@mistake(
    "decoder_step",
    "You ask once more with the new state, and return *those* weights. The weights are those that made the context.",
)
def weights_of_the_new_state(embedded, state, memory, src_mask, attend, cell):
    context = (attend(state, memory, src_mask).unsqueeze(1) @ memory).squeeze(1)
    new_state = cell(torch.cat([embedded, context], dim=-1), state)
    return new_state, context, attend(new_state, memory, src_mask)


@mistake("links_from_weights", "Every pair is linked. A target word has one link, to the word with the largest weight.")
def every_pair(weights):
    return {(s, t) for t in range(weights.shape[0]) for s in range(weights.shape[1])}


@mistake(
    "alignment_error_rate", "A link that is sure counts once in yours. It counts twice: in |A∩S|, and again in |A∩P|."
)
def sure_links_once(links, sure, possible):
    return 1 - len(links & (possible | sure)) / (len(links) + len(sure))


# Written by people who had not seen this file


@mistake(
    "additive_score",
    "The first sentence's query scores all of them. W q is (B, a): each sentence has a row of its own.",
)
def one_query_for_all(query, keys, W, U, v):
    return torch.tanh((query[:1] @ W.T).unsqueeze(1) + keys @ U.T) @ v


@mistake("additive_score", "The products with v are averaged over the a features. vᵀ tanh(…) is their sum.")
def mean_over_the_width(query, keys, W, U, v):
    return (torch.tanh((query @ W.T).unsqueeze(1) + keys @ U.T) * v).mean(-1)


@mistake("additive_score", "Only U k goes through tanh, and W q is added outside: the query then ranks no key.")
def query_outside_tanh(query, keys, W, U, v):
    return ((query @ W.T).unsqueeze(1) + torch.tanh(keys @ U.T)) @ v


@mistake("additive_score", "Only W q goes through tanh, and U k is added outside. tanh belongs around their sum.")
def keys_outside_tanh(query, keys, W, U, v):
    return (torch.tanh(query @ W.T).unsqueeze(1) + keys @ U.T) @ v


@mistake("additive_score", "The signs of v are lost. A feature may speak against a word, too: use v as it is.")
def v_without_signs(query, keys, W, U, v):
    return torch.tanh((query @ W.T).unsqueeze(1) + keys @ U.T) @ v.abs()


@mistake("additive_score", "W stands the wrong way round: W is (a, n) and a query is a row of n. Transpose it.")
def w_not_turned(query, keys, W, U, v):
    return torch.tanh((query @ W).unsqueeze(1) + keys @ U.T) @ v


@mistake(
    "additive_score",
    "W q meets the keys before U does: `*` and `@` go from left to right. And the two are to be added, not multiplied.",
)
def multiplied_from_the_left(query, keys, W, U, v):
    return torch.tanh((query @ W.T).unsqueeze(1) * keys @ U.T) @ v


def _step_of(embedded, state, memory, src_mask, attend, cell, inputs=None, after=None, mask=None):
    """A right step, but for the cell's `inputs`, what is done to the results `after`, or the `mask`."""
    weights = attend(state, memory, mask(src_mask) if mask else src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    read = inputs(embedded, context) if inputs else (embedded, context)
    new_state = cell(torch.cat(read, dim=-1), state)
    return after(new_state, context, weights) if after else (new_state, context, weights)


@mistake(
    "decoder_step", "Zeros stand in the place of the context, so the cell never reads what attention found. Hand it in."
)
def cell_without_context(*given):
    return _step_of(*given, inputs=lambda embedded, context: (embedded, torch.zeros_like(context)))


@mistake(
    "decoder_step", "The mask is turned round, so that only padding is looked at. True is a word: hand it on as it is."
)
def mask_turned_round(*given):
    return _step_of(*given, mask=torch.logical_not)


@mistake(
    "decoder_step", "The mask has become numbers. Hand `src_mask` to `attend` as it came: True or False for each word."
)
def mask_of_numbers(*given):
    return _step_of(*given, mask=Tensor.float)


@mistake("decoder_step", "Context and new state have changed places: the new state is the first result.")
def context_before_the_state(*given):
    return _step_of(*given, after=lambda new_state, context, weights: (context, new_state, weights))


@mistake("decoder_step", "The old state is added to the new one. The new state is what the cell gives, and that alone.")
def old_state_added(embedded, state, *given):
    new_state, context, weights = _step_of(embedded, state, *given)
    return state + new_state, context, weights


@mistake(
    "decoder_step",
    "The weights that you return are detached, and no gradient flows back through them. Leave that out.",
)
def weights_returned_detached(*given):
    return _step_of(*given, after=lambda new_state, context, weights: (new_state, context, weights.detach()))


@mistake(
    "decoder_step",
    "The cell's state is the context. The cell remembers by its own old state; the context is part of its *input*.",
)
def context_as_the_state(embedded, state, memory, src_mask, attend, cell):
    weights = attend(state, memory, src_mask)
    context = (weights.unsqueeze(1) @ memory).squeeze(1)
    n = state.shape[-1]
    remembered = context[..., :n] if context.shape[-1] >= n else state
    return cell(torch.cat([embedded, context], dim=-1), remembered), context, weights


@mistake("links_from_weights", "The first target word has no link: take every row, also row 0.")
def first_word_forgotten(weights):
    return {(int(source), target) for target, source in enumerate(weights[1:].argmax(-1), 1)}


@mistake("links_from_weights", "All your indices are one too high: both the source's and the target's start at 0.")
def both_count_from_one(weights):
    return {(int(source) + 1, target) for target, source in enumerate(weights.argmax(-1), 1)}


@mistake(
    "links_from_weights",
    "Each source word keeps one link, the last it was given: a dictionary by source word forgets the others. "
    "Two target words may have the same source.",
)
def last_link_of_a_source(weights):
    return set({int(source): (int(source), target) for target, source in enumerate(weights.argmax(-1))}.values())


@mistake(
    "links_from_weights",
    "Source words choose as well, each the target with its largest weight. Only *target* words have a link of theirs.",
)
def from_both_sides(weights):
    rows = {(int(source), target) for target, source in enumerate(weights.argmax(-1))}
    return rows | {(source, int(target)) for source, target in enumerate(weights.argmax(0))}


@mistake(
    "links_from_weights",
    "Each link is a set of two numbers, and a set knows no order: which is the source? Make it a pair, (..., ...).",
)
def links_without_order(weights):
    return {frozenset((int(source), target)) for target, source in enumerate(weights.argmax(-1))}


@mistake("alignment_error_rate", "|A ∪ S| stands where |A∩S| belongs: count the sure links that were found, no others.")
def union_with_the_sure(links, sure, possible):
    return 1 - (len(links | sure) + len(links & (possible | sure))) / (len(links) + len(sure))


@mistake(
    "alignment_error_rate",
    "This is 1 minus the recall: only S is counted, so links that are wrong cost nothing. A belongs in, too.",
)
def recall_only(links, sure, possible):
    return 1 - len(links & sure) / len(sure)


@mistake(
    "alignment_error_rate",
    "Precision and recall are averaged. The rate is one fraction: the counts are added above the line, and below it.",
)
def mean_of_precision_and_recall(links, sure, possible):
    return 1 - (len(links & (possible | sure)) / len(links) + len(links & sure) / len(sure)) / 2


@mistake(
    "alignment_error_rate",
    "You divide what A and P share by their union, so every possible link that is missed counts as an error.",
)
def shared_over_the_union(links, sure, possible):
    possible = possible | sure
    return 1 - len(links & possible) / len(links | possible)


@mistake("equal_weights", "You divide by one more than the number of words, and the weights sum to less than 1.")
def by_one_word_more(scores, src_mask):
    return src_mask / (src_mask.sum(1, keepdim=True) + 1)


@mistake("equal_weights", "You divide by one less than the number of words, and the weights sum to more than 1.")
def by_one_word_less(scores, src_mask):
    return src_mask / (src_mask.sum(1, keepdim=True) - 1).clamp(min=1)


@mistake("equal_weights", "You divide by the root of the number of words: then it is the *squares* that sum to 1.")
def by_the_root(scores, src_mask):
    return src_mask / src_mask.sum(1, keepdim=True) ** 0.5


@mistake("equal_weights", "Words with a score below 0 get nothing. No score counts: the mask alone says who shares.")
def above_zero_only(scores, src_mask):
    return (src_mask & (scores > 0)) / src_mask.sum(1, keepdim=True)


@mistake(
    "equal_weights",
    "The shares are multiplied by the mean of all scores, and don't sum to 1 any more. Leave the scores out.",
)
def times_the_mean_score(scores, src_mask):
    return scores.mean() * src_mask / src_mask.sum(1, keepdim=True)


@mistake(
    "equal_weights",
    "The padding shares the weight, and a sentence without any divides by 0. True is a word: don't invert the mask.",
)
def among_padding_divided_by_zero(scores, src_mask):
    return ~src_mask / (~src_mask).sum(1, keepdim=True)
