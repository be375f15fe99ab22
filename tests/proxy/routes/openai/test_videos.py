"""The videos API: what is asked is judged, what is told of jobs, and every film and picture before it is given out."""

from __future__ import annotations

import io
import json
import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from guardrails import Guard
from guardrails.protocols.errors import OF_BLOCKS
from guardrails.proxy.access.keys import hash_key
from guardrails.proxy.access.tenants import KeyDoc
from tests.cases import each_case
from tests.films import film, green, scene
from tests.proxy import image_kit
from tests.proxy.conftest import EVERYWHERE, POLICY, WAIT_S, Answer, Fake, RawReply
from tests.proxy.contract_videos import job
from tests.proxy.metrics_kit import counted

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API")  # of OpenAI's; other servers keep its shape

FILMS = POLICY.replace("rules:", "  green: {use: green_square}\nrules:") + (
    f"  - {{id: green, on: {EVERYWHERE}, when: custom.green_square > 0.5, then: THEN, message: Not that.}}\n"
)


@pytest.fixture(scope="module")
def plain() -> bytes:
    """A film."""
    return film(scene(12))


@pytest.fixture(scope="module")
def offending() -> bytes:
    """A film with a green square in each frame."""
    return film(green(12))


@pytest.fixture(scope="module")
def guards(guard_of: Callable[..., Guard]) -> Callable[[str], Guard]:
    """Return a function: what is done about green squares in, the guard that does it out."""
    made = {then: guard_of(FILMS.replace("THEN", then)) for then in ("block", "redact", "flag")}
    return made.__getitem__


@pytest.fixture
def client(
    serve: Callable[..., str], guards: Callable[[str], Guard]
) -> Iterator[Callable[..., openai.OpenAI]]:
    """Return a function: what is done about green squares in, a client of a proxy that does it out."""
    made: list[openai.OpenAI] = []

    def start(then: str = "block", **settings: Any) -> openai.OpenAI:
        url = serve(guards(then), **settings)
        made.append(openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0))
        return made[-1]

    yield start
    for each in made:
        each.close()


def gives(fake: Fake, data: bytes, media: str = "video/mp4", **more: Any) -> None:
    """Have the upstream answer with a file, in pieces."""
    half = len(data) // 2
    fake.reply = RawReply([data[:half], data[half:]], content_type=media, **more)


def post(own: openai.OpenAI, path: str, **body: Any) -> None:
    """Ask for a job as JSON, which the client can only do so."""
    own.post(f"/videos/{path}".removesuffix("/"), body=body, cast_to=object)


@contextmanager
def stopped(status: int, code: str = "moderation_blocked") -> Iterator[None]:
    """Expect an error of the videos API."""
    with pytest.raises(openai.APIStatusError) as raised:
        yield
    body: Any = raised.value.body
    assert (raised.value.status_code, body["code"]) == (status, code)
    assert {"message", "type", "param", "code"} == set(body) - {*OF_BLOCKS}


def test_a_job_is_created_and_followed(client, fake) -> None:
    """By the client of the API, which gets what the upstream says byte for byte."""
    own = client()
    fake.answers(job(status="queued", progress=0, completed_at=None))
    made = own.videos.create(prompt="a boat", model="local-video", seconds="4")
    assert (made.id, made.status) == ("video_1", "queued")
    assert (fake.asked[-1].method, fake.asked[-1].path) == ("POST", "/v1/videos")
    fake.answers(job())
    assert own.videos.retrieve("video_1").status == "completed"
    assert (fake.asked[-1].method, fake.asked[-1].path) == ("GET", "/v1/videos/video_1")
    fake.answers({"object": "list", "data": [job(), job(id="video_2")], "has_more": False})
    assert [each.id for each in own.videos.list(limit=2, order="desc")] == ["video_1", "video_2"]
    assert sorted(fake.asked[-1].path.partition("?")[2].split("&")) == ["limit=2", "order=desc"]
    fake.answers(job(id="video_3", remixed_from_video_id="video_1"))
    assert own.videos.remix("video_1", prompt="at night").remixed_from_video_id == "video_1"
    assert fake.asked[-1].path == "/v1/videos/video_1/remix"
    fake.answers({"id": "video_1", "object": "video.deleted", "deleted": True})
    assert own.videos.delete("video_1").deleted
    assert (fake.asked[-1].method, fake.asked[-1].path) == ("DELETE", "/v1/videos/video_1")


