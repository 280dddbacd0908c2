"""Questions about lesson 06."""

from autograder.teaching.question import Questions, distinct

QUESTIONS = Questions()
QUESTIONS.ask(
    "A sentence is marked dark. Is it the reason for the answer?",
    "Not by itself. Take it away and see whether the answer changes, more often than if another one is taken away.",
)
QUESTIONS.ask(
    "Two documents of different length share a batch. Where can padding leak in, and how often?",
    "At two levels: words of a short sentence, and whole sentences of a short document, which have no words at all.",
)


@QUESTIONS.variant
def highlight(draw):
    sentences, words = distinct(draw, 2, 1, 9), distinct(draw, 2, 1, 9)
    sentence, word = sentences[0] / sum(sentences), words[0] / sum(words)
    asked = (
        f"Sentence scores are ln {sentences[0]} and ln {sentences[1]}; in the first, the word scores are ln {words[0]} and "
        f"ln {words[1]}. What is the first word's weight in the document, and how dark is it drawn by √(p_s p_w)?"
    )
    return asked, f"{sentence:.3f} · {word:.3f} = {sentence * word:.3f}; √ of it: {(sentence * word) ** 0.5:.3f}."


@QUESTIONS.variant
def masked(draw):
    real, padded = distinct(draw, 3, 1, 9), draw.randint(20, 90)
    right, wrong = real[0] / sum(real), real[0] / (sum(real) + padded)
    asked = (
        f"A sentence of three words has the scores ln {real[0]}, ln {real[1]}, ln {real[2]}; a fourth place is padding, with "
        f"score ln {padded}. What is the first weight, and what would it be if padding weren't masked?"
    )
    return asked, f"{right:.3f}; without the mask {wrong:.3f}."
