"""An API of a plugin is served by the proxy like those that come with the package."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import pytest

from guardrails import Guard
from guardrails.plugins import PluginError, protocols
from guardrails.protocols import registry
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import running
from guardrails.registry.sources import PluginSources
from guardrails.testing import RawReply, ScriptedUpstream
from tests.cases import each_case
from tests.registry.conftest import Install, install

__all__ = ["install"]

TRANSLATIONS = """
    from dataclasses import replace

    from guardrails.plugins import Place, Stage
    from guardrails.plugins.protocols import ContentTree, Protocol, apply_edits, by_table, flag, keep, text

    REQUEST = by_table({"model": keep, "to": keep, "text": text, "stream": flag})
    ANSWER = by_table({"id": keep, "translation": text})

    def read_request(body):
        tree = ContentTree(roles=("user",))
        REQUEST(tree, body, (), Place(Stage.INPUT, role="user"))
        return tree

    def read_response(answer):
        tree = ContentTree()
        ANSWER(tree, answer, (), Place(Stage.OUTPUT, role="assistant"))
        return tree

    def refuse(words, body):
        return {"id": "refused", "translation": words}

    def withhold(answer, tree, outcome, words):
        return refuse(words, {}) if outcome.blocked else apply_edits(answer, tree, outcome)

    TRANSLATIONS = Protocol(
        name="acme.translations",
        path="/acme/translations",
        summary="Translate a text.",
        read_request=read_request,
        read_response=read_response,
        withhold=withhold,
        refuse=refuse,
    )
    TAKEN = replace(TRANSLATIONS, name="acme.chat", path="/chat/completions")
"""

ASKED = {"model": "m", "to": "de", "text": "Hello."}


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process forget what a test adds."""
    monkeypatch.setattr(registry, "_added", {})
    registry._error_writers.cache_clear()


def ask(url: str, body: Any) -> tuple[int, Any]:
    """Return the status and the body of an answer."""
    request = urllib.request.Request(
        f"{url}/v1/acme/translations", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.usefixtures("added")
def test_requests_and_answers_of_its_api_are_judged(install: Install, bomb_guard: Guard) -> None:
    """What is blocked reaches neither the upstream nor the client, and the API refuses in its own form."""
    install("acme-api", "1.0", {"protocols": {"acme.translations": "acme_api:TRANSLATIONS"}}, TRANSLATIONS)
    with (
        ScriptedUpstream() as upstream,
        running(Settings(upstream.url, port=0, protocols=["acme.translations"]), bomb_guard) as url,
    ):
        upstream.reply_with(RawReply([b'{"id": "t1", "translation": "Hallo."}']))
        assert ask(url, ASKED) == (200, {"id": "t1", "translation": "Hallo."})
        upstream.reply_with(RawReply([b'{"id": "t1", "translation": "zqxbomb"}']))
        status, answer = ask(url, ASKED)
        assert (status, answer["id"]) == (200, "refused")
        before = len(upstream.requests)
        status, answer = ask(url, {**ASKED, "text": "zqxbomb"})
        assert "zqxbomb" not in json.dumps(answer)
        assert len(upstream.requests) == before


@pytest.mark.usefixtures("added")
@each_case(
    ("name", "message"),
    [
        ("acme.nothing", "no plugin has the protocol 'acme.nothing'"),
        ("chat", "no plugin has the protocol 'chat' - APIs that come with this package are always served"),
        ("acme.chat", "the protocol 'acme.chat' has the name or the path of 'openai.chat'"),
        ("acme.wrong", "the protocol 'acme.wrong' is a function"),
    ],
)
def test_what_cannot_be_served_is_an_error_at_the_start(name: str, message: str, install_all: None) -> None:
    """With its name; nothing is served."""
    with pytest.raises(PluginError, match=message):
        registry.add_plugins([name], PluginSources())


@pytest.fixture
def install_all(install: Install) -> None:
    """Install a package with an API whose path is taken, and one that is none."""
    points = {"acme.chat": "acme_taken:TAKEN", "acme.wrong": "acme_taken:refuse"}
    install("acme-taken", "1.0", {"protocols": points}, TRANSLATIONS)


def test_every_name_is_there() -> None:
    """What `__all__` lists can be imported."""
    assert all(hasattr(protocols, name) for name in protocols.__all__)


def test_the_built_in_apis_are_registered_by_their_folders() -> None:
    """Each is found by the registry as those of plugins are."""
    found: Callable[[str], Any] = registry.PROTOCOLS.find
    names = [protocol.name for folder in registry.FOLDERS for protocol in found(folder)]
    assert names == [protocol.name for protocol in registry.load_protocols()]
