"""Pictures that stand elsewhere: fetched where the operator says so, never from an address that is not public."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from guardrails.proxy.upstreams.image_fetch import ImageFetcher, is_public
from guardrails.proxy.upstreams.image_fetch_settings import FetchDoc
from tests.cases import each_case
from tests.proxy.conftest import EVERYWHERE, Fake, RawReply, completion, message, response
from tests.proxy.contract_messages import asking as messaging
from tests.proxy.image_kit import asking, encoded, events, file, form, is_green, made, uri
from tests.proxy.tls_kit import ENDS, Authority
from tests.proxy.tls_kit import store as tls_store

POLICY = """
detectors:
  green: {{use: green_square}}
rules:
  - {{id: green, on: {on}, when: custom.green_square > 0.5, then: {then}}}
"""
LOCAL = ["127.0.0.0/8", "::1/128"]


def root(fake: Fake) -> str:
    """Return where a server is."""
    return fake.url.removesuffix("/v1")


def host(fake: Fake) -> str:
    """Return it as the settings have it."""
    return urlsplit(fake.url).netloc


def fetch(url: str, **doc: Any) -> str | None:
    """Return what comes of an address."""
    return asyncio.run(
        ImageFetcher(FetchDoc(**{"hosts": ["*"], "networks": LOCAL, **doc})).fetch_all([url])
    ).get(url)


@pytest.fixture
def store(fakes) -> Fake:
    """A server that has a picture."""
    fakes[0].reply = RawReply([file()], content_type="image/png")
    return fakes[0]


@each_case(
    ("address", "public"),
    [
        *dict.fromkeys([("8.8.8.8", True), ("2606:4700:4700::1111", True), ("::ffff:8.8.8.8", True)]),
        *(
            (address, False)
            for address in (
                "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
                "100.64.0.1", "192.0.0.8", "198.18.0.1", "192.0.2.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
                "255.255.255.255", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
                "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "fe80::1",
                "fe80::1%lo", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "100::1", "5f00::1", "3fff::1",
                "2130706433", "127.1", "0177.0.0.1", "0x7f.0.0.1", "", "localhost", "1.2.3.4.5",
            )
        ),
    ],
)  # fmt: skip
def test_what_is_public(address, public) -> None:
    """No machine's own address, no network's own, none of several, and none that wraps one of these."""
    assert is_public(address) is public


def test_a_picture_is_fetched(store) -> None:
    """As a data URI, of the type that it is; the server gets no cookie and no key."""
    assert fetch(f"{root(store)}/a.jpeg?x=1", hosts=[host(store)]) == uri()
    [asked] = store.asked
    assert (asked.method, asked.path, asked.headers["host"]) == ("GET", "/a.jpeg?x=1", host(store))
    assert {"cookie", "authorization"}.isdisjoint(asked.headers)
    assert asked.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_an_address_that_is_not_public_is_not_asked(store, name) -> None:
    """Written down, or what a name leads to; unless it is one of the operator's networks."""
    url = root(store).replace("127.0.0.1", name)
    hosts = ["*:" + host(store).rpartition(":")[2]]
    assert fetch(url, hosts=hosts, networks=["10.0.0.0/8"]) is None
    assert store.asked == []
    assert fetch(url, hosts=hosts) is not None or name == "localhost"


@pytest.mark.parametrize(
    "written",
    [
        "http://2130706433:{port}/", "http://127.1:{port}/", "http://0177.0.0.1:{port}/", "http://0x7f.0.0.1:{port}/",
        "http://127.0.0.1.:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::1]:{port}/", "http://%31%32%37.0.0.1:{port}/",
        "http://u:p@127.0.0.1:{port}/", "http://u@127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/", "file:///etc/passwd", "//127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@x.example/", "http://127.0.0.1:{port}/ x", "http://127.0.0.1:{port}/\r\nX: y", "http://\uff11\uff12\uff17.0.0.1:{port}/",
        "http://", "http://:{port}/", "http://127.0.0.1:99999/", "http://127.0.0.1:{port}/" + "a" * 3_000,
    ],
)  # fmt: skip
def test_other_ways_to_write_it_are_not_either(store, written) -> None:
    """Nothing but plain addresses of http and https, whoever would understand more."""
    port = host(store).rpartition(":")[2]
    assert fetch(written.format(port=port), hosts=[f"*:{port}"], networks=[]) is None
    assert store.asked == []


