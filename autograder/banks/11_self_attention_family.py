"""Known answers to lesson 11: wrong ones with the sentence that helps, and right ones written otherwise."""

import itertools

import torch

from autograder.authoring.bank import alternative, equivalent, mistake
from lessonkit.models.attention import masked_softmax

# structured_attention


def _rows(h, mask, W1, W2):
    return masked_softmax((torch.tanh(h @ W1.T) @ W2.T).mT, mask.unsqueeze(1))


@mistake("structured_attention", "The softmax runs over the rows r: each row must sum to 1 over its *words*.")
def softmax_over_rows(h, mask, W1, W2):
    A = torch.softmax((torch.tanh(h @ W1.T) @ W2.T).mT, dim=1).masked_fill(~mask.unsqueeze(1), 0.0)
    return A @ h, A


@mistake("structured_attention", "The tanh is missing: W2 tanh(W1 Hᵀ).")
def rows_without_tanh(h, mask, W1, W2):
    A = masked_softmax((h @ W1.T @ W2.T).mT, mask.unsqueeze(1))
    return A @ h, A


@mistake(
    "structured_attention", "The tanh is taken of the scores. It belongs between the two matrices: W2 tanh(W1 Hᵀ)."
)
def tanh_of_scores(h, mask, W1, W2):
    A = masked_softmax(torch.tanh(h @ W1.T @ W2.T).mT, mask.unsqueeze(1))
    return A @ h, A


@mistake("structured_attention", "Padding gets weight: hand the mask to `masked_softmax`, with an axis for the rows.")
def rows_without_mask(h, mask, W1, W2):
    A = torch.softmax((torch.tanh(h @ W1.T) @ W2.T).mT, -1)
    return A @ h, A


@mistake(
    "structured_attention",
    "The mask comes after the softmax: padding has taken its share already, and the rows sum to less than 1.",
)
def rows_masked_late(h, mask, W1, W2):
    A = torch.softmax((torch.tanh(h @ W1.T) @ W2.T).mT, -1) * mask.unsqueeze(1)
    return A @ h, A


@mistake(
    "structured_attention", "A comes back with words as rows, (B, T, r). It should be (B, r, T): a row for each focus."
)
def words_as_rows(h, mask, W1, W2):
    A = _rows(h, mask, W1, W2)
    return A @ h, A.mT


@mistake("structured_attention", "M is the average of tanh(W1 h). The weights come from there, what is averaged is h.")
def hidden_averaged(h, mask, W1, W2):
    A = _rows(h, mask, W1, W2)
    return A @ torch.tanh(h @ W1.T), A


@mistake("structured_attention", "The two come in the wrong order: M first, then A.")
def weights_before_vectors(h, mask, W1, W2):
    A = _rows(h, mask, W1, W2)
    return A, A @ h


@mistake("structured_attention", "These are the scores: return A after the softmax.")
def scores_not_weights(h, mask, W1, W2):
    scores = (torch.tanh(h @ W1.T) @ W2.T).mT
    return _rows(h, mask, W1, W2) @ h, scores


@mistake("structured_attention", "M is laid out as one long vector, (B, r · n). Return it as r vectors: (B, r, n).")
def vectors_joined(h, mask, W1, W2):
    A = _rows(h, mask, W1, W2)
    return (A @ h).flatten(1), A


@mistake("structured_attention", "That is relu. The paper has tanh between the two matrices.")
def relu_for_tanh(h, mask, W1, W2):
    A = masked_softmax((torch.relu(h @ W1.T) @ W2.T).mT, mask.unsqueeze(1))
    return A @ h, A


@mistake("structured_attention", "The scores are divided by √k. Here nothing is: that belongs to the dot product.")
def scaled_scores(h, mask, W1, W2):
    A = masked_softmax((torch.tanh(h @ W1.T) @ W2.T).mT / W1.shape[0] ** 0.5, mask.unsqueeze(1))
    return A @ h, A


@mistake("structured_attention", "The weights don't sum to 1: that is a sigmoid. Take the softmax over the words.")
def sigmoid_weights(h, mask, W1, W2):
    A = torch.sigmoid((torch.tanh(h @ W1.T) @ W2.T).mT) * mask.unsqueeze(1)
    return A @ h, A


@mistake("structured_attention", "The weighted words are averaged. Sum them: the weights sum to 1 already.")
def mean_of_weighted(h, mask, W1, W2):
    A = _rows(h, mask, W1, W2)
    return (A.unsqueeze(-1) * h.unsqueeze(1)).mean(2), A


@mistake("structured_attention", "All rows are alike: the scores of the r rows were averaged. Each row has its own.")
def one_row_for_all(h, mask, W1, W2):
    scores = (torch.tanh(h @ W1.T) @ W2.T).mT.mean(1, keepdim=True)
    A = masked_softmax(scores, mask.unsqueeze(1)).expand(-1, W2.shape[0], -1)
    return A @ h, A


@mistake("structured_attention", "The mask is upside down: True stands at words, and only they may get weight.")
def rows_masked_upside_down(h, mask, W1, W2):
    A = masked_softmax((torch.tanh(h @ W1.T) @ W2.T).mT, ~mask.unsqueeze(1))
    return A @ h, A


@mistake(
    "structured_attention",
    "The softmax runs over the rows r, with −1e9 (or −∞) at padding, which all of a column's rows share. Each row must "
    "sum to 1 over its *words*: the last axis of (B, r, T).",
)
def filled_softmax_over_rows(h, mask, W1, W2):
    scores = (torch.tanh(h @ W1.T) @ W2.T).mT
    A = torch.softmax(scores.masked_fill(~mask.unsqueeze(1), -1e9), 1)
    return A @ h, A


