"""Attempts to earn marks without a right answer. Where it says `fools`, a check that is believed would give points."""

from tests.attacks.workshop import EVERYTHING, LESSON, OTHERS, attack, copy_of

# An object that a notebook shows as full marks.
TWO = "class Two:\n    def __repr__(self): return '2'\n"
# The expected results that are shipped for the visible checks, in the order in which the probe asks for them.
TABLE = f"""
from lessonkit.checks import expectations
table = [list(o.arrays.values()) for o in expectations.load({LESSON!r})["softmax"].outcomes.values()]
calls = []
def softmax(scores, dim):
    calls.append(None)
    i = len(calls) - 1
    return torch.from_numpy(table[i // 4 % 3][i % 4])
"""
# The socket to the grader, found among the interpreter's objects, and how a message on it looks.
CHANNEL = """
import gc, json, os, socket, struct, sys, threading, time
sockets = [o for o in gc.get_objects() if isinstance(o, socket.socket) and o.family == socket.AF_UNIX]
channel = next((o for o in sockets if o.fileno() > 2 and o.gettimeout() is None), None)
def frame(header, body=b""):
    head = json.dumps(header).encode()
    return struct.pack("!II", len(head), len(body)) + head + body
def stack_value(name):
    f = sys._getframe(1)
    while f is not None and name not in f.f_locals:
        f = f.f_back
    return f.f_locals[name] if f else None
"""


# Checks and their parts


@attack("earn", verdict="not_started")
def skipped_checks(desk):
    """Tags every check so that it would be skipped: elsewhere, a check without an error is full marks."""
    for name in desk.names:
        desk.cell("check", name)["metadata"]["tags"] = ["demonstration", "skip-execution", "raises-exception"]


@attack("earn", verdict="not_started")
def deleted_checks(desk):
    """Deletes every check: nothing is left that could fail."""
    for name in desk.names:
        desk.notebook["cells"].remove(desk.cell("check", name))


@attack("earn", verdict="not_started")
def edited_checks(desk):
    """Writes the mark into the check's own cell, and into its metadata."""
    for name in desk.names:
        cell = desk.cell("check", name)
        cell["source"] = "2"
        cell["metadata"]["nbgrader"] |= {"points": 1000, "locked": False}


@attack("earn", verdict="not_started")
def stored_outputs(desk):
    """Hands in outputs of checks that never ran."""
    for name in desk.names:
        shown = {"output_type": "execute_result", "data": {"text/plain": "2"}, "metadata": {}, "execution_count": 1}
        desk.cell("check", name)["outputs"] = [shown]


@attack("earn", ("softmax",), verdict="passed")
def more_points(desk):
    """A right answer that claims to be worth a thousand points: it is worth what the lesson says."""
    desk.solve("softmax")
    desk.cell("check", "softmax")["metadata"]["nbgrader"]["points"] = 1000


@attack("earn", verdict="missing|not_started")
def relabelled_cell(desk):
    """A cell of one's own that says that it is the check."""
    made = desk.add("check = print")
    made["metadata"] = {"nbgrader": desk.cell("check", "softmax")["metadata"]["nbgrader"] | {"points": 1000}}


@attack("earn", OTHERS, verdict="refused", says="2 cells claim")
def two_answers(desk):
    """A wrong and a right cell with the same identity: whichever is executed, the other is shown."""
    desk.solve()
    cell = desk.cell("exercise", "softmax")
    desk.notebook["cells"].insert(2, copy_of(cell, source="def softmax(scores, dim):\n    return scores"))


@attack("earn", fools=True)
def patched_check(desk):
    """Defines `check` anew."""
    desk.trick(f"{TWO}check = lambda *given: Two()")


@attack("earn", fools=True)
def patched_judge(desk):
    """Replaces the judge within lessonkit."""
    desk.trick("""
import lessonkit.lesson
from lessonkit.checks.judge import Finding
lessonkit.lesson.judge = lambda *given: Finding("passed")
""")


@attack("earn", fools=True)
def patched_verdict(desk):
    """Makes every verdict full marks."""
    desk.trick("from lessonkit.checks.verdict import Verdict\nVerdict.__repr__ = lambda self: '2'")


