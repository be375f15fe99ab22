"""Lines, however their bytes are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.mcp.transport.lines import LineSplitter
from tests.cases import each_case


def read(*pieces: bytes, limit: int = 8) -> list[bytes | None]:
    """Return the lines of a stream that arrives in these pieces."""
    lines = LineSplitter(limit)
    return [line for piece in pieces for line in lines.feed(piece)] + [*lines.flush()]


@each_case(
    ("stream", "expected"),
    [
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\r\n\n  \nb", [b"a\r", b"b"]),
        (b"12345678\n123456789\nc\n", [b"12345678", None, b"c"]),
        (b"123456789", [None]),
        (b"", []),
    ],
)
def test_lines_are_read(stream: bytes, expected: list[bytes | None]) -> None:
    """Empty ones are skipped, one that is too long is told, a last one needs no end; every cut gives the same."""
    assert read(stream) == expected
    for at in range(len(stream) + 1):
        assert read(stream[:at], stream[at:]) == expected
    assert read(*(bytes([byte]) for byte in stream)) == expected


@given(st.lists(st.binary(min_size=1).map(lambda data: data.replace(b"\n", b"x"))), st.integers(1, 7))
def test_what_is_written_is_read(lines: list[bytes], size: int) -> None:
    """Any bytes without an end of line, in pieces of any size."""
    stream = b"".join(line + b"\n" for line in lines)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]

    assert read(*pieces, limit=1_000) == [line for line in lines if line.strip()]
