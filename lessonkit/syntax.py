"""Python source as a syntax tree, in one piece."""

import ast
import gc
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(source: str) -> ast.Module:
    """The tree of a piece of source.

    Python 3.11 keeps the depth of the tree that it builds in one place for all threads: two that parse at once, where
    the garbage collector lets them change places, end in "AST constructor recursion depth mismatch". Threads therefore
    parse one after another here, and the collector waits, so that nobody who parses elsewhere comes in between.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `ast.parse`.
    """
    with _ONE_AT_A_TIME:
        collects = gc.isenabled()
        gc.disable()
        try:
            return ast.parse(source)  # noqa: TID251
        finally:
            if collects:
                gc.enable()
