"""Python source as a syntax tree, one at a time."""

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(source: str) -> ast.Module:
    """The tree of a piece of source.

    Python 3.11 keeps the depth of the tree that it builds in one place for all threads: two that parse at once, where
    the garbage collector lets them change places, end in "AST constructor recursion depth mismatch". The grader's
    threads therefore parse one after another.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `ast.parse`.
    """
    with _ONE_AT_A_TIME:
        return ast.parse(source)
