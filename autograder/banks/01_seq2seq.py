"""Known answers to lesson 01: wrong ones with the sentence that helps, and right ones written otherwise."""

import heapq

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# last_state


@mistake("last_state", "This is the state at the padded end. Take each sentence's last *real* word, at lengths − 1.")
def padded_end(outputs, lengths):
    return outputs[:, -1]


@mistake("last_state", "One too far: a sentence of length 3 has its last word at position 2.")
def one_too_far(outputs, lengths):
    return outputs[torch.arange(len(lengths)), lengths.clamp(max=outputs.shape[1] - 1)]


@mistake("last_state", "You index past the end: positions run from 0, so the last word stands at lengths − 1.")
def past_the_end(outputs, lengths):
    return outputs[torch.arange(len(lengths)), lengths]


@mistake("last_state", "This is the state after the first word.")
def first_state(outputs, lengths):
    return outputs[:, 0]


@mistake("last_state", "This is the mean over all positions, padding included. Pick the state at lengths − 1.")
def mean_state(outputs, lengths):
    return outputs.mean(1)


@mistake(
    "last_state",
    "`outputs[:, lengths - 1]` picks every position for every row. Pair each row with its own: give both indices.",
)
def all_pairs(outputs, lengths):
    return outputs[:, lengths - 1]


@mistake("last_state", "These are features, not positions: the middle axis is time.")
def wrong_axis(outputs, lengths):
    return outputs[torch.arange(len(lengths)), :, (lengths - 1).clamp(max=outputs.shape[2] - 1)]


@mistake(
    "last_state",
    "This is the state *before* the last word. A sentence of length 3 has its last word at position 2, lengths − 1.",
)
def word_before_the_last(outputs, lengths):
    return outputs[torch.arange(len(outputs)), lengths - 2]


@mistake(
    "last_state",
    "This is the sum over a sentence's real words. Pick the state at the last one, lengths − 1.",
)
def sum_of_real_words(outputs, lengths):
    return torch.stack([outputs[b, : lengths[b]].sum(0) for b in range(len(outputs))])


@alternative("last_state")
def with_gather(outputs, lengths):
    index = (lengths - 1).view(-1, 1, 1).expand(-1, 1, outputs.shape[2])
    return outputs.gather(1, index).squeeze(1)


@alternative("last_state")
def row_by_row(outputs, lengths):
    return torch.stack([row[n - 1] for row, n in zip(outputs, lengths.tolist(), strict=True)])


@alternative("last_state")
def with_one_hot(outputs, lengths):
    return (F.one_hot(lengths - 1, outputs.shape[1]).to(outputs).unsqueeze(1) @ outputs).squeeze(1)


@mistake(
    "last_state",
    "The values are right, but the gradient is cut (numpy, `.tolist()`, `torch.tensor`): the encoder would not learn. "
    "Index the tensor itself.",
)
def numpy_index(outputs, lengths):
    return outputs.numpy()[np.arange(len(lengths)), lengths.numpy() - 1]


# token_loss


@mistake("token_loss", "Padding is counted: leave it out of the sum and of the count (ignore_index=pad).")
def counts_padding(logits, tgt, pad):
    return F.cross_entropy(logits.flatten(0, 1), tgt.flatten())


@mistake("token_loss", "This is the sum over the words; take the mean, or long batches count more.")
def summed(logits, tgt, pad):
    return F.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=pad, reduction="sum")


@mistake(
    "token_loss",
    "The sum leaves padding out, but you divide by the number of *all* places. Divide by the number of real words.",
)
def divided_by_all(logits, tgt, pad):
    return F.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=pad, reduction="sum") / tgt.numel()


@mistake("token_loss", "The softmax is taken twice: cross_entropy wants logits, not probabilities.")
def softmax_twice(logits, tgt, pad):
    return F.cross_entropy(logits.softmax(-1).flatten(0, 1), tgt.flatten(), ignore_index=pad)


@mistake("token_loss", "The sign is wrong: the loss is minus the logarithm, so it is positive.")
def wrong_sign(logits, tgt, pad):
    return -F.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=pad)


@mistake(
    "token_loss",
    "You average per sentence first, then over sentences: short sentences count more. Average over all words at once.",
)
def mean_of_means(logits, tgt, pad):
    each = F.cross_entropy(logits.transpose(1, 2), tgt, ignore_index=pad, reduction="none")
    return (each.sum(1) / (tgt != pad).sum(1)).mean()


@mistake("token_loss", "The number of padding is fixed to 0 in your code: use the argument `pad`.")
def pad_is_zero(logits, tgt, pad):
    return F.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=0)


@mistake(
    "token_loss",
    "This is the mean of the right words' logits, without softmax: what matters is their share of all words.",
)
def no_softmax(logits, tgt, pad):
    picked = -logits.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    return picked[tgt != pad].mean()


@mistake(
    "token_loss",
    "The logarithm is missing: this is the mean of minus the probability. The loss is −log p.",
)
def minus_probabilities(logits, tgt, pad):
    lp = logits.softmax(-1)
    nll = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    keep = tgt != pad
    return nll[keep].mean()


@mistake(
    "token_loss",
    "The softmax is over the places of the sentence. Over the words of the vocabulary it must be: the last axis.",
)
def over_the_places(logits, tgt, pad):
    lp = logits.log_softmax(1)
    nll = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    keep = tgt != pad
    return nll[keep].mean()


@mistake(
    "token_loss",
    "You count just the padding, and leave the words out: keep `tgt != pad`.",
)
def padding_only(logits, tgt, pad):
    lp = logits.log_softmax(-1)
    nll = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    keep = tgt == pad
    return nll[keep].mean()


@mistake(
    "token_loss",
    "The logarithm is to base 2. The loss takes the natural one: `log_softmax`, `torch.log`.",
)
def in_bits(logits, tgt, pad):
    lp = logits.log_softmax(-1)
    nll = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    keep = tgt != pad
    return nll[keep].mean() / float(np.log(2))


@mistake(
    "token_loss",
    "The logit of padding is taken out of the softmax. What is left out is the *places* where padding "
    "should be said; all V words share the 1.",
)
def pad_is_never_said(logits, tgt, pad):
    without = logits.masked_fill(torch.arange(logits.shape[-1]) == pad, -1e9)
    lp = without.log_softmax(-1)
    nll = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    keep = tgt != pad
    return nll[keep].mean()


