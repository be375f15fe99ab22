"""Shapes: everyday text has none, and whatever a spelling trick, a payload or a link is made of is one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from guardrails.detectors.encodings.decoders import READABLE, Decoder
from guardrails.detectors.urls.host_values import find_host_values
from guardrails.detectors.urls.url_parts import find_links
from guardrails.detectors.urls.url_views import find_hidden_views
from guardrails.detectors.urls.urls_detector import SHAPED as LINK_SHAPES
from guardrails.text.obfuscation_hints import SHAPED as TRICK_SHAPES
from guardrails.text.obfuscation_hints import find_exact_hints
from guardrails.text.shapes import LONG, SETS, SHAPES, compile_set, find_shapes
from tests.cases import each_case, scale

PLAIN = [
    "",
    "Can you help me plan a weekend trip to Lisbon with two kids? We like food, trams and beaches.",
    "Of course! Start with tram 28 and the castle; it takes 40 minutes. Then: a walk, at 10:30.",
    'It costs $5, or 50% more (in 2024), and Anna\'s son said "yes" - at least twice.\n\nWell, good.',
]
PIECES = (
    *("a", "b", "f", "Z", "M", "0", "1", "4", "x", "ab", "dead", "wow", "the", "hotel", "mike", "aaa", "ab cd "),
    *(" ", "  ", "\n", "\r\n", "\t", "\x00", ".", "-", "_", "/", "|", "\\", "'", '"', "`", "+", "=", "%", "&", "#", ";", ":"),
    *(",", "*", "~", "<", ">", "@", "$", "!", "(", ")", "[", "]", "dot", "com", "http", "data", "localhost", "javascript", "::"),
    *("**", "[/b]", "](x)", "<br>", ")(", "\\033[", "\\e[", "\x1b["),
    *("fe80", "host: ", "ip: ", "0x7f", "127.0.0.1", "1.1.1.1", "chr(", "41", "=20", "%41", "M" * 12, "q" * 13, "src"),
)  # fmt: skip
pieces = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def test_each_shape_is_looked_for_once() -> None:
    """In one of the sets."""
    assert sorted(name for names in SETS for name in names) == sorted(SHAPES)


@each_case("text", PLAIN)
def test_everyday_text_has_no_shape(text: str) -> None:
    """Prose with numbers, quotes, times and marks of punctuation."""
    assert find_shapes(text) == frozenset()


def test_a_long_text_is_taken_to_have_all() -> None:
    """What looks for something there is asked at once."""
    assert find_shapes("a" * LONG) < find_shapes("a" * (LONG + 1)) == frozenset(SHAPES)


def matching(pattern: str, around: Sequence[str] = ("{}", "so {} then")) -> st.SearchStrategy[str]:
    """Return texts that hold what a pattern describes."""
    return st.builds(str.format, st.sampled_from(around), st.from_regex(re.compile(pattern, re.ASCII)))


@pytest.mark.parametrize("row", [row for row in READABLE if row.shapes], ids=lambda row: row.name)
@given(data=st.data())
@settings(max_examples=scale(25), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_where_a_gate_matches_a_text_has_a_shape(row: Decoder, data: st.DataObject) -> None:
    """One of those that the row of the table names."""
    text = data.draw(matching(row.gate))
    if compile_set([row.gate]).Match(text):
        assert not find_shapes(text).isdisjoint(row.shapes)


@given(pieces)
@example("(a)(b)(c)(d)")
@example("[i]a[/i][i]b[/i][i]c[/i][i]d[/i]")
@example("\\033[31m")
@example("a\nb\nc\nd")
@example("the `code` is")
def test_where_a_trick_can_be_a_text_has_a_shape(text: str) -> None:
    """The gate of tricks says the same of every text, whether it is asked or not."""
    assert find_exact_hints(text).tricks <= (not find_shapes(text).isdisjoint(TRICK_SHAPES))


@given(pieces)
@example("gateway: ::")
@example("host: 2130706433")
@example("javascrip\nt:\talert(1)")
@example("http:\n/\n/evil")
def test_where_a_link_can_be_a_text_has_a_shape(text: str) -> None:
    """Links, hosts that stand for themselves, and other readings that have them."""
    found = any(
        True
        for view in (text, *(view.text for view in find_hidden_views(text)))
        for _ in (*find_links(view), *find_host_values(view))
    )
    assert found <= (not find_shapes(text).isdisjoint(LINK_SHAPES))
