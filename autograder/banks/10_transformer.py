"""Known answers to lesson 10: wrong ones with the sentence that helps, and right ones written otherwise."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from autograder.authoring.bank import alternative, equivalent, mistake

# layer_norm


def _normed(x, eps, dim=-1, correction=0):
    variance = x.var(dim=dim, keepdim=True, correction=correction)
    return (x - x.mean(dim=dim, keepdim=True)) / torch.sqrt(variance + eps)


@mistake(
    "layer_norm",
    "Your variance divides by d − 1. Layer normalisation divides by d: the mean of squares, or correction=0.",
)
def unbiased_variance(x, gain, bias, eps=1e-5):
    return gain * _normed(x, eps, correction=1) + bias


@mistake("layer_norm", "eps stands outside the root. It belongs inside: √(variance + eps).")
def eps_outside(x, gain, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdim=True)
    return gain * centred / (x.std(-1, keepdim=True, correction=0) + eps) + bias


@mistake(
    "layer_norm",
    "You divide by d − 1, as x.std does by default, and eps stands outside the root. Write √(variance + eps).",
)
def library_std(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + eps) + bias


@mistake("layer_norm", "You divide by the variance. Divide by its root: √(variance + eps).")
def no_root(x, gain, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdim=True)
    return gain * centred / ((centred**2).mean(-1, keepdim=True) + eps) + bias


@mistake(
    "layer_norm",
    "You normalise over the first axis, as batch normalisation does. Each vector is normed on its own: dim=-1.",
)
def over_the_batch(x, gain, bias, eps=1e-5):
    return gain * _normed(x, eps, dim=0) + bias


@mistake("layer_norm", "You normalise over the words of a sentence. Each vector is normed on its own: dim=-1.")
def over_the_words(x, gain, bias, eps=1e-5):
    return gain * _normed(x, eps, dim=-2) + bias


@mistake(
    "layer_norm",
    "You take one mean and one variance over the whole tensor: each vector has its own. Give mean and variance dim=-1.",
)
def over_everything(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean()) / torch.sqrt(x.var(correction=0) + eps) + bias


@mistake("layer_norm", "The mean is not subtracted. Centre x first; the variance is that of the centred vector.")
def not_centred(x, gain, bias, eps=1e-5):
    return gain * x / torch.sqrt(x.var(-1, keepdim=True, correction=0) + eps) + bias


@mistake(
    "layer_norm",
    "This is RMS normalisation, a later relative: it leaves the mean in. Subtract the mean before you square.",
)
def root_mean_square(x, gain, bias, eps=1e-5):
    return gain * x / torch.sqrt((x**2).mean(-1, keepdim=True) + eps) + bias


@mistake("layer_norm", "eps is not used: a vector whose numbers are all alike would be divided by zero.")
def eps_forgotten(x, gain, bias, eps=1e-5):
    return gain * _normed(x, 0.0) + bias


@mistake("layer_norm", "Gain and bias are not used: multiply the normed vector by the gain, then add the bias.")
def neither_gain_nor_bias(x, gain, bias, eps=1e-5):
    return _normed(x, eps)


@mistake("layer_norm", "The bias is missing.")
def bias_forgotten(x, gain, bias, eps=1e-5):
    return gain * _normed(x, eps)


@mistake("layer_norm", "Gain and bias are in each other's place: the gain multiplies, the bias is added.")
def gain_for_bias(x, gain, bias, eps=1e-5):
    return bias * _normed(x, eps) + gain


@mistake("layer_norm", "The bias is added before the gain multiplies. The order is: normed · gain + bias.")
def bias_inside(x, gain, bias, eps=1e-5):
    return gain * (_normed(x, eps) + bias)


@mistake(
    "layer_norm",
    "Mean and variance are cut out of the gradient by detach or no_grad: they depend on x, and the gradient must know.",
)
def detached(x, gain, bias, eps=1e-5):
    variance = x.var(-1, keepdim=True, correction=0).detach()
    return gain * (x - x.mean(-1, keepdim=True).detach()) / torch.sqrt(variance + eps) + bias


@mistake(
    "layer_norm",
    "You count the axes from the front, dim=1: that is the words' axis of (B, T, d). The last axis is always dim=-1.",
)
def second_axis(x, gain, bias, eps=1e-5):
    return gain * _normed(x, eps, dim=1) + bias


@mistake(
    "layer_norm",
    "A whole sentence shares one mean and variance, dim=(-2, -1). Each word has its own: dim=-1 alone.",
)
def over_the_sentence(x, gain, bias, eps=1e-5):
    return gain * _normed(x, eps, dim=(-2, -1)) + bias


@mistake("layer_norm", "You wrote 1e-5 into the formula: that is the default only. Use the argument eps.")
def eps_written_in(x, gain, bias, eps=1e-5):
    return gain * _normed(x, 1e-5) + bias


@mistake(
    "layer_norm",
    "The mean has lost its last axis, so it can't be subtracted from x: keepdim=True, in mean and variance.",
)
def axis_lost(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1)) / torch.sqrt(x.var(-1, correction=0) + eps) + bias


@mistake(
    "layer_norm", "All vectors of an example share one mean and variance. Each vector has its own: the last axis only."
)
def over_all_but_the_batch(x, gain, bias, eps=1e-5):
    return gain * _normed(x, eps, dim=tuple(range(1, x.ndim))) + bias


@mistake("layer_norm", "You multiply by 1 + gain. Multiply by the gain itself.")
def one_and_gain(x, gain, bias, eps=1e-5):
    return (1 + gain) * _normed(x, eps) + bias


@mistake("layer_norm", "The gain is missing: it multiplies the normalised vector.")
def gain_forgotten(x, gain, bias, eps=1e-5):
    return _normed(x, eps) + bias


@mistake(
    "layer_norm", "You divide by a root of the mean *absolute* difference. The variance is the mean of the squares."
)
def absolute_differences(x, gain, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdim=True)
    return gain * centred / torch.sqrt(centred.abs().mean(-1, keepdim=True) + eps) + bias


@mistake(
    "layer_norm",
    "You divide by the mean of the absolute differences. The spread is the root of the mean of their *squares*.",
)
def mean_of_absolute_values(x, gain, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    var = (x - mean).abs().mean(-1, keepdim=True) ** 2
    return gain * (x - mean) / (var + eps).sqrt() + bias


@mistake(
    "layer_norm",
    "You divide by the length of the vector. That is √d times too much: take the root of the *mean* of the squares.",
)
def divided_by_the_length(x, gain, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    return gain * (x - mean) / ((x - mean).norm(dim=-1, keepdim=True) + eps) + bias


@mistake(
    "layer_norm",
    "The gain has the wrong sign.",
)
def gain_with_minus(x, gain, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    var = ((x - mean) ** 2).mean(-1, keepdim=True)
    return -gain * (x - mean) / (var + eps).sqrt() + bias


@mistake(
    "layer_norm",
    "The values are right, but no gradient flows through the spread: leave `.detach()` out.",
)
def spread_detached(x, gain, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    var = ((x - mean) ** 2).mean(-1, keepdim=True)
    return gain * (x - mean) / (var.detach() + eps).sqrt() + bias


@alternative("layer_norm")
def library_norm(x, gain, bias, eps=1e-5):
    return F.layer_norm(x, (x.shape[-1],), gain, bias, eps)


@alternative("layer_norm")
def with_var(x, gain, bias, eps=1e-5):
    return (x - x.mean(-1, keepdim=True)) * torch.rsqrt(x.var(-1, keepdim=True, unbiased=False) + eps) * gain + bias


@alternative("layer_norm")
def mean_of_squares(x, gain, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    variance = (x**2).mean(-1, keepdim=True) - mean**2
    return gain * (x - mean) / (variance + eps).sqrt() + bias


@alternative("layer_norm")
def vector_by_vector(x, gain, bias, eps=1e-5):
    rows = []
    for row in x.reshape(-1, x.shape[-1]):
        centred = row - row.sum() / len(row)
        rows.append(gain * centred / torch.sqrt(centred @ centred / len(row) + eps) + bias)
    return torch.stack(rows).reshape(x.shape)


# feed_forward


# residual


@mistake("residual", "Pre and post are exchanged: with `pre` the norm stands before the sub-layer, inside the path.")
def exchanged(x, sublayer, norm, pre):
    return norm(x + sublayer(x)) if pre else x + sublayer(norm(x))


@mistake("residual", "This is post-norm in both cases. With `pre` it is x + sublayer(norm(x)).")
def always_post(x, sublayer, norm, pre):
    return norm(x + sublayer(x))


@mistake("residual", "This is pre-norm in both cases. Without `pre` it is norm(x + sublayer(x)).")
def always_pre(x, sublayer, norm, pre):
    return x + sublayer(norm(x))


@mistake("residual", "x is never added: without it the path breaks, and words become alike within a few layers.")
def nothing_added(x, sublayer, norm, pre):
    return sublayer(norm(x)) if pre else norm(sublayer(x))


@mistake(
    "residual",
    "In pre-norm you add the normed x. The un-normed one is added, so that the path stays clear from end to end.",
)
def normed_added(x, sublayer, norm, pre):
    if not pre:
        return norm(x + sublayer(x))
    y = norm(x)
    return y + sublayer(y)


@mistake("residual", "In post-norm x is added outside the norm. The norm is taken of the sum: norm(x + sublayer(x)).")
def norm_of_the_sublayer(x, sublayer, norm, pre):
    return x + sublayer(norm(x)) if pre else x + norm(sublayer(x))


@mistake("residual", "The norm is missing: what you return is x + sublayer(x) in both cases.")
def never_normed(x, sublayer, norm, pre):
    return x + sublayer(x)


@mistake("residual", "You norm twice: before the sub-layer and after the sum. It is one or the other.")
def both_norms(x, sublayer, norm, pre):
    return norm(x + sublayer(norm(x)))


@mistake(
    "residual", "The sub-layer is called twice. With dropout inside, the second call gives something else: keep it."
)
def both_computed(x, sublayer, norm, pre):
    before, after = x + sublayer(norm(x)), norm(x + sublayer(x))
    return before if pre else after


@mistake(
    "residual",
    "With `pre` you norm what the sub-layer returns. The norm comes before it: x + sublayer(norm(x)).",
)
def normed_after_in_pre(x, sublayer, norm, pre):
    return x + norm(sublayer(x)) if pre else norm(x + sublayer(x))


@mistake(
    "residual",
    "With `pre` you norm the sum once more. Only the sub-layer's input is normed there: x + sublayer(norm(x)).",
)
def normed_twice_in_pre(x, sublayer, norm, pre):
    return norm(x + sublayer(norm(x))) if pre else norm(x + sublayer(x))


@mistake("residual", "With `pre` x is not added: sublayer(norm(x)) is only what changes. Add the un-normed x to it.")
def nothing_added_in_pre(x, sublayer, norm, pre):
    return sublayer(norm(x)) if pre else norm(x + sublayer(x))


@mistake("residual", "Without `pre` x is not added: take the norm of the sum, norm(x + sublayer(x)).")
def nothing_added_in_post(x, sublayer, norm, pre):
    return x + sublayer(norm(x)) if pre else norm(sublayer(x))


@mistake("residual", "Without `pre` the norm is missing: the sum stands there bare. Return norm(x + sublayer(x)).")
def not_normed_in_post(x, sublayer, norm, pre):
    return x + sublayer(norm(x)) if pre else x + sublayer(x)


@mistake("residual", "With `pre` the norm is missing: the sub-layer gets x as it is. Give it norm(x).")
def not_normed_in_pre(x, sublayer, norm, pre):
    return x + sublayer(x) if pre else norm(x + sublayer(x))


@mistake(
    "residual", "In post-norm the sub-layer gets a normed x. It gets x itself, and the norm comes after the sum alone."
)
def normed_twice_in_post(x, sublayer, norm, pre):
    y = x + sublayer(norm(x))
    return y if pre else norm(y)


@mistake(
    "residual",
    "In post-norm you norm x alone. The norm is of the *sum*: norm(x + sublayer(x)).",
)
def norm_of_x_alone(x, sublayer, norm, pre):
    if pre:
        return x + sublayer(norm(x))
    return norm(x) + sublayer(x)


@mistake(
    "residual",
    "In pre-norm what the sub-layer gives is subtracted. It is added.",
)
def sublayer_subtracted(x, sublayer, norm, pre):
    if pre:
        return x - sublayer(norm(x))
    return norm(x + sublayer(x))


@mistake(
    "residual",
    "In post-norm x counts twice.",
)
def x_counted_twice(x, sublayer, norm, pre):
    if pre:
        return x + sublayer(norm(x))
    return norm(2 * x + sublayer(x))


@alternative("residual")
def four_lines(x, sublayer, norm, pre):
    if pre:
        return sublayer(norm(x)) + x
    total = torch.add(x, sublayer(x))
    return norm(total)


@alternative("residual")
def step_by_step(x, sublayer, norm, pre):
    inner = norm(x) if pre else x
    outer = x + sublayer(inner)
    return outer if pre else norm(outer)


@alternative("residual")
def with_functions(x, sublayer, norm, pre):
    def same(y):
        return y

    before, after = (norm, same) if pre else (same, norm)
    return after(torch.stack([x, sublayer(before(x))]).sum(0))


# encoder_layer


# decoder_layer


def _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect, order=(0, 1, 2)):
    sublayers = (
        lambda y: attend_self(y, y, tgt_mask),
        lambda y: attend_source(y, memory, src_mask),
        feed,
    )
    for around, i in zip(connect, order, strict=True):
        x = around(x, sublayers[i])
    return x


@mistake("decoder_layer", "The memory is asked before what is written so far. First self-attention, then the memory.")
def memory_first(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect, (1, 0, 2))


@mistake("decoder_layer", "The feed-forward network stands between the two attentions. It comes last.")
def feed_in_the_middle(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect, (0, 2, 1))


@mistake(
    "decoder_layer",
    "The self-attention is missing, or its result is thrown away: the words written so far never ask each other.",
)
def no_self_attention(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[2](x, feed)


@mistake("decoder_layer", "The memory is never asked: the decoder would write without having read the source.")
def no_memory(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    return connect[2](x, feed)


@mistake("decoder_layer", "The feed-forward network is missing.")
def decoder_without_network(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    return connect[1](x, lambda y: attend_source(y, memory, src_mask))


@mistake(
    "decoder_layer",
    "The target's mask hides padding only, not what comes later: pass tgt_mask, (B, T, T), as it is.",
)
def sees_the_future(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    padding = tgt_mask[:, -1:]
    return _decoder(x, memory, src_mask, padding, attend_self, attend_source, feed, connect)


@mistake("decoder_layer", "The target's mask is turned around: each place sees what comes later, not what came before.")
def mask_transposed(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, tgt_mask.mT, attend_self, attend_source, feed, connect)


@mistake("decoder_layer", "The source's mask is not used: the memory's padding is attended to.")
def source_mask_ignored(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, torch.ones_like(src_mask), tgt_mask, attend_self, attend_source, feed, connect)


@mistake(
    "decoder_layer",
    "Both attentions use the same weights, attend_self. The memory has an attention of its own: attend_source.",
)
def same_attention(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_self, feed, connect)


@mistake("decoder_layer", "The two attentions are exchanged: attend_self is for x, attend_source for the memory.")
def attentions_exchanged(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, tgt_mask, attend_source, attend_self, feed, connect)


@mistake("decoder_layer", "All sub-layers use the first `connect`, and so the first norm. Each has its own.")
def one_norm_for_all(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, [connect[0]] * 3)


@mistake(
    "decoder_layer",
    "The memory is the query. The decoder asks: its own y is the query, keys and values are the memory.",
)
def memory_asks(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(memory, y, src_mask))
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "The masks are exchanged. A mask belongs to what is looked at: tgt_mask to self-attention, src_mask to the memory.",
)
def masks_exchanged(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, tgt_mask, src_mask, attend_self, attend_source, feed, connect)


@mistake(
    "decoder_layer",
    "The self-attention looks at the un-normed x: in pre-norm use the sub-layer's own argument for query and keys.",
)
def decoder_keys_not_normed(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    before = x
    x = connect[0](x, lambda y: attend_self(y, before, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[2](x, feed)


@mistake("decoder_layer", "The second attention looks at x again. Its keys and values come from the memory.")
def memory_forgotten(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, y, tgt_mask))
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "The second attention asks y about y, under the source's mask. Its second argument is the memory.",
)
def memory_unused(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, y, src_mask))
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "The memory asks itself. The decoder asks: the first argument of attend_source is y, the second the memory.",
)
def memory_asks_itself(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(memory, memory, src_mask))
    return connect[2](x, feed)


@mistake("decoder_layer", "Both attentions get tgt_mask. The memory's words and padding are the source's: src_mask.")
def target_mask_twice(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, tgt_mask, tgt_mask, attend_self, attend_source, feed, connect)


@mistake(
    "decoder_layer",
    "Both attentions get src_mask, so the target sees what comes later. Self-attention needs tgt_mask.",
)
def source_mask_twice(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, src_mask, attend_self, attend_source, feed, connect)


@mistake(
    "decoder_layer", "The target's mask is not used: padding and later words are seen. Pass tgt_mask to attend_self."
)
def target_mask_ignored(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, torch.ones_like(tgt_mask), attend_self, attend_source, feed, connect)


@mistake(
    "decoder_layer", "Both attentions use connect[0], and so one norm. The attention to the memory has connect[1]."
)
def first_connect_twice(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    connect = connect[0], connect[0], connect[2]
    return _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect)


@mistake("decoder_layer", "Both attentions use connect[0], and the network connect[1]. Count on: 0, 1, 2.")
def connects_of_the_encoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    connect = connect[0], connect[0], connect[1]
    return _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect)


@mistake(
    "decoder_layer",
    "The feed-forward network uses connect[1], the norm of the attention before. Its own is connect[2].",
)
def second_connect_twice(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    connect = connect[0], connect[1], connect[1]
    return _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect)


@mistake(
    "decoder_layer",
    "The self-attention asks x, which is not normed in pre-norm. Write attend_self(y, y, tgt_mask).",
)
def self_ignores_its_argument(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    before = x
    x = connect[0](x, lambda y: attend_self(before, before, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "The query of the self-attention is x, un-normed in pre-norm; only its keys are y. Both are the lambda's argument.",
)
def decoder_query_not_normed(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    before = x
    x = connect[0](x, lambda y: attend_self(before, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "x asks the memory, which is not normed in pre-norm. Write attend_source(y, memory, src_mask).",
)
def source_ignores_its_argument(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    asked = x
    x = connect[1](x, lambda y: attend_source(asked, memory, src_mask))
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "Both attentions use x and not their argument, so in pre-norm neither is normed. Inside each lambda write y for x.",
)
def arguments_ignored(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    before = x
    x = connect[0](x, lambda y: attend_self(before, before, tgt_mask))
    asked = x
    x = connect[1](x, lambda y: attend_source(asked, memory, src_mask))
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "The layer's input asks the memory. Give the second `connect` what came out of the first, and let y ask.",
)
def input_asks(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    before = x
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(before, memory, src_mask))
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "The memory is detached: no gradient goes back to the encoder, which would never learn. Pass it as it is.",
)
def memory_detached(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory.detach(), src_mask, tgt_mask, attend_self, attend_source, feed, connect)


@mistake(
    "decoder_layer",
    "A `connect` got a sub-layer's result, and wants the function: lambda y: attend_self(y, y, tgt_mask), and so on.",
)
def decoder_result_for_function(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, attend_self(x, x, tgt_mask))
    x = connect[1](x, attend_source(x, memory, src_mask))
    return connect[2](x, feed(x))


@mistake(
    "decoder_layer",
    "A `connect` calls its function with one tensor, and attention takes three: lambda y: attend_self(y, y, tgt_mask).",
)
def decoder_bare_attention(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, attend_self)
    x = connect[1](x, attend_source)
    return connect[2](x, feed)


@mistake(
    "decoder_layer",
    "Both attentions get x, and their results are added. They follow one another: the second gets what the first made.",
)
def side_by_side(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    own = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    other = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[2](own + other, feed)


@mistake(
    "decoder_layer",
    "x is added once more at the end. Each `connect` has a residual path of its own.",
)
def added_once_more(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return x + connect[2](x, feed)


@mistake(
    "decoder_layer",
    "The feed-forward network has no residual path and no norm: use the third of `connect`.",
)
def feed_without_residual(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return feed(x)


@mistake(
    "decoder_layer",
    "The first and the third of `connect` have changed places.",
)
def connections_reversed(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[2](x, lambda y: attend_self(y, y, tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[0](x, feed)


@mistake(
    "decoder_layer",
    "The target's mask is handed on upside down: True means may be asked.",
)
def own_mask_upside_down(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, ~tgt_mask))
    x = connect[1](x, lambda y: attend_source(y, memory, src_mask))
    return connect[2](x, feed)


@alternative("decoder_layer")
def three_functions(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    return _decoder(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect)


@alternative("decoder_layer")
def nested(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    def written(y):
        return attend_self(y, y, tgt_mask)

    def read(y):
        return attend_source(y, memory, src_mask.expand(-1, y.shape[1], -1))

    return connect[2](connect[1](connect[0](x, written), read), feed)


@alternative("decoder_layer")
def query_by_query(x, memory, src_mask, tgt_mask, attend_self, attend_source, feed, connect):
    x = connect[0](x, lambda y: attend_self(y, y, tgt_mask))

    def read(y):
        return torch.cat([attend_source(y[:, t : t + 1], memory, src_mask) for t in range(y.shape[1])], dim=1)

    return connect[2](connect[1](x, read), lambda y: feed(y))


# padding_and_causal_masks


def _masks(src, tgt, pad, triangle=torch.tril, diagonal=0):
    T = tgt.shape[1]
    causal = triangle(torch.ones(T, T), diagonal).bool()
    return (src != pad)[:, None], (tgt != pad)[:, None] & causal


@mistake(
    "padding_and_causal_masks", "Both masks are inverted: True = may look. Padding and what comes later are False."
)
def masks_inverted(src, tgt, pad):
    return tuple(~mask for mask in _masks(src, tgt, pad))


@mistake(
    "padding_and_causal_masks", "Padding is marked True: True means a word that may be looked at, so compare with !=."
)
def padding_inverted(src, tgt, pad):
    T = tgt.shape[1]
    return (src == pad)[:, None], (tgt == pad)[:, None] & torch.ones(T, T).tril().bool()


@mistake("padding_and_causal_masks", "Your triangle is the upper one: each place sees only what comes later. Use tril.")
def upper_triangle(src, tgt, pad):
    return _masks(src, tgt, pad, torch.triu)


@mistake(
    "padding_and_causal_masks",
    "A place can't see itself. It may: place t reads word t − 1, shifted right, and predicts word t. Use tril().",
)
def not_itself(src, tgt, pad):
    return _masks(src, tgt, pad, diagonal=-1)


@mistake("padding_and_causal_masks", "Each place sees one word too many, the next: tril() takes no argument here.")
def one_too_many(src, tgt, pad):
    return _masks(src, tgt, pad, diagonal=1)


@mistake("padding_and_causal_masks", "The target may look ahead: combine its padding mask with a lower triangle, tril.")
def not_causal(src, tgt, pad):
    return (src != pad)[:, None], (tgt != pad)[:, None].expand(-1, tgt.shape[1], -1)


@mistake("padding_and_causal_masks", "The target's padding may be looked at: combine the triangle with tgt != pad.")
def target_padding_forgotten(src, tgt, pad):
    B, T = tgt.shape
    return (src != pad)[:, None], torch.ones(T, T).tril().bool().expand(B, -1, -1)


@mistake(
    "padding_and_causal_masks",
    "You hide the rows of padding: those are queries. Hide its columns, the keys: unsqueeze(1), not unsqueeze(2).",
)
def rows_for_columns(src, tgt, pad):
    T = tgt.shape[1]
    return (src != pad)[:, None], (tgt != pad)[:, :, None] & torch.ones(T, T).tril().bool()


@mistake("padding_and_causal_masks", "A place must be a word *and* not lie ahead: combine with &, not with |.")
def either(src, tgt, pad):
    T = tgt.shape[1]
    return (src != pad)[:, None], (tgt != pad)[:, None] | torch.ones(T, T).tril().bool()


@mistake("padding_and_causal_masks", "You compare with 0. The padding's number is the argument `pad`.")
def zero_for_pad(src, tgt, pad):
    return _masks(src, tgt, 0)


@mistake("padding_and_causal_masks", "src_mask needs an axis of length 1 for the queries: (B, 1, S), not (B, S).")
def no_query_axis(src, tgt, pad):
    src_mask, tgt_mask = _masks(src, tgt, pad)
    return src_mask[:, 0], tgt_mask


@mistake("padding_and_causal_masks", "These are numbers. A mask holds booleans: leave out the multiplication, use &.")
def as_numbers(src, tgt, pad):
    return tuple(mask.long() for mask in _masks(src, tgt, pad))


@mistake(
    "padding_and_causal_masks",
    "The source is masked like the target. It was all there from the start: hide padding only.",
)
def causal_source(src, tgt, pad):
    S = src.shape[1]
    return (src != pad)[:, None] & torch.ones(S, S).tril().bool(), _masks(src, tgt, pad)[1]


@mistake(
    "padding_and_causal_masks",
    "Python's `and` asks for one truth, and a tensor has many. Between tensors write &, which asks place by place.",
)
def pythons_and(src, tgt, pad):
    T = tgt.shape[1]
    return (src != pad)[:, None], (tgt != pad)[:, None] and torch.ones(T, T).tril().bool()


@mistake(
    "padding_and_causal_masks",
    "Your triangle holds numbers, and & wants booleans: torch.ones(T, T, dtype=torch.bool).tril().",
)
def triangle_of_numbers(src, tgt, pad):
    T = tgt.shape[1]
    return (src != pad)[:, None], (tgt != pad)[:, None] & torch.ones(T, T).tril()


@mistake(
    "padding_and_causal_masks",
    "tgt_mask is (B, 1, T), and hides padding only. Combine it with a triangle (T, T), so that later words are hidden.",
)
def no_triangle(src, tgt, pad):
    return (src != pad)[:, None], (tgt != pad)[:, None]


@mistake(
    "padding_and_causal_masks",
    "tgt_mask lacks the batch, and the padding: combine the triangle with (tgt != pad), (B, 1, T).",
)
def triangle_alone(src, tgt, pad):
    T = tgt.shape[1]
    return (src != pad)[:, None], torch.ones(T, T).tril().bool()


@mistake(
    "padding_and_causal_masks",
    "src_mask is (B, S, 1): that hides queries. Keys are the last axis: (B, 1, S), `unsqueeze(1)`.",
)
def source_as_queries(src, tgt, pad):
    return (src != pad)[:, :, None], _masks(src, tgt, pad)[1]


@mistake(
    "padding_and_causal_masks",
    "tgt_mask is made of numbers. Masks are bool: `torch.ones(T, T, dtype=torch.bool)`, and & for *.",
)
def numbers_for_truth(src, tgt, pad):
    src_mask, tgt_mask = _masks(src, tgt, pad)
    return src_mask, tgt_mask.to(torch.get_default_dtype())


@mistake("padding_and_causal_masks", "The results are in another order: first src_mask, then tgt_mask.")
def target_first(src, tgt, pad):
    return _masks(src, tgt, pad)[::-1]


@mistake(
    "padding_and_causal_masks",
    "Your triangle is True where a place lies *ahead*. True means may: `tril()`, where k ≤ t.",
)
def only_what_is_ahead(src, tgt, pad):
    return _masks(src, tgt, pad, torch.triu, 1)


@mistake(
    "padding_and_causal_masks",
    "The source's mask is made of `tgt`. Make it of `src`.",
)
def target_for_source(src, tgt, pad):
    T = tgt.shape[1]
    s = (tgt != pad).unsqueeze(1)
    t = (tgt != pad).unsqueeze(1) & torch.ones(T, T, dtype=torch.bool).tril()
    return s, t


@alternative("padding_and_causal_masks")
def by_comparison(src, tgt, pad):
    places = torch.arange(tgt.shape[1])
    causal = places[None, :] <= places[:, None]
    return src.ne(pad).unsqueeze(-2), tgt.ne(pad).unsqueeze(-2).logical_and(causal)


@alternative("padding_and_causal_masks")
def three_loops(src, tgt, pad):
    B, T = tgt.shape
    mask = torch.zeros(B, T, T, dtype=torch.bool)
    for b in range(B):
        for t in range(T):
            for k in range(t + 1):
                mask[b, t, k] = tgt[b, k] != pad
    return ~(src == pad).reshape(len(src), 1, -1), mask


@alternative("padding_and_causal_masks")
def with_numpy(src, tgt, pad):
    T = tgt.shape[1]
    mask = (tgt.numpy() != pad)[:, None, :] & np.tri(T, dtype=bool)
    return torch.from_numpy((src.numpy() != pad)[:, None, :]), torch.from_numpy(mask)


@alternative("padding_and_causal_masks")
def pytorchs_triangle(src, tgt, pad):
    later = nn.Transformer.generate_square_subsequent_mask(tgt.shape[1]) < 0
    return (src != pad)[:, None, :], torch.logical_and((tgt != pad)[:, None, :], ~later)


# smoothed_loss


def _log_losses(logits, tgt):
    losses = -torch.log_softmax(logits, dim=-1)
    return losses, losses.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)


@mistake("smoothed_loss", "There is no smoothing: ε of the weight goes to all words, 1 − ε to the right one.")
def not_smoothed(logits, tgt, pad, smoothing):
    return F.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=pad)


@mistake(
    "smoothed_loss",
    "Padding counts in your mean: choose the words with tgt != pad before you average.",
)
def padding_counts(logits, tgt, pad, smoothing):
    return F.cross_entropy(logits.flatten(0, 1), tgt.flatten(), label_smoothing=smoothing)


@mistake(
    "smoothed_loss",
    "The padding's losses are zero, but you still divide by all places. Divide by the number of words.",
)
def divided_by_all(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    return (((1 - smoothing) * right + smoothing * losses.mean(-1)) * (tgt != pad)).mean()


@mistake("smoothed_loss", "This is the sum over the words. Return the mean, so that the batch's size does not matter.")
def summed(logits, tgt, pad, smoothing):
    return F.cross_entropy(
        logits.flatten(0, 1), tgt.flatten(), ignore_index=pad, label_smoothing=smoothing, reduction="sum"
    )


@mistake(
    "smoothed_loss",
    "ε is spread over the wrong words only, V − 1 of them. Here it is spread over all V, the right one included.",
)
def over_the_others(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    others = (losses.sum(-1) - right) / (logits.shape[-1] - 1)
    return ((1 - smoothing) * right + smoothing * others)[tgt != pad].mean()


@mistake("smoothed_loss", "The right word's weight must shrink by what the others get: multiply it by 1 − ε.")
def not_reduced(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    return (right + smoothing * losses.mean(-1))[tgt != pad].mean()


@mistake("smoothed_loss", "ε and 1 − ε are exchanged: nearly all the weight belongs to the right word.")
def weights_exchanged(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    return (smoothing * right + (1 - smoothing) * losses.mean(-1))[tgt != pad].mean()


@mistake(
    "smoothed_loss", "Each of the V words gets the whole ε. Together they get ε: take the mean over V, not the sum."
)
def whole_epsilon_each(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    return ((1 - smoothing) * right + smoothing * losses.sum(-1))[tgt != pad].mean()


@mistake("smoothed_loss", "The sign is wrong: the loss is *minus* Σ q log p, a positive number.")
def negative(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    return -((1 - smoothing) * right + smoothing * losses.mean(-1))[tgt != pad].mean()


@mistake(
    "smoothed_loss", "The logits are used as if they were log-probabilities. Take log_softmax over the last axis first."
)
def raw_logits(logits, tgt, pad, smoothing):
    right = -logits.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    return ((1 - smoothing) * right - smoothing * logits.mean(-1))[tgt != pad].mean()


@mistake(
    "smoothed_loss", "You normalise over the places of a sentence. The probabilities run over the vocabulary: dim=-1."
)
def softmax_over_places(logits, tgt, pad, smoothing):
    losses = -torch.log_softmax(logits, dim=1)
    right = losses.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    return ((1 - smoothing) * right + smoothing * losses.mean(-1))[tgt != pad].mean()


@mistake(
    "smoothed_loss",
    "You average over the words of each sentence, then over sentences. All words of the batch count alike.",
)
def sentence_means(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    smoothed, words = (1 - smoothing) * right + smoothing * losses.mean(-1), tgt != pad
    return ((smoothed * words).sum(1) / words.sum(1)).mean()


@mistake(
    "smoothed_loss",
    "gather wants an index with as many axes as the losses: tgt.unsqueeze(-1), and squeeze(-1) what comes out.",
)
def gathered_without_axis(logits, tgt, pad, smoothing):
    losses = -torch.log_softmax(logits, dim=-1)
    right = losses.gather(-1, tgt)
    return ((1 - smoothing) * right + smoothing * losses.mean(-1))[tgt != pad].mean()


@mistake(
    "smoothed_loss",
    "F.cross_entropy looks for the vocabulary in axis 1: pass logits.flatten(0, 1) and tgt.flatten().",
)
def classes_last(logits, tgt, pad, smoothing):
    return F.cross_entropy(logits, tgt, ignore_index=pad, label_smoothing=smoothing)


@mistake("smoothed_loss", "You average over the padding, and leave the words out: keep the places with tgt != pad.")
def padding_only(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    return ((1 - smoothing) * right + smoothing * losses.mean(-1))[tgt == pad].mean()


@mistake(
    "smoothed_loss", "These are probabilities: the logarithm is missing. Take log_softmax, or the log of the softmax."
)
def no_logarithm(logits, tgt, pad, smoothing):
    losses = -torch.softmax(logits, dim=-1)
    right = losses.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    return ((1 - smoothing) * right + smoothing * losses.mean(-1))[tgt != pad].mean()


@mistake(
    "smoothed_loss",
    "Each wrong word gets ε/V and the right one nothing on top, so the weights don't sum to 1. It gets 1 − ε + ε/V.",
)
def right_word_left_out(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    others = (losses.sum(-1) - right) / logits.shape[-1]
    return ((1 - smoothing) * right + smoothing * others)[tgt != pad].mean()


@mistake("smoothed_loss", "Padding is taken for 0. Use the argument `pad`.")
def padding_is_zero(logits, tgt, pad, smoothing):
    losses, right = _log_losses(logits, tgt)
    return ((1 - smoothing) * right + smoothing * losses.mean(-1))[tgt != 0].mean()


@mistake(
    "smoothed_loss",
    "You smooth the *network's* probabilities, and take the logarithm then. What is smoothed is the target.",
)
def prediction_smoothed(logits, tgt, pad, smoothing):
    _, right = _log_losses(logits, tgt)
    mixed = (1 - smoothing) * torch.exp(-right) + smoothing / logits.shape[-1]
    return -torch.log(mixed)[tgt != pad].mean()


@mistake(
    "smoothed_loss",
    "The smoothed part is the mean of the logits. It is the mean of −log p: after `log_softmax`.",
)
def mean_of_logits(logits, tgt, pad, smoothing):
    lp = logits.log_softmax(-1)
    right = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    loss = (1 - smoothing) * right + smoothing * -logits.mean(-1)
    return loss[tgt != pad].mean()


@mistake(
    "smoothed_loss",
    "The smoothed part is one mean over all words of the batch, padding included. Each word has its own, over the V.",
)
def mean_over_everything(logits, tgt, pad, smoothing):
    lp = logits.log_softmax(-1)
    right = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    loss = (1 - smoothing) * right + smoothing * -lp.mean()
    return loss[tgt != pad].mean()


@mistake(
    "smoothed_loss",
    "ε is divided by V, and the mean over V is taken as well. Once is enough.",
)
def divided_by_v_again(logits, tgt, pad, smoothing):
    lp = logits.log_softmax(-1)
    right = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    loss = (1 - smoothing) * right + smoothing / lp.shape[-1] * -lp.mean(-1)
    return loss[tgt != pad].mean()


@mistake(
    "smoothed_loss",
    "The logarithm is to base 2. Take the natural one.",
)
def in_bits(logits, tgt, pad, smoothing):
    lp = logits.log_softmax(-1)
    right = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    loss = (1 - smoothing) * right + smoothing * -lp.mean(-1)
    return loss[tgt != pad].mean() / float(np.log(2))


@mistake(
    "smoothed_loss",
    "You make the logits smaller. The *right probabilities* are smoothed: 1 − ε on the right word, ε "
    "spread over all V.",
)
def logits_scaled(logits, tgt, pad, smoothing):
    lp = logits.log_softmax(-1)
    right = -lp.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    loss = (1 - smoothing) * right + smoothing * -lp.mean(-1)
    q = logits * (1 - smoothing)
    return -q.log_softmax(-1).gather(-1, tgt.unsqueeze(-1)).squeeze(-1)[tgt != pad].mean() + 0 * loss[tgt != pad].mean()


@alternative("smoothed_loss")
def library_loss(logits, tgt, pad, smoothing):
    return F.cross_entropy(logits.transpose(1, 2), tgt, ignore_index=pad, label_smoothing=smoothing)


@alternative("smoothed_loss")
def target_distribution(logits, tgt, pad, smoothing):
    V = logits.shape[-1]
    q = torch.full_like(logits, smoothing / V) + (1 - smoothing) * F.one_hot(tgt, V)
    losses = -(q * logits.log_softmax(-1)).sum(-1)
    words = (tgt != pad).to(losses.dtype)
    return (losses * words).sum() / words.sum()


@alternative("smoothed_loss")
def word_by_word(logits, tgt, pad, smoothing):
    total, words = 0.0, 0
    for b in range(tgt.shape[0]):
        for t in range(tgt.shape[1]):
            if tgt[b, t] != pad:
                log_p = logits[b, t] - torch.logsumexp(logits[b, t], 0)
                total = total - (1 - smoothing) * log_p[tgt[b, t]] - smoothing * log_p.sum() / len(log_p)
                words += 1
    return total / words


@alternative("smoothed_loss")
def by_divergence(logits, tgt, pad, smoothing):
    V, words = logits.shape[-1], tgt != pad
    q = torch.full((int(words.sum()), V), smoothing / V)
    q[torch.arange(len(q)), tgt[words]] += 1 - smoothing
    entropy = -torch.special.entr(q).sum() / len(q)
    return F.kl_div(logits[words].log_softmax(-1), q, reduction="batchmean") - entropy


# noam_rate


# Seen in learners' work


@mistake("layer_norm", "eps is added to the variance once, as it is: don't square it.")
def eps_squared(x, gain, bias, eps=1e-5):
    centred = x - x.mean(dim=-1, keepdim=True)
    return gain * centred / torch.sqrt((centred**2).mean(dim=-1, keepdim=True) + eps**2) + bias


@mistake(
    "layer_norm",
    "You divide by the vector's length. The standard deviation is that over √d: take the mean, not the sum.",
)
def by_length(x, gain, bias, eps=1e-5):
    centred = x - x.mean(dim=-1, keepdim=True)
    return gain * centred / torch.sqrt((centred**2).sum(dim=-1, keepdim=True) + eps) + bias


@mistake("smoothed_loss", "The share ε is written as 0.1 here. Use the argument `smoothing`.")
def always_a_tenth(logits, tgt, pad, smoothing):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), tgt.flatten(), ignore_index=pad, label_smoothing=0.1)


@mistake("smoothed_loss", "ε is spread over all V words, padding among them: divide by V, and leave no word out.")
def padding_gets_nothing(logits, tgt, pad, smoothing):
    losses = -torch.log_softmax(logits, dim=-1)
    right = losses.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    others = [v for v in range(logits.shape[-1]) if v != pad]
    return ((1 - smoothing) * right + smoothing * losses[..., others].mean(-1))[tgt != pad].mean()


@alternative("smoothed_loss")
def names_float32(logits, tgt, pad, smoothing):
    losses = -torch.log_softmax(logits, dim=-1)
    right = losses.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    each, keep = (1 - smoothing) * right + smoothing * losses.mean(dim=-1), (tgt != pad).float()
    return torch.einsum("bt,bt->", each, keep) / keep.sum()


@mistake("layer_norm", "This is `std` of PyTorch as it is: it divides by d − 1, and eps is missing.")
def bare_standard_deviation(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True) + bias


@mistake("layer_norm", "eps is added to the normed vector. It belongs under the root, to the variance.")
def eps_after_dividing(x, gain, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdim=True)
    return gain * (centred / torch.sqrt((centred**2).mean(-1, keepdim=True)) + eps) + bias


@mistake("smoothed_loss", "The sum is divided by the number of sentences. Divide by the number of words that count.")
def divided_by_sentences(logits, tgt, pad, smoothing):
    losses = -torch.log_softmax(logits, dim=-1)
    right = losses.gather(-1, tgt.unsqueeze(-1)).squeeze(-1)
    each = (1 - smoothing) * right + smoothing * losses.mean(dim=-1)
    return (each * (tgt != pad)).sum() / len(tgt)


@mistake(
    "layer_norm",
    "This is the colleague's function as it was. Three things are wrong: what the mean is of, what the standard "
    "deviation divides by, and the place of ε.",
)
def norm_as_found(x, gain, bias, eps=1e-5):
    centred = x - x.mean()
    return gain * centred / (x.std(dim=-1, keepdim=True) + eps) + bias


# who_sees_whom


def _sees(layer, x, change, changes_of=None):
    """Who sees whom, with another change of a row, or another answer to whether a result has changed."""
    before, columns = layer(x), []
    for k in range(len(x)):
        changed = x.clone()
        changed[k] = change(x[k])
        after = layer(changed)
        columns.append(((after - before).abs() > 1e-9).any(-1) if changes_of is None else changes_of(after, before, x))
    return torch.stack(columns, dim=1)


def _anew(row):
    return torch.randn_like(row)


@mistake(
    "who_sees_whom",
    "You add the same number to all features of a row, or multiply them by one: a layer norm takes that away. Put in a "
    "row of new random numbers.",
)
def shifted_rows(layer, x):
    return _sees(layer, x, lambda row: row + 1)


@mistake(
    "who_sees_whom",
    "You turn the sign of a row round: whatever doesn't depend on the sign, a cosine or a square, doesn't notice. "
    "Put in a row of new random numbers.",
)
def negated_rows(layer, x):
    return _sees(layer, x, lambda row: -row)


@mistake("who_sees_whom", "Only one feature of a row is changed. A place may read others: change them all.")
def first_feature_changed(layer, x):
    return _sees(layer, x, lambda row: torch.cat([_anew(row[:1]), row[1:]]))


@mistake("who_sees_whom", "Rows and columns are exchanged: row t, column k says whether t sees k. Stack along dim=1.")
def seen_by_whom(layer, x):
    return _sees(layer, x, _anew).T


@mistake("who_sees_whom", "That is who does *not* see whom: turn it round.")
def who_is_blind(layer, x):
    return ~_sees(layer, x, _anew)


@mistake("who_sees_whom", "You look at the first feature of the result alone. Any may have changed: `any` or `amax`.")
def first_result_compared(layer, x):
    return _sees(layer, x, _anew, lambda after, before, x: (after - before)[:, 0].abs() > 1e-9)


@mistake("who_sees_whom", "A row counts for you only if *all* its features have changed. One is enough: `any`.")
def all_results_compared(layer, x):
    return _sees(layer, x, _anew, lambda after, before, x: ((after - before).abs() > 1e-9).all(-1))


@mistake("who_sees_whom", "A change below zero doesn't count for you: take the absolute value before you compare.")
def no_absolute_change(layer, x):
    return _sees(layer, x, _anew, lambda after, before, x: (after - before).amax(-1) > 1e-6)


@mistake("who_sees_whom", "Your threshold is too high: a faint influence is one, too. Take 1e-6, or ask for `!=`.")
def faint_overlooked(layer, x):
    return _sees(layer, x, _anew, lambda after, before, x: (after - before).abs().amax(-1) > 0.05)


@mistake(
    "who_sees_whom",
    "The rows that you have changed stay changed, so each k is tried together with those before it. Begin with a "
    "fresh copy of x for each k.",
)
def changes_pile_up(layer, x):
    before, changed, columns = layer(x), x.clone(), []
    for k in range(len(x)):
        changed[k] = _anew(x[k])
        columns.append((layer(changed) != before).any(-1))
    return torch.stack(columns, dim=1)


@mistake("who_sees_whom", "That is the mask that you expect. Measure: run `layer` with a changed row, and compare.")
def triangle_believed(layer, x):
    layer(x)
    return torch.ones(len(x), len(x), dtype=torch.bool).tril()


@mistake("who_sees_whom", "All rows but k are changed. Change row k alone, and see whose result changes.")
def the_others_changed(layer, x):
    before, columns = layer(x), []
    for k in range(len(x)):
        changed = torch.randn_like(x)
        changed[k] = x[k]
        columns.append((layer(changed) != before).any(-1))
    return torch.stack(columns, dim=1)


@mistake("who_sees_whom", "You compare the result with what went in. Compare it with the result of the unchanged x.")
def compared_with_input(layer, x):
    columns = []
    for k in range(len(x)):
        changed = x.clone()
        changed[k] = _anew(x[k])
        after = layer(changed)
        width = min(after.shape[1], x.shape[1])
        columns.append((after[:, :width] != x[:, :width]).any(-1))
    return torch.stack(columns, dim=1)


@mistake("who_sees_whom", "These are amounts of change. Asked is a mask: True where anything has changed.")
def amounts_of_change(layer, x):
    return _sees(layer, x, _anew, lambda after, before, x: (after - before).abs().amax(-1))


@mistake(
    "who_sees_whom",
    "You change place k and all after it. Change row k alone.",
)
def all_after_changed(layer, x):
    before = layer(x)
    columns = []
    for k in range(len(x)):
        y = x.clone()
        y[k:] = torch.randn(x.shape[1], dtype=x.dtype)
        columns.append((layer(y) - before).abs().amax(-1) > 1e-6)
    return torch.stack(columns, 1)


@mistake(
    "who_sees_whom",
    "The diagonal is taken out. A place that sees itself is True there.",
)
def without_oneself(layer, x):
    before = layer(x)
    columns = []
    for k in range(len(x)):
        y = x.clone()
        y[k] = torch.randn(x.shape[1], dtype=x.dtype)
        columns.append((layer(y) - before).abs().amax(-1) > 1e-6)
    return torch.stack(columns, 1) & ~torch.eye(len(x), dtype=torch.bool)


@alternative("who_sees_whom")
def sees_by_jacobian(layer, x):
    return torch.autograd.functional.jacobian(layer, x).abs().sum(dim=(1, 3)) > 0


@alternative("who_sees_whom")
def sees_by_two_loops(layer, x):
    sees, before = torch.zeros(len(x), len(x), dtype=torch.bool), layer(x)
    for k in range(len(x)):
        other = torch.cat([x[:k], torch.rand(1, x.shape[1]) * 3 - 1, x[k + 1 :]])
        after = layer(other)
        for t in range(len(x)):
            sees[t, k] = not torch.allclose(after[t], before[t], rtol=0, atol=1e-7)
    return sees


@alternative("who_sees_whom")
def sees_by_gradients(layer, x):
    x = x.detach().clone().requires_grad_()
    out = layer(x)
    rows = []
    for t in range(len(x)):
        total = 0
        for value in out[t]:
            gradient = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)[0]
            total = total + (0 if gradient is None else gradient.abs().sum(-1))
        rows.append(total > 0 if torch.is_tensor(total) else torch.zeros(len(x), dtype=torch.bool))
    return torch.stack(rows)


@alternative("who_sees_whom")
def sees_by_exchange(layer, x):
    fresh, eye = x.roll(1, 0) * 0.7 + torch.randn_like(x), torch.eye(len(x), dtype=torch.bool)
    after = torch.stack([layer(torch.where(row[:, None], fresh, x)) for row in eye])
    return (after != layer(x)).any(-1).T


_NEAR_NOTHING = "what depends changes by far more than 1e-6 here, and what doesn't not at all"
_CHANGES = "(layer(changed) - before).abs().amax(dim=-1)"
equivalent("who_sees_whom", f"{_CHANGES} > 1e-06 -> {_CHANGES} >= 1e-06", _NEAR_NOTHING)
equivalent("who_sees_whom", "1e-06 -> 0.0", _NEAR_NOTHING)
equivalent("who_sees_whom", "layer(changed) - before -> before - layer(changed)", "the absolute value follows")
equivalent("who_sees_whom", "ignore x in who_sees_whom", "who depends on whom is the same wherever it is tried")


@mistake(
    "layer_norm",
    "One of the three is left: `x.mean()` is the mean of *all* numbers. Each vector has its own, dim=-1, keepdim=True.",
)
def mean_of_all_left(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean()) / torch.sqrt(x.var(-1, keepdim=True, correction=0) + eps) + bias


@mistake(
    "layer_norm",
    "ε is in its place now. Two are left: the mean is of all numbers, not of each vector, and the variance divides by "
    "d − 1.",
)
def only_eps_mended(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean()) / torch.sqrt(x.var(-1, keepdim=True) + eps) + bias


@mistake(
    "layer_norm",
    "It divides by d now. Two are left: the mean is of all numbers, not of each vector, and ε stands outside the root.",
)
def only_divisor_mended(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean()) / (x.std(-1, keepdim=True, correction=0) + eps) + bias


@mistake("layer_norm", "The variance is that of x before its mean is taken away: square the *centred* vector.")
def squares_not_centred(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1, keepdim=True)) / torch.sqrt((x**2).mean(-1, keepdim=True) + eps) + bias


@mistake("layer_norm", "ε is added twice, inside the root and outside. Inside is enough.")
def eps_twice(x, gain, bias, eps=1e-5):
    return (
        gain * (x - x.mean(-1, keepdim=True)) / (torch.sqrt(x.var(-1, keepdim=True, correction=0) + eps) + eps) + bias
    )


@mistake("layer_norm", "Brackets are missing: the mean is taken from x *before* it is divided and multiplied.")
def without_brackets(x, gain, bias, eps=1e-5):
    return gain * x - x.mean(-1, keepdim=True) / torch.sqrt(x.var(-1, keepdim=True, correction=0) + eps) + bias


@mistake(
    "who_sees_whom",
    "You add up the features of the result before you compare. Behind a layer norm the sum never changes, and else "
    "changes may cancel: compare feature by feature.",
)
def features_added_up(layer, x):
    return _sees(layer, x, _anew, lambda after, before, _: (after - before).sum(-1).abs() > 1e-6)


@mistake("who_sees_whom", "You say that each place sees itself. A layer may hide it from itself: measure that, too.")
def itself_believed(layer, x):
    return _sees(layer, x, _anew) | torch.eye(len(x), dtype=torch.bool)


@mistake(
    "who_sees_whom",
    "You change a *feature* of all places, a column of x. Change one place: row k, all its features.",
)
def column_changed(layer, x):
    before, columns = layer(x), []
    for k in range(len(x)):
        changed = x.clone()
        changed[:, min(k, x.shape[1] - 1)] = torch.randn(len(x))
        columns.append(((layer(changed) - before).abs() > 1e-6).any(-1))
    return torch.stack(columns, dim=1)
