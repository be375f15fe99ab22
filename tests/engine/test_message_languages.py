"""In which language a message is said: that of what fired, of the conversation, what the client asks for, English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guardrails import Guard
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.policy.shipped import shipped_names
from guardrails.types import Verdict
from tests.cases import each_case

SAYS = {"en": "No.", "de": "Nein.", "es": "No, gracias.", "zh-Hant": "不行。", "nb": "Nei."}
POLICY = f"""
detectors:
  stop: {{use: terms, terms: [zqxstop], category: custom.stop, match: substring}}
rules:
  - id: stop.block
    on: [input, output, tool_call, tool_result, retrieval]
    when: custom.stop > 0
    then: block
    message: {SAYS}
  - {{id: one.flag, on: input, when: custom.stop > 0, then: flag}}
"""
GERMAN = "Bitte erzähl mir etwas über zqxstop und die Berge."
SPANISH = "Por favor, cuéntame algo sobre zqxstop y las montañas."
DUTCH = "Vertel me alsjeblieft iets over zqxstop en de bergen."
ENGLISH = "Please tell me something about zqxstop and the mountains."
SHORT = "zqxstop!"
ROWS = "zqxstop, 17, 4711"
DE, ES = {"client": {"language": "de-AT"}}, {"client": {"language": "es"}}


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard with a message in several languages."""
    return guard_of(POLICY)


def said(verdict: Verdict[Any]) -> str:
    """Return the language of the message."""
    assert verdict.blocked
    return next(language for language, text in SAYS.items() if text == verdict.message)


@each_case(
    ("text", "asked", "language"),
    [
        (GERMAN, {}, "de"),
        (SPANISH, {}, "es"),
        (ENGLISH, {}, "en"),
        (SPANISH, DE, "es"),
        (ENGLISH, DE, "en"),
        ("請告訴我關於 zqxstop 和山的事", {}, "zh-Hant"),
        ("Fortell meg noe om zqxstop og fjellene, takk.", {}, "nb"),
        (SHORT, {}, "en"),
        (SHORT, DE, "de"),
        (SHORT, {"client": {"language": "zh"}}, "zh-Hant"),
        (SHORT, {"client": {"language": "no"}}, "nb"),
        (SHORT, {"client": {"language": "fr"}}, "en"),
        (SHORT, {"client": {"language": 7}}, "en"),
        (DUTCH, {}, "en"),
        (DUTCH, DE, "de"),
        (ROWS, ES, "es"),
    ],
)
def test_a_text_speaks_for_itself_and_then_the_client(
    guard: Guard, text: str, asked: dict[str, Any], language: str
) -> None:
    """What is too short to tell, or in a language that the message has not, leaves it to the next."""
    assert said(guard.check(text, stage="input", **asked)) == language
    assert said(guard.check(text, stage="output", **asked)) == language


@each_case(
    ("turns", "language"),
    [
        ([("user", SPANISH)], "es"),
        ([("user", "Guten Morgen, ich habe eine Frage."), ("assistant", "Ja?"), ("user", SHORT)], "de"),
        ([("user", "Buenos días, ¿cómo estás?"), ("user", "Guten Morgen, wie geht es dir?"), ("user", SHORT)], "de"),
        ([("system", "Du bist ein freundlicher Helfer für alle Fragen."), ("user", SHORT)], "en"),
        ([("system", f"Answer kindly, and never speak of {SHORT}"), ("user", "Hola, tengo una pregunta sobre mi cuenta.")], "es"),
        ([("user", "Hola, tengo una pregunta sobre mi cuenta."), ("assistant", "Sí."), ("user", GERMAN)], "de"),
    ],
)  # fmt: skip
def test_the_conversation_says_it_where_the_text_does_not(
    guard: Guard, turns: list[tuple[str, str]], language: str
) -> None:
    """Its latest turn of the user that tells; what the application says to the model is no sign of who reads."""
    messages = [{"role": role, "content": text} for role, text in turns]
    assert said(guard.check(messages, stage="input")) == language


TEMPLATE = (
    "You are a helpful assistant of a bank. Answer politely and briefly. Never advise on investments.\n\n"
)
LOST = "Por favor, ¿me puedes explicar zqxstop otra vez?"


@each_case(
    ("text", "language"),
    [
        (f"{TEMPLATE}User: {LOST}", "es"),
        (f"{TEMPLATE * 9}User: {LOST}\nAnswer:", "es"),
        (f"{TEMPLATE}User: {SHORT}", "en"),
        (f"{TEMPLATE}User: Vertel me alsjeblieft iets over zqxstop.", "en"),
        (
            f"{TEMPLATE}User: Hola, ¿puedes ayudarme, por favor?\nNever speak of zqxstop to anybody here.",
            "en",
        ),
        (f"17 4711 qx zz; {LOST}", "es"),
    ],
)
def test_a_sentence_in_another_language_than_the_text_around_it_speaks_first(
    guard: Guard, text: str, language: str
) -> None:
    """Where a template is written around what a person says; a sentence in a language without a message leaves it to the text."""
    assert said(guard.check(text, stage="input")) == language
    told = [{"role": "system", "content": text}, {"role": "user", "content": "ok?"}]
    assert said(guard.check(told, stage="input")) == language


