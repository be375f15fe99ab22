"""OpenAI's videos API through its released SDK, wrapped: what is asked, what is told of jobs, and every film is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from guardrails import BackendError, Blocked, Guard
from tests.cases import each_case
from tests.films import film, green, scene

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API")  # of OpenAI's; other servers keep its shape


@pytest.fixture(scope="module")
def plain() -> bytes:
    """A film."""
    return film(scene(12))


def job(**fields: Any) -> dict[str, Any]:
    """Return a job."""
    told = {"id": "video_1", "object": "video", "model": "m", "status": "completed", "progress": 100}
    return {**told, "created_at": 1, "seconds": "4", "size": "1280x720", "prompt": "a boat", **fields}


def gives(fake: Any, kit: Any, data: bytes, media: str = "video/mp4", **more: Any) -> None:
    """Let the upstream answer with a file, in pieces."""
    half = len(data) // 2
    fake.reply = kit.RawReply([data[:half], data[half:]], content_type=media, **more)


def post(path: str, **body: Any) -> Callable[[Any], Any]:
    """Return a call that asks for a job as JSON, which the SDK has no method for."""
    return lambda made: made.post(f"/videos{path}", body=body, cast_to=object)


def test_a_job_is_created_and_followed(blocks: Any, fake: Any) -> None:
    """In the SDK's own types, by its own paths."""
    fake.answers(job(status="queued"))
    made = blocks("videos.create", prompt="a boat", model="m", seconds="4")
    assert (type(made), made.status) == (openai.types.Video, "queued")
    assert b"\r\na boat\r\n" in fake.asked[-1].raw
    fake.answers(job())
    assert blocks("videos.retrieve", "video_1").status == "completed"
    assert blocks("videos.create_and_poll", prompt="a boat").status == "completed"
    assert blocks("videos.remix", "video_1", prompt="at night").id == "video_1"
    fake.answers({"object": "list", "data": [job(), job(id="video_2")], "has_more": False})
    assert [each.id for each in blocks("videos.list", limit=2).data] == ["video_1", "video_2"]
    fake.answers({"id": "video_1", "object": "video.deleted", "deleted": True})
    assert blocks("videos.delete", "video_1").deleted
    assert [(each.method, each.path) for each in fake.asked] == [
        ("POST", "/v1/videos"),
        ("GET", "/v1/videos/video_1"),
        ("POST", "/v1/videos"),
        ("GET", "/v1/videos/video_1"),
        ("POST", "/v1/videos/video_1/remix"),
        ("GET", "/v1/videos?limit=2"),
        ("DELETE", "/v1/videos/video_1"),
    ]


ASKED: dict[str, Callable[..., Callable[[Any], Any]]] = {
    "create": lambda kit: lambda own: own.videos.create(prompt="a zqxbomb", model="m"),
    "create and poll": lambda kit: lambda own: own.videos.create_and_poll(prompt="a zqxbomb"),
    "beside a picture": lambda kit: (
        lambda own: own.videos.create(prompt="a zqxbomb", input_reference=("a.png", kit.file(), "image/png"))
    ),
    "remix": lambda kit: lambda own: own.videos.remix("video_1", prompt="a zqxbomb"),
    "edit": lambda kit: post("/edits", prompt="a zqxbomb", video={"id": "video_1"}),
    "extend": lambda kit: post("/extensions", prompt="a zqxbomb", video={"id": "video_1"}),
    "picture": lambda kit: (
        lambda own: own.videos.create(
            prompt="x", input_reference=("a.png", kit.file(green=True), "image/png")
        )
    ),
    "name": lambda kit: (
        lambda own: own.videos.create(prompt="x", input_reference=("zqxbomb.png", kit.file(), "image/png"))
    ),
    "data URI": lambda kit: post("", prompt="x", input_reference={"image_url": kit.uri(green=True)}),
    "elsewhere": lambda kit: post("", prompt="x", input_reference={"image_url": "https://x.example/a.png"}),
    "film": lambda kit: lambda own: own.videos.edit(prompt="x", video=("a.mp4", film(green(5)), "video/mp4")),
    "no film": lambda kit: (
        lambda own: own.videos.extend(prompt="x", seconds="4", video=("a.mp4", b"no film", "video/mp4"))
    ),
}


