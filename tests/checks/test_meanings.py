"""What errors and differences are told as: sentences that are true of the answer."""

import pytest
import torch
from torch import nn

from lessonkit.checks.judge import judge
from lessonkit.checks.lines import meets_what_lost_an_axis
from lessonkit.checks.outcome import Trial
from lessonkit.checks.run import run_probe


def said_of(answer, reference=lambda x: 2 * x, results=lambda y: {"y": y}):
    def probe(answer, draw):
        return results(answer(draw.normal(2, 3)))

    trials = [Trial(s, run_probe(probe, answer, s), run_probe(probe, reference, s)) for s in (1, 2)]
    return judge(trials).message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: torch.maximum(x, x.max(dim=0)), "take `.values`"),
        (lambda x: x.sort(dim=0).cumsum(0), "take `.values`"),
        (lambda x: x - torch.log(2.0), "`math.log`"),
        (lambda x: torch.minimum([x], [x]), "`torch.stack(...)` makes one"),
        (lambda x: torch.stack([x, x[:1]]), "joined end to end by `torch.cat`"),
        (lambda x: torch.cat([x[:0] for _ in range(0)]), "the loop that should fill it had no turn"),
        (lambda x: x / (0.0 / 0), "divided by 0"),
        (lambda x: (x > 0).mean(), "`.float()` first"),
        (lambda x: (x > 0) @ (x > 0).T, "make numbers of them first"),
        (lambda x: x.gather(1, torch.zeros(2, dtype=torch.int64)), "as many axes as the tensor"),
        (lambda x: x.gather(1, torch.zeros(2, 1, dtype=torch.int64) - 1), "a count of 0, of which 1"),
        (lambda x: nn.functional.conv1d(x[None], torch.ones(4, 3, 1)), "turn the last two axes"),
        (lambda x: nn.functional.conv1d(x[None], torch.ones(4, 2, 5)), "zeros are missing on both sides"),
        (lambda x: x + x[-9:0], "One of two tensors is empty"),
        (lambda x: torch.softmax(x + torch.eye(2), -1), "Write down both shapes"),
        (lambda x: x / x.sum(-1), "3 entries meet 2. After a sum"),
    ],
)
def test_errors_are_told_as_what_they_are(answer, says):
    assert says in said_of(answer)


@pytest.mark.parametrize(
    ("line", "meets"),
    [
        ("return A / A.sum(-1)", True),
        ("return A / (A.sum(-1) + 1e-9)", True),
        ("new = torch.maximum(m, s.amax(dim=-1))", True),
        ("return A / A.sum(-1, keepdim=True)", False),
        ("return ((A @ A.mT - torch.eye(T)) ** 2).sum(dim=(1, 2))", False),
        ("blocks.append(masked_softmax(scores, near) @ values)", False),
        ("reward = logits.argmax(dim=0) == labels", False),
    ],
)
def test_keepdim_is_advised_only_where_a_reduced_tensor_meets_another(line, meets):
    assert meets_what_lost_an_axis(line) is meets


@pytest.mark.parametrize(
    ("answer", "reference", "says"),
    [
        (lambda x: 6 * x, lambda x: 2 * x, "3 times what it should be: is it a sum where a mean"),
        (lambda x: x / 4, lambda x: x, "1/4: is it a mean where a sum"),
        (lambda x: x + 1e-3 * x.abs() * x.sign().cos(), lambda x: x, "They are nearly right, at most"),
        (lambda x: 1.37 * x, lambda x: x, "Each is 1.37 times what it should be."),
        (lambda x: x.sort(-1).values, lambda x: x, "the right values in another order along axis 1"),
        (lambda x: x.exp(), lambda x: x.exp().square(), "Each is the root of what it should be"),
        (lambda x: x, lambda x: x.relu(), "what it should be is relu of it"),
        (lambda x: 2 * x - 1, lambda x: x, "Each is 2 x − 1 where x is"),
        (lambda x: x.exp(), lambda x: x.softmax(-1), "don't sum to 1 over the last axis"),
        (lambda x: x.flatten().softmax(0).view(2, 3), lambda x: x.softmax(-1), "don't sum to 1 over the last axis"),
        (
            lambda x: torch.where(torch.arange(3) == 1, x, x.cos()),
            lambda x: x,
            "Along axis 1 only 1 (of 0 to 2) is right",
        ),
        (lambda x: x.mean(1, keepdim=True).expand(2, 3), lambda x: x, "all alike along axis 1"),
        (lambda x: x.sin(), lambda x: x.sin() ** 2 + 0.1 * x.exp(), "below 0, where none should be"),
        (lambda x: torch.ones(4, 4).bool(), lambda x: torch.ones(4, 4).tril().bool(), "6 more, all of them above the"),
        (lambda x: torch.ones(4, 4).tril(-2).bool(), lambda x: torch.ones(4, 4).tril().bool(), "7 of 10 are missing"),
        (lambda x: x.sum(0), lambda x: x.sum(1), "has shape (3,); it should have (2,)"),
        (lambda x: x @ x.T, lambda x: x @ x.T @ x, "Axis 1 has length 2; it should have 3"),
    ],
)
def test_differences_tell_what_is_true_of_them(answer, reference, says):
    assert says in said_of(answer, reference)


def test_a_tuple_of_lists_is_several_things():
    def pair(y):
        one, two = y
        return {"one": one, "two": two}

    said = said_of(lambda x: (x.sum(0).tolist(), x.sum(1).tolist()), lambda x: (x.sum(0), x.sum(1)), pair)
    assert "You return one thing" not in said


def test_a_gradient_that_only_one_result_lacks_is_told_as_that():
    def pair(y):
        one, two = y
        return {"one": one, "two": two}

    said = said_of(lambda x: (x.exp(), x.sin().detach()), lambda x: (x.exp(), x.sin()), pair)
    assert "one of the results (or calls) gives no gradient to `x`, where others do" in said


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        (lambda x: 0 * x + 5, lambda x: 0 * x + 2),  # one right number: any wrong one is 2.5 times it
        (lambda x: 0 * x - 1, lambda x: 0 * x + 2),
        (lambda x: torch.tensor([[1, 0], [0, 2]]), lambda x: torch.tensor([[0, 1], [3, 0]])),  # indices, no weights
    ],
)
def test_nothing_is_told_of_a_difference_that_tells_nothing(answer, reference):
    assert said_of(answer, reference) == "The values of `y` are not right."