@mistake(
    "token_loss",
    "Each place is scored by the word that comes *after* the one it should say: `logits[:, t]` belongs to `tgt[:, t]`.",
)
def next_word_scored(logits, tgt, pad):
    lp = logits.log_softmax(-1)
    nll = -lp.gather(-1, tgt.roll(-1, 1).unsqueeze(-1)).squeeze(-1)
    keep = tgt != pad
    return nll[keep].mean()


@mistake(
    "token_loss",
    "The last word of each sentence is left out. All words that are no padding count.",
)
def last_word_left_out(logits, tgt, pad):
    lp = logits.log_softmax(-1)
    nll = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    keep = (tgt != pad) & (tgt.roll(-1, 1) != pad)
    return nll[keep].mean()


@mistake(
    "token_loss",
    "You score the likeliest word. The loss asks how likely the *right* one was: gather it.",
)
def likeliest_word_scored(logits, tgt, pad):
    lp = logits.log_softmax(-1)
    nll = -lp.amax(-1)
    keep = tgt != pad
    return nll[keep].mean()


@mistake(
    "token_loss",
    "This is the perplexity, exp of the loss. Return the loss itself.",
)
def perplexity(logits, tgt, pad):
    lp = logits.log_softmax(-1)
    nll = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    keep = tgt != pad
    return nll[keep].mean().exp()


@alternative("token_loss")
def by_gather(logits, tgt, pad):
    right = logits.log_softmax(-1).gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    mask = tgt != pad
    return -(right * mask).sum() / mask.sum()


@alternative("token_loss")
def selected_words(logits, tgt, pad):
    mask = tgt != pad
    return F.nll_loss(torch.log_softmax(logits[mask], dim=-1), tgt[mask])


@alternative("token_loss")
def classes_second(logits, tgt, pad):
    return F.cross_entropy(logits.transpose(1, 2), tgt, ignore_index=pad)


@alternative("token_loss")
def word_by_word(logits, tgt, pad):
    losses = []
    for b in range(tgt.shape[0]):
        for t in range(tgt.shape[1]):
            if tgt[b, t] != pad:
                losses.append(torch.logsumexp(logits[b, t], 0) - logits[b, t, tgt[b, t]])
    return torch.stack(losses).mean()


# greedy_decode


def _greedy(step, state, batch, bos, eos, max_length, *, first=None, keep=False, stop=True, after=None, feed=None):
    tokens, done, chosen = (
        torch.full((batch,), bos if first is None else first),
        torch.zeros(batch, dtype=torch.bool),
        [],
    )
    for t in range(max_length):
        logits, state = step(tokens, state)
        tokens = logits.argmax(-1)
        if not keep:
            tokens = tokens.masked_fill(done, eos if after is None else after)
        chosen.append(tokens)
        done = done | (tokens == eos)
        if feed is not None:
            tokens = torch.full((batch,), feed(t))
        if stop and done.all():
            break
    return torch.stack(chosen, dim=1)


@mistake("greedy_decode", "A row that has said EOS goes on talking. Overwrite its choices by EOS from then on.")
def goes_on(step, state, batch, bos, eos, max_length):
    return _greedy(step, state, batch, bos, eos, max_length, keep=True)


@mistake("greedy_decode", "It always runs to max_length: stop when all rows have said EOS.")
def never_stops(step, state, batch, bos, eos, max_length):
    return _greedy(step, state, batch, bos, eos, max_length, stop=False)


@mistake("greedy_decode", "Decoding starts with EOS; the first word to be read is BOS.")
def starts_with_eos(step, state, batch, bos, eos, max_length):
    return _greedy(step, state, batch, bos, eos, max_length, first=eos)


@mistake("greedy_decode", "BOS is part of your result; it should hold the chosen words only.")
def bos_in_result(step, state, batch, bos, eos, max_length):
    words = _greedy(step, state, batch, bos, eos, max_length)
    return torch.cat([torch.full((batch, 1), bos), words], dim=1)


@mistake("greedy_decode", "Every step reads BOS: feed the chosen word back in.")
def always_reads_bos(step, state, batch, bos, eos, max_length):
    return _greedy(step, state, batch, bos, eos, max_length, feed=lambda t: bos)


@mistake("greedy_decode", "After EOS a row is filled with 0 (padding); here it should be filled with EOS.")
def filled_with_padding(step, state, batch, bos, eos, max_length):
    return _greedy(step, state, batch, bos, eos, max_length, after=0)


@mistake("greedy_decode", "The state is never updated: hand the new state to the next step.")
def old_state(step, state, batch, bos, eos, max_length):
    def stuck(tokens, _):
        return step(tokens, state)[0], state

    return _greedy(stuck, state, batch, bos, eos, max_length)


@mistake("greedy_decode", "Decoding stops as soon as *one* row has said EOS. Wait for all of them: done.all().")
def stops_at_first(step, state, batch, bos, eos, max_length):
    words = _greedy(step, state, batch, bos, eos, max_length, keep=True)
    ended = (words == eos).any(0).nonzero()
    return words[:, : int(ended[0]) + 1] if len(ended) else words


@mistake("greedy_decode", "The *un*likeliest word is taken: it is argmax, not argmin.")
def least_likely(step, state, batch, bos, eos, max_length):
    def turned(tokens, s):
        logits, s = step(tokens, s)
        return -logits, s

    return _greedy(turned, state, batch, bos, eos, max_length)


@mistake(
    "greedy_decode",
    "One step too many: at most `max_length` words are chosen.",
)
def one_word_more(step, state, batch, bos, eos, max_length):
    tokens = torch.full((batch,), bos)
    done = torch.zeros(batch, dtype=torch.bool)
    words = []
    for _ in range(max_length + 1):
        logits, state = step(tokens, state)
        tokens = logits.argmax(-1).masked_fill(done, eos)
        words.append(tokens)
        done = done | (tokens == eos)
        if done.all():
            break
    return torch.stack(words, 1)


@mistake(
    "greedy_decode",
    "A row that has ended goes on with BOS. Everything after EOS is EOS.",
)
def bos_after_the_end(step, state, batch, bos, eos, max_length):
    tokens = torch.full((batch,), bos)
    done = torch.zeros(batch, dtype=torch.bool)
    words = []
    for _ in range(max_length):
        logits, state = step(tokens, state)
        tokens = logits.argmax(-1).masked_fill(done, bos)
        words.append(tokens)
        done = done | (tokens == eos)
        if done.all():
            break
    return torch.stack(words, 1)


