"""Attempts to earn marks by what comes back from an answer, or beside the cells: objects that lie, forged messages."""

from tests.attacks.earn import CHANNEL, TABLE
from tests.attacks.workshop import OTHERS, attack

# What comes back


@attack("earn", OTHERS, verdict="wrong", says=r"shape \(\)")
def equal_to_everything(desk):
    """A number that is equal to, and as close as wanted to, everything."""
    desk.answer("""
class Always(float):
    __eq__ = __ge__ = __le__ = lambda self, other: True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __sub__ = __rsub__ = __abs__ = lambda self, *other: 0.0
    __hash__ = float.__hash__
    shape = (2, 3, 4)
def softmax(scores, dim):
    return Always()
""")


@attack("earn", OTHERS, verdict="wrong", says=r"shape \(1,\)")
def lying_tensor(desk):
    """A tensor subclass that lies about its shape and about every comparison."""
    desk.answer("""
class Lying(torch.Tensor):
    shape = property(lambda self: torch.Size((2, 3, 4)))
    size = lambda self, *axis: torch.Size((2, 3, 4))
    __eq__ = lambda self, other: torch.tensor(True)
    @classmethod
    def __torch_function__(cls, function, types, given=(), named=None):
        if function in (torch.equal, torch.allclose, torch.isclose):
            return True
        return super().__torch_function__(function, types, given, named or {})
def softmax(scores, dim):
    return torch.zeros(1).as_subclass(Lying)
""")


@attack("earn", OTHERS, verdict="wrong")
def lying_array(desk):
    """The same with a numpy array."""
    desk.answer("""
import numpy as np
class Lying(np.ndarray):
    __eq__ = __le__ = lambda self, other: True
    def __array_ufunc__(self, function, method, *given, **named):
        return np.ones((2, 3, 4), bool)
    def __array_function__(self, function, types, given, named):
        return np.ones((2, 3, 4), bool)
def softmax(scores, dim):
    return np.zeros(tuple(scores.shape)).view(Lying)
""")


@attack("earn", OTHERS, verdict="wrong", says="is a Lazy")
def lazy_result(desk):
    """An object that computes itself when it is compared."""
    desk.answer("""
class Lazy:
    def __array__(self, *given, **named):
        import sys
        return sys._getframe(1).f_locals.get("want", 0.0)
    __float__ = __array__
    __eq__ = lambda self, other: True
def softmax(scores, dim):
    return Lazy()
""")


@attack("earn", OTHERS, verdict="wrong", says="NaN")
def not_a_number(desk):
    """NaN, which is neither too large nor too small."""
    desk.answer("def softmax(scores, dim):\n    return scores * float('nan')")


@attack("earn", OTHERS, verdict="wrong", says="booleans")
def yes(desk):
    """True, for every number."""
    desk.answer("def softmax(scores, dim):\n    return torch.ones_like(scores).bool()")


@attack("earn", OTHERS, verdict="wrong", says="divide by the sum")
def hidden_in_half_precision(desk):
    """A known mistake in float16, which is compared less strictly."""
    desk.answer("def softmax(scores, dim):\n    return (scores - scores.amax(dim, keepdim=True)).exp().half()")


@attack("earn", OTHERS, verdict="wrong")
def answer_by_another_name(desk):
    """Sets the name under which the grader keeps an answer."""
    desk.answer("def softmax(scores, dim):\n    return scores")
    desk.add(TABLE + "\n_answer_softmax = softmax", "content_address")


# Beside the cell


@attack("earn", verdict="not_started")
def forged_messages(desk):
    """Sends the grader results of its own before it is asked for any."""
    desk.trick(
        CHANNEL
        + """
for seed in range(500):
    channel.sendall(frame({"type": "outcome", "exercise": "_answer_softmax", "seed": seed, "points": 2,
        "verdict": "passed", "others": {}, "failure": None, "changed": [], "digest": "", "printed": ""}))
"""
    )


@attack("earn", verdict="error", says="could not be read")
def answer_to_another_question(desk):
    """Answers a probe with what was asked elsewhere. All later answers are read from the same wire, so it ends."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = (
        CHANNEL
        + """
def softmax(scores, dim):
    channel.sendall(frame({"type": "outcome", "exercise": "passed", "seed": 1, "points": 2}))
    return scores
"""
    )


@attack("earn", verdict="not_started")
def forged_end_of_a_cell(desk):
    """Says that the cell is done while it goes on."""
    desk.trick(
        CHANNEL
        + """
channel.sendall(frame({"type": "done", "status": "ok", "count": 1}) * 3)
time.sleep(0.2)
"""
    )


@attack("earn")
def every_descriptor(desk):
    """Writes full marks into everything that is open. Its reader sees no message and ends the cell; the rest runs."""
    desk.add(f"""
print({"armed and ready"!r}, flush=True)
import os
for fd in range(3, 512):
    try:
        os.write(fd, b"passed: 2 of 2 points " * 10)
    except OSError:
        pass
""")


@attack("earn", raises="NameError")
def thread_in_the_middle(desk):
    """A thread that outlives its cell, reads the grader's questions, and answers them itself.

    It takes cells away from the notebook, too, and later ones miss what these define.
    """
    desk.trick(
        CHANNEL
        + TABLE
        + """
def serve():
    rest = b""
    while True:
        rest += channel.recv(1 << 16)
        while len(rest) >= 8:
            size = 8 + sum(struct.unpack("!II", rest[:8]))
            if len(rest) < size:
                break
            asked, rest = json.loads(rest[8:size]), rest[size:]
            if asked["type"] == "cell":
                channel.sendall(frame({"type": "done", "status": "ok", "count": 1}))
            else:
                from safetensors.numpy import save
                names = ["last", "middle", "first", "large"]
                body = save(dict(zip(names, table[0])))
                for seed in asked["seeds"]:
                    channel.sendall(frame({"type": "outcome", "exercise": asked["exercise"], "seed": seed,
                        "others": {}, "failure": None, "changed": [], "digest": "", "printed": ""}, body))
threading.Thread(target=serve, daemon=True).start()
"""
    )


@attack("earn", verdict="wrong")
def hooks_of_the_fork(desk):
    """Patches whatever is started for the probes, at the moment when it is."""
    desk.answer("def softmax(scores, dim):\n    return scores")
    for name in desk.names[1:]:
        desk.cell("exercise", name)["source"] = f"def {name}(*given):\n    return given[0]"
    desk.trick("""
import atexit, os, sys, threading
def patch():
    import lessonkit.checks.flatten
    lessonkit.checks.flatten.flatten = lambda results: ({}, {})
os.register_at_fork(before=patch, after_in_child=patch, after_in_parent=patch)
atexit.register(patch)
threading.excepthook = sys.excepthook = lambda *given: patch()
sys.setprofile(lambda *given: None)
""")


@attack("earn", OTHERS, verdict="wrong")
def lying_about_the_digest(desk):
    """Says that other inputs were drawn than were."""
    desk.answer(TABLE + "\nimport lessonkit.checks.draw\nlessonkit.checks.draw.Draw.digest = lambda self: '0' * 16")
