"""The chat API at Azure's path."""

from __future__ import annotations

import openai
import pytest

from guardrails.protocols.responses.protocol import RESPONSES
from guardrails.proxy.routes.openai.azure_deployments import BASE, NEWER, PROTOCOLS, show_key
from guardrails.proxy.routes.route_table import AZURE
from guardrails.wire.forms import form as read_form
from tests.cases import each_case
from tests.proxy.conftest import RawReply
from tests.proxy.contract_audio import silence
from tests.proxy.image_kit import encoded, events, file, form, made
from tests.proxy.metrics_kit import counted

AT = "/openai/deployments/gpt-x/chat/completions"
QUERY = "?api-version=2024-10-21"


def test_it_is_the_chat_api(proxy, fake, kit) -> None:
    """Judged like any chat; the upstream is asked at its own path, by the name of the deployment."""
    fake.answers(kit.completion("a zqxmask"))

    answer = kit.send(proxy, AT + QUERY, {"messages": [{"role": "user", "content": "a zqxmask"}]})

    assert (answer.status, answer.action) == (200, ("redact", "mask.redact"))
    assert fake.asked[0].path == "/v1/chat/completions"
    assert fake.asked[0].json == {"model": "gpt-x", "messages": [{"role": "user", "content": "a [MASK]"}]}
    assert answer.json["choices"][0]["message"]["content"] == "a [MASK]"
    assert "content_filter_results" in answer.json["choices"][0]
    assert f'route="{BASE}/chat/completions",status="200"' in kit.send(proxy, "/metrics").raw.decode()


@each_case(
    ("raw", "sent"),
    [
        (b'{"messages":[], "top_p":1.0e0}', b'{"model":"gpt-x","messages":[], "top_p":1.0e0}'),
        (b'{ "model" : "other","messages":[]}', b'{ "model" : "gpt-x","messages":[]}'),
        (b'{"messages":[], "model":"gpt-x" }', b'{"messages":[], "model":"gpt-x" }'),
        (b'{"model":null,"messages":[]}', b'{"model":"gpt-x","messages":[]}'),
    ],
)
def test_the_deployment_is_the_model(proxy, fake, kit, raw, sent) -> None:
    """Whatever the body says; all else of it goes on as it came."""
    kit.send(proxy, AT + QUERY, raw)

    assert fake.asked[0].raw == sent


def test_rules_read_the_deployment_as_the_model(serve, fake, guard_of, kit) -> None:
    """Not what the body says, which nobody is asked for."""
    guard = guard_of("rules: [{id: m, on: input, when: 'request.model == \"gpt-x\"', then: block}]")
    url, hi = serve(guard), [{"role": "user", "content": "hi"}]

    assert kit.send(url, AT, {"model": "y", "messages": hi}).status == 400
    assert kit.send(url, AT.replace("gpt-x", "y"), {"model": "gpt-x", "messages": hi}).status == 200


def test_the_name_of_a_deployment_is_judged(proxy, fake, kit) -> None:
    """Unless it is a word, like any model's."""
    answer = kit.send(proxy, "/openai/deployments/the%20zqxbomb/chat/completions", kit.asking("hi"))

    assert (answer.status, fake.asked, answer.action[0]) == (400, [], "block")


@each_case(
    "doubled", [b'{"model":"a","model":"b","messages":[]}', b'{"model":"a","Model":"b","messages":[]}']
)
def test_two_models_are_refused(proxy, fake, kit, doubled) -> None:
    """As ever."""
    assert kit.send(proxy, AT, doubled).error["code"] == "duplicate_key"
    assert fake.asked == []


@each_case("path", ["/openai/deployments/a/b/chat/completions", "/openai/deployments//chat/completions"])
def test_other_paths_are_not_served(proxy, fake, kit, path) -> None:
    """404, in OpenAI's shape."""
    answer = kit.send(proxy, path, kit.asking("hi"))

    assert (answer.status, answer.error["code"], fake.asked) == (404, "not_found", [])


