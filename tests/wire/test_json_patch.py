"""Bytes of a body without a field, or with another value in it: all else is as it was written."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.wire import strict_json
from guardrails.wire.json_patch import saying, without
from tests.cases import each_case

NAMES = st.text(max_size=8).filter(lambda name: name.casefold() != "gone")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SPACES = st.text(" \t\r\n", max_size=3)
MEMBERS = st.lists(st.tuples(NAMES, VALUES), max_size=5, unique_by=lambda member: member[0].casefold())
GONE = {"model": "m", "policy": {"input": {"mode": "block"}, "a": ['}, "gone": ', 1.10]}}


def written(members, comma, colon, ends, ascii_only):
    """Return an object with these members, with space between them."""
    inside = comma.join(
        json.dumps(name, ensure_ascii=ascii_only) + colon + json.dumps(value, ensure_ascii=ascii_only)
        for name, value in members
    )
    return f"{ends}{{{ends}{inside}{ends}}}{ends}".encode()


@given(
    MEMBERS, st.integers(0, 5), VALUES | st.just(GONE), SPACES, SPACES, SPACES, SPACES, SPACES, st.booleans()
)
@example([], 0, GONE, "", "", "", "", "", False)
@example([('\\"gone', '"gone":1,')], 1, GONE, " ", "", "\n", "", " ", True)
def test_without_a_field_a_body_is_as_it_had_been_written_without_it(
    members, at, value, before, behind, around, colon, ends, ascii_only
) -> None:
    """Byte for byte, wherever the field stood, whatever stands in it and around it."""
    comma = f"{before},{behind}"
    style = (comma, f"{around}:{colon}", ends, ascii_only)
    given_ = [*members[:at], ("gone", value), *members[at:]]

    cut = without(written(given_, *style), "gone")

    assert cut == written(members, *style)
    assert without(cut, "gone") == cut


@given(MEMBERS, VALUES, SPACES, st.booleans())
def test_a_field_says_what_it_is_told_to(members, value, ends, ascii_only) -> None:
    """Read again all else says what it said; told twice it is as told once."""
    raw = written(members, ", ", ": ", ends, ascii_only)
    new = saying(raw, "gone", value)

    assert json.loads(new) == {**dict(members), "gone": value}
    assert saying(new, "gone", value) == new
    assert json.loads(without(new, "gone")) == dict(members)


@each_case(
    ("raw", "name", "left"),
    [
        (b'{"a":1.10,"m":{},"b":2e400}', "m", b'{"a":1.10,"b":2e400}'),
        (b'{"m":null , "b":2}', "m", b'{"b":2}'),
        (b'{ "b":2, "m" : [1,{"m":2}] }', "m", b'{ "b":2 }'),
        (b'{"\\u006d":1,"b":2}', "m", b'{"b":2}'),
        (b'{"n":{"m":1}}', "m", b'{"n":{"m":1}}'),
        (b"{}", "m", b"{}"),
        (b'{"n":' + b"9" * 4_000 + b',"m":1}', "m", b'{"n":' + b"9" * 4_000 + b"}"),
    ],
)
def test_only_that_field_goes(raw, name, left) -> None:
    """By its name however it is written, of the object itself, with numbers of any length beside it."""
    assert without(raw, name) == left


@each_case(
    ("raw", "new"),
    [
        (b'{"a":1.10,"m" : "x","b":2}', b'{"a":1.10,"m" : "y","b":2}'),
        (b'{ "b":2}', b'{"m":"y", "b":2}'),
        (b"{ }", b'{"m":"y" }'),
    ],
)
def test_a_value_is_put_where_the_old_one_stood(raw, new) -> None:
    """Or in front."""
    assert saying(raw, "m", strict_json.parse(b'{"m":"y"}')["m"]) == new
