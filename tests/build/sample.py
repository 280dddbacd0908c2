"""A lesson in miniature, for tests of the build that should not depend on a real lesson."""

LESSON = '''\
# %% [markdown]
# # A sample
# Text.

# %% name="setup"
import torch

from lessonkit import Lesson

lesson = Lesson("90_sample")
check, demonstration = lesson.check, lesson.demonstration

# %% [markdown] task="double"
# Return twice `x`.
# hint: Add it to itself,
# if you like.
# hint: Or multiply.

# %% exercise="double" minutes=3 difficulty=1
def double(x: torch.Tensor) -> torch.Tensor:
    """Twice x: (B, T) -> (B, T)."""
    ### BEGIN SOLUTION
    return 2 * x  # the answer
    ### END SOLUTION

# %% check="double" points=2
def probe(double, draw):
    return {"y": double(draw.normal(2, 3))}

check("double", double, probe)

# %%
print("a plain cell")

# %% demo="show"
with demonstration("show"):
    doubled = double(torch.ones(1))
    print(doubled)

# %% demo="again"
with demonstration("again"):
    print(doubled + 1)
'''

BANK = """\
import torch

from autograder.authoring.bank import alternative, equivalent, mistake


@mistake("double", "You return x itself. Multiply it by 2.")
def nothing(x):
    return x


@mistake("double", "You square x. Multiply it by 2.")
def squared(x):
    return x**2


@alternative("double")
def summed(x):
    return x + x
"""
