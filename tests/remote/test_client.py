"""Requests to services: what is sent, when again, what is taken for an answer, and what is held back."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from guardrails.remote import client as module
from guardrails.remote.client import MOST_BYTES, get_client, parse_json
from guardrails.remote.endpoint import RemoteError, SecretSource
from guardrails.remote.form import FormField
from guardrails.remote.loop import submit
from tests.cases import each_case

PASSING = (408, 429, 500, 502, 503, 504)
FINAL = (201, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 413, 422, 501)


def test_a_request_carries_json_key_and_headers(far, reply, post, monkeypatch) -> None:
    """It goes to the path below the base; the JSON of the answer comes back."""
    monkeypatch.setenv("ZQX_KEY", "zqx-key")
    far.plays(reply({"a": [1, 2.5, None]}))
    endpoint = far.endpoint(url=f"{far.url}/", key=SecretSource(env="ZQX_KEY"), headers=(("X-Team", "red"),))

    assert post(endpoint, "/ask", {"text": "\u00e9\ud800"}, headers={"x-more": "1"}) == {"a": [1, 2.5, None]}

    asked = far.asked[0]
    assert (asked.path, asked.json) == ("/v1/ask", {"text": "\u00e9\ud800"})
    assert asked.headers.items() >= {
        "content-type": "application/json", "authorization": "Bearer zqx-key", "x-team": "red", "x-more": "1"
    }.items()  # fmt: skip


def test_a_path_is_sent_as_it_is_written(far, post) -> None:
    """Another spelling would be another signature."""
    path = "/guardrail/arn%3Aaws%2Fx/version/1/apply?api-version=2024-09-01"
    post(far.endpoint(), path)
    assert far.asked[0].path == f"/v1{path}"


def test_a_key_is_read_for_each_request(far, post, monkeypatch, tmp_path: Path) -> None:
    """Neither environment nor file need a restart."""
    file = tmp_path / "key"
    by_env, by_file = far.endpoint(key=SecretSource(env="ZQX_KEY")), far.endpoint(key=SecretSource(file=file))
    for value in ("one", "two"):
        monkeypatch.setenv("ZQX_KEY", value)
        file.write_text(value)
        post(by_env)
        post(by_file)
    sent = [each.headers["authorization"] for each in far.asked]
    assert sent == ["Bearer one", "Bearer one", "Bearer two", "Bearer two"]


def test_without_its_key_nothing_is_sent(far, post, monkeypatch) -> None:
    """The service would answer 401; the error says which key is missing where."""
    monkeypatch.delenv("ZQX_KEY", raising=False)
    with pytest.raises(RemoteError) as error:
        post(far.endpoint(key=SecretSource(env="ZQX_KEY")))
    assert str(error.value) == "endpoint 'far': the environment's ZQX_KEY is empty"
    assert far.asked == []


@pytest.mark.parametrize("status", [401, 500])
def test_no_error_says_a_key_or_what_was_sent(far, reply, post, monkeypatch, status: int) -> None:
    """Nor what the service answers, which may repeat both."""
    monkeypatch.setenv("ZQX_KEY", "zqx-key")
    far.plays(reply({"error": "wrong key zqx-key for zqx-text"}, status))
    with pytest.raises(RemoteError) as error:
        post(far.endpoint(key=SecretSource(env="ZQX_KEY"), retries=0), "/ask", {"text": "zqx-text"})
    assert str(error.value) == f"endpoint 'far': answered {status}"


@pytest.mark.parametrize("status", PASSING)
def test_what_may_pass_is_tried_again(far, reply, post, status: int) -> None:
    """The same request, to the same place."""
    far.plays(reply({}, status), reply({"well": True}))
    assert post(far.endpoint(retries=1), "/ask", {"n": 1}) == {"well": True}
    assert [each.raw for each in far.asked] == [b'{"n": 1}'] * 2


@pytest.mark.parametrize("status", FINAL)
def test_what_will_not_pass_is_not(far, reply, post, status: int) -> None:
    """One request, and an error that names the status; a redirect is not followed."""
    far.plays(reply({}, status, {"location": f"{far.url}/elsewhere"}))
    with pytest.raises(RemoteError) as error:
        post(far.endpoint(retries=3))
    assert str(error.value) == f"endpoint 'far': answered {status}"
    assert len(far.asked) == 1


@pytest.mark.parametrize(("retries", "said"), [(0, "answered 503"), (2, "answered 503 (tried 3 times)")])
def test_tries_have_an_end(far, reply, post, retries: int, said: str) -> None:
    """So many more as the endpoint says."""
    far.plays(reply({}, 503, {"retry-after": "0"}))
    with pytest.raises(RemoteError) as error:
        post(far.endpoint(retries=retries))
    assert str(error.value) == f"endpoint 'far': {said}"
    assert len(far.asked) == retries + 1


def test_a_service_may_say_when(far, reply, post) -> None:
    """The next try is not before what `Retry-After` asks for."""
    far.plays(reply({}, 429, {"retry-after": "0.3"}), reply({}))
    post(far.endpoint())
    assert far.asked[1].at - far.asked[0].at >= 0.3


def test_what_is_asked_for_too_long_is_not_waited_for(far, reply, post) -> None:
    """The caller has gone by then."""
    far.plays(reply({}, 429, {"retry-after": "3600"}))
    with pytest.raises(RemoteError) as error:
        post(far.endpoint(retries=5))
    assert str(error.value) == "endpoint 'far': answered 429, and asks to wait for 3600 s"
    assert len(far.asked) == 1


@pytest.mark.parametrize("written", ["Wed, 21 Oct 2026 07:28:00 GMT", "-5", "nan", "soon", ""])
def test_what_is_no_number_of_seconds_is_not_followed(far, reply, post, written: str) -> None:
    """The client's own pause holds."""
    far.plays(reply({}, 503, {"retry-after": written}), reply({"well": True}))
    assert post(far.endpoint()) == {"well": True}