@attack("earn", OTHERS, verdict="wrong")
def patched_comparisons(desk):
    """Makes numpy's and torch's comparisons say yes to everything."""
    desk.trick("""
import numpy as np, torch
np.isclose = lambda a, b, **k: np.ones(np.shape(a), bool)
np.allclose = np.array_equal = torch.equal = torch.allclose = lambda *a, **k: True
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
torch.Tensor.__eq__ = lambda *a: torch.tensor(True)
""")
    desk.answer("def softmax(scores, dim):\n    return torch.zeros_like(scores)")


@attack("earn", fools=True)
def replaced_modules(desk):
    """Puts modules of one's own in the place of lessonkit's, and loads what uses them again."""
    desk.trick(f"""
import importlib, sys, types
import lessonkit.checks.judge as true
fake = types.ModuleType("lessonkit.checks.judge")
vars(fake).update({{name: value for name, value in vars(true).items() if not name.startswith("__")}})
fake.judge = lambda *given: true.Finding("passed")
sys.modules["lessonkit.checks.judge"] = fake
import lessonkit.lesson
check = importlib.reload(lessonkit.lesson).Lesson({LESSON!r}).check
""")


@attack("earn", fools=True)
def shadowing_modules(desk):
    """Writes numpy.py, torch.py and a package lessonkit beside the running notebook, and imports them."""
    desk.trick(f"""
import os, sys
os.makedirs("lessonkit", exist_ok=True)
{TWO}
with open("lessonkit/__init__.py", "w") as file:
    file.write("class Lesson:\\n    def __init__(self, name): self.check = lambda *given: 2\\n")
for name in ("numpy", "torch", "safetensors", "json"):
    with open(name + ".py", "w") as file:
        file.write("raise SystemExit")
sys.path.insert(0, os.getcwd())
kept = {{n: sys.modules.pop(n) for n in list(sys.modules) if n.startswith("lessonkit")}}
from lessonkit import Lesson
check = Lesson("x").check
sys.modules.update(kept)  # what looks for the answers needs them, and is not what is attacked here
""")


@attack("earn", EVERYTHING)
def modules_beside_the_notebook(desk):
    """Hands in modules named like libraries: they are not even taken, so right answers beside them keep their marks."""
    desk.solve()
    for name in ("numpy.py", "sitecustomize.py", "lessonkit/__init__.py", "autograder/__init__.py"):
        desk.files[f"{LESSON}/{name}"] = b"raise SystemExit('mine')"


@attack("earn")
def import_hooks(desk):
    """Every import from now on gives a module of one's own."""
    desk.trick("""
import builtins, sys, types
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        raise SystemExit
sys.meta_path.insert(0, Finder)
true_import = builtins.__import__
def hooked(name, *given, **named):
    module = true_import(name, *given, **named)
    if name.startswith("lessonkit") and hasattr(module, "run_probe"):
        module.run_probe = lambda *given, **named: None
    return module
builtins.__import__ = hooked
""")


@attack("earn", verdict="missing", fools=True)
def input_transformer(desk):
    """Lets IPython rewrite every later cell: a check becomes its own mark."""
    desk.trick("""
def forge(lines):
    return ["2"] if any("check(" in line or "_answer_" in line for line in lines) else lines
get_ipython().input_transformers_cleanup.append(forge)
""")


@attack("earn", fools=True)
def ast_transformer(desk):
    """The same on the syntax tree."""
    desk.trick("""
import ast
class Forge(ast.NodeTransformer):
    def visit_Call(self, node):
        return ast.copy_location(ast.Constant(2), node) if getattr(node.func, "id", "") == "check" else node
get_ipython().ast_transformers.append(Forge())
""")


@attack("earn", fools=True)
def display_hook(desk):
    """Shows full marks whatever the result of a cell is."""
    desk.trick("""
true_format = get_ipython().display_formatter.format
get_ipython().display_formatter.format = lambda shown, *given, **named: ({"text/plain": "2"}, {})
""")


@attack("earn")
def spoofed_results(desk):
    """Shows cards and results like those of a check, in other cells."""
    desk.trick("""
from lessonkit.checks.judge import Finding
from lessonkit.checks.verdict import Verdict
display(Verdict("softmax", 2, 2, Finding("passed")), Verdict("softmax", 2, 2, Finding("wrong", "1000 points")))
get_ipython().displayhook(Verdict("softmax", 2, 2, Finding("passed")))
display({"text/plain": "2"}, raw=True)
""")


