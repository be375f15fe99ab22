"""Whether upstreams answer, and what clocks say."""

from __future__ import annotations

import asyncio
import time

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.diagnosis.findings import Finding
from guardrails.proxy.diagnosis.reachability import compare_clocks, inspect_upstreams
from tests.cases import each_case
from tests.proxy.tls_kit import Authority, store


def inspect(url: str, **fields) -> list[Finding]:
    """Return what is found of one upstream."""
    settings = Settings(upstreams={"a": {"url": url, "models": ["m", "n*"], **fields}})
    return asyncio.run(inspect_upstreams(settings, time.time))


@each_case(
    ("reply", "key", "grades", "told"),
    [
        ({"body": {"data": [{"id": "m"}]}}, True, ["ok"], "answers in"),
        ({"body": {"data": [{"id": "other"}]}}, True, ["ok", "warning"], "does not list m"),
        ({"body": {}, "status": 401}, True, ["problem"], "refuses the key with 401"),
        ({"body": {}, "status": 401}, False, ["ok"], "wants the client's own key"),
        ({"body": {}, "status": 500}, False, ["problem"], "answers 500"),
        ({"body": {}, "status": 404}, False, ["warning"], "answers 404"),
        ({"body": b"<html>"}, False, ["ok", "warning"], "cannot be read"),
    ],
)
def test_an_upstream_is_asked_as_the_server_would(fake, monkeypatch, reply, key, grades, told) -> None:
    """With its key; each answer has its meaning."""
    monkeypatch.setenv("A_KEY", "sk-zqx")
    fake.answers(**reply)

    found = [
        each
        for each in inspect(fake.url, **({"key_env": "A_KEY"} if key else {}))
        if each.area == "upstreams"
    ]

    assert [each.grade for each in found] == grades
    assert told in "".join(each.found for each in found)
    assert all(each.cure for each in found if each.grade != "ok")
    assert fake.asked[0].headers.get("authorization") == ("Bearer sk-zqx" if key else None)


def test_what_cannot_be_reached_is_told_with_its_cause(tmp_path) -> None:
    """Names that nobody knows, ports where nobody listens, certificates."""
    (gone,) = inspect("http://127.0.0.1:1/v1")
    assert (gone.grade, gone.cure) == ("problem", "is it running, and may this machine reach it?")
    with store(Authority().gives(tmp_path, "localhost"), b"{}") as server:
        (untrusted,) = inspect(f"https://localhost:{server.port}")
    assert "its authority is not trusted" in untrusted.found
    assert "ca_file" in untrusted.cure


@each_case(("skew", "grade"), [(0, "ok"), (20, "warning"), (-600, "problem")])
def test_clocks_are_compared(skew, grade) -> None:
    """By what an answer says of its time."""
    (found,) = compare_clocks("upstream a", "Wed, 02 Dec 2026 03:00:00 GMT", 1_796_180_400.0 + skew)
    assert found.grade == grade
    assert ("NTP" in found.cure) is (grade != "ok")
    assert [*compare_clocks("a", "no time", 0.0)] == []
