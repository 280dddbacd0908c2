"""Documents with their attention: sentences marked by their weight, words shaded by theirs, gold underlined."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape

import ipywidgets

from lessonkit.show.tables import TextAndHtml, heading, show_table

_SHADES = {  # what the words can be shaded by, from sentence weight and word weight
    "words, by √p_s · p_w": lambda sentence, word: sentence**0.5 * word,
    "words, by p_w alone": lambda sentence, word: word,
    "words, by the product p_s · p_w": lambda sentence, word: sentence * word,
}


@dataclass(frozen=True)
class Highlight:
    """A document and its attention: of each sentence the words, their weights p_w and its own weight p_s.

    `decides` is the sentence that decides, `telling` the places of the words in it that tell so; `title` says the rest.
    """

    sentences: Sequence[Sequence[str]]
    word_weights: Sequence[Sequence[float]]
    sentence_weights: Sequence[float]
    decides: int | None = None
    telling: Collection[int] = ()
    title: str = ""


def show(document: Highlight) -> None:
    """Display one document, words shaded as the paper does."""
    from IPython.display import display

    display(TextAndHtml(in_words(document), as_html(document)))


def explorer(documents: Sequence[Highlight]) -> ipywidgets.VBox:
    """Pick a document, and what its words are shaded by."""
    from IPython.display import display

    style = {"description_width": "initial"}
    titles = [(f"{i + 1}: {document.title}", i) for i, document in enumerate(documents)]
    wide = ipywidgets.Layout(width="min(46em, 95%)")
    which = ipywidgets.Dropdown(options=titles, description="review", layout=wide, style=style)
    how = ipywidgets.Dropdown(options=list(_SHADES), description="shade", layout=wide, style=style)
    page = ipywidgets.HTML()

    def redraw(_: object = None) -> None:
        page.value = as_html(documents[which.value], how.value)

    for control in (which, how):
        control.observe(redraw, names="value")
    redraw()
    box = ipywidgets.VBox([which, how, page])
    display(box)
    return box


def top_words(documents: Sequence[Highlight], count: int = 8) -> None:
    """A table: which words have the largest weight in the sentence that decides, and in how many documents."""
    tops = Counter()
    for document in documents:
        weights = list(map(float, document.word_weights[document.decides]))
        tops[document.sentences[document.decides][weights.index(max(weights))]] += 1
    rows = [[word, str(times)] for word, times in tops.most_common(count)]
    rows.append(["other words", str(len(documents) - sum(int(times) for _, times in rows))])
    show_table(["word", "documents"], rows, "The word with the largest weight in the sentence that decides")


def as_html(document: Highlight, shade: str = next(iter(_SHADES))) -> str:
    """One row a sentence: its weight as number and bar (if anybody looked), and its words."""
    rows, looked = [], any(map(float, document.sentence_weights))
    for i, (words, weights) in enumerate(zip(document.sentences, document.word_weights, strict=True)):
        p_s, gold = float(document.sentence_weights[i]), i == document.decides
        text = " ".join(
            _word(word, _SHADES[shade](p_s, float(p_w)), gold and j in document.telling)
            for j, (word, p_w) in enumerate(zip(words, weights, strict=True))
        )
        bar = f'<div style="width: {4 * p_s:.2f}em; height: 0.7em; background: #d55e00"></div>'
        weight = (
            f'<td style="text-align: right; padding: 2px 6px">{p_s:.2f}</td>'
            f'<td style="width: 4.2em; padding: 2px 4px">{bar}</td>'
        )
        rows.append(
            f'<tr>{weight if looked else ""}<td style="text-align: left; padding: 2px 6px">{text}</td>'
            f'<td style="text-align: left; padding: 2px 6px">{"<strong>decides</strong>" if gold else ""}</td></tr>'
        )
    caption = f'<caption style="text-align: left; font-weight: bold">{escape(document.title)}</caption>'
    head = "".join(
        heading(title, "text-align: left; padding: 2px 6px").replace("p_s", "p<sub>s</sub>")
        for title in (["p_s", "", "sentence; words shaded by attention", ""] if looked else ["sentence", ""])
    )
    return (
        '<div style="overflow-x: auto"><table style="line-height: 1.6">'
        f"{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _word(word: str, weight: float, telling: bool) -> str:
    shade = f"background: rgba(0, 114, 178, {0.65 * min(1.0, weight):.2f})"
    line = "; text-decoration: underline 2px #d55e00; text-underline-offset: 3px" if telling else ""
    return f'<span title="{weight:.2f}" style="padding: 1px 3px; {shade}{line}">{escape(word)}</span>'


def in_words(document: Highlight) -> str:
    """The same as text: a line for each sentence, its weight, and its word with the largest weight in brackets."""
    lines, looked = [document.title], any(map(float, document.sentence_weights))
    for i, (words, weights) in enumerate(zip(document.sentences, document.word_weights, strict=True)):
        top = max(range(len(words)), key=lambda j: float(weights[j]))
        marked = [f"[{word} {float(weights[j]):.2f}]" if looked and j == top else word for j, word in enumerate(words)]
        weight = f"{float(document.sentence_weights[i]):.2f}  " if looked else ""
        lines.append(f"{weight}{' '.join(marked)}{'   <- decides' if i == document.decides else ''}")
    return "\n".join(lines)


def unread(document: object) -> Highlight:
    """A document of `lessonkit.data.documents` as nobody has read it yet: all weights 0, gold marked."""
    label, sentences = ("good" if document.good else "bad"), document.sentences
    nothing = [[0.0] * len(words) for words in sentences]
    title = f"{label}, {len(sentences)} sentences"
    return Highlight(sentences, nothing, [0.0] * len(sentences), document.decides, document.telling, title)


def of_batch(batch: object, word_weights: object, sentence_weights: object, says: Sequence[int]) -> list[Highlight]:
    """The documents of a batch (`lessonkit.data.documents`), with weights (B, S, T), (B, S) and a model's answers."""
    found = []
    for i, document in enumerate(batch.documents):
        rows = [word_weights[i, s, : len(words)].tolist() for s, words in enumerate(document.sentences)]
        label, said = ("good" if document.good else "bad"), ("good" if says[i] else "bad")
        title = f"{len(rows)} sentences, {label}; the network says {said}"
        weights = sentence_weights[i, : len(rows)].tolist()
        found.append(Highlight(document.sentences, rows, weights, document.decides, document.telling, title))
    return found
