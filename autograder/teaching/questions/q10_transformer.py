"""Questions about lesson 10."""

import math

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "Which three attentions does the Transformer have, and who asks whom in each?",
    "Source words ask source words; target words ask earlier target words; target words ask source words.",
)
QUESTIONS.ask(
    "A model beats another by a hair, on one seed. What do you say?",
    "Nothing yet. Three seeds at least, each model with a rate of its own from the same grid; ranges that overlap are a tie.",
)


@QUESTIONS.variant
def rate(draw):
    width, warm_up = draw.choice((64, 256, 512)), draw.choice((400, 1000, 4000))
    top, times = (width * warm_up) ** -0.5, draw.choice((4, 9))
    asked = (
        f"rate = d^(−1/2)·min(s^(−1/2), s·w^(−3/2)) with d = {width}, w = {warm_up}. Where is it largest, how large, and which "
        f"share of that is left at s = {times}w?"
    )
    return asked, f"At s = w: (d·w)^(−1/2) = {top:.2e}. At {times}w it is 1/{math.isqrt(times)} of that."


@QUESTIONS.variant
def smoothing(draw):
    words, smooth = draw.choice((11, 21, 101)), draw.choice((0.1, 0.2))
    asked = (
        f"Label smoothing {smooth} over {words} words: the right word's target is {1 - smooth}, the rest is shared equally by "
        "the others. What is the loss of a model that says exactly that? Why is it not 0?"
    )
    loss = -(1 - smooth) * math.log(1 - smooth) - smooth * math.log(smooth / (words - 1))
    return asked, f"{loss:.3f}: the entropy of the targets. No model can have less."
