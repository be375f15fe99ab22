"""Kinds of sinks: the entries of a list, and what is wrong with one."""

from __future__ import annotations

from typing import Any

import pytest

from guardrails.errors import GuardrailsError
from guardrails.registry.sources import PluginError, PluginSources
from guardrails.sinks.kinds import read_entry, read_sink
from tests.cases import each_case


@each_case(
    ("entry", "message"),
    [
        ({}, "a sink needs 'use', one of: jsonl"),
        ({"use": 3}, "a sink needs 'use'"),
        ({"use": "jsonlines"}, "'jsonlines' is not a kind of sink; there are: jsonl"),
        ({"use": "jsonl"}, "sink 'jsonl': path: Field required"),
        ({"use": "jsonl", "path": "x", "mode": 1}, "sink 'jsonl': mode: Extra inputs are not permitted"),
    ],
)
def test_an_entry_that_means_nothing_is_an_error(entry: Any, message: str) -> None:
    """It says what is wrong, before anything is opened."""
    with pytest.raises(GuardrailsError, match=message):
        read_entry(entry, PluginSources.read([]))


def test_what_is_no_sink_is_an_error() -> None:
    """The message says what can be given."""
    with pytest.raises(PluginError, match=r"give a guardrails\.plugins\.Sink"):
        read_sink("x", print, None)
