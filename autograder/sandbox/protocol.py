"""Frames between the grader and the sandbox: a length-prefixed JSON header and raw bytes, size-capped; never pickle.

Imported inside the sandbox, too: the standard library and numpy only.
"""

import array
import json
import socket
import struct

import numpy as np

PREFIX = struct.Struct("!II")  # bytes of the header, bytes of the body
MAX_HEADER = 4 << 20
MOST_PARTS = 100_000  # values in one header
MAX_BODY = 256 << 20
ARRAY_TYPES = frozenset(  # all that a result may be
    ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"]
)
ENDED = ("timeout", "missing", "not_started")  # verdicts that spare an exercise its other seeds


class ProtocolError(Exception):
    """The other side sent something that is no frame."""


def encode(header: dict, body: bytes = b"") -> bytes:
    """One frame. Raises ProtocolError if it is larger than any reader accepts."""
    head = json.dumps(header, separators=(",", ":")).encode("ascii")
    if len(head) > MAX_HEADER or len(body) > MAX_BODY:
        raise ProtocolError("frame too large")
    return PREFIX.pack(len(head), len(body)) + head + body


class Decoder:
    """Cuts a stream of bytes into frames; what it is fed may come from a stranger."""

    def __init__(self, max_header: int = MAX_HEADER, max_body: int = MAX_BODY):
        self._buffer = bytearray()
        self._max_header, self._max_body = max_header, max_body

    def feed(self, data: bytes) -> None:
        """Take in what was received."""
        self._buffer += data

    def next(self) -> tuple[dict, bytes] | None:
        """The next whole frame, or None if more bytes are needed. Raises ProtocolError."""
        if len(self._buffer) < PREFIX.size:
            return None
        head, body = PREFIX.unpack_from(self._buffer)
        if head > self._max_header or body > self._max_body:
            raise ProtocolError("frame too large")
        end = PREFIX.size + head + body
        if len(self._buffer) < end:
            return None
        header = _parse(bytes(self._buffer[PREFIX.size : PREFIX.size + head]))
        content = bytes(self._buffer[PREFIX.size + head : end])
        del self._buffer[:end]
        return header, content


def _parse(head: bytes) -> dict:
    if parts(head, MOST_PARTS) > MOST_PARTS:
        raise ProtocolError("too many values")
    try:
        header = json.loads(head.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise ProtocolError("header is not JSON") from error
    if not isinstance(header, dict):
        raise ProtocolError("header is not an object")
    return header


def parts(text: bytes, most: int) -> int:
    """How many values JSON text holds, before anything of it is built: commas and brackets outside of strings.

    Commas within strings count, too, as long as there are no more than `most` altogether: it is quicker.
    """
    found = sum(text.count(sign) for sign in (b",", b"[", b"{"))
    if found <= most:
        return found
    text = text.replace(rb"\\", b"").replace(rb"\"", b"")
    found, quotes = 0, 0
    for start in range(0, len(text), 1 << 20):
        piece = np.frombuffer(text, np.uint8)[start : start + (1 << 20)]
        inside = (np.cumsum(piece == ord('"'), dtype=np.uint8) + np.uint8(quotes)) & 1  # an odd number of quotes before
        found += int(np.count_nonzero(np.isin(piece, [ord(","), ord("["), ord("{")]) & (inside == 0)))
        quotes = int(inside[-1])
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def send(channel: socket.socket, header: dict, body: bytes = b"", pass_fd: int | None = None) -> None:
    """Send one frame over a blocking socket, with a file descriptor beside it if one is given."""
    frame = memoryview(encode(header, body))
    if pass_fd is not None:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pass_fd]))
        frame = frame[channel.sendmsg([frame], [rights]) :]
    channel.sendall(frame)


def receive(channel: socket.socket) -> tuple[dict, bytes] | None:
    """Wait for one frame from a trusted side over a blocking socket; None when it has hung up."""
    prefix = _exactly(channel, PREFIX.size)
    if prefix is None:
        return None
    head, body = PREFIX.unpack(prefix)
    header = _exactly(channel, head)
    content = _exactly(channel, body)
    return None if header is None or content is None else (_parse(header), content)


def receive_with_fd(channel: socket.socket) -> tuple[dict, int | None] | None:
    """Like `receive`, for a frame without a body that may bring a file descriptor along."""
    prefix, fds, _, _ = socket.recv_fds(channel, PREFIX.size, 1)
    if len(prefix) < PREFIX.size:
        return None
    head, _ = PREFIX.unpack(prefix)
    header = _exactly(channel, head)
    return None if header is None else (_parse(header), fds[0] if fds else None)


def _exactly(channel: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = channel.recv(min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
