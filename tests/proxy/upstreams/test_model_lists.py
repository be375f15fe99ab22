"""One list of the models of several upstreams."""

from __future__ import annotations

import json

import anthropic
import openai
import pytest

from guardrails.proxy.upstreams import model_lists
from guardrails.proxy.upstreams.model_lists import merge_lists
from guardrails.proxy.upstreams.routing_choice import Row
from tests.cases import each_case
from tests.proxy.metrics_kit import counted


def listing(*ids: str, **fields: object) -> dict[str, object]:
    """Return a list of models as OpenAI's API has it."""
    return {
        "object": "list",
        "data": [{"id": each, "object": "model", "created": 1, "owned_by": "x", **fields} for each in ids],
    }


NAMED = (
    Row("a", "http://a", models=("llama-*", "fast"), rename={"fast": "llama-8b"}),
    Row(
        "b", "http://b", models=("*-mini", "llama-8b", "swap"), rename={"swap": "swap-2", "x-mini": "y-mini"}
    ),
)
OTHER = Row("default", "http://c")


@each_case(
    ("found", "ids"),
    [
        ({0: ["llama-8b", "gpt"]}, ["llama-8b", "fast"]),
        ({0: ["llama-8b"], 1: ["llama-8b", "o-mini"]}, ["llama-8b", "fast", "o-mini"]),
        ({1: ["swap"]}, []),
        ({1: ["swap-2"]}, ["swap"]),
        ({1: ["y-mini"]}, ["y-mini", "x-mini"]),
        ({1: ["x-mini"]}, []),
        ({2: ["gpt", "llama-1", "fast", "a-mini"]}, ["gpt"]),
        ({0: ["llama-1", "llama-1"], 2: ["gpt", "gpt"]}, ["llama-1", "gpt"]),
        ({}, []),
    ],
)
def test_what_can_be_asked_for_is_listed(found, ids) -> None:
    """By the name that it has here, once, of whom it would be asked; the rest of its entry is as it was."""
    rows = (*NAMED, OTHER)
    given = {rows[index]: [{"id": each, "n": 1} for each in some] for index, some in found.items()}

    assert list(merge_lists(given, NAMED)) == [{"id": each, "n": 1} for each in ids]


@each_case("entry", ["x", None, {}, {"id": 1}, []])
def test_what_is_no_model_is_not_listed(entry) -> None:
    """Whatever an upstream sends."""
    assert list(merge_lists({OTHER: [entry]}, NAMED)) == []


@pytest.fixture
def url(serve, fakes) -> str:
    """A proxy before three upstreams, the last for what is left."""
    first, second, third = fakes
    return serve(
        upstream=third.url,
        upstreams={
            "a": {
                "url": first.url,
                "models": ["llama-*", "fast"],
                "rename": {"fast": "llama-8b"},
                "failures": 2,
            },
            "b": {"url": second.url, "models": ["qwen-*"], "failures": 2},
        },
    )


def test_the_real_client_reads_the_list_of_all(url, fakes) -> None:
    """Each upstream is asked as the client would."""
    for fake, ids in zip(fakes, (["llama-8b"], ["qwen-1", "gpt"], ["gpt", "llama-7"]), strict=True):
        fake.answers(listing(*ids))

    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        found = [model.id for model in client.models.list()]

    assert found == ["llama-8b", "fast", "qwen-1", "gpt"]
    assert [(fake.asked[0].method, fake.asked[0].path) for fake in fakes] == [("GET", "/v1/models")] * 3
    assert fakes[0].asked[0].headers["authorization"] == "Bearer k"


def test_the_other_familys_client_reads_it_too(url, fakes) -> None:
    """With the ends of the page, of which there is one."""
    for fake, ids in zip(fakes, (["llama-8b"], [], ["claude"]), strict=True):
        data = [
            {"id": each, "type": "model", "display_name": each, "created_at": "2026-01-01T00:00:00Z"}
            for each in ids
        ]
        fake.answers({"data": data, "has_more": False, "first_id": None, "last_id": None})

    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=0) as client:
        page = client.models.list()

    assert [model.id for model in page.data] == ["llama-8b", "fast", "claude"]
    assert (page.has_more, page.first_id, page.last_id) == (False, "llama-8b", "claude")


FAULTS = {
    "error": {"body": {"error": {"message": "x", "code": "c"}}, "status": 500},
    "not JSON": {"body": b"<html>"},
    "no list": {"body": {"data": "x"}},
    "cut": {"body": listing("x"), "cut": True},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_that_fails_does_not_fail_the_list(url, fakes, kit, fault) -> None:
    """What the others have is listed."""
    fakes[0].answers(**FAULTS[fault])
    fakes[1].answers(listing("qwen-1"))
    fakes[2].answers(listing("gpt"))

    assert [each["id"] for each in kit.send(url, "/v1/models").json["data"]] == ["qwen-1", "gpt"]


def test_one_that_does_not_answer_is_not_waited_for(url, fakes, kit, monkeypatch) -> None:
    """For long."""
    monkeypatch.setattr(model_lists, "LIST_S", 0.2)
    fakes[0].answers(b"", hang=True)
    fakes[0].reply.pieces = []
    fakes[1].answers(listing("qwen-1"))
    fakes[2].answers(listing())

    assert [each["id"] for each in kit.send(url, "/v1/models").json["data"]] == ["qwen-1"]


def test_where_all_fail_the_first_ones_error_is_told(url, fakes, kit) -> None:
    """As that of one upstream would be."""
    fakes[0].answers({"error": {"message": "key", "code": "invalid_api_key"}}, 401)
    fakes[1].answers(b"<html>")
    fakes[2].answers({"error": {"message": "x", "code": "c"}}, 503)

    answer = kit.send(url, "/v1/models")

    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")


def test_one_that_is_down_is_not_asked(url, fakes, kit) -> None:
    """Which is told by the state of the server, and by its numbers; requests for its models still go to it."""
    for fake in fakes[1:]:
        fake.answers(listing())
    fakes[0].answers({"error": "no room"}, 503)
    for _ in range(2):
        kit.send(url, "/v1/models")
    before = len(fakes[0].asked)

    kit.send(url, "/v1/models")
    state = kit.send(url, "/readyz")
    numbers = kit.send(url, "/metrics").raw.decode()
    asked = len(fakes[0].asked)
    fakes[0].answers(kit.completion("up again"))
    answer = kit.chat(url, json.dumps(kit.asking("hi", model="llama-1")).encode())

    assert (before, asked) == (2, 2)
    assert (state.status, state.json["ready"], state.json["degraded"]) == (200, True, True)
    assert (state.json["failing_upstreams"], state.json["failing_detectors"]) == (["a"], [])
    assert [counted(numbers, "guardrails_upstream_up", upstream=name) for name in "ab"] == [0, 1]
    assert answer.headers["x-guardrails-upstream"] == "a"
    assert kit.send(url, "/readyz").json["failing_upstreams"] == []