@alternative("greedy_decode")
def growing_tensor(step, state, batch, bos, eos, max_length):
    words = torch.full((batch, 1), bos)
    ended = torch.zeros(batch, dtype=torch.bool)
    while words.shape[1] <= max_length and not ended.all():
        logits, state = step(words[:, -1], state)
        following = torch.where(ended, torch.tensor(eos), logits.softmax(-1).max(-1).indices)
        words = torch.cat([words, following[:, None]], dim=1)
        ended |= following == eos
    return words[:, 1:]


@alternative("greedy_decode")
def lists_of_words(step, state, batch, bos, eos, max_length):
    rows, last = [[] for _ in range(batch)], [bos] * batch
    for _ in range(max_length):
        logits, state = step(torch.tensor(last), state)
        for i, row in enumerate(rows):
            row.append(eos if eos in row else int(logits[i].argmax()))
        last = [row[-1] for row in rows]
        if all(eos in row for row in rows):
            break
    return torch.tensor(rows)


@alternative("greedy_decode")
def filled_afterwards(step, state, batch, bos, eos, max_length):
    tokens, chosen = torch.full((batch,), bos), torch.full((batch, max_length), eos)
    done = torch.zeros(batch).bool()
    length = 0
    for t in range(max_length):
        logits, state = step(tokens, state)
        tokens = torch.topk(logits, 1).indices[:, 0]
        tokens[done] = eos
        chosen[:, t] = tokens
        done = torch.logical_or(done, tokens.eq(eos))
        length = t + 1
        if bool(done.all()):
            break
    return chosen[:, :length]


# gradient_by_distance


@mistake("gradient_by_distance", "The tanh' is missing: each step's Jacobian is diag(1 − h²) W_hh, not W_hh alone.")
def no_derivative(states, W_hh):
    J, norms = torch.eye(len(W_hh)), []
    for _ in range(len(states)):
        norms.append(torch.linalg.matrix_norm(J, 2))
        J = J @ W_hh
    return torch.stack(norms)


def _products(states, W_hh, jacobian, left=False, order=2, hs=None):
    J = torch.eye(len(W_hh))
    norms = [torch.linalg.matrix_norm(J, order)]
    for h in states[1:].flip(0) if hs is None else hs:
        J = jacobian(h) @ J if left else J @ jacobian(h)
        norms.append(torch.linalg.matrix_norm(J, order))
    return torch.stack(norms)


@mistake(
    "gradient_by_distance",
    "The factors are in the wrong order: J is multiplied from the *right* as you walk back in time.",
)
def from_the_left(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h**2).unsqueeze(1) * W_hh, left=True)


@mistake(
    "gradient_by_distance", "The *columns* of W_hh are scaled: diag(1 − h²) W_hh scales the rows, so unsqueeze(1)."
)
def columns_scaled(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h**2) * W_hh)


@mistake("gradient_by_distance", "This is the Frobenius norm; the spectral norm is matrix_norm(J, 2).")
def frobenius(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h**2).unsqueeze(1) * W_hh, order="fro")


@mistake(
    "gradient_by_distance",
    "The derivative of tanh is 1 − tanh², and h is the tanh already: don't take tanh of it again.",
)
def tanh_twice(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - torch.tanh(h) ** 2).unsqueeze(1) * W_hh)


@mistake("gradient_by_distance", "The derivative of tanh is 1 − h², not 1 − h.")
def not_squared(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h).unsqueeze(1) * W_hh)


@mistake(
    "gradient_by_distance",
    "The states are taken from the start: the product for distance 1 needs the *last* state h_T.",
)
def from_the_start(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h**2).unsqueeze(1) * W_hh, hs=states[1:])


@mistake("gradient_by_distance", "One step off: ∂h_t/∂h_{t−1} has the derivative at h_t, the state *after* the step.")
def state_before(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h**2).unsqueeze(1) * W_hh, hs=states[:-1].flip(0))


@mistake("gradient_by_distance", "The result is turned around: distance 0 comes first.")
def turned_around(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h**2).unsqueeze(1) * W_hh).flip(0)


@mistake("gradient_by_distance", "Distance 0 is missing: the first entry is the norm of the identity, 1.")
def no_identity(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h**2).unsqueeze(1) * W_hh)[1:]


@mistake(
    "gradient_by_distance",
    "This is the Frobenius norm, the root of the sum of all squares. Asked for is the spectral norm: "
    "`matrix_norm(J, 2)`.",
)
def frobenius_norm(states, W_hh):
    T = len(states) - 1
    J = torch.eye(W_hh.shape[0], dtype=W_hh.dtype)
    norms = [torch.linalg.matrix_norm(J, 2)]
    for t in range(T, 0, -1):
        J = J @ ((1 - states[t] ** 2).unsqueeze(1) * W_hh)
        norms.append(torch.linalg.matrix_norm(J))
    return torch.stack(norms)


@mistake(
    "gradient_by_distance",
    "The Jacobians are multiplied number by number, `*`. The chain rule takes matrix products, `@`.",
)
def number_by_number(states, W_hh):
    T = len(states) - 1
    J = torch.eye(W_hh.shape[0], dtype=W_hh.dtype)
    norms = [torch.linalg.matrix_norm(J, 2)]
    for t in range(T, 0, -1):
        J = J * ((1 - states[t] ** 2).unsqueeze(1) * W_hh)
        norms.append(torch.linalg.matrix_norm(J, 2))
    return torch.stack(norms)


@mistake(
    "gradient_by_distance",
    "This is the nuclear norm, the sum of the singular values. Asked for is the largest of them: `matrix_norm(J, 2)`.",
)
def nuclear_norm(states, W_hh):
    T = len(states) - 1
    J = torch.eye(W_hh.shape[0], dtype=W_hh.dtype)
    norms = [torch.linalg.matrix_norm(J, 2)]
    for t in range(T, 0, -1):
        J = J @ ((1 - states[t] ** 2).unsqueeze(1) * W_hh)
        norms.append(torch.linalg.matrix_norm(J, "nuc"))
    return torch.stack(norms)


@mistake(
    "gradient_by_distance",
    "These are the norms of single steps. Over a distance the Jacobians are *multiplied*: keep the product.",
)
def single_steps(states, W_hh):
    T = len(states) - 1
    J = torch.eye(W_hh.shape[0], dtype=W_hh.dtype)
    norms = [torch.linalg.matrix_norm(J, 2)]
    for t in range(T, 0, -1):
        J = (1 - states[t] ** 2).unsqueeze(1) * W_hh
        norms.append(torch.linalg.matrix_norm(J, 2))
    return torch.stack(norms)


