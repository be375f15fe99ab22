"""What a reply is judged beside."""

from __future__ import annotations

from guardrails.engine.content.reply_context import ReplyContext, forget_borders, join_contexts


def test_sources_are_those_before_the_reply() -> None:
    """What the caller gave stands in front; the rest is what it was made of."""
    retrieved = [(0, "found"), (2, "read"), (4, "later")]
    context = ReplyContext({"system": "s"}, "given", retrieved, 3)
    assert context["sources"] == "given\n\nfound\n\nread"
    assert dict(context) == {"system": "s", "sources": "given\n\nfound\n\nread"}
    assert len(context) == 2
    assert ReplyContext({}, "", retrieved, 1)["sources"] == "found"


def test_the_same_sources_stand_beside_something_else() -> None:
    """Nothing else of it is kept."""
    context = ReplyContext({"system": "s"}, "given", [], 3).over({"prompt": "p"})
    assert dict(context) == {"prompt": "p", "sources": "given"}


def test_the_prompt_of_the_last_reply_is_not_that_of_all() -> None:
    """It is not known, whatever else the replies are judged beside; what is no reply has none."""
    assert join_contexts(None, [(0, 0), (0, 2), (2, 3), (4, 5)]) == {"borders": "3 5"}
    assert join_contexts({"system": "s"}, [(1, 0), (1, 9)]) == {"system": "s", "borders": ""}
    assert join_contexts({"prompt": "p"}, [(0, 0), (1, 1)]) == {"prompt": "", "borders": "1"}
    context = join_contexts(ReplyContext({"prompt": "p"}, "given", [], 3), [(0, 0), (2, 2)])
    assert dict(context) == {"prompt": "", "borders": "2", "sources": "given"}


def test_what_stands_encoded_in_a_joined_text_has_no_borders() -> None:
    """Its offsets are others; all else of the context stays."""
    assert forget_borders(None) is None
    assert forget_borders({"borders": "1"}) is None
    assert forget_borders({"borders": "1", "prompt": ""}) == {"prompt": ""}
    context = forget_borders(ReplyContext({"borders": "1"}, "given", [], 3))
    assert context is not None
    assert dict(context) == {"sources": "given"}
