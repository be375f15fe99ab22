"""What a reply is judged beside."""

from __future__ import annotations

from guardrails.engine.content.reply_context import ReplyContext, forget_prompt


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
    assert forget_prompt(None) is None
    assert forget_prompt({"system": "s"}) == {"system": "s"}
    assert forget_prompt({"system": "s", "prompt": "p"}) == {"system": "s", "prompt": ""}
    context = forget_prompt(ReplyContext({"prompt": "p"}, "given", [], 3))
    assert context is not None
    assert dict(context) == {"prompt": "", "sources": "given"}
