"""The images API: what is asked is judged, what is sent, and every picture that is made, whole and streamed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import openai
import pytest

from tests.cases import each_case
from tests.proxy import image_kit as kit_
from tests.proxy.conftest import EVERYWHERE, POLICY, Answer
from tests.proxy.image_kit import asking, encoded, events, file, form, is_green, made, uri

PATH = "/v1/images/generations"
EDITS = "/v1/images/edits"
VARIATIONS = "/v1/images/variations"
PICTURES = POLICY.replace("rules:", "  green: {{use: green_square}}\nrules:".format()) + (
    f"  - {{id: green, on: {EVERYWHERE}, when: custom.green_square > 0.5, then: THEN, message: Not that.}}\n"
)


@pytest.fixture(scope="module")
def stopping(guard_of):
    """A guard that blocks green squares, and texts as the others do."""
    return guard_of(PICTURES.replace("THEN", "block"))


@pytest.fixture(scope="module")
def covering(guard_of):
    """One that covers them."""
    return guard_of(PICTURES.replace("THEN", "redact"))


@pytest.fixture
def blocks(serve, stopping) -> str:
    """A proxy that blocks green squares."""
    return serve(stopping)


@pytest.fixture
def covers(serve, covering) -> str:
    """A proxy that covers them."""
    return serve(covering)


@pytest.fixture
def pictures(blocks, fake, kit) -> Callable[..., Answer]:
    """Return a function that asks for a picture, which is blocked where it is green."""
    return lambda body, path=PATH, **more: kit.send(blocks, path, body, **more)


def is_stopped(answer: Answer) -> bool:
    """Tell whether an answer is the images API's error for what is blocked."""
    error = answer.error
    told = (error["code"], error["type"], error["param"])
    return (answer.status, told) == (400, ("moderation_blocked", "image_generation_user_error", None))


def test_what_nothing_is_wrong_with_is_passed_on_byte_for_byte(pictures, fake) -> None:
    """Request and answer; `moderation` is the provider's own, and means nothing here."""
    body = b'{"model": "m",  "prompt": "a cat", "moderation": "low", "background": "transparent", "n": 2, "user": "jo"}'
    raw = json.dumps(made(encoded(), encoded(), background="opaque"), indent=2).encode()
    fake.answers(raw)

    answer = pictures(body, headers={"authorization": "Bearer k"})

    assert (answer.status, answer.raw, answer.action) == (200, raw, ("allow", ""))
    assert (fake.asked[0].path, fake.asked[0].raw) == (PATH, body)
    assert fake.asked[0].headers["authorization"] == "Bearer k"
    assert fake.asked[0].headers["content-type"] == "application/json"


@each_case("field", ["prompt", "negative_prompt", "negativePrompt", "user", "style", "x_new"])
def test_a_blocked_prompt_makes_no_picture(pictures, fake, field) -> None:
    """Wherever in the request it stands."""
    answer = pictures(asking(**{field: "a zqxbomb"}))

    assert is_stopped(answer)
    assert answer.action == ("block", "bomb.block")
    assert fake.asked == []


def test_what_is_not_to_be_seen_may_be_named(serve, guard_of, fake, kit) -> None:
    """Harm in a negative prompt is none; a rule can tell what a prompt asks for."""
    guard = guard_of(
        "detectors: {words: {use: terms, terms: [zqxgore], category: violence.graphic}}\n"
        "rules: [{id: words, on: input, when: violence > 0, then: block}]\n"
        "unchecked: {part: allow}\n"
    )
    fake.answers(made(encoded()))
    origin = serve(guard)
    assert kit.send(origin, PATH, asking("a cat", negative_prompt="zqxgore, blood")).status == 200
    assert is_stopped(kit.send(origin, PATH, asking("zqxgore", negative_prompt="blood")))


def test_a_prompt_is_redacted(pictures, fake) -> None:
    """All else of the request stays."""
    fake.answers(made(encoded()))
    assert pictures(asking("a zqxmask", n=1)).action == ("redact", "mask.redact")
    assert fake.asked[0].json == asking("a [MASK]", n=1)


@each_case(
    "found",
    [
        made(encoded(green=True)),
        made(encoded(), encoded(green=True)),
        made({"b64_json": None, "url": uri(green=True)}),
        made({"b64_json": encoded(), "url": uri(green=True)}),
        made({"b64_json": encoded(), "revised_prompt": "a zqxbomb"}),
        made(encoded(), x_new="a zqxbomb"),
    ],
)  # fmt: skip
def test_an_answer_of_which_anything_is_blocked_is_an_error(pictures, fake, found) -> None:
    """Never a part of it."""
    fake.answers(found)
    answer = pictures(asking())

    assert is_stopped(answer)
    assert answer.action[0] == "block"
    assert not any(each["b64_json"] in answer.raw.decode() for each in found["data"] if each["b64_json"])
    assert "zqx" not in answer.raw.decode()


