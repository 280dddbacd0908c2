"""Questions before a result: a form in the page, the guess that was made, and what came out beside it."""

from collections.abc import Callable, Sequence
from html import escape

from lessonkit.show.tables import TextAndHtml, box, with_code

Options = Sequence[str] | tuple[float, float, float] | None  # choices; (low, high, step); any text
Guess = str | float
_NO_BUTTONS = "No buttons to press? Write your guess into the cell above, {example}, and run it again."


def check_guess(options: Options, guess: object) -> Guess:
    """The guess, if the options allow it.

    Raises:
        ValueError: they don't; a sentence that says what would do.
    """
    if options is None:
        return str(guess)
    if isinstance(options, tuple):
        low, high, _ = options
        if isinstance(guess, bool) or not isinstance(guess, int | float) or not low <= guess <= high:
            raise ValueError(f"A guess here is a number from {low:g} to {high:g}, not {guess!r}.")
        return guess
    if guess not in options:
        raise ValueError(f"A guess here is one of {', '.join(map(repr, options))}, not {guess!r}.")
    return str(guess)


def question_html(question: str, options: Options) -> str:
    """Question and choices as plain HTML, for pages without a kernel."""
    if options is None:
        below = ""
    elif isinstance(options, tuple):
        below = f"<p>A number from {options[0]:g} to {options[1]:g}.</p>"
    else:
        below = "<ul>" + "".join(f"<li>{escape(option)}</li>" for option in options) + "</ul>"
    return _box(f"<p><strong>Predict:</strong> {escape(question)}</p>{below}")


def question_text(question: str, options: Options) -> str:
    """The same as plain text."""
    if isinstance(options, tuple):
        return f"Predict: {question} A number from {options[0]:g} to {options[1]:g}."
    return f"Predict: {question}" + (f" ({' | '.join(options)})" if options else "")


def show_question(question: str, options: Options) -> None:
    """Display question and choices, without a form."""
    from IPython.display import display

    display(TextAndHtml(question_text(question, options), question_html(question, options)))


def ask(name: str, question: str, options: Options, kept: Guess | None, keep: Callable[[Guess], None]) -> None:
    """Display a form that asks. When a guess is sent off, `keep` gets it, and the form gives way to a line of text."""
    from IPython.display import display

    from lessonkit.show.forms import Form  # slow to import, and only pages with a kernel need it

    if options is None:
        field = {"type": "text", "label": question, "start": ""}
    elif isinstance(options, tuple):
        low, high, step = options
        digits = max(0, len(f"{step:g}".partition(".")[2]))
        middle = round(low + step * round((high - low) / step / 2), 10)
        field = {"type": "slider", "label": question, "low": low, "high": high, "step": step, "digits": digits}
        field["start"] = middle
    else:
        field = {"type": "choice", "label": question, "options": list(options), "start": None}
    form = Form(kind="ask", fields=[field], values=[kept])
    without = _NO_BUTTONS.format(example=f"<code>guess={escape(repr(_example(options)))}</code>")
    bundle = dict(form._repr_mimebundle_()[0])
    bundle["text/html"] = question_html(question, options).replace("</div>", f"<p><small>{without}</small></p></div>")
    bundle["text/plain"] = question_text(question, options)
    handle = display(bundle, raw=True, display_id=True)

    def sent(change: object) -> None:
        (guess,) = form.values
        keep(guess)
        handle.update(guessed(question, guess))

    form.observe(sent, names="values")


def _example(options: Options) -> Guess:
    if options is None:
        return "..."
    return options[0]


def guessed(question: str, guess: Guess) -> TextAndHtml:
    """The line that stands in the place of the form once there is a guess."""
    html = (
        f"<p><strong>Predict:</strong> {escape(question)}</p><p>You said: <strong>{escape(_said(guess))}</strong>. "
        "<small>(Run this cell again to change your mind.)</small></p>"
    )
    return TextAndHtml(f"Predict: {question} You said: {_said(guess)}.", _box(html))


def outcome(guess: Guess | None, came_out: Guess, why: str, digits: int = 2) -> TextAndHtml:
    """*You said / it was*, and the reason, which unfolds."""
    was = _said(came_out, digits)
    if guess is None:
        head, text = f"It was: <strong>{escape(was)}</strong>.", f"It was: {was}."
    else:
        said = _said(guess, digits)
        verdict = _compare(guess, came_out, digits)
        head = f"You said: <strong>{escape(said)}</strong>. It was: <strong>{escape(was)}</strong>. {verdict}"
        text = f"You said: {said}. It was: {was}. {verdict}"
    html = _box(f"<p>{head}</p><details><summary>Why?</summary><p>{with_code(why)}</p></details>")
    return TextAndHtml(f"{text}\nWhy? {why}", html)


def _compare(guess: Guess, came_out: Guess, digits: int) -> str:
    if isinstance(guess, str) or isinstance(came_out, str):
        return "✓ You saw it coming." if _said(guess) == _said(came_out) else "✗ Not what you expected."
    return f"You were off by {_said(abs(guess - came_out), digits)}."


def _said(value: Guess, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def _box(html: str) -> str:
    return box(html, "#e69f00")