@each_case("way", ASKED)
@each_case("on_block", ["raise", "answer"])
def test_what_is_asked_is_stopped_before_it_leaves(
    client: Any, looking: Any, fake: Any, image_kit: Any, way: str, on_block: str
) -> None:
    """The prompt, and what the film is to be made of; whichever way blocks are answered, no film could refuse."""
    with pytest.raises(Blocked):
        client(looking("block"), on_block=on_block).use(ASKED[way](image_kit))
    assert fake.asked == []


def test_what_nothing_is_wrong_with_goes_on_as_it_came(
    blocks: Any, fake: Any, image_kit: Any, plain: bytes
) -> None:
    """A picture, a film, or the id of a job."""
    fake.answers(job())
    picture = image_kit.file()
    blocks("videos.create", prompt="x", input_reference=("a.png", picture, "image/png"))
    assert picture in fake.asked[-1].raw
    blocks("videos.edit", prompt="x", video=("a.mp4", plain, "video/mp4"))
    assert plain in fake.asked[-1].raw
    blocks("videos.extend", prompt="x", seconds="4", video=("a.mp4", plain, "video/mp4"))
    assert plain in fake.asked[-1].raw
    blocks.use(post("/extensions", prompt="x", video={"id": "video_1"}))
    assert fake.asked[-1].json["video"] == {"id": "video_1"}


def test_what_is_sent_is_redacted(covers: Any, fake: Any, offending: bytes) -> None:
    """The prompt by words, a film by frames: it is one again, and said to be."""
    fake.answers(job())
    covers("videos.remix", "video_1", prompt="a zqxmask")
    assert fake.asked[-1].json == {"prompt": "a [MASK]"}
    covers("videos.edit", prompt="a zqxmask", video=("a.mp4", offending, "video/mp4"))
    assert b"\r\na [MASK]\r\n" in fake.asked[-1].raw
    assert offending not in fake.asked[-1].raw
    assert b"Content-Type: video/mp4" in fake.asked[-1].raw


def test_what_a_job_tells_is_judged(blocks: Any, fake: Any) -> None:
    """Why it failed may quote what the model made, and its address needs no guard."""
    failed = {"code": "moderation_blocked", "message": "made a zqxbomb"}
    for told in (
        job(status="failed", error=failed),
        job(url="https://cdn.example/a.mp4"),
        job(prompt="zqxbomb"),
    ):
        fake.answers(told)
        with pytest.raises(Blocked):
            blocks("videos.retrieve", "video_1")
    fake.answers({"object": "list", "data": [job(), job(error=failed)], "has_more": False})
    with pytest.raises(Blocked):
        blocks("videos.list")
    fake.answers(job(status="failed", error={"code": "x", "message": "made a zqxmask"}))
    assert blocks("videos.retrieve", "video_1").error.message == "made a [MASK]"


WAYS: dict[str, Callable[..., tuple[Any, bytes]]] = {
    "whole": lambda own, **asked: _had(own("videos.download_content", "video_1", **asked)),
    "raw": lambda own, **asked: _had(own("videos.with_raw_response.download_content", "video_1", **asked)),
    "streamed": lambda own, **asked: own.read("videos.download_content", video_id="video_1", **asked),
}
"""The ways to have a film: its headers and bytes."""


def _had(got: Any) -> tuple[Any, bytes]:
    return getattr(got, "response", got), got.content


@pytest.mark.parametrize("way", [*WAYS][:1])
@pytest.mark.parametrize("then", ["block", "redact"])
def test_a_film_is_given_out_once_it_was_judged(
    client: Any, looking: Any, fake: Any, kit: Any, plain: bytes, offending: bytes, way: str, then: str
) -> None:
    """As it came, with squares covered, or not at all, whichever way it is read."""
    own = client(looking(then))
    gives(fake, kit, plain, headers={"x-request-id": "r1"})
    got, data = WAYS[way](own)
    assert (data, got.headers["content-type"], got.headers["x-request-id"]) == (plain, "video/mp4", "r1")
    assert fake.asked[-1].path == "/v1/videos/video_1/content"
    gives(fake, kit, offending)
    if then == "block":
        with pytest.raises(Blocked, match="No squares"):
            WAYS[way](own)
        return
    _, made = WAYS[way](own)
    assert made[4:8] == b"ftyp"
    assert made != offending
    gives(fake, kit, made)
    assert WAYS[way](client(looking("block")))[1] == made


