"""At the proxy: an answer in a wrong format is repaired, or asked for again in the API's own messages."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from guardrails import Guard
from guardrails.detectors.kinds import Kind
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running
from guardrails.testing import Reply, ScriptedUpstream
from guardrails.types import Content, Detection, Finding, Text, ToolCall

POLICY: dict[str, Any] = {
    "format": 1,
    "name": "p",
    "detectors": {
        "form": {
            "use": "format",
            "kind": "json",
            "schema": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {"name": {}},
            },
            "category": "custom.form",
        },
        "words": {"use": "terms", "terms": ["zqxbomb"], "category": "custom.words"},
        "pii": {"use": "pii", "entities": ["email"]},
    },
    "rules": [
        {
            "id": "form",
            "on": "output",
            "when": "custom.form > 0",
            "then": "block",
            "on_fail": "reask",
            "reask": 2,
            "message": "No JSON came.",
        },
        {"id": "words", "on": ["input", "output"], "when": "custom.words > 0", "then": "block"},
        {"id": "mask", "on": "output", "when": "pii > 0", "then": "redact"},
    ],
}
ASKED = [{"role": "user", "content": "Who is it?"}]
GOOD = '{"name": "Jo"}'


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A model that answers what a script says."""
    with ScriptedUpstream() as made:
        yield made


@pytest.fixture
def url(upstream: ScriptedUpstream) -> Iterator[str]:
    """The proxy before it."""
    settings = Settings(upstream=upstream.url, port=0)
    with running(settings, Guard.load(POLICY)) as served:
        yield served


def chat(url: str) -> openai.OpenAI:
    """Return a client of OpenAI's, unmodified, that does not try again."""
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def ask(api: str, url: str) -> str | None:
    """Return what a client of an API reads, whole or as a stream."""
    if api.startswith("messages"):
        with anthropic.Anthropic(base_url=url, api_key="none", max_retries=0) as client:
            if api == "messages":
                return client.messages.create(model="m", max_tokens=9, messages=ASKED).content[0].text
            with client.messages.stream(model="m", max_tokens=9, messages=ASKED) as stream:
                return "".join(stream.text_stream)
    with chat(url) as client:
        if api == "chat":
            return client.chat.completions.create(model="m", messages=ASKED).choices[0].message.content
        if api == "chat stream":
            chunks = client.chat.completions.create(model="m", messages=ASKED, stream=True)
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        if api == "responses":
            return client.responses.create(model="m", input="Who is it?").output_text
        events = client.responses.create(model="m", input="Who is it?", stream=True)
        return "".join(event.delta for event in events if event.type == "response.output_text.delta")


APIS = ["chat", "chat stream", "responses", "responses stream", "messages", "messages stream"]


