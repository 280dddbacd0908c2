"""Questions about lesson 04."""

import math

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "You set the scores outside a window to −∞. What did you save?",
    "Nothing: all were computed. One saves only by not computing them.",
)
QUESTIONS.ask(
    "Where must a window that moves at one word a step fail?",
    "Where the word that is needed lies further away than the window reaches: in reordered sentences.",
)


@QUESTIONS.variant
def parameters(draw):
    query, key, hidden = draw.choice((32, 48)), draw.choice((64, 96)), draw.choice((24, 40))
    asked = (
        f"Queries have {query} numbers, keys {key}; the hidden layer of *concat* has {hidden}. How many weights have the "
        "scores dot, general and concat? Which of them cannot be used here?"
    )
    return asked, (
        f"dot: none, and it cannot be used, since the widths differ. general: {query} × {key} = {query * key:,}. concat: "
        f"{hidden} × ({query} + {key}) + {hidden} = {hidden * (query + key) + hidden:,}."
    )


@QUESTIONS.variant
def gaussian(draw):
    reach, away = draw.choice((2, 4, 6)), draw.choice((1, 2, 3))
    factor = math.exp(-(away**2) / (2 * (reach / 2) ** 2))
    asked = (
        f"local-p with D = {reach}, σ = D/2. By which factor is the weight of a word multiplied that lies {away} from p_t? "
        "Do the weights still sum to 1?"
    )
    return (
        asked,
        f"exp(−{away}²/(2·{reach / 2:g}²)) = {factor:.3f}. No: they are not normalised again, and sum to less.",
    )
