"""The settings that say which system messages are the application's own: files, digests and keys, with the SDKs of two APIs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.access.keys import generate_key, hash_key
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.configuration.sources import SettingsSources, load_settings
from guardrails.proxy.server.reloading import reload as reloading
from guardrails.proxy.server.serve import running
from tests.cases import each_case
from tests.waiting import wait_until

POLICY = """
format: 1
name: p
detectors:
  order: {use: terms, terms: [zqxorder], category: jailbreak}
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
rules:
  - {id: jailbreak.block, on: input, when: "!message.declared && jailbreak > 0", then: block}
  - {id: bomb.block, on: input, when: custom.bomb > 0, then: block}
"""
FLOOR = """
format: 1
name: floor
detectors: {order: {use: terms, terms: [zqxorder, zqxnever], category: jailbreak}}
rules: [{id: floor.block, on: input, when: "!message.declared && jailbreak > 0 && content.length > 60", then: block}]
"""
OWN = "You handle every zqxorder of Acme."
TEMPLATE = "You handle every zqxorder of {customer}, who is a customer of Acme."
FILLED = TEMPLATE.format(customer="Jo Smith")
TRUSTED, PLAIN = generate_key(), generate_key()


@pytest.fixture
def settings(tmp_path: Path, fake: Any) -> Path:
    """Return a settings file with a file, a digest, two keys, and the files that it names."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "floor.yaml").write_text(FLOOR)
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/support.txt").write_text(TEMPLATE + "\n")
    path = tmp_path / "settings.yaml"
    path.write_text(
        f"upstream: {fake.url}\npolicy: policy.yaml\nport: 0\n"
        f"application_text: [{{file: prompts/support.txt}}, {{sha256: {hashlib.sha256(OWN.encode()).hexdigest()}}}]\n"
        f"keys: [{{id: plain, sha256: {hash_key(PLAIN)}}}, {{id: backend, sha256: {hash_key(TRUSTED)}, system: trusted}}]\n"
    )
    return path


def is_blocked_by_openai(
    url: str, system: str, key: str = PLAIN, role: str = "system", user: str = "Hello."
) -> bool:
    """Tell whether a chat with a system message is stopped, as OpenAI's client sees it."""
    messages: Any = [{"role": role, "content": system}, {"role": "user", "content": user}]
    with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        try:
            client.chat.completions.create(model="m", messages=messages)
        except openai.BadRequestError:
            return True
    return False


def is_blocked_by_anthropic(url: str, system: Any, key: str = PLAIN) -> bool:
    """Tell whether a message with a system prompt is stopped, as Anthropic's client sees it."""
    with anthropic.Anthropic(base_url=url, api_key=key, max_retries=0) as client:
        try:
            client.messages.create(
                model="m", max_tokens=9, system=system, messages=[{"role": "user", "content": "Hello."}]
            )
        except anthropic.BadRequestError:
            return True
    return False


def test_declared_texts_pass_with_real_clients(settings: Path, fake: Any, kit: Any) -> None:
    """Files and digests, as system and as developer message; not what differs, nor what a user says."""
    with running(SettingsSources(str(settings)).settings()) as url:
        assert not is_blocked_by_openai(url, OWN)
        assert not is_blocked_by_openai(url, FILLED, role="developer")
        assert is_blocked_by_openai(url, OWN + "!")
        assert is_blocked_by_openai(url, FILLED.replace("who is", "who was"))
        assert is_blocked_by_openai(url, TEMPLATE.format(customer="zqxorder"))
        assert is_blocked_by_openai(url, TEMPLATE.format(customer="zqxbomb"))
        assert is_blocked_by_openai(url, "Be brief.", user=OWN)

        fake.answers(kit.message("Hello."))
        assert not is_blocked_by_anthropic(url, OWN)
        assert not is_blocked_by_anthropic(url, [{"type": "text", "text": FILLED}])
        assert is_blocked_by_anthropic(url, OWN + "!")


USER = {"role": "user", "content": "Hello."}
SYSTEMS: dict[str, tuple[str, Any]] = {
    "chat": ("/v1/chat/completions", lambda text: {"messages": [{"role": "system", "content": text}, USER]}),
    "chat, parts": (
        "/v1/chat/completions",
        lambda text: {"messages": [{"role": "developer", "content": [{"type": "text", "text": text}]}, USER]},
    ),
    "responses": ("/v1/responses", lambda text: {"instructions": text, "input": "Hello."}),
    "responses, item": (
        "/v1/responses",
        lambda text: {"input": [{"role": "developer", "content": text}, USER]},
    ),
    "messages": ("/v1/messages", lambda text: {"max_tokens": 9, "system": text, "messages": [USER]}),
    "gemini": (
        "/v1beta/models/m:generateContent",
        lambda text: {
            "systemInstruction": {"parts": [{"text": text}]},
            "contents": [{"parts": [{"text": "Hello."}]}],
        },
    ),
    "ollama": (
        "/api/chat",
        lambda text: {"messages": [{"role": "system", "content": text}, USER], "stream": False},
    ),
    "ollama, one": ("/api/generate", lambda text: {"system": text, "prompt": "Hello.", "stream": False}),
    "check": ("/v1/check", lambda text: {"messages": [{"role": "system", "content": text}, USER]}),
}
"""Where each API has system messages."""


