"""Strangers' text made harmless: what a terminal, a page or a table would obey is shown as a sign, or left out."""

import re
import unicodedata

# A colour sequence as IPython writes it: `ESC [ numbers m`, with numbers that every reader knows. 38 and 48 take a
# colour after them; a reader that finds none there may fail.
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|\d{1,2})"
_COLOUR = rf"(?:[34]8;5;{_BYTE}|[34]8;2;{_BYTE};{_BYTE};{_BYTE}|10[0-7]|[349][0-7]|[34]9|2[1-579]|0?[0-4]|0?[79])"
COLOURS = re.compile(rf"\x1b\[(?:{_COLOUR}(?:;{_COLOUR}){{0,4}})?m")
# Any sequence that a terminal obeys: CSI ... final; OSC, DCS, APC, PM, SOS ... end; ESC and one more. What begins one
# is no part of another: where no end comes, each would be looked through to the end of the text.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?:[^\x07\x1b\x90\x98\x9c-\x9f]{0,2000}+(?:\x07|\x1b\\|\x9c))?"
    r"|\x1b[ -/]*[0-Z\\^-~]?"
)
_ODD = re.compile(r"[^\n\t -~\xa0-\xac\xae-\u02ff]")  # looked at only where there is something to look at
_JOINERS = "\u200c\u200d"  # part of how Persian, Hindi and others write, and of emoji


def _sign(character: str) -> str:
    """What stands for a character that acts instead of being seen."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if code == 0xFEFF:
        return ""
    return f"⟨U+{code:04X}⟩"


class _Signs(dict):
    """For str.translate: each character to itself, or to its sign."""

    def __missing__(self, code: int) -> object:
        character = chr(code)
        acts = unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") and character not in _JOINERS + "\n\t"
        self[code] = made = _sign(character) if acts else ("?" if 0xD800 <= code < 0xE000 else code)
        return made


_SIGNS = _Signs()
_SIGNS_BUT_RETURNS = _Signs({13: 13})


def coloured(text: str) -> str:
    """Text of an output: well-formed colour sequences and carriage returns stay, of others nothing, or a sign.

    A lone surrogate, which can't be written as UTF-8, becomes a question mark.
    """
    if not _ODD.search(text):
        return text
    if "\x1b" not in text:
        return _SEQUENCE.sub("", text).translate(_SIGNS_BUT_RETURNS)
    parts, end = [], 0
    for colour in COLOURS.finditer(text):
        parts += [_SEQUENCE.sub("", text[end : colour.start()]).translate(_SIGNS_BUT_RETURNS), colour.group()]
        end = colour.end()
    parts.append(_SEQUENCE.sub("", text[end:]).translate(_SIGNS_BUT_RETURNS))
    return "".join(parts)


def plain(text: str) -> str:
    """Text without colours, with \\n as the only line end, and a sign for whatever would act."""
    if not _ODD.search(text):
        return text
    return _SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").translate(_SIGNS)


def one_line(text: str, longest: int) -> str:
    """Plain text in one line, cut to so many characters."""
    return cut(" ".join(plain(text[: 4 * longest]).split()), longest)


def cut(text: str, longest: int) -> str:
    """Text of so many characters at most; where it was longer, it says so."""
    return text if len(text) <= longest else f"{text[: longest - 2]} …"


def overwritten(text: str) -> str:
    """What a terminal would show of text that returns to the beginning of a line: the last that was written there."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
