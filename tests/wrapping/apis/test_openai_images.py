"""OpenAI's images API through its released SDK, wrapped: prompts, pictures that are sent and those that are made are judged."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from guardrails import BackendError, Blocked, RequestError
from tests.cases import each_case

pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")


def answering(
    fake: Any, image_kit: Any, *pictures: Any, stream: bool, kind: str = "image_generation"
) -> None:
    """Let the model draw these, of a stream the last one whole."""
    if stream:
        *partial, last = pictures
        fake.events(*image_kit.events(*partial, last=last, kind=kind))
    else:
        fake.answers(image_kit.made(*pictures))


def shown(answer: Any) -> list[str]:
    """Return the pictures of an answer or of a stream's events, in Base64."""
    return [each.b64_json for each in (answer if isinstance(answer, list) else answer.data)]


def draws(client: Any, prompt: str = "a cat", **more: Any) -> Any:
    """Ask for a picture."""
    return client("images.generate", model="m", prompt=prompt, **more)


STREAMED = each_case("stream", [False, True], ids=["whole", "stream"])


@STREAMED
def test_what_nothing_is_wrong_with_is_as_it_was(
    blocks: Any, fake: Any, image_kit: Any, stream: bool
) -> None:
    """The request, and the answer in the SDK's own types."""
    answering(fake, image_kit, image_kit.encoded(), image_kit.encoded(), stream=stream)
    answer = draws(blocks, stream=stream, n=1, size="1024x1024")

    assert shown(answer) == [image_kit.encoded()] * 2
    assert fake.asked[0].path == "/v1/images/generations"
    asked = {"model": "m", "prompt": "a cat", "n": 1, "size": "1024x1024"}
    assert fake.asked[0].json == {**asked, "stream": stream}
    if stream:
        kinds = [openai.types.ImageGenPartialImageEvent, openai.types.ImageGenCompletedEvent]
        assert [type(event) for event in answer] == kinds
        assert (answer[0].partial_image_index, answer[1].usage.total_tokens) == (0, 2)
    else:
        assert type(answer) is openai.types.ImagesResponse


@STREAMED
def test_a_prompt_is_redacted_or_blocked(blocks: Any, fake: Any, image_kit: Any, stream: bool) -> None:
    """A blocked one is never sent."""
    answering(fake, image_kit, image_kit.encoded(), stream=stream)
    draws(blocks, "a zqxmask", stream=stream)
    assert fake.asked[0].json["prompt"] == "a [MASK]"
    with pytest.raises(Blocked, match="Not that"):
        draws(blocks, "a zqxbomb", stream=stream)
    assert len(fake.asked) == 1


@STREAMED
@each_case("on_block", ["raise", "answer"])
def test_a_picture_that_is_blocked_is_never_had(
    client: Any, looking: Any, fake: Any, image_kit: Any, stream: bool, on_block: str
) -> None:
    """`Blocked` carries the verdict, whichever way blocks are answered: no picture could refuse."""
    answering(fake, image_kit, image_kit.encoded(), image_kit.encoded(green=True), stream=stream)
    with pytest.raises(Blocked, match="No squares") as caught:
        draws(client(looking("block"), on_block=on_block), stream=stream)
    assert [rule.id for rule in caught.value.verdict.rules] == ["green"]


@STREAMED
def test_a_picture_is_covered(covers: Any, fake: Any, image_kit: Any, stream: bool) -> None:
    """Partial ones and the last; it is a picture again, and the others stay as they are."""
    green = image_kit.encoded(green=True)
    answering(fake, image_kit, green, image_kit.encoded(), green, stream=stream)

    first, second, third = shown(draws(covers, stream=stream))

    assert second == image_kit.encoded()
    assert [image_kit.is_green(each) for each in (first, third)] == [False, False]
    assert image_kit.is_green(green)