@alternative("gradient_by_distance")
def with_diag(states, W_hh):
    norms, J = [], torch.eye(states.shape[1])
    for t in range(len(states) - 1, -1, -1):
        norms.append(torch.linalg.norm(J, ord=2))
        J = J @ torch.diag(1 - states[t] ** 2) @ W_hh
    return torch.stack(norms)


@alternative("gradient_by_distance")
def singular_values(states, W_hh):
    product, found = torch.eye(states.shape[1]), [1.0]
    for t in reversed(range(1, states.shape[0])):
        product = product.matmul(torch.einsum("i,ij->ij", 1 - states[t].square(), W_hh))
        found.append(float(torch.linalg.svdvals(product)[0]))
    return found


@alternative("gradient_by_distance")
def in_numpy(states, W_hh):
    s, w = states.numpy(), W_hh.numpy()
    steps = [np.diag(1 - h * h) @ w for h in s[1:]]
    return np.array([np.linalg.norm(np.linalg.multi_dot([np.eye(len(w)), *steps[::-1][:d], np.eye(len(w))]), 2)
                     for d in range(len(s))])  # fmt: skip


# beam_search


def _beam(step, state, bos, eos, beam, max_length, alpha, *, normalise=True, extend=False, eos_counts=True,
          open_too=False, by_normalised=False, first=None, greedy_state=False, best_open=True):  # fmt: skip
    going, finished = [([], 0.0, state)], []
    for _ in range(max_length):
        grown = []
        for words, score, s in going:
            log_probs, new = step(words[-1] if words else (bos if first is None else first), s)
            for word in range(len(log_probs)):
                grown.append(([*words, word], score + float(log_probs[word]), state if greedy_state else new))
        size = (lambda g: g[1] / len(g[0]) ** alpha) if by_normalised else (lambda g: g[1])
        grown = sorted(grown, key=size, reverse=True)[:beam]
        finished += [g for g in grown if g[0][-1] == eos]
        going = grown if extend else [g for g in grown if g[0][-1] != eos]
        if not going:
            break
    pool = finished + going if open_too else finished or going

    def value(g):
        length = len(g[0]) if eos_counts else max(1, len(g[0]) - (g[0][-1] == eos))
        return g[1] / length**alpha if normalise else g[1]

    return max(pool, key=value)[0]


@mistake(
    "beam_search", "No length normalisation: divide the sum of log-probabilities by length^α, or short sentences win."
)
def not_normalised(*given):
    return _beam(*given, normalise=False)


@mistake("beam_search", "EOS counts as a word: the length is that of all the words that you return.")
def eos_not_counted(*given):
    return _beam(*given, eos_counts=False)


@mistake(
    "beam_search", "An unfinished beginning may win in your search. Choose among the finished, unless there are none."
)
def unfinished_win(*given):
    return _beam(*given, open_too=True)


@mistake("beam_search", "Only one beginning is kept: that is greedy decoding. Keep `beam` of them.")
def beam_of_one(step, state, bos, eos, beam, max_length, alpha):
    return _beam(step, state, bos, eos, 1, max_length, alpha)


@mistake("beam_search", "The search starts with EOS; the first word to be read is BOS.")
def begins_with_eos(step, state, bos, eos, beam, max_length, alpha):
    return _beam(step, state, bos, eos, beam, max_length, alpha, first=eos)


@mistake("beam_search", "Every step uses the first state: keep each beginning's own new state with it.")
def state_forgotten(*given):
    return _beam(*given, greedy_state=True)


@mistake("beam_search", "EOS is missing at the end of your result.")
def eos_cut(step, state, bos, eos, beam, max_length, alpha):
    return [word for word in _beam(step, state, bos, eos, beam, max_length, alpha) if word != eos]


@mistake("beam_search", "Finished sentences are extended further. What ends with EOS leaves the beam.")
def extends_finished(*given):
    return _beam(*given, extend=True)


@mistake("beam_search", "BOS is part of your result; return the chosen words only.")
def bos_returned(step, state, bos, eos, beam, max_length, alpha):
    return [bos, *_beam(step, state, bos, eos, beam, max_length, alpha)][:max_length]


@mistake(
    "beam_search",
    "Those that have ended are replaced: of each step the `beam` best are kept, whether they end or "
    "not, and only then parted.",
)
def beginnings_refill_the_beam(step, state, bos, eos, beam, max_length, alpha):
    going, finished = [([], 0.0, state)], []
    for _ in range(max_length):
        grown = []
        for words, score, state in going:
            log_probs, new_state = step(words[-1] if words else bos, state)
            best = log_probs.topk(min(beam, len(log_probs)))
            for value, word in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                grown.append(([*words, word], score + value, new_state))
        grown.sort(key=lambda g: -g[1])
        finished += [g for g in grown[:beam] if g[0][-1] == eos]
        going = [g for g in grown if g[0][-1] != eos][:beam]
        if not going:
            break
    return max(finished or going, key=lambda g: g[1] / len(g[0]) ** alpha)[0]


@mistake(
    "beam_search",
    "The EOS is cut off. It belongs to the words that are returned.",
)
def without_the_eos(step, state, bos, eos, beam, max_length, alpha):
    going, finished = [([], 0.0, state)], []
    for _ in range(max_length):
        grown = []
        for words, score, state in going:
            log_probs, new_state = step(words[-1] if words else bos, state)
            best = log_probs.topk(min(beam, len(log_probs)))
            for value, word in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                grown.append(([*words, word], score + value, new_state))
        kept = sorted(grown, key=lambda g: g[1], reverse=True)[:beam]
        finished += [g for g in kept if g[0][-1] == eos]
        going = [g for g in kept if g[0][-1] != eos]
        if not going:
            break
    return max(finished or going, key=lambda g: g[1] / len(g[0]) ** alpha)[0][:-1]


@mistake(
    "beam_search",
    "The *worst* finished sentence is returned. Take the largest sum / length^α.",
)
def worst_finished(step, state, bos, eos, beam, max_length, alpha):
    going, finished = [([], 0.0, state)], []
    for _ in range(max_length):
        grown = []
        for words, score, state in going:
            log_probs, new_state = step(words[-1] if words else bos, state)
            best = log_probs.topk(min(beam, len(log_probs)))
            for value, word in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                grown.append(([*words, word], score + value, new_state))
        kept = sorted(grown, key=lambda g: g[1], reverse=True)[:beam]
        finished += [g for g in kept if g[0][-1] == eos]
        going = [g for g in kept if g[0][-1] != eos]
        if not going:
            break
    return min(finished or going, key=lambda g: g[1] / len(g[0]) ** alpha)[0]