@pytest.mark.parametrize(
    "ask",
    [
        lambda own: own.videos.create(prompt="a zqxbomb", model="m"),
        lambda own: own.videos.create(
            prompt="a zqxbomb", input_reference=("a.png", image_kit.file(), "image/png")
        ),
        lambda own: own.videos.remix("video_1", prompt="a zqxbomb"),
        lambda own: post(own, "edits", prompt="a zqxbomb", video={"id": "video_1"}),
        lambda own: post(own, "extensions", prompt="a zqxbomb", video={"id": "video_1"}),
        lambda own: own.videos.create(
            prompt="x", input_reference=("a.png", image_kit.file(green=True), "image/png")
        ),
        lambda own: post(own, "", prompt="x", input_reference={"image_url": image_kit.uri(green=True)}),
        lambda own: post(own, "", prompt="x", input_reference={"image_url": "https://x.example/a.png"}),
        lambda own: own.videos.edit(prompt="x", video=("a.mp4", film(green(5)), "video/mp4")),
        lambda own: own.videos.extend(prompt="x", seconds="4", video=("a.mp4", b"no film", "video/mp4")),
    ],
)
def test_what_is_asked_is_stopped_before_it_leaves(client, fake, ask) -> None:
    """The prompt, and the picture or film that is to be made into another; what cannot be judged is stopped as well."""
    own = client()
    with stopped(400):
        ask(own)
    assert not fake.asked


def test_what_nothing_is_wrong_with_goes_on_as_it_came(client, fake, plain) -> None:
    """A picture, a film, or the id of a job."""
    own = client()
    fake.answers(job())
    picture = image_kit.file()
    own.videos.create(prompt="x", input_reference=("a.png", picture, "image/png"))
    assert picture in fake.asked[-1].raw
    own.videos.edit(prompt="x", video=("a.mp4", plain, "video/mp4"))
    assert plain in fake.asked[-1].raw
    post(own, "extensions", prompt="x", seconds="4", video={"id": "video_1"})
    assert fake.asked[-1].json["video"] == {"id": "video_1"}


def test_what_is_sent_is_redacted(client, fake, offending) -> None:
    """The prompt by words, a film by frames: it is one again, and said to be."""
    own = client("redact")
    fake.answers(job())
    own.videos.create(prompt="a zqxmask")
    assert b"\r\na [MASK]\r\n" in fake.asked[-1].raw
    post(own, "", prompt="a zqxmask")
    assert fake.asked[-1].json["prompt"] == "a [MASK]"
    own.videos.edit(prompt="x", video=("a.mp4", offending, "video/mp4"))
    assert offending not in fake.asked[-1].raw
    assert b"Content-Type: video/mp4" in fake.asked[-1].raw


def test_what_a_job_tells_is_judged(client, fake) -> None:
    """Why it failed may quote what the model made."""
    own = client()
    failed = {"code": "moderation_blocked", "message": "made a zqxbomb"}
    fake.answers(job(status="failed", error=failed))
    with stopped(400):
        own.videos.retrieve("video_1")
    fake.answers({"object": "list", "data": [job(), job(status="failed", error=failed)], "has_more": False})
    with stopped(400):
        own.videos.list()
    fake.answers(job(status="failed", error={"code": "x", "message": "made a zqxmask"}))
    told = own.videos.retrieve("video_1").error
    assert told is not None
    assert told.message == "made a [MASK]"
    fake.answers({"error": {"message": "no zqxmask here", "type": "t", "param": None, "code": None}}, 404)
    with pytest.raises(openai.NotFoundError, match=r"no \[MASK\] here"):
        own.videos.retrieve("video_1")
    fake.answers(job(url="https://cdn.example/a.mp4"))  # whoever has it needs no guard
    with stopped(400):
        own.videos.retrieve("video_1")