def test_the_clients_key_goes_where_servers_look_for_it(serve, proxy, fake, kit) -> None:
    """Azure's clients send theirs in a header of Azure's; the operator's own goes instead of it, in both."""
    kit.send(proxy, AT, kit.asking("hi"), {"api-key": "k1"})
    kit.send(serve(upstream_key="k2"), AT, kit.asking("hi"), {"api-key": "k1"})

    keys = [(each.headers["api-key"], each.headers["authorization"]) for each in fake.asked]
    assert keys == [("k1", "Bearer k1"), ("k2", "Bearer k2")]


@each_case(
    ("headers", "shown"),
    [
        ([], []),
        ([(b"authorization", b"Bearer t")], [(b"authorization", b"Bearer t")]),
        ([(b"api-key", b"k")], [(b"api-key", b"k"), (b"authorization", b"Bearer k")]),
        ([(b"authorization", b"Bearer t"), (b"api-key", b"k")], [(b"authorization", b"Bearer t"), (b"api-key", b"k")]),
    ],
)  # fmt: skip
def test_a_token_stays_what_it_is(headers, shown) -> None:
    """A key is shown only where nothing stands."""
    scope = {"headers": headers}
    show_key(scope)
    assert scope["headers"] == shown


def test_azures_client_works_unmodified(proxy, fake, kit) -> None:
    """Whole, streamed, and where its prompt is blocked: it reads the annotations that it knows."""
    client = openai.AzureOpenAI(azure_endpoint=proxy, api_key="k", api_version="2024-10-21", max_retries=0)
    ask = {"model": "gpt-x", "messages": [{"role": "user", "content": "hi"}]}
    fake.answers(kit.completion("a zqxmask"))
    whole = client.chat.completions.create(**ask)
    fake.streams(*kit.pieces("a zqxmask"))
    chunks = [*client.chat.completions.create(**ask, stream=True)]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="gpt-x", messages=[{"role": "user", "content": "zqxbomb"}])
    client.close()

    assert [each.path for each in fake.asked] == ["/v1/chat/completions"] * 2
    assert whole.choices[0].message.content == "a [MASK]"
    told = whole.choices[0].model_extra["content_filter_results"]
    assert told["custom_blocklists"]["details"] == [{"filtered": True, "id": "mask.redact"}]
    assert (chunks[0].choices, len(chunks[0].model_extra["prompt_filter_results"])) == ([], 1)
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == "a [MASK]"
    assert chunks[-1].choices[0].model_extra["content_filter_results"] == told
    assert caught.value.code == "content_filter"
    assert caught.value.body["innererror"]["code"] == "ResponsibleAIPolicyViolation"


def test_a_client_with_one_deployment_works_too(proxy, fake, kit) -> None:
    """Its base URL holds the deployment; it may also wish for moderation."""
    client = openai.AzureOpenAI(
        azure_endpoint=proxy, azure_deployment="dep", api_key="k", api_version="2024-10-21", max_retries=0
    )
    said = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hi"}], moderation={"model": "omni"}
    )
    client.close()

    assert fake.asked[0].json == {"model": "dep", "messages": [{"role": "user", "content": "hi"}]}
    assert said.moderation.output.results[0].flagged is False


def test_other_apis_are_served_too(proxy, fake, kit) -> None:
    """Completions and embeddings, by the same client; nothing is added to what it gets."""
    client = openai.AzureOpenAI(azure_endpoint=proxy, api_key="k", api_version="2024-10-21", max_retries=0)
    fake.answers(
        {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"}
    )
    vector = (
        client.embeddings.create(model="gpt-x", input="a zqxmask", encoding_format="float").data[0].embedding
    )
    fake.answers(
        {**kit.completion(), "choices": [{"index": 0, "text": "a zqxmask", "finish_reason": "stop"}]}
    )
    text = client.completions.create(model="gpt-x", prompt="hi").choices[0]
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="gpt-x", input="zqxbomb")
    client.close()

    assert (vector, text.text, text.model_extra) == ([0.5], "a [MASK]", {})
    assert [(each.path, each.json["model"]) for each in fake.asked] == [
        ("/v1/embeddings", "gpt-x"),
        ("/v1/completions", "gpt-x"),
    ]
    assert fake.asked[0].json["input"] == "a [MASK]"
    assert (caught.value.code, caught.value.param) == ("content_filter", "input")


