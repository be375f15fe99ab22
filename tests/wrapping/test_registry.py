"""What can be wrapped, told by the names of classes."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest

from guardrails import Blocked, Guard
from guardrails.plugins import PluginError, Terms, Wrapper, register, wrap_function
from guardrails.wrapping.apis.openai import WRAPPER as OPENAI
from guardrails.wrapping.frameworks.litellm import WRAPPER as LITELLM
from guardrails.wrapping.registry import BUILTIN, WRAPPERS, find_wrapper
from tests.cases import each_case


@each_case("kind", [openai.OpenAI, openai.AsyncOpenAI, openai.AzureOpenAI])
def test_a_client_is_known_by_its_class_and_those_above(kind: Any) -> None:
    """A class of one's own below is one too."""
    for each in (kind, type("Mine", (kind,), {})):
        assert WRAPPERS.find(each) == replace(OPENAI, name=WRAPPERS.find(each).name)  # type: ignore[union-attr]


@each_case("thing", [print, "text", object(), type("OpenAI", (), {})(), openai])
def test_all_else_is_no_backend(thing: object) -> None:
    """Also a class that only has the name."""
    assert WRAPPERS.find(type(thing)) is None


def test_each_row_names_a_wrapper() -> None:
    """Without its library."""
    for name in BUILTIN:
        found = WRAPPERS.registry.find(name)
        assert found is not None
        assert found.doc.endswith(".")


class Client:
    """A client of a made-up service."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, prompt: str) -> str:
        """Answer a prompt with itself."""
        self.asked.append(prompt)
        return f"You said {prompt}"


class SpecialClient(Client):
    """A class below it."""


def wrap_client(client: Client, terms: Terms) -> Client:
    """Return a client whose `ask` is guarded."""
    guarded = copy.copy(client)
    guarded.ask = wrap_function(client.ask, terms)  # type: ignore[method-assign] # that is the point
    return guarded


@pytest.fixture
def registered() -> Iterator[None]:
    """Register a wrapper of these clients for one test."""
    register("tests.Client", Wrapper("tests.Client", "Guards `ask`.", wrap_client))
    yield
    WRAPPERS.forget("tests.Client")


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("kind", [Client, SpecialClient])
def test_an_application_registers_a_wrapper_of_its_client(kind: type[Client], bomb_guard: Guard) -> None:
    """Its calls are judged by the guard's terms: what is blocked does not reach it, or is answered in kind."""
    client = kind()
    guarded = bomb_guard.wrap(client)
    assert (type(guarded), guarded.ask("hello")) == (kind, "You said hello")
    with pytest.raises(Blocked):
        guarded.ask("a zqxbomb")
    assert bomb_guard.wrap(client, on_block="answer").ask("a zqxbomb") not in ("", "You said a zqxbomb")
    assert client.asked == ["hello"]


@pytest.mark.usefixtures("registered")
def test_a_class_has_one_wrapper() -> None:
    """Neither a built-in one nor another one can be replaced."""
    for name in ("tests.Client", "openai.OpenAI"):
        with pytest.raises(PluginError, match=f"'{name}' is registered in 'wrappers' already"):
            register(name, Wrapper(name, "Another.", wrap_client))


def test_without_a_wrapper_the_object_is_refused(bomb_guard: Guard) -> None:
    """The error names its type."""
    with pytest.raises(TypeError, match="cannot wrap a Client"):
        bomb_guard.wrap(Client())


def test_wrapping_imports_no_other_library() -> None:
    """A function is wrapped without any SDK in sight."""
    script = (
        "import sys; from guardrails import Guard; Guard.load().wrap(print);"
        "print({'openai', 'anthropic', 'langchain_core', 'transformers', 'httpx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_functions_of_libraries_are_known_by_name() -> None:
    """Those that are listed, and no others."""

    def completion() -> None:
        pass

    assert find_wrapper(completion) is None
    completion.__module__ = "litellm.main"
    assert find_wrapper(completion) is LITELLM
    assert find_wrapper(openai.OpenAI(api_key="x")) == replace(OPENAI, name="openai.OpenAI")
