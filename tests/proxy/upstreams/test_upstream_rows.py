"""What requests are routed by, of what settings declare."""

from __future__ import annotations

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.upstreams.upstream_rows import named_rows, unnamed_rows


def test_each_upstream_has_its_own_times_or_the_servers(monkeypatch) -> None:
    """And its own key; a variable that is not set is an empty key, so that nothing of the client's goes there."""
    monkeypatch.delenv("NO_KEY", raising=False)
    monkeypatch.setenv("A_KEY", "sk-a")
    settings = Settings(
        "http://c",
        upstream_key="sk-c",
        idle_s=7.0,
        upstreams={
            "a": {
                "url": "http://a",
                "models": ["m"],
                "key_env": "A_KEY",
                "idle_s": 3.0,
                "weight": 2,
                "priority": 1,
            },
            "b": {"url": "http://b/v2/", "models": ["*"], "key_env": "NO_KEY", "first_byte_s": 1.5},
        },
    )

    a, b = named_rows(settings)
    (c,) = unnamed_rows(settings)

    assert [(row.name, row.url, row.key, row.idle_s) for row in (a, b, c)] == [
        ("a", "http://a/v1", "sk-a", 3.0),
        ("b", "http://b/v2", "", 7.0),
        ("default", "http://c/v1", "sk-c", 7.0),
    ]
    assert (a.weight, a.priority, a.key_source, b.first_byte_s, c.weight) == (2, 1, "A_KEY", 1.5, 1)
    assert unnamed_rows(Settings(upstreams={"a": {"url": "http://a", "models": ["m"]}})) == ()
