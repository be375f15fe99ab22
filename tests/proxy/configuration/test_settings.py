"""What an operator may choose, and what is refused at once."""

from __future__ import annotations

import pytest

from guardrails.proxy.configuration.settings import (
    KEY_VARIABLE,
    Settings,
    SettingsDoc,
    SettingsError,
    json_schema,
)
from tests.cases import each_case


@each_case(
    ("upstream", "base"),
    [
        ("http://h:8000", "http://h:8000/v1"),
        ("http://h:8000/", "http://h:8000/v1"),
        ("http://h:8000/v1", "http://h:8000/v1"),
        ("http://h/v1/", "http://h/v1"),
        ("https://h/openai/v1", "https://h/openai/v1"),
        ("https://h/v1beta/openai/", "https://h/v1beta/openai"),
        ("http://[::1]:9", "http://[::1]:9/v1"),
    ],
)
def test_the_base_url_is_with_or_without_v1(upstream: str, base: str) -> None:
    """A path that was given is the base, as OpenAI's clients take it; without one it is `/v1`."""
    assert Settings(upstream).base_url == base


@each_case(
    "wrong",
    [
        {"upstream": ""}, {"upstream": "h:8000"}, {"upstream": "ftp://h"}, {"upstream": "http://"}, {"upstream": "http://h:x"},
        {"upstream": "http://[::1"}, {"workers": 0}, {"max_body_bytes": 0}, {"max_concurrent": -1}, {"idle_s": 0},
        {"port": 70000}, {"port": -1}, {"unknown_fields": "ignore"}, {"port": "80"}, {"prot": 80}, {"floor": ""},
        {"upstream": "http://jo:pw@h"}, {"upstream_key_env": "sk-secret"}, {"keep_alive_s": -1.0}, {"total_s": float("inf")}, {"host": ""},
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(wrong) -> None:
    """At the start, not at the first request; the field is named, what stands in it is not."""
    with pytest.raises(SettingsError, match=next(iter(wrong))) as raised:
        Settings(**{"upstream": "http://h", **wrong})
    assert "sk-secret" not in str(raised.value)
    assert "pw" not in str(raised.value)


def test_the_key_comes_from_the_environment_and_is_not_shown(monkeypatch) -> None:
    """A secret belongs neither on the command line nor into a log."""
    monkeypatch.setenv(KEY_VARIABLE, "sk-secret")
    settings = Settings("http://h")

    assert settings.upstream_key == "sk-secret"
    assert "sk-secret" not in repr(settings) + settings.model_dump_json()
    assert Settings("http://h", upstream_key="sk-own").upstream_key == "sk-own"
    monkeypatch.setenv("OWN_KEY", "sk-other")
    assert Settings("http://h", upstream_key_env="OWN_KEY").upstream_key == "sk-other"
    monkeypatch.setenv(KEY_VARIABLE, "")
    assert Settings("http://h").upstream_key is None


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Not one mistake after the other."""
    with pytest.raises(
        SettingsError, match="port must be at most 65535, not 70000; workers must be at least 1, not 0"
    ):
        Settings("http://h", workers=0, port=70_000)


def test_the_schema_describes_every_field() -> None:
    """For editors: draft 2020-12, no other field, a description of each; only an upstream is needed."""
    schema = json_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"].keys() == SettingsDoc.model_fields.keys()
    assert all(field.get("description") for field in schema["properties"].values())
    assert schema["additionalProperties"] is False
    assert schema["anyOf"] == [{"required": ["upstream"]}, {"required": ["upstreams"]}]


@each_case("key", ["admin", "changeme", "sk-1234", "password123", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"])
def test_a_weak_admin_key_is_refused(monkeypatch, key) -> None:
    """The server does not start; what is said names the variable and the cure, and not the key."""
    monkeypatch.setenv("GUARDRAILS_ADMIN_KEY", key)
    with pytest.raises(SettingsError) as raised:
        Settings("http://h")
    assert "GUARDRAILS_ADMIN_KEY" in str(raised.value)
    assert "guardrails key --bare" in str(raised.value)
    assert key not in str(raised.value).replace("GUARDRAILS_ADMIN_KEY", "")


def test_the_operators_key_is_not_shown(monkeypatch) -> None:
    """Nor dumped."""
    monkeypatch.setenv("OPS", "7f3c0b6a1d9e4852c7f0a6b3e8d14975")
    settings = Settings("http://h", admin_key_env="OPS")
    assert settings.admin_key == "7f3c0b6a1d9e4852c7f0a6b3e8d14975"
    assert "7f3c" not in repr(settings) + str(settings.model_dump()) + settings.model_dump_json()
