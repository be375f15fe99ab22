"""Replies of a script."""

from __future__ import annotations

from guardrails.testing import Reply
from tests.cases import each_case


@each_case(
    ("reply", "text", "pieces"),
    [
        (Reply("hello"), "hello", ["hello"]),
        (Reply(["he", "llo"]), "hello", ["he", "llo"]),
        (Reply(["he", "llo"]), "other", ["other"]),
        (Reply("hello", cut=2), "hello", ["he", "ll", "o"]),
        (Reply(["he", "llo"], cut=4), "hello", ["hell", "o"]),
        (Reply("", cut=2), "", []),
    ],
)
def test_a_text_comes_in_the_pieces_that_are_said(reply: Reply, text: str, pieces: list[str]) -> None:
    """As it is given, or each of so many characters; together they are the text."""
    assert reply.pieces(text) == pieces
    assert "".join(pieces) == text
