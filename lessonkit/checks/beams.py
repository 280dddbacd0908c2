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
    likely = torch.log_softmax(table, dim=-1)

    def step(word: int, state: tuple) -> tuple[Tensor, tuple]:
        words, score, before = state
        words = (*words, int(word))
        if len(words) > length == len(asked):  # one chain of states, though there are several beginnings
            raise ValueError("step is handed the state of another beginning: each keeps what its own last step gave")
        if len(words) > length:
            raise ValueError(f"step is called for a sentence that has max_length = {length} words already")
        score = 0.0 if before is None else score + float(before[int(word)])
        log_probs = likely[len(words), int(word)].clone()
        asked.append((len(words), score, *words[1:], *[-1] * (length - len(words))))
        return log_probs, (words, score, log_probs)

    return step, ((), 0.0, None), asked


def noted(searches: list[tuple[list[int], list[tuple]]]) -> tuple[Tensor, Tensor]:
    """What several searches found and asked, as two tensors: words, filled up with −1, and notes, with steps of 0."""
    most = max(len(asked) for _, asked in searches)
    width = max(len(note) for _, asked in searches for note in asked)
    notes = torch.zeros(len(searches), most, width)
    for i, (_, asked) in enumerate(searches):
        for j, note in enumerate(sorted(asked)):
            notes[i, j] = torch.tensor([*note, *[-1] * (width - len(note))])
    longest = max(width - 2, *(len(words) for words, _ in searches))
    return torch.tensor([[*map(int, words), *[-1] * (longest - len(words))] for words, _ in searches]), notes


def lost(got: Mapping[str, np.ndarray], want: Mapping[str, np.ndarray]) -> str:
    """Which beginning a beam lost first, or went on with although it shouldn't have; "" if nothing differs.

    Under "name" stand the words that were found, under "~name" the notes, as `noted` gives them.
    """
    for name in want:
        if name.startswith("~"):
            continue
        for i, (words, right) in enumerate(zip(got[name], want[name], strict=True)):
            if not np.array_equal(words, right):
                return f"In no. {i + 1} of `{name}` {_lost_in(got[f'~{name}'][i], want[f'~{name}'][i], words)}"
    return ""


def _lost_in(got: np.ndarray, want: np.ndarray, words: np.ndarray) -> str:
    yours, right = _beginnings(got), _beginnings(want)
    gone = sorted(right.keys() - yours.keys(), key=len)
    more = sorted(yours.keys() - right.keys(), key=len)
    if gone and (not more or len(gone[0]) <= len(more[0])):
        step, score = right[gone[0]]
        said = f"your beam loses the beginning {list(gone[0])} (Σ log p = {score:.2f})"
        return f"{said}: step {step} should go on from it."
    if more:
        said = f"you go on from {list(more[0])} in step {yours[more[0]][0]}"
        return f"{said}: it has ended already, or others were likelier."
    chosen = [int(word) for word in words if word >= 0]
    return f"every step keeps the right beginnings; but of what has ended you choose {chosen}."


def _beginnings(notes: np.ndarray) -> dict[tuple[int, ...], tuple[int, float]]:
    """The words of each beginning, with its step and its Σ log p."""
    rows = [row for row in notes if row[0] > 0]
    return {tuple(int(word) for word in row[2:] if word >= 0): (int(row[0]), float(row[1])) for row in rows}