@pytest.mark.parametrize(
    "raw", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", b"\x00\x01\x02zqx\r\n\r\n"]
)
def test_a_connection_that_breaks_is_tried_again(far, reply, post, raw: bytes) -> None:
    """Closed without a word, in the middle of an answer, or for something that is no HTTP."""
    far.plays(reply(raw=raw), reply({"well": True}))
    assert post(far.endpoint()) == {"well": True}
    far.plays(reply(raw=raw))
    with pytest.raises(RemoteError, match=r"^endpoint 'far': cannot be reached \(\w+\)$"):
        post(far.endpoint(retries=0))


def test_a_service_that_is_not_there_is_an_error(far, post) -> None:
    """Nobody listens at the port."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = far.endpoint(url=f"http://127.0.0.1:{taken.getsockname()[1]}", retries=0)
        with pytest.raises(
            RemoteError, match=r"^endpoint 'far': cannot be reached \(ClientConnectorError\)$"
        ):
            post(endpoint)


def test_a_try_has_its_time(far, reply, post) -> None:
    """Each has it to itself."""
    gate = threading.Event()
    far.plays(reply(gate=gate), reply({"well": True}))
    assert post(far.endpoint(timeout_s=0.2)) == {"well": True}
    far.plays(reply(gate=gate))
    with pytest.raises(RemoteError, match=r"^endpoint 'far': no answer in 0.05 s$"):
        post(far.endpoint(timeout_s=0.05, retries=0))
    gate.set()


NO_JSON = (
    b"", b" ", b"zqx", b"<html>", b"{", b"{} {}", b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}',
    b'{"a": 1e999}', b'{"a": 1, "a": 2}', b'{"a": {"b": 1, "b": 1}}', b'{"a": "\xff"}', b"\xff\xfe{\x00}\x00",
    b'\xef\xbb\xbf{}', b"[" * 100_000, b"1" * 5_000,
)  # fmt: skip


@each_case("raw", NO_JSON)
def test_json_that_could_be_read_in_two_ways_is_none(raw: bytes) -> None:
    """Doubled keys, numbers that are none, further documents, other encodings."""
    with pytest.raises(RemoteError, match=r"^the answer is no JSON$"):
        parse_json(raw)


def test_such_an_answer_is_an_error_at_once(far, reply, post) -> None:
    """Asking again would bring the same."""
    far.plays(reply(b'{"a": NaN}'))
    with pytest.raises(RemoteError) as error:
        post(far.endpoint(retries=3))
    assert str(error.value) == "endpoint 'far': the answer is no JSON"
    assert len(far.asked) == 1


@pytest.mark.parametrize("more", [0, 1])
def test_an_answer_has_a_limit(far, reply, post, more: int) -> None:
    """Eight mebibytes are read, and no byte more."""
    far.plays(reply(b'"' + b"a" * (MOST_BYTES - 2 + more) + b'"'))
    if more:
        with pytest.raises(RemoteError, match=r"^endpoint 'far': answered more than 8 MiB$"):
            post(far.endpoint())
    else:
        assert len(post(far.endpoint())) == MOST_BYTES - 2


def test_many_requests_use_one_connection(far, reply, post) -> None:
    """Also after answers that are errors."""
    far.plays(reply({}), reply({}, 503, {"retry-after": "0"}), reply({}))
    endpoint = far.endpoint()
    for _ in range(20):
        post(endpoint)
    assert (far.connections, len(far.asked)) == (1, 21)


def test_a_cookie_is_not_kept(far, reply, post) -> None:
    """No request knows of another."""
    far.plays(reply({}, headers={"set-cookie": "zqx=1; Path=/"}))
    endpoint = far.endpoint()
    post(endpoint)
    post(endpoint)
    assert "cookie" not in far.asked[1].headers


def test_a_proxy_of_the_environment_is_not_asked(far, post, monkeypatch) -> None:
    """The operator declares where texts go, and nobody else."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert post(far.endpoint()) == {}


