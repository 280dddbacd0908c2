"""Notebooks that mean harm, for measuring: what each costs the others. None only uses up the time that it is allowed.

The attacks that prove something lie in tests/attacks; an endless loop would measure its limit, whoever grades.
"""

from collections.abc import Callable

from autograder.bench.invented_class import Desk

_BROKEN = ("38", "48", "38;5", "48;2;1;2", "1;" * 5_000 + "1")
_CELLS = {
    "broken-colours": f"for broken in {_BROKEN!r}:\n    print(f'\\x1b[{{broken}}mx')\n1 / 0",
    "many-colours": "print('\\x1b[31mx\\x1b[0m' * 100_000)",
    "blank-lines": "x = 1\n" + " \n" * 40_000,
    "brackets": "# " + "(" * 150_000,
    "much-text": "print('x' * 1_500_000)",
    "one-word": "x = '" + "x" * 150_000 + "'\nx",
    "pictures": (
        "import base64\nfor _ in range(10):\n"
        "    display({'image/png': base64.b64encode(bytes(100_000)).decode()}, raw=True)"
    ),
    "ends-its-process": "import os\nos._exit(1)",
    "processes": "import os\nfor _ in range(30):\n    if os.fork() == 0:\n        os.execvp('sleep', ['sleep', '600'])",
    "html": "from IPython.display import HTML\nHTML('<script>alert(1)</script>' * 10_000)",
}


def _cell(code: str) -> Callable[[Desk], None]:
    def make(desk: Desk) -> None:
        desk.add(desk.names[0], code)

    return make


def _error(text: str) -> Callable[[Desk], None]:
    def make(desk: Desk) -> None:
        desk.write(desk.names[0], f"def {desk.names[0]}(*given, **named):\n    raise ValueError({text!r})")

    return make


def _large(desk: Desk) -> None:
    desk.notebook.metadata["padding"] = "x" * 9_000_000


def _many_values(desk: Desk) -> None:
    desk.notebook.metadata["padding"] = [[]] * 1_500_000


KINDS: dict[str, Callable[[Desk], None]] = {
    **{name: _cell(code) for name, code in _CELLS.items()},
    "rows-in-an-error": _error("\r=1+1,passed\r\n\x1b[2J\u202e"),
    "a-long-error": _error("`x` " * 50_000),
    "a-large-file": _large,
    "many-values": _many_values,
}