@each_case("way", WAYS)
def test_pictures_of_a_film_are_judged_as_pictures(
    client: Any, looking: Any, fake: Any, kit: Any, image_kit: Any, way: str
) -> None:
    """They show what it does."""
    harmless = image_kit.file(kind="WEBP")
    gives(fake, kit, harmless, "image/webp")
    assert WAYS[way](client(looking("block")), variant="thumbnail")[1] == harmless
    assert fake.asked[-1].path == "/v1/videos/video_1/content?variant=thumbnail"
    gives(fake, kit, image_kit.file(green=True), "image/png")
    with pytest.raises(Blocked):
        WAYS[way](client(looking("block")), variant="spritesheet")
    assert not image_kit.is_green(WAYS[way](client(looking("redact")), variant="spritesheet")[1])


@pytest.mark.parametrize("way", [*WAYS][:1])
def test_what_was_redacted_is_said_to_be_what_it_is(covers: Any, fake: Any, kit: Any, way: str) -> None:
    """It may be of another type than what came."""
    gives(fake, kit, film(green(5), "avi"), "video/x-msvideo")
    got, data = WAYS[way](covers)
    assert (got.headers.get_list("content-type"), data[4:8]) == (["video/mp4"], b"ftyp")


@each_case("way", WAYS)
@each_case(
    ("data", "media", "error"),
    [
        (b"no film at all", "video/mp4", Blocked),
        (b"", "video/mp4", Blocked),
        (b"no film at all", "application/octet-stream", BackendError),
        (b'{"url": "https://cdn.example/a.mp4"}', "application/json", BackendError),
        (b"<script>", "text/html", BackendError),
    ],
)
def test_what_is_no_film_is_not_given_out(
    blocks: Any, fake: Any, kit: Any, data: bytes, media: str, error: Any, way: str
) -> None:
    """Its bytes decide, whatever is said of them."""
    gives(fake, kit, data, media)
    with pytest.raises(error):
        WAYS[way](blocks)


def test_a_part_of_a_film_is_not_given_out(blocks: Any, fake: Any, kit: Any, plain: bytes) -> None:
    """Nobody could judge it; the error says what to do."""
    gives(fake, kit, plain[:100], status=206)
    for way in WAYS.values():
        with pytest.raises(BackendError, match=r"ask for all of it, without the header Range"):
            way(blocks, extra_headers={"Range": "bytes=0-99"})


def seeing(kit: Any, when: str) -> str:
    """Return a policy that blocks films where a condition holds."""
    policy: str = kit.POLICY.replace("rules:", "  green: {use: green_square}\nrules:", 1)
    return f'{policy}  - {{id: g, on: output, when: "{when}", then: block}}\n'


def test_what_cannot_be_judged_follows_the_policy(
    client: Any, guard_of: Callable[..., Guard], kit: Any, fake: Any
) -> None:
    """By default it is stopped; where that is chosen it goes on."""
    broken = b"\0\0\0\x18ftypisom broken"
    gives(fake, kit, broken)
    lax = guard_of(seeing(kit, "custom.green_square > 0.5") + "unchecked: {video: flag}\n")
    assert WAYS["whole"](client(lax))[1] == broken


def test_a_film_that_breaks_off_is_the_sdk_s_error(blocks: Any, fake: Any, kit: Any, plain: bytes) -> None:
    """Nothing of it is had."""
    gives(fake, kit, plain[:900], cut=True)
    with pytest.raises(openai.APIConnectionError):
        WAYS["whole"](blocks)


def test_who_asks_is_what_the_film_is_judged_with(
    client: Any, guard_of: Callable[..., Guard], kit: Any, fake: Any, offending: bytes
) -> None:
    """Of a call without a body too."""
    own = guard_of(seeing(kit, "custom.green_square > 0.5 && request.tenant == 'acme'"))
    gives(fake, kit, offending)
    assert WAYS["whole"](client(own, tenant="other"))[1] == offending
    with pytest.raises(Blocked):
        WAYS["whole"](client(own, tenant="acme"))
