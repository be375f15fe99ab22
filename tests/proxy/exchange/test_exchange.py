"""The one path of every API: what holds for all of them alike."""

from __future__ import annotations

import pytest

from tests.cases import each_case
from tests.proxy.metrics_kit import counted

ROUTES = ["/v1/chat/completions", "/v1/messages", "/v1/responses"]


@pytest.fixture
def answers(kit):
    """What makes an answer of each route."""
    return dict(zip(ROUTES, (kit.completion, kit.message, kit.response), strict=True))


def asking(kit, path, *texts, **fields):
    """Return a request of a route."""
    body = kit.asking(*texts, **fields)
    if path == "/v1/responses":
        body["input"] = body.pop("messages")
    return body


@each_case("path", ROUTES)
def test_a_request_is_judged_before_it_is_forwarded(proxy, fake, kit, path) -> None:
    """A blocked one never is; a refused one neither."""
    for body in (asking(kit, path, "zqxbomb"), {"messages": 7, "input": 7}, b"{"):
        assert kit.send(proxy, path, body).status == 400
    assert fake.asked == []


@pytest.mark.parametrize("path", ROUTES)
def test_unknown_fields_can_be_refused(serve, fake, kit, answers, path) -> None:
    """`unknown_fields: refuse` names the first; what the table knows still passes."""
    url = serve(unknown_fields="refuse")
    fake.answers(answers[path]("x"))

    refused = kit.send(url, path, asking(kit, path, "x", new_thing=1))

    assert (refused.error["code"], refused.error["param"]) == ("unknown_field", "/new_thing")
    assert kit.send(url, path, asking(kit, path, "x", temperature=0.5, metadata={})).status == 200


@each_case("path", ROUTES)
def test_a_body_over_the_limit_is_refused(serve, fake, kit, path) -> None:
    """The limit holds for the bytes that arrive, and the client reads why."""
    answer = kit.send(serve(max_body_bytes=1000), path, asking(kit, path, "x" * 2000))

    assert (answer.status, answer.error["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("path", ROUTES)
def test_both_checks_are_on_record(proxy, fake, kit, answers, path) -> None:
    """The headers name what both found, the counters the route."""
    fake.answers(answers[path]("zqxflag"))

    answer = kit.send(proxy, path, asking(kit, path, "a zqxmask"))

    assert answer.action == ("redact", "mask.redact,flag.flag")
    labels = {"route": path, "status": "200", "action": "redact"}
    assert counted(kit.send(proxy, "/metrics").raw, "guardrails_requests_total", **labels)


@pytest.mark.parametrize("path", ROUTES)
def test_a_large_body_is_judged_whole(proxy, fake, kit, answers, path) -> None:
    """What is parsed off the event loop is judged and forwarded like the rest."""
    turns = [f"turn {index} " + "and so on " * 2000 for index in range(20)]
    fake.answers(answers[path]("x" * 300_000 + " zqxmask"))

    answer = kit.send(proxy, path, asking(kit, path, *turns))

    assert answer.action[0] in {"redact", "block"}
    assert b"zqxmask" not in answer.raw
    assert kit.send(proxy, path, asking(kit, path, *turns, "zqxbomb")).status == 400
