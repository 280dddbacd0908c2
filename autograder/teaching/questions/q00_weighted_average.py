"""Questions about lesson 00."""

import math

from autograder.teaching.question import Questions, distinct, listed

QUESTIONS = Questions()
QUESTIONS.ask(
    "All scores grow by the same number. What happens to the weights?",
    "Nothing: softmax sees differences only. That is why one may subtract the largest score before taking exponentials.",
)
QUESTIONS.ask(
    "All scores are doubled. What happens to the weights, and to which temperature does that correspond?",
    "They get more uneven: each ratio of two weights is squared. It is temperature 1/2.",
)


@QUESTIONS.variant
def weighted_average(draw):
    counts, values = distinct(draw, 3, 1, 9), distinct(draw, 3, -9, 9)
    total = sum(counts)
    average = sum(c * v for c, v in zip(counts, values, strict=True)) / total
    asked = (
        f"Three scores are ln {counts[0]}, ln {counts[1]} and ln {counts[2]}; the values are {listed(values)}. "
        "Give the three softmax weights as fractions, and the weighted average."
    )
    weights = listed([f"{count}/{total}" for count in counts])
    return asked, f"exp(ln c) = c, so the weights are {weights}; the average is {average:.3f}."


@QUESTIONS.variant
def temperature(draw):
    difference, temperature = draw.randint(1, 4), draw.choice((0.5, 2, 4))
    asked = (
        f"Two scores differ by {difference}. How many times the smaller weight is the larger one at temperature 1, and "
        f"at temperature {temperature}? Which limit is hard attention, and what does a gradient make of it?"
    )
    at_1, at_t = math.exp(difference), math.exp(difference / temperature)
    return asked, (
        f"e^{difference} = {at_1:.3g} times; e^({difference}/{temperature}) = {at_t:.3g} times. Temperature → 0 puts all "
        "weight on the largest score: a step function of the scores, whose gradient is 0 wherever it exists."
    )
