"""Questions about lesson 03."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "A heat map looks convincing. What must stand beside it before you believe it?",
    "A score against known links, and the score of a map that knows nothing: the diagonal, or equal weights.",
)
QUESTIONS.ask(
    "Why does the decoder score the source words with the state before this step?",
    "The state after the step depends on the context, which depends on the scores: it does not exist yet.",
)


@QUESTIONS.variant
def alignment_error(draw):
    sure, possible = draw.randint(4, 8), draw.randint(9, 12)
    answered = draw.randint(5, 9)
    in_sure = draw.randint(2, min(sure, answered) - 1)
    in_possible = draw.randint(in_sure, answered)
    error = 1 - (in_sure + in_possible) / (answered + sure)
    asked = (
        f"Of {answered} links that a model gives, {in_sure} are among the {sure} sure ones and {in_possible} among the "
        f"{possible} possible ones (which include the sure). What is the alignment error rate?"
    )
    return asked, f"1 − ({in_sure} + {in_possible}) / ({answered} + {sure}) = {error:.3f}."


@QUESTIONS.variant
def multiplications(draw):
    source, target, width = draw.choice((10, 20, 40)), draw.choice((12, 25, 50)), draw.choice((32, 64))
    asked = (
        f"e_ij = vᵀ tanh(W s_i + U h_j) with S = {source}, T = {target}; W, U are {width} × {width}. How many "
        "multiplications do all scores take if U h_j is computed anew each time, and how many if it is computed once?"
    )
    anew = target * (width**2 + source * (width**2 + width))
    once = target * width**2 + source * width**2 + target * source * width
    return asked, f"T(n² + S(n² + n)) = {anew:,}; (T + S)n² + T S n = {once:,}: {anew / once:.1f} times fewer."
