"""Questions about lesson 01."""

import math

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "The vector between encoder and decoder gets ten times as wide. Is the bottleneck gone?",
    "It is wider, and still of one size for every sentence. A longer sentence fills it up again.",
)
QUESTIONS.ask(
    "Why may the decoder see the right previous word while it trains, and not while it translates?",
    "While it translates nobody knows that word. Training with it is fast and parallel, and leaves the model unused to "
    "its own mistakes.",
)


@QUESTIONS.variant
def greedy_or_beam(draw):
    first = draw.choice((0.55, 0.6))
    best_after_first, best_after_second = draw.choice((0.4, 0.45)), draw.choice((0.9, 0.95))
    asked = (
        f"The first word is A with probability {first} and B with {1 - first:.2f}. After A the likeliest second word has "
        f"probability {best_after_first}, after B {best_after_second}. Sentences have two words. What does greedy decoding "
        "find, what does a beam of 2 find, and with which probabilities?"
    )
    greedy, other = first * best_after_first, (1 - first) * best_after_second
    return asked, f"Greedy: A …, {greedy:.3f}. A beam of 2 keeps both beginnings and finds B …, {other:.3f}."


@QUESTIONS.variant
def vanishing(draw):
    shrink, share = draw.choice((0.8, 0.85, 0.9, 0.95)), draw.choice((0.1, 0.01))
    steps = math.ceil(math.log(share) / math.log(shrink))
    asked = (
        f"A linear recurrent network multiplies its state by a matrix all of whose singular values are {shrink}. After how "
        f"many steps is the gradient's length below {share} of what it was? What does tanh change?"
    )
    return asked, (
        f"{shrink}^k < {share} from k = {steps} on. The slope of tanh is at most 1, so with it the gradient is shorter still."
    )