@mistake(
    "beam_search",
    "If none has ended within `max_length` words, yours has nothing to return, or an empty one. Take "
    "the best of the open ones then.",
)
def nothing_if_none_ended(step, state, bos, eos, beam, max_length, alpha):
    going, finished = [([], 0.0, state)], []
    for _ in range(max_length):
        grown = []
        for words, score, state in going:
            log_probs, new_state = step(words[-1] if words else bos, state)
            best = log_probs.topk(min(beam, len(log_probs)))
            for value, word in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                grown.append(([*words, word], score + value, new_state))
        kept = sorted(grown, key=lambda g: g[1], reverse=True)[:beam]
        finished += [g for g in kept if g[0][-1] == eos]
        going = [g for g in kept if g[0][-1] != eos]
        if not going:
            break
    return max(finished or [([], -1.0, None)], key=lambda g: g[1] / len(g[0]) ** alpha)[0]


@mistake(
    "beam_search",
    "`max` gets an empty list: if none has ended within `max_length` words, take the best of the open "
    "ones, `finished or going`.",
)
def finished_only(step, state, bos, eos, beam, max_length, alpha):
    going, finished = [([], 0.0, state)], []
    for _ in range(max_length):
        grown = []
        for words, score, state in going:
            log_probs, new_state = step(words[-1] if words else bos, state)
            best = log_probs.topk(min(beam, len(log_probs)))
            for value, word in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                grown.append(([*words, word], score + value, new_state))
        kept = sorted(grown, key=lambda g: g[1], reverse=True)[:beam]
        finished += [g for g in kept if g[0][-1] == eos]
        going = [g for g in kept if g[0][-1] != eos]
        if not going:
            break
    return max(finished, key=lambda g: g[1] / len(g[0]) ** alpha)[0]


@alternative("beam_search")
def every_continuation(*given):
    return _beam(*given)


@alternative("beam_search")
def ranked_by_normalised(*given):  # at one step all beginnings are equally long, so the ranking is the same
    return _beam(*given, by_normalised=True)


@alternative("beam_search")
def with_a_heap(step, state, bos, eos, beam, max_length, alpha):
    open_, closed = [(0.0, (bos,), state)], []
    for _ in range(max_length):
        grown = []
        for score, words, s in open_:
            log_probs, s = step(words[-1], s)
            grown += [(score + p, (*words, w), s) for w, p in enumerate(log_probs.tolist())]
        open_ = []
        for item in heapq.nlargest(beam, grown, key=lambda g: g[0]):
            (closed if item[1][-1] == eos else open_).append(item)
        if len(open_) == 0:
            break
    best = max(closed if closed else open_, key=lambda g: g[0] / (len(g[1]) - 1) ** alpha)
    return list(best[1][1:])


@alternative("beam_search")
def tensor_of_scores(step, state, bos, eos, beam, max_length, alpha):
    words, scores, states, done = [[]], torch.zeros(1), [state], []
    for _ in range(max_length):
        results = [step(w[-1] if w else bos, s) for w, s in zip(words, states, strict=True)]
        table = torch.stack([lp for lp, _ in results]) + scores.unsqueeze(1)
        top = table.flatten().topk(min(beam, table.numel()))
        grown = []
        for value, place in zip(top.values, top.indices.tolist(), strict=True):
            row, word = divmod(place, table.shape[1])
            grown.append(([*words[row], word], value, results[row][1]))
        done += [g for g in grown if g[0][-1] == eos]
        rest = [g for g in grown if g[0][-1] != eos]
        if not rest:
            break
        words, states = [g[0] for g in rest], [g[2] for g in rest]
        scores = torch.stack([g[1] for g in rest])
    return torch.tensor(max(done or rest, key=lambda g: float(g[1]) / len(g[0]) ** alpha)[0])


ZIP = "zip(best.values.tolist(), best.indices.tolist(), strict=True)"
equivalent("beam_search", f"{ZIP} -> {ZIP.replace(', strict=True', '')}", "both lists have the same length")
equivalent("beam_search", "True -> False", "strict=False in that zip: both lists have the same length")
equivalent(
    "gradient_by_distance",
    "torch.eye(states.shape[1], dtype=states.dtype) -> torch.eye(states.shape[1])",
    "torch's default dtype is that of the states while a check runs",
)
equivalent("gradient_by_distance", "1 - h ** 2 -> h ** 2 - 1", "the sign of a Jacobian doesn't change its norm")

# Seen in learners' work


@mistake(
    "last_state", "The indices are in the wrong order: first the row, then the place, `outputs[rows, lengths - 1]`."
)
def indices_swapped(outputs, lengths):
    return outputs[lengths - 1, torch.arange(len(lengths))]


@mistake(
    "token_loss",
    "`cross_entropy` takes axis 1 for the classes, and yours has the places there. Flatten the first two axes of both.",
)
def not_flattened(logits, tgt, pad):
    return F.cross_entropy(logits, tgt, ignore_index=pad)


@mistake("token_loss", "The sum is divided by the number of sentences. Divide by the number of words that count.")
def divided_by_sentences(logits, tgt, pad):
    return F.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=pad, reduction="sum") / len(tgt)


@mistake("greedy_decode", "`step` takes the last words as (B,); yours have an axis of length 1 too many, (B, 1).")
def tokens_in_a_column(step, state, batch, bos, eos, max_length):
    return _greedy(lambda tokens, s: step(tokens.unsqueeze(1), s), state, batch, bos, eos, max_length)


@mistake("greedy_decode", "The last step's words are lost: append them first, and stop then.")
def stops_before_it_appends(step, state, batch, bos, eos, max_length):
    words = _greedy(step, state, batch, bos, eos, max_length)
    return words[:, :-1] if (words == eos).any(1).all() else words


@mistake("greedy_decode", "One step too few: `max_length` words may be chosen, and BOS is none of them.")
def one_word_short(step, state, batch, bos, eos, max_length):
    return _greedy(step, state, batch, bos, eos, max_length - 1)