@mistake(
    "structured_attention",
    "All rows of A are made by the first row of W2. Each has its own.",
)
def one_row_for_all_here(h, mask, W1, W2):
    scores = (torch.tanh(h @ W1.T) @ W2[:1].expand_as(W2).T).mT
    A = masked_softmax(scores, mask.unsqueeze(1))
    return A @ h, A


@mistake(
    "structured_attention",
    "The states are weighed by the scores themselves. Weigh them by A, after the softmax.",
)
def scores_averaged(h, mask, W1, W2):
    scores = (torch.tanh(h @ W1.T) @ W2.T).mT
    A = masked_softmax(scores, mask.unsqueeze(1))
    return scores @ h, A


@mistake(
    "structured_attention",
    "The hidden layer goes through a sigmoid. It is tanh.",
)
def sigmoid_for_tanh(h, mask, W1, W2):
    scores = (torch.sigmoid(h @ W1.T) @ W2.T).mT
    A = masked_softmax(scores, mask.unsqueeze(1))
    return A @ h, A


@alternative("structured_attention")
def rows_einsum(h, mask, W1, W2):
    scores = torch.einsum("rk,btk->brt", W2, torch.tanh(torch.einsum("kn,btn->btk", W1, h)))
    A = masked_softmax(scores, mask[:, None])
    return torch.einsum("brt,btn->brn", A, h), A


@alternative("structured_attention")
def as_in_the_paper(h, mask, W1, W2):
    scores = W2 @ torch.tanh(W1 @ h.mT)
    A = torch.softmax(scores.masked_fill(~mask.unsqueeze(1), float("-inf")), dim=2)
    return torch.bmm(A, h), A


@alternative("structured_attention")
def sentence_by_sentence(h, mask, W1, W2):
    made = []
    for states, there in zip(h, mask, strict=True):
        rows = [masked_softmax(torch.tanh(states @ W1.T) @ w, there) for w in W2]
        made.append(torch.stack(rows))
    A = torch.stack(made)
    return A @ h, A


# foci_overlap


def _minimum(A):
    return torch.minimum(A.unsqueeze(2), A.unsqueeze(1)).sum(-1)  # (B, r, r)


@mistake("foci_overlap", "Each row is also paired with itself, which overlaps fully. Only pairs i < j.")
def with_itself(A):
    return _minimum(A).mean((1, 2))


