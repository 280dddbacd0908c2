"""Questions about lesson 08."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "Two heads cost as many parameters as one of double width. What do they buy?",
    "Two sets of weights a query: it can look at two places and keep apart what it finds there.",
)
QUESTIONS.ask(
    "A head can be switched off without harm. Was it useless while training?",
    "That does not follow. Others may have learned the same, and it may have helped to find it.",
)


@QUESTIONS.variant
def where_a_feature_goes(draw):
    heads, width = draw.choice((2, 4, 8)), draw.choice((3, 5, 6))
    feature = draw.randrange(heads * width)
    asked = (
        f"d = {heads * width} features are split into {heads} heads. In which head, at which place, does feature {feature} "
        "land (counted from 0)? What does a `view` to (B, heads, T, d_k) without `transpose` do instead?"
    )
    return asked, (
        f"Head {feature // width}, place {feature % width}. The view cuts the rows of a sentence into pieces in memory "
        "order: a head then holds whole words of other times."
    )


@QUESTIONS.variant
def memory(draw):
    batch, heads, length = draw.choice((8, 16)), draw.choice((4, 8)), draw.choice((128, 256, 512))
    size = batch * heads * length**2 * 4 / 2**20
    asked = (
        f"How many MiB do the weights of one layer take for a batch of {batch}, {heads} heads, {length} words, in float32? "
        "And if the heads are halved, and each is twice as wide?"
    )
    return asked, f"{batch}·{heads}·{length}²·4 bytes = {size:g} MiB; half of it: {size / 2:g} MiB."