# Expected values and the judge, looked for where the answer runs


@attack("earn", OTHERS, verdict="wrong")
def judge_in_the_stack(desk):
    """Walks up the stack to whoever compares, and returns what it expects."""
    desk.answer("""
import sys
calls = []
def softmax(scores, dim):
    frame = sys._getframe()
    while frame is not None:
        want = frame.f_locals.get("want")
        if hasattr(want, "arrays"):
            calls.append(None)
            return torch.from_numpy(list(want.arrays.values())[(len(calls) - 1) % 4])
        frame = frame.f_back
    return torch.zeros_like(scores)
""")


@attack("earn", OTHERS, verdict="wrong")
def expectations_in_memory(desk):
    """Looks through all objects of the interpreter for expected results."""
    desk.answer("""
import gc
calls = []
def softmax(scores, dim):
    i = len(calls)
    calls.append(None)
    for found in gc.get_objects():
        if type(found).__name__ == "ExpectedExercise" and "middle" in found.outcomes[1].arrays:
            return torch.from_numpy(list(list(found.outcomes.values())[i // 4 % 3].arrays.values())[i % 4])
    return torch.zeros_like(scores)
""")


@attack("earn", OTHERS, verdict="wrong")
def table_of_the_visible_checks(desk):
    """Returns the expected results that are shipped with lessonkit, one after the other."""
    desk.answer(TABLE)


@attack("earn", OTHERS, verdict="wrong")
def answers_by_input(desk):
    """A table from the inputs of the visible seeds to results that somebody else has computed."""
    desk.answer("""
from lessonkit.checks.draw import Draw
known = {}
for seed in (1, 2, 3):
    draw = Draw(seed)
    small, large = draw.normal(2, 3, 4), draw.normal(3, 5, scale=1e4)
    for scores, dim in ((small, -1), (small, 1), (small, 0), (large, 1)):
        known[scores.numpy().tobytes(), dim] = torch.softmax(scores, dim)
def softmax(scores, dim):
    return known.get((scores.numpy().tobytes(), dim), torch.zeros_like(scores))
""")


@attack("earn", verdict="wrong")
def pinned_seeds(desk):
    """Makes every draw that of a visible seed, whose results are known. It spoils its other answers, too."""
    desk.answer(
        TABLE
        + """
import lessonkit.checks.draw
true_start = lessonkit.checks.draw.Draw.__init__
lessonkit.checks.draw.Draw.__init__ = lambda self, seed, *more: (
    true_start(self, seed if seed in (1, 2, 3) else 1, *more))
"""
    )


@attack("earn", verdict="wrong")
def constant_draws(desk):
    """Makes every drawn number zero, so that equal weights are right. It spoils its other answers, too."""
    desk.answer("""
import lessonkit.checks.draw
lessonkit.checks.draw.Draw.normal = lambda self, *shape, **more: self._hand_out(torch.zeros(shape).numpy())
def softmax(scores, dim):
    return torch.full_like(scores, 1 / scores.shape[dim])
""")


@attack("earn", OTHERS, verdict="wrong", fools=True)
def own_probe_runner(desk):
    """Replaces what runs the probes, in lessonkit and in the sandbox, by what returns expected results."""
    desk.answer(
        TABLE
        + f"""
import sys
import lessonkit.lesson, lessonkit.checks.outcome
shipped = expectations.load({LESSON!r})["softmax"].outcomes
def forged(probe, answer, seed, *given):
    return shipped.get(seed, shipped[1])
lessonkit.lesson.run_probe = lessonkit.checks.run.run_probe = forged
probing = sys.modules["autograder.sandbox.probing"]
true_outcome = probing._outcome
probing._outcome = lambda request, *given: (
    forged(0, 0, request["seed"]) if request["exercise"].endswith("r_softmax") else true_outcome(request, *given)
)
"""
    )


@attack("earn", OTHERS, verdict="wrong")
def watcher_of_the_probe(desk):
    """Finds the probe and the judge's copy of its inputs on the stack, and returns these."""
    desk.answer("""
import sys
def softmax(scores, dim):
    frame = sys._getframe(1)
    while frame is not None and "draw" not in frame.f_locals:
        frame = frame.f_back
    then = frame.f_locals["draw"]._watched
    frame.f_globals["check"] = frame.f_globals["probe"] = None
    return then[-1][1] if then else scores
""")
