"""Questions about lesson 14."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "A bilinear sampler looks at the wrong end of a picture. What does its gradient know of the object?",
    "Nothing: it sees the four pixels around each sampling point. Wider windows, or a start zoomed out, reach farther.",
)
QUESTIONS.ask(
    "Six numbers describe an affine crop. How many does a crop without turning and shearing need?",
    "Four, or three with one scale: the rest can be held at 0.",
)


@QUESTIONS.variant
def centres(draw):
    count, stride, centre = draw.choice((3, 4, 5)), draw.choice((1.5, 2.0, 3.0)), draw.randint(8, 20)
    places = [centre + (i - count / 2 - 0.5) * stride for i in range(1, count + 1)]
    asked = (
        f"DRAW: g = {centre}, δ = {stride}, N = {count}, μ_i = g + (i − N/2 − 0.5)δ for i = 1 … N. Where are the middles? What "
        "is their mean?"
    )
    return asked, f"{places}; their mean is g = {centre}."


@QUESTIONS.variant
def crop(draw):
    scale, x, y = draw.choice((0.25, 0.5)), draw.choice((-0.5, 0.25)), draw.choice((-0.25, 0.5))
    asked = (
        f"Places run from −1 to 1. Which θ (2 × 3) shows the part of the picture around (x, y) = ({x}, {y}) at {scale} of its "
        "width and height? To which place goes the output's upper left corner, (−1, −1)?"
    )
    return asked, f"[[{scale}, 0, {x}], [0, {scale}, {y}]]; to ({x - scale:g}, {y - scale:g})."