@each_case(
    "found",
    [
        made({"url": "https://x.example/a.png"}),
        made({"b64_json": encoded(), "url": "https://x.example/a.png"}),
        made("no Base64!"),
        made(encoded()[:-12]),
        made({"revised_prompt": "a cat"}),
        made({"b64_json": encoded(), "image": encoded(green=True)}),
        made(encoded(), preview=[uri(green=True)]),
    ],
)
def test_a_picture_that_cannot_be_judged_is_stopped(pictures, fake, found) -> None:
    """One elsewhere, one that is broken, one in a field that nobody knows."""
    fake.answers(found)
    answer = pictures(asking())

    assert is_stopped(answer)
    assert answer.action[1].startswith("unchecked.")


def test_a_picture_of_an_answer_is_covered(covers, fake, kit) -> None:
    """It is Base64 of the same kind of file again; the others stay as they are."""
    fake.answers(made(encoded(), encoded(green=True), {"b64_json": encoded(), "revised_prompt": "a zqxmask"}))

    answer = kit.send(covers, PATH, asking())

    first, second, third = answer.json["data"]
    assert answer.action == ("redact", "mask.redact,green")
    assert (first, third) == ({"b64_json": encoded()}, {"b64_json": encoded(), "revised_prompt": "a [MASK]"})
    assert is_green(encoded(green=True))
    assert not is_green(second["b64_json"])


@each_case("raw", [b"{}", b"[]", b'{"data":"x"}', b'{"data":["x"]}', b"<html>"])
def test_what_is_no_answer_is_the_upstreams_fault(pictures, fake, raw) -> None:
    """502."""
    fake.answers(raw)
    assert pictures(asking()).status == 502


def test_a_stream_goes_on_picture_by_picture(blocks, fake, kit) -> None:
    """Each as it came, before the next one is there."""
    held = threading.Event()
    first, *others = events(encoded(), encoded(), last=encoded())
    told = fake.events(first, held, *others)
    held.set()

    answer = kit.send(blocks, PATH, asking(stream=True, partial_images=2))

    assert (answer.events, answer.action) == (told, ("allow", ""))


@each_case("broken", [encoded(green=True), "no Base64!"])
def test_a_stream_ends_with_an_error_where_a_picture_is_stopped(blocks, fake, kit, broken) -> None:
    """Nothing of that picture goes on, nor what follows."""
    fake.events(*events(encoded(), broken, last=encoded()))

    answer = kit.send(blocks, PATH, asking(stream=True))

    first, last = answer.frames
    assert (first["partial_image_index"], last["error"]["code"]) == (0, "moderation_blocked")
    assert answer.raw.count(b"event: error\n") == 1
    assert answer.later["x-guardrails-action"] == "block"


@each_case("partial", [(encoded(green=True),), ()])
def test_a_stream_whose_first_picture_is_stopped_is_an_error(blocks, fake, kit, partial) -> None:
    """With its own status, as nothing was sent yet."""
    fake.events(*events(*partial, last=encoded(green=True)))
    assert is_stopped(kit.send(blocks, PATH, asking(stream=True)))


def test_pictures_of_a_stream_are_covered(covers, fake, kit) -> None:
    """Partial ones and the last; what else an event says stays."""
    fake.events(*events(encoded(green=True), encoded(), last=encoded(green=True)))

    answer = kit.send(covers, PATH, asking(stream=True))

    shown = [frame["b64_json"] for frame in answer.frames]
    assert [is_green(each) for each in shown] == [False, False, False]
    assert shown[1] == encoded()
    assert answer.frames[2] == events(last=shown[2])[0]


@each_case("where", ["x_new", "size"])
def test_a_word_that_is_cut_over_two_events_is_a_word(blocks, fake, kit, where) -> None:
    """In a field that nobody knows, and in one that has a word elsewhere."""
    first, *others = events(encoded(), encoded(), last=encoded())
    fake.events({**first, where: "so a zqx"}, {**others[0], where: "bomb"}, others[1])

    assert is_stopped(kit.send(blocks, PATH, asking(stream=True)))


@each_case(
    "told", [events(encoded(), last=encoded())[:1], [{"type": "error", "error": {"message": "a zqxbomb"}}]]
)
def test_a_stream_that_breaks_off_is_an_error(blocks, fake, kit, told) -> None:
    """Whose words are judged too."""
    fake.events(*told)
    answer = kit.send(blocks, PATH, asking(stream=True))

    assert answer.status == 502 or "error" in answer.frames[-1]
    assert b"zqx" not in answer.raw


