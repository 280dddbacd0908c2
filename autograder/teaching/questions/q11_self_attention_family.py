"""Questions about lesson 11."""

import math

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "Several rows attend to one sentence. What keeps them from all looking at the same words?",
    "Nothing does, by itself. A penalty on A Aᵀ − I makes equal rows expensive; whether one needs it is to be measured.",
)
QUESTIONS.ask(
    "A choice of words is hard. When does one need the score function for it?",
    "When no gradient passes around the choice: when what isn't chosen is never seen.",
)


@QUESTIONS.variant
def redundancy(draw):
    first = draw.choice(((1.0, 0.0), (0.8, 0.2), (0.6, 0.4)))
    second = draw.choice(((0.0, 1.0), (0.5, 0.5), (0.3, 0.7)))
    inner = sum(a * b for a, b in zip(first, second, strict=True))
    lengths = [sum(a * a for a in row) for row in (first, second)]
    value = (lengths[0] - 1) ** 2 + (lengths[1] - 1) ** 2 + 2 * inner**2
    asked = f"A has the rows {first} and {second}. Compute ‖A Aᵀ − I‖² (Frobenius). For which A is it 0?"
    return asked, f"{value:.3f}. It is 0 only if each row has all its weight on one word, and no two on the same."


@QUESTIONS.variant
def distance(draw):
    strength, near, far = draw.choice((0.5, 1.0, 1.5)), draw.randint(1, 2), draw.randint(4, 6)
    ratio = math.exp(strength * (far - near))
    asked = (
        f"A distance mask subtracts {strength}·|i − j|. Two words with equal scores are {near} and {far} away. What is the "
        "ratio of their weights? By how much must the farther one's score be larger to draw level?"
    )
    return asked, f"e^({strength}·{far - near}) = {ratio:.3g}; by {strength * (far - near):g}."
