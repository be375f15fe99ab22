"""What a caller says is known stands in the place of a store's answer."""

from __future__ import annotations

from guardrails import Guard
from guardrails.engine.abuse.reading import KnownAbuse, read_known


def test_what_is_said_is_answered() -> None:
    """Of those that are named, what is not said is 0 or false; others are not there."""
    known = KnownAbuse({"user": {"strikes": 3}, "key": {"banned": True}})
    assert known.value("abuse.user.strikes") == 3.0
    assert known.value("abuse.user.banned") is False
    assert known.value("abuse.key.banned") is True
    assert known.value("abuse.key.tokens_last_day") == 0.0
    assert known.value("abuse.address.risk") is None
    assert read_known(None) is None


def test_a_check_takes_it() -> None:
    """As tests of an application do."""
    guard = Guard.load(
        "format: 1\nname: t\nrules: [{id: r, on: input, when: abuse.user.strikes >= 3, then: block}]\n"
    )
    assert guard.check("hi", abuse={"user": {"strikes": 3}}).blocked
    assert not guard.check("hi", abuse={"user": {}}).blocked
    assert not guard.check("hi").blocked