@mistake(
    "greedy_decode",
    "`done` must be added up over the steps (`done | (tokens == eos)`): you only look at who says EOS in this one.",
)
def done_is_forgotten(step, state, batch, bos, eos, max_length):
    tokens, done, chosen = torch.full((batch,), bos), torch.zeros(batch, dtype=torch.bool), []
    for _ in range(max_length):
        logits, state = step(tokens, state)
        tokens = logits.argmax(-1).masked_fill(done, eos + 0)
        chosen.append(tokens)
        done = logits.argmax(-1) == eos
        if done.all():
            break
    return torch.stack(chosen, dim=1)


@mistake(
    "gradient_by_distance",
    "You multiply the norms of the steps. The norm of a product is smaller: multiply the matrices, then take the norm.",
)
def product_of_norms(states, W_hh):
    norms = [torch.tensor(1.0)]
    for h in states[1:].flip(0):
        norms.append(norms[-1] * torch.linalg.matrix_norm((1 - h**2).unsqueeze(1) * W_hh, 2))
    return torch.stack(norms)


@mistake("gradient_by_distance", "W_hh is transposed: the Jacobian of W_hh h is W_hh itself.")
def transposed(states, W_hh):
    return _products(states, W_hh, lambda h: (1 - h**2).unsqueeze(1) * W_hh.T)


@mistake(
    "gradient_by_distance",
    "This is the largest eigenvalue. The spectral norm is the largest *singular* value: matrix_norm(J, 2).",
)
def largest_eigenvalue(states, W_hh):
    J, found = torch.eye(len(W_hh)), []
    for h in states.flip(0):
        found.append(torch.linalg.eigvals(J).abs().max())
        J = J @ ((1 - h**2).unsqueeze(1) * W_hh)
    return torch.stack(found)


def _other_beam(step, state, bos, eos, beam, max_length, alpha, *, first=False, enough=False, shrinks=False,
                outside=False, ascending=False, value=None, early=False):  # fmt: skip
    """Beam search with one part exchanged."""
    going, finished, size = [([], 0.0, state)], [], beam
    for _ in range(max_length):
        grown = []
        for words, score, s in going:
            log_probs, new = step(words[-1] if words else bos, s)
            grown += [([*words, word], score + p, new) for word, p in enumerate(log_probs.tolist())]
        grown = sorted(grown, key=lambda g: g[1], reverse=not ascending)
        if outside:
            finished += [g for g in grown[:size] if g[0][-1] == eos]
            going = [g for g in grown if g[0][-1] != eos][:size]
        else:
            finished += [g for g in grown[:size] if g[0][-1] == eos]
            going = [g for g in grown[:size] if g[0][-1] != eos]
        size = beam - len(finished) if shrinks else size
        if not going or size <= 0 or (first and finished) or (enough and len(finished) >= beam):
            break
    pool = finished or going
    return pool[0][0] if early else max(pool, key=value or (lambda g: g[1] / len(g[0]) ** alpha))[0]


@mistake(
    "beam_search",
    "The first sentence that has ended is returned. Go on with the others, and return the best of all that have ended.",
)
def stops_with_the_first(*given):
    return _other_beam(*given, first=True)


@mistake("beam_search", "The search stops when `beam` sentences have ended. Go on with those that are still open.")
def stops_when_enough(*given):
    return _other_beam(*given, enough=True)


@mistake(
    "beam_search",
    "The beam shrinks for good with each sentence that ends. Each step keeps the `beam` best of all that was grown.",
)
def shrinks_for_good(*given):
    return _other_beam(*given, shrinks=True)


@mistake(
    "beam_search",
    "Sentences that end don't take a place in your beam: the `beam` best are chosen first, those with EOS "
    "among them, and "
    "then taken out.",
)
def ended_ones_take_no_place(*given):
    return _other_beam(*given, outside=True)


@mistake("beam_search", "The least likely are kept: sort from the largest log-probability to the smallest.")
def ascending(*given):
    return _other_beam(*given, ascending=True)


@mistake("beam_search", "α is not used: divide by length to the power α.")
def alpha_ignored(*given):
    return _other_beam(*given, value=lambda g: g[1] / len(g[0]))


@mistake("beam_search", "You multiply by length^α; it divides.")
def multiplied_by_length(step, state, bos, eos, beam, max_length, alpha):
    value = lambda g: g[1] * len(g[0]) ** alpha  # noqa: E731
    return _other_beam(step, state, bos, eos, beam, max_length, alpha, value=value)


@mistake("beam_search", "The search has no end: after max_length words choose among what there is.")
def no_end(step, state, bos, eos, beam, max_length, alpha):
    return _other_beam(step, state, bos, eos, beam, max_length + 1, alpha)


@mistake("last_state", "This is the mean over a sentence's real words. Pick the state at the last one, lengths − 1.")
def mean_of_real_words(outputs, lengths):
    return torch.stack([outputs[i, : lengths[i]].mean(0) for i in range(len(lengths))])


@mistake(
    "last_state",
    "You count from the padded end: −lengths is as far from it as the sentence is long. It is lengths − 1.",
)
def counted_from_the_end(outputs, lengths):
    return outputs[torch.arange(len(lengths)), -lengths]


# right_by_place


@mistake(
    "right_by_place",
    "You divide by the number of *all* sentences. Only those whose right translation reaches the place are asked.",
)
def divided_by_all_sentences(made, right, places):
    return [
        sum(len(m) > p < len(r) and m[p] == r[p] for m, r in zip(made, right, strict=True)) / len(right)
        for p in range(places)
    ]


@mistake(
    "right_by_place",
    "Sentences whose written words have ended are left out. They count, and are wrong there: a word is missing.",
)
def early_ends_left_out(made, right, places):
    shares = []
    for p in range(places):
        both = [(m[p], r[p]) for m, r in zip(made, right, strict=True) if len(m) > p < len(r)]
        shares.append(sum(a == b for a, b in both) / max(1, len(both)))
    return shares


@mistake(
    "right_by_place",
    "You divide by the sentences whose *written* words reach the place. The right translation must reach it.",
)
def reached_by_the_written(made, right, places):
    shares = []
    for p in range(places):
        hits = sum(len(m) > p < len(r) and m[p] == r[p] for m, r in zip(made, right, strict=True))
        shares.append(hits / max(1, sum(len(m) > p for m in made)))
    return shares


@mistake("right_by_place", "These are counts. A share is a count divided by how many sentences reach the place.")
def counts_only(made, right, places):
    return [
        float(sum(len(m) > p < len(r) and m[p] == r[p] for m, r in zip(made, right, strict=True)))
        for p in range(places)
    ]