@mistake("foci_overlap", "That is the *sum* over the pairs: with more rows it grows. Take the mean over the pairs.")
def sum_of_pairs(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return torch.minimum(A[:, i], A[:, j]).sum((-2, -1))


@mistake("foci_overlap", "That is the dot product of rows. The overlap sums the *smaller* of the two weights.")
def dot_product(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return (A[:, i] * A[:, j]).sum(-1).mean(-1)


@mistake("foci_overlap", "You take the larger of the two weights. What two rows share is the smaller one.")
def maximum(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return torch.maximum(A[:, i], A[:, j]).sum(-1).mean(-1)


@mistake("foci_overlap", "That is one number for the batch. Return one for each sentence: (B,).")
def mean_of_batch(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return torch.minimum(A[:, i], A[:, j]).sum(-1).mean()


@mistake("foci_overlap", "You take the mean over the words, too. Over the words it is a sum, over the pairs a mean.")
def mean_over_words(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return torch.minimum(A[:, i], A[:, j]).mean(-1).mean(-1)


@mistake("foci_overlap", "Only neighbouring rows meet. *All* pairs i < j must.")
def neighbours_only(A):
    return torch.minimum(A[:, 1:], A[:, :-1]).sum(-1).mean(-1)


@mistake("foci_overlap", "What all rows share at once is less than what pairs share: take the rows two at a time.")
def all_at_once(A):
    return A.amin(1).sum(-1)


@mistake("foci_overlap", "That is 1 minus the overlap: how much the rows differ.")
def difference(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return 1 - torch.minimum(A[:, i], A[:, j]).sum(-1).mean(-1)


@mistake(
    "foci_overlap", "That is how far apart two rows are, |a − b|. The overlap sums the smaller of the two weights."
)
def how_far_apart(A):
    i, j = torch.triu_indices(A.shape[1], A.shape[1], 1)
    return (A[:, i] - A[:, j]).abs().sum(-1).mean(-1)


@mistake(
    "foci_overlap", "You divide by what the rows have together. The sum of the smaller weights is the overlap already."
)
def divided_by_union(A):
    i, j = torch.triu_indices(A.shape[1], A.shape[1], 1)
    a, b = A[:, i], A[:, j]
    return (torch.minimum(a, b).sum(-1) / torch.maximum(a, b).sum(-1)).mean(-1)


@mistake("foci_overlap", "That is the cosine of rows. The overlap sums the *smaller* of the two weights.")
def cosine(A):
    i, j = torch.triu_indices(A.shape[1], A.shape[1], 1)
    return torch.cosine_similarity(A[:, i], A[:, j], dim=-1).mean(-1)


@mistake("foci_overlap", "Only pairs with the first row count here. *All* pairs i < j must.")
def with_the_first_only(A):
    return torch.minimum(A[:, 1:], A[:, :1]).sum(-1).mean(-1)


@mistake("foci_overlap", "That is the pair with the largest overlap. Take the mean over the pairs.")
def largest_pair(A):
    i, j = torch.triu_indices(A.shape[1], A.shape[1], 1)
    return torch.minimum(A[:, i], A[:, j]).sum(-1).amax(-1)


@mistake("foci_overlap", "You divide by the number of rows. There are r (r − 1) / 2 pairs: divide by that.")
def divided_by_rows(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return torch.minimum(A[:, i], A[:, j]).sum((-2, -1)) / r


@mistake("foci_overlap", "You count rows with the same top. The overlap counts *all* the weight that two rows share.")
def same_tops(A):
    i, j = torch.triu_indices(A.shape[1], A.shape[1], 1)
    tops = A.argmax(-1)
    return (tops[:, i] == tops[:, j]).to(A.dtype).mean(-1)


@mistake(
    "foci_overlap",
    "You divide by r (r − 1), but count each pair once: there are half as many, r (r − 1) / 2.",
)
def divided_by_ordered_pairs(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return torch.minimum(A[:, i], A[:, j]).sum((-2, -1)) / (r * (r - 1))


@mistake(
    "foci_overlap",
    "The diagonal is in: `triu_indices(r, r)` lists i = j, too, a row with itself. Begin one further, "
    "`triu_indices(r, r, 1)`.",
)
def triangle_with_its_diagonal(A):
    i, j = torch.triu_indices(A.shape[1], A.shape[1])
    return torch.minimum(A[:, i], A[:, j]).sum(-1).mean(-1)


@mistake(
    "foci_overlap",
    "You divide by r². There are r (r − 1) / 2 pairs of different rows: divide by that.",
)
def divided_by_all_places(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return torch.minimum(A[:, i], A[:, j]).sum((-2, -1)) / r**2


@mistake(
    "foci_overlap",
    "You compare words, not rows: pairs of columns of A. A row is one focus, A[:, i], with its weights of all words.",
)
def pairs_of_words(A):
    T = A.shape[2]
    i, j = torch.triu_indices(T, T, 1)
    return torch.minimum(A[..., i], A[..., j]).sum(1).mean(-1)


@mistake(
    "foci_overlap",
    "You take the root of the product of the two weights. The overlap is the *smaller* of the two.",
)
def root_of_the_product(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return (A[:, i] * A[:, j]).sqrt().sum(-1).mean(-1)


@mistake(
    "foci_overlap",
    "You take the mean of the two weights, which sums to 1 always. The overlap is the *smaller* of the two.",
)
def mean_of_the_two(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return ((A[:, i] + A[:, j]) / 2).sum(-1).mean(-1)


@alternative("foci_overlap")
def by_distance(A):
    r = A.shape[1]
    i, j = torch.triu_indices(r, r, 1)
    return (1 - (A[:, i] - A[:, j]).abs().sum(-1) / 2).mean(-1)


@alternative("foci_overlap")
def full_table(A):
    r = A.shape[1]
    table = _minimum(A)
    return (table.sum((1, 2)) - table.diagonal(dim1=1, dim2=2).sum(-1)) / (r * (r - 1))


@alternative("foci_overlap")
def by_loops(A):
    found = []
    for rows in A.tolist():
        pairs = [(i, j) for i in range(len(rows)) for j in range(i + 1, len(rows))]
        found.append(sum(sum(map(min, rows[i], rows[j])) for i, j in pairs) / len(pairs))
    return torch.tensor(found)


# blind_rows


def _numbered(mask, r, first=1):
    """Row i on the word with number i + `first`; words are counted from 1, and padding has none."""
    number = (mask.cumsum(1) * mask).unsqueeze(1)
    return (number == torch.arange(first, r + first).unsqueeze(1)).to(torch.get_default_dtype())


@mistake(
    "blind_rows",
    "All your rows are the same: equal weights for all words. P wants *different* words, and one each: A Aᵀ must be "
    "the identity.",
)
def equal_weights(mask, r):
    return (mask / mask.sum(1, keepdim=True)).unsqueeze(1).expand(-1, r, -1)


@mistake(
    "blind_rows",
    "These are the first r *places*. Some of them are padding, which gets nothing: count words, `mask.cumsum(dim=1)`.",
)
def first_places(mask, r):
    return torch.eye(r, mask.shape[1]).expand(len(mask), -1, -1)


@mistake("blind_rows", "All your rows lie on the same word. Beside the diagonal of A Aᵀ there must be 0.")
def all_on_the_first_word(mask, r):
    return _numbered(mask, 1).expand(-1, r, -1)


@mistake(
    "blind_rows",
    "Your words count from 0. `cumsum` counts the first as 1, so row 0 finds nobody: compare with 1, 2, ..., r.",
)
def words_from_zero(mask, r):
    number = mask.cumsum(1).unsqueeze(1)
    return ((number == torch.arange(r).unsqueeze(1)) & mask.unsqueeze(1)).to(torch.get_default_dtype())


@mistake(
    "blind_rows",
    "Padding gets weight: behind a word the count stands still, so its row matches all padding up to the next word, "
    "too. `& mask`.",
)
def padding_has_the_last_number(mask, r):
    number = mask.cumsum(1).unsqueeze(1)
    return (number == torch.arange(1, r + 1).unsqueeze(1)).to(torch.get_default_dtype())


@mistake(
    "blind_rows",
    "No word has weight in two of your rows, and yet P isn't 0: on the diagonal stands the sum of a row's *squared* "
    "weights, and that is 1 only if all of it is on one word.",
)
def words_dealt_out(mask, r):
    number = (mask.cumsum(1) - 1).unsqueeze(1)
    rows = (number % r == torch.arange(r).unsqueeze(1)) & mask.unsqueeze(1)
    return rows / rows.sum(-1, keepdim=True)


@mistake(
    "blind_rows",
    "Your last row takes all words that are left. Then its squared weights sum to less than 1: one word for each row.",
)
def last_row_takes_the_rest(mask, r):
    number = mask.cumsum(1).clamp(max=r).unsqueeze(1)
    rows = (number == torch.arange(1, r + 1).unsqueeze(1)) & mask.unsqueeze(1)
    return rows / rows.sum(-1, keepdim=True)


@mistake("blind_rows", "All rows *together* sum to 1. Each of them should.")
def together_one(mask, r):
    return _numbered(mask, r) / r


@mistake("blind_rows", "The weights are (B, T, r). A has a row for each focus: (B, r, T).")
def weights_as_columns(mask, r):
    return _numbered(mask, r).mT


@mistake("blind_rows", "All sentences get the rows of the first one. Each has its own padding.")
def first_sentence_for_all(mask, r):
    return _numbered(mask[:1].expand_as(mask), r)


@mistake("blind_rows", "One row lies on no word: its weights sum to 0. The last word counts, too.")
def one_word_too_far(mask, r):
    return _numbered(mask, r, first=2)


@mistake("blind_rows", "Every word has a row of its own, T of them. There are r rows: stop there.")
def a_row_for_every_word(mask, r):
    return _numbered(mask, mask.shape[1])


@mistake("blind_rows", "These are rows of True and False. Weights are numbers: turn them into floats.")
def true_and_false(mask, r):
    return _numbered(mask, r).bool()


@mistake("blind_rows", "No row looks anywhere: with weights of 0 the diagonal of A Aᵀ is 0, and P is r.")
def no_weight_at_all(mask, r):
    return torch.zeros(len(mask), r, mask.shape[1])


@alternative("blind_rows")
def the_first_words_in_a_loop(mask, r):
    A = torch.zeros(len(mask), r, mask.shape[1])
    for b, words in enumerate(mask):
        for i, t in enumerate(words.nonzero().flatten()[:r].tolist()):
            A[b, i, t] = 1.0
    return A


@alternative("blind_rows")
def the_last_words(mask, r):
    return _numbered(mask.flip(1), r).flip(2)


@alternative("blind_rows")
def by_topk(mask, r):
    places = mask.float().topk(r, dim=1).indices
    return torch.nn.functional.one_hot(places, mask.shape[1]).float()


@alternative("blind_rows")
def rows_of_the_identity(mask, r):
    words = (~mask).long().argsort(dim=1, stable=True)[:, :r]
    return torch.eye(mask.shape[1])[words].flip(1)


# directed_weights


def _distance(scores):
    places = torch.arange(scores.shape[-1])
    return places - places.unsqueeze(1)


def _allowed(scores, mask, back):
    distance = _distance(scores)
    return (distance < 0 if back else distance > 0) & mask.unsqueeze(1)


@mistake(
    "directed_weights",
    "The first word (or the last) has nobody to ask, and a softmax over nothing but −∞ is NaN. `masked_softmax` with a "
    "boolean mask gives zeros there.",
)
def nan_row(scores, mask, back, alpha):
    scores = scores - alpha * _distance(scores).abs()
    return torch.softmax(scores.masked_fill(~_allowed(scores, mask, back), float("-inf")), -1)


@mistake(
    "directed_weights",
    "The rows that have nobody to ask get the same weight everywhere, −1e9 being all there is: they should get zeros.",
)
def uniform_row(scores, mask, back, alpha):
    scores = scores - alpha * _distance(scores).abs()
    return torch.softmax(scores.masked_fill(~_allowed(scores, mask, back), -1e9), -1)


@mistake("directed_weights", "Back and ahead are swapped: row i asks, column j is asked, so back is j < i.")
def directions_swapped(scores, mask, back, alpha):
    return masked_softmax(scores - alpha * _distance(scores).abs(), _allowed(scores, mask, not back))


@mistake("directed_weights", "A word may ask itself here: j < i and j > i, without the diagonal.")
def with_diagonal(scores, mask, back, alpha):
    distance = _distance(scores)
    allowed = (distance <= 0 if back else distance >= 0) & mask.unsqueeze(1)
    return masked_softmax(scores - alpha * distance.abs(), allowed)


@mistake("directed_weights", "Padding is asked: the mask (B, T) goes in as a mask of the columns, `mask.unsqueeze(1)`.")
def padding_asked(scores, mask, back, alpha):
    allowed = _allowed(scores, torch.ones_like(mask), back)
    return masked_softmax(scores - alpha * _distance(scores).abs(), allowed.expand_as(scores))


@mistake("directed_weights", "The mask hides the words that ask (rows). It should hide those that are asked (columns).")
def rows_hidden(scores, mask, back, alpha):
    distance = _distance(scores)
    allowed = (distance < 0 if back else distance > 0) & mask.unsqueeze(2)
    return masked_softmax(scores - alpha * distance.abs(), allowed)


@mistake("directed_weights", "The distance is added: far words win. Subtract α |i − j|.")
def distance_added(scores, mask, back, alpha):
    return masked_softmax(scores + alpha * _distance(scores).abs(), _allowed(scores, mask, back))


@mistake(
    "directed_weights", "The distance has a sign here, so one of the two directions prefers what is far. Take |i − j|."
)
def signed_distance(scores, mask, back, alpha):
    return masked_softmax(scores - alpha * _distance(scores), _allowed(scores, mask, back))


@mistake("directed_weights", "The distance is left out: subtract α |i − j| from the scores.")
def no_distance(scores, mask, back, alpha):
    return masked_softmax(scores, _allowed(scores, mask, back))


@mistake("directed_weights", "α is left out: subtract α |i − j|, not |i − j|.")
def no_alpha(scores, mask, back, alpha):
    return masked_softmax(scores - _distance(scores).abs(), _allowed(scores, mask, back))


@mistake("directed_weights", "The distance is squared. Im and Cho subtract α |i − j|.")
def squared_distance(scores, mask, back, alpha):
    return masked_softmax(scores - alpha * _distance(scores) ** 2, _allowed(scores, mask, back))


@mistake("directed_weights", "The scores are multiplied by the distance. It is subtracted.")
def multiplied(scores, mask, back, alpha):
    return masked_softmax(scores * (1 - alpha * _distance(scores).abs()), _allowed(scores, mask, back))


@mistake(
    "directed_weights",
    "The words are masked after the softmax, so a row no longer sums to 1. The mask belongs inside it.",
)
def direction_masked_late(scores, mask, back, alpha):
    weights = torch.softmax(scores - alpha * _distance(scores).abs(), -1)
    return weights * _allowed(scores, mask, back)


@mistake("directed_weights", "It looks back even where it should look ahead: `back` is not used.")
def always_back(scores, mask, back, alpha):
    return masked_softmax(scores - alpha * _distance(scores).abs(), _allowed(scores, mask, True))


@mistake("directed_weights", "It looks both ways: only j < i if `back`, else only j > i.")
def both_ways(scores, mask, back, alpha):
    distance = _distance(scores)
    return masked_softmax(scores - alpha * distance.abs(), (distance != 0) & mask.unsqueeze(1))


@mistake(
    "directed_weights",
    "The distance weighs after the softmax, so a row no longer sums to 1. Subtract it from the scores.",
)
def decay_after_softmax(scores, mask, back, alpha):
    return masked_softmax(scores, _allowed(scores, mask, back)) * torch.exp(-alpha * _distance(scores).abs())


@mistake("directed_weights", "The logarithm of the distance is subtracted. Im and Cho subtract α |i − j| itself.")
def logarithm_of_distance(scores, mask, back, alpha):
    return masked_softmax(
        scores - alpha * torch.log1p(_distance(scores).abs().to(scores.dtype)), _allowed(scores, mask, back)
    )


@mistake("directed_weights", "A word with nobody to ask asks itself here. Its row should be zeros.")
def itself_for_nobody(scores, mask, back, alpha):
    allowed, distance = _allowed(scores, mask, back), _distance(scores)
    allowed = allowed | (~allowed.any(-1, keepdim=True) & (distance == 0))
    return masked_softmax(scores - alpha * distance.abs(), allowed)


@mistake("directed_weights", "The scores are divided once more. They come in divided by √d already.")
def divided_again(scores, mask, back, alpha):
    scores = scores / scores.shape[-1] ** 0.5
    return masked_softmax(scores - alpha * _distance(scores).abs(), _allowed(scores, mask, back))


@mistake(
    "directed_weights",
    "The distance is subtracted from the *weights*: they become negative, and a row no longer sums to 1. Subtract it "
    "from the scores, before the softmax.",
)
def subtracted_after_softmax(scores, mask, back, alpha):
    return masked_softmax(scores, _allowed(scores, mask, back)) - alpha * _distance(scores).abs()


@mistake(
    "directed_weights",
    "The softmax runs over i, the words that ask. Each row i must sum to 1 over j, the last axis.",
)
def over_those_that_ask(scores, mask, back, alpha):
    allowed = _allowed(scores, mask, back)
    z = (scores - alpha * _distance(scores).abs()).masked_fill(~allowed, -1e9)
    return torch.softmax(z, 1) * allowed


@mistake("directed_weights", "The mask is upside down: padding is asked, and words aren't. True stands at words.")
def padding_only(scores, mask, back, alpha):
    return masked_softmax(scores - alpha * _distance(scores).abs(), _allowed(scores, ~mask, back))


@mistake(
    "directed_weights",
    "The distance is divided by the length of the sentence. Im and Cho subtract α |i − j| as it is.",
)
def relative_distance(scores, mask, back, alpha):
    distance = _distance(scores).abs() / scores.shape[-1]
    return masked_softmax(scores - alpha * distance, _allowed(scores, mask, back))


@mistake(
    "directed_weights",
    "What isn't allowed gets the score 0, and exp(0) is 1: it takes weight. Hand the boolean to `masked_softmax`.",
)
def zero_where_not_allowed(scores, mask, back, alpha):
    return torch.softmax((scores - alpha * _distance(scores).abs()) * _allowed(scores, mask, back), -1)


@mistake(
    "directed_weights",
    "The root of the distance is subtracted. It is α |i − j| itself.",
)
def root_of_the_distance(scores, mask, back, alpha):
    p = torch.arange(scores.shape[-1])
    dist = p - p.unsqueeze(1)
    allowed = (dist < 0 if back else dist > 0) & mask.unsqueeze(1)
    return masked_softmax(scores - alpha * (dist.abs() * 1.0) ** 0.5, allowed)


@mistake(
    "directed_weights",
    "The scores are multiplied by the distance. α |i − j| is subtracted from them.",
)
def times_the_distance(scores, mask, back, alpha):
    p = torch.arange(scores.shape[-1])
    dist = p - p.unsqueeze(1)
    allowed = (dist < 0 if back else dist > 0) & mask.unsqueeze(1)
    return masked_softmax(scores * alpha * dist.abs(), allowed)


@mistake(
    "directed_weights",
    "The scores are divided by the distance. α |i − j| is subtracted from them.",
)
def divided_by_the_distance(scores, mask, back, alpha):
    p = torch.arange(scores.shape[-1])
    dist = p - p.unsqueeze(1)
    allowed = (dist < 0 if back else dist > 0) & mask.unsqueeze(1)
    return masked_softmax(scores / (1 + alpha * dist.abs()), allowed)


@mistake(
    "directed_weights",
    "The weights come out transposed. Row i is the word that asks, and sums to 1.",
)
def turned_at_the_end(scores, mask, back, alpha):
    p = torch.arange(scores.shape[-1])
    dist = p - p.unsqueeze(1)
    allowed = (dist < 0 if back else dist > 0) & mask.unsqueeze(1)
    return masked_softmax(scores - alpha * dist.abs(), allowed).mT


@alternative("directed_weights")
def with_triangles(scores, mask, back, alpha):
    T = scores.shape[-1]
    everything = torch.ones(T, T, dtype=torch.bool)
    triangle = everything.tril(-1) if back else everything.triu(1)
    away = (torch.arange(T)[:, None] - torch.arange(T)[None]).abs()
    return masked_softmax(scores - alpha * away, triangle[None] & mask[:, None, :])


@alternative("directed_weights")
def with_infinity_repaired(scores, mask, back, alpha):
    allowed = _allowed(scores, mask, back)
    nobody = ~allowed.any(-1, keepdim=True)
    biased = (scores - alpha * _distance(scores).abs()).masked_fill(~allowed, float("-inf")).masked_fill(nobody, 0.0)
    return torch.softmax(biased, -1).masked_fill(~allowed, 0.0)


@alternative("directed_weights")
def nothing_for_not_a_number(scores, mask, back, alpha):
    biased = scores - alpha * _distance(scores).abs()
    return torch.nan_to_num(torch.softmax(biased.masked_fill(~_allowed(scores, mask, back), float("-inf")), -1))


@alternative("directed_weights")
def word_by_word(scores, mask, back, alpha):
    B, T, _ = scores.shape
    out = []
    for b in range(B):
        rows = []
        for i in range(T):
            asked = [j for j in (range(i) if back else range(i + 1, T)) if mask[b, j]]
            row = torch.zeros(T, dtype=scores.dtype)
            if asked:
                far = torch.tensor([abs(i - j) for j in asked], dtype=scores.dtype)
                row = row.index_copy(0, torch.tensor(asked), torch.softmax(scores[b, i, asked] - alpha * far, 0))
            rows.append(row)
        out.append(torch.stack(rows))
    return torch.stack(out)


# select_tokens


def _log(p, kept):
    return torch.where(kept, p, 1 - p).log()


@mistake(
    "select_tokens",
    "What stands beside the sentence counts: with p = 1 there the logarithm of 1 − p is −∞, and −∞ · 0 is NaN. "
    "Fill instead of multiplying.",
)
def padding_multiplied(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, (_log(p, kept) * mask).sum(-1)


@mistake("select_tokens", "The padding's coins count in log p(z). Leave them out: `masked_fill(~mask, 0.0)`.")
def padding_counted(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, _log(p, kept).sum(-1)


@mistake("select_tokens", "Padding is kept: only words can be, `& mask`.")
def padding_kept(p, mask, uniforms):
    kept = uniforms < p
    return kept, _log(p, kept).masked_fill(~mask, 0.0).sum(-1)


@mistake(
    "select_tokens",
    "Only the kept words count. A word that was dropped was dropped with probability 1 − p: it counts, too.",
)
def kept_only(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, p.log().masked_fill(~kept, 0.0).sum(-1)


@mistake("select_tokens", "A word is kept if its number is *below* p: that happens with probability p.")
def kept_above(p, mask, uniforms):
    kept = (uniforms > p) & mask
    return kept, _log(p, kept).masked_fill(~mask, 0.0).sum(-1)


@mistake("select_tokens", "No coin is thrown: compare p with the given numbers, not with one half.")
def no_coin(p, mask, uniforms):
    kept = (p > 0.5) & mask
    return kept, _log(p, kept).masked_fill(~mask, 0.0).sum(-1)


@mistake("select_tokens", "You throw coins of your own. Use the numbers that are given.")
def own_coins(p, mask, uniforms):
    kept = (torch.rand(p.shape) < p) & mask
    return kept, _log(p, kept).masked_fill(~mask, 0.0).sum(-1)


@mistake("select_tokens", "That is the log-probability of each word. Add them up: one number a sentence, (B,).")
def each_word(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, _log(p, kept).masked_fill(~mask, 0.0)


@mistake("select_tokens", "That is the mean over the words. The log-probability of all coins together is the sum.")
def mean_of_words(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, _log(p, kept).masked_fill(~mask, 0.0).sum(-1) / mask.sum(-1)


@mistake("select_tokens", "The logarithm is missing: probabilities are multiplied, their logarithms are added.")
def no_logarithm(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, torch.where(kept, p, 1 - p).masked_fill(~mask, 0.0).sum(-1)


@mistake("select_tokens", "The two probabilities are swapped: a kept word has p, a dropped one 1 − p.")
def probabilities_swapped(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, _log(p, ~kept).masked_fill(~mask, 0.0).sum(-1)


@mistake("select_tokens", "The sign is turned: a log-probability is never above 0.")
def minus_log(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, -_log(p, kept).masked_fill(~mask, 0.0).sum(-1)


@mistake("select_tokens", "Only the dropped words count. A kept word was kept with probability p: it counts, too.")
def dropped_only(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, (1 - p).masked_fill(kept | ~mask, 1.0).log().sum(-1)


@mistake("select_tokens", "That is the probability of all coins together. Take its logarithm.")
def product_of_chances(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, torch.where(kept, p, 1 - p).masked_fill(~mask, 1.0).prod(-1)


@mistake("select_tokens", "The two come in the wrong order: what is kept first, then log p(z).")
def log_first(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return _log(p, kept).masked_fill(~mask, 0.0).sum(-1), kept


@mistake(
    "select_tokens",
    "That is one number for the whole batch. Sum over the words of each sentence only, `dim=-1`: (B,).",
)
def log_of_the_batch(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, _log(p, kept).masked_fill(~mask, 0.0).sum()


@mistake(
    "select_tokens",
    "You take the mean over all T places. The log-probability of all coins together is the sum.",
)
def mean_of_places(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, _log(p, kept).masked_fill(~mask, 0.0).mean(-1)


@mistake(
    "select_tokens",
    "The logarithm is to base 2 (or 10). It is the natural one: `log`.",
)
def other_base(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, torch.where(kept, p, 1 - p).masked_fill(~mask, 1.0).log2().sum(-1)


@mistake(
    "select_tokens",
    "You take log p_t of dropped words, too. What happened there has the probability 1 − p_t.",
)
def always_log_p(p, mask, uniforms):
    kept = (uniforms < p) & mask
    chance = p.masked_fill(~mask, 1.0)
    return kept, chance.log().sum(-1)


@mistake(
    "select_tokens",
    "This is minus the entropy, what log p(z) is *on average*. Take the probability of what was drawn.",
)
def minus_the_entropy(p, mask, uniforms):
    kept = (uniforms < p) & mask
    return kept, (p * p.clamp(min=1e-9).log() + (1 - p) * (1 - p).clamp(min=1e-9).log()).mul(mask).sum(-1)


@alternative("select_tokens")
def with_bernoulli(p, mask, uniforms):
    kept = torch.lt(uniforms, p).logical_and(mask)
    safe = p.masked_fill(~mask, 0.5)
    each = torch.distributions.Bernoulli(safe).log_prob(kept.to(p.dtype))
    return kept, each.masked_fill(~mask, 0.0).sum(1)


@alternative("select_tokens")
def as_the_formula(p, mask, uniforms):
    p_safe = torch.where(mask, p, torch.full_like(p, 0.5))
    z = ((uniforms < p) & mask).to(p.dtype)
    each = z * p_safe.log() + (1 - z) * (1 - p_safe).log()
    return z.bool(), (each * mask).sum(-1)


@alternative("select_tokens")
def coin_by_coin(p, mask, uniforms):
    kept = torch.zeros(p.shape, dtype=torch.bool)
    totals = []
    for b in range(len(p)):
        total = p[b, 0] * 0
        for t in range(p.shape[1]):
            if mask[b, t]:
                kept[b, t] = uniforms[b, t] < p[b, t]
                total = total + torch.log(p[b, t] if kept[b, t] else 1 - p[b, t])
        totals.append(total)
    return kept, torch.stack(totals)


# reinforce_with_sparsity


@mistake(
    "reinforce_with_sparsity", "That is the loss as it was found, with all four mistakes. Go through it line by line."
)
def as_it_was_found(log_right, log_p, kept, strength, baseline):
    reward = log_right + strength * kept
    better = reward + baseline
    return (log_right + better * log_p).mean()


@mistake(
    "reinforce_with_sparsity", "A loss goes down, so it needs a minus sign: you train for wrong answers and long texts."
)
def no_minus(log_right, log_p, kept, strength, baseline):
    reward = log_right.detach() - strength * kept
    return (log_right + (reward - baseline) * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "The reward isn't detached: through it a second gradient reaches the reader, log p(z) times as large.",
)
def reward_not_detached(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right - strength * kept - baseline) * log_p).mean()


@mistake("reinforce_with_sparsity", "The first term is missing: nothing teaches the reader to answer. Add log p(y|z).")
def score_alone(log_right, log_p, kept, strength, baseline):
    return -((log_right.detach() - strength * kept - baseline) * log_p).mean()


@mistake("reinforce_with_sparsity", "The second term is missing: nothing teaches the selector. Add (R − b) log p(z).")
def reader_alone(log_right, log_p, kept, strength, baseline):
    return -(log_right + 0 * log_p).mean()


@mistake("reinforce_with_sparsity", "The baseline is missing: subtract it from the reward.")
def without_baseline(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.detach() - strength * kept) * log_p).mean()


@mistake(
    "reinforce_with_sparsity", "The baseline is added. What counts is how much better than it the reward is: R − b."
)
def baseline_added(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.detach() - strength * kept + baseline) * log_p).mean()


@mistake("reinforce_with_sparsity", "The cost has the wrong sign: kept words are rewarded. R = log p(y|z) − λ · kept.")
def cost_added(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.detach() + strength * kept - baseline) * log_p).mean()


@mistake("reinforce_with_sparsity", "The cost is missing from the reward: R = log p(y|z) − λ · kept.")
def cost_left_out(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.detach() - baseline) * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "The cost stands beside the reward, not in it: as a plain term it has no gradient for the coins. R = log p(y|z) − "
    "λ · kept.",
)
def cost_beside(log_right, log_p, kept, strength, baseline):
    return -(log_right - strength * kept + (log_right.detach() - baseline) * log_p).mean()


@mistake("reinforce_with_sparsity", "λ is left out: the cost is λ times the share kept.")
def strength_left_out(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.detach() - kept - baseline) * log_p).mean()


@mistake("reinforce_with_sparsity", "That is the sum over the batch. Take the mean.")
def sum_over_batch(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.detach() - strength * kept - baseline) * log_p).sum()


@mistake("reinforce_with_sparsity", "That is one number for each example. Return their mean.")
def no_mean(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.detach() - strength * kept - baseline) * log_p)


@mistake("reinforce_with_sparsity", "You multiply by p(z). The score function has its logarithm, log p(z).")
def probability_for_logarithm(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.detach() - strength * kept - baseline) * log_p.exp()).mean()


@mistake("reinforce_with_sparsity", "The reader's own term is weighed, too. Only log p(z) is: log p(y|z) stands alone.")
def both_weighed(log_right, log_p, kept, strength, baseline):
    better = (log_right - strength * kept - baseline).detach()
    return -(better * (log_right + log_p)).mean()


@mistake("reinforce_with_sparsity", "Your baseline is the mean reward of the batch. Use the one that is given.")
def own_baseline(log_right, log_p, kept, strength, baseline):
    reward = (log_right - strength * kept).detach()
    return -(log_right + (reward - reward.mean()) * log_p).mean()


@mistake("reinforce_with_sparsity", "You divide by the spread. The task doesn't: R − b as it is.")
def divided_by_spread(log_right, log_p, kept, strength, baseline):
    better = (log_right - strength * kept - baseline).detach()
    return -(log_right + (better - better.mean()) / (better.std() + 1e-6) * log_p).mean()


@mistake("reinforce_with_sparsity", "Every example pays for the batch's mean share. Each pays for its own words.")
def mean_share(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right - strength * kept.mean() - baseline).detach() * log_p).mean()


@mistake("reinforce_with_sparsity", "The reward has the probability p(y|z). It should be the logarithm.")
def probability_as_reward(log_right, log_p, kept, strength, baseline):
    return -(log_right + (log_right.exp() - strength * kept - baseline).detach() * log_p).mean()


_FOUND = {
    "cost": "the sign of the cost",
    "baseline": "the sign of the baseline",
    "gradient": "the gradient through the reward",
    "minus": "the minus in front",
}


def _with_mistakes(*left):
    """The loss as it was found, with these of its four mistakes still in it."""

    def loss(log_right, log_p, kept, strength, baseline):
        reward = log_right + strength * kept if "cost" in left else log_right - strength * kept
        better = reward + baseline if "baseline" in left else reward - baseline
        if "gradient" not in left:
            better = better.detach()
        value = (log_right + better * log_p).mean()
        return value if "minus" in left else -value

    loss.__name__ = "left_" + "_".join(left)
    return loss


for count in (2, 3):
    for left in itertools.combinations(_FOUND, count):
        still = ", ".join(_FOUND[name] for name in left)
        mistake("reinforce_with_sparsity", f"Still there: {still}.")(_with_mistakes(*left))


@mistake(
    "reinforce_with_sparsity",
    "The minus stands before the first term only: a loss needs it before both, −(log p(y|z) + (R − b) log p(z)).",
)
def minus_before_the_first(log_right, log_p, kept, strength, baseline):
    return (-log_right + (log_right.detach() - strength * kept - baseline) * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "The minus stands before the second term only: a loss needs it before both, −(log p(y|z) + (R − b) log p(z)).",
)
def minus_before_the_second(log_right, log_p, kept, strength, baseline):
    return (log_right - (log_right.detach() - strength * kept - baseline) * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "Every draw is weighed with the batch's *mean* advantage. Each is weighed with its own R − b: take the mean last.",
)
def mean_advantage(log_right, log_p, kept, strength, baseline):
    better = (log_right.detach() - strength * kept - baseline).mean()
    return -(log_right + better * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "log p(z) is detached, and the reward isn't: the wrong one of the two. The reward is the mere number; log p(z) "
    "carries the selector's gradient.",
)
def wrong_one_detached(log_right, log_p, kept, strength, baseline):
    better = log_right - strength * kept - baseline
    return -(log_right + better * log_p.detach()).mean()


@mistake(
    "reinforce_with_sparsity",
    "log p(y|z) is detached in both places: then nothing teaches the reader. Only the reward is a mere number.",
)
def reader_detached(log_right, log_p, kept, strength, baseline):
    log_right = log_right.detach()
    return -(log_right + (log_right - strength * kept - baseline) * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "The strength weighs the whole reward, or the baseline, too: R = log p(y|z) − λ · kept, and only kept is paid for.",
)
def strength_of_all(log_right, log_p, kept, strength, baseline):
    return -(log_right + strength * (log_right.detach() - kept - baseline) * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "The baselines are averaged over the batch. Each sentence has its own.",
)
def one_baseline(log_right, log_p, kept, strength, baseline):
    better = (log_right - strength * kept - baseline.mean()).detach()
    return -(log_right + better * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "The rewards' mean over the batch is subtracted besides. The baseline is all that is.",
)
def centred_again(log_right, log_p, kept, strength, baseline):
    better = (log_right - strength * kept - baseline).detach()
    better = better - better.mean()
    return -(log_right + better * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "The rewards are divided by their spread. The formula doesn't.",
)
def divided_by_the_spread(log_right, log_p, kept, strength, baseline):
    better = (log_right - strength * kept - baseline).detach()
    better = better / (better.std() + 1e-6)
    return -(log_right + better * log_p).mean()


@mistake(
    "reinforce_with_sparsity",
    "The share of kept words is part of the first term as well, and changes the loss's value. It "
    "belongs to the reward alone.",
)
def cost_in_both_terms(log_right, log_p, kept, strength, baseline):
    better = (log_right - strength * kept - baseline).detach()
    return -(log_right - strength * kept + better * log_p).mean()


@alternative("reinforce_with_sparsity")
def advantage_first(log_right, log_p, kept, strength, baseline):
    advantage = (log_right - strength * kept - baseline).detach()
    return -log_right.mean() - (advantage * log_p).mean()


@alternative("reinforce_with_sparsity")
def as_a_dot_product(log_right, log_p, kept, strength, baseline):
    with torch.no_grad():
        better = log_right - strength * kept - baseline
    return -(log_right.sum() + better @ log_p) / len(log_p)


@alternative("reinforce_with_sparsity")
def example_by_example(log_right, log_p, kept, strength, baseline):
    losses = []
    for i in range(len(log_p)):
        reward = log_right[i].item() - strength * kept[i]
        losses.append(-log_right[i] - (reward - baseline[i]) * log_p[i])
    return sum(losses) / len(losses)


equivalent("directed_weights", "1 -> 2", "scores are square: their last two axes are equally long")
equivalent("select_tokens", "uniforms < p -> uniforms <= p", "two drawn numbers are never equal")
