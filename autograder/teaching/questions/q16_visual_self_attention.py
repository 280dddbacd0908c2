"""Questions about lesson 16."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "A task asks whether two patches far apart are alike. How do you make sure that no network can solve it in another way?",
    "Give it to a network that sees one place at a time. If that is better than chance, the task leaks.",
)
QUESTIONS.ask(
    "γ starts at 0. What does the block add at first, and what gradient reaches the attention inside?",
    "Nothing, and none: only γ itself gets a gradient until it has moved.",
)


@QUESTIONS.variant
def receptive_field(draw):
    away = draw.randint(6, 21)
    asked = (
        f"Two places lie {away} pixels apart. How many 3 × 3 convolutions of stride 1 does it take until one unit sees both? How "
        "many layers of self-attention?"
    )
    return asked, f"The field of L layers is 2L + 1 wide: {away // 2 + away % 2} layers. One layer of self-attention."


@QUESTIONS.variant
def cost(draw):
    side, channels = draw.choice((16, 32, 64)), draw.choice((64, 128))
    asked = (
        f"A map of {side} × {side} with {channels} channels; queries and keys have an eighth of them. How many weights does each "
        "query's map have, how many are there in all, and how many parameters have the two 1 × 1 convolutions?"
    )
    return (
        asked,
        f"{side**2:,}; {side**4:,}; 2·{channels}·{channels // 8} = {2 * channels * channels // 8:,} (without biases).",
    )
