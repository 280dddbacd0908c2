"""What a check asks of every answer by itself: gradients, kinds, untouched inputs, one bound, an end in time."""

import threading

import numpy as np
import pytest
import torch

from lessonkit.checks import clock
from lessonkit.checks.draw import Draw
from lessonkit.checks.finding import Finding
from lessonkit.checks.judge import judge
from lessonkit.checks.kinds import as_promised
from lessonkit.checks.outcome import Kind, Trial
from lessonkit.checks.run import run_probe, with_settings

SEEDS = (1, 2, 3)


def mixing(mix, draw):
    weights, values = draw.weights(2, 4), draw.normal(2, 4, 3)
    return {"mixed": mix(weights, values)}


def mix(weights, values):
    return torch.einsum("bt,btd->bd", weights, values)


def judged(answer, reference=mix, probe=mixing, seeds=SEEDS, **settings) -> Finding:
    with_settings(probe, **settings)
    return judge([Trial(s, run_probe(probe, answer, s), run_probe(probe, reference, s)) for s in seeds])


@pytest.mark.parametrize(
    ("answer", "without"),
    [
        (lambda weights, values: mix(weights.detach(), values), "`weights`"),
        (lambda weights, values: mix(weights, values.detach()), "`values`"),
        (lambda weights, values: mix(torch.tensor(weights.tolist()), values), "`weights`"),
        (lambda weights, values: mix(weights.data, values.data), "no gradient flows"),
        (lambda weights, values: torch.from_numpy(mix(weights, values).numpy()), "no gradient flows"),
        (
            lambda weights, values: (mix(weights, values) + mix(weights.detach(), values)) / 2,
            "a part of its way is cut",
        ),
    ],
    ids=["weights", "values", "torch.tensor", "all", "numpy", "half"],
)
def test_a_gradient_that_is_cut_is_named(answer, without):
    finding = judged(answer)
    assert finding.verdict == Kind.WRONG
    assert finding.message.startswith("The values are right, but")
    assert without in finding.message
    assert judged(answer, no_gradients="numbers only").passed


def test_wrong_values_are_told_before_gradients():
    assert "gradient" not in judged(lambda weights, values: 2 * mix(weights, values).detach()).message


def test_weights_may_be_normalised_once_more():
    """Only changes along which the rows keep their sum count: softmax lets no other through."""
    assert judged(lambda weights, values: mix(weights / weights.sum(-1, keepdim=True), values)).passed


def test_a_gradient_of_nan_is_told():
    def reference(scores):
        return torch.softmax(scores, -1)

    def answer(scores):
        return reference(scores) + (0 * scores.abs().sum()).sqrt()

    finding = judged(answer, reference, lambda f, draw: {"weights": f(draw.normal(3, 4))})
    assert "NaN" in finding.message
    assert "`scores`" in finding.message


def test_whole_numbers_need_no_gradient():
    def probe(best, draw):
        return {"best": best(draw.normal(3, 4))}

    assert judged(lambda x: torch.from_numpy(x.numpy().argmax(-1)), lambda x: x.argmax(-1), probe).passed


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda n: torch.arange(n).float(), "int64"),
        (lambda n: torch.arange(n, dtype=torch.int32), "int64"),
        (lambda n: torch.arange(n) + (torch.arange(n) == 3) * 10, "not right"),
    ],
)
def test_whole_numbers_are_compared_as_such(answer, says):
    finding = judged(answer, torch.arange, lambda f, draw: {"places": f(draw.size(5, 9))})
    assert says in finding.message


def test_an_integer_that_is_off_by_ten_is_wrong():
    assert not judged(
        lambda n: 10**7 * n + 10, lambda n: 10**7 * n, lambda f, draw: {"cost": f(draw.size(5, 9))}
    ).passed


def test_a_set_of_tensors_is_told():
    def probe(links, draw):
        return {"links": sorted([int(a), int(b)] for a, b in links(draw.normal(4, 3)))}

    def right(x):
        return {(int(best), i) for i, best in enumerate(x.argmax(-1))}

    assert (
        "Two tensors are never" in judged(lambda x: {(b, i) for i, b in enumerate(x.argmax(-1))}, right, probe).message
    )
    assert "Return a set" in judged(lambda x: sorted(right(x)), right, probe).message


