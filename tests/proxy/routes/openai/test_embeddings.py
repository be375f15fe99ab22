"""`POST /v1/embeddings`: texts are judged before they are embedded, and vectors pass."""

from __future__ import annotations

import base64
import json
import struct

import openai
import pytest

from tests.cases import each_case
from tests.proxy.contract_embeddings import NUMBERS, asking, holding, vectors

PATH = "/v1/embeddings"
ENCODED = base64.b64encode(struct.pack("<2f", *NUMBERS)).decode()


@each_case("vector", [NUMBERS, ENCODED])
def test_vectors_are_passed_on_byte_for_byte(proxy, fake, kit, vector) -> None:
    """As numbers, which stay as they were written, and as Base64."""
    body = b'{"model": "m",  "input": ["a", "b"], "dimensions": 2}'
    raw = json.dumps(vectors(vector, vector), indent=3).replace("0.5", "0.50").encode()
    fake.answers(raw)

    answer = kit.send(proxy, PATH, body, {"authorization": "Bearer k"})

    assert (answer.status, answer.raw, answer.action) == (200, raw, ("allow", ""))
    assert (fake.asked[0].path, fake.asked[0].raw) == ("/v1/embeddings", body)
    assert fake.asked[0].headers["authorization"] == "Bearer k"


def test_a_blocked_text_is_400_and_nothing_is_embedded(proxy, fake, kit) -> None:
    """One of several is enough."""
    answer = kit.send(proxy, PATH, asking(["x", "a zqxbomb"]))

    assert (answer.status, answer.action) == (400, ("block", "bomb.block"))
    assert (answer.error["code"], answer.error["param"]) == ("content_filter", "input")
    assert fake.asked == []


def test_a_text_is_redacted(proxy, fake, kit) -> None:
    """The others are as they were."""
    fake.answers(vectors(NUMBERS, NUMBERS))
    answer = kit.send(proxy, PATH, asking(["a zqxmask", "b"], user="jo"))

    assert fake.asked[0].json == asking(["a [MASK]", "b"], user="jo")
    assert (answer.status, answer.action) == (200, ("redact", "mask.redact"))


@each_case(
    ("body", "code"),
    [
        (asking([1, 2]), "unsupported_input"),
        (asking([[1, 2]]), "unsupported_input"),
        (asking({"a": "b"}), "invalid_input"),
        ({"model": "m"}, "invalid_input"),
        (asking(stream=True), "unsupported_field"),
    ],
)
def test_what_nobody_can_judge_is_refused(proxy, fake, kit, body, code) -> None:
    """Before anyone is asked."""
    answer = kit.send(proxy, PATH, body)

    assert (answer.status, answer.error["code"]) == (400, code)
    assert fake.asked == []


@each_case("whole", [vectors("see zqxbomb"), vectors([0.5, "zqxbomb"]), holding(x_new="zqxbomb"), vectors(NUMBERS, model="a zqxmask")])  # fmt: skip
def test_an_answer_that_says_something_blocked_is_an_error(proxy, fake, kit, whole) -> None:
    """No embedding can refuse; nothing of it goes on."""
    fake.answers(whole)
    answer = kit.send(proxy, PATH, asking())

    assert (answer.status, answer.error["code"], answer.action[0]) == (502, "content_filter", "block")
    assert b"zqx" not in answer.raw


def test_a_text_beside_the_vectors_is_redacted(proxy, fake, kit) -> None:
    """In a field that nobody knows."""
    fake.answers(holding(x_new="a zqxmask"))
    assert kit.send(proxy, PATH, asking()).json == holding(x_new="a [MASK]")


@each_case("raw", [b"{}", b"[]", b'{"data":"x"}', b'{"data":[[0.5]]}', b"<html>"])
def test_what_is_no_list_of_embeddings_is_the_upstreams_fault(proxy, fake, kit, raw) -> None:
    """502."""
    fake.answers(raw)
    assert kit.send(proxy, PATH, asking()).status == 502


def test_openais_client_reads_it(proxy, fake) -> None:
    """The real SDK asks for Base64 unless it is told otherwise."""
    fake.answers(vectors(ENCODED))
    with openai.OpenAI(base_url=f"{proxy}/v1", api_key="k", max_retries=0) as client:
        answer = client.embeddings.create(model="m", input="a zqxmask")
        assert answer.data[0].embedding == NUMBERS
        assert fake.asked[0].json == {"input": "a [MASK]", "model": "m", "encoding_format": "base64"}
        with pytest.raises(openai.BadRequestError) as caught:
            client.embeddings.create(model="m", input="zqxbomb")
        assert (caught.value.code, caught.value.param) == ("content_filter", "input")