@pytest.mark.parametrize("api", APIS)
def test_what_is_broken_is_repaired_without_a_call(upstream: ScriptedUpstream, url: str, api: str) -> None:
    """What the client reads is JSON, with what the policy redacts redacted."""
    upstream.reply_with("Here: {'name': 'jo@example.com',}")
    assert ask(api, url) == '{"name": "[EMAIL]"}'
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("api", APIS)
def test_a_rule_that_only_repairs_asks_nobody(upstream: ScriptedUpstream, api: str) -> None:
    """In a stream as well, whose text is held to its end."""
    rule = {name: value for name, value in POLICY["rules"][0].items() if name != "reask"}
    policy = {**POLICY, "rules": [{**rule, "on_fail": "repair"}, *POLICY["rules"][1:]]}
    upstream.reply_with(Reply("Here: {'name': 'jo@example.com',}", cut=4), "no")
    with running(Settings(upstream=upstream.url, port=0), Guard.load(policy)) as url:
        assert ask(api, url) == '{"name": "[EMAIL]"}'
        try:
            said = ask(api, url)
        except (openai.APIError, anthropic.APIError) as error:
            said = str(error)
        assert not said or "No JSON came." in said
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("api", APIS)
def test_what_is_not_is_asked_for_again(upstream: ScriptedUpstream, url: str, api: str) -> None:
    """With what the model answered, and what is wrong, as two more turns."""
    upstream.reply_with("no", "{}", GOOD)
    assert ask(api, url) == GOOD
    assert len(upstream.requests) == 3
    body = upstream.requests[2].json
    turns = body.get("messages") or body["input"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert turns[3]["content"] == "{}"
    assert "must have the property 'name'" in turns[4]["content"]


def find_bomb(content: Content) -> Detection:
    """Find a word, as a model does that takes long."""
    held = isinstance(content, Text) and "zqxbomb" in content.text
    return Detection((Finding("custom.own", 1.0, "own"),) if held else ())


@pytest.mark.parametrize("api", APIS)
def test_what_a_rule_that_takes_long_blocks_is_not_asked_for_again(
    upstream: ScriptedUpstream, guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], api: str
) -> None:
    """The rule that wants JSON has it stopped before, and does not keep the other from looking."""
    guard = guard_of(
        """
detectors:
  form: {use: format, kind: json, category: custom.form}
  slow: {use: own}
rules:
  - {id: form, on: output, when: custom.form > 0, then: block, on_fail: reask, reask: 2}
  - {id: slow, on: output, when: custom.own > 0.5, then: block}
""",
        detectors={"own": kind_of(find_bomb, tier=1)},
    )
    upstream.reply_with("no, zqxbomb", *[GOOD] * 4)
    with running(Settings(upstream=upstream.url, port=0), guard) as url:
        try:
            said = ask(api, url)
        except (openai.APIError, anthropic.APIError) as error:
            said = str(error)
    assert "zqxbomb" not in (said or "")
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("api", APIS)
def test_the_count_is_bounded(upstream: ScriptedUpstream, url: str, api: str) -> None:
    """Then the rule does what it says, and nothing of the answer goes on."""
    upstream.reply_with(*["no"] * 9)
    try:
        said = ask(api, url)
    except (openai.APIError, anthropic.APIError) as error:
        said = str(error)
    assert not said or "No JSON came." in said
    assert len(upstream.requests) == 3


def test_the_headers_tell_of_the_answer_that_went_on(upstream: ScriptedUpstream, url: str) -> None:
    """What was rejected is on record by its verdict's id alone."""
    upstream.reply_with("no", GOOD)
    with chat(url) as client:
        raw = client.chat.completions.with_raw_response.create(model="m", messages=ASKED)
    assert raw.headers["x-guardrails-action"] == "allow"
    assert raw.headers["x-guardrails-verdict-id"].count(",") == 3
    with urllib.request.urlopen(f"{url}/metrics") as metrics:
        assert b'guardrails_reasks_total{api="openai.chat"} 1' in metrics.read()


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_asks_again_may_be_blocked(upstream: ScriptedUpstream, stream: bool) -> None:
    """By a rule on what is asked: the client is refused as if it had asked so itself."""
    rules = [POLICY["rules"][0], {**POLICY["rules"][1], "on": ["input"]}]
    upstream.reply_with('{"name": "Jo", "zqxbomb": 1}', GOOD)
    settings, guard = Settings(upstream=upstream.url, port=0), Guard.load({**POLICY, "rules": rules})
    with running(settings, guard) as served, chat(served) as client, pytest.raises(openai.APIError):
        client.chat.completions.create(model="m", messages=ASKED, stream=stream)
    assert len(upstream.requests) == 1


def test_calls_of_tools_are_no_business_of_it(upstream: ScriptedUpstream, url: str) -> None:
    """What stands beside them goes on as it is."""
    upstream.reply_with(Reply("Let me look.", [ToolCall("look", '{"at": "x"}')]))
    with chat(url) as client:
        message = client.chat.completions.create(model="m", messages=ASKED).choices[0].message
    assert message.content == "Let me look."
    assert message.tool_calls