@pytest.mark.parametrize(
    ("hosts", "lets"),
    [(["127.0.0.1:{port}"], True), (["127.*:{port}"], True), (["*"], False), (["127.0.0.1"], False), (["127.0.0.1:1"], False), (["x.example:{port}", "*:{port}"], True), (["*.example:{port}"], False)],
)  # fmt: skip
def test_a_host_must_be_named_and_its_port_where_it_is_not_the_usual_one(store, hosts, lets) -> None:
    """A star stands for any text of the name, never for a port."""
    port = host(store).rpartition(":")[2]
    found = fetch(f"{root(store)}/a", hosts=[each.format(port=port) for each in hosts])
    assert (found is not None, bool(store.asked)) == (lets, lets)


@pytest.mark.parametrize(
    "reply",
    [
        RawReply([file()], status=404, content_type="image/png"),
        RawReply([b"<svg/>"], content_type="image/png"),
        RawReply([b"<html>"], content_type="text/html"),
        RawReply([b""], content_type="image/png"),
        RawReply([file()], content_type="image/png", headers={"content-encoding": "gzip"}),
        RawReply([file()[:100]], content_type="image/png", cut=True),
        RawReply([b"x" * 1_000] * 100, content_type="image/png"),
        RawReply([], garbage=b"no HTTP"),
        RawReply([], hang=True),
    ],
)
def test_what_is_no_picture_is_none(store, reply) -> None:
    """A failure, another file, one that is encoded, cut off, too large or too slow."""
    store.reply = reply
    assert fetch(f"{root(store)}/a", hosts=[host(store)], max_bytes=50_000, timeout_s=0.5) is None


def test_redirections_are_followed_to_hosts_that_are_named(store, fakes) -> None:
    """Each is checked as the first one was."""
    way = fakes[1]
    way.reply = RawReply([b""], status=302, headers={"location": f"{root(store)}/b"})

    assert fetch(f"{root(way)}/a", hosts=[host(way), host(store)]) == uri()
    assert fetch(f"{root(way)}/a", hosts=[host(way)]) is None
    assert len(store.asked) == 1


@pytest.mark.parametrize("location", ["/a", "", "file:///etc/passwd", "http://localhost/", "//x.example/", "http://[::1]/", "\\\\x.example"])  # fmt: skip
def test_a_redirection_that_leads_nowhere_ends_it(store, location) -> None:
    """After three at most."""
    store.reply = RawReply([b""], status=307, headers={"location": location} if location else {})
    assert fetch(f"{root(store)}/a", hosts=[host(store)]) is None
    assert len(store.asked) == (4 if location == "/a" else 1)


def test_each_address_is_asked_once_and_no_more_is_read_than_is_let(store) -> None:
    """All pictures of a body together."""
    urls = [f"{root(store)}/{at}" for at in (0, 0, 1)]
    size = len(file())
    for most, count in ((2 * size, 2), (2 * size - 1, 1)):
        store.asked.clear()
        doc = FetchDoc(hosts=[host(store)], networks=LOCAL, max_bytes=most)
        assert (len(asyncio.run(ImageFetcher(doc).fetch_all(urls))), len(store.asked)) == (count, 2)


def test_no_more_pictures_are_fetched_than_are_let(proxied, fake, store, kit) -> None:
    """The others stay addresses, which nobody judged."""
    asked = asking(images=[{"image_url": f"{root(store)}/a"}] * 3)
    settings = {"hosts": [host(store)], "networks": LOCAL}
    fake.answers(made(encoded()))
    assert kit.send(proxied(fetch={**settings, "most": 3}), "/v1/images/edits", asked).status == 200
    answer = kit.send(proxied(fetch={**settings, "most": 2}), "/v1/images/edits", asked)
    assert (answer.status, answer.action) == (400, ("block", "unchecked.part"))