@each_case("green", [False, True])
def test_a_server_that_does_not_stream_is_told_as_a_stream(blocks, fake, kit, green) -> None:
    """Each of its pictures is an event of a finished one."""
    fake.answers(made(encoded(), encoded(green), quality="high"))
    answer = kit.send(blocks, PATH, asking(stream=True))
    if green:
        assert is_stopped(answer)
        return
    [first, second] = answer.frames
    assert first == second == {
        "type": "image_generation.completed", "created_at": 1790000000, "quality": "high",
        "usage": {"total_tokens": 2}, "b64_json": encoded(),
    }  # fmt: skip


def test_openais_client_makes_pictures(blocks, covers, fake) -> None:
    """The real SDK, whole and streamed."""
    with openai.OpenAI(base_url=f"{blocks}/v1", api_key="k", max_retries=0) as client:
        fake.answers(made(encoded()))
        answer = client.images.generate(model="m", prompt="a zqxmask")
        assert answer.data[0].b64_json == encoded()
        with pytest.raises(openai.BadRequestError) as caught:
            client.images.generate(model="m", prompt="zqxbomb")
        assert (caught.value.code, caught.value.type) == ("moderation_blocked", "image_generation_user_error")
        fake.events(*events(encoded(), last=encoded()))
        shown = list(client.images.generate(model="m", prompt="a cat", stream=True, partial_images=1))
        assert [each.type for each in shown] == [
            "image_generation.partial_image",
            "image_generation.completed",
        ]
        fake.events(*events(encoded(), last=encoded(green=True)))
        with pytest.raises(openai.APIError) as failed:
            list(client.images.generate(model="m", prompt="a cat", stream=True, partial_images=1))
        assert failed.value.code == "moderation_blocked"


def test_a_form_is_passed_on_byte_for_byte(blocks, fake, kit) -> None:
    """With its own boundary."""
    raw, headers = form(("prompt", "a cat"), ("image[]", file()), ("image[]", file(kind="JPEG")), ("n", "1"))
    raw = raw.replace(b"image/png", b"application/octet-stream")
    fake.answers(made(encoded()))

    answer = kit.send(blocks, EDITS, raw, headers)

    assert (answer.status, answer.action) == (200, ("allow", ""))
    assert (fake.asked[0].path, fake.asked[0].raw) == (EDITS, raw)
    assert fake.asked[0].headers["content-type"] == f'multipart/form-data; boundary="{kit_.BOUNDARY}"'


@each_case(
    "parts",
    [
        [("prompt", "a zqxbomb"), ("image", file())],
        [("prompt", "a cat"), ("image", file(green=True))],
        [("prompt", "a cat"), ("image[]", file()), ("image[]", file(green=True))],
        [("prompt", "a cat"), ("image", file()), ("mask", file(green=True))],
        [("prompt", "a cat"), ("image", uri(green=True))],
        [("prompt", "a cat"), ("image", encoded(green=True))],
        [("prompt", "a cat"), ("image", file()), ("user", "zqxbomb")],
        [("prompt", "a cat"), ("image", file()), ("x_new", "zqxbomb")],
        [("prompt", "a cat"), ("image", file()), ("zqxbomb", "x")],
        [b'Content-Disposition: form-data; name="image"; filename="zqxbomb.png"\r\n\r\n' + file()],
    ],
)
@each_case("path", [EDITS, VARIATIONS])
def test_a_form_of_which_anything_is_blocked_goes_nowhere(blocks, fake, kit, path, parts) -> None:
    """Prompt, pictures, the second one, the mask, whatever else there is."""
    raw, headers = form(*parts)
    assert is_stopped(kit.send(blocks, path, raw, headers))
    assert fake.asked == []


@each_case("part", [("image", b"no picture"), ("image", b""), ("image", file()[:60]), ("image", "https://x.example/a.png"), ("mask", "file-1")])  # fmt: skip
def test_a_picture_of_a_form_that_cannot_be_judged_is_stopped(blocks, fake, kit, part) -> None:
    """One that is broken, or elsewhere."""
    raw, headers = form(("prompt", "a cat"), part)
    answer = kit.send(blocks, EDITS, raw, headers)

    assert is_stopped(answer)
    assert answer.action[1].startswith("unchecked.")
    assert fake.asked == []


@each_case(
    ("path", "parts", "code"),
    [
        (EDITS, [("prompt", b"a zqxbomb")], "not_json"),
        (EDITS, [("x_new", file())], "not_json"),
        (EDITS, [("prompt", "a"), ("prompt", "b")], "duplicate_key"),
        (PATH, [("prompt", "a")], "invalid_json"),
    ],
)
def test_a_form_that_nobody_can_judge_is_refused(blocks, fake, kit, path, parts, code) -> None:
    """A file where a text should be, or in a field that nobody knows; a form where there is none."""
    raw, headers = form(*parts)
    answer = kit.send(blocks, path, raw, headers)

    assert (answer.status, answer.error["code"]) == (400, code)
    assert fake.asked == []


