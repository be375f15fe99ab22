"""What an operator may choose, and what is refused at once."""

from __future__ import annotations

import pytest

from guardrails.proxy.settings import KEY_VARIABLE, Settings, SettingsError


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    "wrong",
    [
        {"upstream": ""}, {"upstream": "h:8000"}, {"upstream": "ftp://h"}, {"upstream": "http://"}, {"upstream": "http://h:x"},
        {"upstream": "http://[::1"}, {"workers": 0}, {"max_body_bytes": 0}, {"max_concurrent": -1}, {"idle_s": 0},
        {"port": 70000}, {"port": -1}, {"unknown_fields": "ignore"},
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(wrong) -> None:
    """At the start, not at the first request."""
    with pytest.raises(SettingsError):
        Settings(**{"upstream": "http://h", **wrong})


def test_the_key_comes_from_the_environment_and_is_not_shown(monkeypatch) -> None:
    """A secret belongs neither on the command line nor into a log."""
    monkeypatch.setenv(KEY_VARIABLE, "sk-secret")
    settings = Settings("http://h")

    assert settings.upstream_key == "sk-secret"
    assert "sk-secret" not in repr(settings)
    monkeypatch.setenv(KEY_VARIABLE, "")
    assert Settings("http://h").upstream_key is None
