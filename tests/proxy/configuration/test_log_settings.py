"""The settings of the server's log."""

from __future__ import annotations

import pytest

from guardrails.proxy.configuration.settings import Settings, SettingsError


def test_requests_are_lines_of_text_unless_it_is_said_otherwise() -> None:
    """On standard error."""
    logs = Settings("http://h").logs
    assert (logs.requests, logs.format, logs.level) == (True, "text", "info")


def test_a_form_that_is_none_is_told() -> None:
    """With those that there are."""
    with pytest.raises(SettingsError, match="'text' or 'json'"):
        Settings("http://h", logs={"format": "xml"})
