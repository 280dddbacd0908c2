"""Python source as a syntax tree, in one piece."""

import ast
import gc
import threading
import unicodedata
import warnings

MOST_MARKS = 30  # on one letter; no script has more than a few
_ONE_AT_A_TIME = threading.Lock()
# What Python has to say of somebody's code ("invalid decimal literal") belongs to nobody's terminal here.
warnings.filterwarnings("ignore", module="<unknown>")


def has_piled_marks(text: str) -> bool:
    """Whether more marks stand on one letter than anybody writes.

    To compose such text (NFC, NFKC, which Python does to names) takes the square of their number.
    """
    if text.isascii():
        return False
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MOST_MARKS:
            return True
    return False


def parse(source: str) -> ast.Module:
    """The tree of a piece of source.

    Python 3.11 keeps the depth of the tree that it builds in one place for all threads: two that parse at once, where
    the garbage collector lets them change places, end in "AST constructor recursion depth mismatch". Threads therefore
    parse one after another here, and the collector waits, so that nobody who parses elsewhere comes in between.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `ast.parse`.
    """
    if has_piled_marks(source):
        raise ValueError("more marks on one letter than any script has")
    with _ONE_AT_A_TIME:
        collects = gc.isenabled()
        gc.disable()
        try:
            return ast.parse(source)  # noqa: TID251
        finally:
            if collects:
                gc.enable()
