"""How a wrong result relates to what the function got: inputs too much or missing, factors that are lengths."""

import pytest

from lessonkit.checks.judge import judge
from lessonkit.checks.outcome import Trial
from lessonkit.checks.run import run_probe, with_settings


def probe(answer, draw):
    B, T, d = draw.sizes(3, low=4, high=9)
    x, w, scale = draw.normal(B, T, d), draw.normal(d), draw.scale(low=0.2, high=5.0)
    return {"result": answer(x, w, scale), f"drawn {B}": x[0]}


with_settings(probe, None)


def reference(x, w, scale):
    return (x * w).tanh() * scale


def said_of(answer, right=reference):
    seeds = (1, 2, 3)
    return judge([Trial(s, run_probe(probe, answer, s), run_probe(probe, right, s)) for s in seeds]).message


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda x, w, scale: reference(x, w, scale) + x, "plus `x`"),
        (lambda x, w, scale: reference(x, w, scale) - x, "less `x`: is that left out?"),
        (lambda x, w, scale: reference(x, w, scale) * w, "multiplied by `w`"),
        (lambda x, w, scale: x, "It is `x` itself."),
        (lambda x, w, scale: (x * w).tanh(), "The factor is 1 / `scale`."),
        (lambda x, w, scale: (x * w).tanh() * scale**2, "The factor is `scale`."),
        (lambda x, w, scale: reference(x, w, scale) + scale, "plus `scale`"),
        (lambda x, w, scale: reference(x, w, scale) / x.shape[-1] ** 0.5, "1 / √n, with n the length of axis 2 of `x`"),
        (lambda x, w, scale: x.tanh() * scale, "No gradient reaches `w`: is it used at all?"),
    ],
)
def test_says_what_is_too_much_and_what_is_missing(wrong, says):
    assert says in said_of(wrong)


def test_says_that_what_is_added_has_another_factor():
    def added(x, w, scale):
        return x + scale * (x * w).tanh()

    said = said_of(lambda x, w, scale: x + scale**2 * (x * w).tanh(), added)
    assert "What is added to `x` is" in said
    assert "That factor is `scale`." in said
    assert "What is added to `x` is -1 times" in said_of(lambda x, w, scale: x - scale * (x * w).tanh(), added)


def test_nothing_is_said_of_inputs_where_nothing_holds_in_every_run():
    said = said_of(lambda x, w, scale: (x * w).sin() * scale)
    assert said.startswith("The values of `result` are not right.")
    for word in ("plus", "less", "factor", "itself", "gradient"):
        assert word not in said


def test_a_result_whose_name_holds_what_was_drawn_counts_as_right():
    said = said_of(lambda x, w, scale: (x * w).sin() * scale)
    assert "Neither" not in said
    assert "right." in said


def test_a_number_that_is_0_is_no_trouble():
    def with_zero(answer, draw):
        x = draw.normal(4, 5)
        return {"result": answer(x, 0.0, draw.size(1, 9))}

    with_settings(with_zero, "values only")
    for wrong in (lambda x, b, n: n * x, lambda x, b, n: x + n, lambda x, b, n: 0 * x, lambda x, b, n: x / 0.0):
        trials = [
            Trial(s, run_probe(with_zero, wrong, s), run_probe(with_zero, lambda x, b, n: x, s)) for s in (1, 2, 3)
        ]
        assert "not right" in judge(trials).message or "inf" in judge(trials).message


def weighed(answer, draw):
    B, T = draw.sizes(2, low=4, high=9)
    return {"weights": answer(draw.normal(B, T), draw.uniform(B, low=0.5, high=2.0))}


with_settings(weighed, "weights only")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda s, c: (2.5 * s).softmax(-1), "scores that are 2.5 times what they should be"),
        (lambda s, c: (s * c[:, None]).softmax(-1), "another one for each row"),
        (lambda s, c: s.sin().softmax(-1), "They sum to 1 over axis 1, as they should"),
    ],
)
def test_weights_of_other_scores_are_told_from_a_wrong_softmax(wrong, says):
    trials = [
        Trial(s, run_probe(weighed, wrong, s), run_probe(weighed, lambda s, c: s.softmax(-1), s)) for s in (1, 2, 3)
    ]
    assert says in judge(trials).message


def test_a_count_that_is_one_too_large_is_told():
    def shares(answer, draw):
        counts = draw.integers(3, 40, 6)
        return {"shares": answer(draw.uniform(6, low=1.0, high=2.0), counts)}

    with_settings(shares, "shares only")
    trials = [
        Trial(s, run_probe(shares, lambda x, n: x / (n + 1), s), run_probe(shares, lambda x, n: x / n, s))
        for s in (1, 2, 3)
    ]
    assert "n / (n + 1) times" in judge(trials).message
