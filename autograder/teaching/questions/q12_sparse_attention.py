"""Questions about lesson 12."""

from autograder.teaching.question import Questions, distinct

QUESTIONS = Questions()
QUESTIONS.ask(
    "FlashAttention computes the same numbers as softmax(QKᵀ)V. What does it save?",
    "Memory, and the time to write and read it: the T × T weights are never held. The multiplications remain.",
)
QUESTIONS.ask(
    "Why are a cache's keys and values never computed again?",
    "With a causal mask an earlier word never sees a later one: nothing about it changes.",
)


@QUESTIONS.variant
def reach(draw):
    width, length = draw.choice((4, 8, 16)), draw.choice((128, 512, 1024))
    layers = -(-(length - 1) // width)
    asked = (
        f"Every word sees itself and {width} words before it. How many layers does the last of {length} words need to hear of "
        "the first? How many pairs does a layer compute, about, against a dense causal one?"
    )
    return asked, f"{layers} layers; about {length * (width + 1):,} against {length * (length + 1) // 2:,} pairs."


@QUESTIONS.variant
def two_tiles(draw):
    first, second = distinct(draw, 2, 1, 9), distinct(draw, 2, 1, 9)
    values = distinct(draw, 4, 1, 9)
    counts = [*first, *second]
    average = sum(c * v for c, v in zip(counts, values, strict=True)) / sum(counts)
    asked = (
        f"Online softmax over two tiles: scores ln {first[0]}, ln {first[1]} with values {values[0]}, {values[1]}; then "
        f"ln {second[0]}, ln {second[1]} with values {values[2]}, {values[3]}. Which three numbers does one carry from tile to "
        "tile, and what is the result?"
    )
    return (
        asked,
        f"The largest score, the sum of exponentials, the weighted sum of values. The result is {average:.3f}.",
    )
