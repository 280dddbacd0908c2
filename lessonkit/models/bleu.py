"""BLEU, the measure that translation papers report (Papineni et al. 2002), as sacrebleu computes it (Post 2018)."""

from collections.abc import Sequence

import sacrebleu

from lessonkit.data.translation import Pair


def bleu(translations: Sequence[Sequence[str]], pairs: Sequence[Pair]) -> float:
    """How many runs of one to four words a set of translations shares with the right ones, from 0 to 100.

    Sentences are lists of words already, so sacrebleu is told not to cut them further.
    """
    made = [" ".join(words) for words in translations]
    right = [" ".join(pair.target) for pair in pairs]
    return sacrebleu.corpus_bleu(made, [right], tokenize="none", force=True).score
