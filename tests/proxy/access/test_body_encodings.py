"""Bodies that are compressed."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest

from guardrails.errors import RequestError
from guardrails.proxy.access.body_encodings import PIECE, _zstandard, decode_body, encoding_of
from tests.cases import each_case


def raw_deflate(data: bytes) -> bytes:
    """Return data as some clients mean 'deflate'."""
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate), ("br", brotli.compress),
    ("zstd", lambda data: bytes(_zstandard().compress(data))),
]  # fmt: skip


@each_case(("encoding", "encode"), ENCODERS)
def test_a_body_is_what_was_encoded(encoding, encode) -> None:
    """Small, empty, and larger than a piece."""
    for data in (b"{}", b"", bytes(range(256)) * (PIECE // 100)):
        assert decode_body(encode(data), encoding, len(data)) == data


@each_case(("encoding", "encode"), ENCODERS)
def test_a_bomb_is_refused_before_it_fills_the_memory(encoding, encode) -> None:
    """No more is made of it than the limit, and a piece."""
    bomb, limit = encode(b"\0" * (16 << 20)), 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(RequestError, match="larger than 1048576 bytes") as raised:
            decode_body(bomb, encoding, limit)
        assert raised.value.code == "request_too_large"
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@each_case(("encoding", "encode"), ENCODERS)
def test_what_cannot_be_decoded_is_refused(encoding, encode) -> None:
    """Garbage, what is cut off, and what goes on after its end: two parsers must not read two bodies."""
    whole = encode(b'{"model": "m"}' * 9)
    for raw in (b"garbage", whole[:-3], whole[: len(whole) // 2], b""):
        with pytest.raises(RequestError, match="cannot be read as") as raised:
            decode_body(raw, encoding, 1_000)
        assert raised.value.code == "invalid_encoding"
    if encode is not raw_deflate:
        with pytest.raises(RequestError):
            decode_body(whole + encode(b"more"), encoding, 1_000)


@each_case(
    ("written", "encoding"),
    [(None, ""), (b"", ""), (b"identity", ""), (b" GZIP ", "gzip"), (b"zstd", "zstd")],
)
def test_the_header_names_one_encoding(written, encoding) -> None:
    """Or none."""
    assert encoding_of({} if written is None else {b"content-encoding": written}) == encoding


@each_case("written", [b"compress", b"gzip, gzip", b"gzip,br", b"aes128gcm"])
def test_other_encodings_are_refused_with_those_that_are_read(serve, kit, written) -> None:
    """As HTTP has it: 415, and what is accepted."""
    answer = kit.send(serve(), "/v1/chat/completions", b"{}", {"content-encoding": written.decode()})
    assert (answer.status, answer.error["code"]) == (415, "unsupported_encoding")
    assert answer.headers["accept-encoding"] == "gzip, deflate, br, zstd"


def test_a_request_is_judged_and_sent_on_without_its_encoding(serve, fake, kit) -> None:
    """In all of them; the upstream gets what was judged, and one that grows too large is a 413."""
    url = serve(max_body_bytes=10_000)

    def chat(content: str, encoding: str, encode: Callable[[bytes], bytes]) -> int:
        raw = encode(json.dumps(kit.asking(content)).encode())
        return kit.send(url, "/v1/chat/completions", raw, {"content-encoding": encoding}).status

    for encoding, encode in ENCODERS:
        fake.reset()
        assert chat("hi", encoding, encode) == 200
        assert json.loads(fake.asked[0].raw) == kit.asking("hi")
        assert "content-encoding" not in fake.asked[0].headers
        assert chat("a zqxbomb", encoding, encode) == 400
        assert chat("x" * 20_000, encoding, encode) == 413
        assert len(fake.asked) == 1