@mistake(
    "right_by_place",
    "A word counts as right wherever it stands in your measure. Compare it with the word at its own place.",
)
def wherever_it_stands(made, right, places):
    shares = []
    for p in range(places):
        reached = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        shares.append(sum(len(m) > p and m[p] in r for m, r in reached) / len(reached))
    return shares


@mistake(
    "right_by_place",
    "One mistake makes all later words wrong in your measure. Each place is judged by itself: `m[p] == r[p]`.",
)
def right_up_to_here(made, right, places):
    shares = []
    for p in range(places):
        reached = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        shares.append(sum(m[: p + 1] == r[: p + 1] for m, r in reached) / len(reached))
    return shares


@mistake("right_by_place", "Places are counted from 0: the first share is that of word 0.")
def places_from_one(made, right, places):
    shares = []
    for p in range(1, places + 1):
        reached = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        shares.append(sum(len(m) > p and m[p] == r[p] for m, r in reached) / max(1, len(reached)))
    return shares


@mistake("right_by_place", "This is the share of words that are *wrong*: 1 minus what is asked for.")
def share_of_the_wrong(made, right, places):
    return [1 - share for share in _shares(made, right, places)]


@mistake(
    "right_by_place",
    "Where the written words have ended, `m[place]` fails. Ask first: `len(m) > place and m[place] == r[place]`.",
)
def index_past_the_end(made, right, places):
    shares = []
    for p in range(places):
        reached = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        shares.append(sum(m[p] == r[p] for m, r in reached) / len(reached))
    return shares


@mistake(
    "right_by_place",
    "Where both have ended you count a match (nothing equals nothing). Only sentences whose right translation reaches "
    "the place are asked.",
)
def nothing_equals_nothing(made, right, places):
    def at(words, p):
        return words[p] if p < len(words) else None

    return [sum(at(m, p) == at(r, p) for m, r in zip(made, right, strict=True)) / len(right) for p in range(places)]


@mistake(
    "right_by_place", "This is one share for all places together. Each place has its own: a list of `places` numbers."
)
def one_share(made, right, places):
    pairs = [
        (m[p] if len(m) > p else None, r[p])
        for m, r in zip(made, right, strict=True)
        for p in range(min(places, len(r)))
    ]
    return sum(a == b for a, b in pairs) / len(pairs)


@mistake(
    "right_by_place", "These are the shares of the sentences. Go through the *places*, and count sentences at each."
)
def by_sentence(made, right, places):
    return [
        sum(a == b for a, b in zip(m, r[:places], strict=False)) / len(r[:places])
        for m, r in zip(made, right, strict=True)
    ]


@mistake("right_by_place", "Only the places that every sentence reaches are there. Where few are left, ask those.")
def stops_at_the_shortest(made, right, places):
    return _shares(made, right, min(places, *map(len, right)))


def _shares(made, right, places):
    shares = []
    for p in range(places):
        reached = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        shares.append(sum(len(m) > p and m[p] == r[p] for m, r in reached) / len(reached))
    return shares


@mistake(
    "right_by_place",
    "You divide by one more than the sentences that reach the place: by their number itself.",
)
def one_sentence_too_many(made, right, places):
    out = []
    for p in range(places):
        pairs = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        good = sum(len(m) > p and m[p] == r[p] for m, r in pairs)
        out.append(good / (len(pairs) + 1))
    return out


@mistake(
    "right_by_place",
    "These are percentages. A share is a number from 0 to 1.",
)
def percent_by_place(made, right, places):
    out = []
    for p in range(places):
        pairs = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        good = sum(len(m) > p and m[p] == r[p] for m, r in pairs)
        out.append(100 * good / len(pairs))
    return out


@mistake(
    "right_by_place",
    "A sentence whose written words have ended counts as right in yours. A word is missing there: it is wrong.",
)
def missing_counts_as_right(made, right, places):
    out = []
    for p in range(places):
        pairs = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        good = sum(len(m) <= p or m[p] == r[p] for m, r in pairs)
        out.append(good / len(pairs))
    return out


@mistake(
    "right_by_place",
    "The sentences that end at this place are left out: a sentence of 3 words reaches place 2, so ask `len(r) > p`.",
)
def one_place_too_early(made, right, places):
    out = []
    for p in range(places):
        pairs = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p + 1] or [([], [0] * 99)]
        good = sum(len(m) > p and m[p] == r[p] for m, r in pairs)
        out.append(good / len(pairs))
    return out


@mistake(
    "right_by_place",
    "The right words are added up from place to place. Start each place's count anew.",
)
def added_up_over_places(made, right, places):
    out, good = [], 0
    for p in range(places):
        pairs = [(m, r) for m, r in zip(made, right, strict=True) if len(r) > p]
        good = good + sum(len(m) > p and m[p] == r[p] for m, r in pairs)
        out.append(good / len(pairs))
    return out


@alternative("right_by_place")
def hits_and_reached(made, right, places):
    hits, reached = [0] * places, [0] * places
    for m, r in zip(made, right, strict=True):
        for p in range(min(places, len(r))):
            reached[p] += 1
            if p < len(m) and m[p] == r[p]:
                hits[p] += 1
    return [h / n for h, n in zip(hits, reached, strict=True)]


@alternative("right_by_place")
def by_slices(made, right, places):
    shares = []
    for p in range(places):
        asked = [m[p : p + 1] == r[p : p + 1] for m, r in zip(made, right, strict=True) if r[p : p + 1]]
        shares.append(float(np.mean(asked)))
    return shares


@alternative("right_by_place")
def as_a_tensor(made, right, places):
    right_there = torch.full((len(right), places), float("nan"))
    for i, (m, r) in enumerate(zip(made, right, strict=True)):
        for p, word in enumerate(r[:places]):
            right_there[i, p] = float(m[p : p + 1] == [word])
    return torch.nanmean(right_there, dim=0)


# Seen in learners' work, once more


@mistake(
    "last_state",
    "`gather` picks one feature a sentence here: its index needs all n of them, `expand(-1, 1, outputs.shape[2])`.",
)
def one_feature_gathered(outputs, lengths):
    return outputs.gather(1, (lengths - 1).view(-1, 1, 1)).squeeze(1)


@mistake(
    "token_loss",
    "`reshape` doesn't turn axes, it cuts the numbers anew: words and classes are mixed up. Turn with "
    "`transpose(1, 2)`, or flatten.",
)
def reshaped_instead_of_turned(logits, tgt, pad):
    B, T, V = logits.shape
    return F.cross_entropy(logits.reshape(B, V, T), tgt, ignore_index=pad)


