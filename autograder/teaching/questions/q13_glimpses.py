"""Questions about lesson 13."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "A learned policy reads more digits than random looking. Is that enough to say that it learned where to look?",
    "No: a fixed scan may do as well. It must beat the best policy that learned nothing.",
)
QUESTIONS.ask(
    "The reward reaches every glimpse of a path alike. What does that cost?",
    "Good glimpses are blamed for bad ones beside them: the gradient is right on average, and noisy.",
)


@QUESTIONS.variant
def retina(draw):
    size, patches, side = draw.choice((6, 8, 12)), draw.choice((2, 3)), draw.choice((60, 100, 200))
    glimpses = draw.choice((4, 6, 8))
    seen = glimpses * patches * size**2
    asked = (
        f"A retina takes {patches} patches of {size} × {size} pixels, each showing twice the width of the one before. How wide "
        f"is the field of the last? How many numbers are read in {glimpses} glimpses, against {side} × {side} pixels?"
    )
    return asked, f"{size * 2 ** (patches - 1)} pixels; {seen:,} against {side**2:,}, {seen / side**2:.0%}."


@QUESTIONS.variant
def log_probability(draw):
    mean, place, sigma = draw.choice((-0.5, 0.0, 0.25)), draw.choice((0.5, 0.75, 1.0)), draw.choice((0.1, 0.2, 0.5))
    asked = (
        f"A place l = {place} was drawn from N(μ = {mean}, σ = {sigma}). What is the gradient of log p(l) with respect to μ? "
        "The reward minus baseline is −1: which way does μ move?"
    )
    return asked, f"(l − μ)/σ² = {(place - mean) / sigma**2:.2f}; times −1: away from l, downwards."
