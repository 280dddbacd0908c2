"""What honest students do beside their answers: state, names, imports, threads, copies, older files."""

import json

from tests.attacks.honest import oddity, with_softmax
from tests.attacks.workshop import LESSON, copy_of


@oddity()
def changed_folder(desk):
    """Changes into another folder, and removes the one it came from."""
    desk.solve()
    desk.add("""
import os, tempfile
os.makedirs('work', exist_ok=True)
os.chdir('work')
os.rmdir(os.getcwd())
""")


@oddity()
def global_state(desk):
    """Counts its calls and keeps what it was given."""
    with_softmax(
        desk,
        """
seen = []
count = 0
def softmax(scores, dim):
    global count
    count += 1
    seen.append((scores, dim))
    return torch.softmax(seen[-1][0], dim)
""",
    )


@oddity()
def cached_helper(desk):
    """A helper that remembers results by shape."""
    with_softmax(
        desk,
        """
import functools
@functools.lru_cache
def axes(n): return tuple(range(n))
def softmax(scores, dim):
    axes(scores.dim())
    return torch.softmax(scores, dim)
""",
    )


@oddity()
def input_that_is_never_called(desk):
    """Asks for input in a branch that is not taken."""
    with_softmax(
        desk,
        """
def softmax(scores, dim):
    if scores is None:
        scores = input('scores?')
    return torch.softmax(scores, dim)
""",
    )
    desk.add("input('Your name? ')")


@oddity()
def overwritten_names(desk):
    """Uses names of builtins and of the lesson for other things."""
    desk.solve()
    desk.add("sum = list = dict = print\nprobe = draw = 3\nlesson = None\nnp = 'numpy'", "content_address")
    desk.add("check = 'mine'", "content_address", part="check")


@oddity()
def star_imports(desk):
    """Imports everything from everywhere."""
    desk.solve()
    desk.add("""
from math import *
from numpy import *
from torch import *
from torch import Tensor, nn
import torch
""")


@oddity(shows="main program")
def main_guard(desk):
    """Guards its code as in a program."""
    desk.solve()
    desk.add("if __name__ == '__main__':\n    print('main program')")


@oddity()
def threads(desk):
    """Computes in threads."""
    with_softmax(
        desk,
        """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2)
list(pool.map(abs, [1, 2]))
def softmax(scores, dim):
    with ThreadPoolExecutor(2) as own:
        return list(own.map(lambda s: torch.softmax(s, dim), [scores]))[0]
""",
    )


@oddity()
def unicode_names(desk):
    """Names and texts in other scripts."""
    with_softmax(
        desk,
        """
def softmax(σ, dim):
    '''重み 🎉'''
    δ = σ - σ.amax(dim, keepdim=True)
    return δ.exp() / δ.exp().sum(dim, keepdim=True)
""",
    )
    desk.cell("exercise", "softmax")["source"] += "\nsoftmax_ = lambda scores, dim: softmax(scores, dim)"


@oddity()
def pasted_copy(desk):
    """Copies the answer's cell before changing it: JupyterLab gives the copy a new id, and keeps nbgrader's marks."""
    desk.solve()
    for part in ("exercise", "check"):
        cell = desk.cell(part, "softmax")
        at = desk.notebook["cells"].index(cell)
        desk.notebook["cells"].insert(at + 1, copy_of(cell, id=f"pasted-{part}"))


@oddity()
def deleted_and_moved_checks(desk):
    """Deletes one check, and moves others."""
    desk.solve()
    desk.notebook["cells"].remove(desk.cell("check", "softmax"))
    for name in ("weighted_average", "sure_and_wrong"):
        cell = desk.cell("check", name)
        desk.notebook["cells"].remove(cell)
        desk.notebook["cells"].append(cell)


@oddity()
def older_format(desk):
    """Saved by an older program: no ids, sources as lists of lines, Windows line ends, and a mark at the beginning."""
    desk.solve()
    desk.notebook["nbformat_minor"] = 2
    for cell in desk.notebook["cells"]:
        cell.pop("id", None)
        cell["source"] = [line + "\r\n" for line in cell["source"].splitlines()]
    desk.raw = b"\xef\xbb\xbf" + json.dumps(desk.notebook, indent=1).replace("\n", "\r\n").encode()


@oddity()
def other_files_beside(desk):
    """Hands in drafts, checkpoints and data, too."""
    desk.solve()
    for name in ("draft.ipynb", f".ipynb_checkpoints/{LESSON}-checkpoint.ipynb", "data.csv"):
        desk.files[f"{LESSON}/{name}"] = b"{}"
    desk.files["other/notes.ipynb"] = desk.files["old.ipynb"] = b"{}"


@oddity(folder="Zoë Ångström-Łuczak", entered="Zoë-Ångström-Łuczak(-.*)?")
def name_in_another_script(desk):
    """Has a name that is not English."""
    desk.solve()