@pytest.mark.parametrize("answer", [lambda n: np.tri(n, dtype=bool), lambda n: np.tri(n, dtype=bool).tolist()])
def test_numpy_and_lists_are_converted_and_the_check_says_so(answer):
    finding = judged(answer, lambda n: torch.ones(n, n).tril().bool(), lambda f, draw: {"mask": f(draw.size(3, 5))})
    assert finding.passed
    assert "converted" in finding.message


def test_a_tensor_for_a_number_is_converted_and_the_check_says_so():
    def probe(measure, draw):
        return {"mean and largest": list(measure(draw.normal(5)))}

    def right(x):
        return x.mean().item(), x.max().item()

    finding = judged(lambda x: (x.mean(), x.max()), right, probe, no_gradients="numbers only")
    assert finding.passed
    assert "tensors where plain numbers are promised" in finding.message
    assert as_promised((torch.tensor(0.5), torch.tensor(2.0)), {"": "list of float"}) == (0.5, 2.0)
    assert as_promised(torch.tensor(3), {"": "int"}) == 3


@pytest.mark.parametrize(
    "answer",
    [
        lambda weights, values: mix(weights.float(), values.float()),
        lambda weights, values: (weights.float().unsqueeze(1) @ values).squeeze(1),
        lambda weights, values: torch.zeros(2, 3, dtype=torch.float32).copy_(mix(weights, values)) * 1,
        lambda weights, values: torch.einsum("bt,btd->bd", weights.to(torch.float32), values),
    ],
)
def test_an_answer_may_name_float32(answer):
    finding = judged(answer)
    assert finding.passed, finding


def test_float16_is_forgiven_what_it_loses():
    probe = with_settings(lambda f, draw: {"x": f(draw.normal(40))}, "numbers only")
    assert judged(lambda x: x.half(), lambda x: x, probe, no_gradients="numbers only").passed
    assert not judged(lambda x: (x * 1.004).half(), lambda x: x, probe, no_gradients="numbers only").passed
    assert not judged(lambda x: (x * 1.00005).float(), lambda x: x, probe, no_gradients="numbers only").passed


@pytest.mark.parametrize("what", ["a list", "a set", "a dictionary", "a module", "a tensor"])
def test_what_is_handed_in_is_watched(what):
    things = {
        "a list": (lambda: [1, 2], list.pop),
        "a set": (lambda: {1, 2}, lambda s: s.add(3)),
        "a dictionary": (lambda: {1: 2}, dict.clear),
        "a module": (lambda: torch.nn.Linear(2, 2), lambda m: m.weight.data.zero_()),
        "a tensor": (lambda: torch.ones(3), lambda x: x.add_(1)),
    }
    make, change = things[what]

    def answer(thing):
        change(thing)
        return 1

    finding = judged(answer, lambda thing: 1, lambda f, draw: {"n": f(draw.watch(make()))})
    assert "`thing`" in finding.message
    assert "in place" in finding.message


def test_an_error_inside_what_the_check_hands_over_is_told_as_that():
    def probe(step, draw):
        matrix = draw.normal(3, 5)

        def cell(input, state):
            return input @ matrix.T + state

        return {"state": step(draw.normal(2, 5), draw.normal(2, 3), cell)}

    finding = judged(lambda x, h, cell: cell(h, x), lambda x, h, cell: cell(x, h), probe)
    assert "inside `cell`" in finding.message
    assert "input (2, 3), state (2, 5)" in finding.message
    own = judged(lambda x, h, cell: cell(x, h) @ x, lambda x, h, cell: cell(x, h), probe)
    assert "inside" not in own.message
    assert "x (2, 5)" in own.message


def test_a_changed_signature_is_told():
    assert "first line" in judged(lambda weights: weights).message
    assert "first line" in judged(lambda weights, values, more: values).message


def test_a_line_left_over_below_finished_code_is_told():
    def answer(weights, values):
        """Mix."""
        mixed = mix(weights, values)
        raise NotImplementedError()
        return mixed

    def stub(weights, values):
        """Mix."""
        raise NotImplementedError()

    assert "delete it" in judged(answer).message
    assert judged(answer).verdict == Kind.NOT_STARTED
    assert judged(stub).message == ""


