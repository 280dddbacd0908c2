"""Known mistakes and right alternatives of lesson 02."""

from functools import reduce

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.authoring.bank import alternative, mistake

# image_vector


@mistake(
    "image_vector", "These are the class scores. Stop before the class layer: it keeps only what tells classes apart."
)
def class_scores(pictures, layers):
    for layer in layers:
        pictures = layer(pictures)
    return pictures


@mistake(
    "image_vector",
    "These are class probabilities, the very last thing the network says. Take what goes into the class layer.",
)
def class_softmax(pictures, layers):
    for layer in layers:
        pictures = layer(pictures)
    return torch.softmax(pictures, dim=-1)


@mistake(
    "image_vector", "You return the most likely class: one number instead of a vector. Stop before the class layer."
)
def best_class(pictures, layers):
    for layer in layers:
        pictures = layer(pictures)
    return pictures.argmax(-1)


@mistake(
    "image_vector", "You stop one layer too early: the activation before the class layer belongs to v. `layers[:-1]`."
)
def one_too_early(pictures, layers):
    for layer in layers[:-2]:
        pictures = layer(pictures)
    return pictures


@mistake("image_vector", "Every layer gets the picture itself. Hand each layer what the one before it gave.")
def each_from_the_picture(pictures, layers):
    v = pictures
    for layer in layers[:-1]:
        v = layer(pictures)
    return v


@mistake(
    "image_vector", "Only one layer is called, and it gets the picture itself: call all layers but the last, in turn."
)
def the_one_before_last_alone(pictures, layers):
    return layers[-2](pictures)


@mistake("image_vector", "You count on four layers. There may be any number: all but the last, `layers[:-1]`.")
def four_layers(pictures, layers):
    for layer in layers[:4]:
        pictures = layer(pictures)
    return pictures


@mistake("image_vector", "This is the first layer's map. Go on through all layers but the last.")
def first_layer_only(pictures, layers):
    return layers[0](pictures)


@mistake("image_vector", "You scale v to length 1. The class layer gets it unscaled, and so should the captioner.")
def unit_length(pictures, layers):
    for layer in layers[:-1]:
        pictures = layer(pictures)
    return F.normalize(pictures, dim=-1)


@mistake(
    "image_vector", "A softmax follows the last layer that you run. The captioner gets the layer's numbers as they are."
)
def softmax_at_the_end(pictures, layers):
    for layer in layers[:-1]:
        pictures = layer(pictures)
    return torch.softmax(pictures, dim=-1)


@mistake(
    "image_vector",
    "A relu too many: return what the layer before the class layer gives as it is.",
)
def one_relu_more(pictures, layers):
    x = pictures
    for layer in layers[:-1]:
        x = layer(x)
    return torch.relu(x)


@mistake(
    "image_vector",
    "Yours calls three layers, however many there are. Call all but the last: `layers[:-1]`.",
)
def three_layers(pictures, layers):
    x = pictures
    for layer in layers[:3]:
        x = layer(x)
    return x


@alternative("image_vector")
def by_index(pictures, layers):
    for i in range(len(layers) - 1):
        pictures = layers[i](pictures)
    return pictures


@alternative("image_vector")
def reduced(pictures, layers):
    return reduce(lambda value, layer: layer(value), layers[:-1], pictures)


@alternative("image_vector")
def unpacked_and_recursive(pictures, layers):
    first, *rest = layers
    if not rest:
        return pictures
    return unpacked_and_recursive(first(pictures), rest)


@mistake(
    "image_vector",
    "The values are right, but `no_grad` (`.detach()`, numpy) cuts the gradient: the layers could not be trained on.",
)
def without_gradient(pictures, layers):
    *body, _ = layers
    with torch.no_grad():
        for layer in body:
            pictures = layer(pictures)
    return pictures


# caption_step


