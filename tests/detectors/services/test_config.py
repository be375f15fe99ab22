"""What a policy says of a service: which values are taken, and which are not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from guardrails.detectors.services import SERVICES
from guardrails.detectors.services.config import BedrockBlock, HttpBlock, RemoteConfig
from tests.cases import each_case

LEAST = {"use": "remote", "service": "openai", "endpoint": "far"}


@each_case("name", [*SERVICES])
def test_a_service_and_an_endpoint_are_enough_to_be_read(name: str) -> None:
    """What else a service needs is said by its own checks."""
    found = RemoteConfig.model_validate({**LEAST, "service": name})
    assert (found.min_score, found.windows, found.categories) == (0.1, 400, None)


@each_case(
    "wrong",
    [
        {"service": "perspective"}, {"endpoint": ""}, {"endpoint": None}, {"categories": []}, {"categories": "hate"},
        {"labels": {"a": 1}}, {"labels": ["a"]}, {"min_score": 1.5}, {"min_score": "0.5"}, {"characters": 10},
        {"windows": 0}, {"model": ""}, {"blocklists": []}, {"url": "http://x"}, {"key": "zqx"}, {"http": {}},
        {"http": {"body": {}}}, {"http": {"body": {"a": 1}, "highest": 0}}, {"http": {"body": {"a": 1}, "url": "x"}},
    ],
)  # fmt: skip
def test_what_is_none_of_it_is_refused(wrong: dict[str, object]) -> None:
    """Addresses and keys most of all: those are the operator's."""
    with pytest.raises(ValidationError):
        RemoteConfig.model_validate({**LEAST, **wrong})


@each_case("path", ["", "/", "/a/b", "/a?x=1&y={text}", "/a%20b"])
def test_a_path_is_one_line_of_ascii(path: str) -> None:
    """It goes out as it is written."""
    assert HttpBlock(path=path, body={"a": "{text}"}).path == path


@each_case("path", ["a", "http://x/", " /a", "/a b", "/a\n", "/\u00e4"])
def test_anything_else_is_no_path(path: str) -> None:
    """A policy does not choose where texts go."""
    with pytest.raises(ValidationError):
        HttpBlock(path=path, body={"a": "{text}"})


@each_case("guardrail", ["gr0", "arn:aws:bedrock:eu-central-1:123456789012:guardrail/gr0"])
def test_a_guardrail_has_an_identifier_or_an_arn(guardrail: str) -> None:
    """Its version is a draft by default."""
    assert BedrockBlock(guardrail=guardrail).version == "DRAFT"