def test_an_endless_print_ends_and_little_is_kept():
    def answer(weights, values):
        while True:
            print("round and round")

    outcome = run_probe(mixing, answer, 1, seconds=0.2)
    assert outcome.failure.verdict == Kind.TIMEOUT
    assert len(outcome.printed) <= 10_000


@pytest.mark.parametrize("swallows", [False, True])
def test_an_endless_loop_ends_without_the_systems_alarm(monkeypatch, swallows):
    def answer(weights, values):
        rounds = 0
        while rounds < (2 if swallows else 1):
            try:
                while True:
                    pass
            except BaseException:
                rounds += 1
        raise TimeoutError("two rounds")

    monkeypatch.delattr(clock.signal, "SIGALRM")
    with pytest.raises((clock.TimeUp, TimeoutError)), clock.time_limit(0.1):
        answer(None, None)


def test_an_endless_loop_in_another_thread_ends():
    found = []

    def work():
        found.append(run_probe(mixing, lambda weights, values: [0 for _ in iter(int, 1)], 1, seconds=0.2))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert found[0].failure.verdict == Kind.TIMEOUT


def test_the_default_device_and_compile_dont_matter():
    torch.set_default_device("meta")
    try:
        assert judged(lambda weights, values: mix(weights, values) + torch.zeros(3)).passed
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)


def test_an_overwritten_name_is_told():
    namespace = {"torch": None}
    exec("def answer(weights, values):\n    return torch.einsum('bt,btd->bd', weights, values)", namespace)
    assert "`torch` is no longer" in judged(namespace["answer"]).message
    namespace = {"sum": 3}
    exec("def answer(weights, values):\n    return sum(weights)", namespace)
    assert "`sum` is no longer" in judged(namespace["answer"]).message


def test_results_in_another_order_are_told():
    def probe(halves, draw):
        first, second = halves(draw.normal(3, 4))
        return {"first": first, "second": second}

    finding = judged(lambda x: (x / 3, x * 2), lambda x: (x * 2, x / 3), probe)
    assert "in another order?" in finding.message


def test_a_mask_turned_round_and_a_softmax_over_the_queries_are_told_without_infinities():
    def probe(attend, draw):
        return {"weights": attend(draw.normal(2, 4, 5), draw.mask(2, 5).unsqueeze(1))}

    def attending(dim, turned):
        def attend(scores, mask):
            mask = ~mask if turned else mask
            return torch.softmax(scores.masked_fill(~mask, -1e9), dim).masked_fill(~mask, 0.0)

        return attend

    assert "over axis 1" in judged(attending(-2, False), attending(-1, False), probe).message
    assert "turned round" in judged(attending(-1, True), attending(-1, False), probe).message


def test_draws_are_what_they_were_and_no_numpy_changes_them():
    draw = Draw(2026)
    assert (draw.sizes(3), draw.tokens(2, 9)) == ([2, 6, 5], [1, 3])
    assert draw.integers(0, 1000, 3).tolist() == [825, 448, 338]
    assert draw.permutation(5).tolist() == [1, 0, 3, 2, 4]
    assert draw.normal(2).tolist() == [-0.6925444405060261, 1.3889639608096331]
    assert draw.scale() == 22.2
    assert draw.uniform(1).tolist() == [0.5633773745025455]


def test_sizes_differ_and_stay_in_their_range():
    for seed in range(50):
        draw = Draw(seed)
        sizes = draw.sizes(4, 2, 6)
        assert len(set(sizes)) == 4
        assert all(2 <= size <= 6 for size in sizes)
        assert draw.size(3, 3) == 3
        assert set(draw.tokens(5, 5)) == set(range(5))
        assert 0.5 <= draw.scale(0.5, 2) <= 2
        words = draw.words(4, 6, 8, pad=3, but=(5,))
        assert not (words == 5).any()
        assert ((words != 3).long().diff(dim=1) <= 0).all()
    with pytest.raises(ValueError, match="no 9 different sizes"):
        draw.sizes(9, 2, 6)
