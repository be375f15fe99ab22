"""The settings of telemetry: what they mean, what is wrong with them, and what is missing for them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from guardrails import MissingExtra, PolicyErrors
from guardrails.proxy.configuration import telemetry_settings
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.configuration.sources import load_settings
from guardrails.proxy.configuration.telemetry_settings import TelemetryDoc, has_sdk
from tests.cases import each_case


def test_nothing_is_told_unless_it_is_set() -> None:
    """An empty mapping sets it: all else is as OpenTelemetry's variables say."""
    assert Settings("http://h").telemetry is None

    doc = Settings("http://h", telemetry={}).telemetry
    assert (doc.endpoint, doc.service_name, doc.sample, doc.conventions, doc.content) == (None,) * 4 + (
        False,
    )


@each_case("endpoint", ["http://127.0.0.1:4318", "https://otlp.example/otlp", "http://[::1]:4318/"])
def test_an_endpoint_is_a_url(endpoint) -> None:
    """With a path or without one."""
    assert TelemetryDoc(endpoint=endpoint).endpoint == endpoint


@each_case(
    "endpoint",
    [
        "collector:4318",
        "grpc://collector:4317",
        "http://",
        "http://u:p@collector",
        "http://c?key=1",
        "http://c:x",
        "http://c:0",
    ],
)
def test_an_endpoint_is_no_other_url_and_has_no_key(endpoint) -> None:
    """A key goes in OTEL_EXPORTER_OTLP_HEADERS."""
    with pytest.raises(ValidationError, match="must be a URL without a key"):
        TelemetryDoc(endpoint=endpoint)


def test_content_needs_the_names_that_hold_it(monkeypatch) -> None:
    """By the setting, or by OpenTelemetry's variable."""
    with pytest.raises(ValidationError, match="content needs conventions: development"):
        TelemetryDoc(content=True)

    assert TelemetryDoc(content=True, conventions="development").sends_development
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
    assert TelemetryDoc(content=True).sends_development


@each_case(
    "field",
    [
        {"sample": 1.5},
        {"sample": -0.1},
        {"conventions": "newest"},
        {"service_name": ""},
        {"protocol": "grpc"},
    ],
)
def test_other_values_and_fields_are_errors(field) -> None:
    """As in all settings."""
    with pytest.raises(ValidationError):
        TelemetryDoc(**field)


def test_what_tells_is_built_as_the_settings_say() -> None:
    """Nothing begins by that."""
    built = TelemetryDoc(conventions="development", content=True).build()

    assert (built.checks.development, built.requests.development) == (True, True)


def test_an_extra_that_is_missing_is_told_with_its_place(monkeypatch, tmp_path) -> None:
    """When the settings are read, not when the first request comes."""
    monkeypatch.setattr(telemetry_settings, "PACKAGES", ("opentelemetry.sdk", "no_such_package.at_all"))
    path = tmp_path / "settings.yaml"
    path.write_text("upstream: http://h\ntelemetry: {}\n")

    assert not has_sdk()
    with pytest.raises(PolicyErrors) as raised:
        load_settings(path, {}, {})
    [problem] = raised.value
    assert str(problem) == (
        f"{path}:2:12: missing_extra: telemetry needs: pip install 'guardrails-middleware[otel]' "
        "- install it, or take the setting out"
    )
    with pytest.raises(SettingsError, match="otel"):
        Settings("http://h", telemetry={})
    with pytest.raises(MissingExtra, match="otel"):
        TelemetryDoc().build()
