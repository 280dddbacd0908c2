"""What a beam search asks for, step by step: for the check that says which beginning was lost."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor


def traced_step(table: Tensor, length: int) -> tuple[Callable, tuple, list[tuple]]:
    """A step whose log-probabilities depend on time and last word, its first state, and a list of what was asked.

    table (length + 1, V, V). Each entry of the list is one beginning that was gone on from: the step, Σ log p, and its
    words, filled up with −1.
    """
    asked: list[tuple] = []

    def step(word: int, state: tuple) -> tuple[Tensor, tuple]:
        words, score, before = state
        words = (*words, int(word))
        if len(words) > length:
            raise ValueError(f"step is called for a sentence that has max_length = {length} words already")
        score = 0.0 if before is None else score + float(before[int(word)])
        log_probs = torch.log_softmax(table[len(words), int(word)], dim=0)
        asked.append((len(words), score, *words[1:], *[-1] * (length - len(words))))
        return log_probs, (words, score, log_probs)

    return step, ((), 0.0, None), asked


def lost(got: Mapping[str, np.ndarray], want: Mapping[str, np.ndarray]) -> str:
    """Which beginning a beam lost first, or went on with although it shouldn't have; "" if nothing differs.

    Under "name" stand the words that were found, under "~name" what `traced_step` noted.
    """
    for name in want:
        if name.startswith("~") or np.array_equal(got[name], want[name]):
            continue
        yours, right = _beginnings(got[f"~{name}"]), _beginnings(want[f"~{name}"])
        gone = sorted(right.keys() - yours.keys(), key=len)
        more = sorted(yours.keys() - right.keys(), key=len)
        if gone and (not more or len(gone[0]) <= len(more[0])):
            step, score = right[gone[0]]
            return (
                f"In `{name}` your beam loses the beginning {list(gone[0])} (Σ log p = {score:.2f}): step {step} "
                "should go on from it."
            )
        if more:
            return (
                f"In `{name}` you go on from {list(more[0])} in step {yours[more[0]][0]}: it has ended already, or "
                "others were likelier."
            )
        chosen = [int(word) for word in got[name] if word >= 0]
        return f"In `{name}` every step keeps the right beginnings; but of what has ended you choose {chosen}."
    return ""


def _beginnings(notes: np.ndarray) -> dict[tuple[int, ...], tuple[int, float]]:
    """The words of each beginning, with its step and its Σ log p."""
    return {tuple(int(word) for word in row[2:] if word >= 0): (int(row[0]), float(row[1])) for row in notes}
