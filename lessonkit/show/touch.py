"""The map one can touch: hover, or move with the arrow keys, and see whom a word looks at. Works without a kernel.

touch.js is a module in anywidget's format, and the page gets it as HTML with its data inside: so the map goes on
working in a notebook that is opened again, in an executed one on a web site, and without a widget manager.
"""

import base64
import io
import json
from collections.abc import Collection, Sequence
from html import escape
from pathlib import Path

import matplotlib.image
import numpy as np

from lessonkit.show import plots
from lessonkit.show.tables import TextAndHtml

Links = Collection[tuple[int, int]]
_HERE = Path(__file__).parent
_DIGITS = 3  # of a weight, in the page


def attention(
    weights: object,
    queries: Sequence[str] | Sequence[Sequence[str]],
    keys: Sequence[str] | Sequence[Sequence[str]],
    gold: Links | Sequence[Links] | None = None,
    names: Sequence[str] | None = None,
    *,
    d_k: int | None = None,
    mask: object = None,
    sides: tuple[str, str] = ("query", "key"),
    notes: Sequence[str] | None = None,
    start: int = 0,
    off: Collection[str] = (),
) -> None:
    """Show weights (Q, T), (maps, Q, T) or (layers, heads, Q, T) of one sentence, or a list of such for several.

    With several sentences `queries`, `keys`, `gold`, `mask` and `notes` are lists too. `gold` holds (query, key), or is
    a boolean array (Q, T). `names` are the maps' ("layer 1, head 2"). With `d_k` the first argument holds the products
    q·k instead: the reader can switch the scale 1/√d_k off, and the mask (Q, T), True = may attend. `sides` say what
    queries and keys are; `start` is the query chosen at first, `off` those of "scale" and "mask" that are off at first.

    Raises:
        ValueError: weights don't fit queries and keys.
    """
    one = isinstance(queries[0], str)
    many = [[x] for x in (weights, queries, keys, gold, mask)] if one else [weights, queries, keys, gold, mask]
    count = len(many[1])
    many = [x if x is not None else [None] * count for x in many]
    examples = []
    for w, q, k, g, m in zip(*many, strict=True):
        maps, own = _maps(w, len(q), len(k), "keys")
        example = {"title": " ".join(q), "queries": list(q), "keys": list(k)}
        examples.append({**example, "maps": maps, "gold": _links(g), "mask": _mask(m, maps)})
    _show({**_data("attention", examples, names or own, sides, notes, start, d_k), "off": list(off)})


def regions(
    weights: object,
    words: Sequence[str] | Sequence[Sequence[str]],
    picture: object,
    gold: object = None,
    names: Sequence[str] | None = None,
    *,
    notes: Sequence[str] | None = None,
    start: int = 0,
) -> None:
    """Show where each word looks in a picture: weights (words, h, w), or (maps, words, h, w) for several models.

    `picture` is (H, W, 3), bytes or 0 to 1; `gold` (words, h, w), True where the word's thing is. With several pictures
    all are lists. `names` are the maps'; `notes` stand below a picture.

    Raises:
        ValueError: weights don't fit the words.
    """
    one = isinstance(words[0], str)
    many = [[x] for x in (weights, words, picture, gold)] if one else [weights, words, picture, gold]
    many[3] = many[3] if many[3] is not None else [None] * len(many[1])
    examples = []
    for w, caption, pixels, g in zip(*many, strict=True):
        w = _array(w)
        height, width = w.shape[-2:]
        maps, own = _maps(w.reshape(*w.shape[:-2], height * width), len(caption), height * width, "regions")
        flat = None if g is None else _array(g).reshape(len(caption), height * width) > 0
        examples.append(
            {"title": " ".join(caption), "queries": list(caption), "keys": None, "maps": maps, "gold": _links(flat),
             "picture": _png(pixels), "grid": [height, width]}
        )  # fmt: skip
    data = _data("regions", examples, names or own, ("word", "region"), notes, start, None)
    data["chooser"] = "picture"
    _show(data)


def _data(
    kind: str, examples: list, names: Sequence[str], sides: tuple[str, str], notes: object, start: int, d_k: int | None
) -> dict:
    if len(names) != len(examples[0]["maps"]):
        raise ValueError(f"there are {len(examples[0]['maps'])} maps, and {len(names)} names")
    for example, note in zip(examples, notes or [""] * len(examples), strict=True):
        example["note"] = note
    return {
        "kind": kind, "sides": list(sides), "names": list(names), "start": start, "d_k": d_k, "examples": examples
    }  # fmt: skip


