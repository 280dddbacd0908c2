"""What several runs say together: result by result, single numbers, and no hint that rests on too little."""

import pytest
import torch

from lessonkit.checks.judge import judge
from lessonkit.checks.outcome import Known, Trial
from lessonkit.checks.run import run_probe, with_settings


def measured(answer, draw):
    x = draw.uniform(draw.size(4, 9))
    share, mean = answer(x)
    return {"share": share, "mean": mean}


def one_matrix(answer, draw):
    x = draw.normal(4, 4)
    return {"matrix": answer(x), "its square": answer(x @ x)}


for a_probe in (measured, one_matrix):
    with_settings(a_probe, "numbers only")


def reference(x):
    return (x > 0.5).double().mean().item() + 0.01 * x[0].item(), x.mean().item()


def said_of(answer, reference, probe=measured, known=()):
    trials = []
    for seed in (1, 2, 3):
        mistakes = [Known(m.__name__, f"This is {m.__name__}.", run_probe(probe, m, seed)) for m in known]
        trials.append(Trial(seed, run_probe(probe, answer, seed), run_probe(probe, reference, seed), mistakes))
    return judge(trials)


def test_says_which_results_are_right_and_which_are_not():
    finding = said_of(lambda x: (reference(x)[0], x.median().item()), reference)
    assert finding.message == "The values of `mean` are not right. `share` is right."
    both = said_of(lambda x: (x[0].item(), x.median().item()), reference).message
    assert both == "The values of `share` are not right."
    shape = said_of(lambda x: (x, reference(x)[1]), reference).message
    assert shape.startswith("The result `share` has shape")
    assert shape.endswith("`mean` is right.")


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (lambda x: 100 * x.mean(), "Each time it is 100 times what it should be: is it a percentage"),
        (lambda x: x.sum(), "times what it should be: is it a sum where a mean is meant?"),
        (lambda x: x.mean() / len(x), "times as large: is it a mean where a sum is meant"),
        (lambda x: -x.mean(), "Each time it has the wrong sign."),
        (lambda x: x.mean() + 1, "Each time it is +1 away from what it should be."),
        (lambda x: 1 - x.mean(), "Each time it is 1 minus what it should be."),
        (lambda x: x.mean() ** 2, "Each time it is the square of what it should be."),
    ],
)
def test_single_numbers_are_compared_over_all_runs(second, says):
    said = said_of(lambda x: (reference(x)[0], second(x).item()), reference).message
    assert says in said
    assert said.endswith("`share` is right.")


def test_one_run_of_a_number_tells_nothing():
    run = [run_probe(measured, answer, 1) for answer in (lambda x: (reference(x)[0], 2 * x.mean().item()), reference)]
    assert judge([Trial(1, *run)]).message == "The values of `mean` are not right. `share` is right."


def test_results_in_another_order_are_told_of_numbers_too():
    assert "It is what `mean` should be" in said_of(lambda x: reference(x)[::-1], reference).message


def test_a_number_that_is_another_result_s_is_no_exchange_where_that_one_is_right():
    said = said_of(lambda x: (x.mean().item(), x.mean().item()), reference).message
    assert said == "The values of `share` are not right. `mean` is right."


def test_a_known_mistake_in_one_result_is_named():
    def both_of_the_first(x):
        return x[0].item(), x[0].item() / 3

    finding = said_of(lambda x: (reference(x)[0], x[0].item() / 3), reference, known=[both_of_the_first])
    assert finding.mistake is None
    assert "`mean` comes out as with this mistake: This is both_of_the_first." in finding.message


def test_what_is_said_of_all_results_is_not_said_where_one_is_right():
    def every_time(x):
        return x[0].item(), x[0].item() / 3

    said = said_of(lambda x: (reference(x)[0], x[0].item() / 3), reference, known=[every_time]).message
    assert said == "The values of `mean` are not right. `share` is right."


def test_a_known_mistake_is_not_named_where_results_are_exchanged():
    def exchanged(x):
        return reference(x)[::-1]

    assert "comes out" not in said_of(lambda x: (x.mean().item(), 7.0), reference, known=[exchanged]).message


def test_a_known_mistake_is_not_named_where_whole_numbers_may_agree_by_luck():
    def none_at_all(x):
        return 0, 0.0

    def right(x):
        return len(x), x.mean().item()

    assert "comes out" not in said_of(lambda x: (0, right(x)[1]), right, known=[none_at_all]).message


def test_a_known_mistake_is_not_named_where_all_is_zero():
    def nothing(x):
        return 0 * x, 0 * x

    def right(x):
        return x, x.exp()

    assert "comes out" not in said_of(lambda x: (0 * x, x.exp()), right, known=[nothing]).message


def turn(x):
    """A matrix of 2 × 2 turns, as in lesson 09, by an angle that depends on x."""
    c, s = x.sum().cos(), x.sum().sin()
    return torch.block_diag(*2 * [torch.stack([torch.stack([c, s]), torch.stack([-s, c])])])


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        (lambda x: torch.eye(4).roll(1, 0), turn),
        (lambda x: torch.eye(4), turn),
        (lambda x: torch.full((4, 4), 0.25), turn),
        (lambda x: turn(x) @ torch.diag(torch.tensor([1.0, -1, 1, -1])), lambda x: torch.eye(4)),
        (lambda x: torch.diag(torch.tensor([1.0, -1, 1, -1])), lambda x: torch.eye(4)),
        (lambda x: torch.eye(4).roll(1, 0), lambda x: torch.eye(4)),
    ],
)
def test_a_hint_needs_more_than_a_few_zeros_and_ones(answer, reference):
    said = said_of(answer, reference, probe=one_matrix).message
    for guess in ("softmax", "sum to 1", "absolute value", "masked", "mask is turned", "times what"):
        assert guess not in said, said


def test_a_hint_that_holds_in_one_run_only_is_not_said():
    def sometimes(x):
        return -x if x[0, 0] < x[0, 1] else x + x.T

    firsts = {seed: run_probe(one_matrix, lambda x: x, seed).arrays["matrix"] for seed in (1, 2, 3)}
    assert len({bool(m[0, 0] < m[0, 1]) for m in firsts.values()}) == 2
    said = said_of(sometimes, lambda x: x, probe=one_matrix).message
    assert "wrong sign" not in said


def test_any_order_of_all_heads_is_no_hint():
    said = said_of(lambda x: x[0].argsort(descending=True), lambda x: x[0].argsort(), probe=one_matrix).message
    assert "right values in another order" not in said