def test_a_request_may_be_signed(far, post) -> None:
    """The signer sees all of it, and says which headers it has."""
    seen = []

    def sign(method, url, body, headers):
        seen.append((method, url, body, headers["content-type"]))
        return {**headers, "x-signed": "zqx"}

    post(far.endpoint(), "/ask", {"n": 1}, sign=sign)
    assert seen == [("POST", f"{far.url}/ask", b'{"n": 1}', "application/json")]
    assert far.asked[0].headers["x-signed"] == "zqx"


def test_so_many_requests_run_at_a_time(far, reply, start) -> None:
    """The others wait for them."""
    gate = threading.Event()
    far.plays(reply(gate=gate))
    futures = [start(far.endpoint(connections=2)) for _ in range(6)]
    for _ in range(2):
        assert far.arrived.acquire(timeout=20)
    gate.set()
    assert [future.result(20) for future in futures] == [{}] * 6
    assert far.most_under_way == 2


@pytest.mark.parametrize("waiting", [0, 1])
def test_so_many_wait(far, reply, start, post, waiting: int) -> None:
    """One more has failed at once; whoever need not wait is not concerned."""
    gate = threading.Event()
    far.plays(reply(gate=gate))
    endpoint = far.endpoint(connections=1, waiting=waiting)
    futures = [start(endpoint) for _ in range(1 + waiting)]
    assert far.arrived.acquire(timeout=20)
    with pytest.raises(RemoteError) as error:
        post(endpoint)
    assert str(error.value) == f"endpoint 'far': 1 requests are under way and {waiting} waiting already"
    gate.set()
    assert [future.result(20) for future in futures] == [{}] * (1 + waiting)


def test_who_gives_up_ends_the_request(far, reply, start) -> None:
    """The service sees that the connection is closed."""
    far.plays(reply(hang=True))
    future = start(far.endpoint(timeout_s=600.0))
    assert far.arrived.acquire(timeout=20)
    future.cancel()
    assert far.dropped.wait(20)


def test_who_gives_up_frees_the_place(far, reply, start, post) -> None:
    """Of those under way, and of those who wait."""
    far.plays(reply(hang=True), reply({"well": True}))
    endpoint = far.endpoint(timeout_s=600.0, connections=1, waiting=1)
    first = start(endpoint)
    assert far.arrived.acquire(timeout=20)
    second = start(endpoint)
    second.cancel()
    first.cancel()
    assert post(endpoint) == {"well": True}


@pytest.mark.parametrize("fault", ["status", "slow", "closed"])
def test_after_failures_in_a_row_nothing_is_sent(far, reply, post, fault: str) -> None:
    """Who asks has failed at once, and reads for how long that holds."""
    gate = threading.Event()
    far.plays({"status": reply({}, 503), "slow": reply(gate=gate), "closed": reply(raw=b"")}[fault])
    endpoint = far.endpoint(timeout_s=0.1, retries=0, failures=2, open_s=600.0)
    for _ in range(2):
        with pytest.raises(RemoteError):
            post(endpoint)
    with pytest.raises(
        RemoteError, match=r"^endpoint 'far' fails again and again; it is asked again in \d+ s$"
    ):
        post(endpoint)
    assert len(far.asked) == 2
    gate.set()


