"""What code may change: looking is no change; what isn't known to look only is one; two names may mean one object."""

import ast

import pytest

from autograder.authoring import changes

GIVEN = """
import torch
from torch import nn
from lessonkit.data.translation import batches
from lessonkit.show import plots
from lessonkit.train import train

def score(query, keys):
    return keys @ query

def grow(store, item):
    store.append(item)

def grow_all(stores):
    for store in stores:
        grow(store, 1)

def count_up():
    counts[0] += 1
"""


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("fig = plots.heat(a, b.mean(0))", set()),
        ("x = score(a, b).softmax(-1)", set()),
        ("print(f'{a.max():.2f}')", set()),
        ("torch.softmax(a, dim=-1)", set()),
        ("for x in batches(a, generator=g): print(x)", {"g"}),
        ("x = torch.randn(3, generator=g)", {"g"}),
        ("torch.add(a, b, out=c)", {"c"}),
        ("a.add_(1)", {"a"}),
        ("nn.init.zeros_(a.weight)", {"a"}),
        ("a[0] = b", {"a", "b"}),
        ("a.size = 3", {"a"}),
        ("a += 1", {"a"}),
        ("del a[0]", {"a"}),
        ("train(a, b)", {"a", "b"}),
        ("a(b)", {"a", "b"}),
        ("a.step()", {"a"}),
        ("grow(a, b)", {"a", "b"}),
        ("grow(item=a, store=b)", {"a", "b"}),
        ("grow_all([a, b])", {"a", "b"}),
        ("count_up()", {"counts"}),
        ("x = a[0]\nx.zero_()", {"a"}),
        ("for x in a:\n    x.zero_()", {"a"}),
        ("x, y = a, b\ny.zero_()", {"a", "b"}),
        ("optimizer = torch.optim.SGD(a.parameters())\noptimizer.step()", {"a"}),
        ("def inner(x):\n    x.zero_()\ninner(a)", {"a"}),
        ("def inner(x):\n    return x + 1\ninner(a)", set()),
        ("plots.live(lambda: a.step())", {"a"}),
        ("with torch.no_grad():\n    a.copy_(b)", {"a", "b"}),
    ],
)
def test_what_may_be_changed(code, names):
    scope = changes.Scope()
    for node in ast.parse(GIVEN).body:
        scope.add(node)
    assert changes.changed(ast.parse(code).body, scope) & {"a", "b", "c", "g", "counts"} == names
