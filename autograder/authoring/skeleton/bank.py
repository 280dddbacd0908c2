"""Known answers to lesson NN: wrong ones with the sentence that helps, and right ones written otherwise."""

import torch

from autograder.authoring.bank import alternative, mistake

# dot_scores


@mistake("dot_scores", "You divide by the square root of d. This exercise asks for the plain product.")
def scaled(query, keys):
    return (keys @ query.unsqueeze(-1)).squeeze(-1) / keys.shape[-1] ** 0.5


@mistake("dot_scores", "The sign is wrong: keys like the query should score high.")
def negative(query, keys):
    return -(keys @ query.unsqueeze(-1)).squeeze(-1)


@mistake("dot_scores", "The query has no part in your scores: multiply it into the keys.")
def query_ignored(query, keys):
    return keys.sum(-1)


@mistake("dot_scores", "These are cosines: leave out the division by the lengths.")
def cosine(query, keys):
    return torch.cosine_similarity(query.unsqueeze(1), keys, dim=-1)


@mistake("dot_scores", "The products are not added up over the features: sum over the last axis.")
def products(query, keys):
    return query.unsqueeze(1) * keys


@alternative("dot_scores")
def scores_by_einsum(query, keys):
    return torch.einsum("bd,btd->bt", query, keys)


@alternative("dot_scores")
def scores_by_sum(query, keys):
    return (query.unsqueeze(1) * keys).sum(-1)


@alternative("dot_scores")
def scores_by_loop(query, keys):
    return torch.stack([(query * keys[:, t]).sum(-1) for t in range(keys.shape[1])], dim=1)


# attention_weights


@mistake("attention_weights", "Your weights sum to 1 over the batch: softmax goes over the words, dim=-1.")
def over_the_batch(scores, mask):
    return torch.softmax(scores.masked_fill(~mask, -torch.inf), dim=0)


@mistake("attention_weights", "The mask has no part in your weights: padded words get some.")
def mask_ignored(scores, mask):
    return torch.softmax(scores, dim=-1)


@mistake("attention_weights", "You mask after the softmax, so the weights no longer sum to 1: mask the scores.")
def masked_afterwards(scores, mask):
    return torch.softmax(scores, dim=-1) * mask


@mistake("attention_weights", "The mask is turned round: True means that a word may be attended to.")
def mask_turned_round(scores, mask):
    return torch.softmax(scores.masked_fill(mask, -torch.inf), dim=-1)


@mistake("attention_weights", "All words get the same weight: the scores have no part in it.")
def equal(scores, mask):
    return mask / mask.sum(-1, keepdim=True) + 0 * scores


@alternative("attention_weights")
def weights_by_exp(scores, mask):
    raised = scores.exp() * mask
    return raised / raised.sum(-1, keepdim=True)


@alternative("attention_weights")
def weights_by_where(scores, mask):
    return torch.where(mask, scores, torch.tensor(-torch.inf)).softmax(-1)


@alternative("attention_weights")
def weights_by_logsumexp(scores, mask):
    allowed = scores + mask.log()
    return (allowed - allowed.logsumexp(-1, keepdim=True)).exp()


# context_vector


@mistake("context_vector", "The weights have no part in your vector: it is the plain mean of the values.")
def plain_mean(weights, values):
    return values.mean(1) + 0 * weights.sum()


@mistake("context_vector", "The weights have no part in your vector: it is the sum of the values.")
def plain_sum(weights, values):
    return values.sum(1) + 0 * weights.sum()


@mistake("context_vector", "The weighted values are not added up over the words: sum over dim=1.")
def not_added(weights, values):
    return weights.unsqueeze(-1) * values


@mistake("context_vector", "You take the value with the largest weight. The average has some of each.")
def largest(weights, values):
    return values[torch.arange(len(values)), weights.argmax(-1)]


@mistake("context_vector", "You divide by the number of words, but the weights sum to 1 already: take the sum.")
def divided(weights, values):
    return (weights.unsqueeze(-1) * values).mean(1)


@alternative("context_vector")
def context_by_einsum(weights, values):
    return torch.einsum("bt,btd->bd", weights, values)


@alternative("context_vector")
def context_by_sum(weights, values):
    return (weights.unsqueeze(-1) * values).sum(1)


@alternative("context_vector")
def context_by_loop(weights, values):
    return sum(weights[:, t, None] * values[:, t] for t in range(values.shape[1]))


# share_on_gold


@mistake("share_on_gold", "You count how often the largest weight is on gold. This asks how much weight lies there.")
def hits(weights, gold):
    return (weights.argmax(-1) == gold).to(weights.dtype).mean()


@mistake("share_on_gold", "You add the shares of the batch up: take their mean.")
def sum_of_shares(weights, gold):
    return weights.gather(1, gold.unsqueeze(1)).sum()


@mistake("share_on_gold", "This is the mean of the largest weights, wherever they are: look at the gold word's.")
def largest_weight(weights, gold):
    return weights.max(-1).values.mean()


@mistake("share_on_gold", "You take the weights of all rows at these places: one number a row, gather along dim=1.")
def every_row(weights, gold):
    return weights[:, gold].mean()


@mistake("share_on_gold", "You return a number for each row: take the mean over the batch.")
def each_row(weights, gold):
    return weights.gather(1, gold.unsqueeze(1)).squeeze(1)


@alternative("share_on_gold")
def share_by_index(weights, gold):
    return weights[torch.arange(len(gold)), gold].mean()


@alternative("share_on_gold")
def share_by_one_hot(weights, gold):
    return (weights * torch.nn.functional.one_hot(gold, weights.shape[1])).sum(-1).mean()


@alternative("share_on_gold")
def share_by_loop(weights, gold):
    return sum(row[place] for row, place in zip(weights, gold, strict=True)) / len(gold)
