"""Helplines in messages: the policy's own by country and language, else where those of all countries are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from guardrails import Guard
from guardrails.policy.messages.helplines import find_country
from tests.cases import each_case

LINES = """
helplines:
  AT: {text: Acme AT 555-0100, source: "https://helpline.example/at", date: 2026-11-01}
  fr-CH: {text: Acme CH 555-0101, source: "https://helpline.example/ch", date: 2026-11-01}
  de: {text: Acme 555-0102, source: leaflet 7, date: 2026-11-01}
"""
RULES = """
detectors: {stop: {use: terms, terms: [zqxstop], category: custom.stop}}
rules:
  - {id: a, on: [input, output], when: custom.stop > 0, then: block, message: {en: "Call {helpline} {now}.", de: "Ruf an: {helpline}", fr: "{helpline}"}}
"""


def client(language: str) -> dict[str, Any]:
    """Return who asks for a language."""
    return {"client": {"language": language}}


@each_case(
    ("asked", "message"),
    [
        ({}, "Call findahelpline.com {now}."),
        (client("en-US"), "Call findahelpline.com {now}."),
        (client("en-AT"), "Call Acme AT 555-0100 {now}."),
        (client("de"), "Ruf an: Acme 555-0102"),
        (client("de-AT"), "Ruf an: Acme AT 555-0100"),
        (client("de-CH"), "Ruf an: Acme 555-0102"),
        (client("fr-CH"), "Acme CH 555-0101"),
        (client("fr"), "findahelpline.com"),
        ({"user": {"id": "u", "country": "at"}}, "Call Acme AT 555-0100 {now}."),
        ({"user": {"id": "u", "country": "CH"}, **client("fr-AT")}, "Acme CH 555-0101"),
        ({"user": {"id": "u", "country": 7}, **client("de-AT")}, "Ruf an: Acme AT 555-0100"),
    ],
)
def test_the_helpline_is_that_of_the_country_then_of_the_language(
    guard_of: Callable[..., Guard], asked: dict[str, Any], message: str
) -> None:
    """The country is the user's, as whoever authenticated them says, else that of the language that the client asks for."""
    guard = guard_of(LINES + RULES)
    assert guard.check("zqxstop", stage="input", **asked).message == message
    stream = guard.stream(stage="output", **asked)
    stream.feed("zqxstop")
    stream.flush()
    assert stream.verdict is not None
    assert stream.verdict.message == message


def test_without_helplines_a_message_says_where_those_of_all_countries_are(
    guard_of: Callable[..., Guard],
) -> None:
    """Whatever the country."""
    assert (
        guard_of(RULES).check("zqxstop", stage="input", **client("de-AT")).message
        == "Ruf an: findahelpline.com"
    )


def test_those_of_a_policy_come_before_those_that_it_inherits(tmp_path: Path) -> None:
    """One by one; the shipped messages name them, and the digest tells them apart."""
    own = "format: 1\nname: own\nextends: [{}]\nhelplines:\n  {}: {{text: Acme {}, source: s, date: 2026-11-01}}\n"
    (tmp_path / "a.yaml").write_text(own.format("default", "AT", "one"))
    (tmp_path / "b.yaml").write_text(own.format("a.yaml", "AT", "two"))
    (tmp_path / "c.yaml").write_text(own.format("a.yaml", "DE", "three"))
    said = {name: Guard.load(tmp_path / f"{name}.yaml") for name in "abc"}
    words = "Ich will nicht mehr leben, ich halte das nicht mehr aus."
    for name, line in (("a", "Acme one"), ("b", "Acme two"), ("c", "Acme one")):
        assert line in (said[name].check(words, stage="input", **client("de-AT")).message or "")
    assert len({guard.policy.ref.digest for guard in said.values()}) == 3


@each_case(
    ("tag", "country"), [("de-AT", "AT"), ("zh-Hant-TW", "TW"), ("de", None), ("pt_br", "BR"), ("", None)]
)
def test_a_tag_may_name_a_country(tag: str, country: str | None) -> None:
    """Behind the language, and the script if there is one."""
    assert find_country(tag) == country
