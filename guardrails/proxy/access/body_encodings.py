"""Reads bodies of requests that are compressed (`Content-Encoding`): what comes out is bounded before it is there, so that a few
bytes cannot fill the memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from guardrails.engine.content.budget import CODE as TOO_LARGE
from guardrails.errors import RequestError

PIECE: Final = 256 << 10
"""Bytes that are decoded at once."""


class Decoder(Protocol):
    """One body in one encoding."""

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        """Yield what a body is, in pieces of about `PIECE` bytes; raises any exception where it is none."""
        ...


class _Zlib:
    def __init__(self, bits: int) -> None:
        self._bits = bits

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        bits = self._bits
        has_head = raw[:1] and raw[0] & 0x0F == 8 and int.from_bytes(raw[:2], "big") % 31 == 0
        if bits == zlib.MAX_WBITS and not has_head:
            bits = -zlib.MAX_WBITS  # as some clients mean 'deflate': without zlib's head
        made = zlib.decompressobj(bits)
        while not made.eof:
            piece = made.decompress(raw, PIECE)
            raw = made.unconsumed_tail
            if not piece and not raw and not made.eof:
                raise ValueError("its end is missing")
            yield piece
        if made.unused_data:
            raise ValueError("something follows its end")


class _Brotli:
    def pieces(self, raw: bytes) -> Iterator[bytes]:
        import brotli

        made = brotli.Decompressor()
        while not made.is_finished():
            piece = made.process(raw, output_buffer_limit=PIECE)
            raw = b""
            if not piece and made.can_accept_more_data() and not made.is_finished():
                raise ValueError("its end is missing")
            yield piece


class _Zstandard:
    def pieces(self, raw: bytes) -> Iterator[bytes]:
        made: Any = _zstandard().ZstdDecompressor()
        while not made.eof:
            piece = made.decompress(raw, max_length=PIECE)
            raw = b""
            if not piece and made.needs_input and not made.eof:
                raise ValueError("its end is missing")
            yield piece
        if made.unused_data:
            raise ValueError("something follows its end")


def _zstandard() -> Any:
    """Return Python's own module, or that of the package which older ones need."""
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return zstd


DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    "gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: _Zlib(zlib.MAX_WBITS | 16),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstandard,
}
"""Name of an encoding → what reads it."""

UNSUPPORTED: Final = "unsupported_encoding"
ACCEPTED: Final = "gzip, deflate, br, zstd"


def encoding_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the encoding of a request's body, "" where it has none.

    Raises:
        RequestError: it is one that is not read here, or there are several.
    """
    written = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
    if written in ("", "identity"):
        return ""
    if written not in DECODERS:
        raise RequestError(UNSUPPORTED, f"bodies are read in one of these encodings: {ACCEPTED}")
    return written


def decode_body(raw: bytes, encoding: str, limit: int) -> bytes:
    """Return what a body is that is encoded.

    Args:
        raw: the body as it came.
        encoding: one of `DECODERS`.
        limit: the bytes that it may have.

    Raises:
        RequestError: it is larger, or cannot be decoded, or is not over where its encoding is.
    """
    found = bytearray()
    try:
        for piece in DECODERS[encoding]().pieces(raw):
            found += piece
            if len(found) > limit:
                break
    except Exception as error:  # each library has exceptions of its own
        raise RequestError("invalid_encoding", f"the body cannot be read as {encoding}") from error
    if len(found) > limit:
        raise RequestError(TOO_LARGE, f"the body is larger than {limit} bytes")
    return bytes(found)
