"""A redaction's own texts: in which language they are put, in whole texts and in streams, and what a wrong one is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.errors import PolicyErrors
from tests.cases import each_case

POLICY = """
detectors: {{pii: {{use: pii, entities: [email]}}}}
rules:
  - id: mail.remove
    on: [input, output]
    when: pii.email > 0
    then: redact
    with: {}
"""
TEXTS = '{text: {en: "[removed]", de: "[entfernt]", zh-Hant: "[已移除]"}}'
MAIL = "jo@example.com"
GERMAN = "Du erreichst uns jederzeit unter "
ENGLISH = "You can always reach us at "
DUTCH = "Je kunt ons altijd bereiken op "
ASKED = "Wie lautet die Adresse, bitte?"
DE = {"client": {"language": "de-AT"}}


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard with texts in three languages."""
    return guard_of(POLICY.format(TEXTS))


@each_case(
    ("before", "asked", "put"),
    [
        (GERMAN, {}, "[entfernt]"),
        (ENGLISH, DE, "[removed]"),
        ("你隨時可以透過這個地址聯絡我們 ", {}, "[已移除]"),
        ("", {}, "[removed]"),
        ("", DE, "[entfernt]"),
        ("", {"prompt": ASKED}, "[entfernt]"),
        (DUTCH, {}, "[removed]"),
        (DUTCH, DE, "[entfernt]"),
        (DUTCH, {"prompt": ASKED, "client": {"language": "en"}}, "[entfernt]"),
    ],
)
def test_it_is_put_in_the_language_of_what_stands_before_it(
    guard: Guard, before: str, asked: dict[str, Any], put: str
) -> None:
    """Else of what a reply answers, else what the client asks for, else in English."""
    verdict = guard.check(f"{before}{MAIL}, und das ist alles.", stage="output", **asked)
    assert verdict.content == f"{before}{put}, und das ist alles."


def test_it_is_put_in_the_language_of_the_conversation(guard: Guard) -> None:
    """Of the user's latest other message that tells."""
    said = [
        {"role": "user", "content": "Guten Morgen, ich habe eine Frage an euch."},
        {"role": "user", "content": MAIL},
    ]
    assert guard.check(said, stage="input").content[1]["content"] == "[entfernt]"


PIECES = [
    GERMAN,
    ENGLISH,
    DUTCH,
    MAIL,
    f"{MAIL} ",
    "Ja. ",
    "Und noch etwas: ",
    "\n",
    "Ein längerer Satz auf Deutsch. " * 9,
]


@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=8),
    steps=st.lists(st.integers(1, 60), min_size=1, max_size=12),
    asked=st.sampled_from([{}, DE, {"prompt": ASKED}]),
)
def test_a_stream_puts_what_the_whole_text_would(
    guard: Guard, pieces: list[str], steps: list[int], asked: dict[str, Any]
) -> None:
    """However it is cut, and also where the language changes on the way."""
    text, at, out = "".join(pieces), 0, []
    stream = guard.stream(stage="output", **asked)
    while at < len(text):
        step = steps[at % len(steps)]
        out.append(stream.feed(text[at : at + step]))
        at += step
    out.append(stream.flush())
    assert "".join(out) == guard.check(text, stage="output", **asked).content


def test_one_text_alone_is_put_everywhere(guard_of: Callable[..., Guard]) -> None:
    """Whatever its language, also where the text says what it replaces."""
    guard = guard_of(POLICY.format('{text: {fr: "[jo@example.com est parti]"}}'))
    assert guard.check(f"{GERMAN}{MAIL}", stage="output").content == f"{GERMAN}[jo@example.com est parti]"


@each_case(
    ("given", "told"),
    [
        ("{text: {german: '[entfernt]'}}", "with.text.german: 'german' is no code of a language; write 'de'"),
        ("{text: {xx: '[x]'}}", "with.text.xx: 'xx' is no code of a language; write an ISO 639-1 code, such as 'en'"),
        ("{text: {en: ''}}", "with.text.en must not be empty"),
        ("{text: {}}", "with.text must have at least 1 entry"),
        ("{text: {en: 3}}", "with.text.en must be a text, not the number 3 - put it in quotes"),
        ("{text: '[gone]'}", "for a text of your own write with: {text: {en: '[gone]'}}"),
        ("'[gone]'", "for a text of your own write with: {text: {en: '[gone]'}}"),
        ("{text: {en: '[x]'}, locale: de_DE}", "locale is for text: fake, not text: {…}"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_is_told(guard_of: Callable[..., Guard], given: str, told: str) -> None:
    """With the place, and what to write."""
    with pytest.raises(PolicyErrors) as caught:
        guard_of(POLICY.format(given))
    assert told in str(caught.value)
