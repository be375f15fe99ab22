"""The demo's model."""

from __future__ import annotations

import json
import urllib.request

from guardrails.cli.run import demo_model
from tests.cases import each_case


@each_case(
    ("content", "expected"),
    [
        ("What is the capital of France?", "The capital of France is Paris."),
        (
            [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}],
            "The model read: hello (1 message)",
        ),
    ],
)
def test_answers_from_its_table_or_repeats(content: object, expected: str) -> None:
    """Known words have an answer; anything else is repeated."""
    assert demo_model.make_reply([{"role": "user", "content": content}]) == expected


def test_speaks_the_protocol_whole_and_streamed() -> None:
    """The same reply comes as one completion and as a stream that ends with `[DONE]`."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    with demo_model.run_model() as url:

        def post(**extra: bool) -> str:
            request = urllib.request.Request(
                f"{url}/chat/completions", json.dumps({**body, **extra}).encode()
            )
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(answer.read().decode())

        whole, lines = json.loads(post()), post(stream=True).split("\n\n")

    deltas = [json.loads(line.removeprefix("data: "))["choices"][0]["delta"] for line in lines[:-2]]
    assert lines[-2:] == ["data: [DONE]", ""]
    assert "".join(delta.get("content", "") for delta in deltas) == whole["choices"][0]["message"]["content"]