def test_a_film_is_given_out_once_it_was_judged(client, fake, plain, offending) -> None:
    """As it came; one that is stopped is not given out at all, whatever part of it is asked for."""
    own = client()
    gives(fake, plain, headers={"x-request-id": "r1"})
    got = own.videos.download_content("video_1")
    assert got.read() == plain
    assert got.response.headers["content-type"] == "video/mp4"
    assert (got.response.headers["x-guardrails-action"], got.response.headers["x-request-id"]) == (
        "allow",
        "r1",
    )
    assert fake.asked[-1].path == "/v1/videos/video_1/content"
    gives(fake, offending)
    with stopped(403):
        own.videos.download_content("video_1")
    with stopped(403):
        own.videos.with_raw_response.download_content("video_1", extra_headers={"range": "bytes=0-9"})
    assert "range" not in fake.asked[-1].headers


def test_a_range_is_one_of_what_was_judged(client, fake, plain) -> None:
    """The upstream is asked for all of it."""
    own = client()
    gives(fake, plain)
    got = own.videos.with_raw_response.download_content("video_1", extra_headers={"range": "bytes=4-11"})
    assert (got.status_code, got.content) == (206, plain[4:12])
    assert got.headers["content-range"] == f"bytes 4-11/{len(plain)}"


def test_a_redacted_film_stands_in_the_place_of_what_came(client, fake, offending) -> None:
    """In every frame of it, and in ranges."""
    own = client("redact")
    gives(fake, offending)
    got = own.videos.download_content("video_1")
    made = got.read()
    assert got.response.headers["x-guardrails-action"] == "redact"
    assert made[4:8] == b"ftyp"
    assert made != offending
    fake.asked.clear()
    gives(fake, made)
    assert own.videos.download_content("video_1").read() == made


@pytest.mark.parametrize("variant", ["thumbnail", "spritesheet"])
def test_pictures_of_a_film_are_judged_as_pictures(client, fake, variant) -> None:
    """They show what it does."""
    own = client()
    harmless = image_kit.file(kind="WEBP")
    gives(fake, harmless, "image/webp")
    assert own.videos.download_content("video_1", variant=variant).read() == harmless
    assert fake.asked[-1].path == f"/v1/videos/video_1/content?variant={variant}"
    gives(fake, image_kit.file(green=True), "image/png")
    with stopped(403):
        own.videos.download_content("video_1", variant=variant)
    covers = client("redact")
    gives(fake, image_kit.file(green=True), "image/png")
    got = covers.videos.download_content("video_1", variant=variant)
    assert got.response.headers["content-type"] == "image/png"
    assert not image_kit.is_green(got.read())


@pytest.mark.parametrize(
    ("data", "media", "status", "code"),
    [
        (b"no film at all", "video/mp4", 403, "moderation_blocked"),
        (image_kit.file(), "video/mp4", 403, "moderation_blocked"),
        (image_kit.file(), "application/octet-stream", 200, ""),
        (b"no film at all", "application/octet-stream", 502, "upstream_invalid"),
        (b'{"url": "https://cdn.example/a.mp4"}', "application/json", 502, "upstream_invalid"),
        (b"<script>", "text/html", 502, "upstream_invalid"),
    ],
)
def test_what_is_no_film_is_not_given_out(client, fake, data, media, status, code) -> None:
    """Its bytes decide, whatever is said of them."""
    own = client()
    gives(fake, data, media)
    if status == 200:
        assert own.videos.download_content("video_1").read() == data
        return
    with stopped(status, code):
        own.videos.download_content("video_1")


def test_what_cannot_be_judged_follows_the_policy(serve, fake, guard_of, kit) -> None:
    """By default it is stopped; where that is chosen it goes on, and is named."""
    gives(fake, b"\0\0\0\x18ftypisom broken")
    lax = FILMS.replace("THEN", "block") + "unchecked: {video: flag}\n"
    answer: Answer = kit.send(serve(guard_of(lax)), "/v1/videos/video_1/content", method="GET")
    assert (answer.status, answer.action) == (200, ("flag", "unchecked.video"))