def test_proxies_of_the_environment_are_not_asked(store, fakes, monkeypatch) -> None:
    """Whatever they are for."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, root(fakes[1]))
    assert fetch(f"{root(store)}/a", hosts=[host(store)]) == uri()
    assert fakes[1].asked == []


@pytest.fixture
def proxied(serve, guard_of, store) -> Callable[..., str]:
    """Return a function that starts a proxy which fetches from the store, under a policy that does this to green squares."""
    settings = {"hosts": [host(store)], "networks": LOCAL}
    return lambda then="block", **more: serve(
        guard_of(POLICY.format(on=EVERYWHERE, then=then)), **{"fetch": settings, **more}
    )


def body(path: str, url: str) -> dict[str, Any]:
    """Return a request with a picture."""
    part = {"type": "image_url", "image_url": {"url": url}}
    source = {"type": "url", "url": url}
    if url.startswith("data:"):
        source = {"type": "base64", "media_type": "image/png", "data": url.partition(",")[2]}
    return {
        "/v1/chat/completions": {"model": "m", "messages": [{"role": "user", "content": [part]}], "temperature": 1},
        "/v1/responses": {"model": "m", "input": [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]},
        "/v1/messages": messaging({"role": "user", "content": [{"type": "image", "source": source}]}),
        "/v1/images/edits": asking(images=[{"image_url": url}]),
    }[path]  # fmt: skip


ANSWERS = {
    "/v1/chat/completions": completion("Hello."),
    "/v1/responses": response("Hello."),
    "/v1/messages": message("Hello."),
    "/v1/images/edits": made(encoded()),
}
HEADERS = {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize("path", ANSWERS)
def test_the_model_gets_the_bytes_that_were_judged(proxied, fake, store, kit, path) -> None:
    """Nobody asks for them again. One that may not be seen is stopped, or covered."""
    fake.answers(ANSWERS[path])
    asked = body(path, f"{root(store)}/a")
    assert kit.send(proxied(), path, asked, HEADERS).status == 200
    assert fake.asked[0].json == body(path, uri())

    store.reply = RawReply([file(green=True)], content_type="image/png")
    url = proxied()
    answer = kit.send(url, path, asked, HEADERS)
    assert 'guardrails_fetches_total{result="fetched"} 1' in kit.send(url, "/metrics").raw.decode()
    assert (answer.status, answer.action, len(fake.asked)) == (400, ("block", "green"), 1)
    assert kit.send(proxied("redact"), path, asked, HEADERS).action == ("redact", "green")
    sent = fake.asked[1].raw.decode()
    assert not is_green("iVBORw0KGgo" + sent.partition("iVBORw0KGgo")[2].partition('"')[0])


@pytest.mark.parametrize("settings", [{"fetch": None}, {"fetch": {"hosts": ["x.example"]}}])
def test_what_is_not_fetched_is_not_passed_on(proxied, fake, store, kit, settings) -> None:
    """By default nothing is; the policy says what becomes of what nobody judged."""
    url = proxied(**settings)
    for path in ANSWERS:
        answer = kit.send(url, path, body(path, f"{root(store)}/a"), HEADERS)
        assert (answer.status, answer.action) == (400, ("block", "unchecked.part"))
    assert (fake.asked, store.asked) == ([], [])


def test_a_wish_to_be_moderated_is_kept(proxied, fake, store, kit) -> None:
    """As everything else that was asked."""
    fake.answers(completion("Hello."))
    asked = {**body("/v1/chat/completions", f"{root(store)}/a"), "moderation": {"model": "m"}}
    answer = kit.send(proxied(), "/v1/chat/completions", asked)

    assert fake.asked[0].json == body("/v1/chat/completions", uri())
    assert answer.json["moderation"]["input"]["results"][0]["flagged"] is False


@pytest.mark.parametrize("stream", [False, True])
def test_the_client_gets_the_bytes_that_were_judged(proxied, fake, store, kit, stream) -> None:
    """Where the model's answer has the address of a picture."""
    fake.answers(made({"url": f"{root(store)}/a", "revised_prompt": "a cat"}))
    url = proxied()
    answer = kit.send(url, "/v1/images/generations", asking(stream=stream))
    [shown] = answer.frames if stream else answer.json["data"]
    assert (answer.status, shown["url"], shown["revised_prompt"]) == (200, uri(), "a cat")

    store.reply = RawReply([file(green=True)], content_type="image/png")
    assert (
        kit.send(url, "/v1/images/generations", asking(stream=stream)).error["code"] == "moderation_blocked"
    )
    fake.answers(made({"url": "http://127.0.0.1:1/a"}))
    assert kit.send(url, "/v1/images/generations", asking(stream=stream)).action == (
        "block",
        "unchecked.part",
    )


