"""Forms: what another reader of `multipart/form-data` makes of them."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import MultipartReader, StreamReader
from hypothesis import given
from hypothesis import strategies as st

from guardrails.remote.form import FormField, encode_form


def read(kind: str, body: bytes) -> list[tuple[Any, Any, Any, bytes]]:
    """Return name, file, type and value of each field, as aiohttp reads them."""

    class Still:
        def resume_reading(self, **_: object) -> None: ...

        def pause_reading(self) -> None: ...

    async def found() -> list[tuple[Any, Any, Any, bytes]]:
        source: Any = StreamReader(Still(), limit=1 << 20, loop=asyncio.get_running_loop())  # type: ignore[arg-type]
        source.feed_data(body)
        source.feed_eof()
        parts = MultipartReader({"Content-Type": kind}, source)
        return [
            (part.name, part.filename, part.headers.get("content-type"), bytes(await part.read()))
            async for part in parts
        ]

    return asyncio.run(found())


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_another_reader_reads_what_was_written(values: list[bytes]) -> None:
    """Whatever bytes the values are, line breaks and dashes included."""
    kind, body = encode_form([FormField(f"f{at}[]", value) for at, value in enumerate(values)])
    wanted = [(f"f{at}[]", None, None, value) for at, value in enumerate(values)]
    assert (read(kind, body) if values else []) == wanted


def test_a_file_has_a_name_and_a_type() -> None:
    """Servers choose the reader of a sound by them."""
    kind, body = encode_form(
        [FormField("model", b"zqx"), FormField("file", b"\r\n--RIFF", "speech.wav", "audio/wav")]
    )
    assert read(kind, body) == [
        ("model", None, None, b"zqx"),
        ("file", "speech.wav", "audio/wav", b"\r\n--RIFF"),
    ]


def test_each_form_has_its_own_boundary() -> None:
    """Nobody who gives a value can know it."""
    assert encode_form([])[0] != encode_form([])[0]
