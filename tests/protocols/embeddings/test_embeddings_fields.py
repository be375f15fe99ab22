"""The field tables of embeddings: bodies in, leaves out."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import RequestError
from guardrails.engine.content.content_tree import ContentTree
from guardrails.protocols.embeddings.embeddings_fields import read_request, read_response
from guardrails.types import Text
from guardrails.wire.lossless_json import Number
from tests.cases import each_case


def told(tree: ContentTree) -> list[tuple[str, str]]:
    """Return each text with its place."""
    return [
        (leaf.content.place.path, leaf.content.text) for leaf in tree.leaves if isinstance(leaf.content, Text)
    ]


def encoded(*numbers: float) -> str:
    """Return numbers in Base64."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@each_case(
    ("body", "texts"),
    [
        ({"input": "a"}, [("/input", "a")]),
        ({"input": ["a", "b"], "model": "m"}, [("/input/0", "a"), ("/input/1", "b")]),
        ({"input": "a", "encoding_format": "base64", "dimensions": 8, "stream": False}, [("/input", "a")]),
        ({"input": "a", "input_type": "search_query", "user": "jo"}, [("/input", "a"), ("/user", "jo")]),
        ({"input": []}, []),
    ],
)
def test_a_request_is_read(body, texts) -> None:
    """Each text at its place."""
    tree = read_request(body)
    assert told(tree) == texts
    assert tree.unknown == []


@each_case(
    ("body", "code", "path"),
    [
        ({}, "invalid_input", "/input"),
        ({"input": None}, "invalid_input", "/input"),
        ({"input": 1}, "invalid_input", "/input"),
        ({"input": {"a": "b"}}, "invalid_input", "/input"),
        ({"input": [1, 2]}, "unsupported_input", "/input/0"),
        ({"input": ["a", [1]]}, "unsupported_input", "/input/1"),
        ({"input": [{"type": "text", "text": "a"}]}, "unsupported_input", "/input/0"),
        ({"input": "a", "stream": True}, "unsupported_field", "/stream"),
        ({"input": "a", "messages": []}, "unsupported_field", "/messages"),
    ],
)
def test_what_nobody_can_judge_is_refused(body, code, path) -> None:
    """Token ids above all; there are no streams of embeddings."""
    with pytest.raises(RequestError) as caught:
        read_request(body)
    assert (caught.value.code, caught.value.path) == (code, path)


def found(embedding: Any) -> list[str]:
    """Return what is judged of an embedding."""
    body = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": embedding}]}
    return [text for _, text in told(read_response({**body, "model": "m", "usage": {"total_tokens": 1}}))]


@each_case(
    ("embedding", "judged"),
    [
        ([0.5, -1, Number("1.10"), 0], []),
        ([], []),
        ([[0.5], [1]], []),
        (encoded(0.5, -0.25, 0.0, 1e-9, 99_999.0), []),
        ("", []),
        (encoded(0.5, 1e30), [encoded(0.5, 1e30)]),
        (encoded(0.5, float("nan")), [encoded(0.5, float("nan"))]),
        (base64.b64encode(b"all is fine.").decode(), [base64.b64encode(b"all is fine.").decode()]),
        (base64.b64encode(b"all is well").decode(), [base64.b64encode(b"all is well").decode()]),
        ("a text", ["a text"]),
        ("zqxbombzqxbombzqxbombzqxbombzqxb", ["zqxbombzqxbombzqxbombzqxbombzqxb"]),
        ([0.5, "x"], ["x"]),
        ([4111111111111111], ["4111111111111111"]),
        ({"float": ["x"]}, ["embedding", "float", "x"]),
        (None, []),
    ],
)
def test_numbers_say_nothing_and_all_else_is_judged(embedding, judged) -> None:
    """As numbers and in Base64, but for numbers as long as those of people; the Base64 of a text is none of a vector."""
    assert found(embedding) == judged


FLOATS = st.floats(-9_000, 9_000, width=32).filter(lambda number: number == 0 or abs(number) > 1e-9)


@given(st.lists(FLOATS, max_size=20))
def test_vectors_pass_in_both_forms(numbers: list[float]) -> None:
    """Of any length."""
    assert found(numbers) == found(encoded(*numbers)) == []


@given(st.text("abcdefghijklmnopqrstuvwxyz ", min_size=8, max_size=40))
def test_words_in_base64_are_judged(text: str) -> None:
    """Four letters are no number of a vector."""
    written = base64.b64encode(text.encode()).decode()
    assert found(written) == [written]
