"""Lesson 10's machine, tested for what must not happen: the symptoms of a wrong norm, and who sees whom."""

from collections.abc import Callable

import torch
from torch import Tensor

from lessonkit.models import transformer
from lessonkit.show import tables


def show_symptoms(found: Callable) -> None:
    """What the equations say of a norm, beside what a function makes of it."""
    ones, zeros = torch.ones(4), torch.zeros(4)
    x = torch.tensor([[[2.0, -1.0, 0.5, 4.0], [1.0, 3.0, -2.0, 0.0]]])  # two words
    other = x.clone()
    other[0, 1, 2] = 7.0  # the second is another word now

    def measured(norm: Callable) -> list[str]:
        alone, small, both, after = (norm(z, ones, zeros)[0, 0] for z in (x[:, :1], x[:, :1] / 1000, x, other))
        return [
            *(f"{float(y.var(correction=0)):.2f}" for y in (alone, small)),
            f"{float((after - both).abs().max()):.2f}",
        ]

    names = ["variance of a normed word, alone in its batch", "the same of a word a thousand times smaller"]
    names += ["how far a word moves when its neighbour changes"]
    rows = zip(names, measured(transformer.layer_norm), measured(found), strict=True)
    tables.show_table(["", "the equations", "as found"], [list(row) for row in rows])


@torch.no_grad()
def show_who_sees(sees: Callable, parts: transformer.Parts, masks: Callable, T: int = 7) -> int:
    """Which places see which, in stacks of six untrained layers. Returns how many later ones are seen."""
    torch.manual_seed(0)
    model = transformer.make_transformer(9, 9, layers=6, dropout=0.0, parts=parts)
    words = torch.randint(1, 9, (1, T))
    src_mask, tgt_mask = masks(words, words, 0)
    memory, everywhere = torch.randn(1, T, 64), torch.ones(1, T, T, dtype=torch.bool)

    def decoder(mask: Tensor) -> Callable:
        return lambda x: model.decoder(x.unsqueeze(0), memory, src_mask, mask)[0]

    stacks = {
        "encoder": lambda x: model.encoder(x.unsqueeze(0), src_mask)[0],
        "decoder, your mask": decoder(tgt_mask),
        "decoder, the mask forgotten": decoder(everywhere),
        "(the feed-forward network alone)": lambda x: model.encoder.layers[0].feed(x),
    }
    later, rows = torch.ones(T, T, dtype=torch.bool).triu(1), []
    for name, stack in stacks.items():
        seen = sees(stack, torch.randn(T, 64))
        rows.append([name, int((seen & ~later).sum()), int((seen & later).sum())])
    columns = ["six layers", f"itself and earlier: seen of {T * (T + 1) // 2}", f"later: seen of {T * (T - 1) // 2}"]
    tables.show_table(columns, rows, f"{T} places, nothing trained")
    return rows[1][2]
