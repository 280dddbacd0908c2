"""The boxes of drawings that take more than a few lines (lessons 06 and 11)."""

from lessonkit.show.drawing import Drawing


def hierarchy(d: Drawing) -> None:
    """Words to sentences to document: two storeys, each of them a reader and a pool (Yang et al. 2016); 9.4 by 2.3."""
    boxes = [
        ("words", "(B, S, T, d)", "input"),
        ("read words", "GRU, both ways", "learned"),
        ("pool", "α over T", "attention"),
        ("read sentences", "GRU, both ways", "learned"),
        ("pool", "β over S", "attention"),
        ("answer", "(B, 2)", "output"),
    ]
    d.chain(0.8, 0.9, 1.56, boxes, ["", "h", "s", "h", "v"])
    d.text(3.1, 1.85, "storey 1: each sentence by itself", bold=True)
    d.text(6.3, 1.85, "storey 2: the document", bold=True)


def family(d: Drawing) -> None:
    """Three ways to bend self-attention: Lin et al. 2017, Im and Cho 2017, Shen et al. 2018; 9.2 by 3.4."""
    rows = {
        "structured": [
            ("states H", "(T, n)", "input"),
            ("W₂ tanh(W₁ Hᵀ)", "(r, T)", "learned"),
            ("softmax", "A, (r, T)", "attention"),
            ("M = A H", "(r, n)", "output"),
        ],
        "directional": [
            ("q kᵀ / √d", "(T, T)", "input"),
            ("− α |i − j|", "near first", "plain"),
            ("j < i, or j > i", "back, or ahead", "plain"),
            ("softmax", "(T, T)", "attention"),
        ],
        "reinforced": [
            ("words", "(T, d)", "input"),
            ("p = σ(…)", "(T,)", "learned"),
            ("coin below p?", "keep, or drop", "plain"),
            ("attention", "among the kept", "attention"),
        ],
    }
    for y, (name, boxes) in zip((2.8, 1.7, 0.6), rows.items(), strict=True):
        d.text(0.1, y, name, align="left", bold=True)
        d.chain(2.0, y, 2.05, boxes)
