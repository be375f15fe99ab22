"""Which web pages may ask: none by default, whatever name they reach the server by."""

from __future__ import annotations

import http.client
import json
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest

from guardrails.proxy.access.admission import AccessDenied
from guardrails.proxy.access.cross_site import CrossSite
from guardrails.proxy.hooks import HOOKS
from tests.cases import each_case
from tests.proxy.conftest import WAIT_S

PAGE = "https://app.example.com"
TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "")
CHAT = "/v1/chat/completions"


def asked(
    url: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes = b""
) -> tuple[int, bytes]:
    """Send a request with these headers, and `host` as it is there; return the status and the body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if "host" not in dict(headers):
            connection.putheader("host", parts.netloc)
        for name, value in headers:
            connection.putheader(name, value.replace("SERVER", parts.netloc))
        connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"host": "evil.example"}, "host_not_allowed"),
    ({"host": "evil.example:8080"}, "host_not_allowed"),
    ({"host": "localhost.evil.example"}, "host_not_allowed"),
    ({"host": "127.0.0.1.evil.example"}, "host_not_allowed"),
    ({"host": "10.0.0.1"}, "host_not_allowed"),
    ({"host": "0.0.0.0"}, "host_not_allowed"),
    ({"host": "user@localhost"}, "host_not_allowed"),
    ({"host": "localhost/evil"}, "host_not_allowed"),
    ({"host": "localhost:x"}, "host_not_allowed"),
    ({"host": "[evil"}, "host_not_allowed"),
    ({"host": ""}, "host_not_allowed"),
    ({"host": "evil.example", "origin": "http://evil.example"}, "host_not_allowed"),
    ({"origin": "http://evil.example"}, "origin_not_allowed"),
    ({"origin": "null"}, "origin_not_allowed"),
    ({"origin": ""}, "origin_not_allowed"),
    ({"origin": "file://"}, "origin_not_allowed"),
    ({"origin": "http://localhost:1"}, "origin_not_allowed"),
    ({"origin": "http://SERVER.evil.example"}, "origin_not_allowed"),
    ({"origin": "http://evil.example", "sec-fetch-site": "same-origin"}, "origin_not_allowed"),
    ({"sec-fetch-site": "cross-site"}, "origin_not_allowed"),
    ({"origin": "http://SERVER", "sec-fetch-site": "cross-site"}, "origin_not_allowed"),
    ({"origin": PAGE, "sec-fetch-site": "cross-site"}, "origin_not_allowed"),
]  # fmt: skip
ALLOWED: list[dict[str, str]] = [
    {},
    {"host": "localhost"},
    {"host": "LocalHost.:1"},
    {"host": "127.9.9.9:80"},
    {"host": "[::1]:80"},
    {"origin": "http://SERVER"},
    {"origin": "http://SERVER", "sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {"host": "localhost", "origin": "http://localhost:80"},
    {"host": "localhost", "origin": "https://localhost:443"},
]


@each_case(("headers", "code"), REFUSED)
def test_a_page_elsewhere_reaches_nothing(proxy, fake, kit, headers: dict[str, str], code: str) -> None:
    """Whatever it says that it sends, no byte of it is read, and the upstream, whose key the operator has, is not asked."""
    body = json.dumps(kit.asking("hi")).encode()
    for media in TYPES:
        given = [*headers.items(), *([("content-type", media)] if media else [])]
        status, said = asked(proxy, "POST", CHAT, given, body)
        error = json.loads(said)["error"]
        assert (status, error["code"], error["type"]) == (403, code, "permission_error")
        assert ("allowed_hosts" if code == "host_not_allowed" else "cors_origins") in error["message"]
    assert fake.asked == []


@each_case("headers", ALLOWED)
def test_who_is_at_home_may_ask(proxy, fake, kit, headers: dict[str, str]) -> None:
    """By every name of the loopback, and a page of the server's own origin."""
    body = json.dumps(kit.asking("hi")).encode()
    for media in TYPES[:2]:
        assert asked(proxy, "POST", CHAT, [*headers.items(), ("content-type", media)], body)[0] == 200
    assert len(fake.asked) == 2


def test_a_request_is_refused_before_its_body_comes(proxy, fake) -> None:
    """Nothing of it is read or judged."""
    parts = urlsplit(proxy)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=WAIT_S) as page:
        page.sendall(
            f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\norigin: http://evil.example\r\ncontent-length: 99\r\n\r\n".encode()
        )
        assert page.recv(1 << 16).startswith(b"HTTP/1.1 403 ")
    assert fake.asked == []


PATHS = [
    "/v1/messages",
    "/v1/responses",
    "/api/chat",
    "/v1beta/models/m:generateContent",
    "/v1/check",
    "/v1/videos",
]


@each_case("path", PATHS)
def test_each_api_says_so_in_its_own_shape(proxy, fake, kit, path: str) -> None:
    """With the code, and the setting that is the cure."""
    for headers, setting in (({"host": "guard:8080"}, "guard: its operator can add that to allowed_hosts"), ({"origin": "null"}, "cors_origins")):  # fmt: skip
        answer = kit.send(proxy, path, {"model": "m"}, headers)
        assert (answer.status, answer.error["code"]) == (
            403,
            "host_not_allowed" if "host" in headers else "origin_not_allowed",
        )
        assert setting in answer.error["message"]
    assert fake.asked == []


@each_case("hook", HOOKS.values(), ids=HOOKS)
def test_a_hook_does_not_let_pass_what_came_by_an_unknown_name(proxy, kit, hook: Any) -> None:
    """A gateway that asks by the name of a service is told which setting it is, in its own protocol."""
    path = re.sub(r"\{[^}]*\}", "x", hook.path)
    answer = kit.send(proxy, path, {}, {"host": "guard:8080"}, hook.method)

    assert b"allowed_hosts" in answer.raw
    assert answer.status == 403 or answer.json["verdict"] is False


