"""What is not stopped, as SECURITY.md says: these earn marks. Should one no longer do so, both must change."""

from tests.attacks.workshop import EVERYTHING, attack


@attack("gap", EVERYTHING)
def hidden_change_of_an_input(desk):
    """Changes an input that the probe needs no more, and patches what would tell. The values are right."""
    desk.answer("""
import lessonkit.checks.draw, lessonkit.checks.handing
lessonkit.checks.draw.unchanged = lessonkit.checks.handing.unchanged = lambda now, then: True
def softmax(scores, dim):
    weights = torch.softmax(scores, dim)
    if scores.dim() == 2:
        with torch.no_grad():
            scores.zero_()
    return weights
""")


@attack("gap", EVERYTHING)
def coarse_in_half_precision(desk):
    """Is wrong by less than a thousandth, and says so in float16, which is forgiven that; its gradient is right."""
    desk.solve()
    cell = desk.cell("exercise", "kernel_regression")
    cell["source"] = cell["source"].replace(
        "return weights @ y_i", "right = weights @ y_i\n    return (right + 3e-4 * right.detach()).half()"
    )


@attack("gap", EVERYTHING)
def ready_made_function(desk):
    """Calls the library where the task asks not to. Values can't tell; the instructor's report lists it."""
    desk.solve()
    desk.cell("exercise", "softmax")["source"] = "def softmax(scores, dim):\n    return torch.softmax(scores, dim)"


@attack("gap", EVERYTHING)
def answers_of_somebody_else(desk):
    """Hands in what somebody else has written, unchanged. Values can't tell; the instructor's report lists pairs."""
    desk.solve()