@mistake("caption_step", "The cell's input is in the wrong order: first the word, then the picture.")
def picture_first(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T
    if t > 0 and not every_step:
        image = torch.zeros_like(image)
    return cell(torch.cat([image, x], dim=-1), h)


@mistake("caption_step", "`every_step` has no effect: if it is False, the picture's part is zeros from t = 1 on.")
def always_at_every_step(x, h, v, t, W_ih, cell, every_step):
    return cell(torch.cat([x, v @ W_ih.T], dim=-1), h)


@mistake("caption_step", "The picture is gone after t = 0 even if `every_step` is True. Both conditions must hold.")
def always_first_only(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T
    return cell(torch.cat([x, image if t == 0 else torch.zeros_like(image)], dim=-1), h)


@mistake("caption_step", "The two cases are swapped: zeros belong to `every_step=False`.")
def swapped_cases(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T
    if t > 0 and every_step:
        image = torch.zeros_like(image)
    return cell(torch.cat([x, image], dim=-1), h)


@mistake("caption_step", "The first step is t = 0: with `t > 1` the picture is still there at the second one.")
def counts_from_one(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T
    if t > 1 and not every_step:
        image = torch.zeros_like(image)
    return cell(torch.cat([x, image], dim=-1), h)


@mistake(
    "caption_step", "With `every_step=False` the picture never arrives: at t = 0 it must, or the network is blind."
)
def never_arrives(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T if every_step else torch.zeros(len(v), len(W_ih), dtype=v.dtype)
    return cell(torch.cat([x, image], dim=-1), h)


@mistake("caption_step", "The cell starts from zeros at every step: give it the state h as its second argument.")
def state_forgotten(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T
    if t > 0 and not every_step:
        image = torch.zeros_like(image)
    return cell(torch.cat([x, image], dim=-1), torch.zeros_like(h))


@mistake("caption_step", "One tanh too many: the cell squashes its sum itself. Return what it gives.")
def tanh_again(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T
    if t > 0 and not every_step:
        image = torch.zeros_like(image)
    return torch.tanh(cell(torch.cat([x, image], dim=-1), h))


@mistake("caption_step", "The whole input is zeros after t = 0. Only the picture's part is; the word stays.")
def word_lost_too(x, h, v, t, W_ih, cell, every_step):
    inputs = torch.cat([x, v @ W_ih.T], dim=-1)
    if t > 0 and not every_step:
        inputs = torch.zeros_like(inputs)
    return cell(inputs, h)


@mistake("caption_step", "The picture's vector goes in as it is. Multiply it by W_ih first: `v @ W_ih.T`.")
def not_projected(x, h, v, t, W_ih, cell, every_step):
    image = v if t == 0 or every_step else torch.zeros_like(v)
    return cell(torch.cat([x, image], dim=-1), h)


@mistake("caption_step", "The cell's arguments are swapped: first its input, then the old state.")
def arguments_swapped(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T
    if t > 0 and not every_step:
        image = torch.zeros_like(image)
    return cell(h, torch.cat([x, image], dim=-1))


@mistake(
    "caption_step",
    "At later steps the cell gets the word alone, and its input is too short: zeros of the same shape must stand "
    "in the picture's place.",
)
def no_zeros(x, h, v, t, W_ih, cell, every_step):
    if t > 0 and not every_step:
        return cell(x, h)
    return cell(torch.cat([x, v @ W_ih.T], dim=-1), h)


@mistake("caption_step", "Word and picture are stacked as rows: put them side by side, `torch.cat(..., dim=-1)`.")
def one_above_the_other(x, h, v, t, W_ih, cell, every_step):
    return cell(torch.cat([x, v @ W_ih.T]), h)


@mistake("caption_step", "Values are right, but the gradient is cut on the way (`.detach()`, `.tolist()`, numpy).")
def cut_on_the_way(x, h, v, t, W_ih, cell, every_step):
    image = torch.tensor((v @ W_ih.T).tolist())
    if t > 0 and not every_step:
        image = torch.zeros_like(image)
    return cell(torch.cat([x, image], dim=-1), h)


@mistake(
    "caption_step",
    "With `every_step` False the picture goes in at t = 0, and zeros at later steps. Yours is the other way round.",
)
def zeros_at_first(x, h, v, t, W_ih, cell, every_step):
    part = v @ W_ih.T
    if t == 0 and not every_step:
        part = torch.zeros_like(part)
    return cell(torch.cat([x, part], dim=-1), h)


@mistake(
    "caption_step", "At later steps you return the old state: no word is read. Only the *picture's* part becomes zeros."
)
def state_kept(x, h, v, t, W_ih, cell, every_step):
    return cell(torch.cat([x, v @ W_ih.T], dim=-1), h) if every_step or t == 0 else h


@mistake("caption_step", "The picture's part goes through a tanh. It is W_ih v as it is: the cell has its own tanh.")
def picture_through_tanh(x, h, v, t, W_ih, cell, every_step):
    part = torch.tanh(v @ W_ih.T) * float(every_step or t == 0)
    return cell(torch.cat([x, part], dim=-1), h)


@mistake(
    "caption_step",
    "The picture never gets in: its part of the input is W_ih v at t = 0, and with `every_step` at all t.",
)
def picture_never(x, h, v, t, W_ih, cell, every_step):
    pic = v @ W_ih.T
    if t > 0 and not every_step:
        pic = torch.zeros_like(pic)
    pic = torch.zeros_like(pic)
    return cell(torch.cat([x, pic], -1), h)


@mistake(
    "caption_step",
    "The old state is added to the new one. Return what the cell gives.",
)
def state_added(x, h, v, t, W_ih, cell, every_step):
    pic = v @ W_ih.T
    if t > 0 and not every_step:
        pic = torch.zeros_like(pic)
    return h + cell(torch.cat([x, pic], -1), h)


@mistake(
    "caption_step",
    "Where the picture is left out, its part of the input is ones. It is zeros.",
)
def ones_for_no_picture(x, h, v, t, W_ih, cell, every_step):
    pic = v @ W_ih.T
    if t > 0 and not every_step:
        pic = torch.ones_like(pic)
    return cell(torch.cat([x, pic], -1), h)


@alternative("caption_step")
def switched_by_a_factor(x, h, v, t, W_ih, cell, every_step):
    on = 1.0 if every_step or t == 0 else 0.0
    return cell(torch.hstack([x, on * F.linear(v, W_ih)]), h)


@alternative("caption_step")
def zero_vector_first(x, h, v, t, W_ih, cell, every_step):
    seen = v if (t == 0 or every_step) else v * 0
    return cell(torch.cat((x, torch.einsum("kd,bd->bk", W_ih, seen)), 1), h)


@alternative("caption_step")
def filled_in_place(x, h, v, t, W_ih, cell, every_step):
    inputs = torch.zeros(x.shape[0], x.shape[1] + W_ih.shape[0])
    inputs[:, : x.shape[1]] = x
    if every_step or not t:
        for b in range(len(x)):
            inputs[b, x.shape[1] :] = W_ih @ v[b]
    return cell(inputs, h)


@alternative("caption_step")
def picture_by_picture(x, h, v, t, W_ih, cell, every_step):
    rows = []
    for word, picture in zip(x, v, strict=True):
        image = W_ih @ picture
        rows.append(torch.cat([word, image if every_step or t == 0 else image - image]))
    return cell(torch.stack(rows), h)


# caption_loss


def _unrolled(step, state, words, bos, feed):
    """Logits (B, T, V); `feed(t, output)` says what is read after step t."""
    tokens, logits = torch.full_like(words[:, 0], bos), []
    for t in range(words.shape[1]):
        output, state = step(tokens, state)
        logits.append(output)
        tokens = feed(t, output)
    return torch.stack(logits, dim=1)


@mistake(
    "caption_loss",
    "The network reads the very word that it should say. At step t it reads the word of step t − 1, and BOS at first.",
)
def reads_the_answer(step, state, words, bos, pad):
    logits = []
    for t in range(words.shape[1]):
        output, state = step(words[:, t], state)
        logits.append(output)
    return F.cross_entropy(torch.cat(logits), words.T.flatten(), ignore_index=pad)


@mistake(
    "caption_loss",
    "The network reads its own words. Under teacher forcing it reads the right ones, whatever it would have said.",
)
def reads_its_own(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: output.argmax(-1))
    return F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=pad)


@mistake("caption_loss", "The state isn't carried on: give each step the state that the last one returned.")
def state_not_carried(step, state, words, bos, pad):
    tokens, logits = torch.full_like(words[:, 0], bos), []
    for t in range(words.shape[1]):
        output, _ = step(tokens, state)
        logits.append(output)
        tokens = words[:, t]
    return F.cross_entropy(torch.cat(logits), words.T.flatten(), ignore_index=pad)


@mistake("caption_loss", "Padding counts as if it were a word. Leave it out of the sum and out of the number of words.")
def padding_counts(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    return F.cross_entropy(logits.flatten(0, 1), words.flatten())


@mistake(
    "caption_loss",
    "Padding is left out of the sum, but not of the number that you divide by: divide by the words that count.",
)
def divided_by_all_places(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    return F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=pad, reduction="sum") / words.numel()


@mistake(
    "caption_loss",
    "You average within each caption first: words of short captions weigh more. Divide once, by all words that count.",
)
def mean_of_captions(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    losses = F.cross_entropy(logits.transpose(1, 2), words, ignore_index=pad, reduction="none")
    return (losses.sum(1) / (words != pad).sum(1)).mean()


@mistake(
    "caption_loss",
    "You average over the steps of the batch's means: late steps, where few captions are left, weigh too much. "
    "Divide once, by all words that count.",
)
def mean_of_steps(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    losses = [F.cross_entropy(logits[:, t], words[:, t], ignore_index=pad) for t in range(words.shape[1])]
    return sum(losses) / len(losses)


@mistake("caption_loss", "This is the sum over all words. Divide it by the number of words that count.")
def sum_of_words(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    return F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=pad, reduction="sum")


@mistake("caption_loss", "The sum is divided by the number of captions. Divide by the number of words that count.")
def divided_by_captions(step, state, words, bos, pad):
    return sum_of_words(step, state, words, bos, pad) / len(words)


@mistake("caption_loss", "The sign is missing: this is the mean of log p, and training would make captions unlikely.")
def sign_forgotten(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    return -F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=pad)


@mistake(
    "caption_loss",
    "The first word isn't asked for: start with BOS, and the first logits must say the caption's first word.",
)
def begins_with_the_first_word(step, state, words, bos, pad):
    logits = []
    for t in range(words.shape[1] - 1):
        output, state = step(words[:, t], state)
        logits.append(output)
    return F.cross_entropy(torch.stack(logits, 1).flatten(0, 1), words[:, 1:].flatten(), ignore_index=pad)


@mistake("caption_loss", "These are probabilities. Take their logarithm: `log_softmax`, not `softmax`.")
def without_logarithm(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    chances = logits.softmax(-1).gather(2, words.unsqueeze(-1)).squeeze(-1)
    return -(chances * (words != pad)).sum() / (words != pad).sum()


@mistake(
    "caption_loss",
    "(B, 1) times (B,) makes a (B, B) table: every row meets every mask. Squeeze the axis that `gather` leaves.",
)
def axis_not_squeezed(step, state, words, bos, pad):
    tokens, total = torch.full_like(words[:, 0], bos), 0.0
    for t in range(words.shape[1]):
        logits, state = step(tokens, state)
        log_p = torch.log_softmax(logits, -1).gather(1, words[:, t : t + 1])
        total = total - (log_p * (words[:, t] != pad)).sum()
        tokens = words[:, t]
    return total / (words != pad).sum()


@mistake("caption_loss", "BOS is written as a number here. Use the argument `bos`: another vocabulary, another number.")
def bos_is_one(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, 1, lambda t, output: words[:, t])
    return F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=pad)


@mistake("caption_loss", "Padding is written as 0 here. Use the argument `pad`: another vocabulary, another number.")
def pad_is_zero(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    return F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=0)


def _mean_of(losses, words, counts):
    """The mean of losses (B, T) over the words that count."""
    return (losses * counts).sum() / counts.sum()


def _word_losses(step, state, words, bos, feed=None):
    logits = _unrolled(step, state, words, bos, feed or (lambda t, output: words[:, t]))
    return F.cross_entropy(logits.transpose(1, 2), words, reduction="none")


@mistake(
    "caption_loss",
    "Each step reads BOS. After the first it reads the right word of the step before: `words[:, t - 1]`.",
)
def bos_at_every_step(step, state, words, bos, pad):
    losses = _word_losses(step, state, words, bos, lambda t, output: torch.full_like(words[:, 0], bos))
    return _mean_of(losses, words, words != pad)


@mistake(
    "caption_loss", "The first word is never asked for: BOS is read at t = 0, and should be followed by `words[:, 0]`."
)
def first_word_skipped(step, state, words, bos, pad):
    losses = _word_losses(step, state, words[:, 1:], bos)
    return (losses * (words[:, 1:] != pad)).sum() / (words != pad).sum()


@mistake("caption_loss", "The last word is left out: all T of them are asked for, EOS included.")
def last_step_left_out(step, state, words, bos, pad):
    losses = _word_losses(step, state, words, bos)
    return (losses * (words != pad))[:, :-1].sum() / (words != pad).sum()


@mistake("caption_loss", "BOS is taken for 0. Use the argument `bos`.")
def bos_is_zero(step, state, words, bos, pad):
    return _mean_of(_word_losses(step, state, words, 0), words, words != pad)


@mistake(
    "caption_loss",
    "You ask whether the word that was *read* is padding. The word that is to be *said* must be none.",
)
def mask_of_what_is_read(step, state, words, bos, pad):
    read = torch.cat([torch.full_like(words[:, :1], bos), words[:, :-1]], dim=1)
    losses = _word_losses(step, state, words, bos)
    return (losses * (read != pad)).sum() / (words != pad).sum()


@mistake("caption_loss", "The softmax runs over the batch. It must run over the vocabulary, the last axis.")
def softmax_over_captions(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    losses = -torch.log_softmax(logits, dim=0).gather(2, words.unsqueeze(2)).squeeze(2)
    return _mean_of(losses, words, words != pad)


@mistake(
    "caption_loss",
    "The value is right, but the loss has no gradient (`.item()`, `.detach()`, `no_grad`): nothing is learned from it.",
)
def loss_without_gradient(step, state, words, bos, pad):
    return _mean_of(_word_losses(step, state, words, bos), words, words != pad).detach()


@mistake(
    "caption_loss",
    "The first word that is read is the right first word: it sees what it should say. Begin with BOS.",
)
def first_word_read_first(step, state, words, bos, pad):
    _B, T = words.shape
    last = words[:, 0]
    total = 0
    for t in range(T):
        logits, state = step(last, state)
        lp = logits.log_softmax(-1).gather(1, words[:, t : t + 1]).squeeze(1)
        total = total - (lp * (words[:, t] != pad)).sum()
        last = words[:, t]
    return total / (words != pad).sum()


@mistake(
    "caption_loss",
    "The padding's −log p is part of the sum (though not of the number that it is divided by). Leave it out of both.",
)
def padding_in_the_sum(step, state, words, bos, pad):
    B, T = words.shape
    last = torch.full((B,), bos)
    total = 0
    for t in range(T):
        logits, state = step(last, state)
        lp = logits.log_softmax(-1).gather(1, words[:, t : t + 1]).squeeze(1)
        total = total - lp.sum()
        last = words[:, t]
    return total / (words != pad).sum()


@mistake(
    "caption_loss",
    "At step t your network reads the word before the last. It should read `words[:, t − 1]`, and BOS at t = 0.",
)
def one_word_late(step, state, words, bos, pad):
    B, T = words.shape
    last = torch.full((B,), bos)
    total = 0
    for t in range(T):
        logits, state = step(last, state)
        lp = logits.log_softmax(-1).gather(1, words[:, t : t + 1]).squeeze(1)
        total = total - (lp * (words[:, t] != pad)).sum()
        last = words[:, max(t - 1, 0)]
    return total / (words != pad).sum()


@mistake(
    "caption_loss",
    "The last word of each caption, its EOS, is left out. It counts; padding does not.",
)
def eos_left_out(step, state, words, bos, pad):
    B, T = words.shape
    last = torch.full((B,), bos)
    total = 0
    for t in range(T):
        logits, state = step(last, state)
        lp = logits.log_softmax(-1).gather(1, words[:, t : t + 1]).squeeze(1)
        total = total - (lp * ((words[:, t] != pad) & (t + 1 < T) & (words[:, min(t + 1, T - 1)] != pad))).sum()
        last = words[:, t]
    return total / (words != pad).sum()


@alternative("caption_loss")
def gathered(step, state, words, bos, pad):
    read = torch.cat([torch.full_like(words[:, :1], bos), words[:, :-1]], dim=1)
    total = 0.0
    for t in range(words.shape[1]):
        logits, state = step(read[:, t], state)
        log_p = torch.log_softmax(logits, -1).gather(1, words[:, t : t + 1]).squeeze(1)
        total = total - (log_p * (words[:, t] != pad)).sum()
    return total / (words != pad).sum()


@alternative("caption_loss")
def nll_of_stacked(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    return nn.NLLLoss(ignore_index=pad)(logits.log_softmax(-1).transpose(1, 2), words)


@alternative("caption_loss")
def chosen_by_mask(step, state, words, bos, pad):
    logits = _unrolled(step, state, words, bos, lambda t, output: words[:, t])
    kept = words != pad
    return F.cross_entropy(logits[kept], words[kept])


@alternative("caption_loss")
def word_by_word(step, state, words, bos, pad):
    tokens, terms = torch.full((len(words),), bos), []
    for t in range(words.shape[1]):
        logits, state = step(tokens, state)
        for b in range(len(words)):
            if words[b, t] != pad:
                terms.append(torch.logsumexp(logits[b], 0) - logits[b, words[b, t]])
        tokens = words[:, t]
    return torch.stack(terms).mean()


# caption_greedy


def _greedy(
    step, state, batch, bos, eos, max_length, *, value_of=None, after_end=True, eos_counts=True, stop=torch.all
):
    """Greedy decoding with one part exchanged: what a word adds, what is added after the end, when it stops."""
    tokens, done = torch.full((batch,), bos), torch.zeros(batch, dtype=torch.bool)
    words, total = [], torch.zeros(batch)
    for _ in range(max_length):
        logits, state = step(tokens, state)
        scores = value_of(logits) if value_of else torch.log_softmax(logits, dim=-1)
        value, tokens = scores.max(dim=-1)
        ended = done if eos_counts else done | (tokens == eos)
        total = total + (value.masked_fill(ended, 0.0) if after_end else value)
        tokens = tokens.masked_fill(done, eos)
        words.append(tokens)
        done = done | (tokens == eos)
        if stop(done):
            break
    return torch.stack(words, dim=1), total


@mistake(
    "caption_greedy",
    "You add logits. Only after `log_softmax` are they log-probabilities, of which the sum means something.",
)
def adds_logits(*given):
    return _greedy(*given, value_of=lambda logits: logits)


@mistake(
    "caption_greedy",
    "Captions that have ended go on adding: fill the value with 0 where the row was done before the step.",
)
def adds_after_the_end(*given):
    return _greedy(*given, after_end=False)


@mistake("caption_greedy", "EOS is a word of the caption, too: its log-probability counts. Update `done` after adding.")
def eos_not_counted(*given):
    return _greedy(*given, eos_counts=False)


@mistake("caption_greedy", "You stop as soon as one caption has ended. Go on until all have: `done.all()`.")
def stops_with_the_first(*given):
    return _greedy(*given, stop=torch.any)


@mistake("caption_greedy", "All captions have ended, and you go on to `max_length`: stop when `done.all()`.")
def never_stops(*given):
    return _greedy(*given, stop=lambda done: False)


@mistake("caption_greedy", "This is the probability of the caption, exp of what is asked for. Return the sum of log p.")
def probability(*given):
    words, total = _greedy(*given)
    return words, total.exp()


@mistake("caption_greedy", "You divide by the length: this is the mean of log p of a word. The sum is asked for.")
def mean_log_probability(step, state, batch, bos, eos, max_length):
    words, total = _greedy(step, state, batch, bos, eos, max_length)
    lengths = (words != eos).sum(1) + (words == eos).any(1)
    return words, total / lengths


@mistake("caption_greedy", "BOS isn't part of the caption: collect the words that the network says.")
def begins_with_bos(step, state, batch, bos, eos, max_length):
    words, total = _greedy(step, state, batch, bos, eos, max_length)
    return torch.cat([torch.full((batch, 1), bos), words], dim=1), total


@mistake("caption_greedy", "The results are in the other order: first the words, then their log-probability.")
def results_swapped(*given):
    return _greedy(*given)[::-1]


@mistake(
    "caption_greedy",
    "After EOS a caption goes on with other words. Write EOS where the row was done before the step.",
)
def goes_on_after_eos(step, state, batch, bos, eos, max_length):
    tokens, done = torch.full((batch,), bos), torch.zeros(batch, dtype=torch.bool)
    words, total = [], torch.zeros(batch)
    for _ in range(max_length):
        logits, state = step(tokens, state)
        value, tokens = torch.log_softmax(logits, dim=-1).max(dim=-1)
        total = total + value.masked_fill(done, 0.0)
        words.append(tokens)
        done = done | (tokens == eos)
        if done.all():
            break
    return torch.stack(words, dim=1), total


@mistake("caption_greedy", "The network reads BOS at every step: feed the word that it has just said.")
def always_reads_bos(step, state, batch, bos, eos, max_length):
    return _greedy(lambda tokens, state: step(torch.full_like(tokens, bos), state), state, batch, bos, eos, max_length)


@mistake("caption_greedy", "The state is not carried on: give each step the state that the last one returned.")
def first_state_again(step, state, batch, bos, eos, max_length):
    return _greedy(lambda tokens, _: (step(tokens, state)[0], None), None, batch, bos, eos, max_length)


@mistake("caption_greedy", "You add probabilities. Add their logarithms: `log_softmax`, not `softmax`.")
def adds_probabilities(*given):
    return _greedy(*given, value_of=lambda logits: logits.softmax(-1))


@mistake("caption_greedy", "After EOS you write 0. Write EOS again: `token.masked_fill(done, eos)`.")
def zeros_after_eos(step, state, batch, bos, eos, max_length):
    words, total = _greedy(step, state, batch, bos, eos, max_length)
    over = (words == eos).cumsum(1) - (words == eos).long() > 0
    return words.masked_fill(over, 0), total


@mistake("caption_greedy", "The last step's words are lost: append them first, and stop then.")
def stops_before_it_appends(step, state, batch, bos, eos, max_length):
    words, total = _greedy(step, state, batch, bos, eos, max_length)
    return (words[:, :-1] if (words == eos).any(1).all() else words), total


@mistake("caption_greedy", "One word too few: `max_length` words may be written, BOS is none of them.")
def one_word_short(step, state, batch, bos, eos, max_length):
    return _greedy(step, state, batch, bos, eos, max_length - 1)


def _right_greedy(step, state, batch, bos, eos, max_length):
    words, log_p = _greedy(step, state, batch, bos, eos, max_length)
    return words, log_p


@mistake("caption_greedy", "The words are (L, B): a row for each step. Stack them along dim=1: a row for each caption.")
def a_row_for_each_step(step, state, batch, bos, eos, max_length):
    words, log_p = _right_greedy(step, state, batch, bos, eos, max_length)
    return words.T, log_p


@mistake("caption_greedy", "One word too many: at most `max_length`.")
def one_word_too_many(step, state, batch, bos, eos, max_length):
    return _right_greedy(step, state, batch, bos, eos, max_length + 1)


@mistake("caption_greedy", "This is the mean over the words. The log-probability of a caption is the sum.")
def mean_of_log_probabilities(step, state, batch, bos, eos, max_length):
    words, log_p = _right_greedy(step, state, batch, bos, eos, max_length)
    return words, log_p / words.shape[1]


@mistake("caption_greedy", "All captions get one sum together. Each row has its own log-probability, (B,).")
def one_sum_for_all(step, state, batch, bos, eos, max_length):
    words, log_p = _right_greedy(step, state, batch, bos, eos, max_length)
    return words, log_p.sum().expand(batch)


@mistake(
    "caption_greedy",
    "Only the last step's log-probability is returned. Add those of all steps.",
)
def log_p_of_the_last_step(step, state, batch, bos, eos, max_length):
    last = torch.full((batch,), bos)
    done = torch.zeros(batch, dtype=torch.bool)
    words, log_p = [], 0
    for _ in range(max_length):
        logits, state = step(last, state)
        value, token = logits.log_softmax(-1).max(-1)
        log_p = value.masked_fill(done, 0)
        last = token.masked_fill(done, eos)
        words.append(last)
        done = done | (last == eos)
        if done.all():
            break
    return torch.stack(words, 1), log_p


@mistake(
    "caption_greedy",
    "The sign is turned: log p is below 0.",
)
def minus_log_p(step, state, batch, bos, eos, max_length):
    last = torch.full((batch,), bos)
    done = torch.zeros(batch, dtype=torch.bool)
    words, log_p = [], 0
    for _ in range(max_length):
        logits, state = step(last, state)
        value, token = logits.log_softmax(-1).max(-1)
        log_p = log_p + value.masked_fill(done, 0)
        last = token.masked_fill(done, eos)
        words.append(last)
        done = done | (last == eos)
        if done.all():
            break
    return torch.stack(words, 1), -log_p


@mistake(
    "caption_greedy",
    "The log-probability is divided by the number of words. Asked for is that of the whole caption: the sum.",
)
def mean_log_p(step, state, batch, bos, eos, max_length):
    last = torch.full((batch,), bos)
    done = torch.zeros(batch, dtype=torch.bool)
    words, log_p = [], 0
    for _ in range(max_length):
        logits, state = step(last, state)
        value, token = logits.log_softmax(-1).max(-1)
        log_p = log_p + value.masked_fill(done, 0)
        last = token.masked_fill(done, eos)
        words.append(last)
        done = done | (last == eos)
        if done.all():
            break
    return torch.stack(words, 1), log_p / (torch.stack(words, 1) != eos).sum(1).clamp(min=1)


@mistake(
    "caption_greedy",
    "The log-probabilities of all captions are added up. Keep one for each: (B,).",
)
def all_rows_added(step, state, batch, bos, eos, max_length):
    last = torch.full((batch,), bos)
    done = torch.zeros(batch, dtype=torch.bool)
    words, log_p = [], 0
    for _ in range(max_length):
        logits, state = step(last, state)
        value, token = logits.log_softmax(-1).max(-1)
        log_p = log_p + value.masked_fill(done, 0)
        last = token.masked_fill(done, eos)
        words.append(last)
        done = done | (last == eos)
        if done.all():
            break
    return torch.stack(words, 1), log_p.sum()


@alternative("caption_greedy")
def gathered_greedy(step, state, batch, bos, eos, max_length):
    word, running = torch.full((batch,), bos), torch.ones(batch)
    words, total = torch.empty(batch, 0, dtype=torch.long), torch.zeros(batch)
    while words.shape[1] < max_length and running.any():
        logits, state = step(word, state)
        word = logits.argmax(-1)
        total += running * logits.log_softmax(-1).gather(1, word[:, None])[:, 0]
        word = torch.where(running.bool(), word, eos)
        words = torch.cat([words, word[:, None]], dim=1)
        running = running * (word != eos)
    return words, total


@alternative("caption_greedy")
def log_of_normaliser(step, state, batch, bos, eos, max_length):
    tokens, words, values = torch.full((batch,), bos), [], []
    ended = torch.zeros(batch, dtype=torch.bool)
    for _ in range(max_length):
        logits, state = step(tokens, state)
        best = logits.amax(-1)
        values.append(torch.where(ended, torch.zeros_like(best), best - torch.logsumexp(logits, -1)))
        tokens = torch.where(ended, torch.full_like(tokens, eos), logits.argmax(-1))
        words.append(tokens)
        ended = ended | tokens.eq(eos)
        if bool(ended.all()):
            break
    return [torch.stack(words, 1), torch.stack(values).sum(0)]


@alternative("caption_greedy")
def cut_afterwards(step, state, batch, bos, eos, max_length):
    tokens, words, values = torch.full((batch,), bos), [], []
    for _ in range(max_length):
        logits, state = step(tokens, state)
        value, tokens = torch.log_softmax(logits, -1).max(-1)
        words.append(tokens)
        values.append(value)
        if (torch.stack(words, 1) == eos).any(1).all():
            break
    words, values = torch.stack(words, 1), torch.stack(values, 1)
    over = (words == eos).cumsum(1) - (words == eos).long() > 0
    return words.masked_fill(over, eos), (values * ~over).sum(1)


# whose_words


def _counted(said, case, odds):
    """The loop: `case(i, k, word)` is 0 (right), 1 (borrowed) or 2 (invented), `odds(i, k)` what a wrong one adds."""
    counts, chance = [0, 0, 0], 0.0
    for i, words in enumerate(said):
        for k, word in enumerate(words):
            which = case(i, k, word)
            counts[which] += 1
            chance += odds(i, k) if which else 0
    return *counts, chance


def _rightly(said, there, choices, case=None, odds=None):
    """As it should be, but for what is given."""

    def others(i, k):
        return {thing[k] for thing in there} - {there[i][k]}

    def own_case(i, k, word):
        return 0 if word == there[i][k] else 1 if word in others(i, k) else 2

    def own_odds(i, k):
        return len(others(i, k)) / (choices[k] - 1)

    return _counted(said, case or own_case, odds or own_odds)


@mistake(
    "whose_words",
    "A right word counts as borrowed where another object has it, too. Ask first whether it is right: "
    "two objects may both be red.",
)
def borrowed_asked_first(said, there, choices):
    def case(i, k, word):
        if any(word == there[j][k] for j in range(len(there)) if j != i):
            return 1
        return 0 if word == there[i][k] else 2

    return _rightly(said, there, choices, case)


@mistake(
    "whose_words",
    "You look for the word anywhere in the picture. A shape said where a colour belongs is invented: "
    "compare words at the same place, `thing[k]`.",
)
def all_kinds_in_one(said, there, choices):
    everything = {word for thing in there for word in thing}

    def case(i, k, word):
        return 0 if word == there[i][k] else 1 if word in everything else 2

    return _rightly(said, there, choices, case)


@mistake(
    "whose_words",
    "A word is right for you if any object has it, so nothing is ever borrowed. Right is `there[i][k]`, "
    "the word of *this* object.",
)
def right_if_anywhere(said, there, choices):
    return _rightly(said, there, choices, lambda i, k, word: 0 if word in {thing[k] for thing in there} else 2)


@mistake(
    "whose_words",
    "Borrowed and invented have changed places. Borrowed is a word that another object has; it stands second.",
)
def two_counts_exchanged(said, there, choices):
    right, borrowed, invented, chance = _rightly(said, there, choices)
    return right, invented, borrowed, chance


@mistake(
    "whose_words",
    "Your third number counts all wrong words. Invented are those that are not borrowed, either.",
)
def invented_are_all_wrong(said, there, choices):
    right, borrowed, invented, chance = _rightly(said, there, choices)
    return right, borrowed, borrowed + invented, chance


@mistake(
    "whose_words",
    "You ask whether the caption *says* the word of another object. Whose it is, is told by what there is: `there`.",
)
def others_that_were_said(said, there, choices):
    def case(i, k, word):
        others = {said[j][k] for j in range(len(said)) if j != i}
        return 0 if word == there[i][k] else 1 if word in others else 2

    return _rightly(said, there, choices, case)


@mistake(
    "whose_words",
    "By chance: a wrong word can't be the right one. One word less is left to draw from: `choices[k] - 1`.",
)
def drawn_from_all(said, there, choices):
    return _rightly(
        said, there, choices,
        odds=lambda i, k: len({thing[k] for thing in there} - {there[i][k]}) / choices[k],
    )  # fmt: skip


@mistake(
    "whose_words",
    "By chance: a word that two of the other objects have counts twice. It can be drawn only once: "
    "collect the words in a set.",
)
def same_word_twice(said, there, choices):
    return _rightly(
        said, there, choices,
        odds=lambda i, k: sum(thing[k] != there[i][k] for thing in there) / (choices[k] - 1),
    )  # fmt: skip


@mistake(
    "whose_words",
    "By chance: the right word is still among those that luck may hit, where another object has it, too. "
    "Take `there[i][k]` out of the set.",
)
def right_one_left_in(said, there, choices):
    return _rightly(
        said, there, choices,
        odds=lambda i, k: len({there[j][k] for j in range(len(there)) if j != i}) / (choices[k] - 1),
    )  # fmt: skip


@mistake(
    "whose_words",
    "By chance: the object's own word is counted with those of the others. It is right, so it can't be borrowed: "
    "`- {there[i][k]}`.",
)
def own_word_counted(said, there, choices):
    return _rightly(said, there, choices, odds=lambda i, k: len({thing[k] for thing in there}) / (choices[k] - 1))


@mistake(
    "whose_words",
    "By chance: every other object counts, even if its word is the right one or one that was counted. "
    "Count different words that are wrong.",
)
def as_many_as_objects(said, there, choices):
    return _rightly(said, there, choices, odds=lambda i, k: (len(there) - 1) / (choices[k] - 1))


@mistake(
    "whose_words",
    "By chance: you count one word to hit in every picture. There are as many as the others have different words.",
)
def one_to_hit(said, there, choices):
    return _rightly(said, there, choices, odds=lambda i, k: 1 / (choices[k] - 1))


@mistake(
    "whose_words",
    "By chance: right words add to it, too. Only a wrong word is drawn anew: add nothing where the word is right.",
)
def right_words_drawn_too(said, there, choices):
    right, borrowed, invented, _ = _rightly(said, there, choices)
    chance = 0.0
    for thing in there:
        for k, word in enumerate(thing):
            chance += len({other[k] for other in there} - {word}) / (choices[k] - 1)
    return right, borrowed, invented, chance


@mistake(
    "whose_words",
    "By chance: only invented words are drawn anew in yours. Borrowed ones are wrong as well, and may be luck.",
)
def only_invented_drawn(said, there, choices):
    counts, chance = [0, 0, 0], 0.0
    for i, words in enumerate(said):
        for k, word in enumerate(words):
            others = {thing[k] for thing in there} - {there[i][k]}
            case = 0 if word == there[i][k] else 1 if word in others else 2
            counts[case] += 1
            chance += len(others) / (choices[k] - 1) if case == 2 else 0
    return *counts, chance


@mistake(
    "whose_words",
    "The baseline is your own count of borrowed words once more. By chance a wrong word is borrowed with probability "
    "(words that would be borrowed) / (words that can be drawn).",
)
def counted_not_expected(said, there, choices):
    right, borrowed, invented, _ = _rightly(said, there, choices)
    return right, borrowed, invented, float(borrowed)


@mistake(
    "whose_words",
    "Your baseline is a share. The fourth number is a count like the others: don't divide by the wrong words.",
)
def chance_as_a_share(said, there, choices):
    right, borrowed, invented, chance = _rightly(said, there, choices)
    return right, borrowed, invented, chance / max(borrowed + invented, 1)


@mistake(
    "whose_words",
    "There aren't always two, six and five words: how many each kind has stands in `choices`.",
)
def sizes_of_the_course(said, there, choices):
    known = [2, 6, 5, 2]
    return _rightly(
        said, there, choices,
        odds=lambda i, k: len({thing[k] for thing in there} - {there[i][k]}) / (known[k] - 1),
    )  # fmt: skip


@mistake(
    "whose_words",
    "You compare with one other object, the next. There may be more, or none: go through all of `there`.",
)
def next_object_only(said, there, choices):
    def following(i, k):
        return there[(i + 1) % len(there)][k]

    def case(i, k, word):
        return 0 if word == there[i][k] else 1 if word == following(i, k) else 2

    return _rightly(said, there, choices, case, lambda i, k: (following(i, k) != there[i][k]) / (choices[k] - 1))


@mistake(
    "whose_words",
    "The counts begin anew with each object, so only the last one's are left. Set them to 0 once, before the loop.",
)
def last_object_only(said, there, choices):
    for i, words in enumerate(said):
        counts, chance = [0, 0, 0], 0.0
        for k, word in enumerate(words):
            others = {thing[k] for thing in there} - {there[i][k]}
            case = 0 if word == there[i][k] else 1 if word in others else 2
            counts[case] += 1
            chance += len(others) / (choices[k] - 1) if case else 0
    return *counts, chance


@mistake(
    "whose_words",
    "You look at the first kind of word only. Go through all K places of each object.",
)
def first_kind_only(said, there, choices):
    return _rightly([words[:1] for words in said], there, choices)


@mistake(
    "whose_words",
    "You count on three kinds of words. There are K of them, `len(choices)`: as many as an object has words.",
)
def three_kinds(said, there, choices):
    counts, chance = [0, 0, 0], 0.0
    for spoken, real in zip(said, there, strict=True):
        for k in range(3):
            others = {thing[k] for thing in there} - {real[k]}
            case = 0 if spoken[k] == real[k] else 1 if spoken[k] in others else 2
            counts[case] += 1
            chance += len(others) / (choices[k] - 1) if case else 0
    return *counts, chance


@mistake(
    "whose_words",
    "You return shares of all words. Counts are asked for: those of many captions shall be added up.",
)
def shares_of_all(said, there, choices):
    numbers = _rightly(said, there, choices)
    return tuple(number / sum(numbers[:3]) for number in numbers)


@mistake(
    "whose_words",
    "You count objects, not words: each of an object's K words is right, borrowed or invented for itself.",
)
def whole_objects(said, there, choices):
    counts = [0, 0, 0]
    for words, thing in zip(said, there, strict=True):
        counts[0 if words == thing else 1 if words in there else 2] += 1
    return *counts, _rightly(said, there, choices)[3]


@mistake(
    "whose_words",
    "Each different word counts once. Two objects said to be red are two words: count every place.",
)
def different_words(said, there, choices):
    right = {(k, w) for words, thing in zip(said, there, strict=True) for k, w in enumerate(words) if w == thing[k]}
    wrong = {(k, w) for words in said for k, w in enumerate(words)} - right
    borrowed = {(k, w) for k, w in wrong if any(thing[k] == w for thing in there)}
    return len(right), len(borrowed), len(wrong) - len(borrowed), _rightly(said, there, choices)[3]


@alternative("whose_words")
def kind_by_kind(said, there, choices):
    right = borrowed = invented = 0
    chance = 0.0
    for spoken, real, n in zip(zip(*said, strict=True), zip(*there, strict=True), choices, strict=True):
        for word, own in zip(spoken, real, strict=True):
            if word == own:
                right += 1
                continue
            chance += (len(set(real)) - 1) / (n - 1)
            if word in real:
                borrowed += 1
            else:
                invented += 1
    return right, borrowed, invented, chance


@alternative("whose_words")
def by_arrays(said, there, choices):
    said, there = np.array(said), np.array(there)
    right = said == there
    found = (said[:, None] == there[None]).any(1)
    different = np.array([len(set(column)) for column in there.T])
    chance = (~right * (different - 1) / (np.array(choices) - 1)).sum()
    return int(right.sum()), int((found & ~right).sum()), int((~found).sum()), float(chance)


@alternative("whose_words")
def of_all_triples(said, there, choices):
    places = [(i, k) for i in range(len(said)) for k in range(len(choices))]
    wrong = [(i, k) for i, k in places if said[i][k] != there[i][k]]
    others = {(i, k): {t[k] for j, t in enumerate(there) if j != i and t[k] != there[i][k]} for i, k in wrong}
    borrowed = sum(said[i][k] in others[i, k] for i, k in wrong)
    chance = sum([len(others[i, k]) / (choices[k] - 1) for i, k in wrong])
    return [len(places) - len(wrong), borrowed, len(wrong) - borrowed, chance]


@alternative("whose_words")
def by_tensors(said, there, choices):
    numbers = {word: n for n, word in enumerate({w for thing in [*said, *there] for w in thing})}
    s, t = (torch.tensor([[numbers[w] for w in thing] for thing in things]) for things in (said, there))
    right, found = s == t, (s.unsqueeze(1) == t).any(1)
    luck = torch.tensor([len(set(column)) - 1 for column in t.T.tolist()]) / (torch.tensor(choices) - 1)
    return right.sum(), (found & ~right).sum(), (~found).sum(), (luck * ~right).sum()


# Seen in learners' work


@mistake(
    "image_vector", "You take the class layer out of the caller's own list. Use `layers[:-1]`, which is a new one."
)
def takes_it_out(pictures, layers):
    layers.pop()
    for layer in layers:
        pictures = layer(pictures)
    return pictures


@mistake(
    "image_vector",
    "`nn.Sequential` takes modules only, and these are functions: call one after the other in a loop.",
)
def in_a_sequential(pictures, layers):
    return torch.nn.Sequential(*layers[:-1])(pictures)


@mistake("caption_step", "`or` should be `and`: the picture's part is zeros only if t > 0 *and* every_step is False.")
def either_condition(x, h, v, t, W_ih, cell, every_step):
    image = v @ W_ih.T
    return cell(torch.cat([x, torch.zeros_like(image) if t > 0 or not every_step else image], -1), h)


@mistake("caption_loss", "EOS, the last real word of each caption, isn't asked for: only padding is left out.")
def last_word_left_out(step, state, words, bos, pad):
    tokens, losses = torch.full((len(words),), bos), []
    for t in range(words.shape[1]):
        logits, state = step(tokens, state)
        each = torch.nn.functional.cross_entropy(logits, words[:, t], reduction="none")
        following = words[:, t + 1] if t + 1 < words.shape[1] else torch.full((len(words),), pad)
        losses.append(each[(words[:, t] != pad) & (following != pad)])
        tokens = words[:, t]
    return torch.cat(losses).mean()


@mistake("caption_loss", "These are raw logits: only after `log_softmax` are they log-probabilities.")
def raw_logits(step, state, words, bos, pad):
    tokens, losses = torch.full((len(words),), bos), []
    for t in range(words.shape[1]):
        logits, state = step(tokens, state)
        losses.append(-logits.gather(1, words[:, t : t + 1])[:, 0][words[:, t] != pad])
        tokens = words[:, t]
    return torch.cat(losses).mean()


@mistake("caption_greedy", "Only the last word's log p is returned: add them up over the steps.")
def last_word_only(step, state, batch, bos, eos, max_length):
    tokens, done = torch.full((batch,), bos), torch.zeros(batch, dtype=torch.bool)
    words, last = [], torch.zeros(batch)
    for _ in range(max_length):
        logits, state = step(tokens, state)
        value, tokens = torch.log_softmax(logits, dim=-1).max(dim=-1)
        last = torch.where(done, last, value)
        tokens = tokens.masked_fill(done, eos)
        words.append(tokens)
        done = done | (tokens == eos)
        if done.all():
            break
    return torch.stack(words, dim=1), last


@mistake("caption_greedy", "The softmax runs over the captions of the batch. It belongs over the words: dim=-1.")
def softmax_over_the_batch(step, state, batch, bos, eos, max_length):
    tokens, done = torch.full((batch,), bos), torch.zeros(batch, dtype=torch.bool)
    words, total = [], torch.zeros(batch)
    for _ in range(max_length):
        logits, state = step(tokens, state)
        tokens = logits.argmax(-1)
        value = torch.log_softmax(logits, dim=0).gather(1, tokens[:, None])[:, 0]
        total = total + value.masked_fill(done, 0.0)
        tokens = tokens.masked_fill(done, eos)
        words.append(tokens)
        done = done | (tokens == eos)
        if done.all():
            break
    return torch.stack(words, dim=1), total
