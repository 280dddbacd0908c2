"""Questions about lesson 05."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "What does the score-function gradient need that back-propagation doesn't, and what can it do in return?",
    "Samples and a reward, many of them, since it is noisy. It needs no path through the choice, so the choice may be hard.",
)
QUESTIONS.ask(
    "A baseline is subtracted from the reward. Why does the mean gradient not move?",
    "The gradients of log p, weighted by p, sum to 0: a constant times that is 0. Only the spread gets smaller.",
)


@QUESTIONS.variant
def penalty(draw):
    first = draw.choice(((0.7, 0.2, 0.1), (0.6, 0.3, 0.1), (0.5, 0.4, 0.1)))
    second = draw.choice(((0.1, 0.1, 0.8), (0.3, 0.3, 0.4), (0.2, 0.5, 0.3)))
    value = sum((1 - a - b) ** 2 for a, b in zip(first, second, strict=True))
    asked = f"Two words, three regions: the weights are {first} and {second}. Compute Σ_i (1 − Σ_t α_ti)². Can it be 0 here?"
    return asked, (
        f"{value:.2f}. No: the weights of two words sum to 2, and three regions that each get 1 need 3. Its least value is "
        "3·(1/3)² = 1/3."
    )


@QUESTIONS.variant
def exact_gradient(draw):
    share = draw.choice((0.2, 0.3, 0.4))
    one, other = draw.randint(3, 9), draw.randint(-2, 2)
    asked = (
        f"Two regions are chosen with probabilities {share} and {1 - share:.1f} = softmax(a). The rewards are {one} and "
        f"{other}. What is the gradient of the expected reward with respect to a_1? And with a baseline of {other}?"
    )
    return asked, f"p(1 − p)(R_1 − R_2) = {share * (1 - share) * (one - other):.3f}; with any baseline the same."
