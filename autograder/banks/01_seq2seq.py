"""Known answers to lesson 01: wrong ones with the sentence that helps, and right ones written otherwise."""

import heapq

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# rnn_step


@mistake("rnn_step", "The tanh is missing: without it the network is linear, and its state can grow without bound.")
def without_tanh(x, h, W_xh, W_hh, b):
    return x @ W_xh.T + h @ W_hh.T + b


@mistake("rnn_step", "The bias is missing.")
def without_bias(x, h, W_xh, W_hh, b):
    return torch.tanh(x @ W_xh.T + h @ W_hh.T)


@mistake("rnn_step", "The old state has no part in the new one: add W_hh h inside the tanh, or nothing is remembered.")
def without_memory(x, h, W_xh, W_hh, b):
    return torch.tanh(x @ W_xh.T + b)


@mistake("rnn_step", "The input has no part in the new state: add W_xh x inside the tanh.")
def without_input(x, h, W_xh, W_hh, b):
    return torch.tanh(h @ W_hh.T + b)


@mistake("rnn_step", "W_hh is transposed: with the batch first, the product W_hh h is `h @ W_hh.T`.")
def not_transposed(x, h, W_xh, W_hh, b):
    return torch.tanh(x @ W_xh.T + h @ W_hh + b)


@mistake("rnn_step", "The tanh is applied to each part separately. Add the three terms first, then take one tanh.")
def tanh_of_parts(x, h, W_xh, W_hh, b):
    return torch.tanh(x @ W_xh.T) + torch.tanh(h @ W_hh.T) + b


@mistake("rnn_step", "This is a sigmoid; the plain recurrent network uses tanh.")
def sigmoid_step(x, h, W_xh, W_hh, b):
    return torch.sigmoid(x @ W_xh.T + h @ W_hh.T + b)


@mistake("rnn_step", "The gradient to h is cut: don't detach the state inside a step.")
def detached_state(x, h, W_xh, W_hh, b):
    return torch.tanh(x @ W_xh.T + h.detach() @ W_hh.T + b + 0 * h)


@alternative("rnn_step")
def with_linear(x, h, W_xh, W_hh, b):
    return torch.tanh(F.linear(x, W_xh, b) + F.linear(h, W_hh))


@alternative("rnn_step")
def library_cell(x, h, W_xh, W_hh, b):
    cell = torch.nn.RNNCell(x.shape[1], h.shape[1])
    parameters = {"weight_ih": W_xh, "weight_hh": W_hh, "bias_ih": b, "bias_hh": torch.zeros_like(b)}
    return torch.func.functional_call(cell, parameters, (x, h))


@alternative("rnn_step")
def one_matrix(x, h, W_xh, W_hh, b):
    return (torch.cat([x, h], 1) @ torch.cat([W_xh, W_hh], 1).T + b).tanh()


@alternative("rnn_step")
def sentence_by_sentence(x, h, W_xh, W_hh, b):
    return torch.stack([torch.tanh(W_xh @ x[i] + W_hh @ h[i] + b) for i in range(len(x))])


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
    "The values are right, but numpy cuts the gradient: the encoder would learn nothing. Index the tensor itself.",
)
def numpy_index(outputs, lengths):
    return outputs.numpy()[np.arange(len(lengths)), lengths.numpy() - 1]


# shift_right


@mistake("shift_right", "BOS is missing: the decoder has nothing to read before the first word.")
def no_bos(tgt, bos):
    return tgt[:, :-1]


@mistake("shift_right", "The last word is still there: the decoder would read one word more than it has to say.")
def last_word_kept(tgt, bos):
    return torch.cat([torch.full_like(tgt[:, :1], bos), tgt], dim=1)


@mistake("shift_right", "Shifted to the left: the decoder would read the very word that it has to say.")
def shifted_left(tgt, bos):
    return torch.cat([tgt[:, 1:], torch.full_like(tgt[:, :1], bos)], dim=1)


@mistake("shift_right", "torch.roll brings the last word to the front; BOS must stand there.")
def rolled(tgt, bos):
    return tgt.roll(1, dims=1)


@mistake("shift_right", "You change `tgt` itself: the loss needs it as it was. Write into a new tensor.")
def in_place(tgt, bos):
    shifted = tgt[:, :-1].clone()
    tgt[:, 1:] = shifted
    tgt[:, 0] = bos
    return tgt


@mistake("shift_right", "BOS replaces the first word, but nothing is shifted.")
def replaced(tgt, bos):
    return torch.cat([torch.full_like(tgt[:, :1], bos), tgt[:, 1:]], dim=1)


@mistake("shift_right", "The number of BOS is fixed in your code: use the argument `bos`.")
def fixed_bos(tgt, bos):
    return torch.cat([torch.zeros_like(tgt[:, :1]), tgt[:, :-1]], dim=1)


@mistake("shift_right", "You shift along the batch: time is the second axis, dim=1.")
def along_the_batch(tgt, bos):
    return torch.cat([torch.full_like(tgt[:1], bos), tgt[:-1]], dim=0)


@alternative("shift_right")
def with_pad(tgt, bos):
    return F.pad(tgt, (1, -1), value=bos)


@alternative("shift_right")
def roll_and_overwrite(tgt, bos):
    read = tgt.roll(1, dims=1)
    read[:, 0] = bos
    return read


@alternative("shift_right")
def new_tensor(tgt, bos):
    read = torch.empty_like(tgt)
    read[:, 0], read[:, 1:] = bos, tgt[:, :-1]
    return read


@alternative("shift_right")
def as_lists(tgt, bos):
    return [[bos, *row[:-1]] for row in tgt.tolist()]


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


@mistake("rnn_step", "The bias stands outside of tanh: add it to the sum before.")
def bias_outside(x, h, W_xh, W_hh, b):
    return torch.tanh(x @ W_xh.T + h @ W_hh.T) + b


@mistake(
    "last_state", "The indices are in the wrong order: first the row, then the place, `outputs[rows, lengths - 1]`."
)
def indices_swapped(outputs, lengths):
    return outputs[lengths - 1, torch.arange(len(lengths))]


@mistake(
    "shift_right",
    "Your result holds decimal numbers, since `torch.zeros` and `torch.full` of a float make them. An embedding wants "
    "int64: `torch.full_like(tgt, bos)`.",
)
def made_of_floats(tgt, bos):
    read = torch.zeros(tgt.shape)
    read[:, 0] = bos
    read[:, 1:] = tgt[:, :-1]
    return read


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


@alternative("rnn_step")
def names_float32(x, h, W_xh, W_hh, b):
    return torch.tanh(torch.einsum("bd,nd->bn", x.float(), W_xh) + h @ W_hh.T + b)


@mistake("last_state", "This is the mean over a sentence's real words. Pick the state at the last one, lengths − 1.")
def mean_of_real_words(outputs, lengths):
    return torch.stack([outputs[i, : lengths[i]].mean(0) for i in range(len(lengths))])


@mistake(
    "last_state",
    "You count from the padded end: −lengths is as far from it as the sentence is long. It is lengths − 1.",
)
def counted_from_the_end(outputs, lengths):
    return outputs[torch.arange(len(lengths)), -lengths]


@mistake("shift_right", "You shift along the batch, so the sentences change places. Time is the second axis.")
def rolled_along_the_batch(tgt, bos):
    read = tgt.roll(1, 0)
    read[:, 0] = bos
    return read