@each_case("how", ["sync", "async"])
def test_partial_pictures_go_on_one_by_one(how: str, looking: Any, fake: Any, image_kit: Any) -> None:
    """Those before the one that is blocked have been had, and nothing of that one nor of what follows."""
    plain, green = image_kit.encoded(), image_kit.encoded(green=True)
    fake.events(*image_kit.events(plain, green, plain, last=plain))
    asked: dict[str, Any] = {"model": "m", "prompt": "a cat", "stream": True, "partial_images": 3}
    had: list[str] = []

    async def asynchronous() -> None:
        bare = openai.AsyncOpenAI(base_url=fake.url, api_key="k", max_retries=0)
        async with looking("block").wrap(bare) as made:
            async for event in await made.images.generate(**asked):
                had.append(event.b64_json)  # noqa: PERF401 - what came before an exception counts

    def synchronous() -> None:
        with looking("block").wrap(openai.OpenAI(base_url=fake.url, api_key="k", max_retries=0)) as made:
            had.extend(event.b64_json for event in made.images.generate(**asked))

    with pytest.raises(Blocked):
        asyncio.run(asynchronous()) if how == "async" else synchronous()
    assert had == [plain]


@each_case(("said", "told"), [("a cat", openai.APIError), ("a zqxbomb", Blocked)])
def test_a_model_that_fails_in_a_stream_says_so(
    blocks: Any, fake: Any, image_kit: Any, said: str, told: Any
) -> None:
    """In its own words, which are judged."""
    error = {"type": "error", "error": {"type": "server_error", "code": "x", "message": said}}
    fake.events(image_kit.events(last=image_kit.encoded())[0], error)
    with pytest.raises(told):
        draws(blocks, stream=True)


def test_a_word_that_is_cut_over_two_events_is_a_word(blocks: Any, fake: Any, image_kit: Any) -> None:
    """In a field that nobody knows: from there on all waits for the end."""
    first, last = image_kit.events(image_kit.encoded(), last=image_kit.encoded())
    fake.events({**first, "x_new": "so a zqx"}, {**last, "x_new": "bomb"})
    with pytest.raises(Blocked, match="Not that"):
        draws(blocks, stream=True)


@each_case(
    "found",
    [
        {"url": "https://x.example/a.png"},
        {"b64_json": "no Base64!"},
        {"b64_json": "aGVsbG8="},
        {"revised_prompt": "a cat"},
    ],
)
def test_a_picture_that_cannot_be_judged_is_stopped(
    blocks: Any, fake: Any, image_kit: Any, found: Any
) -> None:
    """One elsewhere, which nobody here fetches, one that is broken, and one that is not there."""
    fake.answers(image_kit.made(found))
    with pytest.raises(Blocked) as caught:
        draws(blocks)
    assert caught.value.verdict.rules[0].id.startswith("unchecked.")


def test_a_picture_elsewhere_passes_where_the_policy_lets_it(
    client: Any, guard_of: Any, kit: Any, fake: Any, image_kit: Any
) -> None:
    """Named as unchecked, as `unchecked: part` has it."""
    fake.answers(image_kit.made({"url": "https://x.example/a.png"}))
    answer = draws(client(guard_of(kit.POLICY + "unchecked: {part: flag}\n")))
    assert answer.data[0].url == "https://x.example/a.png"


def edits(client: Any, image: Any, **more: Any) -> Any:
    """Ask for a picture to be edited."""
    return client("images.edit", model="m", image=image, prompt="a cat", **more)


def files(image_kit: Any, tmp_path: Path) -> dict[str, Callable[[bool], Any]]:
    """Return the ways to give a file."""

    def path(green: bool) -> Path:
        where = tmp_path / f"{green}.png"
        where.write_bytes(image_kit.file(green))
        return where

    return {
        "bytes": image_kit.file,
        "path": path,
        "open file": lambda green: path(green).open("rb"),
        "memory": lambda green: io.BytesIO(image_kit.file(green)),
        "named": lambda green: ("a.png", image_kit.file(green)),
        "typed": lambda green: ("a", io.BytesIO(image_kit.file(green)), "image/png"),
        "named path": lambda green: ("a.png", path(green)),
    }


