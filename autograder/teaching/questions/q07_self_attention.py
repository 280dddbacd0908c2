"""Questions about lesson 07."""

from autograder.teaching.question import Questions

QUESTIONS = Questions()
QUESTIONS.ask(
    "You shuffle the words of a sentence. What does self-attention without positions give?",
    "The same outputs, shuffled alike. It sees a set.",
)
QUESTIONS.ask(
    "Why do queries, keys and values have matrices of their own?",
    "What a word looks for, what it can be found by, and what it gives are three things; with one matrix a word would "
    "mostly look for what is like itself.",
)


@QUESTIONS.variant
def variance(draw):
    width, spread = draw.choice((16, 36, 64, 100)), draw.choice((1, 2))
    value = width * spread**4
    asked = (
        f"The {width} components of q and of k are independent, with mean 0 and variance {spread**2}. What is the variance of "
        f"q·k? By what must one divide so that it is 1?"
    )
    return asked, f"{width} · {spread**2}² = {value}; by its root, {value**0.5:g}."


@QUESTIONS.variant
def crossing(draw):
    width, length = draw.choice((64, 128, 256)), draw.choice((32, 512, 1024))
    attention, recurrent = length**2 * width, length * width**2
    more = "attention" if attention > recurrent else "the recurrent network"
    asked = (
        f"A layer of width d = {width} reads T = {length} words. Compare T²d (attention) with T d² (a recurrent network): "
        "which is more, from which T on does that turn, and which of them can be computed in parallel?"
    )
    return (
        asked,
        f"{attention:,} against {recurrent:,}: more is {more}. It turns at T = d = {width}. Attention is parallel.",
    )
