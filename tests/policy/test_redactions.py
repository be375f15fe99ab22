"""Redactions by name: the built-in ones, and those that a caller or a plugin registers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardrails import Action, Guard
from guardrails.errors import PolicyErrors
from guardrails.plugins import FoundValue, PluginError, Redaction
from guardrails.policy.editing.json_schema import json_schema
from guardrails.policy.redactions import BUILTIN, REDACTIONS, read_redaction
from guardrails.registry.sources import PluginSources
from tests.cases import each_case

POLICY = """
format: 1
name: tested
detectors:
  mail: {use: patterns, patterns: ["[a-z]+@example\\\\.com"], category: pii.email}
rules:
  - {id: mail, on: [input, output], when: pii.email > 0, then: redact, with: %s%s}
"""


def shorten(found: FoundValue) -> str:
    """The first letter of a value."""
    return f"<{found.category}:{found.text[0]}>"


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Guard]:
    """Return a function that loads the policy with a redaction of a name."""

    def make(name: str = "short", more: str = "", **redactions: Any) -> Guard:
        path = tmp_path / "p.yaml"
        path.write_text(POLICY % (name, more))
        return Guard.load(path, redactions=redactions)

    return make


def test_the_table_is_what_the_schema_names() -> None:
    """Each is described in a sentence."""
    schema = json_schema(PluginSources.read([]))["$defs"]["RedactionDoc"]["properties"]["text"]
    assert [*BUILTIN] == next(each["enum"] for each in schema["anyOf"] if "enum" in each)
    for name in BUILTIN:
        found = REDACTIONS.find(name)
        assert found is not None
        assert (found.name, found.doc[-1]) == (name, ".")


@each_case("given", [shorten, Redaction("any", "Shortens.", shorten)])
def test_a_callers_redaction_is_used_under_its_name(given: Any, load: Callable[..., Guard]) -> None:
    """In whole texts and in streams; several in a text, each for itself."""
    guard = load(short=given)
    assert guard.check("ask jo@example.com or al@example.com").content == "ask <pii.email:j> or <pii.email:a>"
    stream = guard.stream()
    out = "".join([*(stream.feed(char) for char in "ask jo@example.com now"), stream.flush()])
    assert out == "ask <pii.email:j> now"


@each_case("name", ["plceholder", "shor", "long"])
def test_a_name_that_nobody_has_is_an_error(name: str, load: Callable[..., Guard]) -> None:
    """With its place, and what may stand there."""
    with pytest.raises(PolicyErrors, match=r":7:78: invalid_value: with must be 'placeholder', 'mask'"):
        load(name, short=shorten)


def test_a_built_in_name_cannot_be_taken(load: Callable[..., Guard]) -> None:
    """Whoever redacts with `mask` gets the mask."""
    assert load("placeholder", mask=shorten).check("jo@example.com").content == "[EMAIL]"
    with pytest.raises(PluginError, match="'mask' of your own has the name of a built-in one"):
        load("mask", mask=shorten)


@each_case(
    ("answer", "error"),
    [
        (lambda found: 3, "answered with int"),
        (lambda found: None, "answered with NoneType"),
        (lambda found: found.text, "left the value as it is"),
        (lambda found: f"({found.text})", "left the value as it is"),
        (lambda found: "x" * 20_000, "answered with a text that is too long"),
        (lambda found: 1 / 0, "raised ZeroDivisionError"),
    ],
)
def test_a_redaction_that_fails_passes_no_value(answer: Any, error: str, load: Callable[..., Guard]) -> None:
    """The rule's `on_error` decides, by default to block; elsewhere the kind stands in brackets. The verdict says what failed."""
    blocked = load(short=answer).check("ask jo@example.com")
    assert (blocked.action, [rule.reason for rule in blocked.rules][:1]) == (Action.BLOCK, ["error"])
    passed = load("short", ", on_error: flag", short=answer).check("ask jo@example.com")
    assert (passed.action, passed.content) == (Action.REDACT, "ask [EMAIL]")
    for verdict in (blocked, passed):
        assert [(each.detector, each.error) for each in verdict.errors] == [("with: short", error)]

    stream = load(short=answer).stream()
    out = "".join([*(stream.feed(char) for char in "ask jo@example.com now"), stream.flush()])
    assert "jo@" not in out
    assert stream.verdict is not None
    assert stream.verdict.blocked


def test_what_is_no_redaction_is_an_error() -> None:
    """The message says what can be given."""
    for given in (3, dict):
        with pytest.raises(PluginError, match="or a function of a FoundValue that returns a text"):
            read_redaction("x", given, None)


def test_where_a_redaction_comes_from_is_part_of_the_digest(tmp_path: Path) -> None:
    """The same one of another file is another policy; one of the caller's own says nothing of it."""
    (tmp_path / "p.yaml").write_text(POLICY % ("short", ""))
    text = "from guardrails.plugins import Redaction\nSHORT = Redaction('short', 'Shortens.', lambda found: '<>')\n"
    digests = []
    for more in ("", "# changed\n"):
        (tmp_path / "mine.py").write_text(text + more)
        digests.append(Guard.load(tmp_path / "p.yaml", plugins=[str(tmp_path / "mine.py")]).policy.ref.digest)
    digests.append(Guard.load(tmp_path / "p.yaml", redactions={"short": shorten}).policy.ref.digest)
    assert len({*digests}) == 3


def test_the_schema_offers_the_names_of_plugins() -> None:
    """In the short form and in the long one."""
    schema = json_schema(PluginSources.read([]).with_own("redactions", {"short": shorten}))["$defs"]
    for field in (schema["RedactionDoc"]["properties"]["text"], schema["RuleDoc"]["properties"]["with"]):
        assert [each["enum"] for each in field["anyOf"] if "enum" in each] == [[*BUILTIN, "short"]]