def test_a_film_that_is_larger_than_may_be_is_not_read(serve, fake, guard_of, kit, plain) -> None:
    """The limit is the policy's."""
    small = guard_of(FILMS.replace("THEN", "block") + "limits: {film_bytes: 1000}\n")
    gives(fake, plain)
    answer: Answer = kit.send(serve(small), "/v1/videos/video_1/content", method="GET")
    assert (answer.status, answer.error["code"]) == (502, "upstream_invalid")


def test_nothing_leaves_before_all_of_it_is_there(client, fake, plain) -> None:
    """An upstream that breaks off has given nothing."""
    own = client()
    fake.reply = RawReply([plain[:500], plain[500:900]], content_type="video/mp4", cut=True)
    with stopped(502, "upstream_invalid"):
        own.videos.download_content("video_1")


@each_case(
    "path",
    [
        "/v1/videos/..%2fmodels",
        "/v1/videos/%2e%2e",
        "/v1/videos/a%3fb/content",
        "/v1/videos/a/content?variant=a%26b",
        "/v1/videos/a/content?variant=video&variant=thumbnail",
        "/v1/videos?after=a%20b",
    ],
)
def test_no_other_path_is_asked_for(serve, guards, fake, kit, path) -> None:
    """Neither by an id nor by a query."""
    answer: Answer = kit.send(serve(guards("block")), path, method="GET")
    assert answer.status in (400, 404)
    assert not fake.asked


def test_a_job_is_one_of_its_model(serve, guards, fake, kit) -> None:
    """Which nothing but the job says: a key that may ask some models may ask about their jobs alone."""
    key = "gk_" + b64encode(bytes(range(33))).decode().replace("+", "-").replace("/", "_")
    url = serve(guards("block"), keys=[KeyDoc(id="k", sha256=hash_key(key), models=["local-*"])])
    headers = {"authorization": f"Bearer {key}"}
    fake.answers(job())
    assert kit.send(url, "/v1/videos/video_1", headers=headers, method="GET").status == 200
    fake.answers(job(model="another"))
    for path, method in (
        ("/v1/videos/video_1", "DELETE"),
        ("/v1/videos/video_1/content", "GET"),
        ("/v1/videos", "GET"),
    ):
        fake.asked.clear()
        answer: Answer = kit.send(url, path, headers=headers, method=method)
        assert answer.status == 403
        assert {each.path for each in fake.asked} <= {"/v1/videos/video_1"}
        assert {each.method for each in fake.asked} <= {"GET"}
    body = json.dumps({"prompt": "x"}).encode()
    assert kit.send(url, "/v1/videos/video_1/remix", body, headers).status == 403


def test_a_film_comes_as_a_stream_too(client, fake, plain) -> None:
    """Of a client that reads it piece by piece."""
    own = client()
    gives(fake, plain)
    out = io.BytesIO()
    with own.videos.with_streaming_response.download_content("video_1") as got:
        for piece in got.iter_bytes(100):
            out.write(piece)
    assert out.getvalue() == plain


def test_who_goes_away_leaves_nothing(serve, guards, fake, tmp_path, monkeypatch) -> None:
    """Neither a file nor a request that somebody works on."""
    url = serve(guards("block"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fake.reply = RawReply([bytes(100)], content_type="video/mp4", hang=True)
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), WAIT_S) as connection:
        connection.sendall(b"GET /v1/videos/video_1/content HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert fake.sent.wait(WAIT_S)
    assert fake.dropped.wait(WAIT_S)
    assert [*tmp_path.iterdir()] == []


def test_each_is_counted_as_what_it_is(serve, guards, fake, kit) -> None:
    """Whatever its id."""
    url = serve(guards("block"))
    fake.answers(job())
    for path in ("/v1/videos/video_1", "/v1/videos/video_2", "/v1/videos/video_2/content"):
        kit.send(url, path, method="GET")
    told = kit.send(url, "/metrics", method="GET").raw.decode()
    assert (
        counted(
            told, "guardrails_requests_total", route="/v1/videos/{video_id}", status="200", action="allow"
        )
        == 2
    )
    assert 'route="/v1/videos/{video_id}/content",status="502"' in told
