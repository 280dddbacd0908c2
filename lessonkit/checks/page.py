"""What a check does to the page it stands on: shows what was printed, once, and converts results that need it."""

import functools
import sys
from collections.abc import Callable

from lessonkit.checks.kinds import as_promised
from lessonkit.checks.outcome import Outcome

_ROOM = 2000  # characters of what an answer printed that are shown


def is_shown_as_html() -> bool:
    """Whether this runs in a notebook's kernel, whose page shows the verdict's card; in a terminal text is printed."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    return shell is not None and hasattr(shell, "kernel")


def keep_callable(lesson: object, names: tuple[str, ...] = ("check", "demonstration", "predict")) -> None:
    """Put the lesson's own functions back where a cell has given their names to something that can't be called."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive else None
    if shell is None:
        return
    seen: set[str] = set()

    def put_back(_: object = None) -> None:
        nonlocal seen
        for name in names:
            own, now = getattr(lesson, name), shell.user_ns.get(name)
            if callable(now):
                seen |= {name} if now == own else set()
            elif name in seen:
                shell.user_ns[name] = own
                print(f"A cell has called something else `{name}`. It is the lesson's `{name}` again: rename yours.")

    shell.events.register("post_run_cell", put_back)


def show_printed(outcome: Outcome) -> None:
    """Print what an answer printed in its first run; the end of a flood is left out."""
    if outcome.printed:
        cut = "\n… (your function prints more; the rest is left out)" if len(outcome.printed) > _ROOM else ""
        print(outcome.printed[:_ROOM].rstrip("\n") + cut)


def converted_from_now_on(name: str, answer: Callable, promised: Outcome, namespace: dict) -> None:
    """Let a name mean the answer with its results converted to the kinds that were promised, for the cells below."""
    if namespace.get(name) is not answer:
        return

    @functools.wraps(answer)
    def converted(*given: object, **named: object) -> object:
        return as_promised(answer(*given, **named), dict(promised.returned))

    namespace[name] = converted
