"""What the course builds by hand equals PyTorch's own layers and a plain loop, forward and backward, in float64."""

import pytest
import torch
from torch import nn

from autograder.authoring import source
from lessonkit.models import multi_head, positions

TOLERANCE = 1e-10
B, T, S, D, HEADS = 3, 5, 7, 12, 4


def of_the_lesson(name, lesson="08"):
    """A function of the lesson: an exercise's answer, or code that it gives."""
    return source.load(lesson).namespace()[name]


def masks(name):
    """Our mask (True = may attend), or None, for T queries and S keys."""
    lengths = torch.tensor([S, 4, 1])
    padding = (torch.arange(S) < lengths.unsqueeze(1)).unsqueeze(1)
    causal = torch.ones(1, T, S).tril().bool()
    return {"none": None, "padding": padding, "causal": causal, "both": padding & causal}[name]


def loop_over_heads(x, memory, W_q, W_k, W_v, W_o, heads, mask=None):
    d_k, outputs = W_q.shape[1] // heads, []
    for i in range(heads):
        part = slice(i * d_k, (i + 1) * d_k)
        scores = (x @ W_q[:, part]) @ (memory @ W_k[:, part]).mT / d_k**0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        outputs.append(torch.softmax(scores, -1) @ (memory @ W_v[:, part]))
    return torch.cat(outputs, -1) @ W_o


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return nn.MultiheadAttention(D, HEADS, bias=False, batch_first=True, dtype=torch.float64)


def with_gradients(function, *inputs):
    """What the function returns, and the gradients of a weighted sum of it with respect to the inputs."""
    output = function(*inputs)
    weights = torch.randn(output.shape, dtype=output.dtype, generator=torch.Generator().manual_seed(1))
    return [output, *torch.autograd.grad((output * weights).sum(), inputs)]


def assert_equal(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() < TOLERANCE


@pytest.mark.parametrize("mask", ["none", "padding", "causal", "both"])
@pytest.mark.parametrize("kind", ["lesson", "lessonkit"])
def test_multi_head_attention(layer, mask, kind):
    attention = of_the_lesson("multi_head_attention") if kind == "lesson" else multi_head.multi_head_attention
    mask = masks(mask)
    x = torch.randn(B, T, D, dtype=torch.float64, requires_grad=True)
    memory = torch.randn(B, S, D, dtype=torch.float64, requires_grad=True)
    packed, last = layer.in_proj_weight, layer.out_proj.weight

    def ours(x, memory, packed, last):
        return attention(x, memory, *of_the_lesson("torch_projections")(layer), HEADS, mask)[0]

    def theirs(x, memory, packed, last):
        hidden = None if mask is None else (~mask).expand(B, T, S).repeat_interleave(HEADS, 0)
        return layer(x, memory, memory, attn_mask=hidden, need_weights=False)[0]

    assert_equal(with_gradients(ours, x, memory, packed, last), with_gradients(theirs, x, memory, packed, last))


@pytest.mark.parametrize("mask", ["none", "both"])
def test_multi_head_attention_is_a_loop_over_heads(layer, mask):
    mask = masks(mask)
    x = torch.randn(B, T, D, dtype=torch.float64, requires_grad=True)
    memory = torch.randn(B, S, D, dtype=torch.float64, requires_grad=True)
    matrices = [torch.randn(D, D, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    attention = of_the_lesson("multi_head_attention")
    ours = with_gradients(lambda *given: attention(*given, HEADS, mask)[0], x, memory, *matrices)
    assert_equal(ours, with_gradients(lambda *given: loop_over_heads(*given, HEADS, mask), x, memory, *matrices))


@pytest.mark.parametrize("mask", ["none", "both"])
def test_the_weights_of_each_head(layer, mask):
    mask = masks(mask)
    x, memory = torch.randn(B, T, D, dtype=torch.float64), torch.randn(B, S, D, dtype=torch.float64)
    ours = of_the_lesson("multi_head_attention")(x, memory, *of_the_lesson("torch_projections")(layer), HEADS, mask)[1]
    hidden = None if mask is None else (~mask).expand(B, T, S).repeat_interleave(HEADS, 0)
    theirs = layer(x, memory, memory, attn_mask=hidden, average_attn_weights=False)[1]
    assert_equal([ours], [theirs])


def test_gates_of_one_change_nothing_and_of_zero_switch_off():
    x = torch.randn(B, T, D, dtype=torch.float64)
    matrices = [torch.randn(D, D, dtype=torch.float64) for _ in range(4)]
    plain = multi_head.multi_head_attention(x, x, *matrices, HEADS)[0]
    gates = torch.ones(B, HEADS, dtype=torch.float64)
    assert_equal([multi_head.multi_head_attention(x, x, *matrices, HEADS, gates=gates)[0]], [plain])
    gates[:, 1] = 0
    without = matrices[3].clone()
    without[D // HEADS : 2 * D // HEADS] = 0
    assert_equal(
        [multi_head.multi_head_attention(x, x, *matrices, HEADS, gates=gates)[0]],
        [multi_head.multi_head_attention(x, x, *matrices[:3], without, HEADS)[0]],
    )


@pytest.mark.parametrize("name", ["split_heads", "merge_heads", "head_importance"])
def test_finished_pieces_are_those_of_the_lesson(name):
    ours, finished = of_the_lesson(name), getattr(multi_head, name)
    if name == "head_importance":
        losses = lambda gates: ((gates @ torch.arange(8.0).view(2, 4).T - 9) ** 2).sum(-1)  # noqa: E731
        assert_equal([ours(losses, 3, 4)], [finished(losses, 3, 4)])
    else:
        given = (torch.randn(2, 3, 5, 4),) if name == "merge_heads" else (torch.randn(2, 5, 12), 3)
        assert_equal([ours(*given)], [finished(*given)])


@pytest.mark.parametrize(
    "name", ["sinusoidal_encoding", "relative_index", "relative_attention", "rotary", "alibi_bias"]
)
def test_finished_positions_are_those_of_the_lesson(name):
    q, k, v = torch.randn(3, 2, 4, 6, 8, dtype=torch.float64)
    tables = torch.randn(2, 5, 8, dtype=torch.float64)
    given = {
        "sinusoidal_encoding": (7, 10),
        "relative_index": (6, 2),
        "relative_attention": (q, k, v, *tables, torch.ones(6, 6).tril().bool()),
        "rotary": (q, torch.arange(3, 9)),
        "alibi_bias": (5, 4),
    }[name]
    ours, finished = of_the_lesson(name, "09")(*given), getattr(positions, name)(*given)
    assert_equal(*((x if isinstance(x, tuple) else (x,)) for x in (ours, finished)))


def test_rotary_scores_depend_on_the_distance_only():
    query, key = torch.randn(2, 1, 16, dtype=torch.float64)
    scores = [
        positions.rotary(query, torch.tensor([p])) @ positions.rotary(key, torch.tensor([p + 3])).T for p in (0, 50)
    ]
    assert (scores[0] - scores[1]).abs() < 1e-5  # the angles are float32, unless the default dtype is changed


def test_relative_attention_with_empty_tables_is_pytorchs_attention():
    q, k, v = torch.randn(3, 2, 4, 6, 8, dtype=torch.float64)
    nothing, causal = torch.zeros(5, 8, dtype=torch.float64), torch.ones(6, 6).tril().bool()
    theirs = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=causal)
    assert_equal([positions.relative_attention(q, k, v, nothing, nothing, causal)[0]], [theirs])