def test_pictures_are_fetched_to_be_moderated(proxied, store, kit) -> None:
    """Also without an upstream."""
    store.reply = RawReply([file(green=True)], content_type="image/png")
    part = {"type": "image_url", "image_url": {"url": f"{root(store)}/a"}}
    [result] = kit.send(proxied(), "/v1/moderations", {"input": [part]}).json["results"]
    assert (result["flagged"], result["categories"]["custom.green_square"]) == (True, True)
    assert result["category_applied_input_types"]["custom.green_square"] == ["image"]


def test_forms_pass_by(proxied, fake, store, kit) -> None:
    """Their pictures are in them; an address is none."""
    raw, headers = form(("prompt", "x"), ("image", f"{root(store)}/a"))
    assert kit.send(proxied(), "/v1/images/edits", raw, headers).action == ("block", "unchecked.part")
    assert store.asked == []


def test_a_client_that_goes_away_leaves_nothing_behind(proxied, fake, store, kit) -> None:
    """The picture is not waited for."""
    gate = threading.Event()
    store.reply = RawReply([file()], content_type="image/png", gate=gate)
    with (
        openai.OpenAI(base_url=f"{proxied()}/v1", api_key="k", max_retries=0, timeout=0.3) as client,
        pytest.raises(openai.APITimeoutError),
    ):
        client.chat.completions.create(**body("/v1/chat/completions", f"{root(store)}/a"))
    gate.set()
    assert fake.asked == []


NAME = "store.zqx.example"


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who gives certificates to hosts of the operator's own."""
    return Authority()


@pytest.fixture
def trusted(authority, tmp_path) -> str:
    """The file by which it is known."""
    path = tmp_path / "ca.pem"
    path.write_text(authority.certificate)
    return str(path)


