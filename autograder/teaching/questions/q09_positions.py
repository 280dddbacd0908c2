"""Questions about lesson 09."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "Why is a sine at one frequency not enough?",
    "It comes back: places one wavelength apart look alike. Slow ones tell far places apart, fast ones near ones.",
)
QUESTIONS.ask(
    "Rotary positions turn queries and keys. Why do only distances matter in the end?",
    "The dot product of two turned vectors depends on the difference of their angles.",
)


@QUESTIONS.variant
def slopes(draw):
    heads = draw.choice((4, 8))
    head, near, far = draw.randint(1, 3), draw.randint(1, 2), draw.randint(5, 8)
    slope = 2 ** (-8 * head / heads)
    asked = (
        f"ALiBi with {heads} heads, slope 2^(−8h/{heads}) for head h. Two keys have equal scores, {near} and {far} words back. "
        f"How many times the farther one's weight is the nearer one's, in head {head}?"
    )
    return (
        asked,
        f"The slope is {slope:g}, so e^({slope:g}·{far - near}) = {2.718281828 ** (slope * (far - near)):.3g} times.",
    )


@QUESTIONS.variant
def clipped(draw):
    reach, query, keys = draw.choice((2, 3, 4)), draw.randint(4, 6), 10
    index = [max(-reach, min(reach, key - query)) + reach for key in range(keys)]
    asked = (
        f"Relative positions are clipped at k = {reach}. Give the table's row for query {query} and keys 0 … {keys - 1} "
        "(index = clip(j − i) + k). How many vectors are learned?"
    )
    return asked, f"{index}; {2 * reach + 1} vectors."
