"""The one table of names: complete, each name once, and OpenTelemetry's own as OpenTelemetry spells them."""

from __future__ import annotations

import re

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, service_attributes
from opentelemetry.semconv.attributes import (
    error_attributes,
    exception_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)

from guardrails.protocols.registry import load_protocols
from guardrails.telemetry import conventions
from guardrails.telemetry.conventions import (
    ATTRIBUTES,
    OPERATIONS,
    PROVIDERS,
    SIGNALS,
    find_operation,
    is_development,
    own_version,
)
from tests.cases import each_case

STABLE = {
    value
    for module in (
        error_attributes,
        exception_attributes,
        http_attributes,
        server_attributes,
        url_attributes,
        service_attributes,
    )
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}
GEN_AI = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI_")}
OPERATION_NAMES = {each.value for each in gen_ai_attributes.GenAiOperationNameValues}
PROVIDER_NAMES = {each.value for each in gen_ai_attributes.GenAiProviderNameValues}


def test_each_name_stands_once() -> None:
    """In one table, which has all that the module names."""
    names = [each.name for each in ATTRIBUTES]

    assert len(names) == len(set(names))
    assert {each for each in vars(conventions).values() if isinstance(each, conventions.Attribute)} == {
        *ATTRIBUTES
    }


@each_case("row", ATTRIBUTES, ids=lambda row: row.name)
def test_each_name_is_opentelemetrys_or_ours(row) -> None:
    """What is of `gen_ai` is in development; nothing else is, and what is not OpenTelemetry's begins with our name."""
    if row.name.startswith("gen_ai."):
        assert (row.name in GEN_AI, row.stability) == (True, "development")
    elif not row.name.startswith("guardrails."):
        assert (row.name in STABLE, row.stability) == (True, "stable")
    assert row.holds
    assert {*row.on.split(", ")} <= {"resource", "request", "upstream", "check", "event", "log"}


def test_signals_are_named_by_attributes_of_the_table() -> None:
    """What stands in braces in a name is an attribute."""
    known = {each.name for each in ATTRIBUTES}

    assert {name for each in SIGNALS for name in re.findall(r"\{(.*?)\}", each.name)} <= known
    assert [each.name for each in SIGNALS if each.kind == "event"] == ["gen_ai.evaluation.result"]


@each_case(
    ("path", "operation"),
    [
        ("/chat/completions", "chat"),
        ("/deployments/gpt/chat/completions", "chat"),
        ("/completions", "text_completion"),
        ("/fim/completions", "text_completion"),
        ("/agents/completions", "invoke_agent"),
        ("/messages?beta=true", "chat"),
        ("/models/gemini:streamGenerateContent", "generate_content"),
        ("/model/claude/converse", "chat"),
        ("/embeddings", "embeddings"),
        ("/messages/count_tokens", None),
        ("/models", None),
    ],
)
def test_operations_are_known_by_the_path(path, operation) -> None:
    """Of APIs that ask a model; lists, counts of tokens and jobs are no operation of a model."""
    assert find_operation(path) == operation


def test_every_api_whose_model_replies_has_an_operation() -> None:
    """One of OpenTelemetry's, as far as it has a name for it; providers have OpenTelemetry's names, too."""
    for protocol in load_protocols():
        if protocol.is_served and protocol.find_replies is not None:
            assert find_operation(protocol.path), protocol.name
    assert {operation for _, operation in OPERATIONS} <= OPERATION_NAMES
    assert {*PROVIDERS.values()} <= PROVIDER_NAMES


@each_case(
    ("wanted", "variable", "sent"),
    [
        (None, None, False),
        (None, "http,gen_ai_latest_experimental", True),
        (None, "http", False),
        ("stable", "gen_ai_latest_experimental", False),
        ("development", None, True),
    ],
)
def test_names_in_development_are_opted_into(wanted, variable, sent) -> None:
    """By the setting, or else by OpenTelemetry's own variable."""
    environment = {} if variable is None else {"OTEL_SEMCONV_STABILITY_OPT_IN": variable}

    assert is_development(wanted, environment) is sent


def test_the_version_is_that_of_the_distribution() -> None:
    """As pip has it."""
    assert own_version().count(".") >= 2