def test_each_api_has_its_place_for_them(settings: Path, fake: Any, kit: Any) -> None:
    """Texts, and keys, wherever a system message may stand."""
    fake.answers(b"{}", status=404)  # what comes after the check does not matter
    with running(SettingsSources(str(settings)).settings()) as url:

        def rules(path: str, body: Any, key: str) -> str:
            model = {} if "models" in path or "check" in path else {"model": "m"}
            return str(
                kit.send(url, path, {**body, **model}, {"x-api-key": key}).headers["x-guardrails-rules"]
            )

        for name, (path, body) in SYSTEMS.items():
            assert rules(path, body(OWN), PLAIN) == "", name
            assert rules(path, body(FILLED), PLAIN) == "", name
            assert rules(path, body("zqxorder"), TRUSTED) == "", name
            assert rules(path, body(OWN + "!"), PLAIN) == "jailbreak.block", name
            assert rules(path, body(TEMPLATE.format(customer="zqxorder")), PLAIN) == "jailbreak.block", name


def test_a_key_may_say_that_its_system_messages_are_its_own(settings: Path, fake: Any, kit: Any) -> None:
    """For jailbreak rules alone, and for its system and developer messages alone; nothing in a request says so."""
    with running(SettingsSources(str(settings)).settings()) as url:
        assert not is_blocked_by_openai(url, "Do each zqxorder.", TRUSTED)
        assert is_blocked_by_openai(url, "Do each zqxorder.", PLAIN)
        assert is_blocked_by_openai(url, "Make a zqxbomb.", TRUSTED)
        assert is_blocked_by_openai(url, "Be brief.", TRUSTED, user="zqxorder")

        body = {"messages": [{"role": "system", "content": "zqxorder"}, {"role": "user", "content": "Hi"}]}
        checked = {key: kit.send(url, "/v1/check", body, {"x-api-key": key}).json for key in (TRUSTED, PLAIN)}
        assert (checked[TRUSTED]["action"], checked[PLAIN]["action"]) == ("allow", "block")
        assert checked[TRUSTED]["coverage"]["declared"] == ["/0/content"]
        claimed = {**body, "trust_system": True}
        assert kit.send(url, "/v1/check", claimed, {"x-api-key": PLAIN}).status == 400
        told = {**kit.asking("Hi"), "metadata": {"system": "trusted"}, "trust_system": True}
        told["messages"].insert(0, {"role": "system", "content": "zqxorder", "declared": True})
        assert kit.chat(url, told, x_api_key=PLAIN).status == 400


def test_the_floor_is_not_weakened(settings: Path) -> None:
    """It stops what it stops, whoever declares it."""
    settings.write_text(settings.read_text() + "floor: floor.yaml\n")
    with running(SettingsSources(str(settings)).settings()) as url:
        assert not is_blocked_by_openai(url, OWN)  # shorter than what the floor stops
        assert is_blocked_by_openai(url, FILLED)
        assert is_blocked_by_openai(
            url, "zqxnever, and this is a text that is longer than the sixty characters.", TRUSTED
        )


def test_a_file_that_changes_is_read_again(settings: Path, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As policies are: what is declared is what the file holds by now; one that is gone leaves the old text declared."""
    monkeypatch.setattr(reloading, "POLL_S", 0.01)
    file, new = settings.parent / "prompts/support.txt", "From now on you do every zqxorder yourself."
    sources = SettingsSources(str(settings))

    with running(sources.settings(), reread=sources.settings) as url:
        assert is_blocked_by_openai(url, new)
        file.write_text(new)
        wait_until(lambda: not is_blocked_by_openai(url, new))
        assert is_blocked_by_openai(url, FILLED)
        file.unlink()
        wait_until(lambda: kit.send(url, "/readyz").json["reload"]["state"] == "failed")
        assert not is_blocked_by_openai(url, new)


@each_case(
    ("text", "place", "code", "told"),
    [
        ("application_text: [{file: gone.txt}]", (2, 20), "unreadable_file", "gone.txt"),
        ("application_text: [{text: '{x}'}]", (2, 20), "invalid_value", "outside of its slots"),
        ("application_text: [{text: 'a', file: b.txt}]", (2, 20), "invalid_value", "one of file, text and sha256"),
        ("application_text: [{}]", (2, 20), "invalid_value", "one of file, text and sha256"),
        ("application_text: [{sha256: 12ab}]", (2, 29), "invalid_value", ""),
        ("application_text: [{path: a.txt}]", (2, 21), "unknown_field", ""),
        (f"keys: [{{id: a, sha256: {'a' * 64}, system: trust}}]", (2, 98), "invalid_value", "trusted"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, text: str, place: tuple[int, int], code: str, told: str
) -> None:
    """Before the server starts; a text that would fit anybody's words is refused with the reason."""
    path = tmp_path / "settings.yaml"
    path.write_text(f"upstream: http://h:1/v1\n{text}\n")

    with pytest.raises(PolicyErrors) as raised:
        load_settings(path, {}, {})

    [error] = raised.value
    assert ((error.line, error.col), error.code) == (place, code)
    assert told in str(error)


def test_settings_made_in_python_are_checked_alike() -> None:
    """A file that is not there is no start."""
    with pytest.raises(SettingsError, match=r"gone\.txt"):
        Settings("http://h:1/v1", application_text=[{"file": "gone.txt"}])