@each_case("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_is_meant(proxy, fake, method: str) -> None:
    """But for links, which a reader follows himself: these have no origin, and the page does not see what they lead to."""
    for headers in ([("host", "evil.example")], [("origin", "http://evil.example")]):
        assert asked(proxy, method, "/v1/models", headers)[0] == 403
    link = asked(proxy, method, "/metrics", [("sec-fetch-site", "cross-site")])[0]
    assert (link == 403) is (method not in ("GET", "HEAD"))
    assert fake.asked == []


@each_case(("path", "status"), [("/healthz", 200), ("/readyz", 200), ("/health", 200), ("/metrics", 403)])
def test_probes_answer_by_any_name(proxy, path: str, status: int) -> None:
    """Orchestrators have names of their own for what they probe; the numbers are for who knows the server. A page elsewhere, or
    under a name that leads here, is told no more than that.
    """
    for headers in (
        {"host": "pod-7.cluster.local:8080"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
    ):
        told, body = asked(proxy, "GET", path, [*headers.items()])
        assert told == status
        assert status == 403 or body == b""
    assert asked(proxy, "GET", path, [])[1] != b""


def test_pages_that_are_named_go_on(serve, fake, kit) -> None:
    """As browsers send what they ask, from another site, with a preflight before it or without; no other page does."""
    url, body = serve(cors_origins=[PAGE]), json.dumps(kit.asking("hi")).encode()
    page = [("origin", PAGE), ("sec-fetch-site", "cross-site")]

    preflight = asked(url, "OPTIONS", CHAT, [*page, ("access-control-request-method", "POST")])
    assert preflight[0] == 200
    for media in TYPES[:2]:
        assert asked(url, "POST", CHAT, [*page, ("content-type", media)], body)[0] == 200
    for origin in ("http://evil.example", "null", f"{PAGE}.evil.example", "http://app.example.com"):
        assert asked(url, "POST", CHAT, [("origin", origin)], body)[0] == 403
    assert asked(url, "POST", CHAT, [("origin", PAGE), ("origin", "http://evil.example")], body)[0] == 403
    assert len(fake.asked) == 2


@each_case(
    ("host", "names", "ours", "others"),
    [
        ("127.0.0.1", [], ["localhost", "127.0.0.1", "[::1]:8080"], ["10.0.0.1", "guard", "*"]),
        ("127.0.0.1", ["guard:8080"], ["guard", "GUARD:9", "localhost"], ["guard.example.com", "xguard"]),
        ("127.0.0.1", ["*.example.com:1"], ["a.example.com", "a.b.example.com:9"], ["example.com", "xexample.com"]),
        ("127.0.0.1", ["192.168.0.1"], ["192.168.0.1:80"], ["192.168.0.2"]),
        ("127.0.0.1", ["[fd00::1]:80"], ["[fd00::1]"], ["[fd00::2]"]),
        ("127.0.0.1", ["*"], ["any.example", "10.0.0.1", "localhost"], []),
        ("0.0.0.0", [], ["10.0.0.1:80", "[fd00::1]", "localhost"], ["evil.example", "guard"]),
        ("::", ["guard"], ["10.0.0.1", "guard"], ["evil.example"]),
        ("10.0.0.7", [], ["10.0.0.7", "10.0.0.8", "localhost"], ["evil.example"]),
        ("box.lan", [], ["box.lan:8080", "10.0.0.7"], ["evil.lan"]),
    ],
)  # fmt: skip
def test_a_server_knows_its_names(host: str, names: list[str], ours: list[str], others: list[str]) -> None:
    """Those of the loopback, its own, those in the settings; and any address, if it listens on more than the loopback."""
    found = CrossSite(host, names, [])

    def refused(written: str) -> bool:
        try:
            found.check({"method": "POST", "headers": [(b"host", written.encode())]})
        except AccessDenied:
            return True
        return False

    assert [written for written in ours if refused(written)] == []
    assert [written for written in others if not refused(written)] == []


def test_several_hosts_are_all_ones_own() -> None:
    """None, which HTTP/1.0 allows, is no page's."""
    found = CrossSite("127.0.0.1", [], [])
    found.check({"method": "POST", "headers": []})
    with pytest.raises(AccessDenied):
        found.check({"method": "POST", "headers": [(b"host", b"localhost"), (b"host", b"evil.example")]})


@each_case(("streamed", "name"), [(False, "127.0.0.1"), (True, "localhost")])
def test_clients_go_through(proxy, fake, kit, streamed: bool, name: str) -> None:
    """OpenAI's and Anthropic's own, by address or name."""
    url, question = proxy.replace("127.0.0.1", name), [{"role": "user", "content": "hi"}]
    fake.streams(*kit.pieces("fine")) if streamed else fake.answers(kit.completion("fine"))
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(model="m", messages=question, stream=streamed)
        if streamed:
            assert "".join(each.choices[0].delta.content or "" for each in answer if each.choices) == "fine"
    message = kit.message("fine")
    fake.events(*kit.message_events(message)) if streamed else fake.answers(message)
    with anthropic.Anthropic(base_url=url, api_key="none", max_retries=0) as client:
        asking = {"model": "m", "max_tokens": 9, "messages": question}
        if streamed:
            with client.messages.stream(**asking) as stream:
                assert stream.get_final_text() == "fine"
        else:
            assert client.messages.create(**asking).content[0].text == "fine"
    assert len(fake.asked) == 2
