"""Attempts to poison what is judged: arrays, lists, errors and messages that are not what they say."""

from tests.attacks.earn import CHANNEL
from tests.attacks.workshop import OTHERS, attack

# Results


@attack("poison", OTHERS, verdict="error", says="more than any exercise asks for")
def oversized_array(desk):
    """Returns ten million numbers."""
    desk.answer("def softmax(scores, dim):\n    return torch.zeros(10_000_000)")


@attack("poison", OTHERS, verdict="error", says="more than any exercise asks for")
def expanded_array(desk):
    """Returns a tensor that claims a million million numbers and holds one."""
    desk.answer("def softmax(scores, dim):\n    return torch.zeros(1).expand(10**6, 10**6)")


@attack("poison", OTHERS, verdict="wrong", says="is a ndarray")
def array_of_objects(desk):
    """Returns an array of objects, which elsewhere would be unpickled."""
    desk.answer("""
import numpy as np
class Evil:
    def __reduce__(self):
        return print, ("owned",)
def softmax(scores, dim):
    return np.array([Evil()] * 24, object).reshape(2, 3, 4)
""")


@attack("poison", OTHERS, verdict="error|wrong")
def sparse_complex_quantised(desk):
    """Returns a different odd kind of tensor at each call."""
    desk.answer("""
calls = []
def softmax(scores, dim):
    calls.append(None)
    odd = [lambda: scores.to_sparse(), lambda: scores.to(torch.complex64), lambda: scores.to("meta"),
           lambda: torch.quantize_per_tensor(scores.float(), 0.1, 0, torch.qint8), lambda: torch.zeros(2, 3, 0),
           lambda: torch.nested.nested_tensor([scores, scores]), lambda: scores.to(torch.float8_e4m3fn)]
    return odd[len(calls) % len(odd)]()
""")


@attack("poison", OTHERS, verdict="timeout|error")
def endless_generator(desk):
    """Returns a list that never ends."""
    desk.answer("""
class Endless(list):
    def __iter__(self):
        while True:
            yield 1.0
    def __len__(self):
        return 2
def softmax(scores, dim):
    return Endless([1.0, 2.0])
""")


@attack("poison", OTHERS, verdict="wrong|error")
def nested_lists(desk):
    """Returns lists within lists, and one that holds itself."""
    desk.answer("""
def softmax(scores, dim):
    deep = [1.0]
    deep.append(deep)
    return deep
""")


@attack("poison", OTHERS, verdict="wrong|error")
def disguised_object(desk):
    """Returns an object that says that it is a tensor, and raises or lies in each method."""
    desk.answer("""
class Disguised:
    __class__ = torch.Tensor
    layout, dtype = torch.strided, torch.float64
    def __getattr__(self, name):
        return lambda *given, **named: self
    def numpy(self):
        raise SystemExit(0)
def softmax(scores, dim):
    return Disguised()
""")


@attack("poison", OTHERS, verdict="wrong", says="NaN|values")
def numbers_at_the_border(desk):
    """Returns infinities, denormals and the largest numbers there are."""
    desk.answer("""
import itertools, sys
odd = itertools.cycle([float("inf"), -float("inf"), 5e-324, sys.float_info.max, -sys.float_info.max, -0.0])
def softmax(scores, dim):
    return torch.tensor([next(odd) for _ in range(scores.numel())]).reshape(scores.shape)
""")


@attack("poison", OTHERS, verdict="wrong|error")
def integers_at_the_border(desk):
    """Returns integers that no float holds."""
    desk.answer(
        "import numpy as np\ndef softmax(scores, dim):\n    return np.full(tuple(scores.shape), 2**64 - 1, np.uint64)"
    )


@attack("poison", OTHERS, verdict="error")
def huge_error(desk):
    """Raises an error of ten million characters, with half characters and zeros in it."""
    desk.answer("def softmax(scores, dim):\n    raise ValueError('\\ud800\\x00' + 'x' * 10**7)")


@attack("poison", OTHERS, verdict="error")
def error_that_cannot_be_shown(desk):
    """Raises an error that raises when it is shown."""
    desk.answer("""
class Evil(Exception):
    def __str__(self):
        raise SystemExit
    __repr__ = __str__
def softmax(scores, dim):
    raise Evil
""")


def _lying(header: str) -> str:
    return (
        CHANNEL
        + f"""
def softmax(scores, dim):
    head = json.dumps({header}).encode()
    body = struct.pack("<Q", len(head)) + head + bytes(8)
    answer = dict(type="outcome", exercise="_answer_softmax", seed=stack_value("seed"), others={{}}, failure=None,
                  changed=[], digest="", printed="")
    channel.sendall(frame(answer, body))
    time.sleep(30)
"""
    )


@attack("poison", verdict="error", says="could not be read")
def lying_shapes(desk):
    """Sends arrays whose shapes don't fit their bytes. What follows on the wire can't be trusted: it ends there."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = _lying(
        '{"last": {"dtype": "F64", "shape": [1048576, 1048576], "data_offsets": [0, 8]}}'
    )


@attack("poison", verdict="error|wrong|timeout")
def lying_sizes(desk):
    """Sends an array of no element whose axes are larger than any memory."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = _lying(
        '{"last": {"dtype": "F64", "shape": [0, 4611686018427387904], "data_offsets": [0, 0]},'
        ' "x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}'
    )


@attack("poison", verdict="error|wrong|timeout")
def forged_failure(desk):
    """Sends a failure whose parts are HTML, half characters, and very long."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = (
        CHANNEL
        + """
def softmax(scores, dim):
    evil = "<script>\\ud800\\x00</script>" * 500
    failure = {"kind": evil, "message": evil, "traceback": evil, "verdict": "error"}
    channel.sendall(frame(dict(type="outcome", exercise="_answer_softmax", seed=stack_value("seed"), failure=failure,
        others={evil: evil}, changed=[10**300], digest=evil, printed=evil)))
    time.sleep(1)
"""
    )