WAYS = ["bytes", "path", "open file", "memory", "named", "typed", "named path"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("way", WAYS)
def test_a_picture_that_is_sent_is_judged(
    blocks: Any, fake: Any, image_kit: Any, tmp_path: Path, way: str
) -> None:
    """However it is given: what was judged goes out, once; what is blocked never does."""
    made = files(image_kit, tmp_path)[way]
    fake.answers(image_kit.made(image_kit.encoded()))

    assert shown(edits(blocks, made(False))) == [image_kit.encoded()]
    assert fake.asked[0].path == "/v1/images/edits"
    assert fake.asked[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert fake.asked[0].raw.count(image_kit.file()) == 1
    assert b'name="image"; filename=' in fake.asked[0].raw
    with pytest.raises(Blocked, match="No squares"):
        edits(blocks, made(True))
    assert len(fake.asked) == 1


@each_case("where", ["second", "mask", "markup", "variation", "prompt", "name"])
def test_wherever_in_a_form_it_stands(blocks: Any, fake: Any, image_kit: Any, where: str) -> None:
    """Nothing is sent."""
    plain, green = image_kit.file(), image_kit.file(green=True)
    calls: dict[str, Callable[[], Any]] = {
        "second": lambda: edits(blocks, [plain, green]),
        "mask": lambda: edits(blocks, plain, mask=green),
        "markup": lambda: edits(blocks, plain, markup=green),
        "variation": lambda: blocks("images.create_variation", image=green),
        "prompt": lambda: blocks("images.edit", model="m", image=plain, prompt="a zqxbomb"),
        "name": lambda: edits(blocks, ("zqxbomb.png", plain)),
    }
    with pytest.raises(Blocked):
        calls[where]()
    assert fake.asked == []


def test_a_form_is_redacted(covers: Any, fake: Any, image_kit: Any) -> None:
    """Its texts, and its pictures, which stay files of their names and types; the rest is as it came."""
    fake.answers(image_kit.made(image_kit.encoded()))
    plain, green = image_kit.file(), image_kit.file(green=True)
    covers("images.edit", model="m", image=[("a.png", plain), ("b.png", green)], prompt="a zqxmask", n=1)

    raw = fake.asked[0].raw
    assert b"a [MASK]" in raw
    assert plain in raw
    assert green not in raw
    boundary = fake.asked[0].headers["content-type"].partition("boundary=")[2].encode()
    head, _, rest = raw.partition(b'name="image[]"; filename="b.png"')[2].partition(b"\r\n\r\n")
    assert b"Content-Type: image/png" in head
    assert not image_kit.is_green(rest.partition(b"\r\n--" + boundary)[0])


@STREAMED
def test_an_edit_is_answered_as_a_picture_is(blocks: Any, fake: Any, image_kit: Any, stream: bool) -> None:
    """Whole and streamed."""
    plain, green = image_kit.encoded(), image_kit.encoded(green=True)
    answering(fake, image_kit, plain, plain, stream=stream, kind="image_edit")
    answer = edits(blocks, image_kit.file(), stream=stream)
    assert shown(answer) == [plain, plain]
    if stream:
        assert type(answer[1]) is openai.types.ImageEditCompletedEvent
    answering(fake, image_kit, plain, green, stream=stream, kind="image_edit")
    with pytest.raises(Blocked):
        edits(blocks, image_kit.file(), stream=stream)


def test_a_variation_is_answered(blocks: Any, fake: Any, image_kit: Any) -> None:
    """Its picture is judged too."""
    fake.answers(image_kit.made(image_kit.encoded()))
    assert shown(blocks("images.create_variation", image=image_kit.file())) == [image_kit.encoded()]
    assert fake.asked[0].path == "/v1/images/variations"
    fake.answers(image_kit.made(image_kit.encoded(green=True)))
    with pytest.raises(Blocked):
        blocks("images.create_variation", image=image_kit.file())


def test_a_call_is_tried_again_with_the_same_files(
    client: Any, looking: Any, fake: Any, image_kit: Any
) -> None:
    """What was read of a file once is sent each time."""
    fake.answers({"error": {"message": "later"}}, status=503, headers={"retry-after-ms": "1"})
    with pytest.raises(openai.InternalServerError):
        edits(client(looking("block"), retries=1), io.BytesIO(image_kit.file()))
    assert [each.raw.count(image_kit.file()) for each in fake.asked] == [1, 1]


REFUSED: dict[str, dict[str, Any]] = {
    "a second spelling": {"extra_body": {"image": "aGVsbG8="}},
    "another spelling": {"extra_body": {"Image[]": "aGVsbG8="}},
    "a file nobody knows": {"mask": ("a.png", b"x", "image/png", {"x-a": "b"})},
    "no JSON": {"extra_body": {"x_new": b"x"}},
}


@each_case("way", REFUSED)
def test_a_form_that_nobody_can_judge_is_refused(blocks: Any, fake: Any, image_kit: Any, way: str) -> None:
    """It could be read in two ways."""
    with pytest.raises(RequestError):
        edits(blocks, image_kit.file(), **REFUSED[way])
    assert fake.asked == []


def test_the_boundary_of_a_form_is_not_the_callers(blocks: Any, fake: Any, image_kit: Any) -> None:
    """A prompt that knew it could be read as more fields."""
    fake.answers(image_kit.made(image_kit.encoded()))
    edits(
        blocks,
        image_kit.file(),
        extra_headers={"content-type": "multipart/form-data; boundary=b", "x-a": "c"},
    )
    assert not fake.asked[0].headers["content-type"].endswith("boundary=b")
    assert fake.asked[0].headers["x-a"] == "c"


def test_a_form_may_be_asked_for_without_files(blocks: Any, fake: Any, image_kit: Any) -> None:
    """As JSON, whose pictures are judged alike."""
    body = {"model": "m", "prompt": "x", "images": [{"image_url": image_kit.uri(green=True)}]}
    with pytest.raises(Blocked, match="No squares"):
        blocks.use(lambda made: made.post("/images/edits", body=body, cast_to=object))
    assert fake.asked == []


def test_azures_client_is_guarded_too(looking: Any, fake: Any, image_kit: Any) -> None:
    """At its own paths; the deployment is the model."""
    fake.answers(image_kit.made(image_kit.encoded(green=True)))
    bare = openai.AzureOpenAI(
        azure_endpoint=fake.url.removesuffix("/v1"), api_key="k", api_version="1", max_retries=0
    )
    with looking("block").wrap(bare) as made:
        with pytest.raises(Blocked):
            made.images.generate(model="d", prompt="a cat")
        with pytest.raises(Blocked):
            made.images.edit(model="d", prompt="a cat", image=image_kit.file())
        with pytest.raises(Blocked):
            made.images.edit(model="d", prompt="a cat", image=image_kit.file(green=True))
    paths = [f"/openai/deployments/d/images/{name}?api-version=1" for name in ("generations", "edits")]
    assert [each.path for each in fake.asked] == paths


def test_a_raw_response_is_judged(covers: Any, fake: Any, image_kit: Any) -> None:
    """What may be had of it is what the policy leaves."""
    fake.answers(image_kit.made(image_kit.encoded(green=True)))
    raw = covers("images.with_raw_response.generate", model="m", prompt="a cat")
    assert not image_kit.is_green(json.loads(raw.content)["data"][0]["b64_json"])
    assert not image_kit.is_green(base64.b64decode(raw.parse().data[0].b64_json))


@each_case("cut", [True, False])
def test_a_stream_that_is_none_is_an_error(blocks: Any, fake: Any, image_kit: Any, cut: bool) -> None:
    """It breaks off, or has two types."""
    first, last = image_kit.events(image_kit.encoded(), last=image_kit.encoded())
    if cut:
        fake.events(first)
    else:
        fake.streams(b"event: other\ndata: " + json.dumps(last).encode() + b"\n\n", done=False)
    with pytest.raises(BackendError):
        draws(blocks, stream=True)


def responds(client: Any, **more: Any) -> Any:
    """Ask for a response that draws."""
    tools = [{"type": "image_generation", "partial_images": 2}]
    return client("responses.create", model="m", input="draw a cat", tools=tools, **more)


def drawn(answer: Any) -> list[str]:
    """Return all pictures of a response or of its events."""
    if not isinstance(answer, list):
        items = [item for item in answer.output if item.type == "image_generation_call"]
        return [item.result for item in items if item.result is not None]
    partial = [each.partial_image_b64 for each in answer if each.type.endswith("partial_image")]
    return [*partial, *drawn(answer[-1].response)]


def test_a_response_that_draws_is_as_it_was(blocks: Any, fake: Any, image_kit: Any) -> None:
    """Each picture on its way, the finished one, and the numbers of the events."""
    plain = image_kit.encoded()
    told = image_kit.drawing(plain, plain, result=plain)
    fake.events(*told)
    answer = responds(blocks, stream=True)
    assert drawn(answer) == [plain] * 3
    assert [event.sequence_number for event in answer] == [*range(len(told))]
    assert type(answer[5]) is openai.types.responses.ResponseImageGenCallPartialImageEvent
    fake.answers(told[-1]["response"])
    assert drawn(responds(blocks)) == [plain]


@each_case("at", [0, 1, 2])
def test_a_picture_that_a_response_draws_is_covered(covers: Any, fake: Any, image_kit: Any, at: int) -> None:
    """One on its way, or the last; the others stay as they are."""
    some = [image_kit.encoded(green=index == at) for index in range(3)]
    told = image_kit.drawing(*some[:2], result=some[2])
    fake.events(*told)
    answer = responds(covers, stream=True)
    assert [image_kit.is_green(each) for each in drawn(answer)] == [False] * 3
    assert [each == some[index] for index, each in enumerate(drawn(answer))] == [
        index != at for index in range(3)
    ]
    numbers = [event.sequence_number for event in answer]
    assert numbers == sorted({*numbers})
    fake.answers(told[-1]["response"])
    assert [image_kit.is_green(each) for each in drawn(responds(covers))] == [False]


@each_case("at", [0, 1, 2])
@each_case("on_block", ["raise", "answer"])
def test_a_picture_that_a_response_draws_is_blocked(
    client: Any, looking: Any, fake: Any, image_kit: Any, at: int, on_block: str
) -> None:
    """One on its way, or the last: it is raised, or the response ends in a refusal; those before it have been had."""
    some = [image_kit.encoded(green=index == at) for index in range(3)]
    fake.events(*image_kit.drawing(*some[:2], result=some[2]))
    wrapped = client(looking("block"), on_block=on_block)
    if on_block == "raise":
        with pytest.raises(Blocked, match="No squares"):
            responds(wrapped, stream=True)
        return
    answer = responds(wrapped, stream=True)
    assert drawn(answer) == some[:at]
    assert answer[-1].response.status == "incomplete"
    assert answer[-1].response.output[-1].content[0].refusal == "No squares."


def test_a_mask_and_an_earlier_drawing_are_judged(blocks: Any, fake: Any, image_kit: Any) -> None:
    """Before anything is sent."""
    tool = {"type": "image_generation", "input_image_mask": {"image_url": image_kit.uri(green=True)}}
    item = {
        "type": "image_generation_call",
        "id": "ig_1",
        "status": "completed",
        "result": image_kit.encoded(green=True),
    }
    for asked in ({"input": "x", "tools": [tool]}, {"input": [{"role": "user", "content": "x"}, item]}):
        with pytest.raises(Blocked, match="No squares"):
            blocks("responses.create", model="m", **asked)
    assert fake.asked == []
