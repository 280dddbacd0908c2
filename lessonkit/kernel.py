"""The notebook's kernel, if there is one: its variables, and a word of advice where a name isn't known.

Every folded cell of a lesson imports this module, so that the advice is there even when a restarted kernel begins in
the middle of the notebook.
"""

ADVICE = (
    "If the kernel was restarted, or cells further up were not run: choose Run > Run All Above Selected Cell, "
    "then run this cell again."
)


def shell() -> object | None:
    """IPython's shell in a notebook's kernel; None in a plain Python process and in a terminal."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    found = get_ipython()
    return found if getattr(found, "kernel", None) is not None else None


def variables() -> dict:
    """What the notebook has defined."""
    found = shell()
    return {} if found is None else found.user_ns


def name_of(thing: object) -> str | None:
    """The notebook's name for an object; None if it has none."""
    names = [name for name, value in variables().items() if value is thing and not name.startswith("_")]
    return names[0] if names else None


def _advise(ip: object, kind: type, error: NameError, trace: object, tb_offset: int | None = None) -> list[str]:
    """The traceback as usual, and below it what to do."""
    lines = ip.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
    lines = [*lines, f"\n{ADVICE}"]
    ip._showtraceback(kind, error, lines)
    return lines


_found = shell()
if _found is not None:
    _found.set_custom_exc((NameError,), _advise)
