"""What honest students do, too. None of it may cost them a mark."""

from tests.attacks.workshop import EVERYTHING, attack


def oddity(**expected):
    return attack("honest", EVERYTHING, **expected)


def with_softmax(desk, code):
    """All solved, softmax in another way."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = code


@oddity()
def nothing_odd(desk):
    """The reference answers."""
    desk.solve()


@oddity(shows="just trying")
def prints_and_warnings(desk):
    """Prints, warns and logs, in cells and in answers."""
    desk.solve()
    desk.add(
        """
import logging, sys, warnings
logging.basicConfig()
warnings.warn('just trying')
print(1, file=sys.stderr)
"""
    )
    cell = desk.cell("exercise", "softmax")
    cell["source"] = cell["source"].replace(
        "    ### BEGIN", "    print(scores); warnings.warn('slow'); logging.warning('hm')\n    ### BEGIN"
    )


@oddity()
def warnings_as_errors(desk):
    """Turns warnings into errors, and numpy's, too."""
    desk.solve()
    desk.add("import warnings, numpy as np\nwarnings.simplefilter('error')\nnp.seterr(all='raise')")


@oddity(shows="'content_address'")
def extra_cells(desk):
    """Cells of its own everywhere, text among them, and one that stops with an error."""
    desk.solve()
    for name in desk.names:
        desk.add(f"scratch = {name!r}\nscratch", name, after=True)
    desk.add("1 / 0")
    desk.notebook["cells"].append({"cell_type": "markdown", "id": "notes", "metadata": {}, "source": "my notes"})
    desk.notebook["cells"].append({"cell_type": "raw", "id": "raw", "metadata": {}, "source": "raw"})


@oddity()
def helpers_in_other_cells(desk):
    """A helper in a cell of its own, later renamed."""
    with_softmax(desk, "def softmax(scores, dim):\n    return my_weights(shifted(scores, dim), dim)")
    desk.add("""
def shifted(s, dim): return s - s.amax(dim, keepdim=True)
def first_try(s, dim): return s.exp()
""")
    desk.add("""
my_weights = lambda s, dim: first_try(s, dim) / first_try(s, dim).sum(dim, keepdim=True)
""")


@oddity()
def answer_in_a_cell_of_its_own(desk):
    """Leaves the lesson's cell as it was, and answers in one of its own between it and the check."""
    right = "def softmax(scores, dim):\n    return torch.softmax(scores, dim)"
    desk.solve(*EVERYTHING[1:])
    desk.add(right, after=True)


@oddity()
def global_seeds(desk):
    """Seeds all random numbers, in cells and in the answer."""
    with_softmax(
        desk,
        """
def softmax(scores, dim):
    torch.manual_seed(1)
    torch.rand(3)
    return torch.softmax(scores, dim)
""",
    )
    desk.add("import random, numpy as np\nrandom.seed(0); np.random.seed(0); torch.manual_seed(0)")


@oddity(shows="image/png")
def plots(desk):
    """Draws figures, in another style, and leaves them open."""
    desk.solve()
    desk.add(
        """
%matplotlib inline
import matplotlib.pyplot as plt
plt.style.use('ggplot')
plt.figure()
plt.plot([1, 2])
plt.show()
"""
    )


@oddity()
def slow_but_right(desk):
    """Takes a second for each probe."""
    with_softmax(
        desk, "import time\ndef softmax(scores, dim):\n    time.sleep(0.25)\n    return torch.softmax(scores, dim)"
    )


@oddity()
def single_precision(desk):
    """Computes in float32."""
    with_softmax(desk, "def softmax(scores, dim):\n    return torch.softmax(scores.float(), dim)")


@oddity()
def numpy_instead(desk):
    """Helps itself with numpy, where no gradient is lost."""
    with_softmax(
        desk,
        """
import numpy as np
def softmax(scores, dim):
    largest = np.asarray(scores.detach()).max(dim, keepdims=True)
    p = torch.exp(scores - torch.from_numpy(largest))
    return p / p.sum(dim, keepdim=True)
""",
    )


@oddity()
def in_place_on_its_own(desk):
    """Works in place, on tensors of its own."""
    with_softmax(
        desk,
        """
def softmax(scores, dim):
    p = scores.clone()
    p -= scores.amax(dim, keepdim=True)
    p = p.exp()
    shares = p.clone()
    shares /= p.sum(dim, keepdim=True)
    return shares
""",
    )


@oddity(shows="awaited")
def top_level_await(desk):
    """Awaits in a cell."""
    desk.solve()
    desk.add("""
import asyncio
async def wait(): await asyncio.sleep(0.01); return 'awaited'
await wait()
""")


@oddity(shows="Wall time")
def magics(desk):
    """Magics in cells and on the answer's cell, a shell command, the debugger's and the reloader's switches."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = "%%time\n" + desk.cell("exercise", "softmax")["source"]
    desk.add(
        """
%load_ext autoreload
%autoreload 2
%config InlineBackend.figure_format = 'retina'
!echo hello
%pdb off
%who
"""
    )
    desk.add("%%timeit -n 1 -r 1\nsum(range(10))")


@oddity()
def callable_object(desk):
    """An instance of a class."""
    with_softmax(
        desk,
        """
class Softmax:
    def __call__(self, scores, dim):
        return torch.softmax(scores, dim)
softmax = Softmax()
""",
    )


@oddity()
def module_instance(desk):
    """A module of PyTorch."""
    with_softmax(
        desk,
        """
class Softmax(nn.Module):
    def forward(self, scores, dim):
        return torch.softmax(scores, dim)
softmax = Softmax().eval()
""",
    )


@oddity()
def anonymous_function(desk):
    """A lambda."""
    with_softmax(desk, "softmax = lambda scores, dim: torch.softmax(scores, dim)")


@oddity()
def partial_function(desk):
    """A partial function."""
    with_softmax(
        desk,
        """
import functools
def general(scores, dim, scale):
    return torch.softmax(scores * scale, dim)
softmax = functools.partial(general, scale=1.0)
""",
    )


@oddity()
def library_function(desk):
    """The library's own function, under the name that was asked for."""
    with_softmax(desk, "softmax = torch.softmax")


@oddity()
def scripted_function(desk):
    """A function compiled by PyTorch."""
    with_softmax(
        desk,
        """
@torch.jit.script
def softmax(scores: Tensor, dim: int) -> Tensor:
    return torch.softmax(scores, dim)
""",
    )


@oddity()
def decorated_function(desk):
    """Decorated, with type hints of another kind, defaults and further arguments."""
    with_softmax(
        desk,
        """
from __future__ import annotations
import functools
def traced(f):
    @functools.wraps(f)
    def inner(*given, **named):
        return f(*given, **named)
    return inner
@traced
def softmax(scores: "torch.Tensor", dim: int = -1, *, eps: float | None = None) -> torch.Tensor:
    return torch.softmax(scores, dim)
""",
    )


@oddity()
def recursion(desk):
    """Recurs over the leading axis."""
    with_softmax(
        desk,
        """
def softmax(scores, dim):
    if dim < 0:
        dim += scores.dim()
    if dim > 0:
        return torch.stack([softmax(part, dim - 1) for part in scores])
    p = torch.exp(scores - scores.amax(0))
    return p / p.sum(0)
""",
    )


@oddity()
def default_dtype(desk):
    """Sets PyTorch's defaults: dtype, threads, gradients off."""
    desk.solve()
    desk.add(
        """
torch.set_default_dtype(torch.float16)
torch.set_num_threads(2)
torch.set_grad_enabled(False)
torch.set_printoptions(2)
"""
    )
