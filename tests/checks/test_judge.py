"""The judge: what it accepts however it is written, and what it says of what is wrong."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lessonkit.checks.flatten import flatten
from lessonkit.checks.judge import judge
from lessonkit.checks.outcome import Known, Outcome, Trial
from lessonkit.checks.run import run_probe, with_settings


def probe(double, draw):
    x = draw.normal(2, 3)
    return {"y": double(x)}


def bare_probe(double, draw):
    return probe(double, draw)


with_settings(bare_probe, "numbers only")


def verdict_on(answer, mistakes=(), reference=lambda x: 2 * x, probe=bare_probe, seeds=(1, 2)):
    trials = []
    for seed in seeds:
        known = [Known(m.__name__, f"This is {m.__name__}.", run_probe(probe, m, seed)) for m in mistakes]
        trials.append(Trial(seed, run_probe(probe, answer, seed), run_probe(probe, reference, seed), known))
    return judge(trials)


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: x + x,
        lambda x: (2 * x).float(),
        lambda x: (2 * x.float()).double(),
        lambda x: (2 * x).numpy(),
        lambda x: (2 * x).tolist(),
        lambda x: torch.stack([2 * row for row in x]),
        lambda x: (2 * x).requires_grad_(),
        lambda x: (2 * x).T.contiguous().T,
    ],
    ids=["sum", "float32", "through float32", "numpy", "lists", "loop", "grad", "strided"],
)
def test_right_however_it_is_written(answer):
    assert verdict_on(answer).passed


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: None, "return"),
        (lambda x: (2 * x).T, "axes are swapped"),
        (lambda x: (2 * x)[None], "one axis too many"),
        (lambda x: (2 * x).sum(-1), "one axis too few"),
        (lambda x: 3 * x, "1.5 times"),
        (lambda x: -2 * x, "wrong sign"),
        (lambda x: 2 * x + 1, "+1 away"),
        (lambda x: 2 * x / 0 * 0, "NaN"),
        (lambda x: x > 0, "booleans"),
        (lambda x: x.mul_(2), "in place"),
        (lambda x: [2 * x, 2 * x], "list"),
        (lambda x: "no", "a str"),
        (lambda x: 2 * x.softmax(0), "not right"),
    ],
)
def test_says_what_is_wrong(answer, says):
    finding = verdict_on(answer)
    assert finding.verdict == "wrong"
    assert says in finding.message


def test_weights_normalised_over_another_axis_are_recognised():
    finding = verdict_on(lambda x: x.softmax(0), reference=lambda x: x.softmax(1))
    assert "They sum to 1 over axis 0; they should over axis 1" in finding.message


def test_first_difference_is_quoted_in_the_detail_only():
    finding = verdict_on(lambda x: torch.where(torch.arange(6).view(2, 3) == 4, 99.0, 2 * x))
    assert "y[1, 1] is 99, expected" in finding.detail
    assert "99" not in finding.message


def test_an_exception_is_an_error_with_the_learners_traceback():
    def answer(x):
        return x.no_such_thing

    finding = verdict_on(answer)
    assert finding.verdict == "error"
    assert "AttributeError" in finding.message
    assert finding.detail.count("File ") == 1
    assert "in answer" in finding.detail


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: x + x.sum(0)[:2], "3 entries meet 2. After a sum"),
        (lambda x: x @ x, "A matrix product of (2, 3) and (2, 3): 3 and 2 should be equal."),
        (
            lambda x: x.expand(4, 2, 3) @ x.expand(4, 2, 3),
            "should be a stack of 4 with 3 rows, and is one of 4 with 2.",
        ),
        (lambda x: None + x.tolist().clear().sum(), "Something is None here"),
        (lambda x: max(0, x), "want one yes or no"),
        (lambda x: x(), "Did you hand over a function's *result*"),
    ],
)
def test_common_errors_are_put_in_plain_words_and_quoted(answer, says):
    finding = verdict_on(answer)
    assert finding.verdict == "error"
    assert says in finding.message
    assert "Your code raised" in finding.message


def test_what_the_probe_cannot_use_is_not_called_an_error_of_the_learners_code():
    def pair(answer, draw):
        first, second = answer(draw.normal(3))
        return {"first": first, "second": second}

    def one(x):
        return x

    def raises(x):
        raise ValueError("too many values to unpack (expected 2, got 3)")

    finding = verdict_on(one, reference=lambda x: (x, x), probe=pair)
    assert finding.verdict == "error"
    assert "is the number of results that of the docstring" in finding.message
    assert "It raised ValueError" in finding.message
    assert "does it end with a return" in verdict_on(lambda x: None, reference=lambda x: (x, x), probe=pair).message
    assert verdict_on(one, [raises], reference=lambda x: (x, x), probe=pair).mistake is None
    assert "Your code raised ValueError" in verdict_on(raises, probe=pair, reference=lambda x: (x, x)).message


def test_a_change_in_place_is_named_even_if_the_values_are_wrong_too():
    assert "in place" in verdict_on(lambda x: x.mul_(3)).message


def test_not_started_and_timeout():
    def stub(x):
        raise NotImplementedError

    def for_ever(x):
        while True:
            pass

    assert verdict_on(stub).verdict == "not_started"
    assert judge([Trial(1, run_probe(probe, for_ever, 1, seconds=0.2), run_probe(probe, stub, 1))]).verdict == "timeout"


def test_exit_is_an_error_not_an_exit():
    assert verdict_on(lambda x: exit()).verdict == "error"


def test_a_known_mistake_is_named_even_close_to_the_right_result():
    def eps_outside(x):
        return 2 * x + 1e-7

    assert verdict_on(eps_outside).passed  # nobody knows of it: within what float32 on the way may cost
    finding = verdict_on(eps_outside, [eps_outside])
    assert finding.mistake == "eps_outside"
    assert finding.verdict == "wrong"


def test_a_mistake_must_explain_every_seed():
    def tripled(x):
        return 3 * x

    def sometimes(x):
        return 3 * x if x.sum() > 0 else 4 * x

    seeds = [s for s in range(40)]
    signs = {s: bool(run_probe(probe, lambda x: x.sum() > 0, s).arrays["y"]) for s in seeds}
    both = (next(s for s in seeds if signs[s]), next(s for s in seeds if not signs[s]))
    assert verdict_on(tripled, [tripled], seeds=both).mistake == "tripled"
    assert verdict_on(sometimes, [tripled], seeds=both).mistake is None


def test_a_mistake_that_raises_is_recognised():
    def bad_view(x):
        return x.view(7)

    assert verdict_on(bad_view, [bad_view]).mistake == "bad_view"


def test_random_state_and_dtype_are_left_alone():
    torch.manual_seed(7)
    before, dtype = torch.get_rng_state(), torch.get_default_dtype()
    np.random.seed(3)
    state = np.random.get_state()[1].copy()
    assert verdict_on(lambda x: 2 * x + 0 * torch.randn(1)).passed
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_default_dtype() == dtype
    assert (np.random.get_state()[1] == state).all()


def test_warnings_and_stderr_do_not_reach_the_page(capfd):
    import sys
    import warnings

    def chatty(x):
        warnings.warn("loud", stacklevel=1)
        print("to stderr", file=sys.stderr)
        return 2 * x

    assert verdict_on(chatty).passed
    assert capfd.readouterr().err == ""


def test_numbers_of_tiny_size_are_compared_by_their_own_scale():
    assert not verdict_on(lambda x: 0 * x, reference=lambda x: 1e-9 * x).passed


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1, max_size=20))
def test_every_result_equals_itself(values):
    outcome = Outcome(arrays={"a": np.array(values)})
    assert judge([Trial(0, outcome, outcome)]).passed


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.integers(0, 19))
def test_a_visible_change_is_noticed(values, i):
    want, got = np.array(values), np.array(values)
    got[i % len(values)] += 1 + 0.01 * np.abs(want).max()
    assert not judge([Trial(0, Outcome(arrays={"a": got}), Outcome(arrays={"a": want}))]).passed


def test_flatten_names_nested_results():
    arrays, others = flatten({"a": [torch.zeros(2), torch.ones(3)], "b": [[1, 2], [3, 4]], "c": None, "d": 1.5})
    assert set(arrays) == {"a.length", "a[0]", "a[1]", "b", "d"}
    assert others == {"c": "None"}


def test_a_pair_of_numbers_may_be_a_pair_of_tensors():
    numbers, _ = flatten({"a": (3, 4.5), "b": [[1, 2]]})
    tensors, _ = flatten({"a": (torch.tensor(3), torch.tensor(4.5)), "b": [[torch.tensor(1), 2]]})
    assert tensors.keys() == numbers.keys()
    assert all(np.array_equal(tensors[name], numbers[name]) for name in numbers)


def test_a_gradient_that_is_cut_is_explained():
    def probe(answer, draw):
        x = draw.normal(3, grad=True)
        y = answer(x)
        (y * draw.normal(3)).sum().backward()
        return {"y": y, "gradient of x": x.grad}

    def judged(answer):
        return judge([Trial(1, run_probe(probe, answer, 1), run_probe(probe, torch.exp, 1))]).message

    def overwrites(x):
        y = x.exp()
        y[0] = y[0] * 1.0
        return y * y

    assert "No gradient flows through your result" in judged(lambda x: x.detach().exp())
    assert "No gradient reaches x" in judged(lambda x: torch.ones(3, requires_grad=True) * 1.0)
    assert "Write into a new tensor" in judged(overwrites)


def test_a_mistake_is_known_with_float32_on_its_way():
    def half(x):
        return x.float().mean(dtype=torch.float32).double() + x

    def slightly(x):
        return 2 * x * (1 + 1e-6)

    finding = verdict_on(half, [slightly, lambda x: x.mean() + x])
    assert finding.mistake == "<lambda>"
    assert verdict_on(lambda x: (2 * x).float(), [slightly]).passed