@pytest.mark.parametrize("other", [(400, {}), (200, b"zqx"), (302, {})])
def test_a_service_that_answers_is_asked_on(far, reply, post, other) -> None:
    """That this answer is no use says nothing of the next one."""
    status, body = other
    far.plays(reply(body, status))
    endpoint = far.endpoint(retries=0, failures=1, open_s=600.0)
    for _ in range(3):
        with pytest.raises(RemoteError):
            post(endpoint)
    assert len(far.asked) == 3


def test_after_a_while_one_is_sent_to_see(far, reply, post, start) -> None:
    """While it is under way the others fail at once; that it goes well closes the breaker."""
    gate = threading.Event()
    far.plays(reply({}, 500), reply({"well": 1}, gate=gate), reply({"well": 2}))
    endpoint = far.endpoint(retries=0, failures=1, open_s=1e-6)
    with pytest.raises(RemoteError, match="answered 500"):
        post(endpoint)
    probe = start(endpoint)
    for _ in range(2):
        assert far.arrived.acquire(timeout=20)
    with pytest.raises(RemoteError, match="fails again and again"):
        post(endpoint)
    gate.set()
    assert probe.result(20) == {"well": 1}
    assert post(endpoint) == {"well": 2}


def test_who_waits_for_a_place_fails_when_it_opens(far, reply, start) -> None:
    """A queue before a dead service empties at once, and not by one time-out each."""
    gate = threading.Event()
    far.plays(reply({}, 500, gate=gate))
    endpoint = far.endpoint(connections=1, retries=0, failures=1, open_s=600.0)
    futures = [start(endpoint) for _ in range(5)]
    assert far.arrived.acquire(timeout=20)
    gate.set()
    errors = [str(future.exception(20)) for future in futures]
    assert errors[0] == "endpoint 'far': answered 500"
    assert all("fails again and again" in error for error in errors[1:])
    assert len(far.asked) == 1


@pytest.mark.parametrize(("timeout_s", "opens"), [(600.0, False), (1e-6, True)])
def test_who_was_left_waiting_counts(far, reply, start, timeout_s: float, opens: bool, monkeypatch) -> None:
    """A caller who gives up soon says nothing of the service; one who waited for half its time does."""
    monkeypatch.setattr(
        asyncio, "timeout", lambda _: asyncio.Timeout(None)
    )  # the caller gives up, not the client
    far.plays(reply(hang=True), reply({}))
    endpoint = far.endpoint(timeout_s=timeout_s, retries=0, failures=1, open_s=600.0)
    future = start(endpoint)
    assert far.arrived.acquire(timeout=20)
    future.cancel()
    assert far.dropped.wait(20)
    again = start(endpoint).exception(20)
    assert (again is not None) is opens


def test_a_client_is_shared(far, run) -> None:
    """One for all who ask for the same endpoint, another for any other."""

    async def same() -> bool:
        return get_client(far.endpoint()) is get_client(far.endpoint())

    async def other() -> bool:
        return get_client(far.endpoint()) is get_client(far.endpoint(retries=0))

    assert run(same())
    assert not run(other())


def test_what_is_idle_is_closed_before_the_service_does() -> None:
    """Servers by uvicorn close after five seconds; a request on a connection just closed would be lost."""
    assert module.IDLE_S < 5


def test_the_end_of_a_process_closes_what_is_open(far) -> None:
    """And says nothing."""
    script = f"""
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import Endpoint
from guardrails.remote.loop import submit
async def ask():
    return await get_client(Endpoint("far", {far.url!r})).post("/ask", {{}})
print(submit(ask()).result(20))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "{}\n", "")


def test_a_form_is_sent_as_json_is(far, reply) -> None:
    """With key and headers, tries and limits; the answer is JSON."""
    far.plays(reply({}, 503, {"retry-after": "0"}), reply({"well": True}))
    endpoint = far.endpoint(retries=1)

    async def ask() -> object:
        return await get_client(endpoint).post_form("/sound", [FormField("a", b"1")])

    assert submit(ask()).result(20) == {"well": True}
    for asked in far.asked:
        assert asked.path == "/v1/sound"
        assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert b'name="a"\r\n\r\n1\r\n' in asked.raw
    assert len(far.asked) == 2