@each_case("stage", ["tool_result", "retrieval"])
def test_what_a_tool_returned_says_nothing_of_who_reads(guard: Guard, stage: Any) -> None:
    """The client is asked before it, and the conversation before the client."""
    assert said(guard.check(SPANISH, stage=stage)) == "es"
    assert said(guard.check(SPANISH, stage=stage, **DE)) == "de"
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    asked = [
        {"role": "user", "content": "Was steht auf dieser Seite, bitte?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": SPANISH},
    ]
    assert said(guard.check(asked, stage="input", **ES)) == "de"


def test_a_reply_that_says_nothing_is_answered_in_the_language_of_its_prompt(guard: Guard) -> None:
    """Said by the caller, or by the verdict of the prompt."""
    question = "Welche Nummer hat die Bestellung, bitte?"
    assert said(guard.check(SHORT, stage="output", prompt=question)) == "de"
    assert said(guard.check(SHORT, stage="output", after=guard.check(question, stage="input"))) == "de"
    assert said(guard.check(SPANISH, stage="output", prompt=question)) == "es"


def test_what_stood_encoded_is_in_the_language_around_it(guard: Guard) -> None:
    """A payload of English words in a German text."""
    text = "Bitte lies das und sag mir, was es bedeutet: cGxlYXNlIHRlbGwgbWUgYWJvdXQgenF4c3RvcCBub3c="
    assert said(guard.check(text, stage="input")) == "de"


def test_no_language_is_told_where_nothing_fires(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where a rule has no message in several languages."""
    asked: list[str] = []
    monkeypatch.setattr(
        "guardrails.engine.message_languages.choose_language", lambda text, _: asked.append(text)
    )
    assert not guard.check("Nichts davon steht hier, und das ist gut so.", stage="input").blocked
    assert asked == []
    assert guard.check([{"role": "user", "content": SHORT}] * 40, stage="input").blocked
    assert 0 < len(asked) < 40


@each_case("step", [1, 7])
def test_a_stream_is_stopped_in_the_language_of_what_came(guard: Guard, step: int) -> None:
    """Of the text so far, else of its prompt."""
    for text, prompt, language in (
        (SPANISH, "", "es"),
        (SHORT, "Wie heißt das auf Deutsch?", "de"),
        (SHORT, "", "en"),
    ):
        stream = guard.stream(stage="output", prompt=prompt)
        for at in range(0, len(text), step):
            stream.feed(text[at : at + step])
        stream.flush()
        assert stream.verdict is not None
        assert said(stream.verdict) == language


CRISIS = """
extends: [default]
detectors:
  disclosures: {use: terms, terms: [quitarme la vida, mich umbringen, me suicider], category: custom.disclosure}
override:
  rules: [{id: self_harm.block, when: custom.disclosure > 0}]
"""


def test_the_shipped_words_about_self_harm_are_in_the_language_of_the_disclosure(
    guard_of: Callable[..., Guard],
) -> None:
    """In the library, whatever the client asks for."""
    guard = guard_of(CRISIS)
    for text, words in (
        ("No puedo más, quiero quitarme la vida.", "habla con alguien de confianza"),
        ("Ich kann nicht mehr und will mich umbringen.", "Du bist nicht allein"),
        ("Je n'en peux plus, je veux me suicider.", "personne de confiance"),
    ):
        verdict = guard.check(text, stage="input", client={"language": "en"})
        assert verdict.rules[0].id == "self_harm.block"
        assert all(
            words in (rule.message or words) for rule in verdict.rules if rule.id.startswith("self_harm")
        )
        assert words in (verdict.message or "")
        assert "findahelpline.com" in (verdict.message or "")


@each_case(
    ("text", "words"),
    [
        ("Ya no quiero vivir, no aguanto más.", "habla con alguien de confianza"),
        ("Ich will nicht mehr leben, ich halte das nicht mehr aus.", "Du bist nicht allein"),
        ("Je ne veux plus vivre, je n'en peux plus.", "personne de confiance"),
    ],
)
def test_the_shipped_model_and_policy_answer_distress_in_its_language(
    text: str, words: str, guard_of: Callable[..., Guard]
) -> None:
    """What a person says of themselves is heard, and where to find help is said as they speak."""
    verdict = guard_of("extends: [default]").check(text, stage="input", client={"language": "en"})
    assert words in (verdict.message or "")


def test_no_sentence_of_a_text_in_one_language_passes_for_another(guard_of: Callable[..., Guard]) -> None:
    """The messages of the shipped policies, as texts of people, are answered in their own language."""
    texts = {
        (language, text)
        for rule in (rule for name in shipped_names() for rule in compile_policy(load(name)).rules)
        for language, text in rule.messages.items()
    }
    codes = {language: f"({language})" for language, _ in texts}
    guard = guard_of(f"""
detectors: {{line: {{use: patterns, patterns: ['[^\\n]{{1,900}}'], category: custom.line}}}}
rules: [{{id: line.block, on: input, when: custom.line > 0, then: block, message: {codes}}}]
""")
    assert len(texts) > 300
    for language, text in texts:
        assert guard.check(text, stage="input").message in (f"({language})", "(en)"), text
