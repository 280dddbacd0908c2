"""What a cell defines although its first line failed: a missing package, a magic, a drive that isn't mounted."""

import ast

from lessonkit.notebook import parsed


class _Plain(ast.NodeTransformer):
    """Functions without annotations: these may name what the failing line should have imported."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node


def keeping(name: str, source: str, kept_as: str) -> str:
    """Code that keeps an answer under another name. Where its cell left it undefined, its definitions are made first.

    Imports that fail are passed over; nothing else of the cell is run again. The code runs among the student's names.
    """
    keep = f"{kept_as} = {name}"
    try:
        return _keeping(name, source, keep)
    except (RecursionError, ValueError, MemoryError):  # nested deeper than can be written down again
        return keep


def _keeping(name: str, source: str, keep: str) -> str:
    tree = parsed(source)
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


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
