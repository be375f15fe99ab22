"""OpenAI's released Python client at the routes beside chat: moderations, text completions and embeddings."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running

POLICY = """
format: 1
name: routes
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: violence}
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: bomb, on: [input, output], when: violence > 0, then: block, message: Not that.}
  - {id: mask, on: [input, output], when: custom.mask > 0, then: redact}
unchecked: {part: flag}
"""


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a policy that blocks zqxbomb and redacts zqxmask."""
    path = tmp_path_factory.mktemp("policy") / "routes.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture(scope="module")
def client(policy: Path) -> Iterator[openai.OpenAI]:
    """OpenAI's client before a proxy whose upstream is never there."""
    settings = Settings("http://127.0.0.1:1/v1", port=0, policy=str(policy))
    with running(settings) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as made:
        yield made


def test_the_client_reads_moderations_in_its_own_types(client: openai.OpenAI) -> None:
    """A text, several, and parts with a picture; categories of ours stand beside those that it knows."""
    (one,) = client.moderations.create(input="a zqxbomb").results
    assert (one.flagged, one.categories.violence, one.categories.hate) == (True, True, False)
    assert (one.category_scores.violence, one.category_applied_input_types.violence) == (1.0, ["text"])
    assert one.category_applied_input_types.self_harm_intent == []

    fine, masked = client.moderations.create(
        input=["fine", "a zqxmask"], model="omni-moderation-latest"
    ).results
    assert (fine.flagged, masked.flagged, masked.categories.violence) == (False, True, False)
    assert masked.categories.model_extra["custom.mask"] is True

    (parts,) = client.moderations.create(
        input=[
            {"type": "text", "text": "fine"},
            {"type": "image_url", "image_url": {"url": "https://x.example/p.png"}},
        ]
    ).results
    assert (parts.flagged, parts.category_applied_input_types.violence) == (False, ["text"])
    assert parts.model_extra["unchecked"][0]["path"] == "/input/1"

    with pytest.raises(openai.BadRequestError) as caught:
        client.moderations.create(input=[])
    assert caught.value.code == "invalid_input"


class Parrot(BaseHTTPRequestHandler):
    """A model that completes a text with itself, in pieces where it is asked to, and embeds it as its length."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        streamed = body.get("stream", False)
        made = self.embedded(body) if self.path == "/v1/embeddings" else self.completed(body["prompt"])
        raw = json.dumps(made[-1]).encode()
        if streamed:
            raw = (
                b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in made[:-1])
                + b"data: [DONE]\n\n"
            )
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    @staticmethod
    def completed(text: str) -> list[Any]:
        head = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
        cuts = [text[at : at + 3] for at in range(0, len(text), 3)]
        said = [(cut, None) for cut in cuts] + [("", "stop"), (text, "stop")]
        return [
            {**head, "choices": [{"index": 0, "text": each, "logprobs": None, "finish_reason": end}]}
            for each, end in said
        ]

    @staticmethod
    def embedded(body: Any) -> list[Any]:
        given = body["input"] if isinstance(body["input"], list) else [body["input"]]
        data = []
        for index, text in enumerate(given):
            vector: Any = [float(len(text)), 0.5]
            if body.get("encoding_format") == "base64":
                vector = base64.b64encode(struct.pack("<2f", *vector)).decode()
            data.append({"object": "embedding", "index": index, "embedding": vector})
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return [{"object": "list", "model": "m", "data": data, "usage": usage}]


@pytest.fixture(scope="module")
def spoken(policy: Path) -> Iterator[openai.OpenAI]:
    """OpenAI's client before a proxy before the parrot."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings = Settings(f"http://127.0.0.1:{server.server_address[1]}/v1", port=0, policy=str(policy))
    with running(settings) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as made:
        yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("streamed", [False, True])
def test_the_client_reads_text_completions_in_its_own_types(spoken: openai.OpenAI, streamed: bool) -> None:
    """Allowed, redacted before the model sees it, and refused."""
    for prompt, shown in (("all is fine", "all is fine"), ("a zqxmask here", "a [MASK] here")):
        answer = spoken.completions.create(model="m", prompt=prompt, stream=streamed)
        choices = [each.choices[0] for each in answer] if streamed else answer.choices
        assert ("".join(each.text for each in choices), choices[-1].finish_reason) == (shown, "stop")
    with pytest.raises(openai.BadRequestError, match="Not that"):
        spoken.completions.create(model="m", prompt="the zqxbomb", stream=streamed)
    with pytest.raises(openai.BadRequestError) as caught:
        spoken.completions.create(model="m", prompt=[1, 2, 3], stream=streamed)
    assert caught.value.code == "unsupported_input"


@pytest.mark.parametrize("form", ["float", "base64"])
def test_the_client_reads_embeddings_in_its_own_types(spoken: openai.OpenAI, form: Any) -> None:
    """In either form; what is embedded is the redacted text."""
    made = spoken.embeddings.create(model="m", input=["fine", "zqxmask"], encoding_format=form)
    vectors = [each.embedding for each in made.data]
    if form == "base64":
        vectors = [[*struct.unpack("<2f", base64.b64decode(each))] for each in vectors]
    assert vectors == [[4.0, 0.5], [6.0, 0.5]]
    with pytest.raises(openai.BadRequestError, match="Not that"):
        spoken.embeddings.create(model="m", input=["fine", "the zqxbomb"])
