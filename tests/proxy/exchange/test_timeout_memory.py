"""Contents over which a check ran out of time: known the second time, by tenant, and not for ever."""

from __future__ import annotations

from guardrails.proxy.exchange.timeout_memory import TimeoutMemory


def test_a_content_is_known_the_second_time() -> None:
    """Of the same tenant, at the same path."""
    memory = TimeoutMemory()
    assert not memory.remember("a", "/v1/chat/completions", b"long")
    assert memory.remember("a", "/v1/chat/completions", b"long")
    others = [
        ("b", "/v1/chat/completions", b"long"),
        ("a", "/v1/messages", b"long"),
        ("a", "/v1/messages", b"x"),
    ]
    assert not any(memory.remember(*each) for each in [*others, (None, "/v1/messages", b"long")])


def test_the_oldest_are_forgotten() -> None:
    """What is met again counts as new."""
    memory = TimeoutMemory(most=2)
    for raw in (b"1", b"2", b"1", b"3"):
        memory.remember(None, "/", raw)
    assert memory.remember(None, "/", b"1")
    assert not memory.remember(None, "/", b"2")


def test_nothing_of_a_content_is_kept() -> None:
    """But a digest under a key of the process."""
    memory = TimeoutMemory()
    memory.remember(None, "/", b"secret")
    assert "secret" not in repr(vars(memory))