@pytest.fixture
def looked_up(monkeypatch) -> list[str]:
    """The names that were looked up: one leads here, first, and then to a network of nobody's; the others where they lead."""
    names: list[str] = []
    known = socket.getaddrinfo

    def found(host: Any, *given: Any, **more: Any) -> Any:
        names.append(host)
        addresses = ["127.0.0.1", *["10.0.0.1"] * 9]
        return known(addresses[names.count(NAME) - 1] if host == NAME else host, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return names


def test_a_host_is_asked_at_the_address_that_was_checked_by_its_own_name(
    authority, trusted, looked_up, tmp_path
) -> None:
    """It is looked up once; the name that is asked for, and that the certificate must have, is that of the address as written."""
    with tls_store(authority.gives(tmp_path, NAME), file()) as told:
        found = fetch(f"https://{NAME}:{told.port}/a", hosts=[f"{NAME}:{told.port}"], ca_file=trusted)
    assert found == uri()
    assert (told.names, told.asked) == ([NAME], [(f"{NAME}:{told.port}", "/a")])
    assert looked_up.count(NAME) == 1


@pytest.mark.parametrize(
    ("hosts", "until", "known"),
    [((NAME,), ENDS, False), (("other.example",), ENDS, True), (("127.0.0.1",), ENDS, True), ((NAME,), 2021, True), ((f"x.{NAME}",), ENDS, True)],
    ids=["nobody's", "another's", "its address's", "old", "a part's"],
)  # fmt: skip
def test_a_wrong_certificate_is_refused(authority, trusted, looked_up, tmp_path, hosts, until, known) -> None:
    """By an authority that nobody knows, for another name, or of old: nothing is asked for."""
    with tls_store(authority.gives(tmp_path, *hosts, until=until), file()) as told:
        settings = {"ca_file": trusted} if known else {}
        assert fetch(f"https://{NAME}:{told.port}/a", hosts=[f"{NAME}:{told.port}"], **settings) is None
    assert (told.names, told.asked) == ([NAME], [])


def test_an_address_that_is_written_down_has_a_certificate_too(authority, trusted, tmp_path) -> None:
    """For just that."""
    with tls_store(authority.gives(tmp_path, "127.0.0.1"), file()) as told:
        assert fetch(f"https://127.0.0.1:{told.port}/a", hosts=[f"*:{told.port}"], ca_file=trusted) == uri()
    with tls_store(authority.gives(tmp_path, "127.0.0.2"), file()) as told:
        assert fetch(f"https://127.0.0.1:{told.port}/a", hosts=[f"*:{told.port}"], ca_file=trusted) is None
    assert told.asked == []


def gemini(url: str, **more: Any) -> dict[str, Any]:
    """Return a request of Gemini's API with a file that stands elsewhere."""
    given = {"fileData": {"fileUri": url, "mimeType": "image/png"}, **more}
    return {"contents": [{"role": "user", "parts": [{"text": "see"}, given]}]}


GEMINI = "/v1beta/models/m:generateContent"
FINE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Fine."}]}, "finishReason": "STOP"}]}


def test_a_file_of_geminis_is_fetched_where_it_is_a_picture(proxied, fake, store, kit) -> None:
    """The model gets the bytes that were judged; others are not, and the policy says what becomes of them."""
    fake.answers(FINE)
    asked = gemini(f"{root(store)}/a", mediaResolution={"level": "LOW"})
    assert kit.send(proxied(), GEMINI, asked).status == 200
    inline = {"mimeType": "image/png", "data": encoded()}
    assert fake.asked[0].json["contents"][0]["parts"][1] == {
        "inlineData": inline,
        "mediaResolution": {"level": "LOW"},
    }

    store.reply = RawReply([file(green=True)], content_type="image/png")
    answer = kit.send(proxied(), GEMINI, asked)
    assert (answer.json["promptFeedback"]["blockReason"], answer.action) == ("SAFETY", ("block", "green"))
    store.reply = RawReply([b"%PDF-1.7"], content_type="application/pdf")
    assert kit.send(proxied(), GEMINI, asked).action == ("block", "unchecked.part")
    store.asked.clear()
    for url in ("https://www.youtube.com/watch?v=x", "gs://bucket/a.png", f"{root(store)}/a"):
        answer = kit.send(proxied(fetch={"hosts": ["x.example"]}), GEMINI, gemini(url))
        assert answer.action == ("block", "unchecked.part")
    assert (len(fake.asked), store.asked) == (1, [])


def told(*urls: str) -> list[dict[str, Any]]:
    """Return the events of a stream of pictures of which there are only the addresses."""
    return [
        {**each, "url": url, "b64_json": None}
        for each, url in zip(events(*urls[:-1], last=urls[-1]), urls, strict=True)
    ]


def test_addresses_in_a_stream_are_fetched(proxied, fake, store, kit) -> None:
    """Each before its event goes on, as far as that is let for all of them; one that may not be is named."""
    at = f"{root(store)}/a"
    fake.events(*told(at, at))
    settings = {"hosts": [host(store)], "networks": LOCAL}
    answer = kit.send(proxied(), "/v1/images/generations", asking(stream=True))
    assert [each["url"] for each in answer.frames] == [uri(), uri()]
    assert [each["b64_json"] for each in answer.frames] == [None, None]

    answer = kit.send(proxied(fetch={**settings, "most": 1}), "/v1/images/generations", asking(stream=True))
    assert answer.frames[0]["url"] == uri()
    assert answer.frames[1]["error"]["code"] == "moderation_blocked"
    assert answer.later["x-guardrails-rules"] == "unchecked.part"

    fake.events(*told(at, "http://127.0.0.1:1/a"))
    answer = kit.send(proxied(), "/v1/images/generations", asking(stream=True))
    assert [each.get("url") for each in answer.frames] == [uri(), None]
    store.reply = RawReply([file(green=True)], content_type="image/png")
    fake.events(*told(at, at))
    answer = kit.send(proxied(), "/v1/images/generations", asking(stream=True))
    assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")


@pytest.mark.parametrize(
    "name", ["image", "image[]", "images[0][image_url]", "mask[image_url]", "Images[][image_url]"]
)
def test_an_address_in_a_form_is_named(proxied, fake, store, kit, name) -> None:
    """However the field is spelled: no server fetches it behind the guard's back."""
    raw, headers = form(("prompt", "x"), (name, f"{root(store)}/a"))
    assert kit.send(proxied(), "/v1/images/edits", raw, headers).action == ("block", "unchecked.part")
    assert (store.asked, fake.asked) == ([], [])


def test_the_mask_of_a_tool_is_fetched(proxied, fake, store, kit) -> None:
    """As pictures of the conversation are."""
    fake.answers(response("Hello."))

    def drawing(url: str) -> dict[str, Any]:
        return {
            "model": "m",
            "input": "x",
            "tools": [{"type": "image_generation", "input_image_mask": {"image_url": url}}],
        }

    assert kit.send(proxied(), "/v1/responses", drawing(f"{root(store)}/a")).status == 200
    assert fake.asked[0].json == drawing(uri())
