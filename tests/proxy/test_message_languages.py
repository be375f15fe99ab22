"""A disclosure in Spanish is answered in Spanish: by the proxy, in whole answers and in streams, on both great APIs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from guardrails import Guard

POLICY = """
extends: [default]
detectors:
  disclosures: {use: terms, terms: [quitarme la vida], category: custom.disclosure}
override:
  rules: [{id: self_harm.block, when: custom.disclosure > 0}]
"""
DISCLOSURE = "No puedo más, quiero quitarme la vida."
WORDS = "habla con alguien de confianza"
ENGLISH = {"accept_language": "en-US,en;q=0.9"}


@pytest.fixture(scope="module")
def crisis(serve_all, guard_of: Callable[..., Guard]) -> str:
    """A proxy with the shipped default, in which a Spanish phrase stands for what a model finds."""
    return serve_all(guard_of(POLICY))


def test_a_request_is_answered_in_its_language(crisis, fake, kit) -> None:
    """Whatever the client's browser asks for."""
    for ask in (kit.chat, kit.ask):
        answer = ask(crisis, kit.asking(DISCLOSURE), **ENGLISH)
        assert WORDS in answer.raw.decode()
        assert fake.asked == []


def test_a_short_reply_is_stopped_in_the_language_of_the_question(crisis, fake, kit) -> None:
    """The reply has too few words of its own."""
    question = "¿Qué dice el último mensaje de mi amigo?"
    fake.answers(kit.completion("«QUITARME LA VIDA»"))
    assert WORDS in kit.chat(crisis, kit.asking(question), **ENGLISH).raw.decode()
    fake.answers(kit.message("«QUITARME LA VIDA»"))
    assert WORDS in kit.ask(crisis, kit.asking(question), **ENGLISH).raw.decode()


def test_a_stream_is_stopped_in_its_language(crisis, fake, kit) -> None:
    """With what may be shown before it, and the refusal behind, where each API has it."""
    reply = f"Lo siento mucho. {DISCLOSURE} Eso es todo lo que dice el mensaje."
    fake.streams(*kit.pieces(reply))
    answer = kit.chat(crisis, kit.asking("¿Qué dice?", stream=True), **ENGLISH)
    assert WORDS in json.dumps(answer.frames, ensure_ascii=False)
    fake.events(*kit.message_events(kit.message(reply)))
    streamed = kit.ask(crisis, kit.asking("¿Qué dice?", stream=True), **ENGLISH)
    assert WORDS in json.dumps(streamed.frames, ensure_ascii=False)
    assert DISCLOSURE not in answer.raw.decode() + streamed.raw.decode()