def test_variations_are_asked_for_by_a_form(blocks, fake, kit) -> None:
    """JSON is refused."""
    answer = kit.send(blocks, VARIATIONS, {"image": uri()})
    assert (answer.status, answer.error["code"]) == (400, "unsupported_media_type")


def test_a_form_is_redacted(covers, fake, kit) -> None:
    """Its texts, and its pictures, which stay files; the rest is as it came."""
    raw, headers = form(
        ("prompt", "a zqxmask"), ("image[]", file()), ("image[]", file(green=True)), ("n", "1")
    )
    fake.answers(made(encoded()))

    answer = kit.send(covers, EDITS, raw, headers)

    sent = fake.asked[0].raw
    assert answer.action == ("redact", "mask.redact,green")
    assert sent.startswith(raw.split(b"a zqxmask")[0] + b"a [MASK]")
    assert file() in sent
    assert file(True) not in sent
    picture = sent.rsplit(b"image/png\r\n\r\n", 1)[1].split(b"\r\n--" + kit_.BOUNDARY.encode())[0]
    assert not is_green(picture)


@each_case(
    "body",
    [
        {"images": [{"image_url": uri()}, {"image_url": uri(green=True)}]},
        {"images": [{"image_url": uri()}], "mask": {"image_url": uri(green=True)}},
        {"images": [{"image_url": "https://x.example/a.png"}]},
        {"images": [{"file_id": "file-1"}]},
        {"images": [{"file_id": "file-1", "image_url": uri()}]},
        {"image": encoded(green=True)},
        {"image": [uri(green=True)]},
    ],
)
def test_an_edit_may_be_asked_for_as_json(blocks, fake, kit, body) -> None:
    """Pictures are in it, and judged; those that are elsewhere are not known."""
    assert is_stopped(kit.send(blocks, EDITS, asking(**body)))
    assert fake.asked == []


def test_a_form_asks_for_a_stream(blocks, fake, kit) -> None:
    """As JSON does."""
    raw, headers = form(("prompt", "a cat"), ("image", file()), ("stream", "true"))
    told = fake.events(*events(encoded(), last=encoded(), kind="image_edit"))
    assert kit.send(blocks, EDITS, raw, headers).events == told

    fake.answers(made(encoded()))
    [one] = kit.send(blocks, EDITS, raw, headers).frames
    assert one["type"] == "image_edit.completed"


def test_a_model_of_another_name_at_the_upstream_is_put_into_the_form(serve, fake, kit, stopping) -> None:
    """The rest of it stays."""
    url = serve(
        stopping, upstream=None, upstreams={"a": {"url": fake.url, "models": ["m"], "rename": {"m": "own"}}}
    )
    raw, headers = form(("prompt", "a cat"), ("model", "m"), ("image", file()))
    fake.answers(made(encoded()))

    assert kit.send(url, EDITS, raw, headers).status == 200
    assert fake.asked[0].raw == raw.replace(b"\r\n\r\nm\r\n", b"\r\n\r\nown\r\n")


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_openais_client_edits_pictures(blocks, fake) -> None:
    """The real SDK: forms with one picture or more, whole and streamed; and variations."""
    one, two = ("a.png", file(), "image/png"), ("b.png", file(green=True), "image/png")
    with openai.OpenAI(base_url=f"{blocks}/v1", api_key="k", max_retries=0) as client:
        fake.answers(made(encoded()))
        answer = client.images.edit(model="m", image=[one, one], mask=one, prompt="a zqxmask")
        assert answer.data[0].b64_json == encoded()
        assert b"a [MASK]" in fake.asked[-1].raw
        client.images.edit(model="m", image=file(), prompt="a cat", n=1)
        assert client.images.create_variation(image=one).data[0].b64_json == encoded()
        for call in (
            lambda: client.images.edit(model="m", image=[one, two], prompt="a cat"),
            lambda: client.images.edit(model="m", image=one, mask=two, prompt="a cat"),
            lambda: client.images.create_variation(image=two),
        ):
            with pytest.raises(openai.BadRequestError) as caught:
                call()
            assert caught.value.code == "moderation_blocked"
        fake.events(*events(encoded(), last=encoded(), kind="image_edit"))
        shown = list(client.images.edit(model="m", image=one, prompt="a cat", stream=True, partial_images=1))
        assert [each.type for each in shown] == ["image_edit.partial_image", "image_edit.completed"]
        fake.events(*events(encoded(green=True), last=encoded(), kind="image_edit"))
        with pytest.raises(openai.APIError):
            list(client.images.edit(model="m", image=one, prompt="a cat", stream=True, partial_images=1))
