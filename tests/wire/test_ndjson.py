"""Lines of JSON: read however they are cut, and written from events."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from guardrails.wire import sse, strict_json
from guardrails.wire.ndjson import Lines, Recast
from tests.cases import each_case

SILENT = b'{"done":false}'


def read(*pieces: bytes) -> list[bytes]:
    """Return the data of all lines."""
    lines = Lines()
    return [event.data for piece in pieces for event in lines.feed(piece)] + [
        event.data for event in lines.flush()
    ]


@given(st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2), max_size=4), st.data())
def test_lines_are_read_however_they_are_cut(values, data) -> None:
    """Each once it is complete, the last also without its end."""
    written = [strict_json.dump(value) for value in values]
    end = data.draw(st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
    raw = end.join(written) + data.draw(st.sampled_from([b"", end]))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=6)) | {0, len(raw)})

    pieces = [raw[start:stop] for start, stop in zip(cuts, [*cuts[1:], len(raw)], strict=True)]

    assert read(*pieces) == written


def test_a_line_is_read_as_soon_as_it_is_there() -> None:
    """Nothing waits for the next."""
    lines = Lines()
    assert [event.data for event in lines.feed(b'{"a":1}\n{"b"')] == [b'{"a":1}']
    assert [event.data for event in lines.feed(b":2}\n")] == [b'{"b":2}']
    assert [*lines.flush()] == []


@each_case("raw", [b"", b"\n", b"\r\n \n"])
def test_what_is_empty_is_no_line(raw) -> None:
    """It is skipped."""
    assert read(raw) == []


def test_events_are_written_as_lines() -> None:
    """Several that come together as well; a type is not written."""
    recast = Recast(SILENT)
    assert (
        recast.feed(sse.event(b'{"a":"\\n\\n"}') + sse.event(b'{"b":2}', b"error"))
        == b'{"a":"\\n\\n"}\n{"b":2}\n'
    )
    assert recast.feed(b"") == recast.flush() == b""
    assert recast.headers["content-type"] == "application/x-ndjson"


def test_a_sign_of_life_is_a_line() -> None:
    """One that says nothing: clients read every line."""
    assert Recast(SILENT).feed(sse.KEEP_ALIVE) == SILENT + b"\n"


def test_what_a_comment_tells_stands_in_the_line_behind_it() -> None:
    """In fields of their own, in front; behind the last line in one that says nothing."""
    recast = Recast(SILENT)
    told = sse.comment("x-guardrails-action: flag; x-guardrails-rules: a,b")
    fields = {"x-guardrails-action": "flag", "x-guardrails-rules": "a,b"}

    first, second = recast.feed(told + sse.event(b'{"a":1}') + sse.event(b'{"b":2}')).splitlines()

    assert json.loads(first) == {**fields, "a": 1}
    assert second == b'{"b":2}'
    assert recast.feed(told) == b""
    assert json.loads(recast.flush()) == {**fields, "done": False}
    assert recast.flush() == b""
