"""What can be the name of a model or the id of an answer."""

from __future__ import annotations

from guardrails.wire.program_names import is_program_name
from tests.cases import each_case


@each_case(
    ("text", "named"),
    [
        ("gpt-4o", True),
        ("a/b:c@1", True),
        ("", False),
        ("a b", False),
        ("ä", False),
        ("x" * 257, False),
        ("bad\nend", False),
        ("end\n", False),
        (3, False),
    ],
)
def test_names_have_no_words(text, named) -> None:
    """ASCII without spaces, up to 256 characters."""
    assert is_program_name(text) is named
