"""What a line of code tells of the error that it raised."""

import ast
import re

from lessonkit.syntax import parse

_REDUCES = {"sum", "mean", "norm", "max", "amax", "min", "amin", "std", "var", "prod", "logsumexp"}
_JOINS = {"maximum", "minimum", "where", "add", "sub", "mul", "div"}  # place by place, as an operator does


def meets_what_lost_an_axis(line: str) -> bool:
    """Whether a sum, mean ... that drops its axis stands in the learner's line right beside something else."""
    try:
        tree = parse(line)
    except (SyntaxError, ValueError):  # the first line of several
        return "keepdim" not in line and bool(re.search(rf"\b({'|'.join(_REDUCES)})\(", line))
    operands = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp):
            operands += [] if isinstance(node.op, ast.MatMult) else [node.left, node.right]
        elif isinstance(node, ast.Compare):
            operands += [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and _name(node) in _JOINS:
            operands += node.args
    return any(_loses_an_axis(operand) for operand in operands)


def _loses_an_axis(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.BinOp):
        return _loses_an_axis(node.left) or _loses_an_axis(node.right)
    if not isinstance(node, ast.Call) or not (node.args or node.keywords):
        return False
    return _name(node) in _REDUCES and all(keyword.arg != "keepdim" for keyword in node.keywords)


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))