@pytest.fixture
def looking(serve, guard_of, kit) -> str:
    """A proxy that blocks green squares."""
    policy = kit.policy.replace("rules:", "  green: {use: green_square}\nrules:", 1)
    rule = "  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: block}\n"
    return str(serve(guard_of(policy + rule)))


def test_pictures_are_made_and_edited_too(looking, fake) -> None:
    """By the same client: as JSON, as forms, and streamed; what is asked, sent and made is judged."""
    client = openai.AzureOpenAI(
        azure_endpoint=looking, api_key="k", api_version="2025-04-01-preview", max_retries=0
    )
    fake.answers(made(encoded()))
    assert client.images.generate(model="gpt-x", prompt="a zqxmask").data[0].b64_json == encoded()
    assert client.images.edit(model="gpt-x", image=file(), prompt="a zqxmask").data[0].b64_json == encoded()
    fake.events(*events(encoded(), last=encoded(), kind="image_edit"))
    told = [*client.images.edit(model="gpt-x", image=file(), prompt="a cat", stream=True)]
    assert [each.type for each in told] == ["image_edit.partial_image", "image_edit.completed"]
    fake.answers(made(encoded(green=True)))
    for call in (
        lambda: client.images.generate(model="gpt-x", prompt="a zqxbomb"),
        lambda: client.images.edit(model="gpt-x", image=file(), prompt="a zqxbomb"),
        lambda: client.images.edit(model="gpt-x", image=file(green=True), prompt="a cat"),
        lambda: client.images.generate(model="gpt-x", prompt="a cat"),
        lambda: client.images.edit(model="gpt-x", image=file(), prompt="a cat"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            call()
        assert caught.value.code == "moderation_blocked"
    client.close()

    assert [each.path for each in fake.asked] == [
        f"/v1/images/{name}" for name in ("generations", "edits", "edits", "generations", "edits")
    ]
    assert (fake.asked[0].json["prompt"], fake.asked[0].json["model"]) == ("a [MASK]", "gpt-x")
    assert b"a [MASK]" in fake.asked[1].raw


def test_sounds_are_made_and_heard_too(proxy, fake) -> None:
    """By the same client."""
    client = openai.AzureOpenAI(
        azure_endpoint=proxy, api_key="k", api_version="2025-04-01-preview", max_retries=0
    )
    sound = silence()
    fake.reply = RawReply([sound], content_type="audio/wav")
    assert client.audio.speech.create(model="gpt-x", voice="alloy", input="a zqxmask").read() == sound
    fake.answers({"text": "a zqxmask"})
    heard = client.audio.transcriptions.create(model="gpt-x", file=("a.wav", sound, "audio/wav"))
    assert heard.text == "a [MASK]"
    with pytest.raises(openai.BadRequestError):
        client.audio.speech.create(model="gpt-x", voice="alloy", input="a zqxbomb")
    client.close()

    assert [each.path for each in fake.asked] == ["/v1/audio/speech", "/v1/audio/transcriptions"]
    assert (fake.asked[0].json["input"], fake.asked[0].json["model"]) == ("a [MASK]", "gpt-x")


def test_the_deployment_is_the_model_of_a_form(looking, fake, kit) -> None:
    """Whatever the form says; it is judged as one, and the rest goes on as it came."""
    at = "/openai/deployments/gpt-x/images/edits?api-version=preview"
    fake.answers(made(encoded()))
    raw, headers = form(("prompt", "a cat"), ("model", "other"), ("image", file()))
    assert kit.send(looking, at, raw, headers).status == 200
    assert fake.asked[0].raw == raw.replace(b"other", b"gpt-x")

    raw, headers = form(("prompt", "a cat"), ("image", file()))
    assert kit.send(looking, at, raw, headers).status == 200
    assert read_form(fake.asked[1].raw, fake.asked[1].headers["content-type"]).body["model"] == "gpt-x"
    assert fake.asked[1].raw.endswith(raw)

    answer = kit.send(looking, at.replace("gpt-x", "the%20zqxbomb"), raw, headers)
    assert (answer.status, answer.action[0], len(fake.asked)) == (400, "block", 2)


def test_each_has_its_route() -> None:
    """A row for each API."""
    assert [route.path for route in AZURE if not route.path.startswith(NEWER)] == [
        *(BASE + api.path for api in PROTOCOLS), "/openai/responses",
    ]  # fmt: skip
    assert {route.path for route in AZURE if route.path.startswith(NEWER) and route.is_judged} == {
        NEWER + api.path for api in (*PROTOCOLS, RESPONSES)
    }


def test_responses_are_served_too(proxy, fake, kit) -> None:
    """By the same client, whole and streamed; a block is that API's."""
    client = openai.AzureOpenAI(azure_endpoint=proxy, api_key="k", api_version="preview", max_retries=0)
    fake.answers(kit.response("a zqxmask"))
    whole = client.responses.create(model="gpt-x", input="a zqxmask", moderation={"model": "omni"})
    fake.events(*kit.response_events(kit.response("a zqxmask")))
    events = [*client.responses.create(model="gpt-x", input="hi", stream=True)]
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gpt-x", input="zqxbomb")
    client.close()

    assert [(each.path, each.headers["authorization"]) for each in fake.asked] == [
        ("/v1/responses", "Bearer k")
    ] * 2
    assert fake.asked[0].json == {"model": "gpt-x", "input": "a [MASK]"}
    assert (whole.output_text, whole.moderation.output.flagged) == ("a [MASK]", True)
    assert events[-1].response.output_text == "a [MASK]"
    assert (caught.value.code, caught.value.param) == ("invalid_prompt", "input")
    labels = {"route": "/openai/responses", "status": "400", "action": "block"}
    assert counted(kit.send(proxy, "/metrics").raw, "guardrails_requests_total", **labels)


def test_the_policy_of_a_path_holds_for_azures_clients_too(serve, guard_of, kit, tmp_path) -> None:
    """They ask the same API: another way to its door is no way around its policy."""
    strict = tmp_path / "strict.yaml"
    strict.write_text("format: 1\nname: strict\nrules: [{id: all, on: input, when: 'true', then: block}]\n")
    rows = [{"policy": str(strict), "paths": ["/v1/chat/*"]}]
    url = serve(guard_of(kit.policy), policies=rows)

    assert kit.send(url, AT, kit.asking("hi")).status == 400
    assert kit.send(url, AT.replace("chat/completions", "embeddings"), {"input": "hi"}).status != 400


def test_the_newer_api_names_its_model_in_the_body(proxy, fake, kit) -> None:
    """OpenAI's own client asks it; all is judged and annotated as below deployments."""
    fake.answers(kit.completion("a zqxmask"))
    with openai.OpenAI(base_url=f"{proxy}/openai/v1/", api_key="k", max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="gpt-x", messages=[{"role": "user", "content": "hi"}]
        )
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="gpt-x", messages=[{"role": "user", "content": "a zqxbomb"}])
        fake.answers(kit.response("Hello."))
        assert client.responses.create(model="gpt-x", input="hi").output_text == "Hello."

    assert raw.parse().choices[0].message.content == "a [MASK]"
    assert "content_filter_results" in raw.http_response.json()["choices"][0]
    assert [each.path for each in fake.asked] == ["/v1/chat/completions", "/v1/responses"]
    answer = kit.send(proxy, "/openai/v1/embeddings", {"model": "m", "input": "a zqxbomb"}, {"api-key": "k"})
    assert answer.status == 400
