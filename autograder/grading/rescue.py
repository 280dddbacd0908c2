"""Where an answer is to be had: the place in the notebook, and what a cell defines although a line of it failed."""

import ast
import re

from autograder.grading.intake import Intake
from lessonkit.notebook import MOST_LOOKED_AT, defined, is_stub, parsed


class _Plain(ast.NodeTransformer):
    """Functions without annotations: these may name what the failing line should have imported."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node


def place_of_answer(intake: Intake, name: str, check: int) -> tuple[int, str]:
    """Behind which cell an answer is looked for, and the code of the cell that defines it.

    That is its check's place (`check`), as in a notebook; unless its own cell leaves it undefined and another one,
    further down or above an untouched stub, is the one that defines it.
    """
    own = intake.answer(name) or ""
    defines = name in own and name in defined(own)
    if defines and not is_stub(own, name):
        return check, own
    hopeful = [
        i
        for i, taken in enumerate(intake.cells)
        if taken.kind in ("extra", "exercise") and taken.source != own and name in taken.source
    ]
    above = [i for i in hopeful if i < check][-MOST_LOOKED_AT:]
    below = [i for i in hopeful if i > check][:MOST_LOOKED_AT]
    before, after = ([i for i in places if _answers(intake.cells[i].source, name)] for places in (above, below))
    if not (before or after) or (before and not defines):
        return check, intake.cells[before[-1]].source if before else own
    found = before[-1] if before else after[0]
    return found, intake.cells[found].source


def _answers(source: str, name: str) -> bool:
    return name in defined(source) and not is_stub(source, name)


def keeping(name: str, source: str, kept_as: str) -> str:
    """Code that keeps an answer under another name, and what all names mean here: its helpers may be others below.

    Where its cell left it undefined, its definitions are made first. Imports that fail are passed over; nothing else of
    the cell is run again. The code runs among the student's names.
    """
    keep = f"{kept_as} = {name}\ntry:\n    {kept_as}_names = {{**globals()}}\nexcept BaseException:\n    pass"
    try:
        return _keeping(name, source, keep)
    except (RecursionError, ValueError, MemoryError):  # nested deeper than can be written down again
        return keep


def _keeping(name: str, source: str, keep: str) -> str:
    tree = parsed(source) or _definitions(source)
    if tree is None:
        return keep
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    nodes = [node for node in tree.body if isinstance(node, kinds) or _is_constant(node)]
    if not any(isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name for node in nodes):
        return keep
    lines = [f"try:\n    {name}\nexcept NameError:"]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue  # only at the beginning of a cell; annotations, which it is about, are left out here
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines.append(f"    try:\n        {ast.unparse(node)}\n    except Exception:\n        pass")
        else:
            made = ast.unparse(ast.fix_missing_locations(_Plain().visit(node)))
            lines += [f"    {line}" for line in made.splitlines()]
    return "\n".join([*lines, keep])


def _definitions(source: str) -> ast.Module | None:
    """The functions, classes, imports and constants of a cell with a line that is no Python; None without any."""
    blocks = re.split(r"^(?=[^\s)\]}#])", source, flags=re.MULTILINE)
    nodes, decorators = [], ""
    for block in blocks:
        if block.startswith("@"):
            decorators += block
            continue
        if re.match(r"(?:async def|def|class|import|from) |\w+ *=", block) and (tree := parsed(decorators + block)):
            nodes += tree.body
        decorators = ""
    return ast.Module(nodes, []) if nodes else None


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
