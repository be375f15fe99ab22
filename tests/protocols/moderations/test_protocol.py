"""What a wrapped client asks OpenAI's moderation API about is judged like a prompt."""

from __future__ import annotations

from guardrails.protocols.moderations.protocol import MODERATIONS


def test_texts_are_read_and_the_model_is_not() -> None:
    """One text, and several."""
    for given, texts in (("a b", ["a b"]), (["a", "b"], ["a", "b"])):
        leaves = MODERATIONS.request_payload({"model": "omni", "input": given}).tree
        assert [getattr(leaf.content, "text", None) for leaf in leaves.leaves] == texts
    assert MODERATIONS.read_response is None
