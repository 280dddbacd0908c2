"""What a submission's process said, made safe to keep: rebuilt from checked parts, or refused."""

import base64
import binascii
import json
import re
import struct

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from autograder.sandbox.protocol import ARRAY_TYPES, ProtocolError
from autograder.sandbox.text import coloured, plain
from lessonkit.checks.outcome import Failure, Outcome

ARRAYS, NAME = 500, 200  # of one outcome; characters of a name
TEXT = 30_000  # characters of a failure's traceback, of what was printed
MESSAGE = 2_000  # of an exception, as an honest job cuts it: many patterns are looked for in it
LONGEST_INDEX = 200_000  # bytes of what safetensors says of its arrays
DEEPEST = 20  # of JSON within an output
_MIME = re.compile(r"[a-z]+/[a-zA-Z0-9.+-]{1,80}")
_WIDGET = "application/vnd.jupyter.widget-view+json"  # shows nothing without its kernel: the text beside it does
_IMAGES = ("image/png", "image/jpeg", "image/gif", "application/pdf")


def outcome(header: dict, body: bytes) -> Outcome:
    """The outcome that an answer to a probe stands for. Raises ProtocolError where it isn't one."""
    failure = header.get("failure")
    if failure is not None:
        failure = Failure(
            kind=plain(_text(failure, "kind", NAME)),
            message=plain(_text(failure, "message", MESSAGE)),
            traceback=plain(_text(failure, "traceback", TEXT)),
            verdict=_one_of(failure, "verdict", ("error", "timeout", "not_started", "missing")),
            in_answer=failure.get("in_answer") is not False,
            **{key: _text(failure, key, NAME) for key in ("inside", "line", "shapes") if key in failure},
        )
    others = header.get("others")
    if not isinstance(others, dict) or len(others) > ARRAYS:
        raise ProtocolError("others")
    changed = header.get("changed")
    if not isinstance(changed, list) or len(changed) > ARRAYS or not all(isinstance(i, str) for i in changed):
        raise ProtocolError("changed")
    returned = header.get("returned", {})
    if not isinstance(returned, dict) or len(returned) > ARRAYS:
        raise ProtocolError("returned")
    return Outcome(
        arrays={} if failure else arrays(body),
        others={plain(name[:NAME]): plain(_text(others, name, NAME)) for name in others},
        failure=failure,
        changed=tuple(clean(name[:NAME]) for name in changed),
        digest=_text(header, "digest", NAME),
        printed=plain(_text(header, "printed", TEXT)),
        returned={plain(place[:NAME]): plain(_text(returned, place, NAME)) for place in returned},
    )


def arrays(body: bytes) -> dict[str, np.ndarray]:
    """Named arrays from safetensors, whose reader checks that shapes, offsets and bytes agree. Raises ProtocolError.

    What the index at the beginning claims is counted before the reader builds it.
    """
    if not body:
        return {}
    if len(body) < 8 or (index := struct.unpack_from("<Q", body)[0]) > LONGEST_INDEX:
        raise ProtocolError("index of arrays")
    if body.count(b"{", 8, 8 + index) > ARRAYS + 2 or body.count(b",", 8, 8 + index) > 50 * ARRAYS:
        raise ProtocolError("number of arrays")
    try:
        found = load(body)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError) as error:
        raise ProtocolError("arrays") from error
    if len(found) > ARRAYS or any(len(name) > NAME for name in found):
        raise ProtocolError("names of arrays")
    if any(value.dtype.name not in ARRAY_TYPES or value.ndim > 32 for value in found.values()):
        raise ProtocolError("type of an array")
    lengths = [value for name, value in found.items() if name.endswith(".length")]  # of a list, as lessonkit writes it
    if any(value.shape or value.dtype.kind not in "iu" for value in lengths):
        raise ProtocolError("length of a list")
    return {plain(name): value for name, value in found.items()}


def output(kind: str, content: object) -> dict:
    """An nbformat 4 output from a message of the kernel's protocol. Raises ProtocolError."""
    if not isinstance(content, dict):
        raise ProtocolError("content of an output")
    if kind == "stream":
        name = _one_of(content, "name", ("stdout", "stderr"))
        return {"output_type": "stream", "name": name, "text": coloured(_text(content, "text"))}
    if kind == "error":
        lines = content.get("traceback")
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise ProtocolError("traceback")
        return {
            "output_type": "error",
            "ename": plain(_text(content, "ename")),
            "evalue": plain(_text(content, "evalue")),
            "traceback": [coloured(line) for line in lines],
        }
    made = {"output_type": kind, "data": _data(content.get("data")), "metadata": _metadata(content.get("metadata"))}
    if kind == "execute_result":
        count = content.get("execution_count")
        made["execution_count"] = count if type(count) is int and 0 <= count < 10**6 else None
    return made


def _data(data: object) -> dict:
    if not isinstance(data, dict):
        raise ProtocolError("data of an output")
    kept = {}
    for mime, value in data.items():
        if not _MIME.fullmatch(mime) or mime == _WIDGET:
            continue
        if mime in _IMAGES:
            if isinstance(value, str) and _is_base64(value):
                kept[mime] = value
        elif mime.endswith("json"):
            kept[mime] = json_value(value)
        elif isinstance(value, str):
            kept[mime] = coloured(value)
    return kept


def _metadata(metadata: object) -> dict:
    kept = json_value(metadata) if isinstance(metadata, dict) else {}  # first: what is too deep, json.dumps can't write
    return kept if len(json.dumps(kept)) < 10_000 else {}


def display_id(content: dict) -> str:
    """The name under which an output can be updated; empty if it has none, or one that nobody would give."""
    transient = content.get("transient")
    name = transient.get("display_id") if isinstance(transient, dict) else None
    return name if isinstance(name, str) and len(name) <= NAME else ""


def json_value(value: object, depth: int = 0) -> object:
    """A JSON value with clean strings and no numbers that other readers choke on. Raises ProtocolError if too deep."""
    if depth > DEEPEST:
        raise ProtocolError("nested too deep")
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): json_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [json_value(item, depth + 1) for item in value]
    if isinstance(value, int | float) and not -1e300 < value < 1e300:
        return str(value)
    return value


def clean(text: str) -> str:
    """Text that can be written as UTF-8: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _text(source: object, key: str, longest: int | None = None) -> str:
    value = source.get(key) if isinstance(source, dict) else None
    if not isinstance(value, str):
        raise ProtocolError(key)
    return clean(value[:longest])


def _one_of(source: object, key: str, allowed: tuple[str, ...]) -> str:
    value = _text(source, key)
    if value not in allowed:
        raise ProtocolError(key)
    return value