@mistake(
    "token_loss", "You average the probabilities and take the logarithm last. Take −log of each word's, then average."
)
def logarithm_of_the_mean(logits, tgt, pad):
    p = torch.softmax(logits, -1).gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    return -torch.log(p[tgt != pad].mean())


@mistake(
    "gradient_by_distance",
    "You walk forwards from the first step: that is ∂h_t/∂h_0. Begin at t = T and walk back: the last state stays.",
)
def from_the_first_step(states, W_hh):
    J = torch.eye(len(W_hh), dtype=W_hh.dtype)
    norms = [torch.linalg.matrix_norm(J, 2)]
    for t in range(1, len(states)):
        J = ((1 - states[t] ** 2).unsqueeze(1) * W_hh) @ J
        norms.append(torch.linalg.matrix_norm(J, 2))
    return torch.stack(norms)


def _kept_beam(
    step, state, bos, eos, beam, max_length, alpha, start=(), empty=0.0, add=lambda a, b: a + b, worst=False
):
    """A right search, but for its beginning, how scores are joined, and which are kept."""
    opened, finished = [(list(start), empty, state)], []
    for _ in range(max_length):
        found = []
        for words, score, old in opened:
            log_probs, new = step(words[-1] if words else bos, old)
            best = log_probs.topk(min(beam, len(log_probs)))
            pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
            found += [([*words, word], add(score, p), new) for word, p in pairs]
        found = sorted(found, key=lambda f: f[1], reverse=not worst)[:beam]
        finished += [f for f in found if f[0][-1] == eos]
        opened = [f for f in found if f[0][-1] != eos]
        if not opened:
            break
    return max(finished or opened, key=lambda f: f[1] / len(f[0]) ** alpha)[0]


@mistake(
    "beam_search",
    "BOS is part of your result, and of the length that divides. The result holds the words after it only.",
)
def bos_is_a_word(step, state, bos, eos, beam, max_length, alpha):
    return _kept_beam(step, state, bos, eos, beam, max_length, alpha, start=(bos,))


@mistake("beam_search", "BOS is counted in the length that divides. L is the number of words after it, EOS included.")
def length_with_bos(step, state, bos, eos, beam, max_length, alpha):
    return _kept_beam(step, state, bos, eos, beam, max_length, alpha, start=(bos,))[1:]


@mistake("beam_search", "You multiply log-probabilities. Probabilities are multiplied; their logarithms are *added*.")
def logarithms_multiplied(step, state, bos, eos, beam, max_length, alpha):
    return _kept_beam(step, state, bos, eos, beam, max_length, alpha, empty=1.0, add=lambda a, b: a * b)


@mistake("beam_search", "The *worst* continuations are kept: `sort` puts the smallest first. Sort with `reverse=True`.")
def the_worst_kept(step, state, bos, eos, beam, max_length, alpha):
    return _kept_beam(step, state, bos, eos, beam, max_length, alpha, worst=True)


def _by_place(made, right, places, reached, hit):
    """A share at each place, with its own idea of who is asked and what is a hit."""
    shares = []
    for p in range(places):
        asked = [(m, r) for m, r in zip(made, right, strict=True) if reached(m, r, p)]
        shares.append(sum(hit(m, r, p) for m, r in asked) / max(1, len(asked)))
    return shares


def _same(m, r, p):
    return len(m) > p < len(r) and m[p] == r[p]


@mistake(
    "right_by_place", "Where the written words have ended you take the last of them again. A missing word is wrong."
)
def last_word_again(made, right, places):
    return _by_place(made, right, places, lambda m, r, p: len(r) > p, lambda m, r, p: m[min(p, len(m) - 1)] == r[p])


@mistake(
    "right_by_place",
    "What is written beyond the right end counts as wrong in yours. It counts nowhere: only the right translation must "
    "reach the place.",
)
def either_reaches(made, right, places):
    return _by_place(made, right, places, lambda m, r, p: max(len(m), len(r)) > p, _same)


@mistake(
    "right_by_place",
    "A sentence of 3 words has places 0, 1 and 2: it reaches place p if `len(r) > p`, not if `len(r) >= p`.",
)
def one_place_too_far(made, right, places):
    return _by_place(made, right, places, lambda m, r, p: len(r) >= p, _same)


@mistake(
    "right_by_place",
    "Only sentences that reach *all* places are asked in yours. At each place, ask all that reach this one.",
)
def only_those_that_reach_all(made, right, places):
    return _by_place(made, right, places, lambda m, r, p: len(r) >= places, _same)


@mistake("right_by_place", "Sentences with a wrong *length* are left out. They count, at each place that is reached.")
def only_of_right_length(made, right, places):
    return _by_place(made, right, places, lambda m, r, p: p < len(r) == len(m), _same)


@mistake("right_by_place", "The right word may stand anywhere in yours. Compare it with the word at its own place.")
def right_word_anywhere(made, right, places):
    return _by_place(made, right, places, lambda m, r, p: len(r) > p, lambda m, r, p: r[p] in m)


@mistake("last_state", "Each row's length picks a state of the *first* sentence. Pair it with its own row.")
def of_the_first_sentence(outputs, lengths):
    return outputs[0, lengths - 1]


@mistake("last_state", "This is the state before the last word: positions run from 0, so the last is lengths − 1.")
def one_before_the_last(outputs, lengths):
    return outputs[torch.arange(len(outputs)), (lengths - 2).clamp(min=0)]


@mistake(
    "greedy_decode",
    "A row that has said EOS goes on with other words, and nothing remembers that it had ended: keep `done`, and stop "
    "when all rows are.",
)
def never_done(step, state, batch, bos, eos, max_length):
    return _greedy(step, state, batch, bos, eos, max_length, keep=True, stop=False)


@mistake(
    "beam_search",
    "One state runs through all beginnings. Each keeps its own: the one that its own last step gave.",
)
def one_state_for_all(step, state, bos, eos, beam, max_length, alpha):
    going, finished = [([], 0.0)], []
    for _ in range(max_length):
        grown = []
        for words, score in going:
            log_probs, state = step(words[-1] if words else bos, state)
            grown += [([*words, word], score + p) for word, p in enumerate(log_probs.tolist())]
        grown = sorted(grown, key=lambda g: g[1], reverse=True)[:beam]
        finished += [g for g in grown if g[0][-1] == eos]
        going = [g for g in grown if g[0][-1] != eos]
        if not going:
            break
    return max(finished or going, key=lambda g: g[1] / len(g[0]) ** alpha)[0]
