"""The layers that lesson 10 builds are PyTorch's: the same results and gradients with the same weights."""

import pytest
import torch
from torch import nn

from autograder.authoring import source
from lessonkit.models import transformer

D, HEADS, HIDDEN, B, S, T = 12, 3, 20, 4, 7, 5
CLOSE = 1e-10


def exercises():
    """The reference answers of the lesson, as its learners write them."""
    lesson = source.load("10_transformer").namespace()
    names = ("layer_norm", "feed_forward", "residual", "encoder_layer", "decoder_layer")
    return transformer.Parts(**{name: lesson[name] for name in names})


PARTS = {"the lesson's answers": exercises, "lessonkit's pieces": transformer.Parts}


@pytest.fixture(autouse=True)
def _double_precision():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(params=PARTS)
def parts(request):
    return PARTS[request.param]()


def copies(theirs, ours):
    """Give `ours` the weights of `theirs`, drawn anew so that no bias is zero; pairs of (our parameter, name, rows)."""
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.4)
    theirs_by_name = dict(theirs.named_parameters())
    pairs = []
    for module, attend in (("self_attn", "attend_self" if hasattr(ours, "attend_self") else "attend"),
                           ("multihead_attn", "attend_source")):  # fmt: skip
        if not hasattr(ours, attend) or not hasattr(theirs, module):
            continue
        for i, name in enumerate(("query", "key", "value")):
            linear, rows = getattr(getattr(ours, attend), name), slice(i * D, (i + 1) * D)
            pairs += [(linear.weight, f"{module}.in_proj_weight", rows), (linear.bias, f"{module}.in_proj_bias", rows)]
        output = getattr(ours, attend).output
        pairs += [(output.weight, f"{module}.out_proj.weight", ...), (output.bias, f"{module}.out_proj.bias", ...)]
    for linear, name in ((ours.feed.first, "linear1"), (ours.feed.second, "linear2")):
        pairs += [(linear.weight, f"{name}.weight", ...), (linear.bias, f"{name}.bias", ...)]
    for i, connection in enumerate(ours.connect, start=1):
        pairs += [(connection.norm.gain, f"norm{i}.weight", ...), (connection.norm.bias, f"norm{i}.bias", ...)]
    assert {name for _, name, _ in pairs} == set(theirs_by_name), "a weight of PyTorch's layer has no place in ours"
    assert {id(p) for p, _, _ in pairs} == {id(p) for p in ours.parameters()}, (
        "a weight of ours has no place in PyTorch's"
    )
    with torch.no_grad():
        for parameter, name, rows in pairs:
            parameter.copy_(theirs_by_name[name][rows])
    return [(parameter, theirs_by_name[name], rows) for parameter, name, rows in pairs]


def assert_same(ours, theirs, pairs, inputs, our_inputs, real):
    """Compare results at real words, and the gradients of a weighted sum of them, of every input and weight."""
    assert (ours - theirs)[real].abs().max() < CLOSE
    weights = torch.randn_like(ours) * real.unsqueeze(-1)
    (ours * weights).sum().backward()
    (theirs * weights).sum().backward()
    for mine, other in zip(our_inputs, inputs, strict=True):
        assert (mine.grad - other.grad).abs().max() < CLOSE
    for parameter, other, rows in pairs:
        assert (parameter.grad - other.grad[rows]).abs().max() < CLOSE
        assert other.grad.abs().max() > 0


def words(length):
    """Which places hold a word, (B, length): one full row, others padded."""
    return torch.arange(length) < torch.tensor([length, 2, length - 1, 3]).unsqueeze(1)


def twice(*shape):
    x = torch.randn(*shape)
    return x.clone().requires_grad_(), x.clone().requires_grad_()


@pytest.mark.parametrize("pre", [False, True], ids=["post-norm", "pre-norm"])
def test_encoder_layer(parts, pre):
    theirs = nn.TransformerEncoderLayer(D, HEADS, HIDDEN, 0.0, batch_first=True, norm_first=pre)
    ours = transformer.EncoderLayer(D, HEADS, HIDDEN, 0.0, pre, parts)
    pairs, (x, y), real = copies(theirs, ours), twice(B, S, D), words(S)
    assert_same(ours(x, real.unsqueeze(1)), theirs(y, src_key_padding_mask=~real), pairs, [y], [x], real)


@pytest.mark.parametrize("pre", [False, True], ids=["post-norm", "pre-norm"])
def test_decoder_layer(parts, pre):
    theirs = nn.TransformerDecoderLayer(D, HEADS, HIDDEN, 0.0, batch_first=True, norm_first=pre)
    ours = transformer.DecoderLayer(D, HEADS, HIDDEN, 0.0, pre, parts)
    pairs, (x, y), (memory, their_memory) = copies(theirs, ours), twice(B, T, D), twice(B, S, D)
    src, tgt = words(S), words(T)
    src_mask, tgt_mask = transformer.padding_and_causal_masks(src.long(), tgt.long(), pad=0)
    theirs_out = theirs(
        y,
        their_memory,
        tgt_mask=~torch.ones(T, T, dtype=torch.bool).tril(),
        tgt_key_padding_mask=~tgt,
        memory_key_padding_mask=~src,
    )
    assert_same(ours(x, memory, src_mask, tgt_mask), theirs_out, pairs, [y, their_memory], [x, memory], tgt)


def test_one_word_at_a_time_is_the_same_as_all_at_once():
    model = transformer.make_transformer(11, 13).eval()
    src, tgt = torch.randint(4, 11, (B, S)), torch.randint(4, 13, (B, T))
    src_mask = words(S)
    memory = model.encode(src, src_mask)
    state, step = model.decoder.start(memory, src_mask), model.stepper(memory, src_mask)
    rows = []
    for t in range(T):
        logits, state = step(tgt[:, t], state)
        rows.append(logits)
    assert (torch.stack(rows, dim=1) - model(src, tgt, src_mask)).abs().max() < CLOSE


def test_finished_functions_are_the_lessons():
    lesson, draw = source.load("10_transformer").namespace(), torch.randn
    x, logits = draw(B, T, D), draw(B, T, 9)
    tgt = torch.randint(1, 9, (B, T)) * words(T)
    gain, bias = draw(D), draw(D)
    assert torch.allclose(transformer.layer_norm(x, gain, bias, 0.1), lesson["layer_norm"](x, gain, bias, 0.1))
    assert torch.allclose(transformer.smoothed_loss(logits, tgt, 0, 0.2), lesson["smoothed_loss"](logits, tgt, 0, 0.2))
    assert transformer.noam_rate(7, 64, 100) == pytest.approx(lesson["noam_rate"](7, 64, 100))
    ours, theirs = (f(tgt, tgt, 0) for f in (transformer.padding_and_causal_masks, lesson["padding_and_causal_masks"]))
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