def _maps(weights: object, queries: int, keys: int, what: str) -> tuple[list, list[str]]:
    """Weights as (maps, Q, T) in nested lists, and the maps' names where nobody gave others."""
    w = _array(weights)
    if w.shape[-2:] != (queries, keys) or not 2 <= w.ndim <= 4:
        raise ValueError(f"weights are {w.shape}, for {queries} queries and {keys} {what}")
    names = [""]
    if w.ndim == 4:
        layers, heads = w.shape[:2]
        names = [f"layer {i + 1}, head {j + 1}" for i in range(layers) for j in range(heads)]
    elif w.ndim == 3:
        names = [f"map {i + 1}" for i in range(len(w))]
    return np.round(w.reshape(-1, queries, keys), _DIGITS).tolist(), names


def _array(values: object) -> np.ndarray:
    return np.asarray(values.detach() if hasattr(values, "detach") else values, dtype=float)


def _links(gold: object) -> list[list[int]]:
    if gold is None:
        return []
    if isinstance(gold, np.ndarray) or hasattr(gold, "detach"):
        return np.argwhere(_array(gold) > 0).tolist()
    return sorted([int(q), int(k)] for q, k in gold)


def _mask(mask: object, maps: list) -> list | None:
    """The mask (Q, T) in nested lists; one for all layers and heads may have leading axes of length 1."""
    if mask is None:
        return None
    allowed = _array(mask) > 0
    while allowed.ndim > 2:
        allowed = allowed[0]
    return np.broadcast_to(allowed, np.shape(maps)[1:]).tolist()


def _png(picture: object) -> str:
    pixels = _array(picture)
    pixels = (pixels / 255 if pixels.max() > 1 else pixels).clip(0, 1)
    buffer = io.BytesIO()
    matplotlib.image.imsave(buffer, pixels, format="png", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _show(data: dict) -> None:
    from IPython.display import display

    display(TextAndHtml("\n".join(in_words(data)), to_html(data)))


def in_words(data: dict) -> list[str]:
    """For each query of the first example: whom it looks at most in each map, and how much lies on gold."""
    return [
        f"{name + ': ' if name else ''}{query} -> {key} ({weight}){f', on gold {on_gold}' if on_gold else ''}"
        for name, query, key, weight, on_gold in _rows(data)
    ]


def _rows(data: dict) -> list[tuple[str, str, str, str, str]]:
    """Of each query in each map: the map's name, the query, the key it looks at most, its weight, what lies on gold."""
    example, rows = data["examples"][0], []
    for name, products in zip(data["names"], example["maps"], strict=True):
        weights = np.array(products) if data["d_k"] is None else _softmax(products, data["d_k"], example["mask"])
        for q, (query, row) in enumerate(zip(example["queries"], weights, strict=True)):
            most, gold = plots.first_of_the_largest(row), [k for i, k in example["gold"] if i == q]
            key = example["keys"][most] if example["keys"] else _place(most, example)
            on_gold = f"{sum(row[k] for k in gold):.2f}" if gold else ""
            rows.append((name, query, key, f"{row[most]:.2f}", on_gold))
    return rows


def _softmax(products: list, d_k: int, mask: list | None) -> np.ndarray:
    scores = np.array(products) / np.sqrt(d_k)
    allowed = np.ones_like(scores, dtype=bool) if mask is None else np.array(mask)
    highest = np.where(allowed, scores, -np.inf).max(-1, keepdims=True)
    powers = np.where(allowed, np.exp(np.where(allowed, scores - highest, 0.0)), 0.0)
    return powers / np.maximum(powers.sum(-1, keepdims=True), np.finfo(float).tiny)


def _place(region: int, example: dict) -> str:
    return f"row {region // example['grid'][1] + 1}, column {region % example['grid'][1] + 1}"


def to_html(data: dict) -> str:
    """The map as HTML that needs nothing else: its words as a table, the module, and the data."""
    script = (_HERE / "touch.js").read_text(encoding="utf-8").replace("export default", "const touch =")
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        f"<style>{(_HERE / 'touch.css').read_text(encoding='utf-8')}</style><div>{_table(data)}</div>"
        f"<script>(() => {{\nconst root = document.currentScript.previousElementSibling;\n{script}\n"
        f"const data = {packed};\ntouch.render({{ model: {{ get: () => data }}, el: root }});\n}})();</script>"
    )


def _table(data: dict) -> str:
    columns = (escape(data["sides"][0]), "looks most at", "weight", "on gold")
    head = "".join(f"<th scope='col'>{column}</th>" for column in columns)
    body = []
    for name, query, key, weight, on_gold in _rows(data):
        label = f"{name}: {query}" if name else query
        body.append(f"<tr><td>{escape(label)}</td><td>{escape(key)}</td><td>{weight}</td><td>{on_gold}</td></tr>")
    return (
        "<details><summary>The same in a table</summary><table><thead>"
        f"<tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></details>"
    )
